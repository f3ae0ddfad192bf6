"""Influence of single studies: a panel a diagnostic, a row a study.

Takes finished diagnostics; they, and the rules by which a study is influential, are in `meta.influence`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from analysis.figures.axes import labelled_axes
from analysis.figures.panels import PanelPage, panel_page, set_plain_x_axis
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    POINTS_PER_INCH,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.writer import MARGIN
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
# With more studies only those that stand out are named.
_NAMED = 40

# Share of the room between panels that the labels of ticks may take from either side.
_OVERHANG = 0.46
_LEGEND = (
    "Diamond, bold name: influential study. Filled circle: beyond the dashed limit of its panel. "
    "Upright line: value expected, or that of all studies."
)


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
    Limits: a residual beyond the normal quantiles of 95 %, abs(DFFITS) > 3/√(k - 1), Cook's distance above
    the median of chi-square with one degree of freedom, a hat value above 3/k. They are conventions, no
    tests. More than 40 studies are drawn without their names but for the influential ones.

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
        rows = _rows(result, page_mm * POINTS_PER_INCH / 25.4)
        least = 8.4 * preset.body_size
        across = next((n for n in (8, 4, 3, 2, 1) if n <= len(names) and _share(rows.room, n) >= least), 0)
        if not across:
            raise ValueError(f"`width_mm` must be greater for panels beside the names, but got {page_mm:g}.")
        width = _share(rows.room, across)
        titles = [wrap_text(_PANELS[name][0], width, size=preset.body_size, bold=True) for name in names]
        line = preset.body_size * LINE_SPACING
        bands = [range(start, min(start + across, len(names))) for start in range(0, len(names), across)]
        heads = [max(len(titles[i]) for i in band) * line + 4.0 for band in bands]
        below = 2.2 * line
        height = sum(heads) + len(bands) * (rows.height + below) - 0.8 * line
        legend = _LEGEND if len(rows.named) == len(result.label) else f"{_LEGEND} Other studies: no name."
        page = panel_page(
            height, width_mm=page_mm, notes=[legend, *([note] if note else [])], synthetic=synthetic
        )
        top = 0.0
        for band, head in zip(bands, heads, strict=True):
            _write_names(page, rows, result, top + head)
            for place, i in enumerate(band):
                left = rows.left + place * (width + _gap())
                for number, text in enumerate(reversed(titles[i])):
                    baseline = top + head - 5.0 - number * line
                    page.text(text, left, baseline, size=preset.body_size, bold=True, gid="title")
                ax = page.axes(left, top + head, width, rows.height)
                ax.set_ylim(rows.height, 0.0)
                ax.yaxis.set_visible(False)
                ax.spines["left"].set_visible(False)
                _draw(ax, result, names[i], pooled, rows.centres, rows.pitch)
            top += head + rows.height + below
        return keep_record(page.figure, _record(result, names, pooled))


def _gap() -> float:
    """Return the room between panels in points: for two halves of labels of ticks."""
    return 2.4 * current().body_size


def _share(room: float, across: int) -> float:
    return (room - (across - 1) * _gap()) / across


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Where the studies stand from top to bottom, and their names, in points."""

    centres: FloatArray
    pitch: float
    height: float
    left: float
    room: float
    named: dict[int, tuple[str, ...]]


def _rows(result: Influence, width: float) -> _Rows:
    size, k = current().small_size, len(result.label)
    shown = [i for i in range(k) if k <= _NAMED or result.influential[i]]
    widest = max(
        (text_width(result.label[i], size=size, bold=bool(result.influential[i])) for i in shown), default=0.0
    )
    column = min(widest, 0.34 * width)
    named = {
        i: wrap_text(result.label[i], column + 0.01, size=size, bold=bool(result.influential[i]))
        for i in shown
    }
    if k <= _NAMED:
        heights = np.array([1.32 * size + (len(named[i]) - 1) * size * LINE_SPACING for i in range(k)])
    else:
        # Names of the influential ones must find room, however dense the rows are.
        lines = sum(len(text) for text in named.values())
        heights = np.full(k, max(2.2, min(6.0, 320.0 / k), 1.3 * lines * size * LINE_SPACING / k))
    ends = np.cumsum(heights) + 3.0
    left = MARGIN + column + (8.0 if k <= _NAMED else 16.0)
    return _Rows(
        centres=ends - heights / 2,
        pitch=float(heights.min()),
        height=float(ends[-1]) + 3.0,
        left=left,
        room=width - left - max(MARGIN, _OVERHANG * _gap()),
        named=named,
    )


def _write_names(page: PanelPage, rows: _Rows, result: Influence, top: float) -> None:
    size = current().small_size
    line = size * LINE_SPACING
    spots = _apart([(rows.centres[i], len(text) * line) for i, text in rows.named.items()], rows.height)
    for (i, lines), centre in zip(rows.named.items(), spots, strict=True):
        for number, text in enumerate(lines):
            baseline = top + centre + (number + 0.5 - len(lines) / 2) * line + 0.365 * size
            page.text(text, MARGIN, baseline, size=size, bold=bool(result.influential[i]), gid="study")
        if len(rows.named) < len(result.label):
            _lead(page, rows, top + centre, top + rows.centres[i])


def _lead(page: PanelPage, rows: _Rows, start: float, end: float) -> None:
    """Draw a line from a name to its row."""
    right = rows.left - 2.0
    across = np.array([right - 12.0, right - 8.0, right]) / page.width
    down = 1 - (page.top + np.array([start, end, end])) / page.height
    page.figure.add_artist(
        Line2D(across, down, transform=page.figure.transFigure, color=GREY, linewidth=0.5, gid="leader")
    )


def _apart(places: Sequence[tuple[float, float]], height: float) -> list[float]:
    """Return the middles of blocks pushed apart, in their order, as near as may be to where they belong."""
    middles, edge = [], 0.0
    for middle, size in places:
        middles.append(max(middle, edge + size / 2))
        edge = middles[-1] + size / 2
    edge = height
    for i in range(len(places) - 1, -1, -1):
        middles[i] = min(middles[i], edge - places[i][1] / 2)
        edge = middles[i] - places[i][1] / 2
    return middles


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
    size = 4.4 if len(centres) <= _NAMED else 2.6
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
