import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Proportion
from analysis.measures.diagnostic import (
    diagnostic_odds_ratio,
    likelihood_ratios,
    sensitivity,
    specificity,
    youden_index,
)
from reference_values import EPIR_INTERVALS, epir_statistics, identifier, positives_of, records


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.tests/"), ids=identifier)
def test_proportions_equalepir_statistics(record):
    method = EPIR_INTERVALS[record["id"].split("/")[1]]
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    positives = positives_of(a, b, c, d)
    ours = {
        "se": sensitivity(positives_among_diseased=positives["positives_among_diseased"], method=method),
        "sp": specificity(positives_among_healthy=positives["positives_among_healthy"], method=method),
    }
    counts = {"se": (a, a + c), "sp": (d, b + d)}
    for name, estimate in ours.items():
        value, low, high = epir_statistics(record)[name]
        events, total = counts[name]
        if total == 0:
            assert np.isnan(estimate.value), name
            assert (estimate.low, estimate.high) == (0, 1), name
            continue
        if method != "agresti-coull":  # the package prints the shifted centre as the estimate
            assert estimate.value == pytest.approx(value, rel=1e-12, abs=1e-15), name
        if method == "jeffreys":  # the package leaves out Brown, Cai and DasGupta's fixed ends
            low, high = low if events > 0 else 0, high if events < total else 1
        # The package does not cut Agresti and Coull's limits to [0, 1].
        assert estimate.low == pytest.approx(max(low, 0), rel=1e-8, abs=1e-12), name
        assert estimate.high == pytest.approx(min(high, 1), rel=1e-8, abs=1e-12), name


@pytest.mark.parametrize("record", records("E_epiR_misc", "epi.tests/wilson"), ids=identifier)
def test_ratios_equalepir_statistics(record):
    positives = positives_of(*(record["inputs"][name] for name in "abcd"))
    ratios = likelihood_ratios(**positives)
    ours = {
        "lr.pos": ratios.positive,
        "lr.neg": ratios.negative,
        "diag.or": diagnostic_odds_ratio(**positives),
        "youden": youden_index(**positives),
    }
    for name, estimate in ours.items():
        value, low, high = epir_statistics(record)[name]
        assert estimate.value == pytest.approx(value, rel=1e-10, abs=1e-14, nan_ok=True), name
        if name == "youden":
            continue  # the package adds the limits of sensitivity and specificity: no 95 % interval
        if np.isfinite(value) and value > 0:
            assert estimate.low == pytest.approx(low, rel=1e-10), name
            assert estimate.high == pytest.approx(high, rel=1e-10), name
        else:  # where the package has NaN limits, the data bound nothing
            assert (estimate.low, estimate.high) == (0, np.inf), name


COUNTS = st.tuples(*[st.integers(1, 400)] * 4)


@given(counts=COUNTS)
def test_measures_agree_with_one_another(counts):
    positives = positives_of(*counts)
    ratios, odds = likelihood_ratios(**positives), diagnostic_odds_ratio(**positives)
    se = sensitivity(positives_among_diseased=positives["positives_among_diseased"])
    sp = specificity(positives_among_healthy=positives["positives_among_healthy"])
    index = youden_index(**positives)
    assert ratios.positive.value / ratios.negative.value == pytest.approx(float(odds.value))
    assert ratios.positive.value == pytest.approx(se.value / (1 - sp.value))
    assert index.value == pytest.approx(se.value + sp.value - 1, abs=1e-12)
    for estimate in (ratios.positive, ratios.negative, odds, index, se, sp):
        assert estimate.low <= estimate.value <= estimate.high


@given(counts=COUNTS)
def test_a_relabelled_test_inverts_the_ratios(counts):
    a, b, c, d = counts
    ratios, mirror = (
        likelihood_ratios(**positives_of(a, b, c, d)),
        likelihood_ratios(**positives_of(c, d, a, b)),
    )
    assert mirror.positive.value == pytest.approx(float(ratios.negative.value))
    assert mirror.positive.high == pytest.approx(float(ratios.negative.high))


@pytest.mark.parametrize(
    ("counts", "positive", "negative"),
    [
        ((0, 5, 10, 5), (0, 0, np.inf), (2, None, None)),
        ((10, 0, 3, 7), (np.inf, 0, np.inf), (3 / 13, None, None)),
        ((0, 0, 10, 7), (np.nan, 0, np.inf), (1, 1, 1)),
        ((0, 5, 0, 7), (np.nan, 0, np.inf), (np.nan, 0, np.inf)),
    ],
)
def test_empty_cells(counts, positive, negative):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ratios = likelihood_ratios(**positives_of(*counts))
    for estimate, expected in ((ratios.positive, positive), (ratios.negative, negative)):
        for name, wanted in zip(("value", "low", "high"), expected, strict=True):
            if wanted is not None:
                np.testing.assert_allclose(getattr(estimate, name), wanted)


def test_score_intervals_bound_a_test_without_falsepositives_of():
    counts = (10, 0, 3, 7)
    wide = likelihood_ratios(**positives_of(*counts))
    for method in ("koopman", "miettinen-nurminen"):
        ratios = likelihood_ratios(**positives_of(*counts), method=method)
        assert ratios.positive.value == np.inf
        assert ratios.positive.low > 1 > wide.positive.low == 0
        assert ratios.negative.high < 1
        assert (ratios.positive.measure, ratios.negative.measure) == ("LRP", "LRN")
    corrected = likelihood_ratios(**positives_of(*counts), correction=0.5)
    assert corrected.positive.value == pytest.approx((10.5 / 14) / (0.5 / 8))
    index = youden_index(**positives_of(9, 0, 0, 7), method="newcombe")
    assert 0 < index.low < index.value == 1 == index.high


def test_a_batch_equals_a_loop_and_huge_counts():
    a, b = np.array([[3, 10**9], [0, 7]]), np.array([[1, 5 * 10**8], [2, 7]])
    batch = likelihood_ratios(**positives_of(a, b, b, a))
    for index in np.ndindex(2, 2):
        one = likelihood_ratios(**positives_of(a[index], b[index], b[index], a[index]))
        np.testing.assert_array_equal(batch.positive.low[index], one.positive.low)
    assert batch.positive.high[0, 1] / batch.positive.low[0, 1] == pytest.approx(1, abs=1e-3)


def test_wrong_input_is_named():
    with pytest.raises(TypeError, match="`positives_among_diseased` must be a Proportion, but got float"):
        sensitivity(positives_among_diseased=0.9)
    with pytest.raises(TypeError, match="`positives_among_healthy` must be a Proportion, but got list"):
        likelihood_ratios(
            positives_among_diseased=Proportion(events=1, total=2), positives_among_healthy=[1, 2]
        )
    positives = positives_of(1, 2, 3, 4)
    with pytest.raises(ValueError, match="`method` must be one of"):
        likelihood_ratios(**positives, method="simel")
    with pytest.raises(ValueError, match="For 95 % write 0.95"):
        youden_index(**positives, confidence_level=95)
