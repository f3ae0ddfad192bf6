"""The posterior of tau on its panels: density, quantiles and intervals, for many meta-analyses at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.quadrature import ORDER, Panels, integral_at
from analysis.values.arguments import as_numbers, as_probabilities, check_confidence_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["TauPosterior"]

# Values of all Legendre polynomials up to ORDER, as integrals of their predecessors from -1.
_DEGREE = 2 * np.arange(1, ORDER) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TauPosterior:
    """The posterior distribution of the between-study standard deviation.

    Parameters
    ----------
    mean, sd : ndarray
        Over the leading axes; infinite where the integral does not exist.
    unit : ndarray, shape (b,)
        The c of x = asinh(tau/c).
    panels : Panels
        The density of x.
    log_density : callable
        Log posterior density of tau for rows and values of tau of one length.
    """

    mean: FloatArray
    sd: FloatArray
    unit: FloatArray = field(repr=False)
    panels: Panels = field(repr=False)
    log_density: Callable[[IntArray, FloatArray], FloatArray] = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of distributions; () for one."""
        return self.mean.shape

    @property
    def median(self) -> FloatArray:
        """The middle of the distribution."""
        return self.quantile(0.5)

    def density(self, tau: ArrayLike) -> FloatArray:
        """Return the density at each of `tau`: the leading axes, then those of `tau`; 0 below 0."""
        points = as_numbers("tau", tau)
        rows, flat = self._each(points)
        with np.errstate(over="ignore"):
            value = np.exp(self.log_density(rows, np.maximum(flat, 0.0)))
        return np.where(flat >= 0, value, 0.0).reshape((*self.shape, *points.shape))

    def cdf(self, tau: ArrayLike) -> FloatArray:
        """Return the probability of at most `tau`: the leading axes, then those of `tau`."""
        points = as_numbers("tau", tau)
        x = np.arcsinh(np.maximum(points.ravel(), 0.0) / self.unit[:, None])
        return integral_at(self.panels, x).reshape((*self.shape, *points.shape))

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the quantiles of the lower tail probabilities."""
        p = as_probabilities("probability", probability)
        rows, flat = self._each(p)
        return self._quantile(rows, flat).reshape((*self.shape, *p.shape))

    def central(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the interval with equal probability on either side."""
        level = check_confidence_level(confidence_level)
        limits = self.quantile([(1 - level) / 2, (1 + level) / 2])
        return limits[..., 0], limits[..., 1]

    def shortest(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the shortest interval, which begins at 0 where the density falls from there."""
        level = check_confidence_level(confidence_level)
        rows = np.arange(self.unit.size)
        below = (1 - level) * np.linspace(0, 1, 33)
        p = np.broadcast_to(np.concatenate((below, below + level)), (rows.size, 66))
        limits = self._quantile(np.repeat(rows, 66), p.ravel()).reshape(rows.size, 66)

        def difference(below: FloatArray, row: FloatArray) -> FloatArray:
            which = row.astype(np.intp)
            low, high = self._quantile(which, below), self._quantile(which, below + level)
            # A pole at 0 counts as higher than anything, and needs no number.
            with np.errstate(over="ignore"):
                first, second = (np.exp(np.minimum(self.log_density(which, end), 700)) for end in (low, high))
            return np.asarray(first - second)

        row = rows.astype(np.float64)
        rise = difference(p[:, :33].ravel(), np.repeat(row, 33)).reshape(rows.size, 33)
        length = limits[:, 33:] - limits[:, :33]
        # A length is least where the difference turns positive, or at an end that it leaves in that way.
        turn = (rise[:, :-1] < 0) & (rise[:, 1:] >= 0)
        inner = np.where(turn, np.minimum(length[:, :-1], length[:, 1:]), np.inf)
        first = np.where(rise[:, 0] >= 0, length[:, 0], np.inf)
        last = np.where(rise[:, -1] <= 0, length[:, -1], np.inf)
        place = inner.argmin(axis=-1)
        least = inner[rows, place]
        share = np.where(last < first, 1 - level, 0.0)
        inside = least < np.minimum(first, last)
        if inside.any():
            share[inside] = find_root(
                difference,
                below[place[inside]],
                below[place[inside] + 1],
                row[inside],
                what="the shortest interval of tau",
                tolerance=1e-12,
            )
        return (
            self._quantile(rows, share).reshape(self.shape),
            self._quantile(rows, np.minimum(share + level, 1.0)).reshape(self.shape),
        )

    def mode(self) -> FloatArray:
        """Return where the density is highest; 0 where it falls from there."""
        rows = np.arange(self.unit.size)
        x = self.panels.node
        tau = self.unit[:, None] * np.sinh(x)
        log = self.log_density(np.repeat(rows, x.shape[1]), tau.ravel()).reshape(x.shape)
        best = log.argmax(axis=-1)
        at_zero = self.log_density(rows, np.zeros(rows.size))
        inner = at_zero < log[rows, best] - 1e-12
        mode = np.zeros(rows.size)
        last = x.shape[1] - 1
        low, high = x[rows, np.maximum(best - 1, 0)], x[rows, np.minimum(best + 1, last)]
        row = rows.astype(np.float64)
        bracketed = inner & (self._rise(low, row) > 0) & (self._rise(high, row) < 0)
        mode[inner] = tau[rows, best][inner]
        if bracketed.any():
            root = find_root(
                self._rise, low[bracketed], high[bracketed], row[bracketed], what="the mode of tau"
            )
            mode[bracketed] = self.unit[bracketed] * np.sinh(root)
        return mode.reshape(self.shape)

    def _each(self, values: FloatArray) -> tuple[IntArray, FloatArray]:
        """Pair every meta-analysis with every value."""
        count = self.unit.size
        return np.repeat(np.arange(count), values.size), np.tile(values.ravel(), count)

    def _rise(self, x: FloatArray, row: FloatArray) -> FloatArray:
        """Return the sign of the slope of the density of tau, at x."""
        which = row.astype(np.intp)
        panel, low, high = self._panel(which, x)
        place = np.clip((2 * x - low - high) / (high - low), -1.0, 1.0)
        coefficient = self.panels.coefficient[which, panel]
        basis = legendre.legvander(place, ORDER - 1)
        slope = (legendre.legder(coefficient, axis=-1) * basis[..., :-1]).sum(axis=-1) * 2 / (high - low)
        # The density of tau is that of x over cosh x.
        return np.asarray(slope - np.tanh(x) * (coefficient * basis).sum(axis=-1))

    def _panel(self, which: IntArray, x: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
        edge = self.panels.edge
        panel = np.clip((edge[which] <= x[:, None]).sum(axis=-1) - 1, 0, edge.shape[1] - 2)
        return panel, edge[which, panel], edge[which, panel + 1]

    def _quantile(self, which: IntArray, p: FloatArray) -> FloatArray:
        """Return the quantile of each row and probability, by Newton steps inside its panel."""
        below = self.panels.below
        panel = np.clip((below[which] <= p[:, None]).sum(axis=-1) - 1, 0, below.shape[1] - 2)
        target = p - below[which, panel]
        coefficient = self.panels.coefficient[which, panel]
        low, high = np.full(p.size, -1.0), np.ones(p.size)
        place = np.zeros(p.size)
        for _ in range(60):
            basis = legendre.legvander(place, ORDER)
            first = basis[:, :1] + basis[:, 1:2]
            series = np.concatenate((first, (basis[:, 2:] - basis[:, :-2]) / _DEGREE), axis=-1)
            excess = (coefficient * series).sum(axis=-1) - target
            density = (coefficient * basis[:, :-1]).sum(axis=-1)
            above = excess > 0
            high, low = np.where(above, place, high), np.where(above, low, place)
            with np.errstate(divide="ignore", invalid="ignore"):
                proposal = place - excess / density
            good = (proposal >= low) & (proposal <= high)
            following = np.where(good, proposal, (low + high) / 2)
            change = np.abs(following - place).max(initial=0.0)
            place = following
            if change < 1e-14:
                break
        edge = self.panels.edge
        start, end = edge[which, panel], edge[which, panel + 1]
        x = start + (place + 1) / 2 * (end - start)
        x = np.where(p <= 0, 0.0, np.where(p >= 1, edge[which, -1], x))
        return np.asarray(self.unit[which] * np.sinh(x))
