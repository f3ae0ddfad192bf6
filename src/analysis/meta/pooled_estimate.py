"""What pooling finds. Everything that is not needed to find it is computed when it is first read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from analysis.meta.methods.sets_of_studies import SetsOfStudies
from analysis.meta.methods.tau2_moments import cochran_q
from analysis.meta.methods.tau2_std_error import tau2_std_error
from analysis.values.arguments import read_only
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
from analysis.values.text import round_half_up, short_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from analysis.meta.methods.weighted_model import Studies
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["PooledEstimate"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PooledEstimate(Framed):
    """What a meta-analysis finds, over the leading axes of its input.

    Parameters
    ----------
    effects : EffectSizes
        What was pooled.
    where : ndarray of bool or None
        Studies that entered; None for all.
    user_weights : ndarray or None
        Weights that were given.
    mean, std_error : ndarray
        The mean effect and its standard error on the analysis scale.
    tau2 : ndarray
        Between-study variance on the analysis scale; 0 for the common-effect model.
    mean_df : ndarray or float
        Degrees of freedom of the interval's t distribution; infinity for a normal one.
    mean_low, mean_high : ndarray or None
        Limits on the analysis scale for intervals that are not `mean` plus or minus a quantile times
        `std_error`.
    confidence_level : float
        In (0, 1).
    model, tau2_method, ci_method : str
        What was asked for; `tau2_method` is "none" for the common-effect model and "given" for a number.

    Attributes
    ----------
    estimate : Estimate
        The mean effect on the reporting scale, with its P-value of no effect.
    prediction : Estimate
        The effect that a further study is expected to have: `value` as in `estimate`, limits of the
        prediction interval (NaN for the common-effect model and for fewer than three studies). Other forms:
        `prediction_interval`.
    tau2_std_error : ndarray
        Of tau2, by the asymptotic formula of its estimator.
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
    """

    effects: EffectSizes
    where: BoolArray | None
    user_weights: FloatArray | None
    mean: FloatArray
    std_error: FloatArray
    tau2: FloatArray
    mean_df: FloatArray | float
    mean_low: FloatArray | None
    mean_high: FloatArray | None
    confidence_level: float
    model: str
    tau2_method: str
    ci_method: str

    def __post_init__(self) -> None:
        for name in ("mean", "std_error", "tau2"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of meta-analyses; () for one."""
        return self.mean.shape

    @property
    def tau(self) -> FloatArray:
        """Between-study standard deviation on the analysis scale."""
        return np.sqrt(self.tau2)

    @cached_property
    def sets(self) -> SetsOfStudies:
        """The sets of studies that were pooled."""
        return SetsOfStudies(self.effects, self.where)

    def blocks(self) -> Iterator[tuple[slice, Studies]]:
        """Yield the sets that were pooled in blocks."""
        return self.sets.blocks()

    @cached_property
    def n_studies(self) -> FloatArray:
        """Studies that entered."""
        return read_only(self.sets.counts().reshape(self.shape))

    @cached_property
    def df(self) -> FloatArray:
        """Degrees of freedom of Q."""
        return read_only(self.n_studies - 1)

    @cached_property
    def estimate(self) -> Estimate:
        """The mean effect on the reporting scale."""
        half = self._quantile(self.mean_df) * self.std_error
        # A P-value is of the effect 0 on the analysis scale; a proportion has no such null.
        pvalue = None
        if measure_of(self.effects.measure).null is not None and self.mean_low is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                statistic = self.mean / self.std_error
            normal = isinstance(self.mean_df, float) and math.isinf(self.mean_df)
            pvalue = two_sided_normal(statistic) if normal else two_sided_t(statistic, self.mean_df)
        low = self.mean - half if self.mean_low is None else self.mean_low
        high = self.mean + half if self.mean_high is None else self.mean_high
        return self._reported(low, high, self.ci_method, self.std_error, pvalue)

    @cached_property
    def prediction(self) -> Estimate:
        """Higgins, Thompson and Spiegelhalter's prediction interval."""
        std_error = np.sqrt(self.tau2 + self.std_error**2)
        if self.model == "common":
            half = np.full(self.shape, np.nan)
        else:
            df = float(self.sets.k - 2) if self.where is None else self.n_studies - 2
            half = self._quantile(df) * std_error
        return self._reported(
            self.mean - half, self.mean + half, "higgins-thompson-spiegelhalter", std_error, None
        )

    @cached_property
    def tau2_std_error(self) -> FloatArray:
        """Standard error of tau2."""
        if self.model == "common" or self.tau2_method == "given":
            return read_only(np.full(self.shape, np.nan))
        result = np.empty(self.tau2.size)
        tau2 = self.tau2.ravel()
        for block, studies in self.sets.blocks():
            user = self.sets.rows(self.user_weights, block)
            if studies.complete and self.sets.k > 1:
                result[block] = tau2_std_error(self.tau2_method, studies, tau2[block], user)
                continue
            several = studies.inside.sum(axis=0) > 1
            part = np.full(several.size, np.nan)
            if several.any():
                if user is not None:
                    user = np.broadcast_to(user, studies.effect.shape)[:, several]
                part[several] = tau2_std_error(
                    self.tau2_method, studies.take(several), tau2[block][several], user
                )
            result[block] = part
        return read_only(result.reshape(self.shape))

    @cached_property
    def _q_and_typical(self) -> tuple[FloatArray, FloatArray]:
        """Cochran's Q and the typical sampling variance (k - 1)/tr(P)."""
        q, typical = np.empty(self.mean.size), np.empty(self.mean.size)
        for block, studies in self.sets.blocks():
            q[block], slope = cochran_q(studies)
            with np.errstate(divide="ignore", invalid="ignore"):
                typical[block] = studies.residual_df() / slope
        return read_only(q.reshape(self.shape)), read_only(typical.reshape(self.shape))

    @property
    def q(self) -> FloatArray:
        """Cochran's Q."""
        return self._q_and_typical[0]

    @property
    def typical_variance(self) -> FloatArray:
        """Typical sampling variance, by which tau2 is turned into I2."""
        return self._q_and_typical[1]

    @cached_property
    def q_pvalue(self) -> FloatArray:
        """P-value of Q."""
        tail = chi2_tail(self.q, np.maximum(self.df, 1))
        return read_only(np.where(self.df > 0, tail, np.nan))

    @cached_property
    def i2(self) -> FloatArray:
        """I2 in percent."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.model == "common":
                share = 100 * np.maximum(0.0, (self.q - self.df) / np.where(self.q > 0, self.q, 1.0))
            else:
                share = 100 * self.tau2 / (self.tau2 + self.typical_variance)
        return read_only(np.where(self.df > 0, share, 0.0))

    @cached_property
    def h2(self) -> FloatArray:
        """H2."""
        if self.model == "common":
            return read_only(np.where(self.df > 0, self.q / np.maximum(self.df, 1), 1.0))
        return read_only(100 / (100 - self.i2))

    @cached_property
    def weights(self) -> FloatArray:
        """Weights in percent."""
        if self.user_weights is None:
            weight = 1 / (self.effects.variance + self.tau2[..., np.newaxis])
        else:
            weight = np.broadcast_to(self.user_weights, (*self.shape, self.effects.effect.shape[-1])).copy()
        if self.where is not None:
            weight = np.where(self.where, weight, 0.0)
        weight = np.atleast_1d(weight)
        return read_only(100 * weight / weight.sum(axis=-1, keepdims=True))

    def _quantile(self, df: FloatArray | float) -> FloatArray:
        probability = (1 + self.confidence_level) / 2
        if isinstance(df, float):
            return _one_quantile(probability, df)
        degrees = np.asarray(df, dtype=np.float64)
        if degrees.size < 100:
            return t_quantile(probability, degrees)
        # Few different numbers of studies in many sets.
        distinct, which = np.unique(degrees, return_inverse=True)
        return t_quantile(probability, distinct)[which].reshape(degrees.shape)

    def _reported(
        self, low: FloatArray, high: FloatArray, method: str, std_error: FloatArray, pvalue: FloatArray | None
    ) -> Estimate:
        backward = scale_of(self.effects.scale).backward
        return Estimate(
            measure=self.effects.measure,
            value=backward(self.mean),
            low=backward(low),
            high=backward(high),
            confidence_level=self.confidence_level,
            std_error=std_error,
            scale=self.effects.scale,
            method=method,
            pvalue=pvalue,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        frame = self.estimate.to_frame()
        frame["prediction_low"] = self.prediction.low.ravel()
        frame["prediction_high"] = self.prediction.high.ravel()
        for name in ("tau2", "tau2_std_error", "q", "df", "q_pvalue", "i2", "h2", "n_studies"):
            frame[name] = getattr(self, name).ravel()
        return frame.assign(model=self.model, tau2_method=self.tau2_method, ci_method=self.ci_method)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives their estimates only.

        Intervals of tau2 and I2 are by Q-profile; that of the common-effect model's I2 is test-based.
        """
        if self.tau2.size != 1:
            return str(self.estimate)
        text = str(self.estimate)
        if self.estimate.pvalue is not None and np.isfinite(self.estimate.pvalue).all():
            text += f", {_pvalue_text(self.estimate.pvalue.item())}"
        if np.isfinite(self.prediction.low).all():
            limits = str(self.prediction).split(" (", 1)[1].rstrip(")")
            text += f"; {100 * self.confidence_level:g}% prediction interval {limits}"
        count = self.n_studies.item()
        heterogeneity = f"; {self._heterogeneity_text()}" if count > 1 else ""
        return f"{text}{heterogeneity}; {count:.0f} {'study' if count == 1 else 'studies'}"

    def _heterogeneity_text(self) -> str:
        from analysis.meta.heterogeneity_interval import tau2_interval

        common = self.model == "common"
        found = tau2_interval(self, method="test-based" if common else "q-profile")
        i2 = f"I² = {self.i2.item():.0f}%"
        # Two studies have no test-based interval.
        if np.isfinite(found.i2_low).all():
            i2 += f" ({found.i2_low.item():.0f}% to {found.i2_high.item():.0f}%)"
        q = f"Q = {self.q.item():.1f} (df = {self.df.item():.0f}, {_pvalue_text(self.q_pvalue.item())})"
        if common:
            return f"{i2}, {q}"
        tau2, low, high = (_significant(part.item()) for part in (self.tau2, found.tau2_low, found.tau2_high))
        return f"τ² = {tau2} ({low} to {high}), {i2}, {q}"


@lru_cache(maxsize=256)
def _one_quantile(probability: float, df: float) -> FloatArray:
    """Return the t quantile, or the normal one for infinite degrees of freedom."""
    return read_only(normal_quantile(probability) if math.isinf(df) else t_quantile(probability, df))


def _pvalue_text(pvalue: float) -> str:
    """Return "P = 0.002"; what is below 0.05 is not rounded up to it."""
    if not 0.001 <= pvalue <= 0.99:
        return "P < 0.001" if pvalue < 0.001 else "P > 0.99"
    digits = 3 if pvalue < 0.01 else 2
    while pvalue < 0.05 <= float(round_half_up(pvalue, digits)) and digits < 5:
        digits += 1
    return f"P = {round_half_up(pvalue, digits)}"


def _significant(value: float) -> str:
    """Return three significant digits."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else short_number(value)
    if value < 1e-5:
        return "< 0.00001"
    return round_half_up(value, max(0, 2 - math.floor(math.log10(value))))
