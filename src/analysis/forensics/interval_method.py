"""Which interval methods give a printed interval: every method of `measures`, rounded as papers round.

The methods themselves live in `measures`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from analysis.errors import ConvergenceError
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.methods.one_proportion import PROPORTION
from analysis.measures.methods.poisson import POISSON_METHODS
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from analysis.measures.proportion import prevalence
from analysis.measures.rates import incidence_rate, rate_difference, rate_ratio
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
from analysis.values.framed import Framed
from analysis.values.reported import Reported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    from analysis.values.arrays import BoolArray
    from analysis.values.estimate import Estimate

__all__ = [
    "FUNCTIONS",
    "IntervalMethods",
    "MethodFit",
    "identify_interval_method",
    "level_of_rounded_quantile",
]

_USUAL_LEVELS = (0.90, 0.95, 0.99)
FUNCTIONS: dict[str, tuple[type, Callable[..., Estimate], tuple[str, ...]]] = {
    "OR": (TwoByTwo, odds_ratio, tuple(ODDS_RATIO)),
    "RR": (TwoByTwo, risk_ratio, tuple(RISK_RATIO)),
    "RD": (TwoByTwo, risk_difference, tuple(RISK_DIFFERENCE)),
    "PR": (Proportion, prevalence, tuple(PROPORTION)),
    "IR": (Rate, incidence_rate, tuple(POISSON_METHODS)),
    "IRR": (TwoRates, rate_ratio, ("log", "exact", "mid-p", "score", "skewness-corrected")),
    "IRD": (TwoRates, rate_difference, ("wald", "score", "skewness-corrected", "mover", "mover-exact")),
}
# Only these add something to a table with an empty cell; the others need nothing.
_CORRECTED = {"OR": ("woolf",), "RR": ("log",)}
_CONVENTIONS = (("half-up", "half-even"), ("truncation",))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodFit:
    """One method beside the printed interval.

    Parameters
    ----------
    measure, method : str
    correction : float or None
        What was added to the cells of tables with an empty one.
    confidence_level : float
        As tried; 0.950004 where the interval fits with the quantile 1.96 and not with 1.959964.
    rounding : str
        "nearest" or "truncation": how the limits were read where they fit; "nearest" where they do not.
    value, low, high : float
        Of the first table that fits, of the first table if none does.
    fits_value, fits_low, fits_high : bool
        Of that table.
    n_tables : int
        How many of the tables fit in both limits.
    """

    measure: str
    method: str
    correction: float | None
    confidence_level: float
    rounding: str
    value: float
    low: float
    high: float
    fits_value: bool
    fits_low: bool
    fits_high: bool
    n_tables: int

    @property
    def fits(self) -> bool:
        """Whether some table gives both printed limits."""
        return self.n_tables > 0

    def __str__(self) -> str:
        corrected = f", {self.correction:g} added" if self.correction else ""
        cut = ", cut off" if self.rounding == "truncation" else ""
        return f"{self.measure} {self.method} ({100 * self.confidence_level:g} %{corrected}{cut})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntervalMethods(Framed):
    """Every method that was tried on a printed interval, those that give it first.

    Parameters
    ----------
    printed : str
    fits : tuple of MethodFit
        All of them, fitting or not.
    not_computed : tuple of str
        Methods whose iteration did not reach its tolerance, or whose limits these tables do not have.
    """

    printed: str
    fits: tuple[MethodFit, ...]
    not_computed: tuple[str, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods that give the printed limits, without repeats."""
        return tuple(dict.fromkeys(fit.method for fit in self.fits if fit.fits))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each method, correction and level."""
        import pandas as pd

        names = MethodFit.__dataclass_fields__
        rows = [{name: getattr(fit, name) for name in names} | {"fits": fit.fits} for fit in self.fits]
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        found = [str(fit) for fit in self.fits if fit.fits]
        if not found:
            return f"{self.printed}: none of {len(self.fits)} intervals rounds to it."
        return f"{self.printed}: {'; '.join(found)}."


def identify_interval_method(
    table: TwoByTwo | Proportion | Rate | TwoRates,
    reported: Reported | str,
    *,
    measure: str | None = None,
    methods: Sequence[str] | None = None,
    confidence_levels: Sequence[float] | None = None,
) -> IntervalMethods:
    """Find the interval methods whose limits round to a printed interval.

    Parameters
    ----------
    table : TwoByTwo, Proportion, Rate or TwoRates
        The counts: one table, or an array of all tables that are possible (as `feasible_tables` gives them).
    reported : Reported or str
        The printed interval, with or without its estimate's percent sign: "5.92 (1.4-23.8)",
        "54% (49% to 59%)".
    measure : {"OR", "RR", "RD", "PR", "IR", "IRR", "IRD"}, optional
        By default every measure of such a table.
    methods : sequence of str, optional
        By default every method of the measure.
    confidence_levels : sequence of float, optional
        In (0, 1). By default the printed level; where none is printed 0.95, and 0.90 and 0.99 if no method
        gives the interval at 0.95.

    Returns
    -------
    IntervalMethods
        Those that fit first. Several methods often round alike; none fits an adjusted estimate.

    Raises
    ------
    TypeError
        If the table is not of counts.
    ValueError
        If no interval is printed, or measure, method or level are unknown.

    Notes
    -----
    A limit fits if it rounds to the printed one (a half either way, ties included), or if all limits fit with
    their further decimals cut off. Whether the estimate fits too is told apart, because conditional and
    corrected estimates differ between programs that print the same interval. Where a level does not fit, that
    of its normal quantile of two decimals (1.96) is tried. Tables with an empty cell are
    tried without a correction and, for the logarithmic methods, with 0.5 added.

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020)
    >>> found = identify_interval_method(table, "6.75 (4.77-9.55)", measure="OR")
    >>> "woolf" in found.methods, "exact" in found.methods
    (True, False)
    """
    printed = _interval(reported)
    possible = _measures(table, measure)
    known = sorted({method for code in possible for method in FUNCTIONS[code][2]})
    for method in methods or ():
        check_choice("methods", method, known)
    rounds = _levels(printed, confidence_levels)
    readings = tuple(Reported(printed.text, rounding=convention) for convention in _CONVENTIONS)
    fits: list[MethodFit] = []
    failed: list[str] = []
    for levels in rounds:
        for code in possible:
            for fit in _try(table, readings, code, methods, levels):
                if isinstance(fit, str):
                    failed.append(fit)
                else:
                    fits.append(fit)
        if any(fit.fits for fit in fits):
            break
    fits.sort(key=lambda fit: (not fit.fits, not fit.fits_value, fit.rounding == "truncation"))
    return IntervalMethods(printed=printed.text, fits=tuple(fits), not_computed=tuple(failed))


def _interval(reported: Reported | str) -> Reported:
    printed = Reported(reported) if isinstance(reported, str) else reported
    if not isinstance(printed, Reported):
        raise TypeError(f"`reported` must be printed text or a Reported, but got {reported!r}.")
    if printed.low is None or printed.high is None:
        raise ValueError(
            f"`reported` must print an interval, but got {printed.text!r}. Write it as '1.83 (1.58-2.11)'."
        )
    return printed


def _measures(table: object, measure: str | None) -> list[str]:
    possible = [code for code, (kind, *_) in FUNCTIONS.items() if isinstance(table, kind)]
    if not possible:
        raise TypeError(
            f"`table` must be a TwoByTwo, Proportion, Rate or TwoRates, but got {type(table).__name__}."
        )
    return possible if measure is None else [check_choice("measure", measure, possible)]


def _levels(printed: Reported, confidence_levels: Sequence[float] | None) -> list[tuple[float, ...]]:
    """Return the levels to try, and those to try next if none of the first fits."""
    if confidence_levels is not None:
        return [tuple(check_confidence_level(level) for level in confidence_levels)]
    if printed.confidence_level is not None:
        return [(printed.confidence_level,)]
    return [(0.95,), tuple(level for level in _USUAL_LEVELS if level != 0.95)]


def level_of_rounded_quantile(level: float) -> float:
    """Return the level that a normal quantile of two decimals has: 0.950004 for 1.96."""
    quantile = round(float(special.ndtri((1 + level) / 2)), 2)
    return float(2 * special.ndtr(quantile) - 1)


def _try(
    table: Any,  # noqa: ANN401 -- whichever counts the measure takes
    readings: Sequence[Reported],
    code: str,
    methods: Sequence[str] | None,
    levels: Iterable[float],
) -> Iterable[MethodFit | str]:
    _, function, names = FUNCTIONS[code]
    empty = isinstance(table, TwoByTwo) and bool(table.has_zero_cell.any())
    for method in names:
        if methods is not None and method not in methods:
            continue
        corrections = (None, 0.5) if empty and method in _CORRECTED.get(code, ()) else (None,)
        for level in levels:
            for correction in corrections:
                options: dict[str, Any] = {} if correction is None else {"correction": correction}
                try:
                    fit = _fit(
                        function(table, method=method, confidence_level=level, **options),
                        readings, code, method, level, correction,
                    )  # fmt: skip
                    if not fit.fits:
                        near = level_of_rounded_quantile(level)
                        other = function(table, method=method, confidence_level=near, **options)
                        second = _fit(other, readings, code, method, near, correction)
                        fit = second if second.fits else fit
                except ConvergenceError as error:
                    yield f"{code} {method}: {error}"
                    continue
                yield fit


def _fit(
    estimate: Estimate,
    readings: Sequence[Reported],
    code: str,
    method: str,
    level: float,
    correction: float | None,
) -> MethodFit:
    best: tuple[int, str, tuple[BoolArray, ...]] | None = None
    for name, reading in zip(("nearest", "truncation"), readings, strict=True):
        if reading.low is None or reading.high is None:
            continue
        inside = tuple(
            np.atleast_1d(part.contains(array)).ravel()
            for part, array in (
                (reading.value, estimate.value),
                (reading.low, estimate.low),
                (reading.high, estimate.high),
            )
        )
        count = int((inside[1] & inside[2]).sum())
        if best is None or (count and not best[0]):
            best = (count, name, inside)
    if best is None:
        raise ValueError("`reported` must print an interval.")
    count, name, (value, low, high) = best
    first = int(np.argmax((low & high).astype(int) * 2 + value.astype(int)))
    return MethodFit(
        measure=code,
        method=method,
        correction=correction,
        confidence_level=level,
        rounding=name,
        value=float(np.ravel(estimate.value)[first]),
        low=float(np.ravel(estimate.low)[first]),
        high=float(np.ravel(estimate.high)[first]),
        fits_value=bool(value[first]),
        fits_low=bool(low[first]),
        fits_high=bool(high[first]),
        n_tables=count,
    )
