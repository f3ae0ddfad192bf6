import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes
from analysis.meta.fail_safe import fail_safe_n
from reference_values import dataset, identifier, number, records


def _effects(record, file="D_bias", *, absolute=False):
    columns = dataset(file, record)
    inside = np.isfinite(columns["yi"]) & np.isfinite(columns["vi"])
    effect = columns["yi"][inside]
    return EffectSizes(effect=np.abs(effect) if absolute else effect, variance=columns["vi"][inside])


def _not_fisher(record):
    return not record["id"].endswith("Fisher")


def _not_general(record):
    return not record["id"].endswith("General")


@pytest.mark.parametrize("record", records("D_bias", "fsn/", keep=_not_fisher), ids=identifier)
def test_fail_safe_n_equals_metafor(record):
    expected = record["outputs"]
    kind = expected["type"]
    options = {"method": kind.lower()}
    if kind == "Orwin":
        _, _, _, target, weighted = record["id"].split("/")
        options["weighted"] = weighted == "TRUE"
        if target:
            options["target"] = float(target.split("=")[1])
    else:
        options["alpha"] = expected["alpha"]
    ours = fail_safe_n(_effects(record), **options)
    assert ours.n == expected["fsnum"]
    if expected["pval"] is not None:
        assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=1e-9)
    for name, theirs in (("mean", "meanes"), ("target", "target")):
        if expected[theirs] is not None:
            assert getattr(ours, name) == pytest.approx(number(expected[theirs]), rel=1e-10)


@pytest.mark.parametrize("record", records("metafor51", "fsn/", keep=_not_general), ids=identifier)
def test_fail_safe_n_equals_metafor_5_1(record):
    """Orwin's weighted by the studies' precision, which is the default there."""
    expected = record["outputs"]
    method = expected["type"].lower()
    ours = fail_safe_n(
        _effects(record, "metafor51"), method=method, **({"weighted": True} if method == "orwin" else {})
    )
    assert ours.n == expected["fsnum"]
    if expected["pval"] is not None:
        assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=1e-9)
    if expected["meanes"] is not None:
        assert ours.mean == pytest.approx(number(expected["meanes"]), rel=1e-10)


@pytest.mark.parametrize(
    "record", records("D_bias", "fsn/", keep=lambda r: not _not_fisher(r)), ids=identifier
)
def test_fishers_fail_safe_n(record):
    """metafor 3.8 combines each study's P in its own direction, and stops its root search early.

    With the signs taken off, ours is the same P-value; N is what the definition says: P is above alpha with N
    null studies more and not with N - 1. metafor's lies up to 2 off in either direction.
    """
    effects = _effects(record, absolute=True)
    ours = fail_safe_n(effects, method="fisher")
    assert ours.pvalue == pytest.approx(number(record["outputs"]["pval"]), rel=1e-9, abs=1e-300)
    z = effects.effect / effects.std_error
    own, k, n = -2 * stats.norm.logsf(z).sum(), z.size, float(ours.n)

    def with_more(m):
        return stats.chi2.sf(own + 2 * m * np.log(2), 2 * (k + m))

    assert with_more(n) >= 0.05
    if n > 0:
        assert with_more(n - 1) < 0.05
    assert abs(n - record["outputs"]["fsnum"]) <= 2
    # With their signs, studies against the direction of the sum count against it.
    assert fail_safe_n(_effects(record), method="fisher").n <= n


def test_rosenthal_by_adding_null_studies():
    effects = EffectSizes(effect=[0.5, 0.7, 0.3, 0.6], variance=[0.05, 0.1, 0.04, 0.2])
    n = int(fail_safe_n(effects).n)
    z = (effects.effect / effects.std_error).sum()
    assert stats.norm.sf(z / np.sqrt(4 + n)) >= 0.05
    assert stats.norm.sf(z / np.sqrt(4 + n - 1)) < 0.05


def test_orwin_is_on_the_reporting_scale():
    log = EffectSizes(effect=[-0.5, -0.3, -0.4], variance=0.1)
    ratio = EffectSizes(effect=[-0.5, -0.3, -0.4], variance=0.1, measure="RR")
    plain = fail_safe_n(log, method="orwin", target=0.1)
    for target in (np.exp(0.1), np.exp(-0.1)):
        ours = fail_safe_n(ratio, method="orwin", target=target)
        assert ours.n == plain.n == 9
        assert float(ours.target) == pytest.approx(np.exp(-0.1))
        assert float(ours.mean) == pytest.approx(np.exp(-0.4))
    assert fail_safe_n(ratio, method="orwin").n == 3


@pytest.mark.parametrize("method", ["rosenthal", "fisher", "orwin", "rosenberg"])
def test_a_batch_equals_a_loop_and_the_sign_does_not_count(method):
    rng = np.random.default_rng(7)
    y, v = rng.normal(0.4, 0.4, (4, 6, 9)), rng.uniform(0.02, 0.4, (4, 6, 9))
    batch = fail_safe_n(EffectSizes(effect=y, variance=v), method=method)
    turned = fail_safe_n(EffectSizes(effect=-y, variance=v), method=method)
    assert (batch.n == turned.n).all()
    for index in np.ndindex(4, 6):
        assert batch.n[index] == fail_safe_n(EffectSizes(effect=y[index], variance=v[index]), method=method).n
    assert batch.to_frame()["n"].tolist() == batch.n.ravel().tolist()
    assert str(batch).count(" null stud") == 10


@pytest.mark.parametrize(
    ("k", "mean", "target", "n"), [(5, 0.4, 0.1, 15), (3, 0.9, 0.3, 6), (6, 0.2, 0.1, 6)]
)
def test_a_whole_number_is_not_rounded_up_for_its_last_bit(k, mean, target, n):
    effects = EffectSizes(effect=[mean] * k, variance=0.1)
    assert fail_safe_n(effects, method="orwin", target=target).n == n


def test_no_finding_needs_no_study():
    effects = EffectSizes(effect=[0.1, -0.1, 0.05], variance=0.1)
    for method in ("rosenthal", "fisher", "rosenberg"):
        assert fail_safe_n(effects, method=method).n == 0


def test_bad_arguments_are_refused():
    effects = EffectSizes(effect=[0.1, 0.2, 0.3], variance=0.1, measure="RR")
    with pytest.raises(ValueError, match="`method` must be one of"):
        fail_safe_n(effects, method="rosental")
    with pytest.raises(ValueError, match="`alpha` must be between 0 and 1, but got 5"):
        fail_safe_n(effects, alpha=5)
    with pytest.raises(ValueError, match="`target` belongs to method='orwin'"):
        fail_safe_n(effects, target=1.1)
    with pytest.raises(ValueError, match="`weighted` belongs to method='orwin'"):
        fail_safe_n(effects, method="rosenberg", weighted=True)
    for target in (1.0, -2.0):
        with pytest.raises(ValueError, match="other than no effect, but got"):
            fail_safe_n(effects, method="orwin", target=target)
    with pytest.raises(ValueError, match="must have a finite effect"):
        fail_safe_n(EffectSizes(effect=[0.1, np.nan], variance=0.1))
    with pytest.raises(TypeError, match="must be EffectSizes"):
        fail_safe_n([1.0])


@pytest.mark.parametrize("method", ["rosenthal", "fisher", "orwin", "rosenberg"])
@pytest.mark.parametrize("measure", ["PLO", "IRLN"])
def test_a_measure_without_no_effect_is_refused(method, measure):
    effects = EffectSizes(effect=[-2.0, -1.5, -1.8], variance=[0.1, 0.1, 0.2], measure=measure)
    with pytest.raises(ValueError, match=rf"`effects` must be .* no effect, .* is '{measure}': a \w+ has no"):
        fail_safe_n(effects, method=method)


def test_one_null_study_is_named_in_the_singular():
    # z of 2 and 1.1: (3.1 / 1.645)² - 2 = 1.55; the next line has one study only, and needs one.
    two = fail_safe_n(EffectSizes(effect=[2.0, 1.1], variance=[1.0, 1.0]))
    assert str(two) == "Fail-safe N (rosenthal): 2 null studies beside 2"
    one = fail_safe_n(EffectSizes(effect=[2.0], variance=[1.0]))
    assert str(one) == "Fail-safe N (rosenthal): 1 null study beside 1"


def test_no_number_is_minus_zero():
    nothing = fail_safe_n(EffectSizes(effect=[0.1, -0.1, 0.3], variance=[1.0, 1.0, 1.0])).n
    assert nothing == 0
    assert not np.signbit(nothing)
