"""Exact inference on an odds ratio that all strata share.

Given all margins the number of exposed cases, summed over strata, follows a distribution that depends on the
common odds ratio alone: the convolution of the strata's noncentral hypergeometric distributions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["exact_common_odds_ratio", "exact_test_pvalue"]

# Terms held at once: half a megabyte an array stays in the cache, which is four times as fast as 16 MB.
_TERMS = 60_000
# Beyond this log odds ratio nothing is looked for.
_LOG_END = 700.0


def exact_common_odds_ratio(
    table: TwoByTwo, *, method: str = "exact", confidence_level: float = 0.95
) -> Estimate:
    """Estimate the common odds ratio of the strata by its exact conditional distribution.

    Parameters
    ----------
    table : TwoByTwo
        The last axis is strata; leading axes are replicates. A table without axes is one stratum.
    method : {"exact", "mid-p"}, default "exact"
        "exact" holds its level always and is therefore wide; "mid-p" counts the observed total half in
        either tail, and holds its level on average.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    Estimate
        Measure "OR" of the shape of the leading axes: the conditional maximum-likelihood estimate, the
        limits at which either tail is half of 1 - `confidence_level`, and twice the smaller tail at an odds
        ratio of 1. No standard error. Where the margins allow one total only the value is NaN, the limits
        are 0 and infinity and the P-value is 1.

    Raises
    ------
    ValueError
        If the method is unknown or the level outside (0, 1).

    Notes
    -----
    P(Σa = t) is proportional to c(t) ψ^t with c the convolution over strata of C(n1, x) C(n0, m1 - x).

    References
    ----------
    Cornfield J (1956). A statistical problem arising from retrospective studies. Proc. Third Berkeley Symp.
    Math. Stat. Probab. 4:135-148.

    Examples
    --------
    Recorded osteoporosis, men and women, Bengtsson et al. 2023, DOI 10.1136/rmdopen-2022-002753, Table 1:

    >>> from analysis import TwoByTwo
    >>> strata = TwoByTwo(exposed_cases=[75, 90], exposed_total=[7605, 4006],
    ...                   control_cases=[56, 114], control_total=[38020, 20030])
    >>> print(exact_common_odds_ratio(strata))
    4.93 (3.95 to 6.15)
    """
    mid = check_choice("method", method, ("exact", "mid-p")) == "mid-p"
    level = check_confidence_level(confidence_level)
    strata = table if table.shape else table[np.newaxis]
    shape = strata.shape[:-1]
    size = int(np.prod(shape))
    value, low, high, pvalue = np.full(size, np.nan), np.zeros(size), np.full(size, np.inf), np.ones(size)
    for rows, sums in _distributions(strata):
        value[rows] = sums.estimate()
        low[rows], high[rows] = sums.limits(level, mid=mid)
        tails = (sums.log_tail(-sums.log_ratio, sums.every, upper=upper, mid=mid) for upper in (True, False))
        pvalue[rows] = np.minimum(1.0, 2 * np.exp(np.minimum(*tails)))
    return Estimate(
        measure="OR",
        value=value.reshape(shape),
        low=low.reshape(shape),
        high=high.reshape(shape),
        confidence_level=level,
        std_error=None,
        scale="log",
        method=method,
        pvalue=pvalue.reshape(shape),
    )


def exact_test_pvalue(strata: TwoByTwo) -> FloatArray:
    """Return the probability, given all margins, of the totals no more probable than the observed one."""
    shape = strata.shape[:-1]
    pvalue = np.ones(int(np.prod(shape)))
    for rows, sums in _distributions(strata):
        weight = sums.weights(-sums.log_ratio, sums.every)
        observed = np.where(sums.steps == 0, weight, 0.0).sum(axis=1, keepdims=True)
        # A total of equal probability counts, whatever the last bits of its product say.
        extreme = np.where(weight <= observed * (1 + 1e-9), weight, 0.0).sum(axis=1)
        pvalue[rows] = np.minimum(1.0, extreme / weight.sum(axis=1))
    return pvalue.reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Distributions of the summed exposed cases, one a row, tilted to `log_ratio` (near the estimate).

    `logs[i, j]` is the log probability of the total that lies `steps[i, j]` above the observed one.
    """

    logs: FloatArray
    steps: FloatArray
    log_ratio: FloatArray

    @property
    def every(self) -> NDArray[np.intp]:
        return np.arange(self.logs.shape[0])

    def weights(self, tilt: FloatArray, rows: NDArray[np.intp]) -> FloatArray:
        """Return the probabilities at log odds ratios `tilt` above `log_ratio`, over the largest one."""
        terms = self.logs[rows] + tilt[:, np.newaxis] * self.steps[rows]
        weights: FloatArray = np.exp(terms - terms.max(axis=1, keepdims=True))
        return weights

    def log_tail(self, tilt: FloatArray, rows: NDArray[np.intp], *, upper: bool, mid: bool) -> FloatArray:
        """Return the log probability of the observed total or a larger (or smaller) one."""
        weights, steps = self.weights(tilt, rows), self.steps[rows]
        tail = np.where(steps >= 0 if upper else steps <= 0, weights, 0.0).sum(axis=1)
        if mid:
            tail = tail - 0.5 * np.where(steps == 0, weights, 0.0).sum(axis=1)
        with np.errstate(divide="ignore"):
            logs: FloatArray = np.log(tail) - np.log(weights.sum(axis=1))
        return logs

    def estimate(self) -> FloatArray:
        """Return the odds ratio that expects the observed total: 0 or infinite at the ends of the support."""
        possible = np.isfinite(self.logs)
        below = (possible & (self.steps < 0)).any(axis=1)
        above = (possible & (self.steps > 0)).any(axis=1)

        def excess(tilt: FloatArray, index: FloatArray) -> FloatArray:
            rows = index.astype(np.intp)
            weights = self.weights(tilt, rows)
            mean: FloatArray = (weights * self.steps[rows]).sum(axis=1) / weights.sum(axis=1)
            return mean

        value = np.where(below & above, 1.0, np.where(above, 0.0, np.where(below, np.inf, np.nan)))
        inside = np.flatnonzero(below & above)
        value[inside] = self._solve(excess, inside, "the conditional odds ratio")
        return value

    def limits(self, level: float, *, mid: bool) -> tuple[FloatArray, FloatArray]:
        """Return the odds ratios at which the upper and the lower tail are half of alpha."""
        target = np.log((1 - level) / 2)
        possible = np.isfinite(self.logs)
        low, high = np.zeros(self.logs.shape[0]), np.full(self.logs.shape[0], np.inf)
        for limit, sign in ((low, 1.0), (high, -1.0)):
            searched = np.flatnonzero((possible & (sign * self.steps < 0)).any(axis=1))

            def excess(tilt: FloatArray, index: FloatArray, sign: float = sign) -> FloatArray:
                tail = self.log_tail(tilt, index.astype(np.intp), upper=sign > 0, mid=mid)
                value: FloatArray = sign * (tail - target)
                return value

            limit[searched] = self._solve(excess, searched, "the exact limit of the common odds ratio")
        return low, high

    def _solve(
        self, rising: Callable[[FloatArray, FloatArray], FloatArray], rows: NDArray[np.intp], what: str
    ) -> FloatArray:
        """Return the odds ratios at which a rising function of the tilt and the row is 0."""
        index = rows.astype(np.float64)
        # About the estimate the log odds ratio has the reciprocal of the total's standard deviation.
        weights, steps = np.exp(self.logs[rows]), self.steps[rows]
        mean = (weights * steps).sum(axis=1, keepdims=True)
        spread = np.sqrt((weights * (steps - mean) ** 2).sum(axis=1))
        with np.errstate(divide="ignore", over="ignore"):
            reach = np.minimum(2 * normal_quantile(0.9999) / spread + 2, _LOG_END)
        low, high = -reach, reach.copy()
        if rows.size:
            low[rising(low, index) > 0] = -_LOG_END
            high[rising(high, index) < 0] = _LOG_END
            tilt = find_root(rising, low, high, index, what=what)
        else:
            tilt = low
        with np.errstate(over="ignore"):
            ratio: FloatArray = np.exp(self.log_ratio[rows] + tilt)
        return ratio


def _distributions(strata: TwoByTwo) -> Iterator[tuple[NDArray[np.intp], _Sums]]:
    """Yield the distributions of replicates of similar width together, at most `_TERMS` terms at once."""
    count = strata.shape[-1]
    a, c = (part.reshape(-1, count) for part in (strata.exposed_cases, strata.control_cases))
    n1, n0 = (part.reshape(-1, count) for part in (strata.exposed_total, strata.control_total))
    # Sums with one half added are near enough, and finite.
    n = np.maximum(n1 + n0, 1.0)
    ratio = (a * (n0 - c) / n).sum(axis=1) + 0.5
    log_ratio = np.log(ratio / (((n1 - a) * c / n).sum(axis=1) + 0.5))
    first = np.maximum(a + c - n0, 0.0)
    last = np.minimum(n1, a + c)
    width = (last - first).sum(axis=1) + 1
    size = 1 << np.ceil(np.log2(width)).astype(np.int64)
    for group in np.unique(size):
        members = np.flatnonzero(size == group)
        step = max(1, _TERMS // int(group))
        for start in range(0, members.size, step):
            rows = members[start : start + step]
            logs, offset = _convolved(
                first[rows], last[rows], n1[rows], n0[rows], (a + c)[rows], log_ratio[rows]
            )
            observed = (a[rows] - first[rows]).sum(axis=1) - offset
            steps = np.arange(logs.shape[1]) - observed[:, np.newaxis]
            yield rows, _Sums(logs, steps, log_ratio[rows])


def _convolved(
    first: FloatArray,
    last: FloatArray,
    n1: FloatArray,
    n0: FloatArray,
    cases: FloatArray,
    log_ratio: FloatArray,
) -> tuple[FloatArray, int]:
    """Return log probabilities of the sum over strata, and how many leading totals were left out as 0."""
    total, offset = np.ones((first.shape[0], 1)), 0
    for k in range(first.shape[1]):
        one = _noncentral_hypergeometric(
            first[:, k, None], last[:, k, None], n1[:, k, None], n0[:, k, None], cases[:, k, None], log_ratio
        )
        total = _products(total, one)
        some = np.flatnonzero((total > 0).any(axis=0))
        offset += int(some[0])
        total = total[:, some[0] : some[-1] + 1]
    with np.errstate(divide="ignore"):
        return np.log(total), offset


def _noncentral_hypergeometric(
    first: FloatArray,
    last: FloatArray,
    n1: FloatArray,
    n0: FloatArray,
    cases: FloatArray,
    log_ratio: FloatArray,
) -> FloatArray:
    """Return the probabilities of a stratum's exposed cases from `first` on; 0 beyond `last`."""
    x = first + np.arange(int((last - first).max()))
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.log((n1 - x) * (cases - x)) - np.log((x + 1) * (n0 - cases + x + 1))
    logs = np.cumsum(np.where(x < last, step + log_ratio[:, np.newaxis], 0.0), axis=1)
    logs = np.concatenate([np.zeros_like(first), np.where(x < last, logs, -np.inf)], axis=1)
    terms = np.exp(logs - logs.max(axis=1, keepdims=True))
    probabilities: FloatArray = terms / terms.sum(axis=1, keepdims=True)
    return probabilities


def _products(one: FloatArray, other: FloatArray) -> FloatArray:
    """Convolve row by row; all terms are positive, so that sums keep their digits."""
    if one.shape[0] == 1:
        return np.convolve(one[0], other[0])[np.newaxis]
    longer, shorter = (one, other) if one.shape[1] >= other.shape[1] else (other, one)
    result = np.zeros((one.shape[0], longer.shape[1] + shorter.shape[1] - 1))
    for j in range(shorter.shape[1]):
        result[:, j : j + longer.shape[1]] += shorter[:, j, np.newaxis] * longer
    return result
