"""One table through many methods: each method's interval, with further columns beside it.

Finished estimates in; what else is known of a method (its coverage) comes as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import automatic_limits, axis_scale, labelled_axes, set_x_axis, under_axis
from analysis.figures.parts.marks import draw_interval
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import current, house_style
from analysis.figures.parts.text import font
from analysis.tables.format import format_estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.estimate import Estimate

__all__ = ["figure_intervals", "plot_intervals"]

_MARKER_SIDE = 4.0


def plot_intervals(
    estimates: Sequence[Estimate], *, xlim: tuple[float, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the intervals of one table by several methods, from top to bottom.

    Parameters
    ----------
    estimates : sequence of Estimate
        Each of one table, all of one measure; the method names the row.
    xlim : tuple of float, optional
        Limits of the axis; in percent for proportions.
    ax : Axes, optional
        Axes to use; by default those of a new figure.

    Returns
    -------
    Axes
        Row i at y = i.

    Raises
    ------
    ValueError
        If there is no estimate, one is an array, or the measures differ.
    """
    measure = _check(estimates)
    with house_style():
        scale = axis_scale(measure)
        ax = labelled_axes([estimate.method for estimate in estimates], xlabel=scale.label, ax=ax)
        set_x_axis(ax, scale, *(xlim or _limits(estimates, measure)))
        _draw(ax, estimates, [float(i) for i in range(len(estimates))], scale.factor)
    return ax


def figure_intervals(
    estimates: Sequence[Estimate],
    *,
    beside: Mapping[str, Sequence[str]] | None = None,
    heading: str = "Method",
    xlabel: str | None = None,
    xlim: tuple[float, float] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the intervals of one table by several methods, with their numbers and further columns.

    Parameters
    ----------
    estimates : sequence of Estimate
        Each of one table, all of one measure; the method names the row.
    beside : mapping of str to sequence of str, optional
        Further columns of text: heading and one text a row.
    heading : str, default "Method"
        Heading of the names.
    xlabel : str, optional
        Replaces the name of the measure under the axis.
    xlim : tuple of float, optional
        Limits of the axis; in percent for proportions.
    width_mm : float, optional
        Printed width; by default that of the journal's page.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        It brings title, caption, alternative text and numbers along for `save_figure`.

    Raises
    ------
    ValueError
        If there is no estimate, one is an array, the measures differ, or a column is of another length.
    """
    measure = _check(estimates)
    columns = dict(beside or {})
    for name, texts in columns.items():
        if len(texts) != len(estimates):
            raise ValueError(
                f"`beside` must have {len(estimates)} texts in every column, but {name!r} has {len(texts)}."
            )
    level = f"{100 * estimates[0].confidence_level:g}% CI"
    with house_style():
        scale = axis_scale(measure)
        headings = [
            Column(heading=heading),
            Column(heading=f"Estimate\n({level})", align="right"),
            *(Column(heading=name, align="right") for name in columns),
        ]
        rows = [
            Row(cells=(estimate.method, _text(estimate), *(texts[i] for texts in columns.values())))
            for i, estimate in enumerate(estimates)
        ]
        width = current().double_mm if width_mm is None else width_mm
        layout = lay_out(headings, rows, width_mm=width, panel_after=1)
        notes = [note] if note else []
        page = draw_page(layout, headings, rows, below=under_axis() + 2.5, notes=notes, synthetic=synthetic)
        set_x_axis(page.axes, scale, *(xlim or _limits(estimates, measure)))
        if xlabel is not None:
            page.axes.set_xlabel(xlabel, fontproperties=font(), parse_math=False)
        _draw(page.axes, estimates, page.centres, scale.factor)
        record = _record(estimates, columns, note, synthetic=synthetic)
    return keep_record(page.figure, record)


def _record(
    estimates: Sequence[Estimate], columns: Mapping[str, Sequence[str]], note: str | None, *, synthetic: bool
) -> FigureRecord:
    import pandas as pd

    meaning = measure_of(estimates[0].measure)
    name = f"{meaning.label[0].lower()}{meaning.label[1:]}"
    level = f"{100 * estimates[0].confidence_level:g}%"
    k = len(estimates)
    methods = "one method" if k == 1 else f"{k} methods"
    made_up = "Synthetic data. " if synthetic else ""
    axis = " on a log axis" if axis_scale(estimates[0].measure).log else ""
    null = " Upright line: no effect." if meaning.null is not None else ""
    caption = (
        f"{made_up}Circles and lines: estimates and {level} confidence intervals of the {name} of one table "
        f"by {methods}{axis}. Arrows: intervals that go on.{null}"
    )
    numbers = pd.concat([estimate.to_frame() for estimate in estimates], ignore_index=True)
    lows, highs = (np.array([float(end) for end in ends]) for ends in _ends(estimates))
    sentences = [
        f"{made_up}{level} confidence intervals of one {name} by {methods}.",
        *(f"{estimate.method}: {_text(estimate)}." for estimate in estimates),
    ]
    if meaning.null is not None and k > 1:
        outside = int(((lows > meaning.null) | (highs < meaning.null)).sum())
        sentences.append(f"{outside} of {k} intervals exclude no effect.")
    return FigureRecord(
        title=f"{meaning.label} of one table by {methods}",
        caption=f"{caption} {note}" if note else caption,
        alt=" ".join(sentences),
        numbers=numbers.assign(
            **{heading.replace("\n", " "): list(texts) for heading, texts in columns.items()}
        ),
    )


def _ends(estimates: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    return [float(one.low) for one in estimates], [float(one.high) for one in estimates]


def _check(estimates: Sequence[Estimate]) -> str:
    if not estimates:
        raise ValueError("`estimates` must hold at least one estimate, but is empty.")
    if any(estimate.shape for estimate in estimates):
        raise ValueError("`estimates` must each be of one table, but one of them is an array.")
    measures = sorted({estimate.measure for estimate in estimates})
    if len(measures) > 1:
        raise ValueError(f"`estimates` must be of one measure, but are of {', '.join(measures)}.")
    return measures[0]


def _text(estimate: Estimate) -> str:
    numbers = (float(array) for array in (estimate.value, estimate.low, estimate.high))
    return format_estimate(*numbers, measure=estimate.measure)


def _limits(estimates: Sequence[Estimate], measure: str) -> tuple[float, float]:
    scale = axis_scale(measure)
    ends = [scale.factor * float(end) for one in estimates for end in (one.low, one.high)]
    return automatic_limits(scale, [scale.factor * float(one.value) for one in estimates], ends)


def _draw(ax: Axes, estimates: Sequence[Estimate], places: Sequence[float], factor: float) -> None:
    for estimate, y in zip(estimates, places, strict=True):
        value, low, high = (factor * float(array) for array in (estimate.value, estimate.low, estimate.high))
        draw_interval(ax, y, value, low, high, side=_MARKER_SIDE, marker="o")
