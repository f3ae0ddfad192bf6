"""Pooling by mixed models: maximum likelihood to high precision, and what must hold for any data."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis import Proportion, Rate, TwoByTwo, TwoRates
from analysis.errors import ConvergenceError
from analysis.meta.glmm import pool_glmm
from analysis.meta.methods import glmm_fit
from analysis.meta.methods.glmm_designs import MODELS, build_design
from analysis.meta.methods.glmm_quadrature import gauss_hermite_value
from glmm_counts import bcg_table, counts_of, mean_of
from reference_values import dataset, identifier, records

OWN_MODELS = {
    "plo": ("PLO", "binomial-normal"),
    "irln": ("IRLN", "poisson-normal"),
    "irr_cm": ("IRR", "CM.EL"),
    "or_cmal": ("OR", "CM.AL"),
    "or_cmel": ("OR", "CM.EL"),
}


@pytest.mark.parametrize("record", records("C4_glmm_own"), ids=identifier)
def test_high_precision_maximum_likelihood(record):
    family, _, rest = record["id"].partition("/")
    measure, model = OWN_MODELS[family]
    fit = pool_glmm(
        counts_of(measure, dataset("C4_glmm_own", record), rest[-1]), measure=measure, model=model
    )
    expected = record["outputs"]
    # At the boundary the references' own search ends a few 1e-8 off.
    assert mean_of(fit) == pytest.approx(expected["mu"], rel=1e-7, abs=5e-8)
    assert float(fit.estimate.std_error) == pytest.approx(expected["se"], rel=1e-6)
    assert float(fit.log_likelihood) == pytest.approx(expected["logLik"], rel=1e-12)
    if expected["boundary"]:
        assert fit.tau2 == 0
        assert np.isnan(fit.tau2_std_error)
    else:
        assert float(fit.tau2) == pytest.approx(expected["tau2"], rel=1e-7)
        assert float(fit.tau2_std_error / (2 * fit.tau2)) == pytest.approx(expected["se_logtau"], rel=1e-6)


def _random_tables(seed, k):
    rng = np.random.default_rng(seed)
    n1, n0 = rng.integers(8, 60, k), rng.integers(8, 60, k)
    logit = rng.normal(-1, 0.5, k)
    effect = rng.normal(0.3, rng.choice([0.1, 1.0]), k)
    a = rng.binomial(n1, 1 / (1 + np.exp(-logit - effect / 2)))
    c = rng.binomial(n0, 1 / (1 + np.exp(-logit + effect / 2)))
    a[0], c[0] = max(a[0], 1), max(c[0], 1)
    return {"exposed_cases": a, "exposed_total": n1, "control_cases": c, "control_total": n0}


@pytest.mark.parametrize("model", MODELS["OR"])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(3, 9))
def test_swapping_arms_outcomes_and_studies(model, seed, k):
    tables = _random_tables(seed, k)
    fit = pool_glmm(TwoByTwo(**tables), model=model)
    a, n1, c, n0 = tables.values()
    arms = pool_glmm(
        TwoByTwo(exposed_cases=c, exposed_total=n0, control_cases=a, control_total=n1), model=model
    )
    order = np.random.default_rng(seed).permutation(k)
    studies = pool_glmm(TwoByTwo(**tables)[order], model=model)
    others = [(arms, -1), (studies, 1)]
    if model != "CM.AL":  # the approximation is for rare events, not for their absence
        outcomes = TwoByTwo(exposed_cases=n1 - a, exposed_total=n1, control_cases=n0 - c, control_total=n0)
        others.append((pool_glmm(outcomes, model=model), -1))
    for other, sign in others:
        assert mean_of(other) == pytest.approx(sign * mean_of(fit), rel=1e-6, abs=1e-7)
        for name in ("tau2", "q", "q_wald", "log_likelihood"):
            assert float(getattr(other, name)) == pytest.approx(
                float(getattr(fit, name)), rel=1e-6, abs=1e-7, nan_ok=True
            )
    assert fit.estimate.low < fit.estimate.value < fit.estimate.high


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(1e-4, 1e4))
def test_the_unit_of_time_shifts_a_rate_only(seed, factor):
    rng = np.random.default_rng(seed)
    time = rng.uniform(50, 500, 6)
    events = rng.poisson(time * 0.05 * np.exp(rng.normal(0, 0.7, 6)))
    fits = [pool_glmm(Rate(events=events, person_time=time * f)) for f in (1, factor)]
    assert mean_of(fits[1]) == pytest.approx(mean_of(fits[0]) - np.log(factor), rel=1e-7, abs=1e-7)
    assert float(fits[1].tau2) == pytest.approx(float(fits[0].tau2), rel=1e-6, abs=1e-8)
    # Rates tell of the same counts: conditional on both totals they are one binomial law.
    data = {"exposed_events": events + 1, "control_events": events[::-1]}
    ratios = [
        pool_glmm(TwoRates(**data, exposed_time=time * f, control_time=time[::-1] * f)) for f in (1, factor)
    ]
    assert mean_of(ratios[1]) == pytest.approx(mean_of(ratios[0]), rel=1e-7, abs=1e-9)


def test_no_point_of_a_grid_is_higher():
    """The maximum is the highest, although a likelihood of few studies can have one at 0 and one inside."""
    rng = np.random.default_rng(11)
    compared = inside = 0
    for _ in range(40):
        k = int(rng.integers(2, 9))
        n1, n0 = rng.integers(2, 60, k), rng.integers(2, 60, k)
        logit, effect = rng.normal(-2, 0.5, k), rng.normal(0.5, rng.choice([0, 0.3, 1, 3]), k)
        a = rng.binomial(n1, 1 / (1 + np.exp(-logit - effect / 2)))
        c = rng.binomial(n0, 1 / (1 + np.exp(-logit + effect / 2)))
        data = TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)
        try:
            fit = pool_glmm(data)
        except (ValueError, ConvergenceError):
            continue
        model = build_design(data, "OR", "CM.EL", drop_double_zero=False).model
        studies = int(fit.n_studies)
        mu = mean_of(fit) + np.linspace(-3, 3, 25)
        for tau in np.geomspace(0.05, 10, 10):
            shared = np.stack([mu, np.full(25, tau)], axis=-1)
            scan = gauss_hermite_value(model, shared, np.zeros((25, studies)), np.zeros((studies, 1)), 40)
            assert scan.sum(axis=-1).max() <= float(fit.log_likelihood) + 1e-4
        compared += 1
        inside += bool(fit.tau2 > 0)
    assert compared > 30
    assert 5 < inside < compared


def _two_precise_studies_that_agree(spread):
    shares = np.array([-20, -12, -6, 0, 8, 14, 22])
    events = [300_000, 300_010, *(60 + np.round(shares * spread / 10).astype(int))]
    return Proportion(events=events, total=[1_000_000, 1_000_000] + [200] * 7)


@pytest.mark.parametrize(("spread", "inside"), [(11, False), (12, True)])
@pytest.mark.parametrize("start", [None, 1e-3])
def test_the_higher_of_two_maxima_is_taken(spread, inside, start, monkeypatch):
    """One at tau2 = 0, held by the two precise studies, and one inside, wherever the search begins."""
    if start is not None:
        monkeypatch.setattr(glmm_fit, "_moment_deviation", lambda *_: start)
    data = _two_precise_studies_that_agree(spread)
    fit = pool_glmm(data)
    design = build_design(data, "PLO", "binomial-normal", drop_double_zero=False)
    mu = np.linspace(-1.5, -0.3, 400)
    profile = []
    for tau in (0.12, 0.28, 0.7):
        shared = np.stack([mu, np.full(400, tau)], axis=-1)
        scan = gauss_hermite_value(design.model, shared, np.zeros((400, 9)), np.zeros((9, 1)), 30)
        profile.append(scan.sum(axis=-1).max())
    assert profile[0] < profile[1] > profile[2]
    common = float(pool_glmm(data, method="common").log_likelihood)
    assert (fit.tau2 > 0) == inside
    assert float(fit.log_likelihood) == pytest.approx(common, rel=1e-10) or inside
    assert float(fit.log_likelihood) >= max(common, *profile) - 1e-9


def test_equal_studies_have_no_heterogeneity():
    fit = pool_glmm(Proportion(events=[6] * 5, total=[30] * 5))
    assert fit.tau2 == 0
    assert fit.estimate.value == pytest.approx(0.2)
    assert fit.q == pytest.approx(0, abs=1e-10)
    assert float(fit.estimate.std_error) == pytest.approx((1 / 30 + 1 / 120) ** 0.5)
    assert float(fit.log_likelihood) == pytest.approx(stats.binom.logpmf(6, 30, 0.2) * 5)


def test_the_common_effect_is_logistic_regression():
    data = bcg_table()
    fit = pool_glmm(data, model="UM.FS", method="common", ci="t", confidence_level=0.9)
    # Each trial's events given its margins, the baselines at their best: the score equations hold.
    theta = mean_of(fit)
    baseline = [
        optimize.brentq(
            lambda g, i=i: (
                data.exposed_total[i] / (1 + np.exp(-g - theta))
                + data.control_total[i] / (1 + np.exp(-g))
                - data.exposed_cases[i]
                - data.control_cases[i]
            ),
            -20,
            20,
            xtol=1e-13,
        )
        for i in range(len(data))
    ]
    expected = (data.exposed_total / (1 + np.exp(-np.array(baseline) - theta))).sum()
    assert data.exposed_cases.sum() == pytest.approx(expected, rel=1e-9)
    assert fit.tau2 == 0
    assert np.isnan(fit.prediction.low)
    reach = stats.t(12).isf(0.05) * float(fit.estimate.std_error)
    assert float(fit.estimate.high) == pytest.approx(np.exp(theta + reach))
    expected_p = 2 * stats.t(12).sf(abs(theta) / float(fit.estimate.std_error))
    assert float(fit.estimate.pvalue) == pytest.approx(expected_p, rel=1e-9)


def test_the_prediction_interval():
    fit = pool_glmm(bcg_table())
    reach = stats.t(11).isf(0.025) * np.sqrt(fit.tau2 + fit.estimate.std_error**2)
    assert np.log(fit.prediction.high) == pytest.approx(mean_of(fit) + reach)
    assert np.log(fit.prediction.low) == pytest.approx(mean_of(fit) - reach)
    two = pool_glmm(Proportion(events=[3, 9], total=[20, 20]))
    assert np.isnan(two.prediction.low)


def test_studies_without_information():
    """Empty comparisons drop out, except of the distribution of baselines."""
    tables = {
        "exposed_cases": [4, 7, 3, 9],
        "exposed_total": [40, 50, 30, 60],
        "control_cases": [9, 8, 6, 20],
        "control_total": [41, 55, 30, 61],
    }
    empty = {"exposed_cases": 0, "exposed_total": 20, "control_cases": 0, "control_total": 22}
    data = TwoByTwo(**tables)
    more = TwoByTwo(**{name: [*values, empty[name]] for name, values in tables.items()})
    for model in MODELS["OR"]:
        alone, with_empty = pool_glmm(data, model=model), pool_glmm(more, model=model, drop_double_zero=True)
        assert with_empty.n_studies == 4
        assert mean_of(with_empty) == mean_of(alone)
        kept = pool_glmm(more, model=model)
        assert kept.n_studies == (5 if model == "UM.RS" else 4)
        assert (kept.baseline_variance > alone.baseline_variance) == (model == "UM.RS")
    nobody = pool_glmm(Proportion(events=[3, 5, 0], total=[10, 20, 0]))
    assert nobody.n_studies == 2


def test_one_study_is_itself():
    table = TwoByTwo(exposed_cases=12, exposed_total=40, control_cases=8, control_total=60)
    for model in MODELS["OR"]:
        fit = pool_glmm(table, model=model)
        assert (fit.n_studies, fit.tau2, fit.df) == (1, 0, 0)
        assert np.isnan(fit.q_pvalue)
        if model == "UM.FS":
            assert float(fit.estimate.value) == pytest.approx(12 * 52 / (28 * 8))
            woolf = (1 / 12 + 1 / 28 + 1 / 8 + 1 / 52) ** 0.5
            assert float(fit.estimate.std_error) == pytest.approx(woolf)
    assert np.isnan(pool_glmm(table, ci="t").estimate.low)
    rate = pool_glmm(Rate(events=[9], person_time=[100.0]))
    assert float(rate.estimate.value) == pytest.approx(0.09)
    assert float(rate.estimate.std_error) == pytest.approx(1 / 3)


def test_frame_and_text():
    fit = pool_glmm(bcg_table())
    frame = fit.to_frame()
    assert frame.loc[0, "tau2"] == pytest.approx(0.31163488799560085)
    assert frame.loc[0, "model"] == "CM.EL"
    assert set(frame.columns) >= {"q", "q_wald", "log_likelihood", "prediction_low", "n_studies", "ci_method"}
    assert str(fit) == (
        "0.47 (0.33 to 0.67), 95% prediction interval 0.13 to 1.71; CM.EL model, τ² = 0.312, "
        "likelihood-ratio Q = 176.9 (df = 12), 13 studies"
    )
    assert float(fit.tau) == pytest.approx(0.31163488799560085**0.5)
    assert not fit.tau2.flags.writeable
    single = pool_glmm(Proportion(events=[3, 9], total=[20, 20]))
    assert single.estimate.pvalue is None
    assert "prediction" not in str(single)
    assert fit._repr_html_().startswith("<table")


PLAIN = Proportion(events=[3, 5, 2], total=[20, 20, 20])


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`data` must be counts .* but got list. Effect sizes are pooled by pool"),
        (PLAIN, {"measure": "OR"}, ValueError, "`measure` of Proportion must be 'PLO', but got 'OR'"),
        (PLAIN, {"measure": "PL"}, ValueError, "`measure` must be one of .* Did you mean 'PLO'"),
        (PLAIN, {"model": "UM.FS"}, ValueError, "`model` must be one of 'binomial-normal', but got 'UM.FS'"),
        (PLAIN, {"method": "REML"}, ValueError, "`method` must be one of 'ML', 'common'"),
        (PLAIN, {"ci": "z"}, ValueError, "`ci` must be one of 'wald', 't'"),
        (PLAIN, {"nodes": 0}, ValueError, "`nodes` must be between 1 and 100, but got 0"),
        (PLAIN, {"nodes": 7.0}, TypeError, "`nodes` must be a whole number or None, but got 7.0"),
        (PLAIN, {"nodes": True}, TypeError, "`nodes` must be a whole number or None, but got True"),
        (PLAIN, {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (
            Proportion(events=[[3, 5]], total=[[20, 20]]),
            {},
            ValueError,
            re.escape("`data` must be one set of studies with shape (k,), but has shape (1, 2)"),
        ),
        (Proportion(events=[0, 0], total=[9, 9]), {}, ValueError, "hold no events .0 of 18."),
        (Proportion(events=[9, 9], total=[9, 9]), {}, ValueError, "hold only events .18 of 18."),
        (Rate(events=[0, 0], person_time=[9, 9]), {}, ValueError, "hold no events: the mean log rate"),
    ],
)
def test_bad_input_is_named(data, options, error, message):
    with pytest.raises(error, match=message):
        pool_glmm(data, **options)


@pytest.mark.parametrize("model", MODELS["OR"])
def test_a_mean_that_the_events_do_not_bound_is_refused(model):
    totals = {"exposed_total": [20, 30], "control_total": [20, 30]}
    with pytest.raises(ValueError, match="Every study's own ratio is 0: the events .0 among the exposed, 5"):
        pool_glmm(TwoByTwo(exposed_cases=[0, 0], control_cases=[2, 3], **totals), model=model)
    with pytest.raises(
        ValueError, match="Every study's own ratio is infinite: .* odds_ratio of data.collapse"
    ):
        pool_glmm(TwoByTwo(exposed_cases=[4, 0], control_cases=[0, 0], **totals), model=model)
    with pytest.raises(ValueError, match="Every study's own ratio is infinite"):
        pool_glmm(TwoByTwo(exposed_cases=[20, 30], control_cases=[4, 6], **totals), model=model)
    with pytest.raises(ValueError, match="No study tells anything about the OR"):
        pool_glmm(TwoByTwo(exposed_cases=[0, 0], control_cases=[0, 0], **totals), model=model)


@pytest.mark.parametrize("model", MODELS["IRR"])
def test_rates_that_do_not_bound_the_mean_are_refused(model):
    times = {"exposed_time": [20, 30], "control_time": [20, 30]}
    with pytest.raises(ValueError, match="infinite: .* rate_ratio of data.collapse"):
        pool_glmm(TwoRates(exposed_events=[4, 0], control_events=[0, 0], **times), model=model)
    with pytest.raises(ValueError, match="No study tells anything about the IRR"):
        pool_glmm(TwoRates(exposed_events=[0, 0], control_events=[0, 0], **times), model=model)


def test_a_variance_without_bound_raises():
    """All or nothing: the likelihood rises with tau2 towards 1/4."""
    with pytest.raises(ConvergenceError, match="binomial-normal model has no maximum .* grow without bound"):
        pool_glmm(Proportion(events=[0, 50], total=[50, 50]))


def test_a_test_without_a_maximum_is_not_made_up():
    """An effect for every one of these small studies is not held by the variance of the baselines."""
    data = TwoByTwo(
        exposed_cases=[0, 3, 0, 1, 0, 1],
        exposed_total=[8, 9, 9, 7, 2, 9],
        control_cases=[0, 0, 1, 0, 0, 0],
        control_total=[3, 3, 7, 2, 9, 2],
    )
    fit = pool_glmm(data, model="UM.RS")
    assert np.isfinite(fit.estimate.high)
    assert np.isnan(fit.q)
    assert np.isnan(fit.q_pvalue)
    assert "likelihood-ratio" not in str(fit)


def test_a_far_start_does_not_spoil_the_search():
    """Scores of trials with tiny control arms suggest a standard deviation of 26; the maximum is at 0."""
    data = TwoByTwo(
        exposed_cases=[11228, 700, 1, 7103, 411, 3770, 946, 485, 317, 5662, 190, 36, 306, 13635, 178],
        exposed_total=[
            49277, 42322, 4518, 34799, 17172, 26905, 30932, 29768, 20241, 27647, 895, 29397, 43312, 44859,
            11961,
        ],
        control_cases=[0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        control_total=[4, 3, 9, 7, 9, 5, 9, 7, 4, 1, 7, 1, 8, 3, 2],
    )  # fmt: skip
    fit = pool_glmm(data, model="UM.FS")
    common = pool_glmm(data, model="UM.FS", method="common")
    assert fit.tau2 == 0
    assert float(fit.log_likelihood) == pytest.approx(float(common.log_likelihood), rel=1e-10)
