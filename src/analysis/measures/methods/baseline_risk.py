"""Relative effects at a baseline risk: the formulas, and how an unknown risk makes a range of them.

The conversions that are offered live in `conversion` and `absolute_effect`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.converted_range import ConvertedRange
from analysis.values.arguments import as_numbers, as_positive, as_probabilities, broadcast
from analysis.values.estimate import Estimate
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

    Risk = ArrayLike | tuple[ArrayLike, ArrayLike]
    # The effect and the risk without exposure, to what is wanted.
    Conversion = Callable[[FloatArray, FloatArray], FloatArray]

__all__ = [
    "EXPOSED_RISK",
    "Effect",
    "bounds_in_words",
    "check_risk",
    "effect_of",
    "odds_ratio_of_risks",
    "over_risk",
    "risk_ratio_of_hazards",
    "risk_ratio_of_odds",
    "risks_of",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effect:
    """An effect with the limits it came with, if any."""

    measure: str
    value: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None
    confidence_level: float | None = None

    def mapped(self, function: Callable[[FloatArray], FloatArray]) -> Effect:
        """Return the effect with its value and limits transformed."""
        return Effect(
            measure=self.measure,
            value=function(self.value),
            low=None if self.low is None else function(self.low),
            high=None if self.high is None else function(self.high),
            confidence_level=self.confidence_level,
        )


def effect_of(
    name: str, given: ArrayLike | Estimate, measures: tuple[str, ...], *, ratio: bool = True
) -> Effect:
    """Return an effect and its limits; numbers have none, an estimate must be of one of the measures."""
    if not isinstance(given, Estimate):
        return Effect(
            measure=measures[0], value=as_positive(name, given) if ratio else as_numbers(name, given)
        )
    if given.measure not in measures:
        raise ValueError(
            f"`{name}` must be an Estimate of measure {' or '.join(measures)}, but is of {given.measure}."
        )
    return Effect(
        measure=given.measure,
        value=given.value,
        low=given.low,
        high=given.high,
        confidence_level=given.confidence_level,
    )


def risks_of(name: str, given: Risk | None) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of a risk: a tuple is low and high, anything else is known."""
    if given is None:
        raise TypeError(
            f"`{name}` must be given: the risk if it is known, or a tuple (low, high) of what it may be."
        )
    if not isinstance(given, tuple):
        known = as_probabilities(name, given)
        return known, known
    if len(given) != 2:
        raise ValueError(f"`{name}` must be a risk or a tuple of two, but is a tuple of {len(given)}.")
    low, high = broadcast(low=as_probabilities(name, given[0]), high=as_probabilities(name, given[1]))
    if (low > high).any():
        raise ValueError(f"`{name}` must be (low, high), but got {given!r}.")
    return low, high


def check_risk(name: str, effect: Effect, baseline: FloatArray) -> None:
    """Refuse a ratio that makes a baseline risk more than 1."""
    value, risk = broadcast(**{name: effect.value, "baseline_risk": baseline})
    beyond = value * risk > 1 + 1e-12
    if beyond.any():
        raise ValueError(
            f"`{name}` times `baseline_risk` must be a risk, but {value[beyond].ravel()[0]:g} times "
            f"{risk[beyond].ravel()[0]:g} is above 1. Lower the upper bound of the baseline risk."
        )


def risk_ratio_of_odds(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    """Return OR/(1 - p0 + p0 OR)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 / (risk + (1 - risk) / ratio))


def risk_ratio_of_hazards(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    """Return (1 - (1 - p0)^HR)/p0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(risk == 0, ratio, _risk_of_hazards(ratio, risk) / risk)


def odds_ratio_of_risks(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    """Return RR (1 - p0)/(1 - RR p0), infinite where the risk would be 1 or more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ratio * risk >= 1, np.inf, ratio * (1 - risk) / (1 - ratio * risk))


def _risk_of_risks(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.where(risk == 0, 0.0, np.minimum(ratio * risk, 1.0))


def _risk_of_odds(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(risk == 0, 0.0, 1 / (1 + (1 - risk) / (ratio * risk)))


def _risk_of_hazards(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        exposed = -np.expm1(ratio * np.log1p(-risk))
        return np.where((ratio == 0) | (risk == 0), 0.0, exposed)


def _difference_of_risks(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.where(risk == 0, 0.0, np.minimum((ratio - 1) * risk, 1 - risk))


def _difference_of_odds(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    # p0(1 - p0)(OR - 1)/(1 - p0 + p0 OR), in 1/OR where that may be 0.
    with np.errstate(divide="ignore", invalid="ignore"):
        above = (1 - 1 / ratio) / (risk + (1 - risk) / ratio)
        below = (ratio - 1) / (1 - risk + risk * ratio)
        return np.where(risk == 0, 0.0, risk * (1 - risk) * np.where(ratio > 1, above, below))


def _difference_of_hazards(ratio: FloatArray, risk: FloatArray) -> FloatArray:
    # s - s^HR with s = 1 - p0, without its cancellation.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        difference = -(1 - risk) * np.expm1((ratio - 1) * np.log1p(-risk))
    difference = np.where(risk == 1, np.where(ratio == 0, -1.0, 0.0), difference)
    return np.where(risk == 0, 0.0, difference)


def _nowhere(ratio: FloatArray) -> FloatArray:
    return np.zeros(ratio.shape)


def _turn_of_odds(ratio: FloatArray) -> FloatArray:
    return 1 / (1 + np.sqrt(ratio))


def _turn_of_hazards(ratio: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        # log of the survival at which s - s^HR turns; -1 in the limit HR -> 1.
        log_survival = np.where(ratio == 1, -1.0, np.log(ratio) / (1 - ratio))
    return np.where(np.isfinite(ratio), -np.expm1(log_survival), 0.0)


# The risk with exposure, the risk difference, and the baseline risk at which the latter turns.
EXPOSED_RISK: dict[str, tuple[Conversion, Conversion, Callable[[FloatArray], FloatArray]]] = {
    "RR": (_risk_of_risks, _difference_of_risks, _nowhere),
    "OR": (_risk_of_odds, _difference_of_odds, _turn_of_odds),
    "HR": (_risk_of_hazards, _difference_of_hazards, _turn_of_hazards),
}


def over_risk(
    effect: Effect,
    target: str,
    conversion: Conversion,
    low: FloatArray,
    high: FloatArray,
    method: str,
    *,
    when: str = "",
    source: str | None = None,
    turning: Callable[[FloatArray], FloatArray] = _nowhere,
) -> ConvertedRange:
    """Convert at both ends of the risk, and where the conversion turns if that lies between them."""

    def ends(ratio: FloatArray) -> FloatArray:
        value, first, last = broadcast(ratio=ratio, low=low, high=high)
        between = np.clip(turning(value), first, last)
        return np.stack([conversion(value, risk) for risk in (first, last, between)])

    converted = ends(effect.value)
    return ConvertedRange(
        source=source or effect.measure,
        target=target,
        low=converted.min(axis=0),
        high=converted.max(axis=0),
        interval_low=None if effect.low is None else ends(effect.low).min(axis=0),
        interval_high=None if effect.high is None else ends(effect.high).max(axis=0),
        confidence_level=effect.confidence_level,
        method=method,
        assumption=f"if the risk without exposure{when} is {bounds_in_words(low, high)}",
    )


def bounds_in_words(low: FloatArray, high: FloatArray) -> str:
    """Say a risk that is known or lies between two bounds."""
    if low.size > 1 or high.size > 1:
        return "known" if low is high else "within the bounds given for each"
    first, last = (short_number(float(end.ravel()[0]), percent=True) for end in (low, high))
    return first if float(low.ravel()[0]) == float(high.ravel()[0]) else f"between {first} and {last}"
