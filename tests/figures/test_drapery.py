"""Drapery plots: the curve of each study, of the pooled estimate and of a further study."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.drapery import figure_drapery, plot_drapery
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.pooling import pool
from analysis.meta.prediction import prediction_interval
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes

TABLE = TwoByTwo(exposed_cases=15, exposed_total=60, control_cases=8, control_total=80)


def limits_at(x, y, pvalue):
    """Return where a curve passes a height on its way up and on its way down."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    top = int(np.nanargmax(y))
    left = np.interp(pvalue, y[: top + 1], x[: top + 1])
    right = np.interp(pvalue, y[: top - 1 : -1], x[: top - 1 : -1])
    return left, right


def test_every_study_has_its_curve(by_gid, bcg, bcg_pooled):
    ax = plot_drapery(bcg_pooled)
    (curves,) = by_gid(ax, "study")
    segments = curves.get_segments()
    assert len(segments) == 13
    order = np.argsort(bcg_pooled.weights, kind="stable")
    for number, i in enumerate(order):
        x, y = segments[number].T
        assert y.max() == 1.0
        assert x[y.argmax()] == pytest.approx(np.exp(bcg.effect[i]))
        reach = 1.959963984540054 * bcg.std_error[i]
        found = limits_at(np.log(x), y, 0.05)
        assert found == pytest.approx((bcg.effect[i] - reach, bcg.effect[i] + reach), abs=2e-3 * reach)


def test_the_pooled_curve_is_as_wide_as_the_intervals_of_all_levels(by_gid, bcg):
    ax = plot_drapery(pool(bcg))
    (line,) = by_gid(ax, "pooled")
    x, y = line.get_data()
    for level in (0.5, 0.8, 0.95, 0.99):
        estimate = pool(bcg, confidence_level=level).estimate
        found = np.array(limits_at(np.log(x), y, 1 - level))
        expected = np.log([float(estimate.low), float(estimate.high)])
        assert found == pytest.approx(expected, abs=2e-3)


def test_the_prediction_is_that_of_a_further_study(by_gid, bcg, bcg_pooled):
    ax = plot_drapery(bcg_pooled)
    (line,) = by_gid(ax, "further")
    x, y = line.get_data()
    expected = prediction_interval(bcg_pooled, confidence_level=0.8)
    found = np.array(limits_at(np.log(x), y, 0.2))
    assert found == pytest.approx(np.log([float(expected.low), float(expected.high)]), abs=3e-3)
    assert by_gid(plot_drapery(bcg_pooled, prediction=False), "further") == []
    # The common-effect model predicts nothing.
    assert by_gid(plot_drapery(pool(bcg, model="common")), "further") == []


def test_levels_stand_on_the_right(by_gid, bcg_pooled):
    ax = plot_drapery(bcg_pooled, level=0.9)
    levels = {text.get_text(): text.xy[1] for text in by_gid(ax, "level")}
    assert "90" in levels
    assert "50" in levels
    for text, height in levels.items():
        assert height == pytest.approx(1 - float(text) / 100)
    (line,) = by_gid(ax, "level line")
    assert line.get_ydata()[0] == pytest.approx(0.1)


def test_the_words_of_a_drapery_plot(check_texts, bcg_pooled):
    figure = figure_drapery(bcg_pooled, note="A note.")
    texts = check_texts(figure)
    assert {"P-value", "Confidence level (%)", "A note.", "further study"} <= set(texts)
    record = record_of(figure)
    assert "0.49 (0.33 to 0.73), P = 0.002 against no effect" in record.alt
    assert "95% prediction interval (0.13 to 1.79)" in record.alt
    assert "8 of 13 studies have P < 0.05" in record.alt
    assert list(record.numbers["kind"]) == ["study"] * 13 + ["pooled", "prediction"]


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, bcg_pooled, journal, column):
    width = getattr(JOURNALS[journal], column)
    with style(journal):
        figure = figure_drapery(bcg_pooled, width_mm=width, synthetic=True)
        check_texts(figure)
    check_ticks(figure)
    assert 3 <= len(figure.axes[0].get_yticks()) <= 9


@pytest.mark.parametrize("k", [1, 2, 200])
def test_any_number_of_studies(check_texts, by_gid, k):
    rng = np.random.default_rng(k)
    error = rng.uniform(0.05, 0.8, k)
    effects = EffectSizes(effect=rng.normal(0.2, error), variance=error**2, measure="OR")
    figure = figure_drapery(pool(effects, ci="wald"))
    check_texts(figure)
    assert len(by_gid(figure.axes[0], "study")[0].get_segments()) == k


def test_studies_left_out_have_no_curve(by_gid):
    effects = EffectSizes(effect=[0.1, np.nan, 0.4, 0.3], variance=[0.1, 0.1, 0.2, 0.1], measure="OR")
    pooled = pool(effects, where=[True, False, True, True])
    assert len(by_gid(plot_drapery(pooled), "study")[0].get_segments()) == 3
    assert (record_of(figure_drapery(pooled)).numbers["kind"] == "study").sum() == 3


def test_it_draws_into_given_axes_and_leaves_settings_alone(bcg_pooled):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_drapery(bcg_pooled, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(bcg_pooled, journal):
    with style(journal):
        report = check_figure(figure_drapery(bcg_pooled), journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, bcg_pooled):
    contents = []
    for folder in ("a", "b"):
        paths = save_figure(figure_drapery(bcg_pooled), "drapery", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg, bcg_pooled):
    with pytest.raises(TypeError, match="`pooled` must be PooledEstimate, but got EffectSizes"):
        plot_drapery(bcg)
    several = EffectSizes(effect=np.tile(bcg.effect, (2, 1)), variance=np.tile(bcg.variance, (2, 1)))
    with pytest.raises(ValueError, match="`pooled` must be of one meta-analysis, but has shape"):
        plot_drapery(pool(several))
    with pytest.raises(ValueError, match="but ci='profile' is none. Pool with ci='wald'"):
        figure_drapery(pool(bcg, ci="profile", tau2="ML"))
    with pytest.raises(ValueError, match="`confidence_level` must be between 0 and 1, but got 95"):
        plot_drapery(bcg_pooled, level=95)
