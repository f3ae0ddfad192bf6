import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from analysis.figures.parts.judgements import (
    draw_area,
    draw_judgement,
    draw_judgement_key,
    lay_out_judgement_key,
    sign_of,
)
from analysis.figures.style import style
from analysis.values.risk_of_bias import JUDGEMENTS, TOOLS


def axes(width=400.0, height=200.0):
    figure = Figure(figsize=(width / 72, height / 72))
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    return ax


def picture(judgement, size):
    ax = axes(2 * size, 2 * size)
    draw_judgement(ax, size, size, judgement, size)
    for line in ax.get_lines():
        if line.get_gid().startswith("judgement"):
            # Without colour.
            line.set_markerfacecolor("white")
        else:
            line.set_markeredgecolor("black")
    ax.figure.set_dpi(300)
    ax.figure.canvas.draw()
    return np.asarray(ax.figure.canvas.buffer_rgba())[..., 0].astype(float) / 255


@pytest.mark.parametrize("size", [6.0, 10.0])
def test_signs_differ_without_colour(size):
    pictures = {judgement: picture(judgement, size) for judgement in JUDGEMENTS}
    circle = np.pi * (size * 300 / 72 / 2) ** 2
    for (one, a), (other, b) in itertools.combinations(pictures.items(), 2):
        # The share of the circle that is dark in one picture and light in the other.
        share = np.abs(a - b).sum() / circle
        assert share > 0.05, (one, other)


def test_written_signs_and_areas_of_one_tool_differ():
    assert len({sign_of(judgement) for judgement in JUDGEMENTS}) == len(JUDGEMENTS)
    for judgements in TOOLS.values():
        areas = [draw_area(axes(), (0, 0), 9, 5, judgement) for judgement in judgements]
        assert len({area.get_hatch() or area.get_facecolor() for area in areas}) == len(judgements)


def test_marks_stand_where_they_are_told_and_limits_stay(by_gid):
    ax = axes()
    before = ax.get_xlim(), ax.get_ylim()
    draw_judgement(ax, [10, 500], [20, 30], "some concerns", 8.0)
    for gid in ("judgement: some concerns", "sign: some concerns"):
        (line,) = by_gid(ax, gid)
        assert line.get_xdata().tolist() == [10, 500]
        assert line.get_ydata().tolist() == [20, 30]
    ax.figure.canvas.draw()
    assert (ax.get_xlim(), ax.get_ylim()) == before


def test_the_circle_with_its_outline_has_the_size(by_gid):
    ax = axes()
    draw_judgement(ax, 10, 20, "low", 8.0)
    (circle,) = by_gid(ax, "judgement: low")
    assert circle.get_markersize() + circle.get_markeredgewidth() == pytest.approx(8.0)
    (sign,) = by_gid(ax, "sign: low")
    # A plus of half the radius, and the half of its stroke.
    assert sign.get_markersize() == pytest.approx(4.0)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`judgement` must be one of 'low', .* but got 'lwo'.*mean 'low'"):
        draw_judgement(axes(), 1, 2, "lwo", 8.0)
    with pytest.raises(ValueError, match="`size` must be above 0 points, but got 0"):
        draw_judgement(axes(), 1, 2, "low", 0)
    with pytest.raises(ValueError, match="`judgements` must be one of"):
        lay_out_judgement_key(["bad"], width=100)


@pytest.mark.parametrize("areas", [False, True])
@pytest.mark.parametrize("width", [90.0, 200.0, 390.0])
def test_the_key_names_each_judgement_once_and_fits(width, areas, check_texts):
    with style():
        key = lay_out_judgement_key([*JUDGEMENTS, "low", "low"], width=width, areas=areas)
        ax = axes(width + 10, key.height + 10)
        draw_judgement_key(ax, key, x=5, top=5, transform=ax.transData)
    texts = check_texts(ax.figure)
    assert [text.casefold() for text in texts] == list(JUDGEMENTS)
    signs = [line for line in ax.get_lines() if line.get_gid().startswith("sign")]
    assert len(signs) == len(JUDGEMENTS)
    assert len(ax.patches) == areas * len(JUDGEMENTS)


def test_an_empty_key_takes_no_room():
    assert lay_out_judgement_key([], width=100).height == 0
