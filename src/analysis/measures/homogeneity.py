"""Tests of equal effects in all strata, and the Mantel-Haenszel value that they are centred on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.correction import check_correction, corrected_cells
from analysis.values.arguments import check_choice
from analysis.values.distributions import chi2_tail
from analysis.values.significance import SignificanceTest

if TYPE_CHECKING:
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["homogeneity_test", "mantel_haenszel_value"]


def homogeneity_test(
    table: TwoByTwo,
    *,
    method: str = "tarone",
    measure: str = "OR",
    correction: float | None = None,
    correct: str = "only-zero",
) -> SignificanceTest:
    """Test whether the effect is the same in all strata.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates.
    method : {"tarone", "breslow-day", "woolf", "q"}, default "tarone"
        Breslow and Day compare the cells with those that the Mantel-Haenszel odds ratio fits; Tarone
        subtracts what the Mantel-Haenszel estimate costs against the most likely one, which makes the
        statistic chi-square. Both need no correction of empty cells. Woolf sums the weighted squared
        distances of the strata from their inverse-variance mean, "q" from the Mantel-Haenszel estimate.
    measure : {"OR", "RR", "RD"}, default "OR"
        Woolf and "q" serve all three, the others the odds ratio.
    correction : float, optional
        For Woolf and "q": added to all four cells. By default nothing is, and a stratum whose effect or
        variance is infinite drops out.
    correct : {"only-zero", "all", "all-if-any-zero", "none"}, default "only-zero"
        Which strata are corrected.

    Returns
    -------
    SignificanceTest
        Chi-square; degrees of freedom are the informative strata less one. Strata with an empty group, and
        those where nobody or everybody is a case, inform nobody and are not counted.

    Raises
    ------
    ValueError
        If an argument is unknown, or does not belong to the method.

    Notes
    -----
    Breslow-Day: Σ(a - A)² / V with A the root of A(n0 - m1 + A) = ψ (n1 - A)(m1 - A) within the margins and
    1/V the sum of the reciprocals of the four fitted cells; Tarone: less (Σ(a - A))² / ΣV.

    References
    ----------
    Breslow NE, Day NE (1980). Statistical methods in cancer research. Vol. 1: The analysis of case-control
    studies. IARC Scientific Publications No. 32, Lyon.

    Tarone RE (1985). On heterogeneity tests based on efficient scores. Biometrika 72:91-95.
    DOI 10.1093/biomet/72.1.91

    Woolf B (1955). On estimating the relation between blood group and disease. Ann Hum Genet 19:251-253.
    DOI 10.1111/j.1469-1809.1955.tb01348.x

    Examples
    --------
    Recorded osteoporosis, men and women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(homogeneity_test(strata))
    χ² = 5.28, df = 1, P = 0.022
    """
    check_choice("method", method, ("tarone", "breslow-day", "woolf", "q"))
    check_choice("measure", measure, ("OR", "RR", "RD"))
    added = check_correction(correction)
    strata = table if table.shape else table[np.newaxis]
    cases = strata.exposed_cases + strata.control_cases
    noncases = strata.exposed_noncases + strata.control_noncases
    informative = (strata.exposed_total > 0) & (strata.control_total > 0) & (cases > 0) & (noncases > 0)
    if method in {"tarone", "breslow-day"}:
        if measure != "OR":
            raise ValueError(
                f'`measure` must be "OR" for the {method} test, but got {measure!r}; use "woolf" or "q".'
            )
        if added > 0:
            raise ValueError(
                f"`correction` must be None for the {method} test, which fits all cells, but got {added:g}."
            )
        statistic = _breslow_day(strata, informative, tarone=method == "tarone")
    else:
        statistic, informative = _weighted_squares(
            strata, informative, measure, correction, correct, pooled=method == "q"
        )
    df = informative.sum(axis=-1) - 1.0
    pvalue = np.where(df > 0, chi2_tail(statistic, np.maximum(df, 1.0)), np.nan)
    return SignificanceTest(
        statistic=statistic, df=np.maximum(df, 0.0), pvalue=pvalue, method=method, correction=correction
    )


def mantel_haenszel_value(table: TwoByTwo, measure: str) -> FloatArray:
    """Return the Mantel-Haenszel odds ratio, risk ratio or risk difference over the last axis."""
    strata = table if table.shape else table[np.newaxis]
    a, c = strata.exposed_cases, strata.control_cases
    n1, n0 = strata.exposed_total, strata.control_total
    # An empty stratum weighs nothing; 1 keeps its quotients at 0.
    n = np.maximum(n1 + n0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "OR":
            value = (a * (n0 - c) / n).sum(axis=-1) / ((n1 - a) * c / n).sum(axis=-1)
        elif measure == "RR":
            value = (a * n0 / n).sum(axis=-1) / (c * n1 / n).sum(axis=-1)
        else:
            value = ((a * n0 - c * n1) / n).sum(axis=-1) / (n1 * n0 / n).sum(axis=-1)
    return np.asarray(value)


def _breslow_day(strata: TwoByTwo, informative: BoolArray, *, tarone: bool) -> FloatArray:
    ratio = mantel_haenszel_value(strata, "OR")[..., np.newaxis]
    a, n1, n0 = strata.exposed_cases, strata.exposed_total, strata.control_total
    m1 = a + strata.control_cases
    with np.errstate(divide="ignore", invalid="ignore"):
        # (ψ - 1)A² - BA + ψ n1 m1 = 0; of two forms of its root the one that subtracts nothing.
        middle = ratio * (n1 + m1) + n0 - m1
        root = np.sqrt(middle**2 - 4 * (ratio - 1) * ratio * n1 * m1)
        fitted = np.where(
            middle > 0, 2 * ratio * n1 * m1 / (middle + root), (middle - root) / (2 * (ratio - 1))
        )
        variance = 1 / (1 / fitted + 1 / (n1 - fitted) + 1 / (m1 - fitted) + 1 / (n0 - m1 + fitted))
        distance = np.where(informative, a - fitted, 0.0)
        statistic = np.where(informative, distance**2 / variance, 0.0).sum(axis=-1)
        if tarone:
            cost = distance.sum(axis=-1) ** 2 / np.where(informative, variance, 0.0).sum(axis=-1)
            statistic = np.maximum(statistic - np.where(informative.any(axis=-1), cost, 0.0), 0.0)
    # With an odds ratio of 0 or infinity nothing can be fitted.
    return np.where((ratio[..., 0] > 0) & np.isfinite(ratio[..., 0]), statistic, np.nan)


def _weighted_squares(
    strata: TwoByTwo,
    informative: BoolArray,
    measure: str,
    correction: float | None,
    correct: str,
    *,
    pooled: bool,
) -> tuple[FloatArray, BoolArray]:
    a, b, c, d = corrected_cells(strata, correction, correct)
    n1, n0 = a + b, c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "OR":
            effect, variance = np.log(a * d) - np.log(b * c), 1 / a + 1 / b + 1 / c + 1 / d
        elif measure == "RR":
            effect, variance = np.log(a * n0) - np.log(c * n1), 1 / a - 1 / n1 + 1 / c - 1 / n0
        else:
            effect, variance = a / n1 - c / n0, a * b / n1**3 + c * d / n0**3
        known = informative & np.isfinite(effect) & np.isfinite(variance) & (variance > 0)
        weight = np.where(known, 1 / variance, 0.0)
        effect = np.where(known, effect, 0.0)
        if pooled:
            centre = mantel_haenszel_value(strata, measure)
            centre = centre if measure == "RD" else np.log(centre)
        else:
            centre = (weight * effect).sum(axis=-1) / weight.sum(axis=-1)
        statistic = (weight * (effect - centre[..., np.newaxis]) ** 2).sum(axis=-1)
    return np.where(np.isfinite(centre), statistic, np.nan), known
