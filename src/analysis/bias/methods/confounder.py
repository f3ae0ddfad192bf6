"""What an unmeasured confounder with known prevalences and effect does to risks, rates and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.methods.cells import Cells
from analysis.values.arguments import as_numbers, as_positive, as_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["Confounder", "confounder_of", "stratified", "without_confounding"]


class Confounder(NamedTuple):
    """Levels of a confounder along the first axis, the reference level first.

    `effect` holds ratios (1 for the reference) or differences (0), the prevalences sum to 1.
    """

    effect: FloatArray
    exposed: FloatArray
    control: FloatArray
    ratio: bool

    @property
    def exposed_mean(self) -> FloatArray:
        """Mean effect over the levels of the exposed."""
        return np.asarray((self.effect * self.exposed).sum(axis=0))

    @property
    def control_mean(self) -> FloatArray:
        """Mean effect over the levels of the controls."""
        return np.asarray((self.effect * self.control).sum(axis=0))

    @property
    def bias(self) -> FloatArray:
        """Bias factor of a ratio, or what is added to a difference."""
        if self.ratio:
            return self.exposed_mean / self.control_mean
        return self.exposed_mean - self.control_mean


def confounder_of(
    effect: ArrayLike | Sequence[ArrayLike],
    exposed_prevalence: ArrayLike | Sequence[ArrayLike],
    control_prevalence: ArrayLike | Sequence[ArrayLike],
    *,
    ratio: bool,
    name: str = "confounder_effect",
) -> Confounder:
    """Check the parameters; a tuple gives one entry a level beyond the reference.

    Raises
    ------
    ValueError
        If prevalences are outside [0, 1] or sum to more, a ratio is not greater than 0, or the numbers of
        levels differ.
    """
    check = as_positive if ratio else as_numbers
    effects = _levels(name, effect, check)
    exposed = _levels("exposed_prevalence", exposed_prevalence, as_probabilities)
    control = _levels("control_prevalence", control_prevalence, as_probabilities)
    if not len(effects) == len(exposed) == len(control):
        raise ValueError(
            f"`{name}`, `exposed_prevalence` and `control_prevalence` must have one entry a level of the "
            f"confounder beyond the reference, but have {len(effects)}, {len(exposed)} and {len(control)}."
        )
    if not all(np.isfinite(part).all() for part in effects):
        raise ValueError(f"`{name}` must be finite.")
    shape = np.broadcast_shapes(*(part.shape for part in (*effects, *exposed, *control)))
    first = np.full(shape, 1.0 if ratio else 0.0)
    return Confounder(
        np.stack([first, *(np.broadcast_to(part, shape) for part in effects)]),
        _with_rest("exposed_prevalence", exposed, shape),
        _with_rest("control_prevalence", control, shape),
        ratio,
    )


def without_confounding(cells: Cells, confounder: Confounder, *, measure: str, standard: str) -> Cells:
    """Return the cells with one arm standardized to the confounder's distribution in the other."""
    bias = confounder.bias
    a, b, c, d = cells
    if standard == "exposed":
        moved = c * bias if confounder.ratio else c + bias * _denominator(c, d, measure)
        return Cells(a, b, moved, d + c - moved if measure in {"RR", "RD"} else d)
    moved = a / bias if confounder.ratio else a - bias * _denominator(a, b, measure)
    return Cells(moved, b + a - moved if measure in {"RR", "RD"} else b, c, d)


def stratified(cells: Cells, among_exposed: Confounder, among_controls: Confounder, *, measure: str) -> Cells:
    """Return the cells by level of the confounder, along a new last axis."""
    a, b = _arm(cells.a, cells.b, among_exposed.effect, among_exposed.exposed, measure)
    c, d = _arm(cells.c, cells.d, among_controls.effect, among_controls.control, measure)
    return Cells(a, b, c, d)


def _arm(
    events: FloatArray, rest: FloatArray, effect: FloatArray, prevalence: FloatArray, measure: str
) -> tuple[FloatArray, FloatArray]:
    mean = (effect * prevalence).sum(axis=0)
    size = prevalence * _denominator(events, rest, measure)
    if measure in {"RD", "IRD"}:
        with np.errstate(invalid="ignore", divide="ignore"):
            part = size * (events / _denominator(events, rest, measure) + effect - mean)
    else:
        part = events * effect * prevalence / mean
    other = size - part if measure in {"RR", "RD"} else size
    return np.moveaxis(np.asarray(part), 0, -1), np.moveaxis(np.asarray(other), 0, -1)


def _denominator(events: FloatArray, rest: FloatArray, measure: str) -> FloatArray:
    """Persons for risks, non-cases for odds, person-time for rates."""
    return events + rest if measure in {"RR", "RD"} else rest


def _levels(name: str, given: object, check: object) -> list[FloatArray]:
    if isinstance(given, tuple):
        if not given:
            raise ValueError(f"`{name}` must name at least one level, but is an empty tuple.")
        return [check(f"{name}[{place}]", part) for place, part in enumerate(given)]  # type: ignore[operator]
    return [check(name, given)]  # type: ignore[operator]


def _with_rest(name: str, parts: list[FloatArray], shape: tuple[int, ...]) -> FloatArray:
    levels = np.stack([np.broadcast_to(part, shape) for part in parts])
    total = levels.sum(axis=0)
    fault = total > 1 + 1e-12
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` of all levels must sum to at most 1 (the rest is the reference level), but sums to "
            f"{total[index]:g}{f' at index {index}' if index else ''}."
        )
    return np.concatenate([np.maximum(1 - total, 0.0)[None], levels])
