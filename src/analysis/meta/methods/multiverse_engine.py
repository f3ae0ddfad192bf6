"""The specifications of a multiverse, all computed at once, for any signs of the studies' effects.

What is not free is decided here: which choices go together, and which make no difference to a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool
from analysis.meta.sparse import pool_mantel_haenszel, pool_peto
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes
from analysis.values.scale import scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.meta.methods.sparse_result import PooledTables
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray, FloatArray

    Data = TwoByTwo | TwoRates | EffectSizes

__all__ = ["NEEDED_TAU2", "ZERO_HANDLING", "Engine", "Fits", "Specification", "plan"]

# What an interval is built on, where it is not free.
NEEDED_TAU2 = {"kenward-roger": "REML", "profile": "ML", "profile-bartlett": "ML", "henmi-copas": "DL"}
ZERO_HANDLING: dict[str, dict[str, Any]] = {
    "only-zero": {"correction": 0.5, "correct": "only-zero"},
    "all": {"correction": 0.5, "correct": "all"},
    "drop-double-zero": {"correction": 0.5, "correct": "only-zero", "drop_double_zero": True},
    "none": {"correction": 0.0, "correct": "none"},
}
_UNUSED = "none"


class Specification(NamedTuple):
    """One way to do the meta-analysis; "none" where a choice makes no difference."""

    include: str
    measure: str
    correction: str
    model: str
    tau2_method: str
    ci_method: str


class Fits(NamedTuple):
    """What every specification finds: shape (specifications,), or (draws, specifications); analysis scale."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    pvalue: FloatArray
    tau2: FloatArray
    i2: FloatArray
    n_studies: FloatArray


class _Sets(NamedTuple):
    """Effects of the studies under some measures and corrections, one row a set that has a study."""

    names: list[tuple[str, str, str]]
    effect: FloatArray
    variance: FloatArray
    where: BoolArray


class Engine(NamedTuple):
    """The data, ready to be pooled under every specification."""

    data: Data
    measures: Sequence[str]
    masks: BoolArray
    rules: Sequence[str]
    sets: _Sets
    models: list[tuple[str, str, str]]

    def specifications(self) -> list[Specification]:
        """Return the specifications in the order of the fits."""
        listed = []
        for model, tau2, ci in self.models:
            if model in {"random", "common"}:
                for rule, measure, correction in self.sets.names:
                    listed.append(Specification(rule, measure, correction, model, tau2, ci))
            else:
                for measure in _measures_of(model, self.measures):
                    listed += [Specification(rule, measure, _UNUSED, model, tau2, ci) for rule in self.rules]
        return listed

    def fit(self, level: float, flipped: BoolArray | None = None) -> Fits:
        """Pool under every specification.

        Parameters
        ----------
        level : float
            Confidence level.
        flipped : ndarray of bool, shape (draws, k), optional
            Studies whose effect changes its sign: whose groups are swapped.
        """
        parts = []
        for model, tau2, ci in self.models:
            if model in {"random", "common"}:
                effect = self.sets.effect
                if flipped is not None:
                    effect = np.where(flipped[:, np.newaxis], -effect, effect)
                pooled = pool(
                    EffectSizes(effect=effect, variance=self.sets.variance, measure=self.measures[0]),
                    model=model,
                    tau2="REML" if tau2 == _UNUSED else tau2,
                    ci=ci,
                    where=self.sets.where,
                    confidence_level=level,
                )
                parts.append(_of_effects(pooled, whole=flipped is None))
            else:
                tables = _swapped(self.data, flipped)
                parts += [
                    _of_tables(tables, measure, model, self.masks, level)
                    for measure in _measures_of(model, self.measures)
                ]
        return Fits(*(np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True)))


def plan(
    data: Data,
    masks: BoolArray,
    rules: Sequence[str],
    *,
    measures: Sequence[str],
    corrections: Sequence[str],
    tau2: Sequence[str],
    ci: Sequence[str],
    models: Sequence[str],
) -> tuple[Engine, list[str]]:
    """Return what computes the specifications, and one line on every combination that is none."""
    skipped: list[str] = []
    sets = _sets(data, masks, rules, measures, corrections, skipped)
    chosen: list[tuple[str, str, str]] = []
    for model in models:
        if model in {"random", "common"}:
            found = _of_model(model, tau2, ci, skipped)
            # Without a finite effect there is nothing to pool by inverse variance.
            chosen += found if sets.names else []
            continue
        if len(tau2) * len(ci) * len(corrections) > 1:
            skipped.append(
                f'model="{model}" has no correction and no tau2, and a normal interval: counted once.'
            )
        others = [measure for measure in measures if measure not in _measures_of(model, measures)]
        if others:
            skipped.append(f'model="{model}" with measure {_listed(others)}: it has none.')
        if len(others) < len(measures):
            chosen.append((model, _UNUSED, "wald"))
    return Engine(data, measures, masks, rules, sets, chosen), skipped


def _of_model(
    model: str, tau2: Sequence[str], ci: Sequence[str], skipped: list[str]
) -> list[tuple[str, str, str]]:
    """Return the specifications of pooling by inverse variance."""
    chosen = []
    if model == "common" and len(tau2) > 1:
        skipped.append('model="common" has no tau2: counted once, not once for each tau2.')
    for interval in ci:
        needed = NEEDED_TAU2.get(interval)
        if model == "common":
            if needed is None:
                chosen.append((model, _UNUSED, interval))
            else:
                skipped.append(f'ci="{interval}" with model="common": it is built on random effects.')
            continue
        fitting = [method for method in tau2 if needed in {None, method}]
        others = [method for method in tau2 if method not in fitting]
        if others:
            skipped.append(f'ci="{interval}" with tau2 {_listed(others)}: it is built on tau2="{needed}".')
        chosen += [(model, method, interval) for method in fitting]
    return chosen


def _sets(
    data: Data,
    masks: BoolArray,
    rules: Sequence[str],
    measures: Sequence[str],
    corrections: Sequence[str],
    skipped: list[str],
) -> _Sets:
    names, effects, variances, wheres = [], [], [], []
    for measure in measures:
        for correction in corrections:
            if isinstance(data, EffectSizes):
                found = data
            else:
                found = effect_sizes(data, measure, **ZERO_HANDLING[correction])
            known = np.isfinite(found.effect) & (found.variance > 0) & (found.variance < np.inf)
            for rule, mask in zip(rules, masks, strict=True):
                where = mask & known
                if not where.any():
                    skipped.append(
                        f'include="{rule}" with measure="{measure}" and correction="{correction}": no study '
                        "has a finite effect."
                    )
                    continue
                names.append((rule, measure, correction))
                effects.append(np.where(known, found.effect, 0.0))
                variances.append(np.where(known, found.variance, 1.0))
                wheres.append(where)
    k = masks.shape[-1]
    return _Sets(
        names,
        np.array(effects).reshape(-1, k),
        np.array(variances).reshape(-1, k),
        np.array(wheres, dtype=bool).reshape(-1, k),
    )


def _measures_of(model: str, measures: Sequence[str]) -> list[str]:
    """Return the measures that a model of tables is defined for."""
    known = {"OR", "RR", "RD", "IRR", "IRD"}
    if model == "peto":
        # Peto's pooled odds ratio is one, whether his or the plain one is asked for.
        known = {"OR"} if "OR" in measures else {"PETO"}
    return [measure for measure in measures if measure in known]


def _listed(values: Sequence[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _of_effects(pooled: PooledEstimate, *, whole: bool) -> Fits:
    estimate = pooled.estimate
    shape = pooled.shape
    forward = scale_of(estimate.scale).forward
    low, high = forward(estimate.low), forward(estimate.high)
    pvalue = np.full(shape, np.nan) if estimate.pvalue is None else estimate.pvalue
    counts = np.broadcast_to(pooled.n_studies, shape)
    # Draws are asked for their limits alone.
    i2 = pooled.i2 if whole else np.full(shape, np.nan)
    return Fits(pooled.mean, low, high, pvalue, pooled.tau2, i2, counts)


def _of_tables(tables: Data, measure: str, model: str, masks: BoolArray, level: float) -> Fits:
    fit: PooledTables
    if model == "peto" and isinstance(tables, TwoByTwo):
        fit = pool_peto(tables, where=masks, confidence_level=level)
    elif isinstance(tables, (TwoByTwo, TwoRates)):
        fit = pool_mantel_haenszel(tables, measure=measure, where=masks, confidence_level=level)
    estimate = fit.estimate
    forward = scale_of(estimate.scale).forward
    mean, low, high = (forward(x) for x in (estimate.value, estimate.low, estimate.high))
    pvalue = np.full(mean.shape, np.nan) if estimate.pvalue is None else estimate.pvalue
    return Fits(mean, low, high, pvalue, np.full(mean.shape, np.nan), fit.i2, fit.n_studies)


def _swapped(data: Data, flipped: BoolArray | None) -> Data:
    """Return the tables with the groups of some studies swapped, one axis more in front of them."""
    if flipped is None or isinstance(data, EffectSizes):
        return data
    names = ("cases", "total") if isinstance(data, TwoByTwo) else ("events", "time")
    arrays = {}
    for name in names:
        exposed, control = getattr(data, f"exposed_{name}"), getattr(data, f"control_{name}")
        arrays[f"exposed_{name}"] = np.where(flipped, control, exposed)[:, np.newaxis]
        arrays[f"control_{name}"] = np.where(flipped, exposed, control)[:, np.newaxis]
    return type(data)(**arrays)
