import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import EffectSizes, pool
from analysis.errors import AnalysisError
from analysis.tables import export
from analysis.tables.export import FORMATS, write_table, write_text
from analysis.tables.number_style import number_style

SCRIPT = """
import sys
from conftest import make_tables
from analysis.tables.export import write_table
tables = make_tables()
for name in sys.argv[2:]:
    write_table(tables[name], f"{sys.argv[1]}/{name}")
"""


def _digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


SOME = ("studies", "claims", "small-study", "summary of findings")


def test_every_format_is_the_same_in_another_process(tables, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for name in SOME:
        paths = write_table(tables[name], here / name)
        assert [path.suffix[1:] for path in paths] == list(FORMATS)
        assert all(path.stat().st_size > 100 for path in paths)
    environment = os.environ | {
        "PYTHONHASHSEED": "4711",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[1]))),
    }
    subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(there), *SOME],
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    assert _digests(here) == _digests(there)
    assert len(_digests(here)) == len(SOME) * len(FORMATS)


def test_a_result_is_enough(bcg, tmp_path):
    paths = write_table(pool(bcg), tmp_path / "new" / "folder" / "pooled", title="BCG")
    assert [path.name for path in paths] == [f"pooled.{name}" for name in FORMATS]
    assert (tmp_path / "new" / "folder" / "pooled.md").read_text("utf-8").startswith("**Table.** BCG\n")


def test_an_ending_chooses_the_format(small, tmp_path):
    assert [path.name for path in write_table(small, tmp_path / "one.DOCX")] == ["one.docx"]
    assert next(path.name for path in write_table(small, tmp_path / "v1.2")) == "v1.2.html"
    assert [path.name for path in write_table(small, tmp_path / "a", formats=["md", "csv", "md"])] == [
        "a.md",
        "a.csv",
    ]
    assert [path.name for path in write_table(small, tmp_path / "b.csv", formats="csv")] == ["b.csv"]


def test_the_style_of_numbers_is_that_of_the_block(bcg, tmp_path):
    with number_style("lancet"):
        (path,) = write_table(pool(bcg), tmp_path / "lancet.md")
        (numbers,) = write_table(pool(bcg), tmp_path / "lancet.csv")
    assert "0·49 (0·33–0·73)" in path.read_text("utf-8")
    assert "p<0·0001" in path.read_text("utf-8").replace("\\", "")
    (plain,) = write_table(pool(bcg), tmp_path / "plain.csv")
    assert numbers.read_text("utf-8").split("\n")[1] == plain.read_text("utf-8").split("\n")[1]


def test_nothing_is_written_where_one_format_fails(small, tmp_path, monkeypatch):
    def fail(_table):
        raise RuntimeError("no")

    monkeypatch.setitem(export.FORMATS, "xlsx", fail)
    with pytest.raises(RuntimeError, match="no"):
        write_table(small, tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named(small, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(
        AnalysisError, match=r"The folder '.*file' cannot be written to \(.*\); t\.html was not"
    ):
        write_table(small, tmp_path / "file" / "t")
    assert (tmp_path / "file").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("path", "formats", "message"),
    [
        ("t", ["pdf"], "`formats` must be one of 'html', 'tex', 'docx', 'md', 'csv', 'xlsx', but got 'pdf'"),
        ("t", [], "`formats` must name at least one of html, tex"),
        ("t.pdf", None, r"`path` must have no ending or one of \.html, .*, but got 't\.pdf'"),
        ("t.md", ["csv"], "`path` asks for 'md' by its ending and `formats` for 'csv'; leave one"),
        ("", None, "`path` must end with the name of a file, but got ''"),
        ("folder/", None, "`path` must end with the name of a file"),
        ("..", None, "`path` must end with the name of a file"),
    ],
)
def test_wrong_places_are_refused(small, tmp_path, monkeypatch, path, formats, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        write_table(small, path, formats=formats)
    assert list(tmp_path.iterdir()) == []


def test_the_file_before_is_replaced(small, tmp_path):
    (tmp_path / "t.md").write_text("old")
    write_table(small, tmp_path / "t.md")
    assert (tmp_path / "t.md").read_text("utf-8").startswith("**Table.**")
    assert [path.name for path in tmp_path.iterdir()] == ["t.md"]


def test_empty_results_are_refused():
    import pandas as pd

    with pytest.raises(ValueError, match="must hold at least one study, but is empty"):
        write_table(pd.DataFrame({"study": []}), "t")


def test_paragraphs_in_every_format(paragraphs, tmp_path):
    paths = write_text(paragraphs, tmp_path / "methods")
    assert [path.name for path in paths] == ["methods.html", "methods.tex", "methods.docx", "methods.md"]
    assert write_table(paragraphs, tmp_path / "methods") == paths
    with pytest.raises(ValueError, match="must have no ending or one of .html, .tex, .docx, .md"):
        write_text(paragraphs, tmp_path / "methods.csv")
    with pytest.raises(TypeError, match="`text` must be MethodsText, but got PooledEstimate"):
        write_text(pool(EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.1])), tmp_path / "x")
