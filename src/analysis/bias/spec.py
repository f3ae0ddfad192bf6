"""What is believed of the biases of a study: in Python a sentence, in a file TOML.

The biases themselves are in `methods.draw_biases`, distributions in `distributions`. No file is read here:
text comes in.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from analysis.bias.distributions import Fixed
from analysis.bias.methods.draw_biases import (
    BIASES,
    Bias,
    ExposureMisclassification,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from analysis.bias.methods.draw_evaluation import Subject, check_biases
from analysis.bias.methods.draw_uniforms import SAMPLINGS, check_draws, seed_sequence
from analysis.bias.probabilistic import RANDOM_ERRORS, probabilistic_bias_analysis
from analysis.errors import DataError, Fault
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from analysis.bias.distributions import Distribution
    from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis

__all__ = [
    "BIASES",
    "Bias",
    "BiasSpecification",
    "ExposureMisclassification",
    "OutcomeMisclassification",
    "SelectionBias",
    "UnmeasuredConfounding",
    "read_bias_specification",
]

_TABLE = ("exposed_cases", "exposed_total", "control_cases", "control_total")
_ESTIMATE = ("measure", "value", "low", "high")
_OPTIONS = ("measure", "draws", "seed", "sampling", "random_error", "confidence_level")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasSpecification:
    """A probabilistic bias analysis that is written down but not yet run.

    Parameters
    ----------
    data : TwoByTwo or EffectSizes
        What is adjusted.
    biases : tuple of biases
        In the order in which they are undone.
    seed : int
        Of the draws.
    measure : str, optional
        As for `probabilistic_bias_analysis`, like all that follow.
    draws : int
    sampling : str
    random_error : str, optional
    confidence_level : float
    """

    data: TwoByTwo | EffectSizes
    biases: tuple[Bias, ...]
    seed: int
    measure: str | None = None
    draws: int = 100_000
    sampling: str = "random"
    random_error: str | None = None
    confidence_level: float = 0.95

    def run(self) -> ProbabilisticBiasAnalysis:
        """Return the result of the analysis."""
        return probabilistic_bias_analysis(
            self.data,
            biases=self.biases,
            rng=self.seed,
            measure=self.measure,
            draws=self.draws,
            sampling=self.sampling,
            random_error=self.random_error,
            confidence_level=self.confidence_level,
        )

    def to_toml(self) -> str:
        """Return the text from which `read_bias_specification` makes the same specification.

        Raises
        ------
        ValueError
            If the data are not one table or one estimate.
        """
        if self.data.shape not in {(), (1,)}:
            raise ValueError(f"`data` must be one table to be written, but has shape {self.data.shape}.")
        lines = [
            f"{name} = {_toml(value)}"
            for name in _OPTIONS
            if (value := getattr(self, name)) is not None
            and not (name == "measure" and isinstance(self.data, EffectSizes))
        ]
        if isinstance(self.data, TwoByTwo):
            lines += ["", "[table]"]
            lines += [f"{name} = {int(getattr(self.data, name).item())}" for name in _TABLE]
        else:
            interval = self.data.interval(confidence_level=self.confidence_level)
            lines += ["", "[estimate]", f"measure = {_toml(self.data.measure)}"]
            lines += [f"{name} = {getattr(interval, name).item()!r}" for name in _ESTIMATE[1:]]
        for bias in self.biases:
            lines += ["", "[[bias]]", f"kind = {_toml(bias.kind)}"]
            lines += [f"{name} = {_distribution(kind)}" for name, kind in bias.parameters.items()]
            if bias.correlations:
                lines.append(f"correlations = {_toml([list(pair) for pair in bias.correlations])}")
            lines.append(f"source = {_toml(bias.source)}")
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        """Return one sentence a bias."""
        sentences = []
        for number, bias in enumerate(self.biases, start=1):
            parts = ", ".join(f"{name} {kind}" for name, kind in bias.parameters.items())
            joined = "".join(
                f", correlation {value:g} of {one} and {other}" for one, other, value in bias.correlations
            )
            sentences.append(f"{number}. {bias.kind}: {parts}{joined} ({bias.source})")
        return "\n".join(sentences)


def read_bias_specification(text: str, *, name: str = "specification") -> BiasSpecification:
    """Read a specification that is written as TOML.

    Parameters
    ----------
    text : str
        `seed`, and optionally `measure`, `draws`, `sampling`, `random_error` and `confidence_level`; then
        `[table]` with the four counts of `TwoByTwo`, or `[estimate]` with measure, value, low and high; then
        one `[[bias]]` each, in the order in which they are undone, with its `kind`, its parameters, and
        optionally `correlations` and `source`. A parameter is a number or text such as "beta(46, 6)".
    name : str, default "specification"
        What messages call it, such as the name of its file.

    Returns
    -------
    BiasSpecification
        Checked, so that it runs.

    Raises
    ------
    DataError
        If the text is not TOML, a key is unknown or missing, or a value breaks its rule: every fault at once.

    Examples
    --------
    >>> specification = read_bias_specification('''
    ... seed = 2026
    ... [estimate]
    ... measure = "HR"
    ... value = 1.83
    ... low = 1.58
    ... high = 2.11
    ... [[bias]]
    ... kind = "unmeasured confounding"
    ... prevalence_exposed = "uniform(0.3, 0.5)"
    ... prevalence_control = "uniform(0.1, 0.2)"
    ... risk_ratio = "log-normal(0.7, 0.1)"
    ... source = "assumed"
    ... ''')
    >>> print(specification)
    1. unmeasured confounding: prevalence_exposed uniform(0.3, 0.5), prevalence_control uniform(0.1, 0.2),
    risk_ratio log-normal(0.7, 0.1) (assumed)
    >>> specification.run().impossible_draws.item()
    0
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([Fault(file=name, rule=f"must be TOML: {error}")]) from None
    reader = _Reader(name)
    options = reader.options(document)
    data = reader.data(document, options)
    biases = reader.biases(document)
    if data is not None and biases and not reader.faults:
        reader.attempt("bias", lambda: _fits(data, biases, options))
    if reader.faults or data is None:
        raise DataError(reader.faults)
    return BiasSpecification(data=data, biases=tuple(biases), **options)


def _fits(data: TwoByTwo | EffectSizes, biases: list[Bias], options: Mapping[str, Any]) -> None:
    subject = Subject(data, options.get("measure"), options.get("confidence_level", 0.95))
    check_biases(biases, subject)


class _Reader:
    """Reads the parts of a document and remembers every fault."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.faults: list[Fault] = []

    def fault(self, key: str, rule: str, value: object = None) -> None:
        shown = None if value is None else str(value)
        place = f"{self.name}, key `{key}`" if key else self.name
        self.faults.append(Fault(file=place, rule=rule.rstrip("."), value=shown))

    def attempt(self, key: str, action: Callable[[], Any]) -> Any:  # noqa: ANN401 -- what the action gives
        """Return what the action gives, or note its error."""
        try:
            return action()
        except (TypeError, ValueError) as error:
            self.fault(key, str(error))
            return None

    def known(self, given: Iterable[str], known: Iterable[str], prefix: str = "") -> None:
        allowed = tuple(known)
        for key in given:
            if key not in allowed:
                near = get_close_matches(key, allowed, n=1, cutoff=0.5)
                hint = f"; did you mean {near[0]}?" if near else ""
                self.fault(prefix + key, f"must be one of {', '.join(allowed)}{hint}", key)

    def options(self, document: Mapping[str, Any]) -> dict[str, Any]:
        self.known(document, (*_OPTIONS, "table", "estimate", "bias"))
        options = {key: document[key] for key in _OPTIONS if key in document}
        if "seed" not in options:
            self.fault("seed", "must be given, so that the result can be found again: write seed = 2026")
        rules: dict[str, Callable[[Any], Any]] = {
            "seed": seed_sequence,
            "sampling": lambda value: check_choice("sampling", value, SAMPLINGS),
            "random_error": lambda value: check_choice("random_error", value, RANDOM_ERRORS),
            "confidence_level": check_confidence_level,
            "draws": lambda value: check_draws(
                value, options["sampling"] if options.get("sampling") in SAMPLINGS else "random"
            ),
        }
        for key, rule in rules.items():
            if key in options:
                self.attempt(key, lambda rule=rule, key=key: rule(options[key]))  # type: ignore[misc]
        return options

    def data(self, document: Mapping[str, Any], options: Mapping[str, Any]) -> TwoByTwo | EffectSizes | None:
        sections = [key for key in ("table", "estimate") if key in document]
        if len(sections) != 1:
            self.fault("", "must have either [table] or [estimate]", " and ".join(sections) or "neither")
            return None
        section, wanted = sections[0], _TABLE if sections[0] == "table" else _ESTIMATE
        given = document[section]
        if not isinstance(given, dict):
            self.fault(section, f"must be a section with {', '.join(wanted)}", given)
            return None
        self.known(given, wanted, f"{section}.")
        missing = [key for key in wanted if key not in given]
        if missing:
            self.fault(section, f"must hold {', '.join(missing)} too")
            return None
        values = {key: given[key] for key in wanted}
        found: TwoByTwo | EffectSizes | None
        if section == "table":
            found = self.attempt(section, lambda: TwoByTwo(**values))
            if options.get("measure") not in {None, "OR", "RR", "RD"}:
                self.fault("measure", "must be one of OR, RR, RD", options["measure"])
            return found
        if "measure" in options:
            self.fault("measure", "must be left out beside [estimate], which has its own", options["measure"])
        try:
            level = check_confidence_level(options.get("confidence_level", 0.95))
        except (TypeError, ValueError):
            return None  # noted with the options
        found = self.attempt(
            section,
            lambda: EffectSizes.from_estimates(
                values["value"],
                values["low"],
                values["high"],
                measure=values["measure"],
                confidence_level=level,
            ),
        )
        return found

    def biases(self, document: Mapping[str, Any]) -> list[Bias]:
        entries = document.get("bias", [])
        if not isinstance(entries, list) or not entries:
            self.fault("bias", "must be given at least once, as a section [[bias]]")
            return []
        found = []
        for number, entry in enumerate(entries, start=1):
            bias = self._bias(entry, f"bias[{number}]")
            if bias is not None:
                found.append(bias)
        return found

    def _bias(self, entry: object, place: str) -> Bias | None:
        if not isinstance(entry, dict):
            self.fault(place, "must be a section [[bias]]", entry)
            return None
        kind = BIASES.get(str(entry.get("kind")))
        if kind is None:
            got = entry.get("kind")
            near = get_close_matches(str(got), BIASES, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.fault(f"{place}.kind", f"must be one of {', '.join(BIASES)}{hint}", got)
            return None
        names = kind.names()
        before = len(self.faults)
        self.known(entry, ("kind", *names, "correlations", "source"), f"{place}.")
        given = {key: entry[key] for key in names if key in entry}
        correlations = entry.get("correlations", [])
        for key, sentence in kind.faults(given, correlations)[0]:
            self.fault(f"{place}.{key}" if key else place, sentence)
        source = entry.get("source", "assumed")
        if not isinstance(source, str) or not source.strip():
            self.fault(
                f"{place}.source", "must be text: where the values come from, or the word assumed", source
            )
        if len(self.faults) > before:
            return None
        made: Bias = kind(**given, correlations=correlations, source=source)  # type: ignore[call-arg]
        return made


def _toml(value: Any) -> str:  # noqa: ANN401 -- text, number or list of them
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _distribution(distribution: Distribution) -> str:
    if isinstance(distribution, Fixed):
        return repr(distribution.value)
    return _toml(str(distribution))
