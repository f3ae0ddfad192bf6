"""Diagnostics from the fit of all studies and those of all but one; formulas in `analysis.meta.influence`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.influence_results import BestLinearPredictions, Influence
from analysis.values.distributions import normal_quantile, t_quantile
from analysis.values.estimate import Estimate
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from analysis.meta.methods.influence_studies import Entering
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray

__all__ = ["diagnose", "shrink"]


def diagnose(chosen: Entering, every: PooledEstimate, others: PooledEstimate) -> Influence:
    """Return the diagnostics, from the fits of all studies (...) and of all but one (..., k)."""
    _refuse_no_spread(every.std_error, others.std_error)
    y, v = chosen.effect, chosen.variance
    mean, error, between = (
        np.reshape(array, (*y.shape[:-1], 1)) for array in (every.mean, every.std_error, every.tau2)
    )
    weight = 1 / (v + between)
    total = weight.sum(axis=-1, keepdims=True)
    hat = weight / total
    left = chosen.all_but_one()
    # Weights at the tau2 of all but one: (..., k left out, k).
    at_others = 1 / (v[..., np.newaxis, :] + others.tau2[..., np.newaxis])
    factor: FloatArray | float = 1.0
    if others.ci_method.startswith("hartung-knapp"):
        factor = others.std_error**2 * np.where(left, at_others, 0.0).sum(axis=-1)
    own = factor * (v + others.tau2)
    change = mean - others.mean
    deleted, deleted_error = y - others.mean, np.sqrt(own + others.std_error**2)
    # v + tau2 - 1/Σw as the weight of the others over that of all: no difference of nearly equal numbers.
    of_others = np.where(left, weight[..., np.newaxis, :], 0.0).sum(axis=-1)
    residual, residual_error = y - mean, np.sqrt(of_others / (weight * total))
    dffits = change / np.sqrt(hat * own)
    cooks_distance = change**2 / error**2
    dfbetas = change / np.sqrt(factor / at_others.sum(axis=-1))
    k = y.shape[-1]
    return Influence(
        label=chosen.label,
        study=chosen.study,
        rstudent=deleted / deleted_error,
        rstudent_residual=deleted,
        rstudent_std_error=deleted_error,
        rstandard=residual / residual_error,
        rstandard_residual=residual,
        rstandard_std_error=residual_error,
        dffits=dffits,
        cooks_distance=cooks_distance,
        covariance_ratio=others.std_error**2 / error**2,
        tau2_deleted=others.tau2,
        q_deleted=others.q,
        hat=hat,
        weight=100 * hat,
        dfbetas=dfbetas,
        influential=(
            (np.abs(dffits) > 3 / np.sqrt(k - 1))
            | (cooks_distance > normal_quantile(0.75) ** 2)
            | (hat > 3 / k)
            | (np.abs(dfbetas) > 1)
        ),
    )


def shrink(chosen: Entering, pooled: PooledEstimate) -> BestLinearPredictions:
    """Return the predictions of the true effects from the fit of all studies."""
    y, v = chosen.effect, chosen.variance
    mean, between, error = (array[..., np.newaxis] for array in (pooled.mean, pooled.tau2, pooled.std_error))
    share = between / (v + between)
    predicted = share * y + (1 - share) * mean
    predicted_error = np.sqrt(share * v + (1 - share) ** 2 * error**2)
    deviation = share * (y - mean)
    deviation_error = np.sqrt(share * v + share**2 * error**2)
    probability = (1 + pooled.confidence_level) / 2
    normal = pooled.ci_method == "wald"
    quantile = normal_quantile(probability) if normal else t_quantile(probability, y.shape[-1] - 1)
    backward = scale_of(chosen.effects.scale).backward
    return BestLinearPredictions(
        label=chosen.label,
        study=chosen.study,
        prediction=Estimate(
            measure=chosen.effects.measure,
            value=backward(predicted),
            low=backward(predicted - quantile * predicted_error),
            high=backward(predicted + quantile * predicted_error),
            confidence_level=pooled.confidence_level,
            std_error=predicted_error,
            scale=chosen.effects.scale,
            method="best-linear-prediction",
        ),
        random_effect=deviation,
        random_effect_std_error=deviation_error,
        random_effect_low=deviation - quantile * deviation_error,
        random_effect_high=deviation + quantile * deviation_error,
        shrinkage=1 - share,
        pooled=pooled,
    )


def _refuse_no_spread(every: FloatArray, others: FloatArray) -> None:
    fault = (others == 0) | (every == 0)[..., np.newaxis]
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"The Hartung-Knapp standard error must not be 0, but is without the study at index "
            f"{index[0] if len(index) == 1 else index}: the effects are equal. Use ci='wald'."
        )
