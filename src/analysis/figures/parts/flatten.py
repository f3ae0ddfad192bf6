"""Colours that let nothing shine through, for formats that know no transparency.

A mark that is half transparent and lies on the plain background gets the colour that it has there; lines
that it would cover then are drawn over it. Where it lies on areas or points it keeps its outline alone, and
without an outline it is refused, because it would hide them.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import to_rgba, to_rgba_array
from matplotlib.image import _ImageBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.spines import Spine
from matplotlib.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["flattened"]

# The properties that hold colours, by kind of mark.
_COLOURS: tuple[tuple[type[Artist], tuple[str, ...]], ...] = (
    (Patch, ("facecolor", "edgecolor")),
    (Collection, ("facecolor", "edgecolor")),
    (Line2D, ("color", "markerfacecolor", "markeredgecolor")),
    (Text, ("color",)),
)


@contextmanager
def flattened(figure: Figure) -> Iterator[None]:
    """Draw half transparent marks in full colours inside of a `with` block.

    Parameters
    ----------
    figure : Figure
        Its marks have their own colours again when the block is left.

    Raises
    ------
    ValueError
        If a half transparent mark without an outline lies on another one, or is an image.
    """
    undo: list[Callable[[], object]] = []
    try:
        for artist, ax in _visible(figure):
            background = to_rgba(ax.get_facecolor() if ax else "white")
            if isinstance(artist, Text):
                ground = artist.get_bbox_patch()
                if ground is not None and _is_translucent(ground):
                    # It is there to cover what lies behind the text.
                    undo.append(_fill(ground, background))
            if not _is_translucent(artist):
                continue
            lines, hidden = _below(artist, ax)
            if hidden and _has_outline(artist):
                undo.append(_hollow(artist))
                continue
            if hidden:
                raise ValueError(
                    f"EPS has no transparency, but `fig` has a half transparent {_named(artist)} that "
                    f"{hidden}: draw it in a full colour or with an outline, or save without `journal`."
                )
            undo.append(_fill(artist, background))
            if lines:
                undo.append(_lower(artist, min(line.get_zorder() for line in lines)))
        yield
    finally:
        for restore in reversed(undo):
            restore()


def _visible(figure: Figure) -> list[tuple[Artist, Axes | None]]:
    """Return all marks with the axes that they stand in."""
    marks: list[tuple[Artist, Axes | None]] = []

    def collect(parent: Artist, ax: Axes | None) -> None:
        for child in parent.get_children():
            if child.get_visible():
                own = child if hasattr(child, "get_xlim") else ax
                marks.append((child, own))  # type: ignore[arg-type]
                collect(child, own)  # type: ignore[arg-type]

    collect(figure, None)
    return marks


def _kind(artist: Artist) -> tuple[str, ...]:
    return next((names for kind, names in _COLOURS if isinstance(artist, kind)), ())


def _rgba(artist: Artist, name: str) -> NDArray[np.float64]:
    value = getattr(artist, f"get_{name}")()
    alpha = artist.get_alpha()
    if isinstance(artist, Collection):
        return to_rgba_array(value)
    if isinstance(value, str) and value == "none":
        return np.zeros((1, 4))
    if isinstance(artist, Patch):
        return np.array([to_rgba(value)])
    return np.array([to_rgba(value, alpha=float(alpha) if isinstance(alpha, (int, float)) else None)])


def _is_translucent(artist: Artist) -> bool:
    if isinstance(artist, _ImageBase):
        return artist.get_alpha() is not None
    alphas = [_rgba(artist, name)[:, 3] for name in _kind(artist)]
    return any(bool(((alpha > 0) & (alpha < 1)).any()) for alpha in alphas)


def _named(artist: Artist) -> str:
    return f"mark {artist.get_gid()!r}" if artist.get_gid() else type(artist).__name__


def _below(artist: Artist, ax: Axes | None) -> tuple[list[Artist], str]:
    """Return the lines that a mark lies on, and what else it would hide, in words."""
    if isinstance(artist, _ImageBase) or (isinstance(artist, Collection) and artist.get_array() is not None):
        return [], "has a colour in every place"
    if (
        isinstance(artist, Collection)
        and max(len(artist.get_paths()), len(np.asarray(artist.get_offsets()))) > 1
    ):
        return [], "lies on itself"
    own = artist.get_window_extent()
    covered = [] if ax is None else [other for other in _drawn_before(artist, ax) if _touches(own, other)]
    others = [other for other in covered if not _is_line(other)]
    return [other for other in covered if _is_line(other)], f"lies on {_named(others[0])}" if others else ""


def _has_outline(artist: Artist) -> bool:
    """Tell whether a mark is seen without its fill."""
    if isinstance(artist, (Patch, Collection)) and not (
        isinstance(artist, Collection) and artist.get_array() is not None
    ):
        wide = bool((np.atleast_1d(artist.get_linewidth()) > 0).all())
        edges = _rgba(artist, "edgecolor")
        return wide and len(edges) > 0 and bool((edges[:, 3] == 1).all())
    return False


def _hollow(artist: Any) -> Callable[[], object]:  # noqa: ANN401 -- a patch or a collection
    former = artist.get_facecolor()
    artist.set_facecolor("none")
    return lambda: artist.set_facecolor(former)


def _is_line(artist: Artist) -> bool:
    if isinstance(artist, Line2D):
        return str(artist.get_marker()) in {"None", "none", "", " "}
    return isinstance(artist, (LineCollection, Spine))


def _lower(artist: Artist, zorder: float) -> Callable[[], object]:
    former = artist.get_zorder()
    artist.set_zorder(zorder - 1e-6)
    return lambda: artist.set_zorder(former)


def _drawn_before(artist: Artist, ax: Axes) -> list[Artist]:
    children = [child for child in ax.get_children() if child.get_visible() and child is not ax.patch]
    order = sorted(range(len(children)), key=lambda i: (children[i].get_zorder(), i))
    place = next((n for n, i in enumerate(order) if children[i] is artist), 0)
    return [children[i] for i in order[:place] if _kind(children[i])]


def _touches(own: Any, other: Artist) -> bool:  # noqa: ANN401 -- matplotlib's Bbox, whose stubs lack `overlaps`
    extent = other.get_window_extent()
    return bool(own.overlaps(extent)) and extent.width + extent.height > 0


def _fill(artist: Artist, background: tuple[float, float, float, float]) -> Callable[[], object]:
    names = _kind(artist)
    alpha = artist.get_alpha()
    former = {name: getattr(artist, f"get_{name}")() for name in names}
    full = {name: _over(_rgba(artist, name), background) for name in names}
    artist.set_alpha(None)
    for name, colours in full.items():
        value = colours if isinstance(artist, Collection) else tuple(colours[0])
        getattr(artist, f"set_{name}")(value)

    def restore() -> None:
        for name, value in former.items():
            getattr(artist, f"set_{name}")(value)
        artist.set_alpha(alpha)

    return restore


def _over(colours: NDArray[np.float64], background: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return the colours as they look on the background; what is fully transparent stays so."""
    alpha = colours[:, 3:]
    mixed = alpha * colours[:, :3] + (1 - alpha) * np.array(background[:3])
    return np.where(alpha > 0, np.column_stack([mixed, np.ones(len(colours))]), colours)
