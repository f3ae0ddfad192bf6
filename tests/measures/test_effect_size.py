import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Proportion, Rate, TwoByTwo, TwoRates, effect_sizes
from reference_values import dataset, identifier, numbers, records

TWO_BY_TWO = ("RR", "OR", "RD", "AS", "PETO")
PROPORTION = ("PR", "PLN", "PLO", "PAS", "PFT")
RATE = ("IR", "IRLN", "IRS", "IRFT")
TWO_RATES = ("IRR", "IRD", "IRSD")
MEASURES = (*TWO_BY_TWO, *PROPORTION, *RATE, *TWO_RATES)
ADDS_NOTHING = ("AS", "PAS", "PFT", "IRS", "IRFT", "IRSD")
ALL = {"correction": 0.5, "correct": "all"}
OPTIONS = {
    "default": {},
    "all": ALL,
    "if0all": {"correction": 0.5, "correct": "all-if-any-zero"},
    "none": {"correct": "none"},
    "drop00": {"drop_double_zero": True},
    "add01": {"correction": 0.1},
    "only0": {"correction": 0.5, "correct": "only-zero"},
    "vtypeAV": {"variance": "average"},
    "vtypeUB": {"variance": "unbiased"},
    "vtype/AV/0": {"variance": "average"},
    "vtype/UB/0": {"variance": "unbiased"},
    "vtype/AV/19": {"variance": "average", **ALL},
    "vtype/UB/19": {"variance": "unbiased", **ALL},
}


def _data(columns, measure):
    if measure in TWO_BY_TWO:
        return TwoByTwo.from_cells(
            exposed_cases=columns["ai"],
            exposed_noncases=columns["bi"],
            control_cases=columns["ci"],
            control_noncases=columns["di"],
        )
    if measure in PROPORTION:
        return Proportion(events=columns["xi"], total=columns["ni"])
    if measure in RATE:
        return Rate(events=columns["x1i"], person_time=columns["t1i"])
    return TwoRates(
        exposed_events=columns["x1i"],
        exposed_time=columns["t1i"],
        control_events=columns["x2i"],
        control_time=columns["t2i"],
    )


def _is_ours(record):
    return record["id"].split("/")[2] in MEASURES


def _compare(effects, outputs):
    expected_effect, expected_variance = (numbers(outputs[name]) for name in ("yi", "vi"))
    # metafor turns what is not finite into NA; here it stays infinite, and `pool` names the study.
    effect, variance = (
        np.where(np.isfinite(effects.effect) & np.isfinite(effects.variance), array, np.nan)
        for array in (effects.effect, effects.variance)
    )
    usable = np.isfinite(expected_effect) & np.isfinite(expected_variance)
    np.testing.assert_allclose(effect[usable], expected_effect[usable], rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(variance[usable], expected_variance[usable], rtol=1e-10, atol=1e-16)
    assert not np.isfinite(effect[~usable] + variance[~usable]).any()


@pytest.mark.parametrize("record", records("A_escalc", "escalc/", keep=_is_ours), ids=identifier)
def test_effects_equal_escalc(record):
    _, _, measure, option = record["id"].split("/", 3)
    data = _data(dataset("A_escalc", record), measure)
    _compare(effect_sizes(data, measure, **OPTIONS[option]), record["outputs"])


@pytest.mark.parametrize("record", records("A_escalc", "summary.escalc/", keep=_is_ours), ids=identifier)
def test_intervals_equal_escalc(record):
    _, _, measure, *level = record["id"].split("/")
    effects = effect_sizes(_data(dataset("A_escalc", record), measure), measure)
    _compare(effects, record["outputs"])
    half = effects.interval(confidence_level=int(level[0]) / 100 if level else 0.95)
    ends = (numbers(record["outputs"][name]) for name in ("ci.lb", "ci.ub"))
    for limit, expected in zip((half.low, half.high), ends, strict=True):
        usable = np.isfinite(expected)
        back = expected[usable]
        if effects.scale in {"log", "logit"}:
            back = np.exp(back) if effects.scale == "log" else 1 / (1 + np.exp(-back))
        elif effects.scale != "identity":
            continue  # metafor lets these run beyond the ends of their scale
        np.testing.assert_allclose(limit[usable], back, rtol=1e-10, atol=1e-14)


def test_every_measure_and_option_has_records():
    seen = {tuple(record["id"].split("/", 3)[2:]) for record in records("A_escalc", "escalc/", keep=_is_ours)}
    assert {measure for measure, _ in seen} == set(MEASURES)
    assert {option for _, option in seen} == set(OPTIONS)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_study_without_events_in_either_arm(measure):
    columns = {
        **dict.fromkeys(("ai", "ci", "xi", "x1i", "x2i"), np.array([0, 3])),
        **dict.fromkeys(("bi", "di", "ni", "t1i", "t2i"), np.array([20, 20])),
    }
    data = _data(columns, measure)
    corrected = effect_sizes(data, measure)
    assert np.isfinite(corrected.effect).all()
    assert np.isfinite(corrected.variance).all()
    assert (corrected.variance > 0).all()
    if measure in ADDS_NOTHING:
        plain = effect_sizes(data, measure, correct="none")
        np.testing.assert_array_equal(plain.effect, corrected.effect)
    dropped = effect_sizes(data, measure, drop_double_zero=True)
    assert np.isnan(dropped.effect[0]) == (measure in TWO_BY_TWO + TWO_RATES)


def test_dropped_studies_do_not_enter_the_average():
    table = TwoByTwo(
        exposed_cases=[0, 5, 1], exposed_total=[50, 9, 9], control_cases=[0, 3, 2], control_total=9
    )
    dropped = effect_sizes(table, "RD", variance="average", drop_double_zero=True)
    alone = effect_sizes(table[1:], "RD", variance="average")
    np.testing.assert_array_equal(dropped.variance[1:], alone.variance)


def test_double_zero_studies_drop_out_on_demand():
    table = TwoByTwo(exposed_cases=[0, 5, 1], exposed_total=5, control_cases=[0, 9, 2], control_total=9)
    effects = effect_sizes(table, "OR", drop_double_zero=True, label=["none", "all", "some"])
    assert np.isnan(effects.effect).tolist() == [True, True, False]
    assert effects.label == ("none", "all", "some")


@pytest.mark.parametrize("measure", ["RR", "OR", "RD", "AS", "PETO"])
@given(cells=st.tuples(*[st.integers(0, 500)] * 4))
def test_swapping_the_groups_turns_the_sign(measure, cells):
    a, b, c, d = cells
    if a + b == 0 or c + d == 0 or a + c == 0 or b + d == 0:
        return
    names = ("exposed_cases", "exposed_noncases", "control_cases", "control_noncases")
    one = effect_sizes(TwoByTwo.from_cells(**dict(zip(names, (a, b, c, d), strict=True))), measure)
    other = effect_sizes(TwoByTwo.from_cells(**dict(zip(names, (c, d, a, b), strict=True))), measure)
    assert float(other.effect) == pytest.approx(-float(one.effect), rel=1e-12, abs=1e-12)
    assert float(other.variance) == pytest.approx(float(one.variance), rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_batch_equals_a_loop(measure):
    rng = np.random.default_rng(7)
    columns = {name: rng.integers(0, 6, (4, 3)) for name in ("ai", "bi", "ci", "di", "xi", "x1i", "x2i")}
    columns = {name: array + (name in {"bi", "di"}) for name, array in columns.items()}
    columns |= {"ni": columns["xi"] + 2, "t1i": columns["x1i"] + 1.5, "t2i": columns["x2i"] + 2.5}
    batch = effect_sizes(_data(columns, measure), measure)
    for index in np.ndindex(4, 3):
        one = effect_sizes(_data({k: v[index] for k, v in columns.items()}, measure), measure)
        np.testing.assert_array_equal(batch.effect[index], one.effect)
        np.testing.assert_array_equal(batch.variance[index], one.variance)


@pytest.mark.parametrize("measure", TWO_BY_TWO)
def test_huge_counts_keep_their_digits(measure):
    # A thousand million persons an arm; the formulas in whole numbers of any size.
    a, n1, c, n0 = 400_000_003, 10**9, 399_999_991, 10**9
    table = TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        effects = effect_sizes(table, measure)
    b, d = n1 - a, n0 - c
    exact = {
        "RR": b / (a * n1) + d / (c * n0),
        "OR": 1 / a + 1 / b + 1 / c + 1 / d,
        "RD": a * b / n1**3 + c * d / n0**3,
        "AS": 1 / (4 * n1) + 1 / (4 * n0),
        "PETO": (n1 + n0) ** 2 * (n1 + n0 - 1) / (n1 * n0 * (a + c) * (b + d)),
    }
    assert float(effects.variance) == pytest.approx(exact[measure], rel=1e-12)
    if measure == "PETO":
        assert float(effects.effect) == pytest.approx((a * d - b * c) / (n1 + n0) * exact["PETO"], rel=1e-12)


@pytest.mark.parametrize(
    ("data", "measure", "error", "message"),
    [
        (
            Proportion(events=1, total=2),
            "RR",
            ValueError,
            "`measure` must be one of 'PR', 'PLN', 'PLO', 'PAS', 'PFT'",
        ),
        ([[1, 2], [3, 4]], "RR", TypeError, "`data` must hold TwoByTwo or FeasibleSet, but got list"),
        ("4.7%", "RR", TypeError, "`data` must be a TwoByTwo.* but got str"),
    ],
)
def test_data_and_measure_belong_together(data, measure, error, message):
    with pytest.raises(error, match=message):
        effect_sizes(data, measure)


def test_options_are_checked():
    proportion = Proportion(events=1, total=2)
    with pytest.raises(ValueError, match="`correct` must be one of 'only-zero'"):
        effect_sizes(proportion, "PR", correct="only0")
    with pytest.raises(ValueError, match="`variance` must be one of 'large-sample'"):
        effect_sizes(proportion, "PR", variance="UB")
    with pytest.raises(ValueError, match="`variance` may be 'unbiased' for PR, RD, but `measure` is 'PLO'"):
        effect_sizes(proportion, "PLO", variance="unbiased")
    with pytest.raises(ValueError, match="`correction` must be at least 0"):
        effect_sizes(proportion, "PR", correction=-1)
