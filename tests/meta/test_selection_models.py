import re

import numpy as np
import pytest
from scipy import special

from analysis import ConvergenceError
from analysis.meta.methods import maximum_likelihood, selection_fit
from analysis.meta.methods.selection_fit import fit_without_selection
from analysis.meta.methods.selection_integral import features_at
from analysis.meta.methods.selection_likelihood import Likelihood
from analysis.meta.methods.selection_setup import smooth_weight
from analysis.meta.selection_models import selection_model
from analysis.values.estimate import EffectSizes
from reference_values import dataset, identifier, number, numbers, records

FAMILIES = {"halfnorm": "half-normal", "negexp": "negative-exponential"}
SMOOTH = ("beta", "half-normal", "negative-exponential", "logistic", "power")
# Vevea and Woods' moderate one-tailed selection.
WOODS_STEPS = (0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.5, 0.65, 0.75, 0.9, 0.95, 0.99, 0.995)
WOODS = (1, 0.99, 0.95, 0.80, 0.75, 0.65, 0.6, 0.55, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
ALL = [("D_selmodel", record) for record in records("D_selmodel", "selmodel")] + [
    ("metafor51", record) for record in records("metafor51", "selmodel")
]


def _options(name, record):
    """Return our arguments for R's call."""
    parts = record["id"].split("/")
    if name == "D_selmodel":
        kind, options = parts[3], {"alternative": re.search(r"alternative='(\w+)'", record["call"])[1]}
        if parts[2] == "EE":
            options["tau2"] = 0
        if kind == "vevea_woods_moderate":
            return options | {"steps": WOODS_STEPS, "fixed_weights": WOODS}
        if kind == "stepfun":
            steps = re.search(r"steps=c\(([\d.,]+)\)", record["call"])[1]
            return options | {"steps": [float(step) for step in steps.split(",")]}
        return options | {"weights": FAMILIES.get(kind, kind)}
    kind, options = parts[2], {"alternative": record["inputs"]["al"]}
    special_cases = {
        "stepfun3": {"steps": (0.025, 0.1, 0.5), "decreasing": record["inputs"].get("dc", False)},
        "3PSM": {"steps": (0.025,)},
        # Truncation at an effect of 0 is a step at a one-sided P of 0.5.
        "trunc": {"steps": (0.5,)},
        "betatrunc": {"weights": "beta", "p_range": (0.001, 0.999)},
    }
    return options | special_cases.get(kind, {"weights": FAMILIES.get(kind, kind)})


def _log_weight(z, options, delta):
    """Return the logarithm of the weight at z, which is turned so that the favoured side is up."""
    two_sided = options.get("alternative") == "two-sided"
    if "weights" not in options:
        p = special.ndtr(-np.abs(z)) * 2 if two_sided else special.ndtr(-z)
        return np.log(np.concatenate(([1.0], delta)))[np.searchsorted(options.get("steps", (0.025,)), p)]
    least, most = options.get("p_range") or (1e-5, 1 - 1e-5)
    if two_sided:
        z = np.clip(np.abs(z), -special.ndtri(most / 2), -special.ndtri(least / 2))
        log, complement = np.log(2) + special.log_ndtr(-z), np.log(special.erf(z / np.sqrt(2)))
    else:
        z = np.clip(z, -special.ndtri(most), -special.ndtri(least))
        log, complement = special.log_ndtr(-z), special.log_ndtr(z)
    p = np.exp(log)
    return {
        "beta": lambda: (delta[0] - 1) * log + (delta[-1] - 1) * complement,
        "half-normal": lambda: -delta[0] * p**2,
        "negative-exponential": lambda: -delta[0] * p,
        "logistic": lambda: np.log(2) - np.logaddexp(0, delta[0] * p),
        "power": lambda: delta[0] * complement,
    }[options["weights"]]()


def _independent(y, v, options, mu, tau2, delta):
    """Return the log-likelihood by brute force: panels in y, split wherever the weight has a kink."""
    sign = -1 if options.get("alternative") == "less" else 1
    two_sided = options.get("alternative") == "two-sided"
    y, mu = sign * np.asarray(y), sign * mu
    x, w = np.polynomial.legendre.leggauss(12)
    total = 0.0
    smooth = "weights" in options
    kinks = (options.get("p_range") or (1e-5, 1 - 1e-5)) if smooth else options.get("steps", (0.025,))
    with np.errstate(divide="ignore"):
        at = special.ndtri(np.asarray(kinks) / (2 if two_sided else 1))
    fine = np.geomspace(1e-12, 0.25, 60) if two_sided else np.zeros(1)
    for effect, variance in zip(y, v, strict=True):
        sigma, root = np.sqrt(variance + tau2), np.sqrt(variance)
        z = np.concatenate([at, -at, fine, -fine, np.linspace(-7, 7, 57)])
        ends = np.concatenate([root * z, mu + sigma * np.linspace(-20, 20, 161)])
        ends = np.unique(np.clip(ends, mu - 20 * sigma, mu + 20 * sigma))
        half = np.diff(ends) / 2
        nodes = (ends[:-1] + half)[:, None] + half[:, None] * x
        height = _log_weight(nodes / root, options, delta) - ((nodes - mu) / sigma) ** 2 / 2
        integral = (half[:, None] * w * np.exp(height)).sum()
        own = _log_weight(np.asarray(effect / root), options, delta) - ((effect - mu) / sigma) ** 2 / 2
        total += float(own) - np.log(integral)
    return total


def _numerical_information(function, point, step):
    """Return minus the second derivatives, by differences of fourth order."""
    n = len(point)
    shifts, coefficients = (-2, -1, 1, 2), (1 / 12, -2 / 3, 2 / 3, -1 / 12)
    information = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            if i == j:
                for shift, c in zip((-2, -1, 0, 1, 2), (-1, 16, -30, 16, -1), strict=True):
                    moved = point.copy()
                    moved[i] += shift * step[i]
                    total += c / 12 * function(moved)
            else:
                for a, ca in zip(shifts, coefficients, strict=True):
                    for b, cb in zip(shifts, coefficients, strict=True):
                        moved = point.copy()
                        moved[i] += a * step[i]
                        moved[j] += b * step[j]
                        total += ca * cb * function(moved)
            information[i, j] = information[j, i] = -total / step[i] / step[j]
    return information


def _empty_interval(effects, options):
    if "weights" in options or "fixed_weights" in options or options.get("decreasing"):
        return False
    sign = -1 if options["alternative"] == "less" else 1
    p = special.ndtr(-sign * effects.effect / effects.std_error)
    return len(np.unique(np.searchsorted(options["steps"], p, side="left"))) <= len(options["steps"])


@pytest.mark.parametrize(("name", "record"), ALL, ids=lambda x: x if isinstance(x, str) else identifier(x))
def test_fits_equal_metafor_or_have_a_higher_likelihood(name, record):
    columns, options, theirs = dataset(name, record), _options(name, record), record["outputs"]
    y, v = columns["yi"], columns["vi"]
    effects = EffectSizes(effect=y, variance=v)
    if _empty_interval(effects, options):
        # R reports the bound of its search, about 100 or 0, as the weight of an interval without P-values.
        with pytest.raises(ValueError, match="must leave a P-value in every interval"):
            selection_model(effects, **options)
        delta = numbers(theirs["delta"])[1:]
        assert ((delta > 50) | (delta < 0.05)).any()
        return
    fit = selection_model(effects, **options)
    delta = np.atleast_1d(numbers(theirs["delta"]))
    delta = delta[delta.size - fit.selection.size :]
    mean, tau2 = number(theirs["beta"][0]), number(theirs["tau2"])
    scale = np.sqrt(v.mean() + tau2)

    # Our value of the likelihood is the one of brute force, at our own maximum.
    own = (float(fit.estimate.value), float(fit.tau2), fit.selection)
    assert float(fit.log_likelihood) == pytest.approx(_independent(y, v, options, *own), abs=1e-8)
    gain = float(fit.log_likelihood) - _independent(y, v, options, mean, tau2, delta)
    # No maximum of theirs is higher; the tolerance is the error of the brute force.
    assert gain > -1e-8
    agrees = (
        float(fit.estimate.value) == pytest.approx(mean, rel=1e-3, abs=1e-3 * scale)
        and float(fit.tau2) == pytest.approx(tau2, rel=1e-3, abs=1e-5)
        and fit.selection == pytest.approx(delta, rel=1e-3, abs=1e-5)
    )
    assert agrees or gain > 1e-8
    if agrees and theirs["se"][0] is not None:
        _check_standard_errors(fit, y, v, options, theirs, own)


def _check_standard_errors(fit, y, v, options, theirs, own):
    """Hold ours to R's or, where R's differences of an inexact integral are off, to exact differences."""
    if float(fit.estimate.std_error) == pytest.approx(number(theirs["se"][0]), rel=2e-3):
        return
    if options.get("decreasing"):
        # Theirs are those of weights that only look different; ours of the model without the merged steps.
        weights = np.concatenate(([1.0], fit.selection))
        steps = [s for s, a, b in zip(options["steps"], weights[:-1], weights[1:], strict=True) if a > b]
        turned = {"alternative": options["alternative"], "steps": steps}
        merged = selection_model(EffectSizes(effect=y, variance=v), **turned)
        assert float(fit.estimate.std_error) == pytest.approx(float(merged.estimate.std_error), rel=1e-6)
        return
    free = np.concatenate(
        ([True, not np.isnan(fit.tau2_std_error)], ~np.isnan(np.atleast_1d(fit.selection_std_error)))
    )
    point = np.concatenate((own[:2], own[2]))

    def value(moved):
        full = point.copy()
        full[free] = moved
        return _independent(y, v, options, full[0], full[1], full[2:])

    errors = np.concatenate(
        ([float(fit.estimate.std_error), float(fit.tau2_std_error)], fit.selection_std_error)
    )[free]
    step = np.minimum(0.02 * errors, 0.2 * np.where(np.arange(free.sum()) > 0, point[free], np.inf))
    matrix = np.linalg.inv(_numerical_information(value, point[free], step))
    assert np.sqrt(np.diag(matrix)) == pytest.approx(errors, rel=1e-3)


def _likelihood(name, *, two_sided=False, range_=(0.0, 1.0), scaled=False):
    rng = np.random.default_rng(1)
    y, v = rng.normal(0.3, 0.5, 7), rng.uniform(0.08, 0.3, 7)
    weight = smooth_weight(name, two_sided=two_sided, range_=range_)
    return Likelihood(
        y=y[None],
        v=v[None],
        precision=rng.uniform(0.3, 1, (1, 7)) if scaled else np.ones((1, 7)),
        features=features_at(weight.function, y / np.sqrt(v), two_sided=two_sided, range_=range_)[None],
        weight=weight,
    )


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("range_", [(0.0, 1.0), (0.001, 0.999)])
def test_derivatives_are_those_of_the_likelihood(name, two_sided, range_):
    likelihood = _likelihood(name, two_sided=two_sided, range_=range_, scaled=name != "beta")
    point = np.array([0.2, 0.05, *((-0.2, 0.8) if name == "beta" else (1.7,))])
    row, step = np.array([0]), 1e-5
    _, gradient, curvature = likelihood(point[None], row)
    for i in range(point.size):
        shift = step * (np.arange(point.size) == i)
        above, below = likelihood((point + shift)[None], row), likelihood((point - shift)[None], row)
        assert (above[0][0] - below[0][0]) / (2 * step) == pytest.approx(gradient[0, i], abs=1e-6)
        assert (above[1][0] - below[1][0]) / (2 * step) == pytest.approx(curvature[0, i], abs=1e-5)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("alternative", ["greater", "two-sided"])
def test_the_integral_is_the_one_of_brute_force(name, alternative):
    # Far tails too: weights without a bound, which need nodes beyond those that are fixed.
    for range_ in ((0.0, 1.0), (1e-5, 1 - 1e-5), (0.01, 0.9)):
        likelihood = _likelihood(name, two_sided=alternative == "two-sided", range_=range_)
        for theta in ((-0.3, 0.8), (0.4, -0.2)) if name == "beta" else ((0.03,), (2.0,), (40.0,)):
            delta = np.asarray(theta) + (1 if name == "beta" else 0)
            value = likelihood(np.array([[0.2, 0.05, *theta]]), np.array([0]))[0][0]
            options = {"weights": name, "alternative": alternative, "p_range": range_}
            direct = _independent(likelihood.y[0], likelihood.v[0], options, 0.2, 0.05, delta)
            assert value == pytest.approx(direct, abs=1e-9), (range_, theta)


def test_a_two_sided_power_of_a_normal_has_its_closed_form():
    # With mu = 0, tau2 = 0 the P-value is uniform: the integral of p^(a-1) (1-p)^(b-1) is the beta function.
    likelihood = _likelihood("beta", two_sided=True)
    y = likelihood.y[0]
    z = np.abs(y) / np.sqrt(likelihood.v[0])
    p = 2 * special.ndtr(-z)
    for a, b in ((0.3, 0.2), (0.7, 2.5), (3.0, 0.4)):
        value = likelihood(np.array([[0.0, 0.0, a - 1, b - 1]]), np.array([0]))[0][0]
        own = (a - 1) * np.log(p) + (b - 1) * np.log(special.erf(z / np.sqrt(2))) - special.betaln(a, b)
        normal = -(z**2) / 2 - np.log(2 * np.pi * likelihood.v[0]) / 2
        assert value == pytest.approx((own + normal).sum(), abs=1e-9)


def test_an_integral_that_does_not_exist_is_outside():
    likelihood = _likelihood("beta")
    value, gradient, _ = likelihood(np.array([[0.2, 5.0, -0.5, 0.0]]), np.array([0]))
    assert value[0] == -np.inf
    assert (gradient == 0).all()


def test_studies_far_from_the_mean_do_not_lose_the_integral():
    # All of the mass lies beyond one end of the nodes, all of the weight beyond the other.
    likelihood = _likelihood("half-normal")
    for mean in (-300.0, 300.0):
        value, gradient, curvature = likelihood(np.array([[mean, 0.0, 5000.0]]), np.array([0]))
        assert np.isfinite(value).all()
        assert np.isfinite(gradient).all()
        assert np.isfinite(curvature).all()


def test_without_selection_it_is_the_normal_model():
    rng = np.random.default_rng(3)
    v = rng.uniform(0.05, 0.4, (50, 8))
    y = rng.normal(0.2, np.sqrt(v + rng.choice([0, 0.1], (50, 1))))
    fit = fit_without_selection(y, v, None)
    grid = np.concatenate(([0.0], np.geomspace(1e-6, 5, 4001)))[:, None, None]
    w = 1 / (v + grid)
    mean = (w * y).sum(-1) / w.sum(-1)
    ll = 0.5 * (np.log(w / (2 * np.pi)) - w * (y - mean[..., None]) ** 2).sum(-1)
    assert (fit.value >= ll.max(axis=0) - 1e-10).all()
    assert fit.value == pytest.approx(ll.max(axis=0), abs=1e-5)
    assert fit.free[:, 1] == pytest.approx(fit.point[:, 1] > 0)


def _selected(sets, studies, seed=5):
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.01, 0.2, (sets, studies))
    y = rng.normal(0.25, np.sqrt(v + 0.03))
    y[..., :4] = [0.6, 0.05, 0.35, -0.2]
    v[..., :4] = [0.02, 0.1, 0.1, 0.09]
    return y, v


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"steps": (0.05, 0.5), "decreasing": True},
        {"weights": "logistic"},
        {"weights": "power"},
        {"alternative": "two-sided", "steps": (0.05,)},
        {"weights": "half-normal", "alternative": "less"},
    ],
)
def test_a_batch_equals_a_loop(options):
    y, v = _selected(6, 25)
    batch = selection_model(EffectSizes(effect=y.reshape(2, 3, 25), variance=v.reshape(2, 3, 25)), **options)
    assert batch.estimate.shape == (2, 3)
    for row, index in enumerate(np.ndindex(2, 3)):
        one = selection_model(EffectSizes(effect=y[row], variance=v[row]), **options)
        assert float(batch.estimate.value[index]) == pytest.approx(float(one.estimate.value), abs=1e-7)
        assert float(batch.estimate.std_error[index]) == pytest.approx(
            float(one.estimate.std_error), rel=1e-6
        )
        assert float(batch.log_likelihood[index]) == pytest.approx(float(one.log_likelihood), abs=1e-10)
        assert batch.selection[index] == pytest.approx(one.selection, rel=1e-5, abs=1e-9)
        assert batch.counts[index].sum() == 25
    assert len(batch.to_frame()) == 6
    assert str(batch).count("\n") == 5


@pytest.mark.parametrize("options", [{}, {"weights": "beta"}, {"weights": "negative-exponential"}])
def test_turning_shifting_units_and_permuting(options):
    y, v = _selected(1, 30, seed=8)
    y, v = y[0], v[0]
    fit = selection_model(EffectSizes(effect=y, variance=v), **options)
    turned = selection_model(EffectSizes(effect=-y, variance=v), alternative="less", **options)
    assert float(turned.estimate.value) == pytest.approx(-float(fit.estimate.value), abs=1e-7)
    assert float(turned.estimate.low) == pytest.approx(-float(fit.estimate.high), abs=1e-6)
    assert turned.selection == pytest.approx(fit.selection, rel=1e-6)
    # Another unit changes no P-value.
    larger = selection_model(EffectSizes(effect=100 * y, variance=1e4 * v), **options)
    assert float(larger.estimate.value) == pytest.approx(100 * float(fit.estimate.value), rel=1e-6)
    assert float(larger.tau2) == pytest.approx(1e4 * float(fit.tau2), rel=1e-5, abs=1e-9)
    assert larger.selection == pytest.approx(fit.selection, rel=1e-5)
    assert float(larger.lrt) == pytest.approx(float(fit.lrt), abs=1e-8)
    order = np.random.default_rng(1).permutation(30)
    mixed = selection_model(EffectSizes(effect=y[order], variance=v[order]), **options)
    assert float(mixed.estimate.value) == pytest.approx(float(fit.estimate.value), abs=1e-7)


def test_known_selection_is_recovered():
    rng = np.random.default_rng(11)
    v = rng.uniform(0.01, 0.15, 40_000)
    y = rng.normal(0.2, np.sqrt(v + 0.04))
    p = special.ndtr(-y / np.sqrt(v))
    seen = rng.random(v.size) < np.where(p <= 0.025, 1.0, 0.3)
    fit = selection_model(EffectSizes(effect=y[seen][:8000], variance=v[seen][:8000]))
    for value, error, truth in (
        (fit.estimate.value, fit.estimate.std_error, 0.2),
        (fit.tau2, fit.tau2_std_error, 0.04),
        (fit.selection[0], fit.selection_std_error[0], 0.3),
    ):
        assert abs(float(value) - truth) < 3 * float(error)
        assert float(error) < 0.05
    assert float(fit.lrt_pvalue) < 1e-10


def test_weights_of_one_change_nothing():
    y, v = _selected(1, 12)
    effects = EffectSizes(effect=y[0], variance=v[0], measure="RR")
    fit = selection_model(effects, fixed_weights=(1, 1))
    assert float(fit.log_likelihood) == pytest.approx(float(fit.log_likelihood_without), abs=1e-12)
    assert fit.lrt_df == 0
    assert np.isnan(fit.lrt)
    assert np.isnan(fit.lrt_pvalue)
    assert fit.selection.tolist() == [1]
    # A study that is a hundredth as likely to be seen pulls the mean down.
    assert selection_model(effects, fixed_weights=(1, 0.01)).estimate.value < fit.estimate.value
    assert "adjusted for selection by step: weight of P > 0.025 1.00; τ² =" in str(fit)
    assert "likelihood ratio" in str(selection_model(effects))


def test_precision_scales_the_parameter():
    columns = dataset("D_selmodel", records("D_selmodel", "selmodel/hackshaw1998/ML/negexp")[0])
    v = columns["vi"]
    effects = EffectSizes(effect=columns["yi"], variance=v)
    plain = selection_model(effects, weights="negative-exponential")
    twice = selection_model(effects, weights="negative-exponential", precision=np.full(v.size, 2.0))
    assert plain.selection[0] > 0
    assert float(twice.selection[0]) == pytest.approx(float(plain.selection[0]) / 2, rel=1e-6)
    assert float(twice.estimate.value) == pytest.approx(float(plain.estimate.value), abs=1e-8)
    by_size = selection_model(effects, weights="negative-exponential", precision=np.sqrt(v / v.max()))
    assert float(by_size.log_likelihood) != pytest.approx(float(plain.log_likelihood), abs=1e-6)


def test_parameters_at_their_bound_have_no_standard_error():
    effects = EffectSizes(effect=[0.2, 0.21, 0.25, -0.3], variance=[0.005, 0.2, 0.3, 0.1])
    fit = selection_model(effects, weights="half-normal")
    assert fit.tau2 == 0
    assert np.isnan(fit.tau2_std_error)
    assert np.isfinite(fit.estimate.std_error)
    assert np.isnan(fit.selection_low).tolist() == [fit.selection[0] == 0]


def test_equal_effects_have_no_heterogeneity():
    v = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
    fit = selection_model(EffectSizes(effect=np.full(6, 0.3), variance=v), fixed_weights=(1, 0.5))
    assert fit.tau2 == 0


def test_what_has_no_maximum_is_an_error(monkeypatch):
    # All are significant: the fewer of such studies are seen, the lower the mean may be, without end.
    y = np.array([2.5, 3, 2.7, 4, 2.2, 3.3, 2.8])
    with pytest.raises(ConvergenceError, match="no maximum: it still rises as the mean and a run away"):
        selection_model(EffectSizes(effect=y, variance=np.ones(7)), weights="beta")
    monkeypatch.setattr(maximum_likelihood, "_ITERATIONS", 1)
    effects = EffectSizes(effect=[[0.9, 0.1, 0.2], [0.9, 0.3, 0.8]], variance=[0.01, 0.1, 0.1])
    with pytest.raises(ConvergenceError, match="in replicate 0 of the leading axes"):
        selection_model(effects)
    assert selection_fit._HIGHER < 1e-5


GOOD = EffectSizes(effect=[0.1, 0.5, 0.9], variance=[0.1, 0.02, 0.1])


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`effects` must be EffectSizes, but got list"),
        (GOOD, {"weights": "beta2"}, ValueError, "Did you mean 'beta'"),
        (
            GOOD,
            {"alternative": "up"},
            ValueError,
            "`alternative` must be one of 'greater', 'less', 'two-sided'",
        ),
        (GOOD, {"steps": ()}, ValueError, "`steps` must be P-values .* but got none"),
        (GOOD, {"steps": (0.5, 0.05)}, ValueError, "that increase, but got 0.05 at index 1"),
        (GOOD, {"steps": (0.05, 1)}, ValueError, "between 0 and 1 that increase, but got 1 at index 1"),
        (GOOD, {"steps": (1e-9,)}, ValueError, "but there is none in 0 < P <= 1e-09: .* Merge it"),
        (GOOD, {"fixed_weights": (1,)}, ValueError, "`fixed_weights` must hold 2 weights"),
        (GOOD, {"fixed_weights": (0.5, 1)}, ValueError, "the first being 1, but got .0.5, 1.0."),
        (GOOD, {"fixed_weights": (1, 0)}, ValueError, "`fixed_weights` must be a number greater than 0"),
        (GOOD, {"fixed_weights": (1, 1), "decreasing": True}, ValueError, "`decreasing` has no place"),
        (GOOD, {"weights": "beta", "decreasing": True}, ValueError, "are for weights='step'"),
        (GOOD, {"weights": "beta", "fixed_weights": (1, 1)}, ValueError, "are for weights='step'"),
        (GOOD, {"p_range": (0, 1)}, ValueError, "`p_range` has no place in a step weight"),
        (GOOD, {"weights": "beta", "p_range": (0.9, 0.1)}, ValueError, "`p_range` must be two P-values"),
        (GOOD, {"precision": [1, 1, 1]}, ValueError, "`precision` has no place in weights='step'"),
        (GOOD, {"weights": "power", "precision": [1, 1]}, ValueError, "broadcast to the shape"),
        (GOOD, {"weights": "power", "precision": -1}, ValueError, "`precision` must be a number greater"),
        (GOOD, {"tau2": "REML"}, ValueError, "`tau2` must be 'ML' or a number of at least 0, but got 'REML'"),
        (GOOD, {"tau2": -1}, ValueError, "`tau2` must be 'ML' or a number of at least 0, but got -1"),
        (GOOD, {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (EffectSizes(effect=[0.1], variance=[1]), {}, ValueError, "at least two studies"),
        (EffectSizes(effect=[0.1, np.nan], variance=[1, 1]), {}, ValueError, "effect nan .* at index 1"),
        (EffectSizes(effect=[0.1, 0.2], variance=[1, 0]), {}, ValueError, "variance 0 at index 1"),
    ],
)
def test_bad_input_is_named(effects, options, error, message):
    with pytest.raises(error, match=message):
        selection_model(effects, **options)
