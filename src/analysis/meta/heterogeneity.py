"""Between-study variance: its estimators, over many sets of studies at once.

Arrays here are studies first: shape (k, m) for m sets, so that every sum over studies runs along memory. A
study outside a set has weight `inside` 0. The public entry is `pooling.pool`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

__all__ = ["TAU2_METHODS", "Tau2", "estimate_tau2"]

_TOLERANCE = 1e-13
_ITERATIONS = 200
# Rough search for sign changes of the score: 0, then this many steps of equal ratio.
_GRID = 14
# Sets a block, so that the arrays of one iteration stay in the processor's cache.
_BLOCK = 16_384


class Tau2(NamedTuple):
    """Between-study variance and its standard error, shape (m,)."""

    value: FloatArray
    std_error: FloatArray


def estimate_tau2(
    effect: FloatArray,
    variance: FloatArray,
    inside: FloatArray,
    *,
    method: str,
) -> Tau2:
    """Estimate tau2 of every set.

    Parameters
    ----------
    effect, variance : ndarray, shape (k, m)
        Finite where `inside` is 1; anything finite elsewhere.
    inside : ndarray, shape (k, m)
        1 where the study belongs to the set, else 0. Every set has at least two studies.
    method : str
        A key of `TAU2_METHODS`.

    Raises
    ------
    ConvergenceError
        If an iteration does not reach a relative change of 1e-13; names the sets by their position.
    """
    estimator = TAU2_METHODS[method]
    k, sets = effect.shape
    step = max(1, _BLOCK // k)
    value, std_error = np.empty(sets), np.empty(sets)
    for start in range(0, sets, step):
        block = slice(start, min(start + step, sets))
        part = estimator(
            np.ascontiguousarray(effect[:, block]),
            np.ascontiguousarray(variance[:, block]),
            np.ascontiguousarray(inside[:, block]),
            start,
        )
        value[block], std_error[block] = part
    return Tau2(value, std_error)


def _der_simonian_laird(effect: FloatArray, variance: FloatArray, inside: FloatArray, _first: int) -> Tau2:
    # tau2 = max(0, (Q - (k - 1)) / (S1 - S2/S1)), weights 1/v.
    weight = inside / variance
    s1, s2, s3 = weight.sum(axis=0), (weight**2).sum(axis=0), (weight**3).sum(axis=0)
    mean = (weight * effect).sum(axis=0) / s1
    q = (weight * (effect - mean) ** 2).sum(axis=0)
    df = inside.sum(axis=0) - 1
    trace = s1 - s2 / s1
    value = np.maximum(0.0, (q - df) / trace)
    # Var(Q) = 2 df + 4 tau2 tr(P) + 2 tau2² tr(PP), over tr(P)².
    trace_square = s2 - 2 * s3 / s1 + (s2 / s1) ** 2
    std_error = np.sqrt(2 * df + 4 * value * trace + 2 * value**2 * trace_square) / trace
    return Tau2(value, std_error)


class _Score(NamedTuple):
    """Restricted likelihood at one tau2 a set: its score (times 2), slope of that, and information."""

    score: FloatArray
    slope: FloatArray
    trace_square: FloatArray


def _reml_score(
    tau2: FloatArray,
    effect: FloatArray,
    variance: FloatArray,
    inside: FloatArray,
) -> _Score:
    # With P the projection of the weighted model: score = y'PPy - tr(P), slope = tr(PP) - 2 y'PPPy.
    weight = inside / (variance + tau2)
    square = weight * weight
    s1, s2, s3 = weight.sum(axis=0), square.sum(axis=0), (square * weight).sum(axis=0)
    residual = effect - (weight * effect).sum(axis=0) / s1
    once = square * residual
    twice = once * residual
    ratio = s2 / s1
    trace_square = s2 - 2 * s3 / s1 + ratio**2
    quadratic = twice.sum(axis=0)
    cubic = (twice * weight).sum(axis=0) - once.sum(axis=0) ** 2 / s1
    return _Score(quadratic - (s1 - ratio), trace_square - 2 * cubic, trace_square)


def _reml_log_likelihood(
    tau2: FloatArray,
    effect: FloatArray,
    variance: FloatArray,
    inside: FloatArray,
) -> FloatArray:
    total = variance + tau2
    weight = inside / total
    s1 = weight.sum(axis=0)
    residual = effect - (weight * effect).sum(axis=0) / s1
    log_likelihood: FloatArray = -0.5 * (
        (inside * np.log(total)).sum(axis=0) + np.log(s1) + (weight * residual**2).sum(axis=0)
    )
    return log_likelihood


def _restricted_maximum_likelihood(
    effect: FloatArray, variance: FloatArray, inside: FloatArray, first: int
) -> Tau2:
    """Return the global maximum of the restricted likelihood over tau2 >= 0.

    The likelihood of few studies can have a maximum inside beside one at 0, so a climb from one start is not
    enough: the sign of the score is looked at on a grid, every falling crossing is followed to its root by
    Newton steps that may not leave their bracket, and the highest of these and the boundary is taken.
    """
    smallest = np.where(inside > 0, variance, np.inf).min(axis=0)
    mean = (inside * effect).sum(axis=0) / inside.sum(axis=0)
    # Beyond the largest squared deviation times the number of studies the score is negative.
    largest = (inside * (effect - mean) ** 2).sum(axis=0) * 2 + smallest * 1e-6
    lowest = np.minimum(smallest * 1e-3, largest * 1e-3)
    ratio = (largest / lowest) ** (1 / (_GRID - 1))

    best = np.zeros_like(largest)
    below = np.zeros_like(largest)
    score_below = _reml_score(below, effect, variance, inside).score
    peaks: list[tuple[NDArray[np.intp], FloatArray, FloatArray]] = []
    # The boundary is itself a maximum where the likelihood falls from it.
    competitors = (score_below <= 0).astype(np.intp)
    for point in range(_GRID):
        above = lowest * ratio**point
        score_above = _reml_score(above, effect, variance, inside).score
        crossing = np.flatnonzero((score_below > 0) & (score_above <= 0))
        if crossing.size:
            peaks.append((crossing, below[crossing], above[crossing]))
            competitors[crossing] += 1
        below, score_below = above, score_above
    if (score_below > 0).any():
        _not_converged(np.flatnonzero(score_below > 0) + first)
    for sets, lower, upper in peaks:
        part = effect[:, sets], variance[:, sets], inside[:, sets]
        root = _newton_in_bracket(partial(_score_of, part), lower, upper, sets + first)
        contested = competitors[sets] > 1
        if contested.any():
            at_root = _reml_log_likelihood(root, *part)
            at_best = _reml_log_likelihood(best[sets], *part)
            root = np.where(contested & (at_best >= at_root), best[sets], root)
        best[sets] = root
    information = _reml_score(best, effect, variance, inside).trace_square
    return Tau2(best, np.sqrt(2 / information))


def _score_of(part: tuple[FloatArray, FloatArray, FloatArray], tau2: FloatArray) -> _Score:
    return _reml_score(tau2, *part)


def _newton_in_bracket(
    function: Callable[[FloatArray], _Score],
    lower: FloatArray,
    upper: FloatArray,
    sets: NDArray[np.intp],
) -> FloatArray:
    """Return the root of a score that is positive at `lower` and not at `upper`, one a set."""
    lower, upper = lower.copy(), upper.copy()
    root = (lower + upper) / 2
    for _ in range(_ITERATIONS):
        score, slope, _information = function(root)
        rising = score > 0
        lower = np.where(rising, root, lower)
        upper = np.where(rising, upper, root)
        with np.errstate(divide="ignore", invalid="ignore"):
            proposal = root - score / slope
        # A step out of the bracket, or up a convex stretch, is replaced by halving.
        inner = (proposal > lower) & (proposal < upper) & (slope < 0)
        following = np.where(inner, proposal, (lower + upper) / 2)
        # A score of exactly 0 is a root; the bracket has then closed on its upper end.
        following = np.where(score == 0, root, following)
        change = np.abs(following - root)
        root = following
        if (change <= _TOLERANCE * np.maximum(root, np.finfo(np.float64).tiny)).all():
            return root
    open_sets = np.flatnonzero(change > 1e-9 * root)
    if open_sets.size:
        _not_converged(sets[open_sets])
    return root


def _not_converged(sets: NDArray[np.intp]) -> None:
    listed = ", ".join(map(str, sets[:5])) + (" ..." if sets.size > 5 else "")
    raise ConvergenceError(
        f"REML did not converge for {sets.size} set{'s' if sets.size > 1 else ''} of studies "
        f"(position {listed} of the leading axes, counted flat). Look at their effects and variances, "
        "or use tau2='DL', which needs no iteration."
    )


TAU2_METHODS: dict[str, Callable[[FloatArray, FloatArray, FloatArray, int], Tau2]] = {
    "DL": _der_simonian_laird,
    "REML": _restricted_maximum_likelihood,
}
