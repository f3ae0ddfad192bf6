import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from analysis import ConvergenceError, EffectSizes, TwoByTwo, effect_sizes, leave_one_out, pool
from analysis.meta.methods import tau2_likelihood
from analysis.meta.methods.tau2_likelihood import log_likelihood, score
from analysis.meta.methods.weighted_model import Studies
from reference_values import dataset, identifier, load, number, records

R_TESTS = {"z": "wald", "t": "t", "knha": "hartung-knapp", "adhoc": "hartung-knapp-adhoc"}


# metafor's iterated forms of DL and SJ are not offered.
NOT_OFFERED = {"DLIT", "SJIT"}
ITERATIVE = {"ML", "REML", "EB", "PM", "PMM"}


def _is_ours(record):
    parts = record["id"].split("/")
    if len(parts) != 5:
        return False
    _, data, method, test, control = parts
    if method in NOT_OFFERED:
        return False
    # metafor's ML of these stops at 0; see the test of the two maxima below.
    if (data, method) == ("extreme_vi", "ML"):
        return False
    # Closed forms have no convergence to tighten.
    return test in R_TESTS and (control == "tight" or method not in ITERATIVE)


def _effects(name, record):
    columns = dataset(name, record)
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    return effects, np.isfinite(effects.effect) & np.isfinite(effects.variance)


def _options(method, effects, where):
    if method in {"EE", "FE"}:
        return {"model": "common"}
    if method == "GENQ":
        mean = effects.variance[where].mean()
        return {"tau2": "GENQ", "weights": np.where(where, 1 / (effects.variance + mean), 1.0)}
    return {"tau2": method}


TIGHT = {"rel": 1e-8, "abs": 1e-12}


def _assert_mean_equals(fit, expected):
    assert fit.tau2 == pytest.approx(number(expected["tau2"]), **TIGHT)
    assert fit.estimate.value == pytest.approx(number(expected["beta"][0]), **TIGHT)
    assert fit.estimate.std_error == pytest.approx(number(expected["se"][0]), **TIGHT)
    assert fit.estimate.low == pytest.approx(number(expected["ci.lb"][0]), **TIGHT)
    assert fit.estimate.high == pytest.approx(number(expected["ci.ub"][0]), **TIGHT)
    assert fit.estimate.pvalue == pytest.approx(number(expected["pval"][0]), rel=1e-7, abs=1e-300)


@pytest.mark.parametrize("record", records("B_rma", "rma/", keep=_is_ours), ids=identifier)
def test_fits_equal_metafor(record):
    _, _, method, test, _ = record["id"].split("/")
    effects, where = _effects("B_rma", record)
    fit = pool(effects, ci=R_TESTS[test], where=where, **_options(method, effects, where))
    expected = record["outputs"]
    if where.sum() > 1:
        _assert_mean_equals(fit, expected)
        assert fit.i2 == pytest.approx(number(expected["I2"]), rel=1e-8, abs=1e-8)
        assert fit.h2 == pytest.approx(number(expected["H2"]), rel=1e-8)
        assert fit.q == pytest.approx(number(expected["QE"]), rel=1e-10)
        assert fit.q_pvalue == pytest.approx(number(expected["QEp"]), rel=1e-7, abs=1e-300)
    else:
        assert fit.tau2 == 0
        assert fit.estimate.value == pytest.approx(number(expected["beta"][0]), **TIGHT)
    # For Paule and Mandel's equation metafor takes k for tr(P) Σv: see the test by simulation.
    if expected.get("se.tau2") is not None and method not in {"EB", "PM", "PMM"}:
        assert fit.tau2_std_error == pytest.approx(number(expected["se.tau2"]), rel=1e-7)


def test_the_grid_of_data_estimators_and_intervals_is_complete():
    """No data set, estimator or interval may fall out of the comparison unseen."""
    compared = {tuple(r["id"].split("/")[1:4]) for r in records("B_rma", "rma/", keep=_is_ours)}
    data = set(load("B_rma")["datasets"])
    methods = {"EE", "FE", "DL", "HE", "HS", "HSk", "SJ", "GENQ", "ML", "REML", "EB", "PM", "PMM"}
    everything = {(d, m, t) for d in data for m in methods for t in R_TESTS}
    # Of one study R has the normal test alone, and metafor's ML of "extreme_vi" stops at 0.
    single = {("bcg1_RR", method, test) for method in methods for test in R_TESTS if test != "z"}
    assert everything - compared == single | {("extreme_vi", "ML", test) for test in R_TESTS}


def test_standard_error_of_paule_and_mandel_is_that_of_a_simulation():
    rng = np.random.default_rng(3)
    variance = np.exp(rng.normal(-1, 1.2, 200))
    effect = rng.normal(0, np.sqrt(variance + 0.3), (20_000, 200))
    fit = pool(EffectSizes(effect=effect, variance=variance), tau2="PM", ci="wald")
    # The standard deviation of 20 000 estimates has a relative error of 0.5 %.
    assert np.median(fit.tau2_std_error) == pytest.approx(fit.tau2.std(), rel=0.02)


@pytest.mark.parametrize(
    "record",
    [
        r
        for name in (
            "rma_level/",
            "rma_unweighted/",
            "rma_userweights_ni/",
            "rma_userweights_hc/",
            "rma_fixtau2/",
        )
        for r in records("B_rma", name)
    ],
    ids=identifier,
)
def test_weights_levels_and_given_tau2_equal_metafor(record):
    name, _, *rest = record["id"].split("/")
    effects, where = _effects("B_rma", record)
    options = {"where": where, "ci": "wald"}
    if name == "rma_level":
        options |= {"confidence_level": float(rest[1]) / 100, **_options(rest[0], effects, where)}
    elif name == "rma_unweighted":
        options |= {"weights": 1.0, **({"model": "common"} if rest[0] == "EE" else {"tau2": rest[0]})}
    elif name == "rma_userweights_hc":
        options |= {"tau2": "DL", "weights": np.where(where, 1 / effects.variance, 1.0)}
    elif name == "rma_userweights_ni":
        options |= {"weights": dataset("B_rma", record)["ni"]}
    else:
        options |= {"tau2": float(rest[0])}
    if where.sum() > 1:
        _assert_mean_equals(pool(effects, **options), record["outputs"])


@pytest.mark.parametrize(
    "record",
    records(
        "B_predict",
        "predict/",
        keep=lambda r: r["id"].split("/")[2] == "DL" and r["id"].endswith("/riley"),
    ),
    ids=identifier,
)
def test_prediction_interval_equals_metafor(record):
    effects, where = _effects("B_predict", record)
    fit = pool(effects, tau2="DL", ci=R_TESTS[record["id"].split("/")[3]], where=where)
    expected = record["outputs"]
    if where.sum() < 3:
        assert np.isnan(fit.prediction.low)
        return
    assert fit.prediction.low == pytest.approx(number(expected["pi.lb"]), rel=1e-9)
    assert fit.prediction.high == pytest.approx(number(expected["pi.ub"]), rel=1e-9)


def _bcg():
    columns = load("A_escalc")["datasets"]["bcg"]
    table = TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )
    return effect_sizes(
        table, "RR", label=[f"{a} {y}" for a, y in zip(columns["author"], columns["year"], strict=True)]
    )


def test_bcg_golden_values():
    fit = pool(_bcg(), ci="wald")
    assert fit.tau2 == pytest.approx(0.313243258136, rel=1e-11)
    assert np.log(fit.estimate.value) == pytest.approx(-0.714532342158, rel=1e-11)
    assert fit.estimate.std_error == pytest.approx(0.179781516105, rel=1e-11)
    assert pool(_bcg(), tau2="DL").tau2 == pytest.approx(0.308760263, rel=1e-8)
    assert np.log([fit.prediction.low, fit.prediction.high]) == pytest.approx(
        [-2.008375906922578, 0.5793112226062992], rel=1e-10
    )
    assert str(pool(_bcg())) == (
        "0.49 (0.33 to 0.73), P = 0.002; 95% prediction interval 0.13 to 1.79; τ² = 0.313 (0.120 to 1.11), "
        "I² = 92% (82% to 98%), Q = 152.2 (df = 12, P < 0.001); 13 studies"
    )


def test_tau2_is_never_negative():
    # statsmodels 0.15.0 gives tau2 = -0.0492 and a negative weight for these.
    effects = EffectSizes(effect=[0.10, 0.11, 0.10, 0.12], variance=[0.05, 0.06, 0.04, 0.05])
    fit = pool(effects, tau2="DL", ci="wald")
    assert fit.tau2 == 0
    assert fit.i2 == 0
    assert (fit.weights > 0).all()
    assert [float(fit.estimate.low), float(fit.estimate.high)] == pytest.approx([-0.110, 0.324], abs=5e-4)
    theirs = combine_effects(np.asarray(effects.effect), np.asarray(effects.variance), method_re="dl")
    assert theirs.tau2 < 0  # the day that this fails, the note in docs can go


def test_hartung_knapp_ad_hoc_is_never_narrower():
    effects = EffectSizes(effect=[0.10, 0.11, 0.10, 0.12], variance=[0.05, 0.06, 0.04, 0.05])
    plain, adhoc = (pool(effects, ci=ci).estimate for ci in ("hartung-knapp", "hartung-knapp-adhoc"))
    # PyMARE's default prints 0.0915 to 0.1223 for these.
    assert plain.high - plain.low < 0.05
    assert [float(adhoc.low), float(adhoc.high)] == pytest.approx([-0.245, 0.459], abs=5e-4)


def _reml_by_grid(y, v):
    """Return the restricted log-likelihood's maximum over a dense grid: slow, and independent of the fit."""
    grid = np.concatenate(([0.0], np.geomspace(1e-5, 20, 40_001)))
    w = 1 / (v + grid[:, None])
    mean = (w * y).sum(1) / w.sum(1)
    ll = 0.5 * (np.log(w).sum(1) - np.log(w.sum(1)) - (w * (y - mean[:, None]) ** 2).sum(1))
    return grid[ll.argmax()], ll.max()


def test_reml_is_the_global_maximum():
    # Few studies of unequal precision give likelihoods with a maximum inside beside one at 0, which a climb
    # from one start misses.
    rng = np.random.default_rng(20)
    k, sets = 6, 300
    v = np.exp(rng.normal(-2, 1.8, (sets, k)))
    y = rng.normal(0, np.sqrt(v + rng.choice([0, 0.05, 0.5], (sets, 1))))
    fit = pool(EffectSizes(effect=y, variance=v), ci="wald")
    for row in range(sets):
        tau2, likelihood = _reml_by_grid(y[row], v[row])
        one = Studies(y[row][:, None], v[row][:, None])
        # The grid's likelihood leaves out the same constants.
        ours = log_likelihood(one, fit.tau2[row : row + 1], restricted=True)[0]
        assert ours >= likelihood - 1e-9, (row, tau2, fit.tau2[row])


def test_reml_with_two_maxima_takes_the_higher():
    y, v = _two_maxima()
    fit = pool(EffectSizes(effect=y, variance=v), ci="wald")
    one = Studies(y[:, None], v[:, None])
    assert score(one, np.zeros(1), restricted=True) < 0  # the likelihood falls from 0, and yet
    assert fit.tau2 > 0
    at_zero = log_likelihood(one, np.zeros(1), restricted=True)
    assert log_likelihood(one, fit.tau2[None], restricted=True) > at_zero


def test_one_study_of_all_the_weight_raises_no_warning():
    effects = EffectSizes(
        effect=[-1.0747914952232525, -0.1779139465826313, 0.668113421683895],
        variance=[105.38779037840884, 8.196367995062159e-07, 4151.46924493605],
    )
    frame = pool(effects).to_frame()
    assert frame.loc[0, "value"] == pytest.approx(-0.1779139465826313, rel=1e-6)


@pytest.mark.parametrize(
    "tau2", ["DL", "DL2", "HE", "CA2", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM"]
)
@pytest.mark.parametrize(
    ("effect", "variance"),
    [
        ([0.3] * 5, [0.1, 0.2, 0.3, 0.1, 0.1]),
        ([1e-8, 2e-8, 3e-8], [1e-18, 1e-18, 1e-18]),
        ([1e6, 2e6, -3e6], [1e10, 1, 1e-6]),
        ([0, 5], [1e-10, 1e10]),
        (np.linspace(-1, 1, 100_000), np.linspace(0.01, 2, 100_000)),
    ],
)
def test_extreme_studies_give_numbers_without_warnings(tau2, effect, variance):
    fit = pool(EffectSizes(effect=effect, variance=variance), tau2=tau2, ci="t")
    assert np.isfinite([fit.mean, fit.tau2, fit.estimate.low, fit.i2]).all()
    assert 0 <= fit.i2 <= 100
    assert np.min(effect) - 1e-12 <= fit.mean <= np.max(effect) + 1e-12


def test_reml_with_two_maxima_inside():
    effects = EffectSizes(
        effect=[-5.45394318, -0.38390159, 1.88068198, -0.68169333, -0.08012775],
        variance=[3.50110172, 0.06886214, 1.58390166, 2.85494029, 0.01173347],
    )
    fit = pool(effects)
    _, highest = _reml_by_grid(np.asarray(effects.effect), np.asarray(effects.variance))
    one = Studies(effects.effect[:, None], effects.variance[:, None])
    assert log_likelihood(one, fit.tau2[None], restricted=True)[0] >= highest - 1e-9


def _two_maxima():
    """Search for studies whose restricted likelihood has its higher maximum inside and a lower one at 0."""
    rng = np.random.default_rng(4)
    for _ in range(20_000):
        v = np.exp(rng.normal(-2, 2, 5))
        y = rng.normal(0, np.sqrt(v + 0.05))
        falls = score(Studies(y[:, None], v[:, None]), np.zeros(1), restricted=True)[0] < 0
        if falls and _reml_by_grid(y, v)[0] > 0:
            return y, v
    raise LookupError("no such set in 20 000")


studies = st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=3, max_size=12)


@pytest.mark.parametrize("tau2", ["DL", "REML"])
@given(pairs=studies, shift=st.floats(-2, 2), order=st.randoms(use_true_random=False))
def test_shifting_and_permuting(tau2, pairs, shift, order):
    y, v = np.array(pairs).T
    fit = pool(EffectSizes(effect=y, variance=v), tau2=tau2)
    moved = pool(EffectSizes(effect=y + shift, variance=v), tau2=tau2)
    assert float(moved.estimate.value) == pytest.approx(float(fit.estimate.value) + shift, abs=1e-6)
    assert float(moved.tau2) == pytest.approx(float(fit.tau2), rel=1e-5, abs=1e-9)
    shuffled = list(range(len(y)))
    order.shuffle(shuffled)
    again = pool(EffectSizes(effect=y[shuffled], variance=v[shuffled]), tau2=tau2)
    assert float(again.tau2) == pytest.approx(float(fit.tau2), rel=1e-7, abs=1e-10)
    assert again.weights == pytest.approx(fit.weights[shuffled], rel=1e-6)
    assert fit.weights.sum() == pytest.approx(100)
    assert fit.estimate.low <= fit.estimate.value <= fit.estimate.high


@pytest.mark.parametrize("tau2", ["DL", "REML"])
def test_equal_effects_have_no_heterogeneity(tau2):
    fit = pool(EffectSizes(effect=[0.3] * 5, variance=[0.1, 0.2, 0.05, 0.4, 0.1]), tau2=tau2)
    assert fit.tau2 == 0
    assert fit.estimate.value == pytest.approx(0.3)
    assert fit.q == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize("tau2", ["DL", "REML"])
@pytest.mark.parametrize("ci", sorted(R_TESTS.values()))
def test_a_batch_equals_a_loop(tau2, ci):
    rng = np.random.default_rng(8)
    y, v = rng.normal(0, 0.6, (4, 25, 7)), rng.uniform(0.02, 0.7, (4, 25, 7))
    where = rng.random((4, 25, 7)) < 0.8
    where[..., :2] = True
    batch = pool(EffectSizes(effect=y, variance=v), tau2=tau2, ci=ci, where=where)
    assert batch.weights.shape == (4, 25, 7)
    for index in np.ndindex(4, 25):
        inside = where[index]
        one = pool(EffectSizes(effect=y[index][inside], variance=v[index][inside]), tau2=tau2, ci=ci)
        # The order of the sums differs, the last digits may.
        for name in ("tau2", "q", "i2", "n_studies"):
            assert float(getattr(batch, name)[index]) == pytest.approx(
                float(getattr(one, name)), rel=1e-9, abs=1e-12
            )
        assert float(batch.estimate.low[index]) == pytest.approx(float(one.estimate.low), rel=1e-9, abs=1e-12)
        assert batch.weights[index][inside] == pytest.approx(one.weights, rel=1e-9)
        assert (batch.weights[index][~inside] == 0).all()


def test_leave_one_out_and_cumulative_are_masks():
    effects = _bcg()
    k = effects.shape[-1]
    left_out = pool(effects, where=~np.eye(k, dtype=bool))
    cumulative = pool(effects, where=np.tri(k, dtype=bool))
    assert left_out.estimate.shape == cumulative.estimate.shape == (k,)
    without_last = pool(EffectSizes(effect=effects.effect[:-1], variance=effects.variance[:-1], measure="RR"))
    assert left_out.estimate.value[-1] == pytest.approx(float(without_last.estimate.value), rel=1e-12)
    assert cumulative.estimate.value[-2] == pytest.approx(float(without_last.estimate.value), rel=1e-12)
    assert cumulative.estimate.value[-1] == pytest.approx(float(pool(effects).estimate.value), rel=1e-12)
    assert np.isnan(cumulative.estimate.low[0])  # one study has no t distribution


def test_one_study_under_the_common_effect_is_itself():
    effects = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
    fit = pool(effects, model="common", ci="wald")
    assert [float(fit.estimate.low), float(fit.estimate.high)] == pytest.approx([1.58, 2.11], rel=3e-3)
    assert (fit.n_studies, fit.q, fit.tau2_method) == (1, 0, "none")


def test_proportions_have_no_null_and_no_pvalue():
    fit = pool(EffectSizes(effect=[-1, -0.5, -0.7], variance=[0.1, 0.1, 0.2], measure="PLO"))
    assert fit.estimate.pvalue is None
    assert 0 < fit.estimate.low < fit.estimate.high < 1


def test_frame_holds_everything():
    frame = pool(_bcg()).to_frame()
    assert frame.loc[0, "tau2"] == pytest.approx(0.313243258136)
    assert set(frame.columns) >= {
        "prediction_low",
        "i2",
        "h2",
        "q_pvalue",
        "n_studies",
        "model",
        "tau2_method",
    }


@pytest.mark.parametrize(
    ("effects", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`effects` must be EffectSizes, but got list"),
        (([0.1, np.nan], [1, 1]), {}, ValueError, "finite effect .* at index 1 they are nan and 1"),
        (([0.1, 0.2], [1, 0]), {}, ValueError, "variance greater than 0, but at index 1 they are 0.2 and 0"),
        (([0.1, np.inf], [1, np.inf]), {}, ValueError, "give effect_sizes a correction"),
        (([0.1, 0.2], [1, 1]), {"tau2": "PM2"}, ValueError, "`tau2` must be one of 'DL', 'DL2'"),
        (([0.1, 0.2], [1, 1]), {"model": "fixed"}, ValueError, "`model` must be one of 'random', 'common'"),
        (([0.1, 0.2], [1, 1]), {"ci": "z"}, ValueError, "`ci` must be one of 'hartung-knapp-adhoc'"),
        (([0.1, 0.2], [1, 1]), {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (([0.1, 0.2], [1, 1]), {"where": [1, 0]}, TypeError, "`where` must be true/false, but got int"),
        (
            ([0.1, 0.2], [1, 1]),
            {"where": [True] * 3},
            ValueError,
            re.escape("studies (2,), but has shape (3,)"),
        ),
        (([0.1, 0.2], [1, 1]), {"where": [False, False]}, ValueError, "at least one study in every set"),
    ],
)
def test_bad_input_is_named(effects, options, error, message):
    if isinstance(effects, tuple):
        effects = EffectSizes(effect=effects[0], variance=effects[1])
    with pytest.raises(error, match=message):
        pool(effects, **options)


def test_a_bad_study_is_named_by_its_label():
    effects = EffectSizes(effect=[0.1, np.nan], variance=[1, 1], label=["Aronson", "Rosenthal"])
    with pytest.raises(ValueError, match=r"at index 1 \(Rosenthal\)"):
        pool(effects)
    assert pool(effects, where=[True, False]).n_studies == 1


def test_what_does_not_converge_is_named(monkeypatch):
    monkeypatch.setattr(tau2_likelihood, "_ITERATIONS", 1)
    with pytest.raises(ConvergenceError, match="did not converge for 1 set of studies .position 1 of"):
        pool(EffectSizes(effect=[[0.1, 0.1, 0.1], [0, 1, 2]], variance=[0.1, 0.2, 0.3]))


def test_the_default_interval_goes_with_the_model():
    effects = EffectSizes(effect=[0.1, 0.9, 1.5], variance=[0.01, 0.01, 0.01])
    common = pool(effects, model="common")
    assert common.ci_method == "wald"
    assert common.estimate.high == pytest.approx(2.5 / 3 + 1.959963984540054 * (0.01 / 3) ** 0.5)
    assert pool(effects).ci_method == "hartung-knapp-adhoc"
    one = EffectSizes(effect=[0.7], variance=[0.04])
    alone = pool(one, model="common").estimate
    assert (alone.low, alone.high) == (one.interval().low, one.interval().high)
    assert leave_one_out(effects, model="common").pooled.ci_method == "wald"


@pytest.mark.parametrize("dominance", [1e-2, 1e-5, 3e-7, 1e-9, 1e-12, 1e-14])
@pytest.mark.parametrize("method", ["DL", "HE", "REML", "PM"])
def test_the_standard_error_of_tau2_keeps_its_digits_where_one_study_dominates(dominance, method):
    """Against fractions: one study with up to 1e13 times the weight of the others."""
    variance = [0.04, 0.05, dominance, 0.2, 0.03, 0.3]
    result = pool(EffectSizes(effect=[0.1, 0.5, 0.3, -0.4, 0.9, 1.1], variance=variance), tau2=method)
    v, tau2 = [Fraction(x) for x in variance], Fraction(float(result.tau2))
    weights = {"DL": [1 / x for x in v], "HE": [Fraction(1)] * 6}
    w = weights.get(method, [1 / (x + tau2) for x in v])
    p = [[(w[i] if i == j else 0) - w[i] * w[j] / sum(w) for j in range(6)] for i in range(6)]
    d = [Fraction(1)] * 6 if method == "REML" else [x + tau2 for x in v]
    trace = float(sum(p[i][i] for i in range(6)))
    square = float(sum(p[i][j] * d[j] * p[j][i] * d[i] for i in range(6) for j in range(6)))
    exact = {"REML": (2 / square) ** 0.5, "PM": 10**0.5 / trace}.get(method, (2 * square) ** 0.5 / trace)
    assert float(result.tau2_std_error) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("restricted", [True, False])
def test_the_steps_of_one_set_are_those_of_many_to_the_last_bit(restricted):
    rng = np.random.default_rng(3)
    compared = 0
    for k in [*range(2, 15)] * 8:
        variance = rng.uniform(0.01, 0.6, k)
        effect = rng.normal(0, np.sqrt(variance + 0.2))
        studies = Studies(effect[:, np.newaxis], variance[:, np.newaxis], complete=True)
        scores = tau2_likelihood._scores(studies, restricted=restricted)
        lower, upper, start, sets, _ = tau2_likelihood._crossings(studies, scores, 0, restricted=restricted)
        if sets.size == 1:
            arguments = (studies, start, lower, upper, sets)
            one = tau2_likelihood._newton_of_one(*arguments, restricted=restricted)
            assert one[0] == tau2_likelihood._newton(*arguments, restricted=restricted)[0]
            compared += 1
    assert compared > 50
