import numpy as np
import pytest

from analysis import EffectSizes, pool
from analysis.meta.prediction import prediction_interval, probability_beyond
from reference_values import dataset, identifier, load, number, records

CI = {"z": "wald", "knha": "hartung-knapp"}


def _effects(name, record, measure="GEN"):
    columns = dataset(name, record)
    effects = EffectSizes(effect=columns["yi"], variance=columns["vi"], measure=measure)
    return effects, np.isfinite(effects.effect) & np.isfinite(effects.variance)


def _method(kind, ci):
    """metafor's default is by the quantile of the interval of the mean."""
    if kind == "default":
        return "wald" if ci == "z" else "t"
    return {"riley": "higgins-thompson-spiegelhalter", "t": "t", "simple": "plug-in"}[kind]


# `tight` records of the estimators that iterate do not exist here: R stops at 1e-5 or 1.2e-4 of tau2.
REL = {"DL": 1e-9, "REML": 2e-4, "PM": 2e-4}


def _is_interval(record):
    parts = record["id"].split("/")
    # With a t distribution metafor's "simple" interval takes its quantile; ours is normal. Freeman and
    # Tukey's proportions are brought back by the sample sizes, which a pooled estimate does not know.
    return not (parts[-1] == "simple" and "knha" in parts) and parts[:2] != [
        "predict_transf",
        "pritz1997_PFT",
    ]


@pytest.mark.parametrize("record", records("B_predict", keep=_is_interval), ids=identifier)
def test_intervals_equal_metafor(record):
    name, _, estimator, ci, *kind = record["id"].split("/")
    backward = {"exp": "RR", "transf.ilogit": "PLO"}.get(
        record["call"].split("transf=")[-1].rstrip(")"), "GEN"
    )
    effects, where = _effects("B_predict", record, backward)
    if where.sum() < 3:
        return
    level = 0.9 if name == "predict90" else 0.95
    fit = pool(effects, tau2=estimator, ci=CI[ci], where=where, confidence_level=level)
    ours = prediction_interval(fit, method=_method(kind[0] if kind else "default", ci))
    expected = record["outputs"]
    for got, key in ((ours.low, "pi.lb"), (ours.high, "pi.ub"), (fit.estimate.low, "ci.lb")):
        reported = np.tanh(got) if record["call"].endswith("transf.ztor)") else got
        assert float(reported) == pytest.approx(number(expected[key]), rel=REL[estimator], abs=2e-5), key


KINDS = {
    "V": ("wald", "t"),
    "HTS": ("wald", "higgins-thompson-spiegelhalter"),
    "S": ("wald", "wald"),
    "HK": ("hartung-knapp", "t"),
    "HK-PR": ("hartung-knapp", "higgins-thompson-spiegelhalter"),
    "KR": ("kenward-roger", "kenward-roger"),
    "KR-PR": ("kenward-roger", "kenward-roger-conservative"),
}
OUR_TAU2 = {"DL", "PM", "REML", "ML", "HS", "SJ", "HE", "EB"}


def _of_meta(record):
    parts = record["id"].split("/")
    kero = parts[-1] in {"KR", "KRpi"}
    return (
        len(parts) == 4
        and parts[2] in OUR_TAU2
        and parts[3] in {"classic", "HK", "KR", "KRpi"}
        # Kenward and Roger's degrees of freedom are those of REML.
        and (not kero or parts[2] == "REML")
    )


@pytest.mark.parametrize("record", records("meta", "metagen/", keep=_of_meta), ids=identifier)
def test_means_and_predictions_equal_meta(record):
    _, _, estimator, kind = record["id"].split("/")
    effects, where = _effects("meta", record)
    expected = record["outputs"]
    ci = {"classic": "wald", "HK": "hartung-knapp"}.get(kind, "kenward-roger")
    fit = pool(effects, tau2=estimator, ci=ci, where=where)
    # R stops at 1e-5 of tau2 (1.2e-4 for Paule and Mandel), which is 0.0015 for the risk differences.
    loose = 5e-4
    if "bcg_RD" in record["id"]:
        loose = 6e-2 if estimator == "PM" else 5e-3
    rel = 1e-8 if estimator in {"DL", "HS", "SJ", "HE"} else loose
    for got, key in (
        (fit.estimate.low, "lower"),
        (fit.estimate.high, "upper"),
        (fit.estimate.std_error, "seTE"),
    ):
        assert float(got) == pytest.approx(number(expected[f"{key}.random"]), rel=rel), key
    for name in expected["lower.predict"]:
        ci, method = KINDS[name]
        ours = prediction_interval(pool(effects, tau2=estimator, ci=ci, where=where), method=method)
        for got, key in ((ours.low, "lower"), (ours.high, "upper")):
            theirs = number(expected[f"{key}.predict"][name])
            assert float(got) == pytest.approx(theirs, rel=rel, abs=1e-8, nan_ok=True), (name, key)


KIND51 = {"riley": "higgins-thompson-spiegelhalter", "t": "t", "simple": "plug-in"}


@pytest.mark.parametrize("record", records("metafor51", "predict/"), ids=identifier)
def test_intervals_equal_metafor_5(record):
    effects, where = _effects("metafor51", record)
    ours = prediction_interval(
        pool(effects, tau2="DL", ci="wald", where=where), method=KIND51[record["id"].split("/")[-1]]
    )
    assert float(ours.low) == pytest.approx(number(record["outputs"]["pi.lb"]), rel=1e-9)
    assert float(ours.high) == pytest.approx(number(record["outputs"]["pi.ub"]), rel=1e-9)


@pytest.mark.parametrize("record", records("metafor51", "predict-prob/"), ids=identifier)
def test_probability_equals_metafor_5(record):
    effects, where = _effects("metafor51", record)
    ours = probability_beyond(pool(effects, tau2="DL", ci="wald", where=where), 0.0)
    assert float(ours) == pytest.approx(number(record["outputs"]["prob"]), rel=1e-9)


def _bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


def test_bootstrap_draws_tau2_from_its_confidence_distribution():
    """P(tau2 drawn <= t) is P(Q >= observed; t): the drawn 2.5 % and 97.5 % are Biggerstaff and Jackson's."""
    from analysis.meta.heterogeneity_interval import tau2_interval
    from analysis.meta.prediction import _draw_tau2

    fit = pool(_bcg(), tau2="DL")
    ((_, studies),) = fit.sets.blocks()
    uniform = np.linspace(0.0005, 0.9995, 1000)
    drawn = _draw_tau2(studies, uniform)
    limits = tau2_interval(fit, method="biggerstaff-jackson")
    assert np.interp(0.025, uniform, drawn) == pytest.approx(float(limits.tau2_low), rel=1e-3)
    assert np.interp(0.975, uniform, drawn) == pytest.approx(float(limits.tau2_high), rel=1e-3)


def test_bootstrap_is_wider_and_repeats_itself_by_seed():
    fit = pool(_bcg(), tau2="DL", ci="wald")
    first, again = (prediction_interval(fit, method="bootstrap", rng=1) for _ in range(2))
    assert (first.low, first.high) == (again.low, again.high)
    usual = prediction_interval(fit, method="wald")
    assert first.low < usual.low
    assert first.high > usual.high


def test_probabilities_of_the_two_sides_add_to_one():
    fit = pool(_bcg())
    above, below = (
        probability_beyond(fit, 0.8, side=side, uncertain_mean=False) for side in ("above", "below")
    )
    assert above + below == pytest.approx(1)
    assert below > 0.5
    assert probability_beyond(pool(EffectSizes(effect=[0.3, 0.3], variance=[1, 1])), 0.3) == 0.5


def test_what_does_not_go_together_is_named():
    with pytest.raises(ValueError, match='is for ci="kenward-roger"'):
        prediction_interval(pool(_bcg()), method="kenward-roger")
    with pytest.raises(ValueError, match="predicts no spread"):
        prediction_interval(pool(_bcg(), model="common"))
    with pytest.raises(ValueError, match="one set of studies"):
        prediction_interval(pool(_bcg(), where=~np.eye(13, dtype=bool)), method="bootstrap")
    with pytest.raises(ValueError, match="`threshold` must lie on the scale"):
        probability_beyond(pool(_bcg()), -1.0)
