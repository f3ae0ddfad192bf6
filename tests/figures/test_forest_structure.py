"""Every forest plot can be read: over hard cases no text overlaps or is cut off, and each axis has ticks."""

from importlib.util import find_spec

import numpy as np
import pytest

from analysis.figures.forest import figure_forest, pages_forest
from analysis.figures.parts.forest_layouts import FOREST_LAYOUTS
from analysis.figures.style import current
from analysis.measures.effect_size import effect_sizes
from analysis.meta.pooling import pool
from analysis.meta.subgroups import subgroups
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes

FAVOURS = ("favours treatment", "favours control")


def studies(k, *, span=2.0, centre=0.0, precision=1.0, measure="RR", label=None):
    """Return k studies whose effects go over `span` on the analysis scale."""
    place = np.linspace(-0.5, 0.5, k) if k > 1 else np.array([0.2])
    return EffectSizes(
        effect=centre + span * place,
        variance=np.geomspace(0.005, 0.5, k) / precision,
        measure=measure,
        label=label or [f"Author {chr(65 + i % 26)}. {1950 + i % 70}" for i in range(k)],
    )


def check_all(figure, check_texts, check_ticks):
    check_texts(figure)
    check_ticks(figure)


CASES = {
    "one study": studies(1),
    "two": studies(2),
    "ratios within a tenth": studies(5, span=0.1, precision=1e3),
    "ratios within a hundredth": studies(5, span=0.01, centre=0.02, precision=1e5),
    "six decades": studies(7, span=np.log(1e6)),
    "twelve decades": studies(7, span=np.log(1e12)),
    "far from the null": studies(4, centre=np.log(40.0), span=0.3),
    "near 0": studies(4, centre=np.log(0.001), span=0.5),
    "differences": studies(6, span=0.1, measure="RD", precision=500.0),
    "tiny differences": studies(6, span=1e-4, measure="RD", precision=1e9),
    "large differences": studies(6, span=2e5, measure="GEN", precision=1e-9),
    "equal labels": studies(4, label=["Smith 2019"] * 4),
    "long labels": studies(3, label=["A study with a very long name, women of 50 years and older " * 2] * 3),
    "scripts": studies(5, label=["Ελληνικά 2001", "Иванов 1999", "Nguyễn 2010", "Müller $5 2^3", "Ærø"]),
    "proportions": studies(5, measure="PLO", centre=-3.0),
    "rates": studies(5, measure="IRLN", centre=-6.0),
}


@pytest.mark.parametrize("layout", list(FOREST_LAYOUTS))
@pytest.mark.parametrize("case", list(CASES))
def test_hard_cases_can_be_read_in_every_layout(case, layout, check_texts, check_ticks):
    effects = CASES[case]
    pooled = pool(effects, model="common", ci="wald")
    favours = None if effects.measure in {"PLO", "IRLN"} else FAVOURS
    check_all(figure_forest(effects, pooled=pooled, layout=layout, favours=favours), check_texts, check_ticks)


def test_labels_from_right_to_left_keep_their_rows(check_texts, check_ticks):
    labels = ["دراسة سريرية 2011", "מחקר 2015", "Latin 2020"]
    figure = figure_forest(pool(studies(3, label=labels)))
    check_all(figure, check_texts, check_ticks)
    assert [text.get_text() for text in figure.texts if text.get_text() in labels] == labels


@pytest.mark.skipif(find_spec("matplotlib_fontja") is None, reason="no font with Chinese characters")
def test_chinese_and_japanese_labels_are_measured(check_texts, check_ticks):
    labels = ["東京試験 2019", "中国研究 " * 10, "Latin 2020"]
    for width_mm in (84, 174):
        figure = figure_forest(pool(studies(3, label=labels)), favours=("較低", "較高"), width_mm=width_mm)
        check_all(figure, check_texts, check_ticks)


@pytest.mark.parametrize("layout", list(FOREST_LAYOUTS))
@pytest.mark.parametrize("width_mm", [84, 120, 190])
def test_every_width_holds(bcg, bcg_pooled, bcg_table, layout, width_mm, check_texts, check_ticks):
    figure = figure_forest(
        bcg, pooled=bcg_pooled, table=bcg_table, layout=layout, width_mm=width_mm, favours=FAVOURS
    )
    check_all(figure, check_texts, check_ticks)
    assert 25.4 * figure.get_size_inches()[0] == pytest.approx(width_mm)


@pytest.mark.parametrize("layout", list(FOREST_LAYOUTS))
def test_subgroups_hold_in_every_layout(bcg, bcg_table, layout, check_texts, check_ticks):
    groups = subgroups(bcg, ["a"] * 4 + ["b"] * 6 + ["c"] * 3)
    figure = figure_forest(groups, table=bcg_table, layout=layout, favours=FAVOURS, width_mm=174)
    check_all(figure, check_texts, check_ticks)


@pytest.mark.parametrize("prediction", ["bar", "shade", "density", "none"])
def test_every_prediction_holds(bcg_pooled, prediction, check_texts, check_ticks):
    check_all(figure_forest(bcg_pooled, prediction=prediction), check_texts, check_ticks)


@pytest.mark.parametrize("k", [60, 200])
def test_many_studies_hold_on_one_figure_and_on_pages(k, check_texts, check_ticks):
    effects = studies(k)
    pooled = pool(effects)
    check_all(figure_forest(pooled, favours=FAVOURS), check_texts, check_ticks)
    pages = pages_forest(effects, pooled=pooled, favours=FAVOURS)
    for page in pages:
        check_all(page, check_texts, check_ticks)
        assert 25.4 * page.get_size_inches()[1] <= current().maximum_height_mm
    assert len({page.axes[0].get_xlim() for page in pages}) == 1


def test_zero_cells_and_what_is_not_estimable(check_texts, check_ticks, by_gid):
    table = TwoByTwo(
        exposed_cases=[0, 3, 0, 10],
        exposed_total=[50, 60, 70, 80],
        control_cases=[4, 0, 0, 9],
        control_total=[50, 60, 70, 80],
    )
    effects = effect_sizes(table, "OR", label=["no events", "no controls", "none at all", "both"])
    inside = np.isfinite(effects.effect) & np.isfinite(effects.variance)
    figure = figure_forest(effects, pooled=pool(effects, where=inside), table=table)
    check_all(figure, check_texts, check_ticks)
    assert len(by_gid(figure.axes[0], "estimate")) == int(np.isfinite(effects.effect).sum())


def test_intervals_that_are_all_cut_end_in_arrows_at_both_sides(bcg, check_texts, check_ticks, by_gid):
    figure = figure_forest(bcg, xlim=(0.985, 1.015))
    check_all(figure, check_texts, check_ticks)
    ends = [mark.get_xdata()[0] for mark in by_gid(figure.axes[0], "arrow")]
    assert set(ends) == {0.985, 1.015}
    interval = bcg.interval()
    assert len(ends) == int((interval.low < 0.985).sum() + (interval.high > 1.015).sum())


@pytest.mark.parametrize("axis", ["linear", "log", "logit"])
@pytest.mark.parametrize("centre", [-6.0, 0.0, 6.0])
def test_proportions_near_the_ends_on_every_axis(axis, centre, check_texts, check_ticks):
    effects = studies(5, measure="PLO", centre=centre)
    figure = figure_forest(effects, pooled=pool(effects), axis=axis)
    check_all(figure, check_texts, check_ticks)
