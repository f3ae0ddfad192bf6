"""Rates: events over person-time, the ratio and the difference of two rates.

Rates standardized over strata live in `standardization`, the limits of one count in `poisson`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.binomial_odds import odds_limits, odds_pvalue
from analysis.measures.methods.correction import check_correction
from analysis.measures.methods.inversion import pvalue_of_interval
from analysis.measures.methods.poisson import POISSON_METHODS, poisson_limits, poisson_std_error
from analysis.measures.methods.roots import find_root
from analysis.measures.methods.skewness import (
    rate_difference_limits,
    rate_difference_statistic,
    rate_limits,
    rate_ratio_limits,
    skewness_rate_ratio,
)
from analysis.measures.methods.wald import log_ratio_estimate, wald_difference
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import Rate, TwoRates

    Limits = tuple[FloatArray, FloatArray]

__all__ = ["incidence_rate", "rate_difference", "rate_ratio"]


def incidence_rate(rate: Rate, *, method: str = "exact", confidence_level: float = 0.95) -> Estimate:
    """Estimate a rate with its confidence interval.

    Parameters
    ----------
    rate : Rate
        One rate or an array of them.
    method : str, default "exact"
        One of "exact", "mid-p", "byar", "jeffreys", "score", "skewness-corrected", "log", "wald".
        "exact" are Garwood's limits, "mid-p" count half of the probability of the observed count, "byar" is
        Byar's approximation of the exact limits, "jeffreys" quantiles of Jeffreys' posterior, "score"
        inverts the test with the standard error under the rate in question, "skewness-corrected" the same
        corrected for the skewness of the score, "log" and "wald" are normal
        intervals of the log rate and of the rate. Wald's is cut to 0 and here to recheck papers that used it.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "IR" per unit of person-time, of the shape of `rate`. No events give the value 0 and the
        lower limit 0; the upper limit is infinite for "log" and, wrongly, 0 for "wald". `std_error` is that
        of the rate ("wald") or of its log ("log"), None for the other methods.

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    Limits of the count x: exact, chi-square quantiles over 2 (alpha/2 at 2x degrees of freedom, 1 - alpha/2
    at 2x + 2). Byar, x (1 - 1/(9x) - z/(3 sqrt x))³ and the same with x + 1 and + z above; some programs use
    x + 1/2 in both. Score, x + z²/2 -+ z sqrt(x + z²/4); skewness-corrected, (sqrt(x + (z² + 2)/12) -+ z/2)².

    References
    ----------
    Garwood F (1936). Fiducial limits for the Poisson distribution. Biometrika 28:437-442.
    DOI 10.1093/biomet/28.3-4.437

    Breslow NE, Day NE (1987). Statistical methods in cancer research. Volume II: the design and analysis of
    cohort studies. IARC Sci Publ 82.

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Examples
    --------
    Hip fracture, Tsur et al. 2022, DOI 10.1007/s11606-021-07241-2, prints 2.47 per 1000 person-years over
    45 388 person-years, which is 112 events:

    >>> from analysis import Rate
    >>> print(incidence_rate(Rate(events=112, person_time=45.388)))
    2.47 (2.03 to 2.97)
    """
    check_choice("method", method, (*POISSON_METHODS, "skewness-corrected"))
    level = check_confidence_level(confidence_level)
    events, time = rate.events, rate.person_time
    if method == "skewness-corrected":
        low, high = rate_limits(events, level)
        std_error = None
    else:
        low, high = poisson_limits(events, level, method)
        std_error = poisson_std_error(events, method)
    if method == "wald" and std_error is not None:
        std_error = std_error / time
    return Estimate(
        measure="IR",
        value=events / time,
        low=np.where(events == 0, 0.0, low / time),
        high=high / time,
        confidence_level=level,
        std_error=std_error,
        scale="log" if method == "log" else "identity",
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
    method : {"log", "exact", "mid-p", "score", "skewness-corrected"}, default "log"
        "log" is the normal interval of the log rate ratio. "exact" and "mid-p" rest on the binomial
        distribution of the exposed events given all events, "score" on the test with the standard error
        under the ratio in question, "skewness-corrected" on the same corrected for the skewness of the
        score.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        For "log" alone: added to both event counts of the pairs where one is 0. By default nothing is.

    Returns
    -------
    Estimate
        Measure "IRR" of the shape of `two_rates`. `std_error` is that of the log rate ratio, None for
        methods other than "log". No event among the exposed gives the value 0 and the lower limit 0, none
        among the controls infinity and an infinite upper limit, none at all NaN with the limits 0 and
        infinity. The other limit is what the method makes of it; "log" knows none and gives no P-value.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), the correction negative, or a correction is
        asked of a method that needs none.

    Notes
    -----
    IRR = (x1/t1) / (x0/t0), variance of log IRR = 1/x1 + 1/x0. Given x1 + x0, x1 is binomial with the odds
    IRR t1/t0, and limits of these odds give limits of the ratio: Clopper and Pearson's for "exact", Wilson's
    for "score", which is also the unconditional Poisson score interval. The P-values invert the same
    intervals: twice the smaller tail, at most 1, for "exact" and "mid-p".

    References
    ----------
    Clopper CJ, Pearson ES (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika 26:404-413. DOI 10.1093/biomet/26.4.404

    Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
    DOI 10.1002/sim.4780040211

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Examples
    --------
    Hip fracture, Tsur et al. 2022, DOI 10.1007/s11606-021-07241-2: 2.47 per 1000 over 45 388 person-years
    is 112 events, 1.63 per 1000 over 224 192 is 365 or 366.

    >>> from analysis import TwoRates
    >>> rates = TwoRates(exposed_events=112, exposed_time=45388, control_events=365, control_time=224192)
    >>> print(rate_ratio(rates))
    1.52 (1.23 to 1.87)
    """
    check_choice("method", method, ("log", "exact", "mid-p", "score", "skewness-corrected"))
    level = check_confidence_level(confidence_level)
    added = check_correction(correction)
    if method != "log" and correction is not None:
        raise ValueError(
            f"`correction` is for method 'log' alone, but got {correction!r} with {method!r}, "
            "which needs none. Leave it out."
        )
    exposed, control = two_rates.exposed_events, two_rates.control_events
    times = two_rates.exposed_time / two_rates.control_time
    if method == "log":
        where = added * ((exposed == 0) | (control == 0))
        exposed, control = exposed + where, control + where
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = exposed / control / times
        variance = 1 / exposed + 1 / control
    if method == "log":
        return log_ratio_estimate(
            measure="IRR",
            ratio=ratio,
            variance=variance,
            method=method,
            confidence_level=level,
            correction=correction,
        )
    if method == "skewness-corrected":
        low, high = rate_ratio_limits(exposed, control, level)
        with np.errstate(all="ignore"):
            pvalue = two_sided_normal(skewness_rate_ratio(np.log(times), exposed, control))
    else:
        low, high = odds_limits(exposed, control, level, method)
        pvalue = odds_pvalue(exposed, control, times, method)
    return Estimate(
        measure="IRR",
        value=ratio,
        low=low / times,
        high=high / times,
        confidence_level=level,
        std_error=None,
        scale="log",
        method=method,
        pvalue=pvalue,
    )


def rate_difference(two_rates: TwoRates, *, method: str = "wald", confidence_level: float = 0.95) -> Estimate:
    """Estimate the rate among the exposed minus the rate among the controls.

    Parameters
    ----------
    two_rates : TwoRates
        One pair of rates or an array of pairs.
    method : {"wald", "score", "skewness-corrected", "mover", "mover-exact"}, default "wald"
        "wald" is the normal interval with the standard error at the observed rates, "score" inverts the test
        with the standard error under the difference in question, "skewness-corrected" the same corrected for
        the skewness of the score. "mover" recovers the variances from the
        score limits of either rate (for proportions: Newcombe), "mover-exact" from Garwood's.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "IRD" per unit of person-time, of the shape of `two_rates`; `std_error` is None for methods
        other than "wald". Without any event the value is 0; Wald's interval is then the single point 0
        without a P-value, the others reach to either side.

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    IRD = r1 - r0 with r = x/t. Wald's variance is x1/t1² + x0/t0². Under a difference D the likelihood is
    largest at r0 = (m - T D + sqrt((T D - x1 + x0)² + 4 x1 x0)) / (2T) and r1 = r0 + D with m = x1 + x0 and
    T = t1 + t0; the score limits solve (IRD - D)² = z² (r1/t1 + r0/t0). MOVER, from limits (l, u) of either
    rate: IRD - sqrt((r1 - l1)² + (u0 - r0)²) and IRD + sqrt((u1 - r1)² + (r0 - l0)²), around the observed
    rates. The P-values invert the same intervals.

    References
    ----------
    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
    DOI 10.1002/sim.4780040211

    Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a general approach.
    Stat Med 27:1693-1702. DOI 10.1002/sim.3095

    Examples
    --------
    Per 1000 person-years, from the same source as for `rate_ratio`:

    >>> from analysis import TwoRates
    >>> rates = TwoRates(exposed_events=112, exposed_time=45.388, control_events=365, control_time=224.192)
    >>> print(rate_difference(rates, method="score"))
    0.84 (0.39 to 1.36)
    """
    check_choice("method", method, ("wald", "score", "skewness-corrected", "mover", "mover-exact"))
    level = check_confidence_level(confidence_level)
    x1, t1 = two_rates.exposed_events, two_rates.exposed_time
    x0, t0 = two_rates.control_events, two_rates.control_time
    difference = x1 / t1 - x0 / t0
    if method == "wald":
        return wald_difference(
            measure="IRD",
            difference=difference,
            variance=x1 / t1**2 + x0 / t0**2,
            method=method,
            confidence_level=level,
        )
    z = normal_quantile((1 + level) / 2)
    if method == "score":
        low = difference - _score_above(x0, t0, x1, t1, z)
        high = difference + _score_above(x1, t1, x0, t0, z)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = difference / np.sqrt((x1 + x0) / (t1 * t0))
        pvalue = two_sided_normal(np.where(difference == 0, 0.0, statistic))
    elif method == "skewness-corrected":
        low, high = rate_difference_limits(x1, t1, x0, t0, level)
        with np.errstate(all="ignore"):
            statistic = rate_difference_statistic(np.zeros_like(difference), x1, t1, x0, t0)
        pvalue = two_sided_normal(statistic)
    else:
        limits = _score_around if method == "mover" else _exact_around
        below, above = _mover(limits, np.asarray(z), x1, t1, x0, t0)
        low, high = difference - below, difference + above

        def excess(z: FloatArray, *rates: FloatArray) -> FloatArray:
            difference = rates[0] / rates[1] - rates[2] / rates[3]
            below, above = _mover(limits, z, *rates)
            return np.where(difference > 0, difference - below, -difference - above)

        pvalue = pvalue_of_interval(excess, x1, t1, x0, t0, what="the P-value of the rate difference")
    return Estimate(
        measure="IRD",
        value=difference,
        low=low,
        high=high,
        confidence_level=level,
        std_error=None,
        scale="identity",
        method=method,
        pvalue=pvalue,
    )


def _score_above(x1: FloatArray, t1: FloatArray, x0: FloatArray, t0: FloatArray, z: float) -> FloatArray:
    """Return how far the upper score limit of the difference lies above the difference."""
    none = (x1 == 0) & (x0 == 0)
    some = np.where(none, 1.0, x1)
    # Above the observed difference the variance grows by at most 1/t1 per unit of the difference.
    most = z**2 / (2 * t1) + z * np.sqrt(z**2 / (4 * t1**2) + some / t1**2 + x0 / t0**2)
    found = find_root(
        lambda distance, *rates: distance**2 - z**2 * _score_variance(distance, *rates),
        np.zeros(()),
        most * (1 + 1e-9),
        some,
        t1,
        x0,
        t0,
        what="the score limit of the rate difference",
    )
    # Without events the variance at D is D/t1.
    return np.where(none, z**2 / t1, found)


def _score_variance(
    distance: FloatArray, x1: FloatArray, t1: FloatArray, x0: FloatArray, t0: FloatArray
) -> FloatArray:
    """Return the variance of the difference where it is `distance` larger than observed."""
    total, events = t1 + t0, x1 + x0
    shift = total * (x1 / t1 - x0 / t0 + distance)
    root = np.hypot(shift - x1 + x0, 2 * np.sqrt(x1 * x0))
    # Either rate as a quotient where the sum would lose its digits.
    r0 = np.where(shift > events, 4 * x0 * shift / (root + shift - events), events - shift + root) / (
        2 * total
    )
    r1 = np.where(shift < -events, -4 * x1 * shift / (root - shift - events), events + shift + root) / (
        2 * total
    )
    variance: FloatArray = r1 / t1 + r0 / t0
    return variance


def _score_around(z: FloatArray, x: FloatArray) -> Limits:
    """Return how far the score limits of a count lie below and above it."""
    half = np.sqrt(x + z**2 / 4)
    return z * (half - z / 2), z * (half + z / 2)


def _exact_around(z: FloatArray, x: FloatArray) -> Limits:
    """Return how far the exact limits of a count lie below and above it."""
    tail = special.ndtr(-z)
    low = np.where(x > 0, special.gammaincinv(np.maximum(x, 1.0), tail), 0.0)
    return x - low, special.gammainccinv(x + 1, tail) - x


def _mover(
    around: Callable[[FloatArray, FloatArray], Limits],
    z: FloatArray,
    x1: FloatArray,
    t1: FloatArray,
    x0: FloatArray,
    t0: FloatArray,
) -> Limits:
    """Return how far the limits of the difference lie below and above it."""
    below1, above1 = around(z, x1)
    below0, above0 = around(z, x0)
    return np.hypot(below1 / t1, above0 / t0), np.hypot(above1 / t1, below0 / t0)
