"""The tables that printed numbers allow, as a cloud: risk of the controls against risk of the exposed.

Takes finished tables and the ends of the printed measure; the tables are listed in `forensics`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from analysis.figures.parts.axes import nice_ticks
from analysis.figures.parts.feasible_record import feasible_cloud_record
from analysis.figures.record import keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, check_glyphs, font, wrap_text
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.tables.format import format_count
from analysis.tables.number_style import current_number_style
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["figure_feasible_cloud", "plot_feasible_cloud"]

_MEASURES = {"RR": "risk ratio", "OR": "odds ratio", "RD": "risk difference"}
# Beyond so many tables one point stands for a cell of a grid: more would be a smear and a large file.
_MOST_POINTS = 20_000
_GRID = 200
# In sizes of letters of the body.
_MARGINS = {"left": 5.1, "right": 4.6, "top": 2.2, "bottom": 4.1}
_LABEL_GAP = 1.4
# A column and a half: the plane of two risks wants a square rather than a page.
_WIDTH_MM = 120.0
# Vermillion on white with a share of 0.35; opaque, because EPS knows no transparency.
_BAND = "#F0C7A6"
_FUNCTIONS = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}


def plot_feasible_cloud(
    tables: TwoByTwo,
    *,
    measure: str = "RR",
    printed: tuple[float, float] | None = None,
    mirror: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    arms: tuple[str, str] = ("exposed", "controls"),
    ax: Axes | None = None,
) -> Axes:
    """Draw the tables as points in the plane of the two risks, with lines of equal ratio.

    Parameters
    ----------
    tables : TwoByTwo
        One axis of at least one table.
    measure : {"RR", "OR", "RD"}, default "RR"
        What the lines and the band are of.
    printed : tuple of float, optional
        Ends of the rounding interval of the printed measure, (1.825, 1.835) for "1.83": drawn as a band.
    mirror : array_like of bool, optional
        Tables of the mirror solution, drawn as rings.
    contours : sequence of float, optional
        Values of the lines; by default some that fit the picture.
    arms : tuple of str, default ("exposed", "controls")
        Names of the two groups.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the risk of the controls and y that of the exposed, in percent.

    Raises
    ------
    TypeError, ValueError
        If `tables` is not a TwoByTwo of one axis and at least one table, the measure is unknown, ends are not
        in order, or `mirror` is not of the tables' shape.
    """
    check_choice("measure", measure, _MEASURES)
    _check(tables, printed)
    beyond = np.zeros(tables.shape, dtype=bool) if mirror is None else np.asarray(mirror, dtype=bool)
    if beyond.shape != tables.shape:
        raise ValueError(
            f"`mirror` must have the shape of the tables {tables.shape}, but has {beyond.shape}."
        )
    x = 100 * tables.control_cases / tables.control_total
    y = 100 * tables.exposed_cases / tables.exposed_total
    with house_style():
        if ax is None:
            figure = Figure(figsize=(120 / MM_PER_INCH, 100 / MM_PER_INCH))
            FigureCanvasAgg(figure)
            ax = _placed(figure, 0.0)
        xlim, ylim = _limits(x, y, measure, printed)
        ax.set_xlim(*xlim)
        ax.set_ylim(*ylim)
        _set_ticks(ax)
        for arm in arms:
            check_glyphs(arm)
        ax.set_xlabel(f"Cases among {arms[1]} (%)", fontproperties=font(), parse_math=False)
        ax.set_ylabel(f"Cases among {arms[0]} (%)", fontproperties=font(), parse_math=False)
        if printed is not None:
            _draw_band(ax, measure, printed)
        _draw_contours(ax, measure, contours)
        for part, filled in ((~beyond, True), (beyond, False)):
            if part.any():
                _draw_points(ax, x[part], y[part], filled=filled)
    return ax


def figure_feasible_cloud(
    tables: TwoByTwo,
    *,
    measure: str = "RR",
    printed: tuple[float, float] | None = None,
    text: str = "",
    mirror: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    arms: tuple[str, str] = ("exposed", "controls"),
    legend: tuple[str, str] | None = None,
    width_mm: float | None = None,
    height_mm: float = 100.0,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the cloud of feasible tables on a page, with a legend in words under it.

    Parameters
    ----------
    tables, measure, printed, mirror, contours, arms
        As for `plot_feasible_cloud`.
    text : str, optional
        The measure as printed ("1.83"), for the legend.
    legend : tuple of str, optional
        What the points and the rings are, where they are not the tables that fit and their mirror solution.
    width_mm, height_mm : float, optional
        Printed size, without the legend; by default 120 by 100 mm, a column and a half.
    note : str, optional
        Printed under the legend.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        It brings title, caption, alternative text and numbers along for `save_figure`.

    Raises
    ------
    TypeError, ValueError
        As `plot_feasible_cloud`, or if the width is below 60 mm.
    """
    width_mm = _WIDTH_MM if width_mm is None else width_mm
    if not width_mm >= 60:
        raise ValueError(f"`width_mm` must be at least 60, but got {width_mm!r}.")
    check_choice("measure", measure, _MEASURES)
    _check(tables, printed)
    paragraphs = _legend(len(tables), measure, printed, text, mirror, note, legend)
    if synthetic:
        paragraphs.insert(0, "SYNTHETIC DATA – made up by a computer, not observed in any study.")
    with house_style():
        small = current().small_size
        page = width_mm / MM_PER_INCH * POINTS_PER_INCH
        lines = [line for paragraph in paragraphs for line in wrap_text(paragraph, page - 20, size=small)]
        room = len(lines) * small * LINE_SPACING + 4
        height = height_mm / MM_PER_INCH + room / POINTS_PER_INCH
        figure = Figure(figsize=(width_mm / MM_PER_INCH, height))
        FigureCanvasAgg(figure)
        ax = _placed(figure, room)
        plot_feasible_cloud(
            tables, measure=measure, printed=printed, mirror=mirror, contours=contours, arms=arms, ax=ax
        )
        for number, line in enumerate(lines):
            up = (room - (number + 1) * small * LINE_SPACING) / (height * POINTS_PER_INCH)
            figure.text(
                4 / page,
                up,
                line,
                fontproperties=font(small, bold=synthetic and number == 0),
                va="baseline",
                parse_math=False,
                gid="legend",
            )
        record = feasible_cloud_record(
            tables,
            np.zeros(tables.shape, dtype=bool) if mirror is None else np.asarray(mirror, dtype=bool),
            _FUNCTIONS[measure](tables).value,
            measure=measure,
            printed=printed,
            text=text,
            arms=arms,
            legend=" ".join(paragraphs),
        )
    return keep_record(figure, record)


def _legend(
    count: int,
    measure: str,
    printed: tuple[float, float] | None,
    text: str,
    mirror: ArrayLike | None,
    note: str | None,
    legend: tuple[str, str] | None,
) -> list[str]:
    what = (
        "Point: the one table that fits"
        if count == 1
        else f"Points: the {format_count(count)} tables that fit"
    )
    rings = mirror is not None and bool(np.any(mirror))
    points, apart = legend or (f"{what} the printed numbers", "rings: the mirror solution")
    parts = [f"{points}; {apart}." if rings else f"{points}."]
    parts.append(f"Lines: equal {_MEASURES[measure]}.")
    if printed is not None:
        parts.append(f"Band: what rounds to the printed {text or _MEASURES[measure]}.")
    return [" ".join(parts), *([note] if note else [])]


def _check(tables: TwoByTwo, printed: tuple[float, float] | None) -> None:
    if not isinstance(tables, TwoByTwo):
        raise TypeError(f"`tables` must be a TwoByTwo, but got {type(tables).__name__}.")
    if len(tables.shape) != 1 or not len(tables):
        raise ValueError(
            f"`tables` must have one axis of at least one table, but has shape {tables.shape}. Where no "
            "table fits, draw feasible_set(...).nearest."
        )
    if printed is not None and not printed[0] <= printed[1]:
        raise ValueError(f"`printed` must be two numbers in ascending order, but got {printed!r}.")


def _placed(figure: Figure, under: float) -> Axes:
    width, height = (float(side) * POINTS_PER_INCH for side in figure.get_size_inches())
    margins = {side: share * current().body_size for side, share in _MARGINS.items()}
    bottom = under + margins["bottom"]
    return figure.add_axes(
        (
            margins["left"] / width,
            bottom / height,
            1 - (margins["left"] + margins["right"]) / width,
            1 - (bottom + margins["top"]) / height,
        )
    )


def _exposed(measure: str, value: float, x: FloatArray) -> FloatArray:
    """Return the risk of the exposed (%) at which the measure has the value."""
    if measure == "RR":
        return value * x
    if measure == "RD":
        return x + 100 * value
    risk = x / 100
    return np.asarray(100 * value * risk / (1 - risk + value * risk))


def _limits(
    x: FloatArray, y: FloatArray, measure: str, printed: tuple[float, float] | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return limits that hold the cloud, and the printed band beside it."""
    ys = [float(y.min()), float(y.max())]
    if printed is not None:
        middle = np.array([(float(x.min()) + float(x.max())) / 2])
        ys += [float(_exposed(measure, end, middle)[0]) for end in printed if math.isfinite(end)]
    ends = []
    for low, high in ((float(x.min()), float(x.max())), (min(ys), max(ys))):
        pad = max(0.12 * (high - low), 0.04 * high, 0.05)
        ends.append((max(low - pad, 0.0), min(high + pad, 100.0)))
    return ends[0], ends[1]


def _set_ticks(ax: Axes) -> None:
    width, height = _size(ax)
    for axis, limits, room in ((ax.xaxis, ax.get_xlim(), width), (ax.yaxis, ax.get_ylim(), 0.7 * height)):
        ticks, labels, _ = nice_ticks(*limits, width=room, log=False)
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FixedFormatter(labels))
        # Ticks are made when they are first asked for: now, not in another style when the figure is saved.
        for text in axis.get_ticklabels():
            text.set_fontproperties(font())
            text.set_parse_math(False)


def _size(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points."""
    figure = ax.get_figure(root=True)
    width, height = (
        (float(side) * POINTS_PER_INCH for side in figure.get_size_inches()) if figure else (1.0, 1.0)
    )
    place = ax.get_position()
    return place.width * width, place.height * height


def _draw_band(ax: Axes, measure: str, printed: tuple[float, float]) -> None:
    x = np.linspace(*ax.get_xlim(), 200)
    low, high = (_exposed(measure, end, x) for end in printed)
    band = ax.fill_between(x, low, high, facecolor=_BAND, edgecolor=VERMILLION, linewidth=0.5, zorder=0.8)
    band.set_gid("printed band")


def _draw_contours(ax: Axes, measure: str, contours: Sequence[float] | None) -> None:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x = np.linspace(left, right, 200)
    values = _contour_values(ax, measure) if contours is None else list(contours)
    width, height = _size(ax)
    gap = _LABEL_GAP * current().small_size
    decimals = max((len(f"{value:g}".partition(".")[2]) for value in values), default=0)
    ends: list[tuple[float, float]] = []
    for value in sorted(values):
        y = _exposed(measure, value, x)
        inside = (y >= bottom) & (y <= top)
        if not inside.any():
            continue
        (line,) = ax.plot(x, np.where(inside, y, np.nan), color=GREY, linewidth=0.6, zorder=1, gid="contour")
        line.set_linestyle("-" if value == (0.0 if measure == "RD" else 1.0) else (0, (4, 3)))
        last = int(np.flatnonzero(inside)[-1])
        at_right = last == len(x) - 1
        place = (
            (1.0, (y[last] - bottom) / (top - bottom))
            if at_right
            else ((x[last] - left) / (right - left), 1.0)
        )
        points = (place[0] * width, place[1] * height)
        if any(abs(points[0] - p) < 2 * gap and abs(points[1] - q) < gap for p, q in ends):
            continue
        ends.append(points)
        ax.annotate(
            current_number_style().written(f"{value:.{decimals}f}".replace("-", "−")),
            xy=place,
            xycoords="axes fraction",
            xytext=(3.0, -2.5) if at_right else (0.0, 3.0),
            textcoords="offset points",
            ha="left" if at_right else "center",
            va="baseline",
            fontproperties=font(current().small_size),
            color=GREY,
            annotation_clip=False,
            parse_math=False,
            gid="contour label",
        )


def _contour_values(ax: Axes, measure: str) -> list[float]:
    """Return some five values between those at the upper left and the lower right corner."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    if measure == "RD":
        return nice_ticks((bottom - right) / 100, (top - left) / 100, width=200.0, log=False)[0]
    low, high = max(bottom, 0.02 * top) / right, top / max(left, 0.02 * right)
    if measure == "OR":
        low *= (1 - right / 100) / max(1 - bottom / 100, 0.02)
        high *= (1 - left / 100) / max(1 - top / 100, 0.02)
    # Steeper lines would crowd the corners.
    low, high = max(low, 0.05), min(high, 20.0)
    return nice_ticks(low, high, width=200.0, log=True)[0]


def _draw_points(ax: Axes, x: FloatArray, y: FloatArray, *, filled: bool) -> None:
    if x.size > _MOST_POINTS:
        counts, across, up = np.histogram2d(x, y, bins=_GRID)
        column, row = np.nonzero(counts)
        x, y = (across[column] + across[column + 1]) / 2, (up[row] + up[row + 1]) / 2
    side = 4.0 if x.size <= 40 else 2.4 if x.size <= 400 else 1.4
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=side,
        markerfacecolor=BLUE if filled else "white",
        markeredgecolor=BLUE if filled else BLACK,
        markeredgewidth=0.4,
        zorder=3,
        gid="tables" if filled else "mirror tables",
    )
