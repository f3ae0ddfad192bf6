from dataclasses import replace

import pytest

from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow, printable

STUDY = TableColumn(heading="Study", names=("study",))
ROW = TableRow(cells=(Cell(text="A", raw=("A",)),))


def test_footnotes_are_lettered_as_they_are_met_and_equal_ones_share_a_letter(small):
    assert small.footnotes == (("a", "Of the model."), ("b", "Unpublished."))
    assert [small.markers(column) for column in small.columns] == ["", "a", ""]
    assert [small.markers(row.cells[0]) for row in small.rows] == ["b", "a,b", ""]


def test_letters_go_on_after_z():
    notes = tuple(f"Note {number}" for number in range(30))
    table = JournalTable(
        title="t",
        columns=(STUDY,),
        rows=(TableRow(cells=(Cell(text="A", raw=("A",), notes=notes),)),),
    )
    assert [marker for marker, _ in table.footnotes][25:] == ["z", "aa", "ab", "ac", "ad"]


def test_the_frame_holds_the_unrounded_values(small):
    frame = small.to_frame()
    assert frame.columns.tolist() == ["group", "study", "weight", "value", "low", "high"]
    assert frame["weight"].tolist() == [9.5, 90.25, 99.75]
    assert frame["group"].tolist() == ["women", "men", ""]
    assert replace(small, rows=(replace(small.rows[2], group=""),)).to_frame().columns[0] == "study"


def test_a_cell_without_values_has_none_of_them(small):
    row = replace(small.rows[0], cells=(*small.rows[0].cells[:2], Cell(text="–")))
    assert replace(small, rows=(row,)).to_frame()[["value", "low", "high"]].isna().all(axis=None)


def test_alignment_follows_from_the_kind():
    assert STUDY.aligned == "left"
    assert TableColumn(heading="n", names=("n",), kind="count").aligned == "decimal"
    assert TableColumn(heading="n", names=("n",), kind="count", alignment="centre").aligned == "centre"


def test_headings_of_single_values():
    column = TableColumn(heading="RR", names=("value", "low"), kind="number")
    assert column.value_headings == ("RR: value", "RR: low")
    assert TableColumn(heading="Age", names=("age",), unit="years").value_headings == ("Age (years)",)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("  a ", "a"),
        ("a\x00b\x07\ufffe", "ab"),
        ("1\u2009000", "1\u2009000"),
        ("\u2007\u20071", "\u2007\u20071"),
        ("دراسة\u200f (2020)", "دراسة\u200f (2020)"),
    ],
)
def test_texts_are_on_one_line(text, printed):
    assert printable(text) == printed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": " \n"}, "`title` must say what the table shows, but is empty"),
        ({"columns": ()}, "`columns` must hold at least one column"),
        ({"rows": ()}, r"`rows` must hold at least one row, but is empty \(table 'Two studies'\)"),
        ({"rows": (ROW,)}, "one cell for each of 3 columns, but row 0 has 1"),
        ({"number": 0}, "`number` must be 1 or greater, but got 0"),
        ({"columns": (STUDY, STUDY, STUDY)}, "must name every value once, but study stands twice"),
        ({"source": "half \ud800"}, "must be made of whole characters"),
    ],
)
def test_broken_tables_are_refused(small, changes, message):
    with pytest.raises(ValueError, match=message):
        replace(small, **changes)


def test_a_cell_must_have_a_value_for_each_name(small):
    row = replace(small.rows[0], cells=(*small.rows[0].cells[:2], Cell(text="1", raw=(1.0,))))
    with pytest.raises(ValueError, match="must hold value, low, high in column 'Risk ratio .* holds 1 of 3"):
        replace(small, rows=(row,))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ()}, "`names` must name the values of column 'x'"),
        ({"names": ("a",), "kind": "float"}, "`kind` must be one of"),
        ({"names": ("a",), "alignment": "middle"}, "`alignment` must be one of"),
        (
            {"names": ("a", "b"), "headings": ("A",)},
            "`headings` must name 2 values of column 'x', but names 1",
        ),
    ],
)
def test_broken_columns_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TableColumn(heading="x", **options)


def test_every_builder_keeps_text_and_values_together(table):
    frame = table.to_frame()
    assert len(frame) == len(table.rows)
    for row in table.rows:
        for cell in row.cells:
            assert printable(cell.text) == cell.text
            assert "nan" not in cell.text
            assert "None" not in cell.text
            assert not cell.text.startswith(("-0", "−0.00 "))


def test_notebooks_show_a_table(small):
    assert small._repr_html_().startswith('<table class="grouped">')
    assert str(small).startswith("**Table.** Two studies\n")
