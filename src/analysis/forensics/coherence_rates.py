"""Events, person-time and rate: do they multiply, and does the interval belong to that many events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.finding import Finding
from analysis.values.text import short_count, short_number

if TYPE_CHECKING:
    from analysis.forensics.coherence_columns import Columns
    from analysis.values.arrays import FloatArray

__all__ = ["check_rate_intervals", "check_rates"]


def _per(columns: Columns) -> FloatArray:
    """Return the person-time to which a rate refers, read from its unit; 1000 where none is named."""
    per = np.full(columns.n_rows, 1000.0)
    for row, text in enumerate(columns.texts("rate_unit")):
        # "per 1000 person-years", "per 100,000", "per 1 000".
        digits = "".join(character for character in text if character.isdigit())
        if digits:
            per[row] = float(digits)
    return per


def check_rates(columns: Columns) -> tuple[list[Finding], int]:
    """Check that a rate times its person-time is a whole number of events, and the printed one."""
    if "rate" not in columns or "person_years" not in columns:
        return [], 0
    rate, per = columns.printed("rate"), _per(columns)
    events, time = columns.counts("events"), columns.numbers("person_years")
    usable = rate.given & (time > 0)
    with np.errstate(invalid="ignore"):
        least, most = (
            np.ceil(np.fmax(np.fmin(rate.nearest.low, rate.cut.low), 0.0) * time / per - 1e-9),
            np.floor(np.fmax(rate.nearest.high, rate.cut.high) * time / per + 1e-9),
        )
        whole = least <= most
        fits = np.where(np.isnan(events), whole, (events >= least) & (events <= most))
    findings = []
    for row in np.flatnonzero(usable & ~fits).tolist():
        product = rate.nearest.intervals[row].middle * time[row] / per[row]
        known = not np.isnan(events[row])
        printed = (
            f"a rate of {rate[row]} per {short_count(per[row])} and {short_number(time[row])} person-years"
        )
        if known:
            printed += f" are printed with {short_count(events[row])} events"
            gives = events[row] / time[row] * per[row]
            arithmetic = (
                f"the events give {short_number(gives)}, the rate gives {short_number(product)} events"
            )
        else:
            printed += " are printed"
            arithmetic = f"they give {short_number(product)} events, which is not whole"
        fits_text = f"{_whole_range(least[row], most[row])} events" if known and whole[row] else ""
        findings.append(
            Finding(
                rule="rate times person-time",
                strength="contradiction",
                rows=(row,),
                label=columns.label(row),
                printed=printed,
                arithmetic=arithmetic,
                fits=fits_text,
            )
        )
    return findings, int(usable.sum())


def check_rate_intervals(columns: Columns) -> tuple[list[Finding], int]:
    """Check that the interval of a rate has the width that its number of events gives.

    Notes
    -----
    A log rate of d events has variance 1/d. Exact and score limits are at most about 1/d wider in
    proportion, which is allowed for.
    """
    needed = {"rate", "rate_low", "rate_high", "events"}
    if any(name not in columns for name in needed):
        return [], 0
    low, high = columns.printed("rate_low"), columns.printed("rate_high")
    events = columns.counts("events")
    usable = low.given & high.given & (events > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        widest = np.log(np.fmax(high.nearest.high, high.cut.high) / np.fmax(low.nearest.low, 0.0))
        narrowest = np.log(np.fmax(high.nearest.low, 0.0) / np.fmax(low.nearest.high, low.cut.high))
        z = 1.959963984540054
        most, least = (2 * z / narrowest) ** 2, (2 * z / widest) ** 2
        room = 1 + 2 / events
        outside = usable & ((events < least / room) | (events > most * room + 2))
    findings = [
        Finding(
            rule="interval of a rate",
            strength="discrepancy",
            rows=(row,),
            label=columns.label(row),
            printed=(
                f"a rate with limits {low[row]} and {high[row]} is printed with "
                f"{short_count(events[row])} events"
            ),
            arithmetic=f"Poisson limits of that width belong to {_whole_range(least[row], most[row])} events",
            fits="a variance that is not Poisson's (recurrent or weighted events), or another count",
        )
        for row in np.flatnonzero(outside).tolist()
    ]
    return findings, int(usable.sum())


def _whole_range(least: float, most: float) -> str:
    if np.isinf(most):
        return f"at least {short_count(np.ceil(least))}"
    first, last = short_count(np.ceil(least)), short_count(np.floor(most))
    return first if first == last else f"{first} to {last}"
