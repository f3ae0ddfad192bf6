"""The studies of a meta-analysis with their counts, effects and weights, and what is pooled, below them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.cells import (
    NOTHING,
    count_cell,
    count_format,
    estimate_cell,
    interval_cell,
    number_cell,
    plain,
    ratio_cell,
    text_cell,
)
from analysis.tables.format import format_count, is_percent
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.number_style import current_number_style
from analysis.tables.pooled import describe_heterogeneity, describe_model
from analysis.values.arguments import check_confidence_level
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["effects_table", "estimate_column", "level_text"]

# On one line of a heading.
_SHARE = "n/N\N{NO-BREAK SPACE}(%)"

Counts = TwoByTwo | Proportion | Rate | TwoRates


def effects_table(
    effects: EffectSizes | PooledEstimate,
    *,
    counts: Counts | None = None,
    pooled: PooledEstimate | Sequence[PooledEstimate] = (),
    groups: Sequence[str] | None = None,
    exposed: str = "Exposed",
    control: str = "Controls",
    confidence_level: float | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of effects, one row a study, with the pooled estimates below.

    Parameters
    ----------
    effects : EffectSizes or PooledEstimate
        The studies; of a pooled estimate, those that were pooled.
    counts : TwoByTwo, Proportion, Rate or TwoRates, optional
        The counts of the same studies, in the same order.
    pooled : PooledEstimate or sequence of PooledEstimate, optional
        Meta-analyses of these studies, a row each; the weights are those of the first one. By default
        `effects` itself, where it is one.
    groups : sequence of str, optional
        One heading a study; its rows stand together under it.
    exposed, control : str
        What the two groups of persons are called.
    confidence_level : float, optional
        Of the studies' intervals, in (0, 1); by default that of the pooled estimate, or 0.95.
    title, notes, source, number
        As for `JournalTable`. The title has a default; heterogeneity is noted by itself.

    Returns
    -------
    JournalTable
        A study without information keeps its row and has no weight. Under a random-effects model with
        three or more studies the prediction interval has a row of its own.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is more than one axis of studies, or the counts, groups or pooled estimates are of another
        number of studies.

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.65], variance=[0.03, 0.01], measure="HR",
    ...                       label=["Sharif", "Meer"])
    >>> print(effects_table(pool(effects, model="common", ci="wald"), title="Fractures"))
    **Table.** Fractures
    <BLANKLINE>
    | Study | Hazard ratio (95% CI) | Weight (%) |
    | :-- | :-- | --: |
    | Sharif | 1.11 (0.79 to 1.55) | 25.0 |
    | Meer | 1.92 (1.57 to 2.33) | 75.0 |
    | **Common-effect model** | 1.67 (1.41 to 1.98) | 100.0 |
    <BLANKLINE>
    Heterogeneity: I² = 87%, Q = 7.6 (df = 1, P = 0.006).
    """
    if isinstance(effects, PooledEstimate):
        pooled = (effects,) if isinstance(pooled, tuple) and not pooled else pooled
        effects = effects.effects
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes or PooledEstimate, but got {type(effects).__name__}.")
    models = (pooled,) if isinstance(pooled, PooledEstimate) else tuple(pooled)
    k = _count_studies(effects, models, counts, groups)
    level = confidence_level or (models[0].confidence_level if models else 0.95)
    check_confidence_level(level)
    parts = _count_columns(counts, exposed=exposed, control=control)
    columns = [TableColumn(heading="Study", names=("study",)), *(column for column, _ in parts)]
    columns.append(estimate_column(effects.measure, level))
    columns += [TableColumn(heading="Weight", names=("weight",), kind="number", unit="%")] if models else []
    intervals = effects.interval(confidence_level=level)
    value, low, high = (np.atleast_1d(part) for part in (intervals.value, intervals.low, intervals.high))
    weights = np.atleast_1d(models[0].weights).ravel() if models else np.full(k, np.nan)
    labels = effects.label or tuple(str(position + 1) for position in range(k))
    rows = []
    for i in range(k):
        cells = [text_cell(labels[i]), *(cells[i] for _, cells in parts)]
        cells.append(estimate_cell(value[i], low[i], high[i], measure=effects.measure))
        if models:
            cells.append(number_cell(weights[i] if weights[i] > 0 else None, 1))
        rows.append(TableRow(cells=tuple(cells), group="" if groups is None else str(groups[i])))
    met = {row.group: None for row in rows}
    rows.sort(key=lambda row: list(met).index(row.group))
    for model in models:
        rows += _pooled_rows(model, parts, counts)
    return JournalTable(
        title=title or _title(effects.measure, models),
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(*notes, *_heterogeneity(models)),
        source=source,
        number=number,
    )


def estimate_column(measure: str, confidence_level: float) -> TableColumn:
    """Return the column of estimates with their intervals."""
    label = measure_of(measure).label
    level = level_text(confidence_level)
    unit = ", %" if is_percent(measure) else ""
    return TableColumn(
        heading=f"{label}{unit} ({level} CI)",
        names=("value", "low", "high"),
        kind="percent" if is_percent(measure) else "number",
        headings=(label, f"{level} CI, lower limit", f"{level} CI, upper limit"),
    )


def level_text(confidence_level: float) -> str:
    """Return a level of confidence in percent: "95%"."""
    return current_number_style().written(f"{100 * confidence_level:g}%")


def _count_studies(
    effects: EffectSizes,
    models: tuple[PooledEstimate, ...],
    counts: Counts | None,
    groups: Sequence[str] | None,
) -> int:
    if effects.effect.ndim > 1:
        raise ValueError(
            f"`effects` must be one row of studies, but has shape {effects.shape}; make one table each."
        )
    k = effects.effect.size
    for model in models:
        if not isinstance(model, PooledEstimate):
            raise TypeError(f"`pooled` must be PooledEstimate, but got {type(model).__name__}.")
        if model.tau2.size != 1:
            raise ValueError(f"`pooled` must be one meta-analysis each, but has shape {model.shape}.")
        if model.effects.effect.size != k or model.effects.measure != effects.measure:
            raise ValueError(
                f"`pooled` must be of the {k} studies ({effects.measure}) of `effects`, but is of "
                f"{model.effects.effect.size} ({model.effects.measure})."
            )
    if counts is not None:
        if not isinstance(counts, Counts):
            raise TypeError(
                f"`counts` must be TwoByTwo, Proportion, Rate or TwoRates, but got {type(counts).__name__}."
            )
        if counts.shape not in {(k,)} | ({()} if k == 1 else set()):
            raise ValueError(f"`counts` must be of {k} studies, but has shape {counts.shape}.")
    if groups is not None and len(groups) != k:
        raise ValueError(f"`groups` must name a heading for each of {k} studies, but names {len(groups)}.")
    return k


def _count_columns(
    counts: Counts | None, *, exposed: str, control: str
) -> list[tuple[TableColumn, list[Cell]]]:
    match counts:
        case TwoByTwo():
            pairs = (
                (exposed, "exposed", counts.exposed_cases, counts.exposed_total),
                (control, "control", counts.control_cases, counts.control_total),
            )
            return [
                (_fraction(f"{heading}, {_SHARE}", (f"{name}_cases", f"{name}_total"), heading),
                 [ratio_cell(*pair) for pair in zip(np.ravel(cases), np.ravel(total), strict=True)])
                for heading, name, cases, total in pairs
            ]  # fmt: skip
        case Proportion():
            cells = [
                ratio_cell(*pair, percent=False)
                for pair in zip(np.ravel(counts.events), np.ravel(counts.total), strict=True)
            ]
            return [(_fraction("n/N", ("events", "total"), "Events"), cells)]
        case Rate():
            return [
                _plain_column("Events", "events", counts.events),
                _plain_column("Person-time", "person_time", counts.person_time),
            ]
        case TwoRates():
            return [
                _plain_column(f"{exposed}, events", "exposed_events", counts.exposed_events),
                _plain_column(f"{exposed}, person-time", "exposed_time", counts.exposed_time),
                _plain_column(f"{control}, events", "control_events", counts.control_events),
                _plain_column(f"{control}, person-time", "control_time", counts.control_time),
            ]
        case _:
            return []


def _fraction(heading: str, names: tuple[str, str], who: str) -> TableColumn:
    events = "events" if who == "Events" else f"{who}, events"
    total = "total" if who == "Events" else f"{who}, total"
    return TableColumn(
        heading=heading,
        names=names,
        kind="count",
        headings=(events[0].upper() + events[1:], total[0].upper() + total[1:]),
    )


def _plain_column(heading: str, name: str, numbers: Any) -> tuple[TableColumn, list[Cell]]:  # noqa: ANN401
    cells = [count_cell(number) for number in np.ravel(numbers)]
    return TableColumn(heading=heading, names=(name,), kind="count"), cells


def _pooled_rows(
    model: PooledEstimate, parts: list[tuple[TableColumn, list[Cell]]], counts: Counts | None
) -> list[TableRow]:
    inside = np.ones(model.effects.effect.size, dtype=bool)
    if model.where is not None:
        inside = np.ravel(np.broadcast_to(model.where, model.effects.effect.shape))
    sums = [_sum(cells, inside) for _, cells in parts] if counts is not None else []
    estimate = model.estimate
    # Some ways of pooling leave an axis of length 1.
    numbers = (float(np.squeeze(part)) for part in (estimate.value, estimate.low, estimate.high))
    name = describe_model(model)
    cells = [text_cell(name), *sums, estimate_cell(*numbers, measure=estimate.measure)]
    rows = [TableRow(cells=(*cells, number_cell(100.0, 1)), summary=True)]
    low, high = (float(np.squeeze(part)) for part in (model.prediction.low, model.prediction.high))
    if math.isfinite(low) and math.isfinite(high):
        limits = interval_cell(low, high, measure=estimate.measure)
        limits = Cell(text=limits.text, raw=(None, *limits.raw), number_format=limits.number_format)
        label = text_cell(f"{level_text(model.confidence_level)} prediction interval")
        empty = [Cell(text="") for _ in sums]
        rows.append(TableRow(cells=(label, *empty, limits, Cell(text="")), summary=True))
    return rows


def _sum(cells: list[Cell], inside: np.ndarray[Any, Any]) -> Cell:
    """Return the sums of the studies that entered."""
    used = [cell.raw for cell, enters in zip(cells, inside, strict=True) if enters]
    if any(value is None for raw in used for value in raw):
        return Cell(text=NOTHING)
    sums = [plain(math.fsum(values)) for values in zip(*used, strict=True)]
    if len(sums) == 1:
        return count_cell(sums[0])
    text = "/".join(format_count(value) for value in sums)
    return Cell(text=text, raw=tuple(sums), number_format=count_format(max(sums)))


def _title(measure: str, models: tuple[PooledEstimate, ...]) -> str:
    label = measure_of(measure).label
    return f"{label} of each study{' and pooled' if models else ''}"


def _heterogeneity(models: tuple[PooledEstimate, ...]) -> list[str]:
    texts = {describe_model(model): describe_heterogeneity(model) for model in models}
    texts = {name: text for name, text in texts.items() if text}
    if len(texts) == 1:
        return [f"Heterogeneity: {text}." for text in texts.values()]
    return [f"Heterogeneity, {name[0].lower()}{name[1:]}: {text}." for name, text in texts.items()]
