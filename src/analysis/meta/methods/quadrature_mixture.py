"""Mixtures of normal distributions: densities, quantiles, and intervals, for many mixtures at once.

Given tau, whatever is estimated is normal; over the nodes of tau it is a mixture. Its quantiles are found by
Newton steps in a bracket, its shortest interval by Newton steps for both ends together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.errors import ConvergenceError
from analysis.measures.methods.roots import find_root
from analysis.values.arguments import as_numbers, as_probabilities, check_confidence_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["NormalMixture"]

_STEPS = 200
# Components of the coarse mixture that quantiles start from.
_MERGED = 48
# Entries of a work array; more mixtures than fit are taken in turns.
_ROOM = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NormalMixture:
    """A posterior distribution that is a mixture of normal distributions, on the analysis scale.

    Parameters
    ----------
    weight : ndarray, shape (b, m)
        Weights of the components; they add to 1 in each row.
    centre, spread : ndarray, shape (b, m)
        Means and standard deviations of the components.
    mean, sd : ndarray
        Of the mixture, over the leading axes; infinite or NaN where the integral does not exist.
    """

    weight: FloatArray
    centre: FloatArray
    spread: FloatArray
    mean: FloatArray
    sd: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of distributions; () for one."""
        return self.mean.shape

    @property
    def median(self) -> FloatArray:
        """The middle of the distribution."""
        return self.quantile(0.5)

    def density(self, x: ArrayLike) -> FloatArray:
        """Return the density at each of `x`: the leading axes, then those of `x`."""
        points = as_numbers("x", x)
        return self._reshape(_density(self, self._points(points)), points.shape)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """Return the probability of at most `x`: the leading axes, then those of `x`."""
        points = as_numbers("x", x)
        return self._reshape(_cdf(self, self._points(points)), points.shape)

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the quantiles of the lower tail probabilities; 0 and 1 give minus and plus infinity."""
        p = as_probabilities("probability", probability)
        return self._reshape(_quantile(self, self._points(p)), p.shape)

    def central(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the interval with equal probability on either side."""
        level = check_confidence_level(confidence_level)
        limits = self.quantile([(1 - level) / 2, (1 + level) / 2])
        return limits[..., 0], limits[..., 1]

    def shortest(self, confidence_level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the shortest interval; its ends are of equal density."""
        low, high = _shortest(self, check_confidence_level(confidence_level))
        return low.reshape(self.shape), high.reshape(self.shape)

    def mode(self) -> FloatArray:
        """Return where the density is highest."""
        return _mode(self).reshape(self.shape)

    def _points(self, x: FloatArray) -> FloatArray:
        return np.broadcast_to(x.ravel(), (self.weight.shape[0], x.size))

    def _reshape(self, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
        return values.reshape((*self.shape, *shape))

    def _rows(self, rows: FloatArray) -> NormalMixture:
        """Return some of the mixtures, flat."""
        index = rows.astype(np.intp)
        return NormalMixture(
            weight=self.weight[index],
            centre=self.centre[index],
            spread=self.spread[index],
            mean=self.mean.ravel()[index],
            sd=self.sd.ravel()[index],
        )


def _moments(
    mixture: NormalMixture, x: FloatArray, *, cdf: bool, derivative: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return distribution function, density and its derivative at `x`, shape (b, n); 0 if not asked for."""
    values = np.zeros((3, *x.shape))
    turn = max(1, _ROOM // (x.shape[1] * mixture.weight.shape[1]))
    for start in range(0, x.shape[0], turn):
        part = slice(start, start + turn)
        weight, spread = mixture.weight[part, None], mixture.spread[part, None]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            z = (x[part, :, None] - mixture.centre[part, None]) / spread
            bell = np.exp(-0.5 * z**2) * (weight / (spread * np.sqrt(2 * np.pi)))
            if cdf:
                values[0, part] = (special.ndtr(z) * weight).sum(axis=-1)
            values[1, part] = bell.sum(axis=-1)
            if derivative:
                # At infinity the bell is 0 and wins over z.
                values[2, part] = np.where(np.isinf(z), 0.0, -bell * z / spread).sum(axis=-1)
    return values[0], values[1], values[2]


def _cdf(mixture: NormalMixture, x: FloatArray) -> FloatArray:
    return _moments(mixture, x, cdf=True)[0]


def _density(mixture: NormalMixture, x: FloatArray) -> FloatArray:
    return _moments(mixture, x, cdf=False)[1]


def _quantile(mixture: NormalMixture, p: FloatArray) -> FloatArray:
    """Return the quantiles of shape (b, n): first of a few merged components, then of all."""
    inside = np.clip(p, 1e-300, 1 - 1e-16)
    merged = _merged(mixture)
    low, high, typical = _bracket(merged, inside)
    start, _ = _newton(merged, inside, (low + high) / 2, low, high, typical)
    # Merging moves a quantile far less than the bracket is wide.
    root, open_ = _newton(mixture, inside, start, low, high, typical)
    missed = open_ | (np.abs(_cdf(mixture, root) - inside) > 1e-12 + 1e-9 * np.minimum(inside, 1 - inside))
    if missed.any():
        low, high, typical = _bracket(mixture, inside)
        again, open_ = _newton(mixture, inside, (low + high) / 2, low, high, typical)
        root = np.where(missed, again, root)
        _refuse("quantile", missed & open_)
    return np.where(p <= 0, -np.inf, np.where(p >= 1, np.inf, root))


def _merged(mixture: NormalMixture) -> NormalMixture:
    """Return the mixture with neighbours of equal probability merged into one component each."""
    rows, size = mixture.weight.shape
    below = np.cumsum(mixture.weight, axis=-1) - mixture.weight / 2
    group = np.minimum((_MERGED * below).astype(np.intp), _MERGED - 1)
    place = (np.arange(rows)[:, None] * _MERGED + group).ravel()

    def total(values: FloatArray) -> FloatArray:
        sums = np.bincount(place, (mixture.weight * values).ravel(), minlength=rows * _MERGED)
        return np.asarray(sums, dtype=np.float64).reshape(rows, _MERGED)

    weight = total(np.ones((rows, size)))
    empty = weight == 0
    share = np.where(empty, 1.0, weight)
    centre = total(mixture.centre) / share
    # The geometric mean, not the root of the mean square: one far component would swamp its group.
    spread = np.where(empty, 1.0, np.exp(total(np.log(mixture.spread)) / share))
    return NormalMixture(weight=weight, centre=centre, spread=spread, mean=mixture.mean, sd=mixture.sd)


def _bracket(mixture: NormalMixture, p: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ends that hold the quantiles, and the spread of the middle component."""
    middle = (mixture.weight * mixture.centre).sum(axis=-1)
    place = (np.cumsum(mixture.weight, axis=-1) < 0.5).sum(axis=-1)
    place = np.minimum(place, mixture.weight.shape[1] - 1)
    typical = mixture.spread[np.arange(place.size), place]
    low, high = np.empty_like(p), np.empty_like(p)
    for ends, sign, extreme in ((low, -1.0, p.min(axis=-1)), (high, 1.0, p.max(axis=-1))):
        reach = 8 * typical
        # Tails may be heavy: the bracket grows until it holds the root.
        for _ in range(1000):
            ends[:] = (middle + sign * reach)[:, None]
            missing = sign * (_cdf(mixture, ends[:, :1])[:, 0] - extreme) < 0
            if not missing.any():
                break
            reach = np.where(missing, 2 * reach, reach)
    return low, high, typical


def _newton(
    mixture: NormalMixture,
    p: FloatArray,
    root: FloatArray,
    low: FloatArray,
    high: FloatArray,
    typical: FloatArray,
) -> tuple[FloatArray, BoolArray]:
    """Return the quantiles by Newton steps that stay in their bracket, and where they still move."""
    for _ in range(_STEPS):
        value, density, _ = _moments(mixture, root, cdf=True)
        above = value > p
        high = np.where(above, root, high)
        low = np.where(above, low, root)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            proposal = root - (value - p) / density
        # The ends belong to it: a step of 0 from an end has arrived.
        good = (proposal >= low) & (proposal <= high)
        following = np.where(good, proposal, (low + high) / 2)
        change = np.abs(following - root)
        root = following
        # A Newton step this small leaves an error of its square.
        if (change <= 1e-9 * typical[:, None] + 1e-14 * np.abs(root)).all():
            break
    return root, np.asarray(change > 1e-8 * (typical[:, None] + np.abs(root)))


def _shortest(mixture: NormalMixture, level: float) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the shortest intervals, shape (b,)."""
    below = (1 - level) * np.linspace(0, 1, 9)[1:-1]
    p = np.concatenate((below, below + level))
    limits = _quantile(_merged(mixture), np.broadcast_to(p, (mixture.weight.shape[0], p.size)))
    best = (limits[:, 7:] - limits[:, :7]).argmin(axis=-1)
    row = np.arange(best.size)
    ends = np.stack((limits[row, best], limits[row, best + 7]), axis=-1)
    wrong = np.ones(best.size, dtype=bool)
    for _ in range(_STEPS):
        value, density, slope = _moments(mixture, ends, cdf=True, derivative=True)
        lack, unequal = value[:, 1] - value[:, 0] - level, density[:, 0] - density[:, 1]
        determinant = density[:, 0] * slope[:, 1] - density[:, 1] * slope[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            low = (lack * slope[:, 1] + unequal * density[:, 1]) / determinant
            high = (unequal * density[:, 0] + lack * slope[:, 0]) / determinant
        width = ends[:, 1] - ends[:, 0]
        # A step that turns the ends round, or that the curvature forbids, leaves the row to the slow way.
        reach = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.minimum(1.0, 0.3 * width / reach)
        usable = (determinant < 0) & np.isfinite(share)
        ends = ends + np.where(usable, share, 0.0)[:, None] * np.nan_to_num(np.stack((low, high), axis=-1))
        wrong = ~usable | (reach > 1e-11 * width)
        if not wrong.any() or not usable.any():
            break
    if wrong.any():
        ends[wrong] = _shortest_by_probability(mixture, np.flatnonzero(wrong).astype(np.float64), level)
    return ends[:, 0], ends[:, 1]


def _shortest_by_probability(mixture: NormalMixture, rows: FloatArray, level: float) -> FloatArray:
    """Return the ends by the probability below the lower one, which is between 0 and 1 - level."""

    def limits(below: FloatArray, row: FloatArray) -> FloatArray:
        return _quantile(mixture._rows(row), np.stack((below, below + level), axis=-1))  # noqa: SLF001

    def difference(below: FloatArray, row: FloatArray) -> FloatArray:
        part = mixture._rows(row)  # noqa: SLF001
        density = _density(part, _quantile(part, np.stack((below, below + level), axis=-1)))
        return np.asarray(density[:, 0] - density[:, 1])

    share = 1 - level
    below = find_root(
        difference,
        np.full(rows.size, 1e-9 * share),
        np.full(rows.size, share * (1 - 1e-9)),
        rows,
        what="the shortest interval",
        tolerance=1e-12,
    )
    return limits(below, rows)


def _mode(mixture: NormalMixture) -> FloatArray:
    rows = mixture.weight.shape[0]
    ends = _quantile(mixture, np.broadcast_to(np.array([0.01, 0.99]), (rows, 2)))
    # A grid that is closer in the middle, where a sharp peak on broad shoulders stands.
    share = np.sinh(np.linspace(-4, 4, 257)) / np.sinh(4) / 2 + 0.5
    middle = _quantile(mixture, np.full((rows, 1), 0.5))
    grid = np.where(
        share < 0.5,
        ends[:, :1] + 2 * share * (middle - ends[:, :1]),
        middle + (2 * share - 1) * (ends[:, 1:] - middle),
    )
    best = np.clip(_density(mixture, grid).argmax(axis=-1), 1, 255)
    row = np.arange(rows)

    def slope(x: FloatArray, which: FloatArray) -> FloatArray:
        return _moments(mixture._rows(which), x[:, None], cdf=False, derivative=True)[2][:, 0]  # noqa: SLF001

    low, high = grid[row, best - 1], grid[row, best + 1]
    return find_root(slope, low, high, row.astype(np.float64), what="the mode", tolerance=1e-13)


def _refuse(what: str, wrong: BoolArray) -> None:
    if wrong.any():
        raise ConvergenceError(
            f"The {what} of a posterior was not found for {int(wrong.sum())} entries "
            f"(position {np.flatnonzero(wrong)[0]}, counted flat)."
        )
