"""Exact test of two proportions that does not condition on the number of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.unconditional import two_proportions_pvalue
from analysis.values.significance import SignificanceTest

if TYPE_CHECKING:
    from analysis.values.counts import TwoByTwo

__all__ = ["unconditional_test"]


def unconditional_test(table: TwoByTwo, *, gamma: float = 1e-4) -> SignificanceTest:
    """Test two proportions by Pearson's statistic over all tables with the same arms.

    Parameters
    ----------
    table : TwoByTwo
        One table or an array of tables, of whole counts; about a millisecond a table.
    gamma : float, default 1e-4
        In [0, 1). The common risk is searched in Clopper and Pearson's interval of level 1 - gamma, and gamma
        is added to the P-value (Berger and Boos); 0 searches everywhere (Suissa and Shuster).

    Returns
    -------
    SignificanceTest
        Statistic χ² without correction, two-sided P-value. 1 where all or none are cases, or an arm is empty.
        More powerful than Fisher's test, and as exact.

    Raises
    ------
    ValueError
        If a count is not whole or `gamma` outside [0, 1).

    References
    ----------
    Suissa S, Shuster JJ (1985). Exact unconditional sample sizes for the 2x2 binomial trial. J R Stat Soc A
    148:317-327. (Citation not verified.)

    Berger RL, Boos DD (1994). P values maximized over a confidence set for the nuisance parameter. J Am Stat
    Assoc 89:1012-1016. (Citation not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> trial = TwoByTwo(exposed_cases=7, exposed_total=34, control_cases=1, control_total=34)
    >>> print(unconditional_test(trial))
    P = 0.028
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"`gamma` must be in [0, 1), but got {gamma}.")
    a, b, c, d = table.exposed_cases, table.exposed_noncases, table.control_cases, table.control_noncases
    names = ("exposed_cases", "exposed_total", "control_cases", "control_total")
    for name, cell in zip(names, (a, b, c, d), strict=True):
        fault = cell != np.floor(cell)
        if fault.any():
            index = tuple(int(i) for i in np.argwhere(fault)[0])
            raise ValueError(f"`{name}` must be whole for an exact test, but is not at index {index}.")
    with np.errstate(divide="ignore", invalid="ignore"):
        total, spread = a + b + c + d, (a + b) * (c + d) * (a + c) * (b + d)
        statistic = total * (a * d - b * c) ** 2 / spread
    return SignificanceTest(
        statistic=statistic,
        df=None,
        pvalue=two_proportions_pvalue(a, b, c, d, gamma=gamma),
        method="exact-unconditional",
    )
