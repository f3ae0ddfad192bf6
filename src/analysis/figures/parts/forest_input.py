"""What a forest plot is drawn from, in one shape whatever result it comes from, checked.

A plain set of studies, a meta-analysis, subgroups, and the steps of a cumulative or leave-one-out analysis
become the same thing: estimates with intervals in rows, and pooled results that belong to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from analysis.figures.parts.summaries import Summary, analysis_of, check_one_set, summaries_of
from analysis.meta.influence import PooledSteps
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.subgroups import Subgroups
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.parts.summaries import Pooled
    from analysis.values.arrays import FloatArray
    from analysis.values.risk_of_bias import RiskOfBias

__all__ = ["Counts", "Drawable", "ForestInput", "forest_input"]

Drawable: TypeAlias = EffectSizes | PooledEstimate | Subgroups | PooledSteps
Counts: TypeAlias = TwoByTwo | TwoRates | Proportion | Rate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForestInput:
    """Rows and pooled results of a forest plot.

    Parameters
    ----------
    measure : str
        metafor's code.
    labels : tuple of str
        One a row.
    intervals : Estimate
        Of shape (k,): what each row shows.
    std_error : ndarray
        Of the rows, on the analysis scale.
    summaries : tuple of Summary
        Over all studies.
    subtotals : tuple of Summary
        One a subgroup.
    groups : Subgroups or None
        The subgroups that they are of.
    steps : PooledSteps or None
        The steps that the rows are, where they are no studies.
    table : counts or None
        Of shape (k,).
    risk_of_bias : RiskOfBias or None
        In the order of the rows.
    """

    measure: str
    labels: tuple[str, ...]
    intervals: Estimate
    std_error: FloatArray
    summaries: tuple[Summary, ...]
    subtotals: tuple[Summary, ...]
    groups: Subgroups | None
    steps: PooledSteps | None
    table: Counts | None
    risk_of_bias: RiskOfBias | None

    @property
    def k(self) -> int:
        """Number of rows."""
        return len(self.labels)

    @property
    def level(self) -> float:
        """Confidence level of the intervals."""
        return self.intervals.confidence_level

    @property
    def weights(self) -> FloatArray | None:
        """Weights in percent by which squares are drawn: those of the first meta-analysis of all studies."""
        for summary in self.summaries:
            if summary.analysis is not None and self.steps is None:
                return summary.analysis.weights
        return None if self.groups is None else np.ravel(self.groups.overall.weights)

    @property
    def weights_within(self) -> FloatArray | None:
        """Weights in percent of each study's own subgroup."""
        if self.groups is None:
            return None
        weights = np.zeros(self.k)
        for subtotal in self.subtotals:
            if subtotal.analysis is not None:
                weights += subtotal.analysis.weights
        return weights

    @property
    def members(self) -> tuple[int | None, ...]:
        """Number of the subgroup that each study is in."""
        if self.groups is None:
            return (None,) * self.k
        inside = self.groups.pooled.where
        if inside is None:
            return (0,) * self.k
        return tuple(int(column.argmax()) if column.any() else None for column in np.asarray(inside).T)


def forest_input(
    effects: Drawable,
    *,
    pooled: Pooled | None = None,
    intervals: Estimate | None = None,
    table: Counts | None = None,
    risk_of_bias: RiskOfBias | None = None,
    overall: bool = True,
) -> ForestInput:
    """Check what is to be drawn, and bring it into one shape."""
    steps, studies = None, None
    if isinstance(effects, PooledEstimate):
        pooled = effects if pooled is None else pooled
        studies = effects.effects
    elif isinstance(effects, Subgroups):
        pooled = effects if pooled is None else pooled
        studies = effects.overall.effects
    elif isinstance(effects, PooledSteps):
        steps = effects
    else:
        studies = effects
    # Subgroups keep their headings and diamonds beside another result for all studies.
    groups = next((given for given in (pooled, effects) if isinstance(given, Subgroups)), None)
    if steps is not None:
        drawn, labels, std_error = _steps(steps, groups)
        summaries = summaries_of(drawn.measure, None, pooled)
    else:
        chosen = check_one_set(studies)
        k = chosen.effect.size
        labels = chosen.label or tuple(f"Study {i + 1}" for i in range(k))
        std_error = np.atleast_1d(chosen.std_error)
        summaries = summaries_of(chosen.measure, k, pooled)
        level = summaries[0].estimate.confidence_level if summaries else 0.95
        with np.errstate(invalid="ignore", over="ignore"):
            drawn = chosen.interval(confidence_level=level)
        drawn = drawn if drawn.shape else drawn[np.newaxis]
    measure = drawn.measure
    if intervals is not None:
        drawn = _own_intervals(intervals, drawn)
    _check_table(table, len(labels))
    return ForestInput(
        measure=measure,
        labels=labels,
        intervals=drawn,
        std_error=std_error,
        summaries=summaries if overall else (),
        subtotals=() if groups is None else _subtotals(groups),
        groups=groups,
        steps=steps,
        table=table,
        risk_of_bias=None if risk_of_bias is None else _in_order(risk_of_bias, labels),
    )


def _steps(steps: PooledSteps, groups: Subgroups | None) -> tuple[Estimate, tuple[str, ...], FloatArray]:
    estimate = steps.estimate
    if len(estimate.shape) != 1:
        raise ValueError(
            "`effects` must be the steps of one meta-analysis, of shape (m,), "
            f"but has shape {estimate.shape}."
        )
    if groups is not None:
        raise TypeError("`pooled` must not be Subgroups where the rows are steps of a meta-analysis.")
    return estimate, steps.label, np.ravel(steps.pooled.std_error)


def _subtotals(groups: Subgroups) -> tuple[Summary, ...]:
    if groups.pooled.shape != (len(groups.names),):
        raise ValueError(
            f"`pooled` must be subgroups of one set of studies, but has shape {groups.pooled.shape}."
        )
    subtotals = []
    for number, name in enumerate(groups.names):
        analysis = analysis_of(groups.pooled, number)
        subtotals.append(Summary(label=name, estimate=analysis.estimate, analysis=analysis, group=number))
    return tuple(subtotals)


def _own_intervals(intervals: Estimate, drawn: Estimate) -> Estimate:
    if not isinstance(intervals, Estimate):
        raise TypeError(f"`intervals` must be an Estimate, but got {type(intervals).__name__}.")
    own = intervals if intervals.shape else intervals[np.newaxis]
    if own.shape != drawn.shape:
        raise ValueError(
            f"`intervals` must have one entry a row, shape {drawn.shape}, but has {intervals.shape}."
        )
    return own


def _check_table(table: Counts | None, k: int) -> None:
    if table is None:
        return
    if not isinstance(table, (TwoByTwo, TwoRates, Proportion, Rate)):
        raise TypeError(
            f"`table` must be TwoByTwo, TwoRates, Proportion or Rate, but got {type(table).__name__}."
        )
    if (table.shape or (1,)) != (k,):
        raise ValueError(f"`table` must have the shape of the effects, ({k},), but has {table.shape}.")


def _in_order(risk_of_bias: RiskOfBias, labels: Sequence[str]) -> RiskOfBias:
    """Return the judgements in the order of the rows, by their labels."""
    from analysis.values.risk_of_bias import RiskOfBias as RiskOfBiasType

    if not isinstance(risk_of_bias, RiskOfBiasType):
        raise TypeError(f"`risk_of_bias` must be RiskOfBias, but got {type(risk_of_bias).__name__}.")
    if tuple(risk_of_bias.label) == tuple(labels):
        return risk_of_bias
    known = {label: number for number, label in enumerate(risk_of_bias.label)}
    lacking = [label for label in labels if label not in known]
    if lacking:
        raise ValueError(
            f"`risk_of_bias` must judge every study, but lacks {lacking[0]!r}; "
            f"it has {', '.join(map(repr, risk_of_bias.label))}."
        )
    if len(known) != len(risk_of_bias) or len(set(labels)) != len(labels):
        raise ValueError(
            "`risk_of_bias` must have the studies in the order of the effects where two have the same label."
        )
    return risk_of_bias[[known[label] for label in labels]]
