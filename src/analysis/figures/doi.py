"""Doi plots, and the page that all plots of studies in a plane are drawn on: panel, key above, notes below.

Takes finished results. Forest plots have a page of their own in `page`.
"""

from __future__ import annotations

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

from analysis.figures.axes import automatic_limits, axis_scale, nice_ticks, set_x_axis
from analysis.figures.page import SYNTHETIC_TEXT
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    POINTS_PER_INCH,
    POINTS_PER_MM,
    current,
    house_style,
)
from analysis.figures.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.writer import MARGIN, Writer
from analysis.meta.lfk_index import LfkIndex
from analysis.tables.format import format_count, format_number
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.transforms import Affine2DBase
    from matplotlib.typing import LineStyleType

    from analysis.values.arrays import FloatArray

__all__ = [
    "KeyEntry",
    "draw_key",
    "figure_doi",
    "figure_of",
    "panel_points",
    "plane_page",
    "plot_doi",
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


def plot_doi(effects: EffectSizes, *, index: LfkIndex, ax: Axes | None = None) -> Axes:
    """Draw a Doi plot: effects against the size of the normal score of their rank, weighted by precision.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,).
    index : LfkIndex
        What `lfk_index(effects)` gave.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the effect on the reporting scale (proportions in percent), y is abs(z) with 0 at the top.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is more than one meta-analysis, or the index is of other studies.

    Notes
    -----
    A symmetrical plot looks like a mountain: the two limbs from the summit, the study with the smallest
    abs(z), fall off alike. The LFK index measures the difference; see its warning.

    References
    ----------
    Furuya-Kanamori L, Barendregt JJ, Doi SAR (2018). A new improved graphical and quantitative method for
    detecting bias in meta-analysis. Int J Evid Based Healthc 16:195-203. DOI 10.1097/XEB.0000000000000141

    Schwarzer G, Rücker G, Semaca C (2024). LFK index does not reliably detect small-study effects in
    meta-analysis: a simulation study. Res Synth Methods 15:603-615. DOI 10.1002/jrsm.1714
    """
    _check(effects, index)
    with house_style():
        if ax is None:
            ax = plane_page(widest="0.0")
        scale = axis_scale(effects.measure)
        x, size = _coordinates(effects, index)
        set_x_axis(ax, scale, *automatic_limits(scale, x, []))
        highest = float(size.max())
        set_y_axis(ax, "Normal score |z|", 1.06 * highest if highest > 0 else 1.0, -0.04 * highest)
        order = np.argsort(x, kind="stable")
        ax.plot(x[order], size[order], color=GREY, linewidth=0.8, zorder=2, gid="limbs")
        summit = float(x[np.argmin(size)])
        ax.axvline(summit, color=BLACK, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1, gid="summit line")
        ax.plot(
            x,
            size,
            linestyle="none",
            marker="o",
            markersize=4.4 if x.size <= 60 else 3.0,
            markerfacecolor=BLUE,
            markeredgecolor="white",
            markeredgewidth=0.4,
            zorder=3,
            clip_on=False,
            gid="study",
        )
    return ax


def figure_doi(
    effects: EffectSizes,
    *,
    index: LfkIndex,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a Doi plot on a page, with the LFK index and the warning that goes with it.

    Parameters
    ----------
    effects, index
        As for `plot_doi`.
    width_mm : float, optional
        Printed width; by default one column of the journal.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_doi`, or if the width is not between 60 and 400 mm.
    """
    import pandas as pd

    _check(effects, index)
    words = str(index.interpretation.item())
    verdict = f"LFK index {format_number(index.index.item())} ({words}); {format_count(index.z_score.size)} "
    verdict += "studies"
    # A reader of the figure knows the test, not the function.
    warning = index.warning.replace("egger_test", "Egger's test")
    key = [KeyEntry(text="study", marker="o", colour=BLUE), KeyEntry(text="summit", line=(0, (2, 2)))]
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest="0.0",
            key=key,
            notes=[f"{verdict}.", warning, *([note] if note else [])],
            synthetic=synthetic,
        )
        plot_doi(effects, index=index, ax=ax)
        draw_key(ax, key)
    x, size = _coordinates(effects, index)
    label = measure_of(effects.measure).label
    summit = int(np.argmin(size))
    left, right = int((x < x[summit]).sum()), int((x > x[summit]).sum())
    numbers = pd.DataFrame({"kind": "study", "label": list(study_labels(effects)), "abs_z": size})
    numbers["value"] = scale_of(effects.scale).backward(effects.effect)
    numbers["z_score"], numbers["std_error"] = index.z_score, effects.std_error
    numbers["summit"] = np.arange(size.size) == summit
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"Doi plot of {format_count(x.size)} studies ({label.lower()})",
            caption=(
                f"Doi plot: {label.lower()} of each study (points) against the absolute normal score of its "
                "rank, ranks weighted by precision; precise studies are at the top. Dashed line: the study "
                f"with the smallest |z|. {verdict}. {warning}"
            ),
            alt=(
                f"Doi plot of {format_count(x.size)} studies. {left} lie left of the summit at "
                f"{format_number(x[summit])}{' %' if measure_of(effects.measure).percent else ''} and "
                f"{right} right of it. {verdict}. The index is no reliable sign of bias."
            ),
            numbers=numbers,
        ),
    )


def _coordinates(effects: EffectSizes, index: LfkIndex) -> tuple[FloatArray, FloatArray]:
    x = axis_scale(effects.measure).factor * scale_of(effects.scale).backward(effects.effect)
    return np.asarray(x), np.abs(index.z_score)


def _check(effects: EffectSizes, index: LfkIndex) -> None:
    expected = (("effects", effects, EffectSizes), ("index", index, LfkIndex))
    for name, value, kind in expected:
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must be {kind.__name__}, but got {type(value).__name__}.")
    if effects.effect.ndim != 1:
        raise ValueError(
            f"`effects` must be one set of studies, shape (k,), but has shape {effects.effect.shape}. "
            "Draw one meta-analysis at a time."
        )
    if index.z_score.shape != effects.effect.shape:
        raise ValueError(
            f"`index` must be of the same studies, shape {effects.effect.shape}, but is of shape "
            f"{index.z_score.shape}. Give lfk_index(effects)."
        )
