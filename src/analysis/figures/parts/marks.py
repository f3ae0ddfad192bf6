"""Marks on the axis: intervals with their estimates, diamonds, prediction bars, arrows where the axis ends.

Coordinates are those of the axes; sizes are points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.markers import CARETLEFT, CARETRIGHT
from matplotlib.patches import Polygon, Rectangle

from analysis.figures.style import BLACK, BLUE, GREY, LIGHT_GREY, POINTS_PER_INCH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = [
    "add_line",
    "capped_side",
    "draw_diamond",
    "draw_interval",
    "draw_prediction",
    "draw_prediction_ground",
    "square_side",
    "weighted_side",
]

LARGEST_SIDE = 7.5
SMALLEST_SIDE = 2.4
# A square without any weight to speak of is still a square.
_LEAST_SIDE = 2.0
_SHARE_OF_INTERVAL = 0.6


def add_line(ax: Axes, x: Sequence[float], y: Sequence[float], **settings: Any) -> Line2D:  # noqa: ANN401 -- what Line2D takes
    """Add a line or markers; unlike `Axes.plot` it leaves limits alone, and is several times faster."""
    line = Line2D(x, y, **settings)
    ax.add_artist(line)
    return line


def weighted_side(weight: float, largest_weight: float, *, largest_side: float = LARGEST_SIDE) -> float:
    """Return the side of a study's square in points: its area goes by the weight."""
    if largest_weight <= 0:
        return 0.6 * largest_side
    return max(largest_side * math.sqrt(max(weight, 0.0) / largest_weight), _LEAST_SIDE)


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
    seen_through: bool = False,
) -> None:
    """Draw an estimate with its interval; what is NaN is not drawn, what the axis cuts ends in an arrow.

    Of an interval with one limit the line goes from the estimate to that limit.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    y, value, low, high : float
        Coordinates.
    side : float
        Of the marker, in points.
    marker : str, default "s"
        As matplotlib names it.
    filled : bool, default True
        Whether the marker is full.
    colour : str
        Of the marker.
    seen_through : bool, default False
        Whether the interval is drawn in white where it lies within a full marker that would hide most of it.
    """
    if math.isnan(low) != math.isnan(high) and not math.isnan(value):
        low, high = (value if math.isnan(end) else end for end in (low, high))
    visible = _visible_points(ax, low, high) if seen_through and filled else None
    hidden = visible is not None and side > _SHARE_OF_INTERVAL * visible
    _draw_line(ax, y, low, high, colour=BLACK, width=0.9, gid="interval", below=hidden)
    start, end = ax.get_xlim()
    if math.isnan(value) or not start <= value <= end:
        return
    add_line(
        ax,
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
    if hidden:
        _draw_within(ax, y, value, low, high, side)


def _draw_within(ax: Axes, y: float, value: float, low: float, high: float, side: float) -> None:
    """Draw the part of an interval that lies within its marker in white."""
    half = side / 2 * float(ax.figure.dpi) / POINTS_PER_INCH
    start, end = ax.get_xlim()
    axis = ax.transScale + ax.transLimits
    width = float(ax.bbox.width)
    middle = float(axis.transform((value, y))[0]) * width
    inside = [float(axis.transform((min(max(limit, start), end), y))[0]) * width for limit in (low, high)]
    left, right = max(inside[0], middle - half), min(inside[1], middle + half)
    if right > left:
        ends = axis.inverted().transform([(left / width, 0.0), (right / width, 0.0)])[:, 0]
        add_line(
            ax,
            [float(x) for x in ends],
            [y, y],
            color="white",
            linewidth=0.7,
            solid_capstyle="butt",
            zorder=2.7,
            gid="interval in square",
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
    filled: bool = True,
) -> None:
    """Draw a pooled estimate; without limits it is a thin diamond of its own."""
    if math.isnan(value):
        return
    start, end = ax.get_xlim()
    if math.isnan(low) or math.isnan(high):
        if start <= value <= end:
            add_line(
                ax,
                [value],
                [y],
                marker="d",
                markersize=5.5,
                color=colour,
                markerfacecolor=colour if filled else "white",
                linestyle="none",
                zorder=3,
                gid="diamond",
            )
        return
    left, right = max(low, start), min(high, end)
    _draw_arrows(ax, y, low, high, colour=colour)
    if left >= right:
        return
    middle = min(max(value, left), right)
    corners = [(left, y), (middle, y - half_height), (right, y), (middle, y + half_height)]
    ax.add_patch(
        Polygon(
            corners,
            closed=True,
            facecolor=colour if filled else "white",
            edgecolor=colour,
            linewidth=0.6 if filled else 0.9,
            joinstyle="miter",
            zorder=3,
            gid="diamond",
        )
    )


def draw_prediction(ax: Axes, y: float, low: float, high: float) -> None:
    """Draw a prediction interval: a broad grey bar with upright ends."""
    drawn = _draw_line(ax, y, low, high, colour=GREY, width=2.6, gid="prediction interval")
    start, end = ax.get_xlim()
    if drawn:
        for limit in (low, high):
            if start <= limit <= end:
                add_line(
                    ax,
                    [limit],
                    [y],
                    marker="|",
                    markersize=6.5,
                    markeredgewidth=1.1,
                    color=GREY,
                    linestyle="none",
                    gid="prediction end",
                )


def draw_prediction_ground(ax: Axes, y: float, low: float, high: float, *, half_height: float) -> None:
    """Draw a prediction interval as a grey ground on which its diamond stands."""
    start, end = ax.get_xlim()
    left, right = max(low, start), min(high, end)
    _draw_arrows(ax, y, low, high, colour=GREY)
    if left < right:
        ax.add_patch(
            Rectangle(
                (left, y - half_height),
                right - left,
                2 * half_height,
                facecolor=LIGHT_GREY,
                edgecolor=GREY,
                linewidth=0.5,
                zorder=1.5,
                gid="prediction interval",
            )
        )


def _draw_line(
    ax: Axes,
    y: float,
    low: float,
    high: float,
    *,
    colour: str,
    width: float,
    gid: str,
    below: bool = False,
) -> bool:
    if math.isnan(low) or math.isnan(high):
        return False
    start, end = ax.get_xlim()
    _draw_arrows(ax, y, low, high, colour=colour, size=4.5 + 1.5 * (width - 0.9))
    left, right = max(low, start), min(high, end)
    if left > right:
        return False
    add_line(
        ax,
        [left, right],
        [y, y],
        color=colour,
        linewidth=width,
        solid_capstyle="butt",
        zorder=1.9 if below else 2.5,
        clip_on=False,
        gid=gid,
    )
    return True


def _draw_arrows(ax: Axes, y: float, low: float, high: float, *, colour: str, size: float = 4.5) -> None:
    start, end = ax.get_xlim()
    for cut, place, marker in ((low < start, start, CARETLEFT), (high > end, end, CARETRIGHT)):
        if cut:
            add_line(
                ax,
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
