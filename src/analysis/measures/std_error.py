"""Standard errors and confidence levels that printed numbers allow.

A printed number is every number that rounds to it; so what is computed from it is a range. Whole printed
estimates enter a meta-analysis by `EffectSizes.from_estimates`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import special

from analysis.values.arguments import as_numbers, as_positive, broadcast, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile, two_sided_normal
from analysis.values.framed import Framed
from analysis.values.reported import Reported, RoundingInterval
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray

    # Numbers are taken as exact; text as what rounds to it.
    Printed: TypeAlias = ArrayLike | str | Reported | Sequence[str | Reported]

__all__ = [
    "ConfidenceLevels",
    "StandardErrorRange",
    "infer_confidence_level",
    "std_error_from_chi_square",
    "std_error_from_interval",
    "std_error_from_pvalue",
    "std_error_from_t",
]

# The lowest and highest value that is possible on the reporting scale.
_DOMAIN = {
    "identity": (-np.inf, np.inf),
    "log": (0.0, np.inf),
    "square-root": (0.0, np.inf),
    "logit": (0.0, 1.0),
    "arcsine": (0.0, 1.0),
}


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceLevels(Framed):
    """Which confidence levels a printed interval can have.

    Parameters
    ----------
    levels : tuple of float
        The levels in question.
    possible : ndarray of bool
        Shape (..., number of levels).
    low, high : ndarray
        Lowest and highest level that the printed numbers allow.
    """

    levels: tuple[float, ...]
    possible: BoolArray
    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        possible = self.possible.view()
        possible.flags.writeable = False
        object.__setattr__(self, "possible", possible)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per interval and level."""
        import pandas as pd

        count = len(self.levels)
        return pd.DataFrame(
            {
                "interval": np.repeat(np.arange(self.low.size), count),
                "level": np.tile(self.levels, self.low.size),
                "possible": self.possible.ravel(),
                "low": np.repeat(self.low.ravel(), count),
                "high": np.repeat(self.high.ravel(), count),
            }
        )

    def __str__(self) -> str:
        texts = []
        for number, index in enumerate(np.ndindex(self.low.shape)):
            if number == 10:
                texts.append(f"... ({self.low.size} in all)")
                break
            fits = [
                f"{100 * level:g}%"
                for level, fit in zip(self.levels, self.possible[index], strict=True)
                if fit
            ]
            verdict = (
                " or ".join(fits) if fits else "none of " + ", ".join(f"{100 * x:g}%" for x in self.levels)
            )
            low, high = 100 * float(self.low[index]), 100 * float(self.high[index])
            texts.append(f"{verdict} (the printed numbers allow {low:.1f}% to {high:.1f}%)")
        return "\n".join(texts)


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
    lower, upper, printed = _interval(low, high)
    if confidence_level is None:
        confidence_level = 0.95 if printed is None else printed
    z = normal_quantile((1 + check_confidence_level(confidence_level)) / 2)
    width = _width(lower, upper, measure)
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
    tail = _printed("pvalue", pvalue)
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
    return _quotient(measure, effect, _absolute(_printed("statistic", statistic)))


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
    squares = _printed("statistic", statistic)
    if (squares[0] < 0).any():
        raise ValueError(
            f"`statistic` must be at least 0, but got {float(squares[0][squares[0] < 0].ravel()[0]):g}."
        )
    value, low, high = (np.sqrt(np.maximum(part, 0.0)) for part in squares)
    return _quotient(measure, effect, (value, low, high))


def infer_confidence_level(
    estimate: Printed,
    low: Printed | None = None,
    high: Printed | None = None,
    *,
    measure: str,
    pvalue: Printed | None = None,
    std_error: Printed | None = None,
    events: tuple[ArrayLike, ArrayLike] | None = None,
    levels: Sequence[float] = (0.9, 0.95, 0.99),
) -> ConfidenceLevels:
    """Tell which confidence levels a printed interval can have.

    Parameters
    ----------
    estimate, low, high : str, Reported or sequence of these
        As printed, in quotes: the answer rests on the rounding. A whole printed estimate ("1.50 (1.04-2.16)")
        may stand for the three.
    measure : str
        metafor's code.
    pvalue : str, Reported or sequence of these, optional
        Printed two-sided P-value of no effect.
    std_error : array_like, str, Reported or sequence of these, optional
        On the analysis scale; a number is exact (one computed from counts).
    events : tuple of two array_like, optional
        Events in the two groups. 1/x1 + 1/x0 is the variance of a crude log rate ratio, and nearly that of a
        log hazard ratio; of an adjusted one it is the least there can be, and the level comes out too high.
    levels : sequence of float, default (0.9, 0.95, 0.99)
        The levels in question.

    Returns
    -------
    ConfidenceLevels
        Of the common shape.

    Raises
    ------
    TypeError
        If not exactly one of `pvalue`, `std_error` and `events` is given, or a number stands where printed
        text is needed.
    ValueError
        If a limit or the estimate is outside the scale.

    Notes
    -----
    The width of the interval over twice the standard error is the normal quantile of the level. Each is taken
    over the whole of its rounding, without regard to the other: a level that is not possible cannot be, one
    that is possible need not be. The interval and the P-value must be Wald's.

    Examples
    --------
    >>> print(infer_confidence_level("1.50 (1.04-2.16)", pvalue="0.030", measure="OR"))
    95% (the printed numbers allow 94.5% to 95.4%)
    """
    if sum(source is not None for source in (pvalue, std_error, events)) != 1:
        raise TypeError("Exactly one of `pvalue`, `std_error` and `events` must be given.")
    if low is None and high is None:
        low, high = estimate, None
    for name, given in (("estimate", estimate), ("low", low), ("high", high), ("pvalue", pvalue)):
        if given is not None and not _is_text(given):
            raise TypeError(
                f"`{name}` must be printed text, in quotes, but got {given!r}: 1.50 and 1.5 round apart."
            )
    lower, upper, _ = _interval(low, high)  # type: ignore[arg-type]
    _, narrow, wide = _width(lower, upper, measure)
    if pvalue is not None:
        found = std_error_from_pvalue(estimate, pvalue, measure=measure)
        least, most = found.low, found.high
    elif std_error is not None:
        _, least, most = _printed("std_error", std_error)
    else:
        least = most = _of_events(events)
    if (most < 0).any():
        raise ValueError("`std_error` must not be negative.")
    narrow, wide, least, most = broadcast(
        low=narrow, high=wide, least=np.maximum(least, 0.0), most=np.maximum(most, 0.0)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        first, last = (1 - two_sided_normal(part / 2) for part in (narrow / most, wide / least))
    wanted = np.array([check_confidence_level(level) for level in levels])
    # One last bit more on either side: a level may lie on the end itself.
    possible = (wanted >= first[..., None] - 1e-12) & (wanted <= last[..., None] + 1e-12)
    return ConfidenceLevels(levels=tuple(wanted.tolist()), possible=possible, low=first, high=last)


_Range: TypeAlias = "tuple[FloatArray, FloatArray, FloatArray]"


def _is_text(given: Any) -> bool:  # noqa: ANN401 -- whatever a caller puts there
    if isinstance(given, (str, Reported)):
        return True
    return isinstance(given, (list, tuple)) and bool(given) and all(_is_text(part) for part in given)


def _reported(name: str, text: str | Reported) -> Reported:
    if isinstance(text, Reported):
        return text
    try:
        return Reported(text)
    except ValueError as error:
        raise ValueError(str(error).replace("`text`", f"`{name}`")) from None


def _stack(intervals: list[RoundingInterval], shape: tuple[int, ...]) -> _Range:
    columns = ([getattr(interval, part) for interval in intervals] for part in ("middle", "low", "high"))
    value, low, high = (np.array(column, dtype=np.float64).reshape(shape) for column in columns)
    return value, low, high


def _printed(name: str, given: Printed) -> _Range:
    """Return the value and the ends of what rounds to it."""
    if not _is_text(given):
        numbers = as_numbers(name, given)  # type: ignore[arg-type]
        return numbers, numbers, numbers
    array = np.asarray(given, dtype=object)
    return _stack([_reported(name, text).value for text in array.ravel()], array.shape)


def _interval(low: Printed, high: Printed | None) -> tuple[_Range, _Range, float | None]:
    """Return the two limits, and the level that is printed with them."""
    if high is not None:
        return _printed("low", low), _printed("high", high), None
    if not _is_text(low):
        raise TypeError('`high` must be given, or a printed interval as text: "1.83 (1.58-2.11)".')
    array = np.asarray(low, dtype=object)
    parts = [_reported("low", text) for text in array.ravel()]
    levels = {part.confidence_level for part in parts}
    lows, highs = [part.low for part in parts if part.low], [part.high for part in parts if part.high]
    if len(lows) < len(parts):
        raise TypeError('`high` must be given, or a printed interval as text: "1.83 (1.58-2.11)".')
    if len(levels) > 1:
        raise ValueError("`low` must be intervals of one level; convert those of different levels apart.")
    return _stack(lows, array.shape), _stack(highs, array.shape), levels.pop()


def _on_scale(name: str, part: _Range, measure: str) -> _Range:
    scale = measure_of(measure).scale
    least, most = _DOMAIN[scale]
    outside = ~((part[2] >= least) & (part[1] <= most)) | (part[0] < least) | (part[0] > most)
    if outside.any():
        raise ValueError(
            f"`{name}` must be a value of measure {measure}, from {least:g} to {most:g}, but got "
            f"{float(part[0][outside].ravel()[0]):g}."
        )
    forward = scale_of(scale).forward
    value, low, high = (forward(np.clip(end, least, most)) for end in part)
    return value, low, high


def _width(lower: _Range, upper: _Range, measure: str) -> _Range:
    first, last = _on_scale("low", lower, measure), _on_scale("high", upper, measure)
    value, narrow, wide = (
        np.subtract(*broadcast(high=a, low=b))
        for a, b in ((last[0], first[0]), (last[1], first[2]), (last[2], first[1]))
    )
    reversed_ = ~((wide > 0) & (value >= 0))
    if reversed_.any():
        raise ValueError("`low` must be below `high`. Limits in the wrong order have no standard error.")
    return value, np.maximum(narrow, 0.0), wide


def _effect_size(estimate: Printed, measure: str) -> _Range:
    """Return the distance from no effect on the analysis scale."""
    null = measure_of(measure).null
    if null is None:
        raise ValueError(
            f"`measure` must have a value of no effect, but {measure} has none: a P-value or statistic says "
            "nothing about it."
        )
    middle = scale_of(measure_of(measure).scale).forward(np.asarray(null))
    value, low, high = (
        part - middle for part in _on_scale("estimate", _printed("estimate", estimate), measure)
    )
    return _absolute((value, low, high))


def _absolute(part: _Range) -> _Range:
    value, low, high = part
    spans = (low < 0) & (high > 0)
    return np.abs(value), np.where(spans, 0.0, np.minimum(np.abs(low), np.abs(high))), np.maximum(-low, high)


def _critical(pvalue: FloatArray, df: FloatArray | None) -> FloatArray:
    """Return the quantile that a two-sided P-value belongs to, by the lower tail."""
    quantile = (
        special.ndtri(pvalue / 2) if df is None else special.stdtrit(*broadcast(df=df, tail=pvalue / 2))
    )
    return np.abs(np.asarray(quantile, dtype=np.float64))


def _of_events(events: tuple[ArrayLike, ArrayLike] | None) -> FloatArray:
    if not isinstance(events, tuple) or len(events) != 2:
        raise TypeError(f"`events` must be a tuple of two counts, but got {events!r}.")
    first, second = broadcast(
        exposed=as_positive("events", events[0]), control=as_positive("events", events[1])
    )
    return np.sqrt(1 / first + 1 / second)


def _quotient(measure: str, effect: _Range, statistic: _Range) -> StandardErrorRange:
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
