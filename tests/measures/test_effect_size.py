import numpy as np
import pytest

from analysis import Proportion, Rate, TwoByTwo, TwoRates, effect_sizes
from reference_values import dataset, identifier, numbers, records

MEASURES = ("RR", "OR", "RD", "PR", "PLN", "PLO", "PAS", "IR", "IRLN", "IRR", "IRD")
OPTIONS = {
    "default": {},
    "all": {"correction": 0.5, "correct": "all"},
    "if0all": {"correction": 0.5, "correct": "all-if-any-zero"},
    "none": {"correct": "none"},
    "drop00": {"drop_double_zero": True},
    "add01": {"correction": 0.1},
    "only0": {"correction": 0.5, "correct": "only-zero"},
}


def _data(columns, measure):
    if measure in {"RR", "OR", "RD"}:
        return TwoByTwo.from_cells(
            exposed_cases=columns["ai"],
            exposed_noncases=columns["bi"],
            control_cases=columns["ci"],
            control_noncases=columns["di"],
        )
    if measure in {"PR", "PLN", "PLO", "PAS"}:
        return Proportion(events=columns["xi"], total=columns["ni"])
    if measure in {"IR", "IRLN"}:
        return Rate(events=columns["x1i"], person_time=columns["t1i"])
    return TwoRates(
        exposed_events=columns["x1i"],
        exposed_time=columns["t1i"],
        control_events=columns["x2i"],
        control_time=columns["t2i"],
    )


def _is_ours(record):
    parts = record["id"].split("/")
    return len(parts) == 4 and parts[2] in MEASURES and parts[3] in OPTIONS


@pytest.mark.parametrize("record", records("A_escalc", "escalc/", keep=_is_ours), ids=identifier)
def test_effects_equal_escalc(record):
    _, _, measure, option = record["id"].split("/")
    effects = effect_sizes(_data(dataset("A_escalc", record), measure), measure, **OPTIONS[option])
    expected_effect, expected_variance = (numbers(record["outputs"][name]) for name in ("yi", "vi"))
    # metafor turns what is not finite into NA; here it stays infinite, and `pool` names the study.
    effect, variance = (
        np.where(np.isfinite(effects.effect) & np.isfinite(effects.variance), array, np.nan)
        for array in (effects.effect, effects.variance)
    )
    usable = np.isfinite(expected_effect) & np.isfinite(expected_variance)
    np.testing.assert_allclose(effect[usable], expected_effect[usable], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(variance[usable], expected_variance[usable], rtol=1e-10, atol=1e-16)
    assert not np.isfinite(effect[~usable] + variance[~usable]).any()


def test_double_zero_studies_drop_out_on_demand():
    table = TwoByTwo(exposed_cases=[0, 5, 1], exposed_total=5, control_cases=[0, 9, 2], control_total=9)
    effects = effect_sizes(table, "OR", drop_double_zero=True, label=["none", "all", "some"])
    assert np.isnan(effects.effect).tolist() == [True, True, False]
    assert effects.label == ("none", "all", "some")


@pytest.mark.parametrize(
    ("data", "measure", "error", "message"),
    [
        (
            Proportion(events=1, total=2),
            "RR",
            ValueError,
            "`measure` must be one of 'PR', 'PLN', 'PLO', 'PAS'",
        ),
        ([[1, 2], [3, 4]], "RR", TypeError, "`data` must be a TwoByTwo.* but got list"),
    ],
)
def test_data_and_measure_belong_together(data, measure, error, message):
    with pytest.raises(error, match=message):
        effect_sizes(data, measure)


def test_options_are_checked():
    with pytest.raises(ValueError, match="`correct` must be one of 'only-zero'"):
        effect_sizes(Proportion(events=1, total=2), "PR", correct="only0")
