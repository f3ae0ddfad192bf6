"""Effect sizes for pooling: effect and sampling variance on the analysis scale, in metafor's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.correction import check_correction, corrected_cells, where_corrected
from analysis.values.arguments import check_choice
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.values.arrays import BoolArray, FloatArray

    Effects = tuple[FloatArray, FloatArray]

__all__ = ["effect_sizes"]

_MEASURES: dict[type, tuple[str, ...]] = {
    TwoByTwo: ("RR", "OR", "RD"),
    Proportion: ("PR", "PLN", "PLO", "PAS"),
    Rate: ("IR", "IRLN"),
    TwoRates: ("IRR", "IRD"),
}
# The arcsine's variance does not depend on the counts: it needs no correction, and by default gets none.
_UNCORRECTED = frozenset({"PAS"})


def effect_sizes(
    data: TwoByTwo | Proportion | Rate | TwoRates,
    measure: str,
    *,
    correction: float | None = None,
    correct: str = "only-zero",
    drop_double_zero: bool = False,
    label: Sequence[str] | None = None,
) -> EffectSizes:
    """Compute effects and their sampling variances for `pool`.

    Parameters
    ----------
    data : TwoByTwo, Proportion, Rate or TwoRates
        The last axis is studies, leading axes are replicates.
    measure : str
        TwoByTwo: "RR", "OR", "RD". Proportion: "PR" (raw), "PLN" (log), "PLO" (logit), "PAS" (arcsine).
        Rate: "IR", "IRLN" (log). TwoRates: "IRR", "IRD".
    correction : float, optional
        Added to every cell (or event count) of the studies that `correct` chooses. Default 0.5, except for
        "PAS", which needs none; as metafor's `escalc` does.
    correct : {"only-zero", "all", "all-if-any-zero", "none"}, default "only-zero"
        Which studies are corrected: those with an empty cell, all, all if one has an empty cell, or none.
    drop_double_zero : bool, default False
        Whether a comparison with no events in either arm, or only events in both, becomes NaN: it carries
        no information about a ratio.
    label : sequence of str, optional
        One name a study.

    Returns
    -------
    EffectSizes
        On the analysis scale of the measure. Without correction, a study with an empty cell has an infinite
        effect or variance; `pool` refuses it by name.

    Raises
    ------
    TypeError
        If `data` is not one of the count types.
    ValueError
        If the measure does not belong to the type of the data, or an option is unknown.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=[4, 6], exposed_total=[123, 306],
    ...                  control_cases=[11, 29], control_total=[139, 303])
    >>> effect_sizes(table, "RR").effect.round(4)
    array([-0.8893, -1.5854])
    """
    if not isinstance(data, tuple(_MEASURES)):
        raise TypeError(
            "`data` must be a TwoByTwo, Proportion, Rate or TwoRates, but got "
            f"{type(data).__name__}. Published estimates enter by EffectSizes.from_estimates."
        )
    check_choice("measure", measure, _MEASURES[type(data)])
    if correction is None and measure not in _UNCORRECTED:
        correction = 0.5
    check_choice("correct", correct, ("only-zero", "all", "all-if-any-zero", "none"))
    added = check_correction(correction)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect, variance = _effects(data, measure, added, correct)
    if drop_double_zero and isinstance(data, (TwoByTwo, TwoRates)):
        uninformative = _double_zero(data)
        effect = np.where(uninformative, np.nan, effect)
        variance = np.where(uninformative, np.nan, variance)
    return EffectSizes(effect=effect, variance=variance, measure=measure, label=label)


def _effects(
    data: TwoByTwo | Proportion | Rate | TwoRates, measure: str, added: float, correct: str
) -> Effects:
    if isinstance(data, TwoByTwo):
        return _two_by_two(data, measure, added, correct)
    if isinstance(data, Proportion):
        empty = (data.events == 0) | (data.events == data.total)
        plus = added * where_corrected(empty, correct)
        return _proportion(data.events + plus, data.total + 2 * plus, measure)
    if isinstance(data, Rate):
        x, t = data.events + added * where_corrected(data.events == 0, correct), data.person_time
        return (np.log(x / t), 1 / x) if measure == "IRLN" else (x / t, x / t**2)
    plus = added * where_corrected((data.exposed_events == 0) | (data.control_events == 0), correct)
    x1, t1 = data.exposed_events + plus, data.exposed_time
    x0, t0 = data.control_events + plus, data.control_time
    if measure == "IRR":
        return np.log(x1 / t1) - np.log(x0 / t0), 1 / x1 + 1 / x0
    return x1 / t1 - x0 / t0, x1 / t1**2 + x0 / t0**2


def _two_by_two(table: TwoByTwo, measure: str, added: float, correct: str) -> Effects:
    a, b, c, d = corrected_cells(table, added, correct)
    n1, n0 = a + b, c + d
    if measure == "RR":
        return np.log(a / n1) - np.log(c / n0), 1 / a - 1 / n1 + 1 / c - 1 / n0
    if measure == "OR":
        return np.log(a / b) - np.log(c / d), 1 / a + 1 / b + 1 / c + 1 / d
    return a / n1 - c / n0, a * b / n1**3 + c * d / n0**3


def _proportion(x: FloatArray, n: FloatArray, measure: str) -> Effects:
    p = x / n
    if measure == "PR":
        return p, p * (1 - p) / n
    if measure == "PLN":
        return np.log(p), 1 / x - 1 / n
    if measure == "PLO":
        return np.log(x / (n - x)), 1 / x + 1 / (n - x)
    return np.arcsin(np.sqrt(p)), 1 / (4 * n)


def _double_zero(data: TwoByTwo | TwoRates) -> BoolArray:
    if isinstance(data, TwoRates):
        no_events: BoolArray = (data.exposed_events == 0) & (data.control_events == 0)
        return no_events
    none: BoolArray = (data.exposed_cases == 0) & (data.control_cases == 0)
    only: BoolArray = (data.exposed_noncases == 0) & (data.control_noncases == 0)
    return none | only
