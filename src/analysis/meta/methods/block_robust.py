"""The sandwich estimator with one block a cluster, its small-sample forms and degrees of freedom.

Clusters of one size are stacked and treated together; pairs of clusters never are, because what couples them
has the rank of the design. Rows are replicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analysis.meta.methods.block_covariance import Clusters
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["KINDS", "Working", "sandwich"]

KINDS = ("CR2", "CR1", "CR0")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Working:
    """The covariance matrix that weights or the small-sample forms rest on, for sorted effects.

    Parameters
    ----------
    diagonal : ndarray, shape (r, n)
        Of the independent part.
    common : ndarray, shape (r,)
        Variance that all effects of a cluster share.
    root : ndarray, shape (r, n)
        What is multiplied crosswise for correlated sampling errors; 0 without.
    """

    diagonal: FloatArray
    common: FloatArray
    root: FloatArray

    def blocks(self, members: IntArray) -> FloatArray:
        """Return the blocks of the clusters with these members, shape (r, c, s, s)."""
        root = self.root[:, members]
        dense = root[..., :, None] * root[..., None, :] + self.common[:, None, None, None]
        place = np.arange(members.shape[1])
        dense[..., place, place] += self.diagonal[:, members]
        return dense


def sandwich(
    design: FloatArray,
    residual: FloatArray,
    clusters: Clusters,
    *,
    weight: Working | FloatArray,
    working: Working,
    kind: str,
    contrasts: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return covariance matrix (r, p, p) and Satterthwaite's degrees of freedom (r, p) of the coefficients.

    Parameters
    ----------
    design, residual : ndarray, shapes (n, p) and (r, n)
        Sorted by cluster.
    weight : Working or ndarray
        The covariance matrix whose inverse weights, or weights themselves, shape (r, n).
    working : Working
        The covariance matrix under which CR2 is unbiased and degrees of freedom are computed.
    kind : str
        One of `KINDS`.
    contrasts : ndarray, shape (p, p)
        Rows c: what is reported is c'b for the coefficients b of the design.

    Notes
    -----
    With M = (X'WX)⁻¹ and Q = X'WΦWX, the residuals have covariance, for clusters j and l, R = [j = l] Φ_j -
    X_j M X_l'W_lΦ_l - Φ_jW_jX_j M X_l' + X_j MQM X_l'. CR2 takes the A_j for which A_j R_jj A_j' = Φ_j:
    A_j = D'B^(-1/2)D, B = D R_jj D', Φ_j = D'D. With a_j = A_j'W_jX_jM c, the variance of c'b is Σ(a_j'e_j)²,
    and its degrees of freedom are (Σ P_jj)²/Σ P_jl², P_jl = a_j'R_jl a_l.
    """
    p = design.shape[1]
    parts = [
        (design[members], residual[:, members], _weights(weight, members), working.blocks(members))
        for members in _by_size(clusters)
    ]
    information: FloatArray = sum(np.einsum("csp,rcst,ctq->rpq", x, w, x) for x, _, w, _ in parts)
    middle: FloatArray = sum(
        np.einsum("csp,rcst,rctu,rcuv,cvq->rpq", x, w, f, w, x, optimize=True) for x, _, w, f in parts
    )
    bread = np.linalg.inv(information)
    spread = bread @ middle @ bread

    rows = residual.shape[0]
    covariance: FloatArray = np.zeros((rows, p, p))
    trace, own = np.zeros((rows, p)), np.zeros((rows, p))
    coupled = np.zeros((rows, p, 2 * p, 2 * p))
    kernel = np.zeros((rows, 2 * p, 2 * p))
    kernel[:, :p, :p], kernel[:, :p, p:], kernel[:, p:, :p] = spread, -bread, -bread
    for x, e, w, f in parts:
        along = np.einsum("rcst,ctp->rcsp", w, x)
        a = along @ (bread @ contrasts.T)[:, None]
        if kind == "CR2":
            lift = np.einsum("rcst,rctp->rcsp", f, along) @ bread[:, None]
            cross = np.einsum("rcsp,ctp->rcst", lift, x)
            outer = np.einsum("csp,rpq,ctq->rcst", x, spread, x, optimize=True)
            a = np.swapaxes(_adjustment(f, f - cross - np.swapaxes(cross, -1, -2) + outer), -1, -2) @ a
        score = np.einsum("rcs,rcsp->rcp", e, a)
        covariance += np.einsum("rcp,rcq->rpq", score, score)
        moved = np.einsum("rcst,rctp->rcsp", f, a)
        alone = np.einsum("rcsp,rcsp->rcp", a, moved)
        u = np.einsum("csq,rcsp->rcpq", x, a)
        t = np.einsum("rcsq,rcsp->rcpq", along, moved)
        z = np.concatenate((u, t), axis=-1)
        shared = np.einsum("rcpk,rkl,rcpl->rcp", z, kernel, z, optimize=True)
        trace += (alone + shared).sum(axis=1)
        own += ((alone + shared) ** 2 - shared**2).sum(axis=1)
        coupled += np.einsum("rcpk,rcpl->rpkl", z, z)
    product = kernel[:, None] @ coupled
    total = own + np.einsum("rpkl,rplk->rp", product, product)
    if kind == "CR1":
        covariance *= clusters.count / (clusters.count - p)
    return covariance, np.asarray(trace**2 / total)


def _by_size(clusters: Clusters) -> Iterator[IntArray]:
    """Yield the positions of the effects of all clusters of one size, shape (c, s)."""
    sizes = clusters.sizes
    for size in np.unique(sizes):
        yield clusters.start[sizes == size][:, None] + np.arange(size)


def _weights(weight: Working | FloatArray, members: IntArray) -> FloatArray:
    if isinstance(weight, Working):
        return np.asarray(np.linalg.inv(weight.blocks(members)), dtype=np.float64)
    rows, (count, size) = weight.shape[0], members.shape
    dense = np.zeros((rows, count, size, size))
    place = np.arange(size)
    dense[..., place, place] = weight[:, members]
    return dense


def _adjustment(working: FloatArray, residual: FloatArray) -> FloatArray:
    """Return A = D'B^(-1/2)D; directions in which the residuals cannot vary are left out."""
    lower = np.linalg.cholesky(working)
    upper = np.swapaxes(lower, -1, -2)
    value, vector = np.linalg.eigh(upper @ residual @ lower)
    small = value <= 1e-10 * np.maximum(value.max(axis=-1, keepdims=True), 1e-300)
    # A cluster that alone determines a coefficient has residuals of 0 there.
    inverse_root = np.where(small, 0.0, 1 / np.sqrt(np.where(small, 1.0, value)))
    half = lower @ vector
    return np.asarray((half * inverse_root[..., None, :]) @ np.swapaxes(half, -1, -2))
