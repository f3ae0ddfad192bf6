"""`reanalysis audit` on files of claims and of printed results: what it shows, writes and returns."""

import json
import re

import pandas as pd
import pytest
import rich.progress
import rich.style  # on import it draws from the global generator, which no test may
from click.testing import CliRunner

from analysis import cli_audit
from analysis.cli import main
from analysis.data.provenance import project_root

RESULTS = """study,label,total,percent,measure,printed
V,Vasdev [2011],160,1.84,,
V,Vasdev [2011],160,1.23,,
Z,Zhang <2017>,,,OR,4.25 (1.07-7.42)
"""
FITS = "study,events,total,percent\nA,229,424,54\n"
CLAIM = "claim_id,printed,checked_as,exposed_cases,exposed_total\nx,{},PR,229,424\n"


@pytest.fixture
def run(tmp_path):
    def audit(content, *options):
        path = tmp_path / "file.csv"
        path.write_text(content, encoding="utf-8")
        return CliRunner().invoke(main, ["audit", str(path), *options])

    return audit


def test_results_that_do_not_fit(run):
    result = run(RESULTS)
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("3 rows, 8 checks: 2 contradictions, 1 discrepancy.")
    flat = re.sub(r"[\s│]+", " ", result.output)
    assert "Vasdev [2011]" in flat
    assert "a total of 163" in flat
    assert "\x1b" not in result.output


def test_results_that_fit(run):
    result = run(FITS)
    assert (result.exit_code, result.stdout) == (0, "1 row, 1 check: all printed numbers fit.\n")


def test_a_discrepancy_is_no_contradiction(run):
    assert run("measure,printed\nOR,4.25 (1.07-7.42)\n").exit_code == 0


@pytest.mark.parametrize(("printed", "code"), [("54%", 0), ("53%", 1)])
def test_claims(run, printed, code):
    result = run(CLAIM.format(printed))
    assert result.exit_code == code, result.output
    assert ("contradicted" in result.output) == bool(code)


def test_json_of_results(run):
    result = run(RESULTS, "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert data["n_rows"] == 3
    assert [finding["strength"] for finding in data["findings"]] == ["contradiction"] * 2 + ["discrepancy"]
    assert "163" in data["findings"][0]["fits"]


def test_html_is_one_page_without_links(run, tmp_path):
    page = tmp_path / "deep" / "audit.html"
    result = run(RESULTS, "--html", str(page), "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert not re.search(r"(src|href)=|url\(|@import|<script", text)
    assert "Zhang &lt;2017&gt;" in text
    assert text.count('<tr class="strong">') == 2
    assert pd.read_csv(tmp_path / "out" / "findings.csv")["rows"].tolist() == [0, 1, 2]
    claims = run(CLAIM.format("53%"), "--html", str(page))
    assert claims.exit_code == 1
    assert "1 claims: 1 contradicted." in page.read_text(encoding="utf-8")


def test_every_fault_of_a_file_is_named(run, tmp_path):
    result = run(
        "study,exposed_case,total,percent,printed\nA,5,27x,abc,1.8 (1.5-2.1x)\n", "--out", str(tmp_path / "o")
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert "4 faults found" in result.stderr
    assert "line 1, column `exposed_case`" in result.stderr
    assert "Did you mean `exposed_cases`" in result.stderr
    assert "line 2, column `total`: must be a whole number of at least 0, but got '27x'" in result.stderr
    assert "column `percent`: must be a printed number, but got 'abc'" in result.stderr
    assert "'1.8 (1.5-2.1' is read, 'x)' after it" in result.stderr
    assert not (tmp_path / "o").exists()


def test_a_file_without_a_column_to_check(run):
    result = run("study,remark\nA,b\n")
    assert result.exit_code == 2
    assert "must have a column that can be checked. Printed results are one result a row" in result.stderr


def test_a_file_of_neither_form_is_shown_both_forms_once(run):
    result = run("Trial,Arm,N\nA,b,3\n")
    assert result.exit_code == 2
    assert "1 fault found" in result.stderr
    assert result.stderr.count("study, measure, estimate, low, high") == 1
    assert result.stderr.count("claim_id, printed, checked_as") == 1
    assert "rename `N` to `total`" in result.stderr


def test_faulty_claims_list_the_columns_once(run):
    result = run("claim,Arm,N,x\nA,b,3,2\n")
    assert result.exit_code == 2
    assert "column `claim_id`: must be in the header" in result.stderr
    assert result.stderr.count("the columns are claim_id") == 1
    assert result.stderr.count("Remove it too.") == 2


NOT_USED = "study,events,total,percent,Risk in controls,RR,remark\nA,229,424,54,44.4%,9.99,x\n"
TOLD = (
    "These columns were not used: Risk in controls, RR, remark.",
    "For it to be checked, rename `Risk in controls` to `control_percent`, `RR` to `estimate` (with RR in "
    "`measure`), if that is what it holds.",
)


def test_columns_that_are_not_used_are_named(run, tmp_path):
    result = run(NOT_USED, "--html", str(tmp_path / "page.html"))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["1 row, 1 check: all printed numbers that were read fit.", *TOLD]
    assert f"read fit. {' '.join(TOLD)}</p>" in (tmp_path / "page.html").read_text(encoding="utf-8")
    data = json.loads(run(NOT_USED, "--json").stdout)
    assert data["unused_columns"] == ["Risk in controls", "RR", "remark"]
    assert data["notes"] == list(TOLD)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CI lower", "low"),
        ("Upper", "high"),
        ("Control risk (%)", "control_percent"),
        ("n treated", "exposed_total"),
        ("p", "p_value"),
        ("Cases", "events"),
        # Near to a column that is there already, or to none.
        ("total_label", None),
        ("yes or no", None),
        ("country", None),
    ],
)
def test_a_column_that_may_be_a_known_one(run, name, meant):
    out = run(f"study,total,percent,{name}\nA,424,54,x\n").stdout
    assert f"These columns were not used: {name}." in out
    assert ("rename" in out) == (meant is not None)
    assert meant is None or f"rename `{name}` to `{meant}`" in out


@pytest.mark.parametrize(
    ("counts", "head"),
    [
        ("10,40,7,35", "1 row: no printed number was found to check, counts alone."),
        ("50,40,7,35", "1 row, 2 checks: 1 contradiction. Beside the counts no printed number was found"),
    ],
)
def test_counts_alone_are_no_printed_numbers_that_fit(run, counts, head):
    text = f"exposed_cases,exposed_total,control_cases,control_total,percent\n{counts},\n"
    result = run(text)
    assert result.stdout.startswith(head)
    assert json.loads(run(text, "--json").stdout)["summary"].startswith(head)


def test_an_estimate_outside_its_interval_is_a_contradiction(run):
    assert run("measure,estimate,low,high\nOR,2.5,0.7,1.4\n").exit_code == 1
    assert run("measure,estimate,low,high\nOR,0.9,1.2,0.7\n").exit_code == 1


def test_raw_tables_can_be_audited():
    root = project_root()
    for name, code in (("comparative_counts", 1), ("hla_b27", 0)):
        result = CliRunner().invoke(main, ["audit", str(root / "data" / "raw" / f"{name}.csv")])
        assert result.exit_code == code, result.output


def test_long_tables_are_cut_and_say_so(run):
    rows = "".join(f"s{i},{i},84,9.2\n" for i in range(85, 85 + 210))
    result = run("study,row_id,total,percent\n" + rows)
    assert "10 more findings are not shown; --out and --html write all of them." in result.stdout


def test_a_bar_is_shown_for_long_files_on_a_terminal(monkeypatch):
    moved = []

    class Bar:
        def __init__(self, *columns, console, transient):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *fault):
            return None

        def add_task(self, what, total):
            moved.append((what, total))
            return 0

        def update(self, _task, completed):
            moved.append(completed)

    monkeypatch.setattr(rich.progress, "Progress", Bar)
    monkeypatch.setattr(cli_audit.sys.stderr, "isatty", lambda: True, raising=False)
    with cli_audit._progress("claims", 600) as advance:
        advance(300)
    assert moved == [("600 rows, claims", 600), 300]
    with cli_audit._progress("claims", 10) as advance:
        assert advance is None
