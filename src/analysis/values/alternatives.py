"""Studies of which each may have any of several tables, as pooling takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import EffectSizes

__all__ = ["AlternativeEffects"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlternativeEffects(Framed):
    """The effects of every table that each study may have; `effect_sizes` makes them of a list of tables.

    Parameters
    ----------
    effects : tuple of EffectSizes
        For each study the effects of its tables, of one axis.
    tables : tuple of TwoByTwo
        Those tables.
    measure : str
        metafor's code.
    label : tuple of str
        One name a study.
    """

    effects: tuple[EffectSizes, ...]
    tables: tuple[TwoByTwo, ...]
    measure: str
    label: tuple[str, ...]

    @property
    def n_tables(self) -> tuple[int, ...]:
        """Tables of each study."""
        return tuple(len(table) for table in self.tables)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study and table, with its effect and variance at full precision."""
        import pandas as pd

        parts = [
            table.to_frame().assign(
                study=name, effect=one.effect, variance=one.variance, measure=self.measure
            )
            for name, table, one in zip(self.label, self.tables, self.effects, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        counts = ", ".join(
            f"{name}: {size} {'table' if size == 1 else 'tables'}"
            for name, size in zip(self.label, self.n_tables, strict=True)
        )
        return f"{self.measure} of {len(self.label)} studies ({counts})"
