import pytest

from analysis import EffectSizes, pool, small_study_summary, tau2_interval
from analysis.meta.pooling import INTERVALS
from analysis.tables.pooled import (
    describe_heterogeneity,
    describe_model,
    pooled_frame,
    shorten_small_study,
    stacked,
    studies_frame,
)
from reference_values import load


@pytest.fixture(scope="module")
def bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


def test_models_are_named(bcg):
    assert describe_model(pool(bcg)) == "Random-effects model (REML, Hartung–Knapp)"
    assert describe_model(pool(bcg, tau2="DL", ci="wald")) == "Random-effects model (DL, Wald)"
    assert describe_model(pool(bcg, model="common", ci="wald")) == "Common-effect model"


@pytest.mark.parametrize("ci", INTERVALS)
def test_every_interval_has_a_name(bcg, ci):
    tau2 = {"profile": "ML", "profile-bartlett": "ML", "henmi-copas": "DL"}.get(ci, "REML")
    assert describe_model(pool(bcg, tau2=tau2, ci=ci)).startswith(f"Random-effects model ({tau2}, ")


def test_a_known_tau2_is_said_to_be_given(bcg):
    assert describe_model(pool(bcg, tau2=0.3, ci="t")) == "Random-effects model (τ² given, t interval)"


def test_heterogeneity_is_told_with_its_test(bcg):
    common = pool(bcg, model="common", ci="wald")
    assert describe_heterogeneity(common) == "I² = 92%, Q = 152.2 (df = 12, P < 0.001)"


def test_one_study_has_no_heterogeneity():
    alone = EffectSizes(effect=[0.1], variance=[0.1], measure="RR")
    assert describe_heterogeneity(pool(alone, model="common", ci="wald")) == ""


@pytest.mark.parametrize(
    ("effect", "options", "text"),
    [
        ([0.1], {"model": "common", "ci": "wald"}, "1.11 (0.59 to 2.05), P = 0.75; 1 study"),
        (
            [0.1, 0.2],
            {"model": "common", "ci": "wald"},
            "1.16 (0.75 to 1.80), P = 0.50; I² = 0%, Q = 0.1 (df = 1, P = 0.82); 2 studies",
        ),
        (
            [0.1, 0.2],
            {"ci": "t"},
            "1.16 (0.07 to 19.91), P = 0.62; τ² = 0 (0 to 4.99), I² = 0% (0% to 98%), Q = 0.1 "
            "(df = 1, P = 0.82); 2 studies",
        ),
    ],
)
def test_few_studies_print_what_there_is(effect, options, text):
    effects = EffectSizes(effect=effect, variance=[0.1] * len(effect), measure="RR")
    assert str(pool(effects, **options)) == text


@pytest.mark.parametrize("model", ["random", "common"])
def test_a_file_has_the_studies_and_the_pooled_row_below(bcg, model):
    fit = pool(bcg, model=model, ci="wald")
    table = stacked(studies_frame(fit), pooled_frame(fit))
    assert table["study"].tolist() == [*range(1, 14), "pooled"]
    assert table["weight"][:13].sum() == pytest.approx(100)
    assert table["value"].iloc[-1] == fit.estimate.value
    method = "test-based" if model == "common" else "q-profile"
    assert table["i2_high"].iloc[-1] == tau2_interval(fit, method=method).i2_high


def test_declined_methods_stand_together():
    few = EffectSizes(effect=[0.1, 0.2, 0.5], variance=[0.1, 0.2, 0.1])
    text = shorten_small_study(small_study_summary(few))
    assert "\nDeclined, fewer than 10 studies (3): Egger, Thompson-Sharp, Begg, " in text
    assert text.count("Egger") == 1
