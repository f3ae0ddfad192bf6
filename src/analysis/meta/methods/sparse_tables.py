"""Tables as sums over studies take them: sets of studies chosen, corrections added, weights.

A study outside a set has empty groups, which add nothing to any sum; so every set has the same shape and the
sums of `measures.stratified` serve a million sets at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.correction import check_correction, where_corrected
from analysis.values.counts import TwoByTwo, TwoRates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["carries_no_event", "choose", "corrected", "only", "study_weights"]


def choose(data: TwoByTwo | TwoRates, where: ArrayLike | None) -> tuple[TwoByTwo | TwoRates, BoolArray]:
    """Return the tables with at least one axis, and which of them belong to a set.

    Parameters
    ----------
    data : TwoByTwo or TwoRates
        Shape (..., k), or () for one table.
    where : array_like of bool or None
        Shape broadcastable with that of the tables to (..., k).

    Raises
    ------
    TypeError
        If `where` is not boolean.
    ValueError
        If `where` does not broadcast or leaves a set without a study.
    """
    tables = data if data.shape else data[np.newaxis]
    if where is None:
        return tables, np.ones(tables.shape, dtype=bool)
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be true/false, but got {mask.dtype}; for positions use a mask.")
    try:
        shape = np.broadcast_shapes(mask.shape, tables.shape)
    except ValueError:
        shape = (0,)
    if shape[-1] != tables.shape[-1]:
        raise ValueError(f"`where` must broadcast to the studies {tables.shape}, but has shape {mask.shape}.")
    inside = np.broadcast_to(mask, shape)
    empty = ~inside.any(axis=-1)
    if empty.any():
        index = [int(i) for i in np.argwhere(empty)[0]]
        raise ValueError(
            f"`where` must leave at least one study in every set, but leaves none in {index or [0]}."
        )
    return tables, inside


def carries_no_event(tables: TwoByTwo | TwoRates) -> BoolArray:
    """Tell which studies have no event in either group or, counting persons, only events in both."""
    if isinstance(tables, TwoRates):
        none: BoolArray = (tables.exposed_events == 0) & (tables.control_events == 0)
        return none
    nobody: BoolArray = (tables.exposed_cases == 0) & (tables.control_cases == 0)
    everybody: BoolArray = (tables.exposed_noncases == 0) & (tables.control_noncases == 0)
    return nobody | everybody


def corrected(
    tables: TwoByTwo | TwoRates, inside: BoolArray, correction: float | None, correct: str
) -> TwoByTwo | TwoRates:
    """Add to the cells (or event counts) of the studies in a set that `correct` chooses.

    A study with an empty group compares nothing and stays as it is.
    """
    added = check_correction(correction)
    if isinstance(tables, TwoByTwo):
        comparable = inside & (tables.exposed_total > 0) & (tables.control_total > 0)
        plus = added * (where_corrected(tables.has_zero_cell & comparable, correct) & comparable)
        if added == 0:
            return tables
        return TwoByTwo._trusted(  # noqa: SLF001 -- corrected counts are not whole
            exposed_cases=tables.exposed_cases + plus,
            exposed_total=tables.exposed_total + 2 * plus,
            control_cases=tables.control_cases + plus,
            control_total=tables.control_total + 2 * plus,
        )
    without = (tables.exposed_events == 0) | (tables.control_events == 0)
    plus = added * (where_corrected(without & inside, correct) & inside)
    if added == 0:
        return tables
    return TwoRates._trusted(  # noqa: SLF001 -- idem
        exposed_events=tables.exposed_events + plus,
        exposed_time=tables.exposed_time,
        control_events=tables.control_events + plus,
        control_time=tables.control_time,
    )


def only(tables: TwoByTwo | TwoRates, inside: BoolArray) -> TwoByTwo | TwoRates:
    """Return the tables with what is outside of a set emptied."""
    if inside.all() and inside.shape == tables.shape:
        return tables
    if isinstance(tables, TwoByTwo):
        return TwoByTwo._trusted(  # noqa: SLF001 -- parts of counts that were checked
            exposed_cases=np.where(inside, tables.exposed_cases, 0.0),
            exposed_total=np.where(inside, tables.exposed_total, 0.0),
            control_cases=np.where(inside, tables.control_cases, 0.0),
            control_total=np.where(inside, tables.control_total, 0.0),
        )
    return TwoRates._trusted(  # noqa: SLF001 -- idem
        exposed_events=np.where(inside, tables.exposed_events, 0.0),
        exposed_time=np.where(inside, tables.exposed_time, 0.0),
        control_events=np.where(inside, tables.control_events, 0.0),
        # Without exposed time there is no weight; control time keeps the quotients by the total at 0.
        control_time=tables.control_time,
    )


def study_weights(tables: TwoByTwo | TwoRates, measure: str) -> FloatArray:
    """Return Mantel and Haenszel's weights, with which the studies' effects average to the pooled one."""
    if isinstance(tables, TwoRates):
        t1, t0 = tables.exposed_time, tables.control_time
        exposed = t1 / (t1 + t0)
        return exposed * (tables.control_events if measure == "IRR" else t0)
    n1, n0 = tables.exposed_total, tables.control_total
    n = np.where(n1 + n0 > 0, n1 + n0, 1.0)
    if measure == "OR":
        return tables.exposed_noncases * tables.control_cases / n
    return n1 * (tables.control_cases if measure == "RR" else n0) / n
