"""Between-study variance by the method of moments: a quadratic form set equal to its expectation.

With weights a and P = A - AX(X'AX)⁻¹X'A, E(y'Py) = tr(PV) + tau2 tr(P). Every estimator here is that equation
for some weights, cut at 0; their names and sources are in `heterogeneity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.weighted_model import Studies, fit, trace_of_square, trace_with

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "cochran_anova",
    "cochran_q",
    "der_simonian_laird",
    "der_simonian_laird_std_error",
    "hunter_schmidt",
    "hunter_schmidt_corrected",
    "moments",
    "moments_std_error",
    "sidik_jonkman",
    "sidik_jonkman_start",
    "two_step_cochran_anova",
    "two_step_der_simonian_laird",
]


def moments(studies: Studies, weight: FloatArray) -> FloatArray:
    """Return the estimate for the given weights, 0 outside of the sets."""
    fitted = fit(studies, weight)
    quadratic = (weight * fitted.residual**2).sum(axis=0)
    return _solve(quadratic, trace_with(fitted, studies.finite_variance()), trace_with(fitted, 1.0))


def _solve(quadratic: FloatArray, expected: FloatArray, slope: FloatArray) -> FloatArray:
    tau2: FloatArray = np.maximum(0.0, (quadratic - expected) / slope)
    return tau2


def moments_std_error(studies: Studies, weight: FloatArray, tau2: FloatArray) -> FloatArray:
    """Return the standard error: Var(y'Py) = 2 tr(PDPD) with D = V + tau2, over tr(P)²."""
    fitted = fit(studies, weight)
    diagonal = studies.finite_variance() + tau2
    std_error: FloatArray = np.sqrt(2 * trace_of_square(fitted, diagonal)) / trace_with(fitted, 1.0)
    return std_error


def der_simonian_laird(studies: Studies) -> FloatArray:
    """Weights 1/v, for which tr(PV) is the residual degrees of freedom."""
    if studies.design is not None:
        weight = 1 / studies.variance
        fitted = fit(studies, weight)
        quadratic = (weight * fitted.residual**2).sum(axis=0)
        return _solve(quadratic, studies.residual_df(), trace_with(fitted, 1.0))
    quadratic, slope = cochran_q(studies)
    return _solve(quadratic, studies.residual_df(), slope)


def cochran_q(studies: Studies) -> tuple[FloatArray, FloatArray]:
    """Return Cochran's Q of a model that is a mean, and its slope tr(P) = Σw - Σw²/Σw for the weights 1/v."""
    weight = 1 / studies.variance
    total = np.add.reduce(weight, axis=0)
    work = weight * studies.effect
    np.subtract(studies.effect, np.add.reduce(work, axis=0) / total, out=work)
    np.multiply(work, work, out=work)
    np.multiply(work, weight, out=work)
    quadratic = np.add.reduce(work, axis=0)
    np.multiply(weight, weight, out=work)
    slope = total - np.add.reduce(work, axis=0) / total
    if np.logical_or.reduce(slope <= 1e-6 * total):
        # One study has nearly all the weight.
        slope = trace_with(fit(studies, weight), 1.0)
    return quadratic, slope


def der_simonian_laird_std_error(studies: Studies, tau2: FloatArray) -> FloatArray:
    """Return the standard error of a mean's tau2 from the sums of powers of the weights 1/v.

    tr(PDPD) is then k - 1 + 2 tau2 (s1 - s2/s1) + tau2² (s2 - 2 s3/s1 + (s2/s1)²).
    """
    weight = 1 / studies.variance
    square = weight * weight
    s1, s2, s3 = (np.add.reduce(power, axis=0) for power in (weight, square, square * weight))
    ratio = s2 / s1
    slope = s1 - ratio
    quadratic = s2 - 2 * s3 / s1 + ratio * ratio
    if studies.design is not None or np.logical_or.reduce(quadratic <= 1e-6 * s2):
        return moments_std_error(studies, weight, tau2)
    spread = studies.residual_df() + tau2 * (2 * slope + tau2 * quadratic)
    std_error: FloatArray = np.sqrt(2 * spread) / slope
    return std_error


def cochran_anova(studies: Studies) -> FloatArray:
    """Equal weights."""
    return moments(studies, studies.inside.astype(np.float64))


def two_step_der_simonian_laird(studies: Studies) -> FloatArray:
    """Weights 1/(v + tau2) at the first estimate."""
    return moments(studies, 1 / (studies.variance + der_simonian_laird(studies)))


def two_step_cochran_anova(studies: Studies) -> FloatArray:
    """Weights 1/(v + tau2) at the estimate of equal weights."""
    return moments(studies, 1 / (studies.variance + cochran_anova(studies)))


def hunter_schmidt(studies: Studies) -> FloatArray:
    """(Q - k) / Σ(1/v)."""
    fitted = fit(studies, 1 / studies.variance)
    quadratic = (fitted.weight * fitted.residual**2).sum(axis=0)
    return _solve(quadratic, studies.inside.sum(axis=0), fitted.weight.sum(axis=0))


def hunter_schmidt_corrected(studies: Studies) -> FloatArray:
    """(Q - (k - p)) / Σ(1/v), times k/(k - p)."""
    fitted = fit(studies, 1 / studies.variance)
    quadratic = (fitted.weight * fitted.residual**2).sum(axis=0)
    df = studies.residual_df()
    corrected: FloatArray = studies.inside.sum(axis=0) / df
    return corrected * _solve(quadratic, df, fitted.weight.sum(axis=0))


def sidik_jonkman_start(studies: Studies) -> FloatArray:
    """Return the mean squared deviation of the effects from their mean, with which the estimator begins."""
    inside = studies.inside
    count = inside.sum(axis=0)
    mean = (inside * studies.effect).sum(axis=0) / count
    start: FloatArray = (inside * (studies.effect - mean) ** 2).sum(axis=0) / count
    return start


def sidik_jonkman(studies: Studies) -> FloatArray:
    """The start times the mean weighted squared residual at it: never 0 where effects differ."""
    start = sidik_jonkman_start(studies)
    # Equal effects have a start of 0, and that estimate.
    weight = 1 / (studies.variance + start)
    fitted = fit(studies, weight)
    tau2: FloatArray = start * (weight * fitted.residual**2).sum(axis=0) / studies.residual_df()
    return tau2
