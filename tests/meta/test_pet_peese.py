import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import WLS

from analysis import EffectSizes, pool
from analysis.meta.pet_peese import pet_peese, waap_wls
from analysis.meta.small_study import egger_test
from reference_values import assert_same, dataset, identifier, number, numbers, records


def _effects(record):
    columns = dataset("D_bias", record)
    inside = np.isfinite(columns["yi"]) & np.isfinite(columns["vi"])
    return EffectSizes(effect=columns["yi"][inside], variance=columns["vi"][inside])


def _regression_on(predictor):
    return records("D_bias", "regtest/", keep=lambda record: record["id"].endswith(f"/lm/{predictor}"))


@pytest.mark.parametrize(
    ("record", "name"),
    [(record, "pet") for record in _regression_on("sei")]
    + [(record, "peese") for record in _regression_on("vi")],
    ids=lambda value: identifier(value) if isinstance(value, dict) else value,
)
def test_pet_and_peese_are_the_intercepts_of_r(record, name):
    ours = pet_peese(_effects(record))
    intercept, slope = (numbers(row) for row in record["outputs"]["coef"]["rows"])
    estimate = getattr(ours, name)
    assert float(estimate.value) == pytest.approx(intercept[0], rel=1e-9, abs=1e-12)
    assert float(estimate.std_error) == pytest.approx(intercept[1], rel=1e-9)
    assert float(estimate.pvalue) == pytest.approx(intercept[3], rel=1e-8)
    assert float(estimate.low) == pytest.approx(number(record["outputs"]["ci.lb"]), rel=1e-8, abs=1e-10)
    assert float(getattr(ours, f"{name}_slope")) == pytest.approx(slope[0], rel=1e-9, abs=1e-12)
    assert float(getattr(ours, f"{name}_slope_std_error")) == pytest.approx(slope[1], rel=1e-9)


def test_the_choice_follows_pets_one_sided_test():
    rng = np.random.default_rng(0)
    v = rng.uniform(0.01, 0.3, (200, 12))
    y = rng.normal(rng.choice([0.0, 0.3, -0.3], (200, 1)), np.sqrt(v))
    ours = pet_peese(EffectSizes(effect=y, variance=v))
    significant = ours.pet.pvalue < 0.10
    assert 20 < significant.sum() < 180
    assert (ours.uses_peese == significant).all()
    assert_same(ours.conditional.low, np.where(significant, ours.peese.low, ours.pet.low), rel=1e-12)
    strict = pet_peese(EffectSizes(effect=y, variance=v), alpha=0.001)
    assert (strict.uses_peese == (ours.pet.pvalue < 0.002)).all()
    assert set(ours.to_frame()["method"]) == {"PET", "PEESE", "PET-PEESE"}
    assert len(ours.to_frame()) == 600
    assert str(ours) == str(ours.conditional)


def test_pet_is_eggers_limit():
    effects = EffectSizes(effect=[0.5, 0.2, 0.4, 0.05], variance=[0.2, 0.1, 0.15, 0.02], measure="OR")
    pet, limit = pet_peese(effects).pet, egger_test(effects).limit
    for name in ("value", "low", "high", "std_error"):
        assert_same(getattr(pet, name), getattr(limit, name), rel=1e-12)
    assert str(pet_peese(effects)).startswith("PET 0.8")


def test_unrestricted_weighted_least_squares_equals_statsmodels():
    rng = np.random.default_rng(4)
    y, v = rng.normal(0.6, 0.2, 15), np.geomspace(0.005, 0.3, 15)
    ours = waap_wls(EffectSizes(effect=y, variance=v))
    theirs = WLS(y, np.ones(15), weights=1 / v).fit()
    low, high = theirs.conf_int()[0]
    assert_same(
        [ours.wls.value, ours.wls.std_error, ours.wls.low, ours.wls.high, ours.wls.pvalue],
        np.array([theirs.params[0], theirs.bse[0], low, high, theirs.pvalues[0]]),
        rel=1e-9,
    )
    adequate = np.sqrt(v) <= abs(theirs.params[0]) / 2.8
    assert 2 <= adequate.sum() < 15
    powered = WLS(y[adequate], np.ones(adequate.sum()), weights=1 / v[adequate]).fit()
    assert ours.n_adequate == adequate.sum()
    assert_same(
        [ours.waap.value, ours.waap.std_error], np.array([powered.params[0], powered.bse[0]]), rel=1e-9
    )
    # 2.8 standard errors are 80 % power at 5 %.
    assert stats.norm.sf(1.96 - 2.8) == pytest.approx(0.8, abs=1e-3)


def test_wls_is_hartung_knapp_without_heterogeneity():
    effects = EffectSizes(effect=[0.1, 0.5, 0.2], variance=[0.05, 0.1, 0.2], measure="RR")
    fit = pool(effects, tau2=0.0, ci="hartung-knapp").estimate
    ours = waap_wls(effects)
    assert_same(ours.wls.low, fit.low, rel=1e-10)
    assert_same(ours.wls.high, fit.high, rel=1e-10)
    # No study is adequate: WAAP-WLS is WLS.
    assert ours.n_adequate == 0
    assert_same(ours.waap.high, ours.wls.high, rel=1e-15)
    assert "of all, as 0 would not do, of 3 studies" in str(ours)


@pytest.mark.parametrize("function", [pet_peese, waap_wls])
def test_a_batch_equals_a_loop(function):
    rng = np.random.default_rng(5)
    y, v = rng.normal(0.3, 0.4, (3, 4, 9)), rng.uniform(0.002, 0.5, (3, 4, 9))
    batch = function(EffectSizes(effect=y, variance=v))
    for index in np.ndindex(3, 4):
        one = function(EffectSizes(effect=y[index], variance=v[index]))
        for name in ("conditional", "pet") if function is pet_peese else ("waap", "wls"):
            assert_same(getattr(batch, name).low[index], getattr(one, name).low, rel=1e-9)
    assert len(batch.to_frame()) == 12 * (3 if function is pet_peese else 2)


def test_bad_arguments_are_refused():
    effects = EffectSizes(effect=[0.1, 0.2, 0.4], variance=[0.1, 0.2, 0.3])
    with pytest.raises(
        ValueError, match="`alpha` must be between 0 and 0.5, as it is one-sided, but got 0.5"
    ):
        pet_peese(effects, alpha=0.5)
    with pytest.raises(ValueError, match="Measure PLO has no value of no effect"):
        pet_peese(EffectSizes(effect=[0.1, 0.2, 0.4], variance=[0.1, 0.2, 0.3], measure="PLO"))
    with pytest.raises(ValueError, match="must differ between studies"):
        pet_peese(EffectSizes(effect=[0.1, 0.2, 0.4], variance=0.1))
    with pytest.raises(ValueError, match="lie on it exactly"):
        pet_peese(EffectSizes(effect=0.1, variance=[0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="The effects must differ, but are 0.1 in all studies"):
        waap_wls(EffectSizes(effect=0.1, variance=[0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="At least 2 studies"):
        waap_wls(EffectSizes(effect=0.1, variance=0.1))
    with pytest.raises(TypeError, match="must be EffectSizes"):
        pet_peese([1.0])
