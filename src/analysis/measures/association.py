"""Measures of association of a 2x2 table: risk ratio, odds ratio, risk difference.

The methods themselves are in `two_proportions`; sums over strata in `stratified`, effect sizes for pooling
in `effect_size`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.cells import Cells
from analysis.measures.methods.correction import corrected_cells
from analysis.measures.methods.resampling import bootstrap_risk_ratio
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analysis.measures.methods.cells import Inverted, Method
    from analysis.values.counts import TwoByTwo

__all__ = ["odds_ratio", "risk_difference", "risk_ratio"]


def risk_ratio(
    table: TwoByTwo,
    *,
    method: str = "log",
    confidence_level: float = 0.95,
    correction: float | None = None,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> Estimate:
    """Estimate the ratio of the risk among the exposed to the risk among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables.
    method : str, default "log"
        - "log": normal interval of the log ratio (Katz); what most papers print
        - "adjusted-log": as "log", half a case and half a person added to either arm, also to the value
          (Walter; Pettigrew)
        - "price-bonett": as "log", a quarter of a case and 1.5 non-cases added to either arm, also to the
          value; an approximate Bayesian interval
        - "inverse-sinh": narrower than "log" where counts are small
        - "adjusted-inverse-sinh": the same with a person more in either arm for the standard error
        - "mover-wilson": from Wilson's limits of both risks (Donner and Zou's MOVER)
        - "koopman": score interval
        - "miettinen-nurminen": score interval with variance factor N/(N - 1)
        - "skewness-corrected": the same corrected for the skewness of the score (Gart and Nam; Laud)
        - "likelihood-ratio"
        - "bootstrap": percentiles of binomial resampling of both arms
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell. By default nothing is: a table
        without cases among the exposed has a ratio of 0 and a lower limit of 0.
    draws : int, default 10000
        Resampled tables a table, for "bootstrap" alone.
    rng : numpy.random.Generator or int, optional
        Generator or seed, for "bootstrap" alone.

    Returns
    -------
    Estimate
        Measure "RR" of the shape of `table`; `std_error` is that of the log risk ratio and None for methods
        that have none. The P-value is of a ratio of 1, by the same inversion as the interval. Tables without
        cases, or with an empty arm, have a value and a P-value of NaN and limits 0 and infinity.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    "log": log RR = log(a/n1) - log(c/n0), variance 1/a - 1/n1 + 1/c - 1/n0.

    References
    ----------
    Katz D, Baptista J, Azen SP, Pike MC (1978). Obtaining confidence intervals for the risk ratio in cohort
    studies. Biometrics 34:469-474. DOI 10.2307/2530610

    Pettigrew HM, Gart JJ, Thomas DG (1986). The bias and higher cumulants of the logarithm of a binomial
    variate. Biometrika 73:425-435.

    Price RM, Bonett DG (2008). Confidence intervals for a ratio of two independent binomial proportions.
    Stat Med 27:5497-5508. (Citation not verified.)

    Fagerland MW, Newcombe RG (2013). Confidence intervals for odds ratio and relative risk based on the
    inverse hyperbolic sine transformation. Stat Med 32:2823-2836. DOI 10.1002/sim.5714

    Donner A, Zou GY (2012). Closed-form confidence intervals for functions of the normal mean and standard
    deviation. Stat Methods Med Res 21:347-359. (Citation not verified.)

    Koopman PAR (1984). Confidence intervals for the ratio of two binomial proportions. Biometrics
    40:513-517. DOI 10.2307/2531405

    Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
    DOI 10.1002/sim.4780040211

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Fagerland MW, Lydersen S, Laake P (2015). Recommended confidence intervals for two independent binomial
    proportions. Stat Methods Med Res 24:224-254. DOI 10.1177/0962280211415469

    Examples
    --------
    Recorded osteoporosis, women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(risk_ratio(table))
    3.95 (3.00 to 5.19)
    """
    check_choice("method", method, [*RISK_RATIO, "bootstrap"])
    if method == "bootstrap":
        cells = Cells(*corrected_cells(table, correction))
        level = check_confidence_level(confidence_level)
        result = bootstrap_risk_ratio(cells, level, draws=draws, rng=rng)
        return _estimate("RR", method, result, level, correction)
    return _by_method(table, "RR", method, RISK_RATIO, confidence_level, correction)


def odds_ratio(
    table: TwoByTwo, *, method: str = "woolf", confidence_level: float = 0.95, correction: float | None = None
) -> Estimate:
    """Estimate the ratio of the odds among the exposed to the odds among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables. In a case-control study "exposed" may be the cases: the odds ratio
        is the same either way round.
    method : str, default "woolf"
        - "woolf": normal interval of the log odds ratio; what most papers print
        - "gart": as "woolf", 0.5 added to every cell, also for the value
        - "independence-smoothed": as "woolf", each cell smoothed towards independence, also the value
        - "inverse-sinh": narrower than "woolf" where counts are small
        - "adjusted-inverse-sinh": the same with 0.45 added to each cell for the value and 0.25 for the
          standard error
        - "mover-wilson": from Wilson's limits of both odds (Donner and Zou's MOVER); where an arm has only
          cases, from those of the odds of the non-cases
        - "score": Cornfield's score interval without continuity correction
        - "miettinen-nurminen": score interval with variance factor N/(N - 1)
        - "skewness-corrected": the same corrected for the skewness of the score (Gart and Nam; Laud) and, of
          first order, for its bias
        - "likelihood-ratio"
        - "exact": conditional on the margins, either tail at most alpha/2 (Cornfield, Fisher)
        - "mid-p": as "exact", with half of the probability of the observed table
        - "conditional-exact", "conditional-mid-p": the same limits with the conditional maximum-likelihood
          estimate as value, as R's fisher.test prints it
        - "baptista-pike", "baptista-pike-mid-p": exact, by the probability of the tables; narrower
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell (0.5: Haldane, Anscombe). By default
        nothing is. The exact methods take whole counts only.

    Returns
    -------
    Estimate
        Measure "OR" of the shape of `table`; `std_error` is that of the log odds ratio and None for methods
        that have none. The P-value is of an odds ratio of 1, by the same inversion as the interval: for
        "exact" twice the smaller tail, which is not the P-value that Fisher's test prints by default. Tables
        with an empty margin have a value of NaN and limits 0 and infinity.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), the correction negative, or if a correction is
        asked of an exact method.

    Notes
    -----
    "woolf": OR = ad / bc, variance of log OR = 1/a + 1/b + 1/c + 1/d.

    References
    ----------
    Woolf B (1955). On estimating the relation between blood group and disease. Ann Hum Genet 19:251-253.
    DOI 10.1111/j.1469-1809.1955.tb01348.x

    Fagerland MW, Newcombe RG (2013). Confidence intervals for odds ratio and relative risk based on the
    inverse hyperbolic sine transformation. Stat Med 32:2823-2836. DOI 10.1002/sim.5714

    Donner A, Zou GY (2012). Closed-form confidence intervals for functions of the normal mean and standard
    deviation. Stat Methods Med Res 21:347-359. (Citation not verified.)

    Gart JJ (1966). Alternative analyses of contingency tables. J R Stat Soc B 28:164-179.

    Cornfield J (1956). A statistical problem arising from retrospective studies. Proc. Third Berkeley Symp.
    Math. Stat. Probab. 4:135-148.

    Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
    DOI 10.1002/sim.4780040211

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Baptista J, Pike MC (1977). Algorithm AS 115: exact two-sided confidence limits for the odds ratio in a
    2x2 table. J R Stat Soc C 26:214-220.

    Examples
    --------
    Vertebral fracture in mild ankylosing spondylitis, Mitra et al. 2000, DOI 10.1093/rheumatology/39.1.85,
    whose counts are 11 of 66 against 1 of 39:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)
    >>> print(odds_ratio(table))
    7.60 (0.94 to 61.35)
    >>> print(odds_ratio(table, method="mid-p"))
    7.60 (1.20 to 169.09)
    """
    check_choice("method", method, ODDS_RATIO)
    if correction and method in _WHOLE_COUNTS:
        raise ValueError(
            f"`correction` must be None for {method!r}, which takes whole counts and needs none."
        )
    return _by_method(table, "OR", method, ODDS_RATIO, confidence_level, correction)


_WHOLE_COUNTS = frozenset(
    {"exact", "mid-p", "conditional-exact", "conditional-mid-p", "baptista-pike", "baptista-pike-mid-p"}
)


def risk_difference(
    table: TwoByTwo, *, method: str = "wald", confidence_level: float = 0.95, correction: float | None = None
) -> Estimate:
    """Estimate the risk among the exposed minus the risk among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables.
    method : str, default "wald"
        - "wald": normal interval of the difference; what most papers print
        - "wald-cc": Wald's with continuity correction
        - "agresti-caffo": Wald's after adding a case and a non-case to either arm
        - "newcombe": hybrid of Wilson's limits of both risks
        - "mee": score interval
        - "miettinen-nurminen": score interval with variance factor N/(N - 1)
        - "skewness-corrected": the same corrected for the skewness of the score (Gart and Nam; Laud)

        All are cut to [-1, 1].
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell. By default nothing is.

    Returns
    -------
    Estimate
        Measure "RD" of the shape of `table`, as a proportion (0.019 is 1.9 per 100). The P-value is of no
        difference, by the same inversion as the interval. With an empty arm the value is NaN and the limits
        are -1 and 1. Where neither arm varies Wald's interval is a single point: use another method.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    "wald": RD = a/n1 - c/n0, variance ab/n1³ + cd/n0³.

    References
    ----------
    Agresti A, Caffo B (2000). Simple and effective confidence intervals for proportions and differences of
    proportions result from adding two successes and two failures. Am Stat 54:280-288. DOI 10.2307/2685779

    Newcombe RG (1998). Interval estimation for the difference between independent proportions. Stat Med
    17:873-890. DOI 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    Mee RW (1984). Confidence bounds for the difference between two probabilities. Biometrics 40:1175-1176.

    Miettinen O, Nurminen M (1985). Comparative analysis of two rates. Stat Med 4:213-226.
    DOI 10.1002/sim.4780040211

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(risk_difference(table))
    0.017 (0.012 to 0.021)
    """
    return _by_method(table, "RD", method, RISK_DIFFERENCE, confidence_level, correction)


def _by_method(
    table: TwoByTwo,
    measure: str,
    method: str,
    methods: Mapping[str, Method],
    confidence_level: float,
    correction: float | None,
) -> Estimate:
    compute = methods[check_choice("method", method, methods)]
    level = check_confidence_level(confidence_level)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        result = compute(Cells(*corrected_cells(table, correction)), level)
    return _estimate(measure, method, result, level, correction)


def _estimate(
    measure: str, method: str, result: Inverted, level: float, correction: float | None
) -> Estimate:
    return Estimate(
        measure=measure,
        value=result.value,
        low=result.low,
        high=result.high,
        confidence_level=level,
        std_error=result.std_error,
        scale=measure_of(measure).scale,
        method=method,
        pvalue=result.pvalue,
        correction=correction,
    )
