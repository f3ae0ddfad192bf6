"""What is believed of the biases of a study: in Python a sentence, in a file TOML or YAML.

The biases themselves are in `methods.draw_biases`, distributions in `distributions`. No file is read here:
text comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.bias.distributions import Distribution, Fixed
from analysis.bias.methods.draw_biases import (
    BIASES,
    Bias,
    DependentMisclassification,
    ExposureMisclassification,
    MBias,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from analysis.bias.methods.spec_reader import ESTIMATE, OPTIONS, RATES, TABLE, SpecificationReader
from analysis.bias.methods.spec_text import read_text, syntax_of, write_text
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.values.counts import TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

if TYPE_CHECKING:
    from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis

__all__ = [
    "BIASES",
    "Bias",
    "BiasSpecification",
    "DependentMisclassification",
    "ExposureMisclassification",
    "MBias",
    "OutcomeMisclassification",
    "SelectionBias",
    "UnmeasuredConfounding",
    "read_bias_specification",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasSpecification:
    """A probabilistic bias analysis that is written down but not yet run.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
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

    data: TwoByTwo | TwoRates | EffectSizes
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
            If the data are not one table, one pair of rates or one estimate.
        """
        return write_text(self._content(), syntax="toml")

    def to_yaml(self) -> str:
        """Return the same in YAML; what is raised is the same too."""
        return write_text(self._content(), syntax="yaml")

    def _content(self) -> dict[str, Any]:
        if self.data.shape not in {(), (1,)}:
            raise ValueError(f"`data` must be one table to be written, but has shape {self.data.shape}.")
        estimate = isinstance(self.data, EffectSizes)
        content: dict[str, Any] = {
            name: value
            for name in OPTIONS
            if (value := getattr(self, name)) is not None and not (name == "measure" and estimate)
        }
        if isinstance(self.data, EffectSizes):
            interval = self.data.interval(confidence_level=self.confidence_level)
            numbers = {name: getattr(interval, name).item() for name in ESTIMATE[1:]}
            content["estimate"] = {"measure": self.data.measure} | numbers
        elif isinstance(self.data, TwoByTwo):
            content["table"] = {name: int(getattr(self.data, name).item()) for name in TABLE}
        else:
            # Events are whole, person-time need not be.
            content["rates"] = {
                name: int(value) if (value := getattr(self.data, name).item()).is_integer() else value
                for name in RATES
            }
        content["bias"] = [_entry(bias) for bias in self.biases]
        return content

    def __str__(self) -> str:
        """Return one sentence a bias."""
        sentences = []
        for number, bias in enumerate(self.biases, start=1):
            parts = ", ".join(f"{name} {kind}" for name, kind in bias.parameters.items())
            joined = "".join(
                f", correlation {value:g} of {one} and {other}" for one, other, value in bias.correlations
            )
            words = "".join(
                f", {name} {word}" for name, word in bias.chosen.items() if word != bias.options[name][0]
            )
            sentences.append(f"{number}. {bias.kind}: {parts}{joined}{words} ({bias.source})")
        return "\n".join(sentences)


def read_bias_specification(
    text: str, *, name: str = "specification", syntax: str | None = None
) -> BiasSpecification:
    """Read a specification that is written as TOML or YAML.

    Parameters
    ----------
    text : str
        `seed`, and optionally `measure`, `draws`, `sampling`, `random_error` and `confidence_level`; then
        `[table]` with the four counts of `TwoByTwo`, `[rates]` with the four numbers of `TwoRates`, or
        `[estimate]` with measure, value, low and high; then one `[[bias]]` each, in the order in which they
        are undone, with its `kind`, its parameters, and optionally `correlations` and `source`. A parameter
        is a number or text such as "beta(46, 6)"; of a confounder of several levels a list of them. In YAML
        the same keys, `bias` being a list.
    name : str, default "specification"
        What messages call it, such as the name of its file.
    syntax : {"toml", "yaml"}, optional
        By default YAML if the name ends in .yaml or .yml, else TOML.

    Returns
    -------
    BiasSpecification
        Checked, so that it runs.

    Raises
    ------
    DataError
        If the text is not of that syntax, a key is stated twice, unknown or missing, or a value breaks its
        rule: every fault at once, with its line and, for an unknown key, the known one that is nearest.

    Notes
    -----
    YAML is read by the rules of its version 1.2: `no` is text, `010` is ten and `1e-3` a number.

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
    >>> print(read_bias_specification(specification.to_yaml(), syntax="yaml"))
    1. unmeasured confounding: prevalence_exposed uniform(0.3, 0.5), prevalence_control uniform(0.1, 0.2),
    risk_ratio log-normal(0.7, 0.1) (assumed)
    """
    written = syntax_of(name, syntax)
    document = read_text(text, name=name, syntax=written)
    data, biases, options = SpecificationReader(document, name=name, syntax=written).read()
    return BiasSpecification(data=data, biases=biases, **options)


def _entry(bias: Bias) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": bias.kind}
    for name in bias.names():
        value = getattr(bias, name)
        if value is not None:
            entry[name] = [_written(part) for part in value] if isinstance(value, tuple) else _written(value)
    entry |= {name: word for name, word in bias.chosen.items() if word != bias.options[name][0]}
    if bias.correlations:
        entry["correlations"] = [list(pair) for pair in bias.correlations]
    entry["source"] = bias.source
    return entry


def _written(distribution: Distribution) -> str | float:
    return distribution.value if isinstance(distribution, Fixed) else str(distribution)
