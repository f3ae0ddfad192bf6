import numpy as np
import pytest

from analysis.meta.pooling import pool
from analysis.meta.prediction import prediction_interval
from analysis.meta.prediction_density import prediction_density
from analysis.values.estimate import EffectSizes

EFFECTS = EffectSizes(
    effect=[0.1, 0.3, 0.35, 0.65, -0.2, 0.8], variance=[0.03, 0.03, 0.05, 0.01, 0.02, 0.04], measure="OR"
)


def area(x, y):
    return np.concatenate([[0.0], np.cumsum((y[1:] + y[:-1]) / 2 * np.diff(x))])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_its_quantiles_are_the_prediction_interval(level):
    pooled = pool(EFFECTS)
    curve = prediction_density(pooled, points=20001, coverage=0.9999)
    interval = prediction_interval(pooled, confidence_level=level)
    below = area(curve.effect, curve.density)
    inside = np.interp(np.log([float(interval.low), float(interval.high)]), curve.effect, below)
    # What the cut tails hold is missing at both ends.
    assert inside[1] - inside[0] == pytest.approx(level, abs=1e-6)


def test_values_are_on_the_reporting_scale_and_the_peak_is_the_mean():
    pooled = pool(EFFECTS)
    curve = prediction_density(pooled)
    np.testing.assert_allclose(np.log(curve.value), curve.effect)
    assert curve.effect[curve.density.argmax()] == pytest.approx(float(pooled.mean))
    np.testing.assert_allclose(curve.density, curve.density[::-1])
    assert list(curve.to_frame().columns) == ["effect", "value", "density"]


def test_many_meta_analyses_at_once_are_those_one_by_one():
    masks = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]], dtype=bool)
    together = prediction_density(pool(EFFECTS, where=masks), points=51)
    for i in range(2):
        alone = prediction_density(pool(EFFECTS, where=masks[i]), points=51)
        np.testing.assert_allclose(together.density[i], alone.density)
        np.testing.assert_allclose(together.effect[i], alone.effect)
    assert np.isnan(together.density[2]).all()


def test_wrong_arguments_are_named():
    pooled = pool(EFFECTS)
    with pytest.raises(ValueError, match="The common-effect model predicts no spread"):
        prediction_density(pool(EFFECTS, model="common"))
    with pytest.raises(ValueError, match="`points` must be 3 or more, but got 2"):
        prediction_density(pooled, points=2)
    with pytest.raises(ValueError, match="`coverage` must be between 0 and 1, but got 95"):
        prediction_density(pooled, coverage=95)
