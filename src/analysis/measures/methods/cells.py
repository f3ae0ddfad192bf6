"""Cells of 2x2 tables, and what every method of two proportions takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

__all__ = ["Cells", "Inverted"]


class Cells(NamedTuple):
    """Cells of the tables: exposed cases and non-cases, control cases and non-cases."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    @property
    def exposed(self) -> FloatArray:
        """Total of the exposed."""
        return self.a + self.b

    @property
    def control(self) -> FloatArray:
        """Total of the controls."""
        return self.c + self.d

    @property
    def ratio(self) -> FloatArray:
        """Observed risk ratio."""
        return (self.a * self.control) / (self.c * self.exposed)

    @property
    def odds(self) -> FloatArray:
        """Observed odds ratio."""
        return (self.a * self.d) / (self.b * self.c)

    @property
    def difference(self) -> FloatArray:
        """Observed risk difference."""
        return self.a / self.exposed - self.c / self.control

    def plus(self, added: float) -> Cells:
        """Return the cells with the same added to each."""
        return Cells(self.a + added, self.b + added, self.c + added, self.d + added)


class Inverted(NamedTuple):
    """What a method gives; the standard error is on the analysis scale of the measure."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    std_error: FloatArray | None
    pvalue: FloatArray


if TYPE_CHECKING:
    Method = Callable[[Cells, float], Inverted]
