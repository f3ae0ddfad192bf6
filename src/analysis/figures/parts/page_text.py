"""Lines of text whose width is already known: drawn without being laid out a second time.

Most of the time that a table of text takes to draw goes into measuring its lines again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

from analysis.figures.style import BLACK
from analysis.figures.parts.text import LINE_SPACING, font, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.transforms import Transform

__all__ = ["PlacedText", "write_lines"]

_SHARES = {"left": 0.0, "center": 0.5, "right": 1.0}


class PlacedText(Text):
    """One line of text on its baseline, of a width in points that was measured before."""

    def __init__(
        self, x: float, y: float, text: str, *, width: float, align: str, properties: FontProperties
    ) -> None:
        # By the constructor's own names: settings that go through `update` take most of its time.
        super().__init__(
            x,
            y,
            text,
            color=BLACK,
            horizontalalignment=cast("Literal['left', 'center', 'right']", align),
            verticalalignment="baseline",
            fontproperties=properties,
            parse_math=False,
        )
        self.measured = width
        self.set_clip_on(False)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line where its alignment puts it."""
        if isinstance(renderer, RendererAgg):
            # Pixels round the widths of letters: what was measured would not be right aligned.
            super().draw(renderer)
            return
        if not self.get_visible():
            return
        renderer.open_group("text", self.get_gid())
        x, y = self.get_transform().transform(self.get_position())
        width = float(np.asarray(renderer.points_to_pixels(self.measured)))
        x -= _SHARES[str(self.get_horizontalalignment())] * width
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        renderer.draw_text(context, x, y, self.get_text(), self.get_fontproperties(), 0.0, mtext=self)
        context.restore()
        renderer.close_group("text")
        self.stale = False


def write_lines(
    figure: Figure,
    transform: Transform,
    lines: Sequence[str],
    *,
    x: float,
    top: float,
    size: float,
    align: str = "left",
    bold: bool = False,
    gid: str | None = None,
) -> None:
    """Write lines one below the other into a figure, the first one's upper edge at `top`."""
    for number, line in enumerate(lines):
        if not line:
            continue
        # Capital letters are 0.73 of the size: this puts their middle on the middle of the line.
        baseline = top + (number + 0.5) * size * LINE_SPACING + 0.365 * size
        text = PlacedText(
            x,
            baseline,
            line,
            width=text_width(line, size=size, bold=bold),
            align=align,
            properties=font(size, bold=bold),
        )
        text.set_transform(transform)
        text.set_gid(gid)
        text.set_figure(figure)
        figure.texts.append(text)
