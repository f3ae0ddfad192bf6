"""Bootstrap of tables: counts are resampled, not records, for the counts are all that a summary table has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.two_proportions import Inverted

if TYPE_CHECKING:
    from analysis.measures.methods.two_proportions import Cells

__all__ = ["bootstrap_risk_ratio"]


def bootstrap_risk_ratio(
    cells: Cells, level: float, *, draws: int, rng: np.random.Generator | int | None
) -> Inverted:
    """Return percentile limits of the risk ratio over binomial resamples of both arms.

    A resample without cases in either arm has no ratio and is left out; one without cases among the controls
    has an infinite one. The P-value is twice the smaller share of resamples on either side of 1, halves
    counted at 1, and at least 1/draws.
    """
    if isinstance(draws, bool) or int(draws) != draws or draws < 1:
        raise ValueError(f"`draws` must be a whole number of at least 1, but got {draws!r}.")
    generator = np.random.default_rng(rng)
    exposed, control = cells.exposed, cells.control
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (cells.a * control) / (cells.c * exposed)
        # An empty arm resamples to itself.
        p1 = np.where(exposed > 0, cells.a / exposed, 0.0)
        p0 = np.where(control > 0, cells.c / control, 0.0)
        a = generator.binomial(exposed.astype(np.int64), p1, size=(draws, *value.shape))
        c = generator.binomial(control.astype(np.int64), p0, size=(draws, *value.shape))
        ratios = (a * control) / (c * exposed)
        informative = ~np.isnan(ratios)
        known = informative.any(axis=0) & ~np.isnan(value)
        tails = ((1 - level) / 2, (1 + level) / 2)
        filled = np.where(known, ratios, 1.0)
        # "higher" and "lower" choose a resample: between a finite and an infinite one there is no middle.
        low = np.nanquantile(filled, tails[0], axis=0, method="lower")
        high = np.nanquantile(filled, tails[1], axis=0, method="higher")
        count = informative.sum(axis=0)
        ties = (ratios == 1).sum(axis=0) / 2
        smaller = np.minimum((ratios < 1).sum(axis=0) + ties, (ratios > 1).sum(axis=0) + ties)
        pvalue = np.clip(2 * smaller / count, 1 / draws, 1.0)
    return Inverted(
        value,
        np.where(known, low, 0.0),
        np.where(known, high, np.inf),
        None,
        np.where(known, pvalue, np.nan),
    )
