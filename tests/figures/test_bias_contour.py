"""The contour of the bias factor: every point of a line explains the ratio."""

import hashlib

import numpy as np
import pytest

from analysis.bias.evalue import e_value
from analysis.figures.bias_contour import figure_bias_contour, plot_bias_contour
from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style

# Sharif 2023 with its interval, and 2.93, of which no interval was seen.
TWO = [
    ("Osteoporosis in AS", e_value(1.83, low=1.58, high=2.11, measure="HR", outcome="rare")),
    ("AS after osteoporosis", e_value(2.93, measure="OR", outcome="rare")),
]


def test_every_point_of_a_line_has_the_factor(check_texts, by_gid):
    # VanderWeele and Ding 2017: 10.73 (8.02-14.36).
    ax = plot_bias_contour(e_value(10.73, low=8.02, high=14.36, measure="RR"))
    for gid, factor in (("estimate", 10.73), ("limit", 8.02)):
        (line,) = by_gid(ax, gid)
        x, y = line.get_data()
        np.testing.assert_allclose(x * y / (x + y - 1), factor, rtol=1e-9)
        assert x.max() == pytest.approx(ax.get_xlim()[1])
        assert y.max() == pytest.approx(ax.get_ylim()[1])
    texts = check_texts(ax.figure)
    assert {"estimate 10.73: E-value 20.95", "limit 8.02: E-value 15.52"} <= set(texts)
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_markers_stand_at_the_e_values(by_gid):
    ax = figure_bias_contour(TWO).axes[0]
    markers = by_gid(ax, "e-value")
    expected = [TWO[0][1].value, TWO[0][1].limit, TWO[1][1].value]
    for marker, strength in zip(markers, expected, strict=True):
        assert marker.get_xdata() == [pytest.approx(strength.item())]
        assert marker.get_ydata() == [pytest.approx(strength.item())]
    # Hollow for a limit; another sign for another estimate.
    assert [marker.get_markerfacecolor() == "white" for marker in markers] == [False, True, False]
    assert markers[0].get_marker() != markers[2].get_marker()


def test_an_interval_that_holds_one_has_no_line(by_gid):
    ax = plot_bias_contour(e_value(1.3, low=0.9, high=1.9, measure="RR"), largest=5)
    assert by_gid(ax, "estimate")
    assert not by_gid(ax, "limit")
    assert ax.get_xlim() == (1, 5)


def test_a_protective_estimate_shows_its_upper_limit(check_texts, by_gid):
    value = e_value(0.5, low=0.3, high=0.8, measure="RR")
    ax = plot_bias_contour(value)
    (line,) = by_gid(ax, "limit")
    x, y = line.get_data()
    np.testing.assert_allclose(x * y / (x + y - 1), 1 / 0.8, rtol=1e-9)
    assert {"estimate 0.50: E-value 3.41", "limit 0.80: E-value 1.81"} <= set(check_texts(ax.figure))


@pytest.mark.parametrize("journal", JOURNALS)
def test_the_page_of_every_journal_keeps_texts_apart(check_texts, journal):
    with style(journal):
        figures = [figure_bias_contour(TWO, note="A note."), figure_bias_contour(TWO, width_mm=100)]
        for figure in figures:
            check_texts(figure)
            report = check_figure(figure, journal=journal)
            assert report.passes, str(report)


def test_six_equal_estimates_with_foreign_names(check_texts, by_gid):
    names = ["Остеопороз", "Οστεοπόρωση", "US$ 5 & $6", "Same", "Same", "A name of very many words indeed"]
    value = e_value(2.0, low=1.5, high=2.7, measure="RR")
    figure = figure_bias_contour([(name, value) for name in names], synthetic=True)
    texts = check_texts(figure)
    assert texts.count("Same") == 2
    assert texts.count("RR 2.00: E-value 3.41") == 6
    assert len(by_gid(figure.axes[0], "estimate")) == 6


def test_words_and_numbers_are_those_of_the_picture(by_gid):
    figure = figure_bias_contour(TWO)
    record = record_of(figure)
    assert "E-value 3.06" in record.alt
    assert "nearer limit 1.58: E-value 2.54" in record.alt
    assert "odds ratio 2.93: E-value 5.31" in record.alt
    assert "Ding and VanderWeele" in record.caption
    numbers = record.numbers
    first = numbers[(numbers["mark"] == "line") & (numbers["of"] == "estimate")]
    line = by_gid(figure.axes[0], "estimate")[0]
    half = first[first["label"] == "Osteoporosis in AS"]
    np.testing.assert_array_equal(half["confounder_exposure"], line.get_xdata())
    np.testing.assert_array_equal(half["confounder_outcome"], line.get_ydata())
    assert (numbers["mark"] == "e-value").sum() == 3


def test_saved_twice_the_bytes_are_the_same(tmp_path):
    saved = [save_figure(figure_bias_contour(TWO), "contour", directory=tmp_path / name) for name in "ab"]
    sums = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in saved]
    assert sums[0] == sums[1]
    assert len(sums[0]) >= 5


def test_what_is_wrong_is_named():
    good = TWO[0][1]
    with pytest.raises(TypeError, match="EValue"):
        plot_bias_contour(3.06)
    with pytest.raises(TypeError, match="pairs of name and EValue"):
        plot_bias_contour([good])
    with pytest.raises(TypeError, match="EValue"):
        plot_bias_contour("1.83")
    with pytest.raises(ValueError, match="one estimate"):
        plot_bias_contour(e_value([1.5, 2], measure="RR"))
    with pytest.raises(ValueError, match="above 1 to be drawn"):
        plot_bias_contour(e_value(1.0, measure="RR"))
    with pytest.raises(ValueError, match="of 'nothing' must have an E-value above 1"):
        plot_bias_contour([("nothing", e_value(1.0, measure="RR"))])
    with pytest.raises(ValueError, match="`largest` must exceed"):
        plot_bias_contour(e_value(2.0, measure="RR"), largest=3)
    with pytest.raises(ValueError, match="1 to 6 estimates, but holds 0"):
        plot_bias_contour([])
    with pytest.raises(ValueError, match="1 to 6 estimates, but holds 7"):
        plot_bias_contour([("a", good)] * 7)
    with pytest.raises(ValueError, match="`width_mm` must be about"):
        figure_bias_contour(TWO, width_mm=40)
