"""How far each bias parameter alone moves the adjusted measure: the numbers of a tornado."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.draw_evaluation import Subject, check_biases
from analysis.values.arguments import check_confidence_level, read_only
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.bias.methods.draw_biases import Bias
    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo, TwoRates
    from analysis.values.estimate import EffectSizes

__all__ = ["ParameterSwings", "parameter_swings"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParameterSwings(Framed):
    """The adjusted measure at both ends of each parameter, the others at their medians.

    Parameters
    ----------
    measure : str
        What was adjusted.
    unadjusted, center : float
        The measure without adjustment, and with every parameter at its median.
    parameters : tuple of str
        The one that moves the measure most first; with the number of its bias where two share a name.
    low, high : ndarray, shape (p,)
        Ends of each parameter.
    at_low, at_high : ndarray, shape (p,)
        The measure there; NaN where that end contradicts the table.
    level : float
        Probability between the ends.
    """

    measure: str
    unadjusted: float
    center: float
    parameters: tuple[str, ...]
    low: FloatArray
    high: FloatArray
    at_low: FloatArray
    at_high: FloatArray
    level: float

    def __post_init__(self) -> None:
        for name in ("low", "high", "at_low", "at_high"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a parameter, the widest swing first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "parameter": self.parameters,
                "low": self.low,
                "high": self.high,
                "at_low": self.at_low,
                "at_high": self.at_high,
                "center": self.center,
            }
        )

    def __str__(self) -> str:
        """Return one line a parameter."""
        lines = [f"{self.measure} {short_number(self.center)} with every parameter at its median"]
        rows = zip(self.parameters, self.low, self.high, self.at_low, self.at_high, strict=True)
        lines += [
            f"  {name} {short_number(low)} to {short_number(high)}: "
            f"{short_number(first)} to {short_number(last)}"
            for name, low, high, first, last in rows
        ]
        return "\n".join(lines)


def parameter_swings(
    data: TwoByTwo | TwoRates | EffectSizes,
    *,
    biases: Sequence[Bias] | Bias,
    measure: str | None = None,
    level: float = 0.95,
) -> ParameterSwings:
    """Move each parameter between its quantiles while the others stay at their medians.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        One table, one pair of rates or one estimate.
    biases, measure
        As for `probabilistic_bias_analysis`.
    level : float, default 0.95
        Probability between the two quantiles of a parameter, in (0, 1).

    Returns
    -------
    ParameterSwings
        Correlations do not enter: each parameter moves alone.

    Raises
    ------
    TypeError, ValueError
        As for `probabilistic_bias_analysis`; also if there is more than one table, or if the medians
        contradict it.
    """
    share = check_confidence_level(level)
    subject = Subject(data, measure, share)
    chosen = check_biases(biases, subject)
    if subject.shape not in {(), (1,)}:
        raise ValueError(f"`data` must be one table or estimate, but has shape {subject.shape}.")
    places = [(number, name) for number, bias in enumerate(chosen) for name in bias.parameters]
    tail = (1 - share) / 2
    quantiles = np.array(
        [chosen[number].parameters[name].quantile([tail, 0.5, 1 - tail]) for number, name in places]
    )
    # One row with all at their medians, then two a parameter.
    rows = np.repeat(quantiles[:, 1:2], 1 + 2 * len(places), axis=1)
    for p in range(len(places)):
        rows[p, 1 + 2 * p : 3 + 2 * p] = quantiles[p, [0, 2]]
    values: list[dict[str, FloatArray]] = [{} for _ in chosen]
    for p, (number, name) in enumerate(places):
        values[number][name] = rows[p][:, np.newaxis]
    effect = subject.take().adjusted(chosen, values)[0][:, 0]
    if not np.isfinite(effect[0]):
        raise ValueError("`biases` must be possible for the data, but their medians contradict them.")
    natural = scale_of(subject.scale).backward(effect)
    at_low, at_high = natural[1::2], natural[2::2]
    swing = np.abs(effect[2::2] - effect[1::2])
    order = np.argsort(-np.where(np.isnan(swing), np.inf, swing), kind="stable")
    single = [name for _, name in places]
    names = [name if single.count(name) == 1 else f"{number + 1}.{name}" for number, name in places]
    return ParameterSwings(
        measure=subject.measure,
        unadjusted=float(subject.conventional.value.item()),
        center=float(natural[0]),
        parameters=tuple(names[p] for p in order),
        low=quantiles[order, 0],
        high=quantiles[order, 2],
        at_low=at_low[order],
        at_high=at_high[order],
        level=share,
    )
