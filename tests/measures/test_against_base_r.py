"""What base R and vcd print of one table. Other functions of base R are compared beside what they test."""

import numpy as np
import pytest

from analysis import (
    PairedTable,
    TwoByTwo,
    cochran_mantel_haenszel_test,
    odds_ratio,
    paired_odds_ratio,
)
from reference_values import identifier, numbers, records


def _table(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


def _same(ours, theirs, *, rel=1e-10, abs_=1e-300):
    expected = theirs if isinstance(theirs, np.ndarray) else numbers(theirs)
    np.testing.assert_allclose(np.asarray(ours, dtype=float), expected, rtol=rel, atol=abs_)


@pytest.mark.parametrize("record", records("G_base", "chisq.test/"), ids=identifier)
def test_chi_square_equals_chisq_test(record):
    table, corrected, expected = _table(record), record["id"].endswith("TRUE"), record["outputs"]
    test = cochran_mantel_haenszel_test(table, method="cochran", correct=corrected)
    _same(test.statistic, expected["statistic"])
    _same(test.pvalue, expected["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/two.sided")), ids=identifier
)
def test_exact_test_of_one_stratum_equals_fisher_test(record):
    test = cochran_mantel_haenszel_test(_table(record), method="exact")
    _same(test.pvalue, record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize(
    "record", records("G_base", "fisher.test/", keep=lambda r: r["id"].endswith("/ci90")), ids=identifier
)
def test_exact_limits_equal_fisher_test_at_90_percent(record):
    estimate = odds_ratio(_table(record), method="exact", confidence_level=0.9)
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
    _same(odds_ratio(_table(record), method="exact").pvalue, 2 * record["outputs"]["p.value"], rel=1e-9)


@pytest.mark.parametrize("record", records("G_base", "mcnemar_exact/"), ids=identifier)
def test_exact_paired_odds_ratio_equals_binom_test(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    paired = PairedTable(both=a, exposed_only=b, control_only=c, neither=d)
    estimate = paired_odds_ratio(paired, method="exact")
    low, high = numbers(record["outputs"]["conf.int"])
    with np.errstate(divide="ignore"):
        # The share of the pairs, as odds.
        _same([estimate.low, estimate.high], [low / (1 - low), high / np.float64(1 - high)])


@pytest.mark.parametrize("record", records("G_base", "vcd.loddsratio/"), ids=identifier)
def test_woolf_equals_vcd(record):
    expected = record["outputs"]
    estimate = odds_ratio(_table(record), correction=0.5)
    _same(np.log(estimate.value), expected["est"], abs_=1e-14)
    _same(estimate.std_error**2, expected["vcov"])
    _same(np.log([estimate.low, estimate.high]), expected["ci"], abs_=1e-14)
