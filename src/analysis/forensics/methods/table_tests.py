"""P-values and chi-square statistics of arrays of 2x2 tables, one function a test that papers print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.measures.methods.conditional import baptista_pike_pvalue, central_pvalue
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO
from analysis.values.distributions import chi2_tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

__all__ = ["PVALUES", "SLOW_PVALUES", "STATISTICS"]


def _squared_difference(cells: Cells, less: float) -> FloatArray:
    total = cells.exposed + cells.control
    difference = np.abs(cells.a * cells.d - cells.b * cells.c)
    shrunk = np.maximum(difference - less * total, 0.0)
    spread = cells.exposed * cells.control * (cells.a + cells.c) * (cells.b + cells.d)
    statistic: FloatArray = total * shrunk**2 / spread
    return statistic


def _pearson(cells: Cells) -> FloatArray:
    return _squared_difference(cells, 0.0)


def _yates(cells: Cells) -> FloatArray:
    return _squared_difference(cells, 0.5)


def _one_less(cells: Cells) -> FloatArray:
    total = cells.exposed + cells.control
    return _squared_difference(cells, 0.0) * (total - 1) / total


def _likelihood_ratio(cells: Cells) -> FloatArray:
    n1, n0, m1, m0 = cells.exposed, cells.control, cells.a + cells.c, cells.b + cells.d
    total = n1 + n0
    parts = (
        (cells.a, n1 * m1),
        (cells.b, n1 * m0),
        (cells.c, n0 * m1),
        (cells.d, n0 * m0),
    )
    # x log x is 0 at an empty cell.
    twice: FloatArray = 2 * sum(
        special.xlogy(x, np.where(x > 0, x * total / margin, 1.0)) for x, margin in parts
    )
    return np.maximum(np.where((m1 > 0) & (m0 > 0), twice, np.nan), 0.0)


STATISTICS: dict[str, Callable[[Cells], FloatArray]] = {
    "pearson": _pearson,
    "yates": _yates,
    "n-1": _one_less,
    "likelihood-ratio": _likelihood_ratio,
}


def _by_statistic(name: str) -> Callable[[Cells], FloatArray]:
    def pvalue(cells: Cells) -> FloatArray:
        return chi2_tail(STATISTICS[name](cells), 1.0)

    return pvalue


PVALUES: dict[str, Callable[[Cells], FloatArray]] = {
    **{name: _by_statistic(name) for name in STATISTICS},
    "wald-log-odds": lambda cells: ODDS_RATIO["woolf"](cells, 0.95).pvalue,
    "wald-log-risk": lambda cells: RISK_RATIO["log"](cells, 0.95).pvalue,
    "wald-difference": lambda cells: RISK_DIFFERENCE["wald"](cells, 0.95).pvalue,
    # Fisher's test as most programs print it: the tables at most as probable as the observed one.
    "fisher": lambda cells: baptista_pike_pvalue(*cells, mid=False),
    "fisher-doubled": lambda cells: central_pvalue(*cells, mid=False),
    "fisher-mid-p": lambda cells: central_pvalue(*cells, mid=True),
}
SLOW_PVALUES = frozenset({"fisher", "fisher-doubled", "fisher-mid-p"})
