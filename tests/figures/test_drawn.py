import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.drawn import drawn_of
from analysis.figures.style import style
from analysis.figures.parts.text import font, text_width


def test_texts_come_with_size_font_and_place():
    with style():
        figure = Figure(figsize=(4, 2))
        FigureCanvasAgg(figure)
        figure.text(0.25, 0.5, "Study 1", fontproperties=font(9))
        figure.text(0.5, 0.5, "two\nlines", fontproperties=font(8))
        figure.text(0.5, 0.5, "hidden", visible=False)
        figure.text(0.5, 0.5, "  ")
    drawn = drawn_of(figure)
    assert (drawn.width, drawn.height) == (288, 144)
    assert [text.text for text in drawn.texts] == ["Study 1", "two", "lines"]
    first = drawn.texts[0]
    assert (first.size, first.family) == (9, "DejaVu Sans")
    left, bottom, right, top = first.box
    assert left == pytest.approx(72)
    assert right - left == pytest.approx(text_width("Study 1", size=9))
    assert bottom <= 72 < top < 72 + 9


def test_a_turned_text_has_a_turned_box():
    figure = Figure(figsize=(4, 4))
    figure.text(0.5, 0.5, "a long label", fontsize=10, rotation=90)
    left, bottom, right, top = drawn_of(figure).texts[0].box
    assert top - bottom == pytest.approx(text_width("a long label", size=10), rel=0.01)
    assert right - left < 12


def test_the_places_are_those_of_the_picture():
    with style():
        figure = Figure(figsize=(2, 1), dpi=144)
        FigureCanvasAgg(figure)
        figure.text(0.3, 0.4, "Hg", fontproperties=font(20))
        figure.canvas.draw()
    ink = np.argwhere(np.asarray(figure.canvas.buffer_rgba())[::-1, :, 0] < 128) / 2
    left, bottom, right, top = drawn_of(figure).texts[0].box
    assert ink[:, 1].min() == pytest.approx(left, abs=2.5)
    assert ink[:, 1].max() == pytest.approx(right, abs=2.5)
    assert ink[:, 0].min() == pytest.approx(bottom, abs=1)
    assert ink[:, 0].max() == pytest.approx(top, abs=1)


def test_lines_come_with_width_and_name():
    figure = Figure(figsize=(4, 2))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8), frameon=False, xticks=[], yticks=[])
    ax.plot([0, 1], [0, 1], linewidth=0.7, gid="a line")
    ax.hlines([0.5, 0.6], [0, 0], [1, 1], linewidths=[0.4, 0.5], gid="lines")
    ax.plot([0.5], [0.5], "o", color="red", markeredgecolor="black", markeredgewidth=0.3, gid="point")
    ax.bar([0.5], [1], facecolor="red", edgecolor="red", linewidth=3)
    ax.plot([0, 1], [1, 0], linewidth=4, color="white")
    ax.plot([0, 1], [1, 0], linewidth=4, alpha=0)
    found = sorted((line.width, line.gid) for line in drawn_of(figure).lines)
    assert [width for width, _ in found] == pytest.approx([0.3, 0.4, 0.5, 0.7])
    assert [gid for _, gid in found] == ["point", "lines", "lines", "a line"]


def test_the_figure_keeps_its_resolution_also_after_an_error(monkeypatch):
    figure = Figure(dpi=123)
    drawn_of(figure)
    assert figure.dpi == 123

    def fail(renderer):
        raise RuntimeError

    monkeypatch.setattr(figure, "draw", fail)
    with pytest.raises(RuntimeError):
        drawn_of(figure)
    assert figure.dpi == 123
