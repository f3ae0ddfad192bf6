"""Publication bias in favour of affirmative results, as a sensitivity analysis over its strength.

Affirmative studies (significant in the favoured direction) are taken to be published `selection_ratio` times
as readily as the others; what that ratio is cannot be seen in the data. Models that estimate selection live
in `selection_models` and `copas`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.selection_by_ratio import critical_value, ratio_at_limit, weighted_mean
from analysis.meta.pooling import pool
from analysis.values.arguments import (
    as_numbers,
    as_positive,
    broadcast,
    check_choice,
    check_confidence_level,
    read_only,
)
from analysis.values.distributions import normal_quantile, two_sided_normal, two_sided_t
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = [
    "AffirmativeEstimate",
    "SValue",
    "affirmative_meta_analysis",
    "s_value",
    "worst_case_meta_analysis",
]

_ALTERNATIVES = ("greater", "less")
_MODELS = ("robust", "common")
# Beyond it rounding decides.
_MOST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffirmativeEstimate(Framed):
    """The mean effect if affirmative studies were so many times as likely to be published.

    Parameters
    ----------
    estimate : Estimate
        Corrected mean on the reporting scale, over the leading axes.
    selection_ratio : ndarray
        The assumed ratio; infinite for the worst case, where only non-affirmative studies count.
    tau2 : ndarray
        Between-study variance that entered the weights; 0 for the common-effect model.
    df : ndarray
        Degrees of freedom of the interval's t distribution; infinite for a normal one.
    n_affirmative, n_nonaffirmative : ndarray
        Studies of either kind.
    model : str
        "robust" or "common".
    """

    estimate: Estimate
    selection_ratio: FloatArray
    tau2: FloatArray
    df: FloatArray
    n_affirmative: FloatArray
    n_nonaffirmative: FloatArray
    model: str

    def __post_init__(self) -> None:
        for name in ("selection_ratio", "tau2", "df", "n_affirmative", "n_nonaffirmative"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimate, in C order, at full precision."""
        frame = self.estimate.to_frame()
        for name in ("selection_ratio", "tau2", "df", "n_affirmative", "n_nonaffirmative"):
            frame[name] = getattr(self, name).ravel()
        return frame.assign(model=self.model)

    def __str__(self) -> str:
        """Return what a paper prints; an array gives its estimates only."""
        if self.selection_ratio.size != 1:
            return str(self.estimate)
        ratio, others = self.selection_ratio.item(), f"{self.n_nonaffirmative.item():.0f} non-affirmative"
        if np.isinf(ratio):
            return f"{self.estimate}, worst case: the {others} studies alone"
        return (
            f"{self.estimate} if affirmative results are {ratio:g} times as likely to be published "
            f"({self.n_affirmative.item():.0f} affirmative, {others} studies)"
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SValue(Framed):
    """How strong selection must be to move a meta-analysis to a target.

    Parameters
    ----------
    estimate, limit : ndarray
        The selection ratio that moves the mean, and the nearer limit of its interval, to the target.
        Infinite: no ratio does (for the limit: none up to a million). A limit that is at or beyond the target
        already has 1.
    target : ndarray
        On the analysis scale.
    confidence_level : float
        Of the interval.
    """

    estimate: FloatArray
    limit: FloatArray
    target: FloatArray
    confidence_level: float

    def __post_init__(self) -> None:
        for name in ("estimate", "limit", "target"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        import pandas as pd

        columns = {name: getattr(self, name).ravel() for name in ("estimate", "limit", "target")}
        return pd.DataFrame(columns | {"confidence_level": self.confidence_level})

    def __str__(self) -> str:
        """Return what a paper prints, one line each."""
        level = f"{100 * self.confidence_level:g}%"
        rows = zip(self.estimate.flat, self.limit.flat, strict=True)
        return "\n".join(f"S-value {_ratio(a)} (limit of the {level} interval: {_ratio(b)})" for a, b in rows)


def _ratio(value: float) -> str:
    return "not possible" if np.isinf(value) else f"{value:.3g}"


def affirmative_meta_analysis(
    effects: EffectSizes,
    selection_ratio: ArrayLike,
    *,
    alternative: str = "greater",
    model: str = "robust",
    tau2: float | None = None,
    significance: float = 0.05,
    small_sample: bool = True,
    confidence_level: float = 0.95,
) -> AffirmativeEstimate:
    """Correct a meta-analysis for selection of affirmative results by a given ratio.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k) with at least two studies; leading axes are replicates.
    selection_ratio : array_like
        How many times as likely an affirmative study is to be published, greater than 0, of a shape that
        broadcasts with the leading axes (1: no selection).
    alternative : {"greater", "less"}, default "greater"
        The favoured direction.
    model : {"robust", "common"}, default "robust"
        "robust" weights by 1/(v + tau2) and takes its standard error from the residuals, so that effects need
        not be normal; "common" weights by 1/v.
    tau2 : float, optional
        Between-study variance in the weights of the robust model; default the REML estimate from all studies
        without correction.
    significance : float, default 0.05
        A study is affirmative if its two-sided P is below this and its effect in the favoured direction.
    small_sample : bool, default True
        Robust: bias-reduced (CR2) standard error with Satterthwaite degrees of freedom, otherwise the factor
        k/(k - 1) and k - 1 degrees of freedom. Common: t on k - 1 degrees of freedom, otherwise normal.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    AffirmativeEstimate

    Raises
    ------
    TypeError
        If `effects` is not `EffectSizes`.
    ValueError
        If there are fewer than two studies, an effect is not finite, a variance not greater than 0, or an
        option is out of its range.

    Notes
    -----
    Weights w = λ/(v + tau2) with λ = 1 for affirmative and the ratio for other studies; mean Σwy/Σw. With
    h = w/Σw, CR2 multiplies residual i squared by v_i/(v_i(1 - 2h_i) + Σh²v), which makes the variance
    unbiased if the sampling variances were all there is. The degrees of freedom follow the authors' software,
    which takes equal variances there.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for publication bias in meta-analyses. J R Stat
    Soc C 69:1091-1119. DOI 10.1111/rssc.12440

    Tipton E (2015). Small sample adjustments for robust variance estimation with meta-regression. Psychol
    Methods 20:375-393. DOI 10.1037/met0000011 (Citation not verified.)

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> print(affirmative_meta_analysis(effects, 4))
    0.32 (−0.00 to 0.64) if affirmative results are 4 times as likely to be published
    (2 affirmative, 3 non-affirmative studies)
    """
    level = _check(effects, alternative, model, significance, confidence_level)
    ratio = as_positive("selection_ratio", selection_ratio)
    if (ratio > _MOST).any():
        raise ValueError(
            f"`selection_ratio` must be at most {_MOST:g}, but got {ratio.max():g}. "
            "worst_case_meta_analysis gives what no ratio can exceed."
        )
    between = _between(effects, model, tau2)
    affirmative = _affirmative(effects, alternative, significance)
    weight = np.where(affirmative, 1.0, ratio[..., None]) / (effects.variance + between[..., None])
    return _result(effects, affirmative, weight, ratio, between, model, level, small_sample=small_sample)


def worst_case_meta_analysis(
    effects: EffectSizes,
    *,
    alternative: str = "greater",
    model: str = "robust",
    significance: float = 0.05,
    small_sample: bool = True,
    confidence_level: float = 0.95,
) -> AffirmativeEstimate:
    """Pool the non-affirmative studies alone: what selection of affirmative results can do at the most.

    Parameters
    ----------
    effects : EffectSizes
        Shape (k,), one meta-analysis, with at least two studies that are not affirmative.
    alternative, model, significance, small_sample, confidence_level
        As for `affirmative_meta_analysis`; tau2 is estimated from the studies that are pooled.

    Returns
    -------
    AffirmativeEstimate
        With an infinite `selection_ratio`.

    Raises
    ------
    TypeError, ValueError
        As `affirmative_meta_analysis`; and if fewer than two studies are not affirmative.

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> print(worst_case_meta_analysis(effects, model="common"))
    0.23 (−0.23 to 0.70), worst case: the 3 non-affirmative studies alone
    """
    level = _check(effects, alternative, model, significance, confidence_level)
    if effects.effect.ndim != 1:
        raise ValueError(f"`effects` must be one meta-analysis of shape (k,), but has shape {effects.shape}.")
    affirmative = _affirmative(effects, alternative, significance)
    others = EffectSizes(
        effect=effects.effect[~affirmative] if not affirmative.all() else np.nan,
        variance=effects.variance[~affirmative] if not affirmative.all() else np.nan,
        measure=effects.measure,
    )
    if others.shape in {(), (1,)}:
        raise ValueError(
            "`effects` must hold at least two studies that are not affirmative, but "
            f"{int(affirmative.sum())} of {affirmative.size} are affirmative. "
            "The worst case has nothing to rest on."
        )
    between = _between(others, model, None)
    weight = 1 / (others.variance + between[..., None])
    return _result(
        others, affirmative, weight, np.asarray(np.inf), between, model, level, small_sample=small_sample
    )


def s_value(
    effects: EffectSizes,
    *,
    target: ArrayLike = 0.0,
    alternative: str = "greater",
    model: str = "robust",
    tau2: float | None = None,
    significance: float = 0.05,
    small_sample: bool = True,
    confidence_level: float = 0.95,
) -> SValue:
    """Find the selection ratio that would move the mean, and its interval, to a target.

    Parameters
    ----------
    effects : EffectSizes
        Shape (..., k) with at least two studies.
    target : array_like, default 0
        Effect on the analysis scale (a log risk ratio) on the null side of the uncorrected mean, of a shape
        that broadcasts with the leading axes.
    alternative, model, tau2, significance, small_sample, confidence_level
        As for `affirmative_meta_analysis`.

    Returns
    -------
    SValue

    Raises
    ------
    TypeError, ValueError
        As `affirmative_meta_analysis`; and if the uncorrected mean is not beyond the target.

    Notes
    -----
    With sums over affirmative (a) and other (n) studies of w = 1/(v + tau2), the mean is linear over linear
    in the ratio, so that the S-value of the estimate is (q Σ_a w - Σ_a wy)/(Σ_n wy - q Σ_n w), infinite if
    not positive. That of the limit is the first crossing over ratios from 1 to a million.

    Examples
    --------
    >>> effects = EffectSizes(effect=[0.10, 0.30, 0.35, 0.65, 0.60], variance=[0.03, 0.03, 0.05, 0.01, 0.02])
    >>> print(s_value(effects, model="common"))
    S-value not possible (limit of the 95% interval: 17)
    """
    level = _check(effects, alternative, model, significance, confidence_level)
    sign = 1.0 if alternative == "greater" else -1.0
    between = _between(effects, model, tau2)
    affirmative = _affirmative(effects, alternative, significance)
    target_ = as_numbers("target", target)
    q, between = broadcast(target=sign * target_, tau2=between)
    y, v = sign * effects.effect, effects.variance
    w = 1 / (v + between[..., None])
    gap = w * (y - q[..., None])
    pull, push = (gap * affirmative).sum(axis=-1), -(gap * ~affirmative).sum(axis=-1)
    fault = ~(pull - push > 0)
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        mean = sign * ((w * y).sum(axis=-1) / w.sum(axis=-1))[index]
        raise ValueError(
            f"`target` must lie between the null and the uncorrected mean, but got {sign * q[index]:g}"
            f"{f' at index {index}' if index else ''} for a mean of {mean:g} with "
            f"alternative={alternative!r}."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        of_estimate = np.where((pull > 0) & (push > 0), pull / push, np.inf)

    wide = (*q.shape, y.shape[-1])
    flat = [np.broadcast_to(a, wide).reshape(-1, wide[-1]).astype(np.float64) for a in (y, v, w, affirmative)]
    of_limit = ratio_at_limit(
        flat[0], flat[1], flat[2], flat[3], q.ravel(), model, level, small_sample=small_sample
    )
    return SValue(
        estimate=of_estimate,
        limit=of_limit.reshape(q.shape),
        target=np.broadcast_to(target_, q.shape),
        confidence_level=level,
    )


def _check(
    effects: EffectSizes, alternative: str, model: str, significance: float, confidence_level: float
) -> float:
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    check_choice("alternative", alternative, _ALTERNATIVES)
    check_choice("model", model, _MODELS)
    if not 0 < significance < 1:
        raise ValueError(f"`significance` must be between 0 and 1, but got {significance!r}.")
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
    return check_confidence_level(confidence_level)


def _affirmative(effects: EffectSizes, alternative: str, significance: float) -> BoolArray:
    sign = 1.0 if alternative == "greater" else -1.0
    chosen: BoolArray = sign * effects.effect > -normal_quantile(significance / 2) * effects.std_error
    return chosen


def _between(effects: EffectSizes, model: str, tau2: float | None) -> FloatArray:
    if model == "common":
        if tau2 is not None:
            raise ValueError("`tau2` has no place in the common-effect model. Use model='robust'.")
        return np.zeros(effects.shape[:-1])
    if tau2 is None:
        return pool(effects, tau2="REML", ci="wald").tau2
    if not 0 <= tau2 < np.inf:
        raise ValueError(f"`tau2` must be a finite number of at least 0, but got {tau2!r}.")
    return np.full(effects.shape[:-1], float(tau2))


def _result(
    effects: EffectSizes,
    affirmative: BoolArray,
    weight: FloatArray,
    ratio: FloatArray,
    between: FloatArray,
    model: str,
    level: float,
    *,
    small_sample: bool,
) -> AffirmativeEstimate:
    mean, std_error, df = weighted_mean(
        effects.effect, effects.variance, weight, model, small_sample=small_sample
    )
    half = critical_value(level, df) * std_error
    backward = scale_of(effects.scale).backward
    pvalue = None
    if measure_of(effects.measure).null is not None:
        # All-equal effects have a residual variance of 0: P is then 0, or 1 at the null itself.
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(mean == 0, 0.0, mean / std_error)
        finite = np.isfinite(df)
        pvalue = np.where(finite, two_sided_t(z, np.where(finite, df, 1.0)), two_sided_normal(z))
    count = affirmative.sum(axis=-1)
    return AffirmativeEstimate(
        estimate=Estimate(
            measure=effects.measure,
            value=backward(mean),
            low=backward(mean - half),
            high=backward(mean + half),
            confidence_level=level,
            std_error=std_error,
            scale=effects.scale,
            method=f"affirmative-{model}",
            pvalue=pvalue,
        ),
        selection_ratio=np.broadcast_to(ratio, mean.shape),
        tau2=np.broadcast_to(between, mean.shape),
        df=df,
        n_affirmative=np.broadcast_to(count, mean.shape),
        n_nonaffirmative=np.broadcast_to(affirmative.shape[-1] - count, mean.shape),
        model=model,
    )
