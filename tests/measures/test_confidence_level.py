import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import TwoRates, rate_ratio
from analysis.measures.confidence_level import infer_confidence_level


@given(
    effect=st.floats(-1.5, 1.5),
    std_error=st.floats(0.02, 1),
    digits=st.integers(1, 4),
    level=st.sampled_from([0.9, 0.95, 0.99]),
)
def test_the_level_that_was_printed_at_is_possible(effect, std_error, digits, level):
    z = stats.norm.isf((1 - level) / 2)
    low, value, high = (
        f"{number:.{digits}f}" for number in np.exp(effect + np.array([-z, 0, z]) * std_error)
    )
    pvalue = 2 * stats.norm.sf(abs(effect / std_error))
    if float(high) > 0 and pvalue > 0.0005 and float(value) > 0:
        inferred = infer_confidence_level(value, low, high, measure="OR", pvalue=f"{pvalue:.3f}")
        assert inferred.possible[inferred.levels.index(level)]


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_level_is_found_from_each_source(level):
    z = stats.norm.isf((1 - level) / 2)
    # 60 and 45 events: rate ratio 4/3 with the standard error sqrt(1/60 + 1/45).
    std_error = np.sqrt(1 / 60 + 1 / 45)
    text = f"1.333 ({np.exp(np.log(4 / 3) - z * std_error):.3f}-{np.exp(np.log(4 / 3) + z * std_error):.3f})"
    pvalue = f"{2 * stats.norm.sf(np.log(4 / 3) / std_error):.4f}"
    for source in (
        {"events": (60, 45)},
        {"std_error": std_error},
        {"std_error": f"{std_error:.3f}"},
        {"pvalue": pvalue},
    ):
        found = infer_confidence_level(text, measure="IRR", **source)
        assert [lev for lev, fits in zip(found.levels, found.possible, strict=True) if fits] == [level]
        assert found.low <= level <= found.high
    rates = TwoRates(exposed_events=60, exposed_time=100, control_events=45, control_time=100)
    assert float(rate_ratio(rates).std_error) == pytest.approx(std_error)


def test_coarse_rounding_leaves_more_than_one_level():
    found = infer_confidence_level("1.2 (1.0-1.4)", pvalue="0.04", measure="OR")
    assert found.possible.tolist() == [True, True, True]
    assert str(found).startswith("90% or 95% or 99% (the printed numbers allow")
    none = infer_confidence_level("1.50 (1.40-1.61)", pvalue="0.30", measure="OR")
    assert not none.possible.any()
    assert str(none).startswith("none of 90%, 95%, 99%")
    frame = none.to_frame()
    assert frame["level"].tolist() == [0.9, 0.95, 0.99]


def test_levels_of_many_intervals():
    found = infer_confidence_level(
        ["1.50", "1.50"], ["1.04", "1.11"], ["2.16", "2.03"], pvalue=["0.030", "0.030"], measure="OR"
    )
    assert found.possible.tolist() == [[False, True, False], [True, False, False]]
    assert str(found).count("\n") == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: infer_confidence_level("1.5 (1-2)", measure="OR"), TypeError, "Exactly one of"),
        (
            lambda: infer_confidence_level("1.5 (1-2)", measure="OR", pvalue="0.1", std_error=1),
            TypeError,
            "Exactly one of",
        ),
        (
            lambda: infer_confidence_level(1.5, 1.0, 2.0, measure="OR", std_error=1),
            TypeError,
            "`estimate` must be printed text",
        ),
        (
            lambda: infer_confidence_level("1.5 (1-2)", measure="OR", pvalue=0.1),
            TypeError,
            "`pvalue` must be printed text",
        ),
        (
            lambda: infer_confidence_level("1.5 (1-2)", measure="OR", events=5),
            TypeError,
            "a tuple of two counts",
        ),
        (
            lambda: infer_confidence_level("1.5 (1-2)", measure="OR", std_error=-1),
            ValueError,
            "must not be negative",
        ),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
