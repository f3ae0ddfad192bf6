"""Forest plots: studies with their weights, one or several pooled estimates, heterogeneity in words.

Takes finished numbers and draws them in the order given. Pooling lives in `meta`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.axes import (
    UNDER_AXIS,
    AxisScale,
    automatic_limits,
    axis_scale,
    labelled_axes,
    set_x_axis,
)
from analysis.figures.favours import break_favours, write_favours
from analysis.figures.marks import draw_diamond, draw_interval, draw_prediction, square_side
from analysis.figures.page import Column, Layout, Row, draw_page, lay_out
from analysis.figures.style import BODY_SIZE, GREY, house_style
from analysis.figures.summaries import Pooled, Summary, prediction_label, summaries_of, summary_labels
from analysis.figures.text import LINE_SPACING
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_number,
    is_percent,
)
from analysis.tables.pooled import describe_heterogeneity
from analysis.values.arguments import check_choice
from analysis.values.counts import Proportion, TwoByTwo, TwoRates
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import EffectSizes, Estimate

__all__ = ["figure_forest", "plot_forest"]


COLUMNS = ("counts", "effect", "weight")
# What is left out first where the page is narrow and the caller has not chosen.
_CHOICES = (COLUMNS, ("counts", "effect"), ("effect", "weight"), ("effect",))


def plot_forest(effects: EffectSizes, *, pooled: Pooled | None = None, ax: Axes | None = None) -> Axes:
    """Draw the graphic part of a forest plot, one row a study from top to bottom, pooled rows below.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,). Intervals are the normal ones, at the level of the pooled estimate.
    pooled : PooledEstimate, or sequence of (str, Estimate or PooledEstimate), optional
        What the diamonds show; the sequence names each. Squares have areas by the weights of the first
        meta-analysis; without one they are equal.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Squares and ticks are fitted
        to the size that the axes have now.

    Returns
    -------
    Axes
        Study i lies at y = i. Proportions are in percent. Studies that are not estimable keep their row.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the effects are more than one set of studies, or a pooled estimate is of another measure.
    """
    summaries = summaries_of(effects, pooled)
    labels = [*_study_labels(effects), *summary_labels(summaries)]
    with house_style():
        scale = axis_scale(effects.measure)
        ax = labelled_axes(labels, xlabel=scale.label, ax=ax)
        set_x_axis(ax, scale, *_limits(effects, summaries, scale))
        _draw(ax, effects, summaries, list(map(float, range(len(labels)))), half_height=0.3)
    return ax


def figure_forest(
    effects: EffectSizes,
    *,
    pooled: Pooled | None = None,
    table: TwoByTwo | TwoRates | Proportion | None = None,
    columns: Sequence[str] | None = None,
    arms: tuple[str, str] = ("Exposed", "Control"),
    favours: tuple[str, str] | None = None,
    study_heading: str = "Study",
    digits: int | None = None,
    xlabel: str | None = None,
    xlim: tuple[float, float] | None = None,
    width_mm: float = 174.0,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a forest plot with its columns of text, at its printed size.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,), in the order of the rows.
    pooled : PooledEstimate, or sequence of (str, Estimate or PooledEstimate), optional
        One diamond each. A meta-analysis also gives weights (the first one), prediction interval and the
        line on heterogeneity.
    table : TwoByTwo, TwoRates or Proportion, optional
        Of shape (k,): the counts that are printed.
    columns : sequence of {"counts", "effect", "weight"}, optional
        Which columns are printed. By default all that there are numbers for, and fewer where the page is
        too narrow for them or many labels would be broken: first the weights are left out, then the counts.
    arms : tuple of str, default ("Exposed", "Control")
        Headings over the counts of the two arms.
    favours : tuple of str, optional
        What lies left and right of the null ("lower risk with AS", "higher risk with AS").
    study_heading : str, default "Study"
        Heading of the labels.
    digits : int, optional
        Decimals of the effects; by default those of `tables.format`, row by row.
    xlabel : str, optional
        Replaces the name of the measure under the axis.
    xlim : tuple of float, optional
        Limits of the axis; in percent for proportions. By default they hold all estimates and every
        interval that would not squeeze the others; intervals that go on end in an arrow.
    width_mm : float, default 174
        Printed width: 174 mm fill two columns of a journal, 84 mm one.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Letters are 7 points or more at the printed size.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If shapes do not match, a column is unknown or has no numbers, the page is too narrow for what was
        chosen, or a label needs letters that the font does not have.
    """
    summaries = summaries_of(effects, pooled)
    studies = _study_labels(effects)
    if table is not None and (table.shape or (1,)) != (len(studies),):
        raise ValueError(
            f"`table` must have the shape of the effects, ({len(studies)},), but has {table.shape}."
        )
    with house_style():
        content = _Content(
            effects=effects,
            summaries=summaries,
            studies=studies,
            table=table,
            arms=arms,
            heading=study_heading,
            digits=digits,
        )
        named, rows, layout = _fit(content, columns, width_mm)
        scale = axis_scale(effects.measure)
        limits = xlim if xlim is not None else _limits(effects, summaries, scale)
        words = break_favours(favours, layout, scale, limits)
        below = UNDER_AXIS + (max(map(len, words)) * BODY_SIZE * LINE_SPACING if favours else 0.0)
        page = draw_page(layout, named, rows, below=below, notes=_notes(summaries, note), synthetic=synthetic)
        set_x_axis(page.axes, scale, *limits)
        if xlabel is not None:
            page.axes.set_xlabel(xlabel)
        _draw(page.axes, effects, summaries, page.centres, half_height=3.8)
        write_favours(page, scale, words, limits)
    return page.figure


def _fit(
    content: _Content, columns: Sequence[str] | None, width_mm: float
) -> tuple[list[Column], list[Row], Layout]:
    if columns is not None:
        for name in columns:
            check_choice("columns", name, COLUMNS)
        lacking = [name for name in columns if name not in content.available]
        if lacking:
            raise ValueError(
                f"`columns` must be among those that there are numbers for, "
                f"{', '.join(map(repr, content.available))}, but got {lacking[0]!r}. "
                "Counts need table=, weights need pooled=."
            )
        choices: list[tuple[str, ...]] = [tuple(columns)]
    else:
        choices = [choice for choice in _CHOICES if set(choice) <= set(content.available)]
    fitting: list[tuple[list[Column], list[Row], Layout]] = []
    refusal = ValueError("`columns` must name at least one column.")
    for choice in choices:
        named, rows, panel_after = content.build(choice)
        try:
            layout = lay_out(named, rows, width_mm=width_mm, panel_after=panel_after)
        except ValueError as error:
            refusal = error
            continue
        fitting.append((named, rows, layout))
        # Better a column less than most labels broken.
        broken = sum(max(map(len, lines)) - 1 for lines in layout.lines)
        if broken <= max(8, len(rows) / 4):
            return fitting[-1]
    if not fitting:
        raise refusal
    return fitting[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What the columns say."""

    effects: EffectSizes
    summaries: tuple[Summary, ...]
    studies: tuple[str, ...]
    table: TwoByTwo | TwoRates | Proportion | None
    arms: tuple[str, str]
    heading: str
    digits: int | None

    @property
    def available(self) -> tuple[str, ...]:
        there = {
            "counts": self.table is not None,
            "effect": True,
            "weight": _weights(self.summaries) is not None,
        }
        return tuple(name for name in COLUMNS if there[name])

    def build(self, choice: tuple[str, ...]) -> tuple[list[Column], list[Row], int]:
        """Return columns, rows, and how many columns stand left of the panel."""
        measure = self.effects.measure
        percent = is_percent(measure)
        intervals = _intervals(self.effects, self.summaries)
        counts = self._counts() if "counts" in choice and self.table is not None else []
        columns = [Column(heading=self.heading, wraps=True)]
        columns += [Column(heading=heading, align="right") for heading, _ in counts]
        level = f"{100 * intervals.confidence_level:g}% CI"
        weights = _weights(self.summaries)
        if "effect" in choice:
            name = f"{measure_of(measure).label}{', %' if percent else ''}\n({level})"
            columns.append(Column(heading=name, align="right"))
        if "weight" in choice:
            columns.append(Column(heading="Weight\n(%)", align="right"))
        blank = ("",) * len(counts)

        def right(text: str, weight: str) -> tuple[str, ...]:
            cells = {"effect": text, "weight": weight}
            return tuple(cells[name] for name in ("effect", "weight") if name in choice)

        rows = []
        for i, study in enumerate(self.studies):
            text = self._text(intervals[i])
            weight = "" if weights is None else format_number(weights[i], 1) if weights[i] > 0 else "–"
            rows.append(Row(cells=(study, *(cells(i) for _, cells in counts), *right(text, weight))))
        weighing = next((summary for summary in self.summaries if summary.pooled is not None), None)
        for number, summary in enumerate(self.summaries):
            text = self._text(summary.estimate)
            first = number == 0
            weight = "100.0" if summary is weighing else ""
            rows.append(
                Row(
                    cells=(summary.label, *blank, *right(text, weight)),
                    bold=True,
                    spans=True,
                    space_above=4.0 if first else 0.0,
                )
            )
            if summary.prediction is not None:
                # The same decimals as the estimate above it has.
                value = float(summary.estimate.value)
                limits = format_estimate(
                    value, *summary.prediction, measure=measure, digits=self.digits, sign=False
                ).partition(" ")[2]
                cells = (prediction_label(summary), *blank, *right(limits, ""))
                rows.append(Row(cells=cells, spans=True))
        return columns, rows, 1 + len(counts)

    def _text(self, estimate: Estimate) -> str:
        return format_estimate(
            estimate.value,
            estimate.low,
            estimate.high,
            measure=self.effects.measure,
            digits=self.digits,
            sign=False,
        )

    def _counts(self) -> list[tuple[str, Callable[[int], str]]]:
        table = self.table
        if isinstance(table, TwoByTwo):
            return [
                (f"{self.arms[0]}\nn/N", _over(table.exposed_cases, table.exposed_total)),
                (f"{self.arms[1]}\nn/N", _over(table.control_cases, table.control_total)),
            ]
        if isinstance(table, TwoRates):
            return [
                (f"{self.arms[0]}\nevents/time", _over(table.exposed_events, table.exposed_time)),
                (f"{self.arms[1]}\nevents/time", _over(table.control_events, table.control_time)),
            ]
        if isinstance(table, Proportion):
            return [("n/N", _over(table.events, table.total))]
        raise TypeError(f"`table` must be TwoByTwo, TwoRates or Proportion, but got {type(table).__name__}.")


def _over(events: FloatArray, total: FloatArray) -> Callable[[int], str]:
    above, below = np.atleast_1d(events), np.atleast_1d(total)
    return lambda i: f"{format_count(above[i])}/{format_count(below[i])}"


def _study_labels(effects: EffectSizes) -> tuple[str, ...]:
    return effects.label or tuple(f"Study {i + 1}" for i in range(effects.effect.size))


def _weights(summaries: Sequence[Summary]) -> FloatArray | None:
    for summary in summaries:
        if summary.pooled is not None:
            return np.ravel(summary.pooled.weights)
    return None


def _intervals(effects: EffectSizes, summaries: Sequence[Summary]) -> Estimate:
    level = summaries[0].estimate.confidence_level if summaries else 0.95
    with np.errstate(invalid="ignore", over="ignore"):
        interval = effects.interval(confidence_level=level)
    return interval if interval.shape else interval[np.newaxis]


def _limits(effects: EffectSizes, summaries: Sequence[Summary], scale: AxisScale) -> tuple[float, float]:
    intervals = _intervals(effects, summaries)
    limits = [*intervals.low, *intervals.high]
    centres = [*intervals.value]
    for summary in summaries:
        centres += [float(summary.estimate.value)]
        limits += [float(summary.estimate.low), float(summary.estimate.high), *(summary.prediction or ())]
    return automatic_limits(
        scale, scale.factor * np.array(centres, dtype=float), scale.factor * np.array(limits, dtype=float)
    )


def _draw(
    ax: Axes,
    effects: EffectSizes,
    summaries: Sequence[Summary],
    positions: Sequence[float],
    *,
    half_height: float,
) -> None:
    factor = axis_scale(effects.measure).factor
    intervals = _intervals(effects, summaries)
    weights = _weights(summaries)
    largest = 0.0 if weights is None else float(weights.max())
    places = iter(positions)
    for i in range(effects.effect.size):
        value, low, high = (
            factor * float(part[i]) for part in (intervals.value, intervals.low, intervals.high)
        )
        weight = 0.0 if weights is None else float(weights[i])
        side = square_side(ax, weight, largest, low, high)
        # A study that was left out of the pooling has a hollow square.
        inside = weights is None or weight > 0
        draw_interval(ax, next(places), value, low, high, side=side if inside else 4.0, filled=inside)
    first = True
    for summary in summaries:
        y = next(places)
        value, low, high = (
            factor * float(part)
            for part in (summary.estimate.value, summary.estimate.low, summary.estimate.high)
        )
        draw_diamond(ax, y, value, low, high, half_height=half_height)
        if first and math.isfinite(value):
            ax.plot(
                [value, value],
                [ax.get_ylim()[1], y],
                color=GREY,
                linewidth=0.6,
                linestyle=(0, (2, 2)),
                zorder=0.6,
                gid="pooled line",
            )
        first = False
        if summary.prediction is not None:
            draw_prediction(ax, next(places), *(factor * limit for limit in summary.prediction))


def _notes(summaries: Sequence[Summary], note: str | None) -> list[str]:
    analyses = [summary for summary in summaries if summary.pooled is not None]
    notes = []
    for summary in analyses:
        text = "" if summary.pooled is None else describe_heterogeneity(summary.pooled)
        if text:
            notes.append(
                f"Heterogeneity{f' ({summary.label})' if len(analyses) > 1 else ''}: {_together(text)}"
            )
    weights = _weights(summaries)
    if weights is not None and (weights == 0).any():
        notes.append("Hollow square, no weight (–): study not in the pooled analysis.")
    return notes + ([note] if note else [])


def _together(text: str) -> str:
    """Keep "P < 0.001" on one line."""
    return re.sub(r" ([=<>]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
