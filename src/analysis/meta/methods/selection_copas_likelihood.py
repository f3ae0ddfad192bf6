"""The likelihood of the Copas selection model, given how publication depends on the standard error.

A study of standard error s is published where u + δ > 0, u = γ0 + γ1/s; δ is correlated with the study's
error by ρ. Parameters are mu, tau2, ρ and β, the slope of the effect on s that selection leaves unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

__all__ = ["CopasLikelihood"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopasLikelihood:
    """Effects and standard errors (k,), and u (m, k): one likelihood a row of u."""

    y: FloatArray
    s: FloatArray
    u: FloatArray

    def __call__(self, x: FloatArray, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values (r,), gradients (r, 4) and second derivatives (r, 4, 4).

        With σ² = s²/(1 - c²ρ²), c² = λ(u + λ), λ = φ(u)/Φ(u), V = tau2 + σ² and A = ρσ, a study adds
        -log V/2 - a²/(2V) - log Φ(u) + log Φ(v), v = (u + Aa/V)/sqrt(1 - A²/V), a = y - mu - βs.
        """
        u, s = self.u[rows], self.s
        mu, tau2, rho, beta = (x[:, i : i + 1] for i in range(4))
        hazard = _hazard(u)
        c2 = hazard * (u + hazard)
        ratio = 1 / (1 - c2 * rho**2)  # σ²/s²
        sigma2 = s**2 * ratio
        sigma = np.sqrt(sigma2)
        V, A = tau2 + sigma2, rho * sigma
        a = self.y - mu - beta * s

        N, D = u + A * a / V, 1 - A**2 / V
        root = 1 / np.sqrt(D)
        v = N * root
        mills = _hazard(v)
        value = -np.log(2 * np.pi * V) / 2 - a * a / (2 * V) - special.log_ndtr(u) + special.log_ndtr(v)
        zero = np.zeros_like(a)
        # Derivatives in a, V and A, then the chain to mu, tau2, ρ and β.
        n1 = (A / V, -A * a / V**2, a / V)
        d1 = (zero, A**2 / V**2, -2 * A / V)
        n2 = {(0, 0): zero, (0, 1): -A / V**2, (0, 2): 1 / V, (1, 1): 2 * A * a / V**3}
        n2 |= {(1, 2): -a / V**2, (2, 2): zero}
        d2 = {(0, 0): zero, (0, 1): zero, (0, 2): zero, (1, 1): -2 * A**2 / V**3}
        d2 |= {(1, 2): 2 * A / V**2, (2, 2): -2 / V}
        b1 = (-a / V, (a * a / V - 1) / (2 * V), zero)
        b2 = {(0, 0): -1 / V, (0, 1): a / V**2, (1, 1): (0.5 - a * a / V) / V**2}
        v1 = tuple(n * root - N * root**3 * d / 2 for n, d in zip(n1, d1, strict=True))
        f1 = [b + mills * w for b, w in zip(b1, v1, strict=True)]
        f2 = {}
        for (i, j), n in n2.items():
            mixed = n1[i] * d1[j] + n1[j] * d1[i] + N * d2[i, j]
            second = n * root - root**3 * mixed / 2 + 0.75 * N * root**5 * d1[i] * d1[j]
            f2[i, j] = b2.get((i, j), 0.0) + mills * second - mills * (v + mills) * v1[i] * v1[j]

        v_rho, v_rho2 = 2 * c2 * rho * sigma2 * ratio, 2 * c2 * sigma2 * ratio * (1 + 4 * c2 * rho**2 * ratio)
        a_rho, a_rho2 = sigma * ratio, 3 * c2 * rho * sigma * ratio**2
        one = np.ones_like(a)
        chain = np.stack(
            [
                np.stack([-one, zero, zero], axis=-1),
                np.stack([zero, one, zero], axis=-1),
                np.stack([zero, v_rho, a_rho], axis=-1),
                np.stack([-s * one, zero, zero], axis=-1),
            ],
            axis=-2,
        )
        inner = np.empty((*a.shape, 3, 3))
        for (i, j), part in f2.items():
            inner[..., i, j] = inner[..., j, i] = part
        gradient = (chain @ np.stack(f1, axis=-1)[..., None])[..., 0].sum(axis=-2)
        curvature = (chain @ inner @ np.swapaxes(chain, -1, -2)).sum(axis=-3)
        curvature[:, 2, 2] += (f1[1] * v_rho2 + f1[2] * a_rho2).sum(axis=-1)
        return value.sum(axis=-1), gradient, curvature


def _hazard(x: FloatArray) -> FloatArray:
    """Return φ(x)/Φ(x), also where both are 0."""
    ratio: FloatArray = np.exp(-x * x / 2 - special.log_ndtr(x)) / np.sqrt(2 * np.pi)
    return ratio
