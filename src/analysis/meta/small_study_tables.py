"""Tests for small-study effects that need the cells: Harbord, Peters, Macaskill, Deeks, Schwarzer, arcsine.

They exist because the standard error of a log odds ratio depends on the odds ratio itself. Tests of effect
sizes alone live in `small_study`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.measures.methods.correction import check_correction
from analysis.meta.methods.rank_hypergeometric import table_moments
from analysis.meta.methods.weighted_regression import refuse_few, studies_of
from analysis.meta.methods.weighted_regression_tables import (
    check_table,
    common_odds_ratio,
    informative_cells,
    ratios_of,
    regress,
)
from analysis.meta.small_study import begg_test, egger_test, ranks_of
from analysis.values.arguments import as_positive, check_choice, check_confidence_level
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.meta.small_study_result import SmallStudyTest
    from analysis.values.counts import TwoByTwo

__all__ = [
    "arcsine_test",
    "deeks_test",
    "harbord_test",
    "macaskill_test",
    "peters_test",
    "schwarzer_test",
]


def harbord_test(table: TwoByTwo, *, measure: str = "OR", confidence_level: float = 0.95) -> SmallStudyTest:
    """Regress efficient scores on their information (Harbord, Egger and Sterne).

    Parameters
    ----------
    table : TwoByTwo
        Shape (..., k). Studies without cases, or with cases only, do not enter.
    measure : {"OR", "RR"}, default "OR"
        Whose score is used.
    confidence_level : float, default 0.95
        Of the effect at infinite size.

    Returns
    -------
    SmallStudyTest
        `limit` is the odds (or risk) ratio at infinite size.

    Raises
    ------
    TypeError
        If `table` is not TwoByTwo.
    ValueError
        If fewer than three studies enter, all are of equal information, or an option is unknown.

    Notes
    -----
    Z/V on 1/√V with weights V, t on k - 2 degrees of freedom. With m cases among N, n1 exposed, n0 controls:
    OR: Z = a - m n1/N, V = n1 n0 m (N - m)/(N²(N - 1)); RR: Z = (aN - m n1)/(N - m), V = n1 n0 m/(N(N - m)).
    No correction of empty cells is needed. The test is for effects near 1: with large ones Z/V is no longer
    close to the log ratio.

    References
    ----------
    Harbord RM, Egger M, Sterne JAC (2006). A modified test for small-study effects in meta-analyses of
    controlled trials with binary endpoints. Stat Med 25:3443-3457. DOI 10.1002/sim.2380

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[2, 5, 9, 40], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[6, 10, 15, 50], control_total=[20, 50, 80, 400])
    >>> result = harbord_test(table)
    >>> round(float(result.bias), 2), round(float(result.pvalue), 3)
    (-1.66, 0.002)
    """
    check_choice("measure", measure, ("OR", "RR"))
    level = check_confidence_level(confidence_level)
    cells = informative_cells(table)
    inside, n1, n0 = cells.inside, cells.exposed_total, cells.control_total
    m, total = np.where(inside, cells.cases, 1.0), np.where(inside, cells.total, 2.0)
    excess = cells.exposed_cases - m * n1 / total
    if measure == "OR":
        z, v = excess, n1 * n0 * m * (total - m) / (total**2 * (total - 1))
    else:
        z, v = excess * total / (total - m), n1 * n0 * m / (total * (total - m))
    v = np.where(inside, v, 1.0)
    return regress(
        z / v,
        1 / np.sqrt(v),
        np.where(inside, v, 0.0),
        measure=measure,
        method="Harbord" if measure == "OR" else "Harbord (risk ratio)",
        confidence_level=level,
        predictor="1/√V",
    )


def peters_test(
    table: TwoByTwo,
    *,
    measure: str = "OR",
    effects: EffectSizes | None = None,
    confidence_level: float = 0.95,
) -> SmallStudyTest:
    """Regress log ratios on 1/N, weighted by cases and non-cases (Peters and others).

    Parameters
    ----------
    table : TwoByTwo
        Shape (..., k). Studies without cases, or with cases only, do not enter.
    measure : {"OR", "RR"}, default "OR"
        Whose logarithm is regressed, unless `effects` are given.
    effects : EffectSizes, optional
        Log ratios of the same studies, where they are not those of effect_sizes(table, measure) (another
        correction of empty cells).
    confidence_level : float, default 0.95
        Of the effect at infinite size.

    Returns
    -------
    SmallStudyTest
        `limit` is the ratio at infinite size.

    Raises
    ------
    TypeError, ValueError
        As for `harbord_test`; also if `effects` does not match the table.

    Notes
    -----
    y on 1/N with weights 1/(1/m + 1/(N - m)), m the cases of both arms; t on k - 2 degrees of freedom.

    References
    ----------
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2006). Comparison of two methods to detect
    publication bias in meta-analysis. JAMA 295:676-680. DOI 10.1001/jama.295.6.676

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[2, 5, 9, 40], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[6, 10, 15, 50], control_total=[20, 50, 80, 400])
    >>> round(float(peters_test(table).bias), 1)
    -50.2
    """
    check_choice("measure", measure, ("OR", "RR"))
    level = check_confidence_level(confidence_level)
    cells = informative_cells(table)
    own = ratios_of(table, measure, effects)
    return regress(
        own.effect,
        1 / np.where(cells.inside, cells.total, 1.0),
        cells.pooled_weight,
        measure=own.measure,
        method="Peters",
        confidence_level=level,
        predictor="1/N",
    )


def macaskill_test(
    data: TwoByTwo | EffectSizes,
    *,
    measure: str = "OR",
    n: ArrayLike | None = None,
) -> SmallStudyTest:
    """Regress effects on the number of persons (Macaskill, Walter and Irwig).

    Parameters
    ----------
    data : TwoByTwo or EffectSizes
        Shape (..., k). Tables: log ratios weighted by cases and non-cases of both arms together, so that the
        weight does not depend on the effect (their "FPV"). Effect sizes: weighted by 1/v ("FIV").
    measure : {"OR", "RR"}, default "OR"
        For tables.
    n : array_like, optional
        Persons a study; wanted with effect sizes, known from tables.

    Returns
    -------
    SmallStudyTest
        Without effect at infinite size.

    Raises
    ------
    TypeError, ValueError
        As for `harbord_test`; also if `n` is missing with effect sizes or given with tables.

    Notes
    -----
    y on N; weights 1/(1/m + 1/(N - m)) or 1/v; t on k - 2 degrees of freedom.

    References
    ----------
    Macaskill P, Walter SD, Irwig L (2001). A comparison of methods to detect publication bias in
    meta-analysis. Stat Med 20:641-654. DOI 10.1002/sim.698. (DOI not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[2, 5, 9, 40], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[6, 10, 15, 50], control_total=[20, 50, 80, 400])
    >>> round(float(macaskill_test(table).pvalue), 3)
    0.106
    """
    if isinstance(data, EffectSizes):
        if n is None:
            raise ValueError("`n` must be given with effect sizes: the persons of each study.")
        studies_of(data, least=3)
        sizes = as_positive("n", n)
        if sizes.shape != data.shape and sizes.shape != data.shape[-1:]:
            raise ValueError(
                f"`n` must hold one number for each of the studies {data.shape}, but has shape {sizes.shape}."
            )
        return regress(
            data.effect,
            np.broadcast_to(sizes, data.shape),
            1 / data.variance,
            measure=data.measure,
            method="Macaskill (inverse variance)",
            predictor="N",
            limit=False,
        )
    if n is not None:
        raise ValueError("`n` must not be given with tables: they hold their persons.")
    check_choice("measure", measure, ("OR", "RR"))
    cells = informative_cells(data)
    return regress(
        ratios_of(data, measure, None).effect,
        cells.total,
        cells.pooled_weight,
        measure=measure,
        method="Macaskill (pooled variance)",
        predictor="N",
        limit=False,
    )


def deeks_test(
    table: TwoByTwo, *, effects: EffectSizes | None = None, confidence_level: float = 0.95
) -> SmallStudyTest:
    """Regress log diagnostic odds ratios on the effective sample size (Deeks, Macaskill and Irwig).

    Parameters
    ----------
    table : TwoByTwo
        Shape (..., k); "exposed" are the diseased, "cases" the positive tests. Studies with one kind of
        test result do not enter.
    effects : EffectSizes, optional
        Log odds ratios of the same studies, where they are not those of effect_sizes(table, "OR").
    confidence_level : float, default 0.95
        Of the odds ratio at infinite size.

    Returns
    -------
    SmallStudyTest
        `limit` is the diagnostic odds ratio at infinite size.

    Raises
    ------
    TypeError, ValueError
        As for `harbord_test`.

    Notes
    -----
    y on 1/√ESS with weights ESS = 4 n1 n0/N; t on k - 2 degrees of freedom.

    References
    ----------
    Deeks JJ, Macaskill P, Irwig L (2005). The performance of tests of publication bias and other sample size
    effects in systematic reviews of diagnostic test accuracy was assessed. J Clin Epidemiol 58:882-893.
    DOI 10.1016/j.jclinepi.2005.01.016. (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[18, 45, 70, 300], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[3, 8, 15, 90], control_total=[20, 50, 80, 400])
    >>> round(float(deeks_test(table).bias), 1)
    18.4
    """
    level = check_confidence_level(confidence_level)
    cells = informative_cells(table)
    own = ratios_of(table, "OR", effects)
    total = np.where(cells.inside, cells.total, 1.0)
    size = np.where(cells.inside, 4 * cells.exposed_total * cells.control_total / total, 0.0)
    return regress(
        own.effect,
        1 / np.sqrt(np.where(cells.inside, size, 1.0)),
        size,
        measure=own.measure,
        method="Deeks",
        confidence_level=level,
        predictor="1/√ESS",
    )


def schwarzer_test(
    table: TwoByTwo,
    *,
    correction: float | None = None,
    pvalue: str = "normal",
    continuity: bool = False,
) -> SmallStudyTest:
    """Correlate standardized cell counts with their information by ranks (Schwarzer, Antes and Schumacher).

    Parameters
    ----------
    table : TwoByTwo
        Shape (..., k). Studies without cases, or with cases only, do not enter.
    correction : float, optional
        Added to the cells of studies with an empty one for the common odds ratio only. None (the default)
        adds nothing: Mantel and Haenszel's odds ratio needs no correction.
    pvalue : {"normal", "exact"}, default "normal"
        As for `begg_test`; sparse tables have ties.
    continuity : bool, default False
        Whether the normal approximation takes 1 off the score.

    Returns
    -------
    SmallStudyTest
        Without effect at infinite size.

    Raises
    ------
    TypeError, ValueError
        As for `harbord_test`; also if the Mantel-Haenszel odds ratio is 0 or infinite.

    Notes
    -----
    Kendall's correlation of (a - E)/√V with 1/V, where E and V are the mean and variance of Fisher's
    noncentral hypergeometric distribution of the cell a, its margins given, at the Mantel-Haenszel odds
    ratio; computed from all its terms.

    References
    ----------
    Schwarzer G, Antes G, Schumacher M (2007). A test for publication bias in meta-analysis with sparse binary
    data. Stat Med 26:721-733. DOI 10.1002/sim.2588. (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[2, 5, 9, 40], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[6, 10, 15, 50], control_total=[20, 50, 80, 400])
    >>> round(float(schwarzer_test(table).tau), 2)
    -1.0
    """
    check_choice("pvalue", pvalue, ("exact", "normal"))
    if continuity and pvalue == "exact":
        raise ValueError("`continuity` belongs to pvalue='normal'; an exact P-value needs no correction.")
    check_correction(correction)
    cells = informative_cells(table)
    a, inside = cells.exposed_cases, cells.inside
    ratio = common_odds_ratio(table, correction, inside)
    fault = ~((ratio > 0) & (ratio < np.inf))
    if fault.any():
        raise ValueError(
            f"The Mantel-Haenszel odds ratio must be finite and greater than 0, but is "
            f"{np.atleast_1d(ratio)[np.atleast_1d(fault)][0]:g}. A correction makes it so."
        )
    mean, variance = table_moments(
        cells.exposed_total, cells.control_total, cells.cases, np.broadcast_to(ratio[..., None], a.shape)
    )
    # A study with one possible table has no variance, and no rank.
    inside = inside & (variance > 0)
    refuse_few(inside, 3)
    variance = np.where(inside, variance, 1.0)
    k = a.shape[-1]
    return ranks_of(
        ((a - mean) / np.sqrt(variance)).reshape(-1, k),
        (1 / variance).reshape(-1, k),
        inside.reshape(-1, k),
        shape=a.shape[:-1],
        name="Schwarzer",
        pvalue=pvalue,
        continuity=continuity,
    )


def arcsine_test(
    table: TwoByTwo, *, test: str = "egger", drop_double_zero: bool = False, confidence_level: float = 0.95
) -> SmallStudyTest:
    """Test differences of arcsines, whose variance does not depend on the risks (Rücker and others).

    Parameters
    ----------
    table : TwoByTwo
        Shape (..., k).
    test : {"egger", "begg", "thompson-sharp"}, default "egger"
        Which test is applied: `egger_test`, `begg_test` (normal P-value) or egger_test(model="mixed").
    drop_double_zero : bool, default False
        Whether studies without cases in either arm, or with cases only, are left out. The arcsine needs no
        correction of empty cells, so they can stay.
    confidence_level : float, default 0.95
        Of the difference at infinite size.

    Returns
    -------
    SmallStudyTest
        On the scale of the arcsine difference.

    Raises
    ------
    TypeError, ValueError
        As for `egger_test`; with arms of equal size in all studies, variances do not differ.

    Notes
    -----
    y = asin √(a/n1) - asin √(c/n0), v = 1/(4 n1) + 1/(4 n0).

    References
    ----------
    Rücker G, Schwarzer G, Carpenter J (2008). Arcsine test for publication bias in meta-analyses with binary
    outcomes. Stat Med 27:746-763. DOI 10.1002/sim.2971. (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[2, 5, 9, 40], exposed_total=[20, 50, 80, 400],
    ...                  control_cases=[6, 10, 15, 50], control_total=[20, 50, 80, 400])
    >>> round(float(arcsine_test(table).bias), 2)
    -1.67
    """
    check_choice("test", test, ("egger", "begg", "thompson-sharp"))
    level = check_confidence_level(confidence_level)
    check_table(table)
    effects = effect_sizes(table, "AS", drop_double_zero=drop_double_zero)
    where = np.isfinite(effects.effect) & (table.exposed_total > 0) & (table.control_total > 0)
    if test == "begg":
        result = begg_test(effects, pvalue="normal", where=where)
    else:
        model = "lm" if test == "egger" else "mixed"
        result = egger_test(effects, model=model, where=where, confidence_level=level)
    return replace(result, method=f"Arcsine, {result.method}")
