"""How a journal writes numbers: decimal mark, thousands, what stands between limits, P-values.

A style holds inside of a `with` block only. Which digits are printed is decided in `format`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NUMBER_STYLES", "NumberStyle", "current_number_style", "join_limits", "number_style"]

_THIN_SPACE = "\N{THIN SPACE}"
_DECIMAL_MARKS = (".", ",", "·")
_THOUSANDS = (_THIN_SPACE, "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}", " ", ",", ".", "'", "’", "")
# The mark between a digit and a digit, and that of a number without its leading 0.
_POINT = re.compile(r"(?<=\d)\.(?=\d)|(?<!\d)\.(?=\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStyle:
    """How numbers are written.

    Parameters
    ----------
    name : str
        Of the preset it started from.
    decimal_mark : {".", ",", "·"}
        Between the whole number and its decimals.
    thousands : str
        Between groups of three digits of a count; empty for none.
    thousands_from : int
        The smallest count that is grouped.
    limits : str
        Between two limits. A dash gives way to " to " beside a minus sign or an infinity.
    p_letter : str
        "P" or "p".
    p_spaces : bool
        Whether spaces stand about the sign ("P = 0.03" or "P=0.03").
    p_leading_zero : bool
        Whether a P-value has its 0 before the decimal mark.
    p_smallest : float
        0.001 or 0.0001: P-values below it are printed as less than it.
    """

    name: str
    decimal_mark: str = "."
    thousands: str = _THIN_SPACE
    thousands_from: int = 10_000
    limits: str = " to "
    p_letter: str = "P"
    p_spaces: bool = True
    p_leading_zero: bool = True
    p_smallest: float = 0.001

    def written(self, text: str) -> str:
        """Return a text in which numbers have a full stop with the decimal mark of the style."""
        return text if self.decimal_mark == "." else _POINT.sub(self.decimal_mark, text)

    def grouped(self, digits: str) -> str:
        """Return the digits of a whole number, with or without a sign, in groups of three."""
        sign, number = (digits[0], digits[1:]) if digits[:1] in {"-", "−"} else ("", digits)
        if int(number) < self.thousands_from:
            return digits
        return sign + f"{int(number):,}".replace(",", self.thousands)


NUMBER_STYLES = {
    style.name: style
    for style in (
        NumberStyle(name="default"),
        NumberStyle(
            name="lancet", decimal_mark="·", limits="–", p_letter="p", p_spaces=False, p_smallest=0.0001
        ),
        NumberStyle(name="bmj", p_spaces=False),
        NumberStyle(name="jama", thousands=",", limits="-", p_leading_zero=False),
        NumberStyle(name="nejm", thousands=",", p_spaces=False),
        NumberStyle(name="nature", thousands=",", limits="–"),
        NumberStyle(name="plos", thousands=",", limits="–"),
        NumberStyle(name="elsevier", limits="–"),
        NumberStyle(name="springer", thousands=",", limits="–"),
    )
}

_active: ContextVar[NumberStyle | None] = ContextVar("active number style", default=None)


@contextmanager
def number_style(
    name: str | None = None,
    *,
    decimal_mark: str | None = None,
    thousands: str | None = None,
    limits: str | None = None,
) -> Iterator[NumberStyle]:
    """Write numbers as a journal does inside of a `with` block.

    Parameters
    ----------
    name : {"default", "lancet", "bmj", "jama", "nejm", "nature", "plos", "elsevier", "springer"}, optional
        The preset to start from; by default what holds where the block is entered.
    decimal_mark : {".", ",", "·"}, optional
        Instead of the preset's.
    thousands : str, optional
        Between groups of three digits, instead of the preset's: a space, comma, full stop or apostrophe;
        empty for none.
    limits : {" to ", "–", "-", "; "}, optional
        Between two limits, instead of the preset's.

    Yields
    ------
    NumberStyle
        What holds in the block. The former style returns when the block is left, also by an error.

    Raises
    ------
    ValueError
        If there is no such preset or sign, or if decimals and thousands would have the same mark.

    Notes
    -----
    All presets print P-values with two decimals, three below 0.01, as NEJM asks for (Aguinis, Vassar and
    Wayant 2021). That JAMA prints them without the leading 0 is the AMA Manual of Style's rule. The raised
    point, the en dash and "p<0·0001" of The Lancet and "to" between limits of The BMJ are what these
    journals print; their guidelines were not read. (Presets of publishers not verified: a journal's own
    guide decides.)

    References
    ----------
    Aguinis H, Vassar M, Wayant C (2021). On reporting and interpreting statistical significance and p
    values in medical research. BMJ Evid Based Med 26:39. DOI 10.1136/bmjebm-2019-111264

    Examples
    --------
    >>> from analysis.tables.format import format_estimate, format_pvalue
    >>> with number_style("lancet"):
    ...     format_estimate(1.834, 1.58, 2.1149), format_pvalue(0.03)
    ('1·83 (1·58–2·11)', 'p=0·03')
    >>> with number_style("jama"):
    ...     format_estimate(1.834, 1.58, 2.1149), format_pvalue(0.03)
    ('1.83 (1.58-2.11)', 'P = .03')
    >>> with number_style(decimal_mark=","):
    ...     format_estimate(-0.5, -0.7, -0.3)
    '−0,50 (−0,70 to −0,30)'
    """
    style = (
        current_number_style() if name is None else NUMBER_STYLES[check_choice("name", name, NUMBER_STYLES)]
    )
    if decimal_mark is not None:
        style = replace(style, decimal_mark=check_choice("decimal_mark", decimal_mark, _DECIMAL_MARKS))
    if thousands is not None:
        style = replace(style, thousands=check_choice("thousands", thousands, _THOUSANDS))
    if limits is not None:
        style = replace(style, limits=check_choice("limits", limits, (" to ", "–", "-", "; ")))
    if style.decimal_mark == style.thousands:
        raise ValueError(
            f"`decimal_mark` and `thousands` must differ, but both are {style.decimal_mark!r}; "
            'give `thousands` too, for example "".'
        )
    token = _active.set(style)
    try:
        yield style
    finally:
        _active.reset(token)


def current_number_style() -> NumberStyle:
    """Return the style that holds now; the default one outside of every `with number_style(...)`.

    Returns
    -------
    NumberStyle
    """
    return _active.get() or NUMBER_STYLES["default"]


def join_limits(low: str, high: str) -> str:
    """Return two limits as the style joins them; a dash would be read as a sign beside a minus.

    Parameters
    ----------
    low, high : str
        Formatted numbers.

    Returns
    -------
    str
        "1.63 to 1.73".
    """
    between = current_number_style().limits
    if between in {"–", "-"} and any(sign in low + high for sign in ("−", "∞", "<", ">")):
        between = " to "
    return f"{low}{between}{high}"
