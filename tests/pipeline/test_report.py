"""The report: escaped, whole, the same twice."""

import base64
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from analysis.errors import DataError
from analysis.pipeline import report as module
from analysis.pipeline.manifest import Record, write_manifest
from analysis.pipeline.report import build_report

LEDGER = """\
claim_id,claim,worded,printed,checked_as,recomputed,verdict,flags,sentence,curious_column
C1a,C1,"Risk is <b>high</b> & ""up"" now",18.7%,PR,18.75%,reproduced,,It holds.,extra
C2a,Second,,1.83,RR,1.68,not reproduced,crude <script>alert(1)</script>,It does not.,
"""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def root(tmp_path):
    for name in ("data/raw", "data/processed", "figures"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/raw/prevalence.csv").write_text('a,b\n1,"two\nlines"\n3,4\n')
    (tmp_path / "data/raw/references.bib").write_text("@article{x}\n")
    (tmp_path / "data/processed/claims_ledger.csv").write_text(LEDGER)
    (tmp_path / "figures/forest_plot.svg").write_bytes(SVG)
    (tmp_path / "figures/forest_plot.png").write_bytes(b"png")
    (tmp_path / "figures/forest_plot.csv").write_text("x\n1\n")
    words = {"title": "All <studies>", "caption": "Squares & lines", "alt": 'Forest "plot"'}
    (tmp_path / "figures/forest_plot.json").write_text(json.dumps(words))
    record = Record(
        inputs={
            "src/analysis/cli.py": "a" * 64,
            "src/analysis/meta/x.py": "b" * 64,
            "data/raw/x.csv": "c" * 64,
        },
        outputs={"figures/forest_plot.svg": "d" * 64},
        environment={"python": "3.11.0", "numpy": "2.4"},
    )
    write_manifest(tmp_path, {"01_a": record, "report": record})
    return tmp_path


def page(root):
    return build_report(root, root / "build" / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """Check that elements nest, and collect what has to be looked at."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.headings = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


def test_everything_is_escaped(root):
    text = page(root)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "Risk is &lt;b&gt;high&lt;/b&gt; &amp; &#34;up&#34; now" in text
    assert "<script" not in text
    assert "<b>" not in text
    assert "All &lt;studies&gt;" in text
    assert 'alt="Forest &#34;plot&#34;"' in text


def test_same_inputs_give_same_bytes(root):
    first = page(root)
    (root / "build" / "report.html").unlink()
    assert page(root) == first


def test_page_is_accessible(root):
    text = page(root)
    parsed = Page(text)
    assert parsed.all("html")[0]["lang"] == "en"
    assert text.count("<h1>") == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(parsed.headings))
    assert all(image["alt"] for image in parsed.all("img"))
    assert len(parsed.all("caption")) == len(parsed.all("table")) > 0
    identifiers = [attrs["id"] for _, attrs in parsed.found if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    links = {attrs["aria-labelledby"] for _, attrs in parsed.found if "aria-labelledby" in attrs}
    links |= {attrs["href"].removeprefix("#") for attrs in parsed.all("a")}
    assert links <= set(identifiers)
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_page_needs_nothing_from_outside(root):
    text = page(root)
    for attrs in Page(text).all("img"):
        assert attrs["src"].startswith("data:image/")
    assert not re.search(r"https?://|@import|url\(", text)


def test_claims_show_what_a_reader_needs_and_counts(root):
    text = page(root)
    assert "extra" not in text
    assert ">C2a. Second</h3>" in text
    assert "<dt>Checked</dt><dd>18.7% as proportion</dd>" in text
    assert '<a href="#claim-1">C1a</a></th><td>18.7%</td><td>18.75%</td><td>reproduced</td>' in text
    assert '<th scope="row">not reproduced</th><td class="number">1</td>' in text


def test_ledger_with_few_columns_renders(root):
    (root / "data/processed/claims_ledger.csv").write_text("verdict\nreproduced\n")
    assert ">Claim 1</h3>" in page(root)


def test_project_without_anything_renders(tmp_path):
    text = page(tmp_path)
    Page(text)
    assert "has not been built" in text
    assert "No figures have been built" in text


def test_raw_rows_are_records_not_lines(root):
    text = page(root)
    assert '<code>data/raw/prevalence.csv</code></th><td class="number">2</td>' in text
    assert '<code>data/raw/references.bib</code></th><td class="number">no table</td>' in text


def test_provenance_shows_steps_before_the_report(root):
    text = page(root)
    assert "<code>src/analysis</code>, 2 files" in text
    assert "01_a: 1 file written" in text
    assert "<summary>report" not in text
    assert "2.4" in text


def test_vector_figure_is_preferred_until_the_page_is_large(root, monkeypatch):
    assert f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}" in page(root)
    monkeypatch.setattr(module, "FIGURE_BYTES", 10)
    assert "data:image/png;base64," in page(root)


def test_figure_without_caption_is_named_after_its_file(root):
    (root / "figures/forest_plot.json").unlink()
    text = page(root)
    assert "Figure 1. Forest plot</h3>" in text
    assert 'alt="Forest plot"' in text


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("figures/forest_plot.json", "{", "figures/forest_plot.json: must be JSON"),
        ("figures/forest_plot.json", "[]", "must be an object of texts: title, caption, alt"),
        ("figures/forest_plot.json", '{"title": 1}', "forest_plot.json: must be an object of texts"),
        ("data/processed/claims_ledger.csv", "claim\na,b\n", "line 2: must not have more cells"),
        ("data/processed/claims_ledger.csv", 'claim\n"a\n', "must be a UTF-8 CSV file"),
    ],
)
def test_unusable_inputs_are_data_errors(root, file, content, message):
    (root / file).write_text(content)
    with pytest.raises(DataError, match=re.escape(message)):
        page(root)
    assert not (root / "build" / "report.html").exists()
