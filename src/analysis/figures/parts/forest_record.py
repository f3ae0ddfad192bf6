"""Title, caption, alternative text and numbers of a forest plot, all from what it shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.parts.forest_draw import judgement_of
from analysis.figures.parts.forest_words import (
    between_groups_words,
    heterogeneity_words,
    level_text,
    prediction_text,
)
from analysis.figures.record import FigureRecord
from analysis.tables.format import format_estimate, format_interval, format_number, is_percent
from analysis.tables.number_style import number_style
from analysis.tables.pooled import describe_model
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.parts.axes import AxisScale
    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.forest_lines import Line
    from analysis.figures.parts.summaries import Summary

__all__ = ["forest_numbers", "forest_record"]

_METHODS = {
    "leave-one-out": "pooled without the study named",
    "cumulative": "pooled with the study named and all above it",
}


def forest_record(
    content: ForestInput,
    lines: Sequence[Line],
    scale: AxisScale,
    look: ForestLayout,
    *,
    prediction: str,
    synthetic: bool,
) -> FigureRecord:
    """Return the words and the numbers of a figure that shows these lines."""
    kind = "Forest plot" if content.steps is None else f"{content.steps.kind.capitalize()} forest plot"
    what = _studies(content)
    name = measure_of(content.measure).label
    made_up = "Synthetic data. " if synthetic else ""
    # A raised point or a dash between limits would be read out as something else.
    with number_style("default"):
        alt = _alt(content, lines, look, f"{kind} of {what}", told=prediction != "none")
    return FigureRecord(
        title=f"{kind} of {what}: {name[0].lower()}{name[1:]}",
        caption=made_up + " ".join(_caption(content, scale, look, prediction)),
        alt=made_up + " ".join(alt),
        numbers=forest_numbers(content, lines),
    )


def _studies(content: ForestInput) -> str:
    k = content.k
    if content.steps is not None:
        return f"{k} {'step' if k == 1 else 'steps'}"
    studies = f"{k} {'study' if k == 1 else 'studies'}"
    return studies if content.groups is None else f"{studies} in {len(content.groups.names)} subgroups"


def _caption(content: ForestInput, scale: AxisScale, look: ForestLayout, prediction: str) -> list[str]:
    level = level_text(content.level)
    name = measure_of(content.measure).label
    where = "logit" if scale.logit else "logarithmic" if scale.log else "linear"
    if content.steps is not None:
        sentences = [
            f"{name}, {_METHODS[content.steps.kind]}.",
            f"Circles and lines: pooled estimates and {level} confidence intervals.",
            f"{describe_model(content.steps.pooled)}.",
        ]
    else:
        weighted = "areas by weight" if content.weights is not None else "of equal size"
        sentences = [
            f"{name} of each study.",
            f"Squares ({weighted}) and lines: estimates and {level} confidence intervals.",
        ]
    sentences.append(f"The axis is {where}; arrows: intervals that go on beyond it.")
    pooled = [summary for summary in content.summaries if summary.analysis is not None]
    if content.summaries:
        names = "; ".join(_model(summary) for summary in content.summaries)
        sentences.append(f"Diamonds: pooled estimates, as wide as their confidence intervals ({names}).")
        sentences.append("Dashed line: the first of them.")
    if content.subtotals:
        sentences.append("Hollow diamonds: pooled estimates of the subgroups.")
    if prediction != "none" and any(s.prediction is not None for s in (*pooled, *content.subtotals)):
        sign = {
            "bar": "Grey bars",
            "shade": "Grey grounds of diamonds",
            "density": "Curves, shaded over the interval",
        }[prediction]
        sentences.append(f"{sign}: prediction intervals for the effect in a further study.")
    if scale.null is not None:
        sentences.append("Full line: no effect.")
    sentences += [
        heterogeneity_words(s.analysis, look) + "."
        for s in pooled
        if s.analysis and s.analysis.number("df") >= 1
    ]
    if content.groups is not None:
        sentences.append(between_groups_words(content.groups, look) + ".")
    return sentences


def _model(summary: Summary) -> str:
    if summary.analysis is None:
        return summary.label
    model = describe_model(summary.analysis.pooled)
    return model if model == summary.label else f"{summary.label}: {model}"


def _alt(
    content: ForestInput, lines: Sequence[Line], look: ForestLayout, what: str, *, told: bool
) -> list[str]:
    measure = content.measure
    value = np.asarray(content.intervals.value)
    known = value[~np.isnan(value)]
    name = measure_of(measure).label
    sentences = [f"{what}."]
    if known.size:
        smallest, largest = float(known.min()), float(known.max())
        sign = is_percent(measure)
        span = format_interval(smallest, largest, measure=measure, sign=sign)
        sentences.append(
            f"{name}s range from {span}."
            if known.size > 1
            else f"{name}: {_text(content, int(np.flatnonzero(~np.isnan(value))[0]))}."
        )
    lacking = int(np.isnan(value).sum())
    if lacking:
        sentences.append(f"{lacking} {'is' if lacking == 1 else 'are'} not estimable.")
    null = measure_of(measure).null
    if null is not None and content.steps is None and known.size > 1:
        low, high = np.asarray(content.intervals.low), np.asarray(content.intervals.high)
        below, above = int((high < null).sum()), int((low > null).sum())
        sentences.append(f"{below} intervals lie wholly below no effect and {above} wholly above it.")
    sentences += [
        _pooled_sentence(line.summary, content, told=told)
        for line in lines
        if line.kind == "pooled" and line.summary is not None
    ]
    if content.groups is not None:
        sentences.append(between_groups_words(content.groups, look) + ".")
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences]


def _text(content: ForestInput, row: int) -> str:
    interval = content.intervals
    return format_estimate(
        float(interval.value[row]),
        float(interval.low[row]),
        float(interval.high[row]),
        measure=content.measure,
    )


def _pooled_sentence(summary: Summary, content: ForestInput, *, told: bool) -> str:
    measure = content.measure
    estimate = summary.estimate
    text = format_estimate(float(estimate.value), float(estimate.low), float(estimate.high), measure=measure)
    subject = summary.label
    if summary.group is not None and content.groups is not None:
        subject = f"Subgroup {content.groups.names[summary.group]}"
    sentence = f"{subject}: {text}, {level_text(estimate.confidence_level)} confidence interval in brackets"
    if told and summary.prediction is not None:
        sentence += f"; prediction interval {prediction_text(summary, measure)}"
    if summary.analysis is not None and summary.analysis.number("df") >= 1:
        sentence += f"; I² {format_number(summary.analysis.number('i2'), 0)}%"
    return sentence + "."


def forest_numbers(content: ForestInput, lines: Sequence[Line]) -> pd.DataFrame:
    """Return one row a mark, from top to bottom, at full precision on the reporting scale.

    `weight` is in percent of all studies, `weight_in_group` of the study's subgroup; judgements on the risk
    of bias have a column each.
    """
    weights, within = content.weights, content.weights_within
    judged = content.risk_of_bias
    rows = []
    for line in lines:
        if line.kind not in {"row", "pooled", "prediction"}:
            continue
        row: dict[str, object] = {
            "kind": line.kind if line.kind != "row" else "study" if content.steps is None else "step",
            "group": _group(content, line),
            "label": line.label,
        }
        row |= dict(zip(("value", "low", "high"), _ends(content, line), strict=True))
        row["weight"] = math.nan
        if line.row is not None:
            if weights is not None:
                row["weight"] = float(weights[line.row])
            if within is not None:
                row["weight_in_group"] = float(within[line.row])
            if judged is not None:
                for number, domain in enumerate(judged.domain):
                    row[f"risk of bias: {domain}"] = judgement_of(content, line.row, number)
                if judged.overall is not None:
                    row["risk of bias: overall"] = judged.overall[line.row]
        rows.append(row)
    return pd.DataFrame(rows)


def _group(content: ForestInput, line: Line) -> str:
    if content.groups is None or line.group is None:
        return ""
    return content.groups.names[line.group]


def _ends(content: ForestInput, line: Line) -> tuple[float, float, float]:
    if line.row is not None:
        interval = content.intervals
        return tuple(float(part[line.row]) for part in (interval.value, interval.low, interval.high))  # type: ignore[return-value]
    if line.summary is None:
        return (math.nan,) * 3
    estimate = line.summary.estimate
    if line.kind == "prediction" and line.summary.prediction is not None:
        return (float(estimate.value), *line.summary.prediction)
    return float(estimate.value), float(estimate.low), float(estimate.high)
