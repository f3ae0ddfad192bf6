"""What a test result, or carrying a marker, says about a disease."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import as_probabilities, broadcast, check_confidence_level
from analysis.values.counts import Proportion
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["PredictiveValues", "predictive_values"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictiveValues:
    """Positive and negative predictive value.

    Parameters
    ----------
    positive, negative : Estimate
        Measures "PPV" and "NPV", on the logit scale.
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
        Probabilities, or the counts from which they are estimated; with counts for both the result has an
        interval.
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
