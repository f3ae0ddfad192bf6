"""The range of a pooled estimate where a study may have any of several tables.

Pooling is that of `pooling`; which tables the printed numbers of a study allow is found out in `forensics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed
from analysis.values.text import short_count, short_range

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.alternatives import AlternativeEffects
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["PooledRange", "pool_alternatives"]

_PARTS = ("exposed_cases", "exposed_total", "control_cases", "control_total")
# Sets that are pooled at once: a block of 64 000 sets of ten studies takes a few megabytes.
_AT_ONCE = 65_536
# Directions in which a study's tables are outermost, and so candidates of the search.
_DIRECTIONS = 64
_MOST_STEPS = 1_000
# Up to so many tables of all studies together, every one is a candidate.
_ALL_TABLES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledRange(Framed):
    """The range of a pooled estimate over all tables that fit what the papers print.

    Parameters
    ----------
    measure : str
        metafor's code.
    value, low, high : tuple of float
        Smallest and largest pooled estimate, lower limit and upper limit, on the reporting scale.
    tau2, i2 : tuple of float
        Smallest and largest among the sets that were pooled.
    extremes : TwoByTwo, shape (2, k)
        One table a study: the set with the smallest and the one with the largest pooled estimate.
    n_tables : tuple of int
        Tables of each study.
    n_sets : int
        Sets of one table a study that there are.
    n_pooled : int
        Sets that were pooled.
    method : str
        "exact": all of them; "search": a search for the ends, checked by sampling.
    share_beyond : float
        Share of all sets whose estimate or limits lie beyond what the search found, an upper 95 % bound from
        the sample; 0 for "exact".
    confidence_level : float
        Of the limits.
    label : tuple of str
        The studies.
    """

    measure: str
    value: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    tau2: tuple[float, float]
    i2: tuple[float, float]
    extremes: TwoByTwo
    n_tables: tuple[int, ...]
    n_sets: int
    n_pooled: int
    method: str
    share_beyond: float
    confidence_level: float
    label: tuple[str, ...]

    @property
    def widest(self) -> tuple[float, float]:
        """Smallest lower and largest upper limit: an interval that holds the interval of every set."""
        return self.low[0], self.high[1]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a quantity with its smallest and largest value, at full precision."""
        import pandas as pd

        quantities = {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "tau2": self.tau2,
            "i2": self.i2,
        }
        return pd.DataFrame(
            [{"quantity": name, "smallest": ends[0], "largest": ends[1]} for name, ends in quantities.items()]
        ).assign(measure=self.measure, n_sets=self.n_sets, method=self.method, share_beyond=self.share_beyond)

    def __str__(self) -> str:
        """Return the range of the estimate, of its limits, and how many sets of tables it is over."""
        sets = short_count(self.n_sets) if self.n_sets < 10**9 else f"{self.n_sets:.1e}"
        how = f"all {sets} sets of tables"
        if self.method == "search":
            how = (
                f"{sets} sets of tables, searched; at most {100 * self.share_beyond:.2g}% of them lie beyond"
            )
        if self.n_sets == 1:
            how = "the one set of tables"
        return (
            f"{self.measure} {short_range(*self.value)}; {100 * self.confidence_level:g}% CI from "
            f"{_dashed(self.low)} to {_dashed(self.high)}; over {how}"
        )


def _dashed(ends: tuple[float, float]) -> str:
    return short_range(*ends).replace(" to ", "–")


def pool_alternatives(
    effects: AlternativeEffects,
    *,
    method: str = "auto",
    most: int = 200_000,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
    **options: Any,  # noqa: ANN401 -- those of `pool`
) -> PooledRange:
    """Pool every set of one table a study, or search for the ends; parameters as for `pool_feasible`."""
    check_choice("method", method, ("auto", "exact", "search"))
    sizes = effects.n_tables
    count = prod(sizes)
    if method == "exact" and count > most:
        raise ValueError(
            f"`method` = 'exact' would pool {count:.3g} sets of tables, more than most = {most}. "
            "Use method='search', raise most, or give further printed numbers."
        )
    engine = _Engine(effects, options)
    exact = method == "exact" or (method == "auto" and count <= most)
    if exact:
        index = np.stack(np.unravel_index(np.arange(count), sizes), axis=-1)
        ends, share = engine.ends(index), 0.0
    else:
        ends, share = _search(engine, sizes, draws, np.random.default_rng(rng))
    return PooledRange(
        measure=effects.measure,
        **engine.reported(ends),
        tau2=ends.tau2,
        i2=ends.i2,
        extremes=_chosen(effects.tables, ends.sets[:2]),
        n_tables=sizes,
        n_sets=count,
        n_pooled=engine.pooled,
        method="exact" if exact else "search",
        share_beyond=share,
        confidence_level=options.get("confidence_level", 0.95),
        label=effects.label,
    )


class _Ends(NamedTuple):
    """Smallest and largest of estimate, lower and upper limit, and the sets that have them, in turn."""

    reached: FloatArray
    sets: IntArray
    tau2: tuple[float, float]
    i2: tuple[float, float]


class _Engine:
    """Pools sets of tables by the index of each study's table."""

    def __init__(self, effects: AlternativeEffects, options: dict[str, Any]) -> None:
        self.measure, self.options, self.pooled = effects.measure, options, 0
        sizes = effects.n_tables
        self.start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        self.effect = np.concatenate([np.atleast_1d(one.effect) for one in effects.effects])
        self.variance = np.concatenate([np.atleast_1d(one.variance) for one in effects.effects])
        self.study = np.repeat(np.arange(len(sizes)), sizes)

    def pool(self, index: IntArray) -> PooledEstimate:
        """Return the meta-analysis of each set."""
        flat = index + self.start
        self.pooled += len(index)
        effects = EffectSizes(effect=self.effect[flat], variance=self.variance[flat], measure=self.measure)
        return pool(effects, **self.options)

    def quantities(self, index: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return estimate and limits, shape (3, sets), and tau2 and I2, shape (2, sets)."""
        found = np.empty((5, len(index)))
        for begin in range(0, len(index), _AT_ONCE):
            part = slice(begin, begin + _AT_ONCE)
            result = self.pool(index[part])
            estimate = result.estimate
            found[:, part] = (estimate.value, estimate.low, estimate.high, result.tau2, result.i2)
        return found[:3], found[3:]

    def ends(self, index: IntArray) -> _Ends:
        """Return the ends over the sets."""
        main, spread = self.quantities(index)
        # A single study under random effects has no limits: NaN stands for them.
        lowest = np.where(np.isnan(main), np.inf, main).argmin(axis=1)
        highest = np.where(np.isnan(main), -np.inf, main).argmax(axis=1)
        which = np.stack([lowest, highest], axis=1).ravel()
        values = main[np.repeat(np.arange(3), 2), which]
        tau2, i2 = ((float(x.min()), float(x.max())) for x in spread)
        return _Ends(values, index[which], tau2, i2)

    def reported(self, ends: _Ends) -> dict[str, tuple[float, float]]:
        """Return the ends by name."""
        names = ("value", "low", "high")
        return {
            name: (float(ends.reached[2 * i]), float(ends.reached[2 * i + 1])) for i, name in enumerate(names)
        }

    def candidates(self) -> tuple[IntArray, IntArray]:
        """Return study and table of the changes that are tried: of many tables the outermost ones.

        Outermost in effect and log variance.
        """
        if self.study.size <= _ALL_TABLES:
            everything = np.arange(self.study.size)
            return self.study, everything - self.start[self.study]
        angle = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
        scaled = [self._unit(self.effect), self._unit(np.log(self.variance))]
        outward = np.cos(angle)[:, np.newaxis] * scaled[0] + np.sin(angle)[:, np.newaxis] * scaled[1]
        best = np.maximum.reduceat(outward, self.start, axis=1)
        place = np.flatnonzero((outward == best[:, self.study]).any(axis=0))
        # Of tables that tie in every direction one is enough.
        pairs = np.column_stack([self.study[place], self.effect[place], self.variance[place]])
        first = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
        return self.study[place[first]], place[first] - self.start[self.study[place[first]]]

    def _unit(self, values: FloatArray) -> FloatArray:
        low, high = (f.reduceat(values, self.start)[self.study] for f in (np.minimum, np.maximum))
        return np.asarray(np.divide(values - low, high - low, out=np.zeros_like(values), where=high > low))


_SIGN = np.array([-1.0, 1.0] * 3)


def _search(
    engine: _Engine, sizes: tuple[int, ...], draws: int, rng: np.random.Generator
) -> tuple[_Ends, float]:
    """Return the ends that single changes of a table reach, and how many sets may lie beyond."""
    if draws < 100:
        raise ValueError(f"`draws` must be at least 100, but got {draws}.")
    drawn = rng.integers(0, np.array(sizes), (draws, len(sizes)))
    start = engine.ends(drawn)
    study, table = engine.candidates()
    sets, values = start.sets.copy(), start.reached.copy()
    for _ in range(_MOST_STEPS):
        # Every end with every change of one study's table, pooled in one go.
        changed = np.repeat(sets[:, np.newaxis, :], study.size, axis=1)
        changed[:, np.arange(study.size), study] = table
        main, _ = engine.quantities(changed.reshape(-1, len(sizes)))
        moved = (
            _SIGN[:, np.newaxis] * main.reshape(3, 6, study.size)[np.repeat(np.arange(3), 2), np.arange(6)]
        )
        moved = np.where(np.isnan(moved), -np.inf, moved)
        best = moved.argmax(axis=1)
        gain = moved[np.arange(6), best] - _SIGN * values
        better = gain > 1e-12 * np.abs(values)
        if not better.any():
            break
        sets[better] = changed[np.arange(6), best][better]
        values[better] = (_SIGN * moved[np.arange(6), best])[better]
    fresh = rng.integers(0, np.array(sizes), (draws, len(sizes)))
    main, _ = engine.quantities(fresh)
    beyond = ((main < values[0::2, np.newaxis]) | (main > values[1::2, np.newaxis])).any(axis=0)
    ends = engine.ends(np.concatenate([sets, fresh, start.sets]))
    return ends, _upper_share(int(beyond.sum()), draws)


def _upper_share(count: int, draws: int) -> float:
    """Return Clopper and Pearson's upper limit of level 95 % of a share."""
    from scipy import special

    return 1.0 if count == draws else float(special.betaincinv(count + 1, draws - count, 0.95))


def _chosen(tables: tuple[TwoByTwo, ...], sets: IntArray) -> TwoByTwo:
    return TwoByTwo(
        **{
            name: np.column_stack([getattr(table, name)[sets[:, i]] for i, table in enumerate(tables)])
            for name in _PARTS
        }
    )
