import io
import math
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from analysis.tables.journal_table import Cell, TableColumn, TableRow
from analysis.tables.to_excel import render_excel


def _open(table):
    return openpyxl.load_workbook(io.BytesIO(render_excel(table)), rich_text=False).active


def _parts(table):
    with zipfile.ZipFile(io.BytesIO(render_excel(table))) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


@pytest.fixture(scope="module")
def sheet(small):
    return _open(small)


def test_numbers_are_numbers_at_full_precision(table):
    sheet = _open(table)
    frame = table.to_frame()
    kinds = {name: column.kind for column in table.columns for name in column.names}
    for line, row in enumerate(frame.to_dict("records"), start=3):
        for position, (name, value) in enumerate(row.items(), start=1):
            cell = sheet.cell(row=line, column=position)
            if isinstance(value, str) or value is None or isinstance(value, bool):
                continue
            if math.isfinite(value):
                assert cell.data_type == "n"
                assert cell.value == pytest.approx(float(value), rel=1e-15)
                assert kinds[name] != "text"


def test_no_cell_is_a_formula(table):
    parts = _parts(table)
    assert "<f>" not in "".join(parts.values())
    for row in _open(table).iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                assert cell.quotePrefix


def test_the_small_sheet(sheet):
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=1, max_row=5)]
    assert rows[0][0] == "Table. Two studies"
    assert rows[1] == [
        "Group",
        "Study",
        "Weight (%) [a]",
        "Risk ratio (95% CI): value",
        "Risk ratio (95% CI): low",
        "Risk ratio (95% CI): high",
        "Notes",
    ]
    assert rows[2] == ["women", "A", 9.5, 0.5, 0.4, 0.625, "b"]
    assert rows[4][1:6] == ["Sum", 99.75, 1.0, 0.9, 1.1]
    notes = [sheet.cell(row=row, column=1).value for row in range(6, 10)]
    assert notes == ["First note.", "[a] Of the model.", "[b] Unpublished.", "Source: Made up."]


def test_numbers_are_shown_as_they_are_printed(sheet):
    assert [sheet.cell(row=3, column=column).number_format for column in (3, 4, 5)] == ["0.0", "0.00", "0.00"]


def test_the_heading_stays_in_sight(sheet, tables):
    assert sheet.freeze_panes == "C3"
    assert _open(tables["pooled"]).freeze_panes == "B3"
    assert sheet.print_title_rows == "$2:$2"
    assert _open(tables["summary of findings"]).title == "Table 7"


def test_three_lines(sheet):
    borders = {row: sheet.cell(row=row, column=1).border for row in range(1, 6)}
    styles = {row: (border.top.style, border.bottom.style) for row, border in borders.items()}
    assert styles == {
        1: (None, None),
        2: ("medium", "thin"),
        3: (None, None),
        4: (None, None),
        5: ("thin", "medium"),
    }
    fills = {cell.fill.fill_type for row in sheet.iter_rows() for cell in row}
    assert fills == {None}


@pytest.mark.parametrize(
    ("value", "shown"),
    [(math.inf, "∞"), (-math.inf, "−∞"), (math.nan, None), ("a\x07\nb", "a b"), (True, "True")],
)
def test_what_excel_cannot_hold_is_text(small, value, shown):
    table = replace(
        small,
        columns=(TableColumn(heading="x", names=("x",), kind="number"),),
        rows=(TableRow(cells=(Cell(text="", raw=(value,)),)),),
    )
    found = _open(table).cell(row=3, column=1).value
    assert (found or None) == shown


def test_columns_are_wide_enough(table):
    sheet = _open(table)
    for dimension in sheet.column_dimensions.values():
        assert 7 <= dimension.width <= 60


def test_properties_have_no_dates_and_bytes_are_the_same_twice(table):
    core = _parts(table)["docProps/core.xml"]
    assert "created" not in core
    assert "modified" not in core
    assert "openpyxl" not in core
    assert render_excel(table) == render_excel(table)
