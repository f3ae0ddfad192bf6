"""The tipping surface: the thick line is where the limit meets the target."""

import numpy as np
import pytest

from analysis import EffectSizes
from analysis.bias.spec import SelectionBias, UnmeasuredConfounding
from analysis.bias.tipping import tipping_point
from analysis.figures.tipping_surface import plot_tipping_surface

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
FEARED = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)
RESULT = tipping_point(RATIO, biases=FEARED, grid=161)


def test_the_line_is_where_the_limit_is_one(check_texts, by_gid):
    ax = plot_tipping_surface(RESULT)
    (line,) = by_gid(ax, "tipping line")
    x, y = line.get_paths()[0].vertices.T
    low = float(RATIO.interval().low)
    # Between points of the grid the line is straight.
    np.testing.assert_allclose((x * (y - 1) + 1) / (0.1 * (y - 1) + 1), low, rtol=1e-3)
    assert by_gid(ax, "tipped")
    (joint,) = by_gid(ax, "joint")
    p1, _, ratio = RESULT.joint_values
    assert joint.get_xdata() == [pytest.approx(p1)]
    assert joint.get_ydata() == [pytest.approx(ratio)]
    assert ax.get_xlabel() == "prevalence exposed"
    assert "1.00 reached" in " ".join(check_texts(ax.figure))


def test_a_target_out_of_reach_has_no_line(by_gid):
    ax = plot_tipping_surface(tipping_point(RATIO, biases=FEARED, target=0.1))
    assert not by_gid(ax, "tipping line")
    assert not by_gid(ax, "joint")


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="TippingPoint"):
        plot_tipping_surface(RESULT.surface)
    with pytest.raises(ValueError, match="must have a surface"):
        plot_tipping_surface(tipping_point(RATIO, biases=SelectionBias(bias_factor=2)))
    two = EffectSizes(effect=[0.5, 0.6], variance=0.01, measure="HR")
    with pytest.raises(ValueError, match="one table"):
        plot_tipping_surface(tipping_point(two, biases=FEARED))
    flat = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=1)
    with pytest.raises(ValueError, match="must vary over both"):
        plot_tipping_surface(tipping_point(RATIO, biases=flat))
