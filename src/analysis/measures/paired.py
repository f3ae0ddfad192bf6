"""Matched pairs: McNemar's test, and the odds ratio, difference and ratio of paired proportions.

Unmatched tables live in `association`, the limits of this module in `paired_score` and `paired_wilson`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.binomial_odds import odds_limits, odds_pvalue
from analysis.measures.methods.inversion import pvalue_of_interval
from analysis.measures.methods.paired_score import difference_limits, mcnemar_statistic, ratio_limits
from analysis.measures.methods.paired_wilson import (
    bonett_price_corrected_lower,
    bonett_price_lower,
    mover_lower,
    newcombe_distances,
    newcombe_excess,
)
from analysis.measures.methods.unconditional import paired_pvalue
from analysis.measures.methods.wald import log_ratio_estimate, wald_difference
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from analysis.values.arrays import FloatArray
    from analysis.values.paired import PairedTable

__all__ = ["McNemarTest", "mcnemar_test", "paired_difference", "paired_odds_ratio", "paired_ratio"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class McNemarTest(Framed):
    """McNemar's test of one table of pairs or an array of them.

    Parameters
    ----------
    pvalue : ndarray
        Two-sided; 1 where no pair is discordant.
    statistic : ndarray or None
        Standard normal under no effect, positive where more exposed than controls are cases; None for the
        methods that have none (the exact ones and mid-P). Its square is McNemar's chi-square.
    method : str
        How the P-value was computed ("asymptotic").
    """

    pvalue: FloatArray
    statistic: FloatArray | None
    method: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "pvalue", read_only(self.pvalue))
        if self.statistic is not None:
            object.__setattr__(self, "statistic", read_only(self.statistic))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tests; () for one."""
        return self.pvalue.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per test, in C order, at full precision."""
        import pandas as pd

        statistic = np.nan if self.statistic is None else self.statistic.ravel()
        return pd.DataFrame({"statistic": statistic, "pvalue": self.pvalue.ravel(), "method": self.method})


def mcnemar_test(paired: PairedTable, *, method: str = "asymptotic") -> McNemarTest:
    """Test whether exposed and controls of matched pairs are cases equally often.

    Parameters
    ----------
    paired : PairedTable
        One table of pairs or an array of them.
    method : str, default "asymptotic"
        One of "asymptotic", "asymptotic-corrected", "exact", "mid-p", "exact-unconditional". "asymptotic"
        keeps close to its level even with few pairs and is the test that the default intervals of this module
        invert; "exact" and "asymptotic-corrected" are conservative, "mid-p" and "exact-unconditional" are
        less so, the last without ever exceeding its level.

    Returns
    -------
    McNemarTest
        Of the shape of `paired`.

    Raises
    ------
    ValueError
        If the method is unknown.

    Notes
    -----
    With b and c, the discordant pairs of either kind: z = (b - c) / sqrt(b + c); corrected, |b - c| - 1 for
    |b - c|, at least 0. Exact: b is binomial (b + c, 1/2), twice the smaller tail, at most 1; mid-P counts
    half of the probability of the observed b. Unconditional: the probability, over all tables of so many
    pairs, of a statistic z² as large, largest over the share of discordant pairs within its exact interval of
    level 0.9999, plus 0.0001 (Berger and Boos); it needs some milliseconds a table.

    References
    ----------
    McNemar Q (1947). Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12:153-157.

    Suissa S, Shuster JJ (1991). The 2x2 matched-pairs trial: exact unconditional design and analysis.
    Biometrics 47:361-372. (Citation not verified.)

    Examples
    --------
    >>> from analysis.values.paired import PairedTable
    >>> test = mcnemar_test(PairedTable(both=1, exposed_only=1, control_only=7, neither=12))
    >>> round(float(test.pvalue), 4)
    0.0339
    """
    check_choice(
        "method", method, ("asymptotic", "asymptotic-corrected", "exact", "mid-p", "exact-unconditional")
    )
    b, c = paired.exposed_only, paired.control_only
    if method == "exact-unconditional":
        return McNemarTest(pvalue=paired_pvalue(b, c, paired.pairs), statistic=None, method=method)
    if method in {"exact", "mid-p"}:
        pvalue = odds_pvalue(b, c, np.ones(b.shape), method)
        return McNemarTest(pvalue=pvalue, statistic=None, method=method)
    statistic = mcnemar_statistic(b, c)
    if method == "asymptotic-corrected":
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.maximum(np.abs(b - c) - 1, 0.0) / np.sqrt(b + c)
        statistic = np.where(b == c, 0.0, np.sign(b - c) * size)
    return McNemarTest(pvalue=two_sided_normal(statistic), statistic=statistic, method=method)


def paired_odds_ratio(
    paired: PairedTable, *, method: str = "wilson", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the conditional odds ratio of matched pairs.

    Parameters
    ----------
    paired : PairedTable
        One table of pairs or an array of them.
    method : {"wilson", "exact", "mid-p", "log"}, default "wilson"
        Interval of the share of either kind among the discordant pairs, brought to the odds: Wilson's, whose
        P-value is McNemar's, Clopper and Pearson's ("exact"), or mid-P. "log" is the normal interval of the
        log odds ratio.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "OR" of the shape of `paired`; `std_error` is that of the log odds ratio, None for methods
        other than "log". `exposed_only` of 0 gives the value 0 and the lower limit 0, `control_only` of 0
        infinity and an infinite upper limit, no discordant pair NaN with the limits 0 and infinity and a
        P-value of 1 (NaN for "log").

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    OR = b/c, the discordant pairs of either kind; given b + c, b is binomial with the odds OR. Variance of
    log OR = 1/b + 1/c. Concordant pairs say nothing of this ratio.

    References
    ----------
    Breslow NE, Day NE (1980). Statistical methods in cancer research. Volume 1: the analysis of case-control
    studies. IARC Sci Publ 32.

    Wilson EB (1927). Probable inference, the law of succession, and statistical inference. J Am Stat Assoc
    22:209-212. DOI 10.1080/01621459.1927.10502953

    Examples
    --------
    >>> from analysis.values.paired import PairedTable
    >>> print(paired_odds_ratio(PairedTable(both=1, exposed_only=1, control_only=7, neither=12)))
    0.14 (0.02 to 0.89)
    """
    check_choice("method", method, ("wilson", "exact", "mid-p", "log"))
    level = check_confidence_level(confidence_level)
    b, c = paired.exposed_only, paired.control_only
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, variance = b / c, 1 / b + 1 / c
    if method == "log":
        return log_ratio_estimate(
            measure="OR", ratio=ratio, variance=variance, method=method, confidence_level=level
        )
    of_odds = "score" if method == "wilson" else method
    low, high = odds_limits(b, c, level, of_odds)
    return Estimate(
        measure="OR",
        value=ratio,
        low=low,
        high=high,
        confidence_level=level,
        std_error=None,
        scale="log",
        method=method,
        pvalue=odds_pvalue(b, c, np.ones(b.shape), of_odds),
    )


def paired_difference(
    paired: PairedTable, *, method: str = "tango", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the difference of two proportions observed in matched pairs.

    Parameters
    ----------
    paired : PairedTable
        One table of pairs or an array of them.
    method : {"tango", "newcombe", "bonett-price", "agresti-min", "wald", "wald-cc"}, default "tango"
        "tango" is the score interval, whose P-value is McNemar's; "newcombe" squares and adds Wilson
        limits of either proportion with their correlation; "bonett-price" and "agresti-min" are Wald's
        interval after adding 1 to the discordant or 1/2 to all cells; "wald" and "wald-cc", with continuity
        correction of the variance, are here to recheck papers that used them.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "RD" of the shape of `paired`, always the observed difference, with limits in [-1, 1].
        `std_error` is that of the interval, None for "tango" and "newcombe". Without discordant pairs
        Wald's interval is the single point 0 without a P-value, the others reach to either side. No pair
        gives NaN with the limits -1 and 1.

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    With b and c, the discordant pairs of n: d = (b - c)/n, Wald variance ((b + c)/n - d²)/n, corrected with
    |b - c| - 1 of at least 0 for |b - c| in d²; others lengthen Wald's interval by 1/n instead.
    Tango: limits D with n (d - D)² = z² v(D), v(D) the variance at the likelihood's maximum under D.
    Newcombe: with Wilson limits (l, u) of p1 and p0 and f the correlation, less n/2 in its numerator where
    positive: d - sqrt((p1 - l1)² - 2 f (p1 - l1)(u0 - p0) + (u0 - p0)²), and accordingly above.

    References
    ----------
    Tango T (1998). Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design. Stat Med 17:891-908.
    DOI 10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B

    Newcombe RG (1998). Improved confidence intervals for the difference between binomial proportions based on
    paired data. Stat Med 17:2635-2650.
    DOI 10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C

    Bonett DG, Price RM (2012). Adjusted Wald confidence interval for a difference of binomial proportions
    based on paired data. J Educ Behav Stat 37:479-488. DOI 10.3102/1076998611411915

    Agresti A, Min Y (2005). Simple improved confidence intervals for comparing matched proportions. Stat Med
    24:729-740.

    Examples
    --------
    >>> from analysis.values.paired import PairedTable
    >>> print(paired_difference(PairedTable(both=1, exposed_only=1, control_only=7, neither=12)))
    −0.29 (−0.52 to −0.03)
    """
    check_choice("method", method, ("tango", "newcombe", "bonett-price", "agresti-min", "wald", "wald-cc"))
    level = check_confidence_level(confidence_level)
    a, b, c, n = paired.both, paired.exposed_only, paired.control_only, paired.pairs
    z = normal_quantile((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = (b - c) / n
    std_error: FloatArray | None = None
    if method in {"wald", "wald-cc"}:
        apart = np.abs(b - c) - (1.0 if method == "wald-cc" else 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = ((b + c) / n - (np.maximum(apart, 0.0) / n) ** 2) / n
        return wald_difference(
            measure="RD",
            difference=difference,
            variance=np.maximum(variance, 0.0),
            method=method,
            confidence_level=level,
            ends=(-1.0, 1.0),
        )
    if method == "tango":
        low, high = difference_limits(b, c, n, level)
        pvalue = two_sided_normal(mcnemar_statistic(b, c))
    elif method == "newcombe":
        below, above = newcombe_distances(np.asarray(z), a, b, c, n)
        low, high = difference - below, difference + above
        pvalue = pvalue_of_interval(newcombe_excess, a, b, c, n, what="the P-value of the paired difference")
    else:
        added = 1.0 if method == "bonett-price" else 0.5
        centre = (b - c) / (n + 2)
        std_error = np.sqrt(((b + c + 2 * added) / (n + 2) - centre**2) / (n + 2))
        low, high = centre - z * std_error, centre + z * std_error
        pvalue = two_sided_normal(centre / std_error)
    known = n > 0
    return Estimate(
        measure="RD",
        value=difference,
        low=np.where(known, np.maximum(low, -1.0), -1.0),
        high=np.where(known, np.minimum(high, 1.0), 1.0),
        confidence_level=level,
        std_error=std_error,
        scale="identity",
        method=method,
        pvalue=pvalue,
    )


_LOWER: dict[str, Callable[..., FloatArray]] = {
    "bonett-price": bonett_price_lower,
    "bonett-price-cc": bonett_price_corrected_lower,
    "mover": mover_lower,
}


def paired_ratio(paired: PairedTable, *, method: str = "tang", confidence_level: float = 0.95) -> Estimate:
    """Estimate the ratio of two proportions observed in matched pairs.

    Parameters
    ----------
    paired : PairedTable
        One table of pairs or an array of them.
    method : {"tang", "bonett-price", "bonett-price-cc", "mover", "log"}, default "tang"
        "tang" is the score interval, whose P-value is McNemar's; "bonett-price" divides Wilson limits of the
        proportions among pairs with a case, at a level that makes up for the correlation, "bonett-price-cc"
        those with continuity correction; "mover" recovers
        variances from Wilson limits of the proportions (none where all pairs agree); "log" is the normal
        interval of the log ratio.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "RR" of the shape of `paired`; `std_error` is that of the log ratio, None for methods other
        than "log". No case among the exposed gives the value 0 and the lower limit 0, none among the
        controls infinity and an infinite upper limit, none at all NaN with the limits 0 and infinity and a
        P-value of 1 (NaN for "log").

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    With a the pairs with two cases and b and c those with one: RR = (a + b)/(a + c), variance of log RR =
    (b + c)/((a + b)(a + c)). Pairs without a case enter "mover" alone. Tang: limits R with
    (a + b - R (a + c))² = z² v(R), v(R) the variance at the likelihood's maximum under R.

    References
    ----------
    Tang NS, Tang ML, Chan ISF (2003). On tests of equivalence via non-unity relative risk for matched-pair
    design. Stat Med 22:1217-1233. DOI 10.1002/sim.1213

    Bonett DG, Price RM (2006). Confidence intervals for a ratio of binomial proportions based on paired data.
    Stat Med 25:3039-3047. DOI 10.1002/sim.2440

    Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a general approach.
    Stat Med 27:1693-1702. DOI 10.1002/sim.3095

    Examples
    --------
    >>> from analysis.values.paired import PairedTable
    >>> print(paired_ratio(PairedTable(both=1, exposed_only=1, control_only=7, neither=12)))
    0.25 (0.07 to 0.91)
    """
    check_choice("method", method, ("tang", "bonett-price", "bonett-price-cc", "mover", "log"))
    level = check_confidence_level(confidence_level)
    a, b, c, n = paired.both, paired.exposed_only, paired.control_only, paired.pairs
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (a + b) / (a + c)
        variance = (b + c) / (a + b) / (a + c)
    if method == "log":
        return log_ratio_estimate(
            measure="RR", ratio=ratio, variance=variance, method=method, confidence_level=level
        )
    if method == "tang":
        low, high = ratio_limits(a, b, c, n, level)
        pvalue = two_sided_normal(mcnemar_statistic(b, c))
    else:
        lower = _LOWER[method]
        z = np.asarray(normal_quantile((1 + level) / 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            # The other way round the ratio is the reciprocal.
            low, high = lower(z, a, b, c, n), 1 / lower(z, a, c, b, n)
        # Where all pairs agree "mover" knows no variance: both limits are 1 but for rounding.
        low, high = np.fmin(low, ratio), np.fmax(high, ratio)

        def excess(z: FloatArray, a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray) -> FloatArray:
            return np.maximum(np.log(lower(z, a, b, c, n)), np.log(lower(z, a, c, b, n)))

        pvalue = pvalue_of_interval(excess, a, b, c, n, what="the P-value of the paired ratio")
    return Estimate(
        measure="RR",
        value=ratio,
        low=low,
        high=high,
        confidence_level=level,
        std_error=None,
        scale="log",
        method=method,
        pvalue=pvalue,
    )
