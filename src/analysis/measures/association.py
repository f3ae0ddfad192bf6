"""Measures of association of a 2x2 table: risk ratio, odds ratio, risk difference.

Sums over strata live in `stratified`, effect sizes for pooling in `effect_size`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.correction import corrected_cells
from analysis.measures.wald import log_ratio_estimate, wald_difference
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import Estimate

__all__ = ["odds_ratio", "risk_difference", "risk_ratio"]


def risk_ratio(
    table: TwoByTwo, *, method: str = "log", confidence_level: float = 0.95, correction: float | None = None
) -> Estimate:
    """Estimate the ratio of the risk among the exposed to the risk among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables.
    method : {"log"}, default "log"
        Normal interval of the log risk ratio (Katz).
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell. By default nothing is: a table
        without cases among the exposed has a ratio of 0 and an interval from 0 to infinity.

    Returns
    -------
    Estimate
        Measure "RR" of the shape of `table`; `std_error` is that of the log risk ratio.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    log RR = log(a/n1) - log(c/n0), variance 1/a - 1/n1 + 1/c - 1/n0.

    References
    ----------
    Katz D, Baptista J, Azen SP, Pike MC (1978). Obtaining confidence intervals for the risk ratio in cohort
    studies. Biometrics 34:469-474. DOI 10.2307/2530610

    Examples
    --------
    Recorded osteoporosis, women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(risk_ratio(table))
    3.95 (3.00 to 5.19)
    """
    check_choice("method", method, ("log",))
    a, b, c, d = corrected_cells(table, correction)
    exposed, control = a + b, c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (a * control) / (c * exposed)
        variance = 1 / a - 1 / exposed + 1 / c - 1 / control
    return log_ratio_estimate(
        measure="RR",
        ratio=ratio,
        variance=variance,
        method=method,
        confidence_level=confidence_level,
        correction=correction,
    )


def odds_ratio(
    table: TwoByTwo, *, method: str = "woolf", confidence_level: float = 0.95, correction: float | None = None
) -> Estimate:
    """Estimate the ratio of the odds among the exposed to the odds among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables. In a case-control study "exposed" may be the cases: the odds ratio
        is the same either way round.
    method : {"woolf"}, default "woolf"
        Normal interval of the log odds ratio.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell (0.5: Haldane, Anscombe). By default
        nothing is.

    Returns
    -------
    Estimate
        Measure "OR" of the shape of `table`; `std_error` is that of the log odds ratio.

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    OR = ad / bc, variance of log OR = 1/a + 1/b + 1/c + 1/d.

    References
    ----------
    Woolf B (1955). On estimating the relation between blood group and disease. Ann Hum Genet 19:251-253.
    DOI 10.1111/j.1469-1809.1955.tb01348.x

    Examples
    --------
    Vertebral fracture in mild ankylosing spondylitis, Mitra et al. 2000, DOI 10.1093/rheumatology/39.1.85,
    whose counts are 11 of 66 against 1 of 39:

    >>> from analysis import TwoByTwo
    >>> print(odds_ratio(TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)))
    7.60 (0.94 to 61.35)
    """
    check_choice("method", method, ("woolf",))
    a, b, c, d = corrected_cells(table, correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (a * d) / (b * c)
        variance = 1 / a + 1 / b + 1 / c + 1 / d
    return log_ratio_estimate(
        measure="OR",
        ratio=ratio,
        variance=variance,
        method=method,
        confidence_level=confidence_level,
        correction=correction,
    )


def risk_difference(
    table: TwoByTwo, *, method: str = "wald", confidence_level: float = 0.95, correction: float | None = None
) -> Estimate:
    """Estimate the risk among the exposed minus the risk among the controls.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables.
    method : {"wald"}, default "wald"
        Normal interval of the difference, cut to [-1, 1].
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all four cells of the tables that have an empty cell. By default nothing is.

    Returns
    -------
    Estimate
        Measure "RD" of the shape of `table`, as a proportion (0.019 is 1.9 per 100).

    Raises
    ------
    ValueError
        If the method is unknown, the level outside (0, 1), or the correction negative.

    Notes
    -----
    RD = a/n1 - c/n0, variance ab/n1³ + cd/n0³.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(risk_difference(table))
    0.017 (0.012 to 0.021)
    """
    check_choice("method", method, ("wald",))
    a, b, c, d = corrected_cells(table, correction)
    exposed, control = a + b, c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = a / exposed - c / control
        variance = a * b / exposed**3 + c * d / control**3
    return wald_difference(
        measure="RD",
        difference=difference,
        variance=variance,
        method=method,
        confidence_level=confidence_level,
        ends=(-1.0, 1.0),
        correction=correction,
    )
