"""Proportions with their intervals.

Differences and ratios of two proportions live in `association`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.one_proportion import PROPORTION
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from analysis.values.counts import Proportion

__all__ = ["prevalence"]


def prevalence(proportion: Proportion, *, method: str = "wilson", confidence_level: float = 0.95) -> Estimate:
    """Estimate a proportion with its confidence interval.

    Parameters
    ----------
    proportion : Proportion
        One proportion or an array of them.
    method : str, default "wilson"
        Wilson's score interval is the default because it keeps close to its level for all n and stays in
        [0, 1]; Wald's does neither, and is here to recheck papers that used it.

        - "wilson", "wilson-cc": score interval, without and with continuity correction (Newcombe 1998)
        - "skewness-corrected": score interval corrected for skewness (Laud), about equally far from either
          tail
        - "wald", "wald-cc": normal interval, without and with continuity correction, cut to [0, 1]
        - "agresti-coull": Wald's after adding z²/2 events and z² persons, cut to [0, 1]
        - "logit": normal interval of the log odds; [0, 1] at no or only events
        - "arcsine": of the arcsine root with Anscombe's shift
        - "clopper-pearson": exact, either tail at most alpha/2
        - "mid-p": as exact, with half of the probability of the observed count
        - "blaker": exact, by acceptability; never wider than Clopper and Pearson's
        - "blaker-mid-p": as Blaker's, with half of the probability of the observed count
        - "jeffreys": Bayesian with Beta(1/2, 1/2)
        - "likelihood-ratio": by the likelihood-ratio statistic

        At no events every lower limit is 0, at only events every upper limit is 1.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "PR" on the identity scale, of the shape of `proportion`. A total of 0 gives a value of NaN
        and the limits 0 and 1. `std_error` is that of the sample proportion.

    Raises
    ------
    ValueError
        If the method is unknown or the level is outside (0, 1).

    References
    ----------
    Wilson EB (1927). Probable inference, the law of succession, and statistical inference. J Am Stat Assoc
    22:209-212. DOI 10.1080/01621459.1927.10502953

    Clopper CJ, Pearson ES (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika 26:404-413. DOI 10.1093/biomet/26.4.404

    Agresti A, Coull BA (1998). Approximate is better than "exact" for interval estimation of binomial
    proportions. Am Stat 52:119-126. DOI 10.2307/2685469

    Newcombe RG (1998). Two-sided confidence intervals for the single proportion. Stat Med 17:857-872.
    DOI 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E

    Blaker H (2000). Confidence curves and improved exact confidence intervals for discrete distributions.
    Can J Stat 28:783-798. DOI 10.2307/3315916

    Laud PJ (2017). Equal-tailed confidence intervals for comparison of rates. Pharm Stat 16:334-348.
    DOI 10.1002/pst.1813

    Brown LD, Cai TT, DasGupta A (2001). Interval estimation for a binomial proportion. Stat Sci 16:101-133.
    DOI 10.1214/ss/1009213286

    Examples
    --------
    Osteopenia or osteoporosis of the lumbar spine within ten years of onset, van der Weijden et al. 2012,
    DOI 10.1007/s10067-012-2018-0, prints 229 of 424 (54 %):

    >>> from analysis import Proportion
    >>> print(prevalence(Proportion(events=229, total=424)))
    54.0% (49.3% to 58.7%)
    """
    level = check_confidence_level(confidence_level)
    limits = PROPORTION[check_choice("method", method, PROPORTION)]
    events, total = proportion.events, proportion.total
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = events / total
        low, high = limits(events, total, level)
        std_error = np.sqrt(value * (1 - value) / total)
    # No events bound nothing from below, only events nothing from above; an empty total does neither.
    return Estimate(
        measure="PR",
        value=value,
        low=np.where(events == 0, 0.0, np.maximum(low, 0.0)),
        high=np.where(events == total, 1.0, np.minimum(high, 1.0)),
        confidence_level=level,
        std_error=std_error,
        scale="identity",
        method=method,
    )
