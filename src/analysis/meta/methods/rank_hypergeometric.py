"""Mean and variance of a cell of a 2x2 table with its margins given, at one odds ratio, for many tables.

Fisher's noncentral hypergeometric law, from all of its terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["table_moments"]

# Terms a block: tables of similar width are computed together.
_BLOCK = 2_000_000


def table_moments(
    exposed_total: FloatArray, control_total: FloatArray, cases: FloatArray, odds_ratio: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return E and V of the exposed cases, of the shape of the arguments.

    The weight of x is C(n1, x) C(n0, m - x) OR^x, from max(0, m - n0) to min(n1, m); logarithms keep large
    tables from overflowing, and the variance is summed about the mean.
    """
    shape = exposed_total.shape
    n1, n0, m, log_ratio = (
        np.broadcast_to(array, shape).ravel()
        for array in (exposed_total, control_total, cases, np.log(odds_ratio))
    )
    low, high = np.maximum(0.0, m - n0), np.minimum(n1, m)
    mean, variance = np.empty(n1.size), np.empty(n1.size)
    order = np.argsort(high - low)
    start = 0
    while start < order.size:
        # Tables come by width: as many as fit beside the widest of them.
        stop = order.size
        while (stop - start) * (high - low)[order[stop - 1]] > _BLOCK and stop - start > 1:
            stop = start + (stop - start + 1) // 2
        part = order[start:stop]
        mean[part], variance[part] = _block(
            n1[part], n0[part], m[part], log_ratio[part], low[part], high[part]
        )
        start = stop
    return mean.reshape(shape), variance.reshape(shape)


def _block(
    n1: FloatArray, n0: FloatArray, m: FloatArray, log_ratio: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    steps = np.arange(int((high - low).max()) + 1.0)
    x = low[:, None] + steps
    inside = x <= high[:, None]
    # The weight of x + 1 over that of x; its logarithms add up to those of the weights.
    before = x[:, :-1]
    both = inside[:, 1:]
    upward = (n1[:, None] - before) * (m[:, None] - before)
    downward = (before + 1) * (n0[:, None] - m[:, None] + before + 1)
    log_weight = np.zeros_like(x)
    np.cumsum(
        np.log(np.where(both, upward / downward, 1.0)) + log_ratio[:, None], axis=1, out=log_weight[:, 1:]
    )
    log_weight = np.where(inside, log_weight, -np.inf)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight * x).sum(axis=1)
    return mean, (weight * (x - mean[:, None]) ** 2).sum(axis=1)
