import re
from itertools import product

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo, TwoRates, effect_sizes, pool
from analysis.meta.multiverse import multiverse
from analysis.meta.sparse import pool_mantel_haenszel, pool_peto
from reference_values import assert_same, dataset, records

FORWARD = {"OR": np.log, "RR": np.log, "PETO": np.log, "RD": np.asarray, "AS": np.asarray}


def _table(cases, totals):
    return TwoByTwo(
        exposed_cases=cases[0], exposed_total=totals[0], control_cases=cases[1], control_total=totals[1]
    )


def _sparse(k=7, seed=3):
    rng = np.random.default_rng(seed)
    totals = rng.integers(15, 80, (2, k))
    cases = rng.binomial(totals, 0.08)
    cases[:, 2] = 0  # a study without events
    return _table(cases, totals)


def _large(table):
    return table.exposed_total + table.control_total > 60


ZEROS = {
    "only-zero": {"correction": 0.5},
    "all": {"correction": 0.5, "correct": "all"},
    "drop-double-zero": {"correction": 0.5, "drop_double_zero": True},
    "none": {"correction": 0.0},
}
EVERYTHING = {
    "corrections": list(ZEROS),
    "tau2": ["DL", "REML", "ML"],
    "ci": ["wald", "hartung-knapp", "profile", "henmi-copas", "kenward-roger"],
    "models": ["random", "common", "mantel-haenszel", "peto"],
}


def _one(table, include, specification):
    """Do the meta-analysis of a specification by itself."""
    where, measure = include[specification.include], specification.measure
    where = where(table) if callable(where) else np.asarray(where)
    if specification.model == "mantel-haenszel":
        return pool_mantel_haenszel(table, measure=measure, where=where)
    if specification.model == "peto":
        return pool_peto(table, where=where)
    effects = effect_sizes(table, measure, **ZEROS[specification.correction])
    known = np.isfinite(effects.effect) & np.isfinite(effects.variance) & (effects.variance > 0)
    options = {"model": specification.model, "ci": specification.ci_method, "where": where & known}
    if specification.tau2_method != "none":
        options["tau2"] = specification.tau2_method
    return pool(effects, **options)


@pytest.mark.parametrize("measures", [["OR", "RR", "PETO"], ["RD", "AS"]])
def test_every_specification_is_the_meta_analysis_it_names(measures):
    table = _sparse()
    include = {"all": np.ones(7, dtype=bool), "large": _large, "first three": np.arange(7) < 3}
    found = multiverse(table, include=include, measures=measures, **EVERYTHING)
    assert len(set(found.specifications)) == len(found.specifications) == found.fits.mean.size
    for i, specification in enumerate(found.specifications):
        one = _one(table, include, specification)
        forward = FORWARD[specification.measure]
        assert_same(found.fits.mean[i], forward(one.estimate.value), rel=1e-9, abs_=1e-12)
        with np.errstate(divide="ignore"):
            assert_same(found.fits.low[i], forward(one.estimate.low), rel=1e-8, abs_=1e-10)
            assert_same(found.fits.high[i], forward(one.estimate.high), rel=1e-8, abs_=1e-10)
        pvalue = np.nan if one.estimate.pvalue is None else one.estimate.pvalue
        assert_same(found.fits.pvalue[i], pvalue, rel=1e-8)
        assert found.fits.n_studies[i] == one.n_studies
        if specification.model in {"random", "common"}:
            assert_same(found.fits.tau2[i], one.tau2, rel=1e-8, abs_=1e-10)
        assert_same(found.fits.i2[i], one.i2, rel=1e-7, abs_=1e-7)
        null = 1 if FORWARD[specification.measure] is np.log else 0
        sides = {
            "above": one.estimate.low > null,
            "below": one.estimate.high < null,
            "includes": one.estimate.low <= null <= one.estimate.high,
        }
        assert sides[found.conclusion[i]], specification


def test_what_makes_no_difference_is_counted_once_and_said():
    table = _sparse()
    found = multiverse(table, measures=["OR", "RR"], **EVERYTHING)
    by_model = {
        model: [s for s in found.specifications if s.model == model] for model in EVERYTHING["models"]
    }
    # Two intervals with three estimators, and three that belong to one: 9 pairs, 2 measures, 4 corrections.
    assert {model: len(listed) for model, listed in by_model.items()} == {
        "random": 9 * 8,
        "common": 2 * 8,
        "mantel-haenszel": 2,
        "peto": 1,
    }
    assert {(s.tau2_method, s.ci_method) for s in by_model["common"]} == {
        ("none", "wald"),
        ("none", "hartung-knapp"),
    }
    text = "\n".join(found.skipped)
    assert len(set(found.skipped)) == len(found.skipped)
    for line in (
        'ci="profile" with tau2 "DL", "REML": it is built on tau2="ML".',
        'ci="profile" with model="common": it is built on random effects.',
        'model="common" has no tau2: counted once, not once for each tau2.',
        'model="peto" with measure "RR": it has none.',
        'model="peto" has no correction and no tau2, and a normal interval: counted once.',
    ):
        assert line in text
    assert multiverse(table).skipped == ()


def test_a_rule_that_a_correction_empties_is_said():
    table = _table([[0, 3], [0, 5]], [[20, 30], [20, 30]])
    found = multiverse(
        table, include={"first": [True, False], "both": [True, True]}, corrections=["only-zero", "none"]
    )
    assert [s[:3] for s in found.specifications] == [
        ("first", "OR", "only-zero"),
        ("both", "OR", "only-zero"),
        ("both", "OR", "none"),
    ]
    assert found.skipped == (
        'include="first" with measure="OR" and correction="none": no study has a finite effect.',
    )
    # One study has no t interval.
    assert found.conclusion == ("none", "includes", "none")
    assert found.shares == {"above": 0, "below": 0, "includes": 1 / 3, "none": 2 / 3}
    assert "67% have no interval" in str(found)


def test_conclusions_are_those_of_the_intervals():
    record = records("C_mh_peto", "rma.mh/bcg/OR")[0]
    columns = dataset("C_mh_peto", record)
    table = TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )
    options = {"tau2": ["DL", "REML"], "ci": ["wald", "hartung-knapp"], "models": ["random", "common"]}
    found = multiverse(table, measures=["OR", "RR"], **options)
    frame = found.to_frame()
    assert len(frame) == 12
    assert set(frame["conclusion"]) == {"below"}
    assert found.shares["below"] == 1
    reml = frame.query("measure == 'RR' and tau2_method == 'REML' and ci_method == 'wald'").iloc[0]
    # The estimate of Viechtbauer 2010, table and text: -0.7145 (-1.0669 to -0.3622).
    assert np.log([reml["estimate"], reml["low"], reml["high"]]) == pytest.approx(
        [-0.7145, -1.0669, -0.3622], abs=6e-5
    )
    swapped = TwoByTwo(
        exposed_cases=table.control_cases,
        exposed_total=table.control_total,
        control_cases=table.exposed_cases,
        control_total=table.exposed_total,
    )
    assert set(multiverse(swapped, measures=["OR", "RR"], **options).conclusion) == {"above"}


def test_variance_is_split_as_by_analysis_of_variance():
    table = _sparse(9, seed=8)
    options = {"measures": ["OR", "RR"], "tau2": ["DL", "SJ", "REML"]}
    include = {"all": np.ones(9, dtype=bool), "large": _large}
    found = multiverse(table, include=include, **options)
    explained = found.explained_variance()
    assert explained.choice == ("include", "measure", "tau2_method")
    mean = found.fits.mean
    total = ((mean - mean.mean()) ** 2).sum()
    for name, share in zip(explained.choice, explained.alone, strict=True):
        between = 0.0
        options_ = np.array([getattr(s, name) for s in found.specifications])
        for option in np.unique(options_):
            inside = mean[options_ == option]
            between += inside.size * (inside.mean() - mean.mean()) ** 2
        assert share == pytest.approx(between / total, rel=1e-10)
    # All combinations exist: the choices are orthogonal.
    assert_same(explained.added, explained.alone, rel=1e-8, abs_=1e-12)
    assert explained.together == pytest.approx(explained.alone.sum())
    assert explained.remainder == pytest.approx(1 - explained.together)
    assert 0 < explained.remainder < 0.2
    frame = explained.to_frame()
    assert list(frame["choice"]) == ["include", "measure", "tau2_method", "all main effects", "remainder"]
    assert str(explained).endswith(f"together {100 * explained.together:.0f}%")


def test_choices_that_hang_together_explain_less_when_added():
    effects = EffectSizes(effect=[0.1, 0.9, -0.4, 0.6], variance=[0.01, 0.1, 0.05, 0.2], measure="OR")
    found = multiverse(effects, ci=["wald", "profile"], tau2=["ML", "DL"], models=["random", "common"])
    explained = found.explained_variance()
    assert len(found.specifications) == 4
    # Three estimates, and as many options of tau2: nothing remains, and the interval moves no estimate.
    assert explained.together == pytest.approx(1)
    assert explained.added[explained.choice.index("ci_method")] == pytest.approx(0, abs=1e-12)
    # The common-effect model is the one without tau2: either says what the other does.
    model, tau2 = (explained.choice.index(name) for name in ("model", "tau2_method"))
    assert explained.added[model] == pytest.approx(0, abs=1e-12)
    assert explained.alone[model] <= explained.alone[tau2]


def test_equal_estimates_have_nothing_to_explain():
    effects = EffectSizes(effect=[0.3, 0.3, 0.3], variance=[0.1, 0.2, 0.4], measure="OR")
    explained = multiverse(effects, tau2=["DL", "REML"], ci=["wald", "t"]).explained_variance()
    assert np.isnan([*explained.alone, explained.together]).all()
    found = multiverse(effects)
    assert found.explained_variance().choice == ()


def _by_hand(table, swapped, include, options):
    """Pool the tables with some groups swapped, one specification at a time."""
    arms = {
        name: np.where(swapped, getattr(table, other), getattr(table, name))
        for name, other in (
            ("exposed_cases", "control_cases"),
            ("exposed_total", "control_total"),
            ("control_cases", "exposed_cases"),
            ("control_total", "exposed_total"),
        )
    }
    found = multiverse(TwoByTwo(**arms), include=include, **options)
    above, below = (np.mean([word == side for word in found.conclusion]) for side in ("above", "below"))
    return np.median(found.fits.mean), max(above, below)


def test_joint_test_is_that_of_all_swaps_by_hand():
    table = _table([[2, 1, 3, 1, 2], [9, 6, 8, 7, 4]], [[50, 40, 60, 45, 30], [52, 41, 58, 44, 33]])
    include = {"all": np.ones(5, dtype=bool), "but last": np.arange(5) < 4}
    options = {
        "measures": ["OR", "RR"],
        "ci": ["wald", "hartung-knapp"],
        "models": ["random", "common", "mantel-haenszel", "peto"],
        "tau2": ["DL"],
    }
    found = multiverse(table, include=include, **options)
    test = found.joint_test()
    assert test.complete
    assert test.drawn_median.size == 32
    swaps = [np.array(bits[::-1]) for bits in product([False, True], repeat=5)]
    by_hand = np.array([_by_hand(table, swapped, include, options) for swapped in swaps])
    assert_same(test.drawn_median, by_hand[:, 0], rel=1e-8, abs_=1e-10)
    assert_same(test.drawn_share, by_hand[:, 1], rel=1e-12)
    median, share = by_hand[0]
    assert test.median == pytest.approx(np.exp(median))
    assert test.share == share == 1
    # Every study points the same way: no swap but of all is as far.
    assert test.median_pvalue == 2 / 32
    assert test.share_pvalue == np.mean(by_hand[:, 1] >= share)
    assert str(test).startswith("median 0.25 (P = 0.062), 100% of specifications exclude no effect")
    assert list(test.to_frame()["pvalue"]) == [test.median_pvalue, test.share_pvalue]


def test_joint_test_of_draws_agrees_with_all_swaps():
    table = _sparse(8, seed=5)
    found = multiverse(table, ci=["wald"], tau2=["DL"], models=["random", "common"])
    complete, drawn = found.joint_test(), found.joint_test(draws=200, rng=1)
    assert complete.complete
    assert not drawn.complete
    # Standard error of a share of 200 draws is at most 0.035.
    assert drawn.median_pvalue == pytest.approx(complete.median_pvalue, abs=0.12)
    assert drawn.median_pvalue >= 1 / 201
    again = found.joint_test(draws=200, rng=1)
    assert_same(again.drawn_median, drawn.drawn_median)


def test_joint_test_keeps_its_level_without_an_effect():
    rng = np.random.default_rng(17)
    pvalues = []
    for _ in range(150):
        variance = rng.uniform(0.05, 0.5, 7)
        effects = EffectSizes(effect=rng.normal(0, np.sqrt(variance)), variance=variance, measure="OR")
        test = multiverse(effects, models=["random", "common"], tau2=["DL"], ci=["wald"]).joint_test()
        pvalues.append([test.median_pvalue, test.share_pvalue])
    rejected = (np.array(pvalues) <= 0.1).mean(axis=0)
    # Exact for the median; the share has ties and rejects less often. Three standard errors are 0.073.
    assert 0.027 < rejected[0] < 0.173
    assert rejected[1] < 0.173


def test_rates_and_effects():
    rates = TwoRates(
        exposed_events=[7, 8, 0],
        exposed_time=[1344.0, 1600, 800],
        control_events=[11, 8, 3],
        control_time=[1988.0, 1461, 790],
    )
    found = multiverse(rates, models=["random", "mantel-haenszel"], corrections=["only-zero", "none"])
    assert [s.model for s in found.specifications] == ["random", "random", "mantel-haenszel"]
    one = pool_mantel_haenszel(rates, measure="IRR")
    assert found.fits.mean[2] == pytest.approx(np.log(one.estimate.value))
    assert multiverse(rates, measures=["IRD"], models=["mantel-haenszel"]).joint_test().complete
    proportions = EffectSizes(effect=[-1, -0.5, -0.7], variance=[0.1, 0.1, 0.2], measure="PLO")
    found = multiverse(proportions, tau2=["DL", "REML"])
    assert (found.to_frame()["low"] > 0).all()
    assert "conclusion" not in found.to_frame()
    assert str(found).startswith("2 specifications: median 32")
    for call in (lambda: found.conclusion, found.joint_test):
        with pytest.raises(ValueError, match="must have a value of no effect, but PLO has none"):
            call()


def test_infinite_ratios_are_at_the_end():
    table = _table([[3, 2], [0, 0]], [[10, 9], [9, 9]])
    found = multiverse(table, models=["mantel-haenszel"])
    assert found.fits.mean[0] == np.inf
    assert found.conclusion == ("none",)
    test = found.joint_test()
    assert (test.median, test.median_pvalue) == (np.inf, 0.5)
    assert np.isnan(found.explained_variance().together)
    # One rule leaves a ratio of 0, the other one of infinity: in the middle is no effect.
    table = _table([[3, 0], [0, 2]], [[10, 9], [9, 9]])
    include = {"first": [True, False], "second": [False, True]}
    found = multiverse(table, include=include, models=["mantel-haenszel"])
    assert found.fits.mean.tolist() == [np.inf, -np.inf]
    assert found.joint_test().median == 1


TABLE = _sparse()


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ([1, 2], {}, TypeError, "`data` must be TwoByTwo, TwoRates or EffectSizes, but got list"),
        (TABLE[0], {}, ValueError, re.escape("of shape (k,), but has shape ()")),
        (TABLE, {"measures": "OR"}, TypeError, re.escape("write ['OR']")),
        (
            TABLE,
            {"measures": ["OR", "RD"]},
            ValueError,
            "`measures` must be of one scale, but OR, RD are of 2",
        ),
        (TABLE, {"measures": ["IRR"]}, ValueError, "`measures` must be one of 'OR', 'RR'"),
        (TABLE, {"corrections": ["half"]}, ValueError, "`corrections` must be one of 'only-zero'"),
        (TABLE, {"tau2": ["GENQ"]}, ValueError, "`tau2` must be one of 'DL'"),
        (TABLE, {"tau2": ["DL", "DL"]}, ValueError, "`tau2` must name an option once, but got DL, DL"),
        (TABLE, {"ci": []}, ValueError, "`ci` must hold at least one option"),
        (TABLE, {"models": ["fixed"]}, ValueError, "`models` must be one of 'random'"),
        (TABLE, {"confidence_level": 95}, ValueError, "For 95 % write 0.95"),
        (TABLE, {"include": {}}, ValueError, "`include` must hold at least one rule"),
        (TABLE, {"include": {"a": [1] * 7}}, TypeError, "rule 'a' gives int"),
        (TABLE, {"include": {"a": [True] * 6}}, ValueError, re.escape("rule 'a' has shape (6,)")),
        (TABLE, {"include": {"a": lambda t: t.exposed_total < 0}}, ValueError, "rule 'a' leaves none"),
        (TABLE, {"ci": ["profile"]}, ValueError, 'No combination of the choices is possible: ci="profile"'),
        (
            _table([[0, 0], [0, 0]], [[9, 9], [9, 9]]),
            {"models": ["mantel-haenszel"]},
            ValueError,
            "`data` must inform at least one specification",
        ),
        (
            EffectSizes(effect=[0.1, 0.2], variance=[1, 1]),
            {"measures": ["OR"]},
            ValueError,
            "must be left out for EffectSizes",
        ),
        (
            EffectSizes(effect=[0.1, 0.2], variance=[1, 1]),
            {"models": ["peto"]},
            ValueError,
            "must be 'random' or 'common' for EffectSizes",
        ),
    ],
)
def test_bad_input_is_named(data, options, error, message):
    with pytest.raises(error, match=message):
        multiverse(data, **options)


@pytest.mark.parametrize("draws", [0, 2.5, True])
def test_draws_are_counted(draws):
    with pytest.raises(ValueError, match="`draws` must be a whole number of at least 1"):
        multiverse(TABLE).joint_test(draws=draws)
