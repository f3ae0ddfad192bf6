import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import EffectSizes
from analysis.meta.methods.rank_correlation import _lower_tail, kendall, normal_pvalue
from analysis.meta.methods.tau2_likelihood import log_likelihood, score
from analysis.meta.methods.weighted_regression import fit_line
from analysis.meta.methods.weighted_regression_mixed import about_a_line, moderated_tau2
from analysis.meta.small_study import begg_test, egger_test, pustejovsky_rodgers_test
from reference_values import assert_same, dataset, identifier, load, number, numbers, records


def _height(tau2, *data):
    return log_likelihood(about_a_line(*data), tau2, restricted=True)


def _score(tau2, *data):
    return score(about_a_line(*data), tau2, restricted=True)


PREDICTORS = {
    "sei": "std_error",
    "vi": "variance",
    "ni": "n",
    "sqrtni": "sqrt-n",
    "ninv": "1/n",
    "sqrtninv": "1/sqrt-n",
}
R_TESTS = {"z": "wald", "knha": "hartung-knapp"}
R_TAU2 = {"EE": "none", "DL": "DL", "REML": "REML"}


def _studies(name, record):
    columns = dataset(name, record)
    inside = np.isfinite(columns["yi"]) & np.isfinite(columns["vi"])
    effects = EffectSizes(effect=columns["yi"][inside], variance=columns["vi"][inside])
    return effects, columns["ni"][inside] if "ni" in columns else None


def _first(value):
    return number(next(iter(value.values()))) if isinstance(value, dict) else number(value)


def _is_fit(record):
    return number(record["outputs"]["zval"]) == number(record["outputs"]["zval"])


@pytest.mark.parametrize("record", records("D_bias", "regtest/", keep=_is_fit), ids=identifier)
def test_egger_equals_metafor(record):
    _, _, model, predictor, *fit = record["id"].split("/")
    effects, n = _studies("D_bias", record)
    options = {"predictor": PREDICTORS[predictor], "n": n}
    if model == "rma":
        options |= {"model": "mixed", "tau2": R_TAU2[fit[0]], "ci": R_TESTS[fit[1]]}
    expected = record["outputs"]
    ours = egger_test(effects, **options)
    rel = 1e-9
    if model == "rma":
        # The records of REML are converged to about 1e-13; tau2 itself agrees to 1e-7.
        rel = 1e-7 if fit[0] == "REML" else 1e-9
        assert ours.tau2 == pytest.approx(number(expected["tau2"]), rel=1e-7, abs=1e-11)
        assert ours.bias == pytest.approx(number(expected["beta"][1]), rel=rel, abs=1e-12)
        assert ours.bias_std_error == pytest.approx(number(expected["se"][1]), rel=rel)
    else:
        slope = expected["coef"]["rows"][1]
        assert [float(ours.bias), float(ours.bias_std_error)] == pytest.approx(slope[:2], rel=rel)
    assert ours.statistic == pytest.approx(number(expected["zval"]), rel=rel, abs=1e-10)
    assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=1e-6)
    assert ours.df == (np.inf if expected["dfs"] is None else expected["dfs"])
    if expected.get("est") is None:
        assert ours.limit is None
        assert "grows with size" in ours.declines[-1]
    else:
        limit = [float(getattr(ours.limit, name)) for name in ("value", "low", "high")]
        theirs = [_first(expected[name]) for name in ("est", "ci.lb", "ci.ub")]
        assert limit == pytest.approx(theirs, rel=rel, abs=1e-10)


@pytest.mark.parametrize("record", records("D_bias", "ranktest/"), ids=identifier)
def test_begg_equals_metafor(record):
    effects, _ = _studies("D_bias", record)
    ours = begg_test(effects, pvalue="exact" if record["id"].endswith("default") else "normal")
    # A score of 0 comes back from R as 1e-17.
    assert ours.tau == pytest.approx(_first(record["outputs"]["tau"]), rel=1e-12, abs=1e-15)
    assert ours.pvalue == pytest.approx(number(record["outputs"]["pval"]), rel=1e-10)


@pytest.mark.parametrize("record", records("metafor51", "ranktest/"), ids=identifier)
def test_begg_equals_metafor_5_1(record):
    effects, _ = _studies("metafor51", record)
    ours = begg_test(effects, pvalue="exact")
    assert ours.tau == pytest.approx(number(record["outputs"]["tau"]), rel=1e-12)
    assert ours.pvalue == pytest.approx(number(record["outputs"]["pval"]), rel=1e-10)


def _of_yi(record):
    return record["inputs"]["dataset"].startswith("yv_")


@pytest.mark.parametrize("record", records("meta", "metabias/", keep=_of_yi), ids=identifier)
def test_tests_of_effect_sizes_equal_meta(record):
    columns = dataset("meta", record)
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    test = record["inputs"]["mb"]
    if test == "Thompson":
        _compare_thompson(effects, record)
    elif test == "Begg":
        _compare(begg_test(effects, pvalue="normal"), record, ("ks", "se.ks"), rel=1e-9)
    else:
        _compare(egger_test(effects), record, ("bias", "se.bias"), rel=1e-9)


def _compare_thompson(effects, record):
    """Hold the line at meta's tau2 to its numbers, and our tau2 to a likelihood not below that of meta's.

    meta takes REML from metafor at its default tolerance, 1e-5 absolute: loose where tau2 is as small
    as that (risk differences): P of bcg_AS is 0.020876 there, 0.020869 at the maximum.
    """
    theirs = np.array([number(record["outputs"]["tau"]) ** 2])
    data = tuple(
        array[:, None]
        for array in (effects.effect, effects.variance, effects.std_error, np.ones(effects.shape))
    )
    line = fit_line(data[0], data[2], 1 / (data[1] + theirs))
    estimate = record["outputs"]["estimate"]
    assert line.slope[0] == pytest.approx(number(estimate["bias"]), rel=1e-9)
    assert line.slope_variance[0] ** 0.5 == pytest.approx(number(estimate["se.bias"]), rel=1e-9)
    ours = egger_test(effects, model="mixed")
    assert _height(ours.tau2[None], *data) >= _height(theirs, *data) - 1e-12
    assert ours.statistic == pytest.approx(_first(record["outputs"]["statistic"]), rel=1e-2)
    assert ours.df == record["outputs"]["df"]


def _compare(ours, record, estimate, *, rel):
    expected = record["outputs"]
    bias, std_error = (number(expected["estimate"][name]) for name in estimate)
    assert ours.bias == pytest.approx(bias, rel=rel, abs=1e-9)
    assert ours.bias_std_error == pytest.approx(std_error, rel=rel)
    assert ours.statistic == pytest.approx(_first(expected["statistic"]), rel=rel, abs=1e-9)
    assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=max(rel, 1e-8))
    if "df" in expected:
        assert ours.df == expected["df"]
    if "intercept" in expected and ours.limit is not None:
        assert float(np.log(ours.limit.value) if ours.limit.scale == "log" else ours.limit.value) == (
            pytest.approx(number(expected["intercept"]), rel=rel, abs=1e-9)
        )
        assert ours.limit.std_error == pytest.approx(number(expected["se.intercept"]), rel=rel)


def _of_means(record):
    return record["inputs"]["dataset"].startswith("cont_") and record["id"].split("/")[-1] != "Macaskill"


@pytest.mark.parametrize("record", records("meta", "metabias/", keep=_of_means), ids=identifier)
def test_tests_of_mean_differences_equal_meta(record):
    # The standardized mean differences themselves are those of meta.
    name = record["id"].split("/")[1]
    fit = next(r for r in load("meta")["records"] if r["id"] == f"metacont/{name}/SMD")["outputs"]
    effects = EffectSizes(effect=numbers(fit["TE"]), variance=numbers(fit["seTE"]) ** 2)
    columns = dataset("meta", record)
    test = record["inputs"]["mb"]
    if test == "Pustejovsky":
        ours = pustejovsky_rodgers_test(effects, exposed_total=columns["n1i"], control_total=columns["n2i"])
    else:
        ours = egger_test(effects, **({"model": "mixed", "tau2": "DL"} if test == "Thompson" else {}))
    _compare(ours, record, ("bias", "se.bias"), rel=1e-9)


def _search_two_maxima():
    """Return studies whose restricted likelihood about the line has its higher maximum beside one at 0."""
    rng = np.random.default_rng(11)
    grid = np.concatenate(([0.0], np.geomspace(1e-4, 30, 400)))
    for _ in range(20_000):
        v = np.exp(rng.normal(-2, 2, 6))
        y = rng.normal(0, np.sqrt(v + 0.05))
        data = tuple(np.repeat(a[:, None], grid.size, axis=1) for a in (y, v, np.sqrt(v), np.ones(6)))
        likelihood = _height(grid, *data)
        if _score(np.zeros(1), *(a[:, :1] for a in data))[0] < 0 and likelihood.argmax() > 0:
            return y, v, grid[likelihood.argmax()]
    raise LookupError("no such set in 20 000")


def test_reml_about_the_line_takes_the_higher_of_two_maxima():
    y, v, there = _search_two_maxima()
    found = float(egger_test(EffectSizes(effect=y, variance=v), model="mixed").tau2)
    assert found == pytest.approx(there, rel=0.05)


def test_reml_about_the_line_is_the_global_maximum():
    rng = np.random.default_rng(21)
    k, sets = 7, 300
    v = np.exp(rng.normal(-2, 1.8, (k, sets)))
    y = rng.normal(0, np.sqrt(v + rng.choice([0, 0.05, 0.5], sets)))
    data = y, v, np.sqrt(v), np.ones((k, sets))
    tau2 = moderated_tau2(*data, method="REML")
    best = _height(tau2, *data)
    for point in np.concatenate(([0.0], np.geomspace(1e-5, 30, 2000))):
        assert (best >= _height(np.full(sets, point), *data) - 1e-9).all()


def test_score_is_the_derivative_of_the_restricted_likelihood():
    rng = np.random.default_rng(3)
    data = rng.normal(size=(5, 4)), rng.uniform(0.1, 1, (5, 4)), rng.normal(size=(5, 4)), np.ones((5, 4))
    tau2, step = np.array([0.01, 0.1, 0.5, 2.0]), 1e-6
    slope = _height(tau2 + step, *data) - _height(tau2 - step, *data)
    assert _score(tau2, *data) == pytest.approx(slope / step, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("n", [2, 3, 4, 7, 12])
def test_exact_law_of_kendalls_score_by_enumeration(n):
    if n <= 7:
        import itertools

        orders = np.array(list(itertools.permutations(range(n))))
        i, j = np.triu_indices(n, 1)
        concordant = (orders[:, i] < orders[:, j]).sum(axis=1)
        expected = np.cumsum(np.bincount(concordant, minlength=n * (n - 1) // 2 + 1)) / len(orders)
        assert _lower_tail(n) == pytest.approx(expected, rel=1e-13)
    # The first two probabilities are 1/n! and n/n!, far below the dust of a sum of floats.
    factorial = float(np.prod(np.arange(1.0, n + 1)))
    assert _lower_tail(n)[:2] == pytest.approx([1 / factorial, n / factorial], rel=1e-12)


def test_exact_law_keeps_its_digits_for_many_studies():
    tail = _lower_tail(60)
    assert tail[:2] * float(np.prod(np.arange(1.0, 61))) == pytest.approx([1, 60], rel=1e-11)
    assert tail[-1] == pytest.approx(1, abs=1e-12)


def test_tied_ranks_equal_scipy():
    rng = np.random.default_rng(5)
    for _ in range(30):
        v = rng.integers(1, 4, 9) / 4
        ours = begg_test(EffectSizes(effect=rng.integers(0, 3, 9) / 2.0, variance=v), pvalue="exact")
        assert "ties" in ours.method
        assert -1 <= ours.tau <= 1
    effects = EffectSizes(effect=[0.5, 0.1, 0.3, 0.3, 0.2, 0.9], variance=[0.2, 0.2, 0.1, 0.1, 0.05, 0.3])
    w = 1 / effects.variance
    x = (effects.effect - (w * effects.effect).sum() / w.sum()) / np.sqrt(effects.variance - 1 / w.sum())
    theirs = stats.kendalltau(x, effects.variance, method="asymptotic")
    ours = begg_test(effects)
    assert (float(ours.tau), float(ours.pvalue)) == pytest.approx(
        (theirs.statistic, theirs.pvalue), rel=1e-12
    )


def test_ties_of_three_and_more_equal_scipy():
    rng = np.random.default_rng(8)
    for _ in range(40):
        x, y = rng.integers(0, 3, (2, 1, 12)).astype(float)
        ours = kendall(x, y, np.ones((1, 12), dtype=bool))
        theirs = stats.kendalltau(x[0], y[0], method="asymptotic")
        assert ours.tau[0] == pytest.approx(theirs.statistic, rel=1e-12, abs=1e-15)
        pvalue = normal_pvalue(ours.score, ours.variance, continuity=False)[0]
        assert pvalue == pytest.approx(theirs.pvalue, rel=1e-10)


@pytest.mark.parametrize(
    "test",
    [
        egger_test,
        lambda e, **o: egger_test(e, model="mixed", **o),
        lambda e, **o: egger_test(e, model="mixed", tau2="DL", ci="hartung-knapp", **o),
        lambda e, **o: egger_test(e, predictor="1/sqrt-n", n=np.arange(10, 18), **o),
        begg_test,
    ],
    ids=["lm", "mixed", "knha", "1/sqrt-n", "begg"],
)
def test_a_batch_equals_a_loop(test):
    rng = np.random.default_rng(1)
    y, v = rng.normal(0, 0.5, (3, 5, 8)), rng.uniform(0.02, 0.6, (3, 5, 8))
    batch = test(EffectSizes(effect=y, variance=v))
    assert batch.shape == (3, 5)
    for index in np.ndindex(3, 5):
        one = test(EffectSizes(effect=y[index], variance=v[index]))
        assert_same(batch.statistic[index], one.statistic, rel=1e-9, abs_=1e-12)
        assert_same(batch.pvalue[index], one.pvalue, rel=1e-9)
        if one.limit is not None:
            assert_same(batch.limit.high[index], one.limit.high, rel=1e-9)
    frame = batch.to_frame()
    assert len(frame) == 15
    assert frame.loc[7, "bias"] == batch.bias.ravel()[7]
    assert str(batch).count("\n") >= 10


@pytest.mark.parametrize("test", [egger_test, begg_test, lambda e, **o: egger_test(e, model="mixed", **o)])
def test_where_leaves_out(test):
    rng = np.random.default_rng(2)
    y, v = rng.normal(0, 0.5, 9), rng.uniform(0.02, 0.6, 9)
    masks = ~np.eye(9, dtype=bool)
    y_with_gap = y.copy()
    y_with_gap[4] = np.nan
    batch = test(EffectSizes(effect=y, variance=v), where=masks)
    single = test(EffectSizes(effect=np.delete(y, 4), variance=np.delete(v, 4)))
    gap = test(EffectSizes(effect=y_with_gap, variance=v), where=np.isfinite(y_with_gap))
    assert_same(batch.statistic[4], single.statistic, rel=1e-9)
    assert_same(gap.pvalue, single.pvalue, rel=1e-9)
    assert (batch.n_studies == 8).all()


@given(
    pairs=st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=5, max_size=9, unique=True),
    shift=st.floats(-2, 2),
)
def test_invariants_of_the_classical_test(pairs, shift):
    y, v = np.array(pairs).T
    y = y + np.linspace(0, 0.1, y.size) ** 2  # no exact line
    if np.ptp(v) < 1e-3:
        return
    here = egger_test(EffectSizes(effect=y, variance=v))
    moved = egger_test(EffectSizes(effect=y + shift, variance=v))
    turned = egger_test(EffectSizes(effect=-y, variance=v))
    backwards = egger_test(EffectSizes(effect=y[::-1], variance=v[::-1]))
    scaled = egger_test(EffectSizes(effect=3 * y, variance=9 * v))
    near = {"rel": 1e-6, "abs": 1e-8}
    assert float(moved.statistic) == pytest.approx(float(here.statistic), **near)
    assert float(moved.limit.value) == pytest.approx(float(here.limit.value) + shift, **near)
    assert float(turned.statistic) == pytest.approx(-float(here.statistic), **near)
    assert float(backwards.pvalue) == pytest.approx(float(here.pvalue), **near)
    assert float(scaled.bias) == pytest.approx(float(here.bias), **near)


def test_pet_is_the_radial_intercept():
    # Egger's own form: y/s on 1/s by ordinary least squares, bias is its intercept.
    rng = np.random.default_rng(6)
    y, v = rng.normal(0.3, 0.4, 12), rng.uniform(0.02, 0.5, 12)
    fit = stats.linregress(1 / np.sqrt(v), y / np.sqrt(v))
    ours = egger_test(EffectSizes(effect=y, variance=v, measure="OR"))
    assert float(ours.bias) == pytest.approx(fit.intercept, rel=1e-10)
    assert float(ours.bias_std_error) == pytest.approx(fit.intercept_stderr, rel=1e-10)
    assert float(ours.limit.value) == pytest.approx(np.exp(fit.slope), rel=1e-10)
    assert ours.declines == ()


def test_texts():
    effects = EffectSizes(effect=[0.5, 0.2, 0.4, 0.05], variance=[0.2, 0.1, 0.15, 0.02], measure="OR")
    lines = str(egger_test(effects)).splitlines()
    assert lines[0].startswith("Egger: t = ")
    assert "(df = 2), P = " in lines[0]
    assert lines[0].endswith("4 studies")
    assert lines[1].startswith("Fewer than 10 studies (4)")
    assert "Kendall's τ = " in str(begg_test(effects))
    assert "<table" in egger_test(effects)._repr_html_()


GOOD = {"effect": [0.5, 0.2, 0.4, 0.05], "variance": [0.2, 0.1, 0.15, 0.02]}


@pytest.mark.parametrize("test", [egger_test, begg_test])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect": [0.5, 0.2], "variance": [0.2, 0.1]}, "At least 3 studies must enter, but 2 do"),
        ({"effect": 0.5, "variance": 0.2}, "but 1 do"),
        ({"effect": [0.5, np.nan, 0.4, 0.05]}, "at index 1 they are nan and 0.1"),
        ({"variance": [0.2, 0.0, 0.15, 0.02]}, "at index 1 they are 0.2 and 0"),
        ({"variance": 0.1}, "must differ between studies"),
    ],
)
def test_bad_studies_are_refused(test, change, message):
    effects = EffectSizes(**(GOOD | change))
    with pytest.raises(ValueError, match=message):
        test(effects)


def test_bad_arguments_are_refused():
    effects = EffectSizes(**GOOD)
    with pytest.raises(TypeError, match="must be EffectSizes, but got list"):
        egger_test([0.1, 0.2])
    with pytest.raises(ValueError, match="`tau2` belongs to model='mixed'"):
        egger_test(effects, tau2="DL")
    with pytest.raises(ValueError, match="`ci` belongs to model='mixed'"):
        egger_test(effects, ci="wald")
    with pytest.raises(ValueError, match="`predictor` must be one of"):
        egger_test(effects, predictor="se")
    with pytest.raises(ValueError, match="which needs `n`"):
        egger_test(effects, predictor="n")
    with pytest.raises(ValueError, match="`n` must hold one number for each of 4 studies"):
        egger_test(effects, predictor="n", n=[10, 20])
    with pytest.raises(ValueError, match="`n` must be a number greater than 0, but got 0 at index 1"):
        egger_test(effects, predictor="n", n=[10, 0, 3, 4])
    with pytest.raises(ValueError, match=r"predictor \(n\) must differ between studies, but is 7"):
        egger_test(effects, predictor="n", n=7)
    with pytest.raises(ValueError, match="lie on it exactly"):
        egger_test(EffectSizes(effect=0.3, variance=GOOD["variance"]))
    with pytest.raises(ValueError, match="lie on it exactly"):
        egger_test(EffectSizes(effect=0.3, variance=GOOD["variance"]), model="mixed", ci="hartung-knapp")
    with pytest.raises(ValueError, match="belongs to pvalue='normal'"):
        begg_test(effects, continuity=True)
    with pytest.raises(TypeError, match="`where` must be true/false"):
        egger_test(effects, where=[1, 1, 1, 0])
    with pytest.raises(ValueError, match="`where` must broadcast"):
        egger_test(effects, where=[True, True])
    with pytest.raises(ValueError, match=r"but 2 do in set \[1\]"):
        begg_test(effects, where=[[True, True, True, True], [True, True, False, False]])


def test_rounding_dust_has_no_rank():
    # The weighted mean of equal effects differs from them in the last bit.
    rng = np.random.default_rng(0)
    for _ in range(50):
        effects = EffectSizes(effect=0.3, variance=rng.uniform(0.01, 1, 7))
        with pytest.raises(ValueError, match="ranks do not exist"):
            begg_test(effects)


def test_equal_effects_under_the_normal_interval_have_no_slope():
    ours = egger_test(EffectSizes(effect=0.3, variance=GOOD["variance"]), model="mixed", ci="wald")
    assert float(ours.bias) == pytest.approx(0, abs=1e-14)
    assert ours.tau2 == 0
    assert float(ours.pvalue) == pytest.approx(1)
