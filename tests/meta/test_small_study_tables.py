import numpy as np
import pytest
from scipy import stats

from analysis import EffectSizes, TwoByTwo, effect_sizes
from analysis.meta.methods.rank_hypergeometric import table_moments
from analysis.meta.small_study import begg_test, egger_test
from analysis.meta.small_study_tables import (
    arcsine_test,
    deeks_test,
    harbord_test,
    macaskill_test,
    peters_test,
    schwarzer_test,
)
from reference_values import assert_same, dataset, identifier, load, number, numbers, records


def _table(columns):
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


REGRESSIONS = {
    "harbord": harbord_test,
    "peters": peters_test,
    "macaskill": macaskill_test,
    "deeks": deeks_test,
    # R leaves out studies without cases or with cases only.
    "arcsine_egger": lambda table: arcsine_test(table, drop_double_zero=True),
}


@pytest.mark.parametrize(
    "record",
    [record for family in REGRESSIONS for record in records("D_bias", f"{family}/")],
    ids=identifier,
)
def test_regressions_equal_r(record):
    family = record["id"].split("/")[0]
    ours = REGRESSIONS[family](_table(dataset("D_bias", record)))
    intercept, slope = (numbers(row) for row in record["outputs"]["coef"]["rows"])
    # R's normal equations in raw sizes of studies keep fewer digits than centred ones.
    near = {"rel": 1e-9, "abs": 1e-12}
    assert [float(getattr(ours, n)) for n in ("bias", "bias_std_error", "statistic")] == (
        pytest.approx(slope[:3].tolist(), **near)
    )
    assert ours.pvalue == pytest.approx(slope[3], rel=1e-8)
    if ours.limit is not None:
        value = np.log(ours.limit.value) if ours.limit.scale == "log" else ours.limit.value
        assert float(value) == pytest.approx(intercept[0], **near)
        assert ours.limit.std_error == pytest.approx(intercept[1], **near)
        assert ours.limit.pvalue == pytest.approx(intercept[3], rel=1e-8)
    else:
        assert family == "macaskill"


@pytest.mark.parametrize("record", records("D_bias", "arcsine_begg/"), ids=identifier)
def test_arcsine_rank_test_equals_r(record):
    ours = arcsine_test(_table(dataset("D_bias", record)), test="begg", drop_double_zero=True)
    assert ours.tau == pytest.approx(number(record["outputs"]["tau"]["tau"]), rel=1e-12, abs=1e-15)
    assert ours.pvalue == pytest.approx(number(record["outputs"]["pval"]), rel=1e-10)


def _effects_of_meta(table, measure):
    """Return meta's effects: 1/2 for the events, 1/2 (not 1) for the totals of a risk ratio.

    A study with cases only keeps its uncorrected 1/a and 1/c in the variance of the risk ratio; a risk
    difference is uncorrected, but not its variance.
    """
    a, b = table.exposed_cases, table.exposed_noncases
    c, d = table.control_cases, table.control_noncases
    if measure == "OR":
        return effect_sizes(table, measure, drop_double_zero=True)
    add = 0.5 * table.has_zero_cell
    if measure == "RD":
        corrected = effect_sizes(table, "RD", correction=0.5)
        return EffectSizes(effect=a / (a + b) - c / (c + d), variance=corrected.variance, measure="RD")
    only = (b == 0) & (d == 0)
    effect = np.log((a + add) / (a + b + add)) - np.log((c + add) / (c + d + add))
    kept = np.where(only, 0.0, add)
    with np.errstate(divide="ignore"):
        variance = 1 / (a + kept) - 1 / (a + b + add) + 1 / (c + kept) - 1 / (c + d + add)
    none = (a == 0) & (c == 0)
    return EffectSizes(
        effect=np.where(none, np.nan, effect), variance=np.where(none, np.nan, variance), measure="RR"
    )


def _of_tables(record):
    return record["inputs"]["dataset"].startswith("bin_")


@pytest.mark.parametrize("record", records("meta", "metabias/", keep=_of_tables), ids=identifier)
def test_tests_equal_meta(record):
    table = _table(dataset("meta", record))
    measure, test = record["inputs"]["sm"], record["inputs"]["mb"]
    effects = _effects_of_meta(table, "OR" if measure == "DOR" else measure)
    inside = np.isfinite(effects.effect)
    expected = record["outputs"]
    names = ("bias", "se.bias")
    if test == "Egger":
        ours = egger_test(effects, where=inside)
    elif test == "Thompson":
        ours = egger_test(effects, model="mixed", tau2="DL", where=inside)
    elif test == "Begg":
        continuity = record["id"].endswith("correct=TRUE")
        ours, names = (
            begg_test(effects, pvalue="normal", continuity=continuity, where=inside),
            ("ks", "se.ks"),
        )
    elif test == "Harbord":
        ours = harbord_test(table)
    elif test == "Peters":
        ours = peters_test(table, measure=measure, effects=effects)
    elif test == "Deeks":
        ours = deeks_test(table)
    elif test == "Schwarzer":
        # meta's common odds ratio is of the corrected cells.
        ours, names = schwarzer_test(table, correction=0.5), ("ks", "se.ks")
    else:
        assert test == "Macaskill"
        kept = EffectSizes(effect=effects.effect[inside], variance=effects.variance[inside], measure=measure)
        ours = macaskill_test(kept, n=(table.exposed_total + table.control_total)[inside])
    bias, std_error = (number(expected["estimate"][name]) for name in names)
    assert ours.bias == pytest.approx(bias, rel=1e-9, abs=1e-11)
    assert ours.bias_std_error == pytest.approx(std_error, rel=1e-9)
    assert ours.statistic == pytest.approx(
        number(next(iter(expected["statistic"].values()))), rel=1e-9, abs=1e-11
    )
    assert ours.pvalue == pytest.approx(number(expected["pval"]), rel=1e-8)
    if "df" in expected:
        assert ours.df == expected["df"]
    if "intercept" in expected and ours.limit is not None:
        log = np.log(ours.limit.value) if ours.limit.scale == "log" else ours.limit.value
        assert float(log) == pytest.approx(number(expected["intercept"]), rel=1e-9, abs=1e-11)
        assert ours.limit.std_error == pytest.approx(number(expected["se.intercept"]), rel=1e-9)


def test_harbord_risk_ratio_is_the_score_of_its_likelihood():
    """Check Z and V, which meta computes for arms of equal size whatever the arms are.

    Z is the derivative of the binomial log-likelihood in log RR at 0 with the control risk at its maximum, V
    the efficient information there: by finite differences of that likelihood, not by the formula.
    """
    a, n1, c, n0 = 7.0, 40.0, 21.0, 90.0
    m, total = a + c, n1 + n0

    def log_likelihood(beta, alpha):
        p1, p0 = np.exp(alpha + beta), np.exp(alpha)
        return a * np.log(p1) + (n1 - a) * np.log1p(-p1) + c * np.log(p0) + (n0 - c) * np.log1p(-p0)

    alpha, h = np.log(m / total), 1e-4
    score = (log_likelihood(h, alpha) - log_likelihood(-h, alpha)) / (2 * h)
    z = (a * total - m * n1) / (total - m)
    assert z == pytest.approx(score, rel=1e-6)
    # Expected information of (beta, alpha) at beta = 0, and what is left of beta's after alpha.
    odds = m / (total - m)
    full = np.array([[n1 * odds, n1 * odds], [n1 * odds, total * odds]])
    assert n1 * n0 * m / (total * (total - m)) == pytest.approx(
        full[0, 0] - full[0, 1] ** 2 / full[1, 1], rel=1e-12
    )
    tables = TwoByTwo(
        exposed_cases=[7, 3, 20, 9], exposed_total=[40, 20, 80, 31],
        control_cases=[21, 9, 25, 8], control_total=[90, 55, 60, 30],
    )  # fmt: skip
    m, n = tables.exposed_cases + tables.control_cases, tables.exposed_total + tables.control_total
    zs = (tables.exposed_cases * n - m * tables.exposed_total) / (n - m)
    vs = tables.exposed_total * tables.control_total * m / (n * (n - m))
    fit = stats.linregress(np.sqrt(vs), zs / np.sqrt(vs))
    ours = harbord_test(tables, measure="RR")
    assert float(ours.bias) == pytest.approx(fit.intercept, rel=1e-10)
    assert float(ours.limit.value) == pytest.approx(np.exp(fit.slope), rel=1e-10)


def test_harbord_of_meta_for_risk_ratios_is_another_number():
    # The records are marked: meta overwrites V by that of equal arms. The day that they agree, docs change.
    record = next(r for r in load("meta")["records"] if r["id"] == "metabias/bcg/RR/Harbord")
    ours = harbord_test(_table(dataset("meta", record)), measure="RR")
    assert abs(float(ours.bias) - number(record["outputs"]["estimate"]["bias"])) > 0.1


def test_moments_of_the_noncentral_law():
    rng = np.random.default_rng(4)
    n1, n0 = rng.integers(1, 60, 40).astype(float), rng.integers(1, 60, 40).astype(float)
    m = np.floor(rng.uniform(0, n1 + n0 + 1))
    ratio = np.exp(rng.normal(0, 1.5, 40))
    mean, variance = table_moments(n1, n0, m, ratio)
    for i in range(40):
        law = stats.nchypergeom_fisher(int(n1[i] + n0[i]), int(n1[i]), int(m[i]), ratio[i])
        assert mean[i] == pytest.approx(law.mean(), rel=1e-8, abs=1e-10)
        assert variance[i] == pytest.approx(law.var(), rel=1e-6, abs=1e-9)
    # At an odds ratio of 1 the central law, in closed form, in large tables too.
    n1, n0, m = np.array([4000.0, 30.0]), np.array([20_000.0, 7.0]), np.array([900.0, 12.0])
    mean, variance = table_moments(n1, n0, m, np.ones(2))
    total = n1 + n0
    assert mean == pytest.approx(m * n1 / total, rel=1e-11)
    assert variance == pytest.approx(n1 * n0 * m * (total - m) / (total**2 * (total - 1)), rel=1e-9)


def test_moments_in_blocks_equal_one_block(monkeypatch):
    rng = np.random.default_rng(9)
    n1, n0 = rng.integers(5, 300, 50).astype(float), rng.integers(5, 300, 50).astype(float)
    m = np.floor(rng.uniform(0, n1 + n0 + 1))
    whole = table_moments(n1, n0, m, np.full(50, 2.0))
    monkeypatch.setattr("analysis.meta.methods.rank_hypergeometric._BLOCK", 400)
    for one, other in zip(whole, table_moments(n1, n0, m, np.full(50, 2.0)), strict=True):
        assert_same(one, other, rel=1e-12)


def _random_tables(shape, seed=0):
    rng = np.random.default_rng(seed)
    n1, n0 = rng.integers(20, 200, shape), rng.integers(20, 200, shape)
    return TwoByTwo(
        exposed_cases=rng.binomial(n1, 0.2),
        exposed_total=n1,
        control_cases=rng.binomial(n0, 0.3),
        control_total=n0,
    )


ALL = {
    "harbord": harbord_test,
    "harbord-rr": lambda t: harbord_test(t, measure="RR"),
    "peters": peters_test,
    "macaskill": macaskill_test,
    "deeks": deeks_test,
    "schwarzer": schwarzer_test,
    "schwarzer-exact": lambda t: schwarzer_test(t, pvalue="exact"),
    "arcsine": arcsine_test,
    "arcsine-begg": lambda t: arcsine_test(t, test="begg"),
    "arcsine-thompson": lambda t: arcsine_test(t, test="thompson-sharp"),
}


@pytest.mark.parametrize("name", ALL)
def test_a_batch_equals_a_loop(name):
    tables = _random_tables((2, 3, 11))
    batch = ALL[name](tables)
    assert batch.shape == (2, 3)
    for index in np.ndindex(2, 3):
        one = ALL[name](tables[index])
        assert_same(batch.statistic[index], one.statistic, rel=1e-8, abs_=1e-12)
        assert_same(batch.pvalue[index], one.pvalue, rel=1e-8)
    assert set(batch.to_frame()["n_studies"]) == {11}


@pytest.mark.parametrize("name", ["harbord", "peters", "arcsine", "schwarzer"])
def test_swapping_groups_turns_the_sign(name):
    tables = _random_tables((12,), seed=3)
    swapped = TwoByTwo(
        exposed_cases=tables.control_cases,
        exposed_total=tables.control_total,
        control_cases=tables.exposed_cases,
        control_total=tables.exposed_total,
    )
    here, there = ALL[name](tables), ALL[name](swapped)
    assert float(there.statistic) == pytest.approx(-float(here.statistic), rel=1e-8)
    assert float(there.pvalue) == pytest.approx(float(here.pvalue), rel=1e-8)


def test_studies_without_cases_do_not_enter_but_stay_in_arcsines():
    tables = _random_tables((6,), seed=5)
    more = TwoByTwo(
        exposed_cases=[*tables.exposed_cases, 0, 15],
        exposed_total=[*tables.exposed_total, 40, 15],
        control_cases=[*tables.control_cases, 0, 25],
        control_total=[*tables.control_total, 30, 25],
    )
    for name in ("harbord", "peters", "macaskill", "deeks", "schwarzer"):
        assert ALL[name](more).n_studies == 6
        assert_same(ALL[name](more).statistic, ALL[name](tables).statistic, rel=1e-9)
    assert arcsine_test(more).n_studies == 8
    assert_same(
        arcsine_test(more, drop_double_zero=True).statistic, arcsine_test(tables).statistic, rel=1e-10
    )


@pytest.mark.parametrize("name", ALL)
def test_too_few_studies_are_refused(name):
    with pytest.raises(ValueError, match="At least 3 studies must enter, but 2 do"):
        ALL[name](_random_tables((2,)))
    with pytest.raises(ValueError, match="but 1 do"):
        ALL[name](_random_tables(()))
    with pytest.raises(TypeError, match="must be TwoByTwo, but got"):
        ALL[name]([1, 2, 3])


def test_bad_arguments_are_refused():
    tables = _random_tables((5,))
    effects = effect_sizes(tables, "OR")
    with pytest.raises(ValueError, match="`measure` must be one of"):
        harbord_test(tables, measure="RD")
    with pytest.raises(ValueError, match=r"`effects` must match the table \(5,\), but has shape \(3,\)"):
        peters_test(tables, effects=EffectSizes(effect=[0, 1, 2], variance=1))
    with pytest.raises(TypeError, match="`effects` must be EffectSizes, but got list"):
        deeks_test(tables, effects=[1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="at index 1 it is nan"):
        peters_test(tables, effects=EffectSizes(effect=[0, np.nan, 2, 1, 3], variance=1))
    with pytest.raises(ValueError, match="`n` must be given with effect sizes"):
        macaskill_test(effects)
    with pytest.raises(ValueError, match="`n` must not be given with tables"):
        macaskill_test(tables, n=[1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="one number for each of the studies"):
        macaskill_test(effects, n=[10, 20])
    with pytest.raises(ValueError, match="belongs to pvalue='normal'"):
        schwarzer_test(tables, pvalue="exact", continuity=True)
    with pytest.raises(ValueError, match="`test` must be one of"):
        arcsine_test(tables, test="harbord")
    equal = TwoByTwo(exposed_cases=[1, 2, 3], exposed_total=20, control_cases=[3, 2, 5], control_total=20)
    with pytest.raises(ValueError, match=r"predictor \(1/N\) must differ between studies, but is 0.025"):
        peters_test(equal)
    with pytest.raises(ValueError, match="must differ between studies"):
        arcsine_test(equal)
    one_sided = TwoByTwo(
        exposed_cases=[0, 0, 0], exposed_total=[20, 30, 40], control_cases=[3, 2, 5], control_total=20
    )
    with pytest.raises(ValueError, match="odds ratio must be finite and greater than 0, but is 0"):
        schwarzer_test(one_sided)
    assert schwarzer_test(one_sided, correction=0.5).n_studies == 3
