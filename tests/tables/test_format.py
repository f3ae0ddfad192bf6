from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables.format import (
    NOT_ESTIMABLE,
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_percent,
    format_pvalue,
    is_percent,
)
from analysis.values.estimate import Estimate
from analysis.values.scale import MEASURES


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [
        (1.834, None, "1.83"),
        (0.0, None, "0.00"),
        (-0.0, None, "0.00"),
        (-0.5, None, "−0.50"),
        (0.0512, None, "0.051"),
        (0.00042, None, "0.0004"),
        (-0.00003, None, "−0.00003"),
        (3e-9, None, "3.0×10⁻⁹"),
        (-2.5e7, None, "−2.5×10⁷"),
        (np.inf, None, "∞"),
        (-np.inf, 2, "−∞"),
        (np.nan, 2, NOT_ESTIMABLE),
        (-0.004, 2, "0.00"),
        (-1.25, 1, "−1.3"),
        (99.96, 1, "100.0"),
        (7, 0, "7"),
    ],
)
def test_a_number_has_a_true_minus_and_its_zeros(x, digits, text):
    assert format_number(x, digits) == text


@given(st.floats(min_value=1e-12, max_value=1e12, allow_nan=False))
def test_no_number_that_is_not_zero_is_printed_as_zero(x):
    assert any(character in "123456789" for character in format_number(x).split("×")[0])


def test_digits_are_checked():
    with pytest.raises(ValueError, match="`digits` must be a whole number of at least 0, but got -1"):
        format_number(1.0, -1)


@pytest.mark.parametrize(
    ("x", "digits", "sign", "text"),
    [
        (0.1875, 1, True, "18.8%"),
        (0.62, 0, True, "62%"),
        (0.62, 1, False, "62.0"),
        (np.nan, 1, True, NOT_ESTIMABLE),
    ],
)
def test_percent(x, digits, sign, text):
    assert format_percent(x, digits, sign=sign) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0"),
        (5476, "5476"),
        (9999, "9999"),
        (10_000, "10\u2009000"),
        (1_234_567, "1\u2009234\u2009567"),
        (4.5, "4.5"),
        (np.nan, "–"),
        (np.inf, "∞"),
        (np.float64(12), "12"),
    ],
)
def test_a_count_has_thin_spaces_from_five_digits_on(n, text):
    assert format_count(n) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "P < 0.001"),
        (0.000999, "P < 0.001"),
        (0.001, "P = 0.001"),
        (0.0094, "P = 0.009"),
        (0.0116, "P = 0.01"),
        (0.03, "P = 0.03"),
        (0.0496, "P = 0.0496"),
        (0.049, "P = 0.049"),
        (0.0499999, "P < 0.05"),
        (0.05, "P = 0.05"),
        (0.051, "P = 0.05"),
        (0.2, "P = 0.20"),
        (0.9, "P = 0.90"),
        (0.995, "P > 0.99"),
        (1.0, "P > 0.99"),
        (np.nan, "P not estimable"),
    ],
)
def test_pvalue(p, text):
    assert format_pvalue(p) == text


@given(st.floats(min_value=0, max_value=1))
def test_a_pvalue_is_never_zero_nor_on_the_wrong_side_of_a_twentieth(p):
    text = format_pvalue(p, prefix="")
    sign, number = (text[0], text[1:]) if text[0] in "<>" else ("=", text)
    assert float(number) > 0
    assert (p < 0.05) == (Decimal(number) < Decimal("0.05") or (sign == "<" and number == "0.05"))


@pytest.mark.parametrize("p", [-0.01, 1.2, np.inf])
def test_a_pvalue_outside_of_its_range_is_refused(p):
    with pytest.raises(ValueError, match="`p` must be between 0 and 1"):
        format_pvalue(p)


@pytest.mark.parametrize(
    ("parts", "measure", "text"),
    [
        ((1.834, 1.58, 2.1149), "HR", "1.83 (1.58 to 2.11)"),
        ((np.nan, np.nan, np.nan), "RR", "not estimable"),
        ((1.2, 0.0, np.inf), "RR", "1.20 (0.00 to ∞)"),
        ((1.2, np.nan, np.nan), "RR", "1.20 (interval not estimable)"),
        ((-0.12, -0.2, -0.04), "RD", "−0.12 (−0.20 to −0.04)"),
        ((0.00021, 0.0001, 0.00044), "IR", "0.00021 (0.00010 to 0.00044)"),
        ((0.00003, -0.001, 0.0012), "RD", "0.000 (−0.001 to 0.001)"),
        ((0.20, 0.086, 0.49), "RR", "0.20 (0.09 to 0.49)"),
        ((3e-7, 1e-7, 8e-7), "IR", "3.0×10⁻⁷ (1.0×10⁻⁷ to 8.0×10⁻⁷)"),
        ((0.1875, 0.117, 0.287), "PR", "18.8% (11.7% to 28.7%)"),
    ],
)
def test_estimate(parts, measure, text):
    assert format_estimate(*parts, measure=measure) == text


def test_the_percent_sign_can_be_left_to_the_heading():
    assert format_estimate(0.1875, 0.117, 0.287, measure="PLO", sign=False) == "18.8 (11.7 to 28.7)"
    assert format_interval(0.117, 0.287, measure="PLO", sign=False) == "11.7 to 28.7"
    assert format_interval(np.nan, np.nan) == NOT_ESTIMABLE


@pytest.mark.parametrize("measure", sorted(MEASURES))
@pytest.mark.parametrize(
    "parts",
    [(0.25, 0.11, 0.5), (0.06, 0.02, 0.094), (0.0955, 0.0945, 0.1), (0.5, 0.0, np.inf), (0.999, 0.001, 1.0)],
)
def test_figures_and_str_print_the_same(measure, parts):
    value, low, high = (np.asarray(part) for part in parts)
    estimate = Estimate(
        measure=measure,
        value=value,
        low=low,
        high=high,
        confidence_level=0.95,
        std_error=None,
        scale="identity",
        method="none",
    )
    assert format_estimate(value, low, high, measure=measure) == str(estimate)


def test_proportions_are_printed_in_percent_and_ratios_are_not():
    assert all(is_percent(code) for code in ("PR", "PLN", "PLO", "PAS", "PPV", "NPV"))
    assert not any(is_percent(code) for code in ("RR", "OR", "HR", "IRR", "RD", "IR", "GEN"))
