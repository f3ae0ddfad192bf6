"""Several biases in a row against episensr, and what the order does."""

import numpy as np
import pytest

from analysis import TwoByTwo, TwoRates
from analysis.bias.confounding import bias_adjust_confounding
from analysis.bias.misclassification import adjust_misclassification, bias_adjust_misclassification
from analysis.bias.multiple import bias_adjust_in_sequence, bias_order_sensitivity
from analysis.bias.selection import adjust_selection
from reference_values import assert_same, identifier, records

STUDY = TwoByTwo.from_cells(exposed_cases=118, control_cases=832, exposed_noncases=103, control_noncases=884)
RECORD = {
    "bias": "misclassification",
    "variable": "exposure",
    "sensitivity": 0.56,
    "reference_sensitivity": 0.58,
    "specificity": 0.99,
    "reference_specificity": 0.97,
}
TAKEN = {
    "bias": "selection",
    "exposed_cases": 0.73,
    "control_cases": 0.61,
    "exposed_noncases": 0.82,
    "control_noncases": 0.76,
}
THIRD = {
    "bias": "confounding",
    "confounder_effect": 0.92,
    "exposed_prevalence": 0.3,
    "control_prevalence": 0.44,
}
OUTCOME = {"bias": "misclassification", "variable": "outcome", "sensitivity": 0.95, "specificity": 0.98}


def rounded(table):
    """Round the cells to one decimal, as episensr does between two biases."""
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    a, b, c, d = (np.round(np.asarray(getattr(table, name)), 1) for name in names)
    return TwoByTwo._trusted(exposed_cases=a, exposed_total=a + b, control_cases=c, control_total=c + d)


def parameters(bias):
    return {key: value for key, value in bias.items() if key != "bias"}


@pytest.mark.parametrize("record", records("episensr", "multiple/"), ids=identifier)
def test_episensr_with_its_rounding(record):
    steps = record["id"].split("/")[1]
    outputs = record["outputs"]
    adjusted = [row[0] for row in outputs["adj.measures"]["rows"]]
    if steps == "selection-misclass_outcome":
        assert [*parameters(TAKEN).values()] == record["inputs"]["b2"]
        table = rounded(adjust_selection(STUDY, **parameters(TAKEN)))
        last = adjust_misclassification(table, **parameters(OUTCOME))
        for measure, expected in zip(("RR", "OR"), adjusted, strict=True):
            result = bias_adjust_misclassification(table, measure=measure, **parameters(OUTCOME))
            assert_same(result.adjusted.value, expected)
    else:
        table = rounded(adjust_misclassification(STUDY, **parameters(RECORD)))
        last = adjust_selection(table, **parameters(TAKEN))
        if steps.endswith("confounders"):
            result = bias_adjust_confounding(rounded(last), measure="OR", **parameters(THIRD))
            assert_same(result.adjusted.value, adjusted[0])
            return
        cells = (last.exposed_cases, last.control_cases, last.exposed_noncases, last.control_noncases)
        a, c, b, d = cells
        assert_same([a / (a + b) / (c / (c + d)), a * d / (b * c)], np.array(adjusted))
    cells = [last.exposed_cases, last.control_cases, last.exposed_noncases, last.control_noncases]
    assert_same(cells, np.ravel(outputs["corr.data"]["rows"]))


def test_sequence_without_rounding_is_the_single_adjustments():
    result = bias_adjust_in_sequence(STUDY, biases=[RECORD, TAKEN, THIRD], measure="OR")
    first = adjust_misclassification(STUDY, **parameters(RECORD))
    second = adjust_selection(first, **parameters(TAKEN))
    third = bias_adjust_confounding(second, measure="OR", **parameters(THIRD))
    assert_same(result.adjusted.value, third.adjusted.value, rel=1e-12)
    assert_same(result.table.exposed_cases, third.table.exposed_cases, rel=1e-12)
    alone = bias_adjust_misclassification(STUDY, measure="OR", **parameters(RECORD))
    for part in ("value", "low", "high", "std_error"):
        assert_same(getattr(result.after[0], part), getattr(alone.adjusted, part), rel=1e-12)
    # Selection and a confounder multiply an odds ratio: its error stays.
    assert_same(result.adjusted.std_error, alone.adjusted.std_error, rel=1e-12)
    assert result.order == ("exposure misclassification", "selection", "confounding")
    frame = result.to_frame()
    assert frame["after"].tolist() == ["nothing", *result.order]
    assert str(result).split("\n")[0] == "Odds ratio 1.22 (0.92 to 1.61) observed"


def test_standard_error_of_two_misclassifications_by_drawing_tables():
    rng = np.random.default_rng(8)
    cells = np.array([900, 3100, 1100, 7900])
    drawn = rng.multinomial(cells.sum(), cells / cells.sum(), size=200_000)
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    copies = TwoByTwo.from_cells(**{name: drawn[:, place] for place, name in enumerate(names)})
    table = TwoByTwo.from_cells(**{name: int(cells[place]) for place, name in enumerate(names)})
    exposure = RECORD | {"sensitivity": 0.9, "reference_sensitivity": 0.85}
    steps = {"biases": [OUTCOME, exposure], "measure": "RR"}
    result = bias_adjust_in_sequence(table, **steps)
    values = bias_adjust_in_sequence(copies, **steps).adjusted.value
    assert float(result.adjusted.std_error) == pytest.approx(np.log(values).std(), rel=0.01)


def test_every_order():
    result = bias_order_sensitivity(STUDY, biases=[RECORD, TAKEN, THIRD], measure="OR")
    assert len(result.orders) == 6
    given = bias_adjust_in_sequence(STUDY, biases=[RECORD, TAKEN, THIRD], measure="OR")
    assert_same(result.value[0], given.adjusted.value, rel=1e-12)
    other = bias_adjust_in_sequence(STUDY, biases=[TAKEN, RECORD, THIRD], measure="OR")
    place = result.orders.index(("selection", "exposure misclassification", "confounding"))
    assert_same(result.value[place], other.adjusted.value, rel=1e-12)
    assert_same(result.spread, result.value.max() / result.value.min())
    assert result.spread > 1.001
    assert len(result.to_frame()) == 6


def test_order_of_factors_alone_does_not_matter():
    result = bias_order_sensitivity(STUDY, biases=[TAKEN, THIRD], measure="OR")
    assert_same(result.spread, 1.0, rel=1e-12)
    nothing = RECORD | dict.fromkeys(
        ("sensitivity", "specificity", "reference_sensitivity", "reference_specificity"), 1.0
    )
    same = bias_adjust_in_sequence(STUDY, biases=[nothing, THIRD | {"confounder_effect": 1.0}])
    for part in ("value", "low", "high"):
        assert_same(getattr(same.adjusted, part), getattr(same.observed, part), rel=1e-12)


def test_draws_and_impossible_stages():
    draws = RECORD | {"sensitivity": [0.56, 0.8, 0.56], "specificity": [0.99, 0.95, 0.6]}
    result = bias_adjust_in_sequence(STUDY, biases=[draws, TAKEN], measure="OR", impossible="nan")
    assert np.isnan(result.adjusted.value).tolist() == [False, False, True]
    one = bias_adjust_in_sequence(STUDY, biases=[RECORD, TAKEN], measure="OR")
    assert_same(result.adjusted.low[0], one.adjusted.low)
    with pytest.raises(ValueError, match="the adjustment for exposure misclassification fails"):
        bias_adjust_in_sequence(STUDY, biases=[RECORD | {"specificity": 0.6}, TAKEN])
    # What a later stage would mend is impossible still.
    bad = {"bias": "misclassification", "variable": "exposure", "sensitivity": 0.9, "specificity": 0.6}
    back = {
        "bias": "misclassification",
        "variable": "exposure",
        "positive_predictive_value": 0.6,
        "negative_predictive_value": 0.6,
    }
    late = bias_adjust_in_sequence(STUDY, biases=[bad, back], impossible="nan")
    assert np.isnan(late.adjusted.value)


def test_rates_and_names():
    rates = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
    steps = [
        {
            "bias": "misclassification",
            "variable": "outcome",
            "sensitivity": 0.9,
            "positive_predictive_value": 0.95,
            "reference_sensitivity": 0.7,
            "name": "missed fractures",
        },
        THIRD,
    ]
    result = bias_adjust_in_sequence(rates, biases=steps)
    assert result.order[0] == "missed fractures"
    crude = (60 / 4000) / (40 / 9000)
    bias = (1 - 0.08 * 0.3) / (1 - 0.08 * 0.44)
    assert_same(result.adjusted.value, crude * 0.7 / 0.9 / bias)
    assert bias_order_sensitivity(rates, biases=steps).measure == "IRR"


@pytest.mark.parametrize(
    ("biases", "error", "message"),
    [
        ([], TypeError, "at least one mapping"),
        (RECORD, TypeError, "at least one mapping"),
        (["selection"], TypeError, r"`biases\[0\]` must be a mapping"),
        ([{"bias": "selecton"}], ValueError, "Did you mean 'selection'"),
        ([RECORD | {"sensitvity": 1}], ValueError, "Did you mean 'sensitivity'"),
        ([RECORD | {"rates": True}], ValueError, r"a key of biases\[0\]"),
        (
            [{"bias": "confounding", "confounder_effect": 2}],
            TypeError,
            "lacks 'control_prevalence', 'exposed_",
        ),
        ([{"bias": "misclassification", "variable": "exposure"}], TypeError, "got neither"),
        ([TAKEN | {"exposed_cases": 2}], ValueError, "`exposed_cases` must be between 0 and 1"),
    ],
)
def test_what_is_refused(biases, error, message):
    with pytest.raises(error, match=message):
        bias_adjust_in_sequence(STUDY, biases=biases)


def test_what_is_refused_elsewhere():
    with pytest.raises(ValueError, match="at most 6"):
        bias_order_sensitivity(STUDY, biases=[THIRD] * 7)
    with pytest.raises(TypeError, match="TwoByTwo or a TwoRates"):
        bias_adjust_in_sequence(3, biases=[THIRD])
