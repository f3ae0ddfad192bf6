"""Selection bias against episensr, against selecting persons, and at the edges."""

import numpy as np
import pytest

from analysis import EffectSizes, Estimate, TwoByTwo, TwoRates, odds_ratio, risk_ratio
from analysis.bias.methods.collider import through_binary
from analysis.bias.selection import (
    adjust_selection,
    bias_adjust_selection,
    m_bias_factor,
    selection_bias_factor,
)
from reference_values import assert_same, identifier, records

MELANOMA = TwoByTwo.from_cells(
    exposed_cases=136, control_cases=107, exposed_noncases=297, control_noncases=165
)
KINDS = ("exposed_cases", "control_cases", "exposed_noncases", "control_noncases")  # as episensr orders them
STANG = dict(zip(KINDS, (0.94, 0.85, 0.64, 0.25), strict=True))


def table_of(matrix):
    (a, c), (b, d) = matrix["rows"]
    return TwoByTwo.from_cells(exposed_cases=a, control_cases=c, exposed_noncases=b, control_noncases=d)


@pytest.mark.parametrize("record", records("episensr", "selection/"), ids=identifier)
def test_episensr(record):
    outputs = record["outputs"]
    table, parameters = table_of(record["inputs"]["tab"]), record["inputs"]["bp"]
    given = (
        {"bias_factor": parameters} if np.ndim(parameters) == 0 else dict(zip(KINDS, parameters, strict=True))
    )
    ratio = bias_adjust_selection(table, measure="RR", **given)
    odds = bias_adjust_selection(table, measure="OR", **given)
    assert_same([ratio.adjusted.value, odds.adjusted.value], np.ravel(outputs["adj.measures"]["rows"]))
    assert_same(odds.shift, outputs["selbias.or"][0])
    if np.ndim(parameters):
        assert_same(selection_bias_factor(**given), outputs["selbias.or"][0])
        got = [getattr(odds.table, name) for name in KINDS]
        assert_same(got, np.ravel(outputs["corr.data"]["rows"]))


def test_episensr_grid_of_factors():
    (record,) = records("episensr", "multidimBias/selection")
    factors, expected = np.array(record["outputs"]["adj.measures"]["rows"]).T
    result = bias_adjust_selection(table_of(record["inputs"]["tab"]), bias_factor=factors, measure="OR")
    assert_same(result.adjusted.value, expected)


@pytest.mark.parametrize("record", records("episensr", "mbias/"), ids=identifier)
def test_m_bias(record):
    *causes, observed = record["inputs"]["or"]
    names = ("first_cause_exposure", "first_cause_collider", "second_cause_collider", "second_cause_outcome")
    factor = m_bias_factor(**dict(zip(names, causes, strict=True)))
    assert_same(factor, record["outputs"]["mbias.parms"][2])
    assert_same(observed / factor, record["outputs"]["adj.measures"][0])


def test_m_bias_is_the_largest_that_a_binary_cause_makes():
    # Over all prevalences of a binary cause the odds ratio between its two neighbours reaches the bound, and
    # never passes it.
    first, second = 5.4, 2.5
    shares, base = np.linspace(0.01, 0.99, 99), np.geomspace(1e-4, 1e4, 161)
    share, left, right = np.meshgrid(shares, base, base, indexing="ij")
    p1 = left * first / (1 + left * first), left / (1 + left)
    p2 = right * second / (1 + right * second), right / (1 + right)
    weight = share, 1 - share
    both = sum(w * a * b for w, a, b in zip(weight, p1, p2, strict=True))
    neither = sum(w * (1 - a) * (1 - b) for w, a, b in zip(weight, p1, p2, strict=True))
    only1 = sum(w * a * (1 - b) for w, a, b in zip(weight, p1, p2, strict=True))
    only2 = sum(w * (1 - a) * b for w, a, b in zip(weight, p1, p2, strict=True))
    largest = float((both * neither / (only1 * only2)).max())
    bound = float(through_binary(np.asarray(first), np.asarray(second)))
    assert 0.999 * bound < largest <= bound * (1 + 1e-9)


def test_selecting_again_returns_the_table():
    whole = adjust_selection(MELANOMA, **STANG)
    for name, chance in STANG.items():
        assert_same(getattr(whole, name) * chance, getattr(MELANOMA, name), rel=1e-15)


def test_selection_of_everyone_alike_changes_no_estimate():
    same = dict.fromkeys(KINDS, 0.3)
    for measure in ("RR", "OR", "RD"):
        result = bias_adjust_selection(MELANOMA, measure=measure, **same)
        for part in ("value", "low", "high", "std_error"):
            assert_same(getattr(result.adjusted, part), getattr(result.observed, part), rel=1e-12)
    assert_same(selection_bias_factor(**same), 1.0)
    one = bias_adjust_selection(MELANOMA, bias_factor=1)
    assert_same(one.adjusted.low, risk_ratio(MELANOMA).low)


def test_odds_ratio_keeps_its_standard_error():
    result = bias_adjust_selection(MELANOMA, measure="OR", **STANG)
    assert_same(result.adjusted.std_error, odds_ratio(MELANOMA).std_error)


def test_a_published_odds_ratio_is_divided_as_its_table():
    published = odds_ratio(MELANOMA)
    by_table = bias_adjust_selection(MELANOMA, measure="OR", **STANG)
    by_ratio = bias_adjust_selection(published, **STANG)
    for part in ("value", "low", "high"):
        assert_same(getattr(by_ratio.adjusted, part), getattr(by_table.adjusted, part), rel=1e-12)
    assert by_ratio.table is None
    hazard = EffectSizes.from_estimates([1.83], [1.58], [2.11], measure="HR").interval()
    assert_same(bias_adjust_selection(hazard, bias_factor=1.2).adjusted.value, [1.83 / 1.2])


def test_rates():
    rates = TwoRates(exposed_events=60, exposed_time=4000, control_events=40, control_time=9000)
    result = bias_adjust_selection(rates, **STANG)
    assert result.adjusted.measure == "IRR"
    assert_same(result.shift, selection_bias_factor(**STANG))


def test_what_is_refused():
    with pytest.raises(TypeError, match="got 0 probabilities and no factor"):
        bias_adjust_selection(MELANOMA)
    with pytest.raises(TypeError, match="got 1 probabilities"):
        bias_adjust_selection(MELANOMA, exposed_cases=0.5)
    with pytest.raises(TypeError, match="got 4 probabilities and a factor"):
        bias_adjust_selection(MELANOMA, **STANG, bias_factor=2)
    with pytest.raises(ValueError, match="`exposed_cases` must be between 0 and 1, but got 1.5"):
        adjust_selection(MELANOMA, **(STANG | {"exposed_cases": 1.5}))
    with pytest.raises(ValueError, match="`control_cases` must be greater than 0, but got 0"):
        adjust_selection(MELANOMA, **(STANG | {"control_cases": 0}))
    with pytest.raises(ValueError, match="`bias_factor` must be a number greater than 0"):
        bias_adjust_selection(MELANOMA, bias_factor=0)
    with pytest.raises(ValueError, match="divides a ratio, but the measure is 'RD'"):
        bias_adjust_selection(MELANOMA, bias_factor=2, measure="RD")
    ratio = risk_ratio(MELANOMA)
    with pytest.raises(ValueError, match="give the table, or `bias_factor`"):
        bias_adjust_selection(ratio, **STANG)
    with pytest.raises(ValueError, match="`measure` must be that of the estimate"):
        bias_adjust_selection(ratio, bias_factor=2, measure="OR")
    with pytest.raises(ValueError, match="`first_cause_exposure` must be a number greater than 0"):
        m_bias_factor(
            first_cause_exposure=-1,
            first_cause_collider=1,
            second_cause_collider=1,
            second_cause_outcome=1,
        )
    assert isinstance(ratio, Estimate)
