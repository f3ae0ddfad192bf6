"""Counts of matched pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.values.arguments import as_counts
from analysis.values.counts import _Counts, _set_parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["PairedTable"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False, repr=False)
class PairedTable(_Counts):
    """Pairs of an exposed person and a matched control, by who of the two is a case.

    Parameters
    ----------
    both : array_like
        Pairs in which both are cases.
    exposed_only : array_like
        Pairs in which the exposed person is a case and the control is not.
    control_only : array_like
        Pairs in which the control is a case and the exposed person is not.
    neither : array_like
        Pairs in which neither is a case.

    Raises
    ------
    TypeError
        If an argument is not numeric.
    ValueError
        If a count is negative, fractional, NaN or empty, or if the shapes do not broadcast.

    Notes
    -----
    Counts are of pairs, not of persons. In a matched case-control study read "case" for "exposed" and
    "exposed" for "case": `exposed_only` are then the pairs in which only the case was exposed. The odds ratio
    is the same; the difference and the ratio are not measures of such a study.

    One person observed twice is a pair, too: "exposed" and "control" are then the two occasions.

    Examples
    --------
    Airway hyper-responsiveness before and after stem cell transplantation in 21 children (Bentur et al. 2009,
    data set `bentur_2009` of the R package contingencytables):

    >>> PairedTable(both=1, exposed_only=1, control_only=7, neither=12)
    PairedTable(both 1, exposed only 1, control only 7, neither 12)
    """

    both: FloatArray
    exposed_only: FloatArray
    control_only: FloatArray
    neither: FloatArray

    def __init__(
        self, *, both: ArrayLike, exposed_only: ArrayLike, control_only: ArrayLike, neither: ArrayLike
    ) -> None:
        _set_parts(
            self,
            {
                "both": as_counts("both", both),
                "exposed_only": as_counts("exposed_only", exposed_only),
                "control_only": as_counts("control_only", control_only),
                "neither": as_counts("neither", neither),
            },
        )

    @property
    def pairs(self) -> FloatArray:
        """Number of pairs."""
        return self.both + self.exposed_only + self.control_only + self.neither

    @property
    def exposed_cases(self) -> FloatArray:
        """Pairs in which the exposed person is a case."""
        return self.both + self.exposed_only

    @property
    def control_cases(self) -> FloatArray:
        """Pairs in which the control is a case."""
        return self.both + self.control_only

    def __repr__(self) -> str:
        if self.shape:
            return f"PairedTable(shape={self.shape})"
        cells = ", ".join(f"{name.replace('_', ' ')} {array:.15g}" for name, array in self._arrays().items())
        return f"PairedTable({cells})"
