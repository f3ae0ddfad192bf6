import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.measures.interaction import additive_interaction, additive_interaction_from_estimates
from analysis.values.factorial import TwoByFour
from reference_values import identifier, numbers, records

PARTS = {"reri": "reri", "attributable_proportion": "apab", "synergy_index": "s"}
METHODS = ("delta", "mover", "bootstrap")
# Rothman and Keller's oral cancer, as Hosmer and Lemeshow 1992 and Zou 2008 use it.
ORAL_CANCER = TwoByFour(
    both_cases=225,
    both_total=391,
    first_cases=8,
    first_total=26,
    second_cases=6,
    second_total=18,
    neither_cases=3,
    neither_total=23,
)


def _table(record):
    # The calls have A = 0, 0, 1, 1 and B = 0, 1, 0, 1: A is the first exposure here.
    cases, controls = (np.array(record["inputs"][name], dtype=float) for name in ("case", "ctrl"))
    totals = cases + controls
    return TwoByFour(
        neither_cases=cases[0],
        neither_total=totals[0],
        second_cases=cases[1],
        second_total=totals[1],
        first_cases=cases[2],
        first_total=totals[2],
        both_cases=cases[3],
        both_total=totals[3],
    )


def _compare(result, expected, *, rel):
    for ours, theirs in PARTS.items():
        estimate = getattr(result, ours)
        got = [float(x) for x in (estimate.value, estimate.low, estimate.high)]
        assert got == pytest.approx([float(expected[theirs][k]) for k in ("est", "lower", "upper")], rel=rel)


RECORDS = records("E_epiR_misc", "epi.interaction")


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_delta_equals_epir(record):
    measure = "OR" if "/logit/" in record["id"] else "RR"
    # glm's weighted fit reaches the table's own closed form to about 1e-8.
    _compare(
        additive_interaction(_table(record), measure=measure), record["outputs"]["interaction"], rel=1e-6
    )


@pytest.mark.parametrize("record", RECORDS, ids=identifier)
def test_delta_from_regression_output_equals_epir(record):
    rows = np.array([numbers(row) for row in record["outputs"]["vcov"]["rows"]])
    result = additive_interaction_from_estimates(
        numbers(record["outputs"]["coef"])[1:],
        rows[1:, 1:],
        coding="product" if record["id"].endswith("product") else "groups",
    )
    _compare(result, record["outputs"]["interaction"], rel=1e-11)


def test_published_intervals_of_oral_cancer():
    # Hosmer and Lemeshow 1992, RERI 3.74 (-1.84 to 9.32); Zou 2008, recovered variances, -11.43 to 21.87.
    delta = additive_interaction(ORAL_CANCER, measure="OR")
    assert [float(x) for x in (delta.reri.value, delta.reri.low, delta.reri.high)] == pytest.approx(
        [3.74, -1.84, 9.32], abs=0.005
    )
    mover = additive_interaction(ORAL_CANCER, measure="OR", method="mover")
    assert [float(x) for x in (mover.reri.low, mover.reri.high)] == pytest.approx([-11.43, 21.87], abs=0.005)
    assert float(mover.attributable_proportion.low) == pytest.approx(-0.38, abs=0.005)
    # The excess of either exposure alone may be 0, so nothing bounds the index from above.
    assert np.isinf(mover.synergy_index.high)


@pytest.mark.parametrize("method", ["delta", "mover"])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("measure", ["RR", "OR"])
def test_the_pvalue_is_the_level_whose_interval_ends_at_no_interaction(method, part, measure):
    table = _table(RECORDS[0])
    estimate = getattr(additive_interaction(table, measure=measure, method=method), part)
    level = 1 - float(estimate.pvalue)
    ends = getattr(additive_interaction(table, measure=measure, method=method, confidence_level=level), part)
    null = 1.0 if part == "synergy_index" else 0.0
    assert min(abs(float(ends.low) - null), abs(float(ends.high) - null)) < 1e-8


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("measure", ["RR", "OR"])
def test_recovered_limits_are_the_delta_methods_in_large_groups(part, measure):
    record = RECORDS[0]
    many = {"inputs": {name: np.array(record["inputs"][name]) * 1e8 for name in ("case", "ctrl")}}
    delta, mover = (
        getattr(additive_interaction(_table(many), measure=measure, method=method), part)
        for method in ("delta", "mover")
    )
    half = float(delta.high - delta.low) / 2
    assert float(mover.low) == pytest.approx(float(delta.low), abs=0.002 * half)
    assert float(mover.high) == pytest.approx(float(delta.high), abs=0.002 * half)


def test_bootstrap_pvalue_is_of_the_draws_that_are_defined():
    options = {"measure": "OR", "method": "bootstrap", "draws": 20_000, "rng": 5}
    result = additive_interaction(ORAL_CANCER, **options)
    assert result.undefined_draws > 0.03
    level = 1 - float(result.reri.pvalue)
    assert abs(float(additive_interaction(ORAL_CANCER, confidence_level=level, **options).reri.low)) < 0.01


def test_bootstrap_percentiles_and_pvalue_are_of_the_same_draws():
    table = _table(RECORDS[0])
    result = additive_interaction(table, method="bootstrap", draws=20_000, rng=5)
    for part in PARTS:
        estimate, wald = getattr(result, part), getattr(additive_interaction(table), part)
        assert estimate.low < estimate.value < estimate.high
        assert float(estimate.value) == float(wald.value)
        level = 1 - float(estimate.pvalue)
        ends = getattr(
            additive_interaction(table, method="bootstrap", draws=20_000, rng=5, confidence_level=level), part
        )
        null = 1.0 if part == "synergy_index" else 0.0
        assert min(abs(float(ends.low) - null), abs(float(ends.high) - null)) < 0.05
    # The groups are large: the methods come near one another.
    assert float(result.reri.low) == pytest.approx(float(additive_interaction(table).reri.low), abs=0.25)


def test_bootstrap_is_reproducible_and_leaves_the_global_state_alone():
    first, second = (
        additive_interaction(ORAL_CANCER, method="bootstrap", draws=500, rng=3) for _ in range(2)
    )
    assert first.reri.low == second.reri.low
    other = additive_interaction(ORAL_CANCER, method="bootstrap", draws=500, rng=np.random.default_rng(4))
    assert other.reri.low != first.reri.low
    # Three cases in the reference group are none in about one draw of twenty.
    assert 0.01 < float(first.undefined_draws) < 0.5
    assert additive_interaction(ORAL_CANCER).undefined_draws is None


def test_no_interaction_is_none():
    # Risks 0.1, 0.2, 0.3 and 0.4: additive.
    table = TwoByFour(
        neither_cases=10,
        neither_total=100,
        first_cases=20,
        first_total=100,
        second_cases=30,
        second_total=100,
        both_cases=40,
        both_total=100,
    )
    for method in METHODS:
        result = additive_interaction(table, method=method, rng=1, draws=2000)
        assert float(result.reri.value) == pytest.approx(0, abs=1e-12)
        assert float(result.attributable_proportion.value) == pytest.approx(0, abs=1e-12)
        assert float(result.synergy_index.value) == pytest.approx(1)
        assert float(result.reri.pvalue) > 0.9


cells = st.tuples(*[st.tuples(st.integers(1, 60), st.integers(1, 60))] * 4)


def _from_cells(groups):
    names = ("both", "first", "second", "neither")
    counts = {}
    for name, (cases, noncases) in zip(names, groups, strict=True):
        counts |= {f"{name}_cases": cases, f"{name}_total": cases + noncases}
    return TwoByFour(**counts)


@given(groups=cells, measure=st.sampled_from(["RR", "OR"]), method=st.sampled_from(["delta", "mover"]))
def test_swapping_the_exposures_changes_nothing_and_the_interval_holds_the_estimate(groups, measure, method):
    both, first, second, neither = groups
    one, swapped = (
        additive_interaction(_from_cells(g), measure=measure, method=method)
        for g in ((both, first, second, neither), (both, second, first, neither))
    )
    wide = additive_interaction(_from_cells(groups), measure=measure, method=method, confidence_level=0.99)
    for part in PARTS:
        estimate, other, wider = (getattr(result, part) for result in (one, swapped, wide))
        np.testing.assert_allclose(
            [estimate.value, estimate.low, estimate.high, estimate.pvalue],
            [other.value, other.low, other.high, other.pvalue],
            rtol=1e-7,
            atol=1e-9,
        )
        if np.isfinite(estimate.value):
            assert estimate.low <= estimate.value <= estimate.high
            assert 0 <= estimate.pvalue <= 1
            if method == "delta":  # the correlations may turn a recovered limit back
                assert wider.low <= estimate.low
                assert wider.high >= estimate.high


def test_a_batch_equals_a_loop():
    counts = np.random.default_rng(2).integers(0, 30, (8, 3, 4))
    counts[:, 0, 0] = 0
    names = ("both", "first", "second", "neither")
    table = TwoByFour(
        **{f"{name}_cases": counts[i] for i, name in enumerate(names)},
        **{f"{name}_total": counts[i] + counts[4 + i] for i, name in enumerate(names)},
    )
    for method in ("delta", "mover"):
        batch = additive_interaction(table, method=method)
        assert batch.shape == (3, 4)
        for index in np.ndindex(3, 4):
            one = additive_interaction(table[index], method=method)
            for part in PARTS:
                single, many = getattr(one, part), getattr(batch, part)[index]
                np.testing.assert_allclose(
                    [single.value, single.low, single.high, single.pvalue],
                    [many.value, many.low, many.high, many.pvalue],
                    rtol=1e-10,
                )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", ["RR", "OR"])
@pytest.mark.parametrize("empty", ["both", "first", "second", "neither"])
def test_empty_cells_leave_the_interval_open_unless_corrected(method, measure, empty):
    counts = {"both": (9, 20), "first": (6, 20), "second": (5, 20), "neither": (4, 20)} | {empty: (0, 20)}
    table = TwoByFour(
        **{f"{name}_cases": cases for name, (cases, _) in counts.items()},
        **{f"{name}_total": total for name, (_, total) in counts.items()},
    )
    plain = additive_interaction(table, measure=measure, method=method, rng=1, draws=300)
    if method != "bootstrap" or empty == "neither":
        assert (plain.reri.low, plain.reri.high) == (-np.inf, np.inf)
        assert np.isnan(plain.reri.pvalue)
    assert np.isnan(plain.reri.value) == (empty == "neither")
    corrected = additive_interaction(table, measure=measure, method=method, rng=1, draws=300, correction=0.5)
    assert np.isfinite([corrected.reri.value, corrected.reri.low, corrected.reri.high]).all()
    assert corrected.reri.correction == 0.5


def test_preventive_exposures_have_no_synergy_index():
    table = _from_cells(((5, 95), (10, 90), (10, 90), (20, 80)))
    result = additive_interaction(table)
    assert np.isnan([result.synergy_index.value, result.synergy_index.pvalue]).all()
    assert (result.synergy_index.low, result.synergy_index.high) == (0, np.inf)


def test_results_print_and_frame():
    result = additive_interaction(ORAL_CANCER, measure="OR")
    assert result.to_frame()["measure"].tolist() == ["RERI", "AP", "SI"]
    assert "3.74 (−1.84 to 9.32)" in str(result)
    assert "<table" in result._repr_html_()
    assert repr(ORAL_CANCER) == "TwoByFour(both 225/391, first 8/26, second 6/18, neither 3/23)"
    with pytest.raises(AttributeError):
        result.reri = None


def test_faults_are_named():
    with pytest.raises(ValueError, match="`measure` must be one of 'RR', 'OR', but got 'HR'"):
        additive_interaction(ORAL_CANCER, measure="HR")
    with pytest.raises(ValueError, match="`method` must be one of .*, but got 'movar'. Did you mean 'mover'"):
        additive_interaction(ORAL_CANCER, method="movar")
    with pytest.raises(ValueError, match="`draws` must be at least 100, but got 5"):
        additive_interaction(ORAL_CANCER, method="bootstrap", draws=5)
    with pytest.raises(TypeError, match="`draws` must be a whole number, but got 1000.0"):
        additive_interaction(ORAL_CANCER, method="bootstrap", draws=1000.0)
    with pytest.raises(ValueError, match="`correction` must be at least 0"):
        additive_interaction(ORAL_CANCER, correction=-1)
    with pytest.raises(ValueError, match="`both_cases` must not exceed `both_total`, but got 9 of 5"):
        _from_cells(((9, -4), (1, 1), (1, 1), (1, 1)))
    matrix = np.eye(3)
    with pytest.raises(ValueError, match=r"`coefficients` must have three on the last axis.*\(2,\)"):
        additive_interaction_from_estimates([0.1, 0.2], matrix)
    with pytest.raises(ValueError, match=r"`covariance` must be 3 by 3 on the last axes.*\(2, 2\)"):
        additive_interaction_from_estimates([0.1, 0.2, 0.3], np.eye(2))
    with pytest.raises(ValueError, match="must be finite"):
        additive_interaction_from_estimates([0.1, np.nan, 0.3], matrix)
    with pytest.raises(ValueError, match="`covariance` must be symmetric with positive variances"):
        additive_interaction_from_estimates([0.1, 0.2, 0.3], np.triu(np.ones((3, 3))))
    with pytest.raises(ValueError, match="`coding` must be one of 'groups', 'product'"):
        additive_interaction_from_estimates([0.1, 0.2, 0.3], matrix, coding="dummy")
    with pytest.raises(ValueError, match="`method` must be one of 'delta', 'mover'"):
        additive_interaction_from_estimates([0.1, 0.2, 0.3], matrix, method="bootstrap")
