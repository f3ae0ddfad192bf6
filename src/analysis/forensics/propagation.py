"""What a meta-analysis gives over every table that the papers' printed numbers allow.

The tables of each study come from `feasible`; pooling is that of `meta.pooling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed
from analysis.values.text import short_count, short_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["PooledRange", "pool_feasible"]

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


def pool_feasible(
    studies: Sequence[TwoByTwo],
    *,
    measure: str = "RR",
    method: str = "auto",
    most: int = 200_000,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
    label: Sequence[str] | None = None,
    correction: float | None = None,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str = "hartung-knapp-adhoc",
    confidence_level: float = 0.95,
) -> PooledRange:
    """Pool the studies for every combination of the tables that each of them allows.

    Parameters
    ----------
    studies : sequence of TwoByTwo
        For each study its tables, of one axis (from `feasible_tables`) or one table.
    measure : str, default "RR"
        Measure of a 2x2 table, as for `effect_sizes`.
    method : {"auto", "exact", "search"}, default "auto"
        "exact" pools every set of one table a study, "search" looks for the ends; "auto" is exact where there
        are at most `most` sets.
    most : int, default 200000
        Sets that are pooled at most.
    draws : int, default 10000
        Random sets, for the search alone: half to start from, and as many to check what it found.
    rng : numpy.random.Generator or int, optional
        Generator or seed of the draws.
    label : sequence of str, optional
        One name a study.
    correction : float, optional
        As for `effect_sizes`.
    model, tau2, ci, confidence_level
        As for `pool`.

    Returns
    -------
    PooledRange

    Raises
    ------
    TypeError, ValueError
        If a study is not a TwoByTwo, has no table or more than one axis, if there is no study, an option is
        unknown, or "exact" is asked of more than `most` sets.
    ConvergenceError
        If tau2 does not converge for a set.

    Notes
    -----
    The search changes, step by step, the table of one study that moves an end (of the estimate or of a limit)
    furthest, from the most extreme of the random sets, until no change of one study moves it. Of a study with
    many tables those take part that are outermost in effect and variance. What it finds are sets that exist,
    so the true range is at least as wide. That it is wider is checked by fresh random sets: if none of n lies
    beyond, fewer than 3/n of all sets do, with 95 % confidence.

    Examples
    --------
    >>> from analysis import feasible_tables
    >>> first = feasible_tables(exposed_total=5476, exposed_risk="4.7%",
    ...                         control_total=27657, control_risk="2.8%")
    >>> second = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(pool_feasible([first, second], model="common", ci="wald"))
    RR 1.95 to 2.04; 95% CI from 1.73–1.80 to 2.21–2.31; over all 168 sets of tables
    """
    check_choice("method", method, ("auto", "exact", "search"))
    tables = _studies(studies)
    sizes = tuple(len(table) for table in tables)
    count = prod(sizes)
    if method == "exact" and count > most:
        raise ValueError(
            f"`method` = 'exact' would pool {count:.3g} sets of tables, more than most = {most}. "
            "Use method='search', raise most, or give further printed numbers."
        )
    names = tuple(label) if label is not None else tuple(f"Study {i + 1}" for i in range(len(tables)))
    if len(names) != len(tables):
        raise ValueError(f"`label` must name {len(tables)} studies, but names {len(names)}.")
    engine = _Engine(
        tables,
        measure,
        correction,
        {"model": model, "tau2": tau2, "ci": ci, "confidence_level": confidence_level},
    )
    exact = method == "exact" or (method == "auto" and count <= most)
    if exact:
        index = np.stack(np.unravel_index(np.arange(count), sizes), axis=-1)
        ends, share = engine.ends(index), 0.0
    else:
        ends, share = _search(engine, sizes, draws, np.random.default_rng(rng))
    reported = engine.reported(ends)
    return PooledRange(
        measure=measure,
        **reported,
        tau2=ends.tau2,
        i2=ends.i2,
        extremes=_chosen(tables, ends.sets[:2]),
        n_tables=sizes,
        n_sets=count,
        n_pooled=engine.pooled,
        method="exact" if exact else "search",
        share_beyond=share,
        confidence_level=confidence_level,
        label=names,
    )


def _studies(studies: Sequence[TwoByTwo]) -> list[TwoByTwo]:
    if isinstance(studies, TwoByTwo):
        raise TypeError("`studies` must be a sequence with the tables of each study, but got one TwoByTwo.")
    found = []
    for i, table in enumerate(studies):
        if not isinstance(table, TwoByTwo):
            raise TypeError(f"`studies` must hold TwoByTwo, but got {type(table).__name__} at index {i}.")
        if len(table.shape) > 1:
            raise ValueError(f"`studies` must have tables of one axis, but shape {table.shape} at index {i}.")
        if table.shape == (0,):
            raise ValueError(
                f"`studies` has no table at index {i}: its printed numbers contradict one another. "
                "feasible_set says which; leave the study out or one of the numbers."
            )
        found.append(table if table.shape else table[np.newaxis])
    if not found:
        raise ValueError("`studies` must hold at least one study, but is empty.")
    return found


class _Ends(NamedTuple):
    """Smallest and largest of estimate, lower and upper limit, and the sets that have them, in turn."""

    reached: FloatArray
    sets: IntArray
    tau2: tuple[float, float]
    i2: tuple[float, float]


class _Engine:
    """Pools sets of tables by the index of each study's table."""

    def __init__(
        self, tables: list[TwoByTwo], measure: str, correction: float | None, options: dict[str, Any]
    ) -> None:
        self.measure, self.options, self.pooled = measure, options, 0
        sizes = [len(table) for table in tables]
        self.start = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        joined = TwoByTwo(
            **{name: np.concatenate([getattr(table, name) for table in tables]) for name in _PARTS}
        )
        effects = effect_sizes(joined, measure, correction=correction)
        self.effect, self.variance = np.asarray(effects.effect), np.asarray(effects.variance)
        self.study = np.repeat(np.arange(len(tables)), sizes)

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


def _chosen(tables: list[TwoByTwo], sets: IntArray) -> TwoByTwo:
    return TwoByTwo(
        **{
            name: np.column_stack([getattr(table, name)[sets[:, i]] for i, table in enumerate(tables)])
            for name in _PARTS
        }
    )
