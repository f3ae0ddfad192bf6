"""What a meta-regression finds; what is not needed to find it is computed when it is first read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from analysis.meta.methods.regression_design import INTERCEPT, Design
from analysis.meta.methods.tau2_likelihood import log_likelihood
from analysis.meta.methods.weighted_model import fit, trace_with
from analysis.values.arguments import as_numbers, read_only
from analysis.values.distributions import (
    chi2_tail,
    normal_quantile,
    t_quantile,
    two_sided_normal,
    two_sided_t,
)
from analysis.values.estimate import EffectSizes, Estimate
from analysis.values.framed import Framed
from analysis.values.scale import scale_of
from analysis.values.text import decimals_for, short_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.meta.methods.sets_of_studies import SetsOfStudies
    from analysis.meta.methods.weighted_model import Studies
    from analysis.values.arrays import FloatArray

__all__ = ["MetaRegression", "ModeratorTest", "RegressionPrediction"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeratorTest:
    """A Wald test that some coefficients are 0: chi-square over its degrees of freedom, or F.

    Parameters
    ----------
    statistic : ndarray
        Chi-square for a normal interval, F for a t interval.
    df : int
        Coefficients tested.
    denominator_df : ndarray
        k - p; infinity for the chi-square test.
    pvalue : ndarray
        Upper tail.
    """

    statistic: FloatArray
    df: int
    denominator_df: FloatArray
    pvalue: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegressionPrediction:
    """Mean effects at given moderators, with confidence and prediction intervals.

    Parameters
    ----------
    mean : Estimate
        On the reporting scale, of shape (..., n).
    further : Estimate
        The effect of a further study with these moderators; NaN limits for the common-effect model.
    """

    mean: Estimate
    further: Estimate


@dataclass(frozen=True, kw_only=True, eq=False)
class MetaRegression(Framed):
    """Coefficients of a meta-regression, over the leading axes of its input.

    Parameters
    ----------
    names : tuple of str
        Of the p coefficients.
    coefficients : ndarray, shape (..., p)
        On the analysis scale: the change of the effect (of its log, for a ratio) by one unit.
    covariance : ndarray, shape (..., p, p)
        Of the coefficients.
    tau2 : ndarray
        Between-study variance that the moderators leave.
    tau2_without : ndarray
        Between-study variance without moderators, by the same estimator.
    qe : ndarray
        Weighted sum of squared residuals with weights 1/v.
    n_studies : ndarray
        Studies that entered.
    confidence_level : float
        In (0, 1).
    model, tau2_method, ci_method : str
        What was asked for.
    effects, columns, sets, design
        What was fitted.

    Attributes
    ----------
    std_error, low, high, pvalue : ndarray, shape (..., p)
        Of the coefficients, on the analysis scale.
    moderator_test : ModeratorTest
        QM: all coefficients but the intercept.
    df : ndarray
        k - p, of QE.
    qe_pvalue, i2, h2 : ndarray
        Of the heterogeneity that is left; I2 in percent.
    r2 : ndarray
        Share of tau2 that the moderators explain, in percent, not below 0; NaN where there was none.
    vif : ndarray, shape (..., p)
        Variance inflation factors; NaN for the intercept.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    tau2: FloatArray
    tau2_without: FloatArray
    qe: FloatArray
    n_studies: FloatArray
    confidence_level: float
    model: str
    tau2_method: str
    ci_method: str
    effects: EffectSizes
    columns: tuple[FloatArray, ...]
    sets: SetsOfStudies
    design: Design

    def __post_init__(self) -> None:
        for name in ("coefficients", "covariance", "tau2", "tau2_without", "qe", "n_studies"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of regressions; () for one."""
        return self.tau2.shape

    @property
    def df(self) -> FloatArray:
        """Residual degrees of freedom."""
        return self.n_studies - len(self.names)

    @property
    def mean_df(self) -> FloatArray:
        """Degrees of freedom of the t distribution; infinity for a normal one."""
        return np.full(self.shape, np.inf) if self.ci_method == "wald" else self.df

    @cached_property
    def std_error(self) -> FloatArray:
        """Standard errors of the coefficients."""
        return read_only(np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1)))

    @property
    def statistic(self) -> FloatArray:
        """Coefficients over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.coefficients / self.std_error

    @cached_property
    def pvalue(self) -> FloatArray:
        """Two-sided P-values of the coefficients."""
        if self.ci_method == "wald":
            return read_only(two_sided_normal(self.statistic))
        return read_only(two_sided_t(self.statistic, self.mean_df[..., np.newaxis]))

    @property
    def low(self) -> FloatArray:
        """Lower limits of the coefficients."""
        return self.coefficients - self._quantile(self.mean_df)[..., np.newaxis] * self.std_error

    @property
    def high(self) -> FloatArray:
        """Upper limits of the coefficients."""
        return self.coefficients + self._quantile(self.mean_df)[..., np.newaxis] * self.std_error

    def _quantile(self, df: FloatArray) -> FloatArray:
        probability = (1 + self.confidence_level) / 2
        if self.ci_method == "wald":
            return np.full(self.shape, normal_quantile(probability))
        return t_quantile(probability, df)

    @cached_property
    def moderator_test(self) -> ModeratorTest:
        """QM: the test of all coefficients but the intercept."""
        tested = [name for name in self.names if name != INTERCEPT]
        return self.test(*(tested or self.names))

    def test(self, *names: str) -> ModeratorTest:
        """Test that the named coefficients are all 0."""
        unknown = [name for name in names if name not in self.names]
        if unknown or not names:
            raise ValueError(f"The coefficients are {list(self.names)}, but got {unknown or 'none'}.")
        return self.test_combinations(np.eye(len(self.names))[[self.names.index(name) for name in names]])

    def test_combinations(self, rows: ArrayLike) -> ModeratorTest:
        """Test that linear combinations of the coefficients are all 0; `rows` has the shape (m, p)."""
        matrix = np.atleast_2d(as_numbers("rows", rows))
        if matrix.shape[-1] != len(self.names):
            raise ValueError(f"`rows` must have {len(self.names)} columns ({', '.join(self.names)}).")
        part = self.coefficients @ matrix.T
        block = matrix @ self.covariance @ matrix.T
        solved = np.linalg.solve(block, part[..., np.newaxis])[..., 0]
        wald = (part * solved).sum(axis=-1)
        m = matrix.shape[0]
        if self.ci_method == "wald":
            infinite = np.full(self.shape, np.inf)
            return ModeratorTest(statistic=wald, df=m, denominator_df=infinite, pvalue=chi2_tail(wald, m))
        f = wald / m
        pvalue = np.asarray(special.fdtrc(m, np.maximum(self.df, 1e-300), f))
        return ModeratorTest(
            statistic=f, df=m, denominator_df=self.df, pvalue=np.where(self.df > 0, pvalue, np.nan)
        )

    @cached_property
    def qe_pvalue(self) -> FloatArray:
        """P-value of QE."""
        return read_only(np.where(self.df > 0, chi2_tail(self.qe, np.maximum(self.df, 1)), np.nan))

    def blocks(self) -> Iterator[tuple[slice, Studies]]:
        """Yield blocks of sets with their design."""
        for block, plain in self.sets.blocks():
            yield block, self.sets.with_design(plain, self.columns, block)

    @cached_property
    def typical_variance(self) -> FloatArray:
        """Typical sampling variance (k - p)/tr(P)."""
        typical = np.empty(self.tau2.size)
        for block, studies in self.blocks():
            fitted = fit(studies, 1 / studies.variance)
            with np.errstate(divide="ignore", invalid="ignore"):
                typical[block] = studies.residual_df() / trace_with(fitted, 1.0)
        return read_only(typical.reshape(self.shape))

    @cached_property
    def log_likelihood(self) -> FloatArray:
        """Log-likelihood at the estimates, for tau2="ML" and the common-effect model; NaN otherwise."""
        result = np.full(self.tau2.size, np.nan)
        if self.tau2_method in {"ML", "none"}:
            for block, studies in self.blocks():
                maximum = log_likelihood(studies, self.tau2.ravel()[block], restricted=False)
                result[block] = maximum - studies.inside.sum(axis=0) * np.log(2 * np.pi) / 2
        return read_only(result.reshape(self.shape))

    @cached_property
    def i2(self) -> FloatArray:
        """I2 of what is left, in percent."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.model == "common":
                share = 100 * np.maximum(0.0, (self.qe - self.df) / np.where(self.qe > 0, self.qe, 1.0))
            else:
                share = 100 * self.tau2 / (self.tau2 + self.typical_variance)
        return read_only(np.where(self.df > 0, share, 0.0))

    @cached_property
    def h2(self) -> FloatArray:
        """H2 of what is left."""
        if self.model == "common":
            return read_only(np.where(self.df > 0, self.qe / np.maximum(self.df, 1), 1.0))
        return read_only(100 / (100 - self.i2))

    @cached_property
    def r2(self) -> FloatArray:
        """Share of tau2 that the moderators explain, in percent."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 100 * (self.tau2_without - self.tau2) / self.tau2_without
        return read_only(np.where(self.tau2_without > 0, np.maximum(share, 0.0), np.nan))

    @cached_property
    def vif(self) -> FloatArray:
        """Variance inflation factors: the diagonal of a correlation matrix times that of its inverse."""
        result = np.full(self.coefficients.shape, np.nan)
        which = [i for i, name in enumerate(self.names) if name != INTERCEPT]
        block = self.covariance[..., which, :][..., :, which]
        inverse = np.linalg.inv(block)
        result[..., which] = np.diagonal(block, axis1=-2, axis2=-1) * np.diagonal(inverse, axis1=-2, axis2=-1)
        return read_only(result)

    def predict(self, moderators: Any = None) -> RegressionPrediction:  # noqa: ANN401
        """Return mean effects, with confidence and prediction intervals, at given moderators.

        Parameters
        ----------
        moderators : mapping, DataFrame or array_like, optional
            As in `meta_regression`, n values each; by default those of the studies.

        Returns
        -------
        RegressionPrediction
            Of shape (..., n). The prediction interval of a further study adds tau2; its quantile is that of
            the coefficients with one degree of freedom less for a t distribution (Higgins, Thompson and
            Spiegelhalter).
        """
        if moderators is None:
            rows = np.stack(np.broadcast_arrays(*self.columns), axis=-1)
        else:
            rows = self.design.of(moderators, intercept=self.names[0] == INTERCEPT)
        mean = (rows * self.coefficients[..., np.newaxis, :]).sum(axis=-1)
        variance = np.einsum("...ni,...ij,...nj->...n", rows, self.covariance, rows)
        std_error = np.sqrt(variance)
        further = np.sqrt(variance + self.tau2[..., np.newaxis])
        wide = self._quantile(self.mean_df - 1)[..., np.newaxis] * further
        if self.model == "common":
            wide = np.full_like(further, np.nan)
        half = self._quantile(self.mean_df)[..., np.newaxis] * std_error
        return RegressionPrediction(
            mean=self._reported(mean, half, std_error, self.ci_method),
            further=self._reported(mean, wide, further, "higgins-thompson-spiegelhalter"),
        )

    def _reported(self, mean: FloatArray, half: FloatArray, std_error: FloatArray, method: str) -> Estimate:
        backward = scale_of(self.effects.scale).backward
        return Estimate(
            measure=self.effects.measure,
            value=backward(mean),
            low=backward(mean - half),
            high=backward(mean + half),
            confidence_level=self.confidence_level,
            std_error=std_error,
            scale=self.effects.scale,
            method=method,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per coefficient (and replicate, in C order), at full precision."""
        import pandas as pd

        repeats = self.tau2.size
        columns: dict[str, Any] = {"coefficient": list(self.names) * repeats}
        for name in ("coefficients", "std_error", "low", "high", "pvalue", "vif"):
            columns["value" if name == "coefficients" else name] = getattr(self, name).ravel()
        for name in ("tau2", "r2", "qe", "i2", "n_studies"):
            columns[name] = np.repeat(getattr(self, name).ravel(), len(self.names))
        return pd.DataFrame(columns).assign(
            model=self.model, tau2_method=self.tau2_method, ci_method=self.ci_method
        )

    def __str__(self) -> str:
        """Return the results of one regression as a paper gives them."""
        if self.tau2.size != 1:
            return f"{self.tau2.size} meta-regressions of {', '.join(self.names)}"
        explained = "" if np.isnan(self.r2).all() else f" ({self.r2.item():.0f}% explained)"
        test = self.moderator_test
        of = "" if np.isinf(test.denominator_df).all() else f" and {test.denominator_df.item():.0f}"
        tau2 = f"τ² = {self.tau2.item():.3g}{explained}, I² = {self.i2.item():.0f}%"
        qe = f"QE = {self.qe.item():.1f} (df = {self.df.item():.0f})"
        lines = [
            f"{self.n_studies.item():.0f} studies, {tau2}, {qe}",
            f"QM = {test.statistic.item():.1f} (df = {test.df}{of}), P = {test.pvalue.item():.2g}",
        ]
        values, lows, highs = (x.reshape(-1) for x in (self.coefficients, self.low, self.high))
        for name, value, low, high in zip(self.names, values, lows, highs, strict=True):
            digits = decimals_for(value)
            first, second, third = (short_number(float(x), digits=digits) for x in (value, low, high))
            lines.append(f"{name} {first} ({second} to {third})")
        return "\n".join(lines)
