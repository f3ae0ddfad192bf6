import pytest

from analysis import EffectSizes, pool
from analysis.tables.pooled import describe_heterogeneity, describe_model
from reference_values import load


@pytest.fixture(scope="module")
def bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


def test_models_are_named(bcg):
    assert describe_model(pool(bcg)) == "Random-effects model (REML, Hartung–Knapp)"
    assert describe_model(pool(bcg, tau2="DL", ci="wald")) == "Random-effects model (DL, Wald)"
    assert describe_model(pool(bcg, model="common", ci="wald")) == "Common-effect model"


def test_heterogeneity_is_told_with_its_test(bcg):
    common = pool(bcg, model="common", ci="wald")
    assert describe_heterogeneity(common) == "I² = 92%, Q = 152.2 (df = 12, P < 0.001)"


def test_one_study_has_no_heterogeneity():
    alone = EffectSizes(effect=[0.1], variance=[0.1], measure="RR")
    assert describe_heterogeneity(pool(alone, model="common", ci="wald")) == ""
