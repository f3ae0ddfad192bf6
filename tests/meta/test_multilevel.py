import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis import ConvergenceError, EffectSizes, pool
from analysis.meta.methods import three_level
from analysis.meta.methods.block_covariance import Blocks, Clusters
from analysis.meta.multilevel import aggregate_effects, multilevel_regression, pool_multilevel
from reference_values import dataset, identifier, load, number, numbers, records

R_TESTS = {"z": "wald", "t": "t"}
KINDS = {"three": "both", "cs": "both", "two_sep": "both", "two": "between", "obs": "within"}
EFFECTS = EffectSizes(
    effect=[0.10, 0.30, 0.35, 0.65, 0.60, 0.05], variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.02]
)
CLUSTER = ["A", "A", "B", "C", "C", "D"]


def _data(record):
    columns = dataset("C_mv", record)
    schools = record["inputs"]["dataset"] == "konstantopoulos2011"
    cluster = columns["district"] if schools else columns["year"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"]), cluster, columns


def _fit(record, **options):
    effects, cluster, _ = _data(record)
    # The years of BCG are clusters: two of its trials share one.
    kind = record["id"].split("|")[2]
    variances = "between" if record["inputs"]["dataset"] == "bcg_RR" else KINDS[kind]
    return pool_multilevel(effects, cluster=cluster, variances=variances, **options)


@pytest.mark.parametrize("record", records("C_mv", "rma.mv|"), ids=identifier)
def test_fits_equal_metafor(record):
    _, _, kind, method, test = record["id"].split("|")
    fit, out = _fit(record, method=method, ci=R_TESTS[test]), record["outputs"]
    sigma2 = np.atleast_1d(numbers(out["sigma2"]))
    if kind == "cs":
        sigma2 = out["tau2"] * np.array([out["rho"], 1 - out["rho"]])
    ours = [float(s) for s in (fit.sigma2_between, fit.sigma2_within) if s > 0]
    assert ours == pytest.approx(sigma2, rel=2e-6)
    # nlminb stops a little early: the likelihood here is never below its.
    assert float(fit.log_likelihood) >= out["fit_stats"][method]["ll"] - 1e-12
    assert float(fit.log_likelihood) == pytest.approx(out["fit_stats"][method]["ll"], abs=1e-9)
    estimate = fit.estimate
    assert float(estimate.value) == pytest.approx(number(out["beta"][0]), rel=1e-6)
    assert float(estimate.std_error) == pytest.approx(number(out["se"][0]), rel=1e-6)
    assert float(estimate.low) == pytest.approx(number(out["ci.lb"][0]), abs=1e-6)
    assert float(estimate.high) == pytest.approx(number(out["ci.ub"][0]), abs=1e-6)
    assert float(estimate.pvalue) == pytest.approx(number(out["pval"][0]), rel=1e-5)
    assert float(fit.q) == pytest.approx(out["QE"], rel=1e-10)
    assert float(fit.q_pvalue) == pytest.approx(out["QEp"], rel=1e-8)
    assert (fit.n_effects, fit.df) == (out["k"], out["k"] - 1)


@pytest.mark.parametrize("record", records("C_mv", "predict|"), ids=identifier)
def test_prediction_intervals_equal_metafor(record):
    fit, out = _fit(record, ci="wald"), record["outputs"]
    assert float(fit.prediction.low) == pytest.approx(out["pi.lb"], abs=1e-6)
    assert float(fit.prediction.high) == pytest.approx(out["pi.ub"], abs=1e-6)


@pytest.mark.parametrize("record", records("C_mv", "weights_rowsum|"), ids=identifier)
def test_weights_equal_metafor(record):
    fit = _fit(record)
    assert fit.weights == pytest.approx(numbers(record["outputs"]), rel=2e-6)
    assert fit.weights.sum() == pytest.approx(100, rel=1e-12)


@pytest.mark.parametrize("record", records("C_mv", "confint|"), ids=identifier)
def test_profile_limits_equal_metafor_and_are_on_the_profile(record):
    fit, out = _fit(record), record["outputs"]
    parts = [out["random"]] if isinstance(out, dict) else out
    found = fit.variance_intervals()
    assert len(parts) == len(found)
    for part, (name, limits) in zip(parts, found.items(), strict=True):
        _, low, high = part["rows"][0]
        # uniroot stops at 1.2e-4 absolute there; the next lines say who is nearer.
        assert float(limits.low) == pytest.approx(low, abs=2e-5)
        assert float(limits.high) == pytest.approx(high, abs=2e-5)
        for limit in (limits.low, limits.high):
            height = _profile(fit, name, float(limit))
            assert 2 * (float(fit.log_likelihood) - height) == pytest.approx(
                stats.chi2.ppf(0.95, 1), abs=1e-8
            )


def _profile(fit, name, value):
    """Return the log likelihood at one component, maximized over the other by another optimizer."""
    model = fit._model
    which = 0 if name == "between" else 1

    def height(other):
        components = np.array([[value, other] if which == 0 else [other, value]])
        return -float(three_level.fit_at(model, components).log_likelihood[0])

    if not all(model.free):
        return -height(0.0)
    return -optimize.minimize_scalar(height, bounds=(0, 2), method="bounded", options={"xatol": 1e-12}).fun


@pytest.mark.parametrize("record", records("C_mv", "rma.mv_mods|"), ids=identifier)
def test_moderators_equal_metafor(record):
    effects, cluster, columns = _data(record)
    test, out = record["id"].split("|")[2], record["outputs"]
    fit = multilevel_regression(effects, columns["year"], cluster=cluster, names=["year"], ci=R_TESTS[test])
    assert [float(fit.sigma2_between), float(fit.sigma2_within)] == pytest.approx(out["sigma2"], rel=1e-5)
    for ours, theirs in (("value", "beta"), ("std_error", "se"), ("low", "ci.lb"), ("high", "ci.ub")):
        assert getattr(fit.coefficients, ours) == pytest.approx(numbers(out[theirs]), rel=1e-6)
    assert fit.coefficients.pvalue == pytest.approx(numbers(out["pval"]), rel=1e-6)
    assert fit.covariance[0] == pytest.approx(numbers(out["vb"]["rows"][0]), rel=1e-6)
    assert [float(x) for x in fit.moderator_test] == pytest.approx([out["QM"], out["QMp"]], rel=1e-6)
    assert float(fit.q) == pytest.approx(out["QE"], rel=1e-8)
    assert float(fit.log_likelihood) == pytest.approx(out["fit_stats"]["REML"]["ll"], abs=1e-8)


@pytest.mark.parametrize("record", records("C_mv", "aggregate|"), ids=identifier)
def test_aggregates_equal_metafor(record):
    effects, cluster, _ = _data(record)
    rho = float(record["id"].split("|")[2])
    ours = aggregate_effects(effects, cluster=cluster.astype(int), sampling_correlation=rho)
    assert ours.label == tuple(record["outputs"]["cluster"])
    assert ours.effect == pytest.approx(numbers(record["outputs"]["yi"]), rel=1e-12, abs=1e-13)
    assert ours.variance == pytest.approx(numbers(record["outputs"]["vi"]), rel=1e-12)


@pytest.mark.parametrize("record", records("C_mv", "mv_V_CS|"), ids=identifier)
def test_correlated_errors_equal_metafor(record):
    effects, cluster, _ = _data(record)
    out = record["outputs"]
    fit = pool_multilevel(effects, cluster=cluster, variances="between", sampling_correlation=0.6, ci="wald")
    assert float(fit.sigma2_between) == pytest.approx(out["sigma2"], rel=1e-6)
    assert float(fit.estimate.low) == pytest.approx(out["ci.lb"][0], rel=1e-6)
    assert float(fit.q) == pytest.approx(out["QE"], rel=1e-12)
    assert float(fit.log_likelihood) == pytest.approx(out["fit_stats"]["REML"]["ll"], abs=1e-9)


def test_every_record_has_a_test():
    families = {record["id"].split("|")[0] for record in load("C_mv")["records"]}
    here = {"rma.mv", "predict", "weights_rowsum", "confint", "rma.mv_mods", "aggregate", "mv_V_CS"}
    assert families == here | {"robust", "robust_CR2", "robust_uni"}


def _dense(model, between, within):
    """Return the covariance matrix in full."""
    v, same = model.v[0], model.clusters.index[:, None] == model.clusters.index
    root = np.sqrt(v)
    sampling = np.where(same, model.correlation * np.outer(root, root), 0.0)
    np.fill_diagonal(sampling, v)
    return sampling + within * np.eye(v.size) + between * same


def _log_likelihood(model, between, within):
    y, x = model.y[0], model.design
    sigma = _dense(model, between, within)
    inverse = np.linalg.inv(sigma)
    information = x.T @ inverse @ x
    residual = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    log = -0.5 * (np.linalg.slogdet(sigma)[1] + residual @ inverse @ residual)
    n, p = x.shape
    if model.restricted:
        log += 0.5 * (np.linalg.slogdet(x.T @ x)[1] - np.linalg.slogdet(information)[1])
        n -= p
    return log - 0.5 * n * np.log(2 * np.pi)


def _random(rng, *, clusters=(2, 12), sizes=(1, 6)):
    while True:
        m = rng.integers(*clusters)
        cluster = np.repeat(np.arange(m), rng.integers(*sizes, m))
        if cluster.size > m:
            break
    v = np.exp(rng.normal(-2, rng.choice([0.1, 1, 2.5]), cluster.size))
    y = rng.normal(0, 1, m)[cluster] * rng.choice([0, 0.2, 1]) + rng.normal(
        0, np.sqrt(v + rng.choice([0, 0.1]))
    )
    return EffectSizes(effect=y, variance=v), cluster


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.95])
@pytest.mark.parametrize("restricted", [True, False])
def test_likelihood_and_score_equal_dense_matrices(rho, restricted):
    rng = np.random.default_rng(6)
    effects, cluster = _random(rng)
    moderator = rng.normal(2000, 5, cluster.size)
    fit = multilevel_regression(
        effects,
        moderator,
        cluster=cluster,
        sampling_correlation=rho,
        method="REML" if restricted else "ML",
        ci="wald",
    )
    model = fit._model
    for between, within in ((0, 0), (0.3, 0), (0, 0.2), (0.4, 0.05)):
        at = three_level.fit_at(model, np.array([[between, within]]))
        assert float(at.log_likelihood[0]) == pytest.approx(_log_likelihood(model, between, within), abs=1e-9)
        score, _ = three_level._slopes(model, at)
        step = 1e-6
        for which in range(2):
            up, down = [between, within], [between, within]
            # One-sided at 0 would be too coarse; the likelihood goes on a little below it.
            up[which] += step
            down[which] -= step
            slope = (_log_likelihood(model, *up) - _log_likelihood(model, *down)) / (2 * step)
            assert score[0, which] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_the_maximum_is_global():
    rng = np.random.default_rng(0)
    for trial in range(60):
        effects, cluster = _random(rng)
        options = {"method": ("REML", "ML")[trial % 2], "sampling_correlation": (0.0, 0.0, 0.7)[trial % 3]}
        fit = pool_multilevel(effects, cluster=cluster, **options)
        top = 4 * np.ptp(effects.effect) ** 2 + 1e-3
        axis = np.concatenate(([0], np.geomspace(top * 1e-7, top, 40)))
        grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
        points = three_level.fit_at(fit._model.rows(np.zeros(len(grid), dtype=int)), grid)
        assert points.log_likelihood.max() <= float(fit.log_likelihood) + 1e-9, trial


def test_two_peaks_are_both_climbed():
    effects, cluster = _two_peaks()
    fit = pool_multilevel(effects, cluster=cluster, variances="within", method="ML")
    at_zero = three_level.fit_at(fit._model, np.zeros((1, 2)))
    score, _ = three_level._slopes(fit._model, at_zero)
    assert score[0, 1] < 0  # the likelihood falls from 0, and yet
    assert float(fit.sigma2_within) > 0.01
    assert float(fit.log_likelihood) > float(at_zero.log_likelihood[0])


def _two_peaks():
    """Search for effects whose likelihood has a lower maximum at 0 and a higher one inside."""
    rng = np.random.default_rng(4)
    grid = np.geomspace(1e-4, 10, 200)
    for _ in range(5000):
        v = np.exp(rng.normal(-2, 2, 6))
        y = rng.normal(0, np.sqrt(v + 0.05))
        w = 1 / (v + np.concatenate(([0, 1e-7], grid))[:, None])
        mean = (w * y).sum(1) / w.sum(1)
        log = 0.5 * (np.log(w).sum(1) - (w * (y - mean[:, None]) ** 2).sum(1))
        if log[1] < log[0] < log.max() - 0.05:
            return EffectSizes(effect=y, variance=v), np.array([0, 0, 1, 1, 2, 2])
    raise LookupError("no such set in 5000")


def test_within_alone_is_the_ordinary_random_effects_model():
    columns = load("C_mv")["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")
    ours = pool_multilevel(effects, cluster=np.arange(13), variances="within", ci="wald")
    plain = pool(effects, tau2="REML", ci="wald")
    assert float(ours.sigma2_within) == pytest.approx(0.313243258136, rel=1e-9)
    assert float(ours.estimate.low) == pytest.approx(float(plain.estimate.low), rel=1e-9)
    assert float(ours.i2_within) == pytest.approx(float(plain.i2), rel=1e-9)
    assert ours.weights == pytest.approx(plain.weights, rel=1e-9)


def test_correlated_errors_pool_like_their_aggregates():
    # With a variance between clusters alone, nothing is lost by combining each cluster first.
    fit = pool_multilevel(EFFECTS, cluster=CLUSTER, variances="between", sampling_correlation=0.5, ci="wald")
    combined = aggregate_effects(EFFECTS, cluster=CLUSTER, sampling_correlation=0.5)
    plain = pool(combined, tau2="REML", ci="wald")
    assert float(fit.sigma2_between) == pytest.approx(float(plain.tau2), rel=1e-8)
    assert float(fit.estimate.low) == pytest.approx(float(plain.estimate.low), abs=1e-9)


def test_blocks_equal_dense_inverses():
    rng = np.random.default_rng(9)
    effects, cluster = _random(rng)
    clusters = Clusters.of(cluster, cluster.size)
    v = effects.variance[None, clusters.order]
    model = pool_multilevel(effects, cluster=cluster, sampling_correlation=0.8)._model
    blocks = Blocks.of(clusters, v, np.array([0.2]), np.array([0.1]), 0.8)
    inverse = np.linalg.inv(_dense(model, 0.2, 0.1))
    assert blocks.solve(np.eye(cluster.size)[None])[0] == pytest.approx(inverse, abs=1e-9)
    assert float(blocks.trace()[0]) == pytest.approx(np.trace(inverse), rel=1e-10)
    assert float(blocks.log_determinant[0]) == pytest.approx(-np.linalg.slogdet(inverse)[1], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), shift=st.floats(-3, 3), factor=st.floats(0.01, 100))
def test_shifting_scaling_and_permuting(seed, shift, factor):
    rng = np.random.default_rng(seed)
    effects, cluster = _random(rng)
    fit = pool_multilevel(effects, cluster=cluster)
    order = rng.permutation(cluster.size)
    moved = EffectSizes(
        effect=(factor * effects.effect + shift)[order], variance=(factor**2 * effects.variance)[order]
    )
    again = pool_multilevel(moved, cluster=[f"c{c}" for c in cluster[order]])
    scale = float(np.median(effects.variance))
    for name in ("sigma2_between", "sigma2_within"):
        assert float(getattr(again, name)) / factor**2 == pytest.approx(
            float(getattr(fit, name)), rel=1e-4, abs=1e-6 * scale
        )
    unit = float(fit.estimate.std_error)
    assert (float(again.estimate.value) - shift) / factor == pytest.approx(
        float(fit.estimate.value), abs=1e-5 * unit + 1e-9
    )
    assert again.weights == pytest.approx(fit.weights[order], rel=1e-4, abs=1e-4)
    assert fit.estimate.low <= fit.estimate.value <= fit.estimate.high
    assert fit.prediction.low <= fit.estimate.low


@pytest.mark.parametrize("variances", ["both", "between", "within"])
@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_a_batch_equals_a_loop(variances, rho):
    rng = np.random.default_rng(2)
    cluster = np.array([3, 1, 1, 2, 2, 2, 3, 5, 5, 4])
    v = rng.uniform(0.02, 0.3, (2, 3, 10))
    y = rng.normal(0, 0.4, (2, 3, 6))[..., cluster] + rng.normal(0, np.sqrt(v))
    options = {"cluster": cluster, "variances": variances, "sampling_correlation": rho}
    batch = pool_multilevel(EffectSizes(effect=y, variance=v), **options)
    limits = batch.variance_intervals()
    assert batch.weights.shape == (2, 3, 10)
    for index in np.ndindex(2, 3):
        one = pool_multilevel(EffectSizes(effect=y[index], variance=v[index]), **options)
        for name in ("sigma2_between", "sigma2_within", "q", "i2_between", "log_likelihood"):
            assert float(getattr(batch, name)[index]) == pytest.approx(
                float(getattr(one, name)), rel=1e-6, abs=1e-8
            )
        assert float(batch.estimate.low[index]) == pytest.approx(float(one.estimate.low), abs=1e-7)
        for name, single in one.variance_intervals().items():
            assert float(limits[name].low[index]) == pytest.approx(float(single.low), rel=1e-5, abs=1e-7)
            assert float(limits[name].high[index]) == pytest.approx(float(single.high), rel=1e-5)
    assert str(batch).count("\n") == 5
    assert len(batch.to_frame()) == 6


def test_equal_effects_have_no_heterogeneity():
    fit = pool_multilevel(EffectSizes(effect=[0.3] * 6, variance=EFFECTS.variance), cluster=CLUSTER)
    assert (float(fit.sigma2_between), float(fit.sigma2_within)) == (0, 0)
    assert float(fit.q) == pytest.approx(0, abs=1e-25)
    found = fit.variance_intervals()
    assert float(found["between"].low) == 0
    assert float(found["between"].high) > 0


def test_profiles_converge_far_out():
    # A component of 10 000 times the sampling variance leaves the likelihood few digits.
    effects = EffectSizes(
        effect=[0.1681965, 0.22916536, 0.57740029, 0.27569639, 0.56013608, 0.06707769],
        variance=[0.12437761, 0.13304356, 0.13032089, 0.15759419, 0.12314389, 0.12387373],
    )
    fit = pool_multilevel(effects, cluster=[0, 0, 0, 0, 0, 1], sampling_correlation=0.9)
    found = fit.variance_intervals()
    for name, limits in found.items():
        assert float(limits.low) == 0
        height = _profile(fit, name, float(limits.high))
        assert 2 * (float(fit.log_likelihood) - height) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-6)


def test_intervals_text_and_frame():
    fits = {
        ci: pool_multilevel(EFFECTS, cluster=CLUSTER, ci=ci).estimate for ci in ("wald", "t", "t-clusters")
    }
    half = {ci: float(e.high - e.value) / float(e.std_error) for ci, e in fits.items()}
    assert half["wald"] == pytest.approx(stats.norm.ppf(0.975), rel=1e-12)
    assert half["t"] == pytest.approx(stats.t.ppf(0.975, 5), rel=1e-12)
    assert half["t-clusters"] == pytest.approx(stats.t.ppf(0.975, 3), rel=1e-12)
    ratio = pool_multilevel(
        EffectSizes(effect=EFFECTS.effect, variance=EFFECTS.variance, measure="OR"), cluster=CLUSTER
    )
    assert float(np.log(ratio.estimate.high)) == pytest.approx(float(fits["t-clusters"].high), rel=1e-12)
    assert "σ² between 4 clusters = 0.0583 (I² = 72%), within = 0" in str(ratio)
    assert ratio.to_frame().loc[0, "sigma2_between"] == pytest.approx(float(ratio.sigma2_between))
    share = pool_multilevel(
        EffectSizes(effect=EFFECTS.effect, variance=EFFECTS.variance, measure="PLO"), cluster=CLUSTER
    )
    assert share.estimate.pvalue is None
    regression = multilevel_regression(EFFECTS, [1, 1, 2, 3, 3, 1], cluster=CLUSTER, names=["dose"])
    assert list(regression.to_frame()["coefficient"]) == ["intercept", "dose"]
    assert str(regression).startswith("intercept: ")


GOOD = ([0.1, 0.2, 0.3], [1, 1, 1])


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {"cluster": [1, 1]}, TypeError, "`effects` must be EffectSizes, but got list"),
        (([0.1, np.nan], [1, 1]), {"cluster": [1, 2]}, ValueError, "at index 1 they are nan and 1"),
        (([0.1, 0.2], [1, 0]), {"cluster": [1, 2]}, ValueError, "variance greater than 0, but at index 1"),
        (GOOD, {"cluster": [1, 2]}, ValueError, "each of the 3 effects, but has shape .2,."),
        (GOOD, {"cluster": [1, 2, np.nan]}, ValueError, "must not be missing, but is nan at index 2"),
        (GOOD, {"cluster": ["a", None, "b"]}, ValueError, "must not be missing, but is None at index 1"),
        (
            GOOD,
            {"cluster": [1, 1, 1]},
            ValueError,
            "more clusters than there are coefficients .1., but names 1",
        ),
        (GOOD, {"cluster": [1, 2, 3]}, ValueError, "cannot be told apart. Use variances='within', or pool"),
        (GOOD, {"cluster": [1, 1, 2], "variances": "all"}, ValueError, "`variances` must be one of 'both'"),
        (GOOD, {"cluster": [1, 1, 2], "method": "DL"}, ValueError, "`method` must be one of 'REML', 'ML'"),
        (GOOD, {"cluster": [1, 1, 2], "ci": "z"}, ValueError, "`ci` must be one of 't-clusters'"),
        (GOOD, {"cluster": [1, 1, 2], "sampling_correlation": 1}, ValueError, "at least 0 and less than 1"),
        (GOOD, {"cluster": [1, 1, 2], "sampling_correlation": "x"}, TypeError, "must be one number"),
        (GOOD, {"cluster": [1, 1, 2], "confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (([0.1], [1]), {"cluster": [1]}, ValueError, "more effects than coefficients .1., but holds 1"),
    ],
)
def test_bad_input_is_named(effects, options, error, message):
    if isinstance(effects, tuple):
        effects = EffectSizes(effect=effects[0], variance=effects[1])
    with pytest.raises(error, match=message):
        pool_multilevel(effects, **options)


@pytest.mark.parametrize(
    ("moderators", "options", "message"),
    [
        ([1, 2, 3], {}, "one row for each of the 6 effects"),
        ([1, 2, 3, 4, 5, np.inf], {}, "must be finite, but is inf at index .5, 0."),
        ([1] * 6, {}, "combinations of one another or of the intercept"),
        ([0] * 6, {}, "combinations of one another or of the intercept"),
        (
            np.column_stack((np.arange(6), 2 * np.arange(6) + 1)),
            {},
            "has rank 2 and 3 columns. Leave one out",
        ),
        (np.eye(6)[:, :3], {}, "more clusters than there are coefficients .4., but names 4"),
        ([1, 2, 3, 4, 5, 6], {"names": ["a", "b"]}, "`names` must name 1 moderators, but names 2"),
    ],
)
def test_bad_moderators_are_named(moderators, options, message):
    with pytest.raises(ValueError, match=message):
        multilevel_regression(EFFECTS, moderators, cluster=CLUSTER, **options)


def test_a_bad_effect_is_named_by_its_label():
    effects = EffectSizes(effect=[0.1, np.nan, 1], variance=1, label=["Aronson", "Rosenthal", "Hart"])
    with pytest.raises(ValueError, match=r"at index 1 \(Rosenthal\)"):
        pool_multilevel(effects, cluster=[1, 1, 2])


def test_what_does_not_converge_is_named(monkeypatch):
    monkeypatch.setattr(three_level, "_ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match="did not converge for .* set.*position 0 of the leading axes"):
        pool_multilevel(EFFECTS, cluster=CLUSTER)
