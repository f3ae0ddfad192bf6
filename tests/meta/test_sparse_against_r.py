import numpy as np
import pytest
from scipy.special import chdtrc

from analysis import TwoByTwo, TwoRates
from analysis.meta.sparse import pool_mantel_haenszel, pool_peto
from reference_values import assert_same, dataset, identifier, load, number, numbers, records

# metafor's add, to and drop00, each for the studies' own effects and for the pooled counts; its default.
HALF = {"study_correction": 0.5}
OPTIONS = {
    "default": HALF,
    "nocorrect": HALF,
    "add_all_both": {
        "study_correction": 0.5,
        "study_correct": "all",
        "correction": 0.5,
        "correct": "all",
    },
    "only0_both": {"study_correction": 0.5, "correction": 0.5},
    "none": {},
    "keep00": HALF | {"drop_double_zero": "nowhere"},
    "drop00_both": HALF | {"drop_double_zero": "everywhere"},
    "level90": HALF | {"confidence_level": 0.9},
}
PETO_ALL = {
    kind: {"drop_double_zero": "nowhere"} | {k: v for k, v in OPTIONS[kind].items() if k[:5] == "corre"}
    for kind in ("keep00", "add_all_both", "only0_both")
}
RATIOS = {"OR", "RR", "IRR", "PETO"}


def _data(record):
    columns = dataset("C_mh_peto", record)
    if "x1i" in columns:
        return TwoRates(
            exposed_events=columns["x1i"],
            exposed_time=columns["t1i"],
            control_events=columns["x2i"],
            control_time=columns["t2i"],
        )
    return TwoByTwo.from_cells(
        exposed_cases=columns["ai"],
        exposed_noncases=columns["bi"],
        control_cases=columns["ci"],
        control_noncases=columns["di"],
    )


def _pool(data, measure, **options):
    if measure == "PETO":
        # Peto's effects need no correction of their own: the studies' correction does not exist there.
        return pool_peto(data, **{k: v for k, v in options.items() if not k.startswith("study_")})
    return pool_mantel_haenszel(data, measure=measure, **options)


def _on_scale(values, measure):
    with np.errstate(divide="ignore"):
        return np.log(values) if measure in RATIOS else np.asarray(values)


def _assert_heterogeneity(fit, q, pvalue, i2, h2, *, rows=()):
    # Q of leave-one-out is a difference of nearly equal numbers where one study has all the weight.
    assert_same(fit.q[rows], q, rel=1e-9, abs_=1e-10)
    assert_same(fit.i2[rows], i2, rel=1e-8, abs_=1e-8)
    assert_same(fit.h2[rows], h2, rel=1e-9, abs_=1e-10)
    # One effect to compare is no test: R says P = 1.
    assert_same(fit.q_pvalue[rows], np.where(fit.df[rows] > 0, pvalue, np.nan), rel=1e-7)
    assert (np.where(fit.df[rows] > 0, 1.0, pvalue) == 1).all()


def _kind(record):
    parts = record["id"].split("/")
    return ("PETO" if parts[0] == "rma.peto" else parts[2]), parts[-1]


@pytest.mark.parametrize(
    "record", records("C_mh_peto", "rma.mh/") + records("C_mh_peto", "rma.peto/"), ids=identifier
)
def test_pooled_tables_equal_metafor(record):
    measure, kind = _kind(record)
    expected, data = record["outputs"], _data(record)
    fit = _pool(data, measure, **OPTIONS[kind])
    for name, theirs in (("value", "beta"), ("low", "ci.lb"), ("high", "ci.ub")):
        assert_same(_on_scale(getattr(fit.estimate, name), measure), expected[theirs][0], rel=1e-10)
    assert_same(fit.estimate.std_error, expected["se"][0], rel=1e-11)
    assert_same(fit.estimate.pvalue, expected["pval"][0], rel=1e-9)
    assert fit.n_studies == expected["k"]
    if measure == "PETO" and kind in {"keep00", "add_all_both", "only0_both"}:
        # R sums Q over all studies that were pooled and counts its degrees of freedom over those that have
        # an effect of their own: other studies, where some have no events. Here both are the same.
        every = pool_peto(data, **PETO_ALL[kind])
        assert_same(every.q, expected["QE"], rel=1e-10, abs_=1e-12)
        assert every.n_in_q == expected["k.pos"]
        assert_same(chdtrc(max(expected["k.yi"] - 1, 1), every.q), expected["QEp"], rel=1e-9)
        return
    assert fit.n_in_q == expected["k.yi"]
    _assert_heterogeneity(fit, *(numbers(expected[name]) for name in ("QE", "QEp", "I2", "H2")))


@pytest.mark.parametrize("record", records("C_mh_peto", "rma.mh/"), ids=identifier)
def test_tests_equal_metafor(record):
    measure, kind = _kind(record)
    expected = record["outputs"]
    fit = _pool(_data(record), measure, **OPTIONS[kind])
    correct = kind != "nocorrect"
    for method, code in (("mantel-haenszel", "MH"), ("cochran", "CO")):
        if expected[code] is None:
            continue
        test = fit.association_test(method=method, correct=correct)
        assert_same(test.statistic, expected[code], rel=1e-11)
        assert_same(test.pvalue, expected[f"{code}p"], rel=1e-9)
    for method, code in (("breslow-day", "BD"), ("tarone", "TA")):
        if expected[code] is None:
            continue
        test = fit.homogeneity_test(method=method)
        assert_same(test.statistic, expected[code], rel=1e-10, abs_=1e-12)
        assert_same(test.pvalue, expected[f"{code}p"], rel=1e-9)
        assert test.df == expected["k.pos"] - 1


def _statistics_compared(record):
    return record["outputs"]["MH"] is not None


def test_metafor_has_tests_for_odds_and_rate_ratios_alone():
    """The comparison above skips what R leaves out: it must leave out nothing else."""
    found = {_kind(record)[0] for record in records("C_mh_peto", "rma.mh/", keep=_statistics_compared)}
    without = {
        _kind(record)[0]
        for record in records("C_mh_peto", "rma.mh/", keep=lambda r: not _statistics_compared(r))
    }
    assert (found, without) == ({"OR", "IRR"}, {"RR", "RD", "IRD"})


@pytest.mark.parametrize(
    "record", records("C_mh_peto", "rma.mh/") + records("C_mh_peto", "rma.peto/"), ids=identifier
)
def test_effects_of_the_studies_have_metafors_likelihood(record):
    measure, kind = _kind(record)
    expected = record["outputs"]
    fit = _pool(_data(record), measure, **OPTIONS[kind])
    if measure == "PETO" and kind != "none":
        # R takes the likelihood of effects that were corrected, although Peto's need none, and a Q of others.
        return
    variance = fit.effects.variance[fit.in_q]
    deviations = fit.q if fit.n_in_q > 1 else 0.0
    likelihood = -0.5 * (np.log(2 * np.pi * variance).sum() + deviations)
    if expected["fit_stats"]["ML"]["ll"] is not None:
        assert likelihood == pytest.approx(number(expected["fit_stats"]["ML"]["ll"]), rel=1e-10)
    predicted = expected["predict"]
    assert_same(_on_scale(fit.estimate.value, measure), predicted["pred"], rel=1e-10)
    assert_same(_on_scale(fit.estimate.low, measure), predicted["ci.lb"], rel=1e-10)


@pytest.mark.parametrize(
    "record", records("C_mh_peto", "leave1out/") + records("C_mh_peto", "cumul/"), ids=identifier
)
def test_leave_one_out_and_cumulative_equal_metafor(record):
    name, kind, _, *rest = record["id"].split("/")
    measure = rest[0] if kind == "mh" else "PETO"
    data = _data(record)
    k = data.shape[-1]
    where = np.tri(k, dtype=bool) if name == "cumul" else ~np.eye(k, dtype=bool)
    fit = _pool(data, measure, where=where, **HALF)
    expected = record["outputs"]
    estimate = numbers(expected["estimate"])
    # R gives nothing where the ratio is 0 or infinite; the limits 0 and infinity are what the tables say.
    rows = np.isfinite(estimate)
    for ours, theirs in (("value", "estimate"), ("low", "ci.lb"), ("high", "ci.ub")):
        values = _on_scale(getattr(fit.estimate, ours), measure)[rows]
        assert_same(values, numbers(expected[theirs])[rows], rel=1e-9, abs_=1e-14)
    assert_same(fit.estimate.std_error[rows], numbers(expected["se"])[rows], rel=1e-10)
    assert_same(fit.estimate.pvalue[rows], numbers(expected["pval"])[rows], rel=1e-8)
    assert not np.isfinite(_on_scale(fit.estimate.value[~rows], measure)).any()
    theirs = (numbers(expected[name])[rows] for name in ("Q", "Qp", "I2", "H2"))
    _assert_heterogeneity(fit, *theirs, rows=rows)


@pytest.mark.parametrize("record", records("C_mh_peto", "weights/"), ids=identifier)
def test_weights_equal_metafor(record):
    _, kind, _, *rest = record["id"].split("/")
    fit = _pool(_data(record), rest[0] if kind == "mh" else "PETO", **HALF)
    assert_same(fit.weights, record["outputs"], rel=1e-12)
    assert fit.weights.sum() == pytest.approx(100)


def test_every_record_is_compared():
    compared = {"rma.mh", "rma.peto", "leave1out", "cumul", "weights"}
    assert {record["id"].split("/")[0] for record in load("C_mh_peto")["records"]} == compared
    assert len(records("C_mh_peto")) == len(load("C_mh_peto")["records"])


def _meta_form(record):
    """Return measure, method and increment of meta's call; None if that is not offered."""
    _, _, measure, call = record["id"].split("/")
    method, *changes = call.split(",")
    if method not in {"MH", "Peto"}:
        return None
    # Neither increments by arm size ("TACC") nor the total with one half in place of one ("RR.Cochrane").
    if "incr=TACC" in changes or "RR.Cochrane=TRUE" in changes:
        return None
    exact = method == "Peto" or "MH.exact=TRUE" in changes or record["id"].startswith("metainc")
    correct = "all" if "method.incr=all" in changes else "only-zero"
    return measure, method, {} if exact else {"correction": 0.5, "correct": correct}


def _meta_tables(record):
    columns = dataset("meta", record)
    if "x1i" in columns:
        rates = TwoRates(
            exposed_events=columns["x1i"],
            exposed_time=columns["t1i"],
            control_events=columns["x2i"],
            control_time=columns["t2i"],
        )
        return rates, np.ones(rates.shape, dtype=bool)
    a, b, c, d = (columns[name] for name in ("ai", "bi", "ci", "di"))
    table = TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)
    measure = record["id"].split("/")[2]
    if measure == "RD" or "allstudies" in record["id"]:
        return table, np.ones(table.shape, dtype=bool)
    return table, (a + c > 0) & ((measure == "RR") | (b + d > 0))


META = [
    record
    for family in ("metabin/", "metainc/")
    for record in records("meta", family, keep=lambda record: _meta_form(record) is not None)
]


@pytest.mark.parametrize("record", META, ids=identifier)
def test_common_effect_equals_meta(record):
    measure, method, options = _meta_form(record)
    data, where = _meta_tables(record)
    if method == "Peto":
        fit = pool_peto(data, where=where, **options)
    else:
        variance = "greenland-robins" if measure == "RD" else None
        fit = pool_mantel_haenszel(data, measure=measure, variance=variance, where=where, **options)
    expected = record["outputs"]
    assert_same(fit.estimate.std_error, expected["seTE.common"], rel=1e-10)
    value = _on_scale(fit.estimate.value, measure)
    if measure == "RD" and options:
        # meta averages the risk differences of the tables as they are with weights of the corrected ones.
        raw = data.exposed_cases / data.exposed_total - data.control_cases / data.control_total
        value = (fit.weights * raw).sum() / 100
    assert_same(value, expected["TE.common"], rel=1e-10)
