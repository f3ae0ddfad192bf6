"""The page of two bias parameters: panel, ticks, labels at the edge."""

import numpy as np
import pytest

from analysis.figures.parts.bias_page import (
    EdgeLabel,
    Span,
    digits_for,
    edge_width,
    panel_page,
    set_spans,
    write_edge,
)
from analysis.figures.journals import JOURNALS
from analysis.figures.style import POINTS_PER_MM, house_style, style

X = Span(name="Confounder and exposure", low=1.0, high=16.0, log=True)
Y = Span(name="Sensitivity, controls", low=0.05, high=1.0)


def page(labels=(), **changes):
    with house_style():
        arguments = {"width_mm": 129.0, "edge": edge_width(labels), "heading": "Adjusted risk ratio"}
        ax = panel_page(X, Y, **(arguments | changes))
        set_spans(ax, X, Y)
        write_edge(ax, labels)
    return ax


def test_a_span_knows_where_a_value_lies():
    assert X.share(4.0) == pytest.approx(0.5)
    assert Y.share(0.525) == pytest.approx(0.5)


def test_the_page_has_the_width_and_its_ticks_lie_inside(check_texts):
    ax = page(notes=["A note.", " "])
    assert 72 * ax.figure.get_size_inches()[0] == pytest.approx(129 * POINTS_PER_MM)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert ax.get_xlim() == (1.0, 16.0)
    for axis in (ax.xaxis, ax.yaxis):
        ticks = axis.get_ticklocs()
        assert 3 <= len(ticks) <= 9
        low, high = sorted(axis.get_view_interval())
        assert low <= ticks.min() <= ticks.max() <= high
    texts = check_texts(ax.figure)
    assert {"Adjusted risk ratio", "A note.", "Confounder and exposure"} <= set(texts)


def edge_places(ax):
    return [text.xyann[1] for text in ax.texts if text.get_gid() == "edge label"]


def test_labels_that_have_room_stand_at_their_height(by_gid):
    ax = page([EdgeLabel(lines=("low",), share=0.2), EdgeLabel(lines=("high",), share=0.8)])
    for leader in by_gid(ax, "leader"):
        # The leader is level: nothing had to give way.
        assert leader.xyann[1] == pytest.approx(0.0, abs=1e-9)
    assert len(by_gid(ax, "leader")) == 2


@pytest.mark.parametrize("shares", [[0.5] * 5, [0.0] * 3, [1.0] * 4, [0.1, 0.11, 0.5, 0.51, 0.99]])
def test_labels_that_collide_stand_apart_within_the_panel(check_texts, shares):
    labels = [EdgeLabel(lines=(f"line {i}", "E-value 3.06"), share=share) for i, share in enumerate(shares)]
    ax = page(labels)
    check_texts(ax.figure)
    places = edge_places(ax)
    height = 72 * ax.get_window_extent().height / ax.figure.dpi
    assert min(places) >= 0
    assert max(places) <= height
    # Each label's first line stands above its second.
    assert (np.diff(np.reshape(places, (-1, 2)), axis=1) < 0).all()


def test_equal_labels_stay_two(by_gid):
    assert len(by_gid(page([EdgeLabel(lines=("same",), share=0.5)] * 2), "edge label")) == 2


@pytest.mark.parametrize("journal", JOURNALS)
def test_every_journal_has_room(check_texts, journal):
    with style(journal):
        long = Span(name="Sensitivity of the record among people without the disease", low=0.1, high=0.9)
        for width in (84.0, 174.0):
            ax = panel_page(long, long, width_mm=width, heading=4 * "A long heading ", notes=[9 * "words "])
            set_spans(ax, long, long)
            check_texts(ax.figure)


def test_synthetic_data_say_so(check_texts, by_gid):
    ax = page(synthetic=True)
    assert "SYNTHETIC" in " ".join(check_texts(ax.figure))
    assert by_gid(ax, "watermark")


def test_too_narrow_a_page_says_what_would_do():
    with pytest.raises(
        ValueError, match=r"`width_mm` must be about \d+ or more for these labels, but got 30"
    ):
        page([EdgeLabel(lines=("a label of some length",), share=0.5)], width_mm=30)


@pytest.mark.parametrize(
    ("measure", "width", "digits"),
    [
        ("IRD", 0.0005, 5),
        ("RD", 0.14, None),
        ("RD", 0.013, 3),
        ("OR", 0.0005, None),
        ("IRD", 0.0, None),
        ("IRD", np.inf, None),
    ],
)
def test_decimals_follow_the_width_of_a_difference(measure, width, digits):
    assert digits_for(measure, width) == digits
