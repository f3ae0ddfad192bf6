"""Counts, totals and percentages of one arm: does a whole number give the percentage, and of which total.

The idea for percentages of whole numbers is GRIM's for means of whole numbers. Sums over rows are in
`coherence_sums`, ratios in `coherence_ratios`.

References
----------
Brown NJL, Heathers JAJ (2017). The GRIM test: a simple technique detects numerous anomalies in the reporting
of results in psychology. Soc Psychol Personal Sci 8:363-369. DOI 10.1177/1948550616673876
(Citation not verified.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.finding import Finding
from analysis.values.text import round_half_up, short_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.forensics.coherence_columns import Columns, Printed
    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["ARMS", "arm_counts", "check_percentages"]

# Count, total and percentage of each arm, as columns are called.
ARMS = (
    ("events", "total", "percent"),
    ("exposed_cases", "exposed_total", "exposed_percent"),
    ("control_cases", "control_total", "control_percent"),
)
RULE = "percentage of a total"
_REACH = 0.25
_MOST_SHOWN = 8


def check_percentages(columns: Columns, arm: tuple[str, str, str]) -> tuple[list[Finding], int]:
    """Check that each percentage is a whole number of its total, and the printed one where there is one.

    Returns
    -------
    tuple of list of Finding and int
        The findings, and how many rows could be checked.
    """
    cases_name, total_name, percent_name = arm
    total = columns.counts(total_name)
    if not np.isfinite(total).any():
        return [], 0
    too_many = _more_than_all(columns, arm)
    if percent_name not in columns:
        return too_many, int(np.isfinite(columns.counts(cases_name) + total).sum())
    cases, percent = columns.counts(cases_name), columns.printed(percent_name, percent=True)
    with np.errstate(invalid="ignore"):
        usable = percent.given & (total > 0) & ~(cases > total)
    known = usable & ~np.isnan(cases)
    fits_nearest, fits_cut = (_fits(percent, cases, total, known, cut=cut) for cut in (False, True))
    findings = [
        _finding(columns, percent, cases, total, row, arm)
        for row in np.flatnonzero(usable & ~fits_nearest).tolist()
    ]
    pooled = columns.texts("pooled")
    return too_many + [
        _as_cut(finding)
        if fits_cut[finding.rows[0]]
        else _as_pooled(finding)
        if pooled[finding.rows[0]] == "yes"
        else finding
        for finding in findings
    ], int(usable.sum())


def _more_than_all(columns: Columns, arm: tuple[str, str, str]) -> list[Finding]:
    cases, total = columns.counts(arm[0]), columns.counts(arm[1])
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(cases > total).tolist()
    return [
        Finding(
            rule="count and total",
            strength="contradiction",
            rows=(row,),
            label=_arm_label(columns, row, arm),
            printed=f"{short_count(cases[row])} of {short_count(total[row])} is printed",
            arithmetic="more are counted than there are",
        )
        for row in rows
    ]


def arm_counts(columns: Columns, arm: tuple[str, str, str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the first and last count that each arm can have, and its total; NaN where neither is known.

    A printed count is both. A percentage gives every count that rounds to it, or that it is cut from.
    """
    cases_name, total_name, percent_name = arm
    cases, total = columns.counts(cases_name), columns.counts(total_name)
    first, last = cases.copy(), cases.copy()
    if percent_name in columns:
        percent = columns.printed(percent_name, percent=True)
        open_ = np.isnan(cases) & percent.given & (total > 0)
        nearest, cut = percent.nearest.counts(total), percent.cut.counts(total)
        empty = nearest[0] > nearest[1]
        first[open_] = np.where(
            empty, cut[0], np.fmin(nearest[0], np.where(cut[0] > cut[1], np.inf, cut[0]))
        )[open_]
        last[open_] = np.where(
            empty, cut[1], np.fmax(nearest[1], np.where(cut[0] > cut[1], -np.inf, cut[1]))
        )[open_]
    none = first > last
    first[none], last[none] = np.nan, np.nan
    return first, last, total


def _fits(
    percent: Printed, cases: FloatArray, total: FloatArray, known: BoolArray, *, cut: bool
) -> BoolArray:
    ends = percent.cut if cut else percent.nearest
    first, last = ends.counts(total)
    with np.errstate(invalid="ignore"):
        some = first <= last
    return np.where(known, ends.holds_ratio(cases, total), some)


def _finding(
    columns: Columns,
    percent: Printed,
    cases: FloatArray,
    total: FloatArray,
    row: int,
    arm: tuple[str, str, str],
) -> Finding:
    text, persons = percent[row], int(total[row])
    digits = len(text.rstrip("% ").partition(".")[2])
    known = not np.isnan(cases[row])
    if known:
        count = int(cases[row])
        printed = f"{short_count(count)} of {short_count(persons)} is printed as {text}"
        arithmetic = f"{count}/{persons} is {_percent(count, persons, digits + 1)}"
    else:
        middle = percent.nearest.intervals[row].middle * persons
        below = min(max(int(np.floor(middle)), 0), persons - 1)
        printed = f"{text} of {short_count(persons)} is printed"
        arithmetic = f"{below}/{persons} is {_percent(below, persons, digits + 1)} and {below + 1}/{persons} "
        arithmetic += f"is {_percent(below + 1, persons, digits + 1)}"
    return Finding(
        rule=RULE,
        strength="contradiction",
        rows=(row,),
        label=_arm_label(columns, row, arm),
        printed=printed,
        arithmetic=arithmetic,
        fits=_what_fits(columns, percent, cases, total, row),
    )


def _arm_label(columns: Columns, row: int, arm: tuple[str, str, str]) -> str:
    label = columns.label(row)
    side = arm[0].partition("_")[0]
    return f"{label} ({side})" if side in {"exposed", "control"} and label else label


def _what_fits(columns: Columns, percent: Printed, cases: FloatArray, total: FloatArray, row: int) -> str:
    """Say which totals near the printed one fit, together with the other rows of the study that print it."""
    studies = columns.texts("study")
    # Rows without a study stand alone.
    group = [row]
    if studies[row]:
        same = percent.given & (total == total[row])
        group = [i for i in np.flatnonzero(same).tolist() if studies[i] == studies[row]]
    persons = int(total[row])
    near = np.arange(max(1, int(persons * (1 - _REACH))), int(persons * (1 + _REACH)) + 2, dtype=np.int64)
    if not np.isnan(cases[row]):
        # A printed count has few totals, wherever they are.
        low, high = (end[row] for end in (percent.nearest.low, percent.cut.high))
        last = cases[row] / low if low > 0 else persons * (1 + _REACH)
        bottom = int(min(cases[row] / high, persons * (1 - _REACH))) if high > 0 else 1
        near = np.arange(max(1, bottom), int(max(last, persons * (1 + _REACH))) + 2, dtype=np.int64)
    if near.size > 4000:
        # A total this large fits nearly every percentage; those nearest to the printed one are enough.
        near = np.arange(persons - 2000, persons + 2001, dtype=np.int64)
    single = _totals(percent, cases, row, near)
    parts = []
    if len(group) > 1:
        hits = np.array([_totals(percent, cases, i, near) for i in group])
        best, printed_hits = hits.sum(axis=0), int(hits[:, near == persons].sum())
        most = int(best.max())
        # Two of many percentages share a total by chance.
        telling = most == len(group) or most >= max(3, 0.75 * len(group))
        if telling and most > printed_hits:
            # The total nearest to the printed one, and those that fit the same percentages.
            fitted = hits[:, near == _nearest(near[best == most], persons)[0]]
            together = near[(hits == fitted).all(axis=0)]
            shown = _nearest(together, persons)
            texts = [percent[i] for i, hit in zip(group, fitted[:, 0], strict=True) if hit]
            all_of = "all" if most == len(group) else f"{most}"
            parts.append(
                f"a total of {_listed(shown, together.size)} "
                f"({all_of} of the {len(group)} percentages printed of {persons}: {', '.join(texts)})"
            )
    fitting = near[single]
    if fitting.size and fitting.size <= near.size // 2:
        shown = _nearest(fitting, persons)
        counted = [f"{_count_of(percent, cases, row, int(n))}/{int(n)}" for n in shown]
        more = f" and {fitting.size - shown.size} more totals" if fitting.size > shown.size else ""
        parts.append(f"{percent[row]} alone is {', '.join(counted)}{more}")
    if not parts and not fitting.size and not np.isnan(cases[row]):
        parts.append("no total within a quarter of the printed one")
    return "; ".join(parts)


def _totals(percent: Printed, cases: FloatArray, row: int, near: IntArray) -> BoolArray:
    """Tell of which totals the percentage is a whole number, rounded or cut off."""
    fits = np.zeros(near.shape, dtype=bool)
    for interval in (percent.nearest.intervals[row], percent.cut.intervals[row]):
        if np.isnan(cases[row]):
            # The count next to either end, put back.
            top = np.floor(min(np.nextafter(interval.high, np.inf), 1.0) * near + 1e-9)
            for count in (top, top - 1):
                usable = (count >= 0) & (count <= near)
                fits |= usable & interval.contains_ratio(np.maximum(count, 0).astype(np.int64), near)
        else:
            fits |= (near >= cases[row]) & interval.contains_ratio(int(cases[row]), near)
    return fits


def _count_of(percent: Printed, cases: FloatArray, row: int, total: int) -> int:
    if not np.isnan(cases[row]):
        return int(cases[row])
    first, last = percent.nearest.intervals[row].whole_numbers(total)
    return int(first if first <= last else percent.cut.intervals[row].whole_numbers(total)[0])


def _nearest(totals: IntArray, persons: int) -> IntArray:
    order = np.argsort(np.abs(totals - persons), kind="stable")[:_MOST_SHOWN]
    return totals[order]


def _listed(totals: Sequence[int] | IntArray, size: int) -> str:
    text = ", ".join(short_count(int(n)) for n in totals)
    return f"{text} and {size - len(totals)} more" if size > len(totals) else text


def _percent(count: int, total: int, digits: int) -> str:
    # A decimal more than printed shows a number that was cut off.
    return f"{round_half_up(count / total, digits, percent=True)}%"


def _as_cut(finding: Finding) -> Finding:
    return _changed(finding, strength="remark", fits="the further decimals cut off instead of rounded")


def _as_pooled(finding: Finding) -> Finding:
    return _changed(finding, strength="remark", fits="a percentage that is weighted over studies")


def _changed(finding: Finding, **changes: str) -> Finding:
    values = {name: getattr(finding, name) for name in Finding.__dataclass_fields__}
    return Finding(**(values | changes))
