"""docs/zero_cells.md as one test: what each table with empty cells gives, for every method and measure."""

import warnings

import numpy as np
import pytest

from analysis import (
    Proportion,
    Rate,
    TwoByTwo,
    TwoRates,
    incidence_rate,
    mantel_haenszel,
    odds_ratio,
    prevalence,
    rate_ratio,
    risk_difference,
    risk_ratio,
)
from analysis.measures.methods.one_proportion import PROPORTION
from analysis.measures.methods.poisson import POISSON_METHODS
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO

INF, NAN = np.inf, np.nan
# Normal intervals of a logarithm, which an empty cell makes infinite.
UNBOUNDED = {"log", "woolf"}
# These add to the cells, and so to the value.
SHIFTED = {
    (risk_ratio, "adjusted-log"),
    (risk_ratio, "price-bonett"),
    (odds_ratio, "gart"),
    (odds_ratio, "adjusted-inverse-sinh"),
    (odds_ratio, "independence-smoothed"),
}
# The limit of the formula where one cell is empty, and no more than the ends where two on a diagonal are.
ONE_EMPTY = {"inverse-sinh", "mover-wilson"}

#        cells a, b, c, d   risk ratio  odds ratio  difference
TABLES = {
    "no exposed cases": ((0, 20, 5, 15), 0.0, 0.0, -0.25),
    "no control cases": ((5, 15, 0, 20), INF, INF, 0.25),
    "no cases": ((0, 20, 0, 30), NAN, NAN, 0.0),
    "only cases": ((20, 0, 30, 0), 1.0, NAN, 0.0),
    "only exposed cases": ((20, 0, 5, 15), 4.0, INF, 0.75),
    "all against none": ((20, 0, 0, 30), INF, INF, 1.0),
    "empty exposed arm": ((0, 0, 5, 15), NAN, NAN, NAN),
    "empty control arm": ((5, 15, 0, 0), NAN, NAN, NAN),
    "no cases and an empty arm": ((0, 0, 0, 4), NAN, NAN, NAN),
    "nothing": ((0, 0, 0, 0), NAN, NAN, NAN),
}
RATIOS = [(risk_ratio, m, 0) for m in RISK_RATIO] + [(odds_ratio, m, 1) for m in ODDS_RATIO]


@pytest.mark.parametrize("table", TABLES, ids=lambda name: name)
@pytest.mark.parametrize(
    ("measure", "method", "which"), RATIOS, ids=lambda item: getattr(item, "__name__", str(item))
)
def test_ratios(measure, method, which, table):
    (a, b, c, d), *values = TABLES[table]
    value = values[which]
    counts = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = measure(counts, method=method)
    low, high, pvalue = float(estimate.low), float(estimate.high), float(estimate.pvalue)
    assert not np.isnan([low, high]).any()
    assert 0 <= low <= high
    if (measure, method) in SHIFTED:
        return
    np.testing.assert_array_equal(float(estimate.value), value)
    exact = method in ODDS_RATIO and ("exact" in method or "mid-p" in method or "baptista" in method)
    if np.isnan(value):
        assert (low, high) == (0, INF)
        assert pvalue == 1 if exact else np.isnan(pvalue)
    elif value in {0, INF}:
        assert (low == 0) if value == 0 else (high == INF)
        finite = high if value == 0 else low
        if method in UNBOUNDED or (
            method in ONE_EMPTY and table == "all against none" and measure is odds_ratio
        ):
            assert (low, high) == (0, INF)
            assert np.isnan(pvalue)
        else:
            assert 0 < finite < INF
            assert 0 <= pvalue <= 1


@pytest.mark.parametrize("table", TABLES, ids=lambda name: name)
@pytest.mark.parametrize("method", RISK_DIFFERENCE)
def test_differences(method, table):
    (a, b, c, d), *_, value = TABLES[table]
    counts = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = risk_difference(counts, method=method)
    np.testing.assert_array_equal(float(estimate.value), value)
    if np.isnan(value):
        assert (estimate.low, estimate.high) == (-1, 1)
        assert np.isnan(estimate.pvalue)
    elif table in {"no cases", "only cases"}:
        assert (estimate.low == 0 == estimate.high) == (method == "wald")
        assert estimate.low <= 0 <= estimate.high
    else:
        assert -1 <= estimate.low <= estimate.high <= 1


@pytest.mark.parametrize("method", PROPORTION)
def test_proportions(method):
    estimate = prevalence(Proportion(events=[0, 9, 0], total=[9, 9, 0]), method=method)
    np.testing.assert_array_equal(estimate.value, [0, 1, NAN])
    assert estimate.low.tolist()[0] == estimate.low.tolist()[2] == 0
    assert estimate.high.tolist()[1:] == [1, 1]
    assert (estimate.high[0] == 0) == (method == "wald")  # Wald's interval is a point there
    assert not np.isnan([estimate.low, estimate.high]).any()


@pytest.mark.parametrize("method", POISSON_METHODS)
def test_rates(method):
    estimate = incidence_rate(Rate(events=0, person_time=10.5), method=method)
    assert (estimate.value, estimate.low) == (0, 0)
    assert estimate.high >= 0


@pytest.mark.parametrize("method", ["log", "exact", "mid-p", "score", "skewness-corrected"])
def test_rate_ratios(method):
    rates = TwoRates(exposed_events=[0, 4, 0], exposed_time=10, control_events=[4, 0, 0], control_time=20)
    estimate = rate_ratio(rates, method=method)
    np.testing.assert_array_equal(estimate.value, [0, INF, NAN])
    assert estimate.low.tolist()[0] == estimate.low.tolist()[2] == 0
    assert estimate.high.tolist()[1:] == [INF, INF]
    assert (estimate.high[0] == INF) == (method == "log")
    assert (estimate.low[1] == 0) == (method == "log")


@pytest.mark.parametrize(("measure", "value"), [("RR", NAN), ("OR", NAN), ("RD", 0.0)])
def test_strata_without_cases(measure, value):
    strata = TwoByTwo(exposed_cases=[0, 0], exposed_total=[5, 0], control_cases=[0, 0], control_total=[7, 3])
    estimate = mantel_haenszel(strata, measure=measure)
    np.testing.assert_array_equal(float(estimate.value), value)
