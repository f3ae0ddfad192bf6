"""Limits of risk and odds ratios on the log scale: normal ones and those by the inverse hyperbolic sine.

What each method is for is said in `association`.

References
----------
Price RM, Bonett DG (2008). Confidence intervals for a ratio of two independent binomial proportions. Stat Med
27:5497-5508. (Citation not verified.)

Fagerland MW, Newcombe RG (2013). Confidence intervals for odds ratio and relative risk based on the inverse
hyperbolic sine transformation. Stat Med 32:2823-2836. DOI 10.1002/sim.5714
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.cells import Cells, Inverted
from analysis.measures.methods.wald import log_wald
from analysis.values.distributions import normal_quantile, two_sided_normal

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "adjusted_sinh_odds",
    "adjusted_sinh_ratio",
    "gart",
    "independence_smoothed",
    "katz",
    "price_bonett",
    "sinh_odds",
    "sinh_ratio",
    "walter",
    "woolf",
]


def _ratio_variance(cells: Cells) -> FloatArray:
    return 1 / cells.a - 1 / cells.exposed + 1 / cells.c - 1 / cells.control


def _odds_variance(cells: Cells) -> FloatArray:
    return 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d


def _log_wald(ratio: FloatArray, variance: FloatArray, level: float) -> Inverted:
    low, high, std_error, pvalue = log_wald(ratio, variance, level)
    return Inverted(ratio, low, high, std_error, pvalue)


def katz(cells: Cells, level: float) -> Inverted:
    """Return the normal interval of the log risk ratio."""
    return _log_wald(cells.ratio, _ratio_variance(cells), level)


def _with_more(cells: Cells, cases: float, noncases: float, level: float) -> Inverted:
    a, c = cells.a + cases, cells.c + cases
    n1, n0 = cells.exposed + cases + noncases, cells.control + cases + noncases
    return _log_wald((a * n0) / (c * n1), 1 / a - 1 / n1 + 1 / c - 1 / n0, level)


def walter(cells: Cells, level: float) -> Inverted:
    """Return the normal interval after adding half a case and half a person to either arm."""
    return _with_more(cells, 0.5, 0.0, level)


def price_bonett(cells: Cells, level: float) -> Inverted:
    """Return the normal interval after adding a quarter of a case and 1.5 non-cases to either arm."""
    return _with_more(cells, 0.25, 1.5, level)


def woolf(cells: Cells, level: float) -> Inverted:
    """Return the normal interval of the log odds ratio."""
    return _log_wald(cells.odds, _odds_variance(cells), level)


def gart(cells: Cells, level: float) -> Inverted:
    """Return Woolf's interval with 0.5 added to every cell."""
    return woolf(cells.plus(0.5), level)


def independence_smoothed(cells: Cells, level: float) -> Inverted:
    """Return Woolf's interval of cells to which twice what independence expects of one person is added."""
    # Agresti 1999.
    n1, n0, m1, m0 = cells.exposed, cells.control, cells.a + cells.c, cells.b + cells.d
    share = 2 / (n1 + n0) ** 2
    smoothed = Cells(
        cells.a + share * n1 * m1,
        cells.b + share * n1 * m0,
        cells.c + share * n0 * m1,
        cells.d + share * n0 * m0,
    )
    return woolf(smoothed, level)


def _inverse_sinh(above: FloatArray, below: FloatArray, variance: FloatArray, level: float) -> Inverted:
    """Return exp(log ratio ± 2 asinh(z SE / 2)); its P-value solves that for z at a ratio of 1.

    The ratio is the product of the cells `above` over that of those `below`, of shape (2, ...). As one cell
    goes to 0 the limit on its side goes to the ratio with that cell 1, times (or over) z².
    """
    top, bottom = above[0] * above[1], below[0] * below[1]
    ratio = top / bottom
    quantile = normal_quantile((1 + level) / 2)
    std_error = np.sqrt(variance)
    # exp(2 asinh x) is (x + √(1 + x²))², and 2 sinh(log(ratio)/2) is √ratio - 1/√ratio.
    x = quantile / 2 * std_error
    factor = (x + np.sqrt(1 + x * x)) ** 2
    root = np.sqrt(ratio)
    low, high = np.asarray(ratio / factor), np.asarray(ratio * factor)
    pvalue = two_sided_normal((root - 1 / root) / std_error)
    unbounded = ~((top > 0) & (bottom > 0))
    if unbounded.any():
        parts = above[:, unbounded], below[:, unbounded]
        low[unbounded], high[unbounded], pvalue[unbounded] = _at_the_end(*parts, quantile**2)
    return Inverted(ratio, low, high, None, pvalue)


def _at_the_end(
    above: FloatArray, below: FloatArray, square: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return limits and P-values of ratios with an empty cell; `square` is z²."""
    empty_above, empty_below = (above == 0).sum(axis=0), (below == 0).sum(axis=0)
    filled = np.where(above == 0, 1.0, above).prod(axis=0) / np.where(below == 0, 1.0, below).prod(axis=0)
    no_numerator = (empty_above == 1) & (empty_below == 0)
    no_denominator = (empty_above == 0) & (empty_below == 1)
    high = np.where(no_numerator, filled * square, np.inf)
    low = np.where(no_denominator, filled / square, 0.0)
    z = np.where(no_numerator, 1 / np.sqrt(filled), np.sqrt(filled))
    return low, high, np.where(no_numerator | no_denominator, two_sided_normal(z), np.nan)


def _sinh_of_ratio(cells: Cells, variance: FloatArray, level: float) -> Inverted:
    above, below = np.stack([cells.a, cells.control]), np.stack([cells.c, cells.exposed])
    return _inverse_sinh(above, below, variance, level)


def sinh_ratio(cells: Cells, level: float) -> Inverted:
    """Return the inverse hyperbolic sine interval of the risk ratio."""
    return _sinh_of_ratio(cells, _ratio_variance(cells), level)


def adjusted_sinh_ratio(cells: Cells, level: float) -> Inverted:
    """Return the same with one person added to either arm in the standard error."""
    variance = 1 / cells.a - 1 / (cells.exposed + 1) + 1 / cells.c - 1 / (cells.control + 1)
    return _sinh_of_ratio(cells, variance, level)


def sinh_odds(cells: Cells, level: float) -> Inverted:
    """Return the inverse hyperbolic sine interval of the odds ratio."""
    above, below = np.stack([cells.a, cells.d]), np.stack([cells.b, cells.c])
    return _inverse_sinh(above, below, _odds_variance(cells), level)


def adjusted_sinh_odds(cells: Cells, level: float) -> Inverted:
    """Return the same with 0.45 added to each cell for the centre and 0.25 for the standard error."""
    centre, spread = cells.plus(0.45).odds, np.sqrt(_odds_variance(cells.plus(0.25)))
    factor = np.exp(2 * np.arcsinh(normal_quantile((1 + level) / 2) * spread / 2))
    z = 2 * np.sinh(np.abs(np.log(centre)) / 2) / spread
    return Inverted(centre, centre / factor, centre * factor, None, two_sided_normal(z))
