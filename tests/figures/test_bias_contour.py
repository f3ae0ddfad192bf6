"""The contour of the bias factor: every point of a line explains the ratio."""

import numpy as np
import pytest

from analysis.bias.evalue import e_value
from analysis.figures.bias_contour import plot_bias_contour


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
    assert "estimate: 20.95" in texts
    assert "limit: 15.52" in texts


def test_an_interval_that_holds_one_has_no_line(by_gid):
    ax = plot_bias_contour(e_value(1.3, low=0.9, high=1.9, measure="RR"), largest=5)
    assert by_gid(ax, "estimate")
    assert not by_gid(ax, "limit")
    assert ax.get_xlim() == (1, 5)


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="EValue"):
        plot_bias_contour(3.06)
    with pytest.raises(ValueError, match="one estimate"):
        plot_bias_contour(e_value([1.5, 2], measure="RR"))
    with pytest.raises(ValueError, match="above 1 to be drawn"):
        plot_bias_contour(e_value(1.0, measure="RR"))
    with pytest.raises(ValueError, match="`largest` must exceed"):
        plot_bias_contour(e_value(2.0, measure="RR"), largest=3)
