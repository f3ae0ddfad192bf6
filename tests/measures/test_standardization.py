import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import Rate, TwoRates
from analysis.measures.rates import incidence_rate, rate_ratio
from analysis.measures.standardization import (
    indirectly_standardized_rate,
    standardized_rate,
    standardized_rate_ratio,
    standardized_ratio,
)
from reference_values import identifier, number, records

DIRECT = ["fay-feuer", "tiwari", "mid-p-gamma", "dobson", "dobson-byar", "log", "wald"]
INDIRECT = ["exact", "mid-p", "byar", "jeffreys", "score", "log", "wald"]
DOWN = {
    "events": [0, 8, 63, 112, 262, 295],
    "person_time": [0.00327, 0.30666, 1.23419, 1.49919, 1.04088, 0.34392],
}
STANDARD = [319933, 931318, 786511, 488235, 237863, 61313]
STRATA = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0.1, 50), st.floats(0.1, 50)), min_size=2, max_size=5
)


def _check(estimate, low, high, *, rel):
    assert float(estimate.low) == pytest.approx(number(low), rel=rel)
    assert float(estimate.high) == pytest.approx(number(high), rel=rel)


# Direct standardization.


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("fay-feuer", 67.70212, 188.30017), ("mid-p-gamma", 59.71632, 173.08170)],
)
def test_down_syndrome_at_birth_order_five(method, low, high):
    # Fay & Feuer 1997; mid-P: Fay & Kim 2017.
    estimate = standardized_rate(Rate(**DOWN), STANDARD, method=method)
    assert float(estimate.value) == pytest.approx(75.52901, abs=5e-6)
    # The printed mid-P limits come from a coarser search: 59.716334 and 173.081691 to eight digits.
    _check(estimate, low, high, rel=1e-6 if method == "mid-p-gamma" else 1e-7)


@pytest.mark.parametrize("record", records("F_epitools", "ageadjust.direct"), ids=identifier)
def test_fay_feuer_equals_epitools(record):
    given_, expected = record["inputs"], record["outputs"]
    estimate = standardized_rate(
        Rate(events=given_["count"], person_time=given_["pop"]),
        given_["stdpop"],
        confidence_level=float(record["id"].split("/")[-1]),
    )
    assert float(estimate.value) == pytest.approx(expected["adj.rate"], rel=1e-12)
    _check(estimate, expected["lci"], expected["uci"], rel=1e-10)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.directadj"), ids=identifier)
def test_fay_feuer_equals_epir_for_many_rates_at_once(record):
    given_, expected = record["inputs"], record["outputs"]["adj.strata"]
    rate = Rate(events=given_["obs"]["rows"], person_time=given_["tar"]["rows"])
    estimate = standardized_rate(rate, given_["std"], confidence_level=float(record["id"].split("/")[-1]))
    for ours, theirs in (("value", "est"), ("low", "lower"), ("high", "upper")):
        np.testing.assert_allclose(getattr(estimate, ours), expected[theirs], rtol=1e-10)


@pytest.mark.parametrize(
    ("method", "of_one"),
    [
        ("fay-feuer", "exact"),
        ("tiwari", "exact"),
        ("mid-p-gamma", "mid-p"),
        ("dobson", "exact"),
        ("dobson-byar", "byar"),
        ("log", "log"),
        ("wald", "wald"),
    ],
)
@given(events=st.integers(0, 500), time=st.floats(0.1, 100), level=st.floats(0.3, 0.999))
def test_one_stratum_is_the_rate(method, of_one, events, time, level):
    direct = standardized_rate(
        Rate(events=[events], person_time=[time]), [7], method=method, confidence_level=level
    )
    crude = incidence_rate(Rate(events=events, person_time=time), method=of_one, confidence_level=level)
    assert float(direct.value) == pytest.approx(float(crude.value), rel=1e-12)
    assert float(direct.low) == pytest.approx(float(crude.low), rel=1e-10)
    if events > 0 or not method.startswith("dobson"):
        assert float(direct.high) == pytest.approx(float(crude.high), rel=1e-10)


@given(strata=STRATA, level=st.floats(0.3, 0.999))
def test_gamma_limits_put_back_give_half_of_alpha(strata, level):
    x, t, standard = map(np.array, zip(*strata, strict=True))
    if x.sum() == 0:
        return
    rate, tail = Rate(events=x, person_time=t), (1 - level) / 2
    w = standard / standard.sum() / t
    y, v = (w * x).sum(), (w**2 * x).sum()

    def gamma(mean, variance):
        return stats.gamma(mean**2 / variance, scale=variance / mean)

    below, above = gamma(y, v), gamma(y + w.max(), v + w.max() ** 2)
    gentler = gamma(y + w.mean(), v + (w**2).mean())
    fay, tiwari, mid = (
        standardized_rate(rate, standard, method=method, confidence_level=level)
        for method in ("fay-feuer", "tiwari", "mid-p-gamma")
    )
    assert below.cdf(fay.low) == pytest.approx(tail, rel=1e-8)
    assert above.sf(fay.high) == pytest.approx(tail, rel=1e-8)
    assert tiwari.low == fay.low
    assert gentler.sf(tiwari.high) == pytest.approx(tail, rel=1e-8)
    assert (below.cdf(mid.low) + above.cdf(mid.low)) / 2 == pytest.approx(tail, rel=1e-8)
    assert (below.sf(mid.high) + above.sf(mid.high)) / 2 == pytest.approx(tail, rel=1e-8)


def test_dobson_and_normal_intervals_by_hand():
    rate = Rate(events=[8, 12, 40], person_time=[10200, 8300, 5100])
    w = np.array([0.45, 0.33, 0.22]) / rate.person_time
    y, v, x = (w * rate.events).sum(), (w**2 * rate.events).sum(), 60
    dobson = standardized_rate(rate, [45, 33, 22], method="dobson")
    for limit, exact in (
        (dobson.low, stats.gamma.ppf(0.025, x)),
        (dobson.high, stats.gamma.ppf(0.975, x + 1)),
    ):
        assert float(limit) == pytest.approx(y + np.sqrt(v / x) * (exact - x), rel=1e-12)
    wald = standardized_rate(rate, [45, 33, 22], method="wald")
    _check(wald, y - 1.959963984540054 * np.sqrt(v), y + 1.959963984540054 * np.sqrt(v), rel=1e-12)
    assert float(wald.std_error) == pytest.approx(np.sqrt(v), rel=1e-12)
    log = standardized_rate(rate, [45, 33, 22], method="log")
    assert np.log(float(log.high / log.value)) == pytest.approx(1.959963984540054 * np.sqrt(v) / y, rel=1e-12)
    assert (log.scale, wald.scale) == ("log", "identity")


@pytest.mark.parametrize("method", DIRECT)
@given(strata=STRATA)
def test_direct_intervals_hold_the_rate_and_widen(method, strata):
    x, t, standard = map(np.array, zip(*strata, strict=True))
    rate = Rate(events=x, person_time=t)
    narrow, wide = (
        standardized_rate(rate, standard, method=method, confidence_level=level) for level in (0.8, 0.99)
    )
    assert 0 <= wide.low <= narrow.low <= narrow.value * (1 + 1e-12)
    assert narrow.value * (1 - 1e-12) <= narrow.high <= wide.high
    # Neither the unit of the standard nor the order of strata matters.
    turned = standardized_rate(
        Rate(events=x[::-1], person_time=t[::-1]), standard[::-1] * 1e5, method=method, confidence_level=0.8
    )
    assert float(turned.low) == pytest.approx(float(narrow.low), rel=1e-9)
    assert float(turned.high) == pytest.approx(float(narrow.high), rel=1e-9)


@pytest.mark.parametrize("method", DIRECT)
def test_no_events_and_very_many(method):
    rate = Rate(events=[[0, 0], [10**9, 10**9]], person_time=[[3.0, 5.0], [1e9, 1e9]])
    estimate = standardized_rate(rate, [1, 1], method=method)
    assert estimate.shape == (2,)
    assert (estimate.value[0], estimate.low[0]) == (0, 0)
    if method in {"dobson", "dobson-byar", "log"}:
        assert estimate.high[0] == np.inf
    elif method != "wald":
        assert 0 < estimate.high[0] < np.inf
    assert estimate.high[1] - 1 == pytest.approx(1.96 / np.sqrt(2e9), rel=1e-3)


@pytest.mark.parametrize("method", ["fay-feuer", "log"])
@given(strata=STRATA)
def test_swapping_inverts_the_standardized_ratio(method, strata):
    x, t, standard = map(np.array, zip(*strata, strict=True))
    one, other = {"events": x, "time": t}, {"events": x[::-1] // 2, "time": t}

    def ratio(first, second, level=0.9):
        parts = TwoRates(
            exposed_events=first["events"],
            exposed_time=first["time"],
            control_events=second["events"],
            control_time=second["time"],
        )
        return standardized_rate_ratio(parts, standard, method=method, confidence_level=level)

    there, back, wide = ratio(one, other), ratio(other, one), ratio(one, other, 0.99)
    with np.errstate(divide="ignore"):
        assert float(back.low) == pytest.approx(float(1 / there.high), rel=1e-9)
    assert wide.low <= there.low <= there.high <= wide.high
    if not np.isnan(there.value):
        assert there.low <= there.value <= there.high
    if 1e-8 < there.pvalue < 1 - 1e-6:
        at = ratio(one, other, 1 - float(there.pvalue))
        assert float(at.low if at.value > 1 else at.high) == pytest.approx(1, rel=1e-6)


@given(x1=st.integers(0, 100), x0=st.integers(0, 100))
def test_the_standardized_ratio_of_one_stratum_is_the_exact_rate_ratio(x1, x0):
    strata = TwoRates(exposed_events=[x1], exposed_time=[3], control_events=[x0], control_time=[2])
    for method, of_one in (("fay-feuer", "exact"), ("log", "log")):
        standardized = standardized_rate_ratio(strata, [9], method=method)
        exact = rate_ratio(strata[0], method=of_one)
        for name in ("value", "low", "high", "pvalue"):
            np.testing.assert_allclose(getattr(standardized, name), getattr(exact, name), rtol=1e-9)


def test_fay_limits_of_the_ratio_put_back_give_half_of_alpha():
    x1, x0, t = np.array([3, 0, 5]), np.array([1, 2, 4]), np.array([2.0, 3.0, 1.0])
    standard = np.array([5.0, 3.0, 2.0])
    rates = TwoRates(exposed_events=x1, exposed_time=t, control_events=x0, control_time=t)
    estimate = standardized_rate_ratio(rates, standard, method="fay-feuer")
    w = standard / 10 / t
    y1, v1, y0, v0 = (w * x1).sum(), (w**2 * x1).sum(), (w * x0).sum(), (w**2 * x0).sum()
    m1, u1, m0, u0 = y1 + w.max(), v1 + w.max() ** 2, y0 + w.max(), v0 + w.max() ** 2
    low = stats.f(2 * y1**2 / v1, 2 * m0**2 / u0).cdf(estimate.low * m0 / y1)
    high = stats.f(2 * m1**2 / u1, 2 * y0**2 / v0).sf(estimate.high * y0 / m1)
    assert [low, high] == pytest.approx([0.025, 0.025], rel=1e-9)


# Indirect standardization.


@pytest.mark.parametrize("record", records("F_epitools", "ageadjust.indirect"), ids=identifier)
def test_indirect_standardization_equals_epitools(record):
    given_, expected = record["inputs"], record["outputs"]
    rate = Rate(events=given_["count"], person_time=given_["pop"])
    count, population = np.array(given_["stdcount"]), np.array(given_["stdpop"])
    options = {"method": "log", "confidence_level": float(record["id"].split("/")[-1])}
    ratio = standardized_ratio(rate, count / population, **options)
    assert float(ratio.value) == pytest.approx(expected["sir"]["sir"], rel=1e-12)
    _check(ratio, expected["sir"]["lci"], expected["sir"]["uci"], rel=1e-10)
    adjusted = indirectly_standardized_rate(
        rate, count / population, crude_reference_rate=count.sum() / population.sum(), **options
    )
    assert float(adjusted.value) == pytest.approx(expected["rate"]["adj.rate"], rel=1e-12)
    _check(adjusted, expected["rate"]["lci"], expected["rate"]["uci"], rel=1e-10)


def _ratio_of(record, method):
    given_ = record["inputs"]
    rate = Rate(events=[given_["obs"]], person_time=[given_["exp"]])
    return standardized_ratio(rate, [1], method=method, confidence_level=float(record["id"].split("/")[-2]))


def _answered(record):
    return record["outputs"] is not None


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.smr/byar", keep=_answered), ids=identifier)
def test_byar_equals_epir(record):
    expected, estimate = record["outputs"], _ratio_of(record, "byar")
    _check(estimate, expected["lower"], expected["upper"], rel=1e-10)
    if expected["obs"] > expected["exp"] and expected["test.statistic"] < 0:
        # 1 event where 0.8 are expected: epiR's statistic has the wrong sign; no interval of x excludes 0.8.
        assert estimate.pvalue == 1
    else:
        assert float(estimate.pvalue) == pytest.approx(expected["p.value"], rel=1e-9)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.smr/mid.p", keep=_answered), ids=identifier)
def test_mid_p_equals_epir(record):
    # epiR searches its limits to four digits and breaks off the sum of the upper tail: for 1 event where 0.8
    # are expected, 2 (1 - 1.4 exp(-0.8)) is 0.741879, not 0.741510.
    expected, estimate = record["outputs"], _ratio_of(record, "mid-p")
    _check(estimate, expected["lower"], expected["upper"], rel=1e-3)
    assert float(estimate.pvalue) == pytest.approx(expected["p.value"], rel=1e-3)
    if expected["obs"] == 1:
        assert float(estimate.pvalue) == pytest.approx(2 * (1 - 1.4 * np.exp(-0.8)), rel=1e-12)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.smr/chi2", keep=_answered), ids=identifier)
def test_the_score_pvalue_is_the_chi_square_test(record):
    assert float(_ratio_of(record, "score").pvalue) == pytest.approx(record["outputs"]["p.value"], rel=1e-10)


@pytest.mark.parametrize(
    "record", records("G_base", "poisson.test1", keep=lambda r: r["id"].endswith("/less")), ids=identifier
)
def test_the_exact_pvalue_is_twice_the_smaller_tail_of_poisson_test(record):
    expected = record["outputs"]
    greater = records("G_base", record["id"].replace("/less", "/greater"))[0]["outputs"]
    estimate = standardized_ratio(
        Rate(events=[expected["statistic"]], person_time=[expected["parameter"]]), [expected["null.value"]]
    )
    tails = expected["p.value"], greater["p.value"]
    assert float(estimate.pvalue) == pytest.approx(min(1, 2 * min(tails)), rel=1e-9)


@pytest.mark.parametrize("method", INDIRECT)
@given(observed=st.integers(0, 200), expected=st.floats(0.1, 200))
def test_an_interval_at_the_level_of_its_pvalue_touches_one(method, observed, expected):
    rate = Rate(events=[observed], person_time=[expected])
    estimate = standardized_ratio(rate, [1], method=method)
    pvalue = float(estimate.pvalue)
    if method in {"log", "wald"} and observed == 0:
        assert np.isnan(pvalue)
        return
    inside = estimate.low <= 1 <= estimate.high
    assert inside == (pvalue >= 0.05)
    if 1e-10 < pvalue < 1 - 1e-6:
        at = standardized_ratio(rate, [1], method=method, confidence_level=1 - pvalue)
        nearest = min((at.low, at.high), key=lambda limit: abs(limit - 1))
        assert float(nearest) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("measure", "methods"), [(standardized_rate, DIRECT), (standardized_ratio, INDIRECT)]
)
def test_a_batch_equals_a_loop(measure, methods):
    rng = np.random.default_rng(2)
    events, time = rng.poisson(2, (3, 6, 4)), rng.uniform(1, 5, (6, 4))
    for method in methods:
        batch = measure(Rate(events=events, person_time=time), [4, 3, 2, 1], method=method)
        assert batch.shape == (3, 6)
        for i, j in np.ndindex(3, 6):
            one = measure(Rate(events=events[i, j], person_time=time[j]), [4, 3, 2, 1], method=method)
            for name in ("value", "low", "high"):
                np.testing.assert_allclose(getattr(batch, name)[i, j], getattr(one, name), rtol=1e-12)


def test_bad_input_is_named():
    rate = Rate(events=[1, 2, 3], person_time=[4, 5, 6])
    with pytest.raises(
        ValueError, match=r"`standard_population` must hold one number per stratum \(3\), but got 2"
    ):
        standardized_rate(rate, [1, 2])
    with pytest.raises(
        ValueError, match="`standard_population` must hold one number per stratum .* but got one number"
    ):
        standardized_rate(rate, 5)
    with pytest.raises(
        ValueError, match="`standard_population` must be a number greater than 0, but got 0 at index 1"
    ):
        standardized_rate(rate, [1, 0, 2])
    with pytest.raises(ValueError, match="must have strata along the last axis, but got one rate"):
        standardized_rate(Rate(events=1, person_time=2), [1])
    with pytest.raises(
        ValueError, match=r"shapes must broadcast .* `standard_population` \(2, 3\) and rates \(4, 3\)"
    ):
        standardized_rate(Rate(events=np.ones((4, 3)), person_time=1), np.ones((2, 3)))
    with pytest.raises(ValueError, match="`reference_rates` must be finite .* but got -1 at index 2"):
        standardized_ratio(rate, [0, 1, -1])
    with pytest.raises(ValueError, match="`reference_rates` must expect events, but are 0 in every stratum"):
        standardized_ratio(rate, [0, 0, 0])
    with pytest.raises(TypeError, match="`reference_rates` must be numbers, but got text"):
        standardized_ratio(rate, ["a", "b", "c"])
    with pytest.raises(ValueError, match="`crude_reference_rate` must be a number greater than 0"):
        indirectly_standardized_rate(rate, [1, 1, 1], crude_reference_rate=0)
    with pytest.raises(ValueError, match="`method` must be one of 'fay-feuer', .* but got 'gamma'"):
        standardized_rate(rate, [1, 2, 3], method="gamma")
    with pytest.raises(ValueError, match="`method` must be one of 'log', 'fay-feuer', but got 'exact'"):
        standardized_rate_ratio(
            TwoRates(exposed_events=[1], exposed_time=1, control_events=1, control_time=1),
            [1],
            method="exact",
        )
