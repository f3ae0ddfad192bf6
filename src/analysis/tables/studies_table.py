"""Table 1 of a review: what the included studies are, from any data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.tables.cells import count_cell, number_cell, text_cell
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

__all__ = ["studies_table"]


def studies_table(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    digits: Mapping[str, int] | None = None,
    years: Sequence[str] = ("year",),
    group: str | None = None,
    title: str = "Characteristics of the included studies",
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of studies, one row each, in the order of the frame.

    Parameters
    ----------
    frame : DataFrame
        One row a study. Whole numbers are counts, other numbers have decimals, all else is text; what is
        missing prints a dash.
    columns : mapping of str to str, or sequence of str, optional
        Columns that are printed, in this order, and their headings; by default all, headed by their names.
    units : mapping of str to str, optional
        Unit of a column, by its name in the frame.
    digits : mapping of str to int, optional
        Decimals of a column; by default as many as its numbers need, up to two.
    years : sequence of str, default ("year",)
        Columns of whole numbers that are no counts: they are never grouped by thousands.
    group : str, optional
        Column whose values are printed as headings over the rows. Rows of a group are brought together, in
        the order in which the groups are met.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable

    Raises
    ------
    TypeError
        If `frame` is not a DataFrame.
    ValueError
        If the frame is empty, two of its columns have one name, or a named column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"study": ["Sharif 2023", "Meer 2022"], "persons": [5476, 3253],
    ...                       "age": [41.25, None]})
    >>> print(studies_table(frame, columns={"study": "Study", "persons": "Persons", "age": "Age"},
    ...                     units={"age": "years"}))
    **Table.** Characteristics of the included studies
    <BLANKLINE>
    | Study | Persons | Age (years) |
    | :-- | --: | --: |
    | Sharif 2023 | 5476 | 41.25 |
    | Meer 2022 | 3253 | – |
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"`frame` must be a DataFrame, but got {type(frame).__name__}.")
    if frame.empty:
        raise ValueError(f"`frame` must hold at least one study, but is empty (shape {frame.shape}).")
    if not frame.columns.is_unique:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise ValueError(f"`frame` must name every column once, but {', '.join(twice)} stands twice.")
    headings = _headings(frame, columns, group)
    for argument, given in (("units", units), ("digits", digits)):
        _check_known(argument, given or {}, frame)
    chosen = []
    cells: list[list[Cell]] = []
    for name, heading in headings.items():
        kind, column_cells = _column(
            frame[name], digits=(digits or {}).get(name), year=str(name) in set(years)
        )
        unit = (units or {}).get(name, "")
        chosen.append(TableColumn(heading=heading, names=(str(name),), kind=kind, unit=unit))
        cells.append(column_cells)
    groups = [""] * len(frame) if group is None else [text_cell(value).text for value in frame[group]]
    order = {name: position for position, name in reversed(list(enumerate(groups)))}
    rows = [
        TableRow(cells=row, group=name) for row, name in zip(zip(*cells, strict=True), groups, strict=True)
    ]
    return JournalTable(
        title=title,
        columns=tuple(chosen),
        rows=tuple(sorted(rows, key=lambda row: order[row.group])),
        notes=tuple(notes),
        source=source,
        number=number,
        group_heading="Group" if group is None else str(group),
    )


def _headings(
    frame: pd.DataFrame, columns: Mapping[str, str] | Sequence[str] | None, group: str | None
) -> dict[Any, str]:
    if columns is None:
        headings = {name: str(name) for name in frame.columns if name != group}
    elif isinstance(columns, str):
        raise TypeError(f"`columns` must be a list of names or a mapping, but got the text {columns!r}.")
    elif hasattr(columns, "items"):
        headings = dict(columns.items())
    else:
        headings = {name: str(name) for name in columns}
    if not headings:
        raise ValueError("`columns` must name at least one column, but is empty.")
    _check_known("columns", headings, frame)
    if group is not None:
        _check_known("group", (group,), frame)
    return headings


def _check_known(argument: str, names: Any, frame: pd.DataFrame) -> None:  # noqa: ANN401
    missing = [repr(name) for name in names if name not in frame.columns]
    if missing:
        raise ValueError(
            f"`{argument}` must name columns of the frame, but got {', '.join(missing)}; "
            f"it has {', '.join(map(str, frame.columns))}."
        )


def _column(series: pd.Series[Any], *, digits: int | None, year: bool) -> tuple[str, list[Cell]]:
    import pandas as pd

    if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
        return "text", [text_cell(_words(value)) for value in series]
    numbers = [None if pd.isna(value) else float(value) for value in series]
    known = [value for value in numbers if value is not None]
    whole = all(value.is_integer() for value in known)
    if year and whole:
        cells = [
            text_cell(None)
            if value is None
            else Cell(text=f"{value:.0f}", raw=(int(value),), number_format="0")
            for value in numbers
        ]
        return "count", cells
    if digits is None and whole:
        return "count", [count_cell(value) for value in numbers]
    if digits is None:
        digits = 2 if any(round(value, 1) != value for value in known) else 1
        if any(0 < abs(value) < 0.005 for value in known):
            return "number", [number_cell(value) for value in numbers]
    return "number", [number_cell(value, digits) for value in numbers]


def _words(value: object) -> object:
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if type(value).__name__ == "Timestamp" and str(value).endswith(" 00:00:00"):
        # A day, not a moment.
        return str(value).removesuffix(" 00:00:00")
    return value
