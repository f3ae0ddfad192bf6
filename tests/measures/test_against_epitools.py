"""What epitools prints. Its row 1 is the unexposed, its column 1 the non-cases."""

import numpy as np
import pytest

from analysis import (
    Proportion,
    TwoByTwo,
    TwoRates,
    cochran_mantel_haenszel_test,
    odds_ratio,
    prevalence,
    rate_ratio,
)
from reference_values import identifier, numbers, records


def _table(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


def _rates(record):
    a, t1, c, t0 = (record["inputs"][name] for name in ("a", "T1", "c", "T0"))
    return TwoRates(exposed_events=a, exposed_time=t1, control_events=c, control_time=t0)


def _level(record):
    return float(record["id"].split("/")[2])


def _measure(record):
    return numbers(record["outputs"]["measure"]["rows"][1])


def _same(ours, theirs, *, rel=1e-10, abs_=1e-300):
    expected = theirs if isinstance(theirs, np.ndarray) else numbers(theirs)
    np.testing.assert_allclose(np.asarray(ours, dtype=float), expected, rtol=rel, atol=abs_)


@pytest.mark.parametrize("record", records("F_epitools", "ormidp.test/"), ids=identifier)
def test_mid_p_pvalue_equals_epitools(record):
    # epitools subtracts from 1, which leaves 0 of a small tail.
    _same(
        odds_ratio(_table(record), method="mid-p").pvalue,
        record["outputs"]["two.sided"],
        rel=1e-9,
        abs_=1e-15,
    )


@pytest.mark.parametrize("record", records("F_epitools", "oddsratio/wald_corr/"), ids=identifier)
def test_corrected_chi_square_equals_epitools(record):
    test = cochran_mantel_haenszel_test(_table(record), method="cochran", correct=True)
    _same(test.pvalue, record["outputs"]["p.value"]["rows"][1][2], rel=1e-9)


@pytest.mark.parametrize("record", records("F_epitools", "rateratio/midp/"), ids=identifier)
def test_mid_p_rate_ratio_equals_epitools(record):
    # The tolerance of its mid-P search in the notes on the records; E3_score_own has these limits to 1e-14.
    estimate = rate_ratio(_rates(record), method="mid-p", confidence_level=_level(record))
    _same([estimate.low, estimate.high], _measure(record)[1:], rel=1e-3)


BINOM = {"binom.exact": "clopper-pearson", "binom.wilson": "wilson", "binom.approx": "wald"}


@pytest.mark.parametrize(
    "record", [r for name in BINOM for r in records("F_epitools", f"{name}/")], ids=identifier
)
def test_proportions_equal_epitools(record):
    name, level = record["id"].split("/")
    given_, expected = record["inputs"], record["outputs"]
    proportion = Proportion(events=given_["x"], total=given_["n"])
    estimate = prevalence(proportion, method=BINOM[name], confidence_level=float(level))
    _same(estimate.value, expected["proportion"])
    _same(estimate.low, np.clip(numbers(expected["lower"]), 0, 1), abs_=1e-14)
    _same(estimate.high, np.clip(numbers(expected["upper"]), 0, 1), abs_=1e-14)
