"""Roots of many functions at once: interval limits that have no closed form.

A limit is where a statistic, as a function of the parameter, meets its quantile. Each method says what the
statistic is; what searches is here alone, so that every limit converges by the same rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

__all__ = ["find_root"]

_ITERATIONS = 200


def find_root(
    function: Callable[..., FloatArray],
    low: FloatArray,
    high: FloatArray,
    *arguments: FloatArray,
    what: str,
    tolerance: float = 1e-14,
) -> FloatArray:
    """Return where `function(x, *arguments)` changes sign between `low` and `high`, element by element.

    Chandrupatla's method: inverse quadratic steps where they are safe, halving where not; elements that have
    converged are not computed again.

    Parameters
    ----------
    function : callable
        Elementwise; called with one-dimensional arrays of the elements that are still open. Infinite values
        are fine, NaN is not.
    low, high : ndarray
        Ends of opposite sign (or 0), of shapes that broadcast with the arguments.
    *arguments : ndarray
        Further arguments of the function, of shapes that broadcast.
    what : str
        Named in the error ("the score limit of the odds ratio").
    tolerance : float, default 1e-14
        Relative to the root; 1e-300 absolute at 0.

    Raises
    ------
    ConvergenceError
        If the ends do not bracket a root or the tolerance is not met; names the first elements.

    References
    ----------
    Chandrupatla TR (1997). A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear
    function without using derivatives. Adv Eng Softw 28:145-149. (Citation not verified.)
    """
    arrays = np.broadcast_arrays(low, high, *arguments)
    shape = arrays[0].shape
    if arrays[0].size == 0:
        return np.zeros(shape)
    flat = [np.array(array, dtype=np.float64).ravel() for array in arrays]
    b, a = flat[0], flat[1]
    parts = flat[2:]
    root = np.empty(b.size)
    open_ = np.arange(b.size)
    with np.errstate(all="ignore"):
        fa, fb = function(a, *parts), function(b, *parts)
        bracketed = (np.sign(fa) * np.sign(fb) <= 0) & ~np.isnan(fa) & ~np.isnan(fb)
        if not bracketed.all():
            raise _not_found(what, "the ends do not lie on either side of it", np.flatnonzero(~bracketed))
        c, fc = a.copy(), fa.copy()
        step = np.full(b.size, 0.5)
        for _ in range(_ITERATIONS):
            x = a + step * (b - a)
            fx = function(x, *parts)
            same = np.sign(fx) == np.sign(fa)
            c, fc = np.where(same, a, b), np.where(same, fa, fb)
            b, fb = np.where(same, b, a), np.where(same, fb, fa)
            a, fa = x, fx
            nearer = np.abs(fa) < np.abs(fb)
            best = np.where(nearer, a, b)
            width = np.abs(b - a)
            reach = tolerance * np.abs(best) + 1e-300
            done = (width <= 2 * reach) | (np.where(nearer, fa, fb) == 0)
            if done.any():
                root[open_[done]] = best[done]
                keep = ~done
                if not keep.any():
                    return root.reshape(shape)
                open_, a, b, c, fa, fb, fc, width, reach = (
                    array[keep] for array in (open_, a, b, c, fa, fb, fc, width, reach)
                )
                parts = [part[keep] for part in parts]
            # Inverse quadratic interpolation where Chandrupatla's test allows it.
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            safe = (1 - np.sqrt(1 - xi) < phi) & (phi < np.sqrt(xi))
            proposal = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            step = np.where(safe & np.isfinite(proposal), proposal, 0.5)
            least = np.minimum(reach / width, 0.5)
            step = np.clip(step, least, 1 - least)
    raise _not_found(what, f"{_ITERATIONS} steps did not reach it", open_)


def _not_found(what: str, reason: str, elements: NDArray[np.intp]) -> ConvergenceError:
    listed = ", ".join(map(str, elements[:5])) + (" ..." if elements.size > 5 else "")
    return ConvergenceError(
        f"{what[0].upper()}{what[1:]} was not found for {elements.size} "
        f"table{'s' if elements.size != 1 else ''} (position {listed}, counted flat): {reason}."
    )
