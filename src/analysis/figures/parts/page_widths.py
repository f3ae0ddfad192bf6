"""How wide the columns of a page are, and where each line of a cell breaks: found from measured text."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.figures.style import POINTS_PER_MM, current
from analysis.figures.parts.text import text_width, wrap_text
from analysis.figures.parts.writer import MARGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Column", "Layout", "Row", "TooNarrowError", "lay_out"]

# Between columns, as a share of the size of letters.
_GAP = 1.07
# Right of a panel at the edge of the page, as a share of the size of letters.
_EDGE = 1.2
# Narrowest a column that may be squeezed gets, as a share of the page, where its words are longer still.
_SQUEEZED_SHARE = 0.2
# A panel that gives room to long texts over several columns keeps this share of the page.
_WIDE_PANEL = 0.33
# Half a hundredth of a point: a width was measured from the same text.
_SLACK = 0.01


class TooNarrowError(ValueError):
    """The text does not fit on a page of that width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One text column.

    Parameters
    ----------
    heading : str
        May hold line feeds.
    align : {"left", "right", "center"}
        Where its cells stand.
    wraps : bool
        Whether its text is broken into lines where the page is too narrow.
    group : str
        Heading over this column and its neighbours of the same group.
    width : float
        Least width in points, for a column of marks.
    gap : float, optional
        Room in points to the column before it; by default a letter's width.
    """

    heading: str
    align: str = "left"
    wraps: bool = False
    group: str = ""
    width: float = 0.0
    gap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the page.

    Parameters
    ----------
    cells : tuple of str
        One text a column.
    bold, small : bool
        How it is printed.
    spans : bool
        Whether the first text may run over the empty cells that follow it, up to the panel.
    indent : float
        Of the first cell, in points.
    space_above : float
        In points.
    height : float
        Least height in points.
    rule_above, band : bool
        Whether a line stands over it, and whether it has a grey ground.
    """

    cells: tuple[str, ...]
    bold: bool = False
    small: bool = False
    spans: bool = False
    indent: float = 0.0
    space_above: float = 0.0
    height: float = 0.0
    rule_above: bool = False
    band: bool = False

    @property
    def spanning(self) -> int | None:
        """Number of the cell that may run over those that follow."""
        if not self.spans:
            return None
        return next((number for number, text in enumerate(self.cells) if text), None)

    @property
    def size(self) -> float:
        """Size of its letters in points, in the style that is drawn with."""
        return current().small_size if self.small else current().body_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands from left to right, in points, and the broken lines of each cell.

    `groups` has the lines of each heading over several columns, with its first and its last column.
    """

    width: float
    left: tuple[float, ...]
    right: tuple[float, ...]
    panel: tuple[float, float]
    headings: tuple[tuple[str, ...], ...]
    lines: tuple[tuple[tuple[str, ...], ...], ...]
    groups: tuple[tuple[tuple[str, ...], int, int], ...] = field(default=())


def lay_out(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    width_mm: float,
    panel_after: int,
    panel_width: float | None = None,
    least_panel: float = 0.25,
) -> Layout:
    """Measure the text and place columns and panel.

    Parameters
    ----------
    columns : sequence of Column
        From left to right.
    rows : sequence of Row
        Each with one cell a column.
    width_mm : float
        Of the page.
    panel_after : int
        How many columns stand left of the panel.
    panel_width : float, optional
        In points; by default all that the text leaves.
    least_panel : float, default 0.25
        Least width of the panel as a share of the page, where `panel_width` is not given.

    Raises
    ------
    TooNarrowError
        If the text does not fit; says which width would do.
    """
    page = _page_width(width_mm)
    gaps = _gaps(columns, panel_after, panel_width)
    # The last label of the axis may stand half beyond its end.
    edge = _EDGE * current().body_size if panel_after == len(columns) and panel_width != 0 else 0.0
    room = page - 2 * MARGIN - sum(gaps) - edge
    least_width = least_panel * page if panel_width is None else panel_width
    groups = _groups(columns)
    least, natural = _column_widths(columns, rows, page)
    for text, first, last in groups:
        _widen_group(text, first, last, gaps, least, natural)
    excess = sum(least) + least_width - room
    if excess > 0:
        # Panel and broken columns, being shares of the page, would grow with it.
        enough = math.ceil((page + 2 * excess) / POINTS_PER_MM)
        raise TooNarrowError(
            f"`width_mm` must be about {enough} or more for these columns, but got {width_mm:g}. "
            "Leave columns out, or shorten their text."
        )
    if sum(natural) > room - least_width:
        # Headings are broken before labels are.
        natural = [
            high if column.wraps else low for column, low, high in zip(columns, least, natural, strict=True)
        ]
    widths = _share_out(least, natural, room - least_width)
    panel = room - sum(widths) if panel_width is None else panel_width
    if panel_after:
        panel, widths[0] = _make_room_for_spans(rows, widths, gaps, panel_after, panel, page)
    left, x = [], MARGIN
    panel_left = x
    for number, width in enumerate(widths):
        x += gaps[number] if number != panel_after or not panel else 0.0
        if number == panel_after and panel:
            panel_left = x + (gaps[-1] if number else 0.0)
            x = panel_left + panel + gaps[number]
        left.append(x)
        x += width
    if panel_after == len(widths):
        panel_left = x + (gaps[-1] if panel else 0.0)
    right = [edge + width for edge, width in zip(left, widths, strict=True)]
    size = current().body_size
    return Layout(
        width=page,
        left=tuple(left),
        right=tuple(right),
        panel=(panel_left, panel_left + panel),
        headings=tuple(
            wrap_text(column.heading, width + _SLACK, size=size, bold=True)
            for column, width in zip(columns, widths, strict=True)
        ),
        lines=tuple(_row_lines(row, left, right, panel_after) for row in rows),
        groups=tuple(
            (wrap_text(text, right[last] - left[first] + _SLACK, size=size, bold=True), first, last)
            for text, first, last in groups
        ),
    )


def _page_width(width_mm: float) -> float:
    if not 40 <= width_mm <= 1000:
        raise ValueError(f"`width_mm` must be between 40 and 1000 millimetres, but got {width_mm!r}.")
    return width_mm * POINTS_PER_MM


def _gaps(columns: Sequence[Column], panel_after: int, panel_width: float | None) -> list[float]:
    """Return the room before each column, and at last that before the panel."""
    usual = _GAP * current().body_size
    gaps = [usual if column.gap is None else column.gap for column in columns]
    if panel_after > 0 or panel_width == 0:
        gaps[0] = 0.0
    return [*gaps, 0.0 if panel_width == 0 or not panel_after else usual]


def _groups(columns: Sequence[Column]) -> list[tuple[str, int, int]]:
    """Return the headings over several columns, each with its first and its last column."""
    groups: list[tuple[str, int, int]] = []
    for number, column in enumerate(columns):
        if not column.group:
            continue
        if groups and groups[-1][0] == column.group and groups[-1][2] == number - 1:
            groups[-1] = (column.group, groups[-1][1], number)
        else:
            groups.append((column.group, number, number))
    return groups


def _widen_group(
    text: str, first: int, last: int, gaps: Sequence[float], least: list[float], natural: list[float]
) -> None:
    """Widen the columns under a common heading where it is longer than they are."""
    size = current().body_size
    wanted = max(text_width(line, size=size, bold=True) for line in text.split("\n"))
    needed = max(text_width(word, size=size, bold=True) for word in text.split())
    between = sum(gaps[first + 1 : last + 1])
    for widths, want in ((natural, wanted), (least, needed)):
        lacking = want - between - sum(widths[first : last + 1])
        for number in range(first, last + 1):
            widths[number] += max(lacking, 0.0) / (last + 1 - first)


def _share_out(least: Sequence[float], natural: Sequence[float], room: float) -> list[float]:
    """Give each column its natural width; where that is too much, shorten the widest to a common width."""
    if sum(natural) <= room:
        return list(natural)

    def cut(limit: float) -> list[float]:
        return [min(high, max(low, limit)) for low, high in zip(least, natural, strict=True)]

    low, high = 0.0, max(natural)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(cut(middle)) <= room else (low, middle)
    return cut(low)


def _column_widths(
    columns: Sequence[Column], rows: Sequence[Row], page: float
) -> tuple[list[float], list[float]]:
    size = current().body_size
    wrapping = max(sum(column.wraps for column in columns), 1)
    least, natural = [], []
    for number, column in enumerate(columns):
        heading = max(
            (text_width(line, size=size, bold=True) for line in column.heading.split("\n")), default=0.0
        )
        cells = [
            (row, row.cells[number], row.indent if number == 0 else 0.0)
            for row in rows
            if row.cells[number] and number != row.spanning
        ]
        written = max(
            [
                column.width,
                *(text_width(text, size=row.size, bold=row.bold) + indent for row, text, indent in cells),
            ]
        )
        full = max(heading, written)
        natural.append(full)
        if not column.wraps:
            least.append(max(written, *(text_width(part, size=size, bold=True) for part in _parts(column))))
            continue
        words = [
            text_width(word, size=row.size, bold=row.bold) + indent
            for row, text, indent in cells
            for word in text.split()
        ]
        heading_words = [text_width(word, size=size, bold=True) for word in column.heading.split()]
        longest = max([*words, *heading_words], default=0.0)
        # Broken lines read badly below some width, whatever the words are.
        limit = page * min(_SQUEEZED_SHARE, 0.75 / wrapping)
        least.append(max(column.width, min(full, max(min(longest, limit), min(full, 0.5 * limit)))))
    return least, natural


def _parts(column: Column) -> list[str]:
    """Return the parts of a heading that stay together: it may be broken after a comma."""
    return [part for line in column.heading.split("\n") for part in line.replace(", ", ",\n").split("\n")]


def _make_room_for_spans(
    rows: Sequence[Row],
    widths: list[float],
    gaps: Sequence[float],
    panel_after: int,
    panel: float,
    page: float,
) -> tuple[float, float]:
    """Widen the first column at the cost of a wide panel, where a spanning text would be broken otherwise."""
    lacking = 0.0
    for row in rows:
        if row.spanning == 0 and not row.small:
            end = next((i for i in range(1, panel_after) if row.cells[i]), panel_after)
            available = sum(widths[:end]) + sum(gaps[1:end])
            wanted = text_width(row.cells[0], size=row.size, bold=row.bold) + row.indent
            lacking = max(lacking, wanted - available)
    extra = max(0.0, min(lacking, panel - _WIDE_PANEL * page))
    return panel - extra, widths[0] + extra


def _row_lines(
    row: Row, left: Sequence[float], right: Sequence[float], panel_after: int
) -> tuple[tuple[str, ...], ...]:
    lines = []
    for number, text in enumerate(row.cells):
        end = number
        if number == row.spanning:
            while end + 1 < max(panel_after, 1) and not row.cells[end + 1]:
                end += 1
        width = right[end] - left[number] - (row.indent if number == 0 else 0.0)
        lines.append(wrap_text(text, width + _SLACK, size=row.size, bold=row.bold))
    return tuple(lines)
