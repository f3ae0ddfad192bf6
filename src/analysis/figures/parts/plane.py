"""The page that plots of studies in a plane are drawn on: one panel, the key above it, notes below.

Forest plots have a page of their own in `page`, pictures of several panels in `panels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import Affine2D, ScaledTranslation

from analysis.figures.parts.axes import nice_ticks
from analysis.figures.parts.page import SYNTHETIC_TEXT
from analysis.figures.style import BLACK, GREY, LIGHT_GREY, POINTS_PER_INCH, POINTS_PER_MM, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN, Writer
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Affine2DBase
    from matplotlib.typing import LineStyleType

    from analysis.values.estimate import EffectSizes

__all__ = [
    "KeyEntry",
    "draw_key",
    "figure_of",
    "null_of",
    "panel_points",
    "plane_page",
    "set_y_axis",
    "study_labels",
    "widest_label",
]

_SIGN, _SIGN_GAP, _ENTRY_GAP = 13.0, 3.5, 10.0
# Panels are no higher than this, in points: a page is to hold the caption too.
_HIGHEST = 100.0 * POINTS_PER_MM


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A sign and what it means.

    Parameters
    ----------
    text : str
        The words.
    marker : str
        Of points; empty for none.
    line : str or tuple
        Dashes of a line; empty for none.
    patch : str
        Colour of an area; empty for none.
    filled : bool
        Whether the marker is.
    colour : str
        Of marker and line.
    width : float
        Of the line in points.
    """

    text: str
    marker: str = ""
    line: LineStyleType = ""
    patch: str = ""
    filled: bool = True
    colour: str = BLACK
    width: float = 0.9


def plane_page(
    *,
    width_mm: float | None = None,
    ratio: float = 0.74,
    widest: str = "0.00",
    right: float = 10.0,
    lift: float = 0.0,
    key: Sequence[KeyEntry] = (),
    notes: Sequence[str] = (),
    synthetic: bool = False,
) -> Axes:
    """Make a page with one panel.

    Parameters
    ----------
    width_mm : float, optional
        Of the page; by default one column of the journal.
    ratio : float
        Height of the panel over its width; 1 makes a square, in the middle of a page that is too wide.
    widest : str
        The longest label that the ticks of the y-axis may get.
    right : float
        Room right of the panel in points.
    lift : float
        Room between the panel and the key in points.
    key : sequence of KeyEntry
        What `draw_key` will write: room is left for it.
    notes : sequence of str
        Written below, one paragraph each.
    synthetic : bool
        Whether the page says, so that nobody can miss it, that its data are made up.

    Returns
    -------
    Axes
        Empty ones. The figure is `figure_of(axes)`.

    Raises
    ------
    ValueError
        If the width is not between 60 and 400 mm.
    """
    preset = current()
    width_mm = preset.single_mm if width_mm is None else width_mm
    if not 60 <= width_mm <= 400:
        raise ValueError(f"`width_mm` must be between 60 and 400 millimetres, but got {width_mm!r}.")
    body, small = preset.body_size, preset.small_size
    line = body * LINE_SPACING
    width = width_mm * POINTS_PER_MM
    left = MARGIN + line + 4.0 + text_width(widest, size=body) + 5.0
    across = width - left - right
    up = min(ratio * across, _HIGHEST)
    if ratio == 1:
        # What a wide page has more is shared out to both sides.
        left += (across - up) / 2
        across = up
    paragraphs = [wrap_text(note, width - 2 * MARGIN, size=small) for note in notes if note.strip()]
    foot = sum(2.5 + len(lines) * small * LINE_SPACING for lines in paragraphs)
    banner = 15.0 if synthetic else 0.0
    above = MARGIN + banner + 0.6 * body + lift + _key_height(key, across)
    below = 5.0 + 2 * line + 3.0
    height = above + up + below + foot + MARGIN
    figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH))
    FigureCanvasAgg(figure)
    writer = Writer(figure, width, height)
    if synthetic:
        writer.banner(SYNTHETIC_TEXT, banner)
    top = above + up + below
    for lines in paragraphs:
        top += 2.5
        writer.block(lines, x=MARGIN, top=top, size=small)
        top += len(lines) * small * LINE_SPACING
    axes = figure.add_axes(
        (left / width, 1 - (above + up) / height, across / width, up / height), label="panel"
    )
    if synthetic:
        words = axes.text(0.5, 0.5, "SYNTHETIC", transform=axes.transAxes, ha="center", va="center")
        words.set(color=LIGHT_GREY, zorder=0.1, gid="watermark", parse_math=False)
        words.set_fontproperties(font(min(0.14 * across, 30.0), bold=True))
    return axes


def figure_of(ax: Axes) -> Figure:
    """Return the figure that holds the axes."""
    figure = ax.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise TypeError(f"`ax` must be part of a Figure, but is part of {figure!r}.")
    return figure


def panel_points(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points, as they are now."""
    box = ax.get_window_extent()
    dots = float(figure_of(ax).dpi) / POINTS_PER_INCH
    return float(box.width) / dots, float(box.height) / dots


def set_y_axis(ax: Axes, label: str, bottom: float, top: float, *, log: bool = False) -> None:
    """Set limits, ticks and name of the y-axis; `bottom` may be above `top`, the axis is then turned round.

    Ticks are fixed for the height that the axes have now.
    """
    ax.set_yscale("log" if log else "linear")
    ax.set_ylim(bottom, top)
    low, high = sorted((bottom, top))
    ticks, labels, _ = nice_ticks(low, high, width=panel_points(ax)[1], log=log)
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_major_formatter(FixedFormatter(labels))
    ax.yaxis.set_minor_locator(FixedLocator([]))
    ax.set_ylabel(label)
    for text in (*ax.get_yticklabels(), ax.yaxis.label, ax.xaxis.label):
        text.set_fontproperties(font())
        text.set_parse_math(False)


def _key_rows(key: Sequence[KeyEntry], width: float) -> list[list[tuple[float, KeyEntry]]]:
    """Share entries out to rows, each with its place from the left."""
    rows: list[list[tuple[float, KeyEntry]]] = []
    patches = [entry for entry in key if entry.patch]
    x = 0.0
    for entry in key:
        needed = _SIGN + _SIGN_GAP + text_width(entry.text, size=current().small_size)
        # Shades are one scale and stand in one row.
        shades_begin = bool(entry.patch) and bool(rows) and len(patches) > 1 and entry is patches[0]
        if not rows or x + needed > width or shades_begin:
            rows.append([])
            x = 0.0
        rows[-1].append((x, entry))
        x += needed + _ENTRY_GAP
    return rows


def _key_height(key: Sequence[KeyEntry], width: float) -> float:
    rows = len(_key_rows(key, width))
    return rows * current().small_size * 1.45 + (3.0 if rows else 0.0)


def draw_key(ax: Axes, key: Sequence[KeyEntry], *, lift: float = 0.0) -> None:
    """Write the key so many points over the axes, in as many rows as it takes."""
    rows = _key_rows(key, panel_points(ax)[0])
    size = current().small_size
    anchor = (
        Affine2D().scale(1 / POINTS_PER_INCH)
        + figure_of(ax).dpi_scale_trans
        + ScaledTranslation(0, 1, cast("Affine2DBase", ax.transAxes))
    )
    shared: dict[str, Any] = {"transform": anchor, "clip_on": False, "gid": "key"}
    for number, row in enumerate(rows):
        y = 3.0 + lift + 0.5 * size + (len(rows) - 1 - number + 0.5) * 1.45 * size
        for x, entry in row:
            if entry.patch:
                corner = (x, y - 0.4 * size)
                ax.add_artist(Rectangle(corner, _SIGN, 0.8 * size, fc=entry.patch, ec=GREY, lw=0.4, **shared))
            if entry.line or entry.marker:
                ends = [x, x + _SIGN] if entry.line else [x + _SIGN / 2]
                sign = Line2D(
                    ends,
                    [y] * len(ends),
                    linestyle=entry.line or "none",
                    linewidth=entry.width,
                    color=entry.colour,
                    marker=entry.marker,
                    markersize=4.0,
                    markerfacecolor=entry.colour if entry.filled else "white",
                    markeredgewidth=0.7,
                    **shared,
                )
                ax.add_artist(sign)
            # Middle of the capitals on the middle of the row.
            place = (x + _SIGN + _SIGN_GAP, y - 0.365 * size)
            words = Text(*place, entry.text, fontproperties=font(size), color=BLACK, **shared)
            words.set_parse_math(False)
            ax.add_artist(words)


def widest_label(low: float, high: float, *, log: bool = False) -> str:
    """Return the longest label that the ticks of an axis with these limits may get, whatever its length."""
    labels = [
        label for length in (80, 120, 180, 280) for label in nice_ticks(low, high, width=length, log=log)[1]
    ]
    return max(labels, key=len, default="0.0")


def study_labels(effects: EffectSizes) -> tuple[str, ...]:
    """Return the names of the studies, by their number where they have none."""
    return effects.label or tuple(f"Study {i + 1}" for i in range(effects.effect.shape[-1]))


def null_of(measure: str) -> float:
    """Return the place of no effect on the analysis scale, NaN where the measure has none."""
    meaning = measure_of(measure)
    null = math.nan if meaning.null is None else meaning.null
    return float(scale_of(meaning.scale).forward(np.array(null)))
