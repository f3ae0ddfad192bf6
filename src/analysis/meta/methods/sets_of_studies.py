"""Effect sizes as the engine takes them: checked, studies first, in blocks that fit the cache."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.methods.weighted_model import Studies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["SetsOfStudies"]

# Elements of a block.
_BLOCK = 65_536


class SetsOfStudies:
    """Sets of studies, the leading axes of the effects and of the mask counted flat.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k).
    where : array_like of bool or None
        Studies that enter, of a shape that broadcasts with that of the effects to (..., k).

    Raises
    ------
    TypeError
        If `where` is not boolean.
    ValueError
        If `where` does not broadcast, a set has no study, or a study that enters has an effect that is not
        finite or a variance that is not greater than 0. Of many sets without a mask, the studies are checked
        block by block, when they are in the cache anyway.
    """

    def __init__(self, effects: EffectSizes, where: ArrayLike | None) -> None:
        effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
        self.k = effect.shape[-1]
        shape: tuple[int, ...] = effect.shape
        mask: BoolArray | None = None
        if where is not None:
            mask = np.asarray(where)
            if mask.dtype != np.bool_:
                raise TypeError(
                    f"`where` must be true/false, but got {mask.dtype}; for positions use a mask."
                )
            try:
                shape = np.broadcast_shapes(mask.shape, effect.shape)
            except ValueError:
                shape = (0,)
            if shape[-1] != self.k:
                raise ValueError(
                    f"`where` must broadcast to the studies {effect.shape}, but has shape {mask.shape}."
                )
        self.shape = shape[:-1]
        self.size = math.prod(self.shape)
        self.mask = None if mask is None else self._flat(mask)
        self.effect, self.variance = self._flat(effect), self._flat(variance)
        self._effects = effects
        self._only: Studies | None = None
        self.checked = mask is not None or effect.size <= _BLOCK
        if self.checked:
            self.check(mask)

    def _flat(self, array: Any) -> Any:  # noqa: ANN401 -- of numbers or of booleans
        """Return the array with one leading axis: of one row where all sets share it."""
        if array.size == self.k:
            return array.reshape(1, self.k)
        return np.broadcast_to(array, (*self.shape, self.k)).reshape(-1, self.k)

    def check(self, mask: BoolArray | None = None) -> None:
        """Raise unless every set has a study, and every study that enters a finite effect and a variance."""
        if mask is not None:
            empty = ~np.any(self.mask, axis=-1)
            if empty.any():
                index = np.unravel_index(
                    int(np.argmax(np.broadcast_to(empty, (self.size,)))), self.shape or (1,)
                )
                raise ValueError(
                    f"`where` must leave at least one study in every set, but leaves none in "
                    f"{[int(i) for i in index]}."
                )
        if _sound(self.effect, self.variance):
            return
        shape = (*self.shape, self.k)
        effect = np.broadcast_to(np.atleast_1d(self._effects.effect), shape)
        variance = np.broadcast_to(np.atleast_1d(self._effects.variance), shape)
        fault = ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
        if mask is not None:
            fault = fault & mask
        if fault.any():
            _refuse_study(self._effects, effect, variance, fault)

    def widened(self, shape: tuple[int, ...]) -> SetsOfStudies:
        """Return the same sets with more leading axes, which share their effects."""
        if shape == self.shape:
            return self
        wide = copy(self)
        vars(wide)["_only"] = None
        for name in ("effect", "variance", "mask"):
            array = getattr(self, name)
            if array is not None and array.shape[0] > 1:
                whole = np.broadcast_to(array.reshape(*self.shape, self.k), (*shape, self.k))
                setattr(wide, name, whole.reshape(-1, self.k))
        wide.shape, wide.size = shape, math.prod(shape)
        return wide

    @property
    def shared(self) -> bool:
        """Whether all sets have the same studies with the same effects."""
        arrays = (self.effect, self.variance, self.mask)
        return all(array is None or array.shape[0] == 1 for array in arrays)

    def counts(self) -> FloatArray:
        """Return the studies of every set, of shape (sets,)."""
        if self.mask is None:
            return np.full(self.size, float(self.k))
        counts = self.mask.sum(axis=-1).astype(np.float64)
        return np.array(np.broadcast_to(counts, (self.size,)))

    def rows(self, array: FloatArray | None, block: slice) -> FloatArray | None:
        """Return the part of an array (..., k) that belongs to a block, studies first; None for None."""
        if array is None:
            return None
        flat = self._flat(array)
        part = flat if flat.shape[0] == 1 else flat[block]
        return np.ascontiguousarray(part.T)

    def with_design(self, studies: Studies, columns: tuple[FloatArray, ...], block: slice) -> Studies:
        """Return a block of sets with its part of the columns of a design, each of shape (..., k)."""
        parts = []
        for column in columns:
            flat = self._flat(column)
            part = (flat if flat.shape[0] == 1 else flat[block]).T
            # What is outside of a set must not spoil its sums.
            parts.append(
                np.ascontiguousarray(part if self.mask is None else np.where(studies.inside, part, 0.0))
            )
        return studies._replace(design=tuple(parts))

    def blocks(self, elements: int = _BLOCK) -> Iterator[tuple[slice, Studies]]:
        """Yield the sets in blocks of about so many elements, with their positions."""
        step = max(1, elements // self.k)
        if self.size <= step:
            # One block is kept: what is computed when it is first read comes back to it.
            if self._only is None and self.size:
                self._only = self._block(slice(0, self.size))
                for array in self._only[:2]:
                    array.setflags(write=False)
            if self._only is not None:
                yield slice(0, self.size), self._only
            return
        for start in range(0, self.size, step):
            block = slice(start, min(start + step, self.size))
            yield block, self._block(block)

    def _block(self, block: slice) -> Studies:
        parts = []
        wide = (self.k, block.stop - block.start)
        inside = None
        if self.mask is not None:
            inside = (self.mask if self.mask.shape[0] == 1 else self.mask[block]).T
        for array, outside in ((self.effect, 0.0), (self.variance, np.inf)):
            part = array.T if array.shape[0] == 1 else array[block].T
            if inside is not None:
                # What is outside of a set must not spoil its sums.
                part = np.where(inside, part, outside)
            whole = part if part.shape == wide else np.broadcast_to(part, wide)
            parts.append(np.ascontiguousarray(whole))
        if not self.checked and not _sound(parts[0], parts[1]):
            self.check()
        return Studies(parts[0], parts[1], complete=inside is None)


def _sound(effect: FloatArray, variance: FloatArray) -> bool:
    """Tell whether effects are finite and variances greater than 0; a sum is finite where every number is."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.add.reduce(effect, axis=None) + np.add.reduce(variance, axis=None)
        return math.isfinite(total) and bool(np.minimum.reduce(variance, axis=None) > 0)


def _refuse_study(effects: EffectSizes, effect: FloatArray, variance: FloatArray, fault: BoolArray) -> None:
    index = tuple(int(i) for i in np.argwhere(fault)[0])
    name = f" ({effects.label[index[-1]]})" if effects.label else ""
    raise ValueError(
        f"Every study that enters must have a finite effect and a variance greater than 0, but at index "
        f"{index[0] if len(index) == 1 else index}{name} they are {effect[index]:g} and {variance[index]:g} "
        f"({int(fault.sum())} in all). Leave such studies out with where=, or give effect_sizes a correction."
    )
