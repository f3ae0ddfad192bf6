"""Standard errors that printed numbers allow; what is computed from rounded numbers is a range.

The confidence level of a printed interval lives in `confidence_level`. Whole printed estimates enter a
meta-analysis by `EffectSizes.from_estimates`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from analysis.measures.methods.printed_number import on_scale, printed_limits, printed_range, width_on_scale
from analysis.values.arguments import as_positive, broadcast, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.measures.methods.printed_number import Printed, Range
    from analysis.values.arrays import FloatArray

__all__ = [
    "StandardErrorRange",
    "std_error_from_chi_square",
    "std_error_from_interval",
    "std_error_from_pvalue",
    "std_error_from_t",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StandardErrorRange(Framed):
    """The standard errors that printed numbers allow.

    Parameters
    ----------
    value : ndarray
        From the numbers as printed; NaN where only an inequality is printed ("<0.001").
    low, high : ndarray
        Ends of what rounding allows; both are `value` for numbers that were given as exact.
    measure : str
        metafor's code.
    scale : str
        The analysis scale, on which the standard errors are.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    measure: str
    scale: str

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of standard errors; () for one."""
        return self.value.shape

    def to_frame(self) -> pd.DataFrame:
        """Return one row per standard error, in C order, at full precision."""
        import pandas as pd

        columns: dict[str, Any] = {name: getattr(self, name).ravel() for name in ("value", "low", "high")}
        return pd.DataFrame(columns | {"measure": self.measure, "scale": self.scale})

    def __str__(self) -> str:
        texts = []
        for number, (value, low, high) in enumerate(
            zip(self.value.flat, self.low.flat, self.high.flat, strict=True)
        ):
            if number == 10:
                texts.append(f"... ({self.value.size} in all)")
                break
            ends = "" if low == high else f" ({low:.3g} to {high:.3g}, as rounding allows)"
            texts.append(("" if np.isnan(value) else f"{value:.3g}") + ends or "not estimable")
        return "\n".join(text.strip() for text in texts)


def std_error_from_interval(
    low: Printed,
    high: Printed | None = None,
    *,
    measure: str,
    confidence_level: float | None = None,
) -> StandardErrorRange:
    """Compute the standard error from a confidence interval that is symmetric on the analysis scale.

    Parameters
    ----------
    low, high : array_like, str, Reported or sequence of these
        Limits on the reporting scale. Numbers are exact; text ("1.58") is what rounds to it. A whole printed
        estimate ("1.83 (1.58-2.11)") may stand for both.
    measure : str
        metafor's code; decides the scale ("HR": log).
    confidence_level : float, optional
        In (0, 1). Default: what is printed with the interval ("95% CI"), else 0.95.

    Returns
    -------
    StandardErrorRange
        Of the common shape.

    Raises
    ------
    TypeError
        If `high` is missing, or given beside a whole printed estimate.
    ValueError
        If a limit is outside the scale (a ratio below 0) or `low` is not below `high`.

    Notes
    -----
    (g(high) - g(low))/(2 z) with g the transformation to the analysis scale; the ends of the range take both
    limits at the ends of their rounding. Exact and profile intervals are not symmetric: their width is not a
    standard error.

    Examples
    --------
    The adjusted hazard ratio of Sharif et al. 2023:

    >>> print(std_error_from_interval("1.83 (1.58-2.11)", measure="HR"))
    0.0738 (0.0724 to 0.0752, as rounding allows)
    """
    lower, upper, printed = printed_limits(low, high)
    if confidence_level is None:
        confidence_level = 0.95 if printed is None else printed
    z = normal_quantile((1 + check_confidence_level(confidence_level)) / 2)
    width = width_on_scale(lower, upper, measure)
    return _result(measure, *(part / (2 * z) for part in width))


def std_error_from_pvalue(
    estimate: Printed, pvalue: Printed, *, measure: str, df: ArrayLike | None = None
) -> StandardErrorRange:
    """Compute the standard error from an estimate and its two-sided P-value of no effect.

    Parameters
    ----------
    estimate : array_like, str, Reported or sequence of these
        On the reporting scale.
    pvalue : array_like, str, Reported or sequence of these
        Greater than 0, at most 1; as text also "<0.001", which bounds the standard error from above only.
    measure : str
        metafor's code of a measure with a null value.
    df : array_like, optional
        Degrees of freedom of a t statistic; by default the statistic is normal.

    Returns
    -------
    StandardErrorRange
        Of the common shape. A P-value of 1 or an estimate of no effect says nothing: NaN or infinite.

    Raises
    ------
    ValueError
        If the measure has no null value, the estimate is outside the scale, or a P-value outside (0, 1].

    Notes
    -----
    |g(estimate) - g(null)|/z, z the normal (t) quantile of 1 - P/2. The P-value must be of Wald's statistic;
    a score, likelihood or exact P-value gives an approximation.

    Examples
    --------
    >>> print(std_error_from_pvalue("1.50", "0.030", measure="OR"))
    0.187 (0.185 to 0.189, as rounding allows)
    """
    effect = _effect_size(estimate, measure)
    tail = printed_range("pvalue", pvalue)
    exact = tail[1] == tail[2]
    wrong = (exact & ~((tail[0] > 0) & (tail[0] <= 1))) | (tail[1] > 1) | (tail[2] < 0)
    if wrong.any():
        raise ValueError(
            f"`pvalue` must be greater than 0 and at most 1, but got {float(tail[0][wrong].ravel()[0]):g}. "
            'One that is too small to print is written as it is printed, in quotes: "<0.001".'
        )
    degrees = None if df is None else as_positive("df", df)
    value, *ends = (_critical(np.clip(part, 0.0, 1.0), degrees) for part in tail)
    # An inequality has no value, nor has a P-value that rounded to 0.
    no_value = np.isinf(tail[1]) | np.isinf(tail[2]) | (tail[0] <= 0)
    return _quotient(measure, effect, (np.where(no_value, np.nan, value), ends[1], ends[0]))


def std_error_from_t(estimate: Printed, statistic: Printed, *, measure: str) -> StandardErrorRange:
    """Compute the standard error from an estimate and its t (or z) statistic of no effect.

    Parameters
    ----------
    estimate : array_like, str, Reported or sequence of these
        On the reporting scale.
    statistic : array_like, str, Reported or sequence of these
        Its sign is not read.
    measure : str
        metafor's code of a measure with a null value.

    Returns
    -------
    StandardErrorRange
        |g(estimate) - g(null)|/|t|, of the common shape; infinite at t = 0.

    Raises
    ------
    ValueError
        If the measure has no null value or the estimate is outside the scale.

    Examples
    --------
    >>> print(std_error_from_t("-2.40", "-3.0", measure="RD"))
    0.8 (0.785 to 0.815, as rounding allows)
    """
    effect = _effect_size(estimate, measure)
    return _quotient(measure, effect, _absolute(printed_range("statistic", statistic)))


def std_error_from_chi_square(estimate: Printed, statistic: Printed, *, measure: str) -> StandardErrorRange:
    """Compute the standard error from an estimate and its chi-square statistic with one degree of freedom.

    Parameters
    ----------
    estimate : array_like, str, Reported or sequence of these
        On the reporting scale.
    statistic : array_like, str, Reported or sequence of these
        At least 0: Wald's chi-square, without continuity correction.
    measure : str
        metafor's code of a measure with a null value.

    Returns
    -------
    StandardErrorRange
        |g(estimate) - g(null)|/√chi-square, of the common shape; infinite at 0.

    Raises
    ------
    ValueError
        If the statistic is negative, the measure has no null value or the estimate is outside the scale.

    Examples
    --------
    >>> print(std_error_from_chi_square(2.0, 4.0, measure="OR"))
    0.347
    """
    effect = _effect_size(estimate, measure)
    squares = printed_range("statistic", statistic)
    if (squares[0] < 0).any():
        raise ValueError(
            f"`statistic` must be at least 0, but got {float(squares[0][squares[0] < 0].ravel()[0]):g}."
        )
    value, low, high = (np.sqrt(np.maximum(part, 0.0)) for part in squares)
    return _quotient(measure, effect, (value, low, high))


def _effect_size(estimate: Printed, measure: str) -> Range:
    """Return the distance from no effect on the analysis scale."""
    null = measure_of(measure).null
    if null is None:
        raise ValueError(
            f"`measure` must have a value of no effect, but {measure} has none: a P-value or statistic says "
            "nothing about it."
        )
    middle = scale_of(measure_of(measure).scale).forward(np.asarray(null))
    value, low, high = (
        part - middle for part in on_scale("estimate", printed_range("estimate", estimate), measure)
    )
    return _absolute((value, low, high))


def _absolute(part: Range) -> Range:
    value, low, high = part
    spans = (low < 0) & (high > 0)
    return np.abs(value), np.where(spans, 0.0, np.minimum(np.abs(low), np.abs(high))), np.maximum(-low, high)


def _critical(pvalue: FloatArray, df: FloatArray | None) -> FloatArray:
    """Return the quantile that a two-sided P-value belongs to, by the lower tail."""
    quantile = (
        special.ndtri(pvalue / 2) if df is None else special.stdtrit(*broadcast(df=df, tail=pvalue / 2))
    )
    return np.abs(np.asarray(quantile, dtype=np.float64))


def _quotient(measure: str, effect: Range, statistic: Range) -> StandardErrorRange:
    """Return effect over statistic: the least of the first over the most of the second, and so on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value, low, high = (
            np.divide(*broadcast(effect=above, statistic=below))
            for above, below in (
                (effect[0], statistic[0]),
                (effect[1], statistic[2]),
                (effect[2], statistic[1]),
            )
        )
    return _result(measure, value, low, high)


def _result(measure: str, value: FloatArray, low: FloatArray, high: FloatArray) -> StandardErrorRange:
    return StandardErrorRange(
        value=value, low=low, high=high, measure=measure, scale=measure_of(measure).scale
    )
