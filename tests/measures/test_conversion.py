import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis import Estimate, TwoByTwo, odds_ratio, risk_difference, risk_ratio
from analysis.measures.absolute_effect import absolute_effects
from analysis.measures.conversion import (
    hazard_ratio_to_risk_ratio,
    log_odds_ratio_to_standardized_mean_difference,
    odds_ratio_to_risk_ratio,
    risk_ratio_to_odds_ratio,
    standardized_mean_difference_to_log_odds_ratio,
)
from reference_values import identifier, load, number, numbers, records

RATIO = st.floats(0.01, 100)
RISK = st.floats(0.001, 0.999)
BOUNDS = st.tuples(RISK, RISK).map(sorted).map(tuple)


def _estimate(measure, value, low, high):
    return Estimate(
        measure=measure,
        value=np.asarray(float(value)),
        low=np.asarray(float(low)),
        high=np.asarray(float(high)),
        confidence_level=0.95,
        std_error=None,
        scale="log",
        method="published",
    )


@pytest.mark.parametrize("record", records("A2_transf", "transf.logortorr"), ids=identifier)
def test_risk_ratio_equals_metafor(record):
    log_odds_ratio, risk = numbers(record["inputs"]["v"]), number(record["inputs"]["pc"])
    converted = odds_ratio_to_risk_ratio(np.exp(log_odds_ratio), baseline_risk=risk)
    np.testing.assert_allclose(converted.low, numbers(record["outputs"]), rtol=1e-12)
    np.testing.assert_array_equal(converted.low, converted.high)


@pytest.mark.parametrize("record", records("A2_transf", "transf.logortord"), ids=identifier)
def test_risk_difference_equals_metafor(record):
    ratio, risk = np.exp(numbers(record["inputs"]["v"])), number(record["inputs"]["pc"])
    effects = absolute_effects(ratio, measure="OR", baseline_risk=risk)
    expected = numbers(record["outputs"])
    np.testing.assert_allclose(effects.risk_difference.low, expected, rtol=1e-10, atol=1e-15)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(effects.number_needed_to_treat.low, 1 / expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("code", "method"),
    [("OR2DL", "chinn"), ("OR2DN", "cox-snell")],
)
@pytest.mark.parametrize("option", ["default", "all", "none"])
def test_standardized_mean_differences_equal_metafor(code, method, option):
    found = {record["id"]: record["outputs"] for record in load("A_escalc")["records"]}
    names = [name for name in found if name.startswith("escalc/") and name.endswith(f"/{code}/{option}")]
    assert names
    for name in names:
        odds, expected = numbers(found[name.replace(code, "OR")]["yi"]), numbers(found[name]["yi"])
        converted = log_odds_ratio_to_standardized_mean_difference(odds, method=method)
        np.testing.assert_allclose(converted.low, expected, rtol=1e-12, atol=1e-15)


def test_log_odds_ratios_equal_metafor():
    found = {record["id"]: numbers(record["outputs"]["yi"]) for record in records("A_escalc", "escalc/")[:0]}
    for record in load("A_escalc")["records"]:
        found[record["id"]] = record["outputs"]
    names = [name for name in found if name.startswith("escalc/") and "/D2ORL/" in name]
    assert names
    for name in names:
        logistic, normal = (numbers(found[name.replace("D2ORL", code)]["yi"]) for code in ("D2ORL", "D2ORN"))
        d = log_odds_ratio_to_standardized_mean_difference(normal, method="cox-snell").low
        back = standardized_mean_difference_to_log_odds_ratio(d, method="chinn")
        np.testing.assert_allclose(back.low, logistic, rtol=1e-12)
        either = standardized_mean_difference_to_log_odds_ratio(d)
        np.testing.assert_allclose(either.low, np.minimum(normal, logistic), rtol=1e-12)
        np.testing.assert_allclose(either.high, np.maximum(normal, logistic), rtol=1e-12)


@given(ratio=RATIO, bounds=BOUNDS)
def test_odds_and_risk_ratios_are_inverse_at_one_risk(ratio, bounds):
    risk = bounds[0]
    there = odds_ratio_to_risk_ratio(ratio, baseline_risk=risk)
    back = risk_ratio_to_odds_ratio(there.low, baseline_risk=risk)
    assert back.low == pytest.approx(ratio, rel=1e-9)


@given(ratio=RATIO, bounds=BOUNDS, share=st.floats(0, 1))
def test_every_risk_between_the_bounds_gives_a_value_in_the_range(ratio, bounds, share):
    risk = bounds[0] + share * (bounds[1] - bounds[0])
    tiny = 1 + 1e-9
    for function, name in (
        (odds_ratio_to_risk_ratio, "baseline_risk"),
        (hazard_ratio_to_risk_ratio, "cumulative_risk"),
    ):
        span, inside = function(ratio, **{name: bounds}), function(ratio, **{name: risk})
        assert span.low / tiny <= inside.low <= span.high * tiny
        # A common outcome draws the risk ratio towards 1 and never beyond.
        assert min(1, ratio) / tiny <= span.low <= span.high <= max(1, ratio) * tiny
    for measure in ("OR", "HR"):
        span = absolute_effects(ratio, measure=measure, baseline_risk=bounds)
        inside = absolute_effects(ratio, measure=measure, baseline_risk=risk)
        for part in ("exposed_risk", "risk_difference"):
            assert getattr(span, part).low - 1e-9 <= getattr(inside, part).low
            assert getattr(inside, part).high <= getattr(span, part).high + 1e-9


@given(one=RATIO, other=RATIO, bounds=BOUNDS)
def test_larger_ratios_stay_larger(one, other, bounds):
    small, large = sorted((one, other))
    for function, name in (
        (odds_ratio_to_risk_ratio, "baseline_risk"),
        (hazard_ratio_to_risk_ratio, "cumulative_risk"),
    ):
        ranges = function([small, large], **{name: bounds})
        assert ranges.low[0] <= ranges.low[1] * (1 + 1e-12)
        assert ranges.high[0] <= ranges.high[1] * (1 + 1e-12)


@given(cells=st.tuples(*[st.integers(1, 300)] * 4))
def test_the_tables_own_risk_gives_the_tables_own_measures(cells):
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    table = TwoByTwo.from_cells(**dict(zip(names, cells, strict=True)))
    baseline = table.control_cases / table.control_total
    ratio, odds = risk_ratio(table), odds_ratio(table)
    converted = odds_ratio_to_risk_ratio(odds, baseline_risk=baseline)
    assert converted.low == pytest.approx(float(ratio.value))
    effects = absolute_effects(odds, baseline_risk=baseline)
    assert effects.exposed_risk.low == pytest.approx(float(table.exposed_cases / table.exposed_total))
    assert effects.risk_difference.low == pytest.approx(float(risk_difference(table).value), abs=1e-12)


@given(risk=RISK, ratio=st.floats(0.05, 20))
def test_hazard_ratios_are_ratios_of_cumulative_hazards(risk, ratio):
    converted = hazard_ratio_to_risk_ratio(ratio, cumulative_risk=risk)
    exposed = float(converted.low) * risk
    assume(exposed < 1 - 1e-9)
    assert np.log1p(-exposed) / np.log1p(-risk) == pytest.approx(ratio, rel=1e-5)


@given(exposed=st.floats(0.2, 0.8), control=st.floats(0.2, 0.8))
def test_the_square_root_is_off_by_a_quarter_at_most(exposed, control):
    odds = exposed / (1 - exposed) / (control / (1 - control))
    converted = odds_ratio_to_risk_ratio(odds, method="square-root")
    assert converted.middle == pytest.approx(np.sqrt(odds))
    assert converted.low <= exposed / control * (1 + 1e-9)
    assert exposed / control <= converted.high * (1 + 1e-9)
    assert converted.error_factor <= 1.25 * (1 + 1e-9)


def test_the_largest_error_of_the_square_root_is_at_an_odds_ratio_of_four():
    converted = odds_ratio_to_risk_ratio([1 / 4, 4, 3.9, 4.1], method="square-root")
    np.testing.assert_allclose(converted.error_factor[:2], 1.25, rtol=1e-12)
    assert (converted.error_factor[2:] < 1.25).all()


@given(exposed=st.floats(0.05, 0.4), control=st.floats(0.05, 0.4))
def test_minimax_holds_for_intervals_that_are_not_symmetric(exposed, control):
    odds = exposed / (1 - exposed) / (control / (1 - control))
    converted = odds_ratio_to_risk_ratio(odds, method="minimax", both_risks=(0.05, 0.4))
    assert converted.low <= exposed / control * (1 + 1e-9)
    assert exposed / control <= converted.high * (1 + 1e-9)
    assert converted.high / converted.middle == pytest.approx(float(converted.middle / converted.low))


@given(exposed=st.floats(0.2, 0.8), control=st.floats(0.2, 0.8))
def test_vanderweeles_hazard_ratio(exposed, control):
    ratio = np.log1p(-exposed) / np.log1p(-control)
    converted = hazard_ratio_to_risk_ratio(ratio, method="vanderweele")
    assert converted.low <= exposed / control * (1 + 1e-9)
    assert exposed / control <= converted.high * (1 + 1e-9)
    expected = (1 - 0.5 ** np.sqrt(ratio)) / (1 - 0.5 ** np.sqrt(1 / ratio))
    assert converted.middle == pytest.approx(expected)


def test_limits_are_converted_with_the_estimate():
    estimate = _estimate("OR", 2, 1.2, 3.5)
    converted = odds_ratio_to_risk_ratio(estimate, baseline_risk=(0.1, 0.4))
    assert converted.low == pytest.approx(2 / 1.4)
    assert converted.high == pytest.approx(2 / 1.1)
    assert converted.interval_low == pytest.approx(1.2 / 1.08)
    assert converted.interval_high == pytest.approx(3.5 / 1.25)
    assert converted.confidence_level == 0.95
    protective = odds_ratio_to_risk_ratio(_estimate("OR", 0.8, 0.5, 1.3), baseline_risk=(0.1, 0.4))
    assert protective.interval_low == pytest.approx(0.5 / 0.95)
    assert protective.interval_high == pytest.approx(1.3 / 1.03)


def test_limits_beyond_what_two_risks_allow_stop_there():
    # Both risks between 0.2 and 0.8: no odds ratio above 16, no risk ratio above 4.
    converted = odds_ratio_to_risk_ratio(_estimate("OR", 4, 0.5, 40), method="square-root")
    assert converted.interval_high == pytest.approx(4)
    with pytest.raises(
        ValueError, match="`odds_ratio` must be one that two risks between 0.2 and 0.8 can have"
    ):
        odds_ratio_to_risk_ratio(17, method="square-root")
    assert odds_ratio_to_risk_ratio(16, method="square-root").low == pytest.approx(4)


def test_the_risk_difference_turns_between_the_bounds():
    # At the bounds 0.1 and 0.9 an odds ratio of 4 is 20.8 and 7.3 points, at 1/(1 + √4) it is 33.3.
    effects = absolute_effects(4, measure="OR", baseline_risk=(0.1, 0.9))
    assert effects.risk_difference.high == pytest.approx(1 / 3)
    assert effects.risk_difference.low == pytest.approx(0.9 * 4 / 3.7 - 0.9)
    assert effects.number_needed_to_treat.low == pytest.approx(3)
    hazards = absolute_effects(2, measure="HR", baseline_risk=(0.1, 0.9))
    assert hazards.risk_difference.high == pytest.approx(0.25)  # s - s² at s = 1/2
    protective = absolute_effects(0.5, measure="HR", baseline_risk=(0.1, 0.9))
    assert protective.risk_difference.low == pytest.approx(-0.25)


def test_a_number_needed_runs_through_infinity():
    effects = absolute_effects(_estimate("RR", 1.2, 0.8, 1.5), baseline_risk=0.1)
    needed = effects.number_needed_to_treat
    assert needed.low == pytest.approx(50)
    assert (needed.interval_low, needed.interval_high) == (pytest.approx(20), pytest.approx(-50))
    assert str(needed).startswith("Number needed to treat NNTH 50 (limits NNTH 20 to ∞ to NNTB 50)")
    upto_null = absolute_effects(_estimate("RR", 0.8, 0.6, 1), baseline_risk=0.1).number_needed_to_treat
    assert (upto_null.interval_low, upto_null.interval_high) == (-np.inf, pytest.approx(-25))
    assert "NNTB 50 (limits NNTB 25 to ∞)" in str(upto_null)
    from_null = absolute_effects(_estimate("RR", 1.2, 1, 1.5), baseline_risk=0.1).number_needed_to_treat
    assert (from_null.interval_low, from_null.interval_high) == (pytest.approx(20), np.inf)
    assert "NNTH 50 (limits NNTH 20 to ∞)" in str(from_null)
    none = absolute_effects(1.0, measure="RR", baseline_risk=0.1).number_needed_to_treat
    assert "Number needed to treat ∞\n" in str(none)
    assert (none.low, none.high) == (np.inf, np.inf)


@pytest.mark.parametrize("measure", ["RR", "OR", "HR"])
def test_ends_of_the_scale(measure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        effects = absolute_effects(
            _estimate(measure, 0, 0, np.inf), baseline_risk=(np.array([0, 0.1]), np.array([0, 0.2]))
        )
    np.testing.assert_array_equal(effects.exposed_risk.low, [0, 0])
    np.testing.assert_allclose(effects.risk_difference.low, [0, -0.2])
    np.testing.assert_allclose(effects.exposed_risk.interval_high, [0, 1])
    no_value = absolute_effects(_estimate(measure, np.nan, 0, np.inf), baseline_risk=0.1)
    assert np.isnan(no_value.risk_difference.low)


def test_ratios_at_the_ends_of_the_risk():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        odds = odds_ratio_to_risk_ratio(_estimate("OR", 3, 0, np.inf), baseline_risk=(0.0, 0.5))
        hazards = hazard_ratio_to_risk_ratio(_estimate("HR", 3, 0, np.inf), cumulative_risk=(0.0, 1.0))
        back = risk_ratio_to_odds_ratio(_estimate("RR", 2, 0.5, 9), baseline_risk=(0.0, 0.5))
    assert (odds.low, odds.high, odds.interval_low, odds.interval_high) == (1.5, 3, 0, np.inf)
    assert (hazards.low, hazards.high, hazards.interval_low) == (1, 3, 0)
    assert (back.low, back.high, back.interval_high) == (2, np.inf, np.inf)


def test_rare_outcomes_need_no_conversion():
    for function, name in (
        (odds_ratio_to_risk_ratio, "baseline_risk"),
        (hazard_ratio_to_risk_ratio, "cumulative_risk"),
    ):
        assert function(2.5, **{name: 1e-9}).low == pytest.approx(2.5, rel=1e-8)


def test_published_conversion():
    # Zhang and Yu's formula at 50 %: an odds ratio of 3 is a risk ratio of 1.5.
    assert odds_ratio_to_risk_ratio(3, baseline_risk=0.5).low == pytest.approx(1.5)


def test_words_and_frames():
    estimate = _estimate("OR", 2, 1.2, 3.5)
    converted = odds_ratio_to_risk_ratio(estimate, baseline_risk=(0.1, 0.4))
    assert str(converted) == (
        "Risk ratio 1.43 to 1.82 (limits 1.11 to 2.80)\n"
        "from odds ratio, if the risk without exposure is between 10.0% and 40.0%"
    )
    assert converted.to_frame().loc[0, "assumption"].startswith("if the risk without exposure")
    assert converted.to_frame()["middle"].isna().all()
    assert np.isnan(converted.error_factor)
    many = odds_ratio_to_risk_ratio(np.full(12, 2.0), baseline_risk=(np.full(12, 0.1), 0.2))
    assert "... (12 in all)" in str(many)
    assert "within the bounds given for each" in str(many)
    effects = absolute_effects(estimate, baseline_risk=0.2)
    assert effects.to_frame()["target"].tolist() == ["PR", "RD", "NNT"]
    assert str(effects).count("from odds ratio") == 1
    assert "<table" in effects._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        converted.low[...] = 1


def test_a_batch_equals_a_loop():
    ratios, low, high = np.array([[0.5, 2, 7]]), np.array([[0.1], [0.3]]), 0.6
    batch = absolute_effects(ratios, measure="OR", baseline_risk=(low, high))
    for i, j in np.ndindex(2, 3):
        one = absolute_effects(ratios[0, j], measure="OR", baseline_risk=(low[i, 0], high))
        assert batch.risk_difference.low[i, j] == one.risk_difference.low
        assert batch.number_needed_to_treat.high[i, j] == one.number_needed_to_treat.high


def test_signs_of_mean_differences():
    there = standardized_mean_difference_to_log_odds_ratio([-0.5, 0.5])
    assert there.low[0] == pytest.approx(-0.5 * np.pi / np.sqrt(3))
    assert there.high[0] == pytest.approx(-0.825)
    assert there.low[1] == pytest.approx(0.825)
    back = log_odds_ratio_to_standardized_mean_difference(_estimate("OR", np.e, 1, np.e**2), method="chinn")
    np.testing.assert_allclose(
        [back.interval_low, back.low, back.interval_high],
        np.array([0, 1, 2]) * np.sqrt(3) / np.pi,
        atol=1e-15,
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: odds_ratio_to_risk_ratio(2), TypeError, "`baseline_risk` must be given"),
        (
            lambda: odds_ratio_to_risk_ratio(-1, baseline_risk=0.1),
            ValueError,
            "`odds_ratio` must be a number greater",
        ),
        (
            lambda: odds_ratio_to_risk_ratio(2, baseline_risk=10),
            ValueError,
            "`baseline_risk` must be between 0 and 1",
        ),
        (lambda: odds_ratio_to_risk_ratio(2, baseline_risk=(0.3, 0.1)), ValueError, r"must be \(low, high\)"),
        (lambda: odds_ratio_to_risk_ratio(2, baseline_risk=(0.1, 0.2, 0.3)), ValueError, "a tuple of two"),
        (
            lambda: odds_ratio_to_risk_ratio(2, baseline_risk=0.1, both_risks=(0.2, 0.8)),
            TypeError,
            "`both_risks` is for",
        ),
        (lambda: odds_ratio_to_risk_ratio(2, method="minimax"), TypeError, "`both_risks` must be given"),
        (
            lambda: odds_ratio_to_risk_ratio(2, method="minimax", baseline_risk=0.1),
            TypeError,
            "is for method 'zhang-yu'",
        ),
        (
            lambda: odds_ratio_to_risk_ratio(2, method="square-root", both_risks=(0.1, 0.8)),
            ValueError,
            "must be symmetric",
        ),
        (
            lambda: odds_ratio_to_risk_ratio(2, method="minimax", both_risks=0.5),
            TypeError,
            "must be a tuple of two",
        ),
        (
            lambda: odds_ratio_to_risk_ratio(2, method="sqrt"),
            ValueError,
            "`method` must be one of 'zhang-yu'",
        ),
        (
            lambda: odds_ratio_to_risk_ratio(_estimate("HR", 2, 1, 3), baseline_risk=0.1),
            ValueError,
            "must be an Estimate of measure OR or PETO, but is of HR",
        ),
        (lambda: hazard_ratio_to_risk_ratio(2), TypeError, "`cumulative_risk` must be given"),
        (
            lambda: hazard_ratio_to_risk_ratio(2, cumulative_risk=0.1, both_risks=(0.2, 0.8)),
            TypeError,
            "reads `cumulative_risk`",
        ),
        (
            lambda: hazard_ratio_to_risk_ratio(2, cumulative_risk=0.1, method="vanderweele"),
            TypeError,
            "reads `both_risks`",
        ),
        (
            lambda: hazard_ratio_to_risk_ratio(9, method="vanderweele"),
            ValueError,
            "`hazard_ratio` must be one that two risks",
        ),
        (lambda: risk_ratio_to_odds_ratio(3, baseline_risk=(0.1, 0.4)), ValueError, "3 times 0.4 is above 1"),
        (lambda: absolute_effects(3, baseline_risk=0.1), TypeError, "`measure` must be given for numbers"),
        (
            lambda: absolute_effects(3, measure="RD", baseline_risk=0.1),
            ValueError,
            "`measure` must be one of 'RR', 'OR', 'HR'",
        ),
        (
            lambda: absolute_effects(3, measure="RR", baseline_risk=0.5),
            ValueError,
            "times `baseline_risk` must be a risk",
        ),
        (
            lambda: absolute_effects(_estimate("OR", 2, 1, 3), measure="RR", baseline_risk=0.5),
            ValueError,
            "must be that of the estimate",
        ),
        (
            lambda: standardized_mean_difference_to_log_odds_ratio(0.5, method="logistic"),
            ValueError,
            "`method` must be one of 'either', 'chinn'",
        ),
        (
            lambda: log_odds_ratio_to_standardized_mean_difference("0.5"),
            TypeError,
            "`log_odds_ratio` must be numbers",
        ),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
