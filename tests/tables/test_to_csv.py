import csv
import io
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.to_csv import defused, render_csv


def _read(table):
    return list(csv.reader(io.StringIO(render_csv(table), newline="")))


def test_numbers_read_back_as_they_were(table):
    header, *lines = _read(table)
    frame = table.to_frame()
    assert header == frame.columns.tolist()
    assert len(lines) == len(frame)
    kinds = {name: column.kind for column in table.columns for name in column.names}
    for line, row in zip(lines, frame.to_dict("records"), strict=True):
        for name, text in zip(header, line, strict=True):
            value = row[name]
            if kinds.get(name, "text") == "text" or isinstance(value, str):
                continue
            if value is None or math.isnan(value):
                assert text == ""
            else:
                assert float(text) == float(value)


def test_no_text_is_a_formula(table):
    kinds = ["text"] * table.grouped + [column.kind for column in table.columns for _ in column.names]
    for line in _read(table)[1:]:
        for text, kind in zip(line, kinds, strict=True):
            assert kind != "text" or not text.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " ="])
def test_every_sign_that_begins_a_formula_is_defused(sign):
    assert defused(f"{sign}1") == f"'{sign}1"


@pytest.mark.parametrize("text", ["", "a=1", "−1", "1-2", "Müller"])
def test_other_texts_stay(text):
    assert defused(text) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back(text):
    table = JournalTable(
        title="t",
        columns=(
            TableColumn(heading="x", names=("x",)),
            TableColumn(heading="y", names=("y",), kind="number"),
        ),
        rows=(TableRow(cells=(Cell(text="", raw=(text,)), Cell(text="1", raw=(1,)))),),
    )
    line = _read(table)[1]
    assert line[0] in {text, f"'{text}"}
    assert line[1] == "1"


def test_negative_numbers_get_no_apostrophe_and_names_do():
    table = JournalTable(
        title="t",
        columns=(TableColumn(heading="x", names=("=x",), kind="number"),),
        rows=tuple(
            TableRow(cells=(Cell(text="", raw=(value,)),))
            for value in (-0.1, 3, True, math.inf, math.nan, None)
        ),
    )
    assert render_csv(table) == '\'=x\n-0.1\n3\ntrue\ninf\n""\n""\n'


def test_lines_end_alike_and_text_is_quoted(small):
    row = replace(small.rows[0], cells=(Cell(text="", raw=('a, "b"\nc',)), *small.rows[0].cells[1:]))
    text = render_csv(replace(small, rows=(row,)))
    assert "\r" not in text
    assert text.endswith('women,"a, ""b""\nc",9.5,0.5,0.4,0.625\n')
