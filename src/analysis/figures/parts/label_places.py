"""Labels beside points of any plane plot that touch neither points nor lines nor one another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.plane import figure_of, panel_points
from analysis.figures.style import BLACK, GREY, POINTS_PER_INCH, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["place_labels"]

# Beside the point first, then farther off with a line to it.
_DISTANCES = (4.0, 6.5, 11.0, 17.0, 25.0, 35.0, 48.0, 64.0)
_ANGLES = (0, 180, 35, 145, -35, -145, 90, -90, 62, 118, -62, -118)
_FAR_ANGLES = (*_ANGLES, 75, 105, 48, 132, 20, 160, -75, -105, -48, -132, -20, -160)
_LEADER_FROM = 8.0
# Where a label may stand, from the most wanted on: direction (a unit vector) and distance from the sign.
_PLACES = np.array(
    [
        (round(math.cos(math.radians(angle)), 6), round(math.sin(math.radians(angle)), 6), distance)
        for distance in _DISTANCES
        for angle in (_ANGLES if distance < _LEADER_FROM else _FAR_ANGLES)
    ]
)
# Of lines from other signs and lines, of the signs of lines themselves, and of labels from drawn lines.
_CLEARANCE = 2.2
_LINE_RADIUS = 1.0
_LINE_GAP = 0.5
# One more label is worth lines that are longer by 150 points in all.
_COST = 1 / 150
_TRIALS = 5
_WIDEST_SHARE = 0.46


def place_labels(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    labels: Sequence[str],
    *,
    wanted: Sequence[int],
    radius: ArrayLike = 2.5,
    avoid: tuple[ArrayLike, ArrayLike] | None = None,
) -> tuple[int, ...]:
    """Write labels beside points so that they cover no point, no other label, and stay in the panel.

    Parameters
    ----------
    ax : Axes
        With final limits and size.
    x, y : array_like
        Of all points, which no label may cover.
    labels : sequence of str
        One a point; long ones are broken into lines, empty ones not written.
    wanted : sequence of int
        Which points are labelled, the most important first: it gets the best place.
    radius : array_like
        Of the points' signs, in points of length: one for all, or one each.
    avoid : tuple of array_like, optional
        Further places (x, y) to be left free, on lines for instance.

    Returns
    -------
    tuple of int
        Those of `wanted` for which there was no room, and that are not written.
    """
    points = _in_points(ax, x, y)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), len(points))
    further = np.empty((0, 2)) if avoid is None else _in_points(ax, *avoid)
    further = further[np.isfinite(further).all(axis=1)]
    panel = panel_points(ax)
    rank = {i: number for number, i in enumerate(wanted) if labels[i].strip()}
    order, best = list(rank), dict[int, _Place]()
    for _ in range(_TRIALS):
        places = _plan(points, labels, order, panel, further, radii)
        best = max(best, places, key=lambda plan: _worth(plan, rank))
        left_out = [i for i in order if i not in places]
        if not left_out:
            break
        # What was placed first blocked the others: they come first in the next trial.
        order = left_out + [i for i in order if i in places]
    for i, place in best.items():
        if place.leader.size:
            ends = _in_data(ax, place.leader[[0, -1]])
            ax.plot(*ends, color=GREY, linewidth=0.5, zorder=2.4, clip_on=False, gid="label line")
        left, bottom, right, top = (float(edge) for edge in place.box)
        side = "left" if left >= points[i, 0] else "right" if right <= points[i, 0] else "center"
        edge = {"left": left + 1.0, "right": right - 1.0, "center": (left + right) / 2}[side]
        ax.annotate(
            "\n".join(place.lines),
            xy=(0.0, 0.0),
            xycoords="axes fraction",
            xytext=(edge, (bottom + top) / 2),
            textcoords="offset points",
            ha=side,
            multialignment=side,
            va="center",
            linespacing=LINE_SPACING,
            fontproperties=font(current().small_size),
            color=BLACK,
            annotation_clip=False,
            zorder=4,
            gid="study label",
            parse_math=False,
        )
    return tuple(i for i in rank if i not in best)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """A label's lines, its box (left, bottom, right, top), and the line to its point, empty if near."""

    lines: tuple[str, ...]
    box: FloatArray
    leader: FloatArray


def _worth(places: dict[int, _Place], rank: dict[int, int]) -> float:
    """Weigh labels that found a place, the most wanted up to double, against the length of their lines."""
    ends = [place.leader[[0, -1]] for place in places.values() if place.leader.size]
    lines = sum(float(np.hypot(*(end - start))) for start, end in ends)
    return sum(1 + 1 / (1 + rank[i]) for i in places) - _COST * lines


def _plan(
    points: FloatArray,
    labels: Sequence[str],
    order: Sequence[int],
    panel: tuple[float, float],
    drawn: FloatArray,
    radii: FloatArray,
) -> dict[int, _Place]:
    """Place labels one after the other, each where it is free."""
    known = np.isfinite(points).all(axis=1)
    taken = np.column_stack((points, radii))[known]
    boxes = np.empty((0, 4))
    places = {}
    for i in order:
        whole = wrap_text(labels[i], _WIDEST_SHARE * panel[0], size=current().small_size)
        # Better the beginning of a long name than none.
        for lines in (whole, (f"{whole[0].rstrip()}…",))[: len(whole)]:
            found = _free_place(points[i], lines, panel, taken, drawn, boxes, float(radii[i]))
            if found is not None:
                places[i] = _Place(lines=lines, box=found[0], leader=found[1])
                boxes = np.concatenate((boxes, found[0][None]))
                line = np.column_stack((found[1], np.full(len(found[1]), _LINE_RADIUS)))
                taken = np.concatenate((taken, line))
                break
    return places


def _in_points(ax: Axes, x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Return places in points from the lower left corner of the panel."""
    box = ax.get_window_extent()
    places = np.column_stack([np.ravel(np.asarray(part, dtype=np.float64)) for part in (x, y)])
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = ax.transData.transform(places) - (box.x0, box.y0)
    return np.asarray(shown * POINTS_PER_INCH / float(figure_of(ax).dpi))


def _in_data(ax: Axes, places: FloatArray) -> tuple[FloatArray, FloatArray]:
    box = ax.get_window_extent()
    dots = places * float(figure_of(ax).dpi) / POINTS_PER_INCH + (box.x0, box.y0)
    x, y = ax.transData.inverted().transform(dots).T
    return x, y


def _free_place(
    point: FloatArray,
    lines: Sequence[str],
    panel: tuple[float, float],
    taken: FloatArray,
    drawn: FloatArray,
    boxes: FloatArray,
    radius: float,
) -> tuple[FloatArray, FloatArray] | None:
    """Return the first free box (left, bottom, right, top) with places on the line to it, empty if near.

    `taken` are places with the radius that they fill, `drawn` places on thin lines.
    """
    widest, size = max(text_width(line, size=current().small_size) for line in lines), current().small_size
    extent = np.array([widest + 2.0, len(lines) * size * LINE_SPACING + 0.5])
    # The nearest side or corner of a box lies in the direction of its place from the point.
    corner = (
        point + (radius + _PLACES[:, 2:]) * _PLACES[:, :2] - extent * (0.5 - 0.5 * np.sign(_PLACES[:, :2]))
    )
    found = np.concatenate((corner, corner + extent), axis=1)
    to_taken = _gap(found, taken)
    free = (
        (found[:, :2] >= 0).all(axis=1)
        & (found[:, 2:] <= panel).all(axis=1)
        & (_gap(found, drawn) >= _LINE_GAP).all(axis=1)
        & (to_taken >= taken[:, 2]).all(axis=1)
        & (
            (boxes[:, 2] <= found[:, :1])
            | (boxes[:, 0] >= found[:, 2:3])
            | (boxes[:, 3] <= found[:, 1:2])
            | (boxes[:, 1] >= found[:, 3:])
        ).all(axis=1)
    )
    # Points under this one count as the same place.
    others = np.hypot(*(taken[:, :2] - point).T) > 1.6 * radius
    # Without a line a label must be nearer to its own point than to any other.
    own = _gap(found, point[None])[:, 0] + 1.0
    clear = to_taken[:, others].min(axis=1, initial=np.inf) >= own
    near = _PLACES[:, 2] < _LEADER_FROM
    for i in np.flatnonzero(free & (clear | ~near)):
        if near[i]:
            return found[i], np.empty((0, 2))
        leader = _leader(point, found[i], radius)
        if _unhindered(leader, point, taken[others], boxes, radius):
            return found[i], leader
    return None


def _unhindered(
    leader: FloatArray, point: FloatArray, others: FloatArray, boxes: FloatArray, radius: float
) -> bool:
    """Tell whether a line runs over no label, no other point and across no other line."""
    crossed = (
        (leader[:, None, 0] > boxes[:, 0])
        & (leader[:, None, 0] < boxes[:, 2])
        & (leader[:, None, 1] > boxes[:, 1])
        & (leader[:, None, 1] < boxes[:, 3])
    )
    away = leader[np.hypot(*(leader - point).T) > 3 * radius]
    gaps = np.hypot(away[:, None, 0] - others[:, 0], away[:, None, 1] - others[:, 1])
    return not crossed.any() and not (gaps < _CLEARANCE).any()


def _gap(boxes: FloatArray, places: FloatArray) -> FloatArray:
    """Return how far places are from boxes: one row a box, one column a place."""
    across = np.maximum(boxes[:, :1] - places[:, 0], places[:, 0] - boxes[:, 2:3])
    up = np.maximum(boxes[:, 1:2] - places[:, 1], places[:, 1] - boxes[:, 3:])
    return np.asarray(np.hypot(np.maximum(across, 0.0), np.maximum(up, 0.0)))


def _leader(point: FloatArray, box: FloatArray, radius: float) -> FloatArray:
    end = np.array([np.clip(point[0], box[0], box[2]), np.clip(point[1], box[1], box[3])])
    way = end - point
    length = float(np.hypot(*way))
    steps = np.linspace(min(radius / length, 1.0), 1.0, max(12, int(length / 2.5)))[:, None]
    return np.asarray(point + steps * way)
