"""Limit meta-analysis: the effect that studies of growing precision tend to (Rücker and others)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.weighted_regression import check_spread, fit_line, studies_of
from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import chi2_tail, normal_quantile, two_sided_normal
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["LimitMetaAnalysis", "limit_meta_analysis"]

_METHODS = ("beta0", "betalim", "mulim")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LimitMetaAnalysis(Framed):
    """An estimate adjusted for small-study effects, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The adjusted effect on the reporting scale, normal interval.
    limit_effects : EffectSizes
        The studies as they would be with unlimited precision (variances as observed): what the funnel of a
        limit meta-analysis shows.
    tau2 : ndarray
        Between-study variance of the plain model.
    intercept, slope : ndarray
        Of the radial plot with tau2: `intercept` is the small-study effect, `slope` the effect without it.
    q, q_small_study, q_residual : ndarray
        Cochran's Q, the part that the small-study effect explains (1 degree of freedom), and the rest
        (k - 2).
    q_small_study_pvalue, q_residual_pvalue : ndarray
        Their chi-square tails.
    g2 : ndarray
        In percent: heterogeneity that is left after allowing for the small-study effect.
    n_studies : ndarray
        Studies that entered.
    method : str
        "beta0", "betalim" or "mulim".
    """

    estimate: Estimate
    limit_effects: EffectSizes
    tau2: FloatArray
    intercept: FloatArray
    slope: FloatArray
    q: FloatArray
    q_small_study: FloatArray
    q_small_study_pvalue: FloatArray
    q_residual: FloatArray
    q_residual_pvalue: FloatArray
    g2: FloatArray
    n_studies: FloatArray
    method: str

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        for name in _ARRAYS:
            frame[name] = getattr(self, name).ravel()
        return frame

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.tau2.size != 1:
            return str(self.estimate)
        return (
            f"Limit meta-analysis ({self.method}): {self.estimate}; G² = {self.g2.item():.0f}%, "
            f"small-study effect Q = {self.q_small_study.item():.1f} (df = 1), "
            f"{self.n_studies.item():.0f} studies"
        )


_ARRAYS = (
    "tau2",
    "intercept",
    "slope",
    "q",
    "q_small_study",
    "q_small_study_pvalue",
    "q_residual",
    "q_residual_pvalue",
    "g2",
    "n_studies",
)


def limit_meta_analysis(
    effects: EffectSizes,
    *,
    method: str = "beta0",
    tau2: str | float = "REML",
    confidence_level: float = 0.95,
) -> LimitMetaAnalysis:
    """Adjust a random-effects meta-analysis for a small-study effect.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies.
    method : {"beta0", "betalim", "mulim"}, default "beta0"
        "beta0": the effect expected of a study of unlimited precision, which keeps the spread of true
        effects. "betalim": slope of the radial plot of the limit studies. "mulim": the same without
        intercept, their common-effect mean.
    tau2 : str or float, default "REML"
        As for `pool`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    LimitMetaAnalysis

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If fewer than three studies enter, all variances are equal, or an option is unknown.
    ConvergenceError
        If tau2 does not converge.

    Notes
    -----
    y = m + √(v + tau2)(a + e), e standard normal: the radial plot of y/√(v + tau2) on 1/√(v + tau2) has
    intercept a and slope m, and a study of unlimited precision expects beta0 = m + a tau. Its variance is
    that of this combination under unit dispersion. Limit studies: m + √(tau2/(v + tau2))(y - m). G² is
    1 - R² of their radial plot with weights 1/v. With tau2 = 0 all three methods give m, and G² is 0.

    References
    ----------
    Rücker G, Schwarzer G, Carpenter JR, Binder H, Schumacher M (2011). Treatment-effect estimates adjusted
    for small-study effects via a limit meta-analysis. Biostatistics 12:122-142.
    DOI 10.1093/biostatistics/kxq046

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[1.2, 0.7, 0.1, 0.6, 0.4, 0.1],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.01], measure="OR")
    >>> print(limit_meta_analysis(effects).estimate)
    1.09 (0.75 to 1.59)
    """
    check_choice("method", method, _METHODS)
    level = check_confidence_level(confidence_level)
    studies = studies_of(effects, least=3)
    y, v = studies.effect, studies.variance
    std_error = np.sqrt(v)
    check_spread(y, std_error, studies.inside, "std_error", None)
    between = np.atleast_1d(pool(effects, tau2=tau2, ci="wald").tau2).reshape(-1)
    # The regression of y on √(v + tau2) with weights 1/(v + tau2) is the radial plot turned round.
    total = v + between
    line = fit_line(y, np.sqrt(total), 1 / total)
    slope, intercept = line.intercept, line.slope
    tau = np.sqrt(between)
    limits = slope + np.sqrt(between / total) * (y - slope)
    plain = fit_line(y, std_error, 1 / v)
    limit_line = fit_line(limits, std_error, 1 / v)
    weight = 1 / v
    if method == "beta0":
        value, variance = slope + intercept * tau, _variance_at(total, tau)
    elif method == "betalim":
        value, variance = limit_line.intercept, limit_line.intercept_variance
    else:
        value, variance = (weight * limits).sum(axis=0) / weight.sum(axis=0), 1 / weight.sum(axis=0)
    mean = (weight * y).sum(axis=0) / weight.sum(axis=0)
    q = (weight * (y - mean) ** 2).sum(axis=0)
    residual = plain.dispersion * plain.df
    # Q is not below its residual part but by rounding.
    explained = np.maximum(0.0, q - residual)
    radial = limits / std_error
    spread = ((radial - radial.mean(axis=0)) ** 2).sum(axis=0)
    unexplained = np.where(between > 0, limit_line.dispersion * limit_line.df, 0.0)
    g2 = 100 * unexplained / np.where(spread > 0, spread, 1.0)
    shape = studies.shape
    half = normal_quantile((1 + level) / 2) * np.sqrt(variance)
    backward = scale_of(effects.scale).backward
    has_null = measure_of(effects.measure).null is not None
    return LimitMetaAnalysis(
        estimate=Estimate(
            measure=effects.measure,
            value=backward(value).reshape(shape),
            low=backward(value - half).reshape(shape),
            high=backward(value + half).reshape(shape),
            confidence_level=level,
            std_error=np.sqrt(variance).reshape(shape),
            scale=effects.scale,
            method=f"limit meta-analysis ({method})",
            pvalue=two_sided_normal(value / np.sqrt(variance)).reshape(shape) if has_null else None,
        ),
        limit_effects=EffectSizes(
            effect=limits.T.reshape((*shape, -1)),
            variance=v.T.reshape((*shape, -1)),
            measure=effects.measure,
            label=effects.label,
        ),
        tau2=between.reshape(shape),
        intercept=intercept.reshape(shape),
        slope=slope.reshape(shape),
        q=q.reshape(shape),
        q_small_study=explained.reshape(shape),
        q_small_study_pvalue=chi2_tail(explained, 1).reshape(shape),
        q_residual=residual.reshape(shape),
        q_residual_pvalue=chi2_tail(residual, plain.df).reshape(shape),
        g2=g2.reshape(shape),
        n_studies=studies.inside.sum(axis=0).reshape(shape),
        method=method,
    )


def _variance_at(total: FloatArray, tau: FloatArray) -> FloatArray:
    """Return the variance of the radial line at a standard error of tau: an unlimited study's own."""
    weight = 1 / total
    root = np.sqrt(total)
    sum_weight = weight.sum(axis=0)
    centre = (weight * root).sum(axis=0) / sum_weight
    variance: FloatArray = 1 / sum_weight + (tau - centre) ** 2 / (weight * (root - centre) ** 2).sum(axis=0)
    return variance
