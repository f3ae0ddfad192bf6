import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.colour_reliance import colours_relied_on
from analysis.figures.colour_vision import DISTINGUISHABLE, colour_difference
from analysis.figures.style import BLUE, GREEN, ORANGE, SKY_BLUE, VERMILLION


@pytest.fixture
def ax():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def test_the_pair_its_difference_and_the_worst_eyes_are_named(ax):
    ax.plot([1], [1], "o", color=ORANGE, gid="series")
    ax.plot([2], [1], "o", color=SKY_BLUE, gid="series")
    (found,) = colours_relied_on(ax.figure)
    assert found.marks == "series"
    assert {colour.upper() for colour in found.colours} == {ORANGE, SKY_BLUE}
    assert found.vision == "greyscale"
    assert found.difference == colour_difference(ORANGE, SKY_BLUE, vision="greyscale") < DISTINGUISHABLE


@pytest.mark.parametrize(
    "second",
    [
        {"marker": "^"},
        {"markerfacecolor": "white"},
        {"linestyle": "--"},
        {"linewidth": 3},
        {"gid": "another kind"},
        {"visible": False},
        {"color": BLUE},
    ],
)
def test_a_second_sign_is_enough(ax, second):
    usual = {"marker": "o", "linestyle": "-", "linewidth": 1, "gid": "series"}
    ax.plot([1, 2], [1, 2], color=ORANGE, **usual)
    ax.plot([1, 2], [2, 1], **(usual | {"color": SKY_BLUE} | second))
    assert colours_relied_on(ax.figure) == ()


def test_panels_are_looked_at_one_by_one():
    figure = Figure()
    FigureCanvasAgg(figure)
    one, other = figure.subplots(1, 2)
    one.plot([1], [1], "o", color=ORANGE)
    other.plot([1], [1], "o", color=SKY_BLUE)
    assert colours_relied_on(figure) == ()


def test_a_scale_of_many_colours_is_not_compared(ax):
    for number in range(40):
        ax.plot([number], [0], "o", color=(number / 40, 0.2, 0.2))
    ax.scatter(range(9), range(9), c=np.arange(9.0))
    ax.imshow(np.eye(3))
    assert colours_relied_on(ax.figure) == ()


def test_shades_that_nobody_tells_apart_are_one(ax):
    ax.plot([1], [1], "o", color="#404040")
    ax.plot([2], [1], "o", color="#424242")
    assert colours_relied_on(ax.figure) == ()


def test_areas_with_a_sign_or_a_hatch_are_told_apart(ax):
    one, other = ax.bar([1, 2], [1, 1], color=[GREEN, VERMILLION])
    assert len(colours_relied_on(ax.figure)) == 1
    (mark,) = ax.plot([1], [0.5], "+", color="black")
    assert colours_relied_on(ax.figure) == ()
    mark.remove()
    other.set_hatch("///")
    assert colours_relied_on(ax.figure) == ()
    one.set_hatch("///")
    assert len(colours_relied_on(ax.figure)) == 1


def test_points_and_lines_of_a_collection_are_compared(ax):
    ax.scatter([1, 2], [1, 2], c=[GREEN, VERMILLION])
    assert len(colours_relied_on(ax.figure)) == 1
    ax.collections[0].remove()
    ax.vlines([1, 2], 0, 1, colors=[GREEN, VERMILLION])
    assert len(colours_relied_on(ax.figure)) == 1
