"""The normal hierarchical model of `pool_bayes`: what is known given tau, and tau's posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.quadrature import Panels, build_panels
from analysis.meta.methods.quadrature_mixture import NormalMixture
from analysis.meta.methods.quadrature_tau import TauPosterior

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analysis.meta.priors import TauPrior
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["HierarchicalModel"]

# Entries of a work array; more meta-analyses than fit are taken in turns.
_ROOM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HierarchicalModel:
    """Effects and variances of shape (b, k), and both priors."""

    y: FloatArray
    v: FloatArray
    tau_prior: TauPrior
    mean_prior: tuple[float, float] | None
    shape: tuple[int, ...]

    def given_tau(
        self, tau: FloatArray, rows: slice | IntArray = slice(None)
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return mean and standard deviation of the mean effect given tau (b, m), and the log likelihood."""
        y, v = self.y[rows], self.v[rows]
        total = np.empty_like(tau)
        centre, log = np.empty_like(tau), np.empty_like(tau)
        prior_mean, prior_sd = (0.0, np.inf) if self.mean_prior is None else self.mean_prior
        prior_weight = prior_sd**-2
        for part, nodes in _turns(tau.shape[0], tau.shape[1], y.shape[1]):
            here = part, nodes
            weight = 1 / (v[part, None] + tau[here][..., None] ** 2)
            total[here] = weight.sum(axis=-1) + prior_weight
            centre[here] = ((weight @ y[part, :, None])[..., 0] + prior_weight * prior_mean) / total[here]
            distance = y[part, None] - centre[here][..., None]
            square = (weight * distance**2).sum(axis=-1) + prior_weight * (centre[here] - prior_mean) ** 2
            log[here] = 0.5 * (np.log(weight).sum(axis=-1) - np.log(total[here]) - square)
        constant = -0.5 * y.shape[1] * np.log(2 * np.pi)
        constant += 0.5 * np.log(2 * np.pi) if self.mean_prior is None else -np.log(prior_sd)
        return centre, 1 / np.sqrt(total), log + constant

    def log_likelihood_of(self, tau: FloatArray) -> FloatArray:
        """Return the log likelihood of tau, the mean effect integrated out."""
        return self.given_tau(tau)[2]

    def posterior_of_tau(self) -> tuple[TauPosterior, FloatArray]:
        """Return the posterior of tau, and its log integral."""
        power = self.tail
        # The moments that exist decide how far out to go.
        moment = 2.0 if power > 3 else 1.0 if power > 2 else 0.0
        unit = np.minimum(self.tau_prior.smallest(self.v), 1e-9 * np.sqrt(self.v.max(axis=-1)))
        furthest = min(self.tau_prior.largest * (1 - 1e-13), 1e60 * float(np.sqrt(self.v.max())))
        if self.tau_prior.proper and self.tau_prior.tail <= 1:
            # Only a power of log tau makes it proper, so that far more of it lies far out.
            furthest = max(furthest, 1e130)

        def log_density(x: FloatArray) -> FloatArray:
            tau = unit[:, None] * np.sinh(x)
            jacobian = x + np.log1p(np.exp(-2 * x)) - np.log(2) + np.log(unit)[:, None]
            return np.asarray(
                self.log_likelihood_of(tau) + self.tau_prior.log_density(tau, self.v) + jacobian
            )

        def log_moment(x: FloatArray) -> FloatArray:
            return np.asarray(moment * (x + np.log(-np.expm1(-2 * x))))

        panels = build_panels(log_density, log_moment, np.arcsinh(furthest / unit))
        tau = unit[:, None] * np.sinh(panels.node)
        first = (panels.weight * tau).sum(axis=-1)
        second = (panels.weight * (tau - first[:, None]) ** 2).sum(axis=-1)
        infinite = np.full(first.shape, np.inf)

        def log_posterior(rows: IntArray, values: FloatArray) -> FloatArray:
            own = self.given_tau(values[:, None], rows)[2]
            prior = self.tau_prior.log_density(values[:, None], self.v[rows])
            inside = values <= self.tau_prior.largest
            return np.where(inside, (own + prior)[:, 0] - panels.log_total[rows], -np.inf)

        return TauPosterior(
            mean=(first if power > 2 else infinite).reshape(self.shape),
            sd=(np.sqrt(second) if power > 3 else infinite).reshape(self.shape),
            unit=unit,
            panels=panels,
            log_density=log_posterior,
        ), panels.log_total

    @property
    def tail(self) -> float:
        """The power with which the posterior of tau falls: that of the prior, and of the likelihood."""
        return self.tau_prior.tail + float(self.y.shape[1]) - (self.mean_prior is None)

    def mixture(
        self, panels: Panels, centre: FloatArray, spread: FloatArray, *, growing: bool
    ) -> NormalMixture:
        """Return the mixture over the nodes of tau; `growing` says that the spread grows with tau."""
        shape = self.shape
        weight = panels.weight
        mean = (weight * centre).sum(axis=-1)
        with np.errstate(over="ignore"):
            square = (weight * (spread**2 + (centre - mean[:, None]) ** 2)).sum(axis=-1)
        sd = np.sqrt(square) if not growing or self.tail > 3 else np.full(mean.shape, np.inf)
        mean = mean if not growing or self.tail > 2 else np.full(mean.shape, np.nan)
        return NormalMixture(
            weight=weight, centre=centre, spread=spread, mean=mean.reshape(shape), sd=sd.reshape(shape)
        )

    def shrinkage(self, mean: NormalMixture, tau: TauPosterior) -> NormalMixture:
        """Return the posterior of each study's effect."""
        square = (tau.unit[:, None] * np.sinh(tau.panels.node))[:, None] ** 2
        own, v = self.y[..., None], self.v[..., None]
        with np.errstate(over="ignore", invalid="ignore"):
            share = np.where(np.isinf(square), 1.0, square / (square + v))
        rest = v / (square + v)
        centre = share * own + rest * mean.centre[:, None]
        spread = np.sqrt(share * v + (rest * mean.spread[:, None]) ** 2)
        b, k, m = centre.shape
        weight = np.broadcast_to(mean.weight[:, None], (b, k, m)).reshape(-1, m)
        centre, spread = centre.reshape(-1, m), spread.reshape(-1, m)
        average = (weight * centre).sum(axis=-1)
        variance = (weight * (spread**2 + (centre - average[:, None]) ** 2)).sum(axis=-1)
        return NormalMixture(
            weight=weight,
            centre=centre,
            spread=spread,
            mean=average.reshape(*self.shape, k),
            sd=np.sqrt(variance).reshape(*self.shape, k),
        )

    def weights(self, panels: Panels, tau: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the posterior mean weights of studies and of the prior, in percent."""
        prior = 0.0 if self.mean_prior is None else self.mean_prior[1] ** -2
        studies = np.zeros_like(self.y)
        for part, nodes in _turns(tau.shape[0], tau.shape[1], self.y.shape[1]):
            weight = 1 / (self.v[part, None] + tau[part, nodes, None] ** 2)
            weight /= weight.sum(axis=-1, keepdims=True) + prior
            studies[part] += 100 * (panels.weight[part, None, nodes] @ weight)[:, 0]
        rest = np.zeros(self.shape) if self.mean_prior is None else 100 - studies.sum(axis=-1)
        return studies.reshape(*self.shape, -1), rest.reshape(self.shape)


def _turns(rows: int, nodes: int, studies: int) -> Iterator[tuple[slice, slice]]:
    """Split the work so that rows x nodes x studies fit."""
    across = min(nodes, max(1, _ROOM // studies))
    down = max(1, _ROOM // (across * studies))
    for row in range(0, rows, down):
        for node in range(0, nodes, across):
            yield slice(row, row + down), slice(node, node + across)
