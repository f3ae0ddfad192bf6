"""Check the raw data as a whole: sums, files, schemas, citations, and claims against their evidence.

Everything that is wrong in any file is reported at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from analysis.data.dictionary import Dictionary, read_dictionary
from analysis.data.provenance import check_sums, citation_keys, project_root
from analysis.data.schema import read_table
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

__all__ = ["VerificationReport", "verify_raw"]

_REFERENCES = "data/raw/references.bib"
_CHECKS = (
    "sums: every file is the one that was published, none is missing or unlisted",
    "files: UTF-8, line feeds, no byte order mark, no ragged row",
    "dictionary: every file and column is described, and every description has its column",
    "schemas: types, units, closed lists, unique keys, rules between columns",
    "citations: every source is in references.bib",
    "evidence: every row named by a claim exists and prints the counts of the claim",
)
_CELLS = (
    "exposed_cases",
    "exposed_total",
    "exposed_percent",
    "control_cases",
    "control_total",
    "control_percent",
)
# Where the other files keep what a claim calls by the names above.
_SYNONYMS = {
    "exposed_cases": "events",
    "exposed_total": "total",
    "exposed_percent": "percent",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerificationReport:
    """What was checked in `data/raw`, all of it without a fault.

    Parameters
    ----------
    root : Path
        The folder of the project.
    rows : mapping of str to int
        Number of rows of each table, by file name.
    citations : int
        Number of entries of references.bib.
    checks : tuple of str
        The checks, in words.
    """

    root: Path
    rows: Mapping[str, int]
    citations: int
    checks: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(self.rows)

    def __str__(self) -> str:
        lines = [f"data/raw: {len(self.rows)} tables, {self.citations} references, no fault"]
        lines += [f"  {name}: {count} rows" for name, count in self.rows.items()]
        lines += [f"  {check}" for check in self.checks]
        return "\n".join(lines)


def verify_raw(root: Path | None = None) -> VerificationReport:
    """Check everything in `data/raw`.

    Parameters
    ----------
    root : Path, optional
        The folder of the project; found from the working directory by default.

    Returns
    -------
    VerificationReport
        What was checked.

    Raises
    ------
    DataError
        With every fault of every file at once.
    """
    root = root or project_root()
    faults = check_sums(root)
    keys: set[str] | None = None
    try:
        keys = citation_keys(root / _REFERENCES, name=_REFERENCES)
    except DataError as error:
        faults += error.faults
    try:
        dictionary = read_dictionary(root / "data" / "dictionary.csv")
    except DataError as error:
        raise DataError([*faults, *error.faults]) from error
    faults += _unmatched_files(root, dictionary)
    tables: dict[str, pd.DataFrame] = {}
    for kind in sorted(dictionary):
        name = f"data/raw/{kind}.csv"
        if not (root / name).is_file():
            continue
        try:
            tables[kind] = read_table(
                root / name, kind=kind, dictionary=dictionary, canonical=True, name=name
            )
        except DataError as error:
            faults += error.faults
    if keys is not None:
        faults += _unknown_citations(tables, dictionary, keys)
    faults += _shared_keys(tables)
    # A claim is judged only when every table that it may name could be read.
    if "claims" in tables and len(tables) == len(dictionary):
        faults += _evidence_faults(tables)
    if faults:
        raise DataError(faults)
    return VerificationReport(
        root=root,
        rows=MappingProxyType({f"{kind}.csv": len(table) for kind, table in tables.items()}),
        citations=len(keys or ()),
        checks=_CHECKS,
    )


def _unmatched_files(root: Path, dictionary: Dictionary) -> list[Fault]:
    present = {file.stem for file in (root / "data" / "raw").glob("*.csv")}
    faults = [
        Fault(
            file=f"data/raw/{kind}.csv",
            rule="must be described in data/dictionary.csv",
            way_out="Add one line for each of its columns.",
        )
        for kind in sorted(present - dictionary.keys())
    ]
    faults += [
        Fault(
            file="data/dictionary.csv",
            rule="must describe files that exist in data/raw",
            value=f"{kind}.csv",
            way_out="Restore the file: git checkout -- data/raw",
        )
        for kind in sorted(dictionary.keys() - present)
    ]
    return faults


def _unknown_citations(
    tables: Mapping[str, pd.DataFrame], dictionary: Dictionary, keys: set[str]
) -> list[Fault]:
    return [
        Fault(
            file=f"data/raw/{kind}.csv",
            line=line,
            column=entry.column,
            rule="must be a key of references.bib",
            value=value,
            way_out="Add the entry there; say in its note what was not seen.",
        )
        for kind, table in tables.items()
        for entry in dictionary[kind]
        if entry.type == "citation"
        for line, value in _by_line(table[entry.column])
        if value not in keys
    ]


def _shared_keys(tables: Mapping[str, pd.DataFrame]) -> list[Fault]:
    owner: dict[str, str] = {}
    faults = []
    for kind, table in tables.items():
        if "row_id" not in table:
            continue
        for line, key in _by_line(table["row_id"]):
            if owner.setdefault(key, kind) != kind:
                faults.append(
                    Fault(
                        file=f"data/raw/{kind}.csv",
                        line=line,
                        column="row_id",
                        rule=f"must be unique over all files ({owner[key]}.csv has it too)",
                        value=key,
                    )
                )
    return faults


def _evidence_faults(tables: Mapping[str, pd.DataFrame]) -> list[Fault]:
    rows = {
        str(record["row_id"]): {str(column): value for column, value in record.items()}
        for table in tables.values()
        if "row_id" in table
        for record in table.to_dict("records")
    }
    claims = tables["claims"]
    faults: list[Fault] = []
    for line, claim in zip(claims.index.tolist(), claims.to_dict("records"), strict=True):
        named = [] if _is_missing(claim["evidence"]) else str(claim["evidence"]).split(" ")
        cells = {cell: str(claim[cell]) for cell in _CELLS if not _is_missing(claim[cell])}
        disagreements = [_disagreements(cells, rows[key]) for key in named if key in rows]
        broken: list[tuple[str, str, str | None]] = [
            ("evidence", "must name rows of the other files in data/raw", key)
            for key in named
            if key not in rows
        ]
        if cells and not named:
            broken.append(("evidence", "must name the row that prints the counts of the claim", None))
        if disagreements:
            broken += [
                (cell, f"must be what the evidence prints, which is {printed}", cells[cell])
                for cell, printed in min(disagreements, key=len).items()
            ]
        faults += [
            Fault(file="data/raw/claims.csv", line=line, column=column, rule=rule, value=value)
            for column, rule, value in broken
        ]
    return faults


def _disagreements(cells: Mapping[str, str], row: Mapping[str, object]) -> dict[str, str]:
    """Return the cells of a claim that one row of evidence prints otherwise or not at all."""
    found: dict[str, str] = {}
    for cell, text in cells.items():
        value = row.get(cell, row.get(_SYNONYMS.get(cell, cell)))
        printed = "nothing" if _is_missing(value) else str(value)
        if printed != text:
            found[cell] = f"{printed} in {row['row_id']}"
    return found


def _by_line(column: pd.Series[str]) -> list[tuple[int, str]]:
    given = column.dropna()
    return list(zip(given.index.tolist(), given.tolist(), strict=True))


def _is_missing(value: object) -> bool:
    import pandas as pd

    return value is None or value is pd.NA
