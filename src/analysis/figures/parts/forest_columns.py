"""What the text columns of a forest plot say, and which of them fit on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from analysis.figures.parts.forest_cells import COLUMN_NAMES, Cells, cells_of
from analysis.figures.parts.forest_layouts import PANEL
from analysis.figures.parts.page import Column, Layout, Row, TooNarrowError, lay_out
from analysis.figures.style import current
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.forest_lines import Line

__all__ = ["ForestColumn", "ForestColumns", "ForestTable", "fit_columns"]

# What is left out first where the page is narrow and the caller has not chosen.
_LEFT_OUT = ((), ("weight",), ("counts",), ("counts", "weight"))
# Shares of the page that the panel keeps: a smaller one where no label is broken then.
_LEAST_PANELS = (0.25, 0.2)
NO_BREAK = "\N{NO-BREAK SPACE}"
# Room for a density, in sizes of letters.
_DENSITY_HEIGHT = 3.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestColumn:
    """A column of the user's own.

    Parameters
    ----------
    heading : str
        May hold line feeds.
    texts : sequence of str
        One a study, in the order of the effects.
    side : {"left", "right"}, default "right"
        Of the panel, where the columns do not say it by the place of "plot".
    align : {"left", "right", "center"}, default "left"
        Where the texts stand.
    overall : str, optional
        Stands in the first row over all studies.
    """

    heading: str
    texts: Sequence[str]
    side: str = "right"
    align: str = "left"
    overall: str = ""

    def __post_init__(self) -> None:
        check_choice("side", self.side, ("left", "right"))
        check_choice("align", self.align, ("left", "right", "center"))


ForestColumns: TypeAlias = (
    "Sequence[str | ForestColumn | tuple[str, Sequence[str]]] | Mapping[str, Sequence[str]]"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestTable:
    """Columns and rows of the page, with their places.

    `judged` has the number of each column of judgements with that of its domain; `shown` are the names of the
    columns of the house.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    layout: Layout
    judged: tuple[tuple[int, int], ...]
    shown: tuple[str, ...]


def fit_columns(
    content: ForestInput,
    lines: Sequence[Line],
    look: ForestLayout,
    *,
    columns: ForestColumns | None,
    arms: tuple[str, str],
    study_heading: str,
    digits: int | None,
    weights: str,
    prediction: str,
    width_mm: float,
) -> ForestTable:
    """Choose the columns, write their cells, and place them on a page of that width."""
    cells = Cells(content=content, look=look, arms=arms, digits=digits, weights=weights)
    if columns is None or hasattr(columns, "items"):
        own = [] if columns is None else [_own(item, content.k) for item in columns.items()]
        usual = [name for name in look.columns if name == PANEL or name in cells.available]
        if content.steps is not None:
            usual += [name for name in ("i2",) if name in cells.available]
        choices: list[list[str | ForestColumn]] = [
            [*(name for name in usual if name not in left_out), *own]
            for left_out in _LEFT_OUT
            if set(left_out) <= set(usual)
        ]
    else:
        choices = [_chosen(columns, cells, content.k)]
    # Events and totals side by side take more room than one column of both.
    manners = [cells, replace(cells, look=replace(look, split_counts=False))]
    tried = [(choice, manner) for choice in choices for manner in manners[: 1 + look.split_counts]]
    fitting: ForestTable | None = None
    refusal: ValueError | None = None
    for choice, manner in tried:
        for least_panel in _LEAST_PANELS:
            try:
                table = _table(choice, manner, lines, look, study_heading, prediction, width_mm, least_panel)
            except TooNarrowError as error:
                refusal = error
                continue
            broken = _broken(table)
            # Better a column less than most labels broken.
            if not broken or (least_panel == _LEAST_PANELS[-1] and broken <= max(8, len(lines) / 4)):
                return table
            fitting = table
    if fitting is None:
        raise refusal or ValueError("`columns` must name at least one column.")
    return fitting


def _broken(table: ForestTable) -> int:
    """Return how many lines the rows have more than one each; lines of words may have several."""
    return sum(
        max(map(len, found)) - 1
        for row, found in zip(table.rows, table.layout.lines, strict=True)
        if not row.small
    )


def _own(item: ForestColumn | tuple[str, Sequence[str]], k: int) -> ForestColumn:
    if isinstance(item, ForestColumn):
        column = item
    elif isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
        column = ForestColumn(heading=item[0], texts=item[1])
    else:
        raise TypeError(
            f"`columns` must hold names, ForestColumn or (heading, texts), but holds {type(item).__name__}."
        )
    if isinstance(column.texts, str) or len(column.texts) != k:
        count = "one text" if isinstance(column.texts, str) else str(len(column.texts))
        raise ValueError(f"`columns` must have one text a row, {k}, but {column.heading!r} has {count}.")
    # By position, whatever index a column of a table has; what is missing there is blank.
    return replace(column, texts=tuple("" if _missing(text) else str(text) for text in column.texts))


def _missing(text: object) -> bool:
    return text is None or (isinstance(text, float) and math.isnan(text)) or type(text).__name__ == "NAType"


def _chosen(columns: ForestColumns, cells: Cells, k: int) -> list[str | ForestColumn]:
    chosen: list[str | ForestColumn] = []
    for item in columns:
        if not isinstance(item, str):
            chosen.append(_own(item, k))
            continue
        check_choice("columns", item, (*COLUMN_NAMES, PANEL))
        if item != PANEL and item not in cells.available:
            raise ValueError(
                f"`columns` must be among those that there are numbers for, "
                f"{', '.join(map(repr, cells.available))}, but got {item!r}. {cells.wanted(item)}"
            )
        chosen.append(item)
    if not chosen:
        raise ValueError("`columns` must name at least one column.")
    return chosen


def _sides(
    choice: Sequence[str | ForestColumn], look: ForestLayout
) -> tuple[list[str | ForestColumn], list[str | ForestColumn]]:
    """Return what stands left and right of the panel."""
    usual = look.columns[: look.columns.index(PANEL)]
    if PANEL in choice:
        at = list(choice).index(PANEL)
        left, right = list(choice[:at]), list(choice[at + 1 :])
        # A mapping's columns have no place of their own in the manner's order.
        moved = [item for item in right if isinstance(item, ForestColumn) and item.side == "left"]
        return [*left, *moved], [item for item in right if item not in moved]
    left, right = [], []
    for item in choice:
        if isinstance(item, ForestColumn):
            (left if item.side == "left" else right).append(item)
        else:
            (left if item in usual else right).append(item)
    return left, right


def _table(
    choice: Sequence[str | ForestColumn],
    cells: Cells,
    lines: Sequence[Line],
    look: ForestLayout,
    study_heading: str,
    prediction: str,
    width_mm: float,
    least_panel: float,
) -> ForestTable:
    left, right = _sides(choice, look)
    columns = [Column(heading=study_heading, wraps=True)]
    texts: list[Sequence[str]] = [[_label(line) for line in lines]]
    judged: list[tuple[int, int]] = []
    panel_after = 1
    for side in (left, right):
        for item in side:
            if isinstance(item, ForestColumn):
                columns.append(Column(heading=item.heading, align=item.align, wraps=True))
                texts.append(_own_texts(item, lines, cells.content))
                continue
            for column, written, domain in cells_of(cells, item, lines):
                if domain is not None:
                    judged.append((len(columns), domain))
                columns.append(column)
                texts.append(written)
        if side is left:
            panel_after = len(columns)
    rows = [
        _row(line, tuple(column[number] for column in texts), number, lines, look, prediction)
        for number, line in enumerate(lines)
    ]
    layout = lay_out(columns, rows, width_mm=width_mm, panel_after=panel_after, least_panel=least_panel)
    return ForestTable(
        columns=tuple(columns),
        rows=tuple(rows),
        layout=layout,
        judged=tuple(judged),
        shown=tuple(item for item in choice if isinstance(item, str)),
    )


def _label(line: Line) -> str:
    """Return what stands at the left end; the name of a model is broken before its methods, not within."""
    name, model, methods = line.label.partition(" model (")
    if line.kind != "pooled" or not model:
        return line.label
    return f"{name}{model}{methods.replace(' ', NO_BREAK)}"


def _own_texts(column: ForestColumn, lines: Sequence[Line], content: ForestInput) -> list[str]:
    first = content.summaries[0] if content.summaries else None
    return [
        str(column.texts[line.row])
        if line.row is not None
        else column.overall
        if line.kind == "pooled" and line.summary is first
        else ""
        for line in lines
    ]


def _row(
    line: Line,
    cells: tuple[str, ...],
    number: int,
    lines: Sequence[Line],
    look: ForestLayout,
    prediction: str,
) -> Row:
    size = current().body_size
    step = 0.8 * size if any(other.kind == "group" for other in lines) else 0.0
    before = lines[number - 1] if number else None
    within = line.group is not None or line.kind == "row"
    starts_overall = (
        line.kind == "pooled"
        and line.group is None
        and before is not None
        and (before.group is not None or before.kind == "row")
    )
    space = 0.0
    if line.kind == "group" and number:
        space = 0.6 * size
    elif starts_overall or (
        line.kind == "words" and line.group is None and before is not None and before.kind != "words"
    ):
        space = 0.55 * size if starts_overall else 0.1 * size
    return Row(
        cells=cells,
        bold=line.kind in {"group", "pooled"},
        small=line.kind == "words",
        spans=line.kind != "row",
        indent=step if within and line.kind != "group" else 0.0,
        space_above=space,
        height=_DENSITY_HEIGHT * size if line.kind == "prediction" and prediction == "density" else 0.0,
        rule_above=look.rule_above_overall and starts_overall,
        band=look.bands
        and line.row is not None
        and sum(1 for other in lines[:number] if other.kind == "row") % 2 == 0,
    )
