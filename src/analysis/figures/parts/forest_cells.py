"""The cells of a forest plot's own columns: counts, effects, weights, P-values, judgements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.forest_words import level_text
from analysis.figures.parts.page import Column
from analysis.figures.style import current
from analysis.tables.format import format_count, format_estimate, format_number, format_pvalue, is_percent
from analysis.tables.number_style import current_number_style, join_limits, number_style
from analysis.tables.pooled import significant
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.distributions import two_sided_normal
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.forest_lines import Line
    from analysis.figures.parts.summaries import Summary
    from analysis.values.arrays import FloatArray

__all__ = ["COLUMN_NAMES", "Cells", "cells_of", "effect_text"]

COLUMN_NAMES = ("counts", "effect", "weight", "p", "risk of bias", "i2", "tau2", "studies")
_WANTED = {
    "counts": "Counts need table=.",
    "weight": "Weights need pooled=.",
    "p": "P-values need a measure with a value of no effect.",
    "risk of bias": "Judgements need risk_of_bias=.",
}
_Cells = tuple[Column, "list[str]", "int | None"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """What the cells are written from; `weights` is "overall" or "within"."""

    content: ForestInput
    look: ForestLayout
    arms: tuple[str, str]
    digits: int | None
    weights: str

    @property
    def available(self) -> tuple[str, ...]:
        """Names of the columns that there are numbers for."""
        content = self.content
        steps = content.steps is not None
        there = {
            "counts": content.table is not None,
            "effect": True,
            "weight": content.weights is not None,
            "p": measure_of(content.measure).null is not None,
            "risk of bias": content.risk_of_bias is not None,
            "i2": steps,
            "tau2": steps,
            "studies": steps,
        }
        return tuple(name for name in COLUMN_NAMES if there[name])

    def wanted(self, name: str) -> str:
        """Return what a column that is not there needs."""
        return _WANTED.get(name, "It is for the steps of a cumulative or leave-one-out analysis.")


def cells_of(cells: Cells, name: str, lines: Sequence[Line]) -> list[_Cells]:
    """Return the columns that a name stands for, each with its texts, one a line, and its domain if any."""
    return _BUILDERS[name](cells, lines)


def effect_text(
    look: ForestLayout, measure: str, value: float, low: float, high: float, digits: int | None
) -> str:
    """Return an estimate with its interval in the manner of the layout; a limit that is not there is "NE"."""
    options = {"measure": measure, "digits": digits, "sign": False}
    if math.isnan(value) or (math.isnan(low) and math.isnan(high)):
        return format_estimate(value, low, high, **options)  # type: ignore[arg-type]
    known = high if math.isnan(low) else low
    # Apart by a sign that no number holds.
    with number_style(limits="; "):
        written = format_estimate(
            value,
            known if math.isnan(low) else low,
            known if math.isnan(high) else high,
            **options,  # type: ignore[arg-type]
        )
    middle, _, rest = written.partition(" (")
    ends = rest.removesuffix(")").split("; ")
    first, last = ("NE" if math.isnan(end) else text for end, text in zip((low, high), ends, strict=True))
    return f"{middle} [{first}, {last}]" if look.brackets else f"{middle} ({join_limits(first, last)})"


def _per_line(
    lines: Sequence[Line],
    row: Callable[[int], str],
    pooled: Callable[[Summary], str],
    prediction: Callable[[Summary], str] = lambda _: "",
) -> list[str]:
    texts = []
    for line in lines:
        if line.kind == "row" and line.row is not None:
            texts.append(row(line.row))
        elif line.summary is not None:
            texts.append((pooled if line.kind == "pooled" else prediction)(line.summary))
        else:
            texts.append("")
    return texts


def _effects(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
    content, look = cells.content, cells.look
    interval = content.intervals

    def text(value: float, low: float, high: float) -> str:
        return effect_text(look, content.measure, value, low, high, cells.digits)

    def pooled(summary: Summary) -> str:
        estimate = summary.estimate
        return text(float(estimate.value), float(estimate.low), float(estimate.high))

    def prediction(summary: Summary) -> str:
        if summary.prediction is None:
            return ""
        # The same decimals as the estimate above it has.
        return text(float(summary.estimate.value), *summary.prediction).partition(" ")[2]

    rows = [
        text(float(v), float(a), float(b))
        for v, a, b in zip(interval.value, interval.low, interval.high, strict=True)
    ]
    name = measure_of(content.measure).label + (", %" if is_percent(content.measure) else "")
    heading = f"{name}\n{effect_method(cells)}"
    column = Column(heading=heading, align="right")
    return [(column, _per_line(lines, rows.__getitem__, pooled, prediction), None)]


def effect_method(cells: Cells) -> str:
    """Return "(95% CI)", or "IV, Random, 95% CI" where the manner of the layout says so."""
    level = level_text(cells.content.level)
    if cells.look.effect_heading == "interval":
        return f"({level} CI)"
    first = next((s for s in (*cells.content.summaries, *cells.content.subtotals) if s.analysis), None)
    if first is None or first.analysis is None:
        return f"{level} CI"
    model = {"random": "Random", "common": "Fixed"}[first.analysis.pooled.model]
    return f"IV, {model}, {level}\N{NO-BREAK SPACE}CI"


def _weights(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
    content, look = cells.content, cells.look
    if content.groups is not None and cells.weights == "within":
        return [_weight_column(cells, lines, look.weight_heading, content.weights_within, None)]
    found: list[_Cells] = []
    models: list[str] = []
    for summary in content.summaries:
        if summary.analysis is None or summary.analysis.pooled.model in models:
            continue
        models.append(summary.analysis.pooled.model)
        found.append(_weight_column(cells, lines, look.weight_heading, summary.analysis.weights, summary))
    if len(found) > 1:
        # Side by side, each weight stands under the name of its model.
        found = [
            (
                Column(heading=model, align="right", group=look.weight_heading.replace("\n", " ")),
                texts,
                domain,
            )
            for model, (_, texts, domain) in zip(models, found, strict=True)
        ]
    return found or [_weight_column(cells, lines, look.weight_heading, content.weights, None)]


def _weight_column(
    cells: Cells, lines: Sequence[Line], heading: str, weights: FloatArray | None, own: Summary | None
) -> _Cells:
    values = np.zeros(cells.content.k) if weights is None else weights
    members = np.array([-1 if group is None else group for group in cells.content.members])
    sign = cells.look.weight_sign

    def written(weight: float) -> str:
        return f"{format_number(weight, 1)}{sign}" if weight > 0 else "–"

    def pooled(summary: Summary) -> str:
        if summary.group is not None:
            return written(float(values[members == summary.group].sum()))
        return f"{format_number(100, 1)}{sign}" if summary is own else ""

    texts = _per_line(lines, lambda i: written(float(values[i])), pooled)
    return Column(heading=heading, align="right"), texts, None


def _pvalues(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
    content = cells.content
    estimate = content.intervals
    if estimate.pvalue is not None:
        found = np.ravel(estimate.pvalue)
    else:
        # On the analysis scale, where no effect is 0.
        effect = scale_of(measure_of(content.measure).scale).forward(estimate.value)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = two_sided_normal(effect / content.std_error)

    def written(value: float) -> str:
        return "–" if math.isnan(value) else format_pvalue(value, prefix="")

    def pooled(summary: Summary) -> str:
        pvalue = summary.estimate.pvalue
        return "" if pvalue is None else written(float(pvalue))

    texts = _per_line(lines, lambda i: written(float(found[i])), pooled)
    return [(Column(heading=current_number_style().p_letter, align="right"), texts, None)]


def _counts(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
    look = cells.look
    parts = _arms(cells)
    used = cells.content.weights
    inside = np.ones(cells.content.k, dtype=bool) if used is None else used > 0
    members = np.array([-1 if group is None else group for group in cells.content.members])
    first = cells.content.summaries[0] if cells.content.summaries else None

    def total(values: FloatArray) -> Callable[[Summary], str]:
        def written(summary: Summary) -> str:
            if not look.totals or not (summary is first or summary.group is not None):
                return ""
            chosen = inside if summary.group is None else inside & (members == summary.group)
            return format_count(float(values[chosen].sum()))

        return written

    columns: list[_Cells] = []
    for arm, above, below, names in parts:
        if look.split_counts:
            for heading, values in zip(names[:2], (above, below), strict=True):
                texts = _per_line(lines, [format_count(x) for x in values].__getitem__, total(values))
                columns.append((Column(heading=heading, align="right", group=arm), texts, None))
            continue
        sums = total(above), total(below)
        texts = _per_line(
            lines,
            [f"{format_count(a)}/{format_count(b)}" for a, b in zip(above, below, strict=True)].__getitem__,
            lambda summary, sums=sums: "/".join(filter(None, (part(summary) for part in sums))),  # type: ignore[misc]
        )
        heading = f"{arm}\n{names[2]}" if arm else names[2]
        columns.append((Column(heading=heading, align="right"), texts, None))
    return columns


def _arms(cells: Cells) -> list[tuple[str, FloatArray, FloatArray, tuple[str, ...]]]:
    """Return each arm: its name, both counts, and the headings of the one, the other, and both."""
    table, look = cells.content.table, cells.look
    people = (look.events, look.total, look.over)
    time = (look.events, "Time", "events/time")
    if isinstance(table, TwoByTwo):
        pairs = [
            (cells.arms[0], table.exposed_cases, table.exposed_total, people),
            (cells.arms[1], table.control_cases, table.control_total, people),
        ]
    elif isinstance(table, TwoRates):
        pairs = [
            (cells.arms[0], table.exposed_events, table.exposed_time, time),
            (cells.arms[1], table.control_events, table.control_time, time),
        ]
    elif isinstance(table, Proportion):
        pairs = [("", table.events, table.total, people)]
    elif isinstance(table, Rate):
        pairs = [("", table.events, table.person_time, time)]
    else:
        pairs = []
    return [(arm, np.atleast_1d(a), np.atleast_1d(b), names) for arm, a, b, names in pairs]


def _judgements(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
    judged = cells.content.risk_of_bias
    if judged is None:
        return []
    size = current().body_size
    count = len(judged.domain) + (judged.overall is not None)
    return [
        (
            Column(
                heading=chr(ord("A") + domain),
                align="center",
                group="Risk of bias",
                width=1.3 * size,
                gap=None if domain == 0 else 0.2 * size,
            ),
            [""] * len(lines),
            domain,
        )
        for domain in range(count)
    ]


def _steps(name: str, heading: str) -> Callable[[Cells, Sequence[Line]], list[_Cells]]:
    def written(value: float) -> str:
        if name == "tau2":
            return significant(value)
        return f"{format_number(value, 0)}{'%' if name == 'i2' else ''}"

    def build(cells: Cells, lines: Sequence[Line]) -> list[_Cells]:
        if cells.content.steps is None:
            return []
        pooled = cells.content.steps.pooled
        attribute = {"studies": "n_studies"}.get(name, name)
        values = np.ravel(getattr(pooled, attribute))

        def overall(summary: Summary) -> str:
            return "" if summary.analysis is None else written(summary.analysis.number(attribute))

        texts = _per_line(lines, lambda i: written(float(values[i])), overall)
        return [(Column(heading=heading, align="right"), texts, None)]

    return build


_BUILDERS: dict[str, Callable[[Cells, Sequence[Line]], list[_Cells]]] = {
    "counts": _counts,
    "effect": _effects,
    "weight": _weights,
    "p": _pvalues,
    "risk of bias": _judgements,
    "i2": _steps("i2", "I²"),
    "tau2": _steps("tau2", "τ²"),
    "studies": _steps("studies", "Studies"),
}
