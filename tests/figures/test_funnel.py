"""Funnel plots: points, contours, region and the lines of small-study methods."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.funnel import figure_funnel, plot_funnel
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.measures.effect_size import effect_sizes
from analysis.meta.limit_meta_analysis import limit_meta_analysis
from analysis.meta.pooling import pool
from analysis.meta.small_study import begg_test, egger_test
from analysis.meta.trim_and_fill import trim_and_fill
from analysis.values.counts import Proportion
from analysis.values.estimate import EffectSizes

Z95 = 1.959963984540054
# Normal quantiles of the contours 0.1, 0.05 and 0.01.
CONTOURS = [1.6448536269514722, Z95, 2.5758293035489004]


def small_effects(k=40, seed=2):
    """Return studies whose small ones have large effects."""
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.05, 0.7, k)
    return EffectSizes(effect=rng.normal(0.1 + 1.2 * error, error), variance=error**2, measure="OR")


def line_of(by_gid, ax, gid):
    (line,) = by_gid(ax, gid)
    return line.get_data()


def test_points_are_effects_against_standard_errors_precise_studies_on_top(by_gid, bcg):
    ax = plot_funnel(bcg)
    x, y = line_of(by_gid, ax, "study")
    assert x == pytest.approx(np.exp(bcg.effect))
    assert y == pytest.approx(np.sqrt(bcg.variance))
    bottom, top = ax.get_ylim()
    assert bottom > bcg.std_error.max()
    assert top == 0
    assert ax.get_xscale() == "log"
    assert len(by_gid(ax, "null line")) == 1


@pytest.mark.parametrize(
    ("size", "height", "upwards"),
    [("variance", lambda e: e**2, False), ("precision", lambda e: 1 / e, True)],
)
def test_other_sizes(by_gid, bcg, bcg_pooled, size, height, upwards):
    ax = plot_funnel(bcg, pooled=bcg_pooled, size=size)
    _, y = line_of(by_gid, ax, "study")
    assert y == pytest.approx(height(bcg.std_error))
    bottom, top = ax.get_ylim()
    assert bool(top > bottom) is upwards
    name = {
        "variance": "Sampling variance (log scale)",
        "precision": "Precision (1/standard error, log scale)",
    }
    assert ax.get_ylabel() == name[size]
    left, right = by_gid(ax, "region")
    mean = float(bcg_pooled.mean)
    for line, sign in ((left, -1), (right, 1)):
        x, y = line.get_data()
        error = np.sqrt(y) if size == "variance" else 1 / y
        assert np.log(x) == pytest.approx(mean + sign * Z95 * error)


def test_the_number_of_persons_has_no_contours(by_gid, bcg, bcg_table, bcg_pooled):
    n = bcg_table.exposed_total + bcg_table.control_total
    ax = plot_funnel(bcg, pooled=bcg_pooled, size="n", n=n)
    _, y = line_of(by_gid, ax, "study")
    assert y == pytest.approx(n)
    # Five hundred to a hundred thousand: only a log axis shows both.
    assert ax.get_yscale() == "log"
    assert by_gid(ax, "contour") == []
    assert by_gid(ax, "region") == []
    (line,) = by_gid(ax, "pooled line")
    assert line.get_xdata() == pytest.approx([float(bcg_pooled.estimate.value)] * 2)


def edges_of(band):
    """Return the corners of a contour band as (log effect, standard error)."""
    vertices = band.get_paths()[0].vertices
    return np.log(vertices[:, 0]), vertices[:, 1]


def test_contours_are_where_the_p_value_is_theirs(by_gid, bcg):
    ax = plot_funnel(bcg)
    left, right = np.log(ax.get_xlim())
    bands = by_gid(ax, "contour")
    assert len(bands) == 4
    for side, two in ((-1, bands[:2]), (1, bands[2:])):
        for band, inner, outer in zip(two, CONTOURS[:2], CONTOURS[1:], strict=True):
            x, y = edges_of(band)
            free = (x > left + 1e-6) & (x < right - 1e-6) & (y > 1e-6)
            assert free.any()
            z = np.abs(x[free]) / y[free]
            assert (np.sign(x[free]) == side).all()
            assert (np.isclose(z, inner, rtol=1e-6) | np.isclose(z, outer, rtol=1e-6)).all()
            assert np.isclose(z, inner, rtol=1e-6).any()
    # Lighter outwards, as grey values, and neither is white.
    inner, outer = (band.get_facecolor()[0, 0] for band in bands[:2])
    assert inner + 0.1 < outer < 0.9


def test_contours_can_be_chosen_or_left_out(by_gid, bcg):
    # The outside of a single contour is shaded to the ends of the axis.
    ax = plot_funnel(bcg, contours=[0.05])
    bands = by_gid(ax, "contour")
    assert len(bands) == 2
    assert np.exp(edges_of(bands[1])[0]).max() == pytest.approx(ax.get_xlim()[1])
    assert len(by_gid(plot_funnel(bcg, contours=[0.05, 0.01]), "contour")) == 2
    assert by_gid(plot_funnel(bcg, contours=()), "contour") == []
    share = effect_sizes(Proportion(events=[3, 5, 9], total=[40, 50, 60]), "PLO")
    assert by_gid(plot_funnel(share), "contour") == []


def test_the_region_holds_95_percent_around_the_pooled_effect(by_gid, bcg, bcg_pooled):
    ax = plot_funnel(bcg, pooled=bcg_pooled)
    left, right = by_gid(ax, "region")
    mean = float(bcg_pooled.mean)
    assert np.log(left.get_xdata()) == pytest.approx(mean - Z95 * left.get_ydata())
    assert np.log(right.get_xdata()) == pytest.approx(mean + Z95 * right.get_ydata())
    x, _ = line_of(by_gid, ax, "pooled line")
    assert np.log(x) == pytest.approx(mean)


def test_the_region_is_bent_on_an_axis_of_percentages(by_gid):
    share = effect_sizes(Proportion(events=[3, 5, 9], total=[40, 50, 60]), "PLO")
    pooled = pool(share)
    left, _ = by_gid(plot_funnel(share, pooled=pooled), "region")
    logit = float(pooled.mean) - Z95 * left.get_ydata()
    assert left.get_xdata() == pytest.approx(100 / (1 + np.exp(-logit)))


def test_filled_studies_are_rings_with_their_own_line(by_gid):
    effects = small_effects()
    filled = trim_and_fill(effects)
    assert filled.n_filled > 0
    ax = plot_funnel(effects, filled=filled)
    (rings,) = by_gid(ax, "filled study")
    assert np.log(rings.get_xdata()) == pytest.approx(filled.filled.effect[40:])
    assert rings.get_ydata() == pytest.approx(filled.filled.std_error[40:])
    assert rings.get_markerfacecolor() == "white"
    x, _ = line_of(by_gid, ax, "filled pooled line")
    assert np.log(x) == pytest.approx(float(filled.pooled.mean))
    assert len(line_of(by_gid, ax, "study")[0]) == 40


@pytest.mark.parametrize("model", ["lm", "mixed"])
def test_eggers_line_starts_at_the_effect_of_infinite_size(by_gid, model):
    effects = small_effects()
    test = egger_test(effects, model=model)
    x, y = line_of(by_gid, plot_funnel(effects, egger=test), "egger line")
    assert x[0] == pytest.approx(float(test.limit.value))
    assert np.diff(np.log(x)) / np.diff(y) == pytest.approx(float(test.bias))


def test_the_limit_line_ends_at_the_adjusted_estimate(by_gid):
    effects = small_effects()
    limit = limit_meta_analysis(effects)
    assert limit.tau2 >= 0
    x, y = line_of(by_gid, plot_funnel(effects, limit=limit), "limit line")
    assert y[0] == 0
    assert x[0] == pytest.approx(float(limit.estimate.value))
    expected = limit.slope + limit.intercept * np.sqrt(y**2 + limit.tau2)
    assert np.log(x) == pytest.approx(expected)


def test_key_and_words_say_everything_that_is_drawn(check_texts):
    effects = small_effects()
    figure = figure_funnel(
        effects,
        pooled=pool(effects),
        filled=trim_and_fill(effects),
        egger=egger_test(effects),
        limit=limit_meta_analysis(effects),
        note="Made-up studies.",
        synthetic=True,
    )
    texts = check_texts(figure)
    wanted = {"study", "filled in", "pooled", "95% region", "pooled with filled", "Egger's line"}
    assert wanted | {"limit meta-analysis", "P ≥ 0.10 inside", "0.05 to 0.10", "P < 0.01 outside"} <= set(
        texts
    )
    record = record_of(figure)
    assert "Egger test of asymmetry: P" in record.alt
    assert "Trim and fill (L0)" in record.caption
    kinds = set(record.numbers["kind"])
    assert kinds == {
        "study",
        "filled study",
        "pooled line",
        "region",
        "filled pooled line",
        "egger line",
        "limit line",
        "contour",
    }


def test_the_words_count_as_the_eye_does(bcg, bcg_pooled):
    record = record_of(figure_funnel(bcg, pooled=bcg_pooled))
    z = np.abs(bcg.effect) / bcg.std_error
    away = (bcg.effect - bcg_pooled.mean) / bcg.std_error
    assert f"{(z > Z95).sum()} of 13 have P < 0.05" in record.alt
    assert f"{(away < -Z95).sum()} lie left of the region" in record.alt
    assert f"and {(away > Z95).sum()} right of it" in record.alt
    assert "0.49 (0.33 to 0.73)" in record.alt
    studies = record.numbers[record.numbers["kind"] == "study"]
    assert studies["value"].to_numpy() == pytest.approx(np.exp(bcg.effect))
    assert list(studies["label"]) == list(bcg.label)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, bcg, bcg_pooled, journal, column):
    with style(journal):
        figure = figure_funnel(
            bcg,
            pooled=bcg_pooled,
            filled=trim_and_fill(bcg),
            egger=egger_test(bcg),
            annotate=[0, 7, 11],
            width_mm=getattr(JOURNALS[journal], column),
            synthetic=True,
        )
        check_texts(figure)
    check_ticks(figure)
    assert 3 <= len(figure.axes[0].get_yticks()) <= 9


@pytest.mark.parametrize("size", ["std_error", "variance", "precision"])
@pytest.mark.parametrize("k", [1, 2, 200])
def test_any_number_of_studies(check_texts, check_ticks, by_gid, k, size):
    effects = small_effects(k)
    figure = figure_funnel(effects, pooled=pool(effects, ci="wald"), size=size)
    check_texts(figure)
    check_ticks(figure)
    assert len(line_of(by_gid, figure.axes[0], "study")[0]) == k


@pytest.mark.parametrize(
    ("effect", "variance"),
    [
        ([-6.0, 0.1, 7.0], [4.0, 0.01, 3.0]),
        ([0.01, 0.011, 0.012], [1e-6, 2e-6, 3e-6]),
        ([0.3] * 3, [0.2] * 3),
    ],
)
@pytest.mark.parametrize("measure", ["RR", "RD"])
def test_wide_narrow_and_equal_studies(check_texts, check_ticks, effect, variance, measure):
    effects = EffectSizes(effect=effect, variance=variance, measure=measure)
    for size in ("std_error", "variance", "precision"):
        figure = figure_funnel(effects, pooled=pool(effects, ci="wald"), size=size)
        check_texts(figure)
        check_ticks(figure)


def test_what_is_not_estimable_is_said(check_texts, by_gid):
    effects = EffectSizes(effect=[0.1, np.nan, 0.4], variance=[0.1, np.nan, 0.0], measure="OR")
    figure = figure_funnel(effects)
    assert "1 study not estimable, not drawn." in check_texts(figure)
    x, _ = line_of(by_gid, figure.axes[0], "study")
    assert np.isfinite(x).sum() == 2
    assert list(record_of(figure).numbers["drawn"][:3]) == [True, False, True]
    # A standard error of 0 has no precision.
    assert "2 studies not estimable, not drawn." in check_texts(figure_funnel(effects, size="precision"))


def test_labels_of_any_letters_are_placed(check_texts, by_gid):
    names = ["Αθήνα 1990", "Москва 2001", "$a_b$ & Co", "same", "same"]
    effects = EffectSizes(
        effect=[0.1, 0.5, -0.2, 0.3, 0.31], variance=[0.1, 0.2, 0.05, 0.01, 0.011], measure="RR", label=names
    )
    figure = figure_funnel(effects, annotate=range(5))
    texts = check_texts(figure)
    assert {"Αθήνα 1990", "Москва 2001", "$a_b$ & Co"} <= set(texts)


def test_it_draws_into_given_axes_and_leaves_settings_alone(bcg):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_funnel(bcg, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(bcg, bcg_pooled, journal):
    with style(journal):
        figure = figure_funnel(bcg, pooled=bcg_pooled, filled=trim_and_fill(bcg), egger=egger_test(bcg))
        report = check_figure(figure, journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, bcg, bcg_pooled):
    contents = []
    for folder in ("a", "b"):
        figure = figure_funnel(bcg, pooled=bcg_pooled, egger=egger_test(bcg))
        paths = save_figure(figure, "funnel", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"size": "se"}, ValueError, "`size` must be one of 'std_error', 'variance', 'precision', 'n'"),
        (
            {"contours": [1.5]},
            ValueError,
            "`contours` must be up to three different P-values between 0 and 1",
        ),
        ({"contours": [0.1, 0.1]}, ValueError, "`contours` must be up to three different"),
        ({"size": "n"}, ValueError, "`n`, the persons of each study, must be given for size='n', and only"),
        (
            {"n": [10] * 13},
            ValueError,
            "`n`, the persons of each study, must be given for size='n', and only",
        ),
        (
            {"size": "n", "n": [5]},
            ValueError,
            r"`n` must have the shape of the effects \(13,\), but has \(1,\)",
        ),
        (
            {"size": "n", "n": [5] * 13, "contours": [0.05]},
            ValueError,
            "`contours` needs an axis of the standard",
        ),
        ({"annotate": [13]}, ValueError, r"`annotate` must be positions from 0 to 12, but got \[13\]"),
        ({"pooled": 1.0}, TypeError, "`pooled` must be PooledEstimate or None, but got float"),
        ({"width_mm": 20}, ValueError, "`width_mm` must be between 60 and 400 millimetres, but got 20"),
    ],
)
def test_wrong_arguments_are_named(bcg, changes, error, message):
    with pytest.raises(error, match=message):
        figure_funnel(bcg, **changes)


def test_results_of_other_studies_are_refused(bcg, bcg_table):
    others = effect_sizes(bcg_table, "OR")
    with pytest.raises(
        ValueError, match="`pooled` must be of one meta-analysis of measure RR, but is of shape"
    ):
        plot_funnel(bcg, pooled=pool(others))
    with pytest.raises(ValueError, match="`egger` must be of predictor='std_error'"):
        plot_funnel(bcg, egger=begg_test(bcg))
    with pytest.raises(ValueError, match="`egger` must be of predictor='std_error'"):
        plot_funnel(bcg, egger=egger_test(bcg, predictor="variance"))
    fewer = EffectSizes(effect=bcg.effect[:4], variance=bcg.variance[:4], measure="RR")
    with pytest.raises(ValueError, match="`limit` must be of these 4 studies, but is of 13"):
        plot_funnel(fewer, limit=limit_meta_analysis(bcg))
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, but got list"):
        plot_funnel([1.0])
    with pytest.raises(ValueError, match="`effects` must be one set of studies"):
        plot_funnel(EffectSizes(effect=np.zeros((2, 3)), variance=np.ones((2, 3))))
    with pytest.raises(ValueError, match="`contours` are around no effect, which measure PLO does not have"):
        plot_funnel(EffectSizes(effect=[0.1], variance=[0.1], measure="PLO"), contours=[0.05])
    with pytest.raises(
        ValueError, match="`effects` must hold at least one estimable study, but all are missing"
    ):
        plot_funnel(EffectSizes(effect=[np.nan], variance=[1.0]))


def test_the_caption_counts_labels_without_room(by_gid):
    effects = EffectSizes(effect=np.linspace(0.1, 0.11, 12), variance=[0.1] * 12, measure="OR")
    figure = figure_funnel(effects, annotate=[*range(12), 3])
    written = len(by_gid(figure.axes[0], "study label"))
    assert 0 < written < 12
    assert f"No room for {12 - written} of 12 labels." in record_of(figure).caption
    assert "No room" not in record_of(figure_funnel(effects, annotate=[0])).caption
    assert "No room" not in record_of(figure_funnel(effects)).caption
