"""Score statistics of two proportions and their inversion.

Each statistic compares the observed proportions with the restricted maximum-likelihood estimates under a
value of the parameter; it falls from positive to negative as the parameter grows past its estimate. The
public functions are in `association`.

References
----------
Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
DOI 10.1002/sim.4780040211

Koopman PAR (1984). Confidence intervals for the ratio of two binomial proportions. Biometrics 40:513-517.
DOI 10.2307/2531405

Mee RW (1984). Confidence bounds for the difference between two probabilities. Biometrics 40:1175-1176.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import BoolArray, FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = [
    "LOG_END",
    "invert_difference",
    "invert_ratio",
    "odds_deviation",
    "restricted_difference",
    "restricted_odds",
    "restricted_ratio",
    "score_difference",
    "score_odds_ratio",
    "score_risk_ratio",
]

# Beyond exp(±80) no table of whole numbers that a float can count has a limit.
LOG_END = 80.0


def restricted_ratio(
    ratio: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> Limits:
    """Return the two proportions that maximise the likelihood under a risk ratio."""
    # A p² - B p + C = 0 for the second proportion, its smaller root without cancellation.
    total, cases = n1 + n2, x1 + x2
    a, b = total * ratio, n1 * ratio + x1 + n2 + x2 * ratio
    p2 = 2 * cases / (b + np.sqrt(np.maximum(b * b - 4 * a * cases, 0.0)))
    return np.minimum(ratio * p2, 1.0), np.minimum(p2, 1.0)


def restricted_odds(
    ratio: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> Limits:
    """Return the odds in either group that maximise the likelihood under an odds ratio."""
    # n1 rw/(1 + rw) + n2 w/(1 + w) = cases, a quadratic in the second odds w; its positive root by
    # whichever form adds numbers of one sign, so that odds near 0 and near infinity keep their digits.
    cases = x1 + x2
    a, b = ratio * (n1 + n2 - cases), ratio * (n1 - cases) + (n2 - cases)
    root = np.sqrt(b * b + 4 * a * cases)
    odds = np.where(b >= 0, 2 * cases / (b + root), (root - b) / (2 * a))
    return ratio * odds, odds


def restricted_difference(
    difference: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> Limits:
    """Return the two proportions that maximise the likelihood under a risk difference."""
    # N p³ + l2 p² + l1 p + l0 = 0 for the second proportion, by the trigonometric root.
    total, cases = n1 + n2, x1 + x2
    l2 = (n1 + 2 * n2) * difference - total - cases
    l1 = (n2 * difference - total - 2 * x2) * difference + cases
    l0 = x2 * difference * (1 - difference)
    third = l2 / (3 * total)
    q = third**3 - l1 * l2 / (6 * total**2) + l0 / (2 * total)
    s = np.copysign(np.sqrt(np.maximum(third**2 - l1 / (3 * total), 0.0)), q)
    angle = (np.pi + np.arccos(np.clip(np.where(s == 0, 0.0, q / s**3), -1.0, 1.0))) / 3
    p2 = 2 * s * np.cos(angle) - third
    # The arc cosine loses half of the digits near its ends; Newton steps on the cubic give them back.
    low, high = np.maximum(0.0, -difference), np.minimum(1.0, 1.0 - difference)
    for _ in range(4):
        value = ((total * p2 + l2) * p2 + l1) * p2 + l0
        slope = (3 * total * p2 + 2 * l2) * p2 + l1
        step = value / slope
        p2 = np.where(np.abs(step) < 1e-5, p2 - step, p2)
    p2 = np.clip(p2, low, high)
    return np.clip(p2 + difference, 0.0, 1.0), p2


def score_risk_ratio(
    log_ratio: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the score statistic of a risk ratio; `inflation` multiplies the variance."""
    ratio = np.exp(log_ratio)
    p1, p2 = restricted_ratio(ratio, x1, n1, x2, n2)
    variance = inflation * (p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2)
    return _standardize(x1 / n1 - ratio * x2 / n2, variance)


def score_odds_ratio(
    log_ratio: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the score statistic of an odds ratio; `inflation` multiplies the variance."""
    odds1, odds2 = restricted_odds(np.exp(log_ratio), x1, n1, x2, n2)
    expected = _expected(odds1, odds2, n1, n2)
    deviation = odds_deviation(odds1, odds2, x1, n1, x2, n2)
    information = n1 / (expected[0] * expected[1]) + n2 / (expected[2] * expected[3])
    return _standardize(deviation, inflation / information)


def _expected(odds1: FloatArray, odds2: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    return np.stack([n1 * odds1 / (1 + odds1), n1 / (1 + odds1), n2 * odds2 / (1 + odds2), n2 / (1 + odds2)])


def odds_deviation(
    odds1: FloatArray, odds2: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> FloatArray:
    """Return the cases in the first group beyond those that restricted odds expect."""
    expected = _expected(odds1, odds2, n1, n2)
    observed = np.stack([x1, n1 - x1, x2, n2 - x2])
    # The four cells deviate alike, up to the sign; the smallest observed one says it with the most digits.
    smallest = observed.argmin(axis=0)[None]
    deviation = np.take_along_axis(observed, smallest, 0)[0] - np.take_along_axis(expected, smallest, 0)[0]
    return np.asarray(np.where((smallest[0] == 0) | (smallest[0] == 3), deviation, -deviation))


def score_difference(
    difference: FloatArray,
    x1: FloatArray,
    n1: FloatArray,
    x2: FloatArray,
    n2: FloatArray,
    inflation: FloatArray,
) -> FloatArray:
    """Return the score statistic of a risk difference; `inflation` multiplies the variance."""
    p1, p2 = restricted_difference(difference, x1, n1, x2, n2)
    variance = inflation * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return _standardize(x1 / n1 - x2 / n2 - difference, variance)


def _standardize(deviation: FloatArray, variance: FloatArray) -> FloatArray:
    # No deviation is no evidence, also where nothing could vary.
    return np.where(deviation == 0, 0.0, deviation / np.sqrt(variance))


def invert_ratio(
    statistic: Callable[..., FloatArray],
    ratio: FloatArray,
    informative: BoolArray,
    level: float,
    *arguments: FloatArray,
    what: str,
) -> Limits:
    """Return the ratios at which a falling statistic is plus and minus the normal quantile.

    Parameters
    ----------
    statistic : callable
        Of the log ratio and the arguments.
    ratio : ndarray
        The estimate, near which the statistic is 0: 0 and infinity allowed.
    informative : ndarray of bool
        Where the table says anything; elsewhere the limits are 0 and infinity.
    """
    critical = normal_quantile((1 + level) / 2)
    ratio, informative, *arguments_ = np.broadcast_arrays(ratio, informative, *arguments)
    low, high = np.zeros(ratio.shape), np.full(ratio.shape, np.inf)
    with np.errstate(all="ignore"):
        middle = np.clip(np.log(ratio), -LOG_END, LOG_END)
        for sign, limit, searched in (
            (1.0, low, informative & (ratio > 0)),
            (-1.0, high, informative & (ratio < np.inf)),
        ):
            parts = [array[searched] for array in arguments_]
            ends = (np.full(parts[0].size, -sign * LOG_END), middle[searched])
            # A statistic that stays short of its quantile to the end of the scale bounds nothing.
            reaches = sign * statistic(ends[0], *parts) > critical
            chosen = np.flatnonzero(searched.ravel())[reaches]
            parts = [part[reaches] for part in parts]
            limit.ravel()[chosen] = np.exp(
                _find_limit(statistic, sign, critical, ends[0][reaches], ends[1][reaches], parts, what)
            )
    return low, high


def invert_difference(
    statistic: Callable[..., FloatArray],
    difference: FloatArray,
    informative: BoolArray,
    level: float,
    *arguments: FloatArray,
    what: str,
) -> Limits:
    """Return the differences at which a falling statistic is plus and minus the normal quantile."""
    critical = normal_quantile((1 + level) / 2)
    difference, informative, *arguments_ = np.broadcast_arrays(difference, informative, *arguments)
    low, high = np.full(difference.shape, -1.0), np.full(difference.shape, 1.0)
    with np.errstate(all="ignore"):
        for sign, limit in ((1.0, low), (-1.0, high)):
            searched = informative & (np.abs(difference + sign) > 0)
            parts = [array[searched] for array in arguments_]
            ends = np.full(parts[0].size, -sign), difference[searched]
            limit[searched] = _find_limit(statistic, sign, critical, *ends, parts, what, tolerance=1e-15)
    return low, high


def _find_limit(
    statistic: Callable[..., FloatArray],
    sign: float,
    critical: float,
    end: FloatArray,
    estimate: FloatArray,
    parts: list[FloatArray],
    what: str,
    tolerance: float = 1e-14,
) -> FloatArray:
    """Return where a falling statistic is `sign` times its quantile, between the end and the estimate."""
    # A corrected statistic need not be 0 at the estimate: at a low level the limit can lie beyond it.
    beyond = sign * statistic(estimate, *parts) > critical
    return find_root(
        lambda x, *rest: statistic(x, *rest) - sign * critical,
        end,
        np.where(beyond, -end, estimate),
        *parts,
        what=what,
        tolerance=tolerance,
    )
