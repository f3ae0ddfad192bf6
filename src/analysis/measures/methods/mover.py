"""Limits of two proportions that are put together from Wilson limits of either proportion.

Differences by squaring and adding (Newcombe), ratios and odds ratios by recovered variances (Donner and Zou).
What each method is for is said in `association`.

References
----------
Newcombe RG (1998). Interval estimation for the difference between independent proportions. Stat Med
17:873-890. DOI 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

Donner A, Zou GY (2012). Closed-form confidence intervals for functions of the normal mean and standard
deviation. Stat Methods Med Res 21:347-359. (Citation not verified.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.cells import Cells, Inverted
from analysis.measures.methods.inversion import pvalue_of_interval
from analysis.measures.methods.one_proportion import wilson_limits
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import BoolArray, FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["mover_odds", "mover_ratio", "newcombe"]


def _from_limits(
    cells: Cells,
    value: FloatArray,
    level: float,
    null: float,
    limits: Callable[[FloatArray, Cells], Limits],
    what: str,
) -> Inverted:
    """Return limits that are a function of z, with the P-value of the z at which one of them is the null."""

    def excess(z: FloatArray, *parts: FloatArray) -> FloatArray:
        below, above = limits(z, Cells(*parts))
        return np.maximum(below - null, null - above)

    low, high = limits(np.asarray(normal_quantile((1 + level) / 2)), cells)
    pvalue = pvalue_of_interval(excess, *cells, what=what)
    return Inverted(value, low, high, None, np.where(np.isnan(value), np.nan, pvalue))


def _wilson_of(cells: Cells, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    l1, u1 = wilson_limits(cells.a, cells.exposed, z)
    l0, u0 = wilson_limits(cells.c, cells.control, z)
    return l1, u1, l0, u0


def newcombe(cells: Cells, level: float) -> Inverted:
    """Return Newcombe's interval of the risk difference, which may pass the ends of the scale."""
    return _from_limits(cells, cells.difference, level, 0.0, _newcombe_limits, "Newcombe's P-value")


def _newcombe_limits(z: FloatArray, cells: Cells) -> Limits:
    p1, p0 = cells.a / cells.exposed, cells.c / cells.control
    l1, u1, l0, u0 = _wilson_of(cells, z)
    return p1 - p0 - np.hypot(p1 - l1, u0 - p0), p1 - p0 + np.hypot(u1 - p1, p0 - l0)


def mover_ratio(cells: Cells, level: float) -> Inverted:
    """Return Donner and Zou's interval of the risk ratio."""
    result = _from_limits(cells, cells.ratio, level, 1.0, _ratio_limits, "the MOVER P-value of a risk ratio")
    empty = (cells.exposed == 0) | (cells.control == 0) | (cells.a + cells.c == 0)
    return _unless_empty(result, empty)


def _ratio_limits(z: FloatArray, cells: Cells) -> Limits:
    return _quotient(cells.a / cells.exposed, cells.c / cells.control, *_wilson_of(cells, z))


def _quotient(
    first: FloatArray, second: FloatArray, l1: FloatArray, u1: FloatArray, l0: FloatArray, u0: FloatArray
) -> Limits:
    """Return the limits of a ratio of two parts from the limits of both."""
    # The roots of Y R² - 2 first second R + X = 0, the lower one as a quotient without cancellation.
    product = first * second
    above, below = l1 * (2 * first - l1), u0 * (2 * second - u0)
    low = above / (product + np.sqrt(np.maximum(product**2 - above * below, 0.0)))
    above, below = u1 * (2 * first - u1), l0 * (2 * second - l0)
    high = (product + np.sqrt(np.maximum(product**2 - above * below, 0.0))) / below
    # Nothing in the second part: an infinite ratio, from the point z = 0 on.
    low = np.where(first > 0, np.where(u0 == 0, np.inf, low), 0.0)
    return low, np.where(second > 0, high, np.inf)


def mover_odds(cells: Cells, level: float) -> Inverted:
    """Return Donner and Zou's interval of the odds ratio from Wilson's limits of either odds.

    Where an arm has only cases its odds are infinite: there the odds of the non-cases are compared.
    """
    a, b, c, d = cells
    turned = (b == 0) | (d == 0)
    finite = Cells(
        np.where(turned, b, a), np.where(turned, a, b), np.where(turned, d, c), np.where(turned, c, d)
    )
    # Without a margin there are no odds, and with infinite odds against odds of 0 no limits of them.
    empty = (a + b == 0) | (c + d == 0) | (a + c == 0) | (b + d == 0)
    empty |= ((a == 0) & (d == 0)) | ((b == 0) & (c == 0))
    some = Cells(*(np.where(empty, 1.0, part) for part in finite))
    what = "the MOVER P-value of an odds ratio"
    result = _from_limits(some, some.odds, level, 1.0, _odds_limits, what)
    low, high = (
        np.where(turned, 1 / result.high, result.low),
        np.where(turned, 1 / result.low, result.high),
    )
    return _unless_empty(result._replace(value=cells.odds, low=low, high=high), empty)


def _odds_limits(z: FloatArray, cells: Cells) -> Limits:
    a, b, c, d = cells
    limits = (
        _lower_odds(a, b, z),
        1 / _lower_odds(b, a, z),
        _lower_odds(c, d, z),
        1 / _lower_odds(d, c, z),
    )
    return _quotient(a / b, c / d, *limits)


def _lower_odds(cases: FloatArray, noncases: FloatArray, z: FloatArray) -> FloatArray:
    """Return the odds of Wilson's lower limit, no digits lost at either end."""
    total = cases + noncases
    half = z * np.sqrt(cases * noncases / total + z**2 / 4)
    return cases**2 * (1 + z**2 / total) / ((cases + z**2 / 2 + half) * (noncases + z**2 / 2 + half))


def _unless_empty(result: Inverted, empty: BoolArray) -> Inverted:
    """Put the ends of the scale where the table says nothing about a ratio."""
    return result._replace(
        low=np.where(empty, 0.0, result.low),
        high=np.where(empty, np.inf, result.high),
        pvalue=np.where(empty, np.nan, result.pvalue),
    )
