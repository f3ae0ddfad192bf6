"""A forest plot decided but not drawn: its lines, columns, axis, words; and how a run of lines is drawn."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from analysis.figures.parts.axes import automatic_limits, axis_scale, set_x_axis, under_axis
from analysis.figures.parts.favours import (
    break_favours,
    favours_height,
    room_beside_null,
    write_favours,
)
from analysis.figures.parts.forest_cells import Cells, effect_method
from analysis.figures.parts.forest_columns import fit_columns
from analysis.figures.parts.forest_draw import draw_judgements, draw_lines
from analysis.figures.parts.forest_layouts import forest_layout
from analysis.figures.parts.forest_lines import PREDICTIONS, forest_lines, sorted_rows
from analysis.figures.parts.forest_words import bias_notes, forest_notes
from analysis.figures.parts.page import draw_page, row_heights
from analysis.figures.style import BLACK, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.tables.number_style import current_number_style, number_style
from analysis.values.arguments import check_choice
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.figures.parts.axes import AxisScale
    from analysis.figures.parts.forest_columns import ForestColumns, ForestTable
    from analysis.figures.parts.forest_input import Counts, ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.forest_lines import Line
    from analysis.figures.parts.page import Page, Row
    from analysis.figures.parts.summaries import Pooled
    from analysis.values.estimate import Estimate
    from analysis.values.risk_of_bias import RiskOfBias

__all__ = ["ForestOptions", "ForestPlan", "draw_plan", "forest_limits", "numbers_of", "plan_forest"]

# Height of a row and width of a panel, in points, in which squares have their full size.
_FULL_ROW, _FULL_PANEL = 9.0, 100.0
# Of a cell of words in the table.
_MOST_LINES = 2
_STEP_HEADINGS = {"leave-one-out": "Study left out", "cumulative": "Study added"}
# Less than this beside the null, in points, and what each side favours is written under the axis instead.
_BESIDE_NULL = 40.0
# Between the panel's heading and what is under it.
_HEADING_ROOM = 3.0


class ForestOptions(TypedDict, total=False):
    """Everything that `figure_forest` takes beside what it draws."""

    pooled: Pooled | None
    table: Counts | None
    columns: ForestColumns | None
    arms: tuple[str, str]
    favours: tuple[str, str] | None
    study_heading: str | None
    digits: int | None
    xlabel: str | None
    xlim: tuple[float, float] | None
    width_mm: float | None
    note: str | None
    synthetic: bool
    layout: str
    axis: str | None
    prediction: str
    overall: bool
    weights: str | None
    sort_by: str | ArrayLike | None
    group_order: Sequence[str] | None
    intervals: Estimate | None
    risk_of_bias: RiskOfBias | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestPlan:
    """All decisions about a forest plot."""

    content: ForestInput
    look: ForestLayout
    scale: AxisScale
    limits: tuple[float, float]
    lines: tuple[Line, ...]
    table: ForestTable
    favours: tuple[tuple[str, ...], tuple[str, ...]]
    heading: tuple[str, ...]
    xlabel: tuple[str, ...]
    favours_above: bool
    notes: tuple[str, ...]
    prediction: str
    within: bool
    synthetic: bool

    @property
    def above(self) -> float:
        """Room over the panel in points."""
        size = current().body_size * LINE_SPACING
        room = len(self.heading) * size + _HEADING_ROOM * bool(self.heading)
        return room + (favours_height(self.favours) if self.favours_above else 0.0)

    @property
    def longer_label(self) -> float:
        """Height of the lines of the axis's name after the first one, in points."""
        return max(len(self.xlabel) - 1, 0) * current().body_size * LINE_SPACING

    @property
    def below(self) -> float:
        """Room under the panel in points."""
        beside = 0.0 if self.favours_above else favours_height(self.favours)
        return under_axis() + self.longer_label + beside


@contextmanager
def numbers_of(look: ForestLayout) -> Iterator[None]:
    """Write numbers in the manner of the layout, unless the caller has chosen another style of them."""
    if current_number_style().name == "default" and look.numbers != "default":
        with number_style(look.numbers):
            yield
    else:
        yield


def forest_limits(content: ForestInput, scale: AxisScale) -> tuple[float, float]:
    """Return limits that hold all estimates, and every interval that would not squeeze the others."""
    interval = content.intervals
    limits = [*interval.low, *interval.high]
    centres = [*interval.value]
    for summary in (*content.subtotals, *content.summaries):
        centres.append(summary.estimate.value)
        limits += [summary.estimate.low, summary.estimate.high, *(summary.prediction or ())]
    return automatic_limits(
        scale, scale.factor * np.array(centres, dtype=float), scale.factor * np.array(limits, dtype=float)
    )


def plan_forest(
    content: ForestInput,
    *,
    columns: ForestColumns | None = None,
    arms: tuple[str, str] = ("Exposed", "Control"),
    favours: tuple[str, str] | None = None,
    study_heading: str | None = None,
    digits: int | None = None,
    xlabel: str | None = None,
    xlim: tuple[float, float] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
    layout: str = "default",
    axis: str | None = None,
    prediction: str = "bar",
    weights: str | None = None,
    sort_by: str | ArrayLike | None = None,
    group_order: Sequence[str] | None = None,
) -> ForestPlan:
    """Decide everything; parameters as for `figure_forest`."""
    look = forest_layout(layout)
    check_choice("prediction", prediction, PREDICTIONS)
    if weights is None:
        weights = "overall" if content.summaries or content.groups is None else "within"
    check_choice("weights", weights, ("overall", "within"))
    if weights == "within" and content.groups is None:
        raise ValueError("`weights` = 'within' needs subgroups: give pooled=subgroups(...).")
    if study_heading is None:
        kind = None if content.steps is None else content.steps.kind
        study_heading = look.study_heading if kind is None else _STEP_HEADINGS[kind]
    order = sorted_rows(content, sort_by)
    for manner in (look, replace(look, words_in_rows=False)):
        look = manner
        lines = forest_lines(content, order, look, group_order=group_order, prediction=prediction)
        table = fit_columns(
            content,
            lines,
            look,
            columns=columns,
            arms=arms,
            study_heading=study_heading,
            digits=digits,
            weights=weights,
            prediction=prediction,
            width_mm=current().double_mm if width_mm is None else width_mm,
        )
        # Words in a narrow column are a tower: then they stand under the figure.
        if all(len(cells[0]) <= _MOST_LINES for cells in table.layout.lines):
            break
    scale = axis_scale(content.measure, axis=axis)
    limits = xlim if xlim is not None else forest_limits(content, scale)
    notes = [
        *forest_notes(
            content, look, prediction=prediction, weights=weights, printed_weights="weight" in table.shown
        ),
        *(bias_notes(content) if table.judged else []),
        *([note] if note else []),
    ]
    panel = table.layout.panel[1] - table.layout.panel[0]
    above = look.favours_above and room_beside_null(table.layout, scale, limits) >= _BESIDE_NULL
    heading: tuple[str, ...] = ()
    if look.panel_heading:
        cells = Cells(content=content, look=look, arms=arms, digits=digits, weights=weights)
        words = f"{measure_of(content.measure).label}\n{effect_method(cells)}"
        heading = wrap_text(words, panel, size=current().body_size, bold=True)
    return ForestPlan(
        content=content,
        look=look,
        scale=scale,
        limits=limits,
        lines=lines,
        table=table,
        favours=break_favours(favours, table.layout, scale, limits, above=above),
        favours_above=above,
        heading=heading,
        xlabel=_broken_label(table, scale.label if xlabel is None else xlabel),
        notes=tuple(notes),
        prediction=prediction,
        within=weights == "within",
        synthetic=synthetic,
    )


def _broken_label(table: ForestTable, label: str) -> tuple[str, ...]:
    """Break the name of the axis where it is longer than there is room about the middle of the panel."""
    middle = (table.layout.panel[0] + table.layout.panel[1]) / 2
    room = 2 * min(middle - MARGIN, table.layout.width - MARGIN - middle)
    size = current().body_size
    if text_width(label, size=size) <= room:
        return (label,) if label else ()
    return wrap_text(label, room, size=size)


def draw_plan(
    plan: ForestPlan,
    *,
    chosen: Sequence[int] | None = None,
    continued: Row | None = None,
    notes: Sequence[str] | None = None,
    padding: float | None = None,
    again: bool = False,
) -> Figure:
    """Draw a run of lines on a page of its own.

    Parameters
    ----------
    plan : ForestPlan
        What is drawn.
    chosen : sequence of int, optional
        Numbers of the lines; by default all.
    continued : Row, optional
        Stands over them: the heading of a subgroup that began on an earlier page.
    notes : sequence of str, optional
        Under the page; by default those of the plan.
    padding : float, optional
        Between rows, as for `row_heights`.
    again : bool
        Whether the page continues another one.
    """
    numbers = list(range(len(plan.lines))) if chosen is None else list(chosen)
    rows = [plan.table.rows[i] for i in numbers]
    cells = [plan.table.layout.lines[i] for i in numbers]
    if continued is not None:
        rows.insert(0, continued)
        cells.insert(0, ((continued.cells[0],), *((),) * (len(continued.cells) - 1)))
    headings = plan.table.layout.headings
    if again:
        headings = ((*headings[0], "(continued)"), *headings[1:])
    layout = replace(plan.table.layout, lines=tuple(cells), headings=headings)
    page = draw_page(
        layout,
        plan.table.columns,
        rows,
        above=plan.above,
        below=plan.below,
        notes=plan.notes if notes is None else notes,
        synthetic=plan.synthetic,
        padding=padding,
    )
    centres = page.centres[1:] if continued is not None else page.centres
    lines = [plan.lines[i] for i in numbers]
    set_x_axis(page.axes, plan.scale, *plan.limits)
    page.axes.set_xlabel(
        "\n".join(plan.xlabel), fontproperties=font(), linespacing=LINE_SPACING, parse_math=False
    )
    heights = row_heights(layout, rows, padding=padding)
    lowest = min(h for h, row in zip(heights, rows, strict=True) if not row.small)
    # In a narrow panel full squares would lie on one another's intervals.
    panel = layout.panel[1] - layout.panel[0]
    lowest = min(lowest, _FULL_ROW * max(0.6, panel / _FULL_PANEL))
    draw_lines(
        page.axes,
        plan.content,
        plan.scale,
        plan.look,
        lines,
        centres,
        prediction=plan.prediction,
        half_height=0.5 * current().body_size,
        row_height=lowest,
        continues=bool(numbers) and numbers[-1] + 1 < len(plan.lines),
        within=plan.within,
    )
    draw_judgements(page, plan.table, plan.content, lines, centres)
    write_favours(
        page,
        plan.scale,
        plan.favours,
        plan.limits,
        above=plan.favours_above,
        below=plan.longer_label,
    )
    _write_panel_heading(page, plan)
    return page.figure


def _write_panel_heading(page: Page, plan: ForestPlan) -> None:
    size = current().body_size
    over = favours_height(plan.favours) if plan.favours_above else 0.0
    for number, line in enumerate(plan.heading):
        from_bottom = len(plan.heading) - number - 0.5
        page.axes.annotate(
            line,
            xy=(0.5, 1.0),
            xycoords="axes fraction",
            xytext=(0.0, over + _HEADING_ROOM + from_bottom * size * LINE_SPACING - 0.365 * size),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontproperties=font(bold=True),
            color=BLACK,
            annotation_clip=False,
            parse_math=False,
            gid="heading",
        )
