"""Every interval of a 2x2 table: against R, by putting its limits back, and over empty cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import TwoByTwo, odds_ratio, risk_difference, risk_ratio
from analysis.measures.methods import conditional
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from reference_values import identifier, number, records

ALL = [
    *[(risk_ratio, method) for method in RISK_RATIO],
    *[(odds_ratio, method) for method in ODDS_RATIO],
    *[(risk_difference, method) for method in RISK_DIFFERENCE],
]
EVERY = pytest.mark.parametrize(("measure", "method"), ALL, ids=lambda item: getattr(item, "__name__", item))
CONTINGENCY = {
    "Adjusted_log_CI_2x2": (risk_ratio, "adjusted-log"),
    "PriceBonett_approximate_Bayes_CI_2x2": (risk_ratio, "price-bonett"),
    "Adjusted_inv_sinh_CI_ratio_2x2": (risk_ratio, "adjusted-inverse-sinh"),
    "Inv_sinh_CI_ratio_2x2": (risk_ratio, "inverse-sinh"),
    "MOVER_R_Wilson_CI_ratio_2x2": (risk_ratio, "mover-wilson"),
    "Koopman_asymptotic_score_CI_2x2": (risk_ratio, "koopman"),
    "MiettinenNurminen_asymptotic_score_CI_ratio_2x2": (risk_ratio, "miettinen-nurminen"),
    "Gart_adjusted_logit_CI_2x2": (odds_ratio, "gart"),
    "Independence_smoothed_logit_CI_2x2": (odds_ratio, "independence-smoothed"),
    "Inv_sinh_CI_OR_2x2": (odds_ratio, "inverse-sinh"),
    "Adjusted_inv_sinh_CI_OR_2x2": (odds_ratio, "adjusted-inverse-sinh"),
    "Uncorrected_asymptotic_score_CI_2x2": (odds_ratio, "score"),
    "MiettinenNurminen_asymptotic_score_CI_OR_2x2": (odds_ratio, "miettinen-nurminen"),
    "Cornfield_exact_conditional_CI_2x2": (odds_ratio, "exact"),
    "Cornfield_midP_CI_2x2": (odds_ratio, "mid-p"),
    "BaptistaPike_exact_conditional_CI_2x2": (odds_ratio, "baptista-pike"),
    "BaptistaPike_midP_CI_2x2": (odds_ratio, "baptista-pike-mid-p"),
    "AgrestiCaffo_CI_2x2": (risk_difference, "agresti-caffo"),
    "Wald_CI_CC_2x2": (risk_difference, "wald-cc"),
    "Newcombe_hybrid_score_CI_2x2": (risk_difference, "newcombe"),
    "Mee_asymptotic_score_CI_2x2": (risk_difference, "mee"),
    "MiettinenNurminen_asymptotic_score_CI_difference_2x2": (risk_difference, "miettinen-nurminen"),
}
OWN = {"rr_score": risk_ratio, "or_score": odds_ratio, "rd_score": risk_difference}
# Both cells of one diagonal empty: the package fills one of them, here nothing is known.
FILLED = "Inv_sinh_CI_OR_2x2/6_0_0_5/a0.05"


def _table(a, b, c, d):
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


def _agrees(estimate, low, high, rel):
    for ours, theirs, end in ((estimate.low, number(low), 0), (estimate.high, number(high), np.inf)):
        # A package's NaN is no knowledge, which here is the end of the scale.
        expected = end if np.isnan(theirs) else theirs
        assert float(ours) == pytest.approx(expected, rel=rel, abs=1e-13)


@pytest.mark.parametrize(
    "record",
    [r for name in CONTINGENCY for r in records("contingencytables", f"{name}/") if r["id"] != FILLED],
    ids=identifier,
)
def test_intervals_equal_contingencytables(record):
    measure, method = CONTINGENCY[record["id"].split("/")[0]]
    (a, b), (c, d) = record["inputs"]["tab"]["rows"]
    estimate = measure(_table(a, b, c, d), method=method, confidence_level=1 - record["inputs"]["alpha"])
    _agrees(estimate, record["outputs"]["lower"], record["outputs"]["upper"], 1e-9)


@pytest.mark.parametrize(
    "record",
    [r for name in OWN for r in records("E3_score_own", f"{name}/")] + records("E3_score_own", "or_midp/"),
    ids=identifier,
)
def test_score_and_mid_p_equal_high_precision_values(record):
    kind, *rest = record["id"].split("/")
    cells = [record["inputs"][name] for name in "abcd"]
    expected = record["outputs"]
    if kind == "or_midp":
        estimate = odds_ratio(_table(*cells), method="mid-p", confidence_level=float(rest[0]))
    else:
        plain = {"rr_score": "koopman", "or_score": "score", "rd_score": "mee"}[kind]
        method = "miettinen-nurminen" if rest[0] == "TRUE" else plain
        estimate = OWN[kind](_table(*cells), method=method, confidence_level=float(rest[1]))
    # The cubic of the risk difference loses digits in R where both risks are of the order 1e-5.
    rel = 1e-7 if kind == "rd_score" and record["id"].endswith("rare_events_large_arms") else 1e-10
    _agrees(estimate, expected["lower"], expected["upper"], rel)


@pytest.mark.parametrize(
    "record",
    records(
        "G_base", "fisher.test", keep=lambda r: r["id"].endswith("two.sided") and "conf.int" in r["outputs"]
    ),
    ids=identifier,
)
def test_exact_limits_and_conditional_estimate_equal_fisher_test(record):
    inputs, expected = record["inputs"], record["outputs"]
    cells = [inputs[name] for name in "abcd"]
    if max(cells) > 10**6:
        pytest.skip("R sums the whole support there and loses digits; the high-precision values cover it")
    estimate = odds_ratio(_table(*cells), method="conditional-exact")
    if np.isnan(estimate.value):  # an empty margin: R prints 0, which no table speaks for
        assert number(expected["estimate"]) == 0
        return
    # R searches below 1 for the ratio and above 1 for its inverse, to 1.2e-4 absolute.
    pairs = zip(
        (estimate.value, estimate.low, estimate.high),
        (expected["estimate"], *expected["conf.int"]),
        strict=True,
    )
    for ours, theirs in pairs:
        one, other = float(ours), number(theirs)
        assert min(one, 1 / one if one else 0) == pytest.approx(
            min(other, 1 / other if other else 0), abs=1.3e-4
        )
        assert (one > 1) == (other > 1) or abs(one - other) < 3e-4


cells_ = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda x: x[0] + x[1] > 0 and x[2] + x[3] > 0)


@given(cells=cells_, level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_exact_limits_put_back_give_the_tails(cells, level):
    a, b, c, d = cells
    support = (a + b + c + d, a + b, a + c)
    for method, share in (("exact", 1.0), ("mid-p", 0.5)):
        estimate = odds_ratio(_table(*cells), method=method, confidence_level=level)
        if estimate.low > 0:
            law = stats.nchypergeom_fisher(*support, float(estimate.low))
            tail = law.sf(a) + share * law.pmf(a)
            assert tail == pytest.approx((1 - level) / 2, rel=1e-7)
        if estimate.high < np.inf:
            law = stats.nchypergeom_fisher(*support, float(estimate.high))
            tail = law.cdf(a) - (1 - share) * law.pmf(a)
            assert tail == pytest.approx((1 - level) / 2, rel=1e-7)


@given(cells=cells_)
def test_conditional_estimate_expects_the_observed_table(cells):
    a, b, c, d = cells
    estimate = float(odds_ratio(_table(*cells), method="conditional-exact").value)
    if 0 < estimate < np.inf:
        law = stats.nchypergeom_fisher(a + b + c + d, a + b, a + c, estimate)
        assert law.mean() == pytest.approx(a, rel=1e-7)


@given(cells=cells_, level=st.sampled_from([0.9, 0.95]))
def test_baptista_pike_is_the_hull_of_what_is_acceptable(cells, level):
    estimate = odds_ratio(_table(*cells), method="baptista-pike", confidence_level=level)
    for limit, outward in ((float(estimate.low), -1), (float(estimate.high), 1)):
        if not 0 < limit < np.inf:
            continue
        # Just inside something is acceptable, and nothing is from there outward.
        inside = limit * np.exp(-outward * 1e-6)
        assert _acceptability(cells, inside) > 1 - level - 1e-5
        for step in np.geomspace(1e-6, 3, 60):
            assert _acceptability(cells, limit * np.exp(outward * step)) <= 1 - level + 1e-9


def _acceptability(cells, ratio):
    a, b, c, d = cells
    law = stats.nchypergeom_fisher(a + b + c + d, a + b, a + c, ratio)
    probabilities = law.pmf(np.arange(max(0, a - d), min(a + b, a + c) + 1))
    return probabilities[probabilities <= law.pmf(a) * (1 + 1e-7)].sum()


def test_a_wide_table_walks_to_the_same_limit(monkeypatch):
    cells = np.random.default_rng(1).integers(150, 600, (4, 12)).astype(float)
    short = conditional.baptista_pike_limits(*cells, 0.95, mid=False)
    monkeypatch.setattr(conditional, "_WIDE", 10**9)
    whole = conditional.baptista_pike_limits(*cells, 0.95, mid=False)
    np.testing.assert_array_equal(short, whole)


@given(cells=st.tuples(*[st.integers(1, 3000)] * 4), level=st.sampled_from([0.9, 0.95, 0.99]))
def test_score_limits_put_back_give_the_quantile(cells, level):
    critical = stats.norm.ppf((1 + level) / 2)
    for measure, method in ((risk_ratio, "koopman"), (odds_ratio, "score"), (risk_difference, "mee")):
        estimate = measure(_table(*cells), method=method, confidence_level=level)
        for limit in (float(estimate.low), float(estimate.high)):
            # The numerical search of the likelihood has about five digits near its ends.
            assert abs(_score(cells, limit, measure)) == pytest.approx(critical, rel=1e-4)


@given(cells=st.tuples(*[st.integers(1, 400)] * 4), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_skewness_corrected_limits_put_back_give_the_quantile(cells, level):
    critical = stats.norm.ppf((1 + level) / 2)
    for measure in (risk_ratio, odds_ratio, risk_difference):
        estimate = measure(_table(*cells), method="skewness-corrected", confidence_level=level)
        for limit, sign in ((float(estimate.low), 1), (float(estimate.high), -1)):
            if limit in {0, np.inf, -1, 1}:  # short of the quantile to the end of the scale
                continue
            # The score is the deviate and what skewness adds to it, with the root at hand put in.
            z = sign * critical
            score, skewness = _moments(cells, limit, measure)
            assert score == pytest.approx(z + (z**2 - 1) * skewness / 6, rel=3e-4, abs=3e-4)
            assert 1 + z * skewness / 3 > 0


def _moments(cells, value, measure):
    """Return the standardized score, corrected for bias, and its skewness, from their definitions."""
    a, b, c, d = cells
    n1, n0 = a + b, c + d
    p1, p0 = _restricted(cells, value, measure)
    v1, v0 = p1 * (1 - p1) / n1, p0 * (1 - p0) / n0
    third1, third0 = v1 * (1 - 2 * p1) / n1, v0 * (1 - 2 * p0) / n0
    # The score is a sum of both proportions with these weights.
    weights = {risk_ratio: (1, value), risk_difference: (1, 1), odds_ratio: (1 / n1 / v1, 1 / n0 / v0)}
    w1, w0 = weights[measure]
    score = w1 * (a / n1 - p1) - w0 * (c / n0 - p0)
    if measure is odds_ratio:
        score -= (p1 - p0) / (n1**2 * v1 + n0**2 * v0)
    variance = (w1**2 * v1 + w0**2 * v0) * (n1 + n0) / (n1 + n0 - 1)
    return score / np.sqrt(variance), (w1**3 * third1 - w0**3 * third0) / variance**1.5


def test_mover_of_the_odds_ratio_is_woolfs_in_large_samples():
    large = _table(120_000_000, 380_000_000, 90_000_000, 410_000_000)
    mover, woolf = (odds_ratio(large, method=method) for method in ("mover-wilson", "woolf"))
    assert np.log(mover.high / mover.low) == pytest.approx(np.log(woolf.high / woolf.low), rel=1e-6)
    # contingencytables' interval of this name holds 1 where each of ours has a P-value of 0.02.
    (record,) = records("contingencytables", "MOVER_R_Wilson_CI_OR_2x2/120_380_90_410/a0.05")
    assert number(record["outputs"]["lower"]) < 1
    table = _table(120, 380, 90, 410)
    assert all(0.01 < odds_ratio(table, method=method).pvalue < 0.03 for method in ODDS_RATIO)


def _score(cells, value, measure):
    """Return the score statistic by a numerical search of the restricted likelihood: independent."""
    a, b, c, d = cells
    n1, n0 = a + b, c + d
    p1, p0 = _restricted(cells, value, measure)
    if measure is risk_ratio:
        return (a / n1 - value * c / n0) / np.sqrt(p1 * (1 - p1) / n1 + value**2 * p0 * (1 - p0) / n0)
    if measure is risk_difference:
        return (a / n1 - c / n0 - value) / np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return (a - n1 * p1) * np.sqrt(1 / (n1 * p1 * (1 - p1)) + 1 / (n0 * p0 * (1 - p0)))


def _restricted(cells, value, measure):
    """Return the proportions of largest likelihood under a value of the measure, by a numerical search."""
    from scipy.optimize import minimize_scalar

    a, b, c, d = cells

    def first(p0):
        if measure is risk_ratio:
            return value * p0
        return p0 + value if measure is risk_difference else value * p0 / (1 - p0 + value * p0)

    low, high = 1e-12, 1 - 1e-12
    if measure is risk_ratio:
        high = min(high, (1 - 1e-12) / value)
    if measure is risk_difference:
        low, high = max(low, 1e-12 - value), min(high, 1 - 1e-12 - value)

    def loss(p0):
        p1 = first(p0)
        return -(a * np.log(p1) + b * np.log1p(-p1) + c * np.log(p0) + d * np.log1p(-p0))

    p0 = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    return first(p0), p0


@EVERY
@given(cells=st.tuples(*[st.integers(0, 60)] * 4), level=st.sampled_from([0.8, 0.95]))
def test_interval_and_pvalue_cannot_disagree(measure, method, cells, level):
    estimate = measure(_table(*cells), method=method, confidence_level=level)
    if np.isnan(estimate.pvalue):
        return
    null = 0 if measure is risk_difference else 1
    inside = estimate.low <= null <= estimate.high
    # At a distance from the boundary between the two: limits and P-values have 13 digits, not all.
    if abs(float(estimate.pvalue) - (1 - level)) > 1e-9:
        if method.startswith("baptista"):  # the hull can hold a null that is not itself acceptable
            assert inside or estimate.pvalue <= 1 - level
        else:
            assert inside == (estimate.pvalue > 1 - level)


@EVERY
@given(cells=st.tuples(*[st.integers(0, 60)] * 4))
def test_intervals_are_ordered_widen_and_hold_the_value(measure, method, cells):
    wide, narrow = (measure(_table(*cells), method=method, confidence_level=level) for level in (0.99, 0.9))
    slack = 1 if measure is risk_difference else 1 + 1e-9
    assert wide.low <= narrow.low * slack + 1e-12
    assert narrow.low <= narrow.high * slack + 1e-12
    assert narrow.high <= wide.high * slack + 1e-12
    # Agresti and Caffo's interval is not around the sample difference, and can miss it at the ends.
    if not np.isnan(wide.value) and method != "agresti-caffo":
        assert wide.low <= wide.value * slack + 1e-12
        assert wide.value <= wide.high * slack + 1e-12


@EVERY
@given(cells=st.tuples(*[st.integers(0, 60)] * 4))
def test_swapping_groups_turns_the_interval_round(measure, method, cells):
    a, b, c, d = cells
    one, other = measure(_table(a, b, c, d), method=method), measure(_table(c, d, a, b), method=method)
    if measure is risk_difference:
        assert float(one.low) == pytest.approx(-float(other.high), abs=1e-11)
    elif one.low > 0:
        assert float(one.low) == pytest.approx(1 / float(other.high), rel=1e-9)
    assert float(one.pvalue) == pytest.approx(float(other.pvalue), rel=1e-7, abs=1e-12, nan_ok=True)


@EVERY
def test_a_batch_equals_a_loop_over_empty_cells_too(measure, method):
    cells = np.random.default_rng(7).integers(0, 6, (4, 80))
    batch = measure(_table(*cells.reshape(4, 8, 10)), method=method)
    assert batch.value.shape == (8, 10)
    for position in range(80):
        one = measure(_table(*cells[:, position]), method=method)
        for name in ("value", "low", "high", "pvalue"):
            np.testing.assert_allclose(
                getattr(batch, name).ravel()[position], getattr(one, name), rtol=1e-11, atol=1e-13
            )


@EVERY
def test_huge_counts(measure, method):
    estimate = measure(_table(10**8, 3 * 10**8, 10**8, 5 * 10**8), method=method)
    value = {risk_ratio: 1.5, odds_ratio: 5 / 3, risk_difference: 0.25 - 1 / 6}[measure]
    assert estimate.value == pytest.approx(value, rel=1e-7)
    assert 0 < estimate.high - estimate.low < 2e-3
    assert estimate.pvalue < 1e-300


@EVERY
def test_empty_arms_bound_nothing(measure, method):
    estimate = measure(_table(0, 0, 5, 15), method=method)
    ends = (-1, 1) if measure is risk_difference else (0, np.inf)
    if method not in {
        "gart",
        "adjusted-log",
        "price-bonett",
        "adjusted-inverse-sinh",
    }:  # these add half a person to the empty arm
        assert (estimate.low, estimate.high) == ends
        assert np.isnan(estimate.value)


def test_score_limits_where_others_raise():
    # statsmodels raises for 0/20 v 5/20, and for 3/20 v 9/25 (bracketing); Miettinen-Nurminen is
    # (-0.4432, 0.0568) for the second.
    zero = _table(0, 20, 5, 15)
    for measure, method in ((risk_difference, "miettinen-nurminen"), (odds_ratio, "score")):
        estimate = measure(zero, method=method)
        assert np.isfinite([estimate.low, estimate.high]).all()
    second = risk_difference(_table(3, 17, 9, 16), method="miettinen-nurminen")
    assert [float(second.low), float(second.high)] == pytest.approx([-0.4432, 0.0568], abs=5e-5)


def test_published_baptista_pike():
    # 2/14 v 1/11: exact (0.1127829, 53.0112493), mid-P (0.1705386, 26.2911963).
    table = TwoByTwo(exposed_cases=2, exposed_total=14, control_cases=1, control_total=11)
    exact, mid = (odds_ratio(table, method=name) for name in ("baptista-pike", "baptista-pike-mid-p"))
    assert [float(exact.low), float(exact.high)] == pytest.approx([0.1127829, 53.0112493], rel=1e-6)
    assert [float(mid.low), float(mid.high)] == pytest.approx([0.1705386, 26.2911963], rel=1e-6)


def test_exact_methods_take_no_correction():
    with pytest.raises(ValueError, match="`correction` must be None for 'mid-p'"):
        odds_ratio(_table(1, 2, 3, 4), method="mid-p", correction=0.5)


class TestBootstrap:
    TABLE = _table(30, 70, 45, 55)

    def test_percentiles_of_resampled_counts(self):
        estimate = risk_ratio(self.TABLE, method="bootstrap", rng=1, draws=40_000)
        closed = risk_ratio(self.TABLE)
        assert float(estimate.low) == pytest.approx(float(closed.low), rel=0.05)
        assert float(estimate.high) == pytest.approx(float(closed.high), rel=0.05)
        assert float(estimate.pvalue) == pytest.approx(float(closed.pvalue), abs=0.01)

    def test_a_seed_repeats_and_a_generator_goes_on(self):
        first, again = (risk_ratio(self.TABLE, method="bootstrap", rng=5, draws=500) for _ in range(2))
        assert first.low == again.low
        generator = np.random.default_rng(5)
        third = risk_ratio(self.TABLE, method="bootstrap", rng=generator, draws=500)
        fourth = risk_ratio(self.TABLE, method="bootstrap", rng=generator, draws=500)
        assert third.low == first.low
        assert fourth.low != third.low

    def test_arrays_and_empty_cells(self):
        table = _table([0, 0, 5, 0], [9, 9, 5, 0], [4, 0, 0, 3], [6, 9, 9, 5])
        estimate = risk_ratio(table, method="bootstrap", rng=2, draws=2000)
        assert estimate.low.tolist()[:2] == [0, 0]
        assert estimate.high[1] == np.inf
        assert np.isnan(estimate.pvalue).tolist() == [False, True, False, True]

    def test_draws_are_checked(self):
        with pytest.raises(ValueError, match="`draws` must be a whole number of at least 1, but got 0"):
            risk_ratio(self.TABLE, method="bootstrap", draws=0)
