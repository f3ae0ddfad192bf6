"""Baujat plots: points, and the studies that stand out."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.baujat import figure_baujat, plot_baujat
from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
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
