"""What every bias of a specification shares: its parameters, their rules and their correlations.

The biases themselves are in `draw_classification`, `draw_confounding` and `draw_selection`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from analysis.bias.distributions import Distribution, Fixed, as_distribution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.bias.methods.draw_cells import State
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["Bias", "Parameter", "PerLevel", "correlation_matrix", "field_of"]

Parameter = Distribution | float | str
PerLevel = Parameter | tuple[Parameter, ...] | list[Parameter]
# Not parameters, but what is said about them.
_REMARKS = ("correlations", "source")


class Bias(ABC):
    """Base of the biases; use one of its subclasses."""

    __slots__ = ()
    kind: ClassVar[str]
    #: Groups of alternatives; of each group one alternative must be given in full.
    groups: ClassVar[tuple[tuple[tuple[str, ...], ...], ...]]
    #: Optional parameter -> the one that it stands beside.
    beside: ClassVar[Mapping[str, str]] = {}
    #: Parameters that may exceed 1.
    ratios: ClassVar[tuple[str, ...]] = ()
    #: Parameters that are correlations.
    signed: ClassVar[tuple[str, ...]] = ()
    #: Parameters that take one entry a level of a confounder.
    levelled: ClassVar[tuple[str, ...]] = ()
    #: Parameters that stay as stated where all others go to no bias together.
    anchors: ClassVar[tuple[str, ...]] = ()
    #: Words that are chosen, not drawn -> what they may be, the default first.
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, object]]
        correlations: Sequence[tuple[str, str, float]]
        source: str

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in self.names() if getattr(self, name) is not None}
        faults, parsed = self.faults(given, self.correlations, self.chosen)
        if faults:
            sentences = (text if text.endswith("?") else f"{text}." for _, text in faults)
            raise ValueError(f"{self.kind}: {' '.join(sentences)}")  # every fault at once
        for name, value in given.items():
            if isinstance(value, (tuple, list)):
                own = tuple(parsed[_entry(name, level)] for level in range(1, len(value) + 1))
                object.__setattr__(self, name, own)
            else:
                object.__setattr__(self, name, parsed[name])
        pairs = tuple((str(one), str(other), float(value)) for one, other, value in self.correlations)
        object.__setattr__(self, "correlations", pairs)

    @property
    def parameters(self) -> dict[str, Distribution]:
        """The parameters that are given, in the order of the class; of several levels as `name[1]`, ..."""
        return _flat({name: getattr(self, name) for name in self.names()})

    @property
    def chosen(self) -> dict[str, str]:
        """The words that are chosen, not drawn."""
        return {name: getattr(self, name) for name in self.options}

    @abstractmethod
    def apply(self, state: State, values: Mapping[str, FloatArray]) -> None:
        """Undo the bias."""

    def neutral(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values at which each parameter alone does no harm, the others being `values`."""
        return dict.fromkeys(values, 1.0)

    def complaint(self, measure: str, data: str) -> str | None:  # noqa: ARG002 -- a bias that fits all
        """Say why data that are "table", "rates" or "estimate" cannot be adjusted, and what to give."""
        return None

    def hint(self, cells: Cells, measure: str) -> str:  # noqa: ARG002 -- most biases have none
        """Say which parameter cannot have produced these cells, wherever it is drawn; empty if none."""
        return ""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every parameter that may be given."""
        remarks = (*_REMARKS, *cls.options)
        return tuple(field.name for field in fields(cls) if field.name not in remarks)  # type: ignore[arg-type]

    @classmethod
    def faults(
        cls, given: Mapping[str, object], correlations: object, chosen: Mapping[str, object] | None = None
    ) -> tuple[list[tuple[str, str]], dict[str, Distribution]]:
        """Return all that is wrong as pairs of key and sentence, and what could be read."""
        faults: list[tuple[str, str]] = []
        parsed: dict[str, Distribution] = {}
        for name, value in given.items():
            if isinstance(value, (tuple, list)) and (name not in cls.levelled or not value):
                rule = "hold at least one level" if name in cls.levelled else "be one value"
                faults.append((name, f"`{name}` must {rule}, but is {value!r}"))
        for name, value in _flat(given).items():
            if field_of(name) in {key for key, _ in faults}:
                continue
            try:
                parsed[name] = as_distribution(name, value)
            except (TypeError, ValueError) as error:
                faults.append((name, str(error).rstrip(".")))
                continue
            rule_broken = cls._rule(field_of(name), parsed[name])
            if rule_broken:
                faults.append((name, f"`{name}` must {rule_broken}, but is {parsed[name]}"))
        faults += [("", text) for text in cls._missing(given)]
        for name, word in (chosen or {}).items():
            if word not in cls.options[name]:
                known = ", ".join(map(repr, cls.options[name]))
                faults.append((name, f"`{name}` must be one of {known}, but got {word!r}"))
        if not faults:
            faults += cls._together(parsed, chosen or {})
        return faults + _correlation_faults(parsed, correlations), parsed

    @classmethod
    def _rule(cls, name: str, distribution: Distribution) -> str | None:
        low, high = distribution.support
        if name in cls.ratios:
            bad = low < 0 or (isinstance(distribution, Fixed) and low == 0)
            return "be greater than 0" if bad else None
        if name in cls.signed:
            return None if low >= -1 and high <= 1 else "lie between -1 and 1"
        return None if low >= 0 and high <= 1 else "lie between 0 and 1"

    @classmethod
    def _missing(cls, given: Mapping[str, object]) -> list[str]:
        texts = []
        for alternatives in cls.groups:
            wanted = {name for choice in alternatives for name in choice}
            named = [name for name in given if name in wanted]
            if any(set(named) == set(choice) for choice in alternatives):
                continue
            options = " or ".join(", ".join(f"`{name}`" for name in choice) for choice in alternatives)
            got = ", ".join(f"`{name}`" for name in named) or "none of them"
            texts.append(f"{options} must be given, but got {got}")
        texts += [
            f"`{name}` must stand beside `{other}`, which is not given"
            for name, other in cls.beside.items()
            if name in given and other not in given
        ]
        return texts

    @classmethod
    def _together(
        cls,
        parsed: Mapping[str, Distribution],  # noqa: ARG003 -- most biases have nothing to add
        chosen: Mapping[str, object],  # noqa: ARG003
    ) -> list[tuple[str, str]]:
        return []


def field_of(name: str) -> str:
    """Return the field of a parameter: that of `risk_ratio[2]` is `risk_ratio`."""
    return name.partition("[")[0]


def _entry(name: str, level: int) -> str:
    return f"{name}[{level}]"


def _flat(given: Mapping[str, object]) -> dict[str, Distribution]:
    result: dict[str, Distribution] = {}
    for name, value in given.items():
        if isinstance(value, (tuple, list)):
            result |= {_entry(name, level): part for level, part in enumerate(value, start=1)}
        elif value is not None:
            result[name] = value  # type: ignore[assignment]  # read by the caller
    return result


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
        if not isinstance(name, str) or name not in parsed:
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
