"""The P-value function of one estimate: a meta-analysis, a table, or a printed number with its rounding.

The curve has at each effect the P-value of the hypothesis that this is the true one; at height P it is as
wide as the interval of level 1 - P.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from matplotlib.markers import CARETLEFT, CARETRIGHT

from analysis.figures.parts.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.parts.p_value_axes import check_one_curve, level_text, room_for_levels, set_p_axes
from analysis.figures.parts.plane import figure_of, null_of, plane_page
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, LIGHT_GREY, current, house_style
from analysis.figures.parts.text import font
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_estimate, format_number, format_pvalue
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.distributions import normal_quantile, t_quantile, two_sided_normal, two_sided_t
from analysis.values.estimate import Estimate
from analysis.values.reported import Reported
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray

__all__ = ["figure_p_value_function", "plot_p_value_function"]

PValueSource: TypeAlias = Estimate | PooledEstimate | TwoByTwo | Reported
_TABLE_MEASURES = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}
# P-values at which the interval of a table is computed: the level of an interval is below 1 and above 0.
_PVALUES = np.concatenate((np.linspace(0.9999, 0.06, 24), np.geomspace(0.05, 0.002, 10)))


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
            ax = plane_page(widest="0.0", right=room_for_levels())
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
            right=room_for_levels(),
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        _draw_curve(ax, curve)
    meaning = measure_of(curve.measure)
    at_level = f"{level_text(curve.level)} interval"
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
        check_one_curve(source)
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
    null = null_of(measure)
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
    set_p_axes(ax, curve.level)
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
