"""Limits and P-values of one Poisson mean, shared by rates and by standardized ratios.

Counts come in, limits of the count go out; who calls divides by person-time or by expected events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile, two_sided_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["POISSON_METHODS", "poisson_limits", "poisson_pvalue", "poisson_std_error"]


def poisson_limits(events: FloatArray, level: float, method: str) -> Limits:
    """Return the limits of the mean of a Poisson count; `method` is a key of `POISSON_METHODS`."""
    with np.errstate(all="ignore"):
        low, high = POISSON_METHODS[method][0](events, level)
    return np.maximum(low, 0.0), high


def poisson_pvalue(events: FloatArray, expected: FloatArray, method: str) -> FloatArray:
    """Return the two-sided P-value of a mean of `expected`, which the interval of the method inverts."""
    with np.errstate(all="ignore"):
        return POISSON_METHODS[method][1](events, expected)


def poisson_std_error(events: FloatArray, method: str) -> FloatArray | None:
    """Return the standard error of the count ("wald") or of its log ("log"); None for other methods."""
    if method == "wald":
        return np.sqrt(events)
    if method == "log":
        with np.errstate(divide="ignore"):
            return 1 / np.sqrt(events)
    return None


def _twice_the_smaller(lower: FloatArray, upper: FloatArray) -> FloatArray:
    return np.minimum(1.0, 2.0 * np.minimum(lower, upper))


def _exact_limits(x: FloatArray, level: float) -> Limits:
    tail = (1 - level) / 2
    low = special.gammaincinv(np.where(x > 0, x, 1.0), tail)
    return np.where(x > 0, low, 0.0), special.gammainccinv(x + 1, tail)


def _exact_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    return _twice_the_smaller(_at_most(x, mean), _at_least(x, mean))


def _at_most(x: FloatArray, mean: FloatArray) -> FloatArray:
    return np.where(x >= 0, special.gammaincc(np.maximum(x, 0.0) + 1, mean), 0.0)


def _at_least(x: FloatArray, mean: FloatArray) -> FloatArray:
    return np.where(x > 0, special.gammainc(np.where(x > 0, x, 1.0), mean), 1.0)


def _mid_below(mean: FloatArray, x: FloatArray) -> FloatArray:
    return 0.5 * (_at_most(x, mean) + _at_most(x - 1, mean))


def _mid_above(mean: FloatArray, x: FloatArray) -> FloatArray:
    return 0.5 * (_at_least(x, mean) + _at_least(x + 1, mean))


def _mid_p_limits(x: FloatArray, level: float) -> Limits:
    tail = (1 - level) / 2
    some = np.where(x > 0, x, 1.0)
    # Each limit lies between the exact one and the exact one of the neighbouring count.
    low = find_root(
        lambda mean, count: _mid_above(mean, count) - tail,
        special.gammaincinv(some, tail),
        special.gammaincinv(some + 1, tail),
        some,
        what="the lower mid-P limit of the rate",
    )
    high = find_root(
        lambda mean, count: _mid_below(mean, count) - tail,
        special.gammainccinv(some, tail),
        special.gammainccinv(some + 1, tail),
        some,
        what="the upper mid-P limit of the rate",
    )
    # At no events half of exp(-mean) is the tail.
    return np.where(x > 0, low, 0.0), np.where(x > 0, high, -np.log(2 * tail))


def _mid_p_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    return _twice_the_smaller(_mid_below(mean, x), _mid_above(mean, x))


def _jeffreys_limits(x: FloatArray, level: float) -> Limits:
    tail = (1 - level) / 2
    low = np.where(x > 0, special.gammaincinv(x + 0.5, tail), 0.0)
    return low, special.gammainccinv(x + 0.5, tail)


def _jeffreys_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    # The lower limit at no events is 0 at every level.
    above = np.where(x > 0, special.gammainc(x + 0.5, mean), 1.0)
    return _twice_the_smaller(special.gammaincc(x + 0.5, mean), above)


def _byar_limits(x: FloatArray, level: float) -> Limits:
    z = normal_quantile((1 + level) / 2)
    low = x * np.maximum(1 - 1 / (9 * x) - z / (3 * np.sqrt(x)), 0.0) ** 3
    more = x + 1
    return np.where(x > 0, low, 0.0), more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3


def _byar_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    more = x + 1
    below = 3 * np.sqrt(x) * (1 - 1 / (9 * x) - np.cbrt(mean / x))
    above = 3 * np.sqrt(more) * (np.cbrt(mean / more) - 1 + 1 / (9 * more))
    # The limits of x and of x + 1 leave a gap; a mean inside it is in every interval.
    return two_sided_normal(np.maximum(np.maximum(np.where(x > 0, below, 0.0), above), 0.0))


def _score_limits(x: FloatArray, level: float) -> Limits:
    z = normal_quantile((1 + level) / 2)
    # (x - m)² = z² m; the lower root as the product of both, x², over the upper.
    high = x + z**2 / 2 + z * np.sqrt(x + z**2 / 4)
    return x**2 / high, high


def _score_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    return two_sided_normal((x - mean) / np.sqrt(mean))


def _log_limits(x: FloatArray, level: float) -> Limits:
    factor = np.exp(normal_quantile((1 + level) / 2) / np.sqrt(x))
    return np.where(x > 0, x / factor, 0.0), np.where(x > 0, x * factor, np.inf)


def _log_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    return np.where(x > 0, two_sided_normal(np.sqrt(x) * np.log(x / mean)), np.nan)


def _wald_limits(x: FloatArray, level: float) -> Limits:
    half = normal_quantile((1 + level) / 2) * np.sqrt(x)
    return x - half, x + half


def _wald_pvalue(x: FloatArray, mean: FloatArray) -> FloatArray:
    return np.where(x > 0, two_sided_normal((x - mean) / np.sqrt(x)), np.nan)


POISSON_METHODS: dict[
    str, tuple[Callable[[FloatArray, float], Limits], Callable[[FloatArray, FloatArray], FloatArray]]
] = {
    "exact": (_exact_limits, _exact_pvalue),
    "mid-p": (_mid_p_limits, _mid_p_pvalue),
    "byar": (_byar_limits, _byar_pvalue),
    "jeffreys": (_jeffreys_limits, _jeffreys_pvalue),
    "score": (_score_limits, _score_pvalue),
    "log": (_log_limits, _log_pvalue),
    "wald": (_wald_limits, _wald_pvalue),
}
