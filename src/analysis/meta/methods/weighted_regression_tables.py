"""What the tests of tables share: which studies enter, what they weigh, and the line through them.

Arrays are studies last here, as tables are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.measures.homogeneity import mantel_haenszel_value
from analysis.measures.methods.correction import check_correction, corrected_cells
from analysis.meta.methods.weighted_regression import check_spread, fit_line, refuse_few, studies_first
from analysis.meta.small_study_result import line_test
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from analysis.meta.small_study_result import SmallStudyTest
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Cells", "check_table", "common_odds_ratio", "informative_cells", "ratios_of", "regress"]


class Cells(NamedTuple):
    """Counts of shape (..., k), and which studies have both cases and non-cases in both arms together."""

    exposed_cases: FloatArray
    exposed_total: FloatArray
    control_total: FloatArray
    cases: FloatArray
    total: FloatArray
    inside: BoolArray

    @property
    def pooled_weight(self) -> FloatArray:
        """1/(1/m + 1/(N - m)): what a log odds ratio weighs if both arms had the same risk and size."""
        total = np.where(self.inside, self.total, 1.0)
        return np.where(self.inside, self.cases * (self.total - self.cases) / total, 0.0)


def check_table(table: TwoByTwo) -> None:
    """Raise `TypeError` unless it is a TwoByTwo."""
    if not isinstance(table, TwoByTwo):
        raise TypeError(
            f"`table` must be TwoByTwo, but got {type(table).__name__}: this test needs the cells."
        )


def informative_cells(table: TwoByTwo) -> Cells:
    """Return the counts; refuse fewer than three studies with cases and non-cases."""
    check_table(table)
    tables = table if table.shape else table[np.newaxis]
    cases = tables.exposed_cases + tables.control_cases
    total = tables.exposed_total + tables.control_total
    inside = (cases > 0) & (cases < total) & (tables.exposed_total > 0) & (tables.control_total > 0)
    refuse_few(inside, 3)
    return Cells(tables.exposed_cases, tables.exposed_total, tables.control_total, cases, total, inside)


def ratios_of(table: TwoByTwo, measure: str, effects: EffectSizes | None) -> EffectSizes:
    """Return the log ratios of the table, or those given if they match it."""
    if effects is None:
        return effect_sizes(table, measure)
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    if effects.shape != table.shape:
        raise ValueError(f"`effects` must match the table {table.shape}, but has shape {effects.shape}.")
    return effects


def common_odds_ratio(table: TwoByTwo, correction: float | None, inside: BoolArray) -> FloatArray:
    """Return Mantel and Haenszel's odds ratio of the studies inside, corrected where asked for."""
    added = check_correction(correction)
    if added == 0:
        return np.asarray(mantel_haenszel_value(table, "OR"))
    a, b, c, d = corrected_cells(table, added)
    total = a + b + c + d
    above = np.where(inside, a * d / total, 0.0).sum(axis=-1)
    below = np.where(inside, b * c / total, 0.0).sum(axis=-1)
    return np.asarray(above / below)


def regress(
    y: FloatArray,
    x: FloatArray,
    weight: FloatArray,
    *,
    measure: str,
    method: str,
    predictor: str,
    confidence_level: float = 0.95,
    limit: bool = True,
) -> SmallStudyTest:
    """Fit the line over the last axis, with dispersion and t on k - 2; studies of weight 0 are out."""
    inside = weight > 0
    fault = inside & ~np.isfinite(y)
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"Every study that enters must have a finite effect, but at index "
            f"{index[0] if len(index) == 1 else index} it is {y[index]:g}. Give effects= with a correction."
        )
    outcome, position, share = (
        studies_first(array, weight.shape)
        for array in (np.where(inside, y, 0.0), np.where(inside, x, 0.0), weight)
    )
    line = fit_line(outcome, position, share)
    check_spread(outcome, position, share, predictor, line)
    return line_test(
        line,
        shape=weight.shape[:-1],
        measure=measure,
        method=method,
        confidence_level=confidence_level,
        factor=line.dispersion,
        limit=limit,
    )
