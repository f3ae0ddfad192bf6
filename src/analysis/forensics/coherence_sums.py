"""Rows that belong together: parts and their whole, overlapping parts, and two subgroups of one study.

Which values of which column are parts of which is the caller's knowledge.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.coherence_counts import ARMS, arm_counts
from analysis.forensics.finding import Finding
from analysis.values.text import short_count, short_number

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from analysis.forensics.coherence_columns import Columns
    from analysis.values.arrays import FloatArray

    Parts = Mapping[str, Mapping[str, Sequence[str]]]

__all__ = ["check_parts", "check_subgroups"]

# What rows of one study have to share for their counts to add up.
_SHARED = ("study", "outcome", "site", "method", "subgroup", "population", "stratum", "group", "definition")


def _groups(columns: Columns, without: tuple[str, ...]) -> dict[Hashable, list[int]]:
    shared = [columns.texts(name) for name in _SHARED if name not in without and name in columns]
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, study in enumerate(columns.texts("study")):
        if study:
            groups[tuple(texts[row] for texts in shared)].append(row)
    return groups


def check_parts(columns: Columns, parts: Parts, *, overlapping: bool) -> tuple[list[Finding], int]:
    """Check that the counts of parts add up to their whole, or bound it where persons may be in several.

    Parameters
    ----------
    columns : Columns
    parts : mapping
        Column to whole to parts: ``{"outcome": {"low_bmd": ("osteopenia", "osteoporosis")}}``.
    overlapping : bool
        Whether a person may be in several parts. Then the whole is at most their sum and at least the
        largest of them.
    """
    findings: list[Finding] = []
    checked = 0
    for column, wholes in parts.items():
        # Definitions of parts differ from that of their whole.
        groups = _groups(columns, (column, "definition"))
        names = columns.texts(column)
        for arm in ARMS:
            if arm[1] not in columns:
                continue
            first, last, total = arm_counts(columns, arm)
            for rows in groups.values():
                for whole, members in wholes.items():
                    found = _family(rows, names, whole, members, total)
                    if found is None or np.isnan(first[list(found)]).any():
                        continue
                    checked += 1
                    finding = _sum_finding(columns, arm, found, first, last, total, overlapping=overlapping)
                    findings += [finding] if finding is not None else []
    return findings, checked


def _family(
    rows: list[int], names: list[str], whole: str, members: Sequence[str], total: FloatArray
) -> tuple[int, ...] | None:
    """Return the row of the whole and those of its parts, if each is there once and of one total."""
    found = []
    for name in (whole, *members):
        of_name = [row for row in rows if names[row] == name]
        if len(of_name) != 1:
            return None
        found.append(of_name[0])
    return tuple(found) if len({total[row] for row in found}) == 1 else None


def _sum_finding(
    columns: Columns,
    arm: tuple[str, str, str],
    rows: tuple[int, ...],
    first: FloatArray,
    last: FloatArray,
    total: FloatArray,
    *,
    overlapping: bool,
) -> Finding | None:
    whole, members = rows[0], list(rows[1:])
    least, most = float(first[members].sum()), float(last[members].sum())
    if overlapping:
        least = float(first[members].max())
    if first[whole] <= most and last[whole] >= least:
        return None
    pooled = "yes" in {columns.texts("pooled")[row] for row in rows}
    texts = [_shown(columns, arm, first, last, row) for row in rows]
    printed = f"{' and '.join(texts[1:])} of {short_count(total[whole])} are printed as parts of {texts[0]}"
    gives = f"{short_count(least)} to {short_count(most)}" if least != most else short_count(least)
    return Finding(
        rule="parts and their whole",
        # Weighted percentages need not add up as counts do.
        strength="discrepancy" if pooled else "contradiction",
        rows=rows,
        label=columns.label(*rows),
        printed=printed,
        arithmetic=(
            f"the parts {'allow' if overlapping else 'add up to'} {gives}, the whole is "
            f"{_between(first[whole], last[whole])}"
        ),
        fits="parts and whole of different totals"
        + (", or percentages weighted over studies" if pooled else ""),
    )


def _shown(columns: Columns, arm: tuple[str, str, str], first: FloatArray, last: FloatArray, row: int) -> str:
    percent = columns.texts(arm[2])[row]
    counts = _between(first[row], last[row])
    return f"{percent.rstrip('%')}% ({counts})" if percent else counts


def _between(first: float, last: float) -> str:
    return short_count(first) if first == last else f"{short_count(first)} to {short_count(last)}"


def check_subgroups(columns: Columns) -> tuple[list[Finding], int]:
    """Check that a study's percentage is a mean of those of its two subgroups, with one share throughout.

    Notes
    -----
    With percentages p and q in two subgroups, of which the first is a share s of all, the percentage of all
    is s p + (1 - s) q. Every outcome of the study gives a range of s; ranges that do not overlap say that
    the percentages are of different persons.
    """
    if "subgroup" not in columns or "percent" not in columns:
        return [], 0
    percent = columns.printed("percent", percent=True)
    subgroups = columns.texts("subgroup")
    shares: dict[tuple[str, str, str], list[tuple[float, float, int, tuple[int, ...]]]] = defaultdict(list)
    studies = columns.texts("study")
    low = np.fmin(percent.nearest.low, percent.cut.low).clip(0, 1)
    high = np.fmax(percent.nearest.high, percent.cut.high).clip(0, 1)
    for rows in _groups(columns, ("subgroup",)).values():
        whole = [row for row in rows if not subgroups[row] and percent.given[row]]
        parts = sorted((subgroups[row], row) for row in rows if subgroups[row] and percent.given[row])
        if len(whole) == 1 and len(parts) == 2:
            one, other, all_ = parts[0][1], parts[1][1], whole[0]
            if low[one] > high[other] or low[other] > high[one]:
                a, b = _share(low, high, one, other, all_)
                shares[studies[all_], parts[0][0], parts[1][0]].append((a, b, all_, (one, other)))
    findings, checked = [], 0
    for (_study, first_name, _), found in shares.items():
        checked += len(found)
        least, most = max(a for a, *_ in found), min(b for _, b, *_ in found)
        if least <= most + 1e-9 and most >= 0 and least <= 1:
            continue
        concerned = tuple(row for _, _, all_, parts in found for row in (all_, *parts))
        texts = [
            f"{percent[all_]} from {percent[parts[0]]} and {percent[parts[1]]}" for _, _, all_, parts in found
        ]
        gives = [f"{short_number(a, percent=True)} to {short_number(b, percent=True)}" for a, b, *_ in found]
        findings.append(
            Finding(
                rule="subgroups of a study",
                strength="discrepancy",
                rows=concerned,
                label=columns.label(*concerned),
                printed=f"{'; '.join(texts)} are printed for all and for two subgroups",
                arithmetic=f"the share of the subgroup {first_name!r} is {', but '.join(gives)}",
                fits="percentages of different numbers of persons, or further subgroups",
            )
        )
    return findings, checked


def _share(low: FloatArray, high: FloatArray, one: int, other: int, all_: int) -> tuple[float, float]:
    """Return the smallest and largest share of the first subgroup, over the corners of the printed ranges."""
    corners = [
        (whole - q) / (p - q)
        for whole in (low[all_], high[all_])
        for p in (low[one], high[one])
        for q in (low[other], high[other])
        if p != q
    ]
    return float(min(corners)), float(max(corners))
