"""Posterior distributions of a Bayesian meta-analysis with their priors, and the shrinkage of the studies.

Takes a finished analysis of `meta.bayes`, which knows its densities and quantiles.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.markers import CARETLEFT, CARETRIGHT

from analysis.figures.parts.axes import automatic_limits, axis_scale, labelled_axes, set_x_axis
from analysis.figures.parts.panels import (
    PanelPage,
    drop_labels_outside,
    panel_page,
    set_plain_x_axis,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    SKY_BLUE,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.meta.bayes import BayesianPool
from analysis.tables.format import format_estimate, format_percent
from analysis.values.arguments import check_choice
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray

__all__ = ["figure_posterior", "plot_posterior"]

_PARTS = ("mean", "tau", "studies")
_GRID = 401
# The picture of a density ends where so much probability is left on either side.
_TAIL = 0.002
_TAU = "Between-study standard deviation τ"


def plot_posterior(
    result: BayesianPool,
    *,
    part: str = "mean",
    effects: EffectSizes | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the posterior of the mean effect, that of tau, or the shrinkage of the studies.

    Parameters
    ----------
    result : BayesianPool
        What `pool_bayes` gives of one meta-analysis.
    part : {"mean", "tau", "studies"}, default "mean"
        What is drawn.
    effects : EffectSizes, optional
        What was pooled; needed for "studies".
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Densities are on the analysis scale of the effects, on an axis with the values of the reporting
        scale. Study i lies at y = i, the mean below the last one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, the part is unknown, the result is of more than one meta-analysis,
        or the effects are missing or not those that were pooled.
    """
    check_choice("part", part, _PARTS)
    _check(result, effects)
    if part == "studies" and effects is None:
        raise ValueError('`effects` must be given for part="studies": the result does not keep the labels.')
    with house_style():
        if part == "studies" and effects is not None:
            names = [*_names(effects), "Mean"]
            ax = labelled_axes(names, xlabel="", ax=ax)
            _draw_studies(ax, result, effects, _shrunken(result), np.arange(len(names), dtype=np.float64))
            return ax
        if ax is None:
            page = panel_page(150.0, width_mm=current().single_mm)
            ax = page.axes(12.0, 8.0, page.width - 24.0, 112.0)
        draw = _draw_tau if part == "tau" else _draw_mean
        draw(ax, result, effects)
    return ax


def figure_posterior(
    result: BayesianPool,
    *,
    effects: EffectSizes | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the posteriors of the mean effect and of tau, and how the studies are shrunken, on a page.

    Parameters
    ----------
    result : BayesianPool
        What `pool_bayes` gives of one meta-analysis.
    effects : EffectSizes, optional
        What was pooled: with it the shrinkage of the studies is drawn.
    width_mm : float, optional
        Printed width; by default the page of the style. On narrow pages panels stand below one another.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure
        Axes of the mean, of tau, and of the studies.

    Raises
    ------
    TypeError, ValueError
        As `plot_posterior`, or if the width is below 60 mm.

    References
    ----------
    Roever C (2020). Bayesian random-effects meta-analysis using the bayesmeta R package. J Stat Softw
    93(6):1-51. DOI 10.18637/jss.v093.i06
    """
    _check(result, effects)
    with house_style():
        preset = current()
        page_mm = preset.double_mm if width_mm is None else width_mm
        if not page_mm >= 60:
            raise ValueError(f"`width_mm` must be at least 60, but got {page_mm!r}.")
        line = preset.body_size * LINE_SPACING
        width = page_mm / MM_PER_INCH * POINTS_PER_INCH - 2 * MARGIN
        gap = 3.0 * preset.body_size
        across = 2 if width >= 40 * preset.body_size else 1
        panel = (width - (across - 1) * gap - 2.0 * preset.body_size) / across
        heads = [_heading(result.estimate, "Mean effect"), _heading(result.heterogeneity, "τ")]
        titles = [wrap_text(head, panel, bold=True) for head in heads]
        head = max(len(lines) for lines in titles) * line + 4.0
        density, axis = max(80.0, 0.45 * panel), 2.6 * line
        block = head + density + axis
        rows = _rows(effects, 0.3 * width) if effects is not None else ([], np.zeros(0), 0.0)
        studies = line + 4.0 + rows[2] + axis if effects is not None else 0.0
        notes = [_legend(result, effects), *([note] if note else [])]
        height = block * (2 / across) + studies
        page = panel_page(height, width_mm=page_mm, notes=notes, synthetic=synthetic)
        for place, (lines, draw) in enumerate(zip(titles, (_draw_mean, _draw_tau), strict=True)):
            left = MARGIN + preset.body_size + (place * (panel + gap) if across == 2 else 0.0)
            top = place * block if across == 1 else 0.0
            for number, text in enumerate(reversed(lines)):
                page.text(text, left, top + head - 6.0 - number * line, size=preset.body_size, bold=True)
            draw(page.axes(left, top + head, panel, density), result, effects)
        shrunken = None
        if effects is not None:
            shrunken = _shrunken(result)
            _place_studies(page, result, effects, shrunken, rows, block * (2 / across))
        for ax in filter(lambda ax: ax.axison, page.figure.axes):
            drop_labels_outside(ax)
        return keep_record(page.figure, _record(result, effects, shrunken))


def _rows(effects: EffectSizes, width: float) -> tuple[list[tuple[str, ...]], FloatArray, float]:
    """Return the broken names of the studies and of the mean, the middles of their rows, and the height."""
    size = current().small_size
    names = [wrap_text(name, width, size=size) for name in (*_names(effects), "Mean")]
    padding = 0.36 * size if len(names) <= 60 else 0.0
    heights = np.array([len(lines) * size * LINE_SPACING + padding for lines in names])
    return names, np.cumsum(heights) - heights / 2 + 2.0, float(heights.sum()) + 4.0


def _place_studies(
    page: PanelPage,
    result: BayesianPool,
    effects: EffectSizes,
    shrunken: Estimate,
    rows: tuple[list[tuple[str, ...]], FloatArray, float],
    top: float,
) -> None:
    size, body = current().small_size, current().body_size
    names, centres, height = rows
    line, start = size * LINE_SPACING, top + body * LINE_SPACING + 4.0
    column = max(text_width(text, size=size) for lines in names for text in lines)
    left = MARGIN + column + 10.0
    page.text("Studies: observed, and shrunken towards the mean", MARGIN, top + body, size=body, bold=True)
    for lines, centre in zip(names, centres, strict=True):
        for number, text in enumerate(lines):
            baseline = start + centre + (number + 0.5 - len(lines) / 2) * line + 0.365 * size
            page.text(text, MARGIN, baseline, size=size, gid="study")
    ax = page.axes(left, start, page.width - left - MARGIN - body, height)
    ax.set_ylim(height, 0.0)
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    _draw_studies(ax, result, effects, shrunken, centres)


def _check(result: BayesianPool, effects: EffectSizes | None) -> None:
    if not isinstance(result, BayesianPool):
        raise TypeError(f"`result` must be what `pool_bayes` gives, but got {type(result).__name__}.")
    if result.mean.shape != ():
        raise ValueError(
            f"`result` must be of one meta-analysis, but has shape {result.mean.shape}. Draw them one by one."
        )
    if effects is None:
        return
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    if effects.effect.size != result.n_studies or effects.measure != result.estimate.measure:
        raise ValueError(
            f"`effects` must be the {result.n_studies} of measure {result.estimate.measure} that were "
            f"pooled, but are {effects.effect.size} of measure {effects.measure}."
        )


def _names(effects: EffectSizes) -> tuple[str, ...]:
    return effects.label or tuple(f"Study {i + 1}" for i in range(effects.effect.size))


def _heading(estimate: Estimate, name: str) -> str:
    ends = (estimate.value, estimate.low, estimate.high)
    level = format_percent(estimate.confidence_level, 0)
    text = format_estimate(*(float(end) for end in ends), measure=estimate.measure)
    return f"{name} {text.replace('(', f'({level} CrI ', 1)}"


def _mean_density(result: BayesianPool, grid: FloatArray) -> dict[str, FloatArray]:
    """Return places on the axis, and densities there, for values of the mean on the analysis scale."""
    axis = axis_scale(result.estimate.measure)
    x = axis.factor * scale_of(result.estimate.scale).backward(grid)
    found = {"x": x, "posterior": result.mean.density(grid)}
    if result.mean_prior is not None:
        centre, sd = result.mean_prior
        found["prior"] = np.exp(-0.5 * ((grid - centre) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
    if axis.log != (result.estimate.scale == "log") or axis.factor != 1:
        # A curve over another axis than that of the analysis has another height.
        slope = np.gradient(grid, np.log(x) if axis.log else x)
        found |= {name: slope * curve for name, curve in found.items() if name != "x"}
    return found


def _tau_density(
    result: BayesianPool, effects: EffectSizes | None, grid: FloatArray
) -> dict[str, FloatArray]:
    found = {"x": grid, "posterior": result.tau.density(grid)}
    if not result.tau_prior.proper:
        return found
    variance = np.ones(2) if effects is None else effects.variance
    prior = result.tau_prior.log_density(grid, variance)
    # Some priors know the sampling variances; without the effects those are not at hand.
    if effects is not None or np.allclose(prior, result.tau_prior.log_density(grid, 4 * variance)):
        found["prior"] = np.exp(prior)
    return found


def _mean_grid(result: BayesianPool) -> FloatArray:
    low, high = (float(result.mean.quantile(share)) for share in (_TAIL, 1 - _TAIL))
    return np.linspace(low, high, _GRID)


def _tau_grid(result: BayesianPool) -> FloatArray:
    # From the first step on: some densities have a pole at 0.
    return np.linspace(0.0, float(result.tau.quantile(1 - 2 * _TAIL)), _GRID + 1)[1:]


def _inside(estimate: Estimate) -> FloatArray:
    """Return a grid over the interval, on the analysis scale."""
    low, high = scale_of(estimate.scale).forward(np.array([estimate.low, estimate.high], dtype=np.float64))
    return np.linspace(float(low), float(high), _GRID)


def _draw_mean(ax: Axes, result: BayesianPool, effects: EffectSizes | None) -> None:  # noqa: ARG001
    scale = axis_scale(result.estimate.measure)
    found = _mean_density(result, _mean_grid(result))
    # Not from 0 to 100 %, where the curve would be a needle.
    set_x_axis(ax, scale, *automatic_limits(replace(scale, proportion=False), found["x"][[0, -1]], []))
    ax.xaxis.label.set(fontproperties=font(), parse_math=False)
    part = _mean_density(result, _inside(result.estimate))
    _draw_density(ax, found, part, scale.factor * float(result.estimate.value))


def _draw_tau(ax: Axes, result: BayesianPool, effects: EffectSizes | None) -> None:
    found = _tau_density(result, effects, _tau_grid(result))
    set_plain_x_axis(ax, _TAU, 0.0, float(found["x"][-1]), fixed=True)
    part = _tau_density(result, effects, np.maximum(_inside(result.heterogeneity), found["x"][0]))
    _draw_density(ax, found, part, float(result.heterogeneity.value))


def _draw_density(ax: Axes, found: dict[str, FloatArray], part: dict[str, FloatArray], median: float) -> None:
    ax.yaxis.set_visible(False)
    ax.spines["left"].set_visible(False)
    height = float(np.interp(median, found["x"], found["posterior"]))
    # Poles, and priors that are far higher than the posterior, are cut.
    top = min(float(found["posterior"].max()), 5 * height)
    if "prior" in found:
        top = max(top, min(float(found["prior"].max()), 1.5 * top))
    ax.set_ylim(0.0, 1.08 * top)
    area = ax.fill_between(part["x"], 0.0, part["posterior"], facecolor=SKY_BLUE, alpha=0.4, linewidth=0)
    area.set_gid("interval")
    ax.plot(found["x"], found["posterior"], color=BLUE, linewidth=1.3, zorder=3, gid="posterior")
    ax.plot([median] * 2, [0.0, min(height, top)], color=BLACK, linewidth=0.9, zorder=2.5, gid="median")
    if "prior" in found:
        dashes = (0, (4, 2.5))
        ax.plot(
            found["x"], found["prior"], color=GREY, linewidth=1.0, linestyle=dashes, zorder=2, gid="prior"
        )


def _shrunken(result: BayesianPool) -> Estimate:
    """Return the posterior of the studies' own effects on the reporting scale."""
    found, backward = result.shrinkage(), scale_of(result.estimate.scale).backward
    low, high = getattr(found, result.interval)(result.estimate.confidence_level)
    ends = backward(low), backward(high)
    middle = backward(found.median)
    return replace(result.estimate, value=middle, low=ends[0], high=ends[1], std_error=found.sd, pvalue=None)


def _draw_studies(
    ax: Axes, result: BayesianPool, effects: EffectSizes, shrunken: Estimate, centres: FloatArray
) -> None:
    scale, mean = axis_scale(effects.measure), result.estimate
    observed = effects.interval(confidence_level=mean.confidence_level)
    first, second, last = (
        scale.factor * np.array([np.ravel(end) for end in (part.value, part.low, part.high)])
        for part in (observed, shrunken, mean)
    )
    ends = np.concatenate([first[1:].ravel(), second[1:].ravel(), last[1:].ravel()])
    set_x_axis(ax, scale, *automatic_limits(scale, np.concatenate([first[0], second[0], last[0]]), ends))
    ax.xaxis.label.set(fontproperties=font(), parse_math=False)
    step = 0.19 * float(np.diff(centres).min())
    crowded = centres.size > 40
    rows, side = centres[:-1], 2.0 if crowded else 3.4
    _draw_rows(ax, rows - step, first, "observed", "s", side, GREY, filled=False)
    _draw_rows(ax, rows + step, second, "shrunken", "o", side, BLUE, filled=True)
    _draw_rows(ax, centres[-1:], last, "mean", "D", 5.0, BLACK, filled=True)
    ax.axvline(last[0, 0], color=VERMILLION, linewidth=0.7, linestyle=":", zorder=0.8, gid="mean line")


def _draw_rows(
    ax: Axes,
    y: FloatArray,
    ends: FloatArray,
    gid: str,
    marker: str,
    side: float,
    colour: str,
    *,
    filled: bool,
) -> None:
    value, low, high = ends
    start, stop = ax.get_xlim()
    width = 0.8 if gid == "observed" else 1.3
    visible = (low <= stop) & (high >= start)
    left, right = np.maximum(low, start)[visible], np.minimum(high, stop)[visible]
    ax.hlines(y[visible], left, right, color=colour, linewidth=width, zorder=2, gid=f"{gid} interval")
    for cut, place, caret in ((low < start, start, CARETLEFT), (high > stop, stop, CARETRIGHT)):
        if cut.any():
            (mark,) = ax.plot(np.full(cut.sum(), place), y[cut], color=colour, linestyle="none", gid="arrow")
            mark.set(marker=caret, markersize=3.5, markeredgewidth=0, clip_on=False)
    (marks,) = ax.plot(value, y, color=colour, linestyle="none", zorder=3, gid=gid)
    marks.set(marker=marker, markersize=side, markerfacecolor=colour if filled else "white")


def _legend(result: BayesianPool, effects: EffectSizes | None) -> str:
    level = format_percent(result.estimate.confidence_level, 0)
    words = [f"Solid: posterior, shaded over its {level} credible interval (CrI); upright line: median."]
    priors = {"of the mean": result.mean_prior is not None}
    priors["of τ"] = "prior" in _tau_density(result, effects, _tau_grid(result))
    drawn = [name for name, shown in priors.items() if shown]
    if drawn:
        words.append(f"Dashed: prior {' and '.join(drawn)}.")
    if result.mean_prior is None:
        words.append("The prior of the mean is flat.")
    if not result.tau_prior.proper:
        words.append("The prior of τ is improper and not drawn.")
    if effects is not None:
        words.append("Hollow square: as observed; filled circle: posterior of the study’s own effect.")
    return " ".join(words)


def _record(result: BayesianPool, effects: EffectSizes | None, shrunken: Estimate | None) -> FigureRecord:
    measure, prior = result.estimate.measure, repr(result.tau_prior)
    name = axis_scale(measure).label.removesuffix(" (log scale)").removesuffix(" (%)")
    alt = (
        f"Posterior distributions from {result.n_studies} studies. {_heading(result.estimate, name)}; "
        f"{_heading(result.heterogeneity, 'τ')}."
    )
    if effects is not None and shrunken is not None:
        spread = [
            format_estimate(np.median(part), part.min(), part.max(), measure=measure)
            for part in (effects.interval().value, shrunken.value)
        ]
        alt += (
            f" Median of the studies (from least to greatest) {spread[0]} as observed, {spread[1]} shrunken."
        )
    mean_prior = "flat" if result.mean_prior is None else "normal({:g}, {:g})".format(*result.mean_prior)
    return FigureRecord(
        title=f"Bayesian meta-analysis of {result.n_studies} studies: {name.lower()} and heterogeneity",
        caption=(
            f"Random-effects model; prior of τ {prior}, prior of the mean {mean_prior}; {result.interval} "
            f"credible intervals. {_legend(result, effects)}"
        ),
        alt=alt,
        numbers=_numbers(result, effects, shrunken),
    )


def _numbers(result: BayesianPool, effects: EffectSizes | None, shrunken: Estimate | None) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for name, found in (
        ("mean", _mean_density(result, _mean_grid(result))),
        ("tau", _tau_density(result, effects, _tau_grid(result))),
    ):
        for curve in ("posterior", "prior"):
            if curve in found:
                columns = {"mark": f"{name} {curve}", "value": found["x"], "density": found[curve]}
                frames.append(pd.DataFrame(columns))
    parts = {"mean": ([""], result.estimate), "tau": ([""], result.heterogeneity)}
    if effects is not None and shrunken is not None:
        observed = effects.interval(confidence_level=result.estimate.confidence_level)
        parts |= {
            "observed": (list(_names(effects)), observed),
            "shrunken": (list(_names(effects)), shrunken),
        }
    for mark, (labels, estimate) in parts.items():
        columns = {name: np.ravel(getattr(estimate, name)) for name in ("value", "low", "high")}
        frames.append(pd.DataFrame({"mark": mark, "label": labels, **columns}))
    return pd.concat(frames, ignore_index=True)
