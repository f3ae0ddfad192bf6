"""The marks of a forest plot: squares with intervals, diamonds, prediction intervals, judgements."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.marks import (
    LARGEST_SIDE,
    add_line,
    draw_diamond,
    draw_interval,
    draw_prediction,
    draw_prediction_ground,
    weighted_side,
)
from analysis.figures.style import GREY, LIGHT_GREY, POINTS_PER_INCH, current
from analysis.meta.prediction_density import prediction_density

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from analysis.figures.parts.axes import AxisScale
    from analysis.figures.parts.forest_columns import ForestTable
    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.forest_lines import Line
    from analysis.figures.parts.page import Page
    from analysis.figures.parts.summaries import Summary

__all__ = ["draw_judgements", "draw_lines", "judgement_of", "points_per_unit", "sides"]

# Square and diamond at rows of this height in points, and their share of lower rows.
_FULL_ROW = 9.0


def sides(content: ForestInput, *, row_height: float, within: bool = False) -> list[float]:
    """Return the side of each row's mark in points: areas go by weight, of all studies or in the subgroup."""
    largest_side = LARGEST_SIDE * min(1.0, row_height / _FULL_ROW)
    if content.steps is not None:
        return [0.7 * largest_side] * content.k
    weights = content.weights_within if within else content.weights
    if weights is None:
        return [0.6 * largest_side] * content.k
    largest = float(weights.max())
    return [
        weighted_side(float(weight), largest, largest_side=largest_side)
        if weight > 0
        else 0.55 * largest_side
        for weight in weights
    ]


def draw_lines(
    ax: Axes,
    content: ForestInput,
    scale: AxisScale,
    look: ForestLayout,
    lines: Sequence[Line],
    positions: Sequence[float],
    *,
    prediction: str,
    half_height: float,
    row_height: float,
    continues: bool = False,
    within: bool = False,
) -> None:
    """Draw what each line shows at its place.

    Parameters
    ----------
    ax : Axes
        With limits and scale set.
    content, scale, look : ForestInput, AxisScale, ForestLayout
        What is drawn and how.
    lines, positions : sequences
        The lines with their y-values.
    prediction : str
        How prediction intervals are drawn.
    half_height : float
        Of a diamond, in units of y.
    row_height : float
        In points.
    continues : bool
        Whether pooled rows come on a later page, to which the line of the pooled estimate leads.
    within : bool
        Whether areas go by the weights within subgroups.
    """
    size = sides(content, row_height=row_height, within=within)
    weights = content.weights
    values, lows, highs = (
        scale.factor * np.asarray(part)
        for part in (content.intervals.value, content.intervals.low, content.intervals.high)
    )
    first = content.summaries[0] if content.summaries else None
    end = None
    for line, y in zip(lines, positions, strict=True):
        if line.kind == "row" and line.row is not None:
            i = line.row
            # A study that was left out of the pooling has a hollow square.
            inside = weights is None or weights[i] > 0
            draw_interval(
                ax,
                y,
                float(values[i]),
                float(lows[i]),
                float(highs[i]),
                side=size[i],
                marker="s" if content.steps is None else "o",
                filled=bool(inside),
                colour=look.square,
                seen_through=True,
            )
        elif line.kind == "pooled" and line.summary is not None:
            _draw_pooled(ax, line.summary, scale, look, y, prediction=prediction, half_height=half_height)
            end = y if line.summary is first else end
        elif line.kind == "prediction" and line.summary is not None:
            _draw_prediction(ax, line.summary, scale, y, prediction=prediction, half_height=half_height)
    if first is not None and (end is not None or continues):
        _draw_pooled_line(ax, scale.factor * float(first.estimate.value), end)


def _draw_pooled(
    ax: Axes,
    summary: Summary,
    scale: AxisScale,
    look: ForestLayout,
    y: float,
    *,
    prediction: str,
    half_height: float,
) -> None:
    value, low, high = (
        scale.factor * float(part)
        for part in (summary.estimate.value, summary.estimate.low, summary.estimate.high)
    )
    if prediction == "shade" and summary.prediction is not None:
        draw_prediction_ground(
            ax, y, *(scale.factor * limit for limit in summary.prediction), half_height=1.15 * half_height
        )
    # Diamonds of subgroups are hollow: they are parts of the one below.
    draw_diamond(
        ax,
        y,
        value,
        low,
        high,
        half_height=half_height * (0.85 if summary.group is not None else 1.0),
        colour=look.diamond,
        filled=summary.group is None,
    )


def _draw_pooled_line(ax: Axes, value: float, end: float | None) -> None:
    bottom, top = ax.get_ylim()
    start, stop = ax.get_xlim()
    if math.isfinite(value) and start <= value <= stop:
        add_line(
            ax,
            [value, value],
            [top, bottom if end is None else end],
            color=GREY,
            linewidth=0.6,
            linestyle=(0, (2, 2)),
            zorder=0.6,
            gid="pooled line",
        )


def _draw_prediction(
    ax: Axes, summary: Summary, scale: AxisScale, y: float, *, prediction: str, half_height: float
) -> None:
    if summary.prediction is None or summary.analysis is None:
        return
    low, high = (scale.factor * limit for limit in summary.prediction)
    if prediction != "density":
        draw_prediction(ax, y, low, high)
        return
    _draw_density(ax, summary, scale, y, low, high, half_height=half_height)


def _draw_density(
    ax: Axes, summary: Summary, scale: AxisScale, y: float, low: float, high: float, *, half_height: float
) -> None:
    """Draw the density of a further study's effect, the prediction interval shaded under it."""
    if summary.analysis is None:
        return
    curve = prediction_density(summary.analysis.pooled)
    index = summary.analysis.index
    several = curve.effect.ndim > 1
    effect, value, density = (
        np.asarray(part[0 if index is None else index] if several else part)
        for part in (curve.effect, curve.value, curve.density)
    )
    x = scale.factor * value
    start, end = ax.get_xlim()
    inside = (x >= start) & (x <= end) & np.isfinite(scale.forward(x))
    if inside.sum() < 3:
        draw_prediction(ax, y, low, high)
        return
    x, effect, density = x[inside], effect[inside], density[inside]
    # By unit of the axis, which need not be the scale of the analysis.
    height = density * np.gradient(effect, scale.forward(x))
    base = y + 1.6 * half_height
    top = base - 3.4 * half_height * height / height.max()
    ax.fill_between(
        x, base, top, facecolor="white", edgecolor=GREY, linewidth=0.6, zorder=1.4, gid="prediction density"
    )
    within = (x >= low) & (x <= high)
    if within.sum() > 1:
        ax.fill_between(
            x[within],
            base,
            top[within],
            facecolor=LIGHT_GREY,
            edgecolor="none",
            zorder=1.5,
            gid="prediction interval area",
        )
    shown = [min(max(limit, start), end) for limit in (low, high)]
    add_line(
        ax,
        shown,
        [base, base],
        color=GREY,
        linewidth=1.6,
        solid_capstyle="butt",
        zorder=2.5,
        gid="prediction interval",
    )


def draw_judgements(
    page: Page,
    table: ForestTable,
    content: ForestInput,
    lines: Sequence[Line],
    centres: Sequence[float],
) -> None:
    """Draw the judgements on the risk of bias in their columns."""
    judged = content.risk_of_bias
    if judged is None or not table.judged:
        return
    from analysis.figures.parts.judgements import draw_judgement

    overlay = page.overlay()
    size = 1.12 * current().body_size
    heights = [abs(b - a) for a, b in pairwise(centres)]
    if heights:
        size = min(size, 0.97 * min(heights))
    places: dict[str, list[tuple[float, float]]] = {}
    for column, domain in table.judged:
        x = (table.layout.left[column] + table.layout.right[column]) / 2
        for line, y in zip(lines, centres, strict=True):
            if line.row is not None:
                places.setdefault(judgement_of(content, line.row, domain), []).append((x, y))
    for judgement, points in places.items():
        draw_judgement(overlay, [x for x, _ in points], [y for _, y in points], judgement, size)


def judgement_of(content: ForestInput, row: int, domain: int) -> str:
    """Return a judgement as text; the domain after the last one is the overall judgement."""
    judged = content.risk_of_bias
    if judged is None:
        return "not applicable"
    if domain == len(judged.domain) and judged.overall is not None:
        return judged.overall[row]
    return str(judged.judgement[row, domain])


def points_per_unit(ax: Axes) -> float:
    """Return the height of one unit of y in points."""
    bottom, top = ax.get_ylim()
    return abs(float(ax.get_window_extent().height) / (bottom - top)) * POINTS_PER_INCH / float(ax.figure.dpi)
