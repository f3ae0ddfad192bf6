"""The tipping surface: for which pairs of bias parameters the result would no longer stand.

Takes a finished `TippingPoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.bias.tipping import TippingPoint
from analysis.figures.style import BLACK, GREY, MM_PER_INCH, SMALL_SIZE, VERMILLION, house_style
from analysis.values.scale import measure_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.values.arrays import FloatArray

__all__ = ["plot_tipping_surface"]


def plot_tipping_surface(result: TippingPoint, *, ax: Axes | None = None) -> Axes:
    """Draw the limit over two parameters as contours, and hatch where it has tipped.

    Parameters
    ----------
    result : TippingPoint
        Of one table or estimate, with a surface.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        The thick line (gid "tipping line") is where the limit meets the target; a cross (gid "joint") where
        both parameters meet it together with all others.

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If it has no surface, is of several tables, or its surface is flat.
    """
    x, y, z, axes = _laid_out(result)
    tipped_below = float(result.unbiased.item()) > result.target
    with house_style():
        if ax is None:
            figure = Figure(figsize=(100 / MM_PER_INCH, 85 / MM_PER_INCH), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        lines = ax.contour(x, y, z, levels=6, colors=GREY, linewidths=0.6)
        for label in ax.clabel(lines, fmt=lambda level: short_number(float(level)), fontsize=SMALL_SIZE):
            label.set_parse_math(False)
        if z.min() < result.target < z.max():
            area = [float(z.min()), result.target] if tipped_below else [result.target, float(z.max())]
            ax.contourf(x, y, z, levels=area, colors="none", hatches=["///"]).set_gid("tipped")
            line = ax.contour(x, y, z, levels=[result.target], colors=VERMILLION, linewidths=1.6)
            line.set_gid("tipping line")
        first, second = (result.parameters.index(name) for name in axes)
        if np.isfinite(result.joint).all():
            joint = result.joint_values.reshape(len(result.parameters))
            ax.plot([joint[first]], [joint[second]], marker="x", color=BLACK, linestyle="none", gid="joint")
        ax.set_xlabel(axes[0].replace("_", " "), parse_math=False)
        ax.set_ylabel(axes[1].replace("_", " "), parse_math=False)
        what = "Estimate" if result.limit == "estimate" else "Nearer limit"
        ax.set_title(
            f"{what} of the adjusted {measure_of(result.measure).label.lower()}; "
            f"hatched: {short_number(result.target)} reached",
            fontsize=SMALL_SIZE,
            parse_math=False,
        )
        # Ticks beyond the ends are not seen, but are there for whoever reads the file.
        for axis in (ax.xaxis, ax.yaxis):
            first_end, last_end = sorted(axis.get_view_interval())
            axis.set_ticks([tick for tick in axis.get_ticklocs() if first_end <= tick <= last_end])
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            text.set_parse_math(False)
    return ax


def _laid_out(
    result: TippingPoint,
) -> tuple[FloatArray, FloatArray, np.ma.MaskedArray[Any, np.dtype[np.float64]], tuple[str, str]]:
    """Return both axes, the surface without its impossible points, and the names of the axes."""
    if not isinstance(result, TippingPoint):
        raise TypeError(f"`result` must be a TippingPoint, but got {type(result).__name__}.")
    if result.surface is None or result.surface_x is None or result.surface_y is None or result.axes is None:
        raise ValueError("`result` must have a surface. Run tipping_point(..., surface=(...)).")
    if result.joint.size != 1:
        raise ValueError(f"`result` must be of one table, but has {result.joint.size}. Run one table.")
    x, y = result.surface_x, result.surface_y
    z = np.ma.masked_invalid(result.surface.reshape(y.size, x.size))
    if x[0] == x[-1] or y[0] == y[-1] or z.count() == 0 or z.min() == z.max():
        raise ValueError("`result` must vary over both parameters of its surface. Name two others.")
    return x, y, z, result.axes
