"""A printed interval against every interval of the printed counts that the methods of `measures` give.

For one interval, with the methods by name, see `interval_method`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.forensics.coherence_ratios import counts_give
from analysis.forensics.finding import Finding
from analysis.forensics.interval_method import FUNCTIONS, level_of_rounded_quantile
from analysis.values.counts import Proportion, TwoByTwo
from analysis.values.text import short_count, short_number

if TYPE_CHECKING:
    from analysis.forensics.coherence_columns import Columns, Estimates, Printed
    from analysis.values.arrays import BoolArray, FloatArray, IntArray
    from analysis.values.estimate import Estimate

__all__ = ["check_interval_methods"]

_NAMES = {"OR": "an odds ratio", "RR": "a risk ratio", "RD": "a risk difference", "PR": "a proportion"}


def check_interval_methods(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that some method gives the printed interval of counts that are printed beside it.

    The rows are worked through together, method by method; those that are explained drop out.
    """
    measures = np.array([text.upper() for text in columns.texts("measure")])
    limits = estimates.estimate.given & estimates.low.given & estimates.high.given
    levels = np.where(np.isnan(estimates.confidence_level), 0.95, estimates.confidence_level)
    counts = _counts(columns)
    ratios = limits & counts_give(columns, estimates) & ~np.isnan(sum(counts["OR"]))
    crude = np.array([text in {"", "no"} for text in columns.texts("adjusted")])
    proportions = limits & crude & ~np.isnan(sum(counts["PR"])) & (counts["PR"][1] > 0)
    proportions &= counts["PR"][0] <= np.nan_to_num(counts["PR"][1])
    findings: list[Finding] = []
    checked = 0
    for measure in ("OR", "RR", "RD", "PR"):
        usable = (measures == measure) & (proportions if measure == "PR" else ratios)
        for level in np.unique(levels[usable]).tolist():
            rows = np.flatnonzero(usable & (levels == level))
            left, first = _unexplained(estimates, counts[measure], rows, measure, level)
            if left is None:
                continue
            checked += rows.size
            findings += [
                _finding(columns, estimates, counts, row, measure, level, first) for row in left.tolist()
            ]
    return findings, checked


def _counts(columns: Columns) -> dict[str, tuple[FloatArray, ...]]:
    table = tuple(
        columns.counts(name) for name in ("exposed_cases", "exposed_total", "control_cases", "control_total")
    )
    return dict.fromkeys(("OR", "RR", "RD"), table) | {
        "PR": (columns.counts("events"), columns.counts("total"))
    }


def _data(counts: tuple[FloatArray, ...], rows: IntArray) -> TwoByTwo | Proportion:
    chosen = [array[rows] for array in counts]
    if len(chosen) == 2:
        return Proportion(events=chosen[0], total=chosen[1])
    a, n1, c, n0 = chosen
    return TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)


def _unexplained(
    estimates: Estimates, counts: tuple[FloatArray, ...], rows: IntArray, measure: str, level: float
) -> tuple[IntArray | None, dict[int, tuple[float, float]]]:
    """Return the rows whose interval no method gives, and the limits of the first method for each.

    None where a method did not converge: what it would have given is not known.
    """
    _, function, methods = FUNCTIONS[measure]
    left, first = rows, {}
    for number, method in enumerate(methods):
        if not left.size:
            break
        # Many papers write 1.96, which shows in the third digit of some limits.
        for tried in (level, level_of_rounded_quantile(level)):
            if not left.size:
                break
            try:
                estimate = function(_data(counts, left), method=method, confidence_level=tried)
            except ConvergenceError:
                return None, {}
            if number == 0 and tried == level:
                first = {
                    int(row): (float(low), float(high))
                    for row, low, high in zip(left, estimate.low, estimate.high, strict=True)
                }
            left = left[~_rounds_to(estimates, left, estimate)]
    return left, first


def _rounds_to(estimates: Estimates, rows: IntArray, estimate: Estimate) -> BoolArray:
    def inside(printed: Printed, values: FloatArray, *, cut: bool) -> BoolArray:
        ends = printed.cut if cut else printed.nearest
        hair = 1e-9 * np.maximum(1.0, np.abs(np.nan_to_num(values, posinf=0.0, neginf=0.0)))
        within: BoolArray = (values >= ends.low[rows] - hair) & (values <= ends.high[rows] + hair)
        return within

    low, high = (
        [inside(part, values, cut=cut) for cut in (False, True)]
        for part, values in ((estimates.low, estimate.low), (estimates.high, estimate.high))
    )
    return (low[0] & high[0]) | (low[1] & high[1])


def _finding(
    columns: Columns,
    estimates: Estimates,
    counts: dict[str, tuple[FloatArray, ...]],
    row: int,
    measure: str,
    level: float,
    first: dict[int, tuple[float, float]],
) -> Finding:
    values = [short_count(array[row]) for array in counts[measure]]
    arms = " and ".join(f"{a}/{n}" for a, n in zip(values[::2], values[1::2], strict=True))
    percent = measure == "PR"
    low, high = (short_number(limit, percent=percent) for limit in first[row])
    methods = FUNCTIONS[measure][2]
    return Finding(
        rule="interval of the printed counts",
        strength="discrepancy",
        rows=(row,),
        label=columns.label(row),
        printed=f"{_NAMES[measure]} of {estimates.texts[row]} is printed with {arms}",
        arithmetic=(
            f"none of {len(methods)} methods gives that interval at {100 * level:g} %; "
            f"{methods[0]!r} gives {low} to {high}"
        ),
        fits="a method for matched, clustered or weighted data, or another level",
    )
