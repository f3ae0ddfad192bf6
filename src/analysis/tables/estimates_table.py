"""Estimates with their intervals, one row each: of any measure, or all of one 2x2 table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.tables.cells import estimate_cell, pvalue_cell, pvalue_heading, text_cell
from analysis.tables.effects_table import level_text
from analysis.tables.format import format_count, format_estimate
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.two_by_two import describe_table
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["estimates_table", "two_by_two_table"]


def estimates_table(
    estimates: Estimate | Sequence[Estimate],
    *,
    labels: Sequence[str] | None = None,
    title: str = "Estimates",
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of estimates, one row each.

    Parameters
    ----------
    estimates : Estimate or sequence of Estimate
        One with an axis has a row an entry.
    labels : sequence of str, optional
        What the rows are called; by default the name of the measure.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable
        With the method of each interval; percentages carry their sign, as measures may differ.

    Raises
    ------
    ValueError
        If there is no estimate, their levels differ, or labels are of another number.
    """
    listed = [estimates] if isinstance(estimates, Estimate) else list(estimates)
    if not listed:
        raise ValueError("`estimates` must hold at least one estimate, but is empty.")
    levels = {estimate.confidence_level for estimate in listed}
    if len(levels) > 1:
        raise ValueError(f"`estimates` must be of one level, but are of {sorted(levels)}; make a table each.")
    singles = [(estimate, at) for estimate in listed for at in range(estimate.value.size)]
    if labels is not None and len(labels) != len(singles):
        raise ValueError(f"`labels` must name {len(singles)} estimates, but names {len(labels)}.")
    level = level_text(levels.pop())
    columns = (
        TableColumn(heading="Measure", names=("label",)),
        TableColumn(
            heading=f"Estimate ({level} CI)",
            names=("value", "low", "high"),
            kind="number",
            headings=("Estimate", f"{level} CI, lower limit", f"{level} CI, upper limit"),
        ),
        TableColumn(heading=pvalue_heading(), names=("pvalue",), kind="pvalue"),
        TableColumn(heading="Method", names=("method",)),
    )
    rows = []
    for position, (estimate, at) in enumerate(singles):
        numbers = [float(part.reshape(-1)[at]) for part in (estimate.value, estimate.low, estimate.high)]
        plain = estimate_cell(*numbers, measure=estimate.measure)
        text = format_estimate(*numbers, measure=estimate.measure)
        pvalue = None if estimate.pvalue is None else float(estimate.pvalue.reshape(-1)[at])
        label = measure_of(estimate.measure).label if labels is None else labels[position]
        cells = (
            text_cell(label),
            Cell(text=text, raw=plain.raw, number_format=plain.number_format),
            pvalue_cell(pvalue),
            text_cell(estimate.method),
        )
        rows.append(TableRow(cells=cells))
    return JournalTable(
        title=title, columns=columns, rows=tuple(rows), notes=tuple(notes), source=source, number=number
    )


def two_by_two_table(
    table: TwoByTwo,
    *,
    exposed: str = "Exposed",
    control: str = "Controls",
    confidence_level: float = 0.95,
    every: bool = False,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of the risks and measures of one 2x2 table.

    Parameters
    ----------
    table : TwoByTwo
        One table.
    exposed, control : str
        What the two groups are called.
    confidence_level : float, default 0.95
        In (0, 1).
    every : bool, default False
        Whether every method is used, or the usual ones.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable

    Raises
    ------
    TypeError
        If `table` is no `TwoByTwo`.
    ValueError
        If it is not one table.
    """
    if not isinstance(table, TwoByTwo):
        raise TypeError(f"`table` must be TwoByTwo, but got {type(table).__name__}.")
    estimates = describe_table(table, confidence_level=confidence_level, every=every)
    labels = [f"Risk, {exposed.lower()}", f"Risk, {control.lower()}"]
    labels += [measure_of(estimate.measure).label for estimate in estimates[2:]]
    counts = (
        f"{exposed}: {format_count(table.exposed_cases)}/{format_count(table.exposed_total)}; "
        f"{control.lower()}: {format_count(table.control_cases)}/{format_count(table.control_total)}."
    )
    return estimates_table(
        estimates,
        labels=labels,
        title=title or "Risks and measures of association",
        notes=(counts, *notes),
        source=source,
        number=number,
    )
