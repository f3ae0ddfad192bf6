"""L'Abbé plots: the risk in one arm against the risk in the other, with lines of equal effect.

Takes tables and finished estimates.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.ticker import FixedFormatter, FixedLocator

from analysis.figures.parts.axes import nice_ticks
from analysis.figures.parts.labbe_lines import LINE_MEASURES, draw_lines, room_above, room_beside, write_values
from analysis.figures.parts.label_places import place_labels
from analysis.figures.parts.plane import KeyEntry, draw_key, figure_of, panel_points, plane_page, widest_label
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLUE, GREY, house_style
from analysis.figures.parts.text import check_glyphs, font
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_count, format_estimate, format_interval
from analysis.values.arguments import as_numbers
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["figure_labbe", "plot_labbe"]

PooledLines: TypeAlias = "PooledEstimate | Estimate | Sequence[PooledEstimate | Estimate]"
# Diameters in points of the largest circle and of the smallest.
_LARGEST, _SMALLEST = 15.0, 3.0
_STEPS = 240


def plot_labbe(
    table: TwoByTwo,
    *,
    pooled: PooledLines | None = None,
    weights: ArrayLike | None = None,
    arms: tuple[str, str] = ("exposed", "controls"),
    labels: Sequence[str] = (),
    annotate: Sequence[int] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the studies in the plane of the two risks, with lines of the pooled effects.

    Parameters
    ----------
    table : TwoByTwo
        Of shape (k,). Studies with an empty arm have no risk and are left out.
    pooled : PooledEstimate or Estimate, or a sequence of these, optional
        Risk ratio, odds ratio or risk difference, each a line with its value at the end; the first one also
        its confidence interval as a band.
    weights : array_like, optional
        Areas of the circles are in proportion to them. By default the weights of the first PooledEstimate, or
        else the numbers of persons.
    arms : tuple of str, default ("exposed", "controls")
        Names of the two arms, vertical and horizontal.
    labels : sequence of str, optional
        Names of the studies; by default those of the first PooledEstimate.
    annotate : sequence of int, optional
        Studies that are named, by position.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. They should be square.

    Returns
    -------
    Axes
        x is the risk of the controls and y that of the exposed, in percent, with the same limits: what the
        data need, from 0 where that is near.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the tables are more than one set of studies or all without persons, a pooled estimate is of an
        array or of a measure that is no line, or weights, labels or positions do not match the studies.

    Notes
    -----
    A line of constant risk ratio goes through the origin, one of constant risk difference is parallel to the
    diagonal of no effect, one of constant odds ratio is bent from corner to corner: which of them the studies
    follow shows which measure is nearer to constant.

    References
    ----------
    L'Abbé KA, Detsky AS, O'Rourke K (1987). Meta-analysis in clinical research. Ann Intern Med 107:224-233.
    DOI 10.7326/0003-4819-107-2-224. (Citation not verified.)

    Anzures-Cabrera J, Higgins JPT (2010). Graphical displays for meta-analysis: an overview with suggestions
    for practice. Res Synth Methods 1:66-80. DOI 10.1002/jrsm.6
    """
    estimates, sizes, names = _checked(table, pooled, weights, labels, annotate)
    with house_style():
        if ax is None:
            lift = room_above(estimates, _limits(*_risks(table))[1])
            ax = plane_page(widest=_widest(table), ratio=1.0, right=room_beside(estimates), lift=lift)
        _draw(ax, table, estimates, sizes, names, arms, annotate)
    return ax


def figure_labbe(
    table: TwoByTwo,
    *,
    pooled: PooledLines | None = None,
    weights: ArrayLike | None = None,
    arms: tuple[str, str] = ("exposed", "controls"),
    labels: Sequence[str] = (),
    annotate: Sequence[int] = (),
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw an L'Abbé plot on a page.

    Parameters
    ----------
    table, pooled, weights, arms, labels, annotate
        As for `plot_labbe`.
    width_mm : float, optional
        Printed width; by default one column of the journal.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_labbe`, or if the width is not between 60 and 400 mm.
    """
    import pandas as pd

    estimates, sizes, names = _checked(table, pooled, weights, labels, annotate)
    x, y = _risks(table)
    known = np.isfinite(x) & np.isfinite(y)
    lost = int((~known).sum())
    notes = [f"{lost} without persons in an arm, not drawn."] if lost else []
    by = "number of persons" if weights is None and not _weighted(pooled) else "weight"
    circle = KeyEntry(text=f"study, area by {by}", marker="o", filled=False, colour=BLUE)
    key = [circle, KeyEntry(text="no effect", line="-", colour=GREY, width=0.8)]
    if estimates:
        key.append(KeyEntry(text="pooled" if len(estimates) == 1 else "pooled effects", line="-", width=1.1))
    with house_style():
        lift = room_above(estimates, _limits(x, y)[1])
        ax = plane_page(
            width_mm=width_mm,
            widest=_widest(table),
            ratio=1.0,
            right=room_beside(estimates),
            lift=lift,
            key=key,
            notes=[*notes, *([note] if note else [])],
            synthetic=synthetic,
        )
        unnamed = _draw(ax, table, estimates, sizes, names, arms, annotate)
        draw_key(ax, key, lift=lift)
    if unnamed:
        notes.append(f"No room for {len(unnamed)} of {len(_named(x, y, annotate))} labels.")
    count, above, below = (format_count(part.sum()) for part in (known, y > x, y < x))
    found = "; ".join(
        f"{each.measure} "
        f"{format_estimate(each.value.item(), each.low.item(), each.high.item(), measure=each.measure)}"
        for each in estimates
    )
    studies = pd.DataFrame({"kind": "study", "label": list(names), "weight": sizes, "drawn": known})
    studies["control_risk"], studies["exposed_risk"] = x / 100, y / 100
    lines = [estimate.to_frame().assign(kind="line", label="pooled") for estimate in estimates]
    ranges = [
        format_interval(risk.min() / 100, risk.max() / 100, measure="PR") for risk in (x[known], y[known])
    ]
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"L'Abbé plot of {count} studies",
            caption=(
                f"L'Abbé plot: risk among {arms[0]} (vertical) against risk among {arms[1]} (horizontal), "
                f"one circle a study, area by {by}. Grey diagonal: no effect. "
                + (f"Lines: pooled {found}; band: interval of the first. " if found else "")
                + " ".join(notes)
            ).strip(),
            alt=(
                f"L'Abbé plot of {count} studies. Risk among {arms[1]} {ranges[0]}, among {arms[0]} "
                f"{ranges[1]}. {below} studies lie below the line of no effect and {above} above it."
                + (f" Pooled {found}." if found else "")
            ),
            numbers=pd.concat([studies, *lines], ignore_index=True),
        ),
    )


def _draw(
    ax: Axes,
    table: TwoByTwo,
    estimates: Sequence[Estimate],
    sizes: FloatArray,
    names: Sequence[str],
    arms: tuple[str, str],
    annotate: Sequence[int],
) -> tuple[int, ...]:
    """Draw everything, and return the studies whose labels found no room."""
    x, y = _risks(table)
    low, high = _limits(x, y)
    _set_axes(ax, low, high, arms)
    start = max(low, 0.0)
    grid = np.linspace(start, min(high, 100.0), _STEPS)
    ax.plot(grid[[0, -1]], grid[[0, -1]], color=GREY, linewidth=0.8, zorder=1, gid="no effect")
    curves = draw_lines(ax, estimates, grid, high)
    largest = float(np.nanmax(sizes)) or 1.0
    sides = np.maximum(_LARGEST * np.sqrt(sizes / largest), _SMALLEST)
    if x.size > 60:
        sides = np.maximum(0.7 * sides, _SMALLEST)
    # Small circles over large ones, so that each is seen.
    order = np.argsort(-sides, kind="stable")
    circles = ax.scatter(
        x[order],
        y[order],
        s=sides[order] ** 2,
        facecolors="none",
        edgecolors=BLUE,
        linewidths=1.0,
        zorder=3,
        clip_on=False,
    )
    circles.set_gid("study")
    write_values(ax, estimates, grid, curves)
    return place_labels(
        ax,
        x,
        y,
        names,
        wanted=_named(x, y, annotate),
        radius=0.5 * sides,
        avoid=(np.tile(grid, len(curves) + 1), np.concatenate([*curves, grid])),
    )


def _named(x: FloatArray, y: FloatArray, annotate: Sequence[int]) -> list[int]:
    """Return the studies that are to be named and have both risks, each once."""
    return [i for i in dict.fromkeys(annotate) if math.isfinite(x[i] + y[i])]


def _risks(table: TwoByTwo) -> tuple[FloatArray, FloatArray]:
    """Return risks of controls and exposed in percent, NaN where an arm is empty."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            np.asarray(100 * table.control_cases / table.control_total),
            np.asarray(100 * table.exposed_cases / table.exposed_total),
        )


def _limits(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    values = np.concatenate([x, y])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spread = high - low or max(high, 1.0)
    # A scale from 0 shows ratios; data far from it would be squeezed into a corner.
    if low >= 1.5 * spread:
        return max(low - 0.06 * spread, 0.0), min(high + 0.06 * spread, 104.0)
    # Circles of studies without cases are whole, too.
    reach = high or 1.0
    return -0.04 * reach, min(high + 0.06 * reach, 104.0)


def _set_axes(ax: Axes, low: float, high: float, arms: tuple[str, str]) -> None:
    for arm in arms:
        check_glyphs(arm)
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ticks, labels, _ = nice_ticks(max(low, 0.0), min(high, 100.0), width=0.8 * panel_points(ax)[0], log=False)
    for axis, arm in ((ax.xaxis, arms[1]), (ax.yaxis, arms[0])):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(FixedFormatter(labels))
        axis.set_minor_locator(FixedLocator([]))
        axis.set_label_text(f"Cases among {arm} (%)")
        for text in (*axis.get_ticklabels(), axis.label):
            text.set_fontproperties(font())
            text.set_parse_math(False)


def _widest(table: TwoByTwo) -> str:
    low, high = _limits(*_risks(table))
    return widest_label(max(low, 0.0), min(high, 100.0))


def _each(pooled: PooledLines | None) -> tuple[PooledEstimate | Estimate, ...]:
    if pooled is None:
        return ()
    return (pooled,) if isinstance(pooled, (PooledEstimate, Estimate)) else tuple(pooled)


def _weighted(pooled: PooledLines | None) -> PooledEstimate | None:
    return next((item for item in _each(pooled) if isinstance(item, PooledEstimate)), None)


def _checked(
    table: TwoByTwo,
    pooled: PooledLines | None,
    weights: ArrayLike | None,
    labels: Sequence[str],
    annotate: Sequence[int],
) -> tuple[tuple[Estimate, ...], FloatArray, tuple[str, ...]]:
    """Return the estimates, one weight and one name a study."""
    estimates = _check_table_and_lines(table, pooled)
    weighing = _weighted(pooled)
    count = len(table)
    if weights is not None:
        sizes = as_numbers("weights", weights)
    elif weighing is not None:
        sizes = np.ravel(weighing.weights)
    else:
        sizes = table.exposed_total + table.control_total
    if sizes.shape != (count,) or not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise ValueError(
            f"`weights` must be {count} finite numbers of at least 0, one a study, but got shape "
            f"{sizes.shape}{'' if sizes.shape != (count,) else ' with others'}."
        )
    names = tuple(map(str, labels))
    if not names and weighing is not None and weighing.effects.label is not None:
        names = weighing.effects.label
    names = names or tuple(f"Study {i + 1}" for i in range(count))
    if len(names) != count:
        raise ValueError(f"`labels` must name {count} studies, but name {len(names)}.")
    if not all(0 <= i < count for i in annotate):
        raise ValueError(f"`annotate` must be positions from 0 to {count - 1}, but got {list(annotate)!r}.")
    return estimates, sizes, names


def _check_table_and_lines(table: TwoByTwo, pooled: PooledLines | None) -> tuple[Estimate, ...]:
    if not isinstance(table, TwoByTwo):
        raise TypeError(f"`table` must be TwoByTwo, but got {type(table).__name__}.")
    if len(table.shape) != 1:
        raise ValueError(f"`table` must be one set of studies, shape (k,), but has shape {table.shape}.")
    if not np.isfinite(np.add(*_risks(table))).any():
        raise ValueError("`table` must have a study with persons in both arms, but has none.")
    for item in _each(pooled):
        if not isinstance(item, (PooledEstimate, Estimate)):
            raise TypeError(f"`pooled` must be of PooledEstimate or Estimate, but got {type(item).__name__}.")
    estimates = tuple(item.estimate if isinstance(item, PooledEstimate) else item for item in _each(pooled))
    for estimate in estimates:
        if estimate.shape != () or estimate.measure not in LINE_MEASURES:
            raise ValueError(
                f"`pooled` must be single estimates of {', '.join(LINE_MEASURES)}, but got one of shape "
                f"{estimate.shape} and measure {estimate.measure}."
            )
    return estimates
