"""How often an interval holds the truth: exact coverage, by enumeration of every table.

Nothing is simulated: the probability of each possible table under given risks is added up over the tables
whose interval holds the parameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.proportion import prevalence
from analysis.values.arguments import as_probabilities, check_choice
from analysis.values.counts import Proportion, TwoByTwo

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["association_coverage", "prevalence_coverage"]

_MEASURES: dict[str, Callable[..., Estimate]] = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}


def prevalence_coverage(
    *, total: int, probability: ArrayLike, method: str = "wilson", confidence_level: float = 0.95
) -> FloatArray:
    """Return the probability that the interval of a proportion holds it.

    Parameters
    ----------
    total : int
        Persons in the sample.
    probability : array_like
        True proportions.
    method : str, default "wilson"
        Any interval of `prevalence`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    ndarray
        Of the shape of `probability`.

    Examples
    --------
    Wald's interval at ten persons and one in ten:

    >>> round(float(prevalence_coverage(total=10, probability=0.1, method="wald")), 3)
    0.65
    """
    truth = as_probabilities("probability", probability)
    counts = np.arange(total + 1.0)
    interval = prevalence(
        Proportion(events=counts, total=total), method=method, confidence_level=confidence_level
    )
    inside = (interval.low <= truth[..., None]) & (truth[..., None] <= interval.high)
    coverage: FloatArray = (_binomial(counts, total, truth) * inside).sum(axis=-1)
    return coverage


def association_coverage(
    *,
    exposed_total: int,
    control_total: int,
    exposed_risk: ArrayLike,
    control_risk: ArrayLike,
    measure: str = "OR",
    method: str | None = None,
    confidence_level: float = 0.95,
) -> FloatArray:
    """Return the probability that the interval of a 2x2 table holds the true measure.

    Parameters
    ----------
    exposed_total, control_total : int
        Persons in the arms.
    exposed_risk, control_risk : array_like
        True risks, of shapes that broadcast.
    measure : {"OR", "RR", "RD"}, default "OR"
        What is estimated.
    method : str, optional
        Any interval of the measure but "bootstrap"; by default that of the measure.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    ndarray
        Of the common shape of the risks. Tables without information, whose limits are the ends of the scale,
        hold every value.
    """
    estimator = _MEASURES[check_choice("measure", measure, _MEASURES)]
    p1, p0 = np.broadcast_arrays(
        as_probabilities("exposed_risk", exposed_risk), as_probabilities("control_risk", control_risk)
    )
    a, c = np.arange(exposed_total + 1.0), np.arange(control_total + 1.0)
    table = TwoByTwo(
        exposed_cases=a[:, None], exposed_total=exposed_total, control_cases=c, control_total=control_total
    )
    options = {} if method is None else {"method": method}
    interval = estimator(table, confidence_level=confidence_level, **options)
    with np.errstate(divide="ignore", invalid="ignore"):
        truth = {"RR": p1 / p0, "OR": p1 * (1 - p0) / ((1 - p1) * p0), "RD": p1 - p0}[measure]
    # A true value computed from decimals may be a last bit off a limit that it equals.
    slack = 1e-12 * np.abs(truth)[..., None, None]
    inside = (interval.low <= truth[..., None, None] + slack) & (
        truth[..., None, None] - slack <= interval.high
    )
    exposed, control = _binomial(a, exposed_total, p1), _binomial(c, control_total, p0)
    coverage: FloatArray = np.einsum("...i,...j,...ij->...", exposed, control, inside)
    return coverage


def _binomial(counts: FloatArray, total: int, probability: FloatArray) -> FloatArray:
    """Return the probability of every count, along a new last axis."""
    p = probability[..., None]
    logs = special.gammaln(total + 1) - special.gammaln(counts + 1) - special.gammaln(total - counts + 1)
    result: FloatArray = np.exp(logs + special.xlogy(counts, p) + special.xlog1py(total - counts, -p))
    return result
