"""Integrals over the random effects of a study: where the integrand lies, and nodes that cover it.

Two rules. The trapezoidal rule, whose error falls exponentially with the step for functions analytic in a
strip, as all of these are, is taken fine enough for rounding error. The adaptive Gauss-Hermite rule with a
given number of nodes is what other programs compute; with one node it is Laplace's approximation.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.methods.glmm_model import Derivatives, MixedModel, derivatives_over_nodes

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["Mode", "find_mode", "gauss_hermite_value", "trapezoidal_derivatives"]

# The integrand is followed until it has fallen by exp(-40) on each side.
_DROP = 40.0
# Step in standard deviations at the mode: a Gaussian's error is exp(-2 pi²/0.6²). Step on the predictor's
# scale: the laws have no singularity and stay bounded within pi/2 of the real line, error exp(-pi²/0.25).
_STEP, _PREDICTOR_STEP = 0.6, 0.25
_RAYS = 16
_ITERATIONS = 100


class Mode(NamedTuple):
    """Where a study's integrand is largest, over the leading axes and k studies."""

    position: FloatArray  # (..., k, dimensions)
    spread: FloatArray  # (..., k, dimensions, dimensions): Cholesky factor of the inverse curvature
    height: FloatArray  # (..., k)


def find_mode(
    model: MixedModel,
    base: FloatArray,
    scale: FloatArray,
    start: FloatArray,
    *,
    tolerance: float,
    polish: bool,
) -> Mode:
    """Return the modes of the integrands, which are strictly log-concave, by Newton steps with halving.

    Raises
    ------
    ConvergenceError
        If a step longer than `tolerance` (in standard deviations at the mode) remains.
    """
    position = start
    value, gradient, curvature = _integrand(model, base, scale, position)
    for _ in range(_ITERATIONS):
        step = _solve(curvature, gradient)
        decrement = (gradient * step).sum(axis=-1)
        if (decrement <= tolerance**2).all():
            if polish:
                # One more step squares the distance; asking for that distance itself could be below rounding.
                position = position + step
                value, gradient, curvature = _integrand(model, base, scale, position)
            return Mode(position, _inverse_root(curvature), value)
        share = np.ones_like(value)
        while True:
            proposal = position + share[..., None] * step
            new = _integrand(model, base, scale, proposal)
            # Near the mode Newton's step is right, and the rise is lost in the rounding of the integrand.
            worse = (new[0] < value) & (decrement > 1e-3)
            if not worse.any() or share.min() < 1e-12:
                break
            share = np.where(worse, share / 2, share)
        position = proposal
        value, gradient, curvature = new
    raise ConvergenceError(
        "The most probable effect of a study was not found; look for counts that differ by many orders of "
        "magnitude between studies."
    )


def trapezoidal_derivatives(
    model: MixedModel, shared: FloatArray, own: FloatArray, start: FloatArray
) -> tuple[Derivatives, FloatArray]:
    """Return each study's log-likelihood with derivatives, to rounding error, and the modes.

    Parameters
    ----------
    model : MixedModel
        Of k studies.
    shared : ndarray, shape (effects + dimensions,)
        Shared effects, then standard deviations of the random effects.
    own : ndarray, shape (k,)
        The studies' own effects; not used if the model has none.
    start : ndarray, shape (k, dimensions)
        Where to look for the modes first.

    References
    ----------
    Trefethen LN, Weideman JAC (2014). The exponentially convergent trapezoidal rule. SIAM Rev 56:385-458.
    DOI 10.1137/130932132 (Citation not verified.)
    """
    base, scale = model.base(shared, own), model.scale(shared)
    k = base.shape[0]
    if model.dimensions == 0:
        empty = np.zeros((1, k, 0))
        return derivatives_over_nodes(model, base, scale, empty, np.zeros((1, k))), start
    # The nodes only have to cover the integrand, so the mode need not be exact.
    mode = find_mode(model, base, scale, start, tolerance=1e-2, polish=False)
    grid, log_step = _grid(model, base, scale, mode)
    nodes = mode.position + (mode.spread * grid[..., None, :]).sum(axis=-1)
    log_weights = log_step + _log_density_constant(mode)
    log_weights = np.broadcast_to(log_weights, nodes.shape[:-1])
    return derivatives_over_nodes(model, base, scale, nodes, log_weights), mode.position


def gauss_hermite_value(
    model: MixedModel, shared: FloatArray, own: FloatArray, start: FloatArray, nodes: int
) -> FloatArray:
    """Return each study's log-likelihood by `nodes` adaptive Gauss-Hermite nodes a random effect.

    Parameters
    ----------
    model, start
        As for `trapezoidal_derivatives`.
    shared : ndarray, shape (..., effects + dimensions)
        Leading axes are points of the parameter space.
    own : ndarray, shape (..., k)
        The studies' own effects.
    nodes : int
        1 is Laplace's approximation.

    References
    ----------
    Pinheiro JC, Bates DM (1995). Approximations to the log-likelihood function in the nonlinear mixed-effects
    model. J Comput Graph Stat 4:12-35. DOI 10.1080/10618600.1995.10474663
    """
    base, scale = model.base(shared, own), model.scale(shared)
    if model.dimensions == 0:
        value: FloatArray = model.law(base)[0].sum(axis=-1)
        return value
    start = np.broadcast_to(start, (*base.shape[:-1], model.dimensions))
    mode = find_mode(model, base, scale, start, tolerance=1e-5, polish=True)
    abscissa, log_weight = _hermite(nodes)
    mesh = np.meshgrid(*[abscissa] * model.dimensions, indexing="ij")
    grid = np.stack([axis.ravel() for axis in mesh], axis=-1)
    weights = np.meshgrid(*[log_weight] * model.dimensions, indexing="ij")
    log_weights = sum(axis.ravel() for axis in weights)
    shape = (grid.shape[0], *(1,) * (base.ndim - 1))
    around = (mode.spread * grid.reshape(*shape, 1, model.dimensions)).sum(axis=-1)
    value = _integrand_value(model, base, scale, mode.position + around)
    value = value + np.reshape(log_weights, shape)
    top = value.max(axis=0)
    total: FloatArray = top + np.log(np.exp(value - top).sum(axis=0)) + _log_density_constant(mode)
    return total


@cache
def _hermite(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes in standard deviations and log-weights of a sum over the integrand itself."""
    x, weight = np.polynomial.hermite.hermgauss(nodes)
    return np.sqrt(2) * x, np.log(weight) + x**2 + 0.5 * np.log(2)


def _log_density_constant(mode: Mode) -> FloatArray:
    # Volume element of the whitened axes, and the constant of the standard normal density.
    dimensions = mode.position.shape[-1]
    volume = np.log(np.diagonal(mode.spread, axis1=-2, axis2=-1)).sum(axis=-1)
    constant: FloatArray = volume - 0.5 * dimensions * np.log(2 * np.pi)
    return constant


def _integrand_value(model: MixedModel, base: FloatArray, scale: FloatArray, u: FloatArray) -> FloatArray:
    eta = base + (scale * u[..., None, :]).sum(axis=-1)
    value: FloatArray = model.law(eta)[0].sum(axis=-1) - 0.5 * (u**2).sum(axis=-1)
    return value


def _integrand(
    model: MixedModel, base: FloatArray, scale: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the log-integrand, its gradient and minus its Hessian."""
    eta = base + (scale * u[..., None, :]).sum(axis=-1)
    value, slope, curvature = model.law(eta)
    gradient = (scale * slope[..., None]).sum(axis=-2) - u
    negative = np.swapaxes(scale * -curvature[..., None], -1, -2) @ scale + np.eye(model.dimensions)
    return value.sum(axis=-1) - 0.5 * (u**2).sum(axis=-1), gradient, negative


def _solve(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    if vector.shape[-1] == 1:
        return vector / matrix[..., 0]
    return np.asarray(np.linalg.solve(matrix, vector[..., None])[..., 0], dtype=np.float64)


def _inverse_root(matrix: FloatArray) -> FloatArray:
    if matrix.shape[-1] == 1:
        return 1 / np.sqrt(matrix)
    return np.asarray(np.linalg.cholesky(np.linalg.inv(matrix)), dtype=np.float64)


def _grid(
    model: MixedModel, base: FloatArray, scale: FloatArray, mode: Mode
) -> tuple[FloatArray, FloatArray]:
    """Return nodes about the mode in standard deviations, (nodes, k, dimensions), and log-steps (k,)."""
    low, high = _extent(model, base, scale, mode)
    # How fast the predictor of an arm moves along an axis of the grid.
    speed = np.abs(scale @ mode.spread).max(axis=-2)
    step = np.minimum(_STEP, _PREDICTOR_STEP / np.maximum(speed, 1e-12))
    counts = np.ceil((high - low) / step).max(axis=0).astype(int) + 1
    steps = (high - low) / (counts - 1)
    if model.dimensions == 1:
        index = np.arange(counts[0])[:, None, None]
    else:
        index = np.indices(tuple(counts)).reshape(model.dimensions, -1).T[:, None, :]
    return low + steps * index, np.log(steps).sum(axis=-1)


def _extent(
    model: MixedModel, base: FloatArray, scale: FloatArray, mode: Mode
) -> tuple[FloatArray, FloatArray]:
    """Return a box (k, dimensions) about the mode outside of which the integrand is negligible.

    Along a ray the log-integrand is concave and falls at least as fast as the standard normal density, which
    gives a point outside; between it and the mode the wanted drop is bracketed.
    """
    if model.dimensions == 1:
        rays = np.array([[-1.0], [1.0]])
    else:
        angle = 2 * np.pi * np.arange(_RAYS) / _RAYS
        rays = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    direction = (mode.spread * rays[:, None, None, :]).sum(axis=-1)
    # The mode is approximate: the margin of 2 covers a gradient that is not quite 0.
    outer = np.sqrt(2 * _DROP) / np.sqrt((direction**2).sum(axis=-1)) + 2
    inner = np.zeros_like(outer)
    # About right for a normal density; where it is not, the interval is halved.
    reach = np.minimum(outer, np.sqrt(2 * _DROP) + 0.3)
    for _ in range(_ITERATIONS):
        drop = mode.height - _integrand_value(
            model, base, scale, mode.position + reach[..., None] * direction
        )
        outer, inner = np.where(drop >= _DROP, reach, outer), np.where(drop >= _DROP, inner, reach)
        open_ = (drop < _DROP) | (drop > 1.4 * _DROP)
        if not open_.any():
            break
        reach = np.where(open_ & (outer - inner > 1e-6), (outer + inner) / 2, outer)
    reach = outer
    corners = reach[..., None] * rays[:, None, :]
    # Sixteen rays cut the corners of the convex region a little.
    margin = 1.0 if model.dimensions == 1 else 1.0 / np.cos(np.pi / _RAYS)
    return margin * corners.min(axis=0), margin * corners.max(axis=0)
