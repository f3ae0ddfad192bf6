"""Printed numbers as what they are: intervals of values that round to the printed digits.

"4.7%" is every proportion from 0.0465 (included) to 0.0475 (excluded). That a recomputed value reproduces a
printed one is then a fact, not a tolerance. The ends are exact fractions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray

__all__ = ["Reported", "RoundingInterval"]

_CONVENTIONS = ("half-up", "half-even", "truncation")
_FORMS = (
    "'4.7%', '1.83 (1.58-2.11)', '1.83 [95% CI 1.58 to 2.11]', '1.83 (1.58-2.11; P<0.001)', "
    "'229/424 (54%)', '<0.001', 'p = .03', 'n = 5,476'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingInterval:
    """The values that one printed number may stand for.

    Parameters
    ----------
    lower, upper : fractions.Fraction or None
        Exact ends; None where the number is an inequality and has no end on that side.
    includes_lower, includes_upper : bool
        Whether the ends belong to the interval.
    """

    lower: Fraction | None
    upper: Fraction | None
    includes_lower: bool = True
    includes_upper: bool = False

    @property
    def low(self) -> float:
        """Lower end as a float, minus infinity where there is none."""
        return -np.inf if self.lower is None else float(self.lower)

    @property
    def high(self) -> float:
        """Upper end as a float, infinity where there is none."""
        return np.inf if self.upper is None else float(self.upper)

    @property
    def middle(self) -> float:
        """The printed number itself, or the one end of an inequality."""
        if self.lower is None or self.upper is None:
            end = self.upper if self.lower is None else self.lower
            return np.nan if end is None else float(end)
        return float((self.lower + self.upper) / 2)

    def contains(self, values: ArrayLike) -> BoolArray:
        """Tell which floats lie inside; the float nearest to an end stands for it, NaN lies nowhere.

        A computed float that should be a tie (0.125 for "0.13") may be a last bit off it. Where the value is
        a ratio of whole numbers, `contains_ratio` decides ties exactly.
        """
        array = np.asarray(values, dtype=np.float64)
        above = array >= self.low if self.includes_lower else array > self.low
        below = array <= self.high if self.includes_upper else array < self.high
        inside: BoolArray = above & below
        return inside

    def contains_ratio(self, numerator: ArrayLike, denominator: ArrayLike) -> BoolArray:
        """Tell which ratios of whole numbers lie inside, in integer arithmetic.

        Parameters
        ----------
        numerator, denominator : array_like
            Whole numbers of shapes that broadcast; a denominator of 0 lies nowhere.
        """
        above, below = np.asarray(numerator), np.asarray(denominator)
        ends = [end for end in (self.lower, self.upper) if end is not None]
        largest = max([1, *(abs(end.numerator) for end in ends), *(end.denominator for end in ends)])
        extreme = max(float(np.abs(above).max(initial=0)), float(np.abs(below).max(initial=0)))
        # 64 bits where they suffice, Python's unlimited integers where not.
        exact = np.dtype(np.int64) if extreme * largest < 2.0**62 else np.dtype(object)
        top = above.astype(np.int64).astype(exact) if extreme < 2.0**62 else above.astype(object)
        bottom = below.astype(np.int64).astype(exact) if extreme < 2.0**62 else below.astype(object)
        inside = np.asarray(bottom > 0, dtype=bool) & np.ones(np.shape(top), dtype=bool)
        if self.lower is not None:
            left, right = top * self.lower.denominator, bottom * self.lower.numerator
            inside = inside & np.asarray(left >= right if self.includes_lower else left > right, dtype=bool)
        if self.upper is not None:
            left, right = top * self.upper.denominator, bottom * self.upper.numerator
            inside = inside & np.asarray(left <= right if self.includes_upper else left < right, dtype=bool)
        return inside

    def whole_numbers(self, total: int) -> tuple[int, int]:
        """Return the first and last count whose share of `total` lies inside; first > last if none does."""
        first, last = 0, total
        if self.lower is not None:
            bound = self.lower * total
            first = -(-bound.numerator // bound.denominator)
            first += int(bound == first and not self.includes_lower)
        if self.upper is not None:
            bound = self.upper * total
            last = bound.numerator // bound.denominator
            last -= int(bound == last and not self.includes_upper)
        return max(first, 0), min(last, total)

    def __str__(self) -> str:
        left = "[" if self.includes_lower and self.lower is not None else "("
        right = "]" if self.includes_upper and self.upper is not None else ")"
        return f"{left}{self.low:.12g}, {self.high:.12g}{right}"


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Reported:
    """A number as a paper prints it, with its interval, P-value and counts where they are printed with it.

    Parameters
    ----------
    text : str
        "4.7%", "1.83 (1.58-2.11)", "1.83 [95% CI 1.58 to 2.11]", "OR = 1.83 (1.58-2.11; P<0.001)",
        "229/424 (54%)", "54% (229/424)", "229 (54%)", "<0.001", "p = .03", "3 x 10^-5", "n = 5,476".
        Middle dots, decimal commas, thin spaces, en dashes and the Unicode minus are read.
    rounding : {"half-up", "half-even", "truncation", "any"} or sequence of these, default "half-up"
        How the author rounded. Half-up is what spreadsheets and most statistics programs print. Several
        conventions, or "any" of them, accept every value that one of them prints so.
    decimal : {".", ","}, default "."
        What separates decimals. With ".", a comma before groups of three digits separates thousands; any
        other comma is a decimal comma if the text has no decimal point.

    Attributes
    ----------
    conventions : tuple of str
        The accepted ways of rounding: `rounding` spelled out.
    value : RoundingInterval
        The number; percentages as proportions.
    low, high : RoundingInterval or None
        Limits of the printed interval.
    pvalue : RoundingInterval or None
    confidence_level : float or None
        As printed ("95% CI"), in (0, 1).
    events, total : int or None
        Printed counts ("229/424").
    is_percent : bool

    Raises
    ------
    TypeError
        If `text` is not a string: the number 4.70 no longer knows how many digits were printed.
    ValueError
        If the text is none of the forms above (says how far it was read), or the limits are in the wrong
        order.

    Examples
    --------
    >>> reported = Reported("1.83 (1.58-2.11)")
    >>> str(reported.value), str(reported.low)
    ('[1.825, 1.835)', '[1.575, 1.585)')
    >>> str(Reported("4.7%").value)
    '[0.0465, 0.0475)'
    >>> bool(Reported("54%").value.contains_ratio(229, 424))
    True

    15/80 is 18.75 %; a paper that prints 18.7 % has cut it off:

    >>> bool(Reported("18.7%").value.contains_ratio(15, 80))
    False
    >>> bool(Reported("18.7%", rounding="any").value.contains_ratio(15, 80))
    True
    """

    text: str
    rounding: str
    conventions: tuple[str, ...]
    value: RoundingInterval
    low: RoundingInterval | None
    high: RoundingInterval | None
    pvalue: RoundingInterval | None
    confidence_level: float | None
    events: int | None
    total: int | None
    is_percent: bool

    def __init__(self, text: str, *, rounding: str | Sequence[str] = "half-up", decimal: str = ".") -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"`text` must be the printed text, but got {text!r} of type {type(text).__name__}; "
                'write it as printed, in quotes: "4.70" and "4.7" differ.'
            )
        conventions = _conventions(rounding)
        check_choice("decimal", decimal, (".", ","))
        for name, part in _parse(text, conventions, decimal).items():
            object.__setattr__(self, name, part)
        object.__setattr__(
            self, "rounding", rounding if isinstance(rounding, str) else ", ".join(conventions)
        )
        object.__setattr__(self, "conventions", conventions)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Reported({self.text!r})"


_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = r"(?:(?:a|adjusted\s+|crude\s+)?(?:OR|RR|HR|IRR|SMR|RD|PR)\b\s*[=:,]?\s*)?"
_LEVEL = (
    r"(?:(?P<level>\d+(?:\.\d+)?)\s*%\s*(?:CI|CrI|confidence interval|c\.i\.)?\s*[:,=]?\s*|CI\s*[:,=]?\s*)?"
)
_P = r"(?:[pP](?:[- ]?value)?\s*)"
_ESTIMATE = re.compile(
    rf"{_NAME}(?P<value>{_NUMBER})\s*(?P<percent>%?)\s*[,;]?\s*(?P<open>[(\[]?)\s*{_LEVEL}"
    rf"(?P<low>{_NUMBER})\s*%?\s*(?:-|to|,|;|\.\.)\s*(?P<high>{_NUMBER})\s*(?P<percent_high>%?)"
    rf"\s*[)\]]?\s*(?:[;,]?\s*[(\[]?\s*{_P}(?P<p_sign>[<>≤≥=])\s*(?P<p>{_NUMBER}))?\s*[)\]]?",
    re.IGNORECASE,
)
_RATIO = re.compile(
    r"(?P<events>\d+)\s*(?:/|of|out of)\s*(?P<total>\d+)"
    rf"(?:\s*[(\[,;]?\s*(?P<value>{_NUMBER})\s*%\s*[)\]]?)?",
    re.IGNORECASE,
)
_RATIO_LAST = re.compile(
    rf"(?P<value>{_NUMBER})\s*%\s*[(\[,;]\s*(?P<events>\d+)\s*(?:/|of|out of)\s*(?P<total>\d+)\s*[)\]]?",
    re.IGNORECASE,
)
_COUNT_PERCENT = re.compile(rf"(?P<events>\d+)\s*[(\[]\s*(?P<value>{_NUMBER})\s*%\s*[)\]]")
_COUNT = re.compile(r"n\s*=\s*(?P<count>\d+)", re.IGNORECASE)
_PLAIN = re.compile(
    rf"(?:(?P<prefix>{_P})|{_NAME})(?P<sign>[<>≤≥=]?)\s*(?P<value>{_NUMBER})\s*(?P<percent>%?)"
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def _conventions(rounding: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(rounding, str):
        check_choice("rounding", rounding, (*_CONVENTIONS, "any"))
        return _CONVENTIONS if rounding == "any" else (rounding,)
    chosen = tuple(rounding)
    if not chosen:
        raise ValueError("`rounding` must name at least one convention, but is empty.")
    for name in chosen:
        check_choice("rounding", name, _CONVENTIONS)
    return tuple(name for name in _CONVENTIONS if name in chosen)


def _parse(text: str, rounding: tuple[str, ...], decimal: str) -> dict[str, object]:
    parts: dict[str, object] = {"text": text, "is_percent": False} | dict.fromkeys(
        ("low", "high", "pvalue", "confidence_level", "events", "total")
    )
    plain = _normalise(text, decimal)
    if match := _COUNT.fullmatch(plain):
        count = int(match["count"])
        return parts | {"value": _exact(Fraction(count)), "total": count}
    if match := _RATIO.fullmatch(plain) or _RATIO_LAST.fullmatch(plain):
        events, total = int(match["events"]), int(match["total"])
        if total == 0 or events > total:
            raise ValueError(f"`text` must print events of at least as many persons, but got {text!r}.")
        value = match["value"]
        interval = (
            _exact(Fraction(events, total)) if value is None else _rounded(value, rounding, percent=True)
        )
        return parts | {"value": interval, "events": events, "total": total, "is_percent": value is not None}
    if match := _COUNT_PERCENT.fullmatch(plain):
        interval = _rounded(match["value"], rounding, percent=True)
        return parts | {"value": interval, "events": int(match["events"]), "is_percent": True}
    if match := _PLAIN.fullmatch(plain):
        percent = bool(match["percent"])
        value_interval = _with_sign(match["sign"], match["value"], rounding, percent=percent)
        if match["prefix"]:
            parts["pvalue"] = value_interval
        return parts | {"value": value_interval, "is_percent": percent}
    if (match := _ESTIMATE.fullmatch(plain)) and (match["open"] or match["level"]):
        return parts | _estimate(match, text, rounding)
    raise ValueError(
        f"`text` must be a printed number, but got {text!r}{_stopped(plain, text)}. "
        f"Forms that are read: {_FORMS}."
    )


def _stopped(plain: str, text: str) -> str:
    """Say how far the text can be read: up to the end of the longest beginning that is one of the forms."""
    forms = (_COUNT, _RATIO, _RATIO_LAST, _COUNT_PERCENT, _PLAIN, _ESTIMATE)
    for length in range(min(len(plain), 200), 0, -1):
        if any(form.fullmatch(plain, 0, length) for form in forms):
            rest = plain[length:].strip()
            # What was read may be shorter than what is printed: thin spaces and separators are gone.
            start = text.rfind(rest)
            place = f" (position {start + 1})" if rest and start >= 0 else ""
            return f": {plain[:length].strip()!r} is read, {rest!r} after it{place} is not"
    return ": nothing at its beginning is a number" if plain else ", which is empty"


def _estimate(match: re.Match[str], text: str, rounding: tuple[str, ...]) -> dict[str, object]:
    percent = bool(match["percent"] or match["percent_high"])
    value, low, high = (_rounded(match[name], rounding, percent=percent) for name in ("value", "low", "high"))
    if not low.middle <= value.middle <= high.middle:
        raise ValueError(f"`text` must print its limits around the estimate, but got {text!r}.")
    return {
        "value": value,
        "low": low,
        "high": high,
        "is_percent": percent,
        "pvalue": _with_sign(match["p_sign"], match["p"], rounding, percent=False) if match["p"] else None,
        "confidence_level": float(match["level"]) / 100 if match["level"] else None,
    }


def _normalise(text: str, decimal: str) -> str:
    plain = text.strip()
    for dash in "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d":
        plain = plain.replace(dash, "-")
    # Powers of ten before middle dots, which may be their multiplication sign.
    plain = re.sub(
        r"\s*[x×\u00b7*]\s*10\s*(?:\^\s*([-+]?\d+)|([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))",
        lambda power: "e" + (power[1] or power[2]).translate(_SUPERSCRIPTS),
        plain,
    )
    plain = plain.replace("\u00b7", ".").replace("\u2219", ".").replace("\u22c5", ".")
    # Spaces of every width between groups of three digits separate thousands.
    plain = re.sub(r"(?<=\d)[\u00a0\u2009\u202f\u2007\u2008 ](?=\d{3}(?!\d))", "", plain)
    plain = re.sub(r"[\u00a0\u2009\u202f\u2007\u2008\u200a\s]+", " ", plain)
    plain = plain.replace("<=", "≤").replace(">=", "≥").replace("⩽", "≤").replace("⩾", "≥")
    if decimal == ",":
        return re.sub(r"(?<=\d),(?=\d)", ".", re.sub(r"(?<=\d)\.(?=\d{3}(?!\d))", "", plain))
    plain = re.sub(r"(?<![\d,.])([1-9]\d{0,2})((?:,\d{3})+)(?![\d])", lambda m: m[0].replace(",", ""), plain)
    # A text that has a decimal point uses its commas for something else.
    return plain if re.search(r"\d\.\d|(?<!\d)\.\d", plain) else re.sub(r"(?<=\d),(?=\d)", ".", plain)


def _with_sign(sign: str, number: str, rounding: tuple[str, ...], *, percent: bool) -> RoundingInterval:
    if sign in {"", "="}:
        return _rounded(number, rounding, percent=percent)
    bound = Fraction(Decimal(number)) / (100 if percent else 1)
    if sign in {"<", "≤"}:
        return RoundingInterval(lower=None, upper=bound, includes_lower=False, includes_upper=sign == "≤")
    return RoundingInterval(lower=bound, upper=None, includes_lower=sign == "≥")


def _rounded(number: str, rounding: tuple[str, ...], *, percent: bool) -> RoundingInterval:
    """Return what the number may stand for under any of the conventions; their intervals overlap."""
    intervals = [_rounded_once(number, convention, percent=percent) for convention in rounding]
    if len(intervals) == 1:
        return intervals[0]
    # Of two equal ends the included one reaches further.
    lower, excluded = min((i.lower, not i.includes_lower) for i in intervals if i.lower is not None)
    upper, included = max((i.upper, i.includes_upper) for i in intervals if i.upper is not None)
    return RoundingInterval(lower=lower, upper=upper, includes_lower=not excluded, includes_upper=included)


def _rounded_once(number: str, rounding: str, *, percent: bool) -> RoundingInterval:
    printed = Decimal(number)
    exponent = printed.as_tuple().exponent
    unit = Fraction(10) ** int(exponent) / (100 if percent else 1)
    value = Fraction(printed) / (100 if percent else 1)
    size = abs(value)
    if rounding == "truncation":
        lower, upper, closed = size, size + unit, (True, False)
    else:
        lower, upper = size - unit / 2, size + unit / 2
        even = int(printed.as_tuple().digits[-1]) % 2 == 0
        closed = (True, False) if rounding == "half-up" else (even, even)
    if size == 0:
        reach = unit if rounding == "truncation" else unit / 2
        ends = rounding == "half-even"
        return RoundingInterval(lower=-reach, upper=reach, includes_lower=ends, includes_upper=ends)
    if value < 0:
        lower, upper, closed = -upper, -lower, (closed[1], closed[0])
    return RoundingInterval(lower=lower, upper=upper, includes_lower=closed[0], includes_upper=closed[1])


def _exact(value: Fraction) -> RoundingInterval:
    return RoundingInterval(lower=value, upper=value, includes_upper=True)
