"""One number, one text: the only place where a number that goes into a paper is rounded.

Decimals follow `str` of an estimate. Minus signs are true minus signs, and what has no value says so.
Decimal mark, thousands and the like follow `number_style`. Whole tables are built elsewhere.
"""

from __future__ import annotations

import math
from typing import SupportsFloat

from analysis.tables.number_style import current_number_style, join_limits, number_style
from analysis.values.scale import measure_of
from analysis.values.text import decimals_for, round_half_up, short_number

__all__ = [
    "NOT_ESTIMABLE",
    "format_count",
    "format_estimate",
    "format_interval",
    "format_number",
    "format_percent",
    "format_pvalue",
    "is_percent",
    "number_style",
]

NOT_ESTIMABLE = "not estimable"

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_percent(measure: str) -> bool:
    """Tell whether a measure is printed in percent."""
    return measure_of(measure).percent


def format_number(x: SupportsFloat, digits: int | None = None) -> str:
    """Return a number as text.

    Parameters
    ----------
    x : float
        The number; NaN is "not estimable", infinities are "∞" and "−∞".
    digits : int, optional
        Decimals, trailing zeros kept. By default two, three below 0.095, and one significant digit where
        three decimals would print a number that is not 0 as 0.000.

    Returns
    -------
    str
        With a true minus; a number that rounds to 0 has no sign.

    Examples
    --------
    >>> format_number(1.834), format_number(-0.0512), format_number(0.00004), format_number(2.5, 0)
    ('1.83', '−0.051', '0.00004', '3')
    """
    return current_number_style().written(_plain_number(x, digits))


def _plain_number(x: SupportsFloat, digits: int | None) -> str:
    value = float(x)
    if not math.isfinite(value):
        return short_number(value)
    if digits is None:
        size = abs(value)
        if size != 0 and (size < 1e-5 or size >= 1e6):
            return _scientific(value)
        if size >= 0.0005 or size == 0:
            return short_number(size if size == 0 else value)
        digits = -math.floor(math.log10(size))
    elif isinstance(digits, bool) or digits < 0:
        raise ValueError(f"`digits` must be a whole number of at least 0, but got {digits!r}.")
    return _signed(round_half_up(value, digits))


def _signed(text: str) -> str:
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.replace('-', '−')}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def format_percent(x: SupportsFloat, digits: int = 1, *, sign: bool = True) -> str:
    """Return a proportion in percent.

    Parameters
    ----------
    x : float
        The proportion, on the scale from 0 to 1.
    digits : int, default 1
        Decimals.
    sign : bool, default True
        Whether the percent sign is printed; a column headed "%" does without.

    Examples
    --------
    >>> format_percent(0.1875), format_percent(0.1875, 0, sign=False)
    ('18.8%', '19')
    """
    value = float(x)
    if not math.isfinite(value):
        return format_number(value)
    text = current_number_style().written(_signed(round_half_up(value, digits, percent=True)))
    return f"{text}%" if sign else text


def format_interval(
    low: SupportsFloat,
    high: SupportsFloat,
    *,
    measure: str = "GEN",
    digits: int | None = None,
    sign: bool = True,
) -> str:
    """Return two limits as text; parameters as for `format_estimate`.

    Examples
    --------
    >>> format_interval(1.634, 1.7256, measure="RR")
    '1.63 to 1.73'
    """
    if math.isnan(float(low)) and math.isnan(float(high)):
        return NOT_ESTIMABLE
    if digits is None and not is_percent(measure):
        digits = _common_digits(max(decimals_for(float(low)), decimals_for(float(high))), low, high)
    return join_limits(*(_one(limit, measure, digits, sign=sign) for limit in (low, high)))


def format_estimate(
    value: SupportsFloat,
    low: SupportsFloat,
    high: SupportsFloat,
    *,
    measure: str = "GEN",
    digits: int | None = None,
    sign: bool = True,
) -> str:
    """Return an estimate with its interval.

    Parameters
    ----------
    value, low, high : float
        On the reporting scale.
    measure : str, default "GEN"
        metafor's code; proportions are printed in percent.
    digits : int, optional
        Decimals; by default two, three if the estimate is below 0.095, for percentages one. Where those
        would print nothing but zeros, two significant digits of the largest number.
    sign : bool, default True
        Whether percentages carry their sign.

    Returns
    -------
    str
        "1.83 (1.58 to 2.11)". Without a value "not estimable"; with a value but no limits
        "1.83 (interval not estimable)".

    Examples
    --------
    >>> format_estimate(1.834, 1.58, 2.1149, measure="HR")
    '1.83 (1.58 to 2.11)'
    >>> format_estimate(0.1875, 0.117, 0.287, measure="PR", sign=False)
    '18.8 (11.7 to 28.7)'
    """
    if math.isnan(float(value)):
        return NOT_ESTIMABLE
    if digits is None and not is_percent(measure):
        digits = _common_digits(decimals_for(float(value)), value, low, high)
    limits = format_interval(low, high, measure=measure, digits=digits, sign=sign)
    limits = f"interval {limits}" if limits == NOT_ESTIMABLE else limits
    return f"{_one(value, measure, digits, sign=sign)} ({limits})"


def _common_digits(digits: int, *parts: SupportsFloat) -> int | None:
    largest = max((abs(float(part)) for part in parts if math.isfinite(float(part))), default=0.0)
    if largest == 0 or largest >= 0.0005:
        return digits
    return 1 - math.floor(math.log10(largest)) if largest >= 1e-5 else None


def _one(x: SupportsFloat, measure: str, digits: int | None, *, sign: bool) -> str:
    if is_percent(measure):
        return format_percent(x, 1 if digits is None else digits, sign=sign)
    return format_number(x, digits)


def format_count(n: SupportsFloat) -> str:
    """Return a count with thin spaces between thousands, from five digits on.

    Parameters
    ----------
    n : float
        The count. One that is not whole (a cell to which 0.5 was added) keeps one decimal; a missing one
        is an en dash.

    Examples
    --------
    >>> format_count(5476), format_count(27657) == "27\N{THIN SPACE}657", format_count(4.5)
    ('5476', True, '4.5')
    """
    value = float(n)
    if math.isnan(value):
        return "–"
    if not math.isfinite(value):
        return format_number(value)
    if not value.is_integer():
        return format_number(value, 1)
    return current_number_style().grouped(str(round(value))).replace("-", "−")


def format_pvalue(p: SupportsFloat, *, prefix: str | None = None) -> str:
    """Return a P-value: two decimals, three below 0.01, "< 0.001" and "> 0.99" at the ends.

    Styles that go to 0.0001 print four decimals below 0.001.

    Parameters
    ----------
    p : float
        In [0, 1], or NaN.
    prefix : str, optional
        What stands before it, by default the letter of the style ("P"); empty for a column that is headed
        so.

    Notes
    -----
    Decimals are added, up to five, where rounding would lift a value below 0.05 to 0.05 or above: the
    text and an interval that excludes the null must not contradict each other.

    Raises
    ------
    ValueError
        If `p` is outside of [0, 1].

    Examples
    --------
    >>> format_pvalue(0.0116), format_pvalue(0.0496), format_pvalue(2e-9), format_pvalue(0.2, prefix="")
    ('P = 0.01', 'P = 0.0496', 'P < 0.001', '0.20')
    """
    value = float(p)
    if math.isnan(value):
        letter = current_number_style().p_letter if prefix is None else prefix
        return f"{letter} {NOT_ESTIMABLE}".strip()
    if not 0 <= value <= 1:
        raise ValueError(f"`p` must be between 0 and 1, but got {value!r}.")
    style = current_number_style()
    if value < style.p_smallest:
        return _ptext("<", f"{style.p_smallest:.12f}".rstrip("0"), prefix)
    if value > 0.99:
        return _ptext(">", "0.99", prefix)
    digits = 2 if value >= 0.01 else 3 if value >= 0.001 else 4
    while value < 0.05 <= float(round_half_up(value, digits)) and digits < 5:
        digits += 1
    if value < 0.05 <= float(round_half_up(value, digits)):
        return _ptext("<", "0.05", prefix)
    return _ptext("=", round_half_up(value, digits), prefix)


def _ptext(sign: str, number: str, prefix: str | None) -> str:
    style = current_number_style()
    letter = style.p_letter if prefix is None else prefix
    number = style.written(number if style.p_leading_zero else number.removeprefix("0"))
    if not letter:
        return number if sign == "=" else f"{sign}{number}"
    return f"{letter} {sign} {number}" if style.p_spaces else f"{letter}{sign}{number}"
