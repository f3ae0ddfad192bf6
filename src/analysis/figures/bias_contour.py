"""The contour of the bias factor: how strong a confounder must be with exposure and with outcome.

Takes finished `EValue`s, one or several on one page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from analysis.bias.evalue import EValue, bounding_factor, needed_strength
from analysis.figures.parts.bias_page import (
    EdgeLabel,
    Span,
    column_and_a_half,
    edge_width,
    panel_page,
    set_spans,
    write_edge,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT_GREY,
    POINTS_PER_MM,
    SKY_BLUE,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import text_width, wrap_text
from analysis.tables.format import format_number
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.values.arrays import FloatArray

__all__ = ["figure_bias_contour", "plot_bias_contour"]

EValues: TypeAlias = EValue | Sequence[tuple[str, EValue]]

_POINTS = 400
# Colour and marker of each estimate; labels at the lines say the same.
_SIGNS = ((BLACK, "s"), (BLUE, "o"), (VERMILLION, "^"), (GREEN, "D"), (SKY_BLUE, "v"), (GREY, "P"))
# What a label may take of the page before its lines are broken.
_LABEL_SHARE = 0.32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One contour: its factor, the equal strengths on it, and how it is drawn and called."""

    label: str
    kind: str
    ratio: float
    strength: float
    measure: str
    colour: str
    marker: str

    @property
    def factor(self) -> float:
        return float(bounding_factor(self.strength, self.strength))

    def points(self, end: float) -> tuple[FloatArray, FloatArray]:
        # From where the second strength is at the end of its axis; the curve is its own mirror image.
        start = float(needed_strength(self.factor, other_strength=end))
        x = np.geomspace(start, end, _POINTS)
        return x, needed_strength(self.factor, other_strength=x)


def plot_bias_contour(result: EValues, *, largest: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the pairs of strengths that explain an estimate, and those that explain its nearer limit.

    Parameters
    ----------
    result : EValue or sequence of (str, EValue)
        Of one estimate; or up to six of them, each with the name that stands at its line.
    largest : float, optional
        End of both axes; by default three times the largest E-value.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Labels stand at the right edge,
        outside of the axes.

    Returns
    -------
    Axes
        On log scales: a solid line for each estimate (gid "estimate"), a dashed one for its limit (gid
        "limit") where that has an E-value above 1; markers (gid "e-value") at the E-values themselves, where
        both strengths are equal.

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If an `EValue` is of several estimates, is 1 or not finite, if there are none or more than six, or if
        `largest` does not exceed them all.
    """
    with house_style():
        lines, end = _checked(result, largest)
        labels = _labels(lines, end, width_mm=column_and_a_half())
        if ax is None:
            ax = _page(labels, end, width_mm=column_and_a_half(), notes=(), synthetic=False)
        _draw(ax, lines, end, labels)
    return ax


def figure_bias_contour(
    result: EValues,
    *,
    largest: float | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the contours on a page, with what they mean under them.

    Parameters
    ----------
    result, largest
        As for `plot_bias_contour`.
    width_mm : float, optional
        Width of the page; by default one and a half columns.
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
        As `plot_bias_contour`, or if the page is too narrow for the labels.

    References
    ----------
    Ding P, VanderWeele TJ (2016). Sensitivity analysis without assumptions. Epidemiology 27:368-377.
    DOI 10.1097/EDE.0000000000000457
    """
    with house_style():
        lines, end = _checked(result, largest)
        width = column_and_a_half() if width_mm is None else width_mm
        labels = _labels(lines, end, width_mm=width)
        notes = [_explanation(lines), *([note] if note else [])]
        ax = _page(labels, end, width_mm=width, notes=notes, synthetic=synthetic)
        _draw(ax, lines, end, labels)
    figure = ax.get_figure(root=True)
    if figure is None:  # the page has just made it
        raise RuntimeError("The page has no figure.")
    return keep_record(figure, _record(lines, end))


def _checked(result: EValues, largest: float | None) -> tuple[list[_Line], float]:
    pairs = [("", result)] if isinstance(result, EValue) else result
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        raise TypeError(
            f"`result` must be an EValue, or pairs of name and EValue, but got {type(result).__name__}."
        )
    if not 1 <= len(pairs) <= len(_SIGNS):
        raise ValueError(
            f"`result` must hold 1 to {len(_SIGNS)} estimates, but holds {len(pairs)}. Draw several figures."
        )
    lines = []
    for pair, (colour, marker) in zip(pairs, _SIGNS, strict=False):
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[1], EValue):
            raise TypeError(f"`result` must hold pairs of name and EValue, but got {pair!r}.")
        label, value = pair
        where = f" of {label!r}" if label else ""
        if value.value.size != 1:
            raise ValueError(
                f"`result`{where} must be of one estimate, but has shape {value.value.shape}. "
                "Give pairs of name and EValue, one estimate each."
            )
        strength = float(value.value.item())
        if not 1 < strength < np.inf:
            raise ValueError(
                f"`result`{where} must have an E-value above 1 to be drawn, but it is {strength:g}."
            )
        ratio = float(value.risk_ratio.item())
        lines.append(_line(label, "estimate", ratio, strength, value.measure, colour, marker))
        limit = float(value.limit.item())
        if np.isfinite(limit) and limit > 1:
            low, high = float(value.risk_ratio_low.item()), float(value.risk_ratio_high.item())
            near = low if ratio > 1 else high
            lines.append(_line(label, "limit", near, limit, value.measure, colour, marker))
    most = max(line.strength for line in lines)
    end = 3 * most if largest is None else float(largest)
    if not most < end < np.inf:
        raise ValueError(f"`largest` must exceed the E-value {most:.4g}, but got {largest!r}.")
    return lines, end


def _line(
    label: str, kind: str, ratio: float, strength: float, measure: str, colour: str, marker: str
) -> _Line:
    return _Line(
        label=label,
        kind=kind,
        ratio=ratio,
        strength=strength,
        measure=measure,
        colour=colour,
        marker=marker,
    )


def _spans(end: float) -> tuple[Span, Span]:
    return tuple(  # type: ignore[return-value]
        Span(name=f"Confounder and {other} (risk ratio, log scale)", low=1.0, high=end, log=True)
        for other in ("exposure", "outcome")
    )


def _labels(lines: list[_Line], end: float, *, width_mm: float) -> list[EdgeLabel]:
    room = _LABEL_SHARE * width_mm * POINTS_PER_MM
    labels = []
    for line in lines:
        ratio = "" if math.isnan(line.ratio) else f" {format_number(line.ratio)}"
        name = line.kind if line.kind == "limit" or not line.label else line.measure
        parts = (f"{name}{ratio}", f"E-value {format_number(line.strength)}")
        together = ": ".join(parts)
        fits = text_width(together, size=current().body_size) <= room
        above = wrap_text(line.label, room, size=current().body_size) if line.kind == "estimate" else ()
        texts = (*above, *((together,) if fits else parts))
        share = math.log(float(line.points(end)[1][-1])) / math.log(end)
        labels.append(EdgeLabel(lines=texts, share=share, colour=line.colour))
    return labels


def _page(
    labels: list[EdgeLabel],
    end: float,
    *,
    width_mm: float,
    notes: Sequence[str],
    synthetic: bool,
) -> Axes:
    x, y = _spans(end)
    return panel_page(
        x,
        y,
        width_mm=width_mm,
        edge=edge_width(labels),
        least_height=sum(label.height for label in labels),
        notes=notes,
        synthetic=synthetic,
    )


def _draw(ax: Axes, lines: list[_Line], end: float, labels: list[EdgeLabel]) -> None:
    span_x, span_y = _spans(end)
    set_spans(ax, span_x, span_y)
    ax.plot([1, end], [1, end], color=LIGHT_GREY, linewidth=0.6, zorder=0.5, gid="equal strengths")
    for line in lines:
        x, y = line.points(end)
        limit = line.kind == "limit"
        ax.plot(
            x,
            y,
            color=line.colour,
            linestyle=(0, (4, 2)) if limit else "-",
            linewidth=2 * current().line_width,
            gid=line.kind,
        )
        ax.plot(
            [line.strength],
            [line.strength],
            marker=line.marker,
            markersize=4.5,
            markerfacecolor="white" if limit else line.colour,
            markeredgecolor=line.colour,
            markeredgewidth=0.9,
            linestyle="none",
            zorder=3,
            gid="e-value",
        )
    write_edge(ax, labels)


def _explanation(lines: list[_Line]) -> str:
    dashed = "; dashed: of its confidence limit nearer 1" if _has_limit(lines) else ""
    return (
        f"Solid line: pairs of strengths at which an unmeasured confounder could explain the estimate"
        f"{dashed}. Below a line no confounder could, whatever its prevalence. Marker: E-value, both "
        "strengths equal."
    )


def _has_limit(lines: list[_Line]) -> bool:
    return any(line.kind == "limit" for line in lines)


def _record(lines: list[_Line], end: float) -> FigureRecord:
    sentences = []
    for line in lines:
        name = f"{line.label}, " if line.label else ""
        ratio = "" if math.isnan(line.ratio) else f" {format_number(line.ratio)}"
        what = measure_of(line.measure).label.lower() if line.kind == "estimate" else "nearer limit"
        sentences.append(f"{name}{what}{ratio}: E-value {format_number(line.strength)}")
    return FigureRecord(
        title="How strong unmeasured confounding would have to be",
        caption=(
            f"{_explanation(lines)} Bounding factor of Ding and VanderWeele, "
            "xy/(x + y - 1) for strengths x and y on the risk-ratio scale."
        ),
        alt=(
            "Curves of equal bias factor over two axes, the strength of a confounder with the exposure and "
            f"with the outcome, both from 1 to {format_number(end)}. {'. '.join(sentences)}."
        ),
        numbers=_numbers(lines, end),
    )


def _numbers(lines: list[_Line], end: float) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for line in lines:
        x, y = line.points(end)
        marks = [("e-value", np.array([line.strength]), np.array([line.strength])), ("line", x, y)]
        frames += [
            pd.DataFrame(
                {
                    "label": line.label,
                    "of": line.kind,
                    "measure": line.measure,
                    "ratio": line.ratio,
                    "bias_factor": line.factor,
                    "mark": mark,
                    "confounder_exposure": across,
                    "confounder_outcome": up,
                }
            )
            for mark, across, up in marks
        ]
    return pd.concat(frames, ignore_index=True)
