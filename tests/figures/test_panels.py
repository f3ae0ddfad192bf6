"""Pages of panels at places in points, and their axes."""

import itertools

import numpy as np
import pytest

from analysis.figures.parts.axes import AxisScale
from analysis.figures.parts.panels import (
    drop_labels_outside,
    fill_axes,
    panel_page,
    plain_scale,
    set_plain_x_axis,
    set_rank_axis,
    set_y_axis,
)
from analysis.figures.style import style


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-0.93, 0.93), (0.001, 0.003), (0.26, 0.36), (1948, 1980)]
)
@pytest.mark.parametrize("width", [70.0, 110.0, 400.0])
def test_plain_x_axes_have_three_ticks_and_short_overhang(low, high, width):
    with style():
        page = panel_page(60.0, width_mm=180)
        ax = page.axes(30.0, 5.0, width, 40.0)
        set_plain_x_axis(ax, "x", low, high, overhang=9.0)
        start, end = ax.get_xlim()
        assert start <= low < high <= end
        ticks = [tick for tick in ax.get_xticks() if start <= tick <= end]
        assert 3 <= len(ticks) <= 9
        figure = page.figure
        figure.draw_without_rendering()
        edge = ax.get_window_extent()
        for text in ax.get_xticklabels():
            box = text.get_window_extent()
            assert box.x0 >= edge.x0 - 10 * figure.dpi / 72
            assert box.x1 <= edge.x1 + 10 * figure.dpi / 72


@pytest.mark.parametrize(
    ("low", "high", "log"), [(0.0, 9.0, False), (0.2, 4.0, True), (0.001, 1000, True), (-3, 0.2, False)]
)
@pytest.mark.parametrize("height", [40.0, 90.0, 300.0])
def test_labels_of_y_axes_stand_apart(low, high, log, height):
    with style():
        page = panel_page(height + 10.0, width_mm=100)
        ax = page.axes(60.0, 5.0, 100.0, height)
        scale = AxisScale(label="A label", log=log, factor=1.0, null=1.0, proportion=False)
        set_y_axis(ax, scale, low, high)
        assert 3 <= len(ax.get_yticks()) <= 9
        page.figure.draw_without_rendering()
        boxes = sorted(text.get_window_extent().extents[[1, 3]].tolist() for text in ax.get_yticklabels())
        for (_, top), (bottom, _) in itertools.pairwise(boxes):
            assert bottom >= top - 1.0


def test_long_labels_of_y_axes_are_broken():
    with style():
        ax = panel_page(80.0, width_mm=100).axes(60.0, 5.0, 100.0, 60.0)
        set_y_axis(ax, plain_scale("Odds ratio or risk ratio (log scale)"), 0.0, 1.0)
        assert "\n" in ax.get_ylabel()


@pytest.mark.parametrize("count", [*range(1, 60), 79, 80, 149, 150, 399, 401, 1000, 12345, 999999])
@pytest.mark.parametrize("width", [150.0, 420.0])
def test_ticks_of_ranks_are_whole_numbers(count, width):
    with style():
        page = panel_page(60.0, width_mm=180)
        ax = page.axes(30.0, 5.0, width, 40.0)
        set_rank_axis(ax, "Rank", count)
        ticks = ax.get_xticks()
        assert np.array_equal(ticks, np.round(ticks))
        assert ticks[0] >= 1
        assert ticks[-1] <= count
        assert min(count, 3) <= len(ticks) <= 9
        labels = [text.get_text() for text in ax.get_xticklabels()]
        assert [int("".join(filter(str.isdigit, label))) for label in labels] == ticks.tolist()
        page.figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
        assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))


def test_panels_stand_where_they_are_put():
    with style():
        page = panel_page(100.0, width_mm=120, notes=["A note"])
        ax = page.axes(30.0, 20.0, 150.0, 60.0)
        box = ax.get_position()
    assert box.x0 * page.width == pytest.approx(30.0)
    assert (1 - box.y1) * page.height == pytest.approx(page.top + 20.0)
    assert (box.width * page.width, box.height * page.height) == pytest.approx((150.0, 60.0))


def test_labels_that_would_leave_the_page_are_dropped():
    with style():
        page = panel_page(60.0, width_mm=80)
        ax = page.axes(page.width - 101.0, 5.0, 100.0, 40.0)
        set_plain_x_axis(ax, "x", 0.0, 1.0)
        ax.set_xlim(0.0, ax.get_xticks()[-1])
        drop_labels_outside(ax)
        labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels[-1] == ""
    assert all(labels[:-1])


def test_cells_fill_the_axes_and_leave_their_limits():
    colours = np.zeros((2, 3, 4), dtype=np.uint8)
    with style():
        ax = panel_page(60.0, width_mm=80).axes(30.0, 5.0, 100.0, 40.0)
        ax.set(xlim=(1.0, 10.0), ylim=(2.0, 0.0))
        fill_axes(ax, colours, gid="cells", across=(0.1, 0.9))
    (image,) = ax.images
    assert image.get_gid() == "cells"
    assert tuple(image.get_extent()) == (0.1, 0.9, 0.0, 1.0)
    assert (ax.get_xlim(), ax.get_ylim()) == ((1.0, 10.0), (2.0, 0.0))
