"""The distribution of adjusted estimates: outlines of the draws, intervals under them."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from analysis import EffectSizes, TwoByTwo
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import ExposureMisclassification, SelectionBias
from analysis.figures.bias_distribution import plot_bias_distribution

TABLE = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
BIAS = ExposureMisclassification(sensitivity="uniform(0.7, 0.95)", specificity="uniform(0.9, 1)")
RESULT = probabilistic_bias_analysis(TABLE, biases=BIAS, rng=1, draws=5000)


def test_outlines_and_intervals_are_those_of_the_result(check_texts, by_gid):
    ax = plot_bias_distribution(RESULT)
    outlines = {patch.get_gid(): patch for patch in ax.findobj(StepPatch)}
    assert set(outlines) == {"systematic", "total"}
    counts, edges, _ = outlines["systematic"].get_data()
    expected = np.histogram(np.log(RESULT.kept_systematic), bins=np.log(edges))[0]
    np.testing.assert_allclose(counts, expected / expected.max())
    lines = by_gid(ax, "interval")
    limits = [RESULT.conventional, RESULT.systematic_interval, RESULT.total_interval]
    for line, interval in zip(lines, limits, strict=True):
        np.testing.assert_allclose(line.get_xdata(), [interval.low, interval.high], rtol=1e-12)
        assert (line.get_ydata() < 0).all()
    texts = check_texts(ax.figure)
    assert f"bias alone: {RESULT.systematic_interval}" in texts
    assert "Odds ratio (log scale)" in texts


def test_without_random_error_there_are_two_intervals(by_gid):
    result = probabilistic_bias_analysis(
        TABLE, biases=BIAS, measure="RD", rng=1, draws=2000, random_error="none"
    )
    ax = plot_bias_distribution(result)
    assert len(by_gid(ax, "interval")) == 2
    assert ax.get_xscale() == "linear"


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
