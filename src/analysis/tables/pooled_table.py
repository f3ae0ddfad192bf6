"""Meta-analyses below each other: estimate, prediction interval and heterogeneity of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.heterogeneity_interval import tau2_interval
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.subgroups import Subgroups
from analysis.tables.cells import (
    NOTHING,
    count_cell,
    estimate_cell,
    interval_cell,
    number_cell,
    pvalue_cell,
    pvalue_heading,
    text_cell,
)
from analysis.tables.effects_table import estimate_column, level_text
from analysis.tables.format import format_number, format_pvalue
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.number_style import join_limits
from analysis.tables.pooled import describe_model, significant
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.meta.heterogeneity_interval import HeterogeneityInterval

__all__ = ["pooled_table", "subgroups_table"]


def pooled_table(
    pooled: PooledEstimate | Mapping[str, PooledEstimate],
    *,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of meta-analyses, one row each.

    Parameters
    ----------
    pooled : PooledEstimate or mapping of str to PooledEstimate
        One meta-analysis, or several by the name of their row.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable
        Intervals of tau2 and I2 are by Q-profile, that of a common-effect model's I2 is test-based. What a
        single study cannot tell is a dash.

    Raises
    ------
    TypeError
        If an entry is no `PooledEstimate`.
    ValueError
        If there is none, one has an axis of its own, or their measures or levels differ.

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.65], variance=[0.03, 0.03, 0.01], measure="HR")
    >>> table = pooled_table({"Random": pool(effects), "Common": pool(effects, model="common", ci="wald")})
    >>> [row.cells[2].text for row in table.rows]
    ['1.45 (0.70 to 3.02)', '1.60 (1.37 to 1.86)']
    """
    entries = _entries(pooled)
    first = next(iter(entries.values()))
    measure, level = first.effects.measure, first.confidence_level
    for name, one in entries.items():
        if (one.effects.measure, one.confidence_level) != (measure, level):
            raise ValueError(
                f"`pooled` must be of one measure and level ({measure}, {level:g}), but {name!r} is of "
                f"{one.effects.measure}, {one.confidence_level:g}; make a table each."
            )
    tested = measure_of(measure).null is not None
    columns = [
        TableColumn(heading="Meta-analysis", names=("name",)),
        TableColumn(heading="Studies", names=("n_studies",), kind="count"),
        estimate_column(measure, level),
    ]
    columns += [TableColumn(heading=pvalue_heading(), names=("pvalue",), kind="pvalue")] if tested else []
    text = level_text(level)
    columns += [
        _interval_column(f"{text} prediction interval", "prediction", ""),
        _with_limits("τ²", "tau2", text),
        _with_limits("I²", "i2", text, unit=", %"),
        TableColumn(heading="Q", names=("q",), kind="number"),
        TableColumn(heading="df", names=("df",), kind="count"),
        TableColumn(heading=f"{pvalue_heading()} of Q", names=("q_pvalue",), kind="pvalue"),
    ]
    rows = [TableRow(cells=tuple(_cells(name, one, tested=tested))) for name, one in entries.items()]
    return JournalTable(
        title=title or f"Pooled {_lower(measure_of(measure).label)}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(*notes, *_methods(entries)),
        source=source,
        number=number,
    )


def subgroups_table(
    found: Subgroups,
    *,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of subgroups, one row each, and one of all studies.

    Parameters
    ----------
    found : Subgroups
        What `subgroups` returns.
    title, notes, source, number
        As for `JournalTable`. The test between the groups is noted by itself.

    Returns
    -------
    JournalTable

    Raises
    ------
    TypeError
        If `found` is no `Subgroups`.
    """
    if not isinstance(found, Subgroups):
        raise TypeError(f"`found` must be Subgroups, but got {type(found).__name__}.")
    measure, level = found.overall.effects.measure, found.overall.confidence_level
    columns = (
        TableColumn(heading="Subgroup", names=("name",)),
        TableColumn(heading="Studies", names=("n_studies",), kind="count"),
        estimate_column(measure, level),
        TableColumn(heading="τ²", names=("tau2",), kind="number"),
        TableColumn(heading="I²", names=("i2",), kind="number", unit="%"),
    )
    parts = [found.pooled.estimate, found.overall.estimate]
    rows = []
    for number_, name in enumerate((*found.names, "All studies")):
        last = number_ == len(found.names)
        one = found.overall if last else found.pooled
        at = 0 if last else number_
        estimate = parts[last]
        numbers = (estimate.value.flat[at], estimate.low.flat[at], estimate.high.flat[at])
        tau2 = float(one.tau2.flat[at]) if one.model == "random" else math.nan
        cells = (
            text_cell(name),
            count_cell(one.n_studies.flat[at]),
            estimate_cell(*numbers, measure=measure),
            _tau2_cell(tau2),
            number_cell(one.i2.flat[at] if one.df.flat[at] > 0 else None, 0),
        )
        rows.append(TableRow(cells=cells, summary=last))
    if math.isinf(found.denominator_df):
        statistic, df = "χ²", f"{found.df}"
    else:
        statistic, df = "F", f"{found.df} and {found.denominator_df:.0f}"
    test = (
        f"Difference between subgroups: {statistic} = {format_number(found.statistic, 1)} (df = {df}), "
        f"{format_pvalue(found.pvalue)}."
    )
    return JournalTable(
        title=title or f"Pooled {_lower(measure_of(measure).label)} by subgroup",
        columns=columns,
        rows=tuple(rows),
        notes=(*notes, test, f"{describe_model(found.overall)}; τ² {found.tau2} for the subgroups."),
        source=source,
        number=number,
    )


def _entries(pooled: PooledEstimate | Mapping[str, PooledEstimate]) -> dict[str, PooledEstimate]:
    if isinstance(pooled, PooledEstimate):
        if pooled.tau2.size == 1:
            return {describe_model(pooled): pooled}
        raise ValueError(
            f"`pooled` must be one meta-analysis, but has shape {pooled.shape}; pool each set of studies "
            "by itself and give them by name: pooled_table({'all': ..., 'women': ...})."
        )
    if not hasattr(pooled, "items"):
        raise TypeError(f"`pooled` must be PooledEstimate or a mapping, but got {type(pooled).__name__}.")
    entries = dict(pooled.items())
    if not entries:
        raise ValueError("`pooled` must hold at least one meta-analysis, but is empty.")
    for name, one in entries.items():
        if not isinstance(one, PooledEstimate):
            raise TypeError(f"`pooled` must be PooledEstimate each, but {name!r} is {type(one).__name__}.")
        if one.tau2.size != 1:
            raise ValueError(f"`pooled` must be one meta-analysis each, but {name!r} has shape {one.shape}.")
    return {str(name): one for name, one in entries.items()}


def _cells(name: str, one: PooledEstimate, *, tested: bool) -> list[Cell]:
    estimate = one.estimate
    numbers = [float(np.squeeze(part)) for part in (estimate.value, estimate.low, estimate.high)]
    cells = [text_cell(name), count_cell(float(np.squeeze(one.n_studies)))]
    cells.append(estimate_cell(*numbers, measure=estimate.measure))
    if tested:
        cells.append(pvalue_cell(None if estimate.pvalue is None else float(np.squeeze(estimate.pvalue))))
    ends = (float(np.squeeze(part)) for part in (one.prediction.low, one.prediction.high))
    cells.append(interval_cell(*ends, measure=estimate.measure))
    df = float(np.squeeze(one.df))
    if df < 1:
        empty = Cell(text=NOTHING)
        return [*cells, empty, empty, empty, empty, empty]
    common = one.model == "common"
    found = tau2_interval(one, method="test-based" if common else "q-profile")
    cells.append(Cell(text=NOTHING) if common else _limited(found, "tau2"))
    cells.append(_limited(found, "i2"))
    cells += [number_cell(float(np.squeeze(one.q)), 1), count_cell(df)]
    return [*cells, pvalue_cell(float(np.squeeze(one.q_pvalue)))]


def _limited(found: HeterogeneityInterval, name: str) -> Cell:
    """Return tau2 or I2 with its interval, where it has one."""
    raw = tuple(float(np.squeeze(getattr(found, name + end))) for end in ("", "_low", "_high"))
    texts = [significant(x) if name == "tau2" else format_number(x, 0) for x in raw]
    text = texts[0] if math.isnan(raw[1]) else f"{texts[0]} ({join_limits(texts[1], texts[2])})"
    values = tuple(None if math.isnan(x) else x for x in raw)
    return Cell(text=text, raw=values, number_format="0.000" if name == "tau2" else "0")


def _tau2_cell(tau2: float) -> Cell:
    if math.isnan(tau2):
        return Cell(text=NOTHING, raw=(None,))
    return Cell(text=significant(tau2), raw=(tau2,), number_format="0.000")


def _interval_column(heading: str, name: str, unit: str) -> TableColumn:
    return TableColumn(
        heading=heading,
        names=(f"{name}_low", f"{name}_high"),
        kind="number",
        unit=unit,
        headings=(f"{heading}, lower limit", f"{heading}, upper limit"),
    )


def _with_limits(symbol: str, name: str, level: str, *, unit: str = "") -> TableColumn:
    return TableColumn(
        heading=f"{symbol}{unit} ({level} CI)",
        names=(name, f"{name}_low", f"{name}_high"),
        kind="number",
        headings=(f"{symbol}{unit}", f"{symbol}{unit}, lower limit", f"{symbol}{unit}, upper limit"),
    )


def _methods(entries: Mapping[str, PooledEstimate]) -> list[str]:
    models = {name: describe_model(one) for name, one in entries.items()}
    described = [f"{name}: {model[0].lower()}{model[1:]}" for name, model in models.items() if name != model]
    texts = [f"{'; '.join(described)}."] if described else []
    several = [one for one in entries.values() if float(np.squeeze(one.df)) > 0]
    if any(one.model == "random" for one in several):
        texts.append("Intervals of τ² and I² by Q-profile.")
    if any(one.model == "common" for one in several):
        texts.append("Intervals of I² of common-effect models are test-based.")
    return [" ".join(texts)] if texts else []


def _lower(label: str) -> str:
    return label if "(" in label else label[0].lower() + label[1:]
