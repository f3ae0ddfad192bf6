"""What a test for small-study effects finds, whichever test it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.values.arguments import read_only
from analysis.values.distributions import normal_quantile, t_quantile, two_sided_normal, two_sided_t
from analysis.values.estimate import Estimate
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.methods.rank_correlation import Kendall
    from analysis.meta.methods.weighted_regression import Line
    from analysis.values.arrays import FloatArray

__all__ = ["SmallStudyTest", "line_test", "rank_test", "short_pvalue"]

# Sterne and others (2011): with fewer studies chance cannot be told from asymmetry.
FEW_STUDIES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallStudyTest(Framed):
    """A test for small-study effects (funnel plot asymmetry), over the leading axes of its input.

    Parameters
    ----------
    statistic : ndarray
        Slope over its standard error; of a rank test, the score over its standard deviation.
    df : ndarray
        Degrees of freedom of Student's t; infinite where the normal distribution is used.
    pvalue : ndarray
        Two-sided.
    bias, bias_std_error : ndarray
        Slope of the effect on the predictor of size; of a rank test, concordant minus discordant pairs and
        its standard deviation under independence.
    limit : Estimate or None
        The effect extrapolated to a study of infinite size, on the reporting scale, with its P-value of no
        effect where the measure has a null. None where the method has none; `declines` then says why.
    tau : ndarray or None
        Kendall's tau-b of a rank test.
    tau2 : ndarray or None
        Between-study variance about the line, where the model has one.
    n_studies : ndarray
        Studies that entered.
    method : str
        Which test, and how.
    declines : tuple of str
        What this result does not give, or should not be relied on for, and why.
    """

    statistic: FloatArray
    df: FloatArray
    pvalue: FloatArray
    bias: FloatArray
    bias_std_error: FloatArray
    limit: Estimate | None
    n_studies: FloatArray
    method: str
    declines: tuple[str, ...] = ()
    tau: FloatArray | None = None
    tau2: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("statistic", "df", "pvalue", "bias", "bias_std_error", "n_studies", "tau", "tau2"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the leading axes; () for one meta-analysis."""
        return self.statistic.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per meta-analysis, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {
            name: getattr(self, name).ravel()
            for name in ("statistic", "df", "pvalue", "bias", "bias_std_error")
        }
        for name in ("tau", "tau2"):
            array = getattr(self, name)
            columns[name] = np.nan if array is None else array.ravel()
        for name, part in (("limit", "value"), ("limit_low", "low"), ("limit_high", "high")):
            columns[name] = np.nan if self.limit is None else getattr(self.limit, part).ravel()
        columns["n_studies"] = self.n_studies.ravel()
        columns["method"] = self.method
        columns["declines"] = "; ".join(self.declines)
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        """Return what a paper prints; more than one meta-analysis gives one line each, at most ten."""
        lines = [self._line(number) for number in range(min(self.statistic.size, 10))]
        if self.statistic.size > 10:
            lines.append(f"... ({self.statistic.size} in all)")
        return "\n".join([*lines, *self.declines])

    def _line(self, number: int) -> str:
        df, statistic = self.df.flat[number], self.statistic.flat[number]
        name = f"t = {short_number(statistic)} (df = {df:.0f})"
        if np.isinf(df):
            name = f"z = {short_number(statistic)}"
        bias = f"{_significant(self.bias.flat[number])} (SE {_significant(self.bias_std_error.flat[number])})"
        text = f"{self.method}: {name}, {short_pvalue(self.pvalue.flat[number])}; "
        if self.tau is None:
            text += f"bias {bias}; "
        else:
            text += f"Kendall's τ = {short_number(self.tau.flat[number])}; "
        if self.limit is not None:
            one = Estimate(
                measure=self.limit.measure,
                value=self.limit.value.ravel()[number],
                low=self.limit.low.ravel()[number],
                high=self.limit.high.ravel()[number],
                confidence_level=self.limit.confidence_level,
                std_error=None,
                scale=self.limit.scale,
                method=self.limit.method,
            )
            text += f"effect at infinite size {one}; "
        return f"{text}{self.n_studies.flat[number]:.0f} studies"


def _significant(value: float) -> str:
    # A slope on 1/N is hundreds, one on N millionths.
    if value == 0 or 0.01 <= abs(value) < 1e4:
        return short_number(value)
    return f"{value:.3g}".replace("-", "−")


def short_pvalue(pvalue: float) -> str:
    """Return "P = 0.19", or "P < 0.001"."""
    if np.isnan(pvalue):
        return "P not estimable"
    return "P < 0.001" if pvalue < 0.001 else f"P = {pvalue:.2g}"


def line_test(
    line: Line,
    *,
    shape: tuple[int, ...],
    measure: str,
    method: str,
    confidence_level: float,
    factor: FloatArray | None,
    normal: bool = False,
    limit: bool = True,
    tau2: FloatArray | None = None,
) -> SmallStudyTest:
    """Judge the slope of a line.

    Parameters
    ----------
    line : Line
        Arrays of shape (m,).
    factor : ndarray or None
        What multiplies both variances; None is 1.
    normal : bool
        Whether the reference distribution is normal, instead of t on k - 2.
    limit : bool
        Whether the predictor is 0 for an infinite study, so that the intercept is the effect there.
    """
    times = 1.0 if factor is None else factor
    slope_error = np.sqrt(line.slope_variance * times)
    intercept_error = np.sqrt(line.intercept_variance * times)
    df = np.full_like(line.df, np.inf) if normal else line.df
    statistic = line.slope / slope_error
    probability = (1 + confidence_level) / 2
    if normal:
        pvalue, of_limit = two_sided_normal(statistic), two_sided_normal(line.intercept / intercept_error)
        reach = normal_quantile(probability) * intercept_error
    else:
        pvalue, of_limit = two_sided_t(statistic, df), two_sided_t(line.intercept / intercept_error, df)
        reach = t_quantile(probability, df) * intercept_error
    backward = scale_of(measure_of(measure).scale).backward
    declines = _few(line.df + 2)
    if not limit:
        declines += ("No effect at infinite size: the predictor grows with size.",)
    return SmallStudyTest(
        statistic=statistic.reshape(shape),
        df=df.reshape(shape),
        pvalue=pvalue.reshape(shape),
        bias=line.slope.reshape(shape),
        bias_std_error=slope_error.reshape(shape),
        limit=Estimate(
            measure=measure,
            value=backward(line.intercept).reshape(shape),
            low=backward(line.intercept - reach).reshape(shape),
            high=backward(line.intercept + reach).reshape(shape),
            confidence_level=confidence_level,
            std_error=intercept_error.reshape(shape),
            scale=measure_of(measure).scale,
            method=method,
            pvalue=None if measure_of(measure).null is None else of_limit.reshape(shape),
        )
        if limit
        else None,
        n_studies=(line.df + 2).reshape(shape),
        method=method,
        declines=declines,
        tau2=None if tau2 is None else tau2.reshape(shape),
    )


def rank_test(
    ranks: Kendall,
    pvalue: FloatArray,
    *,
    shape: tuple[int, ...],
    method: str,
    continuity: bool,
) -> SmallStudyTest:
    """Put a rank correlation with its P-value into the common result."""
    score = ranks.score
    if continuity:
        score = np.sign(score) * np.maximum(np.abs(score) - 1, 0.0)
    deviation = np.sqrt(ranks.variance)
    return SmallStudyTest(
        statistic=(score / deviation).reshape(shape),
        df=np.full(shape, np.inf),
        pvalue=pvalue.reshape(shape),
        bias=score.reshape(shape),
        bias_std_error=deviation.reshape(shape),
        limit=None,
        n_studies=ranks.n.reshape(shape),
        method=method,
        declines=(*_few(ranks.n), "No effect at infinite size: a rank correlation has no intercept."),
        tau=ranks.tau.reshape(shape),
    )


def _few(n_studies: FloatArray) -> tuple[str, ...]:
    fewest = n_studies.min()
    if fewest >= FEW_STUDIES:
        return ()
    reason = "chance cannot be told from asymmetry, and a large P-value says nothing"
    return (f"Fewer than {FEW_STUDIES} studies ({fewest:.0f}): {reason}.",)
