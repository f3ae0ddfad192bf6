"""All methods for small-study effects on one meta-analysis, in one frame, with what each declines."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.errors import ConvergenceError
from analysis.meta.excess_significance import ExcessSignificance, excess_significance_test
from analysis.meta.fail_safe import FailSafeN, fail_safe_n
from analysis.meta.lfk_index import LfkIndex, lfk_index
from analysis.meta.limit_meta_analysis import LimitMetaAnalysis, limit_meta_analysis
from analysis.meta.methods.weighted_regression import studies_of
from analysis.meta.pet_peese import PetPeese, WaapWls, pet_peese, waap_wls
from analysis.meta.pooling import pool
from analysis.meta.small_study import begg_test, egger_test
from analysis.meta.small_study_null import why_not_tested
from analysis.meta.small_study_result import SmallStudyTest, short_pvalue
from analysis.meta.small_study_tables import (
    arcsine_test,
    deeks_test,
    harbord_test,
    macaskill_test,
    peters_test,
    schwarzer_test,
)
from analysis.meta.trim_and_fill import TrimAndFill, trim_and_fill
from analysis.values.arguments import check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.framed import Framed
from analysis.values.text import short_count, short_interval, short_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.estimate import EffectSizes, Estimate

    _Plan = tuple[str, str, str | None, Callable[[], Any]]

__all__ = ["SmallStudyRow", "SmallStudySummary", "small_study_summary"]

_CELLS = "needs the cells of 2x2 tables: give table="


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStudyRow:
    """One method.

    Parameters
    ----------
    method, kind : str
        What was done; "test", "estimate" or "index".
    statistic, df, pvalue : float
        NaN where the method has none.
    value, low, high : float
        The adjusted effect on the reporting scale (of a test, the effect at infinite size); for kind "index"
        the index. NaN where there is none.
    declined : str or None
        Why nothing is given.
    note : str
        What goes with the numbers.
    """

    method: str
    kind: str
    statistic: float = np.nan
    df: float = np.nan
    pvalue: float = np.nan
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    declined: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallStudySummary(Framed):
    """What all methods say about one meta-analysis.

    Parameters
    ----------
    rows : tuple of SmallStudyRow
        One a method, declined ones too.
    results : mapping of str to result
        The full results of the methods that were not declined, by `method` of the row.
    n_studies : int
        Studies that entered.
    measure : str
        metafor's code.
    """

    rows: tuple[SmallStudyRow, ...]
    results: Mapping[str, Any]
    n_studies: int
    measure: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row per method at full precision; `declined` says why a row is empty."""
        import pandas as pd

        names = [part.name for part in fields(SmallStudyRow)]
        return pd.DataFrame([[getattr(row, name) for name in names] for row in self.rows], columns=names)

    def __str__(self) -> str:
        """Return one line per method."""
        studies = "study" if self.n_studies == 1 else "studies"
        lines = [f"Small-study effects, {self.n_studies} {studies} ({self.measure})"]
        for row in self.rows:
            if row.declined is not None:
                lines.append(f"{row.method}: declined, {row.declined}")
                continue
            parts = []
            if not np.isnan(row.pvalue):
                parts.append(short_pvalue(row.pvalue))
            if row.kind == "index":
                whole = float(row.value).is_integer()
                parts.append(short_count(row.value) if whole else short_number(row.value))
            elif not np.isnan(row.value):
                parts.append(short_interval(row.value, row.low, row.high))
            lines.append(f"{row.method}: {', '.join([*parts, row.note] if row.note else parts)}")
        return "\n".join(lines)


def small_study_summary(
    effects: EffectSizes,
    table: TwoByTwo | None = None,
    *,
    n: ArrayLike | None = None,
    least_studies: int = 10,
    tau2: str | float = "REML",
    confidence_level: float = 0.95,
) -> SmallStudySummary:
    """Apply every method that fits, and say for the others why not.

    Parameters
    ----------
    effects : EffectSizes
        One meta-analysis, shape (k,). Of a proportion or a rate every method is declined: see Notes.
    table : TwoByTwo, optional
        The same studies' tables, for the tests that need cells.
    n : array_like, optional
        Persons a study, for Macaskill's test without tables.
    least_studies : int, default 10
        With fewer, all that regresses, ranks or counts is declined (Sterne and others 2011): fail-safe N and
        WAAP-WLS stay.
    tau2 : str or float, default "REML"
        As for `pool`, for trim and fill and the limit meta-analysis.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    SmallStudySummary

    Raises
    ------
    TypeError
        If `effects` is not EffectSizes or `table` not TwoByTwo.
    ValueError
        If there is more than one meta-analysis, a study has no finite effect or variance, or the table does
        not match.

    Notes
    -----
    These are many answers to one question. Which test counts is to be said beforehand; the smallest of
    their P-values is not evidence.

    All of them ask whether small studies without an effect are missing. A measure of one group, as a
    proportion or a rate, has no value of no effect, and on most scales its standard error depends on the
    value itself, so that its funnel is asymmetric without any study missing.

    References
    ----------
    Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). Recommendations for examining and interpreting funnel
    plot asymmetry in meta-analyses of randomised controlled trials. BMJ 343:d4002. DOI 10.1136/bmj.d4002.
    (Citation not verified.)

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> effects = EffectSizes(effect=[0.9, 0.7, 0.5, 0.6, 0.3, 0.2],
    ...                       variance=[0.4, 0.3, 0.2, 0.2, 0.05, 0.02])
    >>> frame = small_study_summary(effects).to_frame()
    >>> frame.set_index("method").loc["Egger", "declined"]
    'fewer than 10 studies (6)'
    """
    studies = studies_of(effects, least=1)
    if studies.shape:
        raise ValueError(
            f"`effects` must be one meta-analysis, shape (k,), but has shape {effects.shape}. "
            "The single tests take many at once."
        )
    if table is not None and not isinstance(table, TwoByTwo):
        raise TypeError(f"`table` must be TwoByTwo, but got {type(table).__name__}.")
    if table is not None and table.shape != effects.shape:
        raise ValueError(f"`table` must match the effects {effects.shape}, but has shape {table.shape}.")
    k = int(studies.effect.shape[0])
    few = f"fewer than {least_studies} studies ({k})" if k < least_studies else None
    level = check_confidence_level(confidence_level)
    # An unknown tau2 is a mistake of the call, not a reason of one method.
    pool(effects, tau2=tau2, ci="wald")
    without_null = why_not_tested(effects.measure)
    plan: list[_Plan] = [
        ("Egger", "test", few, partial(egger_test, effects, confidence_level=level)),
        ("Thompson-Sharp", "test", few, partial(egger_test, effects, model="mixed", confidence_level=level)),
        ("Begg", "test", few, partial(begg_test, effects)),
        *_table_tests(effects, table, few, level),
        _macaskill(effects, table, n, few),
        (
            "Trim and fill",
            "estimate",
            few,
            partial(trim_and_fill, effects, tau2=tau2, confidence_level=level),
        ),
        ("PET-PEESE", "estimate", few, partial(pet_peese, effects, confidence_level=level)),
        (
            "Limit meta-analysis",
            "estimate",
            few,
            partial(limit_meta_analysis, effects, tau2=tau2, confidence_level=level),
        ),
        ("WAAP-WLS", "estimate", None, partial(waap_wls, effects, confidence_level=level)),
        ("Excess significance", "test", few, partial(excess_significance_test, effects)),
        ("LFK index", "index", few, partial(lfk_index, effects)),
        ("Fail-safe N", "index", None, partial(fail_safe_n, effects)),
    ]
    rows, results = [], {}
    for method, kind, unfit, call in plan:
        reason = without_null or unfit
        if reason is None:
            try:
                results[method] = call()
            except (ValueError, ConvergenceError) as error:
                reason = str(error)
        if reason is not None:
            rows.append(SmallStudyRow(method=method, kind=kind, declined=reason))
        else:
            rows.append(SmallStudyRow(method=method, kind=kind, **_numbers(results[method], effects.measure)))
    return SmallStudySummary(
        rows=tuple(rows), results=MappingProxyType(results), n_studies=k, measure=effects.measure
    )


def _table_tests(effects: EffectSizes, table: TwoByTwo | None, few: str | None, level: float) -> list[_Plan]:
    if table is None:
        names = ("Harbord", "Peters", "Deeks", "Schwarzer", "Arcsine")
        return [(name, "test", _CELLS, _nothing) for name in names]
    measure = effects.measure
    ratio = few if measure in {"OR", "RR"} else f"is for odds or risk ratios, not {measure}"
    odds = few if measure in {"OR", "DOR", "PETO"} else f"is for odds ratios, not {measure}"
    diagnostic = few if measure == "DOR" else f"is for diagnostic odds ratios, not {measure}"
    return [
        (
            "Harbord",
            "test",
            ratio,
            partial(harbord_test, table, measure=measure, confidence_level=level),
        ),
        (
            "Peters",
            "test",
            ratio,
            partial(peters_test, table, effects=effects, confidence_level=level),
        ),
        ("Deeks", "test", diagnostic, partial(deeks_test, table, effects=effects, confidence_level=level)),
        ("Schwarzer", "test", odds, partial(schwarzer_test, table)),
        ("Arcsine", "test", few, partial(arcsine_test, table, confidence_level=level)),
    ]


def _macaskill(effects: EffectSizes, table: TwoByTwo | None, n: ArrayLike | None, few: str | None) -> _Plan:
    if n is not None:
        return "Macaskill", "test", few, partial(macaskill_test, effects, n=n)
    if table is None:
        return "Macaskill", "test", "needs the persons of each study: give n= or table=", _nothing
    persons = table.exposed_total + table.control_total
    if effects.measure in {"OR", "RR"}:
        return "Macaskill", "test", few, partial(macaskill_test, table, measure=effects.measure)
    return "Macaskill", "test", few, partial(macaskill_test, effects, n=persons)


def _nothing() -> None:
    """Stand in for the call of a method that is declined anyway."""


def _numbers(result: object, measure: str) -> dict[str, Any]:
    """Return the fields of a row; an effect of another measure (arcsines) stays on the result."""
    match result:
        case SmallStudyTest():
            numbers: dict[str, Any] = {
                "statistic": float(result.statistic),
                "df": float(result.df),
                "pvalue": float(result.pvalue),
                "note": result.method,
            }
            same = result.limit is not None and result.limit.measure == measure
            return numbers | (_interval(result.limit) if same and result.limit is not None else {})
        case TrimAndFill():
            count = float(result.n_filled)
            return _interval(result.pooled.estimate) | {
                "note": f"{count:.0f} filled in on the {result.side}",
            }
        case PetPeese():
            return _interval(result.conditional) | {"note": "PEESE" if result.uses_peese else "PET"}
        case LimitMetaAnalysis():
            return _interval(result.estimate) | {"note": f"G² = {float(result.g2):.0f}%"}
        case WaapWls():
            return _interval(result.waap) | {"note": f"{float(result.n_adequate):.0f} adequately powered"}
        case ExcessSignificance():
            expected = short_number(float(result.expected), digits=1)
            return {
                "pvalue": float(result.pvalue),
                "note": f"{float(result.observed):.0f} significant, {expected} expected",
            }
        case LfkIndex():
            return {"value": float(result.index), "note": f"{result.interpretation}. {result.warning}"}
        case FailSafeN():
            return {"value": float(result.n), "note": f"null studies ({result.method})"}
        case _:
            raise TypeError(f"No row is known for {type(result).__name__}.")


def _interval(estimate: Estimate) -> dict[str, Any]:
    return {name: float(getattr(estimate, name)) for name in ("value", "low", "high")}
