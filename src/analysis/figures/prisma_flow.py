"""The PRISMA 2020 flow diagram: what was found, screened, assessed and included.

Takes numbers that add up (`values.prisma_flow` checks them); boxes are as large as their texts need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWN, CARETLEFT, CARETRIGHT
from matplotlib.patches import Rectangle

from analysis.figures.parts.prisma_boxes import BoxLine, FlowBox, boxes_of
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.parts.sheet import axes_in_points, draw_sheet, sheet_width, size_in_points, write_block
from analysis.figures.style import (
    BLACK,
    LIGHT_GREY,
    POINTS_PER_INCH,
    POINTS_PER_MM,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.tables.format import format_count
from analysis.values.prisma_flow import PrismaFlow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from analysis.values.prisma_flow import FlowCount

__all__ = ["figure_prisma_flow", "plot_prisma_flow"]

# In letters' sizes: within boxes, between main and side boxes, between rows, between ways.
_PAD, _ARROW, _ROW_GAP, _WAY_GAP = 0.6, 1.7, 1.6, 1.4
_INDENT = 0.9
# Width of the names of the stages, and room beside them.
_STRIP, _STRIP_GAP = 1.9, 0.8
_STAGES = (("Identification", (0, 0)), ("Screening", (1, 3)), ("Included", (4, 5)))


def plot_prisma_flow(flow: PrismaFlow, *, ax: Axes | None = None) -> Axes:
    """Draw the diagram.

    Parameters
    ----------
    flow : PrismaFlow
        Numbers that add up.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Boxes are fitted to the width
        that the axes have now.

    Returns
    -------
    Axes
        Their coordinates are points from the upper left corner.

    Raises
    ------
    TypeError
        If `flow` is of another type.
    ValueError
        If the axes are too narrow or too low; says what would do.
    """
    _check(flow)
    with house_style():
        if ax is None:
            width = sheet_width(current().double_mm)
            diagram = _Diagram.of(flow, width)
            figure = Figure(figsize=(width / POINTS_PER_INCH, diagram.height / POINTS_PER_INCH))
            FigureCanvasAgg(figure)
            ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
            height = diagram.height
        else:
            width, height = size_in_points(ax)
            diagram = _Diagram.of(flow, width)
            if diagram.height > height + 0.5:
                raise ValueError(
                    f"`ax` must be {math.ceil(diagram.height)} points high or more for this flow, as it is "
                    f"{width:.0f} points wide, but is {height:.0f}. Make the figure higher or wider."
                )
        axes_in_points(ax, width, height)
        diagram.draw(ax)
    return ax


def figure_prisma_flow(
    flow: PrismaFlow,
    *,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the diagram at its printed size.

    Parameters
    ----------
    flow : PrismaFlow
        Numbers that add up. With `other` there is a column for other methods, with `previous_studies` one
        for the previous version of the review.
    width_mm : float, optional
        Printed width; by default that of the style's page.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        As high as its texts need.

    Raises
    ------
    TypeError
        If `flow` is of another type.
    ValueError
        If the page is too narrow; says which width would do.

    References
    ----------
    Page MJ, McKenzie JE, Bossuyt PM, et al. (2021). The PRISMA 2020 statement: an updated guideline for
    reporting systematic reviews. BMJ 372:n71. DOI 10.1136/bmj.n71
    """
    _check(flow)
    with house_style():
        page_mm = current().double_mm if width_mm is None else width_mm
        diagram = _Diagram.of(flow, sheet_width(page_mm))
        sheet = draw_sheet(page_mm, diagram.height, notes=[note] if note else [], synthetic=synthetic)
        diagram.draw(sheet.axes)
        return keep_record(sheet.figure, _record(flow))


def _check(flow: PrismaFlow) -> None:
    if not isinstance(flow, PrismaFlow):
        raise TypeError(f"`flow` must be a PrismaFlow, but got {type(flow).__name__}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    left: float
    top: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def bottom(self) -> float:
        return self.top + self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class _Diagram:
    """Where every box, title and stage stands, in points, and how high it all is."""

    size: float
    cells: list[FlowBox]
    boxes: dict[tuple[int, int], _Box]
    titles: list[tuple[tuple[str, ...], _Box]]
    stages: list[tuple[str, _Box]]
    main: int
    height: float

    @classmethod
    def of(cls, flow: PrismaFlow, width: float) -> _Diagram:
        cells, titles = boxes_of(flow)
        main = int(flow.previous_studies is not None)
        for size in (current().body_size, current().small_size):
            across = _columns(cells, main, width, size)
            if across is not None:
                break
        else:
            enough = _enough(cells, main, current().small_size)
            raise ValueError(
                f"`width_mm` must be about {enough} or more for this flow, but got "
                f"{(width + 2 * MARGIN) / POINTS_PER_MM:.0f}. Shorten the names of sources and reasons."
            )
        left, right = across
        wrapped = [
            (
                wrap_text(text, right[last] - left[first] - 2 * _PAD * size, size=size, bold=True),
                first,
                last,
            )
            for text, first, last in titles
        ]
        head = max(len(lines) for lines, _, _ in wrapped) * size * LINE_SPACING + _PAD * size
        widths = [end - start for start, end in zip(left, right, strict=True)]
        heights = {(cell.column, cell.row): _box_height(cell, widths[cell.column], size) for cell in cells}
        top = head + 0.8 * size
        boxes: dict[tuple[int, int], _Box] = {}
        stages = []
        for name, (first, last) in _STAGES:
            start = end = top
            for row in range(first, last + 1):
                here = {c: height for (c, r), height in heights.items() if r == row}
                if not here:
                    continue
                boxes |= {
                    (c, row): _Box(left=left[c], top=top, width=widths[c], height=height)
                    for c, height in here.items()
                }
                end = top + max(here.values())
                top = end + _ROW_GAP * size
            # The name of a stage runs beside its boxes, and may be longer than they are high.
            end = max(end, start + text_width(name, size=size, bold=True) + 2 * _PAD * size)
            stages.append((name, _Box(left=0.0, top=start, width=_STRIP * size, height=end - start)))
            top = max(top, end + 0.5 * size)
        return cls(
            size=size,
            cells=cells,
            boxes=boxes,
            titles=[
                (lines, _Box(left=left[first], top=0.5, width=right[last] - left[first], height=head))
                for lines, first, last in wrapped
            ],
            stages=stages,
            main=main,
            height=stages[-1][1].bottom + 1.0,
        )

    def draw(self, ax: Axes) -> None:
        size = self.size
        for lines, box in self.titles:
            _rectangle(ax, box, "title", fill=LIGHT_GREY)
            top = box.top + (box.height - len(lines) * size * LINE_SPACING) / 2
            write_block(
                ax, lines, x=box.middle, top=top, size=size, align="center", bold=True, gid="title text"
            )
        for name, box in self.stages:
            _rectangle(ax, box, "stage", fill=LIGHT_GREY)
            ax.text(
                # Small letters are what the eye centres on: a little to the right of the middle.
                box.middle + 0.33 * size,
                box.top + box.height / 2,
                name,
                rotation=90,
                rotation_mode="anchor",
                ha="center",
                va="baseline",
                fontproperties=font(size, bold=True),
                color=BLACK,
                parse_math=False,
                gid="stage text",
            )
        for cell in self.cells:
            box = self.boxes[cell.column, cell.row]
            _rectangle(ax, box, f"box {cell.column} {cell.row}", fill="white")
            top = box.top + _PAD * size
            for line in cell.lines:
                indent = line.level * _INDENT * size
                lines = _wrapped(line, box.width, size)
                write_block(ax, lines, x=box.left + _PAD * size + indent, top=top, size=size, gid="box text")
                top += len(lines) * size * LINE_SPACING
        self._draw_arrows(ax)

    def _draw_arrows(self, ax: Axes) -> None:
        boxes = self.boxes
        for (column, row), box in boxes.items():
            below = next((boxes[column, r] for r in range(row + 1, 6) if (column, r) in boxes), None)
            is_main = (column - self.main) % 2 == 0 and column >= self.main
            if is_main and below is not None:
                _arrow(ax, [(box.middle, box.bottom), (box.middle, below.top)], CARETDOWN)
            side = boxes.get((column + 1, row))
            if is_main and side is not None and row <= 3:
                y = box.top + min(box.height, side.height) / 2
                _arrow(ax, [(box.left + box.width, y), (side.left, y)], CARETRIGHT)
        included = boxes[self.main, 4]
        other = boxes.get((self.main + 2, 3))
        if other is not None:
            y = included.top + included.height / 2
            end = included.left + included.width
            _arrow(ax, [(other.middle, other.bottom), (other.middle, y), (end, y)], CARETLEFT)
        if self.main:
            before, total = boxes[0, 0], boxes[1, 5]
            y = total.top + total.height / 2
            _arrow(ax, [(before.middle, before.bottom), (before.middle, y), (total.left, y)], CARETRIGHT)


def _room(columns: int, main: int, size: float) -> list[float]:
    """Return the room left of each column in points: an arrow runs between a main and a side box."""
    gaps = [_ARROW if (c - main) % 2 == 1 else _WAY_GAP for c in range(1, columns)]
    return [(_STRIP + _STRIP_GAP) * size, *(gap * size for gap in gaps)]


def _least(cells: Sequence[FlowBox], size: float) -> list[float]:
    columns = max(cell.column for cell in cells) + 1
    return [max(_least_width(cell, size) for cell in cells if cell.column == c) for c in range(columns)]


def _columns(
    cells: Sequence[FlowBox], main: int, width: float, size: float
) -> tuple[list[float], list[float]] | None:
    """Return left and right edges of the columns, as equal as their longest words allow, or None."""
    least = _least(cells, size)
    room = _room(len(least), main, size)
    left_over = width - sum(room)
    if sum(least) > left_over:
        return None
    common = left_over / len(least)
    widths = least
    # Columns that need more than their share take it from the others.
    for _ in least:
        wide = [need for need in least if need > common]
        common = (left_over - sum(wide)) / max(len(least) - len(wide), 1)
        widths = [max(need, common) for need in least]
    left, right, x = [], [], 0.0
    for gap, column in zip(room, widths, strict=True):
        left.append(x + gap)
        right.append(x + gap + column)
        x = right[-1]
    return left, right


def _enough(cells: Sequence[FlowBox], main: int, size: float) -> int:
    least = _least(cells, size)
    return math.ceil((sum(least) + sum(_room(len(least), main, size)) + 2 * MARGIN) / POINTS_PER_MM)


def _wrapped(line: BoxLine, width: float, size: float) -> tuple[str, ...]:
    return wrap_text(line.text, width - (2 * _PAD + line.level * _INDENT) * size, size=size)


def _box_height(cell: FlowBox, width: float, size: float) -> float:
    lines = sum(len(_wrapped(line, width, size)) for line in cell.lines)
    return lines * size * LINE_SPACING + 2 * _PAD * size


def _least_width(cell: FlowBox, size: float) -> float:
    return max(
        text_width(word, size=size) + (2 * _PAD + line.level * _INDENT) * size
        for line in cell.lines
        for word in line.text.split(" ")
    )


def _rectangle(ax: Axes, box: _Box, gid: str, *, fill: str) -> None:
    ax.add_patch(
        Rectangle(
            (box.left, box.top),
            box.width,
            box.height,
            facecolor=fill,
            edgecolor=BLACK if fill == "white" else "none",
            linewidth=current().line_width,
            clip_on=False,
            gid=gid,
        )
    )


def _arrow(ax: Axes, points: Sequence[tuple[float, float]], head: int) -> None:
    ax.plot(
        [x for x, _ in points],
        [y for _, y in points],
        color=BLACK,
        linewidth=current().line_width,
        marker=head,
        markersize=0.6 * current().body_size,
        markeredgewidth=0.0,
        markevery=[len(points) - 1],
        solid_joinstyle="miter",
        clip_on=False,
        zorder=3.0,
        gid="arrow",
    )


def _plural(n: int, one: str) -> str:
    many = {"study": "studies"}.get(one, f"{one}s")
    return f"{format_count(n)} {one if n == 1 else many}"


def _reasons(count: FlowCount) -> str:
    said = "; ".join(f"{name} {format_count(n)}" for name, n in count.parts)
    return f" ({said})" if said else ""


def _record(flow: PrismaFlow) -> FigureRecord:
    found = f"{_plural(flow.identified, 'record')} identified from databases and registers"
    out = f"{format_count(flow.reports_excluded.total)} excluded{_reasons(flow.reports_excluded)}"
    said = [
        f"{found}, {format_count(flow.removed)} removed before screening",
        f"{format_count(flow.screened)} screened, {format_count(flow.excluded.total)} excluded",
        f"{_plural(flow.sought, 'report')} sought, {format_count(flow.not_retrieved)} not retrieved",
        f"{format_count(flow.assessed)} assessed, {out}",
    ]
    if flow.other is not None:
        other = flow.other
        said.append(
            f"by other methods {_plural(other.identified.total, 'record')} identified"
            f"{_reasons(other.identified)}, {_plural(other.assessed, 'report')} assessed, "
            f"{format_count(other.reports_excluded.total)} excluded{_reasons(other.reports_excluded)}"
        )
    studies = _plural(flow.studies, "study")
    if flow.previous_studies is not None:
        studies = studies.replace(" ", " new ")
    said.append(f"{studies} in {_plural(flow.reports, 'report')} included")
    if flow.previous_studies is not None:
        said.append(
            f"with {format_count(flow.previous_studies)} of the previous version "
            f"{_plural(flow.total_studies, 'study')} in total"
        )
    names = ", ".join(flow.derived)
    derived = f" Not given but following from the other numbers: {names}." if names else ""
    return FigureRecord(
        title="Flow of records, reports and studies",
        caption=f"PRISMA 2020 flow diagram (Page et al. 2021). All numbers add up.{derived}",
        alt=f"Flow diagram: {'; '.join(said)}.",
        numbers=flow.to_frame(),
    )
