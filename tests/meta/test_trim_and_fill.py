import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import ConvergenceError, EffectSizes, pool
from analysis.meta import trim_and_fill as module
from analysis.meta.heterogeneity import TAU2_METHODS
from analysis.meta.trim_and_fill import trim_and_fill
from reference_values import assert_same, dataset, identifier, load, number, numbers, records


def _effects(record):
    columns = dataset("D_bias", record)
    inside = np.isfinite(columns["yi"]) & np.isfinite(columns["vi"])
    return EffectSizes(effect=columns["yi"][inside], variance=columns["vi"][inside])


def _model(method):
    return {"model": "common"} if method == "EE" else {"tau2": method}


def _known(record):
    # Records of estimators of tau2 that `pool` does not know would stay out; it knows all of today's.
    method = record["id"].split("/")[2]
    return method == "EE" or method in TAU2_METHODS


@pytest.mark.parametrize("record", records("D_bias", "trimfill/", keep=_known), ids=identifier)
def test_trim_and_fill_equals_metafor(record):
    _, _, method, estimator, side = record["id"].split("/")
    effects = _effects(record)
    expected = record["outputs"]
    ours = trim_and_fill(effects, side=side, estimator=estimator, ci="wald", **_model(method))
    assert ours.n_filled == expected["k0"]
    assert ours.side == expected["side"]
    # metafor's standard error is NaN, with a warning, where the variance formula is negative.
    assert_same(ours.n_filled_std_error, expected["se.k0"], rel=1e-9)
    assert bool(ours.declines) == (expected["se.k0"] == "NaN")
    if estimator == "R0":
        assert ours.n_filled_pvalue == pytest.approx(number(expected["p.k0"]), rel=1e-12)
    k = effects.effect.size
    order = np.argsort(ours.filled.effect[k:])
    theirs = np.argsort(numbers(expected["fill_yi"]))
    # The centre of the mirror comes from a REML that metafor stops at a change of 1e-5.
    rel, abs_ = (1e-4, 1e-5) if method == "REML" else (1e-9, 1e-9)
    assert_same(ours.filled.effect[k:][order], numbers(expected["fill_yi"])[theirs], rel=rel, abs_=abs_)
    assert_same(ours.filled.variance[k:][order], numbers(expected["fill_vi"])[theirs], rel=1e-12)
    _same_pooled(ours.pooled, expected, rel)


def _same_pooled(pooled, expected, rel):
    estimate, abs_ = pooled.estimate, 1e-5 if rel > 1e-6 else 1e-9
    assert float(estimate.value) == pytest.approx(number(expected["beta"][0]), rel=rel, abs=abs_)
    assert float(estimate.std_error) == pytest.approx(number(expected["se"][0]), rel=rel, abs=abs_)
    assert float(estimate.low) == pytest.approx(number(expected["ci.lb"][0]), rel=10 * rel, abs=3 * abs_)
    assert float(estimate.high) == pytest.approx(number(expected["ci.ub"][0]), rel=10 * rel, abs=3 * abs_)
    # metafor's Fisher scoring stops at a change of 1e-5.
    assert pooled.tau2 == pytest.approx(number(expected["tau2"]), rel=10 * rel, abs=3e-5 * (rel > 1e-6))
    assert pooled.n_studies == expected["k"]
    if "I2" in expected:
        assert pooled.q == pytest.approx(number(expected["QE"]), rel=max(rel, 1e-9), abs=1e-9)
        if rel < 1e-6:
            assert pooled.i2 == pytest.approx(number(expected["I2"]), rel=rel, abs=1e-8)


@pytest.mark.parametrize("record", records("D_bias", "trimfill_knha/"), ids=identifier)
def test_trim_and_fill_with_hartung_knapp_equals_metafor(record):
    """Where something is filled in, metafor 3.8 refits with test="z" and so drops Hartung and Knapp.

    Seen in its own records: the standard error of a filled meta-analysis is the one of test="z" to 1e-12.
    """
    expected = record["outputs"]
    ci = "wald" if expected["k0"] else "hartung-knapp"
    ours = trim_and_fill(_effects(record), tau2="DL", ci=ci)
    kept = trim_and_fill(_effects(record), tau2="DL", ci="hartung-knapp").pooled.estimate
    # What is kept is Hartung and Knapp's interval of the filled studies.
    again = pool(ours.filled, tau2="DL", ci="hartung-knapp").estimate
    assert_same(kept.std_error, again.std_error, rel=1e-12)
    assert (ours.n_filled, ours.side) == (expected["k0"], expected["side"])
    assert_same(ours.n_filled_std_error, expected["se.k0"], rel=1e-9)
    _same_pooled(ours.pooled, expected, 1e-9)
    assert ours.pooled.estimate.pvalue == pytest.approx(number(expected["pval"][0]), rel=1e-8)


Q0_FAILS = [
    record
    for record in load("D_bias")["records"]
    if record["id"].startswith("trimfill/") and record.get("error")
]


@pytest.mark.parametrize("record", Q0_FAILS, ids=identifier)
def test_q0_says_so_where_it_does_not_exist(record):
    # metafor: "missing value where TRUE/FALSE needed".
    _, _, method, estimator, side = record["id"].split("/")
    assert estimator == "Q0"
    with pytest.raises(ValueError, match="Q0 does not exist for set 0"):
        trim_and_fill(_effects(record), side=side, estimator="Q0", **_model(method))
    assert trim_and_fill(_effects(record), side=side, estimator="L0", **_model(method)).n_filled > 0


@pytest.mark.parametrize("estimator", ["L0", "R0"])
@pytest.mark.parametrize("model", ["common", "random"])
def test_a_batch_equals_a_loop(estimator, model):
    rng = np.random.default_rng(12)
    v = rng.uniform(0.02, 0.6, (3, 4, 12))
    y = rng.normal(0, np.sqrt(v + 0.05)) + np.sqrt(v)
    options = {"estimator": estimator, "model": model, "tau2": "DL"}
    batch = trim_and_fill(EffectSizes(effect=y, variance=v), **options)
    assert len(set(batch.n_filled.ravel())) > 1
    for index in np.ndindex(3, 4):
        one = trim_and_fill(EffectSizes(effect=y[index], variance=v[index]), **options)
        assert batch.n_filled[index] == one.n_filled
        assert batch.side[index] == one.side
        assert_same(batch.n_filled_std_error[index], one.n_filled_std_error, rel=1e-9)
        assert_same(batch.pooled.estimate.high[index], one.pooled.estimate.high, rel=1e-9)
        filled = batch.filled.effect[index]
        assert sorted(filled[np.isfinite(filled)]) == pytest.approx(sorted(one.filled.effect), rel=1e-9)
    frame = batch.to_frame()
    assert frame["n_filled"].tolist() == batch.n_filled.ravel().tolist()
    assert str(batch).count("Trim and fill") == 10


@given(pairs=st.lists(st.tuples(st.integers(-300, 300), st.floats(0.02, 1)), min_size=4, max_size=9))
def test_mirror_image_fills_the_other_side(pairs):
    y, v = np.array(pairs).T
    y = y / 100 + np.arange(y.size) * 1e-4  # no ties
    here = trim_and_fill(EffectSizes(effect=y, variance=v), side="left", model="common")
    there = trim_and_fill(EffectSizes(effect=-y, variance=v), side="right", model="common")
    assert here.n_filled == there.n_filled
    assert float(here.pooled.estimate.value) == pytest.approx(-float(there.pooled.estimate.value), abs=1e-12)
    # Filling on the left can only pull the mean to the left.
    assert (
        here.pooled.estimate.value
        <= pool(EffectSizes(effect=y, variance=v), model="common").estimate.value + 1e-12
    )


def test_a_symmetric_funnel_is_left_alone():
    effects = EffectSizes(
        effect=[-0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4], variance=[0.2, 0.1, 0.05, 0.01, 0.05, 0.1, 0.2]
    )
    for side in ("left", "right"):
        ours = trim_and_fill(effects, side=side, model="common")
        assert ours.n_filled == 0
        assert ours.filled.effect.shape == (7,)


def test_cut_studies_come_back():
    # Cut three of the leftmost from a symmetric funnel: their mirror images are found and filled in.
    s = np.repeat(np.linspace(0.05, 0.5, 12), 2)
    y = s * np.tile([1.0, -1.0], 12) + 0.3
    kept = np.argsort(y)[3:]
    effects = EffectSizes(effect=y[kept], variance=s[kept] ** 2, label=[f"study {i}" for i in kept])
    ours = trim_and_fill(effects, model="common")
    assert str(ours.side) == "left"
    assert 1 <= ours.n_filled <= 3
    observed = pool(effects, model="common").estimate.value
    assert 0.3 <= ours.pooled.estimate.value < observed
    assert ours.filled.label[-1] == f"Filled: {effects.label[int(np.argmax(effects.effect))]}"
    assert str(ours).startswith(f"Trim and fill (L0): {ours.n_filled:.0f} studies filled in on the left (SE ")


@pytest.mark.parametrize("estimator", ["L0", "R0"])
def test_equal_effects_are_not_trimmed_by_rounding(estimator):
    rng = np.random.default_rng(0)
    v = rng.uniform(0.01, 1, (50, 7))
    ours = trim_and_fill(EffectSizes(effect=0.3, variance=v), estimator=estimator, side="left")
    if estimator == "L0":
        assert (ours.n_filled == 0).all()
    assert_same(ours.pooled.estimate.value, np.full(50, 0.3), rel=1e-12)


def test_alternating_counts_raise(monkeypatch):
    turns = iter(range(1000))
    monkeypatch.setattr(module, "_estimate", lambda *_: np.array([next(turns) % 2 + 1.0]))
    with pytest.raises(ConvergenceError, match=r"did not settle in 7 trimmings for 1 set \(position 0"):
        trim_and_fill(EffectSizes(effect=[1, 2, 4, 3], variance=[1, 2, 3, 4]), side="left", max_iter=7)


def test_bad_arguments_are_refused():
    effects = EffectSizes(effect=[0.1, 0.2, 0.4], variance=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="`side` must be one of"):
        trim_and_fill(effects, side="both")
    with pytest.raises(ValueError, match="`estimator` must be one of"):
        trim_and_fill(effects, estimator="L1")
    with pytest.raises(TypeError, match="`max_iter` must be a whole number"):
        trim_and_fill(effects, max_iter=2.5)
    with pytest.raises(ValueError, match="`max_iter` must be at least 1"):
        trim_and_fill(effects, max_iter=0)
    with pytest.raises(ValueError, match="At least 3 studies"):
        trim_and_fill(EffectSizes(effect=[0.1, 0.2], variance=0.1))
    with pytest.raises(ValueError, match="cannot be 'auto' when all variances are equal"):
        trim_and_fill(EffectSizes(effect=[0.1, 0.2, 0.5], variance=0.1))
    assert trim_and_fill(EffectSizes(effect=[0.1, 0.2, 0.5], variance=0.1), side="left").n_filled >= 0
    equal = trim_and_fill(EffectSizes(effect=0.3, variance=[0.1, 0.2, 0.3]))
    assert equal.n_filled == 0
    with pytest.raises(TypeError, match="must be EffectSizes"):
        trim_and_fill([1, 2, 3])
