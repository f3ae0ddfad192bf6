"""Quantiles of many draws and their Monte-Carlo standard errors, exact or from a fine histogram."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["FineHistogram", "quantiles_of"]

_BINS = 2**21
_BUFFER = 2**20


def quantiles_of(
    values: FloatArray, probabilities: Sequence[float], *, replicates: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return quantiles over the last axis and their standard errors, NaN being left out.

    Parameters
    ----------
    values : ndarray, shape (t, n)
        Draws; sorted in place.
    probabilities : sequence of float
        In (0, 1).
    replicates : int, optional
        The draws are so many independent randomisations, one after the other.

    Returns
    -------
    quantiles, std_errors : ndarray, shape (q, t)
        NaN where no draw is left.

    Notes
    -----
    Half the distance between the quantiles at p ± s (Woodruff), s being the standard error of the share of
    draws below: sqrt(p(1 - p)/n) of independent draws, and of randomised plans the standard deviation of the
    replicates' shares over the root of their number.

    References
    ----------
    Woodruff RS (1952). Confidence intervals for medians and other position measures. J Am Stat Assoc
    47:635-646. (Citation not verified.)
    """
    p = np.asarray(probabilities)
    parts = None if replicates is None else values.reshape(values.shape[0], replicates, -1).copy()
    values.sort(axis=-1)
    at = np.broadcast_to(p, (values.shape[0], p.size))
    quantiles = _at(values, at)
    count = np.maximum((~np.isnan(values)).sum(axis=-1), 1)[:, np.newaxis]
    if parts is None:
        reach = np.sqrt(at * (1 - at) / count)
    else:
        # No nearer than half a draw: a plan in one dimension puts the same number below in every replicate.
        reach = np.maximum(_scatter_below(parts, quantiles), 0.5 / count)
    upper = _at(values, np.minimum(at + reach, 1.0))
    error = 0.5 * _gap(_at(values, np.maximum(at - reach, 0.0)), upper)
    return quantiles.T, error.T


def _scatter_below(parts: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return the standard error of the share of draws below each quantile, from replicates."""
    valid = np.maximum((~np.isnan(parts)).sum(axis=-1), 1)
    below = np.stack(
        [(parts <= quantile[:, np.newaxis, np.newaxis]).sum(axis=-1) / valid for quantile in quantiles.T],
        axis=-1,
    )
    return np.asarray(below.std(axis=1, ddof=1) / np.sqrt(parts.shape[1]))


def _gap(low: FloatArray, high: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        # Two infinite quantiles: the quantile is infinite without doubt.
        return np.where(low == high, 0.0, high - low)


def _at(ordered: FloatArray, probabilities: FloatArray) -> FloatArray:
    """Return quantiles of sorted rows with NaN last, linear between the draws (R's type 7)."""
    count = (~np.isnan(ordered)).sum(axis=-1)[:, np.newaxis]
    place = probabilities * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low, high = np.take_along_axis(ordered, below, -1), np.take_along_axis(ordered, above, -1)
    share = place - below
    with np.errstate(invalid="ignore"):
        between = np.where(low == high, low, low + share * (high - low))
    # There is nothing between an infinite draw and its neighbour: the nearer of the two.
    return np.where(np.isinf(low) | np.isinf(high), np.where(share < 0.5, low, high), between)


class FineHistogram:
    """Counts of draws of one table in two million bins, for more draws than memory should hold.

    The bins are equal in x / (1 + |x|), x being in interquartile ranges from the median of the first draws:
    in the middle they are a millionth of that range, far below the Monte-Carlo error of any number of draws
    that they are used for, and the tails, infinity included, have bins too.
    """

    __slots__ = ("_center", "_counts", "_held", "_pending", "_spread")

    def __init__(self) -> None:
        self._counts: IntArray = np.zeros(_BINS, dtype=np.int64)
        self._pending: list[FloatArray] = []
        self._held = 0
        self._center: float | None = None
        self._spread = 1.0

    def add(self, values: FloatArray) -> None:
        """Count draws; NaN are left out."""
        self._pending.append(values[~np.isnan(values)])
        self._held += self._pending[-1].size
        if self._held >= _BUFFER:
            self._count()

    def _count(self) -> None:
        values = np.concatenate(self._pending) if self._pending else np.empty(0)
        self._pending, self._held = [], 0
        if not values.size:
            return
        if self._center is None:
            quarters = _at(np.sort(values)[np.newaxis], np.array([[0.25, 0.5, 0.75]]))[0]
            self._center = float(quarters[1]) if np.isfinite(quarters[1]) else 0.0
            width = float(_gap(quarters[0], quarters[2]))
            self._spread = width if 0 < width < np.inf else 1.0
        with np.errstate(invalid="ignore"):
            x = (values - self._center) / self._spread
            bounded = np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))
        index = np.minimum(((bounded + 1) * (_BINS / 2)).astype(np.int64), _BINS - 1)
        self._counts += np.bincount(index, minlength=_BINS)

    def quantiles(self, probabilities: Sequence[float]) -> tuple[FloatArray, FloatArray]:
        """Return quantiles and their standard errors, each of shape (q,)."""
        self._count()
        p = np.asarray(probabilities)
        count = int(self._counts.sum())
        if not count or self._center is None:
            return np.full(p.size, np.nan), np.full(p.size, np.nan)
        cumulative = np.cumsum(self._counts)
        reach = np.sqrt(p * (1 - p) / count)
        low, middle, high = (
            self._place(cumulative, np.clip(at, 0, 1) * count) for at in (p - reach, p, p + reach)
        )
        return middle, 0.5 * _gap(low, high)

    def _place(self, cumulative: IntArray, rank: FloatArray) -> FloatArray:
        index = np.minimum(np.searchsorted(cumulative, rank, side="left"), _BINS - 1)
        inside = self._counts[index]
        share = (rank - (cumulative[index] - inside)) / np.maximum(inside, 1)
        bounded = (index + np.clip(share, 0, 1)) / (_BINS / 2) - 1
        with np.errstate(divide="ignore"):
            x = bounded / (1 - np.abs(bounded))
        return np.asarray((self._center or 0.0) + self._spread * x)
