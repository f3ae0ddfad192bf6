"""The pooled rows of a forest plot: checked, named, each with the prediction interval that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.pooled import describe_model
from analysis.values.estimate import EffectSizes, Estimate

__all__ = ["Pooled", "Summary", "prediction_label", "summaries_of", "summary_labels"]

Pooled: TypeAlias = PooledEstimate | Sequence[tuple[str, Estimate | PooledEstimate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One pooled row: its name, its estimate, and the meta-analysis that it comes from, if any."""

    label: str
    estimate: Estimate
    pooled: PooledEstimate | None

    @property
    def prediction(self) -> tuple[float, float] | None:
        """Limits of the prediction interval, where there is one."""
        if self.pooled is None:
            return None
        low, high = float(self.pooled.prediction.low), float(self.pooled.prediction.high)
        return None if math.isnan(low) or math.isnan(high) else (low, high)


def summaries_of(effects: EffectSizes, pooled: Pooled | None) -> tuple[Summary, ...]:
    """Return the rows that `pooled` asks for; a value of the wrong type, shape or measure is named."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    if len(effects.shape) > 1:
        raise ValueError(
            f"`effects` must be one set of studies, of shape (k,), but has shape {effects.shape}."
        )
    if pooled is None:
        return ()
    if isinstance(pooled, PooledEstimate):
        pooled = [(describe_model(pooled), pooled)]
    summaries = []
    for label, result in pooled:
        meta = result if isinstance(result, PooledEstimate) else None
        estimate = result.estimate if isinstance(result, PooledEstimate) else result
        if not isinstance(estimate, Estimate):
            raise TypeError(
                f"`pooled` must hold Estimate or PooledEstimate, but {label!r} is {type(result).__name__}."
            )
        if estimate.value.size != 1:
            raise ValueError(
                f"`pooled` must be one estimate a row, but {label!r} has shape {estimate.shape}; "
                "a leading axis of replicates is drawn one figure each."
            )
        if estimate.measure != effects.measure and "GEN" not in {estimate.measure, effects.measure}:
            raise ValueError(
                f"`pooled` must be of the measure of the effects, {effects.measure}, "
                f"but {label!r} is of {estimate.measure}."
            )
        if meta is not None and meta.weights.size != effects.effect.size:
            raise ValueError(
                f"`pooled` must be of these {effects.effect.size} studies, "
                f"but {label!r} has {meta.weights.size} weights."
            )
        summaries.append(Summary(label=label, estimate=estimate, pooled=meta))
    return tuple(summaries)


def prediction_label(summary: Summary) -> str:
    """Return "95% prediction interval", at the level of the summary."""
    return f"{100 * summary.estimate.confidence_level:g}% prediction interval"


def summary_labels(summaries: Sequence[Summary]) -> list[str]:
    """Return the names of all rows, prediction intervals among them."""
    labels = []
    for summary in summaries:
        labels.append(summary.label)
        if summary.prediction is not None:
            labels.append(prediction_label(summary))
    return labels
