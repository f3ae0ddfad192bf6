"""A printed ratio or difference against the ratio of the printed counts.

Which counts percentages allow is in `coherence_counts`; the complete set of tables in `feasible`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.coherence_counts import ARMS, arm_counts
from analysis.forensics.finding import Finding
from analysis.values.text import short_count, short_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.forensics.coherence_columns import Columns, Estimates
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["check_ratios", "counts_give"]

_MEASURES = ("OR", "RR", "RD")
_NAMES = {"OR": "odds ratio", "RR": "risk ratio", "RD": "risk difference"}


def check_ratios(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that an unadjusted ratio or difference lies in the range that the printed counts allow.

    Rows whose `adjusted` says anything but "no" (or nothing) are left out: adjustment needs the records.
    """
    usable, outside, parts = _compared(columns, estimates)
    first_a, last_a, n1, first_c, last_c, n0, least, most, low, high = parts
    measures = np.array([text.upper() for text in columns.texts("measure")])
    findings = []
    for row in np.flatnonzero(outside).tolist():
        exact = first_a[row] == last_a[row] and first_c[row] == last_c[row]
        gives = f"{_arm(first_a, last_a, n1, row)} and {_arm(first_c, last_c, n0, row)} give"
        others = _others(measures[row], first_a, last_a, n1, first_c, last_c, n0, row, (low, high))
        findings.append(
            Finding(
                rule="ratio of the printed counts",
                strength="contradiction",
                rows=(row,),
                label=columns.label(row),
                printed=f"an unadjusted {_NAMES[measures[row]]} of {estimates.texts[row]} is printed",
                arithmetic=f"{gives} {'' if exact else 'from '}{short_range(least[row], most[row])}",
                fits=others,
            )
        )
    return findings, int(usable.sum())


def counts_give(columns: Columns, estimates: Estimates) -> BoolArray:
    """Tell which ratios and differences their own printed counts give."""
    usable, outside, _ = _compared(columns, estimates)
    return usable & ~outside


def _compared(columns: Columns, estimates: Estimates) -> tuple[BoolArray, BoolArray, tuple[FloatArray, ...]]:
    """Return which rows can be compared, which of them do not fit, and what they were compared by."""
    measures = np.array([text.upper() for text in columns.texts("measure")])
    crude = np.array([text in {"", "no"} for text in columns.texts("adjusted")])
    first_a, last_a, n1 = arm_counts(columns, ARMS[1])
    first_c, last_c, n0 = arm_counts(columns, ARMS[2])
    usable = estimates.estimate.given & crude & np.isin(measures, _MEASURES)
    usable &= ~np.isnan(first_a + last_a + first_c + last_c) & (n1 > 0) & (n0 > 0)
    with np.errstate(invalid="ignore"):
        usable &= (last_a <= n1) & (last_c <= n0)
    # Each measure grows with the exposed cases and falls with the control cases.
    least = _value(measures, first_a, n1, last_c, n0)
    most = _value(measures, last_a, n1, first_c, n0)
    low = np.fmin(estimates.estimate.nearest.low, estimates.estimate.cut.low)
    high = np.fmax(estimates.estimate.nearest.high, estimates.estimate.cut.high)
    hair = 1e-9 * np.maximum(1.0, np.abs(high))
    with np.errstate(invalid="ignore"):
        outside = usable & ((most < low - hair) | (least > high + hair))
    return usable, outside, (first_a, last_a, n1, first_c, last_c, n0, least, most, low, high)


def _value(
    measures: NDArray[np.str_],
    a: FloatArray,
    n1: FloatArray,
    c: FloatArray,
    n0: FloatArray,
) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        odds, ratio, difference = a * (n0 - c) / ((n1 - a) * c), a * n0 / (c * n1), a / n1 - c / n0
    return np.select([measures == "OR", measures == "RR"], [odds, ratio], difference)


def _arm(first: FloatArray, last: FloatArray, total: FloatArray, row: int) -> str:
    a, b, n = (short_count(x[row]) for x in (first, last, total))
    return f"{a}/{n}" if a == b else f"{a} to {b} of {n}"


def _others(
    measure: str,
    first_a: FloatArray,
    last_a: FloatArray,
    n1: FloatArray,
    first_c: FloatArray,
    last_c: FloatArray,
    n0: FloatArray,
    row: int,
    printed: tuple[FloatArray, FloatArray],
) -> str:
    """Say which counts of one arm, the other as printed, give the ratio, and whether another measure does."""
    low, high = printed[0][row], printed[1][row]
    parts = []
    for name, one, (start, stop) in (
        ("exposed cases", n1[row], (first_c[row], last_c[row])),
        ("control cases", n0[row], (first_a[row], last_a[row])),
    ):
        if one > 200_000 or start != stop:
            continue
        counts = np.arange(one + 1)
        held = np.full(counts.shape, start)
        kind = np.full(counts.shape, measure)
        if name == "exposed cases":
            values = _value(kind, counts, np.full(counts.shape, one), held, np.full(counts.shape, n0[row]))
        else:
            values = _value(kind, held, np.full(counts.shape, n1[row]), counts, np.full(counts.shape, one))
        fitting = counts[(values >= low) & (values <= high)]
        if fitting.size:
            shown = ", ".join(short_count(x) for x in fitting[:4])
            parts.append(f"{shown}{' and more' if fitting.size > 4 else ''} {name}")
    for other in _MEASURES:
        if other != measure:
            kind = np.array([other])
            a, c = (first_a[[row]], last_a[[row]]), (first_c[[row]], last_c[[row]])
            least = _value(kind, a[0], n1[[row]], c[1], n0[[row]])[0]
            most = _value(kind, a[1], n1[[row]], c[0], n0[[row]])[0]
            if least <= high and most >= low:
                parts.append(f"the {_NAMES[other]} of the same counts")
    return "; ".join(parts)
