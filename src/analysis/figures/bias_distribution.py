"""The distribution of bias-adjusted estimates: conventional, bias alone, bias and random error.

Takes a finished analysis; its kept draws are counted in bins, nothing else is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis
from analysis.figures.axes import axis_scale, set_x_axis
from analysis.figures.style import BLACK, BLUE, MM_PER_INCH, SMALL_SIZE, VERMILLION, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.values.arrays import FloatArray

__all__ = ["plot_bias_distribution"]

_BINS = 80
# Share of the draws that the axis shows; a tail to infinity must not squeeze the rest.
_SHOWN = (0.005, 0.995)


def plot_bias_distribution(result: ProbabilisticBiasAnalysis, *, ax: Axes | None = None) -> Axes:
    """Draw the kept draws as outlines and under them the three intervals.

    Parameters
    ----------
    result : ProbabilisticBiasAnalysis
        Of one table, with at least 100 draws kept.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Outlines have a height of 1 at most (gid "systematic", "total"); intervals lie below 0 in the order
        conventional, systematic, total (gid "interval").

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If it is of several tables, or kept fewer than 100 possible draws.
    """
    drawn = _checked(result)
    scale = axis_scale(result.measure)
    usual = result.conventional
    low, high = _ends(result, drawn)
    back = np.exp if scale.log else np.asarray
    figure = None
    with house_style():
        if ax is None:
            figure = Figure(figsize=(120 / MM_PER_INCH, 80 / MM_PER_INCH), layout="constrained")
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
        edges = np.linspace(low, high, _BINS + 1)
        for (name, values), color, line in zip(drawn.items(), (BLUE, VERMILLION), ("-", "--"), strict=False):
            counts = np.histogram(values, bins=edges)[0]
            ax.stairs(
                counts / counts.max(), back(edges), color=color, linestyle=line, linewidth=1.1, gid=name
            )
        rows = [("no bias", usual, BLACK, "-"), ("bias alone", result.systematic_interval, BLUE, "-")]
        if result.total is not None:
            rows.append(("bias and random error", result.total_interval, VERMILLION, "--"))
        for place, (label, interval, color, line) in enumerate(rows, start=1):
            y = -0.16 * place
            value, first, last = (
                float(part.item()) for part in (interval.value, interval.low, interval.high)
            )
            first, last = max(first, float(back(np.asarray(low)))), min(last, float(back(np.asarray(high))))
            ax.plot([first, last], [y, y], color=color, linestyle=line, linewidth=1.2, gid="interval")
            ax.plot([value], [y], color=color, marker="s", markersize=4, linestyle="none")
            text = f"{label}: {interval}"
            ax.annotate(
                text,
                (0.98, y + 0.07),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="center",
                fontsize=SMALL_SIZE,
                color=color,
                parse_math=False,
            )
        ax.set_ylim(-0.16 * len(rows) - 0.1, 1.05)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(scale.label)
        if figure is not None:
            # Ticks depend on the final size of the axes.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        set_x_axis(ax, scale, float(back(np.asarray(low))), float(back(np.asarray(high))))
    return ax


def _drawable(values: FloatArray, *, log: bool) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log(values) if log else np.asarray(values)
    return np.asarray(x[np.isfinite(x)])


def _checked(result: ProbabilisticBiasAnalysis) -> dict[str, FloatArray]:
    """Return the draws that can be drawn, on the analysis scale."""
    if not isinstance(result, ProbabilisticBiasAnalysis):
        raise TypeError(f"`result` must be a ProbabilisticBiasAnalysis, but got {type(result).__name__}.")
    if result.conventional.value.size != 1:
        raise ValueError(f"`result` must be of one table, but has shape {result.shape}. Run one table.")
    log = axis_scale(result.measure).log
    kept = {"systematic": result.kept_systematic}
    if result.kept_total is not None:
        kept["total"] = result.kept_total
    drawn = {name: _drawable(values, log=log) for name, values in kept.items()}
    if min(values.size for values in drawn.values()) < 100:
        raise ValueError("`result` must hold at least 100 possible draws. Run it with a larger keep=.")
    return drawn


def _ends(result: ProbabilisticBiasAnalysis, drawn: dict[str, FloatArray]) -> tuple[float, float]:
    usual = result.conventional
    ends = [np.quantile(values, _SHOWN) for values in drawn.values()]
    # Without limits of its own the conventional estimate has its place at least.
    parts = np.array([usual.value, usual.low, usual.high])
    ends.append(_drawable(parts, log=axis_scale(result.measure).log))
    shown = np.concatenate(ends)
    return float(shown.min()), float(shown.max())
