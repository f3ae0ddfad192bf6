from itertools import product

import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.meta import permutation
from analysis.meta.permutation import permutation_test
from reference_values import dataset, identifier, number, records

NAME = "D_influence"


def _studies(k, seed=1, mean=0.5):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.05, 0.6, k)
    return EffectSizes(effect=rng.normal(mean, np.sqrt(variance + 0.1)), variance=variance)


@pytest.mark.parametrize("record", records(NAME, "permutest_exact/"), ids=identifier)
def test_exact_p_values_equal_metafor(record):
    columns, expected = dataset(NAME, record), record["outputs"]
    method = record["id"].split("/")[2]
    options = {"model": "common"} if method == "EE" else {"tau2": method}
    found = permutation_test(EffectSizes(effect=columns["yi"], variance=columns["vi"]), **options)
    assert found.exact
    assert found.permutations == expected["exact.iter"]
    assert found.pvalue == pytest.approx(number(expected["pval"]), rel=1e-12)
    # These fits of metafor have the default, loose convergence of tau2.
    assert found.statistic == pytest.approx(number(expected["zval"]), rel=1e-4)


def _by_enumeration(effects, **options):
    y = effects.effect
    flips = np.array(list(product([1.0, -1.0], repeat=y.size)))
    fit = pool(EffectSizes(effect=flips * y, variance=effects.variance), **options)
    statistic = np.abs(fit.mean / fit.std_error)
    return (statistic >= statistic[0] * (1 - 1e-8)).mean()


@pytest.mark.parametrize("ci", ["wald", "hartung-knapp", "hartung-knapp-adhoc"])
@pytest.mark.parametrize("options", [{"tau2": "DL"}, {"tau2": "REML"}, {"tau2": 0.2}, {"model": "common"}])
def test_p_is_the_share_of_all_flips(ci, options):
    effects = _studies(7, mean=0.3)
    found = permutation_test(effects, ci=ci, **options)
    assert found.pvalue == pytest.approx(_by_enumeration(effects, ci=ci, **options), rel=1e-12)
    assert found.permutations == 128


def test_the_ad_hoc_factor_is_never_below_1():
    # In few data sets does the cut change the order of the flips; this is one of them.
    rng = np.random.default_rng(312)
    variance = rng.uniform(0.05, 0.6, 7)
    effects = EffectSizes(effect=rng.normal(0.15, np.sqrt(variance / 2)), variance=variance)
    found = {
        ci: float(permutation_test(effects, ci=ci, tau2="DL").pvalue)
        for ci in ("hartung-knapp", "hartung-knapp-adhoc")
    }
    assert found["hartung-knapp"] != found["hartung-knapp-adhoc"]
    for ci, pvalue in found.items():
        assert pvalue == pytest.approx(_by_enumeration(effects, ci=ci, tau2="DL"), rel=1e-12)


def test_flips_of_equal_studies_are_ties():
    # Four equal studies: 2 + 8 of 16 flips lie as far out as one that turns one study.
    effects = EffectSizes(effect=[0.3, 0.3, 0.3, -0.3], variance=[0.1] * 4)
    assert permutation_test(effects, model="common").pvalue == 10 / 16


def test_random_flips():
    effects = _studies(9, mean=0.3)
    exact = float(permutation_test(effects, tau2="DL").pvalue)
    found = permutation_test(effects, tau2="DL", exact=False, draws=20_000, rng=4)
    assert not found.exact
    assert found.permutations == 20_001
    # Four standard errors of a share of 20 000.
    assert found.pvalue == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))
    again = permutation_test(effects, tau2="DL", exact=False, draws=20_000, rng=4)
    assert again.pvalue == found.pvalue
    # The observed flip is one of those drawn: P is never 0.
    small = permutation_test(_studies(20, mean=3), tau2="DL", draws=50, rng=1)
    assert small.pvalue == 1 / 51


@pytest.mark.parametrize("measure", ["GEN", "OR"])
@pytest.mark.parametrize(
    "options", [{"tau2": "DL"}, {"tau2": "REML"}, {"model": "common"}, {"ci": "hartung-knapp"}]
)
def test_limits_are_where_the_test_begins_to_reject(measure, options):
    plain = _studies(8)
    effects = EffectSizes(effect=plain.effect, variance=plain.variance, measure=measure)
    found = permutation_test(effects, interval=True, confidence_level=0.9, **options).estimate
    unit = np.log if measure == "OR" else (lambda x: x)
    back = np.exp if measure == "OR" else (lambda x: x)
    for limit, outward in ((found.low, -1), (found.high, 1)):
        inside, outside = (float(back(unit(limit) + outward * step)) for step in (-1e-6, 1e-6))
        assert permutation_test(effects, null=inside, **options).pvalue > 0.1
        assert permutation_test(effects, null=outside, **options).pvalue <= 0.1
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(float(pool(effects, **options).estimate.value), rel=1e-12)


def test_random_flips_give_nearly_the_exact_limits():
    effects = _studies(10)
    exact, drawn = (
        permutation_test(effects, tau2="DL", interval=True, **options).estimate
        for options in ({}, {"exact": False, "draws": 5000, "rng": 2})
    )
    width = float(exact.high - exact.low)
    assert abs(exact.low - drawn.low) < 0.1 * width
    assert abs(exact.high - drawn.high) < 0.1 * width


def test_random_flips_reject_beyond_their_own_limits():
    effects, options = _studies(16), {"tau2": "DL", "draws": 3000, "rng": 6}
    found = permutation_test(effects, interval=True, **options).estimate
    for limit, outward in ((float(found.low), -1), (float(found.high), 1)):
        assert permutation_test(effects, null=limit - outward * 1e-6, **options).pvalue > 0.05
        assert permutation_test(effects, null=limit + outward * 1e-6, **options).pvalue <= 0.05


def test_groups_of_replicates_do_not_show(monkeypatch):
    rng = np.random.default_rng(8)
    effects = EffectSizes(effect=rng.normal(0.4, 0.5, (9, 7)), variance=rng.uniform(0.05, 0.5, 7))
    options = {"tau2": "DL", "interval": True}
    whole = permutation_test(effects, **options)
    monkeypatch.setattr(permutation, "_STATISTICS", 150)
    monkeypatch.setattr(permutation, "_BLOCK", 300)
    parts = permutation_test(effects, **options)
    np.testing.assert_array_equal(whole.pvalue, parts.pvalue)
    np.testing.assert_allclose(whole.estimate.low, parts.estimate.low, rtol=1e-9)


def test_the_test_keeps_its_level_and_the_interval_covers():
    rng = np.random.default_rng(11)
    variance = rng.uniform(0.02, 0.5, 7)
    effect = 0.4 + rng.normal(0, np.sqrt(variance + 0.15), (2000, 7))
    effects = EffectSizes(effect=effect, variance=variance)
    found = permutation_test(effects, null=0.4, tau2="DL", interval=True)
    # Six of 128 flips are no more than 5 %: P <= 6/128 = 4.7 %; its standard error is 0.5 %.
    share = (found.pvalue <= 0.05).mean()
    assert share == pytest.approx(6 / 128, abs=0.015)
    covers = (found.estimate.low <= 0.4) & (found.estimate.high >= 0.4)
    np.testing.assert_array_equal(covers, found.pvalue > 0.05)
    wald = pool(effects, tau2="DL", ci="wald").estimate
    assert ((wald.low > 0.4) | (wald.high < 0.4)).mean() > 0.07


def test_five_studies_have_no_limits_at_95_percent():
    effects = _studies(5)
    found = permutation_test(effects, tau2="DL", interval=True)
    assert found.pvalue >= 2 / 32
    assert (found.estimate.low, found.estimate.high) == (-np.inf, np.inf)
    ratio = EffectSizes(effect=effects.effect, variance=effects.variance, measure="RR")
    estimate = permutation_test(ratio, tau2="DL", interval=True).estimate
    assert (estimate.low, estimate.high) == (0, np.inf)


def test_a_batch_equals_a_loop():
    rng = np.random.default_rng(3)
    effect, variance = rng.normal(0.4, 0.5, (2, 3, 6)), rng.uniform(0.05, 0.5, (2, 3, 6))
    options = {"tau2": "DL", "interval": True, "confidence_level": 0.9}
    whole = permutation_test(EffectSizes(effect=effect, variance=variance), **options)
    assert whole.pvalue.shape == (2, 3)
    assert len(whole.to_frame()) == 6
    assert str(whole) == "6 permutation tests by all 64 sign flips of 6 studies"
    for index in np.ndindex(2, 3):
        one = permutation_test(EffectSizes(effect=effect[index], variance=variance[index]), **options)
        assert whole.pvalue[index] == one.pvalue
        assert whole.statistic[index] == pytest.approx(float(one.statistic), rel=1e-12)
        assert whole.estimate.low[index] == pytest.approx(float(one.estimate.low), rel=1e-9)
        assert whole.estimate.high[index] == pytest.approx(float(one.estimate.high), rel=1e-9)


def test_signs_of_the_effects_and_order_of_studies_do_not_matter():
    effects = _studies(8)
    here = permutation_test(effects).pvalue
    assert permutation_test(EffectSizes(effect=-effects.effect, variance=effects.variance)).pvalue == here
    back = EffectSizes(effect=effects.effect[::-1], variance=effects.variance[::-1])
    assert permutation_test(back).pvalue == here


def test_effects_of_zero_and_equal_effects():
    none = EffectSizes(effect=[0.0] * 6, variance=[0.1] * 6)
    for ci in ("wald", "hartung-knapp"):
        found = permutation_test(none, ci=ci)
        assert (float(found.statistic), float(found.pvalue)) == (0, 1)
    equal = EffectSizes(effect=[0.5] * 6, variance=[0.1] * 6)
    assert permutation_test(equal).pvalue == 2 / 64
    found = permutation_test(equal, ci="hartung-knapp")
    assert (float(found.statistic), float(found.pvalue)) == (np.inf, 2 / 64)
    with pytest.raises(ValueError, match="`interval` needs a standard error above 0"):
        permutation_test(equal, ci="hartung-knapp", interval=True)


def test_studies_outside_of_where_are_not_flipped():
    effects = _studies(6)
    holed = EffectSizes(effect=[np.nan, *effects.effect], variance=[np.nan, *effects.variance])
    found = permutation_test(holed, where=[False] + [True] * 6)
    assert found.n_studies == 6
    assert found.pvalue == permutation_test(effects).pvalue


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"null": np.inf}, ValueError, "`null` must be one number that is finite"),
        ({"null": [0, 1]}, ValueError, "`null` must be one number"),
        ({"null": "x"}, TypeError, "`null` must be numbers"),
        ({"model": "fixed"}, ValueError, "`model` must be one of"),
        ({"tau2": "GENQM"}, ValueError, "`tau2` must be one of"),
        ({"ci": "profile"}, ValueError, "`ci` must be one of"),
        ({"draws": 0}, ValueError, "`draws` must be at least 1"),
        ({"draws": 1e4}, TypeError, "`draws` must be a whole number"),
        ({"exact": False}, ValueError, "`rng` must be given.*10000 random flips of 4 studies"),
        ({"where": [True, False, False, False]}, ValueError, "at least 2 studies"),
        ({"confidence_level": 95}, ValueError, "`confidence_level` must be between 0 and 1"),
    ],
)
def test_wrong_input(options, error, message):
    with pytest.raises(error, match=message):
        permutation_test(_studies(4), **options)


def test_wrong_effects():
    with pytest.raises(TypeError, match="`effects` must be EffectSizes"):
        permutation_test([0.1, 0.3])
    with pytest.raises(ValueError, match="`null` must be given for measure PLO"):
        permutation_test(EffectSizes(effect=[0.1, 0.3], variance=[0.1, 0.1], measure="PLO"))
    with pytest.raises(ValueError, match="finite on the log scale, but got -1"):
        permutation_test(EffectSizes(effect=[0.1, 0.3], variance=[0.1, 0.1], measure="RR"), null=-1)
    with pytest.raises(ValueError, match="`exact` must be false for more than 20 studies, but 21 enter"):
        permutation_test(_studies(21), exact=True)
    with pytest.raises(ValueError, match=r"at index 1 \(B\)"):
        permutation_test(EffectSizes(effect=[0.1, 0.3], variance=[0.1, 0], label="AB"))
    half = EffectSizes(effect=np.zeros(6), variance=np.ones(6), measure="PLO")
    assert permutation_test(half, null=0.5).pvalue == 1
