"""P-values and further intervals of contingencytables; the intervals are in the tests of each measure."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy import stats

from analysis import (
    PairedTable,
    Proportion,
    TwoByTwo,
    cochran_mantel_haenszel_test,
    mcnemar_test,
    odds_ratio,
    paired_difference,
    paired_odds_ratio,
    paired_ratio,
    prevalence,
    risk_difference,
    risk_ratio,
)
from analysis.measures.methods.unconditional import paired_pvalue, two_proportions_pvalue
from reference_values import identifier, number, records

PACKAGE = "contingencytables"


def _families(families, keep=None):
    return [record for name in families for record in records(PACKAGE, f"{name}/", keep=keep)]


def _family(record):
    return record["id"].split("/")[0]


def _pvalue(record):
    return number(record["outputs"].get("Pvalue", record["outputs"].get("midP")))


# Two proportions.

TESTS_OF_TWO = {
    "Pearson_chi_squared_test_2x2": (
        (risk_ratio, "koopman"),
        (odds_ratio, "score"),
        (risk_difference, "mee"),
    ),
    "LR_test_2x2": ((risk_ratio, "likelihood-ratio"), (odds_ratio, "likelihood-ratio")),
    # The other methods of exact limits double a tail.
    "Fisher_exact_test_2x2": ((odds_ratio, "baptista-pike"),),
    "Fisher_midP_test_2x2": ((odds_ratio, "baptista-pike-mid-p"),),
    "Z_unpooled_test_2x2": ((risk_difference, "wald"),),
}
# The only possible table: half of its probability there, 1 here as for the exact test.
ONE_TABLE = "Fisher_midP_test_2x2/0_9_0_11"
# What the package counts of the observed table and of another one, where it differs; below in fractions.
OTHERWISE = {
    # The observed table is the most probable one, P = 1. The package leaves the next one out: 0.736.
    "Fisher_exact_test_2x2/2_98_7_243": None,
    # Another table is as probable as the observed one. Half of both counts here; in the package the other one
    # counts whole in the first and, by rounding, not at all in the second.
    "Fisher_midP_test_2x2/10_0_3_7": Fraction(3, 2),
    "Fisher_midP_test_2x2/30_70_45_55": Fraction(1, 2),
}


def _table(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


@pytest.mark.parametrize(
    "record",
    [r for r in _families(TESTS_OF_TWO) if r["id"] != ONE_TABLE and r["id"] not in OTHERWISE],
    ids=identifier,
)
def test_pvalues_of_two_proportions(record):
    for measure, method in TESTS_OF_TWO[_family(record)]:
        pvalue = float(measure(_table(record), method=method).pvalue)
        if np.isnan(pvalue):
            # No case at all: 1 there. A ratio, and Wald's difference of variance 0, have none here.
            assert record["id"].endswith("/0_9_0_11")
            assert _pvalue(record) == 1
        else:
            assert pvalue == pytest.approx(_pvalue(record), rel=1e-9)


@pytest.mark.parametrize(
    "record", [r for r in _families(TESTS_OF_TWO) if r["id"] in OTHERWISE], ids=identifier
)
def test_fisher_in_fractions_where_the_package_differs(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    total = comb(a + b + c + d, a + c)
    share = {
        count: Fraction(comb(a + b, count) * comb(c + d, a + c - count), total)
        for count in range(max(0, a - d), min(a + b, a + c) + 1)
    }
    less = sum(p for p in share.values() if p < share[a])
    equal = sum(p for p in share.values() if p == share[a])
    ((measure, method),) = TESTS_OF_TWO[_family(record)]
    expected = less + (equal / 2 if method.endswith("mid-p") else equal)
    pvalue = float(measure(_table(record), method=method).pvalue)
    assert pvalue == pytest.approx(float(expected), rel=1e-9)
    counted = OTHERWISE[record["id"]]
    theirs = 1 - share[a + 1] if counted is None else less + counted * share[a]
    assert _pvalue(record) == pytest.approx(float(theirs), rel=1e-9)


@pytest.mark.parametrize("record", _families(["Pearson_chi_squared_test_CC_2x2"]), ids=identifier)
def test_corrected_chi_square_is_cochrans_of_one_stratum(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    strata = TwoByTwo(exposed_cases=[a], exposed_total=[a + b], control_cases=[c], control_total=[c + d])
    test = cochran_mantel_haenszel_test(strata, method="cochran", correct=True)
    if a + c == 0:
        # No case at all is no test: 0/0 here, with a P-value of 1 there.
        assert np.isnan([test.statistic, test.pvalue]).all()
        return
    assert float(test.statistic) == pytest.approx(record["outputs"]["T"], rel=1e-10)
    assert float(test.pvalue) == pytest.approx(_pvalue(record), rel=1e-10)


# One proportion: `prevalence` has no null, but at the level 1 - P one limit is the null.

TESTS_OF_ONE = {
    "Score_test_1x2": "wilson",
    "Score_test_CC_1x2": "wilson-cc",
    "Wald_test_1x2": "wald",
    "Wald_test_CC_1x2": "wald-cc",
    "LR_test_1x2": "likelihood-ratio",
    "Exact_binomial_test_1x2": "clopper-pearson",
    "MidP_binomial_test_1x2": "mid-p",
    "Blaker_exact_test_1x2": "blaker",
    "Blaker_midP_test_1x2": "blaker-mid-p",
}
# Beyond the null Blaker's acceptability rises above P once more, until it jumps down at 0.1112.
BEYOND = "Blaker_exact_test_1x2/0_10/p0=0.1"
# The acceptability jumps at 1/2: the limit would be there for many another P.
JUMPS = "Blaker_exact_test_1x2/13_47/p0=0.5"
# The same of the mid-P acceptability.
BEYOND_MID = [
    f"Blaker_midP_test_1x2/{case}" for case in ("0_10/p0=0.1", "1_12/p0=0.1", "15_30/p0=0.5", "0_1/p0=0.1")
]
# At 1/2 n - x is as extreme as x. By rounding the package counts it whole in the first, and not at all in the
# second.
MISSED_TIES = {"Blaker_midP_test_1x2/250_533/p0=0.5": 1.5, "Blaker_midP_test_1x2/13_47/p0=0.5": 0.5}


def _is_invertible(record):
    given, pvalue = record["inputs"], _pvalue(record)
    if record["id"] in {BEYOND, JUMPS, *BEYOND_MID, *MISSED_TIES}:
        return False
    # Where the difference is smaller than the correction the package corrects 0 to a P-value below 1.
    if "_CC_" in record["id"] and abs(given["X"] - given["n"] * given["pi0"]) <= 0.5:
        return False
    # 1 - P has no digits left of a very small P, and no interval has the level 0.
    return 1e-6 < pvalue < 1 - 1e-9


def _limit_at(record):
    """Return the limit on the side of the null at the level 1 - P."""
    given = record["inputs"]
    estimate = prevalence(
        Proportion(events=given["X"], total=given["n"]),
        method=TESTS_OF_ONE[_family(record)],
        confidence_level=1 - _pvalue(record),
    )
    return float(estimate.low if given["X"] > given["n"] * given["pi0"] else estimate.high)


@pytest.mark.parametrize("record", _families(TESTS_OF_ONE, keep=_is_invertible), ids=identifier)
def test_null_is_the_limit_at_one_minus_the_pvalue(record):
    assert _limit_at(record) == pytest.approx(record["inputs"]["pi0"], rel=1e-9)


def test_blaker_limit_beyond_the_null():
    (record,) = records(PACKAGE, BEYOND)
    null, limit, pvalue = record["inputs"]["pi0"], _limit_at(record), _pvalue(record)

    def acceptability(risk):
        # No event in ten: its tail and the largest upper tail that is no larger.
        tail = stats.binom.pmf(0, 10, risk)
        return tail + max(t for t in stats.binom.sf(range(-1, 11), 10, risk) if t <= tail)

    assert acceptability(null) == pytest.approx(pvalue, rel=1e-9)
    assert limit == pytest.approx(0.1112, abs=5e-5)
    assert acceptability(limit - 1e-9) > pvalue
    assert (np.array([acceptability(risk) for risk in np.linspace(limit + 1e-9, 1, 500)]) < pvalue).all()


def _mid_acceptability(events, total, risk):
    """Return what is less acceptable than the observed count and half of what is as acceptable."""
    counts = np.arange(total + 1)
    tail = np.minimum(stats.binom.cdf(counts, total, risk), stats.binom.sf(counts - 1, total, risk))
    probability = stats.binom.pmf(counts, total, risk)
    equal = np.isclose(tail, tail[events], rtol=1e-10, atol=0)
    return probability[(tail < tail[events]) & ~equal].sum() + probability[equal].sum() / 2


@pytest.mark.parametrize("start", BEYOND_MID)
def test_blaker_mid_p_limit_beyond_the_null(start):
    (record,) = records(PACKAGE, start)
    given, pvalue, limit = record["inputs"], _pvalue(record), _limit_at(record)
    counts, null = (given["X"], given["n"]), given["pi0"]
    assert _mid_acceptability(*counts, null) == pytest.approx(pvalue, rel=1e-9)
    assert limit > null
    assert _mid_acceptability(*counts, limit - 1e-9) > pvalue
    beyond = np.linspace(limit + 1e-9, 1, 500)
    assert max(_mid_acceptability(*counts, risk) for risk in beyond) < pvalue


@pytest.mark.parametrize("start", MISSED_TIES)
def test_blaker_mid_p_misses_ties(start):
    (record,) = records(PACKAGE, start)
    given = record["inputs"]
    ours = _mid_acceptability(given["X"], given["n"], 0.5)
    # Half of both counts that are as acceptable as each other.
    equal = stats.binom.pmf(given["X"], given["n"], 0.5)
    assert _pvalue(record) == pytest.approx(ours + (MISSED_TIES[start] - 1) * equal, rel=1e-9)


@pytest.mark.parametrize("record", _families(["ClopperPearson_exact_CI_1x2"]), ids=identifier)
def test_clopper_pearson_by_search(record):
    given, expected = record["inputs"], record["outputs"]
    estimate = prevalence(
        Proportion(events=given["X"], total=given["n"]),
        method="clopper-pearson",
        confidence_level=1 - given["alpha"],
    )
    assert float(estimate.low) == pytest.approx(number(expected["lower"]), rel=1e-9)
    assert float(estimate.high) == pytest.approx(number(expected["upper"]), rel=1e-9)


@pytest.mark.parametrize("record", _families(["AgrestiCoull_CI_1x2"]), ids=identifier)
def test_rule_of_two_and_four_is_wald_of_the_larger_sample(record):
    # Not our "agresti-coull", which adds z²/2 and z².
    given, expected = record["inputs"], record["outputs"]
    estimate = prevalence(
        Proportion(events=given["X"] + 2, total=given["n"] + 4),
        method="wald",
        confidence_level=1 - given["alpha"],
    )
    assert float(estimate.value) == pytest.approx(number(expected["estimate"]), rel=1e-9)
    assert float(estimate.low) == pytest.approx(number(expected["lower"]), rel=1e-9)
    assert float(estimate.high) == pytest.approx(number(expected["upper"]), rel=1e-9)


# Pairs.

TESTS_OF_PAIRS = {
    "McNemar_asymptotic_test_paired_2x2": (
        (paired_difference, "tango"),
        (paired_ratio, "tang"),
        (paired_odds_ratio, "wilson"),
    ),
    "McNemar_exact_cond_test_paired_2x2": ((paired_odds_ratio, "exact"),),
    "McNemar_midP_test_paired_2x2": ((paired_odds_ratio, "mid-p"),),
}


def _pairs(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    return PairedTable(both=a, exposed_only=b, control_only=c, neither=d)


def _says_something(record):
    """Leave the mid-P value of equally many discordant pairs out: 1 here, 1 - P(b)/2 there."""
    (_, b), (c, _) = record["inputs"]["tab"]["rows"]
    return b != c or "midP" not in record["id"]


@pytest.mark.parametrize("record", _families(TESTS_OF_PAIRS, keep=_says_something), ids=identifier)
def test_pvalues_of_paired_measures_are_mcnemars(record):
    for measure, method in TESTS_OF_PAIRS[_family(record)]:
        estimate = measure(_pairs(record), method=method)
        assert float(estimate.pvalue) == pytest.approx(_pvalue(record), rel=1e-9)


@pytest.mark.parametrize(
    "record",
    _families(["McNemar_asymptotic_test_paired_2x2"], keep=lambda r: "Z" in r["outputs"]),
    ids=identifier,
)
def test_mcnemar_statistic_has_the_sign_of_the_difference(record):
    assert float(mcnemar_test(_pairs(record)).statistic) == pytest.approx(record["outputs"]["Z"], rel=1e-9)


@pytest.mark.parametrize("record", _families(["McNemar_exact_unconditional_test_paired_2x2"]), ids=identifier)
def test_unconditional_mcnemar(record):
    pairs = _pairs(record)
    pvalue = float(mcnemar_test(pairs, method="exact-unconditional").pvalue)
    _is_the_top_of_a_grid(pvalue, record)
    if pairs.exposed_only == pairs.control_only:
        assert pvalue == 1
        return
    # By the definition: the probability of every table of so many pairs and a statistic as large.
    n = int(pairs.pairs)
    kinds, others = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    possible = kinds + others <= n
    kinds, others = kinds[possible], others[possible]

    def square(b, c):
        return (b - c) ** 2 / np.maximum(b + c, 1)

    extreme = square(kinds, others) >= square(pairs.exposed_only, pairs.control_only) * (1 - 1e-12)
    kinds, others = kinds[extreme], others[extreme]
    counts = np.stack([kinds, others, n - kinds - others], axis=-1)
    for gamma in (0.0, 1e-4):
        low, high = _exact_interval(pairs.exposed_only + pairs.control_only, n, gamma)
        shares = np.linspace(low, high, 400)
        largest = max(stats.multinomial.pmf(counts, n, [s / 2, s / 2, 1 - s]).sum() for s in shares)
        found = float(paired_pvalue(pairs.exposed_only, pairs.control_only, pairs.pairs, gamma=gamma))
        assert largest <= found - gamma + 1e-12
        assert largest == pytest.approx(found - gamma, rel=1e-3)


@pytest.mark.parametrize("record", _families(["Exact_unconditional_test_2x2"]), ids=identifier)
def test_unconditional_test_of_two_proportions(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    cells = np.array([a, b, c, d], dtype=float)
    _is_the_top_of_a_grid(float(two_proportions_pvalue(*cells)), record)
    n1, n0 = a + b, c + d
    first, second = np.arange(n1 + 1)[:, None], np.arange(n0 + 1)

    def square(x1, x0):
        share = np.clip((x1 + x0) / (n1 + n0), 1e-9, 1 - 1e-9)
        return (x1 / n1 - x0 / n0) ** 2 / (share * (1 - share))

    extreme = square(first, second) >= square(a, c) * (1 - 1e-12)
    for gamma in (0.0, 1e-4):
        low, high = _exact_interval(a + c, n1 + n0, gamma)
        largest = max(
            (stats.binom.pmf(first, n1, p) * stats.binom.pmf(second, n0, p))[extreme].sum()
            for p in np.linspace(low, high, 500)
        )
        found = float(two_proportions_pvalue(*cells, gamma=gamma))
        assert largest <= found - gamma + 1e-12
        assert largest == pytest.approx(found - gamma, rel=1e-3)


def test_unconditional_pvalues_of_many_tables_and_empty_ones():
    cells = np.random.default_rng(3).integers(0, 9, (4, 5, 4)).astype(float)
    batch, pairs = two_proportions_pvalue(*cells), paired_pvalue(cells[0], cells[1], cells.sum(axis=0))
    assert batch.shape == pairs.shape == (5, 4)
    for index in np.ndindex(5, 4):
        a, b, c, d = (part[index] for part in cells)
        assert float(two_proportions_pvalue(a, b, c, d)) == pytest.approx(batch[index], rel=1e-11)
        assert float(paired_pvalue(a, b, a + b + c + d)) == pytest.approx(pairs[index], rel=1e-11)
    for empty in ((0, 5, 0, 7), (5, 0, 7, 0), (0, 0, 3, 4), (0, 0, 0, 0)):
        assert float(two_proportions_pvalue(*np.array(empty, dtype=float))) == 1


def _exact_interval(events, total, gamma):
    if gamma == 0:
        return 0.0, 1.0
    estimate = prevalence(
        Proportion(events=events, total=total), method="clopper-pearson", confidence_level=1 - gamma
    )
    return float(estimate.low), float(estimate.high)


def _is_the_top_of_a_grid(pvalue, record):
    # The package tries values of what is unknown: at most 1.2e-6 below the top, and never above it.
    assert pvalue == pytest.approx(_pvalue(record), rel=1.2e-6)
    assert pvalue >= _pvalue(record) * (1 - 1e-12)


@pytest.mark.parametrize("record", _families(["Transformed_Blaker_exact_CI_paired_2x2"]), ids=identifier)
def test_blaker_limits_as_odds(record):
    pairs, expected = _pairs(record), record["outputs"]
    estimate = prevalence(
        Proportion(events=pairs.exposed_only, total=pairs.exposed_only + pairs.control_only),
        method="blaker",
        confidence_level=1 - record["inputs"]["alpha"],
    )
    for limit, name in ((float(estimate.low), "lower"), (float(estimate.high), "upper")):
        odds = limit / (1 - limit) if limit < 1 else np.inf
        assert odds == pytest.approx(number(expected[name]), rel=1e-9)


@pytest.mark.parametrize("record", _families(["Wald_CI_OR_Laplace_paired_2x2"]), ids=identifier)
def test_laplace_adds_a_pair_of_either_kind(record):
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    estimate = paired_odds_ratio(
        PairedTable(both=a, exposed_only=b + 1, control_only=c + 1, neither=d),
        method="log",
        confidence_level=1 - record["inputs"]["alpha"],
    )
    assert float(estimate.low) == pytest.approx(number(record["outputs"]["lower"]), rel=1e-9)
    assert float(estimate.high) == pytest.approx(number(record["outputs"]["upper"]), rel=1e-9)
