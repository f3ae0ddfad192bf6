"""How many must be treated for one more to benefit or to be harmed, with an interval of up to two segments.

It is the reciprocal of the risk difference, whose interval is named by the method. Fractions and risks that
are attributable to an exposure live in `attributable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.measures.association import risk_difference
from analysis.values.arguments import check_choice, read_only
from analysis.values.framed import Framed
from analysis.values.text import short_needed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import Estimate

__all__ = ["NumberNeededToTreat", "number_needed_to_treat"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumberNeededToTreat(Framed):
    """A number needed to treat with its interval, which may have two segments.

    Parameters
    ----------
    risk_difference : Estimate
        Exposed (treated) minus controls; everything else follows from it.
    outcome : str
        "adverse" or "favourable".
    value : ndarray
        The number needed, greater than or equal to 1; infinite where the risks are equal.
    direction : ndarray
        1 where the estimate is a benefit (NNTB), -1 where it is a harm (NNTH), 0 where neither.
    segments : ndarray
        Of shape (..., 2, 2). `segments[..., 0, :]` are the least and greatest numbers needed to treat for
        one to benefit, `segments[..., 1, :]` those for one to be harmed. Where the interval of the risk
        difference holds 0 there are both, each up to infinity, where they meet; where it does not, the
        other segment is NaN, and both are where the interval is 0 itself (Wald's of two risks that do not
        vary).
    """

    risk_difference: Estimate
    outcome: str
    value: FloatArray
    direction: FloatArray
    segments: FloatArray

    def __post_init__(self) -> None:
        for name in ("value", "direction", "segments"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tables; () for one."""
        return self.value.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per table, in C order, at full precision."""
        import pandas as pd

        segments = self.segments.reshape(-1, 4)
        names = ("benefit_low", "benefit_high", "harm_low", "harm_high")
        direction = self.direction.ravel()
        columns: dict[str, Any] = {
            "measure": "NNT",
            "value": self.value.ravel(),
            "direction": np.select([direction > 0, direction < 0], ["benefit", "harm"], "none"),
        }
        columns |= {name: segments[:, i] for i, name in enumerate(names)}
        columns["risk_difference"] = self.risk_difference.value.ravel()
        columns["confidence_level"] = self.risk_difference.confidence_level
        return pd.DataFrame(columns | {"outcome": self.outcome, "method": self.risk_difference.method})

    def __str__(self) -> str:
        """Return what Altman prints, "NNTB 23 (NNTB 10 to ∞ to NNTH 50)"; at most ten lines."""
        lines: list[str] = []
        for value, direction, segments in zip(
            self.value.ravel(), self.direction.ravel(), self.segments.reshape(-1, 2, 2), strict=True
        ):
            if len(lines) == 10:
                lines.append(f"... ({self.value.size} in all)")
                break
            lines.append(_nnt_text(float(value), float(direction), segments))
        return "\n".join(lines)


def number_needed_to_treat(
    table: TwoByTwo,
    *,
    outcome: str = "adverse",
    method: str = "newcombe",
    confidence_level: float = 0.95,
) -> NumberNeededToTreat:
    """Estimate how many must be treated for one more to benefit (or to be harmed).

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables; the exposed are the treated.
    outcome : {"adverse", "favourable"}, default "adverse"
        What a case is. Where it is adverse, fewer cases among the treated are the benefit; this is the
        usual case, and a paper that counts responders needs the other.
    method : str, default "newcombe"
        Any method of `risk_difference`. Wald's interval, which most papers used, is too short for small
        groups and for risks near 0.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    NumberNeededToTreat
        Of the shape of `table`. Nothing is rounded; many papers round the number up.

    Raises
    ------
    ValueError
        If an argument is unknown or outside its range.

    Notes
    -----
    The number is the reciprocal of the absolute risk reduction, its limits are the reciprocals of those of
    the reduction. Where these differ in sign the numbers run from one limit to infinity and from infinity to
    the other: an interval written "-14 to 11" would hold everything but the estimate.

    References
    ----------
    Altman DG (1998). Confidence intervals for the number needed to treat. BMJ 317:1309-1312.
    DOI 10.1136/bmj.317.7168.1309

    Examples
    --------
    One more in a hundred is a case among the treated:

    >>> from analysis import TwoByTwo
    >>> trial = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=9, control_total=100)
    >>> print(number_needed_to_treat(trial, method="wald"))
    NNTH 100 (NNTH 11 to ∞ to NNTB 14)
    """
    check_choice("outcome", outcome, ("adverse", "favourable"))
    difference = risk_difference(table, method=method, confidence_level=confidence_level)
    sign = -1.0 if outcome == "adverse" else 1.0
    benefit = sign * difference.value
    # Limits of the benefit, the smaller first.
    least, most = (difference.low, difference.high) if sign > 0 else (-difference.high, -difference.low)
    with np.errstate(divide="ignore"):
        value = 1 / np.abs(benefit)
        segments = np.stack([_segment(least, most), _segment(-most, -least)], axis=-2)
    return NumberNeededToTreat(
        risk_difference=difference,
        outcome=outcome,
        value=value,
        direction=np.where(np.isnan(benefit), 0.0, np.sign(benefit)),
        segments=segments,
    )


def _segment(least: FloatArray, most: FloatArray) -> FloatArray:
    """Return the reciprocals of the positive part of [least, most], the smaller first; NaN if it is empty."""
    present = most > 0
    low = np.where(present, 1 / np.where(present, most, 1.0), np.nan)
    high = np.where(least > 0, 1 / np.where(least > 0, least, 1.0), np.inf)
    return np.stack([low, np.where(present, high, np.nan)], axis=-1)


def _nnt_text(value: float, direction: float, segments: FloatArray) -> str:
    if np.isnan(value):
        return "not estimable"
    sides = [("NNTB", segments[0]), ("NNTH", segments[1])]
    if direction < 0:
        sides.reverse()
    present = [(name, limits) for name, limits in sides if not np.isnan(limits[0])]
    name = "NNT" if direction == 0 else sides[0][0]
    if not present:
        return f"{name} {short_needed(value)}"
    first, (low, high) = present[0]
    if len(present) == 2:
        other, (other_low, _) = present[1]
        interval = f"{first} {short_needed(low)} to ∞ to {other} {short_needed(other_low)}"
    else:
        interval = (
            f"{first} {short_needed(low)} to {'∞' if np.isinf(high) else f'{first} {short_needed(high)}'}"
        )
    return f"{name} {short_needed(value)} ({interval})"
