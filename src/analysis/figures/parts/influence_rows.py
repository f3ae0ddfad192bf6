"""Rows of studies beside panels: where they stand, and their names as far as there is room for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from analysis.figures.style import GREY, current
from analysis.figures.parts.text import LINE_SPACING, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.parts.panels import PanelPage
    from analysis.meta.methods.influence_results import Influence
    from analysis.values.arrays import FloatArray

__all__ = ["NAMED", "StudyRows", "study_rows", "write_names"]

# With more studies only those that stand out are named.
NAMED = 40
# Points from one study without a name to the next: the usual least, the least of a full page, and the most.
_LEAST, _DENSEST, _MOST = 2.2, 1.2, 6.0
# Height in points that many studies take where the page allows it.
_USUAL_HEIGHT = 320.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyRows:
    """Where the studies stand from top to bottom, and their names, in points."""

    centres: FloatArray
    pitch: float
    height: float
    left: float
    room: float
    named: dict[int, tuple[str, ...]]


def study_rows(result: Influence, width: float, *, beside: float, height: float | None = None) -> StudyRows:
    """Lay out the rows of the studies on a page of some width.

    Parameters
    ----------
    result : Influence
        Of one meta-analysis.
    width : float
        Of the page in points.
    beside : float
        Room in points that the panels leave free at the right.
    height : float, optional
        Of all rows, where they must be low: then only influential studies are named, as always when there
        are more than 40. Rows stay 1.2 points apart and hold those names, even if that is higher.
    """
    size, k = current().small_size, len(result.label)
    everyone = k <= NAMED and height is None
    shown = [i for i in range(k) if everyone or result.influential[i]]
    widest = max(
        (text_width(result.label[i], size=size, bold=bool(result.influential[i])) for i in shown), default=0.0
    )
    column = min(widest, 0.34 * width)
    named = {
        i: wrap_text(result.label[i], column + 0.01, size=size, bold=bool(result.influential[i]))
        for i in shown
    }
    if everyone:
        heights = np.array([1.32 * size + (len(named[i]) - 1) * size * LINE_SPACING for i in range(k)])
    else:
        # Names of the influential ones must find room, however dense the rows are.
        lines = sum(len(text) for text in named.values())
        room, least = (_USUAL_HEIGHT, _LEAST) if height is None else (height - 6.0, _DENSEST)
        heights = np.full(k, max(least, min(_MOST, room / k), 1.3 * lines * size * LINE_SPACING / k))
    ends = np.cumsum(heights) + 3.0
    left = MARGIN + column + (8.0 if everyone else 16.0)
    return StudyRows(
        centres=ends - heights / 2,
        pitch=float(heights.min()),
        height=float(ends[-1]) + 3.0,
        left=left,
        room=width - left - max(MARGIN, beside),
        named=named,
    )


def write_names(page: PanelPage, rows: StudyRows, result: Influence, top: float) -> None:
    """Write the names beside the rows, which begin at some place in points."""
    size = current().small_size
    line = size * LINE_SPACING
    spots = _apart([(rows.centres[i], len(text) * line) for i, text in rows.named.items()], rows.height)
    for (i, lines), centre in zip(rows.named.items(), spots, strict=True):
        for number, text in enumerate(lines):
            baseline = top + centre + (number + 0.5 - len(lines) / 2) * line + 0.365 * size
            page.text(text, MARGIN, baseline, size=size, bold=bool(result.influential[i]), gid="study")
        if len(rows.named) < len(result.label):
            _lead(page, rows, top + centre, top + rows.centres[i])


def _lead(page: PanelPage, rows: StudyRows, start: float, end: float) -> None:
    """Draw a line from a name to its row."""
    right = rows.left - 2.0
    across = np.array([right - 12.0, right - 8.0, right]) / page.width
    down = 1 - (page.top + np.array([start, end, end])) / page.height
    page.figure.add_artist(
        Line2D(across, down, transform=page.figure.transFigure, color=GREY, linewidth=0.5, gid="leader")
    )


def _apart(places: Sequence[tuple[float, float]], height: float) -> list[float]:
    """Return the middles of blocks pushed apart, in their order, as near as may be to where they belong."""
    middles, edge = [], 0.0
    for middle, size in places:
        middles.append(max(middle, edge + size / 2))
        edge = middles[-1] + size / 2
    edge = height
    for i in range(len(places) - 1, -1, -1):
        middles[i] = min(middles[i], edge - places[i][1] / 2)
        edge = middles[i] - places[i][1] / 2
    return middles
