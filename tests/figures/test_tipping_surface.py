"""The tipping surface: the thick line is where the limit meets the target."""

import hashlib

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo
from analysis.bias.spec import OutcomeMisclassification, SelectionBias, UnmeasuredConfounding
from analysis.bias.tipping import tipping_point
from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.figures.tipping_surface import figure_tipping_surface, plot_tipping_surface

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
FEARED = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)
RESULT = tipping_point(RATIO, biases=FEARED, grid=81)
# Bengtsson 2023, men: recorded osteoporosis, and how it would have to be recorded to be as hip fracture is.
RECORDED = tipping_point(
    TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020),
    biases=OutcomeMisclassification(
        sensitivity=0.5, control_sensitivity=0.05, specificity=1, control_specificity=1
    ),
    measure="RR",
    target=1.37,
    limit="estimate",
    surface=("sensitivity", "control_sensitivity"),
    grid=41,
)
NAMES = {"sensitivity": "Sensitivity, AS", "control_sensitivity": "Sensitivity, controls"}


def test_the_line_is_where_the_limit_is_one(check_texts, by_gid):
    ax = plot_tipping_surface(RESULT)
    (line,) = by_gid(ax, "tipping line")
    x, y = line.get_paths()[0].vertices.T
    low = float(RATIO.interval().low)
    # Between points of the grid the line is straight.
    np.testing.assert_allclose((x * (y - 1) + 1) / (0.1 * (y - 1) + 1), low, rtol=1e-3)
    assert by_gid(ax, "tipped")
    assert ax.get_xlabel() == "Prevalence exposed"
    assert "hatched: 1.00 reached" in " ".join(check_texts(ax.figure))


@pytest.mark.parametrize(
    ("result", "beyond", "before"),
    [
        (RESULT, (0.75, 2.8), (0.2, 1.2)),
        (RECORDED, (0.9, 0.1), (0.9, 0.5)),
        # A protective ratio tips upwards.
        (
            tipping_point(
                EffectSizes.from_estimates(0.5, 0.4, 0.6, measure="RR"),
                biases=UnmeasuredConfounding(prevalence_exposed=0.1, prevalence_control=0.8, risk_ratio=3),
                surface=("prevalence_exposed", "risk_ratio"),
            ),
            (0.15, 2.9),
            (0.7, 1.5),
        ),
    ],
)
def test_the_side_beyond_the_target_is_hatched(by_gid, result, beyond, before):
    (tipped,) = by_gid(plot_tipping_surface(result), "tipped")
    assert any(path.contains_point(beyond) for path in tipped.get_paths())
    assert not any(path.contains_point(before) for path in tipped.get_paths())
    assert tipped.get_hatch()


def test_a_line_that_reaches_neither_edge_carries_its_value(check_texts, by_gid):
    table = TwoByTwo.from_cells(
        exposed_cases=60, exposed_noncases=140, control_cases=150, control_noncases=650
    )
    bias = SelectionBias(exposed_cases=1, exposed_noncases=0.6, control_cases=0.6, control_noncases=1)
    result = tipping_point(
        table, biases=bias, measure="OR", limit="estimate", surface=("exposed_noncases", "control_cases")
    )
    figure = figure_tipping_surface(result)
    (line,) = by_gid(figure.axes[0], "tipping line")
    x, y = line.get_paths()[0].vertices.T
    assert x.max() < 1
    assert y.max() < 1
    assert "1.00" in [text.get_text() for text in by_gid(figure.axes[0], "edge label")]
    check_texts(figure)


def test_marks_stand_where_the_result_says(by_gid):
    ax = plot_tipping_surface(RESULT)
    p1, _, ratio = RESULT.joint_values
    (joint,) = by_gid(ax, "joint")
    assert (joint.get_xdata()[0], joint.get_ydata()[0]) == (pytest.approx(p1), pytest.approx(ratio))
    (neutral,), (stated,) = by_gid(ax, "neutral"), by_gid(ax, "stated")
    assert (neutral.get_xdata()[0], neutral.get_ydata()[0]) == pytest.approx((0.1, 1.0))
    assert (stated.get_xdata()[0], stated.get_ydata()[0]) == pytest.approx((0.8, 3.0))
    first, second = by_gid(ax, "alone")
    assert first.get_xdata() == [pytest.approx(RESULT.tipping[0])]
    assert first.get_ydata() == [3.0]
    assert second.get_ydata() == [pytest.approx(RESULT.tipping[2])]
    values = [text.get_text() for text in by_gid(ax, "value")]
    assert values == ["1.58", f"{RESULT.adjusted.item():.2f}"]


def test_contours_carry_their_values_at_the_edge(by_gid):
    ax = plot_tipping_surface(RESULT)
    labels = {float(text.get_text()) for text in by_gid(ax, "edge label")}
    assert 1.0 in labels
    lines = by_gid(ax, "contour")
    assert len(lines) >= 3
    for line in lines:
        x, y = line.get_paths()[0].vertices.T
        limits = 1.58 * (0.1 * (y - 1) + 1) / (x * (y - 1) + 1)
        assert np.ptp(limits) < 0.01
        assert min(abs(limits.mean() - label) for label in labels) < 0.01


def test_a_target_out_of_reach_has_no_line(by_gid):
    figure = figure_tipping_surface(tipping_point(RATIO, biases=FEARED, target=0.1))
    ax = figure.axes[0]
    assert not by_gid(ax, "tipping line")
    assert not by_gid(ax, "joint")
    assert "0.10 is not reached" in record_of(figure).alt


def test_sensitivities_that_turn_one_ratio_into_another(check_texts, by_gid):
    figure = figure_tipping_surface(RECORDED, labels=NAMES)
    ax = figure.axes[0]
    (line,) = by_gid(ax, "tipping line")
    x, y = line.get_paths()[0].vertices.T
    crude = (75 / 7605) / (56 / 38020)
    np.testing.assert_allclose(crude * y / x, 1.37, rtol=1e-2)
    assert ax.get_ylabel() == "Sensitivity, controls"
    assert "6.70" in check_texts(figure)


def test_on_log_axes_equal_ratios_are_parallel(check_texts, by_gid):
    figure = figure_tipping_surface(RECORDED, labels=NAMES, log=True)
    ax = figure.axes[0]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    (line,) = by_gid(ax, "tipping line")
    x, y = line.get_paths()[0].vertices.T
    assert np.ptp(np.log(y / x)) < 1e-9
    assert "Sensitivity, AS (log scale)" in check_texts(figure)
    assert "over sensitivity, AS from 0.50" in record_of(figure).alt
    zero = tipping_point(
        RATIO, biases=UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0, risk_ratio=3)
    )
    with pytest.raises(ValueError, match="`log` must be False where a parameter goes to 0"):
        plot_tipping_surface(zero, log=True)


def test_what_contradicts_the_table_is_crossed_out(check_texts, by_gid):
    table = TwoByTwo(exposed_cases=40, exposed_total=100, control_cases=20, control_total=100)
    bias = OutcomeMisclassification(
        sensitivity=0.9, specificity=0.5, control_sensitivity=0.9, control_specificity=0.95
    )
    result = tipping_point(table, biases=bias, surface=("specificity", "control_specificity"), measure="RR")
    assert np.isnan(result.surface).any()
    figure = figure_tipping_surface(result)
    assert by_gid(figure.axes[0], "impossible")
    assert "contradict the data" in " ".join(check_texts(figure))


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("result", [RESULT, RECORDED], ids=["confounding", "recording"])
def test_the_page_of_every_journal_keeps_texts_apart(check_texts, journal, result):
    with style(journal):
        for width in (current().single_mm, current().double_mm):
            figure = figure_tipping_surface(result, width_mm=width, note="A note with $5 and $6.")
            check_texts(figure)
            report = check_figure(figure, journal=journal)
            assert report.passes, str(report)


def test_names_may_be_foreign_and_long(check_texts):
    names = {"prevalence_exposed": "Распространённость", "risk_ratio": "A very long name " * 6}
    check_texts(figure_tipping_surface(RESULT, labels=names, synthetic=True))


def test_words_and_numbers_are_those_of_the_picture():
    record = record_of(figure_tipping_surface(RECORDED, labels=NAMES))
    numbers = record.numbers
    grid = numbers[numbers["mark"] == "surface"]
    np.testing.assert_array_equal(grid["value"].to_numpy().reshape(41, 41), RECORDED.surface)
    np.testing.assert_array_equal(grid["x"].to_numpy()[:41], RECORDED.surface_x)
    assert {"neutral", "stated", "joint", "alone"} <= set(numbers["mark"])
    tipping = RECORDED.tipping[RECORDED.parameters.index("control_sensitivity")]
    assert f"reached at sensitivity, controls {tipping:.2f}, all else as stated" in record.alt
    assert "Adjusted risk ratio over two bias parameters" in record.caption


def test_saved_twice_the_bytes_are_the_same(tmp_path):
    saved = [save_figure(figure_tipping_surface(RESULT), "tipping", directory=tmp_path / n) for n in "ab"]
    sums = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in saved]
    assert sums[0] == sums[1]


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="TippingPoint"):
        plot_tipping_surface(RESULT.surface)
    with pytest.raises(ValueError, match="must have a surface"):
        plot_tipping_surface(tipping_point(RATIO, biases=SelectionBias(bias_factor=2)))
    two = EffectSizes(effect=[0.5, 0.6], variance=0.01, measure="HR")
    with pytest.raises(ValueError, match="one table"):
        plot_tipping_surface(tipping_point(two, biases=FEARED))
    flat = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=1)
    with pytest.raises(ValueError, match="must vary over both"):
        plot_tipping_surface(tipping_point(RATIO, biases=flat))
    with pytest.raises(ValueError, match="`labels` must name parameters among prevalence_exposed"):
        plot_tipping_surface(RESULT, labels={"prevalence": "x"})
    with pytest.raises(ValueError, match="`width_mm` must be about"):
        figure_tipping_surface(RESULT, width_mm=25)
