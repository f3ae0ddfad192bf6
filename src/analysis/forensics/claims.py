"""The ledger: each claim against what its source's numbers give.

A claim is one printed number, the counts or percentages printed beside it, and what it is said to be.
Sentences are what a letter to a journal would print. Files are read in `data`, figures drawn in `figures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.forensics.feasible import feasible_counts
from analysis.values.arguments import check_choice
from analysis.values.counts import Proportion, TwoByTwo
from analysis.values.reported import Reported, RoundingInterval
from analysis.values.text import short_count, short_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from analysis.values.arrays import FloatArray

__all__ = ["VERDICTS", "ClaimEntry", "ClaimLedger", "audit_claims"]

VERDICTS = ("reproduced", "consistent", "contradicted", "cannot be recomputed")
_CHECKED = ("PR", "RR", "OR", "RD", "HR")
_NAMES = {
    "PR": "proportion",
    "RR": "risk ratio",
    "OR": "odds ratio",
    "RD": "risk difference",
    "HR": "hazard ratio",
    "IRR": "rate ratio",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEntry:
    """One claim, audited. `str` of it is the sentence.

    Parameters
    ----------
    claim_id, claim, worded, worded_value, source, source_prints : str
        As given; empty where not given.
    printed : str
        The number that was checked, as printed.
    checked_as : str
        The measure as which it was checked: PR, RR, OR, RD or HR.
    recomputed_low, recomputed_high : float
        Smallest and largest value over all tables that the printed numbers allow; NaN if there is none.
    n_tables : int
        How many tables these are; 0 where nothing can be recomputed.
    basis : str
        The numbers that the tables rest on ("229/424", "4.7% of 5476 and 2.8% of 27 657").
    verdict : str
        "reproduced" (every table gives the printed number), "consistent" (some do), "contradicted" (none
        does) or "cannot be recomputed".
    reason : str
        Why it cannot be recomputed; empty otherwise.
    flags : tuple of str
        What the wording changed.
    """

    claim_id: str
    claim: str
    worded: str
    worded_value: str
    source: str
    source_prints: str
    printed: str
    checked_as: str
    recomputed_low: float
    recomputed_high: float
    n_tables: int
    basis: str
    verdict: str
    reason: str
    flags: tuple[str, ...]

    @property
    def recomputed(self) -> str:
        """The recomputed value or range as text; empty if there is none."""
        if not self.n_tables:
            return ""
        percent = self.checked_as == "PR"
        return short_range(self.recomputed_low, self.recomputed_high, percent=percent)

    def __str__(self) -> str:
        measure = f"crude {_NAMES[self.checked_as]}" if self.checked_as != "PR" else "proportion"
        if self.verdict == "cannot be recomputed":
            return f"The printed {self.printed} cannot be recomputed: {self.reason}."
        if not self.n_tables:
            return f"No table fits {self.basis}; the printed {self.printed} cannot come from one."
        gives = f"{self.basis} gives a {measure} of {self.recomputed}"
        if self.n_tables > 1:
            tables = f"the {short_count(self.n_tables)} tables that round to {self.basis}"
            gives = f"{tables} give a {measure} of {self.recomputed}"
        ending = {
            "reproduced": f"which reproduces the printed {self.printed}",
            "consistent": f"with which the printed {self.printed} is consistent",
            "contradicted": f"so the printed {self.printed} is not that {measure}",
        }[self.verdict]
        return f"{gives[0].upper()}{gives[1:]}, {ending}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLedger:
    """All audited claims, in the order given."""

    entries: tuple[ClaimEntry, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per claim: what was printed, what comes out, verdict, flags and sentence."""
        import pandas as pd

        rows = [
            {name: getattr(entry, name) for name in ClaimEntry.__dataclass_fields__}
            | {
                "recomputed": entry.recomputed,
                "flags": "; ".join(entry.flags),
                "sentence": str(entry),
            }
            for entry in self.entries
        ]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        return "\n".join(f"{entry.claim_id}: {entry.verdict}. {entry}" for entry in self.entries)

    def _repr_html_(self) -> str:
        columns = ["claim_id", "printed", "checked_as", "recomputed", "verdict", "flags", "sentence"]
        return self.to_frame()[columns].to_html(border=0, index=False)


def audit_claims(claims: pd.DataFrame, *, progress: Callable[[int], None] | None = None) -> ClaimLedger:
    """Check each printed number against the numbers printed beside it.

    Parameters
    ----------
    claims : pandas.DataFrame
        One row a printed number. Required columns: `claim_id`, `printed` (text, "1.83 (1.58-2.11)") and
        `checked_as` (PR, RR, OR, RD or HR). Counts or percentages as the source prints them:
        `exposed_cases`, `exposed_total`, `exposed_percent`, `control_cases`, `control_total`,
        `control_percent` (a single proportion uses the exposed ones). For the flags: `worded_measure`,
        `source_measure`, `worded_outcome`, `source_outcome`, `source_adjusted`, `worded_adjusted` (yes or
        no), `direction` ("as worded" or "reversed") and `range` (the same text on both ends of a range).
        All but the first three may be missing or empty.
    progress : callable, optional
        Told how many claims are done, after each.

    Returns
    -------
    ClaimLedger

    Raises
    ------
    ValueError
        If a required column is missing, a measure unknown or a printed text unreadable; a line for each
        claim that is at fault.

    Notes
    -----
    Whether a recomputed ratio rounds to the printed number is decided in integer arithmetic. A number that
    its source adjusted is checked only if the claim words it as unadjusted.

    Examples
    --------
    >>> import pandas as pd
    >>> claims = pd.DataFrame({"claim_id": ["early"], "printed": ["54%"], "checked_as": ["PR"],
    ...                        "exposed_cases": [229], "exposed_total": [424]})
    >>> print(audit_claims(claims))
    early: reproduced. 229/424 gives a proportion of 54.0%, which reproduces the printed 54%.
    """
    missing = [name for name in ("claim_id", "printed", "checked_as") if name not in claims.columns]
    if missing:
        raise ValueError(
            f"`claims` must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"it has {', '.join(map(str, claims.columns))}."
        )
    rows = [_Row(record) for record in claims.to_dict("records")]
    range_ends: dict[str, set[str]] = {}
    for row in rows:
        if row.text("range"):
            range_ends.setdefault(row.text("range"), set()).add(row.text("source_outcome"))
    entries, faults = [], []
    for done, row in enumerate(rows, start=1):
        try:
            entries.append(_audit(row, range_ends))
        except ValueError as error:
            faults.append(f"Claim {row.text('claim_id')}: {error}")
        if progress is not None:
            progress(done)
    if faults:
        raise ValueError("\n".join(faults))
    return ClaimLedger(entries=tuple(entries))


class _Row:
    """One record of the claims table, where an empty or missing cell reads as nothing."""

    def __init__(self, record: Mapping[Any, Any]) -> None:
        self._record = record

    def text(self, name: str) -> str:
        value = self._record.get(name)
        return "" if _is_missing(value) else str(value).strip()

    def count(self, name: str) -> int | None:
        text = self.text(name)
        return int(float(text)) if text else None


def _is_missing(value: object) -> bool:
    # NaN and pandas' NA are the values that do not equal themselves.
    return value is None or type(value).__name__ == "NAType" or value != value  # noqa: PLR0124


def _audit(row: _Row, range_ends: Mapping[str, set[str]]) -> ClaimEntry:
    measure = check_choice("checked_as", row.text("checked_as"), _CHECKED)
    printed = Reported(row.text("printed"))
    values, basis, derived, reason = _recompute(row, measure)
    verdict, low, high, count = "cannot be recomputed", np.nan, np.nan, 0
    if values is not None:
        numerator, denominator = values
        count = numerator.size
        verdict = _verdict(printed.value, numerator, denominator, derived=derived)
        if count:
            with np.errstate(divide="ignore", invalid="ignore"):
                quotients = numerator / denominator
            low, high = float(np.min(quotients)), float(np.max(quotients))
    return ClaimEntry(
        **{
            name: row.text(name)
            for name in ("claim", "worded", "worded_value", "source", "source_prints", "printed")
        },
        claim_id=row.text("claim_id"),
        checked_as=measure,
        recomputed_low=low,
        recomputed_high=high,
        n_tables=count,
        basis=basis,
        verdict=verdict,
        reason=reason,
        flags=_flags(row, range_ends),
    )


def _verdict(
    printed: RoundingInterval,
    numerator: FloatArray,
    denominator: FloatArray,
    *,
    derived: list[RoundingInterval],
) -> str:
    if not numerator.size:
        return "contradicted"
    inside = printed.contains_ratio(numerator, denominator)
    if not inside.any():
        return "contradicted"
    # Counts that were derived from the very number under check cannot reproduce it.
    return "reproduced" if inside.all() and printed not in derived else "consistent"


Ratio = tuple["FloatArray", "FloatArray"]


def _recompute(row: _Row, measure: str) -> tuple[Ratio | None, str, list[RoundingInterval], str]:
    """Return values as numerators and denominators, what they rest on, and why there are none."""
    if measure == "HR":
        return None, "", [], "a hazard ratio needs the times to event, which a summary table does not hold"
    if row.text("source_adjusted") == "yes" and row.text("worded_adjusted") != "no":
        return None, "", [], "the source adjusted it, which needs the individual records"
    exposed, exposed_basis, derived = _arm(row, "exposed")
    if measure == "PR":
        if exposed is None:
            return None, "", [], "neither the events nor a percentage with its total are printed"
        return (exposed.events, np.broadcast_to(exposed.total, exposed.shape)), exposed_basis, derived, ""
    control, control_basis, control_derived = _arm(row, "control")
    if exposed is None or control is None:
        return None, "", [], "the cells of the table are not printed, and any number of tables gives it"
    # Every count of one arm with every count of the other.
    table = TwoByTwo._trusted(  # noqa: SLF001 -- counts of its own making
        exposed_cases=np.repeat(exposed.events, control.events.size),
        exposed_total=exposed.total.flat[0:1] if exposed.total.size else np.ones(1),
        control_cases=np.tile(control.events, exposed.events.size),
        control_total=control.total.flat[0:1] if control.total.size else np.ones(1),
    )
    return _ratio(table, measure), f"{exposed_basis} and {control_basis}", derived + control_derived, ""


def _ratio(table: TwoByTwo, measure: str) -> Ratio:
    a, n1, c, n0 = table.exposed_cases, table.exposed_total, table.control_cases, table.control_total
    if measure == "RR":
        return a * n0, c * n1
    if measure == "OR":
        return a * (n0 - c), (n1 - a) * c
    return a * n0 - c * n1, n1 * n0


def _arm(row: _Row, arm: str) -> tuple[Proportion | None, str, list[RoundingInterval]]:
    cases, total = row.count(f"{arm}_cases"), row.count(f"{arm}_total")
    percent = row.text(f"{arm}_percent").removesuffix("%").strip()
    if total is not None and cases is not None:
        counts = Proportion(events=np.atleast_1d(cases), total=np.atleast_1d(total))
        return counts, f"{short_count(cases)}/{short_count(total)}", []
    if total is not None and percent:
        printed = Reported(f"{percent}%")
        counts = feasible_counts(printed, total=total)
        basis = f"{percent}% of {short_count(total)}"
        if len(counts) == 1:
            basis = f"{short_count(counts.events.item())}/{short_count(total)} (from {percent}%)"
        return counts, basis, [printed.value]
    return None, "", []


def _flags(row: _Row, range_ends: Mapping[str, set[str]]) -> tuple[str, ...]:
    def differ(one: str, other: str) -> bool:
        first, second = row.text(one), row.text(other)
        return bool(first and second) and first.casefold() != second.casefold()

    flags = {
        "measure relabelled": differ("worded_measure", "source_measure"),
        "outcome relabelled": differ("worded_outcome", "source_outcome"),
        "direction reversed": row.text("direction") == "reversed",
        "adjusted read as crude": row.text("source_adjusted") == "yes"
        and row.text("worded_adjusted") == "no",
        "range end from another definition": len(range_ends.get(row.text("range"), ())) > 1,
    }
    return tuple(name for name, raised in flags.items() if raised)
