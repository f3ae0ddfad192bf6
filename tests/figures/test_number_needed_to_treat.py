import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analysis import (
    TwoByTwo,
    figure_number_needed_to_treat,
    number_needed_to_treat,
    plot_number_needed_to_treat,
    risk_difference,
    style,
)

TABLE = TwoByTwo(
    exposed_cases=[10, 30, 12, 5, 8, 0, 1, 40],
    exposed_total=[100, 200, 150, 100, 20, 10, 8, 100],
    control_cases=[9, 60, 30, 14, 8, 1, 4, 38],
    control_total=[100, 200, 150, 100, 20, 10, 8, 100],
)
LABELS = [
    "Adams 1990",
    "Brown & Cole 1992",
    "Dietrich 1995",
    "Evans $1$",
    "Fischer",
    "Garcia",
    "Hansen",
    "Ito",
]
RESULT = number_needed_to_treat(TABLE)
# zEpid prints -14 to 11 for it, which would hold everything but the estimate.
ZEPID = number_needed_to_treat(TABLE[0], method="wald")
# Intervals that are NaN or have both ends at 0.
EMPTY = TwoByTwo(exposed_cases=[0, 3], exposed_total=20, control_cases=[0, 9], control_total=[20, 30])


def _missing(result, row):
    """Return the result with one row that is not estimable."""
    from dataclasses import replace

    def without(values):
        changed = np.array(values)
        changed[row] = np.nan
        return changed

    difference = result.risk_difference
    return replace(
        result,
        risk_difference=replace(
            difference,
            value=without(difference.value),
            low=without(difference.low),
            high=without(difference.high),
            std_error=None,
            pvalue=None,
        ),
        value=without(result.value),
        segments=without(result.segments),
        direction=np.nan_to_num(without(result.direction)),
    )


def _ticks(ax):
    labels = [label.get_text() for label in ax.get_xticklabels()]
    return dict(zip(ax.get_xticks(), labels, strict=True))


def _number(label):
    number = label.rpartition(" ")[-1].replace("\N{THIN SPACE}", "")
    return np.inf if number == "∞" else float(number)


def test_intervals_stand_at_their_risk_differences(by_gid):
    ax = plot_number_needed_to_treat(RESULT, labels=LABELS, xlim=(-1, 1))
    difference = risk_difference(TABLE, method="newcombe")
    lines, marks = by_gid(ax, "interval"), by_gid(ax, "estimate")
    assert len(lines) == len(marks) == len(LABELS)
    for row, (line, mark) in enumerate(zip(lines, marks, strict=True)):
        # One line without a gap, through infinity where both segments are there.
        assert line.get_xdata() == pytest.approx([difference.low[row], difference.high[row]])
        assert list(line.get_ydata()) == [row, row]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (pytest.approx(difference.value[row]), row)
    assert not by_gid(ax, "arrow")
    assert ax.get_xscale() == "linear"
    assert ax.get_xlabel() == "Number needed to treat (reciprocal scale)"
    assert [label.get_text() for label in ax.get_yticklabels()] == LABELS


def test_an_interval_of_two_segments_holds_its_estimate_and_infinity(by_gid):
    ax = plot_number_needed_to_treat(ZEPID, labels=["A trial"])
    (line,), (mark,) = by_gid(ax, "interval"), by_gid(ax, "estimate")
    low, high = line.get_xdata()
    assert (low, high) == pytest.approx((-1 / 14.03, 1 / 10.96), rel=1e-3)
    benefit, harm = ZEPID.segments
    assert (-1 / low, 1 / high) == pytest.approx((benefit[0], harm[0]))
    assert low < 0 < mark.get_xdata()[0] < high
    assert 1 / mark.get_xdata()[0] == pytest.approx(100)
    start, end = ax.get_xlim()
    assert start < low < high < end


@pytest.mark.parametrize(("outcome", "inside"), [("adverse", 0), ("favourable", 1)])
def test_an_interval_of_one_segment_stays_on_its_side(outcome, inside, by_gid):
    result = number_needed_to_treat(TABLE[1], outcome=outcome)
    ax = plot_number_needed_to_treat(result, labels=["Brown"])
    low, high = by_gid(ax, "interval")[0].get_xdata()
    assert low < high < 0
    least, greatest = result.segments[inside]
    assert (-1 / low, -1 / high) == pytest.approx((least, greatest))
    start, end = ax.get_xlim()
    # The other side is there, to be seen empty.
    assert end >= 0.2 * (end - start)


@pytest.mark.parametrize("outcome", ["adverse", "favourable"])
@pytest.mark.parametrize("xlim", [None, (-1, 1), (-0.02, 0.004), (-1e-4, 2e-4), (-0.3, 0.1)])
def test_tick_labels_are_reciprocals_with_infinity_at_the_null(outcome, xlim, by_gid):
    ax = plot_number_needed_to_treat(number_needed_to_treat(TABLE, outcome=outcome), labels=LABELS, xlim=xlim)
    ticks = _ticks(ax)
    assert ticks[0.0] == "∞"
    assert by_gid(ax, "null line")[0].get_xdata() == [0, 0]
    for place, label in ticks.items():
        assert 1 / _number(label) == pytest.approx(abs(place))
    assert list(ticks) == sorted(ticks)
    start, end = ax.get_xlim()
    assert start <= min(ticks) < 0 < max(ticks) <= end
    names = ("NNTB", "NNTH") if outcome == "adverse" else ("NNTH", "NNTB")
    first, *_, last = ticks.values()
    # A side that has no room for a name beside its number takes it from the other, too.
    named = {label.partition(" ")[0] for label in (first, last)} & {"NNTB", "NNTH"}
    assert (first.partition(" ")[0], last.partition(" ")[0]) == names or not named
    assert named or xlim == (-0.02, 0.004)
    assert not ax.xaxis.get_minorticklocs().size
    sides = by_gid(ax, "side")
    words = {align: [t.get_text() for t in sides if t.get_ha() == align] for align in ("right", "left")}
    left, right = ("Benefit", "Harm") if outcome == "adverse" else ("Harm", "Benefit")
    assert words["right"] in ([f"← {left} ({names[0]})"], [f"← {left}", f"({names[0]})"])
    assert words["left"] in ([f"{right} ({names[1]}) →"], [f"{right} →", f"({names[1]})"])
    assert {text.xy[0] for text in sides} == {0}


def test_ticks_of_altmans_axis():
    ax = plot_number_needed_to_treat(RESULT, labels=LABELS, xlim=(-0.22, 0.22))
    assert list(_ticks(ax).values()) == ["NNTB 5", "10", "20", "50", "∞", "50", "20", "10", "NNTH 5"]


def _texts(printed):
    # No line is broken between a number and its name.
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in printed]


@pytest.mark.parametrize("width_mm", [174, 120, 84, 64])
@pytest.mark.parametrize("outcome", ["adverse", "favourable"])
@pytest.mark.parametrize("xlim", [None, (-0.9, 0.05), (-0.002, 0.9)])
def test_text_fits(width_mm, outcome, xlim, check_texts):
    result = number_needed_to_treat(TABLE, outcome=outcome)
    figure = figure_number_needed_to_treat(
        result, labels=LABELS, xlim=xlim, width_mm=width_mm, note="N.", synthetic=True
    )
    texts = _texts(check_texts(figure))
    assert "Study" in texts
    if width_mm >= 120:
        assert set(str(result).splitlines()) <= set(texts)


@pytest.mark.parametrize("width_mm", [174, 120])
@pytest.mark.parametrize("row", range(len(LABELS)))
def test_text_fits_for_each_table_alone(width_mm, row, check_texts):
    result = number_needed_to_treat(TABLE[row])
    texts = _texts(
        check_texts(figure_number_needed_to_treat(result, labels=LABELS[row : row + 1], width_mm=width_mm))
    )
    assert str(result) in texts


@pytest.mark.parametrize("xlim", [(-0.3, 0.3), (-0.99, 0.01), (-0.01, 0.99)])
def test_names_of_the_sides_stand_apart_and_within_the_axis(xlim):
    figure = figure_number_needed_to_treat(RESULT, labels=LABELS, xlim=xlim)
    boxes = {"right": [], "left": []}
    with style():
        figure.draw_without_rendering()
        panel = figure.axes[0].get_window_extent()
        for text in figure.axes[0].findobj(Text):
            if text.get_gid() == "side":
                boxes[text.get_ha()].append(text.get_window_extent())
    left, right = Bbox.union(boxes["right"]), Bbox.union(boxes["left"])
    assert panel.x0 - 1 <= left.x0 < left.x1 < right.x0 < right.x1 <= panel.x1 + 1


def test_more_rows_than_the_text_of_the_result_prints(check_texts):
    table = TwoByTwo(exposed_cases=np.arange(1, 16), exposed_total=90, control_cases=8, control_total=90)
    result = number_needed_to_treat(table)
    texts = _texts(
        check_texts(figure_number_needed_to_treat(result, labels=[f"Study {i}" for i in range(15)]))
    )
    expected = [str(number_needed_to_treat(table[i])) for i in range(15)]
    assert [text for text in texts if re.match(r"NNT[BH]? .*\(", text)] == expected


def test_what_is_not_estimable_keeps_its_row(by_gid, check_texts):
    result = _missing(RESULT, 2)
    figure = figure_number_needed_to_treat(result, labels=LABELS)
    assert "not estimable" in _texts(check_texts(figure))
    ax = plot_number_needed_to_treat(result, labels=LABELS)
    assert [line.get_ydata()[0] for line in by_gid(ax, "interval")] == [0, 1, 3, 4, 5, 6, 7]
    assert [mark.get_ydata()[0] for mark in by_gid(ax, "estimate")] == [0, 1, 3, 4, 5, 6, 7]
    alone = figure_number_needed_to_treat(_missing(number_needed_to_treat(TABLE[:1]), 0), labels=["Nothing"])
    assert "∞" in check_texts(alone)
    assert not by_gid(alone.axes[0], "estimate")


def test_equal_risks_stand_at_infinity(by_gid):
    ax = plot_number_needed_to_treat(number_needed_to_treat(EMPTY, method="wald"), labels=["None", "Some"])
    assert by_gid(ax, "estimate")[0].get_xdata()[0] == 0


def test_long_intervals_end_in_an_arrow_and_do_not_squeeze_the_others(by_gid):
    table = TwoByTwo(
        exposed_cases=[100, 110, 90, 1],
        exposed_total=[5000, 5000, 5000, 3],
        control_cases=[120, 100, 95, 1],
        control_total=[5000, 5000, 5000, 3],
    )
    ax = plot_number_needed_to_treat(number_needed_to_treat(table), labels=list("abcd"))
    assert [arrow.get_ydata()[0] for arrow in by_gid(ax, "arrow")] == [3, 3]
    start, end = ax.get_xlim()
    assert -0.05 < start < end < 0.05


def test_axes_may_be_given(by_gid):
    own = Figure().add_subplot()
    assert plot_number_needed_to_treat(ZEPID, labels=["A trial"], ax=own) is own
    assert by_gid(own, "interval")


@pytest.mark.parametrize(
    ("error", "result", "options", "message"),
    [
        (TypeError, risk_difference(TABLE), {}, "`result` must be a NumberNeededToTreat, but got Estimate"),
        (TypeError, ZEPID, {"labels": "A"}, r"`labels` must be a sequence of texts, .* write \['A'\]"),
        (ValueError, RESULT, {"labels": ["A"]}, "`labels` must have one entry a study, 8, but has 1"),
        (ValueError, ZEPID, {"labels": LABELS}, "`labels` must have one entry a study, 1, but has 8"),
        (
            ValueError,
            number_needed_to_treat(
                TwoByTwo(exposed_cases=[[1], [2]], exposed_total=9, control_cases=1, control_total=9)
            ),
            {},
            r"`result` must be one row of studies, of shape \(k,\), but has shape \(2, 1\)",
        ),
        *(
            (
                ValueError,
                RESULT,
                {"xlim": xlim},
                "`xlim` must be two risk differences between -1 and 1, one below 0",
            )
            for xlim in [(0, 0.3), (-10, 20), (0.3, -0.3), (np.nan, 0.2), (-0.2, 0.0), (-0.5, 0.1, 0.5)]
        ),
    ],
)
def test_bad_input_is_named(error, result, options, message):
    for draw in (plot_number_needed_to_treat, figure_number_needed_to_treat):
        with pytest.raises(error, match=message):
            draw(result, **({"labels": LABELS} | options))


def test_a_page_on_which_numbers_would_be_broken_is_refused():
    with pytest.raises(ValueError, match="`width_mm` must be about .* or more .*, but got 45"):
        figure_number_needed_to_treat(RESULT, labels=LABELS, width_mm=45)
