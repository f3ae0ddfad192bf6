import numpy as np
import pandas as pd
import pytest

from analysis.figures.forest import ForestColumn, figure_forest
from analysis.values.counts import Rate
from analysis.values.estimate import EffectSizes


def places(figure):
    return {text.get_text(): text.get_position()[0] for text in figure.texts}


def panel(figure):
    box = figure.axes[0].get_position()
    width = 72 * figure.get_size_inches()[0]
    return box.x0 * width, box.x1 * width


def test_the_place_of_each_column_can_be_chosen(bcg_pooled, bcg_table, check_texts):
    figure = figure_forest(bcg_pooled, table=bcg_table, columns=("effect", "plot", "counts", "weight"))
    check_texts(figure)
    left, right = panel(figure)
    where = places(figure)
    assert where["0.41 (0.13 to 1.26)"] < left
    assert where["4/123"] > right
    assert where["4/123"] < where["11/139"] < where["5.1"]


def test_own_columns_stand_left_or_right_with_their_alignment(bcg_pooled, bcg, check_texts):
    region = ForestColumn(
        heading="Region", texts=[f"R{i}" for i in range(13)], side="left", overall="all of them"
    )
    follow_up = ("Years", [str(100 * i) for i in range(13)])
    figure = figure_forest(bcg_pooled, columns=(region, "effect", follow_up), sort_by="effect")
    check_texts(figure)
    left, right = panel(figure)
    where = places(figure)
    assert where["R3"] < left
    assert where["1200"] > right
    assert "all of them" in where
    # Texts go with their rows.
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts}
    for i, label in enumerate(bcg.label):
        assert heights[f"R{i}"] == pytest.approx(heights[label])


def test_a_mapping_adds_columns_to_the_usual_ones(bcg_pooled, check_texts):
    texts = check_texts(figure_forest(bcg_pooled, columns={"Country": ["Ελλάδα"] * 13}))
    assert texts.count("Ελλάδα") == 13
    assert {"Country", "Weight", "Risk ratio"} <= set(texts)


def test_pvalues_are_those_of_the_effects(bcg, bcg_pooled):
    figure = figure_forest(bcg_pooled, columns=("effect", "p"))
    texts = [text.get_text() for text in figure.texts]
    assert texts.count("<0.001") == int((np.abs(bcg.effect / bcg.std_error) > 3.29053).sum())
    assert "0.95" in texts
    assert "P" in texts


def test_rates_of_one_group_have_their_counts(check_texts):
    effects = EffectSizes(effect=np.log([0.02, 0.05]), variance=[0.1, 0.2], measure="IRLN")
    texts = check_texts(figure_forest(effects, table=Rate(events=[10, 5], person_time=[500.5, 100])))
    assert {"10/500.5", "5/100", "events/time"} <= set(texts)


@pytest.mark.parametrize(
    ("columns", "error", "match"),
    [
        ((), ValueError, "`columns` must name at least one column"),
        (("Country",), ValueError, "`columns` must be one of 'counts', .* but got 'Country'"),
        (("i2",), ValueError, "It is for the steps of a cumulative or leave-one-out analysis"),
        (
            ("counts",),
            ValueError,
            "for, 'effect', 'weight', 'p', but got 'counts'. Counts need table=",
        ),
        ((("Year", ["1", "2"]),), ValueError, "one text a row, 13, but 'Year' has 2"),
        ((("Year", "abc"),), ValueError, "one text a row, 13, but 'Year' has one text"),
        ((3,), TypeError, r"must hold names, ForestColumn or \(heading, texts\), but holds int"),
    ],
)
def test_a_column_that_is_not_there_is_named(bcg_pooled, columns, error, match):
    with pytest.raises(error, match=match):
        figure_forest(bcg_pooled, columns=columns)


def test_side_and_alignment_are_checked():
    with pytest.raises(ValueError, match="`side` must be one of 'left', 'right', but got 'middle'"):
        ForestColumn(heading="x", texts=["a"], side="middle")
    with pytest.raises(ValueError, match="`align` must be one of 'left', 'right', 'center'"):
        ForestColumn(heading="x", texts=["a"], align="justify")


def test_a_narrow_page_gives_up_columns_before_it_breaks_labels(bcg_pooled, bcg_table):
    def texts(width_mm):
        figure = figure_forest(bcg_pooled, table=bcg_table, layout="revman", width_mm=width_mm)
        return [text.get_text() for text in figure.texts]

    wide, usual, narrow = texts(230), texts(150), texts(100)
    assert {"Events", "Weight", "4", "123"} <= set(wide)
    assert {"Events", "4", "123"} <= set(usual)
    assert "Weight" not in usual
    assert not {"Events", "4", "4/123"} & set(narrow)
    assert "0.41 [0.13, 1.26]" in narrow


def test_columns_may_come_from_a_table_with_an_index_of_its_own(bcg_pooled):
    frame = pd.DataFrame({"Years": range(13), "Country": ["x", None] + ["y"] * 11}, index=range(100, 113))
    texts = [text.get_text() for text in figure_forest(bcg_pooled, columns=frame).texts]
    assert {"Years", "Country", "0", "12"} <= set(texts)
    assert "None" not in texts
    ordered = figure_forest(bcg_pooled, sort_by=pd.Series(list("mlkjihgfedcba")))
    labels = [text.get_text() for text in ordered.texts if text.get_text() in bcg_pooled.effects.label]
    assert labels == list(bcg_pooled.effects.label)[::-1]
