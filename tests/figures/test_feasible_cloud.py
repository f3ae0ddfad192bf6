import numpy as np
import pytest

from analysis import feasible_tables, risk_ratio
from analysis.figures import feasible_cloud
from analysis.figures.feasible_cloud import figure_feasible_cloud, plot_feasible_cloud
from analysis.forensics.feasible import feasible_set

SHARIF = feasible_tables(exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%")


def test_points_are_the_tables_and_the_printed_band_lies_beside_them(by_gid):
    ax = plot_feasible_cloud(SHARIF, printed=(1.825, 1.835))
    (points,) = by_gid(ax, "tables")
    assert points.get_xdata() == pytest.approx(100 * SHARIF.control_cases / 27657)
    assert points.get_ydata() == pytest.approx(100 * SHARIF.exposed_cases / 5476)
    (band,) = by_gid(ax, "printed band")
    corners = band.get_paths()[0].vertices
    ratios = corners[:, 1] / corners[:, 0]
    assert ratios.min() > risk_ratio(SHARIF).value.max()
    assert ratios.max() == pytest.approx(1.835, rel=1e-3)
    (bottom, top), (left, right) = ax.get_ylim(), ax.get_xlim()
    assert bottom < points.get_ydata().min()
    assert 1.835 * points.get_xdata().mean() < top
    assert left < points.get_xdata().min() < points.get_xdata().max() < right
    assert "controls (%)" in ax.get_xlabel()


@pytest.mark.parametrize(
    ("measure", "value"),
    [("RR", 1.7), ("OR", 1.7), ("RD", 0.019)],
)
def test_contours_are_lines_of_the_measure(by_gid, measure, value):
    ax = plot_feasible_cloud(SHARIF, measure=measure, contours=[value])
    (line,) = by_gid(ax, "contour")
    x, y = line.get_xdata() / 100, line.get_ydata() / 100
    known = np.isfinite(y)
    found = {"RR": y / x, "OR": y * (1 - x) / (x * (1 - y)), "RD": y - x}[measure]
    assert found[known] == pytest.approx(value)
    assert [text.get_text() for text in by_gid(ax, "contour label")] == [f"{value:g}"]


def test_the_mirror_solution_is_drawn_apart(by_gid):
    found = feasible_set(exposed_total=200, control_total=200, odds_ratio="2.02 (1.15-3.55)")
    ax = plot_feasible_cloud(found.tables, measure="OR", printed=(2.015, 2.025), mirror=found.mirror)
    (rings,) = by_gid(ax, "mirror tables")
    assert len(rings.get_xdata()) == found.mirror.sum()
    assert rings.get_markerfacecolor() == "white"


def test_many_tables_become_cells_of_a_grid(by_gid, monkeypatch):
    monkeypatch.setattr(feasible_cloud, "_MOST_POINTS", 100)
    monkeypatch.setattr(feasible_cloud, "_GRID", 5)
    (points,) = by_gid(plot_feasible_cloud(SHARIF), "tables")
    assert len(points.get_xdata()) <= 25


@pytest.mark.parametrize("width", [84, 120, 174])
def test_the_texts_stand_apart(check_texts, width):
    figure = figure_feasible_cloud(
        SHARIF,
        printed=(1.825, 1.835),
        text="1.83",
        width_mm=width,
        note="Sharif et al. 2023.",
        arms=("AS", "controls"),
    )
    texts = " ".join(check_texts(figure))
    assert "Points: the 168 tables that fit" in texts
    assert "what rounds to the printed 1.83." in texts
    assert "Sharif et al. 2023." in texts


def test_one_table_and_the_mirror_in_words(check_texts):
    found = feasible_set(exposed_total=100, control_total=90, odds_ratio="1.93 (0.98-3.80)")
    assert "Point: the one table" in " ".join(check_texts(figure_feasible_cloud(found.tables, measure="OR")))
    both = feasible_set(exposed_total=200, control_total=200, odds_ratio="2.02 (1.15-3.55)")
    texts = check_texts(figure_feasible_cloud(both.tables, measure="OR", mirror=both.mirror))
    assert "rings: the mirror solution" in " ".join(texts)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: plot_feasible_cloud(3), TypeError, "`tables` must be a TwoByTwo"),
        (lambda: plot_feasible_cloud(SHARIF[:0]), ValueError, "at least one table"),
        (lambda: plot_feasible_cloud(SHARIF, measure="HR"), ValueError, "`measure` must be one of"),
        (lambda: plot_feasible_cloud(SHARIF, printed=(2, 1)), ValueError, "`printed` must be two numbers"),
        (lambda: plot_feasible_cloud(SHARIF, mirror=[True]), ValueError, "`mirror` must have the shape"),
        (lambda: figure_feasible_cloud(SHARIF, width_mm=20), ValueError, "`width_mm` must be at least 60"),
    ],
)
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()
