import numpy as np
import pandas as pd
import pytest

from analysis.tables.cells import (
    count_cell,
    estimate_cell,
    interval_cell,
    number_cell,
    percent_cell,
    pvalue_cell,
    pvalue_heading,
    ratio_cell,
    text_cell,
)
from analysis.tables.number_style import number_style


@pytest.mark.parametrize(
    ("cell", "text", "raw", "number_format"),
    [
        (text_cell("a\nb"), "a b", ("a\nb",), "General"),
        (text_cell(None), "–", (None,), "General"),
        (text_cell(float("nan")), "–", (None,), "General"),
        (text_cell(pd.NA), "–", (None,), "General"),
        (number_cell(1.8342), "1.83", (1.8342,), "0.00"),
        (number_cell(-0.0123), "−0.012", (-0.0123,), "0.000"),
        (number_cell(3e-9), "3.0×10⁻⁹", (3e-9,), "0.0E+00"),
        (number_cell(np.nan), "–", (None,), "General"),
        (number_cell(2.5, 0), "3", (2.5,), "0"),
        (percent_cell(0.1875), "18.8%", (0.1875,), "0.0%"),
        (percent_cell(0.1875, 0, sign=False), "19", (0.1875,), "0%"),
        (count_cell(5476), "5476", (5476,), "0"),
        (count_cell(27657), "27\u2009657", (27657,), "#,##0"),
        (count_cell(4.5), "4.5", (4.5,), "0.0"),
        (count_cell(None), "–", (None,), "General"),
        (ratio_cell(15, 80), "15/80 (18.8%)", (15, 80), "0"),
        (ratio_cell(0, 0), "0/0", (0, 0), "0"),
        (ratio_cell(15, 80, percent=False), "15/80", (15, 80), "0"),
        (pvalue_cell(0.0116), "0.01", (0.0116,), "0.00"),
        (pvalue_cell(2e-9), "<0.001", (2e-9,), '"<0.001"'),
        (pvalue_cell(0.999), ">0.99", (0.999,), '">0.99"'),
        (pvalue_cell(None), "–", (None,), "General"),
        (estimate_cell(1.834, 1.58, 2.1149), "1.83 (1.58 to 2.11)", (1.834, 1.58, 2.1149), "0.00"),
        (estimate_cell(0.06, 0.02, 0.5), "0.060 (0.020 to 0.500)", (0.06, 0.02, 0.5), "0.000"),
        (estimate_cell(0.1875, 0.1, 0.3, measure="PR"), "18.8 (10.0 to 30.0)", (0.1875, 0.1, 0.3), "0.0%"),
        (estimate_cell(np.nan, np.nan, np.nan), "not estimable", (None, None, None), "General"),
        (interval_cell(1.58, 2.1149), "1.58 to 2.11", (1.58, 2.1149), "0.00"),
        (interval_cell(np.nan, np.nan), "–", (None, None), "General"),
    ],
)  # fmt: skip
def test_a_cell_prints_rounded_and_keeps_the_value(cell, text, raw, number_format):
    assert (cell.text, cell.raw, cell.number_format) == (text, raw, number_format)


def test_cells_follow_the_style_and_spreadsheets_do_not_lose_decimals():
    with number_style("lancet"):
        cell = estimate_cell(1.834, 1.58, 2.1149)
        assert (cell.text, cell.number_format) == ("1·83 (1·58–2·11)", "0.00")
        assert pvalue_heading() == "p"
    with number_style("jama"):
        assert (pvalue_cell(0.03).text, pvalue_cell(0.03).number_format) == (".03", "0.00")
        assert pvalue_heading() == "P"
