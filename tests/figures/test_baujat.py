"""Baujat plots, and labels that touch neither points nor one another."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.baujat import figure_baujat, place_labels, plot_baujat
from analysis.figures.check_figure import check_figure
from analysis.figures.doi import figure_of, panel_points, plane_page, set_y_axis
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import house_style, style
from analysis.meta.influence import baujat
from analysis.values.estimate import EffectSizes


@pytest.fixture(scope="module")
def result(bcg):
    return baujat(bcg, model="common")


def many(k, seed=1, label=None):
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.05, 0.8, k)
    return EffectSizes(effect=rng.normal(0.2, error), variance=error**2, measure="OR", label=label)


def points_of(by_gid, ax):
    drawn = [artist for gid in ("study", "outstanding study") for artist in by_gid(ax, gid)]
    return np.concatenate([np.column_stack(artist.get_data()) for artist in drawn])


def test_points_are_the_result(by_gid, result):
    ax = plot_baujat(result)
    found = points_of(by_gid, ax)
    expected = np.column_stack((result.heterogeneity, result.influence))
    assert found[np.lexsort(found.T)] == pytest.approx(expected[np.lexsort(expected.T)])
    (named,) = by_gid(ax, "outstanding study")
    assert named.get_markerfacecolor() != "white"
    (others,) = by_gid(ax, "study")
    assert others.get_markerfacecolor() == "white"
    # BCG: Madras and Hart & Sutherland add most, Madras moves the mean most.
    assert named.get_xdata().max() == pytest.approx(result.heterogeneity.max())
    assert named.get_ydata().max() == pytest.approx(result.influence.max())


def test_the_words_say_who_stands_out(check_texts, result):
    figure = figure_baujat(result, note="Common-effect model.")
    texts = [text.replace("\n", " ") for text in check_texts(figure)]
    assert {"TPT Madras 1980", "Hart & Sutherland 1977", "Stein & Aronson 1953"} <= set(texts)
    record = record_of(figure)
    most = result.label[int(result.heterogeneity.argmax())]
    assert f"most to heterogeneity: {most}" in record.alt
    assert "most to the pooled estimate: TPT Madras 1980" in record.alt
    assert record.numbers["named"].sum() == 3
    assert record.numbers["heterogeneity"].to_numpy() == pytest.approx(result.heterogeneity)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, result, journal, column):
    with style(journal):
        figure = figure_baujat(result, width_mm=getattr(JOURNALS[journal], column), synthetic=True)
        check_texts(figure)
    check_ticks(figure)


@pytest.mark.parametrize("k", [2, 13, 200])
def test_any_number_of_studies(check_texts, by_gid, k):
    figure = figure_baujat(baujat(many(k)), most=30)
    check_texts(figure)
    assert len(points_of(by_gid, figure.axes[0])) == k


def test_equal_effects_have_nothing_to_name(check_texts):
    effects = EffectSizes(effect=[0.2] * 4, variance=[0.1, 0.2, 0.1, 0.3])
    figure = figure_baujat(baujat(effects, model="common"))
    check_texts(figure)
    assert record_of(figure).numbers["named"].sum() == 0


def test_long_and_equal_labels(check_texts):
    name = "Группа исследований Αθήνα & $x_1$ of a very long name that goes on over many lines to the end"
    texts = check_texts(figure_baujat(baujat(many(13, label=[name] * 13)), most=6))
    assert any(text.startswith("Группа") for text in texts)
    assert any("$x_1$" in text for text in texts)


def test_it_draws_into_given_axes_and_leaves_settings_alone(result):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_baujat(result, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(result, journal):
    with style(journal):
        report = check_figure(figure_baujat(result), journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, result):
    contents = []
    for folder in ("a", "b"):
        paths = save_figure(figure_baujat(result), "baujat", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg, result):
    with pytest.raises(TypeError, match=r"`result` must be Baujat, but got EffectSizes. It comes from"):
        plot_baujat(bcg)
    several = EffectSizes(effect=np.tile(bcg.effect, (2, 1)), variance=np.tile(bcg.variance, (2, 1)))
    with pytest.raises(ValueError, match="`result` must be of one meta-analysis, but has shape"):
        figure_baujat(baujat(several))
    with pytest.raises(ValueError, match="`most` must be at least 0, but got -1"):
        plot_baujat(result, most=-1)


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
