"""Which columns `reanalysis audit` reads, which of them a file has, and what it may have meant by others.

What is wrong with the cells below them is in `cli_audit`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = [
    "COUNTS",
    "FORMS",
    "KNOWN",
    "NUMBERS",
    "OTHER",
    "PRINTED",
    "has_claims",
    "has_results",
    "of_neither_form",
    "said_once",
    "unused_notes",
]

COUNTS = (
    "events",
    "total",
    "exposed_cases",
    "exposed_total",
    "control_cases",
    "control_total",
    "n_exposed",
    "n_control",
)
NUMBERS = ("person_years", "confidence_level")
PRINTED = (
    "percent",
    "exposed_percent",
    "control_percent",
    "printed",
    "estimate",
    "low",
    "high",
    "p_value",
    "pvalue",
    "rate",
    "rate_low",
    "rate_high",
)
KNOWN = (*COUNTS, *NUMBERS, *PRINTED)
OTHER = (
    "row_id",
    "study",
    "label",
    "outcome",
    "site",
    "subgroup",
    "stratum",
    "measure",
    "adjusted",
    "pooled",
    "rate_unit",
    "method",
    "population",
    "group",
    "definition",
)
_CLAIM = ("claim_id", "checked_as", "claim")
_MEASURES = ("rr", "or", "hr", "irr", "smr", "rd")
# What other programs and papers call a column; of each name, its words.
_ALSO_CALLED = {
    "estimate": {*_MEASURES, "ratio", "effect"},
    "low": {"lower", "lcl", "ll", "lci", "cil"},
    "high": {"upper", "ucl", "ul", "uci", "ciu"},
    "p_value": {"p", "pval"},
    "percent": {"%", "risk", "percentage", "prevalence", "proportion", "pct", "share"},
    "events": {"cases", "count"},
    "total": {"n", "size"},
}
_ARMS = {
    "exposed_": {"exposed", "exposure", "treated", "treatment", "patients", "intervention"},
    "control_": {"control", "controls", "unexposed", "comparison", "placebo"},
}
FORMS = (
    "Printed results are one result a row, for example study, measure, estimate, low, high, p_value (with "
    "exposed_cases, exposed_total, control_cases, control_total where they are printed), or study, events, "
    "total, percent. Claims are one sentence a row: claim_id, printed, checked_as, and the counts that it "
    "is checked against."
)


def has_results(file: Path) -> bool:
    """Tell printed results from claims by the header; whatever is unclear is read, and refused, as claims."""
    names = _header(file)
    return not names & set(_CLAIM) and bool(names & {*KNOWN, "study", "row_id"})


def _header(file: Path) -> set[str]:
    with file.open("rb") as stream:
        first = stream.readline(100_000)
    header = first.decode("utf-8-sig", errors="replace").strip().replace('"', "").split(",")
    return {name.strip() for name in header if name.strip()}


def has_claims(file: Path) -> bool:
    """Tell claims by the header, though something else in it may be wrong."""
    return bool(_header(file) & set(_CLAIM))


def of_neither_form(file: Path) -> Fault:
    """Return what is wrong with a file of neither form, with both forms in brief."""
    header = sorted(_header(file))
    renamed = "".join(f" {note}" for note in unused_notes(header)[1:])
    return Fault(
        file=str(file),
        line=1,
        rule="must be the header of printed results or of claims",
        value=", ".join(header) or "no column names",
        way_out=FORMS + renamed,
    )


def said_once(faults: tuple[Fault, ...]) -> Iterator[Fault]:
    """Yield the faults with the list of all columns in the first of them only."""
    told: set[str] = set()
    for fault in faults:
        way_out = fault.way_out
        listed = way_out is not None and "; the columns are " in way_out
        if way_out is not None and listed and way_out in told:
            yield replace(fault, way_out="Remove it too.")
        else:
            yield fault
        told |= {way_out} if way_out is not None else set()


def unused_notes(unused: list[str], *, used: Iterable[str] = ()) -> list[str]:
    """Say which columns were not used, and what a near one would have to be called."""
    if not unused:
        return []
    taken = set(used)
    near = {name: known for name in unused if (known := _meant(name)) is not None and known not in taken}
    notes = [f"These columns were not used: {', '.join(unused)}."]
    if near:
        renamed = ", ".join(
            f"`{name}` to `{known}`" + (f" (with {name.upper()} in `measure`)" if _is_measure(name) else "")
            for name, known in near.items()
        )
        notes.append(f"For it to be checked, rename {renamed}, if that is what it holds.")
    return notes


def _is_measure(name: str) -> bool:
    return name.lower() in _MEASURES


def _meant(name: str) -> str | None:
    """Return the known column that a name may stand for."""
    from difflib import get_close_matches

    for sign in "_-()":
        name = name.replace(sign, " ")
    words = name.lower().split()
    arm = next((arm for arm, called in _ARMS.items() if called & set(words)), "")
    for known, called in _ALSO_CALLED.items():
        # "or" within a name is a conjunction, an abbreviation stands first.
        if called & set(words[:1] if known == "estimate" else words):
            inside = f"{arm}{'cases' if known == 'events' else known}"
            return inside if inside in KNOWN else known
    near = get_close_matches("_".join(words), KNOWN, n=1, cutoff=0.8)
    return near[0] if near else None
