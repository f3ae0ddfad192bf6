"""The two families of tables that one odds ratio or difference with its interval allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.forensics.methods.printed_table import PrintedTable
    from analysis.forensics.methods.table_search import Found
    from analysis.values.arrays import BoolArray

__all__ = ["mirrored"]


def mirrored(table: PrintedTable, found: Found) -> BoolArray:
    """Tell which tables lie beyond the risk at which the variance is extreme: the side of more cases.

    For a given odds ratio OR the variance of its log is least at control odds w with
    w² = (1/n0 + 1/(n1 OR))/(1/n0 + OR/n1); for a given difference D the variance is largest at a control risk
    of 1/2 - D n0/(n1 + n0). Every other variance is that of two tables, one on either side.
    """
    nothing = np.zeros(found.a.shape, dtype=bool)
    cells = found.cells()
    with np.errstate(divide="ignore", invalid="ignore"):
        if "odds_ratio low" in table.numbers or "odds_ratio high" in table.numbers:
            odds, n1, n0 = cells.odds, cells.exposed, cells.control
            square = (1 / n0 + 1 / (n1 * odds)) / (1 / n0 + odds / n1)
            beyond = (cells.c / cells.d) ** 2 > square
        elif "risk_difference low" in table.numbers or "risk_difference high" in table.numbers:
            share = cells.control / (cells.exposed + cells.control)
            beyond = cells.c / cells.control > 0.5 - cells.difference * share
        else:
            return nothing
    # One side alone is no mirror of another.
    return beyond if beyond.any() and not beyond.all() else nothing
