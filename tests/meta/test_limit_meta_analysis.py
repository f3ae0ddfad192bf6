import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.meta.limit_meta_analysis import limit_meta_analysis
from analysis.meta.small_study import egger_test
from reference_values import assert_same, dataset, identifier, number, records


@pytest.mark.parametrize("record", records("meta", "limitmeta/"), ids=identifier)
def test_equals_metasens(record):
    columns = dataset("meta", record)
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    ours = limit_meta_analysis(effects, method=record["inputs"]["ml"], tau2="DL")
    expected = record["outputs"]
    near = {"rel": 1e-9, "abs": 1e-13}
    pairs = {
        "TE.adjust": ours.estimate.value,
        "seTE.adjust": ours.estimate.std_error,
        "lower.adjust": ours.estimate.low,
        "upper.adjust": ours.estimate.high,
        "Q": ours.q,
        "Q.small": ours.q_small_study,
        "Q.resid": ours.q_residual,
        "tau": np.sqrt(ours.tau2),
    }
    for name, value in pairs.items():
        assert float(value) == pytest.approx(number(expected[name]), **near), name
    assert float(ours.g2) / 100 == pytest.approx(number(expected["G.squared"]), rel=1e-8)
    assert float(ours.intercept) == pytest.approx(number(expected["alpha.r"]["(Intercept)"]), **near)
    assert float(ours.slope) == pytest.approx(number(expected["beta.r"]["x"]), **near)
    assert float(ours.estimate.pvalue) == pytest.approx(number(expected["pval.adjust"]), rel=1e-7, abs=1e-300)


def test_without_heterogeneity_all_methods_agree():
    effects = EffectSizes(effect=[0.10, 0.11, 0.10, 0.12], variance=[0.05, 0.06, 0.04, 0.07])
    fits = [limit_meta_analysis(effects, method=method) for method in ("beta0", "betalim", "mulim")]
    assert all(fit.tau2 == 0 and fit.g2 == 0 for fit in fits)
    values = [float(fit.estimate.value) for fit in fits]
    assert values == pytest.approx([values[0]] * 3, abs=1e-12)
    # That is PET with unit dispersion: Egger's regression extrapolated.
    assert values[0] == pytest.approx(float(egger_test(effects).limit.value), rel=1e-9)
    assert fits[0].limit_effects.effect == pytest.approx([values[0]] * 4, abs=1e-12)


def test_equal_effects_are_a_result():
    fit = limit_meta_analysis(EffectSizes(effect=0.3, variance=[0.1, 0.2, 0.3]))
    assert float(fit.estimate.value) == pytest.approx(0.3)
    assert fit.q_small_study == pytest.approx(0, abs=1e-20)
    assert fit.g2 == 0


def test_a_symmetric_funnel_needs_no_adjustment():
    s = np.repeat(np.linspace(0.1, 0.5, 8), 2)
    y = 0.3 + s * np.tile([1.6, -1.6], 8)
    effects = EffectSizes(effect=y, variance=s**2, measure="OR")
    fit = limit_meta_analysis(effects)
    assert fit.tau2 > 0
    assert float(fit.intercept) == pytest.approx(0, abs=1e-9)
    assert float(fit.estimate.value) == pytest.approx(
        float(pool(effects, ci="wald").estimate.value), rel=1e-9
    )
    assert float(fit.q_small_study) == pytest.approx(0, abs=1e-9)
    assert str(fit).startswith("Limit meta-analysis (beta0): 1.35 (")
    assert str(fit).endswith("16 studies")


@pytest.mark.parametrize("method", ["beta0", "betalim", "mulim"])
def test_a_batch_equals_a_loop(method):
    rng = np.random.default_rng(3)
    v = rng.uniform(0.02, 0.6, (2, 6, 8))
    y = rng.normal(0, np.sqrt(v + 0.1)) + np.sqrt(v)
    batch = limit_meta_analysis(EffectSizes(effect=y, variance=v), method=method)
    for index in np.ndindex(2, 6):
        one = limit_meta_analysis(EffectSizes(effect=y[index], variance=v[index]), method=method)
        assert_same(batch.estimate.low[index], one.estimate.low, rel=1e-8, abs_=1e-10)
        assert_same(batch.g2[index], one.g2, rel=1e-7, abs_=1e-8)
        assert_same(batch.limit_effects.effect[index], one.limit_effects.effect, rel=1e-8, abs_=1e-10)
    frame = batch.to_frame()
    assert frame["g2"].tolist() == batch.g2.ravel().tolist()


def test_bad_arguments_are_refused():
    effects = EffectSizes(effect=[0.1, 0.2, 0.3], variance=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="`method` must be one of"):
        limit_meta_analysis(effects, method="beta1")
    with pytest.raises(ValueError, match="must differ between studies"):
        limit_meta_analysis(EffectSizes(effect=[0.1, 0.2, 0.3], variance=0.1))
    with pytest.raises(ValueError, match="At least 3 studies"):
        limit_meta_analysis(EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.2]))
