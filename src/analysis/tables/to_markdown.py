"""Tables and texts in Markdown, as GitHub and Pandoc read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analysis.tables.journal_table import printable

if TYPE_CHECKING:
    from analysis.tables.journal_table import JournalTable, TableColumn

__all__ = ["escape_markdown", "render_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~^$#])")
_RULES = {"left": ":--", "right": "--:", "decimal": "--:", "centre": ":-:"}


def render_markdown(table: JournalTable) -> str:
    """Return a pipe table with its title above and its notes below.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    str
        Markdown. Letters that mean something in it are escaped; a group's heading is a row of its own.
    """
    number = f" {table.number}" if table.number else ""
    lines = [f"**Table{number}.** {escape_markdown(table.title)}", ""]
    lines.append(_line([_headed(table, column) for column in table.columns]))
    lines.append(_line([_RULES[_alignment(column)] for column in table.columns]))
    group = ""
    for row in table.rows:
        if row.group and row.group != group:
            lines.append(_line([f"**{escape_markdown(row.group)}**", *[""] * (len(table.columns) - 1)]))
        group = row.group
        cells: list[str] = []
        for cell in row.cells:
            text = escape_markdown(cell.text)
            text = f"**{text}**" if row.summary and text and not cells else text
            cells.append(text + _superscript(table.markers(cell)))
        lines.append(_line(cells))
    notes = [escape_markdown(note) for note in table.notes]
    notes += [f"{_superscript(marker)} {escape_markdown(text)}" for marker, text in table.footnotes]
    notes += [f"Source: {escape_markdown(table.source)}"] if table.source else []
    for note in notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """Return a text with a backslash before every sign that has a meaning in Markdown.

    Parameters
    ----------
    text : str
        Any text; breaks become spaces.

    Returns
    -------
    str
        Also safe in a cell, and where HTML is let through.
    """
    return _SPECIAL.sub(r"\\\1", printable(text).replace("&", "&amp;"))


def _alignment(column: TableColumn) -> str:
    # Estimates with their intervals are read from the left.
    return "left" if column.aligned == "decimal" and len(column.names) > 1 else column.aligned


def _headed(table: JournalTable, column: TableColumn) -> str:
    return escape_markdown(column.printed) + _superscript(table.markers(column))


def _superscript(markers: str) -> str:
    return f"<sup>{markers}</sup>" if markers else ""


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
