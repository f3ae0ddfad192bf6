import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import EffectSizes
from analysis.meta.subgroups import subgroups
from reference_values import identifier, load, number, numbers, records

CI = {"z": "wald", "knha": "hartung-knapp"}


def _inputs(record):
    _, data, column, method, test = record["id"].split("/")
    columns = load("B3_subgroup")["datasets"][data]
    effects = EffectSizes(effect=numbers(columns["yi"]), variance=numbers(columns["vi"]))
    options = {"ci": CI[test], **({"model": "common"} if method == "EE" else {"tau2": method})}
    return effects, columns[column], options


# metafor's REML, ML and PM stop at 1e-5 or 1.2e-4 here.
def _tolerance(record):
    method = record["id"].split("/")[3]
    return {"rel": 1e-8} if method in {"EE", "DL"} else {"rel": 2e-3, "abs": 1e-4}


@pytest.mark.parametrize("record", records("B3_subgroup"), ids=identifier)
def test_separate_groups_equal_metafor(record):
    effects, groups, options = _inputs(record)
    ours, expected = subgroups(effects, groups, **options), record["outputs"]
    close = _tolerance(record)
    assert list(ours.names) == expected["levels"]
    for i, group in enumerate(expected["groups"]):
        assert ours.pooled.n_studies[i] == group["k"]
        assert ours.pooled.mean[i] == pytest.approx(number(group["beta"][0]), **close)
        assert ours.pooled.std_error[i] == pytest.approx(number(group["se"][0]), **close)
        assert ours.pooled.tau2[i] == pytest.approx(number(group["tau2"]), **close)
        assert ours.pooled.q[i] == pytest.approx(number(group["QE"]), rel=1e-9)
    assert ours.statistic == pytest.approx(number(expected["Qb_separate"]), **close)
    assert ours.df == expected["Qb_separate_df"]
    assert ours.pvalue == pytest.approx(number(expected["Qb_separate_p"]), rel=3e-2, abs=1e-300)
    assert ours.overall.mean == pytest.approx(number(expected["total"]["beta"][0]), **close)


@pytest.mark.parametrize("record", records("B3_subgroup"), ids=identifier)
def test_a_common_tau2_equals_metafor(record):
    effects, groups, options = _inputs(record)
    ours = subgroups(effects, groups, between_study="common", **options)
    expected, close = record["outputs"], _tolerance(record)
    if options.get("model") == "common" and options["ci"] != "wald":
        return
    assert ours.statistic == pytest.approx(number(expected["Qb_common"]), **close)
    assert ours.pvalue == pytest.approx(number(expected["Qb_common_p"]), rel=3e-2, abs=1e-300)
    if options.get("model") != "common":
        assert np.unique(ours.pooled.tau2) == pytest.approx([number(expected["tau2_common"])], **close)


def test_groups_of_one_study_and_masks():
    effects = EffectSizes(effect=[0.1, 0.4, 0.2, np.nan], variance=[0.1, 0.1, 0.2, 1])
    ours = subgroups(effects, ["a", "a", "b", "b"], where=[True, True, True, False], tau2="DL", ci="wald")
    assert list(ours.pooled.n_studies) == [2, 1]
    assert ours.pooled.mean[1] == pytest.approx(0.2)
    assert list(ours.to_frame()["group"]) == ["a", "b", "overall"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [(["a", "b"], "for each of 3 studies"), (["a", "a", "a"], "at least two groups")],
)
def test_bad_groups_are_named(groups, message):
    with pytest.raises(ValueError, match=message):
        subgroups(EffectSizes(effect=[0.1, 0.2, 0.3], variance=[1, 1, 1]), groups)


ONE_EACH = EffectSizes(
    effect=[0.1, 0.3, 0.35, 0.65, 0.9], variance=[0.03, 0.03, 0.05, 0.01, 0.02], label=list("ABCDE")
)
PLACES = ["low", "low", "low", "mid", "top"]


@pytest.mark.parametrize("options", [{}, {"ci": "wald"}, {"ci": "t"}, {"ci": "profile", "tau2": "ML"}])
def test_single_studies_enter_with_their_own_error(options):
    ours = subgroups(ONE_EACH, PLACES, **options)
    assert ours.pooled.std_error[1:] == pytest.approx(np.sqrt([0.01, 0.02]))
    value, half = np.array([0.65, 0.9]), 1.959963984540054 * np.sqrt([0.01, 0.02])
    assert ours.pooled.estimate.low[1:] == pytest.approx(value - half)
    assert ours.pooled.estimate.high[1:] == pytest.approx(value + half)
    # metafor 3.8-1: rma(yi=three estimates, sei=their errors, method="FE")$QE prints 15.7454.
    assert ours.statistic == pytest.approx(15.7454, abs=5e-5)
    assert ours.pvalue == pytest.approx(stats.chi2.sf(15.7454, 2), rel=1e-4)
    assert np.isfinite(ours.to_frame()[["low", "high"]]).all(axis=None)


def test_a_common_tau2_enters_the_error_of_a_single_study():
    effects = EffectSizes(effect=[0.1, 0.9, 0.5, 1.4, 0.7], variance=[0.01, 0.02, 0.05, 0.03, 0.04])
    ours = subgroups(effects, PLACES, between_study="common")
    tau2 = ours.pooled.tau2[0]
    assert tau2 > 0.05
    assert ours.pooled.std_error[1:] == pytest.approx(np.sqrt(np.array([0.03, 0.04]) + tau2))


def test_the_text_says_which_interval_a_single_study_has():
    lines = str(subgroups(ONE_EACH, PLACES)).splitlines()
    assert lines[1] == "mid: 0.65 (0.45 to 0.85), 1 study (normal interval)"
    assert lines[0].endswith(", 3 studies")
    assert lines[3] == "difference between groups: χ² = 15.7 (df = 2), P = 0.00038"
    assert str(subgroups(ONE_EACH, PLACES, ci="wald")).splitlines()[1].endswith(", 1 study")


def test_more_than_ten_groups_have_a_line_each():
    k = 26
    effects = EffectSizes(effect=np.linspace(0, 1, k), variance=np.full(k, 0.1))
    lines = str(subgroups(effects, np.repeat(np.arange(13), 2))).splitlines()
    assert len(lines) == 14
    assert all("studies" in line for line in lines[:-1])


@pytest.mark.parametrize(
    ("missing", "shown"), [(np.nan, "nan"), (None, "None"), ("", "''"), ("  ", "'  '"), (pd.NA, "<NA>")]
)
def test_a_missing_group_is_refused_by_the_name_of_its_study(missing, shown):
    groups = ["low", "low", "mid", missing, "mid"]
    with pytest.raises(ValueError, match=rf"`groups` must name .*, but study 'D' \(index 3\) has {shown}\."):
        subgroups(ONE_EACH, groups)
    where = [True, True, True, False, True]
    assert subgroups(ONE_EACH, groups, where=where).names == ("low", "mid")
    unlabelled = EffectSizes(effect=ONE_EACH.effect, variance=ONE_EACH.variance)
    with pytest.raises(ValueError, match=r"the study at index 3 has .*, and 1 more\. Name its group"):
        subgroups(unlabelled, [*groups[:4], missing])
