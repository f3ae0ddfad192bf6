"""The ledger of claims as a table: what was said, what was printed, what comes out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.forensics.claims import ClaimLedger
from analysis.tables.cells import NOTHING, text_cell
from analysis.tables.format import format_number, format_percent, is_percent
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.number_style import join_limits
from analysis.values.scale import MEASURES
from analysis.values.text import decimals_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.forensics.claims import ClaimEntry

__all__ = ["claims_table"]


def claims_table(
    ledger: ClaimLedger,
    *,
    sentences: bool = False,
    title: str = "Printed numbers against what their sources' counts give",
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of audited claims, one row a printed number.

    Parameters
    ----------
    ledger : ClaimLedger
        What `audit_claims` returns.
    sentences : bool, default False
        Whether each row's sentence is a footnote of its verdict, besides what the wording changed.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable
        Printed numbers stand as they were printed; flags and reasons are footnotes.

    Raises
    ------
    TypeError
        If `ledger` is no `ClaimLedger`.
    ValueError
        If it holds no claim.

    Examples
    --------
    >>> import pandas as pd
    >>> from analysis import audit_claims
    >>> claims = pd.DataFrame({"claim_id": ["early"], "printed": ["54%"], "checked_as": ["PR"],
    ...                        "exposed_cases": [229], "exposed_total": [424]})
    >>> claims_table(audit_claims(claims)).rows[0].cells[5].text
    'reproduced'
    """
    if not isinstance(ledger, ClaimLedger):
        raise TypeError(f"`ledger` must be ClaimLedger, but got {type(ledger).__name__}; see `audit_claims`.")
    if not ledger.entries:
        raise ValueError("`ledger` must hold at least one claim, but is empty.")
    worded = any(entry.worded for entry in ledger.entries)
    columns = [TableColumn(heading="Claim", names=("claim_id",))]
    columns += [TableColumn(heading="As worded", names=("worded",))] if worded else []
    columns += [
        TableColumn(heading="Printed", names=("printed",)),
        TableColumn(heading="Checked as", names=("checked_as",)),
        TableColumn(
            heading="Recomputed",
            names=("recomputed_low", "recomputed_high"),
            kind="number",
            alignment="left",
            headings=("Recomputed, lowest", "Recomputed, highest"),
        ),
        TableColumn(heading="From", names=("basis",)),
        TableColumn(heading="Verdict", names=("verdict",)),
    ]
    rows = []
    before: str | None = None
    for entry in ledger.entries:
        # A wording is printed once where its rows follow each other.
        rows.append(_row(entry, worded=worded, again=entry.worded == before, sentences=sentences))
        before = entry.worded
    return JournalTable(
        title=title,
        columns=tuple(columns),
        rows=tuple(rows),
        notes=tuple(notes),
        source=source,
        number=number,
    )


def _row(entry: ClaimEntry, *, worded: bool, again: bool, sentences: bool) -> TableRow:
    remarks = [f"{flag[0].upper()}{flag[1:]}." for flag in entry.flags if flag]
    if entry.verdict == "cannot be recomputed" and entry.reason and not sentences:
        remarks.append(f"{entry.reason[0].upper()}{entry.reason[1:]}.")
    if sentences:
        remarks.append(str(entry))
    cells = [text_cell(entry.claim_id)]
    if worded:
        full = text_cell(entry.worded)
        cells.append(Cell(text="", raw=full.raw) if again else full)
    label = MEASURES[entry.checked_as].label.lower() if entry.checked_as in MEASURES else entry.checked_as
    cells += [
        text_cell(entry.printed),
        Cell(text=label, raw=(entry.checked_as,)),
        _recomputed(entry),
        text_cell(entry.basis),
        text_cell(entry.verdict, notes=remarks),
    ]
    return TableRow(cells=tuple(cells))


def _recomputed(entry: ClaimEntry) -> Cell:
    low, high = entry.recomputed_low, entry.recomputed_high
    if math.isnan(low) or math.isnan(high):
        return Cell(text=NOTHING, raw=(None, None))
    percent = is_percent(entry.checked_as)
    digits = max(decimals_for(low), decimals_for(high))
    ends = [format_percent(end) if percent else format_number(end, digits) for end in (low, high)]
    text = ends[0] if ends[0] == ends[1] else join_limits(*ends)
    return Cell(text=text, raw=(low, high), number_format="0.0%" if percent else f"0.{'0' * digits}")
