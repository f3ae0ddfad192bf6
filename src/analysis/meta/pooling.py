"""Pooling by inverse variance: the common-effect and the random-effects model.

One engine: leading axes are replicates, `where=` chooses studies, so leave-one-out is `~np.eye(k)` and
cumulative a lower triangle. Estimators of tau2 live in `heterogeneity`, sums of tables in
`measures.stratified`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.heterogeneity import TAU2_METHODS, Tau2, estimate_tau2
from analysis.values.arguments import check_choice, check_confidence_level, read_only
from analysis.values.distributions import (
    chi2_tail,
    normal_quantile,
    t_quantile,
    two_sided_normal,
    two_sided_t,
)
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["PooledEstimate", "pool"]

_MODELS = ("random", "common")
_INTERVALS = ("hartung-knapp-adhoc", "hartung-knapp", "t", "wald")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PooledEstimate(Framed):
    """What a meta-analysis finds, over the leading axes of its input.

    Parameters
    ----------
    estimate : Estimate
        The mean effect on the reporting scale, with its P-value of no effect.
    prediction : Estimate
        The effect that a further study is expected to have: `value` as in `estimate`, limits of the
        prediction interval (NaN for the common-effect model and for fewer than three studies).
    tau2, tau2_std_error : ndarray
        Between-study variance on the analysis scale; 0 for the common-effect model.
    q, df, q_pvalue : ndarray
        Cochran's Q with inverse-variance weights, its degrees of freedom and P-value.
    i2 : ndarray
        In percent. Random effects: 100 tau2/(tau2 + v) with the typical variance v = (k - 1)/tr(P); common
        effect: 100 max(0, (Q - df)/Q). The two agree for tau2 = "DL".
    h2 : ndarray
        Random effects: 1/(1 - I2/100); common effect: Q/df.
    weights : ndarray
        In percent, adding to 100 over the last axis; 0 for studies left out.
    n_studies : ndarray
        Studies that entered.
    model, tau2_method, ci_method : str
        What was asked for; `tau2_method` is "none" for the common-effect model.
    """

    estimate: Estimate
    prediction: Estimate
    tau2: FloatArray
    tau2_std_error: FloatArray
    q: FloatArray
    df: FloatArray
    q_pvalue: FloatArray
    i2: FloatArray
    h2: FloatArray
    weights: FloatArray
    n_studies: FloatArray
    model: str
    tau2_method: str
    ci_method: str

    def __post_init__(self) -> None:
        for name in ("tau2", "tau2_std_error", "q", "df", "q_pvalue", "i2", "h2", "weights", "n_studies"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def tau(self) -> FloatArray:
        """Between-study standard deviation on the analysis scale."""
        return np.sqrt(self.tau2)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        frame["prediction_low"] = self.prediction.low.ravel()
        frame["prediction_high"] = self.prediction.high.ravel()
        for name in ("tau2", "tau2_std_error", "q", "df", "q_pvalue", "i2", "h2", "n_studies"):
            frame[name] = getattr(self, name).ravel()
        return frame.assign(model=self.model, tau2_method=self.tau2_method, ci_method=self.ci_method)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only."""
        if self.tau2.size != 1:
            return str(self.estimate)
        text = str(self.estimate)
        level = f"{100 * self.estimate.confidence_level:g}%"
        if np.isfinite(self.prediction.low).all():
            limits = str(self.prediction).split(" (", 1)[1].rstrip(")")
            text += f", {level} prediction interval {limits}"
        return (
            f"{text}; I² = {self.i2.item():.0f}%, τ² = {self.tau2.item():.3g}, "
            f"Q = {self.q.item():.1f} (df = {self.df.item():.0f}), {self.n_studies.item():.0f} studies"
        )


def pool(
    effects: EffectSizes,
    *,
    model: str = "random",
    tau2: str = "REML",
    ci: str = "hartung-knapp-adhoc",
    where: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> PooledEstimate:
    """Pool effect sizes over the last axis by inverse-variance weights.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k). Leading axes are replicates and are pooled separately, all at once.
    model : {"random", "common"}, default "random"
        Random effects, or one common effect (then `tau2` is not used).
    tau2 : {"REML", "DL"}, default "REML"
        Estimator of the between-study variance. REML is the default because it is approximately unbiased;
        DerSimonian and Laird's underestimates large heterogeneity.
    ci : {"hartung-knapp-adhoc", "hartung-knapp", "t", "wald"}, default "hartung-knapp-adhoc"
        Interval of the mean. Hartung and Knapp's standard error keeps the level with few studies, but by
        chance can be smaller than the one of the common-effect model; the ad hoc form never lets its factor
        fall below 1, so an interval is never narrower than the t interval of the same weights.
    where : array_like of bool, shape broadcastable to (..., k), optional
        Studies that enter. More leading axes than the effects have make more replicates.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    PooledEstimate
        Arrays over the leading axes. One study gives its own estimate with a normal interval under the
        common-effect model; a t distribution on k - 1 degrees of freedom does not exist for it, so under the
        random-effects model limits are NaN and tau2 is 0.

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If a study that enters has an effect that is not finite or a variance that is not greater than 0, if
        a set has no study, or an option is unknown.
    ConvergenceError
        If tau2 does not converge; names the set.

    Notes
    -----
    Weights 1/(v + tau2). Hartung-Knapp: variance of the mean times q = Σw(y - mean)²/(k - 1), t on k - 1
    degrees of freedom. Prediction interval (Higgins, Thompson and Spiegelhalter): mean ± t(k - 2)
    sqrt(tau2 + SE²), SE that of the chosen interval.

    References
    ----------
    DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Control Clin Trials 7:177-188.
    DOI 10.1016/0197-2456(86)90046-2

    Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators in the random-effects
    model. J Educ Behav Stat 30:261-293. DOI 10.3102/10769986030003261

    Knapp G, Hartung J (2003). Improved tests for a random effects meta-regression with a single covariate.
    Stat Med 22:2693-2710. DOI 10.1002/sim.1482

    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). A re-evaluation of random-effects meta-analysis.
    J R Stat Soc A 172:137-159. DOI 10.1111/j.1467-985X.2008.00552.x

    Examples
    --------
    >>> import numpy as np
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65], variance=[0.03, 0.03, 0.05, 0.01])
    >>> result = pool(effects)
    >>> print(result.estimate)
    0.38 (−0.04 to 0.80)
    >>> leave_one_out = pool(effects, where=~np.eye(4, dtype=bool))
    >>> leave_one_out.estimate.value.round(2)
    array([0.48, 0.39, 0.37, 0.23])
    """
    if not isinstance(effects, EffectSizes):
        raise TypeError(
            f"`effects` must be EffectSizes, but got {type(effects).__name__}. "
            "Tables enter by effect_sizes(table, measure), published estimates by EffectSizes.from_estimates."
        )
    check_choice("model", model, _MODELS)
    check_choice("tau2", tau2, TAU2_METHODS)
    check_choice("ci", ci, _INTERVALS)
    level = check_confidence_level(confidence_level)

    y, v, inside, shape = _studies_first(effects, where)
    n_studies = inside.sum(axis=0)
    between = _between(y, v, inside, n_studies, model=model, method=tau2)
    weight = inside / (v + between.value)
    s1 = weight.sum(axis=0)
    mean = (weight * y).sum(axis=0) / s1
    df = n_studies - 1
    variance = 1 / s1
    if ci.startswith("hartung-knapp"):
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = (weight * (y - mean) ** 2).sum(axis=0) / df
        variance = variance * (np.maximum(factor, 1.0) if ci == "hartung-knapp-adhoc" else factor)
    std_error = np.sqrt(variance)
    normal = ci == "wald"
    critical = (
        np.full_like(mean, normal_quantile((1 + level) / 2)) if normal else t_quantile((1 + level) / 2, df)
    )
    q, typical = _heterogeneity(y, v, inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = mean / std_error
        i2 = _i_squared(model, q, df, between.value, typical)
        h2 = np.where(df > 0, q / df, 1.0) if model == "common" else 100 / (100 - i2)
    pvalue = two_sided_normal(statistic) if normal else two_sided_t(statistic, df)
    predictive = np.sqrt(between.value + variance)
    reach = t_quantile((1 + level) / 2, n_studies - 2) * predictive
    if model == "common":
        reach = np.full_like(reach, np.nan)

    def on_reporting_scale(half: FloatArray, method: str, se: FloatArray) -> Estimate:
        backward = scale_of(effects.scale).backward
        return Estimate(
            measure=effects.measure,
            value=backward(mean).reshape(shape),
            low=backward(mean - half).reshape(shape),
            high=backward(mean + half).reshape(shape),
            confidence_level=level,
            std_error=se.reshape(shape),
            scale=effects.scale,
            method=method,
            pvalue=pvalue.reshape(shape) if has_null and method == ci else None,
        )

    # A P-value is of the effect 0 on the analysis scale; a proportion has no such null.
    has_null = measure_of(effects.measure).null is not None
    return PooledEstimate(
        estimate=on_reporting_scale(critical * std_error, ci, std_error),
        prediction=on_reporting_scale(reach, "higgins-thompson-spiegelhalter", predictive),
        tau2=between.value.reshape(shape),
        tau2_std_error=between.std_error.reshape(shape),
        q=q.reshape(shape),
        df=df.reshape(shape),
        q_pvalue=np.where(df > 0, chi2_tail(q, np.maximum(df, 1)), np.nan).reshape(shape),
        i2=i2.reshape(shape),
        h2=h2.reshape(shape),
        weights=np.moveaxis((100 * weight / s1).reshape(weight.shape[0], *shape), 0, -1),
        n_studies=n_studies.reshape(shape),
        model=model,
        tau2_method=tau2 if model == "random" else "none",
        ci_method=ci,
    )


def _studies_first(
    effects: EffectSizes, where: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray, tuple[int, ...]]:
    """Return effect, variance and membership with shape (k, sets), and the shape of the leading axes."""
    effect, variance = np.atleast_1d(effects.effect), np.atleast_1d(effects.variance)
    if where is None:
        mask: BoolArray = np.ones(effect.shape, dtype=bool)
    else:
        mask = np.asarray(where)
        if mask.dtype != np.bool_:
            raise TypeError(f"`where` must be true/false, but got {mask.dtype}; for positions use a mask.")
        try:
            shape: tuple[int, ...] = np.broadcast_shapes(mask.shape, effect.shape)
        except ValueError:
            shape = (0,)
        if shape[-1] != effect.shape[-1]:
            raise ValueError(
                f"`where` must broadcast to the studies {effect.shape}, but has shape {mask.shape}."
            )
        mask = np.broadcast_to(mask, shape)
        effect, variance = np.broadcast_to(effect, shape), np.broadcast_to(variance, shape)
    fault = mask & ~(np.isfinite(effect) & (variance > 0) & (variance < np.inf))
    if fault.any():
        _refuse_study(effects, effect, variance, fault)
    if not mask.any(axis=-1).all():
        empty = np.argwhere(~mask.any(axis=-1))[0].tolist()
        raise ValueError(f"`where` must leave at least one study in every set, but leaves none in {empty}.")
    *leading, k = mask.shape
    inside = np.moveaxis(mask, -1, 0).reshape(k, -1)
    # What is outside of a set must not spoil its sums.
    y = np.where(inside, np.moveaxis(effect, -1, 0).reshape(k, -1), 0.0)
    v = np.where(inside, np.moveaxis(variance, -1, 0).reshape(k, -1), 1.0)
    return y, v, inside.astype(np.float64), tuple(leading)


def _refuse_study(
    effects: EffectSizes,
    effect: FloatArray,
    variance: FloatArray,
    fault: BoolArray,
) -> None:
    index = tuple(int(i) for i in np.argwhere(fault)[0])
    name = f" ({effects.label[index[-1]]})" if effects.label else ""
    raise ValueError(
        f"Every study that enters must have a finite effect and a variance greater than 0, but at index "
        f"{index[0] if len(index) == 1 else index}{name} they are {effect[index]:g} and {variance[index]:g} "
        f"({int(fault.sum())} in all). Leave such studies out with where=, or give effect_sizes a correction."
    )


def _between(
    y: FloatArray,
    v: FloatArray,
    inside: FloatArray,
    n_studies: FloatArray,
    *,
    model: str,
    method: str,
) -> Tau2:
    zero = Tau2(np.zeros_like(n_studies), np.full_like(n_studies, np.nan))
    several = n_studies > 1
    if model == "common" or not several.any():
        return zero
    if several.all():
        return estimate_tau2(y, v, inside, method=method)
    part = estimate_tau2(y[:, several], v[:, several], inside[:, several], method=method)
    zero.value[several], zero.std_error[several] = part
    return zero


def _heterogeneity(y: FloatArray, v: FloatArray, inside: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Cochran's Q and the typical sampling variance (k - 1)/tr(P)."""
    weight = inside / v
    s1 = weight.sum(axis=0)
    mean = (weight * y).sum(axis=0) / s1
    q = (weight * (y - mean) ** 2).sum(axis=0)
    trace = s1 - (weight**2).sum(axis=0) / s1
    with np.errstate(divide="ignore", invalid="ignore"):
        return q, (inside.sum(axis=0) - 1) / trace


def _i_squared(
    model: str,
    q: FloatArray,
    df: FloatArray,
    tau2: FloatArray,
    typical: FloatArray,
) -> FloatArray:
    if model == "common":
        return np.where(df > 0, 100 * np.maximum(0.0, (q - df) / np.where(q > 0, q, 1.0)), 0.0)
    return np.where(df > 0, 100 * tau2 / (tau2 + typical), 0.0)
