"""The contour of the bias factor: how strong a confounder must be with exposure and with outcome.

Takes a finished `EValue`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.bias.evalue import EValue, bounding_factor, needed_strength
from analysis.figures.style import BLACK, BLUE, MM_PER_INCH, SMALL_SIZE, house_style
from analysis.values.text import short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_bias_contour"]

_POINTS = 400


def plot_bias_contour(result: EValue, *, largest: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the pairs of strengths that explain the estimate, and those that explain its nearer limit.

    Parameters
    ----------
    result : EValue
        Of one estimate.
    largest : float, optional
        End of both axes; by default three times the E-value of the estimate.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Solid line for the estimate (gid "estimate"), dashed for the limit (gid "limit") where it has an
        E-value above 1; a marker at the E-value itself, where both strengths are equal.

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If it is of several estimates, its E-value is 1 or not finite, or `largest` does not exceed it.
    """
    if not isinstance(result, EValue):
        raise TypeError(f"`result` must be an EValue, but got {type(result).__name__}.")
    if result.value.size != 1:
        raise ValueError(f"`result` must be of one estimate, but has shape {result.value.shape}.")
    strength = float(result.value.item())
    if not 1 < strength < np.inf:
        raise ValueError(f"`result` must have an E-value above 1 to be drawn, but it is {strength:g}.")
    end = 3 * strength if largest is None else float(largest)
    if not strength < end < np.inf:
        raise ValueError(f"`largest` must exceed the E-value {strength:.4g}, but got {largest!r}.")
    lines = [("estimate", strength, BLACK, "-")]
    limit = float(result.limit.item())
    if np.isfinite(limit) and limit > 1:
        lines.append(("limit", limit, BLUE, "--"))
    with house_style():
        if ax is None:
            figure = Figure(figsize=(90 / MM_PER_INCH, 85 / MM_PER_INCH), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        for name, value, color, line in lines:
            factor = float(bounding_factor(value, value))
            # From where the second strength is at the end of its axis; the curve is its own mirror image.
            start = float(needed_strength(factor, other_strength=end))
            x = np.geomspace(start, end, _POINTS)
            ax.plot(
                x,
                needed_strength(factor, other_strength=x),
                color=color,
                linestyle=line,
                linewidth=1.2,
                gid=name,
            )
            ax.plot([value], [value], marker="s", markersize=4, color=color, linestyle="none")
            ax.annotate(
                f"{name}: {short_number(value)}",
                (value, value),
                # Outside of both lines: above the one of the estimate, below the one of the limit.
                xytext=(5, 3) if name == "estimate" else (-5, -3),
                textcoords="offset points",
                ha="left" if name == "estimate" else "right",
                va="bottom" if name == "estimate" else "top",
                color=color,
                fontsize=SMALL_SIZE,
                parse_math=False,
            )
        ax.set_xlim(1, end)
        ax.set_ylim(1, end)
        ax.set_xlabel("Confounder and exposure (risk ratio)")
        ax.set_ylabel("Confounder and outcome (risk ratio)")
        # Ticks beyond the ends are not seen, but are there for whoever reads the file.
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_ticks([tick for tick in axis.get_ticklocs() if 1 <= tick <= end])
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            text.set_parse_math(False)
    return ax
