"""Drawn misclassification: predictive values, sensitivity beside one of them, errors that go together."""

import itertools

import numpy as np
import pytest

from analysis import TwoByTwo, TwoRates, odds_ratio, risk_difference, risk_ratio
from analysis.bias.misclassification import (
    adjust_dependent_misclassification,
    adjust_misclassification,
    bias_adjust_misclassification,
)
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    DependentMisclassification,
    ExposureMisclassification,
    OutcomeMisclassification,
)
from analysis.bias.tipping import tipping_point
from reference_values import assert_same, identifier, records

RESINS = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
LARGE = TwoByTwo.from_cells(
    exposed_cases=4500, control_cases=9400, exposed_noncases=25700, control_noncases=94500
)
MEASURES = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}
QUALITY = {
    "exposure_sensitivity": 0.9,
    "exposure_specificity": 0.95,
    "outcome_sensitivity": 0.85,
    "outcome_specificity": 0.97,
}
VALUES = {"positive_predictive_value": 0.8, "negative_predictive_value": 0.95}


def adjusted(table, bias, measure="OR", **options):
    """Return the measure by a bias whose parameters are all known."""
    settings = {"rng": 1, "draws": 100, "random_error": "none"} | options
    result = probabilistic_bias_analysis(table, biases=bias, measure=measure, **settings)
    assert result.impossible_draws.max() == 0
    return result.systematic[2]


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize(
    ("kind", "variable", "prefix"),
    [(ExposureMisclassification, "exposure", "noncases_"), (OutcomeMisclassification, "outcome", "control_")],
)
def test_known_predictive_values_are_the_simple_adjustment(kind, variable, prefix, measure):
    other = {"positive_predictive_value": 0.7, "negative_predictive_value": 0.99}
    for given in (VALUES, VALUES | {f"{prefix}{name}": value for name, value in other.items()}):
        reference = {name.replace(prefix, "reference_"): value for name, value in given.items()}
        table = adjust_misclassification(RESINS, variable=variable, **reference)
        assert_same(adjusted(RESINS, kind(**given), measure), MEASURES[measure](table).value, rel=1e-12)


PREDICTIVE = [
    record
    for record in records("episensr", "misclassification/")
    if record["inputs"]["type"] == "exposure_pv"
] + records("episensr", "outcome_pv_own/")


@pytest.mark.parametrize("record", PREDICTIVE, ids=identifier)
def test_predictive_values_of_the_references(record):
    (a, c), (b, d) = record["inputs"]["tab"]["rows"]
    table = TwoByTwo.from_cells(exposed_cases=a, control_cases=c, exposed_noncases=b, control_noncases=d)
    outcome = record["id"].startswith("outcome")
    prefix = "control_" if outcome else "noncases_"
    names = [f"{who}{name}" for name in VALUES for who in ("", prefix)]
    kind = OutcomeMisclassification if outcome else ExposureMisclassification
    bias = kind(**dict(zip(names, record["inputs"]["bp"], strict=True)))
    cells = np.ravel(record["outputs"]["corr.data"]["rows"])
    # Rows are the outcome, columns the exposure.
    assert_same(adjusted(table, bias), cells[0] * cells[3] / (cells[1] * cells[2]))


def test_sensitivity_and_predictive_value_are_those_of_sensitivity_and_specificity():
    """A group of true cases t of n: recorded Se t + (1 - Sp)(n - t), of which Se t are true."""
    cases, total = np.array([150.0, 240.0]), np.array([1000.0, 4000.0])
    se, sp = np.array([0.8, 0.7]), np.array([0.95, 0.99])
    found = se * cases
    recorded = found + (1 - sp) * (total - cases)
    table = TwoByTwo._trusted(
        exposed_cases=recorded[0],
        exposed_total=total[0],
        control_cases=recorded[1],
        control_total=total[1],
    )
    predictive = found / recorded
    bias = OutcomeMisclassification(
        sensitivity=se[0],
        control_sensitivity=se[1],
        positive_predictive_value=predictive[0],
        control_positive_predictive_value=predictive[1],
    )
    whole = TwoByTwo(exposed_cases=150, exposed_total=1000, control_cases=240, control_total=4000)
    for measure, estimate in MEASURES.items():
        assert_same(adjusted(table, bias, measure), estimate(whole).value, rel=1e-12)


def test_a_sensitivity_that_makes_more_cases_than_persons_is_impossible():
    bias = OutcomeMisclassification(sensitivity="uniform(0.05, 0.25)", positive_predictive_value=1)
    result = probabilistic_bias_analysis(RESINS, biases=bias, rng=1, random_error="none")
    # 45 of 302 exposed are cases: below a sensitivity of 45/302 they would be more than all.
    assert result.share_impossible == pytest.approx((45 / 302 - 0.05) / 0.2, abs=0.006)
    assert list(result.impossible) == ["negative adjusted cells"]


@pytest.mark.parametrize("random_error", ["resampling", "delta"])
def test_random_error_after_predictive_values_is_that_of_the_simple_adjustment(random_error):
    simple = bias_adjust_misclassification(LARGE, variable="exposure", measure="OR", **VALUES)
    result = probabilistic_bias_analysis(
        LARGE, biases=ExposureMisclassification(**VALUES), rng=2, draws=200_000, random_error=random_error
    )
    low, high = np.log(simple.adjusted.low), np.log(simple.adjusted.high)
    assert_allclose_log(result.total[[0, 4]], [low, high], 4 * result.total_error.max() + 2e-4)


def assert_allclose_log(found, expected, tolerance):
    np.testing.assert_allclose(np.log(found), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
@pytest.mark.parametrize("correlation", [-0.03, 0, 0.3])
def test_known_errors_that_go_together_are_the_simple_adjustment(measure, correlation):
    simple = adjust_dependent_misclassification(LARGE, **QUALITY, error_correlation=correlation)
    bias = DependentMisclassification(**QUALITY, error_correlation=correlation)
    assert_same(adjusted(LARGE, bias, measure), MEASURES[measure](simple).value, rel=1e-10)


def test_a_recorded_table_gives_back_the_truth():
    """Persons of known truth, recorded with errors that go together, by drawing every one of them."""
    rng = np.random.default_rng(5)
    counts = {(1, 1): 60_000, (1, 0): 240_000, (0, 1): 70_000, (0, 0): 630_000}
    correlation, recorded = 0.4, dict.fromkeys(itertools.product((1, 0), (1, 0)), 0)
    for (exposed, case), number in counts.items():
        v = 1 - QUALITY["exposure_sensitivity" if exposed else "exposure_specificity"]
        w = 1 - QUALITY["outcome_sensitivity" if case else "outcome_specificity"]
        both = v * w + correlation * np.sqrt(v * (1 - v) * w * (1 - w))
        kinds = rng.multinomial(number, [both, v - both, w - both, 1 - v - w + both])
        for (first, second), drawn in zip(((1, 1), (1, 0), (0, 1), (0, 0)), kinds, strict=True):
            recorded[exposed ^ first, case ^ second] += int(drawn)
    table = TwoByTwo.from_cells(
        exposed_cases=recorded[1, 1],
        exposed_noncases=recorded[1, 0],
        control_cases=recorded[0, 1],
        control_noncases=recorded[0, 0],
    )
    bias = DependentMisclassification(**QUALITY, error_correlation=correlation)
    result = probabilistic_bias_analysis(table, biases=bias, rng=1, draws=20_000, random_error="delta")
    truth = (60 * 630) / (240 * 70)
    assert result.total[0] < truth < result.total[4]
    assert result.total[4] / result.total[0] < 1.05
    # Without the correlation the interval is elsewhere.
    apart = adjusted(table, DependentMisclassification(**QUALITY))
    assert apart > result.total[4]


def test_draws_that_errors_cannot_have_are_counted_by_reason():
    bias = DependentMisclassification(
        exposure_sensitivity="uniform(0.3, 0.9)",
        exposure_specificity="uniform(0.6, 1)",
        outcome_sensitivity=0.85,
        outcome_specificity=0.97,
        error_correlation="uniform(-1, 1)",
    )
    result = probabilistic_bias_analysis(LARGE, biases=bias, rng=1, draws=20_000, random_error="none")
    se, sp = np.meshgrid(np.linspace(0.3, 0.9, 1001), np.linspace(0.6, 1, 1001))
    shares = {reason: count / 20_000 for reason, count in result.impossible.items()}
    useless = "sensitivity + specificity of at most 1"
    assert shares[useless] == pytest.approx((se + sp <= 1).mean(), abs=0.012)
    assert shares["an error correlation that such errors cannot have"] > 0.5
    assert result.share_impossible < 1
    # All that is left: the simple adjustment of each draw would not complain either.
    assert np.isfinite(result.systematic).all()


def test_many_tables_meet_the_same_dependent_draws():
    tables = TwoByTwo(
        exposed_cases=[400, 450], exposed_total=3000, control_cases=[800, 700], control_total=10_000
    )
    bias = DependentMisclassification(**(QUALITY | {"exposure_sensitivity": "uniform(0.8, 0.95)"}))
    options = {"biases": bias, "rng": 3, "draws": 2000, "random_error": "conventional"}
    together = probabilistic_bias_analysis(tables, **options)
    for place in range(2):
        alone = probabilistic_bias_analysis(tables[place], **options)
        assert_same(together.total[:, place], alone.total, rel=1e-12)


PERFECT = [
    ExposureMisclassification(positive_predictive_value=1, negative_predictive_value=1),
    OutcomeMisclassification(positive_predictive_value=1, negative_predictive_value=1),
    OutcomeMisclassification(sensitivity=1, positive_predictive_value=1),
    DependentMisclassification(
        exposure_sensitivity=1, exposure_specificity=1, outcome_sensitivity=1, outcome_specificity=1
    ),
]


@pytest.mark.parametrize("bias", PERFECT, ids=lambda bias: f"{bias.kind}-{len(bias.parameters)}")
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_a_perfect_record_changes_nothing(bias, measure):
    assert_same(adjusted(RESINS, bias, measure), MEASURES[measure](RESINS).value, rel=1e-12)


def test_independent_errors_are_both_adjustments_in_either_order():
    exposure = ExposureMisclassification(sensitivity=0.9, specificity=0.95)
    outcome = OutcomeMisclassification(sensitivity=0.85, specificity=0.97)
    together = adjusted(LARGE, DependentMisclassification(**QUALITY))
    for order in ([exposure, outcome], [outcome, exposure]):
        assert_same(adjusted(LARGE, order), together, rel=1e-10)


def test_tipping_goes_from_independent_errors_to_those_that_go_together():
    table = TwoByTwo.from_cells(
        exposed_cases=600, exposed_noncases=1400, control_cases=1400, control_noncases=6600
    )
    bias = DependentMisclassification(
        exposure_sensitivity=0.9,
        exposure_specificity=0.95,
        outcome_sensitivity=0.9,
        outcome_specificity=0.95,
        error_correlation=0.6,
    )
    result = tipping_point(table, biases=bias, limit="estimate", target=2.0)
    place = result.parameters.index("error_correlation")
    assert result.neutral[place] == 0
    reached = DependentMisclassification(
        exposure_sensitivity=0.9,
        exposure_specificity=0.95,
        outcome_sensitivity=0.9,
        outcome_specificity=0.95,
        error_correlation=float(result.tipping[place]),
    )
    assert adjusted(table, reached) == pytest.approx(2.0, rel=1e-9)


RATES = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (ExposureMisclassification, "`sensitivity`, `specificity` or .* must be given, but got none of them"),
        (
            lambda: ExposureMisclassification(sensitivity=0.9, positive_predictive_value=0.9),
            "must be given, but got `sensitivity`, `positive_predictive_value`",
        ),
        (
            lambda: OutcomeMisclassification(**VALUES, control_sensitivity=0.9),
            "`control_sensitivity` must stand beside `sensitivity`, which is not given",
        ),
        (
            lambda: OutcomeMisclassification(sensitivity=0, positive_predictive_value=0.9),
            r"`sensitivity` must be greater than 0, but is fixed\(0\)",
        ),
        (
            lambda: ExposureMisclassification(
                positive_predictive_value=1.2, negative_predictive_value="uniform(-0.1, 0.3)"
            ),
            r"`positive_predictive_value` must lie between 0 and 1, but is fixed\(1.2\).*"
            r"`negative_predictive_value` must lie between 0 and 1, but is uniform\(-0.1, 0.3\)",
        ),
        (
            lambda: ExposureMisclassification(sensitivity=[0.9, 0.8], specificity=0.9),
            r"`sensitivity` must be one value, but is \[0.9, 0.8\]",
        ),
        (
            lambda: ExposureMisclassification(
                sensitivity=0.9, specificity=0.9, noncases_sensitivity=0.3, noncases_specificity="beta(2, 3)"
            ),
            None,
        ),
        (
            lambda: ExposureMisclassification(
                sensitivity=0.9, specificity=0.9, noncases_specificity="uniform(0, 0.1)"
            ),
            r"`sensitivity` \+ `noncases_specificity` must exceed 1, but are fixed\(0.9\) and uniform\(0,",
        ),
        (
            lambda: DependentMisclassification(**(QUALITY | {"outcome_sensitivity": 0.03})),
            r"`outcome_sensitivity` \+ `outcome_specificity` must exceed 1, but are fixed\(0.03\) and",
        ),
        (
            lambda: DependentMisclassification(**QUALITY, error_correlation="uniform(-0.5, 1.5)"),
            r"`error_correlation` must lie between -1 and 1, but is uniform\(-0.5, 1.5\)",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_named(make, match):
    if match is None:
        assert make().parameters
        return
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize(
    ("bias", "match"),
    [
        (DependentMisclassification(**QUALITY), "needs persons, but got rates"),
        (OutcomeMisclassification(sensitivity=0.9, specificity=0.9), "but got `specificity`: person-time"),
        (OutcomeMisclassification(**VALUES), "but got `negative_predictive_value`: person-time has none"),
    ],
)
def test_what_rates_do_not_have_is_refused(bias, match):
    with pytest.raises(ValueError, match=match):
        probabilistic_bias_analysis(RATES, biases=bias, rng=1)
