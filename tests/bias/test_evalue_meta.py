"""E-values of meta-analyses against EValue, against simulated effects, and at the edges."""

import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.bias.evalue_meta import meta_e_value, strong_effects
from analysis.bias.methods.strong_effects import calibrated_effects
from reference_values import assert_same, dataset, identifier, load, numbers, records

CAL = load("evalue")["datasets"]["cal"]
STUDIES = EffectSizes(effect=CAL["yi"], variance=CAL["vi"], measure="RR")
POOLED = pool(STUDIES, tau2="DL")
PARAMETRIC = [r for r in load("evalue")["records"] if r["id"].startswith("confounded_meta/parametric")]


def parametric(record):
    inputs = record["inputs"]
    # The package's bias is away from the null, or towards it; here it is what ratios were multiplied by.
    away = 1 if inputs["tail"] == "above" else -1
    sign = -away if inputs["tn"] else away
    return strong_effects(
        inputs["yr"],
        np.sqrt(inputs["vyr"]),
        inputs["t2"],
        np.sqrt(inputs["vt2"]),
        threshold=np.exp(inputs["q"]),
        tail=inputs["tail"],
        needed_share=inputs["r"],
        bias_factor=np.exp(sign * inputs["muB"]),
        bias_sd=inputs["sigB"],
    )


@pytest.mark.parametrize("record", PARAMETRIC, ids=identifier)
def test_normal_effects(record):
    result, outputs = parametric(record), record["outputs"]
    assert_same([result.share, result.needed_factor, result.e_value], numbers(outputs["Est"]))
    errors, lows, highs = (numbers(outputs[name]) for name in ("SE", "CI.lo", "CI.hi"))
    assert_same(result.needed_factor_std_error, errors[1])
    assert_same([result.needed_factor_low, result.needed_factor_high], np.array([lows[1], highs[1]]))
    assert_same([result.e_value_low, result.e_value_high], np.array([lows[2], highs[2]]))
    if not record.get("suspect"):
        assert_same(result.share_std_error, errors[0])
        assert_same([result.share_low, result.share_high], np.array([lows[0], highs[0]]))


@pytest.mark.parametrize("record", PARAMETRIC, ids=identifier)
def test_standard_error_of_the_share_by_finite_differences(record):
    # Where bias is towards the null the package's standard error leaves the direction out; the derivative
    # decides.
    inputs, step = record["inputs"], 1e-6

    def share(mean, tau2):
        return float(parametric({"inputs": inputs | {"yr": mean, "t2": tau2}}).share)

    mean, tau2 = inputs["yr"], inputs["t2"]
    by_mean = (share(mean + step, tau2) - share(mean - step, tau2)) / (2 * step)
    by_tau2 = (share(mean, tau2 + step) - share(mean, tau2 - step)) / (2 * step)
    expected = np.sqrt(by_mean**2 * inputs["vyr"] + by_tau2**2 * inputs["vt2"])
    assert float(parametric(record).share_std_error) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("record", records("evalue", "confounded_meta/calibrated"), ids=identifier)
def test_calibrated_effects(record):
    inputs = record["inputs"]
    studies = dataset("evalue", record)
    pooled = pool(EffectSizes(effect=studies["yi"], variance=studies["vi"], measure="RR"), tau2="DL")
    result = meta_e_value(
        pooled,
        threshold=np.exp(inputs["q"]),
        needed_share=inputs["r"],
        bias_factor=np.exp(inputs["muB"]),
        method="calibrated",
    )
    share, factor, strength = record["outputs"]["Est"]
    assert_same(result.share, share)
    # The package steps the log of the factor by 0.001 and takes the first step beyond; here is the edge.
    assert_same(np.log(factor) - np.log(result.needed_factor), 0.001, rel=1e-6)
    assert_same(factor + np.sqrt(factor * (factor - 1)), strength)
    assert np.isnan(result.share_low)


def test_calibration():
    (record,) = records("evalue", "calib_ests")
    got = calibrated_effects(STUDIES.effect, STUDIES.variance, POOLED.mean, POOLED.tau2)
    assert_same(got, record["outputs"])


@pytest.mark.parametrize("record", records("evalue", "prop_stronger/calib"), ids=identifier)
def test_shares_without_bias(record):
    result = meta_e_value(POOLED, threshold=np.exp(record["inputs"]["q"]), method="calibrated")
    assert_same(result.share, record["outputs"]["est"][0])


def test_the_needed_factor_put_back_leaves_that_share():
    for tail, threshold in (("above", 1.1), ("below", 1.5)):
        for method in ("normal", "calibrated"):
            result = meta_e_value(POOLED, threshold=threshold, tail=tail, needed_share=0.25, method=method)
            assert result.needed_factor > 1
            factor = result.needed_factor if tail == "above" else 1 / result.needed_factor
            for slack in (1.0, 1 - 1e-9):
                back = meta_e_value(
                    POOLED,
                    threshold=threshold,
                    tail=tail,
                    bias_factor=factor**slack,
                    method=method,
                )
                if method == "normal":
                    np.testing.assert_allclose(back.share, 0.25, rtol=1e-6)
                elif slack < 1:
                    assert back.share > 0.25
                else:
                    assert back.share <= 0.25 + 1 / 16


def test_tails_are_mirror_images():
    turned = EffectSizes(effect=-STUDIES.effect, variance=STUDIES.variance, measure="RR")
    for method in ("normal", "calibrated"):
        up = meta_e_value(POOLED, threshold=1.2, bias_factor=1.1, method=method)
        down = meta_e_value(
            pool(turned, tau2="DL"), threshold=1 / 1.2, tail="below", bias_factor=1 / 1.1, method=method
        )
        assert_same([up.share, up.needed_factor], np.array([down.share, down.needed_factor]), rel=1e-9)


def test_share_of_simulated_effects():
    rng = np.random.default_rng(5)
    effects = rng.normal(0.3, 0.2, 400_000)
    result = strong_effects(0.3, 0.05, 0.04, 0.01, threshold=1.1, bias_factor=1.15)
    share = np.mean(np.exp(effects) / 1.15 > 1.1)
    assert float(result.share) == pytest.approx(share, abs=3 * np.sqrt(0.25 / effects.size))


def test_leaving_one_out_at_once():
    where = ~np.eye(16, dtype=bool)
    for method in ("normal", "calibrated"):
        together = meta_e_value(pool(STUDIES, tau2="DL", where=where), threshold=1.1, method=method)
        keep = where[4]
        alone = meta_e_value(
            pool(
                EffectSizes(effect=STUDIES.effect[keep], variance=STUDIES.variance[keep], measure="RR"),
                tau2="DL",
            ),
            threshold=1.1,
            method=method,
        )
        for name in ("share", "needed_factor", "e_value"):
            assert_same(getattr(together, name)[4], getattr(alone, name), rel=1e-9)
    assert len(together.to_frame()) == 48
    assert str(together).endswith("(16 in all)")


def test_equal_effects_are_all_or_none():
    same = pool(EffectSizes(effect=[0.3] * 5, variance=[0.04] * 5, measure="RR"))
    assert same.tau2 == 0
    for method in ("normal", "calibrated"):
        result = meta_e_value(same, threshold=1.1, method=method)
        assert result.share == 1
        assert np.isnan(result.share_std_error)
        assert_same(result.needed_factor, np.exp(0.3) / 1.1, rel=1e-12)
        assert meta_e_value(same, threshold=1.1, bias_factor=1.3, method=method).share == 0


def test_no_bias_is_needed_where_few_are_strong():
    result = meta_e_value(POOLED, threshold=5)
    assert (result.needed_factor, result.e_value) == (1, 1)
    assert np.isnan(result.e_value_high)


def test_draws_of_the_bias():
    result = meta_e_value(POOLED, threshold=1.1, bias_factor=[1.0, 1.1, 1.5], bias_sd=0.01)
    assert result.share.shape == (3,)
    assert (np.diff(result.share) < 0).all()


def test_a_tau2_that_was_given_has_no_error():
    known = meta_e_value(pool(STUDIES, tau2=0.05), threshold=1.1)
    half = float(known.needed_factor) * float(pool(STUDIES, tau2=0.05).std_error)
    assert_same(known.needed_factor_std_error, half)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"threshold": 0}, ValueError, "`threshold` must be a number greater than 0"),
        ({"threshold": [1, 2]}, TypeError, "`threshold` must be one number"),
        ({"tail": "up"}, ValueError, "`tail` must be one of"),
        ({"needed_share": 1}, ValueError, "`needed_share` must be one number between 0 and 1"),
        ({"bias_factor": -1}, ValueError, "`bias_factor` must be"),
        ({"bias_sd": 2}, ValueError, "cannot vary more"),
        ({"bias_sd": -2}, ValueError, "`bias_sd` must be a number of at least 0, but got -2"),
        ({"bias_sd": 0.1, "method": "calibrated"}, ValueError, "`bias_sd` must be 0"),
        ({"method": "boot"}, ValueError, "`method` must be one of"),
        ({"confidence_level": 95}, ValueError, "`confidence_level`"),
    ],
)
def test_what_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        meta_e_value(POOLED, **change)


def test_what_is_refused_elsewhere():
    with pytest.raises(TypeError, match="what `pool` returns"):
        meta_e_value(STUDIES)
    with pytest.raises(ValueError, match="must be of ratios"):
        meta_e_value(pool(EffectSizes(effect=[0.1, 0.2, 0.3], variance=[0.1] * 3, measure="RD")))
