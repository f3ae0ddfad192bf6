"""Icon arrays: a risk as so many of 100 or 1000 people, group beside group.

Takes finished natural frequencies; they are computed in `measures.natural_frequencies`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.parts.sheet import axes_in_points, draw_sheet, sheet_width, size_in_points, write_block
from analysis.figures.style import GREY, POINTS_PER_INCH, VERMILLION, current, house_style
from analysis.figures.parts.text import LINE_SPACING, text_width, wrap_text
from analysis.measures.natural_frequencies import NaturalFrequencies
from analysis.tables.format import format_count, format_estimate, format_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["figure_icon_array", "plot_icon_array"]

# Icons in a row, and the least room for one in points.
_ACROSS = {100: 10, 1000: 40}
_LEAST_PITCH = {100: 5.0, 1000: 3.4}
_MOST_PITCH = {100: 13.0, 1000: 6.5}
_GAP = 2.2
_KEY_ROOM = 1.5


def _person() -> Path:
    """Return the outline of a person, 2 high and centred on 0: told from a hollow one at any size."""
    head = Path.circle((0.0, 0.68), 0.3)
    body = Path(
        [
            (-0.48, 0.28),
            (0.48, 0.28),
            (0.48, -0.4),
            (0.26, -0.4),
            (0.26, -1.0),
            (-0.26, -1.0),
            (-0.26, -0.4),
            (-0.48, -0.4),
            (-0.48, 0.28),
        ],
        closed=True,
    )
    return Path.make_compound_path(head, body)


_PERSON = _person()


def plot_icon_array(
    frequencies: NaturalFrequencies,
    *,
    outcome: str = "have the outcome",
    otherwise: str = "do not",
    ax: Axes | None = None,
) -> Axes:
    """Draw groups of people, those with the outcome first.

    Parameters
    ----------
    frequencies : NaturalFrequencies
        From `natural_frequencies`.
    outcome, otherwise : str
        What is said after the numbers of people with and without the outcome.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Icons are fitted to the width
        that the axes have now.

    Returns
    -------
    Axes
        Their coordinates are points from the upper left corner.

    Raises
    ------
    TypeError
        If `frequencies` is of another type.
    ValueError
        If the axes are too narrow or too low; says what would do.
    """
    _check(frequencies)
    with house_style():
        if ax is None:
            width = sheet_width(current().double_mm)
            plan = _Plan.of(frequencies, (outcome, otherwise), width)
            figure = Figure(figsize=(width / POINTS_PER_INCH, plan.height / POINTS_PER_INCH))
            FigureCanvasAgg(figure)
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
            height = plan.height
        else:
            width, height = size_in_points(ax)
            plan = _Plan.of(frequencies, (outcome, otherwise), width)
            if plan.height > height + 0.5:
                raise ValueError(
                    f"`ax` must be {math.ceil(plan.height)} points high or more for these groups, as it is "
                    f"{width:.0f} points wide, but is {height:.0f}. Make the figure higher or wider."
                )
        axes_in_points(ax, width, height)
        plan.draw(ax)
    return ax


def figure_icon_array(
    frequencies: NaturalFrequencies,
    *,
    outcome: str = "have the outcome",
    otherwise: str = "do not",
    people: str = "people",
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw groups of people at the printed size.

    Parameters
    ----------
    frequencies : NaturalFrequencies
        From `natural_frequencies`.
    outcome, otherwise : str
        What is said after the numbers of people with and without the outcome ("have ankylosing
        spondylitis", "do not").
    people : str, default "people"
        Who is counted, for the words beside the picture ("women").
    width_mm : float, optional
        Printed width; by default that of the style's page. Groups stand side by side as far as they fit.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        People with the outcome are filled, the others hollow; numbers stand beside both signs.

    Raises
    ------
    TypeError
        If `frequencies` is of another type.
    ValueError
        If the page is too narrow.

    References
    ----------
    Galesic M, Garcia-Retamero R, Gigerenzer G (2009). Using icon arrays to communicate medical risks:
    overcoming low numeracy. Health Psychol 28:210-216. DOI 10.1037/a0014474
    """
    _check(frequencies)
    with house_style():
        page_mm = current().double_mm if width_mm is None else width_mm
        plan = _Plan.of(frequencies, (outcome, otherwise), sheet_width(page_mm))
        sheet = draw_sheet(page_mm, plan.height, notes=[note] if note else [], synthetic=synthetic)
        plan.draw(sheet.axes)
        return keep_record(sheet.figure, _record(frequencies, outcome, otherwise, people))


def _check(frequencies: NaturalFrequencies) -> None:
    if not isinstance(frequencies, NaturalFrequencies):
        raise TypeError(
            f"`frequencies` must be NaturalFrequencies, but got {type(frequencies).__name__}; "
            "natural_frequencies(...) makes them of risks, a table or predictive values."
        )


def _counts_said(frequencies: NaturalFrequencies, i: int) -> tuple[str, str]:
    """Return how many have the outcome and how many do not; what is rounded away is not said to be nobody."""
    count, risk, people = int(frequencies.count[i]), float(frequencies.risk[i]), frequencies.out_of
    if count == 0 and risk > 0:
        return "fewer than 1", f"more than {format_count(people - 1)}"
    if count == people and risk < 1:
        return f"more than {format_count(people - 1)}", "fewer than 1"
    return format_count(count), format_count(people - count)


def _risk_said(frequencies: NaturalFrequencies, i: int) -> str:
    risk, low, high = (float(part[i]) for part in (frequencies.risk, frequencies.low, frequencies.high))
    # A risk below one in a thousand would print as 0.0 %.
    digits = 1 if risk in (0, 1) or 0.001 <= risk <= 0.999 else 2
    if math.isnan(low) or math.isnan(high):
        return f"risk {format_percent(risk, digits)}"
    level = format_percent(frequencies.confidence_level, 0)
    text = format_estimate(risk, low, high, measure="PR", digits=digits)
    return f"risk {text.replace('(', f'({level} CI ', 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Lines of a group: its label, those with the outcome, those without, the exact risk."""

    label: tuple[str, ...]
    having: tuple[str, ...]
    lacking: tuple[str, ...]
    exact: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Where the groups stand, in points."""

    frequencies: NaturalFrequencies
    groups: tuple[_Group, ...]
    columns: int
    pitch: float
    group_width: float
    label_lines: int
    row_height: float
    height: float

    @classmethod
    def of(cls, frequencies: NaturalFrequencies, words: tuple[str, str], width: float) -> _Plan:
        size = current().body_size
        people = frequencies.out_of
        across = _ACROSS[people]
        n = len(frequencies.label)
        said = [_counts_said(frequencies, i) for i in range(n)]
        texts = [
            [f"{count} of {format_count(people)} {word}" for count, word in zip(pair, words, strict=True)]
            for pair in said
        ]
        longest = max(
            text_width(word, size=size, bold=True)
            for text in (*frequencies.label, *(t for pair in texts for t in pair))
            for word in text.split(" ")
        )
        least = max(_LEAST_PITCH[people] * across, longest + _KEY_ROOM * size, 9 * size)
        columns = min(n, int((width + _GAP * size) // (least + _GAP * size)))
        if columns < 1:
            raise ValueError(
                f"The figure must be {math.ceil(least)} points wide or more, but has {width:.0f}. "
                "Set a larger `width_mm`, or shorten the words."
            )
        group_width = (width - (columns - 1) * _GAP * size) / columns
        pitch = min(group_width / across, _MOST_PITCH[people])
        # The words may use no more than the icons, unless these are narrow.
        room = group_width - 0.4 * size
        groups = tuple(
            _Group(
                label=wrap_text(label, room, size=size, bold=True),
                having=wrap_text(pair[0], room - _KEY_ROOM * size, size=size, bold=True),
                lacking=wrap_text(pair[1], room - _KEY_ROOM * size, size=size),
                exact=wrap_text(
                    _risk_said(frequencies, i), room - _KEY_ROOM * size, size=current().small_size
                ),
            )
            for i, (label, pair) in enumerate(zip(frequencies.label, texts, strict=True))
        )
        label_lines = max(len(group.label) for group in groups)
        words_height = max(
            (len(group.having) + len(group.lacking)) * size * LINE_SPACING
            + len(group.exact) * current().small_size * LINE_SPACING
            for group in groups
        )
        head = label_lines * size * LINE_SPACING + 0.4 * size
        row_height = head + pitch * people / across + 0.5 * size + words_height
        rows = math.ceil(n / columns)
        return cls(
            frequencies=frequencies,
            groups=groups,
            columns=columns,
            pitch=pitch,
            group_width=group_width,
            label_lines=label_lines,
            row_height=row_height,
            height=rows * row_height + (rows - 1) * 1.4 * size + 1.0,
        )

    def draw(self, ax: Axes) -> None:
        size, small = current().body_size, current().small_size
        people = self.frequencies.out_of
        across = _ACROSS[people]
        for i, group in enumerate(self.groups):
            left = (i % self.columns) * (self.group_width + _GAP * size)
            top = (i // self.columns) * (self.row_height + 1.4 * size)
            # Labels end on one line, whatever the number of their lines.
            label_top = top + (self.label_lines - len(group.label)) * size * LINE_SPACING
            write_block(ax, group.label, x=left, top=label_top, size=size, bold=True, gid="group")
            top += self.label_lines * size * LINE_SPACING + 0.4 * size
            number = np.arange(people)
            x = left + (number % across + 0.5) * self.pitch
            y = top + (number // across + 0.5) * self.pitch
            having = number < int(self.frequencies.count[i])
            for filled, chosen in ((True, having), (False, ~having)):
                _draw_people(
                    ax, x[chosen].tolist(), y[chosen].tolist(), 0.86 * self.pitch, filled=filled, group=i
                )
            top += self.pitch * people / across + 0.5 * size
            for lines, filled in ((group.having, True), (group.lacking, False)):
                middle = top + 0.5 * size * LINE_SPACING
                _draw_people(ax, [left + 0.5 * size], [middle], 1.05 * size, filled=filled, group=None)
                text_left = left + _KEY_ROOM * size
                gid = "having" if filled else "lacking"
                write_block(ax, lines, x=text_left, top=top, size=size, bold=filled, gid=gid)
                top += len(lines) * size * LINE_SPACING
            write_block(ax, group.exact, x=left + _KEY_ROOM * size, top=top, size=small, gid="risk")


def _draw_people(
    ax: Axes, x: list[float], y: list[float], height: float, *, filled: bool, group: int | None
) -> None:
    kind = "with" if filled else "without"
    edge = min(0.5, 0.09 * height)
    ax.add_line(
        Line2D(
            x,
            y,
            linestyle="none",
            marker=MarkerStyle(_PERSON),
            # Matplotlib scales the path to half its size in each direction.
            markersize=height - edge,
            markerfacecolor=VERMILLION if filled else "white",
            markeredgecolor=VERMILLION if filled else GREY,
            markeredgewidth=edge,
            clip_on=False,
            gid=f"key {kind}" if group is None else f"people {kind} {group}",
        )
    )


def _record(frequencies: NaturalFrequencies, outcome: str, otherwise: str, people: str) -> FigureRecord:
    total = format_count(frequencies.out_of)
    parts = []
    for i, label in enumerate(frequencies.label):
        having, lacking = _counts_said(frequencies, i)
        parts.append(
            f"{label}: {having} of {total} {people} {outcome}, {lacking} {otherwise} "
            f"({_risk_said(frequencies, i)})"
        )
    frame = frequencies.to_frame()
    return FigureRecord(
        title=f"How many of {total} {people} {outcome}",
        caption=(
            f"Icon array. Each figure of a person stands for one of {total} {people}: filled, those who "
            f"{outcome}; hollow, those who {otherwise}. Numbers of people are rounded; the exact risk stands "
            f"below."
        ),
        alt=f"{'; '.join(parts)}.",
        numbers=frame.assign(count_without=frame["out_of"] - frame["count"]),
    )
