"""Between-study variance by (restricted) maximum likelihood: the global maximum of every set.

The likelihood of few studies can have a maximum inside beside one at 0, so a climb from one start is not
enough: the sign of the score is looked at on a grid, every falling crossing is followed to its root by Newton
steps that may not leave their bracket, and the highest of these and the boundary is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.meta.methods.not_converged import not_converged
from analysis.meta.methods.weighted_model import Studies, fit, trace_of_square, trace_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

__all__ = ["log_likelihood", "maximum_likelihood", "score"]

_ITERATIONS = 200
# Neighbouring points of the grid differ by this factor at most; where few studies make a call's overhead its
# cost, by the smaller one, which saves Newton steps.
_RATIO = 4.0
_FINE_RATIO, _FEW = 1.25, 4_000
# The whole grid is looked at in one call where it has no more elements than this.
_AT_ONCE = 60_000


class Score(NamedTuple):
    """At one tau2 a set: the score (times 2), its slope, and the size of the terms whose difference it is."""

    score: FloatArray
    slope: FloatArray
    size: FloatArray


class _Mean:
    """Scores of sets whose model is a mean, in three buffers that are used again."""

    def __init__(self, studies: Studies, *, restricted: bool, points: int | None = None) -> None:
        self.effect, self.variance = studies.effect, studies.variance
        self.restricted = restricted
        k, sets = self.effect.shape
        # Of one set as many points at once as there is room for.
        self.first, self.second, self.weight = np.empty((3, k, points or sets))

    def _weighted_residuals(self, tau2: FloatArray) -> FloatArray:
        first, second, weight = self.first, self.second, self.weight
        np.add(self.variance, tau2, out=first)
        np.divide(1.0, first, out=weight)
        total: FloatArray = np.add.reduce(weight, axis=0)
        np.multiply(weight, self.effect, out=second)
        mean = np.add.reduce(second, axis=0)
        mean /= total
        np.subtract(self.effect, mean, out=second)
        np.multiply(second, weight, out=second)
        return total

    def score(self, tau2: FloatArray) -> FloatArray:
        first, second, weight = self.first, self.second, self.weight
        total = self._weighted_residuals(tau2)
        if self.restricted:
            np.multiply(weight, weight, out=first)
            total -= np.add.reduce(first, axis=0) / total
        np.multiply(second, second, out=second)
        result: FloatArray = np.add.reduce(second, axis=0)
        result -= total
        return result

    def newton(self, tau2: FloatArray) -> Score:
        first, second, weight = self.first, self.second, self.weight
        s1 = self._weighted_residuals(tau2)
        np.multiply(weight, weight, out=first)
        s2 = np.add.reduce(first, axis=0)
        trace, trace_square = s1, s2
        if self.restricted:
            np.multiply(first, weight, out=first)
            ratio = s2 / s1
            trace = s1 - ratio
            trace_square = s2 - 2 * np.add.reduce(first, axis=0) / s1 + ratio**2
        np.multiply(second, weight, out=first)
        once = np.add.reduce(first, axis=0)
        np.multiply(first, second, out=first)
        cubic = np.add.reduce(first, axis=0) - once**2 / s1
        np.multiply(second, second, out=second)
        quadratic = np.add.reduce(second, axis=0)
        return Score(quadratic - trace, trace_square - 2 * cubic, quadratic + trace)


class _Regression:
    """Scores of sets whose model has a design."""

    def __init__(self, studies: Studies, *, restricted: bool) -> None:
        self.studies, self.restricted = studies, restricted

    def score(self, tau2: FloatArray) -> FloatArray:
        return self.newton(tau2).score

    def newton(self, tau2: FloatArray) -> Score:
        # score = y'PPy - tr(P), slope = tr(PP) - 2 y'PPPy; unrestricted, the traces are those of the weights.
        fitted = fit(self.studies, 1 / (self.studies.variance + tau2))
        weight = fitted.weight
        weighted = weight * fitted.residual
        quadratic = (weighted**2).sum(axis=0)
        cubic = (weight * weighted**2).sum(axis=0)
        for vector in fitted.basis:
            cubic = cubic - (weight * weighted * vector).sum(axis=0) ** 2
        if self.restricted:
            trace, trace_square = trace_with(fitted, 1.0), trace_of_square(fitted, 1.0)
        else:
            trace, trace_square = np.add.reduce(weight, axis=0), (weight**2).sum(axis=0)
        return Score(quadratic - trace, trace_square - 2 * cubic, quadratic + trace)


def _scores(studies: Studies, *, restricted: bool) -> _Mean | _Regression:
    return (_Mean if studies.design is None else _Regression)(studies, restricted=restricted)


def score(studies: Studies, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    """Return twice the derivative of the log-likelihood with respect to tau2."""
    return _scores(studies, restricted=restricted).score(tau2)


def log_likelihood(studies: Studies, tau2: FloatArray, *, restricted: bool) -> FloatArray:
    """Return the log-likelihood at one tau2 a set, without constants in which sets of equal design agree."""
    inside = studies.inside
    fitted = fit(studies, 1 / (studies.variance + tau2))
    total = np.where(inside, studies.variance, 1.0) + np.where(inside, tau2, 0.0)
    twice = np.log(total).sum(axis=0) + (fitted.weight * fitted.residual**2).sum(axis=0)
    if restricted:
        # log |X'WX| is twice the sum of the logs of the lengths that the orthogonal columns had.
        columns = (np.ones((1, 1)),) if studies.design is None else studies.design
        for vector, column in zip(fitted.basis, columns, strict=True):
            twice = twice + 2 * np.log((fitted.weight * vector * column).sum(axis=0))
    log_likelihood_: FloatArray = -0.5 * twice
    return log_likelihood_


def maximum_likelihood(studies: Studies, first: int = 0, *, restricted: bool) -> FloatArray:
    """Return the global maximum over tau2 >= 0; `first` is the position of the first set, for the error."""
    scores = _scores(studies, restricted=restricted)
    lower, upper, start, sets, peaks = _crossings(studies, scores, first, restricted=restricted)
    tau2 = np.zeros(studies.effect.shape[1])
    if not sets.size:
        return tau2
    # A set can have more than one crossing, or none.
    part = studies if np.array_equal(sets, np.arange(tau2.size)) else studies.take(sets)
    solve = _newton if sets.size > 1 else _newton_of_one
    roots = solve(part, start, lower, upper, sets + first, restricted=restricted)
    contested = peaks[sets] > 1
    tau2[sets[~contested]] = roots[~contested]
    if contested.any():
        # A few in a hundred thousand sets: the highest is written last, where it beats the boundary.
        where, here = sets[contested], roots[contested]
        part = studies.take(where)
        height = log_likelihood(part, here, restricted=restricted)
        above = height > log_likelihood(part, np.zeros(here.size), restricted=restricted)
        rising = np.argsort(height, kind="stable")
        rising = rising[above[rising]]
        tau2[where[rising]] = here[rising]
    return tau2


def _crossings(
    studies: Studies, scores: _Mean | _Regression, first: int, *, restricted: bool
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Return the brackets of falling crossings, a start within each, their sets, and maxima a set."""
    variance = studies.variance
    sets = studies.effect.shape[1]
    smallest = variance.min(axis=0)
    if studies.design is None and studies.complete:
        deviation = studies.effect - studies.effect.mean(axis=0)
    else:
        inside = studies.inside
        deviation = np.where(inside, fit(studies, inside.astype(np.float64)).residual, 0.0)
    # Beyond the largest squared deviation times the number of studies the score is negative.
    largest = 2 * (deviation * deviation).sum(axis=0) + smallest
    # Below a tenth of the smallest variance the weights hardly move, and the score is all but a line.
    lowest = 0.1 * smallest
    span = largest / lowest
    step = _FINE_RATIO if studies.effect.size <= _FEW else _RATIO
    points = 1 + max(1, int(np.ceil(np.log(span.max()) / np.log(step))))
    grid = np.empty((points + 1, sets))
    grid[0], grid[1], grid[2:] = 0.0, lowest, span ** (1 / (points - 1))
    np.multiply.accumulate(grid[1:], axis=0, out=grid[1:])
    if grid.size * studies.effect.shape[0] > _AT_ONCE or studies.design is not None:
        found = np.stack([scores.score(tau2) for tau2 in grid])
    elif sets == 1:
        found = _Mean(studies, restricted=restricted, points=grid.size).score(grid.ravel())[:, np.newaxis]
    else:
        again = [np.tile(array, points + 1) for array in (studies.effect, variance)]
        repeated = Studies(again[0], again[1])
        found = _Mean(repeated, restricted=restricted).score(grid.ravel()).reshape(grid.shape)
    rising = found > 0
    if rising[-1].any():
        raise not_converged("The likelihood", np.flatnonzero(rising[-1]) + first)
    rows, columns = np.nonzero(rising[:-1] & ~rising[1:])
    peaks = np.bincount(columns, minlength=sets) + ~rising[0]
    lower, upper = grid[rows, columns], grid[rows + 1, columns]
    return lower, upper, _interpolated(grid, found, rows, columns), columns, peaks


def _interpolated(
    grid: FloatArray, found: FloatArray, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> FloatArray:
    """Return where the inverse parabola through the scores at both ends and the next point is 0.

    Where it leaves the bracket, the chord is taken.
    """
    x0, x1 = grid[rows, columns], grid[rows + 1, columns]
    y0, y1 = found[rows, columns], found[rows + 1, columns]
    # The point after the bracket, or before it where the bracket is the last.
    third = np.where(rows + 2 < grid.shape[0], rows + 2, rows - 1)
    x2, y2 = grid[third, columns], found[third, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        chord = y0 / (y0 - y1)
        curve = chord + y0 * y1 / (y2 - y0) * ((x2 - x1) / (y2 - y1) / (x1 - x0) - 1 / (y1 - y0))
    share = np.where((curve > 0) & (curve < 1), curve, chord)
    start: FloatArray = x0 + (x1 - x0) * share
    return start


def _newton(
    studies: Studies,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    sets: NDArray[np.intp],
    *,
    restricted: bool,
) -> FloatArray:
    """Return the root of a score that is positive at `lower` and not at `upper`, one a set."""
    root, result, open_ = start, np.empty(start.size), np.arange(start.size)
    scores = _scores(studies, restricted=restricted)
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(_ITERATIONS):
            value, slope, size = scores.newton(root)
            rising = value > 0
            lower, upper = np.where(rising, root, lower), np.where(rising, upper, root)
            proposal = root - value / slope
            # A step out of the bracket, or up a convex stretch, is replaced by halving.
            inner = (proposal > lower) & (proposal < upper) & (slope < 0)
            following = np.where(inner, proposal, (lower + upper) / 2)
            # The steps double the digits: after one of 2e-8 the next would be below the last. A score of
            # rounding errors says no more.
            exact = np.abs(value) <= 1e-15 * size
            closed = (inner & (np.abs(following - root) <= 2e-8 * root)) | (upper - lower <= 1e-15 * upper)
            root = np.where(exact, root, following)
            done = exact | closed
            if not done.any():
                continue
            result[open_[done]] = root[done]
            if done.all():
                return result
            keep = ~done
            # Arrays are made smaller when that is worth their copies; what is done moves no more than a
            # digit.
            if 2 * np.count_nonzero(keep) <= keep.size:
                open_, root, lower, upper = open_[keep], root[keep], lower[keep], upper[keep]
                studies = studies.take(keep)
                scores = _scores(studies, restricted=restricted)
    raise not_converged("The likelihood", sets[open_])


def _newton_of_one(
    studies: Studies,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    sets: NDArray[np.intp],
    *,
    restricted: bool,
) -> FloatArray:
    """Return the root of one set: the same steps, to the last bit, without arrays around single numbers."""
    scores = _scores(studies, restricted=restricted)
    root, low, high = start.item(), lower.item(), upper.item()
    for _ in range(_ITERATIONS):
        value, slope, size = (part.item() for part in scores.newton(np.array([root])))
        low, high = (root, high) if value > 0 else (low, root)
        proposal = root - value / slope if slope < 0 else high
        inner = low < proposal < high
        following = proposal if inner else (low + high) / 2
        if abs(value) <= 1e-15 * size:
            return np.array([root])
        if (inner and abs(following - root) <= 2e-8 * root) or high - low <= 1e-15 * high:
            return np.array([following])
        root = following
    raise not_converged("The likelihood", sets)
