"""Mosaic of a 2x2 table: widths are the sizes of the arms, heights the risks, areas numbers of people.

Takes counts and draws them; the only numbers beside them are their shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.parts.mosaic_cells import ARM_GAP, MosaicCells, record_of_mosaic
from analysis.figures.record import keep_record
from analysis.figures.parts.sheet import draw_sheet, sheet_width, size_in_points
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.tables.format import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.values.counts import TwoByTwo

__all__ = ["figure_mosaic", "plot_mosaic"]

# Between a text and what it stands beside, in points.
_PAD = 3.0
# A cell lower than this (percent of its arm) may be too low for its count, which then stands above it.
_LOW = 15.0
# From the mosaic to the names under it, in letters' sizes: the lowest label of the axis reaches into it.
_UNDER = 0.75
_TICKS = (0, 20, 40, 60, 80, 100)
_YLABEL = "Share of each arm (%)"
_MOST_SIDE = 0.34


def plot_mosaic(
    table: TwoByTwo,
    *,
    arms: tuple[str, str] = ("Exposed", "Control"),
    outcomes: tuple[str, str] = ("Cases", "No cases"),
    ax: Axes | None = None,
) -> Axes:
    """Draw the mosaic of one table.

    Parameters
    ----------
    table : TwoByTwo
        One table, with people in both arms.
    arms : tuple of str, default ("Exposed", "Control")
        Names of the arms, from left to right.
    outcomes : tuple of str, default ("Cases", "No cases")
        Names of the lower and the upper part.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Texts are fitted to the size
        that the axes have now; some stand outside of the frame.

    Returns
    -------
    Axes
        In percent: the first arm reaches from 0 to its share of the people, the second one begins 1.5
        after it; cases reach from 0 to the risk.

    Raises
    ------
    TypeError
        If `table` is of another type.
    ValueError
        If it is not one table, or an arm has no people.
    """
    counts = MosaicCells.of(table, arms, outcomes)
    with house_style():
        if ax is None:
            figure = Figure(figsize=(current().single_mm / MM_PER_INCH, 2.4))
            FigureCanvasAgg(figure)
            plan = _Plan.of(counts, sheet_width(current().single_mm))
            ax = _add_axes(figure, plan, 0.0, 2.4 * POINTS_PER_INCH - 2 * MARGIN)
        else:
            plan = _Plan.within(counts, size_in_points(ax)[0])
        plan.draw(ax)
    return ax


def figure_mosaic(
    table: TwoByTwo,
    *,
    arms: tuple[str, str] = ("Exposed", "Control"),
    outcomes: tuple[str, str] = ("Cases", "No cases"),
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the mosaic of one table at its printed size.

    Parameters
    ----------
    table, arms, outcomes
        As for `plot_mosaic`.
    width_mm : float, optional
        Printed width; by default that of one column in the style.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Counts and percentages stand inside their cells, or beside those that are too small.

    Raises
    ------
    TypeError
        If `table` is of another type.
    ValueError
        If it is not one table, an arm has no people, or the page is too narrow.

    References
    ----------
    Hartigan JA, Kleiner B (1984). A mosaic of television ratings. Am Stat 38:32-35.
    DOI 10.1080/00031305.1984.10482869 (DOI not verified.)
    """
    counts = MosaicCells.of(table, arms, outcomes)
    with house_style():
        page_mm = current().single_mm if width_mm is None else width_mm
        plan = _Plan.of(counts, sheet_width(page_mm))
        tall = min(max(0.75 * plan.width, 14 * current().body_size), 30 * current().body_size)
        height = plan.above + tall + plan.below
        sheet = draw_sheet(page_mm, height, notes=[note] if note else [], synthetic=synthetic)
        page_height = float(sheet.figure.get_figheight()) * POINTS_PER_INCH
        bottom = sheet.axes.get_position().y0 * page_height
        ax = _add_axes(sheet.figure, plan, bottom - MARGIN, height)
        plan.draw(ax)
        return keep_record(sheet.figure, record_of_mosaic(counts))


def _add_axes(figure: Figure, plan: _Plan, bottom: float, height: float) -> Axes:
    """Make axes in a figure so that there is room for the plan's texts about them."""
    width, tall = (float(side) * POINTS_PER_INCH for side in figure.get_size_inches())
    return figure.add_axes(
        (
            (MARGIN + plan.left) / width,
            (MARGIN + bottom + plan.below) / tall,
            plan.width / width,
            (height - plan.above - plan.below) / tall,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How wide the mosaic is in points, what stands about it, and which arm is too narrow for texts."""

    counts: MosaicCells
    width: float
    left: float
    below: float
    above: float
    narrow: tuple[bool, bool]
    outward: float
    arms: tuple[tuple[str, ...], tuple[str, ...]]
    sides: tuple[tuple[str, ...], tuple[str, ...]]

    @classmethod
    def of(cls, counts: MosaicCells, page: float) -> _Plan:
        """Plan a mosaic with its texts on a page of this width."""
        size = current().body_size
        axis = text_width("100", size=size) + 6.0 + LINE_SPACING * size + 2.0
        narrow = (False, False)
        while True:
            outward = _beside(counts, 0) if narrow[0] else 0.0
            sides = _side_lines(counts, page, narrow=narrow[1])
            right = max(text_width(line, size=size) for lines in sides for line in lines) + 2 * _PAD + 2.0
            left = axis + outward
            for _ in range(3):
                # A narrow arm's name runs outwards, so there must be room for its longest word.
                width = page - left - right
                needs = _needs(counts)
                left = max(left, needs[0] - _arm_width(counts, 0, width) + 1.0)
                right = max(right, needs[1] - _arm_width(counts, 1, width) + 1.0)
            width = page - left - right
            if width < 7 * size:
                raise ValueError(
                    f"The figure must be wider for these words: {width:.0f} points are left for the mosaic. "
                    "Set a larger `width_mm`, or shorten `arms` or `outcomes`."
                )
            found = (
                narrow[0] or _is_narrow(counts, 0, width),
                narrow[1] or _is_narrow(counts, 1, width),
            )
            if found == narrow:
                break
            narrow = found
        return cls._finished(
            counts, width, left=left, right=right, narrow=narrow, outward=outward, sides=sides
        )

    @classmethod
    def within(cls, counts: MosaicCells, width: float) -> _Plan:
        """Plan a mosaic in axes of this width."""
        narrow = (_is_narrow(counts, 0, width), _is_narrow(counts, 1, width))
        needs = _needs(counts)
        return cls._finished(
            counts,
            width,
            left=max(needs[0] - _arm_width(counts, 0, width), 0.0) + 1.0,
            right=max(needs[1] - _arm_width(counts, 1, width), 0.0) + 1.0,
            narrow=narrow,
            outward=_beside(counts, 0) if narrow[0] else 0.0,
            sides=_side_lines(counts, 3 * width, narrow=narrow[1]),
        )

    @classmethod
    def _finished(
        cls,
        counts: MosaicCells,
        width: float,
        *,
        left: float,
        right: float,
        narrow: tuple[bool, bool],
        outward: float,
        sides: tuple[tuple[str, ...], tuple[str, ...]],
    ) -> _Plan:
        size = current().body_size
        arms = _arm_lines(counts, width, (left, right))
        top = min(100.0 - counts.part(arm, 0)[1] for arm in (0, 1))
        return cls(
            counts=counts,
            width=width,
            left=left,
            below=max(map(len, arms)) * size * LINE_SPACING + _UNDER * size + 1.0,
            above=(2 * LINE_SPACING * size if top < _LOW else 0.0) + 4.0,
            narrow=narrow,
            outward=outward,
            arms=arms,
            sides=sides,
        )

    def draw(self, ax: Axes) -> None:
        counts = self.counts
        ax.set_xlim(0.0, 100.0 + ARM_GAP)
        ax.set_ylim(0.0, 100.0)
        for spine in ("top", "right", "bottom"):
            ax.spines[spine].set_visible(False)
        ax.spines["left"].set_position(("outward", self.outward + 2.0))
        ax.set_yticks(_TICKS, [format_count(tick) for tick in _TICKS])
        ax.set_xticks([])
        for text in ax.get_yticklabels():
            text.set_fontproperties(font())
            text.set_parse_math(False)
        ax.set_ylabel(_YLABEL, fontproperties=font(), parse_math=False)
        for arm in (0, 1):
            for part in (0, 1):
                low, high = counts.part(arm, part)
                if high > low:
                    ax.add_patch(
                        Rectangle(
                            (counts.left(arm), low),
                            counts.share(arm),
                            high - low,
                            facecolor=(BLUE, LIGHT_GREY)[part],
                            edgecolor=BLACK,
                            linewidth=current().line_width,
                            clip_on=False,
                            gid=f"cell {arm} {part}",
                        )
                    )
                self._write_count(ax, arm, part)
            self._name_arm(ax, arm)
        for part in (0, 1):
            low, high = counts.part(1, part)
            at = (100.0 + ARM_GAP, self._clamped(ax, (low + high) / 2, len(self.sides[part])))
            self._write(ax, "\n".join(self.sides[part]), at, "side", x=_PAD + 2.0)
            if self.narrow[1]:
                self._lead(ax, 100.0 + ARM_GAP, (low + high) / 2, _PAD)

    def _name_arm(self, ax: Axes, arm: int) -> None:
        """Write the name of an arm under its middle, or outwards from its inner edge where it is narrower."""
        counts, size = self.counts, current().body_size
        left, right = counts.left(arm), counts.left(arm) + counts.share(arm)
        wide = max(text_width(line, size=size) for line in self.arms[arm])
        x, align = (left + right) / 2, "center"
        if wide > _arm_width(counts, arm, self.width):
            x, align = ((right, "right"), (left, "left"))[arm]
        under = -_UNDER * size
        self._write(ax, "\n".join(self.arms[arm]), (x, 0.0), "arm", y=under, align=align, vertical="top")

    def _clamped(self, ax: Axes, y: float, lines: int = 1) -> float:
        """Return the nearest place at which a text beside the mosaic stays between its ends."""
        half = 100.0 * 0.5 * lines * LINE_SPACING * current().body_size / size_in_points(ax)[1]
        return min(max(y, half), 100.0 - half)

    def _write_count(self, ax: Axes, arm: int, part: int) -> None:
        """Write the count of a cell into it, over it where it is too low, beside it where it is narrow."""
        counts, size = self.counts, current().body_size
        low, high = counts.part(arm, part)
        text = counts.said(arm, part)
        middle = counts.left(arm) + counts.share(arm) / 2
        if self.narrow[arm]:
            if arm == 0:
                y = (low + high) / 2
                self._write(ax, text, (0.0, self._clamped(ax, y)), "count", x=-_PAD - 2.0, align="right")
                self._lead(ax, 0.0, y, -_PAD)
            return
        room = _arm_width(counts, arm, self.width) - 2 * _PAD
        tall = (high - low) / 100.0 * size_in_points(ax)[1]
        lines = text if text_width(text, size=size) <= room else text.replace(" (", "\n(")
        if tall >= (lines.count("\n") + 1) * LINE_SPACING * size + 2.0:
            colour = "white" if part == 0 else BLACK
            self._write(ax, lines, (middle, (low + high) / 2), "count", align="center", colour=colour)
        else:
            # Over the cell, as over a bar: in the upper cell, or above the mosaic.
            self._write(ax, lines, (middle, high), "count", y=1.5, align="center", vertical="bottom")

    def _write(
        self,
        ax: Axes,
        text: str,
        at: tuple[float, float],
        gid: str,
        *,
        x: float = 0.0,
        y: float = 0.0,
        align: str = "left",
        vertical: str = "center_baseline",
        colour: str = BLACK,
    ) -> None:
        ax.annotate(
            text,
            xy=at,
            xytext=(x, y),
            textcoords="offset points",
            ha=align,
            va=vertical,
            multialignment=align,
            linespacing=LINE_SPACING,
            fontproperties=font(),
            color=colour,
            parse_math=False,
            annotation_clip=False,
            gid=gid,
        )

    def _lead(self, ax: Axes, x: float, y: float, length: float) -> None:
        ax.annotate(
            "",
            xy=(x, y),
            xytext=(length, 0.0),
            textcoords="offset points",
            arrowprops={
                "arrowstyle": "-",
                "color": GREY,
                "linewidth": current().line_width,
                "shrinkA": 0.0,
                "shrinkB": 0.0,
            },
            annotation_clip=False,
            gid="leader",
        )


def _is_narrow(counts: MosaicCells, arm: int, width: float) -> bool:
    """Tell whether an arm is too narrow for its counts, even on two lines."""
    size = current().body_size
    room = _arm_width(counts, arm, width) - 2 * _PAD
    words = [word for part in (0, 1) for word in counts.said(arm, part).split(" ")]
    return max(text_width(word, size=size) for word in words) > room


def _beside(counts: MosaicCells, arm: int) -> float:
    size = current().body_size
    return max(text_width(counts.said(arm, part), size=size) for part in (0, 1)) + 2 * _PAD + 2.0


def _side_lines(counts: MosaicCells, page: float, *, narrow: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    size = current().body_size
    room = _MOST_SIDE * page
    names = [
        (*wrap_text(name, room, size=size), *((counts.said(1, part),) if narrow else ()))
        for part, name in enumerate(counts.outcomes)
    ]
    return names[0], names[1]


def _arm_width(counts: MosaicCells, arm: int, width: float) -> float:
    return counts.share(arm) / (100.0 + ARM_GAP) * width


def _size_said(total: float) -> str:
    return f"(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{format_count(total)})"


def _needs(counts: MosaicCells) -> tuple[float, float]:
    """Return the length of the longest word under each arm, in points."""
    size = current().body_size
    longest = [
        max(text_width(word, size=size) for word in (*name.split(), _size_said(total)))
        for name, total in zip(counts.arms, counts.totals, strict=True)
    ]
    return longest[0], longest[1]


def _arm_lines(
    counts: MosaicCells, width: float, margins: tuple[float, float]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    size = current().body_size
    names = []
    for arm, (name, total) in enumerate(zip(counts.arms, counts.totals, strict=True)):
        own = _arm_width(counts, arm, width)
        # Inside the own width where all words fit, or else out to the margin.
        fits = _needs(counts)[arm] <= own - _PAD
        room = own - _PAD if fits else own + margins[arm] - 1.0
        names.append((*wrap_text(name, room, size=size), _size_said(total)))
    return names[0], names[1]
