from dataclasses import replace

import pytest

from analysis.tables.journal_table import Cell, TableColumn, TableRow
from analysis.tables.layout import (
    FIGURE_SPACE,
    aligned_texts,
    characters,
    column_widths,
    least_widths,
    tied,
)


def _column(small, texts, *, values=1):
    names = ("value", "low", "high")[:values]
    return replace(
        small,
        columns=(TableColumn(heading="x", names=names, kind="number"),),
        rows=tuple(TableRow(cells=(Cell(text=text),)) for text in texts),
    )


def _aligned(small, texts, **options):
    return [row[0] for row in aligned_texts(_column(small, texts, **options))]


def _places(texts, mark="."):
    """Return where the mark stands, counted from the right: what is set flush right aligns there."""
    return {len(text) - text.index(mark) for text in texts if mark in text}


def test_marks_of_numbers_flush_right_stand_below_each_other(small):
    texts = _aligned(small, ["1.83", "0.051", "12", "<0.001", "–", "not estimable"])
    assert len(_places(texts)) == 1
    assert texts[2] == f"12{FIGURE_SPACE * 4}"
    assert texts[4:] == ["–", "not estimable"]


def test_marks_of_estimates_flush_left_stand_below_each_other(small):
    texts = _aligned(small, ["1.83 (1.58 to 2.11)", "10.50 (9 to 12)", "−0.30 (−1 to 0)"], values=3)
    assert {text.index(".") for text in texts} == {2}
    assert all(text.endswith(")") for text in texts)


@pytest.mark.parametrize("mark", ["·", ","])
def test_other_marks_align_as_well(small, mark):
    assert len(_places(_aligned(small, [f"1{mark}83", f"0{mark}051", f"12{mark}345"]), mark)) == 1


@pytest.mark.parametrize("separator", [",", "\u2009", "\xa0", "’"])
def test_thousands_are_no_decimals(small, separator):
    assert _aligned(small, [f"27{separator}657", "3", "1"]) == [f"27{separator}657", "3", "1"]


def test_columns_of_text_stay_as_they_are(small):
    table = replace(
        small, columns=(*small.columns[:1], replace(small.columns[1], alignment="right"), small.columns[2])
    )
    assert [row[1] for row in aligned_texts(table)] == ["9.5", "90.25", "99.75"]


def test_chinese_is_wide_and_marks_have_no_width():
    assert characters("研究") == 3.6
    assert characters("e\u0301") == characters("e") == 1.0
    assert characters("\u200f") == 0.0
    assert characters("WW") > characters("nn") > characters("ii")


def test_parentheses_stay_together():
    assert tied("Risk ratio (95% CI)") == "Risk ratio (95%\xa0CI)"
    assert tied("1.83 (1.58 to 2.11)") == "1.83 (1.58\xa0to\xa02.11)"


def test_numbers_are_never_narrower_than_they_are(table):
    wanted, least = column_widths(table), least_widths(table)
    texts = aligned_texts(table)
    for number, column in enumerate(table.columns):
        assert least[number] <= wanted[number]
        widest = max(characters(row[number]) for row in texts)
        if column.kind != "text":
            assert least[number] == wanted[number]
            if column.aligned != "left":
                assert wanted[number] >= widest
        longest = max(characters(word) for word in tied(column.printed).split(" "))
        assert least[number] >= min(longest, 44.0)
