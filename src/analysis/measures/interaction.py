"""Interaction of two exposures on the additive scale: excess risk, attributable proportion, synergy index.

The formulas of their intervals live in `methods.additive`. Whether effects differ between strata is tested in
`homogeneity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.additive import MEASURES, bootstrap, delta, mover
from analysis.measures.methods.correction import check_correction
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.framed import Framed
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate
    from analysis.values.factorial import TwoByFour

__all__ = ["AdditiveInteraction", "additive_interaction", "additive_interaction_from_estimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdditiveInteraction(Framed):
    """The three measures of interaction on the additive scale.

    Parameters
    ----------
    reri : Estimate
        Relative excess risk due to interaction, R11 - R10 - R01 + 1; 0 without interaction.
    attributable_proportion : Estimate
        RERI over R11; 0 without interaction.
    synergy_index : Estimate
        (R11 - 1) over (R10 + R01 - 2); 1 without interaction. NaN where either excess is not positive: the
        index means nothing for exposures that prevent.
    undefined_draws : ndarray or None
        For the bootstrap: the fraction of draws in which a ratio was undefined, left out of its interval;
        None for other methods.
    """

    reri: Estimate
    attributable_proportion: Estimate
    synergy_index: Estimate
    undefined_draws: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.undefined_draws is not None:
            object.__setattr__(self, "undefined_draws", read_only(self.undefined_draws))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of tables; () for one."""
        return self.reri.shape

    def to_frame(self) -> pd.DataFrame:
        """Return the three measures under one another, at full precision."""
        import pandas as pd

        parts = (self.reri, self.attributable_proportion, self.synergy_index)
        return pd.concat([part.to_frame() for part in parts], ignore_index=True)

    def __str__(self) -> str:
        """Return one line a measure, or the excess risks alone for an array."""
        if self.shape:
            return str(self.reri)
        parts = (self.reri, self.attributable_proportion, self.synergy_index)
        width = max(len(measure_of(part.measure).label) for part in parts)
        return "\n".join(f"{measure_of(part.measure).label:<{width}}  {part}" for part in parts)


def additive_interaction(
    table: TwoByFour,
    *,
    measure: str = "RR",
    method: str = "delta",
    confidence_level: float = 0.95,
    correction: float | None = None,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> AdditiveInteraction:
    """Estimate the interaction of two exposures on the additive scale.

    Parameters
    ----------
    table : TwoByFour
        One table or an array of tables.
    measure : {"RR", "OR"}, default "RR"
        The ratio of each group to those with neither exposure: risk ratios, or odds ratios in a
        case-control study.
    method : {"delta", "mover", "bootstrap"}, default "delta"
        "delta" (Hosmer and Lemeshow) is what most papers print; its interval is symmetric although the
        estimates are skewed. "mover" (Zou) recovers the variances from the asymmetric intervals of the
        ratios and is closer to its level. "bootstrap" takes percentiles of tables whose cases are drawn
        anew from the binomial distribution in each of the four groups.
    confidence_level : float, default 0.95
        In (0, 1).
    correction : float, optional
        Added to all eight cells of tables that have an empty cell. By default nothing is, and an empty cell
        leaves the interval unbounded.
    draws : int, default 10000
        Of the bootstrap.
    rng : numpy.random.Generator or int, optional
        Of the bootstrap; a whole number makes it reproducible.

    Returns
    -------
    AdditiveInteraction
        Estimates of the shape of `table`. `std_error` is the delta method's, on the log scale for the
        synergy index, and None for the other methods.

    Raises
    ------
    TypeError, ValueError
        If an argument is unknown or outside its range.

    Notes
    -----
    Code the exposures so that those with neither have the lowest risk; with preventive exposures the three
    measures contradict one another.

    References
    ----------
    Hosmer DW, Lemeshow S (1992). Confidence interval estimation of interaction. Epidemiology 3:452-456.
    DOI 10.1097/00001648-199209000-00012

    Zou GY (2008). On the estimation of additive interaction by use of the four-by-two table and beyond. Am J
    Epidemiol 168:212-224. DOI 10.1093/aje/kwn104

    Examples
    --------
    Oral cancer, smoking and alcohol, the example of Hosmer and Lemeshow 1992 and of Zou 2008:

    >>> from analysis import TwoByFour
    >>> table = TwoByFour(both_cases=225, both_total=391, first_cases=8, first_total=26,
    ...                   second_cases=6, second_total=18, neither_cases=3, neither_total=23)
    >>> print(additive_interaction(table, measure="OR"))
    Relative excess risk due to interaction     3.74 (−1.84 to 9.32)
    Attributable proportion due to interaction  0.41 (−0.07 to 0.90)
    Synergy index                               1.87 (0.65 to 5.42)
    """
    check_choice("measure", measure, ("RR", "OR"))
    check_choice("method", method, ("delta", "mover", "bootstrap"))
    level = check_confidence_level(confidence_level)
    added = check_correction(correction)
    where = added * table.has_zero_cell[..., np.newaxis]
    cases, totals = table.cases + where, table.totals + 2 * where
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "RR":
            logs, variances = np.log(cases / totals), 1 / cases - 1 / totals
        else:
            logs = np.log(cases / (totals - cases))
            variances = 1 / cases + 1 / (totals - cases)
        coefficients = logs[..., :3] - logs[..., 3:]
        # All three ratios share the group with neither exposure.
        covariance = variances[..., :3, np.newaxis] * np.eye(3) + variances[..., 3:, np.newaxis]
        # 0 times an infinite variance is no covariance, it is none known.
        known = np.asarray(np.isfinite(variances).all(axis=-1))
        covariance = np.where(known[..., np.newaxis, np.newaxis], covariance, np.inf)
    if method == "bootstrap":
        parts, undefined = bootstrap(
            table, coefficients, measure=measure, level=level, correction=correction, draws=draws, rng=rng
        )
        return _result(parts, undefined)
    return _from_logs(coefficients, covariance, method=method, level=level, correction=correction)


def additive_interaction_from_estimates(
    coefficients: ArrayLike,
    covariance: ArrayLike,
    *,
    coding: str = "groups",
    method: str = "delta",
    confidence_level: float = 0.95,
) -> AdditiveInteraction:
    """Estimate interaction on the additive scale from the output of a regression on the log scale.

    Parameters
    ----------
    coefficients : array_like
        Log ratios (of odds, risks, rates or hazards), three on the last axis.
    covariance : array_like
        Their covariance matrices on the last two axes.
    coding : {"groups", "product"}, default "groups"
        "groups": first exposure only, second only, and both, each against neither. "product": first, second
        and product term.
    method : {"delta", "mover"}, default "delta"
        As for `additive_interaction`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    AdditiveInteraction
        Of the shape of the leading axes.

    Raises
    ------
    TypeError
        If an argument is not numeric.
    ValueError
        If an argument is unknown, the shapes are not (..., 3) and (..., 3, 3), a number is not finite or the
        matrix is not symmetric with positive variances.

    References
    ----------
    As for `additive_interaction`.
    """
    check_choice("coding", coding, ("groups", "product"))
    check_choice("method", method, ("delta", "mover"))
    level = check_confidence_level(confidence_level)
    logs, matrix = as_numbers("coefficients", coefficients), as_numbers("covariance", covariance)
    if logs.shape[-1:] != (3,):
        raise ValueError(f"`coefficients` must have three on the last axis, but has the shape {logs.shape}.")
    if matrix.shape[-2:] != (3, 3):
        raise ValueError(f"`covariance` must be 3 by 3 on the last axes, but has the shape {matrix.shape}.")
    if not (np.isfinite(logs).all() and np.isfinite(matrix).all()):
        raise ValueError("`coefficients` and `covariance` must be finite.")
    variances = np.diagonal(matrix, axis1=-2, axis2=-1)
    symmetric = np.allclose(matrix, np.swapaxes(matrix, -1, -2), rtol=1e-6, atol=1e-12)
    if not symmetric or not (variances > 0).all():
        raise ValueError("`covariance` must be symmetric with positive variances on its diagonal.")
    if coding == "product":
        joint = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
        logs, matrix = logs @ joint.T, joint @ matrix @ joint.T
    logs, matrix = np.broadcast_arrays(logs[..., np.newaxis], matrix)
    return _from_logs(logs[..., 0], matrix, method=method, level=level, correction=None)


def _from_logs(
    coefficients: FloatArray, covariance: FloatArray, *, method: str, level: float, correction: float | None
) -> AdditiveInteraction:
    solve = delta if method == "delta" else mover
    return _result(
        {code: solve(code, coefficients, covariance, level=level, correction=correction) for code in MEASURES}
    )


def _result(parts: dict[str, Estimate], undefined: FloatArray | None = None) -> AdditiveInteraction:
    return AdditiveInteraction(
        reri=parts["RERI"],
        attributable_proportion=parts["AP"],
        synergy_index=parts["SI"],
        undefined_draws=undefined,
    )
