import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import (
    Reported,
    TwoByTwo,
    feasible_counts,
    feasible_tables,
    odds_ratio,
    risk_difference,
    risk_ratio,
)
from analysis.forensics.feasible import feasible_set
from analysis.forensics.methods import table_search
from analysis.forensics.methods.printed_table import MEASURES, read_printed
from analysis.forensics.methods.table_conflict import recomputed
from analysis.forensics.methods.table_search import Found
from analysis.forensics.methods.table_tests import PVALUES, STATISTICS
from analysis.measures.methods.cells import Cells
from analysis.values.text import round_half_up

SHARIF = {"exposed_total": 5476, "exposed_risk": "4.7%", "control_total": 27657, "control_risk": "2.8%"}


def test_counts_behind_published_percentages():
    # Lange 2005 prints n = 84; 9.2, 5, 11.8 and 30.3 % fit 76 and not 84.
    printed = ("9.2%", "11.8%", "30.3%")
    assert [len(feasible_counts(text, total=84)) for text in printed] == [0, 0, 0]
    assert [feasible_counts(text, total=76).events.tolist() for text in printed] == [[7], [9], [23]]
    # Vasdev 2011 prints 160 controls; 1.84 and 1.23 % fit 163 alone between 100 and 200.
    fits = [
        n
        for n in range(100, 201)
        if len(feasible_counts("1.84%", total=n)) and len(feasible_counts("1.23%", total=n))
    ]
    assert fits == [163]


def test_sharif_crude_risk_ratio_is_a_range_without_the_printed_ratio():
    tables = feasible_tables(**SHARIF)
    ratio = risk_ratio(tables).value
    assert len(tables) == 168
    assert (tables.exposed_cases.min(), tables.exposed_cases.max()) == (255, 260)
    assert (tables.control_cases.min(), tables.control_cases.max()) == (761, 788)
    assert (ratio.min().round(2), ratio.max().round(2)) == (1.63, 1.73)
    assert not Reported("1.83").value.contains(ratio).any()
    assert len(feasible_tables(**SHARIF, risk_ratio="1.83")) == 0
    assert 0 < len(feasible_tables(**SHARIF, risk_ratio="1.68")) < 168


ratios = st.sampled_from(["1.2", "0.5", "2", "0.33", ">3", "<0.5", "7.1", "0", "1.00"])
risks = st.sampled_from([None, "20%", "33%", "5%", "0%", "100%", ">50%"])


@given(
    n1=st.integers(1, 25), n0=st.integers(1, 25), ratio=ratios, risk=risks, kind=st.sampled_from(["RR", "OR"])
)
def test_tables_are_exactly_those_of_a_search_by_hand(n1, n0, ratio, risk, kind):
    name = {"RR": "risk_ratio", "OR": "odds_ratio"}[kind]
    found = feasible_tables(exposed_total=n1, control_total=n0, exposed_risk=risk, **{name: ratio})
    interval = Reported(ratio).value
    by_hand = []
    for a in range(n1 + 1):
        if risk is not None and not Reported(risk).value.contains_ratio(a, n1):
            continue
        for c in range(n0 + 1):
            top, bottom = (a * n0, c * n1) if kind == "RR" else (a * (n0 - c), (n1 - a) * c)
            if bottom and interval.contains_ratio(top, bottom):
                by_hand.append((a, c))
    assert list(zip(found.exposed_cases, found.control_cases, strict=True)) == by_hand


def test_a_family_of_case_control_tables():
    tables = feasible_tables(exposed_total=3253, control_total=32530, odds_ratio="2.93")
    value = odds_ratio(tables).value
    assert len(tables) > 50_000
    assert Reported("2.93").value.contains(value).all()


def test_a_measure_of_no_table_is_empty():
    empty = feasible_tables(**SHARIF, risk_ratio="1.83")
    assert risk_ratio(empty).value.shape == (0,)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"exposed_total": 0}, ValueError, "`exposed_total` must be a whole number of at least 1, but got 0"),
        ({"control_total": 10.5}, ValueError, "`control_total` must be a whole number"),
        ({"control_total": "10"}, ValueError, "`control_total` must be a whole number"),
        ({"exposed_risk": "four"}, ValueError, "`exposed_risk` must be a printed number, but got 'four'"),
        ({"exposed_risk": 4.7}, TypeError, "`exposed_risk` must be the printed text, but got 4.7"),
        (
            {"exposed_risk": None, "control_risk": None},
            ValueError,
            "allow about 1.5e.08 tables.*Give a further",
        ),
    ],
)
def test_bad_input_is_named(changed, error, message):
    with pytest.raises(error, match=message):
        feasible_tables(**(SHARIF | changed))


def test_arrays_are_plain_counts():
    counts = feasible_counts("4.7%", total=5476)
    assert counts.total.tolist() == [5476.0] * 6
    assert np.issubdtype(counts.events.dtype, np.floating)


FUNCTIONS = {"risk_ratio": risk_ratio, "odds_ratio": odds_ratio, "risk_difference": risk_difference}
BY_NAME = {"conditional-exact", "conditional-mid-p", "baptista-pike", "baptista-pike-mid-p"}


def table_of(a, n1, c, n0):
    return TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0)


def with_interval(measure, table, digits, **options):
    """Return what a paper prints of a table, or None where the limits are infinite or out of order."""
    estimate = FUNCTIONS[measure](table, **options)
    numbers = [estimate.value.item(), estimate.low.item(), estimate.high.item()]
    if not np.isfinite(numbers).all():
        return None
    value, low, high = (round_half_up(number, digits) for number in numbers)
    return f"{value} ({low} to {high})" if float(low) <= float(value) <= float(high) else None


def tuples(tables):
    columns = (tables.exposed_total, tables.exposed_cases, tables.control_total, tables.control_cases)
    return list(zip(*(column.astype(int).tolist() for column in columns), strict=True))


def by_hand(kwargs, everything):
    """Return those of all tables that round to every number, checked without any bound."""
    n1, a, n0, c = (np.array(column) for column in zip(*everything, strict=True))
    good = np.ones(a.shape, dtype=bool)
    for measure, function in FUNCTIONS.items():
        if measure in kwargs:
            printed, method = Reported(kwargs[measure]), kwargs[f"{measure}_method"]
            estimate = function(table_of(a, n1, c, n0), method=method)
            crude = {
                "risk_ratio": (a * n0, c * n1),
                "odds_ratio": (a * (n0 - c), (n1 - a) * c),
                "risk_difference": (a * n0 - c * n1, n1 * n0),
            }[measure]
            own_value = method not in {"log", "woolf", "wald", "koopman", "newcombe"}
            good &= (
                printed.value.contains(estimate.value) if own_value else printed.value.contains_ratio(*crude)
            )
            if printed.low is not None:
                good &= printed.low.contains(estimate.low) & printed.high.contains(estimate.high)
    for name, part, whole in (("exposed_risk", a, n1), ("control_risk", c, n0), ("risk", a + c, n1 + n0)):
        if name in kwargs:
            good &= Reported(kwargs[name]).value.contains_ratio(part, whole)
    for name, count in (("cases", a + c), ("total", n1 + n0)):
        good &= count == kwargs.get(name, count)
    cells = Cells(*(x.astype(float) for x in (a, n1 - a, c, n0 - c)))
    for name, test, known in (("pvalue", "test", PVALUES), ("chi_square", "chi_square_test", STATISTICS)):
        if name in kwargs:
            with np.errstate(all="ignore"):
                good &= Reported(kwargs[name]).value.contains(known[kwargs[test]](cells))
    return [row for row, kept in zip(everything, good, strict=True) if kept]


METHODS = [
    ("risk_ratio", "log"),
    ("risk_ratio", "adjusted-log"),
    ("risk_ratio", "price-bonett"),
    ("risk_ratio", "koopman"),
    ("odds_ratio", "woolf"),
    ("odds_ratio", "gart"),
    ("odds_ratio", "independence-smoothed"),
    ("odds_ratio", "adjusted-inverse-sinh"),
    ("risk_difference", "wald"),
    ("risk_difference", "newcombe"),
]


@given(data=st.data())
def test_every_kind_of_number_gives_what_a_search_by_hand_gives(data):
    n1, n0 = data.draw(st.integers(2, 9)), data.draw(st.integers(2, 9))
    a, c = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n0))
    measure, method = data.draw(st.sampled_from(METHODS))
    kwargs = {"exposed_total": n1, "control_total": n0}
    if data.draw(st.booleans()):
        kwargs["exposed_total"] = (max(1, n1 - 1), n1 + 1)
    if data.draw(st.booleans()):
        kwargs |= {"control_total": (max(1, n0 - 2), n0), "total": n1 + n0}
    text = with_interval(measure, table_of(a, n1, c, n0), data.draw(st.integers(0, 2)), method=method)
    if text is not None:
        text = text if data.draw(st.booleans()) else text.partition(" ")[0]
        kwargs |= {measure: text, f"{measure}_method": method}
    extra = data.draw(
        st.sampled_from(["exposed_risk", "control_risk", "risk", "cases", "pvalue", "chi_square"])
    )
    cells = Cells(*(np.array([float(x)]) for x in (a, n1 - a, c, n0 - c)))
    with np.errstate(all="ignore"):
        test, chi = data.draw(st.sampled_from(list(PVALUES))), data.draw(st.sampled_from(list(STATISTICS)))
        p, statistic = PVALUES[test](cells)[0], STATISTICS[chi](cells)[0]
    if extra.endswith("risk"):
        share = {"exposed_risk": a / n1, "control_risk": c / n0, "risk": (a + c) / (n1 + n0)}[extra]
        kwargs[extra] = f"{round_half_up(share, 0, percent=True)}%"
    elif extra == "cases":
        kwargs["cases"] = a + c
    elif extra == "pvalue" and np.isfinite(p):
        kwargs |= {"pvalue": round_half_up(p, 2), "test": test}
    elif extra == "chi_square" and np.isfinite(statistic):
        kwargs |= {"chi_square": round_half_up(statistic, 1), "chi_square_test": chi}
    sizes = [
        range(x[0], x[1] + 1) if isinstance(x, tuple) else [x]
        for x in (kwargs["exposed_total"], kwargs["control_total"])
    ]
    everything = [
        (m, x, n, y) for m in sizes[0] for x in range(m + 1) for n in sizes[1] for y in range(n + 1)
    ]
    assert tuples(feasible_tables(**kwargs)) == by_hand(kwargs, everything)


@pytest.mark.parametrize(
    ("measure", "method"), [("risk_ratio", "log"), ("odds_ratio", "woolf"), ("risk_difference", "wald")]
)
@pytest.mark.parametrize("digits", [0, 1, 2])
def test_every_table_of_two_arms_printed_and_listed(measure, method, digits):
    everything = [(11, a, 9, c) for a in range(12) for c in range(10)]
    texts = {with_interval(measure, table_of(a, n1, c, n0), digits) for n1, a, n0, c in everything} - {None}
    assert len(texts) > 3
    for text in texts:
        for shown in (text, text.partition(" ")[0]):
            kwargs = {"exposed_total": 11, "control_total": 9, measure: shown, f"{measure}_method": method}
            assert tuples(feasible_tables(**kwargs)) == by_hand(kwargs, everything), shown


def test_an_arm_that_is_not_printed_is_found_from_the_total():
    found = feasible_tables(total=243, exposed_risk="28.75%", control_risk="1.84%")
    assert (80, 23, 163, 3) in tuples(found)
    assert set(found.exposed_total + found.control_total) == {243.0}
    with pytest.raises(ValueError, match="`control_total` is not given: give it, or a range"):
        feasible_tables(exposed_total=80, exposed_risk="28.75%")


def test_a_printed_count_counts():
    found = feasible_tables(exposed_total="n = 424", exposed_risk="229/424 (54%)", control_total=3)
    assert set(found.exposed_cases) == {229.0}
    assert len(found) == 4
    refused = feasible_set(exposed_total=400, exposed_risk="229/424 (54%)", control_total=3)
    assert refused.conflict == ("exposed_risk of",)


@pytest.mark.parametrize("measure", ["odds_ratio", "risk_difference"])
def test_the_mirror_solution_is_found_and_named(measure):
    # With arms of one size, exchanging cases and non-cases and the arms gives the same ratio and interval.
    text = with_interval(measure, table_of(40, 200, 22, 200), 3)
    found = feasible_set(exposed_total=200, control_total=200, **{measure: text})
    assert (200, 40, 200, 22) in tuples(found.tables[~found.mirror])
    assert (200, 178, 200, 160) in tuples(found.tables[found.mirror])
    assert found.mirror.sum() * 2 == len(found)
    assert "Mirror solution: " in str(found)
    assert found.to_frame()["mirror"].sum() == found.mirror.sum()


@pytest.mark.parametrize(("measure", "digits"), [("odds_ratio", 1), ("risk_difference", 2)])
def test_the_two_solutions_are_images_of_one_another(measure, digits):
    # Also where they nearly touch.
    text = with_interval(measure, table_of(56, 120, 46, 120), digits)
    found = feasible_set(exposed_total=120, control_total=120, **{measure: text})
    plain, mirror = tuples(found.tables[~found.mirror]), tuples(found.tables[found.mirror])
    assert len(mirror) > 2
    # With equal arms, a table with half of all persons as cases is its own image.
    assert {(120, 120 - c, 120, 120 - a) for _, a, _, c in plain if a + c != 120} == {
        row for row in mirror if row[1] + row[3] != 120
    }


def test_a_risk_ratio_has_no_mirror():
    text = with_interval("risk_ratio", table_of(40, 200, 22, 200), 3)
    assert not feasible_set(exposed_total=200, control_total=200, risk_ratio=text).mirror.any()


def test_a_mistyped_limit_empties_the_set_and_is_named():
    arms = {"exposed_total": 100, "control_total": 90}
    assert tuples(feasible_tables(**arms, odds_ratio="1.93 (0.98-3.80)")) == [(100, 31, 90, 17)]
    found = feasible_set(**arms, odds_ratio="1.93 (0.98-3.08)", exposed_risk="31%")
    assert len(found) == 0
    assert "odds_ratio high" in found.conflict
    assert found.relieved_by == ("odds_ratio high",)
    assert "Without odds_ratio high the other numbers fit." in str(found)


@pytest.mark.parametrize(
    "numbers",
    [
        {"odds_ratio": "1.93 (0.98-3.08)", "exposed_risk": "31%"},
        {"odds_ratio": "1.93 (0.98-3.80)", "exposed_risk": "35%", "pvalue": "<0.001"},
        {"risk_ratio": "1.64 (0.98-2.76)", "risk_difference": "0.30", "cases": 48},
        {"control_risk": "18.4%"},
        {"chi_square": "4.9", "chi_square_test": "pearson", "cases": 48, "exposed_risk": "31%"},
    ],
)
def test_conflict_is_minimal_and_the_nearest_table_is_the_nearest(numbers):
    arms = {"exposed_total": 100, "control_total": 90}
    found = feasible_set(**arms, **numbers)
    assert len(found) == 0
    assert found.minimal
    table = read_of(arms | numbers)
    assert table_search.exists(table.only(found.conflict)) is False
    for name in found.conflict:
        assert table_search.exists(table.only(set(found.conflict) - {name}))
    for name in found.printed:
        others = table.only(set(found.printed) - {name})
        assert (name in found.relieved_by) == bool(table_search.exists(others))
    a, c = (x.ravel() for x in np.meshgrid(np.arange(101), np.arange(91), indexing="ij"))
    everything = Found(np.full(a.size, 100), a, np.full(a.size, 90), c)
    worst = np.stack(list(recomputed(table, everything)[1].values())).max(axis=0)
    assert max(found.deviations.values()) == worst.min()
    assert max(found.deviations.values()) > 0
    assert len(found.to_frame()) == len(found.printed)
    assert "Nearest: " in str(found)


def read_of(kwargs):
    def several(*names):
        return {name: kwargs.get(name) for name in names}

    return read_printed(
        totals=several("exposed_total", "control_total", "total"),
        cases=several("exposed_cases", "control_cases", "cases"),
        risks=several("exposed_risk", "control_risk", "risk"),
        measures=several(*MEASURES),
        methods={name: kwargs.get(f"{name}_method") for name in MEASURES},
        tests=several("pvalue", "chi_square"),
        choices={"test": kwargs.get("test", "any"), "chi_square_test": kwargs.get("chi_square_test", "any")},
        confidence_level=0.95,
    )


def test_vasdev_controls_fit_163_and_no_other():
    printed = {"exposed_total": 80, "exposed_risk": "28.75%", "control_risk": "1.84%"}
    found = feasible_set(**printed, control_total=160)
    assert found.conflict == ("control_risk",)
    assert "3/160, which gives control_risk 0.01875" in str(found)
    assert set(feasible_tables(**printed, control_total=(100, 200)).control_total) == {163.0}


def test_any_method_holds_each_of_them():
    arms = {"exposed_total": 40, "control_total": 35}
    for measure, known in MEASURES.items():
        for method in set(known) - BY_NAME:
            text = with_interval(measure, table_of(11, 40, 5, 35), 3, method=method)
            if text is None:
                continue
            named = tuples(feasible_tables(**arms, **{measure: text, f"{measure}_method": method}))
            whichever = tuples(feasible_tables(**arms, **{measure: text, f"{measure}_method": "any"}))
            assert (40, 11, 35, 5) in named, (measure, method)
            assert set(named) <= set(whichever)


def tables_of_changed(arms, text):
    """Return the tables of a changed text; limits that are not around the estimate are seen without any."""
    try:
        Reported(text)
    except ValueError:
        return ()
    return feasible_tables(**arms, odds_ratio=text)


def test_the_true_table_is_always_in_the_set_and_a_changed_digit_is_mostly_seen():
    rng = np.random.default_rng(2026)
    seen = changed = missing = 0
    for _ in range(1000):
        n1, n0 = (int(n) for n in rng.integers(30, 600, 2))
        p0 = rng.uniform(0.05, 0.6)
        a, c = int(rng.binomial(n1, min(0.9, p0 * rng.uniform(0.6, 1.8)))), int(rng.binomial(n0, p0))
        text = with_interval("odds_ratio", table_of(a, n1, c, n0), 2)
        if text is None or 0 in (a, c, n1 - a, n0 - c):
            continue
        arms = {"exposed_total": n1, "control_total": n0}
        missing += (n1, a, n0, c) not in tuples(feasible_tables(**arms, odds_ratio=text))
        places = [i for i, character in enumerate(text) if character.isdigit()]
        place = int(rng.choice(places))
        digit = str(rng.choice([d for d in "0123456789" if d != text[place]]))
        found = tables_of_changed(arms, text[:place] + digit + text[place + 1 :])
        changed += 1
        seen += len(found) == 0
    assert missing == 0
    assert changed > 900
    # The simulation of 10 000 tables in benchmarks/feasible.py measures the share.
    assert 0.7 < seen / changed < 1


def test_ties_fall_as_the_rounding_rule_says():
    # 1/8 is 12.5 %: half-up prints 13, half-even 12, truncation 12.
    arms = {"exposed_total": 8, "control_total": 8}
    sets = {
        rounding: set(feasible_tables(**arms, exposed_risk=Reported("13%", rounding=rounding)).exposed_cases)
        for rounding in ("half-up", "half-even", "truncation")
    }
    assert sets == {"half-up": {1.0}, "half-even": set(), "truncation": set()}


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"odds_ratio": "1.2", "odds_ratio_method": "wolf"}, "`odds_ratio_method` must be one of.*'woolf'"),
        ({"pvalue": "0.03", "test": "fischer"}, "`test` must be one of.*Did you mean 'fisher'"),
        ({"pvalue": "0.03", "test": ()}, "`test` must name at least one"),
        ({"exposed_total": (9, 3)}, r"`exposed_total` must be \(first, last\) in ascending order"),
        ({"exposed_total": (1, 2, 3)}, r"`exposed_total` must be a count or \(first, last\)"),
        ({"exposed_total": 10**12}, "`exposed_total` must be at most"),
        ({"exposed_cases": -1}, "`exposed_cases` must be a whole number of at least 0"),
        ({"exposed_total": (1, 20_000), "control_total": (1, 20_000)}, "exposed arms and control totals"),
        ({"odds_ratio": "1.2", "confidence_level": 95}, "`confidence_level` must be between 0 and 1"),
        (
            {
                "exposed_total": 3000,
                "control_total": 3000,
                "odds_ratio": "1 (0-9)",
                "odds_ratio_method": "mid-p",
            },
            "More than 200000 tables would go through 'mid-p'",
        ),
    ],
)
def test_bad_numbers_are_named(kwargs, match):
    with pytest.raises(ValueError, match=match):
        feasible_tables(**({"exposed_total": 10, "control_total": 10} | kwargs))


def test_an_unknown_number_is_named():
    with pytest.raises(ValueError, match="`printed` must be one of.*but got 'hazard_ratio'"):
        feasible_set(exposed_total=10, control_total=10, hazard_ratio="1.2")
