"""Probabilistic bias analysis of events over person-time: closed forms, simulated cohorts, random error."""

import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes, TwoByTwo, TwoRates, pool, rate_difference, rate_ratio
from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.misclassification import adjust_misclassification
from analysis.bias.multiple import bias_adjust_in_sequence
from analysis.bias.pooled import pool_bias_adjusted
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    ExposureMisclassification,
    MBias,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from analysis.bias.tipping import tipping_point
from reference_values import assert_same

RATES = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
CRUDE = 60 / 4000 / (40 / 9000)
RECORD = OutcomeMisclassification(
    sensitivity="uniform(0.6, 0.9)",
    control_sensitivity=0.95,
    positive_predictive_value=1,
    control_positive_predictive_value=0.9,
)


def systematic(bias, measure=None, data=RATES):
    result = probabilistic_bias_analysis(
        data, biases=bias, measure=measure, rng=1, draws=100, random_error="none"
    )
    return result.systematic[2]


def test_the_rate_ratio_is_what_is_adjusted():
    result = probabilistic_bias_analysis(RATES, biases=RECORD, rng=1, draws=200_000, random_error="none")
    assert (result.measure, result.scale) == ("IRR", "log")
    assert_same(result.conventional.value, CRUDE, rel=1e-12)
    for place, p in enumerate(result.probabilities):
        # The rate ratio falls with sensitivity among the exposed.
        exact = CRUDE / (0.6 + 0.3 * (1 - p)) / (0.9 / 0.95)
        assert abs(np.log(result.systematic[place] / exact)) < 4 * result.systematic_error[place]
    assert str(result).startswith("IRR, no bias, random error: 3.38 (2.26 to 5.04)")


def test_the_rate_difference_is_on_its_own_scale():
    result = probabilistic_bias_analysis(
        RATES, biases=RECORD, measure="IRD", rng=1, draws=200_000, random_error="none"
    )
    assert result.scale == "identity"
    assert_same(result.conventional.value, 60 / 4000 - 40 / 9000, rel=1e-12)
    for place, p in enumerate(result.probabilities):
        exact = 60 / (0.6 + 0.3 * (1 - p)) / 4000 - 40 * 0.9 / 0.95 / 9000
        assert abs(result.systematic[place] - exact) < 4 * result.systematic_error[place]


@pytest.mark.parametrize("measure", ["IRR", "IRD"])
def test_a_sequence_of_known_biases_is_the_simple_sequence(measure):
    steps = [
        {
            "bias": "misclassification",
            "variable": "outcome",
            "sensitivity": 0.9,
            "reference_sensitivity": 0.7,
            "positive_predictive_value": 0.95,
        },
        {
            "bias": "selection",
            "exposed_cases": 0.9,
            "exposed_noncases": 0.6,
            "control_cases": 0.8,
            "control_noncases": 0.7,
        },
    ]
    biases = [
        OutcomeMisclassification(sensitivity=0.9, control_sensitivity=0.7, positive_predictive_value=0.95),
        SelectionBias(exposed_cases=0.9, exposed_noncases=0.6, control_cases=0.8, control_noncases=0.7),
    ]
    shares = {"prevalence_exposed": 0.3, "prevalence_control": 0.44}
    if measure == "IRR":
        steps.append(
            {
                "bias": "confounding",
                "confounder_effect": 1.9,
                "exposed_prevalence": 0.3,
                "control_prevalence": 0.44,
            }
        )
        biases.append(UnmeasuredConfounding(**shares, risk_ratio=1.9))
    expected = bias_adjust_in_sequence(RATES, biases=steps, measure=measure).adjusted.value
    assert_same(systematic(biases, measure), expected, rel=1e-12)


def test_a_difference_standardized_for_a_confounder():
    """Rates by level of the confounder, its effect the same ratio in both groups."""
    time, ratio = np.array([[2000.0, 2000.0], [8000.0, 1000.0]]), 3.0
    rates = np.array([[0.010], [0.004]]) * [1, ratio]
    events = (time * rates).sum(axis=1)
    crude = TwoRates._trusted(
        exposed_events=events[0],
        exposed_time=np.asarray(4000.0),
        control_events=events[1],
        control_time=np.asarray(9000.0),
    )
    bias = UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=1 / 9, risk_ratio=ratio)
    assert_same(systematic(bias, "IRD", crude), (rates[0] - rates[1]) @ [0.5, 0.5], rel=1e-12)
    assert_same(systematic(bias, "IRR", crude), 0.010 / 0.004, rel=1e-12)


def test_misclassified_exposure_moves_events_and_person_time():
    bias = ExposureMisclassification(
        sensitivity=0.9, specificity=0.95, noncases_sensitivity=0.85, noncases_specificity=0.97
    )
    # Recorded from the truth: 80 events in 5000 years of exposed, 30 in 9000 of controls.
    events = [0.9 * 80 + 0.05 * 30, 0.1 * 80 + 0.95 * 30]
    time = [0.85 * 5000 + 0.03 * 9000, 0.15 * 5000 + 0.97 * 9000]
    recorded = TwoRates._trusted(
        exposed_events=np.asarray(events[0]),
        exposed_time=np.asarray(time[0]),
        control_events=np.asarray(events[1]),
        control_time=np.asarray(time[1]),
    )
    assert_same(systematic(bias, "IRR", recorded), 80 / 5000 / (30 / 9000), rel=1e-12)
    assert_same(systematic(bias, "IRD", recorded), 80 / 5000 - 30 / 9000, rel=1e-12)
    values = ExposureMisclassification(positive_predictive_value=0.9, negative_predictive_value=0.98)
    table = adjust_misclassification(
        RATES, variable="exposure", positive_predictive_value=0.9, negative_predictive_value=0.98
    )
    assert_same(systematic(values), rate_ratio(table).value, rel=1e-12)
    impossible = ExposureMisclassification(sensitivity=0.9, specificity="uniform(0.5, 1)")
    result = probabilistic_bias_analysis(RATES, biases=impossible, rng=1, random_error="none")
    # More person-time would be wrongly exposed than is recorded as exposed: specificity below 9000/13000.
    assert result.share_impossible == pytest.approx((9 / 13 - 0.5) / 0.5, abs=0.006)
    assert list(result.impossible) == ["negative adjusted cells"]


NOTHING = [
    OutcomeMisclassification(sensitivity=1, positive_predictive_value=1),
    OutcomeMisclassification(sensitivity="uniform(0.8, 1)", positive_predictive_value=1),
    ExposureMisclassification(sensitivity=1, specificity=1),
    UnmeasuredConfounding(prevalence_exposed=0.6, prevalence_control="beta(2, 3)", risk_ratio=1),
    UnmeasuredConfounding(prevalence_exposed=0.3, prevalence_control=0.3, risk_ratio="uniform(1, 2)"),
    SelectionBias(exposed_cases=1, exposed_noncases=1, control_cases=1, control_noncases=1),
    MBias(first_cause_exposure=3, first_cause_collider=1, second_cause_collider=3, second_cause_outcome=3),
]


@pytest.mark.parametrize(
    ("measure", "bias"),
    # Equally missed events leave a ratio but shrink a difference, and M-bias is a factor of ratios.
    [("IRR", bias) for bias in NOTHING]
    + [("IRD", bias) for place, bias in enumerate(NOTHING) if place not in {1, 6}],
)
def test_a_bias_of_no_effect_changes_nothing(measure, bias):
    result = probabilistic_bias_analysis(
        RATES, biases=bias, measure=measure, rng=1, draws=2**14, sampling="sobol"
    )
    assert_same(result.systematic, result.conventional.value, rel=1e-12)


def test_equally_missed_events_shrink_a_difference():
    bias = OutcomeMisclassification(sensitivity=0.8, positive_predictive_value=1)
    assert_same(systematic(bias, "IRD"), (60 / 4000 - 40 / 9000) / 0.8, rel=1e-12)


@pytest.mark.parametrize("random_error", ["resampling", "delta", "conventional"])
@pytest.mark.parametrize("measure", ["IRR", "IRD"])
def test_total_of_no_bias_is_the_conventional_interval(measure, random_error):
    large = TwoRates(exposed_events=6000, exposed_time=400_000, control_events=4000, control_time=900_000)
    result = probabilistic_bias_analysis(
        large, biases=NOTHING[0], measure=measure, rng=1, draws=200_000, random_error=random_error
    )
    usual = (rate_ratio if measure == "IRR" else rate_difference)(large)
    error = 4 * result.total_error[[0, 4]] * (usual.value if measure == "IRR" else 1)
    assert (np.abs(result.total[[0, 4]] - [usual.low, usual.high]) < error + 2e-4 * abs(usual.value)).all()
    assert result.random_error == random_error
    default = probabilistic_bias_analysis(large, biases=NOTHING[0], rng=1, draws=100)
    assert default.random_error == "resampling"


def test_random_error_of_misclassified_exposure_is_that_of_the_events_alone():
    bias = ExposureMisclassification(sensitivity=0.9, specificity=0.95)
    large = TwoRates(exposed_events=6000, exposed_time=400_000, control_events=4000, control_time=900_000)
    # True exposed events (a - 0.05 m)/0.85 of m = a + c: slopes of ln(A/(m - A)) with a and c Poisson.
    a, c = 6000, 4000
    exposed = (a - 0.05 * (a + c)) / 0.85
    control = a + c - exposed
    by_a = 0.95 / 0.85 / exposed - (1 - 0.95 / 0.85) / control
    by_c = -0.05 / 0.85 / exposed - (1 + 0.05 / 0.85) / control
    sd = np.sqrt(a * by_a**2 + c * by_c**2)
    for random_error in ("delta", "resampling"):
        result = probabilistic_bias_analysis(
            large, biases=bias, rng=2, draws=200_000, random_error=random_error
        )
        exact = np.log(result.systematic[2]) + stats.norm.ppf(result.probabilities) * sd
        assert (np.abs(np.log(result.total) - exact) < 4 * result.total_error + 3e-4).all()


def test_person_time_is_not_resampled():
    """Of many events and little time the interval is that of the events, whatever the unit of time."""
    for unit in (1.0, 1 / 365.25, 1000.0):
        rates = TwoRates(
            exposed_events=600, exposed_time=40 * unit, control_events=400, control_time=90 * unit
        )
        result = probabilistic_bias_analysis(rates, biases=NOTHING[0], rng=1, draws=100_000)
        width = np.log(result.total[4] / result.total[0])
        exact = 2 * 1.959964 * np.sqrt(1 / 600 + 1 / 400)
        assert width == pytest.approx(exact, rel=0.02)


def test_many_pairs_meet_the_same_draws():
    many = TwoRates(exposed_events=[60, 30], exposed_time=4000, control_events=[40, 20], control_time=9000)
    together = probabilistic_bias_analysis(
        many, biases=RECORD, rng=5, draws=3000, random_error="conventional"
    )
    for place in range(2):
        alone = probabilistic_bias_analysis(
            many[place], biases=RECORD, rng=5, draws=3000, random_error="conventional"
        )
        assert_same(together.total[:, place], alone.total, rel=1e-12)


def test_rare_events_of_a_table_and_of_person_time_agree():
    table = TwoByTwo(exposed_cases=60, exposed_total=400_000, control_cases=40, control_total=900_000)
    rates = TwoRates(exposed_events=60, exposed_time=400_000, control_events=40, control_time=900_000)
    biases = [RECORD, UnmeasuredConfounding(prevalence_exposed=0.4, prevalence_control=0.1, risk_ratio=2)]
    options = {"biases": biases, "rng": 1, "draws": 20_000, "random_error": "delta"}
    first = probabilistic_bias_analysis(table, measure="RR", **options)
    second = probabilistic_bias_analysis(rates, **options)
    np.testing.assert_allclose(first.total, second.total, rtol=1e-3)


def test_tipping_swings_and_pooling_take_rates():
    feared = OutcomeMisclassification(
        sensitivity=1,
        control_sensitivity=0.2,
        positive_predictive_value=1,
    )
    tipped = tipping_point(RATES, biases=feared, limit="estimate")
    place = tipped.parameters.index("control_sensitivity")
    assert float(tipped.tipping[place]) == pytest.approx(1 / CRUDE, rel=1e-9)
    swings = parameter_swings(RATES, biases=RECORD)
    assert swings.measure == "IRR"
    assert swings.parameters[0] == "sensitivity"
    many = TwoRates(
        exposed_events=[60, 30, 44],
        exposed_time=[4000, 2500, 3000],
        control_events=[40, 20, 35],
        control_time=[9000, 6000, 8000],
    )
    nothing = pool_bias_adjusted(many, biases=NOTHING[0], rng=1, draws=200, tau2="DL")
    usual = rate_ratio(many)
    sizes = EffectSizes(effect=np.log(usual.value), variance=usual.std_error**2, measure="IRR")
    assert_same(nothing.systematic.value, pool(sizes, tau2="DL").estimate.value, rel=1e-9)


@pytest.mark.parametrize(
    ("bias", "options", "match"),
    [
        (RECORD, {"measure": "OR"}, "`measure` must be one of"),
        (SelectionBias(bias_factor=1.1), {"measure": "IRD"}, "four probabilities for a rate difference"),
        (NOTHING[6], {"measure": "IRD"}, 'the measure is "IRD"'),
        (
            OutcomeMisclassification(sensitivity=0.9, specificity=0.99),
            {},
            "needs `sensitivity` and `positive_predictive_value` .* for rates, but got `specificity`",
        ),
    ],
)
def test_what_is_wrong_is_named(bias, options, match):
    with pytest.raises(ValueError, match=match):
        probabilistic_bias_analysis(RATES, biases=bias, rng=1, **options)


def test_no_events_leave_the_ratio_open():
    none = TwoRates(exposed_events=0, exposed_time=100, control_events=5, control_time=200)
    result = probabilistic_bias_analysis(none, biases=RECORD, rng=1, draws=1000, random_error="delta")
    assert result.systematic.tolist() == [0] * 5
    assert (result.total[0], result.total[4]) == (0, np.inf)
