"""The tornado of bias parameters: how far each alone moves the adjusted measure, the widest on top.

Takes finished `ParameterSwings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.draw_swings import ParameterSwings
from analysis.figures.axes import axis_scale, labelled_axes, set_x_axis
from analysis.figures.style import BLACK, BLUE, ORANGE, SMALL_SIZE, house_style
from analysis.values.text import short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_tornado"]


def plot_tornado(result: ParameterSwings, *, ax: Axes | None = None) -> Axes:
    """Draw one bar a parameter, from the measure at its lower end to that at its upper end.

    Parameters
    ----------
    result : ParameterSwings
        Parameters whose ends contradict the table have no bar.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Row i at y = i. Towards the lower end of the parameter the bar is hatched (gid "low"), towards the
        upper one it is plain (gid "high"); beside them stand the ends.

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If no parameter moves the measure.
    """
    if not isinstance(result, ParameterSwings):
        raise TypeError(f"`result` must be ParameterSwings, but got {type(result).__name__}.")
    scale = axis_scale(result.measure)
    x = np.concatenate([result.at_low, result.at_high, [result.center]])
    x = x[np.isfinite(x) & ((x > 0) | (not scale.log))]
    if not x.max() > x.min():
        raise ValueError("`result` must hold a parameter that moves the measure, but none does.")
    span = np.log(x) if scale.log else x
    # Room beside the bars for the ends of the parameters.
    room = 0.25 * (span.max() - span.min())
    low, high = span.min() - room, span.max() + room
    if scale.log:
        low, high = np.exp(low), np.exp(high)
    with house_style():
        names = [name.replace("_", " ") for name in result.parameters]
        ax = labelled_axes(names, xlabel=scale.label, ax=ax)
        set_x_axis(ax, scale, float(low), float(high))
        ax.axvline(result.center, color=BLACK, linewidth=0.8, gid="center")
        rows = zip(result.low, result.high, result.at_low, result.at_high, strict=True)
        for y, (first, last, at_first, at_last) in enumerate(rows):
            for gid, end, at, color, hatch in (
                ("low", first, at_first, ORANGE, "////"),
                ("high", last, at_last, BLUE, ""),
            ):
                if not np.isfinite(at) or (scale.log and at <= 0) or first == last:
                    continue
                ax.barh(
                    y,
                    at - result.center,
                    left=result.center,
                    height=0.5,
                    facecolor="white" if hatch else color,
                    edgecolor=color,
                    hatch=hatch,
                    gid=gid,
                )
                side = 1 if at > result.center or (at == result.center and gid == "high") else -1
                ax.annotate(
                    short_number(float(end)),
                    (at, y),
                    xytext=(3 * side, 0),
                    textcoords="offset points",
                    ha="left" if side > 0 else "right",
                    va="center",
                    fontsize=SMALL_SIZE,
                    parse_math=False,
                )
    return ax
