"""The tipping surface: for which pairs of bias parameters the result would no longer stand.

Takes a finished `TippingPoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.path import Path

from analysis.figures.parts.bias_page import (
    EdgeLabel,
    column_and_a_half,
    edge_width,
    panel_page,
    set_spans,
    write_edge,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, GREY, LIGHT_GREY, POINTS_PER_INCH, VERMILLION, current, house_style
from analysis.figures.parts.text import font, text_width
from analysis.figures.parts.tipping_layout import Surface, plotted_numbers, surface_of
from analysis.tables.format import format_number, format_percent
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.bias.tipping import TippingPoint
    from analysis.values.arrays import FloatArray

__all__ = ["figure_tipping_surface", "plot_tipping_surface"]

_NEAR = 1e-9


def plot_tipping_surface(
    result: TippingPoint,
    *,
    labels: Mapping[str, str] | None = None,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the limit over two parameters as contours, and hatch where it has tipped.

    Parameters
    ----------
    result : TippingPoint
        Of one table or estimate, with a surface.
    labels : mapping of str to str, optional
        Parameter -> name on its axis; by default the parameter's own, as words.
    log : bool, default False
        Whether both parameters are drawn on log scales, where their ratio is what counts.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Values of the contours stand at
        its right and upper edge, outside.

    Returns
    -------
    Axes
        The thick line (gid "tipping line") is where the limit meets the target, the hatched area (gid
        "tipped") where it is beyond; thin lines (gid "contour") join equal limits. Marks: a ring without
        either bias (gid "neutral"), a disc with both as stated (gid "stated"), a cross (gid "joint") where
        all parameters together meet the target, triangles (gid "alone") where one does, the others as stated.

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If it has no surface, is of several tables, or its surface is flat; if a label is of no parameter, or
        a parameter that is 0 is to be drawn on a log scale.
    """
    with house_style():
        surface = surface_of(result, labels, log=log)
        if ax is None:
            ax = _page(surface, width_mm=column_and_a_half(), notes=(), synthetic=False)
        set_spans(ax, *surface.spans)
        _draw_areas(ax, surface)
        _draw_lines(ax, surface)
        _draw_points(ax, surface)
    return ax


def figure_tipping_surface(
    result: TippingPoint,
    *,
    labels: Mapping[str, str] | None = None,
    log: bool = False,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the surface on a page, with its marks explained under it.

    Parameters
    ----------
    result, labels, log
        As for `plot_tipping_surface`.
    width_mm : float, optional
        Width of the page; by default one and a half columns.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_tipping_surface`, or if the page is too narrow.
    """
    with house_style():
        surface = surface_of(result, labels, log=log)
        width = column_and_a_half() if width_mm is None else width_mm
        notes = [_explanation(surface), *([note] if note else [])]
        ax = _page(surface, width_mm=width, notes=notes, synthetic=synthetic)
        plot_tipping_surface(result, labels=labels, log=log, ax=ax)
        record = _record(surface)
    figure = ax.get_figure(root=True)
    if figure is None:  # the page has just made it
        raise RuntimeError("The page has no figure.")
    return keep_record(figure, record)


def _what(surface: Surface) -> str:
    measure = measure_of(surface.result.measure).label.lower()
    level = f"{100 * surface.result.confidence_level:g}%"
    return (
        f"Adjusted {measure}"
        if surface.result.limit == "estimate"
        else f"Nearer {level} limit of the adjusted {measure}"
    )


def _page(surface: Surface, *, width_mm: float, notes: tuple[str, ...] | list[str], synthetic: bool) -> Axes:
    x, y = surface.spans
    values = [*surface.levels(), surface.result.target]
    return panel_page(
        x,
        y,
        width_mm=width_mm,
        edge=edge_width([EdgeLabel(lines=(format_number(value),), share=0.0) for value in values]),
        heading=f"{_what(surface)}; hatched: {format_number(surface.result.target)} reached",
        # Values of contours that end at the upper edge stand there.
        above=1.8 * current().body_size,
        notes=notes,
        synthetic=synthetic,
    )


def _contours(
    ax: Axes, surface: Surface, z: ArrayLike, levels: Sequence[float], *, filled: bool, colour: str
) -> QuadContourSet:
    """Draw contours that are straight between points of the grid on the scale that is drawn on."""
    log = surface.log_axes
    x, y = (np.log(surface.x), np.log(surface.y)) if log else (surface.x, surface.y)
    draw = ax.contourf if filled else ax.contour
    drawn = draw(x, y, z, levels=levels, colors=[colour])
    if log:
        drawn.set_paths([Path(np.exp(path.vertices), path.codes) for path in drawn.get_paths()])
    return drawn


def _draw_areas(ax: Axes, surface: Surface) -> None:
    if surface.tips:
        z, target = surface.heights(), surface.height_of(surface.result.target)
        area = [float(z.min()), target] if surface.stands_above else [target, float(z.max())]
        tipped = _contours(ax, surface, z, area, filled=True, colour=LIGHT_GREY)
        tipped.set(hatch="////", edgecolor="white", linewidth=0.0, gid="tipped", zorder=0.2)
    if surface.missing.any():
        unknown = surface.missing.astype(np.float64)
        crossed = _contours(ax, surface, unknown, [0.5, 1.5], filled=True, colour="white")
        crossed.set(hatch="xxxx", edgecolor=LIGHT_GREY, linewidth=0.0, gid="impossible", zorder=0.3)


def _draw_lines(ax: Axes, surface: Surface) -> None:
    x, y = surface.spans
    right: list[EdgeLabel] = []
    above: list[tuple[float, str, str]] = []
    within: list[tuple[FloatArray, str, str]] = []
    wanted = [(surface.result.target, VERMILLION, 2.6, "tipping line")] if surface.tips else []
    wanted += [(level, GREY, 1.0, "contour") for level in surface.levels()]
    for level, colour, width, gid in wanted:
        height = surface.height_of(level)
        drawn = _contours(ax, surface, surface.heights(), [height], filled=False, colour=colour)
        drawn.set(
            linewidth=width * current().line_width,
            linestyle="-",
            gid=gid,
            zorder=1.5 if gid == "contour" else 2.0,
        )
        ends = [end for part in drawn.allsegs[0] if len(part) for end in (part[0], part[-1])]
        text = format_number(level)
        at_right = [end for end in ends if abs(x.share(end[0]) - 1) < _NEAR]
        at_top = [end for end in ends if abs(y.share(end[1]) - 1) < _NEAR]
        if at_right:
            right.append(EdgeLabel(lines=(text,), share=y.share(float(at_right[0][1])), colour=colour))
        elif at_top:
            above.append((x.share(float(at_top[0][0])), text, colour))
        elif ends:
            within.append((max(drawn.allsegs[0], key=len), text, colour))
    write_edge(ax, right)
    _write_above(ax, above)
    _write_within(ax, surface, within)


def _write_above(ax: Axes, labels: list[tuple[float, str, str]]) -> None:
    width = _points_wide(ax)
    taken: list[tuple[float, float]] = []
    for share, text, colour in labels:
        half = text_width(text, size=current().body_size) / 2 + 2.0
        start, end = share * width - half, share * width + half
        # The tipping line comes first, and never gives way.
        if any(start < other_end and other_start < end for other_start, other_end in taken):
            continue
        taken.append((start, end))
        ax.annotate(
            text,
            xy=(share, 1.0),
            xycoords="axes fraction",
            xytext=(0.0, 0.4 * current().body_size),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontproperties=font(),
            color=colour,
            annotation_clip=False,
            parse_math=False,
            gid="edge label",
        )


def _write_within(ax: Axes, surface: Surface, labels: list[tuple[FloatArray, str, str]]) -> None:
    """Write on lines that end at neither edge, as near to their middle as there is room."""
    size = current().body_size
    scale = POINTS_PER_INCH / float(ax.figure.dpi)
    # Marks, with the values that stand beside them, need more room than another label.
    taken = [(scale * ax.transData.transform((x, y)), 3.0) for _, x, y, _ in surface.points()]
    for line, text, colour in labels:
        width = text_width(text, size=size) + 4.0
        for share in (0.5, 0.35, 0.65, 0.2, 0.8):
            x, y = (float(part) for part in line[int(share * (len(line) - 1))])
            place = scale * ax.transData.transform((x, y))
            gaps = [(np.abs(place - other), room) for other, room in taken]
            if all(gap[0] > room * width / 2 or gap[1] > room * size for gap, room in gaps):
                break
        else:
            continue
        taken.append((place, 2.0))
        ax.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontproperties=font(),
            color=colour,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
            zorder=3.2,
            parse_math=False,
            gid="edge label",
        )


def _draw_points(ax: Axes, surface: Surface) -> None:
    points = surface.points()
    signs = {"neutral": ("o", "white"), "stated": ("o", BLACK), "joint": ("X", BLACK), "alone": ("^", BLACK)}
    for kind, x, y, value in points:
        marker, face = signs[kind]
        ax.plot(
            [x],
            [y],
            marker=marker,
            markersize=6.0,
            markerfacecolor=face,
            markeredgecolor="white" if kind == "joint" else BLACK,
            markeredgewidth=0.9,
            linestyle="none",
            zorder=4,
            clip_on=False,
            gid=kind,
        )
        if kind in {"neutral", "stated"} and np.isfinite(value):
            others = [(a, b) for _, a, b, _ in points if (a, b) != (x, y)]
            _write_value(ax, x, y, format_number(value), others)


def _write_value(ax: Axes, x: float, y: float, text: str, others: list[tuple[float, float]]) -> None:
    """Write beside a mark at a corner, towards the middle of the panel; not where another mark lies.

    The words under the figure have the value too.
    """
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    # The marks lie in corners.
    across = 1 if abs(x - left) < abs(x - right) else -1
    up = 1 if abs(y - bottom) < abs(y - top) else -1
    size = current().body_size
    reach = 12.0 + text_width(text, size=size, bold=True), 10.0 + size
    for other in others:
        away = np.abs(ax.transData.transform(other) - ax.transData.transform((x, y)))
        away = away * POINTS_PER_INCH / float(ax.figure.dpi)
        if away[0] < reach[0] and away[1] < reach[1]:
            return
    ax.annotate(
        text,
        xy=(x, y),
        xytext=(across * 6.0, 5.0 if up > 0 else -5.0 - 0.73 * size),
        textcoords="offset points",
        ha="left" if across > 0 else "right",
        va="baseline",
        fontproperties=font(bold=True),
        color=BLACK,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        zorder=3.5,
        parse_math=False,
        gid="value",
    )


def _points_wide(ax: Axes) -> float:
    return float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi)


def _explanation(surface: Surface) -> str:
    result = surface.result
    target = format_number(result.target)
    points = {kind: value for kind, _, _, value in surface.points()}
    ring, disc = _value(points["neutral"]), _value(points["stated"])
    parts = [f"Ring: both parameters without bias{ring}; disc: both as stated{disc}."]
    if not surface.tips:
        parts.append(f"{target} is not reached.")
    alone = [
        f"{_lower(name)} {format_number(value)}"
        for name, place in zip(surface.plain_names, surface.places, strict=True)
        if np.isfinite(value := float(result.tipping.ravel()[place])) and value != result.neutral[place]
    ]
    if alone:
        sign = "Triangle" if len(alone) == 1 else "Triangles"
        parts.append(f"{sign}: {target} reached at {' or at '.join(alone)}, all else as stated.")
    for kind, x, y, _ in surface.points():
        if kind == "joint":
            parts.append(
                f"Cross: {target} reached at {format_number(x)} and {format_number(y)}, "
                f"{format_percent(result.joint.item(), 0)} of the way from no bias to the stated biases, all "
                "parameters together."
            )
    if surface.missing.any():
        parts.append("Crossed: the parameters contradict the data, or leave no limit.")
    return " ".join(parts)


def _value(value: float) -> str:
    return f", {format_number(value)}" if np.isfinite(value) else ""


def _lower(name: str) -> str:
    """Begin with a small letter, unless the word is an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _record(surface: Surface) -> FigureRecord:
    result = surface.result
    (x, y), what = surface.spans, _what(surface)
    across, up = (_lower(name) for name in surface.plain_names)
    reached = "reached" if surface.tips else "not reached"
    return FigureRecord(
        title=f"Tipping surface of the {measure_of(result.measure).label.lower()}",
        caption=(
            f"{what} over two bias parameters, all others as stated. Thin lines join equal values; the thick "
            f"line is where it equals {format_number(result.target)}, and the hatched side is beyond it. "
            f"{_explanation(surface)}"
        ),
        alt=(
            f"Contours of the {_lower(what)} over {across} from {format_number(x.low)} to "
            f"{format_number(x.high)} and {up} from {format_number(y.low)} to "
            f"{format_number(y.high)}; {format_number(result.target)} is {reached}. {_explanation(surface)}"
        ),
        numbers=plotted_numbers(surface),
    )
