import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import Rate, TwoRates
from analysis.measures.rates import incidence_rate, rate_difference, rate_ratio
from reference_values import identifier, number, numbers, records

RATE_METHODS = ["exact", "mid-p", "byar", "jeffreys", "score", "skewness-corrected", "log", "wald"]
RATIO_METHODS = ["log", "exact", "mid-p", "score", "skewness-corrected"]
DIFFERENCE_METHODS = ["wald", "score", "skewness-corrected", "mover", "mover-exact"]
COUNTS = st.integers(0, 300)
TIMES = st.floats(0.5, 500)
Z = 1.959963984540054


def _two(record):
    given_ = record["inputs"]
    if "a" in given_:
        parts = given_["a"], given_["T1"], given_["c"], given_["T0"]
    else:
        parts = given_["x1"], given_["n1"], given_["x2"], given_["n2"]
    names = ("exposed_events", "exposed_time", "control_events", "control_time")
    return TwoRates(**dict(zip(names, parts, strict=True)))


def _level(record):
    return float(record["id"].split("/")[-2])


def _check(estimate, low, high, *, rel, abs_=1e-15):
    assert float(estimate.low) == pytest.approx(number(low), rel=rel, abs=abs_)
    assert float(estimate.high) == pytest.approx(number(high), rel=rel, abs=abs_)


# One rate.


@pytest.mark.parametrize(
    "record",
    records("G_base", "poisson.test1", keep=lambda record: record["id"].endswith("two.sided")),
    ids=identifier,
)
def test_exact_interval_equals_r(record):
    expected = record["outputs"]
    estimate = incidence_rate(Rate(events=expected["statistic"], person_time=expected["parameter"]))
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(
        numbers(expected["conf.int"]), rel=1e-10
    )


@pytest.mark.parametrize("record", records("E3_score_own", "pois_midp"), ids=identifier)
def test_mid_p_rate_equals_r(record):
    estimate = incidence_rate(Rate(events=record["inputs"]["x"], person_time=1), method="mid-p")
    _check(estimate, record["outputs"]["lower"], record["outputs"]["upper"], rel=1e-12)


@pytest.mark.parametrize(
    "record",
    records("F_epitools", "pois.approx", keep=lambda r: np.ndim(r["inputs"]["x"]) == 0),
    ids=identifier,
)
def test_wald_rate_equals_epitools(record):
    rate = Rate(events=record["inputs"]["x"], person_time=record["inputs"]["pt"])
    expected = record["outputs"]
    estimate = incidence_rate(rate, method="wald", confidence_level=_level(record))
    _check(estimate, max(expected["lower"], 0), expected["upper"], rel=1e-12)


@pytest.mark.parametrize("method", ["exact", "mid-p", "jeffreys"])
@given(events=COUNTS, level=st.floats(0.3, 0.999))
def test_tail_limits_of_a_rate_put_back_give_half_of_alpha(method, events, level):
    estimate = incidence_rate(Rate(events=events, person_time=2.0), method=method, confidence_level=level)
    tail, low, high = (1 - level) / 2, 2 * float(estimate.low), 2 * float(estimate.high)
    if method == "jeffreys":
        below, above = stats.gamma.sf(high, events + 0.5), stats.gamma.cdf(low, events + 0.5)
    else:
        half = 0.5 if method == "mid-p" else 0.0
        below = stats.poisson.cdf(events, high) - half * stats.poisson.pmf(events, high)
        above = stats.poisson.sf(events - 1, low) - half * stats.poisson.pmf(events, low)
    assert below == pytest.approx(tail, rel=1e-8)
    if events > 0:
        assert above == pytest.approx(tail, rel=1e-8)
    else:
        assert low == 0


@given(events=st.integers(1, 10**6), level=st.floats(0.3, 0.999))
def test_normal_limits_of_a_rate_put_back_give_the_quantile(events, level):
    z = stats.norm.ppf((1 + level) / 2)
    rate = Rate(events=events, person_time=1)
    score = incidence_rate(rate, method="score", confidence_level=level)
    for limit in (float(score.low), float(score.high)):
        assert abs(events - limit) / np.sqrt(limit) == pytest.approx(z, rel=1e-6)
    log = incidence_rate(rate, method="log", confidence_level=level)
    assert np.log(float(log.high) / events) * np.sqrt(events) == pytest.approx(z, rel=1e-7)
    assert log.std_error == pytest.approx(1 / np.sqrt(events))
    byar = incidence_rate(rate, method="byar", confidence_level=level)
    cube_root = np.cbrt(float(byar.high) / (events + 1))
    assert 3 * np.sqrt(events + 1) * (cube_root - 1 + 1 / (9 * (events + 1))) == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize("events", [5, 20, 100, 1000])
def test_byar_is_near_the_exact_interval(events):
    # Within 0.2 % from 10 events on; epitools' x + 1/2 in both limits is not.
    rate = Rate(events=events, person_time=1)
    exact, byar = incidence_rate(rate), incidence_rate(rate, method="byar")
    assert float(byar.low) == pytest.approx(float(exact.low), rel=0.01 if events < 10 else 0.002)
    assert float(byar.high) == pytest.approx(float(exact.high), rel=0.002)


@pytest.mark.parametrize("method", RATE_METHODS)
@given(events=COUNTS, time=TIMES)
def test_rate_intervals_hold_the_rate_and_widen_with_the_level(method, events, time):
    rate = Rate(events=events, person_time=time)
    narrow, wide = (incidence_rate(rate, method=method, confidence_level=level) for level in (0.8, 0.99))
    assert 0 <= wide.low <= narrow.low <= narrow.value <= narrow.high <= wide.high
    other_unit = incidence_rate(Rate(events=events, person_time=time * 1000), method=method)
    assert float(other_unit.high) == pytest.approx(float(incidence_rate(rate, method=method).high) / 1000)


@pytest.mark.parametrize("method", RATE_METHODS)
def test_rates_of_no_event_and_of_very_many(method):
    estimate = incidence_rate(Rate(events=[0, 10**9], person_time=[10.0, 10**9]), method=method)
    assert (estimate.value[0], estimate.low[0]) == (0, 0)
    assert estimate.high[0] == {"log": np.inf, "wald": 0}.get(method, estimate.high[0])
    np.testing.assert_allclose(
        [estimate.low[1], estimate.high[1]], 1 + np.array([-1, 1]) * 1.959964 / np.sqrt(1e9), rtol=3e-9
    )


# Ratio of two rates.


@pytest.mark.parametrize("record", records("E3_score_own", "irr_"), ids=identifier)
def test_score_and_mid_p_ratio_equal_r(record):
    method = "score" if "score" in record["id"] else "mid-p"
    expected = record["outputs"]
    estimate = rate_ratio(_two(record), method=method, confidence_level=_level(record))
    _check(estimate, expected["lower"], expected["upper"], rel=1e-11)
    if "p.midp" in expected:
        assert float(estimate.pvalue) == pytest.approx(expected["p.midp"], rel=1e-10)


@pytest.mark.parametrize(
    "record", records("G_base", "poisson.test2", keep=lambda r: r["id"].endswith("two.sided")), ids=identifier
)
def test_exact_ratio_equals_poisson_test(record):
    expected = record["outputs"]
    estimate = rate_ratio(_two(record), method="exact")
    _check(estimate, *expected["conf.int"], rel=1e-6)
    # R's two-sided P-value adds the less likely counts of the other tail: it belongs to no central interval.
    one_sided = [
        next(r for r in records("G_base", record["id"].rsplit("/", 1)[0] + "/" + side))["outputs"]["p.value"]
        for side in ("less", "greater")
    ]
    assert float(estimate.pvalue) == pytest.approx(min(1, 2 * min(one_sided)), rel=1e-7)


@pytest.mark.parametrize(
    "record",
    records("F_epitools", "rateratio/wald", keep=lambda r: min(r["inputs"]["a"], r["inputs"]["c"]) > 0),
    ids=identifier,
)
def test_log_ratio_equals_epitools(record):
    expected = record["outputs"]
    value, low, high = expected["measure"]["rows"][1]
    estimate = rate_ratio(_two(record), confidence_level=_level(record))
    assert float(estimate.value) == pytest.approx(value, rel=1e-12)
    _check(estimate, low, high, rel=1e-10)
    mid_p = rate_ratio(_two(record), method="mid-p")
    assert float(mid_p.pvalue) == pytest.approx(expected["p.value"]["rows"][1][0], rel=1e-8)


@pytest.mark.parametrize("method", ["exact", "mid-p"])
@given(x1=COUNTS, x0=COUNTS, level=st.floats(0.3, 0.999))
def test_ratio_limits_put_back_give_half_of_alpha(method, x1, x0, level):
    rates = TwoRates(exposed_events=x1, exposed_time=3.0, control_events=x0, control_time=2.0)
    estimate = rate_ratio(rates, method=method, confidence_level=level)
    half = 0.5 if method == "mid-p" else 0.0
    tail = (1 - level) / 2
    if x1 > 0:
        p = 3 * estimate.low / (3 * estimate.low + 2)
        above = stats.binom.sf(x1 - 1, x1 + x0, p) - half * stats.binom.pmf(x1, x1 + x0, p)
        assert above == pytest.approx(tail, rel=1e-7)
    if x0 > 0:
        p = 3 * estimate.high / (3 * estimate.high + 2)
        below = stats.binom.cdf(x1, x1 + x0, p) - half * stats.binom.pmf(x1, x1 + x0, p)
        assert below == pytest.approx(tail, rel=1e-7)


def _score_statistic(difference, x1, t1, x0, t0):
    # The restricted rates by bisection of the score equation, which shares nothing with the closed form.
    low, high = max(0.0, -difference), max(0.0, -difference) + (x1 + x0 + 1) * (1 / t1 + 1 / t0)
    for _ in range(200):
        middle = (low + high) / 2
        score = (x1 / (middle + difference) if x1 else 0) + (x0 / middle if x0 else 0) - t1 - t0
        low, high = (middle, high) if score > 0 else (low, middle)
    return (x1 / t1 - x0 / t0 - difference) / np.sqrt((middle + difference) / t1 + middle / t0)


@given(x1=st.integers(0, 60), x0=st.integers(0, 60), t1=st.floats(1, 50), t0=st.floats(1, 50))
def test_score_limits_of_the_difference_put_back_give_the_quantile(x1, x0, t1, t0):
    rates = TwoRates(exposed_events=x1, exposed_time=t1, control_events=x0, control_time=t0)
    estimate = rate_difference(rates, method="score")
    assert _score_statistic(float(estimate.low), x1, t1, x0, t0) == pytest.approx(1.959963984540054, rel=1e-5)
    assert _score_statistic(float(estimate.high), x1, t1, x0, t0) == pytest.approx(
        -1.959963984540054, rel=1e-5
    )


@given(x1=st.integers(1, 1000), x0=st.integers(1, 1000), level=st.floats(0.5, 0.999))
def test_score_limits_of_the_ratio_put_back_give_the_quantile(x1, x0, level):
    rates = TwoRates(exposed_events=x1, exposed_time=3.0, control_events=x0, control_time=2.0)
    estimate = rate_ratio(rates, method="score", confidence_level=level)
    for limit, sign in ((estimate.low, 1), (estimate.high, -1)):
        # Unconditional: rates restricted to the ratio.
        r0 = (x1 + x0) / (3 * limit + 2)
        z = (x1 / 3 - limit * x0 / 2) / np.sqrt(limit * r0 / 3 + limit**2 * r0 / 2)
        assert z == pytest.approx(sign * stats.norm.ppf((1 + level) / 2), rel=1e-8)


def _corrected_z(deviation, variance, third):
    """Return the root of score = z + (z² - 1) skewness / 6 that is the score where there is no skewness."""
    score, sixth = deviation / np.sqrt(variance), third / variance**1.5 / 6
    if abs(sixth) < 1e-9:
        return score
    roots = np.roots([sixth, 1, -sixth - score]).real
    return roots[np.argmax(1 + 2 * sixth * roots)]


@given(x1=st.integers(1, 100), x0=st.integers(1, 100), level=st.floats(0.7, 0.99))
def test_skewness_corrected_limits_put_back_give_the_quantile(x1, x0, level):
    z = stats.norm.ppf((1 + level) / 2)
    options = {"method": "skewness-corrected", "confidence_level": level}
    rates = TwoRates(exposed_events=x1, exposed_time=3.0, control_events=x0, control_time=2.0)
    ratio, difference = rate_ratio(rates, **options), rate_difference(rates, **options)
    one = incidence_rate(Rate(events=x1, person_time=1), **options)
    for name, sign in (("low", 1), ("high", -1)):
        limit = float(getattr(ratio, name))
        if limit > 0 and np.isfinite(limit):
            r0 = (x1 + x0) / (3 * limit + 2)
            r1 = limit * r0
            found = _corrected_z(
                x1 / 3 - limit * x0 / 2, r1 / 3 + limit**2 * r0 / 2, r1 / 9 - limit**3 * r0 / 4
            )
            assert found == pytest.approx(sign * z, rel=1e-7)
        limit = float(getattr(difference, name))
        r0 = (5 * -limit + x1 + x0 + np.sqrt((5 * limit - x1 + x0) ** 2 + 4 * x1 * x0)) / 10
        r1 = r0 + limit
        found = _corrected_z(x1 / 3 - x0 / 2 - limit, r1 / 3 + r0 / 2, r1 / 9 - r0 / 4)
        assert found == pytest.approx(sign * z, rel=1e-6)
        limit = float(getattr(one, name))
        assert _corrected_z(x1 - limit, limit, limit) == pytest.approx(sign * z, rel=1e-7)


# Difference of two rates.


@pytest.mark.parametrize("record", records("E3_score_own", "ird_score"), ids=identifier)
def test_score_difference_equals_r(record):
    estimate = rate_difference(_two(record), method="score", confidence_level=_level(record))
    _check(estimate, record["outputs"]["lower"], record["outputs"]["upper"], rel=1e-11, abs_=1e-15)


@pytest.mark.parametrize("record", records("E_epi2by2", "epi.2by2/rate"), ids=identifier)
def test_wald_difference_and_exact_ratio_equal_epir(record):
    level = float(record["id"].split("/")[-1])
    expected = record["outputs"]["detail"]
    difference, ratio = expected["ARate.strata.wald"], expected["IRR.strata.wald"]
    _check(
        rate_difference(_two(record), confidence_level=level),
        difference["lower"],
        difference["upper"],
        rel=1e-10,
    )
    if ratio["est"] not in {"NaN", None}:
        # epiR says Wald and gives the exact interval.
        estimate = rate_ratio(_two(record), method="exact", confidence_level=level)
        _check(estimate, ratio["lower"], ratio["upper"], rel=1e-6)


@pytest.mark.parametrize(
    "record", records("ratesci", "moverci/poi", keep=lambda r: r["id"].endswith("RD/exact")), ids=identifier
)
def test_mover_is_that_of_ratesci_around_the_observed_rates(record):
    # ratesci centres MOVER on medians of Jeffreys' posterior instead of the observed rates.
    rates, expected = _two(record), record["outputs"]["estimates"]
    one = Rate(events=rates.exposed_events, person_time=rates.exposed_time)
    other = Rate(events=rates.control_events, person_time=rates.control_time)
    r1, r0 = incidence_rate(one), incidence_rate(other)
    for p1, p0, low, high, rel in (
        (expected["p1hat"], expected["p2hat"], expected["lower"], expected["upper"], 1e-7),
        (r1.value, r0.value, *_limits(rate_difference(rates, method="mover-exact")), 1e-12),
    ):
        assert p1 - p0 - np.hypot(p1 - r1.low, r0.high - p0) == pytest.approx(low, rel=rel, abs=1e-8)
        assert p1 - p0 + np.hypot(r1.high - p1, p0 - r0.low) == pytest.approx(high, rel=rel, abs=1e-8)


def test_mover_by_hand_from_score_limits():
    rates = TwoRates(exposed_events=7, exposed_time=34, control_events=1, control_time=20)
    parts = []
    for events, time in ((7, 34), (1, 20)):
        half = Z * np.sqrt(events + Z**2 / 4)
        parts.append([events / time, (events + Z**2 / 2 - half) / time, (events + Z**2 / 2 + half) / time])
    (r1, l1, u1), (r0, l0, u0) = parts
    estimate = rate_difference(rates, method="mover")
    _check(estimate, r1 - r0 - np.hypot(r1 - l1, u0 - r0), r1 - r0 + np.hypot(u1 - r1, r0 - l0), rel=1e-12)


def _limits(estimate):
    return float(estimate.low), float(estimate.high)


# All measures of two rates.

MEASURES = [(rate_ratio, method, 1.0) for method in RATIO_METHODS] + [
    (rate_difference, method, 0.0) for method in DIFFERENCE_METHODS
]


@pytest.mark.parametrize(("measure", "method", "null"), MEASURES)
@given(x1=COUNTS, x0=COUNTS, t1=TIMES, t0=TIMES)
def test_swapping_inverts_and_the_interval_holds_the_estimate(measure, method, null, x1, x0, t1, t0):
    rates = TwoRates(exposed_events=x1, exposed_time=t1, control_events=x0, control_time=t0)
    swapped = TwoRates(exposed_events=x0, exposed_time=t0, control_events=x1, control_time=t1)
    narrow, wide = (measure(rates, method=method, confidence_level=level) for level in (0.8, 0.99))
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    if not np.isnan(narrow.value):
        assert narrow.low <= narrow.value <= narrow.high
    turned = measure(swapped, method=method, confidence_level=0.8)
    with np.errstate(divide="ignore"):
        mirror = -narrow.high if null == 0 else 1 / narrow.high
    assert float(turned.low) == pytest.approx(float(mirror), rel=1e-10, abs=1e-12)
    np.testing.assert_allclose(turned.pvalue, narrow.pvalue, rtol=1e-9)


@pytest.mark.parametrize(("measure", "method", "null"), MEASURES)
@given(x1=st.integers(0, 60), x0=st.integers(0, 60))
def test_an_interval_at_the_level_of_its_pvalue_touches_the_null(measure, method, null, x1, x0):
    rates = TwoRates(exposed_events=x1, exposed_time=3.0, control_events=x0, control_time=2.0)
    pvalue = measure(rates, method=method).pvalue
    if np.isnan(pvalue) or not 1e-10 < pvalue < 1 - 1e-6:
        return
    estimate = measure(rates, method=method, confidence_level=1 - float(pvalue))
    # A corrected statistic is not 0 at the estimate: near a P-value of 1 either limit may be the null.
    nearest = min((estimate.low, estimate.high), key=lambda limit: abs(limit - null))
    assert float(nearest) == pytest.approx(null, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("measure", "method", "null"), MEASURES)
def test_a_batch_equals_a_loop(measure, method, null):
    rng = np.random.default_rng(5)
    x1, x0 = rng.poisson(3, (2, 4, 10))
    times = rng.uniform(1, 9, 10)
    batch = measure(
        TwoRates(exposed_events=x1, exposed_time=times, control_events=x0, control_time=4), method=method
    )
    assert batch.shape == (4, 10)
    for i, j in np.ndindex(4, 10):
        one = measure(
            TwoRates(exposed_events=x1[i, j], exposed_time=times[j], control_events=x0[i, j], control_time=4),
            method=method,
        )
        assert one.shape == ()
        for name in ("value", "low", "high", "pvalue"):
            np.testing.assert_allclose(getattr(batch, name)[i, j], getattr(one, name), rtol=1e-12)


@pytest.mark.parametrize("method", RATIO_METHODS)
def test_ratios_of_empty_counts(method):
    rates = TwoRates(exposed_events=[0, 4, 0], exposed_time=50, control_events=[3, 0, 0], control_time=60)
    estimate = rate_ratio(rates, method=method)
    np.testing.assert_array_equal(estimate.value, [0, np.inf, np.nan])
    np.testing.assert_array_equal(estimate.low[[0, 2]], 0)
    np.testing.assert_array_equal(estimate.high[[1, 2]], np.inf)
    if method == "log":
        assert np.isnan(estimate.pvalue).all()
    else:
        assert 0 < estimate.low[1] < np.inf
        assert 0 < estimate.high[0] < np.inf
        assert estimate.pvalue[2] == 1
        assert estimate.std_error is None


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
def test_differences_of_empty_counts(method):
    rates = TwoRates(exposed_events=[0, 0], exposed_time=50, control_events=[3, 0], control_time=60)
    estimate = rate_difference(rates, method=method)
    assert estimate.value.tolist() == [-0.05, 0]
    if method == "wald":
        assert (estimate.low[1], estimate.high[1]) == (0, 0)
        assert np.isnan(estimate.pvalue[1])
    else:
        assert estimate.low[1] < 0 < estimate.high[1]
        assert estimate.pvalue[1] == 1


@pytest.mark.parametrize(("measure", "method", "null"), MEASURES)
def test_very_many_events_give_wald(measure, method, null):
    rates = TwoRates(exposed_events=10**9 + 10**5, exposed_time=1e9, control_events=10**9, control_time=1e9)
    estimate = measure(rates, method=method)
    expected = measure(rates, method="wald" if null == 0 else "log")
    for name in ("low", "high"):
        assert float(getattr(estimate, name)) == pytest.approx(float(getattr(expected, name)), abs=3e-9)
    # One more event is a standard error of 2e-5.
    assert float(estimate.pvalue) == pytest.approx(float(expected.pvalue), rel=1e-3)


def test_rate_ratio_by_hand_and_its_zero_cells():
    rates = TwoRates(
        exposed_events=[112, 0, 4, 0], exposed_time=45388, control_events=[365, 3, 0, 0], control_time=224192
    )
    estimate = rate_ratio(rates)
    assert estimate.value[0] == pytest.approx((112 / 45388) / (365 / 224192), rel=1e-14)
    assert estimate.std_error[0] == pytest.approx(np.sqrt(1 / 112 + 1 / 365), rel=1e-14)
    np.testing.assert_array_equal(estimate.value[1:], [0, np.inf, np.nan])
    np.testing.assert_array_equal(estimate.low[1:], 0)
    np.testing.assert_array_equal(estimate.high[1:], np.inf)
    corrected = rate_ratio(rates, correction=0.5)
    assert corrected.value[0] == estimate.value[0]
    assert corrected.value[1] == pytest.approx((0.5 / 45388) / (3.5 / 224192))
    assert corrected.correction == 0.5


def test_published_rates():
    # Tsur 2022 prints a crude hazard ratio of 1.52 (1.23-1.88) from rates of 2.47 and 1.63 per 1000.
    ratio = rate_ratio(
        TwoRates(exposed_events=112, exposed_time=45388, control_events=[365, 366], control_time=224192)
    )
    assert ratio.value.round(2).tolist() == [1.52, 1.51]


def test_options_are_checked():
    rates = TwoRates(exposed_events=1, exposed_time=2, control_events=3, control_time=4)
    with pytest.raises(
        ValueError, match="`method` must be one of 'exact'.* but got 'byars'. Did you mean 'byar'"
    ):
        incidence_rate(Rate(events=1, person_time=2), method="byars")
    with pytest.raises(ValueError, match="`method` must be one of 'log', 'exact', .* but got 'midp'"):
        rate_ratio(rates, method="midp")
    with pytest.raises(ValueError, match="`method` must be one of 'wald', 'score', .*'mover'"):
        rate_difference(rates, method="newcombe")
    with pytest.raises(ValueError, match="`correction` is for method 'log' alone, but got 0.5 with 'exact'"):
        rate_ratio(rates, method="exact", correction=0.5)
    with pytest.raises(ValueError, match="For 95 % write 0.95"):
        rate_difference(rates, method="score", confidence_level=95)
