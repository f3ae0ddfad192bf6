"""L'Abbé plots: positions, areas, lines, limits."""

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.labbe import figure_labbe, plot_labbe
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.measures.association import odds_ratio
from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool
from analysis.values.counts import TwoByTwo


def pooled_of(table, measure, label=None):
    return pool(effect_sizes(table, measure, label=label))


def circles_of(by_gid, ax):
    (circles,) = by_gid(ax, "study")
    return circles


def test_circles_are_the_two_risks_with_areas_by_weight(by_gid, bcg_table, bcg_pooled):
    circles = circles_of(by_gid, plot_labbe(bcg_table, pooled=bcg_pooled))
    order = np.argsort(-bcg_pooled.weights, kind="stable")
    x = 100 * bcg_table.control_cases / bcg_table.control_total
    y = 100 * bcg_table.exposed_cases / bcg_table.exposed_total
    found = np.asarray(circles.get_offsets())
    assert found[:, 0] == pytest.approx(x[order])
    assert found[:, 1] == pytest.approx(y[order])
    areas = circles.get_sizes()
    assert areas / areas[0] == pytest.approx(bcg_pooled.weights[order] / bcg_pooled.weights.max())


def test_areas_go_by_persons_or_by_what_is_given(by_gid, bcg_table):
    persons = np.sort(bcg_table.exposed_total + bcg_table.control_total)[::-1]
    areas = circles_of(by_gid, plot_labbe(bcg_table)).get_sizes()
    # Very small ones have a least size.
    large = persons / persons[0] > 0.05
    assert (areas / areas[0])[large] == pytest.approx((persons / persons[0])[large])
    given = circles_of(by_gid, plot_labbe(bcg_table, weights=np.arange(1, 14))).get_sizes()
    assert (given / given[0])[:5] == pytest.approx(np.arange(13, 8, -1) / 13)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_lines_have_the_pooled_effect_everywhere(by_gid, bcg_table, measure):
    pooled = pooled_of(bcg_table, measure)
    ax = plot_labbe(bcg_table, pooled=pooled)
    (line,) = by_gid(ax, "pooled line")
    x, y = (part / 100 for part in line.get_data())
    known = np.isfinite(y) & (x > 0) & (y > 0)
    effect = {"RR": y / np.where(x > 0, x, 1), "RD": y - x}.get(measure)
    if effect is None:
        effect = y * (1 - x) / np.where(x > 0, x * (1 - y), 1)
    assert effect[known] == pytest.approx(float(pooled.estimate.value))
    (diagonal,) = by_gid(ax, "no effect")
    assert diagonal.get_xdata() == pytest.approx(diagonal.get_ydata())
    assert len(by_gid(ax, "band")) == 1


def test_both_axes_are_alike_and_fit_the_data(by_gid, bcg_table):
    ax = plot_labbe(bcg_table)
    assert ax.get_xlim() == ax.get_ylim()
    box = ax.get_window_extent()
    assert box.width == pytest.approx(box.height)
    highest = 100 * max(
        (bcg_table.control_cases / bcg_table.control_total).max(),
        (bcg_table.exposed_cases / bcg_table.exposed_total).max(),
    )
    low, high = ax.get_xlim()
    assert low < 0 < highest < high < 1.2 * highest
    assert list(ax.get_xticks()) == list(ax.get_yticks())
    assert min(ax.get_xticks()) == 0
    far = TwoByTwo(
        exposed_cases=[800, 850],
        exposed_total=[1000, 1000],
        control_cases=[820, 870],
        control_total=[1000] * 2,
    )
    low, high = plot_labbe(far).get_xlim()
    assert 75 < low < 80
    assert 87 < high < 90


def test_values_stand_at_the_ends_of_their_lines(check_texts, by_gid):
    table = TwoByTwo(
        exposed_cases=[20, 30, 60],
        exposed_total=[100, 100, 120],
        control_cases=[8, 20, 33],
        control_total=[90, 100, 120],
    )
    pooled = [pooled_of(table, measure) for measure in ("RR", "OR", "RD")]
    figure = figure_labbe(table, pooled=pooled, annotate=[0, 1, 2])
    texts = check_texts(figure)
    ax = figure.axes[0]
    assert len(by_gid(ax, "line value")) == 3
    assert len(by_gid(ax, "pooled line")) == 3
    assert (
        len({str(line.get_linestyle()) + str(line._dash_pattern) for line in by_gid(ax, "pooled line")}) == 3
    )
    for each in pooled:
        assert any(text.startswith(each.estimate.measure + " ") for text in texts)


def test_the_words_give_the_risks_and_the_pooled_effect(check_texts, bcg_table, bcg_pooled):
    figure = figure_labbe(bcg_table, pooled=bcg_pooled, arms=("vaccinated", "controls"), annotate=[5])
    texts = check_texts(figure)
    assert "Cases among vaccinated (%)" in texts
    assert "Stein & Aronson 1953" in [text.replace("\n", " ") for text in texts]
    record = record_of(figure)
    assert "RR 0.49 (0.33 to 0.73)" in record.alt
    assert "11 studies lie below the line of no effect and 2 above it" in record.alt
    studies = record.numbers[record.numbers["kind"] == "study"]
    assert studies["control_risk"].to_numpy() == pytest.approx(
        bcg_table.control_cases / bcg_table.control_total
    )
    assert list(record.numbers["kind"])[-1] == "line"


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, bcg_table, journal, column):
    with style(journal):
        figure = figure_labbe(
            bcg_table,
            pooled=[pooled_of(bcg_table, "RR"), pooled_of(bcg_table, "RD")],
            annotate=[0, 5, 7],
            width_mm=getattr(JOURNALS[journal], column),
            synthetic=True,
        )
        check_texts(figure)
    check_ticks(figure)


def test_empty_cells_and_empty_arms(check_texts, by_gid):
    table = TwoByTwo(
        exposed_cases=[0, 0, 1, 0],
        exposed_total=[10, 20, 30, 0],
        control_cases=[0, 1, 3, 2],
        control_total=[20, 20, 20, 9],
    )
    figure = figure_labbe(table)
    assert any("1 without persons in an arm, not drawn." in text for text in check_texts(figure))
    assert list(record_of(figure).numbers["drawn"]) == [True, True, True, False]
    none = TwoByTwo(exposed_cases=[0, 0], exposed_total=[5, 6], control_cases=[0, 0], control_total=[5, 9])
    check_texts(figure_labbe(none))
    one = TwoByTwo(exposed_cases=[3], exposed_total=[5], control_cases=[2], control_total=[5])
    ax = figure_labbe(one, pooled=odds_ratio(one)[0]).axes[0]
    assert len(circles_of(by_gid, ax).get_offsets()) == 1


def test_two_hundred_studies(check_texts):
    rng = np.random.default_rng(4)
    total = rng.integers(20, 500, (2, 200))
    risk = rng.beta(3, 2, 200)
    table = TwoByTwo(
        exposed_cases=rng.binomial(total[0], risk),
        exposed_total=total[0],
        control_cases=rng.binomial(total[1], risk),
        control_total=total[1],
    )
    check_texts(figure_labbe(table, annotate=range(20), labels=["same"] * 200))


def test_it_draws_into_given_axes_and_leaves_settings_alone(bcg_table):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_labbe(bcg_table, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(bcg_table, bcg_pooled, journal):
    with style(journal):
        report = check_figure(figure_labbe(bcg_table, pooled=bcg_pooled, annotate=[0, 5]), journal=journal)
    assert report.passes, str(report)


def test_bytes_are_the_same_twice(tmp_path, bcg_table, bcg_pooled):
    contents = []
    for folder in ("a", "b"):
        figure = figure_labbe(bcg_table, pooled=bcg_pooled)
        paths = save_figure(figure, "labbe", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg, bcg_table, bcg_pooled):
    with pytest.raises(TypeError, match="`table` must be TwoByTwo, but got EffectSizes"):
        plot_labbe(bcg)
    with pytest.raises(
        TypeError, match="`pooled` must be of PooledEstimate or Estimate, but got EffectSizes"
    ):
        plot_labbe(bcg_table, pooled=[bcg])
    with pytest.raises(
        ValueError, match=r"`table` must be one set of studies, shape \(k,\), but has shape \(\)"
    ):
        plot_labbe(bcg_table[0])
    with pytest.raises(
        ValueError, match="`pooled` must be single estimates of RR, OR, PETO, RD, but got one of"
    ):
        plot_labbe(bcg_table, pooled=odds_ratio(bcg_table))
    with pytest.raises(ValueError, match="`weights` must be 13 finite numbers of at least 0"):
        plot_labbe(bcg_table, weights=[1, 2])
    with pytest.raises(ValueError, match="`weights` must be 13 finite numbers of at least 0"):
        figure_labbe(bcg_table, weights=[-1.0, *range(12)])
    with pytest.raises(ValueError, match="`labels` must name 13 studies, but name 1"):
        plot_labbe(bcg_table, labels=["A"])
    with pytest.raises(ValueError, match=r"`annotate` must be positions from 0 to 12, but got \[13\]"):
        plot_labbe(bcg_table, pooled=bcg_pooled, annotate=[13])
    empty = TwoByTwo(exposed_cases=[0], exposed_total=[0], control_cases=[1], control_total=[2])
    with pytest.raises(ValueError, match="`table` must have a study with persons in both arms, but has none"):
        plot_labbe(empty)


def test_the_caption_counts_labels_without_room(by_gid):
    cases = np.full(14, 20)
    table = TwoByTwo(exposed_cases=cases, exposed_total=100, control_cases=cases, control_total=100)
    figure = figure_labbe(table, labels=["A long name of a study"] * 14, annotate=[*range(14), 2])
    written = len(by_gid(figure.axes[0], "study label"))
    assert 0 < written < 14
    assert f"No room for {14 - written} of 14 labels." in record_of(figure).caption
    assert "No room" not in record_of(figure_labbe(table, annotate=[0])).caption
