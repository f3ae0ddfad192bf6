import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from analysis import EffectSizes
from analysis.meta.excess_significance import _sum_of_trials, excess_significance_test
from reference_values import assert_same, dataset, identifier, number, numbers, records

# metafor enumerates which studies are significant, and takes chi-square instead where that is too much work;
# the law multiplied out costs nothing, so "exact" here is always exact.
TOO_MUCH_FOR_METAFOR = {"yusuf1985_t6_OR", "hackshaw1998"}


def _effects(record, file="D_bias"):
    columns = dataset(file, record)
    inside = np.isfinite(columns["yi"]) & np.isfinite(columns["vi"])
    return EffectSizes(effect=columns["yi"][inside], variance=columns["vi"][inside])


def _compare(ours, expected, rel=1e-9):
    assert ours.n_studies == expected["k"]
    assert ours.observed == expected["O"]
    assert ours.expected == pytest.approx(number(expected["E"]), rel=rel)
    assert ours.ratio == pytest.approx(number(expected["OEratio"]), rel=rel)
    assert_same(ours.power, numbers(expected["power"]), rel=rel)
    assert ours.true_effect == pytest.approx(number(expected["theta"]), rel=1e-10)
    assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=10 * rel)
    if expected["X2"] is not None:
        assert ours.statistic == pytest.approx(number(expected["X2"]), rel=1000 * rel, abs=1e-14)


@pytest.mark.parametrize("record", records("D_bias", "tes/"), ids=identifier)
def test_equals_metafor(record):
    _, name, alpha = record["id"].split("/")
    test = "chi2" if name in TOO_MUCH_FOR_METAFOR else "exact"
    _compare(excess_significance_test(_effects(record), alpha=float(alpha), test=test), record["outputs"])


@pytest.mark.parametrize("record", records("metafor51", "tes/"), ids=identifier)
def test_equals_metafor_5_1(record):
    _compare(excess_significance_test(_effects(record, "metafor51"), test="exact"), record["outputs"])


@pytest.mark.parametrize("record", records("D_bias", "tes_theta_dl/"), ids=identifier)
def test_under_random_effects_equals_metafor(record):
    """metafor integrates the power over the true effects with R's integrate, between finite limits.

    Here that integral is in closed form; the digits that differ are metafor's, as the quadrature shows.
    """
    effects = _effects(record)
    ours = excess_significance_test(effects, model="random", tau2="DL", test="chi2")
    _compare(ours, record["outputs"], rel=5e-6)
    tau, truth = float(ours.tau2) ** 0.5, float(ours.true_effect)
    if tau == 0:
        return
    for s, power in zip(effects.std_error[:3], ours.power[:3], strict=True):
        c = stats.norm.ppf(0.975)

        def integrand(z, s=s, c=c):
            effect = (truth + tau * z) / s
            return (stats.norm.sf(c - effect) + stats.norm.cdf(-c - effect)) * stats.norm.pdf(z)

        pieces = np.linspace(-9, 9, 61)
        whole = sum(
            integrate.quad(integrand, a, b, epsabs=1e-14, epsrel=1e-13)[0]
            for a, b in itertools.pairwise(pieces)
        )
        assert power == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 8, 9])
def test_law_of_the_sum_by_enumeration(k):
    p = np.random.default_rng(k).uniform(0, 1, (2, k))
    law = _sum_of_trials(p)
    assert law.shape == (2, k + 1)
    for row in range(2):
        expected = np.zeros(k + 1)
        for outcome in itertools.product((0, 1), repeat=k):
            expected[sum(outcome)] += np.prod(np.where(outcome, p[row], 1 - p[row]))
        assert law[row] == pytest.approx(expected, rel=1e-12)


def test_small_tails_keep_their_digits():
    law = _sum_of_trials(np.full((1, 37), 0.01))[0]
    assert law == pytest.approx(stats.binom.pmf(np.arange(38), 37, 0.01), rel=1e-11)
    assert law[37] == pytest.approx(1e-74, rel=1e-11)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_law_adds_to_one_and_has_its_mean(p):
    law = _sum_of_trials(np.array([p]))[0]
    assert law.sum() == pytest.approx(1)
    assert law @ np.arange(len(p) + 1) == pytest.approx(sum(p), abs=1e-12)


def test_binomial_is_the_exact_test_of_equal_powers():
    effects = EffectSizes(effect=[0.9, 0.1, 0.7, 0.2, 0.8], variance=0.1)
    exact, binomial = (excess_significance_test(effects, test=test) for test in ("exact", "binomial"))
    assert float(binomial.pvalue) == pytest.approx(float(exact.pvalue), rel=1e-10)
    none = EffectSizes(effect=[0.1, 0.05], variance=0.1)
    assert excess_significance_test(none, test="binomial").pvalue == 1
    assert excess_significance_test(none).pvalue == pytest.approx(1)


@pytest.mark.parametrize("test", ["exact", "chi2", "binomial"])
def test_a_batch_equals_a_loop(test):
    rng = np.random.default_rng(1)
    y, v = rng.normal(0.3, 0.4, (3, 5, 7)), rng.uniform(0.02, 0.3, (3, 5, 7))
    batch = excess_significance_test(EffectSizes(effect=y, variance=v), test=test, model="random", tau2="DL")
    for index in np.ndindex(3, 5):
        one = excess_significance_test(
            EffectSizes(effect=y[index], variance=v[index]), test=test, model="random", tau2="DL"
        )
        assert_same(batch.pvalue[index], one.pvalue, rel=1e-9)
        assert_same(batch.power[index], one.power, rel=1e-9)
    assert batch.power.shape == (3, 5, 7)
    assert batch.to_frame()["pvalue"].tolist() == batch.pvalue.ravel().tolist()
    assert str(batch).count("Excess significance") == 10


def test_powers_of_one():
    certain = EffectSizes(effect=[5.0, 6.0, 5.5], variance=1e-4)
    for test, pvalue in (("exact", 1.0), ("chi2", 0.5), ("binomial", 1.0)):
        assert float(excess_significance_test(certain, test=test).pvalue) == pytest.approx(pvalue)
    # One of three is not significant although all have power 1.
    short = excess_significance_test(
        EffectSizes(effect=[5.0, 6.0, 0.0], variance=1e-4), test="chi2", true_effect=5.0
    )
    assert (short.statistic, short.pvalue) == (np.inf, 1)


def test_a_true_effect_can_be_given_on_the_reporting_scale():
    effects = EffectSizes(effect=[-0.5, -0.3, -0.4], variance=[0.1, 0.02, 0.05], measure="OR")
    given_ = excess_significance_test(effects, true_effect=0.8)
    assert float(given_.true_effect) == pytest.approx(0.8)
    by_hand = stats.norm.cdf(-1.959963984540054 - np.log(0.8) / effects.std_error) + stats.norm.cdf(
        -1.959963984540054 + np.log(0.8) / effects.std_error
    )
    assert given_.power == pytest.approx(by_hand, rel=1e-12)
    # Without any effect the power is the level.
    assert excess_significance_test(effects, true_effect=1.0).power == pytest.approx(0.05, rel=1e-12)


def test_bad_arguments_are_refused():
    effects = EffectSizes(effect=[0.1, 0.2, 0.3], variance=0.1, measure="RR")
    with pytest.raises(ValueError, match="`test` must be one of"):
        excess_significance_test(effects, test="fisher")
    with pytest.raises(ValueError, match="`model` must be one of"):
        excess_significance_test(effects, model="fixed")
    with pytest.raises(ValueError, match="`alpha` must be between 0 and 1"):
        excess_significance_test(effects, alpha=0)
    with pytest.raises(ValueError, match="`true_effect` must be an effect that measure RR can have"):
        excess_significance_test(effects, true_effect=-1)
    with pytest.raises(ValueError, match="must have a finite effect"):
        excess_significance_test(EffectSizes(effect=[0.1, np.inf], variance=0.1))


@pytest.mark.parametrize("measure", ["PLO", "IRLN"])
def test_a_measure_without_no_effect_is_refused(measure):
    effects = EffectSizes(effect=[-2.0, -1.5, -1.8], variance=[0.1, 0.1, 0.2], measure=measure)
    with pytest.raises(ValueError, match=rf"`effects` must be .* no effect, .* is '{measure}': a \w+ has no"):
        excess_significance_test(effects)


def test_one_study_is_one_study():
    text = str(excess_significance_test(EffectSizes(effect=[0.9], variance=[0.04])))
    assert "1 of 1 study significant" in text
