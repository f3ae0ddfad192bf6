"""How far each parameter alone moves the measure."""

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo
from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.spec import ExposureMisclassification, OutcomeMisclassification, UnmeasuredConfounding

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
BIAS = UnmeasuredConfounding(
    prevalence_exposed="uniform(0.3, 0.5)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
)


def test_each_parameter_moves_alone():
    result = parameter_swings(RATIO, biases=BIAS, level=0.9)
    assert result.parameters == ("risk_ratio", "prevalence_exposed", "prevalence_control")

    def adjusted(p1, ratio):
        return 1.83 / ((p1 * (ratio - 1) + 1) / (0.1 * (ratio - 1) + 1))

    assert result.center == pytest.approx(adjusted(0.4, 2), rel=1e-12)
    assert result.unadjusted == pytest.approx(1.83)
    np.testing.assert_allclose(result.low, [1.1, 0.31, 0.1], rtol=1e-12)
    np.testing.assert_allclose(
        result.at_low, [adjusted(0.4, 1.1), adjusted(0.31, 2), adjusted(0.4, 2)], rtol=1e-12
    )
    np.testing.assert_allclose(
        result.at_high, [adjusted(0.4, 2.9), adjusted(0.49, 2), adjusted(0.4, 2)], rtol=1e-12
    )
    assert result.to_frame()["parameter"].tolist() == list(result.parameters)
    assert str(result).splitlines()[1].startswith("  risk_ratio 1.10 to 2.90: ")


def test_an_end_that_contradicts_the_table_is_missing_and_first():
    table = TwoByTwo.from_cells(
        exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945
    )
    bias = ExposureMisclassification(sensitivity="uniform(0.7, 0.9)", specificity="uniform(0.75, 1)")
    result = parameter_swings(table, biases=bias)
    assert result.parameters[0] == "specificity"
    assert np.isnan(result.at_low[0])
    with pytest.raises(ValueError, match="their medians contradict them"):
        parameter_swings(
            table, biases=OutcomeMisclassification(sensitivity=0.9, specificity="uniform(0.6, 0.9)")
        )


def test_more_than_one_table_is_refused():
    with pytest.raises(ValueError, match=r"one table or estimate, but has shape \(2,\)"):
        parameter_swings(EffectSizes(effect=[0.1, 0.2], variance=0.1, measure="HR"), biases=BIAS)
