"""All whole-number tables that printed, rounded numbers allow.

The result is an ordinary count type with a leading axis of tables, so any measure of it is the set of values
that the paper allows. An empty axis means that the printed numbers fit no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.forensics.methods.printed_table import MEASURES, read_printed, read_reported
from analysis.forensics.methods.table_conflict import Conflict, find_conflict, find_nearest
from analysis.forensics.methods.table_mirror import mirrored
from analysis.forensics.methods.table_search import as_table, search
from analysis.values.arguments import check_choice
from analysis.values.counts import Proportion
from analysis.values.framed import Framed
from analysis.values.text import short_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.forensics.methods.printed_table import Printed, PrintedTable, Total
    from analysis.forensics.methods.table_conflict import Nearest
    from analysis.forensics.methods.table_search import Found
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.counts import TwoByTwo
    from analysis.values.reported import RoundingInterval

__all__ = ["FeasibleSet", "feasible_counts", "feasible_set", "feasible_tables"]


def feasible_counts(risk: Printed, *, total: int) -> Proportion:
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
    first, last = read_reported("risk", risk).value.whole_numbers(persons)
    counts = np.arange(first, last + 1, dtype=np.float64)
    return Proportion._trusted(events=counts, total=np.asarray(float(persons)))  # noqa: SLF001 -- counts of its own making


def feasible_tables(
    *,
    exposed_total: Total | None = None,
    control_total: Total | None = None,
    total: Total | None = None,
    exposed_cases: Total | None = None,
    control_cases: Total | None = None,
    cases: Total | None = None,
    exposed_risk: Printed | None = None,
    control_risk: Printed | None = None,
    risk: Printed | None = None,
    risk_ratio: Printed | None = None,
    odds_ratio: Printed | None = None,
    risk_difference: Printed | None = None,
    pvalue: Printed | None = None,
    chi_square: Printed | None = None,
    risk_ratio_method: str | Sequence[str] | None = None,
    odds_ratio_method: str | Sequence[str] | None = None,
    risk_difference_method: str | Sequence[str] | None = None,
    test: str | Sequence[str] = "any",
    chi_square_test: str | Sequence[str] = "any",
    confidence_level: float = 0.95,
) -> TwoByTwo:
    """List every 2x2 table that rounds to all the printed numbers.

    Parameters
    ----------
    exposed_total, control_total : int, tuple of int or str, optional
        Persons in the two arms: a count, (first, last) where only a range is known, or "n = 5,476". Where an
        arm is not printed, `total` must be.
    total : int, tuple of int or str, optional
        Persons of both arms together.
    exposed_cases, control_cases, cases : int, tuple of int or str, optional
        Cases in an arm, or in both together, where they are printed.
    exposed_risk, control_risk, risk : Reported or str, optional
        Printed percentage of cases in an arm ("4.7%"), or in both together. "229/424 (54%)" gives the count
        and the persons too.
    risk_ratio, odds_ratio, risk_difference : Reported or str, optional
        Printed crude measure, alone ("1.68") or with its interval ("1.68 (1.45-1.94)") and P-value.
    pvalue, chi_square : Reported or str, optional
        "0.03", "<0.001"; "10.8".
    risk_ratio_method, odds_ratio_method, risk_difference_method : str or sequence of str, optional
        Which interval was printed: a method of `analysis.risk_ratio` and so on, several of them, or "any": a
        table fits if one of the methods rounds to the value and to both limits. Default "log", "woolf",
        "wald". "any" leaves out the conditional estimates and Baptista and Pike's limits, which may be named.
    test : str or sequence of str, default "any"
        What the P-value is of: "pearson", "yates", "n-1", "likelihood-ratio" (chi-square tests),
        "wald-log-odds", "wald-log-risk", "wald-difference", "fisher", "fisher-doubled", "fisher-mid-p".
    chi_square_test : str or sequence of str, default "any"
        The first four of these.
    confidence_level : float, default 0.95
        Of the printed intervals that do not print it.

    Returns
    -------
    TwoByTwo
        Leading axis: the tables, by exposed total and cases, then control total and cases; of length 0 if the
        printed numbers contradict one another: `feasible_set` says which do.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the forms above, if an arm is neither given nor bounded by `total`, or if
        more than 5 million tables would be listed: then give a further printed number.

    Notes
    -----
    Complete enumeration. Percentages, counts and ratios bound the control cases for each exposed arm in
    closed form; an interval value ± z SE bounds SE, and so the product of control cases and non-cases, from
    both sides. Every table within the bounds is then checked: counts, percentages, ratios and differences in
    integer arithmetic, so that ties fall as the rounding rule says; limits, P-values and statistics by the
    float that the project's own methods give. A program may print a difference of exactly 0.325 as 0.32,
    because its float is a last bit lower: such a table is not listed.

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

    An odds ratio with its interval is nearly a table, and its mirror:

    >>> tables = feasible_tables(exposed_total=100, control_total=90, odds_ratio="1.93 (0.98-3.80)")
    >>> [(int(a), int(c)) for a, c in zip(tables.exposed_cases, tables.control_cases)]
    [(31, 17)]
    """
    arguments = locals()
    return as_table(search(_printed(arguments)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeasibleSet(Framed):
    """All tables that printed numbers allow, and what is to be said where there is none.

    Parameters
    ----------
    tables : TwoByTwo
        Leading axis: the tables.
    mirror : ndarray of bool
        For each table whether it is of the mirror solution: an odds ratio or a risk difference with its
        interval fits two families of tables, and of the two this is the one with more cases. All False where
        there is one family.
    printed : dict of str to Reported or str
        The printed numbers by name, as text; "odds_ratio low" is the lower limit of the interval.
    conflict : tuple of str
        Printed numbers that fit no table together although any fewer of them do; empty if a table fits.
    relieved_by : tuple of str
        Those of `conflict` without which alone all of the other numbers fit a table.
    minimal : bool
        False where it would take too long to say whether fewer numbers already conflict.
    nearest : TwoByTwo or None
        Where no table fits: the table whose worst deviation, in units of the last printed digit, is least;
        None where it would take too long to find.
    values, deviations : dict of str to float
        What the nearest table gives for each number, and how many units of the last printed digit it lies
        outside of what rounds to the number; 0 where it fits.
    """

    tables: TwoByTwo
    mirror: BoolArray
    printed: dict[str, str]
    intervals: dict[str, RoundingInterval]
    conflict: tuple[str, ...]
    relieved_by: tuple[str, ...]
    minimal: bool
    nearest: TwoByTwo | None
    values: dict[str, float]
    deviations: dict[str, float]

    def __len__(self) -> int:
        """Return the number of tables."""
        return len(self.tables)

    def to_frame(self) -> pd.DataFrame:
        """Return the tables, one a row; or, where none fits, one row a printed number with the nearest."""
        import pandas as pd

        if len(self):
            return self.tables.to_frame().assign(mirror=self.mirror)
        return pd.DataFrame(
            [
                {
                    "number": name,
                    "printed": text,
                    "low": self.intervals[name].low,
                    "high": self.intervals[name].high,
                    "conflicts": name in self.conflict,
                    "fits_without": name in self.relieved_by,
                    "nearest": self.values.get(name, np.nan),
                    "units_off": self.deviations.get(name, np.nan),
                }
                for name, text in self.printed.items()
            ]
        )

    def __str__(self) -> str:
        """Return what fits, or which numbers do not fit and the nearest table."""
        if len(self):
            parts = [_summary(self.tables[~self.mirror])]
            if self.mirror.any():
                parts.append(f"Mirror solution: {_summary(self.tables[self.mirror])}")
            return "\n".join(parts)
        names = [_title(name, self.printed[name]) for name in self.conflict]
        together = "is not a value of any table" if len(names) == 1 else "do not fit one table together"
        lines = [f"No table fits: {_listed(names)} {together}."]
        if self.relieved_by and len(names) > 1:
            lines.append(f"Without {' or '.join(self.relieved_by)} the other numbers fit.")
        if self.nearest is not None:
            table = self.nearest
            counts = (table.exposed_cases, table.exposed_total, table.control_cases, table.control_total)
            a, n1, c, n0 = (short_count(count.item()) for count in counts)
            gives = [
                f"{name} {self.values[name]:.4g}" for name in self.printed if self.deviations.get(name, 0) > 0
            ]
            lines.append(f"Nearest: {a}/{n1} and {c}/{n0}, which gives {_listed(gives)}.")
        return "\n".join(lines)


def feasible_set(**printed: Any) -> FeasibleSet:  # noqa: ANN401 -- the arguments of feasible_tables
    """List the tables that fit the printed numbers, name mirror solutions, or say why none fits.

    Parameters
    ----------
    **printed
        The arguments of `feasible_tables`.

    Returns
    -------
    FeasibleSet
        With tables, or else with a minimal conflicting subset of the numbers and the nearest table.

    Raises
    ------
    TypeError, ValueError
        As `feasible_tables`.

    Notes
    -----
    A minimal conflicting subset is found by leaving out one number after the other for as long as still no
    table fits; there may be other such subsets. The nearest table minimises the largest deviation, in units
    of the last printed digit (a person for counts; the bound itself for an inequality): all intervals are
    widened until a table fits, so it is the nearest of all.

    Examples
    --------
    Vasdev et al. 2011 print 1.84 % of 160 controls:

    >>> print(feasible_set(exposed_total=80, exposed_risk="28.75%", control_total=160, control_risk="1.84%"))
    No table fits: control_risk 1.84% is not a value of any table.
    Nearest: 23/80 and 3/160, which gives control_risk 0.01875.

    An odds ratio with its interval has two solutions:

    >>> print(feasible_set(exposed_total=66, control_total=39, odds_ratio="7.60 (0.94-61.35)"))
    1 table fits: 11 of 66 exposed, 1 of 39 controls
    """
    known = feasible_tables.__kwdefaults__ or {}
    for name in printed:
        check_choice("printed", name, known)
    table = _printed(known | printed)
    found = search(table)
    if found.a.size:
        return _feasible(table, found, Conflict((), (), True), None)
    return _feasible(table, found, find_conflict(table), find_nearest(table))


def _printed(arguments: dict[str, Any]) -> PrintedTable:
    """Read the arguments of `feasible_tables` by name."""

    def several(*names: str) -> dict[str, Any]:
        return {name: arguments[name] for name in names}

    return read_printed(
        totals=several("exposed_total", "control_total", "total"),
        cases=several("exposed_cases", "control_cases", "cases"),
        risks=several("exposed_risk", "control_risk", "risk"),
        measures=several(*MEASURES),
        methods={name: arguments[f"{name}_method"] for name in MEASURES},
        tests=several("pvalue", "chi_square"),
        choices=several("test", "chi_square_test"),
        confidence_level=arguments["confidence_level"],
    )


def _feasible(table: PrintedTable, found: Found, conflict: Conflict, nearest: Nearest | None) -> FeasibleSet:
    return FeasibleSet(
        tables=as_table(found),
        mirror=mirrored(table, found),
        printed={name: table.texts[name] for name in table.numbers},
        intervals=dict(table.numbers),
        conflict=conflict.names,
        relieved_by=conflict.relieved_by,
        minimal=conflict.minimal,
        nearest=None if nearest is None else as_table(nearest.found)[0],
        values={} if nearest is None else nearest.gives,
        deviations={} if nearest is None else nearest.deviations,
    )


def _summary(tables: TwoByTwo) -> str:
    count = len(tables)
    parts = []
    for cases, total, whom in (
        (tables.exposed_cases, tables.exposed_total, "exposed"),
        (tables.control_cases, tables.control_total, "controls"),
    ):
        ends = [_ends(array) for array in (cases, total)]
        parts.append(f"{ends[0]} of {ends[1]} {whom}")
    return f"{short_count(count)} {'table fits' if count == 1 else 'tables fit'}: {', '.join(parts)}"


def _ends(array: FloatArray) -> str:
    low, high = short_count(array.min()), short_count(array.max())
    return low if low == high else f"{low} to {high}"


def _title(name: str, text: str) -> str:
    measure, _, part = name.partition(" ")
    what = {
        "low": "the lower limit of ",
        "high": "the upper limit of ",
        "count": "the count of ",
        "of": "the total of ",
    }
    return f"{what.get(part, '')}{measure} {text}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "all"


def _whole(name: str, total: int) -> int:
    if isinstance(total, (bool, np.bool_, str)) or not float(total).is_integer() or total < 1:
        raise ValueError(f"`{name}` must be a whole number of at least 1, but got {total!r}.")
    return int(total)
