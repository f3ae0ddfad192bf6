"""Drawn M-bias, and selection by probabilities and by factor."""

import numpy as np
import pytest

from analysis import EffectSizes, TwoByTwo
from analysis.bias.distributions import LogNormal
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.selection import adjust_selection, m_bias_factor, selection_bias_factor
from analysis.bias.spec import MBias, SelectionBias
from analysis.bias.tipping import tipping_point
from reference_values import assert_same, identifier, records

NAMES = ("first_cause_exposure", "first_cause_collider", "second_cause_collider", "second_cause_outcome")
MELANOMA = TwoByTwo.from_cells(
    exposed_cases=136, control_cases=107, exposed_noncases=297, control_noncases=165
)
STANG = {"exposed_cases": 0.94, "exposed_noncases": 0.64, "control_cases": 0.85, "control_noncases": 0.25}


@pytest.mark.parametrize("record", records("episensr", "mbias/"), ids=identifier)
def test_known_causes_of_episensr(record):
    """Greenland's example and others."""
    *causes, observed = record["inputs"]["or"]
    ratio = EffectSizes.from_estimates(observed, observed / 2, observed * 2, measure="OR")
    bias = MBias(**dict(zip(NAMES, causes, strict=True)))
    result = probabilistic_bias_analysis(ratio, biases=bias, rng=1, draws=100)
    assert_same(result.systematic[2], record["outputs"]["adj.measures"][0])


def test_drawn_causes_are_the_simple_factor_of_their_quantiles():
    """The factor rises with one cause while all ratios are above 1: its quantiles are those of the cause."""
    bias = MBias(
        first_cause_exposure=LogNormal(1.0, 0.1),
        first_cause_collider=5.4,
        second_cause_collider=2.5,
        second_cause_outcome=3.0,
    )
    result = probabilistic_bias_analysis(MELANOMA, biases=bias, rng=1, draws=100_000, random_error="none")
    cause = LogNormal(1.0, 0.1).quantile([1 - p for p in result.probabilities])
    factor = m_bias_factor(
        first_cause_exposure=cause,
        first_cause_collider=5.4,
        second_cause_collider=2.5,
        second_cause_outcome=3.0,
    )
    exact = np.log(result.conventional.value / factor)
    assert (np.abs(np.log(result.systematic) - exact) < 4 * result.systematic_error).all()
    assert result.systematic_error.min() > 0


def test_a_cause_of_nothing_makes_no_bias():
    for name in NAMES:
        bias = MBias(**(dict.fromkeys(NAMES, 5.0) | {name: 1.0}))
        result = probabilistic_bias_analysis(MELANOMA, biases=bias, rng=1, draws=100)
        assert_same(result.systematic, result.conventional.value, rel=1e-12)


def test_a_collider_can_hide_as_well_as_make():
    opposite = MBias(**dict(zip(NAMES, (5, 5, 5, 1 / 5), strict=True)))
    result = probabilistic_bias_analysis(MELANOMA, biases=opposite, rng=1, draws=100)
    assert result.systematic[2] > result.conventional.value


def test_tipping_causes_put_back_reach_the_target():
    ratio = EffectSizes.from_estimates(1.3, 1.1, 1.54, measure="OR")
    feared = MBias(**dict.fromkeys(NAMES, 20.0))
    result = tipping_point(ratio, biases=feared, limit="estimate")
    assert 0 < result.joint < 1
    causes = dict(zip(result.parameters, (float(value) for value in result.joint_values), strict=True))
    assert m_bias_factor(**causes) == pytest.approx(1.3, rel=1e-9)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_known_selection_is_the_simple_adjustment(measure):
    result = probabilistic_bias_analysis(
        MELANOMA, biases=SelectionBias(**STANG), measure=measure, rng=1, draws=100, random_error="none"
    )
    whole = adjust_selection(MELANOMA, **STANG)
    a, n1, c, n0 = whole.exposed_cases, whole.exposed_total, whole.control_cases, whole.control_total
    expected = {
        "OR": a * (n0 - c) / (c * (n1 - a)),
        "RR": a / n1 / (c / n0),
        "RD": a / n1 - c / n0,
    }[measure]
    assert_same(result.systematic[2], expected, rel=1e-12)


def test_a_factor_is_the_probabilities_together():
    factor = float(selection_bias_factor(**STANG))
    values = [
        probabilistic_bias_analysis(MELANOMA, biases=bias, rng=1, draws=100).systematic[2]
        for bias in (SelectionBias(bias_factor=factor), SelectionBias(**STANG))
    ]
    assert_same(values[0], values[1], rel=1e-12)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (
            lambda: MBias(**(dict.fromkeys(NAMES, 2.0) | {NAMES[1]: 0, NAMES[2]: "uniform(-1, 2)"})),
            r"`first_cause_collider` must be greater than 0, but is fixed\(0\).*"
            r"`second_cause_collider` must be greater than 0, but is uniform\(-1, 2\)",
        ),
        (lambda: SelectionBias(**(STANG | {"control_cases": 0})), "`control_cases` must be greater than 0"),
        (lambda: SelectionBias(**STANG, bias_factor=1.2), "must be given, but got `exposed_cases`"),
    ],
)
def test_what_is_wrong_is_named(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize(
    ("bias", "match"),
    [
        (MBias(**dict.fromkeys(NAMES, 2.0)), 'known as a factor of ratios, but the measure is "RD"'),
        (SelectionBias(bias_factor=1.2), "needs the four probabilities for a risk difference"),
    ],
)
def test_a_difference_has_no_factor(bias, match):
    with pytest.raises(ValueError, match=match):
        probabilistic_bias_analysis(MELANOMA, biases=bias, measure="RD", rng=1)
