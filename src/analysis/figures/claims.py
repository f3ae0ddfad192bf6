"""The ledger at a glance: each audited number, what it was printed as, what comes out, and the verdict.

Takes the finished ledger; the audit is in `forensics`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.axes import labelled_axes
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.parts.sheet import sheet_width, size_in_points, write_block
from analysis.figures.style import (
    BLUE,
    GREEN,
    GREY,
    LIGHT_GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.tables.format import format_count
from analysis.values.scale import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from analysis.figures.parts.page import Layout, Page

__all__ = ["figure_claims", "plot_claims"]

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
# Shape, whether filled, colour, name of the sign: each verdict is told from the others by shape alone.
_MARKS = {
    "reproduced": ("o", True, GREEN, "filled circle"),
    "consistent": ("o", False, BLUE, "hollow circle"),
    "contradicted": ("X", True, VERMILLION, "cross"),
    "cannot be recomputed": ("_", True, GREY, "dash"),
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# In letters' sizes: width of the column of signs, a sign, room before the key.
_SIGN_COLUMN, _SIGN, _KEY_GAP = 1.1, 0.8, 0.6


def plot_claims(ledger_frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the verdicts, one row a number from top to bottom, one column a verdict.

    Parameters
    ----------
    ledger_frame : DataFrame
        As for `figure_claims`.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Row i lies at y = i; verdicts lie at x = 0 (reproduced), 1 (consistent), 2 (contradicted) and 3
        (cannot be recomputed).

    Raises
    ------
    ValueError
        As for `figure_claims`.
    """
    records = _records(ledger_frame)
    with house_style():
        labels = [f"{record['claim_id']}: {record['printed']}" for record in records]
        size = current().body_size
        figure = None
        if ax is None:
            height = 0.7 + 1.5 * LINE_SPACING * size * len(records) / POINTS_PER_INCH
            figure = Figure(figsize=(current().double_mm / MM_PER_INCH, height), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        labelled_axes(labels, xlabel="", ax=ax)
        _name_verdicts(ax)
        if figure is not None:
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        for i, record in enumerate(records):
            ax.axhline(i, color=LIGHT_GREY, linewidth=current().line_width, zorder=0.5, gid="rule")
            _draw_mark(ax, list(_MARKS).index(record["verdict"]), i, record["verdict"])
    return ax


def _name_verdicts(ax: Axes) -> None:
    """Write the verdicts over the axes, a column each."""
    size = current().body_size
    ax.set_xlim(-0.5, len(_MARKS) - 0.5)
    room = size_in_points(ax)[0] / len(_MARKS) - size
    names = ["\n".join(wrap_text(verdict, room, size=size)) for verdict in _MARKS]
    ax.set_xticks(range(len(_MARKS)), names)
    ax.tick_params(axis="x", length=0, labeltop=True, labelbottom=False)
    for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        text.set_fontproperties(font())
        text.set_parse_math(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def figure_claims(
    ledger_frame: pd.DataFrame,
    *,
    width_mm: float | None = None,
    sentences: bool = False,
    compact: bool = False,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw an overview of the audited numbers, one row each, in the order given.

    Parameters
    ----------
    ledger_frame : DataFrame
        Columns `claim_id`, `claim`, `worded`, `printed`, `checked_as`, `recomputed`, `verdict`, `flags` and
        `sentence`, all text. Rows of one claim that follow each other print its wording once.
    width_mm : float, optional
        Printed width; by default that of the style's page, or of one column if `compact`.
    sentences : bool, default False
        Whether each row's sentence is printed under it.
    compact : bool, default False
        Whether to leave out the wordings: a small table of numbers with the sign of each verdict, a key with
        how often each was found, and flags as letters that are explained below.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Verdicts are words with a sign of their own shape. Flags stand below each number.

    Raises
    ------
    ValueError
        If a column is missing, the frame is empty, a verdict is not one of "reproduced", "consistent",
        "contradicted" and "cannot be recomputed", or sentences are asked for in a compact ledger.
    """
    records = _records(ledger_frame)
    if compact and sentences:
        raise ValueError("`sentences` must be False where `compact` is True: there is no room for them.")
    with house_style():
        notes = [note] if note else []
        if compact:
            width = current().single_mm if width_mm is None else width_mm
            page = _draw_compact(records, width_mm=width, notes=notes, synthetic=synthetic)
        else:
            width = current().double_mm if width_mm is None else width_mm
            page = _draw_full(records, width_mm=width, sentences=sentences, notes=notes, synthetic=synthetic)
        return keep_record(page.figure, _record(records))


def _draw_full(
    records: Sequence[Mapping[str, str]],
    *,
    width_mm: float,
    sentences: bool,
    notes: list[str],
    synthetic: bool,
) -> Page:
    columns = [
        Column(heading=heading, wraps=True)
        for heading in ("Claim", "As worded", "Printed", "Checked as", "Recomputed", "Verdict")
    ]
    rows, verdicts = _rows(records, sentences=sentences)
    width = _SIGN_COLUMN * current().body_size
    layout = lay_out(columns, rows, width_mm=width_mm, panel_after=5, panel_width=width)
    page = draw_page(layout, columns, rows, notes=notes, synthetic=synthetic)
    _draw_signs(page, verdicts)
    return page


def _draw_compact(
    records: Sequence[Mapping[str, str]],
    *,
    width_mm: float,
    notes: list[str],
    synthetic: bool,
) -> Page:
    size = current().body_size
    letters = _flag_letters(records)
    rows = []
    before = ""
    for record in records:
        marks = ",".join(sorted(letters[flag] for flag in _flags(record)))
        printed = f"{record['printed']}{_superscript(marks)}"
        new = bool(before) and record["worded"] != before
        before = record["worded"]
        rows.append(
            Row(
                cells=(
                    record["claim_id"],
                    printed,
                    _measure_name(record["checked_as"]),
                    record["recomputed"] or "–",
                ),
                space_above=0.5 * size if new else 0.0,
            )
        )
    columns, layout = _compact_columns(rows, width_mm)
    key, lines = _key_items(records, sheet_width(width_mm))
    meanings = "; ".join(f"{letter} {flag}" for flag, letter in letters.items())
    page = draw_page(
        layout,
        columns,
        rows,
        below=_KEY_GAP * size + lines * _key_line(),
        notes=[*([f"Flags: {meanings}"] if meanings else []), *notes],
        synthetic=synthetic,
    )
    _draw_signs(page, [record["verdict"] for record in records])
    _draw_key(page, key, layout)
    return page


def _compact_columns(rows: Sequence[Row], width_mm: float) -> tuple[list[Column], Layout]:
    """Break what was printed rather than what came out, if one of them must be broken."""
    headings = ("Claim", "Printed", "Checked as", "Recomputed")
    sign = _SIGN_COLUMN * current().body_size
    whole = [Column(heading=heading, wraps=heading != "Recomputed") for heading in headings]
    try:
        return whole, lay_out(whole, rows, width_mm=width_mm, panel_after=0, panel_width=sign)
    except ValueError:
        columns = [Column(heading=heading, wraps=True) for heading in headings]
        return columns, lay_out(columns, rows, width_mm=width_mm, panel_after=0, panel_width=sign)


def _draw_signs(page: Page, verdicts: Sequence[str]) -> None:
    page.axes.set_xlim(0.0, 1.0)
    page.axes.set_axis_off()
    for verdict, y in zip(verdicts, page.centres, strict=True):
        if verdict:
            _draw_mark(page.axes, 0.5, y, verdict)


def _flags(record: Mapping[str, str]) -> list[str]:
    return [flag.strip() for flag in record["flags"].split(";") if flag.strip()]


def _flag_letters(records: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return a letter for each flag, in the order in which they come; after z follow aa, bb and so on."""
    flags = dict.fromkeys(flag for record in records for flag in _flags(record))
    return {flag: _LETTERS[i % 26] * (i // 26 + 1) for i, flag in enumerate(flags)}


def _superscript(marks: str) -> str:
    # In brackets: not every font has raised letters.
    return f" [{marks}]" if marks else ""


def _key_line() -> float:
    return 1.1 * LINE_SPACING * current().small_size


def _key_items(
    records: Sequence[Mapping[str, str]], width: float
) -> tuple[list[tuple[str, str, float, int]], int]:
    """Return verdict, text, left edge and line of each item of the key, and the number of lines."""
    size = current().small_size
    items: list[tuple[str, str, float, int]] = []
    x, line = 0.0, 0
    for verdict in _MARKS:
        n = sum(record["verdict"] == verdict for record in records)
        if not n:
            continue
        text = f"{verdict} ({format_count(n)})"
        long = 1.4 * size + text_width(text, size=size)
        if items and x + long > width:
            x, line = 0.0, line + 1
        items.append((verdict, text, x, line))
        x += long + 1.4 * size
    return items, line + 1


def _draw_key(page: Page, key: Sequence[tuple[str, str, float, int]], layout: Layout) -> None:
    size = current().small_size
    over = page.overlay()
    top = float(over.get_ylim()[0]) + _KEY_GAP * current().body_size
    start = min(layout.panel[0], *layout.left)
    for verdict, text, left, line in key:
        at = top + line * _key_line()
        _draw_mark(over, start + left + 0.5 * size, at + 0.5 * LINE_SPACING * size, verdict, kind="key")
        write_block(over, [text], x=start + left + 1.4 * size, top=at, size=size, gid="key")


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
                space_above=0.0 if not rows else (0.67 if new else 0.27) * current().body_size,
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


def _draw_mark(ax: Axes, x: float, y: float, verdict: str, *, kind: str = "verdict") -> None:
    marker, filled, colour, _ = _MARKS[verdict]
    size = _SIGN * current().body_size
    ax.plot(
        [x],
        [y],
        linestyle="none",
        marker=marker,
        markersize=size,
        markerfacecolor=colour if filled else "white",
        markeredgecolor=colour,
        markeredgewidth=0.2 * size if marker == "_" or not filled else 0.0,
        clip_on=False,
        gid=f"{kind}: {verdict}",
    )


def _record(records: Sequence[Mapping[str, str]]) -> FigureRecord:
    counts = {verdict: sum(record["verdict"] == verdict for record in records) for verdict in _MARKS}
    found = {verdict: n for verdict, n in counts.items() if n}
    n = len(records)
    said = "; ".join(
        f"{record['claim_id']}: printed {record['printed']}, recomputed "
        f"{record['recomputed'] or 'not possible'}, {record['verdict']}"
        for record in records
    )
    verdicts = ", ".join(f"{format_count(count)} {verdict}" for verdict, count in found.items())
    signs = "; ".join(f"{_MARKS[verdict][3]}, {verdict}" for verdict in found)
    return FigureRecord(
        title=f"Audit of {format_count(n)} printed {'number' if n == 1 else 'numbers'}",
        caption=(
            "Each printed number is compared with what comes out of all tables that the published numbers "
            "allow: reproduced if every table gives it, consistent if some do, contradicted if none does. "
            f"Signs: {signs}."
        ),
        alt=f"Of {format_count(n)} printed {'number' if n == 1 else 'numbers'}: {verdicts}. {said}.",
        numbers=pd.DataFrame(
            [
                {name: record[name] for name in _COLUMNS if name != "sentence"}
                | {"row": row, "sign": _MARKS[record["verdict"]][3]}
                for row, record in enumerate(records, start=1)
            ]
        ),
    )
