"""Positives among the diseased and the healthy: their table, and the pair of estimates of either result.

The public functions are in `diagnostic` and `predictive_values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.values.counts import Proportion, TwoByTwo
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.estimate import Estimate

__all__ = ["PositiveAndNegative", "check_positives", "positives_table"]


class PositiveAndNegative(Framed):
    """Two estimates that belong together: of a positive and of a negative result."""

    __slots__ = ()

    if TYPE_CHECKING:
        positive: Estimate
        negative: Estimate

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of both estimates, those of the positive result first."""
        import pandas as pd

        return pd.concat([self.positive.to_frame(), self.negative.to_frame()], ignore_index=True)

    def __str__(self) -> str:
        return f"positive: {self.positive}\nnegative: {self.negative}"


def check_positives(name: str, counts: Proportion) -> Proportion:
    """Return the counts, or refuse what is no `Proportion`."""
    if not isinstance(counts, Proportion):
        raise TypeError(
            f"`{name}` must be a Proportion, but got {type(counts).__name__}. "
            "Write Proportion(events=positives, total=persons)."
        )
    return counts


def positives_table(diseased: Proportion, healthy: Proportion) -> TwoByTwo:
    """Return the table with the diseased in the place of the exposed, positives in that of the cases."""
    first = check_positives("positives_among_diseased", diseased)
    second = check_positives("positives_among_healthy", healthy)
    return TwoByTwo(
        exposed_cases=first.events,
        exposed_total=first.total,
        control_cases=second.events,
        control_total=second.total,
    )
