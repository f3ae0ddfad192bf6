"""Checks of arguments, shared by every room, so that one rule has one wording.

Each function returns the checked value and raises `TypeError` or `ValueError` with the argument's name,
the rule, the value and, in an array, the first index that breaks the rule. Files are checked in `data`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = [
    "as_counts",
    "as_numbers",
    "as_positive",
    "as_probabilities",
    "broadcast",
    "check_choice",
    "check_confidence_level",
    "read_only",
]


def read_only(values: ArrayLike) -> FloatArray:
    """Return a float view of `values` that cannot be written to; the caller's own array stays as it was."""
    view = np.asarray(values, dtype=np.float64).view()
    view.setflags(write=False)
    return view


def as_numbers(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as floats, or say which entry is not a number. NaN and infinities pass."""
    array = np.asarray(values)
    if array.dtype.kind == "O":
        # Python integers beyond 64 bits and pandas' nullable columns arrive as objects.
        array = _from_objects(name, array)
    elif array.dtype.kind in "US":
        raise _text_among_numbers(name, array)
    elif array.dtype.kind not in "iuf":
        what = "true/false values" if array.dtype.kind == "b" else f"values of type {array.dtype}"
        first = array.ravel()[:1].tolist()
        raise TypeError(f"`{name}` must be numbers, but got {what}: {first[0] if first else ''!r}.")
    return array.astype(np.float64, copy=False)


def _from_objects(name: str, array: NDArray[np.object_]) -> FloatArray:
    converted = np.empty(array.shape, dtype=np.float64)
    for index in np.ndindex(array.shape):
        value = array[index]
        if isinstance(value, (str, bytes)):
            raise _text_among_numbers(name, array)
        if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__float__"):
            missing = value is None or type(value).__name__ in {"NAType", "NaTType"}
            raise TypeError(
                f"`{name}` must be numbers, but got {'a missing value' if missing else repr(value)}"
                f"{_at(index)}.{' Leave that row out, or fill it in.' if missing else ''}"
            )
        converted[index] = float(value)
    return converted


def _text_among_numbers(name: str, array: NDArray[Any]) -> TypeError:
    """Return the error that names the first text that is no number: one such entry makes a column text."""
    cells: list[Any] = array.ravel().tolist()
    texts = [number for number, cell in enumerate(cells) if isinstance(cell, (str, bytes))]
    wrong = next((number for number in texts if not _reads_as_number(cells[number])), None)
    if wrong is not None:
        at = _at(tuple(int(i) for i in np.unravel_index(wrong, array.shape)))
        column = " The other entries may look like numbers: one such entry makes the whole column text."
        return TypeError(
            f"`{name}` must be numbers, but got text: {cells[wrong]!r}{at} is not a number."
            f"{column if len(texts) > 1 else ''}"
        )
    if not texts:
        return TypeError(f"`{name}` must be numbers, but got text: ''.")
    at = _at(tuple(int(i) for i in np.unravel_index(texts[0], array.shape)))
    return TypeError(
        f"`{name}` must be numbers, but got text: {cells[texts[0]]!r}{at}. All of it "
        "reads as numbers: convert it first, for instance by pandas.to_numeric."
    )


def _reads_as_number(text: str | bytes) -> bool:
    # Python reads 1_000 as a number, tables do not.
    if (b"_" if isinstance(text, bytes) else "_") in text:  # type: ignore[operator]
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_counts(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as floats that are whole numbers of at least 0 (exact up to 2**53)."""
    array = as_numbers(name, values)
    _not_empty(name, array)
    # NaN and infinity fail the second comparison; one pass finds every kind of fault.
    fault = ~((array >= 0) & (np.floor(array) == array) & (array <= 2.0**53))
    if fault.any():
        _refuse(name, array, fault, "must be a whole number of at least 0")
    return array


def as_positive(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as finite floats greater than 0."""
    array = as_numbers(name, values)
    _not_empty(name, array)
    fault = ~((array > 0) & (array < np.inf))
    if fault.any():
        _refuse(name, array, fault, "must be a number greater than 0")
    return array


def as_probabilities(name: str, values: ArrayLike) -> FloatArray:
    """Return `values` as floats between 0 and 1, both included."""
    array = as_numbers(name, values)
    _not_empty(name, array)
    fault = ~((array >= 0) & (array <= 1))
    if fault.any():
        _refuse(name, array, fault, "must be between 0 and 1")
    return array


def check_confidence_level(confidence_level: float) -> float:
    """Return the level as a float in (0, 1)."""
    if isinstance(confidence_level, (bool, str)) or np.ndim(confidence_level):
        raise TypeError(f"`confidence_level` must be one number, but got {confidence_level!r}.")
    level = float(confidence_level)
    if not 0 < level < 1:
        hint = f" For {level:g} % write {level / 100:g}." if 1 < level < 100 else ""
        raise ValueError(f"`confidence_level` must be between 0 and 1, but got {confidence_level!r}.{hint}")
    return level


def check_choice(name: str, value: str, known: Iterable[str]) -> str:
    """Return `value` if it is one of `known`; otherwise list them, the nearest first."""
    choices = tuple(known)
    if value in choices:
        return value
    near = _nearest(str(value), choices)
    hint = f" Did you mean {near!r}?" if near else ""
    raise ValueError(f"`{name}` must be one of {', '.join(map(repr, choices))}, but got {value!r}.{hint}")


def _nearest(value: str, choices: tuple[str, ...]) -> str | None:
    """Return the choice most like `value`, case ignored; of several that differ in case only, the first."""
    by_lower_case: dict[str, str] = {}
    for choice in choices:
        by_lower_case.setdefault(choice.lower(), choice)
    near = get_close_matches(value.strip().lower(), by_lower_case, n=1, cutoff=0.5)
    return by_lower_case[near[0]] if near else None


def broadcast(**arrays: FloatArray) -> tuple[FloatArray, ...]:
    """Return the arrays broadcast to their common shape, read-only."""
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) == 1:
        return tuple(read_only(array) for array in arrays.values())
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        listed = ", ".join(f"`{name}` {array.shape}" for name, array in arrays.items())
        raise ValueError(f"The shapes must broadcast to one another, but got {listed}.") from None
    return tuple(np.broadcast_to(array, shape) for array in arrays.values())


def _not_empty(name: str, array: FloatArray) -> None:
    if array.size == 0:
        raise ValueError(f"`{name}` must hold at least one number, but is empty (shape {array.shape}).")


def _refuse(name: str, array: FloatArray, fault: BoolArray, rule: str) -> None:
    index = tuple(int(i) for i in np.argwhere(fault)[0])
    more = int(fault.sum()) - 1
    also = f" {more} more {'entry breaks' if more == 1 else 'entries break'} the rule." if more else ""
    raise ValueError(f"`{name}` {rule}, but got {array[index]:g}{_at(index)}.{also}")


def _at(index: tuple[int, ...]) -> str:
    if not index:
        return ""
    return f" at index {index[0] if len(index) == 1 else index}"
