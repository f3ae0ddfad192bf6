import numpy as np
import pytest

from analysis.measures.association import risk_ratio
from analysis.measures.natural_frequencies import natural_frequencies
from analysis.measures.predictive_values import predictive_values
from analysis.measures.proportion import prevalence
from analysis.values.counts import Proportion, TwoByTwo

TABLE = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)


def test_a_table_gives_the_risks_of_its_arms_with_intervals():
    result = natural_frequencies(TABLE, confidence_level=0.9)
    assert result.label == ("Exposed", "Control")
    np.testing.assert_allclose(result.risk, [90 / 4006, 114 / 20030])
    wilson = prevalence(Proportion(events=90, total=4006), confidence_level=0.9)
    assert result.low[0] == wilson.low
    assert result.high[0] == wilson.high
    assert result.confidence_level == 0.9
    np.testing.assert_array_equal(natural_frequencies(TABLE[np.newaxis]).count, result.count)


def test_predictive_values_give_the_disease_among_positives_and_negatives():
    values = predictive_values(
        sensitivity=Proportion(events=90, total=100),
        specificity=Proportion(events=160, total=200),
        prevalence=0.1,
    )
    result = natural_frequencies(values)
    # Of 1000, 90 of 100 ill and 180 of 900 healthy are positive, 10 ill and 720 healthy negative.
    np.testing.assert_allclose(result.risk, [90 / 270, 10 / 730])
    # 33 and 1 of 100 would make a ratio of 24 one of 33.
    assert (result.count.tolist(), result.out_of) == ([333, 14], 1000)
    assert natural_frequencies(values, out_of=100).count.tolist() == [33, 1]
    assert result.low[1] == pytest.approx(1 - values.negative.high)
    assert (result.low < result.risk).all()
    assert (result.risk < result.high).all()


def test_the_claim_about_carriers():
    # 90 % of patients and 6.1 % of the population carry HLA-B27; 0.319 % have the disease.
    specificity = 1 - (0.061 - 0.9 * 0.00319) / (1 - 0.00319)
    values = predictive_values(sensitivity=0.9, specificity=specificity, prevalence=0.00319)
    result = natural_frequencies(values, label=["Carriers", "Others"])
    assert result.count.tolist() == [5, 0]
    assert result.risk[0] == pytest.approx(0.9 * 0.00319 / 0.061)
    assert np.isnan(result.low).all()


@pytest.mark.parametrize(
    ("risk", "of_100", "of_1000"),
    [(0.285, 29, 285), (0.0045, 0, 5), (0.005, 1, 5), (0, 0, 0), (1, 100, 1000), (0.9999, 100, 1000)],
)
def test_halves_are_rounded_up_as_papers_do(risk, of_100, of_1000):
    assert natural_frequencies(risk, out_of=100).count.item() == of_100
    assert natural_frequencies(risk, out_of=1000).count.item() == of_1000


@pytest.mark.parametrize(
    ("risks", "people"), [([0.2, 0.05], 100), ([0.2, 0.004], 1000), ([0.2, 0.0004], 100)]
)
def test_people_are_as_many_as_show_the_rarest_risk(risks, people):
    assert natural_frequencies(risks).out_of == people


def test_the_frame_has_a_row_a_group():
    frame = natural_frequencies([0.1, 0.2], label=["A", "B"]).to_frame()
    assert frame["count"].tolist() == [10, 20]
    assert frame.group.tolist() == ["A", "B"]


def test_an_estimate_of_proportions_brings_its_interval():
    estimate = prevalence(Proportion(events=[3, 30], total=[10, 100]), confidence_level=0.8)
    result = natural_frequencies(estimate)
    np.testing.assert_array_equal(result.high, estimate.high)
    assert result.label == ("Group 1", "Group 2")
    assert result.confidence_level == 0.8


@pytest.mark.parametrize(
    ("risks", "options", "error", "message"),
    [
        (1.2, {}, ValueError, "`risks` must be between 0 and 1, but got 1.2"),
        ([0.1, np.nan], {}, ValueError, "`risks` must be between 0 and 1, but got nan at index 1"),
        ("0.1", {}, TypeError, "`risks` must be numbers"),
        (0.1, {"out_of": 50}, ValueError, "`out_of` must be 100 or 1000, but got 50"),
        (0.1, {"label": ["A", "B"]}, ValueError, "each of the 1 groups, but has 2"),
        (0.1, {"label": "A"}, TypeError, "sequence of texts, but got the text 'A'"),
        (0.1, {"confidence_level": 95}, ValueError, "`confidence_level` must be between 0 and 1"),
        (risk_ratio(TABLE), {}, ValueError, "`risks` must be proportions, but got an estimate of 'RR'"),
        (
            TwoByTwo(exposed_cases=[1, 2], exposed_total=9, control_cases=1, control_total=9),
            {},
            ValueError,
            r"must be one table, but got \(2,\) of them; select one, as table\[0\]",
        ),
        (
            predictive_values(sensitivity=0.9, specificity=0.8, prevalence=[0.1, 0.2]),
            {},
            ValueError,
            "must be one pair of predictive values, but got 2",
        ),
    ],
)
def test_wrong_input_is_named(risks, options, error, message):
    with pytest.raises(error, match=message):
        natural_frequencies(risks, **options)


def test_an_arm_without_people_is_refused():
    empty = TwoByTwo(exposed_cases=0, exposed_total=0, control_cases=1, control_total=9)
    with pytest.raises(ValueError, match="`risks` must be between 0 and 1, but got nan at index 0"):
        natural_frequencies(empty)


@pytest.mark.parametrize(
    ("risks", "people"),
    [
        # 90/4006 and 114/20030: a ratio of 3.95, of which 2 and 1 of 100 leave 2.
        ([90 / 4006, 114 / 20030], 1000),
        # 20/14.6 = 1.37 and 20/15 = 1.33: 2.7 % off.
        ([0.2, 0.146], 100),
        # 40/5.4 = 7.4 and 40/5 = 8: 8 % off; 40/4.44 = 9.01 and 40/4 = 10: 11 % off, in either order.
        ([0.4, 0.054], 100),
        ([0.4, 0.0444], 1000),
        ([0.0444, 0.4], 1000),
        # 8.3/4.7 = 1.77 and 8/5 = 1.6: 9 % off.
        ([0.047, 0.083], 100),
        # Only the first and the last of three are far off: 40/4.44.
        ([0.0444, 0.043, 0.4], 1000),
        # Both are rounded up alike, and their ratio stays.
        ([0.0455, 0.0455], 100),
        # One group has no ratio; nobody has none either.
        ([0.014], 100),
        ([0.3, 0.0], 100),
    ],
)
def test_rounding_does_not_distort_the_ratio_of_two_groups(risks, people):
    result = natural_frequencies(risks)
    assert result.out_of == people


def test_the_ratio_of_the_osteoporosis_table_survives():
    result = natural_frequencies(TABLE)
    assert (result.count.tolist(), result.out_of) == ([22, 6], 1000)
    exact = risk_ratio(TABLE).value
    assert result.count[0] / result.count[1] == pytest.approx(exact, rel=0.1)
