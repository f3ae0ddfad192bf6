import numpy as np
import pytest

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
