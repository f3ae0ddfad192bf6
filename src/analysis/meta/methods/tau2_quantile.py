"""Between-study variance at which a quadratic form meets a value: Paule and Mandel's family, and intervals.

Q(tau2) = Σ w (y - fitted)², w = 1/(v + tau2), falls in tau2 and is convex, so that Newton's steps from the
left of a root never pass it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.not_converged import not_converged
from analysis.meta.methods.weighted_chi2 import quadratic_form_cdf
from analysis.meta.methods.weighted_model import Studies, fit
from analysis.values.distributions import chi2_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "generalised_median",
    "generalised_q",
    "paule_mandel",
    "paule_mandel_median",
    "solve_form",
    "solve_q",
]

_ITERATIONS = 200


def paule_mandel(studies: Studies, first: int = 0) -> FloatArray:
    """Return the tau2 at which Q is its expectation, the residual degrees of freedom."""
    return solve_q(studies, studies.residual_df(), first)


def paule_mandel_median(studies: Studies, first: int = 0) -> FloatArray:
    """Return the tau2 at which Q is its median."""
    return solve_q(studies, chi2_quantile(0.5, studies.residual_df()), first)


def generalised_q(studies: Studies, tau2: FloatArray) -> FloatArray:
    """Return Q(tau2)."""
    fitted = fit(studies, 1 / (studies.variance + tau2))
    q: FloatArray = (fitted.weight * fitted.residual**2).sum(axis=0)
    return q


def solve_q(studies: Studies, target: FloatArray, first: int = 0) -> FloatArray:
    """Return the tau2 >= 0 at which Q(tau2) is `target`, 0 where Q(0) is not above it.

    Parameters
    ----------
    studies : Studies
        m sets.
    target : ndarray, shape (m,)
        Greater than 0.
    first : int
        Position of the first set, for the error.
    """
    sets = studies.effect.shape[1]
    root, open_ = np.zeros(sets), np.arange(sets)
    part, wanted, tau2 = studies, np.broadcast_to(target, (sets,)), np.zeros(sets)
    for _ in range(_ITERATIONS):
        fitted = fit(part, 1 / (part.variance + tau2))
        weighted = fitted.weight * fitted.residual
        q = (weighted * fitted.residual).sum(axis=0)
        slope = (weighted * weighted).sum(axis=0)  # -dQ/dtau2
        # Newton on 1/Q, which is concave and nearly straight: its steps end quickly from far away, and one
        # that passes the root is followed by one from the other side. The root is bracketed by 0 alone.
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.where(q > 0, (q - wanted) * q / (slope * wanted), 0.0)
        following = np.maximum(tau2 + step, 0.0)
        # Of quadratic convergence the next step would be below the last digit.
        done = (np.abs(following - tau2) <= 1e-8 * following) | (np.abs(q - wanted) <= 1e-15 * wanted)
        tau2 = following
        if done.any():
            root[open_[done]] = tau2[done]
            keep = ~done
            if not keep.any():
                return root
            open_, tau2, wanted, part = open_[keep], tau2[keep], wanted[keep], part.take(keep)
    raise not_converged("Paule and Mandel's equation", open_ + first)


def generalised_median(studies: Studies, weight: FloatArray) -> FloatArray:
    """Return the tau2 at which a quadratic form with the given weights is its median."""
    return solve_form(studies, weight, np.full(studies.effect.shape[1], 0.5))


def solve_form(studies: Studies, weight: FloatArray, probability: FloatArray) -> FloatArray:
    """Return the tau2 >= 0 at which P(form <= observed) is `probability`; 0 where it is already less at 0.

    The form is Σ a (y - mean)² with weights a of shape (k, m), 0 outside of the sets, for models that are a
    mean.
    """
    fitted = fit(studies, weight)
    observed = (weight * fitted.residual**2).sum(axis=0)
    variance = studies.finite_variance()
    inside = studies.inside
    wanted = np.broadcast_to(probability, observed.shape)

    def excess(tau2: FloatArray, rows: FloatArray) -> FloatArray:
        index = rows.astype(np.intp)
        total = np.where(inside[:, index], variance[:, index] + tau2, 0.0)
        return quadratic_form_cdf(observed[index], weight[:, index], total) - wanted[index]

    result = np.zeros(observed.size)
    rows = np.flatnonzero(excess(result, np.arange(observed.size, dtype=np.float64)) > 0)
    if not rows.size:
        return result
    index = rows.astype(np.float64)
    largest = (inside * fitted.residual**2).sum(axis=0)[rows] + np.nanmax(variance, axis=0)[rows]
    above = excess(largest, index) > 0
    while above.any():
        largest[above] *= 4
        above[above] = excess(largest[above], index[above]) > 0
    result[rows] = find_root(
        excess, np.zeros(rows.size), largest, index, what="the limit of tau2", tolerance=1e-12
    )
    return result
