import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, Estimate, TwoByTwo, risk_difference, risk_ratio
from analysis.values.scale import MEASURES, SCALES
from analysis.values.text import round_half_up


def test_text_is_what_a_paper_prints():
    table = TwoByTwo(
        exposed_cases=[90, 0], exposed_total=[4006, 10], control_cases=[114, 0], control_total=20030
    )
    assert str(risk_ratio(table)).splitlines() == ["3.95 (3.00 to 5.19)", "not estimable (0.00 to ∞)"]
    assert str(risk_difference(table[0])) == "0.017 (0.012 to 0.021)"
    many = TwoByTwo(exposed_cases=np.arange(1, 13), exposed_total=20, control_cases=3, control_total=20)
    assert str(risk_ratio(many)).splitlines()[-1] == "... (12 in all)"


def test_frame_is_tidy_and_full():
    estimate = risk_ratio(TwoByTwo(exposed_cases=[3, 4], exposed_total=9, control_cases=2, control_total=9))
    frame = estimate.to_frame()
    assert frame["value"].tolist() == estimate.value.tolist() == [1.5, 2.0]
    assert set(frame.columns) >= {
        "measure",
        "low",
        "high",
        "std_error",
        "pvalue",
        "scale",
        "method",
        "correction",
    }
    assert "<table" in estimate._repr_html_()


def test_arrays_are_read_only_and_the_owners_stay_writable():
    values = np.array([1.0, 2.0])
    estimate = Estimate(
        measure="GEN",
        value=values,
        low=values,
        high=values,
        confidence_level=0.95,
        std_error=None,
        scale="identity",
        method="none",
    )
    with pytest.raises(ValueError, match="read-only"):
        estimate.value[0] = 3
    values[0] = 3
    assert estimate[1].value == 2


@pytest.mark.parametrize("name", sorted(SCALES))
@given(value=st.floats(0.001, 0.999))
def test_scales_go_there_and_back(name, value):
    scale = SCALES[name]
    assert scale.backward(scale.forward(np.asarray(value))) == pytest.approx(value, rel=1e-12)


def test_every_measure_has_a_scale():
    assert {measure.scale for measure in MEASURES.values()} <= set(SCALES)


def test_effects_from_published_intervals():
    effects = EffectSizes.from_estimates(
        [1.83, 1.99], [1.58, 1.68], [2.11, 2.36], measure="HR", label=["a", "b"]
    )
    assert effects.scale == "log"
    assert effects.effect == pytest.approx(np.log([1.83, 1.99]))
    assert effects.std_error[0] == pytest.approx(np.log(2.11 / 1.58) / (2 * 1.959963984540054), rel=1e-14)
    back = effects.interval()
    assert back.value == pytest.approx([1.83, 1.99])
    assert back.high / back.low == pytest.approx([2.11 / 1.58, 2.36 / 1.68])
    assert effects.to_frame()["label"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"effect": [1, 2], "variance": [1, -2]},
            ValueError,
            "`variance` must not be negative, but got -2 at index 1",
        ),
        ({"effect": [], "variance": []}, ValueError, "at least one study"),
        ({"effect": ["x"], "variance": [1]}, TypeError, "`effect` must be numbers"),
        (
            {"effect": [1], "variance": [1], "label": ["a", "b"]},
            ValueError,
            "`label` must name 1 studies, but names 2",
        ),
        ({"effect": [1], "variance": [1], "measure": "rr"}, ValueError, "`measure` must be one of"),
    ],
)
def test_bad_effects_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        EffectSizes(**arguments)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1.83, 2.11, 1.58), "`low` <= `estimate` <= `high` must hold, but got 1.83 \\(2.11 to 1.58\\)"),
        ((1.0, 0.0, 2.0), "must be finite on the log scale of measure RR"),
    ],
)
def test_bad_published_intervals_are_named(numbers, message):
    with pytest.raises(ValueError, match=message):
        EffectSizes.from_estimates(*numbers, measure="RR")
    with pytest.raises(
        ValueError, match="`confidence_level` must be between 0 and 1, but got 95. For 95 % write 0.95"
    ):
        EffectSizes.from_estimates(1.5, 1, 2, measure="RR", confidence_level=95)


def test_halves_are_rounded_as_papers_print_them():
    assert [round_half_up(events / 80, 1, percent=True) for events in (33, 23, 15)] == [
        "41.3",
        "28.8",
        "18.8",
    ]
    assert [round_half_up(value, 2) for value in (0.125, -0.125, 2.675, 1e22)] == [
        "0.13",
        "-0.13",
        "2.68",
        "10000000000000000000000.00",
    ]
