"""A page of text columns with a panel between them, laid out in points from measured text.

Widths follow from what is printed, so nothing overlaps and nothing is cut off whatever the labels are. What
is drawn in the panel, and what the cells say, is decided by each figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.style import (
    BODY_SIZE,
    LIGHT_GREY,
    POINTS_PER_INCH,
    POINTS_PER_MM,
    SMALL_SIZE,
)
from analysis.figures.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.writer import MARGIN, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["Column", "Layout", "Page", "Row", "draw_page", "lay_out"]

_GAP = 8.0
# Points between rows, by the number of rows: sixty with their headings are to fit on a page.
_ROW_PADDINGS = ((30, 2.6), (62, 0.6), (math.inf, -0.5))
_HEADER_PADDING = 3.0
# Narrowest a column that may be squeezed gets, as a share of the page, where its words are longer still.
_SQUEEZED_SHARE = 0.2
SYNTHETIC_TEXT = "SYNTHETIC DATA – made up by a computer, not observed in any study"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One text column.

    Parameters
    ----------
    heading : str
        May hold line feeds.
    align : {"left", "right"}
        Where its cells stand.
    wraps : bool
        Whether its text is broken into lines where the page is too narrow.
    """

    heading: str
    align: str = "left"
    wraps: bool = False


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
    """

    cells: tuple[str, ...]
    bold: bool = False
    small: bool = False
    spans: bool = False
    indent: float = 0.0
    space_above: float = 0.0
    height: float = 0.0

    @property
    def spanning(self) -> int | None:
        """Number of the cell that may run over those that follow."""
        if not self.spans:
            return None
        return next((number for number, text in enumerate(self.cells) if text), None)

    @property
    def size(self) -> float:
        """Size of its letters in points."""
        return SMALL_SIZE if self.small else BODY_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands from left to right, in points, and the broken lines of each cell."""

    width: float
    left: tuple[float, ...]
    right: tuple[float, ...]
    panel: tuple[float, float]
    headings: tuple[tuple[str, ...], ...]
    lines: tuple[tuple[tuple[str, ...], ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A drawn page: y-values of its axes are points from the top of the rows downwards."""

    figure: Figure
    axes: Axes
    centres: tuple[float, ...]


def lay_out(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    width_mm: float,
    panel_after: int,
    panel_width: float | None = None,
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
        In points; by default all that the text leaves, at least a quarter of the page.

    Raises
    ------
    ValueError
        If the text does not fit; says which width would do.
    """
    page = _page_width(width_mm)
    room = page - 2 * MARGIN - _GAP * (len(columns) + (0 if panel_width == 0 else 1) - 1)
    least_panel = 0.25 * page if panel_width is None else panel_width
    least, natural = _column_widths(columns, rows, page)
    excess = sum(least) + least_panel - room
    if excess > 0:
        # Panel and broken columns, being shares of the page, would grow with it.
        enough = math.ceil((page + 2 * excess) / POINTS_PER_MM)
        raise ValueError(
            f"`width_mm` must be about {enough} or more for these columns, but got {width_mm:g}. "
            "Leave columns out, or shorten their text."
        )
    widths = _share_out(least, natural, room - least_panel)
    panel = room - sum(widths) if panel_width is None else panel_width
    panel, widths[0] = _make_room_for_spans(rows, widths, panel_after, panel, page)
    left, x = [], MARGIN
    panel_left = x
    for number, width in enumerate(widths):
        if number == panel_after:
            panel_left, x = x, x + panel + (_GAP if panel else 0.0)
        left.append(x)
        x += width + _GAP
    if panel_after == len(widths):
        panel_left = x
    right = [edge + width for edge, width in zip(left, widths, strict=True)]
    lines = tuple(_row_lines(row, left, right, panel_after) for row in rows)
    headings = tuple(
        wrap_text(column.heading, width, bold=True) for column, width in zip(columns, widths, strict=True)
    )
    return Layout(
        width=page,
        left=tuple(left),
        right=tuple(right),
        panel=(panel_left, panel_left + panel),
        headings=headings,
        lines=lines,
    )


def _page_width(width_mm: float) -> float:
    if not 40 <= width_mm <= 1000:
        raise ValueError(f"`width_mm` must be between 40 and 1000 millimetres, but got {width_mm!r}.")
    return width_mm * POINTS_PER_MM


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
    least, natural = [], []
    for number, column in enumerate(columns):
        heading = max((text_width(line, bold=True) for line in column.heading.split("\n")), default=0.0)
        cells = [
            (row, row.cells[number], row.indent if number == 0 else 0.0)
            for row in rows
            if row.cells[number] and number != row.spanning
        ]
        full = max(
            [
                heading,
                *(text_width(text, size=row.size, bold=row.bold) + indent for row, text, indent in cells),
            ]
        )
        words = [
            text_width(word, size=row.size, bold=row.bold) + indent
            for row, text, indent in cells
            for word in text.split()
        ]
        heading_words = [text_width(word, bold=True) for word in column.heading.split()]
        longest = max([*words, *heading_words], default=0.0)
        natural.append(full)
        # Broken lines read badly below some width, whatever the words are.
        limit = (
            page * min(_SQUEEZED_SHARE, 0.75 / sum(other.wraps for other in columns)) if column.wraps else 0
        )
        least.append(min(full, max(min(longest, limit), min(full, 0.5 * limit))) if column.wraps else full)
    return least, natural


def _make_room_for_spans(
    rows: Sequence[Row], widths: list[float], panel_after: int, panel: float, page: float
) -> tuple[float, float]:
    """Widen the first column at the cost of a wide panel, where a spanning text would be broken otherwise."""
    available = sum(widths[:panel_after]) + _GAP * (panel_after - 1)
    wanted = max(
        (
            text_width(row.cells[0], size=row.size, bold=row.bold) + row.indent
            for row in rows
            if row.spanning == 0
        ),
        default=0.0,
    )
    extra = max(0.0, min(wanted - available, panel - 0.42 * page))
    return panel - extra, widths[0] + extra


def _row_lines(
    row: Row, left: Sequence[float], right: Sequence[float], panel_after: int
) -> tuple[tuple[str, ...], ...]:
    lines = []
    for number, text in enumerate(row.cells):
        end = number
        if number == row.spanning:
            while end + 1 < panel_after and not row.cells[end + 1]:
                end += 1
        width = right[end] - left[number] - (row.indent if number == 0 else 0.0)
        # A hundredth of a point: the width was measured from the same text.
        lines.append(wrap_text(text, width + 0.01, size=row.size, bold=row.bold))
    return tuple(lines)


def draw_page(
    layout: Layout,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    above: float = 0.0,
    below: float = 0.0,
    notes: Sequence[str] = (),
    synthetic: bool = False,
) -> Page:
    """Draw headings, rows and notes, and make the axes of the panel.

    Parameters
    ----------
    layout : Layout
        From `lay_out`.
    columns, rows : sequences
        As given there.
    above, below : float
        Room in points for what the figure writes over the panel and under it.
    notes : sequence of str
        Printed under everything, one paragraph each.
    synthetic : bool
        Whether the page says, so that nobody can miss it, that its data are made up.
    """
    padding = next(space for most, space in _ROW_PADDINGS if len(rows) <= most)
    heights = [
        max(row.height, max((len(cell) for cell in cells), default=1) * row.size * LINE_SPACING + padding)
        for row, cells in zip(rows, layout.lines, strict=True)
    ]
    note_lines = [
        wrap_text(note, layout.width - 2 * MARGIN, size=SMALL_SIZE) for note in notes if note.strip()
    ]
    banner = 15.0 if synthetic else 0.0
    head_lines = max((len(lines) for lines in layout.headings), default=0)
    head = max(head_lines * BODY_SIZE * LINE_SPACING, above) + (_HEADER_PADDING if head_lines else 0.0)
    body = sum(heights) + sum(row.space_above for row in rows) + 2 * _HEADER_PADDING
    foot = sum(len(lines) for lines in note_lines) * SMALL_SIZE * LINE_SPACING + 2.5 * len(note_lines)
    height = MARGIN + banner + head + body + below + foot + MARGIN
    figure = Figure(figsize=(layout.width / POINTS_PER_INCH, height / POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    writer = Writer(figure, layout.width, height)
    if synthetic:
        writer.banner(SYNTHETIC_TEXT, banner)
    header_bottom = MARGIN + banner + head
    for column, lines, left, right in zip(columns, layout.headings, layout.left, layout.right, strict=True):
        writer.block(
            lines,
            x=left if column.align == "left" else right,
            top=header_bottom - _HEADER_PADDING - len(lines) * BODY_SIZE * LINE_SPACING,
            align=column.align,
            bold=True,
        )
    if head_lines:
        writer.rule(header_bottom)
    centres, y = [], _HEADER_PADDING
    for row, cells, row_height in zip(rows, layout.lines, heights, strict=True):
        y += row.space_above
        centres.append(y + row_height / 2)
        for number, (column, lines) in enumerate(zip(columns, cells, strict=True)):
            writer.block(
                lines,
                x=layout.left[number] + (row.indent if number == 0 else 0.0)
                if column.align == "left"
                else layout.right[number],
                top=header_bottom + centres[-1] - len(lines) * row.size * LINE_SPACING / 2,
                align=column.align,
                size=row.size,
                bold=row.bold,
            )
        y += row_height
    top = header_bottom + body + below
    for lines in note_lines:
        top += 2.5
        writer.block(lines, x=MARGIN, top=top, size=SMALL_SIZE)
        top += len(lines) * SMALL_SIZE * LINE_SPACING
    left, right = layout.panel
    axes = figure.add_axes(
        (
            left / layout.width,
            1 - (header_bottom + body) / height,
            max(right - left, 1.0) / layout.width,
            body / height,
        )
    )
    axes.set_ylim(body, 0.0)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    if synthetic:
        _watermark(axes, body, right - left)
    return Page(figure=figure, axes=axes, centres=tuple(centres))


def _watermark(axes: Axes, height: float, width: float) -> None:
    size = max(SMALL_SIZE, min(0.14 * width, 0.3 * height, 30.0))
    axes.text(
        0.5,
        0.5,
        "SYNTHETIC",
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontproperties=font(size, bold=True),
        color=LIGHT_GREY,
        zorder=0.1,
        gid="watermark",
    )
