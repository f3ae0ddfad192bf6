"""Kendall's rank correlation, for many sets of studies at once, with its exact distribution without ties.

Arrays are studies last here, shape (m, k), because every pair of studies is compared.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.values.distributions import two_sided_normal

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["Kendall", "exact_pvalue", "kendall", "normal_pvalue"]

# Pairs a block, so that the arrays of one block stay within a few tens of megabytes.
_BLOCK = 2_000_000


class Kendall(NamedTuple):
    """Concordant minus discordant pairs, its variance under independence, tau-b; shape (m,)."""

    score: FloatArray
    variance: FloatArray
    tau: FloatArray
    n: FloatArray
    tied: BoolArray


def kendall(x: FloatArray, y: FloatArray, inside: BoolArray) -> Kendall:
    """Correlate the ranks of x and y over the last axis, of the studies that are inside.

    Notes
    -----
    The variance is that with ties in both (Kendall): with t the sizes of the ties of x and u those of y,
    (n(n - 1)(2n + 5) - Σt(t - 1)(2t + 5) - Σu(u - 1)(2u + 5))/18 + Σt(t - 1)Σu(u - 1)/(2n(n - 1)) +
    Σt(t - 1)(t - 2)Σu(u - 1)(u - 2)/(9n(n - 1)(n - 2)).
    """
    sets, k = x.shape
    step = max(1, _BLOCK // (k * k))
    parts = [
        _kendall(x[start : start + step], y[start : start + step], inside[start : start + step])
        for start in range(0, sets, step)
    ]
    return Kendall(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _kendall(x: FloatArray, y: FloatArray, inside: BoolArray) -> Kendall:
    pairs = (inside[:, :, None] & inside[:, None, :]).astype(np.float64)
    first = np.sign(x[:, :, None] - x[:, None, :]) * pairs
    second = np.sign(y[:, :, None] - y[:, None, :]) * pairs
    score = (first * second).sum(axis=(1, 2)) / 2
    n = inside.sum(axis=1).astype(np.float64)
    x_two, x_three, x_five = _ties((first == 0) & (pairs > 0), inside)
    y_two, y_three, y_five = _ties((second == 0) & (pairs > 0), inside)
    all_pairs = n * (n - 1)
    variance = (all_pairs * (2 * n + 5) - x_five - y_five) / 18 + x_two * y_two / (2 * all_pairs)
    # With two studies the last term is 0/0; there are no ties of three among them.
    variance = variance + x_three * y_three / np.where(n > 2, 9 * all_pairs * (n - 2), 1.0)
    untied = np.sqrt((all_pairs - x_two) * (all_pairs - y_two))
    tau = 2 * score / np.where(untied > 0, untied, 1.0)
    return Kendall(score, variance, tau, n, (x_two > 0) | (y_two > 0))


def _ties(same: BoolArray, inside: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Σt(t - 1), Σt(t - 1)(t - 2) and Σt(t - 1)(2t + 5) over the groups of tied studies.

    A study in a group of t counts (t - 1) for the group's t(t - 1), and so on: no group need be found.
    """
    size = np.where(inside, same.sum(axis=2), 1).astype(np.float64)
    less = size - 1
    return (
        less.sum(axis=1),
        (less * (size - 2)).sum(axis=1),
        (less * (2 * size + 5)).sum(axis=1),
    )


def normal_pvalue(score: FloatArray, variance: FloatArray, *, continuity: bool) -> FloatArray:
    """Return the two-sided P-value of the normal approximation."""
    shrunk = np.maximum(np.abs(score) - 1, 0.0) if continuity else score
    return two_sided_normal(shrunk / np.sqrt(variance))


def exact_pvalue(score: FloatArray, n: FloatArray) -> FloatArray:
    """Return twice the smaller exact tail, at most 1, where there are no ties."""
    pvalue = np.empty(score.shape)
    for size in np.unique(n):
        chosen = n == size
        lower = _lower_tail(int(size))
        most = lower.size - 1
        concordant = np.rint((score[chosen] + most) / 2).astype(np.intp)
        # Both tails by the lower one: the upper would lose its digits as 1 - p.
        pvalue[chosen] = np.minimum(1.0, 2 * lower[np.minimum(concordant, most - concordant)])
    return pvalue


@cache
def _lower_tail(n: int) -> FloatArray:
    """Return P(concordant pairs <= j), j = 0, ..., n(n - 1)/2, when all orders are equally likely."""
    # The i-th study is concordant with 0, ..., i - 1 of those before it, each with probability 1/i.
    law = np.ones(1)
    for i in range(2, n + 1):
        padded = np.concatenate((law, np.zeros(i - 1)))
        running = np.cumsum(padded)
        running[i:] -= np.cumsum(padded)[:-i]
        # The rising half keeps its digits in these differences; the falling half is its mirror image.
        rising = running[: (running.size + 1) // 2] / i
        law = np.concatenate((rising, rising[: running.size // 2][::-1]))
    tail = np.minimum(np.cumsum(law), 1.0)
    tail.flags.writeable = False
    return tail
