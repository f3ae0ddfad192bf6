"""The one or two tables behind an estimate with its interval, or behind margins, in closed form.

A reconstruction takes the printed numbers for exact, so it is a point. Every table that rounds to them is
listed in `feasible`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.forensics.methods.printed_table import MEASURES, middle_of, read_printed, read_reported
from analysis.forensics.methods.table_conflict import recomputed, units_outside
from analysis.forensics.methods.table_search import Found, as_table
from analysis.forensics.methods.table_tests import STATISTICS
from analysis.values.arguments import as_counts, check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.text import short_count

if TYPE_CHECKING:
    import pandas as pd

    from analysis.forensics.methods.printed_table import Printed
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray, IntArray
    from analysis.values.counts import TwoByTwo

__all__ = [
    "ReconstructedTable",
    "reconstruct_diagnostic_table",
    "reconstruct_from_margins",
    "reconstruct_table",
]

_NAMES = {"OR": "odds_ratio", "RR": "risk_ratio", "RD": "risk_difference"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReconstructedTable(Framed):
    """Solutions of the equations that a printed estimate is, and the tables of whole numbers about them.

    Parameters
    ----------
    exact : ndarray, shape (solutions, 4)
        The real solutions: exposed cases, exposed total, control cases, control total. The second, where
        there is one, is the mirror solution.
    tables : TwoByTwo
        Leading axis: the solutions with the nearest whole numbers.
    neighbours : TwoByTwo
        Leading axis: every table whose counts are next to a solution, below or above.
    solution : ndarray of int
        For each neighbour its solution.
    units_off : ndarray
        For each neighbour how many units of the last printed digit its worst number lies outside; 0 where it
        rounds to everything that is printed.
    method : str
        Which equations ("Di Pietrantonj OR", "Bonett").
    """

    exact: FloatArray
    tables: TwoByTwo
    neighbours: TwoByTwo
    solution: IntArray
    units_off: FloatArray
    method: str

    def __len__(self) -> int:
        """Return the number of solutions, 0 to 2."""
        return len(self.exact)

    def to_frame(self) -> pd.DataFrame:
        """Return the neighbours, one a row, with solution and units off."""
        return self.neighbours.to_frame().assign(solution=self.solution, units_off=self.units_off)

    def __str__(self) -> str:
        """Return one line a solution."""
        if not len(self):
            return (
                f"No table solves the equations ({self.method}): the printed numbers contradict one another."
            )
        lines = []
        for i, (a, n1, c, n0) in enumerate(self.exact):
            near = self.neighbours[(self.solution == i) & (self.units_off == 0)]
            counts = [
                f"{short_count(x)}/{short_count(m)} v {short_count(y)}/{short_count(n)}"
                for x, m, y, n in zip(
                    near.exposed_cases,
                    near.exposed_total,
                    near.control_cases,
                    near.control_total,
                    strict=True,
                )
            ]
            fits = " or ".join(counts) if counts else "no table next to it"
            what = "Mirror solution" if i else "Solution"
            lines.append(f"{what} {a:.2f}/{n1:.0f} v {c:.2f}/{n0:.0f}; fits: {fits}")
        return "\n".join(lines)


def reconstruct_table(
    estimate: Printed,
    *,
    exposed_total: int,
    control_total: int,
    measure: str = "OR",
    confidence_level: float = 0.95,
) -> ReconstructedTable:
    """Solve a printed estimate with its interval for the counts of the two arms.

    Parameters
    ----------
    estimate : Reported or str
        "1.93 (0.98-3.80)": crude, with the limits that a standard error gives (`odds_ratio` "woolf",
        `risk_ratio` "log", `risk_difference` "wald").
    exposed_total, control_total : int
        Persons in the two arms.
    measure : {"OR", "RR", "RD"}, default "OR"
        What the estimate is.
    confidence_level : float, default 0.95
        Of the interval, if it is not printed with it.

    Returns
    -------
    ReconstructedTable
        An odds ratio and a difference have two solutions, a risk ratio has one. None where no table of these
        arms has so narrow or wide an interval.

    Raises
    ------
    TypeError, ValueError
        If the estimate has no interval, a limit of a ratio is not greater than 0, or a total is not a whole
        number of at least 1.

    Notes
    -----
    With SE = (log U - log L)/(2 z) and w the odds among the controls, an odds ratio OR solves
    w²(1/n0 + OR/n1) + w(2/n1 + 2/n0 - SE²) + 1/n0 + 1/(n1 OR) = 0; a risk ratio has
    c = (1 + n0/(RR n1))/(SE² + 1/n1 + 1/n0); a difference D solves
    (p + D)(1 - p - D)/n1 + p(1 - p)/n0 = SE² for the risk p of the controls. The equations are sensitive to
    rounding: see how many neighbours fit, and `feasible_tables`.

    References
    ----------
    Di Pietrantonj C (2006). Four-fold table cell frequencies imputation in meta analysis. Stat Med
    25:2299-2322. DOI 10.1002/sim.2287

    Veroniki AA, Pavlides M, Patsopoulos NA, Salanti G (2013). Reconstructing 2x2 contingency tables from odds
    ratios using the Di Pietrantonj method: difficulties, constraints and impact in meta-analysis results. Res
    Synth Methods 4:78-94. DOI 10.1002/jrsm.1061

    Examples
    --------
    >>> print(reconstruct_table("1.93 (0.98-3.80)", exposed_total=100, control_total=90))
    Solution 30.92/100 v 16.94/90; fits: 31/100 v 17/90
    Mirror solution 81.68/100 v 62.81/90; fits: no table next to it
    """
    check_choice("measure", measure, _NAMES)
    level = check_confidence_level(confidence_level)
    printed = read_reported("estimate", estimate)
    if printed.low is None or printed.high is None:
        raise ValueError(
            f"`estimate` must be printed with its interval, but got {printed.text!r}. Without one use "
            "feasible_tables, or reconstruct_from_margins where the cases are printed."
        )
    value, low, high = printed.value.middle, printed.low.middle, printed.high.middle
    if measure != "RD" and not low > 0:
        raise ValueError(f"`estimate` must have a lower limit greater than 0, but got {printed.text!r}.")
    name = _NAMES[measure]
    table = read_printed(
        totals={"exposed_total": exposed_total, "control_total": control_total},
        cases={},
        risks={},
        measures={name: printed},
        methods=dict.fromkeys(MEASURES),
        tests={},
        choices={"test": "any", "chi_square_test": "any"},
        confidence_level=level,
    )
    n1, n0 = float(table.exposed[0]), float(table.control[0])
    ends = (low, high) if measure == "RD" else (np.log(low), np.log(high))
    std_error = (ends[1] - ends[0]) / (2 * normal_quantile((1 + table.levels[name]) / 2))
    risks = {"OR": _odds_ratio, "RR": _risk_ratio, "RD": _risk_difference}[measure](value, std_error, n1, n0)
    exact = np.array([(p1 * n1, n1, p0 * n0, n0) for p1, p0 in risks if 0 <= p1 <= 1 and 0 <= p0 <= 1])
    found, solution = _neighbours(exact)
    deviations = recomputed(table, found)[1]
    return _result(
        exact, found, solution, np.stack(list(deviations.values())).max(axis=0), f"Di Pietrantonj {measure}"
    )


def _real_roots(square: float, linear: float, constant: float) -> list[float]:
    """Return the real roots of a quadratic, ascending, by the form that loses no digits."""
    inside = linear**2 - 4 * square * constant
    if inside < 0:
        return []
    half = -(linear + np.copysign(np.sqrt(inside), linear)) / 2
    roots = {half / square, constant / half} if half else {0.0}
    return sorted(float(root) for root in roots)


def _odds_ratio(ratio: float, std_error: float, n1: float, n0: float) -> list[tuple[float, float]]:
    odds = _real_roots(1 / n0 + ratio / n1, 2 / n1 + 2 / n0 - std_error**2, 1 / n0 + 1 / (n1 * ratio))
    return [(ratio * w / (1 + ratio * w), w / (1 + w)) for w in odds if w > 0]


def _risk_ratio(ratio: float, std_error: float, n1: float, n0: float) -> list[tuple[float, float]]:
    risk = (1 + n0 / (ratio * n1)) / (std_error**2 + 1 / n1 + 1 / n0) / n0
    return [(ratio * risk, risk)]


def _risk_difference(difference: float, std_error: float, n1: float, n0: float) -> list[tuple[float, float]]:
    risks = _real_roots(
        -1 / n1 - 1 / n0,
        (1 - 2 * difference) / n1 + 1 / n0,
        difference * (1 - difference) / n1 - std_error**2,
    )
    return [(risk + difference, risk) for risk in risks]


def _neighbours(exact: FloatArray) -> tuple[Found, IntArray]:
    """Return the tables whose two counts are the whole numbers below or above each solution."""
    if not exact.size:
        empty = np.zeros(0, dtype=np.int64)
        return Found(empty, empty, empty, empty), empty
    a, n1, c, n0 = exact.T
    up = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    below = np.stack([np.floor(a), np.floor(c)], axis=1)[:, np.newaxis, :] + up
    solution = np.repeat(np.arange(len(exact)), 4)
    counts = below.reshape(-1, 2)
    inside = (counts[:, 0] <= n1[solution]) & (counts[:, 1] <= n0[solution])
    rows = np.column_stack([solution, n1[solution], counts[:, 0], n0[solution], counts[:, 1]])[inside]
    rows = np.unique(rows.astype(np.int64), axis=0)
    return Found(*rows[:, 1:].T), rows[:, 0]


def _result(
    exact: FloatArray, found: Found, solution: IntArray, units_off: FloatArray, method: str
) -> ReconstructedTable:
    exact = exact.reshape(-1, 4)
    a, n1, c, n0 = exact.T
    nearest = Found(*(np.floor(x + 0.5).astype(np.int64) for x in (n1, a, n0, c)))
    return ReconstructedTable(
        exact=exact,
        tables=as_table(nearest),
        neighbours=as_table(found),
        solution=solution,
        units_off=units_off,
        method=method,
    )


def reconstruct_from_margins(
    *,
    total: int,
    exposed_total: int,
    cases: int,
    odds_ratio: Printed | None = None,
    phi: Printed | None = None,
    chi_square: Printed | None = None,
    direction: str | None = None,
    yates: bool = False,
) -> ReconstructedTable:
    """Solve for the table from all of its margins and one measure of association.

    Parameters
    ----------
    total, exposed_total, cases : int
        All persons, the exposed among them, and the cases of both arms.
    odds_ratio, phi, chi_square : Reported or str, optional
        One of them: the crude odds ratio, the correlation of the two (phi), or the chi-square statistic.
    direction : {"more", "fewer"}, optional
        Whether cases are commoner or rarer among the exposed than among the controls, which a chi-square does
        not say; by default both solutions are given.
    yates : bool, default False
        Whether the chi-square was computed with Yates's correction.

    Returns
    -------
    ReconstructedTable
        One solution, or two of a chi-square without direction; none where the margins do not allow it.

    Raises
    ------
    TypeError, ValueError
        If not exactly one measure is given, margins are no counts or exceed the total, a chi-square is
        negative, or direction or yates are given without a chi-square.

    Notes
    -----
    With a the exposed cases, r the exposed, m the cases and N all: an odds ratio OR solves
    (OR - 1) a² - ((OR - 1)(r + m) + N) a + OR r m = 0; phi gives
    a = (r m + phi √(r (N - r) m (N - m)))/N; a chi-square is N phi², with Yates's correction
    N (|a N - r m| - N/2)²/(r (N - r) m (N - m)).

    References
    ----------
    Bonett DG (2007). Transforming odds ratios into correlations for meta-analytic research. Am Psychol
    62:254-255. DOI 10.1037/0003-066X.62.3.254

    Examples
    --------
    >>> print(reconstruct_from_margins(total=100, exposed_total=40, cases=55, odds_ratio="3.0"))
    Solution 28.27/40 v 26.73/60; fits: no table next to it
    """
    given = {
        key: value
        for key, value in (("odds_ratio", odds_ratio), ("phi", phi), ("chi_square", chi_square))
        if value is not None
    }
    if len(given) != 1:
        raise ValueError(
            "Give one of `odds_ratio`, `phi` and `chi_square`, but got " + (", ".join(given) or "none") + "."
        )
    if chi_square is None and (direction is not None or yates):
        raise ValueError("`direction` and `yates` belong to `chi_square`, which is not given.")
    if direction is not None:
        check_choice("direction", direction, ("more", "fewer"))
    ((name, text),) = given.items()
    printed = read_reported(name, text)
    n, r, m = _margins(total, exposed_total, cases)
    counts = _exposed_cases(name, printed.value.middle, n, r, m, direction, yates=yates)
    least, most = max(0.0, r + m - n), min(r, m)
    # The rounding of the printed number may put a solution just outside of what the margins allow.
    a = np.array([min(max(x, least), most) for x in counts if least - 0.5 <= x <= most + 0.5])
    exact = np.column_stack([a, np.full(a.shape, r), m - a, np.full(a.shape, n - r)])
    below = np.floor(a)[:, np.newaxis] + np.array([0.0, 1.0])
    solution, whole = np.repeat(np.arange(a.size), 2), below.ravel().astype(np.int64)
    solution, whole = solution[whole <= most], whole[whole <= most]
    found = Found(np.full(whole.shape, int(r)), whole, np.full(whole.shape, int(n - r)), int(m) - whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = _association(name, found.cells(), yates=yates)
    off = units_outside(printed.value, values)
    return _result(exact, found, solution, off, "Bonett" if name == "odds_ratio" else f"margins and {name}")


def _margins(total: int, exposed_total: int, cases: int) -> tuple[float, float, float]:
    n, r, m = (
        float(as_counts(name, count))
        for name, count in (("total", total), ("exposed_total", exposed_total), ("cases", cases))
    )
    for name, count, most in (("exposed_total", r, n - 1), ("cases", m, n - 1)):
        if not 1 <= count <= most:
            raise ValueError(f"`{name}` must be between 1 and `total` - 1 = {n - 1:g}, but got {count:g}.")
    return n, r, m


def _exposed_cases(
    name: str, value: float, n: float, r: float, m: float, direction: str | None, *, yates: bool
) -> list[float]:
    """Return the exposed cases that solve the equation of the measure."""
    if name == "odds_ratio":
        if value < 0:
            raise ValueError(f"`odds_ratio` must be 0 or greater, but got {value:g}.")
        if value == 1:
            return [r * m / n]
        # Of the two roots of the quadratic one is beyond the margins.
        roots = _real_roots(value - 1, -((value - 1) * (r + m) + n), value * r * m)
        return [root for root in roots if max(0.0, r + m - n) <= root <= min(r, m)]
    spread = np.sqrt(r * (n - r) * m * (n - m))
    if name == "phi":
        return [float((r * m + value * spread) / n)]
    if value < 0:
        raise ValueError(f"`chi_square` must be 0 or greater, but got {value:g}.")
    away = float((np.sqrt(value / n) * spread + (n / 2 if yates else 0.0)) / n)
    both = {"more": r * m / n + away, "fewer": r * m / n - away}
    return list(both.values()) if direction is None else [both[direction]]


def _association(name: str, cells: Cells, *, yates: bool) -> FloatArray:
    if name == "odds_ratio":
        return cells.odds
    if name == "chi_square":
        return STATISTICS["yates" if yates else "pearson"](cells)
    spread = cells.exposed * cells.control * (cells.a + cells.c) * (cells.b + cells.d)
    correlation: FloatArray = (cells.a * cells.d - cells.b * cells.c) / np.sqrt(spread)
    return correlation


def reconstruct_diagnostic_table(
    *, sensitivity: Printed, specificity: Printed, diseased: int, healthy: int
) -> ReconstructedTable:
    """Reconstruct the counts of a diagnostic study from sensitivity and specificity.

    Parameters
    ----------
    sensitivity, specificity : Reported or str
        As printed, "80%" or "0.80".
    diseased, healthy : int
        Persons with and without the disease.

    Returns
    -------
    ReconstructedTable
        One solution. "Exposed" are the diseased and "controls" the healthy, "cases" are positive tests: the
        true positives are `tables.exposed_cases`, the false positives `tables.control_cases`.

    Raises
    ------
    TypeError, ValueError
        If a text is no printed number, a share is outside [0, 1], or a total is no count of at least 1.

    Notes
    -----
    True positives are sensitivity times the diseased, false positives (1 - specificity) times the healthy.

    Examples
    --------
    >>> print(reconstruct_diagnostic_table(sensitivity="80%", specificity="90%", diseased=50, healthy=150))
    Solution 40.00/50 v 15.00/150; fits: 40/50 v 15/150
    """
    sens, spec = read_reported("sensitivity", sensitivity), read_reported("specificity", specificity)
    for name, share in (("sensitivity", sens), ("specificity", spec)):
        if not 0 <= share.value.middle <= 1:
            raise ValueError(
                f"`{name}` must be between 0 and 1, but got {share.text!r}; for 80 % write '80%'."
            )
    n1, n0 = float(as_counts("diseased", diseased)), float(as_counts("healthy", healthy))
    for name, count in (("diseased", n1), ("healthy", n0)):
        if count < 1:
            raise ValueError(f"`{name}` must be a whole number of at least 1, but got {count:g}.")
    # Exact fractions: 0.9 of 150 is 135, and not a last bit less.
    positives = float(middle_of(sens.value) * int(n1))
    negatives = float(middle_of(spec.value) * int(n0))
    exact = np.array([(positives, n1, n0 - negatives, n0)])
    found, solution = _neighbours(exact)
    off = np.maximum(
        units_outside(sens.value, found.a / found.n1),
        units_outside(spec.value, (found.n0 - found.c) / found.n0),
    )
    inside = sens.value.contains_ratio(found.a, found.n1) & spec.value.contains_ratio(
        found.n0 - found.c, found.n0
    )
    return _result(
        exact, found, solution, np.where(inside, 0.0, np.maximum(off, 1e-9)), "sensitivity and specificity"
    )
