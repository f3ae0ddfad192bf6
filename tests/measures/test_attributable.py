import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, TwoRates, odds_ratio, risk_ratio
from analysis.errors import AnalysisWarning
from analysis.measures.attributable import (
    attributable_fraction,
    population_attributable_fraction,
    population_attributable_risk,
)
from reference_values import identifier, load, number, table_of

WOMEN = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)

# The flag `suspect` of these records concerns epiR's score and Cornfield limits; the fields compared here
# are others.
RECORDS = [
    record
    for record in load("E_epi2by2")["records"]
    if record["id"].startswith("epi.2by2/") and record["outputs"] and "/rate/" not in record["id"]
]


def _settings(record):
    """Return design, level and epiR's unit."""
    design = record["id"].split("/")[2].replace("cohort.count", "cohort").replace(".", "-")
    return (design, 0.9, 100) if record["id"].endswith("/90") else (design, 0.95, 1)


def _quiet(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnalysisWarning)
        return function(*arguments, **options)


def _compare(estimate, expected, *, unit=1, abs_=0.0):
    for ours, theirs in (("value", "est"), ("low", "lower"), ("high", "upper")):
        wanted = number(expected[theirs])
        # Where epiR has nothing to say, the limits here are the ends of the scale.
        if np.isfinite(wanted):
            assert float(getattr(estimate, ours)) * unit == pytest.approx(wanted, rel=1e-10, abs=abs_)


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_population_attributable_fraction_equals_epir(record):
    design, level, _ = _settings(record)
    field = "PAFest.strata.wald" if design == "case-control" else "PAFRisk.strata.wald"
    estimate = _quiet(
        population_attributable_fraction, table_of(record), design=design, confidence_level=level
    )
    _compare(estimate, record["outputs"]["detail"][field], abs_=1e-12)


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_attributable_fraction_equals_epir(record):
    design, level, _ = _settings(record)
    if design == "case-control":
        # epiR takes the conditional estimate and its exact interval, by R's uniroot.
        expected = record["outputs"]["detail"]["AFest.strata.wald"]
        estimate = _quiet(
            attributable_fraction,
            table_of(record),
            design=design,
            method="conditional-exact",
            confidence_level=level,
        )
        for ours, theirs in (("value", "est"), ("low", "lower"), ("high", "upper")):
            wanted, got = 1 - number(expected[theirs]), 1 - float(getattr(estimate, ours))
            if np.isfinite(wanted) and np.isfinite(got):
                # R looks for the ratio or its reciprocal, whichever is below 1, to 1.2e-4 absolute.
                below = (got, wanted) if wanted < 1 else (1 / got, 1 / wanted)
                assert below[0] == pytest.approx(below[1], abs=1.3e-4)
        return
    estimate = _quiet(attributable_fraction, table_of(record), design=design, confidence_level=level)
    _compare(estimate, record["outputs"]["detail"]["AFRisk.strata.wald"], abs_=1e-12)


# epiR's "piri" is the delta method; its limits are not cut to [-1, 1].
@pytest.mark.parametrize(
    "record", [r for r in RECORDS if "case.control" not in r["id"] and "/t16/" not in r["id"]], ids=identifier
)
def test_population_attributable_risk_equals_epir(record):
    _, level, unit = _settings(record)
    estimate = population_attributable_risk(table_of(record), confidence_level=level)
    _compare(estimate, record["outputs"]["detail"]["PARisk.strata.piri"], unit=unit, abs_=1e-12 * unit)


def test_epirs_independent_variance_is_too_wide():
    # Four multinomial cells, drawn: the spread of the estimates is that of the delta method.
    table = TwoByTwo(exposed_cases=60, exposed_total=200, control_cases=80, control_total=800)
    ours = population_attributable_risk(table)
    p, p0 = 140 / 1000, 80 / 800
    independent = np.sqrt(p * (1 - p) / 1000 + p0 * (1 - p0) / 800)
    cells = np.random.default_rng(8).multinomial(1000, [0.06, 0.14, 0.08, 0.72], size=40_000)
    drawn = population_attributable_risk(
        TwoByTwo.from_cells(
            exposed_cases=cells[:, 0],
            exposed_noncases=cells[:, 1],
            control_cases=cells[:, 2],
            control_noncases=cells[:, 3],
        )
    )
    assert float(ours.std_error) == pytest.approx(drawn.value.std(), rel=0.02)
    assert independent > 1.7 * float(ours.std_error)
    fractions = _quiet(
        population_attributable_fraction,
        TwoByTwo.from_cells(
            exposed_cases=cells[:, 0],
            exposed_noncases=cells[:, 1],
            control_cases=cells[:, 2],
            control_noncases=cells[:, 3],
        ),
    )
    assert float(population_attributable_fraction(table).std_error) == pytest.approx(
        fractions.value.std(), rel=0.03
    )


@pytest.mark.parametrize("design", ["cohort", "case-control"])
def test_attributable_fraction_inverts_the_ratio(design):
    ratio = odds_ratio(WOMEN) if design == "case-control" else risk_ratio(WOMEN)
    estimate = attributable_fraction(WOMEN, design=design)
    assert 1 / (1 - float(estimate.low)) == pytest.approx(float(ratio.low))
    assert 1 / (1 - float(estimate.high)) == pytest.approx(float(ratio.high))
    assert float(estimate.pvalue) == float(ratio.pvalue)
    at_null = attributable_fraction(WOMEN, design=design, confidence_level=1 - 1e-12)
    assert at_null.low < estimate.low


@pytest.mark.parametrize("method", ["log", "wald"])
@pytest.mark.parametrize(
    "options", [{"design": "cohort"}, {"design": "case-control"}, {"exposure_prevalence": 0.2}], ids=str
)
def test_the_pvalue_is_the_level_whose_interval_ends_at_nothing(method, options):
    table = TwoByTwo(exposed_cases=15, exposed_total=60, control_cases=20, control_total=140)
    estimate = population_attributable_fraction(table, method=method, **options)
    ends = population_attributable_fraction(
        table, method=method, confidence_level=1 - float(estimate.pvalue), **options
    )
    assert abs(float(ends.low)) < 1e-12
    risk = population_attributable_risk(table)
    at_null = population_attributable_risk(table, confidence_level=1 - float(risk.pvalue))
    assert abs(float(at_null.low)) < 1e-12


@given(
    cells=st.tuples(*[st.integers(1, 200)] * 4),
    options=st.sampled_from([{"design": "cohort"}, {"design": "case-control"}, {"exposure_prevalence": 0.3}]),
    method=st.sampled_from(["log", "wald"]),
)
def test_fractions_widen_with_the_level_and_hold_the_estimate(cells, options, method):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    narrow, wide = (
        _quiet(population_attributable_fraction, table, method=method, confidence_level=level, **options)
        for level in (0.8, 0.95)
    )
    assert wide.low <= narrow.low <= narrow.value <= narrow.high <= wide.high <= 1
    # Fraction of all cases = share of the exposed among them times their own fraction (Miettinen).
    if options == {"design": "cohort"}:
        own = _quiet(attributable_fraction, table)
        assert float(narrow.value) == pytest.approx(float(own.value) * a / (a + c), rel=1e-9, abs=1e-12)
        risk = population_attributable_risk(table)
        assert float(risk.value) == pytest.approx(
            float(narrow.value) * (a + c) / (a + b + c + d), rel=1e-9, abs=1e-12
        )


def test_everybody_exposed_is_the_fraction_among_the_exposed():
    everybody = population_attributable_fraction(WOMEN, exposure_prevalence=1.0)
    own = attributable_fraction(WOMEN)
    np.testing.assert_allclose(
        [everybody.value, everybody.low, everybody.high, everybody.std_error],
        [own.value, own.low, own.high, own.std_error],
        rtol=1e-12,
    )
    nobody = population_attributable_fraction(WOMEN, exposure_prevalence=[0.0, 0.1])
    assert nobody.value[0] == 0
    assert nobody.shape == (2,)


def test_the_error_given_a_known_prevalence_is_that_of_drawn_groups():
    table = TwoByTwo(exposed_cases=80, exposed_total=400, control_cases=50, control_total=500)
    rng = np.random.default_rng(9)
    drawn = _quiet(
        population_attributable_fraction,
        TwoByTwo(
            exposed_cases=rng.binomial(400, 0.2, 40_000),
            exposed_total=400,
            control_cases=rng.binomial(500, 0.1, 40_000),
            control_total=500,
        ),
        exposure_prevalence=0.3,
    )
    estimate = population_attributable_fraction(table, exposure_prevalence=0.3)
    assert float(estimate.value) == pytest.approx(0.3 / 1.3)  # Levin: q (RR - 1) / (1 + q (RR - 1))
    assert float(estimate.std_error) == pytest.approx(drawn.value.std(), rel=0.05)


def test_a_preventive_exposure_is_said_and_not_turned():
    table = TwoByTwo(exposed_cases=[4, 30], exposed_total=[123, 60], control_cases=11, control_total=139)
    with pytest.warns(AnalysisWarning, match=r"1 of 2 estimates are negative: .*preventive fraction 1 - RR"):
        estimate = attributable_fraction(table)
    assert estimate.value[0] < 0 < estimate.value[1]
    with pytest.warns(AnalysisWarning, match=r"The estimate is negative: .*preventive fraction of the pop"):
        assert population_attributable_fraction(table[0]).value < 0
    with pytest.warns(AnalysisWarning, match="The sign is left as it is"):
        attributable_fraction(table[0], design="case-control")


@pytest.mark.parametrize(
    ("cells", "fraction", "population"),
    [
        ((0, 10, 5, 5), -np.inf, 1 - 0.5 / 0.25),
        ((7, 993, 0, 1000), 1.0, 1.0),
        ((0, 20, 0, 20), np.nan, np.nan),
        ((15, 0, 12, 0), 0.0, 0.0),
        ((0, 0, 3, 5), np.nan, 0.0),
        ((3, 5, 0, 0), np.nan, np.nan),
        ((0, 0, 0, 0), np.nan, np.nan),
    ],
)
def test_empty_cells(cells, fraction, population):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    own = _quiet(attributable_fraction, table)
    np.testing.assert_allclose(own.value, fraction, atol=1e-12)
    whole = _quiet(population_attributable_fraction, table)
    np.testing.assert_allclose(whole.value, population, atol=1e-12)
    for estimate in (own, whole, population_attributable_risk(table)):
        assert not np.isnan([estimate.low, estimate.high]).any()


def test_a_batch_equals_a_loop():
    cells = np.random.default_rng(6).integers(0, 25, (4, 3, 5))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    functions = (attributable_fraction, population_attributable_fraction, population_attributable_risk)
    for function in functions:
        batch = _quiet(function, table)
        for index in np.ndindex(3, 5):
            one = _quiet(function, table[index])
            np.testing.assert_allclose(
                [one.value, one.low, one.high], [batch.value[index], batch.low[index], batch.high[index]]
            )


def test_faults_are_named():
    with pytest.raises(ValueError, match="`design` must be one of .*, but got 'casecontrol'. Did you mean"):
        attributable_fraction(WOMEN, design="casecontrol")
    with pytest.raises(ValueError, match="`method` must be one of 'log', 'wald', but got 'delta'"):
        population_attributable_fraction(WOMEN, method="delta")
    with pytest.raises(ValueError, match='`exposure_prevalence` belongs to design="cohort"'):
        population_attributable_fraction(WOMEN, design="cross-sectional", exposure_prevalence=0.1)
    with pytest.raises(ValueError, match="`exposure_prevalence` must be between 0 and 1, but got 1.2"):
        population_attributable_risk(WOMEN, exposure_prevalence=1.2)
    with pytest.raises(ValueError, match="For 95 % write 0.95"):
        population_attributable_risk(WOMEN, confidence_level=95)


RATES = [
    record
    for record in load("E_epi2by2")["records"]
    if record["id"].startswith("epi.2by2/rate") and record["outputs"]
]


@pytest.mark.parametrize("record", RATES, ids=identifier)
def test_fractions_of_rates_equal_epir(record):
    given_, detail = record["inputs"], record["outputs"]["detail"]
    rates = TwoRates(
        exposed_events=given_["a"],
        exposed_time=given_["T1"],
        control_events=given_["c"],
        control_time=given_["T0"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnalysisWarning)
        level = float(record["id"].split("/")[-1])
        exposed = attributable_fraction(rates, method="exact", confidence_level=level)
        population = population_attributable_fraction(rates)
    expected = detail["AFRate.strata.wald"]
    for ours, theirs in (("value", "est"), ("low", "lower"), ("high", "upper")):
        want = number(expected[theirs])
        if np.isfinite(want):
            assert float(getattr(exposed, ours)) == pytest.approx(want, rel=1e-6, abs=1e-9), ours
    # epiR's limits of the next two are of variances added as if the population were not made of the
    # unexposed.
    for got, name in ((population, "PAFRate"), (population_attributable_risk(rates), "PARate")):
        want = number(detail[f"{name}.strata.wald"]["est"])
        if np.isfinite(want):
            assert float(got.value) == pytest.approx(want, rel=1e-10, abs=1e-15), name


def test_intervals_of_population_rates_hold_their_level():
    rng = np.random.default_rng(4)
    t1, t0, r1, r0 = 3_000.0, 7_000.0, 0.03, 0.015
    draws = 20_000
    rates = TwoRates(
        exposed_events=rng.poisson(t1 * r1, draws),
        exposed_time=t1,
        control_events=rng.poisson(t0 * r0, draws),
        control_time=t0,
    )
    rate = (t1 * r1 + t0 * r0) / (t1 + t0)
    for estimate, truth in (
        (population_attributable_fraction(rates), 1 - r0 / rate),
        (population_attributable_fraction(rates, exposure_prevalence=0.3), 1 - r0 / (0.3 * r1 + 0.7 * r0)),
        (population_attributable_risk(rates), rate - r0),
    ):
        covered = ((estimate.low <= truth) & (truth <= estimate.high)).mean()
        assert covered == pytest.approx(0.95, abs=0.01)


def test_rates_have_one_design():
    rates = TwoRates(exposed_events=5, exposed_time=100, control_events=4, control_time=200)
    for measure in (attributable_fraction, population_attributable_fraction):
        with pytest.raises(ValueError, match="Rates come from design"):
            measure(rates, design="case-control")
