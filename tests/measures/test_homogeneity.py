import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable

from analysis import TwoByTwo
from analysis.measures.homogeneity import homogeneity_test
from reference_values import dataset, identifier, load, number, records


def _strata(columns):
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _metafor(measures, kinds):
    return records(
        "C_mh_peto",
        "rma.mh",
        keep=lambda record: (
            record["id"].split("/")[2] in measures
            and record["id"].split("/")[3] in kinds
            and record["outputs"]["k.yi"] > 1
        ),
    )


@pytest.mark.parametrize("record", _metafor({"OR"}, {"default"}), ids=identifier)
@pytest.mark.parametrize(("method", "code"), [("breslow-day", "BD"), ("tarone", "TA")])
def test_breslow_day_and_tarone_equal_metafor(record, method, code):
    test = homogeneity_test(_strata(dataset("C_mh_peto", record)), method=method)
    assert float(test.statistic) == pytest.approx(number(record["outputs"][code]), rel=1e-12)
    assert float(test.pvalue) == pytest.approx(number(record["outputs"][f"{code}p"]), rel=1e-10)
    assert test.df == record["outputs"]["k.pos"] - 1


# metafor centres its Q on the Mantel-Haenszel estimate; by default it adds 1/2 to strata with an empty cell.
@pytest.mark.parametrize("record", _metafor({"OR", "RR", "RD"}, {"default", "none"}), ids=identifier)
def test_q_equals_metafor(record):
    _, _, measure, kind = record["id"].split("/")
    test = homogeneity_test(
        _strata(dataset("C_mh_peto", record)),
        method="q",
        measure=measure,
        correction=0.5 if kind == "default" else None,
    )
    assert float(test.statistic) == pytest.approx(number(record["outputs"]["QE"]), rel=1e-12)
    assert float(test.pvalue) == pytest.approx(number(record["outputs"]["QEp"]), rel=1e-10)


# The flag `suspect` of these records concerns epiR's score and Cornfield limits, not its tests. epiR counts
# strata without cases as degrees of freedom; they are left out here, so only data sets without them compare.
def _all_informative(record):
    table = _strata(dataset("E_epi2by2", record))
    cases, noncases = (
        table.exposed_cases + table.control_cases,
        table.exposed_noncases + table.control_noncases,
    )
    return bool((cases > 0).all() and (noncases > 0).all())


WOOLF = [
    record
    for record in load("E_epi2by2")["records"]
    if record["id"].startswith("epi.2by2.strata")
    and record["id"].endswith("cohort.count")
    and _all_informative(record)
]


@pytest.mark.parametrize("record", WOOLF, ids=identifier)
@pytest.mark.parametrize(("measure", "code"), [("OR", "wOR.homog"), ("RR", "wRR.homog")])
def test_woolf_equals_epir_which_always_adds_one_half(record, measure, code):
    expected = record["outputs"]["detail"][code]
    test = homogeneity_test(
        _strata(dataset("E_epi2by2", record)),
        method="woolf",
        measure=measure,
        correction=0.5 if measure == "OR" else None,
        correct="all",
    )
    assert float(test.statistic) == pytest.approx(expected["test.statistic"], rel=1e-11)
    assert test.df == expected["df"]
    # epiR subtracts from 1, which leaves 0 of a small tail.
    assert float(test.pvalue) == pytest.approx(expected["p.value"], rel=1e-9, abs=1e-15)


def test_statsmodels_agrees():
    cells = np.array([[[10, 20], [5, 30]], [[7, 3], [8, 12]], [[1, 9], [4, 16]]])
    table = TwoByTwo.from_cells(
        exposed_cases=cells[:, 0, 0],
        exposed_noncases=cells[:, 0, 1],
        control_cases=cells[:, 1, 0],
        control_noncases=cells[:, 1, 1],
    )
    theirs = StratifiedTable(np.moveaxis(cells, 0, -1))
    for method, adjusted in (("breslow-day", False), ("tarone", True)):
        expected = theirs.test_equal_odds(adjust=adjusted)
        ours = homogeneity_test(table, method=method)
        assert float(ours.statistic) == pytest.approx(float(expected.statistic), rel=1e-12)
        assert float(ours.pvalue) == pytest.approx(float(expected.pvalue), rel=1e-12)


@given(
    cells=st.lists(st.tuples(*[st.integers(0, 60)] * 4), min_size=2, max_size=6),
    method=st.sampled_from(["breslow-day", "tarone", "woolf", "q"]),
)
def test_swapping_groups_and_permuting_strata_change_nothing(cells, method):
    a, b, c, d = np.array(cells, dtype=float).T
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    swapped = TwoByTwo.from_cells(exposed_cases=c, exposed_noncases=d, control_cases=a, control_noncases=b)
    one = homogeneity_test(table, method=method)
    for other in (homogeneity_test(swapped, method=method), homogeneity_test(table[::-1], method=method)):
        # With an odds ratio of 0 or infinity nothing is fitted, whichever way round.
        np.testing.assert_allclose(other.statistic, one.statistic, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(other.df, one.df)


@pytest.mark.parametrize("method", ["breslow-day", "tarone", "woolf", "q"])
def test_equal_strata_are_homogeneous_and_a_batch_equals_a_loop(method):
    same = TwoByTwo(
        exposed_cases=[10] * 3, exposed_total=[40] * 3, control_cases=[5] * 3, control_total=[50] * 3
    )
    test = homogeneity_test(same, method=method)
    assert test.statistic == pytest.approx(0, abs=1e-12)
    assert (test.df, test.pvalue) == (2, pytest.approx(1))
    cells = np.random.default_rng(7).integers(0, 25, (4, 5, 4))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    batch = homogeneity_test(table, method=method)
    for row in range(5):
        one = homogeneity_test(table[row], method=method)
        np.testing.assert_allclose(
            [one.statistic, one.df, one.pvalue],
            [batch.statistic[row], batch.df[row], batch.pvalue[row]],
            rtol=1e-12,
        )
    np.testing.assert_array_equal(batch[2].pvalue, batch.pvalue[2])


@pytest.mark.parametrize("method", ["breslow-day", "tarone", "woolf", "q"])
@pytest.mark.parametrize("added", [(0, 0, 0, 0), (0, 20, 0, 30), (15, 0, 12, 0), (3, 4, 0, 0)])
def test_strata_without_information_are_not_counted(method, added):
    cells = np.array([[8, 12, 5, 20], [9, 30, 7, 40], list(added)])
    a, b, c, d = cells.T
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    with_it, without = homogeneity_test(table, method=method), homogeneity_test(table[:2], method=method)
    assert with_it.df == without.df == 1
    # The Mantel-Haenszel estimate itself does not change either.
    assert float(with_it.statistic) == pytest.approx(float(without.statistic), rel=1e-12)


@pytest.mark.parametrize("method", ["breslow-day", "tarone", "woolf", "q"])
def test_one_stratum_has_nothing_to_compare(method):
    table = TwoByTwo(exposed_cases=3, exposed_total=10, control_cases=4, control_total=12)
    test = homogeneity_test(table, method=method)
    assert test.df == 0
    assert np.isnan(test.pvalue)
    assert str(test) == "not estimable"


def test_no_fit_where_no_exposed_person_is_a_case():
    table = TwoByTwo(exposed_cases=[0, 0], exposed_total=[9, 8], control_cases=[2, 1], control_total=[9, 9])
    assert np.isnan(homogeneity_test(table).pvalue)


def test_faults_are_named():
    table = TwoByTwo(exposed_cases=[1, 2], exposed_total=[5, 5], control_cases=[1, 2], control_total=[5, 5])
    with pytest.raises(ValueError, match="`method` must be one of .*'tarone'.* Did you mean 'tarone'"):
        homogeneity_test(table, method="taron")
    with pytest.raises(ValueError, match="`measure` must be \"OR\" for the tarone test, but got 'RR'"):
        homogeneity_test(table, measure="RR")
    with pytest.raises(ValueError, match="`correction` must be None for the tarone test"):
        homogeneity_test(table, correction=0.5)
    with pytest.raises(ValueError, match="`correct` must be one of"):
        homogeneity_test(table, method="woolf", correction=0.5, correct="some")


def test_the_fitted_cell_keeps_its_digits_where_the_odds_ratio_is_tiny():
    # In the exposed the root would subtract two numbers that agree to seven digits; in cases and non-cases
    # exchanged it does not.
    table = TwoByTwo(
        exposed_cases=[9e8, 8e8],
        exposed_total=[1e9, 1e9],
        control_cases=[1e8 - 1, 1e8 - 3],
        control_total=[1e8, 1e8],
    )
    exchanged = TwoByTwo(
        exposed_cases=table.exposed_noncases,
        exposed_total=table.exposed_total,
        control_cases=table.control_noncases,
        control_total=table.control_total,
    )
    one, other = (
        homogeneity_test(table, method="breslow-day"),
        homogeneity_test(exchanged, method="breslow-day"),
    )
    assert float(one.statistic) == pytest.approx(float(other.statistic), rel=1e-6)
