from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, TwoRates, mantel_haenszel, odds_ratio, risk_difference, risk_ratio
from analysis.measures.common_odds_ratio import exact_common_odds_ratio
from analysis.measures.stratified import (
    cochran_mantel_haenszel_test,
    mantel_haenszel_rates,
)
from reference_values import dataset, identifier, load, number, records

SINGLE = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}


def _strata(columns):
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


# `default` pools raw counts; "none" is the same without metafor's per-study corrections.
@pytest.mark.parametrize(
    "record",
    records(
        "C_mh_peto",
        "rma.mh",
        keep=lambda record: (
            record["id"].split("/")[2] in SINGLE and record["id"].split("/")[3] in {"default", "level90"}
        ),
    ),
    ids=identifier,
)
def test_pooled_estimate_equals_r(record):
    expected, measure = record["outputs"], record["id"].split("/")[2]
    level = 0.9 if record["id"].endswith("level90") else 0.95
    estimate = mantel_haenszel(_strata(dataset("C_mh_peto", record)), measure=measure, confidence_level=level)
    transform = np.log if measure != "RD" else np.asarray
    for ours, theirs in (("value", "beta"), ("low", "ci.lb"), ("high", "ci.ub")):
        assert float(transform(getattr(estimate, ours))) == pytest.approx(
            number(expected[theirs][0]), rel=1e-10
        )
    assert float(estimate.std_error) == pytest.approx(number(expected["se"][0]), rel=1e-10)
    assert float(estimate.pvalue) == pytest.approx(number(expected["pval"][0]), rel=1e-8)


def test_sparse_set_of_the_methods():
    # 0/20 v 5/20, 3/50 v 6/48, 0/30 v 0/31, 7/80 v 12/79: MH odds ratio 0.3890 (0.1788, 0.8463).
    table = TwoByTwo(
        exposed_cases=[0, 3, 0, 7],
        exposed_total=[20, 50, 30, 80],
        control_cases=[5, 6, 0, 12],
        control_total=[20, 48, 31, 79],
    )
    estimate = mantel_haenszel(table)
    assert [float(x) for x in (estimate.value, estimate.low, estimate.high)] == pytest.approx(
        [0.3890, 0.1788, 0.8463], abs=5e-5
    )


@pytest.mark.parametrize("measure", sorted(SINGLE))
@given(cells=st.tuples(*[st.integers(1, 500)] * 4))
def test_one_stratum_is_the_crude_estimate(measure, cells):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(
        exposed_cases=[a], exposed_noncases=[b], control_cases=[c], control_noncases=[d]
    )
    pooled, crude = mantel_haenszel(table, measure=measure), SINGLE[measure](table[0])
    assert float(pooled.value) == pytest.approx(float(crude.value), rel=1e-12, abs=1e-15)
    if measure == "OR":  # Robins, Breslow and Greenland's variance of one stratum is Woolf's
        assert float(pooled.std_error) == pytest.approx(float(crude.std_error), rel=1e-10)
    assert mantel_haenszel(table[0], measure=measure).value == pooled.value


@pytest.mark.parametrize("measure", sorted(SINGLE))
def test_permuting_splitting_into_batches_and_empty_strata_change_nothing(measure):
    cells = np.random.default_rng(3).integers(0, 30, (4, 6, 8))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    batch = mantel_haenszel(table, measure=measure)
    permuted = mantel_haenszel(table[:, ::-1], measure=measure)
    np.testing.assert_allclose(permuted.value, batch.value, rtol=1e-13)
    for row in range(6):
        one = mantel_haenszel(table[row], measure=measure)
        np.testing.assert_allclose([one.value, one.low], [batch.value[row], batch.low[row]], rtol=1e-13)
    padded = TwoByTwo._trusted(**{k: np.pad(v, ((0, 0), (0, 1))) for k, v in table._arrays().items()})
    np.testing.assert_allclose(
        mantel_haenszel(padded, measure=measure).std_error, batch.std_error, rtol=1e-13
    )


def test_confounding_is_seen():
    # Within each stratum the risks are equal; crude, the exposed look worse.
    table = TwoByTwo(
        exposed_cases=[9, 80], exposed_total=[90, 100], control_cases=[100, 8], control_total=[1000, 10]
    )
    assert mantel_haenszel(table, measure="RR").value == pytest.approx(1)
    assert risk_ratio(table.collapse()).value > 4


def test_unknown_measures_are_refused():
    with pytest.raises(ValueError, match="`measure` must be one of 'OR', 'RR', 'RD', but got 'HR'"):
        mantel_haenszel(
            TwoByTwo(exposed_cases=1, exposed_total=2, control_cases=1, control_total=2), measure="HR"
        )
    with pytest.raises(
        ValueError, match="`variance` must be one of 'sato', 'greenland-robins', but got 'rbg'"
    ):
        mantel_haenszel(
            TwoByTwo(exposed_cases=1, exposed_total=2, control_cases=1, control_total=2),
            measure="RD",
            variance="rbg",
        )


# The flag `suspect` of these records concerns epiR's score and Cornfield limits, not the pooled difference.
@pytest.mark.parametrize(
    "record",
    [
        record
        for record in load("E_epi2by2")["records"]
        if record["id"].startswith("epi.2by2.strata")
        and record["id"].endswith("cohort.count")
        and record["outputs"]
    ],
    ids=identifier,
)
@pytest.mark.parametrize(
    ("variance", "code"), [("sato", "ARisk.mh.sato"), ("greenland-robins", "ARisk.mh.green")]
)
def test_both_variances_of_the_risk_difference_equal_epir(record, variance, code):
    expected = record["outputs"]["detail"][code]
    estimate = mantel_haenszel(_strata(dataset("E_epi2by2", record)), measure="RD", variance=variance)
    assert [float(x) for x in (estimate.value, estimate.low, estimate.high)] == pytest.approx(
        [expected["est"], expected["lower"], expected["upper"]], rel=1e-11
    )


@pytest.mark.parametrize(
    "record",
    records(
        "C_mh_peto",
        "rma.mh",
        keep=lambda record: (
            record["id"].split("/")[2] in {"IRR", "IRD"}
            and record["id"].split("/")[3] in {"default", "level90"}
        ),
    ),
    ids=identifier,
)
def test_pooled_rates_equal_metafor(record):
    expected, measure = record["outputs"], record["id"].split("/")[2]
    columns = dataset("C_mh_peto", record)
    estimate = mantel_haenszel_rates(
        TwoRates(
            exposed_events=columns["x1i"],
            exposed_time=columns["t1i"],
            control_events=columns["x2i"],
            control_time=columns["t2i"],
        ),
        measure=measure,
        confidence_level=0.9 if record["id"].endswith("level90") else 0.95,
    )
    transform = np.log if measure == "IRR" else np.asarray
    for ours, theirs in (("value", "beta"), ("low", "ci.lb"), ("high", "ci.ub")):
        assert float(transform(getattr(estimate, ours))) == pytest.approx(
            number(expected[theirs][0]), rel=1e-11
        )
    assert float(estimate.std_error) == pytest.approx(number(expected["se"][0]), rel=1e-11)
    assert float(estimate.pvalue) == pytest.approx(number(expected["pval"][0]), rel=1e-9)


def test_rates_without_events_are_unbounded():
    none = TwoRates(exposed_events=[0, 0], exposed_time=[5, 6], control_events=[0, 0], control_time=[7, 8])
    estimate = mantel_haenszel_rates(none)
    assert np.isnan([estimate.value, estimate.pvalue]).all()
    assert (estimate.low, estimate.high) == (0, np.inf)
    one = TwoRates(exposed_events=3, exposed_time=50, control_events=4, control_time=80)
    assert float(mantel_haenszel_rates(one).value) == pytest.approx(3 / 50 / (4 / 80))
    assert float(mantel_haenszel_rates(one, measure="IRD").value) == pytest.approx(3 / 50 - 4 / 80)
    with pytest.raises(ValueError, match="`measure` must be one of 'IRR', 'IRD', but got 'RR'"):
        mantel_haenszel_rates(one, measure="RR")


@pytest.mark.parametrize(
    "record",
    records(
        "C_mh_peto",
        "rma.mh",
        keep=lambda record: (
            record["id"].split("/")[2] == "OR" and record["id"].split("/")[3] in {"default", "nocorrect"}
        ),
    ),
    ids=identifier,
)
@pytest.mark.parametrize(("method", "code"), [("cochran", "CO"), ("mantel-haenszel", "MH")])
def test_association_test_equals_metafor(record, method, code):
    test = cochran_mantel_haenszel_test(
        _strata(dataset("C_mh_peto", record)), method=method, correct=record["id"].endswith("default")
    )
    assert float(test.statistic) == pytest.approx(number(record["outputs"][code]), rel=1e-12)
    assert float(test.pvalue) == pytest.approx(number(record["outputs"][f"{code}p"]), rel=1e-10)


@pytest.mark.parametrize(
    "record", records("G_base", "mantelhaen.test", keep=lambda r: "/correct/" in r["id"]), ids=identifier
)
def test_association_test_equals_base_r(record):
    corrected = record["id"].endswith("TRUE")
    test = cochran_mantel_haenszel_test(_strata(dataset("G_base", record)), correct=corrected)
    assert float(test.statistic) == pytest.approx(number(record["outputs"]["statistic"]), rel=1e-12)
    assert test.correction == (0.5 if corrected else None)


def test_a_difference_below_one_half_is_corrected_to_nothing():
    # mantelhaen.test leaves such a difference as it is, so that 0.4 counts for more than 0.6.
    table = TwoByTwo(
        exposed_cases=[5, 6], exposed_total=[10, 11], control_cases=[5, 6], control_total=[10, 12]
    )
    assert cochran_mantel_haenszel_test(table).statistic > 0
    assert cochran_mantel_haenszel_test(table, correct=True).statistic == 0


EXACT = records("G_base", "mantelhaen.exact")


@pytest.mark.parametrize("record", EXACT, ids=identifier)
def test_exact_inference_equals_base_r(record):
    # R's uniroot stops at 1.2e-4 of the root here; the inversion below shows which is right.
    expected, side = record["outputs"], record["id"].rsplit("/", 1)[1]
    table = _strata(dataset("G_base", record))
    ends = [number(x) for x in expected["conf.int"]]
    if side == "two.sided":
        estimate = exact_common_odds_ratio(table)
        assert [float(estimate.low), float(estimate.high)] == pytest.approx(ends, rel=5e-4)
        test = cochran_mantel_haenszel_test(table, method="exact")
        assert float(test.statistic) == expected["statistic"]
        assert float(test.pvalue) == pytest.approx(expected["p.value"], rel=1e-9)
    else:
        estimate = exact_common_odds_ratio(table, confidence_level=0.9)
        ours, theirs = (estimate.low, ends[0]) if side == "greater" else (estimate.high, ends[1])
        assert float(ours) == pytest.approx(theirs, rel=5e-4)
    assert float(estimate.value) == pytest.approx(expected["estimate"], rel=5e-4)


def test_exact_pvalue_is_twice_the_smaller_tail_of_base_r():
    tails = {}
    for record in EXACT:
        _, name, side = record["id"].split("/")
        tails.setdefault(name, {"table": _strata(dataset("G_base", record))})[side] = record["outputs"][
            "p.value"
        ]
    for tail in tails.values():
        twice = min(1, 2 * min(tail["less"], tail["greater"]))
        assert float(exact_common_odds_ratio(tail["table"]).pvalue) == pytest.approx(twice, rel=1e-9)


def _tails(table, ratio):
    """Return P(T >= t) and P(T <= t) at an odds ratio, in fractions: no code in common with the package."""
    total, ratio = {0: Fraction(1)}, Fraction(float(ratio))
    cells = zip(
        table.exposed_cases, table.exposed_total, table.control_cases, table.control_total, strict=True
    )
    observed = 0
    for a, n1, c, n0 in (map(int, row) for row in cells):
        observed += a
        stratum = {
            x: comb(n1, x) * comb(n0, a + c - x) * ratio**x
            for x in range(max(0, a + c - n0), min(n1, a + c) + 1)
        }
        convolved = {}
        for (s, p), (x, q) in product(total.items(), stratum.items()):
            convolved[s + x] = convolved.get(s + x, 0) + p * q
        total = convolved
    whole = sum(total.values())
    above = sum(p for t, p in total.items() if t >= observed) / whole
    below = sum(p for t, p in total.items() if t <= observed) / whole
    mean = sum(t * p for t, p in total.items()) / whole
    return float(above), float(below), float(above + below - 1), float(mean), observed


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    "cells",
    [
        [(2, 8, 1, 9), (5, 5, 3, 12)],
        [(0, 10, 2, 8), (3, 17, 6, 14), (1, 4, 0, 5)],
        [(12, 88, 3, 97), (9, 41, 2, 60), (1, 0, 0, 1), (0, 0, 0, 0)],
        [(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209)],  # bcg_first3
    ],
)
def test_limits_put_back_give_half_of_alpha(method, level, cells):
    a, b, c, d = np.array(cells).T
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    estimate = exact_common_odds_ratio(table, method=method, confidence_level=level)
    half = 0.5 if method == "mid-p" else 0.0
    for limit, side in ((estimate.low, 0), (estimate.high, 1)):
        tails = _tails(table, limit)
        assert tails[side] - half * tails[2] == pytest.approx((1 - level) / 2, rel=1e-9)
    *_, mean, observed = _tails(table, estimate.value)
    assert mean == pytest.approx(observed, rel=1e-10)
    at_one = _tails(table, 1)
    twice = min(1, 2 * (min(at_one[:2]) - half * at_one[2]))
    assert float(estimate.pvalue) == pytest.approx(twice, rel=1e-10)
    # The P-value belongs to the interval: at its level one limit is 1.
    if twice < 0.999:
        ends = exact_common_odds_ratio(table, method=method, confidence_level=1 - float(estimate.pvalue))
        assert min(abs(np.log(float(ends.low))), abs(np.log(float(ends.high)))) < 1e-9


def test_exact_outcomes_at_the_ends_of_the_support():
    # No exposed case; only exposed cases; nobody a case; nobody exposed.
    table = TwoByTwo(
        exposed_cases=[[0, 0], [4, 3], [0, 0], [0, 0]],
        exposed_total=[[9, 8], [4, 3], [5, 5], [0, 0]],
        control_cases=[[2, 3], [0, 1], [0, 0], [2, 3]],
        control_total=[[9, 9], [6, 7], [6, 6], [5, 6]],
    )
    for method in ("exact", "mid-p"):
        estimate = exact_common_odds_ratio(table, method=method)
        np.testing.assert_array_equal(estimate.value, [0, np.inf, np.nan, np.nan])
        np.testing.assert_array_equal(estimate.low[[0, 2, 3]], 0)
        np.testing.assert_array_equal(estimate.high[1:], np.inf)
        assert 0 < estimate.high[0] < np.inf
        assert 0 < estimate.low[1] < np.inf
        np.testing.assert_array_equal(estimate.pvalue[2:], 1)
    np.testing.assert_array_equal(cochran_mantel_haenszel_test(table, method="exact").pvalue[2:], 1)


def test_exact_survives_large_tables_and_strong_associations():
    # Thousands of possible totals, tails down to 1e-270.
    table = TwoByTwo(
        exposed_cases=[3000, 900],
        exposed_total=[9000, 1000],
        control_cases=[1500, 100],
        control_total=[9000, 1000],
    )
    estimate = exact_common_odds_ratio(table)
    assert estimate.low < estimate.value < estimate.high
    assert 0 <= estimate.pvalue < 1e-200
    approximate = mantel_haenszel(table)
    assert float(estimate.value) == pytest.approx(float(approximate.value), rel=0.1)


@given(
    cells=st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=4),
    method=st.sampled_from(["exact", "mid-p"]),
)
def test_exact_inverts_with_the_groups_and_widens_with_the_level(cells, method):
    a, b, c, d = np.array(cells, dtype=float).T
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    swapped = TwoByTwo.from_cells(exposed_cases=c, exposed_noncases=d, control_cases=a, control_noncases=b)
    one, other = (exact_common_odds_ratio(t, method=method) for t in (table, swapped))
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(1 / other.value, one.value, rtol=1e-9)
        np.testing.assert_allclose([1 / other.high, 1 / other.low], [one.low, one.high], rtol=1e-9)
    np.testing.assert_allclose(other.pvalue, one.pvalue, rtol=1e-9)
    permuted = exact_common_odds_ratio(table[::-1], method=method)
    np.testing.assert_allclose(permuted.low, one.low, rtol=1e-9)
    wider = exact_common_odds_ratio(table, method=method, confidence_level=0.99)
    assert wider.low <= one.low
    assert wider.high >= one.high


def test_exact_batch_equals_a_loop():
    cells = np.random.default_rng(11).integers(0, 40, (4, 12, 3))
    cells[:, 4] = 0
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    batch = exact_common_odds_ratio(table)
    test = cochran_mantel_haenszel_test(table, method="exact")
    for row in range(12):
        one = exact_common_odds_ratio(table[row])
        np.testing.assert_allclose(
            [one.value, one.low, one.high, one.pvalue],
            [batch.value[row], batch.low[row], batch.high[row], batch.pvalue[row]],
            rtol=1e-10,
        )
        single = cochran_mantel_haenszel_test(table[row], method="exact")
        np.testing.assert_allclose(single.pvalue, test.pvalue[row], rtol=1e-10)


def test_one_stratum_is_the_single_table():
    table = TwoByTwo(exposed_cases=[7], exposed_total=[40], control_cases=[2], control_total=[50])
    for method in ("exact", "mid-p"):
        many, single = exact_common_odds_ratio(table, method=method), odds_ratio(table[0], method=method)
        np.testing.assert_allclose([many.low, many.high], [single.low, single.high], rtol=1e-10)
        np.testing.assert_allclose(many.pvalue, single.pvalue, rtol=1e-10)
        without_axes = exact_common_odds_ratio(table[0], method=method)
        np.testing.assert_allclose(without_axes.low, many.low, rtol=1e-12)


def test_association_test_without_information_and_its_faults():
    none = TwoByTwo(exposed_cases=[0, 1], exposed_total=[5, 1], control_cases=[0, 0], control_total=[5, 0])
    for method in ("mantel-haenszel", "cochran"):
        test = cochran_mantel_haenszel_test(none, method=method)
        assert np.isnan([test.statistic, test.pvalue]).all()
    with pytest.raises(ValueError, match="`correct` must be False for the exact test"):
        cochran_mantel_haenszel_test(none, method="exact", correct=True)
    with pytest.raises(ValueError, match="`method` must be one of 'mantel-haenszel', 'cochran', 'exact'"):
        cochran_mantel_haenszel_test(none, method="fisher")
    with pytest.raises(ValueError, match="`method` must be one of 'exact', 'mid-p', but got 'midp'"):
        exact_common_odds_ratio(none, method="midp")
    with pytest.raises(ValueError, match="for 95 % write 0.95|For 95 % write 0.95"):
        exact_common_odds_ratio(none, confidence_level=95)
