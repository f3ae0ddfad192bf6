"""The page of pictures of models: panels at places in points, and their axes.

Plots of studies in one panel have a page with a key of signs in `plane`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from analysis.figures.parts.axes import AxisScale, nice_ticks, set_x_axis
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.parts.plane import panel_points
from analysis.figures.style import BLACK, GREY, POINTS_PER_INCH, current
from analysis.figures.parts.text import font, text_width, wrap_text
from analysis.tables.format import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "PanelPage",
    "drop_labels_outside",
    "fill_axes",
    "panel_page",
    "plain_scale",
    "set_plain_x_axis",
    "set_rank_axis",
    "set_y_axis",
]

# How many ticks an axis of ranks always gets if it has as many ranks, and how many at most.
_FEW_TICKS, _MOST_TICKS = 3, 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelPage:
    """A page on which panels are placed at points from the upper left corner of its free area.

    Parameters
    ----------
    figure : Figure
        With banner and notes drawn.
    width, height : float
        Of the page in points.
    top : float
        Upper edge of the free area in points.
    """

    figure: Figure
    width: float
    height: float
    top: float

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return new axes at a place in points."""
        place = (
            left / self.width,
            1 - (self.top + top + height) / self.height,
            width / self.width,
            height / self.height,
        )
        ax = self.figure.add_axes(place)
        ax.patch.set_visible(False)
        return ax

    def text(
        self,
        text: str,
        left: float,
        baseline: float,
        *,
        size: float,
        align: str = "left",
        bold: bool = False,
        gid: str = "text",
    ) -> None:
        """Write one line at a place in points."""
        self.figure.text(
            left / self.width,
            1 - (self.top + baseline) / self.height,
            text,
            ha=align,
            va="baseline",
            fontproperties=font(size, bold=bold),
            color=BLACK,
            parse_math=False,
            gid=gid,
        )


def panel_page(
    height: float, *, width_mm: float, notes: Sequence[str] = (), synthetic: bool = False
) -> PanelPage:
    """Return a page with a free area of some height in points, notes under it, and a banner where asked."""
    columns, rows = [Column(heading="")], [Row(cells=("",), height=height)]
    layout = lay_out(columns, rows, width_mm=width_mm, panel_after=1)
    page = draw_page(layout, columns, rows, notes=notes, synthetic=synthetic)
    total = float(page.figure.get_size_inches()[1]) * POINTS_PER_INCH
    top = (1 - page.axes.get_position().y1) * total
    if synthetic:
        # It carries the watermark and nothing else.
        page.axes.set_axis_off()
    else:
        page.axes.remove()
    return PanelPage(figure=page.figure, width=layout.width, height=total, top=top)


def plain_scale(label: str, *, null: float | None = None) -> AxisScale:
    """Return a linear scale with a label, and a line of reference where there is one."""
    return AxisScale(label=label, log=False, factor=1.0, null=null, proportion=False)


def set_plain_x_axis(
    ax: Axes, label: str, low: float, high: float, *, fixed: bool = False, overhang: float = math.inf
) -> None:
    """Set a linear x-axis wide enough for three ticks, whose labels end near the axes.

    Parameters
    ----------
    low, high : float
        What must be inside.
    fixed : bool, default False
        Whether the lower end stays where it is, as it does at 0.
    overhang : float, optional
        By how many points labels may stand out beyond the axes.
    """
    width = panel_points(ax)[0]
    size, span = current().body_size, high - low
    for pad in (0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65):
        start, end = low - (0.0 if fixed else pad * span), high + pad * span
        ticks, labels, _ = nice_ticks(start, end, width=width, log=False)
        if len(ticks) < 3:
            continue
        inner = (width * (ticks[0] - start) / (end - start), width * (end - ticks[-1]) / (end - start))
        outer = [text_width(text, size=size) / 2 for text in (labels[0], labels[-1])]
        if all(half - room <= overhang for half, room in zip(outer, inner, strict=True)):
            break
    set_x_axis(ax, plain_scale(label), start, end)
    ax.xaxis.label.set_fontproperties(font())
    ax.xaxis.label.set_parse_math(False)


def set_rank_axis(ax: Axes, label: str, count: int) -> None:
    """Set an x-axis of ranks from 1 on, with half a rank at either end, whose ticks are whole numbers."""
    set_x_axis(ax, plain_scale(label), 0.5, count + 0.5)
    width = panel_points(ax)[0]
    # From one tick a rank on to fewer of them, until their labels stand apart.
    for step in (factor * 10**power for power in range(len(str(count)) + 1) for factor in (1, 2, 3, 4, 5)):
        ticks = range(step, count + 1, step)
        if len(ticks) > _MOST_TICKS:
            continue
        widest = max((text_width(format_count(tick)) for tick in ticks), default=0.0)
        if len(ticks) <= _FEW_TICKS or widest + 4.0 <= step * width / count:
            break
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FixedFormatter([format_count(tick) for tick in ticks]))
    ax.xaxis.set_minor_locator(NullLocator())
    for text in (*ax.get_xticklabels(), ax.xaxis.label):
        text.set_fontproperties(font())
        text.set_parse_math(False)


def drop_labels_outside(ax: Axes) -> None:
    """Leave out labels of the x-axis that would stand out of the figure at the right."""
    figure, ticks = ax.figure.get_figure(root=True), ax.get_xticks()
    places = ax.transData.transform([(tick, 0.0) for tick in ticks])[:, 0]
    room = (figure.bbox.width - places) * POINTS_PER_INCH / figure.dpi
    labels = [text.get_text() for text in ax.get_xticklabels()]
    kept = [text if text_width(text) / 2 <= free else "" for text, free in zip(labels, room, strict=True)]
    ax.xaxis.set_major_formatter(FixedFormatter(kept))


def set_y_axis(ax: Axes, scale: AxisScale, low: float, high: float) -> None:
    """Set scale, limits, ticks and label of the y-axis, and draw the line of no effect, as `set_x_axis`."""
    ax.set_yscale("log" if scale.log else "linear")
    ax.set_ylim(low, high)
    height = panel_points(ax)[1]
    forward = math.log if scale.log else float
    ticks, labels, between = nice_ticks(low, high, width=height, log=scale.log)
    # Labels stand one above the other: their height counts, not the width that ticks are chosen by.
    for factor in (3.0, 2.5, 2.0, 1.6, 1.3, 1.0, 0.7, 0.5):
        found = nice_ticks(low, high, width=factor * height, log=scale.log)
        places = [height * forward(tick) / (forward(high) - forward(low)) for tick in found[0]]
        if len(places) >= 3 and min(np.diff(places)) >= 1.35 * current().body_size:
            ticks, labels, between = found
            break
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FixedFormatter(labels))
    ax.yaxis.set_minor_locator(FixedLocator(between))
    ax.yaxis.set_minor_formatter(NullFormatter())
    for text in ax.get_yticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    label = "\n".join(wrap_text(scale.label, 1.1 * height))
    ax.set_ylabel(label, fontproperties=font(), parse_math=False)
    if scale.null is not None and low <= scale.null <= high:
        ax.axhline(scale.null, color=GREY, linewidth=0.8, zorder=0.5, gid="null line")


def fill_axes(
    ax: Axes, colours: NDArray[np.uint8], *, gid: str, across: tuple[float, float] = (0.0, 1.0)
) -> None:
    """Fill axes with cells of even size on the page, whatever the scale is, rows from the bottom up."""
    limits = ax.get_xlim(), ax.get_ylim()
    image = ax.imshow(
        colours,
        extent=(*across, 0.0, 1.0),
        transform=ax.transAxes,
        origin="lower",
        aspect="auto",
        interpolation="none",
        zorder=2,
    )
    image.set_gid(gid)
    # An image sets limits of its own.
    ax.set(xlim=limits[0], ylim=limits[1])
