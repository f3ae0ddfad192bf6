"""Shares of true effects beyond a threshold under bias: a normal distribution of effects, or calibrated ones.

Everything is turned so that strong effects are above the threshold, on the log scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = [
    "WithError",
    "calibrated_effects",
    "calibrated_share",
    "calibrated_shift",
    "normal_share",
    "normal_shift",
]


class WithError(NamedTuple):
    """A number and its standard error, NaN where it has none."""

    value: FloatArray
    std_error: FloatArray


def normal_share(
    mean: WithError, tau2: WithError, *, threshold: FloatArray, bias: FloatArray, bias_sd: FloatArray
) -> WithError:
    """Return P(true effect > threshold) after taking off a normal bias, by the delta method.

    Where nothing is left of tau2 all effects are equal: 0 or 1, without a standard error.
    """
    left = tau2.value - bias_sd**2
    distance = threshold + bias - mean.value
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / np.sqrt(left)
        share = special.ndtr(-z)
        variance = mean.std_error**2 / left + tau2.std_error**2 * distance**2 / (4 * left**3)
        std_error = np.sqrt(variance) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    equal = left <= 0
    return WithError(np.where(equal, (distance < 0).astype(float), share), np.where(equal, np.nan, std_error))


def normal_shift(
    mean: WithError, tau2: WithError, *, threshold: FloatArray, bias_sd: FloatArray, share: FloatArray
) -> WithError:
    """Return the bias by which no more than `share` of the effects stays above the threshold; 0 at least."""
    left = np.maximum(tau2.value - bias_sd**2, 0.0)
    z = special.ndtri(1 - share)
    shift = z * np.sqrt(left) - threshold + mean.value
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.sqrt(mean.std_error**2 + tau2.std_error**2 * z**2 / (4 * left))
    none = shift <= 0
    return WithError(np.where(none, 0.0, shift), np.where(none | (left == 0), np.nan, std_error))


def calibrated_effects(
    effect: FloatArray, variance: FloatArray, mean: FloatArray, tau2: FloatArray
) -> FloatArray:
    """Return effects drawn towards the mean until their variance is tau2 (Wang and Lee)."""
    between = tau2[..., None]
    total = between + variance
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = np.where(total > 0, np.sqrt(between / total), 0.0)
    return np.asarray(mean[..., None] + shrink * (effect - mean[..., None]))


def calibrated_share(effects: FloatArray, used: BoolArray, threshold: FloatArray) -> FloatArray:
    """Return the share of the used effects that is above the threshold."""
    above = (effects > threshold[..., None]) & used
    return np.asarray(above.sum(axis=-1) / used.sum(axis=-1))


def calibrated_shift(
    effects: FloatArray, used: BoolArray, threshold: FloatArray, share: FloatArray
) -> FloatArray:
    """Return the least bias by which no more than `share` of the used effects stays above the threshold."""
    number = np.broadcast_to(used, effects.shape).sum(axis=-1)
    # How many may stay: a product such as 0.3 * 10 must not fall just short of 3.
    stay = np.floor(share * number + 1e-9).astype(int)
    ordered = -np.sort(-np.where(used, effects, -np.inf), axis=-1)
    place = np.minimum(stay, effects.shape[-1] - 1)
    next_one = np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]
    return np.where(stay >= number, 0.0, np.maximum(next_one - threshold, 0.0))
