"""What every distribution of a bias parameter shares: rules for its parameters, quantiles, its text."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import astuple, fields
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from analysis.values.arguments import as_numbers, as_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["Distribution"]


class Distribution(ABC):
    """Base of the distributions; use one of its subclasses.

    Attributes
    ----------
    name : str
        As a specification file writes it ("trapezoidal").
    support : tuple of float
        The smallest and the largest value that can be drawn.
    """

    __slots__ = ()
    name: ClassVar[str]

    if TYPE_CHECKING:
        # Every subclass is a dataclass.
        __dataclass_fields__: ClassVar[dict[str, object]]

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = as_numbers(field.name, getattr(self, field.name))
            if value.ndim or not math.isfinite(value):
                raise ValueError(f"`{field.name}` of {self.name} must be one finite number, but got {value}.")
            object.__setattr__(self, field.name, float(value))
        self._check()

    def _check(self) -> None:  # noqa: B027 -- most distributions have nothing to add
        """Raise `ValueError` if the parameters contradict one another."""

    def _increasing(self, *names: str) -> None:
        values = [getattr(self, name) for name in names]
        if any(after < before for before, after in pairwise(values)):
            raise ValueError(
                f"{' <= '.join(f'`{name}`' for name in names)} must hold for {self.name}, but got {self}. "
                f"Give them in this order."
            )
        if values[0] == values[-1]:
            raise ValueError(
                f"`{names[0]}` must be below `{names[-1]}` for {self.name}, but both are {values[0]:g}. "
                f"For a value that is known write {values[0]:g}."
            )

    def _above(self, bound: float, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if not value > bound:
                raise ValueError(
                    f"`{name}` of {self.name} must be greater than {bound:g}, but got {value:g}."
                )

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Smallest and largest value."""

    def quantile(self, probability: ArrayLike) -> FloatArray:
        """Return the value below which `probability` of the distribution lies.

        Parameters
        ----------
        probability : array_like
            Between 0 and 1.

        Returns
        -------
        ndarray
            Of the shape of `probability`.

        Raises
        ------
        ValueError
            If a probability is outside [0, 1] or NaN.
        """
        return self.from_uniform(as_probabilities("probability", probability))

    @abstractmethod
    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the quantile of numbers that are known to lie in [0, 1]; what draws call."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{_shortest(value)}' for value in astuple(self))})"  # type: ignore[call-overload]


def _shortest(value: float) -> str:
    """Return the shortest text that reads back as the number, without a trailing ".0"."""
    return repr(value).removesuffix(".0")
