import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo, absolute_effects, pool, risk_difference, risk_ratio
from analysis.tables.summary_of_findings import CERTAINTIES, OutcomeSummary, summary_of_findings

TABLE = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
RATIO = risk_ratio(TABLE)
TWO_RATIOS = risk_ratio(TwoByTwo(exposed_cases=[1, 2], exposed_total=9, control_cases=1, control_total=9))


def _summary(**options):
    return OutcomeSummary(**({"outcome": "Osteoporosis", "effect": RATIO} | options))


def _texts(outcome):
    return [cell.text for cell in summary_of_findings([outcome]).rows[0].cells]


def test_a_row_has_what_grade_asks_for():
    outcome = _summary(
        studies=1,
        participants=24036,
        baseline_risk=0.02,
        certainty="low",
        reasons=["Registers."],
        comment="Yes.",
    )
    table = summary_of_findings([outcome], exposed="with AS", control="without AS")
    assert [column.printed for column in table.columns] == [
        "Outcome",
        "Participants (studies)",
        "Relative effect (95% CI)",
        "Risk per 1000, without AS",
        "Risk per 1000, with AS (95% CI)",
        "Difference per 1000 (95% CI)",
        "Certainty",
        "Comment",
    ]
    assert [cell.text for cell in table.rows[0].cells] == [
        "Osteoporosis",
        "24\u2009036 (1 study)",
        "RR 3.95 (3.00 to 5.19)",
        "20",
        "79 (60 to 104)",
        "59 more (40 more to 84 more)",
        "⊕⊕◯◯ low",
        "Yes.",
    ]
    assert table.footnotes == (("a", "Registers."),)
    assert table.notes[0] == "CI, confidence interval; RR, risk ratio."


def test_absolute_effects_are_those_of_absolute_effects():
    table = summary_of_findings([_summary(baseline_risk=0.02)])
    found = absolute_effects(RATIO, baseline_risk=0.02)
    frame = table.to_frame()
    assert frame["exposed_per_1000"][0] == 1000 * float(found.exposed_risk.low)
    assert frame["exposed_low"][0] == 1000 * float(found.exposed_risk.interval_low)
    assert frame["difference_per_1000"][0] == pytest.approx(
        1000 * float(found.risk_difference.low), rel=1e-12
    )
    assert frame["difference_high"][0] == pytest.approx(
        1000 * float(found.risk_difference.interval_high), rel=1e-12
    )


@pytest.mark.parametrize("measure", ["RR", "OR", "HR"])
def test_what_is_fewer_is_said_in_words(measure):
    effects = EffectSizes(effect=[-0.7, -0.6], variance=[0.1, 0.2], measure=measure)
    outcome = _summary(effect=pool(effects, model="common", ci="wald"), baseline_risk=0.2)
    texts = _texts(outcome)
    assert texts[1] == "– (2 studies)"
    assert "fewer (" in texts[5]
    assert "−" not in texts[5]
    assert texts[5].endswith(("fewer)", "more)"))


def test_small_risks_keep_a_digit():
    texts = _texts(_summary(baseline_risk=0.00004))
    assert texts[3] == "0.04"
    assert texts[5].startswith("0.12 more")


def test_without_baseline_or_ratio_there_is_no_absolute_effect():
    assert _texts(_summary())[3:6] == ["–", "–", "–"]
    assert _texts(_summary(effect=risk_difference(TABLE), baseline_risk=0.1))[3:6] == ["–", "–", "–"]
    assert len(_texts(_summary())) == 7


def test_certainty_is_never_made_up():
    assert _texts(_summary())[6] == "not rated"
    assert _texts(_summary(certainty="high"))[6] == "⊕⊕⊕⊕ high"
    assert "GRADE" not in " ".join(summary_of_findings([_summary()]).notes)
    assert {len(signs) for signs in CERTAINTIES.values()} == {4}


def test_levels_may_differ():
    wide = risk_ratio(TABLE, confidence_level=0.9)
    table = summary_of_findings([_summary(), _summary(effect=wide)])
    assert table.columns[2].printed == "Relative effect (CI)"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"effect": 1.2}, TypeError, "`effect` must be Estimate or PooledEstimate, but got float"),
        ({"effect": TWO_RATIOS}, ValueError, r"`effect` must be one estimate, but has shape \(2,\)"),
        ({"baseline_risk": 20}, ValueError, r"`baseline_risk` must be between 0 and 1, but got 20"),
        ({"certainty": "weak", "reasons": ["x"]}, ValueError, "`certainty` must be one of 'high'"),
        ({"certainty": "low"}, ValueError, "`reasons` must say why the certainty is 'low'"),
        ({"reasons": ["x"]}, ValueError, "`reasons` need a `certainty`"),
        ({"certainty": "low", "reasons": "x"}, TypeError, "must be a list of texts, but got the text 'x'"),
    ],
)  # fmt: skip
def test_wrong_outcomes_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        _summary(**options)


def test_wrong_tables_are_refused():
    with pytest.raises(ValueError, match="must hold at least one outcome, but is empty"):
        summary_of_findings([])
    with pytest.raises(TypeError, match="must be OutcomeSummary each, but got Estimate"):
        summary_of_findings([RATIO])
    with pytest.raises(ValueError, match="Outcome 'Osteoporosis': "):
        summary_of_findings([_summary(baseline_risk=0.9)])


def test_an_effect_that_is_not_estimable_has_a_row():
    empty = risk_ratio(TwoByTwo(exposed_cases=0, exposed_total=9, control_cases=0, control_total=9))
    assert np.isnan(empty.value)
    assert _texts(_summary(effect=empty, baseline_risk=0.1))[2:6] == ["RR not estimable", "–", "–", "–"]
