"""What epitools prints. Its row 1 is the unexposed, its column 1 the non-cases."""

import numpy as np
import pytest

from analysis import (
    Proportion,
    Rate,
    TwoRates,
    cochran_mantel_haenszel_test,
    incidence_rate,
    odds_ratio,
    prevalence,
    rate_ratio,
    risk_ratio,
)
from reference_values import assert_same, identifier, numbers, records, table_of


def _rates(record):
    a, t1, c, t0 = (record["inputs"][name] for name in ("a", "T1", "c", "T0"))
    return TwoRates(exposed_events=a, exposed_time=t1, control_events=c, control_time=t0)


def _level(record):
    return float(record["id"].split("/")[2])


def _measure(record):
    return numbers(record["outputs"]["measure"]["rows"][1])


def _three(estimate):
    return [float(estimate.value), float(estimate.low), float(estimate.high)]


def _assert_equal_where_known(ours, theirs, **tolerance):
    """epitools leaves the limit beside an infinite standard error NaN; here it is the end of the scale."""
    known = ~np.isnan(theirs)
    assert_same(np.array(ours)[known], theirs[known], **tolerance)
    assert set(np.array(ours)[~known]) <= {0.0, np.inf}


def _assert_found(ours, theirs):
    """R's uniroot looks for a ratio below 1 or for its inverse, to 1.2e-4 absolute."""
    for got, wanted in zip(ours, theirs, strict=True):
        below = (got, wanted) if wanted <= 1 else (1 / got, 1 / wanted)
        assert below[0] == pytest.approx(below[1], abs=1.3e-4)


# Odds ratios and risk ratios.


def _has_cases_and_noncases(record):
    """Where everybody is a case or nobody is, there is no ratio."""
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return a + c > 0 and b + d > 0


WITH_RATIO = records("F_epitools", "oddsratio/wald/", keep=_has_cases_and_noncases)


@pytest.mark.parametrize("record", WITH_RATIO, ids=identifier)
def test_woolf_equals_epitools(record):
    estimate = odds_ratio(table_of(record), confidence_level=_level(record))
    _assert_equal_where_known(_three(estimate), _measure(record))


def _has_a_risk_ratio(record):
    return record["inputs"]["a"] + record["inputs"]["c"] > 0


@pytest.mark.parametrize(
    "record", records("F_epitools", "riskratio/wald/", keep=_has_a_risk_ratio), ids=identifier
)
def test_log_risk_ratio_equals_epitools(record):
    estimate = risk_ratio(table_of(record), confidence_level=_level(record))
    # At 15 of 15 and 12 of 12 the log has no variance and the limits are 1, up to rounding.
    _assert_equal_where_known(_three(estimate), _measure(record))


@pytest.mark.parametrize(
    ("function", "start", "has_ratio"),
    [
        (odds_ratio, "oddsratio/wald/", _has_cases_and_noncases),
        (risk_ratio, "riskratio/wald/", _has_a_risk_ratio),
    ],
    ids=["odds", "risk"],
)
def test_tables_without_a_ratio_are_unknown_in_both(function, start, has_ratio):
    without = records("F_epitools", start, keep=lambda r: not has_ratio(r))
    for record in without:
        assert np.isnan(_measure(record)).all()
        assert np.isnan(function(table_of(record)).value)


@pytest.mark.parametrize(
    "record", records("F_epitools", "oddsratio/fisher/", keep=_has_cases_and_noncases), ids=identifier
)
def test_exact_equals_epitools(record):
    estimate = odds_ratio(table_of(record), method="conditional-exact", confidence_level=_level(record))
    _assert_found(_three(estimate), _measure(record))


@pytest.mark.parametrize("record", records("F_epitools", "oddsratio/midp/"), ids=identifier)
def test_mid_p_odds_ratio_equals_epitools(record):
    value, *limits = _measure(record)
    estimate = odds_ratio(table_of(record), method="mid-p", confidence_level=_level(record))
    _assert_found(_three(estimate)[1:], limits)
    # Its estimate is the median-unbiased one, on which the limits close as the level goes to 0.
    closed = odds_ratio(table_of(record), method="mid-p", confidence_level=1e-9)
    _assert_found(_three(closed)[1:], [value, value])


@pytest.mark.parametrize(
    "record",
    [r for start in ("oddsratio/", "riskratio/", "tab2by2.test/") for r in records("F_epitools", start)],
    ids=identifier,
)
def test_pvalues_of_one_table_equal_epitools(record):
    table, expected = table_of(record), record["outputs"]["p.value"]["rows"][1]
    corrected = "wald_corr" in record["id"]
    ours = [
        odds_ratio(table, method="mid-p").pvalue,
        cochran_mantel_haenszel_test(table, method="exact").pvalue,
        cochran_mantel_haenszel_test(table, method="cochran", correct=corrected).pvalue,
    ]
    # epitools subtracts its mid-P from 1, which leaves 0 of a small tail.
    assert_same(ours[0], expected[0], rel=1e-9, abs_=1e-15)
    assert_same(ours[1:], expected[1:], rel=1e-9)


@pytest.mark.parametrize("record", records("F_epitools", "ormidp.test/"), ids=identifier)
def test_mid_p_pvalue_equals_epitools(record):
    # epitools subtracts from 1, which leaves 0 of a small tail.
    assert_same(
        odds_ratio(table_of(record), method="mid-p").pvalue,
        record["outputs"]["two.sided"],
        rel=1e-9,
        abs_=1e-15,
    )


# Rates.


@pytest.mark.parametrize(
    "record",
    records("F_epitools", "rateratio/wald/", keep=lambda r: r["inputs"]["a"] + r["inputs"]["c"] > 0),
    ids=identifier,
)
def test_log_rate_ratio_equals_epitools(record):
    estimate = rate_ratio(_rates(record), confidence_level=_level(record))
    _assert_equal_where_known(_three(estimate), _measure(record))


@pytest.mark.parametrize("record", records("F_epitools", "rateratio/midp/"), ids=identifier)
def test_mid_p_rate_ratio_equals_epitools(record):
    # The tolerance of its mid-P search in the notes on the records; E3_score_own has these limits to 1e-14.
    estimate = rate_ratio(_rates(record), method="mid-p", confidence_level=_level(record))
    assert_same([estimate.low, estimate.high], _measure(record)[1:], rel=1e-3)


@pytest.mark.parametrize(
    "record",
    records("F_epitools", "rateratio/midp/", keep=lambda r: r["inputs"]["a"] + r["inputs"]["c"] > 0),
    ids=identifier,
)
def test_mid_p_rate_ratio_closes_on_the_estimate_of_epitools(record):
    # The median-unbiased estimate, found by uniroot like the limits.
    estimate = rate_ratio(_rates(record), method="mid-p", confidence_level=1e-9)
    _assert_found(_three(estimate)[1:], [_measure(record)[0]] * 2)


@pytest.mark.parametrize(
    "record",
    [r for start in ("rateratio/", "rate2by2.test/") for r in records("F_epitools", start)],
    ids=identifier,
)
def test_pvalues_of_two_rates_equal_epitools(record):
    mid_p, score = numbers(record["outputs"]["p.value"]["rows"][1])
    # epitools subtracts its mid-P from 1, and rounds its chi-square on the way to a P of 6e-10.
    assert_same(rate_ratio(_rates(record), method="mid-p").pvalue, mid_p, rel=1e-9, abs_=1e-15)
    if record["inputs"]["a"] + record["inputs"]["c"] == 0:
        # Its score is 0 / 0; no events say nothing against the null.
        assert np.isnan(score)
        assert rate_ratio(_rates(record), method="score").pvalue == 1
    else:
        assert_same(rate_ratio(_rates(record), method="score").pvalue, score, rel=1e-9, abs_=1e-15)


def _columns(record):
    """Return outputs as columns, of which a record of a single rate has but one row."""
    return {name: np.atleast_1d(numbers(values)) for name, values in record["outputs"].items()}


def _rate(columns, record, method, level=None):
    given_ = float(record["id"].split("/")[1])
    rate = Rate(events=columns["x"], person_time=columns["pt"])
    return incidence_rate(rate, method=method, confidence_level=given_ if level is None else level(given_))


@pytest.mark.parametrize("record", records("F_epitools", "pois.daly/"), ids=identifier)
def test_garwood_equals_pois_daly(record):
    expected = _columns(record)
    estimate = _rate(expected, record, "exact")
    assert_same(estimate.value, expected["rate"])
    assert_same(estimate.low, expected["lower"], abs_=1e-15)
    # At 0 events Daly's limit is one-sided.
    one_sided = _rate(expected, record, "exact", lambda level: 2 * level - 1)
    assert_same(np.where(expected["x"] > 0, estimate.high, one_sided.high), expected["upper"])


@pytest.mark.parametrize("record", records("F_epitools", "pois.exact/"), ids=identifier)
def test_garwood_equals_pois_exact(record):
    expected = _columns(record)
    estimate = _rate(expected, record, "exact")
    # uniroot searches the expected count to 1.2e-4.
    for ours, theirs in ((estimate.value, "rate"), (estimate.low, "lower"), (estimate.high, "upper")):
        assert_same(ours * expected["pt"], expected[theirs] * expected["pt"], rel=0, abs_=1.3e-4)


@pytest.mark.parametrize("record", records("F_epitools", "pois.approx/"), ids=identifier)
def test_wald_rate_equals_pois_approx(record):
    expected = _columns(record)
    estimate = _rate(expected, record, "wald")
    assert_same(estimate.low, np.maximum(expected["lower"], 0))
    assert_same(estimate.high, expected["upper"])


# Proportions.


BINOM = {"binom.exact": "clopper-pearson", "binom.wilson": "wilson", "binom.approx": "wald"}


@pytest.mark.parametrize(
    "record", [r for name in BINOM for r in records("F_epitools", f"{name}/")], ids=identifier
)
def test_proportions_equal_epitools(record):
    name, level = record["id"].split("/")
    given_, expected = record["inputs"], record["outputs"]
    proportion = Proportion(events=given_["x"], total=given_["n"])
    estimate = prevalence(proportion, method=BINOM[name], confidence_level=float(level))
    assert_same(estimate.value, expected["proportion"])
    assert_same(estimate.low, np.clip(numbers(expected["lower"]), 0, 1), abs_=1e-14)
    assert_same(estimate.high, np.clip(numbers(expected["upper"]), 0, 1), abs_=1e-14)
