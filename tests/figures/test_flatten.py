import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.flatten import flattened


@pytest.fixture
def ax():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def test_a_mark_on_the_background_gets_the_colour_that_it_has_there(ax):
    patch = ax.axvspan(0, 1, facecolor="red", alpha=0.25, edgecolor="none")
    (line,) = ax.plot([5, 6], [0, 1], color="black", alpha=0.5)
    (points,) = ax.plot([9], [0], "o", markerfacecolor="blue", markeredgecolor="none", alpha=0.5)
    text = ax.text(0.9, 0.1, "text", alpha=0.5, transform=ax.transAxes)
    before = [patch.get_facecolor(), line.get_color(), points.get_markerfacecolor(), text.get_color()]
    with flattened(ax.figure):
        assert patch.get_facecolor() == pytest.approx((1, 0.75, 0.75, 1))
        assert patch.get_edgecolor()[3] == 0
        assert line.get_color() == pytest.approx((0.5, 0.5, 0.5, 1))
        assert points.get_markerfacecolor() == pytest.approx((0.5, 0.5, 1, 1))
        assert text.get_color() == pytest.approx((0.5, 0.5, 0.5, 1))
        assert patch.get_alpha() is None
    after = [patch.get_facecolor(), line.get_color(), points.get_markerfacecolor(), text.get_color()]
    assert after == before
    assert [mark.get_alpha() for mark in (patch, line, points, text)] == [0.25, 0.5, 0.5, 0.5]


def test_what_is_opaque_is_left_alone(ax):
    bars = ax.bar([1, 2], [1, 1], color=["red", "none"], edgecolor="black")
    with flattened(ax.figure):
        assert bars[0].get_facecolor() == (1, 0, 0, 1)
        assert bars[1].get_facecolor()[3] == 0


def test_the_picture_is_the_same(ax):
    ax.axvspan(0, 1, facecolor="red", alpha=0.25, edgecolor="none", zorder=0.1)
    ax.plot([0, 2], [0, 1], color="black")
    figure = ax.figure
    figure.canvas.draw()
    before = np.asarray(figure.canvas.buffer_rgba()).astype(int)
    with flattened(figure):
        figure.canvas.draw()
        after = np.asarray(figure.canvas.buffer_rgba()).astype(int)
    assert np.abs(before - after).max() <= 1


def test_lines_below_are_drawn_over_it(ax):
    line = ax.axvline(0.5, color="black", zorder=0.5)
    patch = ax.axvspan(0, 1, facecolor="red", alpha=0.25, edgecolor="none", zorder=1)
    with flattened(ax.figure):
        assert patch.get_zorder() < line.get_zorder() == 0.5
        assert patch.get_facecolor() == pytest.approx((1, 0.75, 0.75, 1))
    assert patch.get_zorder() == 1
    ax.plot([0.5], [0.5], "o", zorder=0.6, gid="dot")
    with pytest.raises(ValueError, match="that lies on mark 'dot'"), flattened(ax.figure):
        pass


def test_what_would_hide_others_keeps_its_outline(ax):
    ax.axvspan(0, 2, color="red")
    points = ax.scatter([1, 2], [1, 1], s=90, facecolor=(0, 0, 1, 0.25), edgecolor="blue", linewidth=0.7)
    before = points.get_facecolor().tolist()
    with flattened(ax.figure):
        assert len(points.get_facecolor()) == 0 or (points.get_facecolor()[:, 3] == 0).all()
        assert points.get_edgecolor().tolist() == [[0, 0, 1, 1]]
    assert points.get_facecolor().tolist() == before


def test_the_ground_of_a_text_covers_what_lies_behind(ax):
    ax.axvspan(0, 2, color="red")
    text = ax.text(1, 0.5, "text", bbox={"facecolor": "white", "alpha": 0.6, "linewidth": 0})
    with flattened(ax.figure):
        assert text.get_bbox_patch().get_facecolor() == (1, 1, 1, 1)
    assert text.get_bbox_patch().get_facecolor() == (1, 1, 1, 0.6)


def test_the_colour_of_the_panel_shows_through(ax):
    ax.set_facecolor("black")
    patch = ax.axvspan(0, 1, facecolor="white", alpha=0.5, edgecolor="none")
    with flattened(ax.figure):
        assert patch.get_facecolor() == pytest.approx((0.5, 0.5, 0.5, 1))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda ax: (ax.axvspan(0, 2, color="red", gid="below"), ax.axvspan(1, 3, color="b", alpha=0.5)),
            "half transparent Rectangle that lies on mark 'below'",
        ),
        (lambda ax: ax.scatter([1, 2], [1, 2], alpha=0.5, gid="dots"), "mark 'dots' that lies on itself"),
        (
            lambda ax: ax.imshow(np.eye(3), alpha=0.5),
            "half transparent AxesImage that has a colour in every place: draw it in a full colour",
        ),
        (
            lambda ax: ax.pcolormesh(np.eye(3), alpha=0.5, gid="map"),
            "half transparent mark 'map' that has a colour in every place: draw it in a full colour",
        ),
    ],
)
def test_what_would_look_different_is_refused_and_nothing_changed(ax, draw, message):
    first = ax.axvspan(-9, -8, facecolor="red", alpha=0.5, edgecolor="none", zorder=0.01)
    draw(ax)
    with pytest.raises(ValueError, match=message), flattened(ax.figure):
        pass
    assert first.get_alpha() == 0.5
