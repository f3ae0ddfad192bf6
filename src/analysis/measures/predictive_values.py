"""What a test result, or carrying a marker, says about a person's disease, given how common the disease is.

The prevalence is known, or seen in a sample that was drawn irrespective of disease. How well the test itself
tells the diseased from the healthy lives in `diagnostic`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.positives import PositiveAndNegative, positives_table
from analysis.measures.proportion import prevalence as proportion_estimate
from analysis.values.arguments import as_numbers, as_probabilities, broadcast, check_confidence_level
from analysis.values.counts import Proportion
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "PredictiveValues",
    "observed_predictive_values",
    "post_test_probability",
    "predictive_values",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictiveValues(PositiveAndNegative):
    """Positive and negative predictive value.

    Parameters
    ----------
    positive, negative : Estimate
        Measures "PPV" and "NPV".
    """

    positive: Estimate
    negative: Estimate


def predictive_values(
    *,
    sensitivity: ArrayLike | Proportion,
    specificity: ArrayLike | Proportion,
    prevalence: ArrayLike,
    confidence_level: float = 0.95,
) -> PredictiveValues:
    """Turn sensitivity and specificity into predictive values at a prevalence, by Bayes' theorem.

    Parameters
    ----------
    sensitivity, specificity : array_like or Proportion
        Probabilities, or the counts from which they are estimated: positives out of the diseased, and
        negatives (not positives) out of the healthy. With counts for both the result has an interval.
    prevalence : array_like
        Probability of the disease in the population in question, known.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PredictiveValues
        Two estimates of the common shape. Limits and standard error are NaN unless both arguments are
        counts: a number without its sample has no interval.

    Raises
    ------
    ValueError
        If a probability is outside [0, 1].

    Notes
    -----
    PPV = se π / (se π + (1 - sp)(1 - π)). Intervals are Mercaldo's logit intervals: variance of logit PPV
    = (1 - se)/(se n1) + sp/((1 - sp) n0), of logit NPV = se/((1 - se) n1) + (1 - sp)/(sp n0).

    References
    ----------
    Mercaldo ND, Lau KF, Zhou XH (2007). Confidence intervals for predictive values with an emphasis to
    case-control studies. Stat Med 26:2170-2183. DOI 10.1002/sim.2677

    Examples
    --------
    90 % of patients carry HLA-B27, so do 6.1 % of the population (Reveille et al. 2012,
    DOI 10.1002/art.33503), and 0.319 % have the disease (Dean et al. 2014, DOI
    10.1093/rheumatology/ket387). Of 100 carriers, fewer than five have it:

    >>> prevalence, carriers = 0.00319, 0.061
    >>> specificity = 1 - (carriers - 0.9 * prevalence) / (1 - prevalence)
    >>> values = predictive_values(sensitivity=0.9, specificity=specificity, prevalence=prevalence)
    >>> round(float(values.positive.value), 4)
    0.0471
    """
    level = check_confidence_level(confidence_level)
    se, se_n = _probability("sensitivity", sensitivity)
    sp, sp_n = _probability("specificity", specificity)
    pi = as_probabilities("prevalence", prevalence)
    se, sp, pi, n1, n0 = broadcast(sensitivity=se, specificity=sp, prevalence=pi, diseased=se_n, healthy=sp_n)
    with np.errstate(divide="ignore", invalid="ignore"):
        positive = se * pi / (se * pi + (1 - sp) * (1 - pi))
        negative = sp * (1 - pi) / (sp * (1 - pi) + (1 - se) * pi)
        positive_variance = (1 - se) / (se * n1) + sp / ((1 - sp) * n0)
        negative_variance = se / ((1 - se) * n1) + (1 - sp) / (sp * n0)
    return PredictiveValues(
        positive=_logit_estimate("PPV", positive, positive_variance, level),
        negative=_logit_estimate("NPV", negative, negative_variance, level),
    )


def observed_predictive_values(
    *,
    positives_among_diseased: Proportion,
    positives_among_healthy: Proportion,
    method: str = "wilson",
    confidence_level: float = 0.95,
) -> PredictiveValues:
    """Estimate the predictive values in a cross-section, whose share of diseased is that of the population.

    Parameters
    ----------
    positives_among_diseased, positives_among_healthy : Proportion
        Of one sample that was drawn irrespective of disease. In a case-control sample the share of diseased
        is the design's, and so would be the predictive values: use `predictive_values` there.
    method : str, default "wilson"
        An interval of `prevalence`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PredictiveValues
        Diseased among the positives, healthy among the negatives, of the common shape of the counts. Without
        any positive (negative) result the value is NaN between 0 and 1. `std_error` is that of the sample
        proportion.

    Raises
    ------
    TypeError, ValueError
        As for `sensitivity`, and if the shapes do not broadcast.

    Examples
    --------
    >>> print(observed_predictive_values(positives_among_diseased=Proportion(events=231, total=263),
    ...                                  positives_among_healthy=Proportion(events=27, total=81)))
    positive: 89.5% (85.2% to 92.7%)
    negative: 62.8% (52.2% to 72.3%)
    """
    table = positives_table(positives_among_diseased, positives_among_healthy)
    positives = Proportion(events=table.exposed_cases, total=table.exposed_cases + table.control_cases)
    negatives = Proportion(
        events=table.control_noncases, total=table.exposed_noncases + table.control_noncases
    )
    return PredictiveValues(
        positive=replace(
            proportion_estimate(positives, method=method, confidence_level=confidence_level), measure="PPV"
        ),
        negative=replace(
            proportion_estimate(negatives, method=method, confidence_level=confidence_level), measure="NPV"
        ),
    )


def post_test_probability(likelihood_ratio: ArrayLike | Estimate, *, prevalence: ArrayLike) -> Estimate:
    """Turn the probability of disease before a test into the one after its result.

    Parameters
    ----------
    likelihood_ratio : array_like or Estimate
        Of the result that was found, positive or negative; at least 0, infinity allowed.
    prevalence : array_like
        Probability of the disease before the test, known.

    Returns
    -------
    Estimate
        Measure "PR", of the common shape; `std_error` on the logit scale, where it is that of the log
        likelihood ratio. For plain numbers the limits and the standard error are NaN: a number without its
        sample has no interval; the confidence level is then 0.95 for form only.

    Raises
    ------
    TypeError
        If a number is no number.
    ValueError
        If a likelihood ratio is negative, or a prevalence outside [0, 1].

    Notes
    -----
    Posterior odds are prior odds times the likelihood ratio. A prior of 0 or 1 stays what it is.

    Examples
    --------
    >>> round(float(post_test_probability(10, prevalence=0.1).value), 4)
    0.5263
    """
    prior = as_probabilities("prevalence", prevalence)
    if isinstance(likelihood_ratio, Estimate):
        given = likelihood_ratio
        parts = [given.value, given.low, given.high]
        level, method = given.confidence_level, given.method
        error = given.std_error if given.scale == "log" else None
    else:
        numbers = as_numbers("likelihood_ratio", likelihood_ratio)
        parts = [numbers, np.full(numbers.shape, np.nan), np.full(numbers.shape, np.nan)]
        level, method, error = 0.95, "bayes", None
    if (parts[0] < 0).any():
        raise ValueError(
            f"`likelihood_ratio` must be at least 0, but got {float(parts[0][parts[0] < 0].ravel()[0]):g}."
        )
    value, low, high = (_posterior(*broadcast(likelihood_ratio=part, prevalence=prior)) for part in parts)
    return Estimate(
        measure="PR",
        value=value,
        low=low,
        high=high,
        confidence_level=level,
        std_error=None if error is None else np.broadcast_to(error, value.shape),
        scale="logit",
        method=method,
    )


def _posterior(ratio: FloatArray, prior: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        posterior = 1 / (1 + (1 - prior) / (prior * ratio))
    settled = (prior == 0) | (prior == 1)
    return np.where(settled & ~np.isnan(ratio), prior, posterior)


def _probability(name: str, value: ArrayLike | Proportion) -> tuple[FloatArray, FloatArray]:
    if isinstance(value, Proportion):
        with np.errstate(divide="ignore", invalid="ignore"):
            return value.events / value.total, value.total
    return as_probabilities(name, value), np.asarray(np.nan)


def _logit_estimate(measure: str, value: FloatArray, variance: FloatArray, level: float) -> Estimate:
    logit = scale_of("logit")
    with np.errstate(invalid="ignore"):
        std_error = np.sqrt(variance)
        half = normal_quantile((1 + level) / 2) * std_error
        low, high = logit.backward(logit.forward(value) - half), logit.backward(logit.forward(value) + half)
    # An infinite standard error (a cell of 0) bounds nothing.
    unbounded = np.isinf(std_error)
    return Estimate(
        measure=measure,
        value=value,
        low=np.where(unbounded, 0.0, low),
        high=np.where(unbounded, 1.0, high),
        confidence_level=level,
        std_error=std_error,
        scale="logit",
        method="mercaldo" if np.isfinite(std_error).any() else "bayes",
    )
