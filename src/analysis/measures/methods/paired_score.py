"""Score limits of paired proportions: Tango's of the difference, Tang's of the ratio.

Both invert the test with the variance under the difference or ratio in question, and at no effect are
McNemar's. Counts are b and c, the pairs in which only the exposed or only the control is a case, a for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["difference_limits", "difference_variance", "mcnemar_statistic", "ratio_limits", "ratio_variance"]

_DOUBLINGS = 300


def mcnemar_statistic(b: FloatArray, c: FloatArray) -> FloatArray:
    """Return (b - c) / sqrt(b + c); 0 where no pair is discordant."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b == c, 0.0, (b - c) / np.sqrt(b + c))


def _discordant(linear: FloatArray, quadratic: FloatArray, constant: FloatArray) -> FloatArray:
    """Return the positive root of quadratic x² + linear x - constant = 0, none of the digits lost."""
    root = np.sqrt(linear**2 + 4 * quadratic * constant)
    return np.where(linear > 0, 2 * constant / (linear + root), (root - linear) / (2 * quadratic))


def difference_variance(delta: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
    """Return n times the variance of the difference of proportions under the difference `delta`.

    The share of pairs with only the control a case is estimated under `delta` by maximum likelihood (Tango).
    """
    # Turned so that delta >= 0: all terms are positive then.
    lower, upper = np.where(delta < 0, b, c), np.where(delta < 0, c, b)
    d = np.abs(delta)
    share = _discordant((2 * n + lower - upper) * d - lower - upper, 2 * n, lower * d * (1 - d))
    variance: FloatArray = 2 * share + d * (1 - d)
    return variance


def difference_limits(b: FloatArray, c: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return Tango's limits of (b - c) / n; -1 and 1 where there is no pair."""
    z = normal_quantile((1 + level) / 2)
    # The other way round the difference is negative.
    return -_difference_upper(c, b, n, z), _difference_upper(b, c, n, z)


def _difference_upper(b: FloatArray, c: FloatArray, n: FloatArray, z: float) -> FloatArray:
    # Without discordant pairs, or with all of one kind, the variance is 0 at the estimate: closed limits.
    closed = np.where(b == n, 1.0, np.where(c == n, z**2 - n, z**2) / (n + z**2))
    apart = (b == n) | (c == n) | (b + c == 0)
    b, c, n = np.where(apart, 1.0, b), np.where(apart, 1.0, c), np.where(apart, 2.0, n)
    difference = (b - c) / n

    def excess(distance: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
        delta = np.minimum((b - c) / n + distance, 1.0)
        return n * distance**2 - z**2 * difference_variance(delta, b, c, n)

    distance = find_root(
        excess, np.zeros(()), 1 - difference, b, c, n, what="the score limit of the paired difference"
    )
    return np.where(apart, closed, np.minimum(difference + distance, 1.0))


def ratio_variance(
    ratio: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray
) -> FloatArray:
    """Return the variance of (a + b) - ratio (a + c) under the ratio of proportions `ratio`.

    The share of pairs with only the control a case is estimated under `ratio` by maximum likelihood (Tang).
    """
    # Turned so that the ratio is at least 1: all terms are positive then.
    below = ratio < 1
    lower, upper = np.where(below, b, c), np.where(below, c, b)
    r = np.where(below, 1 / ratio, ratio)
    cases = a + b + c
    share = _discordant(
        (a + lower) * r**2 - (a + upper + 2 * lower), n * (1 + r), lower * (r - 1) * cases / n
    )
    variance = n * (1 + r) * share + cases * (r - 1)
    return np.asarray(np.where(below, ratio**2 * variance, variance))


def ratio_limits(a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return Tang's limits of (a + b) / (a + c); 0 and infinity where there is no case."""
    z = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore"):
        # The other way round the ratio is the reciprocal.
        return 1 / _ratio_upper(a, c, b, n, z), _ratio_upper(a, b, c, n, z)


def _ratio_upper(a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray, z: float) -> FloatArray:
    # Without discordant pairs or exposed cases the variance is 0 at the estimate: closed limits.
    with np.errstate(divide="ignore", invalid="ignore"):
        closed = np.where(a + c == 0, np.inf, np.where(b + c == 0, 1 + z**2 / a, z**2 / c))
    apart = (a + c == 0) | (b + c == 0) | (a + b == 0)
    a, b, c, n = (np.where(apart, 1.0, part) for part in (a, b, c, n))
    n = np.maximum(n, a + b + c)
    ratio = (a + b) / (a + c)

    def excess(r: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
        return ((a + b) - r * (a + c)) ** 2 - z**2 * ratio_variance(r, a, b, c, n)

    high = 2 * (ratio + z**2 * (a + b + c) / (a + c) ** 2)
    with np.errstate(all="ignore"):
        for _ in range(_DOUBLINGS):
            short = excess(high, a, b, c, n) < 0
            if not short.any():
                break
            high = np.where(short, 2 * high, high)
        else:
            raise ConvergenceError("The score limit of the paired ratio was not found: no bracket.")
    found = find_root(excess, ratio, high, a, b, c, n, what="the score limit of the paired ratio")
    return np.where(apart, closed, found)
