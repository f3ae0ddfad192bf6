"""A confounder that was adjusted for, but recorded with error: the strata by its true value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.linear import cells_of, table_of
from analysis.bias.methods.reclassification import truly_positive
from analysis.measures.methods.cells import Cells

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["true_strata"]


def true_strata(
    strata: TwoByTwo,
    among_cases: tuple[FloatArray, FloatArray],
    among_noncases: tuple[FloatArray, FloatArray],
    *,
    impossible: str,
    because: str,
) -> TwoByTwo:
    """Return strata without and with the confounder (last axis); pairs are sensitivity and specificity."""
    pairs = (among_cases, among_noncases, among_cases, among_noncases)
    cells = []
    for cell, pair in zip(cells_of(strata), pairs, strict=True):
        total = cell.sum(axis=-1)
        present = truly_positive(cell[..., 1], total, *pair)
        cells.append(np.stack(np.broadcast_arrays(total - present, present), axis=-1))
    return table_of(Cells(*cells), strata, impossible=impossible, because=because)
