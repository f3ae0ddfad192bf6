"""A page of text columns with a panel between them, laid out in points from measured text.

Widths follow from what is printed, so nothing overlaps and nothing is cut off whatever the labels are. What
is drawn in the panel, and what the cells say, is decided by each figure; where columns stand is found in
`page_widths`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from analysis.figures.parts.page_text import write_lines
from analysis.figures.parts.page_widths import Column, Layout, Row, TooNarrowError, lay_out
from analysis.figures.style import GREY, LIGHT_GREY, POINTS_PER_INCH, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = [
    "Column",
    "Layout",
    "Page",
    "Row",
    "TooNarrowError",
    "draw_page",
    "header_height",
    "lay_out",
    "page_heights",
    "row_heights",
]

# Room between rows as a share of the size of letters, by the number of rows: sixty are to fit on a page.
_ROW_PADDINGS = ((30, 0.35), (62, 0.08), (math.inf, -0.066))
_HEADER_PADDING = 3.0
_SPANNER_PADDING = 2.0
_BAND = "#F0F0F0"
SYNTHETIC_TEXT = "SYNTHETIC DATA – made up by a computer, not observed in any study"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A drawn page: y-values of its axes are points from the top of the rows downwards."""

    figure: Figure
    axes: Axes
    centres: tuple[float, ...]
    layout: Layout

    def overlay(self) -> Axes:
        """Make axes over the columns: x-values are points from the left edge, y-values those of the panel."""
        place = self.axes.get_position()
        overlay = self.figure.add_axes((0.0, place.y0, 1.0, place.height), label="overlay")
        overlay.set_axis_off()
        overlay.set_xlim(0.0, self.layout.width)
        overlay.set_ylim(*self.axes.get_ylim())
        return overlay


def row_heights(layout: Layout, rows: Sequence[Row], *, padding: float | None = None) -> list[float]:
    """Return the height of each row in points, without the space above it.

    Parameters
    ----------
    layout : Layout
        With the broken lines of these rows.
    rows : sequence of Row
        As given to `lay_out`.
    padding : float, optional
        Room between rows, as a share of the size of letters; by default less on a longer page.
    """
    if padding is None:
        padding = next(share for most, share in _ROW_PADDINGS if len(rows) <= most)
    room = padding * current().body_size
    return [
        max(row.height, max((len(cell) for cell in cells), default=1) * row.size * LINE_SPACING + room)
        for row, cells in zip(rows, layout.lines, strict=True)
    ]


def header_height(layout: Layout, above: float) -> float:
    """Return the height of all that stands over the rows, in points."""
    size = current().body_size
    lines = max((len(lines) for lines in layout.headings), default=0)
    spanners = max((len(lines) for lines, _, _ in layout.groups), default=0)
    head = lines * size * LINE_SPACING + (spanners * size * LINE_SPACING + _SPANNER_PADDING) * bool(spanners)
    return max(head, above) + (_HEADER_PADDING if lines or above else 0.0)


def page_heights(*, synthetic: bool) -> float:
    """Return the height of what every page has beside headings, rows, axis and notes, in points."""
    return 2 * MARGIN + 2 * _HEADER_PADDING + (2 * current().body_size if synthetic else 0.0)


def draw_page(
    layout: Layout,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    above: float = 0.0,
    below: float = 0.0,
    notes: Sequence[str] = (),
    synthetic: bool = False,
    padding: float | None = None,
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
    padding : float, optional
        As for `row_heights`.
    """
    body_size, small_size = current().body_size, current().small_size
    heights = row_heights(layout, rows, padding=padding)
    note_lines = [
        wrap_text(note, layout.width - 2 * MARGIN, size=small_size) for note in notes if note.strip()
    ]
    banner = 2 * body_size if synthetic else 0.0
    head = header_height(layout, above)
    body = sum(heights) + sum(row.space_above for row in rows) + 2 * _HEADER_PADDING
    foot = sum(len(lines) for lines in note_lines) * small_size * LINE_SPACING + 2.5 * len(note_lines)
    height = MARGIN + banner + head + body + below + foot + MARGIN
    figure = Figure(figsize=(layout.width / POINTS_PER_INCH, height / POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    writer = Writer(figure, layout.width, height)
    if synthetic:
        writer.banner(SYNTHETIC_TEXT, banner)
    header_bottom = MARGIN + banner + head
    _write_headings(writer, layout, columns, header_bottom - _HEADER_PADDING, body_size)
    if head:
        writer.rule(header_bottom)
    centres, y = [], _HEADER_PADDING
    for row, cells, row_height in zip(rows, layout.lines, heights, strict=True):
        y += row.space_above
        centres.append(y + row_height / 2)
        if row.band:
            _draw_band(writer, layout, header_bottom + y, row_height)
        if row.rule_above:
            _draw_rule(writer, MARGIN, layout.width - MARGIN, header_bottom + y - row.space_above / 2)
        for number, (column, lines) in enumerate(zip(columns, cells, strict=True)):
            if lines:
                write_lines(
                    figure,
                    writer.transform,
                    lines,
                    x=_anchor(layout, column, number, row.indent if number == 0 else 0.0),
                    top=header_bottom + centres[-1] - len(lines) * row.size * LINE_SPACING / 2,
                    align=column.align,
                    size=row.size,
                    bold=row.bold,
                    gid="cell",
                )
        y += row_height
    top = header_bottom + body + below
    for lines in note_lines:
        top += 2.5
        write_lines(figure, writer.transform, lines, x=MARGIN, top=top, size=small_size, gid="note")
        top += len(lines) * small_size * LINE_SPACING
    axes = _axes(figure, layout, 1 - (header_bottom + body) / height, body, height)
    if synthetic:
        _watermark(axes, body, layout.panel[1] - layout.panel[0])
    return Page(figure=figure, axes=axes, centres=tuple(centres), layout=layout)


def _anchor(layout: Layout, column: Column, number: int, indent: float) -> float:
    left, right = layout.left[number] + indent, layout.right[number]
    return {"left": left, "right": right, "center": (left + right) / 2}[column.align]


def _write_headings(
    writer: Writer, layout: Layout, columns: Sequence[Column], bottom: float, size: float
) -> None:
    for number, (column, lines) in enumerate(zip(columns, layout.headings, strict=True)):
        write_lines(
            writer.figure,
            writer.transform,
            lines,
            x=_anchor(layout, column, number, 0.0),
            top=bottom - len(lines) * size * LINE_SPACING,
            align=column.align,
            size=size,
            bold=True,
            gid="heading",
        )
    for lines, first, last in layout.groups:
        under = max(len(layout.headings[number]) for number in range(first, last + 1)) * size * LINE_SPACING
        left, right = layout.left[first], layout.right[last]
        write_lines(
            writer.figure,
            writer.transform,
            lines,
            x=(left + right) / 2,
            top=bottom - under - _SPANNER_PADDING - len(lines) * size * LINE_SPACING,
            align="center",
            size=size,
            bold=True,
            gid="heading",
        )
        if under:
            _draw_rule(writer, left, right, bottom - under - _SPANNER_PADDING / 2)


def _draw_rule(writer: Writer, left: float, right: float, y: float) -> None:
    line = Line2D(
        [left, right],
        [y, y],
        transform=writer.transform,
        color=GREY,
        linewidth=current().line_width,
        gid="rule",
    )
    writer.figure.add_artist(line)


def _draw_band(writer: Writer, layout: Layout, top: float, height: float) -> None:
    band = Rectangle(
        (MARGIN, top),
        layout.width - 2 * MARGIN,
        height,
        transform=writer.transform,
        facecolor=_BAND,
        edgecolor="none",
        zorder=-1,
        gid="band",
    )
    writer.figure.add_artist(band)


def _axes(figure: Figure, layout: Layout, bottom: float, body: float, height: float) -> Axes:
    left, right = layout.panel
    axes = figure.add_axes(
        (left / layout.width, bottom, max(right - left, 1.0) / layout.width, body / height)
    )
    axes.patch.set_visible(False)
    axes.set_ylim(body, 0.0)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    return axes


def _watermark(axes: Axes, height: float, width: float) -> None:
    # It must fit into the panel whatever the letters of the style are.
    widest = text_width("SYNTHETIC", size=10.0, bold=True) / 10.0
    size = min(max(current().small_size, min(0.3 * height, 30.0)), 0.96 * width / widest)
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
        parse_math=False,
    )
