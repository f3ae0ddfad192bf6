"""A table's unrounded values as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.tables.journal_table import JournalTable

__all__ = ["defused", "render_csv"]

_EMPTY = '""'
# What makes a spreadsheet read a text as a formula, also in the wide forms of East Asian keyboards.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def render_csv(table: JournalTable) -> str:
    """Return the unrounded values as comma-separated text.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    str
        Numbers as the shortest decimals that read back as themselves; what is missing is empty. Texts that
        begin as formulas do have an apostrophe before them.
    """
    names = [defused(name) for column in table.columns for name in column.names]
    lines = [["group", *names] if table.grouped else names]
    for row in table.rows:
        values = [_written(value) for _, value in table.values_of(row)]
        lines.append([defused(row.group), *values] if table.grouped else values)
    # A line of one empty field would be read as no line.
    return "".join(f"{','.join(map(_quoted, line)) or _EMPTY}\n" for line in lines)


def _quoted(text: str) -> str:
    """Return a field; Python's own writer leaves a lone carriage return bare, which ends a line elsewhere."""
    if text and not any(sign in text for sign in ',"\r\n') and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"' if text else ""


def defused(text: str) -> str:
    """Return a text that a spreadsheet shows and never computes.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        With an apostrophe before it where it begins as a formula does.

    Examples
    --------
    >>> defused("=1+1"), defused("-0.5"), defused("Sharif 2023")
    ("'=1+1", "'-0.5", 'Sharif 2023')
    """
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, Real):
        return defused(str(value))
    number = float(value)
    if math.isnan(number):
        return ""
    return str(int(value)) if isinstance(value, Integral) else repr(number)
