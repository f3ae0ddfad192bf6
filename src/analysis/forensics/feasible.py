"""All whole-number tables that printed, rounded numbers allow.

The result is an ordinary count type with a leading axis of tables, so any measure of it is the set of values
that the paper allows. An empty axis means that the printed numbers fit no table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.values.counts import Proportion, TwoByTwo
from analysis.values.reported import Reported, RoundingInterval

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["feasible_counts", "feasible_tables"]

# 20 million tables are 640 MB; beyond that the printed numbers say next to nothing.
_MOST_TABLES = 20_000_000


def feasible_counts(risk: Reported | str, *, total: int) -> Proportion:
    """List the counts that a printed percentage allows.

    Parameters
    ----------
    risk : Reported or str
        "4.7%", "0.047" or "<1%".
    total : int
        The printed denominator.

    Returns
    -------
    Proportion
        Leading axis: the counts that round to the printed number, ascending; of length 0 if none does.

    Raises
    ------
    ValueError
        If the total is not a whole number of at least 1.

    Examples
    --------
    11.54 % fits no count of 80 patients, and 9 of 78:

    >>> len(feasible_counts("11.54%", total=80)), feasible_counts("11.54%", total=78).events
    (0, array([9.]))
    """
    persons = _whole("total", total)
    first, last = _reported("risk", risk).whole_numbers(persons)
    counts = np.arange(first, last + 1, dtype=np.float64)
    return Proportion._trusted(events=counts, total=np.asarray(float(persons)))  # noqa: SLF001 -- counts of its own making


def feasible_tables(
    *,
    exposed_total: int,
    control_total: int,
    exposed_risk: Reported | str | None = None,
    control_risk: Reported | str | None = None,
    risk_ratio: Reported | str | None = None,
    odds_ratio: Reported | str | None = None,
) -> TwoByTwo:
    """List every 2x2 table that rounds to all the printed numbers.

    Parameters
    ----------
    exposed_total, control_total : int
        Persons in the two arms.
    exposed_risk, control_risk : Reported or str, optional
        Printed percentage of cases in an arm ("4.7%"); by default any count is allowed.
    risk_ratio, odds_ratio : Reported or str, optional
        Printed crude ratio ("1.68"). Of "1.68 (1.45-1.94)" the ratio is used, the interval is not.

    Returns
    -------
    TwoByTwo
        Leading axis: the tables, by exposed cases and then control cases; of length 0 if the printed numbers
        contradict one another.

    Raises
    ------
    ValueError
        If a total is not a whole number of at least 1, or if more than 20 million tables would be listed:
        then name a further printed number.

    Notes
    -----
    Complete enumeration. A ratio bounds the control cases for each number of exposed cases in closed form;
    the bounds are then checked in integer arithmetic, so that ties fall as the rounding rule says.

    Examples
    --------
    Sharif et al. 2023 print 4.7 % of 5476 patients and 2.8 % of 27 657 controls, and no counts. No crude
    risk ratio that these allow comes near the adjusted 1.83:

    >>> from analysis import risk_ratio
    >>> tables = feasible_tables(exposed_total=5476, exposed_risk="4.7%",
    ...                          control_total=27657, control_risk="2.8%")
    >>> ratios = risk_ratio(tables).value
    >>> len(tables), round(float(ratios.min()), 3), round(float(ratios.max()), 3)
    (168, 1.634, 1.726)
    """
    n1, n0 = _whole("exposed_total", exposed_total), _whole("control_total", control_total)
    first_a, last_a = _bounds("exposed_risk", exposed_risk, n1)
    first_c, last_c = _bounds("control_risk", control_risk, n0)
    a = np.arange(first_a, last_a + 1, dtype=np.int64)
    low = np.full(a.shape, first_c, dtype=np.int64)
    high = np.full(a.shape, last_c, dtype=np.int64)

    crude = None if risk_ratio is None else _reported("risk_ratio", risk_ratio)
    odds = None if odds_ratio is None else _reported("odds_ratio", odds_ratio)
    with np.errstate(divide="ignore", invalid="ignore"):
        if crude is not None:
            low, high = _narrow(low, high, *_control_cases(crude, a / n1, n0))
        if odds is not None:
            control_odds = _control_cases(odds, a / (n1 - a), 1)
            low, high = _narrow(low, high, *(n0 * _odds_to_risk(bound) for bound in control_odds))
    a, c = _pairs(a, low, high)
    keep = np.ones(a.shape, dtype=bool)
    if crude is not None:
        keep &= crude.contains_ratio(a * n0, c * n1)
    if odds is not None:
        keep &= odds.contains_ratio(a * (n0 - c), (n1 - a) * c)
    return TwoByTwo._trusted(  # noqa: SLF001 -- counts of its own making
        exposed_cases=a[keep].astype(np.float64),
        exposed_total=np.asarray(float(n1)),
        control_cases=c[keep].astype(np.float64),
        control_total=np.asarray(float(n0)),
    )


def _control_cases(ratio: RoundingInterval, exposed: FloatArray, total: int) -> tuple[FloatArray, FloatArray]:
    """Return bounds on what the controls have, given the exposed and the ratio of the two."""
    upper = exposed / ratio.low if ratio.low > 0 else np.full(exposed.shape, np.inf)
    return total * exposed / ratio.high, total * upper


def _odds_to_risk(odds: FloatArray) -> FloatArray:
    return np.where(np.isinf(odds), 1.0, odds / (1 + odds))


def _narrow(low: IntArray, high: IntArray, lower: FloatArray, upper: FloatArray) -> tuple[IntArray, IntArray]:
    # One more on either side than the closed form says: the exact check decides about the ends.
    ceiling = float(high.max(initial=0)) + 1
    lower = np.nan_to_num(lower, nan=0.0, posinf=ceiling)
    upper = np.nan_to_num(upper, nan=ceiling, posinf=ceiling)
    return (
        np.maximum(low, np.floor(np.minimum(lower, ceiling)).astype(np.int64) - 1),
        np.minimum(high, np.ceil(np.minimum(upper, ceiling)).astype(np.int64) + 1),
    )


def _pairs(a: IntArray, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Return every pair of an exposed count with the control counts from its low to its high."""
    lengths = np.maximum(high - low + 1, 0)
    count = int(lengths.sum())
    if count > _MOST_TABLES:
        raise ValueError(
            f"The printed numbers allow about {count:.2g} tables, more than the {_MOST_TABLES:.0e} that are "
            "listed. Give a further printed number: exposed_risk=, control_risk=, risk_ratio= or odds_ratio=."
        )
    starts = np.repeat(low - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths) if a.size else low
    return np.repeat(a, lengths), starts + np.arange(count, dtype=np.int64)


def _bounds(name: str, risk: Reported | str | None, total: int) -> tuple[int, int]:
    return (0, total) if risk is None else _reported(name, risk).whole_numbers(total)


def _reported(name: str, text: Reported | str) -> RoundingInterval:
    if isinstance(text, Reported):
        return text.value
    try:
        return Reported(text).value
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("`text`", f"`{name}`")) from None


def _whole(name: str, total: int) -> int:
    if isinstance(total, (bool, np.bool_, str)) or not float(total).is_integer() or total < 1:
        raise ValueError(f"`{name}` must be a whole number of at least 1, but got {total!r}.")
    return int(total)
