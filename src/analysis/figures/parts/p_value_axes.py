"""What P-value functions share: their axes, and which meta-analyses and studies have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.markers import TICKRIGHT

from analysis.figures.parts.plane import panel_points, set_y_axis
from analysis.figures.style import BLACK, current
from analysis.figures.parts.text import LINE_SPACING, font, text_width
from analysis.figures.parts.writer import MARGIN
from analysis.tables.format import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray

__all__ = [
    "check_one_curve",
    "level_text",
    "room_for_levels",
    "set_p_axes",
    "studies_with_curve",
]

# Levels written on the right, the most wanted first.
_RIGHT_LEVELS = (0.95, 0.5, 0.8, 0.0, 0.99, 0.9, 0.25)


def set_p_axes(ax: Axes, level: float) -> None:
    """Set the P-value on the left, the confidence level on the right, and the line of the marked level."""
    set_y_axis(ax, "P-value", 0.0, 1.1)
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    ax.set_yticks(ticks, [format_number(tick, 1) for tick in ticks])
    for text in ax.get_yticklabels():
        text.set_fontproperties(font())
        text.set_parse_math(False)
    ax.axhline(1 - level, color=BLACK, linewidth=0.7, linestyle=(0, (1.0, 1.6)), zorder=1.2, gid="level line")
    ax.spines["right"].set_visible(True)
    ax.set_xlim(ax.get_xlim())
    body = current().body_size
    apart = 1.25 * body / panel_points(ax)[1] * 1.1
    shown: list[float] = []
    for each in (level, *_RIGHT_LEVELS):
        if all(abs(each - other) >= apart for other in shown):
            shown.append(each)
    for each in shown:
        ax.annotate(
            level_text(each).removesuffix("%"),
            xy=(1.0, 1 - each),
            xycoords=("axes fraction", "data"),
            xytext=(6.0, 0.0),
            textcoords="offset points",
            ha="left",
            va="center",
            fontproperties=font(),
            color=BLACK,
            annotation_clip=False,
            gid="level",
            parse_math=False,
        )
        ax.plot(
            [1.0],
            [1 - each],
            transform=ax.get_yaxis_transform(),
            marker=TICKRIGHT,
            markersize=3.0,
            markeredgewidth=0.6,
            color=BLACK,
            clip_on=False,
            gid="level tick",
        )
    widest = max(text_width(level_text(each).removesuffix("%"), size=body) for each in shown)
    ax.annotate(
        "Confidence level (%)",
        xy=(1.0, 0.5),
        xycoords="axes fraction",
        xytext=(6.0 + widest + 3.0, 0.0),
        textcoords="offset points",
        rotation=-90,
        ha="left",
        va="center",
        fontproperties=font(),
        color=BLACK,
        annotation_clip=False,
        gid="level name",
        parse_math=False,
    )


def room_for_levels() -> float:
    """Return the room for the confidence levels and their name."""
    body = current().body_size
    return 6.0 + text_width("99.9", size=body) + 3.0 + body * LINE_SPACING + MARGIN


def level_text(level: float) -> str:
    """Return a confidence level in percent, with as many decimals as it has."""
    percent = round(100 * level, 6)
    decimals = len(np.format_float_positional(percent, trim="-").partition(".")[2])
    return f"{format_number(percent, decimals)}%"


def studies_with_curve(pooled: PooledEstimate) -> BoolArray:
    """Tell which studies have a curve: those that were pooled, with a standard error above 0."""
    error = pooled.effects.std_error
    usable = np.isfinite(pooled.effects.effect) & np.isfinite(error) & (error > 0)
    return np.asarray(usable if pooled.where is None else usable & np.reshape(pooled.where, usable.shape))


def check_one_curve(pooled: PooledEstimate) -> None:
    """Refuse several meta-analyses, and an interval of the mean that is not symmetric on its scale."""
    if pooled.shape != () or pooled.effects.effect.ndim != 1:
        raise ValueError(
            f"`pooled` must be of one meta-analysis, but has shape {pooled.shape}. Draw one at a time."
        )
    if pooled.mean_low is not None:
        raise ValueError(
            "`pooled` must have an interval of its mean plus or minus a quantile times its standard error, "
            f"but ci={pooled.ci_method!r} is none. Pool with ci='wald', 't' or 'hartung-knapp-adhoc'."
        )
    if not studies_with_curve(pooled).any() or not float(pooled.std_error) > 0:
        raise ValueError("`pooled` must hold a study with a standard error above 0, but has none.")
