"""Studies with biases of their own: closed forms of normal biases, groups, sharing by name, wrong input."""

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo
from analysis.bias.distributions import LogNormal
from analysis.bias.methods.draw_studies import StudyParameters
from analysis.bias.pooled import pool_bias_adjusted
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import (
    ExposureMisclassification,
    MBias,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from reference_values import assert_same

LABELS = ("Able", "Baker", "Cole", "Dunn")
STUDIES = EffectSizes(
    effect=np.log([1.5, 1.9, 1.2, 2.4]), variance=[0.02, 0.05, 0.03, 0.08], measure="HR", label=LABELS
)
TABLES = TwoByTwo(
    exposed_cases=[30, 22, 41],
    exposed_total=[200, 180, 300],
    control_cases=[40, 35, 66],
    control_total=[400, 420, 800],
)
COMMON = {"model": "common", "ci": "wald", "rng": 4, "draws": 40_000}
WEIGHT = 1 / STUDIES.variance / (1 / STUDIES.variance).sum()
MEANS, SDS = np.array([0.2, 0.0, -0.1, 0.4]), np.array([0.15, 0.3, 0.05, 0.2])
FACTORS = [SelectionBias(bias_factor=LogNormal(mean, sd)) for mean, sd in zip(MEANS, SDS, strict=True)]


@pytest.mark.parametrize("parameters", ["shared", 0.5, "study-specific"])
def test_normal_biases_of_each_study_pool_to_a_normal(parameters):
    """Var of Σ w b, b normal with standard deviations s and correlation ρ: ρ (Σ w s)² + (1 - ρ) Σ w² s²."""
    result = pool_bias_adjusted(STUDIES, biases=[[bias] for bias in FACTORS], parameters=parameters, **COMMON)
    rho = {"shared": 1.0, "study-specific": 0.0}.get(parameters, parameters)
    together, apart = (WEIGHT * SDS).sum() ** 2, (WEIGHT**2 * SDS**2).sum()
    # Relative standard error of a variance of 40 000 draws: 0.7 %.
    assert result.systematic_variance == pytest.approx(rho * together + (1 - rho) * apart, rel=0.03)
    mean = (WEIGHT * (STUDIES.effect - MEANS)).sum()
    assert abs(np.log(result.systematic.value) - mean) < 4 * result.systematic_error[0]
    np.testing.assert_allclose(np.log(result.studies.value), STUDIES.effect - MEANS, atol=0.01)
    low, high = np.log(result.studies.low), np.log(result.studies.high)
    np.testing.assert_allclose((high - low) / (2 * 1.959964), SDS, rtol=0.03)
    assert result.sharing == rho
    assert result.biases == ()
    assert [own[0] for own in result.study_biases] == FACTORS


@pytest.mark.parametrize("parameters", ["shared", 0.5, "study-specific"])
def test_groups_do_not_lend_each_other_their_draws(parameters):
    """Every other study has a second bias, known to be none: two groups, the same normal as one."""
    nothing = SelectionBias(bias_factor=1)
    biases = [[bias] if study % 2 else [bias, nothing] for study, bias in enumerate(FACTORS)]
    result = pool_bias_adjusted(STUDIES, biases=biases, parameters=parameters, **COMMON)
    plain = pool_bias_adjusted(STUDIES, biases=[[bias] for bias in FACTORS], parameters=parameters, **COMMON)
    assert_same(result.systematic_variance, plain.systematic_variance, rel=1e-12)
    assert_same(result.studies.low, plain.studies.low, rel=1e-12)


def test_by_label_in_any_order_is_by_place():
    by_place = pool_bias_adjusted(STUDIES, biases=[[bias] for bias in FACTORS], rng=1, draws=500)
    named = dict(reversed(list(zip(LABELS, FACTORS, strict=True))))
    by_label = pool_bias_adjusted(STUDIES, biases=named, rng=1, draws=500)
    assert_same(by_label.total.low, by_place.total.low, rel=1e-12)
    assert by_label.labels == LABELS
    bare = EffectSizes(effect=STUDIES.effect, variance=STUDIES.variance, measure="HR")
    given = pool_bias_adjusted(bare, biases=named, labels=LABELS, rng=1, draws=500)
    assert_same(given.total.low, by_place.total.low, rel=1e-12)


@pytest.mark.parametrize("parameters", ["shared", 0.3, "study-specific"])
def test_the_same_biases_study_by_study_are_common_ones(parameters):
    biases = [
        ExposureMisclassification(
            sensitivity="uniform(0.8, 0.9)",
            specificity="uniform(0.97, 1)",
            correlations=[("sensitivity", "specificity", -0.5)],
        ),
        UnmeasuredConfounding(
            prevalence_exposed=["uniform(0.1, 0.3)", 0.2], prevalence_control=[0.1, 0.1], risk_ratio=[2, 3]
        ),
    ]
    options = {"measure": "RR", "parameters": parameters, "rng": 1, "draws": 500, "tau2": "DL"}
    common = pool_bias_adjusted(TABLES, biases=biases, **options)
    apart = pool_bias_adjusted(TABLES, biases=[biases] * 3, **options)
    for part in ("value", "low", "high"):
        assert_same(getattr(apart.total, part), getattr(common.total, part), rel=1e-12)
    assert_same(apart.random_variance, common.random_variance, rel=1e-12)
    assert common.study_biases == apart.study_biases
    assert len(common.biases) == 2


def test_each_study_has_what_it_has_alone():
    """Kinds, orders and known values differ; every study's quantiles are those of its own analysis."""
    by_study = [
        [
            OutcomeMisclassification(sensitivity=0.9, control_sensitivity="uniform(0.7, 0.9)", specificity=1),
            UnmeasuredConfounding(
                prevalence_exposed="uniform(0.3, 0.5)", prevalence_control=0.2, risk_ratio=2
            ),
        ],
        [
            UnmeasuredConfounding(
                prevalence_exposed=0.4, prevalence_control=0.1, risk_ratio="uniform(1, 3)", standard="control"
            ),
            SelectionBias(bias_factor="uniform(0.8, 1.1)"),
            SelectionBias(bias_factor="uniform(1, 1.1)"),
        ],
        [],
    ]
    result = pool_bias_adjusted(
        TABLES, biases=by_study, measure="RR", parameters="study-specific", rng=7, draws=20_000, tau2="DL"
    )
    for study, biases in enumerate(by_study[:2]):
        alone = probabilistic_bias_analysis(
            TABLES[study], biases=biases, measure="RR", rng=8, draws=20_000, random_error="none"
        )
        found = np.log([result.studies.low[study], result.studies.value[study], result.studies.high[study]])
        # Both are drawn: four standard errors of the difference.
        error = 4 * np.sqrt(2) * alone.systematic_error[[0, 2, 4]]
        assert (np.abs(found - np.log(alone.systematic[[0, 2, 4]])) < error).all()
    assert_same(result.studies.low[2], result.observed_studies.value[2], rel=1e-12)
    assert_same(result.studies.high[2], result.observed_studies.value[2], rel=1e-12)
    frame = result.study_frame()
    assert frame["biases"].tolist() == [
        "outcome misclassification + unmeasured confounding",
        "unmeasured confounding + selection bias + selection bias",
        "none",
    ]
    assert frame["study"].tolist() == [0, 1, 2]
    assert_same(frame["observed"].to_numpy(), result.observed_studies.value)


def test_shared_draws_are_at_the_same_quantile_of_each_study():
    """Factors U(1, 1.2) and U(2, 3) at the same quantile: one draw of both, no averaging."""
    two = EffectSizes(effect=[0.5, 0.5], variance=[0.04, 0.04], measure="HR")
    biases = [[SelectionBias(bias_factor="uniform(1, 1.2)")], [SelectionBias(bias_factor="uniform(2, 3)")]]
    result = pool_bias_adjusted(two, biases=biases, **COMMON)
    for p, found in ((0.975, result.systematic.low), (0.025, result.systematic.high)):
        exact = 0.5 - (np.log(1 + 0.2 * p) + np.log(2 + p)) / 2
        assert abs(np.log(found) - exact) < 4 * result.systematic_error.max()


def test_sharing_by_name():
    bias = MBias(
        first_cause_exposure=LogNormal(1.0, 0.3),
        first_cause_collider=5,
        second_cause_collider=5,
        second_cause_outcome=LogNormal(1.0, 0.3),
    )
    options = {"biases": bias} | COMMON
    shared = pool_bias_adjusted(STUDIES, **options)
    apart = pool_bias_adjusted(STUDIES, parameters="study-specific", **options)
    mixed = pool_bias_adjusted(STUDIES, parameters={"first_cause_exposure": "study-specific"}, **options)
    both = pool_bias_adjusted(
        STUDIES, parameters=dict.fromkeys(("first_cause_exposure", "second_cause_outcome"), 0), **options
    )
    assert apart.systematic_variance < 0.9 * mixed.systematic_variance
    assert mixed.systematic_variance < 0.9 * shared.systematic_variance
    assert both.systematic_variance == pytest.approx(apart.systematic_variance, rel=1e-12)
    assert mixed.sharing == {"first_cause_exposure": 0.0, "second_cause_outcome": 1.0}
    levels = UnmeasuredConfounding(
        prevalence_exposed=["uniform(0.1, 0.3)", 0.2],
        prevalence_control=[0.1, 0.1],
        risk_ratio=["uniform(1, 2)", "uniform(2, 3)"],
    )
    result = pool_bias_adjusted(
        STUDIES, biases=levels, parameters={"risk_ratio": 0.5, "risk_ratio[2]": 0}, rng=1, draws=200
    )
    assert result.sharing == {"prevalence_exposed[1]": 1.0, "risk_ratio[1]": 0.5, "risk_ratio[2]": 0.0}


def test_studies_that_differ_in_numbers_alone_are_one_group():
    parameters = StudyParameters([(bias,) for bias in FACTORS])
    assert len(parameters.groups) == 1
    assert len(parameters.slots) == 1
    some = StudyParameters([(FACTORS[0],), (SelectionBias(bias_factor=1.1),), (), (FACTORS[0], FACTORS[1])])
    assert [group.studies.tolist() for group in some.groups] == [[0, 1], [2], [3]]
    shares = {"prevalence_exposed": "uniform(0.1, 0.3)", "prevalence_control": "uniform(0.1, 0.3)"}
    alike = [
        UnmeasuredConfounding(**shares, risk_ratio=2, **more)
        for more in (
            {},
            {"source": "a register"},
            {"standard": "control"},
            {"correlations": [("prevalence_exposed", "prevalence_control", 0.5)]},
        )
    ]
    # What a source says changes nothing; a standard or a correlation does.
    groups = StudyParameters([(bias,) for bias in alike]).groups
    assert [group.studies.tolist() for group in groups] == [[0, 1], [2], [3]]
    assert list(some.slots) == [("selection bias", 0, "bias_factor"), ("selection bias", 1, "bias_factor")]


def test_two_hundred_studies_of_their_own():
    rng = np.random.default_rng(3)
    many = EffectSizes(effect=rng.normal(0.4, 0.2, 200), variance=rng.uniform(0.01, 0.1, 200), measure="HR")
    biases = [[SelectionBias(bias_factor=f"uniform(1, {1.1 + 0.001 * study:.3f})")] for study in range(200)]
    result = pool_bias_adjusted(many, biases=biases, parameters=0.5, rng=1, draws=500, tau2="DL")
    assert result.studies.shape == (200,)
    medians = np.log(1 + (0.1 + 0.001 * np.arange(200)) / 2)
    # A median of 500 draws over a range of at most 0.3: a standard error of at most 0.007.
    np.testing.assert_allclose(many.effect - np.log(result.studies.value), medians, atol=0.03)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"biases": [[bias] for bias in FACTORS[:3]]}, "one list for each of the 4 studies, but holds 3"),
        ({"biases": dict(zip(LABELS[:3], FACTORS, strict=False))}, "every study, but 'Dunn' is missing"),
        ({"biases": {"Baber": FACTORS}}, "a study of biases` must be one of .*'Baber'"),
        (
            {"biases": dict(zip(LABELS, FACTORS, strict=True)), "labels": ("a", "b", "b", "c")},
            "`labels` must differ .* 'b' stands twice",
        ),
        ({"biases": FACTORS, "labels": ("a", "b")}, "`labels` must name each of the 4 studies, but are 2"),
        (
            {"biases": [[bias] for bias in FACTORS[:3]] + [3]},
            "of study 'Dunn' must be a bias or a list of them",
        ),
        (
            {"biases": [[bias] for bias in FACTORS[:3]] + [["x"]]},
            "Study 'Dunn': `biases` must be biases such",
        ),
        (
            {
                "biases": [[bias] for bias in FACTORS[:3]]
                + [[OutcomeMisclassification(sensitivity=1, specificity=1)]]
            },
            r"Study 'Dunn': `biases` at index 0 \(outcome misclassification\) needs the cells",
        ),
        ({"biases": FACTORS[0], "parameters": {"bias_facter": 0}}, "a key of parameters.*'bias_factor'"),
        (
            {"biases": FACTORS[0], "parameters": {"bias_factor": 2}},
            r"parameters\['bias_factor'\]` must be 'sh",
        ),
        ({"biases": []}, "at least one bias"),
    ],
)
def test_what_is_wrong_is_named(options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        pool_bias_adjusted(STUDIES, **({"rng": 1, "draws": 200} | options))


def test_labels_are_needed_to_go_by_label():
    with pytest.raises(ValueError, match="`labels` must be given where `biases` go by label"):
        pool_bias_adjusted(TABLES, biases={"A": FACTORS[0]}, rng=1)
