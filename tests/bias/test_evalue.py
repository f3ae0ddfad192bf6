"""E-values against EValue and episensr, against made-up confounders, and at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, TwoByTwo, odds_ratio, risk_difference, risk_ratio
from analysis.bias.evalue import (
    ConfoundingBound,
    MisclassificationBound,
    SelectionBound,
    bounding_factor,
    e_value,
    interaction_e_value,
    multi_bias_e_value,
    needed_strength,
)
from analysis.bias.methods.interaction_strength import interaction_factors
from analysis.bias.methods.risk_difference_bound import Risks, lowered, raised, risks_of
from reference_values import assert_same, identifier, load, number, numbers, records

HAMMOND = TwoByTwo.from_cells(
    exposed_cases=397, exposed_noncases=78557, control_cases=51, control_noncases=108778
)


def given_limits(inputs):
    return {
        name: None if inputs[key] is None else inputs[key] for name, key in (("low", "lo"), ("high", "hi"))
    }


def check(result, record, *, rel=1e-10):
    """Compare with the two rows of the package: risk ratios, and E-values of estimate and nearer limit."""
    ratios, strengths = record["outputs"]["rows"]
    assert_same([result.risk_ratio, result.risk_ratio_low, result.risk_ratio_high], numbers(ratios), rel=rel)
    assert_same(result.value, strengths[0], rel=rel)
    limits = [number(value) for value in strengths[1:]]
    known = [value for value in limits if not np.isnan(value)]
    assert len(known) <= 1
    assert_same(result.limit, known[0] if known else None, rel=rel)


@pytest.mark.parametrize("record", records("evalue", "evalues.RR/"), ids=identifier)
def test_risk_ratios(record):
    inputs = record["inputs"]
    check(e_value(inputs["est"], measure="RR", true=inputs["true"], **given_limits(inputs)), record)


RARITY = {True: "rare", False: "common"}


@pytest.mark.parametrize(
    "record", records("evalue", "evalues.OR/") + records("evalue", "evalues.HR/"), ids=identifier
)
def test_odds_and_hazard_ratios(record):
    inputs = record["inputs"]
    measure = record["id"].removeprefix("evalues.")[:2]
    result = e_value(
        inputs["est"],
        measure=measure,
        outcome=RARITY[inputs["rare"]],
        true=inputs["true"],
        **given_limits(inputs),
    )
    check(result, record)


@pytest.mark.parametrize(
    "record", records("evalue", "evalues.OLS/") + records("evalue", "evalues.MD/"), ids=identifier
)
def test_standardized_differences(record):
    inputs = record["inputs"]
    if "OLS" in record["id"]:
        result = e_value(
            inputs["est"],
            measure="OLS",
            std_error=inputs["se"],
            outcome_sd=inputs["sd"],
            contrast=inputs["delta"],
            # The package takes `true` as standardized, here it is a coefficient as the estimate is.
            true=inputs["true"] * inputs["sd"] / inputs["delta"],
        )
    else:
        result = e_value(inputs["est"], measure="SMD", std_error=inputs["se"], true=inputs["true"])
    check(result, record)


@pytest.mark.parametrize("record", records("evalue", "twoXtwoRR/"), ids=identifier)
def test_the_ratio_of_a_table(record):
    cells = [record["inputs"][name] for name in ("n11", "n10", "n01", "n00")]
    result = e_value(table_of(cells))
    outputs = record["outputs"]
    assert_same(
        [result.risk_ratio, result.risk_ratio_low, result.risk_ratio_high],
        [outputs["point"], outputs["lower"], outputs["upper"]],
    )


def table_of(cells):
    a, b, c, d = cells
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


@pytest.mark.parametrize("record", records("evalue", "evalues.RD/"), ids=identifier)
def test_risk_differences(record):
    cells = [record["inputs"][name] for name in ("n11", "n10", "n01", "n00")]
    result = e_value(table_of(cells), measure="RD", true=record["inputs"]["true"])
    assert_same(result.value, record["outputs"]["est.Evalue"])
    # The package takes the last factor of a grid of 1e-4 at which the limit is still above; an E-value moves
    # at most 1 + (2B - 1)/(2 sqrt(B(B - 1))) times as far.
    theirs = record["outputs"]["lower.Evalue"]
    if theirs == 1:
        assert result.limit == 1
        assert result.holds == 1
    else:
        factor = theirs**2 / (2 * theirs - 1)
        slope = 1 + (2 * factor - 1) / (2 * np.sqrt(factor * (factor - 1)))
        assert abs(float(result.limit) - theirs) <= 1.01e-4 * slope


def test_the_limit_of_a_risk_difference_put_back():
    for cells, true in (((397, 78557, 51, 108778), 0.001), ((40, 60, 20, 80), 0.0), ((90, 10, 20, 80), 0.1)):
        table = table_of(cells)
        limit = float(e_value(table, measure="RD", true=true).limit)
        factor = np.asarray(limit**2 / (2 * limit - 1))
        value, variance = lowered(factor, risks_of(table))
        assert abs(float(value - 1.959963984540054 * np.sqrt(variance)) - true) < 1e-12
        estimate = float(e_value(table, measure="RD", true=true).value)
        value, _ = lowered(np.asarray(estimate**2 / (2 * estimate - 1)), risks_of(table))
        assert abs(float(value) - true) < 1e-12


@pytest.mark.parametrize("record", records("episensr", "confounders.evalue/"), ids=identifier)
def test_episensr(record):
    inputs, outputs = record["inputs"], record["outputs"]
    kind = inputs["type"]
    if kind == "diff_RR":
        result = e_value(inputs["est"], measure="SMD", std_error=inputs["sd"])
        # Its "true" of 1 is a ratio: no difference.
        assert inputs["true"] == 1
    else:
        outcome = {} if kind == "RR" else {"outcome": "common" if kind.endswith("c") else "rare"}
        result = e_value(
            inputs["est"], measure=kind[:2], true=inputs["true"], **outcome, **given_limits(inputs)
        )
    assert_same(result.risk_ratio, outputs["estimate"])
    assert_same(result.value, outputs["evalue_estimate"])
    assert_same(result.limit, outputs["evalue_ci"])


def test_printed_example_of_vanderweele_and_ding():
    result = e_value(10.73, low=8.02, high=14.36, measure="RR")
    assert str(result) == "E-value 20.95 for the estimate, 15.52 for the limit nearer 1"
    # Breastfeeding and infant death, the second example of the paper: 3.9 (1.8 to 8.7) has 7.2 and 3.0.
    second = e_value(3.9, low=1.8, high=8.7, measure="RR")
    assert abs(float(second.value) - 7.2) < 0.07
    assert_same(second.limit, 3.0)


def test_an_interval_that_holds_the_null_needs_nothing_and_says_so():
    result = e_value(1.17, low=0.71, high=1.92, measure="HR", outcome="rare")
    assert result.limit == 1
    assert result.holds == 1
    assert str(result).endswith("for the estimate, 1 for the interval, which holds 1 already")
    none = e_value(1.0, measure="RR")
    assert none.value == 1
    assert np.isnan(none.limit)
    assert str(none) == "E-value 1.00 for the estimate"
    touching = e_value(1.5, low=1.0, high=2.2, measure="RR")
    assert touching.holds == 1


@given(st.floats(0.01, 100), st.floats(1.001, 3), st.floats(0.05, 20))
def test_invariants(ratio, width, true):
    result = e_value(ratio, low=ratio / width, high=ratio * width, measure="RR", true=true)
    inverse = e_value(1 / ratio, low=1 / (ratio * width), high=width / ratio, measure="RR", true=1 / true)
    assert_same([result.value, result.limit], np.array([inverse.value, inverse.limit]), rel=1e-6)
    assert result.limit <= result.value
    strength = max(float(result.value), 1.0)
    np.testing.assert_allclose(
        bounding_factor(strength, strength), max(ratio / true, true / ratio), rtol=1e-9
    )


def test_no_confounder_of_that_strength_explains_more():
    # Binary confounders with both strengths at most E: the bias factor never passes the ratio, and nearly
    # reaches it.
    ratio = 1.83
    strength = float(e_value(ratio, measure="RR").value)
    shares = np.concatenate([[1e-6], np.linspace(0.001, 1, 400)])
    p1, p0 = np.meshgrid(shares, shares)
    allowed = np.maximum(p1 / p0, 1) <= strength
    bias = (1 + p1 * (strength - 1)) / (1 + p0 * (strength - 1))
    assert 0.998 * ratio < bias[allowed].max() <= ratio * (1 + 1e-12)


def test_one_estimate_or_a_million():
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(0, 1, 50))
    low, high = values / 1.3, values * 1.4
    together = e_value(values, low=low, high=high, measure="HR", outcome="common", true=1.1)
    for place in range(50):
        alone = e_value(
            values[place], low=low[place], high=high[place], measure="HR", outcome="common", true=1.1
        )
        assert (alone.value, alone.limit) == (together.value[place], together.limit[place])
    frame = together.to_frame()
    assert frame["e_value"].tolist() == together.value.tolist()
    assert str(together).endswith("(50 in all)")


def test_estimates_and_tables_bring_their_limits():
    hazard = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR").interval()
    result = e_value(hazard, outcome="rare")
    assert_same(result.value, 1.83 + np.sqrt(1.83 * 0.83))
    assert_same(e_value(HAMMOND).limit, e_value(risk_ratio(HAMMOND)).limit)
    by_table = e_value(HAMMOND, measure="OR", outcome="rare", confidence_level=0.9)
    by_hand = e_value(odds_ratio(HAMMOND, confidence_level=0.9), outcome="rare")
    assert_same(by_table.limit, by_hand.limit)


def test_a_negative_difference_is_that_of_exchanged_groups():
    table = table_of((40, 60, 20, 80))
    exchanged = table_of((20, 80, 40, 60))
    for true in (0.0, 0.02):
        up, down = e_value(table, measure="RD", true=true), e_value(exchanged, measure="RD", true=-true)
        assert_same([up.value, up.limit], np.array([down.value, down.limit]), rel=1e-12)
    without = e_value(table_of((10, 90, 0, 100)), measure="RD")
    assert without.value == np.inf


MULTIPLE = {
    "1": [ConfoundingBound()],
    "2": [SelectionBound()],
    "3": [SelectionBound(population="selected")],
    "4": [SelectionBound(selection_is_cause=True)],
    "5": [SelectionBound(risk="increased")],
    "6": [SelectionBound(risk="decreased")],
    "7": [SelectionBound(risk="increased", selection_is_cause=True)],
    "8": [SelectionBound(risk="decreased", selection_is_cause=True)],
    "9": [MisclassificationBound(variable="outcome")],
    "10": [MisclassificationBound(variable="exposure", rare_outcome=True)],
    "11": [MisclassificationBound(variable="exposure", rare_outcome=True, rare_exposure=True)],
    "13": [ConfoundingBound(), SelectionBound()],
    "14": [SelectionBound(population="selected"), MisclassificationBound(variable="outcome")],
    "15": [
        ConfoundingBound(),
        SelectionBound(selection_is_cause=True),
        MisclassificationBound(variable="exposure", rare_outcome=True),
    ],
    "16": [ConfoundingBound(), MisclassificationBound(variable="outcome")],
    "17": [
        ConfoundingBound(),
        SelectionBound(risk="increased"),
        MisclassificationBound(variable="outcome"),
    ],
    "18": [MisclassificationBound(variable="outcome"), SelectionBound(population="selected")],
}


@pytest.mark.parametrize("record", records("evalue", "multi_evalue"), ids=identifier)
def test_several_biases(record):
    family, case, _ = record["id"].split("/")
    inputs, biases = record["inputs"], MULTIPLE[case]
    options = {"measure": "OR", "outcome": "common"} if family.endswith("OR") else {"measure": "RR"}
    result = multi_bias_e_value(
        inputs["est"], biases=biases, true=inputs["true"], **options, **given_limits(inputs)
    )
    # The package minimizes numerically (1e-3); here the product of the bounds is put back.
    check(result, record, rel=1e-4)
    pairs, singles = sum(bias.pairs for bias in biases), sum(bias.singles for bias in biases)
    strength = float(result.value)
    product = (strength**2 / (2 * strength - 1)) ** pairs * strength**singles
    ratio = record["outputs"]["rows"][0][0]
    true = np.sqrt(inputs["true"]) if family.endswith("OR") else inputs["true"]
    assert_same(product, max(ratio / true, true / ratio), rel=1e-12)


SELECTION = {
    (False, False, False, False): SelectionBound(),
    (True, False, False, False): SelectionBound(population="selected"),
    (False, True, False, False): SelectionBound(selection_is_cause=True),
    (False, False, True, False): SelectionBound(risk="increased"),
    (False, False, False, True): SelectionBound(risk="decreased"),
    (False, True, True, False): SelectionBound(risk="increased", selection_is_cause=True),
    (False, True, False, True): SelectionBound(risk="decreased", selection_is_cause=True),
}


@pytest.mark.parametrize("record", records("evalue", "svalues.RR/"), ids=identifier)
def test_selection_alone(record):
    inputs = record["inputs"]
    result = multi_bias_e_value(
        inputs["est"],
        biases=[SELECTION[tuple(inputs["f"])]],
        measure="RR",
        true=inputs["true"],
        **given_limits(inputs),
    )
    check(result, record)


def test_bounds_at_given_strengths():
    one, all_three = (record["outputs"] for record in records("evalue", "multi_bound/"))
    assert_same(ConfoundingBound().bound(2.2, 1.7), one)
    product = (
        ConfoundingBound().bound(3, 2)
        * SelectionBound(selection_is_cause=True).bound(2.3, 1.7)
        * MisclassificationBound(variable="exposure", rare_outcome=True).bound(5.2)
    )
    assert_same(product, all_three)


def test_contour():
    factors = np.array([1.0, 1.2, 1.83])
    other = np.linspace(2, 30, 100)
    needed = needed_strength(factors[:, None], other_strength=other)
    assert_same(bounding_factor(needed, other), np.broadcast_to(factors[:, None], needed.shape), rel=1e-12)
    assert needed_strength(1.83, other_strength=1.83) == np.inf
    strength = e_value(1.83, measure="RR").value
    assert_same(needed_strength(1.83, other_strength=strength), strength, rel=1e-12)
    assert_same(bounding_factor(1e300, 4.0), 4.0)


INTERACTION = records("evalue", "evalues.IC/")


def risks_from(inputs, stratum):
    p1, p0, n1, n0, f = (inputs[f"{name}{stratum}"] for name in ("p", "q", "n", "m", "f"))
    return Risks(*map(np.asarray, (p1, p0, p1 * (1 - p1) / n1, p0 * (1 - p0) / n0, f, n1 + n0)))


def both_strata(inputs):
    names = {}
    for stratum in (1, 0):
        names |= {
            f"p{stratum}": inputs[f"p{stratum}_1"],
            f"q{stratum}": inputs[f"p{stratum}_0"],
            f"n{stratum}": inputs[f"n{stratum}_1"],
            f"m{stratum}": inputs[f"n{stratum}_0"],
            f"f{stratum}": inputs[f"f{stratum}"],
        }
    return risks_from(names, 1), risks_from(names, 0)


@pytest.mark.parametrize("record", INTERACTION, ids=identifier)
def test_interaction(record):
    # At the package's own factor. Where confounding raises the smaller difference it takes
    # (B p1 - p0)(f + (1 - f)/B) with the variance of (p1 - B p0)(f + (1 - f)/B). The largest difference is
    # (B p1 - p0)(1 - f + f/B), with a variance of its own: see the tests below.
    inputs, outputs = record["inputs"], record["outputs"]
    direction = record["id"].split("/")[1]
    larger, smaller = both_strata(inputs)
    factor, one = np.asarray(outputs["evalues"]["biasFactor"]), np.asarray(1.0)
    down, down_variance = lowered(factor if direction in {"multidir", "unidir-positive"} else one, larger)
    raising = one if direction == "unidir-positive" else factor
    up, _ = raised(raising, smaller._replace(share=1 - smaller.share))
    _, up_variance = lowered(raising, smaller)
    errors = [down_variance, up_variance, down_variance + up_variance]
    assert_same([down, up], numbers(outputs["RDt"]["RD"][:2]))
    assert_same(np.sqrt(errors), numbers(outputs["RDt"]["se"]))


def test_variance_of_a_raised_difference_by_drawing_tables():
    rng = np.random.default_rng(2)
    n, f, p1, p0, factor = 4000, 0.3, 0.25, 0.1, np.asarray(2.0)
    exposed = rng.binomial(n, f, 200_000)
    table = TwoByTwo(
        exposed_cases=rng.binomial(exposed, p1),
        exposed_total=exposed,
        control_cases=rng.binomial(n - exposed, p0),
        control_total=n - exposed,
    )
    expected = TwoByTwo(exposed_cases=300, exposed_total=1200, control_cases=280, control_total=2800)
    for bound in (lowered, raised):
        values, _ = bound(factor, risks_of(table))
        _, variance = bound(factor, risks_of(expected))
        # 200 000 draws give a standard deviation to 0.16 %.
        assert float(np.sqrt(variance)) == pytest.approx(values.std(), rel=0.006)


def interaction_table(inputs):
    counts = [[inputs[f"n{stratum}_{group}"] for stratum in (0, 1)] for group in (1, 0)]
    cases = [
        [round(inputs[f"n{stratum}_{group}"] * inputs[f"p{stratum}_{group}"]) for stratum in (0, 1)]
        for group in (1, 0)
    ]
    return TwoByTwo(
        exposed_cases=cases[0], exposed_total=counts[0], control_cases=cases[1], control_total=counts[1]
    )


def test_interaction_from_the_table():
    for record in INTERACTION:
        direction = {"multidir": "any"}.get(record["id"].split("/")[1], record["inputs"].get("d"))
        result = interaction_e_value(interaction_table(record["inputs"]), direction=direction)
        larger, smaller = both_strata(record["inputs"])
        factor = interaction_factors(larger, smaller, np.asarray(0.0), direction=direction, z=0.0)
        assert_same(result.factor, factor, rel=1e-9)
        if direction == "positive":
            got = result.limit if record["inputs"]["st"] == "CI" else result.value
            assert_same(got, record["outputs"]["evalues"]["evalue"], rel=1e-5)
    turned = interaction_e_value(interaction_table(INTERACTION[0]["inputs"])[..., ::-1])
    assert_same(turned.factor, interaction_e_value(interaction_table(INTERACTION[0]["inputs"])).factor)
    assert len(turned.to_frame()) == 1
    assert "E-value" in str(turned)


def test_no_confounder_passes_the_bounds_of_a_risk_difference():
    # Binary confounders of every prevalence and strength. With few exposed (f = 0.2) the bound as the package
    # weighs it is passed; the bound used here never is, and is nearly reached.
    rng = np.random.default_rng(11)
    n = 2_000_000
    f, p1, p0 = 0.2, 0.3, 0.2
    q1, q0 = rng.beta(0.3, 0.3, (2, n))
    effect = np.exp(rng.uniform(-3, 3, n))
    # Observed risks are mixtures; the risks in the levels follow.
    exposed0 = p1 / (1 - q1 + q1 * effect)
    control0 = p0 / (1 - q0 + q0 * effect)
    possible = (np.maximum(exposed0, exposed0 * effect) <= 1) & (np.maximum(control0, control0 * effect) <= 1)
    q = f * q1 + (1 - f) * q0
    true = (exposed0 - control0) * (1 - q + q * effect)
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.fmax(q1 / q0, (1 - q1) / (1 - q0))
        down = np.fmax(q0 / q1, (1 - q0) / (1 - q1))
    strength = np.exp(np.abs(np.log(effect)))
    risks = Risks(*map(np.asarray, (p1, p0, 0.0, 0.0, f, 1.0)))
    tight = []
    for connection, bound, side in ((up, lowered, 1), (down, raised, -1)):
        fine = possible & np.isfinite(connection)
        factor = connection[fine] * strength[fine] / (connection[fine] + strength[fine] - 1)
        limit, _ = bound(factor, risks)
        slack = side * (true[fine] - limit)
        assert slack.min() > -1e-9
        tight.append(slack[(factor > 1.5) & (factor < 3)].min())
    assert max(tight) < 0.02
    fine = possible & np.isfinite(down)
    factor = down[fine] * strength[fine] / (down[fine] + strength[fine] - 1)
    theirs = (p1 * factor - p0) * (f + (1 - f) / factor)
    assert (true[fine] > theirs + 1e-6).any()


def test_interaction_that_no_confounding_explains():
    table = TwoByTwo(
        exposed_cases=[10, 60], exposed_total=[100, 100], control_cases=[10, 0], control_total=[100, 100]
    )
    result = interaction_e_value(table, direction="positive")
    assert result.factor == np.inf
    assert result.value == np.inf
    same = TwoByTwo(
        exposed_cases=[5, 5], exposed_total=[50, 50], control_cases=[2, 2], control_total=[50, 50]
    )
    assert interaction_e_value(same).value == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"estimate": 2.0}, TypeError, "`measure` must be given"),
        ({"estimate": 2.0, "measure": "OR"}, TypeError, "`outcome` must be 'rare' or 'common'"),
        ({"estimate": 2.0, "measure": "OR", "outcome": "commn"}, ValueError, "Did you mean 'common'"),
        ({"estimate": 2.0, "measure": "RR", "outcome": "rare"}, TypeError, "`outcome` is not read"),
        ({"estimate": -2.0, "measure": "RR"}, ValueError, "`estimate` must be a number greater than 0"),
        ({"estimate": [2.0, np.nan], "measure": "RR"}, ValueError, "got nan at index 1"),
        ({"estimate": 2.0, "low": 2.5, "measure": "RR"}, ValueError, "`low` <= `estimate`"),
        ({"estimate": 2.0, "low": -2.5, "measure": "RR"}, ValueError, "`low` must not be negative"),
        ({"estimate": 2.0, "true": 0, "measure": "RR"}, ValueError, "`true` must be a number greater than 0"),
        ({"estimate": 0.1, "measure": "RD"}, TypeError, "give the table"),
        ({"estimate": 0.1, "measure": "OLS"}, TypeError, "`outcome_sd` must be given"),
        ({"estimate": 0.1, "measure": "SMD", "low": 0.1}, TypeError, "`low` is not read"),
        ({"estimate": np.inf, "measure": "SMD"}, ValueError, "`estimate` must be finite"),
        ({"estimate": 0.1, "measure": "SMD", "contrast": 2}, TypeError, "`contrast` is not read"),
        ({"estimate": 0.1, "measure": "SMD", "std_error": 0}, ValueError, "`std_error` must be"),
        ({"estimate": 0.1, "measure": "PR"}, ValueError, "`measure` must be one of"),
        ({"estimate": HAMMOND, "low": 1}, TypeError, "`low` is not read for a table"),
        ({"estimate": HAMMOND, "measure": "RD", "true": 1.5}, ValueError, "between -1 and 1"),
        ({"estimate": risk_ratio(HAMMOND), "measure": "OR"}, ValueError, "that of the estimate"),
        ({"estimate": risk_difference(HAMMOND)}, TypeError, "give the table"),
    ],
)
def test_what_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        e_value(**arguments)


def test_what_is_refused_elsewhere():
    with pytest.raises(TypeError, match="`biases` must list"):
        multi_bias_e_value(2, biases=["confounding"], measure="RR")
    with pytest.raises(TypeError, match="`biases` must list"):
        multi_bias_e_value(2, biases=[], measure="RR")
    with pytest.raises(ValueError, match="each kind of bias once"):
        multi_bias_e_value(2, biases=[ConfoundingBound(), ConfoundingBound()], measure="RR")
    with pytest.raises(ValueError, match="`rare_outcome` must be True"):
        MisclassificationBound(variable="exposure")
    with pytest.raises(ValueError, match="misclassified exposure alone"):
        MisclassificationBound(variable="outcome", rare_outcome=True)
    with pytest.raises(ValueError, match="leave them out for the selected"):
        SelectionBound(population="selected", risk="increased")
    with pytest.raises(TypeError, match="has 4 strengths, but got 1"):
        SelectionBound().bound(2)
    with pytest.raises(ValueError, match="at least 1, but got 0.5"):
        ConfoundingBound().bound(2, 0.5)
    with pytest.raises(ValueError, match="`exposure_strength` must be at least 1"):
        bounding_factor(0.5, 2)
    with pytest.raises(ValueError, match="last axis of two strata"):
        interaction_e_value(HAMMOND)
    empty = TwoByTwo(exposed_cases=[0, 1], exposed_total=[0, 5], control_cases=[1, 1], control_total=[5, 5])
    with pytest.raises(ValueError, match="must hold persons"):
        interaction_e_value(empty)
    with pytest.raises(ValueError, match="must hold persons"):
        e_value(empty, measure="RD")


def test_the_package_refuses_the_bound_that_is_refused_here():
    refused = [r for r in load("evalue")["records"] if r.get("error")]
    assert len(refused) == 6
    assert all("rare_outcome" in record["error"] for record in refused)
