import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from analysis import ConvergenceError, EffectSizes
from analysis.meta import priors, published_priors
from analysis.meta.bayes import pool_bayes
from analysis.meta.methods import quadrature, quadrature_mixture
from analysis.meta.published_priors import rhodes_prior, turner_prior
from reference_values import dataset, identifier, numbers, records

PRIORS = {
    "hn05": priors.HalfNormal(0.5),
    "hn1": priors.HalfNormal(1),
    "hc05": priors.HalfCauchy(0.5),
    "uniform": priors.ImproperUniform(),
    "jeffreys": priors.Jeffreys(),
    "dumouchel": priors.DuMouchel(),
    "hls": priors.HalfLogistic(0.3),
    "ln": priors.LogNormal(-1.5, 0.8),
}
PROPER = [
    priors.HalfNormal(0.5),
    priors.HalfCauchy(0.5),
    priors.HalfT(0.5, 4),
    priors.HalfLogistic(0.3),
    priors.Exponential(0.3),
    priors.Uniform(2.0),
    priors.Uniform(0.05),
    priors.LogNormal(-2, 3),
    turner_prior(),
    rhodes_prior(),
    priors.DuMouchel(),
]
RECORDS = records("bayesmeta", "bayesmeta/")
EFFECTS = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])


def _fit(record):
    columns = dataset("bayesmeta", record)
    _, _, tau, mean = record["id"].split("/")
    effects = EffectSizes(effect=columns["y"], variance=columns["s"] ** 2)
    return pool_bayes(effects, tau_prior=PRIORS[tau], mean_prior=(0, 2) if mean == "mu-N02" else None)


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_posteriors_equal_bayesmeta(record):
    fit, out = _fit(record), record["outputs"]
    summary = np.array([numbers(row) for row in out["summary"]["rows"]])
    # Where the deviation is infinite, the width of the interval stands in.
    unit = np.where(np.isfinite(summary[3]), summary[3], summary[5] - summary[4])
    for i, posterior in enumerate((fit.tau, fit.mean, fit.new_study)):
        # bayesmeta's tau is exact; its mean and prediction stand on a coarse grid (delta = 1e-4), and its
        # shortest intervals on a minimum, which has half of the digits.
        close = 1e-9 if i == 0 else 1e-4
        assert float(posterior.mode()) == pytest.approx(summary[0, i], abs=1.5e-4 * unit[i])
        assert float(posterior.median) == pytest.approx(summary[1, i], abs=close * unit[i])
        assert float(posterior.mean) == pytest.approx(summary[2, i], abs=max(close, 1e-7) * unit[i])
        assert [*posterior.shortest()] == pytest.approx(summary[4:, i], abs=1.5e-4 * unit[i])
        name = ("q_tau", "q_mu", "q_pred")[i]
        quantiles = posterior.quantile(out["q_prob"])
        assert quantiles == pytest.approx(numbers(out[name]), abs=close * unit[i])
        # The tail of the half-Cauchy is cut short there: see test_heavy_tails_are_not_cut.
        if np.isfinite(float(posterior.sd)):
            heavy = "two/hc05/mu-N02" in record["id"] and i == 2
            assert float(posterior.sd) == pytest.approx(
                summary[3, i], rel=1e-2 if heavy else max(close, 2e-4)
            )
    assert float(fit.mean.cdf(0)) == pytest.approx(out["p_mu_lt_0"], abs=2e-5)
    assert float(fit.new_study.cdf(0)) == pytest.approx(out["p_pred_lt_0"], abs=2e-5)
    assert float(fit.tau.cdf(0.2)) == pytest.approx(out["p_tau_lt_.2"], abs=1e-10)
    assert float(fit.tau.density(0.2)) == pytest.approx(out["d_tau_.2"], rel=1e-9)
    given = out["cond_mu_tau_.3"]
    assert [float(x) for x in fit.mean_given_tau(0.3)] == pytest.approx(
        [given["mean"], given["sd"]], rel=1e-12
    )
    assert float(fit.mean.density(0)) == pytest.approx(out["d_mu_0"], rel=3e-4)
    weights = np.append(fit.weights, fit.prior_weight) if fit.mean_prior else fit.weights
    assert weights / 100 == pytest.approx(numbers(out["weights_mean"]), rel=1e-9)


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_shrinkage_equals_bayesmeta(record):
    shrunken = _fit(record).shrinkage()
    rows = np.array([numbers(row) for row in record["outputs"]["shrinkage"]["rows"]])
    low, high = shrunken.shortest()
    ours = np.stack((shrunken.median, shrunken.mean, shrunken.sd, low, high), axis=-1)
    assert np.abs((ours - rows[:, 2:]) / rows[:, 4:5]).max() < 2e-4


@pytest.mark.parametrize("record", [r for r in RECORDS if r["outputs"]["marglik"]], ids=identifier)
def test_marginal_likelihoods_equal_bayesmeta(record):
    fit, out = _fit(record), record["outputs"]
    assert float(np.exp(fit.log_marginal_likelihood)) == pytest.approx(out["marglik"], rel=1e-10)
    assert [float(x) for x in fit.bayes_factors()] == pytest.approx(out["bayesfactor"]["rows"][0], rel=1e-9)


def _directly(effects, prior, mean_prior=None):
    """Return tau, its probabilities, and mean and deviation of mu given tau: a trapezoid in log tau."""
    wide = isinstance(prior, priors.LogT)
    tau = np.exp(np.linspace(-600, 250, 400_001) if wide else np.linspace(-60, 60, 200_001))
    y, v = effects.effect, effects.variance
    w = 1 / (v + tau[:, None] ** 2)
    m0, p0 = (0, 0) if mean_prior is None else (mean_prior[0], mean_prior[1] ** -2)
    total = w.sum(1) + p0
    mean = ((w * y).sum(1) + p0 * m0) / total
    square = (w * (y - mean[:, None]) ** 2).sum(1) + p0 * (mean - m0) ** 2
    log = 0.5 * (np.log(w).sum(1) - np.log(total) - square) + prior.log_density(tau[None], v)[0] + np.log(tau)
    density = np.exp(log - log.max())
    return tau, density / density.sum(), mean, 1 / np.sqrt(total)


@pytest.mark.parametrize("prior", [p for p in PROPER if not isinstance(p, priors.Uniform)], ids=repr)
@pytest.mark.parametrize("mean_prior", [None, (0.2, 0.3)])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_quadrature_is_exact(prior, mean_prior, k):
    effects = EffectSizes(effect=EFFECTS.effect[:k], variance=EFFECTS.variance[:k])
    fit = pool_bayes(effects, tau_prior=prior, mean_prior=mean_prior)
    tau, p, mean, sd = _directly(effects, prior, mean_prior)
    for posterior, spread in ((fit.mean, sd), (fit.new_study, np.sqrt(sd**2 + tau**2))):
        x = posterior.quantile([0.001, 0.025, 0.5, 0.975, 0.999])
        level = (p[:, None] * stats.norm.cdf((x - mean[:, None]) / spread[:, None])).sum(0)
        assert level == pytest.approx([0.001, 0.025, 0.5, 0.975, 0.999], abs=1e-10)
    x = np.array([0.05, 0.3, 1.0])
    below = np.interp(np.log(x), np.log(tau), np.cumsum(p) - p / 2)
    # A sum that ends inside of the density is only good to the square of its step.
    assert fit.tau.cdf(x) == pytest.approx(below, abs=2e-6)
    if np.isfinite(float(fit.tau.sd)):
        first = (p * tau).sum()
        assert float(fit.tau.mean) == pytest.approx(first, rel=1e-9)
        assert float(fit.tau.sd) == pytest.approx(np.sqrt((p * (tau - first) ** 2).sum()), rel=1e-7)


@pytest.mark.parametrize("upper", [0.05, 2.0])
def test_a_bounded_prior_ends_where_it_ends(upper):
    fit = pool_bayes(EFFECTS, tau_prior=priors.Uniform(upper))

    def likelihood(tau):
        return float(np.exp(fit._model.log_likelihood_of(np.array([[tau]]))[0, 0]))

    total = integrate.quad(likelihood, 0, upper, epsabs=0, epsrel=1e-12)[0]
    half = integrate.quad(likelihood, 0, upper / 2, epsabs=0, epsrel=1e-12)[0]
    assert float(fit.tau.cdf(upper / 2)) == pytest.approx(half / total, rel=1e-10)
    assert float(fit.tau.density(upper * 1.001)) == 0
    assert float(fit.tau.quantile(1)) == pytest.approx(upper, rel=1e-9)


def test_heavy_tails_are_not_cut():
    # Two studies, half-Cauchy: tau falls like tau**-3, so that E tau² is infinite and with it the variance of
    # the mean. bayesmeta 3.4 prints 1.289 and 2.144 for the deviations of mean and prediction.
    two = EffectSizes(effect=[-2.31, -1.26], variance=np.square([0.6, 0.64]))
    flat = pool_bayes(two, tau_prior=priors.HalfCauchy(0.5))
    assert float(flat.tau.mean) == pytest.approx(0.6828570419064093, rel=1e-9)
    assert [float(x) for x in (flat.tau.sd, flat.mean.sd, flat.new_study.sd)] == [np.inf] * 3
    # With a prior of the mean the deviation of the prediction exists; bayesmeta prints 1.24217.
    fit = pool_bayes(two, tau_prior=priors.HalfCauchy(0.5), mean_prior=(0, 2))
    tau, p, mean, sd = _directly(two, priors.HalfCauchy(0.5), (0, 2))
    centre = (p * mean).sum()
    exact = np.sqrt((p * (sd**2 + tau**2 + (mean - centre) ** 2)).sum())
    assert float(fit.new_study.sd) == pytest.approx(exact, rel=1e-8)
    assert exact == pytest.approx(1.2507, abs=1e-3)


@pytest.mark.parametrize("prior", PROPER, ids=repr)
def test_proper_priors_integrate_to_one(prior):
    v = np.array([0.03, 0.05])
    x = np.linspace(-600, 300, 900_001)
    tau = np.exp(x)
    tau = tau[tau <= prior.largest]
    total = np.exp(prior.log_density(tau[None], v)[0] + np.log(tau)).sum() * (x[1] - x[0])
    assert total == pytest.approx(1, abs=2e-3 if isinstance(prior, priors.Uniform) else 1e-8)


def test_empirical_priors_are_of_the_variance():
    # Turner et al. give log tau2; half of its mean and deviation are those of log tau.
    assert turner_prior() == priors.LogNormal(-1.28, 0.87)
    assert turner_prior("signs and symptoms", "pharmacological v placebo").mean == -1.03
    assert rhodes_prior() == priors.LogT(-1.72, 1.295, 5.0)
    assert rhodes_prior("pain", "non-pharmacological v any", area="cancer").scale == pytest.approx(1.2)
    with pytest.raises(ValueError, match="must both be"):
        turner_prior("pain")
    with pytest.raises(ValueError, match="'pian'"):
        turner_prior("pian", "pharmacological v placebo")
    with pytest.raises(ValueError, match="does not fit the others of its table"):
        rhodes_prior("mental health", "non-pharmacological v any")


def test_tables_of_priors_have_the_structure_of_the_papers_models():
    """A misprint of a mean by 0.03 or more would show: means are sums of one number a factor.

    So do the two entries that are left out: -3.85 and -0.13 where the others say -2.85 and 0.13.
    """
    turner = np.array([[mean for mean, _ in row] for row in published_priors._TURNER.values()])
    assert turner.shape == (16, 5)
    assert np.ptp(turner - turner[:, :1], axis=0).max() <= 0.025
    rhodes = np.array(
        [
            [[np.nan if entry is None else entry[0] for entry in row] for row in table.values()]
            for table in published_priors._RHODES.values()
        ]
    )
    assert rhodes.shape == (3, 8, 3)
    assert np.isnan(rhodes).sum() == 2
    for axis in (0, 2):
        step = np.diff(rhodes, axis=axis)
        spread = np.nanmax(step, axis=(1, 2 - axis)) - np.nanmin(step, axis=(1, 2 - axis))
        assert spread.max() <= 0.035


def test_shortest_intervals_are_shortest():
    fit = pool_bayes(EFFECTS)
    for posterior in (fit.mean, fit.new_study, fit.tau, fit.shrinkage()):
        low, high = posterior.shortest(0.9)
        inside = posterior.cdf(np.stack((low, high), -1).ravel())
        if posterior.shape == ():
            assert float(inside[1] - inside[0]) == pytest.approx(0.9, abs=1e-10)
            assert posterior.density(low) == pytest.approx(posterior.density(high), rel=1e-7)
        for shift in (-0.03, -0.01, 0.01, 0.03):
            p = np.clip(0.05 + shift, 0, 0.1)
            other = posterior.quantile([p, p + 0.9])
            assert (other[..., 1] - other[..., 0] >= high - low - 1e-12).all()


def test_the_slow_way_to_a_shortest_interval_agrees():
    fit = pool_bayes(EFFECTS)
    fast = fit.mean.shortest()
    slow = quadrature_mixture._shortest_by_probability(fit.mean, np.zeros(1), 0.95)
    assert [float(x) for x in fast] == pytest.approx(slow[0], abs=1e-8)


def test_a_tau_that_rises_to_its_bound_has_its_interval_there():
    effects = EffectSizes(effect=[28.8, 6.4, -7.3], variance=[0.098, 0.103, 0.124])
    fit = pool_bayes(effects, tau_prior=priors.Uniform(2.0))
    low, high = fit.tau.shortest()
    assert float(high) == pytest.approx(2, rel=1e-12)
    assert float(low) == pytest.approx(float(fit.tau.quantile(0.05)), rel=1e-10)


def test_a_pole_at_zero_does_not_hide_a_mode():
    # The log-t density has a pole at 0; the shortest interval may still be away from it.
    effects = EffectSizes(effect=[[0, 1, 2, 3, 4, 5, 6, 7], [0.1, 0.2] * 4], variance=0.01)
    fit = pool_bayes(effects, tau_prior=rhodes_prior())
    low, high = fit.tau.shortest()
    assert low[0] > 0
    assert low[1] == 0
    p = np.linspace(0, 0.05, 26)
    lengths = fit.tau.quantile(np.minimum(p + 0.95, 1)) - fit.tau.quantile(p)
    assert (lengths >= (high - low)[:, None] * (1 - 1e-9)).all()


def test_a_tau_that_falls_from_zero_has_its_mode_and_interval_there():
    fit = pool_bayes(EffectSizes(effect=[0.3, 0.3, 0.3], variance=[0.1, 0.2, 0.3]))
    assert float(fit.tau.mode()) == 0
    low, high = fit.tau.shortest()
    assert float(low) == 0
    assert float(high) == pytest.approx(float(fit.tau.quantile(0.95)), rel=1e-12)


@pytest.mark.parametrize("prior", [*PROPER, priors.Jeffreys(), priors.ImproperUniform()], ids=repr)
def test_a_batch_equals_a_loop(prior):
    rng = np.random.default_rng(3)
    v = rng.uniform(0.01, 0.5, (2, 3, 5))
    y = rng.normal(0.2, np.sqrt(v + 0.1))
    batch = pool_bayes(EffectSizes(effect=y, variance=v), tau_prior=prior)
    assert batch.shrinkage().median.shape == (2, 3, 5)
    assert batch.tau.quantile([[0.1, 0.2]]).shape == (2, 3, 1, 2)
    shortest, mode = batch.mean.shortest(), batch.tau.mode()
    for index in np.ndindex(2, 3):
        one = pool_bayes(EffectSizes(effect=y[index], variance=v[index]), tau_prior=prior)
        for name in ("estimate", "prediction", "heterogeneity"):
            ours, single = getattr(batch, name), getattr(one, name)
            for part in ("low", "value", "high", "std_error"):
                assert float(getattr(ours, part)[index]) == pytest.approx(
                    float(getattr(single, part)), rel=1e-8, abs=1e-9
                )
        assert batch.weights[index] == pytest.approx(one.weights, rel=1e-9)
        assert [float(s[index]) for s in shortest] == pytest.approx(
            [float(s) for s in one.mean.shortest()], abs=1e-8
        )
        assert float(mode[index]) == pytest.approx(float(one.tau.mode()), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=1, max_size=8),
    shift=st.floats(-2, 2),
    factor=st.floats(0.01, 100),
)
def test_shifting_and_scaling(pairs, shift, factor):
    y, v = np.array(pairs).T
    fit = pool_bayes(EffectSizes(effect=y, variance=v), tau_prior=priors.HalfNormal(0.5))
    moved = pool_bayes(
        EffectSizes(effect=factor * y + shift, variance=factor**2 * v),
        tau_prior=priors.HalfNormal(0.5 * factor),
    )
    low, high = fit.mean.central()
    unit = float(high - low)
    for ours, theirs in zip(fit.mean.central(), moved.mean.central(), strict=True):
        assert (float(theirs) - shift) / factor == pytest.approx(float(ours), abs=1e-8 * max(unit, 1))
    assert float(moved.tau.median) / factor == pytest.approx(float(fit.tau.median), rel=1e-7)
    assert low < fit.estimate.value < high


def test_many_studies_and_far_scales():
    rng = np.random.default_rng(5)
    v = rng.uniform(0.01, 0.5, 3000)
    y = rng.normal(0.3, np.sqrt(v + 0.04))
    fit = pool_bayes(EffectSizes(effect=y, variance=v))
    assert float(fit.tau.median) == pytest.approx(0.2, abs=0.03)
    assert float(fit.tau.sd) == pytest.approx(0.0094, abs=0.002)
    # Study errors that are a million times smaller than the prior's scale, and larger.
    for scale in (1e-6, 1e6):
        far = pool_bayes(EffectSizes(effect=scale * y[:5], variance=scale**2 * v[:5]))
        assert np.isfinite([far.estimate.low, far.estimate.high]).all()


def test_reporting_scale_text_and_frame():
    effects = EffectSizes(effect=np.log([0.5, 0.8, 0.7]), variance=[0.04, 0.09, 0.02], measure="OR")
    fit = pool_bayes(effects, interval="shortest")
    assert float(np.log(fit.estimate.low)) == pytest.approx(float(fit.mean.shortest()[0]), rel=1e-12)
    assert fit.estimate.method == "bayes-shortest"
    assert re.fullmatch(
        r"0\.\d\d \(.*\), 95% prediction interval .* to .*; τ = .* \(.*\), 3 studies", str(fit)
    )
    frame = fit.to_frame()
    assert list(frame["quantity"]) == ["mean", "prediction", "tau"]
    assert frame.loc[2, "value"] == pytest.approx(float(fit.tau.median))
    two = pool_bayes(EffectSizes(effect=[[0.1, 0.2], [0.3, 0.4]], variance=0.1))
    assert list(two.to_frame()["quantity"]) == ["mean", "prediction", "tau"] * 2
    assert str(two).count("\n") == 1
    assert [x.shape for x in two.mean_given_tau([0.1, 0.2, 0.3])] == [(2, 3), (2, 3)]
    with pytest.raises(ValueError, match="`tau` must be finite and not negative"):
        fit.mean_given_tau([0.1, -1])
    assert fit.log_marginal_likelihood is None
    with pytest.raises(ValueError, match="needs two proper priors"):
        fit.bayes_factors()


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`effects` must be EffectSizes, but got list"),
        (([0.1, np.nan], [1, 1]), {}, ValueError, "at index 1 they are nan and 1"),
        (([0.1, 0.2], [1, 0]), {}, ValueError, "variance greater than 0, but at index 1 they are 0.2 and 0"),
        (([0.1, 0.2], [1, 1]), {"tau_prior": "hn"}, TypeError, "`tau_prior` must be a prior"),
        (
            ([0.1, 0.2], [1, 1]),
            {"tau_prior": priors.ImproperUniform()},
            ValueError,
            "least 3 studies, but got 2",
        ),
        (([0.1], [1]), {"tau_prior": priors.Jeffreys()}, ValueError, "at least 2 studies, but got 1"),
        (
            ([0.1], [1]),
            {"tau_prior": priors.ImproperUniform(), "mean_prior": (0, 1)},
            ValueError,
            "at least 2 studies, but got 1",
        ),
        (([0.1, 0.2], [1, 1]), {"mean_prior": (0, 0)}, ValueError, "`mean_prior` must be a finite mean"),
        (([0.1, 0.2], [1, 1]), {"mean_prior": 1}, TypeError, "`mean_prior` must be .mean, standard"),
        (([0.1, 0.2], [1, 1]), {"interval": "hpd"}, ValueError, "`interval` must be one of 'central'"),
        (([0.1, 0.2], [1, 1]), {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
    ],
)
def test_bad_input_is_named(effects, options, error, message):
    if isinstance(effects, tuple):
        effects = EffectSizes(effect=effects[0], variance=effects[1])
    with pytest.raises(error, match=message):
        pool_bayes(effects, **options)


@pytest.mark.parametrize(
    ("prior", "arguments", "message"),
    [
        (priors.HalfNormal, (0,), "`scale` must be a number greater than 0, but got 0"),
        (priors.HalfCauchy, (-1,), "`scale`"),
        (priors.HalfT, (1, np.inf), "`df`"),
        (priors.Uniform, (np.nan,), "`upper`"),
        (priors.LogNormal, (np.nan, 1), "`mean` must be finite"),
        (priors.LogT, (0, 1, 0), "`df`"),
    ],
)
def test_bad_priors_are_named(prior, arguments, message):
    with pytest.raises(ValueError, match=message):
        prior(*arguments)


def test_what_does_not_converge_is_named(monkeypatch):
    monkeypatch.setattr(quadrature, "_ACCURACY", 1e-30)
    with pytest.raises(ConvergenceError, match="not integrated to 1e-30 for 1 meta-analysis .position 0"):
        pool_bayes(EFFECTS)
