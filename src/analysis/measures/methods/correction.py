"""What is added to tables with empty cells, in one place, so that every measure means the same by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["CORRECT", "check_correction", "corrected_cells", "where_corrected"]

CORRECT = ("only-zero", "all", "all-if-any-zero", "none")


def check_correction(correction: float | None) -> float:
    """Return what to add as a float; None is 0."""
    if correction is None:
        return 0.0
    if isinstance(correction, (bool, str)) or np.ndim(correction):
        raise TypeError(f"`correction` must be a number or None, but got {correction!r}.")
    value = float(correction)
    if not 0 <= value < np.inf:
        raise ValueError(f"`correction` must be at least 0, but got {correction!r}.")
    return value


def where_corrected(empty: BoolArray, correct: str) -> BoolArray:
    """Tell which tables are corrected, given which have an empty cell.

    `correct` is "only-zero" (those tables), "all", "all-if-any-zero" (all tables of the last axis as soon as
    one has an empty cell) or "none".
    """
    check_choice("correct", correct, CORRECT)
    if correct == "only-zero":
        return empty
    if correct == "none":
        return np.zeros_like(empty)
    if correct == "all":
        return np.ones_like(empty)
    return np.broadcast_to(empty.any(axis=-1, keepdims=bool(empty.ndim)), empty.shape)


def corrected_cells(
    table: TwoByTwo, correction: float | None, correct: str = "only-zero"
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the cells a, b (exposed cases, non-cases), c, d (controls) after the correction."""
    a, b, c, d = table.exposed_cases, table.exposed_noncases, table.control_cases, table.control_noncases
    added = check_correction(correction)
    if added == 0:
        return a, b, c, d
    where = added * where_corrected(table.has_zero_cell, correct)
    return a + where, b + where, c + where, d + where
