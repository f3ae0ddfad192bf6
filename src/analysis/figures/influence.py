"""Influence of single studies: a panel a diagnostic, a row a study.

Takes finished diagnostics; they, and the rules by which a study is influential, are in `meta.influence`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import labelled_axes
from analysis.figures.parts.influence_rows import NAMED, StudyRows, study_rows, write_names
from analysis.figures.parts.panels import panel_page, set_plain_x_axis
from analysis.figures.parts.plane import panel_points
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    POINTS_PER_MM,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, wrap_text
from analysis.meta.methods.influence_results import Influence
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.format import format_number
from analysis.values.arguments import check_choice
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["figure_influence", "plot_influence"]

# Diagnostic, its title, and whether its axis begins at 0.
_PANELS = {
    "rstudent": ("Studentized residual", False),
    "dffits": ("DFFITS", False),
    "cooks_distance": ("Cook’s distance", True),
    "covariance_ratio": ("Covariance ratio", False),
    "tau2_deleted": ("τ² without the study", False),
    "q_deleted": ("Q without the study", False),
    "hat": ("Hat value", True),
    "weight": ("Weight (%)", True),
}
# Share of the room between panels that the labels of ticks may take from either side.
_OVERHANG = 0.46
# Room of a row in points from which on signs have their usual size.
_ROOMY = 4.4
# Share of its height that a page must be reduced to if names are to be given up for it.
_MUCH_LOWER = 0.75
_LEGEND = (
    "Diamond, bold name: influential study. Filled circle: beyond the dashed limit of its panel. "
    "Upright line: value expected, or that of all studies."
)
_NAMELESS = "Other studies: no name."


def plot_influence(
    result: Influence,
    *,
    diagnostic: str = "rstudent",
    pooled: PooledEstimate | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one diagnostic of all studies, one row a study from top to bottom.

    Parameters
    ----------
    result : Influence
        What `influence` gives of one meta-analysis.
    diagnostic : str, default "rstudent"
        "rstudent", "dffits", "cooks_distance", "covariance_ratio", "tau2_deleted", "q_deleted", "hat" or
        "weight".
    pooled : PooledEstimate, optional
        The meta-analysis of all studies: tau2 and Q without a study are set against its.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Study i lies at y = i.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, the diagnostic is unknown, or there is more than one meta-analysis.
    """
    check_choice("diagnostic", diagnostic, _PANELS)
    _check(result, pooled)
    with house_style():
        ax = labelled_axes(result.label, xlabel="", ax=ax)
        _draw(ax, result, diagnostic, pooled, np.arange(len(result.label), dtype=np.float64), 1.0)
        ax.set_xlabel(_PANELS[diagnostic][0], fontproperties=font(), parse_math=False)
    return ax


def figure_influence(
    result: Influence,
    *,
    pooled: PooledEstimate | None = None,
    diagnostics: Sequence[str] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the influence diagnostics of a meta-analysis as panels side by side, at the printed size.

    Parameters
    ----------
    result : Influence
        What `influence` gives of one meta-analysis.
    pooled : PooledEstimate, optional
        The meta-analysis of all studies: tau2 and Q without a study are set against its.
    diagnostics : sequence of str, optional
        Which panels, in this order; by default all eight. See `plot_influence`.
    width_mm : float, optional
        Printed width; by default the page of the style. Panels that do not fit go on below.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure
        One Axes a panel.

    Raises
    ------
    TypeError, ValueError
        As `plot_influence`; also if the page is too narrow, or a diagnostic is named twice.

    Notes
    -----
    The page is at most as high as the journal allows, if that can be. Rows of up to 40 studies carry their
    names; more studies, or as many as do not fit on the page, are drawn closer, and named are the influential
    ones alone. Fewer `diagnostics`, or a wider page, leave room for names, and for hundreds of studies on a
    narrow page, which is too high else.

    Limits: a residual beyond the normal quantiles of 95 %, abs(DFFITS) > 3/√(k - 1), Cook's distance above
    the median of chi-square with one degree of freedom, a hat value above 3/k. They are conventions, no
    tests.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Outlier and influence diagnostics for meta-analysis. Res Synth Methods
    1:112-125. DOI 10.1002/jrsm.11
    """
    names = list(_PANELS) if diagnostics is None else list(diagnostics)
    for name in names:
        check_choice("diagnostics", name, _PANELS)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`diagnostics` must name one or more panels once, but got {names!r}.")
    _check(result, pooled)
    with house_style():
        preset = current()
        page_mm = preset.double_mm if width_mm is None else width_mm
        notes = [f"{_LEGEND} {_NAMELESS}", *([note] if note else [])]
        plan = _plan(result, names, page_mm)
        free = preset.maximum_height_mm * POINTS_PER_MM - _frame(page_mm, notes, synthetic=synthetic)
        if plan.height > free:
            lower = plan
            # Without names there may be other panels side by side, and so another height for the rows.
            for _ in range(2):
                room = lower.rows.height - (lower.height - free) / len(lower.bands)
                lower = _plan(result, names, page_mm, height=max(room, 1.0))
            # Names are given up for a page that is lower by much, or not too high any more.
            if lower.height <= max(free + 0.1, _MUCH_LOWER * plan.height):
                plan = lower
        rows, line, width = plan.rows, preset.body_size * LINE_SPACING, plan.width
        if len(rows.named) == len(result.label):
            notes[0] = _LEGEND
        page = panel_page(plan.height, width_mm=page_mm, notes=notes, synthetic=synthetic)
        top = 0.0
        for band, head in zip(plan.bands, plan.heads, strict=True):
            write_names(page, rows, result, top + head)
            for place, i in enumerate(band):
                left = rows.left + place * (width + _gap())
                for number, text in enumerate(reversed(plan.titles[i])):
                    baseline = top + head - 5.0 - number * line
                    page.text(text, left, baseline, size=preset.body_size, bold=True, gid="title")
                ax = page.axes(left, top + head, width, rows.height)
                ax.set_ylim(rows.height, 0.0)
                ax.yaxis.set_visible(False)
                ax.spines["left"].set_visible(False)
                _draw(ax, result, names[i], pooled, rows.centres, rows.pitch)
            top += head + rows.height + _below()
        return keep_record(page.figure, _record(result, names, pooled))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """The rows, the width of a panel, and panels side by side with the room for their titles, in points."""

    rows: StudyRows
    width: float
    titles: list[tuple[str, ...]]
    bands: list[range]
    heads: list[float]

    @property
    def height(self) -> float:
        """Of everything."""
        line = current().body_size * LINE_SPACING
        return sum(self.heads) + len(self.bands) * (self.rows.height + _below()) - 0.8 * line


def _plan(result: Influence, names: Sequence[str], page_mm: float, *, height: float | None = None) -> _Plan:
    """Put as many panels side by side as the page holds; the rows take up that height where one is given."""
    body = current().body_size
    rows = study_rows(result, page_mm * POINTS_PER_MM, beside=_OVERHANG * _gap(), height=height)
    least = 8.4 * body
    across = next((n for n in (8, 4, 3, 2, 1) if n <= len(names) and _share(rows.room, n) >= least), 0)
    if not across:
        raise ValueError(f"`width_mm` must be greater for panels beside the names, but got {page_mm:g}.")
    width = _share(rows.room, across)
    titles = [wrap_text(_PANELS[name][0], width, size=body, bold=True) for name in names]
    bands = [range(start, min(start + across, len(names))) for start in range(0, len(names), across)]
    heads = [max(len(titles[i]) for i in band) * body * LINE_SPACING + 4.0 for band in bands]
    return _Plan(rows=rows, width=width, titles=titles, bands=bands, heads=heads)


def _frame(page_mm: float, notes: Sequence[str], *, synthetic: bool) -> float:
    """Return what a page takes besides its free area, in points."""
    height = 100.0
    return panel_page(height, width_mm=page_mm, notes=notes, synthetic=synthetic).height - height


def _below() -> float:
    """Return the room under panels in points."""
    return 2.2 * current().body_size * LINE_SPACING


def _gap() -> float:
    """Return the room between panels in points: for two halves of labels of ticks."""
    return 2.4 * current().body_size


def _share(room: float, across: int) -> float:
    return (room - (across - 1) * _gap()) / across


def _references(
    result: Influence, diagnostic: str, pooled: PooledEstimate | None
) -> tuple[float | None, tuple[float, ...]]:
    """Return the value expected (or that of all studies), and the limits."""
    k = len(result.label)
    if diagnostic == "rstudent":
        limit = normal_quantile(0.975)
        return 0.0, (-limit, limit)
    if diagnostic == "dffits":
        limit = 3 / math.sqrt(k - 1)
        return 0.0, (-limit, limit)
    if diagnostic == "cooks_distance":
        return 0.0, (normal_quantile(0.75) ** 2,)
    if diagnostic == "covariance_ratio":
        return 1.0, ()
    if diagnostic in {"hat", "weight"}:
        unit = 1.0 if diagnostic == "hat" else 100.0
        # With three studies no hat value can be above 1.
        return unit / k, (3 * unit / k,) if k > 3 else ()
    if pooled is None:
        return None, ()
    return float(pooled.tau2 if diagnostic == "tau2_deleted" else pooled.q), ()


def _beyond(values: FloatArray, limits: tuple[float, ...]) -> BoolArray:
    if not limits:
        return np.zeros(values.shape, dtype=np.bool_)
    return np.asarray(np.abs(values) > limits[-1])


def _draw(
    ax: Axes,
    result: Influence,
    diagnostic: str,
    pooled: PooledEstimate | None,
    centres: FloatArray,
    pitch: float,
) -> None:
    values = np.asarray(getattr(result, diagnostic))
    reference, limits = _references(result, diagnostic, pooled)
    finite = np.isfinite(values)
    inside = [*values[finite], *limits, *([] if reference is None else [reference])]
    low, high = (min(inside), max(inside)) if inside else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    from_zero = _PANELS[diagnostic][1]
    set_plain_x_axis(ax, "", 0.0 if from_zero else low, high, fixed=from_zero, overhang=_OVERHANG * _gap())
    for y in centres[result.influential]:
        ax.axhspan(
            y - pitch / 2, y + pitch / 2, color=LIGHT_GREY, alpha=0.6, linewidth=0, zorder=0, gid="row"
        )
    if reference is not None:
        ax.axvline(reference, color=GREY, linewidth=0.7, zorder=1, gid="reference")
    for limit in limits:
        ax.axvline(limit, color=GREY, linewidth=0.7, linestyle=(0, (4, 2.5)), zorder=1, gid="limit")
    if reference is not None:
        ax.hlines(
            centres[finite], reference, values[finite], color=GREY, linewidth=0.5, zorder=1.5, gid="stem"
        )
    beyond = _beyond(values, limits)
    size = 4.4 if len(centres) <= NAMED and _room(ax, pitch) >= _ROOMY else 2.6
    kinds = (
        ("study", "o", "white", BLUE, finite & ~beyond & ~result.influential),
        ("beyond", "o", BLUE, BLUE, finite & beyond & ~result.influential),
        ("influential", "D", VERMILLION, BLACK, finite & result.influential),
    )
    for gid, marker, face, edge, chosen in kinds:
        if chosen.any():
            ax.plot(
                values[chosen],
                centres[chosen],
                linestyle="none",
                marker=marker,
                markersize=size,
                markerfacecolor=face,
                markeredgecolor=edge,
                markeredgewidth=0.8,
                clip_on=False,
                zorder=3,
                gid=gid,
            )


def _room(ax: Axes, pitch: float) -> float:
    """Return the points that a row has."""
    bottom, top = ax.get_ylim()
    return panel_points(ax)[1] * pitch / abs(bottom - top)


def _check(result: Influence, pooled: PooledEstimate | None) -> None:
    if not isinstance(result, Influence):
        raise TypeError(f"`result` must be what `influence` gives, but got {type(result).__name__}.")
    if result.hat.ndim != 1:
        raise ValueError(
            f"`result` must be of one meta-analysis, but has shape {result.hat.shape[:-1]}. "
            "Draw them one by one."
        )
    if pooled is None:
        return
    if not isinstance(pooled, PooledEstimate):
        raise TypeError(f"`pooled` must be what `pool` gives, but got {type(pooled).__name__}.")
    if pooled.tau2.size != 1 or int(pooled.n_studies) != len(result.label):
        raise ValueError(
            f"`pooled` must be the meta-analysis of the same {len(result.label)} studies, but is of "
            f"{np.array2string(np.asarray(pooled.n_studies))}."
        )


def _record(result: Influence, names: Sequence[str], pooled: PooledEstimate | None) -> FigureRecord:
    k = len(result.label)
    found = np.flatnonzero(result.influential)
    told = [
        f"{result.label[i]} (studentized residual {format_number(result.rstudent[i], 2)}, Cook’s distance "
        f"{format_number(result.cooks_distance[i], 2)}, weight {format_number(result.weight[i], 1)}%)"
        for i in found
    ]
    panels = ", ".join(_PANELS[name][0] for name in names)
    alt = f"Influence diagnostics of {k} studies, one panel each for {panels}. "
    alt += f"Influential: {'; '.join(told)}." if told else "No study is influential."
    rules = [
        "studentized residual beyond ±1.96",
        f"DFFITS beyond ±3/√(k − 1) = {format_number(3 / math.sqrt(k - 1), 2)}",
        f"Cook’s distance above {format_number(normal_quantile(0.75) ** 2, 2)} (median of χ², 1 df)",
        f"hat value above 3/k = {format_number(3 / k, 2)}",
    ]
    caption = (
        f"What each of {k} studies does to the pooled estimate. {_LEGEND} Dashed limits: {'; '.join(rules)}. "
        "A study is influential if its DFFITS, Cook’s distance or hat value is beyond its limit, or the mean "
        "moves by more than one standard error (DFBETAS). The limits are conventions, no tests."
    )
    return FigureRecord(
        title=f"Influence of single studies on the pooled estimate ({k} studies)",
        caption=caption,
        alt=alt,
        numbers=_numbers(result, names, pooled),
    )


def _numbers(result: Influence, names: Sequence[str], pooled: PooledEstimate | None) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for name in names:
        values = np.asarray(getattr(result, name))
        reference, limits = _references(result, name, pooled)
        lines = [("reference", reference)] if reference is not None else []
        lines += [("limit", limit) for limit in limits]
        frames.append(
            pd.DataFrame(
                {
                    "diagnostic": name,
                    "mark": ["study"] * values.size + [mark for mark, _ in lines],
                    "label": [*result.label, *[""] * len(lines)],
                    "value": [*values, *[value for _, value in lines]],
                    "beyond": [*_beyond(values, limits), *[False] * len(lines)],
                    "influential": [*result.influential, *[False] * len(lines)],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
