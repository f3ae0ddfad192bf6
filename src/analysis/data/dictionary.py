"""Read `data/dictionary.csv`, which says what every column of every raw file may hold.

The schemas are built from it in `schema`; no column is described in code a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.data._csv_file import read_csv
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COLUMN_TYPES", "ColumnEntry", "Dictionary", "read_dictionary"]

COLUMN_TYPES = (
    "key",
    "text",
    "count",
    "number",
    "percent",
    "decimal",
    "printed",
    "year",
    "choice",
    "citation",
    "rows",
    "doi",
    "pmid",
)
_FIELDS = ("file", "column", "type", "unit", "required", "allowed", "missing", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnEntry:
    """What the dictionary says about one column.

    Parameters
    ----------
    column : str
        Name of the column.
    type : str
        One of `COLUMN_TYPES`.
    required : bool
        Whether no cell may be empty. In a user's file only required columns must be there.
    allowed : tuple of str
        The closed list of a choice; empty for other types.
    unit : str
        Unit of the values, or the empty text.
    missing : str
        What an empty cell means, or the empty text where none may be empty.
    description : str
        What the column holds.
    """

    column: str
    type: str
    required: bool
    allowed: tuple[str, ...]
    unit: str
    missing: str
    description: str


Dictionary = dict[str, tuple[ColumnEntry, ...]]


def read_dictionary(path: Path | str, *, name: str = "data/dictionary.csv") -> Dictionary:
    """Read the dictionary of the raw files.

    Parameters
    ----------
    path : path
        The file.
    name : str
        The file as faults name it.

    Returns
    -------
    dict
        The entries of each file, by the name of the file without its ending, in the order of its columns.

    Raises
    ------
    DataError
        With every fault of the dictionary at once.
    """
    frame = read_csv(path, canonical=True, name=name)
    if tuple(frame.columns) != _FIELDS:
        raise DataError(
            [
                Fault(
                    file=name,
                    line=1,
                    rule=f"must have the columns {', '.join(_FIELDS)}",
                    value=", ".join(frame.columns),
                )
            ]
        )
    faults: list[Fault] = []
    dictionary: dict[str, list[ColumnEntry]] = {}
    for line, cells in zip(frame.index, frame.fillna("").itertuples(index=False, name=None), strict=True):
        record = dict(zip(_FIELDS, cells, strict=True))
        entries = dictionary.setdefault(record["file"].removesuffix(".csv"), [])
        faults += [
            Fault(file=name, line=line, column=field, rule=rule, value=record[field] or None)
            for field, rule in _broken_rules(record, known=[entry.column for entry in entries])
        ]
        entries.append(
            ColumnEntry(
                column=record["column"],
                type=record["type"],
                required=record["required"] == "yes",
                allowed=tuple(record["allowed"].split("|")) if record["allowed"] else (),
                unit=record["unit"],
                missing=record["missing"],
                description=record["description"],
            )
        )
    if faults:
        raise DataError(faults)
    return {kind: tuple(entries) for kind, entries in dictionary.items()}


def _broken_rules(record: dict[str, str], *, known: list[str]) -> list[tuple[str, str]]:
    broken = []
    if not record["file"].endswith(".csv"):
        broken.append(("file", "must be the name of a CSV file"))
    if not record["column"] or record["column"] in known:
        broken.append(("column", "must be a column name that the file has once"))
    if record["type"] not in COLUMN_TYPES:
        broken.append(("type", f"must be one of: {', '.join(COLUMN_TYPES)}"))
    if record["required"] not in {"yes", "no"}:
        broken.append(("required", "must be one of: yes, no"))
    if (record["type"] == "choice") != bool(record["allowed"]):
        broken.append(
            ("allowed", "must list the values of a choice, separated by |, and be empty for other types")
        )
    if (record["required"] == "no") != bool(record["missing"]):
        broken.append(("missing", "must say what an empty cell means, where a cell may be empty"))
    if not record["description"]:
        broken.append(("description", "must not be empty"))
    return broken
