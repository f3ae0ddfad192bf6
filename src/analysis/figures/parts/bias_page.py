"""The page of a picture of two bias parameters: a panel with ticks on both axes, labels at its right edge.

Room is measured from the text, so that nothing is cut off. What is drawn in the panel is decided by each
figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from analysis.figures.parts.axes import nice_ticks
from analysis.figures.parts.page import SYNTHETIC_TEXT
from analysis.figures.style import BLACK, GREY, LIGHT_GREY, POINTS_PER_INCH, POINTS_PER_MM, current
from analysis.figures.parts.text import LINE_SPACING, check_glyphs, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN, Writer
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from analysis.figures.parts.page import Layout

__all__ = [
    "EdgeLabel",
    "Span",
    "column_and_a_half",
    "digits_for",
    "edge_width",
    "name_under",
    "panel_page",
    "set_spans",
    "write_edge",
]

_TICK = 5.0
_GAP = 4.0
# From the panel to the labels at its edge, crossed by a leader where a label had to give way.
_LEADER = 11.0
_LEAST_PANEL = 90.0
_USUAL_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One axis of the panel.

    Parameters
    ----------
    name : str
        What stands beside it.
    low, high : float
        Its ends.
    log : bool
        Whether it is logarithmic.
    """

    name: str
    low: float
    high: float
    log: bool = False

    def ticks(self, length: float) -> tuple[list[float], list[str], list[float]]:
        """Return ticks, their labels, and ticks without one, for an axis of that many points."""
        return nice_ticks(self.low, self.high, width=length, log=self.log)

    def share(self, value: float) -> float:
        """Return where a value lies, as a share of the axis."""
        forward = math.log if self.log else float
        return (forward(value) - forward(self.low)) / (forward(self.high) - forward(self.low))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLabel:
    """What stands at the right edge of the panel.

    Parameters
    ----------
    lines : tuple of str
        One below the other.
    share : float
        Height of what it belongs to, as a share of the panel.
    colour : str
        Of the letters.
    """

    lines: tuple[str, ...]
    share: float
    colour: str = BLACK

    @property
    def height(self) -> float:
        """Points that it takes."""
        return len(self.lines) * _line() + 2.0


def column_and_a_half() -> float:
    """Return the width between one column and the page, in millimetres."""
    return (current().single_mm + current().double_mm) / 2


def name_under(layout: Layout, name: str) -> str:
    """Break the name of an axis under the panel of a page with columns, so that it stays on the page."""
    middle = sum(layout.panel) / 2
    room = 2 * (min(middle, layout.width - middle) - MARGIN)
    return "\n".join(wrap_text(name, room, size=current().body_size))


def digits_for(measure: str, width: float) -> int | None:
    """Return the decimals that show a width of a difference; None where the usual ones do, as for ratios."""
    meaning = measure_of(measure)
    if meaning.scale == "log" or meaning.percent or not 0 < width < math.inf:
        return None
    digits = math.ceil(1 - math.log10(width))
    return digits if digits > _USUAL_DIGITS else None


def edge_width(labels: Sequence[EdgeLabel]) -> float:
    """Return the room that labels take at the right edge, in points."""
    size = current().body_size
    widths = [text_width(line, size=size) for label in labels for line in label.lines]
    return max(widths) + _LEADER + 2.0 if widths else 0.0


def panel_page(
    x: Span,
    y: Span,
    *,
    width_mm: float,
    edge: float = 0.0,
    least_height: float = 0.0,
    heading: str = "",
    above: float = 0.0,
    notes: Sequence[str] = (),
    synthetic: bool = False,
) -> Axes:
    """Make a figure with one panel, as square as the width allows, and write heading and notes.

    Parameters
    ----------
    x, y : Span
        The two axes.
    width_mm : float
        Of the page.
    edge : float
        Room at the right edge, in points.
    least_height : float
        Of the panel, in points.
    heading : str
        Written over the panel.
    above : float
        Room in points between heading and panel, for what the figure writes there.
    notes : sequence of str
        Printed under everything, one paragraph each.
    synthetic : bool
        Whether the page says that its data are made up.

    Raises
    ------
    ValueError
        If the width leaves no room for the panel; says which one would do.
    """
    size, small = current().body_size, current().small_size
    width = width_mm * POINTS_PER_MM
    # The ticks decide about the margin, and the margin about the ticks: those of a small panel are widest.
    banner = 2 * size if synthetic else 0.0
    digits = max(text_width(label, size=size) for label in y.ticks(_LEAST_PANEL)[1] or [""])
    left = MARGIN + _line() + digits + _TICK + 2 * _GAP
    last = text_width(x.ticks(_LEAST_PANEL)[1][-1], size=size) / 2 if x.ticks(_LEAST_PANEL)[1] else 0.0
    right = MARGIN + max(edge, last)
    side = width - left - right
    if not side >= _LEAST_PANEL:
        enough = math.ceil((left + right + _LEAST_PANEL) / POINTS_PER_MM)
        raise ValueError(
            f"`width_mm` must be about {enough} or more for these labels, but got {width_mm:g}. "
            "Shorten the labels, or draw a wider page."
        )
    height = max(min(side, 0.66 * width), least_height, _LEAST_PANEL)
    names = wrap_text(y.name, height, size=size)
    left += (len(names) - 1) * _line()
    side = width - left - right
    # The name of the axis may stand out over the panel to the right, as far as the page goes.
    below = _TICK + (1 + len(_axis_name(x, side))) * _line() + _GAP
    head = wrap_text(heading, width - 2 * MARGIN, size=size)
    paragraphs = [wrap_text(note, width - 2 * MARGIN, size=small) for note in notes if note.strip()]
    foot = sum(len(lines) * small * LINE_SPACING + 2.5 for lines in paragraphs)
    top = MARGIN + banner + len(head) * _line() + max(above, 0.5 * size, _GAP * bool(head))
    total = top + height + below + foot + MARGIN
    figure = Figure(figsize=(width / POINTS_PER_INCH, total / POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    writer = Writer(figure, width, total)
    if synthetic:
        writer.banner(SYNTHETIC_TEXT, banner)
    writer.block(head, x=MARGIN, top=MARGIN + banner, size=size)
    place = top + height + below
    for lines in paragraphs:
        writer.block(lines, x=MARGIN, top=place + 2.5, size=small)
        place += len(lines) * small * LINE_SPACING + 2.5
    ax = figure.add_axes((left / width, 1 - (top + height) / total, side / width, height / total))
    if synthetic:
        ax.text(
            0.5,
            0.5,
            "SYNTHETIC",
            transform=ax.transAxes,
            ha="center",
            va="center",
            fontproperties=font(min(0.12 * side, 30.0), bold=True),
            color=LIGHT_GREY,
            zorder=0.1,
            gid="watermark",
            parse_math=False,
        )
    return ax


def set_spans(ax: Axes, x: Span, y: Span) -> None:
    """Set scales, limits, ticks and names of both axes, for the size that the axes have now."""
    box = ax.get_window_extent()
    scale = POINTS_PER_INCH / float(ax.figure.dpi)
    for name in (x.name, y.name):
        check_glyphs(name)
    for axis, span, length in ((ax.xaxis, x, box.width * scale), (ax.yaxis, y, box.height * scale)):
        (ax.set_xscale if axis is ax.xaxis else ax.set_yscale)("log" if span.log else "linear")
        (ax.set_xlim if axis is ax.xaxis else ax.set_ylim)(span.low, span.high)
        # Lines of text are lower than they are wide: upright ticks may stand closer, but need not.
        ticks, labels, between = span.ticks(float(length))
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FixedFormatter(labels))
        axis.set_minor_locator(FixedLocator(between))
        axis.set_minor_formatter(NullFormatter())
        for text in axis.get_ticklabels():
            text.set_fontproperties(font())
            text.set_parse_math(False)
    across = "\n".join(_axis_name(x, float(box.width * scale)))
    upward = "\n".join(wrap_text(y.name, float(box.height * scale), size=current().body_size))
    ax.set_xlabel(across, fontproperties=font(), parse_math=False)
    ax.set_ylabel(upward, fontproperties=font(), parse_math=False)


def write_edge(ax: Axes, labels: Sequence[EdgeLabel]) -> None:
    """Write labels at the right edge, apart from each other, each as near to its height as there is room."""
    height = float(ax.get_window_extent().height) * POINTS_PER_INCH / float(ax.figure.dpi)
    order = sorted(labels, key=lambda label: label.share)
    wanted = [label.share * height for label in order]
    places = _apart(wanted, [label.height for label in order], height)
    size = current().body_size
    for label, place in zip(order, places, strict=True):
        ax.annotate(
            "",
            xy=(1.0, label.share),
            xycoords="axes fraction",
            xytext=(_LEADER - 2.0, place - label.share * height),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": GREY, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
            gid="leader",
        )
        first = place + label.height / 2 - 1.0
        for number, line in enumerate(label.lines):
            ax.annotate(
                line,
                xy=(1.0, 0.0),
                xycoords="axes fraction",
                xytext=(_LEADER, first - (number + 0.5) * _line() - 0.365 * size),
                textcoords="offset points",
                ha="left",
                va="baseline",
                fontproperties=font(),
                color=label.colour,
                annotation_clip=False,
                parse_math=False,
                gid="edge label",
            )


def _apart(wanted: Sequence[float], heights: Sequence[float], room: float) -> list[float]:
    """Return places in ascending order that keep the heights apart: neighbours that collide share the way."""
    # Blocks of touching labels: middle, height, members. A block lies where its members want it on average.
    blocks: list[tuple[float, float, list[int]]] = []
    for number, (place, height) in enumerate(zip(wanted, heights, strict=True)):
        middle, total, members = place, height, [number]
        while True:
            middle = max(min(middle, room - total / 2), total / 2)
            if not blocks or blocks[-1][0] + blocks[-1][1] / 2 <= middle - total / 2:
                break
            _, before, others = blocks.pop()
            members, total = others + members, before + total
            starts = [sum(heights[other] for other in members[:i]) for i in range(len(members))]
            middle = total / 2 + sum(
                wanted[member] - start - heights[member] / 2
                for member, start in zip(members, starts, strict=True)
            ) / len(members)
        blocks.append((middle, total, members))
    places = []
    for middle, total, members in blocks:
        start = middle - total / 2
        for member in members:
            places.append(start + heights[member] / 2)
            start += heights[member]
    return places


def _axis_name(span: Span, length: float) -> tuple[str, ...]:
    return wrap_text(span.name, length, size=current().body_size)


def _line() -> float:
    return current().body_size * LINE_SPACING
