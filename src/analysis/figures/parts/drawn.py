"""What of a figure is really drawn: its texts with their boxes, and the widths of its lines, in points.

A renderer that only takes notes. What a journal thinks of them is decided in `check_figure`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.textpath import text_to_path

from analysis.figures.style import POINTS_PER_INCH, house_style

if TYPE_CHECKING:
    from matplotlib.backend_bases import GraphicsContextBase
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.transforms import Transform
    from numpy.typing import NDArray

__all__ = ["Drawn", "DrawnLine", "DrawnText", "drawn_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnText:
    """One line of text.

    Parameters
    ----------
    text : str
        What it says.
    size : float
        Of its letters, in points.
    family : str
        The first font that it asks for.
    box : tuple of float
        Left, bottom, right and upper edge of its ink in points from the lower left corner.
    """

    text: str
    size: float
    family: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLine:
    """Lines of one width.

    Parameters
    ----------
    width : float
        In points.
    gid : str
        The name of the mark, or its kind.
    """

    width: float
    gid: str


@dataclass(slots=True, kw_only=True)
class Drawn:
    """What was drawn, and the size of the page in points."""

    width: float
    height: float
    texts: list[DrawnText] = field(default_factory=list)
    lines: list[DrawnLine] = field(default_factory=list)


def drawn_of(figure: Figure) -> Drawn:
    """Return what a figure draws, without drawing it.

    Parameters
    ----------
    figure : Figure
        At its own size.

    Returns
    -------
    Drawn
    """
    width, height = (float(side) * POINTS_PER_INCH for side in figure.get_size_inches())
    notes = Drawn(width=width, height=height)
    former = figure.dpi
    try:
        with house_style():
            # One dot a point.
            figure.set_dpi(POINTS_PER_INCH)
            figure.draw(_NoteTaker(notes))
    finally:
        figure.set_dpi(former)
    return notes


class _NoteTaker(RendererBase):
    def __init__(self, notes: Drawn) -> None:
        super().__init__()
        self.notes = notes
        self.groups: list[str] = []

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.groups.append(gid or s)

    def close_group(self, s: str) -> None:  # noqa: ARG002 -- named by matplotlib
        del self.groups[-1:]

    def points_to_pixels(self, points: Any) -> Any:  # noqa: ANN401 -- a number or an array of them
        return points

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.notes.width, self.notes.height

    def flipy(self) -> bool:
        return False

    def get_text_width_height_descent(
        self,
        s: str,
        prop: FontProperties,
        ismath: Any,  # noqa: ANN401 -- a flag or "TeX"
    ) -> tuple[float, float, float]:
        return text_to_path.get_text_width_height_descent(s, prop, ismath=ismath)

    def draw_text(
        self,
        gc: GraphicsContextBase,  # noqa: ARG002 -- named by matplotlib
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,  # noqa: ANN401, FBT002 -- named by matplotlib
        mtext: Any = None,  # noqa: ANN401, ARG002 -- named by matplotlib
    ) -> None:
        if not s.strip():
            return
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        corners = np.array(
            [[0.0, -descent], [width, -descent], [width, height - descent], [0.0, height - descent]]
        )
        turn = math.radians(angle)
        rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        places = corners @ rotation + (float(x), float(y))
        left, bottom = places.min(axis=0)
        right, top = places.max(axis=0)
        family = str(prop.get_family()[0])
        self.notes.texts.append(
            DrawnText(
                text=s,
                size=float(prop.get_size_in_points()),
                family=family,
                box=(float(left), float(bottom), float(right), float(top)),
            )
        )

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,  # noqa: ARG002 -- named by matplotlib
        rgbFace: Any = None,  # noqa: ANN401 -- a colour of any kind
    ) -> None:
        if np.size(path.vertices):
            self._note(float(gc.get_linewidth()), gc.get_rgb(), rgbFace)

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,  # noqa: ARG002 -- named by matplotlib
        rgbFace: Any = None,  # noqa: ANN401 -- a colour of any kind
    ) -> None:
        if np.size(path.vertices):
            self.draw_path(gc, marker_path, marker_trans, rgbFace)

    def draw_path_collection(self, *arguments: Any, **_: Any) -> None:  # noqa: ANN401 -- matplotlib's twelve
        paths, faces, edges, widths = (arguments[place] for place in (2, 6, 7, 8))
        if not len(paths) or not len(edges):
            return
        for number, width in enumerate(np.atleast_1d(widths)):
            face = faces[number % len(faces)] if len(faces) else None
            self._note(float(width), edges[number % len(edges)], face)

    def draw_quad_mesh(self, *_: Any) -> None:  # noqa: ANN401 -- cells of a map have no lines
        pass

    def draw_gouraud_triangles(self, *_: Any) -> None:  # noqa: ANN401 -- idem
        pass

    def draw_image(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 -- idem
        pass

    def _note(self, width: float, edge: Any, face: Any) -> None:  # noqa: ANN401 -- colours of any kind
        colour = np.asarray(edge, dtype=float)
        if width <= 0 or (colour.size == 4 and colour[3] == 0):
            return
        # The seam of an area in its own colour is no line, and neither is one in the colour of the paper.
        drawn = _hex(colour)
        if drawn == "#ffffff" or (face is not None and drawn == _hex(np.asarray(face, dtype=float))):
            return
        self.notes.lines.append(DrawnLine(width=width, gid=self.groups[-1] if self.groups else ""))


def _hex(colour: NDArray[np.float64]) -> str:
    red, green, blue = (float(part) for part in colour[:3])
    return to_hex((red, green, blue))
