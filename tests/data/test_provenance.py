from __future__ import annotations

from pathlib import Path

import pytest

from analysis.data import provenance
from analysis.data.provenance import check_sums, citation_keys, project_root, sha256, write_atomic
from analysis.errors import DataError


def test_project_root_walks_up(project, monkeypatch):
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(project / "data" / "raw")
    assert project_root() == project
    assert project_root(start=project / "data" / "raw" / "claims.csv") == project


def test_project_root_outside_the_project(tmp_path, monkeypatch):
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"must lie inside the project.*or set REANALYSIS_ROOT"):
        project_root()


def test_project_root_by_environment(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REANALYSIS_ROOT", str(project))
    assert project_root() == project
    monkeypatch.setenv("REANALYSIS_ROOT", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"REANALYSIS_ROOT: must name a folder .*but got '.*gone'"):
        project_root()
    assert project_root(start=project) == project


def test_sha256_of_a_known_text(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("content", ["ä\r\n", "ä\r\n".encode()])
def test_write_atomic(tmp_path, content):
    path = tmp_path / "new" / "file.txt"
    write_atomic(path, "old")
    write_atomic(path, content)
    assert path.read_bytes() == b"\xc3\xa4\r\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_write_atomic_keeps_the_old_file_on_failure(tmp_path, monkeypatch, step):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(*((provenance.os, "fsync", fail) if step == "fsync" else (Path, "replace", fail)))
    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_atomic_refuses_raw_data(project, tmp_path):
    path = project / "data" / "raw" / "claims.csv"
    before = path.read_bytes()
    with pytest.raises(ValueError, match="must lie outside data/raw"):
        write_atomic(path, "x")
    with pytest.raises(ValueError, match="must lie outside data/raw"):
        write_atomic(project / "data" / "raw" / "deep" / "new.csv", "x")
    assert path.read_bytes() == before
    assert not (project / "data" / "raw" / "deep").exists()
    # Another folder of that name, in no project, is the user's own.
    write_atomic(tmp_path / "data" / "raw" / "x.csv", "x")
    assert (tmp_path / "data" / "raw" / "x.csv").read_text() == "x"


def test_sums_agree(project):
    assert check_sums(project) == []


def changed(raw):
    (raw / "rates.csv").write_bytes((raw / "rates.csv").read_bytes() + b"\n")


def removed(raw):
    (raw / "rates.csv").unlink()


def added(raw):
    (raw / "more").mkdir()
    (raw / "more" / "x.csv").touch()


def unsummed(raw):
    (raw / "SHA256SUMS").unlink()


def emptied(raw):
    (raw / "SHA256SUMS").write_text("")


def twice(raw):
    text = (raw / "SHA256SUMS").read_text()
    (raw / "SHA256SUMS").write_text(text + text.splitlines()[0] + "\n")


@pytest.mark.parametrize(
    ("break_it", "file", "message"),
    [
        (changed, "data/raw/rates.csv", "must have the sum"),
        (removed, "data/raw/rates.csv", "must exist, because SHA256SUMS lists it"),
        (added, "data/raw/more/x.csv", "must be listed in SHA256SUMS"),
        (unsummed, "data/raw/SHA256SUMS", "must exist"),
        (emptied, "data/raw/SHA256SUMS", "must list at least one file"),
        (twice, "data/raw/SHA256SUMS", "a file name that is listed once"),
    ],
)
def test_sum_faults(project, break_it, file, message):
    break_it(project / "data" / "raw")
    (fault,) = check_sums(project)
    assert fault.file == file
    assert message in fault.rule
    assert fault.way_out


def test_hidden_files_need_no_sum(project):
    (project / "data" / "raw" / ".DS_Store").touch()
    assert check_sums(project) == []


def test_citation_keys(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text("@misc{A,\n title = {x}}\n\n@article{B2,\n title = {y}}\n")
    assert citation_keys(path) == {"A", "B2"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@misc{A, title = {x}}\n\n@misc{A, title = {y}}\n", 3),
        ("@misc{A, title = {x}}\n@misc{B, title = {y}\n", 2),
    ],
    ids=["same key", "open brace"],
)
def test_citation_faults(tmp_path, text, line, caplog):
    path = tmp_path / "references.bib"
    path.write_text(text)
    with pytest.raises(DataError, match="one whole BibTeX entry") as caught:
        citation_keys(path)
    assert [fault.line for fault in caught.value.faults] == [line]
    assert not caplog.records


def test_citations_must_be_readable(tmp_path):
    with pytest.raises(DataError, match="readable UTF-8 file, but got 'FileNotFoundError'"):
        citation_keys(tmp_path / "none.bib")
    (tmp_path / "latin.bib").write_bytes(b"@misc{A, title = {\xe9}}")
    with pytest.raises(DataError, match="readable UTF-8 file, but got 'UnicodeDecodeError'"):
        citation_keys(tmp_path / "latin.bib")
