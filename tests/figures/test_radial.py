"""Radial plots: positions, arc, band, words."""

import math

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.parts.plane import figure_of, panel_points
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.radial import figure_radial, plot_radial
from analysis.figures.record import record_of
from analysis.figures.style import POINTS_PER_INCH, style
from analysis.measures.effect_size import effect_sizes
from analysis.meta.influence import radial
from analysis.values.counts import Proportion
from analysis.values.estimate import EffectSizes


@pytest.fixture(scope="module")
def result(bcg):
    return radial(bcg, model="common")


def in_points(ax, x, y):
    """Return places in points from the origin of the plot."""
    dots = figure_of(ax).dpi / POINTS_PER_INCH
    origin = ax.transData.transform((0.0, 0.0))
    return (ax.transData.transform(np.column_stack((x, y))) - origin) / dots


def arc_labels(by_gid, ax):
    return {text.get_text(): text.xy for text in by_gid(ax, "arc label")}


def test_points_are_standardized_effects_against_precision(by_gid, result):
    ax = plot_radial(result)
    (inside,), (outside,) = by_gid(ax, "study"), by_gid(ax, "outside study")
    out = np.abs(result.distance) > result.half_band
    assert outside.get_xdata() == pytest.approx(result.precision[out])
    assert outside.get_ydata() == pytest.approx(result.standardized[out])
    assert inside.get_ydata() == pytest.approx(result.standardized[~out])
    assert inside.get_markerfacecolor() == "white"
    assert outside.get_markerfacecolor() != "white"


def test_lines_have_the_slope_of_their_effect_and_end_at_the_arc(by_gid, result):
    ax = plot_radial(result)
    (arc,) = by_gid(ax, "arc")
    radius = np.hypot(*in_points(ax, *arc.get_data()).T)
    assert radius == pytest.approx(radius[0])
    (pooled,) = by_gid(ax, "pooled line")
    x, y = pooled.get_data()
    assert y[1] / x[1] == pytest.approx(float(result.slope.mean))
    assert np.hypot(*in_points(ax, x[1:], y[1:]).T)[0] == pytest.approx(radius[0])
    for edge, offset in zip(by_gid(ax, "band edge"), (-1, 1), strict=True):
        x, y = edge.get_data()
        assert y[0] == pytest.approx(offset * result.half_band)
        assert y[1] == pytest.approx(offset * result.half_band + x[1] * float(result.slope.mean))
        assert np.hypot(*in_points(ax, x[1:], y[1:]).T)[0] == pytest.approx(radius[0])
    (null,) = by_gid(ax, "null line")
    assert null.get_ydata() == pytest.approx([0.0, 0.0])


def test_arc_labels_stand_at_their_effects(by_gid, result):
    ax = plot_radial(result)
    labels = arc_labels(by_gid, ax)
    assert "1" in labels
    assert len(labels) >= 3
    for text, (x, y) in labels.items():
        assert y / x == pytest.approx(math.log(float(text)), abs=1e-9)


def test_percentages_and_differences_have_their_own_arcs(by_gid, check_texts, bcg_table):
    share = Proportion(events=bcg_table.control_cases, total=bcg_table.control_total)
    ax = figure_radial(radial(effect_sizes(share, "PLO"))).axes[0]
    check_texts(ax.figure)
    assert by_gid(ax, "null line") == []
    for text, (x, y) in arc_labels(by_gid, ax).items():
        share = float(text) / 100
        assert y / x == pytest.approx(math.log(share / (1 - share)), abs=1e-9)
    ax = figure_radial(radial(effect_sizes(bcg_table, "RD"))).axes[0]
    check_texts(ax.figure)
    for text, (x, y) in arc_labels(by_gid, ax).items():
        assert y / x == pytest.approx(float(text.replace("−", "-")), abs=1e-9)


def test_everything_lies_in_the_panel(by_gid, result):
    ax = plot_radial(result)
    width, height = panel_points(ax)
    (low, high), (left, right) = ax.get_ylim(), ax.get_xlim()
    for gid in ("study", "outside study", "band edge"):
        for line in by_gid(ax, gid):
            x, y = line.get_data()
            assert (np.asarray(y) >= low).all()
            assert (np.asarray(y) <= high).all()
            assert (np.asarray(x) >= left).all()
            assert (np.asarray(x) <= right).all()
    assert ax.get_xticks().max() <= right
    assert width > height > 0


def test_the_words_count_and_name_those_outside(check_texts, result):
    figure = figure_radial(result, note="Common effect.")
    texts = check_texts(figure)
    assert "Common effect." in texts
    assert "Risk ratio" in texts
    record = record_of(figure)
    out = np.abs(result.distance) > result.half_band
    assert f"{out.sum()} of 13 studies lie outside of the band of ±1.96" in record.alt
    assert "TPT Madras 1980" in record.alt
    assert "0.65 (0.60 to 0.70)" in record.alt
    studies = record.numbers[record.numbers["kind"] == "study"]
    assert studies["precision"].to_numpy(dtype=float) == pytest.approx(result.precision)
    assert studies["outside"].sum() == out.sum()
    assert "τ²" not in record.caption
    assert "τ² = " in record_of(figure_radial(radial(result.slope.effects))).caption


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, result, journal, column):
    with style(journal):
        figure = figure_radial(result, width_mm=getattr(JOURNALS[journal], column), synthetic=True)
        check_texts(figure)
    check_ticks(figure)
    assert 3 <= len(figure.axes[0].get_yticks()) <= 9


@pytest.mark.parametrize("k", [1, 2, 200])
def test_any_number_of_studies(check_texts, by_gid, k):
    rng = np.random.default_rng(k)
    error = rng.uniform(0.05, 0.8, k)
    effects = EffectSizes(effect=rng.normal(0.2, error), variance=error**2, measure="OR")
    figure = figure_radial(radial(effects, model="common"))
    check_texts(figure)
    drawn = [line for gid in ("study", "outside study") for line in by_gid(figure.axes[0], gid)]
    assert sum(len(line.get_xdata()) for line in drawn) == k


@pytest.mark.parametrize("effect", [[8.0, 0.1, 0.2], [-1e-4, 1e-4, 2e-4], [0.5, 0.5, 0.5]])
def test_extreme_and_equal_effects(check_texts, effect):
    effects = EffectSizes(effect=effect, variance=[1.0, 0.02, 0.05], measure="RR")
    check_texts(figure_radial(radial(effects, model="common")))


def test_it_draws_into_given_axes_and_leaves_settings_alone(result):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_radial(result, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(result, journal):
    with style(journal):
        report = check_figure(figure_radial(result), journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, result):
    contents = []
    for folder in ("a", "b"):
        paths = save_figure(figure_radial(result), "radial", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg):
    with pytest.raises(
        TypeError, match=r"`result` must be Radial, but got EffectSizes. It comes from radial"
    ):
        plot_radial(bcg)
    several = EffectSizes(effect=np.tile(bcg.effect, (2, 1)), variance=np.tile(bcg.variance, (2, 1)))
    with pytest.raises(ValueError, match="`result` must be of one meta-analysis, but has shape"):
        figure_radial(radial(several))
