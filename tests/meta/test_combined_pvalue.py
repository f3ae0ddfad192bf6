import numpy as np
import pytest

from analysis.meta.combined_pvalue import combine_pvalues
from reference_values import identifier, records

METHODS = {
    "sumlog": ("fisher", "chisq"),
    "sumz": ("stouffer", "z"),
    "meanz": ("mean-z", "z"),
    "logitp": ("logit", "t"),
    "meanp": ("mean", "z"),
    "sump": ("sum", None),
    "minimump": ("minimum", "pr"),
    "maximump": ("maximum", "pr"),
    "wilkinsonp": ("rank", "pr"),
    "votep": ("vote", "pos"),
}


def _single(value):
    return value["rows"][0][0] if isinstance(value, dict) else value


# metap gives nothing for the mean of fewer than four.
@pytest.mark.parametrize(
    "record", records("I_metap", keep=lambda r: r["outputs"]["p"] is not None), ids=identifier
)
def test_combined_pvalues_equal_metap(record):
    method, statistic = METHODS[record["id"].split("/")[0]]
    ours, expected = combine_pvalues(record["inputs"]["p"], method=method), record["outputs"]
    assert ours.pvalue == pytest.approx(_single(expected["p"]), rel=1e-10)
    if statistic is not None:
        assert ours.statistic == pytest.approx(_single(expected[statistic]), rel=1e-10)


def test_every_method_of_metap_is_compared():
    assert {record["id"].split("/")[0] for record in records("I_metap")} == set(METHODS)


@pytest.mark.parametrize("method", [method for method, _ in METHODS.values()])
def test_pvalues_of_no_effect_are_uniform_and_a_batch_equals_a_loop(method):
    p = np.random.default_rng(3).random((20_000, 7))
    found = combine_pvalues(p, method=method)
    assert found.pvalue.shape == (20_000,)
    for level in (0.05, 0.5):
        share = (found.pvalue <= level).mean()
        # "vote" is discrete, "mean-z" is no normal variable with seven studies.
        if method not in {"vote", "mean-z"}:
            assert share == pytest.approx(level, abs=5 * np.sqrt(level * (1 - level) / 20_000) + 0.002)
    assert combine_pvalues(p[5], method=method).pvalue == pytest.approx(found.pvalue[5], rel=1e-12)


@pytest.mark.parametrize(
    ("pvalues", "options", "message"),
    [
        ([0.1, 1.2], {}, "`pvalues`"),
        ([0.0, 0.2], {}, "greater than 0"),
        ([0.1, 0.2], {"method": "rank", "rank": 3}, "`rank` must be from 1 to 2"),
        ([0.1] * 21, {"method": "sum"}, "at most 20 P-values"),
        ([0.1, 0.2], {"weights": [1, 2]}, "are for method='stouffer'"),
        ([0.1, 0.2], {"method": "stouffer", "weights": [1, 0]}, "`weights` must be greater than 0"),
        ([0.1, 0.2], {"method": "Fisher"}, "`method` must be one of"),
    ],
)
def test_bad_input_is_named(pvalues, options, message):
    with pytest.raises(ValueError, match=message):
        combine_pvalues(pvalues, **options)
