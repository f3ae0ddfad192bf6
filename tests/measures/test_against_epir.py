"""What epiR and Epi print of proportions, rates, one table and studies. Rows are exposure, column 1 cases.

Strata and everything else that `epi.2by2` prints: test_strata_against_epir.py.
"""

import numpy as np
import pytest

from analysis import (
    PairedTable,
    Proportion,
    Rate,
    TwoByTwo,
    cochran_mantel_haenszel_test,
    effect_sizes,
    homogeneity_test,
    incidence_rate,
    indirectly_standardized_rate,
    mantel_haenszel,
    mcnemar_test,
    odds_ratio,
    paired_difference,
    pool,
    prevalence,
    risk_difference,
    risk_ratio,
    standardized_ratio,
)
from reference_values import (
    EPIR_INTERVALS,
    assert_same,
    dataset,
    epir_statistics,
    identifier,
    load,
    numbers,
    records,
    table_of,
)

ESTIMATE = {"value": "est", "low": "lower", "high": "upper"}


def _strata(record):
    columns = dataset("E_epiR_misc", record)
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _compare(
    estimate,
    expected,
    *,
    rel=1e-10,
    abs_=1e-300,
    ends=(-np.inf, np.inf),
    only=("value", "low", "high"),
):
    """Where epiR says NaN, it does not compare; epiR does not cut limits to the ends of the scale."""
    known = [np.isfinite(numbers(expected[ESTIMATE[ours]])).any() for ours in only]
    assert any(known), "nothing to compare with"
    for ours in only:
        wanted = numbers(expected[ESTIMATE[ours]])
        got = np.asarray(getattr(estimate, ours), dtype=float)
        known = np.isfinite(wanted)
        wanted = np.clip(wanted, *ends) if np.isfinite(ends).all() else wanted
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


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.conf/prevalence/design2/"), ids=identifier)
def test_wilson_equals_epi_conf_which_ignores_the_design(record):
    given_ = record["inputs"]
    proportion = Proportion(events=given_["x"], total=given_["n"])
    # "design=2.5" changes its standard error only; `survey_prevalence` has the wider interval.
    _compare(prevalence(proportion, confidence_level=0.9), record["outputs"], abs_=1e-14)


# epi.prev steps Blaker's limits by 1e-4; of one event (or all but one) it replaces Wilson's limits.
APPARENT = {"c-p": ("clopper-pearson", 1e-12), "wilson": ("wilson", 1e-12), "blaker": ("blaker", 1.1e-4)}


def _is_wilsons(record):
    given_ = record["inputs"]
    return "/wilson/" not in record["id"] or given_["x"] not in {1, given_["n"] - 1}


@pytest.mark.parametrize(
    "record",
    [r for name in APPARENT for r in records("E_epiR_misc", f"epi.prev/{name}/", keep=_is_wilsons)],
    ids=identifier,
)
def test_apparent_prevalence_equals_epi_prev(record):
    method, tolerance = APPARENT[record["id"].split("/")[1]]
    estimate = prevalence(
        Proportion(events=record["inputs"]["x"], total=record["inputs"]["n"]), method=method
    )
    _compare(estimate, record["outputs"]["ap"], ends=(0, 1), abs_=tolerance)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.tests/"), ids=identifier)
def test_other_proportions_equal_epi_tests(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    whole = a + b + c + d
    counts = {
        "ap": (a + b, whole),
        "tp": (a + c, whole),
        "diag.ac": (a + d, whole),
        "p.rout": (c + d, whole),
        "p.rin": (a + b, whole),
        "p.tpdn": (b, b + d),
        "p.tndp": (c, a + c),
        "p.dntp": (b, a + b),
        "p.dptn": (c, c + d),
    }
    method = EPIR_INTERVALS[record["id"].split("/")[1]]
    for name, (events, total) in counts.items():
        if total == 0:
            continue
        value, low, high = epir_statistics(record)[name]
        if method == "jeffreys":  # epiR leaves out Brown, Cai and DasGupta's fixed ends
            low, high = low if events > 0 else 0, high if events < total else 1
        _compare(
            prevalence(Proportion(events=events, total=total), method=method),
            {"est": value, "lower": low, "upper": high},
            ends=(0, 1),
            # epiR prints Agresti and Coull's shifted centre as the estimate.
            only=("low", "high") if method == "agresti-coull" else ("value", "low", "high"),
            abs_=1e-12,
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


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.indirectadj/"), ids=identifier)
def test_indirect_standardization_equals_epi_indirectadj(record):
    given_, expected = record["inputs"], record["outputs"]
    observed, persons = (np.array(given_[name]["rows"], dtype=float) for name in ("obs", "tar"))
    rates, standard = np.array(given_["rate"]), np.array(given_["std"])
    rate = Rate(events=observed, person_time=persons)
    # Its limits are Poisson quantiles of the observed count over the expected, which is no exact interval.
    _compare(standardized_ratio(rate, rates), expected["smr.strata"], only=("value",))
    adjusted = indirectly_standardized_rate(
        rate, rates, crude_reference_rate=(standard * rates).sum() / standard.sum()
    )
    _compare(adjusted, expected["adj.strata"], only=("value",))
    whole = Rate(events=observed.sum(axis=-1), person_time=persons.sum(axis=-1))
    _compare(incidence_rate(whole), expected["crude.strata"])


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.directadj/"), ids=identifier)
def test_crude_rates_equal_epi_directadj(record):
    given_, expected = record["inputs"], record["outputs"]
    observed, persons = (np.array(given_[name]["rows"], dtype=float) for name in ("obs", "tar"))
    asked = float(record["id"].split("/")[-1])
    # `crude` runs through the populations of one age group after another, at 95 % whatever the level.
    for events, time, name, level in (
        (observed.T.ravel(), persons.T.ravel(), "crude", 0.95),
        (observed.sum(axis=-1), persons.sum(axis=-1), "crude.strata", asked),
    ):
        estimate = incidence_rate(Rate(events=events, person_time=time), confidence_level=level)
        _compare(estimate, expected[name], abs_=1e-15)


# One table.


TWOBY2 = {
    "Relative Risk": (risk_ratio, "log"),
    "Sample Odds Ratio": (odds_ratio, "woolf"),
    "Probability difference": (risk_difference, "newcombe"),
}


@pytest.mark.parametrize("record", records("E_epiR_misc", "Epi.twoby2/"), ids=identifier)
def test_table_equals_epi_twoby2(record):
    table, expected = table_of(record), record["outputs"]["measures"]
    rows = {name.strip(" :"): row for name, row in zip(expected["rownames"], expected["rows"], strict=True)}
    for name, (function, method) in TWOBY2.items():
        row = numbers(rows[name])
        got = function(table, method=method)
        ours = np.array([float(got.value), float(got.low), float(got.high)])
        # A limit that is NaN in R lies beside an infinite standard error: here it is the end of the scale.
        assert_same(ours[~np.isnan(row)], row[~np.isnan(row)], abs_=1e-14)
        assert np.isnan(row[0]) == np.isnan(ours[0])
        assert set(ours[1:][np.isnan(row[1:])]) <= {0.0, np.inf}


def _has_conditional(record):
    """Epi prints the conditional odds ratio of small tables; R's 0 of an empty margin is no estimate."""
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return len(record["outputs"]["measures"]["rows"]) == 4 and a + c > 0 and b + d > 0


@pytest.mark.parametrize(
    "record", records("E_epiR_misc", "Epi.twoby2/", keep=_has_conditional), ids=identifier
)
def test_conditional_odds_ratio_equals_epi_twoby2(record):
    row = numbers(record["outputs"]["measures"]["rows"][2])
    got = odds_ratio(table_of(record), method="conditional-exact")
    for ours, theirs in zip((got.value, got.low, got.high), row, strict=True):
        # R's uniroot looks for a ratio below 1 or for its inverse, to 1.2e-4 absolute.
        below = [x if theirs <= 1 else 1 / x for x in (float(ours), float(theirs))]
        assert below[0] == pytest.approx(below[1], abs=1.3e-4)


@pytest.mark.parametrize("record", records("E_epiR_misc", "Epi.twoby2/"), ids=identifier)
def test_pvalues_equal_epi_twoby2(record):
    table = table_of(record)
    wald, *exact = np.atleast_1d(numbers(record["outputs"]["p.value"]))
    # Epi subtracts the Wald P of the odds ratio from 1, which leaves 0 of a small tail.
    assert_same(odds_ratio(table).pvalue, wald, rel=1e-9, abs_=1e-15)
    for expected in exact:
        assert_same(cochran_mantel_haenszel_test(table, method="exact").pvalue, expected, rel=1e-9)


@pytest.mark.parametrize("record", records("E_epiR_misc", "Epi.ci.pd/"), ids=identifier)
def test_difference_equals_epi_ci_pd(record):
    method = "agresti-caffo" if "/AC/" in record["id"] else "newcombe"
    expected = dict(zip(("est", "lower", "upper"), record["outputs"]["rows"][0][4:], strict=True))
    _compare(risk_difference(table_of(record), method=method), expected, ends=(-1, 1), abs_=1e-14)


@pytest.mark.parametrize(
    "record",
    # Without discordant pairs R divides 0 by 0; only a table of two categories has the test.
    records(
        "E_epiR_misc",
        "epi.kappa/",
        keep=lambda r: "a" in r["inputs"] and r["inputs"]["b"] + r["inputs"]["c"] > 0,
    ),
    ids=identifier,
)
def test_mcnemar_equals_epi_kappa(record):
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    test = mcnemar_test(PairedTable(both=a, exposed_only=b, control_only=c, neither=d))
    expected = record["outputs"]["mcnemar"]
    assert_same(test.statistic**2, expected["test.statistic"])
    # epiR subtracts from 1.
    assert_same(test.pvalue, expected["p.value"], rel=1e-9, abs_=1e-15)


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


# Meta-analysis.


MEASURES = {"odds.ratio": ("OR", odds_ratio), "risk.ratio": ("RR", risk_ratio)}


def _meta(record):
    measure, single = MEASURES[record["id"].split("/")[1]]
    return measure, single, _strata(record), record["outputs"]


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
    # epiR subtracts from 1.
    assert_same(pooled.q_pvalue, expected["heterogeneity"]["p.value"], rel=1e-9, abs_=1e-15)
    assert_same(pooled.h2, expected["Hsq"]["est"])
    # epiR does not cut at 0.
    assert_same(pooled.i2, max(expected["Isq"]["est"], 0))
    assert_same(pooled.estimate.pvalue, expected["effect"]["p.value"], rel=1e-8)


def _halves(strata):
    """Return the counts in halves, of which epiR first adds one to each cell of a study with a zero."""
    cells = (strata.exposed_cases, strata.exposed_noncases, strata.control_cases, strata.control_noncases)
    added = np.any([cell == 0 for cell in cells], axis=0)
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    return TwoByTwo.from_cells(**{name: 2 * cell + added for name, cell in zip(names, cells, strict=True)})


@pytest.mark.parametrize("record", [r for r in META if r["id"].startswith("epi.mh")], ids=identifier)
def test_mantel_haenszel_equals_epi_mh(record):
    measure, _, strata, expected = _meta(record)
    estimate = mantel_haenszel(_halves(strata), measure=measure)
    assert_same(estimate.value, expected[f"{measure}.summary"]["est"])
    if measure == "OR":
        return  # its limits surround another mean, see below
    # Counted in halves the variance is half as large.
    ours = np.log([estimate.low, estimate.high]) - np.log(estimate.value)
    limits = numbers([expected["RR.summary"][name] for name in ("lower", "upper")])
    assert_same(np.sqrt(2) * ours, np.log(limits) - np.log(estimate.value))
    test = homogeneity_test(_halves(strata), method="q", measure="RR")
    assert_same(test.statistic / 2, expected["heterogeneity"]["Q"])


@pytest.mark.parametrize(
    "record", [r for r in META if r["id"].startswith(("epi.mh/odds", "epi.dsl"))], ids=identifier
)
def test_epir_puts_another_centre_into_q(record):
    # Q is least about the inverse-variance mean, by W (c - mean)² less than about c: epi.mh averages the log
    # odds ratios by the weights bc/n of the ratios, epi.dsl the ratios themselves and takes the log.
    measure, _, strata, expected = _meta(record)
    halves, effects = _halves(strata), effect_sizes(strata, measure)
    pooled, weight = pool(effects, model="common", ci="wald"), 1 / effects.variance
    mh = halves.exposed_noncases * halves.control_cases / (halves.exposed_total + halves.control_total)
    if record["id"].startswith("epi.mh"):
        centre = np.average(effects.effect, weights=mh)
    else:
        centre = np.log(np.average(np.exp(effects.effect), weights=weight if measure == "OR" else mh))
    distance = weight.sum() * (np.log(pooled.estimate.value) - centre) ** 2
    assert_same(pooled.q + distance, expected["heterogeneity"]["Q"])


# Where both find no variance between the studies; elsewhere epi.dsl takes it from its Q.
@pytest.mark.parametrize(
    "record",
    [r for r in META if r["id"].startswith("epi.dsl") and r["outputs"]["tau.sq"] == 0],
    ids=identifier,
)
def test_random_effects_equal_epi_dsl(record):
    measure, _, strata, expected = _meta(record)
    pooled = pool(effect_sizes(strata, measure), tau2="DL", ci="wald")
    assert pooled.tau2 == 0
    _compare(pooled.estimate, expected[f"{measure}.summary"])
    assert_same(pooled.estimate.pvalue, expected["effect"]["p.value"], rel=1e-8)
