"""The laws of the counts and the integrals over the studies' effects."""

import numpy as np
import pytest
from scipy import integrate, stats

from analysis.meta.glmm import pool_glmm
from analysis.meta.methods import glmm_quadrature
from analysis.meta.methods.glmm_designs import build_design
from analysis.meta.methods.glmm_laws import BinomialLaw, PoissonLaw
from analysis.meta.methods.glmm_maximum import by_gauss_hermite, by_trapezoids
from analysis.meta.methods.glmm_model import MixedModel
from analysis.meta.methods.glmm_quadrature import trapezoidal_derivatives
from analysis.meta.methods.hypergeometric import HypergeometricLaw
from glmm_counts import bcg_table, counts_of
from reference_values import dataset, records


def test_hypergeometric_law():
    rng = np.random.default_rng(4)
    n1, n0 = rng.integers(1, 60, 40), rng.integers(1, 60, 40)
    a, c = rng.binomial(n1, 0.4), rng.binomial(n0, 0.3)
    law = HypergeometricLaw(*(np.asarray(x, dtype=float) for x in (a, n1, c, n0)))
    eta = rng.normal(0, 2, (7, 40, 1))
    value, slope, curvature = (part[..., 0] for part in law(eta))
    arguments = n1 + n0, a + c, n1, np.exp(eta[..., 0])
    scipys = stats.nchypergeom_fisher
    assert value == pytest.approx(scipys.logpmf(a, *arguments), rel=1e-9, abs=1e-11)
    assert a - slope == pytest.approx(scipys.mean(*arguments), rel=1e-9, abs=1e-9)
    assert -curvature == pytest.approx(scipys.var(*arguments), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("eta", [-12.0, -3.0, -0.01, 0.0, 0.4, 5.0, 14.0])
def test_hypergeometric_law_adds_what_matters(eta):
    """Against the sum over the whole support, in one study with few and one with many terms."""
    a, n1 = np.array([505.0, 3.0, 40_000.0]), np.array([88_391.0, 5.0, 70_000.0])
    c, n0 = np.array([499.0, 2.0, 12_000.0]), np.array([88_391.0, 900.0, 30_000.0])
    law = HypergeometricLaw(a, n1, c, n0)
    value, slope, curvature = law(np.full((1, 3, 1), eta))
    assert law._window(np.full((1, 3), eta))[1].max() < 2500 < law.highest.max() - law.lowest.max()
    for i in range(3):
        x = np.arange(law.lowest[i], law.highest[i] + 1)
        steps = np.log(n1[i] - x[:-1]) + np.log(a[i] + c[i] - x[:-1]) + eta
        steps -= np.log(x[1:]) + np.log(n0[i] - a[i] - c[i] + x[1:])
        logs = np.concatenate([[0.0], np.cumsum(steps)])
        weight = np.exp(logs - logs.max())
        weight /= weight.sum()
        mean = (weight * x).sum()
        expected = logs[int(a[i] - x[0])] - logs.max() - np.log(np.exp(logs - logs.max()).sum())
        assert value[0, i, 0] == pytest.approx(expected, rel=1e-10, abs=1e-9)
        assert a[i] - slope[0, i, 0] == pytest.approx(mean, rel=1e-10, abs=1e-9)
        assert -curvature[0, i, 0] == pytest.approx((weight * (x - mean) ** 2).sum(), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("eta", [-40.0, -2.0, 0.0, 3.0, 40.0])
def test_binomial_and_poisson_laws(eta):
    x, n = np.array([[0.0, 3.0, 10.0, 400.0]]), np.array([[12.0, 9.0, 10.0, 50_000.0]])
    value, slope, curvature = BinomialLaw(x, n)(np.full((1, 4), eta))
    p = 1 / (1 + np.exp(-eta))
    log_p, log_q = -np.logaddexp(0, -eta), -np.logaddexp(0, eta)
    whole = stats.binom.logpmf(x, n, 0.5) + n * np.log(2)
    assert value == pytest.approx(whole + x * log_p + (n - x) * log_q, rel=1e-11, abs=1e-11)
    assert slope == pytest.approx(x - n * p)
    assert curvature == pytest.approx(-n * np.exp(log_p + log_q))
    value, slope, curvature = PoissonLaw(x, n / 100)(np.full((1, 4), eta))
    mean = np.exp(eta) * n / 100
    assert value == pytest.approx(stats.poisson.logpmf(x, mean), rel=1e-11)
    assert slope == pytest.approx(x - mean)
    assert curvature == pytest.approx(-mean)


@pytest.mark.parametrize("tau", [1e-9, 0.05, 0.8, 6.0])
def test_the_trapezoidal_rule_is_exact(tau):
    x, n = np.array([0.0, 8.0, 3.0, 50_000.0]), np.array([20.0, 8.0, 40.0, 170_000.0])
    model = MixedModel(law=BinomialLaw(x[:, None], n[:, None]), fixed=np.ones((1, 1)), random=np.ones((1, 1)))
    mu = -1.0
    at, modes = trapezoidal_derivatives(model, np.array([mu, tau]), np.zeros(4), np.zeros((4, 1)))
    for i in range(4):

        def density(u, i=i):
            return stats.binom.pmf(x[i], n[i], 1 / (1 + np.exp(-mu - tau * u))) * stats.norm.pdf(u)

        middle = modes[i, 0]
        points = middle + np.array([-8, -1, -0.1, -0.01, 0, 0.01, 0.1, 1, 8])
        whole = sum(
            integrate.quad(density, *ends, epsabs=0, epsrel=1e-12, limit=400)[0]
            for ends in zip([-40, *points], [*points, 40], strict=True)
        )
        assert at.value[i] == pytest.approx(np.log(whole), rel=1e-10, abs=1e-11)
    # Its derivatives are those of the value.
    step = 1e-5 * max(tau, 1.0)
    for position in range(2):
        shift = np.eye(2)[position] * step
        upper, lower = (
            trapezoidal_derivatives(model, np.array([mu, tau]) + s * shift, np.zeros(4), modes)[0]
            for s in (1, -1)
        )
        assert at.gradient[:, position] == pytest.approx(
            (upper.value - lower.value) / (2 * step), rel=1e-4, abs=1e-4
        )
        assert at.hessian[:, position] == pytest.approx(
            (upper.gradient - lower.gradient) / (2 * step), rel=1e-3, abs=1e-2
        )


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_a_finer_rule_changes_nothing(model, monkeypatch):
    record = records("C_glmm", "rma.glmm/sparse_a/OR/UM.FS/EE")[0]
    data = counts_of("OR", dataset("C_glmm", record))
    usual = pool_glmm(data, model=model)
    for name, value in (("_STEP", 0.4), ("_PREDICTOR_STEP", 0.15), ("_DROP", 60.0)):
        monkeypatch.setattr(glmm_quadrature, name, value)
    finer = pool_glmm(data, model=model)
    assert float(finer.log_likelihood) == pytest.approx(float(usual.log_likelihood), rel=1e-13)
    assert float(finer.tau2) == pytest.approx(float(usual.tau2), rel=1e-10)
    assert float(finer.estimate.std_error) == pytest.approx(float(usual.estimate.std_error), rel=1e-10)


def test_more_nodes_come_nearer():
    record = records("C4_glmm_own", "plo/prop_sparse")[0]
    data = counts_of("PLO", dataset("C4_glmm_own", record))
    exact = float(pool_glmm(data).tau2)
    errors = [abs(float(pool_glmm(data, nodes=nodes).tau2) - exact) for nodes in (1, 7, 21, 61)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 1
    assert errors[-1] < 5e-3


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL"])
def test_both_ways_to_the_derivatives_agree(model):
    design = build_design(bcg_table(), "OR", model, drop_double_zero=False)
    shared = np.concatenate([design.effects - 0.5, np.full(design.model.dimensions, 0.6)])
    exact = by_trapezoids(design.model)(shared, design.own)
    steps = np.full(shared.size, 2e-3)
    nodes = 41 if model != "UM.RS" else 15
    sums = by_gauss_hermite(design.model, nodes, steps, np.full(design.studies, 2e-3))(shared, design.own)
    assert sums.value == pytest.approx(exact.value, rel=1e-6)
    assert sums.gradient == pytest.approx(exact.gradient, rel=1e-4, abs=1e-4)
    assert sums.hessian == pytest.approx(exact.hessian, rel=1e-3, abs=1e-2)
