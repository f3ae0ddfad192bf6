"""What is left of a meta-analysis of biased studies: the pooled estimate, its uncertainty in three parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.framed import Framed
from analysis.values.text import short_count

if TYPE_CHECKING:
    import pandas as pd

    from analysis.bias.methods.draw_biases import Bias
    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import FloatArray, IntArray
    from analysis.values.estimate import Estimate

__all__ = ["BiasAdjustedPool"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BiasAdjustedPool(Framed):
    """A pooled estimate before and after its studies are adjusted, its uncertainty in three parts.

    Parameters
    ----------
    measure, scale : str
        What was pooled, and its analysis scale.
    conventional : PooledEstimate
        Without bias adjustment.
    biases : tuple
        In the order in which they were undone; empty where studies have biases of their own.
    study_biases : tuple of tuple
        The biases of each study.
    labels : tuple of str or None
        One name a study, where they have names.
    systematic, total : Estimate
        Median and limits of the pooled estimate over the bias parameters alone, and over all that is
        uncertain.
    systematic_error, total_error : ndarray, shape (3,)
        Monte-Carlo standard errors of median, low and high on the analysis scale.
    observed_studies : Estimate
        Per study: without bias adjustment.
    studies : Estimate
        Per study: median and limits over the bias parameters alone.
    systematic_variance : float
        Variance of the pooled effect between draws of the bias parameters, on the analysis scale.
    random_variance, between_variance : float
        Parts of the pooled effect's variance that come from sampling within studies and from heterogeneity
        between them, averaged over the draws.
    tau2 : ndarray, shape (3,)
        Median and limits of the between-study variance over the draws.
    i2 : ndarray, shape (3,)
        The same of I2, in percent.
    draws : int
        Sets of parameters that were drawn.
    impossible_draws : int
        Draws that contradict at least one study; they are in no result.
    impossible_studies : ndarray of int, shape (k,)
        Draws that contradict each study.
    sharing : float or dict of str to float
        Correlation of the parameters between studies: 1 shared, 0 specific to each; by name if so asked.
    confidence_level : float
    seed : int or None
    """

    measure: str
    scale: str
    conventional: PooledEstimate
    biases: tuple[Bias, ...]
    study_biases: tuple[tuple[Bias, ...], ...]
    labels: tuple[str, ...] | None
    systematic: Estimate
    total: Estimate
    systematic_error: FloatArray
    total_error: FloatArray
    observed_studies: Estimate
    studies: Estimate
    systematic_variance: float
    random_variance: float
    between_variance: float
    tau2: FloatArray
    i2: FloatArray
    draws: int
    impossible_draws: int
    impossible_studies: IntArray
    sharing: float | dict[str, float]
    confidence_level: float
    seed: int | None

    def __post_init__(self) -> None:
        for name in ("systematic_error", "total_error", "tau2", "i2"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shares(self) -> dict[str, float]:
        """The three parts of the variance as shares that add to 1."""
        parts = {
            "systematic": self.systematic_variance,
            "random": self.random_variance,
            "between studies": self.between_variance,
        }
        whole = sum(parts.values())
        return {name: part / whole for name, part in parts.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return three rows: conventional, systematic, total."""
        import pandas as pd

        usual = self.conventional.estimate
        rows = [("conventional", usual, np.full(3, np.nan))]
        rows += [("systematic", self.systematic, self.systematic_error)]
        rows += [("total", self.total, self.total_error)]
        return pd.DataFrame(
            {
                "error": name,
                "measure": self.measure,
                "value": float(estimate.value.item()),
                "low": float(estimate.low.item()),
                "high": float(estimate.high.item()),
                "value_monte_carlo_error": errors[0],
                "low_monte_carlo_error": errors[1],
                "high_monte_carlo_error": errors[2],
            }
            for name, estimate, errors in rows
        )

    def study_frame(self) -> pd.DataFrame:
        """Return one row a study: observed, adjusted (bias alone), impossible draws, its biases in words."""
        import pandas as pd

        count = len(self.study_biases)
        return pd.DataFrame(
            {
                "study": self.labels or range(count),
                "measure": self.measure,
                "observed": self.observed_studies.value,
                "observed_low": self.observed_studies.low,
                "observed_high": self.observed_studies.high,
                "value": self.studies.value,
                "low": self.studies.low,
                "high": self.studies.high,
                "impossible_draws": self.impossible_studies,
                "biases": [" + ".join(bias.kind for bias in own) or "none" for own in self.study_biases],
            }
        )

    def __str__(self) -> str:
        """Return what a paper prints."""
        shares = ", ".join(f"{100 * share:.0f}% {name}" for name, share in self.shares.items())
        lines = [
            f"{self.measure}, pooled without bias adjustment: {self.conventional.estimate}",
            f"{self.measure}, bias alone: {self.systematic}",
            f"{self.measure}, bias, sampling and heterogeneity: {self.total}",
            f"variance: {shares}",
            f"{short_count(self.draws)} draws",
        ]
        if self.impossible_draws:
            lines[-1] += (
                f", of which {short_count(self.impossible_draws)} contradict at least one study and are "
                "left out"
            )
        return "\n".join(lines)
