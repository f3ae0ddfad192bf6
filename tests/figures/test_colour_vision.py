import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.colour_vision import (
    DISTINGUISHABLE,
    VISIONS,
    colour_difference,
    colour_differences,
    least_difference,
    picture_as_seen,
    seen_as,
)

SERIES = {
    name: getattr(style, name)
    for name in ("BLACK", "ORANGE", "SKY_BLUE", "GREEN", "BLUE", "VERMILLION", "GREY")
}
# In print without colour these look alike, so a second sign (marker, dashes, hollow or full) goes with them.
ALIKE_IN_GREY = {
    frozenset({"ORANGE", "SKY_BLUE"}),
    frozenset({"GREEN", "VERMILLION"}),
    frozenset({"BLUE", "VERMILLION"}),
    frozenset({"BLUE", "GREY"}),
}


# Sharma, Wu and Dalal's data for CIEDE2000 are in Lab; black, white and grey are their ends.
def test_ends_of_the_scale():
    assert colour_difference("white", "black") == pytest.approx(100, abs=1e-3)
    assert colour_difference("#123456", "#123456") == 0
    assert colour_difference("#0072B2", "#D55E00") == colour_difference("#D55E00", "#0072B2")


@pytest.mark.parametrize("vision", ["normal", "protanopia", "deuteranopia", "tritanopia"])
def test_every_pair_of_series_colours_can_be_told_by_colour_blind_readers(vision):
    for one, other in itertools.combinations(SERIES, 2):
        difference = colour_difference(SERIES[one], SERIES[other], vision=vision)
        assert difference >= DISTINGUISHABLE, (one, other, difference)


def test_which_pairs_need_a_second_sign_in_grey():
    frame = colour_differences(SERIES)
    assert len(frame) == 21
    needy = frame.loc[~frame["colour_alone"]]
    assert {frozenset(pair) for pair in needy[["one", "other"]].to_numpy()} == ALIKE_IN_GREY
    assert (needy["greyscale"] < DISTINGUISHABLE).all()


def test_red_and_green_of_equal_lightness_are_alike_to_those_who_see_no_red_or_green():
    red, green = "#C00000", "#5B5B00"
    assert colour_difference(red, green) > 25
    assert least_difference(red, green, visions=("protanopia", "deuteranopia"))[0] < DISTINGUISHABLE


def _lightness(colour):
    from coloraide import Color

    return Color(colour).convert("lab")["lightness"]


def test_who_sees_what():
    # Without the long-wave cones red is dark; without the middle ones it is not.
    assert _lightness(seen_as("#FF0000", "protanopia")) < _lightness(seen_as("#FF0000", "deuteranopia")) - 10
    # Red and green lie on one line for both, blue and yellow stay apart.
    for vision in ("protanopia", "deuteranopia"):
        assert colour_difference("#FF0000", "#00FF00", vision=vision) < colour_difference(
            "#FF0000", "#00FF00"
        )
        assert colour_difference("#0000FF", "#FFFF00", vision=vision) > 60
    # Without the short-wave cones blue and green lie close, red and green stay apart.
    assert colour_difference("#0072B2", "#009E73", vision="tritanopia") < 12
    assert colour_difference("#FF0000", "#00FF00", vision="tritanopia") > 50


def test_grey_stays_grey():
    for vision in VISIONS:
        assert colour_difference(seen_as("#595959", vision), "#595959") < 1
    assert len({seen_as("#E69F00")[i : i + 2] for i in (1, 3, 5)}) == 1


def test_a_picture_is_seen_colour_by_colour():
    figure = Figure(figsize=(1, 1), facecolor=style.ORANGE)
    FigureCanvasAgg(figure)
    for vision in VISIONS:
        picture = picture_as_seen(figure, vision, dpi=20)
        assert picture.shape == (20, 20, 3)
        assert picture.dtype == np.uint8
        expected = seen_as(style.ORANGE, vision)
        assert "#{:02x}{:02x}{:02x}".format(*picture[10, 10]) == expected


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`vision` must be one of 'normal', .* but got 'protan'"):
        seen_as("black", "protan")
    with pytest.raises(ValueError, match="`colour` must be a colour such as .* but got 'nocolour'"):
        seen_as("nocolour")
    with pytest.raises(ValueError, match="`colours` must hold at least two colours, but has 1"):
        colour_differences({"a": "black"})
