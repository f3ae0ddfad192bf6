"""Sets of studies with a weighted linear model, many sets at once.

Arrays are studies first: shape (k, m) for m sets. A study outside a set has effect 0 and variance infinity,
so that its weight 1/(v + tau2) is 0 without a mask. Sums over studies are numpy's, in the order of the
studies: matrix products would be faster by a third and would differ in the last bit from machine to machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Fitted", "Studies", "fit", "trace_of_square", "trace_with"]


# A difference below this share of its terms is taken another way.
_LOST = 1e-6


class Studies(NamedTuple):
    """A block of sets of studies, each array of shape (k, m).

    `design` holds one array of shape (k, m) or (k, 1) a coefficient, none where the expectation is known to
    be 0; without a design the model is a mean.
    """

    effect: FloatArray
    variance: FloatArray
    design: tuple[FloatArray, ...] | None = None
    # Whether every study is in every set, which is then not asked again.
    complete: bool = False

    @property
    def inside(self) -> BoolArray:
        """Whether a study belongs to a set."""
        return self.variance < np.inf

    @property
    def coefficients(self) -> int:
        """Number of coefficients."""
        return 1 if self.design is None else len(self.design)

    def residual_df(self) -> FloatArray:
        """Return studies less coefficients."""
        return self.counts() - self.coefficients

    def counts(self) -> FloatArray:
        """Return the number of studies of every set."""
        k, sets = self.effect.shape
        if self.complete:
            return np.full(sets, float(k))
        count: FloatArray = self.inside.sum(axis=0, dtype=np.float64)
        return count

    def finite_variance(self) -> FloatArray:
        """Return the variances, 0 outside of the sets: what may be multiplied by a weight of 0."""
        return self.variance if self.complete else np.where(self.inside, self.variance, 0.0)

    def take(self, sets: NDArray[np.intp] | BoolArray | slice) -> Studies:
        """Return some of the sets."""
        design = self.design and tuple(x if x.shape[1] == 1 else x[:, sets] for x in self.design)
        return Studies(self.effect[:, sets], self.variance[:, sets], design, self.complete)


class Fitted(NamedTuple):
    """A weighted least-squares fit of every set.

    `basis` holds columns u of the design made orthonormal in the weights, Σ w u_i u_j = δ_ij, and `loading`
    their products Σ w u_j x_l with the columns of the design; P = W - Σ_j (w u_j)(w u_j)' is the residual
    projection.
    """

    weight: FloatArray
    basis: tuple[FloatArray, ...]
    scores: tuple[FloatArray, ...]
    residual: FloatArray

    def mean(self) -> FloatArray:
        """Return the weighted mean, for a model that is a mean."""
        mean: FloatArray = self.scores[0] * self.basis[0][0]
        return mean


def fit(studies: Studies, weight: FloatArray) -> Fitted:
    """Fit every set with the given weights, 0 outside of it."""
    if studies.design is None:
        # The one basis vector of a mean is constant: 1 / sqrt(Σw).
        total = np.add.reduce(weight, axis=0)
        mean = np.add.reduce(weight * studies.effect, axis=0) / total
        length = np.sqrt(total)
        return Fitted(weight, ((1 / length)[np.newaxis],), (mean * length,), studies.effect - mean)
    basis: list[FloatArray] = []
    scores = []
    residual = studies.effect
    for column in studies.design:
        vector = column
        # Twice is enough to be orthogonal to the last digits.
        for _ in range(2):
            for other in basis:
                vector = vector - other * (weight * other * vector).sum(axis=0)
        vector = vector / np.sqrt((weight * vector * vector).sum(axis=0))
        basis.append(vector)
        score = (weight * vector * residual).sum(axis=0)
        scores.append(score)
        residual = residual - score * vector
    return Fitted(weight, tuple(basis), tuple(scores), residual)


def trace_with(fitted: Fitted, diagonal: FloatArray | float) -> FloatArray:
    """Return tr(P D) for a diagonal D: with D = 1, tr(P)."""
    weight = fitted.weight
    once = weight if isinstance(diagonal, float) and diagonal == 1 else weight * diagonal
    whole: FloatArray = np.add.reduce(once, axis=0)
    trace = whole
    squares = weight * once
    for vector in fitted.basis:
        trace = trace - _sum_with(squares, vector, vector)
    # Where one study has nearly all the weight, the difference has lost its digits.
    lost = ~(trace > _LOST * whole)
    if np.logical_or.reduce(lost) and fitted.basis and fitted.basis[0].shape[0] == 1:
        part = weight[:, lost]
        of = diagonal[:, lost] if isinstance(diagonal, np.ndarray) else diagonal
        trace[lost] = (part * of * _of_others(part)).sum(axis=0) / part.sum(axis=0)
    return trace


def _of_others(weight: FloatArray) -> FloatArray:
    """Return the sum of the weights of all studies but one, for each, without a difference."""
    before, after = np.zeros_like(weight), np.zeros_like(weight)
    np.cumsum(weight[:-1], axis=0, out=before[1:])
    after[:-1] = np.cumsum(weight[:0:-1], axis=0)[::-1]
    return before + after


def trace_of_square(fitted: Fitted, diagonal: FloatArray | float) -> FloatArray:
    """Return tr(P D P D) for a diagonal D: with D = 1, tr(PP)."""
    weight = fitted.weight
    once = weight if isinstance(diagonal, float) and diagonal == 1 else weight * diagonal
    twice = once * once
    whole: FloatArray = np.add.reduce(twice, axis=0)
    trace = whole
    cubes = twice * weight
    squares = once * weight
    for i, first in enumerate(fitted.basis):
        trace = trace - 2 * _sum_with(cubes, first, first)
        for second in fitted.basis[: i + 1]:
            cross = _sum_with(squares, first, second) ** 2
            trace = trace + (cross if second is first else 2 * cross)
    lost = ~(trace > _LOST * whole)
    if np.logical_or.reduce(lost) and fitted.basis and fitted.basis[0].shape[0] == 1:
        # Σ (w d r)² + Σ a Σ_others a, with r the share of the other studies' weights and a = w² d / Σw.
        part, part_once = weight[:, lost], once[:, lost]
        total = part.sum(axis=0)
        own = part_once * _of_others(part) / total
        share = part * part_once / total
        trace[lost] = (own * own + share * _of_others(share)).sum(axis=0)
    return trace


def _sum_with(array: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return Σ a u_i u_j; the one basis vector of a mean is constant, and stands outside of the sum."""
    total: FloatArray
    if first.shape[0] == 1:
        total = np.add.reduce(array, axis=0) * (first * second)[0]
    else:
        total = np.add.reduce(array * first * second, axis=0)
    return total
