"""Distributions of bias parameters against scipy.stats, and every way they can be wrong."""

import numpy as np
import pytest
from scipy import stats

from analysis.bias.distributions import (
    DISTRIBUTIONS,
    Beta,
    Fixed,
    LogitNormal,
    LogNormal,
    Pert,
    Trapezoidal,
    Triangular,
    TruncatedNormal,
    Uniform,
    as_distribution,
)
from analysis.bias.methods.draw_uniforms import blocks, check_draws, mixed, seed_sequence

P = np.linspace(0.001, 0.999, 499)
CASES = [
    (Uniform(0.2, 0.9), stats.uniform(0.2, 0.7)),
    (Triangular(0.35, 0.43, 1.1), stats.triang(0.08 / 0.75, 0.35, 0.75)),
    (Triangular(0.2, 0.2, 0.9), stats.triang(0, 0.2, 0.7)),
    (Triangular(0.2, 0.9, 0.9), stats.triang(1, 0.2, 0.7)),
    (Trapezoidal(0.75, 0.85, 0.95, 1.0), stats.trapezoid(0.4, 0.8, 0.75, 0.25)),
    (Trapezoidal(0.0, 0.0, 0.5, 1.0), stats.trapezoid(0, 0.5)),
    (Trapezoidal(0.0, 0.3, 1.0, 1.0), stats.trapezoid(0.3, 1)),
    (Trapezoidal(0.0, 0.3, 0.3, 1.0), stats.triang(0.3)),
    (Trapezoidal(0.1, 0.1, 0.6, 0.6), stats.uniform(0.1, 0.5)),
    (Beta(46, 6), stats.beta(46, 6)),
    (Pert(0.35, 0.43, 1.1), stats.beta(1 + 4 * 0.08 / 0.75, 1 + 4 * 0.67 / 0.75, 0.35, 0.75)),
    (Pert(0.0, 0.5, 1.0, 8.0), stats.beta(5, 5)),
    (LogNormal(0.7, 0.2), stats.lognorm(0.2, scale=np.exp(0.7))),
    (TruncatedNormal(0.8, 0.1), stats.truncnorm(-8, 2, 0.8, 0.1)),
    (TruncatedNormal(-2, 0.3), stats.truncnorm(2 / 0.3, 3 / 0.3, -2, 0.3)),
    (TruncatedNormal(2, 0.3, 0.1, 0.9), stats.truncnorm(-1.9 / 0.3, -1.1 / 0.3, 2, 0.3)),
]


@pytest.mark.parametrize(("ours", "theirs"), CASES, ids=lambda case: str(case)[:40])
def test_quantiles_are_those_of_scipy(ours, theirs):
    np.testing.assert_allclose(ours.quantile(P), theirs.ppf(P), rtol=1e-9, atol=1e-12)
    low, high = ours.support
    np.testing.assert_allclose(theirs.support(), (low, high), atol=1e-12)
    assert low <= ours.quantile(0.0) <= ours.quantile(1.0) <= high


def test_a_logit_normal_is_a_normal_logit():
    x = LogitNormal(1.5, 0.4).quantile(P)
    np.testing.assert_allclose(np.log(x / (1 - x)), stats.norm(1.5, 0.4).ppf(P), rtol=1e-9)


def test_a_point_mass_is_its_value():
    assert Fixed(0.9).quantile([0.0, 0.3, 1.0]).tolist() == [0.9] * 3


def test_the_interval_of_a_log_normal_is_put_back():
    limits = LogNormal.from_interval(1.5, 4.0, confidence_level=0.9).quantile([0.05, 0.95])
    np.testing.assert_allclose(limits, [1.5, 4.0], rtol=1e-12)
    with pytest.raises(ValueError, match="0 < `low` < `high`"):
        LogNormal.from_interval(4.0, 1.5)


@pytest.mark.parametrize(("ours", "theirs"), CASES, ids=lambda case: str(case)[:40])
def test_text_reads_back(ours, theirs):
    assert as_distribution("x", str(ours)) == ours


def test_numbers_and_text_become_distributions():
    assert as_distribution("x", 0.9) == Fixed(0.9)
    assert as_distribution("x", "  beta( 46,6 ) ") == Beta(46, 6)
    assert set(DISTRIBUTIONS) == {
        "fixed",
        "uniform",
        "triangular",
        "trapezoidal",
        "beta",
        "logit-normal",
        "log-normal",
        "truncated-normal",
        "pert",
    }


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: Triangular(0.5, 0.9, 0.8),
            r"`low` <= `mode` <= `high` must hold for triangular, but got tri",
        ),
        (lambda: Trapezoidal(0.7, 0.95, 0.9, 1), "in this order"),
        (lambda: Uniform(0.9, 0.9), "both are 0.9. For a value that is known write 0.9"),
        (lambda: Pert(0, 0.5, 1, 0), "`peak` of pert must be greater than 0, but got 0"),
        (lambda: Beta(0, 1), "`alpha` of beta must be greater than 0"),
        (lambda: LogNormal(0, -1), "`sd` of log-normal must be greater than 0, but got -1"),
        (lambda: TruncatedNormal(50, 0.1), "must leave some probability"),
        (lambda: Uniform(0, np.inf), "`high` of uniform must be one finite number"),
        (lambda: Uniform(0, np.nan), "finite"),
        (lambda: Uniform(0, [1, 2]), "one finite number"),
        (lambda: Uniform(0, True), "`high` must be numbers"),
        (lambda: as_distribution("sensitivity", "betta(1, 2)"), "`sensitivity`: .*Did you mean 'beta'"),
        (lambda: as_distribution("sensitivity", "beta(1)"), r"beta takes alpha, beta, but got 'beta\(1\)'"),
        (lambda: as_distribution("sensitivity", "beta(a, b)"), "must be numbers"),
        (lambda: as_distribution("sensitivity", "0.9"), "must be written like uniform"),
        (lambda: as_distribution("sensitivity", None), "`sensitivity`"),
        (lambda: Uniform(0, 1).quantile([0.5, 1.2]), "`probability` must be between 0 and 1, .* at index 1"),
    ],
)
def test_what_is_wrong_is_named(make, match):
    with pytest.raises((TypeError, ValueError), match=match):
        make()


@pytest.mark.parametrize("sampling", ["random", "latin-hypercube", "sobol"])
def test_draws_come_from_the_seed_alone(sampling):
    drawn = [
        np.concatenate([b.uniforms for b in blocks(2**17, 3, sampling=sampling, seed=seed_sequence(7))], 1)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*drawn)
    assert drawn[0].shape == (3, 2**17)
    assert drawn[0].min() > 0
    assert drawn[0].max() < 1
    np.testing.assert_allclose(drawn[0].mean(axis=1), 0.5, atol=4 / np.sqrt(12 * 2**17))
    assert np.abs(np.corrcoef(drawn[0]) - np.eye(3)).max() < 4 / np.sqrt(2**17)


def test_a_hypercube_has_one_draw_a_stratum():
    first = next(blocks(1600, 2, sampling="latin-hypercube", seed=seed_sequence(1))).uniforms
    for row in first:
        np.testing.assert_array_equal(np.sort((row * 100).astype(int)), np.arange(100))


def test_a_copula_has_the_stated_rank_correlation():
    block = next(blocks(2**15, 2, sampling="random", seed=seed_sequence(3)))
    rho = 0.8
    factor = np.linalg.cholesky([[1, rho], [rho, 1]])
    pair = mixed(block.uniforms, factor)
    expected = 6 / np.pi * np.arcsin(rho / 2)
    assert stats.spearmanr(*pair).statistic == pytest.approx(expected, abs=0.01)
    assert stats.kstest(pair[1], "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("draws", "sampling", "match"),
    [
        (50, "random", "at least 100"),
        (1e5, "random", "whole number"),
        (True, "random", "whole number"),
        (100_000, "sobol", "power of 2 .* Write 131072"),
        (100_001, "latin-hypercube", "multiple of 16 .* Write 100016"),
        (2**24, "sobol", 'Use sampling="random"'),
        (1000, "halton", "`sampling` must be one of"),
    ],
)
def test_the_number_of_draws_must_suit_the_plan(draws, sampling, match):
    with pytest.raises((TypeError, ValueError), match=match):
        check_draws(draws, sampling)


@pytest.mark.parametrize("rng", [None, -1, 1.5, True, "seed"])
def test_a_seed_must_be_given(rng):
    with pytest.raises(TypeError, match="A seed is asked for"):
        seed_sequence(rng)
