"""Notebooks are thin, committed without outputs, and each runs to its assertions."""

import ast
import os
import re
from pathlib import Path

import nbformat
import pytest

from analysis.pipeline.notebooks import run_notebook

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
READERS = re.compile(r"\bopen\(|read_csv\(|read_excel\(|read_text\(|Path\(|np\.load")


def _cells(path):
    notebook = nbformat.read(path, as_version=4)
    return notebook, [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_in_order():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05", "06", "07", "08"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path):
    notebook, code = _cells(path)
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_thin_and_in_the_house_form(path):
    notebook, code = _cells(path)
    opening = notebook.cells[0]
    assert opening.cell_type == "markdown"
    for word in ("**Question.**", "**Inputs.**", "**Outputs.**"):
        assert word in opening.source
    for cell in code:
        plain = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
        tree = ast.parse(plain)
        statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree))
        assert statements <= 10, cell.source
        assert not any(isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) for node in tree.body)
        assert not READERS.search(plain), cell.source
        assert not re.search(r"!|pip install|/home/|/Users/|[A-Z]:\\\\", plain.replace("!=", "")), cell.source
    assert any("assert " in cell.source for cell in code[-4:]), (
        "the last cells hold the claim as an assertion"
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_to_its_end(path, tmp_path):
    before = dict(os.environ)
    run_notebook(path, results=tmp_path / "results", figures=tmp_path / "figures")
    executed = nbformat.read(tmp_path / "results" / path.name, as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    assert dict(os.environ) == before
