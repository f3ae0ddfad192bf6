"""What is said of one 2x2 table: which measures, by which methods, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from analysis.measures.proportion import prevalence
from analysis.values.counts import Proportion

if TYPE_CHECKING:
    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import Estimate

__all__ = ["describe_table"]

_USUAL = {
    "RR": ("log", "koopman", "miettinen-nurminen"),
    "OR": ("woolf", "score", "exact", "mid-p"),
    "RD": ("wald", "newcombe", "miettinen-nurminen"),
}
_ALL = {"RR": tuple(RISK_RATIO), "OR": tuple(ODDS_RATIO), "RD": tuple(RISK_DIFFERENCE)}
_MEASURES = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}


def describe_table(table: TwoByTwo, *, confidence_level: float = 0.95, every: bool = False) -> list[Estimate]:
    """Return both risks and the three measures of one table, by the usual methods or by every one.

    Parameters
    ----------
    table : TwoByTwo
        One table.
    confidence_level : float, default 0.95
        In (0, 1).
    every : bool, default False
        Whether every method of `risk_ratio`, `odds_ratio` and `risk_difference` is used.

    Returns
    -------
    list of Estimate
        First the risk among the exposed and among the controls (Wilson).

    Raises
    ------
    ValueError
        If `table` is not one table.
    """
    if table.shape:
        raise ValueError(f"`table` must be one table, but has shape {table.shape}.")
    risks = Proportion._trusted(  # noqa: SLF001 -- counts of a table are counts
        events=np.stack([table.exposed_cases, table.control_cases]),
        total=np.stack([table.exposed_total, table.control_total]),
    )
    either = prevalence(risks, confidence_level=confidence_level)
    methods = _ALL if every else _USUAL
    return [either[0], either[1]] + [
        measure(table, method=method, confidence_level=confidence_level)
        for code, measure in _MEASURES.items()
        for method in methods[code]
    ]
