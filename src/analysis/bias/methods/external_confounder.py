"""What is known of a confounder from outside the study: its prevalences, and limits that need little."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.values.arguments import as_positive, as_probabilities

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["ConfoundingLimits", "confounder_prevalences", "confounding_limits", "prevalences_of"]


def confounder_prevalences(
    *, prevalence: ArrayLike, exposure_prevalence: ArrayLike, odds_ratio: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the confounder's prevalence among exposed and controls from what other data tell.

    Parameters
    ----------
    prevalence, exposure_prevalence : array_like
        Of the confounder and of the exposure in the whole population, in [0, 1]; the exposure's not 0 or 1.
    odds_ratio : array_like
        Between the two, greater than 0.

    Returns
    -------
    tuple of two ndarrays
        `exposed_prevalence` and `control_prevalence` of `bias_adjust_confounding` (external adjustment).

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Schneeweiss S (2006). Sensitivity analysis and external adjustment for unmeasured confounders in
    epidemiologic database studies of therapeutics. Pharmacoepidemiol Drug Saf 15:291-303.
    DOI 10.1002/pds.1200

    Examples
    --------
    >>> exposed, control = confounder_prevalences(prevalence=0.1, exposure_prevalence=0.4, odds_ratio=0.9)
    >>> round(float(exposed), 4), round(float(control), 4)
    (0.0944, 0.1038)
    """
    share = as_probabilities("prevalence", prevalence)
    exposed = as_probabilities("exposure_prevalence", exposure_prevalence)
    odds = as_positive("odds_ratio", odds_ratio)
    if ((exposed == 0) | (exposed == 1)).any():
        raise ValueError("`exposure_prevalence` must be above 0 and below 1: both groups must exist.")
    return prevalences_of(share, exposed, odds)


def prevalences_of(share: FloatArray, exposed: FloatArray, odds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return `confounder_prevalences` of parameters that are known to keep their rules."""
    # Either group by its own formula: a difference of the two would lose the digits of a rare one.
    return (
        np.asarray(_both(share, exposed, odds) / exposed),
        np.asarray(_both(share, 1 - exposed, 1 / odds) / (1 - exposed)),
    )


def _both(share: FloatArray, exposed: FloatArray, odds: FloatArray) -> FloatArray:
    """Return the share with both of two things, of which the odds ratio is known.

    The root of (OR - 1)x² - (1 + (OR - 1)(s + e))x + OR s e in [0, min(s, e)], without differences of equals.
    """
    linear = 1 + (odds - 1) * (share + exposed)
    inverse = 1 / odds
    turned = 1 + (inverse - 1) * (share + 1 - exposed)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.where(
            odds <= 1,
            np.sqrt(np.maximum(linear**2 + 4 * (1 - odds) * odds * share * exposed, 0.0)),
            odds * np.sqrt(np.maximum(turned**2 + 4 * (1 - inverse) * inverse * share * (1 - exposed), 0.0)),
        )
        return np.where(
            linear >= 0, 2 * odds * share * exposed / (linear + root), (linear - root) / (2 * (odds - 1))
        )


class ConfoundingLimits(NamedTuple):
    """The smallest and the largest adjusted risk ratio that a positive confounder allows."""

    low: FloatArray
    high: FloatArray


def confounding_limits(
    risk_ratio: ArrayLike,
    *,
    confounder_risk_ratio: ArrayLike | None = None,
    exposure_odds_ratio: ArrayLike | None = None,
    control_prevalence: ArrayLike | None = None,
) -> ConfoundingLimits:
    """Limit the risk ratio that a confounder would leave, from whatever is known of it.

    Parameters
    ----------
    risk_ratio : array_like
        Observed, greater than 0.
    confounder_risk_ratio : array_like, optional
        Between confounder and outcome, at least 1.
    exposure_odds_ratio : array_like, optional
        Between confounder and exposure, at least 1.
    control_prevalence : array_like, optional
        Of the confounder among the controls, in (0, 1].

    Returns
    -------
    ConfoundingLimits
        The observed ratio divided by the largest possible bias, and the observed ratio itself.

    Raises
    ------
    TypeError
        If nothing is known of the confounder.
    ValueError
        If a ratio is below 1: exchange the categories of the confounder.

    Notes
    -----
    The bias factor is at most the smallest of RR, OR, 1/p, RR/(1 - p + p RR) and OR/(1 - p + p OR).

    References
    ----------
    Flanders WD, Khoury MJ (1990). Indirect assessment of confounding: graphic description and limits on
    effect of adjusting for covariates. Epidemiology 1:239-246.

    Examples
    --------
    >>> limits = confounding_limits(1.5, confounder_risk_ratio=2.01, control_prevalence=0.61)
    >>> round(float(limits.low), 3), float(limits.high)
    (1.206, 1.5)
    """
    ratio = as_positive("risk_ratio", risk_ratio)
    strengths = [
        _at_least_one(name, value)
        for name, value in (
            ("confounder_risk_ratio", confounder_risk_ratio),
            ("exposure_odds_ratio", exposure_odds_ratio),
        )
        if value is not None
    ]
    bounds = list(strengths)
    if control_prevalence is not None:
        share = as_probabilities("control_prevalence", control_prevalence)
        if (share == 0).any():
            raise ValueError("`control_prevalence` must be greater than 0; leave it out if it is unknown.")
        bounds += [1 / share, *(strength / (1 - share + share * strength) for strength in strengths)]
    if not bounds:
        raise TypeError(
            "Give at least one of `confounder_risk_ratio`, `exposure_odds_ratio` and `control_prevalence`."
        )
    largest = bounds[0]
    for bound in bounds[1:]:
        largest = np.minimum(largest, bound)
    low = np.asarray(ratio / largest)
    return ConfoundingLimits(low, np.broadcast_to(ratio, low.shape))


def _at_least_one(name: str, values: ArrayLike) -> FloatArray:
    array = as_positive(name, values)
    fault = array < 1
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must be at least 1, but got {array[index]:g}{f' at index {index}' if index else ''}; "
            "exchange the categories of the confounder, or give the inverse of the observed ratio."
        )
    return array
