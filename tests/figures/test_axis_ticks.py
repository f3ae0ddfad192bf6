import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.parts.axis_ticks import logit_percent, nice_ticks
from analysis.tables.number_style import number_style


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.01, 60, ["0.1", "1", "10", "50"]),
        (0.4, 99.8, ["1", "10", "50", "90", "99"]),
        (40, 60, ["40", "45", "50", "55", "60"]),
    ],
)
def test_logit_ticks_are_percentages_that_a_reader_knows(low, high, labels):
    found = nice_ticks(low, high, width=150, log=False, logit=True)[1]
    assert set(labels) <= set(found)
    assert 3 <= len(found) <= 9


@given(st.floats(-9, 8), st.floats(0.2, 12), st.floats(100, 300))
def test_any_logit_axis_has_three_to_nine_ticks_that_stand_apart(start, span, width):
    low, high = (100 / (1 + math.exp(-x)) for x in (start, start + span))
    ticks, labels, _ = nice_ticks(low, high, width=width, log=False, logit=True)
    assert 3 <= len(ticks) <= 9
    assert sorted(set(ticks)) == ticks
    places = [width * (logit_percent(tick) - start) / span for tick in ticks]
    assert (np.diff(places) > 0).all()
    assert len(set(labels)) == len(labels)


@given(st.floats(math.log(1e-4), math.log(1e3)), st.floats(math.log(1.02), math.log(1e8)), st.floats(95, 300))
def test_any_log_axis_has_three_to_nine_ticks(start, span, width):
    ticks = nice_ticks(math.exp(start), math.exp(start + span), width=width, log=True)[0]
    assert 3 <= len(ticks) <= 9


@given(st.floats(-100, 100), st.floats(1e-2, 1e3), st.floats(100, 300))
def test_any_linear_axis_has_three_to_nine_ticks(low, span, width):
    assert 3 <= len(nice_ticks(low, low + span, width=width, log=False)[0]) <= 9


def test_a_short_axis_about_1_keeps_1_in_its_middle():
    for low, high in ((0.15, 7), (0.4, 2.6), (0.01, 150)):
        ticks, labels, _ = nice_ticks(low, high, width=48, log=True)
        assert len(ticks) == 3
        assert labels[1] == "1"


def test_labels_have_the_decimal_mark_of_the_style():
    with number_style("lancet"):
        assert nice_ticks(0.3, 6, width=150, log=True)[1] == ["0·5", "1", "2", "5"]


def test_log_odds_of_percentages():
    assert logit_percent(50) == 0
    assert logit_percent(0) == -math.inf
    assert logit_percent(100) == math.inf
    assert logit_percent(10) == pytest.approx(math.log(0.1 / 0.9))
