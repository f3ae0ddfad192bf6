"""Doi plots: points, summit, and the index with its warning."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.doi import figure_doi, plot_doi
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.lfk_index import lfk_index
from analysis.values.estimate import EffectSizes


@pytest.fixture(scope="module")
def index(bcg):
    return lfk_index(bcg)


def test_points_are_effects_against_the_size_of_the_normal_score(by_gid, bcg, index):
    ax = plot_doi(bcg, index=index)
    (points,) = by_gid(ax, "study")
    assert points.get_xdata() == pytest.approx(np.exp(bcg.effect))
    assert points.get_ydata() == pytest.approx(np.abs(index.z_score))
    assert ax.get_xscale() == "log"
    # The summit is at the top.
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    (summit,) = by_gid(ax, "summit line")
    assert summit.get_xdata()[0] == pytest.approx(np.exp(bcg.effect[np.argmin(np.abs(index.z_score))]))
    (limbs,) = by_gid(ax, "limbs")
    assert (np.diff(limbs.get_xdata()) >= 0).all()
    assert len(by_gid(ax, "null line")) == 1


def test_the_page_gives_the_index_and_its_warning(check_texts, bcg, index):
    figure = figure_doi(bcg, index=index, note="Trials of BCG.")
    texts = " ".join(check_texts(figure))
    assert "LFK index −4.10 (major asymmetry); 13 studies." in texts
    assert "is not a test" in texts
    assert "Egger's test" in texts
    assert "egger_test" not in texts
    assert "Trials of BCG." in texts
    record = record_of(figure)
    assert "LFK index −4.10" in record.alt
    assert "9 lie left" not in record.alt
    left = int((bcg.effect < bcg.effect[np.argmin(np.abs(index.z_score))]).sum())
    assert f"{left} lie left of the summit" in record.alt
    assert "should not be used" in record.caption
    assert record.numbers["abs_z"].to_numpy() == pytest.approx(np.abs(index.z_score))
    assert record.numbers["value"].to_numpy() == pytest.approx(np.exp(bcg.effect))
    assert record.numbers["summit"].sum() == 1


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, bcg, index, journal, column):
    with style(journal):
        figure = figure_doi(bcg, index=index, width_mm=getattr(JOURNALS[journal], column), synthetic=True)
        check_texts(figure)
    (ax,) = figure.axes
    for axis in (ax.xaxis, ax.yaxis):
        assert 3 <= len(axis.get_ticklocs()) <= 9


def test_two_hundred_studies_and_percentages(check_texts, by_gid):
    rng = np.random.default_rng(3)
    effects = EffectSizes(
        effect=rng.normal(-2, 0.5, 200), variance=rng.uniform(0.01, 0.5, 200), measure="PLO"
    )
    figure = figure_doi(effects, index=lfk_index(effects))
    check_texts(figure)
    (points,) = by_gid(figure.axes[0], "study")
    assert points.get_xdata() == pytest.approx(100 / (1 + np.exp(-effects.effect)))


def test_it_draws_into_given_axes_and_leaves_settings_alone(bcg, index):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_doi(bcg, index=index, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(bcg, index, journal):
    with style(journal):
        report = check_figure(figure_doi(bcg, index=index), journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, bcg, index):
    contents = []
    for folder in ("a", "b"):
        paths = save_figure(figure_doi(bcg, index=index), "doi", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg, index):
    other = EffectSizes(effect=[0.1, 0.2, 0.4], variance=[0.1, 0.1, 0.2])
    with pytest.raises(ValueError, match=r"`index` must be of the same studies, shape \(3,\), but is of"):
        plot_doi(other, index=index)
    with pytest.raises(TypeError, match="`index` must be LfkIndex, but got EffectSizes"):
        plot_doi(bcg, index=bcg)
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, but got list"):
        figure_doi([1, 2], index=index)
    several = EffectSizes(effect=np.tile(bcg.effect, (2, 1)), variance=np.tile(bcg.variance, (2, 1)))
    with pytest.raises(ValueError, match="`effects` must be one set of studies"):
        plot_doi(several, index=lfk_index(several))
    with pytest.raises(ValueError, match="`width_mm` must be between 60 and 400 millimetres, but got 30"):
        figure_doi(bcg, index=index, width_mm=30)


def test_made_up_data_are_called_so(check_texts, bcg, index):
    texts = check_texts(figure_doi(bcg, index=index, synthetic=True))
    assert any(text.startswith("SYNTHETIC DATA") for text in texts)
    assert not any("SYNTHETIC" in text for text in check_texts(figure_doi(bcg, index=index)))
