"""What the methods for small-study effects say about one meta-analysis, one row a method."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.meta.small_study_summary import SmallStudySummary
from analysis.tables.cells import (
    NOTHING,
    estimate_cell,
    number_cell,
    plain,
    pvalue_cell,
    pvalue_heading,
    text_cell,
)
from analysis.tables.format import format_count, format_number, is_percent
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.meta.small_study_summary import SmallStudyRow

__all__ = ["small_study_table"]


def small_study_table(
    summary: SmallStudySummary,
    *,
    declined: bool = True,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of what the methods for small-study effects say, one row a method.

    Parameters
    ----------
    summary : SmallStudySummary
        What `small_study_summary` returns.
    declined : bool, default True
        Whether methods that give nothing have a row too; why is a footnote.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable

    Raises
    ------
    TypeError
        If `summary` is no `SmallStudySummary`.
    ValueError
        If every method is declined, and these are left out.
    """
    if not isinstance(summary, SmallStudySummary):
        raise TypeError(f"`summary` must be SmallStudySummary, but got {type(summary).__name__}.")
    shown = [row for row in summary.rows if declined or row.declined is None]
    if not shown:
        raise ValueError("`summary` must hold a method that is not declined; or give declined=True.")
    label = measure_of(summary.measure).label
    unit = "%" if is_percent(summary.measure) else ""
    columns = (
        TableColumn(heading="Method", names=("method",)),
        TableColumn(heading="Statistic", names=("statistic", "df"), kind="number", alignment="left",
                    headings=("Statistic", "Degrees of freedom")),
        TableColumn(heading=pvalue_heading(), names=("pvalue",), kind="pvalue"),
        TableColumn(
            heading=f"Adjusted {label[0].lower()}{label[1:]}{', ' if unit else ''}{unit} (CI), or index",
            names=("value", "low", "high"),
            kind="number",
            headings=("Adjusted effect or index", "CI, lower limit", "CI, upper limit"),
        ),
        TableColumn(heading="Remark", names=("note",)),
    )  # fmt: skip
    rows = tuple(TableRow(cells=_method_cells(row, summary.measure)) for row in shown)
    return JournalTable(
        title=title or f"Small-study effects, {format_count(summary.n_studies)} studies",
        columns=columns,
        rows=rows,
        notes=tuple(notes),
        source=source,
        number=number,
    )


def _method_cells(row: SmallStudyRow, measure: str) -> tuple[Cell, ...]:
    notes = () if row.declined is None else (f"Declined: {row.declined}.",)
    first = text_cell(row.method, notes=notes)
    statistic = Cell(text=NOTHING, raw=(None, None))
    if not math.isnan(row.statistic):
        letter, df = ("z", "") if math.isinf(row.df) else ("t", f" (df = {row.df:.0f})")
        statistic = Cell(
            text=f"{letter} = {format_number(row.statistic, 2)}{df}",
            raw=(row.statistic, None if math.isinf(row.df) else plain(row.df)),
            number_format="0.00",
        )
    adjusted = Cell(text=NOTHING, raw=(None, None, None))
    if row.kind == "index" and not math.isnan(row.value):
        whole = float(row.value).is_integer()
        single = number_cell(row.value, 0 if whole else None)
        adjusted = Cell(text=single.text, raw=(row.value, None, None), number_format=single.number_format)
    elif not math.isnan(row.value):
        adjusted = estimate_cell(row.value, row.low, row.high, measure=measure)
    return (
        first,
        statistic,
        pvalue_cell(row.pvalue),
        adjusted,
        text_cell(None if row.note == row.method else row.note),
    )
