"""Standard errors of tau2, each by the asymptotic variance of its estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.tau2_moments import (
    cochran_anova,
    der_simonian_laird,
    der_simonian_laird_std_error,
    moments_std_error,
    sidik_jonkman_start,
)
from analysis.meta.methods.weighted_model import Studies, fit, trace_of_square, trace_with

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["tau2_std_error"]


def tau2_std_error(
    method: str, studies: Studies, tau2: FloatArray, weight: FloatArray | None = None
) -> FloatArray:
    """Return the standard error of tau2 for a block of sets with at least one residual degree of freedom.

    Moment estimators: the variance of their quadratic form, 2 tr(PDPD) with D = V + tau2, over the square of
    its slope. ML and REML: the expected information. Paule and Mandel's equation and its median form: the
    variance 2 (k - p) of Q at tau2 over the square of its expected slope tr(P).
    """
    variance = studies.variance
    if method == "DL":
        return der_simonian_laird_std_error(studies, tau2)
    if method == "HE":
        return moments_std_error(studies, studies.inside.astype(np.float64), tau2)
    if method in {"DL2", "CA2"}:
        first = der_simonian_laird(studies) if method == "DL2" else cochran_anova(studies)
        return moments_std_error(studies, 1 / (variance + first), tau2)
    if method in {"GENQ", "GENQM"} and weight is not None:
        return moments_std_error(studies, np.where(studies.inside, weight, 0.0), tau2)
    df = studies.residual_df()
    if method in {"HS", "HSk"}:
        fitted = fit(studies, 1 / variance)
        spread = trace_of_square(fitted, studies.finite_variance() + tau2)
        factor = studies.counts() / df if method == "HSk" else np.ones(df.size)
        return np.asarray(factor * np.sqrt(2 * spread) / fitted.weight.sum(axis=0))
    if method == "SJ":
        start = sidik_jonkman_start(studies)
        fitted = fit(studies, 1 / (variance + start))
        spread = trace_of_square(fitted, studies.finite_variance() + tau2)
        return np.asarray(start * np.sqrt(2 * spread) / df)
    total = 1 / (variance + tau2)
    if method == "ML":
        return np.asarray(np.sqrt(2 / (total**2).sum(axis=0)))
    # Where one study has all the weight, 1e8 times that of the others, no digit of a trace is left: NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        if method == "REML":
            information = trace_of_square(fit(studies, total), 1.0)
            return np.where(information > 0, np.sqrt(2 / information), np.nan)
        slope = trace_with(fit(studies, total), 1.0)
        return np.where(slope > 0, np.sqrt(2 * df) / slope, np.nan)
