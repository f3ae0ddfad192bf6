"""The odds at which a sum of counts splits in two: what is left of two rates, or of discordant pairs.

Given x1 + x0 the count x1 is binomial, with odds t1 r1 : t0 r0 for rates and OR : 1 for discordant pairs.
The public functions are `rates.rate_ratio` and `paired.paired_odds_ratio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile, two_sided_normal

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["beta_odds", "beta_tail", "odds_limits", "odds_pvalue"]


def odds_limits(first: FloatArray, second: FloatArray, level: float, method: str) -> Limits:
    """Return the limits of the odds of `first` to `second`; `method` is "exact", "mid-p" or "score".

    The lower limit is 0 where `first` is 0, the upper infinite where `second` is.
    """
    lower = {"exact": _exact_lower, "mid-p": _mid_p_lower, "score": _score_lower}[method]
    with np.errstate(all="ignore"):
        # The odds the other way round are the reciprocal.
        return lower(first, second, level), 1 / lower(second, first, level)


def odds_pvalue(first: FloatArray, second: FloatArray, odds: FloatArray, method: str) -> FloatArray:
    """Return the two-sided P-value of the odds, which the interval of the method inverts.

    Twice the smaller tail, at most 1, for "exact" and "mid-p"; 1 where there is no count at all.
    """
    with np.errstate(all="ignore"):
        if method == "score":
            # (x1 - n p) / sqrt(n p q) with p = odds / (1 + odds)
            deviation = first - second * odds
            z = deviation / np.sqrt((first + second) * odds)
            return two_sided_normal(np.where(deviation == 0, 0.0, z))
        tail = {"exact": _at_least, "mid-p": _mid_at_least}[method]
        smaller = np.minimum(tail(odds, first, second), tail(1 / odds, second, first))
        return np.asarray(np.minimum(1.0, 2 * smaller))


def beta_odds(first: FloatArray, second: FloatArray, tail: float) -> FloatArray:
    """Return the odds B / (1 - B) at the lower quantile of a beta variable B."""
    return np.asarray(special.betaincinv(first, second, tail) / special.betainccinv(second, first, tail))


def beta_tail(odds: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the probability that a beta variable has odds of at most `odds`."""
    odds, first, second = np.broadcast_arrays(odds, first, second)
    tail = np.empty(odds.shape)
    # The smaller of B and 1 - B is the one with all its digits.
    small = odds < 1
    large = ~small
    part = odds[small]
    tail[small] = special.betainc(first[small], second[small], part / (1 + part))
    tail[large] = special.betaincc(second[large], first[large], 1 / (1 + odds[large]))
    return tail


def _at_least(odds: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return P(X >= first) of a binomial count out of first + second; 0 where `second` is negative."""
    tail = beta_tail(odds, np.maximum(first, 1.0), np.maximum(second, 0.0) + 1)
    return np.where(second < 0, 0.0, np.where(first > 0, tail, 1.0))


def _mid_at_least(odds: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    return 0.5 * (_at_least(odds, first, second) + _at_least(odds, first + 1, second - 1))


def _exact_lower(first: FloatArray, second: FloatArray, level: float) -> FloatArray:
    low = beta_odds(np.maximum(first, 1.0), second + 1, (1 - level) / 2)
    return np.where(first > 0, low, 0.0)


def _mid_p_lower(first: FloatArray, second: FloatArray, level: float) -> FloatArray:
    tail = (1 - level) / 2
    x1, x0 = np.maximum(first, 1.0), np.maximum(second, 1.0)
    # The limit lies between the exact one and the exact one of the next larger count.
    low = find_root(
        lambda odds, a, b: _mid_at_least(odds, a, b) - tail,
        beta_odds(x1, x0 + 1, tail),
        beta_odds(x1 + 1, x0, tail),
        x1,
        x0,
        what="the mid-P limit of the odds",
    )
    # Where `second` is 0, half of p**x1 is the tail.
    log_p = np.log(2 * tail) / x1
    low = np.where(second > 0, low, np.exp(log_p) / -np.expm1(log_p))
    return np.where(first > 0, low, 0.0)


def _score_lower(first: FloatArray, second: FloatArray, level: float) -> FloatArray:
    z = normal_quantile((1 + level) / 2)
    total = first + second
    # Wilson's limit p : 1 - p, the difference in p written as a quotient.
    half = z * np.sqrt(first * second / total + z**2 / 4)
    p = first**2 * (1 + z**2 / total) / (first + z**2 / 2 + half)
    return np.where(first > 0, p / (second + z**2 / 2 + half), 0.0)
