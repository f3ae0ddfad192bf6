"""The x-axis: which scale a measure is drawn on, its limits, and its ticks.

Proportions are drawn in percent: the coordinates of such axes are percentages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from analysis.figures.parts.axis_ticks import nice_ticks
from analysis.figures.style import GREY, MM_PER_INCH, POINTS_PER_INCH, current
from analysis.figures.parts.text import LINE_SPACING, check_glyphs, font
from analysis.values.arguments import check_choice
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "AXES",
    "UNDER_AXIS",
    "AxisScale",
    "automatic_limits",
    "axis_scale",
    "labelled_axes",
    "nice_ticks",
    "set_x_axis",
    "under_axis",
]

# Room under the axis for ticks, their labels and its name, in points, in the default style.
UNDER_AXIS = 23.0
AXES = ("log", "linear", "logit")


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisScale:
    """How a measure is drawn.

    Parameters
    ----------
    label : str
        What stands under the axis, with unit and scale.
    log : bool
        Whether the axis is logarithmic.
    factor : float
        From the reporting scale to the axis: 100 where the axis is in percent.
    null : float or None
        Place of no effect on the axis.
    proportion : bool
        Whether the measure lies between 0 and 100 %; its axis then begins at 0.
    logit : bool
        Whether the axis is of percentages on the logit scale.
    """

    label: str
    log: bool
    factor: float
    null: float | None
    proportion: bool
    logit: bool = False

    def forward(self, values: ArrayLike) -> FloatArray:
        """Return places along the axis of values on it, in units that are drawn of equal length."""
        array = np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.logit:
                return np.asarray(np.log(array) - np.log(100.0 - array))
            return np.asarray(np.log(array)) if self.log else array

    def backward(self, places: ArrayLike) -> FloatArray:
        """Return the values that lie at these places."""
        array = np.asarray(places, dtype=np.float64)
        with np.errstate(over="ignore"):
            if self.logit:
                return np.asarray(100.0 / (1.0 + np.exp(-array)))
            return np.asarray(np.exp(array)) if self.log else array


def under_axis() -> float:
    """Return the room under the axis for ticks, their labels and its name, in points."""
    # Ticks of 3 points, and 2 points each above the labels and above the name.
    return 7.0 + 2 * 0.86 * LINE_SPACING * current().body_size


def axis_scale(measure: str, *, axis: str | None = None) -> AxisScale:
    """Return how a measure is drawn: ratios on a log axis, proportions in percent from 0 on.

    Parameters
    ----------
    measure : str
        metafor's code.
    axis : {"log", "linear", "logit"}, optional
        Another axis: linear for a ratio, logit or log for a proportion near 0 or 100 %.

    Raises
    ------
    ValueError
        If the axis is unknown, or the measure has values that it cannot show.
    """
    meaning = measure_of(measure)
    factor = 100.0 if meaning.percent else 1.0
    proportion = meaning.percent and meaning.null is None
    usual = "log" if meaning.scale == "log" and not meaning.percent else "linear"
    chosen = usual if axis is None else check_choice("axis", axis, AXES)
    if chosen == "logit" and not proportion:
        raise ValueError(f"`axis` = 'logit' is for proportions, but the measure is {measure}.")
    if chosen == "log" and not (proportion or meaning.scale in {"log", "square-root"}):
        raise ValueError(f"`axis` = 'log' is for values above 0, but the measure is {measure}.")
    unit = " (%)" if meaning.percent else ""
    words = {"log": " (log scale)", "logit": " (logit scale)", "linear": ""}[chosen]
    if unit and words:
        unit, words = "", f" (%,{words.replace('(', '')}"
    return AxisScale(
        label=f"{meaning.label}{unit}{words}",
        log=chosen == "log",
        factor=factor,
        null=None if meaning.null is None else factor * meaning.null,
        proportion=proportion and chosen == "linear",
        logit=chosen == "logit",
    )


def labelled_axes(
    labels: Sequence[str],
    *,
    xlabel: str,
    title: str = "",
    bold: Container[int] = (),
    ax: Axes | None = None,
) -> Axes:
    """Return axes with a row for each label from top to bottom, row i at y = i.

    Parameters
    ----------
    labels : sequence of str
        Written at the y-axis; the same one may stand there twice.
    xlabel : str
        Written under the x-axis.
    title : str, optional
        Written over the axes.
    bold : container of int, optional
        Numbers of the rows whose labels are bold.
    ax : Axes, optional
        Axes to use; by default those of a new figure.
    """
    for label in labels:
        check_glyphs(label)
    figure = None
    if ax is None:
        figure = Figure(
            figsize=(current().double_mm / MM_PER_INCH, 0.7 + 0.17 / 7.5 * current().body_size * len(labels)),
            layout="constrained",
        )
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_yticks(range(len(labels)), labels)
    for number, text in enumerate(ax.get_yticklabels()):
        text.set_fontproperties(font(bold=number in bold))
        text.set_parse_math(False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(xlabel, fontproperties=font(), parse_math=False)
    if title:
        ax.set_title(title, fontproperties=font(current().small_size), parse_math=False)
    if figure is not None:
        # The size of the axes decides about ticks and squares, so it must be final.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return ax


def automatic_limits(
    scale: AxisScale, centres: ArrayLike, limits: ArrayLike, *, include: Iterable[float] = ()
) -> tuple[float, float]:
    """Choose limits that hold every estimate, and every interval that does not squeeze the others.

    Parameters
    ----------
    scale : AxisScale
        Of the axis.
    centres : array_like
        Estimates, on the axis. They and the null are always inside.
    limits : array_like
        Interval limits. They are inside as far as the axis gets no longer, at either end, than the range of
        the estimates, or a factor of 4; longer intervals end in an arrow.
    include : iterable of float
        More values that must be inside.
    """
    must = _drawable(scale, [*np.ravel(np.asarray(centres, dtype=float)), *include])
    may = _drawable(scale, np.ravel(np.asarray(limits, dtype=float)))
    if scale.null is not None:
        must = np.append(must, scale.null)
    if scale.proportion:
        top = max([10.0, *must, *may])
        return 0.0, min(100.0, 10.0 * math.ceil(top / 10.0 - 1e-9))
    bent = scale.log or scale.logit
    if must.size == 0:
        must = may if may.size else np.array([1.0 if bent else 0.0])
    inner_low, inner_high = float(scale.forward(must).min()), float(scale.forward(must).max())
    span = inner_high - inner_low
    reach = max(span, math.log(4.0)) if bent else span
    if reach == 0:
        reach = float(np.abs(may - must[0]).max(initial=0.0)) or 1.0
    reachable = scale.forward(may)
    # What is out of reach ends in an arrow anyway, and must not make room for itself.
    low = float(min([inner_low, *reachable[reachable >= inner_low - reach]]))
    high = float(max([inner_high, *reachable[reachable <= inner_high + reach]]))
    if high == low:
        low, high = low - reach, high + reach
    pad = 0.03 * (high - low)
    ends = (low - pad, high + pad)
    if scale.null is None and not bent and inner_low >= 0:
        # A rate is not negative, and neither is its axis.
        ends = (max(ends[0], 0.0), ends[1])
    return float(scale.backward(ends[0])), float(scale.backward(ends[1]))


def _drawable(scale: AxisScale, values: Sequence[float] | FloatArray) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    if scale.logit:
        return array[(array > 0) & (array < 100)]
    return array[array > 0] if scale.log else array


def set_x_axis(ax: Axes, scale: AxisScale, low: float, high: float) -> None:
    """Set scale, limits, ticks and label of the x-axis, and draw the line of no effect.

    Ticks are fixed for the limits and the width that the axes have now.

    Raises
    ------
    ValueError
        If the limits are not finite and ascending, or not above 0 on a log axis, or not between 0 and 100 %
        on a logit axis.
    """
    floor = 0.0 if scale.log or scale.logit else -math.inf
    ceiling = 100.0 if scale.logit else math.inf
    if not (math.isfinite(low) and math.isfinite(high) and floor < low < high < ceiling):
        rule = (
            "ascending and between 0 and 100 %"
            if scale.logit
            else "finite, ascending and above 0"
            if scale.log
            else "finite and ascending"
        )
        raise ValueError(f"`xlim` must be {rule}, but got ({low!r}, {high!r}).")
    if scale.logit:
        ax.set_xscale("function", functions=(scale.forward, scale.backward))
    else:
        ax.set_xscale("log" if scale.log else "linear")
    ax.set_xlim(low, high)
    ticks, labels, unlabelled = nice_ticks(
        low, high, width=_panel_points(ax), log=scale.log, logit=scale.logit
    )
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.xaxis.set_minor_locator(FixedLocator(unlabelled))
    ax.xaxis.set_minor_formatter(NullFormatter())
    # Ticks are made when they are first asked for: now, not under other settings when the figure is saved.
    for text in ax.get_xticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    ax.set_xlabel(scale.label, fontproperties=font(), parse_math=False)
    if scale.null is not None and low <= scale.null <= high:
        ax.axvline(scale.null, color=GREY, linewidth=0.8, zorder=0.5, gid="null line")


def _panel_points(ax: Axes) -> float:
    return float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi)
