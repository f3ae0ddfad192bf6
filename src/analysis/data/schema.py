"""Check tables of text against the dictionary and turn them into typed frames.

The schemas are built from `data/dictionary.csv`; rules between columns live in `_rules`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from analysis.data._csv_file import read_csv, read_what_can_be_read
from analysis.data._rules import row_faults
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import ModuleType

    import pandas as pd
    from pandera.pandas import DataFrameSchema

    from analysis.data.dictionary import ColumnEntry, Dictionary

__all__ = ["build_schema", "read_csv", "read_table", "validate"]


@dataclass(frozen=True, slots=True)
class _Rule:
    holds: Callable[[str], bool]
    text: str
    way_out: str | None = None


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda cell: compiled.fullmatch(cell) is not None


_DECIMAL = r"-?[0-9]+(\.[0-9]+)?"
_RULES = {
    "key": _Rule(_matches(r"\S+"), "must be one word without spaces"),
    "text": _Rule(lambda cell: cell == cell.strip(), "must not begin or end with a space"),
    "count": _Rule(
        _matches(r"[0-9]+"),
        "must be a whole number of at least 0",
        "Write the digits alone: 27657, neither 27,657 nor 27657.0.",
    ),
    "number": _Rule(_matches(_DECIMAL), "must be a number with a decimal point"),
    "percent": _Rule(
        lambda cell: re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) is not None and float(cell) <= 100,
        "must be a printed number from 0 to 100",
        "Write it without the sign: 4.7.",
    ),
    "decimal": _Rule(_matches(_DECIMAL), "must be a printed number with a decimal point"),
    "printed": _Rule(
        lambda cell: cell == cell.strip() and re.search(r"[0-9]", cell) is not None,
        "must be printed text that holds a number, without spaces around it",
    ),
    "year": _Rule(
        lambda cell: re.fullmatch(r"[0-9]{4}", cell) is not None and 1900 <= int(cell) <= 2100,
        "must be a year from 1900 to 2100",
    ),
    "citation": _Rule(lambda cell: cell == cell.strip(), "must not begin or end with a space"),
    "rows": _Rule(_matches(r"\S+( \S+)*"), "must be row_ids separated by single spaces"),
    "doi": _Rule(
        _matches(r"10\.[0-9]{4,9}/\S+"),
        'must start with "10." and hold a slash',
        "Leave out https://doi.org/.",
    ),
    "pmid": _Rule(_matches(r"[1-9][0-9]{0,8}"), "must be a PubMed identifier of 1 to 9 digits"),
}
_PERCENT_NUMBER = _Rule(
    lambda cell: _RULES["number"].holds(cell) and 0 <= float(cell) <= 100, "must be a number from 0 to 100"
)


def build_schema(entries: Iterable[ColumnEntry]) -> DataFrameSchema:
    """Build the schema of a file from its dictionary entries.

    Parameters
    ----------
    entries : iterable of ColumnEntry
        The entries of one file.

    Returns
    -------
    pandera.pandas.DataFrameSchema
        For a frame of text: exactly the columns of the entries, each with the rule of its type.
    """
    pa = _pandera()
    schema: DataFrameSchema = pa.DataFrameSchema(
        {
            entry.column: pa.Column(
                checks=pa.Check(_rule(entry).holds, element_wise=True, error=_rule(entry).text),
                nullable=not entry.required,
                unique=entry.type == "key",
                report_duplicates="exclude_first",
            )
            for entry in entries
        },
        strict=True,
    )
    return schema


def validate(
    frame: pd.DataFrame, *, file: str, kind: str, dictionary: Dictionary, only_required: bool = False
) -> pd.DataFrame:
    """Check a table of text against the dictionary and convert its columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text as `read_csv` gives it; the index holds the lines of the file.
    file : str
        The file as faults name it.
    kind : str
        Which table of the dictionary it is: the name of its raw file without the ending.
    dictionary : Dictionary
        As `read_dictionary` gives it.
    only_required : bool
        Whether columns in which a cell may be empty may be missing as a whole, as in a user's file.
        They are added, empty.

    Returns
    -------
    pandas.DataFrame
        The columns of the dictionary in its order: counts and years as ``Int64``, numbers as ``float64``,
        the rest as ``string``, so printed numbers keep their digits. The index is that of `frame`.

    Raises
    ------
    DataError
        With every fault of the table at once.
    ValueError
        `kind` is not in the dictionary.
    """
    import pandas as pd

    if kind not in dictionary:
        raise ValueError(f"`kind` must be one of {', '.join(sorted(dictionary))}, but got {kind!r}.")
    entries = dictionary[kind]
    absent = [entry for entry in entries if entry.column not in frame.columns and not entry.required]
    if only_required and absent:
        frame = frame.assign(
            **{entry.column: pd.Series(pd.NA, index=frame.index, dtype="string") for entry in absent}
        )
    faults = row_faults(frame, file=file)
    schema = build_schema(entries)
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors

    try:
        # Environment variables can switch pandera off; a contract is not optional.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.to_dict("records"):
            faults.append(_fault({str(key): value for key, value in case.items()}, frame, file, entries))
    if faults:
        raise DataError(dict.fromkeys(faults))
    return pd.DataFrame({entry.column: _convert(frame[entry.column], entry) for entry in entries})


def read_table(
    path: Path | str,
    *,
    kind: str,
    dictionary: Dictionary,
    canonical: bool,
    name: str | None = None,
    only_required: bool = False,
) -> pd.DataFrame:
    """Read a file and check it, with the faults of the file and those of its cells in one error.

    Parameters
    ----------
    path, canonical, name
        As for `read_csv`.
    kind, dictionary, only_required
        As for `validate`.

    Returns
    -------
    pandas.DataFrame
        As `validate` gives it.

    Raises
    ------
    DataError
        With every fault of the file, of its rows that are whole, and of their cells.
    """
    frame, faults = read_what_can_be_read(path, canonical=canonical, name=name)
    table = None
    if frame is not None:
        file = str(path) if name is None else name
        try:
            table = validate(frame, file=file, kind=kind, dictionary=dictionary, only_required=only_required)
        except DataError as error:
            faults += error.faults
    if faults or table is None:
        raise DataError(dict.fromkeys(faults))
    return table


def _pandera() -> ModuleType:
    # Importing pandera sets variables for Spark and Arrow; the environment is the caller's.
    before = set(os.environ)
    import pandera.pandas

    for name in set(os.environ) - before:
        del os.environ[name]
    return pandera.pandas


def _rule(entry: ColumnEntry) -> _Rule:
    if entry.type == "choice":
        return _Rule(lambda cell: cell in entry.allowed, f"must be one of: {'; '.join(entry.allowed)}")
    if entry.type == "number" and entry.unit == "%":
        return _PERCENT_NUMBER
    return _RULES[entry.type]


def _convert(
    column: pd.Series[str], entry: ColumnEntry
) -> pd.Series[str] | pd.Series[int] | pd.Series[float]:
    import pandas as pd

    if entry.type in {"count", "year"}:
        return column.astype("Int64")
    if entry.type == "number":
        return pd.Series(column.to_numpy(dtype="float64", na_value=float("nan")), index=column.index)
    return column.astype("string")


def _fault(
    case: dict[str, object], frame: pd.DataFrame, file: str, entries: tuple[ColumnEntry, ...]
) -> Fault:
    """Turn one failure of pandera into a fault."""
    check, value = str(case["check"]), str(case["failure_case"])
    if check == "column_in_dataframe":
        return _missing_column(value, frame, file, entries)
    if check == "column_in_schema":
        return _unexpected_column(value, file, entries)
    column, line = str(case["column"]), int(str(case["index"]))
    entry = next(entry for entry in entries if entry.column == column)
    if check == "not_nullable":
        return Fault(file=file, line=line, column=column, rule="must not be empty", way_out=entry.description)
    if check == "field_uniqueness":
        first = frame.index[frame[column] == value][0]
        return Fault(
            file=file,
            line=line,
            column=column,
            value=value,
            rule=f"must be unique (line {first} has it too)",
        )
    way_out = _rule(entry).way_out
    if entry.type == "choice" and (near := _nearest(value, entry.allowed)):
        way_out = f"Did you mean {near!r}?"
    return Fault(file=file, line=line, column=column, value=value, rule=_rule(entry).text, way_out=way_out)


def _missing_column(name: str, frame: pd.DataFrame, file: str, entries: tuple[ColumnEntry, ...]) -> Fault:
    known = {entry.column for entry in entries}
    near = _nearest(name, [str(column) for column in frame.columns if column not in known])
    way_out = f"Rename `{near}`, if that is the one." if near else "Add it to the header and to every row."
    return Fault(file=file, line=1, column=name, rule="must be in the header", way_out=way_out)


def _unexpected_column(name: str, file: str, entries: tuple[ColumnEntry, ...]) -> Fault:
    known = [entry.column for entry in entries]
    near = _nearest(name, known)
    way_out = f"Did you mean `{near}`?" if near else f"Remove it; the columns are {', '.join(known)}."
    return Fault(
        file=file, line=1, column=name, rule="must be a column that the dictionary knows", way_out=way_out
    )


def _nearest(name: str, known: Iterable[str]) -> str | None:
    lowered = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.strip().lower(), lowered, n=1, cutoff=0.7)
    return lowered[found[0]] if found else None
