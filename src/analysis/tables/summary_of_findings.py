"""Summary of findings: for each outcome the relative and the absolute effect, and how certain they are.

Columns follow the Cochrane Handbook. Certainty and its reasons are the author's; nothing here makes them up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.measures.absolute_effect import absolute_effects
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.tables.cells import NOTHING, count_cell, estimate_cell, text_cell
from analysis.tables.effects_table import level_text
from analysis.tables.format import format_count, format_interval, format_number
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.values.arguments import check_choice
from analysis.values.estimate import Estimate
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CERTAINTIES", "OutcomeSummary", "summary_of_findings"]

CERTAINTIES = {"high": "⊕⊕⊕⊕", "moderate": "⊕⊕⊕◯", "low": "⊕⊕◯◯", "very low": "⊕◯◯◯"}
_RELATIVE = ("RR", "OR", "HR")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeSummary:
    """One outcome: what was found, and what the author says of its certainty.

    Parameters
    ----------
    outcome : str
        Its name, with the time of follow-up.
    effect : Estimate or PooledEstimate
        One estimate.
    participants : int, optional
        Persons in the studies.
    studies : int, optional
        How many; by default those of a pooled estimate.
    baseline_risk : float, optional
        The risk without exposure, in (0, 1), from which absolute effects are computed. Without it there are
        none.
    certainty : {"high", "moderate", "low", "very low"}, optional
        The author's rating; without it "not rated" is printed.
    reasons : sequence of str
        Why; footnotes. Needed for anything but "high".
    comment : str
        In plain words.

    Raises
    ------
    TypeError
        If the effect is neither.
    ValueError
        If the effect is more than one, the baseline risk not in (0, 1), the certainty unknown, lower than
        "high" without a reason, or reasons stand without a certainty.
    """

    outcome: str
    effect: Estimate | PooledEstimate
    participants: int | None = None
    studies: int | None = None
    baseline_risk: float | None = None
    certainty: str | None = None
    reasons: Sequence[str] = ()
    comment: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.effect, (Estimate, PooledEstimate)):
            raise TypeError(
                f"`effect` must be Estimate or PooledEstimate, but got {type(self.effect).__name__} "
                f"({self.outcome})."
            )
        if isinstance(self.reasons, str):
            raise TypeError(f"`reasons` must be a list of texts, but got the text {self.reasons!r}.")
        if self.estimate.value.size != 1:
            raise ValueError(
                f"`effect` must be one estimate, but has shape {self.estimate.shape} ({self.outcome})."
            )
        if self.baseline_risk is not None and not 0 < self.baseline_risk < 1:
            raise ValueError(
                f"`baseline_risk` must be between 0 and 1, but got {self.baseline_risk!r} ({self.outcome})."
            )
        if self.certainty is None:
            if self.reasons:
                raise ValueError(f"`reasons` need a `certainty` that they are for ({self.outcome}).")
            return
        check_choice("certainty", self.certainty, CERTAINTIES)
        if self.certainty != "high" and not self.reasons:
            raise ValueError(
                f"`reasons` must say why the certainty is {self.certainty!r}, but is empty ({self.outcome}); "
                "readers are told of every downgrading."
            )

    @property
    def estimate(self) -> Estimate:
        """The effect as an estimate."""
        return self.effect.estimate if isinstance(self.effect, PooledEstimate) else self.effect


def summary_of_findings(
    outcomes: Sequence[OutcomeSummary],
    *,
    exposed: str = "exposed",
    control: str = "controls",
    title: str = "Summary of findings",
    notes: Sequence[str] = (),
    source: str = "",
    number: int | None = None,
) -> JournalTable:
    """Make a summary-of-findings table, one row an outcome.

    Parameters
    ----------
    outcomes : sequence of OutcomeSummary
        In the order in which they matter.
    exposed, control : str
        What the two groups are called in the headings.
    title, notes, source, number
        As for `JournalTable`.

    Returns
    -------
    JournalTable
        Absolute effects are per 1000 persons, for risk, odds and hazard ratios with a baseline risk. Those
        of the exposed carry the relative effect's interval; the baseline risk is taken as known.

    Raises
    ------
    TypeError
        If an entry is no `OutcomeSummary`.
    ValueError
        If there is no outcome, or a risk ratio times its baseline risk exceeds 1.

    References
    ----------
    Schünemann HJ, Higgins JPT, Vist GE, Glasziou P, Akl EA, Skoetz N, Guyatt GH (2023). Completing 'Summary
    of findings' tables and grading the certainty of the evidence. Cochrane Handbook for Systematic Reviews
    of Interventions, version 6.4, chapter 14.

    Examples
    --------
    >>> from analysis import TwoByTwo, risk_ratio
    >>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> outcome = OutcomeSummary(outcome="Osteoporosis", effect=risk_ratio(table), studies=1,
    ...                          participants=24036, baseline_risk=114 / 20030)
    >>> summary_of_findings([outcome]).rows[0].cells[5].text
    '16.8 more (11.4 more to 23.9 more)'
    """
    listed = list(outcomes)
    for outcome in listed:
        if not isinstance(outcome, OutcomeSummary):
            raise TypeError(f"`outcomes` must be OutcomeSummary each, but got {type(outcome).__name__}.")
    if not listed:
        raise ValueError("`outcomes` must hold at least one outcome, but is empty.")
    levels = {outcome.estimate.confidence_level for outcome in listed}
    interval = f"{level_text(next(iter(levels)))} CI" if len(levels) == 1 else "CI"
    columns = [
        TableColumn(heading="Outcome", names=("outcome",)),
        TableColumn(
            heading="Participants (studies)",
            names=("participants", "studies"),
            kind="count",
            headings=("Participants", "Studies"),
        ),
        TableColumn(
            heading=f"Relative effect ({interval})",
            names=("measure", "value", "low", "high"),
            kind="number",
            alignment="left",
            headings=("Measure", "Relative effect", f"{interval}, lower limit", f"{interval}, upper limit"),
        ),
        TableColumn(heading=f"Risk per 1000, {control}", names=("control_per_1000",), kind="number"),
        TableColumn(
            heading=f"Risk per 1000, {exposed} ({interval})",
            names=("exposed_per_1000", "exposed_low", "exposed_high"),
            kind="number",
            headings=(
                f"Risk per 1000, {exposed}",
                f"Risk per 1000, {exposed}, lower limit",
                f"Risk per 1000, {exposed}, upper limit",
            ),
        ),
        TableColumn(
            heading=f"Difference per 1000 ({interval})",
            names=("difference_per_1000", "difference_low", "difference_high"),
            kind="number",
            alignment="left",
            headings=(
                "Difference per 1000",
                "Difference per 1000, lower limit",
                "Difference per 1000, upper limit",
            ),
        ),
        TableColumn(heading="Certainty", names=("certainty",)),
    ]
    rows = [_row(outcome) for outcome in listed]
    if any(outcome.comment for outcome in listed):
        columns.append(TableColumn(heading="Comment", names=("comment",)))
        rows = [(*row, text_cell(outcome.comment or None)) for row, outcome in zip(rows, listed, strict=True)]
    return JournalTable(
        title=title,
        columns=tuple(columns),
        rows=tuple(TableRow(cells=row) for row in rows),
        notes=(*notes, *_explained(listed)),
        source=source,
        number=number,
    )


def _row(outcome: OutcomeSummary) -> tuple[Cell, ...]:
    estimate = outcome.estimate
    numbers = tuple(float(part.reshape(-1)[0]) for part in (estimate.value, estimate.low, estimate.high))
    relative = estimate_cell(*numbers, measure=estimate.measure)
    shown = Cell(
        text=f"{estimate.measure} {relative.text}",
        raw=(estimate.measure, *relative.raw),
        number_format=relative.number_format,
    )
    certainty = "not rated"
    if outcome.certainty is not None:
        certainty = f"{CERTAINTIES[outcome.certainty]} {outcome.certainty}"
    rating = Cell(text=certainty, raw=(outcome.certainty,), notes=tuple(outcome.reasons))
    return (text_cell(outcome.outcome), _people(outcome), shown, *_absolute(outcome, numbers), rating)


def _people(outcome: OutcomeSummary) -> Cell:
    studies = outcome.studies
    if studies is None and isinstance(outcome.effect, PooledEstimate):
        studies = int(outcome.effect.n_studies)
    persons = outcome.participants
    text = NOTHING if persons is None else format_count(persons)
    if studies is not None:
        text += f" ({format_count(studies)} {'study' if studies == 1 else 'studies'})"
    return Cell(text=text, raw=(persons, studies), number_format=count_cell(persons).number_format)


def _absolute(outcome: OutcomeSummary, numbers: tuple[float, ...]) -> tuple[Cell, Cell, Cell]:
    known = math.isfinite(numbers[0]) and outcome.baseline_risk is not None
    if not known or outcome.baseline_risk is None or outcome.estimate.measure not in _RELATIVE:
        return Cell(text=NOTHING), Cell(text=NOTHING), Cell(text=NOTHING)
    try:
        found = absolute_effects(outcome.estimate, baseline_risk=outcome.baseline_risk)
    except ValueError as error:
        raise ValueError(f"Outcome {outcome.outcome!r}: {error}") from error
    risk = found.exposed_risk
    if risk.interval_low is None or risk.interval_high is None:
        raise ValueError(f"Outcome {outcome.outcome!r}: the absolute effect has no interval.")
    control = 1000 * outcome.baseline_risk
    risks = [1000 * float(part.reshape(-1)[0]) for part in (risk.low, risk.interval_low, risk.interval_high)]
    differences = [risk - control for risk in risks]
    digits = 0 if control >= 10 else 1
    while digits < 3 and any(0 < abs(x) < 0.5 * 10.0**-digits for x in (control, risks[0], differences[0])):
        digits += 1
    shown = f"0.{'0' * digits}" if digits else "0"
    between = format_interval(risks[1], risks[2], digits=digits)
    first, *ends = (_change(difference, digits) for difference in differences)
    return (
        Cell(text=format_number(control, digits), raw=(control,), number_format=shown),
        Cell(text=f"{format_number(risks[0], digits)} ({between})", raw=tuple(risks), number_format=shown),
        Cell(text=f"{first} ({' to '.join(ends)})", raw=tuple(differences), number_format=shown),
    )


def _change(difference: float, digits: int) -> str:
    """Return "17 more", "3 fewer" or "0": what is fewer has no sign that could be overlooked."""
    if math.isnan(difference):
        return NOTHING
    number = format_number(abs(difference), digits)
    if not any(digit in "123456789" for digit in number):
        return number
    return f"{number} {'more' if difference > 0 else 'fewer'}"


def _explained(outcomes: Sequence[OutcomeSummary]) -> list[str]:
    codes = dict.fromkeys(outcome.estimate.measure for outcome in outcomes)
    names = [f"{code}, {label[0].lower()}{label[1:]}" for code in codes if (label := measure_of(code).label)]
    notes = [f"CI, confidence interval; {'; '.join(names)}."]
    if any(outcome.baseline_risk is not None for outcome in outcomes):
        notes.append(
            "The risk of the exposed and the difference follow from the risk of the controls and the "
            "relative effect with its interval; the risk of the controls is taken as known."
        )
    if any(outcome.certainty for outcome in outcomes):
        notes.append("Certainty is the authors' rating by GRADE: high, moderate, low or very low.")
    return notes
