import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, risk_difference
from analysis.measures.number_needed_to_treat import number_needed_to_treat


def test_zepids_interval_that_excludes_the_estimate():
    # zEpid 0.9.1 prints NNT 100 with the interval -14 to 11 for 10/100 against 9/100.
    table = TwoByTwo(exposed_cases=10, exposed_total=100, control_cases=9, control_total=100)
    result = number_needed_to_treat(table, method="wald")
    assert str(result) == "NNTH 100 (NNTH 11 to ∞ to NNTB 14)"
    assert float(result.value) == pytest.approx(100)
    assert result.direction == -1
    benefit, harm = result.segments
    assert harm[0] < result.value < harm[1] == np.inf
    assert (benefit[0], benefit[1]) == (pytest.approx(14.03, abs=0.01), np.inf)


def test_altmans_two_segments():
    # Altman 1998: ARR 10 % (-5 % to 25 %) is NNTB 10 (NNTB 4 to infinity to NNTH 20).
    from analysis.measures.number_needed_to_treat import _nnt_text, _segment

    least, most = np.array(-0.05), np.array(0.25)
    segments = np.stack([_segment(least, most), _segment(-most, -least)], axis=-2)
    np.testing.assert_allclose(segments, [[4, np.inf], [20, np.inf]])
    assert _nnt_text(10.0, 1.0, segments) == "NNTB 10 (NNTB 4.0 to ∞ to NNTH 20)"


counts = st.tuples(st.integers(0, 80), st.integers(1, 80), st.integers(0, 80), st.integers(1, 80))


@pytest.mark.parametrize("method", ["wald", "agresti-caffo", "newcombe", "mee", "miettinen-nurminen"])
@given(cells=counts)
def test_segments_hold_the_estimate_and_invert_the_risk_difference(method, cells):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    result = number_needed_to_treat(table, method=method)
    difference = risk_difference(table, method=method)
    benefit, harm = result.segments
    if result.direction != 0 and difference.low <= difference.value <= difference.high:
        side = benefit if result.direction > 0 else harm
        assert side[0] * (1 - 1e-12) <= result.value <= side[1] * (1 + 1e-12)
    if difference.low < 0 < difference.high:
        assert benefit[1] == harm[1] == np.inf
        assert benefit[0] == pytest.approx(-1 / float(difference.low))
        assert harm[0] == pytest.approx(1 / float(difference.high))
    else:
        assert np.isnan(benefit).all() or np.isnan(harm).all()
    turned = number_needed_to_treat(table, method=method, outcome="favourable")
    np.testing.assert_allclose(turned.segments, result.segments[::-1], rtol=1e-12)
    assert turned.direction == -result.direction


def test_number_needed_to_treat_of_many_tables():
    table = TwoByTwo(
        exposed_cases=[10, 40, 5, 0, 0],
        exposed_total=[100, 100, 50, 20, 0],
        control_cases=[30, 10, 5, 0, 3],
        control_total=[100, 100, 50, 20, 9],
    )
    result = number_needed_to_treat(table, method="wald")
    assert result.shape == (5,)
    assert str(result).splitlines() == [
        "NNTB 5.0 (NNTB 3.3 to NNTB 11)",
        "NNTH 3.3 (NNTH 2.4 to NNTH 5.3)",
        "NNT ∞ (NNTB 8.5 to ∞ to NNTH 8.5)",
        "NNT ∞",
        "not estimable",
    ]
    np.testing.assert_allclose(result.segments[4], [[1, np.inf], [1, np.inf]])
    frame = result.to_frame()
    assert frame["direction"].tolist() == ["benefit", "harm", "none", "none", "none"]
    assert frame["method"].unique().tolist() == ["wald"]
    assert "<table" in result._repr_html_()
    # The interval of the score method is known for 0 of 20 against 0 of 20.
    assert "to ∞ to" in str(number_needed_to_treat(table[3], method="miettinen-nurminen"))


def test_faults_are_named():
    table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    with pytest.raises(ValueError, match="`outcome` must be one of 'adverse', 'favourable', but got 'good'"):
        number_needed_to_treat(table, outcome="good")
    with pytest.raises(ValueError, match="`method` must be one of 'wald'.*, but got 'walt'"):
        number_needed_to_treat(table, method="walt")
