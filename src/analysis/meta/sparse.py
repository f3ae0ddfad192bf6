"""Pooling of sparse tables by sums over studies: Mantel-Haenszel and Peto, without corrections.

Leading axes are replicates, `where=` chooses studies, so leave-one-out is `~np.eye(k)` and cumulative a lower
triangle. Pooling by inverse variance lives in `pooling`, models of the counts themselves in `glmm` and
`beta_binomial`, exact inference in `measures.common_odds_ratio`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.measures.methods.correction import check_correction
from analysis.measures.methods.wald import log_ratio_estimate
from analysis.measures.stratified import mantel_haenszel, mantel_haenszel_rates
from analysis.meta.methods.sparse_result import PooledTables, information_variance
from analysis.meta.methods.sparse_tables import carries_no_event, choose, corrected, only
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo, TwoRates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray

__all__ = ["PooledTables", "pool_mantel_haenszel", "pool_peto"]

_MEASURES: dict[type, tuple[str, ...]] = {TwoByTwo: ("OR", "RR", "RD"), TwoRates: ("IRR", "IRD")}
_DROP = ("from-q", "everywhere", "nowhere")


def pool_mantel_haenszel(
    data: TwoByTwo | TwoRates,
    *,
    measure: str = "OR",
    variance: str | None = None,
    correction: float | None = None,
    correct: str = "only-zero",
    study_correction: float | None = None,
    study_correct: str = "only-zero",
    drop_double_zero: str = "from-q",
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledTables:
    """Pool studies by Mantel and Haenszel's weights, under one common effect.

    Parameters
    ----------
    data : TwoByTwo or TwoRates
        The last axis is studies, leading axes are replicates and are pooled separately, all at once.
    measure : {"OR", "RR", "RD", "IRR", "IRD"}, default "OR"
        The first three are of TwoByTwo, the last two of TwoRates; a rate difference is per unit of the
        person-time.
    variance : {"robins-breslow-greenland", "greenland-robins", "sato"}, optional
        As in `mantel_haenszel`: the first belongs to the odds ratio, the second to the risk ratio, and both
        last to the risk difference, where Sato's is the default. Rates know one.
    correction : float, optional
        Added to all four cells (both event counts) of the studies that `correct` chooses, before they are
        pooled. By default nothing is: sums over studies need no correction, and 1/2 in every empty cell pulls
        the estimate towards no effect.
    correct, study_correct : {"only-zero", "all", "all-if-any-zero", "none"}, default "only-zero"
        Which studies are corrected: those with an empty cell, all, all if one in the set has an empty cell,
        or none. A study with an empty group never is.
    study_correction : float, optional
        Added in the same way to the studies' own effects, which Q and I2 compare with the pooled one. By
        default nothing is, and a study with an infinite effect is not compared; 0.5 does as most programs do.
    drop_double_zero : {"from-q", "everywhere", "nowhere"}, default "from-q"
        What becomes of studies with no event in either group, or with events only. Uncorrected they say
        nothing about an odds ratio, but have weight in a risk difference, and those with events only in a
        risk ratio; as an effect of 0 that a correction made they blur Q. "nowhere" compares them too.
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter. More leading axes than the data have make more replicates.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PooledTables
        Arrays over the leading axes. A ratio is 0 or infinite where all events of the informative studies
        are in one group, and NaN where no study is informative; limits are 0 and infinity, and the P-value is
        NaN for both (`association_test` has one for the former). A difference without an event in any study,
        or with events only, is 0 with a standard error of 0 and no P-value. Studies with an empty group, and
        empty ones, add nothing.

    Raises
    ------
    TypeError
        If `data` is neither TwoByTwo nor TwoRates, or `where` is not boolean.
    ValueError
        If the measure does not belong to the data, an option is unknown, or `where` does not fit or leaves no
        study.

    Notes
    -----
    Estimates and variances: see `mantel_haenszel` and `mantel_haenszel_rates`. Q = Σ(y - b)²/v with the
    studies' effects y, their large-sample variances v and the pooled effect b on the analysis scale.
    Weights, with cells a, b of the exposed, c, d of the controls, n1 + n0 = N: bc/N (OR), c n1/N (RR),
    n1 n0/N (RD); with events x in time t, t1 + t0 = T: x0 t1/T (IRR), t1 t0/T (IRD).

    References
    ----------
    Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data from retrospective studies of
    disease. J Natl Cancer Inst 22:719-748. DOI 10.1093/jnci/22.4.719

    Bradburn MJ, Deeks JJ, Berlin JA, Localio AR (2007). Much ado about nothing: a comparison of the
    performance of meta-analytical methods with rare events. Stat Med 26:53-77. DOI 10.1002/sim.2528

    Sweeting MJ, Sutton AJ, Lambert PC (2004). What to add to nothing? Use and avoidance of continuity
    corrections in meta-analysis of sparse data. Stat Med 23:1351-1375. DOI 10.1002/sim.1761

    Examples
    --------
    Vaccination against tuberculosis, the first four trials of Colditz et al. 1994:

    >>> import numpy as np
    >>> from analysis import TwoByTwo
    >>> trials = TwoByTwo(exposed_cases=[4, 6, 3, 62], exposed_total=[123, 306, 231, 13598],
    ...                   control_cases=[11, 29, 11, 248], control_total=[139, 303, 220, 12867])
    >>> print(pool_mantel_haenszel(trials, measure="RR"))
    0.24 (0.19 to 0.31); I² = 0%, Q = 1.0 (df = 3), 4 studies
    >>> pool_mantel_haenszel(trials, measure="RR", where=~np.eye(4, dtype=bool)).estimate.value.round(2)
    array([0.23, 0.24, 0.24, 0.26])
    """
    if not isinstance(data, (TwoByTwo, TwoRates)):
        raise TypeError(
            f"`data` must be TwoByTwo or TwoRates, but got {type(data).__name__}. Published estimates are "
            "pooled by pool(EffectSizes.from_estimates(...))."
        )
    check_choice("measure", measure, _MEASURES[type(data)])
    check_choice("drop_double_zero", drop_double_zero, _DROP)
    tables, inside, comparable = _enter(data, where, drop_double_zero)
    added = check_correction(correction)
    pooled = corrected(tables, inside, correction, correct)
    if isinstance(pooled, TwoByTwo):
        estimate = mantel_haenszel(
            pooled, measure=measure, variance=variance, confidence_level=confidence_level
        )
    else:
        if variance is not None:
            raise ValueError(f"`variance` must be None for rates, which know one, but got {variance!r}.")
        estimate = mantel_haenszel_rates(pooled, measure=measure, confidence_level=confidence_level)
    return PooledTables(
        estimate=replace(estimate, correction=added) if added else estimate,
        tables=pooled,
        study_tables=corrected(tables, inside, study_correction, study_correct),
        inside=inside,
        comparable=comparable,
    )


def pool_peto(
    table: TwoByTwo,
    *,
    correction: float | None = None,
    correct: str = "only-zero",
    drop_double_zero: str = "from-q",
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledTables:
    """Pool odds ratios of studies by Peto's one-step method, under one common effect.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is studies, leading axes are replicates and are pooled separately, all at once.
    correction, correct, drop_double_zero, where, confidence_level
        As in `pool_mantel_haenszel`. A correction serves Q as well; a study with one empty cell has a finite
        effect here without any, and one without events, or with events only, says nothing.

    Returns
    -------
    PooledTables
        Arrays over the leading axes; NaN, with limits 0 and infinity, where no study says anything.

    Raises
    ------
    TypeError
        If `table` is not TwoByTwo, or `where` is not boolean.
    ValueError
        If an option is unknown, or `where` does not fit or leaves no study.

    Notes
    -----
    log OR = Σ(O - E)/ΣV with O = a, E = n1 m1/N, V = n1 n0 m1 m0/(N²(N - 1)); its variance is 1/ΣV, and
    Q = ΣV((O - E)/V - log OR)². One step from an odds ratio of 1: good where events are rare, effects small
    and groups of about equal size, biased where effects are large or groups unequal.

    References
    ----------
    Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Beta blockade during and after myocardial
    infarction: an overview of the randomized trials. Prog Cardiovasc Dis 27:335-371.
    DOI 10.1016/S0033-0620(85)80003-7

    Greenland S, Salvan A (1990). Bias in the one-step method for pooling study results. Stat Med 9:247-252.
    DOI 10.1002/sim.4780090307 (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> trials = TwoByTwo(exposed_cases=[0, 3, 0, 7], exposed_total=[20, 50, 30, 80],
    ...                   control_cases=[5, 6, 0, 12], control_total=[20, 48, 31, 79])
    >>> print(pool_peto(trials))
    0.41 (0.20 to 0.84); I² = 16%, Q = 2.4 (df = 2), 4 studies
    """
    if not isinstance(table, TwoByTwo):
        raise TypeError(f"`table` must be TwoByTwo, but got {type(table).__name__}.")
    check_choice("drop_double_zero", drop_double_zero, _DROP)
    tables, inside, comparable = _enter(table, where, drop_double_zero)
    added = check_correction(correction)
    pooled = corrected(tables, inside, correction, correct)
    weight = 1 / information_variance(pooled)
    effect = effect_sizes(pooled, "PETO", correction=0.0, correct="none").effect
    information = weight.sum(axis=-1)
    excess = np.where(weight > 0, weight * effect, 0.0).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio, sampling = np.exp(excess / information), 1 / information
    return PooledTables(
        estimate=log_ratio_estimate(
            measure="PETO",
            ratio=ratio,
            variance=sampling,
            method="peto",
            confidence_level=confidence_level,
            correction=added or None,
        ),
        tables=pooled,
        study_tables=pooled,
        inside=inside,
        comparable=comparable,
    )


def _enter(
    data: TwoByTwo | TwoRates, where: ArrayLike | None, drop_double_zero: str
) -> tuple[TwoByTwo | TwoRates, BoolArray, BoolArray]:
    """Return the tables in their sets, which studies are inside, and which of them Q may compare."""
    tables, inside = choose(data, where)
    telling = inside if drop_double_zero == "nowhere" else inside & ~carries_no_event(tables)
    if drop_double_zero == "everywhere":
        inside = telling
    return only(tables, inside), inside, telling
