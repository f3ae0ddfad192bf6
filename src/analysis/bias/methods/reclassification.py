"""True from observed cells when exposure or outcome were classified with error.

Each function takes cells and parameters of shapes that broadcast and gives cells; negative ones are left to
the caller to refuse or to mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.cells import Cells

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "exposure_by_predictive_values",
    "exposure_by_sensitivity",
    "outcome_by_predictive_values",
    "outcome_by_sensitivity",
    "outcome_of_rates",
    "truly_positive",
]


def truly_positive(
    positive: FloatArray, total: FloatArray, sensitivity: FloatArray, specificity: FloatArray
) -> FloatArray:
    """Return (positive - (1 - Sp) total)/(Se + Sp - 1); NaN where Se + Sp <= 1."""
    worth = sensitivity + specificity - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((positive - (1 - specificity) * total) / np.where(worth > 0, worth, np.nan))


def exposure_by_sensitivity(
    cells: Cells, among_cases: tuple[FloatArray, FloatArray], among_rest: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return the cells by true exposure; pairs are sensitivity and specificity."""
    cases, rest = cells.a + cells.c, cells.b + cells.d
    a = truly_positive(cells.a, cases, *among_cases)
    b = truly_positive(cells.b, rest, *among_rest)
    return Cells(a, b, cases - a, rest - b)


def exposure_by_predictive_values(
    cells: Cells, among_cases: tuple[FloatArray, FloatArray], among_rest: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return the cells by true exposure; pairs are positive and negative predictive value."""
    cases, rest = cells.a + cells.c, cells.b + cells.d
    a = cells.a * among_cases[0] + cells.c * (1 - among_cases[1])
    b = cells.b * among_rest[0] + cells.d * (1 - among_rest[1])
    return Cells(a, b, cases - a, rest - b)


def outcome_by_sensitivity(
    cells: Cells, among_exposed: tuple[FloatArray, FloatArray], among_controls: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return the cells by true outcome; pairs are sensitivity and specificity."""
    turned = exposure_by_sensitivity(_turned(cells), among_exposed, among_controls)
    return _turned(turned)


def outcome_by_predictive_values(
    cells: Cells, among_exposed: tuple[FloatArray, FloatArray], among_controls: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return the cells by true outcome; pairs are positive and negative predictive value."""
    return _turned(exposure_by_predictive_values(_turned(cells), among_exposed, among_controls))


def outcome_of_rates(
    cells: Cells, among_exposed: tuple[FloatArray, FloatArray], among_controls: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return true events over the same person-time; pairs are sensitivity and positive predictive value."""
    return Cells(
        cells.a * among_exposed[1] / among_exposed[0],
        cells.b,
        cells.c * among_controls[1] / among_controls[0],
        cells.d,
    )


def _turned(cells: Cells) -> Cells:
    """Exchange exposure and outcome."""
    return Cells(cells.a, cells.c, cells.b, cells.d)
