"""Bias-adjusted pooling against closed forms of normal biases, and its limits."""

import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes, TwoByTwo, pool
from analysis.bias.distributions import LogNormal
from analysis.bias.pooled import pool_bias_adjusted
from analysis.bias.spec import OutcomeMisclassification, SelectionBias, UnmeasuredConfounding

STUDIES = EffectSizes(effect=np.log([1.5, 1.9, 1.2, 2.4]), variance=[0.02, 0.05, 0.03, 0.08], measure="HR")
TABLES = TwoByTwo(
    exposed_cases=[30, 22, 41],
    exposed_total=[200, 180, 300],
    control_cases=[40, 35, 66],
    control_total=[400, 420, 800],
)
NORMAL = SelectionBias(bias_factor=LogNormal(0.2, 0.15))
COMMON = {"model": "common", "ci": "wald", "rng": 4, "draws": 40_000}
WEIGHT = 1 / STUDIES.variance / (1 / STUDIES.variance).sum()


@pytest.mark.parametrize("parameters", ["shared", 0.5, "study-specific"])
def test_normal_biases_pool_to_a_normal(parameters):
    """Var of the mean of biases: sd² (rho + (1 - rho) Σw²)."""
    result = pool_bias_adjusted(STUDIES, biases=NORMAL, parameters=parameters, **COMMON)
    rho = {"shared": 1.0, "study-specific": 0.0}.get(parameters, parameters)
    systematic = 0.15**2 * (rho + (1 - rho) * (WEIGHT**2).sum())
    random = 1 / (1 / STUDIES.variance).sum()
    # Relative standard error of a variance of 40 000 draws: 0.7 %.
    assert result.systematic_variance == pytest.approx(systematic, rel=0.03)
    assert result.random_variance == pytest.approx(random, rel=1e-10)
    assert result.between_variance == 0
    assert sum(result.shares.values()) == pytest.approx(1)
    mean = (WEIGHT * STUDIES.effect).sum() - 0.2
    for estimate, error, sd in (
        (result.systematic, result.systematic_error, np.sqrt(systematic)),
        (result.total, result.total_error, np.sqrt(systematic + random)),
    ):
        exact = stats.norm(mean, sd).ppf([0.5, 0.025, 0.975])
        found = np.log([estimate.value, estimate.low, estimate.high])
        assert (np.abs(found - exact) < 4 * error).all()
    assert result.sharing == rho


def test_a_shared_shift_leaves_heterogeneity_alone():
    result = pool_bias_adjusted(STUDIES, biases=NORMAL, rng=1, draws=1000, tau2="DL", ci="wald")
    usual = pool(STUDIES, tau2="DL", ci="wald")
    np.testing.assert_allclose(result.tau2, usual.tau2, rtol=1e-9)
    weight = usual.weights / 100
    assert result.between_variance == pytest.approx(usual.tau2 * (weight**2).sum(), rel=1e-9)
    assert result.between_variance + result.random_variance == pytest.approx(usual.std_error**2, rel=1e-9)
    specific = pool_bias_adjusted(
        STUDIES, biases=NORMAL, parameters="study-specific", rng=1, draws=1000, tau2="DL", ci="wald"
    )
    # Biases of their own add scatter between the studies.
    assert specific.tau2[2] > usual.tau2 * 1.5


@pytest.mark.parametrize("ci", ["hartung-knapp-adhoc", "hartung-knapp", "t", "wald"])
def test_no_bias_gives_the_conventional_interval(ci):
    nothing = SelectionBias(bias_factor=1)
    result = pool_bias_adjusted(STUDIES, biases=nothing, rng=2, draws=50_000, tau2="DL", ci=ci)
    usual = result.conventional.estimate
    assert result.systematic_variance == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(result.systematic.value, usual.value, rtol=1e-12)
    found = np.log([result.total.value, result.total.low, result.total.high])
    exact = np.log([usual.value, usual.low, usual.high])
    assert (np.abs(found - exact) < 4 * result.total_error).all()


def test_tables_are_adjusted_before_they_are_pooled():
    bias = OutcomeMisclassification(
        sensitivity=0.9, specificity=1, control_sensitivity="uniform(0.6, 0.8)", control_specificity=1
    )
    result = pool_bias_adjusted(TABLES, biases=bias, measure="RR", rng=1, draws=500, tau2="DL")
    conventional = result.conventional.estimate.value
    # Each risk ratio, and so their mean of unchanged weights, falls by between 0.6/0.9 and 0.8/0.9; weights
    # change a little.
    assert (
        0.6 / 0.9 * 0.97 < result.systematic.low / conventional < result.systematic.high / conventional < 0.92
    )
    assert result.studies.shape == (3,)
    np.testing.assert_allclose(
        result.studies.value,
        (TABLES.exposed_cases / TABLES.exposed_total)
        / (TABLES.control_cases / TABLES.control_total)
        * 0.7
        / 0.9,
        rtol=0.01,
    )
    frame = result.to_frame()
    assert frame["error"].tolist() == ["conventional", "systematic", "total"]
    assert "variance:" in str(result)


def test_a_draw_that_contradicts_one_study_is_left_out_for_all():
    bias = OutcomeMisclassification(sensitivity=0.9, specificity="uniform(0.9, 1)")
    result = pool_bias_adjusted(TABLES, biases=bias, rng=1, draws=4000, tau2="DL")
    lowest = (TABLES.control_cases / TABLES.control_total).min()
    assert result.impossible_draws / 4000 == pytest.approx((0.1 - lowest) / 0.1, abs=0.03)
    assert result.impossible_draws == result.impossible_studies.max()
    assert "contradict at least one study" in str(result)


def test_confounding_by_study_with_a_copula():
    bias = UnmeasuredConfounding(
        prevalence_exposed="beta(20, 30)", prevalence_control="beta(10, 40)", risk_ratio="uniform(1.2, 2.5)"
    )
    variances = [
        pool_bias_adjusted(
            STUDIES, biases=bias, parameters=rho, rng=3, draws=4000, tau2="DL"
        ).systematic_variance
        for rho in (0.0, 0.3, 0.7, 1.0)
    ]
    assert variances == sorted(variances)
    assert variances[3] > 2 * variances[0]


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (STUDIES, {"parameters": "common"}, "`parameters` must be one of"),
        (STUDIES, {"parameters": 1.2}, "correlation between 0 and 1, but got 1.2"),
        (STUDIES, {"ci": "profile"}, "`ci` must be one of"),
        (STUDIES, {"draws": 10**6}, "at most 200000"),
        (STUDIES, {"random_error": "resampling"}, "`random_error` must be one of"),
        (EffectSizes(effect=0.1, variance=0.1, measure="HR"), {}, "at least two studies"),
        (EffectSizes(effect=[0.1], variance=0.1, measure="HR"), {}, "at least two studies"),
        (
            TwoByTwo(exposed_cases=[0, 3], exposed_total=10, control_cases=2, control_total=10),
            {},
            "study 0 has an empty cell",
        ),
        (
            TABLES,
            {"biases": OutcomeMisclassification(sensitivity=0.9, specificity="uniform(0.8, 0.9)")},
            "only 0 of 1000 draws are; study 0 contradicts 1000",
        ),
    ],
)
def test_what_is_wrong_is_named(data, options, match):
    with pytest.raises(ValueError, match=match):
        pool_bias_adjusted(data, **({"biases": NORMAL, "rng": 1, "draws": 1000} | options))
