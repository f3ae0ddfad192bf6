"""Lines of equal effect in the plane of two risks, with a band around one and values at their ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.plane import panel_points
from analysis.figures.style import BLACK, LIGHT_GREY, current
from analysis.figures.parts.text import font, text_width
from analysis.figures.parts.writer import MARGIN
from analysis.tables.format import format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.typing import LineStyleType

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["LINE_MEASURES", "draw_lines", "room_above", "room_beside", "write_values"]

# Measures that are a line in the plane of the two risks; Peto's is an odds ratio.
LINE_MEASURES = {"RR": "RR", "OR": "OR", "PETO": "OR", "RD": "RD"}
_DASHES: tuple[LineStyleType, ...] = ("-", (0, (5.0, 1.6)), (0, (1.0, 1.2)), (0, (5.0, 1.4, 1.0, 1.4)))


def draw_lines(ax: Axes, estimates: Sequence[Estimate], grid: FloatArray, high: float) -> list[FloatArray]:
    """Draw the line of each estimate over risks of the controls in percent, and return the lines."""
    curves = []
    for i, estimate in enumerate(estimates):
        risk = _exposed(estimate.measure, estimate.value.item(), grid)
        curves.append(np.where((risk >= grid[0]) & (risk <= high), risk, np.nan))
        ax.plot(
            grid,
            curves[-1],
            color=BLACK,
            linewidth=1.1,
            linestyle=_DASHES[i % len(_DASHES)],
            zorder=2,
            gid="pooled line",
        )
    if estimates:
        _draw_band(ax, estimates[0], grid)
    return curves


def _exposed(measure: str, value: float, control: FloatArray) -> FloatArray:
    """Return the risk of the exposed (%) at which the measure has the value."""
    kind = LINE_MEASURES[measure]
    if kind == "RR":
        return value * control
    if kind == "RD":
        return control + 100 * value
    risk = control / 100
    return np.asarray(100 * value * risk / (1 - risk + value * risk))


def _draw_band(ax: Axes, estimate: Estimate, grid: FloatArray) -> None:
    ends = (estimate.low.item(), estimate.high.item())
    if not all(math.isfinite(end) for end in ends):
        return
    lower, upper = (np.clip(_exposed(estimate.measure, end, grid), grid[0], grid[-1]) for end in ends)
    band = ax.fill_between(grid, lower, upper, facecolor=LIGHT_GREY, linewidth=0, zorder=0.5)
    band.set_gid("band")


def write_values(
    ax: Axes, estimates: Sequence[Estimate], grid: FloatArray, curves: Sequence[FloatArray]
) -> None:
    """Write each value where its line leaves the panel: on the right, or above."""
    size = current().small_size
    (left, _), (low, high) = ax.get_xlim(), ax.get_ylim()
    width, height = panel_points(ax)
    beside, above = math.inf, math.inf
    # From above downwards on the right, and from right to left above: close ends keep their texts apart.
    for i in sorted(range(len(curves)), key=lambda i: -np.nan_to_num(curves[i][-1], nan=high)):
        if math.isfinite(curves[i][-1]):
            beside = min((float(curves[i][-1]) - low) / (high - low) * height, beside - 1.25 * size)
            _write_value(ax, _value_text(estimates[i]), width + 4.0, beside)
    tops = [
        (float(grid[np.flatnonzero(np.isfinite(curve))[-1]]), i)
        for i, curve in enumerate(curves)
        if np.isfinite(curve).any() and not np.isfinite(curve[-1])
    ]
    for end, i in sorted(tops, reverse=True):
        text = _value_text(estimates[i])
        extent = text_width(text, size=size)
        place = (end - left) / (high - low) * width - extent / 2
        above = max(min(place, above - 6.0 - extent), 0.0)
        _write_value(ax, text, above, height + 0.75 * size)


def _write_value(ax: Axes, text: str, x: float, y: float) -> None:
    """Write a text with its left end and middle at points from the lower left corner of the panel."""
    ax.annotate(
        text,
        xy=(0.0, 0.0),
        xycoords="axes fraction",
        xytext=(x, y),
        textcoords="offset points",
        ha="left",
        va="center",
        fontproperties=font(current().small_size),
        color=BLACK,
        annotation_clip=False,
        gid="line value",
        parse_math=False,
    )


def room_above(estimates: Sequence[Estimate], high: float) -> float:
    """Return the room for values above a panel that ends at this risk, where a line leaves it there."""
    above = any(_exposed(each.measure, each.value.item(), np.array(high)) > high for each in estimates)
    return 1.3 * current().small_size if above else 0.0


def _value_text(estimate: Estimate) -> str:
    return f"{estimate.measure} {format_number(estimate.value.item())}"


def room_beside(estimates: Sequence[Estimate]) -> float:
    """Return the room for values right of the panel."""
    size = current().small_size
    widest = max((text_width(_value_text(estimate), size=size) for estimate in estimates), default=0.0)
    return max(10.0, 4.0 + widest + MARGIN)
