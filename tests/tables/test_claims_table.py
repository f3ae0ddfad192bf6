import pandas as pd
import pytest

from analysis import audit_claims
from analysis.data.provenance import project_root
from analysis.forensics.claims import ClaimLedger
from analysis.tables.claims_table import claims_table
from analysis.tables.number_style import number_style


@pytest.fixture(scope="module")
def ledger():
    return audit_claims(pd.read_csv(project_root() / "data" / "raw" / "claims.csv", dtype=str))


def test_every_claim_has_its_row_with_its_verdict(ledger):
    table = claims_table(ledger)
    assert [column.heading for column in table.columns] == [
        "Claim", "As worded", "Printed", "Checked as", "Recomputed", "From", "Verdict",
    ]  # fmt: skip
    frame = table.to_frame()
    entries = ledger.entries
    assert frame["claim_id"].tolist() == [entry.claim_id for entry in entries]
    assert frame["verdict"].tolist() == [entry.verdict for entry in entries]
    assert frame["worded"].tolist() == [entry.worded for entry in entries]
    for row, entry in zip(table.rows, entries, strict=True):
        assert row.cells[2].text == entry.printed
        assert row.cells[4].text == (entry.recomputed or "–")
        assert row.cells[4].raw[0] in {None, entry.recomputed_low}


def test_a_wording_is_printed_once_and_kept_in_every_row(ledger):
    printed = [row.cells[1].text for row in claims_table(ledger).rows if row.cells[1].text]
    assert len(printed) == len({entry.worded for entry in ledger.entries})


def test_flags_and_reasons_are_footnotes(ledger):
    notes = [text for _, text in claims_table(ledger).footnotes]
    assert "Outcome relabelled." in notes
    assert "A hazard ratio needs the times to event, which a summary table does not hold." in notes
    sentences = [text for _, text in claims_table(ledger, sentences=True).footnotes]
    assert all(str(entry) in sentences for entry in ledger.entries)


def test_ranges_follow_the_style(ledger):
    with number_style("lancet"):
        texts = [row.cells[4].text for row in claims_table(ledger).rows]
    assert "1·63–1·73" in texts
    assert "18·8%" in texts


def test_without_wording_there_is_no_column_for_it():
    claims = pd.DataFrame(
        {
            "claim_id": ["a"],
            "printed": ["54%"],
            "checked_as": ["PR"],
            "exposed_cases": [229],
            "exposed_total": [424],
        }
    )
    table = claims_table(audit_claims(claims))
    assert [cell.text for cell in table.rows[0].cells] == [
        "a", "54%", "proportion", "54.0%", "229/424", "reproduced",
    ]  # fmt: skip


def test_wrong_ledgers_are_refused():
    with pytest.raises(TypeError, match="`ledger` must be ClaimLedger, but got str; see `audit_claims`"):
        claims_table("x")
    with pytest.raises(ValueError, match="must hold at least one claim, but is empty"):
        claims_table(ClaimLedger(entries=()))
