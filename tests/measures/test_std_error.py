import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import EffectSizes, Reported
from analysis.measures.std_error import (
    std_error_from_chi_square,
    std_error_from_interval,
    std_error_from_pvalue,
    std_error_from_t,
)
from reference_values import identifier, numbers, records

LEVELS = st.sampled_from([0.9, 0.95, 0.99])


@given(
    effect=st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3),
    std_error=st.floats(1e-2, 2),
    level=LEVELS,
    df=st.none() | st.floats(1.5, 200),
)
def test_each_way_gives_back_the_standard_error(effect, std_error, level, df):
    z = stats.norm.isf((1 - level) / 2)
    interval = std_error_from_interval(
        np.exp(effect - z * std_error),
        np.exp(effect + z * std_error),
        measure="OR",
        confidence_level=level,
    )
    assert interval.value == pytest.approx(std_error, rel=1e-9)
    statistic = effect / std_error
    assert std_error_from_t(effect, statistic, measure="RD").value == pytest.approx(std_error)
    squared = std_error_from_chi_square(np.exp(effect), statistic**2, measure="RR")
    assert squared.value == pytest.approx(std_error, rel=1e-6)
    pvalue = 2 * (stats.norm.sf(abs(statistic)) if df is None else stats.t.sf(abs(statistic), df))
    if 1e-300 < pvalue < 0.999:
        found = std_error_from_pvalue(effect, pvalue, measure="RD", df=df)
        assert found.value == pytest.approx(std_error, rel=1e-6)
    assert interval.low == interval.value == interval.high


def test_published_hazard_ratio():
    # Sharif et al. 2023: hazard ratio 1.83 (1.58-2.11).
    found = std_error_from_interval("1.58", "2.11", measure="HR")
    assert round(float(found.value), 4) == 0.0738
    assert found.low < found.value < found.high
    whole = std_error_from_interval("1.83 (1.58-2.11)", measure="HR")
    assert (whole.low, whole.high) == (found.low, found.high)
    exact = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
    assert found.value == pytest.approx(float(exact.std_error))
    z = stats.norm.isf(0.025)
    assert found.low == pytest.approx(np.log(2.105 / 1.585) / (2 * z))
    assert found.high == pytest.approx(np.log(2.115 / 1.575) / (2 * z))


def test_metafors_conversion():
    # conv.wald of metafor 5.1-12: 0.8 (0.5 to 1.28), 2.2 (1.1 to 4.4), and 1.5 with P = 0.04; 90 % below.
    limits = std_error_from_interval([0.5, 1.1], [1.28, 4.4], measure="OR")
    np.testing.assert_allclose(limits.value**2, [0.05750508382756715, 0.12507045795466495], rtol=1e-12)
    ninety = std_error_from_interval([0.5, 1.1], [1.28, 4.4], measure="OR", confidence_level=0.9)
    np.testing.assert_allclose(ninety.value**2, [0.08164844337272745, 0.17758096370285006], rtol=1e-12)
    pvalue = std_error_from_pvalue(1.5, 0.04, measure="OR")
    assert pvalue.value**2 == pytest.approx(0.0389773476410325, rel=1e-12)


@given(
    effect=st.floats(-1.5, 1.5),
    std_error=st.floats(0.02, 1),
    digits=st.integers(1, 4),
    level=LEVELS,
)
def test_the_range_holds_the_standard_error_that_was_printed_from(effect, std_error, digits, level):
    z = stats.norm.isf((1 - level) / 2)
    low, value, high = (
        f"{number:.{digits}f}" for number in np.exp(effect + np.array([-z, 0, z]) * std_error)
    )
    # Python rounds ties to even; a tie itself may fall out of a half-up interval.
    tiny = 1 + 1e-12
    if float(high) > 0:
        found = std_error_from_interval(low, high, measure="OR", confidence_level=level)
        assert found.low / tiny <= std_error <= found.high * tiny
    pvalue = 2 * stats.norm.sf(abs(effect / std_error))
    if float(value) > 0:
        found = std_error_from_pvalue(value, f"{pvalue:.3f}", measure="OR")
        assert found.low / tiny <= std_error <= found.high * tiny


def test_inequalities_bound_on_one_side():
    found = std_error_from_pvalue("1.83", "<0.001", measure="HR")
    assert np.isnan(found.value)
    assert found.low == 0
    assert found.high == pytest.approx(np.log(1.835) / stats.norm.isf(0.0005))
    weak = std_error_from_pvalue(1.5, ">0.05", measure="OR")
    assert weak.low == pytest.approx(np.log(1.5) / stats.norm.isf(0.025))
    assert weak.high == np.inf
    assert "as rounding allows" in str(found)
    zeros = std_error_from_pvalue("1.83", "0.000", measure="HR")
    assert np.isnan(zeros.value)
    assert zeros.low == 0


def test_no_effect_and_no_evidence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(std_error_from_pvalue(1.0, 1.0, measure="OR").value)
        assert std_error_from_pvalue(2.0, 1.0, measure="OR").value == np.inf
        assert std_error_from_t(2.0, 0.0, measure="OR").value == np.inf
        assert std_error_from_pvalue("1.0", "0.04", measure="OR").low == 0
        # A limit that rounds to 0 bounds nothing on the log scale.
        assert std_error_from_interval("0.0", "2.1", measure="OR").high == np.inf


def test_texts_and_numbers_broadcast():
    found = std_error_from_interval(["1.1", Reported("1.2")], "2.0", measure="RR")
    assert found.shape == (2,)
    assert (found.low < found.high).all()
    assert found.to_frame().shape == (2, 5)
    assert std_error_from_pvalue([[1.2], [2.0]], [0.01, 0.2, 0.3], measure="RR").shape == (2, 3)
    mixed = std_error_from_t([2.0, 3.0], "2.0", measure="RD")
    assert mixed.value.tolist() == [1.0, 1.5]
    assert mixed.high.tolist() == pytest.approx([2 / 1.95, 3 / 1.95])
    assert "<table" in found._repr_html_()
    assert "... (12 in all)" in str(std_error_from_t(np.ones(12), 2.0, measure="RD"))


def test_the_printed_level_is_used():
    ninety = std_error_from_interval("1.50 (90% CI 1.10 to 2.05)", measure="OR")
    stated = std_error_from_interval("1.50 (1.10 to 2.05)", measure="OR", confidence_level=0.9)
    assert ninety.value == stated.value


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: std_error_from_interval(1.2, measure="OR"), TypeError, "`high` must be given"),
        (lambda: std_error_from_interval("1.2", measure="OR"), TypeError, "`high` must be given"),
        (lambda: std_error_from_interval(2, 1, measure="OR"), ValueError, "`low` must be below `high`"),
        (
            lambda: std_error_from_interval(-1, 1, measure="OR"),
            ValueError,
            "`low` must be a value of measure OR, from 0",
        ),
        (lambda: std_error_from_interval(1, 2, measure="ODDS"), ValueError, "`measure` must be one of"),
        (
            lambda: std_error_from_interval("abc", "2", measure="OR"),
            ValueError,
            "`low` must be a printed number",
        ),
        (
            lambda: std_error_from_interval(["1.5 (1-2)", "1.5 (90% CI 1-2)"], measure="OR"),
            ValueError,
            "of one level",
        ),
        (
            lambda: std_error_from_interval(1, 2, measure="OR", confidence_level=95),
            ValueError,
            "For 95 % write 0.95",
        ),
        (lambda: std_error_from_pvalue(1.5, 0, measure="OR"), ValueError, "`pvalue` must be greater than 0"),
        (
            lambda: std_error_from_pvalue(1.5, 1.5, measure="OR"),
            ValueError,
            "`pvalue` must be greater than 0 and at most 1",
        ),
        (
            lambda: std_error_from_pvalue(0.5, 0.1, measure="PR"),
            ValueError,
            "`measure` must have a value of no effect",
        ),
        (
            lambda: std_error_from_pvalue(-2, 0.1, measure="OR"),
            ValueError,
            "`estimate` must be a value of measure OR",
        ),
        (
            lambda: std_error_from_pvalue(2, 0.1, measure="OR", df=0),
            ValueError,
            "`df` must be a number greater than 0",
        ),
        (
            lambda: std_error_from_chi_square(2, -1, measure="OR"),
            ValueError,
            "`statistic` must be at least 0, but got -1",
        ),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("record", records("metafor51", "conv.wald/"), ids=identifier)
def test_from_interval_or_pvalue_equals_metafor(record):
    given_, expected = record["inputs"], np.sqrt(numbers(record["outputs"]["vi"]))
    out, low, high = (numbers(given_[name]) for name in ("out", "lb", "ub"))
    level = 0.9 if record["id"].endswith("checkci") else 0.95
    printed = np.isfinite(low)
    ours = std_error_from_interval(low[printed], high[printed], measure="RR", confidence_level=level)
    assert ours.value == pytest.approx(expected[printed], rel=1e-12)
    if "pval" in given_:
        ours = std_error_from_pvalue(out[~printed], numbers(given_["pval"])[~printed], measure="RR")
        assert ours.value == pytest.approx(expected[~printed], rel=1e-12)
