"""What a meta-analysis gives over every table that the papers' printed numbers allow.

The tables of each study come from `feasible`; the pooling over all of them is `meta.pooled_range`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.measures.effect_size import alternative_effects
from analysis.meta.pooled_range import PooledRange, pool_alternatives
from analysis.values.counts import TwoByTwo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from analysis.forensics.feasible import FeasibleSet

__all__ = ["PooledRange", "pool_feasible"]


def pool_feasible(
    studies: Sequence[TwoByTwo | FeasibleSet],
    *,
    measure: str = "RR",
    method: str = "auto",
    most: int = 200_000,
    draws: int = 10_000,
    rng: np.random.Generator | int | None = None,
    label: Sequence[str] | None = None,
    correction: float | None = None,
    model: str = "random",
    tau2: str | float = "REML",
    ci: str | None = None,
    confidence_level: float = 0.95,
) -> PooledRange:
    """Pool the studies for every combination of the tables that each of them allows.

    Parameters
    ----------
    studies : sequence of TwoByTwo or FeasibleSet
        For each study its tables, of one axis (from `feasible_tables`), or one table.
    measure : str, default "RR"
        Measure of a 2x2 table, as for `effect_sizes`.
    method : {"auto", "exact", "search"}, default "auto"
        "exact" pools every set of one table a study, "search" looks for the ends; "auto" is exact where there
        are at most `most` sets.
    most : int, default 200000
        Sets that are pooled at most.
    draws : int, default 10000
        Random sets, for the search alone: half to start from, and as many to check what it found.
    rng : numpy.random.Generator or int, optional
        Generator or seed of the draws.
    label : sequence of str, optional
        One name a study.
    correction : float, optional
        As for `effect_sizes`.
    model, tau2, ci, confidence_level
        As for `pool`.

    Returns
    -------
    PooledRange

    Raises
    ------
    TypeError, ValueError
        If a study is not a TwoByTwo, has no table or more than one axis, if there is no study, an option is
        unknown, or "exact" is asked of more than `most` sets.
    ConvergenceError
        If tau2 does not converge for a set.

    Notes
    -----
    ``pool(effect_sizes(studies, measure))`` is the same with the defaults of the search.

    The search changes, step by step, the table of one study that moves an end (of the estimate or of a limit)
    furthest, from the most extreme of the random sets, until no change of one study moves it. Of a study with
    many tables those take part that are outermost in effect and variance. What it finds are sets that exist,
    so the true range is at least as wide. That it is wider is checked by fresh random sets: if none of n lies
    beyond, fewer than 3/n of all sets do, with 95 % confidence.

    Examples
    --------
    >>> from analysis import feasible_tables
    >>> first = feasible_tables(exposed_total=5476, exposed_risk="4.7%",
    ...                         control_total=27657, control_risk="2.8%")
    >>> second = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
    >>> print(pool_feasible([first, second], model="common", ci="wald"))
    RR 1.95 to 2.04; 95% CI from 1.73–1.80 to 2.21–2.31; over all 168 sets of tables
    """
    if isinstance(studies, TwoByTwo):
        raise TypeError("`studies` must be a sequence with the tables of each study, but got one TwoByTwo.")
    effects = alternative_effects("studies", studies, measure, label, correction=correction)
    return pool_alternatives(
        effects,
        method=method,
        most=most,
        draws=draws,
        rng=rng,
        model=model,
        tau2=tau2,
        ci=ci,
        confidence_level=confidence_level,
    )
