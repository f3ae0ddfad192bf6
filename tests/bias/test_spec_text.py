"""Specifications in YAML, and the lines that messages name in either syntax."""

import re

import numpy as np
import pytest
import yaml

from analysis import TwoByTwo, TwoRates
from analysis.bias.methods.spec_text import read_text, syntax_of
from analysis.bias.spec import (
    BiasSpecification,
    DependentMisclassification,
    MBias,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
    read_bias_specification,
)
from analysis.errors import DataError

YAML = """\
# Osteoporosis and spondylitis, a made-up table.
seed: 11
draws: 4096
sampling: sobol
table:
  exposed_cases: 45
  exposed_total: 302
  control_cases: 94
  control_total: 1039
bias:
  - kind: exposure misclassification
    sensitivity: trapezoidal(0.75, 0.85, 0.95, 1)
    specificity: 0.97
    noncases_sensitivity: "uniform(0.7, 0.95)"
    correlations: [[sensitivity, noncases_sensitivity, 0.8]]
    source: 'validation study: 46 of 52'
  - kind: unmeasured confounding
    prevalence_exposed: [0.3, "uniform(0.1, 0.2)"]
    prevalence_control: [0.2, 0.05]
    risk_ratio:
      - 1.5
      - log-normal(0.7, 0.1)
    standard: total
"""
TOML = """
seed = 11
draws = 4096
sampling = "sobol"
[table]
exposed_cases = 45
exposed_total = 302
control_cases = 94
control_total = 1039
[[bias]]
kind = "exposure misclassification"
sensitivity = "trapezoidal(0.75, 0.85, 0.95, 1)"
specificity = 0.97
noncases_sensitivity = "uniform(0.7, 0.95)"
correlations = [["sensitivity", "noncases_sensitivity", 0.8]]
source = "validation study: 46 of 52"
[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = [0.3, "uniform(0.1, 0.2)"]
prevalence_control = [0.2, 0.05]
risk_ratio = [
  1.5,
  "log-normal(0.7, 0.1)",
]
standard = "total"
"""
TABLE = "seed: 1\ntable: {exposed_cases: 4, exposed_total: 9, control_cases: 3, control_total: 20}\n"
SELECTION = "bias:\n  - kind: selection bias\n    bias_factor: 1.1\n"


def test_both_syntaxes_are_the_same_analysis():
    first, second = read_bias_specification(YAML, syntax="yaml"), read_bias_specification(TOML)
    assert str(first) == str(second)
    assert first.to_toml() == second.to_toml()
    assert first.to_yaml() == second.to_yaml()
    np.testing.assert_array_equal(first.run().total, second.run().total)
    for text, syntax in ((first.to_toml(), "toml"), (first.to_yaml(), "yaml")):
        assert str(read_bias_specification(text, syntax=syntax)) == str(first)
    assert str(first).splitlines()[1] == (
        "2. unmeasured confounding: prevalence_exposed[1] fixed(0.3), "
        "prevalence_exposed[2] uniform(0.1, 0.2), prevalence_control[1] fixed(0.2), "
        "prevalence_control[2] fixed(0.05), risk_ratio[1] fixed(1.5), "
        "risk_ratio[2] log-normal(0.7, 0.1), standard total (assumed)"
    )


EVERY_KIND = [
    BiasSpecification(
        data=TwoByTwo(exposed_cases=45, exposed_total=302, control_cases=94, control_total=1039),
        biases=(
            DependentMisclassification(
                exposure_sensitivity="beta(46, 6)",
                exposure_specificity=0.97,
                outcome_sensitivity=0.9,
                outcome_specificity="uniform(0.99, 1)",
                error_correlation="uniform(-0.01, 0.2)",
                source='told by "them" \\ 10% \t ü\n\x7f',
            ),
            MBias(
                first_cause_exposure=2,
                first_cause_collider="log-normal(1, 0.2)",
                second_cause_collider=2.5,
                second_cause_outcome=1.5,
            ),
            UnmeasuredConfounding(
                prevalence=1e-5, exposure_prevalence=0.3, exposure_odds_ratio="uniform(1, 3)", odds_ratio=2
            ),
        ),
        seed=3,
        measure="OR",
        random_error="none",
    ),
    BiasSpecification(
        data=TwoRates(exposed_events=60, exposed_time=4000.5, control_events=40, control_time=9000),
        biases=(
            OutcomeMisclassification(sensitivity="uniform(0.7, 0.9)", positive_predictive_value=0.95),
            SelectionBias(bias_factor="uniform(0.9, 1.2)"),
        ),
        seed=3,
        measure="IRR",
        draws=1000,
    ),
]


@pytest.mark.parametrize("syntax", ["toml", "yaml"])
@pytest.mark.parametrize("specification", EVERY_KIND, ids=["table", "rates"])
def test_what_is_written_reads_back(specification, syntax):
    text = getattr(specification, f"to_{syntax}")()
    again = read_bias_specification(text, syntax=syntax)
    assert getattr(again, f"to_{syntax}")() == text
    assert [bias.source for bias in again.biases] == [bias.source for bias in specification.biases]
    np.testing.assert_array_equal(again.run().systematic, specification.run().systematic)


@pytest.mark.parametrize("specification", EVERY_KIND, ids=["table", "rates"])
def test_what_is_written_is_read_alike_by_an_older_reader(specification):
    """Of YAML 1.1, whose numbers need a point."""
    text = specification.to_yaml()
    assert yaml.safe_load(text) == read_text(text, name="x", syntax="yaml").content


def test_the_name_says_the_syntax():
    for name in ("spec.yaml", "SPEC.YML"):
        assert syntax_of(name, None) == "yaml"
        assert read_bias_specification(YAML, name=name).seed == 11
    assert syntax_of("spec.toml", None) == syntax_of("specification", None) == "toml"
    assert syntax_of("spec.yaml", "toml") == "toml"
    with pytest.raises(ValueError, match="`syntax` must be one of"):
        read_bias_specification(YAML, syntax="json")


def test_numbers_are_read_by_the_newer_rules():
    """By YAML 1.1 these would be 8, 90 (base 60), false, text and a date."""
    text = "a: 010\nb: 1:30\nc: no\nd: 1e-3\ne: 2020-01-01\nf: -.5\ng: true\nh: '7'\ni: False\n"
    content = read_text(text, name="x", syntax="yaml").content
    assert content == {
        "a": 10,
        "b": "1:30",
        "c": "no",
        "d": 0.001,
        "e": "2020-01-01",
        "f": -0.5,
        "g": True,
        "h": "7",
        "i": False,
    }
    assert [type(content[key]) for key in "adg"] == [int, float, bool]


def test_every_fault_of_a_yaml_file_is_named_with_its_line():
    text = """\
measur: OR
draws: 10
table:
  exposed_cases: 450
  exposed_total: 302
  control_cases: 94
  control_total: 1039
  comment: from Table 2
bias:
  - kind: exposure misclassification
    sensitivity: triangular(0.9, 0.8, 1)
    specifity: 0.97
    specificity: 1.2
    correlations: [[sensitivity, specificity, 2]]
  - kind: unmeasured confounding
    prevalence_exposed: [0.7, 0.6]
    prevalence_control: [0.2, "uniform(0.9, 0.8)"]
    risk_ratio: [2, -1]
    standard: both
  - selection
"""
    with pytest.raises(DataError) as caught:
        read_bias_specification(text, name="spec.yaml")
    message = str(caught.value)
    for part in (
        "spec.yaml: key `seed`: must be given.*write seed: 2026",
        "spec.yaml, line 1: key `measur`: must be one of measure, .*'measur: OR'. Did you mean `measure`",
        "spec.yaml, line 2: key `draws`: must be at least 100, but got 10",
        "line 3: key `table`: `exposed_cases` must not exceed `exposed_total`",
        "line 8: key `table.comment`: must be one of exposed_cases, .*'comment: from Table 2'",
        r"line 11: key `bias\[1\].sensitivity`: .*`low` <= `mode` <= `high`.*Give them in this order",
        r"line 12: key `bias\[1\].specifity`: must be one of .*Did you mean `specificity`",
        r"line 13: key `bias\[1\].specificity`: must lie between 0 and 1, but is fixed\(1.2\)",
        r"line 14: key `bias\[1\].correlations`: .*between -1 and 1, but got 2",
        r"line 17: key `bias\[2\].prevalence_control\[2\]`: .*`low` <= `high` must hold for uniform",
        r"line 18: key `bias\[2\].risk_ratio\[2\]`: .*must be greater than 0, but is fixed\(-1\)",
        r"line 19: key `bias\[2\].standard`: must be one of 'exposed', .*but got 'both'",
        r"line 20: key `bias\[3\]`: must be a section bias: with its kind, but got 'selection'",
    ):
        assert re.search(part, message), part


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("seed: 1\nseed: 2\n", "line 2: key `seed` must be stated once; it stands on line 1 too"),
        (
            f"{TABLE}bias:\n  - kind: selection bias\n    bias_factor: 1\n    bias_factor: 2\n",
            "line 6: key `bias_factor` must be stated once; it stands on line 5 too",
        ),
        ("seed: [1\n", "line 2: must be YAML"),
        ("a: b: c\n", "line 1: must be YAML: mapping values are not allowed"),
        ("seed: *start\n", "line 1: must be YAML: found undefined alias"),
        ("- seed\n", "line 1: must hold keys with values"),
        ("seed: 1\nx: [0.2, uniform(0.8, 0.9)]\n", "line 2: text with a comma .* in quotes .*'uniform.0.8'"),
        ("text", "line 1: must hold keys with values"),
        ("seed:\ndraws: 200\n", "line 1: key `seed` must have a value, but has none; leave the key out"),
        ("seed: !!python/object/apply:os.getcwd []\n", "line 1: must hold text, numbers, lists and keys"),
        ("seed: !own 3\n", "line 1: must hold text, .*'!own'"),
        ("? [1, 2]\n: 3\n", "line 1: must have words as keys"),
        (f"{TABLE}{SELECTION}---\nseed: 2\n", "line 6: must be YAML: but found another document"),
        ("", "key `seed`: must be given"),
        (f"{TABLE}bias: none\n", "line 3: key `bias`: must be given at least once, as an entry of the list"),
        (
            f"{TABLE}bias:\n  - kind: selection\n    bias_factor: 1\n",
            r"line 4: key `bias\[1\].kind`: must be one of .*'selection'. Did you mean `selection bias`",
        ),
        (f"{TABLE}{SELECTION}estimate: 3\n", "must have one of table: or rates: or estimate:, but got"),
        (
            f"seed: 1\nrates: {{exposed_events: 3}}\n{SELECTION}",
            "line 2: key `rates`: must hold exposed_time",
        ),
        (
            "seed: 1\nmeasure: OR\nrates: {exposed_events: 3, exposed_time: 9, control_events: 2, "
            f"control_time: 10}}\n{SELECTION}",
            "line 2: key `measure`: must be one of IRR, IRD, but got 'OR'",
        ),
    ],
)
def test_each_fault_of_yaml_has_its_message(text, match):
    with pytest.raises(DataError, match=match):
        read_bias_specification(text, syntax="yaml")


def test_aliases_are_followed_but_not_without_end():
    text = f"{TABLE}bias:\n  - &one\n    kind: selection bias\n    bias_factor: uniform(1, 2)\n  - *one\n"
    assert len(read_bias_specification(text, syntax="yaml").biases) == 2
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for before, after in zip("abcd", "bcde", strict=True):
        lines.append(f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]")
    with pytest.raises(DataError, match="at most 10000 values"):
        read_bias_specification("\n".join(lines), syntax="yaml")
    with pytest.raises(DataError, match="line 1: must be nested at most 20 deep"):
        read_bias_specification("a: &a [*a]", syntax="yaml")


def test_files_of_other_editors_are_read():
    for text, syntax in ((TOML, "toml"), (YAML, "yaml")):
        other = "\ufeff" + text.replace("\n", "\r\n")
        assert str(read_bias_specification(other, syntax=syntax)) == str(
            read_bias_specification(text, syntax=syntax)
        )
    # What another standard calls the end of a line is none here.
    text = "seed = 1 # \u2028 \x85\r\ndraw = 5\r\n"
    with pytest.raises(DataError, match="line 2: key `draw`: must be one of .* Did you mean `draws`"):
        read_bias_specification(text)


def test_lines_of_toml_are_found_past_texts_of_several_lines():
    text = '''seed = 1
note = """
draws = 5
[table]
"""
[table]
exposed_cases = 1
"odd" = 2

[[bias]] # the first
kind = "x"
[[bias]]
values = [
  1,
]
'''
    document = read_text(text, name="x", syntax="toml")
    assert document.line(("table",)) == 6
    assert document.line(("table", "exposed_cases")) == 7
    assert document.line(("table", "odd")) == 8
    assert document.line(("draws",)) is None
    assert document.line(("bias", 1, "kind")) == 11
    assert document.line(("bias", 2, "values")) == 13
    assert document.line(("bias", 2, "other")) == 12
