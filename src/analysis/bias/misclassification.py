"""Bias analysis of exposure, outcome or confounder that was recorded with error, from the table alone.

Sensitivities and specificities or predictive values, the same in both groups or not, errors independent or
not. Every parameter may be an array whose leading axes are draws. Distributions of the parameters live in
`probabilistic`; what happens to the cells is computed in `methods.reclassification`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.classification_limits import (
    ClassificationLimits,
    broken_limits,
    classification_limits,
)
from analysis.bias.methods.dependent import by_both
from analysis.bias.methods.linear import cells_of, table_of, usual_measure
from analysis.bias.methods.misclassification_map import misclassification_map, quality_pair
from analysis.bias.methods.misclassified_confounder import true_strata
from analysis.bias.methods.result import BiasAdjusted, adjusted_result
from analysis.values.arguments import check_choice
from analysis.values.counts import TwoByTwo, TwoRates

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.bias.methods.linear import Counts, CountsT
    from analysis.measures.methods.cells import Cells

__all__ = [
    "ClassificationLimits",
    "adjust_confounder_misclassification",
    "adjust_dependent_misclassification",
    "adjust_misclassification",
    "bias_adjust_misclassification",
    "classification_limits",
    "misclassification_map",
]

_BECAUSE = (
    "such classification cannot have produced this table. Fewer persons than its false positives are "
    "classified positive, or fewer than its false negatives negative."
)


def adjust_misclassification(
    table: CountsT,
    *,
    variable: str,
    sensitivity: ArrayLike | None = None,
    specificity: ArrayLike | None = None,
    reference_sensitivity: ArrayLike | None = None,
    reference_specificity: ArrayLike | None = None,
    positive_predictive_value: ArrayLike | None = None,
    negative_predictive_value: ArrayLike | None = None,
    reference_positive_predictive_value: ArrayLike | None = None,
    reference_negative_predictive_value: ArrayLike | None = None,
    impossible: str = "raise",
) -> CountsT:
    """Return the table that would have been observed without misclassification.

    Parameters
    ----------
    table : TwoByTwo or TwoRates
        Counts, or events over person-time.
    variable : {"exposure", "outcome"}
        What was recorded with error.
    sensitivity, specificity : array_like
        Of the record, in [0, 1], their sum above 1. For "exposure" among the cases, for "outcome" among the
        exposed; in the other group too unless the `reference_` parameter is given. Arrays broadcast with the
        table: draws of one table have shape (draws,), of k studies (draws, 1) or (draws, k).
    reference_sensitivity, reference_specificity : array_like, optional
        For "exposure" among the non-cases (or of the person-time), for "outcome" among the controls. Default:
        as in the first group (non-differential).
    positive_predictive_value, negative_predictive_value : array_like, optional
        Instead of sensitivity and specificity. For the outcome of rates give `sensitivity` and
        `positive_predictive_value`: person-time has no specificity.
    reference_positive_predictive_value, reference_negative_predictive_value : array_like, optional
        In the other group; default as in the first.
    impossible : {"raise", "nan"}, default "raise"
        What becomes of parameters that cannot have produced the table (an adjusted cell below 0, or
        sensitivity + specificity not above 1): an error, or a table of NaN to be counted.

    Returns
    -------
    TwoByTwo or TwoRates
        Of the type of `table` and of the broadcast shape; cells need not be whole. A cell of exactly 0 is
        possible.

    Raises
    ------
    TypeError
        If parameters are missing, or mixed.
    ValueError
        If one is outside [0, 1], or for `impossible="raise"`; names parameter or cell, value and index.

    Notes
    -----
    With m cases of whom a are recorded exposed, A = (a - (1 - Sp) m)/(Se + Sp - 1) are exposed; with
    predictive values A = PPV a + (1 - NPV)(m - a). Outcome of rates: A = a PPV/Se, person-time unchanged.

    References
    ----------
    Copeland KT, Checkoway H, McMichael AJ, Holbrook RH (1977). Bias due to misclassification in the
    estimation of relative risk. Am J Epidemiol 105:488-495. (Citation not verified.)

    Fox MP, MacLehose RF, Lash TL (2021). Applying quantitative bias analysis to epidemiologic data. 2nd ed.
    Cham: Springer. DOI 10.1007/978-3-030-82673-4

    Examples
    --------
    Mother's smoking on the birth certificate and breast cancer, the example of Fox, MacLehose and Lash:
    215 of 1664 cases and 668 of 4964 controls recorded as smokers.

    >>> from analysis import TwoByTwo, odds_ratio
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=215, control_cases=1449, exposed_noncases=668, control_noncases=4296
    ... )
    >>> adjusted = adjust_misclassification(table, variable="exposure", sensitivity=0.78, specificity=0.99)
    >>> round(float(adjusted.exposed_cases), 1), round(float(odds_ratio(adjusted).value), 2)
    (257.6, 0.95)
    """
    adjustment = misclassification_map(
        variable=variable,
        rates=isinstance(table, TwoRates),
        sensitivity=sensitivity,
        specificity=specificity,
        reference_sensitivity=reference_sensitivity,
        reference_specificity=reference_specificity,
        positive_predictive_value=positive_predictive_value,
        negative_predictive_value=negative_predictive_value,
        reference_positive_predictive_value=reference_positive_predictive_value,
        reference_negative_predictive_value=reference_negative_predictive_value,
        impossible=impossible,
    )
    cells = cells_of(table)
    because = _because(
        cells, variable, sensitivity, specificity, reference_sensitivity, reference_specificity, impossible
    )
    return table_of(adjustment(cells), table, impossible=impossible, because=because)


def bias_adjust_misclassification(
    table: Counts,
    *,
    variable: str,
    sensitivity: ArrayLike | None = None,
    specificity: ArrayLike | None = None,
    reference_sensitivity: ArrayLike | None = None,
    reference_specificity: ArrayLike | None = None,
    positive_predictive_value: ArrayLike | None = None,
    negative_predictive_value: ArrayLike | None = None,
    reference_positive_predictive_value: ArrayLike | None = None,
    reference_negative_predictive_value: ArrayLike | None = None,
    measure: str | None = None,
    confidence_level: float = 0.95,
    impossible: str = "raise",
) -> BiasAdjusted:
    """Estimate a ratio or difference without misclassification, at known bias parameters.

    Parameters
    ----------
    table, variable, sensitivity, specificity, reference_sensitivity, reference_specificity
        As for `adjust_misclassification`.
    positive_predictive_value, negative_predictive_value
        As for `adjust_misclassification`.
    reference_positive_predictive_value, reference_negative_predictive_value
        As for `adjust_misclassification`.
    measure : {"RR", "OR", "RD"} or {"IRR", "IRD"}, optional
        Default the ratio of risks, or of rates.
    confidence_level : float, default 0.95
        In (0, 1).
    impossible : {"raise", "nan"}, default "raise"
        As for `adjust_misclassification`.

    Returns
    -------
    BiasAdjusted
        Estimates before and after and the adjusted table. The interval is of random error alone, at exactly
        these parameters: it is wider than the observed one, and still too narrow as long as the parameters
        are guesses.

    Raises
    ------
    TypeError, ValueError
        As for `adjust_misclassification`, and if measure or level are unknown.

    Notes
    -----
    The variance is the delta method through the linear map from observed to adjusted cells. For exposure
    misclassification and the odds ratio it is that of Greenland and of Chu.

    References
    ----------
    Greenland S (1988). Variance estimation for epidemiologic effect estimates under misclassification. Stat
    Med 7:745-757. (Citation not verified.)

    Chu H, Wang Z, Cole SR, Greenland S (2006). Sensitivity analysis of misclassification: a graphical and a
    Bayesian approach. Ann Epidemiol 16:834-841. (Citation not verified.)

    Examples
    --------
    Vaccination and pneumococcal disease, the example of Chu et al. in the documentation of episensr:

    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=126, control_cases=92, exposed_noncases=71, control_noncases=224
    ... )
    >>> print(
    ...     bias_adjust_misclassification(
    ...         table, variable="exposure", sensitivity=0.94, specificity=0.97, measure="OR"
    ...     )
    ... )
    Odds ratio 5.02 (3.28 to 7.69) after adjustment for exposure misclassification, 4.32 before
    """
    cells = cells_of(table)
    adjustment = misclassification_map(
        variable=variable,
        rates=isinstance(table, TwoRates),
        sensitivity=sensitivity,
        specificity=specificity,
        reference_sensitivity=reference_sensitivity,
        reference_specificity=reference_specificity,
        positive_predictive_value=positive_predictive_value,
        negative_predictive_value=negative_predictive_value,
        reference_positive_predictive_value=reference_positive_predictive_value,
        reference_negative_predictive_value=reference_negative_predictive_value,
        impossible=impossible,
    )
    return adjusted_result(
        table,
        adjustment,
        bias=f"{variable} misclassification",
        measure=usual_measure(table, measure),
        confidence_level=confidence_level,
        impossible=impossible,
        because=_because(
            cells,
            variable,
            sensitivity,
            specificity,
            reference_sensitivity,
            reference_specificity,
            impossible,
        ),
    )


def _because(
    cells: Cells,
    variable: str,
    sensitivity: ArrayLike | None,
    specificity: ArrayLike | None,
    reference_sensitivity: ArrayLike | None,
    reference_specificity: ArrayLike | None,
    impossible: str,
) -> str:
    """Say why a cell would be negative, and which parameter would have to be what."""
    if impossible == "nan" or sensitivity is None or specificity is None:
        return _BECAUSE  # of draws nothing is refused, and a million limits would be found for nothing
    first = ("sensitivity", sensitivity), ("specificity", specificity)
    other = (
        ("reference_sensitivity", reference_sensitivity),
        ("reference_specificity", reference_specificity),
    )
    given = [
        *first,
        *(pair if pair[1] is not None else usual for pair, usual in zip(other, first, strict=True)),
    ]
    broken = broken_limits(cells, variable, [(name, np.asarray(value), "") for name, value in given])
    return f"{_BECAUSE} {broken}" if broken else _BECAUSE


def adjust_dependent_misclassification(
    table: TwoByTwo,
    *,
    exposure_sensitivity: ArrayLike,
    exposure_specificity: ArrayLike,
    outcome_sensitivity: ArrayLike,
    outcome_specificity: ArrayLike,
    error_correlation: ArrayLike = 0.0,
    impossible: str = "raise",
) -> TwoByTwo:
    """Return the table without error in exposure and outcome, whose errors may go together.

    Parameters
    ----------
    table : TwoByTwo
        Counts.
    exposure_sensitivity, exposure_specificity, outcome_sensitivity, outcome_specificity : array_like
        In [0, 1], the sum of each pair above 1; the same in both groups of the other variable.
    error_correlation : array_like, default 0
        Correlation between an error in exposure and an error in outcome of one person, the same for all four
        kinds of persons, in [-1, 1]. 0: independent errors.
    impossible : {"raise", "nan"}, default "raise"
        As for `adjust_misclassification`.

    Returns
    -------
    TwoByTwo
        Of the broadcast shape; cells need not be whole.

    Raises
    ------
    ValueError
        If a parameter is out of range, if two errors of such probabilities cannot correlate so strongly, or
        for `impossible="raise"` if a cell would be negative.

    Notes
    -----
    A person of true exposure e and outcome d is recorded as (e', d') with probability P(e'|e) P(d'|d) plus
    (both or neither recorded wrongly) or minus (one of them) the covariance ρ √(v(1 - v) w(1 - w)) of the two
    errors, whose probabilities are v and w. The observed cells are these 4 x 4 probabilities times the true
    ones; the equations are solved. With ρ = 0 it is the two separate adjustments in either order.

    References
    ----------
    Kristensen P (1992). Bias from nondifferential but dependent misclassification of exposure and outcome.
    Epidemiology 3:210-215. (Citation not verified.)

    Examples
    --------
    Two errors that go together make an association of nothing:

    >>> from analysis import TwoByTwo, odds_ratio
    >>> table = TwoByTwo.from_cells(
    ...     exposed_cases=60, exposed_noncases=140, control_cases=140, control_noncases=660
    ... )
    >>> quality = {
    ...     "exposure_sensitivity": 0.9, "exposure_specificity": 0.95,
    ...     "outcome_sensitivity": 0.9, "outcome_specificity": 0.95,
    ... }
    >>> apart = adjust_dependent_misclassification(table, **quality)
    >>> together = adjust_dependent_misclassification(table, **quality, error_correlation=0.3)
    >>> round(float(odds_ratio(apart).value), 2), round(float(odds_ratio(together).value), 2)
    (3.0, 2.18)
    """
    if not isinstance(table, TwoByTwo):
        raise TypeError(f"Dependent errors need a TwoByTwo, but got {type(table).__name__}.")
    check_choice("impossible", impossible, ("raise", "nan"))
    exposure = quality_pair(
        "exposure_sensitivity", exposure_sensitivity, "exposure_specificity", exposure_specificity, impossible
    )
    outcome = quality_pair(
        "outcome_sensitivity", outcome_sensitivity, "outcome_specificity", outcome_specificity, impossible
    )
    cells = by_both(cells_of(table), exposure, outcome, error_correlation, impossible)
    return table_of(cells, table, impossible=impossible, because=_BECAUSE)


def adjust_confounder_misclassification(
    strata: TwoByTwo,
    *,
    sensitivity: ArrayLike,
    specificity: ArrayLike,
    reference_sensitivity: ArrayLike | None = None,
    reference_specificity: ArrayLike | None = None,
    impossible: str = "raise",
) -> TwoByTwo:
    """Return the strata of a confounder as they were without error in its record.

    Parameters
    ----------
    strata : TwoByTwo
        Last axis of length 2: persons recorded without the confounder, then with it.
    sensitivity, specificity : array_like
        Of the confounder's record among the cases, and among the non-cases too unless given below. In [0, 1],
        sum above 1.
    reference_sensitivity, reference_specificity : array_like, optional
        Among the non-cases.
    impossible : {"raise", "nan"}, default "raise"
        As for `adjust_misclassification`.

    Returns
    -------
    TwoByTwo
        The two strata by the true confounder; `mantel_haenszel` takes them. Residual confounding is the ratio
        of what both give.

    Raises
    ------
    ValueError
        As for `adjust_misclassification`, and if there are not two strata.
    """
    if not strata.shape or strata.shape[-1] != 2:
        raise ValueError(
            "`strata` must have a last axis of length 2 (without the confounder, with it), but has shape "
            f"{strata.shape}."
        )
    first = quality_pair("sensitivity", sensitivity, "specificity", specificity, impossible)
    other = quality_pair(
        "reference_sensitivity",
        sensitivity if reference_sensitivity is None else reference_sensitivity,
        "reference_specificity",
        specificity if reference_specificity is None else reference_specificity,
        impossible,
    )
    return true_strata(strata, first, other, impossible=impossible, because=_BECAUSE)
