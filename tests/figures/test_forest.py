import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from analysis.figures.forest import figure_forest, plot_forest
from analysis.figures.journals import JOURNALS
from analysis.figures.style import current, style
from analysis.measures.effect_size import effect_sizes
from analysis.measures.stratified import mantel_haenszel
from analysis.meta.influence import cumulative, leave_one_out
from analysis.meta.pooling import pool
from analysis.meta.subgroups import subgroups
from analysis.values.counts import Proportion, TwoByTwo, TwoRates
from analysis.values.estimate import EffectSizes

GROUPS = [
    "early",
    "early",
    "late",
    "late",
    "late",
    "early",
    "late",
    "late",
    "late",
    "late",
    "late",
    "early",
    "late",
]

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
        ValueError, match="`columns` must be among those that there are numbers for, 'effect', 'p', but got"
    ):
        figure_forest(bcg, columns=("weight",))
    with pytest.raises(
        ValueError,
        match="`columns` must be one of 'counts', 'effect', 'weight', .*, but got 'weigth'. Did you",
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
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, PooledEstimate, .* but got Estimate"):
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
        figure_forest(effects_of(1, label=["\U000f0000"]))
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


def rows_of(ax, by_gid):
    return [(mark.get_ydata()[0], mark.get_xdata()[0]) for mark in by_gid(ax, "estimate")]


def test_a_meta_analysis_alone_is_enough(bcg, bcg_pooled, bcg_table):
    one = figure_forest(bcg_pooled, table=bcg_table)
    other = figure_forest(bcg, pooled=bcg_pooled, table=bcg_table)
    assert [text.get_text() for text in one.texts] == [text.get_text() for text in other.texts]


def test_subgroups_have_headings_diamonds_and_the_test_between_them(bcg, by_gid, check_texts):
    groups = subgroups(bcg, GROUPS)
    figure = figure_forest(groups)
    texts = check_texts(figure)
    ax = figure.axes[0]
    assert [text for text in texts if text in {"early", "late"}] == ["early", "late"]
    assert texts.count("Subtotal") == 2
    assert any(text.startswith("Test for subgroup differences: χ²") for text in texts)
    diamonds = by_gid(ax, "diamond")
    assert len(diamonds) == 3
    for diamond, estimate in zip(
        diamonds, [*groups.pooled.estimate.value, groups.overall.estimate.value], strict=True
    ):
        assert diamond.get_xy()[1][0] == pytest.approx(float(estimate))
    hollow = [to_rgb(diamond.get_facecolor()[:3]) == (1, 1, 1) for diamond in diamonds]
    assert hollow == [True, True, False]
    drawn = [x for _, x in rows_of(ax, by_gid)]
    wanted = [i for name in ("early", "late") for i in range(13) if GROUPS[i] == name]
    assert drawn == pytest.approx(np.exp(bcg.effect[wanted]))


def test_subgroups_may_stand_without_the_overall_result(bcg, by_gid, check_texts):
    figure = figure_forest(subgroups(bcg, GROUPS), overall=False)
    texts = check_texts(figure)
    assert len(by_gid(figure.axes[0], "diamond")) == 2
    assert "Weights add to 100% within each subgroup." in texts
    assert "Random-effects model (REML, Hartung–Knapp)." in texts
    # Areas go by the weights that are printed.
    areas = np.array([mark.get_markersize() for mark in by_gid(figure.axes[0], "estimate")]) ** 2
    groups = subgroups(bcg, GROUPS)
    order = [i for name in ("early", "late") for i in range(13) if GROUPS[i] == name]
    within = groups.pooled.weights.sum(axis=0)[order]
    assert areas / within == pytest.approx(areas[0] / within[0])
    shared = figure_forest(subgroups(bcg, GROUPS, between_study="common"))
    assert any("one τ² for all subgroups" in text.get_text() for text in shared.texts)
    assert texts.count("100.0") == 2


def test_subgroups_stay_where_all_studies_have_another_result(bcg, by_gid):
    groups, common = subgroups(bcg, GROUPS), pool(bcg, model="common", ci="wald")
    figure = figure_forest(groups, pooled=common)
    texts = [text.get_text() for text in figure.texts]
    assert {*GROUPS, "Common-effect model"} <= set(texts)
    *_, last = by_gid(figure.axes[0], "diamond")
    assert last.get_xy()[1][0] == pytest.approx(float(common.estimate.value))


def test_the_weight_of_a_subgroup_is_the_sum_of_its_studies(bcg):
    groups = subgroups(bcg, GROUPS)
    figure = figure_forest(groups)
    texts = {text.get_text() for text in figure.texts}
    for name in ("early", "late"):
        inside = np.array(GROUPS) == name
        assert f"{groups.overall.weights[inside].sum():.1f}" in texts
    assert "Weights are those of the analysis of all studies." in texts


def test_steps_are_drawn_in_their_order(bcg, bcg_pooled, by_gid, check_texts):
    steps = cumulative(bcg, order=np.arange(13)[::-1])
    figure = figure_forest(steps, pooled=bcg_pooled, columns=("effect", "i2", "tau2", "studies", "p"))
    texts = check_texts(figure)
    assert "Study added" in texts
    assert [text for text in texts if text in bcg.label] == list(bcg.label)[::-1]
    assert [x for _, x in rows_of(figure.axes[0], by_gid)] == pytest.approx(steps.estimate.value)
    left_out = figure_forest(leave_one_out(bcg), sort_by="effect")
    values = [x for _, x in rows_of(left_out.axes[0], by_gid)]
    assert values == sorted(values)
    assert {mark.get_marker() for mark in by_gid(left_out.axes[0], "estimate")} == {"o"}


def test_a_common_and_a_random_model_have_a_column_of_weights_each(bcg, bcg_pooled, by_gid, check_texts):
    common = pool(bcg, model="common", ci="wald")
    figure = figure_forest(bcg, pooled=[("Common", common), ("Random", bcg_pooled)])
    texts = check_texts(figure)
    assert {"Weight (%)", "common", "random"} <= set(texts)
    assert texts.count("100.0") == 2
    assert len(by_gid(figure.axes[0], "diamond")) == 2
    sides = np.array([mark.get_markersize() for mark in by_gid(figure.axes[0], "estimate")])
    free = sides > 2.0
    assert (sides**2 / common.weights)[free] == pytest.approx(sides.max() ** 2 / common.weights.max())


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_figure_has_the_same_bytes(bcg, bcg_table, kind):
    groups = subgroups(bcg, GROUPS)

    def saved():
        stream = io.BytesIO()
        with style():
            figure = figure_forest(groups, table=bcg_table, layout="lancet", prediction="density")
            with mpl.rc_context({"svg.hashsalt": "fixed"}):
                metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[kind]
                figure.savefig(stream, format=kind, metadata=metadata)
        return stream.getvalue()

    assert saved() == saved()


@pytest.mark.parametrize("journal", list(JOURNALS))
@pytest.mark.parametrize("layout", ["default", "revman"])
def test_it_holds_in_the_style_of_every_journal(bcg, bcg_table, journal, layout, check_texts, check_ticks):
    with style(journal):
        groups = subgroups(bcg, GROUPS)
        figure = figure_forest(groups, table=bcg_table, layout=layout, favours=("fewer", "more"))
        check_texts(figure)
        check_ticks(figure)
        assert 25.4 * figure.get_size_inches()[0] == pytest.approx(current().double_mm)
        check_texts(figure_forest(groups, width_mm=current().single_mm))
