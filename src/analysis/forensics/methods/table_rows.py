"""Closed-form bounds: for an exposed arm and a control total, the control cases that printed numbers allow.

The bounds are outer ones, by a count or two: `table_search` decides about every table with the exact rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.forensics.methods.printed_table import PrintedTable
    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.reported import RoundingInterval

__all__ = ["Rows", "arm_bounds", "control_rows", "is_crude", "runs"]

# Cases, then non-cases, that a method adds to an arm before it forms its value: at least and at most.
_ADDED: dict[tuple[str, str], tuple[float, float, float, float]] = {
    ("risk_ratio", "adjusted-log"): (0.5, 0.5, 0.0, 0.0),
    ("risk_ratio", "price-bonett"): (0.25, 0.25, 1.5, 1.5),
    ("odds_ratio", "gart"): (0.5, 0.5, 0.5, 0.5),
    ("odds_ratio", "adjusted-inverse-sinh"): (0.45, 0.45, 0.45, 0.45),
    # Two persons are spread over the four cells.
    ("odds_ratio", "independence-smoothed"): (0.0, 2.0, 0.0, 2.0),
}
# Their value is an iteration's: nothing is said about it here.
_ITERATED = frozenset({"conditional-exact", "conditional-mid-p"})
# The methods whose limits are value and standard error, with the variance of the counts themselves.
_NORMAL = {"risk_ratio": "log", "odds_ratio": "woolf", "risk_difference": "wald"}
# Relative room for the rounding errors of the bounds.
_ROOM = 1e-9


def is_crude(measure: str, method: str) -> bool:
    """Tell whether the method's value is the ratio or difference of the counts themselves."""
    return method not in _ITERATED and (measure, method) not in _ADDED


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Runs of tables: an exposed arm, a control total, and the control cases from `low` to `high`."""

    n1: IntArray
    a: IntArray
    n0: IntArray
    low: IntArray
    high: IntArray

    @property
    def lengths(self) -> IntArray:
        """Number of tables of each row."""
        lengths: IntArray = np.maximum(self.high - self.low + 1, 0)
        return lengths

    def take(self, index: IntArray | BoolArray | slice) -> Rows:
        """Select rows."""
        return Rows(
            n1=self.n1[index], a=self.a[index], n0=self.n0[index], low=self.low[index], high=self.high[index]
        )

    def narrowed(self, low: NDArray[np.floating], high: NDArray[np.floating]) -> Rows:
        """Return the rows cut to real bounds, with one count of room at either end."""
        last = self.n0.astype(np.float64) + 1
        lower = np.clip(np.nan_to_num(low, nan=0.0, posinf=np.inf, neginf=0.0), 0.0, last)
        upper = np.clip(np.nan_to_num(high, nan=np.inf, posinf=np.inf, neginf=-1.0), -1.0, last)
        return Rows(
            n1=self.n1,
            a=self.a,
            n0=self.n0,
            low=np.maximum(self.low, np.floor(lower).astype(np.int64) - 1),
            high=np.minimum(self.high, np.ceil(upper).astype(np.int64) + 1),
        )

    def without_between(self, low: FloatArray, high: FloatArray) -> Rows:
        """Return the rows without what lies well between two real numbers: up to two rows each."""
        first, last = np.ceil(low).astype(np.int64) + 1, np.floor(high).astype(np.int64) - 1
        left = Rows(n1=self.n1, a=self.a, n0=self.n0, low=self.low, high=np.minimum(self.high, first - 1))
        right = Rows(n1=self.n1, a=self.a, n0=self.n0, low=np.maximum(self.low, last + 1), high=self.high)
        hole = (first <= last) & (left.low <= left.high) & (right.low <= right.high)
        # Where one side is empty the row keeps the other; where there is no hole it stays whole.
        only_right = (first <= last) & (left.low > left.high)
        only_left = (first <= last) & (right.low > right.high) & ~only_right
        kept = Rows(
            n1=self.n1,
            a=self.a,
            n0=self.n0,
            low=np.where(only_right, right.low, self.low),
            high=np.where(hole | only_left, left.high, self.high),
        )
        more = right.take(hole)
        return Rows(
            n1=np.concatenate([kept.n1, more.n1]),
            a=np.concatenate([kept.a, more.a]),
            n0=np.concatenate([kept.n0, more.n0]),
            low=np.concatenate([kept.low, more.low]),
            high=np.concatenate([kept.high, more.high]),
        )


def runs(low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Return for every whole number of every run from low to high its run, and the number."""
    lengths = np.maximum(high - low + 1, 0)
    ends = np.cumsum(lengths)
    count = int(ends[-1]) if ends.size else 0
    index = np.repeat(np.arange(low.size), lengths)
    return index, np.arange(count, dtype=np.int64) + (low - ends + lengths)[index]


def arm_bounds(
    sizes: tuple[int, int], count: RoundingInterval | None, share: RoundingInterval | None, most: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the sizes of an arm, and the first and last number of cases of each."""
    n = np.arange(sizes[0], sizes[1] + 1, dtype=np.int64)
    low, high = np.zeros(n.shape, dtype=np.int64), np.minimum(n, most)
    if share is not None:
        # The float nearest to an exact end may be a last bit off; whoever asks checks exactly.
        if share.lower is not None:
            low = np.maximum(low, np.floor(np.clip(share.low, 0, 2) * n * (1 - _ROOM)).astype(np.int64))
        if share.upper is not None:
            high = np.minimum(high, np.ceil(np.clip(share.high, -1, 2) * n + _ROOM * n).astype(np.int64))
    if count is not None:
        low = np.maximum(low, int(np.clip(np.floor(count.low), 0, 2**32)))
        high = np.minimum(high, int(np.clip(np.ceil(count.high), -1, 2**32)))
    return n, low, high


def control_rows(table: PrintedTable, n1: IntArray, a: IntArray, n0: IntArray) -> Rows:
    """Return the rows of exposed arms and control totals that broadcast, cut as far as closed forms can."""
    n1, a, n0 = np.broadcast_arrays(n1, a, n0)
    n1, a, n0 = n1.ravel(), a.ravel(), n0.ravel()
    rows = Rows(n1=n1, a=a, n0=n0, low=np.zeros(n0.shape, dtype=np.int64), high=n0)
    numbers = table.numbers
    for name in ("control_cases", "control_risk count"):
        if name in numbers:
            rows = rows.narrowed(*_spread(rows, numbers[name].low, numbers[name].high))
    if "control_risk" in numbers:
        rows = rows.narrowed(n0 * numbers["control_risk"].low, n0 * numbers["control_risk"].high)
    for name, whole in (("cases", 1), ("risk count", 1), ("risk", n1 + n0)):
        if name in numbers:
            rows = rows.narrowed(whole * numbers[name].low - a, whole * numbers[name].high - a)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for measure, methods in table.methods.items():
            if measure in numbers:
                bounds = _value_bounds(rows, measure, methods, numbers[measure].low, numbers[measure].high)
                rows = rows.narrowed(*bounds)
        rows = rows.take(rows.low <= rows.high)
        for measure, methods in table.methods.items():
            if methods == (_NORMAL[measure],):
                rows = _by_variance(rows, table, measure)
    return rows.take(rows.low <= rows.high)


def _spread(rows: Rows, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    return np.full(rows.n0.shape, low), np.full(rows.n0.shape, high)


def _value_bounds(
    rows: Rows, measure: str, methods: tuple[str, ...], low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    """Return the control cases between which a measure lies from `low` to `high`."""
    if _ITERATED & set(methods):
        return _spread(rows, 0.0, np.inf)
    if measure == "risk_difference":
        risk = rows.a / rows.n1
        return rows.n0 * (risk - high), rows.n0 * (risk - low)
    added = np.array([_ADDED.get((measure, method), (0.0, 0.0, 0.0, 0.0)) for method in methods])
    (p, _, q, _), (_, p_most, _, q_most) = added.min(axis=0), added.max(axis=0)
    a, b = rows.a, rows.n1 - rows.a
    # What the controls have is what the exposed have over the ratio.
    if measure == "risk_ratio":
        least, most = (a + p) / (a + p + b + q_most), (a + p_most) / (a + p_most + b + q)
        share_low = least / high if high > 0 else np.full(a.shape, np.inf)
        share_high = most / low if low > 0 else np.ones(a.shape)
    else:
        least, most = (a + p) / (b + q_most), (a + p_most) / (b + q)
        share_low = _share(least / high) if high > 0 else np.full(a.shape, np.inf)
        share_high = _share(most / low) if low > 0 else np.ones(a.shape)
    return (rows.n0 + p + q) * share_low - p_most, (rows.n0 + p_most + q_most) * share_high - p


def _share(odds: FloatArray) -> FloatArray:
    return np.where(np.isinf(odds), 1.0, odds / (1 + odds))


def _by_variance(rows: Rows, table: PrintedTable, measure: str) -> Rows:
    """Cut rows by the standard error that the limits of a normal interval allow."""
    ends = _variances(table, measure)
    if ends is None:
        return rows
    least, most, value_low, value_high = ends
    if least > most:
        return rows.take(slice(0, 0))
    rows = rows.narrowed(*_value_bounds(rows, measure, (_NORMAL[measure],), value_low, value_high))
    rows = rows.take(rows.low <= rows.high)
    a, b, n1, n0 = rows.a, rows.n1 - rows.a, rows.n1, rows.n0.astype(np.float64)
    if measure == "risk_ratio":
        fixed = 1 / a - 1 / n1 - 1 / n0
        low, high = 1 / (most - fixed), 1 / (least - fixed)
        return rows.narrowed(np.where(most > fixed, low, np.inf), np.where(least > fixed, high, np.inf))
    # The product c d is bounded on both sides: c lies between two roots, and not between two nearer ones.
    if measure == "odds_ratio":
        fixed = 1 / a + 1 / b
        smallest = np.where(most > fixed, n0 / (most - fixed), np.inf)
        largest = np.where(least > fixed, n0 / (least - fixed), np.inf)
    else:
        fixed = a * (b / n1.astype(np.float64) ** 3)
        smallest, largest = n0**3 * (least - fixed), n0**3 * (most - fixed)
    rows = rows.narrowed(*_roots(n0, smallest, nowhere=(np.inf, -1.0)))
    return rows.without_between(*_roots(n0, largest, nowhere=(0.0, -3.0)))


def _roots(
    n0: FloatArray, product: FloatArray, *, nowhere: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the counts c with c (n0 - c) at least `product`, or `nowhere` if there are none."""
    inside = n0**2 / 4 - product
    half = np.sqrt(np.maximum(inside, 0.0))
    none = ~(inside >= 0)
    return (
        np.where(none, nowhere[0], np.maximum(n0 / 2 - half, -1.0)),
        np.where(none, nowhere[1], np.minimum(n0 / 2 + half, n0 + 1)),
    )


def _variances(table: PrintedTable, measure: str) -> tuple[float, float, float, float] | None:
    """Return the least and largest variance and the value that the printed limits allow, or None."""
    names = (measure, f"{measure} low", f"{measure} high")
    value, low, high = (table.numbers.get(name) for name in names)
    if sum(interval is not None for interval in (value, low, high)) < 2:
        return None
    ends = {}
    for name, interval in zip("vlh", (value, low, high), strict=True):
        if interval is None:
            ends[name] = (-np.inf, np.inf)
        elif measure == "risk_difference":
            ends[name] = (interval.low, interval.high)
        else:
            ends[name] = (np.log(max(interval.low, 0.0)), np.log(max(interval.high, 0.0)))
    if measure == "risk_difference" and (ends["l"][0] <= -1 or ends["h"][1] >= 1):
        # Limits beyond -1 and 1 are cut.
        return None
    v, lower, upper = ends["v"], ends["l"], ends["h"]
    quantile = normal_quantile((1 + table.levels[measure]) / 2)
    least = np.nanmax([0.0, v[0] - lower[1], upper[0] - v[1], (upper[0] - lower[1]) / 2]) / quantile
    most = np.nanmin([np.inf, v[1] - lower[0], upper[1] - v[0], (upper[1] - lower[0]) / 2]) / quantile
    centre = np.array([lower[0] + upper[0], lower[1] + upper[1]]) / 2
    centre = np.where(np.isnan(centre), (-np.inf, np.inf), centre) + _ROOM * np.array([-1.0, 1.0])
    if measure != "risk_difference":
        centre = np.exp(centre)
    return least**2 * (1 - _ROOM), max(most, 0.0) ** 2 * (1 + _ROOM), float(centre[0]), float(centre[1])
