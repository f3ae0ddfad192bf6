"""Read a CSV file as text, and say everything that is wrong with the file as a file.

What its cells may hold is the business of `schema`.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_csv", "read_what_can_be_read"]

_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = "Save it as comma-separated UTF-8 text (in Excel: CSV UTF-8)."


def read_csv(path: Path | str, *, canonical: bool, name: str | None = None) -> pd.DataFrame:
    """Read a CSV file as text.

    Parameters
    ----------
    path : path
        The file.
    canonical : bool
        True for files of this project, which have neither a byte order mark nor carriage returns
        and end with a line feed. False for a user's file: spreadsheets write the first two and
        some leave out the last, so all three are accepted.
    name : str, optional
        The file as faults name it; by default the path as given.

    Returns
    -------
    pandas.DataFrame
        Columns of dtype ``string`` with ``<NA>`` for an empty cell. The index ``line`` is the line
        of the file on which the row begins; the header is line 1.

    Raises
    ------
    DataError
        With every fault of the file at once.
    """
    frame, faults = read_what_can_be_read(path, canonical=canonical, name=name)
    if faults or frame is None:
        raise DataError(faults)
    return frame


def read_what_can_be_read(
    path: Path | str, *, canonical: bool, name: str | None = None
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Read as `read_csv`, but return the well-formed rows beside the faults, so that they can be checked too.

    The frame is None where the header is at fault or no row is whole.
    """
    import pandas as pd

    path = Path(path)
    name = str(path) if name is None else name
    faults: list[Fault] = []
    text = _text(path, name=name, canonical=canonical, faults=faults)
    header, rows = _cells(text, name=name, faults=faults)
    whole = [(line, cells) for line, cells in rows if len(cells) == len(header)]
    if not whole or _header_faults(header, name=name):
        return None, faults
    frame = pd.DataFrame([cells for _, cells in whole], columns=header, dtype="string")
    frame.index = pd.Index([line for line, _ in whole], name="line")
    return frame.mask(frame == ""), faults


def _text(path: Path, *, name: str, canonical: bool, faults: list[Fault]) -> str:
    """Decode the file, with its lines ended by line feeds; faults are appended."""
    try:
        content = path.read_bytes()
    except OSError as error:
        rule = "must exist" if isinstance(error, FileNotFoundError) else "must be a file that can be read"
        raise DataError([Fault(file=name, rule=rule, way_out="Check the path.")]) from error
    if not content.strip():
        raise DataError([Fault(file=name, rule="must hold a header line and a row, but is empty")])
    if content.startswith(_WIDE_MARKS):
        rule = "must be UTF-8, but begins as UTF-16 or UTF-32"
        raise DataError([Fault(file=name, line=1, rule=rule, way_out=_SAVE_AS)])
    if canonical:
        faults += _canonical_faults(content, name=name)
    content = content.removeprefix(codecs.BOM_UTF8)
    if nul_bytes := content.count(0):
        offset = content.index(0)
        rule = f"must not hold NUL bytes, but byte {offset} is one ({nul_bytes} in all)"
        faults.append(Fault(file=name, line=_line_of(offset, content), rule=rule, way_out=_SAVE_AS))
        content = content.replace(bytes(1), b"")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        rule = f"must be UTF-8, but byte {error.start} is 0x{content[error.start]:02x}"
        faults.append(Fault(file=name, line=_line_of(error.start, content), rule=rule, way_out=_SAVE_AS))
        text = content.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _canonical_faults(content: bytes, *, name: str) -> list[Fault]:
    faults = []
    if content.startswith(codecs.BOM_UTF8):
        faults.append(
            Fault(
                file=name,
                line=1,
                rule="must not begin with a byte order mark",
                way_out="Save it as plain UTF-8.",
            )
        )
    if b"\r" in content:
        line = _line_of(content.index(b"\r"), content)
        rule = "must end its lines with a line feed alone, but holds carriage returns"
        faults.append(Fault(file=name, line=line, rule=rule, way_out="Convert the line ends to LF."))
    if not content.endswith((b"\n", b"\r")):
        line = _line_of(len(content), content)
        rule = "must end with a line feed; the last line may be cut off"
        way_out = "Compare the last row with its source, then end the line."
        faults.append(Fault(file=name, line=line, rule=rule, way_out=way_out))
    return faults


def _line_of(offset: int, content: bytes) -> int:
    return content.count(b"\n", 0, offset) + 1


def _cells(text: str, *, name: str, faults: list[Fault]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Split the text, with the line on which each row begins; faults are appended."""
    first = text.partition("\n")[0]
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if mark in first and "," not in first:
            faults.append(
                Fault(
                    file=name,
                    line=1,
                    rule=f"must separate its cells by commas, but uses {word}",
                    way_out=_SAVE_AS,
                )
            )
            return [], []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line, whole = 1, True
    try:
        for cells in reader:
            rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        whole = False
        faults.append(
            Fault(
                file=name,
                line=line,
                rule=f"must be well-formed CSV ({error})",
                way_out='Put quotes around the whole cell, and double those inside it: "a ""b"" c".',
            )
        )
    header = rows.pop(0)[1] if rows else []
    faults += _header_faults(header, name=name)
    if whole and not rows:
        faults.append(Fault(file=name, line=1, rule="must hold at least one row below the header"))
    for line, cells in rows:
        if len(cells) != len(header):
            found = "is blank" if not cells else f"has {len(cells)}"
            faults.append(
                Fault(
                    file=name,
                    line=line,
                    rule=f"must have {len(header)} cells, as the header has, but {found}",
                    way_out="Put quotes around a cell that holds a comma."
                    if len(cells) > len(header)
                    else None,
                )
            )
    return header, rows


def _header_faults(header: list[str], *, name: str) -> list[Fault]:
    faults = [
        Fault(
            file=name,
            line=1,
            column=column,
            rule=f"must stand in the header once, but stands there {count} times",
        )
        for column, count in Counter(header).items()
        if count > 1 and column.strip()
    ]
    faults += [
        Fault(file=name, line=1, rule=f"must name every column, but column {number} has no name")
        for number, column in enumerate(header, start=1)
        if not column.strip()
    ]
    return faults
