import numpy as np
import pytest

from analysis.figures.feasible_range import FeasibleRow, figure_feasible_range, plot_feasible_range

SHARIF = FeasibleRow(
    label="Risk ratio of osteoporosis",
    values=np.linspace(1.634, 1.7256, 168),
    printed=(1.825, 1.835),
    text="1.83 (1.58-2.11)",
    interval=(1.58, 2.11),
    note="4.7% of 5476 against 2.8% of 27 657.",
)


def row(**changes):
    return FeasibleRow(
        **({"label": "RR", "values": [1.2, 1.25], "printed": (1.15, 1.25), "text": "1.2"} | changes)
    )


def test_the_printed_number_lies_visibly_outside(by_gid):
    ax = plot_feasible_range([SHARIF], measure="RR")
    assert ax.get_xscale() == "log"
    assert by_gid(ax, "null line")
    bar = by_gid(ax, "range")[0].get_xdata()
    assert bar == pytest.approx([1.634, 1.7256])
    mark = by_gid(ax, "estimate")[0]
    assert mark.get_xdata()[0] == pytest.approx(1.83, abs=1e-4)
    assert mark.get_ydata()[0] == 1
    assert by_gid(ax, "interval")[0].get_xdata() == pytest.approx([1.58, 2.11])
    box = by_gid(ax, "rounding interval")[0]
    assert (box.get_x(), box.get_x() + box.get_width()) == pytest.approx((1.825, 1.835))
    assert box.get_x() > max(bar)


def test_the_numbers_stand_at_the_ends_and_at_the_right(by_gid, check_texts):
    figure = figure_feasible_range([SHARIF], measure="RR")
    texts = check_texts(figure)
    for text in ("All 168 tables that fit", "1.63 to 1.73", "1.83 (1.58-2.11)", "1.63", "1.73"):
        assert text in texts
    ends = by_gid(figure.axes[0], "range end")
    assert [text.get_text() for text in ends] == ["1.63", "1.73"]


def test_few_tables_are_strokes_and_many_are_heights(by_gid):
    ax = plot_feasible_range([row(values=[1.2, 1.22, 1.25])], measure="RR")
    assert len(by_gid(ax, "tables")[0].get_segments()) == 3
    many = plot_feasible_range([row(values=np.random.default_rng(1).normal(1.2, 0.02, 5000))], measure="RR")
    bars = by_gid(many, "tables")
    assert 4 <= len(bars) <= 60
    widths = [bar.get_x() for bar in bars] + [bars[-1].get_x() + bars[-1].get_width()]
    assert widths[0] == pytest.approx(by_gid(many, "range")[0].get_xdata()[0])
    assert max(bar.get_height() for bar in bars) == pytest.approx(0.45)


@pytest.mark.parametrize("width_mm", [84, 174])
def test_texts_never_overlap(width_mm, check_texts):
    rows = [
        SHARIF,
        row(label="A label that is so long that it has to be broken into several lines " * 2),
        row(values=[], text="2.55"),
        row(values=[0.9]),
        row(values=[0.5, np.inf], note="An odds ratio over an empty cell is infinite."),
    ]
    texts = check_texts(
        figure_feasible_range(rows, measure="OR", width_mm=width_mm, synthetic=True, note="A note.")
    )
    assert {"none", "0.90"} <= set(texts)


def test_a_range_without_end_gets_to_the_edge(by_gid):
    ax = plot_feasible_range([row(values=[0.5, np.inf])], measure="OR", xlim=(0.4, 4))
    assert by_gid(ax, "range")[0].get_xdata() == pytest.approx([0.5, 4])


def test_proportions_are_in_percent(by_gid, check_texts):
    figure = figure_feasible_range(
        [row(values=[0.18, 0.19], printed=(0.185, 0.195), text="19%")], measure="PR"
    )
    assert by_gid(figure.axes[0], "range")[0].get_xdata() == pytest.approx([18, 19])
    assert "18.0 to 19.0" in check_texts(figure)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`values` must not be NaN, but 1 of 2 are"):
        row(values=[1.0, np.nan])
    with pytest.raises(ValueError, match="`values` must have one axis"):
        row(values=[[1.0]])
    with pytest.raises(
        ValueError, match=r"`printed` must be two numbers in ascending order, but got \(2, 1\)"
    ):
        row(printed=(2, 1))
    with pytest.raises(ValueError, match="`interval` must be two numbers in ascending order"):
        row(interval=(2, 1))
    with pytest.raises(ValueError, match="`rows` must hold at least one FeasibleRow"):
        figure_feasible_range([], measure="RR")
    with pytest.raises(TypeError, match="`rows` must hold FeasibleRow, but got str"):
        plot_feasible_range(["a"], measure="RR")
    with pytest.raises(ValueError, match="`measure` must be one of"):
        figure_feasible_range([SHARIF], measure="rr")


def test_values_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        SHARIF.values[0] = 1
