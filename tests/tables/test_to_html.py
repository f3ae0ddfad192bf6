from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow, printable
from analysis.tables.layout import FIGURE_SPACE
from analysis.tables.to_html import html_page, render_html

VOID = {"meta"}


class Reader(HTMLParser):
    """Collects tags, and fails on one that is not closed where it must be."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.rows, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)
        if {"td", "th"} & set(self.open) and "sup" not in self.open:
            self.rows[-1][-1] += data


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_pages_are_well_formed_and_hold_every_text(table):
    reader = read(render_html(table))
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"script", "link", "img", "iframe"}
    assert {"caption", "thead", "tbody", "title"} <= tags
    body = [row for row in reader.rows[1:] if len(row) == len(table.columns)]
    assert len(body) == len(table.rows)
    for found, row in zip(body, table.rows, strict=True):
        texts = [text.replace(FIGURE_SPACE, "").replace("\xa0", " ") for text in found]
        assert texts == [cell.text for cell in row.cells]
    assert table.title.strip() in "".join(reader.texts)


def test_headings_have_a_scope(table):
    reader = read(render_html(table))
    scopes = [attributes.get("scope") for tag, attributes in reader.tags if tag == "th"]
    assert None not in scopes
    assert scopes.count("col") == len(table.columns)
    assert scopes.count("row") == len(table.rows)
    spans = [attributes["colspan"] for tag, attributes in reader.tags if "colspan" in attributes]
    assert set(spans) <= {str(len(table.columns))}
    assert bool(spans) == table.grouped


def test_a_page_stands_alone(table):
    page = render_html(table)
    assert page.startswith("<!DOCTYPE html>")
    assert '<meta charset="utf-8">' in page
    assert "://" not in page
    assert "url(" not in page
    assert "<script" not in page


def test_the_small_table(small):
    fragment = render_html(small, page=False)
    assert "<caption><strong>Table.</strong> Two studies</caption>" in fragment
    assert '<th scope="rowgroup" colspan="3">women</th>' in fragment
    assert "B<sup>a,b</sup>" in fragment
    assert fragment.count('<tr class="summary first">') == 1
    assert "<html" not in fragment


@pytest.mark.parametrize("text", ["دراسة", "עברית"])
def test_what_runs_from_right_to_left_is_kept_apart(small, text):
    from dataclasses import replace

    fragment = render_html(replace(small, source=text), page=False)
    assert f"Source: <bdi>{text}</bdi>" in fragment


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_back_as_it_is_printed(text):
    table = JournalTable(
        title="t",
        columns=(TableColumn(heading="x", names=("x",)),),
        rows=(TableRow(cells=(Cell(text=text),)),),
    )
    assert read(render_html(table, page=False)).rows[1] == [printable(text)]


def test_the_title_of_a_page_is_escaped():
    assert "<title>&lt;/title&gt;</title>" in html_page("</title>", "")
