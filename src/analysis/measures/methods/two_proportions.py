"""Every interval for a ratio, an odds ratio or a difference of two proportions, under one signature.

Each method takes the table's cells and a level and returns an `Inverted`: value, limits, standard error where
there is one, and the P-value of no effect by the same inversion. The public functions, with what each method
is for, are in `association`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods import log_ratios
from analysis.measures.methods.cells import Cells, Inverted
from analysis.measures.methods.conditional import (
    baptista_pike_limits,
    baptista_pike_pvalue,
    central_limits,
    central_pvalue,
    conditional_odds_ratio,
)
from analysis.measures.methods.likelihood import likelihood_odds_ratio, likelihood_risk_ratio
from analysis.measures.methods.mover import mover_odds, mover_ratio, newcombe
from analysis.measures.methods.score import (
    invert_difference,
    invert_ratio,
    score_difference,
    score_odds_ratio,
    score_risk_ratio,
)
from analysis.measures.methods.skewness import (
    skewness_difference,
    skewness_odds_ratio,
    skewness_risk_ratio,
)
from analysis.values.distributions import normal_quantile, two_sided_normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.measures.methods.cells import Method
    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["ODDS_RATIO", "RISK_DIFFERENCE", "RISK_RATIO", "Cells", "Inverted"]


def _wald_difference(cells: Cells, level: float) -> Inverted:
    variance = cells.a * cells.b / cells.exposed**3 + cells.c * cells.d / cells.control**3
    return _normal_difference(cells.difference, cells.difference, np.sqrt(variance), level)


def _wald_corrected(cells: Cells, level: float) -> Inverted:
    """Return Wald's interval, longer by half a person of either arm at both ends."""
    difference = cells.difference
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
    return _normal_difference(cells.difference, more.difference, np.sqrt(variance), level)


def _newcombe(cells: Cells, level: float) -> Inverted:
    return _bounded_difference(newcombe(cells, level))


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


def _score_ratio(statistic: Callable[..., FloatArray], *, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, what = _arguments(cells, inflated=inflated), "the score limit of the risk ratio"
        return _inverted_ratio(cells, level, statistic, cells.ratio, arguments, what, about_odds=False)

    return method


def _score_odds(statistic: Callable[..., FloatArray], *, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, what = _arguments(cells, inflated=inflated), "the score limit of the odds ratio"
        return _inverted_ratio(cells, level, statistic, cells.odds, arguments, what, about_odds=True)

    return method


def _likelihood_ratio(cells: Cells, level: float) -> Inverted:
    arguments, what = _arguments(cells, inflated=False)[:4], "the likelihood limit of the risk ratio"
    return _inverted_ratio(
        cells, level, likelihood_risk_ratio, cells.ratio, arguments, what, about_odds=False
    )


def _likelihood_odds(cells: Cells, level: float) -> Inverted:
    arguments, what = _arguments(cells, inflated=False)[:4], "the likelihood limit of the odds ratio"
    return _inverted_ratio(cells, level, likelihood_odds_ratio, cells.odds, arguments, what, about_odds=True)


def _score_difference(statistic: Callable[..., FloatArray], *, inflated: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        arguments, difference = _arguments(cells, inflated=inflated), cells.difference
        known = np.isfinite(difference)
        what = "the score limit of the risk difference"
        low, high = invert_difference(statistic, difference, known, level, *arguments, what=what)
        with np.errstate(all="ignore"):
            at_null = statistic(np.zeros(difference.shape), *arguments)
        return Inverted(difference, low, high, None, np.where(known, two_sided_normal(at_null), np.nan))

    return method


def _central(*, mid: bool, conditional: bool = False) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        low, high = central_limits(*cells, level, mid=mid)
        value = conditional_odds_ratio(*cells) if conditional else cells.odds
        return Inverted(value, low, high, None, central_pvalue(*cells, mid=mid))

    return method


def _baptista_pike(*, mid: bool) -> Method:
    def method(cells: Cells, level: float) -> Inverted:
        low, high = baptista_pike_limits(*cells, level, mid=mid)
        value = cells.odds
        # A table that its margins force is evidence of nothing, also by half of its probability.
        pvalue = np.where(np.isnan(value), 1.0, baptista_pike_pvalue(*cells, mid=mid))
        return Inverted(value, low, high, None, pvalue)

    return method


RISK_RATIO: dict[str, Method] = {
    "log": log_ratios.katz,
    "adjusted-log": log_ratios.walter,
    "price-bonett": log_ratios.price_bonett,
    "inverse-sinh": log_ratios.sinh_ratio,
    "adjusted-inverse-sinh": log_ratios.adjusted_sinh_ratio,
    "mover-wilson": mover_ratio,
    "koopman": _score_ratio(score_risk_ratio, inflated=False),
    "miettinen-nurminen": _score_ratio(score_risk_ratio, inflated=True),
    "skewness-corrected": _score_ratio(skewness_risk_ratio, inflated=True),
    "likelihood-ratio": _likelihood_ratio,
}
ODDS_RATIO: dict[str, Method] = {
    "woolf": log_ratios.woolf,
    "gart": log_ratios.gart,
    "independence-smoothed": log_ratios.independence_smoothed,
    "inverse-sinh": log_ratios.sinh_odds,
    "adjusted-inverse-sinh": log_ratios.adjusted_sinh_odds,
    "mover-wilson": mover_odds,
    "score": _score_odds(score_odds_ratio, inflated=False),
    "miettinen-nurminen": _score_odds(score_odds_ratio, inflated=True),
    "skewness-corrected": _score_odds(skewness_odds_ratio, inflated=True),
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
    "mee": _score_difference(score_difference, inflated=False),
    "miettinen-nurminen": _score_difference(score_difference, inflated=True),
    "skewness-corrected": _score_difference(skewness_difference, inflated=True),
}
