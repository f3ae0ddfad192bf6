"""What is given for an E-value, as risk ratios with limits: odds, hazards, standardized differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.bias.methods.strength import (
    ERROR_TO_HALF_WIDTH,
    MEAN_TO_LOG_RATIO,
    conversion_to_risk_ratio,
)
from analysis.values.arguments import as_numbers, as_positive, broadcast, check_choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["RiskRatios", "from_differences", "from_ratios", "unread"]

_NO_OUTCOME = frozenset({"RR", "IRR"})


class RiskRatios(NamedTuple):
    """Risk ratio, limits (NaN where not given) and the true risk ratio, of one shape."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    true: FloatArray


def from_ratios(
    estimate: ArrayLike,
    low: ArrayLike | None,
    high: ArrayLike | None,
    true: ArrayLike | None,
    *,
    measure: str,
    outcome: str | None,
) -> RiskRatios:
    """Return the risk ratios for which ratios stand.

    Raises
    ------
    TypeError, ValueError
        As `e_value` says.
    """
    if measure in _NO_OUTCOME:
        unread(f"measure {measure!r}", outcome=outcome)
    elif outcome is None:
        raise TypeError(
            f"`outcome` must be 'rare' or 'common' for measure {measure!r}: a ratio of odds or hazards is a "
            "risk ratio only of a rare outcome."
        )
    else:
        check_choice("outcome", outcome, ("rare", "common"))
    names = ("estimate", "low", "high", "true")
    value = as_positive("estimate", estimate)
    limits = [_limit(name, limit) for name, limit in (("low", low), ("high", high))]
    goal = as_positive("true", 1.0 if true is None else true)
    given = dict(zip(names, (value, *limits, goal), strict=True))
    shaped = broadcast(**given)
    with np.errstate(invalid="ignore"):
        _around(shaped[0], (limits[0] > value) | (limits[1] < value), *shaped[1:3])
    # Converted before they are repeated: a true value of 1 is one number for a million estimates.
    common = outcome == "common"
    converted = {name: conversion_to_risk_ratio(part, measure, common=common) for name, part in given.items()}
    return RiskRatios(*broadcast(**converted))


def from_differences(
    estimate: ArrayLike,
    measure: str,
    std_error: ArrayLike | None,
    outcome_sd: ArrayLike | None,
    contrast: ArrayLike | None,
    true: ArrayLike | None,
) -> RiskRatios:
    """Return the risk ratios for which standardized differences or regression coefficients stand."""
    if measure == "OLS":
        if outcome_sd is None:
            raise TypeError("`outcome_sd` must be given for measure 'OLS': the outcome's standard deviation.")
        unit = as_positive("contrast", 1.0 if contrast is None else contrast) / as_positive(
            "outcome_sd", outcome_sd
        )
    else:
        unread("measure 'SMD'", outcome_sd=outcome_sd, contrast=contrast)
        unit = np.asarray(1.0)
    mean = _finite("estimate", estimate) * unit
    goal = _finite("true", 0.0 if true is None else true) * (unit if measure == "OLS" else 1.0)
    error = np.asarray(np.nan) if std_error is None else as_positive("std_error", std_error) * unit
    parts = broadcast(estimate=mean, std_error=error, true=goal)
    mean, error, goal = parts
    with np.errstate(over="ignore"):
        return RiskRatios(
            np.exp(MEAN_TO_LOG_RATIO * mean),
            np.exp(MEAN_TO_LOG_RATIO * mean - ERROR_TO_HALF_WIDTH * error),
            np.exp(MEAN_TO_LOG_RATIO * mean + ERROR_TO_HALF_WIDTH * error),
            np.exp(MEAN_TO_LOG_RATIO * goal),
        )


def unread(what: str, **arguments: object) -> None:
    """Refuse arguments that would not be read."""
    for name, value in arguments.items():
        if value is not None:
            raise TypeError(f"`{name}` is not read for {what}; leave it out.")


def _limit(name: str, values: ArrayLike | None) -> FloatArray:
    """Return limits of a ratio; NaN is a limit that was not printed, 0 and infinity are open ends."""
    if values is None:
        return np.asarray(np.nan)
    array = as_numbers(name, values)
    fault = array < 0
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must not be negative, but got {array[index]:g}{f' at index {index}' if index else ''}."
        )
    return array


def _finite(name: str, values: ArrayLike) -> FloatArray:
    array = as_numbers(name, values)
    fault = ~np.isfinite(array)
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must be finite, but got {array[index]:g}{f' at index {index}' if index else ''}."
        )
    return array


def _around(value: FloatArray, fault: BoolArray, low: FloatArray, high: FloatArray) -> None:
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(np.broadcast_to(fault, value.shape))[0])
        raise ValueError(
            f"`low` <= `estimate` <= `high` must hold, but got {value[index]:g} ({low[index]:g} to "
            f"{high[index]:g}){f' at index {index}' if index else ''}."
        )
