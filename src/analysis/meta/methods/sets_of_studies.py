"""Effect sizes as the engine takes them: checked, studies first, in blocks that fit the cache."""

from __future__ import annotations

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
        finite or a variance that is not greater than 0.
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
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.mask = None if mask is None else self._flat(mask)
        self.effect, self.variance = self._flat(effect), self._flat(variance)
        self._check(effects, effect, variance, mask, shape)

    def _flat(self, array: Any) -> Any:  # noqa: ANN401 -- of numbers or of booleans
        """Return the array with one leading axis: of one row where all sets share it."""
        if array.size == self.k:
            return array.reshape(1, self.k)
        return np.broadcast_to(array, (*self.shape, self.k)).reshape(-1, self.k)

    def _check(
        self,
        effects: EffectSizes,
        effect: FloatArray,
        variance: FloatArray,
        mask: BoolArray | None,
        shape: tuple[int, ...],
    ) -> None:
        if mask is not None:
            empty = ~self.mask.any(axis=-1)  # type: ignore[union-attr]
            if empty.any():
                index = np.unravel_index(
                    int(np.argmax(np.broadcast_to(empty, (self.size,)))), self.shape or (1,)
                )
                raise ValueError(
                    f"`where` must leave at least one study in every set, but leaves none in "
                    f"{[int(i) for i in index]}."
                )
        # A sum is finite where every number is; only what fails this is looked at one by one.
        with np.errstate(over="ignore", invalid="ignore"):
            sound = np.isfinite(effect.sum() + variance.sum()) and variance.min() > 0
        if sound:
            return
        fault = ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
        if mask is not None:
            fault = np.broadcast_to(fault, shape) & mask
        if fault.any():
            _refuse_study(effects, np.broadcast_to(effect, shape), np.broadcast_to(variance, shape), fault)

    def widened(self, shape: tuple[int, ...]) -> SetsOfStudies:
        """Return the same sets with more leading axes, which share their effects."""
        if shape == self.shape:
            return self
        wide = copy(self)
        for name in ("effect", "variance", "mask"):
            array = getattr(self, name)
            if array is not None and array.shape[0] > 1:
                whole = np.broadcast_to(array.reshape(*self.shape, self.k), (*shape, self.k))
                setattr(wide, name, whole.reshape(-1, self.k))
        wide.shape, wide.size = shape, int(np.prod(shape, dtype=np.int64))
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
        return Studies(parts[0], parts[1], complete=inside is None)


def _refuse_study(effects: EffectSizes, effect: FloatArray, variance: FloatArray, fault: BoolArray) -> None:
    index = tuple(int(i) for i in np.argwhere(fault)[0])
    name = f" ({effects.label[index[-1]]})" if effects.label else ""
    raise ValueError(
        f"Every study that enters must have a finite effect and a variance greater than 0, but at index "
        f"{index[0] if len(index) == 1 else index}{name} they are {effect[index]:g} and {variance[index]:g} "
        f"({int(fault.sum())} in all). Leave such studies out with where=, or give effect_sizes a correction."
    )
