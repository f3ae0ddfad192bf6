"""Coverage of intervals against the between-study variance: a panel a number of studies, a line a method.

Takes a finished simulation; what is simulated is decided in `meta.interval_coverage`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.parts.coverage_record import coverage_record, interval_name
from analysis.figures.record import keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT_GREY,
    ORANGE,
    POINTS_PER_MM,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.meta.interval_coverage import CoverageSimulation
from analysis.tables.number_style import current_number_style
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from analysis.values.arrays import FloatArray

__all__ = ["figure_coverage", "plot_coverage"]

# Those whose estimator of tau2 is free stand in one row of panels, the others in a second.
_FREE = ("wald", "t", "hartung-knapp", "hartung-knapp-adhoc")
_HEADINGS = ("With any estimator of τ²", "With their own estimator of τ²")
# Colour, dashes, marker, whether it is filled: any two differ in two things that are left in grey.
_STYLES = (
    (BLACK, "-", "o", True),
    (VERMILLION, (0, (5, 2)), "s", True),
    (BLUE, (0, (1.2, 1.4)), "^", False),
    (GREEN, (0, (6, 1.6, 1.2, 1.6)), "D", False),
    (ORANGE, (0, (3, 1.4, 1.2, 1.4, 1.2, 1.4)), "v", True),
    (GREY, (0, (8, 3)), "x", True),
)
_XLABEL = "Between-study variance τ² (axis linear in τ)"
_YLABEL = "Coverage (%)"
# In sizes of small letters: around the page, left of the panels, between panels, of a line of the legend and
# of its sample, and the height, least height, least width, title and ticks of a panel.
_MARGIN, _LEFT, _GAP, _ENTRY, _SAMPLE = 0.57, 4.9, 1.6, 1.65, 3.7
_PANEL_HEIGHT, _LOWEST, _NARROWEST, _TITLE, _TICKS = 13.7, 8.5, 11.1, 2.0, 2.15


def _points(share: float) -> float:
    """Return a length in points that is given in sizes of small letters."""
    return share * current().small_size


def plot_coverage(
    result: CoverageSimulation,
    *,
    studies: int | None = None,
    intervals: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw coverage against the between-study variance for one number of studies.

    Parameters
    ----------
    result : CoverageSimulation
        What `simulate_coverage` gives.
    studies : int, optional
        One of `result.studies`; may be left out where there is one.
    intervals : sequence of str, optional
        Up to six of `result.intervals`; by default those with tau2 by REML where it is free.
    ax : Axes, optional
        Where to draw; by default axes of a new figure.

    Returns
    -------
    Axes
        x is tau, named by tau2; y is in percent. The line is the confidence level, and the band about it
        what 95 % of simulations of this size would give for an interval that keeps it.

    Raises
    ------
    TypeError
        If `result` is of another type.
    ValueError
        If a number of studies or an interval was not simulated, or there are more than six.
    """
    chosen = _chosen(result, intervals)
    _check_number(chosen)
    if studies is None and len(result.studies) == 1:
        studies = result.studies[0]
    if studies not in result.studies:
        raise ValueError(
            f"`studies` must be one of {', '.join(map(str, result.studies))}, but got {studies!r}."
        )
    with house_style():
        if ax is None:
            figure = Figure(figsize=(current().double_mm / 25.4 * 0.6, 3.0), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        width = float(ax.get_window_extent().width) * 72 / float(ax.figure.dpi)
        _draw(ax, result, chosen, studies, floor=_floor(result, chosen), width=width)
        small = font(current().small_size)
        ax.set_xlabel(_XLABEL, fontproperties=small, parse_math=False)
        ax.set_ylabel(_YLABEL, fontproperties=small, parse_math=False)
        ax.legend(frameon=False, prop=small, handlelength=3.2)
    return ax


def figure_coverage(
    result: CoverageSimulation,
    *,
    intervals: Sequence[str] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a simulation of coverage as small multiples by the number of studies.

    Parameters
    ----------
    result : CoverageSimulation
        What `simulate_coverage` gives.
    intervals : sequence of str, optional
        Of `result.intervals`, at most six of either kind; by default those with tau2 by REML where it is
        free. Those that go with any estimator stand in one row of panels, those that are tied to one, and
        prediction intervals, in a second.
    width_mm : float, optional
        Printed width; by default that of the journal's page. Panels that do not fit beside one another go on
        below.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the figure says that its data are made up. A simulation is no data; set it where the figure
        is an example.

    Returns
    -------
    Figure
        One Axes a panel, row by row. It brings title, caption, alternative text and numbers along for
        `save_figure`.

    Raises
    ------
    TypeError
        If `result` is of another type.
    ValueError
        If an interval was not simulated, there are more than six in a row, or the page is too narrow for a
        panel.

    Examples
    --------
    >>> from analysis.meta.interval_coverage import simulate_coverage
    >>> result = simulate_coverage(studies=[3, 10], intervals=["wald/DL", "profile/ML"], draws=50, rng=1)
    >>> [axes.get_title() for axes in figure_coverage(result).axes]
    ['3 studies', '10 studies', '3 studies', '10 studies']
    """
    chosen = _chosen(result, intervals)
    free = [name for name in chosen if name.partition("/")[0] in _FREE]
    tied = [name for name in chosen if name not in free]
    predicts = any(name.startswith("prediction/") for name in tied)
    headings = (_HEADINGS[0], f"{_HEADINGS[1]}{', and prediction' if predicts else ''}")
    groups = {heading: group for heading, group in zip(headings, (free, tied), strict=True) if group}
    for group in groups.values():
        _check_number(group)
    with house_style():
        notes = [note] if note else []
        if synthetic:
            notes.insert(0, "SYNTHETIC DATA – made up by a computer, not observed in any study.")
        width = current().double_mm if width_mm is None else width_mm
        figure = _draw_panels(result, chosen, groups, width, notes)
        record = coverage_record(result, chosen, notes)
    return keep_record(figure, record)


def _draw_panels(
    result: CoverageSimulation,
    chosen: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    width_mm: float,
    paragraphs: Sequence[str],
) -> Figure:
    left, margin, gap, entry = (_points(share) for share in (_LEFT, _MARGIN, _GAP, _ENTRY))
    panel, title = _points(_PANEL_HEIGHT), _points(_TITLE)
    small = current().small_size
    text_line = small * LINE_SPACING
    page_width = width_mm * POINTS_PER_MM
    room = page_width - left - margin - 5.0
    least = _narrowest(groups) + page_width - room
    if page_width < least:
        raise ValueError(
            f"`width_mm` must be {math.ceil(least / POINTS_PER_MM)} or greater, but got {width_mm:g}."
        )
    columns = min(len(result.studies), int((room + gap) // (_points(_NARROWEST) + gap)))
    lines = math.ceil(len(result.studies) / columns)
    width = (room - (columns - 1) * gap) / columns
    notes = [line for text in paragraphs for line in wrap_text(text, page_width - 2 * margin, size=small)]
    legends = [_lay_out_legend(group, room) for group in groups.values()]
    under = _points(_TICKS)
    besides = (
        2 * margin
        + sum(entry * (legend.lines + 1) + 4.0 for legend in legends)
        + 12.0 * (len(groups) - 1)
        + text_line
        + (4.0 + text_line * len(notes) if notes else 0.0)
    )
    # Where many panels stand below one another they are lower, so that the journal's page holds them.
    total = lines * len(groups)
    height = (current().maximum_height_mm * POINTS_PER_MM - besides) / total - title - under
    panel = min(panel, max(height, _points(_LOWEST)))
    depth = title + panel + under
    page_height = besides + total * depth
    page = _Page(page_width, page_height)
    floor = _floor(result, chosen)
    top = page_height - margin
    for (heading, group), legend in zip(groups.items(), legends, strict=True):
        page.text(left, top, heading, bold=True)
        top -= entry
        legend.draw(page, top)
        top -= entry * legend.lines + 4.0
        for number, k in enumerate(result.studies):
            line, column = divmod(number, columns)
            bottom = top - line * depth - title - panel
            ax = page.axes(left + column * (width + gap), bottom, width, panel)
            _draw(ax, result, group, k, floor=floor, width=width)
            ax.set_title(f"{k} studies", fontproperties=font(small), pad=4.0, parse_math=False)
            if column:
                ax.tick_params(axis="y", labelleft=False)
            else:
                ax.set_ylabel(_YLABEL, fontproperties=font(small), parse_math=False)
        top -= lines * depth + 12.0
    top += 12.0
    page.text(left + room / 2, top, _XLABEL, ha="center")
    for number, text in enumerate(notes):
        page.text(margin, top - text_line - 4.0 - number * text_line, text)
    return page.figure


class _Page:
    """A figure on which things are placed in points from its lower left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72))
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        return self.figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )

    def text(
        self, x: float, y: float, text: str, *, ha: str = "left", va: str = "top", bold: bool = False
    ) -> None:
        self.figure.text(
            x / self.width,
            y / self.height,
            text,
            ha=ha,
            va=va,
            fontproperties=font(current().small_size, bold=bold),
            parse_math=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Legend:
    """Names of the lines of a row of panels, with where each stands: points from the left, line."""

    entries: tuple[tuple[str, float, int], ...]

    @property
    def lines(self) -> int:
        return self.entries[-1][2] + 1

    def draw(self, page: _Page, top: float) -> None:
        left, wide = _points(_LEFT), _points(_SAMPLE)
        for number, (name, x, line) in enumerate(self.entries):
            y = top - (line + 0.5) * _points(_ENTRY)
            sample = Line2D(
                [(left + x + part * wide) / page.width for part in (0.0, 0.5, 1.0)],
                [y / page.height] * 3,
                markevery=[1],
                gid="legend",
                **_look(number),
            )
            page.figure.add_artist(sample)
            page.text(left + x + wide + 4.0, y, name, va="center_baseline")


def _narrowest(groups: Mapping[str, Sequence[str]]) -> float:
    """Return the least width in points that a panel and every line of text beside it need."""
    names = [interval_name(interval) for group in groups.values() for interval in group]
    small = current().small_size
    return max(
        _points(_NARROWEST),
        text_width(_XLABEL, size=small),
        *(text_width(heading, size=small, bold=True) for heading in groups),
        *(_points(_SAMPLE) + 4.0 + text_width(name, size=small) for name in names),
    )


def _lay_out_legend(group: Sequence[str], room: float) -> _Legend:
    entries: list[tuple[str, float, int]] = []
    x, line = 0.0, 0
    for interval in group:
        name = interval_name(interval)
        wide = _points(_SAMPLE) + 4.0 + text_width(name, size=current().small_size)
        if entries and x + wide > room:
            x, line = 0.0, line + 1
        entries.append((name, x, line))
        x += wide + 14.0
    return _Legend(entries=tuple(entries))


def _draw(
    ax: Axes, result: CoverageSimulation, chosen: Sequence[str], studies: int, *, floor: float, width: float
) -> None:
    low, high = (100 * end for end in result.band)
    ax.axhspan(low, high, facecolor=LIGHT_GREY, edgecolor="none", zorder=0.2, gid="band")
    ax.axhline(100 * result.confidence_level, color=GREY, linewidth=0.6, zorder=0.3, gid="level")
    order = np.argsort(result.tau2)
    tau2 = np.array(result.tau2)[order]
    for number, interval in enumerate(chosen):
        coverage = result.of(interval).coverage[0, result.studies.index(studies)]
        line = ax.plot(np.sqrt(tau2), 100 * coverage[order], label=interval_name(interval), **_look(number))[
            0
        ]
        line.set(gid="coverage", clip_on=False, zorder=3 - 0.1 * number)
    end = math.sqrt(float(tau2[-1])) or 1.0
    # Room for the markers at the ends.
    ax.set_xlim(-0.05 * end, 1.05 * end)
    ax.set_xticks(np.sqrt(tau2), _tick_labels(tau2, width / 1.1))
    ax.set_ylim(floor, 101.0)
    step = 5 if floor > 70 else 10
    ax.set_yticks(np.arange(math.ceil(floor / step) * step, 101, step))
    for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        text.set_fontproperties(font(current().small_size))
        text.set_parse_math(False)


def _look(number: int) -> dict[str, Any]:
    colour, dashes, marker, filled = _STYLES[number]
    return {
        "color": colour,
        "linestyle": dashes,
        "linewidth": 0.9,
        "marker": marker,
        "markersize": 3.6,
        "markerfacecolor": colour if filled else "white",
        "markeredgewidth": 0.8,
    }


def _tick_labels(tau2: FloatArray, width: float) -> list[str]:
    """Return a label a tick, empty where it would touch one that is more wanted: the ends come first."""
    texts = [current_number_style().written(f"{value:g}") for value in tau2]
    places = width * np.sqrt(tau2 / (tau2[-1] or 1.0))
    halves = [text_width(text, size=current().small_size) / 2 for text in texts]
    shown: list[int] = []
    for i in dict.fromkeys([len(texts) - 1, *range(len(texts))]):
        if all(abs(places[i] - places[j]) >= halves[i] + halves[j] + 3.0 for j in shown):
            shown.append(i)
    return [text if i in shown else "" for i, text in enumerate(texts)]


def _chosen(result: CoverageSimulation, intervals: Sequence[str] | None) -> tuple[str, ...]:
    if not isinstance(result, CoverageSimulation):
        raise TypeError(f"`result` must be a CoverageSimulation, but got {type(result).__name__}.")
    if intervals is None:
        estimators: dict[str, list[str]] = {}
        for interval in result.intervals:
            ci, _, tau2 = interval.partition("/")
            estimators.setdefault(ci, []).append(tau2)
        return tuple(f"{ci}/{'REML' if 'REML' in tau2 else tau2[0]}" for ci, tau2 in estimators.items())
    if isinstance(intervals, str):
        raise TypeError(f"`intervals` must be a sequence of texts, but got {intervals!r}.")
    if not intervals:
        raise ValueError("`intervals` must hold at least one interval, but is empty.")
    return tuple(check_choice("intervals", interval, result.intervals) for interval in intervals)


def _check_number(chosen: Sequence[str]) -> None:
    if len(chosen) > len(_STYLES):
        raise ValueError(
            f"`intervals` must be at most {len(_STYLES)} in a panel, or a reader cannot tell them apart, "
            f"but are {len(chosen)}: {', '.join(chosen)}."
        )


def _floor(result: CoverageSimulation, chosen: Sequence[str]) -> float:
    """Return where the axis of coverage begins: 5 % below the least one at most."""
    least = 100 * min(float(result.of(interval).coverage.min()) for interval in chosen)
    least = min(least, 100 * result.band[0])
    return max(0.0, 5.0 * math.floor(least / 5 - 1e-9)) - 1.0
