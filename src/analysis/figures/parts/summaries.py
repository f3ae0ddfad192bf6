"""The pooled rows of a forest plot: checked, named, each with the prediction interval that belongs to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.subgroups import Subgroups
from analysis.tables.pooled import describe_model
from analysis.values.estimate import EffectSizes, Estimate

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "Analysis",
    "Pooled",
    "Summary",
    "analysis_of",
    "check_one_set",
    "prediction_label",
    "summaries_of",
    "summary_labels",
]

Pooled: TypeAlias = PooledEstimate | Subgroups | Sequence[tuple[str, Estimate | PooledEstimate]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """One meta-analysis of the array that a `PooledEstimate` may hold.

    Parameters
    ----------
    estimate : Estimate
        Of shape ().
    prediction : tuple of float or None
        Limits of the prediction interval on the reporting scale.
    weights : ndarray
        In percent, one a study.
    pooled : PooledEstimate
        Where it comes from.
    index : int or None
        Its place there; None where `pooled` is a single one.
    """

    estimate: Estimate
    prediction: tuple[float, float] | None
    weights: FloatArray
    pooled: PooledEstimate
    index: int | None

    def number(self, name: str) -> float:
        """Return a number of the result, such as "tau2"."""
        values = np.ravel(getattr(self.pooled, name))
        return float(values[0 if self.index is None or values.size == 1 else self.index])

    @property
    def test(self) -> tuple[float, float, float] | None:
        """Statistic, degrees of freedom (infinite for z) and P-value of no effect, where there is a test."""
        if self.estimate.pvalue is None or not np.isfinite(self.estimate.pvalue).all():
            return None
        statistic = self.number("mean") / self.number("std_error")
        return statistic, self.number("mean_df"), float(self.estimate.pvalue)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Summary:
    """One pooled row: its name, its estimate, and the meta-analysis that it comes from, if any.

    `group` is the number of the subgroup that it is of, None for all studies; `named` tells whether the
    caller chose the name.
    """

    label: str
    estimate: Estimate
    analysis: Analysis | None
    group: int | None = None
    named: bool = False

    @property
    def prediction(self) -> tuple[float, float] | None:
        """Limits of the prediction interval, where there is one."""
        return None if self.analysis is None else self.analysis.prediction


def analysis_of(pooled: PooledEstimate, index: int | None = None) -> Analysis:
    """Return one of the meta-analyses that `pooled` holds."""

    def one(values: FloatArray) -> float:
        return float(np.ravel(values)[0 if index is None else index])

    low, high = one(pooled.prediction.low), one(pooled.prediction.high)
    size = pooled.weights.shape[-1]
    return Analysis(
        estimate=_single(pooled.estimate, index),
        prediction=None if math.isnan(low) or math.isnan(high) else (low, high),
        weights=pooled.weights.reshape(-1, size)[0 if index is None else index],
        pooled=pooled,
        index=index,
    )


def _single(estimate: Estimate, index: int | None) -> Estimate:
    if index is not None:
        return estimate[index]
    return estimate[(0,) * len(estimate.shape)] if estimate.shape else estimate


def check_one_set(effects: object) -> EffectSizes:
    """Return the effects if they are one set of studies."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            "`effects` must be EffectSizes, PooledEstimate, Subgroups or PooledSteps, "
            f"but got {type(effects).__name__}."
        )
    if len(effects.shape) > 1:
        raise ValueError(
            f"`effects` must be one set of studies, of shape (k,), but has shape {effects.shape}."
        )
    return effects


def summaries_of(measure: str, studies: int | None, pooled: Pooled | None) -> tuple[Summary, ...]:
    """Return the rows over all studies that `pooled` asks for; what is wrong with it is named.

    Parameters
    ----------
    measure : str
        Of the studies.
    studies : int or None
        How many there are; None where that does not matter.
    pooled : PooledEstimate, Subgroups or sequence of pairs, optional
        What is drawn.
    """
    if pooled is None:
        return ()
    if isinstance(pooled, Subgroups):
        pooled = pooled.overall
    named = not isinstance(pooled, PooledEstimate)
    if isinstance(pooled, PooledEstimate):
        pooled = [(describe_model(pooled), pooled)]
    summaries = []
    for label, result in _pairs(pooled):
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
        if estimate.measure != measure and "GEN" not in {estimate.measure, measure}:
            raise ValueError(
                f"`pooled` must be of the measure of the effects, {measure}, "
                f"but {label!r} is of {estimate.measure}."
            )
        analysis = analysis_of(result) if isinstance(result, PooledEstimate) else None
        if analysis is not None and studies is not None and analysis.weights.size != studies:
            raise ValueError(
                f"`pooled` must be of these {studies} studies, "
                f"but {label!r} has {analysis.weights.size} weights."
            )
        summaries.append(
            Summary(label=label, estimate=_single(estimate, None), analysis=analysis, named=named)
        )
    return tuple(summaries)


def _pairs(pooled: object) -> list[tuple[str, Estimate | PooledEstimate]]:
    if isinstance(pooled, (str, bytes)) or not isinstance(pooled, Sequence):
        raise TypeError(
            "`pooled` must be PooledEstimate, Subgroups or a sequence of (name, result), "
            f"but got {type(pooled).__name__}."
        )
    pairs = []
    for item in pooled:
        if not (isinstance(item, (tuple, list)) and len(item) == 2):
            raise TypeError(
                f"`pooled` must be a sequence of (name, result), but holds {type(item).__name__}."
            )
        pairs.append((str(item[0]), item[1]))
    return pairs


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
