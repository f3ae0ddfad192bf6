"""Which method printed an interval: each method's own interval, rounded, is found again."""

import numpy as np
import pytest

from analysis import (
    Proportion,
    Rate,
    Reported,
    TwoByTwo,
    TwoRates,
    incidence_rate,
    odds_ratio,
    prevalence,
    rate_difference,
    rate_ratio,
    risk_difference,
    risk_ratio,
)
from analysis.errors import ConvergenceError
from analysis.forensics import interval_method
from analysis.forensics.interval_method import FUNCTIONS, identify_interval_method

TABLE = TwoByTwo(exposed_cases=14, exposed_total=66, control_cases=7, control_total=79)
DATA = {
    "OR": (TABLE, odds_ratio),
    "RR": (TABLE, risk_ratio),
    "RD": (TABLE, risk_difference),
    "PR": (Proportion(events=229, total=424), prevalence),
    "IR": (Rate(events=17, person_time=212.5), incidence_rate),
    "IRR": (
        TwoRates(exposed_events=17, exposed_time=212.5, control_events=9, control_time=305.0),
        rate_ratio,
    ),
    "IRD": (
        TwoRates(exposed_events=17, exposed_time=212.5, control_events=9, control_time=305.0),
        rate_difference,
    ),
}
EVERY = [(measure, method) for measure, (_, _, methods) in FUNCTIONS.items() for method in methods]


@pytest.mark.parametrize(("measure", "method"), EVERY)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_every_method_finds_its_own_interval_and_no_other_to_four_digits(measure, method, level):
    data, function = DATA[measure]
    estimate = function(data, method=method, confidence_level=level)
    numbers = [float(x) for x in (estimate.value, estimate.low, estimate.high)]
    text = "{:.4f} [{:g}% CI {:.4f} to {:.4f}]".format(numbers[0], 100 * level, *numbers[1:])
    found = identify_interval_method(data, text, measure=measure)
    assert method in found.methods
    # Whatever else is named gives the same limits to the printed digits.
    for fit in found.fits:
        away = max(abs(fit.low - numbers[1]), abs(fit.high - numbers[2]))
        assert away < 2e-4 if fit.fits else away > 1e-12
        assert fit.confidence_level == pytest.approx(level, abs=2e-3)


def test_published_intervals():
    men = TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020)
    assert "woolf" in identify_interval_method(men, "6.75 (4.77-9.55)", measure="OR").methods
    mitra = TwoByTwo(exposed_cases=11, exposed_total=66, control_cases=1, control_total=39)
    nothing = identify_interval_method(mitra, "5.92 (1.4-23.8)")
    assert nothing.methods == ()
    # Every method of three measures at three levels.
    assert len(nothing.fits) == 3 * sum(len(FUNCTIONS[m][2]) for m in ("OR", "RR", "RD"))
    assert str(nothing) == f"5.92 (1.4-23.8): none of {len(nothing.fits)} intervals rounds to it."
    assert str(identify_interval_method(mitra, "7.60 (0.94-61.4)")) == "7.60 (0.94-61.4): OR woolf (95 %)."


def test_percent_signs_and_cut_off_decimals():
    assert "wilson" in identify_interval_method(DATA["PR"][0], "54.0% (49.3%-58.7%)").methods
    # Wilson's limits are 49.25 and 58.69 %.
    limits = prevalence(DATA["PR"][0])
    cut = f"54.0% ({np.floor(1000 * limits.low) / 10:.1f}%-{np.floor(1000 * limits.high) / 10:.1f}%)"
    found = identify_interval_method(DATA["PR"][0], cut, methods=["wilson"])
    assert [fit.rounding for fit in found.fits] == ["truncation"]
    assert str(found).endswith("PR wilson (95 %, cut off).")


def test_other_levels_are_tried_where_none_is_printed():
    ninety = odds_ratio(TABLE, confidence_level=0.9)
    text = f"{ninety.value:.3f} ({ninety.low:.3f}-{ninety.high:.3f})"
    found = identify_interval_method(TABLE, text, measure="OR", methods=["woolf"])
    assert [fit.confidence_level for fit in found.fits if fit.fits] == [0.9]
    assert identify_interval_method(TABLE, text, measure="OR", confidence_levels=[0.95]).methods == ()


def test_limits_with_the_quantile_1_96():
    table = TwoByTwo(exposed_cases=425, exposed_total=2067, control_cases=34, control_total=307)
    se = np.sqrt(1 / 425 + 1 / 1642 + 1 / 34 + 1 / 273)
    value = 425 * 273 / (1642 * 34)
    low, high = value * np.exp(-1.96 * se), value * np.exp(1.96 * se)
    found = identify_interval_method(table, f"{value:.2f} ({low:.5f}-{high:.5f})", measure="OR")
    assert found.methods[0] == "woolf"
    assert 0.95 < found.fits[0].confidence_level < 0.95001


def test_corrections_are_tried_on_tables_with_an_empty_cell():
    empty = TwoByTwo(exposed_cases=0, exposed_total=20, control_cases=5, control_total=20)
    half = odds_ratio(empty, correction=0.5)
    found = identify_interval_method(
        empty, f"{half.value:.3f} ({half.low:.4f}-{half.high:.3f})", measure="OR"
    )
    assert ("woolf", 0.5) in [(fit.method, fit.correction) for fit in found.fits if fit.fits]
    assert ", 0.5 added" in str(found)


def test_any_of_many_tables():
    tables = TwoByTwo(exposed_cases=np.arange(10, 20), exposed_total=66, control_cases=7, control_total=79)
    woolf = odds_ratio(TABLE)
    text = f"{woolf.value:.2f} ({woolf.low:.2f}-{woolf.high:.2f})"
    found = identify_interval_method(tables, text, measure="OR", methods=["woolf"])
    assert (found.fits[0].n_tables, found.fits[0].value) == (1, float(woolf.value))
    assert found.to_frame()["fits"].tolist() == [True]
    # The limits decide which table is shown, not the estimate, here that of 15 exposed cases.
    other = f"{odds_ratio(tables).value[5]:.2f} ({woolf.low:.2f}-{woolf.high:.2f})"
    fit = identify_interval_method(tables, other, measure="OR", methods=["woolf"]).fits[0]
    assert (fit.low, fit.fits_value, fit.n_tables) == (float(woolf.low), False, 1)


def test_a_method_that_does_not_converge_is_named(monkeypatch):
    def fail(*_args, **_options):
        raise ConvergenceError("no end")

    entry = FUNCTIONS["PR"]
    monkeypatch.setitem(interval_method.FUNCTIONS, "PR", (entry[0], fail, ("wilson",)))
    found = identify_interval_method(DATA["PR"][0], "54% (49-59)", confidence_levels=[0.95])
    assert found.not_computed == ("PR wilson: no end",)
    assert found.methods == ()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"reported": "1.83"}, ValueError, "`reported` must print an interval, but got '1.83'"),
        ({"reported": 1.83}, TypeError, "`reported` must be printed text or a Reported, but got 1.83"),
        ({"table": 5}, TypeError, "`table` must be a TwoByTwo, .* but got int"),
        ({"measure": "PR"}, ValueError, "`measure` must be one of 'OR', 'RR', 'RD', but got 'PR'"),
        ({"methods": ["wolf"]}, ValueError, "`methods` must be one of .* Did you mean 'woolf'"),
        ({"confidence_levels": [95]}, ValueError, "`confidence_level` must be between 0 and 1"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    given = {"table": TABLE, "reported": Reported("1.83 (1.58-2.11)")} | arguments
    with pytest.raises(error, match=message):
        identify_interval_method(given.pop("table"), given.pop("reported"), **given)
