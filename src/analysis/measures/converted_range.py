"""What a conversion gives: the values that an effect may have, over what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.framed import Framed
from analysis.values.scale import MEASURES
from analysis.values.text import short_needed, short_number, short_range

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["AbsoluteEffects", "ConvertedRange"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConvertedRange(Framed):
    """The values that a converted effect may have, over what is not known.

    Parameters
    ----------
    source, target : str
        Codes of the measures ("OR", "RR"), or names where there is no code.
    low, high : ndarray
        Ends of the converted estimate over the unknown.
    interval_low, interval_high : ndarray or None
        Lowest converted lower and highest converted upper confidence limit over the unknown; None if no
        limits were given. A number needed to treat whose `interval_low` is above `interval_high` runs from
        the first through infinity to the second, as Altman (1998) writes it.
    confidence_level : float or None
        Of the limits that were given. The hull covers at least as often as they do, if the assumption holds.
    middle : ndarray or None
        One value for the range, where the method has one.
    method : str
        The formula.
    assumption : str
        What was assumed, in words.
    """

    source: str
    target: str
    low: FloatArray
    high: FloatArray
    interval_low: FloatArray | None
    interval_high: FloatArray | None
    confidence_level: float | None
    middle: FloatArray | None = None
    method: str
    assumption: str

    def __post_init__(self) -> None:
        for name in ("low", "high", "interval_low", "interval_high", "middle"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of ranges; () for one."""
        return self.low.shape

    @property
    def error_factor(self) -> FloatArray:
        """By what factor `middle` can be wrong at most; NaN where there is no middle."""
        if self.middle is None:
            return np.full(self.shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.maximum(self.high / self.middle, self.middle / self.low)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per range, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {"source": self.source, "target": self.target}
        for name in ("low", "high", "interval_low", "interval_high", "middle"):
            array = getattr(self, name)
            columns[name] = np.full(self.low.size, np.nan) if array is None else array.ravel()
        columns |= {
            "confidence_level": self.confidence_level,
            "method": self.method,
            "assumption": self.assumption,
        }
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        """Return the range in words; an array gives one line each, at most ten."""
        percent = self.target in MEASURES and MEASURES[self.target].percent
        span = _needed_span if self.target == "NNT" else partial(short_range, percent=percent)
        texts = []
        for number, index in enumerate(np.ndindex(self.shape)):
            if number == 10:
                texts.append(f"... ({self.low.size} in all)")
                break
            ends = span(float(self.low[index]), float(self.high[index]))
            text = f"{_name(self.target)} {ends}"
            if self.interval_low is not None and self.interval_high is not None:
                limits = span(float(self.interval_low[index]), float(self.interval_high[index]))
                text += f" (limits {limits})"
            if self.middle is not None:
                text += f", middle {short_number(float(self.middle[index]), percent=percent)}"
            texts.append(text)
        return "\n".join(texts) + f"\nfrom {_name(self.source).lower()}, {self.assumption}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AbsoluteEffects(Framed):
    """What a relative effect means for persons, over a range of risks without exposure.

    Parameters
    ----------
    exposed_risk : ConvertedRange
        Risk with exposure ("PR").
    risk_difference : ConvertedRange
        Risk with exposure minus risk without ("RD").
    number_needed_to_treat : ConvertedRange
        1 over the risk difference ("NNT"): positive, persons exposed for one more event; negative, for one
        fewer. Printed as NNTH and NNTB: events are taken as adverse.
    """

    exposed_risk: ConvertedRange
    risk_difference: ConvertedRange
    number_needed_to_treat: ConvertedRange

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of the three ranges."""
        import pandas as pd

        parts = (self.exposed_risk, self.risk_difference, self.number_needed_to_treat)
        return pd.concat([part.to_frame() for part in parts], ignore_index=True)

    def __str__(self) -> str:
        parts = (self.exposed_risk, self.risk_difference)
        return "\n".join(
            [*(str(part).rpartition("\n")[0] for part in parts), str(self.number_needed_to_treat)]
        )


def _name(code: str) -> str:
    return MEASURES[code].label if code in MEASURES else code


def _needed_span(low: float, high: float) -> str:
    """Return numbers needed as Altman writes them, an event taken as adverse: "NNTH 20 to ∞ to NNTB 50"."""
    if np.isnan([low, high]).any():
        return "not estimable"
    ends = [(f"NNT{'H' if end > 0 else 'B'} " if np.isfinite(end) else "", abs(end)) for end in (low, high)]
    if low <= high < 0:
        ends.reverse()
    texts = [name + short_needed(end) for name, end in ends]
    between = " to ∞ to " if low > high and np.isfinite([low, high]).all() else " to "
    return texts[0] if texts[0] == texts[1] else between.join(texts)
