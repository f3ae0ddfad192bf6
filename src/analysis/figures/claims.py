"""The ledger at a glance: each audited number, what it was printed as, what comes out, and the verdict.

Takes the finished ledger; the audit is in `forensics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.figures.page import Column, Row, draw_page, lay_out
from analysis.figures.style import BLUE, GREEN, GREY, VERMILLION, house_style
from analysis.values.scale import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_claims"]

_COLUMNS = (
    "claim_id",
    "claim",
    "worded",
    "printed",
    "checked_as",
    "recomputed",
    "verdict",
    "flags",
    "sentence",
)
# Shape, whether filled, colour: each verdict is told from the others by shape alone.
_MARKS = {
    "reproduced": ("o", True, GREEN),
    "consistent": ("o", False, BLUE),
    "contradicted": ("X", True, VERMILLION),
    "cannot be recomputed": ("_", True, GREY),
}
_SYMBOL_WIDTH = 8.0


def figure_claims(
    ledger_frame: pd.DataFrame,
    *,
    width_mm: float = 174.0,
    sentences: bool = False,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw an overview of the audited numbers, one row each, in the order given.

    Parameters
    ----------
    ledger_frame : DataFrame
        Columns `claim_id`, `claim`, `worded`, `printed`, `checked_as`, `recomputed`, `verdict`, `flags` and
        `sentence`, all text. Rows of one claim that follow each other print its wording once.
    width_mm : float, default 174
        Printed width.
    sentences : bool, default False
        Whether each row's sentence is printed under it.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Verdicts are words with a symbol of their own shape. Flags stand below each number.

    Raises
    ------
    ValueError
        If a column is missing, the frame is empty, or a verdict is not one of "reproduced", "consistent",
        "contradicted" and "cannot be recomputed".
    """
    records = _records(ledger_frame)
    with house_style():
        columns = [
            Column(heading=heading, wraps=True)
            for heading in ("Claim", "As worded", "Printed", "Checked as", "Recomputed", "Verdict")
        ]
        rows, verdicts = _rows(records, sentences=sentences)
        layout = lay_out(columns, rows, width_mm=width_mm, panel_after=5, panel_width=_SYMBOL_WIDTH)
        page = draw_page(layout, columns, rows, notes=[note] if note else [], synthetic=synthetic)
        page.axes.set_xlim(0.0, 1.0)
        page.axes.set_axis_off()
        for verdict, y in zip(verdicts, page.centres, strict=True):
            if verdict:
                _draw_mark(page.axes, y, verdict)
    return page.figure


def _records(frame: pd.DataFrame) -> list[dict[str, str]]:
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise ValueError(f"`ledger_frame` must have the column {', '.join(map(repr, missing))}.")
    if frame.empty:
        raise ValueError("`ledger_frame` must hold at least one claim, but is empty.")
    table = frame.loc[:, list(_COLUMNS)]
    records = [
        {name: "" if missing[name] else str(row[name]) for name in _COLUMNS}
        for row, missing in zip(table.to_dict("records"), table.isna().to_dict("records"), strict=True)
    ]
    for number, record in enumerate(records):
        if record["verdict"] not in _MARKS:
            raise ValueError(
                f"`ledger_frame` must have verdicts among {', '.join(map(repr, _MARKS))}, "
                f"but got {record['verdict']!r} in row {number}."
            )
    return records


def _rows(records: Sequence[Mapping[str, str]], *, sentences: bool) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    verdicts: list[str] = []
    before = ""
    for record in records:
        new = not before or record["worded"] != before
        before = record["worded"]
        rows.append(
            Row(
                cells=(
                    record["claim_id"],
                    record["worded"] if new else "",
                    record["printed"],
                    _measure_name(record["checked_as"]),
                    record["recomputed"] or "–",
                    record["verdict"],
                ),
                space_above=0.0 if not rows else 5.0 if new else 2.0,
            )
        )
        verdicts.append(record["verdict"])
        remarks = [f"Flags: {record['flags']}"] if record["flags"] else []
        remarks += [record["sentence"]] if sentences and record["sentence"] else []
        for remark in remarks:
            rows.append(Row(cells=("", remark, "", "", "", ""), small=True, spans=True))
            verdicts.append("")
    return rows, verdicts


def _measure_name(code: str) -> str:
    return MEASURES[code].label.lower() if code in MEASURES else code


def _draw_mark(ax: Axes, y: float, verdict: str) -> None:
    marker, filled, colour = _MARKS[verdict]
    ax.plot(
        [0.5],
        [y],
        linestyle="none",
        marker=marker,
        markersize=6.0,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=1.3 if marker == "_" or not filled else 0.0,
        clip_on=False,
        gid=f"verdict: {verdict}",
    )
