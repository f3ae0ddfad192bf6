"""Likelihood-ratio statistics of two proportions: signed square roots of twice the log-likelihood lost.

They are inverted as score statistics are; the public functions are in `association`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.score import restricted_odds, restricted_ratio

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["binomial_deviance", "likelihood_odds_ratio", "likelihood_risk_ratio"]


def binomial_deviance(x: FloatArray, n: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return twice the log-likelihood that probability `p` (and `q` = 1 - p) loses against x/n."""
    return 2 * (_lost(x, n * p) + _lost(n - x, n * q))


def _lost(count: FloatArray, mean: FloatArray) -> FloatArray:
    """Return count log(count/mean) - count + mean, to the last digits also where the count is near its mean.

    The terms that are added cancel between cases and non-cases, and with them each part is the square of a
    small number in place of the difference of two large ones. With t = mean/count - 1 and r = t/(2 + t),
    t - log(1 + t) = r (t - 2 r²(1/3 + r²/5 + r⁴/7 + ...)).
    """
    t = (mean - count) / np.where(count > 0, count, 1.0)
    r = t / (2 + t)
    square = r * r
    series = square / 13
    for power in (11, 9, 7, 5, 3):
        series += 1 / power
        series *= square
    near = np.abs(t) < 0.1
    lost = np.where(near, r * (t - 2 * series), t - np.log1p(np.where(near, 0.0, t)))
    return np.where(count > 0, count * lost, mean)


def likelihood_risk_ratio(
    log_ratio: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> FloatArray:
    """Return the signed root of the likelihood-ratio statistic of a risk ratio."""
    ratio = np.exp(log_ratio)
    p1, p2 = restricted_ratio(ratio, x1, n1, x2, n2)
    lost = binomial_deviance(x1, n1, p1, 1 - p1) + binomial_deviance(x2, n2, p2, 1 - p2)
    return np.sign(x1 / n1 - ratio * x2 / n2) * np.sqrt(lost)


def likelihood_odds_ratio(
    log_ratio: FloatArray, x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> FloatArray:
    """Return the signed root of the likelihood-ratio statistic of an odds ratio."""
    odds1, odds2 = restricted_odds(np.exp(log_ratio), x1, n1, x2, n2)
    p1, q1, p2, q2 = odds1 / (1 + odds1), 1 / (1 + odds1), odds2 / (1 + odds2), 1 / (1 + odds2)
    lost = binomial_deviance(x1, n1, p1, q1) + binomial_deviance(x2, n2, p2, q2)
    return np.sign(x1 * q1 - (n1 - x1) * p1) * np.sqrt(lost)
