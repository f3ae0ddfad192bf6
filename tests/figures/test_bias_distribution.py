"""The distribution of adjusted estimates: outlines of the draws, intervals under them."""

import hashlib

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from analysis import EffectSizes, TwoByTwo
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import ExposureMisclassification, SelectionBias, UnmeasuredConfounding
from analysis.figures.bias_distribution import figure_bias_distribution, plot_bias_distribution
from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.values.counts import TwoRates

TABLE = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
BIAS = ExposureMisclassification(sensitivity="uniform(0.7, 0.95)", specificity="uniform(0.9, 1)")
RESULT = probabilistic_bias_analysis(TABLE, biases=BIAS, rng=1, draws=5000)
HARSH = probabilistic_bias_analysis(
    TABLE,
    biases=ExposureMisclassification(sensitivity="uniform(0.7, 0.95)", specificity="uniform(0.6, 1)"),
    rng=1,
    draws=5000,
)


@pytest.mark.parametrize("draw", [plot_bias_distribution, figure_bias_distribution])
def test_outlines_and_intervals_are_those_of_the_result(by_gid, draw):
    drawn = draw(RESULT)
    ax = drawn.axes[0] if hasattr(drawn, "axes") and isinstance(drawn.axes, list) else drawn
    outlines = {patch.get_gid(): patch for patch in ax.findobj(StepPatch)}
    assert set(outlines) == {"systematic", "total"}
    for name, draws in (("systematic", RESULT.kept_systematic), ("total", RESULT.kept_total)):
        heights, edges, base = outlines[name].get_data()
        expected = np.histogram(np.log(draws), bins=np.log(edges))[0]
        shares = (base - heights) / (base - heights).max()
        # A draw may lie on an edge, and go to either side of it by rounding.
        np.testing.assert_allclose(shares, expected / expected.max(), atol=2 / expected.max())
    limits = [RESULT.conventional, RESULT.systematic_interval, RESULT.total_interval]
    for line, mark, interval in zip(by_gid(ax, "interval"), by_gid(ax, "estimate"), limits, strict=True):
        np.testing.assert_allclose(line.get_xdata(), [interval.low, interval.high], rtol=1e-12)
        assert mark.get_xdata() == [pytest.approx(interval.value.item())]
        assert mark.get_ydata() == line.get_ydata()[0]
    thick = by_gid(ax, "quartiles")
    np.testing.assert_allclose(thick[0].get_xdata(), RESULT.systematic[[1, 3]])
    np.testing.assert_allclose(thick[1].get_xdata(), RESULT.total[[1, 3]])
    assert by_gid(ax, "null line")
    assert 3 <= len(ax.get_xticks()) <= 9


def test_rows_and_columns_say_the_same_in_numbers(check_texts):
    texts = check_texts(figure_bias_distribution(RESULT))
    for interval in (RESULT.conventional, RESULT.systematic_interval, RESULT.total_interval):
        assert str(interval) in texts
    assert {"No bias, random error", "Bias alone", "Bias and random error", "Quartiles"} <= set(texts)
    assert "Odds ratio (log scale)" in texts
    check_texts(plot_bias_distribution(RESULT).figure)


def test_without_random_error_there_are_two_rows(check_texts, by_gid):
    result = probabilistic_bias_analysis(
        TABLE, biases=BIAS, measure="RD", rng=1, draws=2000, random_error="none"
    )
    figure = figure_bias_distribution(result)
    ax = figure.axes[0]
    assert len(by_gid(ax, "interval")) == 2
    assert ax.get_xscale() == "linear"
    interval = by_gid(ax, "interval")[0].get_xdata()
    np.testing.assert_allclose(interval, [result.conventional.low, result.conventional.high])
    assert "Risk difference" in check_texts(figure)
    assert "No random error" in record_of(figure).caption


def test_small_differences_have_common_decimals(check_texts):
    rates = TwoRates(exposed_events=112, exposed_time=45_000, control_events=366, control_time=224_000)
    bias = UnmeasuredConfounding(
        prevalence_exposed="uniform(0.2, 0.4)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
    )
    result = probabilistic_bias_analysis(rates, biases=bias, measure="IRD", rng=1, draws=2000)
    texts = check_texts(figure_bias_distribution(result))
    for interval in (result.conventional, result.systematic_interval, result.total_interval):
        low, high = (f"{limit.item():.5f}".replace("-", "−") for limit in (interval.low, interval.high))
        assert f"{interval.value.item():.5f} ({low} to {high})" in texts


def test_draws_that_contradict_the_table_are_told(check_texts):
    figure = figure_bias_distribution(HARSH)
    lost = HARSH.impossible_draws.item()
    assert lost > 0
    assert f"{lost} draws" in " ".join(check_texts(figure))
    assert "contradict the data (negative adjusted cells)" in record_of(figure).caption


def test_draws_that_are_all_alike_have_an_axis(by_gid):
    fixed = ExposureMisclassification(sensitivity=0.9, specificity=0.95)
    result = probabilistic_bias_analysis(TABLE, biases=fixed, rng=1, draws=500, random_error="none")
    ax = figure_bias_distribution(result).axes[0]
    assert by_gid(ax, "systematic")


def test_an_interval_that_is_not_known_is_left_out(check_texts, by_gid):
    # A ratio that stands alone is given a variance of 0, and no random error is added.
    alone = EffectSizes(effect=np.log(2.93), variance=0.0, measure="OR")
    bias = SelectionBias(bias_factor="uniform(1.2, 2.5)")
    result = probabilistic_bias_analysis(alone, biases=bias, rng=1, draws=1000, random_error="none")
    figure = figure_bias_distribution(result)
    ax = figure.axes[0]
    (interval,) = by_gid(ax, "interval")
    np.testing.assert_allclose(interval.get_xdata(), result.systematic[[0, 4]].ravel())
    assert len(by_gid(ax, "estimate")) == 2
    texts = check_texts(figure)
    assert "2.93" in texts
    assert "No bias" in texts
    assert "confidence interval is not known" in " ".join(texts)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("result", [RESULT, HARSH], ids=["mild", "harsh"])
def test_the_page_of_every_journal_keeps_texts_apart(check_texts, journal, result):
    with style(journal):
        for width in (current().single_mm, current().double_mm):
            figure = figure_bias_distribution(result, width_mm=width, note="A note with $5 and $6.")
            check_texts(figure)
            report = check_figure(figure, journal=journal)
            assert report.passes, str(report)


def test_words_and_numbers_are_those_of_the_picture():
    figure = figure_bias_distribution(RESULT, synthetic=True)
    record = record_of(figure)
    intervals = record.numbers[record.numbers["mark"] == "interval"].set_index("error")
    assert intervals.loc["total", "low"] == RESULT.total_interval.low
    assert intervals.loc["systematic", "upper_quartile"] == RESULT.systematic[3]
    outline = record.numbers[record.numbers["mark"] == "outline"]
    assert outline["draws"].sum() > 0.97 * 2 * 5000
    assert str(RESULT.total_interval) in record.alt
    assert "exposure misclassification: sensitivity uniform(0.7, 0.95)" in record.caption
    assert "source: assumed" in record.caption
    assert "seed 1" in record.caption


def test_saved_twice_the_bytes_are_the_same(tmp_path):
    saved = [save_figure(figure_bias_distribution(RESULT), "draws", directory=tmp_path / n) for n in "ab"]
    sums = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in saved]
    assert sums[0] == sums[1]


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="ProbabilisticBiasAnalysis"):
        plot_bias_distribution(RESULT.systematic)
    few = probabilistic_bias_analysis(TABLE, biases=BIAS, rng=1, draws=5000, keep=50)
    with pytest.raises(ValueError, match="at least 100 possible draws"):
        plot_bias_distribution(few)
    two = EffectSizes(effect=[0.1, 0.2], variance=0.1, measure="HR")
    many = probabilistic_bias_analysis(two, biases=SelectionBias(bias_factor=1.2), rng=1, draws=200)
    with pytest.raises(ValueError, match="must be of one table"):
        plot_bias_distribution(many)
    with pytest.raises(ValueError, match="`width_mm` must be"):
        figure_bias_distribution(RESULT, width_mm=45)
