import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.figures import coverage as module
from analysis.figures.coverage import figure_coverage, plot_coverage
from analysis.figures.export import save_figure
from analysis.meta.interval_coverage import CoverageSimulation

INTERVALS = ("wald/DL", "wald/REML", "t/REML", "profile/ML", "henmi-copas/DL", "prediction/REML")


def _simulation(intervals=INTERVALS, studies=(3, 5, 10, 20), tau2=(0.0, 0.05, 0.1, 0.25, 0.5, 1.0)):
    """Made-up coverage, each number another."""
    shape = (len(intervals), len(studies), len(tau2))
    found = 0.99 - 0.13 * np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    return CoverageSimulation(
        intervals=intervals,
        studies=studies,
        tau2=tau2,
        coverage=found,
        monte_carlo_error=np.full(shape, 0.002),
        mean_width=np.ones(shape),
        median_width=np.ones(shape),
        draws=10_000,
        confidence_level=0.95,
    )


RESULT = _simulation()


def test_lines_lie_at_tau_and_percent(by_gid):
    ax = plot_coverage(RESULT, studies=10, intervals=["t/REML", "profile/ML"])
    lines = by_gid(ax, "coverage")
    assert [line.get_label() for line in lines] == ["t (REML)", "Profile likelihood (ML)"]
    for line, i in zip(lines, (2, 3), strict=True):
        assert line.get_xdata() == pytest.approx(np.sqrt(RESULT.tau2))
        assert line.get_ydata() == pytest.approx(100 * RESULT.coverage[i, 2])
    assert by_gid(ax, "level")[0].get_ydata() == [95, 95]
    band = by_gid(ax, "band")[0].get_extents().transformed(ax.transData.inverted())
    # 95 % of simulations of 10 000: 1.96 standard errors of 0.218 points.
    assert (band.y0, band.y1) == pytest.approx((94.573, 95.427), abs=0.001)
    assert ax.get_ylim()[0] < 100 * RESULT.coverage[3, 2].min()
    assert ax.get_ylim()[1] > 100
    assert ax.get_ylabel() == "Coverage (%)"
    assert ax.get_xlabel() == "Between-study variance τ² (axis linear in τ)"
    assert ax.get_xticks() == pytest.approx(np.sqrt(RESULT.tau2))
    labels = [text.get_text() for text in ax.get_xticklabels()]
    # Those that would touch are left out, never the ends.
    assert labels[0] == "0"
    assert labels[-1] == "1"
    assert set(labels) <= {"0", "0.05", "0.1", "0.25", "0.5", "1", ""}


def test_points_stand_in_the_order_of_tau2(by_gid):
    mixed = _simulation(tau2=(0.5, 0.0, 0.1))
    line = by_gid(plot_coverage(mixed, studies=3, intervals=["t/REML"]), "coverage")[0]
    assert line.get_xdata() == pytest.approx(np.sqrt([0.0, 0.1, 0.5]))
    assert line.get_ydata() == pytest.approx(100 * mixed.coverage[2, 0, [1, 2, 0]])


def test_a_panel_for_each_number_of_studies_and_each_kind_of_interval(by_gid):
    figure = figure_coverage(RESULT)
    assert [ax.get_title() for ax in figure.axes] == [f"{k} studies" for k in (3, 5, 10, 20)] * 2
    # By default the estimator is REML where there is a choice.
    names = [[line.get_label() for line in by_gid(ax, "coverage")] for ax in figure.axes]
    assert names[:4] == [["Wald (REML)", "t (REML)"]] * 4
    other = ["Profile likelihood (ML)", "Henmi–Copas (DL)", "Prediction of a further study (REML)"]
    assert names[4:] == [other] * 4
    for i, ax in enumerate(figure.axes[:4]):
        assert by_gid(ax, "coverage")[0].get_ydata() == pytest.approx(100 * RESULT.coverage[1, i])
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    only_free = figure_coverage(RESULT, intervals=["wald/DL", "wald/REML"])
    assert len(only_free.axes) == 4
    assert [line.get_label() for line in by_gid(only_free.axes[0], "coverage")] == [
        "Wald (DL)",
        "Wald (REML)",
    ]


@pytest.mark.parametrize("width_mm", [174, 120, 84])
def test_text_fits(width_mm, check_texts):
    texts = check_texts(figure_coverage(RESULT, width_mm=width_mm, note="Ten thousand of each, and a note."))
    for text in (
        "With any estimator of τ²",
        "With their own estimator of τ², and prediction",
        "Wald (REML)",
        "Henmi–Copas (DL)",
        "20 studies",
        "Coverage (%)",
        "Between-study variance τ² (axis linear in τ)",
    ):
        assert text in texts


def test_panels_go_on_below_where_the_page_is_narrow():
    tops = {round(ax.get_position().y1, 3) for ax in figure_coverage(RESULT, width_mm=84).axes}
    assert len(tops) == 4
    assert len({round(ax.get_position().y1, 3) for ax in figure_coverage(RESULT).axes}) == 2


def test_the_narrowest_page_is_named(check_texts):
    with pytest.raises(ValueError, match="`width_mm` must be") as refused:
        figure_coverage(RESULT, width_mm=10)
    least = int(str(refused.value).split()[3])
    check_texts(figure_coverage(RESULT, width_mm=least))
    with pytest.raises(ValueError, match=f"`width_mm` must be {least} or greater, but got {least - 1}"):
        figure_coverage(RESULT, width_mm=least - 1)


def test_lines_are_told_apart_without_colour():
    for (_, dashes, marker, filled), (_, other_dashes, other_marker, other_filled) in itertools.combinations(
        module._STYLES, 2
    ):
        assert dashes != other_dashes
        assert (marker, filled) != (other_marker, other_filled)
        assert marker != other_marker


def test_no_heterogeneity_alone_and_one_number_of_studies(check_texts):
    one = _simulation(studies=(4,), tau2=(0.0,))
    assert [ax.get_title() for ax in figure_coverage(one).axes] == ["4 studies"] * 2
    check_texts(figure_coverage(one))
    assert plot_coverage(one).get_xlim()[0] < 0 < plot_coverage(one).get_xlim()[1]


def test_low_coverage_and_a_low_level_are_within_the_axis():
    low = CoverageSimulation(
        intervals=("wald/DL",),
        studies=(3,),
        tau2=(0.0, 1.0),
        coverage=np.array([[[0.02, 0.5]]]),
        monte_carlo_error=np.full((1, 1, 2), 0.01),
        mean_width=np.ones((1, 1, 2)),
        median_width=np.ones((1, 1, 2)),
        draws=100,
        confidence_level=0.5,
    )
    assert plot_coverage(low).get_ylim()[0] < 2


def test_axes_may_be_given(by_gid):
    own = Figure().add_subplot()
    assert plot_coverage(RESULT, studies=3, ax=own) is own
    assert len(by_gid(own, "coverage")) == 5


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    small = _simulation(studies=(3,))
    words = {"title": "Coverage", "caption": "Made up.", "alt": "Lines."}
    for folder in ("a", "b"):
        figure = figure_coverage(small, note="A note.")
        save_figure(figure, "c", source=small.to_frame(), directory=tmp_path / folder, **words)
    for suffix in ("svg", "pdf", "png"):
        assert (tmp_path / "a" / f"c.{suffix}").read_bytes() == (tmp_path / "b" / f"c.{suffix}").read_bytes()


MANY = tuple(f"t/{name}" for name in ("DL", "REML", "PM", "HE", "SJ", "ML", "EB"))


@pytest.mark.parametrize(
    ("draw", "options", "error", "message"),
    [
        (plot_coverage, {}, ValueError, "`studies` must be one of 3, 5, 10, 20, but got None"),
        (plot_coverage, {"studies": 4}, ValueError, "`studies` must be one of 3, 5, 10, 20, but got 4"),
        (
            figure_coverage,
            {"intervals": ["t/DL"]},
            ValueError,
            "`intervals` must be one of .*, but got 't/DL'",
        ),
        (figure_coverage, {"intervals": "t/DL"}, TypeError, "`intervals` must be a sequence of texts"),
        (figure_coverage, {"intervals": []}, ValueError, "`intervals` must hold at least one interval"),
        (figure_coverage, {"width_mm": 60}, ValueError, "`width_mm` must be .* or greater, but got 60"),
    ],
)
def test_bad_input_is_named(draw, options, error, message):
    with pytest.raises(error, match=message):
        draw(RESULT, **options)


def test_other_objects_and_too_many_lines_are_refused():
    with pytest.raises(TypeError, match="`result` must be a CoverageSimulation, but got list"):
        figure_coverage([])
    many = _simulation(intervals=MANY)
    with pytest.raises(ValueError, match="`intervals` must be at most 6 in a panel, .* but are 7"):
        figure_coverage(many, intervals=MANY)
    with pytest.raises(ValueError, match="`intervals` must be at most 6 in a panel"):
        plot_coverage(many, studies=3, intervals=MANY)
