"""What a relative effect means for persons: risks, their difference and the number needed to treat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.measures.converted_range import AbsoluteEffects, ConvertedRange
from analysis.measures.methods.baseline_risk import EXPOSED_RISK, check_risk, effect_of, over_risk, risks_of
from analysis.values.arguments import check_choice
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.measures.methods.baseline_risk import Risk
    from analysis.values.arrays import FloatArray

__all__ = ["absolute_effects"]


def absolute_effects(
    estimate: ArrayLike | Estimate, *, baseline_risk: Risk, measure: str | None = None
) -> AbsoluteEffects:
    """Turn a relative effect into risks, over a range of risks without exposure.

    Parameters
    ----------
    estimate : array_like or Estimate
        Risk, odds or hazard ratio, greater than 0; with an estimate its limits are converted too.
    baseline_risk : float, array_like or tuple of two
        The risk without exposure (for a hazard ratio, over the whole follow-up) if it is known, or a tuple of
        its lowest and highest value.
    measure : {"RR", "OR", "HR"}, optional
        That of the estimate if one is given; needed for numbers.

    Returns
    -------
    AbsoluteEffects
        Risk with exposure, risk difference and number needed to treat.

    Raises
    ------
    TypeError
        If the measure is not given for numbers.
    ValueError
        If the measure is none of the three, a risk outside [0, 1], bounds in the wrong order, or a risk ratio
        times a risk exceeds 1.

    Notes
    -----
    Risk with exposure: RR p0; OR p0/(1 - p0 + OR p0); 1 - (1 - p0)^HR. The risk difference of an odds or
    hazard ratio is largest between the ends: at p0 = 1/(1 + √OR), and at 1 - p0 = HR^(1/(1 - HR)); where
    these lie within the bounds, they are the end of the range. Relative effects are taken as the same at
    every baseline risk.

    References
    ----------
    Altman DG (1998). Confidence intervals for the number needed to treat. BMJ 317:1309-1312.
    DOI 10.1136/bmj.317.7168.1309

    Examples
    --------
    >>> print(absolute_effects(1.83, measure="HR", baseline_risk=(0.02, 0.04)))
    Proportion 3.6% to 7.2%
    Risk difference 0.016 to 0.032
    Number needed to treat NNTH 31 to NNTH 61
    from hazard ratio, if the risk without exposure over the follow-up is between 2.0% and 4.0%
    """
    if isinstance(estimate, Estimate):
        if measure not in {None, estimate.measure}:
            raise ValueError(
                f"`measure` must be that of the estimate, {estimate.measure!r}, but got {measure!r}."
            )
        code = estimate.measure
    elif measure is None:
        raise TypeError('`measure` must be given for numbers: "RR", "OR" or "HR".')
    else:
        code = measure
    check_choice("measure", code, tuple(EXPOSED_RISK))
    effect = effect_of("estimate", estimate, (code,))
    low, high = risks_of("baseline_risk", baseline_risk)
    if code == "RR":
        check_risk("estimate", effect, high)
    exposed, difference, turning = EXPOSED_RISK[code]
    when = " over the follow-up" if code == "HR" else ""

    options: dict[str, Any] = {"low": low, "high": high, "method": "algebra", "when": when, "source": code}
    risk_difference = over_risk(effect, "RD", difference, turning=turning, **options)
    return AbsoluteEffects(
        exposed_risk=over_risk(effect, "PR", exposed, **options),
        risk_difference=risk_difference,
        number_needed_to_treat=_reciprocal(risk_difference),
    )


def _reciprocal(difference: ConvertedRange) -> ConvertedRange:
    def ends(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(divide="ignore"):
            first = np.where(high == 0, np.where(low < 0, -np.inf, np.inf), 1 / high)
            last = np.where(low == 0, np.inf, 1 / low)
        return first, last

    low, high = ends(difference.low, difference.high)
    limits: tuple[FloatArray | None, FloatArray | None] = None, None
    if difference.interval_low is not None and difference.interval_high is not None:
        limits = ends(difference.interval_low, difference.interval_high)
    return ConvertedRange(
        source=difference.source,
        target="NNT",
        low=low,
        high=high,
        interval_low=limits[0],
        interval_high=limits[1],
        confidence_level=difference.confidence_level,
        method=difference.method,
        assumption=difference.assumption,
    )
