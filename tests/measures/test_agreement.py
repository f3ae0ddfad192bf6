import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.inter_rater import cohens_kappa

from analysis.measures.agreement import adjusted_kappa, kappa
from reference_values import identifier, number, records


def _table(record):
    given_ = record["inputs"]
    if "m" in given_:
        return np.array(given_["m"]["rows"])
    return np.array([[given_["a"], given_["b"]], [given_["c"], given_["d"]]])


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.kappa/"), ids=identifier)
def test_kappa_equals_epir(record):
    expected = record["outputs"]["kappa"]
    table = _table(record)
    estimate = kappa(table, method="cohen")
    assert estimate.value == pytest.approx(number(expected["est"]), rel=1e-10, abs=1e-14)
    if "/fleiss/" in record["id"]:
        return  # its interval has the standard error of kappa = 0; see the next test
    assert estimate.std_error == pytest.approx(number(expected["se"]), rel=1e-10, abs=1e-14)
    # The package lets the limits run beyond -1 and 1.
    assert estimate.low == pytest.approx(max(number(expected["lower"]), -1), rel=1e-9, abs=1e-14)
    assert estimate.high == pytest.approx(min(number(expected["upper"]), 1), rel=1e-9, abs=1e-14)
    if number(expected["se"]) > 0:
        pvalue = number(record["outputs"]["z"]["p.value"])
        assert estimate.pvalue == pytest.approx(pvalue, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.kappa/fleiss"), ids=identifier)
def test_epir_puts_the_standard_error_of_no_agreement_into_the_interval(record):
    table = _table(record)
    if table.sum() == np.trace(table) or min(table.sum(0).min(), table.sum(1).min()) == 0:
        return
    by_hand = cohens_kappa(table)
    assert number(record["outputs"]["kappa"]["se"]) == pytest.approx(by_hand.std_kappa0, rel=1e-6)
    # rare_events_large_arms: statsmodels subtracts numbers that agree to 10 digits.
    assert kappa(table).std_error == pytest.approx(by_hand.std_kappa, rel=1e-6)


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.kappa/cohen"), ids=identifier)
def test_adjusted_kappa_equals_epir(record):
    expected = record["outputs"]["pabak"]
    estimate = adjusted_kappa(_table(record), method="clopper-pearson")
    if _table(record).shape == (2, 2):
        assert estimate.value == pytest.approx(number(expected["est"]), rel=1e-10, abs=1e-14)
        assert estimate.low == pytest.approx(number(expected["lower"]), rel=1e-8, abs=1e-12)
        assert estimate.high == pytest.approx(number(expected["upper"]), rel=1e-8, abs=1e-12)
    else:
        # For three categories too the package takes 2 po - 1: chance agreement of a third is counted as half.
        agreement = record["outputs"]["prop.agree"]["obs"]
        assert number(expected["est"]) == pytest.approx(2 * agreement - 1)
        assert estimate.value == pytest.approx((3 * agreement - 1) / 2)


@given(table=arrays(np.int64, (4, 4), elements=st.integers(1, 60)))
@pytest.mark.parametrize(("ours", "theirs"), [("none", None), ("linear", "linear"), ("quadratic", "fc")])
def test_weighted_kappa_equals_statsmodels(ours, theirs, table):
    estimate = kappa(table, weights=ours)
    expected = cohens_kappa(table, wt=theirs)
    assert estimate.value == pytest.approx(expected.kappa, rel=1e-9, abs=1e-12)
    assert estimate.std_error == pytest.approx(expected.std_kappa, rel=1e-7, abs=1e-12)


@given(
    table=arrays(np.int64, (3, 3), elements=st.integers(0, 40)),
    weights=st.sampled_from(["none", "linear", "quadratic"]),
)
def test_raters_may_be_exchanged_and_counts_multiplied(table, weights):
    one, other, many = (kappa(t, weights=weights) for t in (table, table.T, 4 * table))
    for name in ("value", "low", "high", "std_error", "pvalue"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(many.value, one.value, atol=1e-12)
    np.testing.assert_allclose(many.std_error, one.std_error / 2, rtol=1e-9)
    wide = kappa(table, weights=weights, confidence_level=0.99)
    if not np.isnan(one.value):
        assert -1 <= wide.low <= one.low <= one.value <= one.high <= wide.high <= 1


def test_two_categories_need_no_weights():
    table = [[30, 7], [4, 11]]
    values = [float(kappa(table, weights=name).std_error) for name in ("none", "linear", "quadratic")]
    assert values == pytest.approx([values[0]] * 3, rel=1e-14)


def test_published_kappa():
    # Fleiss, Levin and Paik 2003, Statistical methods for rates and proportions: diagnoses of 100 patients.
    table = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    estimate = kappa(table)
    assert round(float(estimate.value), 3) == 0.676
    assert round(float(estimate.std_error), 3) == 0.088


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([[0, 0], [0, 0]], (np.nan, -1, 1, np.nan, np.nan)),
        ([[9, 0], [0, 0]], (np.nan, -1, 1, np.nan, np.nan)),
        ([[9, 0], [0, 5]], (1, 1, 1, 0, np.nan)),
        ([[0, 9], [5, 0]], None),
        ([[9, 5], [0, 0]], (0, 0, 0, 0, np.nan)),
    ],
)
def test_tables_with_empty_cells(table, expected):
    estimate = kappa(table)
    if expected is None:
        assert estimate.value < -0.8
        return
    found = [estimate.value, estimate.low, estimate.high, estimate.std_error, estimate.pvalue]
    np.testing.assert_allclose(np.array(found, dtype=float), expected, atol=1e-12)


def test_an_empty_table_bounds_the_adjusted_kappa_by_its_ends():
    estimate = adjusted_kappa(np.zeros((3, 3)))
    assert np.isnan(estimate.value)
    assert (estimate.low, estimate.high) == (-0.5, 1)


def test_a_batch_equals_a_loop_and_huge_counts_keep_their_digits():
    rng = np.random.default_rng(3)
    tables = rng.integers(0, 9, (5, 2, 3, 3))
    batch = kappa(tables, weights="linear")
    assert batch.shape == (5, 2)
    for index in np.ndindex(5, 2):
        np.testing.assert_allclose(batch.std_error[index], kappa(tables[index], weights="linear").std_error)
    # Two disagreements among 2 thousand million: 1 - kappa is 2/n over 1/2.
    near = kappa([[10**9 - 1, 1], [1, 10**9 - 1]])
    assert 1 - float(near.value) == pytest.approx(2e-9, rel=1e-6)
    assert float(near.std_error) == pytest.approx(2 * np.sqrt(1e-9 / 2e9), rel=1e-6)


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        ([[1, 2, 3], [4, 5, 6]], {}, ValueError, r"`table` must be square .* but has shape \(2, 3\)"),
        ([[5]], {}, ValueError, "at least two of them"),
        ([[1, 0.5], [2, 3]], {}, ValueError, "`table` must be a whole number of at least 0, but got 0.5"),
        ([["1", "2"], ["3", "4"]], {}, TypeError, "`table` must be numbers"),
        ([[1, 2], [3, 4]], {"weights": "square"}, ValueError, "`weights` must be one of 'none'"),
        ([[1, 2], [3, 4]], {"method": "fleiss"}, ValueError, "`method` must be one of 'large-sample'"),
        (np.eye(3), {"method": "cohen", "weights": "linear"}, ValueError, "is for unweighted kappa"),
        ([[1, 2], [3, 4]], {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
    ],
)
def test_wrong_input_is_named(table, options, error, message):
    with pytest.raises(error, match=message):
        kappa(table, **options)
