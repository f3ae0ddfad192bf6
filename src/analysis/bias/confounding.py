"""Bias analysis of a confounder that was not measured: how strong and how unequal it is supposed to be.

A confounder of two or more levels, or a continuous one; with effect modification; its prevalence from outside
the study; and limits that need less than all of this. Every parameter may be an array whose leading axes are
draws. E-values live in `evalue`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.confounder import confounder_of, stratified, without_confounding
from analysis.bias.methods.external_confounder import (
    ConfoundingLimits,
    confounder_prevalences,
    confounding_limits,
)
from analysis.bias.methods.linear import cells_of, table_of, usual_measure
from analysis.bias.methods.result import BiasAdjusted, adjusted_result, divided, shifted
from analysis.values.arguments import as_numbers, as_positive, check_choice
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.bias.methods.linear import CellMap, Counts, CountsT
    from analysis.values.arrays import FloatArray

__all__ = [
    "ConfoundingLimits",
    "adjust_confounding",
    "bias_adjust_confounding",
    "confounder_prevalences",
    "confounding_bias",
    "confounding_limits",
    "confounding_map",
    "confounding_strata",
]

_BIAS = "unmeasured confounding"
_BECAUSE = "a confounder of this prevalence and effect would put a risk above 1 or below 0."


def bias_adjust_confounding(
    data: Counts | Estimate,
    *,
    confounder_effect: ArrayLike | tuple[ArrayLike, ...],
    exposed_prevalence: ArrayLike | tuple[ArrayLike, ...],
    control_prevalence: ArrayLike | tuple[ArrayLike, ...],
    standard: str = "exposed",
    measure: str | None = None,
    confidence_level: float = 0.95,
    impossible: str = "raise",
) -> BiasAdjusted:
    """Estimate a ratio or difference as if an unmeasured confounder had been adjusted for.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or Estimate
        A table, or a published estimate, crude or adjusted for other things.
    confounder_effect : array_like or tuple of them
        What the confounder does to the outcome on the scale of the measure: ratio of the risks (odds, rates)
        with and without it, or their difference. A tuple gives one entry a level beyond the reference
        (polytomous). Under effect modification: the effect among the controls for `standard="exposed"`, among
        the exposed for "control".
    exposed_prevalence, control_prevalence : array_like or tuple of them
        Share with the confounder (at each level) among the exposed and among the controls; for odds ratios
        among those without the outcome. In [0, 1].
    standard : {"exposed", "control"}, default "exposed"
        Whose distribution of the confounder both groups are given. The same result unless the confounder's
        effect differs between them.
    measure : {"RR", "OR", "RD"} or {"IRR", "IRD"}, optional
        Default the ratio of risks, or of rates; of an estimate its own.
    confidence_level : float, default 0.95
        In (0, 1); an estimate keeps its own.
    impossible : {"raise", "nan"}, default "raise"
        What becomes of parameters by which a standardized risk exceeds 1 or falls below 0. Whether a risk in
        one level of the confounder would do so is said by `confounding_strata`, which needs to know of effect
        modification.

    Returns
    -------
    BiasAdjusted
        Estimates before and after; of a table also the standardized table. The interval is of random error
        alone, at exactly these parameters.

    Raises
    ------
    ValueError
        If a parameter is outside its range, numbers of levels differ, or the result is impossible.

    Notes
    -----
    Ratios are divided by (1 + Σ p1(R - 1))/(1 + Σ p0(R - 1)) (Bross); from differences Σ d(p1 - p0) is
    subtracted. A hazard ratio is treated as a ratio of risks.

    References
    ----------
    Bross IDJ (1966). Spurious effects from an extraneous variable. J Chronic Dis 19:637-647. (Citation not
    verified.)

    Schneeweiss S (2006). Sensitivity analysis and external adjustment for unmeasured confounders in
    epidemiologic database studies of therapeutics. Pharmacoepidemiol Drug Saf 15:291-303.
    DOI 10.1002/pds.1200

    Examples
    --------
    Circumcision and HIV, confounded by religion: Tyndall et al. 1996, as in the book of Fox, MacLehose and
    Lash.

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=105, control_cases=85, exposed_noncases=527, control_noncases=93
    ... )
    >>> print(
    ...     bias_adjust_confounding(
    ...         table, confounder_effect=0.63, exposed_prevalence=0.8, control_prevalence=0.05
    ...     )
    ... )
    Risk ratio 0.49 (0.38 to 0.61) after adjustment for unmeasured confounding, 0.35 before
    """
    if isinstance(data, Estimate):
        if measure not in {None, data.measure}:
            raise ValueError(
                f"`measure` must be that of the estimate, {data.measure!r}, but got {measure!r}."
            )
        if measure_of(data.measure).null is None:
            raise ValueError(f"Confounding biases a comparison, but {data.measure!r} is none.")
        check_choice("standard", standard, ("exposed", "control"))
        bias = confounding_bias(
            confounder_effect=confounder_effect,
            exposed_prevalence=exposed_prevalence,
            control_prevalence=control_prevalence,
            ratio=data.scale == "log",
        )
        return divided(data, bias, bias=_BIAS) if data.scale == "log" else shifted(data, bias, bias=_BIAS)
    name = usual_measure(data, measure)
    adjustment = confounding_map(
        measure=name,
        confounder_effect=confounder_effect,
        exposed_prevalence=exposed_prevalence,
        control_prevalence=control_prevalence,
        standard=standard,
    )
    return adjusted_result(
        data,
        adjustment,
        bias=_BIAS,
        measure=name,
        confidence_level=confidence_level,
        impossible=impossible,
        because=_BECAUSE,
    )


def adjust_confounding(
    table: CountsT,
    *,
    confounder_effect: ArrayLike | tuple[ArrayLike, ...],
    exposed_prevalence: ArrayLike | tuple[ArrayLike, ...],
    control_prevalence: ArrayLike | tuple[ArrayLike, ...],
    standard: str = "exposed",
    measure: str | None = None,
    impossible: str = "raise",
) -> CountsT:
    """Return the table with one group standardized to the confounder's distribution in the other.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts, or events over person-time.
    confounder_effect, exposed_prevalence, control_prevalence, standard, measure, impossible
        As for `bias_adjust_confounding`. The measure says what the effect is a ratio or difference of.

    Returns
    -------
    TwoByTwo or TwoRates
        Expected counts, which need not be whole. With measures of risk the totals stay; with "OR" the
        non-cases stay, as of a case-control study.

    Raises
    ------
    ValueError
        As for `bias_adjust_confounding`.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=105, exposed_total=632, control_cases=85, control_total=178)
    >>> adjust_confounding(
    ...     table, confounder_effect=0.63, exposed_prevalence=0.8, control_prevalence=0.05
    ... ).control_cases.round(2)
    np.float64(60.97)
    """
    adjustment = confounding_map(
        measure=usual_measure(table, measure),
        confounder_effect=confounder_effect,
        exposed_prevalence=exposed_prevalence,
        control_prevalence=control_prevalence,
        standard=standard,
    )
    return table_of(adjustment(cells_of(table)), table, impossible=impossible, because=_BECAUSE)


def confounding_map(
    *,
    measure: str,
    confounder_effect: ArrayLike | tuple[ArrayLike, ...],
    exposed_prevalence: ArrayLike | tuple[ArrayLike, ...],
    control_prevalence: ArrayLike | tuple[ArrayLike, ...],
    standard: str = "exposed",
) -> CellMap:
    """Return what standardization for the confounder does to cells, its parameters checked.

    Parameters
    ----------
    measure, confounder_effect, exposed_prevalence, control_prevalence, standard
        As for `bias_adjust_confounding`.

    Returns
    -------
    callable
        From `Cells` to `Cells`, linear.
    """
    check_choice("standard", standard, ("exposed", "control"))
    confounder = confounder_of(
        confounder_effect, exposed_prevalence, control_prevalence, ratio=measure_of(measure).scale == "log"
    )
    return lambda cells: without_confounding(cells, confounder, measure=measure, standard=standard)


def confounding_bias(
    *,
    confounder_effect: ArrayLike | tuple[ArrayLike, ...],
    exposed_prevalence: ArrayLike | tuple[ArrayLike, ...] | None = None,
    control_prevalence: ArrayLike | tuple[ArrayLike, ...] | None = None,
    exposed_mean: ArrayLike | None = None,
    control_mean: ArrayLike | None = None,
    ratio: bool = True,
) -> FloatArray:
    """Return the bias of a confounder: the factor of a ratio, or what is added to a difference.

    Parameters
    ----------
    confounder_effect : array_like or tuple of them
        Ratio or difference with and without the confounder; of a continuous one, per unit.
    exposed_prevalence, control_prevalence : array_like or tuple of them, optional
        In [0, 1]; as for `bias_adjust_confounding`.
    exposed_mean, control_mean : array_like, optional
        Instead of prevalences: means of a continuous confounder whose log ratio (or difference) is linear and
        whose distributions differ by a shift.
    ratio : bool, default True
        Whether the effect is a ratio.

    Returns
    -------
    ndarray
        Over a grid of parameters this is the array approach: broadcast the prevalences against each other.

    Raises
    ------
    TypeError
        If neither prevalences nor means are given, or both.
    ValueError
        If a parameter is outside its range.

    References
    ----------
    Schneeweiss S (2006). Sensitivity analysis and external adjustment for unmeasured confounders in
    epidemiologic database studies of therapeutics. Pharmacoepidemiol Drug Saf 15:291-303.
    DOI 10.1002/pds.1200

    Examples
    --------
    >>> bias = confounding_bias(confounder_effect=5.5, exposed_prevalence=0.5, control_prevalence=0.1)
    >>> round(float(1.5 / bias), 3)
    0.669
    """
    by_share = exposed_prevalence is not None and control_prevalence is not None
    by_mean = exposed_mean is not None and control_mean is not None
    count = sum(
        part is not None for part in (exposed_prevalence, control_prevalence, exposed_mean, control_mean)
    )
    if count != 2 or by_share == by_mean:
        raise TypeError(
            "Give `exposed_prevalence` and `control_prevalence`, or `exposed_mean` and `control_mean`."
        )
    if exposed_prevalence is not None and control_prevalence is not None:
        return confounder_of(confounder_effect, exposed_prevalence, control_prevalence, ratio=ratio).bias
    if isinstance(confounder_effect, tuple):
        raise TypeError("`confounder_effect` of a continuous confounder is one effect per unit, not a tuple.")
    if exposed_mean is None or control_mean is None:
        raise TypeError("`exposed_mean` and `control_mean` must both be given.")
    apart = as_numbers("exposed_mean", exposed_mean) - as_numbers("control_mean", control_mean)
    if not np.isfinite(apart).all():
        raise ValueError("`exposed_mean` and `control_mean` must be finite.")
    if ratio:
        return np.asarray(as_positive("confounder_effect", confounder_effect) ** apart)
    return np.asarray(as_numbers("confounder_effect", confounder_effect) * apart)


def confounding_strata(
    table: CountsT,
    *,
    confounder_effect: ArrayLike | tuple[ArrayLike, ...],
    exposed_prevalence: ArrayLike | tuple[ArrayLike, ...],
    control_prevalence: ArrayLike | tuple[ArrayLike, ...],
    exposed_confounder_effect: ArrayLike | tuple[ArrayLike, ...] | None = None,
    measure: str | None = None,
    impossible: str = "raise",
) -> CountsT:
    """Return the tables that one would have seen in the levels of the confounder.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts, or events over person-time.
    confounder_effect, exposed_prevalence, control_prevalence, measure, impossible
        As for `bias_adjust_confounding`.
    exposed_confounder_effect : array_like or tuple of them, optional
        Effect of the confounder among the exposed if it differs from that among the controls (effect
        modification), which then is `confounder_effect`.

    Returns
    -------
    TwoByTwo or TwoRates
        With a new last axis: the reference level, then the others. `mantel_haenszel` and `homogeneity_test`
        take it as strata; `collapse()` gives the table back.

    Raises
    ------
    ValueError
        As for `bias_adjust_confounding`, and if a stratum would have a negative cell.

    Examples
    --------
    >>> from analysis import TwoByTwo, mantel_haenszel
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=105, control_cases=85, exposed_noncases=527, control_noncases=93
    ... )
    >>> strata = confounding_strata(
    ...     table, exposed_confounder_effect=0.4, confounder_effect=0.7,
    ...     exposed_prevalence=0.8, control_prevalence=0.05,
    ... )
    >>> strata.exposed_cases.round(1)
    array([40.4, 64.6])
    >>> round(float(mantel_haenszel(strata, measure="RR").value), 2)
    0.64
    """
    name = usual_measure(table, measure)
    ratio = measure_of(name).scale == "log"
    among_controls = confounder_of(confounder_effect, exposed_prevalence, control_prevalence, ratio=ratio)
    among_exposed = among_controls
    if exposed_confounder_effect is not None:
        among_exposed = confounder_of(
            exposed_confounder_effect,
            exposed_prevalence,
            control_prevalence,
            ratio=ratio,
            name="exposed_confounder_effect",
        )
    cells = stratified(cells_of(table), among_exposed, among_controls, measure=name)
    return table_of(cells, table, impossible=impossible, because=_BECAUSE)
