import pytest

from analysis.meta.small_study_null import check_has_null, why_not_tested
from analysis.values.scale import MEASURES


@pytest.mark.parametrize("measure", MEASURES)
def test_a_reason_is_given_exactly_where_there_is_no_null(measure):
    assert (why_not_tested(measure) is None) == (MEASURES[measure].null is not None)


@pytest.mark.parametrize(
    ("measure", "depends"),
    [
        ("PR", True),
        ("PLO", True),
        ("PAS", False),
        ("PFT", False),
        ("IRLN", True),
        ("IRS", False),
        ("IRFT", False),
    ],
)
def test_stabilised_variances_are_not_said_to_depend_on_the_value(measure, depends):
    reason = why_not_tested(measure)
    assert reason.startswith("a ")
    assert ("standard error depends on the value" in reason) == depends


def test_the_check_names_argument_measure_and_reason():
    check_has_null("effects", "RR")
    with pytest.raises(ValueError, match=r"`effects` must be .*, but is 'PLO': a proportion has no value"):
        check_has_null("effects", "PLO")
