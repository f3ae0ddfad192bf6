"""Labels beside points that touch neither points nor lines nor one another."""

import numpy as np

from analysis.figures.parts.label_places import place_labels
from analysis.figures.parts.plane import figure_of, panel_points, plane_page, set_y_axis
from analysis.figures.style import house_style


def panel():
    ax = plane_page()
    ax.set_xlim(0, 1)
    set_y_axis(ax, "y", 0.0, 1.0)
    return ax


def boxes_of(ax):
    figure = figure_of(ax)
    figure.draw_without_rendering()
    frame = ax.get_window_extent()
    dots = figure.dpi / 72
    return {
        text.get_text(): (text.get_window_extent().extents - [frame.x0, frame.y0] * 2) / dots
        for text in ax.texts
        if text.get_gid() == "study label"
    }


def test_labels_cover_no_point_and_no_line_and_stay_inside(check_texts):
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1, (2, 40))
    line = np.linspace(0, 1, 200)
    with house_style():
        ax = panel()
        labels = [f"Study {i}" for i in range(40)]
        left_out = place_labels(ax, x, y, labels, wanted=range(12), avoid=(line, line))
        boxes = boxes_of(ax)
        check_texts(figure_of(ax))
        width, height = panel_points(ax)
    assert set(boxes) == {f"Study {i}" for i in range(12) if i not in left_out}
    assert len(boxes) >= 8
    for left, bottom, right, top in boxes.values():
        assert left >= -1
        assert bottom >= -1
        assert right <= width + 1
        assert top <= height + 1
        for px, py in ((x * width, y * height), (line * width, line * height)):
            # A point may not lie in the box by more than the room of accents.
            assert not ((px > left) & (px < right) & (py > bottom + 1) & (py < top - 1)).any()


def test_a_label_without_a_line_is_nearest_to_its_own_point():
    with house_style():
        ax = panel()
        x, y = np.array([0.5, 0.53, 0.5, 0.2]), np.array([0.5, 0.53, 0.54, 0.2])
        assert place_labels(ax, x, y, list("ABCD"), wanted=[0, 1, 2, 3]) == ()
        boxes = boxes_of(ax)
        lines = [line for line in ax.lines if line.get_gid() == "label line"]
        width, height = panel_points(ax)
    near = 0
    for i, name in enumerate("ABCD"):
        left, bottom, right, top = boxes[name]
        gaps = np.hypot(
            np.maximum(np.maximum(left - x * width, x * width - right), 0),
            np.maximum(np.maximum(bottom - y * height, y * height - top), 0),
        )
        near += gaps.argmin() == i
    assert near + len(lines) >= 4


def test_an_empty_label_is_not_written():
    with house_style():
        ax = panel()
        assert place_labels(ax, [0.2, 0.7], [0.5, 0.5], ["", "B"], wanted=[0, 1]) == ()
        assert set(boxes_of(ax)) == {"B"}


def test_where_there_is_no_room_nothing_is_written():
    grid = np.linspace(0, 1, 40)
    x, y = (part.ravel() for part in np.meshgrid(grid, grid))
    with house_style():
        ax = panel()
        assert place_labels(ax, x, y, ["A name"] * x.size, wanted=[0, 820]) == (0, 820)
        assert boxes_of(ax) == {}
