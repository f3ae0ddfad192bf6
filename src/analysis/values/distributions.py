"""Quantiles and tails of the distributions that intervals rest on, from `scipy.special` alone.

`scipy.stats` costs half of the import time of every package of this field; its functions wrap these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["chi2_quantile", "chi2_tail", "normal_quantile", "t_quantile", "two_sided_normal", "two_sided_t"]


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile."""
    return float(special.ndtri(probability))


def two_sided_normal(z: ArrayLike) -> FloatArray:
    """Return P(|Z| >= |z|) by the lower tail, which keeps its digits where 1 - cdf would be 0."""
    return np.asarray(2.0 * special.ndtr(-np.abs(z)), dtype=np.float64)


def t_quantile(probability: float, df: ArrayLike) -> FloatArray:
    """Return Student's t quantile; NaN where `df` is not positive, infinite where no float holds it."""
    degrees = np.asarray(df, dtype=np.float64)
    quantile = np.asarray(special.stdtrit(np.where(degrees > 0, degrees, np.nan), probability))
    few = (degrees > 0) & (degrees < 0.01)
    if few.any():
        # scipy's is wrong below 0.005. The tail is c t^-df / df there, with c of the density c t^-(df + 1).
        nu = np.where(few, degrees, 1.0)
        log_c = (
            special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - np.log(np.pi) / 2 + nu / 2 * np.log(nu)
        )
        with np.errstate(over="ignore"):
            far = np.exp((log_c - np.log(nu) - np.log(min(probability, 1 - probability))) / nu)
        quantile = np.where(few, np.sign(probability - 0.5) * far, quantile)
    return quantile


def two_sided_t(t: ArrayLike, df: ArrayLike) -> FloatArray:
    """Return P(|T| >= |t|); NaN where `df` is not positive."""
    degrees = np.asarray(df, dtype=np.float64)
    return np.asarray(2.0 * special.stdtr(np.where(degrees > 0, degrees, np.nan), -np.abs(t)))


def chi2_quantile(probability: ArrayLike, df: ArrayLike) -> FloatArray:
    """Return the chi-square quantile of the lower tail probability."""
    return np.asarray(2.0 * special.gammaincinv(np.asarray(df) / 2.0, probability), dtype=np.float64)


def chi2_tail(x: ArrayLike, df: ArrayLike) -> FloatArray:
    """Return P(X >= x)."""
    return np.asarray(special.chdtrc(df, x), dtype=np.float64)
