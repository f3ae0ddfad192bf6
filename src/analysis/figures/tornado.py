"""The tornado of bias parameters: how far each alone moves the adjusted measure, the widest on top.

Takes finished `ParameterSwings`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.draw_swings import ParameterSwings
from analysis.figures.parts.axes import AxisScale, automatic_limits, axis_scale, labelled_axes, set_x_axis
from analysis.figures.parts.bias_page import digits_for, name_under
from analysis.figures.parts.page import Column, Layout, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, ORANGE, POINTS_PER_INCH, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font, text_width
from analysis.tables.format import NOT_ESTIMABLE, format_number, is_percent
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_tornado", "parameter_ends", "plot_tornado"]

# Units of the last printed decimal that a range must have.
_STEPS = 4
# Toward the lower end of the parameter, and toward the upper one: colour and hatch.
_SIDES = {"low": (ORANGE, "/////"), "high": (BLUE, "")}


def plot_tornado(
    result: ParameterSwings, *, labels: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one bar a parameter, from the measure at its lower end to that at its upper end.

    Parameters
    ----------
    result : ParameterSwings
        Parameters whose ends contradict the table have no bar.
    labels : mapping of str to str, optional
        Parameter -> name that is printed; by default the parameter's own, as words.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Row i at y = i. Towards the lower end of the parameter the bar is hatched (gid "low"), towards the
        upper one it is plain (gid "high"); beside them stand the ends. Lines at the measure with every
        parameter at its median (gid "center") and without adjustment (gid "unadjusted").

    Raises
    ------
    TypeError
        If the result is of another type.
    ValueError
        If no parameter moves the measure, or a label is of no parameter.
    """
    with house_style():
        names, scale = _names(result, labels), axis_scale(result.measure)
        ax = labelled_axes(names, xlabel=scale.label, ax=ax)
        low, high = _limits(result, scale)
        # Room beside the bars for the ends of the parameters.
        if scale.log:
            room = (high / low) ** 0.12
            low, high = low / room, high * room
        else:
            room = 0.12 * (high - low)
            low, high = low - room, high + room
        set_x_axis(ax, scale, low, high)
        _draw(ax, result, range(len(names)), half=0.27)
        _write_ends(ax, result)
    return ax


def figure_tornado(
    result: ParameterSwings,
    *,
    labels: Mapping[str, str] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the tornado on a page, with ranges and adjusted values in columns.

    Parameters
    ----------
    result, labels
        As for `plot_tornado`.
    width_mm : float, optional
        Width of the page; by default the journal's full one. Where it is narrow the columns of adjusted
        values give way.
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
        As `plot_tornado`, or if the page is too narrow for every choice of columns.
    """
    with house_style():
        names, scale = _names(result, labels), axis_scale(result.measure)
        width = current().double_mm if width_mm is None else width_mm
        columns, rows, layout = _fitting(result, names, width)
        line, name = current().body_size * LINE_SPACING, name_under(layout, scale.label)
        page = draw_page(
            layout,
            columns,
            rows,
            above=2 * line + 2.0,
            below=(2 + name.count("\n")) * line + 6.0,
            notes=[_explanation(result), *([note] if note else [])],
            synthetic=synthetic,
        )
        ax = page.axes
        set_x_axis(ax, scale, *_limits(result, scale))
        ax.set_xlabel(name, fontproperties=font(), parse_math=False)
        _draw(ax, result, page.centres, half=0.45 * current().body_size)
        _write_lines(ax, result, line)
    return keep_record(page.figure, _record(result, names))


def _names(result: ParameterSwings, labels: Mapping[str, str] | None) -> list[str]:
    if not isinstance(result, ParameterSwings):
        raise TypeError(f"`result` must be ParameterSwings, but got {type(result).__name__}.")
    given = dict(labels or {})
    unknown = sorted(set(given) - set(result.parameters))
    if unknown:
        raise ValueError(
            f"`labels` must name parameters among {', '.join(result.parameters)}, but got {unknown[0]!r}."
        )
    log = axis_scale(result.measure).log
    ends = [end for end in (*result.at_low, *result.at_high, result.center) if _drawable(float(end), log=log)]
    if not ends or not max(ends) > min(ends):
        raise ValueError("`result` must hold a parameter that moves the measure, but none does.")
    return [given.get(name, _words(name)) for name in result.parameters]


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def parameter_ends(low: float, high: float) -> tuple[str, str]:
    """Return both ends of a parameter with the decimals that show how far they are apart."""
    width = abs(high - low)
    if not (math.isfinite(width) and width > 0):
        return format_number(low), format_number(high)
    digits = next((count for count in range(9) if width * 10.0**count >= _STEPS), 9)
    return format_number(low, digits), format_number(high, digits)


def _drawable(value: float, *, log: bool) -> bool:
    return math.isfinite(value) and (value > 0 or not log)


def _limits(result: ParameterSwings, scale: AxisScale) -> tuple[float, float]:
    ends = scale.factor * np.concatenate([result.at_low, result.at_high, [result.center, result.unadjusted]])
    return automatic_limits(scale, ends, [])


def _fitting(
    result: ParameterSwings, names: Sequence[str], width_mm: float
) -> tuple[list[Column], list[Row], Layout]:
    refusal: ValueError | None = None
    for values in (True, False):
        columns, rows = _content(result, names, values=values)
        try:
            return columns, rows, lay_out(columns, rows, width_mm=width_mm, panel_after=3)
        except ValueError as error:
            refusal = error
    raise refusal or ValueError("`width_mm` is too narrow.")


def _content(
    result: ParameterSwings, names: Sequence[str], *, values: bool
) -> tuple[list[Column], list[Row]]:
    measure = measure_of(result.measure).label
    unit = ", %" if is_percent(result.measure) else ""
    between = f"{100 * result.level:g}% range"
    columns = [
        Column(heading="Bias parameter", wraps=True),
        Column(heading="from", align="right", group=between),
        Column(heading="to", align="right", group=between),
    ]
    if values:
        group = f"Adjusted {measure.lower()}{unit}"
        columns += [
            Column(heading="at lower end", align="right", group=group),
            Column(heading="at upper end", align="right", group=group),
        ]
    rows = []
    for name, low, high, at_low, at_high in zip(
        names, result.low, result.high, result.at_low, result.at_high, strict=True
    ):
        known = low == high
        first, last = parameter_ends(float(low), float(high))
        cells = [name, first, "known" if known else last]
        if values:
            cells += ["–", "–"] if known else [_value(at_low, result), _value(at_high, result)]
        rows.append(Row(cells=tuple(cells), height=1.9 * current().body_size))
    return columns, rows


def _value(value: float, result: ParameterSwings) -> str:
    if math.isnan(value):
        return "contradicts"
    shown = [end for end in (*result.at_low, *result.at_high, result.center) if math.isfinite(end)]
    digits = digits_for(result.measure, float(max(shown) - min(shown)))
    return format_number((100.0 if is_percent(result.measure) else 1.0) * value, digits)


def _draw(ax: Axes, result: ParameterSwings, positions: Sequence[float], *, half: float) -> None:
    scale, factor = axis_scale(result.measure), axis_scale(result.measure).factor
    center = factor * result.center
    width = current().line_width
    ax.axvline(center, color=BLACK, linewidth=1.4 * width, zorder=2.5, gid="center")
    if _drawable(result.unadjusted, log=scale.log):
        ax.axvline(
            factor * result.unadjusted,
            color=GREY,
            linewidth=1.4 * width,
            linestyle=(0, (3, 2)),
            zorder=0.8,
            gid="unadjusted",
        )
    rows = zip(positions, result.low, result.high, result.at_low, result.at_high, strict=True)
    for y, low, high, at_low, at_high in rows:
        if low == high:
            continue
        ends = [("low", factor * float(at_low)), ("high", factor * float(at_high))]
        # Where both ends lie on one side, the shorter bar is drawn over the longer one.
        for gid, end in sorted(ends, key=lambda pair: -abs(pair[1] - center)):
            if not _drawable(end, log=scale.log):
                continue
            color, hatch = _SIDES[gid]
            ax.barh(
                y,
                end - center,
                left=center,
                height=2 * half,
                facecolor="white" if hatch else color,
                edgecolor=color,
                linewidth=width,
                hatch=hatch,
                zorder=2.0,
                gid=gid,
            )


def _write_ends(ax: Axes, result: ParameterSwings) -> None:
    """Write the ends of the parameters beside their bars."""
    scale = axis_scale(result.measure)
    rows = zip(result.low, result.high, result.at_low, result.at_high, strict=True)
    for y, (low, high, at_low, at_high) in enumerate(rows):
        if low == high:
            continue
        first, last = parameter_ends(float(low), float(high))
        ends = [(first, float(at_low)), (last, float(at_high))]
        shown = [end for end in ends if _drawable(end[1], log=scale.log)]
        beyond = [end[1] > result.center for end in shown]
        if len(shown) == 2 and beyond[0] == beyond[1]:
            # Both on one side: one text, at the farther one.
            far = max(shown, key=lambda pair: abs(pair[1] - result.center))
            texts = [(f"{first} to {last}", far[1], beyond[0])]
        else:
            texts = [(end, at, side) for (end, at), side in zip(shown, beyond, strict=True)]
        for text, at, right in texts:
            ax.annotate(
                text,
                (scale.factor * at, y),
                xytext=(3.0 if right else -3.0, 0.0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontproperties=font(current().small_size),
                parse_math=False,
                gid="end",
            )


def _write_lines(ax: Axes, result: ParameterSwings, line: float) -> None:
    """Write over the panel what its two lines are."""
    scale = axis_scale(result.measure)
    size = current().body_size
    width = float(ax.get_window_extent().width) * POINTS_PER_INCH / float(ax.figure.dpi)
    start = float(ax.transData.transform((ax.get_xlim()[0], 0.0))[0])
    texts = [("all at medians", result.center)]
    if _drawable(result.unadjusted, log=scale.log):
        texts.append(("unadjusted", result.unadjusted))
    for number, (words, value) in enumerate(texts):
        text = f"{words} {_value(value, result)}"
        if text_width(text, size=size) > width:
            text = _value(value, result)
        half = text_width(text, size=size) / 2
        place = (float(ax.transData.transform((scale.factor * value, 0.0))[0]) - start) * (
            POINTS_PER_INCH / float(ax.figure.dpi)
        )
        ax.annotate(
            text,
            xy=(0.0, 1.0),
            xycoords="axes fraction",
            # Within the panel: beside it stand the headings of the columns.
            xytext=(min(max(place, half), width - half), 4.0 + number * line),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontproperties=font(),
            color=BLACK if number == 0 else GREY,
            annotation_clip=False,
            parse_math=False,
            gid="line label",
        )


def _explanation(result: ParameterSwings) -> str:
    text = (
        "Hatched: toward the lower end of the parameter; plain: toward the upper end, all other parameters "
        "at their medians. Solid line: every parameter at its median; dashed: unadjusted."
    )
    if np.isnan([*result.at_low, *result.at_high]).any():
        text += " Contradicts: at that end the bias cannot have produced the data."
    return text


def _record(result: ParameterSwings, names: Sequence[str]) -> FigureRecord:
    measure = measure_of(result.measure).label.lower()
    moved = [
        f"{name} from {' to '.join(parameter_ends(float(low), float(high)))}: "
        f"{_told(at_low, result)} to {_told(at_high, result)}"
        for name, low, high, at_low, at_high in zip(
            names, result.low, result.high, result.at_low, result.at_high, strict=True
        )
        if low != high
    ]
    return FigureRecord(
        title=f"How far each bias parameter moves the {measure}",
        caption=(
            f"Adjusted {measure} with one parameter at the ends of its {100 * result.level:g}% range, the "
            f"widest swing first. {_explanation(result)}"
        ),
        alt=(
            f"Tornado of bars. The {measure} is {_told(result.unadjusted, result)} unadjusted and "
            f"{_told(result.center, result)} with every parameter at its median. {'. '.join(moved)}."
        ),
        numbers=_numbers(result, names),
    )


def _told(value: float, result: ParameterSwings) -> str:
    text = NOT_ESTIMABLE if math.isnan(value) else _value(value, result)
    return f"{text}%" if is_percent(result.measure) and text != NOT_ESTIMABLE else text


def _numbers(result: ParameterSwings, names: Sequence[str]) -> pd.DataFrame:
    return result.to_frame().assign(label=list(names), unadjusted=result.unadjusted, measure=result.measure)
