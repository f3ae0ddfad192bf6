"""Interaction on the additive scale: the delta method, MOVER and the bootstrap for its three measures.

Each takes the log ratios of the three exposed groups against those with neither exposure. The public
functions are in `interaction`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.correction import check_correction
from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray
    from analysis.values.factorial import TwoByFour

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["MEASURES", "bootstrap", "delta", "mover"]

MEASURES = ("RERI", "AP", "SI")

# Beyond this many standard errors a P-value is 0 in double precision.
_Z_END = 38.0


def delta(
    code: str, coefficients: FloatArray, covariance: FloatArray, *, level: float, correction: float | None
) -> Estimate:
    """Return Hosmer and Lemeshow's estimate, from three log ratios and their covariance."""
    value = _values(coefficients)[code]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        first, second, both = np.moveaxis(np.exp(coefficients), -1, 0)
        # Derivatives with respect to the three log ratios.
        if code == "RERI":
            slopes = (-first, -second, both)
        elif code == "AP":
            slopes = (-first / both, -second / both, (first + second - 1) / both)
        else:
            separate = first + second - 2
            slopes = (-first / separate, -second / separate, both / (both - 1))
        gradient = np.stack(slopes, axis=-1)
        variance = np.einsum("...i,...ij,...j->...", gradient, covariance, gradient)
        known = np.isfinite(value) & np.isfinite(variance)
        std_error = np.sqrt(np.where(known, np.maximum(variance, 0.0), np.inf))
        half = normal_quantile((1 + level) / 2) * std_error
        pvalue = np.where(known, two_sided_normal(np.where(known, value, 0.0) / std_error), np.nan)
        return _estimate(
            code,
            value,
            value - half,
            value + half,
            pvalue,
            std_error=std_error,
            method="delta",
            level=level,
            correction=correction,
        )


def mover(
    code: str, coefficients: FloatArray, covariance: FloatArray, *, level: float, correction: float | None
) -> Estimate:
    """Return Zou's estimate, from three log ratios and their covariance."""
    value = _values(coefficients)[code]
    finite = np.isfinite(covariance).all(axis=(-2, -1)) & np.isfinite(coefficients).all(axis=-1)
    known = np.asarray(finite & np.isfinite(value))
    b, v = coefficients[known], covariance[known]
    if code == "AP":
        # With those who have both exposures as the reference, AP is what RERI was.
        change = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0], [0.0, 0.0, -1.0]])
        b, v = b @ change.T, change @ v @ change.T
    limits = _excess_limits if code != "SI" else _synergy_limits
    shape = value.shape
    parts = _elements(b, v)
    low, high, pvalue = np.full(shape, -np.inf), np.full(shape, np.inf), np.full(shape, np.nan)
    z = np.full(int(known.sum()), normal_quantile((1 + level) / 2))
    low[known], high[known] = limits(z, *parts)
    pvalue[known] = _inverted_pvalue(limits, value[known], parts)
    return _estimate(
        code, value, low, high, pvalue, std_error=None, method="mover", level=level, correction=correction
    )


def bootstrap(
    table: TwoByFour,
    coefficients: FloatArray,
    *,
    measure: str,
    level: float,
    correction: float | None,
    draws: int,
    rng: np.random.Generator | int | None,
) -> tuple[dict[str, Estimate], FloatArray]:
    """Return the measures by their codes, and the fraction of draws in which one was undefined."""
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)):
        raise TypeError(f"`draws` must be a whole number, but got {draws!r}.")
    if draws < 100:
        raise ValueError(f"`draws` must be at least 100, but got {draws}.")
    generator = np.random.default_rng(rng)
    where = check_correction(correction) * table.has_zero_cell[..., np.newaxis]
    totals = table.totals + 2 * where
    with np.errstate(divide="ignore", invalid="ignore"):
        risks = np.where(totals > 0, (table.cases + where) / totals, 0.0)
        cases = generator.binomial(table.totals.astype(np.int64), risks, size=(draws, *risks.shape))
        # Draws carry the correction of their table, as its estimate does.
        numerator, all_ = cases + where, totals
        logs = np.log(numerator / all_) if measure == "RR" else np.log(numerator / (all_ - numerator))
        drawn = _values(logs[..., :3] - logs[..., 3:])
    observed = _values(coefficients)
    parts, undefined = {}, np.zeros(table.shape)
    for code in MEASURES:
        sample = np.where(np.isfinite(drawn[code]), drawn[code], np.nan)
        missing = np.isnan(sample).mean(axis=0)
        undefined = np.maximum(undefined, missing)
        none = np.isnan(observed[code]) | (missing == 1)
        low, high = np.nanquantile(np.where(none, 0.0, sample), [(1 - level) / 2, (1 + level) / 2], axis=0)
        below, above = (sample <= 0).sum(axis=0), (sample >= 0).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            pvalue = np.minimum(1.0, 2 * np.minimum(below, above) / (draws * (1 - missing)))
        parts[code] = _estimate(
            code,
            observed[code],
            np.where(none, np.nan, low),
            np.where(none, np.nan, high),
            np.where(none, np.nan, pvalue),
            std_error=None,
            method="bootstrap",
            level=level,
            correction=correction,
        )
    return parts, undefined


def _values(coefficients: FloatArray) -> dict[str, FloatArray]:
    """Return the measures, the synergy index on the log scale."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        first, second, both = np.moveaxis(np.exp(coefficients), -1, 0)
        reri = both - first - second + 1
        joint, separate = both - 1, first + second - 2
        synergic = (joint > 0) & (separate > 0)
        index = np.log(np.where(synergic, joint, np.nan)) - np.log(np.where(synergic, separate, np.nan))
        return {"RERI": reri, "AP": reri / both, "SI": index}


def _estimate(
    code: str,
    value: FloatArray,
    low: FloatArray,
    high: FloatArray,
    pvalue: FloatArray,
    *,
    std_error: FloatArray | None,
    method: str,
    level: float,
    correction: float | None,
) -> Estimate:
    """Return the estimate on its reporting scale; unbounded where a limit is not known."""
    low = np.where(np.isnan(low), -np.inf, low)
    high = np.where(np.isnan(high), np.inf, high)
    if code == "SI":
        with np.errstate(over="ignore"):
            value, low, high = np.exp(value), np.exp(low), np.exp(high)
    return Estimate(
        measure=code,
        value=value,
        low=low,
        high=high,
        confidence_level=level,
        std_error=std_error,
        scale=measure_of(code).scale,
        method=method,
        pvalue=pvalue,
        correction=correction,
    )


def _elements(b: FloatArray, v: FloatArray) -> list[FloatArray]:
    """Return log ratios, standard errors and correlations (12, 13, 23), one array each."""
    s = np.sqrt(np.maximum(np.diagonal(v, axis1=-2, axis2=-1), 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = [v[:, i, j] / (s[:, i] * s[:, j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    return [*b.T, *s.T, *(np.nan_to_num(r) for r in correlation)]


def _excess_limits(
    z: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    b3: FloatArray,
    s1: FloatArray,
    s2: FloatArray,
    s3: FloatArray,
    r12: FloatArray,
    r13: FloatArray,
    r23: FloatArray,
) -> Limits:
    """Zou's limits of R3 - R1 - R2 + 1 from those of the ratios."""
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = [np.exp(b) for b in (b1, b2, b3)]
        # How far each ratio is from its lower and its upper limit.
        down = [ratio * -np.expm1(-z * s) for ratio, s in zip(ratios, (s1, s2, s3), strict=True)]
        up = [ratio * np.expm1(z * s) for ratio, s in zip(ratios, (s1, s2, s3), strict=True)]
        value = ratios[2] - ratios[0] - ratios[1] + 1

        def reach(x: FloatArray, y: FloatArray, w: FloatArray) -> FloatArray:
            square = x**2 + y**2 + w**2 + 2 * (r12 * x * y - r13 * x * w - r23 * y * w)
            return np.sqrt(np.maximum(square, 0.0))

        return value - reach(up[0], up[1], down[2]), value + reach(down[0], down[1], up[2])


def _synergy_limits(
    z: FloatArray,
    b1: FloatArray,
    b2: FloatArray,
    b3: FloatArray,
    s1: FloatArray,
    s2: FloatArray,
    s3: FloatArray,
    r12: FloatArray,
    r13: FloatArray,
    r23: FloatArray,
) -> Limits:
    """Limits of log(R3 - 1) - log(R1 + R2 - 2): the difference of two, the second a sum of two."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        first, second, both = np.exp(b1), np.exp(b2), np.exp(b3)
        joint, separate = both - 1, first + second - 2
        spread = np.sqrt((first * s1) ** 2 + (second * s2) ** 2 + 2 * r12 * first * s1 * second * s2)
        correlation = (r13 * first * s1 + r23 * second * s2) / spread
        down1, down2 = first * -np.expm1(-z * s1), second * -np.expm1(-z * s2)
        up1, up2 = first * np.expm1(z * s1), second * np.expm1(z * s2)
        low_separate = separate - np.sqrt(down1**2 + down2**2 + 2 * r12 * down1 * down2)
        high_separate = separate + np.sqrt(up1**2 + up2**2 + 2 * r12 * up1 * up2)
        # An excess whose limit is not positive leaves the index unbounded on that side.
        log_joint, log_separate = np.log(joint), np.log(separate)
        joint_down = log_joint - np.log(np.maximum(both - both * -np.expm1(-z * s3) - 1, 0.0))
        joint_up = np.log(both * np.exp(z * s3) - 1) - log_joint
        separate_down = log_separate - np.log(np.maximum(low_separate, 0.0))
        separate_up = np.log(high_separate) - log_separate
        value = log_joint - log_separate

        def reach(x: FloatArray, y: FloatArray) -> FloatArray:
            square = x**2 + y**2 - 2 * correlation * x * y
            return np.where(np.isinf(x) | np.isinf(y), np.inf, np.sqrt(np.maximum(square, 0.0)))

        return value - reach(joint_down, separate_up), value + reach(joint_up, separate_down)


def _inverted_pvalue(limits: Callable[..., Limits], value: FloatArray, parts: list[FloatArray]) -> FloatArray:
    """Return the P-value at whose level the interval ends at no interaction."""
    pvalue = np.ones(value.size)
    sign = np.sign(value)

    def inside(z: FloatArray, side: FloatArray, *elements: FloatArray) -> FloatArray:
        low, high = limits(z, *elements)
        end = np.where(side > 0, low, -high)
        # Overflow means far beyond.
        return np.where(np.isnan(end), -np.inf, end)

    searched = np.flatnonzero(sign != 0)
    chosen = [part[searched] for part in parts]
    far = np.full(searched.size, _Z_END)
    if searched.size:
        reached = inside(far, sign[searched], *chosen) <= 0
        pvalue[searched[~reached]] = two_sided_normal(_Z_END)
        chosen = [part[reached] for part in chosen]
        searched = searched[reached]
    if searched.size:
        z = find_root(
            inside,
            np.zeros(searched.size),
            np.full(searched.size, _Z_END),
            sign[searched],
            *chosen,
            what="the P-value of the interaction",
        )
        pvalue[searched] = two_sided_normal(z)
    return pvalue
