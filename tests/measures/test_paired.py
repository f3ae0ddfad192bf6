import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.measures.paired import (
    mcnemar_test,
    paired_difference,
    paired_odds_ratio,
    paired_ratio,
)
from analysis.values.paired import PairedTable
from reference_values import identifier, number, records

R_NAMES = {
    "Tango_asymptotic_score_CI_paired_2x2": (paired_difference, "tango", 1e-9),
    "Newcombe_square_and_add_CI_paired_2x2": (paired_difference, "newcombe", 1e-10),
    "Wald_CI_BonettPrice_paired_2x2": (paired_difference, "bonett-price", 1e-10),
    "Wald_CI_AgrestiMin_paired_2x2": (paired_difference, "agresti-min", 1e-10),
    "Wald_CI_diff_paired_2x2": (paired_difference, "wald", 1e-10),
    "Wald_CI_diff_CC_paired_2x2": (paired_difference, "wald-cc", 1e-10),
    "Tang_asymptotic_score_CI_paired_2x2": (paired_ratio, "tang", 1e-9),
    "BonettPrice_hybrid_Wilson_score_CI_paired_2x2": (paired_ratio, "bonett-price", 1e-10),
    "BonettPrice_hybrid_Wilson_score_CI_CC_paired_2x2": (paired_ratio, "bonett-price-cc", 1e-10),
    "MOVER_Wilson_score_CI_paired_2x2": (paired_ratio, "mover", 1e-10),
    "Wald_CI_ratio_paired_2x2": (paired_ratio, "log", 1e-10),
    "Transformed_Wilson_score_CI_paired_2x2": (paired_odds_ratio, "wilson", 1e-10),
    "Transformed_Clopper_Pearson_exact_CI_paired_2x2": (paired_odds_ratio, "exact", 1e-9),
    "Transformed_Clopper_Pearson_midP_CI_paired_2x2": (paired_odds_ratio, "mid-p", 1e-9),
    "Wald_CI_OR_paired_2x2": (paired_odds_ratio, "log", 1e-10),
}
MEASURES = [(measure, method) for measure, method, _ in R_NAMES.values()]
RATESCI = {
    "RD/Score/skewFALSE/bcfFALSE": (paired_difference, "tango", 1e-10),
    "RR/Score/skewFALSE/bcfFALSE": (paired_ratio, "tang", 1e-10),
    "RD/MOVER_newc/wilson": (paired_difference, "newcombe", 1e-6),
    "RR/MOVER/wilson": (paired_ratio, "mover", 1e-6),
    "RD/BP": (paired_difference, "bonett-price", 1e-6),
    "OR/midp": (paired_odds_ratio, "mid-p", 1e-6),
    "OR/wilson": (paired_odds_ratio, "wilson", 1e-6),
}
TESTS = {
    "McNemar_asymptotic_test_paired_2x2": "asymptotic",
    "McNemar_asymptotic_test_CC_paired_2x2": "asymptotic-corrected",
    "McNemar_exact_cond_test_paired_2x2": "exact",
    "McNemar_midP_test_paired_2x2": "mid-p",
}
# As many of either kind: the package squares -1, and its corrected interval is the narrower one.
SQUARED = [f"Wald_CI_diff_CC_paired_2x2/{cells}/a0.05" for cells in ("10_1_1_8", "7_3_3_7")]
COUNTS = st.integers(0, 60)
Z = stats.norm.ppf(0.975)


def _table(record):
    given_ = record["inputs"]
    if "tab" in given_:
        cells = [cell for row in given_["tab"]["rows"] for cell in row]
    else:
        cells = given_["x"] if "x" in given_ else [given_[name] for name in "abcd"]
    return _paired(*cells)


def _paired(a, b, c, d):
    return PairedTable(both=a, exposed_only=b, control_only=c, neither=d)


def _null(estimate):
    return 0.0 if estimate.measure == "RD" else 1.0


@pytest.mark.parametrize(
    "record",
    [r for name in R_NAMES for r in records("contingencytables", f"{name}/") if r["id"] not in SQUARED],
    ids=identifier,
)
def test_intervals_equal_contingencytables(record):
    measure, method, rel = R_NAMES[record["id"].split("/")[0]]
    expected = record["outputs"]
    estimate = measure(_table(record), method=method, confidence_level=1 - record["inputs"]["alpha"])
    limits = number(expected["lower"]), number(expected["upper"])
    if method == "wilson" and np.isnan(limits).all():
        # No discordant pair: R has 0/0, nothing is known of the odds.
        limits = 0.0, np.inf
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(limits, rel=rel, abs=1e-13)
    np.testing.assert_allclose(estimate.value, number(expected["estimate"]), rtol=1e-12)


@pytest.mark.parametrize("start", SQUARED)
def test_no_correction_narrows_an_interval(start):
    (record,) = records("contingencytables", start)
    table = _table(record)
    corrected, plain = (paired_difference(table, method=method) for method in ("wald-cc", "wald"))
    assert (corrected.low, corrected.high) == (plain.low, plain.high)
    pairs, discordant = float(table.pairs), float(table.exposed_only + table.control_only)
    half = Z * np.sqrt(discordant - 1 / pairs) / pairs
    assert number(record["outputs"]["upper"]) == pytest.approx(half, rel=1e-10)
    assert half < plain.high


@pytest.mark.parametrize(
    "record",
    records("ratesci", "pairbinci", keep=lambda r: r["id"].split("/", 2)[2] in RATESCI),
    ids=identifier,
)
def test_intervals_equal_ratesci(record):
    measure, method, tolerance = RATESCI[record["id"].split("/", 2)[2]]
    expected = record["outputs"]["estimates"]
    estimate = measure(_table(record), method=method)
    limits = number(expected["lower"]), number(expected["upper"])
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(limits, rel=tolerance, abs=tolerance)
    if "pval" in record["outputs"]:
        assert float(estimate.pvalue) == pytest.approx(record["outputs"]["pval"]["pval2sided"], rel=1e-9)


@pytest.mark.parametrize(
    "record",
    [record for name in TESTS for record in records("contingencytables", f"{name}/")],
    ids=identifier,
)
def test_mcnemar_equals_contingencytables(record):
    method, table = TESTS[record["id"].split("/")[0]], _table(record)
    pvalue = float(mcnemar_test(table, method=method).pvalue)
    if table.exposed_only == table.control_only and method in {"mid-p", "asymptotic-corrected"}:
        # As many of either kind is no evidence: here 1, as R's own mcnemar.test. There the mid-P value is 1
        # less half of the probability, and the correction turns no difference into -1.
        assert pvalue == 1
    else:
        expected = record["outputs"].get("Pvalue", record["outputs"].get("midP"))
        assert pvalue == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("record", records("G_base", "mcnemar"), ids=identifier)
def test_mcnemar_equals_base_r(record):
    if "exact" in record["id"]:
        method = "exact"
    else:
        method = "asymptotic-corrected" if record["id"].endswith("TRUE") else "asymptotic"
    test = mcnemar_test(_table(record), method=method)
    expected = number(record["outputs"]["p.value"])
    if np.isnan(expected):  # no discordant pair: R divides 0 by 0
        expected = 1.0
    assert float(test.pvalue) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    if method != "exact" and expected < 1:
        assert float(test.statistic) ** 2 == pytest.approx(number(record["outputs"]["statistic"]), rel=1e-12)


# Limits put back.


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@given(b=COUNTS, c=COUNTS, level=st.floats(0.3, 0.999))
def test_odds_limits_put_back_give_half_of_alpha(method, b, c, level):
    estimate = paired_odds_ratio(_paired(3, b, c, 4), method=method, confidence_level=level)
    half, tail = (0.5 if method == "mid-p" else 0.0), (1 - level) / 2
    if b > 0:
        p = estimate.low / (1 + estimate.low)
        assert stats.binom.sf(b - 1, b + c, p) - half * stats.binom.pmf(b, b + c, p) == pytest.approx(
            tail, rel=1e-7
        )
    if c > 0:
        p = estimate.high / (1 + estimate.high)
        assert stats.binom.cdf(b, b + c, p) - half * stats.binom.pmf(b, b + c, p) == pytest.approx(
            tail, rel=1e-7
        )


@given(b=st.integers(1, 200), c=st.integers(1, 200))
def test_wilson_limits_put_back_give_the_quantile(b, c):
    estimate = paired_odds_ratio(_paired(0, b, c, 0))
    for limit, sign in ((estimate.low, 1), (estimate.high, -1)):
        p = limit / (1 + limit)
        z = (b - (b + c) * p) / np.sqrt((b + c) * p * (1 - p))
        assert z == pytest.approx(sign * Z, rel=1e-9)


def _maximum(likelihood, low, high):
    """Return where a likelihood with one top is largest, by golden section."""
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(120):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (left, high) if likelihood(left) < likelihood(right) else (low, right)
    return (low + high) / 2


@pytest.mark.parametrize(("a", "b", "c", "d"), [(1, 1, 7, 12), (59, 6, 16, 80), (3, 8, 1, 9), (7, 3, 3, 7)])
def test_tango_limits_put_back_give_the_quantile(a, b, c, d):
    # The restricted likelihood is maximised by search, which shares nothing with the closed root.
    n = a + b + c + d
    estimate = paired_difference(_paired(a, b, c, d))
    for limit, sign in ((float(estimate.low), 1), (float(estimate.high), -1)):

        def likelihood(q, limit=limit):
            return b * np.log(q + limit) + c * np.log(q) + (a + d) * np.log(1 - 2 * q - limit)

        q = _maximum(likelihood, max(0, -limit) + 1e-12, (1 - limit) / 2 - 1e-12)
        variance = (2 * q + limit - limit**2) / n
        assert ((b - c) / n - limit) / np.sqrt(variance) == pytest.approx(sign * Z, rel=1e-6)


@pytest.mark.parametrize(("a", "b", "c", "d"), [(1, 1, 7, 12), (59, 6, 16, 80), (3, 8, 1, 9), (7, 3, 3, 7)])
def test_tang_limits_put_back_give_the_quantile(a, b, c, d):
    n, cases = a + b + c + d, a + b + c
    estimate = paired_ratio(_paired(a, b, c, d))
    for limit, sign in ((float(estimate.low), 1), (float(estimate.high), -1)):
        # Shares under the ratio r: b' = r c' + (r - 1) a', and a' + b' + c' = cases / n.
        def shares(q, limit=limit):
            both = (cases / n - (1 + limit) * q) / limit
            return both, limit * q + (limit - 1) * both, q

        def likelihood(q, shares=shares):
            return sum(
                count * np.log(max(share, 1e-300)) for count, share in zip((a, b, c), shares(q), strict=True)
            )

        most = cases / n / (1 + limit)
        least = max(0.0, (1 - limit) * cases / n)  # where b' would be 0
        q = _maximum(likelihood, least, most)
        _, p12, p21 = shares(q)
        z = (a + b - limit * (a + c)) / np.sqrt(n * limit * (p12 + p21))
        assert z == pytest.approx(sign * Z, rel=1e-6)


# Every measure.


@pytest.mark.parametrize(("measure", "method"), MEASURES)
@given(a=COUNTS, b=COUNTS, c=COUNTS, d=COUNTS)
def test_swapping_inverts_and_the_interval_holds_the_estimate(measure, method, a, b, c, d):
    narrow, wide = (
        measure(_paired(a, b, c, d), method=method, confidence_level=level) for level in (0.8, 0.99)
    )
    slack = 1e-12
    assert wide.low <= narrow.low + slack
    assert narrow.low <= narrow.high
    assert narrow.high <= wide.high + slack
    if not np.isnan(narrow.value) and method not in {"bonett-price", "agresti-min"}:
        assert narrow.low <= narrow.value <= narrow.high
    turned = measure(_paired(a, c, b, d), method=method, confidence_level=0.8)
    with np.errstate(divide="ignore"):
        mirror = -narrow.high if _null(narrow) == 0 else 1 / narrow.high
    assert float(turned.low) == pytest.approx(float(mirror), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(turned.pvalue, narrow.pvalue, rtol=1e-9)


@pytest.mark.parametrize(("measure", "method"), MEASURES)
@given(a=COUNTS, b=COUNTS, c=COUNTS, d=COUNTS)
def test_an_interval_at_the_level_of_its_pvalue_touches_the_null(measure, method, a, b, c, d):
    table = _paired(a, b, c, d)
    estimate = measure(table, method=method)
    pvalue, null = float(estimate.pvalue), _null(estimate)
    if np.isnan(pvalue):
        return
    if abs(pvalue - 0.05) > 1e-9:
        assert (estimate.low <= null <= estimate.high) == (pvalue > 0.05)
    if 1e-10 < pvalue < 1 - 1e-6:
        at = measure(table, method=method, confidence_level=1 - pvalue)
        nearest = min((at.low, at.high), key=lambda limit: abs(limit - null))
        assert float(nearest) == pytest.approx(null, abs=1e-6)


@pytest.mark.parametrize(("measure", "method"), MEASURES)
def test_a_batch_equals_a_loop(measure, method):
    cells = np.random.default_rng(8).poisson(2, (4, 5, 8))
    batch = measure(_paired(*cells), method=method)
    assert batch.shape == (5, 8)
    for i, j in np.ndindex(5, 8):
        one = measure(_paired(*cells[:, i, j]), method=method)
        assert one.shape == ()
        for name in ("value", "low", "high", "pvalue"):
            np.testing.assert_allclose(getattr(batch, name)[i, j], getattr(one, name), rtol=1e-12)


@pytest.mark.parametrize(("measure", "method"), MEASURES)
def test_empty_cells(measure, method):
    # No exposed case, no control case, no discordant pair, no case, all pairs of one kind, no pair at all.
    table = _paired([0, 0, 5, 0, 0, 0], [0, 4, 0, 0, 9, 0], [4, 0, 0, 0, 0, 0], [6, 6, 5, 9, 0, 0])
    estimate = measure(table, method=method)
    assert not np.isnan(estimate.low).any()
    assert not np.isnan(estimate.high).any()
    assert (estimate.low <= estimate.high).all()
    if estimate.measure == "RD":
        np.testing.assert_array_equal(estimate.value, [-0.4, 0.4, 0, 0, 1, np.nan])
        assert (estimate.low[5], estimate.high[5]) == (-1, 1)
        assert (estimate.high[4] == 1) or method in {"bonett-price", "agresti-min"}
        if method in {"wald", "wald-cc"}:
            assert (estimate.low[3], estimate.high[3]) == (0, 0)
        else:
            assert estimate.low[3] < 0 < estimate.high[3]
    else:
        both = 1 if estimate.measure == "RR" else np.nan
        np.testing.assert_array_equal(estimate.value, [0, np.inf, both, np.nan, np.inf, np.nan])
        np.testing.assert_array_equal(estimate.low[[0, 3, 5]], 0)
        np.testing.assert_array_equal(estimate.high[[1, 3, 4, 5]], np.inf)


@pytest.mark.parametrize("method", [*TESTS.values(), "exact-unconditional"])
def test_no_discordant_pair_is_no_evidence(method):
    test = mcnemar_test(_paired(3, [0, 4], [0, 4], 2), method=method)
    assert test.pvalue.tolist() == [1, 1]
    assert test.shape == (2,)
    assert list(test.to_frame().columns) == ["statistic", "pvalue", "method"]


def test_score_intervals_and_mcnemar_cannot_disagree():
    cells = np.random.default_rng(4).poisson(6, (4, 500))
    table = _paired(*cells)
    pvalue = mcnemar_test(table).pvalue
    for measure in (paired_odds_ratio, paired_difference, paired_ratio):
        estimate = measure(table)
        np.testing.assert_array_equal(estimate.pvalue, pvalue)
        null = _null(estimate)
        np.testing.assert_array_equal((estimate.low > null) | (estimate.high < null), pvalue < 0.05)


@pytest.mark.parametrize(("measure", "method"), MEASURES)
def test_very_many_pairs_give_wald(measure, method):
    table = _paired(10**9, 10**8 + 20000, 10**8, 10**9)
    estimate = measure(table, method=method)
    expected = measure(table, method="wald" if estimate.measure == "RD" else "log")
    for name in ("low", "high"):
        assert float(getattr(estimate, name)) == pytest.approx(float(getattr(expected, name)), abs=2e-8)
    assert float(estimate.pvalue) == pytest.approx(float(expected.pvalue), rel=2e-3)


def test_score_limits_where_the_variance_is_zero_at_the_estimate():
    # No discordant pair, then all pairs of one kind: closed forms, also of more pairs than 1 / epsilon.
    n = np.array([7.0, 1e9, 1e15])
    same = paired_difference(_paired(0, 0, 0, n))
    np.testing.assert_allclose(same.high, Z**2 / (n + Z**2), rtol=1e-12)
    one_kind = paired_difference(_paired(0, 0, n, 0))
    np.testing.assert_array_equal(one_kind.low, -1)
    np.testing.assert_allclose(1 + one_kind.high, 2 * Z**2 / (n + Z**2), atol=3e-16, rtol=1e-6)
    np.testing.assert_allclose(paired_ratio(_paired(n, 0, 0, 5)).high, 1 + Z**2 / n, rtol=1e-15)
    np.testing.assert_allclose(paired_ratio(_paired(0, 0, n, 5)).high, Z**2 / n, rtol=1e-12)


def test_pairs_are_checked_and_described():
    table = _paired(1, 1, 7, 12)
    assert (table.pairs, table.exposed_cases, table.control_cases) == (21, 2, 8)
    assert repr(table) == "PairedTable(both 1, exposed only 1, control only 7, neither 12)"
    many = _paired([[1, 2, 3]], [[1], [2]], 3, 4)
    assert many.shape == (2, 3)
    assert repr(many[0]) == "PairedTable(shape=(3,))"
    assert many.collapse().control_only.tolist() == [9, 9]
    assert list(many.to_frame().columns) == ["both", "exposed_only", "control_only", "neither"]
    with pytest.raises(ValueError, match="read-only"):
        table.both[...] = 3
    with pytest.raises(AttributeError):
        table.both = 3
    with pytest.raises(TypeError):
        PairedTable(1, 1, 7, 12)
    with pytest.raises(ValueError, match="`control_only` must be a whole number of at least 0, but got -7"):
        _paired(1, 1, -7, 12)
    with pytest.raises(TypeError, match="`both` must be numbers, but got text"):
        _paired("1", 1, 7, 12)
    with pytest.raises(ValueError, match=r"shapes must broadcast .* `neither` \(2,\)"):
        _paired([1, 2, 3], 1, 7, [12, 13])


def test_options_are_checked():
    table = _paired(1, 1, 7, 12)
    with pytest.raises(ValueError, match="`method` must be one of 'wilson', .* but got 'mcnemar'"):
        paired_odds_ratio(table, method="mcnemar")
    with pytest.raises(ValueError, match="`method` must be one of 'tango', .* Did you mean 'tango'"):
        paired_difference(table, method="tang")
    with pytest.raises(ValueError, match="`method` must be one of 'tang', .* Did you mean 'tang'"):
        paired_ratio(table, method="tango")
    with pytest.raises(ValueError, match="`method` must be one of 'asymptotic', .* but got 'midp'"):
        mcnemar_test(table, method="midp")
    with pytest.raises(ValueError, match="For 95 % write 0.95"):
        paired_ratio(table, confidence_level=95)
