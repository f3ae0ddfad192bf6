"""Bayesian random-effects meta-analysis without simulation.

Given tau everything is normal, so only tau is integrated, on panels that follow its posterior. Priors live in
`priors`, the quadrature and its distributions in `methods`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.quadrature_model import HierarchicalModel
from analysis.meta.priors import HalfNormal, TauPrior
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.meta.methods.quadrature_mixture import NormalMixture
    from analysis.meta.methods.quadrature_tau import TauPosterior
    from analysis.values.arrays import FloatArray

__all__ = ["BayesianPool", "pool_bayes"]

_INTERVALS = ("central", "shortest")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BayesianPool(Framed):
    """What a Bayesian meta-analysis finds, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The mean effect on the reporting scale: posterior median and credible interval; `std_error` is the
        posterior standard deviation on the analysis scale.
    prediction : Estimate
        The true effect of a further study, likewise.
    heterogeneity : Estimate
        tau, on the analysis scale.
    mean, new_study : NormalMixture
        The posterior distributions on the analysis scale: `cdf`, `density`, `quantile`, `central`,
        `shortest`, `mode`, `median`, `mean`, `sd`.
    tau : TauPosterior
        The posterior distribution of tau, with the same methods.
    weights : ndarray
        Posterior mean of the studies' weights in percent; with a prior of the mean they add to less than 100
        and `prior_weight` is the rest.
    prior_weight : ndarray
        In percent; 0 if the prior of the mean is flat.
    log_marginal_likelihood : ndarray or None
        Log of the marginal likelihood; None unless both priors are proper.
    n_studies : int
        Studies.
    tau_prior : TauPrior
        What was asked for.
    mean_prior : tuple of float or None
        Mean and standard deviation; None is a flat prior.
    interval : str
        "central" or "shortest".
    """

    estimate: Estimate
    prediction: Estimate
    heterogeneity: Estimate
    mean: NormalMixture
    new_study: NormalMixture
    tau: TauPosterior
    weights: FloatArray
    prior_weight: FloatArray
    log_marginal_likelihood: FloatArray | None
    n_studies: int
    tau_prior: TauPrior
    mean_prior: tuple[float, float] | None
    interval: str
    _model: HierarchicalModel = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("weights", "prior_weight"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def shrinkage(self) -> NormalMixture:
        """Return the posterior distributions of the studies' true effects: leading axes, then studies.

        Notes
        -----
        Given tau, the effect of study i is normal with mean B y + (1 - B) m and variance B v + (1 - B)² s²,
        where B = tau²/(tau² + v), and m and s are mean and standard deviation of the mean effect.
        """
        return self._model.shrinkage(self.mean, self.tau)

    def mean_given_tau(self, tau: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return posterior mean and standard deviation of the mean effect, were tau known.

        Leading axes first, then those of `tau`.
        """
        points = as_numbers("tau", tau)
        if not ((points >= 0) & (points < np.inf)).all():
            raise ValueError("`tau` must be finite and not negative.")
        rows = self._model.y.shape[0]
        shape = (*self.mean.shape, *points.shape)
        centre, spread, _ = self._model.given_tau(np.tile(points.ravel(), (rows, 1)))
        return centre.reshape(shape), spread.reshape(shape)

    def bayes_factors(self, *, mean: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Return the Bayes factors of tau = 0, and of a mean effect of `mean`, against the model.

        Raises
        ------
        ValueError
            If one of the priors is improper: a marginal likelihood does not exist then.
        """
        if self.log_marginal_likelihood is None or self.mean_prior is None:
            raise ValueError(
                "`bayes_factors` needs two proper priors, but got "
                f"tau_prior={self.tau_prior!r}, mean_prior={self.mean_prior!r}. "
                "Give pool_bayes mean_prior=(mean, sd) and a proper tau_prior."
            )
        at_zero = self._model.log_likelihood_of(np.zeros((self._model.y.shape[0], 1)))[:, 0]
        homogeneous = np.exp(at_zero.reshape(self.mean.shape) - self.log_marginal_likelihood)
        centre, sd = self.mean_prior
        prior = np.exp(-0.5 * ((mean - centre) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        return homogeneous, self.mean.density(mean) / prior

    def to_frame(self) -> pd.DataFrame:
        """Return the rows mean, prediction and tau of each meta-analysis, in C order."""
        import pandas as pd

        parts = {"mean": self.estimate, "prediction": self.prediction, "tau": self.heterogeneity}
        frames = [part.to_frame().assign(quantity=name) for name, part in parts.items()]
        frame = pd.concat(frames, keys=range(3)).swaplevel().sort_index(kind="stable")
        columns = ["quantity", *frames[0].columns.drop(["quantity", "pvalue", "correction"])]
        return frame.reset_index(drop=True)[columns].rename(columns={"std_error": "posterior_sd"})

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.estimate.value.size != 1:
            return str(self.estimate)
        level = f"{100 * self.estimate.confidence_level:g}%"
        limits = str(self.prediction).split(" (", 1)[1].rstrip(")")
        return (
            f"{self.estimate}, {level} prediction interval {limits}; "
            f"τ = {self.heterogeneity}, {self.n_studies} studies"
        )


def pool_bayes(
    effects: EffectSizes,
    *,
    tau_prior: TauPrior | None = None,
    mean_prior: tuple[float, float] | None = None,
    interval: str = "central",
    confidence_level: float = 0.95,
) -> BayesianPool:
    """Pool effect sizes over the last axis by a Bayesian random-effects model, without simulation.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k). Leading axes are replicates and are pooled separately, all at once.
    tau_prior : TauPrior, default HalfNormal(0.5)
        Prior of the between-study standard deviation on the analysis scale. The default suits log odds
        ratios, log risk ratios and the like; effects in other units want a scale of their own. See `priors`.
    mean_prior : (float, float), optional
        Mean and standard deviation of a normal prior of the mean effect; flat by default.
    interval : {"central", "shortest"}, default "central"
        Central intervals are the same on every scale, shortest ones are shortest on the analysis scale.
    confidence_level : float, default 0.95
        Probability of the intervals.

    Returns
    -------
    BayesianPool
        Medians and intervals, and the posterior distributions behind them. One study is enough if the prior
        of tau is proper; the prior then decides how far apart study and mean may be.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes` or a prior not a prior.
    ValueError
        If an effect is not finite or a variance not greater than 0, or the posterior would be improper:
        the improper uniform prior wants three studies, Jeffreys' two.
    ConvergenceError
        If the quadrature does not reach its accuracy.

    Notes
    -----
    y_i ~ N(theta_i, v_i), theta_i ~ N(mu, tau²). Given tau, mu is normal with precision S = Σw (+ 1/sd²) and
    mean m = (Σwy (+ mean/sd²))/S, w = 1/(v + tau²); the marginal likelihood of tau is, up to a constant,
    Π√w S^(-1/2) exp(-Σw(y - m)²/2). The posterior of tau is integrated by Gauss-Legendre panels whose width
    follows its shape, and is refined until the last Legendre coefficients vanish; mu, and the effect of a
    further study, are then mixtures of normal distributions over the nodes. Moments that do not exist are
    infinite: with a flat prior of the mean and k studies the posterior of tau falls like tau^-(a + k - 1),
    where a is the power of the prior's tail.

    References
    ----------
    Roever C (2020). Bayesian random-effects meta-analysis using the bayesmeta R package. J Stat Softw
    93(6):1-51. DOI 10.18637/jss.v093.i06

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> fit = pool_bayes(effects, tau_prior=HalfNormal(0.5))
    >>> print(fit)
    0.39 (−0.02 to 0.74), 95% prediction interval −0.44 to 1.15; τ = 0.25 (0.04 to 0.72), 4 studies
    >>> fit.mean.cdf(0).round(4)
    np.float64(0.0292)
    """
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    prior = HalfNormal(0.5) if tau_prior is None else tau_prior
    if not isinstance(prior, TauPrior):
        raise TypeError(f"`tau_prior` must be a prior such as HalfNormal(0.5), but got {prior!r}.")
    check_choice("interval", interval, _INTERVALS)
    level = check_confidence_level(confidence_level)
    model = _model(effects, prior, _checked_mean_prior(mean_prior))

    tau, log_total = model.posterior_of_tau()
    nodes = tau.unit[:, None] * np.sinh(tau.panels.node)
    centre, spread, _ = model.given_tau(nodes)
    flat = model.mean_prior is None
    mean = model.mixture(tau.panels, centre, spread, growing=flat)
    new = model.mixture(tau.panels, centre, np.sqrt(spread**2 + nodes**2), growing=True)
    weights, prior_weight = model.weights(tau.panels, nodes)

    def summary(posterior: NormalMixture | TauPosterior, scale: str, measure: str) -> Estimate:
        backward = scale_of(scale).backward
        low, high = getattr(posterior, interval)(level)
        return Estimate(
            measure=measure,
            value=backward(posterior.median),
            low=backward(low),
            high=backward(high),
            confidence_level=level,
            std_error=posterior.sd,
            scale=scale,
            method=f"bayes-{interval}",
        )

    return BayesianPool(
        estimate=summary(mean, effects.scale, effects.measure),
        prediction=summary(new, effects.scale, effects.measure),
        heterogeneity=summary(tau, "identity", "GEN"),
        mean=mean,
        new_study=new,
        tau=tau,
        weights=weights,
        prior_weight=prior_weight,
        log_marginal_likelihood=None if flat or not prior.proper else log_total.reshape(model.shape),
        n_studies=model.y.shape[1],
        tau_prior=prior,
        mean_prior=model.mean_prior,
        interval=interval,
        _model=model,
    )


def _model(
    effects: EffectSizes, prior: TauPrior, mean_prior: tuple[float, float] | None
) -> HierarchicalModel:
    effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
    fault = ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        name = f" ({effects.label[index[-1]]})" if effects.label else ""
        raise ValueError(
            "Every study must have a finite effect and a variance greater than 0, but at index "
            f"{index[0] if len(index) == 1 else index}{name} they are {effect[index]:g} and "
            f"{variance[index]:g} ({int(fault.sum())} in all). Leave such studies out, or give "
            "effect_sizes a correction."
        )
    k = effect.shape[-1]
    model = HierarchicalModel(
        y=effect.reshape(-1, k),
        v=variance.reshape(-1, k),
        tau_prior=prior,
        mean_prior=mean_prior,
        shape=effect.shape[:-1],
    )
    if not prior.proper and model.tail <= 1:
        least = int(np.floor(1 - prior.tail)) + 1 + (mean_prior is None)
        raise ValueError(
            f"`tau_prior` {prior!r} is improper and wants at least {least} studies, but got {k}. "
            "Use a proper prior such as HalfNormal(0.5)."
        )
    return model


def _checked_mean_prior(mean_prior: tuple[float, float] | None) -> tuple[float, float] | None:
    if mean_prior is None:
        return None
    if np.shape(mean_prior) != (2,):
        raise TypeError(f"`mean_prior` must be (mean, standard deviation), but got {mean_prior!r}.")
    mean, sd = float(mean_prior[0]), float(mean_prior[1])
    if not (np.isfinite(mean) and 0 < sd < np.inf):
        raise ValueError(
            "`mean_prior` must be a finite mean and a standard deviation greater than 0, but got "
            f"{mean_prior!r}. For a flat prior leave it out."
        )
    return mean, sd
