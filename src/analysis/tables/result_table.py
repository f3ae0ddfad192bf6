"""From any result to its table: the builder follows from the type."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from analysis.forensics.claims import ClaimLedger
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.regression_result import MetaRegression
from analysis.meta.small_study_summary import SmallStudySummary
from analysis.meta.subgroups import Subgroups
from analysis.tables.claims_table import claims_table
from analysis.tables.effects_table import effects_table
from analysis.tables.estimates_table import estimates_table, two_by_two_table
from analysis.tables.journal_table import JournalTable
from analysis.tables.pooled_table import pooled_table, subgroups_table
from analysis.tables.regression_table import regression_table
from analysis.tables.small_study_table import small_study_table
from analysis.tables.studies_table import studies_table
from analysis.tables.summary_of_findings import OutcomeSummary, summary_of_findings
from analysis.values.counts import TwoByTwo
from analysis.values.estimate import EffectSizes, Estimate

__all__ = ["result_table"]

_Builder = Callable[..., JournalTable]

_BUILDERS: dict[type, _Builder] = {
    PooledEstimate: effects_table,
    EffectSizes: effects_table,
    Subgroups: subgroups_table,
    MetaRegression: regression_table,
    SmallStudySummary: small_study_table,
    ClaimLedger: claims_table,
    Estimate: estimates_table,
    TwoByTwo: two_by_two_table,
}


def result_table(result: Any, **options: Any) -> JournalTable:  # noqa: ANN401 -- any result
    """Make the table that belongs to a result.

    Parameters
    ----------
    result : object
        A `JournalTable` is returned as it is. `PooledEstimate` and `EffectSizes` give the studies with what
        is pooled, a mapping of names to `PooledEstimate` a row each, `Subgroups`, `MetaRegression`,
        `SmallStudySummary`, `ClaimLedger`, `TwoByTwo` and `Estimate` their own tables, a list of
        `OutcomeSummary` a summary of findings, a list of `Estimate` a row each, a DataFrame a row a row.
        Of other results their `estimate` is taken, or else their data frame, headed as it is.
    **options
        Those of the builder: `title`, `notes`, `source`, `number` and its own.

    Returns
    -------
    JournalTable

    Raises
    ------
    TypeError
        If no table is known for the type; lists those that are.

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.10, 0.65], variance=[0.03, 0.01], measure="HR")
    >>> result_table(pool(effects, model="common", ci="wald"), title="Fractures").title
    'Fractures'
    """
    if isinstance(result, JournalTable):
        if options:
            raise TypeError(f"A finished table takes no options, but got {', '.join(options)}.")
        return result
    builder = next((made for kind, made in _BUILDERS.items() if isinstance(result, kind)), None)
    if builder is None:
        builder, result = _several(result) or _other(result)
    return builder(result, **options)


def _several(result: Any) -> tuple[_Builder, Any] | None:  # noqa: ANN401
    """Return the builder of a table that has a row for each of several results."""
    if isinstance(result, dict) and result:
        if all(isinstance(one, PooledEstimate) for one in result.values()):
            return pooled_table, result
    elif isinstance(result, (list, tuple)) and result:
        if all(isinstance(one, OutcomeSummary) for one in result):
            return summary_of_findings, result
        if all(isinstance(one, Estimate) for one in result):
            return estimates_table, result
    return None


def _other(result: Any) -> tuple[_Builder, Any]:  # noqa: ANN401
    """Return a builder for what has an estimate, or else a data frame."""
    if hasattr(result, "columns") and hasattr(result, "to_records"):
        return studies_table, result
    estimate = getattr(result, "estimate", None)
    if isinstance(estimate, Estimate):
        return estimates_table, estimate
    if hasattr(result, "to_frame") and not isinstance(result, type):
        title = _words(type(result).__name__)
        return partial(_framed, title=title), result.to_frame()
    known = ", ".join(kind.__name__ for kind in _BUILDERS)
    raise TypeError(
        f"`result` must be one of {known}, a DataFrame, a mapping of names to PooledEstimate, or a list of "
        f"OutcomeSummary or Estimate, but got {type(result).__name__}; build a JournalTable of it."
    )


def _framed(frame: Any, *, title: str, **options: Any) -> JournalTable:  # noqa: ANN401
    return studies_table(frame, title=title, **options)


def _words(name: str) -> str:
    """Return the name of a type as words: "AbsoluteEffects" is "Absolute effects"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
