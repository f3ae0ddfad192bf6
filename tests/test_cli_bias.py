"""`reanalysis bias`: what it prints and writes, and what it says about faulty files."""

import json

import numpy as np
import pandas as pd
import pytest
import rich.style  # noqa: F401  # on import it draws from the global generator, which no test may
from click.testing import CliRunner

from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.spec import BIASES, read_bias_specification
from analysis.cli import main

RATIO = """seed = 2026
draws = 4096
[estimate]
measure = "HR"
value = 1.83
low = 1.58
high = 2.11
[[bias]]
kind = "unmeasured confounding"
prevalence_exposed = "uniform(0.3, 0.5)"
prevalence_control = "uniform(0.1, 0.2)"
risk_ratio = "triangular(1.5, 2, 3)"
source = "assumed [by us]"
"""
TABLE = """seed = 1
draws = 4096
measure = "RR"
[table]
exposed_cases = 165
exposed_total = 11611
control_cases = 170
control_total = 58050
[[bias]]
kind = "outcome misclassification"
sensitivity = "triangular(0.05, 0.09, 0.2)"
control_sensitivity = "triangular(0.02, 0.05, 0.15)"
specificity = "uniform(0.995, 1)"
correlations = [["sensitivity", "control_sensitivity", 0.8]]
"""
WRITTEN = [
    "bias.csv",
    "bias.md",
    *(
        f"{name}.{end}"
        for name in ("bias_distribution", "bias_tornado")
        for end in ("csv", "json", "pdf", "png", "svg")
    ),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)

    def runs(text, *arguments, name="spec.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["bias", name, *arguments])

    return runs


def test_it_prints_what_was_believed_and_what_came_out(run):
    done = run(RATIO)
    assert done.exit_code == 0, done.output
    specification = read_bias_specification(RATIO)
    result = specification.run()
    assert str(result) in done.stdout
    # Square brackets in a source are no markup.
    assert "assumed [by us]" in done.stdout
    for stated in (
        "1. unmeasured confounding",
        "prevalence_exposed",
        "uniform(0.3, 0.5)",
        "triangular(1.5, 2, 3)",
    ):
        assert stated in done.stdout
    error = result.monte_carlo_error("total")
    assert f"Monte-Carlo standard errors: median {error[0]:.4f}, limits {error[1]:.4f}" in done.stdout
    assert done.stderr == ""


def test_it_prints_how_far_each_parameter_moves_the_result(run):
    done = run(TABLE)
    specification = read_bias_specification(TABLE)
    swings = parameter_swings(specification.data, biases=specification.biases, measure="RR")
    assert f"RR with every parameter at its median: {swings.center:.2f}" in done.stdout
    lines = [line for line in done.stdout.splitlines() if "control_sensitivity" in line]
    place = swings.parameters.index("control_sensitivity")
    assert f"{swings.at_low[place]:.2f}" in lines[-1]
    assert f"{swings.at_high[place]:.2f}" in lines[-1]
    # Ends that differ print differently.
    assert "0.995" in done.stdout
    assert "1.000" in done.stdout
    assert "contradicts" in done.stdout
    assert "0.8 of sensitivity and control_sensitivity" in done.stdout


def test_many_contradicting_draws_are_a_note(run):
    done = run(TABLE)
    share = read_bias_specification(TABLE).run().share_impossible.item()
    assert share > 0.1
    assert f"Note: {100 * share:.1f}% of the draws contradict the data" in done.stderr


def test_the_share_of_possible_draws_stands_beside_the_result(run, tmp_path):
    done = run(TABLE, "--out", "results")
    result = read_bias_specification(TABLE).run()
    possible = 1 - result.share_impossible.item()
    told = f", from the {100 * possible:.1f}% of the draws that the data allow"
    lines = str(result).splitlines()
    assert len(lines) == 4
    printed = done.stdout.splitlines()
    written = (tmp_path / "results" / "bias.md").read_text(encoding="utf-8").splitlines()
    for shown in (printed, written):
        assert lines[0] in shown
        assert f"{lines[1]}{told}" in shown
        assert f"{lines[2]}{told}" in shown
    assert json.loads(run(TABLE, "--json").stdout)["share_possible"] == possible
    # Where all draws are possible there is nothing to say.
    assert "that the data allow" not in run(RATIO).stdout


def test_a_folder_gets_table_text_and_figures(run, tmp_path):
    done = run(RATIO, "--out", "results")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == sorted(WRITTEN)
    assert all(f"Written: results/{name}" in done.stderr for name in WRITTEN)
    result = read_bias_specification(RATIO).run()
    frame = pd.read_csv(tmp_path / "results" / "bias.csv")
    pd.testing.assert_frame_equal(frame, result.to_frame(), rtol=1e-12)
    text = (tmp_path / "results" / "bias.md").read_text(encoding="utf-8")
    assert str(result).splitlines()[2] in text
    assert "Bias-adjusted hazard ratio." in text
    drawn = pd.read_csv(tmp_path / "results" / "bias_tornado.csv")
    assert set(drawn["parameter"]) == {"prevalence_exposed", "prevalence_control", "risk_ratio"}


def test_a_name_with_csv_gets_the_table_alone(run, tmp_path):
    done = run(RATIO, "--out", "made/adjusted.csv")
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["adjusted.csv"]


def test_what_is_written_twice_is_the_same(run, tmp_path):
    contents = []
    for name in ("one", "two"):
        run(TABLE, "--out", name)
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_json_has_full_precision_and_no_words_beside(run):
    parts = json.loads(run(TABLE, "--json").stdout)
    result = read_bias_specification(TABLE).run()
    assert parts["seed"] == 1
    total = next(row for row in parts["intervals"] if row["error"] == "total")
    assert total["low"] == pytest.approx(result.total_interval.low.item(), rel=1e-15)
    assert parts["biases"][0]["correlations"] == [["sensitivity", "control_sensitivity", 0.8]]
    assert parts["biases"][0]["source"] == "assumed"
    # An end that contradicts the table has no value.
    assert any(row["at_low"] is None for row in parts["swings"])
    assert len(parts["notes"]) == 1


def test_too_few_possible_draws_leave_a_note_in_place_of_a_figure(run, tmp_path):
    # Of 128 draws some 50 contradict the data.
    done = run(TABLE.replace("draws = 4096", "draws = 128"), "--out", "results")
    assert done.exit_code == 0, done.output
    assert "bias_distribution is not drawn: `result` must hold at least 100 possible draws" in done.stderr
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert "bias_tornado.pdf" in names
    assert "bias_distribution.pdf" not in names


def test_parameters_that_are_all_known_have_no_tornado(run, tmp_path):
    known = RATIO.replace('"uniform(0.3, 0.5)"', "0.4").replace('"uniform(0.1, 0.2)"', "0.15")
    done = run(known.replace('"triangular(1.5, 2, 3)"', "2"), "--out", "results")
    assert done.exit_code == 0, done.output
    assert "bias_tornado is not drawn: `result` must hold a parameter that moves the measure" in done.stderr
    assert (tmp_path / "results" / "bias_distribution.pdf").is_file()


def test_medians_that_contradict_the_data_leave_the_swings_out(run):
    harsh = TABLE.replace("uniform(0.995, 1)", "uniform(0.99, 1)")
    done = run(harsh)
    assert done.exit_code == 0, done.output
    assert "How far each parameter moves the result is not shown" in done.stderr
    assert "at its median" not in done.stdout


def test_kinds_are_listed_with_their_parameters():
    done = CliRunner().invoke(main, ["bias", "--kinds"])
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    for kind, made in BIASES.items():
        assert kind in lines
        for name in made.names():
            assert name in done.stdout


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (
            RATIO.replace("prevalence_exposed", "prevalence_exposd"),
            2,
            ["spec.toml", "line 10", "`prevalence_exposed`", "prevalence_exposd"],
        ),
        (RATIO.replace("1.5, 2, 3", "2, 1.5, 3"), 2, ["risk_ratio", "triangular(2, 1.5, 3)"]),
        (RATIO.replace("seed = 2026", ""), 2, ["seed", "must be given"]),
        (RATIO.replace("low = 1.58", "low = 1.98"), 2, ["estimate"]),
        (RATIO.replace("seed = 2026", "seed == 2026"), 2, ["TOML"]),
        ("", 2, ["seed"]),
        (
            TABLE.replace("uniform(0.995, 1)", "uniform(0.90, 0.95)"),
            1,
            ["contradict", "negative adjusted cells"],
        ),
    ],
)
def test_faults_are_named_and_nothing_is_written(run, tmp_path, text, code, words):
    done = run(text, "--out", "results")
    assert done.exit_code == code, done.output
    assert not (tmp_path / "results").exists()
    assert "Traceback" not in done.output
    for word in words:
        assert word in done.stderr


def test_a_place_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").write_text("here already", encoding="utf-8")
    done = run(RATIO, "--out", "file")
    assert done.exit_code == 2
    assert "file is a file; name a folder" in done.stderr
    done = run(RATIO, "--out", "file/results")
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
    assert run(RATIO, "--out", "x.csv").exit_code == 0


def test_a_file_that_is_no_text_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_bytes(b"seed = \xff")
    done = CliRunner().invoke(main, ["bias", "spec.toml"])
    assert done.exit_code == 2
    assert "must be text in UTF-8" in done.stderr
    done = CliRunner().invoke(main, ["bias", "nowhere.toml"])
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_yaml_gives_the_same(run):
    yaml = read_bias_specification(RATIO).to_yaml()
    assert str(read_bias_specification(RATIO).run()) in run(yaml, name="spec.yaml").stdout


def test_the_example_of_the_help_runs(run):
    text = CliRunner().invoke(main, ["bias", "--help"]).stdout
    lines = text.split("Example of a file:")[1].split("Examples:")[0].splitlines()
    done = run("\n".join(line.strip() for line in lines))
    assert done.exit_code == 0, done.output
    assert "HR, bias alone" in done.stdout
    assert np.isfinite(read_bias_specification(RATIO).run().total).all()
