"""Doi plots: effects against the absolute normal score of their rank, ranks weighted by precision.

Takes a finished index of `meta.lfk_index`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.parts.plane import KeyEntry, draw_key, figure_of, plane_page, set_y_axis, study_labels
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, house_style
from analysis.meta.lfk_index import LfkIndex
from analysis.tables.format import format_count, format_number
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray

__all__ = ["figure_doi", "plot_doi"]


def plot_doi(effects: EffectSizes, *, index: LfkIndex, ax: Axes | None = None) -> Axes:
    """Draw a Doi plot: effects against the size of the normal score of their rank, weighted by precision.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,).
    index : LfkIndex
        What `lfk_index(effects)` gave.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the effect on the reporting scale (proportions in percent), y is abs(z) with 0 at the top.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is more than one meta-analysis, or the index is of other studies.

    Notes
    -----
    A symmetrical plot looks like a mountain: the two limbs from the summit, the study with the smallest
    abs(z), fall off alike. The LFK index measures the difference; see its warning.

    References
    ----------
    Furuya-Kanamori L, Barendregt JJ, Doi SAR (2018). A new improved graphical and quantitative method for
    detecting bias in meta-analysis. Int J Evid Based Healthc 16:195-203. DOI 10.1097/XEB.0000000000000141

    Schwarzer G, Rücker G, Semaca C (2024). LFK index does not reliably detect small-study effects in
    meta-analysis: a simulation study. Res Synth Methods 15:603-615. DOI 10.1002/jrsm.1714
    """
    _check(effects, index)
    with house_style():
        if ax is None:
            ax = plane_page(widest="0.0")
        scale = axis_scale(effects.measure)
        x, size = _coordinates(effects, index)
        set_x_axis(ax, scale, *automatic_limits(scale, x, []))
        highest = float(size.max())
        set_y_axis(ax, "Normal score |z|", 1.06 * highest if highest > 0 else 1.0, -0.04 * highest)
        order = np.argsort(x, kind="stable")
        ax.plot(x[order], size[order], color=GREY, linewidth=0.8, zorder=2, gid="limbs")
        summit = float(x[np.argmin(size)])
        ax.axvline(summit, color=BLACK, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1, gid="summit line")
        ax.plot(
            x,
            size,
            linestyle="none",
            marker="o",
            markersize=4.4 if x.size <= 60 else 3.0,
            markerfacecolor=BLUE,
            markeredgecolor="white",
            markeredgewidth=0.4,
            zorder=3,
            clip_on=False,
            gid="study",
        )
    return ax


def figure_doi(
    effects: EffectSizes,
    *,
    index: LfkIndex,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a Doi plot on a page, with the LFK index and the warning that goes with it.

    Parameters
    ----------
    effects, index
        As for `plot_doi`.
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
        As `plot_doi`, or if the width is not between 60 and 400 mm.
    """
    import pandas as pd

    _check(effects, index)
    words = str(index.interpretation.item())
    verdict = f"LFK index {format_number(index.index.item())} ({words}); {format_count(index.z_score.size)} "
    verdict += "studies"
    # A reader of the figure knows the test, not the function.
    warning = index.warning.replace("egger_test", "Egger's test")
    key = [KeyEntry(text="study", marker="o", colour=BLUE), KeyEntry(text="summit", line=(0, (2, 2)))]
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest="0.0",
            key=key,
            notes=[f"{verdict}.", warning, *([note] if note else [])],
            synthetic=synthetic,
        )
        plot_doi(effects, index=index, ax=ax)
        draw_key(ax, key)
    x, size = _coordinates(effects, index)
    label = measure_of(effects.measure).label
    summit = int(np.argmin(size))
    left, right = int((x < x[summit]).sum()), int((x > x[summit]).sum())
    numbers = pd.DataFrame({"kind": "study", "label": list(study_labels(effects)), "abs_z": size})
    numbers["value"] = scale_of(effects.scale).backward(effects.effect)
    numbers["z_score"], numbers["std_error"] = index.z_score, effects.std_error
    numbers["summit"] = np.arange(size.size) == summit
    return keep_record(
        figure_of(ax),
        FigureRecord(
            title=f"Doi plot of {format_count(x.size)} studies ({label.lower()})",
            caption=(
                f"Doi plot: {label.lower()} of each study (points) against the absolute normal score of its "
                "rank, ranks weighted by precision; precise studies are at the top. Dashed line: the study "
                f"with the smallest |z|. {verdict}. {warning}"
            ),
            alt=(
                f"Doi plot of {format_count(x.size)} studies. {left} lie left of the summit at "
                f"{format_number(x[summit])}{' %' if measure_of(effects.measure).percent else ''} and "
                f"{right} right of it. {verdict}. The index is no reliable sign of bias."
            ),
            numbers=numbers,
        ),
    )


def _coordinates(effects: EffectSizes, index: LfkIndex) -> tuple[FloatArray, FloatArray]:
    x = axis_scale(effects.measure).factor * scale_of(effects.scale).backward(effects.effect)
    return np.asarray(x), np.abs(index.z_score)


def _check(effects: EffectSizes, index: LfkIndex) -> None:
    expected = (("effects", effects, EffectSizes), ("index", index, LfkIndex))
    for name, value, kind in expected:
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must be {kind.__name__}, but got {type(value).__name__}.")
    if effects.effect.ndim != 1:
        raise ValueError(
            f"`effects` must be one set of studies, shape (k,), but has shape {effects.effect.shape}. "
            "Draw one meta-analysis at a time."
        )
    if index.z_score.shape != effects.effect.shape:
        raise ValueError(
            f"`index` must be of the same studies, shape {effects.effect.shape}, but is of shape "
            f"{index.z_score.shape}. Give lfk_index(effects)."
        )
