"""Drapery plots: the P-value functions of all studies, of their pooled estimate and of a further study.

The curve of an estimate has at each effect the P-value of the hypothesis that this is the true one; at height
P it is as wide as the interval of level 1 - P.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex, to_rgb

from analysis.figures.parts.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.parts.p_value_axes import (
    check_one_curve,
    level_text,
    room_for_levels,
    set_p_axes,
    studies_with_curve,
)
from analysis.figures.parts.plane import KeyEntry, draw_key, figure_of, null_of, plane_page, study_labels
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, LIGHT_GREY, house_style
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_count, format_estimate, format_pvalue
from analysis.values.arguments import check_confidence_level
from analysis.values.distributions import normal_quantile, two_sided_normal, two_sided_t
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["figure_drapery", "plot_drapery"]

# Distances from an estimate in standard errors at which its curve is drawn: the peak is one of them.
_HALF = np.concatenate((np.linspace(0.0, 4.0, 61), np.geomspace(4.2, 400.0, 24)))
_DISTANCES = np.concatenate((-_HALF[:0:-1], _HALF))
_TAIL = 5e-4
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
            ax = plane_page(widest="0.0", right=room_for_levels())
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
    inside = studies_with_curve(pooled)
    key = [
        KeyEntry(text="study", line="-", colour=_study_grey(int(inside.sum())), width=0.7),
        KeyEntry(text="pooled", line="-", colour=BLUE, width=1.8),
    ]
    if predicts:
        key.append(KeyEntry(text="further study", line=_PREDICTION_LINE, patch=LIGHT_GREY))
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest="0.0",
            right=room_for_levels(),
            key=key,
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        _draw_drapery(ax, pooled, chosen, prediction=predicts)
        draw_key(ax, key)
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
        words = f" {level_text(pooled.confidence_level)} prediction interval {limits}."
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
                f"interval of the level on the right. Dotted: {level_text(chosen)}. Pooled {text}.{words}"
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
    inside = studies_with_curve(pooled)
    y, error = effects.effect[inside], effects.std_error[inside]
    backward = scale_of(effects.scale).backward
    reach = normal_quantile((1 + level) / 2)
    ends = [scale.factor * backward(y + side * reach * error) for side in (-1, 1)]
    centres = scale.factor * backward(np.append(y, pooled.mean))
    set_x_axis(ax, scale, *automatic_limits(scale, centres, np.concatenate(ends)))
    set_p_axes(ax, level)
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


def _estimate_text(estimate: Estimate) -> str:
    return format_estimate(
        estimate.value.item(), estimate.low.item(), estimate.high.item(), measure=estimate.measure
    )


def _distance(pooled: PooledEstimate) -> FloatArray:
    """Return each study's distance from no effect in standard errors."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            (pooled.effects.effect - null_of(pooled.effects.measure)) / pooled.effects.std_error
        )


def _predicts(pooled: PooledEstimate) -> bool:
    return bool(np.isfinite(pooled.prediction.low).all())


def _check_drapery(pooled: PooledEstimate, level: float | None) -> float:
    """Return the level that is marked."""
    if not isinstance(pooled, PooledEstimate):
        raise TypeError(f"`pooled` must be PooledEstimate, but got {type(pooled).__name__}.")
    check_one_curve(pooled)
    return pooled.confidence_level if level is None else check_confidence_level(level)
