import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import Reported


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("1.83 (1.58-2.11)", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1.83 [95% CI 1.58 to 2.11]", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1.83 (1.58–2.11; P<0.001)", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1·83 (1·58–2·11)", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1,83 (1,58-2,11)", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1.83, 95% CI 1.58-2.11", "[1.825, 1.835)", "[1.575, 1.585)", "[2.105, 2.115)"),
        ("1.20 (0.9,1.5)", "[1.195, 1.205)", "[0.85, 0.95)", "[1.45, 1.55)"),
        ("0.40 (95% CI: 0.2, 0.9)", "[0.395, 0.405)", "[0.15, 0.25)", "[0.85, 0.95)"),
        ("−0.4 (−1.1 to −0.2)", "(-0.45, -0.35]", "(-1.15, -1.05]", "(-0.25, -0.15]"),
        ("-0.4 (-1.1--0.2)", "(-0.45, -0.35]", "(-1.15, -1.05]", "(-0.25, -0.15]"),
        ("54% (49-59)", "[0.535, 0.545)", "[0.485, 0.495)", "[0.585, 0.595)"),
    ],
)
def test_estimates_with_intervals(text, value, low, high):
    reported = Reported(text)
    assert (str(reported.value), str(reported.low), str(reported.high)) == (value, low, high)
    assert str(reported) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.7%", "[0.0465, 0.0475)"),
        ("4.70 %", "[0.04695, 0.04705)"),
        ("5,476", "[5475.5, 5476.5)"),
        ("27 657", "[27656.5, 27657.5)"),
        ("27\u2009657", "[27656.5, 27657.5)"),
        ("n = 5,476", "[5476, 5476]"),
        ("<0.001", "(-inf, 0.001)"),
        (">1", "(1, inf)"),
        ("≤90%", "(-inf, 0.9]"),
        (">= 2", "[2, inf)"),
        ("p = .03", "[0.025, 0.035)"),
        ("P<.001", "(-inf, 0.001)"),
        ("0.0%", "(-0.0005, 0.0005)"),
        ("229/424 (54%)", "[0.535, 0.545)"),
    ],
)
def test_single_numbers(text, value):
    assert str(Reported(text).value) == value


def test_what_else_is_printed_is_kept():
    reported = Reported("1.83 [95% CI 1.58 to 2.11; p<0.001]")
    assert reported.confidence_level == 0.95
    assert reported.pvalue.high == 0.001
    counts = Reported("229/424 (54%)")
    assert (counts.events, counts.total, counts.is_percent) == (229, 424, True)
    assert Reported("229/424").value.contains_ratio(229, 424)
    assert Reported("p = .03").pvalue.contains(0.03)


@pytest.mark.parametrize(
    ("rounding", "printed", "inside", "outside"),
    [
        ("half-up", "0.12", [Fraction(115, 1000)], [Fraction(125, 1000)]),
        ("half-up", "0.13", [Fraction(125, 1000)], [Fraction(135, 1000)]),
        ("half-even", "0.12", [Fraction(115, 1000), Fraction(125, 1000)], [Fraction(126, 1000)]),
        ("half-even", "0.13", [Fraction(126, 1000)], [Fraction(125, 1000), Fraction(135, 1000)]),
        (
            "truncation",
            "0.12",
            [Fraction(12, 100), Fraction(1299, 10000)],
            [Fraction(13, 100), Fraction(119, 1000)],
        ),
        ("truncation", "-0.12", [Fraction(-12, 100), Fraction(-1299, 10000)], [Fraction(-13, 100)]),
    ],
)
def test_ties_fall_as_the_convention_says(rounding, printed, inside, outside):
    interval = Reported(printed, rounding=rounding).value
    for value in inside:
        assert interval.contains_ratio(value.numerator, value.denominator)
    for value in outside:
        assert not interval.contains_ratio(value.numerator, value.denominator)


def test_an_exact_tie_is_decided_in_integers():
    # 1/8 is 12.5 %, a tie that half-up prints as 13 %.
    assert Reported("13%").value.contains_ratio(1, 8)
    assert not Reported("12%").value.contains_ratio(1, 8)
    # With totals of a billion the products leave 64 bits; the answer stays exact.
    assert Reported("12.50%").value.contains_ratio(10**17, 8 * 10**17)
    assert not Reported("0.13").value.contains_ratio(0, 0)


@given(
    numerator=st.integers(-(10**6), 10**6),
    denominator=st.integers(1, 10**6),
    digits=st.integers(0, 4),
    rounding=st.sampled_from(["half-up", "half-even", "truncation"]),
)
def test_a_rounded_number_contains_what_it_was_rounded_from(numerator, denominator, digits, rounding):
    value = Fraction(numerator, denominator)
    scaled = abs(value) * 10**digits
    down = scaled.numerator // scaled.denominator
    rest = scaled - down
    if rounding == "truncation":
        whole = down
    elif rounding == "half-up":
        whole = down + (rest >= Fraction(1, 2))
    else:
        whole = round(scaled)
    sign = "-" if value < 0 else ""
    text = sign + (f"{whole // 10**digits}.{whole % 10**digits:0{digits}d}" if digits else str(whole))
    interval = Reported(text, rounding=rounding).value
    assert interval.contains_ratio(numerator, denominator)
    # No other printed number of as many digits contains it.
    following = whole + 1
    other = sign + (
        f"{following // 10**digits}.{following % 10**digits:0{digits}d}" if digits else str(following)
    )
    assert not Reported(other, rounding=rounding).value.contains_ratio(numerator, denominator)


@given(total=st.integers(1, 5000), events=st.integers(0, 5000), digits=st.integers(0, 2))
def test_counts_of_a_percentage_are_exactly_those_that_round_to_it(total, events, digits):
    events = min(events, total)
    percent = math.floor(Fraction(100 * events, total) * 10**digits + Fraction(1, 2))
    text = f"{percent / 10**digits:.{digits}f}%"
    interval = Reported(text).value
    first, last = interval.whole_numbers(total)
    every = np.flatnonzero(interval.contains_ratio(np.arange(total + 1), total))
    assert (first, last) == (every[0], every[-1])
    assert first <= events <= last


def test_floats_beside_an_end_are_told_apart():
    interval = Reported("4.7%").value
    assert interval.contains([0.0465, np.nextafter(0.0475, 0), 0.047]).all()
    assert not interval.contains([np.nextafter(0.0465, 0), 0.0475, np.nan, np.inf]).any()


@pytest.mark.parametrize("text", ["abc", "1.83-2", "", "1.2.3", "5/3", "3/0", "(1.2)", "NA", "1.83 (1.58)"])
def test_what_is_not_a_printed_number_is_refused(text):
    with pytest.raises(ValueError, match="`text` must (be a printed number|print)"):
        Reported(text)


def test_limits_must_surround_the_estimate():
    with pytest.raises(ValueError, match="limits around the estimate, but got '2 \\(3-4\\)'"):
        Reported("2 (3-4)")


def test_a_number_is_no_text():
    with pytest.raises(TypeError, match="must be the printed text, but got 4.7 of type float"):
        Reported(4.7)


def test_unknown_conventions_are_refused():
    with pytest.raises(ValueError, match="`rounding` must be one of 'half-up'.* Did you mean 'half-up'"):
        Reported("4.7", rounding="half_up")
    with pytest.raises(ValueError, match="`decimal` must be one of"):
        Reported("4.7", decimal=";")


def test_decimal_commas_by_choice():
    assert str(Reported("5.476,5", decimal=",").value) == "[5476.45, 5476.55)"


@pytest.mark.parametrize(
    ("text", "value", "low"),
    [
        ("OR 1.83 (1.58-2.11)", "[1.825, 1.835)", "[1.575, 1.585)"),
        ("aHR = 1.83 (95% CI: 1.58–2.11), p < 0.001", "[1.825, 1.835)", "[1.575, 1.585)"),
        ("adjusted OR: 1.83; 95% CI 1.58, 2.11", "[1.825, 1.835)", "[1.575, 1.585)"),
        ("1.83\u2009(1.58\u2009–\u20092.11)", "[1.825, 1.835)", "[1.575, 1.585)"),
        ("1.83 (1.58-2.11) (P = 0.02)", "[1.825, 1.835)", "[1.575, 1.585)"),
        ("54.0 % (49.3 % to 58.7 %)", "[0.5395, 0.5405)", "[0.4925, 0.4935)"),
    ],
)
def test_more_forms_of_estimates(text, value, low):
    reported = Reported(text)
    assert (str(reported.value), str(reported.low)) == (value, low)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 × 10^-5", "[2.5e-05, 3.5e-05)"),
        ("3 x 10⁻⁵", "[2.5e-05, 3.5e-05)"),
        ("3·10⁻⁵", "[2.5e-05, 3.5e-05)"),
        ("p = 3e-5", "[2.5e-05, 3.5e-05)"),
        ("P ⩽ 0.05", "(-inf, 0.05]"),
        ("HR 4.38", "[4.375, 4.385)"),
    ],
)
def test_more_forms_of_numbers(text, value):
    assert str(Reported(text).value) == value


@pytest.mark.parametrize(
    ("text", "events", "total"),
    [
        ("229/424 (54%)", 229, 424),
        ("229 of 424 (54 %)", 229, 424),
        ("229 / 424; 54%", 229, 424),
        ("54% (229/424)", 229, 424),
        ("229 (54%)", 229, None),
        ("1,029/1,235 (83%)", 1029, 1235),
        ("n = 27\u202f657", None, 27657),
    ],
)
def test_counts_in_every_order(text, events, total):
    reported = Reported(text)
    assert (reported.events, reported.total) == (events, total)


def test_accepted_conventions_are_recorded():
    assert Reported("4.7").conventions == ("half-up",)
    some = Reported("18.7%", rounding=("truncation", "half-even"))
    assert some.conventions == ("half-even", "truncation")
    assert some.rounding == "half-even, truncation"
    every = Reported("18.7%", rounding="any")
    assert every.rounding == "any"
    assert every.conventions == ("half-up", "half-even", "truncation")


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        # Truncation reaches further up, rounding further down; 0.125 rounds half to even to 0.12.
        ("0.12", "[0.115, 0.13)"),
        ("0.13", "[0.125, 0.14)"),
        ("-0.12", "(-0.13, -0.115]"),
        ("0.00", "(-0.01, 0.01)"),
    ],
)
def test_several_conventions_accept_what_one_of_them_does(text, interval):
    several = Reported(text, rounding="any").value
    assert str(several) == interval
    for convention in ("half-up", "half-even", "truncation"):
        one = Reported(text, rounding=convention).value
        assert several.low <= one.low <= one.high <= several.high


def test_ties_of_two_ways_of_rounding_to_the_nearest():
    assert str(Reported("0.12", rounding=("half-up", "half-even")).value) == "[0.115, 0.125]"
    assert str(Reported("0.13", rounding=("half-up", "half-even")).value) == "[0.125, 0.135)"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1.83 (1.58-2.1x)", "'1.83 (1.58-2.1' is read, 'x)' after it (position 15) is not"),
        ("4.7% of men", "'4.7%' is read, 'of men' after it (position 6) is not"),
        ("n.s.", "nothing at its beginning is a number"),
        ("", ", which is empty"),
    ],
)
def test_errors_say_how_far_the_text_is_read_and_what_is(text, where):
    with pytest.raises(ValueError) as caught:
        Reported(text)
    assert where in str(caught.value)
    assert "Forms that are read: '4.7%', '1.83 (1.58-2.11)'" in str(caught.value)


def test_no_convention_is_refused():
    with pytest.raises(ValueError, match="`rounding` must name at least one convention"):
        Reported("4.7", rounding=())
    with pytest.raises(ValueError, match="`rounding` must be one of 'half-up'"):
        Reported("4.7", rounding=("half-up", "up"))


STYLES = {
    "1.83 (1.58-2.11)": lambda v, low, high: f"{v} ({low}-{high})",
    "1.83 [95% CI 1.58 to 2.11]": lambda v, low, high: f"{v} [95% CI {low} to {high}]",
    "1.83, 95 % CI 1.58–2.11": lambda v, low, high: f"{v}, 95 % CI {low}–{high}",
    "1.83 (1.58, 2.11)": lambda v, low, high: f"{v} ({low}, {high})",
    "1·83 (1·58–2·11)": lambda v, low, high: f"{v} ({low}–{high})".replace(".", "·"),
    "1,83 (1,58 to 2,11)": lambda v, low, high: f"{v} ({low} to {high})".replace(".", ","),
    "−1.83 (−2.11 to −1.58)": lambda v, low, high: f"{v} ({low} to {high})".replace("-", "−"),
    "1.83 (1.58–2.11; P<0.001)": lambda v, low, high: f"{v} ({low}–{high}; P<0.001)",
    "thin spaces": lambda v, low, high: f"{v}\u2009({low}\u2009to\u2009{high})",
}


@given(
    numbers=st.lists(st.integers(-99999, 99999), min_size=3, max_size=3).map(sorted),
    digits=st.integers(1, 3),
    style=st.sampled_from(sorted(STYLES)),
    rounding=st.sampled_from(["half-up", "half-even", "truncation", "any"]),
)
def test_what_is_printed_is_read_back(numbers, digits, style, rounding):
    low, value, high = (Fraction(number, 10**digits) for number in numbers)
    texts = [f"{float(x):.{digits}f}" for x in (value, low, high)]
    # "-0.0" and 0.0 are one number.
    reported = Reported(STYLES[style](*texts), rounding=rounding)
    for part, x in ((reported.value, value), (reported.low, low), (reported.high, high)):
        assert part.contains_ratio(x.numerator, x.denominator)
        # Nothing a unit of the last digit away is accepted.
        unit = Fraction(1, 10**digits)
        for other in (x - unit, x + unit):
            assert not part.contains_ratio(other.numerator, other.denominator)


@given(
    events=st.integers(0, 10**6),
    more=st.integers(1, 10**6),
    thousands=st.sampled_from(["", ",", "\u2009", "\u00a0"]),
)
def test_counts_are_read_back(events, more, thousands):
    total = events + more
    shown = [f"{x:,}".replace(",", thousands) for x in (events, total)]
    reported = Reported("/".join(shown))
    assert (reported.events, reported.total) == (events, total)
    assert Reported(f"n = {shown[1]}").total == total
