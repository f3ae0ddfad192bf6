"""The steps of this project: verify raw, processed tables, one a notebook, report.

Which files each reads and writes stands here and nowhere else; how steps are run is in `build`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import analysis
from analysis.errors import AnalysisError
from analysis.pipeline.build import Step

__all__ = ["project_steps"]

# Every source of the package counts for every table and notebook: coarse, and never out of date.
PACKAGE = ("src/analysis/**/*",)
# What is kept by hand: raw tables, their checksums, dictionary and corrections.
GIVEN_DATA = ("data/**/*", "!data/processed/*")


def project_steps(root: Path) -> list[Step]:
    """List the steps of the project, in order.

    Parameters
    ----------
    root : Path
        The project.

    Returns
    -------
    list of Step
        verify-raw, processed-tables, one a notebook by its file name, report.

    Raises
    ------
    AnalysisError
        If the project holds another copy of the package than the one that runs: its sources would be recorded
        as what the results were built from, and they were not.
    """
    own = root / "src" / "analysis"
    running = Path(analysis.__file__).resolve().parent
    if own.is_dir() and own.resolve() != running:
        raise AnalysisError(
            f"{root} holds its own copy of the package, but the one that runs is {running}. "
            "Run `make reproduce` there."
        )
    steps = [
        Step(name="verify-raw", inputs=(*GIVEN_DATA, *PACKAGE), outputs=(), action=_verify),
        Step(
            name="processed-tables",
            inputs=(*GIVEN_DATA, *PACKAGE),
            outputs=("data/processed/*",),
            action=_process,
        ),
    ]
    steps += [
        Step(
            name=notebook.stem,
            inputs=(f"notebooks/{notebook.name}", "data/**/*", *PACKAGE),
            outputs=(
                f"build/notebooks/{notebook.name}",
                f"build/notebooks/{notebook.stem}.html",
                "figures/*",
            ),
            action=partial(_run_notebook, notebook.name),
        )
        for notebook in sorted((root / "notebooks").glob("0*.ipynb"))
    ]
    # The report tells what everything was built from, so it depends on all that the others read and wrote.
    everything = {pattern for step in steps for pattern in (*step.inputs, *step.outputs) if pattern[0] != "!"}
    computed = {pattern for pattern in everything if pattern.startswith("build/")}
    steps.append(
        Step(
            name="report",
            inputs=(*sorted(everything - computed), "build/notebooks/*"),
            outputs=("build/report.html",),
            action=_report,
        )
    )
    return steps


def _verify(root: Path, _stage: Path) -> None:
    from analysis.data.verify import verify_raw

    verify_raw(root)


def _process(root: Path, stage: Path) -> None:
    from analysis.pipeline.processed import build_processed

    out = stage / "data" / "processed"
    out.mkdir(parents=True)
    build_processed(root, out)


def _run_notebook(name: str, root: Path, stage: Path) -> None:
    from analysis.pipeline.notebooks import run_notebook

    run_notebook(root / "notebooks" / name, results=stage / "build" / "notebooks", figures=stage / "figures")


def _report(root: Path, stage: Path) -> None:
    from analysis.pipeline.report import build_report

    build_report(root, stage / "build" / "report.html")
