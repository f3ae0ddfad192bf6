import math

import pytest

from analysis.values.text import short_interval


@pytest.mark.parametrize(
    ("numbers", "percent", "printed"),
    [
        ((1.834, 1.5801, 2.11), False, "1.83 (1.58 to 2.11)"),
        ((0.0421, 0.5, 2.0), False, "0.042 (0.500 to 2.000)"),
        ((0.5, 0.25, math.inf), False, "0.50 (0.25 to ∞)"),
        ((0.5, math.nan, 0.75), False, "0.50 (not estimable to 0.75)"),
        ((0.54, math.nan, math.nan), False, "0.54 (interval not estimable)"),
        ((math.nan, math.nan, math.nan), False, "not estimable"),
        ((0.285, 0.2, 0.3333), True, "28.5% (20.0% to 33.3%)"),
    ],
)
def test_an_estimate_prints_with_the_decimals_of_its_value(numbers, percent, printed):
    assert short_interval(*numbers, percent=percent) == printed
