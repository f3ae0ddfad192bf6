"""P-value functions: curves are intervals of every level."""

import math

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.p_value_function import figure_p_value_function, plot_p_value_function
from analysis.figures.record import record_of
from analysis.figures.style import style
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.meta.pooling import pool
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import Estimate
from analysis.values.reported import Reported

TABLE = TwoByTwo(exposed_cases=15, exposed_total=60, control_cases=8, control_total=80)


def limits_at(x, y, pvalue):
    """Return where a curve passes a height on its way up and on its way down."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    top = int(np.nanargmax(y))
    left = np.interp(pvalue, y[: top + 1], x[: top + 1])
    right = np.interp(pvalue, y[: top - 1 : -1], x[: top - 1 : -1])
    return left, right


@pytest.mark.parametrize(
    ("measure", "function", "method"),
    [("RR", risk_ratio, None), ("OR", odds_ratio, "score"), ("RD", risk_difference, None)],
)
def test_the_curve_of_a_table_is_its_intervals(by_gid, measure, function, method):
    ax = plot_p_value_function(TABLE, measure=measure, method=method)
    (line,) = by_gid(ax, "curve")
    x, y = line.get_data()
    options = {} if method is None else {"method": method}
    half = len(x) // 2
    forward = np.asarray if measure == "RD" else np.log
    for level in (0.5, 0.8, 0.99):
        expected = function(TABLE, confidence_level=level, **options)
        low = np.interp(1 - level, y[:half], forward(x[:half]))
        high = np.interp(1 - level, y[: half - 1 : -1], forward(x[: half - 1 : -1]))
        assert low == pytest.approx(float(forward(expected.low)), abs=6e-3)
        assert high == pytest.approx(float(forward(expected.high)), abs=6e-3)
    (bar,) = by_gid(ax, "interval")
    marked = function(TABLE, **options)
    assert bar.get_xdata() == pytest.approx([float(marked.low), float(marked.high)])
    assert bar.get_ydata() == pytest.approx([0.05, 0.05])
    (null,) = by_gid(ax, "null point")
    assert null.get_ydata()[0] == pytest.approx(float(marked.pvalue))


def test_the_curve_of_an_estimate_peaks_there_and_gives_its_p_value(by_gid, check_texts):
    estimate = risk_ratio(TABLE)
    figure = figure_p_value_function(estimate, level=0.9)
    texts = check_texts(figure)
    ax = figure.axes[0]
    (line,) = by_gid(ax, "curve")
    x, y = line.get_data()
    assert x[np.nanargmax(y)] == pytest.approx(float(estimate.value))
    (null,) = by_gid(ax, "null point")
    assert (null.get_xdata()[0], null.get_ydata()[0]) == pytest.approx((1.0, float(estimate.pvalue)))
    ninety = risk_ratio(TABLE, confidence_level=0.9)
    (bar,) = by_gid(ax, "interval")
    assert bar.get_xdata() == pytest.approx([float(ninety.low), float(ninety.high)])
    assert "90" in texts


def test_a_meta_analysis_has_the_curve_of_its_own_distribution(by_gid, bcg):
    (line,) = by_gid(plot_p_value_function(pool(bcg)), "curve")
    x, y = line.get_data()
    estimate = pool(bcg, confidence_level=0.8).estimate
    found = np.array(limits_at(np.log(x), y, 0.2))
    assert found == pytest.approx(np.log([float(estimate.low), float(estimate.high)]), abs=2e-3)


def test_a_printed_interval_is_a_band_of_what_it_may_stand_for(by_gid):
    ax = plot_p_value_function(Reported("1.4 (0.9-2.1)"), measure="OR")
    (bar,) = by_gid(ax, "interval")
    assert bar.get_xdata() == pytest.approx([0.9, 2.1])
    assert len(by_gid(ax, "rounding band")) == 2
    record = record_of(figure_p_value_function(Reported("1.4 (0.9-2.1)"), measure="OR"))
    curve = record.numbers[record.numbers["kind"] == "curve"]
    assert (curve["outer_low"] <= curve["low"]).all()
    assert (curve["low"] <= curve["inner_low"]).all()
    assert (curve["high"] <= curve["outer_high"]).all()
    # Any estimate that is printed so lies within the band, at the printed level too.
    at_level = curve.iloc[(curve["pvalue"] - 0.05).abs().argmin()]
    for value, low, high in ((1.36, 0.86, 2.14), (1.44, 0.94, 2.06)):
        error = math.log(high / low) / (2 * 1.959963984540054)
        z = 1.959963984540054
        assert at_level["outer_low"] <= value * math.exp(-z * error) <= at_level["inner_low"] * 1.001
        assert at_level["inner_high"] * 0.999 <= value * math.exp(z * error) <= at_level["outer_high"]
    assert "rounding" in record.caption


def test_an_empty_cell_leaves_one_side_open(check_texts, by_gid):
    table = TwoByTwo(exposed_cases=0, exposed_total=30, control_cases=4, control_total=40)
    figure = figure_p_value_function(table, measure="OR", method="exact")
    check_texts(figure)
    assert len(by_gid(figure.axes[0], "arrow")) == 1
    assert len(by_gid(figure.axes[0], "curve")) == 1


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("column", ["single_mm", "double_mm"])
def test_it_holds_in_every_journal(check_texts, check_ticks, journal, column):
    width = getattr(JOURNALS[journal], column)
    with style(journal):
        figure = figure_p_value_function(
            Reported("1.83 (1.58-2.11)"), measure="HR", width_mm=width, synthetic=True
        )
        check_texts(figure)
    check_ticks(figure)
    assert 3 <= len(figure.axes[0].get_yticks()) <= 9


@pytest.mark.parametrize("journal", JOURNALS)
def test_no_journal_would_reject_it(bcg_pooled, journal):
    with style(journal):
        report = check_figure(figure_p_value_function(bcg_pooled), journal=journal)
    assert report.passes, str(report)


def test_it_draws_into_given_axes_and_leaves_settings_alone(bcg_pooled):
    before = dict(rcParams)
    ax = Figure().add_subplot()
    assert plot_p_value_function(bcg_pooled, ax=ax) is ax
    assert dict(rcParams) == before
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
    assert not any(text.get_parse_math() for text in texts)


def test_bytes_are_the_same_twice(tmp_path, bcg_pooled):
    contents = []
    for folder in ("a", "b"):
        paths = save_figure(figure_p_value_function(bcg_pooled), "p_value", directory=tmp_path / folder)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_what_does_not_fit_is_refused(bcg, bcg_pooled):
    with pytest.raises(
        TypeError, match="`source` must be Estimate, PooledEstimate, TwoByTwo or Reported, but"
    ):
        plot_p_value_function(bcg)
    with pytest.raises(ValueError, match="`measure` is for a table or a printed number"):
        plot_p_value_function(bcg_pooled, measure="RR")
    with pytest.raises(ValueError, match="`method` is of the interval of a table"):
        plot_p_value_function(bcg_pooled, method="score")
    with pytest.raises(ValueError, match="`measure` must be one of 'RR', 'OR', 'RD', but got 'HR'"):
        plot_p_value_function(TABLE, measure="HR")
    with pytest.raises(ValueError, match="`source` must be one table, but has shape"):
        plot_p_value_function(TABLE[np.newaxis], measure="RR")
    with pytest.raises(ValueError, match="`measure` must say what the printed number is"):
        plot_p_value_function(Reported("1.4 (0.9-2.1)"))
    with pytest.raises(ValueError, match=r"`source` must be printed with its interval, but is '1\.4'"):
        plot_p_value_function(Reported("1.4"), measure="OR")
    with pytest.raises(ValueError, match="`source` must be finite on the scale of measure OR"):
        plot_p_value_function(Reported("0.4 (0.0-2.1)"), measure="OR")
    with pytest.raises(ValueError, match="Give the table itself and method="):
        plot_p_value_function(odds_ratio(TABLE, method="exact"))
    bent = Estimate(
        measure="OR",
        value=2.0,
        low=1.0,
        high=9.0,
        confidence_level=0.95,
        std_error=0.3,
        scale="log",
        method="m",
    )
    with pytest.raises(ValueError, match="but that of method 'm' is none"):
        plot_p_value_function(bent)
    with pytest.raises(ValueError, match=r"`source` must be one estimate, but has shape \(1,\)"):
        plot_p_value_function(risk_ratio(TABLE[np.newaxis]))
