"""The four cells of a mosaic: where each begins and ends, and what is written for it.

They are drawn in `mosaic`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.figures.record import FigureRecord
from analysis.tables.format import format_count, format_percent
from analysis.values.counts import TwoByTwo

__all__ = ["ARM_GAP", "MosaicCells", "record_of_mosaic"]

ARM_GAP = 1.5
"""Room between the arms in percent of the people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MosaicCells:
    """Cases and people of the two arms with their names."""

    arms: tuple[str, str]
    outcomes: tuple[str, str]
    cases: tuple[float, float]
    totals: tuple[float, float]

    @classmethod
    def of(cls, table: TwoByTwo, arms: tuple[str, str], outcomes: tuple[str, str]) -> MosaicCells:
        """Take the counts of one table, or say why they cannot be drawn."""
        if not isinstance(table, TwoByTwo):
            raise TypeError(f"`table` must be a TwoByTwo, but got {type(table).__name__}.")
        if table.shape not in {(), (1,)}:
            raise ValueError(
                f"`table` must be one table, but got {table.shape} of them; select one, as table[0], "
                "or sum them with table.collapse()."
            )
        for name, pair in (("arms", arms), ("outcomes", outcomes)):
            if isinstance(pair, str) or len(pair) != 2:
                raise ValueError(f"`{name}` must be two texts, but got {pair!r}.")
        totals = (float(table.exposed_total.item()), float(table.control_total.item()))
        if min(totals) <= 0:
            empty = "exposed" if totals[0] <= 0 else "control"
            raise ValueError(
                f"`table` must have people in both arms, but `{empty}_total` is 0: it has no risk."
            )
        cases = (float(table.exposed_cases.item()), float(table.control_cases.item()))
        return cls(arms=(arms[0], arms[1]), outcomes=(outcomes[0], outcomes[1]), cases=cases, totals=totals)

    def share(self, arm: int) -> float:
        """Share of the people that are in an arm, in percent."""
        return 100.0 * self.totals[arm] / sum(self.totals)

    def left(self, arm: int) -> float:
        """Left edge of an arm, in percent of the people."""
        return 0.0 if arm == 0 else self.share(0) + ARM_GAP

    def count(self, arm: int, part: int) -> float:
        """Number of people in a cell; part 0 are the cases."""
        return self.cases[arm] if part == 0 else self.totals[arm] - self.cases[arm]

    def part(self, arm: int, part: int) -> tuple[float, float]:
        """Where a cell begins and ends, in percent of its arm."""
        risk = 100.0 * self.cases[arm] / self.totals[arm]
        return (0.0, risk) if part == 0 else (risk, 100.0)

    def said(self, arm: int, part: int) -> str:
        """Return count and percentage of a cell as they are printed."""
        share = self.count(arm, part) / self.totals[arm]
        return f"{format_count(self.count(arm, part))} ({format_percent(share)})"


def record_of_mosaic(counts: MosaicCells) -> FigureRecord:
    """Return the words and numbers of a mosaic."""
    rows = [
        {
            "arm": counts.arms[arm],
            "outcome": counts.outcomes[part],
            "n": counts.count(arm, part),
            "total": counts.totals[arm],
            "left_percent": counts.left(arm),
            "width_percent": counts.share(arm),
            "bottom_percent": counts.part(arm, part)[0],
            "height_percent": counts.part(arm, part)[1] - counts.part(arm, part)[0],
        }
        for arm in (0, 1)
        for part in (0, 1)
    ]
    said = [
        f"{counts.arms[arm]}: {counts.outcomes[0].lower()} {format_count(counts.cases[arm])} of "
        f"{format_count(counts.totals[arm])} ({format_percent(counts.cases[arm] / counts.totals[arm])})"
        for arm in (0, 1)
    ]
    return FigureRecord(
        title=f"{counts.outcomes[0]} by arm",
        caption=(
            "Mosaic plot. Widths are the arms' shares of all people, heights the shares within each arm, so "
            f"that areas are numbers of people. Dark: {counts.outcomes[0].lower()}; light: "
            f"{counts.outcomes[1].lower()}."
        ),
        alt=f"{'; '.join(said)}.",
        numbers=pd.DataFrame(rows),
    )
