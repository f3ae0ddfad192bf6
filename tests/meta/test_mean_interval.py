"""Intervals of the mean that are more than an estimate plus or minus a quantile times a standard error."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from analysis import EffectSizes, pool
from analysis.meta.methods.mean_interval import bartlett_factor
from analysis.meta.methods.weighted_model import Studies
from reference_values import dataset, identifier, load, number, numbers, records


@pytest.mark.parametrize("record", records("D_bias", "hc/"), ids=identifier)
def test_henmi_copas_equals_metafor(record):
    columns, expected = dataset("D_bias", record), record["outputs"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    where = np.isfinite(effects.effect) & np.isfinite(effects.variance)
    ours = pool(effects, tau2="DL", ci="henmi-copas", where=where)
    centre, low, high = (float(numbers(expected[name]).ravel()[0]) for name in ("beta", "ci.lb", "ci.ub"))
    assert ours.tau2 == pytest.approx(number(expected["tau2"]), rel=1e-9, abs=1e-12)
    assert ours.mean == pytest.approx(centre, rel=1e-9, abs=1e-12)
    # R's root of the half width is found to 1.2e-4.
    half = (high - low) / 2
    assert float(ours.estimate.high - ours.mean) == pytest.approx(half, rel=2e-4)
    assert float(ours.mean - ours.estimate.low) == pytest.approx(half, rel=2e-4)


def _bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"])


def _lost(effects, mean):
    """Return twice the log-likelihood that a mean loses, each with its best tau2, by another optimiser."""
    y, v = np.asarray(effects.effect), np.asarray(effects.variance)

    def minus(tau2, at):
        w = 1 / (v + tau2)
        centre = (w * y).sum() / w.sum() if at is None else at
        return np.log(v + tau2).sum() + (w * (y - centre) ** 2).sum()

    best = [
        minimize_scalar(
            lambda t, a=at: minus(np.exp(t), a), bounds=(-12, 5), method="bounded", options={"xatol": 1e-12}
        )
        for at in (mean, None)
    ]
    return best[0].fun - best[1].fun


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_profile_limits_put_back_lose_the_quantile(level):
    effects = _bcg()
    fit = pool(effects, tau2="ML", ci="profile", confidence_level=level)
    critical = {0.9: 2.705543454095404, 0.95: 3.841458820694124}[level]
    for limit in (fit.estimate.low, fit.estimate.high):
        assert _lost(effects, float(limit)) == pytest.approx(critical, rel=1e-7)
    corrected = pool(effects, tau2="ML", ci="profile-bartlett", confidence_level=level)
    factor = bartlett_factor(Studies(effects.effect[:, None], effects.variance[:, None]), fit.tau2[None])[0]
    assert factor > 1
    for limit in (corrected.estimate.low, corrected.estimate.high):
        assert _lost(effects, float(limit)) == pytest.approx(critical * factor, rel=1e-7)


def test_bartlett_factor_is_the_mean_of_the_likelihood_ratio():
    """Of equal variances the ratio is k log(1 + t²/(k - 1)), whose mean is the factor to order 1/k²."""
    k, tau2 = 30, 4.0
    rng = np.random.default_rng(5)
    y = rng.normal(0, np.sqrt(0.01 + tau2), (200_000, k))
    t2 = k * y.mean(axis=1) ** 2 / y.var(axis=1, ddof=1)
    ratio = k * np.log1p(t2 / (k - 1))
    factor = bartlett_factor(Studies(np.zeros((k, 1)), np.full((k, 1), 0.01)), np.array([tau2]))[0]
    assert factor == pytest.approx(1 + 3 / (2 * k), rel=1e-12)
    # The mean of 200 000 has a standard error of 0.0032; the next order is 3/k² = 0.003.
    assert ratio.mean() == pytest.approx(factor, abs=0.013)


def test_bartlett_factor_of_unequal_variances_is_the_mean_too():
    k = 40
    rng = np.random.default_rng(6)
    v = np.exp(rng.normal(-1, 1, k))
    y = rng.normal(0, np.sqrt(v + 0.5), (20_000, k))
    effects = EffectSizes(effect=y, variance=v)
    studies = Studies(np.ascontiguousarray(y.T), np.ascontiguousarray(np.broadcast_to(v, y.shape).T))
    from analysis.meta.methods.mean_interval import likelihood_ratio

    ratio = likelihood_ratio(studies, np.zeros(20_000))
    expected = bartlett_factor(Studies(np.zeros((k, 1)), v[:, None]), np.array([0.5]))[0]
    assert effects.shape == (20_000, k)
    assert ratio.mean() == pytest.approx(expected, abs=4 * ratio.std() / np.sqrt(20_000) + 0.01)
    assert expected > 1.03


def test_what_an_interval_is_built_on_is_said():
    with pytest.raises(ValueError, match='is built on tau2="ML" and model="random"'):
        pool(_bcg(), ci="profile")
    with pytest.raises(ValueError, match='is built on tau2="DL"'):
        pool(_bcg(), ci="henmi-copas", model="common", tau2="DL")
    with pytest.raises(ValueError, match="whose weights are inverse variances"):
        pool(_bcg(), ci="kenward-roger", weights=np.ones(13))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [1, 2, 3]}, "must broadcast to the studies"),
        ({"weights": np.zeros(13)}, "`weights` must be greater than 0, but is 0 at index 0"),
        ({"tau2": -0.1}, "0 or greater, or a method"),
        ({"tau2": "GENQ"}, "`weights` must be given for tau2='GENQ'"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        pool(_bcg(), **options)


def test_median_unbiased_generalised_q():
    """The form is its median at tau2: half of simulated forms lie below the observed one."""
    effects = _bcg()
    weights = np.asarray(effects.variance) ** -0.5
    fit = pool(effects, tau2="GENQM", ci="wald", weights=weights)
    rng = np.random.default_rng(2)
    draws = rng.normal(0, np.sqrt(effects.variance + fit.tau2), (200_000, 13))
    form, observed = (
        (weights * (y - (weights * y).sum(-1, keepdims=True) / weights.sum()) ** 2).sum(-1)
        for y in (draws, np.asarray(effects.effect))
    )
    assert (form <= observed).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(200_000))


@pytest.mark.parametrize(("once", "twice"), [("DL", "DL2"), ("HE", "CA2")])
def test_two_step_estimators_are_the_moment_estimator_at_the_weights_of_the_first(once, twice):
    effects = _bcg()
    first = float(pool(effects, tau2=once).tau2)
    given = pool(effects, tau2="GENQ", weights=1 / (effects.variance + first), ci="wald")
    assert pool(effects, tau2=twice).tau2 == pytest.approx(float(given.tau2), rel=1e-12)
