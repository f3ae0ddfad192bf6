"""What printed numbers allow: text is every number that rounds to it, a number is exact.

Values and limits come in as either and go out as middle, lowest and highest. The public functions are in
`std_error` and `confidence_level`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from analysis.values.arguments import as_numbers, broadcast
from analysis.values.reported import Reported, RoundingInterval
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

    # Numbers are taken as exact; text as what rounds to it.
    Printed: TypeAlias = ArrayLike | str | Reported | Sequence[str | Reported]
    Range: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]

__all__ = ["is_text", "on_scale", "printed_limits", "printed_range", "width_on_scale"]

# The lowest and highest value that is possible on the reporting scale.
_DOMAIN = {
    "identity": (-np.inf, np.inf),
    "log": (0.0, np.inf),
    "square-root": (0.0, np.inf),
    "logit": (0.0, 1.0),
    "arcsine": (0.0, 1.0),
}


def is_text(given: Any) -> bool:  # noqa: ANN401 -- whatever a caller puts there
    """Tell whether all that is given is printed text."""
    if isinstance(given, (str, Reported)):
        return True
    return isinstance(given, (list, tuple)) and bool(given) and all(is_text(part) for part in given)


def _reported(name: str, text: str | Reported) -> Reported:
    if isinstance(text, Reported):
        return text
    try:
        return Reported(text)
    except ValueError as error:
        raise ValueError(str(error).replace("`text`", f"`{name}`")) from None


def _stack(intervals: list[RoundingInterval], shape: tuple[int, ...]) -> Range:
    columns = ([getattr(interval, part) for interval in intervals] for part in ("middle", "low", "high"))
    value, low, high = (np.array(column, dtype=np.float64).reshape(shape) for column in columns)
    return value, low, high


def printed_range(name: str, given: Printed) -> Range:
    """Return the value and the ends of what rounds to it."""
    if not is_text(given):
        numbers = as_numbers(name, given)  # type: ignore[arg-type]
        return numbers, numbers, numbers
    array = np.asarray(given, dtype=object)
    return _stack([_reported(name, text).value for text in array.ravel()], array.shape)


def printed_limits(low: Printed, high: Printed | None) -> tuple[Range, Range, float | None]:
    """Return the two limits, and the level that is printed with them."""
    if high is not None:
        return printed_range("low", low), printed_range("high", high), None
    if not is_text(low):
        raise TypeError('`high` must be given, or a printed interval as text: "1.83 (1.58-2.11)".')
    array = np.asarray(low, dtype=object)
    parts = [_reported("low", text) for text in array.ravel()]
    levels = {part.confidence_level for part in parts}
    lows, highs = [part.low for part in parts if part.low], [part.high for part in parts if part.high]
    if len(lows) < len(parts):
        raise TypeError('`high` must be given, or a printed interval as text: "1.83 (1.58-2.11)".')
    if len(levels) > 1:
        raise ValueError("`low` must be intervals of one level; convert those of different levels apart.")
    return _stack(lows, array.shape), _stack(highs, array.shape), levels.pop()


def on_scale(name: str, part: Range, measure: str) -> Range:
    """Return values on the analysis scale, or refuse those outside the reporting scale."""
    scale = measure_of(measure).scale
    least, most = _DOMAIN[scale]
    outside = ~((part[2] >= least) & (part[1] <= most)) | (part[0] < least) | (part[0] > most)
    if outside.any():
        raise ValueError(
            f"`{name}` must be a value of measure {measure}, from {least:g} to {most:g}, but got "
            f"{float(part[0][outside].ravel()[0]):g}."
        )
    forward = scale_of(scale).forward
    value, low, high = (forward(np.clip(end, least, most)) for end in part)
    return value, low, high


def width_on_scale(lower: Range, upper: Range, measure: str) -> Range:
    """Return how far apart two limits are on the analysis scale."""
    first, last = on_scale("low", lower, measure), on_scale("high", upper, measure)
    value, narrow, wide = (
        np.subtract(*broadcast(high=a, low=b))
        for a, b in ((last[0], first[0]), (last[1], first[2]), (last[2], first[1]))
    )
    reversed_ = ~((wide > 0) & (value >= 0))
    if reversed_.any():
        raise ValueError("`low` must be below `high`. Limits in the wrong order have no standard error.")
    return value, np.maximum(narrow, 0.0), wide
