"""Standardized rates: direct (weights of a standard population) and indirect (rates of a reference).

The last axis of the counts is strata. Crude rates live in `rates`, pooled ratios in `stratified`, limits of
weighted sums in `weighted_rates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.poisson import (
    POISSON_METHODS,
    poisson_limits,
    poisson_pvalue,
    poisson_std_error,
)
from analysis.measures.methods.wald import log_ratio_estimate
from analysis.measures.methods.weighted_rates import (
    WEIGHTED_METHODS,
    WeightedSum,
    ratio_lower,
    ratio_tail,
    relative_variance,
)
from analysis.values.arguments import as_numbers, as_positive, check_choice, check_confidence_level
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import Rate, TwoRates

    Limits = tuple[FloatArray, FloatArray]

__all__ = [
    "indirectly_standardized_rate",
    "standardized_rate",
    "standardized_rate_ratio",
    "standardized_ratio",
]


def standardized_rate(
    rate: Rate, standard_population: ArrayLike, *, method: str = "fay-feuer", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the rate that a standard population would have at the rates of the strata.

    Parameters
    ----------
    rate : Rate
        Events and person-time by stratum; the last axis is strata.
    standard_population : array_like
        Persons (or weights in any unit) of the standard population by stratum, greater than 0.
    method : str, default "fay-feuer"
        One of "fay-feuer", "tiwari", "mid-p-gamma", "dobson", "dobson-byar", "log", "wald".
        "fay-feuer" is the default because it keeps its level for every choice of weights; "tiwari" and
        "mid-p-gamma" are narrower and nearly do. "dobson" rescales the exact limits of the sum of events,
        "dobson-byar" Byar's. "log" and "wald" are normal intervals, "wald" cut to 0.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "SR" per unit of person-time, of the shape of `rate` without its last axis. `std_error` is
        that of the rate ("wald") or of its log ("log"), None for the other methods. Without any event the
        value and the lower limit are 0; the upper limit is infinite for "dobson", "dobson-byar" and "log",
        which have no scale then, and, wrongly, 0 for "wald".

    Raises
    ------
    TypeError, ValueError
        If the rates have no strata, the standard population is not positive or of another length, the
        method is unknown or the level outside (0, 1).

    Notes
    -----
    With weights w (share of the standard population over person-time) the rate is y = sum w x, its variance
    v = sum w² x. Fay and Feuer: the lower limit is a quantile of the gamma distribution with mean y and
    variance v, the upper one of that with y + max w and v + max w². Tiwari, Clegg and Zou take the means of w
    and of w² for the maxima. The mid-P limits are quantiles of the half-and-half mixture of Fay and Feuer's
    two distributions. Dobson: y + sqrt(v / x) (l - x) with the limits l of x, the sum of events. With one
    stratum these are the exact (Byar's, mid-P) limits of the rate.

    References
    ----------
    Fay MP, Feuer EJ (1997). Confidence intervals for directly standardized rates: a method based on the gamma
    distribution. Stat Med 16:791-801.
    DOI 10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#

    Tiwari RC, Clegg LX, Zou Z (2006). Efficient interval estimation for age-adjusted cancer rates. Stat
    Methods Med Res 15:547-569. DOI 10.1177/0962280206070621

    Fay MP, Kim S (2017). Confidence intervals for directly standardized rates using mid-p gamma intervals.
    Biom J 59:377-387. DOI 10.1002/bimj.201600111

    Dobson AJ, Kuulasmaa K, Eberle E, Scherer J (1991). Confidence intervals for weighted sums of Poisson
    parameters. Stat Med 10:457-462. DOI 10.1002/sim.4780100317

    Examples
    --------
    Down's syndrome per 100 000 births at birth order 5 and above, standardized for the mother's age (Fay and
    Feuer 1997):

    >>> from analysis import Rate
    >>> births = [0.00327, 0.30666, 1.23419, 1.49919, 1.04088, 0.34392]
    >>> rate = Rate(events=[0, 8, 63, 112, 262, 295], person_time=births)
    >>> standard = [319933, 931318, 786511, 488235, 237863, 61313]
    >>> print(standardized_rate(rate, standard))
    75.53 (67.70 to 188.30)
    >>> print(standardized_rate(rate, standard, method="mid-p-gamma"))
    75.53 (59.72 to 173.08)
    """
    limits = WEIGHTED_METHODS[check_choice("method", method, WEIGHTED_METHODS)]
    level = check_confidence_level(confidence_level)
    standard = as_positive("standard_population", standard_population)
    _check_strata("standard_population", rate.events, standard)
    total = WeightedSum.of(rate.events, rate.person_time, standard)
    with np.errstate(all="ignore"):
        low, high = limits(total, level)
    std_error = None
    if method == "wald":
        std_error = np.sqrt(total.v)
    elif method == "log":
        std_error = np.sqrt(relative_variance(total))
    return Estimate(
        measure="SR",
        value=total.y,
        low=np.maximum(low, 0.0),
        high=high,
        confidence_level=level,
        std_error=std_error,
        scale="log" if method == "log" else "identity",
        method=method,
    )


def standardized_rate_ratio(
    two_rates: TwoRates,
    standard_population: ArrayLike,
    *,
    method: str = "log",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate the ratio of two directly standardized rates.

    Parameters
    ----------
    two_rates : TwoRates
        Events and person-time of the exposed and of the controls by stratum; the last axis is strata.
    standard_population : array_like
        Persons (or weights in any unit) of the standard population by stratum, greater than 0.
    method : {"log", "fay-feuer"}, default "log"
        "log" is the normal interval of the log ratio, "fay-feuer" Fay's interval from the ratio of two gamma
        distributions (an F distribution), which is meant for sparse data and conservative.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "SRR" of the shape of `two_rates` without its last axis; `std_error` is that of the log ratio,
        None for "fay-feuer". No event among the exposed gives the value 0 and the lower limit 0, none among
        the controls infinity and an infinite upper limit, none at all NaN with the limits 0 and infinity.

    Raises
    ------
    TypeError, ValueError
        As for `standardized_rate`.

    Notes
    -----
    With y and v of either group as for `standardized_rate`: variance of the log ratio v1/y1² + v0/y0². Fay's
    lower limit is a quantile of G1/G0 where G1 is gamma distributed with mean y1 and variance v1, and G0 with
    y0 + max w0 and v0 + max w0²; the upper limit changes the roles. With one stratum it is the exact
    interval of the rate ratio. The P-value is twice the smaller tail, at most 1.

    References
    ----------
    Fay MP (1999). Approximate confidence intervals for rate ratios from directly standardized rates with
    sparse data. Commun Stat Theory Methods 28:2141-2160.

    Examples
    --------
    >>> from analysis import TwoRates
    >>> two_rates = TwoRates(
    ...     exposed_events=[8, 12, 40],
    ...     exposed_time=[10.2, 8.3, 5.1],
    ...     control_events=[5, 20, 61],
    ...     control_time=[6.1, 9.05, 7.7],
    ... )
    >>> print(standardized_rate_ratio(two_rates, [45000, 33000, 22000]))
    0.90 (0.64 to 1.26)
    """
    check_choice("method", method, ("log", "fay-feuer"))
    level = check_confidence_level(confidence_level)
    standard = as_positive("standard_population", standard_population)
    _check_strata("standard_population", two_rates.exposed_events, standard)
    exposed = WeightedSum.of(two_rates.exposed_events, two_rates.exposed_time, standard)
    control = WeightedSum.of(two_rates.control_events, two_rates.control_time, standard)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = exposed.y / control.y
    if method == "log":
        return log_ratio_estimate(
            measure="SRR",
            ratio=ratio,
            variance=relative_variance(exposed) + relative_variance(control),
            method=method,
            confidence_level=level,
        )
    with np.errstate(divide="ignore"):
        high = 1 / ratio_lower(control, exposed, level)
    tails = np.minimum(ratio_tail(exposed, control), ratio_tail(control, exposed))
    return Estimate(
        measure="SRR",
        value=ratio,
        low=ratio_lower(exposed, control, level),
        high=high,
        confidence_level=level,
        std_error=None,
        scale="log",
        method=method,
        pvalue=np.minimum(1.0, 2 * tails),
    )


def standardized_ratio(
    rate: Rate, reference_rates: ArrayLike, *, method: str = "exact", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the ratio of observed events to those expected at reference rates (SMR, SIR).

    Parameters
    ----------
    rate : Rate
        Events and person-time by stratum; the last axis is strata. Where only the expected number is known,
        it is the person-time of one stratum with the reference rate 1.
    reference_rates : array_like
        Rates of the reference population by stratum, of at least 0, per the same unit of person-time. They
        are taken as known without error.
    method : {"exact", "mid-p", "byar", "jeffreys", "score", "log", "wald"}, default "exact"
        Interval of the observed count, as for `incidence_rate`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "SMR" of the shape of `rate` without its last axis; the P-value is that of a ratio of 1 by the
        same method. `std_error` is that of the ratio ("wald", whose `scale` is then "identity") or of its log
        ("log"), None for the other methods. No event gives the value 0 and the lower limit 0; "log" and
        "wald" have no P-value then.

    Raises
    ------
    TypeError, ValueError
        If the rates have no strata, a reference rate is negative or not finite, their number is another than
        that of strata, no event is expected, the method is unknown or the level outside (0, 1).

    Notes
    -----
    SMR = x/E with E the sum of person-time times reference rate. Byar's limits of x and x + 1 leave a gap
    about x; an expected number inside it has a P-value of 1.

    References
    ----------
    Breslow NE, Day NE (1987). Statistical methods in cancer research. Volume II: the design and analysis of
    cohort studies. IARC Sci Publ 82.

    Examples
    --------
    >>> from analysis import Rate
    >>> rate = Rate(events=[8, 12, 40], person_time=[10200, 8300, 5100])
    >>> print(standardized_ratio(rate, [0.0007, 0.0018, 0.0078]))
    0.97 (0.74 to 1.25)
    """
    check_choice("method", method, POISSON_METHODS)
    level = check_confidence_level(confidence_level)
    observed, expected = _observed_expected(rate, reference_rates)
    low, high = poisson_limits(observed, level, method)
    std_error = poisson_std_error(observed, method)
    if method == "wald" and std_error is not None:
        std_error = std_error / expected
    return Estimate(
        measure="SMR",
        value=observed / expected,
        low=low / expected,
        high=high / expected,
        confidence_level=level,
        std_error=std_error,
        scale="identity" if method == "wald" else "log",
        method=method,
        pvalue=poisson_pvalue(observed, expected, method),
    )


def indirectly_standardized_rate(
    rate: Rate,
    reference_rates: ArrayLike,
    *,
    crude_reference_rate: ArrayLike,
    method: str = "exact",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate the crude rate of the reference population times the standardized ratio.

    Parameters
    ----------
    rate, reference_rates
        As for `standardized_ratio`.
    crude_reference_rate : array_like
        Rate of the whole reference population, greater than 0, per the same unit of person-time.
    method, confidence_level
        As for `standardized_ratio`.

    Returns
    -------
    Estimate
        Measure "SR" per unit of person-time; otherwise as for `standardized_ratio`, without a P-value.

    Raises
    ------
    TypeError, ValueError
        As for `standardized_ratio`, and if the crude rate is not positive.

    Notes
    -----
    Two indirectly standardized rates have different weights and should not be compared with one another.

    Examples
    --------
    >>> from analysis import Rate
    >>> rate = Rate(events=[8, 12, 40], person_time=[10.2, 8.3, 5.1])
    >>> print(indirectly_standardized_rate(rate, [0.7, 1.8, 7.8], crude_reference_rate=2.625))
    2.55 (1.94 to 3.28)
    """
    crude = as_positive("crude_reference_rate", crude_reference_rate)
    ratio = standardized_ratio(rate, reference_rates, method=method, confidence_level=confidence_level)
    std_error = ratio.std_error
    if std_error is not None:
        std_error = std_error * (crude if ratio.scale == "identity" else 1.0)
    return Estimate(
        measure="SR",
        value=ratio.value * crude,
        low=ratio.low * crude,
        high=ratio.high * crude,
        confidence_level=ratio.confidence_level,
        std_error=std_error,
        scale="log" if method == "log" else "identity",
        method=method,
    )


def _check_strata(name: str, events: FloatArray, values: FloatArray) -> None:
    if not events.shape:
        raise ValueError("The rates must have strata along the last axis, but got one rate.")
    if not values.shape or values.shape[-1] != events.shape[-1]:
        got = f"{values.shape[-1]} (shape {values.shape})" if values.shape else "one number"
        raise ValueError(f"`{name}` must hold one number per stratum ({events.shape[-1]}), but got {got}.")
    try:
        np.broadcast_shapes(events.shape, values.shape)
    except ValueError:
        raise ValueError(
            f"The shapes must broadcast to one another, but got `{name}` {values.shape} "
            f"and rates {events.shape}."
        ) from None


def _observed_expected(rate: Rate, reference_rates: ArrayLike) -> Limits:
    reference = as_numbers("reference_rates", reference_rates)
    _check_strata("reference_rates", rate.events, reference)
    fault = ~((reference >= 0) & (reference < np.inf))
    if fault.any():
        raise ValueError(
            f"`reference_rates` must be finite numbers of at least 0, but got {reference[fault][0]:g} "
            f"at index {', '.join(map(str, np.argwhere(fault)[0].tolist()))}."
        )
    expected = (rate.person_time * reference).sum(axis=-1)
    if not (expected > 0).all():
        raise ValueError("`reference_rates` must expect events, but are 0 in every stratum.")
    return np.broadcast_to(rate.events.sum(axis=-1), expected.shape), expected
