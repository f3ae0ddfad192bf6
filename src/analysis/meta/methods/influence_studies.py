"""Which studies a diagnostic speaks of: one mask for all replicates, their names and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.meta.methods.sets_of_studies import SetsOfStudies
from analysis.values.arguments import as_numbers
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from analysis.values.arrays import BoolArray, FloatArray, IntArray

__all__ = ["Entering", "entering"]


class Entering(NamedTuple):
    """The studies that enter: their effects alone, names, and positions among all `total`."""

    effects: EffectSizes
    label: tuple[str, ...]
    study: IntArray
    total: int

    @property
    def effect(self) -> FloatArray:
        """Effects of shape (..., k)."""
        return np.atleast_1d(self.effects.effect)

    @property
    def variance(self) -> FloatArray:
        """Variances of shape (..., k)."""
        return np.atleast_1d(self.effects.variance)

    def repeated(self) -> EffectSizes:
        """Return the effects with an axis of length 1 before the studies, for masks to widen."""
        return EffectSizes(
            effect=self.effect[..., np.newaxis, :],
            variance=self.variance[..., np.newaxis, :],
            measure=self.effects.measure,
        )

    def weights(self, weights: ArrayLike | None) -> FloatArray | None:
        """Return given weights of the studies that enter, with the same axis before the studies."""
        if weights is None:
            return None
        array = np.atleast_1d(as_numbers("weights", weights))
        if array.shape[-1] == self.total:
            array = array[..., self.study]
        return array[..., np.newaxis, :]

    def all_but_one(self) -> BoolArray:
        """Return the mask (k, k) whose row i leaves out study i."""
        return ~np.eye(len(self.label), dtype=np.bool_)

    def sorted_by(self, order: ArrayLike | None) -> NDArray[np.intp]:
        """Return the positions of the studies that enter, the smallest value first."""
        if order is None:
            return np.arange(len(self.label))
        values = as_numbers("order", order)
        if values.shape != (self.total,):
            raise ValueError(
                f"`order` must be one number for each of {self.total} studies, but has shape {values.shape}."
            )
        values = values[self.study]
        fault = np.flatnonzero(~np.isfinite(values))
        if fault.size:
            raise ValueError(
                f"`order` must be finite, but is {values[fault[0]]:g} for {self.label[fault[0]]}. "
                "Leave that study out with where=."
            )
        return np.argsort(values, kind="stable")


def entering(effects: EffectSizes, where: ArrayLike | None, *, least: int, what: str) -> Entering:
    """Return the studies that enter; refuse fewer than `least`.

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes or `where` is not boolean.
    ValueError
        If `where` is not one mask of the studies, leaves fewer than `least`, or a study that enters has an
        effect that is not finite or a variance that is not greater than 0.
    """
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
    k = effect.shape[-1]
    study = np.arange(k)
    if where is not None:
        mask = np.asarray(where)
        if mask.dtype != np.bool_:
            raise TypeError(f"`where` must be true/false, but got {mask.dtype}; for positions use a mask.")
        if mask.shape != (k,):
            raise ValueError(
                f"`where` must be one mask of the {k} studies for {what}, but has shape {mask.shape}. "
                "Meta-analyses of different studies go one by one."
            )
        study = np.flatnonzero(mask)
    if study.size < least:
        raise ValueError(
            f"`effects` must hold at least {least} {'study' if least == 1 else 'studies'} for {what}, "
            f"but {study.size} enter{'s' if study.size == 1 else ''}."
        )
    names = effects.label if effects.label is not None else tuple(f"Study {i + 1}" for i in range(k))
    label = tuple(names[i] for i in study)
    if study.size < k:
        effect, variance = effect[..., study], variance[..., study]
    chosen = EffectSizes(effect=effect, variance=variance, measure=effects.measure, label=label)
    # What is wrong with a study is said here, before axes are added.
    SetsOfStudies(chosen, None).check()
    return Entering(chosen, label, study, k)
