"""What a check of printed numbers says: findings, and all findings of a table as one result.

The checks themselves live in `coherence` and the files named after it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STRENGTHS", "CoherenceReport", "Finding"]

STRENGTHS = ("contradiction", "discrepancy", "remark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Framed):
    """Printed numbers that do not fit one another, or that fit in one way only. `str` of it is a sentence.

    Parameters
    ----------
    rule : str
        What was checked ("percentage of a total", "symmetry of an interval").
    strength : str
        "contradiction": no data print these numbers, however they were rounded. "discrepancy": the usual
        computation does not give them, another may. "remark": they fit, in a way that a reader may want to
        know (a decimal cut off, the same result in two studies).
    rows : tuple of int
        Positions of the rows in the table that was checked, from 0.
    label : str
        What the table calls them; empty if it does not.
    printed : str
        The numbers as printed.
    arithmetic : str
        What they give.
    fits : str
        What would fit; empty where nothing is known to.
    """

    rule: str
    strength: str
    rows: tuple[int, ...]
    label: str
    printed: str
    arithmetic: str
    fits: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return the finding as one row."""
        import pandas as pd

        return pd.DataFrame([self._record()])

    def _record(self) -> dict[str, str]:
        values = {name: getattr(self, name) for name in Finding.__dataclass_fields__}
        return values | {"rows": " ".join(map(str, self.rows)), "sentence": str(self)}

    def __str__(self) -> str:
        """Return what a letter to a journal would print."""
        where = f"{self.label}: " if self.label else ""
        fits = f" What fits: {self.fits}." if self.fits else ""
        return f"{where}{self.printed}; {self.arithmetic}.{fits}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoherenceReport(Framed):
    """All findings of a table, contradictions first.

    Parameters
    ----------
    findings : tuple of Finding
    n_rows : int
        How many rows the table has.
    n_checked : dict of str to int
        How many times each rule could be applied.
    """

    findings: tuple[Finding, ...]
    n_rows: int
    n_checked: dict[str, int]

    def __len__(self) -> int:
        """Return how many findings there are."""
        return len(self.findings)

    @property
    def contradictions(self) -> tuple[Finding, ...]:
        """The findings that no rounding and no other method can explain."""
        return tuple(finding for finding in self.findings if finding.strength == "contradiction")

    def of_rule(self, rule: str) -> tuple[Finding, ...]:
        """Return the findings of one rule."""
        return tuple(finding for finding in self.findings if finding.rule == rule)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding."""
        import pandas as pd

        names = [*Finding.__dataclass_fields__, "sentence"]
        # One frame a finding would be slow for thousands of them.
        return pd.DataFrame([finding._record() for finding in self.findings], columns=names)  # noqa: SLF001

    def __str__(self) -> str:
        """Return the count of findings and one line each."""
        counts = Counter(finding.strength for finding in self.findings)
        plurals = dict(zip(STRENGTHS, ("contradictions", "discrepancies", "remarks"), strict=True))
        said = ", ".join(
            f"{counts[name]} {name if counts[name] == 1 else plurals[name]}"
            for name in STRENGTHS
            if counts[name]
        )
        rows = f"{self.n_rows} row{'s' if self.n_rows != 1 else ''}"
        checks = sum(self.n_checked.values())
        fits = "all printed numbers fit" if checks else "nothing printed there could be checked"
        head = f"{rows}, {checks} check{'s' if checks != 1 else ''}: {said or fits}."
        return "\n".join([head, *(f"[{finding.strength}] {finding}" for finding in self.findings)])
