"""The coefficients of a meta-regression, and the heterogeneity that its moderators leave."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.regression_result import MetaRegression
from analysis.tables.cells import estimate_cell, pvalue_cell, pvalue_heading, text_cell
from analysis.tables.effects_table import level_text
from analysis.tables.format import format_count, format_number, format_pvalue
from analysis.tables.journal_table import JournalTable, TableColumn, TableRow
from analysis.tables.pooled import significant
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["regression_table"]


def regression_table(
    fit: MetaRegression,
    *,
    labels: dict[str, str] | None = None,
    title: str | None = None,
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a table of the coefficients of one meta-regression.

    Parameters
    ----------
    fit : MetaRegression
        One regression.
    labels : dict of str to str, optional
        What coefficients are called, by their names.
    title, notes, source, number
        As for `JournalTable`. Heterogeneity that is left and the test of the moderators are noted.

    Returns
    -------
    JournalTable
        Coefficients are on the analysis scale; those of ratios are also given as ratios, for a difference
        of one unit.

    Raises
    ------
    TypeError
        If `fit` is no `MetaRegression`.
    ValueError
        If it is more than one, or `labels` names a coefficient that is not there.
    """
    if not isinstance(fit, MetaRegression):
        raise TypeError(f"`fit` must be MetaRegression, but got {type(fit).__name__}.")
    if fit.tau2.size != 1:
        raise ValueError(f"`fit` must be one regression, but has shape {fit.shape}; make a table each.")
    named = labels or {}
    unknown = [name for name in named if name not in fit.names]
    if unknown:
        raise ValueError(f"`labels` must name coefficients ({', '.join(fit.names)}), but got {unknown}.")
    measure, level = measure_of(fit.effects.measure), level_text(fit.confidence_level)
    ratio = measure.scale == "log"
    place = "" if measure.scale == "identity" else f", {measure.scale} scale"
    columns = [
        TableColumn(heading="Coefficient", names=("coefficient",)),
        TableColumn(
            heading=f"Estimate{place} ({level} CI)",
            names=("value", "low", "high"),
            kind="number",
            headings=("Estimate", f"{level} CI, lower limit", f"{level} CI, upper limit"),
        ),
    ]
    if ratio:
        columns.append(
            TableColumn(
                heading=f"Ratio ({level} CI)",
                names=("ratio", "ratio_low", "ratio_high"),
                kind="number",
                headings=("Ratio", f"Ratio, {level} CI, lower limit", f"Ratio, {level} CI, upper limit"),
            )
        )
    columns.append(TableColumn(heading=pvalue_heading(), names=("pvalue",), kind="pvalue"))
    backward = scale_of(measure.scale).backward
    rows = []
    parts = (fit.coefficients, fit.low, fit.high, fit.pvalue)
    for name, *numbers, pvalue in zip(fit.names, *(part.reshape(-1) for part in parts), strict=True):
        cells = [text_cell(named.get(name, name)), estimate_cell(*numbers)]
        cells += [estimate_cell(*backward(np.asarray(numbers)))] if ratio else []
        rows.append(TableRow(cells=(*cells, pvalue_cell(pvalue))))
    return JournalTable(
        title=title or f"Meta-regression of the {measure.label[0].lower()}{measure.label[1:]}",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(*notes, *_what_is_left(fit, ratio=ratio)),
        source=source,
        number=number,
    )


def _what_is_left(fit: MetaRegression, *, ratio: bool) -> list[str]:
    test = fit.moderator_test
    f_test = np.isfinite(test.denominator_df).all()
    of = f" and {test.denominator_df.item():.0f}" if f_test else ""
    letter = "F" if f_test else "QM"
    r2 = fit.r2.item()
    explained = "" if math.isnan(r2) else f", R² = {format_number(r2, 0)}%"
    tau2 = "" if fit.model == "common" else f"τ² = {significant(fit.tau2)}{explained}, "
    left = (
        f"{format_count(fit.n_studies)} studies. Residual heterogeneity: {tau2}"
        f"I² = {format_number(fit.i2, 0)}%, "
        f"QE = {format_number(fit.qe, 1)} (df = {fit.df.item():.0f}, {format_pvalue(fit.qe_pvalue)})."
    )
    tested = (
        f"Test of the moderators: {letter} = {format_number(test.statistic, 1)} (df = {test.df}{of}), "
        f"{format_pvalue(test.pvalue)}."
    )
    texts = [left, tested]
    if ratio:
        texts.append(
            "Ratio: the factor by which the effect changes with one unit; of the intercept, the effect."
        )
    return texts
