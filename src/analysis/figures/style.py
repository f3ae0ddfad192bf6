"""What all figures share in looks: fonts, sizes, colours, units of length.

Settings hold inside of a `with` block only. What a figure shows is decided in its own module.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.style import context

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BLACK",
    "BLUE",
    "BODY_SIZE",
    "EXPORT_SETTINGS",
    "FONT",
    "GREEN",
    "GREY",
    "LIGHT_GREY",
    "MM_PER_INCH",
    "ORANGE",
    "POINTS_PER_INCH",
    "POINTS_PER_MM",
    "SKY_BLUE",
    "SMALL_SIZE",
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

# The one font that comes with matplotlib, so that a figure has the same widths on every machine.
FONT = "DejaVu Sans"
BODY_SIZE = 7.5
SMALL_SIZE = 7.0

EXPORT_SETTINGS: dict[str, object] = {
    # TrueType: text in the PDF stays text, with the font embedded; Type 3 is refused by many publishers.
    "pdf.fonttype": 42,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a journal asks of a figure.

    Parameters
    ----------
    name : str
        As given to `style`.
    fonts : tuple of str
        Font families from the most wanted on; the last one is always there.
    body_size, small_size : float
        Sizes of letters in points at the printed size: labels, and notes.
    single_mm, double_mm : float
        Widths of one column and of the page in millimetres.
    line_width : float
        Of axes and rules, in points.
    """

    name: str
    fonts: tuple[str, ...]
    body_size: float
    small_size: float
    single_mm: float
    double_mm: float
    line_width: float


_PRESETS = {
    "default": Preset(
        name="default",
        fonts=(FONT,),
        body_size=BODY_SIZE,
        small_size=SMALL_SIZE,
        single_mm=84.0,
        double_mm=174.0,
        line_width=0.6,
    )
}

_STYLES: dict[str, dict[str, object]] = {
    "default": EXPORT_SETTINGS
    | {
        "font.family": [FONT],
        "font.size": BODY_SIZE,
        "text.color": BLACK,
        "text.parse_math": False,
        "figure.dpi": 150,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "axes.edgecolor": BLACK,
        "axes.linewidth": 0.6,
        "axes.labelsize": BODY_SIZE,
        "axes.labelpad": 2.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "xtick.labelsize": BODY_SIZE,
        "ytick.labelsize": BODY_SIZE,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.pad": 2.0,
        "lines.linewidth": 0.9,
        "lines.solid_capstyle": "butt",
    }
}

_active: ContextVar[str | None] = ContextVar("active style", default=None)


@contextmanager
def style(name: str = "default") -> Iterator[None]:
    """Draw with the settings of a style inside of a `with` block.

    Parameters
    ----------
    name : {"default"}
        The style. What a user's own configuration of matplotlib says does not enter.

    Yields
    ------
    None
        The former settings return when the block is left, also by an error.

    Raises
    ------
    ValueError
        If there is no such style.

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
    settings = _STYLES[check_choice("name", name, _STYLES)]
    token = _active.set(name)
    try:
        with context(["default", settings]):
            yield
    finally:
        _active.reset(token)


def current() -> Preset:
    """Return the preset that is drawn with now; the default one outside of every `with style(...)`."""
    return _PRESETS[_active.get() or "default"]


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with the style that the caller chose, or with the default one if none was chosen."""
    if _active.get() is None:
        with style():
            yield
    else:
        yield
