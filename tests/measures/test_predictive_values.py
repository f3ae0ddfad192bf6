import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Proportion, likelihood_ratios, sensitivity, specificity
from analysis.measures.predictive_values import (
    observed_predictive_values,
    post_test_probability,
    predictive_values,
)
from reference_values import EPIR_INTERVALS, epir_statistics, identifier, positives_of, records


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.tests/"), ids=identifier)
def test_proportions_equalepir_statistics(record):
    method = EPIR_INTERVALS[record["id"].split("/")[1]]
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    positives = positives_of(a, b, c, d)
    observed = observed_predictive_values(**positives, method=method)
    ours = {"pv.pos": observed.positive, "pv.neg": observed.negative}
    counts = {"pv.pos": (a, a + b), "pv.neg": (d, c + d)}
    for name, estimate in ours.items():
        value, low, high = epir_statistics(record)[name]
        events, total = counts[name]
        if total == 0:
            assert np.isnan(estimate.value), name
            assert (estimate.low, estimate.high) == (0, 1), name
            continue
        if method != "agresti-coull":  # the package prints the shifted centre as the estimate
            assert estimate.value == pytest.approx(value, rel=1e-12, abs=1e-15), name
        if method == "jeffreys":  # the package leaves out Brown, Cai and DasGupta's fixed ends
            low, high = low if events > 0 else 0, high if events < total else 1
        # The package does not cut Agresti and Coull's limits to [0, 1].
        assert estimate.low == pytest.approx(max(low, 0), rel=1e-8, abs=1e-12), name
        assert estimate.high == pytest.approx(min(high, 1), rel=1e-8, abs=1e-12), name


def test_post_test_probability_equals_epir():
    (record,) = records("E_epiR_misc", "ss/23/epi.nomogram")
    after = post_test_probability(
        [record["outputs"]["lr"]["pos"], record["outputs"]["lr"]["neg"]], prevalence=0.25
    )
    expected = record["outputs"]["post"]
    np.testing.assert_allclose(after.value, [expected["opos.tpos"], expected["opos.tneg"]], rtol=1e-12)
    assert np.isnan(after.low).all()


def test_bayes_theorem_by_counting_people():
    # Of 100 000 people 319 have the disease, 287.1 of them carry the marker; 6100 carry it in all.
    prevalence, carriers, share = 0.00319, 0.061, 0.9
    without = 1 - (carriers - share * prevalence) / (1 - prevalence)
    values = predictive_values(sensitivity=share, specificity=without, prevalence=prevalence)
    assert values.positive.value == pytest.approx(287.1 / 6100, rel=1e-12)
    assert values.negative.value == pytest.approx(1 - 31.9 / 93900, rel=1e-12)
    assert np.isnan(values.positive.low)  # numbers without a sample have no interval


def test_intervals_need_counts_and_follow_the_formula():
    values = predictive_values(
        sensitivity=Proportion(events=80, total=100),
        specificity=Proportion(events=180, total=200),
        prevalence=0.1,
    )
    positive = values.positive
    assert positive.value == pytest.approx(0.08 / (0.08 + 0.09))
    assert positive.std_error == pytest.approx(np.sqrt(0.2 / 80 + 0.9 / (0.1 * 200)))
    assert 0 < positive.low < positive.value < positive.high < 1
    assert (positive.method, positive.measure, values.negative.measure) == ("mercaldo", "PPV", "NPV")


def test_mercaldos_interval_is_simels_at_a_prevalence():
    # logit PPV is logit prevalence plus log LR+, so a known prevalence leaves Simel's standard error.
    positives = positives_of(80, 20, 20, 180)
    values = predictive_values(
        sensitivity=Proportion(events=80, total=100),
        specificity=Proportion(events=180, total=200),
        prevalence=[0.01, 0.3],
    )
    ratios = likelihood_ratios(**positives)
    after = post_test_probability(ratios.positive, prevalence=[0.01, 0.3])
    for name in ("value", "low", "high", "std_error"):
        np.testing.assert_allclose(getattr(after, name), getattr(values.positive, name), rtol=1e-12)
    diseased_though_negative = post_test_probability(ratios.negative, prevalence=[0.01, 0.3])
    np.testing.assert_allclose(1 - diseased_though_negative.low, values.negative.high, rtol=1e-12)


def test_a_perfect_sample_bounds_nothing():
    values = predictive_values(
        sensitivity=Proportion(events=9, total=9), specificity=Proportion(events=5, total=5), prevalence=0.5
    )
    assert (values.positive.value, values.positive.low, values.positive.high) == (1, 0, 1)


def test_an_array_of_prevalences():
    values = predictive_values(sensitivity=0.9, specificity=0.95, prevalence=[0.001, 0.01, 0.1])
    assert (np.diff(values.positive.value) > 0).all()
    with pytest.raises(ValueError, match="`prevalence` must be between 0 and 1, but got 10 at index 1"):
        predictive_values(sensitivity=0.9, specificity=0.95, prevalence=[0.1, 10])


@given(counts=st.tuples(*[st.integers(1, 400)] * 4))
def test_bayes_theorem_gives_the_observed_values_at_the_share_of_diseased(counts):
    positives = positives_of(*counts)
    se = sensitivity(positives_among_diseased=positives["positives_among_diseased"])
    sp = specificity(positives_among_healthy=positives["positives_among_healthy"])
    observed = observed_predictive_values(**positives)
    share = (counts[0] + counts[2]) / sum(counts)
    bayes = predictive_values(sensitivity=se.value, specificity=sp.value, prevalence=share)
    assert bayes.positive.value == pytest.approx(float(observed.positive.value))
    assert bayes.negative.value == pytest.approx(float(observed.negative.value))


@pytest.mark.parametrize("method", ["koopman", "miettinen-nurminen"])
def test_score_intervals_bound_the_probability_after_a_test_without_falsepositives_of(method):
    ratios = likelihood_ratios(**positives_of(10, 0, 3, 7), method=method)
    after = post_test_probability(ratios.positive, prevalence=0.1)
    assert 0.1 < after.low < after.value == 1 == after.high


def test_ends_of_the_post_test_probability():
    after = post_test_probability([0, np.inf, 3, np.inf, np.nan], prevalence=[0.2, 0.2, 0, 0, 0.2])
    np.testing.assert_array_equal(after.value, [0, 1, 0, 0, np.nan])
    assert post_test_probability(0, prevalence=1).value == 1


def test_pairs_show_themselves():
    values = observed_predictive_values(**positives_of(231, 27, 32, 54))
    frame = values.to_frame()
    assert frame["measure"].tolist() == ["PPV", "NPV"]
    assert "positive: 89.5%" in str(values)
    assert "<table" in values._repr_html_()


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="`likelihood_ratio` must be at least 0, but got -1"):
        post_test_probability([2, -1], prevalence=0.1)
    with pytest.raises(ValueError, match="`prevalence` must be between 0 and 1"):
        post_test_probability(2, prevalence=5)
    with pytest.raises(ValueError, match="must broadcast"):
        observed_predictive_values(
            positives_among_diseased=Proportion(events=[1, 2], total=3),
            positives_among_healthy=Proportion(events=[1, 2, 3], total=3),
        )
