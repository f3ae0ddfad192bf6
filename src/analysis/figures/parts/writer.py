"""Text, rules and banners written into a figure at points from its top left corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from analysis.figures.style import BLACK, GREY, POINTS_PER_INCH, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

__all__ = ["MARGIN", "Writer"]

# Around the page, in points.
MARGIN = 4.0


class Writer:
    """Writes into a figure at points from its top left corner."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self.figure = figure
        self.width = width
        self.transform = (
            Affine2D().scale(1, -1).translate(0, height).scale(1 / POINTS_PER_INCH) + figure.dpi_scale_trans
        )

    def block(
        self,
        lines: Sequence[str],
        *,
        x: float,
        top: float,
        align: str = "left",
        size: float | None = None,
        bold: bool = False,
    ) -> None:
        """Write lines one below the other, the first one's upper edge at `top`; by default in body size."""
        size = current().body_size if size is None else size
        for number, line in enumerate(lines):
            # Capital letters are 0.73 of the size: this puts their middle on the middle of the line.
            baseline = top + (number + 0.5) * size * LINE_SPACING + 0.365 * size
            self.figure.text(
                x,
                baseline,
                line,
                transform=self.transform,
                ha=align,
                va="baseline",
                fontproperties=font(size, bold=bold),
                color=BLACK,
                parse_math=False,
            )

    def rule(self, y: float) -> None:
        """Draw the line below the headings."""
        self.figure.add_artist(
            Line2D(
                [MARGIN, self.width - MARGIN],
                [y, y],
                transform=self.transform,
                color=GREY,
                linewidth=current().line_width,
            )
        )

    def banner(self, text: str, height: float) -> None:
        """Write white on black over the whole width."""
        self.figure.add_artist(
            Rectangle(
                (MARGIN, MARGIN),
                self.width - 2 * MARGIN,
                height - 2.0,
                transform=self.transform,
                facecolor=BLACK,
                edgecolor="none",
            )
        )
        size = current().body_size
        if text_width(text, size=size, bold=True) > self.width - 4 * MARGIN:
            text = text.partition(" –")[0]
        self.figure.text(
            self.width / 2,
            MARGIN + (height - 2.0) / 2 + 0.365 * size,
            text,
            transform=self.transform,
            ha="center",
            va="baseline",
            fontproperties=font(size, bold=True),
            color="white",
            parse_math=False,
            gid="synthetic",
        )
