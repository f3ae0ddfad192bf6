"""Gauss-Legendre panels that follow a density on the positive half-line, for many densities at once.

The density of tau is integrated over x = asinh(tau/c): near 0 as good as linear, beyond c logarithmic, so
that one rule serves a density that is flat at 0, one that lives over many powers of ten, and heavy tails.
Panels are narrow where the density bends. What is integrated is said in `bayes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre

from analysis.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

__all__ = ["ORDER", "Panels", "build_panels", "integral_at"]

ORDER = 20
_GRID = 257
# A log density so far below its maximum adds less than 1e-12.
_DEPTH = 30.0
# Largest of the last coefficients against the whole; the integrals are far more exact.
_ACCURACY = 1e-8
_REFINEMENTS = 6

_NODES, _WEIGHTS = legendre.leggauss(ORDER)
# From values at the nodes to Legendre coefficients: the rule is exact for the products.
_TO_COEFFICIENTS = (
    (2 * np.arange(ORDER)[:, None] + 1) / 2 * legendre.legvander(_NODES, ORDER - 1).T * _WEIGHTS
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panels:
    """A density as polynomials on panels, one row a density.

    Parameters
    ----------
    edge : ndarray, shape (b, p + 1)
        Ends of the panels on the scale of x.
    node, weight : ndarray, shape (b, p * ORDER)
        Nodes, and quadrature weights times the density: they add to 1 in each row.
    coefficient : ndarray, shape (b, p, ORDER)
        Legendre coefficients of the density of x, times half the width of the panel.
    below : ndarray, shape (b, p + 1)
        Probability below each end.
    log_total : ndarray, shape (b,)
        Log of the integral of the density before it was scaled to 1.
    """

    edge: FloatArray
    node: FloatArray
    weight: FloatArray
    coefficient: FloatArray
    below: FloatArray
    log_total: FloatArray


def build_panels(
    log_density: Callable[[FloatArray], FloatArray],
    log_moment: Callable[[FloatArray], FloatArray],
    high: FloatArray,
) -> Panels:
    """Return panels that integrate the densities, and their moments, to about nine digits.

    Parameters
    ----------
    log_density : callable
        Of x, shape (b, m) in and out; minus infinity is fine.
    log_moment : callable
        What is added to the log density where a moment is wanted; widens the range.
    high : ndarray, shape (b,)
        Where to stop at the latest.

    Raises
    ------
    ConvergenceError
        If narrowing the panels six times does not reach the accuracy.
    """
    x, log = _window(log_density, log_moment, high)
    effort = _effort(x, log)
    for refinement in range(_REFINEMENTS):
        panels, rough = _panels(log_density, _edges(x, effort * 1.5**refinement))
        if (rough < _ACCURACY).all():
            return panels
    worst = np.flatnonzero(rough >= _ACCURACY)
    raise ConvergenceError(
        f"The posterior of tau was not integrated to {_ACCURACY:g} for {worst.size} meta-"
        f"analys{'e' if worst.size > 1 else 'i'}s (position {worst[0]} of the leading axes, counted "
        "flat). Look at its effects and variances, or use a smoother prior."
    )


def integral_at(panels: Panels, x: FloatArray) -> FloatArray:
    """Return the probability below `x`, shape (b, m)."""
    panel = np.clip((panels.edge[:, None, :] <= x[..., None]).sum(axis=-1) - 1, 0, panels.edge.shape[1] - 2)
    row = np.arange(x.shape[0])[:, None]
    low, high = panels.edge[row, panel], panels.edge[row, panel + 1]
    place = np.clip((2 * x - low - high) / (high - low), -1.0, 1.0)
    inside = _antiderivative(panels.coefficient[row, panel], place)
    return np.asarray(np.clip(panels.below[row, panel] + inside, 0.0, 1.0))


def _antiderivative(coefficient: FloatArray, place: FloatArray) -> FloatArray:
    """Return the integral from -1 to `place` of a Legendre series with coefficients along the last axis."""
    basis = legendre.legvander(place, ORDER)
    # (2n + 1) times the integral of P_n is P_{n+1} - P_{n-1}.
    degree = np.arange(1, ORDER)
    first = basis[..., :1] + basis[..., 1:2]
    higher = (basis[..., 2:] - basis[..., :-2]) / (2 * degree + 1)
    return np.asarray((coefficient * np.concatenate((first, higher), axis=-1)).sum(axis=-1))


def _window(
    log_density: Callable[[FloatArray], FloatArray],
    log_moment: Callable[[FloatArray], FloatArray],
    high: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return a grid over the part that matters, and the log density on it."""
    # A pole at 0 is integrable; the mass so near to it does not count.
    low = np.full_like(high, 1e-3)
    share = np.linspace(0, 1, _GRID)
    for _ in range(12):
        x = low[:, None] + (high - low)[:, None] * share
        log = log_density(x)
        moment = log + log_moment(x)
        keep = log > log.max(axis=-1, keepdims=True) - _DEPTH
        keep |= moment > moment.max(axis=-1, keepdims=True) - _DEPTH
        first = np.maximum(keep.argmax(axis=-1) - 1, 0)
        last = np.minimum(_GRID - keep[:, ::-1].argmax(axis=-1), _GRID - 1)
        row = np.arange(high.size)
        narrower_low, narrower_high = x[row, first], x[row, last]
        settled = (narrower_high - narrower_low) > 0.7 * (high - low)
        if settled.all():
            break
        low, high = narrower_low, narrower_high
    return x, log


def _effort(x: FloatArray, log: FloatArray) -> FloatArray:
    """Return how many panels a unit of x wants, on the grid."""
    step = (x[:, 1] - x[:, 0])[:, None]
    # Far down, the shape does not matter, and infinities would spoil the differences.
    log = np.maximum(log, log.max(axis=-1, keepdims=True) - 2 * _DEPTH)
    slope = np.gradient(log, axis=-1) / step
    bend = np.gradient(slope, axis=-1) / step
    effort = 0.07 + np.abs(slope) / 6 + np.sqrt(np.abs(bend)) / 2
    # A neighbour's bend is felt: panels do not end on grid points.
    wide = effort.copy()
    wide[:, 1:] = np.maximum(wide[:, 1:], effort[:, :-1])
    wide[:, :-1] = np.maximum(wide[:, :-1], effort[:, 1:])
    return np.asarray(wide)


def _edges(x: FloatArray, effort: FloatArray) -> FloatArray:
    """Return the ends of panels of equal effort; all rows get the number that the most demanding wants."""
    step = (x[:, 1] - x[:, 0])[:, None]
    total = np.zeros_like(x)
    np.cumsum((effort[:, 1:] + effort[:, :-1]) / 2 * step, axis=-1, out=total[:, 1:])
    panels = max(int(np.ceil(total[:, -1].max())), 4)
    wanted = total[:, -1:] * np.linspace(0, 1, panels + 1)
    place = np.clip((total[:, None, :] <= wanted[..., None]).sum(axis=-1) - 1, 0, x.shape[1] - 2)
    row = np.arange(x.shape[0])[:, None]
    low, high = total[row, place], total[row, place + 1]
    edge = x[row, place] + step * (wanted - low) / (high - low)
    edge[:, -1] = x[:, -1]
    return np.asarray(edge)


def _panels(log_density: Callable[[FloatArray], FloatArray], edge: FloatArray) -> tuple[Panels, FloatArray]:
    """Return the panels, and the largest last coefficient relative to the whole: what is not resolved."""
    rows, panels = edge.shape[0], edge.shape[1] - 1
    half = (edge[:, 1:] - edge[:, :-1]) / 2
    node = edge[:, :-1, None] + half[..., None] * (1 + _NODES)
    log = log_density(node.reshape(rows, -1)).reshape(rows, panels, ORDER)
    top = log.max(axis=(1, 2), keepdims=True)
    value = np.exp(log - top) * half[..., None]
    total = (value * _WEIGHTS).sum(axis=(1, 2), keepdims=True)
    value /= total
    coefficient = value @ _TO_COEFFICIENTS.T
    rough = np.abs(coefficient[..., -3:]).max(axis=(1, 2))
    below = np.zeros_like(edge)
    np.cumsum((value * _WEIGHTS).sum(axis=-1), axis=-1, out=below[:, 1:])
    return Panels(
        edge=edge,
        node=node.reshape(rows, -1),
        weight=(value * _WEIGHTS).reshape(rows, -1),
        coefficient=coefficient,
        below=below,
        log_total=(top + np.log(total))[:, 0, 0],
    ), rough
