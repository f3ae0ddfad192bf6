"""Limits of a single proportion that need a search: mid-P, Blaker and its mid-P, likelihood ratio.

The public function is `proportion.prevalence`.

References
----------
Blaker H (2000). Confidence curves and improved exact confidence intervals for discrete distributions. Can J
Stat 28:783-798. DOI 10.2307/3315916. Corrigenda 29:681.

Fagerland MW, Lydersen S, Laake P (2017). Statistical analysis of contingency tables. Chapman and Hall.
(Citation not verified.)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.likelihood import binomial_deviance
from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import BoolArray, FloatArray

    Limits = tuple[FloatArray, FloatArray]
    LowerLimit = Callable[[FloatArray, FloatArray, float], FloatArray]

__all__ = ["blaker_limits", "blaker_mid_p_limits", "likelihood_limits", "mid_p_limits", "upper_tail"]


def upper_tail(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Return P(X >= x) for whole x of at least 0."""
    tail = special.betainc(np.where(x > 0, x, 1.0), n - x + 1, p)
    return np.where(x > 0, tail, 1.0)


def _lower_tail(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Return P(X <= x) for whole x of at most n."""
    tail = special.betaincc(x + 1, np.where(x < n, n - x, 1.0), p)
    return np.where(x < n, tail, 1.0)


def _above(x: FloatArray, n: FloatArray, p: FloatArray) -> FloatArray:
    """Return P(X > x) for whole x of at most n."""
    return np.where(x < n, special.betainc(x + 1, np.where(x < n, n - x, 1.0), p), 0.0)


def mid_p_limits(x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the proportions at which either tail, with half of the observed count's, is alpha/2."""
    return _mirrored(_mid_p_lower, x, n, level)


def _mid_p_lower(x: FloatArray, n: FloatArray, level: float) -> FloatArray:
    def excess(p: FloatArray, count: FloatArray, total: FloatArray) -> FloatArray:
        return (upper_tail(count, total, p) + upper_tail(count + 1, total, p)) / 2 - (1 - level) / 2

    return find_root(excess, np.zeros(x.size), np.ones(x.size), x, n, what="the mid-P limit of a proportion")


def likelihood_limits(x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the proportions at which the likelihood-ratio statistic is its chi-square quantile."""
    return _mirrored(_likelihood_lower, x, n, level)


def _likelihood_lower(x: FloatArray, n: FloatArray, level: float) -> FloatArray:
    critical = normal_quantile((1 + level) / 2) ** 2

    def excess(log_p: FloatArray, count: FloatArray, total: FloatArray) -> FloatArray:
        # On the log scale, where a limit near 0 keeps its digits.
        return critical - binomial_deviance(count, total, np.exp(log_p), -np.expm1(log_p))

    what = "the likelihood-ratio limit of a proportion"
    return np.exp(find_root(excess, np.full(x.size, -700.0), np.log(x / n), x, n, what=what))


def blaker_limits(x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the ends of the proportions whose acceptability exceeds alpha.

    Acceptability is the smaller tail plus the largest tail on the other side that is no larger. It jumps
    where a further count joins the other side; between jumps it falls and then rises.
    """
    return _mirrored(_blaker_lower, x, n, level)


def blaker_mid_p_limits(x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the same with half of the observed count's probability in the acceptability."""
    return _mirrored(partial(_blaker_lower, mid=True), x, n, level)


def _blaker_lower(x: FloatArray, n: FloatArray, level: float, *, mid: bool = False) -> FloatArray:
    """Walk up from the exact central limit, below which nothing is acceptable, from jump to jump."""
    alpha = 1 - level
    what = "the Blaker limit of a proportion"
    result = np.full(x.size, np.nan)
    open_ = np.arange(x.size)
    start = special.betaincinv(x, n - x + 1, alpha / 2)
    joined = _largest_no_larger(start, x, n)  # counts up to this one are on the other side; -1 is none

    def acceptability(p: FloatArray, count: FloatArray, total: FloatArray, other: FloatArray) -> FloatArray:
        tail = upper_tail(count, total, p)
        if mid:
            tail = (tail + _above(count, total, p)) / 2
        return tail + np.where(other >= 0, _lower_tail(np.maximum(other, 0.0), total, p), 0.0)

    def gap(p: FloatArray, count: FloatArray, total: FloatArray, other: FloatArray) -> FloatArray:
        return upper_tail(count, total, p) - _lower_tail(other, total, p)

    while open_.size:
        count, total, other, begin = x[open_], n[open_], joined[open_], start[open_]
        last = other + 1 >= count
        jump = np.where(last, count / total, begin)
        further = ~last & (gap(begin, count, total, np.minimum(other + 1, total)) < 0)
        jump[further] = find_root(
            gap,
            begin[further],
            np.ones(int(further.sum())),
            count[further],
            total[further],
            other[further] + 1,
            what=what,
        )
        # Where both tails are equal the central limit is the limit, and rounding may lift it above alpha.
        reached = acceptability(begin, count, total, other) > alpha
        result[open_[reached]] = begin[reached]
        before = acceptability(jump, count, total, other)
        rooted = ~reached & (before > alpha)
        if rooted.any():
            result[open_[rooted]] = find_root(
                lambda p, *rest: acceptability(p, *rest) - alpha,
                begin[rooted],
                jump[rooted],
                count[rooted],
                total[rooted],
                other[rooted],
                what=what,
            )
        after = acceptability(jump, count, total, other + 1)
        jumped = ~reached & ~rooted & (after > alpha)
        result[open_[jumped]] = jump[jumped]
        go_on = ~reached & ~rooted & ~jumped
        start[open_[go_on]] = jump[go_on]
        joined[open_[go_on]] += 1
        open_ = open_[go_on]
    return result


def _largest_no_larger(p: FloatArray, x: FloatArray, n: FloatArray) -> FloatArray:
    """Return the largest count whose lower tail is no larger than the upper tail of x, or -1; by halving."""
    tail = upper_tail(x, n, p)
    low, high = np.full(x.shape, -1.0), x - 1
    while (low < high).any():
        middle = np.ceil((low + high) / 2)
        fits = _lower_tail(np.maximum(middle, 0.0), n, p) <= tail
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    return low


def _mirrored(lower: LowerLimit, x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return lower limits of x and, as 1 minus the lower limit of n - x, upper ones; 0 and 1 at the ends."""
    shape = np.broadcast_shapes(x.shape, n.shape)
    count, total = np.broadcast_to(x, shape).ravel(), np.broadcast_to(n, shape).ravel()
    limits = []
    for events in (count, total - count):
        limit = np.zeros(count.size)
        searched: BoolArray = (events > 0) & (total > 0)
        limit[searched] = lower(events[searched], total[searched], level)
        limits.append(limit.reshape(shape))
    return limits[0], 1 - limits[1]
