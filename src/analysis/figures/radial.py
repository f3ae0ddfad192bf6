"""Radial plots (Galbraith): standardized effects against precision, with the effects on an arc.

Takes what `meta.influence.radial` found. Every study is a line from the origin: its slope is the effect,
which the arc shows on the reporting scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator

from analysis.figures.parts.axes import AxisScale, axis_scale, nice_ticks, set_x_axis
from analysis.figures.parts.label_places import place_labels
from analysis.figures.parts.plane import (
    KeyEntry,
    draw_key,
    figure_of,
    panel_points,
    plane_page,
    set_y_axis,
    widest_label,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, LIGHT_GREY, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font, text_width
from analysis.figures.parts.writer import MARGIN
from analysis.meta.influence import Radial
from analysis.tables.format import format_count, format_estimate, format_number
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray

__all__ = ["figure_radial", "plot_radial"]

# Shares of the radius: how far out the outermost study lies, and the panel's height that the drawing fills.
_OUTERMOST, _FILLED_HEIGHT = 0.93, 0.94
# Studies nearer to the origin than this share of the outermost do not stretch the arc.
_LONG_ENOUGH = 0.3
_TICK = 3.0
# Even steps of a proportion crowd where the logit stretches.
_PERCENTAGES = (0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 50, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 99.99)


def plot_radial(result: Radial, *, annotate: bool = True, ax: Axes | None = None) -> Axes:
    """Draw a radial plot with the pooled effect, the band around it and the arc of effects.

    Parameters
    ----------
    result : Radial
        Of one meta-analysis, from `radial(effects)`.
    annotate : bool, default True
        Whether studies outside of the band are named. They are filled, the others rings.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. The arc is fitted to the size
        that the axes have now.

    Returns
    -------
    Axes
        x is the precision 1/√(v + tau2), y the effect (analysis scale) times it.

    Raises
    ------
    TypeError, ValueError
        If `result` is of another type or of several meta-analyses.

    Notes
    -----
    The line from the origin through a study meets the arc at its effect; the pooled line has the pooled
    effect as its slope, and under homogeneity a study lies within the band (the normal quantile of the level,
    about 2) in 95 % of cases. Arc ticks stand where the lines of these effects meet the arc.

    References
    ----------
    Galbraith RF (1988). A note on graphical presentation of estimated odds ratios from several clinical
    trials. Stat Med 7:889-894. DOI 10.1002/sim.4780070807. (Citation not verified.)

    Anzures-Cabrera J, Higgins JPT (2010). Graphical displays for meta-analysis: an overview with suggestions
    for practice. Res Synth Methods 1:66-80. DOI 10.1002/jrsm.6
    """
    _check(result)
    with house_style():
        if ax is None:
            ax = plane_page(widest=_widest(result), right=_right())
        _draw(ax, result, annotate=annotate)
    return ax


def figure_radial(
    result: Radial,
    *,
    annotate: bool = True,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a radial plot on a page.

    Parameters
    ----------
    result, annotate
        As for `plot_radial`.
    width_mm : float, optional
        Printed width; by default one column of the journal.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_radial`, or if the width is not between 60 and 400 mm.
    """
    _check(result)
    outside = np.abs(result.distance) > result.half_band
    reach = format_number(result.half_band)
    key = [KeyEntry(text="study", marker="o", filled=False)] if not outside.all() else []
    if outside.any():
        key.append(KeyEntry(text="study outside of the band", marker="o", colour=BLUE))
    key += [
        KeyEntry(text="pooled", line="-", width=1.1),
        KeyEntry(text=f"band of ±{reach}", patch=LIGHT_GREY),
    ]
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest=_widest(result),
            right=_right(),
            key=key,
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        left_out = _draw(ax, result, annotate=annotate)
        draw_key(ax, key)
    return keep_record(figure_of(ax), _record(result, reach, len(left_out)))


def _record(result: Radial, reach: str, nameless: int) -> FigureRecord:
    import pandas as pd

    room = f" No room for {nameless} of their names." if nameless else ""

    measure, estimate = measure_of(result.slope.effects.measure), result.slope.estimate
    count = format_count(len(result.label))
    outside = np.abs(result.distance) > result.half_band
    pooled = format_estimate(
        estimate.value.item(), estimate.low.item(), estimate.high.item(), measure=measure.code
    )
    names = ", ".join(name for name, out in zip(result.label, outside, strict=True) if out)
    tau2 = (
        "" if result.slope.model == "common" else f" with τ² = {format_number(result.slope.tau2.item(), 3)}"
    )
    studies = result.to_frame().drop(columns=["study", "half_band"]).assign(kind="study", outside=outside)
    studies["value"] = scale_of(measure.scale).backward(result.standardized / result.precision)
    line = pd.DataFrame(
        {
            "kind": ["pooled line", "null line"],
            "label": ["pooled", "no effect"],
            "value": [estimate.value.item(), measure.null],
        }
    )[: 1 if measure.null is None else 2]
    band = pd.DataFrame(
        {"kind": "band", "label": ["lower", "upper"], "distance": [-result.half_band, result.half_band]}
    )
    return FigureRecord(
        title=f"Radial plot of {count} studies ({measure.label.lower()})",
        caption=(
            "Radial plot: effect over its standard error (vertical) against precision, 1 over the standard "
            f"error{tau2} (horizontal), {result.slope.model}-effect model. A line from the origin through a "
            f"study meets the arc at its {measure.label.lower()}. Thick line: pooled {pooled}; band: "
            f"±{reach} around it; thin line: no effect. Filled: studies outside of the band.{room}"
        ),
        alt=(
            f"Radial plot of {count} studies. Pooled {measure.label.lower()} {pooled}. "
            f"{format_count(outside.sum())} of {count} studies lie outside of the band of ±{reach} around "
            f"the pooled line{f': {names}' if names and outside.sum() <= 12 else ''}."
        ),
        numbers=pd.concat([studies, line, band], ignore_index=True),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sector:
    """The geometry: points of length for one unit of x and of y, and the radius of the arc."""

    across: float
    up: float
    radius: float
    low: float
    high: float

    def on_arc(self, slope: FloatArray, radius: float) -> tuple[FloatArray, FloatArray]:
        """Return where lines of such slopes are at a distance (points) from the origin."""
        angle = np.arctan2(slope * self.up, self.across)
        return radius * np.cos(angle) / self.across, radius * np.sin(angle) / self.up


def _sector(result: Radial, width: float, height: float, label_room: float) -> _Sector:
    """Choose the units so that the arc fills the width, and points, band and arc the height."""
    x, z = result.precision, result.standardized
    mean = float(result.slope.mean)
    radius = width - label_room
    long_ones = x >= _LONG_ENOUGH * x.max()
    slopes = [mean, *(z[long_ones] / x[long_ones])]
    if measure_of(result.slope.effects.measure).null is not None:
        slopes.append(0.0)
    spread = max(slopes) - min(slopes) or abs(mean) or 1.0
    low, high = min(slopes) - 0.12 * spread, max(slopes) + 0.12 * spread

    def extent(ratio: float) -> tuple[float, float, float]:
        across = _OUTERMOST * radius / float(np.hypot(x, ratio * z).max())
        up = ratio * across
        ends = [radius * math.sin(math.atan(slope * ratio)) for slope in (low, high)]
        edges = [up * z.min(), up * z.max(), -up * result.half_band, up * result.half_band]
        return across, min([*ends, *edges]), max([*ends, *edges])

    # Everything grows with the ratio of the units, so the ratio that fills the height is bracketed.
    least, most = 1e-9, 1e9
    for _ in range(120):
        middle = math.sqrt(least * most)
        _, bottom, top = extent(middle)
        if top - bottom > _FILLED_HEIGHT * height:
            most = middle
        else:
            least = middle
    across, bottom, top = extent(least)
    up = least * across
    pad = (height - (top - bottom)) / 2
    return _Sector(across=across, up=up, radius=radius, low=(bottom - pad) / up, high=(top + pad) / up)


def _widest(result: Radial) -> str:
    reach = 1.4 * max(float(np.abs(result.standardized).max()), result.half_band)
    return widest_label(-reach, reach)


def _right() -> float:
    """Return the room for the name of the arc."""
    return current().body_size * LINE_SPACING + MARGIN + 2.0


def _draw(ax: Axes, result: Radial, *, annotate: bool) -> tuple[int, ...]:
    measure = measure_of(result.slope.effects.measure)
    scale = axis_scale(measure.code)
    width, height = panel_points(ax)
    longest = "−0.00" if scale.null == 0 else "0.05"
    room = text_width(longest, size=current().small_size) + _TICK + 2.0
    sector = _sector(result, width, height, room)
    error = "standard error" if result.slope.model == "common" else "√(SE² + τ²)"
    # The axis ends where the arc does; right of it stand the arc's labels.
    end = sector.radius / sector.across
    named = AxisScale(label=f"Precision (1/{error})", log=False, factor=1.0, null=None, proportion=False)
    set_x_axis(ax, named, 0.0, width / sector.across)
    ticks = nice_ticks(0.0, end, width=sector.radius, log=False)
    ax.xaxis.set_major_locator(FixedLocator(ticks[0]))
    ax.xaxis.set_major_formatter(FixedFormatter(ticks[1]))
    for text in ax.get_xticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    ax.spines["bottom"].set_bounds(0.0, end)
    set_y_axis(ax, f"Effect/{error}", sector.low, sector.high)
    _draw_line(ax, sector, result, measure.null is not None)
    _draw_arc(ax, sector, result, scale)
    outside = np.abs(result.distance) > result.half_band
    side = 4.6 if outside.size <= 60 else 3.4
    for part, filled in ((~outside, False), (outside, True)):
        if part.any():
            ax.plot(
                result.precision[part],
                result.standardized[part],
                linestyle="none",
                marker="o",
                markersize=side,
                markerfacecolor=BLUE if filled else "white",
                markeredgecolor=BLUE if filled else BLACK,
                markeredgewidth=0.6,
                zorder=4,
                gid="outside study" if filled else "study",
            )
    if not annotate:
        return ()
    order = np.argsort(-np.abs(result.distance), kind="stable")
    wanted = [int(i) for i in order if outside[i]][:12]
    mean, precise = float(result.slope.mean), np.linspace(0, result.precision.max(), 60)
    arc = sector.on_arc(np.linspace(*_slopes_at_ends(sector), 90), sector.radius)
    half = result.half_band
    parallels = [mean * precise + offset for offset in (-half, 0.0, half)]
    lines = (
        np.concatenate([*[precise] * 4, arc[0]]),
        np.concatenate([*parallels, 0.0 * precise, arc[1]]),
    )
    return place_labels(
        ax,
        result.precision,
        result.standardized,
        result.label,
        wanted=wanted,
        radius=side / 2,
        avoid=lines,
    )


def _draw_line(ax: Axes, sector: _Sector, result: Radial, has_null: bool) -> None:  # noqa: FBT001 -- private
    mean, half = float(result.slope.mean), result.half_band
    slopes = [mean, 0.0] if has_null else [mean]
    end_x, end_y = sector.on_arc(np.array(slopes), sector.radius)
    ax.plot([0, end_x[0]], [0, end_y[0]], color=BLACK, linewidth=1.1, zorder=2, gid="pooled line")
    if has_null:
        ax.plot([0, end_x[1]], [0, end_y[1]], color=GREY, linewidth=0.8, zorder=1.8, gid="null line")
    # The band ends where it meets the arc, lower and upper edge each at its own place.
    ends = [_meets_arc(sector, mean, side * half) for side in (-1, 1)]
    at_arc = [
        math.atan2((mean * end + side * half) * sector.up, end * sector.across)
        for end, side in zip(ends, (-1, 1), strict=True)
    ]
    arc = np.linspace(at_arc[0], at_arc[1], 60)
    ax.fill(
        [0.0, *(sector.radius * np.cos(arc) / sector.across), 0.0],
        [-half, *(sector.radius * np.sin(arc) / sector.up), half],
        facecolor=LIGHT_GREY,
        edgecolor="none",
        zorder=1,
        gid="band",
    )
    for end, side in zip(ends, (-1, 1), strict=True):
        ax.plot(
            [0.0, end],
            [side * half, mean * end + side * half],
            color=GREY,
            linewidth=0.5,
            zorder=1.5,
            gid="band edge",
        )


def _meets_arc(sector: _Sector, slope: float, offset: float) -> float:
    """Return x where the line offset + slope x meets the circle of the arc."""
    a = sector.across**2 + (slope * sector.up) ** 2
    b = slope * offset * sector.up**2
    c = (offset * sector.up) ** 2 - sector.radius**2
    return (-b + math.sqrt(max(b * b - a * c, 0.0))) / a


def _slopes_at_ends(sector: _Sector) -> tuple[float, float]:
    """Return the slopes at which the arc leaves the panel, or nearly points straight up or down."""
    slopes = []
    for edge in (sector.low, sector.high):
        sine = min(max(edge * sector.up / sector.radius, -0.999), 0.999)
        slopes.append(math.tan(math.asin(sine)) * sector.across / sector.up)
    return slopes[0], slopes[1]


def _draw_arc(ax: Axes, sector: _Sector, result: Radial, scale: AxisScale) -> None:
    transformation = scale_of(measure_of(result.slope.effects.measure).scale)
    size = current().small_size
    low, high = _slopes_at_ends(sector)
    x, y = sector.on_arc(np.linspace(low, high, 200), sector.radius)
    ax.plot(x, y, color=BLACK, linewidth=0.8, zorder=2, clip_on=False, gid="arc")
    angles = np.arctan2(np.array([low, high]) * sector.up, sector.across)
    # Labels stand one above the other: their height decides how many there is room for.
    length = sector.radius * float(angles[1] - angles[0])
    ends = scale.factor * transformation.backward(np.array([low, high]))
    bottom, top = float(ends[0]), float(ends[1])
    if transformation.name == "logit":
        ticks = [tick for tick in _PERCENTAGES if bottom < tick < top]
        labels = [
            format_number(tick, 0 if tick == int(tick) else 2 if tick < 0.1 or tick > 99.9 else 1)
            for tick in ticks
        ]
    else:
        ticks, labels, _ = nice_ticks(bottom, top, width=1.2 * length, log=scale.log)
    slopes = transformation.forward(np.array(ticks) / scale.factor)
    tick_x, tick_y = sector.on_arc(slopes, sector.radius)
    outer_x, outer_y = sector.on_arc(slopes, sector.radius + _TICK)
    written: list[float] = []
    # No effect first, then outwards: it must not lose its label to a neighbour.
    for i in sorted(range(len(ticks)), key=lambda i: (ticks[i] != scale.null, abs(slopes[i]))):
        height = float(outer_y[i]) * sector.up
        inside = (sector.low * sector.up + 0.5 * size) < height < (sector.high * sector.up - 0.5 * size)
        if not inside or any(abs(height - other) < 1.3 * size for other in written):
            continue
        written.append(height)
        ax.plot(
            [tick_x[i], outer_x[i]],
            [tick_y[i], outer_y[i]],
            color=BLACK,
            linewidth=0.6,
            clip_on=False,
            gid="arc tick",
        )
        ax.annotate(
            labels[i],
            xy=(float(outer_x[i]), float(outer_y[i])),
            xytext=(2.0, 0.0),
            textcoords="offset points",
            ha="left",
            va="center",
            fontproperties=font(size),
            color=BLACK,
            annotation_clip=False,
            gid="arc label",
            parse_math=False,
        )
    ax.annotate(
        scale.label.removesuffix(" (log scale)"),
        xy=(1.0, 0.5),
        xycoords="axes fraction",
        xytext=(2.0, 0.0),
        textcoords="offset points",
        rotation=-90,
        ha="left",
        va="center",
        fontproperties=font(),
        color=BLACK,
        annotation_clip=False,
        gid="arc name",
        parse_math=False,
    )


def _check(result: Radial) -> None:
    if not isinstance(result, Radial):
        raise TypeError(
            f"`result` must be Radial, but got {type(result).__name__}. It comes from radial(effects)."
        )
    if result.precision.ndim != 1:
        raise ValueError(
            f"`result` must be of one meta-analysis, but has shape {result.precision.shape}. "
            "Draw one at a time."
        )
