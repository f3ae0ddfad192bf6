"""An unmeasured confounder against episensr, against made-up confounders, and at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import (
    EffectSizes,
    TwoByTwo,
    TwoRates,
    mantel_haenszel,
    odds_ratio,
    prevalence,
    risk_difference,
    risk_ratio,
)
from analysis.bias.confounding import (
    adjust_confounding,
    bias_adjust_confounding,
    confounder_prevalences,
    confounding_bias,
    confounding_limits,
    confounding_strata,
)
from analysis.values.counts import Proportion
from reference_values import assert_same, identifier, load, records

TYNDALL = TwoByTwo.from_cells(exposed_cases=105, control_cases=85, exposed_noncases=527, control_noncases=93)
RELIGION = {"confounder_effect": 0.63, "exposed_prevalence": 0.8, "control_prevalence": 0.05}
MEASURES = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}


def table_of(matrix):
    (a, c), (b, d) = matrix["rows"]
    return TwoByTwo.from_cells(exposed_cases=a, control_cases=c, exposed_noncases=b, control_noncases=d)


def rows_of(table):
    return np.array(
        [table.exposed_cases, table.control_cases, table.exposed_noncases, table.control_noncases]
    )


def named(kind, parameters):
    if kind == "poly":
        one, two, p11, p01, p12, p02 = parameters
        # Effects, then exposed and unexposed shares of the first level, then of the second.
        return {
            "confounder_effect": (one, two),
            "exposed_prevalence": (p11, p12),
            "control_prevalence": (p01, p02),
        }
    if kind == "emm":
        names = ("exposed_confounder_effect", "confounder_effect", "exposed_prevalence", "control_prevalence")
    else:
        names = ("confounder_effect", "exposed_prevalence", "control_prevalence")
    return dict(zip(names, parameters, strict=True))


BINARY = records("episensr", "confounders/")
MODIFIED = [
    record for record in records("episensr", "confounders.emm/") if "adj.measures" in record["outputs"]
]
LEVELS = records("episensr", "confounders.poly/")


@pytest.mark.parametrize("record", BINARY + MODIFIED + LEVELS, ids=identifier)
def test_episensr(record):
    inputs, outputs = record["inputs"], record["outputs"]
    kind = record["id"].split("/")[0].partition(".")[2]
    measure, table = inputs["type"], table_of(inputs["tab"])
    parameters = named(kind, inputs["bp"])
    strata = confounding_strata(table, measure=measure, **parameters)
    layers = (
        ["nocfder.data", "cfder2.data", "cfder1.data"] if kind == "poly" else ["nocfder.data", "cfder.data"]
    )
    for level, name in enumerate(layers):
        assert_same(rows_of(strata[..., level]), np.ravel(outputs[name]["rows"]))
    estimates = [row[0] for row in outputs["obs.measures"]["rows"]]
    # episensr prints the strata with the confounder first.
    order = [*range(1, len(layers)), 0]
    assert_same([MEASURES[measure](strata[..., level]).value for level in order], np.array(estimates[1:]))
    crude = MEASURES[measure](table, confidence_level=1 - inputs["alpha"])
    assert_same([crude.value, crude.low, crude.high], np.array(outputs["obs.measures"]["rows"][0]))
    adjusted = dict(zip(outputs["adj.measures"]["rownames"], outputs["adj.measures"]["rows"], strict=True))
    pooled = mantel_haenszel(strata, measure=measure).value
    shift = crude.value - pooled if measure == "RD" else crude.value / pooled
    assert_same([pooled, shift], np.array(adjusted["Mantel-Haenszel:"]))
    parameters.pop("exposed_confounder_effect", None)
    result = bias_adjust_confounding(
        table, measure=measure, confidence_level=1 - inputs["alpha"], impossible="nan", **parameters
    )
    if measure != "RD":
        assert_same(
            [result.adjusted.value, result.shift], np.array(adjusted["Standardized Morbidity Ratio:"])
        )
        assert_same(result.adjusted.low, crude.low / result.shift)
    elif kind != "emm":
        assert_same([result.adjusted.value, result.shift], np.array(adjusted["Mantel-Haenszel:"]))


@pytest.mark.parametrize("record", records("episensr", "confounders.emm_MHown/"), ids=identifier)
def test_mantel_haenszel_odds_ratio_that_episensr_gets_wrong(record):
    table = table_of(record["inputs"]["tab"])
    strata = confounding_strata(table, measure="OR", **named("emm", record["inputs"]["bp"]))
    pooled = mantel_haenszel(strata, measure="OR").value
    assert_same(pooled, record["outputs"]["MH_OR"])
    assert_same(odds_ratio(table).value / pooled, record["outputs"]["OR_conf"])


@pytest.mark.parametrize("record", records("episensr", "confounders.array/"), ids=identifier)
def test_array(record):
    effect, first, second = record["inputs"]["bp"]
    kind, crude = record["inputs"]["type"], record["inputs"]["crude"]
    names = (
        ("exposed_prevalence", "control_prevalence") if kind == "binary" else ("exposed_mean", "control_mean")
    )
    parameters = dict(zip(names, (first, second), strict=True))
    bias = confounding_bias(confounder_effect=effect, ratio=kind != "RD", **parameters)
    adjusted = crude - bias if kind == "RD" else crude / bias
    expected = [row[0] for row in record["outputs"]["adj.measures"]["rows"]]
    assert_same([adjusted, 100 * (crude / adjusted - 1)], np.array(expected))


@pytest.mark.parametrize("record", records("episensr", "confounders.ext/"), ids=identifier)
def test_external_adjustment(record):
    effect, odds, share, exposed = record["inputs"]["bp"]
    shares = confounder_prevalences(prevalence=share, exposure_prevalence=exposed, odds_ratio=odds)
    bias = confounding_bias(
        confounder_effect=effect, exposed_prevalence=shares[0], control_prevalence=shares[1]
    )
    (crude,), (percent,) = record["outputs"]["adj.measures"]["rows"]
    # episensr prints the bias factor as the crude ratio: right only where the true ratio is 1.
    assert_same(bias, crude)
    assert_same(100 * (bias - record["inputs"]["RR"]) / record["inputs"]["RR"], percent)


def test_crude_ratio_that_episensr_does_not_multiply():
    # Third record: a true ratio of 1.5, a confounder of odds ratio 0.5 to exposure; the joint distribution.
    p1, p0 = confounder_prevalences(prevalence=0.4, exposure_prevalence=0.2, odds_ratio=0.5)
    base = 0.01
    exposed = 1.5 * base * (1 - p1 + 2 * p1)
    control = base * (1 - p0 + 2 * p0)
    bias = confounding_bias(confounder_effect=2, exposed_prevalence=p1, control_prevalence=p0)
    assert_same(exposed / control, 1.5 * bias)


@pytest.mark.parametrize("record", records("episensr", "confounders.limit/"), ids=identifier)
def test_limits(record):
    inputs = record["inputs"]
    limits = confounding_limits(
        inputs["crude"],
        control_prevalence=inputs["p"],
        confounder_risk_ratio=inputs["RR"],
        exposure_odds_ratio=inputs["OR"],
    )
    assert_same([limits.low, limits.high], np.ravel(record["outputs"]["adj.measures"]["rows"]))


def test_grid_of_shares_and_effects():
    (record,) = records("episensr", "multidimBias/confounder")
    exposed, control, effects = (np.array(part) for part in record["inputs"]["bpl"])
    result = bias_adjust_confounding(
        table_of(record["inputs"]["tab"]),
        confounder_effect=effects,
        exposed_prevalence=exposed[:, None],
        control_prevalence=control[:, None],
    )
    assert_same(result.adjusted.value, np.array(record["outputs"]["adj.measures"]["rows"]))


def test_no_limit_is_passed_by_any_confounder():
    rng = np.random.default_rng(7)
    p1, p0 = rng.uniform(0.001, 0.999, (2, 200_000))
    effect = np.exp(rng.uniform(0, 3, p1.size))
    p1, p0 = np.maximum(p1, p0), np.minimum(p1, p0)
    odds = p1 / (1 - p1) / (p0 / (1 - p0))
    bias = confounding_bias(confounder_effect=effect, exposed_prevalence=p1, control_prevalence=p0)
    for known in (
        {"confounder_risk_ratio": effect},
        {"exposure_odds_ratio": odds},
        {"control_prevalence": p0},
        {"confounder_risk_ratio": effect, "exposure_odds_ratio": odds, "control_prevalence": p0},
    ):
        limits = confounding_limits(2.0, **known)
        assert (2.0 / bias >= limits.low * (1 - 1e-12)).all()
    # The last is reached where everyone exposed has the confounder.
    edge = confounding_bias(confounder_effect=3, exposed_prevalence=1, control_prevalence=0.4)
    limit = confounding_limits(2.0, confounder_risk_ratio=3, control_prevalence=0.4)
    assert_same(limit.low, 2.0 / edge)


def test_external_prevalences_put_back():
    share, exposure = np.meshgrid(np.linspace(0.02, 0.98, 25), np.linspace(0.02, 0.98, 25))
    for odds in (1e-6, 0.2, 1.0, 1 + 1e-12, 7.0, 1e6):
        p1, p0 = confounder_prevalences(prevalence=share, exposure_prevalence=exposure, odds_ratio=odds)
        assert_same(p1 * exposure + p0 * (1 - exposure), share, rel=1e-12)
        inside = (np.minimum(p1, p0) > 1e-9) & (np.maximum(p1, p0) < 1 - 1e-9)
        assert inside.any()
        got = (p1 / (1 - p1) / (p0 / (1 - p0)))[inside]
        np.testing.assert_allclose(got, odds, rtol=1e-6)


@given(
    st.tuples(*[st.integers(5, 400)] * 4),
    st.floats(0.3, 3),
    # A stratum of less than a millionth of a person is lost in rounding.
    st.just(0.0) | st.floats(1e-6, 1),
    st.just(0.0) | st.floats(1e-6, 1),
)
def test_invariants(counts, effect, p1, p0):
    a, b, c, d = counts
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    confounder = {"confounder_effect": effect, "exposed_prevalence": p1, "control_prevalence": p0}
    for measure in ("RR", "OR"):
        strata = confounding_strata(table, measure=measure, impossible="nan", **confounder)
        if not np.isnan(strata.exposed_cases).any():
            assert_same(rows_of(strata.collapse()), rows_of(table), rel=1e-12)
        none = bias_adjust_confounding(table, measure=measure, **(confounder | {"confounder_effect": 1}))
        assert_same(none.adjusted.value, none.observed.value, rel=1e-12)
        equal = bias_adjust_confounding(table, measure=measure, **(confounder | {"control_prevalence": p1}))
        assert_same(equal.adjusted.low, equal.observed.low, rel=1e-9)
        adjusted = bias_adjust_confounding(table, measure=measure, impossible="nan", **confounder)
        turned = bias_adjust_confounding(
            table, measure=measure, impossible="nan", standard="control", **confounder
        )
        if not (adjusted.impossible or turned.impossible):
            assert_same(adjusted.adjusted.value, turned.adjusted.value, rel=1e-12)
            assert_same(
                adjusted.adjusted.std_error,
                adjusted.observed.std_error if measure == "OR" else adjusted.adjusted.std_error,
            )
            assert_same(adjusted.adjusted.value * adjusted.shift, adjusted.observed.value, rel=1e-12)


def test_a_made_up_confounder_is_taken_away_under_effect_modification():
    # Risks by level and exposure, prevalences: the crude table follows; the standardized ratio is known.
    exposed_risk, control_risk = np.array([0.10, 0.30]), np.array([0.08, 0.12])
    p1, p0 = 0.4, 0.1
    mix1, mix0 = np.array([1 - p1, p1]), np.array([1 - p0, p0])
    n = 1e6
    table = TwoByTwo(
        exposed_cases=round(n * float(exposed_risk @ mix1)),
        exposed_total=n,
        control_cases=round(n * float(control_risk @ mix0)),
        control_total=n,
    )
    shares = {"exposed_prevalence": p1, "control_prevalence": p0}
    to_exposed = bias_adjust_confounding(table, confounder_effect=0.12 / 0.08, **shares)
    assert_same(to_exposed.adjusted.value, exposed_risk @ mix1 / (control_risk @ mix1))
    to_controls = bias_adjust_confounding(table, confounder_effect=3.0, standard="control", **shares)
    assert_same(to_controls.adjusted.value, exposed_risk @ mix0 / (control_risk @ mix0))
    difference = bias_adjust_confounding(table, confounder_effect=0.04, measure="RD", **shares)
    assert_same(difference.adjusted.value, (exposed_risk - control_risk) @ mix1)
    strata = confounding_strata(table, confounder_effect=1.5, exposed_confounder_effect=3.0, **shares)
    assert_same(strata.exposed_cases / strata.exposed_total, exposed_risk)
    assert_same(strata.control_cases / strata.control_total, control_risk)


def test_published_estimates_and_rates():
    hazard = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR").interval()
    result = bias_adjust_confounding(
        hazard, confounder_effect=2, exposed_prevalence=0.5, control_prevalence=[0.5, 0.25]
    )
    assert_same(result.adjusted.value, np.array([1.83, 1.83 / 1.2]))
    assert_same(result.adjusted.high[1], hazard.high / 1.2)
    rates = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
    ratio = bias_adjust_confounding(rates, **RELIGION)
    assert_same(ratio.shift, confounding_bias(**RELIGION))
    assert_same(ratio.adjusted.std_error, np.sqrt(1 / 60 + 1 / 40))
    shift = RELIGION | {"confounder_effect": 0.002}
    difference = bias_adjust_confounding(rates, measure="IRD", **shift)
    assert_same(difference.shift, 0.0015)
    published = bias_adjust_confounding(risk_difference(TYNDALL), **(RELIGION | {"confounder_effect": -0.37}))
    assert_same(published.adjusted.value, -0.033888849381311295)
    strata = confounding_strata(rates, measure="IRD", **shift)
    assert_same(strata.collapse().exposed_events, 60)


def test_draws_of_many_studies():
    tables = TwoByTwo(
        exposed_cases=[45, 90], exposed_total=[302, 600], control_cases=[94, 80], control_total=[1039, 700]
    )
    effect = np.array([[0.5], [1.0], [1.5]])
    adjusted = adjust_confounding(tables, **(RELIGION | {"confounder_effect": effect}))
    assert adjusted.shape == (3, 2)
    assert_same(adjusted[1].control_cases, tables.control_cases)
    marked = bias_adjust_confounding(
        TYNDALL,
        confounder_effect=[1.5, 60],
        exposed_prevalence=0.9,
        control_prevalence=0.01,
        impossible="nan",
    )
    assert marked.impossible.tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"exposed_prevalence": 80}, ValueError, "`exposed_prevalence` must be between 0 and 1, but got 80"),
        ({"confounder_effect": 0}, ValueError, "`confounder_effect` must be a number greater than 0"),
        ({"confounder_effect": (2, 3)}, ValueError, "have 2, 1 and 1"),
        ({"confounder_effect": ()}, ValueError, "empty tuple"),
        (
            {
                "confounder_effect": (2, 3),
                "exposed_prevalence": (0.7, 0.4),
                "control_prevalence": (0.1, 0.1),
            },
            ValueError,
            "`exposed_prevalence` of all levels must sum to at most 1",
        ),
        ({"standard": "total"}, ValueError, "`standard` must be one of"),
        ({"measure": "IRR"}, ValueError, "`measure` must be one of"),
        ({"confounder_effect": 30, "exposed_prevalence": 1}, ValueError, "a risk above 1"),
        ({"measure": "RD", "confounder_effect": np.inf}, ValueError, "`confounder_effect` must be finite"),
    ],
)
def test_what_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        bias_adjust_confounding(TYNDALL, **(RELIGION | change))


def test_what_is_refused_elsewhere():
    with pytest.raises(ValueError, match="is none"):
        bias_adjust_confounding(prevalence(Proportion(events=5, total=10)), **RELIGION)
    with pytest.raises(ValueError, match="`measure` must be that of the estimate"):
        bias_adjust_confounding(risk_ratio(TYNDALL), measure="OR", **RELIGION)
    with pytest.raises(TypeError, match="`exposed_mean` and `control_mean`"):
        confounding_bias(confounder_effect=2, exposed_prevalence=0.2)
    with pytest.raises(TypeError, match="`exposed_mean` and `control_mean`"):
        confounding_bias(confounder_effect=2, exposed_prevalence=0.2, control_mean=2)
    with pytest.raises(TypeError, match="not a tuple"):
        confounding_bias(confounder_effect=(2, 3), exposed_mean=0.2, control_mean=2)
    with pytest.raises(TypeError, match="at least one of"):
        confounding_limits(2)
    with pytest.raises(ValueError, match="exchange the categories"):
        confounding_limits(2, confounder_risk_ratio=0.5)
    with pytest.raises(ValueError, match="leave it out"):
        confounding_limits(2, control_prevalence=0)
    with pytest.raises(ValueError, match="both groups must exist"):
        confounder_prevalences(prevalence=0.1, exposure_prevalence=1, odds_ratio=2)


REFUSED = [r for r in load("episensr")["records"] if r.get("error")]


@pytest.mark.parametrize("record", REFUSED, ids=identifier)
def test_what_episensr_refuses_is_refused(record):
    inputs = record["inputs"]
    kind = record["id"].split("/")[0].partition(".")[2]
    table, parameters = table_of(inputs["tab"]), named(kind, inputs["bp"])
    with pytest.raises(ValueError, match="a risk above 1 or below 0"):
        confounding_strata(table, measure=inputs["type"], **parameters)
    marked = confounding_strata(table, measure=inputs["type"], impossible="nan", **parameters)
    assert np.isnan(marked.exposed_cases + marked.control_cases).any()


def test_limits_on_both_sides_of_one():
    """Flanders and Khoury: a positive confounder lifts a ratio, so that the adjusted one lies below."""
    known = {"confounder_risk_ratio": 4.0, "exposure_odds_ratio": 3.0, "control_prevalence": 0.4}
    largest = min(4.0, 3.0, 1 / 0.4, 4 / (0.6 + 1.6), 3 / (0.6 + 1.2))
    for ratio in (0.6, 1.0, 1.5):
        limits = confounding_limits(ratio, **known)
        assert_same([limits.low, limits.high], [ratio / largest, ratio], rel=1e-12)
    # A confounder that protects is turned round: the groups of the exposure exchanged, and so the ratio.
    inverse = confounding_limits(1 / 0.6, **known)
    assert_same(1 / inverse.low, 0.6 * largest, rel=1e-12)
    nothing = confounding_limits(1.5, confounder_risk_ratio=1.0)
    assert_same([nothing.low, nothing.high], [1.5, 1.5])
    with pytest.raises(ValueError, match=r"`exposure_odds_ratio` must be at least 1, but got 0.5.*exchange"):
        confounding_limits(1.5, exposure_odds_ratio=0.5)
    with pytest.raises(ValueError, match="`control_prevalence` must be greater than 0; leave it out"):
        confounding_limits(1.5, control_prevalence=0.0)
