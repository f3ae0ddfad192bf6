"""What base R and vcd print of one table. Other functions of base R are compared beside what they test."""

import numpy as np
import pytest

from analysis import (
    PairedTable,
    cochran_mantel_haenszel_test,
    odds_ratio,
    paired_odds_ratio,
)
from reference_values import assert_same, identifier, numbers, records, table_of


@pytest.mark.parametrize("record", records("G_base", "chisq.test/"), ids=identifier)
def test_chi_square_equals_chisq_test(record):
    table, corrected, expected = table_of(record), record["id"].endswith("TRUE"), record["outputs"]
    test = cochran_mantel_haenszel_test(table, method="cochran", correct=corrected)
    assert_same(test.statistic, expected["statistic"])
    assert_same(test.pvalue, expected["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/two.sided")), ids=identifier
)
def test_exact_test_of_one_stratum_equals_fisher_test(record):
    test = cochran_mantel_haenszel_test(table_of(record), method="exact")
    assert_same(test.pvalue, record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/ci90")), ids=identifier
)
def test_exact_limits_equal_fisher_test_at_90_percent(record):
    estimate = odds_ratio(table_of(record), method="exact", confidence_level=0.9)
    for ours, theirs in zip(
        (estimate.low, estimate.high), numbers(record["outputs"]["conf.int"]), strict=True
    ):
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
