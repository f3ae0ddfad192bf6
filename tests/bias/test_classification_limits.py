"""How bad a classification can have been: limits that are reached, and the messages that use them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, TwoRates
from analysis.bias.misclassification import adjust_misclassification, classification_limits
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import ExposureMisclassification, OutcomeMisclassification
from reference_values import assert_same

RESINS = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)


@given(
    st.tuples(*[st.integers(1, 500)] * 4),
    st.sampled_from(["exposure", "outcome"]),
    st.integers(0, 3),
    st.floats(0.01, 0.3),
)
def test_a_value_at_its_limit_leaves_an_empty_cell_and_below_it_a_negative_one(cells, variable, place, below):
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    table = TwoByTwo.from_cells(**dict(zip(names, cells, strict=True)))
    limits = classification_limits(table, variable=variable)
    at = dict.fromkeys(limits._fields, 1.0)
    name = limits._fields[place]
    at[name] = float(limits[place])
    edge = adjust_misclassification(table, variable=variable, **at)
    smallest = min(
        float(getattr(edge, part))
        for part in ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    )
    assert smallest == pytest.approx(0, abs=1e-9 * sum(cells))
    at[name] *= 1 - below
    with pytest.raises(ValueError, match=f"`{name}` must be at least"):
        adjust_misclassification(table, variable=variable, **at)


def test_limits_of_many_tables_and_of_rates():
    many = TwoByTwo(exposed_cases=[45, 30], exposed_total=302, control_cases=[94, 10], control_total=1039)
    limits = classification_limits(many, variable="outcome")
    assert_same(limits.sensitivity, [45 / 302, 30 / 302])
    assert_same(limits.reference_specificity, [945 / 1039, 1029 / 1039])
    rates = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
    limits = classification_limits(rates, variable="exposure")
    assert_same([limits.sensitivity, limits.reference_specificity], [0.6, 9 / 13])
    empty = TwoByTwo(exposed_cases=0, exposed_total=0, control_cases=3, control_total=10)
    assert np.isnan(classification_limits(empty, variable="outcome").sensitivity)
    with pytest.raises(ValueError, match='`variable` must be "exposure" of rates'):
        classification_limits(rates, variable="outcome")
    with pytest.raises(ValueError, match="`variable` must be one of"):
        classification_limits(many, variable="disease")


def test_the_message_names_parameter_value_and_rule():
    with pytest.raises(ValueError, match="negative") as caught:
        adjust_misclassification(
            RESINS,
            variable="exposure",
            sensitivity=0.9,
            specificity=[0.9, 0.6],
            reference_sensitivity=0.1,
            reference_specificity=0.95,
        )
    message = str(caught.value)
    assert "`specificity` must be at least 0.6763 among the cases (the table says so), but is 0.6." in message
    assert "`reference_sensitivity` must be at least 0.2138 among the non-cases" in message
    assert "but is 0.1." in message
    assert "`sensitivity` must be" not in message
    with pytest.raises(ValueError, match="among the controls"):
        adjust_misclassification(RESINS, variable="outcome", sensitivity=0.9, specificity=0.9)


@pytest.mark.parametrize(
    ("bias", "match"),
    [
        (
            ExposureMisclassification(sensitivity=0.9, specificity="uniform(0.5, 0.6)"),
            r"`specificity` must be at least 0.6763 among the cases \(the table says so\), but is "
            r"uniform\(0.5, 0.6\)",
        ),
        (
            ExposureMisclassification(
                sensitivity="beta(46, 6)", specificity=0.95, noncases_sensitivity="uniform(0.1, 0.2)"
            ),
            r"`noncases_sensitivity` must be at least 0.2138 among the non-cases .*uniform\(0.1, 0.2\)",
        ),
        (
            OutcomeMisclassification(
                sensitivity="uniform(0.8, 0.9)", specificity=0.99, control_specificity="uniform(0.6, 0.7)"
            ),
            "`control_specificity` must be at least 0.9095 among the controls",
        ),
        (
            OutcomeMisclassification(sensitivity=0.1, positive_predictive_value=1),
            "Look at the parameters, and at which group they are meant for",
        ),
    ],
)
def test_draws_that_all_contradict_the_table_are_told_why(bias, match):
    with pytest.raises(ValueError, match=f"all 1000 draws contradict them: negative .*{match}"):
        probabilistic_bias_analysis(RESINS, biases=bias, rng=1, draws=1000)
