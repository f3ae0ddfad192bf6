import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from analysis import Proportion
from analysis.errors import ConvergenceError
from analysis.meta.beta_binomial import pool_beta_binomial
from reference_values import dataset, records


def _log_likelihood(parameters, x, n):
    """The textbook form, by beta functions; good where alpha and beta are not large."""
    mean, odds = special.expit(parameters[0]), np.exp(parameters[1])
    alpha, beta = mean / odds, (1 - mean) / odds
    choose = -np.log1p(n) - special.betaln(x + 1, n - x + 1)
    return (choose + special.betaln(x + alpha, n - x + beta) - special.betaln(alpha, beta)).sum()


def _maximise(x, n):
    found = [
        optimize.minimize(
            lambda p: -_log_likelihood(p, x, n), [0.0, start], method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 4000},
        )
        for start in (-3.0, 0.0)
    ]  # fmt: skip
    return min(found, key=lambda result: result.fun)


def _overdispersed(seed, k=8, correlation=0.15):
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 80, k)
    rest = 1 / correlation - 1
    x = rng.binomial(n, rng.beta(0.3 * rest, 0.7 * rest, k))
    return x, n


def _reference_sets():
    for name in ("plo/pritz1997", "plo/prop_sparse"):
        columns = dataset("C4_glmm_own", records("C4_glmm_own", name)[0])
        yield columns["xi"], columns["ni"]
    for seed in range(6):
        yield _overdispersed(seed)


@pytest.mark.parametrize(("x", "n"), list(_reference_sets()))
def test_an_independent_maximisation(x, n):
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    theirs = _maximise(x, n)
    logit = float(special.logit(fit.estimate.value))
    assert logit == pytest.approx(theirs.x[0], abs=1e-6)
    assert float(special.logit(fit.overdispersion)) == pytest.approx(theirs.x[1], abs=2e-6)
    assert float(fit.log_likelihood) == pytest.approx(-theirs.fun, rel=1e-11)
    assert fit.log_likelihood >= -theirs.fun - 1e-9
    # Standard error by finite differences of the textbook form.
    h = 1e-3
    at = np.array([logit, float(special.logit(fit.overdispersion))])
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            shift = np.eye(2) * h
            hessian[i, j] = sum(
                a * b * _log_likelihood(at + a * shift[i] + b * shift[j], x, n)
                for a in (1, -1)
                for b in (1, -1)
            ) / (4 * h**2)
    assert float(fit.estimate.std_error) == pytest.approx(np.linalg.inv(-hessian)[0, 0] ** 0.5, rel=1e-5)
    reach = stats.norm.isf(0.025) * float(fit.estimate.std_error)
    assert float(fit.estimate.high) == pytest.approx(special.expit(logit + reach))


@pytest.mark.parametrize(("x", "n"), list(_reference_sets()))
def test_the_limits_of_the_overdispersion_are_where_its_test_rejects(x, n):
    fit = pool_beta_binomial(Proportion(events=x, total=n), confidence_level=0.9)
    drop = stats.chi2(1).isf(0.1) / 2
    for limit in (fit.overdispersion_low, fit.overdispersion_high):
        if limit == 0:
            # The test of no overdispersion does not reject at this level.
            assert float(fit.lr) / 2 <= drop
            continue
        best = optimize.minimize_scalar(
            lambda p, r=limit: -_log_likelihood([p, special.logit(r)], x, n),
            bounds=(-8, 8),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert -best.fun == pytest.approx(float(fit.log_likelihood) - drop, abs=1e-8)
    assert fit.overdispersion_low <= fit.overdispersion <= fit.overdispersion_high


def test_the_likelihood_is_a_mixture_of_binomials():
    x, n = np.array([3, 0, 9]), np.array([12, 5, 11])
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    mean, rest = float(fit.estimate.value), 1 / float(fit.overdispersion) - 1
    law = stats.beta(mean * rest, (1 - mean) * rest)
    whole = 0.0
    for events, total in zip(x, n, strict=True):
        # As an integral over the quantiles: the density may be infinite at the ends.
        part = integrate.quad(
            lambda u, e=events, t=total: stats.binom.pmf(e, t, law.ppf(u)), 0, 1, epsabs=1e-11, limit=200
        )[0]
        whole += np.log(part)
    assert float(fit.log_likelihood) == pytest.approx(whole, rel=1e-7)


def test_no_overdispersion_is_one_binomial():
    fit = pool_beta_binomial(Proportion(events=[5, 6, 7], total=[20, 20, 21]))
    assert (fit.overdispersion, fit.overdispersion_low, fit.lr, fit.lr_pvalue) == (0, 0, 0, 1)
    assert 0 < fit.overdispersion_high < 0.3
    assert float(fit.estimate.value) == pytest.approx(18 / 61)
    assert float(fit.estimate.std_error) == pytest.approx((1 / 18 + 1 / 43) ** 0.5)
    assert float(fit.log_likelihood) == pytest.approx(
        stats.binom.logpmf([5, 6, 7], [20, 20, 21], 18 / 61).sum()
    )


def test_the_likelihood_ratio_test():
    x, n = _overdispersed(3)
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    binomial = stats.binom.logpmf(x, n, x.sum() / n.sum()).sum()
    assert float(fit.lr) == pytest.approx(2 * (float(fit.log_likelihood) - binomial))
    assert float(fit.lr_pvalue) == pytest.approx(stats.chi2(1).sf(float(fit.lr)) / 2)


def test_large_counts_keep_their_digits():
    """A correlation of 1e-5, where differences of beta functions have lost theirs."""
    x, n = np.array([1010, 2175, 48_400]), np.array([10_000, 20_000, 500_000])
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    assert 0 < fit.overdispersion < 1e-3
    odds = float(fit.overdispersion / (1 - fit.overdispersion))
    logit = float(special.logit(fit.estimate.value))
    h = 0.01

    def exact(b, log_odds):
        p, g = special.expit(b), np.exp(log_odds)
        parts = zip(x, n, strict=True)
        return sum(
            np.log(p + np.arange(e) * g).sum()
            + np.log1p(-p + np.arange(t - e) * g).sum()
            - np.log1p(np.arange(t) * g).sum()
            for e, t in parts
        )

    top = exact(logit, np.log(odds))
    whole = stats.binom.logpmf(x, n, 0.5).sum() + n.sum() * np.log(2)
    assert float(fit.log_likelihood) == pytest.approx(top + whole, rel=1e-9)
    for b, g in ((h, 0), (-h, 0), (0, 0.01), (0, -0.01)):
        assert exact(logit + b, np.log(odds) + g) < top


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), correlation=st.sampled_from([0.005, 0.1, 0.5]))
def test_turning_events_round_and_permuting(seed, correlation):
    x, n = _overdispersed(seed, correlation=correlation)
    if x.sum() in {0, n.sum()} or ((x == 0) | (x == n)).all():
        return
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    turned = pool_beta_binomial(Proportion(events=n - x, total=n))
    order = np.random.default_rng(seed).permutation(n.size)
    permuted = pool_beta_binomial(Proportion(events=x[order], total=n[order]))
    assert float(turned.estimate.value) == pytest.approx(1 - float(fit.estimate.value), rel=1e-7)
    assert float(turned.estimate.low) == pytest.approx(1 - float(fit.estimate.high), rel=1e-6)
    for other in (turned, permuted):
        for name in ("overdispersion", "overdispersion_low", "overdispersion_high", "lr", "log_likelihood"):
            assert float(getattr(other, name)) == pytest.approx(float(getattr(fit, name)), rel=1e-5, abs=1e-9)


def test_studies_of_nobody_and_of_one_person():
    fit = pool_beta_binomial(Proportion(events=[5, 9, 0], total=[20, 18, 0]))
    assert fit.n_studies == 2
    alone = pool_beta_binomial(Proportion(events=[1, 0, 0], total=[1, 1, 1]))
    # One person a study tells nothing about correlation within a study.
    assert (alone.overdispersion, alone.overdispersion_low, alone.overdispersion_high) == (0, 0, 1)
    single = pool_beta_binomial(Proportion(events=3, total=20))
    assert (single.n_studies, single.overdispersion) == (1, 0)
    assert float(single.estimate.value) == pytest.approx(0.15)


def test_frame_and_text():
    x, n = next(iter(_reference_sets()))
    fit = pool_beta_binomial(Proportion(events=x, total=n))
    assert str(fit).endswith("beta-binomial model, overdispersion 0.091 (0.022 to 0.26), 14 studies")
    frame = fit.to_frame()
    assert frame.loc[0, "measure"] == "PLO"
    assert set(frame.columns) >= {"overdispersion", "overdispersion_low", "lr_pvalue", "log_likelihood"}
    assert fit.estimate.pvalue is None
    assert not fit.overdispersion.flags.writeable


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`proportion` must be a Proportion, but got list"),
        (Proportion(events=[[1, 2]], total=9), {}, ValueError, "one set of studies .* has shape .1, 2."),
        (Proportion(events=[0, 0], total=9), {}, ValueError, "hold no events .0 of 18.*clopper-pearson"),
        (Proportion(events=[9, 9], total=9), {}, ValueError, "hold only events .18 of 18."),
        (Proportion(events=[1, 2], total=9), {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (Proportion(events=[0, 9], total=9), {}, ConvergenceError, "overdispersion grows to 1"),
    ],
)
def test_bad_input_is_named(data, options, error, message):
    with pytest.raises(error, match=message):
        pool_beta_binomial(data, **options)
