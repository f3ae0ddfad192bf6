"""Likelihood of the three-level model, its highest maximum, and the profile of each variance component.

Rows are replicates, or points of the likelihood of one: everything is computed for all of them at once. The
effects are sorted by cluster; covariance matrices come from `block_covariance`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import ConvergenceError
from analysis.measures.methods.roots import find_root
from analysis.meta.methods.block_covariance import Blocks, Clusters

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Fit", "Model", "maximize", "profile_limits"]

_GRID = 8
_ITERATIONS = 200
# Entries of a work array; more rows than fit are taken in turns.
_ROOM = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """Effects and variances of shape (r, n), sorted by cluster.

    Parameters
    ----------
    design, basis : ndarray, shapes (n, p) and (p, p)
        Columns that the coefficients are fitted to, and what brings those coefficients back to the ones that
        were asked for: far columns such as years are fitted by orthogonal ones.
    free : tuple of bool
        Which of the components, between and within, are estimated; the others are 0.
    restricted : bool
        Whether the likelihood is the restricted one.
    """

    y: FloatArray
    v: FloatArray
    design: FloatArray
    basis: FloatArray
    clusters: Clusters
    correlation: float
    free: tuple[bool, bool]
    restricted: bool

    def rows(self, index: IntArray) -> Model:
        """Return some of the replicates."""
        return replace(self, y=self.y[index], v=self.v[index])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The model at one pair of variance components a row.

    Parameters
    ----------
    log_likelihood : ndarray, shape (r,)
        Restricted or not, as the model says; constants included.
    beta, covariance : ndarray, shapes (r, p) and (r, p, p)
        Coefficients of the design, and the inverse of X'V⁻¹X.
    solved, residual : ndarray, shapes (r, p, n) and (r, n)
        V⁻¹X as rows, and V⁻¹(y - Xb).
    blocks : Blocks
        The covariance matrix V.
    """

    log_likelihood: FloatArray
    beta: FloatArray
    covariance: FloatArray
    solved: FloatArray
    residual: FloatArray
    blocks: Blocks

    def coefficients(self, basis: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and covariance matrix in the terms of the model's `basis`."""
        return self.beta @ basis.T, basis @ self.covariance @ basis.T


def fit_at(model: Model, components: FloatArray) -> Fit:
    """Return the fit at variance components of shape (r, 2)."""
    blocks = Blocks.of(model.clusters, model.v, components[:, 0], components[:, 1], model.correlation)
    x = model.design.T
    rows, p = model.y.shape[0], x.shape[0]
    both = np.concatenate((np.broadcast_to(x, (rows, *x.shape)), model.y[:, None]), axis=1)
    solved = blocks.solve(both)
    gram = np.einsum("pn,rqn->rpq", x, solved)
    information = gram[:, :, :p]
    covariance = np.linalg.inv(information)
    beta = np.einsum("rpq,rq->rp", covariance, gram[:, :, p])
    residual = solved[:, p] - np.einsum("rp,rpn->rn", beta, solved[:, :p])
    # y'Py, as residuals against weighted residuals: free of cancellation.
    square = ((model.y - beta @ x) * residual).sum(axis=-1)
    log = -0.5 * (blocks.log_determinant + square)
    degrees = model.y.shape[1]
    if model.restricted:
        degrees -= p
        log += 0.5 * (np.linalg.slogdet(x @ x.T)[1] - np.linalg.slogdet(information)[1])
    return Fit(
        log_likelihood=log - 0.5 * degrees * np.log(2 * np.pi),
        beta=beta,
        covariance=covariance,
        solved=solved[:, :p],
        residual=residual,
        blocks=blocks,
    )


def _slopes(model: Model, fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Return the score (r, 2) and the average information (r, 2, 2) of the components."""
    clusters, blocks = model.clusters, fit.blocks
    ones = blocks.solve(np.ones((model.y.shape[0], 1, model.y.shape[1])))
    trace = np.stack((ones.sum(axis=(1, 2)), blocks.trace()), axis=-1)
    if model.restricted:
        by_cluster = clusters.sums(fit.solved)
        trace[:, 0] -= np.einsum("rpq,rpm,rqm->r", fit.covariance, by_cluster, by_cluster)
        trace[:, 1] -= np.einsum("rpq,rpn,rqn->r", fit.covariance, fit.solved, fit.solved)
    sums = clusters.sums(fit.residual)
    score = 0.5 * (np.stack(((sums**2).sum(-1), (fit.residual**2).sum(-1)), axis=-1) - trace)
    moved = np.stack((sums[:, clusters.index], fit.residual), axis=1)
    projected = blocks.solve(moved)
    along = np.einsum("rpn,rcn->rpc", fit.solved, moved)
    projected -= np.einsum("rpn,rpq,rqc->rcn", fit.solved, fit.covariance, along)
    return score, 0.5 * np.einsum("rcn,rdn->rcd", moved, projected)


def maximize(model: Model, fixed: FloatArray | None = None) -> FloatArray:
    """Return the components of the highest maximum, shape (r, 2).

    Parameters
    ----------
    fixed : ndarray, optional
        Values of shape (r, 2) for the components that are not free; 0 by default.

    Raises
    ------
    ConvergenceError
        If the score does not vanish, or points outward at 0; names the replicate.
    """
    rows = model.y.shape[0]
    held = np.zeros((rows, 2)) if fixed is None else fixed
    best = np.empty((rows, 2))
    if not any(model.free):
        return held
    points = (_GRID + 1) ** sum(model.free)
    turn = max(1, _ROOM // (points * model.y.shape[1] * (model.design.shape[1] + 2)))
    for start in range(0, rows, turn):
        index = np.arange(start, min(start + turn, rows))
        best[index] = _maximize(model.rows(index), held[index], start)
    return best


def _maximize(model: Model, held: FloatArray, first: int) -> FloatArray:
    rows = model.y.shape[0]
    grid = _starts(model, held)
    shape = grid.shape[1:3]
    points = grid.reshape(-1, 2)
    which = np.repeat(np.arange(rows), shape[0] * shape[1])
    log = np.empty(which.size)
    turn = max(1, _ROOM // (model.y.shape[1] * (model.design.shape[1] + 2)))
    for start in range(0, which.size, turn):
        part = slice(start, start + turn)
        log[part] = fit_at(model.rows(which[part]), points[part]).log_likelihood
    log = log.reshape(rows, *shape)
    # Every grid point that none of its neighbours exceeds is a start.
    padded = np.pad(log, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    peak = np.ones(log.shape, dtype=bool)
    for down in range(3):
        for across in range(3):
            peak &= log >= padded[:, down : down + shape[0], across : across + shape[1]]
    which, one, other = np.nonzero(peak)
    components, log = _climb(model.rows(which), grid[which, one, other], which + first)
    # The highest of each replicate; lexsort puts it last.
    order = np.lexsort((log, which))
    last = np.append(np.flatnonzero(np.diff(which[order])), which.size - 1)
    return np.asarray(components[order[last]])


def _starts(model: Model, held: FloatArray) -> FloatArray:
    """Return a grid of components, shape (r, g or 1, g or 1, 2): 0, and powers up to the largest possible."""
    y, v = model.y, model.v
    w = 1 / v
    mean = (w * y).sum(axis=-1, keepdims=True) / w.sum(axis=-1, keepdims=True)
    largest = 4 * ((y - mean) ** 2).max(axis=-1) + 1e-6 * v.min(axis=-1)
    smallest = np.minimum(1e-3 * np.median(v, axis=-1), 1e-2 * largest)
    powers = np.linspace(0, 1, _GRID)
    axis = smallest[:, None] * (largest / smallest)[:, None] ** powers
    axis = np.concatenate((np.zeros((y.shape[0], 1)), axis), axis=1)
    between = axis if model.free[0] else held[:, :1]
    within = axis if model.free[1] else held[:, 1:]
    grid = np.empty((y.shape[0], between.shape[1], within.shape[1], 2))
    grid[..., 0], grid[..., 1] = between[:, :, None], within[:, None, :]
    return grid


def _climb(model: Model, components: FloatArray, names: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the local maxima above the starts, and the log likelihoods there.

    Steps by the average information, of the components that are not held at 0 by the score, halved until the
    likelihood does not fall.
    """
    components = components.copy()
    free = np.array(model.free)
    log = np.empty(components.shape[0])
    open_ = np.arange(components.shape[0])
    part, here = model, components.copy()
    fit = fit_at(part, here)
    # The scale on which a component counts as 0, and its score as small.
    unit = 1e-3 * np.median(model.v, axis=-1)
    for _ in range(_ITERATIONS):
        score, information = _slopes(part, fit)
        moving = free & ((here > 0) | (score > 0))
        slack = np.abs(score) * np.maximum(here, unit[open_][:, None])
        done = (np.where(moving, slack, 0.0) < 1e-9 * np.sqrt(part.y.shape[1])).all(axis=-1)
        if done.any():
            components[open_[done]], log[open_[done]] = here[done], fit.log_likelihood[done]
            keep = np.flatnonzero(~done)
            if not keep.size:
                return components, log
            open_, part, here = open_[keep], part.rows(keep), here[keep]
            score, information, moving = score[keep], information[keep], moving[keep]
            fit = fit_at(part, here)
        step = _step(score, information, moving)
        # Where a step can gain no more than the rounding of the likelihood, the score alone decides.
        promising = np.abs(score * step).sum(axis=-1) > 1e-8 * (1 + np.abs(fit.log_likelihood))
        share = np.ones(open_.size)
        for _halving in range(40):
            proposal = np.maximum(here + share[:, None] * step, 0.0)
            following = fit_at(part, proposal)
            slip = 1e-13 * (1 + np.abs(fit.log_likelihood))
            worse = promising & (following.log_likelihood < fit.log_likelihood - slip)
            if not worse.any():
                break
            share[worse] /= 3
        here, fit = proposal, following
    raise ConvergenceError(
        f"The variance components did not converge for {open_.size} set{'s' if open_.size > 1 else ''} of "
        f"effects (position {names[open_[0]]} of the leading axes, counted flat). Look at their effects, "
        "variances and clusters, or estimate one component by variances=."
    )


def _step(score: FloatArray, information: FloatArray, moving: BoolArray) -> FloatArray:
    """Return the step of the moving components by their average information; 0 for the others."""
    a = np.where(moving[:, 0], information[:, 0, 0], 1.0)
    d = np.where(moving[:, 1], information[:, 1, 1], 1.0)
    b = np.where(moving.all(axis=-1), information[:, 0, 1], 0.0)
    g = np.where(moving, score, 0.0)
    # A ridge keeps the step finite where both components do the same.
    determinant = np.maximum(a * d - b**2, 1e-10 * a * d)
    step = np.stack((d * g[:, 0] - b * g[:, 1], a * g[:, 1] - b * g[:, 0]), axis=-1)
    return np.asarray(step / determinant[:, None])


def profile_limits(
    model: Model, components: FloatArray, which: int, drop: float
) -> tuple[FloatArray, FloatArray]:
    """Return where twice the profile of one component has fallen by `drop` on either side of its maximum.

    A lower limit is 0 where the profile does not fall so far; an upper limit is infinite likewise.
    """
    top = fit_at(model, components).log_likelihood
    others = (False, model.free[1]) if which == 0 else (model.free[0], False)
    inner = replace(model, free=others)
    rows = np.arange(components.shape[0])

    def fallen(value: FloatArray, row: FloatArray) -> FloatArray:
        index = row.astype(np.intp)
        part = inner.rows(index)
        fixed = np.zeros((value.size, 2))
        fixed[:, which] = value
        at = maximize(part, fixed)
        return np.asarray(2 * (top[index] - fit_at(part, at).log_likelihood) - drop)

    estimate = components[:, which]
    name = rows.astype(np.float64)
    low, high = np.zeros(rows.size), np.full(rows.size, np.inf)
    inside = (estimate > 0) & (fallen(np.zeros(rows.size), name) > 0)
    what = "the profile limit of a variance component"
    if inside.any():
        bottom = np.zeros(int(inside.sum()))
        low[inside] = find_root(fallen, bottom, estimate[inside], name[inside], what=what, tolerance=1e-10)
    reach = np.maximum(2 * estimate, 1e-3 * np.median(model.v, axis=-1))
    open_ = rows
    for _ in range(60):
        beyond = fallen(reach[open_], name[open_]) > 0
        open_ = open_[~beyond]
        if not open_.size:
            break
        reach[open_] *= 4
    found = np.setdiff1d(rows, open_)
    if found.size:
        high[found] = find_root(
            fallen, estimate[found], reach[found], name[found], what=what, tolerance=1e-10
        )
    return low, high
