import numpy as np
import pytest

from analysis import EffectSizes, Proportion, Rate, TwoRates, effect_sizes, pool
from analysis.tables.effects_table import effects_table


def _texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_bcg_trials(bcg, bcg_counts):
    random, common = pool(bcg), pool(bcg, model="common", ci="wald")
    table = effects_table(random, counts=bcg_counts, pooled=[random, common], exposed="BCG", control="None")
    assert [column.printed for column in table.columns] == [
        "Study", "BCG, n/N\xa0(%)", "None, n/N\xa0(%)", "Risk ratio (95% CI)", "Weight (%)",
    ]  # fmt: skip
    texts = _texts(table)
    assert texts[0] == ["Trial 1", "4/123 (3.3%)", "11/139 (7.9%)", "0.41 (0.13 to 1.26)", "5.1"]
    assert texts[13:] == [
        ["Random-effects model (REML, Hartung–Knapp)", "1065/191\u2009064", "1510/166\u2009283",
         "0.49 (0.33 to 0.73)", "100.0"],
        ["95% prediction interval", "", "", "0.13 to 1.79", ""],
        ["Common-effect model", "1065/191\u2009064", "1510/166\u2009283", "0.65 (0.60 to 0.70)", "100.0"],
    ]  # fmt: skip
    assert [row.summary for row in table.rows] == [False] * 13 + [True] * 3
    assert table.notes == (
        "Heterogeneity, random-effects model (REML, Hartung–Knapp): I² = 92%, τ² = 0.313, "
        "Q = 152.2 (df = 12, P < 0.001).",
        "Heterogeneity, common-effect model: I² = 92%, Q = 152.2 (df = 12, P < 0.001).",
    )


def test_the_values_are_those_of_the_results(bcg, bcg_counts):
    pooled = pool(bcg)
    frame = effects_table(pooled, counts=bcg_counts).to_frame()
    assert frame["exposed_cases"][:13].tolist() == bcg_counts.exposed_cases.tolist()
    assert frame["weight"][:13].to_numpy() == pytest.approx(pooled.weights)
    intervals = bcg.interval()
    for name in ("value", "low", "high"):
        assert frame[name][:13].tolist() == getattr(intervals, name).tolist()
        assert frame[name][13] == float(getattr(pooled.estimate, name))
    assert frame[["low", "high"]].loc[14].tolist() == [
        float(pooled.prediction.low),
        float(pooled.prediction.high),
    ]
    assert np.isnan(frame["value"][14])


def test_studies_that_were_left_out_have_no_weight_and_are_in_no_sum(bcg, bcg_counts):
    inside = np.arange(13) != 7
    table = effects_table(pool(bcg, where=inside), counts=bcg_counts)
    assert table.rows[7].cells[-1].text == "–"
    assert table.rows[13].cells[1].raw == (1065 - 505, 191064 - 88391)


def test_effects_alone_have_no_weights(bcg):
    table = effects_table(bcg, confidence_level=0.9)
    assert [column.printed for column in table.columns] == ["Study", "Risk ratio (90% CI)"]
    assert (len(table.rows), table.notes) == (13, ())


def test_a_missing_study_keeps_its_row():
    effects = EffectSizes(effect=[0.1, np.nan, 0.4], variance=[0.1, np.nan, 0.2], measure="OR")
    table = effects_table(pool(effects, where=[True, False, True], model="common", ci="wald"))
    assert _texts(table)[1] == ["2", "not estimable", "–"]


def test_one_study():
    effects = EffectSizes(effect=[0.1], variance=[0.1], measure="OR", label=["Only"])
    table = effects_table(pool(effects, model="common", ci="wald"))
    assert _texts(table)[0] == ["Only", "1.11 (0.59 to 2.05)", "100.0"]
    assert table.notes == ()


def test_groups_stand_together_and_the_sum_below_all(bcg):
    table = effects_table(pool(bcg), groups=["b", "a"] * 6 + ["b"])
    assert [row.group for row in table.rows] == ["b"] * 7 + ["a"] * 6 + ["", ""]
    assert table.rows[1].cells[0].text == "Trial 3"


@pytest.mark.parametrize(
    ("counts", "measure", "first"),
    [
        (Proportion(events=[15, 20], total=[80, 12000]), "PLO", ["15/80"]),
        (Rate(events=[15, 20], person_time=[80.5, 100]), "IRLN", ["15", "80.5"]),
        (
            TwoRates(
                exposed_events=[1, 2], exposed_time=[10, 20], control_events=[3, 4], control_time=[30, 40.25]
            ),
            "IRR",
            ["1", "10", "3", "30"],
        ),
    ],
)
def test_all_counts_have_their_columns_and_sums(counts, measure, first):
    table = effects_table(pool(effect_sizes(counts, measure), model="common", ci="wald"), counts=counts)
    assert [cell.text for cell in table.rows[0].cells[1 : 1 + len(first)]] == first
    frame = table.to_frame()
    for name, column in counts.to_frame().items():
        assert frame[name][2] == column.sum()


def test_proportions_are_in_percent(bcg):
    counts = Proportion(events=[15, 20], total=[80, 90])
    table = effects_table(pool(effect_sizes(counts, "PLO"), model="common", ci="wald"))
    assert table.columns[1].printed == "Proportion, % (95% CI)"
    assert table.rows[0].cells[1].text.startswith("18.8 (")
    assert table.rows[0].cells[1].raw[0] == pytest.approx(0.1875)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"counts": Proportion(events=[1, 2, 3], total=9)},
            ValueError,
            r"`counts` must be of 13 studies, but has shape \(3,\)",
        ),
        ({"counts": [1, 2]}, TypeError, "`counts` must be TwoByTwo, .* but got list"),
        ({"groups": ["a"]}, ValueError, "`groups` must name a heading for each of 13 studies, but names 1"),
        ({"pooled": ["x"]}, TypeError, "`pooled` must be PooledEstimate, but got str"),
        ({"confidence_level": 95}, ValueError, "`confidence_level` must be between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(bcg, arguments, error, message):
    with pytest.raises(error, match=message):
        effects_table(bcg, **arguments)


def test_other_shapes_and_studies_are_refused(bcg):
    other = EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.1], measure="RR")
    with pytest.raises(TypeError, match="`effects` must be EffectSizes or PooledEstimate, but got ndarray"):
        effects_table(np.ones(3))
    with pytest.raises(ValueError, match=r"must be one row of studies, but has shape \(2, 3\)"):
        effects_table(EffectSizes(effect=np.ones((2, 3)), variance=1.0))
    with pytest.raises(ValueError, match=r"of the 13 studies \(RR\) of `effects`, but is of 2 \(RR\)"):
        effects_table(bcg, pooled=pool(other))
    with pytest.raises(ValueError, match=r"must be one meta-analysis each, but has shape \(13,\)"):
        effects_table(pool(bcg, where=~np.eye(13, dtype=bool)))
