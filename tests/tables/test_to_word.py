import io
import re
import zipfile
from dataclasses import replace

import docx
import pytest
from docx.oxml.ns import qn

from analysis.tables.layout import FIGURE_SPACE
from analysis.tables.to_word import render_word


def _open(table):
    return docx.Document(io.BytesIO(render_word(table)))


def _part(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name).decode("utf-8")


def _plain(text):
    return text.replace("\xa0", " ").replace(FIGURE_SPACE, "")


@pytest.fixture(scope="module")
def document(small):
    return _open(small)


def test_every_text_is_in_the_table(table):
    document = _open(table)
    (grid,) = document.tables
    texts = [[_plain(cell.text) for cell in row.cells] for row in grid.rows]
    assert len(texts[0]) == len(table.columns)
    for text, column in zip(texts[0], table.columns, strict=True):
        assert text == _plain(column.printed) + table.markers(column)
    body = [line for line in texts[1:] if len(set(line)) > 1 or len(line) == 1]
    expected = [[_plain(cell.text) + table.markers(cell) for cell in row.cells] for row in table.rows]
    assert [line for line in expected if line not in body] == []
    assert [line for line in body if line not in expected] == []


def test_widths_fit_the_page(table):
    document = _open(table)
    section = document.sections[0]
    room = section.page_width - section.left_margin - section.right_margin
    total = sum(column.width for column in document.tables[0].columns)
    assert total <= room * 1.001
    upright = section.page_height > section.page_width
    assert upright or total > room * 170 / 257 * 0.99 or len(table.columns) > 3


def test_the_caption_counts_itself(document, tables):
    paragraph = document.paragraphs[0]
    assert paragraph.style.name == "Caption"
    (field,) = paragraph._p.findall(qn("w:fldSimple"))
    assert field.get(qn("w:instr")) == r" SEQ Table \* ARABIC "
    assert paragraph.paragraph_format.keep_with_next is None
    assert paragraph.style.paragraph_format.keep_with_next
    numbered = render_word(tables["summary of findings"])
    assert r'w:instr=" SEQ Table \* ARABIC \r 7 "' in _part(numbered, "word/document.xml")


def test_the_heading_repeats_and_no_row_is_torn(document):
    rows = document.tables[0].rows
    assert [row._tr.find(f".//{qn('w:tblHeader')}") is not None for row in rows] == [True] + [False] * (
        len(rows) - 1
    )
    assert all(row._tr.find(f".//{qn('w:cantSplit')}") is not None for row in rows)


def test_three_lines_and_no_colour(document, small):
    grid = document.tables[0]
    assert grid.style.name == "Journal Table"
    style = grid.style.element.xml
    assert re.findall(r"<w:(top|bottom|left|right|insideH|insideV) w:val", style) == [
        "top",
        "bottom",
        "bottom",
    ]
    content = _part(render_word(small), "word/document.xml")
    assert "w:shd" not in content
    assert "w:color w:val" not in content
    ruled = [
        row.cells[0].text for row in grid.rows if row.cells[0]._tc.find(f".//{qn('w:tcBorders')}") is not None
    ]
    assert ruled == ["Sum"]


def test_groups_are_headings_over_all_columns(document):
    grid = document.tables[0]
    heads = [row for row in grid.rows if row.cells[0]._tc is row.cells[-1]._tc]
    assert [row.cells[0].text for row in heads] == ["women", "men"]
    assert all(row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in heads)


def test_numbers_are_flush_right_and_estimates_left(document):
    sides = [cell.paragraphs[0].alignment for cell in document.tables[0].rows[2].cells]
    assert [str(side).split()[0] for side in sides] == ["LEFT", "RIGHT", "LEFT"]


def test_notes_stand_below_with_raised_letters(document):
    notes = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Table Note"]
    assert [note.text for note in notes] == [
        "First note.",
        "a Of the model.",
        "b Unpublished.",
        "Source: Made up.",
    ]
    assert notes[1].runs[0].font.superscript
    assert document.tables[0].rows[2].cells[0].paragraphs[0].runs[-1].font.superscript


def test_properties_name_the_table_and_nobody(document, small):
    properties = document.core_properties
    assert properties.title == "Two studies"
    assert (properties.author, properties.comments, properties.last_modified_by) == ("", "", "")
    content = render_word(small)
    core = _part(content, "docProps/core.xml")
    assert "created" not in core
    assert "modified" not in core
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if "thumbnail" in name]
    assert '<w:tblCaption w:val="Two studies"/>' in _part(content, "word/document.xml")


def test_only_what_runs_from_right_to_left_is_marked_so(small):
    document = _open(replace(small, source="Ibn Sina, دراسة عربية (2020) עברית"))
    runs = document.paragraphs[-1].runs
    marked = [run.text for run in runs if run._r.find(f".//{qn('w:rtl')}") is not None]
    assert marked == ["دراسة عربية", "עברית"]
    assert "".join(run.text for run in runs) == "Source: Ibn Sina, دراسة عربية (2020) עברית"


def test_200_rows_are_quick_enough_and_complete(tables):
    assert len(_open(tables["200 rows"]).tables[0].rows) == 1 + 200 + 2


def test_bytes_are_the_same_twice(table):
    assert render_word(table) == render_word(table)
