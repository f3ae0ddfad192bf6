"""GOSH plots: the pooled effects of all subsets of the studies against their heterogeneity, as a density.

Takes finished subsets of `meta.gosh`; all that is done to them here is counting them into cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedFormatter, FixedLocator

from analysis.figures.parts.axes import AxisScale, axis_scale, nice_ticks, set_x_axis
from analysis.figures.parts.panels import PanelPage, fill_axes, panel_page, plain_scale, set_y_axis
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    SKY_BLUE,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.meta.gosh import Gosh
from analysis.tables.format import format_count, format_number, format_percent, is_percent
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["figure_gosh", "plot_gosh"]

_LABELS = {"i2": "I² (%)", "tau2": "Between-study variance τ²"}
# Cells of the density along either axis; up to so many subsets are drawn as points.
_CELLS = 160
_POINTS = 2000
_BARS = 80
# From few subsets to many: lightness falls evenly, so that the map reads the same in grey.
_SHADES = LinearSegmentedColormap.from_list(
    "subsets", [(0.0, LIGHT_GREY), (0.2, SKY_BLUE), (0.48, BLUE), (1.0, BLACK)]
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cloud:
    """The subsets on the axes; `across` and `up` are 0 to 1 within the limits, on a log axis for a ratio."""

    scale: AxisScale
    x: FloatArray
    y: FloatArray
    across: FloatArray
    up: FloatArray
    xlim: tuple[float, float]
    ylim: tuple[float, float]


def plot_gosh(
    result: Gosh,
    *,
    against: str = "i2",
    study: str | None = None,
    holding: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the pooled effects of subsets against their heterogeneity.

    Parameters
    ----------
    result : Gosh
        What `gosh` gives.
    against : {"i2", "tau2"}, default "i2"
        What stands at the y-axis.
    study : str, optional
        Draw only the subsets with this study, or those without it; the axes stay the same.
    holding : bool, default True
        Whether with it or without it.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the pooled effect (proportions in percent). Up to 2000 subsets are points; more are counted into
        160 times 160 cells, of even size on the axes, the darker the more on a log scale.

    Raises
    ------
    TypeError, ValueError
        If the result is of another type, `against` is unknown, a study is not among the labels, or no subset
        has a finite estimate.
    """
    cloud = _cloud(result, against)
    chosen = _chosen(result, study, holding=holding)
    with house_style():
        if ax is None:
            page = panel_page(170.0, width_mm=current().single_mm)
            ax = page.axes(_left(), 6.0, page.width - _left() - 12.0, 132.0)
        _set_axes(ax, cloud, against)
        counts = _counts(cloud, chosen)
        _draw(ax, cloud, chosen, counts, int(counts.max(initial=1)))
    return ax


def figure_gosh(
    result: Gosh,
    *,
    against: str = "i2",
    study: str | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a GOSH plot with the distributions at its margins, at the printed size.

    Parameters
    ----------
    result : Gosh
        What `gosh` gives.
    against : {"i2", "tau2"}, default "i2"
        What stands at the y-axis.
    study : str, optional
        Set the subsets with this study beside those without it.
    width_mm : float, optional
        Printed width; by default one column of the style, the page for two panels.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure
        For each panel the density, the histogram of effects above it, and that of heterogeneity beside it.

    Raises
    ------
    TypeError, ValueError
        As `plot_gosh`, or if the page is too narrow.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA (2012). GOSH - a graphical display of study heterogeneity. Res Synth
    Methods 3:214-223. DOI 10.1002/jrsm.1053
    """
    cloud = _cloud(result, against)
    parts = [("", _chosen(result, None, holding=True))]
    if study is not None:
        parts = [
            (f"{word} {study}", _chosen(result, study, holding=holding))
            for word, holding in (("With", True), ("Without", False))
        ]
    with house_style():
        preset = current()
        page_mm = width_mm
        if page_mm is None:
            page_mm = preset.single_mm if study is None else preset.double_mm
        line = preset.body_size * LINE_SPACING
        side, gap = 24.0, 10.0
        page_width = page_mm / MM_PER_INCH * POINTS_PER_INCH
        least = 11 * preset.body_size
        for across in (len(parts), 1):
            room = page_width - _left() - MARGIN - across * (side + 3.0) - (across - 1) * gap
            width = room / across
            if width >= least:
                break
        else:
            raise ValueError(f"`width_mm` must be greater, but got {page_mm:g}.")
        titles = [wrap_text(title, width + side, size=preset.body_size, bold=True) for title, _ in parts]
        head = max(len(lines) for lines in titles) * line + (3.0 if study is not None else 0.0)
        height = 0.82 * width
        counted = [_counts(cloud, chosen) for _, chosen in parts]
        most = max(int(counts.max(initial=1)) for counts in counted)
        key = 3.4 * line if cloud.x.size > _POINTS else 0.0
        under = 2.7 * line
        block = head + side + 3.0 + height + under
        total = block * (len(parts) // across) + key
        notes = [note] if note else []
        page = panel_page(total, width_mm=page_mm, notes=notes, synthetic=synthetic)
        bars = _bars(cloud, [chosen for _, chosen in parts])
        for place, ((_, chosen), lines, counts) in enumerate(zip(parts, titles, counted, strict=True)):
            left = _left() + (place % across) * (width + side + 3.0 + gap)
            start = (place // across) * block
            for number, text in enumerate(lines):
                baseline = start + (number + 0.8) * line
                page.text(text, left, baseline, size=preset.body_size, bold=True, gid="title")
            ax = page.axes(left, start + head + side + 3.0, width, height)
            _set_axes(ax, cloud, against)
            if place % across:
                ax.set_ylabel("")
                ax.tick_params(axis="y", labelleft=False)
            _draw(ax, cloud, chosen, counts, most)
            top = page.axes(left, start + head, width, side)
            beside = page.axes(left + width + 3.0, start + head + side + 3.0, side, height)
            _draw_bars(top, beside, *bars[place])
        if key:
            _draw_key(page, total - key, most)
        return keep_record(page.figure, _record(result, cloud, against, parts, counted))


def _left() -> float:
    return MARGIN + 4.6 * current().body_size


def _cloud(result: Gosh, against: str) -> _Cloud:
    if not isinstance(result, Gosh):
        raise TypeError(f"`result` must be what `gosh` gives, but got {type(result).__name__}.")
    check_choice("against", against, _LABELS)
    scale = axis_scale(result.measure)
    x, y = scale.factor * result.estimate, getattr(result, against)
    # A pooled ratio lies on the analysis scale already: no logarithm of an exponential.
    along = result.mean if scale.log and result.scale == "log" else np.log(x) if scale.log else x
    finite = np.isfinite(along) & np.isfinite(y)
    if not finite.any():
        raise ValueError("`result` must have a subset with a finite estimate, but none is.")
    if not finite.all():
        x, y, along = x[finite], y[finite], along[finite]
    low, high = float(along.min()), float(along.max())
    null = scale.null if not scale.log else 0.0
    # No effect is inside as far as the cloud keeps half of the width.
    if null is not None and max(high, null) - min(low, null) <= 2 * (high - low):
        low, high = min(low, null), max(high, null)
    low, high = _padded(low, high)
    bottom, top = _padded(0.0, 100.0 if against == "i2" else float(y.max()) or 1.0)
    return _Cloud(
        scale=scale,
        x=x,
        y=y,
        across=(along - low) / (high - low),
        up=(y - bottom) / (top - bottom),
        xlim=(math.exp(low), math.exp(high)) if scale.log else (low, high),
        ylim=(bottom, top),
    )


def _padded(low: float, high: float) -> tuple[float, float]:
    pad = 0.04 * (high - low) or 0.1 * abs(high) or 0.1
    return low - pad, high + pad


def _chosen(result: Gosh, study: str | None, *, holding: bool) -> BoolArray | None:
    """Return which of the finite subsets are drawn; None for all."""
    if study is None:
        return None
    if study not in result.label:
        known = ", ".join(map(repr, result.label))
        raise ValueError(f"`study` must be one of {known}, but got {study!r}.")
    if result.label.count(study) > 1:
        raise ValueError(f"`study` must name one study, but {study!r} is the label of more.")
    held = result.containing(study)
    finite = np.isfinite(result.estimate) & np.isfinite(result.i2)
    chosen: BoolArray = held if holding else ~held
    return chosen[finite]


def _counts(cloud: _Cloud, chosen: BoolArray | None) -> IntArray:
    """Count the subsets into cells, rows from the bottom up."""
    column = np.minimum((cloud.across * _CELLS).astype(np.int64), _CELLS - 1)
    row = np.minimum((cloud.up * _CELLS).astype(np.int64), _CELLS - 1)
    cell = row * _CELLS + column
    if chosen is not None:
        cell = cell[chosen]
    return np.bincount(cell, minlength=_CELLS**2).reshape(_CELLS, _CELLS)


def _set_axes(ax: Axes, cloud: _Cloud, against: str) -> None:
    set_x_axis(ax, cloud.scale, *cloud.xlim)
    ax.xaxis.label.set_fontproperties(font())
    ax.xaxis.label.set_parse_math(False)
    set_y_axis(ax, plain_scale(_LABELS[against]), *cloud.ylim)


def _draw(ax: Axes, cloud: _Cloud, chosen: BoolArray | None, counts: IntArray, most: int) -> None:
    if cloud.x.size <= _POINTS:
        x, y = (cloud.x, cloud.y) if chosen is None else (cloud.x[chosen], cloud.y[chosen])
        ax.plot(
            x,
            y,
            linestyle="none",
            marker="o",
            markersize=2.4 if cloud.x.size > 200 else 3.6,
            markerfacecolor=BLUE,
            markeredgecolor="white",
            markeredgewidth=0.25,
            clip_on=False,
            zorder=2,
            gid="subsets",
        )
        return
    with np.errstate(divide="ignore"):
        shade = np.log(counts) / math.log(max(most, 2))
    colours = np.round(255 * _SHADES(np.clip(shade, 0.0, 1.0))).astype(np.uint8)
    colours[counts == 0] = (255, 255, 255, 0)
    fill_axes(ax, colours, gid="subsets")


def _bars(cloud: _Cloud, parts: list[BoolArray | None]) -> list[tuple[FloatArray, FloatArray]]:
    """Return the heights of both histograms of every part, the highest bar of all parts being 1."""
    found = []
    for chosen in parts:
        pair = []
        for values in (cloud.across, cloud.up):
            bar = np.minimum((values if chosen is None else values[chosen]) * _BARS, _BARS - 1)
            pair.append(np.bincount(bar.astype(np.int64), minlength=_BARS).astype(np.float64))
        found.append(pair)
    highest = [max(1.0, *(float(pair[i].max()) for pair in found)) for i in (0, 1)]
    return [(pair[0] / highest[0], pair[1] / highest[1]) for pair in found]


def _draw_bars(top: Axes, beside: Axes, across: FloatArray, up: FloatArray) -> None:
    edges = np.linspace(0.0, 1.0, _BARS + 1)
    top.stairs(across, edges, fill=True, facecolor=GREY, linewidth=0, gid="effects")
    beside.stairs(up, edges, fill=True, facecolor=GREY, linewidth=0, orientation="horizontal", gid="spread")
    for axes in (top, beside):
        axes.set_axis_off()
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, 1.0)


def _draw_key(page: PanelPage, top: float, most: int) -> None:
    """Draw what shade means how many subsets."""
    size = current().small_size
    title = "Subsets in a cell (log scale)"
    width = min(110.0, page.width - _left() - 30.0)
    page.text(title, _left(), top + size, size=size, gid="key title")
    ax = page.axes(_left(), top + 1.5 * size, width, 0.8 * size)
    shades = _SHADES(np.linspace(0.0, 1.0, 128))[np.newaxis]
    fill_axes(ax, np.round(255 * shades).astype(np.uint8), gid="key")
    high = float(max(most, 2))
    ticks, labels, _ = nice_ticks(1.0, high, width=width, log=True)
    ax.set_xlim(0.0, math.log(high))
    ax.xaxis.set_major_locator(FixedLocator([math.log(tick) for tick in ticks]))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.yaxis.set_visible(False)
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=2.0)
    for text in ax.get_xticklabels():
        text.set_fontproperties(font(size))
        text.set_parse_math(False)


def _record(
    result: Gosh,
    cloud: _Cloud,
    against: str,
    parts: list[tuple[str, BoolArray | None]],
    counted: list[IntArray],
) -> FigureRecord:
    name = "I²" if against == "i2" else "τ²"
    told = []
    for title, chosen in parts:
        x, y = (cloud.x, cloud.y) if chosen is None else (cloud.x[chosen], cloud.y[chosen])
        if not x.size:
            told.append(f"{title or 'All'}: no subset")
            continue
        (low, middle, high), (less, more) = _quantiles(result, x), np.quantile(y, [0.025, 0.975])
        unit = "%" if against == "i2" else ""
        told.append(
            f"{title or 'All'}: {format_count(x.size)} subsets, median estimate {middle}, 95% of them from "
            f"{low} to {high}; {name} from {format_number(less, 0 if unit else None)}{unit} to "
            f"{format_number(more, 0 if unit else None)}{unit}"
        )
    kind = "all" if result.complete else f"{format_count(result.mean.size)} random"
    marks = (
        f"Shade: number of subsets in each of {_CELLS} × {_CELLS} cells, on a log scale."
        if cloud.x.size > _POINTS
        else "Each point is a subset."
    )
    model = (
        "common-effect model" if result.model == "common" else f"random effects, τ² by {result.tau2_method}"
    )
    name = cloud.scale.label.removesuffix(" (log scale)").removesuffix(" (%)")
    return FigureRecord(
        title=f"Pooled effect and heterogeneity of {kind} subsets of {len(result.label)} studies",
        caption=(
            f"GOSH plot: {name} pooled over {kind} subsets of {len(result.label)} studies ({model}), against "
            f"{_LABELS[against].removesuffix(' (%)')}. {marks} Margins: distributions over the subsets. "
            "Separate clouds say that the studies are of different kinds."
        ),
        alt=f"{'. '.join(told)}.",
        numbers=_numbers(cloud, parts, counted),
    )


def _quantiles(result: Gosh, x: FloatArray) -> tuple[str, ...]:
    percent = is_percent(result.measure)
    found = np.quantile(x, [0.025, 0.5, 0.975])
    return tuple(format_percent(value / 100) if percent else format_number(value) for value in found)


def _numbers(
    cloud: _Cloud, parts: list[tuple[str, BoolArray | None]], counted: list[IntArray]
) -> pd.DataFrame:
    """Return the points, or the cells that hold subsets, with their ends on the axes."""
    import pandas as pd

    frames = []
    edges = np.linspace(0.0, 1.0, _CELLS + 1)
    forward = np.log if cloud.scale.log else np.asarray
    low, high = (float(forward(end)) for end in cloud.xlim)
    across = low + (high - low) * edges
    across = np.exp(across) if cloud.scale.log else across
    up = cloud.ylim[0] + (cloud.ylim[1] - cloud.ylim[0]) * edges
    for (title, chosen), counts in zip(parts, counted, strict=True):
        if cloud.x.size <= _POINTS:
            part = slice(None) if chosen is None else chosen
            columns = {"mark": "subset", "estimate": cloud.x[part], "heterogeneity": cloud.y[part]}
        else:
            row, column = np.nonzero(counts)
            columns = {
                "mark": "cell",
                "estimate_low": across[column],
                "estimate_high": across[column + 1],
                "heterogeneity_low": up[row],
                "heterogeneity_high": up[row + 1],
                "subsets": counts[row, column],
            }
        frames.append(pd.DataFrame(columns).assign(panel=title or "all"))
    return pd.concat(frames, ignore_index=True)
