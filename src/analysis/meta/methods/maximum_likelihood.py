"""Maxima of many likelihoods at once, by Newton's method with bounds.

The caller gives value, gradient and second derivatives of a batch; a row is one likelihood from one start.
Bounds are active sets: a parameter at its bound that the gradient pushes outward stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.values.arrays import BoolArray, FloatArray

    Derivatives = tuple[FloatArray, FloatArray, FloatArray]

__all__ = ["Maximum", "covariance", "maximise"]

_ITERATIONS = 300
# Longest step, in units of the curvature: about as many standard errors.
_REACH = 4.0
# Half the decrement is the rise that a quadratic still promises; 1e-16 is below what a sum can show.
_DECREMENT = 1e-16
_NEARLY = 1e-9
_NEAR = 1e-11


@dataclass(frozen=True, slots=True, kw_only=True)
class Maximum:
    """Where the climb of every row ended: shapes (m, n), (m,), (m, n), (m, n, n), (m, n) and (m,)."""

    point: FloatArray
    value: FloatArray
    gradient: FloatArray
    curvature: FloatArray
    free: BoolArray
    converged: BoolArray


def maximise(
    function: Callable[[FloatArray, NDArray[np.intp]], Derivatives],
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> Maximum:
    """Climb from every row of `start`, shape (m, n), within bounds of that shape.

    `function(x, rows)` returns values (r,), gradients (r, n) and second derivatives (r, n, n) of the rows
    asked for; a value of minus infinity marks a point outside the domain.
    """
    x = np.clip(start, lower, upper)
    m, n = x.shape
    value, gradient, curvature = function(x, np.arange(m))
    damping = np.full(m, 1e-3)
    converged = np.zeros(m, dtype=bool)
    stuck = ~np.isfinite(value)
    free = np.ones((m, n), dtype=bool)
    for _ in range(_ITERATIONS):
        rows = np.flatnonzero(~converged & ~stuck)
        if not rows.size:
            break
        g, lo, hi = gradient[rows], lower[rows], upper[rows]
        # A parameter this close to the bound that it is pushed to would creep up to it for ever.
        near = _NEAR * (hi - lo)
        at_low, at_high = (x[rows] <= lo + near) & (g <= 0), (x[rows] >= hi - near) & (g >= 0)
        x[rows] = np.where(at_low, lo, np.where(at_high, hi, x[rows]))
        free[rows] = ~(at_low | at_high)
        size, root, vectors, tilt = _scaled(g, curvature[rows], free[rows])
        decrement = (tilt**2 / np.maximum(np.abs(root), 1e-14)).sum(axis=-1)
        peaked = np.asarray((root > 0).all(axis=-1))
        done = peaked & (decrement <= _DECREMENT)
        converged[rows[done]] = True
        keep = ~done
        rows, peaked = rows[keep], peaked[keep]
        size, root, vectors, tilt, decrement = (part[keep] for part in (size, root, vectors, tilt, decrement))
        if not rows.size:
            continue
        step = tilt / (np.maximum(np.abs(root), 1e-8) + damping[rows, None])
        length = np.sqrt((step**2).sum(axis=-1))
        step *= np.minimum(1.0, _REACH / np.maximum(length, 1e-300))[:, None]
        moved = np.clip(x[rows] + (vectors @ step[..., None])[..., 0] / size, lower[rows], upper[rows])
        new_value, new_gradient, new_curvature = function(moved, rows)
        # Close to the top the values only show rounding; there the step is taken as it is.
        polish = peaked & (decrement < 1e-10) & (np.abs(new_value - value[rows]) < 1e-9)
        better = np.isfinite(new_value) & ((new_value > value[rows]) | polish)
        went = rows[better]
        x[went], value[went] = moved[better], new_value[better]
        gradient[went], curvature[went] = new_gradient[better], new_curvature[better]
        damping[went] = np.where(damping[went] < 1e-8, 0.0, damping[went] / 10)
        stayed = rows[~better]
        damping[stayed] = np.maximum(damping[stayed] * 8, 1e-3)
        lost = damping[stayed] > 1e14
        converged[stayed[lost & (peaked & (decrement < _NEARLY))[~better]]] = True
        stuck[stayed[lost]] = True
    rows = np.arange(m)
    size, root, vectors, tilt = _scaled(gradient, np.where(np.isfinite(curvature), curvature, 0.0), free)
    decrement = (tilt**2 / np.maximum(np.abs(root), 1e-14)).sum(axis=-1)
    converged |= np.isfinite(value) & (root > 0).all(axis=-1) & (decrement < _NEARLY)
    return Maximum(
        point=x, value=value, gradient=gradient, curvature=curvature, free=free, converged=converged
    )


def _scaled(
    gradient: FloatArray, curvature: FloatArray, free: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return scales, eigenvalues and vectors of the information, and the gradient along the vectors."""
    information = -curvature
    diagonal = np.abs(np.einsum("...ii->...i", information))
    size = np.sqrt(np.maximum(diagonal, 1e-12 * np.maximum(diagonal.max(axis=-1, keepdims=True), 1e-200)))
    both = free[..., :, None] & free[..., None, :]
    scaled = np.where(both, information / (size[..., :, None] * size[..., None, :]), 0.0)
    scaled += np.where(free, 0.0, 1.0)[..., None] * np.eye(free.shape[-1])
    root, vectors = np.linalg.eigh(scaled)
    pull = np.where(free, gradient / size, 0.0)
    return size, root, vectors, (np.swapaxes(vectors, -1, -2) @ pull[..., None])[..., 0]


def covariance(maximum: Maximum) -> tuple[FloatArray, BoolArray]:
    """Return the inverse observed information of the free parameters, 0 elsewhere, and where it exists.

    A parameter at its bound is held there; the others' variances are conditional on it.
    """
    free = maximum.free
    size, root, vectors, _ = _scaled(maximum.gradient, maximum.curvature, free)
    exists: BoolArray = np.all(root > 1e-10, axis=-1)
    inverse = (vectors / np.where(root > 1e-10, root, 1.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    both = free[..., :, None] & free[..., None, :]
    return np.where(both, inverse / (size[..., :, None] * size[..., None, :]), 0.0), exists
