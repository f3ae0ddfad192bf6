from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analysis.data.provenance import project_root, sha256

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = project_root(start=Path(__file__))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy what the data room needs, so that a test can break it."""
    copy = tmp_path / "project"
    shutil.copytree(ROOT / "data" / "raw", copy / "data" / "raw")
    shutil.copy(ROOT / "data" / "dictionary.csv", copy / "data" / "dictionary.csv")
    (copy / "pyproject.toml").touch()
    return copy


@pytest.fixture
def put(project: Path) -> Callable[..., None]:
    """Set one cell of a file of the copy, by line and column, and write the sums anew."""

    def put_cell(name: str, line: int, column: str, value: str) -> None:
        path = project / "data" / name
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        rows[line - 1][rows[0].index(column)] = value
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        path.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        write_sums(project)

    return put_cell


@pytest.fixture
def resum() -> Callable[[Path], None]:
    return write_sums


def write_sums(project: Path) -> None:
    folder = project / "data" / "raw"
    names = sorted(file.name for file in folder.iterdir() if file.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in names))
