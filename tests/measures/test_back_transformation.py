import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, Estimate, Proportion, Rate, effect_sizes
from analysis.errors import AnalysisWarning, TransformationWarning
from analysis.measures.back_transformation import back_transform
from reference_values import dataset, numbers, records


def _record(name):
    (record,) = (record for record in records("A2_transf", name) if record["id"] == name)
    return {key: numbers(value) for key, value in record["inputs"].items()}, numbers(record["outputs"])


@pytest.mark.parametrize(
    ("name", "measure", "argument"),
    [
        ("transf.ilogit", "PLO", "v"),
        ("transf.iarcsin", "PAS", "v"),
        ("transf.isqrt", "IRS", "v"),
    ],
)
def test_scales_equal_metafor(name, measure, argument):
    inputs, expected = _record(name)
    np.testing.assert_allclose(back_transform(inputs[argument], measure=measure), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "measure", "sizes", "pooled"),
    [
        ("transf.ipft", "PFT", {"total": "ni"}, False),
        ("transf.ipft.hm", "PFT", {"total": "ni"}, True),
        ("transf.iirft", "IRFT", {"person_time": "ti"}, False),
    ],
)
@pytest.mark.filterwarnings("ignore::analysis.errors.TransformationWarning")
def test_double_transformations_equal_metafor(name, measure, sizes, pooled):
    inputs, expected = _record(name)
    sizes = {argument: inputs[column] for argument, column in sizes.items()}
    back = back_transform(inputs["y"], measure=measure, pooled=pooled, **sizes)
    np.testing.assert_allclose(back, expected, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("name", "measure"), [("transf.pft", "PFT"), ("transf.irft", "IRFT")])
def test_the_way_back_undoes_metafors_way_there(name, measure):
    inputs, transformed = _record(name)
    share, size = inputs.get("p", inputs.get("rate")), inputs.get("ni", inputs.get("ti"))
    sizes = {"total" if measure == "PFT" else "person_time": size}
    np.testing.assert_allclose(back_transform(transformed, measure=measure, **sizes), share, atol=1e-14)


@given(total=st.integers(1, 10**9), share=st.floats(0, 1))
def test_a_study_comes_back_to_its_own_events(total, share):
    events = round(total * share)
    study = Proportion(events=events, total=total)
    back = back_transform(effect_sizes(study, "PFT").effect, measure="PFT", total=total)
    assert back * total == pytest.approx(events, rel=1e-7, abs=1e-6)


@given(events=st.integers(0, 10**9), time=st.floats(1e-3, 1e9))
def test_a_rate_comes_back_to_its_own_events(events, time):
    rate = Rate(events=events, person_time=time)
    back = back_transform(effect_sizes(rate, "IRFT").effect, measure="IRFT", person_time=time)
    assert back * time == pytest.approx(events, rel=1e-7, abs=1e-6)


@given(total=st.integers(1, 10**6), steps=st.integers(2, 40))
def test_the_way_back_is_monotone_and_stays_a_proportion(total, steps):
    back = back_transform(np.linspace(-0.5, 2, steps), measure="PFT", total=total)
    assert (np.diff(back) >= -1e-12).all()
    assert back[0] == 0
    assert back[-1] == 1


def _pooled(studies):
    effects = effect_sizes(studies, "PFT")
    weights = 1 / effects.variance
    mean, std_error = np.sum(weights * effects.effect) / weights.sum(), weights.sum() ** -0.5
    return EffectSizes(effect=mean, variance=std_error**2, measure="PFT").interval()


def test_the_harmonic_mean_can_lead_out_of_the_range_of_all_studies():
    # One large study and three small ones, as in Schwarzer et al. 2019: all have cases, at least 0.4 %.
    studies = Proportion(events=[200, 1, 1, 2], total=[50_000, 12, 15, 20])
    pooled = _pooled(studies)
    with pytest.warns(
        TransformationWarning, match="depends on which mean of `total`.* 0 with the harmonic mean"
    ):
        back = back_transform(pooled, total=studies.total, pooled=True)
    assert back.measure == "PR"
    assert back.value == 0 < (studies.events / studies.total).min()
    # On the arcsine scale, which needs no sample size, the same studies give what they contain.
    effects = effect_sizes(studies, "PAS")
    arcsine = np.sum(effects.effect / effects.variance) / np.sum(1 / effects.variance)
    assert 0.004 < float(back_transform(arcsine, measure="PAS")) < 0.1
    assert issubclass(TransformationWarning, AnalysisWarning)


def test_studies_of_like_size_give_no_warning():
    studies = Proportion(events=[30, 22, 41], total=[200, 180, 230])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = back_transform(_pooled(studies), total=studies.total, pooled=True)
    assert 0.12 < back.low < back.value < back.high < 0.2
    assert back.std_error is None


@pytest.mark.filterwarnings("ignore::analysis.errors.TransformationWarning")
def test_pooled_values_over_leading_axes():
    totals = np.array([[10.0, 40], [20, 20], [5, 5000]])
    values = np.array([0.4, 0.5, 0.6])
    batch = back_transform(values, measure="PFT", total=totals, pooled=True)
    for index in range(3):
        one = back_transform(values[index], measure="PFT", total=totals[index], pooled=True)
        assert batch[index] == one


def test_rates_of_unlike_person_time_warn_too():
    with pytest.warns(TransformationWarning, match='`person_time`.*"IRLN" or "IRS"'):
        back_transform(0.02, measure="IRFT", person_time=[2e4, 100], pooled=True)


def test_missing_values_stay_missing():
    assert np.isnan(back_transform([np.nan], measure="PFT", total=10)).all()
    assert np.isnan(back_transform([np.nan], measure="IRFT", person_time=10)).all()
    assert np.isnan(back_transform([np.nan], measure="PAS")).all()


def test_metafors_pooled_data_set():
    # pritz1997, as in metafor's help page on these proportions: sizes from 5 to 68.
    columns = dataset("A_escalc", {"inputs": {"dataset": "pritz1997"}})
    studies = Proportion(events=columns["xi"], total=columns["ni"])
    back = back_transform(effect_sizes(studies, "PFT").effect, measure="PFT", total=studies.total)
    np.testing.assert_allclose(back, columns["xi"] / columns["ni"], rtol=1e-12)


ESTIMATE = Estimate(
    measure="OR",
    value=np.asarray(2.0),
    low=np.asarray(1.0),
    high=np.asarray(4.0),
    confidence_level=0.95,
    std_error=None,
    scale="log",
    method="woolf",
)


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        (0.5, {}, TypeError, "`measure` must be given for numbers"),
        (0.5, {"measure": "PFX"}, ValueError, "`measure` must be one of"),
        (0.5, {"measure": "PFT"}, TypeError, "`total` must be given for PFT, and it alone"),
        (0.5, {"measure": "PFT", "total": 9, "person_time": 9}, TypeError, "and it alone"),
        (0.5, {"measure": "IRFT", "total": 9}, TypeError, "`person_time` must be given for IRFT"),
        (0.5, {"measure": "PLO", "total": 9}, TypeError, "are for measures PFT and IRFT"),
        (0.5, {"measure": "PFT", "total": 0}, ValueError, "`total` must be a number greater than 0"),
        (0.5, {"measure": "PFT", "total": 9, "pooled": True}, ValueError, "must list the sizes"),
        ("0.5", {"measure": "PLO"}, TypeError, "`values` must be numbers"),
        (ESTIMATE, {}, ValueError, "on its reporting scale already"),
        (ESTIMATE, {"measure": "RR"}, ValueError, "must be that of the estimate"),
        ([0.5, 0.6], {"measure": "PFT", "total": [1, 2, 3]}, ValueError, "must broadcast"),
    ],
)
def test_wrong_input_is_named(values, options, error, message):
    with pytest.raises(error, match=message):
        back_transform(values, **options)
