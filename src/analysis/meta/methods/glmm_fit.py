"""Fits of a mixed model: the common-effect version, starts, and standard deviations that turn out 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.glmm_maximum import Maximum, by_gauss_hermite, by_trapezoids, maximise

if TYPE_CHECKING:
    from analysis.meta.methods.glmm_maximum import Evaluate
    from analysis.meta.methods.glmm_model import MixedModel
    from analysis.values.arrays import FloatArray

__all__ = ["Fit", "fit_mixed_model"]

# A standard deviation below this is 0 up to rounding, for the likelihood is even in it.
_ZERO = 1e-5
# A standard deviation on a logarithmic scale that hardly any effect has: no search begins much beyond.
_FAR = 3.0
# Differences are taken over this part of a standard error.
_DIFFERENCE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A fitted mixed model.

    Parameters
    ----------
    effects : ndarray, shape (effects,)
        The shared effects.
    deviations : ndarray, shape (dimensions,)
        Standard deviations of the random effects, 0 where the likelihood is highest without them.
    effect_errors, deviation_errors : ndarray
        Their standard errors by the observed information of all together; NaN for a deviation of 0.
    own : ndarray, shape (k,)
        The studies' own effects.
    log_likelihood : float
        With all constants.
    """

    effects: FloatArray
    deviations: FloatArray
    effect_errors: FloatArray
    deviation_errors: FloatArray
    own: FloatArray
    log_likelihood: float


def fit_mixed_model(
    model: MixedModel, effects: FloatArray, own: FloatArray, *, name: str, nodes: int | None = None
) -> Fit:
    """Return the maximum-likelihood fit.

    Parameters
    ----------
    model : MixedModel
        With 0, 1 or 2 random effects; the last shared effect is the one that the last of them varies about.
    effects, own : ndarray
        Where to begin.
    name : str
        The model's name for errors.
    nodes : int, optional
        Adaptive Gauss-Hermite nodes; None integrates to rounding error.

    Notes
    -----
    Newton's method starts from a moment estimate of the variance. The likelihood can have a maximum at a
    variance of 0 beside one inside: where the first start ends inside, the fit without heterogeneity is its
    rival; where it ends at 0, a second start from a large variance. The higher of the two is taken.
    """
    fixed = model.without_random()
    common = maximise(fixed, by_trapezoids(fixed), effects, own, name=name)
    if model.dimensions == 0:
        return _report(model, common, ())
    moment = _moment_deviation(fixed, common)
    first = np.full(model.dimensions, moment)
    if model.effects == 2:
        # The studies' baselines vary whatever the effect does; their start need not be good.
        first[0] = 0.7
    best = _climb(model, common, first, name=name, nodes=nodes)
    rivals = []
    if (best.deviations == 0).any():
        far = np.clip(4 * first, 1.0, 2 * _FAR)
        rivals.append(_climb(model, common, far, name=name, nodes=nodes))
    if best.deviations[-1] > 0:
        rivals.append(_without_heterogeneity(model, common, name=name, nodes=nodes))
    for rival in rivals:
        if rival.log_likelihood > best.log_likelihood + 1e-9:
            best = rival
    return best


def _without_heterogeneity(model: MixedModel, common: Maximum, *, name: str, nodes: int | None) -> Fit:
    """Return the fit with the last standard deviation 0, in the form of the whole model's."""
    if model.dimensions == 1:
        return _report(model, common, ())
    reduced = model.without_random((0,))
    fit = fit_mixed_model(reduced, common.shared, common.own, name=name, nodes=nodes)
    return replace(
        fit,
        deviations=np.append(fit.deviations, 0.0),
        deviation_errors=np.append(fit.deviation_errors, np.nan),
    )


def _climb(model: MixedModel, common: Maximum, start: FloatArray, *, name: str, nodes: int | None) -> Fit:
    """Return the maximum that is reached from a start, refitted without what is 0."""
    shared = np.concatenate([common.shared[: model.effects], start])
    top = maximise(model, by_trapezoids(model), shared, common.own, name=name)
    if nodes is not None:
        evaluate, shared = _with_nodes(model, top, start, nodes)
        top = maximise(model, evaluate, shared, top.own, name=name)
    deviations = np.abs(top.shared[model.effects :])
    keep = tuple(int(i) for i in np.flatnonzero(deviations > _ZERO))
    if len(keep) == model.dimensions:
        return _report(model, top, keep)
    reduced = model.without_random(keep)
    shared = np.concatenate([top.shared[: model.effects], deviations[list(keep)]])
    refit = maximise(reduced, by_trapezoids(reduced), shared, top.own, name=name)
    if nodes is not None and keep:
        evaluate, shared = _with_nodes(reduced, refit, deviations[list(keep)], nodes)
        refit = maximise(reduced, evaluate, shared, refit.own, name=name)
    return _report(model, refit, keep)


def _with_nodes(
    model: MixedModel, exact: Maximum, start: FloatArray, nodes: int
) -> tuple[Evaluate, FloatArray]:
    """Return the evaluation by a given number of nodes and where to begin with it."""
    steps = _DIFFERENCE / np.sqrt(np.diag(exact.information))
    at = by_trapezoids(model)(exact.shared, exact.own)
    own_steps = _DIFFERENCE / np.sqrt(np.abs(at.hessian[:, -1, -1]))
    shared = exact.shared.copy()
    # A start at 0 could not leave it: the likelihood is even.
    inside = np.abs(shared[model.effects :])
    shared[model.effects :] = np.where(inside > _ZERO, inside, start)
    return by_gauss_hermite(model, nodes, steps, own_steps), shared


def _report(model: MixedModel, top: Maximum, keep: tuple[int, ...]) -> Fit:
    effects = model.effects
    deviations, deviation_errors = np.zeros(model.dimensions), np.full(model.dimensions, np.nan)
    errors = np.sqrt(np.diag(np.linalg.inv(top.information)))
    deviations[list(keep)] = np.abs(top.shared[effects:])
    deviation_errors[list(keep)] = errors[effects:]
    return Fit(
        effects=top.shared[:effects],
        effect_errors=errors[:effects],
        deviations=deviations,
        deviation_errors=deviation_errors,
        own=top.own,
        log_likelihood=top.value,
    )


def _moment_deviation(model: MixedModel, common: Maximum) -> float:
    """Return a between-study standard deviation by moments of the scores of the common-effect model."""
    at = by_trapezoids(model)(common.shared, common.own)
    column = model.effects - 1
    slope, weight = at.gradient[:, column], -at.hessian[:, column, column]
    if model.own is not None:
        cross, curvature = at.hessian[:, column, -1], -np.maximum(np.abs(at.hessian[:, -1, -1]), 1e-10)
        weight = weight + cross**2 / curvature
        slope = slope - cross * at.gradient[:, -1] / curvature
    weight = np.maximum(weight, 1e-10)
    q = (slope**2 / weight).sum()
    trace = weight.sum() - (weight**2).sum() / weight.sum()
    excess = (q - (weight.size - 1)) / trace if trace > 0 else 0.0
    # With no excess a start still has to lie off 0: half of a typical study's standard error.
    return float(np.clip(np.sqrt(max(excess, 0.25 / np.median(weight))), 1e-3, _FAR))
