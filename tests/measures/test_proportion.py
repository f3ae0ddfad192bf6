import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis import Proportion, prevalence
from analysis.measures.methods.one_proportion import PROPORTION
from reference_values import identifier, number, numbers, records

R_NAMES = {
    "Wilson_score_CI_1x2": "wilson",
    "Wald_CI_1x2": "wald",
    "Jeffreys_CI_1x2": "jeffreys",
    "ClopperPearson_exact_CI_1x2_beta_version": "clopper-pearson",
    "ClopperPearson_midP_CI_1x2": "mid-p",
    "Blaker_exact_CI_1x2": "blaker",
    "Blaker_midP_CI_1x2": "blaker-mid-p",
    "LR_CI_1x2": "likelihood-ratio",
    "Wald_CI_CC_1x2": "wald-cc",
    "Wilson_score_CI_CC_1x2": "wilson-cc",
    "Arcsine_CI_1x2": "arcsine",
}
# sin² of a negative angle: the package's lower limit turns back up, the limit is 0.
FOLDED = "Arcsine_CI_1x2/1_12/a0.01"
METHODS = sorted(PROPORTION)


@pytest.mark.parametrize(
    "record",
    [record for name in R_NAMES for record in records("contingencytables", f"{name}/")],
    ids=identifier,
)
def test_intervals_equal_r(record):
    given_, expected = record["inputs"], record["outputs"]
    estimate = prevalence(
        Proportion(events=given_["X"], total=given_["n"]),
        method=R_NAMES[record["id"].split("/")[0]],
        confidence_level=1 - given_["alpha"],
    )
    low, high = number(expected["lower"]), number(expected["upper"])
    low = 0.0 if record["id"] == FOLDED else low
    if estimate.method == "jeffreys":  # the package leaves out Brown, Cai and DasGupta's fixed ends
        low = low if given_["X"] > 0 else 0
        high = high if given_["X"] < given_["n"] else 1
    assert estimate.low == pytest.approx(low, rel=1e-10, abs=1e-14)
    assert estimate.high == pytest.approx(high, rel=1e-10)


@pytest.mark.parametrize(("events", "total"), [(0, 10), (3, 17), (10, 10), (229, 424), (1, 2000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_agresti_coull_equals_statsmodels(events, total, level):
    # contingencytables adds 2 and 4 at every level, which is the paper's rule of thumb for 95 %.
    estimate = prevalence(
        Proportion(events=events, total=total), method="agresti-coull", confidence_level=level
    )
    expected = proportion_confint(events, total, alpha=1 - level, method="agresti_coull")
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    "record",
    records("G_base", "binom.test", keep=lambda record: record["id"].endswith("two.sided/0.5")),
    ids=identifier,
)
def test_clopper_pearson_equals_binom_test(record):
    expected = record["outputs"]
    estimate = prevalence(
        Proportion(events=expected["statistic"], total=expected["parameter"]), method="clopper-pearson"
    )
    # R solves its limits to 1e-6 at worst; qbeta gives more digits here.
    assert [float(estimate.low), float(estimate.high)] == pytest.approx(
        numbers(expected["conf.int"]), rel=1e-10, abs=1e-14
    )


@given(events=st.integers(0, 300), total=st.integers(1, 300), level=st.floats(0.5, 0.999))
def test_clopper_pearson_limits_put_back_give_the_tails(events, total, level):
    events = min(events, total)
    estimate = prevalence(
        Proportion(events=events, total=total), method="clopper-pearson", confidence_level=level
    )
    if events > 0:
        assert stats.binom.sf(events - 1, total, estimate.low) == pytest.approx((1 - level) / 2, rel=1e-8)
    if events < total:
        assert stats.binom.cdf(events, total, estimate.high) == pytest.approx((1 - level) / 2, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
@given(events=st.integers(0, 200), total=st.integers(1, 200))
def test_intervals_hold_the_estimate_widen_with_the_level_and_mirror(method, events, total):
    events = min(events, total)
    proportion = Proportion(events=events, total=total)
    narrow, wide = (prevalence(proportion, method=method, confidence_level=level) for level in (0.9, 0.99))
    assert 0 <= wide.low <= narrow.low <= narrow.value <= narrow.high <= wide.high <= 1
    mirror = prevalence(Proportion(events=total - events, total=total), method=method, confidence_level=0.9)
    assert float(mirror.low) == pytest.approx(1 - float(narrow.high), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_equals_a_loop_and_empty_totals_know_nothing(method):
    events, total = np.array([[0, 3, 10], [1, 0, 7]]), np.array([[10, 10, 10], [1, 0, 2000]])
    batch = prevalence(Proportion(events=events, total=total), method=method)
    for index in np.ndindex(events.shape):
        one = prevalence(Proportion(events=events[index], total=total[index]), method=method)
        for name in ("value", "low", "high", "std_error"):
            np.testing.assert_array_equal(getattr(batch, name)[index], getattr(one, name))
    assert np.isnan(batch.value[1, 1])
    assert (batch.low[1, 1], batch.high[1, 1]) == (0, 1)


def test_published_percentages():
    # van der Weijden 2012 prints 54 and 51 %.
    early = prevalence(Proportion(events=[229, 224], total=[424, 443]))
    assert np.round(100 * early.value).tolist() == [54, 51]


def test_options_are_checked():
    proportion = Proportion(events=1, total=2)
    with pytest.raises(
        ValueError, match="`method` must be one of 'wilson'.* but got 'Wilson'. Did you mean 'wilson'"
    ):
        prevalence(proportion, method="Wilson")
    with pytest.raises(ValueError, match="For 95 % write 0.95"):
        prevalence(proportion, confidence_level=95)
    with pytest.raises(TypeError, match="`confidence_level` must be one number"):
        prevalence(proportion, confidence_level="0.95")


@pytest.mark.parametrize("record", records("E3_score_own", "binom_midp/"), ids=identifier)
def test_mid_p_equals_high_precision_values(record):
    inputs, expected = record["inputs"], record["outputs"]
    estimate = prevalence(
        Proportion(events=inputs["x"], total=inputs["n"]),
        method="mid-p",
        confidence_level=inputs.get("level", 0.95),
    )
    assert float(estimate.low) == pytest.approx(number(expected["lower"]), rel=1e-10, abs=1e-14)
    assert float(estimate.high) == pytest.approx(number(expected["upper"]), rel=1e-10)


@given(events=st.integers(0, 80), total=st.integers(1, 80), level=st.sampled_from([0.9, 0.95, 0.99]))
def test_blaker_is_the_hull_of_what_is_acceptable_and_never_wider(events, total, level):
    events = min(events, total)
    proportion = Proportion(events=events, total=total)
    blaker, exact = (
        prevalence(proportion, method=name, confidence_level=level) for name in ("blaker", "clopper-pearson")
    )
    assert exact.low - 1e-12 <= blaker.low
    assert blaker.high <= exact.high + 1e-12
    for limit, outward in ((float(blaker.low), -1), (float(blaker.high), 1)):
        if not 0 < limit < 1:
            continue
        assert _blaker(events, total, limit - outward * 1e-9) > 1 - level - 1e-6
        span = limit if outward < 0 else 1 - limit
        for share in np.geomspace(1e-7, 0.999, 40):
            assert _blaker(events, total, limit + outward * share * span) <= 1 - level + 1e-9


@pytest.mark.parametrize(("events", "total"), [(250, 533), (4, 17), (13, 17), (13, 47)])
def test_blaker_is_found_at_the_level_of_equal_tails(events, total):
    level = 1 - 2 * stats.binom(total, 0.5).cdf(min(events, total - events))
    estimate = prevalence(Proportion(events=events, total=total), method="blaker", confidence_level=level)
    assert _blaker(events, total, float(estimate.low) - 1e-9) <= 1 - level + 1e-9
    assert _blaker(events, total, float(estimate.high) + 1e-9) <= 1 - level + 1e-9


def _blaker(events, total, p):
    law = stats.binom(total, p)
    low, high = law.cdf(events), law.sf(events - 1)
    counts = np.arange(total + 1)
    if low < high:
        other = law.sf(counts - 1)
        return low + max(other[other <= low * (1 + 1e-12)], default=0)
    other = law.cdf(counts)
    return high + max(other[other <= high * (1 + 1e-12)], default=0)


@given(events=st.integers(1, 500), total=st.integers(2, 500), level=st.sampled_from([0.9, 0.95]))
def test_likelihood_limits_put_back_give_the_quantile(events, total, level):
    events = min(events, total - 1)
    estimate = prevalence(
        Proportion(events=events, total=total), method="likelihood-ratio", confidence_level=level
    )
    for limit in (float(estimate.low), float(estimate.high)):
        lost = 2 * (
            stats.binom.logpmf(events, total, events / total) - stats.binom.logpmf(events, total, limit)
        )
        assert lost == pytest.approx(stats.chi2.ppf(level, 1), rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_huge_totals(method):
    estimate = prevalence(Proportion(events=[0, 3 * 10**8, 10**9], total=10**9), method=method)
    assert estimate.low[0] == 0
    assert estimate.high[2] == 1
    assert 0.29997 < estimate.low[1] < 0.3 < estimate.high[1] < 0.30003
