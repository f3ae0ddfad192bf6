"""A weighted straight line through the studies, for many sets of studies at once.

Arrays are studies first: shape (k, m) for m sets, so that every sum over studies runs along memory. A study
with weight 0 is out. Additive between-study variance is in `weighted_regression_mixed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Line", "Studies", "check_spread", "fit_line", "studies_first", "studies_of"]

# A predictor that varies by less than this, relative to its size, is constant up to rounding.
_CONSTANT = 1e-12


class Studies(NamedTuple):
    """Effects and variances, shape (k, m); `inside` is 1 for a study that enters, else 0."""

    effect: FloatArray
    variance: FloatArray
    inside: FloatArray
    shape: tuple[int, ...]


class Line(NamedTuple):
    """Intercept and slope with their variances under unit dispersion, shape (m,).

    `dispersion` is the weighted residual sum of squares over k - 2; `df` is k - 2.
    """

    intercept: FloatArray
    slope: FloatArray
    intercept_variance: FloatArray
    slope_variance: FloatArray
    dispersion: FloatArray
    df: FloatArray


def studies_of(effects: EffectSizes, *, least: int, where: ArrayLike | None = None) -> Studies:
    """Return the studies that enter, refusing what no method here can use.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes` or `where` is not true/false.
    ValueError
        If a study that enters has no finite effect or no variance above 0, or if a set has fewer than
        `least` studies.
    """
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
    mask = np.ones(effect.shape, dtype=bool) if where is None else _mask(where, effect.shape)
    effect, variance = np.broadcast_to(effect, mask.shape), np.broadcast_to(variance, mask.shape)
    fault = mask & ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            "Every study that enters must have a finite effect and a variance greater than 0, but at index "
            f"{index[0] if len(index) == 1 else index} they are {effect[index]:g} and {variance[index]:g} "
            f"({int(fault.sum())} in all). Leave such studies out, or give effect_sizes a correction."
        )
    refuse_few(mask, least)
    leading = mask.shape[:-1]
    inside = studies_first(mask, mask.shape)
    return Studies(
        np.where(inside, studies_first(effect, mask.shape), 0.0),
        np.where(inside, studies_first(variance, mask.shape), 1.0),
        inside.astype(np.float64),
        leading,
    )


def refuse_few(mask: BoolArray, least: int) -> None:
    """Raise unless every set (over the last axis of `mask`) has `least` studies."""
    count = mask.sum(axis=-1)
    if (count < least).any():
        first = np.argwhere(np.atleast_1d(count < least))[0].tolist()
        place = f" in set {first}" if count.ndim else ""
        raise ValueError(
            f"At least {least} studies must enter, but {int(np.atleast_1d(count)[tuple(first)])} "
            f"do{place}. With fewer there is nothing to regress; report the studies themselves."
        )


def _mask(where: ArrayLike, shape: tuple[int, ...]) -> BoolArray:
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"`where` must be true/false, but got {mask.dtype}; for positions use a mask.")
    try:
        common: tuple[int, ...] = np.broadcast_shapes(mask.shape, shape)
    except ValueError:
        common = (0,)
    if common[-1] != shape[-1]:
        raise ValueError(f"`where` must broadcast to the studies {shape}, but has shape {mask.shape}.")
    return np.broadcast_to(mask, common)


def studies_first(values: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return values of shape (..., k) with the studies first and all sets in one axis: (k, m)."""
    spread = np.broadcast_to(np.asarray(values), shape)
    return np.ascontiguousarray(np.moveaxis(spread, -1, 0).reshape(shape[-1], -1))


def fit_line(y: FloatArray, x: FloatArray, weight: FloatArray) -> Line:
    """Fit y = intercept + slope x by weighted least squares.

    The predictor is centred at its weighted mean first: normal equations in raw sizes of studies would lose
    half of the digits.
    """
    total = weight.sum(axis=0)
    x_mean, y_mean = (weight * x).sum(axis=0) / total, (weight * y).sum(axis=0) / total
    centred = x - x_mean
    lever = weight * centred
    sum_squares = (lever * centred).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (lever * (y - y_mean)).sum(axis=0) / sum_squares
        residual = y - y_mean - slope * centred
        df = (weight > 0).sum(axis=0) - 2.0
        return Line(
            intercept=y_mean - slope * x_mean,
            slope=slope,
            intercept_variance=1 / total + x_mean**2 / sum_squares,
            slope_variance=1 / sum_squares,
            dispersion=(weight * residual**2).sum(axis=0) / df,
            df=df,
        )


def check_spread(y: FloatArray, x: FloatArray, weight: FloatArray, name: str, line: Line | None) -> None:
    """Refuse a predictor that does not vary, and (given the line) studies that lie exactly on it.

    Raises
    ------
    ValueError
        Names the predictor, its value and the first set.
    """
    inside = weight > 0
    low = np.where(inside, x, np.inf).min(axis=0)
    high = np.where(inside, x, -np.inf).max(axis=0)
    constant = high - low <= _CONSTANT * np.maximum(np.abs(low), np.abs(high))
    if constant.any():
        first = int(np.flatnonzero(constant)[0])
        raise ValueError(
            f"The predictor ({name}) must differ between studies, but is {high[first]:g} for all of them"
            f"{_set(first, constant.size)}. Without it small studies cannot be told from large ones; "
            "a predictor that differs (predictor=, n=) may be known."
        )
    if line is None:
        return
    scale = (weight * y**2).sum(axis=0)
    exact = line.dispersion * line.df <= _CONSTANT**2 * scale
    if exact.any():
        first = int(np.flatnonzero(exact)[0])
        raise ValueError(
            f"The effects must scatter about their line, but lie on it exactly{_set(first, exact.size)} "
            "(all equal effects do): there is no residual to judge the slope by. "
            "egger_test(model='mixed', ci='wald') needs none."
        )


def _set(position: int, size: int) -> str:
    return "" if size == 1 else f" (set {position}, counted flat)"
