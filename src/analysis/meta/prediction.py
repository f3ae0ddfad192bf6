"""What a further study is expected to find: prediction intervals and probabilities beyond a threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.meta.methods.tau2_quantile import generalised_q
from analysis.meta.methods.weighted_chi2 import quadratic_form_cdf
from analysis.meta.methods.weighted_model import Studies, fit
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile, t_quantile
from analysis.values.estimate import Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray

__all__ = ["prediction_interval", "probability_beyond"]

_METHODS = (
    "higgins-thompson-spiegelhalter",
    "t",
    "kenward-roger",
    "kenward-roger-conservative",
    "wald",
    "plug-in",
    "bootstrap",
)
# Points at which the law of Q is computed for the bootstrap; between them it is interpolated.
_GRID = 512


def prediction_interval(
    pooled: PooledEstimate,
    *,
    method: str = "higgins-thompson-spiegelhalter",
    confidence_level: float | None = None,
    draws: int = 25_000,
    rng: np.random.Generator | int | None = None,
) -> Estimate:
    """Return the interval that holds the effect of a further study.

    Parameters
    ----------
    pooled : PooledEstimate
        A random-effects model; its `ci` decides the standard error of the mean (Hartung and Knapp's gives the
        prediction interval of the same name).
    method : str, default "higgins-thompson-spiegelhalter"
        Mean ± quantile × sqrt(tau2 + SE²), by the quantile:

        - "higgins-thompson-spiegelhalter": t on k - 2 degrees of freedom
        - "t": on k - 1
        - "kenward-roger", "kenward-roger-conservative": t on Kenward and Roger's degrees of freedom, and on
          one less; for ci="kenward-roger"
        - "wald": normal
        - "plug-in": normal, with tau alone, as if the mean were known
        - "bootstrap": Nagashima, Noma and Furukawa's, which lets tau2 vary by the law of Q; for one set of
          studies
    confidence_level : float, optional
        In (0, 1); by default that of `pooled`.
    draws : int, default 25000
        For "bootstrap" alone; below 5000 the limits are rough.
    rng : numpy.random.Generator or int, optional
        Generator or seed, for "bootstrap" alone.

    Returns
    -------
    Estimate
        On the reporting scale, `value` being the pooled estimate; NaN limits where the degrees of freedom are
        not positive.

    Raises
    ------
    ValueError
        If the model has a common effect, or the method is unknown or does not go with the model.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects meta-analysis.
    J R Stat Soc A 172:137-159. DOI 10.1111/j.1467-985X.2008.00552.x

    Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of 95% confidence and
    prediction intervals following REML estimation. Stat Med 36:301-317. DOI 10.1002/sim.7140

    Nagashima K, Noma H, Furukawa TA (2019). Prediction intervals for random-effects meta-analysis: a
    confidence distribution approach. Stat Methods Med Res 28:1689-1702. DOI 10.1177/0962280218773520

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> print(prediction_interval(pool(effects), method="t"))
    0.38 (−0.41 to 1.16)
    """
    check_choice("method", method, _METHODS)
    level = pooled.confidence_level if confidence_level is None else check_confidence_level(confidence_level)
    if pooled.model == "common":
        raise ValueError("The common-effect model predicts no spread of effects; pool with model='random'.")
    if method == "bootstrap":
        low, high = _bootstrap(pooled, level, draws, np.random.default_rng(rng))
        return _estimate(pooled, low, high, level, method, None)
    std_error = np.sqrt(pooled.tau2 + pooled.std_error**2)
    probability = (1 + level) / 2
    if method.startswith("kenward-roger"):
        if pooled.ci_method != "kenward-roger":
            raise ValueError(f'`method` = {method!r} is for ci="kenward-roger".')
        quantile = t_quantile(probability, pooled.mean_df - (method != "kenward-roger"))
    elif method in {"wald", "plug-in"}:
        quantile = np.full(pooled.shape, normal_quantile(probability))
        if method == "plug-in":
            std_error = pooled.tau
    else:
        quantile = t_quantile(probability, pooled.n_studies - (1 if method == "t" else 2))
    half = quantile * std_error
    return _estimate(pooled, pooled.mean - half, pooled.mean + half, level, method, std_error)


def probability_beyond(
    pooled: PooledEstimate, threshold: ArrayLike, *, side: str = "above", uncertain_mean: bool = True
) -> FloatArray:
    """Return the probability that a further study's true effect lies beyond a threshold.

    Parameters
    ----------
    pooled : PooledEstimate
        A random-effects model.
    threshold : array_like
        On the reporting scale (a ratio), of a shape that broadcasts with that of `pooled`.
    side : {"above", "below"}, default "above"
        Which side is beyond.
    uncertain_mean : bool, default True
        Whether the standard error of the mean widens the distribution of effects. Without it the probability
        is the estimated share of true effects beyond the threshold.

    Returns
    -------
    ndarray
        Probabilities by the normal distribution; 0, 1 or (at the mean) 1/2 where nothing varies.

    Raises
    ------
    ValueError
        If the side is unknown or the threshold is outside the scale.

    References
    ----------
    Mathur MB, VanderWeele TJ (2019). New metrics for meta-analyses of heterogeneous effects. Stat Med
    38:1336-1342. DOI 10.1002/sim.8057

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> round(float(probability_beyond(pool(effects), 0.2)), 2)
    0.76
    """
    check_choice("side", side, ("above", "below"))
    limit = as_numbers("threshold", threshold)
    transformed = scale_of(pooled.effects.scale).forward(limit)
    if np.isnan(transformed).any():
        raise ValueError(f"`threshold` must lie on the scale of measure {pooled.effects.measure}.")
    variance = pooled.tau2 + (pooled.std_error**2 if uncertain_mean else 0.0)
    distance = pooled.mean - transformed if side == "above" else transformed - pooled.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance / np.sqrt(variance)
    return np.asarray(special.ndtr(np.where(distance == 0, 0.0, z)))


def _bootstrap(
    pooled: PooledEstimate, level: float, draws: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return percentiles of effects of a further study, tau2 drawn from its confidence distribution."""
    if pooled.mean.size != 1:
        raise ValueError(f"`method` = 'bootstrap' is for one set of studies, but got shape {pooled.shape}.")
    if draws < 1:
        raise ValueError(f"`draws` must be 1 or greater, but got {draws}.")
    ((_, studies),) = pooled.sets.blocks()
    k = int(studies.inside.sum())
    if k < 3:
        return np.full(pooled.shape, np.nan), np.full(pooled.shape, np.nan)
    tau2 = _draw_tau2(studies, rng.random(draws))
    inside = np.flatnonzero(studies.inside[:, 0])
    effect, variance = studies.effect[inside], studies.variance[inside]
    many = Studies(np.broadcast_to(effect, (k, draws)), np.broadcast_to(variance, (k, draws)))
    fitted = fit(many, 1 / (variance + tau2))
    mean, total = fitted.mean(), fitted.weight.sum(axis=0)
    spread = (fitted.weight * fitted.residual**2).sum(axis=0) / ((k - 1) * total)
    scaled_t = rng.standard_t(k - 1, draws)
    further = mean + rng.standard_normal(draws) * np.sqrt(tau2) - scaled_t * np.sqrt(spread)
    low, high = np.quantile(further, [(1 - level) / 2, (1 + level) / 2])
    return np.full(pooled.shape, low), np.full(pooled.shape, high)


def _draw_tau2(studies: Studies, uniform: FloatArray) -> FloatArray:
    """Return the tau2 at which the observed Q, weights 1/v, has an upper tail of `uniform`."""
    observed = generalised_q(studies, np.zeros(1))
    variance = studies.finite_variance()
    weight = np.where(studies.inside, 1 / studies.variance, 0.0)
    # P(Q >= observed) rises in tau2 from its value at 0 to 1.
    top = float(variance.max())
    inside = studies.inside

    def above(tau2: FloatArray) -> FloatArray:
        many = np.broadcast_to(weight, (weight.shape[0], tau2.size))
        q = np.broadcast_to(observed, tau2.shape)
        return 1 - quadratic_form_cdf(q, many, np.where(inside, variance + tau2, 0.0))

    while above(np.array([top]))[0] < uniform.max() and top < 1e12 * float(variance.max()):
        top *= 4
    # Points close together where tau2 is small, and as far apart as the tail is flat.
    grid = np.concatenate([[0.0], np.geomspace(top * 1e-9, top, _GRID)])
    probability = np.maximum.accumulate(above(grid))
    drawn: FloatArray = np.interp(uniform, probability, grid)
    return np.where(uniform <= probability[0], 0.0, drawn)


def _estimate(
    pooled: PooledEstimate,
    low: FloatArray,
    high: FloatArray,
    level: float,
    method: str,
    std_error: FloatArray | None,
) -> Estimate:
    backward = scale_of(pooled.effects.scale).backward
    return Estimate(
        measure=pooled.effects.measure,
        value=backward(pooled.mean),
        low=backward(low),
        high=backward(high),
        confidence_level=level,
        std_error=std_error,
        scale=pooled.effects.scale,
        method=method,
    )
