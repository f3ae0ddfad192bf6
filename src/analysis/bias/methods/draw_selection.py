"""Biases of who is looked at: selection into the study, and adjustment for a collider (M-bias)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.bias.distributions import Fixed
from analysis.bias.methods import draw_cells
from analysis.bias.methods.collider import through_binary
from analysis.bias.methods.draw_bias import Bias, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.bias.distributions import Distribution
    from analysis.bias.methods.draw_cells import State
    from analysis.values.arrays import FloatArray

__all__ = ["MBias", "SelectionBias"]

_DIFFERENCES = ("RD", "IRD")
_CELLS = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
_CAUSES = ("first_cause_exposure", "first_cause_collider", "second_cause_collider", "second_cause_outcome")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionBias(Bias):
    """Those who entered the study differ from those who did not.

    Parameters
    ----------
    exposed_cases, exposed_noncases, control_cases, control_noncases : Distribution, float or str, optional
        Probabilities that a person of that cell (for rates, a unit of that person-time) entered; only their
        ratios matter for a ratio.
    bias_factor : Distribution, float or str, optional
        In place of them: what selection has multiplied the ratio by.
    correlations, source
        As for `ExposureMisclassification`.

    Raises
    ------
    ValueError
        If neither all four probabilities nor the factor are given, or a parameter breaks its rule.
    """

    exposed_cases: Parameter | None = None
    exposed_noncases: Parameter | None = None
    control_cases: Parameter | None = None
    control_noncases: Parameter | None = None
    bias_factor: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "selection bias"
    groups = ((_CELLS, ("bias_factor",)),)
    ratios = ("bias_factor",)

    @classmethod
    def _rule(cls, name: str, distribution: Distribution) -> str | None:
        if isinstance(distribution, Fixed) and distribution.value == 0:
            return "be greater than 0"
        return super(SelectionBias, cls)._rule(name, distribution)

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_selection(state, values)

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        if self.bias_factor is not None and measure in _DIFFERENCES:
            what = "risk" if measure == "RD" else "rate"
            return f"needs the four probabilities for a {what} difference, but got `bias_factor`."
        if self.bias_factor is None and data == "estimate":
            return "needs `bias_factor` where there are no cells, but got probabilities."
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MBias(Bias):
    """The data were adjusted for, or selected on, a collider of two unmeasured causes.

    Parameters
    ----------
    first_cause_exposure, first_cause_collider : Distribution, float or str
        Odds ratios, greater than 0, between a first unmeasured cause and the exposure and the collider.
    second_cause_collider, second_cause_outcome : Distribution, float or str
        Odds ratios between a second unmeasured cause and the collider and the outcome.
    correlations, source
        As for `ExposureMisclassification`.

    Raises
    ------
    ValueError
        If a parameter is missing or can be 0 or less; names every one.

    Notes
    -----
    The ratio is divided by `m_bias_factor`, the most that binary causes of these strengths can make: what is
    left is the adjustment for the worst case, not for the expected one. The factor is one of odds ratios; for
    ratios of risks, rates or hazards it holds as far as the outcome is rare.

    References
    ----------
    Greenland S (2003). Quantifying biases in causal models: classical confounding vs collider-stratification
    bias. Epidemiology 14:300-306. DOI 10.1097/01.ede.0000042804.12056.6c
    """

    first_cause_exposure: Parameter
    first_cause_collider: Parameter
    second_cause_collider: Parameter
    second_cause_outcome: Parameter
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "M-bias"
    groups = ((_CAUSES,),)
    ratios = _CAUSES

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        left = through_binary(values[_CAUSES[0]], values[_CAUSES[1]])
        right = through_binary(values[_CAUSES[2]], values[_CAUSES[3]])
        state.factor = state.factor * through_binary(left, right)

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        if measure in _DIFFERENCES:
            return f'is known as a factor of ratios, but the measure is "{measure}". Give a ratio.'
        return super(MBias, self).complaint(measure, data)
