from math import erfc, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, TwoRates, odds_ratio, rate_ratio, risk_difference, risk_ratio
from reference_values import identifier, number, records

R_NAMES = {"Katz_log_CI_2x2": risk_ratio, "Woolf_logit_CI_2x2": odds_ratio, "Wald_CI_2x2": risk_difference}
MEASURES = [risk_ratio, odds_ratio, risk_difference]


@pytest.mark.parametrize(
    "record",
    [record for name in R_NAMES for record in records("contingencytables", f"{name}/")],
    ids=identifier,
)
def test_intervals_equal_r(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    estimate = R_NAMES[record["id"].split("/")[0]](table, confidence_level=1 - record["inputs"]["alpha"])
    expected = record["outputs"]
    for ours, theirs in (("value", "estimate"), ("low", "lower"), ("high", "upper")):
        assert float(getattr(estimate, ours)) == pytest.approx(
            number(expected[theirs]), rel=1e-10, abs=1e-14, nan_ok=True
        )


# One table of outcomes for empty cells: value and limits of each measure without a correction.
INF, NAN = np.inf, np.nan
ZERO_CELLS = [
    # cells a, b, c, d     risk ratio        odds ratio        risk difference
    ((0, 20, 5, 15), (0, 0, INF), (0, 0, INF), -0.25),
    ((5, 15, 0, 20), (INF, 0, INF), (INF, 0, INF), 0.25),
    ((0, 20, 0, 30), (NAN, 0, INF), (NAN, 0, INF), 0.0),
    ((20, 0, 5, 15), None, (INF, 0, INF), 0.75),
    ((5, 15, 20, 0), None, (0, 0, INF), -0.75),
    ((20, 0, 30, 0), None, (NAN, 0, INF), 0.0),
    ((20, 0, 0, 30), (INF, 0, INF), (INF, 0, INF), 1.0),
    ((0, 0, 5, 15), (NAN, 0, INF), (NAN, 0, INF), NAN),
    ((0, 0, 0, 0), (NAN, 0, INF), (NAN, 0, INF), NAN),
]


@pytest.mark.parametrize(("cells", "ratio", "odds", "difference"), ZERO_CELLS)
def test_zero_cells(cells, ratio, odds, difference):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    for measure, expected in ((risk_ratio, ratio), (odds_ratio, odds)):
        estimate = measure(table)
        if expected is None:  # an arm of cases only leaves the risk ratio estimable
            assert estimate.value == (a / (a + b)) / (c / (c + d))
            assert np.isfinite([estimate.low, estimate.high]).all()
        else:
            np.testing.assert_array_equal([estimate.value, estimate.low, estimate.high], expected)
            assert np.isinf(estimate.std_error)
            assert np.isnan(estimate.pvalue)
    np.testing.assert_array_equal(risk_difference(table).value, difference)


def test_the_correction_goes_to_all_four_cells_and_is_recorded():
    # statsmodels' Table2x2 [[10, 20], [30, 0]] fills only the empty cell and prints 0.0083.
    table = TwoByTwo.from_cells(exposed_cases=10, exposed_noncases=20, control_cases=30, control_noncases=0)
    estimate = odds_ratio(table, correction=0.5)
    assert estimate.value == pytest.approx(10.5 * 0.5 / (20.5 * 30.5))
    assert estimate.correction == 0.5
    untouched = TwoByTwo.from_cells(exposed_cases=1, exposed_noncases=2, control_cases=3, control_noncases=4)
    assert odds_ratio(untouched, correction=0.5).value == odds_ratio(untouched).value
    with pytest.raises(ValueError, match="`correction` must be at least 0, but got -1"):
        odds_ratio(table, correction=-1)
    with pytest.raises(TypeError, match="`correction` must be a number or None"):
        odds_ratio(table, correction="0.5")


counts = st.tuples(*[st.integers(1, 10_000)] * 4)


@given(cells=counts)
def test_swapping_groups_inverts_ratios_and_negates_differences(cells):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    swapped = TwoByTwo.from_cells(exposed_cases=c, exposed_noncases=d, control_cases=a, control_noncases=b)
    for measure in (risk_ratio, odds_ratio):
        one, other = measure(table), measure(swapped)
        assert float(one.value * other.value) == pytest.approx(1, rel=1e-12)
        assert float(one.low * other.high) == pytest.approx(1, rel=1e-10)
        assert float(one.pvalue) == pytest.approx(float(other.pvalue), rel=1e-8, abs=1e-300)
    assert risk_difference(table).low == pytest.approx(-risk_difference(swapped).high, abs=1e-14)


@given(cells=counts)
def test_the_odds_ratio_does_not_know_which_way_round_it_is(cells):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    transposed = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=c, control_cases=b, control_noncases=d)
    assert float(odds_ratio(table).value) == pytest.approx(float(odds_ratio(transposed).value), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
@given(cells=counts, level=st.floats(0.5, 0.99))
def test_pvalue_and_interval_agree(measure, cells, level):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    estimate = measure(table, confidence_level=level)
    null = 0 if measure is risk_difference else 1
    assert estimate.low <= estimate.value <= estimate.high
    if abs(float(estimate.pvalue) - (1 - level)) > 1e-9:
        assert (estimate.low <= null <= estimate.high) == (estimate.pvalue > 1 - level)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_batch_equals_a_loop(measure):
    cells = np.random.default_rng(5).integers(0, 9, (4, 50))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    batch = measure(table.__class__._trusted(**{k: v.reshape(5, 10) for k, v in table._arrays().items()}))
    for position in range(50):
        one = measure(table[position])
        for name in ("value", "low", "high", "std_error", "pvalue"):
            np.testing.assert_array_equal(getattr(batch, name).ravel()[position], getattr(one, name))


@pytest.mark.parametrize("measure", [*MEASURES, rate_ratio])
def test_unknown_methods_are_refused(measure):
    table = TwoByTwo(exposed_cases=1, exposed_total=2, control_cases=1, control_total=2)
    rates = TwoRates(exposed_events=1, exposed_time=2, control_events=1, control_time=2)
    with pytest.raises(ValueError, match="`method` must be one of"):
        measure(rates if measure is rate_ratio else table, method="exactly")


def test_published_table():
    # Bengtsson 2023, computed from Table 1: men 6.75 (4.77-9.55), women 4.02 (3.04-5.30).
    table = TwoByTwo(
        exposed_cases=[75, 90],
        exposed_total=[7605, 4006],
        control_cases=[56, 114],
        control_total=[38020, 20030],
    )
    assert str(odds_ratio(table)).splitlines() == ["6.75 (4.77 to 9.55)", "4.02 (3.04 to 5.30)"]


def test_huge_counts_keep_their_digits():
    table = TwoByTwo(exposed_cases=10**9, exposed_total=4 * 10**9, control_cases=10**8, control_total=10**9)
    estimate = risk_ratio(table)
    assert estimate.value == 2.5
    assert estimate.std_error == pytest.approx(np.sqrt(0.75 / 10**9 + 0.9 / 10**8), rel=1e-12)
    assert estimate.pvalue == 0 or estimate.pvalue < 1e-300


@pytest.mark.parametrize("measure", [risk_ratio, odds_ratio])
def test_likelihood_ratio_keeps_its_digits_near_the_null(measure):
    table = TwoByTwo(
        exposed_cases=300_000_001,
        exposed_total=700_000_000,
        control_cases=300_000_000,
        control_total=700_000_000,
    )
    # The deviance in 60 digits.
    expected = erfc(sqrt(2.916666665451389e-09 / 2))
    assert 1 - measure(table, method="likelihood-ratio").pvalue == pytest.approx(1 - expected, rel=1e-9)
