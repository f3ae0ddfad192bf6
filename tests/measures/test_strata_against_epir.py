"""What `epi.2by2` prints of single tables, of strata and of rates. Rows are exposure, column 1 cases."""

import numpy as np
import pytest

from analysis import (
    TwoByTwo,
    TwoRates,
    attributable_fraction,
    cochran_mantel_haenszel_test,
    homogeneity_test,
    mantel_haenszel,
    mantel_haenszel_rates,
    number_needed_to_treat,
    odds_ratio,
    population_attributable_fraction,
    population_attributable_risk,
    rate_difference,
    rate_ratio,
    risk_difference,
    risk_ratio,
)
from reference_values import assert_same, dataset, identifier, load, numbers, records, table_of

ESTIMATE = {"value": "est", "low": "lower", "high": "upper"}

# The flag `suspect` of these records concerns "RR.*.score", "OR.*.score" and "OR.*.cfield", not compared.
SINGLE = [
    r for r in load("E_epi2by2")["records"] if r["id"].startswith("epi.2by2/") and "/rate/" not in r["id"]
]
POOLED = [r for r in load("E_epi2by2")["records"] if r["id"].startswith("epi.2by2.strata/") and r["outputs"]]
TABLES = [r for r in POOLED if "cohort.time" not in r["id"]]
# A case-control study has no risks.
WITH_RISKS = [r for r in SINGLE + TABLES if "case.control" not in r["id"]]
every = pytest.mark.parametrize("record", SINGLE + TABLES, ids=identifier)
with_risks = pytest.mark.parametrize("record", WITH_RISKS, ids=identifier)
strata_only = pytest.mark.parametrize("record", TABLES, ids=identifier)


def _strata(record):
    columns = dataset("E_epi2by2", record)
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _parts(record):
    """Return the tables that epiR calls "strata" and, of several, the crude one."""
    level = 0.9 if record["id"].endswith("/90") else 0.95
    unit = 100 if level == 0.9 else 1
    if "dataset" not in record["inputs"]:
        return {"strata": table_of(record)}, level, unit
    strata = _strata(record)
    return {"strata": strata, "crude": strata.collapse()}, level, unit


def _fields(record, *names):
    detail = record["outputs"]["detail"]
    parts, level, unit = _parts(record)
    found = []
    for part, table in parts.items():
        for name in names:
            before, after = name.split(".")
            if f"{before}.{part}.{after}" in detail:
                found.append((table, detail[f"{before}.{part}.{after}"], level, unit))
    assert found, f"{record['id']} has none of {names}"
    return found


def _compare(estimate, expected, *, unit=1, rel=1e-10, abs_=1e-300, ends=None):
    """Where epiR says NaN, it does not compare; epiR does not cut limits to the ends of the scale."""
    for ours, theirs in ESTIMATE.items():
        wanted = numbers(expected[theirs])
        got, known = np.asarray(getattr(estimate, ours), dtype=float) * unit, np.isfinite(wanted)
        wanted = wanted if ends is None else np.clip(wanted, ends[0] * unit, ends[1] * unit)
        assert_same(got[known], wanted[known], rel=rel, abs_=abs_)


def _with_numbers(records_, *names):
    """epiR leaves the ratios of some tables with an empty cell NaN."""
    return [
        r
        for r in records_
        if any(np.isfinite(numbers(expected["lower"])).any() for _, expected, _, _ in _fields(r, *names))
    ]


# Ratios and differences.


RISK_RATIO = ("RR.wald", "RR.taylor", "PR.wald", "PR.taylor")


@pytest.mark.parametrize("record", _with_numbers(WITH_RISKS, *RISK_RATIO), ids=identifier)
def test_risk_ratio_equals_epi_2by2(record):
    for table, expected, level, _ in _fields(record, *RISK_RATIO):
        _compare(risk_ratio(table, confidence_level=level), expected)


@pytest.mark.parametrize("record", _with_numbers(SINGLE + TABLES, "OR.wald"), ids=identifier)
def test_odds_ratio_equals_epi_2by2(record):
    for table, expected, level, _ in _fields(record, "OR.wald"):
        _compare(odds_ratio(table, confidence_level=level), expected)


@pytest.mark.parametrize("record", _with_numbers(SINGLE + TABLES, "OR.mle"), ids=identifier)
def test_conditional_odds_ratio_equals_epi_2by2(record):
    for table, expected, level, _ in _fields(record, "OR.mle"):
        estimate = odds_ratio(table, method="conditional-exact", confidence_level=level)
        for ours, theirs in ESTIMATE.items():
            got, wanted = np.atleast_1d(getattr(estimate, ours)), np.atleast_1d(numbers(expected[theirs]))
            got, wanted = got[~np.isnan(wanted)], wanted[~np.isnan(wanted)]
            with np.errstate(divide="ignore"):
                # R's uniroot looks for a ratio below 1 or for its inverse, to 1.2e-4 absolute.
                got, wanted = (np.where(wanted <= 1, x, 1 / x) for x in (got, wanted))
            assert_same(got, wanted, rel=0, abs_=1.3e-4)


# epiR's trigonometric root of the cubic loses half of the digits: at worst 1.2e-7 of the limit of 1/1 v 0/1.
# E3_score_own has the same limits to 1e-14.
DIFFERENCES = [("ARisk.wald", "wald", 1e-14), ("ARisk.score", "mee", 1.3e-7)]


@with_risks
@pytest.mark.parametrize(("name", "method", "tolerance"), DIFFERENCES, ids=["wald", "score"])
def test_risk_difference_equals_epi_2by2(record, name, method, tolerance):
    for table, expected, level, unit in _fields(record, name):
        estimate = risk_difference(table, method=method, confidence_level=level)
        _compare(estimate, expected, unit=unit, ends=(-1, 1), abs_=tolerance * unit)


def _signed(segments):
    """Return the limits of one number, harm positive as in epiR: 1 divided by those of the difference."""
    if np.isnan(segments).all():
        # A difference of 0 without variance has no segment here, and infinity as both limits in epiR.
        return [np.inf, np.inf]
    (benefit_low, benefit_high), (harm_low, harm_high) = segments
    return [
        harm_high if np.isnan(benefit_low) else -benefit_low,
        -benefit_high if np.isnan(harm_low) else harm_low,
    ]


@with_risks
@pytest.mark.parametrize(
    ("name", "method", "tolerance"),
    [("NNT.wald", "wald", 1e-13), ("NNT.score", "mee", 1.3e-7)],
    ids=["wald", "score"],
)
def test_number_needed_to_treat_equals_epi_2by2(record, name, method, tolerance):
    for table, expected, level, _ in _fields(record, name):
        needed = number_needed_to_treat(table, method=method, confidence_level=level)
        assert_same(needed.value, np.abs(numbers(expected["est"])), rel=1e-9)
        difference = needed.risk_difference
        no_segment = np.isnan(needed.segments).all(axis=(-2, -1))
        assert ((difference.low == 0) & (difference.high == 0))[no_segment].all()
        # Of several strata epiR prints the least and the greatest limit of all, for each of them.
        limits = [_signed(segments) for segments in needed.segments.reshape(-1, 2, 2)]
        lower, upper = (np.unique(numbers(expected[side])).item() for side in ("lower", "upper"))
        with np.errstate(divide="ignore"):
            # As differences, which epiR does not cut at -1 and 1.
            ours, theirs = 1 / np.array([np.min(limits), np.max(limits)]), 1 / np.sort([lower, upper])
        assert_same(ours, np.clip(theirs, -1, 1), abs_=tolerance)


# Tests.


@every
def test_chi_square_equals_epi_2by2(record):
    detail, (parts, _, _) = record["outputs"]["detail"], _parts(record)
    for part, table in parts.items():
        single = table[..., np.newaxis]
        for name, method, correct in (
            ("uncor", "cochran", False),
            ("yates", "cochran", True),
            ("fisher", "exact", False),
        ):
            if (part, name) == ("crude", "yates"):
                continue  # epiR repeats the uncorrected test there
            expected = detail[f"chi2.{part}.{name}"]
            test = cochran_mantel_haenszel_test(single, method=method, correct=correct)
            assert_same(test.pvalue, expected["p.value.2s"], rel=1e-9)
            if name != "fisher":
                assert_same(test.statistic, expected["test.statistic"], abs_=1e-20)


@strata_only
def test_crude_yates_of_epi_2by2_is_uncorrected(record):
    detail = record["outputs"]["detail"]
    test = cochran_mantel_haenszel_test(_strata(record).collapse(), method="cochran")
    assert_same(test.statistic, detail["chi2.crude.yates"]["test.statistic"])


# Strata.


@strata_only
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_mantel_haenszel_equals_epi_2by2(record, measure):
    detail = record["outputs"]["detail"]
    name = "PR" if measure == "RR" and "PR.mh.wald" in detail else measure
    _compare(mantel_haenszel(_strata(record), measure=measure), detail[f"{name}.mh.wald"])


@strata_only
@pytest.mark.parametrize(("variance", "name"), [("sato", "sato"), ("greenland-robins", "green")])
def test_pooled_difference_equals_epi_2by2(record, variance, name):
    detail = record["outputs"]["detail"]
    estimate = mantel_haenszel(_strata(record), measure="RD", variance=variance)
    _compare(estimate, detail[f"ARisk.mh.{name}"], abs_=1e-15)
    needed = detail[f"NNT.mh.{name}"]
    assert_same(1 / estimate.value, needed["est"])
    if name == "sato":
        # Of the other epiR prints the same reciprocal twice.
        assert_same(
            sorted([1 / float(estimate.low), 1 / float(estimate.high)]),
            sorted([needed["lower"], needed["upper"]]),
        )


@strata_only
def test_mantel_haenszel_test_equals_epi_2by2(record):
    expected = record["outputs"]["detail"]["chi2.mh"]
    test = cochran_mantel_haenszel_test(_strata(record))
    assert_same(test.statistic, expected["test.statistic"])
    assert_same(test.pvalue, expected["p.value.2s"], rel=1e-9)


@strata_only
def test_breslow_day_equals_epi_2by2(record):
    detail = record["outputs"]["detail"]
    expected = detail.get("bOR.homog", detail.get("OR.homog.brday"))
    test = homogeneity_test(_strata(record), method="breslow-day")
    assert_same(test.statistic, expected["test.statistic"])


@strata_only
def test_woolf_equals_epi_2by2(record):
    detail, strata = record["outputs"]["detail"], _strata(record)
    expected = detail.get("wOR.homog", detail.get("OR.homog.woolf"))
    # epiR adds 1/2 to every cell, also of strata without cases, which inform nobody and are left out here:
    # so the halves are added first, by counting in halves. That doubles the statistic.
    halves = TwoByTwo.from_cells(
        exposed_cases=2 * strata.exposed_cases + 1,
        exposed_noncases=2 * strata.exposed_noncases + 1,
        control_cases=2 * strata.control_cases + 1,
        control_noncases=2 * strata.control_noncases + 1,
    )
    test = homogeneity_test(halves, method="woolf")
    assert_same(test.statistic / 2, expected["test.statistic"])
    assert float(test.df) == expected["df"]


def _woolf_of_risk_ratios(record):
    detail = record["outputs"]["detail"]
    names = ("wRR.homog", "RR.homog.woolf", "PR.homog.woolf")
    return next(detail[name] for name in names if name in detail)


@pytest.mark.parametrize(
    "record",
    # epiR's is NaN as soon as one cell is 0.
    [r for r in TABLES if np.isfinite(numbers(_woolf_of_risk_ratios(r)["test.statistic"]))],
    ids=identifier,
)
def test_woolf_of_risk_ratios_equals_epi_2by2(record):
    expected = _woolf_of_risk_ratios(record)
    test = homogeneity_test(_strata(record), method="woolf", measure="RR")
    assert_same([test.statistic, test.df], [expected["test.statistic"], expected["df"]])
    # epiR subtracts from 1.
    assert_same(test.pvalue, expected["p.value"], rel=1e-9, abs_=1e-15)


# What is attributable. Single tables: test_attributable.py.


@with_risks
def test_population_attributable_risk_of_strata_equals_epi_2by2(record):
    for table, expected, level, unit in _fields(record, "PARisk.piri"):
        estimate = population_attributable_risk(table, confidence_level=level)
        _compare(estimate, expected, unit=unit, ends=(-1, 1), abs_=1e-13 * unit)


@strata_only
@pytest.mark.filterwarnings("ignore::analysis.AnalysisWarning")
def test_attributable_fractions_of_strata_equal_epi_2by2(record):
    detail, strata = record["outputs"]["detail"], _strata(record)
    _compare(attributable_fraction(strata), detail["AFRisk.strata.wald"], abs_=1e-12)
    _compare(population_attributable_fraction(strata), detail["PAFRisk.strata.wald"], abs_=1e-12)
    whole = population_attributable_fraction(strata.collapse())
    assert_same(whole.value, detail["PAFRisk.crude.wald"]["est"])


@strata_only
def test_crude_fraction_of_epi_2by2_is_that_of_the_transposed_table(record):
    # It takes the score interval of the ratio, and that of the table with rows and columns exchanged.
    crude = _strata(record).collapse()
    transposed = TwoByTwo.from_cells(
        exposed_cases=crude.exposed_cases,
        exposed_noncases=crude.control_cases,
        control_cases=crude.exposed_noncases,
        control_noncases=crude.control_noncases,
    )
    ratio, expected = (
        risk_ratio(transposed, method="koopman"),
        record["outputs"]["detail"]["AFRisk.crude.wald"],
    )
    for ours, theirs in ESTIMATE.items():
        # 1/RR = 1 - AF; epiR searches score limits to about seven digits.
        assert_same(1 / getattr(ratio, ours), 1 - expected[theirs], rel=1e-6)


# Rates.


def _has_whole_times(record):
    return all(float(record["inputs"][name]).is_integer() for name in ("T1", "T0"))


@pytest.mark.parametrize(
    "record", records("E_epi2by2", "epi.2by2/rate", keep=_has_whole_times), ids=identifier
)
def test_rate_tests_of_epi_2by2_take_time_for_persons(record):
    a, t1, c, t0 = (record["inputs"][name] for name in ("a", "T1", "c", "T0"))
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=t1, control_cases=c, control_noncases=t0)
    for name, method, correct in (
        ("uncor", "cochran", False),
        ("yates", "cochran", True),
        ("fisher", "exact", False),
    ):
        test = cochran_mantel_haenszel_test(table, method=method, correct=correct)
        expected = record["outputs"]["detail"][f"chi2.strata.{name}"]
        assert_same(test.pvalue, expected["p.value.2s"], rel=1e-8)


@pytest.mark.parametrize("record", [r for r in POOLED if "cohort.time" in r["id"]], ids=identifier)
def test_strata_of_rates_equal_epi_2by2(record):
    columns, detail = dataset("E_epi2by2", record), record["outputs"]["detail"]
    strata = TwoRates(
        exposed_events=columns["x1i"],
        exposed_time=columns["t1i"],
        control_events=columns["x2i"],
        control_time=columns["t2i"],
    )
    for part, rates in (("strata", strata), ("crude", strata.collapse())):
        # epiR says Wald and gives the exact interval; the tolerance is that of test_rates.py.
        _compare(rate_ratio(rates, method="exact"), detail[f"IRR.{part}.wald"], rel=1e-6)
        _compare(rate_difference(rates), detail[f"ARate.{part}.wald"])
    _compare(mantel_haenszel_rates(strata), detail["IRR.mh.wald"])
    _compare(mantel_haenszel_rates(strata, measure="IRD"), detail["ARate.mh.wald"])
