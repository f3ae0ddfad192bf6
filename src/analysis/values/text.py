"""Numbers as `__str__` prints them. Everything that goes into a paper is formatted in `tables.format`."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = [
    "decimals_for",
    "round_half_up",
    "short_count",
    "short_interval",
    "short_needed",
    "short_number",
    "short_range",
]

# Digits enough for every float.
_EXACT = Context(prec=800)


def round_half_up(value: float, digits: int, *, percent: bool = False) -> str:
    """Return a finite number with so many decimals, halves rounded away from 0 as papers print them.

    The shortest decimal that reads back as the number is what is rounded: 33/80 prints 41.3 %, although 41.25
    would be rounded to the even digit by Python, and 23/80 prints 28.8 %, although 100 x 0.2875 is a last bit
    short of 28.75.
    """
    number = Decimal(repr(float(value))) * (100 if percent else 1)
    return f"{number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _EXACT):f}"


def short_number(value: float, *, percent: bool = False, digits: int | None = None) -> str:
    """Return a number with two decimals (three if small), or a proportion in percent with one."""
    if math.isnan(value):
        return "not estimable"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if percent:
        return f"{round_half_up(value, 1, percent=True)}%".replace("-", "−")
    if digits is None:
        digits = decimals_for(value)
    return round_half_up(value, digits).replace("-", "−")


def decimals_for(value: float) -> int:
    """Return how many decimals a value, and whatever is printed beside it, is shown with."""
    return 2 if abs(value) >= 0.095 or value == 0 or not math.isfinite(value) else 3


def short_interval(value: float, low: float, high: float, *, percent: bool = False) -> str:
    """Return "1.83 (1.58 to 2.11)", all with the decimals of the value; a lost end stays "not estimable".

    Examples
    --------
    >>> short_interval(1.834, 1.58, 2.11)
    '1.83 (1.58 to 2.11)'
    >>> short_interval(0.54, math.nan, math.nan)
    '0.54 (interval not estimable)'
    >>> short_interval(math.nan, math.nan, math.nan)
    'not estimable'
    """
    digits = None if percent else decimals_for(value)
    first, *ends = (short_number(part, percent=percent, digits=digits) for part in (value, low, high))
    if math.isnan(low) and math.isnan(high):
        return first if math.isnan(value) else f"{first} (interval not estimable)"
    return f"{first} ({' to '.join(ends)})"


def short_range(low: float, high: float, *, percent: bool = False) -> str:
    """Return "1.63 to 1.73", or the one number where both ends print alike."""
    digits = max(decimals_for(low), decimals_for(high))
    first = short_number(low, percent=percent, digits=digits)
    last = short_number(high, percent=percent, digits=digits)
    return first if first == last else f"{first} to {last}"


def short_needed(number: float) -> str:
    """Return a number needed to treat: whole from 10 on, with one decimal below."""
    return short_number(number, digits=0 if number >= 9.95 else 1)


def short_count(value: float) -> str:
    """Return a count with thin spaces between thousands, from five digits on."""
    whole = round(value)
    return f"{whole:,}".replace(",", "\u2009") if abs(whole) >= 10_000 else str(whole)
