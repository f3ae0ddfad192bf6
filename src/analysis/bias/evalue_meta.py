"""E-values of a meta-analysis: how many true effects stay strong under bias, and what bias it would take.

The mean alone says little where effects vary. What is asked is the share of studies whose true effect is
meaningfully strong. E-values of one estimate live in `evalue`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.strength import equal_strengths
from analysis.bias.methods.strong_effects import (
    WithError,
    calibrated_effects,
    calibrated_share,
    calibrated_shift,
    normal_share,
    normal_shift,
)
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.values.arguments import as_numbers, as_positive, check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["MetaEValue", "meta_e_value", "strong_effects"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaEValue(Framed):
    """How robust a meta-analysis is to confounding of its studies.

    Parameters
    ----------
    threshold : float
        Ratio beyond which an effect is meaningfully strong.
    tail : str
        "above" or "below".
    bias_factor, bias_sd : ndarray
        Bias that `share` is computed under: its geometric mean and the standard deviation of its log.
    share, share_std_error, share_low, share_high : ndarray
        Share of true effects beyond the threshold under that bias.
    needed_share : float
        The share that bias is asked to bring it down to.
    needed_factor, needed_factor_std_error, needed_factor_low, needed_factor_high : ndarray
        The bias factor, the same in every study, that does it; 1 if none is needed. For "below" it is by how
        much bias must have lowered the ratios.
    e_value, e_value_low, e_value_high : ndarray
        The two equal strengths of a confounder with that bias factor.
    confidence_level : float
        In (0, 1).
    method : str
        "normal" or "calibrated".

    Notes
    -----
    Standard errors and limits are NaN for "calibrated", which has none of its own; where no bias is needed;
    and where tau2 (less the variance of the bias) is 0, at whose edge the delta method does not hold.
    """

    threshold: float
    tail: str
    bias_factor: FloatArray
    bias_sd: FloatArray
    share: FloatArray
    share_std_error: FloatArray
    share_low: FloatArray
    share_high: FloatArray
    needed_share: float
    needed_factor: FloatArray
    needed_factor_std_error: FloatArray
    needed_factor_low: FloatArray
    needed_factor_high: FloatArray
    e_value: FloatArray
    e_value_low: FloatArray
    e_value_high: FloatArray
    confidence_level: float
    method: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row a meta-analysis and quantity, at full precision."""
        import pandas as pd

        rows = []
        for name in ("share", "needed_factor", "e_value"):
            parts = [getattr(self, name + end) for end in ("", "_low", "_high")]
            for value, low, high in zip(*(np.asarray(part).ravel() for part in parts), strict=True):
                rows.append({"quantity": name, "value": value, "low": low, "high": high})
        frame = pd.DataFrame(rows)
        return frame.assign(threshold=self.threshold, tail=self.tail, method=self.method)

    def __str__(self) -> str:
        """Return the sentence of a paper, two lines each, at most ten of them."""
        lines = []
        rows = zip(
            self.share.flat, self.needed_factor.flat, self.e_value.flat, self.bias_factor.flat, strict=True
        )
        for number, (share, factor, strength, bias) in enumerate(rows):
            if number == 10:
                lines.append(f"... ({self.share.size} in all)")
                break
            lines.append(
                f"{short_number(share, percent=True)} of true effects are {self.tail} {self.threshold:g} "
                f"with bias of {bias:g},\n"
                f"at most {short_number(self.needed_share, percent=True)} with bias of "
                f"{short_number(factor)} (E-value {short_number(strength)})"
            )
        return "\n".join(lines)


def meta_e_value(
    pooled: PooledEstimate,
    *,
    threshold: float = 1.0,
    tail: str = "above",
    needed_share: float = 0.1,
    bias_factor: ArrayLike = 1.0,
    bias_sd: ArrayLike = 0.0,
    method: str = "normal",
    confidence_level: float = 0.95,
) -> MetaEValue:
    """Say what share of true effects is strong under a bias, and what bias leaves few of them.

    Parameters
    ----------
    pooled : PooledEstimate
        Random-effects meta-analysis of ratios (log scale). Odds and hazard ratios of common outcomes are to
        be converted to risk ratios first.
    threshold : float, default 1
        Ratio beyond which an effect is meaningfully strong.
    tail : {"above", "below"}, default "above"
        On which side of it.
    needed_share : float, default 0.1
        In (0, 1): the share of strong effects that bias is asked to leave at most.
    bias_factor : array_like, default 1
        What bias multiplied the ratios by (geometric mean over studies); below 1 where it lowered them.
    bias_sd : array_like, default 0
        Standard deviation of its logarithm over studies; its square must not exceed tau2. For "normal" alone.
    method : {"normal", "calibrated"}, default "normal"
        "normal": true effects are normal on the log scale. "calibrated": the studies' own effects, drawn in
        until their variance is tau2; better for few or skewed effects, without limits.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    MetaEValue
        Over the leading axes of `pooled`, broadcast with the bias.

    Raises
    ------
    TypeError
        If `pooled` is no PooledEstimate.
    ValueError
        If an argument is out of range, the effects are not on the log scale, or the bias varies more than
        the effects.

    Notes
    -----
    With threshold q and bias μ (logs): share = 1 - Φ((q + μ - mean)/√(tau2 - sd²)), and the needed factor
    exp(Φ⁻¹(1 - r) √(tau2 - sd²) + mean - q); delta-method standard errors, mean and tau2 independent. The
    tail "below" is its mirror image.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for unmeasured confounding in meta-analyses. J Am
    Stat Assoc 115:163-172. DOI 10.1080/01621459.2018.1529598

    Mathur MB, VanderWeele TJ (2020). Robust metrics and sensitivity analyses for meta-analyses of
    heterogeneous effects. Epidemiology 31:356-358. DOI 10.1097/EDE.0000000000001180

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> studies = EffectSizes(
    ...     effect=[0.186, 0.493, 0.064, 0.375, 0.409, 0.711], variance=[0.04, 0.03, 0.08, 0.14, 0.04, 0.12],
    ...     measure="RR",
    ... )
    >>> result = meta_e_value(pool(studies, tau2=0.05), threshold=1.1, bias_factor=1.2)
    >>> print(result)
    64.8% of true effects are above 1.1 with bias of 1.2,
    at most 10.0% with bias of 1.74 (E-value 2.87)
    """
    if not isinstance(pooled, PooledEstimate):
        raise TypeError(f"`pooled` must be what `pool` returns, but got {type(pooled).__name__}.")
    if pooled.effects.scale != "log":
        raise ValueError(
            f"`pooled` must be of ratios (log scale), but its measure is {pooled.effects.measure!r}. Bias "
            "factors multiply ratios; convert the effects to risk ratios first."
        )
    check_choice("method", method, ("normal", "calibrated"))
    if method == "normal":
        tau2_error = np.zeros(np.shape(pooled.tau2))
        if pooled.tau2_method not in {"none", "given"}:
            tau2_error = np.asarray(pooled.tau2_std_error)
        return strong_effects(
            pooled.mean,
            pooled.std_error,
            pooled.tau2,
            tau2_error,
            threshold=threshold,
            tail=tail,
            needed_share=needed_share,
            bias_factor=bias_factor,
            bias_sd=bias_sd,
            confidence_level=confidence_level,
        )
    level = check_confidence_level(confidence_level)
    sign, goal, bias, spread = _checked(threshold, tail, needed_share, bias_factor, bias_sd)
    if spread.any():
        raise ValueError("`bias_sd` must be 0 for method 'calibrated', which takes one bias for all studies.")
    mean, tau2 = np.asarray(pooled.mean), np.asarray(pooled.tau2)
    effects = sign * calibrated_effects(pooled.effects.effect, pooled.effects.variance, mean, tau2)
    used = np.ones(effects.shape[-1], dtype=bool) if pooled.where is None else np.asarray(pooled.where)
    share = calibrated_share(effects, used, goal + bias)
    shift = calibrated_shift(effects, used, np.asarray(goal), np.asarray(needed_share))
    unknown = np.full(share.shape, np.nan)
    return _result(
        WithError(share, unknown),
        WithError(np.broadcast_to(shift, share.shape), unknown),
        (float(threshold), tail, float(needed_share), sign * bias, spread, level, method),
    )


def strong_effects(
    mean: ArrayLike,
    std_error: ArrayLike,
    tau2: ArrayLike,
    tau2_std_error: ArrayLike,
    *,
    threshold: float = 1.0,
    tail: str = "above",
    needed_share: float = 0.1,
    bias_factor: ArrayLike = 1.0,
    bias_sd: ArrayLike = 0.0,
    confidence_level: float = 0.95,
) -> MetaEValue:
    """Do as `meta_e_value` from a published mean and tau2.

    Parameters
    ----------
    mean, std_error : array_like
        Mean log ratio and its standard error.
    tau2, tau2_std_error : array_like
        Between-study variance of log ratios and its standard error (0 if taken as known).
    threshold, tail, needed_share, bias_factor, bias_sd, confidence_level
        As for `meta_e_value`.

    Returns
    -------
    MetaEValue
        Method "normal".

    Raises
    ------
    ValueError
        As for `meta_e_value`, and if a standard error or tau2 is negative.
    """
    level = check_confidence_level(confidence_level)
    sign, goal, bias, spread = _checked(threshold, tail, needed_share, bias_factor, bias_sd)
    centre = WithError(sign * as_numbers("mean", mean), _not_negative("std_error", std_error))
    between = WithError(_not_negative("tau2", tau2), _not_negative("tau2_std_error", tau2_std_error))
    if (spread**2 > between.value).any():
        raise ValueError(
            "`bias_sd` squared must not exceed tau2: bias cannot vary more than the effects that contain it."
        )
    share = normal_share(centre, between, threshold=np.asarray(goal), bias=bias, bias_sd=spread)
    shift = normal_shift(
        centre, between, threshold=np.asarray(goal), bias_sd=spread, share=np.asarray(needed_share)
    )
    shape = np.broadcast_shapes(share.value.shape, shift.value.shape)
    return _result(
        WithError(*(np.broadcast_to(part, shape) for part in share)),
        WithError(*(np.broadcast_to(part, shape) for part in shift)),
        (float(threshold), tail, float(needed_share), sign * bias, spread, level, "normal"),
    )


def _checked(
    threshold: float, tail: str, needed_share: float, bias_factor: ArrayLike, bias_sd: ArrayLike
) -> tuple[float, float, FloatArray, FloatArray]:
    """Return the sign that turns strong effects upwards, and threshold, bias and its spread so turned."""
    check_choice("tail", tail, ("above", "below"))
    limit = as_positive("threshold", threshold)
    if limit.ndim:
        raise TypeError(f"`threshold` must be one number, but got shape {limit.shape}.")
    if np.ndim(needed_share) or not 0 < needed_share < 1:
        raise ValueError(f"`needed_share` must be one number between 0 and 1, but got {needed_share!r}.")
    sign = 1.0 if tail == "above" else -1.0
    bias = sign * np.log(as_positive("bias_factor", bias_factor))
    return sign, sign * float(np.log(limit)), np.asarray(bias), _not_negative("bias_sd", bias_sd)


def _not_negative(name: str, values: ArrayLike) -> FloatArray:
    array = as_numbers(name, values)
    fault = ~((array >= 0) & (array < np.inf))
    if fault.any():
        index = tuple(int(i) for i in np.argwhere(fault)[0])
        raise ValueError(
            f"`{name}` must be a number of at least 0, but got {array[index]:g}"
            f"{f' at index {index}' if index else ''}."
        )
    return array


def _result(
    share: WithError,
    shift: WithError,
    settings: tuple[float, str, float, FloatArray, FloatArray, float, str],
) -> MetaEValue:
    threshold, tail, needed_share, bias, spread, level, method = settings
    z = normal_quantile((1 + level) / 2)
    factor = np.exp(shift.value)
    # The delta method on the scale of the factor itself, as it was published.
    factor_error = factor * shift.std_error
    low, high = np.maximum(factor - z * factor_error, 1.0), factor + z * factor_error
    strength = equal_strengths(factor)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 1 + (2 * factor - 1) / (2 * np.sqrt(factor**2 - factor))
        strength_error = factor_error * slope
    return MetaEValue(
        threshold=threshold,
        tail=tail,
        bias_factor=np.broadcast_to(np.exp(bias), share.value.shape),
        bias_sd=spread,
        share=share.value,
        share_std_error=share.std_error,
        share_low=np.maximum(share.value - z * share.std_error, 0.0),
        share_high=np.minimum(share.value + z * share.std_error, 1.0),
        needed_share=needed_share,
        needed_factor=factor,
        needed_factor_std_error=factor_error,
        needed_factor_low=low,
        needed_factor_high=high,
        e_value=strength,
        e_value_low=np.maximum(strength - z * strength_error, 1.0),
        e_value_high=strength + z * strength_error,
        confidence_level=level,
        method=method,
    )
