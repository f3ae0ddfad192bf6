"""Score statistics corrected for skewness: of two proportions, two rates, one proportion and one rate.

The score, standardized to s, is the normal deviate z plus the first term of Cornish and Fisher's expansion:
s = z + (z² - 1) g / 6 with g its skewness under the parameter in question. Proportions and rates under the
parameter are the restricted maximum-likelihood estimates, as in `score`, which also inverts the statistics.

References
----------
Gart JJ, Nam J (1988). Approximate interval estimation of the ratio of binomial parameters: a review and
corrections for skewness. Biometrics 44:323-338. (Citation not verified.)

Gart JJ, Nam J (1990). Approximate interval estimation of the difference in binomial parameters: correction
for skewness and extension to multiple tables. Biometrics 46:637-643. (Citation not verified.)

Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
DOI 10.1002/pst.1813
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.measures.methods.score import (
    invert_ratio,
    odds_deviation,
    restricted_difference,
    restricted_odds,
    restricted_ratio,
)
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]
    Moments = tuple[FloatArray, FloatArray, FloatArray]

__all__ = [
    "moments_of_difference",
    "moments_of_risk_ratio",
    "proportion_limits",
    "rate_difference_limits",
    "rate_difference_statistic",
    "rate_limits",
    "rate_ratio_limits",
    "skewness_difference",
    "skewness_odds_ratio",
    "skewness_rate_ratio",
    "skewness_risk_ratio",
    "standardized",
]

_DOUBLINGS = 200


def _deviate(score: FloatArray, skewness: FloatArray) -> FloatArray:
    """Return z of score = z + skewness (z² - 1) / 6, on the branch on which z grows with the score."""
    sixth = skewness / 6
    shifted = score + sixth
    deviate: FloatArray = 2 * shifted / (1 + np.sqrt(1 + 4 * sixth * shifted))
    return deviate


def standardized(deviation: FloatArray, variance: FloatArray, third: FloatArray) -> FloatArray:
    """Return z of a deviation with this variance and third central moment."""
    root = np.sqrt(variance)
    # Where nothing could vary, no deviation is no evidence and any other impossible.
    certain = np.where(deviation == 0, 0.0, np.copysign(np.inf, deviation))
    return np.where(variance > 0, _deviate(deviation / root, third / root**3), certain)


def skewness_risk_ratio(
    log_ratio: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the corrected score statistic of a risk ratio; `inflation` multiplies the variance."""
    return standardized(*moments_of_risk_ratio(log_ratio, x1, n1, x2, n2, inflation))


def moments_of_risk_ratio(
    log_ratio: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> Moments:
    """Return the score of a risk ratio, its variance and its third central moment."""
    ratio = np.exp(log_ratio)
    p1, p2 = restricted_ratio(ratio, x1, n1, x2, n2)
    # The difference over the root of the ratio, which treats a ratio and its reciprocal alike; p1 = ratio p2.
    root = np.exp(log_ratio / 2)
    first, second = p2 * (1 - p1) / n1, p1 * (1 - p2) / n2
    third = first * (1 - 2 * p1) / (root * n1) - second * (1 - 2 * p2) * root / n2
    return x1 / n1 / root - root * x2 / n2, inflation * (first + second), third


def skewness_difference(
    difference: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the corrected score statistic of a risk difference; `inflation` multiplies the variance."""
    return standardized(*moments_of_difference(difference, x1, n1, x2, n2, inflation))


def moments_of_difference(
    difference: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> Moments:
    """Return the score of a risk difference, its variance and its third central moment."""
    p1, p2 = restricted_difference(difference, x1, n1, x2, n2)
    first, second = p1 * (1 - p1) / n1, p2 * (1 - p2) / n2
    third = first * (1 - 2 * p1) / n1 - second * (1 - 2 * p2) / n2
    return x1 / n1 - x2 / n2 - difference, inflation * (first + second), third


def skewness_odds_ratio(
    log_ratio: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the corrected score statistic of an odds ratio; `inflation` multiplies the variance.

    The score is the deviation of the exposed cases less its bias of the first order, which the estimated odds
    of the controls bring in: (p1 - p2) v1 v2 / (v1 + v2)² with v1 and v2 the binomial variances. At an odds
    ratio of 1 there is none.
    """
    odds1, odds2 = restricted_odds(np.exp(log_ratio), x1, n1, x2, n2)
    deviation = odds_deviation(odds1, odds2, x1, n1, x2, n2)
    v1, v2 = n1 * odds1 / (1 + odds1) ** 2, n2 * odds2 / (1 + odds2) ** 2
    total = v1 + v2
    share1, share2 = v1 / total, v2 / total
    bias = (odds1 - odds2) / ((1 + odds1) * (1 + odds2)) * share1 * share2
    # The score is share2 of the first arm's deviation less share1 of the second's.
    first, second = (1 - odds1) / (1 + odds1), (1 - odds2) / (1 + odds2)
    third = share1 * share2 * total * (first * share2**2 - second * share1**2)
    return standardized(deviation - bias, inflation * share1 * share2 * total, third)


def skewness_rate_ratio(log_ratio: FloatArray, x1: FloatArray, x0: FloatArray) -> FloatArray:
    """Return the corrected score statistic of a ratio of two Poisson means."""
    # Under a ratio R the variance of x1 - R x0 is R m with m = x1 + x0, its third moment R m (1 - R).
    half, total = np.exp(log_ratio / 2), x1 + x0
    deviation = x1 / half - x0 * half
    return np.where(total > 0, standardized(deviation, total, total * (1 / half - half)), 0.0)


def rate_ratio_limits(x1: FloatArray, x0: FloatArray, level: float) -> Limits:
    """Return the ratios of Poisson means at which the statistic is plus and minus the normal quantile."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = x1 / x0
    what = "the skewness-corrected limit of the rate ratio"
    return invert_ratio(skewness_rate_ratio, ratio, x1 + x0 > 0, level, x1, x0, what=what)


def rate_difference_statistic(
    difference: FloatArray, x1: FloatArray, t1: FloatArray, x0: FloatArray, t0: FloatArray
) -> FloatArray:
    """Return the corrected score statistic of a difference of two rates."""
    # The rates that maximise the likelihood under the difference, either one without cancellation.
    total, events, shift = t1 + t0, x1 + x0, difference * (t1 + t0)
    root = np.hypot(shift - x1 + x0, 2 * np.sqrt(x1 * x0))
    r0 = np.where(shift > events, 4 * x0 * shift / (root + shift - events), events - shift + root)
    r1 = np.where(shift < -events, -4 * x1 * shift / (root - shift - events), events + shift + root)
    v1, v0 = r1 / (2 * total * t1), r0 / (2 * total * t0)
    return standardized(x1 / t1 - x0 / t0 - difference, v1 + v0, v1 / t1 - v0 / t0)


def rate_difference_limits(
    x1: FloatArray, t1: FloatArray, x0: FloatArray, t0: FloatArray, level: float
) -> Limits:
    """Return the differences of rates at which the statistic is plus and minus the normal quantile."""
    # The other way round the difference is negative.
    return -_rate_difference_upper(x0, t0, x1, t1, level), _rate_difference_upper(x1, t1, x0, t0, level)


def _rate_difference_upper(
    x1: FloatArray, t1: FloatArray, x0: FloatArray, t0: FloatArray, level: float
) -> FloatArray:
    z = normal_quantile((1 + level) / 2)
    none = (x1 == 0) & (x0 == 0)
    some, difference = np.where(none, 1.0, x1), np.where(none, 1.0, x1) / t1 - x0 / t0
    width = (z + 1) * np.sqrt(some / t1**2 + x0 / t0**2) + (z + 1) ** 2 / t1

    def excess(beyond: FloatArray, *rates: FloatArray) -> FloatArray:
        observed = rates[0] / rates[1] - rates[2] / rates[3]
        return rate_difference_statistic(observed + beyond, *rates) + z

    with np.errstate(all="ignore"):
        for _ in range(_DOUBLINGS):
            short = excess(width, some, t1, x0, t0) > 0
            # At a low level the limit can lie below the estimate.
            short |= excess(-width, some, t1, x0, t0) < 0
            if not short.any():
                break
            width = np.where(short, 2 * width, width)
    what = "the skewness-corrected limit of the rate difference"
    found = find_root(excess, -width, width, some, t1, x0, t0, what=what)
    # Without events the statistic at D is that of the exposed alone.
    return np.where(none, rate_limits(np.zeros_like(x1), level)[1] / t1, difference + found)


def proportion_limits(x: FloatArray, n: FloatArray, level: float) -> Limits:
    """Return the proportions at which the corrected score of one proportion is its normal quantile."""
    z = normal_quantile((1 + level) / 2)
    return _proportion_lower(x, n, z), 1 - _proportion_lower(n - x, n, z)


def _proportion_lower(x: FloatArray, n: FloatArray, z: float) -> FloatArray:
    # (x - k) - (n - 2k) p = z sqrt(n p (1 - p)) with k = (z² - 1)/6, a quadratic in p: its smaller root. With
    # no more events than k the statistic is short of z for every p.
    k = (z**2 - 1) / 6
    cases, others, spread = x - k, n - x - k, z**2 * n
    middle = 2 * cases * (cases + others) + spread
    root = np.sqrt(np.maximum(spread * (spread + 4 * cases * others), 0.0))
    return np.where(cases > 0, 2 * cases**2 / (middle + root), 0.0)


def rate_limits(x: FloatArray, level: float) -> Limits:
    """Return the Poisson means at which the corrected score of a count is its normal quantile."""
    # (x - m)/sqrt m = z + (z² - 1)/(6 sqrt m), a quadratic in sqrt m.
    z = normal_quantile((1 + level) / 2)
    root = np.sqrt(4 * x + (z**2 + 2) / 3)
    return np.maximum(root - z, 0.0) ** 2 / 4, (root + z) ** 2 / 4
