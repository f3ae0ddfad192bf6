"""Complete enumeration of the tables that round to printed numbers, in blocks of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.forensics.methods.printed_table import MEASURES
from analysis.forensics.methods.table_rows import Rows, arm_bounds, control_rows, is_crude, runs
from analysis.forensics.methods.table_tests import PVALUES, SLOW_PVALUES, STATISTICS
from analysis.measures.methods.cells import Cells
from analysis.values.counts import TwoByTwo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from analysis.forensics.methods.printed_table import PrintedTable
    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.reported import RoundingInterval

__all__ = ["Budget", "Found", "TooManyTablesError", "as_table", "exists", "fits", "search"]

# Five million tables with all that is needed to list them stay below 500 MiB.
MOST_TABLES = 5_000_000
MOST_CANDIDATES = 400_000_000
MOST_ROWS = 10_000_000
MOST_SLOW = 200_000
_ROWS = 1 << 18
_BLOCK = 1 << 18
# Methods that search a root for each table, and so come last.
_FAST = frozenset(
    {"log", "adjusted-log", "price-bonett", "inverse-sinh", "adjusted-inverse-sinh", "woolf", "gart"}
    | {"independence-smoothed", "wald", "wald-cc", "agresti-caffo", "newcombe"}
)


def as_table(found: Found) -> TwoByTwo:
    """Return the found tables as the type that every measure takes."""
    # A size that all share is stored once.
    n1, n0 = (np.asarray(x[0] if not any(x.strides) and x.size else x, dtype=np.float64) for x in found[::2])
    a, c = (x.astype(np.float64) for x in found[1::2])
    return TwoByTwo._trusted(  # noqa: SLF001 -- counts of its own making
        exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0
    )


class TooManyTablesError(ValueError):
    """The printed numbers leave more tables than are listed."""


class Found(NamedTuple):
    """Tables: arm sizes and cases, int64 arrays of one axis."""

    n1: IntArray
    a: IntArray
    n0: IntArray
    c: IntArray

    def take(self, keep: BoolArray | IntArray | slice) -> Found:
        """Select tables."""
        return Found(self.n1[keep], self.a[keep], self.n0[keep], self.c[keep])

    def cells(self) -> Cells:
        """Return the four cells as floats."""
        return Cells(*(x.astype(np.float64) for x in (self.a, self.n1 - self.a, self.c, self.n0 - self.c)))


def exists(table: PrintedTable) -> bool | None:
    """Tell whether a table fits; None if that would take too long to say."""
    budget = Budget()
    try:
        return any(
            fits(table, block, budget).a.size for rows in _row_blocks(table) for block in _expanded(rows)
        )
    except TooManyTablesError:
        return None


def search(table: PrintedTable) -> Found:
    """Return the tables that fit, by arm sizes and counts.

    Raises
    ------
    TooManyTablesError
        If more rows, candidates or tables are left than the limits say.
    """
    most = MOST_CANDIDATES if _needs_filter(table) else MOST_TABLES
    parts: list[Rows] = []
    candidates = 0
    for rows in _row_blocks(table):
        candidates += int(rows.lengths.sum())
        if candidates <= most:
            parts.append(rows)
    if candidates > most:
        raise TooManyTablesError(_too_many(candidates))
    # Half the width while they are collected; arms of one size are not stored.
    constant = table.exposed[0] == table.exposed[1] and table.control[0] == table.control[1]
    kept: list[tuple[NDArray[np.int32], ...]] = []
    count, searched, budget = 0, 0, Budget(candidates)
    for rows in parts:
        for block in _expanded(rows):
            budget.begin(block.a.size)
            found = fits(table, block, budget)
            searched, count = searched + block.a.size, count + found.a.size
            if count > MOST_TABLES:
                raise TooManyTablesError(_too_many(candidates * count / searched))
            if found.a.size:
                kept.append(tuple(x.astype(np.int32) for x in (found[1::2] if constant else found)))
    return _sorted(kept, (table.exposed[0], table.control[0]) if constant else None)


def _sorted(kept: list[tuple[NDArray[np.int32], ...]], sizes: tuple[int, int] | None) -> Found:
    """Join the blocks and order the tables by exposed total and cases, control total and cases."""
    if not kept:
        return Found(*np.zeros((4, 0), dtype=np.int64))
    columns = [np.concatenate(arrays) for arrays in zip(*kept, strict=True)]
    kept.clear()
    if sizes is None:
        order = np.lexsort(columns[::-1])
        return Found(*(column[order].astype(np.int64) for column in columns))
    # Two counts in one number sort at once, in place.
    key = columns[0].astype(np.int64) << 32
    key |= columns.pop().astype(np.int64)
    key.sort()
    n1, n0 = (np.broadcast_to(np.asarray(size, dtype=np.int64), key.shape) for size in sizes)
    return Found(n1, key >> 32, n0, key & (2**32 - 1))


def _too_many(count: float) -> str:
    return (
        f"The printed numbers allow about {count:.2g} tables, more than the {MOST_TABLES:.0e} that are "
        "listed. Give a further printed number: exposed_risk=, control_risk=, an interval with risk_ratio= "
        "or odds_ratio=, or exact arm totals."
    )


def _needs_filter(table: PrintedTable) -> bool:
    """Tell whether numbers beyond the percentages and counts of either arm cut the candidates further."""
    return any(name in MEASURES or " " in name or name in _JOINT for name in table.numbers)


_JOINT = frozenset({"pvalue", "chi_square", "risk", "cases", "total"})


def _row_blocks(table: PrintedTable) -> Iterator[Rows]:
    """Yield rows in blocks: exposed arms by control totals, each with its run of control cases."""
    numbers = table.numbers
    count = numbers.get("exposed_cases", numbers.get("exposed_risk count"))
    most = _upper(numbers.get("cases"))
    n1, first, last = arm_bounds(table.exposed, count, numbers.get("exposed_risk"), most)
    n0, low, high = arm_bounds(
        table.control,
        numbers.get("control_cases", numbers.get("control_risk count")),
        numbers.get("control_risk"),
        most,
    )
    n0 = n0[low <= high]
    n1, first, last = n1[first <= last], first[first <= last], last[first <= last]
    exposed = int((last - first + 1).sum())
    together = numbers.get("total")
    per_arm = n0.size if together is None else min(n0.size, _width(together))
    if exposed * max(per_arm, 1) > MOST_ROWS:
        raise TooManyTablesError(
            f"The printed numbers allow about {exposed * max(per_arm, 1):.2g} exposed arms and control "
            f"totals, more than the {MOST_ROWS:.0e} that are searched. Give exact arm totals, narrower "
            "ranges, exposed_risk= or exposed_cases=."
        )
    index, a = runs(first, last)
    sizes = n1[index]
    keep = _arm_fits(table, "exposed", sizes, a)
    sizes, a = sizes[keep], a[keep]
    step = max(_ROWS // max(per_arm, 1), 1)
    for start in range(0, a.size, step):
        n, x = sizes[start : start + step], a[start : start + step]
        if together is None:
            yield control_rows(table, n[:, np.newaxis], x[:, np.newaxis], n0[np.newaxis, :])
            continue
        low_n = np.maximum(int(np.ceil(together.low)) - n, n0[0] if n0.size else 1)
        high_n = np.minimum(int(np.floor(together.high)) - n, n0[-1] if n0.size else 0)
        which, total = runs(low_n, high_n)
        yield control_rows(table, n[which], x[which], total)


def _upper(interval: RoundingInterval | None) -> int:
    return 2**32 if interval is None else int(np.clip(np.floor(interval.high), -1, 2**32))


def _width(interval: RoundingInterval) -> int:
    return max(int(np.floor(interval.high)) - int(np.ceil(interval.low)) + 1, 0)


def _expanded(rows: Rows) -> Iterator[Found]:
    """Yield the tables of the rows, about a quarter of a million at a time."""
    ends = np.cumsum(rows.lengths)
    start = 0
    while start < rows.n1.size:
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + _BLOCK, side="right")), start + 1)
        part = rows.take(slice(start, stop))
        index, c = runs(part.low, part.high)
        yield Found(part.n1[index], part.a[index], part.n0[index], c)
        start = stop


def _arm_fits(table: PrintedTable, arm: str, n: IntArray, cases: IntArray) -> BoolArray:
    numbers = table.numbers
    keep = np.ones(n.shape, dtype=bool)
    for name in (f"{arm}_cases", f"{arm}_risk count"):
        if name in numbers:
            keep &= numbers[name].contains_ratio(cases, 1)
    if f"{arm}_risk of" in numbers:
        keep &= numbers[f"{arm}_risk of"].contains_ratio(n, 1)
    if f"{arm}_risk" in numbers:
        keep &= numbers[f"{arm}_risk"].contains_ratio(cases, n)
    return keep


def fits(table: PrintedTable, found: Found, budget: Budget | None = None) -> Found:
    """Return those of the tables that round to every printed number, the cheap rules first."""
    spent = budget or Budget()
    for rule in (_counts_fit, _measures_fit, _statistics_fit, _slow_pvalue_fits):
        if found.a.size:
            found = rule(table, found, spent)
    return found


class Budget:
    """How many tables may still go through a method that searches a root for each of them."""

    def __init__(self, candidates: int = 0) -> None:
        self._left, self._candidates, self._block = MOST_SLOW, candidates, 1

    def begin(self, block: int) -> None:
        """Say how many candidates the next block has."""
        self._block = max(block, 1)

    def spend(self, count: int, name: str, what: str) -> None:
        """Take off what a method is about to cost, and stop early where the whole will be far too much."""
        self._left -= count
        if self._left < 0 or count / self._block * self._candidates > 3 * MOST_SLOW:
            raise TooManyTablesError(
                f"More than {MOST_SLOW} tables would go through {name!r}, which searches a root for each. "
                f"Give a further printed number, or name a faster method with {what}=."
            )


def _counts_fit(table: PrintedTable, found: Found, _: Budget) -> Found:
    numbers = table.numbers
    keep = _arm_fits(table, "exposed", found.n1, found.a) & _arm_fits(table, "control", found.n0, found.c)
    cases, persons = found.a + found.c, found.n1 + found.n0
    one = np.ones(1, dtype=np.int64)
    ratios = {
        "total": (persons, one),
        "risk of": (persons, one),
        "cases": (cases, one),
        "risk count": (cases, one),
        "risk": (cases, persons),
    }
    for name, (top, bottom) in ratios.items():
        if name in numbers:
            keep &= numbers[name].contains_ratio(top, bottom)
    return found if keep.all() else found.take(keep)


def _measures_fit(table: PrintedTable, found: Found, budget: Budget) -> Found:
    for measure in MEASURES:
        if found.a.size and any(name.startswith(measure) for name in table.numbers):
            found = found.take(_measure_fits(table, measure, found, budget))
    return found


def _measure_fits(table: PrintedTable, measure: str, found: Found, budget: Budget) -> BoolArray:
    """Tell for which tables one of the methods rounds to value, lower and upper limit together."""
    value, low, high = (table.numbers.get(name) for name in (measure, f"{measure} low", f"{measure} high"))
    crude = np.ones(found.a.shape, dtype=bool)
    if value is not None and any(is_crude(measure, method) for method in table.methods[measure]):
        crude = value.contains_ratio(*_crude(measure, found))
    done = np.zeros(found.a.shape, dtype=bool)
    for method in sorted(table.methods[measure], key=lambda name: name not in _FAST):
        exact = is_crude(measure, method)
        rest = np.flatnonzero(crude & ~done if exact else ~done)
        if rest.size == 0:
            continue
        if exact and low is None and high is None:
            done[rest] = True
            continue
        if method not in _FAST:
            budget.spend(rest.size, method, f"{measure}_method")
        with np.errstate(all="ignore"):
            result = MEASURES[measure][method](found.take(rest).cells(), table.levels[measure])
        keep = np.ones(rest.shape, dtype=bool)
        for interval, values in (
            (None if exact else value, result.value),
            (low, result.low),
            (high, result.high),
        ):
            if interval is not None:
                keep &= interval.contains(values)
        done[rest[keep]] = True
    return done


def _crude(measure: str, found: Found) -> tuple[IntArray, IntArray]:
    n1, a, n0, c = found
    if measure == "risk_ratio":
        return a * n0, c * n1
    if measure == "odds_ratio":
        return a * (n0 - c), (n1 - a) * c
    return a * n0 - c * n1, n1 * n0


def _statistics_fit(table: PrintedTable, found: Found, _: Budget) -> Found:
    if "chi_square" in table.numbers:
        names = table.statistics
        found = found.take(
            _any_fits(table.numbers["chi_square"], found, {name: STATISTICS[name] for name in names})
        )
    if "pvalue" in table.numbers and not SLOW_PVALUES & set(table.tests):
        found = found.take(
            _any_fits(table.numbers["pvalue"], found, {name: PVALUES[name] for name in table.tests})
        )
    return found


def _slow_pvalue_fits(table: PrintedTable, found: Found, budget: Budget) -> Found:
    if "pvalue" not in table.numbers or not SLOW_PVALUES & set(table.tests):
        return found
    quick = {name: PVALUES[name] for name in table.tests if name not in SLOW_PVALUES}
    done = _any_fits(table.numbers["pvalue"], found, quick)
    rest = np.flatnonzero(~done)
    slow = {name: PVALUES[name] for name in table.tests if name in SLOW_PVALUES}
    if rest.size:
        budget.spend(rest.size, next(iter(slow)), "test")
        done[rest] = _any_fits(table.numbers["pvalue"], found.take(rest), slow)
    return found.take(done)


def _any_fits(
    interval: RoundingInterval, found: Found, functions: dict[str, Callable[[Cells], FloatArray]]
) -> BoolArray:
    done = np.zeros(found.a.shape, dtype=bool)
    for function in functions.values():
        rest = np.flatnonzero(~done)
        if rest.size:
            with np.errstate(all="ignore"):
                done[rest] = interval.contains(function(found.take(rest).cells()))
    return done
