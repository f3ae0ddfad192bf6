import numpy as np
import pandas as pd
import pytest

from analysis import EffectSizes, pool
from analysis.meta.heterogeneity_interval import tau2_interval
from analysis.meta.regression import meta_regression
from analysis.meta.regression_influence import regression_influence
from reference_values import identifier, load, number, numbers, records

R_TESTS = {"z": "wald", "t": "t", "knha": "hartung-knapp", "adhoc": "hartung-knapp-adhoc"}
TIGHT = {"rel": 1e-8, "abs": 1e-11}


def _split(record):
    """Return the data, the formula as formulaic writes it, and the rest of the id."""
    _, data, formula, *rest = record["id"].split("|")
    formula = formula.lstrip("~ ").replace("I((ablat-33)^2)", "I((ablat-33)**2)")
    return data, formula, rest


def _data(record):
    columns = load("B2_metareg")["datasets"][record["inputs"]["dataset"]]
    frame = pd.DataFrame({k: v for k, v in columns.items() if len(v) == len(columns["yi"])})
    frame["yi"], frame["vi"] = numbers(columns["yi"]), numbers(columns["vi"])
    return frame, (np.isfinite(frame["yi"]) & np.isfinite(frame["vi"])).to_numpy()


def _fit(record, **more):
    _, formula, rest = _split(record)
    frame, where = _data(record)
    effects = EffectSizes(effect=frame["yi"], variance=frame["vi"])
    if rest:
        method, test = rest
        more |= {"ci": R_TESTS[test], **({"model": "common"} if method == "EE" else {"tau2": method})}
    used = frame.drop(columns=["yi", "vi"]).dropna(axis=1)
    return meta_regression(effects, used, formula=formula, where=where, **more), rest


# Of the model "~ ablat - 1" metafor's residual Q, and tau2 with it, is 209.69; Σ w (y - xb)² is 48.70: below.
ORIGIN = "~ ablat - 1"


def _has_its_q(record):
    return record["id"].split("|")[2] != ORIGIN


@pytest.mark.parametrize("record", records("B2_metareg", "rma_mods|", keep=_has_its_q), ids=identifier)
def test_regressions_equal_metafor(record):
    fit, (method, _) = _fit(record)
    expected = record["outputs"]
    assert fit.tau2 == pytest.approx(number(expected["tau2"]), **TIGHT)
    # Of coefficients that are all but 0 the last digits are those of the columns' size.
    for ours, name in (
        (fit.coefficients, "beta"),
        (fit.std_error, "se"),
        (fit.low, "ci.lb"),
        (fit.high, "ci.ub"),
    ):
        assert ours == pytest.approx(numbers(expected[name]), rel=1e-7, abs=1e-9), name
    assert fit.pvalue == pytest.approx(numbers(expected["pval"]), rel=1e-6, abs=1e-300)
    assert fit.qe == pytest.approx(number(expected["QE"]), rel=1e-8)
    assert fit.qe_pvalue == pytest.approx(number(expected["QEp"]), rel=1e-7, abs=1e-300)
    assert fit.i2 == pytest.approx(number(expected["I2"]), rel=1e-7, abs=1e-7)
    assert fit.h2 == pytest.approx(number(expected["H2"]), rel=1e-7)
    moderators = fit.moderator_test
    assert moderators.statistic == pytest.approx(number(expected["QM"]), rel=1e-7)
    assert moderators.df == expected["QMdf"][0]
    assert moderators.pvalue == pytest.approx(number(expected["QMp"]), rel=1e-6, abs=1e-300)
    # For a common effect metafor gives the share of Q in place of tau2.
    # Of no heterogeneity at all no share is explained; metafor writes 0.
    if fit.tau2_without == 0:
        assert np.isnan(fit.r2)
    elif expected.get("R2") is not None and method != "EE":
        assert fit.r2 == pytest.approx(number(expected["R2"]), rel=1e-7, abs=1e-7)


def test_a_line_through_the_origin():
    (record,) = records("B2_metareg", f"rma_mods|bcg_RR|{ORIGIN}|EE|z")
    fit, _ = _fit(record)
    frame, _ = _data(record)
    x, y, w = (np.asarray(column, float) for column in (frame["ablat"], frame["yi"], 1 / frame["vi"]))
    slope = (w * x * y).sum() / (w * x * x).sum()
    assert fit.coefficients == pytest.approx(numbers(record["outputs"]["beta"]), rel=1e-9)
    assert fit.coefficients == pytest.approx([slope], rel=1e-12)
    assert fit.qe == pytest.approx((w * (y - x * slope) ** 2).sum(), rel=1e-12)
    assert record["outputs"]["QE"] == pytest.approx(209.6856, abs=1e-3)


def test_every_formula_estimator_and_interval_is_compared():
    compared = {tuple(r["id"].split("|")[1:]) for r in records("B2_metareg", "rma_mods|")}
    formulas = {part[:2] for part in compared}
    methods = {part[2] for part in compared}
    assert len(formulas) == 20
    assert methods == {"EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"}
    assert len(compared) == 20 * (2 * 9 + 4)


# What metafor's calls give as columns of the design, as values of the moderators.
NEW = {
    "cbind(ablat=c(0,10,33.5,60": {"ablat": [0, 10, 33.5, 60]},
    "cbind(ablat=c(20,44), year=c(1950,1970": {"ablat": [20, 44], "year": [1950, 1970]},
    "cbind(year=c(1985,1995": {"year": [1985, 1995]},
    "rbind(c(1,0), c(0,1), c(0,0": {"alloc": ["random", "systematic", "alternate"]},
    "rbind(c(1,0,20), c(0,1,40": {"alloc": ["random", "systematic"], "ablat": [20, 40]},
}


@pytest.mark.parametrize("record", records("B2_metareg", "predict_newmods|"), ids=identifier)
def test_predictions_equal_metafor(record):
    fit, (method, _) = _fit(record)
    expected = record["outputs"]
    found = fit.predict(NEW[record["call"].split("newmods=")[1].rstrip(")")])
    for ours, name in ((found.mean.value, "pred"), (found.mean.low, "ci.lb"), (found.mean.high, "ci.ub")):
        assert ours == pytest.approx(numbers(expected[name]), rel=1e-7, abs=1e-9), name
    if method != "EE" and fit.ci_method == "wald":
        assert found.further.low == pytest.approx(numbers(expected["pi.lb"]), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("record", records("B2_metareg", "predict_fitted|", keep=_has_its_q), ids=identifier)
def test_fitted_values_equal_metafor(record):
    fit, _ = _fit(record)
    _, where = _data(record)
    found = fit.predict()
    for ours, name in ((found.mean.value, "pred"), (found.mean.std_error, "se"), (found.mean.low, "ci.lb")):
        assert ours[where] == pytest.approx(numbers(record["outputs"][name]), rel=1e-7, abs=1e-9), name


@pytest.mark.parametrize("record", records("B2_metareg", "vif|"), ids=identifier)
def test_variance_inflation_equals_metafor(record):
    fit, _ = _fit(record)
    assert fit.vif[np.isfinite(fit.vif)] == pytest.approx(numbers(record["outputs"]["vif"]), rel=1e-7)


@pytest.mark.parametrize("record", records("B2_metareg", "anova_btt2|"), ids=identifier)
def test_test_of_one_coefficient_equals_metafor(record):
    fit, _ = _fit(record)
    ours, expected = fit.test(fit.names[1]), record["outputs"]
    assert ours.statistic == pytest.approx(number(expected["QM"]), rel=1e-7)
    assert ours.pvalue == pytest.approx(number(expected["QMp"]), rel=1e-6, abs=1e-300)


def test_test_of_combinations_equals_metafor():
    (record,) = records("B2_metareg", "anova_X")
    columns = load("B2_metareg")["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    named = {name: columns[name] for name in ("ablat", "year")}
    ours = meta_regression(effects, named, tau2="DL", ci="wald").test_combinations(
        [[1, 20, 1960], [0, 1, -1]]
    )
    assert ours.statistic == pytest.approx(record["outputs"]["QM"], rel=1e-8)
    assert ours.pvalue == pytest.approx(record["outputs"]["QMp"], rel=1e-8)


@pytest.mark.parametrize("record", records("B2_metareg", "LRT_ML|"), ids=identifier)
def test_likelihood_ratio_equals_metafor(record):
    frame, where = _data(record)
    # metafor's call takes the rows without any missing value.
    where = where & frame.notna().all(axis=1).to_numpy()
    effects = EffectSizes(effect=frame["yi"], variance=frame["vi"])
    _, formula, _ = _split(record)
    used = frame.drop(columns=["yi", "vi"])
    used = used[[name for name in used.columns if name in formula]]
    full = meta_regression(effects, used, formula=formula, where=where, tau2="ML")
    expected = record["outputs"]
    assert full.log_likelihood == pytest.approx(number(expected["fit.stats.f"]["ll"]), rel=1e-8)
    if "- 1" not in formula:
        reduced = meta_regression(effects, used, formula="1", where=where, tau2="ML")
        ratio = 2 * (full.log_likelihood - reduced.log_likelihood)
        assert ratio == pytest.approx(number(expected["LRT"]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("record", records("B2_metareg", "fixed_z_tau2|"), ids=identifier)
def test_given_tau2_equals_metafor(record):
    fit, _ = _fit(record, tau2=0.05, ci="wald")
    assert fit.coefficients == pytest.approx(numbers(record["outputs"]["beta"]), rel=1e-7, abs=1e-9)
    assert fit.std_error == pytest.approx(numbers(record["outputs"]["se"]), rel=1e-7)


@pytest.mark.parametrize(
    "record",
    [r for name in ("rstandard|", "rstudent|") for r in records("B2_metareg", name, keep=_has_its_q)],
    ids=identifier,
)
def test_residuals_equal_metafor(record):
    fit, _ = _fit(record)
    ours, expected = regression_influence(fit), record["outputs"]
    prefix = "residual" if record["id"].startswith("rstandard") else "deleted_residual"
    error = {"residual": "residual_std_error", "deleted_residual": "deleted_std_error"}[prefix]
    for got, name in ((getattr(ours, prefix), "resid"), (getattr(ours, error), "se")):
        theirs = numbers(expected[name])
        known = np.isfinite(theirs)
        assert known.any()
        assert got[known] == pytest.approx(theirs[known], rel=1e-6, abs=1e-9), name


INFLUENCE = {
    "rstudent": "rstudent",
    "dffits": "dffits",
    "cook.d": "cooks_distance",
    "cov.r": "covariance_ratio",
    "tau2.del": "tau2_deleted",
    "QE.del": "qe_deleted",
    "hat": "hat",
    "weight": "weight",
}


@pytest.mark.parametrize("record", records("B2_metareg", "influence|", keep=_has_its_q), ids=identifier)
def test_influence_equals_metafor(record):
    fit, _ = _fit(record)
    ours, expected = regression_influence(fit), record["outputs"]
    for theirs, name in INFLUENCE.items():
        values = numbers(expected["inf"][theirs])
        known = np.isfinite(values)
        got = getattr(ours, name)
        assert got[known] == pytest.approx(values[known], rel=1e-5, abs=1e-8), theirs
    betas = np.stack([numbers(column) for column in expected["dfbs"].values()], axis=-1)
    known = np.isfinite(betas)
    assert ours.dfbetas[known] == pytest.approx(betas[known], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("record", records("B2_metareg", "confint|", keep=_has_its_q), ids=identifier)
def test_interval_of_what_is_left_equals_metafor(record):
    fit, _ = _fit(record)
    ours = tau2_interval(fit)
    rows = record["outputs"]["random"]["rows"]
    for name, row in (("tau2", rows[0]), ("i2", rows[2]), ("h2", rows[3])):
        for end, theirs in zip(("_low", "_high"), map(number, row[1:]), strict=True):
            assert float(getattr(ours, name + end)) == pytest.approx(theirs, rel=1e-6, abs=1e-9), name + end


def _bcg():
    columns = load("B2_metareg")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR"), columns


def test_names_arrays_and_formulas_say_the_same():
    effects, columns = _bcg()
    by_name = meta_regression(effects, {"ablat": columns["ablat"], "alloc": columns["alloc"]})
    by_formula = meta_regression(effects, pd.DataFrame(columns), formula="ablat + alloc")
    matrix = np.column_stack(
        [columns["ablat"], *(np.array(columns["alloc"]) == x for x in ("random", "systematic"))]
    )
    by_array = meta_regression(effects, matrix)
    assert by_name.names == ("intercept", "ablat", "alloc: random", "alloc: systematic")
    for other in (by_formula, by_array):
        assert sorted(other.coefficients) == pytest.approx(sorted(by_name.coefficients), rel=1e-10)
        assert other.tau2 == pytest.approx(float(by_name.tau2), rel=1e-10)


def test_a_regression_on_an_intercept_is_a_mean():
    effects, _ = _bcg()
    plain = pool(effects)
    fit = meta_regression(effects, {}, tau2="REML")
    assert fit.coefficients[0] == pytest.approx(float(plain.mean), rel=1e-12)
    assert fit.std_error[0] == pytest.approx(float(plain.std_error), rel=1e-12)
    assert fit.i2 == pytest.approx(float(plain.i2), rel=1e-10)


@pytest.mark.parametrize("tau2", ["DL", "REML", "ML", "PM", "SJ", "HE", "HS"])
def test_a_batch_equals_a_loop(tau2):
    rng = np.random.default_rng(8)
    y, v = rng.normal(0, 0.6, (3, 5, 9)), rng.uniform(0.02, 0.7, (3, 5, 9))
    x = rng.normal(0, 1, (3, 5, 9, 2))
    where = rng.random((3, 5, 9)) < 0.8
    where[..., :5] = True
    batch = meta_regression(EffectSizes(effect=y, variance=v), x, tau2=tau2, where=where)
    for index in np.ndindex(3, 5):
        inside = where[index]
        one = EffectSizes(effect=y[index][inside], variance=v[index][inside])
        single = meta_regression(one, x[index][inside], tau2=tau2)
        assert batch.coefficients[index] == pytest.approx(single.coefficients, rel=1e-8, abs=1e-10)
        assert batch.tau2[index] == pytest.approx(float(single.tau2), rel=1e-8, abs=1e-11)
        assert batch.i2[index] == pytest.approx(float(single.i2), rel=1e-7, abs=1e-8)


def test_moderators_alone_may_have_replicates():
    effects, columns = _bcg()
    rng = np.random.default_rng(1)
    orders = np.stack([np.array(columns["ablat"], dtype=float)[rng.permutation(13)] for _ in range(20)])
    batch = meta_regression(effects, {"ablat": orders}, tau2="REML")
    assert batch.coefficients.shape == (20, 2)
    one = meta_regression(effects, {"ablat": orders[7]}, tau2="REML")
    assert batch.coefficients[7] == pytest.approx(one.coefficients, rel=1e-9)


@pytest.mark.parametrize(
    ("moderators", "options", "message"),
    [
        ({"x": [1, 1, 1, 1]}, {}, "'x' is constant or a linear combination"),
        ({"x": [1, 2, 3, 4], "z": [2, 4, 6, 8]}, {}, "'z' is constant or a linear combination"),
        ({"x": [1, 2, np.nan, 4]}, {}, "'x' must be a number .* for study 2"),
        ({"x": [1, 2, 3]}, {}, "'x' must have 4 values, one a study, but has 3"),
        ([1, 2, 3, 4], {}, "One moderator"),
        ({"x": [1, 2, 3, 4]}, {"formula": "y ~ x"}, "right-hand side alone"),
        ({"x": [1, 2, 3, 4]}, {"formula": "year"}, "cannot be built from the columns"),
        ({"x": [1, 2, 3, 4]}, {"where": [True, False, False, False]}, "as many studies as coefficients"),
        ({"x": [1, 2, 3, 4]}, {"tau2": "GENQ"}, "`tau2` must be one of"),
    ],
)
def test_bad_input_is_named(moderators, options, message):
    effects = EffectSizes(effect=[0.1, 0.2, 0.4, 0.3], variance=[1, 1, 2, 1])
    with pytest.raises(ValueError, match=message):
        meta_regression(effects, moderators, **options)


def test_a_formula_cannot_reach_the_callers_names():
    secret = np.arange(4.0)
    effects = EffectSizes(effect=[0.1, 0.2, 0.4, 0.3], variance=[1, 1, 2, 1])
    assert secret.size == 4
    with pytest.raises(ValueError, match="cannot be built"):
        meta_regression(effects, {"x": [1, 2, 3, 5]}, formula="x + secret")


def test_new_levels_are_refused():
    effects, columns = _bcg()
    fit = meta_regression(effects, {"alloc": columns["alloc"]})
    assert fit.predict({"alloc": ["random", "alternate"]}).mean.value.shape == (2,)
    with pytest.raises(ValueError, match="has levels .* but got 'cluster'"):
        fit.predict({"alloc": ["cluster"]})


def test_frame_holds_every_coefficient():
    effects, columns = _bcg()
    frame = meta_regression(effects, {"ablat": columns["ablat"]}).to_frame()
    assert list(frame["coefficient"]) == ["intercept", "ablat"]
    assert {"std_error", "vif", "r2", "tau2"} <= set(frame.columns)
