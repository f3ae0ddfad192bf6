"""Which installed fonts write a text: the one that a journal wants, and others for letters that it lacks.

Fonts are found here; how wide a text is in them is measured in `text`.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font

from analysis.errors import AnalysisWarning
from analysis.figures.journals import DEFAULT_FONT

__all__ = [
    "PACKAGED_FONT",
    "FontWarning",
    "characters_of",
    "font_chain",
    "lacking_characters",
    "warn_of_substitute",
]


class FontWarning(AnalysisWarning):
    """A font that a journal wants is not installed, and another one is used."""


# Fonts with the letters of other scripts, from the most wanted on. The first one comes with the extra `cjk`,
# so that with it a Chinese or Japanese label looks the same on every machine.
PACKAGED_FONT = "IPAexGothic"
_OTHER_SCRIPTS = (
    PACKAGED_FONT,
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "NanumGothic",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Thai",
    "Nirmala UI",
    "Arial Unicode MS",
)
_CJK_PACKAGE = "matplotlib_fontja"

# Families that were searched and found for single characters, and wanted families that were warned about.
_found: list[str] = []
_warned: set[str] = set()


@cache
def _listed() -> frozenset[str]:
    """Return the families that matplotlib has in its list, and the packaged one."""
    _register_packaged_font()
    return frozenset(entry.name for entry in fontManager.ttflist)


@cache
def _installed() -> frozenset[str]:
    """Return the families on the machine, also those installed after matplotlib made its list."""
    known = {entry.fname for entry in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        # A damaged font of the user's is no reason to stop.
        with suppress(OSError, RuntimeError, ValueError):
            fontManager.addfont(path)
    return _listed() | {entry.name for entry in fontManager.ttflist}


def _register_packaged_font() -> None:
    """Make the font of the package `matplotlib_fontja` known without importing it.

    Its import would set it as the font of every figure.
    """
    spec = find_spec(_CJK_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return
    for place in spec.submodule_search_locations:
        for path in sorted(Path(place, "fonts").glob("*.ttf")):
            fontManager.addfont(path)


def font_chain(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return installed families: the first of those wanted, then those that stand in for single letters."""
    return _chain(wanted, tuple(_found))


@lru_cache(maxsize=64)
def _chain(wanted: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    # Looking through the machine's folders takes a while, and the usual font is always in the list.
    installed = _listed() if wanted[0] in _listed() else _installed()
    first = next((family for family in wanted if family in installed), DEFAULT_FONT)
    others = (family for family in _OTHER_SCRIPTS if family in installed)
    chain = tuple(dict.fromkeys((first, DEFAULT_FONT, *others, *found)))
    for family in chain:
        _have_bold(family)
    return chain


@cache
def _have_bold(family: str) -> None:
    """Let the usual letters of a family stand for its bold ones where it has none.

    So matplotlib draws them anyway, but with a remark in the log for every size.
    """
    entries = [entry for entry in fontManager.ttflist if entry.name == family and entry.style == "normal"]
    if entries and not any(_is_bold(entry.weight) for entry in entries):
        fontManager.ttflist.append(replace(entries[0], weight=700))


def _is_bold(weight: int | str) -> bool:
    return weight >= 600 if isinstance(weight, int) else "bold" in weight


def warn_of_substitute(wanted: tuple[str, ...]) -> None:
    """Warn, once in a process, that the font wanted most is not installed."""
    first = wanted[0]
    if first in _warned:
        return
    used = font_chain(wanted)[0]
    if used == first:
        return
    _warned.add(first)
    same = "has the same widths" if used in wanted[1:-1] else "has other widths, which the layout follows"
    warnings.warn(
        f"The font {first} is not installed; {used} is used, which {same}. "
        f"Install {first} where a journal insists on it.",
        FontWarning,
        stacklevel=3,
    )


@lru_cache(maxsize=256)
def characters_of(family: str, *, bold: bool = False) -> frozenset[int]:
    """Return the code points that an installed family can write."""
    path = findfont(FontProperties(family=[family], weight="bold" if bold else "normal"))
    return frozenset(FT2Font(path).get_charmap())


@lru_cache(maxsize=64)
def _characters_of_chain(chain: tuple[str, ...], *, bold: bool) -> frozenset[int]:
    return frozenset().union(*(characters_of(family, bold=bold) for family in chain))


def lacking_characters(text: str, wanted: tuple[str, ...], *, bold: bool = False) -> list[str]:
    """Return the characters of a text that no installed font can write, in order.

    Where the usual fonts lack one, all installed fonts are searched, and one that has it stands in from then
    on.
    """
    lacking = _lacking(text, wanted, bold=bold)
    if lacking:
        _search(lacking)
        lacking = _lacking(text, wanted, bold=bold)
    return lacking


# Line feeds, joiners, marks of direction and selectors of variants have no glyph of their own.
_WITHOUT_GLYPH = frozenset([0x0A, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)])


def _lacking(text: str, wanted: tuple[str, ...], *, bold: bool) -> list[str]:
    known = _characters_of_chain(font_chain(wanted), bold=bold)
    points = {ord(character) for character in text} - known - _WITHOUT_GLYPH
    return [chr(point) for point in sorted(points)]


def _search(lacking: list[str]) -> None:
    points = {ord(character) for character in lacking}
    families = _upright_files()
    best = max(families, key=lambda family: len(points & _characters_in(families[family])))
    if points & _characters_in(families[best]) and best not in _found:
        _found.append(best)


@cache
def _upright_files() -> dict[str, str]:
    """Return a file for each installed family with upright letters of usual weight."""
    names = _installed()
    return {
        entry.name: entry.fname
        for entry in sorted(fontManager.ttflist, key=lambda entry: (entry.name, entry.fname))
        # A font of last resort draws boxes in place of letters, and would pass for having them all.
        if entry.name in names
        and entry.style == "normal"
        and entry.weight in {400, "normal", "regular"}
        and "LastResort" not in entry.name.replace(" ", "")
    }


@cache
def _characters_in(path: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        # A damaged font of the user's is no reason to stop.
        return frozenset()
