"""The mean under weights that undo selection by a known ratio, with a standard error from the residuals.

Arrays in, arrays out, the last axis being studies; what the ratio means is said in `meta.affirmative`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.values.distributions import normal_quantile, t_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["critical_value", "ratio_at_limit", "weighted_mean"]

# Where the limit of an interval is looked for: ratios up to a million, the first crossing being refined.
_RATIOS = np.geomspace(1.0, 1e6, 481)


def critical_value(level: float, df: FloatArray) -> FloatArray:
    """Return the two-sided critical value of t, or of the normal where `df` is infinite."""
    finite = np.isfinite(df)
    t = t_quantile((1 + level) / 2, np.where(finite, df, 1.0))
    return np.where(finite, t, normal_quantile((1 + level) / 2))


def weighted_mean(
    y: FloatArray, v: FloatArray, weight: FloatArray, model: str, *, small_sample: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, standard error and degrees of freedom over the last axis."""
    total = weight.sum(axis=-1)
    share = weight / total[..., None]
    mean = (share * y).sum(axis=-1)
    k = y.shape[-1]
    if model == "common":
        std_error = np.sqrt((share**2 * v).sum(axis=-1))
        return mean, std_error, np.full(mean.shape, k - 1.0 if small_sample else np.inf)
    # As a sum of differences: y - mean would cancel for a study with nearly all of the weight.
    residual = (share[..., None, :] * (y[..., :, None] - y[..., None, :])).sum(axis=-1)
    if not small_sample:
        variance = (share**2 * residual**2).sum(axis=-1) * k / (k - 1)
        return mean, np.sqrt(variance), np.full(mean.shape, k - 1.0)
    # Sums over all other studies, added up from either side: 1 - h and its like would cancel where one study
    # carries nearly all of the weight.
    rest, rest2, rest_v = (_others(part) for part in (share, share**2, share**2 * v))
    adjusted = share**2 * v / (v * rest**2 + rest_v)
    variance = (adjusted * residual**2).sum(axis=-1)
    # Satterthwaite: tr(M)²/tr(M²) for M = P P', P = diag(√adjusted)(I - 1h').
    diagonal = rest2 + rest**2
    # Off the diagonal an error of rounding does no harm: a study with nearly all of the weight has a large
    # factor on the diagonal alone.
    cross = (share**2).sum(axis=-1)[..., None, None] - share[..., :, None] - share[..., None, :]
    cross = np.where(np.eye(k, dtype=bool), diagonal[..., None], cross)
    square = (adjusted[..., :, None] * adjusted[..., None, :] * cross**2).sum(axis=(-1, -2))
    trace = (adjusted * diagonal).sum(axis=-1)
    return mean, np.sqrt(variance), trace**2 / square


def _others(part: FloatArray) -> FloatArray:
    """Return at every place the sum over all other places of the last axis."""
    before = np.zeros_like(part)
    before[..., 1:] = np.cumsum(part, axis=-1)[..., :-1]
    after = np.zeros_like(part)
    after[..., :-1] = np.cumsum(part[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    return before + after


def ratio_at_limit(
    y: FloatArray,
    v: FloatArray,
    weight: FloatArray,
    affirmative: FloatArray,
    target: FloatArray,
    model: str,
    level: float,
    *,
    small_sample: bool,
) -> FloatArray:
    """Return the first ratio at which the lower limit falls to `target`, one a row; infinite if none does."""

    def above(ratio: FloatArray, row: FloatArray) -> FloatArray:
        which = row.astype(np.intp)
        weights = np.where(affirmative[which] > 0, 1.0, ratio[..., None]) * weight[which]
        mean, std_error, df = weighted_mean(y[which], v[which], weights, model, small_sample=small_sample)
        height: FloatArray = mean - critical_value(level, df) * std_error - target[which]
        return height

    rows = np.arange(target.size, dtype=np.float64)
    # One ratio at a time keeps the arrays small; the rows are the replicates.
    crossed = np.stack([above(np.full(rows.size, ratio), rows) for ratio in _RATIOS], axis=-1) <= 0
    first = crossed.argmax(axis=-1)
    found = np.where(crossed[:, 0], 1.0, np.inf)
    inside = np.flatnonzero(first > 0)
    if inside.size:
        low, high = _RATIOS[first[inside] - 1], _RATIOS[first[inside]]
        found[inside] = find_root(above, low, high, rows[inside], what="the S-value")
    return found
