"""Each figure in each journal's style: nothing overlaps, nothing leaves the page, and words go with it."""

import json
import math

import numpy as np
import pytest

from analysis import TwoByTwo, feasible_tables, figure_intervals, number_needed_to_treat, odds_ratio
from analysis.figures.check_figure import check_figure
from analysis.figures.coverage import figure_coverage
from analysis.figures.export import save_figure
from analysis.figures.feasible_cloud import figure_feasible_cloud
from analysis.figures.feasible_range import FeasibleRow, figure_feasible_range
from analysis.figures.journals import JOURNALS
from analysis.figures.number_needed_to_treat import figure_number_needed_to_treat
from analysis.figures.prevalence_range import figure_prevalence_range
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.measures.effect_size import effect_sizes
from analysis.measures.proportion import prevalence
from analysis.meta.interval_coverage import simulate_coverage
from analysis.meta.pooling import pool
from analysis.values.counts import Proportion

TABLE = TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)
SHARIF = feasible_tables(exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%")
ROWS = [
    FeasibleRow(
        label="Risk ratio of osteoporosis",
        values=np.linspace(1.634, 1.7256, 168),
        printed=(1.825, 1.835),
        text="1.83 (1.58-2.11)",
        interval=(1.58, 2.11),
        note="4.7% of 5476 against 2.8% of 27 657.",
    ),
    FeasibleRow(label="שלום Βήτα", values=[0.9], printed=(1.15, 1.25), text="1.2"),
    FeasibleRow(label="No table", values=[], printed=(2.545, 2.555), text="2.55"),
]
COUNTS = Proportion(events=[15, 45, 11, 20, 35, 0], total=[80, 73, 66, 103, 70, 0])
LABELS = ["El Maghraoui 1999", "Capaci 2003", "Mitra 2000", "Bessant 2002", "Hmamouchi 2013", "دراسة 2020"]
GROUPS = ["Lumbar spine"] * 3 + ["Hip"] * 3
SIMULATION = simulate_coverage(
    studies=[3, 5, 10, 20],
    intervals=["wald/REML", "hartung-knapp/REML", "profile/ML"],
    tau2=[0.0, 0.02, 0.1, 0.3],
    draws=20,
    rng=1,
)
TRIALS = TwoByTwo(
    exposed_cases=[10, 30, 5], exposed_total=100, control_cases=[9, 45, 2], control_total=[100, 100, 90]
)


def intervals(**options):
    methods = ("woolf", "gart", "score", "exact", "mid-p")
    return figure_intervals(
        [odds_ratio(TABLE, method=method) for method in methods], note="A note.", **options
    )


def cloud(**options):
    mirror = SHARIF.exposed_cases > 258
    return figure_feasible_cloud(
        SHARIF,
        printed=(1.825, 1.835),
        text="1.83",
        mirror=mirror,
        arms=("people with AS", "controls of the same age"),
        note="A note.",
        **options,
    )


def ranges(**options):
    return figure_feasible_range(ROWS, measure="RR", note="A note.", **options)


def prevalences(**options):
    pooled = {"Lumbar spine": pool(effect_sizes(COUNTS[:3], "PLO"))}
    return figure_prevalence_range(
        prevalence(COUNTS),
        labels=LABELS,
        groups=GROUPS,
        counts=COUNTS,
        band=(0.19, 0.62),
        pooled=pooled,
        derived=[False, True, False, False, False, False],
        note="A note.",
        **options,
    )


def coverage(**options):
    return figure_coverage(SIMULATION, note="A note.", **options)


def needed(**options):
    labels = ["A trial", "Another trial 2001", "שלום Βήτα"]
    return figure_number_needed_to_treat(
        number_needed_to_treat(TRIALS), labels=labels, note="A note.", **options
    )


FIGURES = [intervals, cloud, ranges, prevalences, coverage, needed]
named = pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)


@named
@pytest.mark.parametrize("journal", JOURNALS)
def test_a_figure_keeps_the_rules_of_every_journal(draw, journal):
    with style(journal):
        figure = draw()
        width = 25.4 * figure.get_size_inches()[0]
        assert width == pytest.approx(120 if draw is cloud else current().double_mm)
    report = check_figure(figure, journal=journal)
    wanted = [finding for finding in report.findings if finding.rule != "font"]
    assert wanted == [], str(report)


@named
@pytest.mark.parametrize("journal", ["bmj", "elsevier", "nature", "plos"])
def test_a_figure_of_one_column_is_drawn_or_refused_with_a_width(draw, journal):
    with style(journal):
        try:
            figure = draw(width_mm=current().single_mm)
        except ValueError as error:
            assert "`width_mm` must be" in str(error)  # noqa: PT017 -- both ends are right
            return
    report = check_figure(figure, journal=journal)
    assert [finding for finding in report.findings if finding.rule != "font"] == [], str(report)


@named
def test_synthetic_data_are_said_to_be(draw):
    figure = draw(synthetic=True)
    assert any("SYNTHETIC" in text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))
    record = record_of(figure)
    assert "ynthetic" in record.caption or "SYNTHETIC" in record.caption
    assert check_figure(figure).passes


@named
def test_the_record_says_the_finding_in_numbers(draw):
    record = record_of(draw())
    assert 10 < len(record.title) < 110
    assert record.caption.endswith(".")
    assert "A note." in record.caption
    assert sum(character.isdigit() for character in record.alt) >= 4
    assert "nan" not in record.alt
    assert "\n" not in record.alt
    assert len(record.numbers) > 0
    assert all("\n" not in column for column in record.numbers.columns)


def test_what_the_words_say():
    assert "4 of 5 intervals exclude no effect." not in record_of(intervals()).alt
    outside = sum(
        float(odds_ratio(TABLE, method=method).low) > 1
        for method in ("woolf", "gart", "score", "exact", "mid-p")
    )
    assert f"{outside} of 5 intervals exclude no effect." in record_of(intervals()).alt
    text = record_of(cloud()).alt
    assert "Cloud of 168 tables" in text
    assert "The risk ratio goes from 1.63 to 1.73." in text
    assert "0 of 168 tables round to the printed 1.83." in text
    text = record_of(ranges()).alt
    assert "possible 1.63 to 1.73 over 168 tables; printed 1.83 (1.58-2.11), above all of them." in text
    assert "No table: printed 2.55, and no table fits." in text
    text = record_of(prevalences()).alt
    assert "They go from 16.7% to 61.6%. 1 of them cannot be estimated." in text
    assert "3 of 5 lie within the quoted range of 19.0% to 62.0%." in text
    text = record_of(needed()).alt
    assert "On the side of harm: 2 of 3 estimates." in text
    assert "both benefit and harm: 2 of 3." in text
    text = record_of(coverage()).alt
    one = SIMULATION.of("wald/REML").coverage
    assert f"Wald (REML): {100 * one.min():.1f}% to {100 * one.max():.1f}%, least at" in text


def test_the_numbers_are_those_that_are_drawn(by_gid):
    figure = ranges()
    numbers = record_of(figure).numbers
    bars = by_gid(figure.axes[0], "range")
    tables = numbers[numbers["kind"] == "table"]
    for label, bar in zip(("Risk ratio of osteoporosis", "שלום Βήτα"), bars, strict=True):
        values = tables.loc[tables["row"] == label, "value"]
        assert bar.get_xdata() == pytest.approx([values.min(), values.max()])
    figure = prevalences()
    numbers = record_of(figure).numbers
    marks = by_gid(figure.axes[0], "estimate")
    studies = numbers[(numbers["kind"] == "study") & numbers["value"].notna()]
    assert [mark.get_xdata()[0] for mark in marks] == pytest.approx((100 * studies["value"]).tolist())
    prediction = numbers[numbers["kind"] == "prediction"].iloc[0]
    bar = by_gid(figure.axes[0], "prediction interval")[0]
    assert bar.get_xdata() == pytest.approx([100 * prediction["low"], 100 * prediction["high"]])
    figure = coverage()
    numbers = record_of(figure).numbers
    line = by_gid(figure.axes[0], "coverage")[0]
    drawn = numbers[(numbers["studies"] == 3) & (numbers["name"] == "Wald (REML)")].sort_values("tau2")
    assert line.get_ydata() == pytest.approx((100 * drawn["coverage"]).tolist())
    assert line.get_xdata() == pytest.approx([math.sqrt(tau2) for tau2 in drawn["tau2"]])
    figure = cloud()
    numbers = record_of(figure).numbers
    points = by_gid(figure.axes[0], "tables")[0]
    kept = numbers[~numbers["ring"]]
    assert points.get_ydata() == pytest.approx((100 * kept["exposed_cases"] / kept["exposed_total"]).tolist())


@named
def test_a_figure_is_saved_with_its_own_words_in_every_format(draw, tmp_path):
    with style("nature"):
        figure = draw()
    paths = save_figure(figure, "own", journal="nature", directory=tmp_path)
    assert {path.suffix for path in paths} == {".pdf", ".svg", ".png", ".eps", ".tiff", ".csv", ".json"}
    words = json.loads(paths[-1].read_text(encoding="utf-8"))
    assert words["alt"] == record_of(figure).alt
    for path in paths:
        if path.suffix in {".pdf", ".eps", ".tiff"}:
            report = check_figure(path, journal="nature")
            assert report.passes, str(report)
