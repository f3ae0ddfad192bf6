"""Counts of two crossed exposures: the four groups in which interaction is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.counts import _Counts, _set_parts, _within

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["TwoByFour"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class TwoByFour(_Counts):
    """Cases among those with both exposures, the first only, the second only, and neither.

    Parameters
    ----------
    both_cases, both_total, first_cases, first_total : array_like
        Whole numbers, cases not above their total, of shapes that broadcast. In a case-control study a
        total is cases plus controls of that group.
    second_cases, second_total, neither_cases, neither_total : array_like
        Likewise.

    Raises
    ------
    TypeError
        If an argument is not numeric (text, true/false, missing).
    ValueError
        If a count is negative, fractional, NaN or empty, if cases exceed their total, or if the shapes do
        not broadcast.

    Examples
    --------
    Oral cancer, smoking and alcohol, as Hosmer and Lemeshow 1992 print it (225 cases and 166 controls with
    both, 8 and 18 who smoke only, 6 and 12 who drink only, 3 and 20 with neither):

    >>> TwoByFour(both_cases=225, both_total=391, first_cases=8, first_total=26,
    ...           second_cases=6, second_total=18, neither_cases=3, neither_total=23)
    TwoByFour(both 225/391, first 8/26, second 6/18, neither 3/23)
    """

    both_cases: FloatArray
    both_total: FloatArray
    first_cases: FloatArray
    first_total: FloatArray
    second_cases: FloatArray
    second_total: FloatArray
    neither_cases: FloatArray
    neither_total: FloatArray

    def __init__(
        self,
        *,
        both_cases: ArrayLike,
        both_total: ArrayLike,
        first_cases: ArrayLike,
        first_total: ArrayLike,
        second_cases: ArrayLike,
        second_total: ArrayLike,
        neither_cases: ArrayLike,
        neither_total: ArrayLike,
    ) -> None:
        _set_parts(
            self,
            _within("both_cases", both_cases, "both_total", both_total)
            | _within("first_cases", first_cases, "first_total", first_total)
            | _within("second_cases", second_cases, "second_total", second_total)
            | _within("neither_cases", neither_cases, "neither_total", neither_total),
        )

    @property
    def cases(self) -> FloatArray:
        """Cases of the four groups on a last axis: first only, second only, both, neither."""
        return np.stack([self.first_cases, self.second_cases, self.both_cases, self.neither_cases], axis=-1)

    @property
    def totals(self) -> FloatArray:
        """Totals of the four groups, in the order of `cases`."""
        return np.stack([self.first_total, self.second_total, self.both_total, self.neither_total], axis=-1)

    @property
    def has_zero_cell(self) -> BoolArray:
        """True where one of the eight cells is 0."""
        cases, totals = self.cases, self.totals
        mask: BoolArray = ((cases == 0) | (cases == totals)).any(axis=-1)
        return mask

    def __repr__(self) -> str:
        if self.shape:
            return f"TwoByFour(shape={self.shape})"
        texts = [
            f"{name} {getattr(self, f'{name}_cases'):.15g}/{getattr(self, f'{name}_total'):.15g}"
            for name in ("both", "first", "second", "neither")
        ]
        return f"TwoByFour({', '.join(texts)})"
