"""Effect sizes for pooling: effect and sampling variance on the analysis scale, in metafor's codes.

The way back to proportions and rates lives in `back_transformation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np

from analysis.measures.methods.correction import CORRECT, check_correction, corrected_cells, where_corrected
from analysis.values.alternatives import AlternativeEffects
from analysis.values.arguments import check_choice
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.values.arrays import BoolArray, FloatArray

    Effects = tuple[FloatArray, FloatArray]

__all__ = ["alternative_effects", "double_arcsine", "double_square_root", "effect_sizes"]

_MEASURES: dict[type, tuple[str, ...]] = {
    TwoByTwo: ("RR", "OR", "RD", "AS", "PETO"),
    Proportion: ("PR", "PLN", "PLO", "PAS", "PFT"),
    Rate: ("IR", "IRLN", "IRS", "IRFT"),
    TwoRates: ("IRR", "IRD", "IRSD"),
}
# Their variance does not depend on the events: they need no correction, and by default get none.
_UNCORRECTED = frozenset({"AS", "PAS", "PFT", "IRS", "IRFT", "IRSD"})
# Which measures know another variance than the large-sample one.
_VARIANCES = {"unbiased": ("PR", "RD"), "average": ("PR", "PLN", "PLO", "RD")}


class HasTables(Protocol):
    """What knows all tables that a study may have, such as a `FeasibleSet`."""

    @property
    def tables(self) -> TwoByTwo:
        """The tables, of one axis."""


@overload
def effect_sizes(
    data: TwoByTwo | Proportion | Rate | TwoRates,
    measure: str,
    *,
    correction: float | None = ...,
    correct: str = ...,
    drop_double_zero: bool = ...,
    variance: str = ...,
    label: Sequence[str] | None = ...,
) -> EffectSizes: ...


@overload
def effect_sizes(
    data: Sequence[TwoByTwo | HasTables],
    measure: str,
    *,
    correction: float | None = ...,
    correct: str = ...,
    drop_double_zero: bool = ...,
    variance: str = ...,
    label: Sequence[str] | None = ...,
) -> AlternativeEffects: ...


def effect_sizes(
    data: TwoByTwo | Proportion | Rate | TwoRates | Sequence[TwoByTwo | HasTables],
    measure: str,
    *,
    correction: float | None = None,
    correct: str = "only-zero",
    drop_double_zero: bool = False,
    variance: str = "large-sample",
    label: Sequence[str] | None = None,
) -> EffectSizes | AlternativeEffects:
    """Compute effects and their sampling variances for `pool`.

    Parameters
    ----------
    data : TwoByTwo, Proportion, Rate, TwoRates, or sequence of TwoByTwo or FeasibleSet
        The last axis is studies, leading axes are replicates. A sequence holds for each study all tables that
        it may have, of one axis (from `feasible_tables` or `feasible_set`), or its one table.
    measure : str
        TwoByTwo: "RR", "OR", "RD", "AS" (difference of arcsines), "PETO" (Peto's log odds ratio).
        Proportion: "PR" (raw), "PLN" (log), "PLO" (logit), "PAS" (arcsine), "PFT" (Freeman and Tukey's double
        arcsine). Rate: "IR", "IRLN" (log), "IRS" (square root), "IRFT" (double square root). TwoRates: "IRR",
        "IRD", "IRSD" (difference of square roots).
    correction : float, optional
        Added to every cell (or event count) of the studies that `correct` chooses. Default 0.5, except for
        "AS", "PAS", "PFT", "IRS", "IRFT" and "IRSD", which need none; as metafor's `escalc` does.
    correct : {"only-zero", "all", "all-if-any-zero", "none"}, default "only-zero"
        Which studies are corrected: those with an empty cell, all, all if one has an empty cell, or none.
    drop_double_zero : bool, default False
        Whether a comparison with no events in either arm, or only events in both, becomes NaN: it carries
        no information about a ratio.
    variance : {"large-sample", "unbiased", "average"}, default "large-sample"
        "unbiased" ("PR", "RD") divides by n - 1; "average" ("PR", "PLN", "PLO", "RD") puts the proportion of
        all studies together into the formula, so that a weight does not depend on the study's own events.
    label : sequence of str, optional
        One name a study.

    Returns
    -------
    EffectSizes, or AlternativeEffects for a sequence
        On the analysis scale of the measure. `pool` makes of the latter the range of the pooled estimate over
        all sets of one table a study. Without correction, a study with an empty cell has an infinite
        effect or variance; `pool` refuses it by name.

    Raises
    ------
    TypeError
        If `data` is not one of the count types.
    ValueError
        If the measure does not belong to the type of the data, or an option is unknown or not known for the
        measure.

    Notes
    -----
    With the corrected counts x of n (a, b, c, d in a 2x2 table with arms n1, n0 and N = n1 + n0) or events x
    in time t:

    - RR: log(a/n1) - log(c/n0), variance 1/a - 1/n1 + 1/c - 1/n0; OR: log(ad/bc), 1/a + 1/b + 1/c + 1/d.
    - RD: a/n1 - c/n0, ab/n1³ + cd/n0³; AS: asin √(a/n1) - asin √(c/n0), 1/(4 n1) + 1/(4 n0).
    - PETO: (a - E)/V, 1/V with E = n1(a + c)/N and V = n1 n0 (a + c)(b + d)/(N²(N - 1)).
    - PR: x/n, p(1 - p)/n; PLN: log p, 1/x - 1/n; PLO: log(p/(1 - p)), 1/x + 1/(n - x); PAS: asin √p, 1/(4n).
    - PFT: (asin √(x/(n + 1)) + asin √((x + 1)/(n + 1)))/2, 1/(4n + 2).
    - IR: x/t, x/t²; IRLN: log(x/t), 1/x; IRS: √(x/t), 1/(4t); IRFT: (√(x/t) + √((x + 1)/t))/2, 1/(4t).
    - IRR: log((x1/t1)/(x0/t0)), 1/x1 + 1/x0; IRD: x1/t1 - x0/t0, x1/t1² + x0/t0²;
      IRSD: √(x1/t1) - √(x0/t0), 1/(4 t1) + 1/(4 t0).

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[4, 6], exposed_total=[123, 306],
    ...                  control_cases=[11, 29], control_total=[139, 303])
    >>> effect_sizes(table, "RR").effect.round(4)
    array([-0.8893, -1.5854])
    """
    if isinstance(data, (list, tuple)):
        return alternative_effects(
            "data",
            data,
            measure,
            label,
            correction=correction,
            correct=correct,
            drop_double_zero=drop_double_zero,
            variance=variance,
        )
    if not isinstance(data, (TwoByTwo, Proportion, Rate, TwoRates)):
        raise TypeError(
            "`data` must be a TwoByTwo, Proportion, Rate or TwoRates, or a list of the tables of each study, "
            f"but got {type(data).__name__}. Published estimates enter by EffectSizes.from_estimates."
        )
    check_choice("measure", measure, _MEASURES[type(data)])
    check_choice("correct", correct, CORRECT)
    check_choice("variance", variance, ("large-sample", *_VARIANCES))
    if variance != "large-sample" and measure not in _VARIANCES[variance]:
        raise ValueError(
            f"`variance` may be {variance!r} for {', '.join(_VARIANCES[variance])}, but `measure` is "
            f"{measure!r}. Leave it at 'large-sample'."
        )
    if correction is None and measure not in _UNCORRECTED:
        correction = 0.5
    added = check_correction(correction)
    informative = np.ones(data.shape, dtype=bool)
    if drop_double_zero and isinstance(data, (TwoByTwo, TwoRates)):
        informative = ~_double_zero(data)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect, sampling = _effects(data, measure, added, correct, variance, informative)
    return EffectSizes(
        effect=np.where(informative, effect, np.nan),
        variance=np.where(informative, sampling, np.nan),
        measure=measure,
        label=label,
    )


def alternative_effects(
    argument: str,
    studies: Sequence[TwoByTwo | HasTables],
    measure: str,
    label: Sequence[str] | None,
    **options: Any,  # noqa: ANN401 -- those of `effect_sizes`
) -> AlternativeEffects:
    """Return the effects of every table of each study; `argument` is what the caller calls the studies."""
    tables = []
    for i, study in enumerate(studies):
        table = getattr(study, "tables", study)
        if not isinstance(table, TwoByTwo):
            raise TypeError(
                f"`{argument}` must hold TwoByTwo or FeasibleSet, but got {type(study).__name__} at "
                f"index {i}."
            )
        if len(table.shape) > 1:
            raise ValueError(
                f"`{argument}` must have tables of one axis, but shape {table.shape} at index {i}."
            )
        if table.shape == (0,):
            raise ValueError(
                f"`{argument}` has no table at index {i}: its printed numbers contradict one another. "
                "feasible_set says which; leave the study out or one of the numbers."
            )
        tables.append(table if table.shape else table[np.newaxis])
    if not tables:
        raise ValueError(f"`{argument}` must hold at least one study, but is empty.")
    names = tuple(label) if label is not None else tuple(f"Study {i + 1}" for i in range(len(tables)))
    if len(names) != len(tables):
        raise ValueError(f"`label` must name {len(tables)} studies, but names {len(names)}.")
    return AlternativeEffects(
        effects=tuple(effect_sizes(table, measure, **options) for table in tables),
        tables=tuple(tables),
        measure=measure,
        label=names,
    )


def _effects(
    data: TwoByTwo | Proportion | Rate | TwoRates,
    measure: str,
    added: float,
    correct: str,
    variance: str,
    informative: BoolArray,
) -> Effects:
    if isinstance(data, TwoByTwo):
        cells = corrected_cells(data, added, correct)
        return _two_by_two(*cells, measure, variance, informative)
    if isinstance(data, Proportion):
        empty = (data.events == 0) | (data.events == data.total)
        plus = added * where_corrected(empty, correct)
        return _proportion(data.events + plus, data.total + 2 * plus, measure, variance)
    if isinstance(data, Rate):
        x = data.events + added * where_corrected(data.events == 0, correct)
        return _rate(x, data.person_time, measure)
    plus = added * where_corrected((data.exposed_events == 0) | (data.control_events == 0), correct)
    x1, t1 = data.exposed_events + plus, data.exposed_time
    x0, t0 = data.control_events + plus, data.control_time
    if measure == "IRR":
        return np.log(x1 / t1) - np.log(x0 / t0), 1 / x1 + 1 / x0
    if measure == "IRSD":
        return np.sqrt(x1 / t1) - np.sqrt(x0 / t0), 1 / (4 * t1) + 1 / (4 * t0)
    return x1 / t1 - x0 / t0, x1 / t1**2 + x0 / t0**2


def _two_by_two(
    a: FloatArray,
    b: FloatArray,
    c: FloatArray,
    d: FloatArray,
    measure: str,
    variance: str,
    informative: BoolArray,
) -> Effects:
    n1, n0 = a + b, c + d
    if measure == "RR":
        # b/(a n1) is 1/a - 1/n1 without its cancellation.
        return np.log(a / n1) - np.log(c / n0), b / (a * n1) + d / (c * n0)
    if measure == "OR":
        return np.log(a / b) - np.log(c / d), 1 / a + 1 / b + 1 / c + 1 / d
    if measure == "AS":
        return np.arcsin(np.sqrt(a / n1)) - np.arcsin(np.sqrt(c / n0)), 1 / (4 * n1) + 1 / (4 * n0)
    if measure == "PETO":
        total = n1 + n0
        # a - E = (ad - bc)/N
        excess = (a * d - b * c) / total
        information = (a + c) * (b + d) * (n1 / total) * (n0 / total) / (total - 1)
        return excess / information, 1 / information
    difference = a / n1 - c / n0
    if variance == "average":
        return difference, _average_variance(a, n1, informative) + _average_variance(c, n0, informative)
    less = 1 if variance == "unbiased" else 0
    return difference, (a / n1) * (b / n1) / (n1 - less) + (c / n0) * (d / n0) / (n0 - less)


def _average_variance(x: FloatArray, n: FloatArray, informative: BoolArray) -> FloatArray:
    p = _average_proportion(x, n, informative)
    return p * (1 - p) / n


def _average_proportion(x: FloatArray, n: FloatArray, informative: BoolArray) -> FloatArray:
    keep = bool(x.ndim)
    share: FloatArray = x.sum(axis=-1 if keep else None, keepdims=keep, where=informative) / n.sum(
        axis=-1 if keep else None, keepdims=keep, where=informative
    )
    return share


def _proportion(x: FloatArray, n: FloatArray, measure: str, variance: str) -> Effects:
    p = x / n
    # The events and non-events that the variance is computed from.
    events, others = x, n - x
    if variance == "average":
        share = _average_proportion(x, n, np.ones(x.shape, dtype=bool))
        events, others = share * n, (1 - share) * n
    if measure == "PR":
        return p, events * others / n**2 / (n - 1 if variance == "unbiased" else n)
    if measure == "PLN":
        return np.log(p), others / (events * n)
    if measure == "PLO":
        return np.log(x / (n - x)), 1 / events + 1 / others
    if measure == "PAS":
        return np.arcsin(np.sqrt(p)), 1 / (4 * n)
    return double_arcsine(x, n), 1 / (4 * n + 2)


def _rate(x: FloatArray, t: FloatArray, measure: str) -> Effects:
    if measure == "IR":
        return x / t, x / t**2
    if measure == "IRLN":
        return np.log(x / t), 1 / x
    if measure == "IRS":
        return np.sqrt(x / t), 1 / (4 * t)
    return double_square_root(x, t), 1 / (4 * t)


def double_arcsine(events: FloatArray, total: FloatArray) -> FloatArray:
    """Return Freeman and Tukey's double arcsine of a proportion, as the mean of the two angles."""
    first, second = events / (total + 1), (events + 1) / (total + 1)
    mean: FloatArray = (np.arcsin(np.sqrt(first)) + np.arcsin(np.sqrt(second))) / 2
    return mean


def double_square_root(events: FloatArray, person_time: FloatArray) -> FloatArray:
    """Return Freeman and Tukey's double square root of a rate, as the mean of the two roots."""
    mean: FloatArray = (np.sqrt(events / person_time) + np.sqrt((events + 1) / person_time)) / 2
    return mean


def _double_zero(data: TwoByTwo | TwoRates) -> BoolArray:
    if isinstance(data, TwoRates):
        no_events: BoolArray = (data.exposed_events == 0) & (data.control_events == 0)
        return no_events
    none: BoolArray = (data.exposed_cases == 0) & (data.control_cases == 0)
    only: BoolArray = (data.exposed_noncases == 0) & (data.control_noncases == 0)
    return none | only
