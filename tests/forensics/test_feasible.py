import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Reported, feasible_counts, feasible_tables, odds_ratio, risk_ratio

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
