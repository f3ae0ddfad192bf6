"""The x-axis: which scale a measure is drawn on, its limits, and ticks that a reader can use.

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

from analysis.figures.style import BODY_SIZE, GREY, MM_PER_INCH, POINTS_PER_INCH, SMALL_SIZE
from analysis.figures.text import check_glyphs, font, text_width
from analysis.tables.format import format_count
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "UNDER_AXIS",
    "AxisScale",
    "automatic_limits",
    "axis_scale",
    "labelled_axes",
    "nice_ticks",
    "set_x_axis",
]

# Room under the axis for ticks, their labels and its name, in points.
UNDER_AXIS = 23.0

_FEWEST, _MOST = 4, 7
_LABEL_GAP = 4.0
# From the most wanted on; each holds 1, and so the null of a ratio.
_MANTISSAS = (
    (1.0, 2.0, 5.0),
    (1.0, 2.0, 3.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
)


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
    """

    label: str
    log: bool
    factor: float
    null: float | None
    proportion: bool


def axis_scale(measure: str) -> AxisScale:
    """Return how a measure is drawn: ratios on a log axis, proportions in percent from 0 on."""
    meaning = measure_of(measure)
    factor = 100.0 if meaning.percent else 1.0
    log = meaning.scale == "log" and not meaning.percent
    return AxisScale(
        label=f"{meaning.label}{' (%)' if meaning.percent else ' (log scale)' if log else ''}",
        log=log,
        factor=factor,
        null=None if meaning.null is None else factor * meaning.null,
        proportion=meaning.percent and meaning.null is None,
    )


def labelled_axes(labels: Sequence[str], *, xlabel: str, title: str = "", ax: Axes | None = None) -> Axes:
    """Return axes with a row for each label from top to bottom, row i at y = i.

    Parameters
    ----------
    labels : sequence of str
        Written at the y-axis; the same one may stand there twice.
    xlabel : str
        Written under the x-axis.
    title : str, optional
        Written over the axes.
    ax : Axes, optional
        Axes to use; by default those of a new figure.
    """
    for label in labels:
        check_glyphs(label)
    figure = None
    if ax is None:
        figure = Figure(figsize=(174 / MM_PER_INCH, 0.7 + 0.17 * len(labels)), layout="constrained")
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_yticks(range(len(labels)), labels)
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(xlabel)
    if title:
        ax.set_title(title, fontsize=SMALL_SIZE, parse_math=False)
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
    forward = np.log if scale.log else np.asarray
    must = _drawable(scale, [*np.ravel(np.asarray(centres, dtype=float)), *include])
    may = _drawable(scale, np.ravel(np.asarray(limits, dtype=float)))
    if scale.null is not None:
        must = np.append(must, scale.null)
    if scale.proportion:
        top = max([10.0, *must, *may])
        return 0.0, min(100.0, 10.0 * math.ceil(top / 10.0 - 1e-9))
    if must.size == 0:
        must = may if may.size else np.array([1.0 if scale.log else 0.0])
    inner_low, inner_high = float(forward(must).min()), float(forward(must).max())
    span = inner_high - inner_low
    reach = max(span, math.log(4.0)) if scale.log else span
    if reach == 0:
        reach = float(np.abs(may - must[0]).max(initial=0.0)) or 1.0
    reachable = forward(may)
    low = max(float(min([inner_low, *reachable])), inner_low - reach)
    high = min(float(max([inner_high, *reachable])), inner_high + reach)
    if high == low:
        low, high = low - reach, high + reach
    pad = 0.03 * (high - low)
    ends = (low - pad, high + pad)
    if scale.null is None and not scale.log and inner_low >= 0:
        # A rate is not negative, and neither is its axis.
        ends = (max(ends[0], 0.0), ends[1])
    return (math.exp(ends[0]), math.exp(ends[1])) if scale.log else ends


def _drawable(scale: AxisScale, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    return array[array > 0] if scale.log else array


def set_x_axis(ax: Axes, scale: AxisScale, low: float, high: float) -> None:
    """Set scale, limits, ticks and label of the x-axis, and draw the line of no effect.

    Ticks are fixed for the limits and the width that the axes have now.

    Raises
    ------
    ValueError
        If the limits are not finite and ascending, or not above 0 on a log axis.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not scale.log)):
        rule = "finite, ascending and above 0" if scale.log else "finite and ascending"
        raise ValueError(f"`xlim` must be {rule}, but got ({low!r}, {high!r}).")
    ax.set_xscale("log" if scale.log else "linear")
    ax.set_xlim(low, high)
    ticks, labels, unlabelled = nice_ticks(low, high, width=_panel_points(ax), log=scale.log)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FixedFormatter(labels))
    ax.xaxis.set_minor_locator(FixedLocator(unlabelled))
    ax.xaxis.set_minor_formatter(NullFormatter())
    # Ticks are made when they are first asked for: now, not under other settings when the figure is saved.
    for text in ax.get_xticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    ax.set_xlabel(scale.label)
    if scale.null is not None and low <= scale.null <= high:
        ax.axvline(scale.null, color=GREY, linewidth=0.8, zorder=0.5, gid="null line")


def _panel_points(ax: Axes) -> float:
    return float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi)


def nice_ticks(
    low: float, high: float, *, width: float, log: bool
) -> tuple[list[float], list[str], list[float]]:
    """Choose ticks and their labels.

    Parameters
    ----------
    low, high : float
        Limits of the axis.
    width : float
        Its length in points; labels stand apart on it.
    log : bool
        Whether the axis is logarithmic. Ticks are then 1, 2 and 5 times powers of ten, more on a short axis
        and fewer on a long one; 1 is among them where it lies inside.

    Returns
    -------
    list of float, list of str, list of float
        Ticks in ascending order, their plain decimal labels, and ticks between for which there was no room
        to be labelled.
    """
    candidates = _log_candidates(low, high) if log else _linear_candidates(low, high)
    wanted = next((ticks for ticks in candidates if _FEWEST <= len(ticks) <= _MOST), [])
    best: tuple[list[float], list[str]] = ([], [])
    for ticks in candidates:
        labels = _labels(ticks, common=not log)
        if len(ticks) > _MOST or not _stand_apart(ticks, labels, low, high, width, log=log):
            continue
        if len(ticks) > len(best[0]):
            best = (ticks, labels)
        if len(ticks) >= _FEWEST:
            break
    between = [tick for tick in wanted if tick not in best[0]] if len(best[0]) < _FEWEST else []
    return *best, between


def _log_candidates(low: float, high: float) -> list[list[float]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1)
    slack = 1e-9
    low, high = low * (1 - slack), high * (1 + slack)

    def inside(mantissas: Sequence[float], every: int = 1) -> list[float]:
        values = [float(f"{m:g}e{k}") for k in decades if k % every == 0 for m in mantissas]
        return [value for value in values if low <= value <= high]

    if high / low > 10.0**_FEWEST:
        return [inside((1.0,), every) for every in (1, 2, 3, 4, 6, 10, 20, 50)]
    dense = [inside(mantissas) for mantissas in _MANTISSAS]
    fours, fives = ([base**k for k in range(-8, 9) if low <= base**k <= high] for base in (4.0, 5.0))
    sparse = [inside((1.0, 3.0)), fives, fours, inside((1.0,)), inside((1.0,), 2)]
    short = _linear_candidates(low, high) if high / low < 4 else []
    if low < 1 < high:
        short = [ticks for ticks in short if 1.0 in ticks]
    if high / low < 4:
        return [*dense, *short, *sparse]
    return [dense[0], *dense[1:], *sparse] if len(dense[0]) <= _MOST else [dense[0], *sparse, *dense[1:]]


def _linear_candidates(low: float, high: float) -> list[list[float]]:
    """Return ticks of every nice step, the finest that may be read first."""
    exponent = math.floor(math.log10((high - low) / _MOST))
    steps = [(m, exponent + k) for k in range(3) for m in (1.0, 2.0, 2.5, 5.0)]
    slack = 1e-9 * (high - low)
    candidates = []
    for mantissa, power in steps:
        step = mantissa * 10.0**power
        first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
        if last - first < 4 * _MOST:
            # Through text: 3 * 0.1 is to be 0.3.
            candidates.append(
                [float(f"{number * mantissa:.10g}e{power}") for number in range(first, last + 1)]
            )
    return candidates


def _labels(ticks: Sequence[float], *, common: bool) -> list[str]:
    texts = [np.format_float_positional(tick, trim="-") for tick in ticks]
    if common:
        decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
        texts = [f"{tick + 0.0:.{decimals}f}" for tick in ticks]
    return [
        format_count(tick) if abs(tick) >= 10_000 else text.replace("-", "−")
        for tick, text in zip(ticks, texts, strict=True)
    ]


def _stand_apart(
    ticks: Sequence[float], labels: Sequence[str], low: float, high: float, width: float, *, log: bool
) -> bool:
    if log:
        places = [width * math.log(tick / low) / math.log(high / low) for tick in ticks]
    else:
        places = [width * (tick - low) / (high - low) for tick in ticks]
    halves = [text_width(label, size=BODY_SIZE) / 2 for label in labels]
    return all(
        places[i + 1] - halves[i + 1] - places[i] - halves[i] >= _LABEL_GAP for i in range(len(ticks) - 1)
    )
