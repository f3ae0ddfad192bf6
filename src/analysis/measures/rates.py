"""Rates: events over person-time, and the ratio of two rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.correction import check_correction
from analysis.measures.wald import log_ratio_estimate
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import chi2_quantile
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from analysis.values.counts import Rate, TwoRates

__all__ = ["incidence_rate", "rate_ratio"]


def incidence_rate(rate: Rate, *, method: str = "exact", confidence_level: float = 0.95) -> Estimate:
    """Estimate a rate with its confidence interval.

    Parameters
    ----------
    rate : Rate
        One rate or an array of them.
    method : {"exact"}, default "exact"
        Garwood's limits from the chi-square distribution.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "IR" per unit of person-time, of the shape of `rate`.

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    Limits of the count x: chi-square quantiles (alpha/2 at 2x degrees of freedom, 1 - alpha/2 at 2x + 2)
    over 2; the lower limit is 0 at x = 0.

    References
    ----------
    Garwood F (1936). Fiducial limits for the Poisson distribution. Biometrika 28:437-442.
    DOI 10.1093/biomet/28.3-4.437
    """
    check_choice("method", method, ("exact",))
    level = check_confidence_level(confidence_level)
    events, time = rate.events, rate.person_time
    low = chi2_quantile((1 - level) / 2, 2 * np.where(events > 0, events, 1.0)) / 2
    high = chi2_quantile((1 + level) / 2, 2 * events + 2) / 2
    return Estimate(
        measure="IR",
        value=events / time,
        low=np.where(events > 0, low, 0.0) / time,
        high=high / time,
        confidence_level=level,
        std_error=np.sqrt(events) / time,
        scale="identity",
        method=method,
    )


def rate_ratio(
    two_rates: TwoRates,
    *,
    method: str = "log",
    confidence_level: float = 0.95,
    correction: float | None = None,
) -> Estimate:
    """Estimate the ratio of the rate among the exposed to the rate among the controls.

    Parameters
    ----------
    two_rates : TwoRates
        One pair of rates or an array of pairs.
    method : {"log"}, default "log"
        Normal interval of the log rate ratio.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to both event counts of the pairs where one is 0. By default nothing is.

    Returns
    -------
    Estimate
        Measure "IRR" of the shape of `two_rates`; `std_error` is that of the log rate ratio.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    IRR = (x1/t1) / (x0/t0), variance of log IRR = 1/x1 + 1/x0.

    Examples
    --------
    Hip fracture, Tsur et al. 2022, DOI 10.1007/s11606-021-07241-2: 2.47 per 1000 over 45 388 person-years
    is 112 events, 1.63 per 1000 over 224 192 is 365 or 366.

    >>> from analysis import TwoRates
    >>> rates = TwoRates(exposed_events=112, exposed_time=45388, control_events=365, control_time=224192)
    >>> print(rate_ratio(rates))
    1.52 (1.23 to 1.87)
    """
    check_choice("method", method, ("log",))
    exposed, control = two_rates.exposed_events, two_rates.control_events
    added = check_correction(correction) * ((exposed == 0) | (control == 0))
    exposed, control = exposed + added, control + added
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (exposed * two_rates.control_time) / (control * two_rates.exposed_time)
        variance = 1 / exposed + 1 / control
    return log_ratio_estimate(
        measure="IRR",
        ratio=ratio,
        variance=variance,
        method=method,
        confidence_level=confidence_level,
        correction=correction,
    )
