"""Text measured before it is drawn: widths in points, lines broken to a width.

Widths come from the font's own outlines, so they do not depend on the screen or the file format.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path

from analysis.figures.style import BODY_SIZE, FONT, current

__all__ = ["LINE_SPACING", "check_glyphs", "font", "text_width", "wrap_text"]

LINE_SPACING = 1.24


def font(size: float | None = None, *, bold: bool = False) -> FontProperties:
    """Return the font of the style that is drawn with, in a size (points, by default its body size)."""
    preset = current()
    return _font(preset.fonts, preset.body_size if size is None else size, bold=bold)


@lru_cache(maxsize=64)
def _font(families: tuple[str, ...], size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")


@lru_cache(maxsize=2)
def _characters(*, bold: bool) -> frozenset[int]:
    return frozenset(FT2Font(findfont(font(bold=bold))).get_charmap())


def check_glyphs(text: str, *, bold: bool = False) -> None:
    """Raise `ValueError` if the font lacks a character: an empty box must not get into print."""
    known = _characters(bold=bold)
    lacking = sorted({character for character in text if ord(character) not in known and character != "\n"})
    if lacking:
        raise ValueError(
            f"Text of a figure must use characters of {FONT}, but {text!r} has "
            f"{', '.join(map(repr, lacking))}. Write it in Latin, Greek or Cyrillic letters."
        )


@lru_cache(maxsize=8192)
def text_width(text: str, *, size: float = BODY_SIZE, bold: bool = False) -> float:
    """Return the width of one line of text in points."""
    if not text:
        return 0.0
    check_glyphs(text, bold=bold)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font(size, bold=bold), ismath=False)
    return float(width)


def wrap_text(text: str, width: float, *, size: float = BODY_SIZE, bold: bool = False) -> tuple[str, ...]:
    """Break text into lines of at most `width` points.

    Lines are broken at spaces; a word that is too long for a line is broken within. Line feeds are kept,
    and an empty text is no line.
    """
    lines: list[str] = []
    for paragraph in text.split("\n") if text else ():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if text_width(longer, size=size, bold=bold) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *whole, line = _pieces(word, width, size=size, bold=bold)
            lines.extend(whole)
        lines.append(line)
    return tuple(lines)


def _pieces(word: str, width: float, *, size: float, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        fits = text_width(pieces[-1] + character, size=size, bold=bold) <= width
        # An accent stays with its letter.
        if fits or not pieces[-1] or unicodedata.combining(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
