"""Laws of the counts in a generalised linear mixed model, as functions of the linear predictor.

A law returns the full log-probability (all constants) with its first two derivatives. Studies and arms are
the last two axes, shape (..., k, arms); axes before them are quadrature nodes or parameter values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["BinomialLaw", "Law", "PoissonLaw"]

# exp of more than this, squared, is no longer a number; the probability there is 0 long before.
_LARGEST = 300.0


class Law(Protocol):
    """What a law offers."""

    def __call__(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return log-probability, slope and curvature in `eta`."""
        ...

    def subset(self, mask: BoolArray) -> Law:
        """Return the law of some of the studies."""
        ...


class BinomialLaw:
    """Events out of a total: logit of the risk is `eta` plus an offset.

    Parameters
    ----------
    events, total : ndarray, shape (k, arms)
        Counts.
    offset : ndarray, shape (k, arms), optional
        Known part of the predictor.
    """

    def __init__(self, events: FloatArray, total: FloatArray, offset: FloatArray | None = None) -> None:
        self.events, self.total = events, total
        self.offset = np.zeros_like(events) if offset is None else offset
        self._constant = -np.log1p(total) - special.betaln(events + 1, total - events + 1)

    def subset(self, mask: BoolArray) -> Self:
        """Return the law of some of the studies."""
        return type(self)(self.events[mask], self.total[mask], self.offset[mask])

    def __call__(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return log-probability, slope and curvature."""
        logit = eta + self.offset
        small = np.exp(-np.abs(logit))
        # The smaller of the two risks keeps its digits.
        lesser = small / (1 + small)
        risk = np.where(logit > 0, 1 - lesser, lesser)
        value = self._constant + self.events * logit - self.total * (np.maximum(logit, 0.0) + np.log1p(small))
        return value, self.events - self.total * risk, -self.total * lesser * (1 - lesser)

    def saturated(self) -> tuple[FloatArray, FloatArray]:
        """Return each arm's own predictor (infinite for none or all) and its log-probability."""
        rest = self.total - self.events
        with np.errstate(divide="ignore", invalid="ignore"):
            eta = np.log(self.events) - np.log(rest) - self.offset
        own = special.xlogy(self.events, self.events) + special.xlogy(rest, rest)
        return eta, self._constant + own - special.xlogy(self.total, self.total)


class PoissonLaw:
    """Events over person-time: log of the rate is `eta`.

    Parameters
    ----------
    events, time : ndarray, shape (k, arms)
        Counts and person-time.
    """

    def __init__(self, events: FloatArray, time: FloatArray) -> None:
        self.events, self.time = events, time
        self._log_time = np.log(time)
        self._constant = events * self._log_time - special.gammaln(events + 1)

    def subset(self, mask: BoolArray) -> Self:
        """Return the law of some of the studies."""
        return type(self)(self.events[mask], self.time[mask])

    def __call__(self, eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return log-probability, slope and curvature."""
        mean = np.exp(np.minimum(eta + self._log_time, _LARGEST))
        return self._constant + self.events * eta - mean, self.events - mean, -mean

    def saturated(self) -> tuple[FloatArray, FloatArray]:
        """Return each arm's own predictor (minus infinity without events) and its log-probability."""
        with np.errstate(divide="ignore"):
            eta = np.log(self.events) - self._log_time
        own = special.xlogy(self.events, self.events) - self.events
        return eta, own - special.gammaln(self.events + 1)
