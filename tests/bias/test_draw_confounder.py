"""Drawn confounders of several levels, with effect modification, their prevalences from outside."""

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo, TwoRates
from analysis.bias.confounding import bias_adjust_confounding, confounder_prevalences
from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import UnmeasuredConfounding
from analysis.bias.tipping import tipping_point
from reference_values import assert_same, identifier, records

RESINS = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
HAZARD_RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")


def adjusted(data, bias, measure=None, **options):
    """Return the measure by a bias whose parameters are all known."""
    settings = {"rng": 1, "draws": 100, "random_error": "none"} | options
    result = probabilistic_bias_analysis(data, biases=bias, measure=measure, **settings)
    assert result.impossible_draws.max() == 0
    return result.systematic[2]


MODIFIED = [
    record
    for record in records("episensr", "confounders.emm/")
    if "adj.measures" in record["outputs"] and record["inputs"]["type"] != "RD"
]
LEVELS = [record for record in records("episensr", "confounders.poly/") if record["inputs"]["type"] != "RD"]


@pytest.mark.parametrize("record", MODIFIED + LEVELS, ids=identifier)
def test_known_confounders_of_episensr(record):
    inputs = record["inputs"]
    (a, c), (b, d) = inputs["tab"]["rows"]
    table = TwoByTwo.from_cells(exposed_cases=a, control_cases=c, exposed_noncases=b, control_noncases=d)
    name = {"RR": "risk_ratio", "OR": "odds_ratio"}[inputs["type"]]
    if len(inputs["bp"]) == 6:
        one, two, p11, p01, p12, p02 = inputs["bp"]
        given = {name: [one, two], "prevalence_exposed": [p11, p12], "prevalence_control": [p01, p02]}
    else:
        among_exposed, among_controls, p1, p0 = inputs["bp"]
        given = {
            name: among_controls,
            f"exposed_{name}": among_exposed,
            "prevalence_exposed": p1,
            "prevalence_control": p0,
        }
    expected = dict(
        zip(
            record["outputs"]["adj.measures"]["rownames"],
            record["outputs"]["adj.measures"]["rows"],
            strict=True,
        )
    )["Standardized Morbidity Ratio:"][0]
    assert_same(adjusted(table, UnmeasuredConfounding(**given), inputs["type"]), expected)


# A confounder of three levels that acts otherwise on the exposed; risks (or rates) by level.
SHARES = np.array([[0.5, 0.2, 0.3], [0.7, 0.2, 0.1]])
EFFECTS = np.array([[1.0, 1.5, 3.0], [1.0, 2.0, 2.5]])
BASE = np.array([0.06, 0.04])
SIZE = np.array([30_000.0, 80_000.0])
NAMED = {
    "prevalence_exposed": list(SHARES[0, 1:]),
    "prevalence_control": list(SHARES[1, 1:]),
    "risk_ratio": list(EFFECTS[1, 1:]),
    "exposed_risk_ratio": list(EFFECTS[0, 1:]),
}
RISKS = BASE[:, np.newaxis] * EFFECTS
PERSONS = SIZE[:, np.newaxis] * SHARES
WEIGHTS = {"exposed": PERSONS[0], "control": PERSONS[1], "total": PERSONS.sum(axis=0)}


def crude_table():
    cases = (PERSONS * RISKS).sum(axis=1)
    return TwoByTwo._trusted(
        exposed_cases=cases[0], exposed_total=SIZE[0], control_cases=cases[1], control_total=SIZE[1]
    )


@pytest.mark.parametrize("standard", ["exposed", "control", "total"])
@pytest.mark.parametrize("measure", ["RR", "RD", "OR", "IRR", "IRD"])
def test_a_made_up_confounder_is_taken_away(measure, standard):
    weight = WEIGHTS[standard] / WEIGHTS[standard].sum()
    table = crude_table()
    if measure == "OR":
        odds, free = RISKS / (1 - RISKS), PERSONS * (1 - RISKS)
        weight = {"exposed": free[0], "control": free[1], "total": free.sum(axis=0)}[standard]
        truth = (weight * odds[0]).sum() / (weight * odds[1]).sum()
    else:
        first, second = RISKS @ weight
        truth = first - second if measure in {"RD", "IRD"} else first / second
    if measure in {"IRR", "IRD"}:
        table = TwoRates._trusted(
            exposed_events=table.exposed_cases,
            exposed_time=table.exposed_total,
            control_events=table.control_cases,
            control_time=table.control_total,
        )
    bias = UnmeasuredConfounding(**NAMED, standard=standard)
    assert_same(adjusted(table, bias, measure), truth, rel=1e-12)


@pytest.mark.parametrize("standard", ["exposed", "control", "total"])
def test_odds_ratios_of_a_confounder_among_the_noncases(standard):
    free = np.array([[400.0, 100.0, 50.0], [3000.0, 500.0, 80.0]])
    odds = np.array([[0.05], [0.02]]) * EFFECTS
    cases = (free * odds).sum(axis=1)
    table = TwoByTwo._trusted(
        exposed_cases=cases[0],
        exposed_total=cases[0] + free[0].sum(),
        control_cases=cases[1],
        control_total=cases[1] + free[1].sum(),
    )
    shares = free / free.sum(axis=1, keepdims=True)
    bias = UnmeasuredConfounding(
        prevalence_exposed=list(shares[0, 1:]),
        prevalence_control=list(shares[1, 1:]),
        odds_ratio=list(EFFECTS[1, 1:]),
        exposed_odds_ratio=list(EFFECTS[0, 1:]),
        standard=standard,
    )
    weight = {"exposed": free[0], "control": free[1], "total": free.sum(axis=0)}[standard]
    assert_same(adjusted(table, bias, "OR"), (weight * odds[0]).sum() / (weight * odds[1]).sum(), rel=1e-12)


@pytest.mark.parametrize("measure", ["RR", "RD", "OR"])
def test_delta_is_the_scatter_of_resampled_tables(measure):
    bias = UnmeasuredConfounding(**NAMED, standard="total")
    table = TwoByTwo(exposed_cases=3000, exposed_total=30_000, control_cases=4000, control_total=80_000)
    limits = [
        probabilistic_bias_analysis(
            table, biases=bias, measure=measure, rng=4, draws=100_000, random_error=random_error
        ).total
        for random_error in ("delta", "resampling")
    ]
    assert_same(limits[0][2], limits[1][2], rel=0.002)
    widths = [limit[4] - limit[0] for limit in limits]
    assert widths[0] == pytest.approx(widths[1], rel=0.02)


def test_the_prevalences_in_four_ways_are_one_confounder():
    share, exposed, odds = 0.2, 0.3, 2.5
    p1, p0 = (
        float(part)
        for part in confounder_prevalences(prevalence=share, exposure_prevalence=exposed, odds_ratio=odds)
    )
    values = [
        adjusted(HAZARD_RATIO, UnmeasuredConfounding(**given, risk_ratio=3))
        for given in (
            {"prevalence_exposed": p1, "prevalence_control": p0},
            {"prevalence_control": p0, "prevalence_ratio": p1 / p0},
            {"prevalence_control": p0, "exposure_odds_ratio": odds},
            {"prevalence": share, "exposure_prevalence": exposed, "exposure_odds_ratio": odds},
        )
    ]
    assert_same(values, 1.83 / ((1 + 2 * p1) / (1 + 2 * p0)), rel=1e-12)
    # Several levels: each odds ratio is that to the reference level.
    p0 = np.array([0.7, 0.2, 0.1])
    p1 = p0 * [1, 1.5, 4] / (p0 * [1, 1.5, 4]).sum()
    common = {"prevalence_control": list(p0[1:]), "risk_ratio": [2, 3]}
    assert_same(
        adjusted(HAZARD_RATIO, UnmeasuredConfounding(**common, exposure_odds_ratio=[1.5, 4])),
        adjusted(HAZARD_RATIO, UnmeasuredConfounding(**common, prevalence_exposed=list(p1[1:]))),
        rel=1e-12,
    )


@pytest.mark.parametrize("record", records("episensr", "confounders.ext/"), ids=identifier)
def test_external_adjustment_of_episensr(record):
    effect, odds, share, exposed = record["inputs"]["bp"]
    bias = UnmeasuredConfounding(
        prevalence=share, exposure_prevalence=exposed, exposure_odds_ratio=odds, risk_ratio=effect
    )
    # episensr prints the bias factor as the crude ratio: right only where the true ratio is 1.
    factor = record["outputs"]["adj.measures"]["rows"][0][0]
    assert_same(adjusted(HAZARD_RATIO, bias), 1.83 / factor)


def test_levels_of_one_effect_are_one_level():
    together = UnmeasuredConfounding(prevalence_exposed=0.5, prevalence_control=0.3, risk_ratio=2)
    apart = UnmeasuredConfounding(
        prevalence_exposed=[0.2, 0.3], prevalence_control=[0.2, 0.1], risk_ratio=[2, 2]
    )
    empty = UnmeasuredConfounding(
        prevalence_exposed=[0.5, 0], prevalence_control=[0.3, 0], risk_ratio=[2, 1.1]
    )
    for measure in ("OR", "RR", "RD"):
        first = adjusted(RESINS, together, measure)
        assert_same([adjusted(RESINS, other, measure) for other in (apart, empty)], first, rel=1e-12)


@pytest.mark.parametrize("standard", ["exposed", "control"])
def test_the_simple_adjustment_is_the_same(standard):
    given = {"prevalence_exposed": 0.6, "prevalence_control": 0.2}
    names = {"exposed_prevalence": 0.6, "control_prevalence": 0.2}
    for measure in ("RR", "OR"):
        name = "odds_ratio" if measure == "OR" else "risk_ratio"
        simple = bias_adjust_confounding(
            RESINS, confounder_effect=1.7, measure=measure, standard=standard, **names
        )
        bias = UnmeasuredConfounding(**given, **{name: 1.7}, standard=standard)
        assert_same(adjusted(RESINS, bias, measure), simple.adjusted.value, rel=1e-12)
    # Under effect modification the effect in the group that is moved is what counts.
    simple = bias_adjust_confounding(RESINS, confounder_effect=4.0, standard=standard, **names)
    effects = {"risk_ratio": 4.0, "exposed_risk_ratio": 1.2}
    if standard == "control":
        effects = {"risk_ratio": 1.2, "exposed_risk_ratio": 4.0}
    bias = UnmeasuredConfounding(**given, **effects, standard=standard)
    assert_same(adjusted(RESINS, bias, "RR"), simple.adjusted.value, rel=1e-12)


@pytest.mark.parametrize("standard", ["exposed", "control", "total"])
@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_a_confounder_of_no_effect_changes_nothing(measure, standard):
    bias = UnmeasuredConfounding(
        prevalence_exposed=["uniform(0.1, 0.5)", 0.2],
        prevalence_control=["uniform(0.1, 0.2)", 0.1],
        risk_ratio=[1, 1],
        standard=standard,
    )
    result = probabilistic_bias_analysis(
        RESINS, biases=bias, measure=measure, rng=1, draws=1000, random_error="delta"
    )
    assert_same(result.systematic, result.conventional.value, rel=1e-12)


def test_draws_of_more_than_everybody_are_impossible():
    bias = UnmeasuredConfounding(
        prevalence_exposed=["uniform(0, 1)", "uniform(0, 1)"],
        prevalence_control=[0.1, 0.1],
        risk_ratio=[2, 3],
    )
    result = probabilistic_bias_analysis(HAZARD_RATIO, biases=bias, rng=1, random_error="none")
    assert result.share_impossible == pytest.approx(0.5, abs=0.006)
    assert list(result.impossible) == ["confounder prevalences above 1"]
    bias = UnmeasuredConfounding(prevalence_control=0.4, prevalence_ratio="uniform(1, 5)", risk_ratio=2)
    result = probabilistic_bias_analysis(HAZARD_RATIO, biases=bias, rng=1, random_error="none")
    assert result.share_impossible == pytest.approx(2.5 / 4, abs=0.006)


def test_a_sum_of_exactly_everybody_is_possible():
    bias = UnmeasuredConfounding(
        prevalence_exposed=[0.1, 0.2, 0.7], prevalence_control=[0.3, 0.6, 0.1], risk_ratio=[2, 3, 4]
    )
    factor = (0.2 + 0.6 + 2.8) / (0.6 + 1.8 + 0.4)
    assert_same(adjusted(HAZARD_RATIO, bias), 1.83 / factor, rel=1e-12)


def test_a_risk_above_one_among_the_exposed_alone_is_impossible():
    table = TwoByTwo(exposed_cases=50, exposed_total=100, control_cases=10, control_total=100)
    bias = UnmeasuredConfounding(
        prevalence_exposed=0.5, prevalence_control=0.5, risk_ratio=1.5, exposed_risk_ratio="uniform(1, 7)"
    )
    result = probabilistic_bias_analysis(table, biases=bias, measure="RR", rng=1, random_error="none")
    # r/(0.5 (r - 1) + 1) / 2 never reaches 1; with a tenth having the confounder it does.
    assert result.impossible_draws == 0
    rare = UnmeasuredConfounding(
        prevalence_exposed=0.1, prevalence_control=0.1, risk_ratio=1.5, exposed_risk_ratio="uniform(1, 7)"
    )
    result = probabilistic_bias_analysis(table, biases=rare, measure="RR", rng=1, random_error="none")
    # 0.5 r/(1 + 0.1 (r - 1)) > 1 from r = 0.9/0.4 on.
    assert result.share_impossible == pytest.approx((7 - 2.25) / 6, abs=0.006)
    assert list(result.impossible) == ["a risk above 1"]


def test_draws_that_all_make_a_risk_above_one_are_told_which():
    table = TwoByTwo(exposed_cases=50, exposed_total=100, control_cases=10, control_total=100)
    bias = UnmeasuredConfounding(prevalence_exposed=0.1, prevalence_control=0.3, risk_ratio="uniform(3, 5)")
    # At a ratio of 4: 0.5 * 4/1.3.
    with pytest.raises(
        ValueError,
        match=r"a risk above 1 \(500\). A risk must be at most 1, but with `prevalence_exposed` "
        r"fixed\(0.1\), .*`risk_ratio` uniform\(3, 5\) at their medians the exposed .* have one of 1.538",
    ):
        probabilistic_bias_analysis(table, biases=bias, measure="RR", rng=1, draws=500)
    turned = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=50, control_total=100)
    bias = UnmeasuredConfounding(prevalence_exposed=0.3, prevalence_control=0.1, risk_ratio=4)
    with pytest.raises(ValueError, match="the controls at highest risk have one of 1.538"):
        probabilistic_bias_analysis(turned, biases=bias, measure="RR", rng=1, draws=500)


def test_a_group_without_cases_keeps_its_ratio():
    for cells, expected in ((((0, 20), (5, 15)), 0.0), (((5, 15), (0, 20)), np.inf)):
        (a, b), (c, d) = cells
        table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
        for standard in ("exposed", "control", "total"):
            bias = UnmeasuredConfounding(
                prevalence_exposed=0.5, prevalence_control=0.2, risk_ratio=2, standard=standard
            )
            assert adjusted(table, bias, "OR") == expected, standard


def test_parameters_of_levels_correlate_and_tip_by_their_names():
    bias = UnmeasuredConfounding(
        prevalence_exposed=["uniform(0.1, 0.3)", "uniform(0.1, 0.3)"],
        prevalence_control=[0.1, 0.05],
        risk_ratio=[2, "uniform(2, 4)"],
        correlations=[("prevalence_exposed[1]", "prevalence_exposed[2]", 0.9)],
    )
    free = UnmeasuredConfounding(
        prevalence_exposed=["uniform(0.1, 0.3)", "uniform(0.1, 0.3)"],
        prevalence_control=[0.1, 0.05],
        risk_ratio=[2, "uniform(2, 4)"],
    )
    widths = []
    for one in (bias, free):
        result = probabilistic_bias_analysis(HAZARD_RATIO, biases=one, rng=1, random_error="none")
        widths.append(np.log(result.systematic[4] / result.systematic[0]))
    assert widths[0] > 1.1 * widths[1]
    swings = parameter_swings(HAZARD_RATIO, biases=free)
    assert "risk_ratio[2]" in swings.parameters
    feared = UnmeasuredConfounding(
        prevalence_exposed=[0.3, 0.4], prevalence_control=[0.1, 0.05], risk_ratio=[2, 4]
    )
    tipped = tipping_point(HAZARD_RATIO, biases=feared, limit="estimate", target=1.2)
    place = tipped.parameters.index("risk_ratio[2]")
    ratio = float(tipped.tipping[place])
    # (1 + 0.3 + 0.4 (r - 1)) / (1 + 0.1 + 0.05 (r - 1)) = 1.83/1.2
    assert (1.3 + 0.4 * (ratio - 1)) / (1.1 + 0.05 * (ratio - 1)) == pytest.approx(1.83 / 1.2, rel=1e-6)
    # All together: ratios go along the log scale, the controls' prevalences stay as stated.
    joint = dict(zip(tipped.parameters, tipped.joint_values.tolist(), strict=True))
    assert joint["risk_ratio[2]"] == pytest.approx(4 ** float(tipped.joint), rel=1e-12)
    assert joint["prevalence_control[1]"] == 0.1
    outside = UnmeasuredConfounding(
        prevalence=0.3, exposure_prevalence=0.4, exposure_odds_ratio=4, risk_ratio=5
    )
    tipped = tipping_point(HAZARD_RATIO, biases=outside, limit="estimate", target=1.3)
    assert set(tipped.axes) == {"exposure_odds_ratio", "risk_ratio"}
    neutral = dict(zip(tipped.parameters, tipped.neutral.tolist(), strict=True))
    # No prevalence of the exposure makes the confounder harmless; a confounder that nobody has is.
    assert neutral == {"prevalence": 0, "exposure_prevalence": 0.4, "exposure_odds_ratio": 1, "risk_ratio": 1}
    swap = tipping_point(HAZARD_RATIO, biases=feared, limit="estimate", target=1.2)
    neutral = dict(zip(swap.parameters, swap.neutral.tolist(), strict=True))
    assert [neutral[f"prevalence_exposed[{level}]"] for level in (1, 2)] == [0.1, 0.05]
    assert 0 < tipped.joint < 1


BINARY = {"prevalence_exposed": 0.5, "prevalence_control": 0.2}


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"risk_ratio": 2}, "`prevalence_exposed`, `prevalence_control` or .* must be given, but got none"),
        (
            {"prevalence_exposed": 0.5, "prevalence_ratio": 2, "risk_ratio": 2},
            "must be given, but got `prevalence_exposed`, `prevalence_ratio`",
        ),
        (
            BINARY | {"exposed_risk_ratio": 2, "odds_ratio": 2},
            "`exposed_risk_ratio` must stand beside `risk_",
        ),
        (
            BINARY | {"risk_ratio": [2, 3]},
            "one entry a level .*`prevalence_exposed` has 1, .*`risk_ratio` has 2",
        ),
        (BINARY | {"risk_ratio": []}, r"`risk_ratio` must hold at least one level, but is \[\]"),
        (
            {"prevalence_exposed": [0.6, 0.5], "prevalence_control": [0.2, 0.2], "risk_ratio": [2, 3]},
            "`prevalence_exposed` of all levels must be able to sum to at most 1 .* at least 1.1",
        ),
        (
            {"prevalence_exposed": [0.6, 1.5], "prevalence_control": [0.2, 0.2], "risk_ratio": [2, 0]},
            r"`prevalence_exposed\[2\]` must lie between 0 and 1, but is fixed\(1.5\).*"
            r"`risk_ratio\[2\]` must be greater than 0, but is fixed\(0\)",
        ),
        (
            {
                "prevalence": 0.2,
                "exposure_prevalence": 0.2,
                "exposure_odds_ratio": [2, 3],
                "risk_ratio": [2, 3],
            },
            r"`prevalence` must be left out for a confounder of several levels, but is fixed\(0.2\)",
        ),
        (
            {"prevalence": 0.2, "exposure_prevalence": 1, "exposure_odds_ratio": 2, "risk_ratio": 2},
            r"`exposure_prevalence` must be above 0 and below 1, but is fixed\(1\)",
        ),
        (BINARY | {"risk_ratio": 2, "standard": "both"}, "`standard` must be one of .* but got 'both'"),
        (BINARY | {"risk_ratio": "triangular(3, 2, 4)"}, "`risk_ratio`: `low` <= `mode` <= `high` must hold"),
    ],
)
def test_what_is_wrong_with_a_confounder_is_named(given, match):
    with pytest.raises(ValueError, match=match):
        UnmeasuredConfounding(**given)


def test_what_does_not_go_with_the_data_is_named():
    total = UnmeasuredConfounding(**BINARY, risk_ratio=2, standard="total")
    with pytest.raises(ValueError, match=r'index 0 .*needs the cells for standard="total"'):
        probabilistic_bias_analysis(HAZARD_RATIO, biases=total, rng=1)
    odds = UnmeasuredConfounding(**BINARY, odds_ratio=2)
    rates = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
    with pytest.raises(ValueError, match='needs `risk_ratio` for measure "IRR", but got `odds_ratio`'):
        probabilistic_bias_analysis(rates, biases=odds, rng=1)
