"""What epiR and Epi print of proportions, rates, tables and strata. Rows are exposure, column 1 cases."""

import numpy as np
import pytest

from analysis import (
    PairedTable,
    Proportion,
    Rate,
    TwoByTwo,
    TwoRates,
    cochran_mantel_haenszel_test,
    effect_sizes,
    homogeneity_test,
    incidence_rate,
    mantel_haenszel,
    mantel_haenszel_rates,
    number_needed_to_treat,
    odds_ratio,
    paired_difference,
    pool,
    population_attributable_risk,
    prevalence,
    rate_difference,
    rate_ratio,
    risk_difference,
    risk_ratio,
    standardized_ratio,
)
from reference_values import (
    EPIR_INTERVALS,
    assert_same,
    dataset,
    identifier,
    load,
    numbers,
    records,
    table_of,
)

ESTIMATE = {"value": "est", "low": "lower", "high": "upper"}


def _strata(file, record):
    columns = dataset(file, record)
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _gives_numbers(expected, ours):
    return np.isfinite(numbers(expected[ESTIMATE[ours]])).any()


def _compare(
    estimate,
    expected,
    *,
    unit=1,
    rel=1e-10,
    abs_=1e-300,
    ends=(-np.inf, np.inf),
    only=("value", "low", "high"),
):
    """Where epiR says NaN, it does not compare; epiR does not cut limits to the ends of the scale."""
    assert any(_gives_numbers(expected, ours) for ours in only), "nothing to compare with"
    for ours in only:
        wanted = numbers(expected[ESTIMATE[ours]])
        got = np.asarray(getattr(estimate, ours), dtype=float) * unit
        known = np.isfinite(wanted)
        wanted = np.clip(wanted, ends[0] * unit, ends[1] * unit) if np.isfinite(ends).all() else wanted
        np.testing.assert_allclose(got[known], wanted[known], rtol=rel, atol=abs_, err_msg=ours)


# Proportions and rates.


@pytest.mark.parametrize(
    "record",
    [
        r
        for kind in ("prevalence", "inc.risk")
        for name in EPIR_INTERVALS
        for r in records("E_epiR_misc", f"epi.conf/{kind}/{name}/")
    ],
    ids=identifier,
)
def test_proportions_equal_epi_conf(record):
    method, given_, expected = (
        EPIR_INTERVALS[record["id"].split("/")[2]],
        record["inputs"],
        dict(record["outputs"]),
    )
    estimate = prevalence(Proportion(events=given_["x"], total=given_["n"]), method=method)
    only = ("value", "low", "high")
    if method == "agresti-coull":  # epiR prints the shifted centre as the estimate
        only = ("low", "high")
    if method == "jeffreys":  # epiR leaves out Brown, Cai and DasGupta's fixed ends
        expected["lower"] = expected["lower"] if given_["x"] > 0 else 0
        expected["upper"] = expected["upper"] if given_["x"] < given_["n"] else 1
    _compare(estimate, expected, ends=(0, 1), only=only, abs_=1e-14)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.conf/prop.single/"), ids=identifier)
def test_wilson_equals_epi_conf_of_a_single_proportion(record):
    given_ = record["inputs"]
    _compare(
        prevalence(Proportion(events=given_["x"], total=given_["n"]), method="wilson"),
        record["outputs"],
        abs_=1e-14,
    )


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.conf/inc.rate/exact/"), ids=identifier)
def test_garwood_equals_epi_conf(record):
    rate = Rate(events=record["inputs"]["x"], person_time=record["inputs"]["t"])
    estimate = incidence_rate(rate, confidence_level=float(record["id"].split("/")[3]))
    _compare(estimate, record["outputs"], abs_=1e-15)


def test_ratios_to_the_whole_equal_epi_conf():
    (record,) = records("E_epiR_misc", "epi.conf/smr")
    events, persons = (np.array(record["inputs"][name]) for name in ("obs", "pop"))
    rate = Rate(events=events[:, np.newaxis], person_time=persons[:, np.newaxis])
    _compare(standardized_ratio(rate, [events.sum() / persons.sum()]), record["outputs"])


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.smr/rothman"), ids=identifier)
def test_log_ratio_equals_epi_smr(record):
    given_ = record["inputs"]
    if record["outputs"] is None:
        pytest.skip("R raised")
    rate = Rate(events=[given_["obs"]], person_time=[given_["exp"]])
    estimate = standardized_ratio(rate, [1], method="log", confidence_level=float(record["id"].split("/")[2]))
    _compare(estimate, record["outputs"])


# One table.


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.conf/prop.unpaired/"), ids=identifier)
def test_newcombe_equals_epi_conf(record):
    _compare(risk_difference(table_of(record), method="newcombe"), record["outputs"], abs_=1e-14)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.conf/prop.paired/"), ids=identifier)
def test_paired_newcombe_equals_epi_conf(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    paired = PairedTable(both=a, exposed_only=b, control_only=c, neither=d)
    _compare(paired_difference(paired, method="newcombe"), record["outputs"], abs_=1e-14)


@pytest.mark.parametrize("record", records("E_epi2by2", "zRRscore/"), ids=identifier)
def test_koopman_equals_epir(record):
    estimate = risk_ratio(table_of(record), method="koopman", confidence_level=record["inputs"]["conf.level"])
    # epiR searches these limits to about seven digits; E3_score_own has them to 1e-14.
    _compare(estimate, record["outputs"], rel=1e-6)


# The flag `suspect` of these records concerns "RR.*.score", "OR.*.score" and "OR.*.cfield", not compared.
SINGLE = [
    r for r in load("E_epi2by2")["records"] if r["id"].startswith("epi.2by2/") and "/rate/" not in r["id"]
]
POOLED = [r for r in load("E_epi2by2")["records"] if r["id"].startswith("epi.2by2.strata/") and r["outputs"]]
TABLES = [r for r in POOLED if "cohort.time" not in r["id"]]
# A case-control study has no risks.
WITH_RISKS = [r for r in SINGLE + TABLES if "case.control" not in r["id"]]
with_risks = pytest.mark.parametrize("record", WITH_RISKS, ids=identifier)


def _parts(record):
    """Return the tables that epiR calls "strata" and, of several, the crude one."""
    level = 0.9 if record["id"].endswith("/90") else 0.95
    unit = 100 if level == 0.9 else 1
    if "dataset" not in record["inputs"]:
        return {"strata": table_of(record)}, level, unit
    strata = _strata("E_epi2by2", record)
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


def _with_numbers(records_, *names):
    """epiR leaves the ratios of some tables with an empty cell NaN."""
    return [
        r
        for r in records_
        if any(_gives_numbers(expected, "low") for _, expected, _, _ in _fields(r, *names))
    ]


RISK_RATIO = ("RR.wald", "RR.taylor", "PR.wald", "PR.taylor")


@pytest.mark.parametrize("record", _with_numbers(WITH_RISKS, *RISK_RATIO), ids=identifier)
def test_risk_ratio_equals_epi_2by2(record):
    for table, expected, level, _ in _fields(record, *RISK_RATIO):
        _compare(risk_ratio(table, confidence_level=level), expected)


@pytest.mark.parametrize("record", _with_numbers(SINGLE + TABLES, "OR.wald"), ids=identifier)
def test_odds_ratio_equals_epi_2by2(record):
    for table, expected, level, _ in _fields(record, "OR.wald"):
        _compare(odds_ratio(table, confidence_level=level), expected)


@with_risks
@pytest.mark.parametrize(("name", "method"), [("NNT.wald", "wald"), ("NNT.score", "mee")])
def test_number_needed_to_treat_equals_epi_2by2(record, name, method):
    for table, expected, level, _ in _fields(record, name):
        needed = number_needed_to_treat(table, method=method, confidence_level=level)
        assert_same(needed.value, np.abs(numbers(expected["est"])), rel=1e-9)


strata_only = pytest.mark.parametrize("record", TABLES, ids=identifier)


@strata_only
@pytest.mark.parametrize("measure", ["OR", "RR"])
def test_mantel_haenszel_equals_epi_2by2(record, measure):
    detail, table = record["outputs"]["detail"], _strata("E_epi2by2", record)
    name = "PR" if measure == "RR" and "PR.mh.wald" in detail else measure
    _compare(mantel_haenszel(table, measure=measure), detail[f"{name}.mh.wald"])


@strata_only
@pytest.mark.parametrize(("variance", "name"), [("sato", "sato"), ("greenland-robins", "green")])
def test_pooled_difference_equals_epi_2by2(record, variance, name):
    estimate = mantel_haenszel(_strata("E_epi2by2", record), measure="RD", variance=variance)
    _compare(estimate, record["outputs"]["detail"][f"ARisk.mh.{name}"], abs_=1e-15)


@strata_only
def test_mantel_haenszel_test_equals_epi_2by2(record):
    expected = record["outputs"]["detail"]["chi2.mh"]
    test = cochran_mantel_haenszel_test(_strata("E_epi2by2", record))
    assert_same(test.statistic, expected["test.statistic"])
    assert_same(test.pvalue, expected["p.value.2s"], rel=1e-9)


@strata_only
def test_breslow_day_equals_epi_2by2(record):
    detail, table = record["outputs"]["detail"], _strata("E_epi2by2", record)
    expected = detail.get("bOR.homog", detail.get("OR.homog.brday"))
    assert_same(homogeneity_test(table, method="breslow-day").statistic, expected["test.statistic"])


@with_risks
def test_population_attributable_risk_of_strata_equals_epi_2by2(record):
    for table, expected, level, unit in _fields(record, "PARisk.piri"):
        _compare(
            population_attributable_risk(table, confidence_level=level),
            expected,
            unit=unit,
            ends=(-1, 1),
            abs_=1e-13 * unit,
        )


# Rates.


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


# Meta-analysis.


MEASURES = {"odds.ratio": ("OR", odds_ratio), "risk.ratio": ("RR", risk_ratio)}


def _meta(record):
    measure, single = MEASURES[record["id"].split("/")[1]]
    return measure, single, _strata("E_epiR_misc", record), record["outputs"]


META = [r for r in load("E_epiR_misc")["records"] if r["id"].startswith(("epi.mh/", "epi.iv/", "epi.dsl/"))]


@pytest.mark.parametrize("record", META, ids=identifier)
def test_studies_equal_epir(record):
    measure, single, strata, expected = _meta(record)
    _compare(single(strata, correction=0.5), expected[measure])


@pytest.mark.parametrize("record", [r for r in META if r["id"].startswith("epi.iv")], ids=identifier)
def test_common_effect_equals_epi_iv(record):
    measure, _, strata, expected = _meta(record)
    pooled = pool(effect_sizes(strata, measure), model="common", ci="wald")
    _compare(pooled.estimate, expected[f"{measure}.summary"])
    assert_same([pooled.q, pooled.df], [expected["heterogeneity"][name] for name in ("Q", "df")])
    assert_same(pooled.estimate.pvalue, expected["effect"]["p.value"], rel=1e-8)
