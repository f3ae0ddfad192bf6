"""Bias adjustments as linear maps of the cells, and what follows from that: tables, estimates, intervals.

Misclassification, selection and a standardized confounder all replace the four cells by sums of multiples of
them, so one delta method serves each of them and every sequence of them. Which multiples they are is said in
`misclassification`, `selection` and `confounding`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from analysis.measures.methods.cells import Cells
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = [
    "CellMap",
    "Counts",
    "CountsT",
    "cells_of",
    "estimate_of",
    "identity",
    "possible",
    "table_of",
    "usual_measure",
]

Counts = TwoByTwo | TwoRates
CountsT = TypeVar("CountsT", bound=TwoByTwo | TwoRates)
CellMap = Callable[[Cells], Cells]

# What rounding alone can put beside a cell of 0, as a share of the total.
_ROUNDING = 1e-12
_NAMES: dict[type[Any], tuple[str, ...]] = {
    TwoByTwo: ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases"),
    TwoRates: ("exposed_events", "exposed_time", "control_events", "control_time"),
}
_MEASURES: dict[type[Any], tuple[str, ...]] = {TwoByTwo: ("RR", "OR", "RD"), TwoRates: ("IRR", "IRD")}


def cells_of(table: Counts) -> Cells:
    """Return the four cells; person-time stands where the non-cases stand."""
    if isinstance(table, TwoByTwo):
        return Cells(table.exposed_cases, table.exposed_noncases, table.control_cases, table.control_noncases)
    if isinstance(table, TwoRates):
        return Cells(table.exposed_events, table.exposed_time, table.control_events, table.control_time)
    raise TypeError(f"The data must be a TwoByTwo or a TwoRates, but got {type(table).__name__}.")


def usual_measure(table: Counts, measure: str | None) -> str:
    """Return the measure asked for, or the ratio of risks or rates."""
    cells_of(table)  # says which types there are
    known = _MEASURES[type(table)]
    return known[0] if measure is None else check_choice("measure", measure, known)


def possible(cells: Cells) -> BoolArray:
    """Say which tables have four cells of at least 0 (and no NaN)."""
    floor = -_ROUNDING * _size(cells)
    with np.errstate(invalid="ignore"):
        mask: BoolArray = np.asarray(
            (cells.a >= floor) & (cells.b >= floor) & (cells.c >= floor) & (cells.d >= floor)
        )
    return mask


def table_of(cells: Cells, like: CountsT, *, impossible: str, because: str) -> CountsT:
    """Return the adjusted table, of the type of `like`; its cells need not be whole.

    Raises
    ------
    ValueError
        For `impossible="raise"`, if a cell is negative: names the cell, the value, the index and the reason.
    """
    check_choice("impossible", impossible, ("raise", "nan"))
    fine = possible(cells)
    names = _NAMES[type(like)]
    if impossible == "raise" and not fine.all():
        index = tuple(int(i) for i in np.argwhere(~fine)[0])
        values = [float(np.broadcast_to(cell, fine.shape)[index]) for cell in cells]
        worst = int(np.argmin(np.where(np.isnan(values), -np.inf, values)))
        place = f" at index {index[0] if len(index) == 1 else index}" if index else ""
        more = int((~fine).sum()) - 1
        raise ValueError(
            f"Adjusted `{names[worst]}` must not be negative, but would be {values[worst]:.6g}{place}"
            f"{f' (and {more} more tables)' if more else ''}: {because} "
            "For draws, impossible='nan' marks such tables instead."
        )
    with np.errstate(invalid="ignore"):
        floor = _ROUNDING * _size(cells)
        a, b, c, d = (np.where(fine, np.where(cell > floor, cell, 0.0), np.nan) for cell in cells)
    whole = (a, a + b, c, c + d) if isinstance(like, TwoByTwo) else (a, b, c, d)
    parts = dict(zip(like.__dataclass_fields__, whole, strict=True))
    return cast("CountsT", like._trusted(**parts))  # noqa: SLF001 -- adjusted counts are not whole


def identity(cells: Cells) -> Cells:
    """Change nothing."""
    return cells


def estimate_of(
    table: Counts, adjustment: CellMap, *, measure: str, confidence_level: float, impossible: str = "raise"
) -> Estimate:
    """Return the measure of the adjusted cells, the bias parameters taken as known.

    Notes
    -----
    The observed counts are independent Poisson variables (for measures that do not change when a margin is
    multiplied this is the same as binomial or multinomial sampling; person-time is fixed). With adjusted
    cells y = Mx and g the log ratio or the difference, the variance is the sum over cells of x times the
    square of the derivative of g with respect to that x: the transposed M applied to the gradient at y.
    """
    level = check_confidence_level(confidence_level)
    observed = cells_of(table)
    adjusted = cells_of(table_of(adjustment(observed), table, impossible=impossible, because=""))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, gradient = _value_and_gradient(adjusted, measure)
        variance = np.zeros(np.shape(value))
        for place, count in enumerate(observed):
            if isinstance(table, TwoRates) and place in {1, 3}:
                continue
            unit = Cells(*(np.asarray(float(place == other)) for other in range(4)))
            slope = sum(np.asarray(g * part) for g, part in zip(gradient, adjustment(unit), strict=True))
            variance = variance + np.asarray(count) * np.asarray(slope) ** 2
        std_error = np.sqrt(variance)
        return _interval(value, std_error, measure, level)


def _interval(value: FloatArray, std_error: FloatArray, measure: str, level: float) -> Estimate:
    """Return the normal interval; an adjusted cell of 0 leaves a ratio unbounded."""
    scale = measure_of(measure).scale
    ratio = scale == "log"
    half = normal_quantile((1 + level) / 2) * std_error
    known = np.isfinite(std_error)
    if ratio:
        logs = np.log(value)
        low, high = np.exp(logs - half), np.exp(logs + half)
        z = logs / std_error
    else:
        low, high = value - half, value + half
        z = value / std_error
        if measure == "RD":
            low, high = np.clip(low, -1, 1), np.clip(high, -1, 1)
    open_ = ~known & ~np.isnan(value) if ratio else np.zeros(np.shape(value), dtype=bool)
    missing = np.isnan(value)
    return Estimate(
        measure=measure,
        value=value,
        low=np.where(missing, np.nan, np.where(open_, 0.0, low)),
        high=np.where(missing, np.nan, np.where(open_, np.inf, high)),
        confidence_level=level,
        std_error=np.where(open_, np.inf, std_error),
        scale=scale,
        method="delta",
        pvalue=np.where(known, two_sided_normal(z), np.nan),
    )


def _value_and_gradient(cells: Cells, measure: str) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    a, b, c, d = cells
    n1, n0 = cells.exposed, cells.control
    if measure in {"OR", "IRR"}:
        return cells.odds, (1 / a, -1 / b, -1 / c, 1 / d)
    if measure == "RR":
        return cells.ratio, (1 / a - 1 / n1, -1 / n1, -1 / c + 1 / n0, 1 / n0)
    if measure == "RD":
        return cells.difference, (b / n1**2, -a / n1**2, -d / n0**2, c / n0**2)
    return a / b - c / d, (1 / b, -a / b**2, -1 / d, c / d**2)


def _size(cells: Cells) -> FloatArray:
    return np.asarray(np.abs(cells.a) + np.abs(cells.b) + np.abs(cells.c) + np.abs(cells.d))
