"""Tipping points: put back, in closed form, and over tables."""

import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes, TwoByTwo, feasible_tables, odds_ratio
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    ExposureMisclassification,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from analysis.bias.tipping import tipping_point

HAZARD_RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
LOW = float(HAZARD_RATIO.interval().low)
RESINS = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
FEARED = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)


def test_a_confounder_tips_where_its_factor_is_the_limit():
    result = tipping_point(HAZARD_RATIO, biases=FEARED)
    p1, p0, ratio = result.tipping
    assert result.parameters == ("prevalence_exposed", "prevalence_control", "risk_ratio")
    assert (p1 * 2 + 1) / (0.1 * 2 + 1) == pytest.approx(LOW, rel=1e-12)
    assert (0.8 * 2 + 1) / (p0 * 2 + 1) == pytest.approx(LOW, rel=1e-12)
    assert (0.8 * (ratio - 1) + 1) / (0.1 * (ratio - 1) + 1) == pytest.approx(LOW, rel=1e-12)
    p1, p0, ratio = result.joint_values
    assert p0 == 0.1
    assert (p1 * (ratio - 1) + 1) / (0.1 * (ratio - 1) + 1) == pytest.approx(LOW, rel=1e-12)
    assert np.log(ratio) / np.log(3) == pytest.approx(result.joint, rel=1e-12)
    assert (p1 - 0.1) / 0.7 == pytest.approx(result.joint, rel=1e-12)
    assert result.unbiased == pytest.approx(LOW, rel=1e-12)
    assert result.adjusted == pytest.approx(LOW / (2.6 / 1.2), rel=1e-12)


def test_the_estimate_and_other_targets():
    estimate = tipping_point(HAZARD_RATIO, biases=FEARED, limit="estimate", target=1.2)
    assert (estimate.tipping[0] * 2 + 1) / 1.2 == pytest.approx(1.83 / 1.2, rel=1e-12)
    above = tipping_point(HAZARD_RATIO, biases=SelectionBias(bias_factor=0.5), target=3.0)
    high = float(HAZARD_RATIO.interval().high)
    assert above.tipping[0] == pytest.approx(high / 3, rel=1e-12)
    assert above.axes is None
    assert above.surface is None


def test_the_tipping_values_put_back_reach_the_null():
    feared = OutcomeMisclassification(
        sensitivity=0.95, specificity=1, control_sensitivity=0.7, control_specificity=1
    )
    result = tipping_point(RESINS, biases=feared)
    tipped = result.tipping[result.parameters.index("control_sensitivity")]
    assert 0.7 < tipped < 1
    bias = OutcomeMisclassification(
        sensitivity=0.95, specificity=1, control_sensitivity=float(tipped), control_specificity=1
    )
    back = probabilistic_bias_analysis(
        RESINS, biases=bias, rng=1, draws=2**16, sampling="sobol", random_error="delta"
    )
    assert back.total[0] == pytest.approx(1, abs=1e-3)
    # With the unadjusted standard error in closed form.
    usual = tipping_point(RESINS, biases=feared, random_error="conventional")
    tipped = usual.tipping[usual.parameters.index("control_sensitivity")]
    a, c = 45 / 0.95, 94 / tipped
    adjusted = a * (1039 - c) / ((302 - a) * c)
    assert np.log(adjusted) == pytest.approx(stats.norm.ppf(0.975) * odds_ratio(RESINS).std_error, rel=1e-10)


def test_the_surface_is_the_limit_at_every_pair():
    result = tipping_point(HAZARD_RATIO, biases=FEARED, grid=5)
    assert result.axes == ("prevalence_exposed", "risk_ratio")
    x, y = np.meshgrid(result.surface_x, result.surface_y)
    np.testing.assert_allclose(result.surface, LOW / ((x * (y - 1) + 1) / (0.1 * (y - 1) + 1)), rtol=1e-12)
    other = tipping_point(HAZARD_RATIO, biases=FEARED, grid=3, surface=("prevalence_control", "risk_ratio"))
    x, y = np.meshgrid(other.surface_x, other.surface_y)
    assert other.surface_x[0] == 0.8
    np.testing.assert_allclose(other.surface, LOW / ((0.8 * (y - 1) + 1) / (x * (y - 1) + 1)), rtol=1e-12)


def test_what_never_tips_and_what_has_tipped():
    towards = UnmeasuredConfounding(prevalence_exposed=0.1, prevalence_control=0.8, risk_ratio=3)
    never = tipping_point(HAZARD_RATIO, biases=towards)
    assert np.isnan(never.joint)
    assert np.isnan(never.tipping).all()
    assert "not up to 3.00" in str(never)
    open_ = EffectSizes.from_estimates(1.2, 0.9, 1.6, measure="OR")
    already = tipping_point(open_, biases=SelectionBias(bias_factor=2))
    assert already.joint == 0
    assert already.tipping[0] == 1
    assert "is not needed" in str(already)
    below = EffectSizes.from_estimates(0.5, 0.4, 0.625, measure="OR")
    result = tipping_point(below, biases=SelectionBias(bias_factor=0.3))
    assert result.tipping[0] == pytest.approx(0.625, rel=1e-12)


def test_tables_tip_one_by_one():
    tables = feasible_tables(
        exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%"
    )
    feared = [
        OutcomeMisclassification(
            sensitivity=1, specificity=1, control_sensitivity=0.5, control_specificity=1
        ),
        UnmeasuredConfounding(prevalence_exposed=0.3, prevalence_control=0.2, risk_ratio=1.5),
    ]
    together = tipping_point(tables, biases=feared, measure="RR")
    assert together.joint.shape == (168,)
    assert together.surface.shape == (41, 41, 168)
    for number in (0, 99):
        alone = tipping_point(tables[number], biases=feared, measure="RR")
        np.testing.assert_allclose(together.tipping[:, number], alone.tipping, rtol=1e-12)
        np.testing.assert_allclose(together.joint[number], alone.joint, rtol=1e-12)
    assert " to " in str(together)
    frame = together.to_frame()
    assert len(frame) == 7 * 168
    assert frame.query("parameter == 'risk_ratio' and table == 99")["tipping"].item() == pytest.approx(
        together.tipping[together.parameters.index("risk_ratio"), 99]
    )


def test_parameters_of_two_biases_keep_apart():
    twice = [
        ExposureMisclassification(sensitivity=0.9, specificity=0.99),
        OutcomeMisclassification(sensitivity=0.8, specificity=0.99),
    ]
    result = tipping_point(RESINS, biases=twice)
    assert result.parameters == ("1.sensitivity", "1.specificity", "2.sensitivity", "2.specificity")


def test_an_open_interval_needs_no_bias_and_a_table_without_estimate_is_named():
    feared = SelectionBias(bias_factor=2)
    empty = TwoByTwo(exposed_cases=0, exposed_total=20, control_cases=5, control_total=20)
    result = tipping_point(empty, biases=feared)
    assert result.joint == 0
    assert result.unbiased == np.inf
    assert np.isnan(tipping_point(empty, biases=feared, limit="estimate").joint)
    none = TwoByTwo(exposed_cases=[3, 0], exposed_total=20, control_cases=[5, 0], control_total=20)
    with pytest.raises(ValueError, match="flat index 1 has an empty margin"):
        tipping_point(none, biases=feared)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"biases": SelectionBias(bias_factor="uniform(0.5, 1)")}, "`bias_factor` at index 0 is uniform"),
        ({"target": 0}, "`target` must be one number above 0, but got 0"),
        ({"target": [1, 2]}, "`target` must be one number"),
        ({"limit": "low"}, "`limit` must be one of"),
        ({"random_error": "resampling"}, "`random_error` must be one of"),
        ({"grid": 1}, "`grid` must be a whole number of at least 2"),
        ({"surface": ("risk_ratio", "risk_ratio")}, "`surface` must name two"),
        ({"surface": ("risk_ratio", "prevalence")}, "`surface` must be one of"),
        ({"confidence_level": 95}, "confidence_level"),
    ],
)
def test_what_is_wrong_is_named(options, match):
    with pytest.raises(ValueError, match=match):
        tipping_point(HAZARD_RATIO, **({"biases": FEARED} | options))
