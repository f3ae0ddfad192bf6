"""Every study's prevalence against a quoted range, grouped by definition or site.

Takes finished intervals and pooled estimates and draws them in the order given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import axis_scale, labelled_axes, set_x_axis, under_axis
from analysis.figures.parts.marks import capped_side, draw_diamond, draw_interval, draw_prediction
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.parts.prevalence_record import prevalence_record
from analysis.figures.record import keep_record
from analysis.figures.style import BLACK, GREY, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_count, format_estimate, format_interval, format_percent
from analysis.tables.pooled import describe_heterogeneity
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray
    from analysis.values.counts import Proportion

__all__ = ["figure_prevalence_range", "plot_prevalence_range"]

_DERIVED_SIGN = "†"
_DERIVED_NOTE = f"{_DERIVED_SIGN} and hollow marker: number of events derived from the printed percentage."
_SIDE = 4.6
# Opaque, because EPS knows no transparency.
_BAND = "#E2E2E2"
_XLABEL = "Prevalence (%)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One line of the figure: a heading, a study, a pooled estimate or its prediction interval."""

    kind: str
    label: str
    row: int = -1
    pooled: PooledEstimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """The checked arguments, and the lines that they make."""

    estimate: Estimate
    labels: tuple[str, ...]
    counts: Proportion | None
    band: tuple[float, float] | None
    band_label: str
    derived: BoolArray
    lines: tuple[_Line, ...]


def plot_prevalence_range(
    estimate: Estimate,
    *,
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    band: tuple[float, float] | None = None,
    band_label: str | None = None,
    pooled: Mapping[str, PooledEstimate] | None = None,
    derived: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the graphic part of `figure_prevalence_range`.

    Parameters
    ----------
    estimate : Estimate
        Proportions of shape (k,), in the order of the rows.
    labels : sequence of str
        k names of studies.
    groups : sequence of str, optional
        k names of groups; equal names stand together, and each group gets a heading.
    band : tuple of float, optional
        The quoted range, as proportions (0.19, 0.62).
    band_label : str, optional
        What stands over it.
    pooled : mapping of str to PooledEstimate, optional
        A diamond with its prediction interval under the group of that name.
    derived : array_like of bool, optional
        Studies with a hollow marker: their number of events was derived from a percentage.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        In percent from 0 to 100, one line a row from top to bottom, headings included.

    Raises
    ------
    TypeError, ValueError
        As for `figure_prevalence_range`.
    """
    content = _content(
        estimate, labels, groups=groups, band=band, band_label=band_label, pooled=pooled, derived=derived
    )
    with house_style():
        scale = axis_scale(estimate.measure)
        ax = labelled_axes(
            [line.label for line in content.lines], xlabel=_XLABEL, title=content.band_label, ax=ax
        )
        set_x_axis(ax, scale, 0.0, 100.0)
        ax.set_xlabel(_XLABEL)
        if content.band is not None:
            ax.title.set_x((content.band[0] + content.band[1]) / 200)
        _draw(ax, content, list(map(float, range(len(content.lines)))), half_height=0.3)
    return ax


def figure_prevalence_range(
    estimate: Estimate,
    *,
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    counts: Proportion | None = None,
    band: tuple[float, float] | None = None,
    band_label: str | None = None,
    pooled: Mapping[str, PooledEstimate] | None = None,
    derived: ArrayLike | None = None,
    study_heading: str = "Study",
    xlabel: str = _XLABEL,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw each study's prevalence with its interval and, behind them, the range that is quoted.

    Parameters
    ----------
    estimate : Estimate
        Proportions of shape (k,), in the order of the rows.
    labels : sequence of str
        k names of studies.
    groups : sequence of str, optional
        k names of groups; equal names stand together, and each group gets a heading.
    counts : Proportion, optional
        Of shape (k,): events and totals that are printed. A total may be missing where only a percentage
        was printed; leave such a study's counts out by NaN.
    band : tuple of float, optional
        The quoted range, as proportions (0.19, 0.62). Shaded, with lines at its ends.
    band_label : str, optional
        What stands over it; by default "Quoted range 19% to 62%".
    pooled : mapping of str to PooledEstimate, optional
        A diamond with its prediction interval under the group of that name. Without groups the one key
        may be any name.
    derived : array_like of bool, optional
        k times whether the number of events was derived from a percentage. Such studies have a hollow
        marker and a dagger, and the figure explains both.
    study_heading : str, default "Study"
        Heading of the labels.
    xlabel : str, default "Prevalence (%)"
        Under the axis, which goes from 0 to 100.
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
    TypeError
        If an argument is of another type.
    ValueError
        If the estimate is not a row of proportions, lengths differ, a group is torn apart, `pooled` names an
        unknown group, or the band is not ascending in [0, 1].
    """
    content = _content(
        estimate,
        labels,
        groups=groups,
        counts=counts,
        band=band,
        band_label=band_label,
        pooled=pooled,
        derived=derived,
    )
    with house_style():
        columns, rows, panel_after = _table(content, study_heading)
        width = current().double_mm if width_mm is None else width_mm
        small = current().small_size
        layout = lay_out(columns, rows, width_mm=width, panel_after=panel_after)
        panel = layout.panel[1] - layout.panel[0]
        words = wrap_text(content.band_label, panel, size=small) if content.band is not None else ()
        notes = [_DERIVED_NOTE] if content.derived.any() else []
        page = draw_page(
            layout,
            columns,
            rows,
            above=len(words) * small * LINE_SPACING + 1.0,
            below=under_axis(),
            notes=[*notes, *([note] if note else [])],
            synthetic=synthetic,
        )
        set_x_axis(page.axes, axis_scale(estimate.measure), 0.0, 100.0)
        page.axes.set_xlabel(xlabel, fontproperties=font(), parse_math=False)
        _draw(page.axes, content, page.centres, half_height=3.6)
        if content.band is not None:
            _write_over_band(page.axes, content.band, words, panel)
        record = prevalence_record(
            estimate if estimate.shape else estimate[np.newaxis],
            labels,
            groups=groups,
            counts=counts,
            band=band,
            pooled=pooled or {},
            derived=content.derived,
            note=note,
            synthetic=synthetic,
        )
    return keep_record(page.figure, record)


def _content(
    estimate: Estimate,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None,
    counts: Proportion | None = None,
    band: tuple[float, float] | None,
    band_label: str | None,
    pooled: Mapping[str, PooledEstimate] | None,
    derived: ArrayLike | None,
) -> _Content:
    if not isinstance(estimate, Estimate):
        raise TypeError(f"`estimate` must be an Estimate, but got {type(estimate).__name__}.")
    if not axis_scale(estimate.measure).proportion:
        raise ValueError(f"`estimate` must hold proportions, but is of measure {estimate.measure!r}.")
    estimate = estimate if estimate.shape else estimate[np.newaxis]
    if len(estimate.shape) != 1:
        raise ValueError(
            f"`estimate` must be one row of studies, of shape (k,), but has shape {estimate.shape}."
        )
    k = estimate.shape[0]
    flags = np.zeros(k, dtype=bool) if derived is None else np.asarray(derived)
    if flags.dtype != np.bool_:
        raise TypeError(f"`derived` must be true/false, but got {flags.dtype}.")
    _check_lengths(
        k,
        labels=len(labels),
        derived=flags.size,
        groups=k if groups is None else len(groups),
        counts=k if counts is None else counts.events.size,
    )
    if band is not None and not 0 <= band[0] < band[1] <= 1:
        raise ValueError(f"`band` must be two ascending proportions between 0 and 1, but got {band!r}.")
    if band is not None and band_label is None:
        band_label = f"Quoted range {_whole_percent(band[0])} to {_whole_percent(band[1])}"
    return _Content(
        estimate=estimate,
        labels=tuple(labels),
        counts=counts,
        band=None if band is None else (100 * band[0], 100 * band[1]),
        band_label=band_label or "",
        derived=flags,
        lines=_lines(labels, groups, pooled or {}),
    )


def _check_lengths(k: int, **lengths: int) -> None:
    for name, length in lengths.items():
        if length != k:
            raise ValueError(f"`{name}` must have one entry a study, {k}, but has {length}.")


def _whole_percent(proportion: float) -> str:
    return format_percent(proportion, 0 if math.isclose(100 * proportion, round(100 * proportion)) else 1)


def _lines(
    labels: Sequence[str], groups: Sequence[str] | None, pooled: Mapping[str, PooledEstimate]
) -> tuple[_Line, ...]:
    for name, result in pooled.items():
        if not isinstance(result, PooledEstimate) or result.tau2.size != 1:
            raise TypeError(f"`pooled` must hold one PooledEstimate a group, but {name!r} is not one.")
    if groups is None:
        lines = [_Line(kind="study", label=label, row=i) for i, label in enumerate(labels)]
        for result in pooled.values():
            lines += _pooled_lines(result)
        return tuple(lines)
    unknown = [name for name in pooled if name not in set(groups)]
    if unknown:
        raise ValueError(f"`pooled` must name groups of the studies, but got {unknown[0]!r}.")
    lines, finished = [], set()
    for i, (label, group) in enumerate(zip(labels, groups, strict=True)):
        if i == 0 or group != groups[i - 1]:
            if group in finished:
                raise ValueError(f"`groups` must stand together, but {group!r} comes again at row {i}.")
            finished.add(group)
            lines.append(_Line(kind="heading", label=group))
        lines.append(_Line(kind="study", label=label, row=i))
        if group in pooled and (i + 1 == len(groups) or groups[i + 1] != group):
            lines += _pooled_lines(pooled[group])
    return tuple(lines)


def _pooled_lines(result: PooledEstimate) -> list[_Line]:
    k = int(result.n_studies)
    lines = [_Line(kind="pooled", label=f"Pooled, {k} group{'s' if k > 1 else ''} of patients", pooled=result)]
    if not math.isnan(float(result.prediction.low)):
        level = f"{100 * result.estimate.confidence_level:g}%"
        lines.append(_Line(kind="prediction", label=f"{level} prediction interval", pooled=result))
    return lines


def _table(content: _Content, heading: str) -> tuple[list[Column], list[Row], int]:
    estimate = content.estimate
    level = f"{100 * estimate.confidence_level:g}% CI"
    columns = [Column(heading=heading, wraps=True)]
    if content.counts is not None:
        columns.append(Column(heading="n/N", align="right"))
    columns.append(Column(heading=f"Prevalence, %\n({level})", align="right"))
    blank = ("",) if content.counts is not None else ()
    grouped = any(line.kind == "heading" for line in content.lines)
    rows = []
    for number, line in enumerate(content.lines):
        indent = 7.0 if grouped and line.kind != "heading" else 0.0
        if line.kind == "heading":
            space = 4.0 if number else 0.0
            rows.append(Row(cells=(line.label, *blank, ""), bold=True, spans=True, space_above=space))
        elif line.kind == "study":
            rows.append(Row(cells=_study_cells(content, line.row), indent=indent))
        else:
            rows.append(
                Row(
                    cells=(_with_heterogeneity(line), *blank, _pooled_text(line)),
                    bold=line.kind == "pooled",
                    spans=True,
                    indent=indent,
                )
            )
    return columns, rows, len(columns) - 1


def _with_heterogeneity(line: _Line) -> str:
    text = "" if line.pooled is None or line.kind != "pooled" else describe_heterogeneity(line.pooled)
    return f"{line.label} ({text.partition(',')[0]})" if text else line.label


def _pooled_text(line: _Line) -> str:
    if line.pooled is None:
        return ""
    if line.kind == "prediction":
        prediction = line.pooled.prediction
        return f"({format_interval(prediction.low, prediction.high, measure='PR', sign=False)})"
    pooled = line.pooled.estimate
    return format_estimate(pooled.value, pooled.low, pooled.high, measure="PR", sign=False)


def _study_cells(content: _Content, row: int) -> tuple[str, ...]:
    one = content.estimate[row]
    sign = f"\N{NO-BREAK SPACE}{_DERIVED_SIGN}" if content.derived[row] else ""
    text = format_estimate(one.value, one.low, one.high, measure="PR", sign=False)
    if content.counts is None:
        return f"{content.labels[row]}{sign}", text
    events, total = np.ravel(content.counts.events)[row], np.ravel(content.counts.total)[row]
    return f"{content.labels[row]}{sign}", f"{format_count(events)}/{format_count(total)}", text


def _draw(ax: Axes, content: _Content, positions: Sequence[float], *, half_height: float) -> None:
    if content.band is not None:
        low, high = content.band
        ax.axvspan(low, high, facecolor=_BAND, edgecolor="none", zorder=0.2, gid="band")
        for limit in content.band:
            ax.axvline(limit, color=GREY, linewidth=0.6, linestyle=(0, (4, 2)), zorder=0.3, gid="band limit")
    estimate = content.estimate
    for line, y in zip(content.lines, positions, strict=True):
        if line.kind == "study":
            value, low, high = (
                100 * float(part[line.row]) for part in (estimate.value, estimate.low, estimate.high)
            )
            hollow = bool(content.derived[line.row])
            side = capped_side(ax, _SIDE, low, high)
            draw_interval(ax, y, value, low, high, side=side, marker="o", filled=not hollow)
        elif line.kind == "pooled" and line.pooled is not None:
            pooled = line.pooled.estimate
            value, low, high = (100 * float(part) for part in (pooled.value, pooled.low, pooled.high))
            draw_diamond(ax, y, value, low, high, half_height=half_height)
        elif line.kind == "prediction" and line.pooled is not None:
            prediction = line.pooled.prediction
            draw_prediction(ax, y, 100 * float(prediction.low), 100 * float(prediction.high))


def _write_over_band(ax: Axes, band: tuple[float, float], words: Sequence[str], panel: float) -> None:
    small = current().small_size
    half = max((text_width(line, size=small) for line in words), default=0.0) / 2
    # Over the middle of the band, as far as the panel allows.
    middle = min(max(panel * (band[0] + band[1]) / 200, half), panel - half)
    for number, line in enumerate(reversed(words)):
        ax.annotate(
            line,
            xy=(0.0, 1.0),
            xycoords="axes fraction",
            xytext=(middle, 3.5 + number * small * LINE_SPACING),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontproperties=font(small),
            color=BLACK,
            annotation_clip=False,
            parse_math=False,
            gid="band label",
        )
