"""The tornado: bars end where the numbers say."""

import hashlib

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from analysis import EffectSizes, TwoByTwo
from analysis.bias.methods.draw_swings import parameter_swings
from analysis.bias.spec import (
    ExposureMisclassification,
    OutcomeMisclassification,
    SelectionBias,
    UnmeasuredConfounding,
)
from analysis.figures.check_figure import check_figure
from analysis.figures.export import save_figure
from analysis.figures.journals import JOURNALS
from analysis.figures.record import record_of
from analysis.figures.style import current, style
from analysis.figures.tornado import figure_tornado, plot_tornado
from analysis.values.counts import TwoRates

RATIO = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
SWINGS = parameter_swings(
    RATIO,
    biases=UnmeasuredConfounding(
        prevalence_exposed="uniform(0.3, 0.5)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
    ),
)
# Bengtsson 2023, both sexes: recorded osteoporosis.
RECORDED = parameter_swings(
    TwoByTwo(exposed_cases=165, exposed_total=11611, control_cases=170, control_total=58050),
    biases=[
        OutcomeMisclassification(
            sensitivity="triangular(0.05, 0.1, 0.3)",
            control_sensitivity="triangular(0.02, 0.05, 0.15)",
            specificity="uniform(0.9995, 1)",
        ),
        SelectionBias(bias_factor="uniform(0.9, 1.3)"),
    ],
    measure="RR",
)


def bars_of(ax):
    return {gid: [p for p in ax.findobj(Rectangle) if p.get_gid() == gid] for gid in ("low", "high")}


def test_bars_end_at_the_measure(check_texts):
    ax = plot_tornado(SWINGS)
    bars = bars_of(ax)
    for gid, ends in (("low", SWINGS.at_low), ("high", SWINGS.at_high)):
        # The parameter that is known has no bar.
        assert len(bars[gid]) == 2
        for y, (bar, end) in enumerate(zip(bars[gid], ends, strict=False)):
            assert bar.get_x() + bar.get_width() == pytest.approx(end)
            assert bar.get_y() + bar.get_height() / 2 == pytest.approx(y)
    assert bars["low"][0].get_hatch()
    assert ax.get_xscale() == "log"
    texts = check_texts(ax.figure)
    assert "Risk ratio" in texts
    assert "Hazard ratio (log scale)" in texts


def test_the_page_has_the_same_bars_and_its_lines(by_gid):
    ax = figure_tornado(SWINGS).axes[0]
    for gid, ends in (("low", SWINGS.at_low), ("high", SWINGS.at_high)):
        found = [bar.get_x() + bar.get_width() for bar in bars_of(ax)[gid]]
        assert found == pytest.approx(ends[:2])
    (center,), (unadjusted,) = by_gid(ax, "center"), by_gid(ax, "unadjusted")
    assert center.get_xdata()[0] == pytest.approx(SWINGS.center)
    assert unadjusted.get_xdata()[0] == pytest.approx(1.83)
    assert by_gid(ax, "null line")
    rows = [bar.get_y() + bar.get_height() / 2 for bar in bars_of(ax)["low"]]
    assert rows == sorted(rows)
    assert 3 <= len(ax.get_xticks()) <= 9


def test_columns_say_what_bars_show(check_texts):
    texts = check_texts(figure_tornado(RECORDED, labels={"sensitivity": "Sensitivity, AS"}))
    assert {"Bias parameter", "95% range", "Adjusted risk ratio", "Sensitivity, AS"} <= set(texts)
    place = RECORDED.parameters.index("sensitivity")
    assert f"{RECORDED.at_low[place]:.2f}" in texts
    assert f"unadjusted {RECORDED.unadjusted:.2f}" in texts
    # Ends that differ print differently.
    assert {"0.9995", "1.0000"} <= set(texts)


def test_a_known_parameter_says_so(check_texts):
    texts = check_texts(figure_tornado(SWINGS))
    assert "known" in texts


def test_an_end_that_contradicts_the_table_has_no_bar(check_texts):
    table = TwoByTwo.from_cells(
        exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945
    )
    swings = parameter_swings(
        table,
        biases=ExposureMisclassification(sensitivity="uniform(0.8, 0.9)", specificity="uniform(0.6, 1)"),
    )
    assert np.isnan(swings.at_low).any()
    figure = figure_tornado(swings)
    texts = check_texts(figure)
    assert "contradicts" in texts
    assert len(bars_of(figure.axes[0])["low"]) == 1
    assert "cannot have produced the data" in " ".join(texts)
    plot_tornado(swings)


def test_small_differences_are_printed_apart(check_texts):
    rates = TwoRates(exposed_events=112, exposed_time=45_000, control_events=366, control_time=224_000)
    swings = parameter_swings(
        rates,
        biases=UnmeasuredConfounding(
            prevalence_exposed="uniform(0.2, 0.4)", prevalence_control=0.1, risk_ratio="uniform(1, 3)"
        ),
        measure="IRD",
    )
    texts = check_texts(figure_tornado(swings))
    ends = {f"{end:.5f}" for end in (*swings.at_low[:2], *swings.at_high[:2])}
    assert len(ends) == 4
    assert ends <= set(texts)


@pytest.mark.parametrize("journal", JOURNALS)
@pytest.mark.parametrize("swings", [SWINGS, RECORDED], ids=["confounding", "recording"])
def test_the_page_of_every_journal_keeps_texts_apart(check_texts, journal, swings):
    with style(journal):
        for width in (current().single_mm, current().double_mm):
            figure = figure_tornado(swings, width_mm=width, note="A note with $5 and $6.")
            check_texts(figure)
            report = check_figure(figure, journal=journal)
            assert report.passes, str(report)


def test_equal_and_foreign_names_stay_apart(check_texts):
    names = dict.fromkeys(RECORDED.parameters, "Чувствительность")
    figure = figure_tornado(RECORDED, labels=names, synthetic=True)
    assert check_texts(figure).count("Чувствительность") == len(RECORDED.parameters)


def test_words_and_numbers_are_those_of_the_picture():
    record = record_of(figure_tornado(RECORDED))
    np.testing.assert_array_equal(record.numbers["at_low"], RECORDED.at_low)
    np.testing.assert_array_equal(record.numbers["at_high"], RECORDED.at_high)
    assert f"{RECORDED.unadjusted:.2f} unadjusted" in record.alt
    assert f"{RECORDED.center:.2f} with every parameter at its median" in record.alt
    assert "0.9995 to 1.0000" in record.alt
    assert "95% range" in record.caption


def test_saved_twice_the_bytes_are_the_same(tmp_path):
    saved = [save_figure(figure_tornado(RECORDED), "tornado", directory=tmp_path / name) for name in "ab"]
    sums = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] for paths in saved]
    assert sums[0] == sums[1]


def test_what_is_wrong_is_named():
    with pytest.raises(TypeError, match="ParameterSwings"):
        plot_tornado(np.ones(3))
    with pytest.raises(ValueError, match="moves the measure"):
        plot_tornado(parameter_swings(RATIO, biases=SelectionBias(bias_factor=1.2)))
    with pytest.raises(ValueError, match="`labels` must name parameters among"):
        figure_tornado(SWINGS, labels={"prevalence": "x"})
    with pytest.raises(ValueError, match="`width_mm` must be"):
        figure_tornado(RECORDED, width_mm=41)
