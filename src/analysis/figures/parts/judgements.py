"""The mark of a judgement: a circle with a sign of its own within, and the key that says what it means.

A judgement is told by its sign; the colour only helps. Coordinates are those of the axes, sizes are points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle
from matplotlib.path import Path

from analysis.figures.style import BLACK, GREEN, LIGHT_GREY, ORANGE, VERMILLION, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width
from analysis.values.arguments import check_choice
from analysis.values.risk_of_bias import JUDGEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform
    from numpy.typing import ArrayLike

__all__ = [
    "JudgementKey",
    "draw_area",
    "draw_judgement",
    "draw_judgement_key",
    "lay_out_judgement_key",
    "sign_of",
]

_WHITE = "white"
_GAP_IN_ITEM = 3.0
_GAP_OF_ITEMS = 12.0
# Length of an area in the key in marks.
_AREA = 1.6


def _strokes(*lines: Sequence[tuple[float, float]]) -> Path:
    vertices = [point for line in lines for point in line]
    codes = [Path.MOVETO if i == 0 else Path.LINETO for line in lines for i in range(len(line))]
    return Path(vertices, codes)


def _question() -> Path:
    angles = np.radians(np.linspace(165.0, -60.0, 24))
    hook = [(0.27 * float(np.cos(a)), 0.22 + 0.27 * float(np.sin(a))) for a in angles]
    return _strokes([*hook, (0.0, -0.12), (0.0, -0.2)], _dot(0.0, -0.5))


def _ring(radius: float, parts: int, x: float = 0.0, y: float = 0.0) -> list[tuple[float, float]]:
    angles = np.linspace(0.0, 2 * np.pi, parts + 1)
    return [(x + radius * float(np.cos(a)), y + radius * float(np.sin(a))) for a in angles]


def _dot(x: float, y: float) -> list[tuple[float, float]]:
    # A ring so small that its own stroke fills it: Agg drops lines of next to no length.
    return _ring(0.045, 8, x, y)


def _wave() -> Path:
    x = np.linspace(-0.5, 0.5, 25)
    return _strokes([(float(a), 0.26 * float(np.sin(2 * np.pi * a))) for a in x])


def _bang(x: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    return [(x, 0.52), (x, -0.1)], _dot(x, -0.48)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """Outline of a sign in a circle of radius 1, how it is written in a text, and its colours."""

    path: Path
    text: str
    fill: str
    hatch: str
    ink: str = BLACK


_SIGNS = {
    "low": _Sign(
        path=_strokes([(-0.5, 0.0), (0.5, 0.0)], [(0.0, -0.5), (0.0, 0.5)]), text="+", fill=GREEN, hatch=""
    ),
    "some concerns": _Sign(path=_strokes(*_bang(0.0)), text="!", fill=ORANGE, hatch="////"),
    "moderate": _Sign(path=_wave(), text="~", fill=ORANGE, hatch="////"),
    "unclear": _Sign(path=_question(), text="?", fill=ORANGE, hatch="...."),
    # An empty ring, not dots: in print those run together into the stroke of "high".
    "no information": _Sign(path=_strokes(_ring(0.36, 24)), text="o", fill=LIGHT_GREY, hatch="...."),
    "high": _Sign(path=_strokes([(-0.5, 0.0), (0.5, 0.0)]), text="−", fill=VERMILLION, hatch="xxxx"),
    "serious": _Sign(
        path=_strokes([(-0.38, -0.38), (0.38, 0.38)], [(-0.38, 0.38), (0.38, -0.38)]),
        text="×",
        fill=VERMILLION,
        hatch="xxxx",
    ),
    "critical": _Sign(
        path=_strokes(*_bang(-0.22), *_bang(0.22)), text="!!", fill=BLACK, hatch="", ink=_WHITE
    ),
    "not applicable": _Sign(path=_strokes([(-0.36, -0.36), (0.36, 0.36)]), text="/", fill=_WHITE, hatch=""),
}


def sign_of(judgement: str) -> str:
    """Return the sign of a judgement as it is written in a text."""
    return _sign(judgement).text


def _sign(judgement: str) -> _Sign:
    return _SIGNS[check_choice("judgement", judgement, JUDGEMENTS)]


def draw_judgement(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    judgement: str,
    size: float,
    *,
    transform: Transform | None = None,
) -> None:
    """Draw a judgement as a circle with its sign, at one place or at many.

    Parameters
    ----------
    ax : Axes
        Where to draw. Their limits stay as they are.
    x, y : array_like
        Coordinates of the centres.
    judgement : str
        One of `JUDGEMENTS`.
    size : float
        Diameter of the circle in points.
    transform : Transform, optional
        Of the coordinates; by default that of the data.

    Raises
    ------
    ValueError
        If there is no such judgement, or the size is not above 0.

    Notes
    -----
    Low +, some concerns !, moderate ~, unclear ?, no information o, high −, serious ×, critical !!, not
    applicable a stroke. The circle has the gid "judgement: low" (and so on), the sign "sign: low".
    """
    sign = _sign(judgement)
    if not size > 0:
        raise ValueError(f"`size` must be above 0 points, but got {size!r}.")
    at = np.atleast_1d(np.asarray(x, dtype=np.float64))
    up = np.atleast_1d(np.asarray(y, dtype=np.float64))
    reach = float(np.abs(sign.path.vertices).max())
    stroke = 0.12 * size
    outline = min(0.8, 0.09 * size)
    circle = Line2D(
        at,
        up,
        linestyle="none",
        marker="o",
        markersize=size - outline,
        markerfacecolor=sign.fill,
        markeredgecolor=BLACK,
        markeredgewidth=outline,
        zorder=3.0,
        clip_on=False,
        gid=f"judgement: {judgement}",
    )
    mark = Line2D(
        at,
        up,
        linestyle="none",
        # Matplotlib scales a path to the size of its marker, so the size is that of the sign itself.
        marker=MarkerStyle(sign.path, capstyle="round", joinstyle="round"),
        markersize=size * reach,
        markerfacecolor="none",
        markeredgecolor=sign.ink,
        markeredgewidth=stroke,
        zorder=3.1,
        clip_on=False,
        gid=f"sign: {judgement}",
    )
    for line in (circle, mark):
        if transform is not None:
            line.set_transform(transform)
        ax.add_line(line)


def draw_area(
    ax: Axes, corner: tuple[float, float], width: float, height: float, judgement: str
) -> Rectangle:
    """Draw a rectangle that stands for a judgement by its hatching and colour, with the gid "area: low"."""
    sign = _sign(judgement)
    area = Rectangle(
        corner,
        width,
        height,
        facecolor=sign.fill,
        edgecolor=BLACK,
        hatch=sign.hatch or None,
        hatch_linewidth=0.35,
        linewidth=current().line_width,
        zorder=2.0,
        gid=f"area: {judgement}",
    )
    ax.add_patch(area)
    return area


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementKey:
    """Where the items of a key stand: left edge in points and number of the line, from 0 on.

    `height` is that of the whole key in points, `size` that of its letters. With `areas` each item also shows
    the hatching of an area.
    """

    judgements: tuple[str, ...]
    left: tuple[float, ...]
    line: tuple[int, ...]
    size: float
    height: float
    areas: bool


def lay_out_judgement_key(
    judgements: Iterable[str], *, width: float, size: float | None = None, areas: bool = False
) -> JudgementKey:
    """Place the key of the judgements that occur, from the best on, in lines of at most `width` points.

    Parameters
    ----------
    judgements : iterable of str
        Those that are drawn; each comes into the key once.
    width : float
        Of the lines in points.
    size : float, optional
        Of the letters; by default the small size of the style.
    areas : bool, default False
        Whether the key also shows the hatching with which an area is filled.
    """
    letters = current().small_size if size is None else size
    present = {check_choice("judgements", str(judgement), JUDGEMENTS) for judgement in judgements}
    kinds = tuple(judgement for judgement in JUDGEMENTS if judgement in present)
    left: list[float] = []
    line: list[int] = []
    x, number = 0.0, 0
    for judgement in kinds:
        long = _before_text(letters, areas=areas) + text_width(_capital(judgement), size=letters)
        if left and x + long > width:
            x, number = 0.0, number + 1
        left.append(x)
        line.append(number)
        x += long + _GAP_OF_ITEMS
    return JudgementKey(
        judgements=kinds,
        left=tuple(left),
        line=tuple(line),
        size=letters,
        height=(number + 1) * _line_height(letters) if kinds else 0.0,
        areas=areas,
    )


def _mark_size(letters: float) -> float:
    return 1.2 * letters


def _line_height(letters: float) -> float:
    return 1.2 * LINE_SPACING * letters


def _before_text(letters: float, *, areas: bool) -> float:
    mark = _mark_size(letters)
    return mark + _GAP_IN_ITEM + ((_AREA * mark + _GAP_IN_ITEM) if areas else 0.0)


def _capital(judgement: str) -> str:
    return judgement[0].upper() + judgement[1:]


def draw_judgement_key(ax: Axes, key: JudgementKey, *, x: float, top: float, transform: Transform) -> None:
    """Draw the key.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    key : JudgementKey
        From `lay_out_judgement_key`.
    x, top : float
        Its upper left corner.
    transform : Transform
        From points, y downwards, to the display: `Writer.transform`, or `ax.transData` of the axes of a
        page.
    """
    mark = _mark_size(key.size)
    for judgement, left, line in zip(key.judgements, key.left, key.line, strict=True):
        y = top + (line + 0.5) * _line_height(key.size)
        draw_judgement(ax, x + left + mark / 2, y, judgement, mark, transform=transform)
        if key.areas:
            area = draw_area(
                ax, (x + left + mark + _GAP_IN_ITEM, y - 0.45 * mark), _AREA * mark, 0.9 * mark, judgement
            )
            area.set_transform(transform)
            area.set_gid(f"key area: {judgement}")
            area.set_clip_on(False)
        ax.text(
            x + left + _before_text(key.size, areas=key.areas),
            # Capital letters are 0.73 of the size: this puts their middle on that of the mark.
            y + 0.365 * key.size,
            _capital(judgement),
            transform=transform,
            ha="left",
            va="baseline",
            fontproperties=font(key.size),
            color=BLACK,
            parse_math=False,
            clip_on=False,
            gid="key",
        )
