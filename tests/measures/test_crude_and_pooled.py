import numpy as np
import pytest

from analysis import TwoByTwo, mantel_haenszel, odds_ratio, risk_difference, risk_ratio
from analysis.measures.crude_and_pooled import stratified_summary

SINGLE = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}


@pytest.mark.parametrize("measure", sorted(SINGLE))
def test_summary_shows_confounding_and_no_modification(measure):
    table = TwoByTwo(
        exposed_cases=[9, 80], exposed_total=[90, 100], control_cases=[100, 8], control_total=[1000, 10]
    )
    summary = stratified_summary(table, measure=measure)
    assert float(summary.crude.value) == float(SINGLE[measure](table.collapse()).value)
    np.testing.assert_array_equal(summary.strata.value, SINGLE[measure](table).value)
    assert float(summary.pooled.value) == float(mantel_haenszel(table, measure=measure).value)
    if measure != "RD":
        change = (
            100 * (float(summary.crude.value) - float(summary.pooled.value)) / float(summary.pooled.value)
        )
        assert float(summary.change_percent) == pytest.approx(change)
        assert change > 300
    assert summary.homogeneity.pvalue > 0.99
    frame = summary.to_frame()
    assert frame["kind"].tolist() == ["stratum", "stratum", "crude", "pooled"]
    assert frame["stratum"].tolist() == [1, 2, 0, 0]
    assert "<table" in summary._repr_html_()
    assert str(summary).splitlines()[0] in {"Odds ratio", "Risk ratio", "Risk difference"}


def test_summary_of_replicates_and_its_faults():
    cells = np.random.default_rng(5).integers(0, 20, (4, 3, 2))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    summary = stratified_summary(table, correction=0.5)
    assert summary.shape == (3,)
    frame = summary.to_frame()
    assert frame["replicate"].tolist() == [0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2]
    assert str(summary).count("\n") == 2
    for row in range(3):
        one = stratified_summary(table[row], correction=0.5)
        np.testing.assert_allclose(one.change_percent, summary.change_percent[row], rtol=1e-12)
    with pytest.raises(ValueError, match="`table` must have strata on its last axis"):
        stratified_summary(table[0, 0])
    with pytest.raises(ValueError, match='`measure` must be "OR" for the tarone test'):
        stratified_summary(table, measure="RR", homogeneity="tarone")
