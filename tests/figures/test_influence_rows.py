"""Rows of studies beside panels: they keep their order, and names keep apart."""

import numpy as np
import pytest

from analysis.figures.parts import influence_rows as module
from analysis.figures.parts.influence_rows import study_rows
from analysis.figures.style import house_style
from analysis.meta.influence import influence
from analysis.values.estimate import EffectSizes


def result_of(k):
    rng = np.random.default_rng(k)
    effects = EffectSizes(effect=[*rng.normal(0, 0.3, k - 1), 4.0], variance=rng.uniform(0.01, 0.3, k))
    return influence(effects)


def test_names_pushed_apart_stay_in_order_and_inside():
    middles = module._apart([(10.0, 8.0), (11.0, 8.0), (12.0, 8.0), (99.0, 8.0)], 100.0)
    assert middles == [10.0, 18.0, 26.0, 96.0]
    assert module._apart([(98.0, 8.0), (99.0, 8.0)], 100.0) == [88.0, 96.0]


def test_rows_fill_the_height_that_they_are_given():
    result = result_of(60)
    with house_style():
        free = study_rows(result, 480.0, beside=10.0)
        low = study_rows(result, 480.0, beside=10.0, height=150.0)
        least = study_rows(result, 480.0, beside=10.0, height=1.0)
    assert low.height == pytest.approx(150.0)
    assert least.pitch == pytest.approx(1.2)
    assert free.height > low.height > least.height
    for rows in (free, low, least):
        assert set(rows.named) == set(np.flatnonzero(result.influential))
        assert np.diff(rows.centres) == pytest.approx(np.full(59, rows.pitch))


def test_few_studies_are_all_named_unless_they_must_be_low():
    result = result_of(20)
    with house_style():
        assert len(study_rows(result, 480.0, beside=10.0).named) == 20
        assert len(study_rows(result, 480.0, beside=10.0, height=100.0).named) == result.influential.sum()
