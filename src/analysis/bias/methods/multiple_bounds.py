"""Bounds of several biases at once: how many strengths each has, and the equal ones that reach a factor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.strength import bounding_factor_of, equal_strengths
from analysis.measures.methods.roots import find_root
from analysis.values.arguments import as_positive, check_choice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "Bound",
    "ConfoundingBound",
    "MisclassificationBound",
    "SelectionBound",
    "equal_strengths_of_all",
]


class Bound(ABC):
    """What one bias can multiply a risk ratio by: `pairs` bounding factors and `singles` plain strengths."""

    __slots__ = ()

    @property
    @abstractmethod
    def pairs(self) -> int:
        """Number of pairs of strengths that enter by their bounding factor."""

    @property
    @abstractmethod
    def singles(self) -> int:
        """Number of strengths that enter as they are."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the bias."""

    def bound(self, *strengths: ArrayLike) -> FloatArray:
        """Return the largest factor of the bias at these strengths.

        Parameters
        ----------
        *strengths : array_like
            At least 1; two for each pair, then one for each single.

        Raises
        ------
        TypeError
            If there are too few or too many.
        ValueError
            If one is below 1.
        """
        wanted = 2 * self.pairs + self.singles
        if len(strengths) != wanted:
            raise TypeError(f"The bound of {self.name} has {wanted} strengths, but got {len(strengths)}.")
        return self._product([_at_least_one(strength) for strength in strengths])

    def _product(self, strengths: list[FloatArray]) -> FloatArray:
        paired = strengths[: 2 * self.pairs]
        product = np.asarray(1.0)
        for first, second in zip(paired[::2], paired[1::2], strict=True):
            product = product * bounding_factor_of(first, second)
        for single in strengths[2 * self.pairs :]:
            product = product * single
        return product


@dataclass(frozen=True, slots=True)
class ConfoundingBound(Bound):
    """Unmeasured confounding: strengths with exposure and with outcome.

    Examples
    --------
    >>> round(float(ConfoundingBound().bound(2.2, 1.7)), 3)
    1.29
    """

    @property
    def pairs(self) -> int:
        """One pair."""
        return 1

    @property
    def singles(self) -> int:
        """None."""
        return 0

    @property
    def name(self) -> str:
        """Name of the bias."""
        return "unmeasured confounding"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionBound(Bound):
    """Selection: an unmeasured cause of the outcome U goes with selection S in either exposure group.

    Parameters
    ----------
    population : {"whole", "selected"}, default "whole"
        For whom the risk ratio is wanted: all, or the selected alone.
    risk : {"increased", "decreased"}, optional
        If selection goes with an increased (or decreased) risk in both exposure groups.
    selection_is_cause : bool, default False
        If S itself is U (those not selected differ in nothing else).

    References
    ----------
    Smith LH, VanderWeele TJ (2019). Bounding bias due to selection. Epidemiology 30:509-516.
    DOI 10.1097/EDE.0000000000001032
    """

    population: str = "whole"
    risk: str | None = None
    selection_is_cause: bool = False

    def __post_init__(self) -> None:
        check_choice("population", self.population, ("whole", "selected"))
        if self.risk is not None:
            check_choice("risk", self.risk, ("increased", "decreased"))
        if self.population == "selected" and (self.risk is not None or self.selection_is_cause):
            raise ValueError(
                "`risk` and `selection_is_cause` shorten the bound for the whole population; leave them out "
                "for the selected."
            )

    @property
    def pairs(self) -> int:
        """Two pairs, one in each group; one under an assumption; none if selection is the cause."""
        if self.selection_is_cause:
            return 0
        return 1 if self.risk is not None or self.population == "selected" else 2

    @property
    def singles(self) -> int:
        """As many as there would be pairs if selection is the cause."""
        if not self.selection_is_cause:
            return 0
        return 2 if self.risk is None else 1

    @property
    def name(self) -> str:
        """Name of the bias."""
        return "selection"


@dataclass(frozen=True, slots=True, kw_only=True)
class MisclassificationBound(Bound):
    """Differential misclassification: how much likelier a false record is in the other group.

    Parameters
    ----------
    variable : {"outcome", "exposure"}
        What was recorded with error.
    rare_outcome, rare_exposure : bool, default False
        For the exposure. With a common outcome no bound is known. The strength is an odds ratio; where the
        exposure is common it counts as the square of a risk ratio.

    References
    ----------
    VanderWeele TJ, Li Y (2019). Simple sensitivity analysis for differential measurement error. Am J
    Epidemiol 188:1823-1829. DOI 10.1093/aje/kwz133
    """

    variable: str
    rare_outcome: bool = False
    rare_exposure: bool = False

    def __post_init__(self) -> None:
        check_choice("variable", self.variable, ("outcome", "exposure"))
        if self.variable == "exposure" and not self.rare_outcome:
            raise ValueError(
                "`rare_outcome` must be True for misclassified exposure: with a common outcome no bound of "
                "the risk ratio is known."
            )
        if self.variable == "outcome" and (self.rare_outcome or self.rare_exposure):
            raise ValueError("`rare_outcome` and `rare_exposure` are read for misclassified exposure alone.")

    @property
    def pairs(self) -> int:
        """None."""
        return 0

    @property
    def singles(self) -> int:
        """One; two for an odds ratio that stands for the square of a risk ratio."""
        return 2 if self.variable == "exposure" and not self.rare_exposure else 1

    @property
    def name(self) -> str:
        """Name of the bias."""
        return f"{self.variable} misclassification"

    def bound(self, *strengths: ArrayLike) -> FloatArray:
        """Return the one strength, a risk ratio (outcome) or odds ratio (exposure), as the bound it is."""
        if len(strengths) != 1:
            raise TypeError(f"The bound of {self.name} has 1 strength, but got {len(strengths)}.")
        return _at_least_one(strengths[0])


def equal_strengths_of_all(factor: FloatArray, pairs: int, singles: int) -> FloatArray:
    """Return E with (E²/(2E - 1))^pairs E^singles equal to the factor (at least 1; NaN stays NaN)."""
    if not singles:
        return equal_strengths(factor if pairs == 1 else factor ** (1 / pairs))
    if not pairs:
        return np.asarray(factor ** (1 / singles))

    def excess(strength: FloatArray, goal: FloatArray) -> FloatArray:
        logs = np.log(strength)
        return np.asarray(singles * logs + pairs * (2 * logs - np.log(2 * strength - 1)) - goal)

    known = np.isfinite(factor)
    start = np.where(known, factor, 1.0)
    root = find_root(excess, np.ones_like(start), start, np.log(start), what="the multiple-bias E-value")
    return np.where(known, root, factor)


def _at_least_one(values: ArrayLike) -> FloatArray:
    array = as_positive("strengths", values)
    if (array < 1).any():
        raise ValueError(
            f"A strength must be at least 1, but got {array[array < 1][0]:g}; invert ratios below 1."
        )
    return array
