"""P-value functions: of all studies and their pooled estimate (drapery plot), or of one estimate.

The curve of an estimate has at each effect the P-value of the hypothesis that this is the true one; at height
P it is as wide as the interval of level 1 - P.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.markers import CARETLEFT, CARETRIGHT, TICKRIGHT

from analysis.figures.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.doi import (
    KeyEntry,
    draw_key,
    figure_of,
    panel_points,
    plane_page,
    set_y_axis,
    study_labels,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, LIGHT_GREY, current, house_style
from analysis.figures.text import LINE_SPACING, font, text_width
from analysis.figures.writer import MARGIN
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_count, format_estimate, format_number, format_pvalue
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.distributions import normal_quantile, t_quantile, two_sided_normal, two_sided_t
from analysis.values.estimate import Estimate
from analysis.values.reported import Reported
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["figure_drapery", "figure_p_value_function", "plot_drapery", "plot_p_value_function"]

PValueSource: TypeAlias = Estimate | PooledEstimate | TwoByTwo | Reported
# Distances from an estimate in standard errors at which its curve is drawn: the peak is one of them.
_HALF = np.concatenate((np.linspace(0.0, 4.0, 61), np.geomspace(4.2, 400.0, 24)))
_DISTANCES = np.concatenate((-_HALF[:0:-1], _HALF))
_TABLE_MEASURES = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}
_TAIL = 5e-4
# P-values at which the interval of a table is computed: the level of an interval is below 1 and above 0.
_PVALUES = np.concatenate((np.linspace(0.9999, 0.06, 24), np.geomspace(0.05, 0.002, 10)))
# Levels written on the right, the most wanted first.
_RIGHT_LEVELS = (0.95, 0.5, 0.8, 0.0, 0.99, 0.9, 0.25)
_PREDICTION_LINE = (0, (5.0, 1.6))


def plot_drapery(
    pooled: PooledEstimate, *, prediction: bool = True, level: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the P-value functions of all studies, of the pooled estimate and of a further study.

    Parameters
    ----------
    pooled : PooledEstimate
        One meta-analysis whose interval is the mean plus or minus a quantile times its standard error.
    prediction : bool, default True
        Whether the prediction of a further study is drawn, as a shaded curve (t on k - 2 degrees of freedom),
        where the model has one.
    level : float, optional
        Confidence level that is marked by a line; by default that of `pooled`.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. They need room on the right.

    Returns
    -------
    Axes
        x is the effect on the reporting scale (proportions in percent), y the P-value; the confidence levels
        are on the right.

    Raises
    ------
    TypeError
        If `pooled` is no PooledEstimate.
    ValueError
        If it is of several meta-analyses, its interval is not symmetric on the analysis scale, or no study
        has a standard error above 0.

    References
    ----------
    Rücker G, Schwarzer G (2021). Beyond the forest plot: the drapery plot. Res Synth Methods 12:13-19.
    DOI 10.1002/jrsm.1410. (Pages not verified.)
    """
    chosen = _check_drapery(pooled, level)
    with house_style():
        if ax is None:
            ax = plane_page(widest="0.0", right=_right())
        _draw_drapery(ax, pooled, chosen, prediction=prediction and _predicts(pooled))
    return ax


def figure_drapery(
    pooled: PooledEstimate,
    *,
    prediction: bool = True,
    level: float | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a drapery plot on a page.

    Parameters
    ----------
    pooled, prediction, level
        As for `plot_drapery`.
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
        As `plot_drapery`, or if the width is not between 60 and 400 mm.
    """
    import pandas as pd

    chosen = _check_drapery(pooled, level)
    predicts = prediction and _predicts(pooled)
    key = [
        KeyEntry(text="study", line="-", colour=_study_grey(int(_inside(pooled).sum())), width=0.7),
        KeyEntry(text="pooled", line="-", colour=BLUE, width=1.8),
    ]
    if predicts:
        key.append(KeyEntry(text="further study", line=_PREDICTION_LINE, patch=LIGHT_GREY))
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest="0.0",
            right=_right(),
            key=key,
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        _draw_drapery(ax, pooled, chosen, prediction=predicts)
        draw_key(ax, key)
    inside = _inside(pooled)
    estimate = pooled.estimate
    meaning = measure_of(estimate.measure)
    text = _estimate_text(estimate)
    studies = pooled.effects.interval(confidence_level=chosen).to_frame()
    studies.insert(0, "label", list(study_labels(pooled.effects)))
    studies.insert(0, "kind", "study")
    parts = [studies[inside], estimate.to_frame().assign(kind="pooled", label="pooled")]
    words = ""
    if predicts:
        parts.append(pooled.prediction.to_frame().assign(kind="prediction", label="further study"))
        limits = _estimate_text(pooled.prediction).partition(" ")[2]
        words = f" {_percent(pooled.confidence_level)} prediction interval {limits}."
    beyond = ""
    if meaning.null is not None:
        z = _distance(pooled)[inside]
        beyond = (
            f" {int((two_sided_normal(z) < 1 - chosen).sum())} of {format_count(inside.sum())} studies have "
            f"P < {format_pvalue(1 - chosen, prefix='')} against no effect."
        )
    against = (
        "" if estimate.pvalue is None else f", {format_pvalue(estimate.pvalue.item())} against no effect"
    )
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"Drapery plot of {format_count(inside.sum())} studies ({meaning.label.lower()})",
            caption=(
                f"Drapery plot: two-sided P-value of each possible {meaning.label.lower()}, of every study "
                "(grey, thicker with more weight; normal distribution) and of the pooled estimate (blue; "
                f"{pooled.model} effects, interval {pooled.ci_method}). Width of a curve at height P: the "
                f"interval of the level on the right. Dotted: {_percent(chosen)}. Pooled {text}.{words}"
            ),
            alt=(
                f"Drapery plot of {format_count(inside.sum())} studies. Pooled {meaning.label.lower()} {text}"
                f"{against}.{words}{beyond}"
            ),
            numbers=pd.concat(parts, ignore_index=True),
        ),
    )


def _draw_drapery(ax: Axes, pooled: PooledEstimate, level: float, *, prediction: bool) -> None:
    effects, scale = pooled.effects, axis_scale(pooled.effects.measure)
    inside = _inside(pooled)
    y, error = effects.effect[inside], effects.std_error[inside]
    backward = scale_of(effects.scale).backward
    reach = normal_quantile((1 + level) / 2)
    ends = [scale.factor * backward(y + side * reach * error) for side in (-1, 1)]
    centres = scale.factor * backward(np.append(y, pooled.mean))
    set_x_axis(ax, scale, *automatic_limits(scale, centres, np.concatenate(ends)))
    _set_p_axes(ax, level)
    x = scale.factor * backward(y[:, None] + _DISTANCES * error[:, None])
    pvalue = two_sided_normal(_DISTANCES)
    weights = np.ravel(pooled.weights)[inside]
    share = weights / (weights.max() or 1.0)
    # Heavy studies over light ones.
    order = np.argsort(weights, kind="stable")
    curves = LineCollection(
        [np.column_stack((x[i], pvalue)) for i in order],
        colors=_study_grey(y.size),
        linewidths=0.5 + 0.6 * share[order],
        zorder=2,
    )
    curves.set_gid("study")
    ax.add_collection(curves, autolim=False)
    df = float(np.asarray(pooled.mean_df))
    centre = scale.factor * backward(pooled.mean + _DISTANCES * pooled.std_error)
    curve = two_sided_normal(_DISTANCES) if math.isinf(df) else two_sided_t(_DISTANCES, df)
    # Its tails would cover the axis.
    curve = np.where(curve >= _TAIL, curve, np.nan)
    ax.plot(centre, curve, color=BLUE, linewidth=1.8, zorder=3, gid="pooled")
    if prediction:
        spread = np.sqrt(pooled.tau2 + pooled.std_error**2)
        x = scale.factor * backward(pooled.mean + _DISTANCES * spread)
        further = two_sided_t(_DISTANCES, float(pooled.n_studies) - 2)
        ax.fill_between(x, 0.0, further, facecolor=LIGHT_GREY, linewidth=0, zorder=0.4, gid="prediction")
        ax.plot(x, further, color=BLACK, linewidth=0.9, linestyle=_PREDICTION_LINE, zorder=2.5, gid="further")


def _study_grey(studies: int) -> str:
    """Return the grey of the studies' curves: many of them would make a black field."""
    red, green, blue = (1 - (1.0 if studies <= 20 else 0.5) * (1 - part) for part in to_rgb(GREY))
    return to_hex((red, green, blue))


def plot_p_value_function(
    source: PValueSource,
    *,
    measure: str | None = None,
    method: str | None = None,
    level: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the P-value function of one estimate, with the interval of a level.

    Parameters
    ----------
    source : Estimate, PooledEstimate, TwoByTwo or Reported
        An estimate with a normal interval; a meta-analysis; one table, whose intervals are computed at many
        levels; or a printed number with its interval, whose curve is a band: all that the rounding allows.
    measure : str, optional
        metafor's code: "RR", "OR" or "RD" of a table, any one for a printed number. Only for these two.
    method : str, optional
        Of the interval of a table, as for `risk_ratio`, `odds_ratio` and `risk_difference`.
    level : float, optional
        Confidence level whose interval is drawn; by default that of the source, or 0.95.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. They need room on the right.

    Returns
    -------
    Axes
        x is the effect on the reporting scale (proportions in percent), y the P-value; the confidence levels
        are on the right.

    Raises
    ------
    TypeError
        If `source` is of another type.
    ValueError
        If it is more than one estimate or not estimable, an Estimate has no normal interval, a printed number
        no interval, or a measure or method is unknown, missing or not asked for.

    References
    ----------
    Infanger D, Schmidt-Trucksäss A (2019). P value functions: an underused method to present research results
    and to promote quantitative reasoning. Stat Med 38:4189-4197. DOI 10.1002/sim.8293. (Citation not
    verified.)
    """
    curve = _curve(source, measure, method, level)
    with house_style():
        if ax is None:
            ax = plane_page(widest="0.0", right=_right())
        _draw_curve(ax, curve)
    return ax


def figure_p_value_function(
    source: PValueSource,
    *,
    measure: str | None = None,
    method: str | None = None,
    level: float | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the P-value function of one estimate on a page.

    Parameters
    ----------
    source, measure, method, level
        As for `plot_p_value_function`.
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
        As `plot_p_value_function`, or if the width is not between 60 and 400 mm.
    """
    import pandas as pd

    curve = _curve(source, measure, method, level)
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest="0.0",
            right=_right(),
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        _draw_curve(ax, curve)
    meaning = measure_of(curve.measure)
    at_level = f"{_percent(curve.level)} interval"
    text = format_estimate(curve.value, *curve.interval, measure=curve.measure)
    null = ""
    if meaning.null is not None and math.isfinite(curve.null_pvalue):
        null = f" No effect has {format_pvalue(curve.null_pvalue)}."
    band = " Band: what the rounding of the printed numbers allows." if curve.rounded else ""
    numbers = pd.DataFrame({"kind": "curve", "pvalue": curve.pvalue, "low": curve.low, "high": curve.high})
    for name, array in zip(
        ("outer_low", "inner_low", "inner_high", "outer_high"), curve.rounded, strict=False
    ):
        numbers[name] = array
    one = {"kind": "estimate", "value": curve.value, "low": curve.interval[0], "high": curve.interval[1]}
    rows = [
        one | {"pvalue": 1 - curve.level},
        {"kind": "null", "value": meaning.null, "pvalue": curve.null_pvalue},
    ]
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"P-value function of a {meaning.label.lower()}",
            caption=(
                f"P-value function of the {meaning.label.lower()} {text} ({curve.method}): two-sided P-value "
                "of each possible value; its width at height P is the interval of the level on the right."
                f"{band} Horizontal line: {at_level}.{null}"
            ),
            alt=(
                f"Curve of the P-value over possible values of the {meaning.label.lower()}, highest at "
                f"{text}, {at_level}.{null}"
            ),
            numbers=pd.concat([numbers, pd.DataFrame(rows)], ignore_index=True),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """Limits of the intervals of level 1 - P on the reporting scale, and the interval that is marked."""

    measure: str
    method: str
    value: float
    pvalue: FloatArray
    low: FloatArray
    high: FloatArray
    level: float
    interval: tuple[float, float]
    null_pvalue: float
    rounded: tuple[FloatArray, ...] = ()


def _curve(source: PValueSource, measure: str | None, method: str | None, level: float | None) -> _Curve:
    chosen = None if level is None else check_confidence_level(level)
    if measure is not None and not isinstance(source, (TwoByTwo, Reported)):
        raise ValueError(
            "`measure` is for a table or a printed number; an estimate has its own. Leave it out."
        )
    if method is not None and not isinstance(source, TwoByTwo):
        raise ValueError("`method` is of the interval of a table. Leave it out.")
    if isinstance(source, TwoByTwo):
        return _of_table(source, measure, method, 0.95 if chosen is None else chosen)
    if isinstance(source, Reported):
        return _of_printed(source, measure, chosen)
    if isinstance(source, PooledEstimate):
        _check_drapery(source, chosen)
        estimate, df = source.estimate, float(np.asarray(source.mean_df))
        name = f"{source.model} effects, {source.ci_method}"
    elif isinstance(source, Estimate):
        estimate, df, name = source, math.inf, source.method
    else:
        raise TypeError(
            "`source` must be Estimate, PooledEstimate, TwoByTwo or Reported, but got "
            f"{type(source).__name__}."
        )
    if estimate.shape != ():
        raise ValueError(f"`source` must be one estimate, but has shape {estimate.shape}.")
    scale = scale_of(estimate.scale)
    centre, error = scale.forward(estimate.value), estimate.std_error
    if error is None or not (np.isfinite(centre) and np.isfinite(error) and error > 0):
        raise ValueError(
            "`source` must have a finite value and a standard error above 0. Give the table itself and "
            "method= for an exact or score interval."
        )
    quantile = float(_quantile((1 + estimate.confidence_level) / 2, df)[0])
    if not np.allclose(scale.forward(estimate.high), centre + quantile * error, rtol=1e-6, atol=1e-9):
        raise ValueError(
            "`source` must have an interval of its value plus or minus a normal quantile times its standard "
            f"error, but that of method {estimate.method!r} is none. Give the table and method=, or the "
            "PooledEstimate."
        )
    return _normal(
        estimate.measure, name, float(centre), float(error), df, chosen or estimate.confidence_level
    )


def _quantile(probability: FloatArray | float, df: float) -> FloatArray:
    if math.isinf(df):
        return np.array([normal_quantile(float(each)) for each in np.atleast_1d(probability)])
    return np.array([float(t_quantile(float(each), df)) for each in np.atleast_1d(probability)])


def _normal(measure: str, method: str, centre: float, error: float, df: float, level: float) -> _Curve:
    backward = scale_of(measure_of(measure).scale).backward
    pvalue = np.append(1.0, np.concatenate((np.linspace(0.995, 0.06, 160), np.geomspace(0.05, 0.002, 60))))
    half = _quantile(1 - pvalue / 2, df) * error
    reach = float(_quantile((1 + level) / 2, df)[0]) * error
    null = _null(measure)
    z = (centre - null) / error
    return _Curve(
        measure=measure,
        method=method,
        value=float(backward(np.array(centre))),
        pvalue=pvalue,
        low=backward(centre - half),
        high=backward(centre + half),
        level=level,
        interval=(float(backward(np.array(centre - reach))), float(backward(np.array(centre + reach)))),
        null_pvalue=float(two_sided_normal(z) if math.isinf(df) else two_sided_t(z, df)),
    )


def _of_table(table: TwoByTwo, measure: str | None, method: str | None, level: float) -> _Curve:
    function = _TABLE_MEASURES[check_choice("measure", str(measure), _TABLE_MEASURES)]
    if table.shape != ():
        raise ValueError(f"`source` must be one table, but has shape {table.shape}. Draw table[i].")
    options: dict[str, Any] = {} if method is None else {"method": method}
    found = [function(table, confidence_level=1 - float(p), **options) for p in _PVALUES]
    marked = function(table, confidence_level=level, **options)
    low, high = (np.array([getattr(each, end).item() for each in found]) for end in ("low", "high"))
    if not np.isfinite(np.concatenate((low, high))).any() or math.isnan(marked.value.item()):
        raise ValueError("`source` must be estimable, but the table has no finite interval at any level.")
    return _Curve(
        measure=marked.measure,
        method=marked.method,
        value=marked.value.item(),
        pvalue=_PVALUES,
        low=low,
        high=high,
        level=level,
        interval=(marked.low.item(), marked.high.item()),
        null_pvalue=math.nan if marked.pvalue is None else marked.pvalue.item(),
    )


def _of_printed(printed: Reported, measure: str | None, level: float | None) -> _Curve:
    """Return the curve of the printed numbers, with those of the outermost and innermost they stand for."""
    if measure is None:
        raise ValueError('`measure` must say what the printed number is, "OR" for instance.')
    if printed.low is None or printed.high is None:
        raise ValueError(f"`source` must be printed with its interval, but is {printed.text!r}.")
    forward = scale_of(measure_of(measure).scale).forward
    own = 0.95 if printed.confidence_level is None else printed.confidence_level
    quantile = normal_quantile((1 + own) / 2)
    ends = np.array(
        [[each.low, each.middle, each.high] for each in (printed.low, printed.value, printed.high)]
    )
    low, value, high = forward(ends)
    if not np.isfinite(ends).all() or not np.isfinite((low, value, high)).all():
        raise ValueError(
            f"`source` must be finite on the scale of measure {measure}, but is {printed.text!r}."
        )
    error = (high[1] - low[1]) / (2 * quantile)
    curve = _normal(
        measure, "printed interval, normal", float(value[1]), float(error), math.inf, level or own
    )
    z = _quantile(1 - curve.pvalue / 2, math.inf)
    widest = (high[2] - low[0]) / (2 * quantile)
    narrowest = max((high[0] - low[2]) / (2 * quantile), 0.0)
    backward = scale_of(measure_of(measure).scale).backward
    rounded = (
        value[0] - z * widest,
        value[2] - z * narrowest,
        value[0] + z * narrowest,
        value[2] + z * widest,
    )
    curve = replace(curve, rounded=tuple(backward(each) for each in rounded))
    # At its own level the interval is the printed one, not what its width makes of it.
    return replace(curve, interval=(float(ends[0, 1]), float(ends[2, 1]))) if curve.level == own else curve


def _draw_curve(ax: Axes, curve: _Curve) -> None:
    scale = axis_scale(curve.measure)
    low, high = scale.factor * curve.low, scale.factor * curve.high
    interval = [scale.factor * end for end in curve.interval]
    # One curve is not squeezed by others: all of it is shown, as far as it is bounded.
    reach = [end for end in (*low, *high, scale.factor * curve.value) if math.isfinite(end)]
    set_x_axis(ax, scale, *automatic_limits(scale, reach, []))
    _set_p_axes(ax, curve.level)
    left, right = ax.get_xlim()
    for outer, inner in zip(curve.rounded[::3], curve.rounded[1:3], strict=True) if curve.rounded else ():
        ax.fill_betweenx(
            curve.pvalue,
            scale.factor * outer,
            scale.factor * inner,
            facecolor=LIGHT_GREY,
            linewidth=0,
            zorder=0.8,
            gid="rounding band",
        )
    places = np.concatenate((low[::-1], high))
    places[~np.isfinite(places) | (scale.log & (places <= 0))] = np.nan
    ax.plot(
        places,
        np.concatenate((curve.pvalue[::-1], curve.pvalue)),
        color=BLUE,
        linewidth=1.4,
        zorder=3,
        gid="curve",
    )
    height = 1 - curve.level
    shown = [min(max(end, left), right) for end in interval]
    ax.plot(shown, [height, height], color=BLACK, linewidth=1.6, zorder=3.2, gid="interval")
    for end, side, marker in zip(interval, (-1, 1), (CARETLEFT, CARETRIGHT), strict=True):
        if left <= end <= right:
            _write(ax, format_number(end), end, height, 3.0 * side, "right" if side < 0 else "left")
        elif not math.isnan(end):
            ax.plot(
                [left if side < 0 else right],
                [height],
                marker=marker,
                markersize=5.0,
                color=BLACK,
                clip_on=False,
                zorder=3.2,
                gid="arrow",
            )
    if left <= scale.factor * curve.value <= right:
        _write(ax, format_number(scale.factor * curve.value), scale.factor * curve.value, 1.0, 0.0, "center")
    if scale.null is not None and left <= scale.null <= right and math.isfinite(curve.null_pvalue):
        ax.plot(
            [scale.null],
            [curve.null_pvalue],
            marker="D",
            markersize=4.0,
            color=BLACK,
            zorder=4,
            clip_on=False,
            gid="null point",
        )


def _write(ax: Axes, text: str, x: float, y: float, right: float, align: str) -> None:
    """Write a number beside a place, so many points to the right of it and just above it."""
    ax.annotate(
        text,
        xy=(x, y),
        xytext=(right, 2.5),
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontproperties=font(current().small_size),
        color=BLACK,
        annotation_clip=False,
        gid="limit",
        parse_math=False,
    )


def _set_p_axes(ax: Axes, level: float) -> None:
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
            _percent(each).removesuffix("%"),
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
    widest = max(text_width(_percent(each).removesuffix("%"), size=body) for each in shown)
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


def _right() -> float:
    """Return the room for the confidence levels and their name."""
    body = current().body_size
    return 6.0 + text_width("99.9", size=body) + 3.0 + body * LINE_SPACING + MARGIN


def _percent(level: float) -> str:
    percent = round(100 * level, 6)
    decimals = len(np.format_float_positional(percent, trim="-").partition(".")[2])
    return f"{format_number(percent, decimals)}%"


def _estimate_text(estimate: Estimate) -> str:
    return format_estimate(
        estimate.value.item(), estimate.low.item(), estimate.high.item(), measure=estimate.measure
    )


def _null(measure: str) -> float:
    meaning = measure_of(measure)
    null = math.nan if meaning.null is None else meaning.null
    return float(scale_of(meaning.scale).forward(np.array(null)))


def _distance(pooled: PooledEstimate) -> FloatArray:
    """Return each study's distance from no effect in standard errors."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((pooled.effects.effect - _null(pooled.effects.measure)) / pooled.effects.std_error)


def _inside(pooled: PooledEstimate) -> BoolArray:
    """Tell which studies have a curve: those that were pooled, with a standard error above 0."""
    error = pooled.effects.std_error
    usable = np.isfinite(pooled.effects.effect) & np.isfinite(error) & (error > 0)
    return np.asarray(usable if pooled.where is None else usable & np.reshape(pooled.where, usable.shape))


def _predicts(pooled: PooledEstimate) -> bool:
    return bool(np.isfinite(pooled.prediction.low).all())


def _check_drapery(pooled: PooledEstimate, level: float | None) -> float:
    """Return the level that is marked."""
    if not isinstance(pooled, PooledEstimate):
        raise TypeError(f"`pooled` must be PooledEstimate, but got {type(pooled).__name__}.")
    if pooled.shape != () or pooled.effects.effect.ndim != 1:
        raise ValueError(
            f"`pooled` must be of one meta-analysis, but has shape {pooled.shape}. Draw one at a time."
        )
    if pooled.mean_low is not None:
        raise ValueError(
            "`pooled` must have an interval of its mean plus or minus a quantile times its standard error, "
            f"but ci={pooled.ci_method!r} is none. Pool with ci='wald', 't' or 'hartung-knapp-adhoc'."
        )
    if not _inside(pooled).any() or not float(pooled.std_error) > 0:
        raise ValueError("`pooled` must hold a study with a standard error above 0, but has none.")
    return pooled.confidence_level if level is None else check_confidence_level(level)
