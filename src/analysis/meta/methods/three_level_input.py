"""What goes into the three-level model, checked and sorted by cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.block_covariance import Clusters, check_correlation
from analysis.meta.methods.three_level import Model
from analysis.values.arguments import as_numbers, check_choice
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["design_matrix", "model_of", "orthogonal", "sorted_effects"]

VARIANCES = {"both": (True, True), "between": (True, False), "within": (False, True)}
_METHODS = ("REML", "ML")


def design_matrix(moderators: ArrayLike, effects: EffectSizes) -> FloatArray:
    """Return the intercept and the moderators as columns, or say what is wrong with them."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    columns = as_numbers("moderators", moderators)
    columns = columns[:, None] if columns.ndim == 1 else columns
    n = effects.shape[-1] if effects.shape else 1
    if columns.ndim != 2 or columns.shape[0] != n or columns.shape[1] == 0:
        raise ValueError(
            f"`moderators` must have one row for each of the {n} effects and one column a moderator, but has "
            f"shape {np.shape(moderators)}."
        )
    fault = ~np.isfinite(columns)
    if fault.any():
        row, column = (int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`moderators` must be finite, but is {columns[row, column]:g} at index {(row, column)}. "
            "Leave that effect out."
        )
    design = np.column_stack((np.ones(n), columns))
    # Columns of one length, so that years and shares are judged alike.
    length = np.sqrt((design**2).sum(axis=0))
    if (length == 0).any() or np.linalg.matrix_rank(design / length) < design.shape[1]:
        raise ValueError(
            "`moderators` must not be combinations of one another or of the intercept, but are: the design "
            f"has rank {np.linalg.matrix_rank(design / np.where(length > 0, length, 1))} and "
            f"{design.shape[1]} columns. Leave one out."
        )
    return design


def orthogonal(design: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return orthogonal columns of length √n, and the matrix that brings their coefficients back."""
    n, p = design.shape
    if p == 1:
        return design, np.eye(1)
    columns, triangle = np.linalg.qr(design)
    return columns * np.sqrt(n), np.linalg.inv(triangle) * np.sqrt(n)


def sorted_effects(effects: EffectSizes, cluster: ArrayLike) -> tuple[FloatArray, FloatArray, Clusters]:
    """Return effects and variances of shape (r, n), sorted by cluster."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
    fault = ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        name = f" ({effects.label[index[-1]]})" if effects.label else ""
        raise ValueError(
            "Every effect must be finite and have a variance greater than 0, but at index "
            f"{index[0] if len(index) == 1 else index}{name} they are {effect[index]:g} and "
            f"{variance[index]:g} ({int(fault.sum())} in all). Leave such effects out, or give effect_sizes "
            "a correction."
        )
    n = effect.shape[-1]
    clusters = Clusters.of(cluster, n)
    order = clusters.order
    return effect.reshape(-1, n)[:, order], variance.reshape(-1, n)[:, order], clusters


def model_of(
    effects: EffectSizes,
    cluster: ArrayLike,
    design: FloatArray | None,
    variances: str,
    sampling_correlation: float,
    method: str,
) -> Model:
    """Return the model, or say what of the input does not fit it."""
    check_choice("variances", variances, VARIANCES)
    check_choice("method", method, _METHODS)
    rho = check_correlation("sampling_correlation", sampling_correlation)
    y, v, clusters = sorted_effects(effects, cluster)
    n = y.shape[1]
    x, basis = orthogonal(np.ones((n, 1)) if design is None else design[clusters.order])
    if n <= x.shape[1]:
        raise ValueError(f"`effects` must hold more effects than coefficients ({x.shape[1]}), but holds {n}.")
    if clusters.count <= x.shape[1]:
        raise ValueError(
            f"`cluster` must name more clusters than there are coefficients ({x.shape[1]}), but names "
            f"{clusters.count}. With one cluster nothing can be said of the variance between clusters: use "
            "pool."
        )
    if variances == "both" and clusters.count == n:
        raise ValueError(
            "`cluster` must put two effects into one cluster at least, but every effect has its own: the "
            "variances between and within cannot be told apart. Use variances='within', or pool."
        )
    return Model(
        y=y,
        v=v,
        design=x,
        basis=basis,
        clusters=clusters,
        correlation=rho,
        free=VARIANCES[variances],
        restricted=method == "REML",
    )
