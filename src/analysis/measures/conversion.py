"""From one effect measure to another, as an interval over what the conversion needs and the paper lacks.

An odds ratio is no risk ratio: which risk ratio it is depends on the risk without exposure. Nothing here
relabels; every result says what was assumed. Risks and numbers needed to treat live in `absolute_effect`,
standard errors from printed numbers in `std_error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.converted_range import ConvertedRange
from analysis.measures.methods.baseline_risk import (
    Effect,
    bounds_in_words,
    check_risk,
    effect_of,
    odds_ratio_of_risks,
    over_risk,
    risk_ratio_of_hazards,
    risk_ratio_of_odds,
    risks_of,
)
from analysis.values.arguments import check_choice
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.measures.methods.baseline_risk import Risk
    from analysis.values.arrays import FloatArray

__all__ = [
    "hazard_ratio_to_risk_ratio",
    "log_odds_ratio_to_standardized_mean_difference",
    "odds_ratio_to_risk_ratio",
    "risk_ratio_to_odds_ratio",
    "standardized_mean_difference_to_log_odds_ratio",
]

_MIDDLING = (0.2, 0.8)
# Log odds ratio over standardized mean difference.
_FACTORS = {"chinn": np.pi / np.sqrt(3), "cox-snell": 1.65}


def odds_ratio_to_risk_ratio(
    odds_ratio: ArrayLike | Estimate,
    *,
    method: str = "zhang-yu",
    baseline_risk: Risk | None = None,
    both_risks: tuple[float, float] | None = None,
) -> ConvertedRange:
    """Give the risk ratios that an odds ratio may stand for.

    Parameters
    ----------
    odds_ratio : array_like or Estimate
        Greater than 0; with an estimate its limits are converted too.
    method : {"zhang-yu", "square-root", "minimax"}, default "zhang-yu"
        "zhang-yu": from the risk without exposure. "square-root": nothing is known but that the outcome is
        common, both risks lying as far from 0 as from 1 (VanderWeele 2017); `middle` is the square root.
        "minimax": both risks lie in an interval that need not be symmetric; `middle` is the value with the
        least largest factor of error (VanderWeele 2020).
    baseline_risk : float, array_like or tuple of two
        For "zhang-yu" and needed there: the risk without exposure if it is known, or a tuple of its lowest
        and highest value.
    both_risks : tuple of two floats
        The interval of both risks, for the other methods. Default (0.2, 0.8) for "square-root", where the
        square root is off by a factor of 1.25 at most.

    Returns
    -------
    ConvertedRange
        Target "RR".

    Raises
    ------
    TypeError
        If the wrong one of the two risk arguments is given.
    ValueError
        If a risk is outside [0, 1], bounds are in the wrong order or not symmetric for "square-root", or no
        two risks in `both_risks` have so large an odds ratio.

    Notes
    -----
    With risk p0 without exposure, RR = OR/(1 - p0 + p0 OR). It falls from OR to 1 as p0 rises (OR > 1), so
    the ends of the range are at the ends of p0 (Grant 2014). With both risks in [l, u] and OR > 1, RR lies
    between u + OR(1 - u) and OR/(1 - l + l OR); for u = 1 - l the geometric middle of these is √OR.

    An adjusted odds ratio holds within strata, each of which has its own p0; put into the formula with the
    crude p0 it gives neither the adjusted risk ratio nor limits of the stated level (McNutt 2003). Read the
    range as bounds, over the p0 of all strata.

    References
    ----------
    Zhang J, Yu KF (1998). What's the relative risk? A method of correcting the odds ratio in cohort studies
    of common outcomes. JAMA 280:1690-1691. DOI 10.1001/jama.280.19.1690

    McNutt LA, Wu C, Xue X, Hafner JP (2003). Estimating the relative risk in cohort studies and clinical
    trials of common outcomes. Am J Epidemiol 157:940-943.

    Grant RL (2014). Converting an odds ratio to a range of plausible relative risks for better communication
    of research findings. BMJ 348:f7450. DOI 10.1136/bmj.f7450

    VanderWeele TJ (2017). On a square-root transformation of the odds ratio for a common outcome.
    Epidemiology 28:e58-e60. DOI 10.1097/EDE.0000000000000733

    VanderWeele TJ (2020). Optimal approximate conversions of odds ratios and hazard ratios to risk ratios.
    Biometrics 76:746-752. DOI 10.1111/biom.13197

    Examples
    --------
    >>> print(odds_ratio_to_risk_ratio(2.0, baseline_risk=(0.1, 0.3)))
    Risk ratio 1.54 to 1.82
    from odds ratio, if the risk without exposure is between 10.0% and 30.0%
    >>> print(odds_ratio_to_risk_ratio(2.0, method="square-root"))
    Risk ratio 1.20 to 1.67, middle 1.41
    from odds ratio, if the risks with and without exposure are both between 20.0% and 80.0%
    """
    check_choice("method", method, ("zhang-yu", "square-root", "minimax"))
    effect = effect_of("odds_ratio", odds_ratio, ("OR", "PETO"))
    if method == "zhang-yu":
        if both_risks is not None:
            raise TypeError(
                "`both_risks` is for methods 'square-root' and 'minimax'; 'zhang-yu' reads `baseline_risk`."
            )
        low, high = risks_of("baseline_risk", baseline_risk)
        return over_risk(effect, "RR", risk_ratio_of_odds, low, high, method)
    if baseline_risk is not None:
        raise TypeError(f"`baseline_risk` is for method 'zhang-yu'; {method!r} reads `both_risks`.")
    l, u = _both_risks(both_risks, method)
    most = u * (1 - l) / ((1 - u) * l) if 0 < l <= u < 1 else np.inf
    _check_reach("odds_ratio", effect, most, (l, u))

    def smallest(ratio: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(ratio >= 1, u + ratio * (1 - u), l + ratio * (1 - l))

    def largest(ratio: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(ratio >= 1, ratio / (1 - l + l * ratio), ratio / (1 - u + u * ratio))

    low_end, high_end = smallest(effect.value), largest(effect.value)
    with np.errstate(invalid="ignore"):
        middle = np.sqrt(low_end * high_end)
    return _both_result(effect, smallest, largest, middle, most, method, (l, u))


def hazard_ratio_to_risk_ratio(
    hazard_ratio: ArrayLike | Estimate,
    *,
    method: str = "proportional-hazards",
    cumulative_risk: Risk | None = None,
    both_risks: tuple[float, float] | None = None,
) -> ConvertedRange:
    """Give the risk ratios at the end of follow-up that a hazard ratio may stand for.

    Parameters
    ----------
    hazard_ratio : array_like or Estimate
        Greater than 0; with an estimate its limits are converted too.
    method : {"proportional-hazards", "vanderweele"}, default "proportional-hazards"
        "proportional-hazards": from the risk without exposure over the follow-up. "vanderweele": nothing is
        known but that the outcome is common; `middle` is his approximation.
    cumulative_risk : float, array_like or tuple of two
        For "proportional-hazards" and needed there: the risk without exposure over the whole follow-up, or a
        tuple of its lowest and highest value.
    both_risks : tuple of two floats, default (0.2, 0.8)
        For "vanderweele": the interval of both risks.

    Returns
    -------
    ConvertedRange
        Target "RR".

    Raises
    ------
    TypeError, ValueError
        As for `odds_ratio_to_risk_ratio`.

    Notes
    -----
    With risk r without exposure, RR = (1 - (1 - r)^HR)/r: exact if the hazards are proportional throughout,
    everyone is followed to the end and nothing competes. It falls from HR to 1 as r rises (HR > 1). With both
    risks in [l, u] and HR > 1 the ends are where the risk without exposure is l and where the risk with
    exposure is u. VanderWeele's value is (1 - 0.5^√HR)/(1 - 0.5^√(1/HR)): the two survivals lie symmetrically
    about one half on the scale of the log hazard.

    References
    ----------
    VanderWeele TJ (2020). Optimal approximate conversions of odds ratios and hazard ratios to risk ratios.
    Biometrics 76:746-752. DOI 10.1111/biom.13197

    Examples
    --------
    The adjusted hazard ratio of osteoporosis in Sharif et al. 2023, 1.83, where 2.8 % of controls had it:

    >>> print(hazard_ratio_to_risk_ratio(1.83, cumulative_risk=(0.02, 0.04)))
    Risk ratio 1.80 to 1.81
    from hazard ratio, if the risk without exposure over the follow-up is between 2.0% and 4.0%
    """
    check_choice("method", method, ("proportional-hazards", "vanderweele"))
    effect = effect_of("hazard_ratio", hazard_ratio, ("HR",))
    if method == "proportional-hazards":
        if both_risks is not None:
            raise TypeError(
                "`both_risks` is for method 'vanderweele'; 'proportional-hazards' reads `cumulative_risk`."
            )
        low, high = risks_of("cumulative_risk", cumulative_risk)
        return over_risk(effect, "RR", risk_ratio_of_hazards, low, high, method, when=" over the follow-up")
    if cumulative_risk is not None:
        raise TypeError(
            "`cumulative_risk` is for method 'proportional-hazards'; 'vanderweele' reads `both_risks`."
        )
    l, u = _both_risks(both_risks, method)
    most = float(np.log1p(-u) / np.log1p(-l)) if 0 < l <= u < 1 else np.inf
    _check_reach("hazard_ratio", effect, most, (l, u))

    def smallest(ratio: FloatArray) -> FloatArray:
        exposed = np.where(ratio >= 1, u, l)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(exposed / -np.expm1(np.log1p(-exposed) / ratio))

    def largest(ratio: FloatArray) -> FloatArray:
        return risk_ratio_of_hazards(ratio, np.where(ratio >= 1, l, u))

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        root = np.sqrt(effect.value)
        middle = np.expm1(-np.log(2) * root) / np.expm1(-np.log(2) / root)
    return _both_result(effect, smallest, largest, middle, most, method, (l, u))


def risk_ratio_to_odds_ratio(risk_ratio: ArrayLike | Estimate, *, baseline_risk: Risk) -> ConvertedRange:
    """Give the odds ratios that a risk ratio may stand for.

    Parameters
    ----------
    risk_ratio : array_like or Estimate
        Greater than 0; with an estimate its limits are converted too.
    baseline_risk : float, array_like or tuple of two
        The risk without exposure if it is known, or a tuple of its lowest and highest value.

    Returns
    -------
    ConvertedRange
        Target "OR". A limit that would need a risk above 1 gives infinity.

    Raises
    ------
    ValueError
        If a risk is outside [0, 1], bounds are in the wrong order, or risk ratio times risk exceeds 1.

    Notes
    -----
    OR = RR (1 - p0)/(1 - RR p0).

    Examples
    --------
    >>> print(risk_ratio_to_odds_ratio(1.6, baseline_risk=0.25))
    Odds ratio 2.00
    from risk ratio, if the risk without exposure is 25.0%
    """
    effect = effect_of("risk_ratio", risk_ratio, ("RR",))
    low, high = risks_of("baseline_risk", baseline_risk)
    check_risk("risk_ratio", effect, high)
    return over_risk(effect, "OR", odds_ratio_of_risks, low, high, "algebra")


def standardized_mean_difference_to_log_odds_ratio(
    standardized_mean_difference: ArrayLike | Estimate, *, method: str = "either"
) -> ConvertedRange:
    """Give the log odds ratios of a dichotomized outcome that a standardized mean difference may stand for.

    Parameters
    ----------
    standardized_mean_difference : array_like or Estimate
        An estimate is one on the identity scale (measure "GEN"); its limits are converted too.
    method : {"either", "chinn", "cox-snell"}, default "either"
        "chinn": times π/√3 = 1.81, for a logistic outcome; "cox-snell": times 1.65, for a normal one. The
        distribution is the unknown: "either" is the range from one to the other.

    Returns
    -------
    ConvertedRange
        Target "log odds ratio", on the log scale; a standard error is multiplied by the same factor.

    Raises
    ------
    ValueError
        If the method is unknown or the estimate of another measure.

    References
    ----------
    Chinn S (2000). A simple method for converting an odds ratio to effect size for use in meta-analysis. Stat
    Med 19:3127-3131. DOI 10.1002/1097-0258(20001130)19:22<3127::AID-SIM784>3.0.CO;2-M

    Cox DR, Snell EJ (1989). Analysis of binary data. 2nd ed. London: Chapman & Hall. (Citation
    not verified.)

    Examples
    --------
    >>> print(standardized_mean_difference_to_log_odds_ratio(0.5))
    Log odds ratio 0.83 to 0.91
    from standardized mean difference, if the outcome behind the cut is normal or logistic
    """
    return _scaled(
        effect_of("standardized_mean_difference", standardized_mean_difference, ("GEN",), ratio=False),
        ("Standardized mean difference", "Log odds ratio"),
        method,
        inverse=False,
    )


def log_odds_ratio_to_standardized_mean_difference(
    log_odds_ratio: ArrayLike | Estimate, *, method: str = "either"
) -> ConvertedRange:
    """Give the standardized mean differences that a log odds ratio may stand for.

    Parameters
    ----------
    log_odds_ratio : array_like or Estimate
        Numbers on the log scale. An estimate of measure "OR" is taken to the log scale.
    method : {"either", "chinn", "cox-snell"}, default "either"
        As for `standardized_mean_difference_to_log_odds_ratio`, whose inverse this is.

    Returns
    -------
    ConvertedRange
        Target "standardized mean difference".

    Raises
    ------
    ValueError
        If the method is unknown or the estimate of another measure.

    References
    ----------
    Chinn S (2000). A simple method for converting an odds ratio to effect size for use in meta-analysis. Stat
    Med 19:3127-3131. DOI 10.1002/1097-0258(20001130)19:22<3127::AID-SIM784>3.0.CO;2-M

    Examples
    --------
    >>> print(log_odds_ratio_to_standardized_mean_difference(0.9, method="chinn"))
    Standardized mean difference 0.50
    from log odds ratio, if the outcome behind the cut is logistic
    """
    effect = effect_of("log_odds_ratio", log_odds_ratio, ("OR", "PETO"), ratio=False)
    if isinstance(log_odds_ratio, Estimate):
        with np.errstate(divide="ignore"):
            effect = effect.mapped(np.log)
    return _scaled(effect, ("Log odds ratio", "Standardized mean difference"), method, inverse=True)


def _both_risks(given: tuple[float, float] | None, method: str) -> tuple[float, float]:
    if given is None:
        if method == "minimax":
            raise TypeError("`both_risks` must be given for method 'minimax': (low, high) of both risks.")
        return _MIDDLING
    if not isinstance(given, tuple):
        raise TypeError(f"`both_risks` must be a tuple of two numbers, but got {given!r}.")
    low, high = risks_of("both_risks", given)
    if low.ndim:
        raise ValueError("`both_risks` must be two numbers, not arrays.")
    l, u = float(low), float(high)
    if method == "square-root" and abs(l + u - 1) > 1e-9:
        raise ValueError(
            f"`both_risks` must be symmetric about one half for 'square-root', but got ({l:g}, {u:g}). Use "
            "method='minimax'."
        )
    return l, u


def _check_reach(name: str, effect: Effect, most: float, bounds: tuple[float, float]) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.maximum(effect.value, 1 / effect.value)
    # Ratios that lie at the bound but for rounding pass.
    far = size > most * (1 + 1e-12)
    if far.any():
        raise ValueError(
            f"`{name}` must be one that two risks between {bounds[0]:g} and {bounds[1]:g} can have, from "
            f"{1 / most:.4g} to {most:.4g}, but got {float(effect.value[far].ravel()[0]):.4g}. "
            "Widen `both_risks`."
        )


def _both_result(
    effect: Effect,
    smallest: Callable[[FloatArray], FloatArray],
    largest: Callable[[FloatArray], FloatArray],
    middle: FloatArray,
    most: float,
    method: str,
    bounds: tuple[float, float],
) -> ConvertedRange:
    # A limit further out than the two risks allow is as good as the furthest that they do.
    inside = effect.mapped(lambda ratio: np.clip(ratio, 1 / most, most))
    l, u = bounds
    return ConvertedRange(
        source=effect.measure,
        target="RR",
        low=smallest(inside.value),
        high=largest(inside.value),
        interval_low=None if inside.low is None else smallest(inside.low),
        interval_high=None if inside.high is None else largest(inside.high),
        confidence_level=effect.confidence_level,
        middle=middle,
        method=method,
        assumption=(
            f"if the risks with and without exposure are both {bounds_in_words(np.asarray(l), np.asarray(u))}"
        ),
    )


def _scaled(effect: Effect, names: tuple[str, str], method: str, *, inverse: bool) -> ConvertedRange:
    check_choice("method", method, ("either", *_FACTORS))
    factors = np.array(list(_FACTORS.values()) if method == "either" else [_FACTORS[method]])
    factors = 1 / factors if inverse else factors

    def ends(values: FloatArray) -> FloatArray:
        return np.multiply.outer(factors, values)

    behind = {"chinn": "logistic", "cox-snell": "normal", "either": "normal or logistic"}[method]
    return ConvertedRange(
        source=names[0],
        target=names[1],
        low=ends(effect.value).min(axis=0),
        high=ends(effect.value).max(axis=0),
        interval_low=None if effect.low is None else ends(effect.low).min(axis=0),
        interval_high=None if effect.high is None else ends(effect.high).max(axis=0),
        confidence_level=effect.confidence_level,
        method=method,
        assumption=f"if the outcome behind the cut is {behind}",
    )
