"""A straight line with additive between-study variance: tau2 by REML or by moments, one moderator.

Arrays are studies first, as in `weighted_regression`. REML is the global maximum of the restricted
likelihood over tau2 >= 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.weighted_regression import fit_line

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["MODERATED_TAU2", "moderated_tau2", "restricted_log_likelihood"]

MODERATED_TAU2 = ("REML", "DL", "none")
# Rough search for sign changes of the score: 0, then this many steps of equal ratio.
_GRID = 16


class _Moments(NamedTuple):
    """What the weighted model needs at one tau2 a set: weights, centred moderator, residuals and sums."""

    weight: FloatArray
    centred: FloatArray
    residual: FloatArray
    s0: FloatArray
    sxx: FloatArray


def moderated_tau2(
    effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray, *, method: str
) -> FloatArray:
    """Estimate tau2 about the line, shape (m,).

    Parameters
    ----------
    effect, variance, moderator, inside : ndarray, shape (k, m)
        `inside` is 1 where the study belongs to the set. At least three studies a set, and a moderator
        that varies.
    method : {"REML", "DL", "none"}
        "none" is tau2 = 0.

    Raises
    ------
    ConvergenceError
        If a root of the score is not found to 1e-13.

    Notes
    -----
    DL: max(0, (Q - (k - 2))/tr P) with weights 1/v. REML: the score is y'PPy - tr P.
    """
    if method == "none":
        return np.zeros(effect.shape[1])
    if method == "DL":
        at = _moments(np.zeros(effect.shape[1]), effect, variance, moderator, inside)
        q = (at.weight * at.residual**2).sum(axis=0)
        by_moments: FloatArray = np.maximum(0.0, (q - (inside.sum(axis=0) - 2)) / _trace(at))
        return by_moments
    return _restricted_maximum(effect, variance, moderator, inside)


def _moments(
    tau2: FloatArray, effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray
) -> _Moments:
    weight = inside / (variance + tau2)
    s0 = weight.sum(axis=0)
    centred = moderator - (weight * moderator).sum(axis=0) / s0
    y = effect - (weight * effect).sum(axis=0) / s0
    lever = weight * centred
    sxx = (lever * centred).sum(axis=0)
    return _Moments(weight, centred, y - (lever * y).sum(axis=0) / sxx * centred, s0, sxx)


def _trace(at: _Moments) -> FloatArray:
    square = at.weight**2
    trace: FloatArray = at.s0 - square.sum(axis=0) / at.s0 - (square * at.centred**2).sum(axis=0) / at.sxx
    return trace


def _score(
    tau2: FloatArray, effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray
) -> FloatArray:
    """Return twice the derivative of the restricted log-likelihood."""
    at = _moments(tau2, effect, variance, moderator, inside)
    score: FloatArray = ((at.weight * at.residual) ** 2).sum(axis=0) - _trace(at)
    return score


def restricted_log_likelihood(
    tau2: FloatArray, effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray
) -> FloatArray:
    """Return the restricted log-likelihood up to a constant."""
    at = _moments(tau2, effect, variance, moderator, inside)
    log_likelihood: FloatArray = -0.5 * (
        (inside * np.log(variance + tau2)).sum(axis=0)
        + np.log(at.s0)
        + np.log(at.sxx)
        + (at.weight * at.residual**2).sum(axis=0)
    )
    return log_likelihood


def _restricted_maximum(
    effect: FloatArray, variance: FloatArray, moderator: FloatArray, inside: FloatArray
) -> FloatArray:
    """Follow every falling crossing of the score to its root, and take the highest of them and of 0."""
    data = (effect, variance, moderator, inside)
    smallest = np.where(inside > 0, variance, np.inf).min(axis=0)
    plain = fit_line(effect, moderator, inside)
    # Beyond this the score is negative: y'PPy <= RSS/tau2² and tr P >= (k - 2)/(tau2 + largest v).
    largest_variance = np.where(inside > 0, variance, 0.0).max(axis=0)
    upper = plain.dispersion + np.sqrt(plain.dispersion * largest_variance) + 1e-6 * smallest
    lower = 1e-3 * np.minimum(smallest, upper)
    ratio = (upper / lower) ** (1 / (_GRID - 1))

    below = np.zeros_like(upper)
    score_below = _score(below, *data)
    best: FloatArray = below.copy()
    height = restricted_log_likelihood(below, *data)
    for point in range(_GRID):
        above = lower * ratio**point
        score_above = _score(above, *data)
        crossing = np.flatnonzero((score_below > 0) & (score_above <= 0))
        if crossing.size:
            columns = np.arange(crossing.size, dtype=np.float64)
            part = tuple(array[:, crossing] for array in data)
            root = find_root(
                lambda tau2, column, part=part: _score(
                    tau2, *(array[:, column.astype(np.intp)] for array in part)
                ),
                below[crossing],
                above[crossing],
                columns,
                what="the REML estimate of tau2 about the line",
                tolerance=1e-13,
            )
            there = restricted_log_likelihood(root, *part)
            higher = there > height[crossing]
            chosen = crossing[higher]
            best[chosen], height[chosen] = root[higher], there[higher]
        below, score_below = above, score_above
    return best
