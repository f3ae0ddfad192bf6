"""Misclassification against episensr, against the forward model, and at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, TwoRates, mantel_haenszel, odds_ratio, risk_ratio
from analysis.bias.methods.dependent import recording_probabilities
from analysis.bias.misclassification import (
    adjust_confounder_misclassification,
    adjust_dependent_misclassification,
    adjust_misclassification,
    bias_adjust_misclassification,
)
from reference_values import assert_same, identifier, number, records

TABLE = TwoByTwo.from_cells(
    exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945
)  # exposure, outcome: any
RATES = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)


def outcome_by_exposure(matrix):
    """Return the table of episensr, whose rows are outcomes and columns exposures."""
    rows = matrix["rows"] if isinstance(matrix, dict) else matrix
    (a, c), (b, d) = rows
    return TwoByTwo.from_cells(exposed_cases=a, control_cases=c, exposed_noncases=b, control_noncases=d)


def cells(table):
    return [table.exposed_cases, table.control_cases, table.exposed_noncases, table.control_noncases]


def quality(kind, parameters):
    names = (
        ("sensitivity", "reference_sensitivity", "specificity", "reference_specificity")
        if not kind.endswith("_pv")
        else (
            "positive_predictive_value",
            "reference_positive_predictive_value",
            "negative_predictive_value",
            "reference_negative_predictive_value",
        )
    )
    return {"variable": kind.removesuffix("_pv")} | dict(zip(names, parameters, strict=True))


@pytest.mark.parametrize("record", records("episensr", "misclassification/"), ids=identifier)
def test_episensr(record):
    inputs, outputs = record["inputs"], record["outputs"]
    table = outcome_by_exposure(inputs["tab"])
    parameters = quality(inputs["type"], inputs["bp"])
    level = 1 - inputs["alpha"]
    ratio = bias_adjust_misclassification(table, measure="RR", confidence_level=level, **parameters)
    odds = bias_adjust_misclassification(table, measure="OR", confidence_level=level, **parameters)
    assert_same(cells(odds.table), np.ravel(outputs["corr.data"]["rows"]), rel=1e-12)
    observed = outputs["obs.measures"]["rows"]
    for row, result in zip(observed, (ratio, odds), strict=True):
        assert_same([result.observed.value, result.observed.low, result.observed.high], row)
    expected = outputs["adj.measures"]["rows"]
    assert_same(ratio.adjusted.value, expected[0][0])
    assert_same(odds.adjusted.value, expected[1][0])
    limits = [number(value) for value in expected[1][1:]]
    if limits and not np.isnan(limits).any():
        assert_same([odds.adjusted.low, odds.adjusted.high], np.array(limits))


def test_episensr_gives_limits_that_were_compared():
    compared = [r for r in records("episensr", "misclassification/") if r["inputs"]["type"] == "exposure"]
    assert len(compared) == 10
    assert all(None not in record["outputs"]["adj.measures"]["rows"][1] for record in compared)


@pytest.mark.parametrize("record", records("episensr", "outcome_pv_own/"), ids=identifier)
def test_outcome_predictive_values(record):
    table = outcome_by_exposure(record["inputs"]["tab"])
    adjusted = adjust_misclassification(table, **quality("outcome_pv", record["inputs"]["bp"]))
    assert_same(cells(adjusted), np.ravel(record["outputs"]["corr.data"]["rows"]), rel=1e-12)
    assert_same(risk_ratio(adjusted).value, record["outputs"]["RR"])
    assert_same(odds_ratio(adjusted).value, record["outputs"]["OR"])


@pytest.mark.parametrize("record", records("episensr", "multidimBias/exposure"), ids=identifier)
def test_every_combination_at_once_gives_episensrs_grid(record):
    inputs, outputs = record["inputs"], record["outputs"]
    check_grid(inputs, outputs, "exposure")


@pytest.mark.parametrize("record", records("episensr", "multidimBias/outcome"), ids=identifier)
def test_impossible_outcome_classification_is_marked_where_episensr_prints_a_number(record):
    # A specificity of 0.9 with 7.8 % recorded cases makes negative counts, of which episensr takes ratios.
    inputs, outputs = record["inputs"], record["outputs"]
    marked = check_grid(inputs, outputs, "outcome")
    assert marked.sum() > 40


def check_grid(inputs, outputs, variable):
    """Compare with the 9 x 9 grid: rows the second group's pair, columns the first group's."""
    table = outcome_by_exposure(inputs["tab"])
    se, sp = np.array(inputs["se"]), np.array(inputs["sp"])
    kinds = {"RR": "Multidimensional Corrected Relative Risk Data"}
    kinds["OR"] = "Multidimensional Corrected Odds Ratio Data"
    for measure, name in kinds.items():
        result = bias_adjust_misclassification(
            table,
            variable=variable,
            sensitivity=se,
            specificity=sp,
            reference_sensitivity=se[:, None],
            reference_specificity=sp[:, None],
            measure=measure,
            impossible="nan",
        )
        expected = np.array(outputs["adj.measures"][name]["rows"], dtype=float)
        ours = result.adjusted.value
        fine = ~np.isnan(ours)
        assert_same(ours[fine], expected[fine])
    return result.impossible


@pytest.mark.parametrize("record", records("episensr", "misclassification.cov"), ids=identifier)
def test_misclassified_confounder(record):
    counts = np.reshape(record["inputs"]["arr"]["column_major"], (2, 2, 3), order="F")
    # Layers: all, with, without the confounder; rows cases and non-cases, columns exposed and unexposed.
    whole, present, absent = (outcome_by_exposure(counts[..., layer].tolist()) for layer in range(3))
    strata = stacked(absent, present)
    first, reference = record["inputs"]["bp"][:2], record["inputs"]["bp"][2:]
    true = adjust_confounder_misclassification(
        strata,
        sensitivity=first[0],
        reference_sensitivity=first[1],
        specificity=reference[0],
        reference_specificity=reference[1],
    )
    expected = np.array(record["outputs"]["corr.data"])
    got = np.array(
        [
            part[..., level]
            for level in (1, 0)
            for part in (true.exposed_cases, true.exposed_noncases, true.control_cases, true.control_noncases)
        ]
    )
    assert_same(got, expected, rel=1e-10)
    rows = record["outputs"]["adj.measures"]["rows"]
    for column, tables in enumerate((strata, true)):
        for first_row, measure, crude in ((0, "RR", risk_ratio(whole)), (4, "OR", odds_ratio(whole))):
            standardized = standardized_ratio(tables, measure)
            pooled = mantel_haenszel(tables, measure=measure).value
            got = [standardized, crude.value / standardized, pooled, crude.value / pooled]
            assert_same(got, np.array([row[column] for row in rows[first_row : first_row + 4]]))
    assert_same(true.collapse().exposed_cases, whole.exposed_cases)


def stacked(*tables):
    names = ("exposed_cases", "exposed_total", "control_cases", "control_total")
    return TwoByTwo(**{name: np.stack([getattr(t, name) for t in tables], axis=-1) for name in names})


def standardized_ratio(strata, measure):
    """Exposed cases over those expected with the controls' risks (odds) in the strata."""
    if measure == "RR":
        expected = strata.exposed_total * strata.control_cases / strata.control_total
    else:
        expected = strata.exposed_noncases * strata.control_cases / strata.control_noncases
    return strata.exposed_cases.sum() / expected.sum()


probability = st.floats(0.6, 1.0)
four_counts = st.tuples(*[st.integers(20, 5000)] * 4)


@given(four_counts, st.tuples(*[probability] * 4), st.sampled_from(["exposure", "outcome"]))
def test_biasing_the_adjusted_table_returns_the_observed_one(counts, parameters, variable):
    a, b, c, d = counts
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    se, sp, se0, sp0 = parameters
    if min(se + sp, se0 + sp0) < 1.25:
        return
    adjusted = adjust_misclassification(
        table,
        variable=variable,
        sensitivity=se,
        specificity=sp,
        reference_sensitivity=se0,
        reference_specificity=sp0,
        impossible="nan",
    )
    if np.isnan(adjusted.exposed_cases):
        return
    got = np.array([adjusted.exposed_cases, adjusted.exposed_noncases])
    low = np.array([adjusted.control_cases, adjusted.control_noncases])
    if variable == "exposure":
        quality_ = np.array([se, se0]), np.array([sp, sp0])
        back = quality_[0] * got + (1 - quality_[1]) * low
        np.testing.assert_allclose(back, [a, b], rtol=1e-9)
    else:
        for pair, (s, q), observed in ((got, (se, sp), a), (low, (se0, sp0), c)):
            np.testing.assert_allclose(s * pair[0] + (1 - q) * pair[1], observed, rtol=1e-9)


@given(four_counts)
def test_perfect_classification_changes_nothing(counts):
    a, b, c, d = counts
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    for variable in ("exposure", "outcome"):
        for parameters in (
            {"sensitivity": 1, "specificity": 1},
            {"positive_predictive_value": 1, "negative_predictive_value": 1},
        ):
            result = bias_adjust_misclassification(table, variable=variable, measure="RD", **parameters)
            assert cells(result.table) == cells(table)
            assert_same(result.adjusted.high, result.observed.high)
            assert_same(result.shift, 0.0, abs_=1e-15)
    perfect = dict.fromkeys(
        (
            "exposure_sensitivity",
            "exposure_specificity",
            "outcome_sensitivity",
            "outcome_specificity",
        ),
        1.0,
    )
    assert_same(cells(adjust_dependent_misclassification(table, **perfect)), np.array(cells(table)))


def test_independent_errors_are_two_adjustments_in_either_order():
    both = adjust_dependent_misclassification(
        TABLE,
        exposure_sensitivity=0.9,
        exposure_specificity=0.95,
        outcome_sensitivity=0.8,
        outcome_specificity=0.99,
    )
    exposure = {"variable": "exposure", "sensitivity": 0.9, "specificity": 0.95}
    outcome = {"variable": "outcome", "sensitivity": 0.8, "specificity": 0.99}
    for first, second in ((exposure, outcome), (outcome, exposure)):
        twice = adjust_misclassification(adjust_misclassification(TABLE, **first), **second)
        assert_same(cells(both), np.array(cells(twice)), rel=1e-12)


def test_dependent_errors_put_back_give_the_record():
    pairs = (np.asarray(0.9), np.asarray(0.95)), (np.asarray(0.9), np.asarray(0.97))
    matrix = recording_probabilities(*pairs, 0.2)
    assert_same(matrix.sum(axis=0), np.ones(4))
    true = adjust_dependent_misclassification(
        TABLE,
        exposure_sensitivity=0.9,
        exposure_specificity=0.95,
        outcome_sensitivity=0.9,
        outcome_specificity=0.97,
        error_correlation=0.2,
    )
    vector = [true.exposed_cases, true.exposed_noncases, true.control_cases, true.control_noncases]
    assert_same(matrix @ np.array(vector), np.array([45, 257, 94, 945.0]))
    # The two errors of a person of the first kind: probabilities 0.1 and 0.1, correlation 0.2.
    joint = matrix[3, 0]
    assert_same((joint - 0.1 * 0.1) / (0.1 * 0.9), 0.2)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
@pytest.mark.parametrize("variable", ["exposure", "outcome"])
def test_standard_error_is_that_of_simulated_tables(measure, variable):
    rng = np.random.default_rng(20260101)
    n = 200_000
    table = TwoByTwo(exposed_cases=900, exposed_total=4000, control_cases=1100, control_total=9000)
    parameters = {"variable": variable, "sensitivity": 0.85, "specificity": 0.95}
    # Draw all four cells: what the delta method assumes.
    drawn = rng.multinomial(13000, np.array([900, 3100, 1100, 7900]) / 13000, size=n)
    copies = TwoByTwo.from_cells(
        exposed_cases=drawn[:, 0],
        exposed_noncases=drawn[:, 1],
        control_cases=drawn[:, 2],
        control_noncases=drawn[:, 3],
    )
    result = bias_adjust_misclassification(table, measure=measure, **parameters)
    values = bias_adjust_misclassification(copies, measure=measure, **parameters).adjusted.value
    spread = np.std(values if measure == "RD" else np.log(values))
    # The standard error of a standard deviation of 200 000 draws is 0.16 %; the rest is curvature.
    assert float(result.adjusted.std_error) == pytest.approx(spread, rel=0.01)


def test_rates():
    exposure = adjust_misclassification(RATES, variable="exposure", sensitivity=0.8, specificity=0.9)
    assert_same(0.8 * exposure.exposed_events + 0.1 * exposure.control_events, 60)
    assert_same(0.8 * exposure.exposed_time + 0.1 * exposure.control_time, 4000)
    outcome = bias_adjust_misclassification(
        RATES,
        variable="outcome",
        sensitivity=0.9,
        reference_sensitivity=0.6,
        positive_predictive_value=1,
    )
    crude = (60 / 4000) / (40 / 9000)
    assert_same(outcome.adjusted.value, crude * 0.6 / 0.9)
    assert_same(outcome.adjusted.std_error, np.sqrt(1 / 60 + 1 / 40))
    difference = bias_adjust_misclassification(
        RATES, variable="outcome", sensitivity=1, positive_predictive_value=1, measure="IRD"
    )
    assert_same(difference.adjusted.std_error, np.sqrt(60 / 4000**2 + 40 / 9000**2))


def test_draws_and_studies_broadcast():
    tables = TwoByTwo(
        exposed_cases=[45, 90], exposed_total=[302, 600], control_cases=[94, 80], control_total=[1039, 700]
    )
    sensitivity = np.linspace(0.8, 1, 5)[:, None]
    together = bias_adjust_misclassification(
        tables, variable="exposure", sensitivity=sensitivity, specificity=0.98
    )
    assert together.adjusted.shape == (5, 2)
    alone = bias_adjust_misclassification(
        tables[1], variable="exposure", sensitivity=float(sensitivity[3, 0]), specificity=0.98
    )
    assert_same(together.adjusted.low[3, 1], alone.adjusted.low)
    frame = together.to_frame()
    assert len(frame) == 10
    assert frame["observed"].nunique() == 2
    assert len(str(together).split("\n")) == 10


def test_impossible_parameters_are_refused_or_marked():
    with pytest.raises(
        ValueError,
        match=r"Adjusted `exposed_noncases` must not be negative, but would be -860 at index 1: .*nan",
    ):
        adjust_misclassification(TABLE, variable="exposure", sensitivity=0.9, specificity=[0.9, 0.5])
    marked = bias_adjust_misclassification(
        TABLE,
        variable="exposure",
        sensitivity=[0.9, 0.9, 0.3, 0.9],
        specificity=[0.9, 0.5, 0.7, 1],
        impossible="nan",
    )
    assert marked.impossible.tolist() == [False, True, True, False]
    assert np.isnan(marked.adjusted.low[1])


def test_a_table_without_information_is_not_called_impossible():
    empty = TwoByTwo(exposed_cases=0, exposed_total=0, control_cases=3, control_total=10)
    result = bias_adjust_misclassification(empty, variable="exposure", sensitivity=1, specificity=1)
    assert np.isnan(result.adjusted.value)
    assert np.isnan(result.adjusted.low)
    assert not result.impossible
    none = TwoByTwo(exposed_cases=0, exposed_total=5, control_cases=0, control_total=10)
    refused = bias_adjust_misclassification(
        none, variable="outcome", sensitivity=0.9, specificity=0.95, impossible="nan"
    )
    assert refused.impossible


def test_an_adjusted_cell_of_exactly_zero_is_a_result():
    table = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=30, control_total=100)
    result = bias_adjust_misclassification(table, variable="outcome", sensitivity=1, specificity=0.9)
    assert (result.adjusted.value, result.adjusted.low, result.adjusted.high) == (0, 0, np.inf)
    assert result.adjusted.std_error == np.inf


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"sensitivity": 0.4, "specificity": 0.6}, ValueError, r"`sensitivity` \+ `specificity` .* above 1"),
        ({"sensitivity": 1.2, "specificity": 0.6}, ValueError, "`sensitivity` must be between 0 and 1"),
        ({"sensitivity": [0.9, np.nan], "specificity": 0.6}, ValueError, "got nan at index 1"),
        ({"sensitivity": 0.9}, TypeError, "`specificity` must be given too; .* specificity=1"),
        ({}, TypeError, "got neither"),
        ({"sensitivity": 0.9, "positive_predictive_value": 1}, TypeError, "got both"),
        (
            {"sensitivity": 1, "specificity": 1, "impossible": "skip"},
            ValueError,
            "`impossible` must be one of",
        ),
        ({"sensitivity": 1, "specificity": 1, "variable": "expsure"}, ValueError, "'exposure'"),
        ({"sensitivity": 1, "specificity": 1, "measure": "HR"}, ValueError, "`measure` must be one of"),
        (
            {"sensitivity": 1, "specificity": 1, "reference_specificity": 0},
            ValueError,
            "`reference_sensitivity` . `reference_specificity`",
        ),
    ],
)
def test_what_is_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        bias_adjust_misclassification(TABLE, **({"variable": "exposure"} | parameters))


def test_what_is_refused_elsewhere():
    with pytest.raises(TypeError, match="TwoByTwo or a TwoRates, but got int"):
        bias_adjust_misclassification(3, variable="exposure", sensitivity=1, specificity=1)
    with pytest.raises(TypeError, match="person-time has none"):
        adjust_misclassification(RATES, variable="outcome", sensitivity=1, specificity=1)
    with pytest.raises(ValueError, match="`sensitivity` must be greater than 0"):
        adjust_misclassification(RATES, variable="outcome", sensitivity=0, positive_predictive_value=1)
    both = {
        "exposure_sensitivity": 0.9,
        "exposure_specificity": 0.99,
        "outcome_sensitivity": 0.9,
        "outcome_specificity": 0.8,
    }
    with pytest.raises(ValueError, match="`error_correlation` must be between -1 and 1, but got 2"):
        adjust_dependent_misclassification(TABLE, **both, error_correlation=2)
    with pytest.raises(ValueError, match="errors of these probabilities can have"):
        adjust_dependent_misclassification(TABLE, **both, error_correlation=0.9)
    with pytest.raises(TypeError, match="need a TwoByTwo"):
        adjust_dependent_misclassification(RATES, **both)
    with pytest.raises(ValueError, match="last axis of length 2"):
        adjust_confounder_misclassification(TABLE, sensitivity=1, specificity=1)
    half = dict.fromkeys(both, 0.5)
    marked = adjust_dependent_misclassification(TABLE, **half, impossible="nan")
    assert np.isnan(marked.exposed_cases)
