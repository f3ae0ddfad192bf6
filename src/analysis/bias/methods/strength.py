"""How strong bias must be: the bounding factor of two strengths, and its inverse where both are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "away_from_one",
    "bounding_factor_of",
    "conversion_to_risk_ratio",
    "equal_strengths",
    "nearer_limit",
]

# Standardized difference to log risk ratio, and its standard error to the half width at 95 %.
MEAN_TO_LOG_RATIO, ERROR_TO_HALF_WIDTH = 0.91, 1.78


def bounding_factor_of(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return xy/(x + y - 1), divided through so that no product overflows."""
    return np.asarray(first / (1 + (first - 1) / second))


def equal_strengths(factor: FloatArray) -> FloatArray:
    """Return B + √(B(B - 1)), the two equal strengths whose bounding factor is B (at least 1)."""
    with np.errstate(invalid="ignore"):
        # B(1 + √((B - 1)/B)): no product that overflows, and one array for all steps.
        strength = np.asarray(factor - 1)
        strength = np.divide(strength, factor, out=strength)
        np.sqrt(strength, out=strength)
        strength *= factor
        strength += factor
    endless = np.isposinf(factor)
    return np.where(endless, np.inf, strength) if endless.any() else strength


def away_from_one(ratio: FloatArray) -> FloatArray:
    """Return the ratio or its inverse, whichever is at least 1."""
    inverse = np.asarray(1 / ratio)
    return np.maximum(ratio, inverse, out=inverse)


def conversion_to_risk_ratio(ratio: FloatArray, measure: str, *, common: bool) -> FloatArray:
    """Return the risk ratio that an odds or hazard ratio stands for, a rare outcome's being itself."""
    if measure == "OR" and common:
        return np.sqrt(ratio)
    if measure == "HR" and common:
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.asarray(np.sqrt(ratio))
            other = np.asarray(-np.log(2) / root)
            root *= -np.log(2)
            np.expm1(root, out=root)
            np.expm1(other, out=other)
            root /= other
        # Without bound the second risk is 0 and the first 1.
        endless = np.isposinf(ratio)
        return np.where(endless, np.inf, root) if endless.any() else root
    return ratio


def nearer_limit(
    ratio: FloatArray, low: FloatArray, high: FloatArray, true: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return by how much bias must divide the limit nearer the true value, and whether the interval holds it.

    The second is 1 where it does, 0 where not, NaN where that limit is not known.
    """
    above = ratio >= true
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.asarray(np.where(above, low, high) / true)
        distance = np.asarray(np.where(above, distance, 1 / distance))
    holds = np.asarray(distance <= 1, dtype=np.float64)
    unknown = np.isnan(distance)
    if unknown.any():
        holds[unknown] = np.nan
    return np.maximum(distance, 1.0, out=distance), holds
