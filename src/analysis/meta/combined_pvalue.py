"""One P-value from those of several studies, where nothing else is printed.

A combined P-value tests that no study has an effect, and says nothing of its size: pool effects where there
are any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.values.arguments import as_probabilities, check_choice, read_only
from analysis.values.distributions import chi2_tail
from analysis.values.significance import SignificanceTest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

    Combined = tuple[FloatArray, FloatArray | None, FloatArray]

__all__ = ["combine_pvalues"]

# Edgington's alternating sum of more P-values has no digits left.
_EDGINGTON_AT_MOST = 20


def combine_pvalues(
    pvalues: ArrayLike, *, method: str = "fisher", weights: ArrayLike | None = None, rank: int = 1
) -> SignificanceTest:
    """Combine one-sided P-values over the last axis.

    Parameters
    ----------
    pvalues : array_like, shape (..., k)
        One-sided, in the same direction: in (0, 1].
    method : str, default "fisher"
        - "fisher": -2 Σ log p, chi-square on 2k; moved by a single small P-value
        - "stouffer": Σ w z/√Σw², normal; treats both directions alike
        - "mean-z": mean of z over its standard error, normal
        - "logit": Mudholkar and George's sum of logits, t on 5k + 4
        - "mean": Edgington's mean of P-values, normal
        - "sum": Edgington's sum, exact; for at most 20 studies
        - "minimum" (Tippett), "maximum", "rank" (Wilkinson): the smallest, the greatest, the `rank`-th
          smallest
        - "vote": how many P-values are below 1/2, binomial
    weights : array_like, shape broadcastable to (..., k), optional
        Greater than 0, for "stouffer" alone.
    rank : int, default 1
        For "rank" alone: from 1 to k.

    Returns
    -------
    SignificanceTest
        One-sided P-values of shape (...).

    Raises
    ------
    ValueError
        If a P-value is outside (0, 1], or an option is unknown, does not go with the method or is outside its
        range.

    References
    ----------
    Becker BJ (1994). Combining significance levels. In: Cooper H, Hedges LV (eds), The handbook of research
    synthesis. Russell Sage Foundation. (Citation not verified.)

    Examples
    --------
    >>> print(combine_pvalues([0.01, 0.2, 0.3]))
    χ² = 14.84, df = 6, P = 0.022
    """
    check_choice("method", method, _METHODS)
    p = np.atleast_1d(as_probabilities("pvalues", pvalues))
    if p.shape[-1] == 0 or (p == 0).any():
        raise ValueError("`pvalues` must be greater than 0, and at least one.")
    k = p.shape[-1]
    if method == "rank" and not 1 <= rank <= k:
        raise ValueError(f"`rank` must be from 1 to {k}, but got {rank}.")
    if method == "sum" and k > _EDGINGTON_AT_MOST:
        raise ValueError(
            f"`method` = 'sum' is for at most {_EDGINGTON_AT_MOST} P-values, but got {k}; take 'mean'."
        )
    if weights is None:
        weight = np.ones(k)
    elif method != "stouffer":
        raise ValueError(f"`weights` are for method='stouffer', not for {method!r}.")
    else:
        weight = np.asarray(weights, dtype=np.float64)
        if not (np.isfinite(weight) & (weight > 0)).all():
            raise ValueError("`weights` must be greater than 0.")
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic, df, pvalue = _METHODS[method](p, np.broadcast_to(weight, p.shape), rank)
    return SignificanceTest(
        statistic=read_only(statistic), df=df, pvalue=np.asarray(pvalue, dtype=np.float64), method=method
    )


def _fisher(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    statistic = -2 * np.log(p).sum(axis=-1)
    df = np.full(statistic.shape, 2.0 * p.shape[-1])
    return statistic, df, chi2_tail(statistic, df)


def _stouffer(p: FloatArray, weight: FloatArray, _rank: int) -> Combined:
    z = (weight * -special.ndtri(p)).sum(axis=-1) / np.sqrt((weight**2).sum(axis=-1))
    return z, None, special.ndtr(-z)


def _mean_z(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    z = -special.ndtri(p)
    k = p.shape[-1]
    statistic = np.sqrt(k) * z.mean(axis=-1) / z.std(axis=-1, ddof=1)
    return statistic, None, special.ndtr(-statistic)


def _logit(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    k = p.shape[-1]
    scale = np.sqrt(k * np.pi**2 * (5 * k + 2) / (3 * (5 * k + 4)))
    statistic = -special.logit(p).sum(axis=-1) / scale
    return statistic, None, special.stdtr(5 * k + 4, -statistic)


def _mean(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    z = (0.5 - p.mean(axis=-1)) * np.sqrt(12 * p.shape[-1])
    return z, None, special.ndtr(-z)


def _sum(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    """Return the law of a sum of k uniform variables: Σ (-1)^j C(k, j) (S - j)^k / k! over j <= S."""
    k = p.shape[-1]
    total = p.sum(axis=-1)
    steps = np.arange(k + 1.0)
    terms = (-1) ** steps * special.binom(k, steps) * np.maximum(total[..., np.newaxis] - steps, 0.0) ** k
    return total, None, np.clip(terms.sum(axis=-1) / special.factorial(k), 0.0, 1.0)


def _ranked(p: FloatArray, rank: int) -> Combined:
    chosen = np.sort(p, axis=-1)[..., rank - 1]
    return chosen, None, special.betainc(rank, p.shape[-1] - rank + 1, chosen)


def _vote(p: FloatArray, _weight: FloatArray, _rank: int) -> Combined:
    below, above = (p < 0.5).sum(axis=-1), (p > 0.5).sum(axis=-1)
    # P(X >= below) of below + above fair votes; 1 where nobody votes for it.
    tail = special.betainc(np.maximum(below, 1), above + 1, 0.5)
    return below.astype(np.float64), None, np.where(below > 0, tail, 1.0)


_METHODS: dict[str, Callable[[FloatArray, FloatArray, int], Combined]] = {
    "fisher": _fisher,
    "stouffer": _stouffer,
    "mean-z": _mean_z,
    "logit": _logit,
    "mean": _mean,
    "sum": _sum,
    "minimum": lambda p, _weight, _rank: _ranked(p, 1),
    "maximum": lambda p, _weight, _rank: _ranked(p, p.shape[-1]),
    "rank": lambda p, _weight, rank: _ranked(p, rank),
    "vote": _vote,
}
