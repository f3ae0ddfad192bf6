"""Marks on the axis: intervals with their estimates, diamonds, prediction bars, arrows where the axis ends.

Coordinates are those of the axes; sizes are points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.patches import Polygon

from analysis.figures.style import BLACK, BLUE, GREY, POINTS_PER_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["capped_side", "draw_diamond", "draw_interval", "draw_prediction", "square_side"]

LARGEST_SIDE = 7.5
SMALLEST_SIDE = 2.4
_SHARE_OF_INTERVAL = 0.6


def square_side(ax: Axes, weight: float, largest_weight: float, low: float, high: float) -> float:
    """Return the side of a study's square in points.

    Its area goes by the weight, but it covers at most 60 % of the interval as far as that is visible, so
    that the interval of a precise study is not hidden behind it.
    """
    side = LARGEST_SIDE * math.sqrt(max(weight, 0.0) / largest_weight) if largest_weight > 0 else 4.5
    return capped_side(ax, side, low, high)


def capped_side(ax: Axes, side: float, low: float, high: float) -> float:
    """Return the side of a marker in points, at most 60 % of the visible interval."""
    visible = _visible_points(ax, low, high)
    if visible is not None:
        side = min(side, _SHARE_OF_INTERVAL * visible)
    return max(side, SMALLEST_SIDE)


def _visible_points(ax: Axes, low: float, high: float) -> float | None:
    start, end = ax.get_xlim()
    if math.isnan(low) or math.isnan(high) or high < start or low > end:
        return None
    ends = ax.transData.transform([(max(low, start), 0.0), (min(high, end), 0.0)])
    return float(ends[1, 0] - ends[0, 0]) * POINTS_PER_INCH / float(ax.figure.dpi)


def draw_interval(
    ax: Axes,
    y: float,
    value: float,
    low: float,
    high: float,
    *,
    side: float,
    marker: str = "s",
    filled: bool = True,
    colour: str = BLUE,
) -> None:
    """Draw an estimate with its interval; what is NaN is not drawn, what the axis cuts ends in an arrow."""
    _draw_line(ax, y, low, high, colour=BLACK, width=0.9, gid="interval")
    start, end = ax.get_xlim()
    if math.isnan(value) or not start <= value <= end:
        return
    ax.plot(
        [value],
        [y],
        linestyle="none",
        marker=marker,
        markersize=side,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=0.0 if filled else 0.9,
        # Below the line where filled, so that the line is seen across it.
        zorder=2.0 if filled else 3.0,
        gid="estimate",
    )


def draw_diamond(
    ax: Axes,
    y: float,
    value: float,
    low: float,
    high: float,
    *,
    half_height: float = 3.6,
    colour: str = BLACK,
) -> None:
    """Draw a pooled estimate; without limits it is a thin diamond of its own."""
    if math.isnan(value):
        return
    if math.isnan(low) or math.isnan(high):
        ax.plot([value], [y], marker="d", markersize=5.5, color=colour, linestyle="none", gid="diamond")
        return
    start, end = ax.get_xlim()
    left, right = max(low, start), min(high, end)
    _draw_arrows(ax, y, low, high, colour=colour)
    if left >= right:
        return
    middle = min(max(value, left), right)
    corners = [(left, y), (middle, y - half_height), (right, y), (middle, y + half_height)]
    ax.add_patch(
        Polygon(
            corners, closed=True, facecolor=colour, edgecolor=colour, linewidth=0.6, zorder=3, gid="diamond"
        )
    )


def draw_prediction(ax: Axes, y: float, low: float, high: float) -> None:
    """Draw a prediction interval: a broad grey bar with upright ends."""
    drawn = _draw_line(ax, y, low, high, colour=GREY, width=2.6, gid="prediction interval")
    start, end = ax.get_xlim()
    if drawn:
        for limit in (low, high):
            if start <= limit <= end:
                ax.plot(
                    [limit],
                    [y],
                    marker="|",
                    markersize=6.5,
                    markeredgewidth=1.1,
                    color=GREY,
                    linestyle="none",
                )


def _draw_line(ax: Axes, y: float, low: float, high: float, *, colour: str, width: float, gid: str) -> bool:
    if math.isnan(low) or math.isnan(high):
        return False
    start, end = ax.get_xlim()
    _draw_arrows(ax, y, low, high, colour=colour, size=4.5 + 1.5 * (width - 0.9))
    left, right = max(low, start), min(high, end)
    if left > right:
        return False
    ax.plot(
        [left, right],
        [y, y],
        color=colour,
        linewidth=width,
        solid_capstyle="butt",
        zorder=2.5,
        clip_on=False,
        gid=gid,
    )
    return True


def _draw_arrows(ax: Axes, y: float, low: float, high: float, *, colour: str, size: float = 4.5) -> None:
    start, end = ax.get_xlim()
    for cut, place, marker in ((low < start, start, CARETLEFT), (high > end, end, CARETRIGHT)):
        if cut:
            ax.plot(
                [place],
                [y],
                marker=marker,
                markersize=size,
                markeredgewidth=0,
                color=colour,
                linestyle="none",
                zorder=2.6,
                clip_on=False,
                gid="arrow",
            )
