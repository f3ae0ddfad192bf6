"""What all figures share in looks: fonts, sizes, colours, units of length.

Settings hold inside of a `with` block only. What a figure shows is decided in its own module.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from matplotlib.style import context

from analysis.figures.fonts import font_chain
from analysis.figures.journals import DEFAULT_FONT, JOURNALS, Preset, preset
from analysis.tables.number_style import number_style

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BLACK",
    "BLUE",
    "EXPORT_SETTINGS",
    "GREEN",
    "GREY",
    "LIGHT_GREY",
    "MM_PER_INCH",
    "ORANGE",
    "POINTS_PER_INCH",
    "POINTS_PER_MM",
    "SKY_BLUE",
    "VERMILLION",
    "Preset",
    "current",
    "house_style",
    "style",
]

MM_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
POINTS_PER_MM = POINTS_PER_INCH / MM_PER_INCH

# Okabe and Ito's colours: told apart by colour-blind readers; a second sign always goes with them.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREY = "#595959"
LIGHT_GREY = "#D9D9D9"


EXPORT_SETTINGS: dict[str, object] = {
    # TrueType: text in the PDF stays text, with the font embedded; Type 3 is refused by many publishers.
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    # Outlines: the picture is the same where DejaVu Sans is not installed. What a screen reader reads is
    # the title and the description in the file, which say more than scattered labels would.
    "svg.fonttype": "path",
    # Hinting would shift letters by the resolution of the screen, and with it the measured widths.
    "text.hinting": "no_hinting",
    "savefig.bbox": None,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "path.simplify": False,
}


def _settings(name: str) -> dict[str, object]:
    journal = JOURNALS[name]
    return EXPORT_SETTINGS | {
        "font.family": list(font_chain(journal.fonts)),
        "font.size": journal.body_size,
        "text.color": BLACK,
        "text.parse_math": False,
        "figure.dpi": 150,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "axes.edgecolor": BLACK,
        "axes.linewidth": journal.line_width,
        "axes.labelsize": journal.body_size,
        "axes.titlesize": journal.body_size,
        "legend.fontsize": journal.small_size,
        "axes.labelpad": 2.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "xtick.labelsize": journal.body_size,
        "ytick.labelsize": journal.body_size,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "xtick.major.width": journal.line_width,
        "ytick.major.width": journal.line_width,
        "xtick.major.pad": 2.0,
        "lines.linewidth": 0.9,
        "lines.solid_capstyle": "butt",
    }


_active: ContextVar[str | None] = ContextVar("active style", default=None)


@contextmanager
def style(name: str = "default") -> Iterator[None]:
    """Draw with the settings of a style inside of a `with` block.

    Parameters
    ----------
    name : {"default", "lancet", "bmj", "jama", "nejm", "nature", "plos", "elsevier", "springer"}
        The journal or publisher whose fonts, sizes and widths are drawn with. What a user's own configuration
        of matplotlib says does not enter. Numbers are written as the journal writes them, see
        `analysis.tables.number_style`.

    Yields
    ------
    None
        The former settings return when the block is left, also by an error.

    Raises
    ------
    ValueError
        If there is no such style; lists those that there are.

    Examples
    --------
    >>> import matplotlib
    >>> before = matplotlib.rcParams["pdf.fonttype"]
    >>> with style():
    ...     matplotlib.rcParams["pdf.fonttype"]
    42
    >>> matplotlib.rcParams["pdf.fonttype"] == before
    True
    """
    chosen = preset(name, argument="name").name
    with number_style(chosen), _drawn_as(chosen):
        yield


@contextmanager
def _drawn_as(name: str) -> Iterator[None]:
    token = _active.set(name)
    try:
        with context(["default", _settings(name)]):
            yield
    finally:
        _active.reset(token)


def current() -> Preset:
    """Return the preset that is drawn with now; the default one outside of every `with style(...)`."""
    return JOURNALS[_active.get() or "default"]


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with the style that the caller chose, or with the default one if none was chosen."""
    if _active.get() is None:
        # How numbers are written may have been chosen without a style, and stays.
        with _drawn_as("default"):
            yield
    else:
        yield
