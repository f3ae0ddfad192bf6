"""Execute a notebook in a fresh kernel of this interpreter, and render it as a page that needs no network.

The user's environment stays out: no kernel specification, IPython profile or matplotlibrc of theirs counts.
Where the results go in the project is the engine's business.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import tempfile
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import zmq
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

from analysis.errors import NotebookError

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["FIGURES_VARIABLE", "run_notebook"]

FIGURES_VARIABLE = "REANALYSIS_FIGURES_DIR"
# Variables of the caller that would change what a notebook draws or runs.
UNWANTED_VARIABLES = ("MPLBACKEND", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONPATH", "REANALYSIS_ROOT")
COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# ipykernel names the file of a cell after the process, and reprs show addresses: both differ from run to run.
CELL_FILE = re.compile(r"\S*ipykernel_\d+[/\\]\d+\.py")
ARROW = re.compile(r"^-+> \d+ (.*)$", re.MULTILINE)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
# The stock template loads RequireJS, MathJax and Mermaid from the network.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""


def run_notebook(source: Path, *, results: Path, figures: Path, timeout: int = 1800) -> None:
    """Execute a notebook and write its executed copy, as notebook and as HTML.

    Parameters
    ----------
    source : Path
        The notebook; it runs in its own directory and is not written to.
    results : Path
        Directory for NAME.ipynb and NAME.html; made where it does not exist.
    figures : Path
        Directory that the notebook is to save its figures in. `REANALYSIS_FIGURES_DIR` hands it over as path
        relative to the notebook, so that no result depends on where the project lies.
    timeout : int
        Seconds that one cell may take. Half an hour is far above any cell of this project, and still ends
        a cell that waits for something that never comes.

    Raises
    ------
    NotebookError
        If the file is no notebook, a cell raises or takes too long, or the kernel dies.
    KeyboardInterrupt
        If the process is told to stop; the kernel is ended first.
    """
    try:
        with warnings.catch_warnings():
            # Cells are numbered anew below, so a notebook without cell ids is as good as one with them.
            warnings.simplefilter("ignore", nbformat.warnings.MissingIDFieldWarning)
            notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise NotebookError(f"{source.name} cannot be read as a notebook: {error}") from error
    figures.mkdir(parents=True, exist_ok=True)
    results.mkdir(parents=True, exist_ok=True)
    _remove_volatile(notebook)
    try:
        relative = Path(os.path.relpath(figures, source.parent)).as_posix()
        asyncio.run(_execute(notebook, source, figures=relative, seconds=timeout))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    _remove_volatile(notebook)
    (results / source.name).write_text(
        nbformat.writes(notebook) + "\n",  # type: ignore[no-untyped-call]
        encoding="utf-8",
        newline="\n",
    )
    (results / f"{source.stem}.html").write_text(
        _to_html(notebook, source.stem), encoding="utf-8", newline="\n"
    )


class _ThisInterpreter(KernelSpecManager):
    """Know one kernel: the interpreter that runs the build, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
            metadata={"supported_encryption": ["curve"]},
        )


class _Client(NotebookClient):
    """Know whether the process was told to stop: nbclient takes that for a dead kernel."""

    stopped = False

    async def async_start_new_kernel(self, **arguments: Any) -> None:  # noqa: ANN401  # as nbclient has it
        """Put our answer to signals in place of nbclient's, which has just set its own."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(RuntimeError):  # Windows, or not the main thread
                asyncio.get_running_loop().add_signal_handler(number, self._stop, asyncio.current_task())
        await super().async_start_new_kernel(**arguments)

    def _stop(self, task: asyncio.Task[Any] | None) -> None:
        self.stopped = True
        if task is not None:
            task.cancel()


async def _execute(notebook: NotebookNode, source: Path, *, figures: str, seconds: int) -> None:
    """Execute the cells in place; the kernel is gone afterwards, whatever happened."""
    manager = AsyncKernelManager(
        kernel_spec_manager=_ThisInterpreter(),
        transport_encryption="auto" if zmq.has("curve") else "disabled",
    )
    reached = [0]
    client = _Client(
        notebook,
        km=manager,
        timeout=seconds,
        record_timing=False,
        coalesce_streams=True,
        on_cell_start=lambda cell_index, **_: reached.append(cell_index),
        resources={"metadata": {"path": str(source.parent)}},
    )
    with tempfile.TemporaryDirectory(prefix="reanalysis-") as profile:
        try:
            await client.async_execute(env=_kernel_environment(figures=figures, profile=profile))
        except (CellExecutionError, CellTimeoutError, RuntimeError) as error:
            if client.stopped:
                raise asyncio.CancelledError from None
            place = _place(notebook, source, reached[-1])
            raise NotebookError(f"{place} {_what_happened(error, seconds=seconds)}") from None
        finally:
            if client.kc is not None:
                client.kc.stop_channels()
            if manager.has_kernel:
                await manager.shutdown_kernel(now=True)
            await manager.cleanup_resources()


def _what_happened(error: Exception, *, seconds: int) -> str:
    if isinstance(error, CellExecutionError):
        message = COLOUR_CODE.sub("", error.evalue)
        # The first frame of the traceback is the cell's own; an assertion alone says nothing of itself.
        line = ARROW.search(COLOUR_CODE.sub("", str(error.traceback)))
        at = f" at `{line[1].strip()}`" if line else ""
        return f"raised {error.ename}{f': {message}' if message else ''}{at}"
    if isinstance(error, CellTimeoutError):
        return f"did not end within {seconds} s."
    if isinstance(error, DeadKernelError):
        return "ended its Python process. Memory may have run out."
    return f"could not run: {error}"


def _kernel_environment(*, figures: str, profile: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in UNWANTED_VARIABLES}
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        environment["MATPLOTLIBRC"] = str(Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc")
    return environment | {
        FIGURES_VARIABLE: figures,
        "IPYTHONDIR": profile,
        "PYTHONHASHSEED": "0",
    }


def _place(notebook: NotebookNode, source: Path, index: int) -> str:
    """Name the cell as a reader counts: code cells only, from 1, with its first line."""
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    lines = [line for line in notebook.cells[index].source.splitlines() if line.strip()]
    return f"{source.name}, code cell {number} (`{lines[0].strip() if lines else ''}`)"


def _remove_volatile(notebook: NotebookNode) -> None:
    """Take out what differs between two runs of the same notebook and says nothing about its results."""
    notebook["nbformat_minor"] = max(notebook["nbformat_minor"], 5)  # the first with cell ids
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _stable(output["text"])
            data = output.get("data", {})
            for kind in sorted(data.keys() & {"text/plain", "text/html"}):
                data[kind] = _stable(data[kind])


def _stable(text: str) -> str:
    return ADDRESS.sub("at 0x0", CELL_FILE.sub("cell", text))


def _to_html(notebook: NotebookNode, title: str) -> str:
    exporter = HTMLExporter(raw_template=TEMPLATE)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    return str(body)
