import numpy as np
import pytest

from analysis import EffectSizes, pool, subgroups, tau2_interval
from analysis.tables.pooled_table import pooled_table, subgroups_table


def _texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_models_stand_below_each_other(bcg):
    table = pooled_table({"Random": pool(bcg), "Common": pool(bcg, model="common", ci="wald")})
    assert [column.printed for column in table.columns] == [
        "Meta-analysis", "Studies", "Risk ratio (95% CI)", "P", "95% prediction interval", "τ² (95% CI)",
        "I², % (95% CI)", "Q", "df", "P of Q",
    ]  # fmt: skip
    assert _texts(table) == [
        ["Random", "13", "0.49 (0.33 to 0.73)", "0.002", "0.13 to 1.79", "0.313 (0.120 to 1.11)",
         "92 (82 to 98)", "152.2", "12", "<0.001"],
        ["Common", "13", "0.65 (0.60 to 0.70)", "<0.001", "–", "–", "92 (88 to 95)", "152.2", "12", "<0.001"],
    ]  # fmt: skip
    assert table.notes == (
        "Random: random-effects model (REML, Hartung–Knapp); Common: common-effect model. "
        "Intervals of τ² and I² by Q-profile. Intervals of I² of common-effect models are test-based.",
    )


def test_values_are_unrounded(bcg):
    pooled = pool(bcg)
    found = tau2_interval(pooled)
    frame = pooled_table(pooled).to_frame()
    for name in ("tau2", "tau2_low", "tau2_high", "i2", "i2_low", "i2_high"):
        assert frame[name][0] == float(getattr(found, name))
    assert frame["pvalue"][0] == float(pooled.estimate.pvalue)
    assert frame["prediction_high"][0] == float(pooled.prediction.high)
    assert frame["name"][0] == "Random-effects model (REML, Hartung–Knapp)"


def test_one_study_has_dashes():
    alone = EffectSizes(effect=[0.1], variance=[0.1], measure="RR")
    texts = _texts(pooled_table(pool(alone, model="common", ci="wald")))[0]
    assert texts[4:] == ["–"] * 6


def test_proportions_have_no_pvalue():
    effects = EffectSizes(effect=[-1, -1.2, -0.5], variance=[0.1, 0.2, 0.1], measure="PLO")
    table = pooled_table(pool(effects))
    assert [column.heading for column in table.columns][2:4] == [
        "Proportion, % (95% CI)",
        "95% prediction interval",
    ]


def test_subgroups_with_their_test(bcg):
    groups = ["random"] * 4 + ["alternate"] * 2 + ["random"] * 3 + ["systematic"] * 4
    found = subgroups(bcg, groups)
    table = subgroups_table(found)
    assert [row[0] for row in _texts(table)] == ["alternate", "random", "systematic", "All studies"]
    assert [row.summary for row in table.rows] == [False, False, False, True]
    assert _texts(table)[3] == ["All studies", "13", "0.49 (0.33 to 0.73)", "0.313", "92"]
    assert table.notes[0] == "Difference between subgroups: χ² = 1.8 (df = 2), P = 0.40."
    frame = table.to_frame()
    assert frame["value"][:3].tolist() == found.pooled.estimate.value.tolist()
    common = subgroups_table(subgroups(bcg, groups, between_study="common"))
    assert common.notes[0].startswith("Difference between subgroups: F = ")
    assert "(df = 2 and 10)" in common.notes[0]


def test_wrong_arguments_are_refused(bcg):
    other = EffectSizes(effect=[0.1, 0.2], variance=[0.1, 0.1], measure="OR")
    with pytest.raises(ValueError, match=r"must be of one measure and level \(RR, 0.95\), but 'b' is of OR"):
        pooled_table({"a": pool(bcg), "b": pool(other)})
    with pytest.raises(ValueError, match="must hold at least one meta-analysis, but is empty"):
        pooled_table({})
    with pytest.raises(ValueError, match=r"must be one meta-analysis, but has shape \(13,\); pool each set"):
        pooled_table(pool(bcg, where=~np.eye(13, dtype=bool)))
    with pytest.raises(ValueError, match=r"one meta-analysis each, but 'x' has shape \(13,\)"):
        pooled_table({"x": pool(bcg, where=~np.eye(13, dtype=bool))})
    with pytest.raises(TypeError, match="must be PooledEstimate each, but 'a' is int"):
        pooled_table({"a": 1})
    with pytest.raises(TypeError, match="must be PooledEstimate or a mapping, but got int"):
        pooled_table(1)
    with pytest.raises(TypeError, match="`found` must be Subgroups, but got int"):
        subgroups_table(1)
