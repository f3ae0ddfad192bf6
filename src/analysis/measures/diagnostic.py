"""How well a test, or a marker, tells the diseased from the healthy: sensitivity to Youden's index.

The counts are positives among the diseased and positives among the healthy, named as such in every call: a
bare 2x2 table does not say which side is the test. Predictive values live in `predictive_values`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.methods.positives import PositiveAndNegative, check_positives, positives_table
from analysis.measures.proportion import prevalence
from analysis.values.counts import Proportion, TwoByTwo

if TYPE_CHECKING:
    from analysis.values.estimate import Estimate

__all__ = [
    "LikelihoodRatios",
    "diagnostic_odds_ratio",
    "likelihood_ratios",
    "sensitivity",
    "specificity",
    "youden_index",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LikelihoodRatios(PositiveAndNegative):
    """Likelihood ratio of a positive and of a negative result.

    Parameters
    ----------
    positive, negative : Estimate
        Measures "LRP" and "LRN"; `std_error` on the log scale.
    """

    positive: Estimate
    negative: Estimate


def sensitivity(
    *, positives_among_diseased: Proportion, method: str = "wilson", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the probability of a positive result among the diseased.

    Parameters
    ----------
    positives_among_diseased : Proportion
        Positive results out of the diseased.
    method : str, default "wilson"
        An interval of `prevalence`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "SENS" of the shape of the counts.

    Raises
    ------
    TypeError
        If the counts are no `Proportion`.
    ValueError
        If the method is unknown or the level outside (0, 1).

    Examples
    --------
    >>> print(sensitivity(positives_among_diseased=Proportion(events=231, total=263)))
    87.8% (83.3% to 91.2%)
    """
    diseased = check_positives("positives_among_diseased", positives_among_diseased)
    return _of_counts("SENS", diseased, method, confidence_level)


def specificity(
    *, positives_among_healthy: Proportion, method: str = "wilson", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the probability of a negative result among the healthy.

    Parameters
    ----------
    positives_among_healthy : Proportion
        Positive (not negative) results out of the healthy.
    method : str, default "wilson"
        An interval of `prevalence`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "SPEC" of the shape of the counts.

    Raises
    ------
    TypeError, ValueError
        As for `sensitivity`.

    Examples
    --------
    >>> print(specificity(positives_among_healthy=Proportion(events=27, total=81)))
    66.7% (55.9% to 76.0%)
    """
    healthy = check_positives("positives_among_healthy", positives_among_healthy)
    return _of_counts("SPEC", _others(healthy), method, confidence_level)


def likelihood_ratios(
    *,
    positives_among_diseased: Proportion,
    positives_among_healthy: Proportion,
    method: str = "log",
    confidence_level: float = 0.95,
    correction: float | None = None,
) -> LikelihoodRatios:
    """Estimate how much more often a result comes from the diseased than from the healthy.

    Parameters
    ----------
    positives_among_diseased, positives_among_healthy : Proportion
        Positive results out of the diseased and out of the healthy.
    method : str, default "log"
        An interval of `risk_ratio`. "log" is Simel's; the score intervals "koopman" and
        "miettinen-nurminen" also bound a test without false positives or false negatives.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        As for `risk_ratio`. By default nothing is added: a test without false positives has an infinite
        positive likelihood ratio.

    Returns
    -------
    LikelihoodRatios
        Of the common shape of the counts.

    Raises
    ------
    TypeError, ValueError
        As for `sensitivity` and `risk_ratio`.

    Notes
    -----
    LR+ = se/(1 - sp) and LR- = (1 - se)/sp are ratios of two independent proportions, the diseased in the
    place of the exposed. Simel: variance of log LR+ = (1 - se)/(se n1) + sp/((1 - sp) n0), of log LR- =
    se/((1 - se) n1) + (1 - sp)/(sp n0).

    References
    ----------
    Simel DL, Samsa GP, Matchar DB (1991). Likelihood ratios with confidence: sample size estimation for
    diagnostic test studies. J Clin Epidemiol 44:763-770. DOI 10.1016/0895-4356(91)90128-V

    Examples
    --------
    >>> print(likelihood_ratios(positives_among_diseased=Proportion(events=231, total=263),
    ...                         positives_among_healthy=Proportion(events=27, total=81)))
    positive: 2.63 (1.93 to 3.60)
    negative: 0.18 (0.13 to 0.26)
    """
    table = positives_table(positives_among_diseased, positives_among_healthy)
    options = {"method": method, "confidence_level": confidence_level, "correction": correction}
    return LikelihoodRatios(
        positive=replace(risk_ratio(table, **options), measure="LRP"),  # type: ignore[arg-type]
        negative=replace(risk_ratio(_negatives(table), **options), measure="LRN"),  # type: ignore[arg-type]
    )


def diagnostic_odds_ratio(
    *,
    positives_among_diseased: Proportion,
    positives_among_healthy: Proportion,
    method: str = "woolf",
    confidence_level: float = 0.95,
    correction: float | None = None,
) -> Estimate:
    """Estimate the odds of a positive result among the diseased over those among the healthy.

    Parameters
    ----------
    positives_among_diseased, positives_among_healthy : Proportion
        Positive results out of the diseased and out of the healthy.
    method : str, default "woolf"
        An interval of `odds_ratio`.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        As for `odds_ratio`. By default nothing is added.

    Returns
    -------
    Estimate
        Measure "DOR" of the common shape of the counts; LR+ / LR-.

    Raises
    ------
    TypeError, ValueError
        As for `sensitivity` and `odds_ratio`.

    Examples
    --------
    >>> print(diagnostic_odds_ratio(positives_among_diseased=Proportion(events=231, total=263),
    ...                             positives_among_healthy=Proportion(events=27, total=81)))
    14.44 (7.99 to 26.09)
    """
    table = positives_table(positives_among_diseased, positives_among_healthy)
    estimate = odds_ratio(table, method=method, confidence_level=confidence_level, correction=correction)
    return replace(estimate, measure="DOR")


def youden_index(
    *,
    positives_among_diseased: Proportion,
    positives_among_healthy: Proportion,
    method: str = "wald",
    confidence_level: float = 0.95,
) -> Estimate:
    """Estimate sensitivity + specificity - 1.

    Parameters
    ----------
    positives_among_diseased, positives_among_healthy : Proportion
        Positive results out of the diseased and out of the healthy.
    method : str, default "wald"
        An interval of `risk_difference`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "YOUDEN" of the common shape of the counts.

    Raises
    ------
    TypeError, ValueError
        As for `sensitivity` and `risk_difference`.

    Notes
    -----
    The index is P(positive | diseased) - P(positive | healthy), a difference of two independent proportions,
    and has the intervals of one. Adding the limits of sensitivity and specificity gives no interval of its
    level: both would have to be off in the same direction at once.

    Examples
    --------
    >>> print(youden_index(positives_among_diseased=Proportion(events=231, total=263),
    ...                    positives_among_healthy=Proportion(events=27, total=81)))
    0.54 (0.43 to 0.65)
    """
    table = positives_table(positives_among_diseased, positives_among_healthy)
    estimate = risk_difference(table, method=method, confidence_level=confidence_level)
    return replace(estimate, measure="YOUDEN")


def _negatives(table: TwoByTwo) -> TwoByTwo:
    return TwoByTwo(
        exposed_cases=table.exposed_noncases,
        exposed_total=table.exposed_total,
        control_cases=table.control_noncases,
        control_total=table.control_total,
    )


def _others(counts: Proportion) -> Proportion:
    return Proportion(events=counts.total - counts.events, total=counts.total)


def _of_counts(measure: str, counts: Proportion, method: str, level: float) -> Estimate:
    return replace(prevalence(counts, method=method, confidence_level=level), measure=measure)
