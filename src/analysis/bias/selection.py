"""Bias analysis of selection: who came into the study depended on exposure and outcome.

Selection probabilities of the four kinds of persons, or their odds-ratio factor alone; and how much bias
selection on a collider of two other causes (M-bias) can make. Every parameter may be an array whose leading
axes are draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.collider import through_binary
from analysis.bias.methods.linear import cells_of, table_of, usual_measure
from analysis.bias.methods.result import BiasAdjusted, adjusted_result, divided
from analysis.measures.methods.cells import Cells
from analysis.values.arguments import as_positive, as_probabilities
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.bias.methods.linear import CellMap, Counts, CountsT
    from analysis.values.arrays import FloatArray

__all__ = [
    "adjust_selection",
    "bias_adjust_selection",
    "m_bias_factor",
    "selection_bias_factor",
    "selection_map",
]

_BIAS = "selection"


def adjust_selection(
    table: CountsT,
    *,
    exposed_cases: ArrayLike,
    exposed_noncases: ArrayLike,
    control_cases: ArrayLike,
    control_noncases: ArrayLike,
) -> CountsT:
    """Return the table of those who could have been selected.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts, or events over person-time.
    exposed_cases, exposed_noncases, control_cases, control_noncases : array_like
        Probability in (0, 1] that a person of that kind (for rates, a unit of that person-time) came into the
        study. Only their ratios matter for estimates. Shapes broadcast with the table.

    Returns
    -------
    TwoByTwo or TwoRates
        Each cell divided by its probability; need not be whole.

    Raises
    ------
    ValueError
        If a probability is 0 or outside [0, 1]; names it, the value and the index.

    Examples
    --------
    Mobile phones and uveal melanoma (Stang et al., in the documentation of episensr): controls without
    the exposure took part least.

    >>> from analysis import TwoByTwo, odds_ratio
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=136, control_cases=107, exposed_noncases=297, control_noncases=165
    ... )
    >>> selected = {"exposed_cases": 0.94, "control_cases": 0.85}
    >>> whole = adjust_selection(table, **selected, exposed_noncases=0.64, control_noncases=0.25)
    >>> round(float(odds_ratio(table).value), 2), round(float(odds_ratio(whole).value), 2)
    (0.71, 1.63)
    """
    adjustment = selection_map(
        exposed_cases=exposed_cases,
        exposed_noncases=exposed_noncases,
        control_cases=control_cases,
        control_noncases=control_noncases,
    )
    return table_of(adjustment(cells_of(table)), table, impossible="raise", because="")


def bias_adjust_selection(
    data: Counts | Estimate,
    *,
    exposed_cases: ArrayLike | None = None,
    exposed_noncases: ArrayLike | None = None,
    control_cases: ArrayLike | None = None,
    control_noncases: ArrayLike | None = None,
    bias_factor: ArrayLike | None = None,
    measure: str | None = None,
    confidence_level: float = 0.95,
) -> BiasAdjusted:
    """Estimate a ratio or difference without selection bias, at known selection probabilities.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or Estimate
        A table, or a published ratio. A ratio has no cells: it needs `bias_factor`, unless its measure is
        "OR" or "IRR", which the four probabilities divide just so.
    exposed_cases, exposed_noncases, control_cases, control_noncases : array_like, optional
        As for `adjust_selection`; all four.
    bias_factor : array_like, optional
        Instead of them: by how much selection multiplied the ratio, greater than 0.
    measure : {"RR", "OR", "RD"} or {"IRR", "IRD"}, optional
        Default the ratio of risks, or of rates; of an estimate its own.
    confidence_level : float, default 0.95
        In (0, 1); of an estimate its own.

    Returns
    -------
    BiasAdjusted
        Estimates before and after; with probabilities of a table also the adjusted table.

    Raises
    ------
    TypeError
        If probabilities and factor are mixed or missing, or the data of another type.
    ValueError
        If a probability is outside (0, 1], the factor not greater than 0, or a factor is asked to divide a
        difference.

    Notes
    -----
    OR_adjusted = OR/(s(exposed cases) s(control non-cases)/(s(control cases) s(exposed non-cases))). The
    probabilities enter as known; the interval is of random error alone.

    References
    ----------
    Kleinbaum DG, Kupper LL, Morgenstern H (1982). Epidemiologic research. Belmont: Lifetime Learning.
    (Citation not verified.)

    Fox MP, MacLehose RF, Lash TL (2021). Applying quantitative bias analysis to epidemiologic data. 2nd ed.
    Cham: Springer. DOI 10.1007/978-3-030-82673-4

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=136, control_cases=107, exposed_noncases=297, control_noncases=165
    ... )
    >>> print(bias_adjust_selection(table, bias_factor=0.43, measure="OR"))
    Odds ratio 1.64 (1.20 to 2.25) after adjustment for selection, 0.71 before
    """
    four = (exposed_cases, exposed_noncases, control_cases, control_noncases)
    given = [part is not None for part in four]
    if any(given) == (bias_factor is not None) or (any(given) and not all(given)):
        raise TypeError(
            "Give all four selection probabilities (`exposed_cases`, `exposed_noncases`, `control_cases`, "
            f"`control_noncases`) or `bias_factor` alone, but got {sum(given)} probabilities and "
            f"{'a' if bias_factor is not None else 'no'} factor."
        )
    if isinstance(data, Estimate):
        return _of_estimate(data, four, bias_factor, measure)
    name = usual_measure(data, measure)
    if bias_factor is None:
        adjustment = selection_map(
            **dict(zip(_KINDS, (part for part in four if part is not None), strict=True))
        )
        return adjusted_result(
            data,
            adjustment,
            bias=_BIAS,
            measure=name,
            confidence_level=confidence_level,
            impossible="raise",
            because="",
        )
    return divided(
        data,
        as_positive("bias_factor", bias_factor),
        bias=_BIAS,
        measure=name,
        confidence_level=confidence_level,
    )


def selection_bias_factor(
    *,
    exposed_cases: ArrayLike,
    exposed_noncases: ArrayLike,
    control_cases: ArrayLike,
    control_noncases: ArrayLike,
) -> FloatArray:
    """Return by how much selection multiplies an odds ratio (or a rate ratio, of person-time).

    Parameters
    ----------
    exposed_cases, exposed_noncases, control_cases, control_noncases : array_like
        Selection probabilities in (0, 1].

    Returns
    -------
    ndarray
        1 where selection does not depend on exposure and outcome together.

    Raises
    ------
    ValueError
        If a probability is 0 or outside [0, 1].

    Examples
    --------
    >>> factor = selection_bias_factor(
    ...     exposed_cases=0.94, exposed_noncases=0.64, control_cases=0.85, control_noncases=0.25
    ... )
    >>> round(float(factor), 3)
    0.432
    """
    parts = (exposed_cases, exposed_noncases, control_cases, control_noncases)
    a, b, c, d = (_selected(name, part) for name, part in zip(_KINDS, parts, strict=True))
    return np.asarray(a * d / (c * b))


def selection_map(
    *,
    exposed_cases: ArrayLike,
    exposed_noncases: ArrayLike,
    control_cases: ArrayLike,
    control_noncases: ArrayLike,
) -> CellMap:
    """Return what the removal of selection does to cells; parameters and errors as for `adjust_selection`.

    Parameters
    ----------
    exposed_cases, exposed_noncases, control_cases, control_noncases : array_like
        Selection probabilities in (0, 1].

    Returns
    -------
    callable
        From `Cells` to `Cells`, linear.
    """
    parts = (exposed_cases, exposed_noncases, control_cases, control_noncases)
    chances = [_selected(name, part) for name, part in zip(_KINDS, parts, strict=True)]

    def adjustment(cells: Cells) -> Cells:
        return Cells(*(cell / chance for cell, chance in zip(cells, chances, strict=True)))

    return adjustment


def m_bias_factor(
    *,
    first_cause_exposure: ArrayLike,
    first_cause_collider: ArrayLike,
    second_cause_collider: ArrayLike,
    second_cause_outcome: ArrayLike,
) -> FloatArray:
    """Return the most bias that adjusting for (or selecting on) a collider of two other causes can make.

    Parameters
    ----------
    first_cause_exposure, first_cause_collider : array_like
        Odds ratios, greater than 0, between a first unmeasured cause and the exposure and the collider.
    second_cause_collider, second_cause_outcome : array_like
        Odds ratios between a second unmeasured cause and the collider and the outcome.

    Returns
    -------
    ndarray
        The odds ratio between exposure and outcome that arises where there is no effect; divide by it.

    Raises
    ------
    ValueError
        If an odds ratio is not greater than 0.

    Notes
    -----
    A binary variable with odds ratios x and y to two others makes an odds ratio of at most
    ((1 + √(xy))/(√x + √y))² between them. Applied to exposure and collider (through the first cause), to
    collider and outcome (through the second), and to the two results.

    References
    ----------
    Greenland S (2003). Quantifying biases in causal models: classical confounding vs collider-stratification
    bias. Epidemiology 14:300-306. DOI 10.1097/01.ede.0000042804.12056.6c

    Examples
    --------
    Greenland's example in the documentation of episensr: a strong M makes next to no bias.

    >>> factor = m_bias_factor(
    ...     first_cause_exposure=2, first_cause_collider=5.4,
    ...     second_cause_collider=2.5, second_cause_outcome=1.5,
    ... )
    >>> round(float(factor), 4)
    1.0062
    """
    left = through_binary(
        as_positive("first_cause_exposure", first_cause_exposure),
        as_positive("first_cause_collider", first_cause_collider),
    )
    right = through_binary(
        as_positive("second_cause_collider", second_cause_collider),
        as_positive("second_cause_outcome", second_cause_outcome),
    )
    return through_binary(left, right)


_KINDS = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")


def _selected(name: str, chance: ArrayLike) -> FloatArray:
    array = as_probabilities(name, chance)
    fault = array == 0
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must be greater than 0, but got 0{f' at index {index}' if index else ''}: of persons "
            "who are never selected a study says nothing."
        )
    return array


def _of_estimate(
    estimate: Estimate,
    four: tuple[ArrayLike | None, ...],
    bias_factor: ArrayLike | None,
    measure: str | None,
) -> BiasAdjusted:
    if measure not in {None, estimate.measure}:
        raise ValueError(
            f"`measure` must be that of the estimate, {estimate.measure!r}, but got {measure!r}."
        )
    if bias_factor is not None:
        return divided(estimate, as_positive("bias_factor", bias_factor), bias=_BIAS)
    if estimate.measure not in {"OR", "IRR"}:
        raise ValueError(
            f"What the four probabilities do to measure {estimate.measure!r} depends on the cells, which an "
            "estimate has not: give the table, or `bias_factor`."
        )
    factor = selection_bias_factor(
        **dict(zip(_KINDS, (part for part in four if part is not None), strict=True))
    )
    return divided(estimate, factor, bias=_BIAS)
