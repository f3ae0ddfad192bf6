import tracemalloc

import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.meta.gosh import gosh
from analysis.meta.heterogeneity import TAU2_METHODS
from reference_values import dataset, identifier, load, numbers, records

NAME = "D_influence"


def _studies(k, seed=1, **options):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.05, 0.6, k)
    return EffectSizes(effect=rng.normal(0, np.sqrt(variance + 0.2)), variance=variance, **options)


@pytest.mark.parametrize("record", records(NAME, "gosh_all/"), ids=identifier)
def test_all_subsets_equal_metafor(record):
    columns, expected = dataset(NAME, record), record["outputs"]
    method = record["id"].split("/")[2]
    options = {"model": "common"} if method == "EE" else {"tau2": method}
    found = gosh(EffectSizes(effect=columns["yi"], variance=columns["vi"]), **options)
    # metafor sorts by size; the text of zeros and ones names the subset.
    rows = np.array([int(text[::-1], 2) - 1 for text in expected["incl"]])
    assert sorted(rows) == list(range(found.mean.size))
    masks = np.array([[letter == "1" for letter in text] for text in expected["incl"]])
    np.testing.assert_array_equal(found.masks()[rows], masks)
    np.testing.assert_array_equal(found.n_studies[rows], expected["k"])
    for ours, name in ((found.mean, "estimate"), (found.tau2, "tau2"), (found.q, "QE")):
        np.testing.assert_allclose(ours[rows], numbers(expected[name]), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found.i2[rows], numbers(expected["I2"]), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [{"tau2": name} for name in TAU2_METHODS if not name.startswith("GENQ")]
    + [{"tau2": 0.3}, {"model": "common"}],
    ids=str,
)
@pytest.mark.parametrize("subsets", [None, 200])
def test_subsets_are_what_pool_gives(options, subsets):
    effects = _studies(9, measure="OR")
    found = gosh(effects, subsets=subsets, rng=3, **options)
    assert found.complete == (subsets is None)
    fit = pool(effects, where=found.masks(), ci="wald", **options)
    for name in ("mean", "tau2", "q", "i2", "n_studies"):
        np.testing.assert_allclose(getattr(found, name), getattr(fit, name), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.estimate, fit.estimate.value, rtol=1e-9)


def test_effects_far_from_zero_keep_their_digits():
    # Sums of squares of 1e8 would leave no digit of a Q of order 1.
    near = _studies(8)
    far = EffectSizes(effect=near.effect + 2.0**27, variance=near.variance)
    np.testing.assert_allclose(gosh(far, tau2="DL").q, gosh(near, tau2="DL").q, rtol=1e-6, atol=1e-7)


def test_draws():
    effects = _studies(11)
    one, two, other = (gosh(effects, tau2="DL", subsets=4000, rng=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.mean, two.mean)
    assert not np.array_equal(one.mean, other.mean)
    assert one.n_studies.min() >= 1
    # Every study is in half of the subsets; 4000 draws have a standard error of 0.008.
    np.testing.assert_allclose(one.masks().mean(axis=0), 0.5, atol=0.035)
    assert str(one).startswith("4000 random subsets of 11 studies")


def test_of_few_studies_no_draw_is_empty_and_all_subsets_are_equally_likely():
    found = gosh(_studies(2), tau2="DL", subsets=6000, rng=1)
    counts = np.unique(found.packed[:, 0], return_counts=True)
    assert counts[0].tolist() == [1, 2, 3]
    np.testing.assert_allclose(counts[1] / 6000, 1 / 3, atol=0.03)


def test_beyond_at_most_subsets_are_drawn():
    found = gosh(_studies(24), tau2="DL", at_most=1000, rng=5)
    assert not found.complete
    assert found.mean.shape == (1000,)
    assert found.packed.shape == (1000, 3)
    with pytest.raises(ValueError, match="`rng` must be given.*1000 random subsets of 24 studies"):
        gosh(_studies(24), tau2="DL", at_most=1000)
    many = gosh(_studies(70), tau2="DL", subsets=50, rng=5)
    fit = pool(_studies(70), tau2="DL", where=many.masks(), ci="wald")
    np.testing.assert_allclose(many.mean, fit.mean, rtol=1e-12)


def test_what_two_kinds_of_studies_look_like():
    columns = load(NAME)["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR", label=columns["author"])
    found = gosh(effects, model="common")
    assert found.mean.size == 8191
    assert str(found).startswith("8191 subsets of 13 studies")
    with_madras = found.containing("TPT Madras")
    np.testing.assert_array_equal(with_madras, found.masks()[:, 7])
    assert with_madras.sum() == 4096
    # The largest trial found nothing: every subset with it is pulled to 1.
    assert np.median(found.estimate[with_madras]) > np.quantile(found.estimate[~with_madras], 0.9)
    frame = found.to_frame()
    assert frame.loc[8190, "estimate"] == pytest.approx(float(pool(effects, model="common").estimate.value))
    assert frame.loc[8190, list(effects.label)].all()
    assert frame["TPT Madras"].sum() == 4096


def test_studies_outside_of_where_are_in_no_subset():
    effects = _studies(5)
    holed = EffectSizes(effect=[*effects.effect, np.nan], variance=[*effects.variance, np.nan])
    found, plain = gosh(holed, where=[True] * 5 + [False]), gosh(effects)
    np.testing.assert_array_equal(found.mean, plain.mean)
    assert found.study.tolist() == list(range(5))
    assert found.label == tuple(f"Study {i}" for i in range(1, 6))


@pytest.mark.parametrize("options", [{"model": "common"}, {"tau2": "DL"}, {"tau2": "REML"}, {"tau2": "SJ"}])
def test_equal_effects_and_one_study(options):
    found = gosh(EffectSizes(effect=[0.25] * 4, variance=[0.1, 0.2, 0.3, 1e-9]), **options)
    np.testing.assert_allclose(found.mean, 0.25, rtol=1e-15)
    np.testing.assert_allclose([found.tau2, found.i2, found.q], 0, atol=1e-20)
    single = gosh(EffectSizes(effect=[0.4], variance=[0.1]), **options)
    assert (single.mean.tolist(), single.tau2.tolist(), single.i2.tolist()) == ([0.4], [0.0], [0.0])


def test_a_million_subsets_stay_small():
    tracemalloc.start()
    found = gosh(_studies(20), tau2="DL")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.mean.size == 2**20 - 1
    assert found.packed.nbytes == 3 * (2**20 - 1)
    assert peak < 400e6
    last = pool(_studies(20), tau2="DL", ci="wald")
    assert found.mean[-1] == pytest.approx(float(last.mean), rel=1e-12)
    assert found.i2[-1] == pytest.approx(float(last.i2), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "fixed"}, ValueError, "`model` must be one of"),
        ({"tau2": "GENQ"}, ValueError, "`tau2` must be one of"),
        ({"tau2": -1.0}, ValueError, "`tau2` must be one number that is 0 or greater"),
        ({"subsets": 2.5}, TypeError, "`subsets` must be a whole number, but got 2.5"),
        ({"subsets": 0}, ValueError, "`subsets` must be at least 1, but got 0"),
        ({"subsets": 20, "at_most": 10}, ValueError, "`subsets` must be at most 10, but got 20"),
        ({"at_most": True}, TypeError, "`at_most` must be a whole number"),
        ({"where": [True, True]}, ValueError, "one mask of the 4 studies"),
        ({"where": [False] * 4}, ValueError, "at least 1 study"),
    ],
)
def test_wrong_input(options, error, message):
    with pytest.raises(error, match=message):
        gosh(_studies(4), **options)


def test_wrong_effects():
    with pytest.raises(TypeError, match="`effects` must be EffectSizes"):
        gosh([0.1, 0.2])
    with pytest.raises(ValueError, match="must be one meta-analysis, but has shape"):
        gosh(EffectSizes(effect=np.zeros((2, 3)), variance=np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"at index 1 \(B\)"):
        gosh(EffectSizes(effect=[0.1, np.nan], variance=[0.1, 0.1], label="AB"))
    with pytest.raises(ValueError, match="`label` must be one of the 4 studies, but got 'X'"):
        gosh(_studies(4)).containing("X")
