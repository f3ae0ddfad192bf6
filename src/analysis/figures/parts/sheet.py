"""A page without columns: axes whose coordinates are points from their upper left corner, with notes below.

What is drawn on it, and how high it must be, is decided by each figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.page import SYNTHETIC_TEXT
from analysis.figures.style import BLACK, LIGHT_GREY, POINTS_PER_INCH, POINTS_PER_MM, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = [
    "Sheet",
    "axes_in_points",
    "draw_sheet",
    "sheet_width",
    "size_in_points",
    "write_block",
]

_NOTE_GAP = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A drawn sheet: `axes` are in points, (0, 0) is their upper left corner."""

    figure: Figure
    axes: Axes
    width: float
    height: float


def sheet_width(width_mm: float) -> float:
    """Return the width in points between the margins of a page.

    Raises
    ------
    ValueError
        If the page is narrower than 40 mm or wider than a metre.
    """
    if not 40 <= width_mm <= 1000:
        raise ValueError(f"`width_mm` must be between 40 and 1000 millimetres, but got {width_mm!r}.")
    return width_mm * POINTS_PER_MM - 2 * MARGIN


def draw_sheet(
    width_mm: float, height: float, *, notes: Sequence[str] = (), synthetic: bool = False
) -> Sheet:
    """Make a page with axes of a height in points and notes under them.

    Parameters
    ----------
    width_mm : float
        Of the page.
    height : float
        Of the axes in points.
    notes : sequence of str
        Printed under everything, one paragraph each.
    synthetic : bool
        Whether the page says, so that nobody can miss it, that its data are made up.
    """
    width = sheet_width(width_mm)
    size = current().small_size
    note_lines = [wrap_text(note, width, size=size) for note in notes if note.strip()]
    banner = 2 * current().body_size if synthetic else 0.0
    foot = sum(_NOTE_GAP + len(lines) * size * LINE_SPACING for lines in note_lines)
    page_width, page_height = width + 2 * MARGIN, 2 * MARGIN + banner + height + foot
    figure = Figure(figsize=(page_width / POINTS_PER_INCH, page_height / POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    if synthetic:
        Writer(figure, page_width, page_height).banner(SYNTHETIC_TEXT, banner)
    axes = figure.add_axes(
        (MARGIN / page_width, (MARGIN + foot) / page_height, width / page_width, height / page_height)
    )
    axes_in_points(axes, width, height)
    top = height
    for lines in note_lines:
        top += _NOTE_GAP
        write_block(axes, lines, x=0.0, top=top, size=size, gid="note")
        top += len(lines) * size * LINE_SPACING
    if synthetic:
        _watermark(axes, width, height)
    return Sheet(figure=figure, axes=axes, width=width, height=height)


def axes_in_points(ax: Axes, width: float, height: float) -> None:
    """Give axes of this size coordinates in points from their upper left corner, and no frame."""
    ax.set_axis_off()
    ax.set_xlim(0.0, width)
    ax.set_ylim(height, 0.0)


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return width and height of axes in points."""
    box = ax.get_window_extent()
    points = POINTS_PER_INCH / float(ax.figure.dpi)
    return float(box.width) * points, float(box.height) * points


def write_block(
    ax: Axes,
    lines: Sequence[str],
    *,
    x: float,
    top: float,
    size: float,
    align: str = "left",
    bold: bool = False,
    colour: str = BLACK,
    gid: str | None = None,
) -> None:
    """Write lines one below the other into axes in points, the first one's upper edge at `top`."""
    for number, line in enumerate(lines):
        if not line:
            continue
        ax.text(
            x,
            # Capital letters are 0.73 of the size: this puts their middle on the middle of the line.
            top + (number + 0.5) * size * LINE_SPACING + 0.365 * size,
            line,
            ha=align,
            va="baseline",
            fontproperties=font(size, bold=bold),
            color=colour,
            parse_math=False,
            clip_on=False,
            gid=gid,
        )


def _watermark(ax: Axes, width: float, height: float) -> None:
    widest = text_width("SYNTHETIC", size=10.0, bold=True) / 10.0
    ax.text(
        0.5,
        0.5,
        "SYNTHETIC",
        transform=ax.transAxes,
        ha="center",
        va="center",
        fontproperties=font(min(max(0.3 * height, 6.0), 30.0, 0.9 * width / widest), bold=True),
        color=LIGHT_GREY,
        zorder=0.1,
        gid="watermark",
        parse_math=False,
    )
