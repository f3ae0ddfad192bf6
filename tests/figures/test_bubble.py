import time

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.bubble import figure_bubble, plot_bubble
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.meta.regression import meta_regression
from analysis.values.estimate import EffectSizes

LATITUDE = [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]
YEAR = [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976]
ALLOCATION = ["random"] * 4 + ["alternate"] * 2 + ["random"] * 3 + ["systematic"] * 4


@pytest.fixture(scope="module")
def one(bcg):
    return meta_regression(bcg, {"latitude": LATITUDE})


@pytest.fixture(scope="module")
def several(bcg):
    return meta_regression(bcg, {"alloc": ALLOCATION, "latitude": LATITUDE, "year": YEAR})


def test_bubbles_lie_at_moderator_and_effect_with_areas_by_weight(one, bcg, by_gid):
    ax = plot_bubble(one)
    (bubbles,) = by_gid(ax, "studies")
    places, areas = np.asarray(bubbles.get_offsets()), bubbles.get_sizes()
    weight = 1 / (bcg.variance + float(one.tau2))
    expected = np.column_stack([LATITUDE, np.exp(bcg.effect)])
    order = np.argsort(-weight, kind="stable")
    assert places == pytest.approx(expected[order])
    assert areas / areas.max() == pytest.approx(weight[order] / weight.max())
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "latitude"
    assert by_gid(ax, "null line")[0].get_ydata()[0] == 1


def test_line_and_bands_are_the_predictions(one, by_gid):
    ax = plot_bubble(one)
    (line,) = by_gid(ax, "line")
    x = line.get_xdata()
    assert (x[0], x[-1]) == (13, 55)
    predicted = one.predict({"latitude": x})
    assert line.get_ydata() == pytest.approx(predicted.mean.value)
    low, high = by_gid(ax, "prediction band")
    assert low.get_ydata() == pytest.approx(predicted.further.low)
    assert high.get_ydata() == pytest.approx(predicted.further.high)
    (band,) = by_gid(ax, "confidence band")
    corners = band.get_paths()[0].vertices
    for x_value, lower, upper in zip(x, predicted.mean.low, predicted.mean.high, strict=True):
        here = corners[np.isclose(corners[:, 0], x_value), 1]
        assert here.min() == pytest.approx(lower)
        assert here.max() == pytest.approx(upper)


def test_other_moderators_stand_at_stated_levels(several, by_gid):
    (line,) = by_gid(plot_bubble(several, moderator="year", at={"alloc": "random", "latitude": 40}), "line")
    x = line.get_xdata()
    rows = {"alloc": np.full(x.size, "random"), "latitude": np.full(x.size, 40.0), "year": x}
    assert line.get_ydata() == pytest.approx(several.predict(rows).mean.value)
    # By default the first category and the mean.
    figure = figure_bubble(several, moderator="year")
    (line,) = by_gid(figure.axes[0], "line")
    rows |= {"alloc": np.full(x.size, "alternate"), "latitude": np.full(x.size, np.mean(LATITUDE))}
    assert line.get_ydata() == pytest.approx(several.predict(rows).mean.value)
    assert "hold at alloc = alternate, latitude = 33.46 (mean)" in record_of(figure).caption.replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_a_formula_with_an_interaction(bcg, by_gid):
    frame = pd.DataFrame({"latitude": LATITUDE, "alloc": ALLOCATION})
    result = meta_regression(bcg, frame, formula="latitude * alloc")
    (line,) = by_gid(plot_bubble(result, moderator="latitude", at={"alloc": "systematic"}), "line")
    x = line.get_xdata()
    rows = pd.DataFrame({"latitude": x, "alloc": "systematic"})
    assert line.get_ydata() == pytest.approx(result.predict(rows).mean.value)
    with pytest.raises(ValueError, match="`at` must give the level of 'alloc'"):
        plot_bubble(result, moderator="latitude")
    assert (
        "Test of all moderators"
        in record_of(figure_bubble(result, moderator="latitude", at={"alloc": "random"})).alt
    )


def test_the_common_effect_model_has_no_prediction_band(bcg, by_gid):
    result = meta_regression(bcg, {"latitude": LATITUDE}, model="common", ci="wald")
    figure = figure_bubble(result)
    assert not by_gid(figure.axes[0], "prediction band")
    assert "prediction" not in record_of(figure).caption


def test_studies_that_do_not_enter_are_not_drawn(bcg, by_gid):
    where = np.arange(13) != 3
    moderator = np.where(where, LATITUDE, np.nan)
    result = meta_regression(bcg, {"latitude": moderator}, where=where)
    figure = figure_bubble(result)
    (bubbles,) = by_gid(figure.axes[0], "studies")
    assert len(bubbles.get_offsets()) == 12
    studies = record_of(figure).numbers.query("mark == 'study'")
    assert studies["label"].tolist() == [name for name, used in zip(bcg.label, where, strict=True) if used]
    assert 52 not in np.asarray(bubbles.get_offsets())[:, 0]


def test_names_stand_apart_from_each_other(one, bcg, check_texts, by_gid):
    figure = figure_bubble(one, label=bcg.label)
    texts = check_texts(figure)
    labels = by_gid(figure.axes[0], "study label")
    assert len(labels) >= 12
    assert {label.get_text() for label in labels} <= set(texts)
    for label in labels:
        i = bcg.label.index(label.get_text())
        assert label.xy == pytest.approx((LATITUDE[i], np.exp(bcg.effect[i])))


@pytest.mark.parametrize("journal", JOURNALS)
def test_it_holds_in_each_journal(journal, several, bcg, check_texts):
    with style(journal):
        for width in (84, None):
            figure = figure_bubble(
                several, moderator="latitude", label=bcg.label, width_mm=width, note="$1 $2", synthetic=True
            )
            assert "$1 $2" in check_texts(figure)
            (ax,) = (ax for ax in figure.axes if ax.axison)
            for ticks, ends in ((ax.get_xticks(), ax.get_xlim()), (ax.get_yticks(), ax.get_ylim())):
                assert 3 <= sum(ends[0] <= tick <= ends[1] for tick in ticks) <= 9


def test_proportions_are_in_percent_and_foreign_names_are_written(by_gid, check_texts):
    effects = EffectSizes(
        effect=[-1.0, -0.5, 0.2, 0.4],
        variance=[0.1, 0.2, 0.1, 0.1],
        measure="PLO",
        label=["Ä", "Б", "same", "same"],
    )
    figure = figure_bubble(
        meta_regression(effects, {"Возраст $": [20, 30, 40, 50]}),
        label=["Б", "same"],
        xlabel="Возраст $ (лет)",
    )
    texts = check_texts(figure)
    assert texts.count("same") == 2
    assert "Возраст $ (лет)" in texts
    (bubbles,) = by_gid(figure.axes[0], "studies")
    heights = sorted(np.asarray(bubbles.get_offsets())[:, 1])
    assert heights == pytest.approx(100 / (1 + np.exp(-effects.effect)))


def test_the_words_are_those_of_the_regression(one):
    record = record_of(figure_bubble(one))
    ratio, low, high = (np.exp(float(part[1])) for part in (one.coefficients, one.low, one.high))
    assert f"one unit of latitude: times {ratio:.2f} ({low:.2f} to {high:.2f})" in record.alt
    assert "from 13 to 55" in record.alt
    line = record.numbers.query("mark == 'line'")
    assert line["value"].to_numpy() == pytest.approx(one.predict({"latitude": line["latitude"]}).mean.value)


def test_two_hundred_studies_are_fast(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    effects = EffectSizes(effect=rng.normal(0.3 * x, 0.3), variance=rng.uniform(0.01, 0.5, 200))
    result = meta_regression(effects, {"x": x})
    times = []
    for _ in range(4):
        start = time.process_time()
        figure_bubble(result).savefig(tmp_path / "x.pdf")
        times.append(time.process_time() - start)
    assert min(times) < 0.3


def test_the_bytes_are_the_same_twice(one, bcg, tmp_path):
    for folder in ("one", "two"):
        save_figure(figure_bubble(one, label=bcg.label), "x", directory=tmp_path / folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_it_draws_into_given_axes(one):
    ax = Figure().add_subplot()
    assert plot_bubble(one, ax=ax) is ax


def test_refusals(one, several, bcg):
    with pytest.raises(TypeError, match="`result` must be what `meta_regression` gives, but got str"):
        plot_bubble("x")
    with pytest.raises(ValueError, match=r"numeric columns \('latitude', 'year'\), but got None"):
        plot_bubble(several)
    with pytest.raises(ValueError, match=r"numeric columns \('latitude'\), but got 'age'"):
        plot_bubble(one, moderator="age")
    with pytest.raises(ValueError, match="a category is for a forest plot"):
        plot_bubble(meta_regression(bcg, {"alloc": ALLOCATION}))
    with pytest.raises(
        ValueError, match=r"`at` must name other moderators \('alloc', 'year'\), but got 'age'"
    ):
        plot_bubble(several, moderator="latitude", at={"age": 3})
    with pytest.raises(ValueError, match="cannot be predicted"):
        plot_bubble(several, moderator="latitude", at={"alloc": "by lot"})
    with pytest.raises(ValueError, match="`label` must name studies of the regression, but got 'Nobody'"):
        plot_bubble(one, label=["Nobody"])
    with pytest.raises(TypeError, match=r"write \['Aronson 1948'\]"):
        plot_bubble(one, label="Aronson 1948")
    constant = meta_regression(bcg, {"dose": [2.0] * 13}, intercept=False)
    with pytest.raises(ValueError, match="'dose' must vary over the studies, but is 2 in all"):
        plot_bubble(constant)
    with pytest.raises(ValueError, match="`width_mm` must be at least 50, but got 45"):
        figure_bubble(one, width_mm=45)
    stacked = EffectSizes(effect=np.stack([bcg.effect] * 2), variance=np.stack([bcg.variance] * 2))
    with pytest.raises(ValueError, match=r"one regression, but has shape \(2,\)"):
        plot_bubble(meta_regression(stacked, {"latitude": LATITUDE}))
