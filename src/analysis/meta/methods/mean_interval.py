"""Intervals of the mean effect that are not an estimate plus or minus quantile times standard error.

Profile likelihood, with and without Bartlett's correction, Henmi and Copas', and the standard error and
degrees of freedom of Kenward and Roger. Arrays are those of `weighted_model`.

References
----------
Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects. Stat Med 15:619-629.
DOI 10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

Henmi M, Copas JB (2010). Confidence intervals for random effects meta-analysis and robustness to publication
bias. Stat Med 29:2969-2983. DOI 10.1002/sim.4029

Lawley DN (1956). A general method for approximating to the distribution of likelihood ratio criteria.
Biometrika 43:295-303. (Citation not verified.)

Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of 95% confidence and
prediction intervals following REML estimation. Stat Med 36:301-317. DOI 10.1002/sim.7140
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.roots import find_root
from analysis.meta.methods.tau2_likelihood import log_likelihood, maximum_likelihood
from analysis.meta.methods.weighted_model import Studies, fit
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["bartlett_factor", "henmi_copas_half_width", "kenward_roger", "likelihood_ratio", "profile_limits"]

# Of the integral over the standard normal from x to x + 10: twelve digits.
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_REACH = 10.0


def kenward_roger(studies: Studies, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the standard error of the mean and its degrees of freedom, for tau2 by REML.

    With S_j = Σ w^j and the information I = S2/2 - S3/S1 + (S2/S1)²/2 the variance of the mean is
    (1 + 2 (S3/S1 - (S2/S1)²)/I)/S1 and the degrees of freedom 2 I/(variance S2)².
    """
    weight = 1 / (studies.variance + tau2)
    s1, s2, s3 = ((weight**power).sum(axis=0) for power in (1, 2, 3))
    information = s2 / 2 - s3 / s1 + (s2 / s1) ** 2 / 2
    # Where one study has all the weight, 1e8 times that of the others, no digit of the information is left:
    # NaN.
    information = np.where(information > 1e-12 * s2, information, np.nan)
    variance = (1 + 2 * (s3 / s1 - (s2 / s1) ** 2) / information) / s1
    df: FloatArray = 2 * information / (variance * s2) ** 2
    return np.sqrt(variance), df


def likelihood_ratio(studies: Studies, mean: FloatArray) -> FloatArray:
    """Return twice the log-likelihood that a mean loses against the best, tau2 being the best for each."""
    # Of a known mean the residuals are effects of known expectation 0: nothing but tau2 is estimated.
    about = Studies(np.where(studies.inside, studies.effect - mean, 0.0), studies.variance, ())
    ratio: FloatArray = 2 * (_highest(studies) - _highest(about))
    return ratio


def _highest(studies: Studies) -> FloatArray:
    tau2 = maximum_likelihood(studies, restricted=False)
    return log_likelihood(studies, tau2, restricted=False)


def bartlett_factor(studies: Studies, tau2: FloatArray) -> FloatArray:
    """Return what the likelihood ratio is expected to be, to order 1/k: 1 + 2 S3/(S1 S2) - S2/(2 S1²).

    Lawley's formula for the mean with tau2 as the other parameter, S_j = Σ w^j; 1 + 3/(2k) for equal
    variances.
    """
    weight = 1 / (studies.variance + tau2)
    s1, s2, s3 = ((weight**power).sum(axis=0) for power in (1, 2, 3))
    factor: FloatArray = 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1**2)
    return factor


def profile_limits(studies: Studies, level: float, *, bartlett: bool) -> tuple[FloatArray, FloatArray]:
    """Return the means at which the likelihood ratio is the chi-square quantile, times Bartlett's factor."""
    tau2 = maximum_likelihood(studies, restricted=False)
    fitted = fit(studies, 1 / (studies.variance + tau2))
    mean, reach = fitted.mean(), fitted.basis[0][0]  # the latter is 1/sqrt(Σw)
    critical = np.full(mean.size, normal_quantile((1 + level) / 2) ** 2)
    if bartlett:
        critical = critical * bartlett_factor(studies, tau2)
    highest = log_likelihood(studies, tau2, restricted=False)

    def excess(at: FloatArray, rows: FloatArray) -> FloatArray:
        index = rows.astype(np.intp)
        part = studies.take(index)
        about = Studies(np.where(part.inside, part.effect - at, 0.0), part.variance, ())
        lost: FloatArray = 2 * (highest[index] - _highest(about)) - critical[index]
        return lost

    rows = np.arange(mean.size, dtype=np.float64)
    limits = []
    for sign in (-1.0, 1.0):
        end = mean + sign * 2 * reach * np.sqrt(critical)
        short = excess(end, rows) < 0
        while short.any():
            end[short] = mean[short] + 2 * (end[short] - mean[short])
            short[short] = excess(end[short], rows[short]) < 0
        limits.append(
            find_root(excess, mean, end, rows, what="the profile limit of the mean", tolerance=1e-12)
        )
    return limits[0], limits[1]


def henmi_copas_half_width(studies: Studies, tau2: FloatArray, level: float) -> FloatArray:
    """Return half of the interval about the inverse-variance mean, for tau2 by DerSimonian and Laird.

    The mean has variance V/W1 with V = 1 + tau2 W2. Given its standardized error r, Q is taken as gamma with
    its exact first two moments, and the interval misses where Q < (W1/W2 - 1)((r/t)² - 1) + k - 1. The half
    width is t V/sqrt(W1) at the t for which that has probability alpha/2 over the standard normal r > t.
    """
    weight = 1 / studies.variance
    w1 = weight.sum(axis=0)
    w2, w3, w4 = ((weight**power).sum(axis=0) / w1 for power in (2, 3, 4))
    df = studies.residual_df()
    inflation = 1 + tau2 * w2
    steps = (
        df,
        inflation,
        w1 / w2 - 1,
        tau2 * (w1 - w2),
        tau2**2 * (w3 - w2**2),
        tau2**2 * (w1 * w2 - 2 * w3 + w2**2),
        tau2**3 * (w4 - 2 * w2 * w3 + w2**3),
        (tau2**2 * (w3 - w2**2)) ** 2,
    )
    alpha = 1 - level

    def excess(t: FloatArray, *parts: FloatArray) -> FloatArray:
        k1, growth, ratio, first, bend, second, third, fourth = (part[np.newaxis] for part in parts)
        r = t + _REACH * (_NODES[:, np.newaxis] + 1) / 2
        # R = r in units of its own standard deviation; the conditional moments are polynomials in r².
        shift = (r**2 - 1) / growth
        mean = k1 + first + bend * shift
        variance = (
            2 * k1
            + 4 * first
            + 2 * second
            + 4 * bend * shift
            + 4 * third * shift
            + 2 * fourth * (1 - 2 * r**2) / growth**2
        )
        below = special.gammainc(mean**2 / variance, (ratio * ((r / t) ** 2 - 1) + k1) * mean / variance)
        density = np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi)
        area: FloatArray = (_NODE_WEIGHTS[:, np.newaxis] * _REACH / 2 * below * density).sum(axis=0)
        return area - alpha / 2

    quantile = normal_quantile((1 + level) / 2)
    low, high = np.full(df.shape, 1e-3), np.full(df.shape, quantile)
    # The integral is at most the normal tail beyond t, so that the root is at most the normal quantile.
    t = find_root(excess, low, high, *steps, what="the limit of Henmi and Copas", tolerance=1e-13)
    half: FloatArray = t * inflation / np.sqrt(w1)
    return half
