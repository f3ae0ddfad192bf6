"""Prevalence when the test errs, the sample is a survey, or people did not answer.

The plain prevalence is in `proportion`; predictive values of a test in `diagnostic`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.proportion import prevalence
from analysis.values.arguments import (
    as_counts,
    as_numbers,
    as_probabilities,
    broadcast,
    check_confidence_level,
)
from analysis.values.counts import Proportion
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["nonresponse_bounds", "survey_prevalence", "true_prevalence"]


def true_prevalence(
    proportion: Proportion,
    *,
    sensitivity: ArrayLike | Proportion,
    specificity: ArrayLike | Proportion,
    method: str = "blaker",
    confidence_level: float = 0.95,
) -> Estimate:
    """Correct the share of positive tests for the errors of the test.

    Parameters
    ----------
    proportion : Proportion
        Positive tests of those tested.
    sensitivity, specificity : array_like or Proportion
        Probabilities, known; or the counts of the validation study from which both are estimated. Their sum
        must exceed 1: a test that is no better than chance corrects nothing.
    method : str, default "blaker"
        With known sensitivity and specificity, any interval of `prevalence`, whose limits are corrected as
        the estimate is (Reiczigel et al. recommend Blaker's). With counts the interval is Lang and
        Reiczigel's, which takes their uncertainty in, and `method` is not used.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PR". The value (Rogan and Gladen's) and the limits are cut to [0, 1]; a share of positives
        below 1 - specificity gives 0.

    Raises
    ------
    ValueError
        If sensitivity + specificity is not above 1, only one of them is given by counts, or an option is
        unknown.

    Notes
    -----
    (p + sp - 1)/(se + sp - 1). Lang and Reiczigel: the same of p with z²/2 of z² added and of se and sp with
    1 of 2 added, shifted by 2z²(P se(1 - se)/n_se - (1 - P) sp(1 - sp)/n_sp), ± z times the delta-method
    standard error.

    References
    ----------
    Rogan WJ, Gladen B (1978). Estimating prevalence from the results of a screening test. Am J Epidemiol
    107:71-76. DOI 10.1093/oxfordjournals.aje.a112510

    Lang Z, Reiczigel J (2014). Confidence limits for prevalence of disease adjusted for estimated
    sensitivity and specificity. Prev Vet Med 113:13-22. DOI 10.1016/j.prevetmed.2013.09.015

    Reiczigel J, Foldi J, Ozsvari L (2010). Exact confidence limits for prevalence of a disease with an
    imperfect diagnostic test. Epidemiol Infect 138:1674-1678.

    Examples
    --------
    23 of 150 cows test positive, sensitivity 96 %, specificity 89 % (the example of epiR's epi.prev, which
    prints 5.1 per 100, 0 to 13):

    >>> print(true_prevalence(Proportion(events=23, total=150), sensitivity=0.96, specificity=0.89))
    5.1% (0.0% to 12.8%)
    """
    counted = isinstance(sensitivity, Proportion), isinstance(specificity, Proportion)
    if isinstance(sensitivity, Proportion) and isinstance(specificity, Proportion):
        return _lang_reiczigel(proportion, sensitivity, specificity, confidence_level)
    if any(counted):
        raise ValueError(
            "`sensitivity` and `specificity` must both be probabilities or both be Proportions, "
            "but one is of either kind."
        )
    se, sp = _better_than_chance(
        as_probabilities("sensitivity", sensitivity),  # type: ignore[arg-type]
        as_probabilities("specificity", specificity),  # type: ignore[arg-type]
    )
    apparent = prevalence(proportion, method=method, confidence_level=confidence_level)

    def corrected(share: FloatArray) -> FloatArray:
        return np.clip((share + sp - 1) / (se + sp - 1), 0.0, 1.0)

    return Estimate(
        measure="PR",
        value=corrected(apparent.value),
        low=corrected(apparent.low),
        high=corrected(apparent.high),
        confidence_level=apparent.confidence_level,
        std_error=None if apparent.std_error is None else apparent.std_error / (se + sp - 1),
        scale="identity",
        method=f"rogan-gladen {method}",
    )


def _better_than_chance(se: FloatArray, sp: FloatArray) -> tuple[FloatArray, FloatArray]:
    se, sp = broadcast(sensitivity=se, specificity=sp)
    fault = ~(se + sp > 1)
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`sensitivity` + `specificity` must exceed 1, but got {se[index]:g} + {sp[index]:g}"
            f"{f' at index {index}' if index else ''}: such a test is no better than chance."
        )
    return se, sp


def _lang_reiczigel(
    proportion: Proportion, sensitivity: Proportion, specificity: Proportion, confidence_level: float
) -> Estimate:
    level = check_confidence_level(confidence_level)
    z = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        se, sp = _better_than_chance(
            sensitivity.events / sensitivity.total, specificity.events / specificity.total
        )
        value = (proportion.events / proportion.total + sp - 1) / (se + sp - 1)
    n, n_se, n_sp = proportion.total + z**2, sensitivity.total + 2, specificity.total + 2
    p = (proportion.events + z**2 / 2) / n
    se, sp = (sensitivity.events + 1) / n_se, (specificity.events + 1) / n_sp
    span = se + sp - 1
    true = (p + sp - 1) / span
    errors = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * z**2 * (true * errors[0] - (1 - true) * errors[1])
    std_error = np.sqrt(p * (1 - p) / n + true**2 * errors[0] + (1 - true) ** 2 * errors[1]) / span
    return Estimate(
        measure="PR",
        value=np.clip(value, 0.0, 1.0),
        low=np.clip(true + shift - z * std_error, 0.0, 1.0),
        high=np.clip(true + shift + z * std_error, 0.0, 1.0),
        confidence_level=level,
        std_error=std_error,
        scale="identity",
        method="lang-reiczigel",
    )


def survey_prevalence(
    proportion: Proportion,
    *,
    design_effect: ArrayLike = 1.0,
    population_size: ArrayLike | None = None,
    method: str = "wilson",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate a prevalence from a complex sample or from a large part of a finite population.

    Parameters
    ----------
    proportion : Proportion
        Events of the persons sampled.
    design_effect : array_like, default 1
        Variance of the design over that of a simple random sample, greater than 0.
    population_size : array_like, optional
        Size of the population, at least the sample's; by default unlimited.
    method : str, default "wilson"
        Any interval of `prevalence`, computed at the effective sample size.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PR". A sample of the whole population has a single point as interval.

    Raises
    ------
    ValueError
        If the design effect is not greater than 0 or the population is smaller than the sample.

    Notes
    -----
    Effective sample size n (N - 1)/((N - n) design effect). Methods that sum probabilities ("mid-p",
    "blaker") need whole counts and are refused.
    """
    if method in {"mid-p", "blaker"}:
        raise ValueError(f"`method` must not be {method!r} here: it needs whole counts.")
    effect = as_numbers("design_effect", design_effect)
    if not (effect > 0).all():
        raise ValueError(
            f"`design_effect` must be greater than 0, but got {effect[~(effect > 0)].flat[0]:g}."
        )
    n = proportion.total
    shrink = 1.0 / effect
    if population_size is not None:
        size = as_counts("population_size", population_size)
        if (size < n).any():
            raise ValueError("`population_size` must be at least the size of the sample.")
        with np.errstate(divide="ignore"):
            # A census leaves no error; a trillion persons stand for infinitely many.
            shrink = np.minimum(shrink * (size - 1) / (size - n), 1e12)
    effective = Proportion._trusted(events=proportion.events * shrink, total=n * shrink)  # noqa: SLF001 -- not whole
    return prevalence(effective, method=method, confidence_level=confidence_level)


def nonresponse_bounds(
    proportion: Proportion, *, missing: ArrayLike, method: str = "wilson", confidence_level: float = 0.95
) -> Estimate:
    """Bound a prevalence when some did not answer, whatever they would have said.

    Parameters
    ----------
    proportion : Proportion
        Events of those who answered.
    missing : array_like
        How many did not answer.
    method : str, default "wilson"
        Any interval of `prevalence`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PR", method "manski". `value` is the share among those who answered. `low` and `high` are the
        lower confidence limit if nobody, and the upper if everybody, of the missing were an event: an
        interval for the bounds, at least as wide as they are.

    References
    ----------
    Manski CF (1989). Anatomy of the selection problem. J Hum Resour 24:343-360.

    Examples
    --------
    Nobody was counted who did not return the questionnaire: 59 of those who answered, 15 097 sent, if 1071
    had answered:

    >>> print(nonresponse_bounds(Proportion(events=59, total=1071), missing=14026))
    5.5% (0.3% to 93.7%)
    """
    silent = as_counts("missing", missing)
    total = proportion.total + silent
    none = Proportion._trusted(events=proportion.events, total=total)  # noqa: SLF001 -- sums of counts
    every = Proportion._trusted(events=proportion.events + silent, total=total)  # noqa: SLF001 -- idem
    lowest = prevalence(none, method=method, confidence_level=confidence_level)
    highest = prevalence(every, method=method, confidence_level=confidence_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.broadcast_to(proportion.events / proportion.total, lowest.shape)
    return Estimate(
        measure="PR",
        value=value,
        low=lowest.low,
        high=highest.high,
        confidence_level=lowest.confidence_level,
        std_error=None,
        scale="identity",
        method="manski",
    )
