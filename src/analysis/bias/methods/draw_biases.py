"""The biases that a specification is made of, as frozen values; `analysis.bias.spec` offers them.

A bias knows its parameters, their rules and what it does to the cells; nothing is drawn here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from analysis.bias.distributions import Distribution, Fixed, as_distribution
from analysis.bias.methods import draw_cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.bias.methods.draw_cells import State
    from analysis.values.arrays import FloatArray

__all__ = [
    "BIASES",
    "Bias",
    "ExposureMisclassification",
    "OutcomeMisclassification",
    "SelectionBias",
    "UnmeasuredConfounding",
    "correlation_matrix",
]

Parameter = Distribution | float | str
Correlations = tuple[tuple[str, str, float], ...]
# Not parameters, but what is said about them.
_REMARKS = ("correlations", "source")
_USELESS = "a classification that bad holds no information, or its labels are exchanged"


class Bias(ABC):
    """Base of the biases; use one of its subclasses."""

    __slots__ = ()
    kind: ClassVar[str]
    #: Names of parameters of which one set must be given in full.
    choices: ClassVar[tuple[tuple[str, ...], ...]]
    optional: ClassVar[tuple[str, ...]] = ()
    #: Parameters that may exceed 1.
    ratios: ClassVar[tuple[str, ...]] = ()
    #: Parameters that stay as stated where all others go to no bias together.
    anchors: ClassVar[tuple[str, ...]] = ()
    needs_cells: ClassVar[bool] = False

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, object]]
        correlations: Sequence[tuple[str, str, float]]
        source: str

    def __post_init__(self) -> None:
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)  # type: ignore[arg-type]
            if field.name not in _REMARKS and getattr(self, field.name) is not None
        }
        faults, parsed = self.faults(given, self.correlations)
        if faults:
            raise ValueError(
                f"{self.kind}: " + " ".join(f"{text}." for _, text in faults)  # every fault at once
            )
        for name, distribution in parsed.items():
            object.__setattr__(self, name, distribution)
        pairs = tuple((str(one), str(other), float(value)) for one, other, value in self.correlations)
        object.__setattr__(self, "correlations", pairs)

    @property
    def parameters(self) -> dict[str, Distribution]:
        """The parameters that are given, in the order of the class."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)  # type: ignore[arg-type]
            if field.name not in _REMARKS and getattr(self, field.name) is not None
        }

    @abstractmethod
    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""

    def neutral(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values at which each parameter alone does no harm, the others being `values`."""
        return dict.fromkeys(values, 1.0)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every parameter that may be given."""
        return tuple(field.name for field in fields(cls) if field.name not in _REMARKS)  # type: ignore[arg-type]

    @classmethod
    def faults(
        cls, given: Mapping[str, Parameter], correlations: object
    ) -> tuple[list[tuple[str, str]], dict[str, Distribution]]:
        """Return all that is wrong as pairs of key and sentence, and what could be read."""
        faults: list[tuple[str, str]] = []
        parsed: dict[str, Distribution] = {}
        for name, value in given.items():
            try:
                parsed[name] = as_distribution(name, value)
            except (TypeError, ValueError) as error:
                faults.append((name, str(error).rstrip(".")))
                continue
            rule = cls._rule(name, parsed[name])
            if rule:
                faults.append((name, f"`{name}` must {rule}, but is {parsed[name]}"))
        faults += [("", text) for text in cls._missing(given)]
        if not faults:
            faults += cls._together(parsed)
        return faults + _correlation_faults(parsed, correlations), parsed

    @classmethod
    def _rule(cls, name: str, distribution: Distribution) -> str | None:
        low, high = distribution.support
        if name in cls.ratios:
            bad = low < 0 or (isinstance(distribution, Fixed) and low == 0)
            return "be greater than 0" if bad else None
        return None if low >= 0 and high <= 1 else "lie between 0 and 1"

    @classmethod
    def _missing(cls, given: Mapping[str, Parameter]) -> list[str]:
        wanted = {name for choice in cls.choices for name in choice}
        named = [name for name in given if name in wanted]
        for choice in cls.choices:
            if set(named) == set(choice):
                return []
        options = " or ".join(", ".join(f"`{name}`" for name in choice) for choice in cls.choices)
        got = ", ".join(f"`{name}`" for name in named) or "none of them"
        return [f"{options} must be given, but got {got}"]

    @classmethod
    def _together(cls, parsed: Mapping[str, Distribution]) -> list[tuple[str, str]]:  # noqa: ARG003
        return []


def _correlation_faults(parsed: Mapping[str, Distribution], correlations: object) -> list[tuple[str, str]]:
    if not isinstance(correlations, (list, tuple)):
        return [("correlations", f"`correlations` must be a list of triples, but got {correlations!r}")]
    faults: list[str] = []
    for entry in correlations:
        faults += _pair_faults(parsed, entry)
    pairs = [frozenset(map(str, entry[:2])) for entry in correlations if isinstance(entry, (list, tuple))]
    if len(set(pairs)) < len(pairs):
        faults.append("a pair of `correlations` must be stated once, but one is stated twice")
    if not faults and correlations:
        smallest = float(np.linalg.eigvalsh(correlation_matrix(list(parsed), correlations))[0])
        if smallest < -1e-12:
            faults.append(
                "the `correlations` must be possible together, but their matrix has the eigenvalue "
                f"{smallest:.3g}; state the pairs that are left out, or weaker ones"
            )
    return [("correlations", text) for text in faults]


def _pair_faults(parsed: Mapping[str, Distribution], entry: object) -> list[str]:
    if not isinstance(entry, (list, tuple)) or len(entry) != 3:
        return [f"`correlations` must hold (parameter, parameter, value), but got {entry!r}"]
    faults = []
    for name in entry[:2]:
        if name not in parsed:
            faults.append(f"`correlations` must join parameters that are given, but got {name!r}")
        elif isinstance(parsed[name], Fixed):
            faults.append(f"`correlations` must join parameters that vary, but `{name}` is fixed")
    if entry[0] == entry[1]:
        faults.append(f"`correlations` must join two parameters, but got {entry!r}")
    value = entry[2]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        faults.append(f"`correlations` must be between -1 and 1, but got {value!r}")
    return faults


def correlation_matrix(names: Sequence[str], correlations: Sequence[tuple[str, str, float]]) -> FloatArray:
    """Return the matrix of the normal scores; pairs that are not stated are independent."""
    matrix = np.eye(len(names))
    for one, other, value in correlations:
        i, j = names.index(one), names.index(other)
        matrix[i, j] = matrix[j, i] = value
    return matrix


class _Misclassification(Bias):
    __slots__ = ()
    choices = (("sensitivity", "specificity"),)
    needs_cells = True

    @classmethod
    def _together(cls, parsed: Mapping[str, Distribution]) -> list[tuple[str, str]]:
        prefix = cls.optional[0].removesuffix("sensitivity")
        faults = []
        for start in ("", prefix):
            se = parsed.get(f"{start}sensitivity", parsed["sensitivity"])
            sp = parsed.get(f"{start}specificity", parsed["specificity"])
            if se.support[1] + sp.support[1] <= 1:
                faults.append(
                    (
                        f"{start}specificity",
                        f"`{start}sensitivity` + `{start}specificity` must exceed 1, but are {se} and {sp}: "
                        + _USELESS,
                    )
                )
        return faults


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExposureMisclassification(_Misclassification):
    """Exposure was classified with error.

    Parameters
    ----------
    sensitivity, specificity : Distribution, float or str
        Of the classification, between 0 and 1; among the cases where it differs from the non-cases.
    noncases_sensitivity, noncases_specificity : Distribution, float or str, optional
        Among the non-cases; by default as among the cases (non-differential), draw by draw.
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

    sensitivity: Parameter
    specificity: Parameter
    noncases_sensitivity: Parameter | None = None
    noncases_specificity: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "exposure misclassification"
    optional = ("noncases_sensitivity", "noncases_specificity")

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_exposure(state, values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeMisclassification(_Misclassification):
    """The outcome was classified with error.

    Parameters
    ----------
    sensitivity, specificity : Distribution, float or str
        Of the classification, between 0 and 1; among the exposed where it differs from the controls.
    control_sensitivity, control_specificity : Distribution, float or str, optional
        Among the controls; by default as among the exposed (non-differential), draw by draw.
    correlations, source
        As for `ExposureMisclassification`.

    Raises
    ------
    ValueError
        As for `ExposureMisclassification`.
    """

    sensitivity: Parameter
    specificity: Parameter
    control_sensitivity: Parameter | None = None
    control_specificity: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "outcome misclassification"
    optional = ("control_sensitivity", "control_specificity")

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_outcome(state, values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnmeasuredConfounding(Bias):
    """A binary confounder was not adjusted for.

    Parameters
    ----------
    prevalence_exposed, prevalence_control : Distribution, float or str
        Of the confounder among the exposed and the controls; with `odds_ratio` among their non-cases.
    risk_ratio : Distribution, float or str, optional
        Of the outcome with the confounder to without it, the same in both groups; for a hazard or rate ratio
        the ratio of hazards or rates.
    odds_ratio : Distribution, float or str, optional
        In place of `risk_ratio`, for the measure "OR".
    correlations, source
        As for `ExposureMisclassification`.

    Raises
    ------
    ValueError
        If not exactly one of the ratios is given or a parameter breaks its rule; names every one.
    """

    prevalence_exposed: Parameter
    prevalence_control: Parameter
    risk_ratio: Parameter | None = None
    odds_ratio: Parameter | None = None
    correlations: Sequence[tuple[str, str, float]] = ()
    source: str = "assumed"
    kind = "unmeasured confounding"
    choices = (
        ("prevalence_exposed", "prevalence_control", "risk_ratio"),
        ("prevalence_exposed", "prevalence_control", "odds_ratio"),
    )
    ratios = ("risk_ratio", "odds_ratio")
    anchors = ("prevalence_control",)

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_confounding(state, values)

    def neutral(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return a ratio of 1 and, for each prevalence, the other one."""
        ends = dict.fromkeys(values, 1.0)
        ends["prevalence_exposed"] = values["prevalence_control"]
        ends["prevalence_control"] = values["prevalence_exposed"]
        return ends


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionBias(Bias):
    """Those who entered the study differ from those who did not.

    Parameters
    ----------
    exposed_cases, exposed_noncases, control_cases, control_noncases : Distribution, float or str, optional
        Probabilities that a person of that cell entered; only their ratios matter for a ratio.
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
    choices = (
        ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases"),
        ("bias_factor",),
    )
    ratios = ("bias_factor",)

    @classmethod
    def _rule(cls, name: str, distribution: Distribution) -> str | None:
        if isinstance(distribution, Fixed) and distribution.value == 0:
            return "be greater than 0"
        return super(SelectionBias, cls)._rule(name, distribution)

    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""
        draw_cells.apply_selection(state, values)


BIASES: dict[str, type[Bias]] = {
    kind.kind: kind
    for kind in (ExposureMisclassification, OutcomeMisclassification, UnmeasuredConfounding, SelectionBias)
}
