from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.data.provenance import project_root, sha256
from analysis.data.verify import verify_raw
from analysis.errors import DataError

ROOT = project_root(start=Path(__file__))


def test_the_raw_data_are_whole(monkeypatch):
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(ROOT)
    report = verify_raw()
    assert report.root == ROOT
    assert report.files == tuple(sorted(file.name for file in (ROOT / "data" / "raw").glob("*.csv")))
    assert all(count > 0 for count in report.rows.values())
    assert "no fault" in str(report)
    with pytest.raises(AttributeError):
        report.citations = 0
    with pytest.raises(TypeError):
        report.rows["claims.csv"] = 0


def test_verifying_writes_nothing(project):
    def state():
        return {
            file: (sha256(file), file.stat().st_mtime_ns) for file in project.rglob("*") if file.is_file()
        }

    before = state()
    verify_raw(project)
    assert state() == before


CELLS = [
    pytest.param("raw/rates.csv", 2, "study", "Nobody1900", "must be a key of references.bib", id="citation"),
    pytest.param(
        "raw/claims.csv", 2, "source", "Nobody1900", "must be a key of references.bib", id="claim source"
    ),
    pytest.param(
        "raw/claims.csv", 2, "evidence", "prev_999", "must name rows of the other files", id="unknown row"
    ),
    pytest.param(
        "raw/claims.csv", 2, "evidence", "", "must name the row that prints the counts", id="no evidence"
    ),
    pytest.param(
        "raw/claims.csv", 2, "exposed_cases", "16", "which is 15 in prev_001", id="count of a prevalence"
    ),
    pytest.param("raw/claims.csv", 2, "exposed_percent", "18.8", "which is 18.7 in prev_001", id="percent"),
    pytest.param(
        "raw/claims.csv", 3, "exposed_cases", "45", "which is nothing in prev_019", id="invented count"
    ),
    pytest.param(
        "raw/claims.csv", 13, "control_total", "38021", "which is 38020 in comp_017", id="control count"
    ),
    pytest.param(
        "raw/claims.csv", 8, "exposed_total", "141", "which is 140 in hla_015", id="count among several"
    ),
    pytest.param(
        "raw/rates.csv", 2, "row_id", "prev_002", "prevalence.csv has it too", id="key of another file"
    ),
]


@pytest.mark.parametrize(("name", "line", "column", "value", "message"), CELLS)
def test_faults_between_files(project, put, *, name, line, column, value, message):
    put(name, line, column, value)
    with pytest.raises(DataError, match=message) as caught:
        verify_raw(project)
    assert {(fault.file, fault.line, fault.column) for fault in caught.value.faults} == {
        (f"data/{name}", line, column)
    }


def test_changed_evidence_is_found(project, put):
    put("raw/prevalence.csv", 2, "events", "14")
    with pytest.raises(
        DataError, match=r"claims.csv, line 2, column `exposed_cases`: .* which is 14 in prev_001"
    ):
        verify_raw(project)


def test_unlisted_and_undescribed_file(project):
    (project / "data" / "raw" / "more.csv").write_text("a\n1\n")
    with pytest.raises(DataError) as caught:
        verify_raw(project)
    assert {fault.file for fault in caught.value.faults} == {"data/raw/more.csv"}
    rules = " | ".join(fault.rule for fault in caught.value.faults)
    assert "must be listed in SHA256SUMS" in rules
    assert "must be described in data/dictionary.csv" in rules


def test_described_file_that_is_gone(project, resum):
    (project / "data" / "raw" / "rates.csv").unlink()
    resum(project)
    with pytest.raises(DataError, match=r"must describe files that exist in data/raw, but got 'rates.csv'"):
        verify_raw(project)


@pytest.mark.parametrize("line", [10, 60])
def test_column_without_description(project, line):
    path = project / "data" / "dictionary.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    file, column = lines.pop(line).split(",")[:2]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    with pytest.raises(
        DataError, match=f"{file}, line 1, column `{column}`: must be a column that the dictionary"
    ):
        verify_raw(project)


def test_description_without_column(project):
    path = project / "data" / "dictionary.csv"
    path.write_text(
        path.read_text(encoding="utf-8") + "rates.csv,colour,text,,yes,,,What.\n", encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"rates.csv, line 1, column `colour`: must be in the header"):
        verify_raw(project)


def test_every_fault_of_every_file_at_once(project, put):
    raw = project / "data" / "raw"
    put("raw/rates.csv", 2, "n", "x")
    put("raw/prevalence.csv", 5, "study", "Nobody1900")
    put("raw/hla_b27.csv", 11, "events", "141")
    (raw / "published_ranges.csv").write_bytes((raw / "published_ranges.csv").read_bytes()[:-1])
    (raw / "README.md").unlink()
    (raw / "references.bib").write_text((raw / "references.bib").read_text() + "@misc{Open,\n")
    with pytest.raises(DataError) as caught:
        verify_raw(project)
    found = {(fault.file, fault.column) for fault in caught.value.faults}
    assert {
        ("data/raw/rates.csv", "n"),
        ("data/raw/hla_b27.csv", "events"),
        ("data/raw/published_ranges.csv", None),
        ("data/raw/README.md", None),
        ("data/raw/references.bib", None),
    } <= found


def test_missing_dictionary(project):
    shutil.move(project / "data" / "dictionary.csv", project / "elsewhere.csv")
    with pytest.raises(DataError, match=r"data/dictionary.csv: must exist"):
        verify_raw(project)


def test_faults_of_the_file_do_not_hide_those_of_its_cells(project):
    path = project / "data" / "raw" / "hla_b27.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    broken = lines[1].split(",")
    broken[header.index("total")] = "many"
    lines[1] = ",".join(broken)
    lines[2] += ",one cell too many"
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    with pytest.raises(DataError) as caught:
        verify_raw(project)
    text = str(caught.value)
    assert "carriage returns" in text
    assert "line 2, column `total`" in text
    assert f"line 3: must have {len(header)} cells" in text
