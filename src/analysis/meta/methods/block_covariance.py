"""Covariance matrices with one block a cluster, and what is solved with them in time linear in the effects.

A block is diag((1 - rho) v + s2_within) + s2_between 11' + rho √v √v': a diagonal and at most two outer
products, so Woodbury's identity needs sums over clusters and 2x2 matrices, and no block is ever formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import as_numbers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["Blocks", "Clusters", "check_correlation"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """Which effect belongs to which cluster, the effects sorted by cluster.

    Parameters
    ----------
    order : ndarray of int, shape (n,)
        Sorts the effects by cluster.
    index : ndarray of int, shape (n,)
        The cluster of each sorted effect.
    start : ndarray of int, shape (m,)
        Where each cluster begins.
    names : ndarray, shape (m,)
        The clusters in the order of their first effect.
    """

    order: IntArray
    index: IntArray
    start: IntArray
    names: NDArray[np.generic]

    @classmethod
    def of(cls, cluster: ArrayLike, effects: int) -> Clusters:
        """Read one label an effect: numbers or text, without missing values."""
        labels = np.asarray(cluster)
        if labels.ndim != 1 or labels.size != effects:
            raise ValueError(
                f"`cluster` must name the cluster of each of the {effects} effects, but has shape "
                f"{labels.shape}."
            )
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            place = int(np.flatnonzero(~np.isfinite(labels))[0])
            raise ValueError(f"`cluster` must not be missing, but is {labels[place]} at index {place}.")
        if labels.dtype.kind == "O":
            # Text and numbers side by side cannot be sorted; their text can.
            for place, label in enumerate(labels):
                if label is None or label != label:  # noqa: PLR0124 -- only NaN differs from itself
                    raise ValueError(f"`cluster` must not be missing, but is {label} at index {place}.")
            labels = labels.astype(str)
        found, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        by_appearance = np.argsort(first, kind="stable")
        rank = np.empty(found.size, dtype=np.intp)
        rank[by_appearance] = np.arange(found.size)
        own = rank[inverse]
        order = np.argsort(own, kind="stable")
        index = own[order]
        return cls(
            order=order,
            index=index,
            start=np.searchsorted(index, np.arange(found.size)),
            names=found[by_appearance],
        )

    @property
    def count(self) -> int:
        """How many clusters there are."""
        return self.start.size

    @property
    def sizes(self) -> IntArray:
        """Effects in each cluster."""
        return np.diff(np.append(self.start, self.index.size))

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sums over clusters along the last axis."""
        return np.asarray(np.add.reduceat(values, self.start, axis=-1))

    def unsorted(self, values: FloatArray) -> FloatArray:
        """Return values along the last axis in the order in which the effects came."""
        back = np.empty_like(values)
        back[..., self.order] = values
        return back


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """The inverse of one covariance matrix, or of one a row.

    Parameters
    ----------
    clusters : Clusters
        Of the sorted effects.
    weight : ndarray, shape (r, 1, n)
        Inverse of the diagonal part.
    root : ndarray or None, shape (r, 1, n)
        √v where sampling errors are correlated.
    m11, m12, m22 : ndarray, shape (r, 1, m)
        The 2x2 matrices of Woodbury's identity, one a cluster.
    log_determinant : ndarray, shape (r,)
        Of the covariance matrix.
    """

    clusters: Clusters
    weight: FloatArray
    root: FloatArray | None
    m11: FloatArray
    m12: FloatArray | None
    m22: FloatArray | None
    log_determinant: FloatArray

    @classmethod
    def of(
        cls,
        clusters: Clusters,
        variance: FloatArray,
        between: FloatArray,
        within: FloatArray,
        correlation: float,
    ) -> Blocks:
        """Build from sampling variances (r, n) and variance components (r,)."""
        diagonal = (1 - correlation) * variance + within[:, None]
        weight = (1 / diagonal)[:, None]
        b = between[:, None, None]
        g11 = clusters.sums(weight)
        log = np.log(diagonal).sum(axis=-1)
        if correlation == 0:
            a = 1 + b * g11
            return cls(
                clusters=clusters,
                weight=weight,
                root=None,
                m11=b / a,
                m12=None,
                m22=None,
                log_determinant=log + np.log(a).sum(axis=(1, 2)),
            )
        root = np.sqrt(variance)[:, None]
        g12, g22 = clusters.sums(weight * root), clusters.sums(weight * root**2)
        # g11 g22 - g12² as a sum of squares: large components would cancel it.
        distance = root - (g12 / g11)[..., clusters.index]
        # Written with the components as factors, so that a component of 0 needs no inverse.
        a = 1 + b * g11 + correlation * (g22 + b * g11 * clusters.sums(weight * distance**2))
        return cls(
            clusters=clusters,
            weight=weight,
            root=root,
            m11=b * (1 + correlation * g22) / a,
            m12=-b * correlation * g12 / a,
            m22=correlation * (1 + b * g11) / a,
            log_determinant=log + np.log(a).sum(axis=(1, 2)),
        )

    def solve(self, z: FloatArray) -> FloatArray:
        """Return the inverse times each row of `z`, shape (r, c, n)."""
        first = self.weight * z
        sums = self.clusters.sums(first)
        index = self.clusters.index
        if self.root is None or self.m12 is None or self.m22 is None:
            return np.asarray(first - self.weight * (self.m11 * sums)[..., index])
        second = self.clusters.sums(first * self.root)
        one = (self.m11 * sums + self.m12 * second)[..., index]
        other = (self.m12 * sums + self.m22 * second)[..., index]
        return np.asarray(first - self.weight * (one + self.root * other))

    def trace(self) -> FloatArray:
        """Return the trace of the inverse, shape (r,)."""
        index = self.clusters.index
        loss = self.m11[..., index]
        if self.root is not None and self.m12 is not None and self.m22 is not None:
            loss = loss + 2 * self.root * self.m12[..., index] + self.root**2 * self.m22[..., index]
        return np.asarray((self.weight - self.weight**2 * loss).sum(axis=(1, 2)))


def check_correlation(name: str, value: float) -> float:
    """Return a correlation of sampling errors as a float in [0, 1)."""
    if isinstance(value, (bool, str)) or np.ndim(value):
        raise TypeError(f"`{name}` must be one number, but got {value!r}.")
    number = float(as_numbers(name, value))
    if not 0 <= number < 1:
        raise ValueError(f"`{name}` must be at least 0 and less than 1, but got {value!r}.")
    return number
