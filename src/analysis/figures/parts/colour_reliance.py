"""Marks of a figure that differ in nothing but their colour, and whether every reader can tell them apart.

Shape, filling, dashes, hatching, line width and a sign written on a mark count as differences.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex, to_rgba

from analysis.figures.colour_vision import DISTINGUISHABLE, colour_difference, least_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

__all__ = ["ColourReliance", "colours_relied_on"]

# More colours than these on one kind of mark are a scale, which is read in another way.
_SCALE = 24
# Two shades that nobody is meant to tell apart.
_SAME = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourReliance:
    """Two kinds of marks that only colour tells apart.

    Parameters
    ----------
    marks : str
        Their common name.
    colours : tuple of str
        Their two colours.
    difference : float
        CIEDE2000 in the kind of vision in which they are most alike.
    vision : str
        That kind of vision.
    """

    marks: str
    colours: tuple[str, str]
    difference: float
    vision: str


def colours_relied_on(figure: Figure) -> tuple[ColourReliance, ...]:
    """Return pairs of marks that differ in colour alone, and are too much alike for some readers.

    Parameters
    ----------
    figure : Figure
        Marks of one name (gid) within one panel are compared.

    Returns
    -------
    tuple of ColourReliance
        Those whose least difference is below `colour_vision.DISTINGUISHABLE`.
    """
    found = []
    for ax in figure.axes:
        groups: dict[tuple[object, ...], set[str]] = defaultdict(set)
        for look, colour in _marks(ax):
            groups[look].add(colour)
        for look, colours in groups.items():
            if not 1 < len(colours) <= _SCALE:
                continue
            for one, other in combinations(sorted(colours), 2):
                least, vision = least_difference(one, other)
                if least < DISTINGUISHABLE and colour_difference(one, other) >= _SAME:
                    marks = str(look[0] or look[1])
                    found.append(
                        ColourReliance(marks=marks, colours=(one, other), difference=least, vision=vision)
                    )
    return tuple(found)


def _marks(ax: Axes) -> Iterator[tuple[tuple[object, ...], str]]:
    """Yield how each mark looks but for its colour, and its colour."""
    texts = _texts_with_places(ax)
    for line in ax.lines:
        if line.get_visible():
            yield _look_of_line(line)
    for patch in ax.patches:
        if patch.get_visible() and to_rgba(patch.get_facecolor())[3] > 0:
            yield _look_of_patch(patch, texts)
    for collection in ax.collections:
        if collection.get_visible() and collection.get_array() is None:
            yield from _looks_of_collection(collection)


def _look_of_line(line: Line2D) -> tuple[tuple[object, ...], str]:
    marker = line.get_marker()
    has_marker = marker not in {"None", "none", " ", "", None}
    drawn = line.get_linestyle() not in {"None", "none", " ", ""} and len(np.asarray(line.get_xdata())) > 1
    face = line.get_markerfacecolor()
    filled = has_marker and to_rgba(face)[3] > 0 and to_hex(face) != "#ffffff"
    colour = line.get_color() if drawn else face if filled else line.get_markeredgecolor()
    # Dashes as they are drawn: the name of a user's own pattern says nothing.
    dashes = str(getattr(line, "_unscaled_dash_pattern", line.get_linestyle())) if drawn else None
    width = round(float(line.get_linewidth()), 1) if drawn else None
    return (line.get_gid(), "line", dashes, width, str(marker) if has_marker else None, filled), to_hex(
        colour
    )


def _look_of_patch(patch: Patch, texts: list[tuple[str, float, float]]) -> tuple[tuple[object, ...], str]:
    box = patch.get_window_extent()
    signs = "".join(sorted(text for text, x, y in texts if box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1))
    hatch = getattr(patch, "get_hatch", lambda: None)()
    return (patch.get_gid(), type(patch).__name__, hatch, signs), to_hex(patch.get_facecolor())


def _texts_with_places(ax: Axes) -> list[tuple[str, float, float]]:
    """Return signs written on marks with their middles in dots: texts, and markers of one point."""
    found = []
    for text in ax.texts:
        if text.get_text().strip():
            box = text.get_window_extent()
            found.append((text.get_text(), (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
    for line in ax.lines:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if x.size == 1 and y.size == 1:
            place = line.get_transform().transform([(float(x[0]), float(y[0]))])[0]
            found.append((f"marker {line.get_marker()}", float(place[0]), float(place[1])))
    return found


def _looks_of_collection(collection: Collection) -> Iterator[tuple[tuple[object, ...], str]]:
    faces, edges = np.asarray(collection.get_facecolor()), np.asarray(collection.get_edgecolor())
    filled = faces.size > 0 and bool((faces[:, 3] > 0).any())
    paths = collection.get_paths()
    shape = len(np.asarray(paths[0].vertices)) if paths and len(paths) == 1 else None
    widths = tuple(sorted({round(float(width), 1) for width in np.atleast_1d(collection.get_linewidth())}))
    hatch = getattr(collection, "get_hatch", lambda: None)()
    look = (collection.get_gid(), type(collection).__name__, hatch, shape, filled, None if filled else widths)
    for colour in np.unique(faces if filled else edges, axis=0):
        yield look, to_hex(colour)
