"""What one bias after the other does to the cells of a table, or to an estimate, over all draws at once.

Cells may be complex: the imaginary part carries a derivative (see `draw_evaluation`). Draws that contradict
the data are marked with a reason and left to the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.dependent import recording_matrix
from analysis.bias.methods.reclassification import (
    exposure_by_predictive_values,
    exposure_by_sensitivity,
    outcome_by_predictive_values,
    outcome_by_sensitivity,
    outcome_of_rates,
)
from analysis.measures.methods.cells import Cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.values.arrays import BoolArray, FloatArray

    Values = Mapping[str, FloatArray]

__all__ = [
    "NEGATIVE",
    "NOT_ESTIMABLE",
    "TOO_CORRELATED",
    "USELESS",
    "State",
    "apply_dependent",
    "apply_exposure",
    "apply_outcome",
    "apply_selection",
    "effect_of",
]

USELESS = "sensitivity + specificity of at most 1"
NEGATIVE = "negative adjusted cells"
TOO_CORRELATED = "an error correlation that such errors cannot have"
NOT_ESTIMABLE = "no estimate from the adjusted cells"
_TEST = ("sensitivity", "specificity")
_VALUES = ("positive_predictive_value", "negative_predictive_value")
_FOUND = ("sensitivity", "positive_predictive_value")
_SINGULAR = 1e-12
_ROUNDING = 1e-15


@dataclass(slots=True)
class State:
    """What the biases so far have left.

    Parameters
    ----------
    measure : str
        What is estimated in the end.
    cells : Cells or None
        Adjusted cells, person-time in the place of the non-cases for measures of rates; None where only an
        estimate is known.
    factor : ndarray or float
        What the ratio of `cells` is still to be divided by (of a difference: what the controls' risk or rate
        is to be multiplied by).
    exposed_factor : ndarray or float
        Of a difference: what the risk or rate of the exposed is to be multiplied by.
    impossible : dict
        Reason -> draws that it rules out.
    """

    measure: str
    cells: Cells | None
    factor: FloatArray | float = 1.0
    exposed_factor: FloatArray | float = 1.0
    impossible: dict[str, BoolArray] = field(default_factory=dict)

    @property
    def rates(self) -> bool:
        """Whether person-time stands in the place of the non-cases."""
        return self.cells is not None and self.measure in {"IRR", "IRD"}

    def rule_out(self, reason: str, draws: BoolArray) -> None:
        """Mark draws as impossible for a reason."""
        before = self.impossible.get(reason)
        self.impossible[reason] = draws if before is None else before | draws


def apply_exposure(state: State, values: Values) -> None:
    """Undo misclassification of exposure."""
    if "sensitivity" in values:
        _reclassify(state, values, exposure_by_sensitivity, "noncases_", _TEST)
    else:
        _reclassify(state, values, exposure_by_predictive_values, "noncases_", _VALUES)


def apply_outcome(state: State, values: Values) -> None:
    """Undo misclassification of the outcome."""
    if "specificity" in values:
        _reclassify(state, values, outcome_by_sensitivity, "control_", _TEST)
    elif "sensitivity" in values:
        kernel = outcome_of_rates if state.rates else _outcome_of_persons
        _reclassify(state, values, kernel, "control_", _FOUND)
    else:
        _reclassify(state, values, outcome_by_predictive_values, "control_", _VALUES)


def _reclassify(
    state: State, values: Values, undo: Callable[..., Cells], other: str, names: tuple[str, str]
) -> None:
    if state.cells is None:
        return
    first = values[names[0]], values[names[1]]
    second = (
        values.get(f"{other}{names[0]}", first[0]),
        values.get(f"{other}{names[1]}", first[1]),
    )
    state.cells = undo(state.cells, first, second)
    if names is _TEST:
        useless = (first[0] + first[1] <= 1) | (second[0] + second[1] <= 1)
        if useless.any():
            state.rule_out(USELESS, useless)
    state.rule_out(NEGATIVE, _negative(state.cells))


def _outcome_of_persons(
    cells: Cells, among_exposed: tuple[FloatArray, FloatArray], among_controls: tuple[FloatArray, FloatArray]
) -> Cells:
    """Return cells by true outcome; pairs are sensitivity and positive predictive value."""
    true = outcome_of_rates(cells, among_exposed, among_controls)
    return Cells(true.a, cells.a + cells.b - true.a, true.c, cells.c + cells.d - true.c)


def apply_dependent(state: State, values: Values) -> None:
    """Undo misclassification of exposure and outcome whose errors go together."""
    if state.cells is None:
        return
    exposure = values["exposure_sensitivity"], values["exposure_specificity"]
    outcome = values["outcome_sensitivity"], values["outcome_specificity"]
    matrix = recording_matrix(exposure, outcome, values["error_correlation"])
    useless = (exposure[0] + exposure[1] <= 1) | (outcome[0] + outcome[1] <= 1)
    # An exactly singular system has no answer, but must not stop those of the other draws.
    singular = useless | (np.abs(np.linalg.det(matrix)) < _SINGULAR)
    safe = np.where(singular[..., np.newaxis, np.newaxis], np.eye(4), matrix)
    observed = np.stack(np.broadcast_arrays(*state.cells), axis=-1)
    # The inverse is one a draw, however many tables meet it.
    true = np.squeeze(np.linalg.inv(safe) @ observed[..., np.newaxis], axis=-1)
    true = np.where(singular[..., np.newaxis], np.nan, true)
    state.cells = Cells(*(true[..., place] for place in range(4)))
    too_far = (matrix < -_ROUNDING).any(axis=(-2, -1))
    for reason, mask in ((USELESS, useless), (TOO_CORRELATED, too_far)):
        if mask.any():
            state.rule_out(reason, np.asarray(mask))
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


def effect_of(state: State, crude: FloatArray | None = None) -> FloatArray:
    """Return the adjusted effect on the analysis scale; `crude` is the effect where there are no cells."""
    factor = state.factor
    if state.cells is None:
        return np.asarray(crude - np.log(factor))
    a, b, c, d = state.cells
    if state.measure in {"OR", "IRR"}:
        return np.asarray(np.log(a * d / (b * c * factor)))
    if state.measure == "RR":
        return np.asarray(np.log(a * (c + d) / (c * (a + b) * factor)))
    if state.measure == "RD":
        return np.asarray(state.exposed_factor * a / (a + b) - factor * c / (c + d))
    return np.asarray(state.exposed_factor * a / b - factor * c / d)
