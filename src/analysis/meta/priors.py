"""Priors of the between-study standard deviation tau, for `pool_bayes`.

A prior gives its log density (up to a constant if improper), its tail, and how near to 0 it still matters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "DuMouchel",
    "Exponential",
    "HalfCauchy",
    "HalfLogistic",
    "HalfNormal",
    "HalfT",
    "ImproperUniform",
    "Jeffreys",
    "LogNormal",
    "LogT",
    "TauPrior",
    "Uniform",
]


def _finite(**parameters: float) -> None:
    for name, value in parameters.items():
        if isinstance(value, (bool, str)) or np.ndim(value):
            raise TypeError(f"`{name}` must be one number, but got {value!r}.")
        if not math.isfinite(value):
            raise ValueError(f"`{name}` must be finite, but got {value!r}.")


def _positive(**parameters: float) -> None:
    _finite(**parameters)
    for name, value in parameters.items():
        if value <= 0:
            raise ValueError(f"`{name}` must be a number greater than 0, but got {value!r}.")


@dataclass(frozen=True, slots=True)
class TauPrior(ABC):
    """Base of the priors of tau; a prior of one's own gives `log_density` and, if need be, the rest."""

    @property
    def proper(self) -> bool:
        """Whether the density integrates to 1."""
        return True

    @property
    def tail(self) -> float:
        """The power a of a density that falls like tau**-a; infinite if it falls faster than any power."""
        return math.inf

    @abstractmethod
    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:
        """Return the log density at `tau` (..., m), given the sampling variances (..., k)."""

    def smallest(self, variance: FloatArray) -> FloatArray:
        """Return a tau below which the prior holds less than about 1e-9 of its mass."""
        return np.asarray(1e-10 * np.sqrt(variance.min(axis=-1)))

    @property
    def largest(self) -> float:
        """The end of the prior's support."""
        return math.inf


@dataclass(frozen=True, slots=True)
class _Scaled(TauPrior):
    """A prior with a finite density at 0 and one scale."""

    scale: float

    def smallest(self, variance: FloatArray) -> FloatArray:
        """Return a tau below which the prior holds less than about 1e-9 of its mass."""
        return np.full(variance.shape[:-1], 1e-9 * self.scale)


@dataclass(frozen=True, slots=True)
class HalfNormal(_Scaled):
    """The absolute value of a normal variable: `HalfNormal(0.5)` for log odds ratios.

    Parameters
    ----------
    scale : float
        Standard deviation of the normal distribution; the median of tau is 0.674 times as large.

    References
    ----------
    Roever C, Bender R, Dias S, et al. (2021). On weakly informative prior distributions for the heterogeneity
    parameter in Bayesian random-effects meta-analysis. Res Synth Methods 12:448-474. DOI 10.1002/jrsm.1475
    (Citation not verified.)
    """

    def __post_init__(self) -> None:
        _positive(scale=self.scale)

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return log of sqrt(2/pi)/scale exp(-tau²/(2 scale²))."""
        return np.asarray(0.5 * math.log(2 / math.pi) - math.log(self.scale) - 0.5 * (tau / self.scale) ** 2)


@dataclass(frozen=True, slots=True)
class HalfT(_Scaled):
    """The absolute value of a scaled t variable.

    Parameters
    ----------
    scale : float
        Scale of the t distribution.
    df : float
        Its degrees of freedom; 1 is the half-Cauchy.

    References
    ----------
    Gelman A (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Anal
    1:515-534. DOI 10.1214/06-BA117A (Citation not verified.)
    """

    df: float

    def __post_init__(self) -> None:
        _positive(scale=self.scale, df=self.df)

    @property
    def tail(self) -> float:
        """The degrees of freedom and 1."""
        return self.df + 1

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return the log density: twice that of the t distribution."""
        half = self.df / 2
        constant = math.lgamma(half + 0.5) - math.lgamma(half) - 0.5 * math.log(math.pi * self.df)
        square = (tau / self.scale) ** 2 / self.df
        return np.asarray(math.log(2 / self.scale) + constant - (half + 0.5) * np.log1p(square))


def HalfCauchy(scale: float) -> HalfT:  # noqa: N802 -- reads as the distribution that it returns
    """Return the half-Cauchy prior, the half-t on 1 degree of freedom.

    Parameters
    ----------
    scale : float
        Its median, greater than 0, on the analysis scale.

    Returns
    -------
    HalfT
    """
    return HalfT(scale, 1.0)


@dataclass(frozen=True, slots=True)
class HalfLogistic(_Scaled):
    """The absolute value of a logistic variable.

    Parameters
    ----------
    scale : float
        Scale of the logistic distribution; the median of tau is log(3) times as large.
    """

    def __post_init__(self) -> None:
        _positive(scale=self.scale)

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return log of 2 exp(-z)/(scale (1 + exp(-z))²), z = tau/scale."""
        z = tau / self.scale
        return np.asarray(math.log(2 / self.scale) - z - 2 * np.log1p(np.exp(-z)))


@dataclass(frozen=True, slots=True)
class Exponential(_Scaled):
    """The exponential distribution.

    Parameters
    ----------
    scale : float
        Its mean; the rate is 1/scale.
    """

    def __post_init__(self) -> None:
        _positive(scale=self.scale)

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return log of exp(-tau/scale)/scale."""
        return np.asarray(-math.log(self.scale) - tau / self.scale)


@dataclass(frozen=True, slots=True)
class Uniform(TauPrior):
    """The uniform distribution between 0 and `upper`.

    Parameters
    ----------
    upper : float
        Largest tau that is thought possible.
    """

    upper: float

    def __post_init__(self) -> None:
        _positive(upper=self.upper)

    @property
    def largest(self) -> float:
        """`upper`."""
        return self.upper

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return -log(upper) up to `upper`, and minus infinity beyond."""
        return np.where(tau <= self.upper, -math.log(self.upper), -np.inf)

    def smallest(self, variance: FloatArray) -> FloatArray:
        """Return a tau below which the prior holds less than about 1e-9 of its mass."""
        return np.full(variance.shape[:-1], 1e-9 * self.upper)


@dataclass(frozen=True, slots=True)
class LogNormal(TauPrior):
    """A normal distribution of log tau.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation of log tau. Published priors are often of log tau2:
        `LogNormal.of_variance` takes those.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        _finite(mean=self.mean)
        _positive(sd=self.sd)

    @classmethod
    def of_variance(cls, mean: float, sd: float) -> Self:
        """Return the prior under which log tau2 has this mean and standard deviation."""
        return cls(mean / 2, sd / 2)

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return the log density; minus infinity at 0."""
        with np.errstate(divide="ignore"):
            log = np.log(tau)
        constant = -math.log(self.sd) - 0.5 * math.log(2 * math.pi)
        with np.errstate(invalid="ignore"):
            density = constant - log - 0.5 * ((log - self.mean) / self.sd) ** 2
        return np.where(tau > 0, density, -np.inf)

    def smallest(self, variance: FloatArray) -> FloatArray:
        """Return a tau below which the prior holds less than about 1e-9 of its mass."""
        return np.full(variance.shape[:-1], math.exp(max(self.mean - 7 * self.sd, -300)))


@dataclass(frozen=True, slots=True)
class LogT(TauPrior):
    """A scaled t distribution of log tau.

    Parameters
    ----------
    location, scale, df : float
        Of log tau. Published priors are often of log tau2: `LogT.of_variance` takes those.
    """

    location: float
    scale: float
    df: float

    def __post_init__(self) -> None:
        _finite(location=self.location)
        _positive(scale=self.scale, df=self.df)

    @classmethod
    def of_variance(cls, location: float, scale: float, df: float) -> Self:
        """Return the prior under which log tau2 has this location and scale."""
        return cls(location / 2, scale / 2, df)

    @property
    def tail(self) -> float:
        """1, and a power of log tau: proper, though only just."""
        return 1.0

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return the log density; infinite at 0, where this distribution has a pole."""
        with np.errstate(divide="ignore"):
            log = np.log(tau)
        half = self.df / 2
        constant = math.lgamma(half + 0.5) - math.lgamma(half) - 0.5 * math.log(math.pi * self.df)
        with np.errstate(invalid="ignore"):
            square = ((log - self.location) / self.scale) ** 2 / self.df
            density = constant - math.log(self.scale) - log - (half + 0.5) * np.log1p(square)
        return np.where(tau > 0, density, np.inf)

    def smallest(self, variance: FloatArray) -> FloatArray:
        """Return a tau below which the prior holds less than about 1e-9 of its mass (df = 5)."""
        return np.full(variance.shape[:-1], math.exp(max(self.location - 200 * self.scale, -300)))


@dataclass(frozen=True, slots=True)
class ImproperUniform(TauPrior):
    """The uniform distribution on all tau, which is improper: it wants three studies or more."""

    @property
    def proper(self) -> bool:
        """False."""
        return False

    @property
    def tail(self) -> float:
        """0: it does not fall."""
        return 0.0

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:  # noqa: ARG002
        """Return 0."""
        return np.zeros(np.shape(tau))


@dataclass(frozen=True, slots=True)
class Jeffreys(TauPrior):
    """Jeffreys' prior of tau, improper, from the sampling variances of the studies.

    Notes
    -----
    The density is proportional to sqrt(Σ (tau/(v + tau²))²): the root of the Fisher information of tau.

    References
    ----------
    Roever C (2020). Bayesian random-effects meta-analysis using the bayesmeta R package. J Stat Softw
    93(6):1-51. DOI 10.18637/jss.v093.i06
    """

    @property
    def proper(self) -> bool:
        """False."""
        return False

    @property
    def tail(self) -> float:
        """1."""
        return 1.0

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:
        """Return the log density up to a constant."""
        slope = tau[..., None] / (variance[..., None, :] + tau[..., None] ** 2)
        with np.errstate(divide="ignore"):
            return np.asarray(0.5 * np.log((slope**2).sum(axis=-1)))


@dataclass(frozen=True, slots=True)
class DuMouchel(TauPrior):
    """DuMouchel's prior of tau, proper, with its median at the typical standard error s of the studies.

    Notes
    -----
    The density is s/(s + tau)² with s² = k/Σ(1/v), the harmonic mean of the sampling variances.

    References
    ----------
    DuMouchel WH, Normand SL (2000). Computer-modeling and graphical strategies for meta-analysis. In: Stangl
    DK, Berry DA (eds), Meta-Analysis in Medicine and Health Policy, 127-178. (Citation not verified.)
    """

    @property
    def tail(self) -> float:
        """2."""
        return 2.0

    def log_density(self, tau: FloatArray, variance: FloatArray) -> FloatArray:
        """Return log s - 2 log(s + tau)."""
        typical = np.sqrt(1 / (1 / variance).mean(axis=-1))[..., None]
        return np.asarray(np.log(typical) - 2 * np.log(typical + tau))
