"""Bubble plots: a meta-regression against one numeric moderator, with its bands.

Takes a finished regression; what it predicts is computed in `meta.regression_result`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgba

from analysis.figures.parts.axes import automatic_limits, axis_scale
from analysis.figures.parts.panels import panel_page, set_plain_x_axis, set_y_axis
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLUE,
    GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    SKY_BLUE,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width
from analysis.figures.parts.writer import MARGIN
from analysis.meta.methods.regression_design import INTERCEPT
from analysis.meta.regression_result import MetaRegression
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_percent,
    format_pvalue,
)
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.meta.regression_result import RegressionPrediction
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["figure_bubble", "plot_bubble"]

_GRID = 101
# Diameter of the largest bubble in points.
_LARGEST = 15.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bubbles:
    """Studies and curves on the axes of the picture.

    `index` counts the studies that enter; `levels` says where the other moderators are.
    """

    index: IntArray
    x: FloatArray
    y: FloatArray
    weight: FloatArray
    grid: FloatArray
    predicted: RegressionPrediction
    levels: dict[str, str]


def plot_bubble(
    result: MetaRegression,
    *,
    moderator: str | None = None,
    at: Mapping[str, Any] | None = None,
    label: Sequence[str] = (),
    xlabel: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the studies of a meta-regression against a moderator, with the fitted line and its bands.

    Parameters
    ----------
    result : MetaRegression
        One regression.
    moderator : str, optional
        A numeric moderator; may be left out where there is one.
    at : mapping of str to number or str, optional
        Levels of the other moderators. By default numbers are at their mean over the studies, and categories
        at the level that the others are compared with.
    label : sequence of str, optional
        Labels of the studies that are named in the picture, where there is room.
    xlabel : str, optional
        Under the axis; by default the moderator's name.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the moderator, y the effect (proportions in percent). Areas go by the weights 1/(v + tau2).

    Raises
    ------
    TypeError, ValueError
        If the result is of another type or of more than one regression, the moderator is none of its numeric
        columns, a level is unknown or missing, or a label is not among the studies.
    """
    name = _moderator(result, moderator)
    bubbles = _bubbles(result, name, at or {})
    _check_labels(result, label)
    with house_style():
        if ax is None:
            page = panel_page(170.0, width_mm=current().single_mm)
            ax = page.axes(_left(), 6.0, page.width - _left() - 8.0, 132.0)
        _draw(ax, result, bubbles, label, name if xlabel is None else xlabel)
    return ax


def figure_bubble(
    result: MetaRegression,
    *,
    moderator: str | None = None,
    at: Mapping[str, Any] | None = None,
    label: Sequence[str] = (),
    xlabel: str | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a bubble plot with its coefficient and its legend in words, at the printed size.

    Parameters
    ----------
    result, moderator, at, label, xlabel
        As for `plot_bubble`.
    width_mm : float, optional
        Printed width; by default one and a half columns of the style.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_bubble`, or if the width is below 50 mm.

    References
    ----------
    Thompson SG, Higgins JPT (2002). How should meta-regression analyses be undertaken and interpreted? Stat
    Med 21:1559-1573. DOI 10.1002/sim.1187
    """
    name = _moderator(result, moderator)
    bubbles = _bubbles(result, name, at or {})
    _check_labels(result, label)
    with house_style():
        preset = current()
        page_mm = min(1.4 * preset.single_mm, preset.double_mm) if width_mm is None else width_mm
        if not page_mm >= 50:
            raise ValueError(f"`width_mm` must be at least 50, but got {page_mm!r}.")
        line = preset.body_size * LINE_SPACING
        height = 0.6 * page_mm / MM_PER_INCH * POINTS_PER_INCH
        words = " ".join(_legend(result, bubbles))
        page = panel_page(
            height + 2.7 * line,
            width_mm=page_mm,
            notes=[words, _slope(result, name), *([note] if note else [])],
            synthetic=synthetic,
        )
        ax = page.axes(_left(), 0.4 * line, page.width - _left() - 2 * MARGIN, height)
        _draw(ax, result, bubbles, label, name if xlabel is None else xlabel)
        return keep_record(page.figure, _record(result, bubbles, name))


def _left() -> float:
    return MARGIN + 4.8 * current().body_size


def _moderator(result: MetaRegression, moderator: str | None) -> str:
    if not isinstance(result, MetaRegression):
        raise TypeError(f"`result` must be what `meta_regression` gives, but got {type(result).__name__}.")
    if result.shape != ():
        raise ValueError(
            f"`result` must be one regression, but has shape {result.shape}. Draw them one by one."
        )
    categories = {f"{name}: {level}" for name, levels in result.design.levels.items() for level in levels}
    numeric = [name for name in result.names if name != INTERCEPT and name not in categories]
    if moderator is None and len(numeric) == 1:
        return numeric[0]
    if moderator not in numeric:
        listed = ", ".join(map(repr, numeric)) or "none; a category is for a forest plot by subgroups"
        raise ValueError(f"`moderator` must be one of the numeric columns ({listed}), but got {moderator!r}.")
    return moderator


def _others(result: MetaRegression, name: str) -> list[str]:
    """Return the other moderators, in the order in which the design has them."""
    if result.design.formula is not None:
        return sorted({str(variable) for variable in result.design.formula.required_variables} - {name})
    category = {
        f"{other}: {level}": other for other, levels in result.design.levels.items() for level in levels
    }
    found = dict.fromkeys(category.get(column, column) for column in result.names if column != INTERCEPT)
    return [other for other in found if other != name]


def _levels(result: MetaRegression, name: str, at: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    others = _others(result, name)
    unknown = [other for other in at if other not in others]
    if unknown:
        listed = ", ".join(map(repr, others)) or "none"
        raise ValueError(f"`at` must name other moderators ({listed}), but got {unknown[0]!r}.")
    levels: dict[str, Any] = {}
    for other in others:
        if other in at:
            levels[other] = at[other]
        elif other in result.names:
            column = result.columns[result.names.index(other)]
            levels[other] = float(np.broadcast_to(column, result.effects.effect.shape)[rows].mean())
        elif result.design.levels.get(other):
            levels[other] = result.design.levels[other][0]
        else:
            raise ValueError(f"`at` must give the level of {other!r}, but got {dict(at)!r}.")
    return levels


def _bubbles(result: MetaRegression, name: str, at: Mapping[str, Any]) -> _Bubbles:
    effect = np.atleast_1d(result.effects.effect)
    mask = result.sets.mask
    rows = np.arange(effect.size) if mask is None else np.flatnonzero(mask.reshape(-1, effect.size)[0])
    levels = _levels(result, name, at, rows)
    x = np.broadcast_to(result.columns[result.names.index(name)], effect.shape)[rows]
    if x.min() == x.max():
        raise ValueError(f"Moderator {name!r} must vary over the studies, but is {x[0]:g} in all.")
    grid = np.linspace(x.min(), x.max(), _GRID)
    # In the order of the design, which wants its columns back as they were.
    order = [name, *levels] if result.design.formula is not None else _ordered(result, name, levels)
    values = {key: grid if key == name else np.full(_GRID, levels[key]) for key in order}
    try:
        predicted = result.predict(values)
    except Exception as error:
        raise ValueError(
            f"The regression cannot be predicted at {name!r} and `at` {dict(at)!r}: {error} A moderator that "
            "a formula transforms must enter as a column of its own."
        ) from error
    # Numbers that nobody chose are means, and are said to be.
    means = {key: " (mean)" for key, level in levels.items() if key not in at and not isinstance(level, str)}
    variance = np.atleast_1d(result.effects.variance)[rows]
    return _Bubbles(
        index=rows,
        x=x,
        y=scale_of(result.effects.scale).backward(effect[rows]),
        weight=1 / (variance + float(result.tau2)),
        grid=grid,
        predicted=predicted,
        levels={key: _plain(level) + means.get(key, "") for key, level in levels.items()},
    )


def _ordered(result: MetaRegression, name: str, levels: Mapping[str, Any]) -> list[str]:
    first: dict[str, int] = {}
    for key in (name, *levels):
        columns = [key, *(f"{key}: {level}" for level in result.design.levels.get(key, ()))]
        first[key] = min(result.names.index(column) for column in columns if column in result.names)
    return sorted(first, key=first.__getitem__)


def _draw(ax: Axes, result: MetaRegression, bubbles: _Bubbles, label: Sequence[str], xlabel: str) -> None:
    scale = axis_scale(result.effects.measure)
    factor = scale.factor
    mean, further = bubbles.predicted.mean, bubbles.predicted.further
    limits = factor * np.array([mean.low, mean.high, further.low, further.high])
    ends = float(bubbles.x.min()), float(bubbles.x.max())
    set_plain_x_axis(ax, xlabel, *ends, overhang=2 * MARGIN)
    set_y_axis(ax, scale, *automatic_limits(scale, factor * np.concatenate([bubbles.y, mean.value]), limits))
    style: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (4, 2.5)), "zorder": 1.5}
    for limit in (further.low, further.high) if np.isfinite(further.low).all() else ():
        ax.plot(bubbles.grid, factor * limit, gid="prediction band", **style)
    if np.isfinite(mean.low).all():
        low, high = factor * mean.low, factor * mean.high
        band = ax.fill_between(bubbles.grid, low, high, facecolor=SKY_BLUE, alpha=0.4, linewidth=0, zorder=1)
        band.set_gid("confidence band")
    ax.plot(bubbles.grid, factor * mean.value, color=VERMILLION, linewidth=1.4, zorder=2.5, gid="line")
    largest = _LARGEST if bubbles.x.size <= 40 else 0.6 * _LARGEST
    # Small ones last, so that none is hidden behind a larger one.
    order = np.argsort(-bubbles.weight, kind="stable")
    ax.scatter(
        bubbles.x[order],
        factor * bubbles.y[order],
        s=largest**2 * bubbles.weight[order] / bubbles.weight.max(),
        facecolor=to_rgba(BLUE, 0.25),
        edgecolor=BLUE,
        linewidth=0.7,
        zorder=2,
        clip_on=False,
        gid="studies",
    )
    if label:
        _write_labels(ax, result, bubbles, label, factor, largest)


def _write_labels(
    ax: Axes,
    result: MetaRegression,
    bubbles: _Bubbles,
    label: Sequence[str],
    factor: float,
    largest: float,
) -> None:
    """Write names beside their bubbles, on the first side where nothing is written yet."""
    size = current().small_size
    to_points = POINTS_PER_INCH / float(ax.figure.dpi)
    places = ax.transData.transform(np.column_stack([bubbles.x, factor * bubbles.y])) * to_points
    radius = largest * np.sqrt(bubbles.weight / bubbles.weight.max()) / 2
    box = ax.get_window_extent()
    left, bottom, right, top = (float(end) * to_points for end in box.extents)
    half, taken = 0.62 * size, list[tuple[float, ...]]()
    circles = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(places, radius, strict=True)]
    names = _names(result)
    for i, row in enumerate(bubbles.index):
        text = names[row]
        if text not in label:
            continue
        width, (x, y), r = text_width(text, size=size), places[i], radius[i] + 2.0
        sides = [(x + r, y - half), (x - r - width, y - half)]
        sides += [(x - width / 2, y + r), (x - width / 2, y - r - 2 * half)]
        boxes = [(a, b, a + width, b + 2 * half) for a, b in sides]
        inside = [b for b in boxes if b[0] >= left and b[2] <= right and b[1] >= bottom and b[3] <= top]
        free = [b for b in inside if not any(_meet(b, other) for other in taken)]
        if not free:
            continue
        others = [circle for j, circle in enumerate(circles) if j != i]
        best = min(free, key=lambda b: sum(_meet(b, circle) for circle in others))
        taken.append(best)
        ax.annotate(
            text,
            xy=(bubbles.x[i], factor * bubbles.y[i]),
            xytext=(best[0] - x, best[1] - y + 0.26 * size),
            textcoords="offset points",
            va="baseline",
            fontproperties=font(size),
            parse_math=False,
            # Above the bands and below the studies, which no name may hide.
            zorder=1.9,
            bbox={"facecolor": "white", "alpha": 0.6, "linewidth": 0, "pad": 0.3},
            gid="study label",
        )


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _names(result: MetaRegression) -> tuple[str, ...]:
    return result.effects.label or tuple(f"Study {i + 1}" for i in range(result.effects.effect.size))


def _plain(level: Any) -> str:  # noqa: ANN401 -- a number or the name of a level
    """Return a level as text: a year without decimals."""
    if isinstance(level, str):
        return level
    return format_count(level) if float(level).is_integer() else format_number(level)


def _check_labels(result: MetaRegression, label: Sequence[str]) -> None:
    if isinstance(label, str):
        raise TypeError(f"`label` must be a sequence of labels, but got {label!r}; write [{label!r}].")
    unknown = [text for text in label if text not in _names(result)]
    if unknown:
        raise ValueError(f"`label` must name studies of the regression, but got {unknown[0]!r}.")


def _legend(result: MetaRegression, bubbles: _Bubbles) -> list[str]:
    percent = format_percent(result.confidence_level, 0)
    words = [f"Line: mean effect; band: its {percent} interval."]
    if result.model != "common":
        words.append(f"Dashed: {percent} prediction interval of a further study.")
    words.append("Areas of circles: weights of the studies.")
    if bubbles.levels:
        told = [f"{name} = {level}" for name, level in bubbles.levels.items()]
        words.append(f"Line and bands hold at {', '.join(told)}.")
    return words


def _slope(result: MetaRegression, name: str) -> str:
    """Say what one unit of the moderator changes, where it enters the model once."""
    heterogeneity = f"residual τ²\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{format_number(result.tau2)}"
    if not np.isnan(result.r2):
        heterogeneity += f" (R²\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{format_number(result.r2, 0)}%)"
    once = result.design.formula is None or sum(name in column for column in result.names) == 1
    if not once:
        test = format_pvalue(float(result.moderator_test.pvalue))
        return f"Test of all moderators {test}; {heterogeneity}."
    i = result.names.index(name)
    ends = [float(part[i]) for part in (result.coefficients, result.low, result.high)]
    test = format_pvalue(float(result.pvalue[i]))
    if result.effects.scale == "log":
        ratio = format_estimate(*map(math.exp, ends))
        return f"Effect of one unit of {name}: times {ratio}, {test}; {heterogeneity}."
    scale = "" if result.effects.scale == "identity" else f" on the {result.effects.scale} scale"
    return f"Effect of one unit of {name}{scale}: {format_estimate(*ends)}, {test}; {heterogeneity}."


def _record(result: MetaRegression, bubbles: _Bubbles, name: str) -> FigureRecord:
    import pandas as pd

    measure = result.effects.measure
    label = axis_scale(measure).label.removesuffix(" (log scale)").removesuffix(" (%)")
    mean, further = bubbles.predicted.mean, bubbles.predicted.further
    names = _names(result)
    studies = pd.DataFrame(
        {
            "mark": "study",
            "label": [names[i] for i in bubbles.index],
            name: bubbles.x,
            "value": bubbles.y,
            "weight": bubbles.weight,
        }
    )
    curves = {"mark": "line", name: bubbles.grid, "value": mean.value, "low": mean.low, "high": mean.high}
    curves |= {"prediction_low": further.low, "prediction_high": further.high}
    ends = []
    for i in (0, -1):
        text = format_estimate(mean.value[i], mean.low[i], mean.high[i], measure=measure)
        band = format_interval(further.low[i], further.high[i], measure=measure)
        wide = "" if result.model == "common" else f" (prediction interval {band})"
        ends.append(f"{text} at {_plain(bubbles.grid[i])}{wide}")
    method = "common-effect" if result.model == "common" else f"mixed-effects, τ² by {result.tau2_method},"
    return FigureRecord(
        title=f"{label} by {name} ({bubbles.x.size} studies)",
        caption=(
            f"Meta-regression ({method} intervals {result.ci_method}) of {bubbles.x.size} studies. "
            + " ".join([*_legend(result, bubbles), _slope(result, name)])
        ),
        alt=(
            f"{label} of {bubbles.x.size} studies against {name}, from {_plain(bubbles.grid[0])} to "
            f"{_plain(bubbles.grid[-1])}. The fitted mean goes from {ends[0]} to {ends[1]}. "
            f"{_slope(result, name)}"
        ),
        numbers=pd.concat([studies, pd.DataFrame(curves)], ignore_index=True),
    )
