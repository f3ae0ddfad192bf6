"""Text measured before it is drawn: widths in points, lines broken to a width.

Widths come from the fonts' own outlines, so they do not depend on the screen or the file format.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from analysis.figures.fonts import PACKAGED_FONT, font_chain, lacking_characters, warn_of_substitute
from analysis.figures.style import current

__all__ = ["LINE_SPACING", "check_glyphs", "font", "text_width", "wrap_text"]

LINE_SPACING = 1.24


def font(size: float | None = None, *, bold: bool = False) -> FontProperties:
    """Return the font of the style that is drawn with, in a size (points, by default its body size).

    Warns
    -----
    FontWarning
        Once in a process, if the font that the journal wants most is not installed.
    """
    preset = current()
    warn_of_substitute(preset.fonts)
    return _font(font_chain(preset.fonts), preset.body_size if size is None else size, bold=bold)


@lru_cache(maxsize=256)
def _font(families: tuple[str, ...], size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")


def check_glyphs(text: str, *, bold: bool = False) -> None:
    """Raise `ValueError` if no installed font has a character: an empty box must not get into print."""
    if text.isascii():
        return
    preset = current()
    lacking = lacking_characters(text, preset.fonts, bold=bold)
    if lacking:
        chain = font_chain(preset.fonts)
        way_out = (
            "such as Noto Sans CJK"
            if PACKAGED_FONT in chain
            else "for Chinese and Japanese: pip install 'epi-reanalysis[cjk]'"
        )
        raise ValueError(
            f"Text of a figure must use characters of {chain[0]} or of another installed font, but {text!r} "
            f"has {', '.join(map(repr, lacking))}. Install a font that has them ({way_out}), or write it in "
            "other letters."
        )


def text_width(text: str, *, size: float | None = None, bold: bool = False) -> float:
    """Return the width of one line of text in points, by default in the body size of the style."""
    if not text:
        return 0.0
    check_glyphs(text, bold=bold)
    preset = current()
    return _width(text, font_chain(preset.fonts), preset.body_size if size is None else size, bold=bold)


@lru_cache(maxsize=16384)
def _width(text: str, families: tuple[str, ...], size: float, *, bold: bool) -> float:
    prop = _font(families, size, bold=bold)
    width, _, _ = text_to_path.get_text_width_height_descent(text, prop, ismath=False)
    return float(width)


def wrap_text(text: str, width: float, *, size: float | None = None, bold: bool = False) -> tuple[str, ...]:
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


def _pieces(word: str, width: float, *, size: float | None, bold: bool) -> list[str]:
    pieces = [""]
    for character in word:
        fits = text_width(pieces[-1] + character, size=size, bold=bold) <= width
        # An accent stays with its letter.
        if fits or not pieces[-1] or unicodedata.combining(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
