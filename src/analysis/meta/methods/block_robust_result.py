"""What the cluster-robust functions report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import as_numbers, check_confidence_level, read_only
from analysis.values.distributions import t_quantile, two_sided_t
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["RobustCovariance", "RobustPool", "RobustRegression", "t_interval"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustCovariance(Framed):
    """Covariance matrix of coefficients, robust to dependence within clusters.

    Parameters
    ----------
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    df : ndarray, shape (p,)
        Degrees of freedom of each coefficient's t statistic.
    n_clusters : int
        Clusters.
    kind : str
        "CR0", "CR1" or "CR2".
    """

    covariance: FloatArray
    df: FloatArray
    n_clusters: int
    kind: str

    def __post_init__(self) -> None:
        for name in ("covariance", "df"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def std_error(self) -> FloatArray:
        """Standard errors of the coefficients."""
        return np.asarray(np.sqrt(np.einsum("...pp->...p", self.covariance)))

    def interval(self, coefficients: ArrayLike, *, confidence_level: float = 0.95) -> Estimate:
        """Return the coefficients with t intervals and P-values."""
        beta = as_numbers("coefficients", coefficients)
        if beta.shape != self.df.shape:
            raise ValueError(
                f"`coefficients` must have one value for each of {self.df.shape}, but has {beta.shape}."
            )
        return t_interval(beta, self.std_error, self.df, self.kind, confidence_level)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient."""
        import pandas as pd

        return pd.DataFrame({"std_error": self.std_error, "df": self.df}).assign(
            kind=self.kind, n_clusters=self.n_clusters
        )

    def __str__(self) -> str:
        """Return the standard errors and degrees of freedom."""
        pairs = zip(self.std_error, self.df, strict=True)
        listed = "; ".join(f"{se:.4g} (df = {df:.1f})" for se, df in pairs)
        return f"{self.kind} standard errors over {self.n_clusters} clusters: {listed}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustPool(Framed):
    """A pooled effect with a cluster-robust interval, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The mean effect on the reporting scale.
    df : ndarray
        Degrees of freedom of its t statistic. Below 4, P-values are not to be relied on.
    sigma2_between, sigma2_within : ndarray
        Variance components of the working model, which set the weights.
    n_effects, n_clusters : int
        What entered.
    kind : str
        "CR0", "CR1" or "CR2".
    """

    estimate: Estimate
    df: FloatArray
    sigma2_between: FloatArray
    sigma2_within: FloatArray
    n_effects: int
    n_clusters: int
    kind: str

    def __post_init__(self) -> None:
        for name in ("df", "sigma2_between", "sigma2_within"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        return self.estimate.to_frame().assign(
            df=self.df.ravel(),
            sigma2_between=self.sigma2_between.ravel(),
            sigma2_within=self.sigma2_within.ravel(),
            n_effects=self.n_effects,
            n_clusters=self.n_clusters,
        )

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.df.size != 1:
            return str(self.estimate)
        return (
            f"{self.estimate}, {self.kind} (df = {self.df.item():.1f}), "
            f"{self.n_effects} effects in {self.n_clusters} clusters"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustRegression(Framed):
    """A meta-regression with cluster-robust intervals; fields as in `RobustPool`, and these.

    Parameters
    ----------
    coefficients : Estimate
        Intercept and slopes along the last axis, on the analysis scale.
    names : tuple of str
        Of the coefficients.
    covariance : ndarray, shape (..., p, p)
        Of the coefficients.
    """

    coefficients: Estimate
    names: tuple[str, ...]
    covariance: FloatArray
    df: FloatArray
    sigma2_between: FloatArray
    sigma2_within: FloatArray
    n_effects: int
    n_clusters: int
    kind: str

    def __post_init__(self) -> None:
        for name in ("covariance", "df", "sigma2_between", "sigma2_within"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, in C order, at full precision."""
        frame = self.coefficients.to_frame().drop(columns=["measure", "scale", "correction"])
        frame.insert(0, "coefficient", list(self.names) * (len(frame) // len(self.names)))
        return frame.assign(df=self.df.ravel())

    def __str__(self) -> str:
        """Return one line a coefficient."""
        lines = str(self.coefficients).split("\n")
        return "\n".join(f"{self.names[i % len(self.names)]}: {line}" for i, line in enumerate(lines))


def t_interval(
    beta: FloatArray, std_error: FloatArray, degrees: FloatArray, kind: str, confidence_level: float
) -> Estimate:
    """Return coefficients with t intervals and P-values, on the analysis scale."""
    level = check_confidence_level(confidence_level)
    half = t_quantile((1 + level) / 2, degrees) * std_error
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, beta / std_error, np.where(beta == 0, 0.0, np.inf))
    return Estimate(
        measure="GEN",
        value=beta,
        low=beta - half,
        high=beta + half,
        confidence_level=level,
        std_error=std_error,
        scale="identity",
        method=kind,
        pvalue=two_sided_t(statistic, degrees),
    )
