"""The command line: what it prints, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import rich.style  # noqa: F401  # on import it draws from the global generator, which no test may
from click.testing import CliRunner

from analysis.cli import main
from analysis.errors import ConvergenceError, DataError, Fault, NotebookError
from analysis.pipeline.build import Step

LEDGER = pd.DataFrame(
    {
        "claim_id": ["C1", "C2"],
        "claim": ["Risk is [bold]high[/bold]", "Second"],
        "printed": ["4.7%", "1.83"],
        "recomputed": [np.float64(0.1) + 0.2, np.nan],
        "verdict": ["reproduced", "cannot be recomputed"],
        "flags": [["crude", "old"], ""],
        "sentence": ["It holds.", None],
    }
)


class Ledger:
    def to_frame(self):
        return LEDGER


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command inside an empty project."""
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def claims(tmp_path, monkeypatch):
    """A file of claims, read and audited by stand-ins."""
    monkeypatch.setattr("analysis.data.datasets.read_user_table", lambda _path, *, kind: kind)
    monkeypatch.setattr("analysis.forensics.claims.audit_claims", lambda _frame: Ledger())
    path = tmp_path / "claims.csv"
    path.write_text("claim_id,printed,checked_as\n")
    return str(path)


def use_steps(monkeypatch, *steps):
    monkeypatch.setattr("analysis.pipeline.steps.project_steps", lambda _root: list(steps))


def step(name="one", error=None):
    def action(_root, stage):
        if error is not None:
            raise error
        (stage / f"{name}.txt").write_text("x")

    return Step(name=name, inputs=("a.txt",), outputs=(f"{name}.txt",), action=action)


FAULT = DataError([Fault(file="x.csv", line=3, column="total", rule="must be a whole number", value="x")])


def test_version_and_help(run):
    assert run("--version").output.startswith("reanalysis, version ")
    for command in ((), ("reproduce",), ("verify",), ("audit",)):
        for flag in ("-h", "--help"):
            result = run(*command, flag)
            assert result.exit_code == 0
            assert "Example" in result.output
            assert "\b" not in result.output


def test_version_is_fast_because_nothing_heavy_is_imported():
    heavy = "{'numpy', 'pandas', 'rich', 'nbclient'}"
    code = f"import sys, analysis.cli; print(sorted({heavy} & sys.modules.keys()))"
    result = subprocess.run(  # our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_module_runs_as_a_program():
    result = subprocess.run(
        [sys.executable, "-m", "analysis", "--version"], capture_output=True, text=True, check=True
    )
    assert "version" in result.stdout


def test_reproduce_builds_and_then_rests(run, monkeypatch):
    use_steps(monkeypatch, step("one"), step("two"))
    first = run("reproduce")
    assert first.exit_code == 0, first.output
    assert "[1/2] one: built in" in first.stderr
    assert first.stdout == "2 built, 0 unchanged.\n"
    second = run("reproduce")
    assert second.stderr == "[1/2] one: unchanged\n[2/2] two: unchanged\n"
    assert run("reproduce", "--only", "two", "--force").stdout == "1 built, 0 unchanged.\n"


def test_quiet_says_nothing(run, monkeypatch):
    use_steps(monkeypatch, step())
    result = run("reproduce", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_list_builds_nothing(run, monkeypatch, tmp_path):
    use_steps(monkeypatch, step("one"), step("two"))
    assert run("reproduce", "--list").output == "one: never built\ntwo: never built\n"
    assert not (tmp_path / "one.txt").exists()


def test_unknown_step_is_wrong_usage(run, monkeypatch):
    use_steps(monkeypatch, step("one"))
    result = run("reproduce", "--only", "three")
    assert result.exit_code == 2
    assert "no step is called three. The steps are: one." in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [(FAULT, 2), (NotebookError("01_a.ipynb, code cell 2"), 1), (ConvergenceError("no end"), 1)],
)
def test_errors_become_messages_and_exit_codes(run, monkeypatch, error, code):
    use_steps(monkeypatch, step("one", error))
    result = run("reproduce")
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == f"[1/1] one: stopped\nError: {error}\n"


def test_outside_of_a_project_is_a_data_error(run, tmp_path):
    (tmp_path / "pyproject.toml").unlink()
    result = run("reproduce")
    assert result.exit_code == 2
    assert "must lie inside the project" in result.stderr


def test_verify(run, monkeypatch):
    monkeypatch.setattr("analysis.data.verify.verify_raw", lambda _root: "all well")
    assert run("verify").output == "all well\n"

    def fail(_root):
        raise FAULT

    monkeypatch.setattr("analysis.data.verify.verify_raw", fail)
    result = run("verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "x.csv, line 3, column `total`: must be a whole number, but got 'x'." in result.stderr


def test_audit_prints_a_plain_table(run, claims):
    result = run("audit", claims)
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    for text in ("reproduced", "C1: Risk is", "[bold]", "4.7%", "It holds.", "crude", "old"):
        assert text in result.output


def test_audit_as_json_keeps_full_precision(run, claims):
    rows = json.loads(run("audit", claims, "--json").stdout)
    assert rows[0]["recomputed"] == 0.1 + 0.2
    assert rows[0]["flags"] == ["crude", "old"]
    assert rows[1]["recomputed"] is None
    assert rows[1]["sentence"] is None


def test_audit_writes_the_ledger(run, claims, tmp_path):
    result = run("audit", claims, "--out", str(tmp_path / "results" / "deep"))
    assert result.exit_code == 0, result.output
    path = tmp_path / "results" / "deep" / "ledger.csv"
    assert pd.read_csv(path)["claim_id"].tolist() == ["C1", "C2"]
    assert [file.name for file in path.parent.iterdir()] == ["ledger.csv"]


def test_faulty_claims_write_nothing(run, claims, monkeypatch, tmp_path):
    def fail(_path, *, kind):
        raise FAULT

    monkeypatch.setattr("analysis.data.datasets.read_user_table", fail)
    result = run("audit", claims, "--out", str(tmp_path / "results"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "x.csv, line 3" in result.stderr
    assert not (tmp_path / "results").exists()


def test_missing_file_is_wrong_usage(run):
    result = run("audit", "nowhere.csv")
    assert result.exit_code == 2
    assert "'nowhere.csv' does not exist" in result.stderr


INTERRUPTED = """
import sys
from analysis.cli import main
from analysis.pipeline import steps
from analysis.pipeline.build import Step
from analysis.pipeline.notebooks import run_notebook

def action(root, stage):
    run_notebook(root / "endless.ipynb", results=stage, figures=stage / "figures")

steps.project_steps = lambda root: [Step(name="endless", inputs=("a.txt",), outputs=(), action=action)]
main(["reproduce"])
"""


def test_interrupt_stops_a_notebook_with_one_line_and_130(run, tmp_path):
    import nbformat

    source = (
        "import os, time\nfrom pathlib import Path\n"
        "_ = Path('kernel').write_text(str(os.getpid()))\nos.rename('kernel', 'pid')\ntime.sleep(60)"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(book, tmp_path / "endless.ipynb")
    process = subprocess.Popen(  # our own code
        [sys.executable, "-c", INTERRUPTED],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(300):
            if (tmp_path / "pid").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines() == [
        "[1/1] endless: stopped",
        "Interrupted. What is finished is kept; the same command goes on from there.",
    ]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


class TestTable:
    def test_prints_measures_of_one_table(self):
        result = CliRunner().invoke(main, ["table", "90", "4006", "114", "20030"])
        assert result.exit_code == 0
        for part in ("Risk, exposed", "2.2%", "3.95 (3.00 to 5.19)", "4.02 (3.04 to 5.30)", "0.017", "mid-p"):
            assert part in result.output

    def test_json_is_at_full_precision(self):
        result = CliRunner().invoke(main, ["table", "90", "4006", "114", "20030", "--json", "--all"])
        rows = json.loads(result.output)
        assert {row["measure"] for row in rows} == {"PR", "RR", "OR", "RD"}
        katz = next(row for row in rows if row["method"] == "log")
        assert katz["value"] == pytest.approx(3.9473684210526314, rel=1e-15)
        assert len(rows) > 20

    def test_infinite_limits_are_valid_json(self):
        result = CliRunner().invoke(main, ["table", "0", "20", "5", "20", "--json"])
        katz = next(
            row for row in json.loads(result.output, parse_constant=pytest.fail) if row["method"] == "log"
        )
        assert (katz["value"], katz["high"]) == (0.0, "Infinity")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["9", "4", "1", "2"], "`exposed_cases` must not exceed `exposed_total`, but got 9 of 4"),
            (["1.5", "4", "1", "2"], "'1.5' is not a valid integer"),
            (["--level", "95", "1", "4", "1", "2"], "For 95 % write 0.95"),
            (["--", "-1", "4", "1", "2"], "`exposed_cases` must be a whole number of at least 0, but got -1"),
        ],
    )
    def test_wrong_counts_are_usage_errors(self, arguments, message):
        result = CliRunner().invoke(main, ["table", *arguments])
        assert result.exit_code == 2
        assert message in result.output
