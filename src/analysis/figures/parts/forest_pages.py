"""Where a long forest plot is broken into pages, and what stands at the breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.figures.parts.page import header_height, page_heights, row_heights
from analysis.figures.style import POINTS_PER_MM, current
from analysis.figures.parts.text import LINE_SPACING, wrap_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.parts.forest_plan import ForestPlan
    from analysis.figures.parts.page import Row

__all__ = ["CONTINUED", "PADDING", "break_lines", "continued_heading"]

CONTINUED = "Continued on the next page."
# Rows keep their distance: there is always another page.
PADDING = 0.35


def break_lines(plan: ForestPlan, page_height_mm: float) -> list[list[int]]:
    """Return the numbers of the lines on each page.

    A heading stays with its first study, and pooled rows with the last study above them.

    Raises
    ------
    ValueError
        If a page is too low for what must stand on it; says which height would do.
    """
    height = page_height_mm * POINTS_PER_MM
    layout = plan.table.layout
    heights = [
        row.space_above + own
        for row, own in zip(
            plan.table.rows, row_heights(layout, plan.table.rows, padding=PADDING), strict=True
        )
    ]
    line = current().body_size * LINE_SPACING
    # The heading of every page but the first is a line higher, and may repeat that of a subgroup.
    longer = replace(layout, headings=((*layout.headings[0], ""), *layout.headings[1:]))
    head = header_height(longer, plan.above) + line + PADDING * current().body_size
    fixed = head + plan.below + page_heights(synthetic=plan.synthetic)
    last = _foot(plan, plan.notes)
    usual = _foot(plan, (CONTINUED,))
    units = _units(plan)
    sizes = [sum(heights[i] for i in unit) for unit in units]
    needed = fixed + max(sizes[-1] + last, *(size + usual for size in sizes))
    if needed > height:
        raise ValueError(
            f"`page_height_mm` must be about {needed / POINTS_PER_MM + 1:.0f} or more "
            f"for these rows, but got {page_height_mm:g}."
        )
    runs = _filled(sizes, height - fixed, usual, last)
    # As many pages, but of one height: no page of two studies at the end.
    low, high = needed - fixed, height - fixed
    for _ in range(12):
        middle = (low + high) / 2
        even = _filled(sizes, middle, usual, last)
        low, high, runs = (low, middle, even) if len(even) == len(runs) else (middle, high, runs)
    return [[i for number in run for i in units[number]] for run in runs]


def _filled(sizes: Sequence[float], room: float, usual: float, last: float) -> list[list[int]]:
    """Fill pages one after the other; what is under the rows takes `usual`, on the last page `last`."""
    pages: list[list[int]] = [[]]
    used = 0.0
    for number, size in enumerate(sizes):
        foot = last if number == len(sizes) - 1 else usual
        if pages[-1] and used + size + foot > room:
            pages.append([])
            used = 0.0
        pages[-1].append(number)
        used += size
    return pages


def _foot(plan: ForestPlan, notes: tuple[str, ...]) -> float:
    size = current().small_size
    lines = [wrap_text(note, plan.table.layout.width - 8.0, size=size) for note in notes]
    return sum(len(part) for part in lines) * size * LINE_SPACING + 2.5 * len(lines)


def _units(plan: ForestPlan) -> list[list[int]]:
    """Return runs of lines between which a page may end."""
    units: list[list[int]] = []
    for number, line in enumerate(plan.lines):
        before = plan.lines[number - 1].kind if number else ""
        begins = line.kind == "group" or (line.kind == "row" and before != "group")
        if begins or not units:
            units.append([number])
        else:
            units[-1].append(number)
    return units


def continued_heading(plan: ForestPlan, first: int) -> Row | None:
    """Return the heading to be repeated over a page that begins within a subgroup."""
    line = plan.lines[first]
    if line.kind == "group":
        return None
    heading = next((i for i in range(first, -1, -1) if plan.lines[i].kind == "group"), None)
    if heading is None:
        return None
    row = plan.table.rows[heading]
    texts = plan.table.layout.lines[heading][0]
    return replace(row, cells=(f"{texts[0]} (continued)", *row.cells[1:]), space_above=0.0)
