"""The two texts under a forest plot that say whom each side of the null favours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.figures.axes import UNDER_AXIS
from analysis.figures.style import BLACK, BODY_SIZE, POINTS_PER_MM
from analysis.figures.text import LINE_SPACING, font, wrap_text
from analysis.figures.writer import MARGIN

if TYPE_CHECKING:
    from analysis.figures.axes import AxisScale
    from analysis.figures.page import Layout, Page

__all__ = ["break_favours", "write_favours"]


def break_favours(
    favours: tuple[str, str] | None, layout: Layout, scale: AxisScale, limits: tuple[float, float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Break the two texts into lines that fit between the null and the ends of the panel."""
    if favours is None:
        return (), ()
    if scale.null is None:
        raise ValueError("`favours` needs a line of no effect, which a proportion or a rate does not have.")
    if not limits[0] <= scale.null <= limits[1]:
        raise ValueError(
            f"`xlim` must hold the null {scale.null:g} where `favours` is given, but is {limits}."
        )
    null = _place(scale.null, layout, scale, limits)
    # Beside a null at the edge, a text may stand under the neighbouring column.
    least = 36.0 * POINTS_PER_MM
    left = min(max(null - layout.panel[0], least), null - MARGIN) - 3.0
    right = min(max(layout.panel[1] - null, least), layout.width - MARGIN - null) - 3.0
    return wrap_text(f"←\N{NO-BREAK SPACE}{favours[0]}", left), wrap_text(
        f"{favours[1]}\N{NO-BREAK SPACE}→", right
    )


def _place(value: float, layout: Layout, scale: AxisScale, limits: tuple[float, float]) -> float:
    forward = math.log if scale.log else float
    low, high = forward(limits[0]), forward(limits[1])
    return layout.panel[0] + (layout.panel[1] - layout.panel[0]) * (forward(value) - low) / (high - low)


def write_favours(
    page: Page,
    scale: AxisScale,
    words: tuple[tuple[str, ...], tuple[str, ...]],
    limits: tuple[float, float],
) -> None:
    """Write the broken lines beside the null, under the labels of the axis."""
    if scale.null is None or not limits[0] <= scale.null <= limits[1]:
        return
    for lines, offset, align in zip(words, (-3.0, 3.0), ("right", "left"), strict=True):
        for number, line in enumerate(lines):
            page.axes.annotate(
                line,
                xy=(scale.null, 0.0),
                xycoords=("data", "axes fraction"),
                xytext=(
                    offset,
                    -(UNDER_AXIS + (number + 0.5) * BODY_SIZE * LINE_SPACING + 0.365 * BODY_SIZE),
                ),
                textcoords="offset points",
                ha=align,
                va="baseline",
                fontproperties=font(),
                color=BLACK,
                annotation_clip=False,
                gid="favours",
            )
