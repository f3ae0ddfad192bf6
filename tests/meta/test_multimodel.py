from itertools import combinations

import numpy as np
import pytest

from analysis import EffectSizes, meta_regression
from analysis.meta.multimodel import multimodel
from reference_values import load


def _bcg():
    columns = load("B2_metareg")["datasets"]["bcg_RR"]
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"])
    return effects, {"ablat": columns["ablat"], "year": columns["year"], "alloc": columns["alloc"]}


@pytest.mark.parametrize(("criterion", "penalty"), [("AIC", 2.0), ("BIC", np.log(13))])
def test_every_model_is_the_fit_of_its_columns(criterion, penalty):
    effects, moderators = _bcg()
    found = multimodel(effects, moderators, criterion=criterion)
    assert found.names == ("ablat", "year", "alloc: random", "alloc: systematic")
    assert found.value.size == 16
    alloc = np.array(moderators["alloc"])
    plain = {
        "ablat": moderators["ablat"],
        "year": moderators["year"],
        "alloc: random": (alloc == "random").astype(float),
        "alloc: systematic": (alloc == "systematic").astype(float),
    }
    expected = {}
    for size in range(5):
        for names in combinations(plain, size):
            fit = meta_regression(effects, {name: plain[name] for name in names}, tau2="ML")
            expected[names] = penalty * (size + 2) - 2 * float(fit.log_likelihood)
    assert sorted(expected.values()) == pytest.approx(list(found.value), rel=1e-9)
    best = tuple(name for name, there in zip(found.names, found.included[0], strict=True) if there)
    assert best == min(expected, key=expected.get)
    assert found.weight.sum() == pytest.approx(1)


def test_small_samples_are_corrected():
    effects, moderators = _bcg()
    plain, corrected = (multimodel(effects, moderators, criterion=name) for name in ("AIC", "AICc"))
    order = np.lexsort(plain.included.T), np.lexsort(corrected.included.T)
    p = plain.included[order[0]].sum(axis=1) + 2
    more = corrected.value[order[1]] - plain.value[order[0]]
    assert more == pytest.approx(2 * p * (p + 1) / (13 - p - 1), rel=1e-9)


def test_averages_lie_between_models():
    effects, moderators = _bcg()
    found = multimodel(effects, moderators)
    assert (found.importance <= 1).all()
    assert found.importance[0] > 0.5  # latitude
    assert found.coefficients[0] < 0
    frame = found.to_frame()
    assert list(frame["weight"]) == sorted(frame["weight"], reverse=True)
    assert "best of 16 models: ablat" in str(found)


def test_bad_input_is_named():
    effects, _ = _bcg()
    with pytest.raises(ValueError, match="1 to 15 columns"):
        multimodel(effects, {})
    with pytest.raises(ValueError, match="13 studies are too few for 12 columns"):
        multimodel(effects, np.random.default_rng(1).normal(size=(13, 12)))
