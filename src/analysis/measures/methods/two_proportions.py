"""Every interval for a ratio, an odds ratio or a difference of two proportions, under one signature.

Each method takes the table's cells and a level and returns an `Inverted`: value, limits, standard error where
there is one, and the P-value of no effect by the same inversion. The public functions, with what each method
is for, are in `association`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.methods.conditional import (
    baptista_pike_limits,
    baptista_pike_pvalue,
    central_limits,
    central_pvalue,
    conditional_odds_ratio,
)
from analysis.measures.methods.inversion import pvalue_of_interval
from analysis.measures.methods.likelihood import likelihood_odds_ratio, likelihood_risk_ratio
from analysis.measures.methods.one_proportion import wilson_limits
from analysis.measures.methods.score import (
    invert_difference,
    invert_ratio,
    score_difference,
    score_odds_ratio,
    score_risk_ratio,
)
from analysis.measures.methods.wald import log_wald
from analysis.values.distributions import normal_quantile, two_sided_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["ODDS_RATIO", "RISK_DIFFERENCE", "RISK_RATIO", "Cells", "Inverted"]


class Cells(NamedTuple):
    """Cells of the tables: exposed cases and non-cases, control cases and non-cases."""

    a: FloatArray
    b: FloatArray
    c: FloatArray
    d: FloatArray

    @property
    def exposed(self) -> FloatArray:
        """Total of the exposed."""
        return self.a + self.b

    @property
    def control(self) -> FloatArray:
        """Total of the controls."""
        return self.c + self.d

    def plus(self, added: float) -> Cells:
        """Return the cells with the same added to each."""
        return Cells(self.a + added, self.b + added, self.c + added, self.d + added)


class Inverted(NamedTuple):
    """What a method gives; the standard error is on the analysis scale of the measure."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    std_error: FloatArray | None
    pvalue: FloatArray


if TYPE_CHECKING:
    Method = Callable[[Cells, float], Inverted]


def _ratio(cells: Cells) -> FloatArray:
    return (cells.a * cells.control) / (cells.c * cells.exposed)


def _odds(cells: Cells) -> FloatArray:
    return (cells.a * cells.d) / (cells.b * cells.c)


def _difference(cells: Cells) -> FloatArray:
    return cells.a / cells.exposed - cells.c / cells.control


def _ratio_variance(cells: Cells) -> FloatArray:
    return 1 / cells.a - 1 / cells.exposed + 1 / cells.c - 1 / cells.control


def _odds_variance(cells: Cells) -> FloatArray:
    return 1 / cells.a + 1 / cells.b + 1 / cells.c + 1 / cells.d


def _log_wald(ratio: FloatArray, variance: FloatArray, level: float) -> Inverted:
    low, high, std_error, pvalue = log_wald(ratio, variance, level)
    return Inverted(ratio, low, high, std_error, pvalue)


def _inverse_sinh(above: FloatArray, below: FloatArray, variance: FloatArray, level: float) -> Inverted:
    """Return exp(log ratio ± 2 asinh(z SE / 2)); its P-value solves that for z at a ratio of 1.

    The ratio is the product of the cells `above` over that of those `below`, of shape (2, ...). As one cell
    goes to 0 the limit on its side goes to the ratio with that cell 1, times (or over) z².
    """
    ratio = above.prod(axis=0) / below.prod(axis=0)
    quantile = normal_quantile((1 + level) / 2)
    empty_above, empty_below = (above == 0).sum(axis=0), (below == 0).sum(axis=0)
    bounded = (empty_above == 0) & (empty_below == 0)
    std_error = np.sqrt(np.where(bounded, variance, np.inf))
    factor = np.exp(2 * np.arcsinh(quantile * std_error / 2))
    low = np.where(bounded, ratio / factor, 0.0)
    high = np.where(bounded, ratio * factor, np.inf)
    z = 2 * np.sinh(np.abs(np.log(ratio)) / 2) / std_error
    pvalue = np.where(bounded, two_sided_normal(z), np.nan)
    filled = np.where(above == 0, 1.0, above).prod(axis=0) / np.where(below == 0, 1.0, below).prod(axis=0)
    no_numerator = (empty_above == 1) & (empty_below == 0)
    no_denominator = (empty_above == 0) & (empty_below == 1)
    high = np.where(no_numerator, filled * quantile**2, high)
    low = np.where(no_denominator, filled / quantile**2, low)
    pvalue = np.where(no_numerator, two_sided_normal(1 / np.sqrt(filled)), pvalue)
    pvalue = np.where(no_denominator, two_sided_normal(np.sqrt(filled)), pvalue)
    return Inverted(ratio, low, high, None, pvalue)


def _katz(cells: Cells, level: float) -> Inverted:
    return _log_wald(_ratio(cells), _ratio_variance(cells), level)


def _walter(cells: Cells, level: float) -> Inverted:
    # Half a case and half a person to either arm.
    a, n1, c, n0 = cells.a + 0.5, cells.exposed + 0.5, cells.c + 0.5, cells.control + 0.5
    return _log_wald((a * n0) / (c * n1), 1 / a - 1 / n1 + 1 / c - 1 / n0, level)


def _sinh_ratio(cells: Cells, level: float) -> Inverted:
    above, below = np.stack([cells.a, cells.control]), np.stack([cells.c, cells.exposed])
    return _inverse_sinh(above, below, _ratio_variance(cells), level)


def _woolf(cells: Cells, level: float) -> Inverted:
    return _log_wald(_odds(cells), _odds_variance(cells), level)


def _gart(cells: Cells, level: float) -> Inverted:
    return _woolf(cells.plus(0.5), level)


def _independence_smoothed(cells: Cells, level: float) -> Inverted:
    # Agresti 1999: twice what independence expects of one person goes to each cell.
    n1, n0, m1, m0 = cells.exposed, cells.control, cells.a + cells.c, cells.b + cells.d
    share = 2 / (n1 + n0) ** 2
    smoothed = Cells(
        cells.a + share * n1 * m1,
        cells.b + share * n1 * m0,
        cells.c + share * n0 * m1,
        cells.d + share * n0 * m0,
    )
    return _woolf(smoothed, level)


def _adjusted_sinh_odds(cells: Cells, level: float) -> Inverted:
    # Fagerland and Newcombe 2013: 0.45 to each cell for the centre, 0.25 for the standard error.
    centre, spread = _odds(cells.plus(0.45)), np.sqrt(_odds_variance(cells.plus(0.25)))
    factor = np.exp(2 * np.arcsinh(normal_quantile((1 + level) / 2) * spread / 2))
    z = 2 * np.sinh(np.abs(np.log(centre)) / 2) / spread
    return Inverted(centre, centre / factor, centre * factor, None, two_sided_normal(z))


def _sinh_odds(cells: Cells, level: float) -> Inverted:
    above, below = np.stack([cells.a, cells.d]), np.stack([cells.b, cells.c])
    return _inverse_sinh(above, below, _odds_variance(cells), level)


def _from_limits(
    cells: Cells,
    value: FloatArray,
    level: float,
    null: float,
    limits: Callable[[FloatArray, Cells], tuple[FloatArray, FloatArray]],
    what: str,
) -> Inverted:
    """Return limits that are a function of z, with the P-value of the z at which one of them is the null."""

    def excess(z: FloatArray, *parts: FloatArray) -> FloatArray:
        below, above = limits(z, Cells(*parts))
        return np.maximum(below - null, null - above)

    low, high = limits(np.asarray(normal_quantile((1 + level) / 2)), cells)
    pvalue = pvalue_of_interval(excess, *cells, what=what)
    return Inverted(value, low, high, None, np.where(np.isnan(value), np.nan, pvalue))


def _wilson_of(cells: Cells, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    l1, u1 = wilson_limits(cells.a, cells.exposed, z)
    l0, u0 = wilson_limits(cells.c, cells.control, z)
    return l1, u1, l0, u0


def _mover_limits(z: FloatArray, cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Return Donner and Zou's limits of a ratio from the limits of its parts."""
    p1, p0 = cells.a / cells.exposed, cells.c / cells.control
    l1, u1, l0, u0 = _wilson_of(cells, z)
    low, high = _mover(p1, p0, l1, u1, l0, u0)
    # No cases among the controls: an infinite ratio, from the point z = 0 on.
    low = np.where(cells.a == 0, 0.0, np.where(u0 == 0, np.inf, low))
    return low, np.where(cells.c == 0, np.inf, high)


def _mover(
    p1: FloatArray, p0: FloatArray, l1: FloatArray, u1: FloatArray, l0: FloatArray, u0: FloatArray
) -> tuple[FloatArray, FloatArray]:
    product = p1 * p0
    low = product - np.sqrt(np.maximum(product**2 - l1 * u0 * (2 * p1 - l1) * (2 * p0 - u0), 0.0))
    high = product + np.sqrt(np.maximum(product**2 - u1 * l0 * (2 * p1 - u1) * (2 * p0 - l0), 0.0))
    return low / (u0 * (2 * p0 - u0)), high / (l0 * (2 * p0 - l0))


def _mover_ratio(cells: Cells, level: float) -> Inverted:
    what = "the MOVER P-value"
    return _unless_empty(cells, _from_limits(cells, _ratio(cells), level, 1.0, _mover_limits, what))


def _unless_empty(cells: Cells, result: Inverted) -> Inverted:
    """Put the ends of the scale where the table says nothing about a ratio."""
    empty = (cells.exposed == 0) | (cells.control == 0) | (cells.a + cells.c == 0)
    return result._replace(
        low=np.where(empty, 0.0, result.low),
        high=np.where(empty, np.inf, result.high),
        pvalue=np.where(empty, np.nan, result.pvalue),
    )


def _newcombe_limits(z: FloatArray, cells: Cells) -> tuple[FloatArray, FloatArray]:
    p1, p0 = cells.a / cells.exposed, cells.c / cells.control
    l1, u1, l0, u0 = _wilson_of(cells, z)
    return p1 - p0 - np.hypot(p1 - l1, u0 - p0), p1 - p0 + np.hypot(u1 - p1, p0 - l0)


def _newcombe(cells: Cells, level: float) -> Inverted:
    what = "Newcombe's P-value"
    result = _from_limits(cells, _difference(cells), level, 0.0, _newcombe_limits, what)
    return _bounded_difference(result)


def _wald_difference(cells: Cells, level: float) -> Inverted:
    variance = cells.a * cells.b / cells.exposed**3 + cells.c * cells.d / cells.control**3
    return _normal_difference(_difference(cells), _difference(cells), np.sqrt(variance), level)


def _wald_corrected(cells: Cells, level: float) -> Inverted:
    """Return Wald's interval, longer by half a person of either arm at both ends."""
    difference = _difference(cells)
    variance = cells.a * cells.b / cells.exposed**3 + cells.c * cells.d / cells.control**3
    std_error, more = np.sqrt(variance), (1 / cells.exposed + 1 / cells.control) / 2
    half = normal_quantile((1 + level) / 2) * std_error + more
    # The interval reaches 0 where the difference less the correction is z standard errors.
    beyond = np.abs(difference) - more
    pvalue = np.where(beyond <= 0, 1.0, two_sided_normal(beyond / std_error))
    result = Inverted(difference, difference - half, difference + half, None, pvalue)
    return _bounded_difference(result._replace(pvalue=np.where(np.isnan(difference), np.nan, pvalue)))


def _agresti_caffo(cells: Cells, level: float) -> Inverted:
    more = cells.plus(1.0)
    variance = more.a * more.b / more.exposed**3 + more.c * more.d / more.control**3
    return _normal_difference(_difference(cells), _difference(more), np.sqrt(variance), level)


def _normal_difference(
    value: FloatArray, centre: FloatArray, std_error: FloatArray, level: float
) -> Inverted:
    half = normal_quantile((1 + level) / 2) * std_error
    pvalue = two_sided_normal(centre / std_error)
    result = _bounded_difference(Inverted(value, centre - half, centre + half, std_error, pvalue))
    unknown = np.isnan(value)
    if unknown.any():
        result.low[unknown], result.high[unknown], pvalue[unknown] = -1.0, 1.0, np.nan
    return result


def _bounded_difference(result: Inverted) -> Inverted:
    # fmax and fmin let the end of the scale stand where an empty arm leaves NaN.
    return result._replace(
        low=np.asarray(np.fmax(result.low, -1.0)), high=np.asarray(np.fmin(result.high, 1.0))
    )


def _arguments(cells: Cells, *, inflated: bool) -> tuple[FloatArray, ...]:
    """Return the arguments of a score statistic; a total of 0 is replaced, its table is not searched."""
    total = cells.exposed + cells.control
    inflation = total / (total - 1) if inflated else np.ones_like(total)
    return (
        cells.a,
        np.maximum(cells.exposed, 1.0),
        cells.c,
        np.maximum(cells.control, 1.0),
        np.where(total > 1, inflation, 1.0),
    )


def _says_something(cells: Cells, *, about_odds: bool) -> BoolArray:
    some: BoolArray = (cells.exposed > 0) & (cells.control > 0) & (cells.a + cells.c > 0)
    return some & (cells.b + cells.d > 0) if about_odds else some


def _inverted_ratio(
    cells: Cells,
    level: float,
    statistic: Callable[..., FloatArray],
    ratio: FloatArray,
    arguments: tuple[FloatArray, ...],
    what: str,
    *,
    about_odds: bool,
) -> Inverted:
    informative = _says_something(cells, about_odds=about_odds)
    low, high = invert_ratio(statistic, ratio, informative, level, *arguments, what=what)
    with np.errstate(all="ignore"):
        at_null = statistic(np.zeros(ratio.shape), *arguments)
    return Inverted(ratio, low, high, None, np.where(informative, two_sided_normal(at_null), np.nan))


def _score_ratio(*, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, what = _arguments(cells, inflated=inflated), "the score limit of the risk ratio"
        return _inverted_ratio(
            cells, level, score_risk_ratio, _ratio(cells), arguments, what, about_odds=False
        )

    return method


def _score_odds(*, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, what = _arguments(cells, inflated=inflated), "the score limit of the odds ratio"
        return _inverted_ratio(cells, level, score_odds_ratio, _odds(cells), arguments, what, about_odds=True)

    return method


def _likelihood_ratio(cells: Cells, level: float) -> Inverted:
    arguments, what = _arguments(cells, inflated=False)[:4], "the likelihood limit of the risk ratio"
    return _inverted_ratio(
        cells, level, likelihood_risk_ratio, _ratio(cells), arguments, what, about_odds=False
    )


def _likelihood_odds(cells: Cells, level: float) -> Inverted:
    arguments, what = _arguments(cells, inflated=False)[:4], "the likelihood limit of the odds ratio"
    return _inverted_ratio(
        cells, level, likelihood_odds_ratio, _odds(cells), arguments, what, about_odds=True
    )


def _score_difference(*, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, difference = _arguments(cells, inflated=inflated), _difference(cells)
        known = np.isfinite(difference)
        low, high = invert_difference(
            score_difference,
            difference,
            known,
            level,
            *arguments,
            what="the score limit of the risk difference",
        )
        with np.errstate(all="ignore"):
            at_null = score_difference(np.zeros(difference.shape), *arguments)
        return Inverted(difference, low, high, None, np.where(known, two_sided_normal(at_null), np.nan))

    return method


def _central(*, mid: bool, conditional: bool = False) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        low, high = central_limits(*cells, level, mid=mid)
        value = conditional_odds_ratio(*cells) if conditional else _odds(cells)
        return Inverted(value, low, high, None, central_pvalue(*cells, mid=mid))

    return method


def _baptista_pike(*, mid: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        low, high = baptista_pike_limits(*cells, level, mid=mid)
        value = _odds(cells)
        # A table that its margins force is evidence of nothing, also by half of its probability.
        pvalue = np.where(np.isnan(value), 1.0, baptista_pike_pvalue(*cells, mid=mid))
        return Inverted(value, low, high, None, pvalue)

    return method


RISK_RATIO: dict[str, Method] = {
    "log": _katz,
    "adjusted-log": _walter,
    "inverse-sinh": _sinh_ratio,
    "mover-wilson": _mover_ratio,
    "koopman": _score_ratio(inflated=False),
    "miettinen-nurminen": _score_ratio(inflated=True),
    "likelihood-ratio": _likelihood_ratio,
}
ODDS_RATIO: dict[str, Method] = {
    "woolf": _woolf,
    "gart": _gart,
    "independence-smoothed": _independence_smoothed,
    "inverse-sinh": _sinh_odds,
    "adjusted-inverse-sinh": _adjusted_sinh_odds,
    "score": _score_odds(inflated=False),
    "miettinen-nurminen": _score_odds(inflated=True),
    "likelihood-ratio": _likelihood_odds,
    "exact": _central(mid=False),
    "mid-p": _central(mid=True),
    "conditional-exact": _central(mid=False, conditional=True),
    "conditional-mid-p": _central(mid=True, conditional=True),
    "baptista-pike": _baptista_pike(mid=False),
    "baptista-pike-mid-p": _baptista_pike(mid=True),
}
RISK_DIFFERENCE: dict[str, Method] = {
    "wald": _wald_difference,
    "wald-cc": _wald_corrected,
    "agresti-caffo": _agresti_caffo,
    "newcombe": _newcombe,
    "mee": _score_difference(inflated=False),
    "miettinen-nurminen": _score_difference(inflated=True),
}
