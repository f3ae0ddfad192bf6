"""Numbers needed to treat on Altman's axis, which goes from harm through infinity to benefit.

Finished results in. The axis is linear in the risk difference, of which its labels are the reciprocals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator

from analysis.figures.parts.axes import axis_scale, labelled_axes, set_x_axis, under_axis
from analysis.figures.parts.marks import capped_side, draw_interval
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, POINTS_PER_INCH, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.measures.number_needed_to_treat import NumberNeededToTreat
from analysis.tables.format import format_count
from analysis.tables.number_style import current_number_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_number_needed_to_treat", "plot_number_needed_to_treat"]

_XLABEL = "Number needed to treat (reciprocal scale)"
_INFINITY = "∞"
_MARKER_SIDE = 4.0
_LABEL_GAP = 4.0
# How far a label may stand out over the end of the axis, in points.
_OVERHANG = 3.0
_BESIDE_NULL = 3.0
# Tenfold mantissas: of all ticks, and of the outermost, which is to stand near the end of its side but well
# apart from the next.
_REGULAR = (10, 20, 50)
_FINE = (10, 12, 20, 30, 50, 60)
# An interval longer than the usual one by this factor must not squeeze the others.
_LONGEST = 3.0
# The empty side is at least this part of the other, so that it can be seen and named.
_EMPTY_SIDE = 1 / 3


def plot_number_needed_to_treat(
    result: NumberNeededToTreat,
    *,
    labels: Sequence[str],
    xlim: tuple[float, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the graphic part of `figure_number_needed_to_treat`.

    Parameters
    ----------
    result : NumberNeededToTreat
        Of shape (k,), or () for one row.
    labels : sequence of str
        k names of studies or comparisons.
    xlim : tuple of float, optional
        Limits of the axis as risk differences, exposed minus controls: one below 0, one above.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Ticks are fitted to the size
        that the axes have now.

    Returns
    -------
    Axes
        Row i at y = i; x is the risk difference.

    Raises
    ------
    TypeError, ValueError
        As for `figure_number_needed_to_treat`.
    """
    result = _check(result, labels)
    low, high = _limits(result, xlim)
    with house_style():
        # Two more lines: room for the names of the sides.
        ax = labelled_axes(labels, xlabel=f"{_XLABEL}\n\N{NO-BREAK SPACE}\n\N{NO-BREAK SPACE}", ax=ax)
        width = float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi)
        words = _words(low, high, width, result.outcome)
        _draw(ax, result, [float(i) for i in range(len(labels))], words)
    return ax


def figure_number_needed_to_treat(
    result: NumberNeededToTreat,
    *,
    labels: Sequence[str],
    heading: str = "Study",
    xlim: tuple[float, float] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw numbers needed to treat with their intervals, and beside them the text that Altman prints.

    Parameters
    ----------
    result : NumberNeededToTreat
        Of shape (k,), in the order of the rows, or () for one row. What is not estimable keeps its row.
    labels : sequence of str
        k names of studies or comparisons.
    heading : str, default "Study"
        Heading of the labels.
    xlim : tuple of float, optional
        Limits of the axis as risk differences, exposed minus controls: one below 0, one above. By default
        they hold every estimate, and every interval that goes on for at most three times the usual one.
        What the axis cuts ends in an arrow.
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
        If `result` is of another type, or `labels` is a single text.
    ValueError
        If the result is not one row of studies, the number of labels differs from theirs, `xlim` does not
        have 0 within, or the text does not fit.

    Notes
    -----
    An interval of the risk difference that holds 0 has two segments of numbers needed to treat, one of
    benefit and one of harm, each up to infinity. Where the axis is linear in the risk difference infinity is
    its one point 0: the segments meet there in a line without a gap, which holds the estimate. Benefit lies
    where the risk difference is below 0 if the outcome is adverse, and above 0 if it is favourable.

    References
    ----------
    Altman DG (1998). Confidence intervals for the number needed to treat. BMJ 317:1309-1312.
    DOI 10.1136/bmj.317.7168.1309

    Examples
    --------
    >>> from analysis import TwoByTwo, number_needed_to_treat
    >>> trial = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=9, control_total=100)
    >>> figure = figure_number_needed_to_treat(number_needed_to_treat(trial), labels=["A trial"])
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['NNTB 20', '50', '100', '∞', '100', '50', '20', 'NNTH 12']
    """
    result = _check(result, labels)
    low, high = _limits(result, xlim)
    level = f"{100 * result.risk_difference.confidence_level:g}% CI"
    with house_style():
        columns = [
            Column(heading=heading, wraps=True),
            Column(heading=f"Number needed to treat\n({level})", wraps=True),
        ]
        rows = [Row(cells=(label, _text(result, i))) for i, label in enumerate(labels)]
        width = current().double_mm if width_mm is None else width_mm
        layout = lay_out(columns, rows, width_mm=width, panel_after=1)
        _check_unbroken(rows, layout.right[1] - layout.left[1], width)
        words = _words(low, high, layout.panel[1] - layout.panel[0], result.outcome)
        page = draw_page(
            layout,
            columns,
            rows,
            below=words.depth + words.side_lines * _line(),
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        _draw(page.axes, result, page.centres, words)
        record = _record(result, labels, note, synthetic=synthetic)
    return keep_record(page.figure, record)


def _line() -> float:
    """Return the height of a line of text in points."""
    return current().body_size * LINE_SPACING


def _record(
    result: NumberNeededToTreat, labels: Sequence[str], note: str | None, *, synthetic: bool
) -> FigureRecord:
    difference = result.risk_difference
    level = f"{100 * difference.confidence_level:g}%"
    made_up = "Synthetic data. " if synthetic else ""
    k = len(labels)
    rows = "one comparison" if k == 1 else f"{k} comparisons"
    better, worse = ("left", "right") if result.outcome == "adverse" else ("right", "left")
    low, high = np.asarray(difference.low), np.asarray(difference.high)
    both = int(((low <= 0) & (high >= 0)).sum())
    counted = [(int((result.direction == sign).sum()), name) for sign, name in ((1, "benefit"), (-1, "harm"))]
    alt = [
        f"{made_up}Numbers needed to treat of {rows} with {level} confidence intervals.",
        *(f"On the side of {name}: {count} of {k} estimates." for count, name in counted if k > 1),
        *(f"{label}: {_text(result, i)}." for i, label in enumerate(labels)),
        f"Intervals that reach over infinity, and so hold both benefit and harm: {both} of {k}.",
    ]
    caption = (
        f"{made_up}Circles and lines: numbers needed to treat and {level} confidence intervals, the "
        f"reciprocals of the risk difference (method: {difference.method}) on Altman's axis. Benefit (NNTB) "
        f"lies to the {better} and harm (NNTH) to the {worse} of ∞, where the treatments do not differ; an "
        "interval over ∞ holds numbers of both sides. Arrows: intervals that go on."
    )
    numbers = result.to_frame()
    numbers.insert(0, "label", list(labels))
    return FigureRecord(
        title=f"Numbers needed to treat of {rows}",
        caption=f"{caption} {note}" if note else caption,
        alt=" ".join(alt).replace("\N{NO-BREAK SPACE}", " "),
        numbers=numbers.assign(difference_low=low, difference_high=high),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The axis: its limits, its ticks, and what stands under it, broken to its width in points."""

    limits: tuple[float, float]
    ticks: tuple[float, ...]
    tick_labels: tuple[str, ...]
    label: str
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    offsets: tuple[float, float]

    @property
    def depth(self) -> float:
        """Points from the axis to the names of its sides."""
        return under_axis() + self.label.count("\n") * _line()

    @property
    def side_lines(self) -> int:
        """How many lines the names of the sides have."""
        return max(map(len, self.sides))


def _check(result: NumberNeededToTreat, labels: Sequence[str]) -> NumberNeededToTreat:
    """Return the result as a row of studies."""
    if not isinstance(result, NumberNeededToTreat):
        raise TypeError(f"`result` must be a NumberNeededToTreat, but got {type(result).__name__}.")
    if isinstance(labels, str):
        raise TypeError(f"`labels` must be a sequence of texts, but got one text; write [{labels!r}].")
    if len(result.shape) > 1:
        raise ValueError(f"`result` must be one row of studies, of shape (k,), but has shape {result.shape}.")
    if not result.shape:
        result = _select(result, np.newaxis)
    if len(labels) != result.value.size:
        raise ValueError(f"`labels` must have one entry a study, {result.value.size}, but has {len(labels)}.")
    return result


def _select(result: NumberNeededToTreat, key: int | None) -> NumberNeededToTreat:
    return replace(
        result,
        risk_difference=result.risk_difference[key],
        value=np.asarray(result.value[key]),
        direction=np.asarray(result.direction[key]),
        segments=np.asarray(result.segments[key]),
    )


def _text(result: NumberNeededToTreat, row: int) -> str:
    text = current_number_style().written(str(_select(result, row)))
    # Lines are broken between numbers, never between a number and its name.
    for name in ("NNT", "NNTB", "NNTH", "to"):
        text = text.replace(f"{name} ", f"{name}\N{NO-BREAK SPACE}")
    return text


def _check_unbroken(rows: Sequence[Row], width: float, width_mm: float) -> None:
    """Refuse a column in which a number would be broken: its first digits would be read as another."""
    longest = max((text_width(word) for row in rows for word in row.cells[1].split(" ")), default=0.0)
    if longest > width + 0.01:
        enough = np.ceil(width_mm * longest / width)
        raise ValueError(
            f"`width_mm` must be about {enough:.0f} or more for unbroken numbers, but got {width_mm:g}."
        )


def _limits(result: NumberNeededToTreat, xlim: tuple[float, float] | None) -> tuple[float, float]:
    if xlim is not None:
        if np.shape(xlim) != (2,) or not -1 <= xlim[0] < 0 < xlim[1] <= 1:
            raise ValueError(
                "`xlim` must be two risk differences between -1 and 1, one below 0 and one above, "
                f"but got {xlim!r}."
            )
        return float(xlim[0]), float(xlim[1])
    difference = result.risk_difference
    values = difference.value[np.isfinite(difference.value)]
    ends = np.concatenate([difference.low, difference.high])
    ends = ends[np.isfinite(ends)]
    longest = _LONGEST * float(np.median(np.abs(ends))) if ends.size else 0.0
    inside = [0.0, *values, *np.clip(ends, -longest, longest)]
    low, high = float(min(inside)), float(max(inside))
    if low == high:
        low, high = -0.25, 0.25
    low, high = min(low, -_EMPTY_SIDE * high), max(high, -_EMPTY_SIDE * low)
    pad = 0.03 * (high - low)
    return max(low - pad, -1.0), min(high + pad, 1.0)


def _words(low: float, high: float, width: float, outcome: str) -> _Words:
    sides = [("Benefit", "NNTB"), ("Harm", "NNTH")]
    if outcome == "favourable":
        sides.reverse()
    names = (sides[0][1], sides[1][1])
    ticks, tick_labels = _ticks(low, high, width, names)
    lines, offsets = _side_names(low, high, width, sides)
    return _Words(
        limits=(low, high),
        ticks=tuple(ticks),
        tick_labels=tuple(tick_labels),
        label="\n".join(wrap_text(_XLABEL, max(width, text_width("Number needed to treat")))),
        sides=lines,
        offsets=offsets,
    )


def _side_names(
    low: float, high: float, width: float, sides: Sequence[tuple[str, str]]
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], tuple[float, float]]:
    """Return the lines left and right of the null, and how far from it they end and begin, in points."""
    (left, left_name), (right, right_name) = sides
    rooms = width * -low / (high - low), width * high / (high - low)
    lines: tuple[tuple[str, ...], tuple[str, ...]]
    lines = (f"← {left} ({left_name})",), (f"{right} ({right_name}) →",)
    if any(text_width(side[0]) + _BESIDE_NULL > room for side, room in zip(lines, rooms, strict=True)):
        lines = (f"← {left}", f"({left_name})"), (f"{right} →", f"({right_name})")
    widths = [max(map(text_width, side)) for side in lines]
    # Beside a null near the end of the axis both move along it, as far as there is room for both.
    spare = max(0.0, widths[0] + widths[1] + 2 * _BESIDE_NULL - width) / 2
    end = max(-_BESIDE_NULL, widths[0] - rooms[0] - spare)
    begin = min(max(_BESIDE_NULL, end + 2 * _BESIDE_NULL), rooms[1] + spare - widths[1])
    return lines, (min(end, begin - 2 * _BESIDE_NULL), begin)


def _ticks(low: float, high: float, width: float, names: tuple[str, str]) -> tuple[list[float], list[str]]:
    """Return risk differences in ascending order, and the numbers needed to treat that stand under them."""
    rooms = width * -low / (high - low), width * high / (high - low)
    # The outermost labels name their sides, unless there is no room for that at one of them.
    prefixes = names
    left, right = _side_ticks(-low, rooms[0], names[0]), _side_ticks(high, rooms[1], names[1])
    if not (left and right):
        prefixes = ("", "")
        left, right = _side_ticks(-low, rooms[0], ""), _side_ticks(high, rooms[1], "")
    labels = [*_tick_labels(left, prefixes[0]), _INFINITY, *reversed(_tick_labels(right, prefixes[1]))]
    return [*(-1 / number for number in left), 0.0, *(1 / number for number in reversed(right))], labels


def _tick_labels(numbers: Sequence[int], prefix: str) -> list[str]:
    texts = [format_count(number) for number in numbers]
    return [f"{prefix} {texts[0]}", *texts[1:]] if texts and prefix else texts


def _side_ticks(reach: float, room: float, prefix: str) -> list[int]:
    """Choose the ticks of one side, from its end towards infinity.

    Parameters
    ----------
    reach : float
        Risk difference at the end of the side, without its sign.
    room : float
        Length of the side in points.
    prefix : str
        What the outermost label begins with.
    """

    def place(number: int) -> float:
        return room / (reach * number)

    def half(number: int, before: str = "") -> float:
        return text_width(_tick_labels([number], before)[0]) / 2

    inner_end = text_width(_INFINITY) / 2 + _LABEL_GAP
    regular = [
        number for number in _numbers(_REGULAR, 1 / reach) if place(number) - half(number) >= inner_end
    ]
    for outermost in _numbers(_FINE, 1 / reach):
        end = place(outermost) - half(outermost, prefix)
        if end < inner_end or place(outermost) + half(outermost, prefix) > room + _OVERHANG:
            continue
        chosen = [outermost]
        following = [number for number in regular if number > outermost]
        for number in following:
            if place(number) + half(number) + _LABEL_GAP <= end:
                chosen.append(number)
                end = place(number) - half(number)
        # The series 10, 20, 50 has no gap: an outermost label must not push its first number out.
        if chosen[1:2] == following[:1]:
            return chosen
    return []


def _numbers(mantissas: Sequence[int], least: float) -> list[int]:
    """Return whole numbers with these mantissas, from `least` and 1 on, over three powers of ten."""
    least = max(1.0, least) * (1 - 1e-9)
    first = max(0, int(np.floor(np.log10(least))))
    tenfold = [mantissa * 10**power for power in range(first, first + 4) for mantissa in mantissas]
    return [number // 10 for number in tenfold if number % 10 == 0 and number >= 10 * least]


def _draw(ax: Axes, result: NumberNeededToTreat, places: Sequence[float], words: _Words) -> None:
    difference = result.risk_difference
    set_x_axis(ax, replace(axis_scale(difference.measure), label=words.label), *words.limits)
    ax.xaxis.set_major_locator(FixedLocator(words.ticks))
    ax.xaxis.set_major_formatter(FixedFormatter(words.tick_labels))
    ax.xaxis.set_minor_locator(FixedLocator([]))
    for text in ax.get_xticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    for y, value, low, high in zip(places, difference.value, difference.low, difference.high, strict=True):
        limits = float(low), float(high)
        side = capped_side(ax, _MARKER_SIDE, *limits)
        draw_interval(ax, y, float(value), *limits, side=side, marker="o")
    for lines, offset, align in zip(words.sides, words.offsets, ("right", "left"), strict=True):
        for number, line in enumerate(lines):
            ax.annotate(
                line,
                xy=(0.0, 0.0),
                xycoords=("data", "axes fraction"),
                xytext=(offset, -(words.depth + (number + 0.5) * _line() + 0.365 * current().body_size)),
                textcoords="offset points",
                ha=align,
                va="baseline",
                fontproperties=font(),
                color=BLACK,
                annotation_clip=False,
                parse_math=False,
                gid="side",
            )
