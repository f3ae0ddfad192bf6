"""Selection models: what a meta-analysis would find had publication not depended on the P-value.

Maximum likelihood of the mean, tau2 and a weight function of the P-value. Sensitivity analyses that assume
the selection instead are `affirmative` (by a ratio) and `copas` (by the standard error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.selection_fit import fit_selection
from analysis.meta.methods.selection_integral import features_at
from analysis.meta.methods.selection_setup import (
    check_precision,
    check_range,
    check_steps,
    check_tau2,
    intervals_of_z,
    names_of_steps,
    smooth_bounds,
    smooth_weight,
    step_weight,
)
from analysis.meta.methods.selection_weights import WEIGHTS, p_value
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import chi2_tail, normal_quantile, two_sided_normal
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.meta.methods.selection_fit import Fit
    from analysis.meta.methods.selection_likelihood import Intervals, Smooth
    from analysis.values.arrays import FloatArray

__all__ = ["SelectionModel", "selection_model"]

_ALTERNATIVES = ("greater", "less", "two-sided")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionModel(Framed):
    """A fitted selection model, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The mean effect, adjusted for selection, on the reporting scale; normal interval.
    tau2, tau2_std_error : ndarray
        Between-study variance of all studies, published or not. The standard error is NaN at 0 and for a
        given tau2, where the other standard errors take tau2 as known.
    selection, selection_std_error, selection_low, selection_high : ndarray
        Parameters of the weight with Wald intervals cut at their bound, shape (..., d), in the order of
        `names`. For steps: the chance of being published relative to the first interval. The standard error
        is NaN for a parameter that was given or lies at its bound; so are the limits.
    names : tuple of str
        Of the selection parameters.
    log_likelihood, log_likelihood_without : ndarray
        With selection, and of the normal model without.
    lrt, lrt_pvalue : ndarray
        Likelihood-ratio statistic of no selection and its chi-square P-value on `lrt_df`; P is NaN for given
        weights.
    lrt_df : int
        Number of selection parameters estimated.
    counts : ndarray
        Studies in every interval of P-values, shape (..., J); one interval for weights without steps.
    steps : tuple of float
        Upper ends of those intervals.
    n_studies : int
        Studies of a replicate.
    weights, alternative : str
        What was asked for.
    """

    estimate: Estimate
    tau2: FloatArray
    tau2_std_error: FloatArray
    selection: FloatArray
    selection_std_error: FloatArray
    selection_low: FloatArray
    selection_high: FloatArray
    names: tuple[str, ...]
    log_likelihood: FloatArray
    log_likelihood_without: FloatArray
    lrt: FloatArray
    lrt_pvalue: FloatArray
    lrt_df: int
    counts: FloatArray
    steps: tuple[float, ...]
    n_studies: int
    weights: str
    alternative: str

    def __post_init__(self) -> None:
        for name in (
            "tau2",
            "tau2_std_error",
            "selection",
            "selection_std_error",
            "selection_low",
            "selection_high",
            "log_likelihood",
            "log_likelihood_without",
            "lrt",
            "lrt_pvalue",
            "counts",
        ):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        for name in ("tau2", "tau2_std_error", "log_likelihood", "lrt", "lrt_pvalue"):
            frame[name] = getattr(self, name).ravel()
        for column, name in enumerate(self.names):
            for part in ("selection", "selection_std_error", "selection_low", "selection_high"):
                suffix = part.removeprefix("selection")
                frame[f"{name}{suffix}"] = getattr(self, part)[..., column].ravel()
        return frame.assign(weights=self.weights, alternative=self.alternative, n_studies=self.n_studies)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.tau2.size != 1:
            return str(self.estimate)
        parts = []
        for column, name in enumerate(self.names):
            value, low, high = (
                part[..., column].item() for part in (self.selection, self.selection_low, self.selection_high)
            )
            limits = "" if np.isnan(low) else f" ({low:.2f} to {high:.2f})"
            parts.append(f"{name} {value:.2f}{limits}")
        text = f"{self.estimate} adjusted for selection by {self.weights}: {'; '.join(parts)}"
        if self.lrt_df:
            text += f"; likelihood ratio {self.lrt.item():.2f}, df = {self.lrt_df}, P = "
            text += f"{self.lrt_pvalue.item():.2g}"
        return f"{text}; τ² = {self.tau2.item():.3g}, {self.n_studies} studies"


def selection_model(
    effects: EffectSizes,
    *,
    weights: str = "step",
    steps: Sequence[float] = (0.025,),
    fixed_weights: Sequence[float] | None = None,
    decreasing: bool = False,
    alternative: str = "greater",
    precision: ArrayLike | None = None,
    p_range: tuple[float, float] | None = None,
    tau2: str | float = "ML",
    confidence_level: float = 0.95,
) -> SelectionModel:
    """Fit a selection model by maximum likelihood.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k) with at least two studies; leading axes are replicates and are fitted together.
    weights : {"step", "beta", "half-normal", "negative-exponential", "logistic", "power"}, default "step"
        The chance of publication as a function of the P-value: see Notes.
    steps : sequence of float, default (0.025,)
        Increasing P-values in (0, 1) at which a step weight changes; an interval holds its upper end. (0.5,)
        with `alternative` "greater" is truncation at an effect of 0.
    fixed_weights : sequence of float, optional
        Weights of the len(steps) + 1 intervals, greater than 0, that are taken as known: a sensitivity
        analysis. Intervals may then be empty.
    decreasing : bool, default False
        Whether step weights may not rise with the P-value. Intervals whose weights are then equal are merged,
        and standard errors are those of the merged intervals; empty intervals are allowed.
    alternative : {"greater", "less", "two-sided"}, default "greater"
        What the P-value is of: the direction of effects that is favoured.
    precision : array_like of shape broadcastable to the effects, optional
        Multiplies the parameter of the half-normal, negative-exponential, logistic and power weights, study
        by study, so that selection may be weaker for precise studies (the standard errors over their
        largest). Greater than 0.
    p_range : (float, float), optional
        P-values outside are given the weight of the nearer end of a smooth weight. Default (1e-5, 1 - 1e-5),
        as other software has it: one study with P = 1e-20 would otherwise decide on a beta weight. With (0,
        1) the likelihood of a beta weight may not exist.
    tau2 : "ML" or float, default "ML"
        Between-study variance, estimated or given (0: one common effect).
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    SelectionModel

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If there are fewer than two studies, an effect is not finite, a variance not greater than 0, a step
        interval without a P-value whose weight was to be estimated, or an option is out of its range.
    ConvergenceError
        If the likelihood has no maximum: it rises while a parameter runs away. Names the parameter.

    Notes
    -----
    Effects y are normal about mu with variance v + tau2; a study is seen with a chance proportional to w(p),
    so that its density is φ(y) w(p)/∫ φ w. Weights: step δ_j; beta p^(a-1) (1-p)^(b-1); half-normal
    exp(-δp²); negative exponential exp(-δp); logistic 2 exp(-δp)/(1 + exp(-δp)); power (1-p)^δ. The last four
    have δ ≥ 0, and no selection at 0.

    Standard errors are from the observed information with analytic second derivatives. The climb starts from
    several points; a parameter at its bound (tau2 or δ at 0) is held there, and the others' standard errors
    are conditional on it. At such a bound the chi-square P-value of the likelihood ratio is conservative.

    References
    ----------
    Vevea JL, Hedges LV (1995). A general linear model for estimating effect size in the presence of
    publication bias. Psychometrika 60:419-435. DOI 10.1007/BF02294384

    Vevea JL, Woods CM (2005). Publication bias in research synthesis: sensitivity analysis using a priori
    weight functions. Psychol Methods 10:428-443. DOI 10.1037/1082-989X.10.4.428

    Citkowicz M, Vevea JL (2017). A parsimonious weight function for modeling publication bias. Psychol
    Methods 22:28-41. DOI 10.1037/met0000119

    Preston C, Ashby D, Smyth R (2004). Adjusting for publication bias: modelling the selection process. J
    Eval Clin Pract 10:313-322. DOI 10.1111/j.1365-2753.2003.00457.x (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(
    ...     effect=[0.9, 0.6, 0.5, 0.45, 0.4, 0.2, 0.1, 0.0, 0.3, 0.35],
    ...     variance=[0.09, 0.06, 0.05, 0.04, 0.03, 0.02, 0.03, 0.05, 0.02, 0.01],
    ... )
    >>> result = selection_model(effects)
    >>> print(result.estimate)
    0.19 (0.02 to 0.36)
    >>> result.names
    ('weight of P > 0.025',)
    """
    level = check_confidence_level(confidence_level)
    check_choice("alternative", alternative, _ALTERNATIVES)
    check_choice("weights", weights, ("step", *WEIGHTS))
    y, v = _studies(effects, alternative)
    shape, two_sided = effects.shape[:-1], alternative == "two-sided"
    scale = check_precision(precision, weights, effects.shape)
    z = y / np.sqrt(v)
    cuts = check_steps(steps) if weights == "step" else (1.0,)
    interval = np.searchsorted(cuts[:-1], p_value(z, two_sided=two_sided).value, side="left")
    counts = (interval[..., None] == np.arange(len(cuts))).sum(axis=1)
    weight: Intervals | Smooth
    by_interval = None
    if weights == "step":
        if p_range is not None:
            raise ValueError("`p_range` has no place in a step weight, whose `steps` say the same.")
        by_interval, bounds = step_weight(cuts, counts, fixed_weights, shape, decreasing=decreasing)
        weight = intervals_of_z(cuts, by_interval, two_sided=two_sided)
        features = by_interval[interval]
    else:
        if fixed_weights is not None or decreasing:
            raise ValueError("`fixed_weights` and `decreasing` are for weights='step'.")
        range_ = check_range(p_range)
        weight = smooth_weight(weights, two_sided=two_sided, range_=range_)
        bounds = smooth_bounds(weights)
        features = features_at(weight.function, z, two_sided=two_sided, range_=range_)
    fit, without = fit_selection(y, v, scale, features, weight, bounds, check_tau2(tau2))

    fixed = None if fixed_weights is None else np.asarray(fixed_weights, dtype=np.float64)
    selection, selection_se = _selection(
        fit, by_interval, fixed, 0.0 if weights == "step" else WEIGHTS[weights].none
    )
    critical = normal_quantile((1 + level) / 2)
    mean = -fit.point[:, 0] if alternative == "less" else fit.point[:, 0]
    std_error = np.sqrt(fit.covariance[:, 0, 0])
    lrt = np.maximum(2 * (fit.value - without.value), 0.0)
    df = 0 if fixed is not None else len(bounds.names)
    backward = scale_of(effects.scale).backward
    has_null = measure_of(effects.measure).null is not None
    wide = (*shape, selection.shape[-1])
    return SelectionModel(
        estimate=Estimate(
            measure=effects.measure,
            value=backward(mean).reshape(shape),
            low=backward(mean - critical * std_error).reshape(shape),
            high=backward(mean + critical * std_error).reshape(shape),
            confidence_level=level,
            std_error=std_error.reshape(shape),
            scale=effects.scale,
            method=f"selection-{weights}",
            pvalue=two_sided_normal(mean / std_error).reshape(shape) if has_null else None,
        ),
        tau2=fit.point[:, 1].reshape(shape),
        tau2_std_error=np.where(fit.free[:, 1], np.sqrt(fit.covariance[:, 1, 1]), np.nan).reshape(shape),
        selection=selection.reshape(wide),
        selection_std_error=selection_se.reshape(wide),
        selection_low=np.maximum(selection - critical * selection_se, 0.0).reshape(wide),
        selection_high=(selection + critical * selection_se).reshape(wide),
        names=names_of_steps(cuts) if weights == "step" else WEIGHTS[weights].names,
        log_likelihood=fit.value.reshape(shape),
        log_likelihood_without=without.value.reshape(shape),
        lrt=lrt.reshape(shape) if df else np.full(shape, np.nan),
        lrt_pvalue=chi2_tail(lrt, df).reshape(shape) if df else np.full(shape, np.nan),
        lrt_df=df,
        counts=counts.reshape(*shape, len(cuts)),
        steps=cuts,
        n_studies=effects.shape[-1],
        weights=weights,
        alternative=alternative,
    )


def _studies(effects: EffectSizes, alternative: str) -> tuple[FloatArray, FloatArray]:
    """Return effects, turned so that the favoured direction is up, and variances, shape (r, k)."""
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    if not effects.effect.ndim or effects.shape[-1] < 2:
        raise ValueError(f"`effects` must hold at least two studies, but has shape {effects.shape}.")
    fault = ~(np.isfinite(effects.effect) & np.isfinite(effects.variance) & (effects.variance > 0))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            "Effects must be finite and variances greater than 0, but got effect "
            f"{effects.effect[index]:g} with variance {effects.variance[index]:g} at index "
            f"{index[0] if len(index) == 1 else index}. Leave that study out."
        )
    k = effects.shape[-1]
    y = (-effects.effect if alternative == "less" else effects.effect).reshape(-1, k)
    return y, effects.variance.reshape(-1, k)


def _selection(
    fit: Fit, by_interval: FloatArray | None, fixed: FloatArray | None, none: float
) -> tuple[FloatArray, FloatArray]:
    """Return the selection parameters as they are reported, with standard errors; NaN where there is none."""
    theta, matrix, free = fit.point[:, 2:], fit.covariance[:, 2:, 2:], fit.free[:, 2:]
    if fixed is not None:
        given = np.broadcast_to(fixed[1:], (len(theta), fixed.size - 1))
        return given, np.full(given.shape, np.nan)
    if by_interval is None:
        return theta + none, np.where(free, np.sqrt(np.einsum("...ii->...i", matrix)), np.nan)
    # Delta method for δ = exp(Lθ), with L the intervals after the first.
    linear = by_interval[1:]
    weight = np.exp(theta @ linear.T)
    std_error = weight * np.sqrt(np.einsum("ja,...ab,jb->...j", linear, matrix, linear))
    return weight, np.where(std_error > 0, std_error, np.nan)
