"""Permutation test of moderators: what their coefficients would be if studies had been given them by chance.

The test of a mean, by flips of signs, lives in `permutation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.regression_design import INTERCEPT
from analysis.meta.regression import meta_regression
from analysis.values.arguments import read_only
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.regression_result import MetaRegression
    from analysis.values.arrays import FloatArray

__all__ = ["ModeratorPermutationTest", "moderator_permutation_test"]

# All orders of more studies are not gone through: 8 have 40 320.
_EXACT_AT_MOST = 8
# Statistics that differ by less, relatively, are equal: orders that exchange studies with equal moderators.
_TIE = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeratorPermutationTest(Framed):
    """P-values of a meta-regression by permutation.

    Parameters
    ----------
    names : tuple of str
        Of the p coefficients.
    statistic : ndarray, shape (p,)
        Coefficients over their standard errors.
    pvalue : ndarray, shape (p,)
        Share of the orders in which the statistic is as far from 0. That of the intercept is of little use.
    moderators_pvalue : ndarray
        The same for all moderators together (QM).
    orders : int
        That were counted, the observed one among them.
    exact : bool
        Whether these are all, or random ones.
    """

    names: tuple[str, ...]
    statistic: FloatArray
    pvalue: FloatArray
    moderators_pvalue: FloatArray
    orders: int
    exact: bool

    def __post_init__(self) -> None:
        for name in ("statistic", "pvalue", "moderators_pvalue"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient, at full precision."""
        import pandas as pd

        columns = {"coefficient": list(self.names), "statistic": self.statistic, "pvalue": self.pvalue}
        return pd.DataFrame(columns).assign(orders=self.orders, exact=self.exact)

    def __str__(self) -> str:
        """Return the P-values as a paper gives them."""
        number = f"all {self.orders}" if self.exact else f"{self.orders} random"
        parts = [f"{name} P = {p:.3g}" for name, p in zip(self.names, self.pvalue, strict=True)]
        return f"{', '.join(parts)}; all moderators P = {self.moderators_pvalue:.3g} ({number} orders)"


def moderator_permutation_test(
    fitted: MetaRegression,
    *,
    exact: bool | None = None,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
) -> ModeratorPermutationTest:
    """Test moderators by giving the studies each other's, all moderators of a study together.

    Parameters
    ----------
    fitted : MetaRegression
        Of one set of studies.
    exact : bool, optional
        Whether all orders are gone through; by default for up to seven studies, and never for more than
        eight.
    draws : int, default 10000
        Random orders otherwise.
    rng : numpy.random.Generator or int, optional
        Generator or seed of random orders.

    Returns
    -------
    ModeratorPermutationTest
        The observed order counts, so that no P-value is 0.

    Raises
    ------
    ValueError
        If there is more than one set, no moderator, or too many studies for all orders.

    Notes
    -----
    tau2 is estimated anew for every order, by the estimator of the fit, and statistics are those of its
    interval.

    References
    ----------
    Higgins JPT, Thompson SG (2004). Controlling the risk of spurious findings from meta-regression. Stat Med
    23:1663-1682. DOI 10.1002/sim.1752

    Examples
    --------
    >>> from analysis import EffectSizes, meta_regression
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.7], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> fit = meta_regression(effects, {"dose": [1, 2, 3, 5, 6]}, tau2="DL", ci="wald")
    >>> print(moderator_permutation_test(fit))
    intercept P = 0.983, dose P = 0.00833; all moderators P = 0.00833 (all 120 orders)
    """
    if fitted.tau2.size != 1:
        raise ValueError(f"One meta-regression is needed, but got {fitted.tau2.size}.")
    if set(fitted.names) == {INTERCEPT}:
        raise ValueError("The regression has no moderator; the test of a mean is `permutation_test`.")
    inside = np.ones(fitted.sets.k, dtype=bool) if fitted.sets.mask is None else fitted.sets.mask[0]
    design = np.stack(np.broadcast_arrays(*(column.reshape(-1) for column in fitted.columns)), axis=-1)[
        inside
    ]
    k = design.shape[0]
    if exact and k > _EXACT_AT_MOST:
        raise ValueError(f"`exact` goes through all orders of at most {_EXACT_AT_MOST} studies, but got {k}.")
    every = k < _EXACT_AT_MOST if exact is None else exact
    if every:
        orders = np.array(list(permutations(range(k))))
    else:
        orders = np.argsort(np.random.default_rng(rng).random((draws, k)), axis=-1)
    effects = EffectSizes(
        effect=np.atleast_1d(fitted.effects.effect)[inside],
        variance=np.atleast_1d(fitted.effects.variance)[inside],
    )
    given = fitted.tau2_method in {"given", "none"}
    permuted = meta_regression(
        effects,
        {name: column[orders] for name, column in zip(fitted.names, design.T, strict=True)},
        intercept=False,
        model=fitted.model,
        tau2=float(fitted.tau2) if given else fitted.tau2_method,
        ci=fitted.ci_method,
    )
    moderators = [name for name in fitted.names if name != INTERCEPT]
    observed, drawn = np.abs(fitted.statistic.reshape(-1)), np.abs(permuted.statistic)
    together, theirs = fitted.moderator_test.statistic, permuted.test(*moderators).statistic
    counted = (drawn >= observed * (1 - _TIE)).sum(axis=0)
    counted_together = (theirs >= together * (1 - _TIE)).sum()
    # Of random orders the observed one is one more.
    more = 0 if every else 1
    total = len(orders) + more
    return ModeratorPermutationTest(
        names=fitted.names,
        statistic=fitted.statistic.reshape(-1),
        pvalue=(counted + more) / total,
        moderators_pvalue=np.asarray((counted_together + more) / total),
        orders=total,
        exact=every,
    )
