"""Pooling of proportions whose true values follow a beta law: the beta-binomial model.

Its mean is the mean proportion over studies, where the mixed model of `glmm` gives the proportion of the
study in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from analysis.errors import ConvergenceError
from analysis.measures.methods.roots import find_root
from analysis.values.arguments import check_confidence_level, read_only
from analysis.values.counts import Proportion
from analysis.values.distributions import chi2_quantile, chi2_tail, normal_quantile
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["BetaBinomialEstimate", "pool_beta_binomial"]

_ITERATIONS = 200
# Odds of the overdispersion that are searched for the highest maximum, and as far as an interval reaches.
_SEARCHED = np.geomspace(1e-6, 1e3, 28)
_LARGEST = 1e6
_NODES = 10
_ARRAYS = (
    "overdispersion", "overdispersion_low", "overdispersion_high", "lr", "lr_pvalue", "log_likelihood",
    "n_studies",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BetaBinomialEstimate(Framed):
    """What the beta-binomial model of one set of proportions finds.

    Parameters
    ----------
    estimate : Estimate
        Mean proportion over studies with a normal interval on the logit scale.
    overdispersion, overdispersion_low, overdispersion_high : ndarray
        Correlation of two persons of the same study, 1/(alpha + beta + 1): 0 is one common proportion, 1
        studies with all or nothing. Limits by the profile likelihood; 0 or 1 where the data do not bound it.
    lr, lr_pvalue : ndarray
        Likelihood-ratio statistic of no overdispersion and its P-value, half of the chi-square tail because 0
        is the end of the range; 1 where the statistic is 0.
    log_likelihood : ndarray
        With all constants.
    n_studies : ndarray
        Studies that entered: those with persons.
    """

    estimate: Estimate
    overdispersion: FloatArray
    overdispersion_low: FloatArray
    overdispersion_high: FloatArray
    lr: FloatArray
    lr_pvalue: FloatArray
    log_likelihood: FloatArray
    n_studies: FloatArray

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row at full precision."""
        frame = self.estimate.to_frame()
        for name in _ARRAYS:
            frame[name] = getattr(self, name).ravel()
        return frame

    def __str__(self) -> str:
        """Return what a paper prints."""
        value, low, high = (
            short_number(part.item())
            for part in (self.overdispersion, self.overdispersion_low, self.overdispersion_high)
        )
        return (
            f"{self.estimate}; beta-binomial model, overdispersion {value} ({low} to {high}), "
            f"{self.n_studies.item():.0f} studies"
        )


def pool_beta_binomial(proportion: Proportion, *, confidence_level: float = 0.95) -> BetaBinomialEstimate:
    """Pool proportions by maximum likelihood of the beta-binomial model.

    Parameters
    ----------
    proportion : Proportion, shape (k,)
        One set of studies; there are no leading axes.
    confidence_level : float, default 0.95
        In (0, 1), of the mean and of the overdispersion.

    Returns
    -------
    BetaBinomialEstimate
        Where the likelihood is highest without overdispersion (always with one study), the estimate is the
        proportion of the sum.

    Raises
    ------
    TypeError
        If `proportion` is not a Proportion.
    ValueError
        If it has leading axes, or holds no events or only events: the mean is then 0 or 1 and the interval of
        this model does not exist.
    ConvergenceError
        If the overdispersion grows to 1: every study has no events or only events.

    Notes
    -----
    With mean p, q = 1 - p and g = 1/(alpha + beta), the odds of the overdispersion, the log-likelihood is

        Σ_i [ log C(n_i, x_i) + Σ_{j<x_i} log(p + jg) + Σ_{j<n_i-x_i} log(q + jg) - Σ_{j<n_i} log(1 + jg) ],

    which keeps all digits as g goes to 0, where differences of beta functions have none. For every g it is
    concave in p. The profile over g is searched on a grid and its highest point polished by Newton steps in
    (logit p, log g).

    References
    ----------
    Griffiths DA (1973). Maximum likelihood estimation for the beta-binomial distribution and an application
    to the household distribution of the total number of cases of a disease. Biometrics 29:637-648.
    DOI 10.2307/2529131 (Citation not verified.)

    Self SG, Liang KY (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio
    tests under nonstandard conditions. J Am Stat Assoc 82:605-610. DOI 10.1080/01621459.1987.10478472
    (Citation not verified.)

    Examples
    --------
    Fourteen studies of hyperdynamic therapy for cerebral vasospasm, Pritz 1997, as tabulated in metadat's
    dat.pritz1997:

    >>> cured = [16, 10, 4, 43, 10, 25, 13, 12, 22, 4, 5, 18, 58, 6]
    >>> treated = [17, 12, 8, 58, 10, 42, 14, 12, 41, 5, 6, 23, 68, 10]
    >>> print(pool_beta_binomial(Proportion(events=cured, total=treated)))
    77.5% (67.9% to 84.8%); beta-binomial model, overdispersion 0.091 (0.022 to 0.26), 14 studies
    """
    if not isinstance(proportion, Proportion):
        raise TypeError(f"`proportion` must be a Proportion, but got {type(proportion).__name__}.")
    if len(proportion.shape) > 1:
        raise ValueError(
            f"`proportion` must be one set of studies with shape (k,), but has shape {proportion.shape}; "
            "call pool_beta_binomial for each set."
        )
    level = check_confidence_level(confidence_level)
    events, total = np.atleast_1d(proportion.events), np.atleast_1d(proportion.total)
    if events.sum() in {0, total.sum()}:
        raise ValueError(
            f"The studies hold {'no events' if events.sum() == 0 else 'only events'} "
            f"({events.sum():g} of {total.sum():g}), so the mean has no interval under this model. "
            "An exact interval of the sum is prevalence(data.collapse(), method='clopper-pearson')."
        )
    likelihood = _Likelihood.of(events, total)
    logit, odds, value = _maximum(likelihood)
    if odds > 0:
        # Second derivatives in (logit p, log g) at the maximum, where the first are 0.
        hessian = likelihood.at(logit, odds).in_log_odds(odds)[1]
        variance = np.linalg.inv(-hessian)[0, 0]
    else:
        variance = -1 / likelihood.at(logit, 0.0).second[0, 0]
    std_error = np.asarray(np.sqrt(variance))
    backward = scale_of("logit").backward
    half = normal_quantile((1 + level) / 2) * std_error
    low, high = _profile_limits(likelihood, odds, value, level)
    start = likelihood.at(likelihood.crude, 0.0).value
    lr = max(0.0, 2 * (value - start)) if odds > 0 else 0.0
    constant = -(np.log1p(total) + special.betaln(events + 1, total - events + 1)).sum()
    return BetaBinomialEstimate(
        estimate=Estimate(
            measure="PLO",
            value=backward(np.asarray(logit)),
            low=backward(logit - half),
            high=backward(logit + half),
            confidence_level=level,
            std_error=std_error,
            scale="logit",
            method="wald",
        ),
        overdispersion=np.asarray(odds / (1 + odds)),
        overdispersion_low=np.asarray(low),
        overdispersion_high=np.asarray(high),
        lr=np.asarray(lr),
        lr_pvalue=0.5 * chi2_tail(lr, 1) if lr > 0 else np.asarray(1.0),
        log_likelihood=np.asarray(value + constant),
        n_studies=np.asarray(float((total > 0).sum())),
    )


class _Derivatives(NamedTuple):
    """Log-likelihood without its constant, with derivatives in (logit p, g)."""

    value: float
    first: FloatArray
    second: FloatArray

    def in_log_odds(self, odds: float) -> tuple[FloatArray, FloatArray]:
        """Return gradient and Hessian in (logit p, log g)."""
        stretch = np.array([1.0, odds])
        second = self.second * np.outer(stretch, stretch)
        second[1, 1] += odds * self.first[1]
        return self.first * stretch, second


class _Sum(NamedTuple):
    """Nodes j and weights of Σ_i Σ_{j<c_i} f(j) for the counts c_i of all studies."""

    j: FloatArray
    weight: FloatArray

    @classmethod
    def below(cls, counts: FloatArray) -> _Sum:
        """Return every j, or from 32 on, where that are many, Gauss nodes for the sum over a block of them.

        No block is longer than it is far from 0, where the nearest singularity may lie, so ten nodes are
        exact to rounding. Blocks end where a study does.
        """
        highest = counts.max()
        doubling = 2.0 ** np.arange(5, max(5, int(np.ceil(np.log2(highest + 1))) + 1))
        edges = np.unique(np.concatenate([np.arange(33), doubling, counts]))
        edges = edges[edges <= highest]
        start, length = edges[:-1], np.diff(edges)
        studies = (counts[:, None] > start).sum(axis=0)
        long = length > _NODES
        # Short blocks as they are: all j of all blocks at once.
        size = length[~long].astype(np.intp)
        first = np.repeat(np.cumsum(size) - size, size)
        j = np.repeat(start[~long], size) + np.arange(size.sum()) - first
        weight = np.repeat(studies[~long], size).astype(np.float64)
        if long.any():
            nodes, masses = _sum_nodes(length[long])
            j = np.concatenate([j, (start[long][:, None] + nodes).ravel()])
            weight = np.concatenate([weight, (studies[long][:, None] * masses).ravel()])
        return cls(j, weight)


def _sum_nodes(length: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Gauss nodes and weights of the sum over 0, ..., N - 1 for many N.

    Golub and Welsch's eigenvalues, with the recurrence of the discrete Chebyshev polynomials.
    """
    n = np.arange(1, _NODES)
    beside = 0.5 * n * np.sqrt((length[:, None] ** 2 - n**2) / (4 * n**2 - 1))
    matrix = np.zeros((length.size, _NODES, _NODES))
    matrix[:, n, n - 1] = matrix[:, n - 1, n] = beside
    roots, vectors = np.linalg.eigh(matrix)
    return roots + (length[:, None] - 1) / 2, length[:, None] * vectors[:, 0, :] ** 2


class _Likelihood(NamedTuple):
    """The three sums of the log-likelihood: over events, over persons without, over persons."""

    events: _Sum
    rest: _Sum
    total: _Sum
    crude: float  # logit of the proportion of the sum

    @classmethod
    def of(cls, events: FloatArray, total: FloatArray) -> _Likelihood:
        rest = total - events
        crude = float(np.log(events.sum()) - np.log(rest.sum()))
        return cls(_Sum.below(events), _Sum.below(rest), _Sum.below(total), crude)

    def at(self, logit: float, odds: float) -> _Derivatives:
        p, q = float(special.expit(logit)), float(special.expit(-logit))
        value = 0.0
        # Sums of 1/(a + jg) and of its square, times powers of j.
        parts = []
        for sum_, a, sign in ((self.events, p, 1.0), (self.rest, q, 1.0), (self.total, 1.0, -1.0)):
            j, argument = sum_.j, a + sum_.j * odds
            once = sum_.weight / argument
            twice = once / argument
            parts.append((once.sum(), once @ j, twice.sum(), twice @ j, twice @ (j * j)))
            value += sign * float(sum_.weight @ np.log(argument))
        x, y, n = parts
        slope, spread = x[0] - y[0], p * q
        first = np.array([spread * slope, x[1] + y[1] - n[1]])
        cross = spread * (y[3] - x[3])
        second = np.array(
            [
                [-(spread**2) * (x[2] + y[2]) + spread * (q - p) * slope, cross],
                [cross, n[4] - x[4] - y[4]],
            ]
        )
        return _Derivatives(value, first, second)

    def profile(self, odds: float, logit: float) -> tuple[float, float]:
        """Return the best logit for these odds and the log-likelihood there."""
        at = self.at(logit, odds)
        for _ in range(_ITERATIONS):
            # Concave in p, though not everywhere in its logit.
            step = float(np.clip(at.first[0] / max(abs(at.second[0, 0]), 1e-12), -2.0, 2.0))
            new = self.at(logit + step, odds)
            while new.value < at.value and abs(step) > 1e-6:
                step /= 2
                new = self.at(logit + step, odds)
            logit, at = logit + step, new
            if abs(step) <= 1e-9 * (1 + abs(logit)):
                return logit, at.value
        raise ConvergenceError(f"The mean proportion for an overdispersion of {odds:g} was not found.")


def _maximum(likelihood: _Likelihood) -> tuple[float, float, float]:
    """Return logit of the mean, odds of the overdispersion and log-likelihood at the highest maximum."""
    boundary = likelihood.at(likelihood.crude, 0.0)
    points = []
    logit = likelihood.crude
    for odds in _SEARCHED:
        logit, value = likelihood.profile(float(odds), logit)
        points.append((value, logit, float(odds)))
    value, logit, odds = max(points)
    if odds == _SEARCHED[-1] and value > boundary.value:
        raise ConvergenceError(
            "The overdispersion grows to 1, the end of its range: (nearly) every study has no events or only "
            "events, and two parameters are too many for them."
        )
    if value <= boundary.value and boundary.first[1] <= 0:
        return likelihood.crude, 0.0, boundary.value
    log_odds = float(np.log(odds))
    at = likelihood.at(logit, odds)
    for _ in range(_ITERATIONS):
        gradient, hessian = at.in_log_odds(float(np.exp(log_odds)))
        roots, axes = np.linalg.eigh(hessian)
        along = axes.T @ gradient
        step = axes @ (along / np.maximum(np.abs(roots), 1e-12))
        decrement = float(along @ (along / np.maximum(np.abs(roots), 1e-12)))
        step *= min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-300))
        share = 1.0
        new = likelihood.at(logit + step[0], float(np.exp(log_odds + step[1])))
        while new.value < at.value and decrement > 1e-6 and share > 1e-10:
            share /= 2
            new = likelihood.at(logit + share * step[0], float(np.exp(log_odds + share * step[1])))
        logit, log_odds = logit + share * step[0], log_odds + share * step[1]
        at = new
        if decrement < 1e-16:
            return float(logit), float(np.exp(log_odds)), at.value
    raise ConvergenceError("The beta-binomial likelihood has no maximum that Newton's method could reach.")


def _profile_limits(
    likelihood: _Likelihood, odds: float, highest: float, level: float
) -> tuple[float, float]:
    """Return the limits of the overdispersion at which the profile likelihood-ratio test rejects."""
    allowed = float(chi2_quantile(level, 1)) / 2

    def excess(log_odds: FloatArray) -> FloatArray:
        return np.array(
            [likelihood.profile(float(np.exp(x)), likelihood.crude)[1] - highest + allowed for x in log_odds]
        )

    middle = np.log(odds) if odds > 0 else np.log(_SEARCHED[0])
    low, high = 0.0, 1.0
    if odds > 0 and likelihood.at(likelihood.crude, 0.0).value < highest - allowed:
        # Below 1e-12 nothing is left of the overdispersion of any number of persons.
        root = find_root(
            excess,
            np.array([np.log(1e-14)]),
            np.array([middle]),
            what="the lower limit of the overdispersion",
        )
        low = float(special.expit(root[0]))
    if excess(np.array([np.log(_LARGEST)]))[0] < 0:
        root = find_root(
            excess,
            np.array([middle]),
            np.array([np.log(_LARGEST)]),
            what="the upper limit of the overdispersion",
        )
        high = float(special.expit(root[0]))
    return low, high
