"""Sums over strata: the Mantel-Haenszel estimates and test. The last axis of a table is strata.

Crude and pooled side by side live in `crude_and_pooled`, tests of homogeneity in `homogeneity`, exact
inference in `common_odds_ratio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.common_odds_ratio import exact_test_pvalue
from analysis.measures.homogeneity import mantel_haenszel_value
from analysis.measures.methods.stratified_score import stratified_score
from analysis.measures.methods.wald import log_ratio_estimate, wald_difference
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import chi2_tail
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of
from analysis.values.significance import SignificanceTest

if TYPE_CHECKING:
    from analysis.values.counts import TwoByTwo, TwoRates

__all__ = ["cochran_mantel_haenszel_test", "mantel_haenszel", "mantel_haenszel_rates"]

# The first is the default.
_VARIANCES = {
    "OR": ("robins-breslow-greenland",),
    "RR": ("greenland-robins",),
    "RD": ("sato", "greenland-robins"),
}
_SCORES = ("score", "skewness-corrected")


def mantel_haenszel(
    table: TwoByTwo,
    *,
    measure: str = "OR",
    method: str = "wald",
    variance: str | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Pool strata (or studies) by Mantel and Haenszel's weights.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates. A table without axes is one stratum.
    measure : {"OR", "RR", "RD"}, default "OR"
        What is pooled.
    method : {"wald", "score", "skewness-corrected"}, default "wald"
        "wald" is the normal interval, of the logarithm for a ratio. "score", of the risk ratio and the risk
        difference, takes the variance under the ratio or difference in question; its P-value is that of
        `cochran_mantel_haenszel_test`. "skewness-corrected" is the same corrected for the skewness of the
        score.
    variance : {"robins-breslow-greenland", "greenland-robins", "sato"}, optional
        Of "wald" alone. The first belongs to the odds ratio, the second to the risk ratio; both last to the
        risk difference. Sato's is the default there: it is consistent both for few large and for many small
        strata, the other for few large ones only.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Of the shape of the leading axes. No correction is added: strata with empty cells, and empty strata,
        contribute what they contain. `std_error` is None for methods other than "wald".

    Raises
    ------
    ValueError
        If the measure, the method or the variance is unknown or not known for the measure, or the level
        outside (0, 1).

    Notes
    -----
    OR = ΣR/ΣS with R = ad/N, S = bc/N and the variance of Robins, Breslow and Greenland; RR with R = a n0/N,
    S = c n1/N and that of Greenland and Robins; RD with weights n1 n0/N and Sato's variance or
    Σ(ab n0³ + cd n1³)/(n1 n0 N²) / (Σ n1 n0/N)².

    References
    ----------
    Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data from retrospective studies of
    disease. J Natl Cancer Inst 22:719-748. DOI 10.1093/jnci/22.4.719

    Robins J, Breslow N, Greenland S (1986). Estimators of the Mantel-Haenszel variance consistent in both
    sparse data and large-strata limiting models. Biometrics 42:311-323. DOI 10.2307/2531052

    Greenland S, Robins JM (1985). Estimation of a common effect parameter from sparse follow-up data.
    Biometrics 41:55-68. DOI 10.2307/2530643

    Sato T, Greenland S, Robins JM (1989). On the variance estimator for the Mantel-Haenszel risk
    difference. Biometrics 45:1323-1324.

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Examples
    --------
    Recorded osteoporosis, men and women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(mantel_haenszel(strata, measure="RR"))
    4.85 (3.92 to 6.00)
    """
    check_choice("measure", measure, _VARIANCES)
    check_choice("method", method, ("wald", *_SCORES))
    chosen = check_choice("variance", variance or _VARIANCES[measure][0], _VARIANCES[measure])
    if method in _SCORES and (measure == "OR" or variance is not None):
        raise ValueError(
            f"`method` may be {method!r} for 'RR' and 'RD' without a `variance`, but got {measure!r} and "
            f"{variance!r}. Leave it at 'wald'."
        )
    named = method if method in _SCORES else chosen
    name = "mantel-haenszel" if named == _VARIANCES[measure][0] else f"mantel-haenszel ({named})"
    value = mantel_haenszel_value(table, measure)
    strata = table if table.shape else table[np.newaxis]
    a, c = strata.exposed_cases, strata.control_cases
    n1, n0 = strata.exposed_total, strata.control_total
    if method in _SCORES:
        level = check_confidence_level(confidence_level)
        low, high, pvalue = stratified_score(
            measure, value, (a, n1, c, n0), level, corrected=method == "skewness-corrected"
        )
        return Estimate(
            measure=measure,
            value=value,
            low=low,
            high=high,
            confidence_level=level,
            std_error=None,
            scale=measure_of(measure).scale,
            method=name,
            pvalue=pvalue,
        )
    b, d, n = n1 - a, n0 - c, n1 + n0
    # An empty stratum weighs nothing; 1 keeps its quotients at 0.
    n = np.where(n > 0, n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "RD":
            weight = (n1 * n0 / n).sum(axis=-1)
            if chosen == "sato":
                p = ((n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2).sum(axis=-1)
                q = ((a * d + c * b) / (2 * n)).sum(axis=-1)
                numerator = value * p + q
            else:
                # A stratum with one group weighs nothing either.
                product = np.where(n1 * n0 > 0, n1 * n0, 1.0)
                numerator = ((a * b * n0**3 + c * d * n1**3) / (product * n**2)).sum(axis=-1)
            return wald_difference(
                measure=measure,
                difference=value,
                # Sato's estimate may fall below 0 in tiny tables.
                variance=np.maximum(numerator, 0.0) / weight**2,
                method=name,
                confidence_level=confidence_level,
                ends=(-1.0, 1.0),
            )
        if measure == "OR":
            r, s = a * d / n, b * c / n
            p, q = (a + d) / n, (b + c) / n
            sum_r, sum_s = r.sum(axis=-1), s.sum(axis=-1)
            log_variance = (
                (p * r).sum(axis=-1) / sum_r**2
                + (p * s + q * r).sum(axis=-1) / (sum_r * sum_s)
                + (q * s).sum(axis=-1) / sum_s**2
            ) / 2
        else:
            sum_r, sum_s = (a * n0 / n).sum(axis=-1), (c * n1 / n).sum(axis=-1)
            log_variance = (((a + c) * n1 * n0 - a * c * n) / n**2).sum(axis=-1) / (sum_r * sum_s)
    return log_ratio_estimate(
        measure=measure,
        ratio=value,
        variance=log_variance,
        method=name,
        confidence_level=confidence_level,
    )


def mantel_haenszel_rates(
    rates: TwoRates, *, measure: str = "IRR", confidence_level: float = 0.95
) -> Estimate:
    """Pool rates of strata (or studies) by Mantel and Haenszel's weights.

    Parameters
    ----------
    rates : TwoRates
        The last axis is strata; leading axes are replicates. Rates without axes are one stratum.
    measure : {"IRR", "IRD"}, default "IRR"
        Rate ratio or rate difference; the difference is per unit of the person-time.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Of the shape of the leading axes. No correction is added.

    Raises
    ------
    ValueError
        If the measure is unknown or the level outside (0, 1).

    Notes
    -----
    With x events in time t and T = t1 + t0: IRR = Σ(x1 t0/T) / Σ(x0 t1/T), variance of its log
    Σ((x1 + x0) t1 t0/T²) over the product of both sums. IRD = Σ((x1 t0 - x0 t1)/T) / Σ(t1 t0/T), variance
    Σ((x1 t0² + x0 t1²)/T²) / (Σ t1 t0/T)².

    References
    ----------
    Greenland S, Robins JM (1985). Estimation of a common effect parameter from sparse follow-up data.
    Biometrics 41:55-68. DOI 10.2307/2530643

    Examples
    --------
    Catheter-related infections, two trials of Niel-Weise et al. 2008:

    >>> from analysis import TwoRates
    >>> trials = TwoRates(exposed_events=[7, 8], exposed_time=[1344, 1600],
    ...                   control_events=[11, 8], control_time=[1988, 1461])
    >>> print(mantel_haenszel_rates(trials))
    0.93 (0.47 to 1.83)
    """
    check_choice("measure", measure, ("IRR", "IRD"))
    strata = rates if rates.shape else rates[np.newaxis]
    x1, t1, x0, t0 = strata.exposed_events, strata.exposed_time, strata.control_events, strata.control_time
    total = t1 + t0
    with np.errstate(divide="ignore", invalid="ignore"):
        exposed, control = (x1 * t0 / total).sum(axis=-1), (x0 * t1 / total).sum(axis=-1)
        if measure == "IRR":
            return log_ratio_estimate(
                measure=measure,
                ratio=exposed / control,
                variance=((x1 + x0) * t1 * t0 / total**2).sum(axis=-1) / (exposed * control),
                method="mantel-haenszel",
                confidence_level=confidence_level,
            )
        weight = (t1 * t0 / total).sum(axis=-1)
        return wald_difference(
            measure=measure,
            difference=(exposed - control) / weight,
            variance=((x1 * t0**2 + x0 * t1**2) / total**2).sum(axis=-1) / weight**2,
            method="mantel-haenszel",
            confidence_level=confidence_level,
        )


def cochran_mantel_haenszel_test(
    table: TwoByTwo, *, method: str = "mantel-haenszel", correct: bool = False
) -> SignificanceTest:
    """Test whether exposure and outcome are associated, given the strata.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates.
    method : {"mantel-haenszel", "cochran", "exact"}, default "mantel-haenszel"
        Mantel and Haenszel's variance is conditional on all margins and has N - 1 where Cochran's has N.
        "exact" sums the conditional probabilities of all totals of exposed cases that are no more probable
        than the observed one.
    correct : bool, default False
        Take 0.5 off the absolute difference between observed and expected, down to 0 at the least. The
        correction makes the test agree with the exact one; without it the test is closer to its level.

    Returns
    -------
    SignificanceTest
        Of the shape of the leading axes. For "exact" the statistic is the number of exposed cases.

    Raises
    ------
    ValueError
        If the method is unknown, or a correction is asked for the exact test.

    Notes
    -----
    (Σ(a - n1 m1/N))² / Σ(n1 n0 m1 m0 / (N² (N - 1))), chi-square with one degree of freedom. The exact
    P-value is another than the doubled tail of `exact_common_odds_ratio`.

    References
    ----------
    Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data from retrospective studies of
    disease. J Natl Cancer Inst 22:719-748. DOI 10.1093/jnci/22.4.719

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(cochran_mantel_haenszel_test(strata))
    χ² = 257.73, df = 1, P = 5.4e-58
    """
    check_choice("method", method, ("mantel-haenszel", "cochran", "exact"))
    if method == "exact" and correct:
        raise ValueError(
            "`correct` must be False for the exact test, which needs no continuity correction, but got True."
        )
    strata = table if table.shape else table[np.newaxis]
    a, n1, n0 = strata.exposed_cases, strata.exposed_total, strata.control_total
    if method == "exact":
        return SignificanceTest(
            statistic=a.sum(axis=-1), df=None, pvalue=exact_test_pvalue(strata), method=method
        )
    m1 = a + strata.control_cases
    n = n1 + n0
    # A stratum of one person says nothing; neither does an empty one.
    divisor = np.maximum(n - 1, 1.0) if method == "mantel-haenszel" else np.maximum(n, 1.0)
    size = np.maximum(n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.abs((a - n1 * m1 / size).sum(axis=-1))
        if correct:
            difference = np.maximum(difference - 0.5, 0.0)
        variance = (n1 * n0 * m1 * (n - m1) / (size**2 * divisor)).sum(axis=-1)
        statistic = difference**2 / np.where(variance > 0, variance, np.nan)
    return SignificanceTest(
        statistic=statistic,
        df=np.ones_like(statistic),
        pvalue=chi2_tail(statistic, 1.0),
        method=method,
        correction=0.5 if correct else None,
    )
