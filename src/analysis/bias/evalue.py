"""E-values: how strong a bias would have to be to explain an estimate away.

For an unmeasured confounder here; for several biases at once and for selection alone in
`methods.multiple_bounds`, for interaction in `methods.interaction_strength`, both offered here too; for a
meta-analysis in `evalue_meta`. An E-value says what it would take, not what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.evalue_input import RiskRatios, from_differences, from_ratios, unread
from analysis.bias.methods.interaction_strength import InteractionEValue, interaction_e_value
from analysis.bias.methods.multiple_bounds import (
    ConfoundingBound,
    MisclassificationBound,
    SelectionBound,
    equal_strengths_of_all,
)
from analysis.bias.methods.risk_difference_bound import factor_for_difference, factor_for_limit, risks_of
from analysis.bias.methods.strength import away_from_one, bounding_factor_of, equal_strengths, nearer_limit
from analysis.measures.association import odds_ratio, risk_ratio
from analysis.values.arguments import as_numbers, as_positive, broadcast, check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.bias.methods.multiple_bounds import Bound
    from analysis.values.arrays import FloatArray

__all__ = [
    "ConfoundingBound",
    "EValue",
    "InteractionEValue",
    "MisclassificationBound",
    "SelectionBound",
    "bounding_factor",
    "e_value",
    "interaction_e_value",
    "multi_bias_e_value",
    "needed_strength",
]

_RATIOS = ("RR", "OR", "HR", "IRR")
_DIFFERENCES = ("SMD", "OLS")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EValue(Framed):
    """E-values of an estimate and of its interval.

    Parameters
    ----------
    measure : str
        What the estimate was.
    value : ndarray
        E-value of the estimate, at least 1.
    limit : ndarray
        E-value of the confidence limit nearer the true value; 1 where the interval holds it, NaN where that
        limit was not given.
    holds : ndarray
        1 where the interval holds the true value, 0 where not, NaN where it is not known.
    risk_ratio, risk_ratio_low, risk_ratio_high : ndarray
        The risk ratios that the estimate was taken for; NaN for a risk difference, which needs none, and for
        limits that were not given.
    true : ndarray
        The value that bias is asked to bring the estimate to, on the scale of the measure.
    biases : str
        What the strengths are of.
    """

    measure: str
    value: FloatArray
    limit: FloatArray
    holds: FloatArray
    risk_ratio: FloatArray
    risk_ratio_low: FloatArray
    risk_ratio_high: FloatArray
    true: FloatArray
    biases: str = "unmeasured confounding"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimate, in C order, at full precision."""
        import pandas as pd

        names = ("true", "risk_ratio", "risk_ratio_low", "risk_ratio_high", "value", "limit", "holds")
        shape = self.value.shape
        columns = {name: np.broadcast_to(getattr(self, name), shape).ravel() for name in names}
        columns |= {"e_value": columns.pop("value"), "e_value_limit": columns.pop("limit")}
        columns["interval_holds_true"] = columns.pop("holds")
        return pd.DataFrame({"measure": self.measure, "biases": self.biases} | columns)

    def __str__(self) -> str:
        """Return the sentence that a paper prints, one line each, at most ten."""
        lines = []
        true = np.broadcast_to(self.true, self.value.shape).ravel()
        rows = zip(self.value.flat, self.limit.flat, self.holds.flat, true, strict=True)
        for number, (value, limit, holds, goal) in enumerate(rows):
            if number == 10:
                lines.append(f"... ({self.value.size} in all)")
                break
            text = f"E-value {short_number(value)} for the estimate"
            if holds == 1:
                text += f", 1 for the interval, which holds {goal:g} already"
            elif holds == 0:
                text += f", {short_number(limit)} for the limit nearer {goal:g}"
            lines.append(text)
        return "\n".join(lines)


def e_value(
    estimate: ArrayLike | Estimate | TwoByTwo,
    *,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    measure: str | None = None,
    outcome: str | None = None,
    true: ArrayLike | None = None,
    std_error: ArrayLike | None = None,
    outcome_sd: ArrayLike | None = None,
    contrast: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> EValue:
    """Give the strength that an unmeasured confounder needs to explain an estimate away.

    Parameters
    ----------
    estimate : array_like, Estimate or TwoByTwo
        A ratio (greater than 0), a standardized mean difference, a regression coefficient, an `Estimate` of
        measure RR, OR, HR or IRR, or a table.
    low, high : array_like, optional
        Confidence limits of a ratio; the one nearer the true value is read. An `Estimate` brings its own.
    measure : {"RR", "OR", "HR", "IRR", "RD", "SMD", "OLS"}, optional
        Needed for numbers; of a table default "RR". "RD" needs a table.
    outcome : {"rare", "common"}, optional
        Needed for OR and HR: with a rare outcome (below 15 % at the end of follow-up) they stand for risk
        ratios, with a common one √OR and (1 - 0.5^√HR)/(1 - 0.5^√(1/HR)) do.
    true : array_like, optional
        What bias is asked to bring the estimate to; default no effect. On the scale of the measure.
    std_error : array_like, optional
        Of a standardized mean difference or a coefficient, instead of limits.
    outcome_sd : array_like, optional
        Needed for "OLS": standard deviation of the outcome.
    contrast : array_like, optional
        For "OLS": the difference in exposure that is asked about; default 1 unit.
    confidence_level : float, default 0.95
        Of the limits of a table. Standardized differences have the factor of 95 % built in.

    Returns
    -------
    EValue
        Of the estimate and of the limit nearer the true value; the latter is 1, and is said to be, where the
        interval holds it.

    Raises
    ------
    TypeError
        If a needed argument is missing or one is given that is not read.
    ValueError
        If a ratio is not greater than 0, limits do not surround the estimate, or a choice is unknown.

    Notes
    -----
    With B the ratio over the true ratio, or its inverse, whichever is at least 1, E = B + √(B(B - 1)): two
    strengths, of the confounder with the exposure and with the outcome, both E as risk ratios, could move the
    estimate so far, weaker ones could not. A standardized difference d stands for the risk ratio exp(0.91 d),
    limits exp(0.91 d ± 1.78 se). For a risk difference the bias factor B is the one by which the least
    standardized difference (p1 - B p0)(f + (1 - f)/B) is the true one, f being the share of the exposed, and
    for its limit the root of the limit of that difference.

    References
    ----------
    VanderWeele TJ, Ding P (2017). Sensitivity analysis in observational research: introducing the E-value.
    Ann Intern Med 167:268-274. DOI 10.7326/M16-2607

    Ding P, VanderWeele TJ (2016). Sensitivity analysis without assumptions. Epidemiology 27:368-377.
    DOI 10.1097/EDE.0000000000000457

    Examples
    --------
    Smoking and lung cancer, the first example of VanderWeele and Ding:

    >>> print(e_value(10.73, low=8.02, high=14.36, measure="RR"))
    E-value 20.95 for the estimate, 15.52 for the limit nearer 1

    Osteoporosis in ankylosing spondylitis, hazard ratio 1.83 (1.58-2.11), Sharif et al. 2023:

    >>> print(e_value(1.83, low=1.58, high=2.11, measure="HR", outcome="rare"))
    E-value 3.06 for the estimate, 2.54 for the limit nearer 1
    """
    if isinstance(estimate, TwoByTwo):
        name = check_choice("measure", measure or "RR", ("RR", "OR", "RD"))
        unread("a table", low=low, high=high, std_error=std_error, outcome_sd=outcome_sd, contrast=contrast)
        if name == "RD":
            unread("measure 'RD'", outcome=outcome)
            return _of_difference(estimate, true, check_confidence_level(confidence_level))
        estimate = (risk_ratio if name == "RR" else odds_ratio)(estimate, confidence_level=confidence_level)
    if isinstance(estimate, Estimate):
        if measure not in {None, estimate.measure}:
            raise ValueError(
                f"`measure` must be that of the estimate, {estimate.measure!r}, but got {measure!r}."
            )
        unread("an estimate", low=low, high=high)
        low, high, measure, estimate = estimate.low, estimate.high, estimate.measure, estimate.value
    if measure is None:
        raise TypeError(f"`measure` must be given with numbers: one of {(*_RATIOS, *_DIFFERENCES)}.")
    if measure == "RD":
        raise TypeError(
            "The E-value of a risk difference depends on both risks: give the table (a TwoByTwo)."
        )
    check_choice("measure", measure, (*_RATIOS, *_DIFFERENCES))
    if measure in _DIFFERENCES:
        unread(f"measure {measure!r}", low=low, high=high, outcome=outcome)
        differences = from_differences(estimate, measure, std_error, outcome_sd, contrast, true)
        return _of_ratios(measure, differences, 0.0 if true is None else true)
    unread(f"measure {measure!r}", std_error=std_error, outcome_sd=outcome_sd, contrast=contrast)
    ratios = from_ratios(estimate, low, high, true, measure=measure, outcome=outcome)
    return _of_ratios(measure, ratios, 1.0 if true is None else true)


def multi_bias_e_value(
    estimate: ArrayLike | Estimate,
    *,
    biases: Sequence[Bound],
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    measure: str | None = None,
    outcome: str | None = None,
    true: ArrayLike | None = None,
) -> EValue:
    """Give the strength that several biases together need, all of their parameters being equal.

    Parameters
    ----------
    estimate, low, high, measure, outcome, true
        As for `e_value`, for ratios.
    biases : sequence of ConfoundingBound, SelectionBound, MisclassificationBound
        At most one of each kind. `SelectionBound` alone gives the selection E-value.

    Returns
    -------
    EValue
        The equal strength, as a risk ratio, of every parameter of every bias.

    Raises
    ------
    TypeError, ValueError
        As for `e_value`, and if `biases` is empty, holds something else, or a kind twice.

    Notes
    -----
    The biases together divide a risk ratio by at most the product of their bounds. A bound is a bounding
    factor xy/(x + y - 1) for every pair of strengths, or the strength itself; the E-value solves
    (E²/(2E - 1))^m E^n = B for the m pairs and n single strengths.

    References
    ----------
    Smith LH, Mathur MB, VanderWeele TJ (2021). Multiple-bias sensitivity analysis using bounds. Epidemiology
    32:625-634. DOI 10.1097/EDE.0000000000001380

    Smith LH, VanderWeele TJ (2019). Bounding bias due to selection. Epidemiology 30:509-516.
    DOI 10.1097/EDE.0000000000001032

    VanderWeele TJ, Li Y (2019). Simple sensitivity analysis for differential measurement error. Am J
    Epidemiol 188:1823-1829. DOI 10.1093/aje/kwz133

    Examples
    --------
    >>> print(
    ...     multi_bias_e_value(
    ...         4, low=2.2, high=7.3, measure="RR", biases=[ConfoundingBound(), SelectionBound()]
    ...     )
    ... )
    E-value 2.55 for the estimate, 1.93 for the limit nearer 1
    """
    given = tuple(biases)
    if not given or not all(
        isinstance(bias, (ConfoundingBound, SelectionBound, MisclassificationBound)) for bias in given
    ):
        raise TypeError(
            "`biases` must list ConfoundingBound(), SelectionBound() or MisclassificationBound(), "
            f"but got {given!r}."
        )
    if len({type(bias) for bias in given}) < len(given):
        raise ValueError("`biases` must name each kind of bias once; their bounds hold for one of each.")
    if isinstance(estimate, Estimate):
        unread("an estimate", low=low, high=high, measure=measure)
        low, high, measure, estimate = estimate.low, estimate.high, estimate.measure, estimate.value
    if measure is None:
        raise TypeError(f"`measure` must be given with numbers: one of {_RATIOS}.")
    check_choice("measure", measure, _RATIOS)
    ratios = from_ratios(estimate, low, high, true, measure=measure, outcome=outcome)
    pairs, singles = sum(bias.pairs for bias in given), sum(bias.singles for bias in given)
    names = ", ".join(bias.name for bias in given)
    return _of_ratios(
        measure, ratios, 1.0 if true is None else true, pairs=pairs, singles=singles, biases=names
    )


def bounding_factor(exposure_strength: ArrayLike, outcome_strength: ArrayLike) -> FloatArray:
    """Return the largest factor by which a confounder of two strengths can multiply a risk ratio.

    Parameters
    ----------
    exposure_strength, outcome_strength : array_like
        Risk ratios of at least 1: the largest by which the exposure multiplies the prevalence of any level of
        the confounder, and by which the confounder multiplies the risk.

    Returns
    -------
    ndarray
        xy/(x + y - 1). Over a grid this is the contour that E-values are read from.

    Raises
    ------
    ValueError
        If a strength is below 1.

    References
    ----------
    Ding P, VanderWeele TJ (2016). Sensitivity analysis without assumptions. Epidemiology 27:368-377.
    DOI 10.1097/EDE.0000000000000457

    Examples
    --------
    >>> round(float(bounding_factor(2.2, 1.7)), 3)
    1.29
    """
    first, second = broadcast(
        exposure_strength=_strength("exposure_strength", exposure_strength),
        outcome_strength=_strength("outcome_strength", outcome_strength),
    )
    return bounding_factor_of(first, second)


def needed_strength(factor: ArrayLike, *, other_strength: ArrayLike) -> FloatArray:
    """Return the second strength with which a first one reaches a bias factor: a line of the contour.

    Parameters
    ----------
    factor : array_like
        Bias factor of at least 1.
    other_strength : array_like
        Strength of the confounder with exposure or outcome, at least 1.

    Returns
    -------
    ndarray
        Infinite where the other strength does not exceed the factor: no second one is enough.

    Raises
    ------
    ValueError
        If an argument is below 1.

    Examples
    --------
    >>> needed_strength(1.83, other_strength=[1.5, 2, 3.06]).round(2)
    array([ inf, 10.76,  3.06])
    """
    bias, other = broadcast(
        factor=_strength("factor", factor), other_strength=_strength("other_strength", other_strength)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(other > bias, bias * (other - 1) / (other - bias), np.inf)
    return np.where(bias == 1, 1.0, needed)


def _strength(name: str, values: ArrayLike) -> FloatArray:
    array = as_positive(name, values)
    fault = array < 1
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must be at least 1, but got {array[index]:g}{f' at index {index}' if index else ''}; "
            "invert ratios below 1."
        )
    return array


def _of_ratios(
    measure: str,
    ratios: RiskRatios,
    true: ArrayLike,
    *,
    pairs: int = 1,
    singles: int = 0,
    biases: str = "unmeasured confounding",
) -> EValue:
    value, low, high, goal = ratios
    near, holds = nearer_limit(value, low, high, goal)
    return EValue(
        measure=measure,
        value=equal_strengths_of_all(away_from_one(value / goal), pairs, singles),
        limit=equal_strengths_of_all(near, pairs, singles),
        holds=holds,
        risk_ratio=value,
        risk_ratio_low=low,
        risk_ratio_high=high,
        true=np.asarray(true, dtype=np.float64),
        biases=biases,
    )


def _of_difference(table: TwoByTwo, true: ArrayLike | None, level: float) -> EValue:
    goal = as_numbers("true", 0.0 if true is None else true)
    if not ((goal > -1) & (goal < 1)).all():
        raise ValueError("`true` must be a difference of risks, between -1 and 1.")
    if (table.exposed_total == 0).any() or (table.control_total == 0).any():
        raise ValueError("Both groups of the table must hold persons: an empty one has no risk.")
    risks = risks_of(table)
    above = risks.exposed - risks.control >= goal
    sides = [
        (
            factor_for_difference(group, aim),
            factor_for_limit(group, aim, normal_quantile((1 + level) / 2)),
        )
        for group, aim in ((risks, goal), (risks.turned(), -goal))
    ]
    factor, near = (np.where(above, up, down) for up, down in zip(*sides, strict=True))
    unknown = np.full(factor.shape, np.nan)
    return EValue(
        measure="RD",
        value=equal_strengths(factor),
        limit=equal_strengths(near),
        holds=np.where(near > 1, 0.0, 1.0),
        risk_ratio=unknown,
        risk_ratio_low=unknown,
        risk_ratio_high=unknown,
        true=goal,
    )
