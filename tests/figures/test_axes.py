import math

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.figures.parts.axes import automatic_limits, axis_scale, labelled_axes, nice_ticks, set_x_axis
from analysis.figures.forest import plot_forest
from analysis.figures.parts.text import text_width
from analysis.values.estimate import EffectSizes


@pytest.mark.parametrize(
    ("low", "high", "width", "labels"),
    [
        (0.8, 1.25, 150, ["0.8", "0.9", "1", "1.1", "1.2"]),
        (0.3, 6, 150, ["0.5", "1", "2", "5"]),
        (0.07, 7, 150, ["0.1", "0.2", "0.5", "1", "2", "5"]),
        (0.4, 4.2, 150, ["0.5", "1", "2", "3"]),
        (0.001, 1000, 150, ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]),
        (0.001, 1000, 90, ["0.01", "1", "100"]),
        (1e-8, 1e8, 400, ["0.000001", "0.001", "1", "1000", "1\u2009000\u2009000"]),
        (0.5, 2, 60, ["0.5", "1", "2"]),
    ],
)
def test_log_ticks_are_those_that_a_reader_expects(low, high, width, labels):
    ticks, found, _ = nice_ticks(low, high, width=width, log=True)
    assert found == labels
    assert [float(label.replace("\u2009", "")) for label in found] == ticks


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (-0.17, 0.07, ["−0.15", "−0.10", "−0.05", "0.00", "0.05"]),
        (-1, 1, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (-30_000, 30_000, ["−20\u2009000", "0", "20\u2009000"]),
    ],
)
def test_linear_ticks_have_common_decimals_and_true_minus(low, high, labels):
    assert nice_ticks(low, high, width=180, log=False)[1] == labels


@given(st.floats(math.log(1e-3), math.log(500)), st.floats(math.log(1.3), math.log(1e6)), st.floats(110, 300))
def test_any_log_axis_has_ticks_that_stand_apart_and_no_powers(start, span, width):
    low, high = math.exp(start), math.exp(start + span)
    ticks, labels, between = nice_ticks(low, high, width=width, log=True)
    assert len(ticks) >= 2
    assert sorted(set(ticks)) == ticks
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in [*ticks, *between])
    assert not any("e" in label or "^" in label or "$" in label for label in labels)
    places = width * np.log(np.array(ticks) / low) / span
    halves = np.array([text_width(label) / 2 for label in labels])
    assert ((places - halves)[1:] - (places + halves)[:-1] > 3.9).all()
    if low < 1 < high and high / low > 2:
        assert 1.0 in ticks


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e4), st.floats(110, 300))
def test_any_linear_axis_has_ticks(low, span, width):
    ticks, labels, _ = nice_ticks(low, low + span, width=width, log=False)
    assert len(ticks) >= 2
    assert len(set(labels)) == len(labels)
    assert "-0" not in labels
    assert "−0" not in labels


@pytest.mark.parametrize(
    ("measure", "log", "factor", "null"),
    [("RR", True, 1, 1), ("OR", True, 1, 1), ("IRR", True, 1, 1), ("HR", True, 1, 1), ("RD", False, 1, 0)]
    + [(code, False, 100, None) for code in ("PR", "PLN", "PLO", "PAS", "PPV")]
    + [("IRLN", True, 1, None), ("PAF", False, 100, 0)],
)
def test_the_scale_follows_from_the_measure(measure, log, factor, null):
    scale = axis_scale(measure)
    assert (scale.log, scale.factor, scale.null) == (log, factor, null)


def test_one_wide_interval_does_not_squeeze_the_others():
    low, high = automatic_limits(axis_scale("RR"), [0.5, 2.0], [0.4, 2.5, 1e-6, 1e6])
    assert 0.1 < low < 0.4
    assert 2.5 < high < 10


def test_limits_hold_estimates_null_and_moderate_intervals():
    low, high = automatic_limits(axis_scale("OR"), [2.0, 3.0, np.nan], [1.5, 4.5, 0.0, np.inf])
    assert low < 1
    assert high > 4.5
    assert automatic_limits(axis_scale("PR"), [0.0, 18.8], [11.7, 28.7]) == (0.0, 30.0)
    assert automatic_limits(axis_scale("RD"), [np.nan], [np.nan])[0] < 0
    assert automatic_limits(axis_scale("PAF"), [-20.0, 30.0], [-50.0, 60.0])[0] < -50
    assert automatic_limits(axis_scale("IR"), [0.001, 0.01], [0.0, 0.02])[0] == 0


@pytest.mark.parametrize("limits", [(1.0, 1.0), (2.0, 1.0), (0.0, 2.0), (np.nan, 2.0), (0.1, np.inf)])
def test_impossible_limits_are_refused(limits):
    with pytest.raises(ValueError, match="`xlim` must be finite, ascending and above 0, but got"):
        set_x_axis(Figure().add_subplot(), axis_scale("RR"), *limits)


def test_tick_labels_keep_the_size_that_they_were_measured_in():
    ax = plot_forest(EffectSizes(effect=[0.1, 0.5], variance=0.1, measure="RR"))
    with mpl.rc_context({"xtick.labelsize": 20, "font.size": 30}):
        ax.figure.draw_without_rendering()
        assert {text.get_fontsize() for text in ax.get_xticklabels()} == {7.5}


def test_the_callers_axes_keep_their_layout():
    figure = Figure(layout="constrained")
    ax = figure.add_subplot()
    assert labelled_axes(["a", "a"], xlabel="x", ax=ax) is ax
    assert figure.get_layout_engine() is not None
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "a"]
    assert ax.get_ylim() == (1.6, -0.6)
