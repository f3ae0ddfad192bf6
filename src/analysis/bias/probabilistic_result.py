"""What a probabilistic bias analysis finds: conventional, systematic and total intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import short_count, short_number, short_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.bias.methods.draw_biases import Bias
    from analysis.values.arrays import FloatArray, IntArray

__all__ = ["ProbabilisticBiasAnalysis"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProbabilisticBiasAnalysis(Framed):
    """Quantiles of the bias-adjusted measure, over the tables that were given.

    Parameters
    ----------
    measure, scale : str
        What was adjusted, and its analysis scale.
    conventional : Estimate
        Without any bias, with its usual interval.
    biases : tuple
        In the order in which they were undone.
    probabilities : tuple of float
        Of the quantiles: two limits, quartiles and median.
    systematic : ndarray, shape (q, ...)
        Quantiles over the bias parameters alone, on the reporting scale. NaN where every draw was impossible.
    systematic_error : ndarray, shape (q, ...)
        Their Monte-Carlo standard errors on the analysis scale.
    total, total_error : ndarray or None
        The same with random error; None if none was added.
    draws : int
        Sets of parameters that were drawn.
    impossible : dict of str to ndarray
        Reason -> number of draws that contradict the table for it. A draw counts under each reason.
    impossible_draws : ndarray
        Draws that contradict the table for any reason; they are in no quantile.
    impossible_resampled : ndarray
        Further draws that contradict the resampled table; they are in the systematic quantiles only.
    random_error, sampling : str
        How random error was added and parameters were drawn.
    confidence_level : float
        Of the intervals.
    seed : int or None
        If a number was given.
    kept_systematic, kept_total : ndarray, shape (kept, ...)
        The first draws, on the reporting scale, for figures; NaN where impossible.
    """

    measure: str
    scale: str
    conventional: Estimate
    biases: tuple[Bias, ...]
    probabilities: tuple[float, ...]
    systematic: FloatArray
    systematic_error: FloatArray
    total: FloatArray | None
    total_error: FloatArray | None
    draws: int
    impossible: Mapping[str, IntArray]
    impossible_draws: IntArray
    impossible_resampled: IntArray
    random_error: str
    sampling: str
    confidence_level: float
    seed: int | None
    kept_systematic: FloatArray
    kept_total: FloatArray | None

    def __post_init__(self) -> None:
        for name in (
            "systematic",
            "systematic_error",
            "total",
            "total_error",
            "kept_systematic",
            "kept_total",
        ):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tables; () for one."""
        return self.conventional.shape

    @property
    def systematic_interval(self) -> Estimate:
        """Median and limits over the bias parameters alone; as wide as what is believed of them."""
        return self._interval(self.systematic, "systematic")

    @property
    def total_interval(self) -> Estimate:
        """Median and limits over bias parameters and random error.

        Raises
        ------
        ValueError
            If no random error was added.
        """
        if self.total is None:
            raise ValueError('There is no total interval with random_error="none".')
        return self._interval(self.total, "total")

    def _interval(self, quantiles: FloatArray, method: str) -> Estimate:
        return Estimate(
            measure=self.measure,
            value=quantiles[2],
            low=quantiles[0],
            high=quantiles[-1],
            confidence_level=self.confidence_level,
            std_error=None,
            scale=self.scale,
            method=method,
        )

    @property
    def share_impossible(self) -> FloatArray:
        """Share of the draws that contradict the table."""
        return np.asarray(self.impossible_draws / self.draws)

    def to_frame(self) -> pd.DataFrame:
        """Return three rows a table (conventional, systematic, total) with quantiles and their errors."""
        import pandas as pd

        frames = []
        for error, quantiles, errors in self._parts():
            low, lower, median, upper, high = (quantiles[i].ravel() for i in range(5))
            columns = {
                "table": np.arange(low.size),
                "error": error,
                "measure": self.measure,
                "value": median,
                "low": low,
                "high": high,
                "lower_quartile": lower,
                "upper_quartile": upper,
            }
            for name, place in (("value", 2), ("low", 0), ("high", 4)):
                columns[f"{name}_monte_carlo_error"] = errors[place].ravel()
            frames.append(pd.DataFrame(columns))
        frame = pd.concat(frames).sort_values("table", kind="stable", ignore_index=True)
        lost = pd.DataFrame(
            {"draws": self.draws, "impossible_draws": np.atleast_1d(self.impossible_draws).ravel()}
        )
        return frame.join(lost, on="table")

    def _parts(self) -> list[tuple[str, FloatArray, FloatArray]]:
        unknown = np.full(self.shape, np.nan)
        usual = self.conventional
        nothing = np.full((5, *self.shape), np.nan)
        parts = [("conventional", np.stack([usual.low, unknown, usual.value, unknown, usual.high]), nothing)]
        parts.append(("systematic", self.systematic, self.systematic_error))
        if self.total is not None and self.total_error is not None:
            parts.append(("total", self.total, self.total_error))
        return parts

    def monte_carlo_error(self, error: str = "total") -> FloatArray:
        """Return standard errors of median and limits (median, low, high) on the reporting scale.

        Parameters
        ----------
        error : {"total", "systematic"}, default "total"
            Of which interval.
        """
        for name, quantiles, errors in self._parts()[1:]:
            if name == error:
                # d exp(x) = exp(x) dx; a difference is reported as it is analysed.
                slope = quantiles if self.scale == "log" else np.ones(quantiles.shape)
                with np.errstate(invalid="ignore"):
                    return np.asarray((slope * errors)[[2, 0, 4]])
        raise ValueError(f"`error` must be 'systematic' or 'total' and there, but got {error!r}.")

    def __str__(self) -> str:
        """Return what a paper prints; of several tables the range of their limits."""
        names = {
            "conventional": "no bias, random error",
            "systematic": "bias alone",
            "total": "bias and random error",
        }
        lines = []
        for error, quantiles, _ in self._parts():
            if self.shape:
                low, high = np.nanmin(quantiles[0]), np.nanmax(quantiles[-1])
                text = f"{short_range(np.nanmin(quantiles[2]), np.nanmax(quantiles[2]))} in "
                text += f"{quantiles[2].size} tables, widest limits {short_range(low, high)}"
            else:
                value, low, high = (short_number(float(quantiles[i])) for i in (2, 0, 4))
                text = f"{value} ({low} to {high})"
            lines.append(f"{self.measure}, {names[error]}: {text}")
        lost = int(np.max(self.impossible_draws))
        note = f"{short_count(self.draws)} draws"
        if lost:
            reasons = ", ".join(reason for reason, count in self.impossible.items() if np.any(count))
            most = "at most " if self.shape else ""
            note += f", of which {most}{short_count(lost)} contradict the data ({reasons}) and are left out"
        return "\n".join([*lines, note])

    def kept_on_scale(self) -> tuple[FloatArray, FloatArray | None]:
        """Return the kept draws on the analysis scale (systematic, total)."""
        forward = scale_of(self.scale).forward
        return forward(self.kept_systematic), None if self.kept_total is None else forward(self.kept_total)
