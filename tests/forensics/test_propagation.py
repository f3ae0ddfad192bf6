import itertools

import numpy as np
import pytest

from analysis import TwoByTwo, effect_sizes, feasible_set, feasible_tables, pool
from analysis.forensics.propagation import pool_feasible

FULL = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)


def small_sets():
    return [
        feasible_tables(exposed_total=80, exposed_risk="29%", control_total=160, control_risk="12%"),
        feasible_tables(exposed_total=210, control_total=198, risk_ratio="1.6 (1.0-2.5)"),
        feasible_tables(exposed_total=400, exposed_risk="11%", control_total=380, control_risk="7%"),
        FULL,
    ]


def middle_sets():
    return [
        feasible_tables(exposed_total=600, exposed_risk="29%", control_total=560, control_risk="12%"),
        feasible_tables(exposed_total=710, control_total=698, risk_ratio="1.6 (1.2-2.1)"),
        feasible_tables(exposed_total=900, exposed_risk="11%", control_total=780, control_risk="7%"),
        FULL,
    ]


def large_sets():
    rng = np.random.default_rng(7)
    found = []
    for n1, n0, p1, p0 in zip(
        rng.integers(600, 3000, 6),
        rng.integers(600, 3000, 6),
        rng.integers(6, 20, 6),
        rng.integers(4, 12, 6),
        strict=True,
    ):
        found.append(
            feasible_tables(
                exposed_total=int(n1), exposed_risk=f"{p1}%", control_total=int(n0), control_risk=f"{p0}%"
            )
        )
    return found


OPTIONS = [
    {},
    {"model": "common", "ci": "wald"},
    {"tau2": "DL", "ci": "hartung-knapp", "measure": "OR"},
    {"tau2": "PM", "measure": "RD", "ci": "wald", "confidence_level": 0.9},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_every_set_of_tables_is_pooled(options):
    studies = small_sets()[1:]
    result = pool_feasible(studies, **options)
    pooling = {name: value for name, value in options.items() if name != "measure"}
    measure = options.get("measure", "RR")
    values = []
    parts = ("exposed_cases", "exposed_total", "control_cases", "control_total")
    singles = [[table[i] for i in range(len(table))] if table.shape else [table] for table in studies]
    for chosen in itertools.islice(itertools.product(*singles), 0, None, 7):
        table = TwoByTwo(**{name: [getattr(one, name).item() for one in chosen] for name in parts})
        estimate = pool(effect_sizes(table, measure), **pooling).estimate
        values.append((estimate.value.item(), estimate.low.item(), estimate.high.item()))
    assert result.method == "exact"
    assert result.n_pooled == result.n_sets == np.prod(result.n_tables)
    low, high = np.min(values, axis=0), np.max(values, axis=0)
    for i, ends in enumerate((result.value, result.low, result.high)):
        assert ends[0] <= low[i] + 1e-12
        assert ends[1] >= high[i] - 1e-12
    # The extreme sets give the ends.
    estimate = pool(effect_sizes(result.extremes, measure), **pooling).estimate
    np.testing.assert_allclose(estimate.value, result.value, rtol=1e-12)
    assert result.share_beyond == 0


@pytest.mark.parametrize("options", OPTIONS)
def test_the_search_finds_the_ends_of_all_sets(options):
    exact = pool_feasible(middle_sets(), most=10**6, **options)
    searched = pool_feasible(middle_sets(), method="search", draws=500, rng=1, **options)
    assert exact.n_pooled > 30 * 500
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(searched, name), getattr(exact, name), rtol=1e-9)
    assert 0 < searched.share_beyond <= 1 - 0.05 ** (1 / 500) + 1e-12


def test_a_search_over_more_sets_than_can_be_listed():
    studies = large_sets()
    result = pool_feasible(studies, draws=2000, rng=1)
    assert result.n_sets > 10**12
    assert result.method == "search"
    assert result.share_beyond < 0.002
    other = pool_feasible(studies, draws=2000, rng=2)
    np.testing.assert_allclose(result.value, other.value, rtol=1e-9)
    np.testing.assert_allclose(result.widest, other.widest, rtol=1e-6)
    # The ends of the common-effect estimate are known: no other set is found beyond them by Dinkelbach's
    # iteration, which chooses the table of each study that maximises w (y - mean).
    common = pool_feasible(studies, draws=2000, rng=1, model="common", ci="wald")
    for sign, end in ((-1, common.value[0]), (1, common.value[1])):
        mean = 0.0
        effects = [effect_sizes(table, "RR") for table in studies]
        for _ in range(50):
            chosen = [int(np.argmax(sign * (e.effect - mean) / e.variance)) for e in effects]
            weight = np.array([1 / e.variance[i] for e, i in zip(effects, chosen, strict=True)])
            effect = np.array([e.effect[i] for e, i in zip(effects, chosen, strict=True)])
            mean = float((weight * effect).sum() / weight.sum())
        assert end == pytest.approx(np.exp(mean), rel=1e-9)


def test_one_table_each_is_the_usual_pooled_estimate():
    tables = [FULL, TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020)]
    result = pool_feasible(tables, label=["women", "men"])
    usual = pool(
        effect_sizes(
            TwoByTwo(
                exposed_cases=[90, 75],
                exposed_total=[4006, 7605],
                control_cases=[114, 56],
                control_total=[20030, 38020],
            ),
            "RR",
        )
    )
    assert result.value == (usual.estimate.value.item(),) * 2
    assert result.widest == (usual.estimate.low.item(), usual.estimate.high.item())
    assert str(result).endswith("over the one set of tables")
    assert result.label == ("women", "men")


def test_what_is_printed():
    result = pool_feasible(small_sets(), most=10**6, model="common", ci="wald")
    assert str(result).startswith("RR ")
    assert "over all" in str(result)
    frame = result.to_frame()
    assert frame["quantity"].tolist() == ["value", "low", "high", "tau2", "i2"]
    assert (frame["smallest"] <= frame["largest"]).all()
    searched = pool_feasible(small_sets(), method="search", draws=200, rng=0)
    assert "searched; at most 1.5% of them lie beyond" in str(searched)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: pool_feasible([]), ValueError, "`studies` must hold at least one study"),
        (lambda: pool_feasible(FULL), TypeError, "must be a sequence with the tables of each study"),
        (lambda: pool_feasible([3]), TypeError, "must hold TwoByTwo or FeasibleSet, but got int at index 0"),
        (
            lambda: pool_feasible(
                [FULL, feasible_tables(exposed_total=8, control_total=8, exposed_risk="30%")]
            ),
            ValueError,
            "`studies` has no table at index 1",
        ),
        (lambda: pool_feasible([FULL[np.newaxis, np.newaxis]]), ValueError, "must have tables of one axis"),
        (lambda: pool_feasible([FULL], method="all"), ValueError, "`method` must be one of"),
        (lambda: pool_feasible(small_sets(), method="exact", most=10), ValueError, "more than most = 10"),
        (lambda: pool_feasible([FULL], label=["a", "b"]), ValueError, "`label` must name 1 studies"),
        (lambda: pool_feasible([FULL], method="search", draws=5), ValueError, "`draws` must be at least 100"),
        (lambda: pool_feasible([FULL], measure="HR"), ValueError, "`measure`"),
    ],
)
def test_bad_input_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_effect_sizes_and_pool_take_the_tables_of_each_study():
    studies = small_sets()
    effects = effect_sizes(studies, "RR", label=[f"S{i}" for i in range(len(studies))])
    assert effects.n_tables == (*(len(study) for study in studies[:-1]), 1)
    frame = effects.to_frame()
    assert len(frame) == sum(effects.n_tables)
    assert frame["study"].unique().tolist() == list(effects.label)
    assert str(effects).startswith(f"RR of {len(studies)} studies (S0: ")
    ours, whole = pool(effects, tau2="DL"), pool_feasible(studies, tau2="DL")
    assert (ours.value, ours.low, ours.high) == (whole.value, whole.low, whole.high)
    assert ours.method == "exact"
    assert ours.label == effects.label
    with pytest.raises(ValueError, match="`weights` cannot be given with the alternatives"):
        pool(effects, weights=[1.0] * len(studies))
    with pytest.raises(TypeError, match="`data` must hold TwoByTwo or FeasibleSet, but got str at index 0"):
        effect_sizes(["4.7%"], "RR")


def test_a_feasible_set_enters_as_it_is():
    found = feasible_set(exposed_total=40, control_total=50, exposed_risk="30%", risk_ratio="1.5 (0.7-3.1)")
    assert len(found)
    ours = pool(effect_sizes([found, FULL], "OR"), model="common", ci="wald")
    assert ours.n_tables == (len(found), 1)
    each = [
        pool(
            effect_sizes(
                TwoByTwo(
                    **{
                        name: [getattr(found.tables, name)[i], getattr(FULL, name)]
                        for name in ("exposed_cases", "exposed_total", "control_cases", "control_total")
                    }
                ),
                "OR",
            ),
            model="common",
            ci="wald",
        ).estimate.value.item()
        for i in range(len(found))
    ]
    assert ours.value == pytest.approx((min(each), max(each)), rel=1e-14)
