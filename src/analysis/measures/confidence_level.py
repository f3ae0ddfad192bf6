"""Which confidence levels a printed interval can have, by what is printed beside it.

A P-value, a standard error or counts of events tell how wide the interval is; rounding leaves a range of
levels. The standard errors themselves live in `std_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.printed_number import is_text, printed_limits, printed_range, width_on_scale
from analysis.measures.std_error import std_error_from_pvalue
from analysis.values.arguments import as_positive, broadcast, check_confidence_level, read_only
from analysis.values.distributions import two_sided_normal
from analysis.values.framed import Framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.measures.methods.printed_number import Printed
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["ConfidenceLevels", "infer_confidence_level"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceLevels(Framed):
    """Which confidence levels a printed interval can have.

    Parameters
    ----------
    levels : tuple of float
        The levels in question.
    possible : ndarray of bool
        Shape (..., number of levels).
    low, high : ndarray
        Lowest and highest level that the printed numbers allow.
    """

    levels: tuple[float, ...]
    possible: BoolArray
    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        possible = self.possible.view()
        possible.flags.writeable = False
        object.__setattr__(self, "possible", possible)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per interval and level."""
        import pandas as pd

        count = len(self.levels)
        return pd.DataFrame(
            {
                "interval": np.repeat(np.arange(self.low.size), count),
                "level": np.tile(self.levels, self.low.size),
                "possible": self.possible.ravel(),
                "low": np.repeat(self.low.ravel(), count),
                "high": np.repeat(self.high.ravel(), count),
            }
        )

    def __str__(self) -> str:
        texts = []
        for number, index in enumerate(np.ndindex(self.low.shape)):
            if number == 10:
                texts.append(f"... ({self.low.size} in all)")
                break
            fits = [
                f"{100 * level:g}%"
                for level, fit in zip(self.levels, self.possible[index], strict=True)
                if fit
            ]
            verdict = (
                " or ".join(fits) if fits else "none of " + ", ".join(f"{100 * x:g}%" for x in self.levels)
            )
            low, high = 100 * float(self.low[index]), 100 * float(self.high[index])
            texts.append(f"{verdict} (the printed numbers allow {low:.1f}% to {high:.1f}%)")
        return "\n".join(texts)


def infer_confidence_level(
    estimate: Printed,
    low: Printed | None = None,
    high: Printed | None = None,
    *,
    measure: str,
    pvalue: Printed | None = None,
    std_error: Printed | None = None,
    events: tuple[ArrayLike, ArrayLike] | None = None,
    levels: Sequence[float] = (0.9, 0.95, 0.99),
) -> ConfidenceLevels:
    """Tell which confidence levels a printed interval can have.

    Parameters
    ----------
    estimate, low, high : str, Reported or sequence of these
        As printed, in quotes: the answer rests on the rounding. A whole printed estimate ("1.50 (1.04-2.16)")
        may stand for the three.
    measure : str
        metafor's code.
    pvalue : str, Reported or sequence of these, optional
        Printed two-sided P-value of no effect.
    std_error : array_like, str, Reported or sequence of these, optional
        On the analysis scale; a number is exact (one computed from counts).
    events : tuple of two array_like, optional
        Events in the two groups. 1/x1 + 1/x0 is the variance of a crude log rate ratio, and nearly that of a
        log hazard ratio; of an adjusted one it is the least there can be, and the level comes out too high.
    levels : sequence of float, default (0.9, 0.95, 0.99)
        The levels in question.

    Returns
    -------
    ConfidenceLevels
        Of the common shape.

    Raises
    ------
    TypeError
        If not exactly one of `pvalue`, `std_error` and `events` is given, or a number stands where printed
        text is needed.
    ValueError
        If a limit or the estimate is outside the scale.

    Notes
    -----
    The width of the interval over twice the standard error is the normal quantile of the level. Each is taken
    over the whole of its rounding, without regard to the other: a level that is not possible cannot be, one
    that is possible need not be. The interval and the P-value must be Wald's.

    Examples
    --------
    >>> print(infer_confidence_level("1.50 (1.04-2.16)", pvalue="0.030", measure="OR"))
    95% (the printed numbers allow 94.5% to 95.4%)
    """
    if sum(source is not None for source in (pvalue, std_error, events)) != 1:
        raise TypeError("Exactly one of `pvalue`, `std_error` and `events` must be given.")
    if low is None and high is None:
        low, high = estimate, None
    for name, given in (("estimate", estimate), ("low", low), ("high", high), ("pvalue", pvalue)):
        if given is not None and not is_text(given):
            raise TypeError(
                f"`{name}` must be printed text, in quotes, but got {given!r}: 1.50 and 1.5 round apart."
            )
    lower, upper, _ = printed_limits(low, high)  # type: ignore[arg-type]
    _, narrow, wide = width_on_scale(lower, upper, measure)
    if pvalue is not None:
        found = std_error_from_pvalue(estimate, pvalue, measure=measure)
        least, most = found.low, found.high
    elif std_error is not None:
        _, least, most = printed_range("std_error", std_error)
    else:
        least = most = _of_events(events)
    if (most < 0).any():
        raise ValueError("`std_error` must not be negative.")
    narrow, wide, least, most = broadcast(
        low=narrow, high=wide, least=np.maximum(least, 0.0), most=np.maximum(most, 0.0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        first, last = (1 - two_sided_normal(part / 2) for part in (narrow / most, wide / least))
    wanted = np.array([check_confidence_level(level) for level in levels])
    # One last bit more on either side: a level may lie on the end itself.
    possible = (wanted >= first[..., None] - 1e-12) & (wanted <= last[..., None] + 1e-12)
    return ConfidenceLevels(levels=tuple(wanted.tolist()), possible=possible, low=first, high=last)


def _of_events(events: tuple[ArrayLike, ArrayLike] | None) -> FloatArray:
    if not isinstance(events, tuple) or len(events) != 2:
        raise TypeError(f"`events` must be a tuple of two counts, but got {events!r}.")
    first, second = broadcast(
        exposed=as_positive("events", events[0]), control=as_positive("events", events[1])
    )
    return np.sqrt(1 / first + 1 / second)
