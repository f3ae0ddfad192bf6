"""Cells of tables: each keeps its unrounded values and says how a spreadsheet shows them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, SupportsFloat

from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_percent,
    format_pvalue,
    is_percent,
)
from analysis.tables.journal_table import Cell, printable
from analysis.tables.number_style import current_number_style

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "NOTHING",
    "count_cell",
    "count_format",
    "estimate_cell",
    "interval_cell",
    "number_cell",
    "percent_cell",
    "plain",
    "pvalue_cell",
    "pvalue_heading",
    "ratio_cell",
    "text_cell",
]

# What a table prints where there is nothing to print.
NOTHING = "–"


def text_cell(text: object, *, notes: Sequence[str] = ()) -> Cell:
    """Return a cell of text; None, NaN and an empty text print a dash."""
    # Asking pandas' NA whether it equals itself raises; NaN is the value that does not.
    missing = text is None or type(text).__name__ in {"NAType", "NaTType"} or text != text  # noqa: PLR0124
    value = None if missing else str(text)
    return Cell(text=printable(value or "") or NOTHING, raw=(value,), notes=tuple(notes))


def number_cell(x: SupportsFloat | None, digits: int | None = None, *, notes: Sequence[str] = ()) -> Cell:
    """Return a cell of one number."""
    if x is None or math.isnan(float(x)):
        return Cell(text=NOTHING, raw=(None,), notes=tuple(notes))
    text = format_number(x, digits)
    return Cell(text=text, raw=(float(x),), notes=tuple(notes), number_format=_shown_as(text))


def percent_cell(x: SupportsFloat | None, digits: int = 1, *, sign: bool = True) -> Cell:
    """Return a cell of a share, on the scale from 0 to 1, in percent."""
    if x is None or math.isnan(float(x)):
        return Cell(text=NOTHING, raw=(None,))
    text = format_percent(x, digits, sign=sign)
    return Cell(text=text, raw=(float(x),), number_format=_shown_as(text, percent=True))


def count_cell(n: SupportsFloat | None, *, notes: Sequence[str] = ()) -> Cell:
    """Return a cell of a count."""
    if n is None or math.isnan(float(n)):
        return Cell(text=NOTHING, raw=(None,), notes=tuple(notes))
    text = format_count(n)
    return Cell(text=text, raw=(plain(n),), notes=tuple(notes), number_format=count_format(n))


def ratio_cell(part: SupportsFloat, whole: SupportsFloat, *, percent: bool = True) -> Cell:
    """Return a cell of events out of a total: "90/4006 (2.2%)"."""
    if math.isnan(float(part)) or math.isnan(float(whole)):
        return Cell(text=NOTHING, raw=(None, None))
    text = f"{format_count(part)}/{format_count(whole)}"
    if percent and float(whole) > 0:
        text += f" ({format_percent(float(part) / float(whole))})"
    return Cell(text=text, raw=(plain(part), plain(whole)), number_format=count_format(whole))


def pvalue_cell(p: SupportsFloat | None, *, notes: Sequence[str] = ()) -> Cell:
    """Return a cell of a P-value, for a column that is headed so."""
    if p is None or math.isnan(float(p)):
        return Cell(text=NOTHING, raw=(None,), notes=tuple(notes))
    text = format_pvalue(p, prefix="")
    # A number that is shown as "<0.001" and can still be sorted and computed with.
    shown = f'"{text}"' if text[0] in "<>" else _shown_as(text)
    return Cell(text=text, raw=(float(p),), notes=tuple(notes), number_format=shown)


def pvalue_heading() -> str:
    """Return the letter that heads a column of P-values in the style that holds."""
    return current_number_style().p_letter


def estimate_cell(
    value: SupportsFloat,
    low: SupportsFloat,
    high: SupportsFloat,
    *,
    measure: str = "GEN",
    digits: int | None = None,
    notes: Sequence[str] = (),
) -> Cell:
    """Return a cell of an estimate with its interval; percentages without sign, which the heading has."""
    text = format_estimate(value, low, high, measure=measure, digits=digits, sign=False)
    return Cell(
        text=text,
        raw=tuple(_known(part) for part in (value, low, high)),
        notes=tuple(notes),
        number_format=_shown_as(text, percent=is_percent(measure)),
    )


def interval_cell(
    low: SupportsFloat, high: SupportsFloat, *, measure: str = "GEN", digits: int | None = None
) -> Cell:
    """Return a cell of two limits."""
    if math.isnan(float(low)) and math.isnan(float(high)):
        return Cell(text=NOTHING, raw=(None, None))
    text = format_interval(low, high, measure=measure, digits=digits, sign=False)
    return Cell(
        text=text,
        raw=(_known(low), _known(high)),
        number_format=_shown_as(text, percent=is_percent(measure)),
    )


def plain(n: SupportsFloat) -> Any:  # noqa: ANN401 -- int or float
    """Return a whole number as int, anything else as float."""
    value = float(n)
    return int(value) if value.is_integer() else value


def _known(x: SupportsFloat) -> float | None:
    return None if math.isnan(float(x)) else float(x)


def count_format(n: SupportsFloat) -> str:
    """Return how a spreadsheet shows a count."""
    value = float(n)
    if not value.is_integer():
        return "0.0"
    return "#,##0" if abs(value) >= current_number_style().thousands_from else "0"


def _shown_as(text: str, *, percent: bool = False) -> str:
    """Return the spreadsheet's format with as many decimals as the first number of a text has."""
    if "×" in text:
        return "0.0E+00"
    mark = re.escape(current_number_style().decimal_mark)
    found = re.search(rf"\d+(?:{mark}(\d+))?|{mark}(\d+)", text)
    if found is None:
        return "General"
    decimals = len(found[1] or found[2] or "")
    return f"0{'.' if decimals else ''}{'0' * decimals}{'%' if percent else ''}"
