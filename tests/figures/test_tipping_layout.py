"""What a tipping surface shows: axes, levels, marks."""

import numpy as np
import pytest

from analysis import EffectSizes
from analysis.bias.spec import UnmeasuredConfounding
from analysis.bias.tipping import tipping_point
from analysis.figures.parts.tipping_layout import plotted_numbers, surface_of

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
FEARED = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)
RESULT = tipping_point(RATIO, biases=FEARED, grid=21)
SURFACE = surface_of(RESULT, None, log=False)


def test_axes_go_from_low_to_high_whatever_the_way_is():
    x, y = SURFACE.spans
    assert (x.low, x.high) == pytest.approx((0.1, 0.8))
    assert (y.low, y.high) == pytest.approx((1.0, 3.0))
    assert (x.name, y.name) == ("Prevalence exposed", "Risk ratio")
    down = tipping_point(
        RATIO,
        biases=UnmeasuredConfounding(prevalence_exposed=0.1, prevalence_control=0.8, risk_ratio=0.2),
        surface=("prevalence_exposed", "risk_ratio"),
    )
    x, y = surface_of(down, None, log=False).spans
    assert x.low < x.high
    assert y.low < y.high


def test_levels_are_round_inside_and_away_from_the_target():
    levels = SURFACE.levels()
    assert len(levels) >= 3
    assert all(SURFACE.z.min() < level < SURFACE.z.max() for level in levels)
    assert all(abs(np.log(level / RESULT.target)) > 0.02 for level in levels)
    assert all(round(level, 2) == level for level in levels)


def test_a_result_that_tips_at_once_has_no_joint_mark():
    # Without bias the interval holds 1 already.
    weak = EffectSizes.from_estimates(1.2, 0.9, 1.6, measure="HR")
    kinds = [kind for kind, *_ in surface_of(tipping_point(weak, biases=FEARED), None, log=False).points()]
    assert kinds[:2] == ["neutral", "stated"]
    assert "joint" not in kinds


def test_the_numbers_hold_every_point_once():
    numbers = plotted_numbers(SURFACE)
    assert (numbers["mark"] == "surface").sum() == 21 * 21
    assert (numbers["mark"] == "neutral").sum() == 1
    corner = numbers[(numbers["mark"] == "surface") & (numbers["x"] == 0.8) & (numbers["y"] == 3.0)]
    assert corner["value"].item() == pytest.approx(RESULT.adjusted.item())
    assert set(numbers["x_parameter"]) == {"prevalence_exposed"}
