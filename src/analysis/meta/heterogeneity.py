"""Between-study variance: its estimators by name, with their sources.

The formulas are in `methods`: `tau2_moments`, `tau2_quantile`, `tau2_likelihood`. Intervals of tau2 and I2
live in `heterogeneity_interval`.

References
----------
DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Control Clin Trials 7:177-188.
DOI 10.1016/0197-2456(86)90046-2 ("DL")

DerSimonian R, Kacker R (2007). Random-effects model for meta-analysis of clinical trials: an update. Contemp
Clin Trials 28:105-114. DOI 10.1016/j.cct.2006.04.004 ("DL2", "CA2", "GENQ")

Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic Press. ("HE", also called "CA")

Schmidt FL, Hunter JE (2015). Methods of meta-analysis, 3rd ed. Sage. ("HS"; citation not verified)

Brannick MT, Potter SM, Benitez B, Morris SB (2019). Bias and precision of alternate estimators in
meta-analysis: benefits of blending Schmidt-Hunter and Hedges approaches. Organ Res Methods 22:490-514.
("HSk"; citation not verified)

Sidik K, Jonkman JN (2005). A simple confidence interval for meta-analysis, Stat Med 21:3153-3159 (2002), and
A note on variance estimation in random effects meta-regression, J Biopharm Stat 15:823-838. ("SJ"; citation
not verified)

Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in the random-effects model. J
Educ Behav Stat 30:261-293. DOI 10.3102/10769986030003261 ("ML", "REML")

Paule RC, Mandel J (1982). Consensus values and weighting factors. J Res Natl Bur Stand 87:377-385.
DOI 10.6028/jres.087.022 ("PM"; Morris's empirical Bayes, "EB", solves the same equation)

Viechtbauer W (2021). Median-unbiased estimators for the amount of heterogeneity in meta-analysis. ("PMM",
"GENQM"; citation not verified)

Jackson D, Turner R, Rhodes K, Viechtbauer W (2014). Methods for calculating confidence and credible intervals
for the residual between-study variance in random effects meta-regression models. BMC Med Res Methodol 14:103.
DOI 10.1186/1471-2288-14-103
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.tau2_likelihood import maximum_likelihood
from analysis.meta.methods.tau2_moments import (
    cochran_anova,
    der_simonian_laird,
    hunter_schmidt,
    hunter_schmidt_corrected,
    moments,
    sidik_jonkman,
    two_step_cochran_anova,
    two_step_der_simonian_laird,
)
from analysis.meta.methods.tau2_quantile import (
    generalised_median,
    paule_mandel,
    paule_mandel_median,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.meta.methods.weighted_model import Studies
    from analysis.values.arrays import FloatArray

__all__ = ["TAU2_METHODS", "estimate_tau2"]

TAU2_METHODS: dict[str, Callable[[Studies, int, FloatArray | None], FloatArray]] = {
    "DL": lambda studies, _first, _weight: der_simonian_laird(studies),
    "DL2": lambda studies, _first, _weight: two_step_der_simonian_laird(studies),
    "HE": lambda studies, _first, _weight: cochran_anova(studies),
    "CA2": lambda studies, _first, _weight: two_step_cochran_anova(studies),
    "HS": lambda studies, _first, _weight: hunter_schmidt(studies),
    "HSk": lambda studies, _first, _weight: hunter_schmidt_corrected(studies),
    "SJ": lambda studies, _first, _weight: sidik_jonkman(studies),
    "ML": lambda studies, first, _weight: maximum_likelihood(studies, first, restricted=False),
    "REML": lambda studies, first, _weight: maximum_likelihood(studies, first, restricted=True),
    "EB": lambda studies, first, _weight: paule_mandel(studies, first),
    "PM": lambda studies, first, _weight: paule_mandel(studies, first),
    "PMM": lambda studies, first, _weight: paule_mandel_median(studies, first),
    "GENQ": lambda studies, _first, weight: moments(studies, _given(weight)),
    "GENQM": lambda studies, _first, weight: generalised_median(studies, _given(weight)),
}


def _given(weight: FloatArray | None) -> FloatArray:
    if weight is None:
        raise ValueError("`weights` must be given for tau2='GENQ' and tau2='GENQM', which are built on them.")
    return weight


def estimate_tau2(
    studies: Studies, method: str, *, first: int = 0, weight: FloatArray | None = None
) -> FloatArray:
    """Estimate tau2 of every set; 0 where a set has no study more than coefficients.

    Parameters
    ----------
    studies : Studies
        A block of m sets.
    method : str
        A key of `TAU2_METHODS`.
    first : int
        Position of the first set, for the error of an iteration that does not converge.
    weight : ndarray, shape (k, m), optional
        Weights of the generalised Q statistic, for "GENQ" and "GENQM".

    Returns
    -------
    ndarray, shape (m,)
    """
    estimator = TAU2_METHODS[method]
    if weight is not None:
        weight = np.where(studies.inside, weight, 0.0)
    if studies.complete and studies.effect.shape[0] > studies.coefficients:
        return estimator(studies, first, weight)
    estimable = studies.residual_df() > 0
    if estimable.all():
        return estimator(studies, first, weight)
    tau2 = np.zeros(estimable.size)
    if estimable.any():
        part = None if weight is None else weight[:, estimable]
        tau2[estimable] = estimator(studies.take(estimable), first, part)
    return tau2
