"""Layouts in the manner of journals: what stands where, in whose words."""

import pytest

from analysis.figures.forest import figure_forest
from analysis.meta.pooling import pool
from analysis.meta.subgroups import subgroups
from analysis.tables.number_style import number_style

GROUPS = ["a", "a", "a", "a", "b", "b", "b", "b", "b", "b", "b", "b", "b"]


def texts_of(figure):
    return [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in figure.texts]


def heights(figure):
    return {text.get_text(): text.get_position()[1] for text in figure.texts}


def test_revman_has_events_and_totals_brackets_and_tests_under_the_total(bcg_pooled, bcg_table):
    figure = figure_forest(bcg_pooled, table=bcg_table, layout="revman", width_mm=230, arms=("BCG", "None"))
    texts = texts_of(figure)
    for text in (
        "Study or Subgroup",
        "BCG",
        "Events",
        "Total",
        "Weight",
        "IV, Random, 95% CI",
        "0.41 [0.13, 1.26]",
        "10.2%",
        "Total (95% CI)",
        "0.49 [0.33, 0.73]",
        "100.0%",
        "Heterogeneity: Tau² = 0.313; Chi² = 152.23, df = 12 (P < 0.001); I² = 92%",
        "Test for overall effect: t = 3.95, df = 12 (P = 0.002)",
    ):
        assert text in texts, text
    # Sums of the counts stand in the row of the total.
    cases, people = bcg_table.exposed_cases.sum(), bcg_table.exposed_total.sum()
    where = heights(figure)
    assert where[f"{cases:.0f}"] == pytest.approx(where["Total (95% CI)"])
    assert where[f"{people:,.0f}".replace(",", "\N{THIN SPACE}")] == pytest.approx(where["Total (95% CI)"])
    panel = figure.axes[0].get_position()
    effect = next(text for text in figure.texts if text.get_text() == "0.41 [0.13, 1.26]")
    assert effect.get_position()[0] < panel.x0 * 72 * figure.get_size_inches()[0]
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "Risk ratio",
        "IV, Random, 95%\N{NO-BREAK SPACE}CI",
    ]


def test_revman_names_the_common_effect_model_and_its_z(bcg, bcg_table):
    texts = texts_of(figure_forest(pool(bcg, model="common", ci="wald"), layout="revman"))
    assert "IV, Fixed, 95% CI" in texts
    assert any(text.startswith("Test for overall effect: Z = ") for text in texts)
    assert not any("Tau²" in text for text in texts)


def test_lancet_has_raised_points_dashes_and_black_squares(bcg_pooled, bcg_table, by_gid):
    figure = figure_forest(bcg_pooled, table=bcg_table, layout="lancet")
    texts = texts_of(figure)
    assert {"0·41 (0·13–1·26)", "10·2%", "Overall", "Heterogeneity: I²=92%, τ²=0·313, p<0·0001"} <= set(texts)
    assert "0·5" in [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert {mark.get_markerfacecolor() for mark in by_gid(figure.axes[0], "estimate")} == {"#000000"}


def test_jama_has_hyphens_and_says_over_the_panel_what_it_favours(bcg_pooled):
    figure = figure_forest(bcg_pooled, layout="jama", favours=("Favors BCG", "Favors none"))
    texts = texts_of(figure)
    assert {"Source", "0.41 (0.13-1.26)", "Total"} <= set(texts)
    assert any("P < .001" in text for text in texts)
    favours = [text for text in figure.axes[0].texts if text.get_gid() == "favours"]
    assert len(favours) == 2
    assert all(text.xy[1] == 1.0 for text in favours)
    below = figure_forest(bcg_pooled, favours=("Favors BCG", "Favors none"))
    assert all(text.xy[1] == 0.0 for text in below.axes[0].texts if text.get_gid() == "favours")


def test_bmj_has_bands_and_tests_in_lines_of_their_own(bcg_pooled, bcg_table):
    figure = figure_forest(bcg_pooled, table=bcg_table, layout="bmj")
    texts = texts_of(figure)
    assert {
        "0.41 (0.13 to 1.26)",
        "Total (95% CI)",
        "Test for overall effect: t=3.95, df=12, P=0.002",
    } <= set(texts)
    assert "Test for heterogeneity: τ²=0.313; χ²=152.23, df=12, P<0.001; I²=92%" in " ".join(texts)
    assert len([patch for patch in figure.patches + figure.artists if patch.get_gid() == "band"]) == 7


def test_each_subgroup_has_its_own_words(bcg):
    texts = texts_of(figure_forest(subgroups(bcg, GROUPS), layout="revman"))
    assert texts.count("Subtotal (95% CI)") == 2
    assert sum(text.startswith("Heterogeneity: ") for text in texts) == 3
    assert sum(text.startswith("Test for overall effect: ") for text in texts) == 3
    assert sum(text.startswith("Test for subgroup differences: Chi² = ") for text in texts) == 1


def test_the_counts_of_a_subgroup_are_summed_in_its_row(bcg, bcg_table):
    figure = figure_forest(subgroups(bcg, GROUPS), table=bcg_table, layout="lancet")
    cases, people = bcg_table.exposed_cases, bcg_table.exposed_total
    texts = {text.get_text().replace("\N{THIN SPACE}", "") for text in figure.texts}
    for part in (slice(0, 4), slice(4, 13), slice(0, 13)):
        assert f"{cases[part].sum():.0f}/{people[part].sum():.0f}" in texts


def test_a_name_that_the_caller_gave_stays(bcg, bcg_pooled):
    assert "Our model" in texts_of(figure_forest(bcg, pooled=[("Our model", bcg_pooled)], layout="revman"))


def test_the_callers_style_of_numbers_comes_first(bcg_pooled):
    with number_style(decimal_mark=",", limits=" to "):
        assert "0,41 (0,13 to 1,26)" in texts_of(figure_forest(bcg_pooled))
    with number_style("jama"):
        assert "0.41 (0.13-1.26)" in texts_of(figure_forest(bcg_pooled, layout="lancet"))


def test_an_unknown_layout_is_refused(bcg_pooled):
    with pytest.raises(
        ValueError,
        match="`layout` must be one of 'default', 'revman', 'jama', 'bmj', 'lancet', but got 'nejm'",
    ):
        figure_forest(bcg_pooled, layout="nejm")
