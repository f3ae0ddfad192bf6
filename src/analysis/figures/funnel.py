"""Funnel plots: effects against precision, with contours of significance and what small-study methods found.

Takes finished results of `meta`; lines are drawn from their numbers, nothing is fitted here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.parts.funnel_input import Funnel, checked_funnel
from analysis.figures.parts.funnel_words import band_tints, funnel_key, funnel_record
from analysis.figures.parts.label_places import place_labels
from analysis.figures.parts.plane import draw_key, figure_of, plane_page, set_y_axis, study_labels
from analysis.figures.record import keep_record
from analysis.figures.style import BLACK, BLUE, house_style
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.meta.limit_meta_analysis import LimitMetaAnalysis
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.meta.small_study_result import SmallStudyTest
    from analysis.meta.trim_and_fill import TrimAndFill
    from analysis.values.estimate import EffectSizes

__all__ = ["figure_funnel", "plot_funnel"]


def plot_funnel(
    effects: EffectSizes,
    *,
    pooled: PooledEstimate | None = None,
    size: str = "std_error",
    n: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    filled: TrimAndFill | None = None,
    egger: SmallStudyTest | None = None,
    limit: LimitMetaAnalysis | None = None,
    annotate: Sequence[int] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw a funnel plot, small studies at the bottom.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,). Studies that are not estimable are left out.
    pooled : PooledEstimate, optional
        The line in the middle, and the region at its level around it.
    size : {"std_error", "variance", "precision", "n"}, default "std_error"
        What the vertical axis is of. Standard error and variance run downwards. Against the number of
        persons there are no contours, region or lines: significance does not follow from it.
    n : array_like, optional
        Persons in each study; for size="n", and only for it.
    contours : sequence of float, optional
        P-values whose contours around no effect bound the shaded bands; by default 0.1, 0.05 and 0.01 where
        the measure has a null. None are drawn for an empty sequence.
    filled : TrimAndFill, optional
        Studies filled in are rings, their pooled estimate a line.
    egger : SmallStudyTest, optional
        Regression of the effect on the standard error: `egger_test(effects)`, of either model.
    limit : LimitMetaAnalysis, optional
        Its curve leads to the adjusted estimate at the top.
    annotate : sequence of int, optional
        Studies that are named, by position.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the effect on the reporting scale, proportions in percent; y the chosen size.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is more than one meta-analysis or nothing to draw, a result is of another measure or number
        of studies, an option is unknown, or something is asked for that the axis or measure does not have.

    Notes
    -----
    The contour of P is where abs(effect - null)/SE is its normal quantile; the region is the pooled effect
    plus or minus the normal quantile of its level times SE: where studies of one common effect would lie.
    Asymmetry has other causes than unpublished studies (Sterne and others 2011).

    References
    ----------
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2008). Contour-enhanced meta-analysis funnel plots
    help distinguish publication bias from other causes of asymmetry. J Clin Epidemiol 61:991-996.
    DOI 10.1016/j.jclinepi.2007.11.010

    Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). Recommendations for examining and interpreting funnel
    plot asymmetry in meta-analyses of randomised controlled trials. BMJ 343:d4002. DOI 10.1136/bmj.d4002

    Rücker G, Schwarzer G, Carpenter JR, Binder H, Schumacher M (2011). Treatment-effect estimates adjusted
    for small-study effects via a limit meta-analysis. Biostatistics 12:122-142.
    DOI 10.1093/biostatistics/kxq046
    """
    funnel = checked_funnel(effects, pooled, size, n, contours, filled, egger, limit, annotate)
    with house_style():
        if ax is None:
            ax = plane_page(widest=funnel.widest)
        _draw(ax, funnel)
    return ax


def figure_funnel(
    effects: EffectSizes,
    *,
    pooled: PooledEstimate | None = None,
    size: str = "std_error",
    n: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    filled: TrimAndFill | None = None,
    egger: SmallStudyTest | None = None,
    limit: LimitMetaAnalysis | None = None,
    annotate: Sequence[int] = (),
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a funnel plot on a page, with a key to its signs.

    Parameters
    ----------
    effects, pooled, size, n, contours, filled, egger, limit, annotate
        As for `plot_funnel`.
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
        As `plot_funnel`, or if the width is not between 60 and 400 mm.
    """
    funnel = checked_funnel(effects, pooled, size, n, contours, filled, egger, limit, annotate)
    key = funnel_key(funnel)
    lost = int((~funnel.drawn).sum())
    notes = [f"{lost} {'study' if lost == 1 else 'studies'} not estimable, not drawn."] if lost else []
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest=funnel.widest,
            key=key,
            notes=[*notes, *([note] if note else [])],
            synthetic=synthetic,
        )
        unnamed = _draw(ax, funnel)
        draw_key(ax, key)
    if unnamed:
        notes.append(f"No room for {len(unnamed)} of {len(funnel.named())} labels.")
    return keep_record(figure_of(ax), funnel_record(funnel, notes))


def _draw(ax: Axes, funnel: Funnel) -> tuple[int, ...]:
    """Draw everything, from the ground up; return the studies whose labels found no room."""
    keep = funnel.drawn
    x = np.where(keep, funnel.place(funnel.effects.effect), np.nan)
    error = np.where(keep, funnel.effects.std_error, np.nan)
    y = funnel.height(error) if funnel.n is None else funnel.n
    extra, extra_error = (funnel.place(funnel.extra()[0]), funnel.height(funnel.extra()[1]))
    _set_axes(ax, funnel, [*x, *extra])
    _draw_contours(ax, funnel)
    heights = funnel.height(funnel.errors()) if funnel.n is None else np.array(ax.get_ylim())
    for line in funnel.lines():
        ax.plot(
            funnel.place(line.effect),
            heights,
            color=line.colour,
            linewidth=line.width,
            linestyle=line.dashes,
            zorder=2.5,
            gid=line.gid,
        )
    side = 4.6 if keep.sum() <= 60 else 3.4
    for across, up, face, edge, gid in (
        (extra, extra_error, "white", BLACK, "filled study"),
        (x, y, BLUE, "white", "study"),
    ):
        if across.size:
            ax.plot(
                across,
                up,
                linestyle="none",
                marker="o",
                markersize=side,
                markerfacecolor=face,
                markeredgecolor=edge,
                markeredgewidth=0.8 if gid == "filled study" else 0.4,
                zorder=4,
                clip_on=False,
                gid=gid,
            )
    across = np.concatenate([*(funnel.place(line.effect) for line in funnel.lines()), extra])
    up = np.concatenate([*[heights] * len(funnel.lines()), extra_error])
    labels = study_labels(funnel.effects)
    return place_labels(ax, x, y, labels, wanted=funnel.named(), radius=side / 2, avoid=(across, up))


def _set_axes(ax: Axes, funnel: Funnel, places: list[float]) -> None:
    scale = axis_scale(funnel.effects.measure)
    ends = [float(funnel.place(line.effect[-1])) for line in funnel.lines() if line.gid == "region"]
    middle = [float(funnel.place(line.effect[0])) for line in funnel.lines() if "pooled" in line.gid]
    set_x_axis(ax, scale, *automatic_limits(scale, [*places, *middle], ends))
    low, high, log = funnel.heights()
    upwards = funnel.size in {"n", "precision"}
    bottom, top = (low, high) if upwards else (high, low)
    set_y_axis(ax, funnel.size_name, bottom, top, log=log)


def _draw_contours(ax: Axes, funnel: Funnel) -> None:
    errors, (left, right) = funnel.errors(), ax.get_xlim()
    null = funnel.null()
    reaches = [normal_quantile(1 - level / 2) for level in funnel.levels]
    edges = [[funnel.place(null + side * reach * errors) for reach in reaches] for side in (-1, 1)]
    for bounds, end in zip(edges, (left, right), strict=True):
        outwards = [np.clip(bound, left, right) for bound in bounds]
        if len(outwards) == 1:
            # Of a single contour the outside is shaded, of several the bands between them.
            outwards.append(np.full_like(errors, end))
        for (inner, outer), tint in zip(pairwise(outwards), band_tints(funnel), strict=True):
            band = ax.fill_betweenx(
                funnel.height(errors), inner, outer, facecolor=tint, linewidth=0, zorder=0.2
            )
            band.set_gid("contour")
