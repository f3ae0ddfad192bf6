"""The two texts at a forest plot that say whom each side of the null favours, under its axis or over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.figures.parts.axes import under_axis
from analysis.figures.style import BLACK, POINTS_PER_MM, current
from analysis.figures.parts.text import LINE_SPACING, font, wrap_text
from analysis.figures.parts.writer import MARGIN

if TYPE_CHECKING:
    from analysis.figures.parts.axes import AxisScale
    from analysis.figures.parts.page import Layout, Page

__all__ = ["break_favours", "favours_height", "room_beside_null", "write_favours"]

# Between the null and each text, in points.
_BESIDE = 3.0
# Over the line below the headings.
_ABOVE = 2.0


def break_favours(
    favours: tuple[str, str] | None,
    layout: Layout,
    scale: AxisScale,
    limits: tuple[float, float],
    *,
    above: bool = False,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Break the two texts into lines that fit between the null and the ends of the panel."""
    if favours is None:
        return (), ()
    if isinstance(favours, str) or len(favours) != 2:
        raise ValueError(f"`favours` must be two texts, left and right of the null, but got {favours!r}.")
    if scale.null is None:
        raise ValueError("`favours` needs a line of no effect, which a proportion or a rate does not have.")
    if not limits[0] <= scale.null <= limits[1]:
        raise ValueError(
            f"`xlim` must hold the null {scale.null:g} where `favours` is given, but is {limits}."
        )
    null = _place(scale.null, layout, scale, limits)
    # Beside a null at the edge, a text may stand under the neighbouring column, but not over its heading.
    least = (0.0 if above else 36.0) * POINTS_PER_MM
    left = min(max(null - layout.panel[0], least), null - MARGIN) - _BESIDE
    right = min(max(layout.panel[1] - null, least), layout.width - MARGIN - null) - _BESIDE
    size = current().body_size
    return wrap_text(f"←\N{NO-BREAK SPACE}{favours[0]}", left, size=size), wrap_text(
        f"{favours[1]}\N{NO-BREAK SPACE}→", right, size=size
    )


def room_beside_null(layout: Layout, scale: AxisScale, limits: tuple[float, float]) -> float:
    """Return the shorter distance from the null to an end of the panel in points."""
    if scale.null is None or not limits[0] <= scale.null <= limits[1]:
        return 0.0
    null = _place(scale.null, layout, scale, limits)
    return min(null - layout.panel[0], layout.panel[1] - null)


def favours_height(words: tuple[tuple[str, ...], tuple[str, ...]]) -> float:
    """Return the height of the broken lines in points."""
    return max(map(len, words)) * current().body_size * LINE_SPACING


def _place(value: float, layout: Layout, scale: AxisScale, limits: tuple[float, float]) -> float:
    low, high, at = (float(scale.forward(x)) for x in (*limits, value))
    return layout.panel[0] + (layout.panel[1] - layout.panel[0]) * (at - low) / (high - low)


def write_favours(
    page: Page,
    scale: AxisScale,
    words: tuple[tuple[str, ...], tuple[str, ...]],
    limits: tuple[float, float],
    *,
    above: bool = False,
    below: float = 0.0,
) -> None:
    """Write the broken lines beside the null: over the panel, or so many points lower than usual under it."""
    if scale.null is None or not limits[0] <= scale.null <= limits[1]:
        return
    size = current().body_size
    for lines, offset, align in zip(words, (-_BESIDE, _BESIDE), ("right", "left"), strict=True):
        for number, line in enumerate(lines):
            # From the middle of the line to its baseline are 0.365 of its size.
            down = (number + 0.5) * size * LINE_SPACING + 0.365 * size
            height = -(under_axis() + below + down)
            if above:
                height = len(lines) * size * LINE_SPACING - down + _ABOVE
            page.axes.annotate(
                line,
                xy=(scale.null, 1.0 if above else 0.0),
                xycoords=("data", "axes fraction"),
                xytext=(offset, height),
                textcoords="offset points",
                ha=align,
                va="baseline",
                fontproperties=font(),
                color=BLACK,
                annotation_clip=False,
                parse_math=False,
                gid="favours",
            )
