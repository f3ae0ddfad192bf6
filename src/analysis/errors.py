"""Errors and warnings of the package, and the one type that describes a fault in a file.

Wrong arguments raise `TypeError` or `ValueError`; what lives here is for files, numerics and warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AnalysisError",
    "AnalysisWarning",
    "ConvergenceError",
    "DataError",
    "Fault",
    "NotebookError",
    "SmallStudyCountWarning",
    "SparseDataWarning",
    "TransformationWarning",
]


class AnalysisError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a file.

    Parameters
    ----------
    file : str
        The file as its user knows it, relative to the project where possible.
    rule : str
        What must hold, as a sentence fragment ("must be a whole number of at least 0").
    line : int, optional
        Line of the file; the header is line 1.
    column : str, optional
        Name of the column.
    value : str, optional
        The text that breaks the rule, as it stands in the file.
    way_out : str, optional
        What the user can do about it.
    """

    file: str
    rule: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    way_out: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        if self.column is not None:
            place += f", column `{self.column}`"
        text = f"{place}: {self.rule}"
        if self.value is not None:
            text += f", but got {self.value!r}"
        return f"{text}. {self.way_out}" if self.way_out else f"{text}."


class DataError(AnalysisError):
    """A file breaks its contract. Holds every fault that was found, not only the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(
            sorted(faults, key=lambda fault: (fault.file, fault.line or 0, fault.column or ""))
        )
        count = len(self.faults)
        lines = [f"{count} fault{'s' if count != 1 else ''} found:"]
        lines += [f"  {number}. {fault}" for number, fault in enumerate(self.faults, start=1)]
        super().__init__("\n".join(lines))


class ConvergenceError(AnalysisError):
    """An iteration did not reach its tolerance."""


class NotebookError(AnalysisError):
    """A notebook stopped with an error; names the notebook, the cell and what was raised."""


class AnalysisWarning(UserWarning):
    """Base of every warning that this package gives."""


class SparseDataWarning(AnalysisWarning):
    """A result rests on cells so small that its method is unreliable."""


class SmallStudyCountWarning(AnalysisWarning):
    """A result rests on too few studies for its method."""


class TransformationWarning(AnalysisWarning):
    """A back-transformed result depends on a choice that the data do not settle."""
