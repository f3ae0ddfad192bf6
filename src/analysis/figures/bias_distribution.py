"""The distribution of bias-adjusted estimates: conventional, bias alone, bias and random error.

Takes a finished analysis; its kept draws are counted in bins, nothing else is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.markers import CARETLEFT, CARETRIGHT

from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis
from analysis.figures.parts.axes import axis_scale, labelled_axes, set_x_axis
from analysis.figures.parts.bias_page import digits_for, name_under
from analysis.figures.parts.page import Column, Layout, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, LIGHT_GREY, MM_PER_INCH, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_percent,
    is_percent,
)
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["figure_bias_distribution", "plot_bias_distribution"]

_BINS = 60
# Share of the draws that the axis shows; a tail to infinity must not squeeze the rest.
_SHOWN = (0.005, 0.995)
_FEWEST = 100
_LABELS = {
    "conventional": "No bias, random error",
    "systematic": "Bias alone",
    "total": "Bias and random error",
}
# Height of a row with an outline, in sizes of letters; and of the outline, as a share of the row.
_ROW = 6.5
_OUTLINE = 0.68


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One row: an interval, with quartiles and counted draws where there are draws."""

    name: str
    interval: Estimate
    quartiles: tuple[float, float] | None
    counts: FloatArray | None

    @property
    def limits(self) -> tuple[float, float, float]:
        value, low, high = (
            float(part.item()) for part in (self.interval.value, self.interval.low, self.interval.high)
        )
        return value, low, high

    @property
    def bounded(self) -> bool:
        """Whether there is an interval: a published ratio may stand without one, as one of no width."""
        _, low, high = self.limits
        return low < high

    @property
    def label(self) -> str:
        """What the row is of."""
        return _LABELS[self.name] if self.bounded or self.name != "conventional" else "No bias"

    def text(self, measure: str, *, digits: int | None, sign: bool = False) -> str:
        """Return estimate and interval as they are printed."""
        value, low, high = self.limits
        if self.bounded:
            return format_estimate(value, low, high, measure=measure, digits=digits, sign=sign)
        if is_percent(measure):
            return format_percent(value, sign=sign)
        return format_number(value, digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """All that is drawn, on the reporting scale."""

    result: ProbabilisticBiasAnalysis
    parts: tuple[_Part, ...]
    edges: FloatArray

    @property
    def digits(self) -> int | None:
        """Decimals that show the narrowest interval; None where the usual ones do."""
        widths = [part.limits[2] - part.limits[1] for part in self.parts if part.bounded]
        return digits_for(self.result.measure, min(widths, default=0.0))


def plot_bias_distribution(result: ProbabilisticBiasAnalysis, *, ax: Axes | None = None) -> Axes:
    """Draw a row each for no bias, bias alone, and bias with random error: draws and interval.

    Parameters
    ----------
    result : ProbabilisticBiasAnalysis
        Of one table, with at least 100 draws kept.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Row i at y = i. An outline (gid "systematic", "total") counts the kept draws; under it lie the
        interval (gid "interval"), thicker between the quartiles (gid "quartiles"), and the median (gid
        "estimate").

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If it is of several tables, or kept fewer than 100 possible draws.
    """
    with house_style():
        drawing = _laid_out(result)
        scale = axis_scale(result.measure)
        labels = [
            f"{part.label}\n{part.text(result.measure, digits=drawing.digits)}" for part in drawing.parts
        ]
        figure = None
        if ax is None:
            # Higher than a list of labels: outlines need room.
            height = 0.5 + 0.085 * current().body_size * len(labels)
            figure = Figure(figsize=(current().double_mm / MM_PER_INCH, height), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        ax = labelled_axes(labels, xlabel=scale.label, ax=ax)
        if figure is not None:
            # Ticks depend on the final size of the axes.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        set_x_axis(ax, scale, *(scale.factor * float(drawing.edges[i]) for i in (0, -1)))
        _draw(ax, drawing, range(len(labels)), heights=[0.9] * len(labels))
    return ax


def figure_bias_distribution(
    result: ProbabilisticBiasAnalysis,
    *,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the three distributions on a page, with medians and intervals in columns.

    Parameters
    ----------
    result
        As for `plot_bias_distribution`.
    width_mm : float, optional
        Width of the page; by default the journal's full one. Where it is narrow the column of quartiles gives
        way.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_bias_distribution`, or if the page is too narrow.
    """
    with house_style():
        drawing = _laid_out(result)
        scale = axis_scale(result.measure)
        width = current().double_mm if width_mm is None else width_mm
        columns, rows, layout = _fitting(drawing, width)
        line, name = current().body_size * LINE_SPACING, name_under(layout, scale.label)
        page = draw_page(
            layout,
            columns,
            rows,
            below=(2 + name.count("\n")) * line + 6.0,
            notes=[_explanation(result), *([note] if note else [])],
            synthetic=synthetic,
        )
        set_x_axis(page.axes, scale, *(scale.factor * float(drawing.edges[i]) for i in (0, -1)))
        page.axes.set_xlabel(name, fontproperties=font(), parse_math=False)
        _draw(page.axes, drawing, page.centres, heights=[row.height for row in rows])
        record = _record(drawing)
    return keep_record(page.figure, record)


def _laid_out(result: ProbabilisticBiasAnalysis) -> _Drawing:
    drawn = _checked(result)
    back = np.exp if axis_scale(result.measure).log else np.asarray
    low, high = _ends(result, drawn)
    edges = np.linspace(low, high, _BINS + 1)
    quantiles = {"systematic": result.systematic, "total": result.total}
    intervals = {"systematic": result.systematic_interval}
    if result.total is not None:
        intervals["total"] = result.total_interval
    parts = [_Part(name="conventional", interval=result.conventional, quartiles=None, counts=None)]
    for name, values in drawn.items():
        # The five quantiles are limits, quartiles and median, in ascending order.
        five = np.asarray(quantiles[name], dtype=float).reshape(-1)
        parts.append(
            _Part(
                name=name,
                interval=intervals[name],
                quartiles=(float(five[1]), float(five[3])),
                counts=np.histogram(values, bins=edges)[0].astype(np.float64),
            )
        )
    return _Drawing(result=result, parts=tuple(parts), edges=np.asarray(back(edges)))


def _checked(result: ProbabilisticBiasAnalysis) -> dict[str, FloatArray]:
    """Return the draws that can be drawn, on the analysis scale."""
    if not isinstance(result, ProbabilisticBiasAnalysis):
        raise TypeError(f"`result` must be a ProbabilisticBiasAnalysis, but got {type(result).__name__}.")
    if result.conventional.value.size != 1:
        raise ValueError(f"`result` must be of one table, but has shape {result.shape}. Run one table.")
    log = axis_scale(result.measure).log
    kept = {"systematic": result.kept_systematic}
    if result.kept_total is not None:
        kept["total"] = result.kept_total
    drawn = {name: _drawable(values, log=log) for name, values in kept.items()}
    if min(values.size for values in drawn.values()) < _FEWEST:
        raise ValueError(f"`result` must hold at least {_FEWEST} possible draws. Run it with a larger keep=.")
    return drawn


def _drawable(values: FloatArray, *, log: bool) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log(values) if log else np.asarray(values)
    return np.asarray(x[np.isfinite(x)])


def _ends(result: ProbabilisticBiasAnalysis, drawn: dict[str, FloatArray]) -> tuple[float, float]:
    """Return the ends of the axis on the analysis scale: most draws, the usual interval, and the null."""
    scale = axis_scale(result.measure)
    usual = result.conventional
    ends = [np.quantile(values, _SHOWN) for values in drawn.values()]
    null = [np.nan if scale.null is None else scale.null / scale.factor]
    parts = np.array([usual.value.item(), usual.low.item(), usual.high.item(), *null])
    ends.append(_drawable(parts, log=scale.log))
    shown = np.concatenate(ends)
    low, high = float(shown.min()), float(shown.max())
    # Draws that are all alike still need an axis.
    room = 0.03 * (high - low) or 0.1
    return low - room, high + room


def _fitting(drawing: _Drawing, width_mm: float) -> tuple[list[Column], list[Row], Layout]:
    refusal: ValueError | None = None
    for quartiles in (True, False):
        columns, rows = _content(drawing, quartiles=quartiles)
        try:
            return columns, rows, lay_out(columns, rows, width_mm=width_mm, panel_after=1)
        except ValueError as error:
            refusal = error
    raise refusal or ValueError("`width_mm` is too narrow.")


def _content(drawing: _Drawing, *, quartiles: bool) -> tuple[list[Column], list[Row]]:
    result = drawing.result
    unit = ", %" if is_percent(result.measure) else ""
    columns = [
        Column(heading="What is uncertain", wraps=True),
        Column(
            heading=f"Median{unit}\n({100 * result.confidence_level:g}% interval)",
            align="right",
        ),
    ]
    if quartiles:
        columns.append(Column(heading="Quartiles", align="right"))
    size = current().body_size
    rows = []
    for part in drawing.parts:
        cells = [part.label, part.text(result.measure, digits=drawing.digits)]
        if quartiles:
            between = part.quartiles
            cells.append(
                ""
                if between is None
                else format_interval(
                    *between,
                    measure=result.measure,
                    digits=drawing.digits,
                    sign=False,
                )
            )
        height = (_ROW if part.counts is not None else 0.4 * _ROW) * size
        rows.append(Row(cells=tuple(cells), height=height))
    return columns, rows


def _draw(ax: Axes, drawing: _Drawing, centres: Sequence[float], *, heights: Sequence[float]) -> None:
    factor = axis_scale(drawing.result.measure).factor
    # Upwards on the page is towards smaller y.
    width = current().line_width
    start, end = sorted(ax.get_xlim())
    for part, centre, height in zip(drawing.parts, centres, heights, strict=True):
        colour = BLACK if part.counts is None else BLUE
        y = float(centre)
        if part.counts is not None and part.counts.max() > 0:
            base = centre + (_OUTLINE / 2 - 0.06) * height
            ax.stairs(
                base - _OUTLINE * height * part.counts / part.counts.max(),
                factor * drawing.edges,
                baseline=base,
                fill=True,
                facecolor=LIGHT_GREY,
                edgecolor=colour,
                linewidth=1.4 * width,
                zorder=1.0,
                gid=part.name,
            )
            y = base + 0.12 * height
        value, low, high = (factor * limit for limit in part.limits)
        if part.bounded:
            ax.plot(
                [max(low, start), min(high, end)],
                [y, y],
                color=colour,
                linewidth=1.8 * width,
                zorder=2.5,
                gid="interval",
            )
            for cut, place, marker in ((low < start, start, CARETLEFT), (high > end, end, CARETRIGHT)):
                if cut:
                    ax.plot(
                        [place],
                        [y],
                        marker=marker,
                        markersize=4.5,
                        markeredgewidth=0,
                        color=colour,
                        linestyle="none",
                        clip_on=False,
                        gid="arrow",
                    )
        if part.quartiles is not None:
            ends = [min(max(factor * limit, start), end) for limit in part.quartiles]
            ax.plot(ends, [y, y], color=colour, linewidth=5.0 * width, zorder=2.6, gid="quartiles")
        ax.plot(
            [value],
            [y],
            marker="s" if part.quartiles is None else "o",
            markersize=0.6 * current().body_size,
            markerfacecolor=colour if part.quartiles is None else "white",
            markeredgecolor=colour,
            markeredgewidth=1.4 * width,
            linestyle="none",
            zorder=3.0,
            gid="estimate",
        )


def _explanation(result: ProbabilisticBiasAnalysis) -> str:
    text = (
        f"Outlines: {format_count(min(result.draws, result.kept_systematic.shape[0]))} of "
        f"{format_count(result.draws)} draws of the bias parameters, each as high as its peak. Circle: "
        f"median; thick line: quartiles; thin line: {100 * result.confidence_level:g}% of the draws. Square: "
        "the estimate without adjustment"
    )
    known = result.conventional.low.item() < result.conventional.high.item()
    text += ", with its confidence interval." if known else "; its confidence interval is not known."
    lost = int(np.max(result.impossible_draws))
    if lost:
        reasons = ", ".join(reason for reason, count in result.impossible.items() if np.any(count))
        text += (
            f" {format_count(lost)} draws ({format_percent(lost / result.draws)}) contradict the data "
            f"({reasons}) and are left out."
        )
    return text


_ERRORS = {
    "resampling": "Random error by drawing the cells anew",
    "delta": "Random error from the standard error of each adjusted estimate",
    "conventional": "Random error from the standard error of the unadjusted estimate",
    "none": "No random error",
}


def _record(drawing: _Drawing) -> FigureRecord:
    result = drawing.result
    measure = measure_of(result.measure).label.lower()
    level = f"{100 * result.confidence_level:g}%"
    biases = []
    for bias in result.biases:
        listed = ", ".join(f"{name.replace('_', ' ')} {kind}" for name, kind in bias.parameters.items())
        biases.append(f"{bias.kind}: {listed} (source: {bias.source})")
    told = "; ".join(
        f"{part.label.lower()}: {part.text(result.measure, digits=drawing.digits, sign=True)}"
        for part in drawing.parts
    )
    seed = "" if result.seed is None else f", seed {result.seed}"
    return FigureRecord(
        title=f"Probabilistic bias analysis of the {measure}",
        caption=(
            f"Bias-adjusted {measure}. Biases in the order in which they are undone: {'; '.join(biases)}. "
            f"{_ERRORS[result.random_error]}{seed}. {_explanation(result)}"
        ),
        alt=f"Distributions of the {measure} in rows, with median and {level} interval. {told}.",
        numbers=_numbers(drawing),
    )


def _numbers(drawing: _Drawing) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for part in drawing.parts:
        value, low, high = part.limits
        lower, upper = part.quartiles or (np.nan, np.nan)
        summary = {"value": value, "low": low, "high": high, "lower_quartile": lower, "upper_quartile": upper}
        frames.append(pd.DataFrame([{"error": part.name, "mark": "interval"} | summary]))
        if part.counts is not None:
            frames.append(
                pd.DataFrame(
                    {
                        "error": part.name,
                        "mark": "outline",
                        "low": drawing.edges[:-1],
                        "high": drawing.edges[1:],
                        "draws": part.counts,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True).assign(measure=drawing.result.measure)
