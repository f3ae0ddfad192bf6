"""What one bias after the other does to the cells of a table, or to an estimate, over all draws at once.

Cells may be complex: the imaginary part carries a derivative (see `draw_evaluation`). Draws that contradict
the data are marked with a reason and left to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.reclassification import exposure_by_sensitivity, outcome_by_sensitivity
from analysis.measures.methods.cells import Cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.values.arrays import BoolArray, FloatArray

    Values = Mapping[str, FloatArray]

__all__ = [
    "ABOVE_ONE",
    "NEGATIVE",
    "NOT_ESTIMABLE",
    "USELESS",
    "State",
    "apply_confounding",
    "apply_exposure",
    "apply_outcome",
    "apply_selection",
    "effect_of",
]

USELESS = "sensitivity + specificity of at most 1"
NEGATIVE = "negative adjusted cells"
ABOVE_ONE = "a risk above 1"
NOT_ESTIMABLE = "no estimate from the adjusted cells"


@dataclass(slots=True)
class State:
    """What the biases so far have left.

    Parameters
    ----------
    measure : str
        What is estimated in the end.
    cells : Cells or None
        Adjusted cells; None where only an estimate is known.
    factor : ndarray or float
        What the ratio of `cells` is still to be divided by (of a risk difference: what the controls' risk is
        to be multiplied by).
    impossible : dict
        Reason -> draws that it rules out.
    """

    measure: str
    cells: Cells | None
    factor: FloatArray | float = 1.0
    impossible: dict[str, BoolArray] = field(default_factory=dict)

    def rule_out(self, reason: str, draws: BoolArray) -> None:
        """Mark draws as impossible for a reason."""
        before = self.impossible.get(reason)
        self.impossible[reason] = draws if before is None else before | draws


def apply_exposure(state: State, values: Values) -> None:
    """Undo misclassification of exposure."""
    _reclassify(state, values, exposure_by_sensitivity, "noncases_")


def apply_outcome(state: State, values: Values) -> None:
    """Undo misclassification of the outcome."""
    _reclassify(state, values, outcome_by_sensitivity, "control_")


def _reclassify(state: State, values: Values, undo: Callable[..., Cells], other: str) -> None:
    if state.cells is None:
        return
    first = values["sensitivity"], values["specificity"]
    second = (
        values.get(f"{other}sensitivity", first[0]),
        values.get(f"{other}specificity", first[1]),
    )
    state.cells = undo(state.cells, first, second)
    useless = (first[0] + first[1] <= 1) | (second[0] + second[1] <= 1)
    if useless.any():
        state.rule_out(USELESS, useless)
    state.rule_out(NEGATIVE, _negative(state.cells))


def _negative(cells: Cells) -> BoolArray:
    a, b, c, d = (np.real(cell) for cell in cells)
    mask: BoolArray = np.minimum(np.minimum(a, b), np.minimum(c, d)) < 0
    return mask


def apply_selection(state: State, values: Values) -> None:
    """Divide the cells by their probabilities of selection, or the ratio by the bias factor."""
    if "bias_factor" in values:
        state.factor = state.factor * values["bias_factor"]
    elif state.cells is not None:
        a, b, c, d = state.cells
        state.cells = Cells(
            a / values["exposed_cases"],
            b / values["exposed_noncases"],
            c / values["control_cases"],
            d / values["control_noncases"],
        )


def apply_confounding(state: State, values: Values) -> None:
    """Divide by Bross's factor, or standardize the strata of the confounder to the exposed."""
    p1, p0 = values["prevalence_exposed"], values["prevalence_control"]
    if "odds_ratio" in values:
        # Prevalences among the non-cases and an odds ratio: the same factor, of the odds.
        state.factor = state.factor * _bross(p1, p0, values["odds_ratio"])
        return
    ratio = values["risk_ratio"]
    if state.cells is None:
        state.factor = state.factor * _bross(p1, p0, ratio)
        return
    a, b, c, d = state.cells
    # Risks without the confounder; those with it are `ratio` times as high.
    exposed = a / (a + b) / (p1 * (ratio - 1) + 1)
    control = c / (c + d) / (p0 * (ratio - 1) + 1)
    highest = np.maximum(ratio, 1.0) * np.maximum(np.real(exposed), np.real(control))
    state.rule_out(ABOVE_ONE, highest > 1)
    if state.measure != "OR":
        state.factor = state.factor * _bross(p1, p0, ratio)
        return
    # Odds ratio standardized to the exposed: observed cases over those expected of the exposed non-cases at
    # the controls' odds, stratum by stratum.
    with_, without = ratio * control, control
    expected = (a + b) * (
        p1 * (1 - ratio * exposed) * with_ / (1 - with_) + (1 - p1) * (1 - exposed) * without / (1 - without)
    )
    state.factor = state.factor * (d * expected / (b * c))


def _bross(p1: FloatArray, p0: FloatArray, ratio: FloatArray) -> FloatArray:
    return (p1 * (ratio - 1) + 1) / (p0 * (ratio - 1) + 1)


def effect_of(state: State, crude: FloatArray | None = None) -> FloatArray:
    """Return the adjusted effect on the analysis scale; `crude` is the effect where there are no cells."""
    factor = state.factor
    if state.cells is None:
        return np.asarray(crude - np.log(factor))
    a, b, c, d = state.cells
    if state.measure == "OR":
        return np.asarray(np.log(a * d / (b * c * factor)))
    if state.measure == "RR":
        return np.asarray(np.log(a * (c + d) / (c * (a + b) * factor)))
    return np.asarray(a / (a + b) - factor * c / (c + d))
