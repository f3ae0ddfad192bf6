"""Interaction of two exposures on the additive scale: excess risk, attributable proportion, synergy index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.correction import check_correction
from analysis.measures.methods.roots import find_root
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.factorial import TwoByFour

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["AdditiveInteraction", "additive_interaction", "additive_interaction_from_estimates"]

# Beyond this many standard errors a P-value is 0 in double precision.
_Z_END = 38.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdditiveInteraction(Framed):
    """The three measures of interaction on the additive scale.

    Parameters
    ----------
    reri : Estimate
        Relative excess risk due to interaction, R11 - R10 - R01 + 1; 0 without interaction.
    attributable_proportion : Estimate
        RERI over R11; 0 without interaction.
    synergy_index : Estimate
        (R11 - 1) over (R10 + R01 - 2); 1 without interaction. NaN where either excess is not positive: the
        index means nothing for exposures that prevent.
    undefined_draws : ndarray or None
        For the bootstrap: the fraction of draws in which a ratio was undefined, left out of its interval;
        None for other methods.
    """

    reri: Estimate
    attributable_proportion: Estimate
    synergy_index: Estimate
    undefined_draws: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.undefined_draws is not None:
            object.__setattr__(self, "undefined_draws", read_only(self.undefined_draws))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tables; () for one."""
        return self.reri.shape

    def to_frame(self) -> pd.DataFrame:
        """Return the three measures under one another, at full precision."""
        import pandas as pd

        parts = (self.reri, self.attributable_proportion, self.synergy_index)
        return pd.concat([part.to_frame() for part in parts], ignore_index=True)

    def __str__(self) -> str:
        """Return one line a measure, or the excess risks alone for an array."""
        if self.shape:
            return str(self.reri)
        parts = (self.reri, self.attributable_proportion, self.synergy_index)
        width = max(len(measure_of(part.measure).label) for part in parts)
        return "\n".join(f"{measure_of(part.measure).label:<{width}}  {part}" for part in parts)


def additive_interaction(
    table: TwoByFour,
    *,
    measure: str = "RR",
    method: str = "delta",
    confidence_level: float = 0.95,
    correction: float | None = None,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> AdditiveInteraction:
    """Estimate the interaction of two exposures on the additive scale.

    Parameters
    ----------
    table : TwoByFour
        One table or an array of tables.
    measure : {"RR", "OR"}, default "RR"
        The ratio of each group to those with neither exposure: risk ratios, or odds ratios in a
        case-control study.
    method : {"delta", "mover", "bootstrap"}, default "delta"
        "delta" (Hosmer and Lemeshow) is what most papers print; its interval is symmetric although the
        estimates are skewed. "mover" (Zou) recovers the variances from the asymmetric intervals of the
        ratios and is closer to its level. "bootstrap" takes percentiles of tables whose cases are drawn
        anew from the binomial distribution in each of the four groups.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all eight cells of tables that have an empty cell. By default nothing is, and an empty cell
        leaves the interval unbounded.
    draws : int, default 10000
        Of the bootstrap.
    rng : numpy.random.Generator or int, optional
        Of the bootstrap; a whole number makes it reproducible.

    Returns
    -------
    AdditiveInteraction
        Estimates of the shape of `table`. `std_error` is the delta method's, on the log scale for the
        synergy index, and None for the other methods.

    Raises
    ------
    TypeError, ValueError
        If an argument is unknown or outside its range.

    Notes
    -----
    Code the exposures so that those with neither have the lowest risk; with preventive exposures the three
    measures contradict one another.

    References
    ----------
    Hosmer DW, Lemeshow S (1992). Confidence interval estimation of interaction. Epidemiology 3:452-456.
    DOI 10.1097/00001648-199209000-00012

    Zou GY (2008). On the estimation of additive interaction by use of the four-by-two table and beyond. Am J
    Epidemiol 168:212-224. DOI 10.1093/aje/kwn104

    Examples
    --------
    Oral cancer, smoking and alcohol, the example of Hosmer and Lemeshow 1992 and of Zou 2008:

    >>> from analysis.values.factorial import TwoByFour
    >>> table = TwoByFour(both_cases=225, both_total=391, first_cases=8, first_total=26,
    ...                   second_cases=6, second_total=18, neither_cases=3, neither_total=23)
    >>> print(additive_interaction(table, measure="OR"))
    Relative excess risk due to interaction     3.74 (−1.84 to 9.32)
    Attributable proportion due to interaction  0.41 (−0.07 to 0.90)
    Synergy index                               1.87 (0.65 to 5.42)
    """
    check_choice("measure", measure, ("RR", "OR"))
    check_choice("method", method, ("delta", "mover", "bootstrap"))
    level = check_confidence_level(confidence_level)
    added = check_correction(correction)
    where = added * table.has_zero_cell[..., np.newaxis]
    cases, totals = table.cases + where, table.totals + 2 * where
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "RR":
            logs, variances = np.log(cases / totals), 1 / cases - 1 / totals
        else:
            logs = np.log(cases / (totals - cases))
            variances = 1 / cases + 1 / (totals - cases)
        coefficients = logs[..., :3] - logs[..., 3:]
        # All three ratios share the group with neither exposure.
        covariance = variances[..., :3, np.newaxis] * np.eye(3) + variances[..., 3:, np.newaxis]
        # 0 times an infinite variance is no covariance, it is none known.
        known = np.asarray(np.isfinite(variances).all(axis=-1))
        covariance = np.where(known[..., np.newaxis, np.newaxis], covariance, np.inf)
    if method == "bootstrap":
        return _bootstrap(
            table, coefficients, measure=measure, level=level, correction=correction, draws=draws, rng=rng
        )
    return _from_logs(coefficients, covariance, method=method, level=level, correction=correction)


def additive_interaction_from_estimates(
    coefficients: ArrayLike,
    covariance: ArrayLike,
    *,
    coding: str = "groups",
    method: str = "delta",
    confidence_level: float = 0.95,
) -> AdditiveInteraction:
    """Estimate interaction on the additive scale from the output of a regression on the log scale.

    Parameters
    ----------
    coefficients : array_like
        Log ratios (of odds, risks, rates or hazards), three on the last axis.
    covariance : array_like
        Their covariance matrices on the last two axes.
    coding : {"groups", "product"}, default "groups"
        "groups": first exposure only, second only, and both, each against neither. "product": first, second
        and product term.
    method : {"delta", "mover"}, default "delta"
        As for `additive_interaction`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    AdditiveInteraction
        Of the shape of the leading axes.

    Raises
    ------
    TypeError
        If an argument is not numeric.
    ValueError
        If an argument is unknown, the shapes are not (..., 3) and (..., 3, 3), a number is not finite or the
        matrix is not symmetric with positive variances.

    References
    ----------
    As for `additive_interaction`.
    """
    check_choice("coding", coding, ("groups", "product"))
    check_choice("method", method, ("delta", "mover"))
    level = check_confidence_level(confidence_level)
    logs, matrix = as_numbers("coefficients", coefficients), as_numbers("covariance", covariance)
    if logs.shape[-1:] != (3,):
        raise ValueError(f"`coefficients` must have three on the last axis, but has the shape {logs.shape}.")
    if matrix.shape[-2:] != (3, 3):
        raise ValueError(f"`covariance` must be 3 by 3 on the last axes, but has the shape {matrix.shape}.")
    if not (np.isfinite(logs).all() and np.isfinite(matrix).all()):
        raise ValueError("`coefficients` and `covariance` must be finite.")
    variances = np.diagonal(matrix, axis1=-2, axis2=-1)
    symmetric = np.allclose(matrix, np.swapaxes(matrix, -1, -2), rtol=1e-6, atol=1e-12)
    if not symmetric or not (variances > 0).all():
        raise ValueError("`covariance` must be symmetric with positive variances on its diagonal.")
    if coding == "product":
        joint = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
        logs, matrix = logs @ joint.T, joint @ matrix @ joint.T
    logs, matrix = np.broadcast_arrays(logs[..., np.newaxis], matrix)
    return _from_logs(logs[..., 0], matrix, method=method, level=level, correction=None)


def _from_logs(
    coefficients: FloatArray, covariance: FloatArray, *, method: str, level: float, correction: float | None
) -> AdditiveInteraction:
    solve = _delta if method == "delta" else _mover
    parts = {
        code: solve(code, coefficients, covariance, level=level, correction=correction)
        for code in ("RERI", "AP", "SI")
    }
    return AdditiveInteraction(
        reri=parts["RERI"], attributable_proportion=parts["AP"], synergy_index=parts["SI"]
    )


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


def _delta(
    code: str, coefficients: FloatArray, covariance: FloatArray, *, level: float, correction: float | None
) -> Estimate:
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


def _mover(
    code: str, coefficients: FloatArray, covariance: FloatArray, *, level: float, correction: float | None
) -> Estimate:
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


def _bootstrap(
    table: TwoByFour,
    coefficients: FloatArray,
    *,
    measure: str,
    level: float,
    correction: float | None,
    draws: int,
    rng: np.random.Generator | int | None,
) -> AdditiveInteraction:
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
    for code in ("RERI", "AP", "SI"):
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
    return AdditiveInteraction(
        reri=parts["RERI"],
        attributable_proportion=parts["AP"],
        synergy_index=parts["SI"],
        undefined_draws=undefined,
    )
