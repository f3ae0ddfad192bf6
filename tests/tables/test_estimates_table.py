import pytest

from analysis import TwoByTwo, odds_ratio, risk_ratio
from analysis.tables.estimates_table import estimates_table, two_by_two_table


def _texts(table):
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_a_two_by_two_table_has_risks_and_measures():
    table = TwoByTwo(exposed_cases=0, exposed_total=20, control_cases=5, control_total=20)
    made = two_by_two_table(table, exposed="Treated", control="Untreated")
    assert [row[0] for row in _texts(made)][:3] == ["Risk, treated", "Risk, untreated", "Risk ratio"]
    assert made.notes == ("Treated: 0/20; untreated: 5/20.",)
    assert len(two_by_two_table(table, every=True).rows) > len(made.rows)
    assert made.to_frame()["value"][0] == 0.0


def test_estimates_of_several_shapes(bcg_counts):
    table = estimates_table([risk_ratio(bcg_counts), odds_ratio(bcg_counts[0])])
    assert len(table.rows) == 14
    assert _texts(table)[13][0] == "Odds ratio"
    assert table.to_frame()["value"][:13].tolist() == risk_ratio(bcg_counts).value.tolist()


def test_wrong_estimates_are_refused(bcg_counts):
    one = risk_ratio(bcg_counts[0])
    with pytest.raises(ValueError, match="must hold at least one estimate"):
        estimates_table([])
    with pytest.raises(ValueError, match=r"must be of one level, but are of \[0.9, 0.95\]"):
        estimates_table([one, risk_ratio(bcg_counts[0], confidence_level=0.9)])
    with pytest.raises(ValueError, match="`labels` must name 1 estimates, but names 2"):
        estimates_table(one, labels=["a", "b"])
    with pytest.raises(TypeError, match="`table` must be TwoByTwo, but got int"):
        two_by_two_table(1)
    with pytest.raises(ValueError, match=r"`table` must be one table, but has shape \(13,\)"):
        two_by_two_table(bcg_counts)
