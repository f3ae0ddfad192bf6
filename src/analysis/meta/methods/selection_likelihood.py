"""The log-likelihood of a selection model with its first and second derivatives.

Parameters are mu, tau2 and θ; rows are likelihoods, the last axis of data is studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.selection_integral import over_intervals, over_nodes
from analysis.meta.methods.selection_weights import link

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.meta.methods.selection_integral import Integral, Nodes
    from analysis.meta.methods.selection_weights import WeightFunction
    from analysis.values.arrays import FloatArray

__all__ = ["Intervals", "Likelihood", "Smooth"]

# Studies times nodes times rows held at once.
_BLOCK = 1 << 20
# An integral of exp(5000) is one that does not exist.
_INFINITE = 5e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """A weight that is exp(θ·f) on intervals of z, shapes (J,) and (J, d)."""

    low: FloatArray
    high: FloatArray
    features: FloatArray

    width = 8

    def integral(self, theta: FloatArray, m: FloatArray, s: FloatArray, precision: FloatArray) -> Integral:
        """Return the normalising integral; a step weight has no use for `precision`."""
        del precision
        return over_intervals(self.low, self.high, self.features, theta, m, s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Smooth:
    """A weight that changes smoothly with the P-value."""

    name: str
    function: WeightFunction
    nodes: Nodes
    two_sided: bool
    settles: bool

    width = 256

    def integral(self, theta: FloatArray, m: FloatArray, s: FloatArray, precision: FloatArray) -> Integral:
        """Return the normalising integral by quadrature."""
        return over_nodes(
            self.name,
            self.function,
            self.nodes,
            theta,
            m,
            s,
            precision,
            two_sided=self.two_sided,
            settles=self.settles,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """Data and weight of a batch of likelihoods.

    Parameters
    ----------
    y, v, precision : ndarray
        Effects (turned so that the favoured direction is up), variances and scale of η, shape (m, k).
    features : ndarray
        Features of the P-values of the studies, shape (m, k, d).
    weight : Intervals or Smooth
    """

    y: FloatArray
    v: FloatArray
    precision: FloatArray
    features: FloatArray
    weight: Intervals | Smooth

    def __call__(self, x: FloatArray, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values (r,), gradients (r, n) and second derivatives (r, n, n)."""
        block = max(1, _BLOCK // (self.y.shape[-1] * self.weight.width))
        if rows.size <= block:
            return self._block(x, rows)
        parts = [self._block(x[i : i + block], rows[i : i + block]) for i in range(0, rows.size, block)]
        value, gradient, curvature = (np.concatenate(part) for part in zip(*parts, strict=True))
        return value, gradient, curvature

    def _block(self, x: FloatArray, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        y, v, precision = self.y[rows], self.v[rows], self.precision[rows]
        mu, tau2, theta = x[:, :1], x[:, 1:2], x[:, 2:]
        variance = v + tau2
        sigma, root_v = np.sqrt(variance), np.sqrt(v)
        t = (y - mu) / sigma
        with np.errstate(over="ignore", under="ignore"):
            integral = self.weight.integral(theta, mu / root_v, sigma / root_v, precision)
        name = self.weight.name if isinstance(self.weight, Smooth) else "step"
        own = self.features[rows] * precision[..., None]
        g, first, second = link(name, (own * theta[:, None, :]).sum(axis=-1))
        value = (g - integral.log - 0.5 * (t * t + np.log(2 * np.pi * variance))).sum(axis=-1)
        outside = (integral.log > _INFINITE).any(axis=-1) | ~np.isfinite(value)
        value = np.where(outside, -np.inf, value)

        n = x.shape[-1]
        h1, h2, h3, h4 = integral.hermite
        e0, e1, e2 = integral.slope
        gradient = np.empty((rows.size, n))
        gradient[:, 0] = ((t - h1) / sigma).sum(axis=-1)
        gradient[:, 1] = ((t * t - 1 - h2) / variance).sum(axis=-1) / 2
        slope = np.broadcast_to(np.asarray(first), y.shape)
        gradient[:, 2:] = (slope[..., None] * own - e0).sum(axis=-2)
        curvature = np.empty((rows.size, n, n))
        curvature[:, 0, 0] = ((h1 * h1 - h2 - 1) / variance).sum(axis=-1)
        curvature[:, 0, 1] = ((-2 * t - h3 + h1 * h2) / (2 * variance * sigma)).sum(axis=-1)
        curvature[:, 1, 1] = ((2 - 4 * t * t - h4 + h2 * h2) / (4 * variance**2)).sum(axis=-1)
        curvature[:, 0, 2:] = ((h1[..., None] * e0 - e1) / sigma[..., None]).sum(axis=-2)
        curvature[:, 1, 2:] = ((h2[..., None] * e0 - e2) / (2 * variance[..., None])).sum(axis=-2)
        bent = np.broadcast_to(np.asarray(second), y.shape)[..., None, None]
        outer = own[..., :, None] * own[..., None, :]
        both = bent * outer - integral.square + e0[..., :, None] * e0[..., None, :]
        curvature[:, 2:, 2:] = both.sum(axis=-3)
        curvature[:, 1, 0] = curvature[:, 0, 1]
        curvature[:, 2:, 0], curvature[:, 2:, 1] = curvature[:, 0, 2:], curvature[:, 1, 2:]
        gradient[outside], curvature[outside] = 0.0, 0.0
        return value, gradient, curvature
