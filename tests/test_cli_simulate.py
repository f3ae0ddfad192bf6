"""`reanalysis simulate coverage`: that its files hold what the function gives."""

import subprocess
import sys

import pytest
import rich.progress
import rich.style  # on import it draws from the global generator, which no test may
from click.testing import CliRunner

from analysis import cli_simulate
from analysis.cli_simulate import simulate
from analysis.meta import interval_coverage
from analysis.meta.interval_coverage import SIMULATED_INTERVALS, simulate_coverage

SMALL = ("--draws", "40", "--studies", "3", "--studies", "5", "--tau2", "0", "--tau2", "0.2", "--seed", "7")


def run(*arguments):
    return CliRunner().invoke(simulate, ["coverage", *arguments])


@pytest.fixture(scope="module")
def expected():
    return simulate_coverage(rng=7, draws=40, studies=[3, 5], tau2=[0.0, 0.2])


def test_the_table_is_written_as_the_function_gives_it(tmp_path, expected):
    path = tmp_path / "new" / "coverage.csv"
    result = run(*SMALL, "--out", str(path))
    assert result.exit_code == 0, result.output
    assert path.read_text() == expected.to_frame().to_csv(index=False, lineterminator="\n")
    assert result.stderr == f"Written: {path}\n"
    assert [file.name for file in path.parent.iterdir()] == ["coverage.csv"]
    for interval, row in zip(expected.intervals, expected.coverage, strict=True):
        line = next(line for line in result.stdout.splitlines() if f" {interval} " in line)
        for part in row:
            for end in (part.min(), part.max()):
                assert f"{100 * end:.1f}" in line
    assert "Coverage of 95% intervals in percent, least and largest over τ²" in result.stdout
    assert "3 studies" in result.stdout


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("PNG", b"\x89PNG")])
def test_the_figure_is_written_in_the_format_of_its_name(tmp_path, suffix, start):
    path = tmp_path / f"My figure.{suffix}"
    options = ("--draws", "9", "--studies", "4", "--tau2", "0", "--interval", "t/DL", "--figure", str(path))
    assert run(*options).exit_code == 0
    content = path.read_bytes()
    assert content.startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_options_reach_the_function(monkeypatch):
    asked = {}

    def record(**options):
        asked.update(options)
        return simulate_coverage(**(options | {"draws": 5}))

    monkeypatch.setattr(interval_coverage, "simulate_coverage", record)
    options = ("--level", "0.9", "--interval", "wald/DL", "--interval", "t/known", "--studies", "4")
    assert run(*options).exit_code == 0
    assert asked["confidence_level"] == 0.9
    assert asked["intervals"] == ("wald/DL", "t/known")
    assert asked["studies"] == (4,)
    assert asked["tau2"] == (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)
    assert asked["draws"] == 10_000
    assert asked["rng"] == 2001
    # A log has no use for a bar.
    assert asked["progress"] is None


def test_two_studies_have_no_prediction_interval():
    result = run("--draws", "5", "--studies", "2", "--tau2", "0.1")
    assert result.exit_code == 0, result.output
    assert "prediction" not in result.stdout
    assert all(f" {name} " in result.stdout for name in SIMULATED_INTERVALS if not name.startswith("pred"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--interval", "wold/DL"), "`intervals` must be one of"),
        (("--studies", "2", "--interval", "prediction/DL"), "a prediction interval needs three studies"),
        (("--level", "95"), "`confidence_level` must be between 0 and 1"),
        (("--studies", "1"), "1 is not in the range"),
        (("--tau2", "-1"), "is not in the range"),
        (("--draws", "0"), "0 is not in the range"),
        (("--seed", "-1"), "is not in the range"),
        (("--figure", "coverage.jpg"), "the file must end in .pdf, .png, .svg, but is 'coverage.jpg'"),
    ],
)
def test_wrong_usage_is_named(options, message):
    result = run(*options)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_a_file_that_cannot_be_written_is_named_after_the_numbers_are_shown(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "coverage.csv"
    result = run("--draws", "5", "--studies", "3", "--tau2", "0", "--interval", "t/DL", "--out", str(path))
    assert result.exit_code == 1
    assert f"Could not open file '{path}'" in result.stderr
    assert " t/DL " in result.stdout


def test_an_interruption_writes_nothing(monkeypatch, tmp_path):
    def stop(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(interval_coverage, "simulate_coverage", stop)
    result = run("--out", str(tmp_path / "coverage.csv"))
    assert result.exit_code == 130
    assert result.stderr == "Interrupted.\n"
    assert not list(tmp_path.iterdir())


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

        def write(self, text):
            return len(text)

        def flush(self):
            pass

    monkeypatch.setattr(cli_simulate.sys, "stderr", Terminal())
    with cli_simulate._progress(quiet=False) as progress:
        bar = progress.__closure__
        simulate_coverage(
            rng=1, draws=5, studies=[3], tau2=[0.0], intervals=["t/DL", "wald/DL"], progress=progress
        )
        (shown,) = [c.cell_contents for c in bar if isinstance(c.cell_contents, rich.progress.Progress)]
        (task,) = shown.tasks
        assert (task.completed, task.total, task.description) == (2, 2, "done")
    with cli_simulate._progress(quiet=True) as progress:
        assert progress is None


def test_help_gives_examples_and_nothing_heavy_is_imported():
    for arguments in (["--help"], ["coverage", "--help"]):
        result = CliRunner().invoke(simulate, arguments)
        assert result.exit_code == 0
        assert "reanalysis simulate coverage" in result.output
        assert "\b" not in result.output
    heavy = "{'numpy', 'pandas', 'rich', 'matplotlib'}"
    code = f"import sys, analysis.cli_simulate; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
