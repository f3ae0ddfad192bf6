"""The normal interval that log and Wald methods share, and its one table of outcomes for empty cells.

What a table without information gives: value NaN, limits the ends of the scale, P-value NaN. What a table
with an infinite or zero ratio gives: that value, limits the ends of the scale, infinite standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import check_confidence_level
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["log_ratio_estimate", "log_wald", "wald_difference"]


def log_ratio_estimate(
    *,
    measure: str,
    ratio: FloatArray,
    variance: FloatArray,
    method: str,
    confidence_level: float,
    correction: float | None = None,
) -> Estimate:
    """Return the Wald interval of a log ratio, back on the ratio scale.

    `ratio` may be 0, infinite or NaN and `variance` infinite or NaN; see the module docstring.
    """
    level = check_confidence_level(confidence_level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high, std_error, pvalue = log_wald(ratio, variance, level)
    return Estimate(
        measure=measure,
        value=ratio,
        low=low,
        high=high,
        confidence_level=level,
        std_error=std_error,
        scale=measure_of(measure).scale,
        method=method,
        pvalue=pvalue,
        correction=correction,
    )


def log_wald(
    ratio: FloatArray, variance: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return limits, standard error of the log and P-value; floating-point warnings are the caller's."""
    std_error = np.asarray(np.sqrt(variance))
    factor = np.exp(normal_quantile((1 + level) / 2) * std_error)
    low, high = np.asarray(ratio / factor), np.asarray(ratio * factor)
    pvalue = two_sided_normal(np.log(ratio) / std_error)
    # A ratio of 0, infinity or nothing has an infinite or missing logarithm, and so no finite variance.
    unbounded = ~(np.isfinite(std_error) & (ratio > 0) & (ratio < np.inf))
    if unbounded.any():
        low[unbounded], high[unbounded], std_error[unbounded], pvalue[unbounded] = 0.0, np.inf, np.inf, np.nan
    return low, high, std_error, pvalue


def wald_difference(
    *,
    measure: str,
    difference: FloatArray,
    variance: FloatArray,
    method: str,
    confidence_level: float,
    ends: tuple[float, float] = (-np.inf, np.inf),
    correction: float | None = None,
) -> Estimate:
    """Return the Wald interval of a difference, cut to `ends` (-1 and 1 for risks).

    A variance of 0 (no event in either arm, or only events) is no knowledge: the standard error is 0 as
    Wald's formula says, the interval is the single point, the P-value NaN.
    """
    level = check_confidence_level(confidence_level)
    half = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.sqrt(variance)
        low = np.maximum(difference - half * std_error, ends[0])
        high = np.minimum(difference + half * std_error, ends[1])
        known = np.isfinite(difference)
        pvalue = two_sided_normal(difference / std_error)
    return Estimate(
        measure=measure,
        value=difference,
        low=np.where(known, low, ends[0]),
        high=np.where(known, high, ends[1]),
        confidence_level=level,
        std_error=std_error,
        scale=measure_of(measure).scale,
        method=method,
        pvalue=pvalue,
        correction=correction,
    )
