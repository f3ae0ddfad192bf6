import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import EffectSizes, TwoByTwo, TwoRates, mantel_haenszel, pool
from analysis.measures.common_odds_ratio import exact_test_pvalue
from analysis.meta.methods.sparse_result import PooledTables
from analysis.meta.sparse import pool_mantel_haenszel, pool_peto
from reference_values import assert_same

RATIOS = {"OR", "RR", "IRR", "PETO"}


def _pool(data, measure, **options):
    if measure == "PETO":
        # Peto's effects need no correction of their own: the studies' correction does not exist there.
        return pool_peto(data, **{k: v for k, v in options.items() if not k.startswith("study_")})
    return pool_mantel_haenszel(data, measure=measure, **options)


def _on_scale(values, measure):
    with np.errstate(divide="ignore"):
        return np.log(values) if measure in RATIOS else np.asarray(values)


def test_peto_is_inverse_variance_of_its_own_effects():
    table = _random_tables((40, 6))
    fit = pool_peto(table)
    for row in range(40):
        known = fit.in_q[row]
        effects = EffectSizes(
            effect=fit.effects.effect[row][known], variance=fit.effects.variance[row][known]
        )
        other = pool(effects, model="common", ci="wald")
        assert_same(np.log(fit.estimate.value[row]), other.estimate.value, rel=1e-12, abs_=1e-14)
        assert_same(fit.estimate.std_error[row], other.estimate.std_error, rel=1e-12)
        assert_same(fit.q[row], other.q, rel=1e-10, abs_=1e-12)
        assert_same(fit.i2[row], other.i2, rel=1e-9, abs_=1e-9)
        assert_same(fit.weights[row][known], other.weights, rel=1e-11)


def test_sparse_set_of_the_methods():
    # 0/20 v 5/20, 3/50 v 6/48, 0/30 v 0/31, 7/80 v 12/79: Peto 0.4067 (0.1978, 0.8363).
    fit = pool_peto(_sparse_set())
    numbers_ = [float(x) for x in (fit.estimate.value, fit.estimate.low, fit.estimate.high)]
    assert numbers_ == pytest.approx([0.4067, 0.1978, 0.8363], abs=5e-5)
    assert str(fit) == "0.41 (0.20 to 0.84); I² = 16%, Q = 2.4 (df = 2), 4 studies"


def _sparse_set():
    return TwoByTwo(
        exposed_cases=[0, 3, 0, 7],
        exposed_total=[20, 50, 30, 80],
        control_cases=[5, 6, 0, 12],
        control_total=[20, 48, 31, 79],
    )


def _random_tables(shape, *, most=9):
    cells = np.random.default_rng(11).integers(0, most, (4, *shape))
    return TwoByTwo.from_cells(
        exposed_cases=cells[0], exposed_noncases=cells[1], control_cases=cells[2], control_noncases=cells[3]
    )


def _random_rates(shape):
    rng = np.random.default_rng(12)
    return TwoRates(
        exposed_events=rng.integers(0, 4, shape),
        exposed_time=rng.uniform(1, 50, shape),
        control_events=rng.integers(0, 4, shape),
        control_time=rng.uniform(1, 50, shape),
    )


BATCHES = [
    (measure, options)
    for measure in ("OR", "RR", "RD", "IRR", "IRD", "PETO")
    for options in (
        {},
        {"study_correction": 0.5},
        {"correction": 0.3, "correct": "all-if-any-zero"},
        {"correction": 0.5, "study_correction": 0.5, "drop_double_zero": "everywhere"},
        {"study_correction": 0.5, "study_correct": "all-if-any-zero", "drop_double_zero": "nowhere"},
    )
]


@pytest.mark.parametrize(("measure", "options"), BATCHES)
def test_a_batch_and_its_masks_equal_a_loop(measure, options):
    shape = (5, 12, 4)
    # Cells of 0 to 3: empty cells, empty groups, empty tables, sets that say nothing.
    data = _random_rates(shape) if measure in {"IRR", "IRD"} else _random_tables(shape, most=4)
    where = np.random.default_rng(2).random(shape) < 0.7
    where[..., 0] = True
    batch = _pool(data, measure, where=where, **options)
    for index in np.ndindex(shape[:-1]):
        chosen = where[index]
        one = _pool(data[index][chosen], measure, **options)
        for name in ("q", "df", "q_pvalue", "i2", "h2", "n_studies", "n_in_q"):
            assert_same(getattr(batch, name)[index], getattr(one, name), rel=1e-9, abs_=1e-12)
        for name in ("value", "low", "high", "std_error", "pvalue"):
            ours = getattr(batch.estimate, name)[index]
            assert_same(ours, getattr(one.estimate, name), rel=1e-12, abs_=1e-14)
        assert_same(batch.weights[index][chosen], one.weights, rel=1e-12)
        assert not np.nan_to_num(batch.weights[index][~chosen]).any()
        test, other = batch.association_test(correct=True), one.association_test(correct=True)
        assert_same(test.statistic[index], other.statistic, rel=1e-9, abs_=1e-12)
        if measure == "OR":
            test, other = batch.homogeneity_test(), one.homogeneity_test()
            assert_same(test.statistic[index], other.statistic, rel=1e-8, abs_=1e-10)
            assert_same(test.df[index], other.df)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PETO"])
@given(
    cells=st.lists(st.tuples(*[st.integers(0, 40)] * 4), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_swapping_groups_inverts_and_permuting_changes_nothing(measure, cells, order):
    a, b, c, d = np.array(cells).T
    fit = _pool(_from_cells(a, b, c, d), measure, study_correction=0.5)
    swapped = _pool(_from_cells(c, d, a, b), measure, study_correction=0.5)
    shuffled = list(range(len(cells)))
    order.shuffle(shuffled)
    permuted = _pool(_from_cells(a, b, c, d)[shuffled], measure, study_correction=0.5)
    value, inverse = (_on_scale(x.estimate.value, measure) for x in (fit, swapped))
    assert_same(inverse, -value, rel=1e-9, abs_=1e-12)
    assert_same(swapped.q, fit.q, rel=1e-7, abs_=1e-9)
    assert_same(permuted.estimate.value, fit.estimate.value, rel=1e-12, abs_=1e-14)
    assert_same(permuted.q, fit.q, rel=1e-9, abs_=1e-10)
    if np.isfinite(value):
        assert fit.estimate.low <= fit.estimate.value <= fit.estimate.high
    if measure == "RD" and np.isfinite(value):  # an identical study twice leaves the mean where it is
        twice = _pool(_from_cells(*(np.tile(x, 2) for x in (a, b, c, d))), measure)
        assert_same(twice.estimate.value, fit.estimate.value, rel=1e-11, abs_=1e-14)


def _from_cells(a, b, c, d):
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


# What tables say that say little: value, limits, whether there is a P-value, studies in Q.
NOTHING = {
    "exposed_cases": [0, 0],
    "exposed_total": [10, 20],
    "control_cases": [0, 0],
    "control_total": [9, 21],
}
ALL = {
    "exposed_cases": [10, 20],
    "exposed_total": [10, 20],
    "control_cases": [9, 21],
    "control_total": [9, 21],
}
EMPTY_ARM = {
    "exposed_cases": [0, 3],
    "exposed_total": [0, 9],
    "control_cases": [4, 0],
    "control_total": [9, 0],
}
EMPTY = {"exposed_cases": [0, 0], "exposed_total": [0, 0], "control_cases": [0, 0], "control_total": [0, 0]}
ONE_SIDED = {
    "exposed_cases": [3, 2],
    "exposed_total": [10, 9],
    "control_cases": [0, 0],
    "control_total": [9, 9],
}


@pytest.mark.parametrize(
    ("cells", "measure", "value", "low", "high"),
    [
        *((cells, "OR", np.nan, 0, np.inf) for cells in (NOTHING, ALL, EMPTY_ARM, EMPTY)),
        *((cells, "PETO", np.nan, 0, np.inf) for cells in (NOTHING, ALL, EMPTY_ARM, EMPTY)),
        *((cells, "RR", np.nan, 0, np.inf) for cells in (NOTHING, EMPTY_ARM, EMPTY)),
        *((cells, "RD", np.nan, -1, 1) for cells in (EMPTY_ARM, EMPTY)),
        (ONE_SIDED, "OR", np.inf, 0, np.inf),
        (ONE_SIDED, "RR", np.inf, 0, np.inf),
    ],
)
def test_tables_that_say_nothing_bound_nothing(cells, measure, value, low, high):
    fit = _pool(TwoByTwo(**cells), measure)
    assert_same([fit.estimate.value, fit.estimate.low, fit.estimate.high], np.array([value, low, high]))
    assert np.isnan(fit.estimate.pvalue)
    assert np.isnan([fit.q, fit.q_pvalue, fit.i2, fit.h2]).all()
    assert (fit.df, fit.n_in_q, fit.n_studies) == (0, 0, 2)
    assert str(fit).endswith("; 2 studies")
    assert len(fit.to_frame()) == 1
    # The test needs no finite ratio, nor does Peto's.
    test = fit.association_test()
    if cells is ONE_SIDED:
        assert test.pvalue < 0.05
        assert pool_peto(TwoByTwo(**cells)).estimate.low > 1
    else:
        assert np.isnan(test.pvalue)


def test_events_in_all_or_none_are_equal_risks_but_no_equal_odds():
    all_, none = TwoByTwo(**ALL), TwoByTwo(**NOTHING)
    assert pool_mantel_haenszel(all_, measure="RR").estimate.value == 1
    for table in (all_, none):
        fit = pool_mantel_haenszel(table, measure="RD")
        assert fit.estimate.value == 0
        assert fit.n_in_q == 0  # a variance of 0 is no weight without end
        assert fit.q == 0


def test_double_zero_studies_weigh_in_a_difference_alone():
    table = _sparse_set()
    without = np.array([True, True, False, True])
    for measure in ("OR", "RR", "PETO"):
        whole, part = _pool(table, measure), _pool(table, measure, where=without)
        assert_same(whole.estimate.low, part.estimate.low, rel=1e-13)
        assert whole.weights[2] == 0
    whole = pool_mantel_haenszel(table, measure="RD")
    part = pool_mantel_haenszel(table, measure="RD", drop_double_zero="everywhere")
    assert abs(whole.estimate.value) < abs(part.estimate.value)
    assert part.estimate.value == pool_mantel_haenszel(table, measure="RD", where=without).estimate.value
    assert (whole.n_studies, part.n_studies) == (4, 3)


def test_a_correction_pulls_towards_no_effect_and_is_recorded():
    table = _sparse_set()
    plain, corrected = pool_mantel_haenszel(table), pool_mantel_haenszel(table, correction=0.5)
    assert plain.estimate.value < corrected.estimate.value < 1
    assert (plain.estimate.correction, corrected.estimate.correction) == (None, 0.5)
    # A study with an empty group compares nothing, and a correction does not make it do so.
    padded = TwoByTwo(**{k: np.append(v, 0) for k, v in _sparse_set()._arrays().items()})
    for correct in ("only-zero", "all"):
        ours = pool_mantel_haenszel(padded, correction=0.5, correct=correct)
        theirs = pool_mantel_haenszel(table, correction=0.5, correct=correct)
        assert_same(ours.estimate.low, theirs.estimate.low, rel=1e-13)


def test_what_is_outside_of_a_set_does_not_correct_it():
    table = TwoByTwo(
        exposed_cases=[3, 5, 0],
        exposed_total=[20, 30, 10],
        control_cases=[4, 9, 2],
        control_total=[20, 33, 9],
    )
    inside = [True, True, False]
    options = {"correction": 0.5, "correct": "all-if-any-zero"}
    masked = pool_mantel_haenszel(table, where=inside, **options)
    assert masked.estimate.value == mantel_haenszel(table[:2]).value
    assert pool_mantel_haenszel(table, **options).estimate.value != mantel_haenszel(table).value


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "IRR", "IRD"])
def test_weighted_effects_average_to_the_pooled_one(measure):
    data = _random_rates((30, 5)) if measure[0] == "I" else _random_tables((30, 5))
    fit = pool_mantel_haenszel(data, measure=measure)
    effects = fit.effects.effect if measure[-1] == "D" else np.exp(fit.effects.effect)
    rows = np.isfinite(effects).all(axis=-1)
    assert rows.any()
    average = (fit.weights[rows] * effects[rows]).sum(axis=-1) / 100
    assert_same(average, fit.estimate.value[rows], rel=1e-12)


def test_one_table_is_one_study():
    table = TwoByTwo(exposed_cases=4, exposed_total=123, control_cases=11, control_total=139)
    fit = pool_mantel_haenszel(table, measure="RR")
    assert fit.shape == ()
    assert fit.estimate.value == pytest.approx((4 / 123) / (11 / 139))
    assert (fit.q, fit.i2, fit.h2, fit.weights[0]) == (0, 0, 1, 100)
    assert str(fit) == "0.41 (0.13 to 1.26); 1 study"


def test_tests_of_tables_and_rates():
    table = _sparse_set()
    fit = pool_mantel_haenszel(table)
    assert fit.association_test(method="exact").pvalue == exact_test_pvalue(table)
    plain, corrected = fit.association_test(), fit.association_test(correct=True)
    assert plain.statistic > corrected.statistic
    # Peto's z is the root of Mantel and Haenszel's statistic.
    peto = pool_peto(table).estimate
    assert_same((np.log(peto.value) / peto.std_error) ** 2, plain.statistic, rel=1e-12)
    with pytest.raises(ValueError, match="`method` must be one of 'mantel-haenszel', but got 'exact'"):
        pool_mantel_haenszel(_random_rates(5), measure="IRR").association_test(method="exact")
    with pytest.raises(ValueError, match="must not be 'exact' for corrected tables"):
        pool_mantel_haenszel(table, correction=0.5).association_test(method="exact")
    with pytest.raises(ValueError, match="`measure` must be \"OR\" for the tarone test, but is 'RR'"):
        pool_mantel_haenszel(table, measure="RR").homogeneity_test()
    with pytest.raises(ValueError, match="`method` must be one of 'tarone', 'breslow-day', but got 'woolf'"):
        fit.homogeneity_test(method="woolf")


def test_person_time_test_is_that_of_a_simulation():
    # Given all events, those of the exposed are binomial in the share of the time.
    rates = TwoRates(
        exposed_events=[4, 6], exposed_time=[30.0, 50], control_events=[9, 3], control_time=[60.0, 20]
    )
    test = pool_mantel_haenszel(rates, measure="IRR").association_test()
    rng = np.random.default_rng(5)
    share, events = np.array([30 / 90, 50 / 70]), np.array([13, 9])
    drawn = rng.binomial(events, share, (200_000, 2)).sum(axis=-1)
    assert test.statistic == pytest.approx((10 - (events * share).sum()) ** 2 / drawn.var(), rel=0.02)


def test_frame_and_lines_of_many():
    fit = pool_mantel_haenszel(_sparse_set(), where=~np.eye(4, dtype=bool))
    frame = fit.to_frame()
    assert len(frame) == 4
    assert list(frame["n_studies"]) == [3] * 4
    assert {"q", "df", "q_pvalue", "i2", "h2", "n_in_q", "association_pvalue"} <= set(frame.columns)
    assert len(str(fit).splitlines()) == 4
    assert isinstance(fit, PooledTables)
    for array in (fit.inside, fit.comparable, fit.in_q, fit.q, fit.weights, fit.estimate.value):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert "<table" in fit._repr_html_()


ONE = _sparse_set()


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`data` must be TwoByTwo or TwoRates, but got list"),
        (ONE, {"measure": "IRR"}, ValueError, "`measure` must be one of 'OR', 'RR', 'RD', but got 'IRR'"),
        (_random_rates(3), {}, ValueError, "`measure` must be one of 'IRR', 'IRD', but got 'OR'"),
        (
            _random_rates(3),
            {"measure": "IRD", "variance": "sato"},
            ValueError,
            "`variance` must be None for rates",
        ),
        (ONE, {"variance": "sato"}, ValueError, "`variance` must be one of 'robins-breslow-greenland'"),
        (ONE, {"correction": -1}, ValueError, "`correction` must be at least 0, but got -1"),
        (ONE, {"correction": 0.5, "correct": "zero"}, ValueError, "`correct` must be one of 'only-zero'"),
        (ONE, {"study_correct": "zero"}, ValueError, "`correct` must be one of 'only-zero'"),
        (ONE, {"drop_double_zero": True}, ValueError, "`drop_double_zero` must be one of 'from-q'"),
        (ONE, {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (ONE, {"where": [1, 0, 1, 1]}, TypeError, "`where` must be true/false, but got int"),
        (ONE, {"where": [True] * 3}, ValueError, re.escape("studies (4,), but has shape (3,)")),
        (ONE, {"where": [[True] * 4, [False] * 4]}, ValueError, re.escape("leaves none in [1]")),
        (ONE, {"where": [False] * 4}, ValueError, "at least one study in every set"),
    ],
)
def test_bad_input_is_named(data, options, error, message):
    with pytest.raises(error, match=message):
        pool_mantel_haenszel(data, **options)


def test_peto_takes_tables_alone():
    with pytest.raises(TypeError, match="`table` must be TwoByTwo, but got TwoRates"):
        pool_peto(_random_rates(3))
    with pytest.raises(ValueError, match="`drop_double_zero` must be one of"):
        pool_peto(ONE, drop_double_zero="yes")
