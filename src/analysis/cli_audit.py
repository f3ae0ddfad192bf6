"""The command `reanalysis audit`: a file of claims or of printed results in, what does not fit out.

Reads, shows and writes; what fits is decided in `forensics`. The options are in `cli`.
"""

from __future__ import annotations

import html
import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

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
_COUNTS = (
    "events",
    "total",
    "exposed_cases",
    "exposed_total",
    "control_cases",
    "control_total",
    "n_exposed",
    "n_control",
)
_NUMBERS = ("person_years", "confidence_level")
_PRINTED = (
    "percent",
    "exposed_percent",
    "control_percent",
    "printed",
    "estimate",
    "low",
    "high",
    "p_value",
    "pvalue",
    "rate",
    "rate_low",
    "rate_high",
)
_KNOWN = (*_COUNTS, *_NUMBERS, *_PRINTED)
_OTHER = (
    "row_id",
    "study",
    "label",
    "outcome",
    "site",
    "subgroup",
    "stratum",
    "measure",
    "adjusted",
    "pooled",
    "rate_unit",
    "method",
    "population",
    "group",
    "definition",
)
_CLAIM = ("claim_id", "checked_as", "claim")
# What other programs and papers call a column; of each name, its words.
_ALSO_CALLED = {
    "estimate": {"rr", "or", "hr", "irr", "smr", "rd", "ratio", "effect", "es"},
    "low": {"lower", "lcl", "ll", "lci", "cil"},
    "high": {"upper", "ucl", "ul", "uci", "ciu"},
    "p_value": {"p", "pval"},
    "percent": {"%", "risk", "percentage", "prevalence", "proportion", "pct", "share"},
    "events": {"cases", "count"},
    "total": {"n", "size"},
}
_ARMS = {
    "exposed_": {"exposed", "exposure", "treated", "treatment", "patients", "intervention"},
    "control_": {"control", "controls", "unexposed", "comparison", "placebo"},
}
_FORMS = (
    "Printed results are one result a row, for example study, measure, estimate, low, high, p_value (with "
    "exposed_cases, exposed_total, control_cases, control_total where they are printed), or study, events, "
    "total, percent. Claims are one sentence a row: claim_id, printed, checked_as, and the counts that it "
    "is checked against."
)


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

    if _is_of_results(file):
        report, unused, without = _check_rows(file)
        frame, name = report.to_frame(), "findings.csv"
        heading = " ".join([_headline(report, without=without), *_notes(unused)])
        contradicted = len(report.contradictions)
        if as_json:
            summary = {"n_rows": report.n_rows, "n_checked": report.n_checked}
            summary |= {"unused_columns": unused, "notes": [heading, *_notes(unused)] if without else _notes(unused)}
            click.echo(json.dumps(summary | {"findings": as_records(frame)}, ensure_ascii=False, indent=2))
        else:
            _print_findings(frame, heading)
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


def _is_of_results(file: Path) -> bool:
    """Tell printed results from claims by the header; whatever is unclear is read, and refused, as claims."""
    names = _header(file)
    return not names & set(_CLAIM) and bool(names & {*_KNOWN, "study", "row_id"})


def _header(file: Path) -> set[str]:
    with file.open("rb") as stream:
        first = stream.readline(100_000)
    header = first.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(",")
    return {name.strip() for name in header if name.strip()}


def _neither(file: Path, header: set[str]) -> Fault:
    near = {name: known for name in sorted(header) if (known := _meant(name)) is not None}
    renamed = ", ".join(f"`{name}` to `{known}`" for name, known in near.items())
    return Fault(
        file=str(file),
        line=1,
        rule="must be the header of printed results or of claims",
        value=", ".join(sorted(header)) or "no column names",
        way_out=f"{_FORMS}{f' Here it may be enough to rename {renamed}.' if near else ''}",
    )


def _said_once(faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield the faults with the list of all columns in the first of them only."""
    told: set[str] = set()
    for fault in faults:
        way_out = fault.way_out
        listed = way_out is not None and "; the columns are " in way_out
        if way_out is not None and listed and way_out in told:
            yield replace(fault, way_out="Remove it too.")
        else:
            yield fault
        told |= {way_out} if way_out is not None else set()


def _ledger(file: Path) -> pd.DataFrame:
    from analysis.data.datasets import read_user_table
    from analysis.forensics.claims import audit_claims

    header = _header(file)
    if not header & set(_CLAIM):
        raise DataError([_neither(file, header)])
    try:
        claims = read_user_table(file, kind="claims")
    except DataError as error:
        raise DataError(_said_once(error.faults)) from None
    try:
        with _progress("claims", len(claims)) as advance:
            ledger = audit_claims(claims, progress=advance) if advance else audit_claims(claims)
    except ValueError as error:
        raise DataError(Fault(file=str(file), rule=line) for line in str(error).splitlines()) from error
    return ledger.to_frame()


def _check_rows(file: Path) -> tuple[CoherenceReport, list[str], bool]:
    """Return what was found, the columns that were not used, and whether no number was there to check."""
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
    unused = [str(column) for column in rows.columns if column not in {*_KNOWN, *_OTHER}]
    printed = [name for name in _PRINTED if name in rows.columns]
    without = not rows[printed].apply(lambda cells: cells.fillna("").str.strip().ne("")).to_numpy().any()
    return report, unused, without


def _headline(report: CoherenceReport, *, without: bool) -> str:
    """Return the count of findings; counts without a printed number beside them are no check of one."""
    line = str(report).partition("\n")[0]
    if not without:
        return line
    none = "no printed number was found to check"
    if report.findings:
        return f"{line} Beside the counts {none}."
    return f"{report.n_rows} row{'s' if report.n_rows != 1 else ''}: {none}, counts alone."


def _notes(unused: list[str]) -> list[str]:
    """Say which columns were not used, and what a near one would have to be called."""
    if not unused:
        return []
    near = {name: known for name in unused if (known := _meant(name)) is not None}
    notes = [f"These columns were not used: {', '.join(unused)}."]
    if near:
        renamed = ", ".join(f"`{name}` to `{known}`" for name, known in near.items())
        notes.append(f"To have it checked, rename {renamed}, if that is what it holds.")
    return notes


def _meant(name: str) -> str | None:
    """Return the known column that a name may stand for."""
    from difflib import get_close_matches

    words = name.lower().replace("_", " ").replace("-", " ").replace("(", " ").replace(")", " ").split()
    arm = next((arm for arm, called in _ARMS.items() if called & set(words)), "")
    for known, called in _ALSO_CALLED.items():
        if called & set(words):
            inside = {"events": "cases"}.get(known, known)
            return f"{arm}{inside}" if f"{arm}{inside}" in _KNOWN and arm else known
    near = get_close_matches("_".join(words), _KNOWN, n=1, cutoff=0.75)
    return near[0] if near else None


def _column_faults(rows: pd.DataFrame, file: str) -> Iterator[Fault]:
    from difflib import get_close_matches

    columns = [str(column) for column in rows.columns]
    if not set(columns) & set(_KNOWN):
        renamed = " ".join(["", *_notes(columns)[1:]])
        yield Fault(
            file=file,
            line=1,
            rule="must have a column that can be checked",
            way_out=_FORMS + renamed,
        )
    for column in columns:
        near = get_close_matches(column.strip().lower(), [*_KNOWN, *_OTHER], n=1, cutoff=0.85)
        if near and column not in {*_KNOWN, *_OTHER}:
            yield Fault(
                file=file,
                line=1,
                column=column,
                rule="must not be all but the name of a known column, which would leave it unread",
                way_out=f"Did you mean `{near[0]}`? If not, call it something else.",
            )


def _cell_faults(rows: pd.DataFrame, file: str) -> Iterator[Fault]:
    """Yield every cell that cannot be read; each different text is looked at once."""
    for names, reads in ((_COUNTS, _reads_count), (_NUMBERS, _reads_number), (_PRINTED, _reads_printed)):
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
