"""Parameters of the biases of several studies: which draws they share, and their values study by study.

Studies whose biases are of the same kinds and differ in their distributions alone form a group that is
adjusted at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.distributions import Fixed
from analysis.bias.methods.draw_bias import Bias, correlation_matrix, field_of
from analysis.bias.methods.draw_evaluation import check_biases, square_root
from analysis.bias.methods.draw_uniforms import mixed
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from analysis.bias.distributions import Distribution
    from analysis.bias.methods.draw_evaluation import Subject
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["StudyGroup", "StudyParameters", "biases_of_studies", "share_of", "sharing_of"]

# The kind of a bias, which one of that kind in its study, and the parameter.
Slot = tuple[str, int, str]
_SHARED = ("shared", "study-specific")


class StudyGroup:
    """Studies whose biases are of the same kinds, in the same order, with the same parameters."""

    __slots__ = ("_plan", "biases", "studies")

    def __init__(
        self, studies: Sequence[int], by_study: Sequence[tuple[Bias, ...]], slots: Mapping[Slot, int]
    ) -> None:
        self.studies: IntArray = np.asarray(studies)
        #: Those of the first study: what they do is the same in all, with the values of each.
        self.biases = by_study[studies[0]]
        self._plan = [
            _Plan([by_study[study][place] for study in studies], slots, number)
            for place, number in enumerate(_occurrences(self.biases))
        ]

    def values(self, uniforms: FloatArray) -> list[dict[str, FloatArray]]:
        """Return each bias's values, of shape (draws, studies); `uniforms` is (slots, draws, all or 1)."""
        own = uniforms if uniforms.shape[-1] == 1 else uniforms[..., self.studies]
        return [plan.values(own) for plan in self._plan]


class _Plan:
    """One bias of all studies of a group."""

    __slots__ = ("_distributions", "_factor", "_joined", "_rows")

    def __init__(self, biases: Sequence[Bias], slots: Mapping[Slot, int], number: int) -> None:
        first = biases[0]
        self._distributions = {
            name: _by_distribution([bias.parameters[name] for bias in biases]) for name in first.parameters
        }
        self._rows = {
            name: slots[first.kind, number, name]
            for name in first.parameters
            if (first.kind, number, name) in slots
        }
        self._joined = [name for name in self._rows if any(name in pair[:2] for pair in first.correlations)]
        self._factor = square_root(correlation_matrix(self._joined, first.correlations))

    def values(self, uniforms: FloatArray) -> dict[str, FloatArray]:
        own = {name: uniforms[row] for name, row in self._rows.items()}
        if self._joined:
            together = mixed(np.stack([own[name] for name in self._joined]), self._factor)
            own |= dict(zip(self._joined, together, strict=True))
        return {name: _drawn(own.get(name), parts) for name, parts in self._distributions.items()}


def _by_distribution(distributions: Sequence[Distribution]) -> list[tuple[Distribution, IntArray]]:
    return [
        (kind, np.array([place for place, other in enumerate(distributions) if other == kind]))
        for kind in dict.fromkeys(distributions)
    ]


def _drawn(uniforms: FloatArray | None, parts: list[tuple[Distribution, IntArray]]) -> FloatArray:
    if len(parts) == 1:
        kind = parts[0][0]
        return np.asarray(kind.support[0]) if uniforms is None else kind.from_uniform(uniforms)
    count = sum(places.size for _, places in parts)
    if uniforms is None:  # known in every study, but not the same
        known = np.empty(count)
        for kind, places in parts:
            known[places] = kind.support[0]
        return known
    result = np.empty((uniforms.shape[0], count))
    for kind, places in parts:
        result[:, places] = kind.from_uniform(uniforms if uniforms.shape[-1] == 1 else uniforms[:, places])
    return result


class StudyParameters:
    """The parameters of all studies: a slot for each name, and the groups that are adjusted at once."""

    __slots__ = ("count", "groups", "slots")

    def __init__(self, by_study: Sequence[tuple[Bias, ...]]) -> None:
        self.count = len(by_study)
        slots: dict[Slot, int] = {}
        alike: dict[object, list[int]] = {}
        for study, biases in enumerate(by_study):
            for bias, number in zip(biases, _occurrences(biases), strict=True):
                for name, kind in bias.parameters.items():
                    if not isinstance(kind, Fixed):
                        slots.setdefault((bias.kind, number, name), len(slots))
            alike.setdefault(tuple(map(_structure, biases)), []).append(study)
        self.slots = slots
        self.groups = [StudyGroup(studies, by_study, slots) for studies in alike.values()]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that vary in any study."""
        return tuple(dict.fromkeys(name for _, _, name in self.slots))

    def rows(self, sharing: Mapping[str, float]) -> int:
        """Return how many rows of independent uniforms are needed."""
        return sum(self._width(sharing[name]) for _, _, name in self.slots)

    def _width(self, share: float) -> int:
        # One row where all studies share it, one a study where they do not, and between the two a common row
        # and one a study.
        return 1 if share == 1 else self.count if share == 0 else self.count + 1

    def by_study(self, uniforms: FloatArray, sharing: Mapping[str, float]) -> FloatArray:
        """Return uniforms of shape (slots, draws, studies), or (slots, draws, 1) if all share all."""
        draws = uniforms.shape[-1]
        if all(sharing[name] == 1 for _, _, name in self.slots):
            return uniforms[:, :, np.newaxis]
        result = np.empty((len(self.slots), draws, self.count))
        row = 0
        for slot, (_, _, name) in enumerate(self.slots):
            share = sharing[name]
            width = self._width(share)
            part = uniforms[row : row + width]
            if 0 < share < 1:
                factor = np.hstack(
                    [np.full((self.count, 1), np.sqrt(share)), np.sqrt(1 - share) * np.eye(self.count)]
                )
                part = mixed(part, factor)
            result[slot] = part.T
            row += width
        return result


def _occurrences(biases: Sequence[Bias]) -> list[int]:
    """Return which one of its kind each bias is."""
    kinds = [bias.kind for bias in biases]
    return [kinds[:place].count(kind) for place, kind in enumerate(kinds)]


def _structure(bias: Bias) -> object:
    return bias.kind, tuple(bias.parameters), tuple(bias.chosen.items()), bias.correlations


def biases_of_studies(
    biases: object, subject: Subject, labels: tuple[str, ...] | None
) -> tuple[tuple[Bias, ...], tuple[tuple[Bias, ...], ...]]:
    """Return the biases that all studies have (empty where they have their own), and those of each study.

    Raises
    ------
    TypeError
        If one is not a bias.
    ValueError
        If studies are missing or unknown, or a bias does not go with the data; names the study.
    """
    count = subject.shape[0]
    if isinstance(biases, Mapping):
        given = _by_label(biases, labels)
    elif isinstance(biases, Sequence) and any(isinstance(part, (list, tuple)) for part in biases):
        given = list(biases)
        if len(given) != count:
            raise ValueError(
                f"`biases` must hold one list for each of the {count} studies, but holds {len(given)}. For "
                "the same biases in all studies write one list, without lists in it."
            )
    else:
        common = check_biases(biases, subject)  # type: ignore[arg-type]  # it says what is no bias
        return common, (common,) * count
    by_study = []
    for study, own in enumerate(given):
        name = repr(labels[study]) if labels else str(study)
        listed = (own,) if isinstance(own, Bias) else own
        if not isinstance(listed, (list, tuple)):
            raise TypeError(
                f"`biases` of study {name} must be a bias or a list of them, but is {type(own).__name__}."
            )
        try:
            by_study.append(check_biases(listed, subject) if listed else ())
        except (TypeError, ValueError) as error:
            raise type(error)(f"Study {name}: {error}") from None
    return (), tuple(by_study)


def _by_label(biases: Mapping[str, object], labels: tuple[str, ...] | None) -> list[object]:
    if labels is None:
        raise ValueError(
            "`labels` must be given where `biases` go by label. Give them, or one list a study in order."
        )
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(
            f"`labels` must differ where `biases` go by label, but {twice!r} stands twice. Give one list a "
            "study in order."
        )
    for label in biases:
        check_choice("a study of biases", label, labels)
    missing = [label for label in labels if label not in biases]
    if missing:
        raise ValueError(
            f"`biases` must name every study, but {', '.join(map(repr, missing))} "
            f"{'is' if len(missing) == 1 else 'are'} missing. Write [] for a study without bias."
        )
    return [biases[label] for label in labels]


def sharing_of(
    parameters: str | float | Mapping[str, str | float], study_parameters: StudyParameters
) -> dict[str, float]:
    """Return for every parameter that varies its correlation between studies.

    Raises
    ------
    ValueError
        If one is unknown, or no correlation between 0 and 1.
    """
    names = study_parameters.names
    if not isinstance(parameters, Mapping):
        return dict.fromkeys(names, share_of("parameters", parameters))
    for name in parameters:
        check_choice("a key of parameters", name, dict.fromkeys([*names, *map(field_of, names)]))
    return {
        name: share_of(
            f"parameters['{name}']", parameters.get(name, parameters.get(field_of(name), "shared"))
        )
        for name in names
    }


def share_of(name: str, share: str | float) -> float:
    """Return the correlation between studies that a word or a number stands for."""
    if isinstance(share, str):
        return float(check_choice(name, share, _SHARED) == "shared")
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ValueError(
            f"`{name}` must be 'shared', 'study-specific' or a correlation between 0 and 1, "
            f"but got {share!r}."
        )
    return float(share)
