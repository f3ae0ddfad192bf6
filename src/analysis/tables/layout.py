"""How wide the columns of a table are, and how numbers stand below each other.

All in characters: formats turn them into millimetres or leave them to the reader's program.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from analysis.tables.journal_table import printable

if TYPE_CHECKING:
    from analysis.tables.journal_table import JournalTable

__all__ = [
    "FIGURE_SPACE",
    "aligned_texts",
    "characters",
    "column_widths",
    "fitted_widths",
    "least_widths",
    "tied",
]

_LETTER_WIDTHS = {
    0.4: "\u2009\u202fijl'|",
    0.55: " \xa0.,·:;!/[]ft",
    0.62: "()-r",
    1.5: "mMw",
    1.7: "W%@—◯⊕",
}
# A number with its interval that may be broken before the parenthesis.
_LONG = 22.0
# How much of what they want beyond their words columns of text must get where they may be refused.
_READABLE = 0.35
_PARENTHESIS = re.compile(r"\([^()]{1,40}\)")
# As wide as a digit in every font whose digits are all of one width.
FIGURE_SPACE = "\N{FIGURE SPACE}"
# A comma is a decimal mark in a column where it stands as none between thousands can.
_DECIMAL_COMMA = re.compile(r"(?<!\d)0,\d|,\d{1,2}(?!\d)|,\d{4}")
_NUMBER = {
    comma: re.compile(
        rf"[<>≤≥]?[−-]?(?P<whole>[1-9]\d{{0,2}}(?:[{groups}'’\u2009\u202f\xa0]\d{{3}})+|\d+)?"
        rf"(?:[{marks}](?P<rest>\d+))?(?!\d)"
    )
    for comma, groups, marks in ((False, ",", ".·"), (True, ".", ",·"))
}


def characters(text: str) -> float:
    """Return the width of a text in digits, as Arial and its like draw it.

    Parameters
    ----------
    text : str
        One line.

    Returns
    -------
    float
        Chinese and Japanese letters count nearly twice, marks above or below a letter nothing.
    """
    total = 0.0
    for letter in text:
        if unicodedata.combining(letter) or unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
            continue
        total += _width(letter)
    return total


def _width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return 1.8
    if unicodedata.category(letter) == "Sm" and letter not in "+<=>−±×|~":
        return 1.7
    for width, letters in _LETTER_WIDTHS.items():
        if letter in letters:
            return width
    return 1.25 if letter.isupper() else 1.0


def tied(text: str) -> str:
    """Return a text that breaks before a parenthesis and not within it: "(95% CI)" stays on one line.

    Parameters
    ----------
    text : str
        A heading, or an estimate with its interval.

    Returns
    -------
    str
        With no-break spaces.
    """
    return _PARENTHESIS.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def column_widths(table: JournalTable, *, widest: float = 44.0) -> list[float]:
    """Return the width that each column wants.

    Parameters
    ----------
    table : JournalTable
        The table.
    widest : float, default 44
        Width at which a column of text begins to be broken into lines.

    Returns
    -------
    list of float
        In letters. Numbers are never broken; headings are, between words.
    """
    texts = aligned_texts(table)
    widths = []
    for number, column in enumerate(table.columns):
        pieces = [
            _widest_piece(row[number], broken=column.kind != "text" and column.aligned == "left")
            + 0.6 * len(cells.cells[number].notes)
            for row, cells in zip(texts, table.rows, strict=True)
        ]
        # What sums up is printed bold, and so are headings.
        bold = [1.1 * width for width, row in zip(pieces, table.rows, strict=True) if row.summary]
        body = max([*pieces, *(bold if number == 0 else [])])
        indent = 1.5 if number == 0 and table.grouped else 0.0
        words = [characters(word) for word in tied(column.printed).split(" ")]
        # Three lines of heading at most, where its words allow.
        needed = 1.12 * max(*words, math.ceil(sum(words) / 3), 0.0) + 0.7
        limit = widest if column.kind == "text" else math.inf
        widths.append(max(min(body + indent, limit), min(needed, widest), 4.0))
    return widths


def _widest_piece(text: str, *, broken: bool) -> float:
    pieces = tied(text).split(" ") if broken and characters(text) > _LONG else [text]
    return max(characters(piece) for piece in pieces)


def least_widths(table: JournalTable) -> list[float]:
    """Return how narrow each column may be made: words are not torn apart, numbers not broken.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    list of float
        In digits, as `column_widths`.
    """
    wanted = column_widths(table)
    least = []
    for number, (column, width) in enumerate(zip(table.columns, wanted, strict=True)):
        if column.kind != "text":
            least.append(width)
            continue
        texts = [printable(row.cells[number].text) for row in table.rows]
        words = [characters(word) for text in texts for word in text.split(" ")]
        heading = [1.12 * characters(word) for word in tied(column.printed).split(" ")]
        least.append(min(width, max(*words, *heading, 0.45 * width) + 1.0))
    return least


def fitted_widths(
    table: JournalTable, room: float, *, letter: float, padding: float, always: bool = False
) -> list[float]:
    """Return the widths of columns on a page.

    Parameters
    ----------
    table : JournalTable
        The table.
    room : float
        Width of the page's text.
    letter, padding : float
        Width of a digit, and of what stands on both sides of a cell's text, in the same unit.
    always : bool, default False
        Whether columns may be as narrow as it takes.

    Returns
    -------
    list of float
        Columns of text give way, numbers do not; empty where text would have to be broken too often, unless
        `always`.
    """
    wanted, least = (
        [letters * letter + padding for letters in widths]
        for widths in (column_widths(table), least_widths(table))
    )
    if sum(wanted) <= room:
        return wanted
    left = room - sum(least)
    if left > 0:
        share = left / (sum(wanted) - sum(least))
        if always or share >= _READABLE:
            return [low + share * (high - low) for low, high in zip(least, wanted, strict=True)]
    return [width * room / sum(least) for width in least] if always else []


def aligned_texts(table: JournalTable) -> list[list[str]]:
    """Return the printed texts, numbers padded so that their decimal marks stand below each other.

    Parameters
    ----------
    table : JournalTable
        The table.

    Returns
    -------
    list of list of str
        One list a row. In columns that are aligned by the decimal mark, figure spaces stand behind numbers
        that are the whole text, for a column that is set flush right, and before the first number where its
        interval follows, for one that is set flush left.
    """
    texts = [[printable(cell.text) for cell in row.cells] for row in table.rows]
    for number, column in enumerate(table.columns):
        if column.aligned == "decimal":
            padded = _padded([row[number] for row in texts], before=len(column.names) > 1)
            for row, text in zip(texts, padded, strict=True):
                row[number] = text
    return texts


def _padded(texts: list[str], *, before: bool) -> list[str]:
    number = _NUMBER[any(_DECIMAL_COMMA.search(text) for text in texts)]
    found = [number.match(text) for text in texts]
    parts = [match if match and match.end() else None for match in found]
    whole = max((_before(match) for match in parts if match), default=0)
    rest = max((_behind(match) for match in parts if match), default=0)
    result = []
    for text, match in zip(texts, parts, strict=True):
        if match is None:
            result.append(text)
            continue
        alone = match.end() == len(text.rstrip("%"))
        left = FIGURE_SPACE * (whole - _before(match)) if before else ""
        right = FIGURE_SPACE * (rest - _behind(match)) if alone and not before else ""
        result.append(f"{left}{text}{right}")
    return result


def _before(match: re.Match[str]) -> int:
    """Return how many digits wide all that stands before the mark is; a sign is as wide as a digit."""
    start = match.start("rest") - 1 if match["rest"] else match.end()
    return sum(letter.isdigit() or letter in "<>≤≥−-" for letter in match.string[:start])


def _behind(match: re.Match[str]) -> int:
    return len(match["rest"]) + 1 if match["rest"] else 0
