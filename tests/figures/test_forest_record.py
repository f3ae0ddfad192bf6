import numpy as np
import pytest

from analysis.figures.forest import figure_forest
from analysis.figures.record import record_of
from analysis.meta.influence import leave_one_out
from analysis.meta.subgroups import subgroups
from analysis.values.estimate import EffectSizes
from analysis.values.risk_of_bias import RiskOfBias

GROUPS = ["a", "a", "a", "a", "b", "b", "b", "b", "b", "b", "b", "b", "b"]


def test_the_words_say_the_finding_in_numbers(bcg_pooled):
    record = record_of(figure_forest(bcg_pooled))
    assert record.title == "Forest plot of 13 studies: risk ratio"
    for text in (
        "13 studies",
        "range from 0.20 to 1.56",
        "8 intervals lie wholly below no effect and 0 wholly above it",
        "0.49 (0.33 to 0.73)",
        "prediction interval 0.13 to 1.79",
        "I² 92%",
    ):
        assert text in record.alt, text
    for text in ("Squares (areas by weight)", "REML, Hartung–Knapp", "Grey bars", "logarithmic", "Diamonds"):
        assert text in record.caption, text


def test_numbers_are_every_mark_at_full_precision(bcg, bcg_pooled):
    numbers = record_of(figure_forest(bcg_pooled)).numbers
    assert list(numbers["kind"]) == ["study"] * 13 + ["pooled", "prediction"]
    interval = bcg.interval()
    studies = numbers[numbers["kind"] == "study"]
    assert list(studies["label"]) == list(bcg.label)
    for name in ("value", "low", "high"):
        np.testing.assert_array_equal(studies[name], getattr(interval, name))
    np.testing.assert_array_equal(studies["weight"], bcg_pooled.weights)
    assert numbers["high"].iloc[-1] == float(bcg_pooled.prediction.high)
    assert numbers["low"].iloc[-2] == float(bcg_pooled.estimate.low)


def test_numbers_of_subgroups_name_them_and_give_both_weights(bcg):
    groups = subgroups(bcg, GROUPS)
    numbers = record_of(figure_forest(groups)).numbers
    studies = numbers[numbers["kind"] == "study"]
    assert list(studies["group"]) == GROUPS
    assert studies["weight"].sum() == pytest.approx(100)
    assert studies.groupby("group")["weight_in_group"].sum().to_numpy() == pytest.approx([100, 100])
    alt = record_of(figure_forest(groups)).alt
    assert "13 studies in 2 subgroups" in alt
    assert "Subgroup a: " in alt
    assert "Test for subgroup differences" in alt


def test_numbers_follow_the_order_that_is_drawn(bcg_pooled):
    numbers = record_of(figure_forest(bcg_pooled, sort_by="effect")).numbers
    values = numbers.loc[numbers["kind"] == "study", "value"].to_numpy()
    assert (np.diff(values) >= 0).all()


def test_judgements_are_among_the_numbers(bcg, bcg_pooled):
    judged = RiskOfBias(label=bcg.label, domain=["x"], judgement=[["low"]] * 13, overall=["high"] * 13)
    numbers = record_of(figure_forest(bcg_pooled, risk_of_bias=judged)).numbers
    assert set(numbers["risk of bias: x"].dropna()) == {"low"}
    assert set(numbers["risk of bias: overall"].dropna()) == {"high"}


def test_steps_are_called_steps(bcg):
    record = record_of(figure_forest(leave_one_out(bcg)))
    assert record.title == "Leave-one-out forest plot of 13 steps: risk ratio"
    assert set(record.numbers["kind"]) == {"step"}
    assert "pooled without the study named" in record.caption


def test_missing_and_made_up_data_are_told():
    effects = EffectSizes(effect=[0.1, np.nan, 0.3], variance=0.1, measure="OR")
    record = record_of(figure_forest(effects, synthetic=True))
    assert "1 is not estimable" in record.alt
    assert record.alt.startswith("Synthetic data. ")
    assert record.caption.startswith("Synthetic data. ")
    assert "equal size" in record.caption
    one = record_of(figure_forest(EffectSizes(effect=[0.1], variance=0.1, measure="OR")))
    assert one.alt == "Forest plot of 1 study. Odds ratio: 1.11 (0.59 to 2.05)."


def test_what_is_read_out_has_plain_numbers(bcg):
    record = record_of(figure_forest(subgroups(bcg, GROUPS), layout="lancet"))
    assert "0.49 (0.33 to 0.73)" in record.alt
    assert "prediction interval 0.13 to 1.79" in record.alt
    assert "·" not in record.alt
    assert "–1" not in record.alt
    assert "τ²=0·313" in record.caption.replace("\N{NO-BREAK SPACE}", " ")
    hidden = record_of(figure_forest(subgroups(bcg, GROUPS), prediction="none"))
    assert "prediction" not in hidden.alt
