"""How often the intervals of a random-effects mean, and of a further study, hold the truth: by simulation.

Exact coverage of the intervals of one proportion or table is in `measures.coverage`; the intervals themselves
are those of `pooling`.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import special

from analysis.errors import ConvergenceError
from analysis.meta.pooling import INTERVALS, pool
from analysis.values.arguments import (
    as_numbers,
    as_positive,
    check_choice,
    check_confidence_level,
    read_only,
)
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import EffectSizes
from analysis.values.framed import Framed
from analysis.values.text import round_half_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

    Variances = float | Callable[[np.random.Generator, tuple[int, int]], ArrayLike]

__all__ = [
    "SIMULATED_INTERVALS",
    "CoverageSimulation",
    "scaled_chi_square_variances",
    "simulate_coverage",
]

_T = TypeVar("_T")
_PREDICTION = "prediction"
# Where the estimator of tau2 is free, the two that are used most and the one by moments that iterates.
SIMULATED_INTERVALS = (
    *(f"{ci}/{tau2}" for ci in INTERVALS[:4] for tau2 in ("DL", "REML", "PM")),
    "kenward-roger/REML",
    "profile/ML",
    "profile-bartlett/ML",
    "henmi-copas/DL",
    f"{_PREDICTION}/REML",
)
# A chi-square with one degree of freedom times 1/4, between these limits.
_SCALE, _LEAST, _LARGEST = 0.25, 0.009, 0.6
# No interval of a number that was measured is so wide; beyond it a t quantile is at the end of its precision.
_BOUNDLESS = 1e100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageSimulation(Framed):
    """Coverage and width of intervals by method, number of studies and between-study variance.

    Parameters
    ----------
    intervals : tuple of str
        Each "interval/estimator of tau2", of the first axis of the arrays.
    studies : tuple of int
        Numbers of studies, of the second axis.
    tau2 : tuple of float
        Between-study variances, of the last axis.
    coverage : ndarray
        Share of the meta-analyses whose interval holds the mean effect; of prediction intervals the mean
        probability of the effect of a further study.
    monte_carlo_error : ndarray
        Standard error of `coverage` from the finite number of meta-analyses. It is 0 where all of them hold
        the mean, which does not say that all do.
    mean_width, median_width : ndarray
        On the analysis scale. The mean is infinite where an interval is wider than 1e100.
    draws : int
        Meta-analyses of each number of studies and between-study variance.
    confidence_level : float
        In (0, 1).
    """

    intervals: tuple[str, ...]
    studies: tuple[int, ...]
    tau2: tuple[float, ...]
    coverage: FloatArray
    monte_carlo_error: FloatArray
    mean_width: FloatArray
    median_width: FloatArray
    draws: int
    confidence_level: float

    def __post_init__(self) -> None:
        for name in ("coverage", "monte_carlo_error", "mean_width", "median_width"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def band(self) -> tuple[float, float]:
        """Coverage that an interval which keeps the level would have in 95 % of simulations of this size."""
        half = normal_quantile(0.975) * np.sqrt(
            self.confidence_level * (1 - self.confidence_level) / self.draws
        )
        return max(0.0, self.confidence_level - half), min(1.0, self.confidence_level + half)

    def of(self, interval: str) -> CoverageSimulation:
        """Return what was found of one interval.

        Parameters
        ----------
        interval : str
            One of `intervals`.

        Returns
        -------
        CoverageSimulation
            With one entry on the first axis.

        Raises
        ------
        ValueError
            If it was not simulated.
        """
        i = self.intervals.index(check_choice("interval", interval, self.intervals))
        return CoverageSimulation(
            intervals=(interval,),
            studies=self.studies,
            tau2=self.tau2,
            coverage=self.coverage[i : i + 1],
            monte_carlo_error=self.monte_carlo_error[i : i + 1],
            mean_width=self.mean_width[i : i + 1],
            median_width=self.median_width[i : i + 1],
            draws=self.draws,
            confidence_level=self.confidence_level,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row an interval, number of studies and between-study variance, at full precision."""
        import pandas as pd

        parts = [interval.split("/") for interval in self.intervals]
        method, studies, tau2 = (index.ravel() for index in np.indices(self.coverage.shape))
        return pd.DataFrame(
            {
                "target": [
                    "further study" if parts[i][0] == _PREDICTION else "mean" for i in method.tolist()
                ],
                "interval": [parts[i][0] for i in method.tolist()],
                "tau2_method": [parts[i][1] for i in method.tolist()],
                "studies": np.array(self.studies)[studies],
                "tau2": np.array(self.tau2)[tau2],
                "confidence_level": self.confidence_level,
                "draws": self.draws,
                "coverage": self.coverage.ravel(),
                "monte_carlo_error": self.monte_carlo_error.ravel(),
                "mean_width": self.mean_width.ravel(),
                "median_width": self.median_width.ravel(),
            }
        )

    def __str__(self) -> str:
        """Return the coverage, least and largest over tau2, one line an interval."""
        wide = max(len(interval) for interval in self.intervals)
        level, over = f"{100 * self.confidence_level:g}%", ", ".join(f"{tau2:g}" for tau2 in self.tau2)
        lines = [f"Coverage of {level} intervals in percent, τ² = {over}; {self.draws} meta-analyses each"]
        for interval, row in zip(self.intervals, self.coverage, strict=True):
            cells = [f"k = {k}: {_percent_range(part)}" for k, part in zip(self.studies, row, strict=True)]
            lines.append(f"{interval:<{wide}}  {', '.join(cells)}")
        return "\n".join(lines)


def _percent_range(coverage: FloatArray) -> str:
    low, high = (round_half_up(end, 1, percent=True) for end in (coverage.min(), coverage.max()))
    return low if low == high else f"{low} to {high}"


def scaled_chi_square_variances(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Draw sampling variances: a quarter of a chi-square on 1 degree of freedom, between 0.009 and 0.6.

    Parameters
    ----------
    rng : numpy.random.Generator
        Generator.
    shape : tuple of int
        Meta-analyses and studies.

    Returns
    -------
    ndarray
        Of that shape.

    Notes
    -----
    The law is meant for log odds ratios: some trials large, some small, with a median of 0.12 and a mean of
    0.17. Drawn by the inverse of the distribution function, so that nothing is rejected.

    References
    ----------
    Brockwell SE, Gordon IR (2001). A comparison of statistical methods for meta-analysis. Stat Med
    20:825-840. DOI 10.1002/sim.650 (The limits are not verified.)

    Examples
    --------
    >>> import numpy as np
    >>> variances = scaled_chi_square_variances(np.random.default_rng(1), (10_000, 5))
    >>> round(float(np.median(variances)), 2), round(float(variances.mean()), 2)
    (0.12, 0.17)
    """
    # P(chi-square <= x) = erf(sqrt(x/2)) on one degree of freedom.
    low, high = (special.erf(np.sqrt(limit / _SCALE / 2)) for limit in (_LEAST, _LARGEST))
    drawn: FloatArray = 2 * _SCALE * special.erfinv(rng.uniform(low, high, shape)) ** 2
    return drawn


def simulate_coverage(
    *,
    rng: np.random.Generator | int,
    studies: Sequence[int] = (3, 5, 10, 20),
    tau2: Sequence[float] = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0),
    intervals: Sequence[str] = SIMULATED_INTERVALS,
    variances: Variances = scaled_chi_square_variances,
    draws: int = 10_000,
    confidence_level: float = 0.95,
    progress: Callable[[int, int, str], None] | None = None,
) -> CoverageSimulation:
    """Simulate how often the intervals of a random-effects meta-analysis hold the truth.

    Parameters
    ----------
    rng : numpy.random.Generator or int
        Generator or seed: a simulation must be possible to repeat.
    studies : sequence of int, default (3, 5, 10, 20)
        Numbers of studies of a meta-analysis, 2 or more; 3 or more with a prediction interval.
    tau2 : sequence of float, default (0, 0.05, 0.1, 0.25, 0.5, 1)
        True between-study variances, 0 or greater.
    intervals : sequence of str, optional
        Each an interval of the mean (`ci` of `pool`) or "prediction", a stroke, and an estimator of tau2
        (`tau2` of `pool`, or "known" for the true value): "hartung-knapp/REML". By default all intervals,
        where the estimator is free with "DL", "REML" and "PM". "prediction" is `PooledEstimate.prediction`
        with the interval that is the default of `pool`.
    variances : float or callable, default scaled_chi_square_variances
        Sampling variance of every study, or a function of a generator and the shape (draws, studies) that
        draws them.
    draws : int, default 10000
        Meta-analyses of each number of studies and between-study variance. All intervals see the same ones.
    confidence_level : float, default 0.95
        In (0, 1).
    progress : callable, optional
        Called with what is done, how much there is, and what comes next as text.

    Returns
    -------
    CoverageSimulation

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If a number is out of its range, or an interval is unknown or does not go with its estimator.
    ConvergenceError
        If an estimate of tau2 or a limit does not converge in one of the meta-analyses: leaving it out would
        change the coverage. Names the interval, the number of studies and tau2.

    Notes
    -----
    Effects are normal about the mean 0 with variance v + tau2, their sampling variances v known and
    independent of the effects. Coverage does not depend on the mean. Real sampling variances are estimates,
    and of log ratios go with the effect, so that with small counts all of these intervals do worse.

    A further study's effect is normal with variance tau2; the probability that a prediction interval gives to
    it is computed, not drawn.

    References
    ----------
    Brockwell SE, Gordon IR (2001). A comparison of statistical methods for meta-analysis. Stat Med
    20:825-840. DOI 10.1002/sim.650

    IntHout J, Ioannidis JPA, Borm GF (2014). The Hartung-Knapp-Sidik-Jonkman method for random effects
    meta-analysis is straightforward and considerably outperforms the standard DerSimonian-Laird method. BMC
    Med Res Methodol 14:25. DOI 10.1186/1471-2288-14-25

    Partlett C, Riley RD (2017). Random effects meta-analysis: coverage performance of 95% confidence and
    prediction intervals following REML estimation. Stat Med 36:301-317. DOI 10.1002/sim.7140

    Examples
    --------
    >>> result = simulate_coverage(
    ...     studies=[5], tau2=[0.25], intervals=["wald/DL", "hartung-knapp/REML"], draws=2000, rng=1)
    >>> print(result)
    Coverage of 95% intervals in percent, τ² = 0.25; 2000 meta-analyses each
    wald/DL             k = 5: 86.3
    hartung-knapp/REML  k = 5: 92.1
    """
    level = check_confidence_level(confidence_level)
    count = _whole("draws", draws, least=1)
    chosen = _chosen("intervals", intervals)
    for interval in chosen:
        _check_interval(interval)
    predicts = any(interval.startswith(f"{_PREDICTION}/") for interval in chosen)
    sizes = tuple(_whole("studies", k, least=3 if predicts else 2) for k in _chosen("studies", studies))
    between = _between(tau2)
    if rng is None:
        raise ValueError("`rng` must be a generator or a seed: a simulation must be possible to repeat.")
    if not callable(variances) and as_positive("variances", variances).ndim:
        raise ValueError(f"`variances` must be one number or a function, but got {variances!r}.")

    found = np.empty((4, len(chosen), len(sizes), len(between)))
    cells = [(i, j) for i in range(len(sizes)) for j in range(len(between))]
    total = len(cells) * len(chosen)
    # A stream for each cell: the intervals that are asked for do not change the meta-analyses that are drawn.
    streams = np.random.default_rng(rng).spawn(len(cells))
    for cell, ((i, j), stream) in enumerate(zip(cells, streams, strict=True)):
        effects = _draw(stream, (count, sizes[i]), between[j], variances)
        for m, interval in enumerate(chosen):
            if progress is not None:
                progress(cell * len(chosen) + m, total, f"k = {sizes[i]}, τ² = {between[j]:g}: {interval}")
            found[:, m, i, j] = _coverage(effects, interval, between[j], level)
    if progress is not None:
        progress(total, total, "done")
    coverage, error, mean_width, median_width = found
    return CoverageSimulation(
        intervals=chosen,
        studies=sizes,
        tau2=between,
        coverage=coverage,
        monte_carlo_error=error,
        mean_width=mean_width,
        median_width=median_width,
        draws=count,
        confidence_level=level,
    )


def _draw(rng: np.random.Generator, shape: tuple[int, int], tau2: float, variances: Variances) -> EffectSizes:
    variance = as_numbers("variances", variances(rng, shape) if callable(variances) else variances)
    if variance.shape not in {(), shape}:
        raise ValueError(f"`variances` must return shape {shape}, but returned {variance.shape}.")
    variance = np.broadcast_to(variance, shape)
    return EffectSizes(effect=rng.standard_normal(shape) * np.sqrt(variance + tau2), variance=variance)


def _coverage(
    effects: EffectSizes, interval: str, tau2: float, level: float
) -> tuple[float, float, float, float]:
    """Return the coverage of one interval, its error, and mean and median width."""
    ci, _, method = interval.partition("/")
    place = f"{interval} of {effects.effect.shape[-1]} studies with tau2 = {tau2:g}"
    of_tau2 = tau2 if method == "known" else method
    try:
        if ci == _PREDICTION:
            limits = pool(effects, tau2=of_tau2, confidence_level=level).prediction
        else:
            limits = pool(effects, tau2=of_tau2, ci=ci, confidence_level=level).estimate
    except ConvergenceError as error:
        raise ConvergenceError(f"{place}: {error}") from error
    low, high = limits.low, limits.high
    missing = np.isnan(low) | np.isnan(high)
    if missing.any():
        raise ConvergenceError(
            f"{place}: {int(missing.sum())} of {missing.size} meta-analyses have no limits, the first at "
            f"position {int(np.argmax(missing))}."
        )
    if ci == _PREDICTION and tau2 > 0:
        held = special.ndtr(high / np.sqrt(tau2)) - special.ndtr(low / np.sqrt(tau2))
    else:
        held = ((low <= 0) & (high >= 0)).astype(np.float64)
    width = high - low
    mean_width = float(width.mean()) if width.max() < _BOUNDLESS else np.inf
    return float(held.mean()), float(held.std() / np.sqrt(held.size)), mean_width, float(np.median(width))


def _check_interval(interval: str) -> None:
    ci, stroke, method = interval.partition("/")
    if not stroke:
        raise ValueError(
            f"`intervals` must name an estimator of tau2, '{interval}/REML', but got {interval!r}."
        )
    check_choice("intervals", ci, (*INTERVALS, _PREDICTION))
    # What `pool` refuses is to be known before anything is simulated.
    three = EffectSizes(effect=[0.0, 1.0, 2.0], variance=0.1)
    pool(
        three,
        tau2=0.1 if method == "known" else method,
        ci="wald" if ci == _PREDICTION else ci,
    )


def _chosen(name: str, values: Iterable[_T]) -> tuple[_T, ...]:
    if isinstance(values, str) or np.ndim(values) == 0:  # type: ignore[arg-type]
        raise TypeError(f"`{name}` must be a sequence, but got {values!r}; write [{values!r}].")
    chosen = tuple(values)
    if not chosen:
        raise ValueError(f"`{name}` must hold at least one entry, but is empty.")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"`{name}` must name each entry once, but got {', '.join(map(str, chosen))}.")
    return chosen


def _whole(name: str, value: int, *, least: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"`{name}` must be whole numbers, but got {value!r}.")
    number = operator.index(value)
    if number < least:
        why = "; a prediction interval needs three studies" if name == "studies" and number == 2 else ""
        raise ValueError(f"`{name}` must be {least} or greater, but got {number}{why}.")
    return number


def _between(tau2: Sequence[float]) -> tuple[float, ...]:
    values = as_numbers("tau2", _chosen("tau2", tau2))
    fault = ~(np.isfinite(values) & (values >= 0))
    if fault.any():
        first = int(np.argmax(fault))
        raise ValueError(
            f"`tau2` must be 0 or greater and finite, but got {values[first]:g} at index {first}."
        )
    return tuple(float(value) for value in values)
