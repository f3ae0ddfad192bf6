"""What epitools prints. Its row 1 is the unexposed, its column 1 the non-cases."""

import numpy as np
import pytest

from analysis import (
    Proportion,
    TwoRates,
    cochran_mantel_haenszel_test,
    odds_ratio,
    prevalence,
    rate_ratio,
)
from reference_values import assert_same, identifier, numbers, records, table_of


def _rates(record):
    a, t1, c, t0 = (record["inputs"][name] for name in ("a", "T1", "c", "T0"))
    return TwoRates(exposed_events=a, exposed_time=t1, control_events=c, control_time=t0)


def _level(record):
    return float(record["id"].split("/")[2])


def _measure(record):
    return numbers(record["outputs"]["measure"]["rows"][1])


@pytest.mark.parametrize("record", records("F_epitools", "ormidp.test/"), ids=identifier)
def test_mid_p_pvalue_equals_epitools(record):
    # epitools subtracts from 1, which leaves 0 of a small tail.
    assert_same(
        odds_ratio(table_of(record), method="mid-p").pvalue,
        record["outputs"]["two.sided"],
        rel=1e-9,
        abs_=1e-15,
    )


@pytest.mark.parametrize("record", records("F_epitools", "oddsratio/wald_corr/"), ids=identifier)
def test_corrected_chi_square_equals_epitools(record):
    test = cochran_mantel_haenszel_test(table_of(record), method="cochran", correct=True)
    assert_same(test.pvalue, record["outputs"]["p.value"]["rows"][1][2], rel=1e-9)


@pytest.mark.parametrize("record", records("F_epitools", "rateratio/midp/"), ids=identifier)
def test_mid_p_rate_ratio_equals_epitools(record):
    # The tolerance of its mid-P search in the notes on the records; E3_score_own has these limits to 1e-14.
    estimate = rate_ratio(_rates(record), method="mid-p", confidence_level=_level(record))
    assert_same([estimate.low, estimate.high], _measure(record)[1:], rel=1e-3)


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
