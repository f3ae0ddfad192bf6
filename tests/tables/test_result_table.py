import pandas as pd
import pytest

from analysis import (
    TwoByTwo,
    absolute_effects,
    audit_claims,
    meta_regression,
    pool,
    pool_mantel_haenszel,
    risk_ratio,
    small_study_summary,
    subgroups,
)
from analysis.tables.result_table import result_table
from analysis.tables.summary_of_findings import OutcomeSummary

CLAIMS = pd.DataFrame(
    {
        "claim_id": ["a"],
        "printed": ["54%"],
        "checked_as": ["PR"],
        "exposed_cases": [229],
        "exposed_total": [424],
    }
)


@pytest.mark.parametrize(
    ("make", "heading"),
    [
        (lambda bcg, _: pool(bcg), "Study"),
        (lambda bcg, _: bcg, "Study"),
        (lambda bcg, _: {"a": pool(bcg)}, "Meta-analysis"),
        (lambda bcg, _: subgroups(bcg, ["x"] * 6 + ["y"] * 7), "Subgroup"),
        (lambda bcg, _: meta_regression(bcg, {"x": range(13)}), "Coefficient"),
        (small_study_summary, "Method"),
        (lambda _, __: audit_claims(CLAIMS), "Claim"),
        (lambda _, counts: counts[0], "Measure"),
        (lambda _, counts: risk_ratio(counts), "Measure"),
        (lambda _, counts: [risk_ratio(counts[0])], "Measure"),
        (lambda _, counts: pool_mantel_haenszel(counts), "Measure"),
        (lambda _, counts: [OutcomeSummary(outcome="o", effect=risk_ratio(counts[0]))], "Outcome"),
        (lambda _, __: CLAIMS, "claim_id"),
        (lambda _, __: absolute_effects(1.83, measure="HR", baseline_risk=0.02), "source"),
    ],
)
def test_every_type_has_its_table(bcg, bcg_counts, make, heading):
    table = result_table(make(bcg, bcg_counts), notes=["A note."], title="A title")
    assert table.columns[0].heading == heading
    assert table.title == "A title"
    assert "A note." in table.notes


def test_a_finished_table_is_returned_as_it_is(small):
    assert result_table(small) is small
    with pytest.raises(TypeError, match="A finished table takes no options, but got title"):
        result_table(small, title="x")


def test_other_results_are_called_by_their_type():
    table = result_table(absolute_effects(1.83, measure="HR", baseline_risk=0.02))
    assert table.title == "Absolute effects"


@pytest.mark.parametrize("result", [1, "text", None, [], {}, [1], {"a": 1}, TwoByTwo])
def test_what_has_no_table_is_refused_with_what_has(result):
    with pytest.raises(
        TypeError, match="`result` must be one of PooledEstimate, EffectSizes, .* build a JournalTable"
    ):
        result_table(result)
