"""Rules that hold between the columns of one row, named by the columns they speak about."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from analysis.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = ["row_faults"]

_PARTS = (("events", "total"), ("exposed_cases", "exposed_total"), ("control_cases", "control_total"))
_ORDERED = (
    ("low", "estimate", "high"),
    ("low", "percent", "high"),
    ("rate_low", "rate", "rate_high"),
    ("low_percent", "high_percent"),
)
_TOGETHER = (("low", "high"), ("rate_low", "rate_high"))

Row = dict[str, str]


def row_faults(frame: pd.DataFrame, *, file: str) -> list[Fault]:
    """Check the rules that hold between the columns of a row.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text as `read_csv` gives it. A cell that is no number is skipped where a number is compared;
        the schema reports it.
    file : str
        The file as faults name it.

    Returns
    -------
    list of Fault
        Every broken rule, once.
    """
    faults: dict[Fault, None] = {}
    for line, cells in zip(frame.index, frame.fillna("").to_dict("records"), strict=True):
        row: Row = {str(column): cell for column, cell in cells.items()}
        for column, rule in (*_part_rules(row), *_order_rules(row), *_use_rules(row), *_printed_rules(row)):
            faults[Fault(file=file, line=line, column=column, rule=rule, value=row[column] or None)] = None
    return list(faults)


def _number(row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "")
    return float(text) if text.replace(".", "", 1).isdecimal() else None


def _part_rules(row: Row) -> Iterator[tuple[str, str]]:
    for part, whole in _PARTS:
        if not row.get(part):
            continue
        if row.get(whole) == "":
            yield part, f"must stand beside a `{whole}`"
        count, total = _number(row, part), _number(row, whole)
        if count is not None and total is not None and count > total:
            yield part, f"must be at most `{whole}`, which is {row[whole]}"
    for part, whole in _PARTS:
        if _number(row, whole) == 0:
            yield whole, f"must be at least 1, because `{part}` is counted among them"


def _order_rules(row: Row) -> Iterator[tuple[str, str]]:
    for columns in _ORDERED:
        given = [(column, number) for column in columns if (number := _number(row, column)) is not None]
        for (lower, small), (upper, large) in pairwise(given):
            if small > large:
                yield lower, f"must be at most `{upper}`, which is {row[upper]}"
    for low, high in _TOGETHER:
        if low in row and bool(row[low]) != bool(row.get(high)):
            yield (low if row[low] else high), "must be given with both limits of the interval"


def _use_rules(row: Row) -> Iterator[tuple[str, str]]:
    if row.get("use") == "no" and not row.get("reason"):
        yield "reason", "must say why the row is not used, because `use` is no"
    if row.get("use") == "yes" and row.get("reason"):
        yield "reason", "must be empty, because `use` is yes"


def _printed_rules(row: Row) -> Iterator[tuple[str, str]]:
    if "estimate" in row and row.get("printed"):
        low, high = row.get("low", ""), row.get("high", "")
        expected = f"{row['estimate']} ({low}-{high})" if low and high else row["estimate"]
        if row["printed"] != expected:
            yield "printed", f"must agree with `estimate`, `low` and `high`, which give {expected}"
