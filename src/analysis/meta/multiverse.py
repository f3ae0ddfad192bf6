"""The meta-analyses that one set of studies could have had: every combination of defensible choices.

Which combinations exist and how they are computed is in `methods.multiverse_engine`; subsets of the studies
without a rule behind them are in `gosh`, one study left out at a time in `influence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.heterogeneity import TAU2_METHODS
from analysis.meta.methods.multiverse_engine import ZERO_HANDLING, Fits, plan
from analysis.meta.methods.multiverse_result import ExplainedVariance, JointTest, Multiverse
from analysis.meta.pooling import INTERVALS
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray

    Rule = ArrayLike | Callable[..., ArrayLike]

__all__ = ["ExplainedVariance", "JointTest", "Multiverse", "multiverse"]

_MODELS = ("random", "common", "mantel-haenszel", "peto")
_MEASURES: dict[type, tuple[str, ...]] = {
    TwoByTwo: ("OR", "RR", "RD", "AS", "PETO"),
    TwoRates: ("IRR", "IRD"),
}


def multiverse(
    data: TwoByTwo | TwoRates | EffectSizes,
    *,
    include: Mapping[str, Rule] | None = None,
    measures: Sequence[str] | None = None,
    corrections: Sequence[str] = ("only-zero",),
    tau2: Sequence[str] = ("REML",),
    ci: Sequence[str] = ("hartung-knapp-adhoc",),
    models: Sequence[str] = ("random",),
    confidence_level: float = 0.95,
) -> Multiverse:
    """Pool the studies under every combination of choices.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        Shape (k,): one set of studies.
    include : mapping of str to mask or function, optional
        Rules of inclusion by name: a boolean array of shape (k,), or a function of the data that returns
        one. By default one rule, "all".
    measures : sequence of str, optional
        TwoByTwo: "OR" (default), "RR", "RD", "AS", "PETO"; TwoRates: "IRR" (default), "IRD"; all on one
        scale, else their estimates could not stand side by side. EffectSizes have theirs.
    corrections : sequence of {"only-zero", "all", "drop-double-zero", "none"}, default ("only-zero",)
        What is done about empty cells: 1/2 in the studies with one, 1/2 in all studies, the first but without
        studies that have no events (or only events) in both groups, or nothing, so that a study without a
        finite effect drops out. EffectSizes are taken as they are.
    tau2, ci : sequence of str
        As for `pool`, without the estimators that need weights.
    models : sequence of {"random", "common", "mantel-haenszel", "peto"}, default ("random",)
        The last two take the tables as they are.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Multiverse

    Raises
    ------
    TypeError
        If `data` is of another type, or a rule does not give booleans.
    ValueError
        If the data have more than one axis, an option is unknown or named twice, measures are of different
        scales, a rule leaves no study, or no combination is possible.
    ConvergenceError
        If tau2 does not converge under one of them.

    Notes
    -----
    A specification that is as defensible as the next is the reader's judgement, not the program's: a share of
    specifications is no probability.

    References
    ----------
    Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W (2016). Increasing transparency through a multiverse
    analysis. Perspect Psychol Sci 11:702-712. DOI 10.1177/1745691616658637

    Voracek M, Kossmeier M, Tran US (2019). Which data to meta-analyze, and how? A specification-curve and
    multiverse-analysis approach to meta-analysis. Z Psychol 227:64-82. DOI 10.1027/2151-2604/a000357

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> trials = TwoByTwo(exposed_cases=[4, 6, 3, 62, 33], exposed_total=[123, 306, 231, 13598, 5069],
    ...                   control_cases=[11, 29, 11, 248, 47], control_total=[139, 303, 220, 12867, 5808])
    >>> result = multiverse(trials, measures=["OR", "RR"], tau2=["DL", "REML"], ci=["wald", "t"],
    ...                     include={"all": [True] * 5, "large": lambda table: table.exposed_total > 1000})
    >>> print(result)
    16 specifications: median 0.39, from 0.33 to 0.43; 50% below, 0% above, 50% include no effect
    """
    if not isinstance(data, (TwoByTwo, TwoRates, EffectSizes)):
        raise TypeError(f"`data` must be TwoByTwo, TwoRates or EffectSizes, but got {type(data).__name__}.")
    if len(data.shape) != 1:
        raise ValueError(f"`data` must be one set of studies, of shape (k,), but has shape {data.shape}.")
    level = check_confidence_level(confidence_level)
    free = tuple(name for name in TAU2_METHODS if name not in {"GENQ", "GENQM"})
    chosen_tau2, chosen_ci = _options("tau2", tau2, free), _options("ci", ci, INTERVALS)
    chosen_models = _options("models", models, _MODELS)
    if isinstance(data, EffectSizes):
        chosen_measures, chosen_corrections = _of_effects(data, measures, corrections, chosen_models)
    else:
        known = _MEASURES[type(data)]
        chosen_measures = known[:1] if measures is None else _options("measures", measures, known)
        chosen_corrections = _options("corrections", corrections, ZERO_HANDLING)
    scales = {measure_of(measure).scale for measure in chosen_measures}
    if len(scales) > 1:
        raise ValueError(
            f"`measures` must be of one scale, but {', '.join(chosen_measures)} are of {len(scales)}. Make a "
            "multiverse of each."
        )
    rules, masks = _rules(data, include)
    engine, skipped = plan(
        data,
        masks,
        rules,
        measures=chosen_measures,
        corrections=chosen_corrections,
        tau2=chosen_tau2,
        ci=chosen_ci,
        models=chosen_models,
    )
    if not engine.models:
        raise ValueError(f"No combination of the choices is possible: {' '.join(skipped)}")
    fits = Fits(*(read_only(column) for column in engine.fit(level)))
    if np.isnan(fits.mean).all():
        raise ValueError(
            "`data` must inform at least one specification, but no study has an event or all have."
        )
    return Multiverse(
        specifications=tuple(engine.specifications()),
        fits=fits,
        skipped=tuple(skipped),
        confidence_level=level,
        engine=engine,
    )


def _options(
    name: str, values: Sequence[str], known: Sequence[str] | Mapping[str, object]
) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"`{name}` must be a sequence of options, but got {values!r}; write [{values!r}].")
    listed = tuple(values)
    if not listed:
        raise ValueError(f"`{name}` must hold at least one option, but is empty.")
    for value in listed:
        check_choice(name, value, known)
    if len(set(listed)) < len(listed):
        raise ValueError(f"`{name}` must name an option once, but got {', '.join(listed)}.")
    return listed


def _of_effects(
    effects: EffectSizes, measures: Sequence[str] | None, corrections: Sequence[str], models: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if measures is not None or tuple(corrections) != ("only-zero",):
        raise ValueError("`measures` and `corrections` must be left out for EffectSizes, which have theirs.")
    tables = [model for model in models if model in {"mantel-haenszel", "peto"}]
    if tables:
        raise ValueError(f"`models` must be 'random' or 'common' for EffectSizes, but got {tables[0]!r}.")
    return (effects.measure,), ("none",)


def _rules(
    data: TwoByTwo | TwoRates | EffectSizes, include: Mapping[str, Rule] | None
) -> tuple[tuple[str, ...], BoolArray]:
    k = data.shape[0]
    if include is None:
        return ("all",), np.ones((1, k), dtype=bool)
    if not include:
        raise ValueError("`include` must hold at least one rule, but is empty.")
    masks = []
    for name, rule in include.items():
        mask = np.asarray(rule(data) if callable(rule) else rule)
        if mask.dtype != np.bool_:
            raise TypeError(f"`include` must give true/false, but rule {name!r} gives {mask.dtype}.")
        if mask.shape != (k,):
            raise ValueError(
                f"`include` must give one value for each of {k} studies, but rule {name!r} has shape "
                f"{mask.shape}."
            )
        if not mask.any():
            raise ValueError(f"`include` must leave at least one study, but rule {name!r} leaves none.")
        masks.append(mask)
    return tuple(include), np.array(masks)
