"""Standard errors that allow for dependence within clusters, whatever the model says of it.

The sandwich is computed in `methods.block_robust`; the working models are those of `multilevel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.block_covariance import Clusters
from analysis.meta.methods.block_robust import KINDS, Working, sandwich
from analysis.meta.methods.block_robust_result import (
    RobustCovariance,
    RobustPool,
    RobustRegression,
    t_interval,
)
from analysis.meta.methods.three_level import fit_at, maximize
from analysis.meta.methods.three_level_input import design_matrix, model_of, orthogonal
from analysis.values.arguments import as_numbers, as_positive, check_choice, check_confidence_level
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "RobustCovariance",
    "RobustPool",
    "RobustRegression",
    "cluster_robust",
    "robust_pool",
    "robust_regression",
]

_DEGREES = ("satterthwaite", "clusters")


def cluster_robust(
    design: ArrayLike,
    weights: ArrayLike,
    residuals: ArrayLike,
    cluster: ArrayLike,
    *,
    kind: str = "CR2",
    working_variance: ArrayLike | None = None,
    df: str = "satterthwaite",
) -> RobustCovariance:
    """Compute the cluster-robust covariance matrix of weighted least squares.

    Parameters
    ----------
    design : array_like, shape (n, p) or (n,)
        Columns of the regression, the intercept included if there is one.
    weights, residuals : array_like, shape (n,)
        Of the fit.
    cluster : array_like, shape (n,)
        The cluster of each row: numbers or text.
    kind : {"CR2", "CR1", "CR0"}, default "CR2"
        Bell and McCaffrey's form, which is unbiased under the working model; the plain sandwich times
        m/(m - p) for m clusters; the plain sandwich.
    working_variance : array_like, shape (n,), optional
        Variances of the working model, up to a factor; 1/weights by default.
    df : {"satterthwaite", "clusters"}, default "satterthwaite"
        Satterthwaite's degrees of freedom under the working model, or m - p.

    Returns
    -------
    RobustCovariance
        With one degrees of freedom a coefficient.

    Raises
    ------
    ValueError
        If a weight is not greater than 0, a residual not finite, the columns are combinations of one another,
        or there are not more clusters than columns.

    Notes
    -----
    M (Σ X_j'W_jA_j e_j e_j'A_j'W_jX_j) M with M = (X'WX)⁻¹, A_j = 1 for CR0. CR2 chooses A_j so that the
    middle is unbiased if the working model is right; the degrees of freedom are those of the chi-square
    whose first two moments the variance estimate then has. Below 4, P-values are not to be relied on.

    References
    ----------
    Bell RM, McCaffrey DF (2002). Bias reduction in standard errors for linear regression with multi-stage
    samples. Surv Methodol 28(2):169-181. (Citation not verified.)

    Pustejovsky JE, Tipton E (2018). Small-sample methods for cluster-robust variance estimation and
    hypothesis testing in fixed effects models. J Bus Econ Stat 36:672-683. DOI 10.1080/07350015.2016.1247004

    Tipton E (2015). Small sample adjustments for robust variance estimation with meta-regression. Psychol
    Methods 20:375-393. DOI 10.1037/met0000011 (Citation not verified.)

    Examples
    --------
    Six measurements of three animals, their mean 2:

    >>> y = np.array([1.0, 1.5, 2.0, 2.5, 2.0, 3.0])
    >>> print(cluster_robust(np.ones(6), np.ones(6), y - 2, [1, 1, 2, 2, 3, 3]))
    CR2 standard errors over 3 clusters: 0.3819 (df = 2.0)
    """
    x = as_numbers("design", design)
    x = x[:, None] if x.ndim == 1 else x
    w, e = as_positive("weights", weights), as_numbers("residuals", residuals)
    check_choice("kind", kind, KINDS)
    check_choice("df", df, _DEGREES)
    n = w.size
    if x.ndim != 2 or not x.shape[0] == n == e.size or w.ndim != 1 or e.ndim != 1:
        raise ValueError(
            "`design`, `weights` and `residuals` must have one row an observation, but have shapes "
            f"{np.shape(design)}, {w.shape} and {e.shape}."
        )
    fault = ~(np.isfinite(e) & np.isfinite(x).all(axis=-1))
    if fault.any():
        raise ValueError(
            f"`design` and `residuals` must be finite, but are not at index {int(np.flatnonzero(fault)[0])}."
        )
    if working_variance is None:
        variance = 1 / w
    else:
        variance = as_positive("working_variance", working_variance)
        if variance.shape != w.shape:
            raise ValueError(
                f"`working_variance` must have one value for each of {n} rows, but has shape "
                f"{variance.shape}."
            )
    length = np.sqrt((x**2).sum(axis=0))
    if (length == 0).any() or np.linalg.matrix_rank(x / length) < x.shape[1]:
        raise ValueError(
            "`design` must have columns that are not combinations of one another. Leave one out."
        )
    clusters = Clusters.of(cluster, n)
    _enough(clusters, x.shape[1])
    order = clusters.order
    # Only ratios of the working variances count; a common factor would reach the limits of eigenvalues.
    variance = variance[order][None] / variance.mean()
    working = Working(diagonal=variance, common=np.zeros(1), root=np.zeros_like(variance))
    columns, basis = orthogonal(x[order])
    covariance, degrees = sandwich(
        columns,
        e[order][None],
        clusters,
        weight=w[order][None],
        working=working,
        kind=kind,
        contrasts=basis,
    )
    if df == "clusters":
        degrees = np.full_like(degrees, clusters.count - x.shape[1])
    return RobustCovariance(covariance=covariance[0], df=degrees[0], n_clusters=clusters.count, kind=kind)


def robust_pool(
    effects: EffectSizes,
    *,
    cluster: ArrayLike,
    variances: str = "both",
    sampling_correlation: float = 0.0,
    method: str = "REML",
    kind: str = "CR2",
    df: str = "satterthwaite",
    confidence_level: float = 0.95,
) -> RobustPool:
    """Pool effect sizes of clusters, with a standard error that does not lean on the working model.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., n). Leading axes are replicates and are pooled separately, all at once.
    cluster : array_like, shape (n,)
        The cluster of each effect: numbers or text.
    variances : {"both", "between", "within"}, default "both"
        Working model, which sets the weights: three levels, clusters only, or the ordinary random-effects
        model of independent effects ("within").
    sampling_correlation : float, default 0
        Correlation of the sampling errors within a cluster under the working model. In [0, 1).
    method : {"REML", "ML"}, default "REML"
        How the variances of the working model are estimated.
    kind, df
        As in `cluster_robust`.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    RobustPool
        The estimate is that of `pool_multilevel`; its interval is a t interval.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `pool_multilevel`.

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60, 0.05],
    ...                       variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.02])
    >>> print(robust_pool(effects, cluster=["A", "A", "B", "C", "C", "D"]))
    0.32 (−0.14 to 0.78), CR2 (df = 2.9), 6 effects in 4 clusters
    """
    level = check_confidence_level(confidence_level)
    beta, covariance, degrees, rest = _fitted(
        effects, cluster, None, variances, sampling_correlation, method, kind, df
    )
    shape = effects.shape[:-1]
    std_error = np.sqrt(covariance[:, 0, 0])
    plain = t_interval(beta[:, 0], std_error, degrees[:, 0], kind, level)
    scale = scale_of(effects.scale)
    # A P-value is of the effect 0 on the analysis scale; a proportion has no such null.
    has_null = measure_of(effects.measure).null is not None
    return RobustPool(
        estimate=Estimate(
            measure=effects.measure,
            value=scale.backward(plain.value).reshape(shape),
            low=scale.backward(plain.low).reshape(shape),
            high=scale.backward(plain.high).reshape(shape),
            confidence_level=level,
            std_error=std_error.reshape(shape),
            scale=effects.scale,
            method=kind,
            pvalue=plain.pvalue.reshape(shape) if has_null and plain.pvalue is not None else None,
        ),
        df=degrees[:, 0].reshape(shape),
        sigma2_between=rest[0].reshape(shape),
        sigma2_within=rest[1].reshape(shape),
        n_effects=effects.shape[-1],
        n_clusters=rest[2],
        kind=kind,
    )


def robust_regression(
    effects: EffectSizes,
    moderators: ArrayLike,
    *,
    cluster: ArrayLike,
    names: Sequence[str] | None = None,
    variances: str = "both",
    sampling_correlation: float = 0.0,
    method: str = "REML",
    kind: str = "CR2",
    df: str = "satterthwaite",
    confidence_level: float = 0.95,
) -> RobustRegression:
    """Regress effect sizes of clusters on moderators, with cluster-robust standard errors.

    Parameters
    ----------
    effects, moderators, cluster, names
        As in `multilevel_regression`.
    variances, sampling_correlation, method, kind, df, confidence_level
        As in `robust_pool`.

    Returns
    -------
    RobustRegression
        Coefficients on the analysis scale with t intervals.

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `multilevel_regression`.
    """
    level = check_confidence_level(confidence_level)
    design = design_matrix(moderators, effects)
    p = design.shape[1]
    if names is not None and len(names) != p - 1:
        raise ValueError(f"`names` must name {p - 1} moderators, but names {len(names)}.")
    beta, covariance, degrees, rest = _fitted(
        effects, cluster, design, variances, sampling_correlation, method, kind, df
    )
    shape = effects.shape[:-1]
    std_error = np.sqrt(np.einsum("rpp->rp", covariance))
    given = [f"moderator {i}" for i in range(1, p)] if names is None else list(names)
    return RobustRegression(
        coefficients=t_interval(
            beta.reshape((*shape, p)),
            std_error.reshape((*shape, p)),
            degrees.reshape((*shape, p)),
            kind,
            level,
        ),
        names=("intercept", *given),
        covariance=covariance.reshape((*shape, p, p)),
        df=degrees.reshape((*shape, p)),
        sigma2_between=rest[0].reshape(shape),
        sigma2_within=rest[1].reshape(shape),
        n_effects=effects.shape[-1],
        n_clusters=rest[2],
        kind=kind,
    )


def _fitted(
    effects: EffectSizes,
    cluster: ArrayLike,
    design: FloatArray | None,
    variances: str,
    sampling_correlation: float,
    method: str,
    kind: str,
    df: str,
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[FloatArray, FloatArray, int]]:
    """Return coefficients, robust covariance, degrees of freedom, and the working model's variances."""
    check_choice("kind", kind, KINDS)
    check_choice("df", df, _DEGREES)
    model = model_of(effects, cluster, design, variances, sampling_correlation, method)
    components = maximize(model)
    fit = fit_at(model, components)
    rho = model.correlation
    working = Working(
        diagonal=(1 - rho) * model.v + components[:, 1:],
        common=components[:, 0],
        root=np.sqrt(rho * model.v),
    )
    residual = model.y - fit.beta @ model.design.T
    covariance, degrees = sandwich(
        model.design,
        residual,
        model.clusters,
        weight=working,
        working=working,
        kind=kind,
        contrasts=model.basis,
    )
    if df == "clusters":
        degrees = np.full_like(degrees, model.clusters.count - model.design.shape[1])
    return (
        fit.coefficients(model.basis)[0],
        covariance,
        degrees,
        (components[:, 0], components[:, 1], model.clusters.count),
    )


def _enough(clusters: Clusters, coefficients: int) -> None:
    if clusters.count <= coefficients:
        raise ValueError(
            f"`cluster` must name more clusters than there are coefficients ({coefficients}), but names "
            f"{clusters.count}."
        )
