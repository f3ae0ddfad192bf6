from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analysis.data import datasets
from analysis.data.dictionary import read_dictionary
from analysis.data.provenance import project_root
from analysis.errors import DataError

ROOT = project_root(start=Path(__file__))
LOADERS = {
    "prevalence": datasets.load_prevalence,
    "comparative_counts": datasets.load_comparative_counts,
    "rates": datasets.load_rates,
    "published_estimates": datasets.load_published_estimates,
    "published_ranges": datasets.load_published_ranges,
    "hla_b27": datasets.load_hla_b27,
    "claims": datasets.load_claims,
}


@pytest.mark.parametrize("kind", LOADERS)
def test_loaders_give_the_columns_of_the_dictionary(kind):
    frame = LOADERS[kind](root=ROOT)
    entries = read_dictionary(ROOT / "data" / "dictionary.csv")[kind]
    assert frame.columns.tolist() == [entry.column for entry in entries]
    assert frame.index.tolist() == list(range(len(frame)))
    assert len(frame) > 0
    for entry in entries:
        expected = {"count": "Int64", "year": "Int64", "number": "float64"}.get(entry.type, "string")
        assert str(frame[entry.column].dtype) == expected


def test_every_table_of_the_dictionary_has_a_loader():
    assert LOADERS.keys() == read_dictionary(ROOT / "data" / "dictionary.csv").keys()


def test_loaders_find_the_project_from_the_working_directory(project, monkeypatch):
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(project)
    assert len(datasets.load_claims()) == len(datasets.load_claims(root=ROOT))


CELLS = [
    pytest.param(
        "prevalence", 2, "events", "81", "must be at most `total`, which is 80", id="events > total"
    ),
    pytest.param("prevalence", 2, "events", "x", "whole number", id="text in a count"),
    pytest.param("prevalence", 2, "total", "", "must stand beside a `total`", id="events without total"),
    pytest.param("prevalence", 2, "total", "0", "must be at least 1", id="total of zero"),
    pytest.param("prevalence", 2, "year", "1899", "must be a year from 1900 to 2100", id="year"),
    pytest.param("prevalence", 2, "percent_male", "165", "a number from 0 to 100", id="percent as a number"),
    pytest.param("prevalence", 2, "mean_age", "36,7", "a number with a decimal point", id="number"),
    pytest.param("prevalence", 2, "doi", "doi:10.1/x", 'must start with "10."', id="doi"),
    pytest.param(
        "prevalence", 2, "doi", "https://doi.org/10.1000/x", "Leave out https://doi.org/", id="doi address"
    ),
    pytest.param("prevalence", 2, "pmid", "PMID 1", "PubMed identifier", id="pmid"),
    pytest.param("prevalence", 2, "outcome", "osteoporsis", "Did you mean 'osteoporosis'", id="choice"),
    pytest.param("prevalence", 2, "use", "no", "must say why the row is not used", id="no reason"),
    pytest.param("prevalence", 2, "reason", "duplicate", "must be empty, because `use` is yes", id="reason"),
    pytest.param("prevalence", 3, "row_id", "prev_001", "line 2 has it too", id="duplicate key"),
    pytest.param("prevalence", 2, "label", "", "must not be empty", id="missing required"),
    pytest.param(
        "comparative_counts", 2, "exposed_cases", "7606", "must be at most `exposed_total`", id="exposed"
    ),
    pytest.param(
        "comparative_counts", 2, "control_cases", "38021", "must be at most `control_total`", id="control"
    ),
    pytest.param(
        "published_estimates", 2, "low", "1.84", "must be at most `estimate`, which is 1.83", id="low"
    ),
    pytest.param(
        "published_estimates", 2, "high", "1.82", "must be at most `high`, which is 1.82", id="high"
    ),
    pytest.param("published_estimates", 2, "high", "", "both limits of the interval", id="one limit"),
    pytest.param("published_estimates", 2, "printed", "1.83", r"which give 1.83 \(1.58-2.11\)", id="printed"),
    pytest.param("published_estimates", 2, "estimate", "1,83", "printed number", id="decimal comma"),
    pytest.param("rates", 4, "rate_low", "9.7", "must be at most `rate`, which is 9.64", id="rate"),
    pytest.param("published_ranges", 2, "low_percent", "63", "must be at most `high_percent`", id="range"),
    pytest.param(
        "hla_b27", 2, "low", "6.2", "must be at most `percent`, which is 6.1", id="percent interval"
    ),
]


@pytest.mark.parametrize(("kind", "line", "column", "value", "message"), CELLS)
def test_loaders_refuse_broken_cells(project, put, *, kind, line, column, value, message):
    put(f"raw/{kind}.csv", line, column, value)
    with pytest.raises(DataError, match=message) as caught:
        LOADERS[kind](root=project)
    assert {(fault.file, fault.line) for fault in caught.value.faults} == {(f"data/raw/{kind}.csv", line)}


def test_everybody_may_have_the_outcome(project, put):
    put("raw/prevalence.csv", 2, "events", "80")
    assert datasets.load_prevalence(root=project)["events"].iloc[0] == 80


def test_loaders_refuse_another_header(project):
    path = project / "data" / "raw" / "claims.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("checked_as", "checked_at", 1), encoding="utf-8")
    with pytest.raises(DataError, match="Rename `checked_at`"):
        datasets.load_claims(root=project)


def test_loaders_refuse_files_that_are_not_canonical(project):
    path = project / "data" / "raw" / "claims.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(DataError, match="2 faults found") as caught:
        datasets.load_claims(root=project)
    assert {fault.file for fault in caught.value.faults} == {"data/raw/claims.csv"}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_user_table_as_spreadsheets_write_it(tmp_path, mark, end):
    path = tmp_path / "mine.csv"
    path.write_bytes(
        mark + end.join([b"claim_id,printed,checked_as", b'A,"1.83 (1.58-2.11)",HR', b"B,54%,PR", b""])
    )
    frame = datasets.read_user_table(path, kind="claims", root=ROOT)
    assert frame["printed"].tolist() == ["1.83 (1.58-2.11)", "54%"]
    assert frame.columns.tolist() == datasets.load_claims(root=ROOT).columns.tolist()
    assert frame["exposed_cases"].isna().all()
    assert str(frame["exposed_cases"].dtype) == "Int64"
    assert frame.index.tolist() == [0, 1]


def test_user_table_faults_name_the_file_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("claim_id,printed,cases\nA,1.8,3\n")
    with pytest.raises(DataError, match=r"mine.csv, line 1, column `checked_as`: must be in the header"):
        datasets.read_user_table("mine.csv", kind="claims", root=ROOT)
    with pytest.raises(ValueError, match=r"`kind` must be one of claims, .*but got 'pools'"):
        datasets.read_user_table("mine.csv", kind="pools", root=ROOT)


def test_user_table_outside_the_project(tmp_path, monkeypatch):
    monkeypatch.delenv("REANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("mine.csv").write_text("claim_id,printed,checked_as\nA,1.8,RR\n")
    assert len(datasets.read_user_table("mine.csv", kind="claims")) == 1


def test_raw_claims_are_a_user_table():
    own = datasets.read_user_table(ROOT / "data" / "raw" / "claims.csv", kind="claims", root=ROOT)
    assert own.equals(datasets.load_claims(root=ROOT))


def test_processed_tables(project):
    with pytest.raises(DataError, match=r"built so far: none.*make reproduce"):
        datasets.load_processed("claims", root=project)
    folder = project / "data" / "processed"
    folder.mkdir()
    numbers = [0.1 + 0.2, 1 / 3, 2 / 3 * 1e-300, 1.7976931348623157e308, 123456789.12345679]
    (folder / "x.csv").write_text("a\n" + "".join(f"{number!r}\n" for number in numbers))
    assert datasets.load_processed("x", root=project)["a"].tolist() == numbers
    with pytest.raises(DataError, match="built so far: x"):
        datasets.load_processed("claims", root=project)


def test_importing_the_room_is_light():
    code = (
        "import sys, analysis.data.datasets, analysis.data.verify;"
        "sys.exit(any(name in sys.modules for name in ('pandas', 'pandera', 'bibtexparser')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
