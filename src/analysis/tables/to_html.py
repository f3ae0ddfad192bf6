"""Tables and texts as HTML that stands alone: no script, nothing loaded, readable by screen readers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from analysis.tables.journal_table import printable
from analysis.tables.layout import aligned_texts, tied

if TYPE_CHECKING:
    from analysis.tables.journal_table import JournalTable, TableColumn, TableRow

__all__ = ["html_page", "render_html"]

_STYLE = """
body { margin: 2rem; color: #000; background: #fff; }
body, table { font: 15px/1.4 Arial, Helvetica, "Liberation Sans", sans-serif; }
table { border-collapse: collapse; border-top: 1.5px solid #000; border-bottom: 1.5px solid #000;
  font-variant-numeric: lining-nums tabular-nums; }
caption { text-align: left; padding: 0 0 .5em; }
th, td { padding: .22em .9em .22em 0; text-align: left; vertical-align: top; font-weight: normal; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: .75px solid #000; font-weight: bold; vertical-align: bottom; }
.right { text-align: right; }
.centre { text-align: center; }
td.right, td.number { white-space: nowrap; }
tbody th[scope=rowgroup] { font-weight: bold; padding-top: .6em; }
.grouped th[scope=row] { padding-left: 1em; }
.grouped .summary th[scope=row], .summary th[scope=row] { font-weight: bold; }
tr.first td, tr.first th { border-top: .75px solid #000; }
.notes { font-size: 13px; max-width: 60em; }
.notes p { margin: .35em 0; }
sup { line-height: 0; font-size: .75em; }
@media print { body { margin: 0; } tr { break-inside: avoid; } thead { display: table-header-group; } }
"""


def render_html(table: JournalTable, *, page: bool = True) -> str:
    """Return a table as HTML.

    Parameters
    ----------
    table : JournalTable
        The table.
    page : bool, default True
        Whether it is a whole page with its own look, or a fragment for another page.

    Returns
    -------
    str
        With `caption`, and `scope` on every heading. All texts are escaped and keep their own direction of
        writing.
    """
    number = f" {table.number}" if table.number else ""
    heads = "".join(_heading(table, column) for column in table.columns)
    parts = [
        '<table class="grouped">' if table.grouped else "<table>",
        f"<caption><strong>Table{number}.</strong> {_text(table.title)}</caption>",
        f"<thead>\n<tr>{heads}</tr>\n</thead>",
        *_bodies(table),
        "</table>",
    ]
    if notes := _notes(table):
        parts.append(f'<div class="notes">\n{notes}\n</div>')
    fragment = "\n".join(parts) + "\n"
    return html_page(table.title, fragment) if page else fragment


def html_page(title: str, body: str) -> str:
    """Return a whole page about a finished fragment.

    Parameters
    ----------
    title : str
        Of the page; is escaped.
    body : str
        HTML; is not.

    Returns
    -------
    str
        A page in UTF-8.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(printable(title))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{body}</body>\n</html>\n"
    )


def _heading(table: JournalTable, column: TableColumn) -> str:
    content = _text(tied(column.printed)) + _superscript(table.markers(column))
    return f'<th scope="col"{_class(column)}>{content}</th>'


def _bodies(table: JournalTable) -> list[str]:
    lines = ["<tbody>"]
    group, summary = "", False
    for row, texts in zip(table.rows, aligned_texts(table), strict=True):
        if row.group != group and len(lines) > 1:
            lines += ["</tbody>", "<tbody>"]
        if row.group and row.group != group:
            span = len(table.columns)
            lines.append(f'<tr><th scope="rowgroup" colspan="{span}">{_text(row.group)}</th></tr>')
        first = row.summary and (not summary or row.group != group)
        group, summary = row.group, row.summary
        lines.append(_row(table, row, texts, first=first))
    return [*lines, "</tbody>"]


def _row(table: JournalTable, row: TableRow, texts: list[str], *, first: bool) -> str:
    cells = []
    for position, (column, cell, text) in enumerate(zip(table.columns, row.cells, texts, strict=True)):
        # Long numbers break before their interval, not within it.
        flexible = column.kind != "text" and column.aligned == "left"
        content = _text(tied(text) if flexible else text) + _superscript(table.markers(cell))
        if position == 0:
            cells.append(f'<th scope="row">{content}</th>')
        else:
            cells.append(f"<td{_class(column)}>{content}</td>")
    names = [name for name, wanted in (("summary", row.summary), ("first", first)) if wanted]
    classes = " ".join(names)
    start = f'<tr class="{classes}">' if names else "<tr>"
    return f"{start}{''.join(cells)}</tr>"


def _notes(table: JournalTable) -> str:
    lines = [f"<p>{_text(note)}</p>" for note in table.notes]
    lines += [f"<p>{_superscript(marker)} {_text(text)}</p>" for marker, text in table.footnotes]
    lines += [f"<p>Source: {_text(table.source)}</p>"] if table.source else []
    return "\n".join(lines)


def _class(column: TableColumn) -> str:
    if column.aligned == "decimal":
        return ' class="number"' if len(column.names) > 1 else ' class="right"'
    return "" if column.aligned == "left" else f' class="{column.aligned}"'


def _text(text: str) -> str:
    """Return escaped text; one that holds letters of a right-to-left script is kept apart from the rest."""
    from unicodedata import bidirectional

    line = escape(printable(text))
    return f"<bdi>{line}</bdi>" if any(bidirectional(letter) in {"R", "AL"} for letter in line) else line


def _superscript(markers: str) -> str:
    return f"<sup>{markers}</sup>" if markers else ""
