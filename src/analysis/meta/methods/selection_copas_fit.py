"""Fits of the Copas selection model at many (γ0, γ1) at once, each with its test of residual bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from analysis.errors import ConvergenceError
from analysis.meta.methods.maximum_likelihood import Maximum, covariance, maximise
from analysis.meta.methods.selection_copas_likelihood import CopasLikelihood
from analysis.values.distributions import chi2_tail

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["LARGEST_RHO", "CopasArrays", "default_ranges", "fit_copas"]

# A correlation of 1 would make V - A² = 0 at tau2 = 0.
LARGEST_RHO = 0.9999
# Probits of the publication of the least and the most precise study at the corner of strongest selection with
# the steepest slope: 0.40 and 0.85.
_LEAST, _MOST = -0.25, 1.04
_GAMMA0_HIGHEST = 2.0
# Beyond this probit every study is published as far as numbers can tell: an infinite γ0.
_ALL = 40.0


class CopasArrays(NamedTuple):
    """Arrays of shape (m,): see `meta.copas.CopasFit`."""

    mean: FloatArray
    std_error: FloatArray
    tau2: FloatArray
    rho: FloatArray
    publication_probability: FloatArray
    residual_pvalue: FloatArray
    unpublished: FloatArray
    log_likelihood: FloatArray


def default_ranges(s: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return ranges of γ0 and γ1 between nearly no selection and a publication of 0.40 to 0.85."""
    smallest, largest = float(s.min()), float(s.max())
    slope = (_MOST - _LEAST) / (1 / smallest - 1 / largest)
    return (_LEAST - slope / largest, _GAMMA0_HIGHEST), (0.0, slope)


def fit_copas(y: FloatArray, s: FloatArray, gamma0: FloatArray, gamma1: FloatArray) -> CopasArrays:
    """Fit at every pair of γ, shape (m,); large effects are the favoured ones, so that ρ is not negative."""
    u = np.minimum(gamma0[:, None], _ALL) + gamma1[:, None] / s
    spread = y.var() + (s**2).mean()
    base = [
        (y.mean(), share * y.var(), rho, 0.0)
        for share, rho in ((0.5, 0.3), (0.1, 0.9), (1.0, 0.9), (1.0, 0.05))
    ]
    first = _climb(y, s, u, np.array(base)[:, None] + np.zeros((1, u.shape[0], 1)), spread, slope=False)
    best = first.point
    centred = s - s.mean()
    tilt = ((y - y.mean()) * centred).sum() / (centred**2).sum()
    more = [best]
    for rho in (0.05, 0.9):
        start = best.copy()
        start[:, 2], start[:, 3] = rho, tilt
        start[:, 0] = y.mean() - tilt * s.mean()
        more.append(start)
    second = _climb(y, s, u, np.stack(more), spread, slope=True)
    matrix, exists = covariance(first)
    if not exists.all():
        raise _failed(gamma0, gamma1, ~exists)
    probability = special.ndtr(u)
    return CopasArrays(
        mean=first.point[:, 0],
        std_error=np.sqrt(matrix[:, 0, 0]),
        tau2=first.point[:, 1],
        rho=first.point[:, 2],
        publication_probability=probability[:, s.argmax()],
        residual_pvalue=chi2_tail(np.maximum(2 * (second.value - first.value), 0.0), 1),
        unpublished=(special.ndtr(-u) / probability).sum(axis=-1),
        log_likelihood=first.value,
    )


def _climb(
    y: FloatArray, s: FloatArray, u: FloatArray, starts: FloatArray, spread: float, *, slope: bool
) -> Maximum:
    """Return the highest maximum of every row of u over `starts`, shape (a, m, 4)."""
    a, m, _ = starts.shape
    reach = 20 * np.sqrt(spread)
    steepest = 20 * reach / np.ptp(s) if slope else 0.0
    # The mean at s = 0 may lie far outside where the slope is steep.
    wide = reach + steepest * s.max()
    lower = np.array([y.min() - wide, 0.0, 0.0, -steepest])
    upper = np.tile([y.max() + wide, 100 * spread, LARGEST_RHO, steepest], (m, 1))
    # Without selection the likelihood does not depend on ρ.
    upper[u.min(axis=-1) >= _ALL, 2] = 0.0
    found = maximise(
        CopasLikelihood(y=y, s=s, u=np.tile(u, (a, 1))),
        starts.reshape(-1, 4),
        np.tile(lower, (a * m, 1)),
        np.tile(upper, (a, 1)),
    )
    value = np.where(found.converged, found.value, -np.inf).reshape(a, m)
    row = value.argmax(axis=0) * m + np.arange(m)
    lost = ~np.isfinite(value.max(axis=0))
    if lost.any():
        raise ConvergenceError(
            f"The Copas model did not converge at {int(lost.sum())} of {m} points of (γ0, γ1), first at "
            f"position {int(lost.argmax())} counted flat. Leave out a study that stands alone, or narrow "
            "gamma0= and gamma1=."
        )
    return Maximum(
        point=found.point[row],
        value=found.value[row],
        gradient=found.gradient[row],
        curvature=found.curvature[row],
        free=found.free[row],
        converged=found.converged[row],
    )


def _failed(gamma0: FloatArray, gamma1: FloatArray, fault: BoolArray) -> ConvergenceError:
    first = int(fault.argmax())
    return ConvergenceError(
        f"The Copas model has a flat likelihood at γ0 = {gamma0[first]:g}, γ1 = {gamma1[first]:g}. "
        "Narrow gamma0= and gamma1=."
    )
