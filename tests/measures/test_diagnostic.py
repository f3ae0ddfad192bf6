import numpy as np
import pytest

from analysis import Proportion, predictive_values


def test_bayes_theorem_by_counting_people():
    # Of 100 000 people 319 have the disease, 287.1 of them carry the marker; 6100 carry it in all.
    prevalence, carriers, sensitivity = 0.00319, 0.061, 0.9
    specificity = 1 - (carriers - sensitivity * prevalence) / (1 - prevalence)
    values = predictive_values(sensitivity=sensitivity, specificity=specificity, prevalence=prevalence)
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
