"""Baujat plots: what each study adds to heterogeneity against what it does to the pooled estimate.

Takes what `meta.influence.baujat` found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import set_x_axis
from analysis.figures.parts.label_places import place_labels
from analysis.figures.parts.panels import plain_scale
from analysis.figures.parts.plane import KeyEntry, draw_key, figure_of, plane_page, set_y_axis, widest_label
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, house_style
from analysis.meta.influence import Baujat
from analysis.tables.format import format_count, format_number, format_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_baujat", "plot_baujat"]

# How far from the origin a study must lie to be named, either axis being 1 at its largest value.
_OUTSTANDING = 0.3
# What rounding leaves where effects are equal.
_NOTHING = 1e-12


def plot_baujat(result: Baujat, *, most: int = 8, ax: Axes | None = None) -> Axes:
    """Draw what each study adds to heterogeneity against what it does to the pooled estimate.

    Parameters
    ----------
    result : Baujat
        Of one meta-analysis, from `baujat(effects)`.
    most : int, default 8
        How many studies are named at most: those farthest from the origin, either axis being 1 at its
        largest value, and not nearer than 0.3. They are filled circles, the others rings.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `result` is of another type or of several meta-analyses, or `most` is negative.

    References
    ----------
    Baujat B, Mahé C, Pignon JP, Hill C (2002). A graphical method for exploring heterogeneity in
    meta-analyses: application to a meta-analysis of 65 trials. Stat Med 21:2641-2652. DOI 10.1002/sim.1221
    """
    _check(result, most)
    with house_style():
        if ax is None:
            ax = plane_page(widest=_widest(result))
        _draw(ax, result, most)
    return ax


def figure_baujat(
    result: Baujat,
    *,
    most: int = 8,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a Baujat plot on a page.

    Parameters
    ----------
    result, most
        As for `plot_baujat`.
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
        As `plot_baujat`, or if the width is not between 60 and 400 mm.
    """
    _check(result, most)
    named = _outstanding(result, most)
    key = [KeyEntry(text="farthest from the origin", marker="o", colour=BLUE)] if named else []
    if len(named) < len(result.label):
        key.append(KeyEntry(text="other studies" if named else "study", marker="o", filled=False))
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest=_widest(result),
            key=key,
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        left_out = _draw(ax, result, most)
        draw_key(ax, key)
    count = len(result.label)
    total = float(result.heterogeneity.sum())
    findings = []
    for what, values in (("heterogeneity", result.heterogeneity), ("the pooled estimate", result.influence)):
        i = int(values.argmax())
        share = (
            f", {format_percent(values[i] / total, 0)} of the sum"
            if values is result.heterogeneity and total
            else ""
        )
        findings.append(f"most to {what}: {result.label[i]} ({format_number(values[i])}{share})")
    nameless = f" No room for {len(left_out)} of their labels." if left_out else ""
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"Baujat plot of {format_count(count)} studies",
            caption=(
                "Baujat plot: contribution of each study to the heterogeneity statistic (horizontal) against "
                "the squared change of the pooled estimate without it, over its variance (vertical). Filled "
                f"and named: the {len(named)} studies farthest from the origin, either axis being 1 at its "
                f"largest value, at most {most} and none nearer than {_OUTSTANDING}.{nameless}"
            ),
            alt=(
                f"Baujat plot of {format_count(count)} studies. Contributing {findings[0]}; {findings[1]}. "
                f"Named: {', '.join(result.label[i] for i in named) or 'none'}."
            ),
            numbers=result.to_frame()
            .drop(columns="study")
            .assign(kind="study", named=np.isin(np.arange(count), named)),
        ),
    )


def _draw(ax: Axes, result: Baujat, most: int) -> tuple[int, ...]:
    x, y = result.heterogeneity, result.influence
    right, top = (
        1.08 * largest if largest > _NOTHING else 1.0 for largest in (float(x.max()), float(y.max()))
    )
    set_x_axis(ax, plain_scale("Contribution to heterogeneity"), -0.03 * right, right)
    set_y_axis(ax, "Influence on the pooled estimate", -0.03 * top, top)
    named = _outstanding(result, most)
    side = 4.6 if x.size <= 60 else 3.4
    inside = np.isin(np.arange(x.size), named)
    for part, filled in ((~inside, False), (inside, True)):
        if part.any():
            ax.plot(
                x[part],
                y[part],
                linestyle="none",
                marker="o",
                markersize=side,
                markerfacecolor=BLUE if filled else "white",
                markeredgecolor=BLUE if filled else BLACK,
                markeredgewidth=0.6,
                zorder=3 if filled else 2.5,
                clip_on=False,
                gid="outstanding study" if filled else "study",
            )
    return place_labels(ax, x, y, result.label, wanted=named, radius=side / 2)


def _outstanding(result: Baujat, most: int) -> list[int]:
    """Return the studies that are named, the farthest first."""
    distance = np.zeros(len(result.label))
    for values in (result.heterogeneity, result.influence):
        largest = float(values.max())
        distance += (values / largest) ** 2 if largest > _NOTHING else 0.0
    distance = np.sqrt(distance)
    order = np.argsort(-distance, kind="stable")[:most]
    return [int(i) for i in order if distance[i] >= _OUTSTANDING]


def _widest(result: Baujat) -> str:
    largest = float(result.influence.max())
    return widest_label(0.0, 1.08 * largest if largest > _NOTHING else 1.0)


def _check(result: Baujat, most: int) -> None:
    if not isinstance(result, Baujat):
        raise TypeError(
            f"`result` must be Baujat, but got {type(result).__name__}. It comes from baujat(effects)."
        )
    if result.influence.ndim != 1:
        raise ValueError(
            f"`result` must be of one meta-analysis, but has shape {result.influence.shape}. "
            "Draw one at a time."
        )
    if most < 0:
        raise ValueError(f"`most` must be at least 0, but got {most!r}.")
