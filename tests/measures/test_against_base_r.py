"""What base R and vcd print. Functions of base R that are not here are compared beside what they test."""

import numpy as np
import pytest
from scipy.special import chdtrc

from analysis import (
    PairedTable,
    Proportion,
    Rate,
    TwoByTwo,
    TwoRates,
    cochran_mantel_haenszel_test,
    homogeneity_test,
    incidence_rate,
    mantel_haenszel,
    odds_ratio,
    paired_odds_ratio,
    prevalence,
    rate_ratio,
    risk_difference,
    risk_ratio,
)
from reference_values import assert_same, dataset, identifier, number, numbers, records, table_of


def _strata(record):
    columns = dataset("G_base", record)
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _side(record):
    """Return which sides R's interval has: its one-sided limit at 95 % is the central one at 90 %."""
    for side in ("less", "greater"):
        if f"/{side}" in record["id"]:
            return side
    return "both"


def _level(record):
    return 0.95 if _side(record) == "both" and "/ci90" not in record["id"] else 0.9


def _assert_limits(record, estimate, *, ends, rel=1e-10, abs_=1e-14):
    """Compare the limits that the record has; on the other side R writes the end of the scale."""
    side, limits = _side(record), [float(estimate.low), float(estimate.high)]
    if side == "less":
        limits[0] = ends[0]
    if side == "greater":
        limits[1] = ends[1]
    assert_same(limits, record["outputs"]["conf.int"], rel=rel, abs_=abs_)


# One proportion, one rate, two rates.


def _proportion(record):
    return Proportion(events=record["inputs"]["x"], total=record["inputs"]["n"])


@pytest.mark.parametrize("record", records("G_base", "binom.test/"), ids=identifier)
def test_clopper_pearson_equals_binom_test(record):
    estimate = prevalence(_proportion(record), method="clopper-pearson", confidence_level=_level(record))
    _assert_limits(record, estimate, ends=(0, 1))


def _wilson(record):
    # prop.test cuts the correction to |x - n/2|, so that nothing of it is left at 4 of 8.
    corrected = record["id"].endswith("TRUE") and record["inputs"]["n"] != 2 * record["inputs"]["x"]
    return "wilson-cc" if corrected else "wilson"


@pytest.mark.parametrize("record", records("G_base", "prop.test1/"), ids=identifier)
def test_wilson_equals_prop_test(record):
    _assert_limits(record, prevalence(_proportion(record), method=_wilson(record)), ends=(0, 1))


# 1 - P has digits only where P is neither 1 nor tiny.
@pytest.mark.parametrize(
    "record",
    records("G_base", "prop.test1/", keep=lambda r: 1e-10 < r["outputs"]["p.value"] < 1),
    ids=identifier,
)
def test_wilson_limit_at_one_minus_the_pvalue_is_the_null(record):
    estimate = prevalence(
        _proportion(record), method=_wilson(record), confidence_level=1 - record["outputs"]["p.value"]
    )
    below = 2 * record["inputs"]["x"] < record["inputs"]["n"]
    assert_same(estimate.high if below else estimate.low, record["outputs"]["null.value"], rel=1e-9)


@pytest.mark.parametrize("record", records("G_base", "poisson.test1/"), ids=identifier)
def test_garwood_equals_poisson_test(record):
    rate = Rate(events=record["inputs"]["x"], person_time=record["inputs"]["t"])
    estimate = incidence_rate(rate, confidence_level=_level(record))
    _assert_limits(record, estimate, ends=(0, np.inf))


@pytest.mark.parametrize("record", records("G_base", "poisson.test2/"), ids=identifier)
def test_exact_rate_ratio_equals_poisson_test(record):
    a, t1, c, t0 = (record["inputs"][name] for name in ("a", "T1", "c", "T0"))
    rates = TwoRates(exposed_events=a, exposed_time=t1, control_events=c, control_time=t0)
    estimate = rate_ratio(rates, method="exact", confidence_level=_level(record))
    _assert_limits(record, estimate, ends=(0, np.inf))


# One table.


@pytest.mark.parametrize("record", records("G_base", "prop.test2/"), ids=identifier)
def test_wald_difference_equals_prop_test(record):
    table, corrected = table_of(record), "/TRUE/" in record["id"]
    # prop.test cuts the correction to the difference: nothing of it is left where the risks are equal.
    cut = float(table.exposed_cases * table.control_total) == float(table.control_cases * table.exposed_total)
    estimate = risk_difference(
        table, method="wald-cc" if corrected and not cut else "wald", confidence_level=_level(record)
    )
    _assert_limits(record, estimate, ends=(-1, 1))
    if _side(record) == "both":
        test = cochran_mantel_haenszel_test(table, method="cochran", correct=corrected)
        assert_same(test.statistic, record["outputs"]["statistic"])
        assert_same(test.pvalue, record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize("record", records("G_base", "chisq.test/"), ids=identifier)
def test_chi_square_equals_chisq_test(record):
    table, corrected, expected = table_of(record), record["id"].endswith("TRUE"), record["outputs"]
    test = cochran_mantel_haenszel_test(table, method="cochran", correct=corrected)
    assert_same(test.statistic, expected["statistic"])
    assert_same(test.pvalue, expected["p.value"], rel=1e-9)


SCORE = [(risk_ratio, "koopman"), (odds_ratio, "score"), (risk_difference, "mee")]


def _has_cases_and_noncases(record):
    """R divides 0 by 0 where everybody is a case or nobody is."""
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return a + c > 0 and b + d > 0


@pytest.mark.parametrize(("measure", "method"), SCORE, ids=["koopman", "score", "mee"])
@pytest.mark.parametrize(
    "record",
    records("G_base", "chisq.test/", keep=lambda r: r["id"].endswith("FALSE") and _has_cases_and_noncases(r)),
    ids=identifier,
)
def test_score_pvalues_are_the_uncorrected_chi_square(record, measure, method):
    assert_same(measure(table_of(record), method=method).pvalue, record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize("record", records("G_base", "vcd.assocstats/"), ids=identifier)
def test_pearson_equals_assocstats(record):
    _, (statistic, _, pvalue) = record["outputs"]["chisq_tests"]["rows"]
    test = cochran_mantel_haenszel_test(table_of(record), method="cochran")
    assert_same(test.statistic, statistic)
    # vcd subtracts from 1.
    assert_same(test.pvalue, pvalue, rel=1e-9, abs_=1e-15)


@pytest.mark.parametrize("measure", [risk_ratio, odds_ratio])
@pytest.mark.parametrize(
    "record", records("G_base", "vcd.assocstats/", keep=_has_cases_and_noncases), ids=identifier
)
def test_likelihood_ratio_equals_assocstats(record, measure):
    (statistic, _, _), _ = record["outputs"]["chisq_tests"]["rows"]
    # From the statistic, because vcd subtracts from 1.
    expected = float(chdtrc(1, number(statistic)))
    assert_same(measure(table_of(record), method="likelihood-ratio").pvalue, expected, rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/less")), ids=identifier
)
def test_exact_pvalue_is_twice_the_smaller_tail_of_fisher_test(record):
    (greater,) = records("G_base", record["id"].replace("/less", "/greater"))
    tails = [number(r["outputs"]["p.value"]) for r in (record, greater)]
    assert_same(odds_ratio(table_of(record), method="exact").pvalue, min(1, 2 * min(tails)), rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/two.sided")), ids=identifier
)
def test_exact_test_of_one_stratum_equals_fisher_test(record):
    test = cochran_mantel_haenszel_test(table_of(record), method="exact")
    assert_same(test.pvalue, record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    "record",
    records("G_base", "fisher.test/", keep=lambda r: not r["id"].endswith("/two.sided")),
    ids=identifier,
)
def test_exact_limits_equal_fisher_test_at_90_percent(record):
    estimate, side = odds_ratio(table_of(record), method="exact", confidence_level=0.9), _side(record)
    pairs = list(zip((estimate.low, estimate.high), numbers(record["outputs"]["conf.int"]), strict=True))
    for ours, theirs in {"less": pairs[1:], "greater": pairs[:1], "both": pairs}[side]:
        # R searches the ratio below 1 or its inverse to 1.2e-4 absolute.
        below = [x if theirs <= 1 else 1 / x for x in (float(ours), float(theirs))]
        assert below[0] == pytest.approx(below[1], abs=1.3e-4)


def test_exact_pvalue_far_in_the_tail_is_twice_that_of_fisher_test():
    # The null lies 16.4 standard deviations from the observed cell.
    (record,) = records("G_base", "fisher.test/", keep=lambda r: r["id"] == "fisher.test/t13/greater")
    assert record["outputs"]["p.value"] < 1e-60
    assert_same(
        odds_ratio(table_of(record), method="exact").pvalue, 2 * record["outputs"]["p.value"], rel=1e-9
    )


@pytest.mark.parametrize("record", records("G_base", "mcnemar_exact/"), ids=identifier)
def test_exact_paired_odds_ratio_equals_binom_test(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    paired = PairedTable(both=a, exposed_only=b, control_only=c, neither=d)
    estimate = paired_odds_ratio(paired, method="exact")
    low, high = numbers(record["outputs"]["conf.int"])
    with np.errstate(divide="ignore"):
        # The share of the pairs, as odds.
        assert_same([estimate.low, estimate.high], [low / (1 - low), high / np.float64(1 - high)])


@pytest.mark.parametrize("record", records("G_base", "vcd.loddsratio/"), ids=identifier)
def test_woolf_equals_vcd(record):
    expected = record["outputs"]
    estimate = odds_ratio(table_of(record), correction=0.5)
    assert_same(np.log(estimate.value), expected["est"], abs_=1e-14)
    assert_same(estimate.std_error**2, expected["vcov"])
    assert_same(np.log([estimate.low, estimate.high]), expected["ci"], abs_=1e-14)


# Strata.


@pytest.mark.parametrize("record", records("G_base", "mantelhaen.test/"), ids=identifier)
def test_mantel_haenszel_equals_mantelhaen_test(record):
    # "drop_empty": with the correction, and without the strata that inform nobody, which change nothing.
    expected, strata = record["outputs"], _strata(record)
    estimate = mantel_haenszel(strata)
    assert_same([estimate.value, estimate.low, estimate.high], [expected["estimate"], *expected["conf.int"]])
    test = cochran_mantel_haenszel_test(strata, correct=not record["id"].endswith("FALSE"))
    assert_same(test.statistic, expected["statistic"])
    assert_same(test.pvalue, expected["p.value"], rel=1e-9)


def _has_a_zero(record):
    strata = _strata(record)
    cells = (strata.exposed_cases, strata.exposed_noncases, strata.control_cases, strata.control_noncases)
    return any((cell == 0).any() for cell in cells)


@pytest.mark.parametrize("record", records("G_base", "vcd.woolf_test/"), ids=identifier)
def test_woolf_test_equals_vcd(record):
    strata, expected = _strata(record), record["outputs"]
    # As soon as one cell is empty vcd adds 1/2 to every cell, also of strata without cases, which inform
    # nobody and are left out here: so the halves are added first, by counting in halves. That doubles all
    # weights, and the statistic with them.
    added = 1 if _has_a_zero(record) else 0
    halves = TwoByTwo.from_cells(
        exposed_cases=2 * strata.exposed_cases + added,
        exposed_noncases=2 * strata.exposed_noncases + added,
        control_cases=2 * strata.control_cases + added,
        control_noncases=2 * strata.control_noncases + added,
    )
    test = homogeneity_test(halves, method="woolf")
    assert_same(test.statistic / 2, expected["statistic"])
    assert float(test.df) == expected["parameter"]
    # vcd subtracts from 1.
    assert_same(chdtrc(test.df, test.statistic / 2), expected["p.value"], rel=1e-9, abs_=1e-15)


@pytest.mark.parametrize(
    "record", records("G_base", "vcd.woolf_test/", keep=lambda r: not _has_a_zero(r)), ids=identifier
)
def test_woolf_test_without_zeros_equals_vcd(record):
    test = homogeneity_test(_strata(record), method="woolf", correction=0.5, correct="all-if-any-zero")
    assert_same(test.statistic, record["outputs"]["statistic"])
    assert_same(test.pvalue, record["outputs"]["p.value"], rel=1e-9, abs_=1e-15)
