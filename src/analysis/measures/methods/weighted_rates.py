"""Limits of a weighted sum of Poisson counts: the direct standardization behind `standardization`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.binomial_odds import beta_odds, beta_tail
from analysis.measures.methods.poisson import poisson_limits
from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["WEIGHTED_METHODS", "WeightedSum", "ratio_lower", "ratio_tail", "relative_variance"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedSum:
    """A directly standardized rate `y`, its variance `v`, the sum of `events` and the weights."""

    y: FloatArray
    v: FloatArray
    events: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, events: FloatArray, time: FloatArray, standard: FloatArray) -> WeightedSum:
        """Weight the last axis by shares of the standard population over person-time."""
        weights = standard / standard.sum(axis=-1, keepdims=True) / time
        return cls(
            y=(weights * events).sum(axis=-1),
            v=(weights**2 * events).sum(axis=-1),
            events=np.broadcast_to(events, weights.shape).sum(axis=-1),
            weights=weights,
        )

    def gamma(self, more: FloatArray | float = 0.0, more_squared: FloatArray | float = 0.0) -> Limits:
        """Return shape and scale of the gamma distribution with mean y + more, variance v + more_squared."""
        mean, variance = self.y + more, self.v + more_squared
        return mean**2 / variance, variance / mean

    def gamma_above(self) -> Limits:
        """Return shape and scale of Fay and Feuer's upper distribution."""
        largest = self.weights.max(axis=-1)
        return self.gamma(largest, largest**2)


def relative_variance(total: WeightedSum) -> FloatArray:
    """Return the variance of the log rate; infinite without events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total.events > 0, total.v / total.y**2, np.inf)


def _gamma_low(total: WeightedSum, tail: float) -> FloatArray:
    shape, scale = total.gamma()
    return np.where(total.events > 0, special.gammaincinv(shape, tail) * scale, 0.0)


def _fay_feuer(total: WeightedSum, level: float) -> Limits:
    tail = (1 - level) / 2
    shape, scale = total.gamma_above()
    return _gamma_low(total, tail), special.gammainccinv(shape, tail) * scale


def _tiwari(total: WeightedSum, level: float) -> Limits:
    tail = (1 - level) / 2
    shape, scale = total.gamma(total.weights.mean(axis=-1), (total.weights**2).mean(axis=-1))
    return _gamma_low(total, tail), special.gammainccinv(shape, tail) * scale


def _mid_p_gamma(total: WeightedSum, level: float) -> Limits:
    tail = (1 - level) / 2
    some = total.events > 0
    shape, scale = (np.where(some, part, 1.0) for part in total.gamma())
    shape_above, scale_above = total.gamma_above()
    parts = (shape, scale, shape_above, scale_above)
    limits = []
    # The quantile of the mixture lies between those of its parts.
    for cdf, quantile in ((special.gammainc, special.gammaincinv), (special.gammaincc, special.gammainccinv)):
        ends = quantile(shape, tail) * scale, quantile(shape_above, tail) * scale_above

        def excess(
            x: FloatArray,
            k: FloatArray,
            s: FloatArray,
            k_above: FloatArray,
            s_above: FloatArray,
            cdf: Callable[[FloatArray, FloatArray], FloatArray] = cdf,
        ) -> FloatArray:
            return 0.5 * (cdf(k, x / s) + cdf(k_above, x / s_above)) - tail

        limits.append(
            find_root(
                excess,
                np.minimum(*ends) * (1 - 1e-12),
                np.maximum(*ends) * (1 + 1e-12),
                *parts,
                what="the mid-P limit of the standardized rate",
            )
        )
    # Without events half of the mixture is a point at 0.
    high = special.gammainccinv(shape_above, 2 * tail) * scale_above
    return np.where(some, limits[0], 0.0), np.where(some, limits[1], high)


def _dobson(total: WeightedSum, level: float, of_count: str = "exact") -> Limits:
    low, high = poisson_limits(total.events, level, of_count)
    per_event = np.sqrt(total.v / total.events)
    some = total.events > 0
    return (
        np.where(some, total.y + per_event * (low - total.events), 0.0),
        np.where(some, total.y + per_event * (high - total.events), np.inf),
    )


def _dobson_byar(total: WeightedSum, level: float) -> Limits:
    return _dobson(total, level, "byar")


def _log(total: WeightedSum, level: float) -> Limits:
    factor = np.exp(normal_quantile((1 + level) / 2) * np.sqrt(relative_variance(total)))
    some = total.events > 0
    return np.where(some, total.y / factor, 0.0), np.where(some, total.y * factor, np.inf)


def _wald(total: WeightedSum, level: float) -> Limits:
    half = normal_quantile((1 + level) / 2) * np.sqrt(total.v)
    return total.y - half, total.y + half


WEIGHTED_METHODS: dict[str, Callable[[WeightedSum, float], Limits]] = {
    "fay-feuer": _fay_feuer,
    "tiwari": _tiwari,
    "mid-p-gamma": _mid_p_gamma,
    "dobson": _dobson,
    "dobson-byar": _dobson_byar,
    "log": _log,
    "wald": _wald,
}


def ratio_lower(first: WeightedSum, second: WeightedSum, level: float) -> FloatArray:
    """Return Fay's lower limit of the ratio of two rates; 0 without events in the first."""
    tail = (1 - level) / 2
    with np.errstate(all="ignore"):
        shape, scale = (np.where(first.events > 0, part, 1.0) for part in first.gamma())
        shape_above, scale_above = second.gamma_above()
        # G1/G0 is the quotient of the scales times the odds of a beta variable.
        odds = beta_odds(shape, shape_above, tail)
        return np.where(first.events > 0, scale / scale_above * odds, 0.0)


def ratio_tail(first: WeightedSum, second: WeightedSum) -> FloatArray:
    """Return P(G1/G0 <= 1) of the distribution behind the lower limit."""
    with np.errstate(all="ignore"):
        shape, scale = (np.where(first.events > 0, part, 1.0) for part in first.gamma())
        shape_above, scale_above = second.gamma_above()
        tail = beta_tail(scale_above / scale, shape, shape_above)
        return np.where(first.events > 0, tail, 1.0)
