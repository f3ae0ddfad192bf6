import numpy as np
import pytest

from analysis.figures.forest import figure_forest, plot_forest
from analysis.figures.parts.forest_lines import NO_GROUP
from analysis.meta.influence import leave_one_out
from analysis.meta.pooling import pool
from analysis.meta.subgroups import subgroups
from analysis.values.estimate import EffectSizes

GROUPS = ["b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b", "a", "b"]


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


@pytest.mark.parametrize("sort_by", ["effect", "-effect", "precision", "weight", "label", "-label"])
def test_rows_are_sorted_with_their_marks(bcg, bcg_pooled, by_gid, sort_by):
    ax = plot_forest(bcg_pooled, sort_by=sort_by)
    keys = {
        "effect": bcg.effect,
        "precision": 1 / bcg.variance,
        "weight": bcg_pooled.weights,
        "label": np.array(bcg.label),
    }[sort_by.removeprefix("-")]
    order = np.argsort(keys, kind="stable")
    order = order[::-1] if sort_by.startswith("-") else order
    assert labels(ax)[:13] == [bcg.label[i] for i in order]
    drawn = [mark.get_xdata()[0] for mark in by_gid(ax, "estimate")]
    assert drawn == pytest.approx(np.exp(bcg.effect[order]))


def test_rows_are_sorted_by_any_key_within_their_subgroups(bcg):
    years = [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976]
    ax = plot_forest(subgroups(bcg, GROUPS), sort_by=years, group_order=["b", "a"])
    found = labels(ax)
    assert found.index("b") < found.index("a")
    for name in "ba":
        rows = [label for label in found if label in bcg.label and GROUPS[bcg.label.index(label)] == name]
        printed = [years[bcg.label.index(label)] for label in rows]
        assert len(printed) == GROUPS.count(name)
        assert printed == sorted(printed)


def test_what_has_no_number_comes_last(by_gid):
    effects = EffectSizes(
        effect=[np.nan, 0.5, -0.5], variance=[0.1, 0.1, 0.1], measure="RR", label=list("xyz")
    )
    for sort_by in ("effect", "-effect"):
        assert labels(plot_forest(effects, sort_by=sort_by))[-1] == "x"


def test_studies_in_no_subgroup_stand_under_a_heading_of_their_own(bcg):
    inside = np.arange(13) != 4
    found = labels(plot_forest(subgroups(bcg, GROUPS, where=inside)))
    assert found.index(bcg.label[4]) == found.index(NO_GROUP) + 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (
            {"sort_by": "size"},
            "`sort_by` must be one of 'effect', 'precision', .* but got 'size'",
        ),
        ({"sort_by": [1, 2]}, r"one key a row, \(13,\), but has shape \(2,\)"),
        ({"group_order": ["a"]}, "`group_order` needs subgroups"),
        ({"weights": "within"}, "`weights` = 'within' needs subgroups"),
        ({"weights": "both"}, "`weights` must be one of 'overall', 'within'"),
    ],
)
def test_wrong_orders_are_named(bcg_pooled, options, match):
    with pytest.raises(ValueError, match=match):
        figure_forest(bcg_pooled, **options)


def test_more_wrong_orders_are_named(bcg):
    with pytest.raises(ValueError, match="`sort_by` = 'weight' needs weights"):
        plot_forest(bcg, sort_by="weight")
    with pytest.raises(ValueError, match="`group_order` must name each of 'a', 'b' once, but got"):
        plot_forest(subgroups(bcg, GROUPS), group_order=["a", "c"])
    with pytest.raises(TypeError, match="`pooled` must not be Subgroups where the rows are steps"):
        plot_forest(leave_one_out(bcg), pooled=subgroups(bcg, GROUPS))
    with pytest.raises(TypeError, match=r"`pooled` must be PooledEstimate, Subgroups or a sequence of"):
        plot_forest(bcg, pooled=3)
    with pytest.raises(TypeError, match=r"`pooled` must be a sequence of \(name, result\), but holds"):
        plot_forest(bcg, pooled=[pool(bcg)])


def test_headings_and_pooled_rows_are_bold_beside_the_axes_too(bcg, check_texts):
    ax = plot_forest(subgroups(bcg, GROUPS))
    check_texts(ax.figure)
    bold = [text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"]
    assert bold == ["a", "Subtotal", "b", "Subtotal", "Random-effects model (REML, Hartung–Knapp)"]
