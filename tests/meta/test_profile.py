import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.meta.profile import profile_likelihood
from reference_values import dataset, identifier, load, number, numbers, records

NAME = "D_influence"


@pytest.mark.parametrize("record", records(NAME, "profile/"), ids=identifier)
def test_profile_equals_metafor(record):
    columns, expected = dataset(NAME, record), record["outputs"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    found = profile_likelihood(effects, tau2=record["id"].split("/")[2], grid=numbers(expected["tau2"]))
    np.testing.assert_allclose(found.log_likelihood, numbers(expected["ll"]), rtol=1e-11, atol=1e-11)
    assert found.maximum_log_likelihood == pytest.approx(number(expected["maxll"]), rel=1e-10, abs=1e-10)


def _bcg():
    columns = load(NAME)["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


@pytest.mark.parametrize("tau2", ["ML", "REML"])
def test_the_likelihood_is_the_normal_density(tau2):
    effects = EffectSizes(effect=[0.1, 0.7, 0.3], variance=[0.1, 0.2, 0.05])
    found = profile_likelihood(effects, tau2=tau2, grid=[0.0, 0.3])
    for at, value, mean in zip(found.tau2, found.log_likelihood, found.mean, strict=True):
        covariance = np.diag(effects.variance + at)
        if tau2 == "ML":
            z, matrix = effects.effect - mean, covariance
        else:
            # Restricted: the density of contrasts that are orthonormal, in which the mean has no part.
            contrasts = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
            z, matrix = contrasts @ effects.effect, contrasts @ covariance @ contrasts.T
        density = -0.5 * (np.linalg.slogdet(2 * np.pi * matrix)[1] + z @ np.linalg.solve(matrix, z))
        assert value == pytest.approx(density, rel=1e-12)


@pytest.mark.parametrize("tau2", ["ML", "REML"])
def test_the_default_grid_holds_the_maximum_and_goes_beyond_the_95_percent_limit(tau2):
    found = profile_likelihood(_bcg(), tau2=tau2)
    assert found.tau2.shape == (51,)
    assert found.tau2[0] == 0
    assert found.tau2[-1] > found.maximum_tau2
    assert found.maximum_log_likelihood - found.log_likelihood[-1] >= 2.5
    assert (found.log_likelihood <= found.maximum_log_likelihood).all()
    assert found.maximum_tau2 == pool(_bcg(), tau2=tau2).tau2
    rises = np.diff(found.log_likelihood) > 0
    assert (rises == (np.arange(50) < rises.sum())).all()
    # At the estimate the mean and its standard error are those of the Wald interval.
    at = profile_likelihood(_bcg(), tau2=tau2, grid=[float(found.maximum_tau2)])
    fit = pool(_bcg(), tau2=tau2, ci="wald")
    assert at.mean[0] == pytest.approx(float(fit.mean), rel=1e-13)
    assert at.std_error[0] == pytest.approx(float(fit.std_error), rel=1e-13)
    assert at.log_likelihood[0] == pytest.approx(float(found.maximum_log_likelihood), rel=1e-14)


@pytest.mark.parametrize("grid", [None, [0.0, 0.1, 2.0]])
def test_a_batch_equals_a_loop(grid):
    rng = np.random.default_rng(2)
    effect, variance = rng.normal(0, 1, (2, 3, 5)), rng.uniform(0.01, 1, (2, 3, 5))
    whole = profile_likelihood(EffectSizes(effect=effect, variance=variance), grid=grid)
    assert len(whole.to_frame()) == whole.tau2.size
    assert str(whole) == "REML likelihood of τ² of 6 meta-analyses"
    for index in np.ndindex(2, 3):
        one = profile_likelihood(EffectSizes(effect=effect[index], variance=variance[index]), grid=grid)
        for name in ("tau2", "log_likelihood", "mean", "std_error", "maximum_tau2"):
            np.testing.assert_allclose(getattr(whole, name)[index], getattr(one, name), rtol=1e-12)


def test_blocks_do_not_show():
    rng = np.random.default_rng(4)
    effect, variance = rng.normal(0, 1, (700, 6)), rng.uniform(0.01, 1, 6)
    whole = profile_likelihood(EffectSizes(effect=effect, variance=variance))
    # Every grid ends where 2.5 are lost, and at most twice as far out as it must.
    lost = whole.maximum_log_likelihood - whole.log_likelihood[:, -1]
    assert lost.min() >= 2.5
    assert lost.min() < 2.6
    last = profile_likelihood(EffectSizes(effect=effect[-1], variance=variance))
    np.testing.assert_allclose(whole.log_likelihood[-1], last.log_likelihood, rtol=1e-14)


def test_where_and_text():
    effects = EffectSizes(effect=[0.1, np.nan, 0.7, 0.3], variance=[0.1, 1, 0.2, 0.05])
    found = profile_likelihood(effects, where=[True, False, True, True])
    few = profile_likelihood(EffectSizes(effect=[0.1, 0.7, 0.3], variance=[0.1, 0.2, 0.05]))
    np.testing.assert_array_equal(found.log_likelihood, few.log_likelihood)
    assert str(found).startswith("REML likelihood of τ², 3 studies: highest (−")


def test_equal_effects_have_their_maximum_at_zero():
    found = profile_likelihood(EffectSizes(effect=[0.2, 0.2], variance=[0.1, 0.3]))
    assert found.maximum_tau2 == 0
    assert (np.diff(found.log_likelihood) < 0).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tau2": "DL"}, ValueError, "`tau2` must be one of 'REML', 'ML'"),
        ({"grid": [0.1, -0.1]}, ValueError, "`grid` must be 0 or greater, but is -0.1 at index 1"),
        ({"grid": [np.nan]}, ValueError, "`grid` must be 0 or greater, but is nan"),
        ({"grid": []}, ValueError, "`grid` must be a list of values"),
        ({"grid": ["a"]}, TypeError, "`grid` must be numbers"),
        ({"where": [True, False]}, ValueError, "at least 2 studies"),
    ],
)
def test_wrong_input(options, error, message):
    with pytest.raises(error, match=message):
        profile_likelihood(EffectSizes(effect=[0.1, 0.3], variance=[0.1, 0.1]), **options)


def test_wrong_effects():
    with pytest.raises(TypeError, match="`effects` must be EffectSizes"):
        profile_likelihood([0.1])
    with pytest.raises(ValueError, match=r"at index 0 \(A\)"):
        profile_likelihood(EffectSizes(effect=[0.1, 0.3], variance=[0, 0.1], label="AB"))
