"""Why no table fits: which printed numbers contradict one another, and the table that comes nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.forensics.methods.printed_table import MEASURES, unit_of
from analysis.forensics.methods.table_search import Found, TooManyTablesError, exists, search
from analysis.forensics.methods.table_tests import PVALUES, STATISTICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analysis.forensics.methods.printed_table import PrintedTable
    from analysis.values.arrays import FloatArray
    from analysis.values.reported import RoundingInterval

__all__ = ["Conflict", "Nearest", "find_conflict", "find_nearest", "recomputed", "units_outside"]

# Units of the last printed digit by which every number is let off in turn, until a table fits.
_STEPS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 2584, 6765, 17711, 46368, 10**6, 10**8)


class Conflict(NamedTuple):
    """Printed numbers that no table fits together, any fewer of which some table does."""

    names: tuple[str, ...]
    relieved_by: tuple[str, ...]
    minimal: bool


class Nearest(NamedTuple):
    """The table whose worst deviation is least, with what it gives for each number, and the deviations."""

    found: Found
    gives: dict[str, float]
    deviations: dict[str, float]


def find_conflict(table: PrintedTable) -> Conflict:
    """Return a minimal conflicting subset, and the numbers without which alone the rest fit a table."""
    names = tuple(table.numbers)
    known = True
    for name in names:
        # A number that fits no table by itself is the shortest answer.
        if exists(table.only([name])) is False:
            core: tuple[str, ...] = (name,)
            break
    else:
        core = names
        for name in names:
            rest = tuple(other for other in core if other != name)
            answer = exists(table.only(rest))
            known = known and answer is not None
            if answer is False:
                core = rest
    relieved = tuple(name for name in core if exists(table.only(other for other in names if other != name)))
    return Conflict(core, relieved, known)


def find_nearest(table: PrintedTable) -> Nearest | None:
    """Return the table whose worst deviation, in units of the last printed digit, is least; None if unknown.

    Every table within so many units of every number is among the widened tables, so that the least worst
    deviation of all tables is found exactly.
    """
    for factor in _STEPS:
        wide = table.widened(factor)
        answer = exists(wide)
        if answer is None:
            return None
        if not answer:
            continue
        try:
            found = search(wide)
        except TooManyTablesError:
            return None
        return _least(table, found)
    return None


def _least(table: PrintedTable, found: Found) -> Nearest:
    values, deviations = recomputed(table, found)
    stacked = np.stack([deviations[name] for name in table.numbers])
    worst = stacked.max(axis=0)
    # Of equally near tables the one that is near in sum.
    best = int(np.lexsort((stacked.sum(axis=0), worst))[0])
    return Nearest(
        found.take(slice(best, best + 1)),
        {name: float(values[name][best]) for name in table.numbers},
        {name: float(deviations[name][best]) for name in table.numbers},
    )


def recomputed(table: PrintedTable, found: Found) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return for each printed number what the tables give, and how many units it lies outside.

    Of several methods the one whose worst deviation is least speaks, table by table.
    """
    values: dict[str, FloatArray] = {}
    deviations: dict[str, FloatArray] = {}
    for alternatives in _alternatives(table, found):
        away = [
            {name: units_outside(table.numbers[name], array) for name, array in alternative.items()}
            for alternative in alternatives
        ]
        worst = np.stack([np.stack(list(each.values())).max(axis=0) for each in away])
        chosen, column = worst.argmin(axis=0), np.arange(found.a.size)
        for name in alternatives[0]:
            values[name] = np.stack([each[name] for each in alternatives])[chosen, column]
            deviations[name] = np.stack([each[name] for each in away])[chosen, column]
    return values, deviations


def units_outside(interval: RoundingInterval, values: FloatArray) -> FloatArray:
    """Return how many units of the last printed digit the values lie outside of what rounds to it."""
    unit = float(unit_of(interval))
    away = np.maximum(np.maximum(interval.low - values, values - interval.high), 0.0) / unit
    # On an excluded end a number is next to inside, and yet outside.
    away = np.where((away == 0) & ~interval.contains(values), 1e-9, away)
    return np.where(np.isnan(values), np.inf, away)


def _alternatives(table: PrintedTable, found: Found) -> Iterator[list[dict[str, FloatArray]]]:
    cells = found.cells()
    persons, cases = cells.exposed + cells.control, cells.a + cells.c
    shares = {
        "exposed_risk": (cells.a, cells.exposed),
        "control_risk": (cells.c, cells.control),
        "risk": (cases, persons),
    }
    counts = {"exposed_cases": cells.a, "control_cases": cells.c, "cases": cases, "total": persons}
    for name, (part, whole) in shares.items():
        counts |= {name: part / whole, f"{name} count": part, f"{name} of": whole}
    for name in table.numbers:
        if name in counts:
            yield [{name: counts[name]}]
    with np.errstate(all="ignore"):
        for measure, known in MEASURES.items():
            if any(name.startswith(measure) for name in table.numbers):
                results = [known[method](cells, table.levels[measure]) for method in table.methods[measure]]
                named = [
                    {measure: each.value, f"{measure} low": each.low, f"{measure} high": each.high}
                    for each in results
                ]
                yield [{n: x for n, x in each.items() if n in table.numbers} for each in named]
        if "pvalue" in table.numbers:
            yield [{"pvalue": PVALUES[name](cells)} for name in table.tests]
        if "chi_square" in table.numbers:
            yield [{"chi_square": STATISTICS[name](cells)} for name in table.statistics]
