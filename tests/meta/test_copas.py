import numpy as np
import pytest
from scipy import integrate, special

from analysis import ConvergenceError
from analysis.meta.copas import copas_fit, copas_grid
from analysis.meta.methods import maximum_likelihood
from analysis.meta.methods.selection_copas_likelihood import CopasLikelihood
from analysis.values.estimate import EffectSizes
from reference_values import dataset, identifier, numbers, records

RECORDS = records("meta", "copas/")


def _case(record):
    """Return the effects, R's outputs and the (γ0, γ1) of its path, no selection first."""
    columns = dataset("meta", record)
    out = {name: np.atleast_1d(numbers(values)) for name, values in record["outputs"].items()}
    low, high = out["gamma0"][[0, -1]]
    gamma0 = np.concatenate(([np.inf], low + out["x.slope"] * (high - low)))
    gamma1 = np.concatenate(([0.0], out["gamma1"][-1] * out["y.slope"]))
    return EffectSizes(effect=columns["yi"], variance=columns["vi"]), out, gamma0, gamma1


def _likelihood(effects, gamma0, gamma1, mean, tau2, rho, beta=0.0):
    """Return the log-likelihood of one fit, by the formula of the paper and nothing else."""
    y, s = effects.effect, effects.std_error
    u = np.minimum(gamma0, 40) + gamma1 / s
    hazard = np.exp(-u * u / 2) / np.sqrt(2 * np.pi) / special.ndtr(u)
    sigma2 = s**2 / (1 - hazard * (u + hazard) * rho**2)
    total, a = tau2 + sigma2, y - mean - beta * s
    tilde = rho * np.sqrt(sigma2 / total)
    v = (u + tilde * a / np.sqrt(total)) / np.sqrt(1 - tilde**2)
    parts = -np.log(2 * np.pi * total) / 2 - a**2 / (2 * total) - special.log_ndtr(u) + special.log_ndtr(v)
    return parts.sum()


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_fits_along_their_path_equal_metasens(record):
    effects, out, gamma0, gamma1 = _case(record)
    fit = copas_fit(effects, gamma0, gamma1, alternative="less")
    # Their search stops at 1e-8 of the likelihood: four digits of the rest.
    assert fit.mean == pytest.approx(out["TE.slope"], rel=1e-3)
    assert np.sqrt(fit.tau2) == pytest.approx(out["tau.slope"], rel=1e-3)
    assert fit.publication_probability == pytest.approx(out["publprob"], rel=1e-9)
    assert fit.unpublished == pytest.approx(out["N.unpubl"], rel=1e-8)
    # Without selection ρ means nothing; R prints half of its bound.
    assert fit.rho[1:] == pytest.approx(out["rho.slope"][1:], rel=2e-3)
    for i in range(len(gamma0)):
        point = effects, gamma0[i], gamma1[i]
        ours = _likelihood(*point, fit.mean[i], fit.tau2[i], fit.rho[i])
        assert fit.log_likelihood[i] == pytest.approx(ours, abs=1e-9)
        tau2, rho = out["tau.slope"][i] ** 2, out["rho.slope"][i] * (i > 0)
        theirs = _likelihood(*point, out["TE.slope"][i], tau2, rho)
        assert ours > theirs - 1e-9


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_standard_errors_equal_metasens_or_exact_differences(record):
    effects, out, gamma0, gamma1 = _case(record)
    fit = copas_fit(effects, gamma0, gamma1, alternative="less")
    inside = np.abs(fit.rho) < 0.999
    assert inside[0]
    assert fit.std_error[inside] == pytest.approx(out["seTE.slope"][inside], rel=2e-3)
    # At |ρ| = 0.9999 they invert a matrix of second derivatives beyond the bound, and standard errors jump
    # from one point to the next (0.1315, 0.2289, 0.1980); ours are of the mean and tau2, ρ staying where it
    # is.
    for i in np.flatnonzero(~inside):
        point = effects, gamma0[i], gamma1[i]
        h = np.array([0.002 * fit.std_error[i], 0.004 * fit.tau2[i]])
        matrix = np.empty((2, 2))
        for a in range(2):
            for b in range(2):
                matrix[a, b] = -sum(
                    p * q * _likelihood(*point, *(np.array([fit.mean[i], fit.tau2[i]]) + shift), fit.rho[i])
                    for p in (1, -1)
                    for q in (1, -1)
                    for shift in [p * h * (np.arange(2) == a) + q * h * (np.arange(2) == b)]
                ) / (4 * h[a] * h[b])
        assert fit.std_error[i] == pytest.approx(np.linalg.inv(matrix)[0, 0] ** 0.5, rel=2e-3)


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_tests_of_residual_bias_equal_metasens_or_find_a_higher_maximum(record):
    effects, out, gamma0, gamma1 = _case(record)
    fit = copas_fit(effects, gamma0, gamma1, alternative="less")
    theirs = out["pval.rsb"]
    agrees = np.abs(fit.residual_pvalue / theirs - 1) < 1e-2
    # A smaller P is a higher likelihood with the slope, as both agree about the one without.
    assert (fit.residual_pvalue[~agrees] < theirs[~agrees]).all()
    assert agrees.sum() >= len(agrees) - {"copas/bcg_RD": 3, "copas/bcg_PETO": 1}.get(record["id"], 0)
    s, y = effects.std_error, effects.effect
    for i in np.flatnonzero(~agrees):
        # A coarse search for the slope, the mean following by regression, shows that the height exists.
        gain = special.chdtri(1, fit.residual_pvalue[i]) / 2
        best = max(
            _likelihood(effects, gamma0[i], gamma1[i], (y - beta * s).mean() + shift, t, rho, beta)
            for beta in np.linspace(-4, 1, 26)
            for shift in np.linspace(-3, 3, 25) * fit.std_error[i]
            for t in np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]) * y.var()
            for rho in (-0.9999, -0.9, -0.5, -0.1, 0.0)
        )
        assert fit.log_likelihood[i] + gain >= best - 1e-9
        assert best > fit.log_likelihood[i] + special.chdtri(1, theirs[i]) / 2


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_default_ranges_and_adjustment_equal_metasens(record):
    effects, out, _, _ = _case(record)
    result = copas_grid(effects, alternative="less")
    assert result.grid.gamma0[:, 0] == pytest.approx(out["gamma0"], rel=1e-9)
    assert result.grid.gamma1[0] == pytest.approx(out["gamma1"], rel=1e-9, abs=1e-15)
    assert float(result.unadjusted.value) == pytest.approx(out["TE.slope"][0], rel=1e-6)
    if np.isnan(out["TE.adjust"][0]):
        assert result.adjusted is None
        assert "residual bias at every selection considered" in str(result)
        return
    passing = int((out["pval.rsb"] > 0.1).argmax())
    adjusted = float(result.adjusted.value)
    if passing == 0:
        assert adjusted == pytest.approx(out["TE.adjust"][0], rel=1e-6)
        assert float(result.adjusted.low) == pytest.approx(out["lower.adjust"][0], rel=1e-6)
        assert float(result.adjusted.pvalue) == pytest.approx(out["pval.adjust"][0], rel=1e-4)
        return
    # They take the first of their points that passes; the least selection lies between it and the one before.
    slope = (1 - out["y.slope"][0]) / (1 - out["x.slope"][0])
    along = copas_grid(effects, alternative="less", slope=slope)
    last, first = out["TE.slope"][passing - 1 : passing + 1]
    assert min(last, first) < float(along.adjusted.value) < max(last, first)
    assert along.path.publication_probability[-1] < along.adjusted_publication_probability < 1
    # Our path leaves by nearly the same way.
    assert adjusted == pytest.approx(float(along.adjusted.value), rel=1e-2)


def test_the_adjusted_fit_is_where_the_test_turns():
    effects = _case(records("meta", "copas/bcg_PHI")[0])[0]
    result = copas_grid(effects, alternative="less")
    for name in ("gamma0", "gamma1", "mean", "residual_pvalue"):
        assert getattr(result.path, name).shape == (41,)
    stricter = copas_grid(effects, alternative="less", significance=0.2, slope=result.slope)
    assert stricter.adjusted_publication_probability < result.adjusted_publication_probability
    # Between the points of the path whose P lie on either side of 0.1.
    step = int((result.path.residual_pvalue > 0.1).argmax())
    around = result.path.publication_probability[[step, step - 1]]
    assert around[0] <= result.adjusted_publication_probability <= around[1]
    assert list(result.to_frame().columns)[:3] == ["gamma0", "gamma1", "mean"]
    assert len(result.grid.to_frame()) == 400


def test_derivatives_are_those_of_the_likelihood():
    rng = np.random.default_rng(2)
    s = rng.uniform(0.1, 0.6, 9)
    y = rng.normal(0.3, s)
    effects = EffectSizes(effect=y, variance=s**2)
    likelihood = CopasLikelihood(y=y, s=s, u=(0.2 + 0.1 / s)[None])
    row, h = np.array([0]), 1e-5
    for point in np.array([[0.1, 0.2, 0.5, 0.3], [0.4, 0.01, -0.95, -0.5], [0.0, 0.0, 0.0, 0.0]]):
        value, gradient, curvature = likelihood(point[None], row)
        assert value[0] == pytest.approx(_likelihood(effects, 0.2, 0.1, *point), abs=1e-10)
        for i in range(4):
            shift = h * (np.arange(4) == i)
            above, below = likelihood((point + shift)[None], row), likelihood((point - shift)[None], row)
            assert (above[0][0] - below[0][0]) / (2 * h) == pytest.approx(gradient[0, i], rel=1e-6, abs=1e-6)
            assert (above[1][0] - below[1][0]) / (2 * h) == pytest.approx(curvature[0, i], rel=1e-5, abs=1e-4)


def test_the_density_of_a_published_effect_integrates_to_one():
    for mean, tau2, rho, g0, g1 in ((0.2, 0.05, 0.7, -0.3, 0.1), (-1, 0.5, -0.9, 0.5, 0.0)):

        def density(y, mean=mean, tau2=tau2, rho=rho, g0=g0, g1=g1):
            likelihood = CopasLikelihood(y=np.array([y]), s=np.array([0.4]), u=np.array([[g0 + g1 / 0.4]]))
            return np.exp(likelihood(np.array([[mean, tau2, rho, 0.0]]), np.array([0]))[0][0])

        assert integrate.quad(density, -12, 12, points=[mean], limit=200)[0] == pytest.approx(1, abs=1e-7)


def test_no_selection_is_maximum_likelihood():
    effects = _case(RECORDS[0])[0]
    y, v = effects.effect, effects.variance
    fit = copas_fit(effects, np.inf, 0)
    w = 1 / (v + fit.tau2)
    assert float(fit.mean) == pytest.approx((w * y).sum() / w.sum(), rel=1e-10)
    # The score of tau2 is 0.
    assert (w**2 * (y - fit.mean) ** 2).sum() == pytest.approx(w.sum(), rel=1e-9)
    assert fit.publication_probability == 1
    assert fit.unpublished == 0
    assert fit.rho == 0


def test_turning_and_changing_units():
    effects, _, gamma0, gamma1 = _case(RECORDS[2])
    fit = copas_fit(effects, gamma0, gamma1, alternative="less")
    turned = copas_fit(
        EffectSizes(effect=-effects.effect, variance=effects.variance), gamma0, gamma1, alternative="greater"
    )
    assert turned.mean == pytest.approx(-fit.mean, rel=1e-8)
    assert turned.rho == pytest.approx(-fit.rho, rel=1e-8)
    larger = copas_fit(
        EffectSizes(effect=50 * effects.effect, variance=2500 * effects.variance),
        gamma0,
        50 * gamma1,
        alternative="less",
    )
    assert larger.mean == pytest.approx(50 * fit.mean, rel=1e-8)
    assert larger.residual_pvalue == pytest.approx(fit.residual_pvalue, rel=1e-6)
    assert copas_fit(effects, gamma0[3], gamma1[3], alternative="less").mean == pytest.approx(fit.mean[3])


def test_equal_effects():
    effects = EffectSizes(effect=[0.3] * 5, variance=[0.1, 0.2, 0.05, 0.4, 0.1])
    fit = copas_fit(effects, [np.inf, 0.0], [0.0, 0.1])
    assert fit.tau2 == pytest.approx([0, 0], abs=1e-12)
    assert float(fit.mean[0]) == pytest.approx(0.3)


def test_what_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(maximum_likelihood, "_ITERATIONS", 1)
    with pytest.raises(
        ConvergenceError, match="did not converge at .* points of .γ0, γ1., first at position"
    ):
        copas_grid(_case(RECORDS[0])[0], alternative="less")


GOOD = EffectSizes(effect=[0.1, 0.5, 0.9], variance=[0.1, 0.02, 0.2])


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`effects` must be EffectSizes, but got list"),
        (GOOD, {"alternative": "two-sided"}, ValueError, "`alternative` must be one of 'greater', 'less'"),
        (EffectSizes(effect=[0.1, 1], variance=[1, 2]), {}, ValueError, "at least three studies"),
        (EffectSizes(effect=[[0.1, 1, 2]], variance=[1, 2, 3]), {}, ValueError, "one meta-analysis"),
        (EffectSizes(effect=[0.1, 1, 2], variance=[1, 1, 1]), {}, ValueError, "must differ in variance"),
        (
            EffectSizes(effect=[0.1, np.nan, 2], variance=[1, 2, 1]),
            {},
            ValueError,
            "effect nan .* at index 1",
        ),
        (EffectSizes(effect=[0.1, 0, 2], variance=[1, 2, 0]), {}, ValueError, "variance 0 at index 2"),
    ],
)
def test_bad_studies_are_named(effects, options, error, message):
    with pytest.raises(error, match=message):
        copas_grid(effects, **options)
    with pytest.raises(error, match=message):
        copas_fit(effects, 0, 0.1, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma0": (2, 0)}, "`gamma0` must be two numbers that increase"),
        ({"gamma1": (0, np.inf)}, "`gamma1` must be two numbers that increase"),
        ({"gamma1": (-1, 1)}, "`gamma1` must be at least 0, but starts at -1"),
        ({"points": 2}, "`points` must be a whole number of at least 3, but got 2"),
        ({"slope": -1}, "`slope` must be a number of at least 0, but got -1"),
        ({"significance": 10}, "`significance` must be between 0 and 1, but got 10"),
        ({"confidence_level": 95}, "For 95 % write 0.95"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        copas_grid(GOOD, **options)


@pytest.mark.parametrize(("gamma0", "gamma1"), [(np.nan, 0), (-np.inf, 0), (0, -1), (0, np.inf)])
def test_bad_gammas_are_named(gamma0, gamma1):
    with pytest.raises(ValueError, match="`gamma0` must be a number and `gamma1` a finite number"):
        copas_fit(GOOD, gamma0, gamma1)
