"""Meta-analysis of several effects a cluster: the three-level model, and correlated sampling errors.

The likelihood and its maximum live in `methods.three_level`; standard errors that do not lean on the model
are in `robust`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.block_covariance import Blocks, check_correlation
from analysis.meta.methods.three_level import fit_at, maximize
from analysis.meta.methods.three_level_input import design_matrix, model_of, sorted_effects
from analysis.meta.methods.three_level_result import (
    ThreeLevelResult,
    degrees_of_freedom,
    law_of,
    shared_results,
)
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import chi2_tail
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "MultilevelPool",
    "MultilevelRegression",
    "aggregate_effects",
    "multilevel_regression",
    "pool_multilevel",
]

_INTERVALS = ("t-clusters", "t", "wald")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultilevelPool(ThreeLevelResult):
    """What a three-level meta-analysis finds, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The mean effect on the reporting scale.
    prediction : Estimate
        The effect that a further study in a further cluster is expected to have.
    sigma2_between, sigma2_within : ndarray
        Variance between clusters, and between the effects of a cluster, on the analysis scale; 0 for one that
        was not estimated.
    q, df, q_pvalue
        Cochran's Q, its degrees of freedom (effects less 1) and P-value.
    i2_between, i2_within : ndarray
        Percent of the variance of an effect that is between, and within, clusters.
    weights : ndarray
        In percent, adding to 100 over the last axis.
    log_likelihood : ndarray
        Restricted or not, as `method` says; constants included.
    n_effects, n_clusters : int
        What entered.
    method, variances, sampling_correlation, ci_method
        What was asked for.
    """

    estimate: Estimate
    prediction: Estimate
    weights: FloatArray

    def __post_init__(self) -> None:
        # slots=True makes a new class, so that super() without arguments would look for the old one.
        ThreeLevelResult.__post_init__(self)
        object.__setattr__(self, "weights", read_only(self.weights))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        frame["prediction_low"] = self.prediction.low.ravel()
        frame["prediction_high"] = self.prediction.high.ravel()
        return frame.assign(**self.heterogeneity_columns())

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.q.size != 1:
            return str(self.estimate)
        level = f"{100 * self.estimate.confidence_level:g}%"
        limits = str(self.prediction).split(" (", 1)[1].rstrip(")")
        return (
            f"{self.estimate}, {level} prediction interval {limits}; σ² between {self.n_clusters} clusters = "
            f"{self.sigma2_between.item():.3g} (I² = {self.i2_between.item():.0f}%), within = "
            f"{self.sigma2_within.item():.3g} (I² = {self.i2_within.item():.0f}%), "
            f"Q = {self.q.item():.1f} (df = {self.df}), {self.n_effects} effects"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MultilevelRegression(ThreeLevelResult):
    """What a three-level meta-regression finds; the fields are those of `MultilevelPool`, and these.

    Parameters
    ----------
    coefficients : Estimate
        Intercept and slopes along the last axis, on the analysis scale.
    names : tuple of str
        Of the coefficients.
    covariance : ndarray, shape (..., p, p)
        Of the coefficients.
    moderator_test : tuple of ndarray
        Wald statistic that all slopes are 0 (divided by their number where t distributions are used) and its
        P-value.
    """

    coefficients: Estimate
    names: tuple[str, ...]
    covariance: FloatArray
    moderator_test: tuple[FloatArray, FloatArray]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, in C order, at full precision."""
        frame = self.coefficients.to_frame().drop(columns=["measure", "scale", "correction"])
        frame.insert(0, "coefficient", list(self.names) * (len(frame) // len(self.names)))
        return frame

    def __str__(self) -> str:
        """Return one line a coefficient; more than one model gives them one after the other."""
        lines = str(self.coefficients).split("\n")
        named = [
            f"{self.names[i % len(self.names)]}: {line}" if not line.startswith("...") else line
            for i, line in enumerate(lines)
        ]
        return "\n".join(named)


def pool_multilevel(
    effects: EffectSizes,
    *,
    cluster: ArrayLike,
    variances: str = "both",
    sampling_correlation: float = 0.0,
    method: str = "REML",
    ci: str = "t-clusters",
    confidence_level: float = 0.95,
) -> MultilevelPool:
    """Pool effect sizes of which several belong to one cluster (a study, a cohort, a laboratory).

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., n). Leading axes are replicates and are pooled separately, all at once.
    cluster : array_like, shape (n,)
        The cluster of each effect: numbers or text.
    variances : {"both", "between", "within"}, default "both"
        Which variances are estimated: between clusters and between the effects of a cluster (three levels),
        or one of them.
    sampling_correlation : float, default 0
        Known correlation of the sampling errors within a cluster, as of effects on the same people. In
        [0, 1).
    method : {"REML", "ML"}, default "REML"
        Likelihood that is maximized.
    ci : {"t-clusters", "t", "wald"}, default "t-clusters"
        Interval of the mean: t on clusters less 1 degrees of freedom, because clusters are what is
        independent; t on effects less 1; or normal.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    MultilevelPool
        With methods for the intervals of the variances.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If an effect is not finite or a variance not greater than 0, if there are fewer than two clusters, if
        every cluster has one effect and both variances are asked for, or an option is unknown.
    ConvergenceError
        If the likelihood has no maximum that the steps reach.

    Notes
    -----
    y = mean + u(cluster) + w(effect) + e, with variances sigma2_between, sigma2_within and v, and correlation
    rho of the e of a cluster. The covariance matrix of a cluster is a diagonal and two outer products, so its
    inverse costs sums only (Woodbury). The likelihood is climbed by average-information steps from every
    peak of a grid that includes 0, and the highest maximum is kept. I2 of a level is its variance over the
    sum of both and the typical sampling variance (n - 1)/tr(P). Prediction interval: mean ± critical value
    times sqrt(SE² + sigma2_between + sigma2_within).

    References
    ----------
    Van den Noortgate W, Lopez-Lopez JA, Marin-Martinez F, Sanchez-Meca J (2013). Three-level meta-analysis of
    dependent effect sizes. Behav Res Methods 45:576-594. DOI 10.3758/s13428-012-0261-6
    (Citation not verified.)

    Konstantopoulos S (2011). Fixed effects and variance components estimation in three-level meta-analysis.
    Res Synth Methods 2:61-76. DOI 10.1002/jrsm.35 (Citation not verified.)

    Johnson DL, Thompson R (1995). Restricted maximum likelihood estimation of variance components for
    univariate animal models using sparse matrix techniques and average information. J Dairy Sci 78:449-456.
    DOI 10.3168/jds.S0022-0302(95)76654-1 (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60, 0.05],
    ...                       variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.02])
    >>> fit = pool_multilevel(effects, cluster=["A", "A", "B", "C", "C", "D"])
    >>> print(fit.estimate)
    0.32 (−0.13 to 0.77)
    >>> print(fit.variance_intervals()["between"])
    0.058 (0.000 to 0.608)
    """
    level = check_confidence_level(confidence_level)
    model = model_of(effects, cluster, None, variances, sampling_correlation, method)
    check_choice("ci", ci, _INTERVALS)
    components = maximize(model)
    fit = fit_at(model, components)
    shape = effects.shape[:-1]
    mean, std_error = fit.beta[:, 0], np.sqrt(fit.covariance[:, 0, 0])
    critical, tail = law_of(ci, model, level)
    reach = critical * np.sqrt(std_error**2 + components.sum(axis=-1))
    scale = scale_of(effects.scale)
    # A P-value is of the effect 0 on the analysis scale; a proportion has no such null.
    has_null = measure_of(effects.measure).null is not None

    def reported(half: FloatArray, se: FloatArray, name: str, pvalue: FloatArray | None) -> Estimate:
        return Estimate(
            measure=effects.measure,
            value=scale.backward(mean).reshape(shape),
            low=scale.backward(mean - half).reshape(shape),
            high=scale.backward(mean + half).reshape(shape),
            confidence_level=level,
            std_error=se.reshape(shape),
            scale=effects.scale,
            method=name,
            pvalue=None if pvalue is None else pvalue.reshape(shape),
        )

    weights = 100 * fit.solved[:, 0] * fit.covariance[:, :, 0]
    return MultilevelPool(
        estimate=reported(critical * std_error, std_error, ci, tail(mean / std_error) if has_null else None),
        prediction=reported(reach, reach / critical, ci, None),
        weights=model.clusters.unsorted(weights).reshape((*shape, -1)),
        **shared_results(model, fit, components, shape),
        method=method,
        variances=variances,
        sampling_correlation=model.correlation,
        ci_method=ci,
    )


def multilevel_regression(
    effects: EffectSizes,
    moderators: ArrayLike,
    *,
    cluster: ArrayLike,
    names: Sequence[str] | None = None,
    variances: str = "both",
    sampling_correlation: float = 0.0,
    method: str = "REML",
    ci: str = "t-clusters",
    confidence_level: float = 0.95,
) -> MultilevelRegression:
    """Regress effect sizes, of which several belong to one cluster, on moderators.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., n). Leading axes are replicates with the same moderators.
    moderators : array_like, shape (n,) or (n, q)
        One column a moderator; the intercept is added.
    cluster : array_like, shape (n,)
        The cluster of each effect: numbers or text.
    names : sequence of str, optional
        Of the moderators; "moderator 1" and so on by default.
    variances, sampling_correlation, method, confidence_level
        As in `pool_multilevel`.
    ci : {"t-clusters", "t", "wald"}, default "t-clusters"
        t on clusters less coefficients degrees of freedom, t on effects less coefficients, or normal.

    Returns
    -------
    MultilevelRegression
        Coefficients on the analysis scale.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool_multilevel`; also if the moderators are not finite, or one is a combination of the others.

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60, 0.05],
    ...                       variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.02])
    >>> fit = multilevel_regression(effects, [1, 1, 2, 3, 3, 1], cluster=["A", "A", "B", "C", "C", "D"])
    >>> print(fit)
    intercept: −0.12 (−0.73 to 0.50)
    moderator 1: 0.25 (−0.02 to 0.51)
    """
    level = check_confidence_level(confidence_level)
    design = design_matrix(moderators, effects)
    if names is not None and len(names) != design.shape[1] - 1:
        raise ValueError(f"`names` must name {design.shape[1] - 1} moderators, but names {len(names)}.")
    model = model_of(effects, cluster, design, variances, sampling_correlation, method)
    check_choice("ci", ci, _INTERVALS)
    components = maximize(model)
    fit = fit_at(model, components)
    shape, p = effects.shape[:-1], design.shape[1]
    beta, covariance = fit.coefficients(model.basis)
    std_error = np.sqrt(np.einsum("rpp->rp", covariance))
    critical, tail = law_of(ci, model, level)
    half = critical * std_error
    slopes, inner = beta[:, 1:], np.linalg.inv(covariance[:, 1:, 1:])
    wald = np.einsum("rp,rpq,rq->r", slopes, inner, slopes)
    if ci == "wald":
        test = wald, chi2_tail(wald, p - 1)
    else:
        from scipy.special import fdtrc

        test = wald / (p - 1), np.asarray(fdtrc(p - 1, degrees_of_freedom(ci, model), wald / (p - 1)))
    given = [f"moderator {i}" for i in range(1, p)] if names is None else list(names)
    return MultilevelRegression(
        coefficients=Estimate(
            measure="GEN",
            value=beta.reshape((*shape, p)),
            low=(beta - half).reshape((*shape, p)),
            high=(beta + half).reshape((*shape, p)),
            confidence_level=level,
            std_error=std_error.reshape((*shape, p)),
            scale="identity",
            method=ci,
            pvalue=tail(beta / std_error).reshape((*shape, p)),
        ),
        names=("intercept", *given),
        covariance=read_only(covariance.reshape((*shape, p, p))),
        moderator_test=(read_only(test[0].reshape(shape)), read_only(test[1].reshape(shape))),
        **shared_results(model, fit, components, shape),
        method=method,
        variances=variances,
        sampling_correlation=model.correlation,
        ci_method=ci,
    )


def aggregate_effects(
    effects: EffectSizes, *, cluster: ArrayLike, sampling_correlation: float
) -> EffectSizes:
    """Combine the effects of each cluster into one, by the weights of their common-effect mean.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., n).
    cluster : array_like, shape (n,)
        The cluster of each effect: numbers or text.
    sampling_correlation : float
        Known correlation of the sampling errors within a cluster. In [0, 1).

    Returns
    -------
    EffectSizes
        One effect a cluster, in the order of their first effects, labelled by cluster.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what it must be.

    Notes
    -----
    With the covariance matrix V of a cluster, the effect is 1'V⁻¹y/1'V⁻¹1 and its variance 1/1'V⁻¹1.

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.1, 0.3, 0.5], variance=[0.04, 0.04, 0.02])
    >>> combined = aggregate_effects(effects, cluster=["A", "A", "B"], sampling_correlation=0.5)
    >>> combined.effect, combined.variance
    (array([0.2, 0.5]), array([0.03, 0.02]))
    """
    rho = check_correlation("sampling_correlation", sampling_correlation)
    y, v, clusters = sorted_effects(effects, cluster)
    zero = np.zeros(y.shape[0])
    blocks = Blocks.of(clusters, v, zero, zero, rho)
    solved = blocks.solve(np.stack((y, np.ones_like(y)), axis=1))
    sums = clusters.sums(solved)
    shape = (*effects.shape[:-1], clusters.count)
    return EffectSizes(
        effect=(sums[:, 0] / sums[:, 1]).reshape(shape),
        variance=(1 / sums[:, 1]).reshape(shape),
        measure=effects.measure,
        label=[str(name) for name in clusters.names],
    )
