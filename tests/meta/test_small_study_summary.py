import numpy as np
import pandas as pd
import pytest

from analysis import EffectSizes, TwoByTwo, effect_sizes
from analysis.meta.limit_meta_analysis import limit_meta_analysis
from analysis.meta.small_study import begg_test, egger_test
from analysis.meta.small_study_null import why_not_tested
from analysis.meta.small_study_summary import small_study_summary
from analysis.meta.small_study_tables import macaskill_test, peters_test
from analysis.meta.trim_and_fill import trim_and_fill
from reference_values import load, numbers

METHODS = [
    "Egger",
    "Thompson-Sharp",
    "Begg",
    "Harbord",
    "Peters",
    "Deeks",
    "Schwarzer",
    "Arcsine",
    "Macaskill",
    "Trim and fill",
    "PET-PEESE",
    "Limit meta-analysis",
    "WAAP-WLS",
    "Excess significance",
    "LFK index",
    "Fail-safe N",
]


def _bcg():
    columns = load("D_bias")["datasets"]["bcg"]
    return TwoByTwo.from_cells(
        exposed_cases=numbers(columns["ai"]),
        exposed_noncases=numbers(columns["bi"]),
        control_cases=numbers(columns["ci"]),
        control_noncases=numbers(columns["di"]),
    )


def test_every_row_is_the_method_itself():
    table = _bcg()
    effects = effect_sizes(table, "RR")
    summary = small_study_summary(effects, table)
    frame = summary.to_frame().set_index("method")
    assert list(frame.index) == METHODS
    assert frame.loc["Egger", "pvalue"] == float(egger_test(effects).pvalue)
    assert frame.loc["Egger", "high"] == float(egger_test(effects).limit.high)
    assert frame.loc["Begg", "pvalue"] == float(begg_test(effects).pvalue)
    assert frame.loc["Peters", "statistic"] == float(peters_test(table, measure="RR").statistic)
    assert frame.loc["Macaskill", "pvalue"] == float(macaskill_test(table, measure="RR").pvalue)
    assert frame.loc["Limit meta-analysis", "low"] == float(limit_meta_analysis(effects).estimate.low)
    assert frame.loc["Trim and fill", "value"] == float(trim_and_fill(effects).pooled.estimate.value)
    assert frame.loc["Trim and fill", "note"] == "1 filled in on the right"
    assert frame.loc["Fail-safe N", "value"] == 598
    assert frame.loc["Fail-safe N", "note"] == "null studies (rosenthal)"
    # The arcsine difference is no risk ratio: it stays on the result.
    assert np.isnan(frame.loc["Arcsine", "value"])
    assert summary.results["Arcsine"].limit.measure == "AS"
    assert frame.loc["Arcsine", "note"] == "Arcsine, Egger"
    assert "Fail-safe N: 598, null studies (rosenthal)" in str(summary)
    assert "Schwarzer, Rücker and Semaca 2024" in frame.loc["LFK index", "note"]
    declined = frame["declined"].dropna().to_dict()
    assert declined == {
        "Deeks": "is for diagnostic odds ratios, not RR",
        "Schwarzer": "is for odds ratios, not RR",
    }
    assert set(summary.results) == set(METHODS) - set(declined)
    text = str(summary)
    assert text.startswith(
        "Small-study effects, 13 studies (RR)\nEgger: P = 0.19, 0.83 (0.51 to 1.34), Egger"
    )
    assert "Deeks: declined, is for diagnostic odds ratios, not RR" in text
    assert "<table" in summary._repr_html_()


def test_odds_ratios_and_differences():
    table = _bcg()
    odds = small_study_summary(effect_sizes(table, "OR"), table).to_frame().set_index("method")
    assert list(odds.index[odds["declined"].notna()]) == ["Deeks"]
    risks = small_study_summary(effect_sizes(table, "RD"), table).to_frame().set_index("method")
    assert list(risks.index[risks["declined"].notna()]) == ["Harbord", "Peters", "Deeks", "Schwarzer"]
    effects = EffectSizes(
        effect=effect_sizes(table, "OR").effect, variance=effect_sizes(table, "OR").variance, measure="DOR"
    )
    diagnostic = small_study_summary(effects, table).to_frame().set_index("method")
    assert list(diagnostic.index[diagnostic["declined"].notna()]) == ["Harbord", "Peters"]


def test_cells_that_are_missing_are_the_reason():
    frame = small_study_summary(effect_sizes(_bcg(), "OR")).to_frame().set_index("method")
    for name in ("Harbord", "Peters", "Deeks", "Schwarzer", "Arcsine"):
        assert frame.loc[name, "declined"] == "needs the cells of 2x2 tables: give table="
    assert frame.loc["Macaskill", "declined"].startswith("needs the persons of each study")
    table = _bcg()
    persons = table.exposed_total + table.control_total
    with_n = small_study_summary(effect_sizes(table, "OR"), n=persons).to_frame().set_index("method")
    assert pd.isna(with_n.loc["Macaskill", "declined"])


def test_few_studies_are_the_reason():
    table = _bcg()[:6]
    frame = small_study_summary(effect_sizes(table, "OR"), table).to_frame().set_index("method")
    given = list(frame.index[frame["declined"].isna()])
    assert given == ["WAAP-WLS", "Fail-safe N"]
    assert frame.loc["Harbord", "declined"] == "fewer than 10 studies (6)"
    asked = small_study_summary(effect_sizes(table, "OR"), table, least_studies=3).to_frame()
    assert list(asked["method"][asked["declined"].notna()]) == ["Deeks"]


def test_equal_variances_are_the_reason():
    rng = np.random.default_rng(1)
    summary = small_study_summary(EffectSizes(effect=rng.normal(0, 1, 12), variance=0.1))
    frame = summary.to_frame().set_index("method")
    for name in ("Egger", "Thompson-Sharp", "Begg", "PET-PEESE", "Limit meta-analysis"):
        assert "must differ between studies" in frame.loc[name, "declined"]
    assert "cannot be 'auto'" in frame.loc["Trim and fill", "declined"]
    assert pd.isna(frame.loc["WAAP-WLS", "declined"])


def test_a_single_study_still_has_a_frame():
    frame = small_study_summary(EffectSizes(effect=[0.4], variance=[0.01])).to_frame().set_index("method")
    assert frame.loc["Egger", "declined"] == "fewer than 10 studies (1)"
    assert "At least 2 studies" in frame.loc["WAAP-WLS", "declined"]
    assert pd.isna(frame.loc["Fail-safe N", "declined"])


def test_bad_arguments_are_refused():
    table = _bcg()
    effects = effect_sizes(table, "OR")
    with pytest.raises(ValueError, match="must be one meta-analysis"):
        small_study_summary(EffectSizes(effect=[[0.1, 0.2], [0.3, 0.4]], variance=0.1))
    with pytest.raises(ValueError, match=r"`table` must match the effects \(13,\), but has shape \(5,\)"):
        small_study_summary(effects, table[:5])
    with pytest.raises(TypeError, match="`table` must be TwoByTwo"):
        small_study_summary(effects, [1, 2])
    with pytest.raises(ValueError, match="`confidence_level` must be between 0 and 1"):
        small_study_summary(effects, table, confidence_level=95)
    with pytest.raises(ValueError, match="tau2"):
        small_study_summary(effects, table, tau2="XX")
    with pytest.raises(TypeError, match="must be EffectSizes"):
        small_study_summary([0.1])


@pytest.mark.parametrize("measure", ["PLO", "IRLN", "PAS"])
def test_a_measure_of_one_group_is_declined_by_every_method_for_one_reason(measure):
    effects = EffectSizes(
        effect=np.linspace(0.2, 1.2, 12), variance=np.linspace(0.02, 0.3, 12), measure=measure
    )
    summary = small_study_summary(effects, n=np.full(12, 100))
    others = small_study_summary(EffectSizes(effect=[0.1], variance=[0.2]))
    assert [row.method for row in summary.rows] == [row.method for row in others.rows]
    assert {row.declined for row in summary.rows} == {why_not_tested(measure)}
    assert not summary.results
    assert "P <" not in str(summary)
    assert "P =" not in str(summary)


def test_one_study_is_one_study():
    text = str(small_study_summary(EffectSizes(effect=[0.1], variance=[0.2])))
    assert text.startswith("Small-study effects, 1 study (GEN)")
    assert "not estimable to not estimable" not in text
