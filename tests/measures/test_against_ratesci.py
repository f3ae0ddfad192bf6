"""Intervals and P-values of ratesci; MOVER of rates and most paired methods are with the measure."""

import numpy as np
import pytest

from analysis import (
    PairedTable,
    Proportion,
    Rate,
    TwoByTwo,
    TwoRates,
    cochran_mantel_haenszel_test,
    incidence_rate,
    mantel_haenszel,
    odds_ratio,
    paired_difference,
    paired_ratio,
    prevalence,
    rate_difference,
    rate_ratio,
    risk_difference,
    risk_ratio,
    survey_prevalence,
)
from reference_values import identifier, number, records


def _named(start, families):
    return records("ratesci", start, keep=lambda r: r["id"].split("/", 3)[3] in families)


def _table(record):
    given = record["inputs"]
    return TwoByTwo(
        exposed_cases=given["x1"],
        exposed_total=given["n1"],
        control_cases=given["x2"],
        control_total=given["n2"],
    )


def _check(estimate, expected, *, rel=None, abs_=None):
    for limit, name, end in ((estimate.low, "lower", 0.0), (estimate.high, "upper", np.inf)):
        theirs = number(expected[name])
        # 0/0 there is a limit that the data do not set.
        theirs = end if np.isnan(theirs) else theirs
        assert float(limit) == pytest.approx(theirs, rel=rel, abs=abs_)


def _pvalue(record):
    return number(record["outputs"]["pval"]["pval2sided"])


# Two proportions.

# ratesci rounds the risks under a difference or ratio to ten digits behind the point ("p2mle": 0.0294117647),
# which leaves about eight digits to limits and P-values. Those of the odds ratio are not rounded.
ROUNDED = 1e-8
SCORES = {
    "RD/skewTRUE/bcfTRUE/ccFALSE": (risk_difference, "skewness-corrected", ROUNDED),
    "RR/skewTRUE/bcfTRUE/ccFALSE": (risk_ratio, "skewness-corrected", ROUNDED),
    # With its default correction for bias, which is ours; the others are without.
    "OR/skewTRUE/bcfTRUE/ccFALSE": (odds_ratio, "skewness-corrected", 1e-9),
    "RD/skewFALSE/bcfTRUE/ccFALSE": (risk_difference, "miettinen-nurminen", ROUNDED),
    "RD/skewFALSE/bcfFALSE/ccFALSE": (risk_difference, "mee", ROUNDED),
    "RR/skewFALSE/bcfTRUE/ccFALSE": (risk_ratio, "miettinen-nurminen", ROUNDED),
    "RR/skewFALSE/bcfFALSE/ccFALSE": (risk_ratio, "koopman", ROUNDED),
    "OR/skewFALSE/bcfTRUE/or_biasFALSE": (odds_ratio, "miettinen-nurminen", 1e-9),
    "OR/skewFALSE/bcfFALSE/or_biasFALSE": (odds_ratio, "score", 1e-9),
}
# Its default corrects the odds ratio for bias, of which there is none at the null: the P-value is the same.
BIAS_CORRECTED = {
    "OR/skewFALSE/bcfTRUE/ccFALSE": "miettinen-nurminen",
    "OR/skewFALSE/bcfFALSE/ccFALSE": "score",
}


def _check_pvalue(estimate, record, rel):
    if record["inputs"]["x1"] == record["inputs"]["x2"] == 0 and estimate.measure != "RD":
        # Without cases a ratio has no P-value here, and 1 there.
        assert np.isnan(estimate.pvalue)
        assert _pvalue(record) == 1
    else:
        assert float(estimate.pvalue) == pytest.approx(_pvalue(record), rel=rel)


@pytest.mark.parametrize("record", _named("scoreci/bin/", SCORES), ids=identifier)
def test_score_intervals(record):
    measure, method, rel = SCORES[record["id"].split("/", 3)[3]]
    estimate = measure(_table(record), method=method)
    # A limit of 0 is searched for: its error is absolute.
    _check(estimate, record["outputs"]["estimates"], rel=rel, abs_=1e-11)
    _check_pvalue(estimate, record, rel)


@pytest.mark.parametrize("record", _named("scoreci/bin/", BIAS_CORRECTED), ids=identifier)
def test_score_pvalues_of_the_bias_corrected_odds_ratio(record):
    method = BIAS_CORRECTED[record["id"].split("/", 3)[3]]
    _check_pvalue(odds_ratio(_table(record), method=method), record, 1e-9)


MOVER = {
    "RD/wilson/ccFALSE": (risk_difference, "newcombe"),
    "RR/wilson/ccFALSE": (risk_ratio, "mover-wilson"),
    # contingencytables' interval of this name is another one, wider than any in large samples.
    "OR/wilson/ccFALSE": (odds_ratio, "mover-wilson"),
}


@pytest.mark.parametrize("record", _named("moverci/bin/", MOVER), ids=identifier)
def test_mover_from_wilson_limits(record):
    measure, method = MOVER[record["id"].split("/", 3)[3]]
    estimate = measure(_table(record), method=method)
    _check(estimate, record["outputs"]["estimates"], rel=1e-9, abs_=1e-14)


# One proportion or rate.


def _proportion(record):
    return Proportion(events=record["inputs"]["x"], total=record["inputs"]["n"])


@pytest.mark.parametrize(
    "record", records("ratesci", "rateci/bin", keep=lambda r: "ccFALSE" in r["id"]), ids=identifier
)
def test_jeffreys_and_mid_p_proportions(record):
    expected = record["outputs"]
    _check(prevalence(_proportion(record), method="jeffreys"), expected["jeff"], rel=1e-9)
    # ratesci halves the interval of its exact and mid-P limits until it is 1e-8 wide.
    _check(prevalence(_proportion(record), method="mid-p"), expected["midp"], abs_=1e-8)


@pytest.mark.parametrize(
    "record", records("ratesci", "rateci/bin", keep=lambda r: "ccFALSE" in r["id"]), ids=identifier
)
def test_skewness_corrected_proportions(record):
    estimate = prevalence(_proportion(record), method="skewness-corrected")
    _check(estimate, record["outputs"]["scas"], rel=1e-11)


@pytest.mark.parametrize("record", records("ratesci", "scoreci/p/"), ids=identifier)
def test_skewness_corrected_proportions_by_search(record):
    estimate = prevalence(_proportion(record), method="skewness-corrected")
    # Halved to 1e-12.
    _check(estimate, record["outputs"]["estimates"], abs_=1e-12)


@pytest.mark.parametrize(
    "record", records("ratesci", "rateci/bin", keep=lambda r: "ccTRUE" in r["id"]), ids=identifier
)
def test_clopper_pearson(record):
    # Halved to 1e-8 as above.
    _check(prevalence(_proportion(record), method="clopper-pearson"), record["outputs"]["cp"], abs_=1e-8)


@pytest.mark.parametrize(
    "record", records("ratesci", "rateci/poi", keep=lambda r: "ccTRUE" in r["id"]), ids=identifier
)
def test_garwood(record):
    given = record["inputs"]
    rate = Rate(events=given["x"], person_time=given["n"])
    # Halved to 1e-8 as above, of the rate.
    _check(incidence_rate(rate, method="exact"), record["outputs"]["garwood"], abs_=1e-8)


@pytest.mark.parametrize(
    "record", records("ratesci", "rateci/poi", keep=lambda r: "ccFALSE" in r["id"]), ids=identifier
)
def test_rates(record):
    rate = Rate(events=record["inputs"]["x"], person_time=record["inputs"]["n"])
    # ratesci searches its mid-P limits to about seven digits.
    for method, name, rel, abs_ in (
        ("jeffreys", "jeff", 1e-10, 1e-12),
        ("mid-p", "midp", 1e-6, 1e-8),
        ("skewness-corrected", "scas", 1e-12, 1e-15),
    ):
        _check(incidence_rate(rate, method=method), record["outputs"][name], rel=rel, abs_=abs_)


@pytest.mark.parametrize("record", records("ratesci", "scoreci/poi"), ids=identifier)
def test_score_intervals_of_two_rates(record):
    given = record["inputs"]
    rates = TwoRates(
        exposed_events=given["x1"],
        exposed_time=given["n1"],
        control_events=given["x2"],
        control_time=given["n2"],
    )
    measure = rate_ratio if given["ct"] == "RR" else rate_difference
    estimate = measure(rates, method="skewness-corrected" if given["skew"] else "score")
    _check(estimate, record["outputs"]["estimates"], rel=1e-10, abs_=1e-11)
    assert float(estimate.pvalue) == pytest.approx(_pvalue(record), rel=1e-10)


@pytest.mark.parametrize("record", records("ratesci", "jeffreysci/"), ids=identifier)
def test_unadjusted_jeffreys(record):
    given, expected = record["inputs"], dict(record["outputs"]["estimates"])
    # `adj = FALSE` leaves out Brown, Cai and DasGupta's ends, which are always put in here.
    if given["x"] == 0:
        assert expected.pop("lower") > 0
        expected["lower"] = 0.0
    if given["x"] == given["n"]:
        assert expected.pop("upper") < 1
        expected["upper"] = 1.0
    _check(prevalence(_proportion(record), method="jeffreys"), expected, rel=1e-9)


@pytest.mark.parametrize(
    # The interval of level 0 does not exist.
    "record",
    records("ratesci", "scoreci/p/", keep=lambda r: 1e-6 < _pvalue(r) < 1),
    ids=identifier,
)
def test_score_pvalue_of_one_half_by_inversion(record):
    # Corrected for skewness, of which 1/2 has none: at the level 1 - P a limit of either method is the null.
    for method in ("wilson", "skewness-corrected"):
        estimate = prevalence(_proportion(record), method=method, confidence_level=1 - _pvalue(record))
        limit = estimate.low if record["outputs"]["pval"]["scorenull"] > 0 else estimate.high
        assert float(limit) == pytest.approx(record["outputs"]["pval"]["theta0"], rel=1e-9)


def test_clusters_by_their_design_effect():
    (record,) = records("ratesci", "clusterpci/skewFALSE")
    expected, pvalues = record["outputs"]["estimates"], record["outputs"]["pval"]
    proportion = Proportion(events=sum(record["inputs"]["x"]), total=sum(record["inputs"]["n"]))
    estimate = survey_prevalence(proportion, design_effect=expected["xihat"])
    assert float(estimate.value) == pytest.approx(expected["est"], rel=1e-9)
    _check(estimate, expected, rel=1e-9)
    at_null = survey_prevalence(
        proportion, design_effect=expected["xihat"], confidence_level=1 - 2 * pvalues["pval_left"]
    )
    assert float(at_null.high) == pytest.approx(pvalues["theta0"], rel=1e-9)


# Pairs.

PAIRED = {"RD": (paired_difference, "tango"), "RR": (paired_ratio, "tang")}


def _pairs(record):
    both, exposed_only, control_only, neither = record["inputs"]["x"]
    return PairedTable(both=both, exposed_only=exposed_only, control_only=control_only, neither=neither)


@pytest.mark.parametrize(
    "record",
    records("ratesci", "pairbinci/", keep=lambda r: r["id"].endswith("Score_closed")),
    ids=identifier,
)
def test_closed_paired_scores(record):
    measure, method = PAIRED[record["inputs"]["ct"]]
    estimate = measure(_pairs(record), method=method)
    # Printed to six digits behind the point.
    _check(estimate, record["outputs"]["estimates"], abs_=5.1e-7)
    assert float(estimate.pvalue) == pytest.approx(_pvalue(record), rel=1e-9)


@pytest.mark.parametrize(
    "record",
    records("ratesci", "pairbinci/", keep=lambda r: r["id"].endswith("Score/skewTRUE/bcfFALSE")),
    ids=identifier,
)
def test_pvalues_of_skewness_corrected_paired_scores(record):
    # No skewness at the null: McNemar's test again. The limits are others.
    measure, method = PAIRED[record["inputs"]["ct"]]
    assert float(measure(_pairs(record), method=method).pvalue) == pytest.approx(_pvalue(record), rel=1e-9)


@pytest.mark.parametrize(
    "record",
    # Without a discordant pair ratesci's limits are 0 and infinity, and no proportion is observed.
    records(
        "ratesci", "pairbinci/", keep=lambda r: r["id"].endswith("OR/jeff") and sum(r["inputs"]["x"][1:3])
    ),
    ids=identifier,
)
def test_jeffreys_limits_as_odds(record):
    _, events, others, _ = record["inputs"]["x"]
    estimate = prevalence(Proportion(events=events, total=events + others), method="jeffreys")
    for limit, name in ((float(estimate.low), "lower"), (float(estimate.high), "upper")):
        odds = limit / (1 - limit) if limit < 1 else np.inf
        # Printed to six digits behind the point.
        assert odds == pytest.approx(number(record["outputs"]["estimates"][name]), abs=5.1e-7)


# Strata.

# Weights that make the stratified score test the test of Cochran, Mantel and Haenszel.
CMH = {
    *[f"{measure}/{weights}/skewFALSE" for measure in ("RD", "RR") for weights in ("MH", "MN")],
    *[f"OR/{weights}/skewFALSE" for weights in ("INV", "MN")],
}


@pytest.mark.parametrize("record", _named("scoreci/strat/", CMH), ids=identifier)
def test_stratified_score_test_is_cochran_mantel_haenszel(record):
    test = cochran_mantel_haenszel_test(_table(record))
    rel = 1e-9 if record["inputs"]["ct"] == "OR" else ROUNDED
    assert float(test.statistic) == pytest.approx(record["outputs"]["pval"]["chisq"], rel=rel)
    assert float(test.pvalue) == pytest.approx(_pvalue(record), rel=rel)


@pytest.mark.parametrize(
    "record",
    _named("scoreci/strat/", {"RD/MH/skewFALSE", "RR/MH/skewFALSE"}),
    ids=identifier,
)
def test_mantel_haenszel_weights_give_the_mantel_haenszel_estimate(record):
    estimate = mantel_haenszel(_table(record), measure=record["inputs"]["ct"])
    # Searched to ten digits behind the point.
    assert float(estimate.value) == pytest.approx(record["outputs"]["estimates"]["est"], abs=1e-10)


@pytest.mark.parametrize(
    "record",
    _named("scoreci/strat/", {f"{m}/MH/skew{s}" for m in ("RD", "RR") for s in ("TRUE", "FALSE")}),
    ids=identifier,
)
def test_stratified_score_limits(record):
    method = "skewness-corrected" if record["inputs"]["skew"] else "score"
    estimate = mantel_haenszel(_table(record), measure=record["inputs"]["ct"], method=method)
    assert estimate.method == f"mantel-haenszel ({method})"
    # Searched to ten digits behind the point.
    _check(estimate, record["outputs"]["estimates"], rel=ROUNDED, abs_=1e-10)
    assert float(estimate.pvalue) == pytest.approx(_pvalue(record), rel=ROUNDED)
    assert estimate.std_error is None


@pytest.mark.parametrize(
    ("measure", "of_one"), [("RR", risk_ratio), ("RD", risk_difference)], ids=["RR", "RD"]
)
@pytest.mark.parametrize("method", ["score", "skewness-corrected"])
def test_stratified_scores_of_one_stratum_and_of_replicates(measure, of_one, method):
    cells = np.random.default_rng(6).integers(0, 7, (4, 30, 3))
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    table = TwoByTwo.from_cells(**dict(zip(names, cells, strict=True)))
    batch = mantel_haenszel(table, measure=measure, method=method)
    one = of_one(table[:, 0], method="miettinen-nurminen" if method == "score" else method)
    alone = mantel_haenszel(table[:, :1], measure=measure, method=method)
    for name in ("value", "low", "high", "pvalue"):
        np.testing.assert_allclose(getattr(alone, name), getattr(one, name), rtol=1e-9, atol=1e-12)
        loop = [
            getattr(mantel_haenszel(row, measure=measure, method=method), name)
            for row in (table[i] for i in range(30))
        ]
        np.testing.assert_allclose(getattr(batch, name), loop, rtol=1e-11, atol=1e-14)
    assert (batch.low <= batch.high).all()


@pytest.mark.parametrize(("measure", "variance"), [("OR", None), ("RD", "sato"), ("RR", "greenland-robins")])
def test_stratified_scores_take_no_variance_and_no_odds_ratio(measure, variance):
    table = TwoByTwo(exposed_cases=[1, 2], exposed_total=4, control_cases=[2, 2], control_total=5)
    with pytest.raises(ValueError, match="`method` may be 'score' for 'RR' and 'RD' without a `variance`"):
        mantel_haenszel(table, measure=measure, method="score", variance=variance)
    with pytest.raises(ValueError, match="`method` must be one of 'wald', 'score'"):
        mantel_haenszel(table, measure=measure, method="scores")
