import numpy as np
import pytest

from analysis import EffectSizes
from analysis.meta.lfk_index import LFK_WARNING, lfk_index
from reference_values import assert_same, dataset, identifier, number, numbers, records


@pytest.mark.parametrize("record", records("meta", "lfkindex/"), ids=identifier)
def test_equals_metasens(record):
    columns = dataset("meta", record)
    ours = lfk_index(EffectSizes(effect=columns["yi"], variance=columns["vi"]))
    expected = record["outputs"]
    assert float(ours.index) == pytest.approx(number(expected["lfkindex"]), rel=1e-11)
    assert str(ours.interpretation) == expected["interpretation"]
    # metasens lists studies by effect.
    order = np.argsort(columns["yi"], kind="stable")
    assert_same(ours.z_score[order], numbers(expected["zscore"]), rel=1e-10)


def test_the_warning_goes_with_every_form_of_the_result():
    effects = EffectSizes(
        effect=[-4.27, -1.71, -0.58, -0.19, 0.0], variance=[0.158, 0.076, 0.018, 0.022, 0.04]
    )
    result = lfk_index(effects)
    assert "0 to almost 30 %" in LFK_WARNING
    assert "10.1002/jrsm.1714" in LFK_WARNING
    assert result.warning == LFK_WARNING
    assert str(result).endswith(LFK_WARNING)
    assert result.to_frame().loc[0, "warning"] == LFK_WARNING
    assert str(result).startswith("LFK index −")


def test_an_even_symmetric_funnel_is_called_asymmetric():
    """Show a fault of the definition, which is kept: the centre must be a study.

    Mirror images in pairs have no study in the middle, so that one of the two next to it becomes the centre,
    and all others are measured from there. With a study in the middle the index is 0 but for the 1/2 in the
    percentiles.
    """
    s = np.repeat([0.1, 0.2, 0.3, 0.4], 2)
    y = s * np.tile([1.0, -1.0], 4)
    even = lfk_index(EffectSizes(effect=y, variance=s**2))
    assert even.interpretation == "minor asymmetry"
    odd = lfk_index(EffectSizes(effect=[*y, 0.0], variance=[*(s**2), 0.05**2]))
    assert odd.interpretation == "no asymmetry"
    assert abs(odd.index) < 0.05


def test_words():
    rng = np.random.default_rng(2)
    v = rng.uniform(0.01, 0.5, (300, 8))
    many = lfk_index(EffectSizes(effect=rng.normal(0, np.sqrt(v)), variance=v))
    size = np.abs(many.index)
    assert (many.interpretation[size <= 1] == "no asymmetry").all()
    assert (many.interpretation[(size > 1) & (size <= 2)] == "minor asymmetry").all()
    assert (many.interpretation[size > 2] == "major asymmetry").all()
    assert set(many.interpretation) == {"no asymmetry", "minor asymmetry", "major asymmetry"}


def test_a_batch_equals_a_loop_and_order_does_not_count():
    rng = np.random.default_rng(3)
    y, v = rng.normal(0, 0.5, (4, 5, 7)), rng.uniform(0.02, 0.4, (4, 5, 7))
    batch = lfk_index(EffectSizes(effect=y, variance=v))
    back = lfk_index(EffectSizes(effect=y[..., ::-1], variance=v[..., ::-1]))
    assert_same(batch.index, back.index, rel=1e-9, abs_=1e-12)
    assert_same(batch.z_score[..., ::-1], back.z_score, rel=1e-12)
    for index in np.ndindex(4, 5):
        one = lfk_index(EffectSizes(effect=y[index], variance=v[index]))
        assert_same(batch.index[index], one.index, rel=1e-9, abs_=1e-12)
    assert str(batch).count("LFK index ") == 11  # ten lines and the warning


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="At least 3 studies"):
        lfk_index(EffectSizes(effect=[0.1, 0.2], variance=0.1))
    with pytest.raises(ValueError, match="The effects must differ, but are 0.1 in all studies of set 0"):
        lfk_index(EffectSizes(effect=0.1, variance=[0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="must have a finite effect"):
        lfk_index(EffectSizes(effect=[0.1, np.nan, 0.2], variance=0.1))
