import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.forest import figure_forest, plot_forest
from analysis.measures.effect_size import effect_sizes
from analysis.measures.stratified import mantel_haenszel
from analysis.meta.pooling import pool
from analysis.values.counts import Proportion, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

LONG = "A study with a name that no journal would print on one line: women of 50 years (lumbar spine), 2003"


def effects_of(k, *, measure="RR", label=None):
    spread = np.linspace(-1, 1, k) if k > 1 else np.array([0.4])
    scale = {"RD": 0.1, "PLO": 1.0}.get(measure, 1.0)
    return EffectSizes(
        effect=scale * spread,
        variance=scale**2 * np.geomspace(0.005, 0.5, k),
        measure=measure,
        label=label or [f"Author {i} {1950 + i}" for i in range(k)],
    )


def test_rows_keep_the_callers_order_and_the_axis_is_logarithmic(bcg, bcg_pooled, by_gid):
    ax = plot_forest(bcg, pooled=bcg_pooled)
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        *bcg.label,
        "Random-effects model (REML, Hartung–Knapp)",
        "95% prediction interval",
    ]
    marks = by_gid(ax, "estimate")
    assert [line.get_xdata()[0] for line in marks] == pytest.approx(np.exp(bcg.effect))
    assert [line.get_ydata()[0] for line in marks] == list(range(13))
    assert ax.yaxis_inverted()
    assert by_gid(ax, "null line")[0].get_xdata() == [1, 1]
    assert ax.get_xlabel() == "Risk ratio (log scale)"


def test_intervals_diamond_and_prediction_are_where_the_numbers_are(bcg, bcg_pooled, by_gid):
    ax = plot_forest(bcg, pooled=bcg_pooled)
    interval = bcg.interval()
    drawn = np.array([line.get_xdata() for line in by_gid(ax, "interval")])
    assert drawn == pytest.approx(np.column_stack([interval.low, interval.high]))
    corners = by_gid(ax, "diamond")[0].get_xy()
    estimate = bcg_pooled.estimate
    assert corners[0] == pytest.approx([float(estimate.low), 13])
    assert corners[2] == pytest.approx([float(estimate.high), 13])
    assert corners[1][0] == pytest.approx(float(estimate.value))
    bar = by_gid(ax, "prediction interval")[0]
    assert bar.get_xdata() == pytest.approx(
        [float(bcg_pooled.prediction.low), float(bcg_pooled.prediction.high)]
    )


def test_areas_go_by_weight_but_never_hide_an_interval(bcg, bcg_pooled, by_gid):
    ax = plot_forest(bcg, pooled=bcg_pooled)
    sides = np.array([line.get_markersize() for line in by_gid(ax, "estimate")])
    visible = np.array(
        [
            np.ptp(ax.transData.transform([(x, 0) for x in line.get_xdata()])[:, 0])
            for line in by_gid(ax, "interval")
        ]
    )
    visible *= 72 / ax.figure.dpi
    assert (sides <= np.maximum(0.6 * visible, 2.4) + 1e-9).all()
    free = sides < 0.59 * visible
    areas = sides[free] ** 2 / bcg_pooled.weights[free]
    assert free.sum() >= 8
    assert areas == pytest.approx(areas[0])


def test_the_square_of_a_precise_study_leaves_its_interval_visible(by_gid):
    effects = EffectSizes(effect=[0.0, -0.5, 0.9], variance=[0.001, 0.2, 0.2], measure="RR")
    ax = figure_forest(effects, pooled=pool(effects, model="common", ci="wald")).axes[0]
    side = by_gid(ax, "estimate")[0].get_markersize()
    low, high = ax.transData.transform([(x, 0) for x in by_gid(ax, "interval")[0].get_xdata()])[:, 0]
    assert side == pytest.approx(0.6 * (high - low) * 72 / ax.figure.dpi)
    assert side < 7


def test_without_pooling_there_are_equal_squares_and_no_weights(bcg, by_gid, check_texts):
    figure = figure_forest(bcg)
    texts = check_texts(figure)
    assert not any("Weight" in text or "Heterogeneity" in text for text in texts)
    assert by_gid(figure.axes[0], "diamond") == []


def test_the_text_columns_say_what_is_drawn(bcg, bcg_pooled, bcg_table, check_texts):
    texts = check_texts(
        figure_forest(
            bcg,
            pooled=bcg_pooled,
            table=bcg_table,
            arms=("Vaccinated", "Control"),
            favours=("favours vaccination", "favours no vaccination"),
            note="Trials in the order of the review.",
        )
    )
    for text in (
        "Vaccinated",
        "4/123",
        "248/12\u2009867",
        "0.41 (0.13 to 1.26)",
        "0.20 (0.09 to 0.49)",
        "0.49 (0.33 to 0.73)",
        "(0.13 to 1.79)",
        "10.2",
        "100.0",
        "Weight",
        "Risk ratio",
        "(95% CI)",
        "Trials in the order of the review.",
    ):
        assert text in texts
    assert any(
        "I²\xa0=\xa092%, τ²\xa0=\xa00.313, Q\xa0=\xa0152.2 (df\xa0=\xa012, P\xa0<\xa00.001)" in text
        for text in texts
    )


def test_text_stands_at_the_height_of_its_mark(bcg, bcg_pooled, by_gid):
    figure = figure_forest(bcg, pooled=bcg_pooled)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    ax = figure.axes[0]
    for number, mark in enumerate(by_gid(ax, "estimate")):
        text = next(text for text in figure.texts if text.get_text() == bcg.label[number])
        box = text.get_window_extent(renderer)
        y = ax.transData.transform((1.0, mark.get_ydata()[0]))[1]
        assert box.y0 < y < box.y1


@pytest.mark.parametrize("width_mm", [84, 120, 174])
@pytest.mark.parametrize("k", [1, 3, 13, 60])
def test_texts_never_overlap(k, width_mm, check_texts):
    effects = effects_of(k)
    pooled = pool(effects, model="common", ci="wald")
    figure = figure_forest(
        effects, pooled=pooled, favours=("lower risk with AS", "higher risk with AS"), width_mm=width_mm
    )
    check_texts(figure)
    width, height = 25.4 * figure.get_size_inches()
    assert width == pytest.approx(width_mm)
    assert height <= 265


@pytest.mark.parametrize("width_mm", [84, 174])
@pytest.mark.parametrize(
    "label",
    [
        LONG,
        "Ω" * 90,
        "Ελληνικό όνομα συγγραφέα 2001",
        "Иванов и соавт. 1999",
        "Cost $5 and $6_x^2",
        "Nguyễn 2010",
    ],
)
def test_any_label_fits(label, width_mm, check_texts):
    effects = effects_of(3, label=[label, label, "short"])
    texts = check_texts(figure_forest(effects, pooled=pool(effects), width_mm=width_mm))
    assert sum(text == "short" for text in texts) == 1
    assert "".join(texts).replace(" ", "").count(label.replace(" ", "")) == 2


def test_studies_of_one_name_keep_their_own_rows(by_gid):
    ax = plot_forest(effects_of(3, label=["same", "same", "same"]))
    assert [line.get_ydata()[0] for line in by_gid(ax, "estimate")] == [0, 1, 2]


@pytest.mark.parametrize("measure", ["RR", "OR", "HR", "IRR"])
def test_ratios_have_a_log_axis(measure, check_texts):
    figure = figure_forest(effects_of(5, measure=measure))
    assert figure.axes[0].get_xscale() == "log"
    check_texts(figure)


def test_risk_differences_are_linear_around_zero(bcg_table, by_gid, check_texts):
    effects = effect_sizes(bcg_table, "RD")
    figure = figure_forest(effects, pooled=pool(effects), table=bcg_table, synthetic=True)
    ax = figure.axes[0]
    assert ax.get_xscale() == "linear"
    assert by_gid(ax, "null line")[0].get_xdata() == [0, 0]
    assert "Study 1" in check_texts(figure)


def test_proportions_are_in_percent_from_zero_without_null(by_gid, check_texts):
    counts = Proportion(events=[15, 45, 20], total=[80, 73, 103])
    effects = effect_sizes(counts, "PLO", label=["El Maghraoui 1999", "Capaci 2003", "Mitra 2000"])
    figure = figure_forest(effects, table=counts)
    ax = figure.axes[0]
    assert ax.get_xlim() == (0, 80)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "20", "40", "60", "80"]
    assert [line.get_xdata()[0] for line in by_gid(ax, "estimate")] == pytest.approx(
        [18.75, 61.64, 19.42], abs=0.01
    )
    assert by_gid(ax, "null line") == []
    assert {"15/80", "Proportion, %"} <= set(check_texts(figure))
    with pytest.raises(ValueError, match="`favours` needs a line of no effect"):
        figure_forest(effects, favours=("less", "more"))


def test_rates_print_events_and_time(check_texts):
    rates = TwoRates(
        exposed_events=[12, 7], exposed_time=[45388, 900], control_events=[9, 4], control_time=[224192, 950]
    )
    effects = effect_sizes(rates, "IRR")
    assert "12/45\u2009388" in check_texts(figure_forest(effects, table=rates))


def test_what_is_not_estimable_keeps_its_row_and_what_is_cut_gets_an_arrow(by_gid, check_texts):
    effects = EffectSizes(
        effect=[0.2, np.nan, 0.6, 1.0, 0.5],
        variance=[0.01, 0.1, np.inf, 40.0, 0.02],
        measure="OR",
        label=list("abcde"),
    )
    pooled = pool(effects, where=[True, False, False, True, True])
    figure = figure_forest(effects, pooled=pooled)
    ax = figure.axes[0]
    texts = check_texts(figure)
    assert "not estimable" in texts
    assert any("∞" in text for text in texts)
    assert any(text.startswith("Hollow square") for text in texts)
    assert len(by_gid(ax, "estimate")) == 4
    arrows = by_gid(ax, "arrow")
    assert len(arrows) >= 4
    assert {arrow.get_xdata()[0] for arrow in arrows} == set(ax.get_xlim())
    hollow = [mark for mark in by_gid(ax, "estimate") if to_rgb(mark.get_markerfacecolor()) == (1, 1, 1)]
    assert len(hollow) == 1


def test_limits_can_be_chosen(bcg, bcg_pooled, by_gid):
    ax = figure_forest(bcg, pooled=bcg_pooled, xlim=(0.3, 2)).axes[0]
    assert ax.get_xlim() == (0.3, 2)
    low, high = 0.3, 2
    for mark in by_gid(ax, "estimate"):
        assert low <= mark.get_xdata()[0] <= high
    for line in by_gid(ax, "interval"):
        assert low <= min(line.get_xdata()) <= max(line.get_xdata()) <= high


def test_two_methods_side_by_side(bcg, bcg_table, bcg_pooled, by_gid, check_texts):
    summaries = [
        ("Random effects", bcg_pooled),
        ("Mantel–Haenszel", mantel_haenszel(bcg_table, measure="RR")),
    ]
    figure = figure_forest(bcg, pooled=summaries, table=bcg_table, width_mm=174)
    texts = check_texts(figure)
    assert len(by_gid(figure.axes[0], "diamond")) == 2
    assert {"Random effects", "Mantel–Haenszel", "0.64 (0.59 to 0.69)"} <= set(texts)
    assert texts.count("100.0") == 1


def test_columns_can_be_chosen_and_give_way_on_a_narrow_page(bcg, bcg_pooled, bcg_table, check_texts):
    narrow = check_texts(figure_forest(bcg, pooled=bcg_pooled, table=bcg_table, width_mm=84))
    assert "Weight" not in narrow
    assert "0.49 (0.33 to 0.73)" in narrow
    chosen = check_texts(figure_forest(bcg, pooled=bcg_pooled, table=bcg_table, columns=("weight",)))
    assert "Weight" in chosen
    assert "4/123" not in chosen
    with pytest.raises(
        ValueError, match=r"`width_mm` must be about \d+ or more for these columns, but got 84"
    ):
        figure_forest(
            bcg, pooled=bcg_pooled, table=bcg_table, columns=("counts", "effect", "weight"), width_mm=84
        )
    with pytest.raises(
        ValueError, match="`columns` must be among those that there are numbers for, 'effect', but got"
    ):
        figure_forest(bcg, columns=("weight",))
    with pytest.raises(
        ValueError, match="`columns` must be one of 'counts', 'effect', 'weight', but got 'weigth'"
    ):
        figure_forest(bcg, columns=("weigth",))


@pytest.mark.parametrize("width_mm", [84, 174])
def test_synthetic_data_are_marked(bcg, bcg_pooled, width_mm, check_texts):
    figure = figure_forest(bcg, pooled=bcg_pooled, synthetic=True, width_mm=width_mm)
    assert any(text.startswith("SYNTHETIC DATA") for text in check_texts(figure))
    assert any(text.get_gid() == "watermark" for text in figure.axes[0].texts)
    assert not any("SYNTHETIC" in text for text in check_texts(figure_forest(bcg)))


def test_it_draws_on_axes_that_are_given(bcg):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert plot_forest(bcg, ax=ax) is ax


def test_wrong_arguments_are_named(bcg, bcg_pooled, bcg_table):
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, but got Estimate"):
        figure_forest(bcg_pooled.estimate)
    with pytest.raises(
        ValueError, match=r"`effects` must be one set of studies, of shape \(k,\), but has shape \(2, 3\)"
    ):
        plot_forest(EffectSizes(effect=np.zeros((2, 3)), variance=1.0))
    with pytest.raises(
        ValueError, match=r"`table` must have the shape of the effects, \(13,\), but has \(3,\)"
    ):
        figure_forest(bcg, table=bcg_table[:3])
    with pytest.raises(
        ValueError, match="`pooled` must be of the measure of the effects, RR, but 'x' is of OR"
    ):
        figure_forest(bcg, pooled=[("x", mantel_haenszel(bcg_table, measure="OR"))])
    with pytest.raises(TypeError, match="`pooled` must hold Estimate or PooledEstimate, but 'x' is float"):
        figure_forest(bcg, pooled=[("x", 1.0)])
    with pytest.raises(ValueError, match="`pooled` must be one estimate a row, but 'x' has shape"):
        figure_forest(bcg, pooled=[("x", bcg.interval())])
    with pytest.raises(ValueError, match="`pooled` must be of these 3 studies"):
        figure_forest(effects_of(3), pooled=bcg_pooled)
    with pytest.raises(ValueError, match="must use characters of DejaVu Sans"):
        figure_forest(effects_of(1, label=["中文"]))
    with pytest.raises(ValueError, match="`width_mm` must be between 40 and 1000 millimetres, but got 6"):
        figure_forest(bcg, width_mm=6)
    with pytest.raises(ValueError, match="`xlim` must be finite, ascending and above 0"):
        figure_forest(bcg, xlim=(0, 3))
    with pytest.raises(ValueError, match="`xlim` must hold the null 1 where `favours` is given"):
        figure_forest(bcg, xlim=(2, 3), favours=("a", "b"))


def test_a_table_of_cells_is_no_statistic(bcg_table):
    one = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    effects = effect_sizes(one, "RR", label=["Bengtsson 2023"])
    assert len(figure_forest(effects, table=one).axes) == 1
