import numpy as np
import pytest

from analysis.measures.methods.roots import find_root
from analysis.meta.affirmative import affirmative_meta_analysis, s_value, worst_case_meta_analysis
from analysis.values.estimate import EffectSizes
from reference_values import dataset, identifier, number, records

MODELS = {"fixed": "common", "robust": "robust"}


def _effects(record):
    columns = dataset("publicationbias", record)
    return EffectSizes(effect=columns["yi"], variance=columns["vi"])


def _options(record):
    inputs = record["inputs"]
    return {
        "alternative": "greater" if inputs["fp"] else "less",
        "model": MODELS[inputs["mt"]],
        "small_sample": inputs["sm"],
    }


def _their_tau2(effects, record):
    """Return the tau2 with which the corrected mean is theirs to the last digit.

    R's REML stops at a change of 1e-5; with its tau2 everything else can be held to 1e-9.
    """
    theirs = record["outputs"]["stats"]["estimate"]
    options = _options(record)

    def excess(tau2):
        means = [
            float(
                affirmative_meta_analysis(effects, record["inputs"]["et"], tau2=t, **options).estimate.value
            )
            for t in tau2
        ]
        return np.array(means) - theirs

    ours = float(affirmative_meta_analysis(effects, 1, **options).tau2)
    root = find_root(excess, np.array([ours * 0.998]), np.array([ours * 1.002]), what="their tau2").item()
    # 5e-5 absolute is far from R's rule; the estimates differ by it in the eighth digit.
    assert root == pytest.approx(ours, abs=1e-5, rel=1e-3)
    return root


@pytest.mark.parametrize("record", records("publicationbias", "pubbias_meta/"), ids=identifier)
def test_corrected_means_equal_the_authors(record):
    effects, options, expected = _effects(record), _options(record), record["outputs"]["stats"]
    ratio = record["inputs"]["et"]
    if options["model"] == "robust":
        near = affirmative_meta_analysis(effects, ratio, **options).estimate
        assert float(near.value) == pytest.approx(expected["estimate"], rel=3e-5)
        assert float(near.std_error) == pytest.approx(expected["se"], rel=3e-4)
        options["tau2"] = _their_tau2(effects, record)
    fit = affirmative_meta_analysis(effects, ratio, **options)
    close = {"rel": 1e-9 if options["model"] == "common" else 1e-7}
    assert float(fit.estimate.value) == pytest.approx(expected["estimate"], **close)
    assert float(fit.estimate.std_error) == pytest.approx(expected["se"], **close)
    assert float(fit.estimate.low) == pytest.approx(expected["ci_lower"], **close)
    assert float(fit.estimate.high) == pytest.approx(expected["ci_upper"], **close)
    # Their P of the common-effect model is 1 - pnorm, which loses its digits below 1e-15.
    assert float(fit.estimate.pvalue) == pytest.approx(expected["p_value"], rel=1e-6, abs=3e-16)
    assert int(fit.n_affirmative) == record["outputs"]["ka"]
    assert int(fit.n_nonaffirmative) == record["outputs"]["kn"]


@pytest.mark.parametrize("record", records("publicationbias", "svalue/"), ids=identifier)
def test_s_values_equal_the_authors(record):
    effects, expected = _effects(record), record["outputs"]["stats"]
    result = s_value(effects, target=record["inputs"]["q"], **_options(record))
    # The search over ratios there stops at a tolerance of 1e-4 of its range.
    for ours, theirs in ((result.estimate, expected["sval_est"]), (result.limit, expected["sval_ci"])):
        if theirs == "Not possible":
            assert np.isinf(ours)
        else:
            assert float(ours) == pytest.approx(number(theirs), rel=2e-4)


@pytest.mark.parametrize("model", ["common", "robust"])
@pytest.mark.parametrize("small_sample", [True, False])
def test_an_s_value_put_back_meets_the_target(model, small_sample):
    effects = _effects(records("publicationbias", "svalue/bcg_RR")[0])
    options = {"alternative": "less", "model": model, "small_sample": small_sample}
    for target in (0.0, -0.1, -0.3):
        found = s_value(effects, target=target, **options)
        moved = affirmative_meta_analysis(effects, found.limit, **options)
        assert float(moved.estimate.high) == pytest.approx(target, abs=1e-12)
        if np.isfinite(found.estimate):
            moved = affirmative_meta_analysis(effects, found.estimate, **options)
            assert float(moved.estimate.value) == pytest.approx(target, abs=1e-12)


def test_the_degrees_of_freedom_equal_those_of_the_matrices():
    effects = _effects(records("publicationbias", "svalue/bcg_OR")[0])
    fit = affirmative_meta_analysis(effects, 3, alternative="less")
    v = effects.variance
    affirmative = effects.effect / np.sqrt(v) < -1.959963984540054
    w = np.where(affirmative, 1, 3) / (v + fit.tau2)
    k, h = v.size, w / w.sum()
    centre = np.eye(k) - np.outer(np.ones(k), h)
    p = (h * np.sqrt(v / np.diag(centre * v @ centre.T)))[:, None] * centre
    m = p @ p.T
    assert float(fit.df) == pytest.approx(np.trace(m) ** 2 / np.trace(m @ m), rel=1e-12)


def test_a_ratio_of_one_corrects_nothing_and_a_large_one_is_the_worst_case():
    effects = _effects(records("publicationbias", "svalue/bcg_RR")[0])
    plain = affirmative_meta_analysis(effects, 1, alternative="less", model="common", small_sample=False)
    w = 1 / effects.variance
    assert float(plain.estimate.value) == pytest.approx((w * effects.effect).sum() / w.sum(), rel=1e-13)
    assert float(plain.estimate.std_error) == pytest.approx(w.sum() ** -0.5, rel=1e-13)
    extreme = affirmative_meta_analysis(effects, 1e13, alternative="less", model="common", small_sample=False)
    worst = worst_case_meta_analysis(effects, alternative="less", model="common", small_sample=False)
    assert float(worst.estimate.value) == pytest.approx(float(extreme.estimate.value), rel=1e-10)
    assert float(worst.estimate.std_error) == pytest.approx(float(extreme.estimate.std_error), rel=1e-10)
    assert "worst case: the 5 non-affirmative studies alone" in str(worst)


def test_turning_the_effects_round_turns_the_result_round():
    effects = _effects(records("publicationbias", "svalue/bcg_RR")[0])
    turned = EffectSizes(effect=-effects.effect, variance=effects.variance)
    a = affirmative_meta_analysis(effects, 4, alternative="less").estimate
    b = affirmative_meta_analysis(turned, 4, alternative="greater").estimate
    assert float(a.low) == pytest.approx(-float(b.high), rel=1e-12)
    first = s_value(effects, target=-0.1, alternative="less")
    assert float(s_value(turned, target=0.1).limit) == pytest.approx(float(first.limit), rel=1e-12)


@pytest.mark.parametrize("model", ["common", "robust"])
def test_a_batch_equals_a_loop(model):
    rng = np.random.default_rng(6)
    v = rng.uniform(0.02, 0.2, (3, 4, 9))
    effects = EffectSizes(effect=rng.normal(0.8, np.sqrt(v + 0.05)), variance=v)
    batch = affirmative_meta_analysis(effects, [1, 2, 5, 9], model=model)
    ratios = s_value(effects, target=0.05, model=model)
    for index in np.ndindex(3, 4):
        one = EffectSizes(effect=effects.effect[index], variance=v[index])
        alone = affirmative_meta_analysis(one, [1, 2, 5, 9][index[1]], model=model)
        assert float(batch.estimate.low[index]) == pytest.approx(float(alone.estimate.low), rel=1e-9)
        assert float(batch.df[index]) == pytest.approx(float(alone.df), rel=1e-9)
        single = s_value(one, target=0.05, model=model)
        assert float(ratios.limit[index]) == pytest.approx(float(single.limit), rel=1e-7)
        assert float(ratios.estimate[index]) == pytest.approx(float(single.estimate), rel=1e-7)
    curve = affirmative_meta_analysis(one, [1, 2, 5, 9], model=model)
    assert curve.estimate.shape == (4,)
    assert len(curve.to_frame()) == 4
    assert list(ratios.to_frame().columns) == ["estimate", "limit", "target", "confidence_level"]


def test_equal_effects_and_one_kind_of_study():
    same = EffectSizes(effect=[0.2] * 4, variance=[0.1, 0.2, 0.1, 0.3])
    fit = affirmative_meta_analysis(same, 5)
    assert float(fit.estimate.value) == pytest.approx(0.2)
    assert float(fit.estimate.std_error) == pytest.approx(0, abs=1e-15)
    # No affirmative study: there is nothing that a ratio could move.
    assert np.isinf(s_value(same, model="common").estimate)
    assert float(s_value(same, model="common").limit) == 1


def test_a_limit_beyond_the_target_has_one():
    effects = EffectSizes(effect=[0.1, 0.5, 0.2, -0.1], variance=[0.1, 0.02, 0.1, 0.3])
    found = s_value(effects)
    assert float(found.limit) == 1
    assert str(found).startswith("S-value ")


GOOD = EffectSizes(effect=[0.1, 0.5, 0.9], variance=[0.1, 0.02, 0.1])


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`effects` must be EffectSizes, but got list"),
        (GOOD, {"alternative": "two-sided"}, ValueError, "`alternative` must be one of 'greater', 'less'"),
        (GOOD, {"model": "fixed"}, ValueError, "`model` must be one of 'robust', 'common'"),
        (GOOD, {"significance": 5}, ValueError, "`significance` must be between 0 and 1, but got 5"),
        (GOOD, {"tau2": -1}, ValueError, "`tau2` must be a finite number of at least 0, but got -1"),
        (GOOD, {"tau2": 1, "model": "common"}, ValueError, "`tau2` has no place in the common-effect model"),
        (GOOD, {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (EffectSizes(effect=[0.1], variance=[1]), {}, ValueError, "at least two studies, but has shape (1,)"),
        (EffectSizes(effect=0.1, variance=1), {}, ValueError, "at least two studies, but has shape ()"),
        (EffectSizes(effect=[0.1, np.nan], variance=[1, 1]), {}, ValueError, "effect nan .* at index 1"),
        (EffectSizes(effect=[0.1, 0.2], variance=[1, 0]), {}, ValueError, "variance 0 at index 1"),
    ],
)
def test_bad_input_is_named(effects, options, error, message):
    message = message.replace("(", "[(]").replace(")", "[)]")
    with pytest.raises(error, match=message):
        affirmative_meta_analysis(effects, 2, **options)
    with pytest.raises(error, match=message):
        s_value(effects, **options)


def test_one_study_with_all_of_the_weight_keeps_its_digits():
    # One non-affirmative study, and a ratio that leaves the others a share of 1e-12.
    effects = EffectSizes(effect=[0.1, 0.9, 1.1, 0.7], variance=[0.04, 0.02, 0.03, 0.02])
    fit = affirmative_meta_analysis(effects, 1e12, tau2=0.01)
    assert float(fit.estimate.value) == pytest.approx(0.1, abs=1e-9)
    # In the limit the residual of that study, blown up by CR2, is all of the variance: with w of the others
    # e = Σw(0.1 - y)/Σw, variance e²/(1 + Σw²v/(v1 (Σw)²)).
    y, v = effects.effect[1:], effects.variance[1:]
    w = 1 / (v + 0.01)
    e = (w * (y - 0.1)).sum() / w.sum()
    limit = e**2 / (1 + (w**2 * v).sum() / (0.04 * w.sum() ** 2))
    assert float(fit.estimate.std_error) == pytest.approx(limit**0.5, rel=1e-9)
    # One row of M is then all that counts.
    assert float(fit.df) == pytest.approx(1, rel=1e-9)


def test_bad_ratios_targets_and_worst_cases_are_named():
    with pytest.raises(ValueError, match="`selection_ratio` must be at most 1e[+]15, but got 1e[+]16"):
        affirmative_meta_analysis(GOOD, 1e16)
    with pytest.raises(ValueError, match="`selection_ratio` must be a number greater than 0, but got inf"):
        affirmative_meta_analysis(GOOD, np.inf)
    with pytest.raises(ValueError, match="`target` must lie between the null and the uncorrected mean"):
        s_value(GOOD, target=2)
    with pytest.raises(ValueError, match="at least two studies that are not affirmative, but 3 of 3"):
        worst_case_meta_analysis(EffectSizes(effect=[1, 1, 1], variance=[0.1, 0.1, 0.1]))
    with pytest.raises(ValueError, match="must be one meta-analysis of shape"):
        worst_case_meta_analysis(EffectSizes(effect=[[1, 1, 1]], variance=[0.1, 0.1, 0.1]))
