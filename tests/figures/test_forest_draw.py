import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.forest import figure_forest, plot_forest
from analysis.meta.pooling import pool
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.risk_of_bias import RiskOfBias


def effects_of(k, *, measure="RR"):
    return EffectSizes(effect=np.linspace(-1, 1, k), variance=0.1, measure=measure)


def test_areas_go_by_weight(bcg, bcg_pooled, by_gid):
    for draw in (plot_forest, lambda *args, **options: figure_forest(*args, **options).axes[0]):
        ax = draw(bcg, pooled=bcg_pooled)
        sides = np.array([line.get_markersize() for line in by_gid(ax, "estimate")])
        areas = sides**2 / bcg_pooled.weights
        assert areas == pytest.approx(areas[0])
        assert sides.max() <= 7.5


def test_the_square_of_a_precise_study_does_not_hide_its_interval(by_gid):
    effects = EffectSizes(effect=[0.0, -0.5, 0.9], variance=[0.001, 0.2, 0.2], measure="RR")
    ax = figure_forest(effects, pooled=pool(effects, model="common", ci="wald")).axes[0]
    (white,) = by_gid(ax, "interval in square")
    square = by_gid(ax, "estimate")[0]
    interval = by_gid(ax, "interval")[0]
    assert to_rgb(white.get_color()) == (1, 1, 1)
    assert interval.get_zorder() < square.get_zorder() < white.get_zorder()
    assert white.get_ydata()[0] == square.get_ydata()[0]
    half = square.get_markersize() / 2 * ax.figure.dpi / 72
    low, high = ax.transData.transform([(x, 0) for x in interval.get_xdata()])[:, 0]
    middle = ax.transData.transform((square.get_xdata()[0], 0))[0]
    ends = ax.transData.transform([(x, 0) for x in white.get_xdata()])[:, 0]
    assert ends == pytest.approx([max(low, middle - half), min(high, middle + half)])
    # The others are long enough to be seen beside their squares.
    assert all(line.get_zorder() > square.get_zorder() for line in by_gid(ax, "interval")[1:])


@pytest.mark.parametrize("prediction", ["bar", "shade", "density"])
def test_the_prediction_interval_is_where_its_numbers_are(bcg_pooled, prediction, by_gid):
    ax = figure_forest(bcg_pooled, prediction=prediction, xlim=(0.05, 10)).axes[0]
    (mark,) = by_gid(ax, "prediction interval")
    ends = [mark.get_x(), mark.get_x() + mark.get_width()] if prediction == "shade" else mark.get_xdata()
    expected = [float(bcg_pooled.prediction.low), float(bcg_pooled.prediction.high)]
    assert list(ends) == pytest.approx(expected)
    if prediction == "density":
        (curve,) = by_gid(ax, "prediction density")
        vertices = curve.get_paths()[0].vertices
        peak = vertices[vertices[:, 1].argmin(), 0]
        assert peak == pytest.approx(float(bcg_pooled.estimate.value), rel=0.02)


def test_no_prediction_interval_where_none_is_wanted(bcg_pooled, by_gid, check_texts):
    figure = figure_forest(bcg_pooled, prediction="none")
    assert by_gid(figure.axes[0], "prediction interval") == []
    assert not any("prediction" in text for text in check_texts(figure))
    with pytest.raises(ValueError, match="`prediction` must be one of 'bar', 'shade', 'density', 'none'"):
        figure_forest(bcg_pooled, prediction="bars")


def test_exact_intervals_can_be_shown_and_one_sided_ones_are_what_they_are(by_gid, check_texts):
    effects = EffectSizes(effect=[0.0, 0.5, 0.2], variance=[0.1, 0.1, 0.1], measure="OR", label=list("abc"))
    own = Estimate(
        measure="OR",
        value=np.array([1.0, 1.6, 1.2]),
        low=np.array([0.4, np.nan, 0.0]),
        high=np.array([2.2, 3.0, np.nan]),
        confidence_level=0.95,
        std_error=None,
        scale="log",
        method="exact",
    )
    figure = figure_forest(effects, intervals=own, xlim=(0.25, 4))
    texts = check_texts(figure)
    drawn = [list(line.get_xdata()) for line in by_gid(figure.axes[0], "interval")]
    assert drawn == [[0.4, 2.2], [1.6, 3.0], [0.25, 1.2]]
    assert {"1.60 (NE to 3.00)", "1.20 (0.00 to NE)", "NE: this limit is not estimable."} <= set(texts)
    assert len(by_gid(figure.axes[0], "arrow")) == 1
    with pytest.raises(
        ValueError, match=r"`intervals` must have one entry a row, shape \(3,\), but has \(2,\)"
    ):
        figure_forest(effects, intervals=own[:2])


def test_the_logit_axis_is_straight_in_log_odds(by_gid):
    effects = EffectSizes(effect=[-6.0, -4.0, -2.0], variance=0.1, measure="PLO")
    ax = figure_forest(effects, axis="logit").axes[0]
    places = ax.transData.transform([(mark.get_xdata()[0], 0) for mark in by_gid(ax, "estimate")])[:, 0]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    with pytest.raises(ValueError, match="`axis` = 'logit' is for proportions, but the measure is RR"):
        figure_forest(effects_of(3), axis="logit")
    with pytest.raises(ValueError, match="`axis` = 'log' is for values above 0, but the measure is RD"):
        figure_forest(effects_of(3, measure="RD"), axis="log")
    with pytest.raises(ValueError, match="`axis` must be one of 'log', 'linear', 'logit'"):
        figure_forest(effects_of(3), axis="logarithmic")
    assert figure_forest(effects_of(3), axis="linear").axes[0].get_xscale() == "linear"


def test_judgements_stand_in_the_rows_of_their_studies(bcg, bcg_pooled, check_texts):
    judged = RiskOfBias(
        label=list(bcg.label)[::-1],
        domain=["randomisation", "missing data"],
        judgement=[["low", "high" if label == "TPT Madras 1980" else "low"] for label in bcg.label][::-1],
        overall=["some concerns"] * 13,
    )
    figure = figure_forest(bcg_pooled, risk_of_bias=judged, sort_by="effect")
    texts = check_texts(figure)
    note = next(text for text in texts if text.startswith("Risk of bias:"))
    assert note.startswith("Risk of bias: A, randomisation; B, missing data; C, overall.")
    overlay = next(ax for ax in figure.axes if ax.get_label() == "overlay")
    (high,) = [line for line in overlay.lines if line.get_gid() == "judgement: high"]
    figure.draw_without_rendering()
    row = next(text for text in figure.texts if text.get_text() == "TPT Madras 1980")
    box = row.get_window_extent(figure.canvas.get_renderer())
    assert box.y0 < overlay.transData.transform((high.get_xdata()[0], high.get_ydata()[0]))[1] < box.y1
    low = [line for line in overlay.lines if line.get_gid() == "judgement: low"]
    assert sum(len(line.get_xdata()) for line in low) == 25
    lacking = RiskOfBias(label=["a"], domain=["x"], judgement=[["low"]])
    with pytest.raises(ValueError, match="`risk_of_bias` must judge every study, but lacks 'Aronson 1948'"):
        figure_forest(bcg_pooled, risk_of_bias=lacking)
