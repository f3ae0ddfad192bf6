"""Every interval of one proportion, under one signature: events, total and level in, limits out.

Those that need a search are in `binomial`. The public function, with what each method is for, is
`proportion.prevalence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.binomial import (
    blaker_limits,
    blaker_mid_p_limits,
    likelihood_limits,
    mid_p_limits,
)
from analysis.measures.methods.skewness import proportion_limits
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["PROPORTION", "wilson_limits"]


def _wald(x: FloatArray, n: FloatArray, level: float) -> Limits:
    p = x / n
    half = normal_quantile((1 + level) / 2) * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def _wald_corrected(x: FloatArray, n: FloatArray, level: float) -> Limits:
    low, high = _wald(x, n, level)
    return low - 1 / (2 * n), high + 1 / (2 * n)


def _wilson(x: FloatArray, n: FloatArray, level: float) -> Limits:
    return wilson_limits(x, n, np.asarray(normal_quantile((1 + level) / 2)))


def wilson_limits(x: FloatArray, n: FloatArray, z: FloatArray) -> Limits:
    """Return Wilson's limits at a normal quantile, for intervals that are built from them."""
    # (x + z²/2 ± z sqrt(x(n - x)/n + z²/4)) / (n + z²)
    middle = x + z**2 / 2
    half = z * np.sqrt(x * (n - x) / n + z**2 / 4)
    low, high = (middle - half) / (n + z**2), (middle + half) / (n + z**2)
    # At the ends the formula gives 0 and 1 but for rounding.
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def _wilson_corrected(x: FloatArray, n: FloatArray, level: float) -> Limits:
    z = normal_quantile((1 + level) / 2)
    p, q = x / n, (n - x) / n
    low = (2 * x + z**2 - 1 - z * np.sqrt(z**2 - 2 - 1 / n + 4 * p * (n - x + 1))) / (2 * (n + z**2))
    high = (2 * x + z**2 + 1 + z * np.sqrt(z**2 - 2 - 1 / n + 4 * q * (x + 1))) / (2 * (n + z**2))
    return low, high


def _agresti_coull(x: FloatArray, n: FloatArray, level: float) -> Limits:
    z = normal_quantile((1 + level) / 2)
    return _wald(x + z**2 / 2, n + z**2, level)


def _logit(x: FloatArray, n: FloatArray, level: float) -> Limits:
    half = normal_quantile((1 + level) / 2) * np.sqrt(1 / x + 1 / (n - x))
    odds, factor = x / (n - x), np.exp(half)
    bounded = (x > 0) & (x < n)
    low, high = odds / factor, odds * factor
    return np.where(bounded, low / (1 + low), 0.0), np.where(bounded, high / (1 + high), 1.0)


def _arcsine(x: FloatArray, n: FloatArray, level: float) -> Limits:
    middle = np.arcsin(np.sqrt((x + 3 / 8) / (n + 3 / 4)))
    half = normal_quantile((1 + level) / 2) / (2 * np.sqrt(n))
    return (
        np.sin(np.maximum(middle - half, 0.0)) ** 2,
        np.sin(np.minimum(middle + half, np.pi / 2)) ** 2,
    )


def _clopper_pearson(x: FloatArray, n: FloatArray, level: float) -> Limits:
    alpha = 1 - level
    low = special.betaincinv(np.where(x > 0, x, 1.0), n - x + 1, alpha / 2)
    high = special.betaincinv(x + 1, np.where(x < n, n - x, 1.0), 1 - alpha / 2)
    return low, high


def _jeffreys(x: FloatArray, n: FloatArray, level: float) -> Limits:
    alpha = 1 - level
    low = special.betaincinv(x + 0.5, n - x + 0.5, alpha / 2)
    return low, special.betaincinv(x + 0.5, n - x + 0.5, 1 - alpha / 2)


PROPORTION: dict[str, Callable[[FloatArray, FloatArray, float], Limits]] = {
    "wilson": _wilson,
    "wilson-cc": _wilson_corrected,
    "skewness-corrected": proportion_limits,
    "wald": _wald,
    "wald-cc": _wald_corrected,
    "agresti-coull": _agresti_coull,
    "logit": _logit,
    "arcsine": _arcsine,
    "clopper-pearson": _clopper_pearson,
    "mid-p": mid_p_limits,
    "blaker": blaker_limits,
    "blaker-mid-p": blaker_mid_p_limits,
    "jeffreys": _jeffreys,
    "likelihood-ratio": likelihood_limits,
}
