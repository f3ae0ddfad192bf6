"""Specifications: text to analysis and back, and every fault at once."""

import re

import numpy as np
import pandas as pd
import pytest
import rich.style  # noqa: F401  # draws a number where it is first imported: not within a test
from click.testing import CliRunner

from analysis import EffectSizes, TwoByTwo
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    BiasSpecification,
    ExposureMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
    read_bias_specification,
)
from analysis.cli_bias import bias as command
from analysis.errors import AnalysisError, DataError

TEXT = """
measure = "OR"
draws = 4096
seed = 11
sampling = "sobol"
random_error = "delta"
confidence_level = 0.9

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
source = "validation study"

[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = "beta(46, 60)"
prevalence_control = "pert(0.1, 0.2, 0.4)"
risk_ratio = "log-normal(0.7, 0.1)"
"""


def test_a_file_and_a_call_are_the_same_analysis():
    specification = read_bias_specification(TEXT)
    result = specification.run()
    called = probabilistic_bias_analysis(
        TwoByTwo(exposed_cases=45, exposed_total=302, control_cases=94, control_total=1039),
        biases=[
            ExposureMisclassification(
                sensitivity="trapezoidal(0.75, 0.85, 0.95, 1)",
                specificity=0.97,
                noncases_sensitivity="uniform(0.7, 0.95)",
                correlations=[("sensitivity", "noncases_sensitivity", 0.8)],
            ),
            UnmeasuredConfounding(
                prevalence_exposed="beta(46, 60)",
                prevalence_control="pert(0.1, 0.2, 0.4)",
                risk_ratio="log-normal(0.7, 0.1)",
            ),
        ],
        measure="OR",
        draws=4096,
        rng=11,
        sampling="sobol",
        random_error="delta",
        confidence_level=0.9,
    )
    np.testing.assert_array_equal(result.total, called.total)
    assert result.confidence_level == 0.9
    sentences = str(specification).splitlines()
    assert sentences[0].startswith(
        "1. exposure misclassification: sensitivity trapezoidal(0.75, 0.85, 0.95, 1), "
    )
    assert sentences[0].endswith(
        ", specificity fixed(0.97), noncases_sensitivity uniform(0.7, 0.95), "
        "correlation 0.8 of sensitivity and noncases_sensitivity (validation study)"
    )
    assert sentences[1].endswith("(assumed)")


def test_what_is_written_reads_back():
    specification = read_bias_specification(TEXT)
    text = specification.to_toml()
    again = read_bias_specification(text)
    assert again.to_toml() == text
    np.testing.assert_array_equal(again.run().total, specification.run().total)


def test_an_estimate_needs_no_cells():
    specification = BiasSpecification(
        data=EffectSizes.from_estimates(1.83, 1.58, 2.12, measure="HR"),
        biases=(SelectionBias(bias_factor="uniform(0.9, 1.3)", source='told by "them"'),),
        seed=3,
    )
    again = read_bias_specification(specification.to_toml())
    assert again.biases[0].source == 'told by "them"'
    np.testing.assert_allclose(again.run().total, specification.run().total, rtol=1e-9)
    many = BiasSpecification(
        data=EffectSizes(effect=[0.1, 0.2], variance=0.1, measure="HR"), biases=specification.biases, seed=1
    )
    with pytest.raises(ValueError, match="one table to be written"):
        many.to_toml()


def test_every_fault_is_named_at_once():
    text = """
measur = "OR"
draws = 10
sampling = "sobl"
confidence_level = 95

[table]
exposed_cases = 450
exposed_total = 302
control_cases = 94
control_total = 1039

[[bias]]
kind = "exposure misclasification"

[[bias]]
kind = "exposure misclassification"
sensitivity = "triangular(0.9, 0.8, 1)"
specifity = 0.97
specificity = 1.2
correlations = [["sensitivity", "specificity", 2]]
source = ""

[[bias]]
kind = "selection bias"
exposed_cases = 0.4
"""
    with pytest.raises(DataError) as caught:
        read_bias_specification(text, name="spec.toml")
    message = str(caught.value)
    for part in (
        r"spec.toml, line 2: key `measur`: must be one of measure, draws, .*, but got \"measur = 'OR'\". "
        "Did you mean `measure`",
        "spec.toml: key `seed`: must be given",
        "line 3: key `draws`: must be at least 100, but got 10",
        "line 4: key `sampling`: must be one of .*'sobl'",
        "line 5: key `confidence_level`: .*For 95 % write 0.95",
        "line 7: key `table`: `exposed_cases` must not exceed `exposed_total`, but got 450 of 302",
        r"line 14: key `bias\[1\].kind`: must be one of .*'exposure misclasification'.*Did you mean `exp",
        r"line 18: key `bias\[2\].sensitivity`: .*`low` <= `mode` <= `high`.*triangular\(0.9, 0.8, 1\)",
        r"line 19: key `bias\[2\].specifity`: must be one of .*'specifity = 0.97'. Did you mean `spec",
        r"line 20: key `bias\[2\].specificity`: must lie between 0 and 1, but is fixed\(1.2\)",
        r"line 21: key `bias\[2\].correlations`: .*between -1 and 1, but got 2",
        r"line 22: key `bias\[2\].source`: must be text",
        r"line 24: key `bias\[3\]`: .* must be given, but got `exposed_cases`",
    ):
        assert re.search(part, message), part
    assert len(caught.value.faults) >= 13


ESTIMATE = '[estimate]\nmeasure = "HR"\nvalue = 1.8\nlow = 1.5\nhigh = 2.16\n'
SELECTION = '[[bias]]\nkind = "selection bias"\nbias_factor = 1.1\n'


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("seed = ", "line 1: must be TOML"),
        (f"seed = 1\n{ESTIMATE}{SELECTION}\n[estimate]\n", r"line 11: must be TOML: Cannot declare .* twice"),
        (f"seed = 1\n{SELECTION}", r"must have one of \[table\] or \[rates\] or \[estimate\], but got .none"),
        (f"seed = 1\n{ESTIMATE}", r"\[\[bias\]\]"),
        (f'seed = 1\nbias = "none"\n{ESTIMATE}', r"\[\[bias\]\]"),
        (f"seed = 1\nbias = [3]\n{ESTIMATE}", r"key `bias\[1\]`: must be a section"),
        (f'seed = 1\nmeasure = "OR"\n{ESTIMATE}{SELECTION}', "must be left out"),
        (f"seed = 1\nestimate = 3\n{SELECTION}", "must be a section with measure"),
        (f'seed = 1\n[estimate]\nmeasure = "HR"\n{SELECTION}', "must hold value, low, high too"),
        (f"seed = 1\nconfidence_level = 2\n{ESTIMATE}{SELECTION}", "confidence_level"),
        (f"seed = true\n{ESTIMATE}{SELECTION}", "A seed is asked for"),
        (
            f'seed = 1\n{ESTIMATE}[[bias]]\nkind = "exposure misclassification"\n'
            "sensitivity = 0.9\nspecificity = 0.9\n",
            "needs the cells",
        ),
        (
            f'seed = 1\n{ESTIMATE}[[bias]]\nkind = "selection bias"\nbias_factor = 1.1\ncorrelations = 3\n',
            "list of triples",
        ),
        (
            f'seed = 1\nmeasure = "HR"\n[table]\nexposed_cases = 1\nexposed_total = 2\ncontrol_cases = 1\n'
            f"control_total = 2\n{SELECTION}",
            "must be one of OR, RR, RD",
        ),
    ],
)
def test_each_fault_has_its_message(text, match):
    with pytest.raises(DataError, match=match):
        read_bias_specification(text)


def test_the_command_prints_and_writes_what_the_analysis_gives(tmp_path):
    spec, out = tmp_path / "spec.toml", tmp_path / "bias.csv"
    spec.write_text(TEXT, encoding="utf-8")
    done = CliRunner().invoke(command, [str(spec), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    result = read_bias_specification(TEXT).run()
    assert str(result) in done.output
    pd.testing.assert_frame_equal(pd.read_csv(out), result.to_frame(), rtol=1e-12)


def test_the_command_reads_yaml_by_the_name_of_the_file(tmp_path):
    spec, out = tmp_path / "spec.yaml", tmp_path / "bias.csv"
    specification = read_bias_specification(TEXT)
    spec.write_text(specification.to_yaml(), encoding="utf-8")
    done = CliRunner().invoke(command, [str(spec), "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    frame = specification.run().to_frame()
    pd.testing.assert_frame_equal(pd.read_csv(out), frame, rtol=1e-12)
    spec.write_text("seed: 1\nseed: 2\n", encoding="utf-8")
    with pytest.raises(DataError, match="spec.yaml, line 2: key `seed` must be stated once"):
        CliRunner().invoke(command, [str(spec)], catch_exceptions=False)


def test_the_command_says_what_is_wrong(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(TEXT.replace("0.97", "1.97"), encoding="utf-8")
    with pytest.raises(DataError, match=r"specificity`: must lie between 0 and 1"):
        CliRunner().invoke(command, [str(spec)], catch_exceptions=False)
    spec.write_text(TEXT.replace("0.97", "0.6"), encoding="utf-8")
    with pytest.raises(AnalysisError, match="all 4096 draws contradict them: negative adjusted cells"):
        CliRunner().invoke(command, [str(spec)], catch_exceptions=False)
    spec.write_bytes(b"seed = \xff")
    with pytest.raises(DataError, match="UTF-8"):
        CliRunner().invoke(command, [str(spec)], catch_exceptions=False)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: ExposureMisclassification(sensitivity=0.4, specificity="uniform(0.2, 0.5)"),
            r"`sensitivity` \+ `specificity` must exceed 1, but are fixed\(0.4\) and uniform",
        ),
        (
            lambda: ExposureMisclassification(sensitivity=90, specificity="uniform(0.9, 1.2)"),
            "`sensitivity` must lie between 0 and 1, but is .*`specificity` must lie between 0 and 1",
        ),
        (
            lambda: ExposureMisclassification(
                sensitivity=0.9, specificity=0.9, correlations=[("sensitivity", "specificity", 0.5)]
            ),
            "`sensitivity` is fixed",
        ),
        *[
            (
                lambda value=value: ExposureMisclassification(
                    sensitivity="uniform(0.7, 0.9)",
                    specificity="beta(46, 6)",
                    correlations=[("sensitivity", "specificity", value)],
                ),
                f"`correlations` must be between -1 and 1, but got {value!r}",
            )
            for value in (1.2, -1.0001, float("nan"), "0.5", True)
        ],
        (
            lambda: ExposureMisclassification(sensitivity="unifrom(0.7, 0.9)", specificity="beta(1, 2, 3)"),
            r"`sensitivity`: .*Did you mean 'uniform'\? `specificity`: beta takes alpha, beta, but got",
        ),
        (
            lambda: ExposureMisclassification(
                sensitivity="beta(46, 6)", specificity="beta(46, 6)", correlations=[(["sensitivity"], 2, 0.5)]
            ),
            "join parameters that are given, but got 2",
        ),
        (
            lambda: UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=0.5),
            "`risk_ratio` or .* must be given",
        ),
        (
            lambda: UnmeasuredConfounding(
                prevalence_exposed=0.5, prevalence_control=0.5, risk_ratio=2, odds_ratio=2
            ),
            "must be given, but got",
        ),
        (
            lambda: UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=0.5, risk_ratio=0),
            "`risk_ratio` must be greater than 0",
        ),
        (lambda: SelectionBias(exposed_cases=0.5), "must be given, but got `exposed_cases`"),
        (SelectionBias, "none of them"),
        (lambda: SelectionBias(bias_factor="uniform(-1, 1)"), "`bias_factor` must be greater than 0"),
        (
            lambda: SelectionBias(
                exposed_cases="uniform(0, 1)",
                exposed_noncases="uniform(0, 1)",
                control_cases="uniform(0, 1)",
                control_noncases=0.5,
                correlations=[
                    ("exposed_cases", "exposed_noncases", 0.9),
                    ("exposed_cases", "control_cases", 0.9),
                    ("exposed_noncases", "control_cases", -0.9),
                    ("exposed_cases", "exposed_cases", 1.5),
                ],
            ),
            "join two parameters.*between -1 and 1",
        ),
        (
            lambda: SelectionBias(
                exposed_cases="uniform(0, 1)",
                exposed_noncases="uniform(0, 1)",
                control_cases="uniform(0, 1)",
                control_noncases=0.5,
                correlations=[
                    ("exposed_cases", "exposed_noncases", 0.9),
                    ("exposed_cases", "control_cases", 0.9),
                    ("exposed_noncases", "control_cases", -0.9),
                ],
            ),
            "possible together, but their matrix has the eigenvalue -0.8",
        ),
    ],
)
def test_what_is_wrong_with_a_bias_is_named(make, match):
    with pytest.raises(ValueError, match=match):
        make()


ALMOST = f"""seed = 1
{ESTIMATE}[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = "40%"
prevalence_control = "12,5 %"
risk_ratio = "2,5"
sensitvity = 0.9
[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = "unifrom(0.1, 0.2)"
prevalence_control = "beta(46, 6"
risk_ratio = 2
"""


def test_messages_name_the_key_once_and_give_a_way_out():
    with pytest.raises(DataError) as caught:
        read_bias_specification(ALMOST)
    message = str(caught.value)
    for part in (
        "key `bias[1].prevalence_exposed`: a distribution must be",
        "but got '40%'. Write 0.40, without quotes.",
        "but got '12,5 %'. Write 0.125, without quotes.",
        "but got '2,5'. Write 2.5, without quotes.",
        "but got 'sensitvity = 0.9'. `sensitivity` is a parameter of exposure misclassification, outcome",
        "but got 'unifrom'. Did you mean 'uniform'?\n",
        "but got 'beta(46, 6'.",
    ):
        assert part in message, part
    assert message.count("Write") == 3
    assert "?." not in message
    assert not re.search(r"(`\w+`): \1", message)


def test_a_correlation_of_a_misspelt_parameter_has_a_suggestion():
    text = f"""seed = 1
{ESTIMATE}[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = "uniform(0.3, 0.5)"
prevalence_control = "uniform(0.1, 0.2)"
risk_ratio = 2
correlations = [["prevalence_exposd", "prevalence_control", 0.5]]
"""
    with pytest.raises(DataError, match=r"got 'prevalence_exposd'\. Did you mean `prevalence_exposed`\?"):
        read_bias_specification(text)


@pytest.mark.parametrize("syntax", ["toml", "yaml"])
def test_every_bias_that_does_not_fit_the_data_is_named_with_its_line(syntax):
    text = {
        "toml": f"""seed = 1
{ESTIMATE}{SELECTION}[[bias]]
kind = "exposure misclassification"
sensitivity = 0.9
specificity = 0.9
[[bias]]
kind = "outcome misclassification"
sensitivity = 0.9
specificity = 0.9
""",
        "yaml": """seed: 1
estimate: {measure: HR, value: 1.8, low: 1.5, high: 2.16}
bias:
  - kind: selection bias
    bias_factor: 1.1


  - kind: exposure misclassification

    sensitivity: 0.9
    specificity: 0.9
  - {kind: outcome misclassification, sensitivity: 0.9, specificity: 0.9}
""",
    }[syntax]
    lines = {"toml": (10, 14), "yaml": (8, 12)}[syntax]
    given = {"toml": "[table] or [rates]", "yaml": "table: or rates:"}[syntax]
    with pytest.raises(DataError) as caught:
        read_bias_specification(text, syntax=syntax)
    assert [fault.line for fault in caught.value.faults] == list(lines)
    for number, fault in enumerate(caught.value.faults, start=2):
        assert f"key `bias[{number}]`:" in fault.rule
        assert "index" not in fault.rule
        assert given in fault.rule
