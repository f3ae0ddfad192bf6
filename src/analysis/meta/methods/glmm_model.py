"""What a generalised linear mixed model of k studies is made of, and its complete-data derivatives.

The predictor of arm m of study i is fixed_m'beta + own_m alpha_i + random_m'(tau * u_i), u_i standard normal:
shared effects beta, an optional effect of each study's own, and up to two random effects with standard
deviations tau. In tau the likelihood is even and smooth, so that tau = 0 is an ordinary stationary point and
no boundary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

if TYPE_CHECKING:
    from analysis.meta.methods.glmm_laws import Law
    from analysis.values.arrays import FloatArray

__all__ = ["Derivatives", "MixedModel", "derivatives_over_nodes"]


class Derivatives(NamedTuple):
    """Log-likelihood of each study with its derivatives in (beta, tau, alpha_i)."""

    value: FloatArray  # (k,)
    gradient: FloatArray  # (k, parameters)
    hessian: FloatArray  # (k, parameters, parameters)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedModel:
    """Law and loadings of a model.

    Parameters
    ----------
    law : Law
        Of the counts, studies and arms last.
    fixed : ndarray, shape (arms, effects)
        Loadings of the shared effects.
    random : ndarray, shape (arms, 0 to 2)
        Loadings of the random effects.
    own : ndarray, shape (arms,), optional
        Loadings of the study's own effect, if there is one.
    """

    law: Law
    fixed: FloatArray
    random: FloatArray
    own: FloatArray | None = None

    @property
    def effects(self) -> int:
        """Number of shared fixed effects."""
        return int(self.fixed.shape[1])

    @property
    def dimensions(self) -> int:
        """Number of random effects of a study."""
        return int(self.random.shape[1])

    def base(self, shared: FloatArray, own: FloatArray) -> FloatArray:
        """Return the fixed part of the predictor, shape (..., k, arms); `own` has shape (..., k)."""
        shared_part = (shared[..., : self.effects] @ self.fixed.T)[..., None, :]
        if self.own is None:
            # Every study has the same fixed part, but the law wants the axis.
            return shared_part + np.zeros((*own.shape, 1))
        return shared_part + own[..., None] * self.own

    def scale(self, shared: FloatArray) -> FloatArray:
        """Return the loadings of the standard normal effects, shape (..., 1, arms, dimensions)."""
        return (self.random * shared[..., None, self.effects :])[..., None, :, :]

    def without_random(self, keep: tuple[int, ...] = ()) -> Self:
        """Return the model with only these random effects left."""
        return replace(self, random=self.random[:, list(keep)])


def derivatives_over_nodes(
    model: MixedModel, base: FloatArray, scale: FloatArray, nodes: FloatArray, log_weights: FloatArray
) -> Derivatives:
    """Return the log-likelihood as a sum over nodes of the random effects, with exact derivatives of the sum.

    Parameters
    ----------
    model : MixedModel
        Of k studies.
    base : ndarray, shape (k, arms)
        Fixed part of the predictor.
    scale : ndarray, shape (1, arms, dimensions)
        Loadings times standard deviations.
    nodes : ndarray, shape (nodes, k, dimensions)
        Values of the standard normal effects.
    log_weights : ndarray, shape (nodes, k)
        Logarithms of the weights, the normal density not included.

    Notes
    -----
    With nodes that do not move, the derivatives of log Σ exp(l_j) are those of Louis (1982): the gradient is
    the mean of the complete-data scores over the posterior weights, the Hessian the mean of their Hessians
    plus the variance of the scores.

    References
    ----------
    Louis TA (1982). Finding the observed information matrix when using the EM algorithm. J R Stat Soc B
    44:226-233. DOI 10.1111/j.2517-6161.1982.tb01203.x (Citation not verified.)
    """
    effects, dimensions = model.effects, model.dimensions
    eta = base + (scale * nodes[..., None, :]).sum(axis=-1)
    value, slope, curvature = model.law(eta)
    total = value.sum(axis=-1) - 0.5 * (nodes**2).sum(axis=-1) + log_weights
    top = total.max(axis=0)
    weight = np.exp(total - top)
    mass = weight.sum(axis=0)
    weight /= mass

    parameters = effects + dimensions + (model.own is not None)
    loading = np.empty((*eta.shape, parameters))
    loading[..., :effects] = model.fixed
    loading[..., effects : effects + dimensions] = model.random * nodes[..., None, :]
    if model.own is not None:
        loading[..., -1] = model.own
    score = (slope[..., None] * loading).sum(axis=-2)
    weighted = weight[..., None] * score
    gradient = weighted.sum(axis=0)
    # Studies first and nodes with arms along one axis: both second moments are then matrix products.
    k = eta.shape[1]
    flat = np.moveaxis(loading, 0, 1).reshape(k, -1, parameters)
    curved = np.moveaxis(weight[..., None] * curvature, 0, 1).reshape(k, -1, 1) * flat
    hessian = np.swapaxes(curved, 1, 2) @ flat
    hessian += np.moveaxis(weighted, 0, 2) @ np.moveaxis(score, 0, 1)
    hessian -= gradient[:, :, None] * gradient[:, None, :]
    return Derivatives(top + np.log(mass), gradient, hessian)
