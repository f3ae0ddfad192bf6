"""Crude, stratum-specific and pooled estimates side by side: confounding and effect modification by strata.

The last axis of a table is strata. The pooled estimates themselves live in `stratified`, tests of homogeneity
in `homogeneity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.homogeneity import homogeneity_test
from analysis.measures.stratified import mantel_haenszel
from analysis.values.arguments import check_choice, read_only
from analysis.values.framed import Framed
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo
    from analysis.values.estimate import Estimate
    from analysis.values.significance import SignificanceTest

__all__ = ["StratifiedSummary", "stratified_summary"]

_SINGLE = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StratifiedSummary(Framed):
    """Crude, stratum-specific and pooled estimates of one measure.

    Parameters
    ----------
    measure : str
        "OR", "RR" or "RD".
    crude : Estimate
        Of the strata added up.
    strata : Estimate
        One a stratum, on the last axis.
    pooled : Estimate
        Mantel-Haenszel.
    change_percent : ndarray
        100 (crude - pooled) / |pooled|: how far confounding by the strata moves the estimate. The odds
        ratio moves without confounding too (it is not collapsible) unless the outcome is rare.
    homogeneity : SignificanceTest
        Of equal effects in all strata: effect modification.
    """

    measure: str
    crude: Estimate
    strata: Estimate
    pooled: Estimate
    change_percent: FloatArray
    homogeneity: SignificanceTest

    def __post_init__(self) -> None:
        object.__setattr__(self, "change_percent", read_only(self.change_percent))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the leading axes; () for one set of strata."""
        return self.pooled.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimate at full precision: the strata from 1 on, crude, pooled."""
        import pandas as pd

        parts = []
        count = self.strata.shape[-1]
        for kind, estimate in (("stratum", self.strata), ("crude", self.crude), ("pooled", self.pooled)):
            frame = estimate.to_frame()
            repeats = len(frame) // count
            frame.insert(0, "kind", kind)
            frame.insert(1, "stratum", np.tile(np.arange(1, count + 1), repeats) if kind == "stratum" else 0)
            if self.shape:
                every = count if kind == "stratum" else 1
                frame.insert(0, "replicate", np.arange(len(frame)) // every)
            parts.append(frame)
        return pd.concat(parts, ignore_index=True)

    def __str__(self) -> str:
        """Return the table that a paper prints; replicates give one line of pooled estimates each."""
        if self.shape:
            return str(self.pooled)
        count = self.strata.shape[-1]
        rows = [(f"Stratum {i + 1}", self.strata[i]) for i in range(count)]
        rows += [("Crude", self.crude), ("Pooled", self.pooled)]
        width = max(len(name) for name, _ in rows)
        lines = [measure_of(self.measure).label]
        lines += [f"  {name:<{width}}  {estimate}" for name, estimate in rows]
        change = f"{float(self.change_percent):+.1f} %".replace("-", "−")
        lines.append(f"Crude against pooled: {change if np.isfinite(self.change_percent) else '–'}")
        lines.append(f"Homogeneity ({self.homogeneity.method}): {self.homogeneity}")
        return "\n".join(lines)


def stratified_summary(
    table: TwoByTwo,
    *,
    measure: str = "OR",
    homogeneity: str | None = None,
    correction: float | None = None,
    confidence_level: float = 0.95,
) -> StratifiedSummary:
    """Put crude, stratum-specific and pooled estimates side by side: confounding and effect modification.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates. At least one axis.
    measure : {"OR", "RR", "RD"}, default "OR"
        The default intervals of `odds_ratio`, `risk_ratio` and `risk_difference`.
    homogeneity : {"breslow-day", "tarone", "woolf", "q"}, optional
        The test of `homogeneity_test`; Tarone's for the odds ratio, Woolf's for the others by default.
    correction : float, optional
        Added to all four cells of strata with an empty cell in the stratum-specific estimates and in
        Woolf's test; never in the pooled estimate. By default nothing is.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    StratifiedSummary

    Raises
    ------
    ValueError
        If the table has no axis, or an argument is unknown or outside its range.

    Examples
    --------
    Recorded osteoporosis, men and women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(stratified_summary(strata, measure="RR"))
    Risk ratio
      Stratum 1  6.70 (4.74 to 9.46)
      Stratum 2  3.95 (3.00 to 5.19)
      Crude      4.85 (3.92 to 6.01)
      Pooled     4.85 (3.92 to 6.00)
    Crude against pooled: −0.0 %
    Homogeneity (woolf): χ² = 5.52, df = 1, P = 0.019
    """
    check_choice("measure", measure, _SINGLE)
    if not table.shape:
        raise ValueError("`table` must have strata on its last axis, but is one table without axes.")
    single = _SINGLE[measure]
    test = homogeneity or ("tarone" if measure == "OR" else "woolf")
    crude = single(table.collapse(), confidence_level=confidence_level)
    pooled = mantel_haenszel(table, measure=measure, confidence_level=confidence_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = 100 * (crude.value - pooled.value) / np.abs(pooled.value)
    return StratifiedSummary(
        measure=measure,
        crude=crude,
        strata=single(table, confidence_level=confidence_level, correction=correction),
        pooled=pooled,
        change_percent=change,
        homogeneity=homogeneity_test(
            table,
            method=test,
            measure=measure,
            correction=correction if test in {"woolf", "q"} else None,
        ),
    )
