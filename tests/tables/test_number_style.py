import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, pool
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_percent,
    format_pvalue,
    number_style,
)
from analysis.tables.methods_text import methods_text
from analysis.tables.number_style import NUMBER_STYLES, current_number_style, join_limits
from analysis.tables.pooled import describe_heterogeneity, significant


@pytest.mark.parametrize(
    ("style", "estimate", "pvalue", "tiny", "count"),
    [
        ("default", "1.83 (1.58 to 2.11)", "P = 0.03", "P < 0.001", "27\u2009657"),
        ("lancet", "1·83 (1·58–2·11)", "p=0·03", "p<0·0001", "27\u2009657"),
        ("bmj", "1.83 (1.58 to 2.11)", "P=0.03", "P<0.001", "27\u2009657"),
        ("jama", "1.83 (1.58-2.11)", "P = .03", "P < .001", "27,657"),
        ("nejm", "1.83 (1.58 to 2.11)", "P=0.03", "P<0.001", "27,657"),
        ("nature", "1.83 (1.58–2.11)", "P = 0.03", "P < 0.001", "27,657"),
    ],
)
def test_each_journal_writes_numbers_its_own_way(style, estimate, pvalue, tiny, count):
    with number_style(style):
        assert format_estimate(1.834, 1.58, 2.1149, measure="HR") == estimate
        assert format_pvalue(0.03) == pvalue
        assert format_pvalue(2e-9) == tiny
        assert format_count(27657) == count
        assert format_count(5476) == "5476"


@pytest.mark.parametrize("style", NUMBER_STYLES)
def test_negative_and_infinite_limits_are_joined_by_a_word(style):
    with number_style(style, decimal_mark="."):
        assert format_interval(-0.2, 0.4) == "−0.20 to 0.40"
        assert format_interval(1.2, np.inf) == "1.20 to ∞"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0116, "p=0·01"),
        (0.00049, "p=0·0005"),
        (0.0001, "p=0·0001"),
        (0.00096, "p=0·0010"),
        (0.0496, "p=0·0496"),
        (0.0499999, "p<0·05"),
        (0.995, "p>0·99"),
        (np.nan, "p not estimable"),
    ],
)
def test_the_lancet_goes_to_four_decimals(p, text):
    with number_style("lancet"):
        assert format_pvalue(p) == text
        assert format_pvalue(p, prefix="") == text.removeprefix("p").removeprefix("=").strip()


@given(st.sampled_from(sorted(NUMBER_STYLES)), st.floats(min_value=0, max_value=1))
def test_no_style_prints_a_pvalue_of_zero(style, p):
    with number_style(style):
        text = format_pvalue(p, prefix="")
    assert any(digit in "123456789" for digit in text)


@given(st.sampled_from(sorted(NUMBER_STYLES)), st.floats(min_value=-1e9, max_value=1e9), st.integers(0, 6))
def test_only_the_mark_differs_from_the_default(style, x, digits):
    default = format_number(x, digits)
    with number_style(style):
        text = format_number(x, digits)
        mark = current_number_style().decimal_mark
    assert text == default.replace(".", mark)
    assert not text.startswith("−0") or any(digit in "123456789" for digit in text)


def test_every_number_has_the_mark():
    with number_style(decimal_mark=","):
        assert format_percent(0.1875) == "18,8%"
        assert format_number(3e-9) == "3,0×10⁻⁹"
        assert format_number(-1.25, 1) == "−1,3"
        assert significant(0.31299) == "0,313"
        assert significant(1e-9) == "< 0,00001"
        assert join_limits("1", "2") == "1 to 2"


def test_a_negative_zero_has_no_sign():
    assert (format_count(-0.0), format_number(-0.0, 2), format_percent(-0.0)) == ("0", "0.00", "0.0%")


def test_sentences_follow_the_style():
    effects = EffectSizes(effect=[0.1, 0.3, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01], measure="HR")
    pooled = pool(effects, confidence_level=0.975)
    with number_style("lancet"):
        text = methods_text(pooled)
        assert "." not in describe_heterogeneity(pooled)
    assert "97·5% CI" in text.results
    assert "97·5% prediction interval" in text.methods
    assert "·" not in "".join(text.references)
    assert not any(before.isdigit() and after.isdigit() for before, after in _around(text.results, "."))


def _around(text, mark):
    return [(text[i - 1], text[i + 1]) for i, letter in enumerate(text[:-1]) if letter == mark and i]


def test_styles_nest_and_end_with_their_block():
    with number_style("lancet"), number_style(thousands=""):
        assert current_number_style().decimal_mark == "·"
        assert format_count(27657) == "27657"
    assert current_number_style() == NUMBER_STYLES["default"]
    with pytest.raises(ZeroDivisionError), number_style("lancet"):
        1 / 0  # noqa: B018
    assert format_number(1.5) == "1.50"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "lancett"}, r"`name` must be one of 'default', 'lancet', .* Did you mean 'lancet'\?"),
        ({"decimal_mark": ";"}, r"`decimal_mark` must be one of '\.', ',', '·', but got ';'"),
        ({"thousands": "x"}, "`thousands` must be one of"),
        ({"limits": " and "}, "`limits` must be one of"),
        ({"name": "jama", "decimal_mark": ","}, "must differ, but both are ','; give `thousands` too"),
    ],
)
def test_wrong_styles_are_refused(options, message):
    with pytest.raises(ValueError, match=message), number_style(**options):
        pass
