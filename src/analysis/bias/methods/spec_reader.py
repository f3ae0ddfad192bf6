"""A document of a specification to data, biases and options: every key checked, every fault remembered."""

from __future__ import annotations

import re
import reprlib
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from analysis.bias.methods.draw_biases import BIASES, Bias, field_of
from analysis.bias.methods.draw_evaluation import Subject, check_biases
from analysis.bias.methods.draw_uniforms import SAMPLINGS, check_draws, seed_sequence
from analysis.bias.probabilistic import RANDOM_ERRORS
from analysis.errors import DataError, Fault
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.bias.methods.spec_text import Document, Path

__all__ = ["ESTIMATE", "OPTIONS", "RATES", "TABLE", "SpecificationReader"]

TABLE = ("exposed_cases", "exposed_total", "control_cases", "control_total")
RATES = ("exposed_events", "exposed_time", "control_events", "control_time")
ESTIMATE = ("measure", "value", "low", "high")
OPTIONS = ("measure", "draws", "seed", "sampling", "random_error", "confidence_level")
_SECTIONS = {"table": TABLE, "rates": RATES, "estimate": ESTIMATE}
_ALMOST_NUMBER = re.compile(
    r"\s*(?P<whole>[-+]?\d+)((?P<comma>,)|\.)?(?P<rest>(?<=[,.])\d+)?\s*(?P<percent>%)?\s*"
)
_MEASURES = {"table": ("OR", "RR", "RD"), "rates": ("IRR", "IRD")}


class SpecificationReader:
    """Reads the parts of a document and remembers every fault.

    Parameters
    ----------
    document : Document
        What the text says.
    name : str
        What messages call the file.
    syntax : {"toml", "yaml"}
        How messages show what is to be written.
    """

    def __init__(self, document: Document, *, name: str, syntax: str) -> None:
        self.document, self.name, self.syntax = document, name, syntax
        self.faults: list[Fault] = []

    def read(self) -> tuple[TwoByTwo | TwoRates | EffectSizes, tuple[Bias, ...], dict[str, Any]]:
        """Return data, biases and options.

        Raises
        ------
        DataError
            With every fault.
        """
        content = self.document.content
        self._known(content, (*OPTIONS, *_SECTIONS, "bias"), ())
        options = self._options(content)
        data = self._data(content, options)
        biases = self._biases(content)
        if data is not None and biases and not self.faults:
            self._check_fit(data, biases, options)
        if self.faults or data is None:
            raise DataError(self.faults)
        return data, tuple(biases), options

    def _fault(self, path: Path, rule: str, value: object = None, way_out: str | None = None) -> None:
        shown = None if value is None else value if isinstance(value, str) else reprlib.repr(value)
        key = f"key `{_label(path)}`: " if path else ""
        rule, asked = _without_name(rule, path), None
        if rule.endswith("?"):
            # A question is a way out, and ends with its own mark.
            rule, _, asked = rule.rpartition(". ")
        self.faults.append(
            Fault(
                file=self.name,
                # The line of `risk_ratio[2]` is that of `risk_ratio`.
                line=self.document.line(
                    tuple(field_of(part) if isinstance(part, str) else part for part in path)
                ),
                rule=key + rule.rstrip("."),
                value=shown,
                way_out=way_out or asked,
            )
        )

    def _attempt(self, path: Path, action: Callable[[], Any]) -> Any:  # noqa: ANN401 -- what the action gives
        """Return what the action gives, or note its error."""
        try:
            return action()
        except (TypeError, ValueError) as error:
            self._fault(path, str(error))
            return None

    def _near_parameter(self, sentence: str, given: Mapping[str, object]) -> str | None:
        """Suggest the parameter that a correlation may have meant."""
        _, joined, got = sentence.partition("must join parameters that are given, but got ")
        near = get_close_matches(got.strip("'"), given, n=1, cutoff=0.6) if joined else []
        return f"Did you mean `{near[0]}`?" if near else None

    def _check_fit(
        self, data: TwoByTwo | TwoRates | EffectSizes, biases: list[Bias], options: Mapping[str, Any]
    ) -> None:
        """Note every bias that data of this kind cannot be adjusted for."""
        subject = self._attempt(
            ("bias",), lambda: Subject(data, options.get("measure"), options.get("confidence_level", 0.95))
        )
        if subject is None:
            return
        for number, bias in enumerate(biases, start=1):
            try:
                check_biases((bias,), subject)
            except ValueError as error:
                rule = str(error).removeprefix(f"`biases` at index 0 ({bias.kind}) ")
                sections = f"Give {self._section('table')} or {self._section('rates')}"
                rule = rule.replace("Give a TwoByTwo or TwoRates", sections)
                self._fault(("bias", number), f"{bias.kind} {rule}")

    def _known(self, given: Mapping[str, object], known: tuple[str, ...], path: Path) -> None:
        for key, value in given.items():
            if key not in known:
                self._fault(
                    (*path, key),
                    f"must be one of {', '.join(known)}",
                    f"{key} = {reprlib.repr(value)}" if self.syntax == "toml" else f"{key}: {value}",
                    _suggestion(key, known),
                )

    def _options(self, content: Mapping[str, Any]) -> dict[str, Any]:
        options = {key: content[key] for key in OPTIONS if key in content}
        if "seed" not in options:
            written = "seed = 2026" if self.syntax == "toml" else "seed: 2026"
            self._fault(("seed",), f"must be given, so that the result can be found again: write {written}")
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
                self._attempt((key,), lambda rule=rule, key=key: rule(options[key]))  # type: ignore[misc]
        return options

    def _section(self, name: str) -> str:
        if self.syntax == "toml":
            return f"[[{name}]]" if name == "bias" else f"[{name}]"
        return f"{name}:"

    def _data(
        self, content: Mapping[str, Any], options: Mapping[str, Any]
    ) -> TwoByTwo | TwoRates | EffectSizes | None:
        sections = [key for key in _SECTIONS if key in content]
        if len(sections) != 1:
            wanted = " or ".join(map(self._section, _SECTIONS))
            self._fault((), f"must have one of {wanted}", " and ".join(sections) or "none of them")
            return None
        section, given = sections[0], content[sections[0]]
        keys = _SECTIONS[section]
        if not isinstance(given, dict):
            self._fault((section,), f"must be a section with {', '.join(keys)}", given)
            return None
        self._known(given, keys, (section,))
        missing = [key for key in keys if key not in given]
        if missing:
            self._fault((section,), f"must hold {', '.join(missing)} too")
            return None
        values = {key: given[key] for key in keys}
        if section != "estimate":
            known = _MEASURES[section]
            if "measure" in options and options["measure"] not in known:
                self._fault(("measure",), f"must be one of {', '.join(known)}", options["measure"])
            kind = TwoByTwo if section == "table" else TwoRates
            made: TwoByTwo | TwoRates | None = self._attempt((section,), lambda: kind(**values))
            return made
        if "measure" in options:
            rule = f"must be left out beside {self._section('estimate')}, which has its own"
            self._fault(("measure",), rule, options["measure"])
        return self._estimate(values, options)

    def _estimate(self, values: Mapping[str, Any], options: Mapping[str, Any]) -> EffectSizes | None:
        try:
            level = check_confidence_level(options.get("confidence_level", 0.95))
        except (TypeError, ValueError):
            return None  # noted with the options
        found: EffectSizes | None = self._attempt(
            ("estimate",),
            lambda: EffectSizes.from_estimates(
                values["value"],
                values["low"],
                values["high"],
                measure=values["measure"],
                confidence_level=level,
            ),
        )
        return found

    def _biases(self, content: Mapping[str, Any]) -> list[Bias]:
        entries = content.get("bias", [])
        if not isinstance(entries, list) or not entries:
            what = "a section [[bias]]" if self.syntax == "toml" else "an entry of the list bias:"
            self._fault(("bias",), f"must be given at least once, as {what}")
            return []
        made = [self._bias(entry, ("bias", number)) for number, entry in enumerate(entries, start=1)]
        return [bias for bias in made if bias is not None]

    def _bias(self, entry: object, path: Path) -> Bias | None:
        if not isinstance(entry, dict):
            self._fault(path, f"must be a section {self._section('bias')} with its kind", entry)
            return None
        kind = BIASES.get(str(entry.get("kind")))
        if kind is None:
            got = entry.get("kind")
            near = get_close_matches(str(got), BIASES, n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else None
            self._fault((*path, "kind"), f"must be one of {', '.join(BIASES)}", got or "none", hint)
            return None
        names = kind.names()
        before = len(self.faults)
        self._known(entry, ("kind", *names, *kind.options, "correlations", "source"), path)
        given = {key: entry[key] for key in names if key in entry}
        chosen = {key: entry.get(key, words[0]) for key, words in kind.options.items()}
        correlations = entry.get("correlations", [])
        for key, sentence in kind.faults(given, correlations, chosen)[0]:
            way_out = _as_number(given.get(key)) or self._near_parameter(sentence, given)
            self._fault((*path, key) if key else path, sentence, way_out=way_out)
        source = entry.get("source", "assumed")
        if not isinstance(source, str) or not source.strip():
            rule = "must be text: where the values come from, or the word assumed"
            self._fault((*path, "source"), rule, source)
        if len(self.faults) > before:
            return None
        made: Bias = kind(**given, **chosen, correlations=correlations, source=source)  # type: ignore[call-arg]
        return made


def _suggestion(key: str, known: tuple[str, ...]) -> str | None:
    """Name the known key that is nearest, or the biases that have it where these do not."""
    near = get_close_matches(key, known, n=1, cutoff=0.7)
    if near:
        return f"Did you mean `{near[0]}`?"
    names = {name for kind in BIASES.values() for name in kind.names()}
    near = get_close_matches(key, names, n=1, cutoff=0.8)
    if near:
        kinds = ", ".join(kind for kind, made in BIASES.items() if near[0] in made.names())
        return f"`{near[0]}` is a parameter of {kinds}."
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"Did you mean `{near[0]}`?" if near else None


def _without_name(rule: str, path: Path) -> str:
    """Leave out a name with which a sentence begins, where the key before it is the same."""
    name = path[-1] if path else None
    for start in (f"`{name}`: ", f"`{name}` "):
        if isinstance(name, str) and rule.startswith(start):
            return rule.removeprefix(start)
    return rule


def _as_number(value: object) -> str | None:
    """Say how a number is written that stands as a percentage or with a decimal comma."""
    found = _ALMOST_NUMBER.fullmatch(value) if isinstance(value, str) else None
    if not found or not (found["comma"] or found["percent"]):
        return None
    digits = f"{found['whole']}{'.' + found['rest'] if found['rest'] else ''}"
    if found["percent"]:
        # Decimal keeps the digits: 40% is 0.40, not 0.4.
        digits = f"{Decimal(digits).scaleb(-2):f}"
    return f"Write {digits}, without quotes."


def _label(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
