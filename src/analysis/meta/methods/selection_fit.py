"""Fits of selection models: from several starts, the highest maximum that every replicate has.

The likelihood may have more than one maximum, and none at all where it keeps rising as a parameter runs away;
the second is an error and says which parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.methods.maximum_likelihood import covariance, maximise
from analysis.meta.methods.selection_likelihood import Intervals, Likelihood

if TYPE_CHECKING:
    from analysis.meta.methods.selection_likelihood import Smooth
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Bounds", "Fit", "fit_selection", "fit_without_selection"]

# A maximum this much below a climb that never ended is none.
_HIGHER = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Names, bounds and starting values of θ: shapes (d,), (d,) and (s, d)."""

    names: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray
    starts: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Parameters mu, tau2, θ of every replicate with covariance matrix and what was estimated: (r, n)."""

    point: FloatArray
    value: FloatArray
    covariance: FloatArray
    free: BoolArray


def fit_without_selection(y: FloatArray, v: FloatArray, tau2: float | None) -> Fit:
    """Return the maximum-likelihood fit of the normal model, shape (r, k)."""
    r, k = y.shape
    none = Intervals(low=np.array([-np.inf]), high=np.array([np.inf]), features=np.zeros((1, 0)))
    bounds = Bounds(names=(), lower=np.zeros(0), upper=np.zeros(0), starts=np.zeros((1, 0)))
    spread = ((y - y.mean(axis=-1, keepdims=True)) ** 2).mean(axis=-1)
    centre = ((y / v).sum(axis=-1) / (1 / v).sum(axis=-1), y.mean(axis=-1), y.mean(axis=-1), y.mean(axis=-1))
    first = np.stack(
        [np.stack([mu, s * spread], axis=-1) for mu, s in zip(centre, (0, 0.1, 1, 5), strict=True)]
    )
    return _fit(y, v, np.ones((r, k)), np.zeros((r, k, 0)), none, bounds, first, tau2)


def fit_selection(
    y: FloatArray,
    v: FloatArray,
    precision: FloatArray,
    features: FloatArray,
    weight: Intervals | Smooth,
    bounds: Bounds,
    tau2: float | None,
) -> tuple[Fit, Fit]:
    """Return the fits with and without selection of effects (r, k), the favoured direction being up."""
    plain = fit_without_selection(y, v, tau2)
    mu, between = plain.point[:, 0], plain.point[:, 1]
    spread = np.sqrt(between + (1 / v).mean(axis=-1) ** -1)
    first = np.stack(
        [
            np.stack([mu, between + 0.05 * spread**2], axis=-1),
            np.stack([mu - spread, 1.5 * between + 0.2 * spread**2], axis=-1),
            np.stack([mu / 2, 0.3 * between], axis=-1),
        ]
    )
    return _fit(y, v, precision, features, weight, bounds, first, tau2), plain


def _fit(
    y: FloatArray,
    v: FloatArray,
    precision: FloatArray,
    features: FloatArray,
    weight: Intervals | Smooth,
    bounds: Bounds,
    first: FloatArray,
    tau2: float | None,
) -> Fit:
    """Climb from every pair of `first` (a, r, 2) and start of θ (s, d); keep the highest of each."""
    a, r, _ = first.shape
    s, d = bounds.starts.shape
    start = np.empty((a, s, r, 2 + d))
    start[..., :2] = first[:, None]
    start[..., 2:] = bounds.starts[None, :, None, :]
    copies = a * s
    data = Likelihood(
        y=np.tile(y, (copies, 1)),
        v=np.tile(v, (copies, 1)),
        precision=np.tile(precision, (copies, 1)),
        features=np.tile(features, (copies, 1, 1)),
        weight=weight,
    )
    reach = np.ptp(y, axis=-1) + np.sqrt(v.max(axis=-1))
    lower, upper = np.empty((r, 2 + d)), np.empty((r, 2 + d))
    lower[:, 0], upper[:, 0] = y.min(axis=-1) - 20 * reach, y.max(axis=-1) + 20 * reach
    lower[:, 1], upper[:, 1] = (0.0, 100 * reach**2) if tau2 is None else (tau2, tau2)
    lower[:, 2:], upper[:, 2:] = bounds.lower, bounds.upper
    maximum = maximise(
        data, start.reshape(-1, 2 + d), np.tile(lower, (copies, 1)), np.tile(upper, (copies, 1))
    )
    matrix, exists = covariance(maximum)
    # A climb that ended at a bound which is only there to end it has run away.
    away = (maximum.point >= np.tile(upper, (copies, 1))) & np.tile(upper > lower, (copies, 1))
    floor = np.concatenate(([True, False], bounds.lower != 0)) & (lower < upper)
    away |= (maximum.point <= np.tile(lower, (copies, 1))) & np.tile(floor, (copies, 1))
    good = maximum.converged & exists & ~away.any(axis=-1)
    value = maximum.value.reshape(copies, r)
    best = np.where(good.reshape(copies, r), value, -np.inf)
    row = best.argmax(axis=0)
    highest = np.where(np.isfinite(value), value, -np.inf)
    lost = ~(best.max(axis=0) >= highest.max(axis=0) - _HIGHER)
    if lost.any():
        replicate = int(np.flatnonzero(lost)[0])
        runaway = int(highest[:, replicate].argmax()) * r + replicate
        raise _no_maximum(away[runaway], bounds.names, replicate, r)
    chosen = row * r + np.arange(r)
    return Fit(
        point=maximum.point[chosen],
        value=maximum.value[chosen],
        covariance=matrix[chosen],
        free=maximum.free[chosen],
    )


def _no_maximum(away: BoolArray, names: tuple[str, ...], replicate: int, replicates: int) -> ConvergenceError:
    every = ("the mean", "tau2", *names)
    listed = " and ".join(name for name, gone in zip(every, away, strict=True) if gone)
    where = f" in replicate {replicate} of the leading axes, counted flat" if replicates > 1 else ""
    why = (
        f"it still rises as {listed} run{'s' if away.sum() == 1 else ''} away"
        if listed
        else "no climb reached its top"
    )
    return ConvergenceError(
        f"The likelihood of the selection model has no maximum{where}: {why}. The studies do not settle how "
        "they were selected; use fewer steps, or fixed_weights= as a sensitivity analysis."
    )
