"""Biases of the record: exposure or outcome classified with error, or both with errors that go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.distributions import Fixed
from analysis.bias.methods import draw_cells
from analysis.bias.methods.classification_limits import broken_limits
from analysis.bias.methods.draw_bias import Bias, Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.bias.distributions import Distribution
    from analysis.bias.methods.draw_cells import State
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["DependentMisclassification", "ExposureMisclassification", "OutcomeMisclassification"]

_USELESS = "a classification that bad holds no information, or its labels are exchanged"
_BY_TEST = ("sensitivity", "specificity")
_BY_VALUE = ("positive_predictive_value", "negative_predictive_value")


def _beside(prefix: str) -> dict[str, str]:
    return {f"{prefix}{name}": name for name in (*_BY_TEST, *_BY_VALUE)}


def _no_information(parsed: Mapping[str, Distribution], one: str, other: str) -> list[tuple[str, str]]:
    """Refuse a sensitivity and a specificity that cannot exceed 1 in sum."""
    se, sp = parsed[one], parsed[other]
    if se.support[1] + sp.support[1] > 1:
        return []
    return [(other, f"`{one}` + `{other}` must exceed 1, but are {se} and {sp}: {_USELESS}")]


class _Misclassification(Bias):
    __slots__ = ()

    @classmethod
    def _together(
        cls, parsed: Mapping[str, Distribution], chosen: Mapping[str, object]
    ) -> list[tuple[str, str]]:
        faults = super()._together(parsed, chosen)
        if "specificity" in parsed:
            prefix = next(iter(cls.beside)).removesuffix("sensitivity")
            other = [f"{prefix}{name}" if f"{prefix}{name}" in parsed else name for name in _BY_TEST]
            for one, two in dict.fromkeys([_BY_TEST, (other[0], other[1])]):
                faults += _no_information(parsed, one, two)
            return faults
        # Beside a predictive value a sensitivity is what is divided by.
        return faults + [
            (name, f"`{name}` must be greater than 0, but is {kind}")
            for name, kind in parsed.items()
            if name.endswith("sensitivity") and isinstance(kind, Fixed) and kind.value == 0
        ]

    def hint(self, cells: Cells, measure: str) -> str:  # noqa: ARG002 -- cells say it all
        """Say which parameter is below what the table allows."""
        given = self.parameters
        if "specificity" not in given:
            return ""
        prefix = next(iter(self.beside)).removesuffix("sensitivity")
        names = [*_BY_TEST, *(f"{prefix}{name}" if f"{prefix}{name}" in given else name for name in _BY_TEST)]
        highest = [(name, np.asarray(given[name].support[1]), str(given[name])) for name in names]
        return broken_limits(cells, self.kind.partition(" ")[0], highest)

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        if data == "estimate":
            return "needs the cells of the table, but got effect sizes. Give a TwoByTwo or TwoRates."
        return super().complaint(measure, data)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExposureMisclassification(_Misclassification):
    """Exposure was classified with error.

    Parameters
    ----------
    sensitivity, specificity : Distribution, float or str, optional
        Of the classification, between 0 and 1; among the cases where it differs from the non-cases (for
        rates, from the person-time).
    noncases_sensitivity, noncases_specificity : Distribution, float or str, optional
        Among the non-cases; by default as among the cases (non-differential), draw by draw.
    positive_predictive_value, negative_predictive_value : Distribution, float or str, optional
        In place of sensitivity and specificity: the share of those recorded as exposed who were, and of those
        recorded as unexposed who were not, between 0 and 1. Unlike sensitivity and specificity they depend on
        how common exposure is, so that equal ones in cases and non-cases are seldom meant.
    noncases_positive_predictive_value, noncases_negative_predictive_value : optional
        Among the non-cases; by default as among the cases, draw by draw.
    correlations : sequence of (str, str, float), optional
        Two parameters and the correlation ρ of their normal scores (normal copula), between -1 and 1.
        Spearman's correlation is (6/π) asin(ρ/2).
    source : str, default "assumed"
        Where the values come from.

    Raises
    ------
    ValueError
        Names every parameter that breaks its rule. Sensitivity and specificity must be able to exceed 1 in
        sum.
    """

    sensitivity: Parameter | None = None
    specificity: Parameter | None = None
    noncases_sensitivity: Parameter | None = None
    noncases_specificity: Parameter | None = None
    positive_predictive_value: Parameter | None = None
    negative_predictive_value: Parameter | None = None
    noncases_positive_predictive_value: Parameter | None = None
    noncases_negative_predictive_value: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "exposure misclassification"
    groups = ((_BY_TEST, _BY_VALUE),)
    beside = _beside("noncases_")

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_exposure(state, values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeMisclassification(_Misclassification):
    """The outcome was classified with error.

    Parameters
    ----------
    sensitivity, specificity : Distribution, float or str, optional
        Of the classification, between 0 and 1; among the exposed where it differs from the controls.
    control_sensitivity, control_specificity : Distribution, float or str, optional
        Among the controls; by default as among the exposed (non-differential), draw by draw.
    positive_predictive_value, negative_predictive_value : Distribution, float or str, optional
        In place of them; or `sensitivity` and `positive_predictive_value`, the only pair for rates:
        person-time has no specificity.
    control_positive_predictive_value, control_negative_predictive_value : optional
        Among the controls; by default as among the exposed, draw by draw.
    correlations, source
        As for `ExposureMisclassification`.

    Raises
    ------
    ValueError
        As for `ExposureMisclassification`.

    Notes
    -----
    With sensitivity Se and predictive value PPV, of a recorded cases a PPV/Se are estimated to be cases. The
    predictive value alone leaves missed cases out; where sensitivity is the same in both groups a ratio of
    risks or rates does not need it.

    References
    ----------
    Green MS (1983). Use of predictive value to adjust relative risk estimates biased by misclassification of
    outcome status. Am J Epidemiol 117:98-105. DOI 10.1093/oxfordjournals.aje.a113521
    """

    sensitivity: Parameter | None = None
    specificity: Parameter | None = None
    control_sensitivity: Parameter | None = None
    control_specificity: Parameter | None = None
    positive_predictive_value: Parameter | None = None
    negative_predictive_value: Parameter | None = None
    control_positive_predictive_value: Parameter | None = None
    control_negative_predictive_value: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "outcome misclassification"
    groups = ((_BY_TEST, _BY_VALUE, (_BY_TEST[0], _BY_VALUE[0])),)
    beside = _beside("control_")

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_outcome(state, values)

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        for name in ("specificity", "negative_predictive_value"):
            if data == "rates" and getattr(self, name) is not None:
                return (
                    "needs `sensitivity` and `positive_predictive_value` (1 if no recorded event is false) "
                    f"for rates, but got `{name}`: person-time has none."
                )
        return super(OutcomeMisclassification, self).complaint(measure, data)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DependentMisclassification(_Misclassification):
    """Exposure and outcome were both classified with error, and the errors of one person go together.

    Parameters
    ----------
    exposure_sensitivity, exposure_specificity : Distribution, float or str
        Of the record of exposure, between 0 and 1, the same in cases and non-cases.
    outcome_sensitivity, outcome_specificity : Distribution, float or str
        Of the record of the outcome, the same in exposed and controls.
    error_correlation : Distribution, float or str, default 0
        Between an error in exposure and an error in outcome of one person, in [-1, 1]. Errors of different
        frequency cannot go together perfectly: draws of more correlation than they can have are impossible.
    correlations, source
        As for `ExposureMisclassification`; they are of what is believed of the parameters, not of errors.

    Raises
    ------
    ValueError
        As for `ExposureMisclassification`.

    Notes
    -----
    As `adjust_dependent_misclassification`, draw by draw.

    References
    ----------
    Kristensen P (1992). Bias from nondifferential but dependent misclassification of exposure and outcome.
    Epidemiology 3:210-215. (Citation not verified.)
    """

    exposure_sensitivity: Parameter
    exposure_specificity: Parameter
    outcome_sensitivity: Parameter
    outcome_specificity: Parameter
    error_correlation: Parameter = 0.0
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "dependent misclassification"
    groups = (
        (("exposure_sensitivity", "exposure_specificity"),),
        (("outcome_sensitivity", "outcome_specificity"),),
    )
    signed = ("error_correlation",)

    @classmethod
    def _together(
        cls, parsed: Mapping[str, Distribution], chosen: Mapping[str, object]
    ) -> list[tuple[str, str]]:
        del chosen  # there is none
        return [
            fault
            for record in ("exposure", "outcome")
            for fault in _no_information(parsed, f"{record}_sensitivity", f"{record}_specificity")
        ]

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_dependent(state, values)

    def neutral(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return perfect records and independent errors."""
        return dict.fromkeys(values, 1.0) | {"error_correlation": 0.0}

    def complaint(self, measure: str, data: str) -> str | None:
        """Say why the data cannot be adjusted."""
        if data == "rates":
            return "needs persons, but got rates. Give a TwoByTwo, or misclassify exposure or outcome alone."
        return super(DependentMisclassification, self).complaint(measure, data)
