"""Score limits of one risk ratio or risk difference over strata, with the weights of Mantel and Haenszel.

The scores of the strata are summed with weights n1 n0/N; their variances and third central moments, each
under the ratio or difference in question, with the squares and cubes of the weights. The last axis is strata.

References
----------
Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
DOI 10.1002/sim.4780040211

Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
DOI 10.1002/pst.1813
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.score import invert_difference, invert_ratio
from analysis.measures.methods.skewness import (
    moments_of_difference,
    moments_of_risk_ratio,
    standardized,
)
from analysis.values.distributions import two_sided_normal

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["stratified_score"]


def stratified_score(
    measure: str,
    value: FloatArray,
    strata: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    level: float,
    *,
    corrected: bool,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return both limits and the P-value of no effect.

    Parameters
    ----------
    measure : {"RR", "RD"}
        Risk ratio or risk difference.
    value : ndarray
        The Mantel-Haenszel estimate, of the leading axes; NaN where the strata say nothing.
    strata : tuple of ndarray
        Exposed cases and total, control cases and total.
    level : float
        In (0, 1).
    corrected : bool
        Whether for skewness.
    """
    moments = moments_of_risk_ratio if measure == "RR" else moments_of_difference
    x1, n1, x0, n0 = (part.reshape(-1, part.shape[-1]) for part in strata)
    # A stratum with one arm weighs nothing; 1 keeps its quotients finite.
    both = (n1 > 0) & (n0 > 0)
    x1, x0 = np.where(both, x1, 0.0), np.where(both, x0, 0.0)
    n1, n0 = np.where(both, n1, 1.0), np.where(both, n0, 1.0)
    total = n1 + n0
    weight, inflation = np.where(both, n1 * n0 / total, 0.0), total / (total - 1)

    def statistic(parameter: FloatArray, position: FloatArray) -> FloatArray:
        rows = position.astype(np.intp)
        parts = (part[rows] for part in (x1, n1, x0, n0, inflation))
        deviation, variance, third = moments(parameter[:, None], *parts)
        w = weight[rows]
        # What carries no weight may have no variance.
        deviation, variance, third = (
            (w * np.where(w > 0, deviation, 0.0)).sum(axis=-1),
            (w**2 * np.where(w > 0, variance, 0.0)).sum(axis=-1),
            (w**3 * np.where(w > 0, third, 0.0)).sum(axis=-1),
        )
        return standardized(deviation, variance, third if corrected else np.zeros_like(third))

    flat = value.ravel()
    informative = ~np.isnan(flat)
    position = np.arange(flat.size, dtype=np.float64)
    invert = invert_ratio if measure == "RR" else invert_difference
    low, high = invert(statistic, flat, informative, level, position, what="the stratified score limit")
    with np.errstate(all="ignore"):
        pvalue = np.where(informative, two_sided_normal(statistic(np.zeros(flat.size), position)), np.nan)
    return low.reshape(value.shape), high.reshape(value.shape), pvalue.reshape(value.shape)
