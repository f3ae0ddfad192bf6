"""What every three-level fit reports: variances, heterogeneity by level, and intervals of the variances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.meta.methods.three_level import Fit, Model, fit_at, profile_limits
from analysis.values.arguments import check_confidence_level, read_only
from analysis.values.distributions import (
    chi2_quantile,
    chi2_tail,
    normal_quantile,
    t_quantile,
    two_sided_normal,
    two_sided_t,
)
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

__all__ = ["ThreeLevelResult", "degrees_of_freedom", "law_of", "shared_results"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThreeLevelResult(Framed):
    """What the pooled and the regression model share.

    Parameters
    ----------
    sigma2_between, sigma2_within : ndarray
        Variance between clusters, and between the effects of a cluster.
    q, df, q_pvalue
        Cochran's Q of the residuals, its degrees of freedom and P-value.
    i2_between, i2_within : ndarray
        Percent of the variance of an effect that is between, and within, clusters.
    log_likelihood : ndarray
        Restricted or not, as `method` says.
    n_effects, n_clusters : int
        What entered.
    method, variances, sampling_correlation, ci_method
        What was asked for.
    """

    sigma2_between: FloatArray
    sigma2_within: FloatArray
    q: FloatArray
    df: int
    q_pvalue: FloatArray
    i2_between: FloatArray
    i2_within: FloatArray
    log_likelihood: FloatArray
    n_effects: int
    n_clusters: int
    method: str
    variances: str
    sampling_correlation: float
    ci_method: str
    _model: Model = field(repr=False)
    _fit: Fit = field(repr=False)

    def __post_init__(self) -> None:
        for name in (
            "sigma2_between",
            "sigma2_within",
            "q",
            "q_pvalue",
            "i2_between",
            "i2_within",
            "log_likelihood",
        ):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def variance_intervals(self, *, confidence_level: float = 0.95) -> dict[str, Estimate]:
        """Return profile likelihood intervals of the variance components that were estimated.

        Returns
        -------
        dict of str to Estimate
            "between" and "within", over the leading axes. A lower limit of 0 means that 0 is compatible with
            the data, an infinite upper limit that the profile does not fall.

        Raises
        ------
        ConvergenceError
            If a profile does not converge.

        Notes
        -----
        The limits are where twice the log likelihood, maximized over the other component, is below its
        maximum by the quantile of chi-square on 1 degree of freedom.
        """
        level = check_confidence_level(confidence_level)
        drop = float(chi2_quantile(level, 1))
        shape = self.sigma2_between.shape
        components = np.stack((self.sigma2_between.ravel(), self.sigma2_within.ravel()), axis=-1)
        found = {}
        for which, name in enumerate(("between", "within")):
            if self._model.free[which]:
                low, high = profile_limits(self._model, components, which, drop)
                found[name] = Estimate(
                    measure="GEN",
                    value=components[:, which].reshape(shape),
                    low=low.reshape(shape),
                    high=high.reshape(shape),
                    confidence_level=level,
                    std_error=None,
                    scale="identity",
                    method="profile-likelihood",
                )
        return found

    def heterogeneity_columns(self) -> dict[str, FloatArray | float | str]:
        """Return the columns of a data frame."""
        names = ("sigma2_between", "sigma2_within", "i2_between", "i2_within", "q", "q_pvalue")
        columns: dict[str, FloatArray | float | str] = {name: getattr(self, name).ravel() for name in names}
        return columns | {
            "df": self.df,
            "n_effects": self.n_effects,
            "n_clusters": self.n_clusters,
            "tau2_method": self.method,
            "ci_method": self.ci_method,
        }


def degrees_of_freedom(ci: str, model: Model) -> float:
    """Return the degrees of freedom of the t distribution."""
    units = model.clusters.count if ci == "t-clusters" else model.y.shape[1]
    return float(units - model.design.shape[1])


def law_of(ci: str, model: Model, level: float) -> tuple[float, Callable[[FloatArray], FloatArray]]:
    """Return the critical value and the two-sided tail probability."""
    if ci == "wald":
        return normal_quantile((1 + level) / 2), two_sided_normal
    df = degrees_of_freedom(ci, model)
    return float(t_quantile((1 + level) / 2, df)), lambda statistic: two_sided_t(statistic, df)


def shared_results(model: Model, fit: Fit, components: FloatArray, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return what the pooled and the regression model share."""
    n, p = model.design.shape
    common = fit_at(model, np.zeros_like(components))
    q = ((model.y - common.beta @ model.design.T) * common.residual).sum(axis=-1)
    trace = common.blocks.trace() - np.einsum(
        "rpq,rpn,rqn->r", common.covariance, common.solved, common.solved
    )
    total = components.sum(axis=-1) + (n - p) / trace
    return {
        "sigma2_between": components[:, 0].reshape(shape),
        "sigma2_within": components[:, 1].reshape(shape),
        "q": q.reshape(shape),
        "df": n - p,
        "q_pvalue": chi2_tail(q, n - p).reshape(shape),
        "i2_between": (100 * components[:, 0] / total).reshape(shape),
        "i2_within": (100 * components[:, 1] / total).reshape(shape),
        "log_likelihood": fit.log_likelihood.reshape(shape),
        "n_effects": n,
        "n_clusters": model.clusters.count,
        "_model": model,
        "_fit": fit,
    }
