"""A table as a journal prints it, with the unrounded values behind every printed text.

What stands in a table is decided by the builders beside this module; how a format writes it, in `to_word`,
`to_latex`, `to_html`, `to_markdown`, `to_csv` and `to_excel`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["ALIGNMENTS", "KINDS", "Cell", "JournalTable", "TableColumn", "TableRow", "printable"]

KINDS = ("text", "number", "count", "percent", "pvalue")
ALIGNMENTS = ("left", "right", "centre", "decimal")

# Ends of lines and tabs; spaces of other widths are meant.
_BREAKS = re.compile(r"[ \t\r\n\f\v\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One printed text and the values that it was made of.

    Parameters
    ----------
    text : str
        As it is printed.
    raw : tuple
        Unrounded: numbers, texts or None, one for each value of the column; empty where there are none.
    notes : tuple of str
        Footnotes, in full; equal ones share a marker.
    number_format : str, default "General"
        How a spreadsheet shows the numbers.
    """

    text: str
    raw: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    number_format: str = "General"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column.

    Parameters
    ----------
    heading : str
        As it is printed.
    names : tuple of str
        Names of the values behind each cell, as columns of a file: ("value", "low", "high").
    kind : {"text", "number", "count", "percent", "pvalue"}, default "text"
        What the values are; only those of "text" are ever quoted against formulas.
    alignment : {"left", "right", "centre", "decimal"}, optional
        By default left for text, and by the decimal mark of its first number for everything else.
    unit : str
        Printed behind the heading in parentheses.
    headings : tuple of str
        Of the single values, where a spreadsheet gives each a column; by default the heading itself.
    notes : tuple of str
        Footnotes of the heading.
    """

    heading: str
    names: tuple[str, ...]
    kind: str = "text"
    alignment: str | None = None
    unit: str = ""
    headings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        if self.alignment is not None:
            check_choice("alignment", self.alignment, ALIGNMENTS)
        if not self.names:
            raise ValueError(f"`names` must name the values of column {self.heading!r}, but is empty.")
        if self.headings and len(self.headings) != len(self.names):
            raise ValueError(
                f"`headings` must name {len(self.names)} values of column {self.heading!r}, "
                f"but names {len(self.headings)}."
            )

    @property
    def aligned(self) -> str:
        """The alignment, also where none was given."""
        return self.alignment or ("left" if self.kind == "text" else "decimal")

    @property
    def printed(self) -> str:
        """The heading with its unit."""
        return printable(f"{self.heading} ({self.unit})" if self.unit else self.heading)

    @property
    def value_headings(self) -> tuple[str, ...]:
        """A heading for each value."""
        if self.headings:
            return self.headings
        if len(self.names) == 1:
            return (self.printed,)
        return tuple(f"{self.printed}: {name}" for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row.

    Parameters
    ----------
    cells : tuple of Cell
        One for each column.
    group : str
        Heading under which the row stands; empty for none.
    summary : bool, default False
        Whether the row sums up those above it: a rule stands above the first of such rows.
    """

    cells: tuple[Cell, ...]
    group: str = ""
    summary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JournalTable:
    """A table ready to be written by `write_table`.

    Parameters
    ----------
    title : str
        What stands above it, without "Table 1".
    columns : tuple of TableColumn
        From left to right; the first one names the rows.
    rows : tuple of TableRow
        From top to bottom. A group's heading is printed where the group changes.
    notes : tuple of str
        Paragraphs under the table: heterogeneity, abbreviations, methods.
    source : str
        Where the numbers come from; the last line.
    number : int, optional
        Of the table in the paper. Word and LaTeX count by themselves where none is given.
    group_heading : str, default "Group"
        Heading of the groups where a file gives them a column.

    Raises
    ------
    ValueError
        If the title is empty, there is no column or no row, a row has not one cell for each column, a cell
        not one value for each name, two values have one name, or a text holds half of a character.

    Examples
    --------
    >>> table = JournalTable(
    ...     title="Included studies",
    ...     columns=(TableColumn(heading="Study", names=("study",)),
    ...              TableColumn(heading="Persons", names=("persons",), kind="count")),
    ...     rows=(TableRow(cells=(Cell(text="Sharif 2023", raw=("Sharif 2023",)),
    ...                           Cell(text="5476", raw=(5476,)))),),
    ... )
    >>> table.to_frame()
             study  persons
    0  Sharif 2023     5476
    """

    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
    source: str = ""
    number: int | None = None
    group_heading: str = "Group"

    def __post_init__(self) -> None:
        if not printable(self.title):
            raise ValueError("`title` must say what the table shows, but is empty.")
        if not self.columns:
            raise ValueError("`columns` must hold at least one column, but is empty.")
        if not self.rows:
            raise ValueError(f"`rows` must hold at least one row, but is empty (table {self.title!r}).")
        names = [name for column in self.columns for name in column.names]
        if self.grouped:
            names.insert(0, "group")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"`columns` must name every value once, but {', '.join(twice)} stands twice.")
        if self.number is not None and self.number < 1:
            raise ValueError(f"`number` must be 1 or greater, but got {self.number}.")
        for position, row in enumerate(self.rows):
            _check_row(position, row, self.columns)
        for text in self._texts():
            if any(unicodedata.category(letter) == "Cs" for letter in text):
                raise ValueError(f"A text must be made of whole characters, but got {text!r}.")

    def _texts(self) -> Iterator[str]:
        yield from (self.title, self.source, *self.notes)
        for column in self.columns:
            yield from (column.heading, column.unit, *column.headings, *column.notes)
        for row in self.rows:
            yield row.group
            for cell in row.cells:
                yield from (cell.text, *cell.notes)
                yield from (value for value in cell.raw if isinstance(value, str))

    @property
    def grouped(self) -> bool:
        """Whether any row stands under a group's heading."""
        return any(row.group for row in self.rows)

    @property
    def footnotes(self) -> tuple[tuple[str, str], ...]:
        """Marker and text of each footnote, in the order in which they are met; headings come first."""
        texts: dict[str, None] = {}
        for column in self.columns:
            texts.update(dict.fromkeys(column.notes))
        for row in self.rows:
            for cell in row.cells:
                texts.update(dict.fromkeys(cell.notes))
        return tuple((_letter(number), text) for number, text in enumerate(texts))

    def markers(self, item: Cell | TableColumn) -> str:
        """Return the markers of a cell or a column: "a,b", or nothing."""
        if not item.notes:
            return ""
        return ",".join(marker for marker, text in self.footnotes if text in item.notes)

    def to_frame(self) -> pd.DataFrame:
        """Return the unrounded values, one row a row of the table, one column a value."""
        import pandas as pd

        names = [name for column in self.columns for name in column.names]
        rows = [[value for _, value in self.values_of(row)] for row in self.rows]
        frame = pd.DataFrame(rows, columns=names)
        if self.grouped:
            frame.insert(0, "group", [row.group for row in self.rows])
        return frame

    def values_of(self, row: TableRow) -> Iterator[tuple[TableColumn, Any]]:
        """Yield each value of a row with its column; None where there is none."""
        for column, cell in zip(self.columns, row.cells, strict=True):
            for value in cell.raw or (None,) * len(column.names):
                yield column, value

    def __str__(self) -> str:
        """Return the table in Markdown."""
        from analysis.tables.to_markdown import render_markdown

        return render_markdown(self).rstrip("\n")

    def _repr_html_(self) -> str:
        from analysis.tables.to_html import render_html

        return render_html(self, page=False)


def printable(text: str) -> str:
    """Return a text on one line: breaks and tabs are spaces, what no printer knows is left out.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Marks that only tell the direction of writing stay.
    """
    line = _BREAKS.sub(" ", text).strip(" ")
    return "".join(
        letter for letter in line if unicodedata.category(letter) != "Cc" and not _is_no_letter(letter)
    )


def _is_no_letter(letter: str) -> bool:
    """Tell the code points that Unicode keeps from ever being letters; XML refuses them."""
    code = ord(letter)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _check_row(position: int, row: TableRow, columns: tuple[TableColumn, ...]) -> None:
    if len(row.cells) != len(columns):
        raise ValueError(
            f"`rows` must have one cell for each of {len(columns)} columns, "
            f"but row {position} has {len(row.cells)}."
        )
    for column, cell in zip(columns, row.cells, strict=True):
        if cell.raw and len(cell.raw) != len(column.names):
            raise ValueError(
                f"`raw` must hold {', '.join(column.names)} in column {column.heading!r}, "
                f"but row {position} holds {len(cell.raw)} of {len(column.names)}."
            )


def _letter(number: int) -> str:
    """Return a, b, ... z, aa, ab, ..."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
