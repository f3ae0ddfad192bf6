import pandas as pd
import pytest

from analysis import audit_claims
from analysis.forensics.claims import VERDICTS


def _audit(**columns):
    row = {"claim_id": "x", "checked_as": "RR"} | columns
    return audit_claims(pd.DataFrame([row])).entries[0]


SHARIF = {"exposed_total": 5476, "exposed_percent": "4.7", "control_total": 27657, "control_percent": "2.8"}


@pytest.mark.parametrize(
    ("columns", "verdict", "sentence"),
    [
        (
            {"printed": "54%", "checked_as": "PR", "exposed_cases": 229, "exposed_total": 424},
            "reproduced",
            "229/424 gives a proportion of 54.0%, which reproduces the printed 54%.",
        ),
        (
            {"printed": "53%", "checked_as": "PR", "exposed_cases": 229, "exposed_total": 424},
            "contradicted",
            "229/424 gives a proportion of 54.0%, so the printed 53% is not that proportion.",
        ),
        (
            {"printed": "1.83", **SHARIF},
            "contradicted",
            "The 168 tables that round to 4.7% of 5476 and 2.8% of 27\u2009657 give a crude risk ratio of "
            "1.63 to 1.73, so the printed 1.83 is not that crude risk ratio.",
        ),
        (
            {"printed": "1.68", **SHARIF},
            "consistent",
            "The 168 tables that round to 4.7% of 5476 and 2.8% of 27\u2009657 give a crude risk ratio of "
            "1.63 to 1.73, with which the printed 1.68 is consistent.",
        ),
        (
            {"printed": "2.93", "checked_as": "OR", "exposed_total": 3253, "control_total": 32530},
            "cannot be recomputed",
            "The printed 2.93 cannot be recomputed: the cells of the table are not printed, "
            "and any number of tables gives it.",
        ),
        (
            {"printed": "1.83 (1.58-2.11)", "checked_as": "HR", **SHARIF},
            "cannot be recomputed",
            "The printed 1.83 (1.58-2.11) cannot be recomputed: a hazard ratio needs the times "
            "to event, which a summary table does not hold.",
        ),
        (
            {"printed": "1.5", "source_adjusted": "yes", **SHARIF},
            "cannot be recomputed",
            "The printed 1.5 cannot be recomputed: the source adjusted it, "
            "which needs the individual records.",
        ),
        (
            {"printed": "30%", "checked_as": "PR", "exposed_total": 84, "exposed_percent": "30.3"},
            "contradicted",
            "No table fits 30.3% of 84; the printed 30% cannot come from one.",
        ),
    ],
)
def test_verdicts_and_sentences(columns, verdict, sentence):
    entry = _audit(**columns)
    assert (entry.verdict, str(entry)) == (verdict, sentence)
    assert entry.verdict in VERDICTS


def test_a_percentage_does_not_reproduce_itself():
    same = _audit(printed="16%", checked_as="PR", exposed_total=424, exposed_percent="16")
    finer = _audit(printed="62%", checked_as="PR", exposed_total=73, exposed_percent="61.6")
    assert (same.verdict, same.n_tables) == ("consistent", 4)
    assert (finer.verdict, finer.recomputed) == ("reproduced", "61.6%")
    assert str(finer) == "45/73 (from 61.6%) gives a proportion of 61.6%, which reproduces the printed 62%."


def test_inequalities_and_other_measures():
    men = {"exposed_cases": 75, "exposed_total": 7605, "control_cases": 56, "control_total": 38020}
    assert _audit(printed=">1", **men).verdict == "reproduced"
    assert _audit(printed="6.75", checked_as="OR", **men).verdict == "reproduced"
    assert _audit(printed="0.008", checked_as="RD", **men).verdict == "reproduced"
    # Mitra 2000: the counts 11/66 v 1/39 give 7.60, printed is 5.92.
    mitra = {"exposed_cases": 11, "exposed_total": 66, "control_cases": 1, "control_total": 39}
    assert _audit(printed="5.92 (1.4-23.8)", checked_as="OR", **mitra).verdict == "contradicted"


def test_flags():
    frame = pd.DataFrame(
        {
            "claim_id": ["a", "b", "c"],
            "printed": ["19%", "62%", "1.83"],
            "checked_as": ["PR", "PR", "RR"],
            "range": ["C1", "C1", None],
            "source_outcome": ["osteoporosis", "low BMD", "osteoporosis"],
            "worded_outcome": ["Osteoporosis", "osteoporosis", None],
            "worded_measure": ["PR", "PR", "RR"],
            "source_measure": ["PR", "PR", "HR"],
            "source_adjusted": [None, None, "yes"],
            "worded_adjusted": [None, None, "no"],
            "direction": ["as worded", "as worded", "reversed"],
        }
    )
    first, second, third = audit_claims(frame).entries
    assert first.flags == ("range end from another definition",)
    assert second.flags == ("outcome relabelled", "range end from another definition")
    assert third.flags == ("measure relabelled", "direction reversed", "adjusted read as crude")


def test_frame_and_text():
    ledger = audit_claims(pd.DataFrame({"claim_id": ["x"], "printed": ["1.83"], "checked_as": ["HR"]}))
    frame = ledger.to_frame()
    assert frame.loc[0, "verdict"] == "cannot be recomputed"
    assert frame.loc[0, "recomputed"] == ""
    assert str(ledger).startswith("x: cannot be recomputed. The printed 1.83")
    assert "<table" in ledger._repr_html_()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="must have the columns printed, checked_as; it has claim_id"):
        audit_claims(pd.DataFrame({"claim_id": ["x"]}))
    with pytest.raises(ValueError, match="Claim x: `checked_as` must be one of 'PR'"):
        _audit(printed="1.2", checked_as="risk")
    with pytest.raises(ValueError, match="Claim x: `text` must be a printed number, but got 'n.s.'"):
        _audit(printed="n.s.")
    with pytest.raises(ValueError, match="Claim x: `events` must not exceed `total`"):
        _audit(printed="54%", checked_as="PR", exposed_cases=9, exposed_total=4)


def test_progress_counts_the_claims():
    done = []
    frame = pd.DataFrame({"claim_id": ["x", "y"], "printed": ["1.83", "2"], "checked_as": ["HR", "HR"]})
    audit_claims(frame, progress=done.append)
    assert done == [1, 2]
