"""What a paper prints about one 2x2 table: one named interval for each number, and how it was computed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, SupportsFloat, TypeAlias

import numpy as np

from analysis.forensics.methods.table_tests import PVALUES, STATISTICS
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.reported import Reported, RoundingInterval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analysis.measures.methods.cells import Method

__all__ = [
    "MEASURES",
    "Printed",
    "PrintedTable",
    "Total",
    "middle_of",
    "read_printed",
    "read_reported",
    "unit_of",
]

Total: TypeAlias = "int | tuple[int, int] | str | Reported"
Printed: TypeAlias = "Reported | str"

# Where 64 bits still hold the product of an arm, a count and a printed number's denominator.
_LARGEST = 2**31 - 1

MEASURES: dict[str, dict[str, Method]] = {
    "risk_ratio": RISK_RATIO,
    "odds_ratio": ODDS_RATIO,
    "risk_difference": RISK_DIFFERENCE,
}
_USUAL = {"risk_ratio": "log", "odds_ratio": "woolf", "risk_difference": "wald"}
# Conditional estimates have no closed form, and Baptista and Pike's limits cost a thousand times the others.
_ONLY_BY_NAME = frozenset({"conditional-exact", "conditional-mid-p", "baptista-pike", "baptista-pike-mid-p"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTable:
    """Printed numbers of one table by name, each as the interval that rounds to it.

    Parameters
    ----------
    exposed, control : tuple of int
        First and last size of the arms.
    numbers : mapping
        "exposed_cases", "control_cases", "cases", "total" are counts; "exposed_risk", "control_risk", "risk"
        shares; "odds_ratio", "odds_ratio low", "odds_ratio high" and so on a measure with its limits;
        "pvalue"; "chi_square".
    texts : mapping
        Each as printed.
    methods, levels : mapping
        By measure: the interval methods that are allowed, and the confidence level.
    tests, statistics : tuple of str
        The tests that the P-value, and the chi-square, may come from.
    """

    exposed: tuple[int, int]
    control: tuple[int, int]
    numbers: Mapping[str, RoundingInterval]
    texts: Mapping[str, str]
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, float] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()

    def only(self, names: Iterable[str]) -> PrintedTable:
        """Return the same with some of the numbers."""
        wanted = set(names)
        return replace(self, numbers={name: self.numbers[name] for name in self.numbers if name in wanted})

    def widened(self, factor: int) -> PrintedTable:
        """Return the same with every interval reaching `factor` units further on either side."""
        return replace(
            self,
            numbers={name: _widened(interval, factor) for name, interval in self.numbers.items()},
        )


def unit_of(interval: RoundingInterval) -> Fraction:
    """Return the unit of the last printed digit; of a count 1, of an inequality its end."""
    if interval.lower is None or interval.upper is None:
        end = interval.upper if interval.lower is None else interval.lower
        return abs(end) if end else Fraction(1)
    return interval.upper - interval.lower or Fraction(1)


def middle_of(interval: RoundingInterval) -> Fraction:
    """Return the printed number itself, exactly, or the one end of an inequality."""
    ends = [end for end in (interval.lower, interval.upper) if end is not None]
    return sum(ends, Fraction(0)) / max(len(ends), 1)


def _widened(interval: RoundingInterval, factor: int) -> RoundingInterval:
    reach = factor * unit_of(interval)
    return RoundingInterval(
        lower=None if interval.lower is None else interval.lower - reach,
        upper=None if interval.upper is None else interval.upper + reach,
        includes_lower=True,
        includes_upper=True,
    )


def read_reported(name: str, text: Reported | str) -> Reported:
    """Return the printed text read; errors name the argument."""
    if isinstance(text, Reported):
        return text
    try:
        return Reported(text)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("`text`", f"`{name}`")) from None


def read_printed(
    *,
    totals: Mapping[str, Total | None],
    cases: Mapping[str, Total | None],
    risks: Mapping[str, Printed | None],
    measures: Mapping[str, Printed | None],
    methods: Mapping[str, str | Sequence[str] | None],
    tests: Mapping[str, Printed | None],
    choices: Mapping[str, str | Sequence[str]],
    confidence_level: float,
) -> PrintedTable:
    """Read the arguments of `feasible_tables`; `totals` are the arms and both together."""
    level = check_confidence_level(confidence_level)
    sizes = {name: _sizes(name, value, least=1) for name, value in totals.items() if value is not None}
    counts = {name: _sizes(name, value, least=0) for name, value in cases.items() if value is not None}
    if "total" in sizes:
        counts["total"] = sizes["total"]
    numbers = {name: _count(*pair) for name, pair in counts.items()}
    texts = {name: _pair_text(*pair) for name, pair in counts.items()}

    levels: dict[str, float] = {}
    given = {
        name: text for name, text in (*risks.items(), *measures.items(), *tests.items()) if text is not None
    }
    for name, text in given.items():
        printed = read_reported(name, text)
        parts: dict[str, RoundingInterval | None] = {name: printed.value}
        if name in MEASURES:
            levels[name] = printed.confidence_level or level
            parts |= {f"{name} low": printed.low, f"{name} high": printed.high, "pvalue": printed.pvalue}
        elif name in risks and printed.events is not None and printed.total is not None:
            # "229/424 (54%)" prints the count and the arm besides the percentage.
            parts |= {f"{name} count": _count(printed.events, printed.events)}
            parts |= {f"{name} of": _count(printed.total, printed.total)}
        for part, interval in parts.items():
            if interval is not None:
                numbers[part], texts[part] = interval, printed.text
    exposed, control = _arms(sizes)
    return PrintedTable(
        exposed=exposed,
        control=control,
        numbers=numbers,
        texts=texts,
        methods={name: _methods(name, methods[name]) for name in MEASURES},
        levels=levels,
        tests=_chosen("test", choices["test"], PVALUES),
        statistics=_chosen("chi_square_test", choices["chi_square_test"], STATISTICS),
    )


def _pair_text(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _count(low: int, high: int) -> RoundingInterval:
    return RoundingInterval(lower=Fraction(low), upper=Fraction(high), includes_upper=True)


def _arms(sizes: Mapping[str, tuple[int, int]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sizes of the arms that are allowed; an arm that is not printed may be all of the rest."""
    together = sizes.get("total")
    found = []
    for name, other in (("exposed_total", "control_total"), ("control_total", "exposed_total")):
        if name in sizes:
            found.append(sizes[name])
        elif together is None:
            raise ValueError(
                f"`{name}` is not given: give it, or a range (first, last) of it, or `total`, the persons of "
                "both arms."
            )
        else:
            rest = sizes.get(other, (1, together[1] - 1))
            found.append((max(1, together[0] - rest[1]), max(1, together[1] - rest[0])))
    return found[0], found[1]


def _sizes(name: str, value: Total, *, least: int) -> tuple[int, int]:
    """Return the first and the last count that a number, a pair of numbers or "n = 80" allows."""
    printed = _printed_count(value)
    pair = value if isinstance(value, tuple) else (value if printed is None else printed,) * 2
    if len(pair) != 2:
        raise ValueError(f"`{name}` must be a count or (first, last), but got {value!r}.")
    first, last = (_whole(name, count, value, least=least) for count in pair)
    if first > last:
        raise ValueError(f"`{name}` must be (first, last) in ascending order, but got {value!r}.")
    return first, last


def _whole(name: str, count: object, value: Total, *, least: int) -> int:
    if isinstance(count, (bool, np.bool_, str)) or not isinstance(count, SupportsFloat):
        number = np.nan
    else:
        number = float(count)
    if not number.is_integer() or number < least:
        raise ValueError(
            f"`{name}` must be a whole number of at least {least}, but got {value!r}. "
            "Also read: (first, last) and 'n = 80'."
        )
    if number > _LARGEST:
        raise ValueError(f"`{name}` must be at most {_LARGEST}, but got {value!r}.")
    return int(number)


def _printed_count(value: object) -> int | None:
    if not isinstance(value, (str, Reported)):
        return None
    try:
        printed = value if isinstance(value, Reported) else Reported(value)
    except ValueError:
        return None
    return printed.total if printed.events is None else None


def _methods(measure: str, methods: str | Sequence[str] | None) -> tuple[str, ...]:
    known = MEASURES[measure]
    if methods is None:
        return (_USUAL[measure],)
    if methods == "any":
        return tuple(name for name in known if name not in _ONLY_BY_NAME)
    return _chosen(f"{measure}_method", methods, known)


def _chosen(name: str, chosen: str | Sequence[str], known: Mapping[str, object]) -> tuple[str, ...]:
    if chosen == "any":
        return tuple(known)
    names = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    if not names:
        raise ValueError(f"`{name}` must name at least one of {', '.join(known)}, but is empty.")
    for one in names:
        check_choice(name, one, (*known, "any"))
    return names
