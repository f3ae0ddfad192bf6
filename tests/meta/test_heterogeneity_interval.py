import numpy as np
import pytest
from scipy.special import chdtr

from analysis import EffectSizes, pool
from analysis.meta.heterogeneity_interval import tau2_interval
from reference_values import dataset, identifier, load, number, records

TYPES = {
    "confint_QP_tight": "q-profile",
    "confint_QP_tight90": "q-profile",
    "confint_PL_tight": "profile-likelihood",
    "confint/Wald": "wald",
    "confint/Wald.log": "wald-log",
    "confint/Wald.sqrt": "wald-square-root",
}


def _parts(record):
    *kind, data, method = record["id"].split("/")
    return TYPES["/".join(kind)], data, method


def _effects(name, record):
    columns = dataset(name, record)
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    return effects, np.isfinite(effects.effect) & np.isfinite(effects.variance)


def _comparable(record):
    kind = record["id"].rsplit("/", 2)[0]
    if kind not in TYPES:
        return False
    _, data, method = _parts(record)
    # metafor's ML of these stops at 0, and its limits with it.
    return (data, method) != ("extreme_vi", "ML")


@pytest.mark.parametrize("record", records("B_confint", keep=_comparable), ids=identifier)
def test_intervals_equal_metafor(record):
    method, _, estimator = _parts(record)
    effects, where = _effects("B_confint", record)
    level = 0.9 if "90" in record["id"].split("/")[0] else 0.95
    ours = tau2_interval(pool(effects, tau2=estimator, where=where), method=method, confidence_level=level)
    rows = record["outputs"]["random"]["rows"]
    if method.startswith("wald-") and number(rows[0][0]) < 1e-12:
        # At tau2 = 0 there is no such interval; metafor's ML stops just above.
        assert ours.tau2 == 0
        assert ours.tau2_low == 0
        return
    if method == "q-profile" and number(rows[0][2]) < ours.tau2_high * (1 - 1e-6):
        # metafor searches no further than this; our limit put back gives the quantile.
        assert number(rows[0][2]) == max(100, 10 * number(rows[0][0]))
        y, v, high = effects.effect[where], effects.variance[where], float(ours.tau2_high)
        w = 1 / (v + high)
        q = float((w * (y - (w * y).sum() / w.sum()) ** 2).sum())
        assert chdtr(y.size - 1, q) == pytest.approx((1 - level) / 2, rel=1e-9)
        rows = [row[:2] for row in rows]
    for name, row in (("tau2", rows[0]), ("i2", rows[2]), ("h2", rows[3])):
        for end, expected in zip(("_low", "_high"), map(number, row[1:]), strict=False):
            got = float(getattr(ours, name + end))
            assert got == pytest.approx(expected, rel=1e-7, abs=1e-10, nan_ok=True), (name, end)


def _bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


def test_generalised_intervals_put_the_observed_form_at_its_quantiles():
    effects = _bcg()
    rng = np.random.default_rng(7)
    for method, power in (("jackson", 0.5), ("biggerstaff-jackson", 1.0)):
        ours = tau2_interval(pool(effects, tau2="DL"), method=method)
        weight = effects.variance**-power
        for tau2, probability in ((ours.tau2_low, 0.975), (ours.tau2_high, 0.025)):
            draws = rng.normal(0, np.sqrt(effects.variance + tau2), (200_000, 13))
            form, observed = (
                (weight * (y - (weight * y).sum(-1, keepdims=True) / weight.sum()) ** 2).sum(-1)
                for y in (draws, effects.effect)
            )
            assert (form <= observed).mean() == pytest.approx(probability, abs=4 * np.sqrt(0.024 / 200_000))


# meta's default "J" weights by 1/se, "BJ" by 1/variance.
# In the records of "PL" meta gives the Q-profile or Jackson's limits.
META = {"tauci-QP": "q-profile", "tauci-J": "jackson", "tauci-BJ": "biggerstaff-jackson"}


@pytest.mark.parametrize(
    "record", records("meta", "metagen/", keep=lambda r: r["id"].split("/")[-1] in META), ids=identifier
)
def test_intervals_equal_meta(record):
    _, _, estimator, kind = record["id"].split("/")
    effects, where = _effects("meta", record)
    ours = tau2_interval(pool(effects, tau2=estimator, where=where), method=META[kind])
    expected = [number(record["outputs"][f"{end}.tau2"]) for end in ("lower", "upper")]
    # R searches to 1.2e-4.
    assert [float(ours.tau2_low), float(ours.tau2_high)] == pytest.approx(expected, abs=2e-4, rel=1e-3)
    assert not np.isnan(expected).any()


@pytest.mark.parametrize(
    "record", records("meta", "metagen/", keep=lambda r: r["id"].endswith("DL/classic")), ids=identifier
)
def test_test_based_interval_equals_meta(record):
    effects, where = _effects("meta", record)
    ours = tau2_interval(pool(effects, tau2="DL", where=where), method="test-based")
    expected = record["outputs"]
    for name, key, scale in (("i2", "I2", 100), ("h2", "H", 1)):
        for end, prefix in (("_low", "lower."), ("_high", "upper."), ("", "")):
            theirs = number(expected[prefix + key])
            theirs = theirs**2 if name == "h2" else scale * theirs
            assert float(getattr(ours, name + end)) == pytest.approx(theirs, rel=1e-10, abs=1e-10), (
                name,
                end,
            )


def test_effects_closer_than_their_errors_allow_have_the_interval_zero():
    effects = EffectSizes(effect=[0.1, 0.1001, 0.0999, 0.1], variance=[1, 1, 1, 1])
    ours = tau2_interval(pool(effects))
    assert (ours.tau2_low, ours.tau2_high) == (0, 0)


def test_a_batch_equals_a_loop():
    rng = np.random.default_rng(3)
    y, v = rng.normal(0, 0.6, (20, 7)), rng.uniform(0.02, 0.7, (20, 7))
    for method in ("q-profile", "jackson", "profile-likelihood", "test-based"):
        batch = tau2_interval(pool(EffectSizes(effect=y, variance=v)), method=method)
        for row in range(20):
            one = tau2_interval(pool(EffectSizes(effect=y[row], variance=v[row])), method=method)
            for name in ("tau2_low", "tau2_high", "i2_low", "i2_high"):
                assert getattr(batch, name)[row] == pytest.approx(
                    float(getattr(one, name)), rel=1e-10, abs=1e-12, nan_ok=True
                )


def test_bad_choices_are_named():
    fit = pool(_bcg(), tau2="DL")
    with pytest.raises(ValueError, match="is for tau2='ML' and tau2='REML', but tau2 is 'DL'"):
        tau2_interval(fit, method="profile-likelihood")
    with pytest.raises(ValueError, match="`method` must be one of 'q-profile'"):
        tau2_interval(fit, method="qp")
    with pytest.raises(ValueError, match="has no tau2"):
        tau2_interval(pool(_bcg(), model="common"))
