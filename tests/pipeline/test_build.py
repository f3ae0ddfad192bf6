"""The engine, the manifest, and the step that runs a notebook."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import nbformat
import pytest

from analysis.errors import AnalysisError, DataError, NotebookError
from analysis.pipeline.build import Step, build, pending
from analysis.pipeline.manifest import MANIFEST, Record, matching_files, read_manifest, write_manifest
from analysis.pipeline.notebooks import run_notebook
from analysis.pipeline.steps import project_steps


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a.txt").write_text("one")
    return tmp_path


class Copies:
    """Two steps in a row, a.txt to b.txt to c.txt, that note when they run."""

    def __init__(self):
        self.runs = []

    def steps(self):
        return [self.step("a.txt", "b.txt"), self.step("b.txt", "c.txt")]

    def step(self, source, target):
        def action(root, stage):
            self.runs.append(target)
            (stage / target).write_text((root / source).read_text() + "!")

        return Step(name=f"make-{target}", inputs=(source,), outputs=(target,), action=action)


def writer(name, files, *, outputs=("figures/*",), inputs=("a.txt",)):
    """A step that writes the given texts."""

    def action(_root, stage):
        for file, text in files.items():
            (stage / file).parent.mkdir(parents=True, exist_ok=True)
            (stage / file).write_text(text)

    return Step(name=name, inputs=inputs, outputs=outputs, action=action)


def failing(name="fails"):
    def action(_root, stage):
        (stage / "b.txt").write_text("half")
        raise AnalysisError("no luck")

    return Step(name=name, inputs=("a.txt",), outputs=("b.txt",), action=action)


def test_second_build_runs_nothing(root):
    copies = Copies()
    first = build(root, copies.steps())
    second = build(root, copies.steps())
    assert copies.runs == ["b.txt", "c.txt"]
    assert [outcome.reason for outcome in first] == ["never built", "never built"]
    assert [outcome.reason for outcome in second] == [None, None]
    assert (root / "c.txt").read_text() == "one!!"


def test_changed_input_runs_what_depends_on_it(root):
    copies = Copies()
    build(root, copies.steps())
    (root / "a.txt").write_text("two")
    outcomes = build(root, copies.steps())
    assert [outcome.reason for outcome in outcomes] == ["input changed: a.txt", "input changed: b.txt"]
    assert (root / "c.txt").read_text() == "two!!"


def test_touched_input_runs_nothing(root):
    copies = Copies()
    build(root, copies.steps())
    os.utime(root / "a.txt", (1, 1))
    (root / "a.txt").write_text("one")
    build(root, copies.steps())
    assert copies.runs == ["b.txt", "c.txt"]


def test_edit_that_keeps_the_modification_time_is_noticed(root):
    copies = Copies()
    os.utime(root / "a.txt", (1, 1))
    build(root, copies.steps())
    (root / "a.txt").write_text("two")
    os.utime(root / "a.txt", (1, 1))
    build(root, copies.steps())
    assert (root / "c.txt").read_text() == "two!!"


@pytest.mark.parametrize(
    ("spoil", "reason"), [("edit", "output changed: b.txt"), ("delete", "output removed: b.txt")]
)
def test_spoilt_output_is_made_again(root, spoil, reason):
    copies = Copies()
    build(root, copies.steps())
    if spoil == "edit":
        (root / "b.txt").write_text("tampered")
    else:
        (root / "b.txt").unlink()
    outcomes = build(root, copies.steps())
    # The remade file is what the next step was built from, so that one rests.
    assert [outcome.reason for outcome in outcomes] == [reason, None]
    assert (root / "b.txt").read_text() == "one!"


def test_new_and_removed_files_of_a_glob_count_as_changes(root):
    step = writer("one", {"figures/x.svg": "x"}, inputs=("data/**/*",))
    build(root, [step])
    (root / "data" / "raw" / "new.csv").write_text("x")
    assert build(root, [step])[0].reason == "input new: data/raw/new.csv"
    (root / "data" / "raw" / "new.csv").unlink()
    assert build(root, [step])[0].reason == "input removed: data/raw/new.csv"


def test_other_versions_count_as_changes(root, monkeypatch):
    copies = Copies()
    build(root, copies.steps())
    monkeypatch.setattr("analysis.pipeline.build.environment", lambda: {"python": "4.0"})
    assert build(root, copies.steps())[0].reason.startswith("version ")


def test_force_and_only(root):
    copies = Copies()
    build(root, copies.steps())
    outcomes = build(root, copies.steps(), force=True, only=["make-c.txt"])
    assert [(outcome.name, outcome.reason) for outcome in outcomes] == [("make-c.txt", "forced")]
    assert copies.runs == ["b.txt", "c.txt", "c.txt"]


def test_unknown_step_is_refused_before_anything_runs(root):
    copies = Copies()
    with pytest.raises(ValueError, match="must name steps of the build, but got nonsense"):
        build(root, copies.steps(), only=["nonsense"])
    assert copies.runs == []


def test_pending_tells_and_does_nothing(root):
    copies = Copies()
    build(root, copies.steps()[:1])
    assert [reason for _, reason in pending(root, copies.steps())] == [None, "never built"]
    assert copies.runs == ["b.txt"]


def test_missing_named_input_is_a_data_error(root):
    step = Step(name="one", inputs=("gone.csv",), outputs=(), action=lambda _root, _stage: None)
    with pytest.raises(DataError, match=r"gone\.csv: must exist"):
        build(root, [step])


def test_globs_leave_out_what_is_excluded_hidden_or_byte_code(root):
    for name in ("data/x.csv", "data/processed/y.csv", "data/.hidden", "data/__pycache__/z.pyc"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert matching_files(root, ["data/**/*", "!data/processed/*"]) == ["data/x.csv"]


def test_failed_step_leaves_files_and_records_of_all_others(root):
    good = writer("good", {"figures/x.svg": "x"})
    (root / "b.txt").write_text("earlier")
    with pytest.raises(AnalysisError, match="no luck"):
        build(root, [good, failing()])
    assert (root / "figures" / "x.svg").read_text() == "x"
    assert (root / "b.txt").read_text() == "earlier"
    assert list(read_manifest(root)) == ["good"]
    assert not (root / "build" / "staging").exists()


def test_step_that_fails_keeps_its_earlier_record(root):
    copies = Copies()
    build(root, copies.steps())
    before = read_manifest(root)
    (root / "a.txt").write_text("two")
    with pytest.raises(AnalysisError, match="no luck"):
        build(root, [failing("make-b.txt"), copies.steps()[1]])
    assert read_manifest(root) == before


def test_undeclared_output_is_refused_and_not_published(root):
    with pytest.raises(AnalysisError, match=r"Step one may write figures/\*, but wrote data/raw/x.csv"):
        build(root, [writer("one", {"data/raw/x.csv": "x"})])
    assert not (root / "data" / "raw" / "x.csv").exists()


def test_declared_output_that_is_not_written_is_reported(root):
    with pytest.raises(AnalysisError, match=r"Step one must write x\.txt, but did not"):
        build(root, [writer("one", {}, outputs=("x.txt",))])


def test_two_steps_cannot_write_the_same_file(root):
    steps = [writer("one", {"figures/x.svg": "1"}), writer("two", {"figures/x.svg": "2"})]
    with pytest.raises(AnalysisError, match=r"Steps one and two both write figures/x\.svg"):
        build(root, steps)
    assert (root / "figures" / "x.svg").read_text() == "1"


def test_file_may_move_to_an_earlier_step(root):
    build(root, [writer("one", {}), writer("two", {"figures/x.svg": "2"})])
    build(root, [writer("one", {"figures/x.svg": "1"}), writer("two", {})], force=True)
    assert (root / "figures" / "x.svg").read_text() == "1"
    assert read_manifest(root)["two"].outputs == {}


def test_leftovers_of_a_step_go_unless_edited(root):
    build(root, [writer("one", {"figures/x.svg": "x", "figures/y.svg": "y", "figures/z.svg": "z"})])
    (root / "figures" / "y.svg").write_text("edited by hand")
    build(root, [writer("one", {"figures/z.svg": "z"})], force=True)
    assert sorted(path.name for path in (root / "figures").iterdir()) == ["y.svg", "z.svg"]


def test_outputs_of_a_removed_step_go_with_it(root):
    build(root, [writer("old", {"figures/x.svg": "x", "figures/y.svg": "y"})])
    build(root, [writer("new", {"figures/y.svg": "y"})])
    assert [path.name for path in (root / "figures").iterdir()] == ["y.svg"]
    assert list(read_manifest(root)) == ["new"]


def test_manifest_records_hashes_and_versions(root):
    copies = Copies()
    build(root, copies.steps())
    record = json.loads((root / MANIFEST).read_text())["steps"]["make-b.txt"]
    # The hash of "one", from sha256sum.
    assert record["inputs"] == {"a.txt": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}
    assert list(record["outputs"]) == ["b.txt"]
    assert {"python", "numpy", "epi-reanalysis"} <= record["environment"].keys()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 99, "steps": {}}', '{"format": 1, "steps": {"a": 1}}']
)
def test_unusable_manifest_means_build_all(root, content):
    copies = Copies()
    build(root, copies.steps())
    (root / MANIFEST).write_text(content)
    assert [outcome.reason for outcome in build(root, copies.steps())] == ["never built", "never built"]


def test_manifest_is_replaced_in_one_move(root, monkeypatch):
    record = Record(inputs={}, outputs={}, environment={})
    write_manifest(root, {"one": record})

    def crash(*_):
        raise OSError("disk is gone")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="disk is gone"):
        write_manifest(root, {"one": record, "two": record})
    assert list(read_manifest(root)) == ["one"]


STOPPED_BUILD = """
import sys, time
from pathlib import Path
from analysis.pipeline.build import Step, build

root = Path(sys.argv[1])

def quick(root, stage):
    (stage / "b.txt").write_text((root / "a.txt").read_text() + "!")

def hang(root, stage):
    (stage / "c.txt").write_text("half")
    (root / "hanging").touch()
    time.sleep(60)

build(root, [
    Step(name="make-b.txt", inputs=("a.txt",), outputs=("b.txt",), action=quick),
    Step(name="make-c.txt", inputs=("b.txt",), outputs=("c.txt",), action=hang),
])
"""


def wait_for(path, process):
    for _ in range(300):
        if path.exists():
            return
        assert process.poll() is None, "the build ended early"
        time.sleep(0.05)
    pytest.fail(f"{path} never came")


@pytest.fixture
def stopped_build(root):
    process = subprocess.Popen(  # our own code
        [sys.executable, "-c", STOPPED_BUILD, str(root)], stderr=subprocess.DEVNULL
    )
    wait_for(root / "hanging", process)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_stopped_build_leaves_no_half_file_and_goes_on(root, stopped_build, number):
    stopped_build.send_signal(number)
    stopped_build.wait()
    assert not (root / "c.txt").exists()
    copies = Copies()
    build(root, copies.steps())
    assert copies.runs == ["c.txt"]
    assert (root / "c.txt").read_text() == "one!!"


def test_two_builds_at_once_do_not_mix(root, stopped_build):
    copies = Copies()
    with pytest.raises(AnalysisError, match=r"Another build of .* is running"):
        build(root, copies.steps())
    assert copies.runs == []


def notebook(root, name, *sources):
    cells = [nbformat.v4.new_markdown_cell("# Why $x$")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "notebooks" / f"{name}.ipynb")


def notebook_step(root, name):
    return next(step for step in project_steps(root) if step.name == name)


SAVE = """
import os, sys, warnings
from pathlib import Path
figure = Path(os.environ["REANALYSIS_FIGURES_DIR"]) / "forest.svg"
_ = figure.write_text("<svg/>")
"""


def test_notebook_runs_here_and_publishes_its_figures(root, monkeypatch):
    monkeypatch.setenv("REANALYSIS_ROOT", "/nowhere")
    notebook(
        root,
        "01_works",
        SAVE,
        "print(sys.executable, Path.cwd().name, os.environ['PYTHONHASHSEED'], figure)",
        "print('REANALYSIS_ROOT' in os.environ, object())\nwarnings.warn('beware')",
    )
    step = notebook_step(root, "01_works")
    first = build(root, [step])[0]
    assert first.outputs == (
        "build/notebooks/01_works.html",
        "build/notebooks/01_works.ipynb",
        "figures/forest.svg",
    )
    executed = (root / "build" / "notebooks" / "01_works.ipynb").read_bytes()
    page = (root / "build" / "notebooks" / "01_works.html").read_bytes()
    text = executed.decode()
    assert f"{sys.executable} notebooks 0 ../build/staging/figures/forest.svg" in text
    assert "False <object object at 0x0>" in text
    assert "cell:2: UserWarning: beware" in text
    for sign in (b"<script", b'src="http', b'href="http', b"url(http", b"@import"):
        assert sign not in page
    assert build(root, [step])[0].reason is None

    build(root, [step], force=True)
    assert (root / "build" / "notebooks" / "01_works.ipynb").read_bytes() == executed
    assert (root / "build" / "notebooks" / "01_works.html").read_bytes() == page


def test_failing_notebook_names_its_cell_and_leaves_what_was_there(root):
    notebook(root, "02_fails", SAVE, "\n\nx = 1\nraise ValueError('\\x1b[31mno \\x1b[0mgood')")
    (root / "figures").mkdir()
    (root / "figures" / "forest.svg").write_text("earlier")
    with pytest.raises(NotebookError) as caught:
        build(root, [notebook_step(root, "02_fails")])
    message = str(caught.value)
    assert message.startswith(
        "02_fails.ipynb, code cell 2 (`x = 1`) raised ValueError: no good at `raise ValueError("
    )
    assert "\x1b" not in message
    assert (root / "figures" / "forest.svg").read_text() == "earlier"
    assert not (root / "build" / "notebooks").exists()
    assert read_manifest(root) == {}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import time; time.sleep(60)", r"code cell 1 \(`import time.*`\) did not end within 1 s"),
        ("import os; os._exit(1)", r"code cell 1 .* ended its Python process"),
    ],
)
def test_notebook_that_hangs_or_dies_is_reported(root, source, message):
    notebook(root, "03_stuck", source)
    run = partial(run_notebook, results=root / "build", figures=root / "figures", timeout=1)
    with pytest.raises(NotebookError, match=message):
        run(root / "notebooks" / "03_stuck.ipynb")


def test_file_that_is_no_notebook_is_reported(root):
    path = root / "notebooks" / "04_text.ipynb"
    path.write_text("{")
    with pytest.raises(NotebookError, match=r"04_text\.ipynb cannot be read as a notebook"):
        run_notebook(path, results=root / "build", figures=root / "figures")


def test_steps_of_the_project_come_in_order(root):
    for name in ("02_b", "01_a", "notes"):
        notebook(root, name)
    names = [step.name for step in project_steps(root)]
    assert names == ["verify-raw", "processed-tables", "01_a", "02_b", "report"]


def test_sources_of_the_package_are_inputs_of_tables_and_notebooks(root, monkeypatch):
    notebook(root, "01_a")
    source = root / "src" / "analysis" / "measures" / "x.py"
    source.parent.mkdir(parents=True)
    source.touch()
    monkeypatch.setattr("analysis.__file__", str(root / "src" / "analysis" / "__init__.py"))
    for step in project_steps(root):
        assert "src/analysis/measures/x.py" in matching_files(root, step.inputs), step.name


def test_another_copy_of_the_package_is_refused(root):
    (root / "src" / "analysis").mkdir(parents=True)
    with pytest.raises(AnalysisError, match="holds its own copy of the package"):
        project_steps(root)
