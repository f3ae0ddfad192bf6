"""Specification curves: the estimates of a multiverse in order, and below them the choices behind each.

Takes a finished multiverse; what is pooled, and what an interval concludes, is decided in `meta.multiverse`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from analysis.figures.parts.axes import AxisScale, automatic_limits, axis_scale
from analysis.figures.parts.panels import PanelPage, fill_axes, panel_page, set_rank_axis, set_y_axis
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.meta.methods.multiverse_engine import Specification
from analysis.meta.methods.multiverse_result import Multiverse
from analysis.tables.format import format_count, format_estimate, format_percent
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["figure_specification_curve", "plot_specification_curve"]

_CHOICES = {
    "include": "Studies",
    "measure": "Measure",
    "correction": "Empty cells",
    "model": "Model",
    "tau2_method": "Estimator of τ²",
    "ci_method": "Interval",
}
_NAMES = {
    ("correction", "only-zero"): "½ where empty",
    ("correction", "all"): "½ in all studies",
    ("correction", "drop-double-zero"): "Double zeros dropped",
    ("model", "random"): "Random effects",
    ("model", "common"): "Common effect",
    ("ci_method", "t"): "t",
    ("ci_method", "hartung-knapp-adhoc"): "Hartung–Knapp, ad hoc",
}
# Up to so many specifications each has marks of its own in the matrix; more are shaded rows.
_SINGLE = 400
_COLUMNS = 900
# Marker, filled, colour: told apart in grey by the first two.
_MARKS = {"below": ("v", True, BLUE), "includes": ("o", False, GREY), "above": ("^", True, VERMILLION)}
_MARKS["none"] = ("x", True, GREY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """The specifications that have an estimate, sorted by it; `chosen` is the rank of the default one."""

    order: IntArray
    value: FloatArray
    low: FloatArray
    high: FloatArray
    conclusion: tuple[str, ...]
    chosen: int | None


def plot_specification_curve(
    result: Multiverse,
    *,
    default: Specification | Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the estimates of all specifications with their intervals, sorted by size.

    Parameters
    ----------
    result : Multiverse
        What `multiverse` gives.
    default : Specification or mapping of str to str, optional
        The specification that is marked: the choices by their names in `Specification`, as many as it takes
        to name one ({"model": "random", "ci_method": "wald"}).
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the rank from 1 on, y the estimate (proportions in percent). Specifications without a finite
        estimate are left out.

    Raises
    ------
    TypeError, ValueError
        If the result is of another type, or `default` names no specification or more than one.
    """
    curve = _curve(result, default)
    with house_style():
        if ax is None:
            page = panel_page(160.0, width_mm=current().double_mm)
            left = MARGIN + 5.0 * current().body_size
            ax = page.axes(left, 6.0, page.width - left - 10.0, 120.0)
        _set_ranks(ax, curve.order.size)
        _draw_curve(ax, result, curve)
    return ax


def figure_specification_curve(
    result: Multiverse,
    *,
    default: Specification | Mapping[str, str] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a specification curve above the matrix of choices, at the printed size.

    Parameters
    ----------
    result, default
        As for `plot_specification_curve`.
    width_mm : float, optional
        Printed width; by default the page of the style.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure
        Two Axes: estimates, choices. Choices that were made in one way only stand in the note. Over 400
        specifications the rows of choices are shaded by the share of neighbours that made the choice.

    Raises
    ------
    TypeError, ValueError
        As `plot_specification_curve`, or if the page is too narrow.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD (2020). Specification curve analysis. Nat Hum Behav 4:1208-1214.
    DOI 10.1038/s41562-020-0912-z
    """
    curve = _curve(result, default)
    with house_style():
        preset = current()
        page_mm = preset.double_mm if width_mm is None else width_mm
        page_width = page_mm / MM_PER_INCH * POINTS_PER_INCH
        size, line = preset.small_size, preset.body_size * LINE_SPACING
        rows = _matrix_rows(result, 0.3 * page_width)
        pitch = 1.36 * size
        names = max([text_width(text, size=size, bold=bold) for _, _, text, bold in rows], default=0.0)
        left = MARGIN + max(names + 14.0, 5.0 * preset.body_size)
        width = page_width - left - 2 * MARGIN
        if not width >= 14 * preset.body_size:
            raise ValueError(f"`width_mm` must be greater beside the names, but got {page_mm:g}.")
        upper = max(90.0, 0.26 * page_width)
        heads = _headings(result, curve, width)
        top = len(heads) * line + 4.0
        matrix, notes = len(rows) * pitch, [*_fixed(result), *([note] if note else [])]
        height = top + upper + 8.0 + matrix + 2.5 * line
        page = panel_page(height, width_mm=page_mm, notes=notes, synthetic=synthetic)
        ax = page.axes(left, top, width, upper)
        below = page.axes(left, top + upper + 8.0, width, matrix or 1.0)
        for axes in (below, ax):
            _set_ranks(axes, curve.order.size)
        ax.set_xlabel("")
        ax.tick_params(axis="x", which="both", bottom=False, labelbottom=False)
        ax.spines["bottom"].set_visible(False)
        _draw_curve(ax, result, curve)
        ax.yaxis.set_label_coords(-4.0 * preset.body_size / width, 0.5)
        _draw_matrix(below, result, curve, rows)
        for number, (_, _, text, bold) in enumerate(rows):
            baseline = top + upper + 8.0 + (number + 0.5) * pitch + 0.365 * size
            page.text(text, MARGIN + (0.0 if bold else 6.0), baseline, size=size, bold=bold, gid="choice")
        for number, words in enumerate(heads):
            _write_heading(page, words, left, (number + 0.8) * line)
        return keep_record(page.figure, _record(result, curve))


def _curve(result: Multiverse, default: Specification | Mapping[str, str] | None) -> _Curve:
    if not isinstance(result, Multiverse):
        raise TypeError(f"`result` must be what `multiverse` gives, but got {type(result).__name__}.")
    factor = _scale(result).factor
    backward = scale_of(result.scale).backward
    order = np.argsort(result.fits.mean, kind="stable")
    order = order[np.isfinite(result.fits.mean[order])]
    if not order.size:
        raise ValueError("`result` must have a finite estimate, but has none.")
    value, low, high = (
        factor * backward(part[order]) for part in (result.fits.mean, result.fits.low, result.fits.high)
    )
    known = measure_of(result.specifications[0].measure).null is not None
    found = result.conclusion if known else ("includes",) * result.fits.mean.size
    words = tuple(found[i] for i in order)
    chosen = None
    if default is not None:
        place = np.flatnonzero(order == _default(result, default))
        if not place.size:
            raise ValueError("`default` must have a finite estimate, but has none.")
        chosen = int(place[0]) + 1
    return _Curve(order=order, value=value, low=low, high=high, conclusion=words, chosen=chosen)


def _scale(result: Multiverse) -> AxisScale:
    """Return the scale that the measures share, with the names of all."""
    scales = [axis_scale(measure) for measure in _options(result)["measure"]]
    first, *others = (_plain_label(scale) for scale in scales)
    label = " or ".join([first, *(other.lower() for other in others)])
    return replace(scales[0], label=label + scales[0].label.removeprefix(first))


def _plain_label(scale: AxisScale) -> str:
    return scale.label.removesuffix(" (log scale)").removesuffix(" (%)")


def _default(result: Multiverse, default: Specification | Mapping[str, str]) -> int:
    if not isinstance(default, (Specification, Mapping)):
        raise TypeError(f"`default` must be a Specification or a mapping of choices, but got {default!r}.")
    wanted = default._asdict() if isinstance(default, Specification) else dict(default)
    unknown = [name for name in wanted if name not in Specification._fields]
    if unknown:
        known = ", ".join(Specification._fields)
        raise ValueError(f"`default` must name choices among {known}, but got {unknown[0]!r}.")
    columns = _columns(result)
    fits = [np.array(columns[name]) == option for name, option in wanted.items()]
    found = np.flatnonzero(np.all(fits, axis=0) if fits else np.ones(len(result.specifications)))
    if found.size != 1:
        raise ValueError(
            f"`default` must name one specification, but {wanted} names {found.size} of "
            f"{len(result.specifications)}. {'Add choices.' if found.size else 'See result.specifications.'}"
        )
    return int(found[0])


def _set_ranks(ax: Axes, count: int) -> None:
    set_rank_axis(ax, f"Rank among {format_count(count)} specifications", count)


def _draw_curve(ax: Axes, result: Multiverse, curve: _Curve) -> None:
    scale = _scale(result)
    limits = automatic_limits(scale, curve.value, np.concatenate([curve.low, curve.high]))
    set_y_axis(ax, scale, *limits)
    x = np.arange(1.0, curve.order.size + 1)
    width, words = _pitch(ax, x.size), np.array(curve.conclusion)
    finite = np.isfinite(curve.low) | np.isfinite(curve.high)
    ends = [np.clip(np.nan_to_num(part, nan=limits[0]), *limits) for part in (curve.low, curve.high)]
    # One path, not thousands of lines: as light where they are dense, and fast.
    places = np.stack([np.column_stack([x, end])[finite] for end in ends], axis=1).reshape(-1, 2)
    path = Path(places, np.tile([Path.MOVETO, Path.LINETO], len(places) // 2))
    stroke = {"linewidth": min(0.9, max(0.3, 0.4 * width)), "alpha": 0.6 if x.size <= _SINGLE else 0.35}
    ax.add_artist(PathPatch(path, edgecolor=GREY, fill=False, zorder=1.5, gid="intervals", **stroke))
    size = min(4.4, max(1.4, 0.75 * width))
    for word, (marker, filled, colour) in _MARKS.items():
        part = words == word
        _mark(ax, x[part], curve.value[part], f"estimates {word}", marker, size, colour, filled=filled)
    if curve.chosen is not None:
        ax.axvline(curve.chosen, color=BLACK, linewidth=0.7, linestyle=":", zorder=1.2, gid="default line")
        value = curve.value[curve.chosen - 1]
        _mark(ax, curve.chosen, value, "default", "D", max(4.0, size + 1.0), BLACK, filled=False)


def _pitch(ax: Axes, count: int) -> float:
    """Return the room of a specification in points."""
    return float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi) / count


def _mark(
    ax: Axes, x: ArrayLike, y: ArrayLike, gid: str, marker: str, size: float, colour: str, *, filled: bool
) -> None:
    if not np.size(x):
        return
    face, edge = colour if filled else "white", min(0.8, max(0.3, 0.2 * size))
    (marks,) = ax.plot(x, y, marker, markersize=size, markerfacecolor=face, markeredgecolor=colour, gid=gid)
    marks.set(markeredgewidth=edge, zorder=4 if gid == "default" else 3, clip_on=False)


def _columns(result: Multiverse) -> dict[str, tuple[str, ...]]:
    """Return every choice with the options of all specifications."""
    return dict(zip(Specification._fields, zip(*result.specifications, strict=True), strict=True))


def _options(result: Multiverse) -> dict[str, list[str]]:
    """Return the options of every choice, in the order in which they come."""
    return {choice: list(dict.fromkeys(made)) for choice, made in _columns(result).items()}


def _named(choice: str, option: str) -> str:
    if choice not in {"correction", "model", "ci_method"}:
        return option
    return _NAMES.get((choice, option), "–".join(part.capitalize() for part in option.split("-")))


def _matrix_rows(result: Multiverse, width: float) -> list[tuple[str, str, str, bool]]:
    """Return the rows of the matrix: choice, option, text, and whether it is a heading."""
    size, rows = current().small_size, []
    for choice, options in _options(result).items():
        # A common effect has no estimator of τ², which is no option of its own.
        shown = [option for option in options if (choice, option) != ("tau2_method", "none")]
        if len(options) < 2 or not shown:
            continue
        rows.append((choice, "", _CHOICES[choice], True))
        for option in shown:
            first, *more = wrap_text(_named(choice, option), width, size=size)
            rows.append((choice, option, first, False))
            rows += [(choice, "", text, False) for text in more]
    return rows


def _draw_matrix(ax: Axes, result: Multiverse, curve: _Curve, rows: list[tuple[str, str, str, bool]]) -> None:
    count, k = len(rows), curve.order.size
    ax.set_ylim(max(count, 1), 0.0)
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    columns = {choice: np.array(made)[curve.order] for choice, made in _columns(result).items()}
    held = np.array([columns[choice] == option for choice, option, _, _ in rows]).reshape(count, k)
    guides = [number + 0.5 for number, row in enumerate(rows) if row[1]]
    ax.hlines(guides, *ax.get_xlim(), color=LIGHT_GREY, linewidth=0.4, zorder=0.5, gid="guide")
    if k <= _SINGLE:
        row, column = np.nonzero(held)
        start, end = np.column_stack([column + 1.0, row + 0.2]), np.column_stack([column + 1.0, row + 0.8])
        segments, width = list(np.stack([start, end], axis=1)), min(3.0, max(0.4, 0.6 * _pitch(ax, k)))
        marks = LineCollection(segments, colors=GREY, linewidths=width, zorder=2, gid="choices")
        ax.add_collection(marks, autolim=False)
    else:
        _shade(ax, held)
    if curve.chosen is not None:
        ax.axvline(curve.chosen, color=BLACK, linewidth=0.7, linestyle=":", zorder=1.2, gid="default line")


def _shade(ax: Axes, held: BoolArray) -> None:
    """Shade the rows by the share of neighbouring specifications that made the choice."""
    count, k = held.shape
    starts = np.unique(np.linspace(0, k, min(_COLUMNS, k), endpoint=False).astype(np.int64))
    sizes = np.diff(np.append(starts, k))
    share = np.add.reduceat(held.astype(np.float64), starts, axis=1) / sizes
    image = np.zeros((5 * count, starts.size, 4))
    image[..., :3] = to_rgb(GREY)
    for part in (1, 2, 3):
        image[part::5, :, 3] = share
    low, high = ax.get_xlim()
    ends = ((0.5 - low) / (high - low), (k + 0.5 - low) / (high - low))
    fill_axes(ax, np.round(255 * image[::-1]).astype(np.uint8), gid="choices", across=ends)


def _headings(result: Multiverse, curve: _Curve, width: float) -> list[list[tuple[str, str]]]:
    """Return lines of parts, each a kind of mark and the text beside it."""
    size, null = current().body_size, measure_of(result.specifications[0].measure).null
    parts = []
    for word in _MARKS if null is not None else ():
        found = curve.conclusion.count(word)
        if found:
            what = "No interval" if word == "none" else f"{word.capitalize()} {null:g}"
            share = format_percent(found / len(curve.conclusion), 0)
            parts.append((word, f"{what}: {format_count(found)} ({share})"))
    if curve.chosen is not None:
        parts.append(("default", f"Default: {_estimate(result, curve, curve.chosen - 1)}"))
    lines, used = [list[tuple[str, str]]()], 0.0
    for part in parts:
        used += text_width(part[1], size=size) + 22.0
        if lines[-1] and used > width:
            lines, used = [*lines, []], text_width(part[1], size=size) + 22.0
        lines[-1].append(part)
    return lines


def _write_heading(page: PanelPage, parts: list[tuple[str, str]], left: float, baseline: float) -> None:
    size = current().body_size
    for word, text in parts:
        marker, filled, colour = _MARKS.get(word, ("D", False, BLACK))
        place = [(left + 3.5) / page.width], [1 - (page.top + baseline - 0.365 * size) / page.height]
        sign = Line2D(*place, color=colour, marker=marker, markersize=4.4, gid=f"key {word}")
        sign.set(markerfacecolor=colour if filled else "white", transform=page.figure.transFigure)
        page.figure.add_artist(sign)
        page.text(text, left + 10.0, baseline, size=size, gid="share")
        left += text_width(text, size=size) + 22.0


def _estimate(result: Multiverse, curve: _Curve, place: int) -> str:
    measure = result.specifications[0].measure
    ends = (part[place] / axis_scale(measure).factor for part in (curve.value, curve.low, curve.high))
    return format_estimate(*ends, measure=measure)


def _fixed(result: Multiverse) -> list[str]:
    told = [
        f"{_CHOICES[choice].lower()} {_named(choice, options[0])}"
        for choice, options in _options(result).items()
        if len(options) == 1 and options[0] not in {"none", "all"}
    ]
    notes = [f"The same in all: {', '.join(told)}."] if told else []
    missing = int(np.sum(~np.isfinite(result.fits.mean)))
    return [*notes, f"{missing} specifications without a finite estimate are left out."] if missing else notes


def _record(result: Multiverse, curve: _Curve) -> FigureRecord:
    count = curve.order.size
    shares = [text for line in _headings(result, curve, math.inf) for _, text in line]
    ends = [_estimate(result, curve, place) for place in (0, count // 2, count - 1)]
    name = _plain_label(_scale(result))
    rank = "" if curve.chosen is None else f" The default is number {curve.chosen} by size."
    numbers = result.to_frame().iloc[curve.order].reset_index(drop=True)
    numbers.insert(0, "rank", np.arange(1, count + 1))
    numbers.insert(1, "default", numbers["rank"] == curve.chosen)
    of = f"{format_count(count)} specifications"
    return FigureRecord(
        title=f"{name} under {of} of the meta-analysis",
        caption=(
            f"Specification curve. Above: estimates under {of}, by size, with "
            f"{format_percent(result.confidence_level, 0)} intervals. Triangles: intervals that exclude no "
            "effect; circles: intervals that include it; diamond and dotted line: the default. Below: the "
            "choices behind each. A share of specifications is no probability."
        ),
        alt=(
            f"{name} under {of}: smallest {ends[0]}, middle {ends[1]}, largest {ends[2]}. "
            f"{'; '.join(shares)}.{rank}"
        ),
        numbers=numbers,
    )
