"""The Copas selection model: publication depends on the standard error, and on the effect by a correlation.

How strongly cannot be estimated, so that the model is fitted over a grid. Selection by the P-value is in
`selection_models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.selection_copas_fit import LARGEST_RHO, default_ranges, fit_copas
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["CopasFit", "CopasGrid", "copas_fit", "copas_grid"]

_ALTERNATIVES = ("greater", "less")
_PATH = 41


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopasFit(Framed):
    """Copas models fitted at given γ0 and γ1: arrays of one shape, effects on the analysis scale.

    Parameters
    ----------
    gamma0, gamma1 : ndarray
        A study with standard error s is published with probability Φ(γ0 + γ1/s). Infinite γ0: no selection.
    mean, std_error : ndarray
        Adjusted mean effect and its standard error from the observed information, conditional on parameters
        that lie at a bound.
    tau2 : ndarray
        Between-study variance.
    rho : ndarray
        Correlation of a study's error with its chance of publication, of the sign of the favoured direction.
        Without selection it means nothing, and is 0.
    publication_probability : ndarray
        Of the study with the largest standard error.
    residual_pvalue : ndarray
        P-value of no association of effect and standard error beyond the selection.
    unpublished : ndarray
        Expected number of unpublished studies, Σ(1 - P)/P.
    log_likelihood : ndarray
        Given which studies were published.
    """

    gamma0: FloatArray
    gamma1: FloatArray
    mean: FloatArray
    std_error: FloatArray
    tau2: FloatArray
    rho: FloatArray
    publication_probability: FloatArray
    residual_pvalue: FloatArray
    unpublished: FloatArray
    log_likelihood: FloatArray

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per fit, in C order, at full precision."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name).ravel() for name in self.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CopasGrid(Framed):
    """What a Copas analysis finds.

    Parameters
    ----------
    grid : CopasFit
        Shape (n0, n1), for contours of `mean` over `gamma0` and `gamma1`.
    path : CopasFit
        Shape (n,), from no selection to the strongest, across the contours of the mean.
    adjusted : Estimate or None
        On the reporting scale, at the least selection on the path that leaves no residual bias: the first
        P above `significance`. None if there is none on the path.
    adjusted_publication_probability : float
        Of the study with the largest standard error, there; NaN with `adjusted` None.
    adjusted_at_bound : bool
        Whether |ρ| is there at its largest, 0.9999. The interval then takes ρ as known and is too narrow.
    unadjusted : Estimate
        Without selection, by maximum likelihood.
    significance : float
        Level of the test of residual bias.
    slope : float
        Of the path in units of the ranges of γ1 and γ0.
    """

    grid: CopasFit
    path: CopasFit
    adjusted: Estimate | None
    adjusted_publication_probability: float
    adjusted_at_bound: bool
    unadjusted: Estimate
    significance: float
    slope: float

    def to_frame(self) -> pd.DataFrame:
        """Return the path, one row per fit, at full precision."""
        return self.path.to_frame()

    def __str__(self) -> str:
        """Return what a paper prints."""
        text = f"{self.unadjusted} without selection; "
        if self.adjusted is None:
            return f"{text}residual bias at every selection considered (P ≤ {self.significance:g})"
        share = 100 * self.adjusted_publication_probability
        text += f"{self.adjusted} with the least precise study published in {share:.0f}% of cases"
        return f"{text}; ρ is at its bound and taken as known" if self.adjusted_at_bound else text


def copas_fit(
    effects: EffectSizes, gamma0: ArrayLike, gamma1: ArrayLike, *, alternative: str = "greater"
) -> CopasFit:
    """Fit the Copas selection model at given γ0 and γ1.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,) with at least three studies whose variances differ.
    gamma0, gamma1 : array_like
        Publication probability Φ(γ0 + γ1/s), of shapes that broadcast; γ1 of at least 0. γ0 = inf is no
        selection.
    alternative : {"greater", "less"}, default "greater"
        The favoured direction; ρ has its sign.

    Returns
    -------
    CopasFit
        Of the shape of γ0 and γ1.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes` or a γ not numeric.
    ValueError
        If the studies are too few or equally precise, an effect is not finite, a variance not greater than 0,
        γ1 is negative, or a γ is NaN.
    ConvergenceError
        If a fit does not converge.

    Notes
    -----
    With s the standard error, u = γ0 + γ1/s, λ = φ(u)/Φ(u) and c² = λ(u + λ), the within-study variance
    before selection is σ² = s²/(1 - c²ρ²), and with V = tau2 + σ², a = y - mu the log-likelihood is Σ -log
    V/2 - a²/(2V) - log Φ(u) + log Φ(v), v = (u + ρσa/V)/sqrt(1 - ρ²σ²/V). The test of residual bias is the
    likelihood ratio of a slope of the effect on s, ρ keeping its sign. |ρ| is at most 0.9999.

    References
    ----------
    Copas J, Shi JQ (2000). Meta-analysis, funnel plots and sensitivity analysis. Biostatistics 1:247-262.
    DOI 10.1093/biostatistics/1.3.247 (Citation not verified.)

    Copas JB, Shi JQ (2001). A sensitivity analysis for publication bias in systematic reviews. Stat Methods
    Med Res 10:251-265. DOI 10.1177/096228020101000402 (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(
    ...     effect=[0.9, 0.6, 0.7, 0.4, 0.3, 0.1], variance=[0.2, 0.1, 0.08, 0.04, 0.02, 0.01]
    ... )
    >>> fit = copas_fit(effects, [np.inf, 0.0, -0.5], [0.0, 0.1, 0.1])
    >>> fit.mean.round(2)
    array([0.34, 0.22, 0.17])
    """
    y, s = _studies(effects, alternative)
    first, second = np.broadcast_arrays(as_numbers("gamma0", gamma0), as_numbers("gamma1", gamma1))
    fault = np.isnan(first) | (first == -np.inf) | ~((second >= 0) & (second < np.inf))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            "`gamma0` must be a number and `gamma1` a finite number of at least 0, but got "
            f"{first[index]:g} and {second[index]:g} at index {index}."
        )
    return _fit(y, s, first, second, -1.0 if alternative == "less" else 1.0)


def copas_grid(
    effects: EffectSizes,
    *,
    alternative: str = "greater",
    gamma0: tuple[float, float] | None = None,
    gamma1: tuple[float, float] | None = None,
    points: int = 20,
    slope: float | None = None,
    significance: float = 0.1,
    confidence_level: float = 0.95,
) -> CopasGrid:
    """Fit the Copas selection model over a grid, and adjust the mean by as little selection as is needed.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,) with at least three studies whose variances differ.
    alternative : {"greater", "less"}, default "greater"
        The favoured direction: where small studies' effects are too large, or too small.
    gamma0, gamma1 : (float, float), optional
        Ranges. Default: γ0 up to 2, γ1 from 0; at the lowest γ0 with the highest γ1 the study with the
        largest standard error is published with probability 0.40, the one with the smallest with 0.85.
    points : int, default 20
        Of the grid in either direction, at least 3.
    slope : float, optional
        Of the path from the weakest selection, change of γ1 over change of γ0 in units of their ranges.
        Default: across the contours of the mean, by least squares on the grid.
    significance : float, default 0.1
        Level of the test of residual bias.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    CopasGrid

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `copas_fit`; and if a range does not increase or an option is out of its range.

    Notes
    -----
    Where P crosses the level between points of the path, the crossing is refined to a 60 000th of it.

    References
    ----------
    As `copas_fit`, and

    Carpenter JR, Schwarzer G, Rücker G, Künstler R (2009). Empirical evaluation showed that the Copas
    selection model provided a useful summary in 80% of meta-analyses. J Clin Epidemiol 62:624-631. DOI
    10.1016/j.jclinepi.2008.12.002 (Citation not verified.)

    Schwarzer G, Carpenter J, Rücker G (2010). Empirical evaluation suggests Copas selection model preferable
    to trim-and-fill method for selection bias in meta-analysis. J Clin Epidemiol 63:282-288. DOI
    10.1016/j.jclinepi.2009.05.008 (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(
    ...     effect=[0.9, 0.6, 0.7, 0.4, 0.3, 0.1], variance=[0.2, 0.1, 0.08, 0.04, 0.02, 0.01]
    ... )
    >>> result = copas_grid(effects)
    >>> print(result)
    0.34 (0.10 to 0.57) without selection; 0.15 (0.13 to 0.17) with the least precise study published in
    37% of cases; ρ is at its bound and taken as known
    >>> result.grid.mean.shape
    (20, 20)
    """
    level = check_confidence_level(confidence_level)
    y, s = _studies(effects, alternative)
    sign = -1.0 if alternative == "less" else 1.0
    if not 0 < significance < 1:
        raise ValueError(f"`significance` must be between 0 and 1, but got {significance!r}.")
    if isinstance(points, bool) or int(points) != points or points < 3:
        raise ValueError(f"`points` must be a whole number of at least 3, but got {points!r}.")
    if slope is not None and not 0 <= slope < np.inf:
        raise ValueError(f"`slope` must be a number of at least 0, but got {slope!r}.")
    defaults = default_ranges(s)
    low0, high0 = _range("gamma0", gamma0, defaults[0])
    low1, high1 = _range("gamma1", gamma1, defaults[1])
    if low1 < 0:
        raise ValueError(f"`gamma1` must be at least 0, but starts at {low1:g}.")
    x = np.linspace(0, 1, points)
    grid = _fit(y, s, *np.meshgrid(low0 + x * (high0 - low0), low1 + x * (high1 - low1), indexing="ij"), sign)
    across = _across(grid.mean, x) if slope is None else float(slope)
    # To the edge of the grid, whichever comes first.
    length = 1.0 if across <= 1 else 1 / across

    def at(t: FloatArray) -> CopasFit:
        g0 = np.where(t < 0, np.inf, low0 + (1 - t * length) * (high0 - low0))
        g1 = low1 + (1 - np.maximum(t, 0) * length * across) * (high1 - low1)
        return _fit(y, s, g0, g1, sign)

    # The first point, marked by a negative distance, is no selection at all.
    along = np.concatenate(([-1.0], np.linspace(0, 1, _PATH - 1)))
    path = at(along)
    passes = path.residual_pvalue > significance
    adjusted, share, at_bound = None, np.nan, False
    if passes.any():
        first = int(passes.argmax())
        chosen, place = path, first
        if first > 1:
            low, high = along[first - 1], along[first]
            for _ in range(3):
                within = np.linspace(low, high, _PATH)
                chosen = at(within)
                # The far end passes, whatever happens in between.
                place = int((chosen.residual_pvalue > significance).argmax())
                low, high = within[max(place - 1, 0)], within[place]
        adjusted = _estimate(effects, chosen, place, level)
        share = float(chosen.publication_probability[place])
        at_bound = bool(np.abs(chosen.rho[place]) >= LARGEST_RHO)
    return CopasGrid(
        grid=grid,
        path=path,
        adjusted=adjusted,
        adjusted_publication_probability=share,
        adjusted_at_bound=at_bound,
        unadjusted=_estimate(effects, path, 0, level),
        significance=float(significance),
        slope=across,
    )


def _studies(effects: EffectSizes, alternative: str) -> tuple[FloatArray, FloatArray]:
    """Return effects, turned so that the favoured direction is up, and standard errors."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    check_choice("alternative", alternative, _ALTERNATIVES)
    if effects.effect.ndim != 1 or effects.shape[0] < 3:
        raise ValueError(
            f"`effects` must be one meta-analysis of at least three studies, but has shape {effects.shape}."
        )
    fault = ~(np.isfinite(effects.effect) & np.isfinite(effects.variance) & (effects.variance > 0))
    if fault.any():
        index = int(fault.argmax())
        raise ValueError(
            "Effects must be finite and variances greater than 0, but got effect "
            f"{effects.effect[index]:g} with variance {effects.variance[index]:g} at index {index}. "
            "Leave that study out."
        )
    if np.ptp(effects.std_error) <= 1e-9 * effects.std_error.max():
        raise ValueError(
            "`effects` must differ in variance: equally precise studies show no selection by it."
        )
    return (-1.0 if alternative == "less" else 1.0) * effects.effect, effects.std_error


def _range(name: str, given: tuple[float, float] | None, default: tuple[float, float]) -> tuple[float, float]:
    if given is None:
        return default
    ends = as_numbers(name, given)
    if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise ValueError(f"`{name}` must be two numbers that increase, but got {given!r}.")
    return float(ends[0]), float(ends[1])


def _fit(y: FloatArray, s: FloatArray, gamma0: FloatArray, gamma1: FloatArray, sign: float) -> CopasFit:
    # In units of the standard errors the climb has one scale, whatever the unit of the effects.
    unit = float(np.exp(np.log(s).mean()))
    found = fit_copas(y / unit, s / unit, gamma0.ravel(), gamma1.ravel() / unit)
    parts = {name: part.reshape(gamma0.shape) for name, part in found._asdict().items()}
    parts["mean"] = sign * unit * parts["mean"]
    parts["std_error"] = unit * parts["std_error"]
    parts["tau2"] = unit**2 * parts["tau2"]
    parts["rho"] = sign * parts["rho"]
    parts["log_likelihood"] = parts["log_likelihood"] - y.size * np.log(unit)
    return CopasFit(gamma0=gamma0, gamma1=gamma1, **parts)


def _across(mean: FloatArray, x: FloatArray) -> float:
    """Return the slope across the contours of a plane through the mean, never backwards."""
    centred = x - x.mean()
    along0, along1 = (centred[:, None] * mean).sum(), (centred * mean).sum()
    if along0 == 0:
        return 0.0
    return float(np.clip(along1 / along0, 0.0, 1e6))


def _estimate(effects: EffectSizes, fit: CopasFit, place: int, level: float) -> Estimate:
    mean, std_error = fit.mean[place], fit.std_error[place]
    half = normal_quantile((1 + level) / 2) * std_error
    backward = scale_of(effects.scale).backward
    has_null = measure_of(effects.measure).null is not None
    return Estimate(
        measure=effects.measure,
        value=np.asarray(backward(mean)),
        low=np.asarray(backward(mean - half)),
        high=np.asarray(backward(mean + half)),
        confidence_level=level,
        std_error=np.asarray(std_error),
        scale=effects.scale,
        method="copas",
        pvalue=two_sided_normal(mean / std_error) if has_null else None,
    )
