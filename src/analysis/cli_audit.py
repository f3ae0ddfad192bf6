"""The command `reanalysis audit`: a file of claims or of printed results in, what does not fit out.

Reads, shows and writes; what fits is decided in `forensics`. The options are in `cli`.
"""

from __future__ import annotations

import html
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from analysis.cli_audit_columns import (
    COUNTS,
    FORMS,
    KNOWN,
    NUMBERS,
    OTHER,
    PRINTED,
    has_claims,
    has_results,
    of_neither_form,
    said_once,
    unused_notes,
)
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd

    from analysis.forensics.finding import CoherenceReport

__all__ = ["run_audit"]

CONTRADICTED = 1
# Reading such a file takes less time than drawing a bar.
_FEW_ROWS = 500
_MOST_SHOWN = 200


def run_audit(file: Path, *, out: Path | None, html_file: Path | None, as_json: bool) -> int:
    """Audit a file, show what comes out, and return the exit code.

    Parameters
    ----------
    file : Path
        Claims (a header with `claim_id`) or printed results, one a row, with the columns that
        `check_coherence` knows.
    out : Path or None
        Folder for `ledger.csv` or `findings.csv`.
    html_file : Path or None
        The self-contained page to write.
    as_json : bool
        Whether JSON is printed instead of a table.

    Returns
    -------
    int
        1 where something is contradicted, else 0.

    Raises
    ------
    DataError
        The file breaks its contract; holds every fault.
    """
    from analysis.data.provenance import write_atomic

    if has_results(file):
        report, used, unused, without = _check_rows(file)
        frame, name = report.to_frame(), "findings.csv"
        headline = _headline(report, without=without, unused=bool(unused))
        notes = unused_notes(unused, used=used)
        heading = " ".join([headline, *notes])
        contradicted = len(report.contradictions)
        if as_json:
            summary: dict[str, object] = {"n_rows": report.n_rows, "n_checked": report.n_checked}
            summary |= {"summary": headline, "unused_columns": unused, "notes": notes}
            click.echo(json.dumps(summary | {"findings": as_records(frame)}, ensure_ascii=False, indent=2))
        else:
            _print_findings(frame, "\n".join([headline, *notes]))
    else:
        frame, name = _ledger(file), "ledger.csv"
        contradicted = int((frame["verdict"] == "contradicted").sum())
        counts = frame["verdict"].value_counts()
        heading = (
            f"{len(frame)} claims: " + ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) + "."
        )
        if as_json:
            click.echo(json.dumps(as_records(frame), ensure_ascii=False, indent=2, default=str))
        else:
            _print_ledger(frame)
    if out is not None:
        path = out / name
        write_atomic(path, frame.to_csv(index=False, lineterminator="\n"))
        click.echo(f"Written: {path}", err=True)
    if html_file is not None:
        write_atomic(html_file, _page(frame, file.name, heading))
        click.echo(f"Written: {html_file}", err=True)
    return CONTRADICTED if contradicted else 0


def as_records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a frame as JSON can hold them, at full precision; missing values are None."""
    return [
        {str(column): plain_value(value) for column, value in row.items()} for row in frame.to_dict("records")
    ]


def plain_value(value: object) -> object:
    """Return what JSON can hold for one cell of a frame."""
    import numpy as np
    import pandas as pd

    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    plain = value.item() if isinstance(value, np.generic) else value
    # JSON has no infinity; the word is what other programs read back.
    if isinstance(plain, float) and np.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _ledger(file: Path) -> pd.DataFrame:
    from analysis.data.datasets import read_user_table
    from analysis.forensics.claims import audit_claims

    if not has_claims(file):
        raise DataError([of_neither_form(file)])
    try:
        claims = read_user_table(file, kind="claims")
    except DataError as error:
        raise DataError(said_once(error.faults)) from None
    try:
        with _progress("claims", len(claims)) as advance:
            ledger = audit_claims(claims, progress=advance) if advance else audit_claims(claims)
    except ValueError as error:
        raise DataError(Fault(file=str(file), rule=line) for line in str(error).splitlines()) from error
    return ledger.to_frame()


def _check_rows(file: Path) -> tuple[CoherenceReport, list[str], list[str], bool]:
    """Return what was found, the columns used and unused, and whether no printed number was there."""
    from analysis.data.schema import read_csv
    from analysis.forensics.coherence import check_coherence

    rows = read_csv(file, canonical=False)
    faults = [*_column_faults(rows, str(file)), *_cell_faults(rows, str(file))]
    if faults:
        raise DataError(faults)
    done = 0
    with _progress("rules", len(rows), of=15) as advance:

        def tell(_name: str) -> None:
            nonlocal done
            done += 1
            if advance is not None:
                advance(done)

        report = check_coherence(rows, progress=tell)
    unused = [str(column) for column in rows.columns if column not in {*KNOWN, *OTHER}]
    printed = [name for name in PRINTED if name in rows.columns]
    without = not rows[printed].apply(lambda cells: cells.fillna("").str.strip().ne("")).to_numpy().any()
    used = [str(column) for column in rows.columns if column not in unused]
    return report, used, unused, without


def _headline(report: CoherenceReport, *, without: bool, unused: bool) -> str:
    """Return the count of findings; counts without a printed number beside them are no check of one."""
    line = str(report).partition("\n")[0]
    if not without:
        # A number that was not read does not fit.
        return line.replace("printed numbers fit", "printed numbers that were read fit") if unused else line
    none = "no printed number was found to check"
    if report.findings:
        return f"{line} Beside the counts {none}."
    return f"{report.n_rows} row{'s' if report.n_rows != 1 else ''}: {none}, counts alone."


def _column_faults(rows: pd.DataFrame, file: str) -> Iterator[Fault]:
    from difflib import get_close_matches

    columns = [str(column) for column in rows.columns]
    if not set(columns) & set(KNOWN):
        renamed = " ".join(["", *unused_notes(columns)[1:]])
        yield Fault(
            file=file,
            line=1,
            rule="must have a column that can be checked",
            way_out=FORMS + renamed,
        )
    for column in columns:
        near = get_close_matches(column.strip().lower(), [*KNOWN, *OTHER], n=1, cutoff=0.85)
        if near and column not in {*KNOWN, *OTHER}:
            yield Fault(
                file=file,
                line=1,
                column=column,
                rule="must not be all but the name of a known column, which would leave it unread",
                way_out=f"Did you mean `{near[0]}`? If not, call it something else.",
            )


def _cell_faults(rows: pd.DataFrame, file: str) -> Iterator[Fault]:
    """Yield every cell that cannot be read; each different text is looked at once."""
    for names, reads in ((COUNTS, _reads_count), (NUMBERS, _reads_number), (PRINTED, _reads_printed)):
        for name in names:
            if name not in rows.columns:
                continue
            known: dict[str, tuple[str, str] | None] = {}
            for line, cell in rows[name].dropna().items():
                text = str(cell).strip()
                if text and text not in known:
                    known[text] = reads(text, percent=name.endswith("percent"))
                if text and (fault := known[text]) is not None:
                    rule, way_out = fault
                    yield Fault(
                        file=file, line=int(str(line)), column=name, rule=rule, value=text, way_out=way_out
                    )


def _reads_count(text: str, *, percent: bool) -> tuple[str, str] | None:  # noqa: ARG001 -- one form for all
    if text.isdecimal():
        return None
    return (
        "must be a whole number of at least 0",
        "Write the digits alone: 27657, neither 27,657 nor 27657.0.",
    )


def _reads_number(text: str, *, percent: bool) -> tuple[str, str] | None:  # noqa: ARG001 -- one form for all
    if text.replace(".", "", 1).isdecimal():
        return None
    return "must be a number with a decimal point", "Leave the cell empty where nothing is printed."


def _reads_printed(text: str, *, percent: bool) -> tuple[str, str] | None:
    from analysis.values.reported import Reported

    try:
        Reported(f"{text}%" if percent and not text.endswith("%") else text)
    except ValueError as error:
        rule, _, rest = str(error).removeprefix("`text` ").partition(", but got ")
        forms = rest.partition("Forms that are read: ")[2].rstrip(".")
        stopped = rest.partition(": ")[2].partition(". Forms")[0]
        said = f"{stopped[0].upper()}{stopped[1:]}. " if stopped else ""
        return rule, f"{said}Leave the cell empty or write one of: {forms}." if forms else "See the source."
    return None


@contextmanager
def _progress(what: str, rows: int, *, of: int | None = None) -> Iterator[Callable[[int], None] | None]:
    """Show a bar on a terminal while a long file is worked through, and nothing elsewhere."""
    if rows < _FEW_ROWS or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{rows} rows, {what}", total=of or rows)
        yield lambda done: bar.update(task, completed=done)


def _print_findings(frame: pd.DataFrame, heading: str) -> None:
    from rich.table import Table
    from rich.text import Text

    click.echo(heading)
    if not len(frame):
        return
    table = Table(show_lines=True, expand=True)
    table.add_column("Strength", width=13)
    table.add_column("Where", ratio=1)
    table.add_column("Printed, and what it gives", ratio=3)
    table.add_column("What fits", ratio=2)
    for row in frame.head(_MOST_SHOWN).to_dict("records"):
        where = row["label"] or f"row {row['rows']}"
        # Text, not str: square brackets in a label are no markup.
        table.add_row(
            Text(row["strength"], style="bold" if row["strength"] == "contradiction" else ""),
            Text(where),
            Text(f"{row['printed']}; {row['arithmetic']}."),
            Text(row["fits"]),
        )
    _print(table)
    if len(frame) > _MOST_SHOWN:
        click.echo(
            f"{len(frame) - _MOST_SHOWN} more findings are not shown; --out and --html write all of them."
        )


def _print_ledger(ledger: pd.DataFrame) -> None:
    """Print one row a claim, with what can be said about it below the claim."""
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True, expand=True)
    table.add_column("Verdict", width=12)
    table.add_column("Claim", ratio=3)
    table.add_column("Printed", width=11)
    table.add_column("Recomputed", width=12, overflow="fold")
    table.add_column("Flags", ratio=2)
    for row in ledger.head(_MOST_SHOWN).to_dict("records"):
        cells = {str(column): _as_text(value) for column, value in row.items()}
        words = cells.get("worded") or cells.get("claim", "")
        claim = Text(": ".join(part for part in (cells.get("claim_id", ""), words) if part))
        claim.append(f"\n{cells.get('sentence', '')}", style="dim")
        table.add_row(
            Text(cells.get("verdict", ""), style="bold"),
            claim,
            *(Text(cells.get(column, "")) for column in ("printed", "recomputed")),
            Text(cells.get("flags", "").replace("; ", "\n")),
        )
    _print(table)
    if len(ledger) > _MOST_SHOWN:
        click.echo(f"{len(ledger) - _MOST_SHOWN} more claims are not shown; --out and --html write all.")


def _print(table: Any) -> None:  # noqa: ANN401 -- rich's own type, which is imported where it is used
    from rich.console import Console

    console = Console()
    # Files and pipes have no width of their own, and 80 columns would cut flags into syllables.
    (console if console.is_terminal else Console(width=120)).print(table)


def _as_text(value: object) -> str:
    value = plain_value(value)
    if value is None:
        return ""
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


_STYLE = """
body { font: 16px/1.45 Georgia, serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.7rem; border-bottom: 1px solid #ccc; }
thead th { border-bottom: 2px solid #1a1a1a; } tbody tr.strong td:first-child { font-weight: bold; }
@media print { body { margin: 0; max-width: none; } }
"""
_SHOWN = {
    "strength": "Strength",
    "verdict": "Verdict",
    "claim_id": "Claim",
    "label": "Where",
    "rows": "Rows (from 0)",
    "rule": "Rule",
    "printed": "Printed",
    "recomputed": "Recomputed",
    "arithmetic": "What it gives",
    "fits": "What fits",
    "flags": "Flags",
    "sentence": "Sentence",
}


def _page(frame: pd.DataFrame, name: str, heading: str) -> str:
    """Return one page that needs no other file; every row is in it."""
    columns = [column for column in _SHOWN if column in frame.columns]
    head = "".join(f'<th scope="col">{_SHOWN[column]}</th>' for column in columns)
    lines = []
    for row in frame.to_dict("records"):
        strong = "contradict" in f"{row.get('strength', '')}{row.get('verdict', '')}"
        cells = "".join(f"<td>{html.escape(_as_text(row[column]))}</td>" for column in columns)
        opening = '<tr class="strong">' if strong else "<tr>"
        lines.append(f"{opening}{cells}</tr>")
    title = html.escape(f"Audit of {name}")
    body = "\n".join(lines)
    note = (
        "Findings are about printed numbers only. Numbers may fail to fit for reasons that a reader "
        "cannot see: missing values, weights, another method, a typesetting slip."
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"<p>{html.escape(heading)}</p>\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n"
        f"</table>\n<p>{note}</p>\n</body>\n</html>\n"
    )
