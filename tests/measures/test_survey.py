import numpy as np
import pytest

from analysis import Proportion, nonresponse_bounds, prevalence, survey_prevalence, true_prevalence
from reference_values import identifier, number, records

# epi.prev steps Blaker's limits by 1e-4 and does not cut to [0, 1].
R_METHODS = {"c-p": ("clopper-pearson", 1e-9), "wilson": ("wilson", 1e-9), "blaker": ("blaker", 2e-4)}


def _is_comparable(record):
    method, x, n = record["id"].split("/")[1], record["inputs"]["x"], record["inputs"]["n"]
    # At one event (or all but one) the package puts another limit in the place of Wilson's.
    return method in R_METHODS and not (method == "wilson" and x in {1, n - 1})


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.prev/", keep=_is_comparable), ids=identifier)
def test_known_errors_equal_epir(record):
    _, name, se, sp, _ = record["id"].split("/")
    method, tolerance = R_METHODS[name]
    estimate = true_prevalence(
        Proportion(events=record["inputs"]["x"], total=record["inputs"]["n"]),
        sensitivity=float(se),
        specificity=float(sp),
        method=method,
    )
    expected = record["outputs"]["tp"]
    for ours, theirs in (("value", "est"), ("low", "lower"), ("high", "upper")):
        assert float(getattr(estimate, ours)) == pytest.approx(
            np.clip(number(expected[theirs]), 0, 1), rel=1e-9, abs=tolerance
        )


def test_a_perfect_test_changes_nothing():
    proportion = Proportion(events=[0, 7, 30], total=30)
    plain = prevalence(proportion, method="blaker")
    perfect = true_prevalence(proportion, sensitivity=1, specificity=1)
    np.testing.assert_allclose(perfect.low, plain.low, rtol=1e-14)
    np.testing.assert_allclose(perfect.high, plain.high, rtol=1e-14)


def test_lang_reiczigel_holds_its_level():
    rng = np.random.default_rng(11)
    size = 20_000
    for true, se, sp in ((0.05, 0.9, 0.97), (0.3, 0.8, 0.9), (0.6, 0.95, 0.85)):
        positive = rng.binomial(400, true * se + (1 - true) * (1 - sp), size)
        estimate = true_prevalence(
            Proportion(events=positive, total=400),
            sensitivity=Proportion(events=rng.binomial(120, se, size), total=120),
            specificity=Proportion(events=rng.binomial(200, sp, size), total=200),
        )
        coverage = ((estimate.low <= true) & (true <= estimate.high)).mean()
        assert 0.94 < coverage < 0.98, (true, coverage)


def test_lang_reiczigel_with_endless_validation_is_agresti_coull():
    proportion, many = Proportion(events=60, total=300), 10**12
    counted = true_prevalence(
        proportion,
        sensitivity=Proportion(events=9 * many // 10, total=many),
        specificity=Proportion(events=19 * many // 20, total=many),
    )
    known = true_prevalence(proportion, sensitivity=0.9, specificity=0.95, method="agresti-coull")
    assert float(counted.low) == pytest.approx(float(known.low), rel=1e-6)
    assert float(counted.high) == pytest.approx(float(known.high), rel=1e-6)


@pytest.mark.parametrize(
    ("se", "sp", "message"),
    [
        (0.5, 0.5, "must exceed 1, but got 0.5 . 0.5"),
        (0.9, Proportion(events=9, total=10), "both be probabilities or both be Proportions"),
        (1.2, 0.9, "`sensitivity` must be between 0 and 1"),
    ],
)
def test_bad_tests_are_refused(se, sp, message):
    with pytest.raises(ValueError, match=message):
        true_prevalence(Proportion(events=1, total=10), sensitivity=se, specificity=sp)


def test_design_effect_and_finite_population():
    proportion = Proportion(events=30, total=200)
    plain, design, finite, census = (
        survey_prevalence(proportion, **options)
        for options in ({}, {"design_effect": 2}, {"population_size": 400}, {"population_size": 200})
    )
    assert plain.low == prevalence(proportion).low
    halved = prevalence(Proportion(events=15, total=100))
    assert design.low == pytest.approx(float(halved.low), rel=1e-14)
    assert plain.low < finite.low < finite.high < plain.high
    # Wald: the variance of a sample without replacement, p q/n (N - n)/(N - 1).
    wald = survey_prevalence(proportion, population_size=400, method="wald")
    assert wald.std_error == pytest.approx(np.sqrt(0.15 * 0.85 / 200 * 200 / 399), rel=1e-12)
    assert census.high - census.low == pytest.approx(0, abs=1e-5)
    for options, message in (
        ({"design_effect": 0}, "`design_effect` must be greater than 0, but got 0"),
        ({"population_size": 199}, "at least the size of the sample"),
        ({"method": "mid-p"}, "needs whole counts"),
    ):
        with pytest.raises(ValueError, match=message):
            survey_prevalence(proportion, **options)


def test_nobody_missing_is_the_plain_interval_and_more_missing_is_wider():
    proportion = Proportion(events=40, total=100)
    plain, none, some = prevalence(proportion), *(nonresponse_bounds(proportion, missing=m) for m in (0, 50))
    assert (none.low, none.high) == (plain.low, plain.high)
    assert some.low < 40 / 150 < 90 / 150 < some.high
    with pytest.raises(ValueError, match="`missing` must be a whole number of at least 0, but got -1"):
        nonresponse_bounds(proportion, missing=-1)
