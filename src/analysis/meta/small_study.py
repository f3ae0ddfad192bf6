"""Tests for small-study effects that take effect sizes: Egger, Thompson and Sharp, Begg, Pustejovsky-Rodgers.

Tests that need the cells of 2x2 tables live in `small_study_tables`, all of them at once in
`small_study_summary`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.rank_correlation import exact_pvalue, kendall, normal_pvalue
from analysis.meta.methods.weighted_regression import (
    Studies,
    check_spread,
    fit_line,
    studies_first,
    studies_of,
)
from analysis.meta.methods.weighted_regression_mixed import MODERATED_TAU2, moderated_tau2
from analysis.meta.small_study_result import SmallStudyTest, line_test, rank_test
from analysis.values.arguments import as_positive, check_choice, check_confidence_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import EffectSizes

__all__ = ["begg_test", "egger_test", "pustejovsky_rodgers_test"]

_MODELS = ("lm", "mixed")
_INTERVALS = ("t", "wald", "hartung-knapp")
# Whether the predictor is 0 for an infinite study.
_PREDICTORS = {
    "std_error": True,
    "variance": True,
    "n": False,
    "sqrt-n": False,
    "1/n": True,
    "1/sqrt-n": True,
}


def egger_test(
    effects: EffectSizes,
    *,
    model: str = "lm",
    predictor: str = "std_error",
    n: ArrayLike | None = None,
    tau2: str | None = None,
    ci: str | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> SmallStudyTest:
    """Regress effects on a predictor of study size (Egger; with additive heterogeneity Thompson and Sharp).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies.
    model : {"lm", "mixed"}, default "lm"
        "lm": classical weighted regression, weights 1/v, heterogeneity as a factor on the variance, t on
        k - 2 degrees of freedom. "mixed": heterogeneity as an additive tau2 about the line. "lm" is the test
        that papers call Egger's; it is too liberal under heterogeneity in small trials (Schwarzer 2024).
    predictor : {"std_error", "variance", "n", "sqrt-n", "1/n", "1/sqrt-n"}, default "std_error"
        What stands for size. Those of n need `n`; for ratios of 2x2 tables the standard error itself depends
        on the effect, which "1/n" (Peters) avoids.
    n : array_like, optional
        Persons a study, greater than 0.
    tau2 : {"REML", "DL", "none"}, optional
        Only for model="mixed"; REML if not given. "none" is tau2 = 0.
    ci : {"t", "wald", "hartung-knapp"}, optional
        Only for model="mixed": t on k - 2 degrees of freedom (if not given), normal, or t with Hartung and
        Knapp's factor on the variance.
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter.
    confidence_level : float, default 0.95
        Of the effect at infinite size.

    Returns
    -------
    SmallStudyTest
        `bias` is the slope: with the standard error as predictor the intercept of Egger's radial plot.
        `limit` is the effect where the predictor is 0 (for the standard error, PET).

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes or `n` not numeric.
    ValueError
        If fewer than three studies enter, the predictor does not differ between them, their effects lie on a
        line (all equal, for instance) so that there is no residual, or an option is unknown or belongs to
        the other model.
    ConvergenceError
        If REML does not converge.

    Notes
    -----
    y = a + b x with weights 1/(v + tau2); for "lm" tau2 = 0 and the variances are multiplied by RSS/(k - 2).
    b over its standard error is compared with t on k - 2 degrees of freedom. tau2 by REML is the global
    maximum of the restricted likelihood about the line.

    References
    ----------
    Egger M, Davey Smith G, Schneider M, Minder C (1997). Bias in meta-analysis detected by a simple,
    graphical test. BMJ 315:629-634. DOI 10.1136/bmj.315.7109.629. (DOI not verified.)

    Thompson SG, Sharp SJ (1999). Explaining heterogeneity in meta-analysis: a comparison of methods. Stat Med
    18:2693-2708. (Citation not verified.)

    Schwarzer G, Rücker G, Semaca C (2024). LFK index does not reliably detect small-study effects in
    meta-analysis: a simulation study. Res Synth Methods 15:603-615. DOI 10.1002/jrsm.1714

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.02])
    >>> result = egger_test(effects)
    >>> round(float(result.bias), 2), round(float(result.pvalue), 4)
    (1.25, 0.0002)
    >>> print(result.limit)
    0.020 (−0.047 to 0.087)
    """
    check_choice("model", model, _MODELS)
    grows_to_zero = _PREDICTORS[check_choice("predictor", predictor, _PREDICTORS)]
    level = check_confidence_level(confidence_level)
    if model == "lm" and (tau2 is not None or ci is not None):
        given = "tau2" if tau2 is not None else "ci"
        raise ValueError(
            f"`{given}` belongs to model='mixed'; the classical model has no tau2 and always uses t on k - 2."
        )
    method = check_choice("tau2", "REML" if tau2 is None else tau2, MODERATED_TAU2)
    interval = check_choice("ci", "t" if ci is None else ci, _INTERVALS)
    studies = studies_of(effects, least=3, where=where)
    x = _predictor(predictor, studies, n)
    if model == "lm":
        weight = studies.inside / studies.variance
        line = fit_line(studies.effect, x, weight)
        check_spread(studies.effect, x, weight, predictor, line)
        name = "Egger" if predictor == "std_error" else f"Egger on {predictor}"
        return line_test(
            line,
            shape=studies.shape,
            measure=effects.measure,
            method=name,
            confidence_level=level,
            factor=line.dispersion,
            limit=grows_to_zero,
        )
    check_spread(studies.effect, x, studies.inside, predictor, None)
    between = moderated_tau2(studies.effect, studies.variance, x, studies.inside, method=method)
    weight = studies.inside / (studies.variance + between)
    line = fit_line(studies.effect, x, weight)
    if interval == "hartung-knapp":
        check_spread(studies.effect, x, weight, predictor, line)
    on = "" if predictor == "std_error" else f" on {predictor}"
    return line_test(
        line,
        shape=studies.shape,
        measure=effects.measure,
        method=f"Thompson-Sharp{on} ({method}, {interval})",
        confidence_level=level,
        factor=line.dispersion if interval == "hartung-knapp" else None,
        normal=interval == "wald",
        limit=grows_to_zero,
        tau2=between,
    )


def _predictor(predictor: str, studies: Studies, n: ArrayLike | None) -> FloatArray:
    if predictor == "std_error":
        return np.sqrt(studies.variance)
    if predictor == "variance":
        return studies.variance
    if n is None:
        raise ValueError(f"`predictor` is {predictor!r}, which needs `n`, the persons of each study.")
    shape = (*studies.shape, studies.effect.shape[0])
    size = _spread("n", as_positive("n", n), shape)
    if predictor in {"n", "1/n"}:
        return size if predictor == "n" else 1 / size
    return np.sqrt(size) if predictor == "sqrt-n" else 1 / np.sqrt(size)


def _spread(name: str, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return one value a study with the studies first."""
    try:
        spread = np.broadcast_to(values, shape)
    except ValueError:
        raise ValueError(
            f"`{name}` must hold one number for each of {shape[-1]} studies, but has shape {values.shape}."
        ) from None
    return studies_first(spread, shape)


def begg_test(
    effects: EffectSizes,
    *,
    pvalue: str = "exact",
    continuity: bool = False,
    where: ArrayLike | None = None,
) -> SmallStudyTest:
    """Correlate standardized effects with their variances by ranks (Begg and Mazumdar).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least three studies.
    pvalue : {"exact", "normal"}, default "exact"
        "exact": from all orders, equally likely; sets with ties, for which that law does not hold, get the
        normal approximation with its variance corrected for ties.
    continuity : bool, default False
        Whether the normal approximation takes 1 off the score. Not for pvalue="exact".
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter.

    Returns
    -------
    SmallStudyTest
        `bias` is the score (concordant minus discordant pairs), `tau` Kendall's tau-b, `statistic` the normal
        score. No effect at infinite size.

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes.
    ValueError
        If fewer than three studies enter, all variances or all standardized effects are equal, or an option
        is unknown.

    Notes
    -----
    Kendall's rank correlation of (y - m)/√(v - 1/Σ(1/v)) with v, m the common-effect mean. The exact P-value
    is twice the smaller tail. The test has little power (Schwarzer 2024).

    References
    ----------
    Begg CB, Mazumdar M (1994). Operating characteristics of a rank correlation test for publication bias.
    Biometrics 50:1088-1101. DOI 10.2307/2533446. (DOI not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.21, 0.2, 0.05, 0.02])
    >>> result = begg_test(effects)
    >>> round(float(result.tau), 2), round(float(result.pvalue), 3)
    (0.87, 0.017)
    """
    check_choice("pvalue", pvalue, ("exact", "normal"))
    if continuity and pvalue == "exact":
        raise ValueError("`continuity` belongs to pvalue='normal'; an exact P-value needs no correction.")
    studies = studies_of(effects, least=3, where=where)
    weight = studies.inside / studies.variance
    total = weight.sum(axis=0)
    mean = (weight * studies.effect).sum(axis=0) / total
    # A study outside has variance 1 here, which may be below 1/total: its quotient is not looked at.
    own = np.where(studies.inside > 0, studies.variance - 1 / total, 1.0)
    excess = studies.effect - mean
    # What is left of equal effects by rounding has no rank.
    excess = np.where(np.abs(excess) <= 1e-13 * np.abs(studies.effect).max(axis=0), 0.0, excess)
    return ranks_of(
        (excess / np.sqrt(own)).T,
        studies.variance.T,
        studies.inside.T > 0,
        shape=studies.shape,
        name="Begg",
        pvalue=pvalue,
        continuity=continuity,
    )


def ranks_of(
    standardized: FloatArray,
    variance: FloatArray,
    inside: BoolArray,
    *,
    shape: tuple[int, ...],
    name: str,
    pvalue: str,
    continuity: bool,
) -> SmallStudyTest:
    """Correlate by ranks over the last axis of arrays of shape (m, k), and judge the score."""
    ranks = kendall(standardized, variance, inside)
    if (ranks.variance <= 0).any():
        first = int(np.flatnonzero(ranks.variance <= 0)[0])
        raise ValueError(
            "Standardized effects and variances must differ between studies, but in set "
            f"{first} (counted flat) all are equal: ranks do not exist."
        )
    judged = normal_pvalue(ranks.score, ranks.variance, continuity=continuity)
    free = ~ranks.tied
    if pvalue == "exact" and free.any():
        judged[free] = exact_pvalue(ranks.score[free], ranks.n[free])
    how = "normal with continuity correction" if continuity else "normal"
    if pvalue == "exact":
        how = (
            "exact"
            if free.all()
            else ("exact, normal where there are ties" if free.any() else "normal: ties")
        )
    return rank_test(ranks, judged, shape=shape, method=f"{name} ({how})", continuity=continuity)


def pustejovsky_rodgers_test(
    effects: EffectSizes,
    *,
    exposed_total: ArrayLike,
    control_total: ArrayLike,
    confidence_level: float = 0.95,
) -> SmallStudyTest:
    """Regress standardized mean differences on the part of their standard error that is size alone.

    Parameters
    ----------
    effects : EffectSizes
        Standardized mean differences, shape (..., k); at least three studies.
    exposed_total, control_total : array_like
        Persons an arm, greater than 0.
    confidence_level : float, default 0.95
        Of the effect at infinite size.

    Returns
    -------
    SmallStudyTest
        `bias` is the slope on √(1/n1 + 1/n0).

    Raises
    ------
    TypeError, ValueError
        As for `egger_test`.

    Notes
    -----
    The variance of a standardized mean difference d contains d²/(2N), so that Egger's test finds a slope
    where there is none. Here the predictor is √(1/n1 + 1/n0); weights stay 1/v, t on k - 2 degrees of
    freedom.

    References
    ----------
    Pustejovsky JE, Rodgers MA (2019). Testing for funnel plot asymmetry of standardized mean differences.
    Res Synth Methods 10:57-71. DOI 10.1002/jrsm.1332. (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.8, 0.5, 0.6, 0.2], variance=[0.22, 0.14, 0.11, 0.03])
    >>> result = pustejovsky_rodgers_test(
    ...     effects, exposed_total=[10, 15, 20, 70], control_total=[10, 15, 20, 65])
    >>> round(float(result.bias), 2)
    2.09
    """
    level = check_confidence_level(confidence_level)
    studies = studies_of(effects, least=3)
    shape = (*studies.shape, studies.effect.shape[0])
    exposed = _spread("exposed_total", as_positive("exposed_total", exposed_total), shape)
    control = _spread("control_total", as_positive("control_total", control_total), shape)
    x = np.sqrt(1 / exposed + 1 / control)
    weight = studies.inside / studies.variance
    line = fit_line(studies.effect, x, weight)
    check_spread(studies.effect, x, weight, "√(1/n1 + 1/n0)", line)
    return line_test(
        line,
        shape=studies.shape,
        measure=effects.measure,
        method="Pustejovsky-Rodgers",
        confidence_level=level,
        factor=line.dispersion,
    )
