import re
from pathlib import Path

import numpy as np
import pytest

import analysis
from analysis import EffectSizes, pool, small_study_summary
from analysis.meta.heterogeneity import TAU2_METHODS
from analysis.meta.pooling import INTERVALS
from analysis.tables.methods_text import REFERENCES, methods_text
from analysis.values.scale import MEASURES
from reference_values import load

SOURCE = Path(analysis.__file__).parent
NEEDS = {"kenward-roger": "REML", "profile": "ML", "profile-bartlett": "ML", "henmi-copas": "DL"}


@pytest.fixture(scope="module")
def bcg():
    columns = load("B_rma")["datasets"]["bcg_RR"]
    return EffectSizes(effect=columns["yi"], variance=columns["vi"], measure="RR")


def _squeezed(text):
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def paragraphs():
    files = sorted(path for room in ("meta", "measures") for path in (SOURCE / room).rglob("*.py"))
    return [
        re.sub(r"^References -+ ", "", _squeezed(part).strip())
        for path in files
        for part in path.read_text("utf-8").split("\n\n")
    ]


@pytest.mark.parametrize("key", REFERENCES)
def test_every_reference_stands_in_a_docstring_(key, paragraphs):
    text = REFERENCES[key]
    authors, year, title = re.match(r"(.+?) \((\d{4})\)\. (.{20})", text).groups()
    found = [
        part for part in paragraphs if part.startswith(f"{authors} (") and title in part and year in part
    ]
    doi = re.search(r"DOI (\S+?)\.?(?= |$)", text)
    found = [part for part in found if doi is None or f"DOI {doi[1]}" in part]
    assert found, "cited in no docstring"
    # Whether somebody looked it up is for the docstring; an author pastes the reference as it is.
    assert "verified" not in text
    assert not re.search(r"DOI \S+\.$", text)


def test_the_bcg_trials_read_as_in_a_paper(bcg):
    text = methods_text(pool(bcg), data="counts")
    assert text.methods == (
        "Effects and sampling variances were computed from the counts of each study [1]. The effects (risk "
        "ratio, on the log scale) were pooled by inverse variance under a random-effects model. The "
        "between-study variance τ² was estimated by restricted maximum likelihood [2]; the 95% confidence "
        "interval (CI) of the mean is that of Hartung and Knapp, with a factor of the variance that is never "
        "below 1 [3]. τ² and I² [4], with intervals by Q-profile [5], and Cochran's Q describe "
        "heterogeneity. The 95% prediction interval, in which the true effect of a further study is "
        "expected, is that of Higgins, Thompson and Spiegelhalter [6]."
    )
    assert text.results == (
        "The pooled risk ratio was 0.49 (95% CI 0.33 to 0.73; P = 0.002). The 95% prediction interval was "
        "0.13 to 1.79, which includes 1. τ² was 0.313 (95% CI 0.120 to 1.11) and I² was 92% (95% CI "
        "82% to 98%); Q was 152.2 (df = 12, P < 0.001)."
    )
    assert [reference.split()[0] for reference in text.references] == [
        "Katz", "Viechtbauer", "Knapp", "Higgins", "Viechtbauer", "Higgins",
    ]  # fmt: skip
    assert str(text).startswith("## Methods\n\nEffects")
    assert "## References\n\n1. Katz" in str(text)


def _numbers(text):
    return [int(n) for part in re.findall(r" \[([\d, ]+)\]", text) for n in part.split(", ")]


COMBINATIONS = [
    (tau2, ci)
    for tau2 in TAU2_METHODS
    for ci in INTERVALS
    if NEEDS.get(ci, tau2) == tau2 and not (tau2.startswith("GENQ") and ci in NEEDS)
]


@pytest.mark.parametrize(("tau2", "ci"), COMBINATIONS)
def test_every_method_is_named_and_every_number_has_its_reference(bcg, tau2, ci):
    weights = np.ones(13) if tau2.startswith("GENQ") else None
    text = methods_text(pool(bcg, tau2=tau2, ci=ci, weights=weights))
    assert sorted(set(_numbers(text.methods))) == list(range(1, len(text.references) + 1))
    assert not re.search(r"nan|None|\{", str(text))


@pytest.mark.parametrize("model", ["random", "common"])
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_every_measure_and_few_studies_give_whole_sentences(measure, model, k):
    effects = EffectSizes(effect=[0.1, 0.3, 0.7][:k], variance=[0.01] * k, measure=measure)
    text = methods_text(pool(effects, model=model, ci="wald"), data="counts")
    assert not re.search(r"nan|None|\{|  ", str(text))
    assert text.methods.endswith(".")
    assert text.results.endswith(".")
    assert ("P " in text.results.split(". ")[0]) == (MEASURES[measure].null is not None)
    assert ("prediction interval" in str(text)) == (k == 3 and model == "random")
    assert ("τ²" in text.results) == (k > 1 and model == "random")


def test_a_common_effect_has_no_tau2(bcg):
    text = methods_text(pool(bcg, model="common", ci="wald"))
    assert "τ²" not in str(text)
    assert "test-based" in text.methods


def test_small_studies_are_tested_or_it_is_said_why_not(bcg):
    tested = methods_text(pool(bcg), small_study=small_study_summary(bcg))
    assert "Egger's regression" in tested.methods
    assert re.search(r"Egger's test gave P = 0\.\d+\.$", tested.results)
    few = EffectSizes(effect=[0.1, 0.2, 0.5], variance=[0.1, 0.2, 0.1])
    declined = methods_text(pool(few), small_study=small_study_summary(few))
    assert "Small-study effects were not tested with fewer than 10 studies (3) [" in declined.methods
    assert "Egger" not in declined.results
    assert declined.references[-1].startswith("Sterne JAC")


@pytest.mark.parametrize("measure", ["PLO", "IRLN"])
def test_a_measure_without_no_effect_is_not_tested_and_the_reason_is_said(measure):
    twelve = EffectSizes(effect=np.linspace(-3, -1, 12), variance=np.linspace(0.9, 0.05, 12), measure=measure)
    text = methods_text(pool(twelve), small_study=small_study_summary(twelve))
    what = "proportion" if measure == "PLO" else "rate"
    assert text.methods.endswith(
        f"Small-study effects were not tested, because a {what} has no value of no effect, and its standard "
        "error depends on the value itself, which makes the funnel asymmetric without any study missing."
    )
    assert "Egger" not in str(text)
    assert len(text.methods.split("Small-study")) == 2


@pytest.mark.parametrize(
    ("measure", "shift", "said"),
    [("RR", 0.0, "which includes 1."), ("RR", 9.0, "which excludes 1."), ("RD", 0.0, "which includes 0.")],
)
def test_the_prediction_interval_names_the_null_value(measure, shift, said):
    effects = EffectSizes(
        effect=np.array([-0.2, 0.0, 0.1, 0.3]) + shift, variance=[0.01, 0.02, 0.01, 0.02], measure=measure
    )
    text = methods_text(pool(effects)).results
    assert said in text
    assert "no effect" not in text


def test_data_and_corrections_are_said(bcg):
    published = methods_text(pool(bcg), data="published", corrected=2).methods
    assert published.startswith("Standard errors were derived from the published confidence intervals")
    assert "In 2 studies with an empty cell 0.5 was added to the counts." in published
    assert "In 1 study with" in methods_text(pool(bcg), corrected=1).methods


def test_wrong_input_is_named(bcg):
    with pytest.raises(TypeError, match="`pooled` must be PooledEstimate, but got EffectSizes"):
        methods_text(bcg)
    with pytest.raises(ValueError, match=r"must be one meta-analysis, but has shape \(13,\)"):
        methods_text(pool(bcg, where=~np.eye(13, dtype=bool)))
    with pytest.raises(ValueError, match="`data`"):
        methods_text(pool(bcg), data="tables")
    with pytest.raises(ValueError, match="`corrected`"):
        methods_text(pool(bcg), corrected=-1)
