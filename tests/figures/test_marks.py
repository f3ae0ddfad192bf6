import math

import pytest
from matplotlib.figure import Figure

from analysis.figures.parts.marks import draw_diamond, draw_interval, draw_prediction_ground, weighted_side


@pytest.fixture
def ax():
    ax = Figure(figsize=(4, 2)).add_subplot()
    ax.set_xscale("log")
    ax.set_xlim(0.1, 10)
    ax.set_ylim(10, 0)
    return ax


def test_areas_go_by_weight():
    assert weighted_side(50, 50) == 7.5
    assert weighted_side(12.5, 50) == pytest.approx(7.5 / 2)
    assert weighted_side(0.01, 50) == 2.0
    assert weighted_side(5, 0) == 4.5


def test_an_interval_with_one_limit_ends_there(ax, by_gid):
    draw_interval(ax, 1, 1.0, math.nan, 2.0, side=4)
    draw_interval(ax, 2, 1.0, 0.5, math.nan, side=4)
    draw_interval(ax, 3, 1.0, math.nan, math.nan, side=4)
    assert [list(line.get_xdata()) for line in by_gid(ax, "interval")] == [[1.0, 2.0], [0.5, 1.0]]
    assert len(by_gid(ax, "estimate")) == 3


def test_what_the_axis_cuts_ends_in_an_arrow(ax, by_gid):
    draw_interval(ax, 1, 1.0, 0.01, 100.0, side=4)
    draw_diamond(ax, 2, 1.0, 0.01, 5.0)
    draw_prediction_ground(ax, 3, 0.01, 5.0, half_height=1)
    arrows = [(line.get_xdata()[0], line.get_ydata()[0]) for line in by_gid(ax, "arrow")]
    assert arrows == [(0.1, 1), (10, 1), (0.1, 2), (0.1, 3)]
    assert by_gid(ax, "diamond")[0].get_xy()[0][0] == 0.1


def test_an_estimate_beyond_the_axis_is_an_arrow_alone(ax, by_gid):
    draw_interval(ax, 1, 50.0, 20.0, 100.0, side=4)
    assert by_gid(ax, "estimate") == []
    assert len(by_gid(ax, "arrow")) == 1


def test_a_hollow_diamond_has_its_outline(ax, by_gid):
    draw_diamond(ax, 1, 1.0, 0.5, 2.0, filled=False, colour="#000000")
    (diamond,) = by_gid(ax, "diamond")
    assert diamond.get_facecolor() == (1, 1, 1, 1)
    assert diamond.get_edgecolor() == (0, 0, 0, 1)
    draw_diamond(ax, 2, math.nan, 0.5, 2.0)
    draw_diamond(ax, 3, 1.0, math.nan, math.nan)
    assert len(by_gid(ax, "diamond")) == 2


def test_a_line_is_white_within_a_marker_that_would_hide_it(ax, by_gid):
    draw_interval(ax, 1, 1.0, 0.98, 1.02, side=7.5, seen_through=True)
    (white,) = by_gid(ax, "interval in square")
    assert white.get_xdata() == pytest.approx([0.98, 1.02])
    draw_interval(ax, 2, 1.0, 0.2, 5.0, side=7.5, seen_through=True)
    assert len(by_gid(ax, "interval in square")) == 1
