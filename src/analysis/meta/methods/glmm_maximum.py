"""Maximum of a mixed model's likelihood: guarded Newton steps in the shared and the studies' own effects.

A study's own effect enters its own likelihood only, so the Hessian is an arrow and the own effects are
eliminated study by study.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.methods.glmm_model import Derivatives
from analysis.meta.methods.glmm_quadrature import gauss_hermite_value, trapezoidal_derivatives

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.meta.methods.glmm_model import MixedModel
    from analysis.values.arrays import FloatArray

    Evaluate = Callable[[FloatArray, FloatArray], Derivatives]

__all__ = ["Maximum", "by_gauss_hermite", "by_trapezoids", "maximise"]

_ITERATIONS = 100
# Newton's decrement (the distance to the maximum in standard errors) before the last step, which squares it.
_TOLERANCE = 1e-7
# So near the maximum Newton's step is right, and the rise is lost in the rounding of the log-likelihood.
_CERTAIN = 1e-2
# A step is cut to this length on the predictor's scale.
_LONGEST = 2.0
# Beyond this the effects of studies differ by more than counts can tell.
_LARGEST = 60.0


class Maximum(NamedTuple):
    """Estimates, log-likelihood and observed information of the shared parameters."""

    shared: FloatArray
    own: FloatArray
    value: float
    information: FloatArray


def maximise(
    model: MixedModel, evaluate: Evaluate, shared: FloatArray, own: FloatArray, *, name: str
) -> Maximum:
    """Return the maximum that Newton's method reaches from a start.

    Raises
    ------
    ConvergenceError
        If there is none: the likelihood grows without bound, or is not concave where the steps end.
    """
    at = evaluate(shared, own)
    value = at.value.sum()
    for _ in range(_ITERATIONS):
        gradient, hessian, own_part = _eliminate(at, shared.size)
        step, decrement = _ascent(gradient, hessian)
        own_step = own_part(step)
        own_decrement = _largest(own_step, at)
        last = max(decrement, own_decrement) <= _TOLERANCE
        longest = max(np.abs(step).max(initial=0.0), np.abs(own_step).max(initial=0.0))
        share = min(1.0, _LONGEST / longest) if longest > 0 else 1.0
        while True:
            proposal = shared + share * step, own + share * own_step
            new = evaluate(*proposal)
            if new.value.sum() >= value or max(decrement, own_decrement) < _CERTAIN or share < 1e-10:
                break
            share /= 2
        shared, own = proposal
        at, value = new, new.value.sum()
        if last:
            information = -_eliminate(at, shared.size)[1]
            if shared.size == 0 or np.linalg.eigvalsh(information).min() > 0:
                return Maximum(shared, own, float(value), information)
            break
        if np.abs(shared[model.effects :]).max(initial=0.0) > _LARGEST:
            break
    raise ConvergenceError(
        f"The likelihood of the {name} model has no maximum that {_ITERATIONS} steps could reach: the "
        "studies' effects or their variance grow without bound, as with groups that have no events or only "
        "events. Use method='common', or mantel_haenszel for two groups and pool_beta_binomial for one."
    )


def by_trapezoids(model: MixedModel) -> Evaluate:
    """Return the log-likelihood to rounding error with its exact derivatives."""
    last: list[FloatArray] = []

    def evaluate(shared: FloatArray, own: FloatArray) -> Derivatives:
        start = last[0] if last else np.zeros((own.shape[-1], model.dimensions))
        at, mode = trapezoidal_derivatives(model, shared, own, start)
        last[:] = [mode]
        return at

    return evaluate


def by_gauss_hermite(model: MixedModel, nodes: int, steps: FloatArray, own_steps: FloatArray) -> Evaluate:
    """Return the adaptive Gauss-Hermite sum with derivatives by central differences of fourth order.

    The nodes move with the parameters, so differences are simpler than the derivative and, with steps of a
    fraction of a standard error, exact to about 1e-9.
    """

    def evaluate(shared: FloatArray, own: FloatArray) -> Derivatives:
        has_own = model.own is not None
        k, parameters = own.shape[-1], shared.size + has_own
        points = _stencil(parameters)
        moved = shared + points[:, : shared.size] * steps
        own_moved = own + (points[:, -1:] * own_steps if has_own else np.zeros((len(points), 1)))
        start = np.zeros((k, model.dimensions))
        value = gauss_hermite_value(model, moved, own_moved, start, nodes)
        size = np.broadcast_to(steps, (k, shared.size))
        if has_own:
            size = np.concatenate([size, own_steps[:, None]], axis=1)
        return _from_stencil(value, size)

    return evaluate


def _eliminate(
    at: Derivatives, shared: int
) -> tuple[FloatArray, FloatArray, Callable[[FloatArray], FloatArray]]:
    """Return gradient and Hessian of the shared parameters, the own ones at their best, and the own step."""
    gradient, hessian = at.gradient[:, :shared].sum(axis=0), at.hessian[:, :shared, :shared].sum(axis=0)
    if at.gradient.shape[1] == shared:
        return gradient, hessian, lambda _step: np.zeros(at.gradient.shape[0])
    # Away from the maximum the curvature may have the wrong sign; then the step still has to lead uphill.
    curvature = -np.maximum(np.abs(at.hessian[:, shared, shared]), 1e-10)
    slope, cross = at.gradient[:, shared], at.hessian[:, shared, :shared]
    gradient = gradient - (cross * (slope / curvature)[:, None]).sum(axis=0)
    hessian = hessian - (cross / curvature[:, None]).T @ cross
    return gradient, hessian, lambda step: -(slope + cross @ step) / curvature


def _ascent(gradient: FloatArray, hessian: FloatArray) -> tuple[FloatArray, float]:
    """Return Newton's step with the curvature turned downwards in every direction, and its decrement."""
    if gradient.size == 0:
        return gradient, 0.0
    roots, axes = np.linalg.eigh(hessian)
    downward = np.maximum(np.abs(roots), 1e-10 * np.abs(roots).max() + 1e-300)
    along = axes.T @ gradient
    return axes @ (along / downward), float(np.sqrt((along**2 / downward).sum()))


def _largest(own_step: FloatArray, at: Derivatives) -> float:
    """Return the largest own step in standard errors."""
    return float((np.abs(own_step) * np.sqrt(np.abs(at.hessian[:, -1, -1]))).max(initial=0.0))


# Weights of f(-2h), f(-h), f(0), f(h), f(2h) in h f' and h² f''.
_FIRST = np.array([1, -8, 0, 8, -1]) / 12
_SECOND = np.array([-1, 16, -30, 16, -1]) / 12


def _stencil(parameters: int) -> FloatArray:
    """Return the points of the differences, in steps: all pairs of parameters on a 5 by 5 grid."""
    if parameters == 1:
        return np.arange(-2.0, 3.0)[:, None]
    side = np.indices((5, 5)).reshape(2, -1).T - 2.0
    pairs = list(combinations(range(parameters), 2))
    points = np.zeros((len(pairs), 25, parameters))
    for number, pair in enumerate(pairs):
        points[number, :, list(pair)] = side.T
    return points.reshape(-1, parameters)


def _from_stencil(value: FloatArray, size: FloatArray) -> Derivatives:
    k, parameters = size.shape
    gradient, hessian = np.empty((k, parameters)), np.empty((k, parameters, parameters))
    if parameters == 1:
        gradient[:, 0], hessian[:, 0, 0] = _FIRST @ value, _SECOND @ value
        middle = value[2]
    else:
        grids = value.reshape(-1, 5, 5, k)
        middle = grids[0, 2, 2]
        for grid, (r, s) in zip(grids, combinations(range(parameters), 2), strict=True):
            rows, columns = grid[:, 2], grid[2, :]
            gradient[:, r], gradient[:, s] = _FIRST @ rows, _FIRST @ columns
            hessian[:, r, r], hessian[:, s, s] = _SECOND @ rows, _SECOND @ columns
            mixed = np.einsum("i,j,ijk->k", _FIRST, _FIRST, grid)
            hessian[:, r, s] = hessian[:, s, r] = mixed
    return Derivatives(middle, gradient / size, hessian / (size[:, :, None] * size[:, None, :]))
