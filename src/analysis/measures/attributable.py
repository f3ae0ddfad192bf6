"""What an exposure is to blame for: the attributable fraction, and fraction and risk of the population.

All are functions of the measures in `association`; whose interval is used is named by the method. The number
needed to treat lives in `number_needed_to_treat`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import AnalysisWarning
from analysis.measures.association import odds_ratio, risk_ratio
from analysis.measures.methods.wald import wald_difference
from analysis.measures.rates import rate_ratio
from analysis.values.arguments import as_probabilities, check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "attributable_fraction",
    "population_attributable_fraction",
    "population_attributable_risk",
]

_DESIGNS = ("cohort", "case-control", "cross-sectional")


def attributable_fraction(
    table: TwoByTwo | TwoRates,
    *,
    design: str = "cohort",
    method: str | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate the fraction of the cases among the exposed that would not have occurred unexposed.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        One table or an array of tables. In a case-control study `exposed_total` is exposed cases and
        controls. Of rates, the rate ratio is taken.
    design : {"cohort", "cross-sectional", "case-control"}, default "cohort"
        From the risk ratio, or, in a case-control study, from the odds ratio in its place (which takes the
        outcome to be rare or the controls to be sampled from those at risk).
    method : str, optional
        Any method of `risk_ratio`, of `odds_ratio` in a case-control study, or of `rate_ratio`; "log" and
        "woolf" by default.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "AF" of the shape of `table`, as a proportion. `std_error` is the delta method's on the
        identity scale, while the limits are 1 - 1/limit of the ratio and the P-value is the ratio's.

    Raises
    ------
    ValueError
        If an argument is unknown or outside its range.

    Warns
    -----
    AnalysisWarning
        If a ratio is below 1. The value is then negative, and no fraction of anything; what is meant is the
        preventive fraction, 1 - RR, of the cases that would have occurred unexposed. The sign is left as
        it is.

    Notes
    -----
    (RR - 1)/RR. It is causal only if the association is.

    References
    ----------
    Walter SD (1978). Calculation of attributable risks from epidemiological data. Int J Epidemiol 7:175-182.
    DOI 10.1093/ije/7.2.175

    Examples
    --------
    Recorded osteoporosis, women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(attributable_fraction(table))
    74.7% (66.7% to 80.7%)
    """
    check_choice("design", design, _DESIGNS)
    if isinstance(table, TwoRates):
        if design != "cohort":
            raise ValueError(f'Rates come from design="cohort", not from {design!r}.')
        ratio = rate_ratio(table, method=method or "log", confidence_level=confidence_level)
    elif design == "case-control":
        ratio = odds_ratio(table, method=method or "woolf", confidence_level=confidence_level)
    else:
        ratio = risk_ratio(table, method=method or "log", confidence_level=confidence_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, low, high = (1 - 1 / part for part in (ratio.value, ratio.low, ratio.high))
        std_error = None if ratio.std_error is None else (1 - value) * ratio.std_error
    _warn_where_preventive(value, "the preventive fraction 1 - RR among the exposed")
    return Estimate(
        measure="AF",
        value=value,
        low=low,
        high=high,
        confidence_level=ratio.confidence_level,
        std_error=std_error,
        scale="identity",
        method=ratio.method,
        pvalue=ratio.pvalue,
    )


def population_attributable_fraction(
    table: TwoByTwo | TwoRates,
    *,
    design: str = "cohort",
    exposure_prevalence: ArrayLike | None = None,
    method: str = "log",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate the fraction of all cases that would not have occurred had nobody been exposed.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        One table or an array of tables; rates are of design "cohort".
    design : {"cohort", "cross-sectional", "case-control"}, default "cohort"
        "cohort" and "cross-sectional" take the table as one sample of the population, so that its exposed
        are as common as the population's. In a "case-control" study cases and controls were sampled apart,
        the odds ratio stands for the risk ratio and the controls show how common exposure is.
    exposure_prevalence : array_like, optional
        For a cohort whose exposed and controls were sampled apart (matched controls, say): the fraction of
        the population that is exposed, taken as known. Of a shape that broadcasts with `table`.
    method : {"log", "wald"}, default "log"
        Interval symmetric in log(1 - PAF), or in the PAF.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PAF" of the shape of `table`, as a proportion. `std_error` is the delta method's on the
        identity scale; the P-value is that of the method's scale.

    Raises
    ------
    ValueError
        If an argument is unknown or outside its range, or if the prevalence is given for another design.

    Warns
    -----
    AnalysisWarning
        If an estimate is negative: the exposed have the lower risk, and a preventive fraction is meant. The
        sign is left as it is.

    Notes
    -----
    1 - PAF is p0/p, unexposed risk over risk of all. With cells a, b, c, d (exposed cases, exposed
    non-cases, control cases, control non-cases) and total n, Var log(1 - PAF) is
    (b + PAF (a + d))/(n c) in one sample, and a/(c (a + c)) + b/(d (b + d)) in a case-control study, where
    1 - PAF = (c/(a + c))/(d/(b + d)). With a known prevalence q, PAF = q (RR - 1)/(1 + q (RR - 1)) and
    Var log(1 - PAF) = PAF² Var log(RR) / (1 - 1/RR)².

    Of rates, x1 events among the exposed and x0 among the controls, Var log(1 - PAF) is 1/x0 - 1/(x0 + x1),
    and with a known share of person-time the formula above with Var log(IRR).

    The one-sample variance is taken at the estimate and is small where the exposed are protected, so that
    this interval may exclude 0 while that of the risk ratio holds 1.

    References
    ----------
    Walter SD (1978). Calculation of attributable risks from epidemiological data. Int J Epidemiol 7:175-182.
    DOI 10.1093/ije/7.2.175

    Greenland S, Drescher K (1993). Maximum likelihood estimation of the attributable fraction from logistic
    models. Biometrics 49:865-872.

    Examples
    --------
    Were 10 % of a population exposed to what doubles the risk, one case in eleven would be due to it:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=200, exposed_total=1000, control_cases=100, control_total=1000)
    >>> print(population_attributable_fraction(table, exposure_prevalence=0.1))
    9.1% (5.3% to 12.7%)
    """
    check_choice("design", design, _DESIGNS)
    check_choice("method", method, ("log", "wald"))
    level = check_confidence_level(confidence_level)
    if isinstance(table, TwoRates):
        if design != "cohort":
            raise ValueError(f'Rates come from design="cohort", not from {design!r}.')
        unattributed, variance = _unattributed_rate(table, exposure_prevalence)
        _warn_where_preventive(1 - unattributed, "a preventive fraction of the population")
        return _fraction_estimate(unattributed, variance, method=method, level=level)
    a, b, c, d = table.exposed_cases, table.exposed_noncases, table.control_cases, table.control_noncases
    n1, n0, n = a + b, c + d, a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        if exposure_prevalence is not None:
            if design != "cohort":
                raise ValueError(
                    '`exposure_prevalence` belongs to design="cohort"; '
                    f"a {design} table shows itself how common exposure is."
                )
            q = as_probabilities("exposure_prevalence", exposure_prevalence)
            a, b, c, d, q = np.broadcast_arrays(a, b, c, d, q)
            n1, n0 = a + b, c + d
            p1, p0 = a / n1, c / n0
            risk = q * p1 + (1 - q) * p0
            unattributed = p0 / risk
            # The share of the exposed among all cases carries the uncertainty of the log risk ratio.
            variance = (q * p1 / risk) ** 2 * (1 / a - 1 / n1 + 1 / c - 1 / n0)
        elif design == "case-control":
            unattributed = (c / (a + c)) / (d / (b + d))
            variance = a / (c * (a + c)) + b / (d * (b + d))
        else:
            unattributed = (c / n0) / ((a + c) / n)
            variance = (b + (1 - unattributed) * (a + d)) / (n * c)
    value = 1 - unattributed
    _warn_where_preventive(value, "a preventive fraction of the population")
    return _fraction_estimate(unattributed, variance, method=method, level=level)


def population_attributable_risk(
    table: TwoByTwo | TwoRates,
    *,
    exposure_prevalence: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate the risk of the population that would not be there had nobody been exposed.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        One table or an array of tables from a cohort or a cross-sectional study. Cases and controls sampled
        apart show no risk.
    exposure_prevalence : array_like, optional
        Where exposed and controls were sampled apart: the fraction of the population that is exposed, taken
        as known. By default the table is one sample of the population.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PAR" of the shape of `table`, as a proportion: risk of all less risk of the unexposed.
        Negative where the exposed have the lower risk. Of rates, measure "IRD": rate of all less that of the
        unexposed, per unit of person-time, the shares of person-time taken as known.

    Raises
    ------
    ValueError
        If the prevalence or the level is outside its range.

    Notes
    -----
    PAR = p - p0 = q (p1 - p0) with q the exposed fraction. Its variance in one sample of n is the delta
    method's for four multinomial cells, q² (p1 (1 - p1)/n1 + p0 (1 - p0)/n0) + q (1 - q) (p1 - p0)²/n; the
    last term is the uncertainty of q. Adding the variances of p and p0 as if the two were independent
    (epiR's "wald") makes the interval too wide: the unexposed are part of the population.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=200, exposed_total=1000, control_cases=100, control_total=1000)
    >>> print(population_attributable_risk(table, exposure_prevalence=0.1))
    0.010 (0.007 to 0.013)
    """
    if isinstance(table, TwoRates):
        x1, t1, x0, t0 = _rate_parts(table)
        with np.errstate(divide="ignore", invalid="ignore"):
            q = t1 / (t1 + t0)
            if exposure_prevalence is not None:
                q = as_probabilities("exposure_prevalence", exposure_prevalence)
            return wald_difference(
                measure="IRD",
                difference=q * (x1 / t1 - x0 / t0),
                variance=q**2 * (x1 / t1**2 + x0 / t0**2),
                method="delta",
                confidence_level=confidence_level,
                ends=(-np.inf, np.inf),
            )
    a, n1, c, n0 = table.exposed_cases, table.exposed_total, table.control_cases, table.control_total
    n = n1 + n0
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p0 = a / n1, c / n0
        difference = p1 - p0
        variance = p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0
        if exposure_prevalence is not None:
            q = as_probabilities("exposure_prevalence", exposure_prevalence)
            variance = q**2 * variance
        else:
            q = n1 / n
            variance = q**2 * variance + q * (1 - q) * difference**2 / n
        return wald_difference(
            measure="PAR",
            difference=q * difference,
            variance=variance,
            method="delta",
            confidence_level=confidence_level,
            ends=(-1.0, 1.0),
        )


def _rate_parts(rates: TwoRates) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return rates.exposed_events, rates.exposed_time, rates.control_events, rates.control_time


def _unattributed_rate(
    rates: TwoRates, exposure_prevalence: ArrayLike | None
) -> tuple[FloatArray, FloatArray]:
    """Return the rate of the unexposed over that of all, and the variance of the log of that."""
    x1, t1, x0, t0 = _rate_parts(rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        if exposure_prevalence is None:
            return (x0 / t0) / ((x1 + x0) / (t1 + t0)), 1 / x0 - 1 / (x0 + x1)
        q = as_probabilities("exposure_prevalence", exposure_prevalence)
        r1, r0 = x1 / t1, x0 / t0
        rate = q * r1 + (1 - q) * r0
        return r0 / rate, (q * r1 / rate) ** 2 * (1 / x1 + 1 / x0)


def _warn_where_preventive(value: FloatArray, meant: str) -> None:
    negative = int(np.count_nonzero(value < 0))
    if negative:
        of = f"{negative} of {value.size} estimates are" if value.size > 1 else "The estimate is"
        warnings.warn(
            f"{of} negative: the exposed have the lower risk, and {meant} is meant. "
            "The sign is left as it is.",
            AnalysisWarning,
            stacklevel=3,
        )


def _fraction_estimate(
    unattributed: FloatArray, variance: FloatArray, *, method: str, level: float
) -> Estimate:
    """Return the estimate of 1 - `unattributed`, given the variance of the log of the latter."""
    z = normal_quantile((1 + level) / 2)
    value = 1 - unattributed
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bounded = np.isfinite(variance) & (unattributed > 0) & np.isfinite(unattributed)
        log_error = np.sqrt(np.where(bounded, np.maximum(variance, 0.0), np.inf))
        std_error = np.where(bounded, unattributed * log_error, np.inf)
        if method == "log":
            low, high = 1 - unattributed * np.exp(z * log_error), 1 - unattributed * np.exp(-z * log_error)
            statistic = np.log(unattributed) / log_error
        else:
            low, high = value - z * std_error, np.minimum(value + z * std_error, 1.0)
            statistic = value / std_error
    return Estimate(
        measure="PAF",
        value=value,
        low=np.where(bounded, low, -np.inf),
        high=np.where(bounded, high, 1.0),
        confidence_level=level,
        std_error=std_error,
        scale="identity",
        method=method,
        pvalue=np.where(bounded, two_sided_normal(np.where(bounded, statistic, 0.0)), np.nan),
    )
