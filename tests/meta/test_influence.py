import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, pool
from analysis.meta.influence import (
    baujat,
    best_linear_predictions,
    cumulative,
    influence,
    leave_one_out,
    radial,
)
from reference_values import dataset, identifier, load, numbers, records

NAME = "D_influence"
R_TESTS = {"z": "wald", "knha": "hartung-knapp"}


def _effects(record):
    columns = dataset(NAME, record)
    return EffectSizes(effect=columns["yi"], variance=columns["vi"])


def _options(record):
    _, _, method, *test = record["id"].split("/")
    options = {"model": "common"} if method == "EE" else {"tau2": method}
    return options | ({"ci": R_TESTS[test[0]]} if test else {})


# Cumulative records with a row of which metafor says that its iteration did not converge, and the estimator.
R_STOPS = {
    "cumul/nielweise2007_OR/REML": ["REML"],
    "cumul_year/nielweise2007_OR/REML": ["REML"],
    "cumul_prec/normand1999_MD/PM": ["PM"],
}


def _assert_tau2_solves_its_equation(fit, row):
    inside, tau2 = fit.where[row], float(fit.tau2[row])
    y, v = fit.effects.effect[0][inside], fit.effects.variance[0][inside]

    def weighted(at):
        w = 1 / (v + at)
        mean = (w * y).sum() / w.sum()
        return w, mean, (w * (y - mean) ** 2).sum()

    def restricted(at):
        w, _, q = weighted(at)
        return -0.5 * (-np.log(w).sum() + np.log(w.sum()) + q)

    if fit.tau2_method == "PM":
        assert weighted(tau2)[2] == pytest.approx(inside.sum() - 1, rel=1e-9)
    else:
        grid = np.concatenate([[0.0], np.geomspace(1e-8, 1e4, 4000), tau2 * np.array([1 - 1e-4, 1 + 1e-4])])
        assert restricted(tau2) >= max(restricted(at) for at in grid)


def _same(ours, theirs, *, rtol=1e-8, atol=1e-12):
    # tau2 of the iterative estimators is converged to 1e-8 in the records; where it is 0 R stops below 1e-12.
    expected = theirs if isinstance(theirs, np.ndarray) else numbers(theirs)
    np.testing.assert_allclose(np.asarray(ours, dtype=float), expected, rtol=rtol, atol=atol)


def _assert_steps_equal(steps, expected, *, pvalue, rows):
    fit = steps.pooled
    for ours, name in (
        (fit.mean, "estimate"),
        (fit.std_error, "se"),
        (fit.estimate.low, "ci.lb"),
        (fit.estimate.high, "ci.ub"),
        (fit.q, "Q"),
        (fit.h2, "H2"),
    ):
        _same(ours[rows], numbers(expected[name])[rows])
    _same(fit.i2[rows], numbers(expected["I2"])[rows], atol=1e-8)
    # A P-value of 1e-200 has 1e-6 of relative error where its statistic has 1e-8.
    _same(fit.estimate.pvalue[rows], numbers(expected[pvalue])[rows], rtol=1e-6, atol=1e-300)
    # Of one study Q has no degrees of freedom: metafor prints P = 1, here it is NaN.
    assert np.isnan(fit.q_pvalue[fit.n_studies == 1]).all()
    rows = np.asarray(rows)[fit.n_studies[rows] > 1]
    _same(fit.q_pvalue[rows], numbers(expected["Qp"])[rows], rtol=1e-6, atol=1e-300)
    if "tau2" in expected:
        _same(fit.tau2[rows], numbers(expected["tau2"])[rows])


@pytest.mark.parametrize("record", records(NAME, "leave1out/"), ids=identifier)
def test_leave_one_out_equals_metafor(record):
    steps = leave_one_out(_effects(record), **_options(record))
    _assert_steps_equal(steps, record["outputs"], pvalue="pval", rows=np.arange(steps.study.size))


@pytest.mark.parametrize(
    "record",
    [r for kind in ("cumul/", "cumul_year/", "cumul_prec/") for r in records(NAME, kind)],
    ids=identifier,
)
def test_cumulative_equals_metafor(record):
    columns = dataset(NAME, record)
    order = {"cumul": None, "cumul_year": columns.get("year"), "cumul_prec": columns["vi"]}
    options = _options(record)
    steps = cumulative(_effects(record), order=order[record["id"].split("/")[0]], **options)
    # Of one study metafor gives the normal interval although a t interval was asked for.
    knha = options["ci"] == "hartung-knapp"
    rows = np.arange(int(knha), steps.study.size)
    stopped = np.flatnonzero(np.isnan(numbers(record["outputs"]["estimate"])))
    assert [record["id"].split("/")[2] for _ in stopped] == R_STOPS.get(
        "/".join(record["id"].split("/")[:3]), []
    )
    for row in stopped:
        _assert_tau2_solves_its_equation(steps.pooled, row)
    _assert_steps_equal(steps, record["outputs"], pvalue="pvals", rows=np.setdiff1d(rows, stopped))
    assert steps.pooled.mean[0] == pytest.approx(numbers(record["outputs"]["estimate"])[0], rel=1e-14)
    assert np.isnan(steps.estimate.low[0]) == knha
    # The data that metafor hands back are sorted as ours are.
    if "data" in record["outputs"]:
        np.testing.assert_array_equal(columns["yi"][steps.study], numbers(record["outputs"]["data"]["yi"]))


@pytest.mark.parametrize("record", records(NAME, "influence/"), ids=identifier)
def test_influence_equals_metafor(record):
    found = influence(_effects(record), **_options(record))
    expected = record["outputs"]["inf"]
    for name, ours in {
        "rstudent": found.rstudent,
        "dffits": found.dffits,
        "cook.d": found.cooks_distance,
        "cov.r": found.covariance_ratio,
        "tau2.del": found.tau2_deleted,
        "QE.del": found.q_deleted,
        "hat": found.hat,
        "weight": found.weight,
    }.items():
        _same(ours, expected[name])
    _same(found.dfbetas, record["outputs"]["dfbs"]["intrcpt"])
    assert found.influential.tolist() == record["outputs"]["is.infl"]
    assert found.influential.tolist() == [mark == "*" for mark in expected["inf"]]


@pytest.mark.parametrize(
    "record", [r for kind in ("rstudent/", "rstandard/") for r in records(NAME, kind)], ids=identifier
)
def test_standardized_residuals_equal_metafor(record):
    found = influence(_effects(record), **_options(record))
    kind = record["id"].split("/")[0]
    for name, ours in (("resid", "_residual"), ("se", "_std_error"), ("z", "")):
        _same(getattr(found, kind + ours), record["outputs"][name])


def test_every_limit_flags_a_study_in_the_records():
    """No limit of the flag may go untested."""
    seen = dict.fromkeys(("dffits", "cook", "hat", "dfbetas"), 0)
    for record in records(NAME, "influence/"):
        found = influence(_effects(record), **_options(record))
        k = found.hat.size
        flags = {
            "dffits": np.abs(found.dffits) > 3 / np.sqrt(k - 1),
            "cook": found.cooks_distance > 0.4549364231195724,
            "hat": found.hat > 3 / k,
            "dfbetas": np.abs(found.dfbetas) > 1,
        }
        for name, flag in flags.items():
            seen[name] += int(flag.sum())
    assert all(count >= 5 for count in seen.values()), seen


def test_each_limit_alone_flags_a_study():
    # Forty equal studies and one outlier: d = c/40, so that dffits is 0.6 and Cook's distance 0.36.
    outlier = influence(EffectSizes(effect=[0.0] * 39 + [0.6 * np.sqrt(40)], variance=1.0), model="common")
    assert outlier.dffits[-1] == pytest.approx(0.6, rel=1e-12)
    assert outlier.influential.tolist() == [False] * 39 + [True]
    # Without the first study tau2 is small, so that the change is large in standard errors of the others.
    effects = EffectSizes(effect=[-4.0, 0.06, 0.05, 0.34], variance=[1.6, 0.01, 0.39, 0.03])
    moved = influence(effects, tau2="DL")
    assert abs(moved.dfbetas[0]) > 1
    assert abs(moved.dffits[0]) < 3 / np.sqrt(3)
    assert moved.cooks_distance[0] < 0.45
    assert moved.hat[0] < 3 / 4
    assert moved.influential[0]
    # A precise study among others that agree with it moves nothing, but has nearly all the weight.
    heavy = influence(EffectSizes(effect=[0.0] * 4, variance=[1e-3, 1, 1, 1]), model="common")
    assert heavy.cooks_distance[0] == 0
    assert heavy.influential.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    "record", [r for kind in ("blup/", "ranef/") for r in records(NAME, kind)], ids=identifier
)
def test_predictions_equal_metafor(record):
    found = best_linear_predictions(_effects(record), **_options(record))
    if record["id"].startswith("blup/"):
        prediction = found.prediction
        ours = prediction.value, prediction.std_error, prediction.low, prediction.high
    else:
        ours = (
            found.random_effect,
            found.random_effect_std_error,
            found.random_effect_low,
            found.random_effect_high,
        )
    # Where tau2 is 0 here R stops below 1e-12, and the standard error is about its root.
    for name, values in zip(("pred", "se", "pi.lb", "pi.ub"), ours, strict=True):
        _same(values, record["outputs"][name], atol=1e-12 if name == "pred" else 5e-6)
        if (found.pooled.tau2 > 1e-9) or record["id"].split("/")[2] != "REML":
            _same(values, record["outputs"][name])


@pytest.mark.parametrize("record", records(NAME, "baujat/"), ids=identifier)
def test_baujat_equals_metafor(record):
    found = baujat(_effects(record), **_options(record))
    _same(found.heterogeneity, record["outputs"]["x"], rtol=1e-10)
    _same(found.influence, record["outputs"]["y"], rtol=1e-10)


@pytest.mark.parametrize("record", records(NAME, "radial/"), ids=identifier)
def test_radial_equals_metafor(record):
    found = radial(_effects(record), **_options(record))
    _same(found.precision, record["outputs"]["x"], rtol=1e-12)
    _same(found.standardized, record["outputs"]["y"], rtol=1e-12)


def _bcg():
    columns = load(NAME)["datasets"]["bcg_RR"]
    return EffectSizes(
        effect=columns["yi"], variance=columns["vi"], measure="RR", label=columns["author"]
    ), np.array(columns["year"])


def test_contributions_to_heterogeneity_add_to_q():
    effects, _ = _bcg()
    assert baujat(effects, model="common").heterogeneity.sum() == pytest.approx(
        float(pool(effects).q), rel=1e-12
    )


def test_hat_adds_to_one_and_predictions_lie_between_effect_and_mean():
    effects, _ = _bcg()
    assert influence(effects).hat.sum() == pytest.approx(1, rel=1e-14)
    found = best_linear_predictions(effects)
    predicted, mean = np.log(found.prediction.value), found.pooled.mean
    assert (np.abs(predicted - mean) < np.abs(effects.effect - mean)).all()
    np.testing.assert_allclose(predicted, mean + found.random_effect, rtol=1e-12)
    np.testing.assert_allclose(
        found.shrinkage * mean + (1 - found.shrinkage) * effects.effect, predicted, rtol=1e-12
    )


def test_random_effects_meet_their_equation():
    # Henderson: the predictions maximise the joint density of effects and random effects.
    effects, _ = _bcg()
    found = best_linear_predictions(effects)
    y, v, u = effects.effect, effects.variance, found.random_effect
    slope = (y - found.pooled.mean - u) / v - u / found.pooled.tau2
    np.testing.assert_allclose(slope, 0, atol=1e-11)


def test_points_of_the_radial_plot_scatter_about_the_line():
    effects, _ = _bcg()
    found = radial(effects, model="common")
    assert (found.distance**2).sum() == pytest.approx(float(found.slope.q), rel=1e-12)
    # The line through the origin is the least-squares line of the points.
    slope = (found.precision * found.standardized).sum() / (found.precision**2).sum()
    assert found.slope.mean == pytest.approx(slope, rel=1e-12)
    assert "of 13 studies lie more than 1.96 from the line" in str(found)


def test_last_row_of_cumulative_is_the_pool_of_all():
    effects, year = _bcg()
    steps = cumulative(effects, order=year)
    whole = pool(effects)
    assert steps.pooled.mean[-1] == pytest.approx(float(whole.mean), rel=1e-12)
    assert [int(n) for n in steps.pooled.n_studies] == list(range(1, 14))
    assert steps.label[0] == effects.label[int(np.argmin(year))]
    # Ties stand as they stood.
    assert cumulative(effects, order=np.zeros(13)).study.tolist() == list(range(13))


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 3)), min_size=4, max_size=8),
    st.sampled_from(["DL", "REML"]),
)
def test_rows_are_what_pool_gives(studies, tau2):
    effect, variance = map(np.array, zip(*studies, strict=True))
    effects = EffectSizes(effect=effect, variance=variance)
    steps = leave_one_out(effects, tau2=tau2)
    for i in range(effect.size):
        one = pool(EffectSizes(effect=np.delete(effect, i), variance=np.delete(variance, i)), tau2=tau2)
        for name in ("mean", "std_error", "tau2"):
            np.testing.assert_allclose(
                getattr(steps.pooled, name)[i], getattr(one, name), rtol=1e-7, atol=1e-9
            )


@pytest.mark.parametrize("ci", ["wald", "hartung-knapp"])
def test_a_batch_equals_a_loop(ci):
    rng = np.random.default_rng(5)
    variance = rng.uniform(0.05, 0.5, (2, 3, 7))
    effect = rng.normal(0, np.sqrt(variance + 0.1))
    batch = EffectSizes(effect=effect, variance=variance)
    for function, names in (
        (leave_one_out, ("pooled.mean", "pooled.tau2", "pooled.std_error", "pooled.q")),
        (lambda e, **o: cumulative(e, order=[4, 1, 1, 7, 3, 2, 9], **o), ("pooled.mean", "pooled.i2")),
        (influence, ("rstudent", "rstandard", "dffits", "dfbetas", "cooks_distance", "influential")),
        (best_linear_predictions, ("prediction.value", "random_effect_low")),
        (radial, ("standardized", "distance")),
        (lambda e, **_: baujat(e), ("heterogeneity", "influence")),
    ):
        whole = function(batch, ci=ci)
        frame = whole.to_frame()
        assert len(frame) == effect.size
        assert "\n" not in str(whole)
        for index in np.ndindex(2, 3):
            one = function(EffectSizes(effect=effect[index], variance=variance[index]), ci=ci)
            for name in names:
                ours, alone = whole, one
                for part in name.split("."):
                    ours, alone = getattr(ours, part), getattr(alone, part)
                np.testing.assert_allclose(ours[index], alone, rtol=1e-10, atol=1e-13)


def test_studies_outside_of_where_have_no_row():
    effects, year = _bcg()
    where = np.ones(13, dtype=bool)
    where[[0, 7]] = False
    holed = EffectSizes(
        effect=np.where(where, effects.effect, np.nan),
        variance=effects.variance,
        measure="RR",
        label=effects.label,
    )
    few = EffectSizes(effect=effects.effect[where], variance=effects.variance[where], measure="RR")
    kept = np.flatnonzero(where)
    for function, options, plain in (
        (leave_one_out, {"weights": np.arange(1.0, 14)}, {"weights": kept + 1.0}),
        (cumulative, {"order": year}, {"order": year[where]}),
    ):
        ours, theirs = function(holed, where=where, **options), function(few, **plain)
        np.testing.assert_array_equal(ours.pooled.mean, theirs.pooled.mean)
        np.testing.assert_array_equal(ours.study, kept[theirs.study])
        assert ours.label == tuple(effects.label[i] for i in ours.study)
        assert ours.to_frame()["label"].tolist() == list(ours.label)
    for function in (influence, baujat, best_linear_predictions, radial):
        ours, theirs = function(holed, where=where).to_frame(), function(few).to_frame()
        assert ours["study"].tolist() == kept.tolist()
        assert ours.drop(columns=["label", "study"]).equals(theirs.drop(columns=["label", "study"]))


def test_equal_effects():
    effects = EffectSizes(effect=[0.3, 0.3, 0.3], variance=[0.1, 0.2, 0.3])
    found = influence(effects)
    np.testing.assert_allclose([found.rstudent, found.dffits, found.cooks_distance], 0, atol=1e-15)
    assert not found.influential.any()
    assert str(found) == "None of 3 studies is influential"
    predictions = best_linear_predictions(effects)
    np.testing.assert_allclose(predictions.prediction.value, 0.3, rtol=1e-14)
    assert (predictions.random_effect_std_error == 0).all()
    with pytest.raises(ValueError, match="standard error must not be 0.*Use ci='wald'"):
        influence(EffectSizes(effect=[0.0, 0, 0], variance=[0.1, 0.2, 0.3]), ci="hartung-knapp")


def test_two_studies():
    effects = EffectSizes(effect=[0.1, 0.9], variance=[0.01, 0.04])
    found = influence(effects, model="common")
    # The other study alone predicts: the difference over the root of both variances.
    np.testing.assert_allclose(np.abs(found.rstudent), 0.8 / np.sqrt(0.05), rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.rstandard), 0.8 / np.sqrt(0.05), rtol=1e-12)
    steps = leave_one_out(effects)
    assert steps.pooled.mean.tolist() == [0.9, 0.1]
    assert np.isnan(steps.estimate.low).all()


def test_an_overwhelming_study_has_no_rounding_error_for_a_standard_error():
    found = influence(EffectSizes(effect=[0.1, 0.2, 0.3], variance=[1e-18, 1.0, 2.0]), model="common")
    # v - 1/Σw is v² Σ'w to first order, with the sum over the others.
    assert found.rstandard_std_error[0] == pytest.approx(np.sqrt(1.5e-36), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda e: leave_one_out(e.effect), TypeError, "`effects` must be EffectSizes"),
        (lambda e: leave_one_out(e, where=[1, 0, 1]), TypeError, "`where` must be true/false"),
        (lambda e: leave_one_out(e, where=[True, True]), ValueError, r"one mask of the 3 studies.*\(2,\)"),
        (
            lambda e: leave_one_out(e, where=[True, False, False]),
            ValueError,
            "at least 2 studies for leave_one_out, but 1 enters",
        ),
        (
            lambda e: cumulative(e, where=[False] * 3),
            ValueError,
            "at least 1 study for cumulative, but 0 enter",
        ),
        (lambda e: cumulative(e, order=[1, 2]), ValueError, r"`order` must be one number for each of 3"),
        (lambda e: cumulative(e, order=[1, np.nan, 2]), ValueError, "`order` must be finite.*for B"),
        (lambda e: cumulative(e, order=["a", "b", "c"]), TypeError, "`order` must be numbers"),
        (lambda e: cumulative(e, weights=[1, 2]), ValueError, "`weights` must broadcast"),
        (lambda e: influence(e, ci="profile"), ValueError, "`ci` must be one of"),
        (lambda e: influence(e, ci="hartung-knapp", where=[True, True, False]), ValueError, "at least 3"),
        (lambda e: best_linear_predictions(e, ci="henmi-copas"), ValueError, "`ci` must be one of"),
        (lambda e: baujat(e, tau2="REMLL"), ValueError, "Did you mean 'REML'"),
        (lambda e: radial(e, confidence_level=95), ValueError, "for 95 % write 0.95|For 95 % write 0.95"),
    ],
)
def test_wrong_input(call, error, message):
    effects = EffectSizes(effect=[0.1, 0.3, 0.2], variance=[0.1, 0.1, 0.1], label="ABC")
    with pytest.raises(error, match=message):
        call(effects)


@pytest.mark.parametrize(
    "function", [leave_one_out, cumulative, influence, baujat, radial, best_linear_predictions]
)
@pytest.mark.parametrize(("effect", "variance"), [(np.nan, 0.1), (0.2, 0.0), (0.2, np.inf)])
def test_a_study_that_cannot_enter_is_named(function, effect, variance):
    effects = EffectSizes(effect=[0.1, effect, 0.3], variance=[0.1, variance, 0.1], label="ABC")
    with pytest.raises(ValueError, match=r"at index 1 \(B\)"):
        function(effects)


def test_every_family_of_records_is_compared():
    here = {"leave1out", "cumul", "cumul_year", "cumul_prec", "influence", "rstudent", "rstandard"}
    here |= {"blup", "ranef", "baujat", "radial"}
    elsewhere = {"gosh_all", "profile", "permutest_exact"}
    # Moderators are not permuted here.
    families = {record["id"].split("/")[0] for record in load(NAME)["records"]}
    assert families - here - elsewhere == {"permutest_mods"}
    assert not any(record.get("suspect") or record.get("error") for record in load(NAME)["records"])
