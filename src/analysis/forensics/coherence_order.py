"""What no estimate can be, whatever method gave it: outside its own interval, or a ratio below 0.

How far from the middle of its interval an estimate may lie is in `coherence_intervals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.finding import Finding
from analysis.values.scale import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.forensics.coherence_columns import Columns, Estimates, Printed
    from analysis.values.arrays import BoolArray

    Names = tuple[str, str, str]

__all__ = ["ORDER", "SIGN", "check_order"]

ORDER = "order of estimate and limits"
SIGN = "sign of a ratio"
# Numbers recomputed from floats agree with printed ends to the last bits only.
_HAIR = 1e-9
_ESTIMATE = ("estimate", "low", "high")
_RATE = ("rate", "rate_low", "rate_high")
_PLACES = ("estimate", "lower limit", "upper limit")


def check_order(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that limits stand in order around their estimate, and that no ratio is negative.

    Parameters
    ----------
    columns : Columns
    estimates : Estimates

    Returns
    -------
    list of Finding
        Contradictions; a negative number whose measure is not named may be a difference, and is a
        discrepancy.
    int
        How many times a rule could be applied.

    Notes
    -----
    Numbers that are equal once rounded are in order, and a printed 0 may be a small ratio.
    """
    parts = (estimates.estimate, estimates.low, estimates.high)
    findings, checked = _ordered(columns, _ESTIMATE, estimates.texts, parts)
    if "rate" in columns:
        rates = tuple(columns.printed(name) for name in _RATE)
        texts = [f"{a} ({b}-{c})" for a, b, c in zip(*(part.texts for part in rates), strict=True)]
        found, count = _ordered(columns, _RATE, texts, rates)
        findings, checked = findings + found, checked + count
    found, count = _signs(columns, estimates)
    return findings + found, checked + count


def _above(one: Printed, other: Printed) -> BoolArray:
    """Tell where one number is greater than the other for all that both may stand for.

    Rounding keeps the order of numbers, so ranges that only touch are of numbers that differ.
    """
    greater = np.ones(one.given.shape, dtype=bool)
    for upper, lower in ((one.nearest, other.nearest), (one.cut, other.cut)):
        hair = _HAIR * np.maximum(1.0, np.abs(upper.low))
        with np.errstate(invalid="ignore"):
            # NaN, where nothing is printed, says nothing.
            greater &= (upper.low >= lower.high - hair) & (upper.high > lower.high + hair)
    return greater


def _ordered(
    columns: Columns, names: Names, texts: Sequence[str], parts: Sequence[Printed]
) -> tuple[list[Finding], int]:
    value, low, high = parts
    usable = (low.given & high.given) | (value.given & (low.given | high.given))
    crossed, under, over = _above(low, high), _above(low, value), _above(value, high)
    findings = []
    for row in np.flatnonzero(usable & (crossed | under | over)).tolist():
        if crossed[row]:
            arithmetic = "the lower limit is above the upper limit"
            within = not (_above(high, value)[row] or _above(value, low)[row])
            fits = "the limits in the other order" if within else ""
        else:
            side, place = ("below its lower", 1) if under[row] else ("above its upper", 2)
            limit = _shown(columns, names[place], parts[place], row)
            arithmetic = f"the estimate is {side} limit of {limit}"
            fits = "an estimate or limits of another result"
        findings.append(
            Finding(
                rule=ORDER,
                strength="contradiction",
                rows=(row,),
                label=columns.label(row),
                printed=_quoted(columns, names, texts, parts, row),
                arithmetic=arithmetic,
                fits=fits,
            )
        )
    return findings, int(usable.sum())


def _quoted(columns: Columns, names: Names, texts: Sequence[str], parts: Sequence[Printed], row: int) -> str:
    """Return what is printed; a row of limits may have no estimate beside it."""
    given = [
        f"{name} {_shown(columns, column, part, row)}"
        for name, column, part in zip(_PLACES, names, parts, strict=True)
        if part.given[row]
    ]
    if len(given) == len(parts):
        return f"{texts[row]} is printed"
    return f"{' and '.join(given)} {'are' if len(given) > 1 else 'is'} printed"


def _shown(columns: Columns, name: str, part: Printed, row: int) -> str:
    """Return the cell; from a text that holds all numbers, the number as it reads."""
    return columns.texts(name)[row] or f"{float(part.nearest.intervals[row].middle):.15g}"


def _signs(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    names = [text.upper() for text in columns.texts("measure")]
    ratio = np.array([name not in MEASURES or MEASURES[name].scale == "log" for name in names])
    named = np.array([name in MEASURES for name in names])
    parts = (estimates.estimate, estimates.low, estimates.high)
    given = np.logical_or.reduce([part.given for part in parts])
    with np.errstate(invalid="ignore"):
        negative = {
            name: np.maximum(part.nearest.high, part.cut.high) < -_HAIR
            for name, part in zip(_PLACES, parts, strict=True)
        }
    below = np.logical_or.reduce(list(negative.values()))
    findings = []
    for row in np.flatnonzero(ratio & given & below).tolist():
        which = [f"the {name}" for name, rows in negative.items() if rows[row]]
        listed = ", ".join(which[:-1]) + " and " * (len(which) > 1) + which[-1]
        what = f"{names[row]} of " if named[row] else ""
        beside = (
            "" if named[row] else f" with the measure {names[row]}" if names[row] else " without a measure"
        )
        quoted = _quoted(columns, _ESTIMATE, estimates.texts, parts, row)
        findings.append(
            Finding(
                rule=SIGN,
                strength="contradiction" if named[row] else "discrepancy",
                rows=(row,),
                label=columns.label(row),
                printed=f"{what}{quoted}{beside}",
                arithmetic=f"{listed} {'are' if len(which) > 1 else 'is'} below 0, which no ratio is",
                fits="the logarithm of a ratio, or a difference",
            )
        )
    return findings, int((ratio & given).sum())
