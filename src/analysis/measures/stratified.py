"""Sums over strata: the Mantel-Haenszel estimates. The last axis of a table is strata."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.wald import log_ratio_estimate, wald_difference
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import Estimate

__all__ = ["mantel_haenszel"]


def mantel_haenszel(table: TwoByTwo, *, measure: str = "OR", confidence_level: float = 0.95) -> Estimate:
    """Pool strata (or studies) by Mantel and Haenszel's weights.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates. A table without axes is one stratum.
    measure : {"OR", "RR", "RD"}, default "OR"
        What is pooled.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Of the shape of the leading axes. No correction is added: strata with empty cells, and empty strata,
        contribute what they contain.

    Raises
    ------
    ValueError
        If the measure is unknown or the level outside (0, 1).

    Notes
    -----
    OR = ΣR/ΣS with R = ad/N, S = bc/N and the variance of Robins, Breslow and Greenland; RR with R = a n0/N,
    S = c n1/N and that of Greenland and Robins; RD with weights n1 n0/N and Sato's variance, consistent both
    for few large and for many small strata.

    References
    ----------
    Mantel N, Haenszel W (1959). Statistical aspects of the analysis of data from retrospective studies of
    disease. J Natl Cancer Inst 22:719-748. DOI 10.1093/jnci/22.4.719

    Robins J, Breslow N, Greenland S (1986). Estimators of the Mantel-Haenszel variance consistent in both
    sparse data and large-strata limiting models. Biometrics 42:311-323. DOI 10.2307/2531052

    Greenland S, Robins JM (1985). Estimation of a common effect parameter from sparse follow-up data.
    Biometrics 41:55-68. DOI 10.2307/2530643

    Sato T, Greenland S, Robins JM (1989). On the variance estimator for the Mantel-Haenszel risk
    difference. Biometrics 45:1323-1324.

    Examples
    --------
    Recorded osteoporosis, men and women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(mantel_haenszel(strata, measure="RR"))
    4.85 (3.92 to 6.00)
    """
    check_choice("measure", measure, ("OR", "RR", "RD"))
    strata = table if table.shape else table[np.newaxis]
    a, c = strata.exposed_cases, strata.control_cases
    n1, n0 = strata.exposed_total, strata.control_total
    b, d, n = n1 - a, n0 - c, n1 + n0
    # An empty stratum weighs nothing; 1 keeps its quotients at 0.
    n = np.where(n > 0, n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "RD":
            weight = (n1 * n0 / n).sum(axis=-1)
            difference = ((a * n0 - c * n1) / n).sum(axis=-1) / weight
            p = ((n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2).sum(axis=-1)
            q = ((a * d + c * b) / (2 * n)).sum(axis=-1)
            return wald_difference(
                measure=measure,
                difference=difference,
                variance=(difference * p + q) / weight**2,
                method="mantel-haenszel",
                confidence_level=confidence_level,
                ends=(-1.0, 1.0),
            )
        if measure == "OR":
            r, s = a * d / n, b * c / n
            p, q = (a + d) / n, (b + c) / n
            sum_r, sum_s = r.sum(axis=-1), s.sum(axis=-1)
            variance = (
                (p * r).sum(axis=-1) / sum_r**2
                + (p * s + q * r).sum(axis=-1) / (sum_r * sum_s)
                + (q * s).sum(axis=-1) / sum_s**2
            ) / 2
        else:
            sum_r, sum_s = (a * n0 / n).sum(axis=-1), (c * n1 / n).sum(axis=-1)
            variance = (((a + c) * n1 * n0 - a * c * n) / n**2).sum(axis=-1) / (sum_r * sum_s)
        ratio = sum_r / sum_s
    return log_ratio_estimate(
        measure=measure,
        ratio=ratio,
        variance=variance,
        method="mantel-haenszel",
        confidence_level=confidence_level,
    )
