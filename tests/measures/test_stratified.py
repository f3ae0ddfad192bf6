import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import TwoByTwo, mantel_haenszel, odds_ratio, risk_difference, risk_ratio
from reference_values import dataset, identifier, number, records

SINGLE = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}


def _strata(columns):
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


# `default` pools raw counts; "none" is the same without metafor's per-study corrections.
@pytest.mark.parametrize(
    "record",
    records(
        "C_mh_peto",
        "rma.mh",
        keep=lambda record: (
            record["id"].split("/")[2] in SINGLE and record["id"].split("/")[3] in {"default", "level90"}
        ),
    ),
    ids=identifier,
)
def test_pooled_estimate_equals_r(record):
    expected, measure = record["outputs"], record["id"].split("/")[2]
    level = 0.9 if record["id"].endswith("level90") else 0.95
    estimate = mantel_haenszel(_strata(dataset("C_mh_peto", record)), measure=measure, confidence_level=level)
    transform = np.log if measure != "RD" else np.asarray
    for ours, theirs in (("value", "beta"), ("low", "ci.lb"), ("high", "ci.ub")):
        assert float(transform(getattr(estimate, ours))) == pytest.approx(
            number(expected[theirs][0]), rel=1e-10
        )
    assert float(estimate.std_error) == pytest.approx(number(expected["se"][0]), rel=1e-10)
    assert float(estimate.pvalue) == pytest.approx(number(expected["pval"][0]), rel=1e-8)


def test_sparse_set_of_the_methods():
    # 0/20 v 5/20, 3/50 v 6/48, 0/30 v 0/31, 7/80 v 12/79: MH odds ratio 0.3890 (0.1788, 0.8463).
    table = TwoByTwo(
        exposed_cases=[0, 3, 0, 7],
        exposed_total=[20, 50, 30, 80],
        control_cases=[5, 6, 0, 12],
        control_total=[20, 48, 31, 79],
    )
    estimate = mantel_haenszel(table)
    assert [float(x) for x in (estimate.value, estimate.low, estimate.high)] == pytest.approx(
        [0.3890, 0.1788, 0.8463], abs=5e-5
    )


@pytest.mark.parametrize("measure", sorted(SINGLE))
@given(cells=st.tuples(*[st.integers(1, 500)] * 4))
def test_one_stratum_is_the_crude_estimate(measure, cells):
    a, b, c, d = cells
    table = TwoByTwo.from_cells(
        exposed_cases=[a], exposed_noncases=[b], control_cases=[c], control_noncases=[d]
    )
    pooled, crude = mantel_haenszel(table, measure=measure), SINGLE[measure](table[0])
    assert float(pooled.value) == pytest.approx(float(crude.value), rel=1e-12, abs=1e-15)
    if measure == "OR":  # Robins, Breslow and Greenland's variance of one stratum is Woolf's
        assert float(pooled.std_error) == pytest.approx(float(crude.std_error), rel=1e-10)
    assert mantel_haenszel(table[0], measure=measure).value == pooled.value


@pytest.mark.parametrize("measure", sorted(SINGLE))
def test_permuting_splitting_into_batches_and_empty_strata_change_nothing(measure):
    cells = np.random.default_rng(3).integers(0, 30, (4, 6, 8))
    table = TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )
    batch = mantel_haenszel(table, measure=measure)
    permuted = mantel_haenszel(table[:, ::-1], measure=measure)
    np.testing.assert_allclose(permuted.value, batch.value, rtol=1e-13)
    for row in range(6):
        one = mantel_haenszel(table[row], measure=measure)
        np.testing.assert_allclose([one.value, one.low], [batch.value[row], batch.low[row]], rtol=1e-13)
    padded = TwoByTwo._trusted(**{k: np.pad(v, ((0, 0), (0, 1))) for k, v in table._arrays().items()})
    np.testing.assert_allclose(
        mantel_haenszel(padded, measure=measure).std_error, batch.std_error, rtol=1e-13
    )


def test_confounding_is_seen():
    # Within each stratum the risks are equal; crude, the exposed look worse.
    table = TwoByTwo(
        exposed_cases=[9, 80], exposed_total=[90, 100], control_cases=[100, 8], control_total=[1000, 10]
    )
    assert mantel_haenszel(table, measure="RR").value == pytest.approx(1)
    assert risk_ratio(table.collapse()).value > 4


def test_unknown_measures_are_refused():
    with pytest.raises(ValueError, match="`measure` must be one of 'OR', 'RR', 'RD', but got 'HR'"):
        mantel_haenszel(
            TwoByTwo(exposed_cases=1, exposed_total=2, control_cases=1, control_total=2), measure="HR"
        )
