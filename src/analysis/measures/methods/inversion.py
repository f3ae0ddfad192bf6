"""The P-value of an interval: the level at which its limit reaches the null value.

For intervals that are given by their limits alone and not by a test. Where a statistic or a tail is at hand,
the methods compute the P-value from it directly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.values.distributions import two_sided_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

__all__ = ["pvalue_of_interval"]

# Beyond this normal quantile a P-value is no longer a double precision number.
_END = 37.5


def pvalue_of_interval(excess: Callable[..., FloatArray], *arguments: FloatArray, what: str) -> FloatArray:
    """Return alpha such that the interval of level 1 - alpha touches the null value.

    Parameters
    ----------
    excess : callable
        `excess(z, *arguments)` tells how far the null value lies outside the interval of normal quantile z;
        negative inside it, and falling in z.
    *arguments : ndarray
        Handed to `excess`, of shapes that broadcast.
    what : str
        Named in the error.

    Returns
    -------
    ndarray
        1 where the null value is in every interval, 0 where it is in none of a P-value above 1e-307.

    Raises
    ------
    ConvergenceError
        If the level is not found.
    """
    arrays = np.broadcast_arrays(*arguments)
    parts = [np.array(array, dtype=np.float64).ravel() for array in arrays]
    pvalue = np.ones(parts[0].size)
    with np.errstate(all="ignore"):
        outside = excess(np.zeros(pvalue.size), *parts) > 0
        beyond = outside & (excess(np.full(pvalue.size, _END), *parts) > 0)
    pvalue[beyond] = 0.0
    between = outside & ~beyond
    if between.any():
        chosen = [part[between] for part in parts]
        z = find_root(excess, np.zeros(1), np.full(1, _END), *chosen, what=what)
        pvalue[between] = two_sided_normal(z)
    return pvalue.reshape(arrays[0].shape)
