"""Tables as Excel files: numbers stay numbers, texts are never formulas, the heading stays in sight."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from analysis.tables.journal_table import printable
from analysis.tables.layout import characters
from analysis.tables.packed import without_dates

if TYPE_CHECKING:
    from analysis.tables.journal_table import JournalTable, TableRow

__all__ = ["render_excel"]

_FONT = "Arial"
_POINTS = 10
# What a cell holds at most.
_LONGEST = 32_767
_TITLE, _HEADING = 1, 2
_WIDEST = 60.0
_NOTES = "Notes"
_POINTS_PER_LINE = 13.0
# Widths that an upright page shows at a readable size.
_UPRIGHT = 110.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One value with the format in which it is shown."""

    value: Any
    number_format: str = "General"


def render_excel(table: JournalTable) -> bytes:
    """Return a table as an Excel file.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    bytes
        One sheet. An estimate and its limits have a column each; numbers are unrounded and shown with the
        decimals of the printed table. The heading is frozen and repeats on printed pages; the same table
        gives the same bytes.
    """
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = f"Table {table.number}" if table.number else "Table"
    headings, kinds = _headings(table)
    noted = headings[-1].value == _NOTES
    lines = [headings, *(_entries(table, row, noted=noted) for row in table.rows)]
    shown = [
        [_put(sheet.cell(row=_HEADING + line, column=position), entry, kind, bold=_bold(table, line))
         for position, (entry, kind) in enumerate(zip(entries, kinds, strict=True), start=1)]
        for line, entries in enumerate(lines)
    ]  # fmt: skip
    widths = [_width([texts[position] for texts in shown], kind) for position, kind in enumerate(kinds)]
    for position, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    for line, texts in enumerate(shown):
        _set_height(sheet, _HEADING + line, texts, widths)
    _draw_rules(sheet, table, last=len(kinds))
    _notes(sheet, table, last=len(kinds), total=sum(widths))
    sheet.freeze_panes = sheet.cell(row=_HEADING + 1, column=3 if table.grouped else 2)
    _set_page(sheet, wide=sum(widths) > _UPRIGHT)
    properties = book.properties
    properties.creator, properties.title = "", printable(table.title)[:255]
    stream = io.BytesIO()
    book.save(stream)
    return without_dates(stream.getvalue())


def _headings(table: JournalTable) -> tuple[list[_Entry], list[str]]:
    headings = [_Entry(value=table.group_heading)] if table.grouped else []
    kinds = ["text"] * len(headings)
    for column in table.columns:
        marker = f" [{table.markers(column)}]" if column.notes else ""
        headings += [_Entry(value=f"{heading}{marker}") for heading in column.value_headings]
        kinds += [column.kind] * len(column.names)
    if any(cell.notes for row in table.rows for cell in row.cells):
        # Markers in the cells would make other texts and no numbers of them.
        headings.append(_Entry(value=_NOTES))
        kinds.append("text")
    return headings, kinds


def _entries(table: JournalTable, row: TableRow, *, noted: bool) -> list[_Entry]:
    entries = [_Entry(value=row.group)] if table.grouped else []
    for column, cell in zip(table.columns, row.cells, strict=True):
        values = list(cell.raw or (None,) * len(column.names))
        if all(value is None for value in values):
            values[0] = cell.text
        entries += [_Entry(value=value, number_format=cell.number_format) for value in values]
    if noted:
        texts = {text for cell in row.cells for text in cell.notes}
        markers = [marker for marker, text in table.footnotes if text in texts] if texts else []
        entries.append(_Entry(value=", ".join(markers)))
    return entries


def _bold(table: JournalTable, line: int) -> bool:
    return line == 0 or table.rows[line - 1].summary


def _put(target: Any, entry: _Entry, kind: str, *, bold: bool) -> str:  # noqa: ANN401
    """Write a value and return a text as wide as what is shown of it."""
    from openpyxl.styles import Alignment, Font

    heading = target.row == _HEADING
    target.font = Font(name=_FONT, size=_POINTS, bold=bold)
    target.alignment = Alignment(
        horizontal="left" if kind == "text" else "right",
        vertical="bottom" if heading else "top",
        wrap_text=heading or kind == "text",
        # A column of text stands off from the numbers to its left.
        indent=1 if kind == "text" and target.column > 1 else 0,
    )
    value = entry.value
    if value is None:
        return ""
    if not isinstance(value, Real) or isinstance(value, bool):
        return _put_text(target, str(value))
    number = float(value)
    if not math.isfinite(number):
        return _put_text(target, "" if math.isnan(number) else "∞" if number > 0 else "−∞")
    whole = isinstance(value, Integral)
    target.value = round(number) if whole else number
    target.number_format = "0" if whole and "." in entry.number_format else entry.number_format
    return "0" * max(len(entry.number_format.strip('"')), len(f"{number:,.0f}") + 3)


def _put_text(target: Any, text: str) -> str:  # noqa: ANN401 -- a cell of openpyxl
    shown = printable(text)[:_LONGEST]
    target.value = shown
    # A text is a text, whatever sign it begins with, also after somebody has edited the cell.
    target.data_type = "s"
    target.quotePrefix = shown.startswith(("=", "+", "-", "@"))
    return shown


def _width(texts: list[str], kind: str) -> float:
    heading, body = texts[0], texts[1:]
    wanted = max((characters(text) for text in body), default=0.0)
    words = [1.15 * characters(word) for word in heading.split()]
    wanted = max(wanted, *words, min(sum(words) / 2 + 1, 24.0))
    return round(min(max(wanted + 2.5, 7.0), _WIDEST if kind == "text" else 30.0), 1)


def _set_height(sheet: Any, row: int, texts: list[str], widths: list[float]) -> None:  # noqa: ANN401
    lines = max(_lines(text, width) for text, width in zip(texts, widths, strict=True))
    sheet.row_dimensions[row].height = _POINTS_PER_LINE * lines + 2.0


def _lines(text: str, width: float) -> int:
    """Return how many lines a text takes, broken between words."""
    lines, used = 1, 0.0
    for word in text.split(" "):
        wide = characters(word)
        if used and used + wide > width - 1.5:
            lines, used = lines + 1, 0.0
        used += wide + 0.6
    return lines


def _draw_rules(sheet: Any, table: JournalTable, *, last: int) -> None:  # noqa: ANN401 -- a sheet
    from openpyxl.styles import Border, Side

    thick, thin = Side(style="medium", color="000000"), Side(style="thin", color="000000")
    end = _HEADING + len(table.rows)
    summaries = [number for number, row in enumerate(table.rows, start=_HEADING + 1) if row.summary]
    first = {row for row in summaries if row - 1 not in summaries}
    for row in {_HEADING, end, *first}:
        for column in range(1, last + 1):
            sheet.cell(row=row, column=column).border = Border(
                top=thick if row == _HEADING else thin if row in first else None,
                bottom=thick if row == end else thin if row == _HEADING else None,
            )


def _notes(sheet: Any, table: JournalTable, *, last: int, total: float) -> None:  # noqa: ANN401
    from openpyxl.styles import Alignment, Font

    texts = [*table.notes, *(f"[{marker}] {text}" for marker, text in table.footnotes)]
    texts += [f"Source: {table.source}"] if table.source else []
    rows = [(_TITLE, f"{sheet.title}. {table.title}")]
    rows += enumerate(texts, start=_HEADING + len(table.rows) + 1)
    for row, text in rows:
        target = sheet.cell(row=row, column=1)
        shown = _put_text(target, text)
        target.font = Font(name=_FONT, size=_POINTS if row == _TITLE else 9, bold=row == _TITLE)
        target.alignment = Alignment(wrap_text=True, vertical="top")
        if last > 1:
            sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=last)
        _set_height(sheet, row, [shown], [total])


def _set_page(sheet: Any, *, wide: bool) -> None:  # noqa: ANN401 -- a sheet of openpyxl
    sheet.print_title_rows = f"{_HEADING}:{_HEADING}"
    sheet.page_setup.orientation = "landscape" if wide else "portrait"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.sheet_view.showGridLines = False
