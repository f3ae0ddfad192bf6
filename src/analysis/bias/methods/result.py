"""What every simple bias analysis returns: the estimate before and after, and the table behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.linear import cells_of, estimate_of, identity, table_of
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.bias.methods.linear import CellMap, Counts
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["BiasAdjusted", "adjusted_result", "divided", "shifted"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasAdjusted(Framed):
    """An estimate before and after a bias analysis whose parameters are taken as known.

    Parameters
    ----------
    bias : str
        What was adjusted for ("exposure misclassification").
    observed, adjusted : Estimate
        Before and after, of shapes that broadcast; the interval of `adjusted` is of random error alone, at
        exactly these bias parameters.
    table : TwoByTwo, TwoRates or None
        The adjusted table, whose cells need not be whole; None where only an estimate was adjusted.
    """

    bias: str
    observed: Estimate
    adjusted: Estimate
    table: Counts | None = None

    @property
    def shift(self) -> FloatArray:
        """Observed over adjusted for a ratio (the bias factor), observed minus adjusted for a difference."""
        if self.adjusted.scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(self.observed.value / self.adjusted.value)
        return np.asarray(self.observed.value - self.adjusted.value)

    @property
    def impossible(self) -> BoolArray:
        """True where the parameters cannot have produced the table; an estimate alone excludes none."""
        if self.table is None:
            return np.zeros(self.adjusted.shape, dtype=bool)
        mask: BoolArray = np.isnan(cells_of(self.table).a)
        return mask

    def to_frame(self) -> pd.DataFrame:
        """Return one row per adjusted estimate, in C order, at full precision."""
        import pandas as pd

        shape = self.adjusted.shape
        columns = {"bias": self.bias, "measure": self.adjusted.measure}
        arrays = {
            "observed": self.observed.value,
            "adjusted": self.adjusted.value,
            "low": self.adjusted.low,
            "high": self.adjusted.high,
            "shift": self.shift,
        }
        flat = {name: np.broadcast_to(array, shape).ravel() for name, array in arrays.items()}
        return pd.DataFrame(columns | flat | {"confidence_level": self.adjusted.confidence_level})

    def __str__(self) -> str:
        """Return the adjusted estimates and what they were, one line each, at most ten."""
        label = measure_of(self.adjusted.measure).label
        shape = self.adjusted.shape
        lines = []
        texts = str(self.adjusted).split("\n")
        observed = np.broadcast_to(self.observed.value, shape).ravel()
        for text, before in zip(texts, observed, strict=False):
            lines.append(f"{label} {text} after adjustment for {self.bias}, {short_number(before)} before")
        return "\n".join(lines + texts[len(lines) :])


def adjusted_result(
    table: Counts,
    adjustment: CellMap,
    *,
    bias: str,
    measure: str,
    confidence_level: float,
    impossible: str,
    because: str,
) -> BiasAdjusted:
    """Return estimates before and after an adjustment of the cells."""
    adjusted = table_of(adjustment(cells_of(table)), table, impossible=impossible, because=because)
    return BiasAdjusted(
        bias=bias,
        observed=estimate_of(table, identity, measure=measure, confidence_level=confidence_level),
        adjusted=estimate_of(
            table, adjustment, measure=measure, confidence_level=confidence_level, impossible=impossible
        ),
        table=adjusted,
    )


def divided(
    data: Counts | Estimate,
    factor: FloatArray,
    *,
    bias: str,
    measure: str | None = None,
    confidence_level: float = 0.95,
) -> BiasAdjusted:
    """Return a ratio before and after division by a bias factor, which has no error of its own."""
    observed = (
        data
        if isinstance(data, Estimate)
        else estimate_of(data, identity, measure=str(measure), confidence_level=confidence_level)
    )
    if observed.scale != "log":
        raise ValueError(
            f"A bias factor divides a ratio, but the measure is {observed.measure!r}: "
            "ask for a ratio, or give what shifts a difference."
        )
    return _replaced(
        observed, bias, *(part / factor for part in (observed.value, observed.low, observed.high))
    )


def shifted(observed: Estimate, difference: FloatArray, *, bias: str) -> BiasAdjusted:
    """Return a difference before and after a shift, which has no error of its own."""
    ends = [part - difference for part in (observed.value, observed.low, observed.high)]
    return _replaced(observed, bias, *ends)


def _replaced(
    observed: Estimate, bias: str, value: FloatArray, low: FloatArray, high: FloatArray
) -> BiasAdjusted:
    std_error = observed.std_error
    adjusted = Estimate(
        measure=observed.measure,
        value=np.asarray(value),
        low=np.asarray(low),
        high=np.asarray(high),
        confidence_level=observed.confidence_level,
        std_error=None if std_error is None else np.broadcast_to(std_error, np.shape(value)),
        scale=observed.scale,
        method=observed.method,
    )
    return BiasAdjusted(bias=bias, observed=observed, adjusted=adjusted)
