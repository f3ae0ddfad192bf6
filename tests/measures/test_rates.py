import numpy as np
import pytest

from analysis import Rate, TwoRates, incidence_rate, rate_ratio
from reference_values import identifier, numbers, records


@pytest.mark.parametrize(
    "record",
    records("G_base", "poisson.test1", keep=lambda record: record["id"].endswith("two.sided")),
    ids=identifier,
)
def test_exact_interval_equals_r(record):
    expected = record["outputs"]
    estimate = incidence_rate(Rate(events=expected["statistic"], person_time=expected["parameter"]))
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(
        numbers(expected["conf.int"]), rel=1e-10
    )


def test_rate_ratio_by_hand_and_its_zero_cells():
    rates = TwoRates(
        exposed_events=[112, 0, 4, 0], exposed_time=45388, control_events=[365, 3, 0, 0], control_time=224192
    )
    estimate = rate_ratio(rates)
    assert estimate.value[0] == pytest.approx((112 / 45388) / (365 / 224192), rel=1e-14)
    assert estimate.std_error[0] == pytest.approx(np.sqrt(1 / 112 + 1 / 365), rel=1e-14)
    np.testing.assert_array_equal(estimate.value[1:], [0, np.inf, np.nan])
    np.testing.assert_array_equal(estimate.low[1:], 0)
    np.testing.assert_array_equal(estimate.high[1:], np.inf)
    corrected = rate_ratio(rates, correction=0.5)
    assert corrected.value[0] == estimate.value[0]
    assert corrected.value[1] == pytest.approx((0.5 / 45388) / (3.5 / 224192))
    assert corrected.correction == 0.5


def test_published_rates():
    # Tsur 2022 prints a crude hazard ratio of 1.52 (1.23-1.88) from rates of 2.47 and 1.63 per 1000.
    ratio = rate_ratio(
        TwoRates(exposed_events=112, exposed_time=45388, control_events=[365, 366], control_time=224192)
    )
    assert ratio.value.round(2).tolist() == [1.52, 1.51]
