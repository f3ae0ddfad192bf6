"""The same printed result in two studies, and the same counts under two totals in one study."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from analysis.forensics.coherence_ratios import counts_give
from analysis.forensics.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Hashable

    from analysis.forensics.coherence_columns import Columns, Estimates

__all__ = ["check_repeats"]

RULE = "same result twice"
_LARGE = 30.0
# A ratio with its interval is one of some 50 000 that papers print; beyond so many rows two agree by chance.
_FEW_ROWS = 100


def check_repeats(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Find results that two studies print alike, and counts that one study prints of two totals."""
    studies = columns.texts("study")
    if columns.n_rows == 1 or not any(studies):
        return [], 0
    findings = [
        *_same_estimate(columns, estimates, studies),
        *_same_groups(columns, estimates, studies),
        *_same_controls(columns, studies),
        *_two_totals(columns, studies),
    ]
    return findings, columns.n_rows


def _across(keys: list[Hashable | None], studies: list[str]) -> list[list[int]]:
    """Return groups of rows with one key that come from more than one study."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None and studies[row]:
            groups[key].append(row)
    return [rows for rows in groups.values() if len({studies[row] for row in rows}) > 1]


def _same_estimate(columns: Columns, estimates: Estimates, studies: list[str]) -> list[Finding]:
    given = estimates.estimate.given & estimates.low.given & estimates.high.given
    # A ratio that its own counts give is no copy.
    given &= ~counts_give(columns, estimates)
    keys = [
        (text, measure) if some else None
        for text, measure, some in zip(estimates.texts, columns.texts("measure"), given, strict=True)
    ]
    return [
        Finding(
            rule=RULE,
            strength="discrepancy" if given.sum() <= _FEW_ROWS else "remark",
            rows=tuple(rows),
            label=columns.label(*rows),
            printed=f"{estimates.texts[rows[0]]} is printed in {len(rows)} rows of different studies",
            arithmetic="estimate and both limits are the same to the last digit",
            fits="one result printed twice",
        )
        for rows in _across(list(keys), studies)
    ]


def _same_groups(columns: Columns, estimates: Estimates, studies: list[str]) -> list[Finding]:
    n1, n0 = columns.counts("n_exposed"), columns.counts("n_control")
    keys: list[Hashable | None] = [
        (a, b) if a >= _LARGE and b >= _LARGE else None for a, b in zip(n1, n0, strict=True)
    ]
    found = []
    for rows in _across(keys, studies):
        texts = "; ".join(dict.fromkeys(estimates.texts[row] for row in rows))
        found.append(
            Finding(
                rule="same groups in two studies",
                strength="remark",
                rows=tuple(rows),
                label=columns.label(*rows),
                printed=f"groups of {n1[rows[0]]:.0f} and {n0[rows[0]]:.0f} are printed by different studies",
                arithmetic=f"their results are {texts}",
                fits="two reports of one study",
            )
        )
    return found


def _same_controls(columns: Columns, studies: list[str]) -> list[Finding]:
    total = columns.counts("control_total")
    exposed = columns.counts("exposed_total")
    outcomes = columns.texts("outcome")
    # The same groups on both sides are found by their own rule.
    few = (total >= _LARGE).sum() <= _FEW_ROWS
    printed = zip(columns.texts("control_cases"), columns.texts("control_percent"), strict=True)
    # In a long table groups of one size are common; then their counts have to be the same too.
    same = [() if few else cases for cases in printed]
    keys: list[Hashable | None] = [
        (n, outcome, *also) if n >= _LARGE else None
        for n, outcome, also in zip(total, outcomes, same, strict=True)
    ]
    merged: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for rows in _across(keys, studies):
        merged[tuple(sorted({studies[row] for row in rows}))] += rows
    return [
        Finding(
            rule="same controls in two studies",
            strength="remark",
            rows=tuple(rows),
            label=columns.label(*rows),
            printed=f"{total[rows[0]]:.0f} controls are printed by different studies",
            arithmetic="their exposed are "
            + ", ".join(dict.fromkeys(f"{exposed[row]:.0f}" for row in rows if exposed[row] >= 0)),
            fits="one group of controls used twice",
        )
        for rows in merged.values()
    ]


def _two_totals(columns: Columns, studies: list[str]) -> list[Finding]:
    events, total = columns.counts("events"), columns.counts("total")
    details = [columns.texts(name) for name in ("outcome", "site", "subgroup", "definition")]
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, study in enumerate(studies):
        if study and events[row] > 0 and total[row] > 0:
            groups[(study, events[row], *(texts[row] for texts in details))].append(row)
    return [
        Finding(
            rule="same count of two totals",
            strength="remark",
            rows=tuple(rows),
            label=columns.label(*rows),
            printed=f"{events[rows[0]]:.0f} is printed of "
            + " and of ".join(dict.fromkeys(f"{total[row]:.0f}" for row in rows)),
            arithmetic="study, outcome and count are the same, the totals are not",
            fits="two versions of one report",
        )
        for rows in groups.values()
        if len({total[row] for row in rows}) > 1
    ]
