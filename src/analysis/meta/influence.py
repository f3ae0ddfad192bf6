"""What single studies do to a meta-analysis: leave-one-out, cumulative, outliers and influence, shrinkage.

All by one call of `pool` over masks of the studies. What comes back is in `methods.influence_results`; all
subsets are in `gosh`, moderators in `regression`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.influence_diagnostics import diagnose, shrink
from analysis.meta.methods.influence_results import (
    Baujat,
    BestLinearPredictions,
    Influence,
    PooledSteps,
    Radial,
)
from analysis.meta.methods.influence_studies import entering
from analysis.meta.pooling import pool
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.estimate import EffectSizes

__all__ = [
    "Baujat",
    "BestLinearPredictions",
    "Influence",
    "PooledSteps",
    "Radial",
    "baujat",
    "best_linear_predictions",
    "cumulative",
    "influence",
    "leave_one_out",
    "radial",
]

# Those whose limits are the mean plus or minus a quantile times the standard error.
_STANDARD_ERRORS = ("wald", "t", "hartung-knapp", "hartung-knapp-adhoc")


def leave_one_out(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledSteps:
    """Pool again without each study in turn.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k), at least two studies.
    where : array_like of bool, shape (k,), optional
        Studies that enter; the others have no row.
    model, tau2, ci, weights, confidence_level
        As for `pool`.

    Returns
    -------
    PooledSteps
        One row a study that enters, which is named and left out of it.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`; also if fewer than two studies enter.

    Notes
    -----
    Each row is what `pool` gives of the others; of two studies each is left alone, with a t interval of NaN
    under the random-effects model.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Outlier and influence diagnostics for meta-analysis. Res Synth Methods
    1:112-125. DOI 10.1002/jrsm.11

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.1, 0.3, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01], label="ABCD")
    >>> print(leave_one_out(effects, tau2="DL", ci="wald"))
    − A: 0.48 (0.23 to 0.73); I² = 48%, τ² = 0.0236
    − B: 0.39 (0.02 to 0.75); I² = 75%, τ² = 0.0769
    − C: 0.37 (0.02 to 0.72); I² = 77%, τ² = 0.0725
    − D: 0.23 (0.02 to 0.45); I² = 0%, τ² = 0
    """
    chosen = entering(effects, where, least=2, what="leave_one_out")
    pooled = pool(
        chosen.repeated(),
        model=model,
        tau2=tau2,
        ci=ci,
        weights=chosen.weights(weights),
        where=chosen.all_but_one(),
        confidence_level=confidence_level,
    )
    return PooledSteps(pooled=pooled, label=chosen.label, study=chosen.study, kind="leave-one-out")


def cumulative(
    effects: EffectSizes,
    *,
    order: ArrayLike | None = None,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledSteps:
    """Pool the first study, the first two, and so on.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k).
    order : array_like, shape (k,), optional
        Numbers that the studies are sorted by, such as years: smallest first, ties as they stand. Without it
        the studies come as they stand.
    where : array_like of bool, shape (k,), optional
        Studies that enter.
    model, tau2, ci, weights, confidence_level
        As for `pool`.

    Returns
    -------
    PooledSteps
        One row a study in the given order, which is named and added in it. The first row is of one study:
        its limits are NaN where `pool` has none of one study.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`; also if `order` is not one finite number a study.

    References
    ----------
    Lau J, Antman EM, Jimenez-Silva J, Kupelnick B, Mosteller F, Chalmers TC (1992). Cumulative meta-analysis
    of therapeutic trials for myocardial infarction. N Engl J Med 327:248-254.
    DOI 10.1056/NEJM199207233270406. (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.1, 0.3, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01], label="ABCD")
    >>> print(cumulative(effects, order=[2011, 2004, 2019, 2008], tau2="DL", ci="wald"))
    + B: 0.30 (−0.04 to 0.64); I² = 0%, τ² = 0
    + D: 0.50 (0.17 to 0.84); I² = 67%, τ² = 0.0413
    + A: 0.37 (0.02 to 0.72); I² = 77%, τ² = 0.0725
    + C: 0.37 (0.10 to 0.65); I² = 67%, τ² = 0.0506
    """
    chosen = entering(effects, where, least=1, what="cumulative")
    rank = chosen.sorted_by(order)
    k = rank.size
    # Entry (i, j): whether study j is among the first i + 1.
    among = np.empty((k, k), dtype=np.bool_)
    among[:, rank] = np.tri(k, dtype=np.bool_)
    pooled = pool(
        chosen.repeated(),
        model=model,
        tau2=tau2,
        ci=ci,
        weights=chosen.weights(weights),
        where=among,
        confidence_level=confidence_level,
    )
    return PooledSteps(
        pooled=pooled,
        label=tuple(chosen.label[i] for i in rank),
        study=chosen.study[rank],
        kind="cumulative",
    )


def influence(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str = "wald",
    where: ArrayLike | None = None,
) -> Influence:
    """Look for outliers, and for studies that the result hangs on.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least two studies, three with a Hartung-Knapp standard error.
    model, tau2
        As for `pool`.
    ci : {"wald", "t", "hartung-knapp", "hartung-knapp-adhoc"}, default "wald"
        Whose standard error is meant. The diagnostics were defined for the first, hence the default.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Influence

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`; also if too few studies enter, or a Hartung-Knapp standard error is 0 because effects are
        equal.

    Notes
    -----
    With d = mean - mean₍ᵢ₎, the index (i) meaning without study i, w = 1/(v + tau2), h = w/Σw, and f the
    factor of a Hartung-Knapp variance of the mean, else 1:

    - rstudent: (y - mean₍ᵢ₎)/sqrt(f₍ᵢ₎(v + tau2₍ᵢ₎) + SE₍ᵢ₎²)
    - rstandard: (y - mean)/sqrt(v + tau2 - 1/Σw)
    - dffits: d/sqrt(f₍ᵢ₎ h (v + tau2₍ᵢ₎)); Cook's distance: d²/SE²; covariance ratio: SE₍ᵢ₎²/SE²
    - dfbetas: d over the standard error of the mean of all studies at tau2₍ᵢ₎, with f₍ᵢ₎

    Influential: abs(dffits) > 3/sqrt(k - 1), Cook's distance above the median of chi-square with one degree
    of freedom (0.455), h > 3/k, or abs(dfbetas) > 1. These limits are conventions, no tests.

    References
    ----------
    Viechtbauer W, Cheung MWL (2010). Outlier and influence diagnostics for meta-analysis. Res Synth Methods
    1:112-125. DOI 10.1002/jrsm.11

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(
    ...     effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02], label="ABCD")
    >>> print(influence(effects))
    1 of 4 studies is influential
    D: studentized residual 4.68, Cook's distance 1.00, weight 25.4%
    """
    check_choice("ci", ci, _STANDARD_ERRORS)
    least = 3 if ci.startswith("hartung-knapp") else 2
    chosen = entering(effects, where, least=least, what="influence")
    every = pool(chosen.effects, model=model, tau2=tau2, ci=ci)
    others = pool(chosen.repeated(), model=model, tau2=tau2, ci=ci, where=chosen.all_but_one())
    return diagnose(chosen, every, others)


def baujat(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    where: ArrayLike | None = None,
) -> Baujat:
    """Set what a study adds to heterogeneity against what it does to the mean.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k), at least two studies.
    model, tau2
        As for `pool`. The plot was proposed with model="common".
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Baujat

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`; also if fewer than two studies enter.

    Notes
    -----
    Horizontal (y - mean)²/(v + tau2); vertical (mean - mean₍ᵢ₎)²/Var(mean₍ᵢ₎).

    References
    ----------
    Baujat B, Mahé C, Pignon JP, Hill C (2002). A graphical method for exploring heterogeneity in
    meta-analyses: application to a meta-analysis of 65 trials. Stat Med 21:2641-2652. DOI 10.1002/sim.1221

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(
    ...     effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02], label="ABCD")
    >>> print(baujat(effects, model="common"))
    Largest contribution to heterogeneity: D (15.94); to the mean: D (5.98)
    """
    chosen = entering(effects, where, least=2, what="baujat")
    every = pool(chosen.effects, model=model, tau2=tau2, ci="wald")
    others = pool(chosen.repeated(), model=model, tau2=tau2, ci="wald", where=chosen.all_but_one())
    mean, between = every.mean[..., np.newaxis], every.tau2[..., np.newaxis]
    return Baujat(
        label=chosen.label,
        study=chosen.study,
        heterogeneity=(chosen.effect - mean) ** 2 / (chosen.variance + between),
        influence=(mean - others.mean) ** 2 / others.std_error**2,
    )


def radial(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str = "wald",
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> Radial:
    """Set the standardized effects against their precision (Galbraith).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k).
    model, tau2, ci, confidence_level
        As for `pool`. The plot was proposed with model="common".
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    Radial

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`.

    Notes
    -----
    Horizontal 1/sqrt(v + tau2), vertical y/sqrt(v + tau2): the line through the origin with the slope of the
    pooled mean is the weighted mean, and a study that agrees with it lies within a normal quantile of it.

    References
    ----------
    Galbraith RF (1988). A note on graphical presentation of estimated odds ratios from several clinical
    trials. Stat Med 7:889-894. DOI 10.1002/sim.4780070807. (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02])
    >>> print(radial(effects, model="common"))
    1 of 4 studies lie more than 1.96 from the line
    """
    level = check_confidence_level(confidence_level)
    chosen = entering(effects, where, least=1, what="radial")
    slope = pool(chosen.effects, model=model, tau2=tau2, ci=ci, confidence_level=level)
    precision = 1 / np.sqrt(chosen.variance + slope.tau2[..., np.newaxis])
    return Radial(
        label=chosen.label,
        study=chosen.study,
        precision=precision,
        standardized=chosen.effect * precision,
        slope=slope,
        half_band=normal_quantile((1 + level) / 2),
    )


def best_linear_predictions(
    effects: EffectSizes,
    *,
    tau2: str | float = "REML",
    ci: str = "hartung-knapp-adhoc",
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> BestLinearPredictions:
    """Predict the studies' own true effects, and their deviations from the mean.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k); at least two studies.
    tau2, confidence_level
        As for `pool`.
    ci : {"wald", "t", "hartung-knapp", "hartung-knapp-adhoc"}, default "hartung-knapp-adhoc"
        Whose standard error the mean has, and whether quantiles are normal ("wald") or of t on k - 1 degrees
        of freedom.
    where : array_like of bool, shape (k,), optional
        Studies that enter.

    Returns
    -------
    BestLinearPredictions
        `prediction` on the reporting scale, the random effects on the analysis scale. Where tau2 is 0 every
        prediction is the mean and every random effect 0 with a standard error of 0.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool`; also if fewer than two studies enter.

    Notes
    -----
    With b = tau2/(v + tau2): prediction b y + (1 - b) mean, variance b v + (1 - b)² SE²; random effect
    b (y - mean), variance b v + b² SE². tau2 is taken as known, so that the intervals are too narrow where it
    is uncertain.

    References
    ----------
    Raudenbush SW (2009). Analyzing effect sizes: random-effects models. In: Cooper H, Hedges LV, Valentine
    JC (eds), The handbook of research synthesis and meta-analysis, 2nd ed. Russell Sage. (Citation not
    verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(
    ...     effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02], label="ABCD")
    >>> print(best_linear_predictions(effects, ci="wald"))
    A: 0.13 (−0.13 to 0.39)
    B: 0.17 (−0.09 to 0.44)
    C: 0.16 (−0.16 to 0.47)
    D: 0.82 (0.56 to 1.09)
    """
    check_choice("ci", ci, _STANDARD_ERRORS)
    chosen = entering(effects, where, least=2, what="best_linear_predictions")
    pooled = pool(chosen.effects, tau2=tau2, ci=ci, confidence_level=confidence_level)
    return shrink(chosen, pooled)
