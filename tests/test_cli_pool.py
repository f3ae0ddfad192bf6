"""`reanalysis pool`: what it prints and writes, and what it says about faulty files."""

import json
import math
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import rich.style  # noqa: F401  # on import it draws from the global generator, which no test may
from click.testing import CliRunner

from analysis import EffectSizes, TwoByTwo, effect_sizes, pool
from analysis.cli import main
from analysis.cli_pool_files import JOURNALS
from analysis.figures.journals import JOURNALS as STYLES

TRIALS = """study,exposed_cases,exposed_total,control_cases,control_total,year
A [1],4,123,11,139,1948
B,6,306,29,303,1949
C,0,231,11,220,1960
D,62,13598,248,12867,1977
"""
HAZARDS = "label,estimate,low,high\nSharif,1.83,1.58,2.11\nHu,1.99,1.68,2.36\n"
PICTURES = ["forest.pdf", "forest.png", "forest.svg"]
TABLES = ["studies.docx", "studies.html", "studies.tex", "studies.xlsx"]
WRITTEN = sorted(["pooled.csv", "pooled.md", *PICTURES, *TABLES])


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)

    def runs(text, *arguments):
        (tmp_path / "studies.csv").write_text(text)
        return CliRunner().invoke(main, ["pool", "studies.csv", *arguments])

    return runs


@pytest.fixture
def trials():
    frame = pd.read_csv(StringIO(TRIALS))
    return TwoByTwo.from_frame(frame, **{name: name for name in frame.columns[1:5]})


def test_it_prints_what_pool_gives(run, trials):
    result = run(TRIALS, "--measure", "RR")
    assert result.exit_code == 0, result.output
    fit = pool(effect_sizes(trials, "RR"))
    for part in str(fit).split("; "):
        assert part in result.stdout.splitlines()
    assert "Random-effects model (REML, Hartung–Knapp)" in result.stdout
    assert "A [1]" in result.stdout
    for weight in fit.weights:
        assert f"{weight:.1f}%" in result.stdout
    assert "Declined, fewer than 10 studies (4): Egger" in result.stdout
    assert result.stderr == (
        "Note: 0.5 was added to the counts of C, where a cell is empty.\n"
        "Note: These columns were not used: year.\n"
    )


@pytest.mark.parametrize("measure", ["RR", "or", "RD", "AS", "PETO"])
@pytest.mark.parametrize(
    "options", [(), ("--tau2", "PM", "--ci", "t"), ("--tau2", "0.2"), ("--level", "0.9")]
)
def test_json_is_pool_at_full_precision(run, trials, measure, options):
    result = run(TRIALS, "--measure", measure, "--json", *options)
    assert result.exit_code == 0, result.output
    given = dict(zip(options[::2], options[1::2], strict=True))
    tau2 = given.get("--tau2", "REML")
    fit = pool(
        effect_sizes(trials, measure.upper()),
        tau2=float(tau2) if tau2 == "0.2" else tau2,
        ci=given.get("--ci", "hartung-knapp-adhoc"),
        confidence_level=float(given.get("--level", 0.95)),
    )
    read = json.loads(result.stdout)
    assert read["pooled"]["value"] == float(fit.estimate.value)
    assert read["pooled"]["low"] == float(fit.estimate.low)
    assert read["pooled"]["prediction_high"] == float(fit.prediction.high)
    assert [row["weight"] for row in read["studies"]] == fit.weights.tolist()
    assert read["text"] == str(fit)


def test_a_common_effect_has_a_normal_interval_by_default(run, trials):
    read = json.loads(run(TRIALS, "--measure", "OR", "--model", "common", "--json").stdout)
    fit = pool(effect_sizes(trials, "OR"), model="common", ci="wald")
    assert read["pooled"]["high"] == float(fit.estimate.high)
    assert read["pooled"]["prediction_low"] is None


@pytest.mark.parametrize(
    ("text", "measure", "value"),
    [
        ("events,total\n3,40\n20,100\n", "PR", None),
        ("study,events,total\nA,3,40\nB,0,25\n", "PLO", None),
        ("study,events,person_time\nA,3,40.5\nB,7,25\n", "IRLN", None),
        ("exposed_events,exposed_time,control_events,control_time\n3,9,4,30\n5,10,9,20\n", "IRR", None),
        (HAZARDS, "HR", 1.894),
        (HAZARDS, "RR", 1.894),
    ],
)
def test_every_kind_of_table_is_read(run, text, measure, value):
    result = run(text, "--measure", measure, "--json")
    assert result.exit_code == 0, result.output
    pooled = json.loads(result.stdout)["pooled"]
    assert pooled["n_studies"] == 2
    assert math.isfinite(pooled["value"])
    assert value is None or pooled["value"] == pytest.approx(value, abs=0.01)


def test_the_level_of_printed_intervals_counts(run):
    read = json.loads(run(HAZARDS, "--measure", "HR", "--printed-level", "0.99", "--json").stdout)
    effects = EffectSizes.from_estimates(
        [1.83, 1.99], [1.58, 1.68], [2.11, 2.36], measure="HR", confidence_level=0.99
    )
    assert read["pooled"]["low"] == float(pool(effects).estimate.low)


def test_out_writes_table_text_and_figure(run, tmp_path, trials):
    result = run(TRIALS, "--measure", "RR", "--out", "results")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "results"
    assert sorted(path.name for path in folder.iterdir()) == WRITTEN
    table = pd.read_csv(folder / "pooled.csv")
    fit = pool(effect_sizes(trials, "RR"))
    assert table["study"].tolist() == ["A [1]", "B", "C", "D", "pooled"]
    assert table["weight"][:4].to_numpy() == pytest.approx(fit.weights)
    assert table["value"][4] == pytest.approx(float(fit.estimate.value))
    assert table["tau2_high"][4] > table["tau2"][4]
    text = (folder / "pooled.md").read_text()
    assert text.startswith("## Methods")
    assert "1. Katz D" in text
    assert "Note: 0.5 was added" in text
    assert (folder / "forest.png").read_bytes().startswith(b"\x89PNG")
    first = {name: (folder / name).read_bytes() for name in WRITTEN}
    assert run(TRIALS, "--measure", "RR", "--out", "results").exit_code == 0
    assert {name: (folder / name).read_bytes() for name in WRITTEN} == first


@pytest.mark.parametrize("measure", ["PLO", "IRLN", "IRR", "HR"])
def test_every_kind_of_table_is_drawn(run, tmp_path, measure):
    texts = {
        "PLO": "events,total\n3,40\n20,100\n",
        "IRLN": "events,person_time\n3,40.5\n7,25\n",
        "IRR": "exposed_events,exposed_time,control_events,control_time\n3,9,4,30\n5,10,9,20\n",
        "HR": HAZARDS,
    }
    result = run(texts[measure], "--measure", measure, "--out", "results")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == WRITTEN


def test_the_files_are_in_the_manner_of_a_journal(run, tmp_path):
    result = run(TRIALS, "--measure", "RR", "--out", "results", "--journal", "lancet")
    assert result.exit_code == 0, result.output
    folder = tmp_path / "results"
    names = {path.name for path in folder.iterdir()}
    assert {*WRITTEN, "forest.eps", "forest.tiff"} >= names >= {*WRITTEN}
    assert len(names) > len(WRITTEN)
    # What was added to an empty cell stands under the table and the figure, not in the text alone.
    assert "0·5 was added" in (folder / "studies.html").read_text(encoding="utf-8").replace("0.5", "0·5")
    assert "0.5 was added" in (folder / "pooled.md").read_text(encoding="utf-8")
    # The Lancet's raised point.
    assert "·" in (folder / "studies.html").read_text(encoding="utf-8")
    unknown = run(TRIALS, "--measure", "RR", "--out", "results", "--journal", "nature medicine")
    assert unknown.exit_code == 2
    assert "'lancet'" in unknown.stderr


def test_the_journals_are_those_of_the_figures():
    assert tuple(STYLES) == JOURNALS


def test_nothing_is_written_where_a_part_fails(run, tmp_path, monkeypatch):
    def fails(*_arguments, **_options):
        raise ValueError("no such letters")

    monkeypatch.setattr("analysis.figures.forest.figure_forest", fails)
    result = run(TRIALS, "--measure", "RR", "--out", "results")
    assert result.exit_code == 1
    assert "could not be drawn: no such letters" in result.stderr
    assert not (tmp_path / "results").exists()


def test_a_folder_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "results").write_text("a file")
    result = run(TRIALS, "--measure", "RR", "--out", "results/deeper")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_one_study_is_its_own_result(run):
    read = json.loads(run(HAZARDS[:45], "--measure", "HR", "--model", "common", "--json").stdout)
    assert read["pooled"]["value"] == pytest.approx(1.83)
    assert read["text"].endswith("; 1 study")


def test_all_faults_are_told_at_once(run):
    text = (
        "study,exposed_case,exposed_total,control_cases,control_total\n"
        "A,4,123,11,139\n,6,306,x,303\nC,0,231,300,220\n"
    )
    result = run(text, "--measure", "RR")
    assert result.exit_code == 2
    assert "4 faults found" in result.stderr
    for part in (
        "line 1, column `exposed_cases`: must be in the header. Rename `exposed_case`",
        "line 3, column `control_cases`: must be a whole number of at least 0, but got 'x'",
        "line 3, column `study`: must not be empty",
        "line 4, column `control_cases`: must be at most `control_total`, which is 220, but got '300'",
    ):
        assert part in result.stderr


@pytest.mark.parametrize(
    ("text", "measure", "message"),
    [
        ("estimate,low,high\n-1,-2,0.5\n", "HR", "column `estimate`: must be greater than 0 for measure HR"),
        ("estimate,low,high\n2,2,2\n", "HR", "column `low`: must be below `high`"),
        ("estimate,low,high\n2,2.5,3\n", "HR", "column `low`: must be at most `estimate`, which is 2"),
        ("estimate,low,high\n12,10,14\n", "PLO", "column `high`: must be between 0 and 1, but got '14'"),
        ("estimate,low,high\n0.5,0.2,1\n", "PLO", "column `high`: must be less than 1, whose logit"),
        ("estimate,low,high\n2,,3\n", "HR", "column `low`: must not be empty"),
        ("events,person_time\n2,0\n", "IRLN", "column `person_time`: must be greater than 0"),
        ("events,total\n2,0\n", "PLO", "column `total`: must be at least 1"),
        ("events,total\n", "PLO", "must hold at least one row"),
        ("events,total\n1,2,3\n", "PLO", "must have 2 cells"),
        ("", "PLO", "is empty"),
    ],
)
def test_faulty_cells_are_named(run, text, measure, message):
    result = run(text, "--measure", measure)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--level", "95"), "For 95 % write 0.95"),
        (("--printed-level", "95"), "For 95 % write 0.95"),
        (("--tau2", "REMLL"), "`tau2` must be one of"),
        (("--tau2", "-1"), "must be one number that is 0 or greater"),
        (("--ci", "profile"), 'built on tau2="ML"'),
        (("--measure", "XX"), "'XX' is not one of"),
    ],
)
def test_wrong_options_are_usage_errors(run, options, message):
    result = run(TRIALS, "--measure", "RR", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_weights_are_those_of_the_model_not_equal(run):
    read = json.loads(run(TRIALS, "--measure", "RR", "--json").stdout)
    weights = np.array([row["weight"] for row in read["studies"]])
    assert weights.sum() == pytest.approx(100)
    assert weights.argmax() == 3
