"""What printed numbers allow: the values of a measure over all tables that fit, beside the printed value.

Takes the values; the tables are listed in `forensics`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from analysis.figures.parts.axes import (
    AxisScale,
    automatic_limits,
    axis_scale,
    labelled_axes,
    set_x_axis,
    under_axis,
)
from analysis.figures.parts.feasible_record import feasible_range_record
from analysis.figures.parts.marks import draw_interval
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.record import keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    POINTS_PER_INCH,
    SKY_BLUE,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import font
from analysis.tables.format import format_count, format_interval
from analysis.tables.number_style import number_style
from analysis.values.arguments import as_numbers, read_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["FeasibleRow", "figure_feasible_range", "plot_feasible_range"]

_BINS = 60
_FEW = 40
# Vermillion on white with a share of 0.45; opaque, because EPS knows no transparency.
_ROUNDING = "#ECB68C"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False)
class FeasibleRow:
    """One printed number and what its paper's other numbers allow.

    Parameters
    ----------
    label : str
        What the number is ("Risk ratio of osteoporosis").
    values : array_like
        The measure for each feasible table, of shape (n,) on the reporting scale; empty if no table fits.
    printed : tuple of float
        Ends of the rounding interval of the printed value: (1.825, 1.835) for "1.83".
    text : str
        The number as printed ("1.83 (1.58-2.11)").
    interval : tuple of float, optional
        Limits of the printed confidence interval.
    note : str, optional
        Printed under the row.

    Raises
    ------
    TypeError, ValueError
        If values are not numbers, are NaN or of more than one axis, or ends are not in order.
    """

    label: str
    values: FloatArray
    printed: tuple[float, float]
    text: str
    interval: tuple[float, float] | None
    note: str

    def __init__(
        self,
        *,
        label: str,
        values: ArrayLike,
        printed: tuple[float, float],
        text: str,
        interval: tuple[float, float] | None = None,
        note: str = "",
    ) -> None:
        array = as_numbers("values", values)
        if array.ndim != 1:
            raise ValueError(f"`values` must have one axis, that of the tables, but has shape {array.shape}.")
        if np.isnan(array).any():
            raise ValueError(
                f"`values` must not be NaN, but {int(np.isnan(array).sum())} of {array.size} are."
            )
        for name, ends in (("printed", printed), ("interval", interval)):
            if ends is not None and not ends[0] <= ends[1]:
                raise ValueError(f"`{name}` must be two numbers in ascending order, but got {ends!r}.")
        parts = {
            "label": label,
            "values": read_only(np.sort(array)),
            "printed": (float(printed[0]), float(printed[1])),
            "text": text,
            "interval": None if interval is None else (float(interval[0]), float(interval[1])),
            "note": note,
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value; NaN if there is none."""
        if self.values.size == 0:
            return math.nan, math.nan
        return float(self.values[0]), float(self.values[-1])


def plot_feasible_range(
    rows: Sequence[FeasibleRow],
    *,
    measure: str,
    xlim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the graphic part of `figure_feasible_range`.

    Parameters
    ----------
    rows : sequence of FeasibleRow
        From top to bottom.
    measure : str
        metafor's code of all values; decides axis and null.
    xlim : tuple of float, optional
        Limits of the axis; in percent for proportions.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Row i has its tables at y = 2i and its printed number at y = 2i + 1.

    Raises
    ------
    TypeError, ValueError
        If there are no rows, a row is of another type, or the measure is unknown.
    """
    _check(rows)
    with house_style():
        scale = axis_scale(measure)
        labels = [text for row in rows for text in (row.label, f"printed {row.text}")]
        ax = labelled_axes(labels, xlabel=scale.label, ax=ax)
        set_x_axis(ax, scale, *(xlim or _limits(rows, scale)))
        for i, row in enumerate(rows):
            _draw_tables(ax, row, 2.0 * i, scale, half_height=0.3)
            _draw_printed(ax, row, 2.0 * i + 1.0, scale, half_height=0.3)
    return ax


def figure_feasible_range(
    rows: Sequence[FeasibleRow],
    *,
    measure: str,
    heading: str = "Number",
    printed_label: str = "Printed",
    printed_interval_label: str = "Printed, with confidence interval",
    xlabel: str | None = None,
    xlim: tuple[float, float] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw, for each printed number, the range that the printed counts allow and where the number lies.

    Parameters
    ----------
    rows : sequence of FeasibleRow
        From top to bottom.
    measure : str
        metafor's code of all values; decides axis and null.
    heading : str, default "Number"
        Heading of the labels.
    printed_label, printed_interval_label : str
        What stands beside the printed number without and with an interval.
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
        The bar goes from the smallest to the largest value, numbers at its ends. On it stand the tables: a
        stroke each while they are few, heights by their number where they are many. Below is the printed
        number: a diamond, a box for what rounds to it, and a line for its interval. The figure brings title,
        caption, alternative text and numbers along for `save_figure`.

    Raises
    ------
    TypeError, ValueError
        If there are no rows, a row is of another type, or the page is too narrow for the text.
    """
    _check(rows)
    with house_style():
        scale = axis_scale(measure)
        columns = [Column(heading=heading, wraps=True), Column(heading="Value", align="right")]
        lines: list[Row] = []
        for number, row in enumerate(rows):
            space = 7.0 if number else 0.0
            lines.append(Row(cells=(row.label, ""), bold=True, spans=True, space_above=space))
            cells = (_tables_label(row), _range_text(row, measure))
            lines.append(Row(cells=cells, indent=7.0, height=max(16.0, 2 * current().body_size)))
            label = printed_label if row.interval is None else printed_interval_label
            lines.append(
                Row(cells=(label, row.text), indent=7.0, height=max(12.0, 1.5 * current().body_size))
            )
            if row.note:
                lines.append(Row(cells=(row.note, ""), small=True, spans=True, indent=7.0))
        width = current().double_mm if width_mm is None else width_mm
        layout = lay_out(columns, lines, width_mm=width, panel_after=1)
        page = draw_page(
            layout, columns, lines, below=under_axis(), notes=[note] if note else [], synthetic=synthetic
        )
        set_x_axis(page.axes, scale, *(xlim or _limits(rows, scale, panel=layout.panel[1] - layout.panel[0])))
        if xlabel is not None:
            page.axes.set_xlabel(xlabel, fontproperties=font(), parse_math=False)
        places = iter(page.centres)
        for row in rows:
            next(places)
            y = next(places)
            _draw_tables(page.axes, row, y, scale, half_height=5.0)
            _write_ends(page.axes, row, y, measure)
            _draw_printed(page.axes, row, next(places), scale, half_height=4.6)
            if row.note:
                next(places)
        ranges = [_range_text(row, measure) for row in rows]
        tables = [row.values for row in rows]
        record = feasible_range_record(rows, tables, ranges, measure, note=note, synthetic=synthetic)
    return keep_record(page.figure, record)


def _check(rows: Sequence[FeasibleRow]) -> None:
    if not rows:
        raise ValueError("`rows` must hold at least one FeasibleRow, but is empty.")
    for row in rows:
        if not isinstance(row, FeasibleRow):
            raise TypeError(f"`rows` must hold FeasibleRow, but got {type(row).__name__}.")


def _tables_label(row: FeasibleRow) -> str:
    count = row.values.size
    if count == 0:
        return "No table fits the printed counts"
    if count == 1:
        return "The one table that fits"
    return f"All {format_count(count)} tables that fit"


def _end_texts(row: FeasibleRow, measure: str) -> tuple[str, str]:
    # Whatever a journal writes between two limits: here they are parted.
    with number_style(limits=" to "):
        low, _, high = format_interval(*row.range, measure=measure, sign=False).partition(" to ")
    return low, high


def _range_text(row: FeasibleRow, measure: str) -> str:
    if row.values.size == 0:
        return "none"
    low, high = _end_texts(row, measure)
    return low if low == high else format_interval(*row.range, measure=measure, sign=False)


def _limits(rows: Sequence[FeasibleRow], scale: AxisScale, *, panel: float = 200.0) -> tuple[float, float]:
    centres = [end for row in rows for end in (*row.range, *row.printed)]
    limits = [end for row in rows if row.interval is not None for end in row.interval]
    low, high = automatic_limits(
        scale, scale.factor * np.array(centres), scale.factor * np.array(limits, dtype=float)
    )
    if scale.proportion:
        return low, high
    # The numbers at the ends of a bar need room beside it.
    room = min(0.2, 30.0 / panel)
    if scale.log:
        pad = room * math.log(high / low)
        return low * math.exp(-pad), high * math.exp(pad)
    return low - room * (high - low), high + room * (high - low)


def _draw_tables(ax: Axes, row: FeasibleRow, y: float, scale: AxisScale, *, half_height: float) -> None:
    if row.values.size == 0:
        return
    start, end = ax.get_xlim()
    values = np.clip(scale.factor * row.values, start, end)
    low, high = float(values[0]), float(values[-1])
    # Downwards is up: rows are counted from the top.
    base = y + 0.5 * half_height
    ax.plot(
        [low, high], [base, base], color=BLUE, linewidth=2.2, solid_capstyle="butt", zorder=2, gid="range"
    )
    distinct = np.unique(values)
    if distinct.size <= _FEW:
        ax.vlines(distinct, base - half_height, base, color=BLUE, linewidth=0.9, zorder=2, gid="tables")
        return
    forward = np.log if scale.log else np.asarray
    places = forward(values)
    width = _points_between(ax, low, high)
    edges = np.linspace(places[0], places[-1], max(4, min(_BINS, int(width / 2))) + 1)
    counts, _ = np.histogram(places, bins=edges)
    ends = np.exp(edges) if scale.log else edges
    for left, right, count in zip(ends[:-1], ends[1:], counts, strict=True):
        if count:
            height = 1.5 * half_height * count / counts.max()
            ax.add_patch(
                Rectangle(
                    (left, base - height),
                    right - left,
                    height,
                    facecolor=SKY_BLUE,
                    edgecolor=SKY_BLUE,
                    linewidth=0.3,
                    zorder=1.5,
                    gid="tables",
                )
            )


def _points_between(ax: Axes, low: float, high: float) -> float:
    ends = ax.transData.transform([(low, 0.0), (high, 0.0)])
    return float(ends[1, 0] - ends[0, 0]) * POINTS_PER_INCH / float(ax.figure.dpi)


def _write_ends(ax: Axes, row: FeasibleRow, y: float, measure: str) -> None:
    if row.values.size == 0:
        return
    texts, scale = _end_texts(row, measure), axis_scale(measure)
    start, end = ax.get_xlim()
    places = [min(max(scale.factor * value, start), end) for value in row.range]
    both = ((texts[0], places[0], -3.0, "right"), (texts[1], places[1], 3.0, "left"))
    for text, x, offset, align in both if texts[0] != texts[1] else both[1:]:
        ax.annotate(
            text,
            xy=(x, y),
            xytext=(offset, -0.365 * current().body_size),
            textcoords="offset points",
            ha=align,
            va="baseline",
            fontproperties=font(),
            color=BLACK,
            annotation_clip=False,
            # A line that passes behind must not cross out a digit.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            zorder=2.4,
            parse_math=False,
            gid="range end",
        )


def _draw_printed(ax: Axes, row: FeasibleRow, y: float, scale: AxisScale, *, half_height: float) -> None:
    first, last = (scale.factor * end for end in row.printed)
    start, end = ax.get_xlim()
    low, high = (math.nan, math.nan) if row.interval is None else (scale.factor * e for e in row.interval)
    left, right = max(first, start), min(last, end)
    if left < right:
        ax.add_patch(
            Rectangle(
                (left, y - half_height),
                right - left,
                2 * half_height,
                facecolor=_ROUNDING,
                edgecolor=VERMILLION,
                linewidth=0.4,
                zorder=1.9,
                gid="rounding interval",
            )
        )
    middle = math.sqrt(first * last) if scale.log and first > 0 else (first + last) / 2
    if not math.isfinite(middle):
        middle = first if math.isfinite(first) else last
    draw_interval(ax, y, middle, low, high, side=3.6, marker="D", colour=VERMILLION)
