"""P-values of exact unconditional tests, of two proportions and of pairs.

A statistic is compared with its distribution over all tables of the same size; what is unknown under no
effect (the common risk, the share of discordant pairs) is chosen to make the P-value largest, within an
interval whose level is made up for (Berger and Boos).

References
----------
Suissa S, Shuster JJ (1985). Exact unconditional sample sizes for the 2x2 binomial trial. J R Stat Soc A
148:317-327. (Citation not verified.)

Suissa S, Shuster JJ (1991). The 2x2 matched-pairs trial: exact unconditional design and analysis. Biometrics
47:361-372. (Citation not verified.)

Berger RL, Boos DD (1994). P values maximized over a confidence set for the nuisance parameter. J Am Stat
Assoc 89:1012-1016. (Citation not verified.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import BoolArray, FloatArray

__all__ = ["paired_pvalue", "two_proportions_pvalue"]

# Tables at a time are chosen so that an array has about this many elements.
_ELEMENTS = 2_000_000
# Statistics that differ by less are those of equally extreme tables.
_TIE = 1e-9
_STEPS = 40


def two_proportions_pvalue(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, *, gamma: float = 1e-4
) -> FloatArray:
    """Return the P-value of Pearson's statistic of 2x2 tables over binomial counts in both rows.

    Parameters
    ----------
    a, b, c, d : ndarray
        Cells; rows are the groups. Whole counts.
    gamma : float, default 1e-4
        The common risk is searched in Clopper and Pearson's interval of level 1 - gamma, and gamma is added
        to the P-value; 0 searches everywhere (Suissa and Shuster).

    Returns
    -------
    ndarray
        1 where all or none are cases, or a group is empty.
    """
    cells = [np.asarray(part, dtype=np.float64) for part in np.broadcast_arrays(a, b, c, d)]

    def tails(parts: list[FloatArray], cases: FloatArray) -> FloatArray:
        # Given all cases the statistic is as large as observed where the exposed ones are this far from their
        # mean, by the hypergeometric law.
        a, b, c, d = (part[:, None] for part in parts)
        n1, n0, total = a + b, c + d, a + b + c + d
        observed = np.abs(a * d - b * c) / np.sqrt(n1 * n0 * (a + c) * (b + d))
        mean = cases * n1 / total
        apart = observed * (1 - _TIE) * np.sqrt(n1 * n0 * cases * (total - cases)) / total
        first = np.arange(n1.max() + 1)
        extreme = np.abs(first - mean[..., None]) >= apart[..., None]
        others = cases[:, None] - first
        possible = (first <= n1[..., None]) & (others >= 0) & (others <= n0[..., None])
        probability = np.exp(
            _log_choose(n1[..., None], first)
            + _log_choose(n0[..., None], others)
            - _log_choose(total, cases)[..., None]
        )
        tail = np.where(extreme & possible, probability, 0.0).sum(axis=-1)
        return np.where((cases > 0) & (cases < total), tail, 0.0)

    total, cases = sum(cells[1:], cells[0]), cells[0] + cells[2]
    trivial = (cells[0] * cells[3] == cells[1] * cells[2]) | (cases == 0) | (cases == total)
    return _largest(cells, total, cases, tails, trivial, gamma)


def paired_pvalue(b: FloatArray, c: FloatArray, n: FloatArray, *, gamma: float = 1e-4) -> FloatArray:
    """Return the P-value of McNemar's statistic over the multinomial counts of n pairs.

    Parameters
    ----------
    b, c : ndarray
        Discordant pairs of either kind. Whole counts.
    n : ndarray
        All pairs.
    gamma : float, default 1e-4
        As in `two_proportions_pvalue`, for the share of discordant pairs.

    Returns
    -------
    ndarray
        1 where both kinds are equally many.
    """
    counts = [np.asarray(part, dtype=np.float64) for part in np.broadcast_arrays(b, c, n)]

    def tails(parts: list[FloatArray], discordant: FloatArray) -> FloatArray:
        # Given the discordant pairs either kind is as likely.
        b, c, n = (part[:, None] for part in parts)
        observed = np.abs(b - c) / np.sqrt(b + c)
        fewer = np.floor((discordant - observed * (1 - _TIE) * np.sqrt(discordant)) / 2)
        more = np.clip(discordant, 0, n) - fewer
        tail = np.where(fewer >= 0, 2 * special.betainc(more, fewer + 1, 0.5), 0.0)
        return np.where(discordant > 0, tail, 0.0)

    discordant = counts[0] + counts[1]
    return _largest(counts, counts[2], discordant, tails, counts[0] == counts[1], gamma)


def _largest(
    counts: list[FloatArray],
    total: FloatArray,
    events: FloatArray,
    tails: Callable[[list[FloatArray], FloatArray], FloatArray],
    trivial: BoolArray,
    gamma: float,
) -> FloatArray:
    """Return the largest mean of the tails given the events, over their binomial probability, plus gamma."""
    pvalue = np.ones(total.size)
    searched = np.flatnonzero(~trivial.ravel())
    if not searched.size:
        return pvalue.reshape(total.shape)
    most = int(total.max())
    points = max(256, int(16 * np.sqrt(most)))
    chunk = max(1, _ELEMENTS // ((most + 1) * max(points, most)))
    flat = [part.ravel() for part in counts]
    for start in range(0, searched.size, chunk):
        which = searched[start : start + chunk]
        size, seen = total.ravel()[which], events.ravel()[which]
        support = np.arange(most + 1.0)
        with np.errstate(all="ignore"):
            tail = np.where(
                support <= size[:, None], np.nan_to_num(tails([part[which] for part in flat], support)), 0.0
            )
        # On the arcsine scale the probability varies equally fast everywhere.
        low = np.arcsin(np.sqrt(np.where(seen > 0, _clopper_pearson(seen, size, gamma / 2), 0.0)))
        high = np.arcsin(np.sqrt(np.where(seen < size, _clopper_pearson(seen + 1, size, 1 - gamma / 2), 1.0)))
        angles = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
        values = _mean_tail(angles, size, tail)
        pvalue[which] = np.minimum(_refined(angles, values, size, tail) + gamma, 1.0)
    return pvalue.reshape(total.shape)


def _clopper_pearson(events: FloatArray, total: FloatArray, share: float) -> FloatArray:
    limit: FloatArray = special.betaincinv(
        np.maximum(events, 1.0), np.maximum(total - events + 1, 1.0), share
    )
    return limit


def _log_choose(n: FloatArray, k: FloatArray) -> FloatArray:
    """Return the logarithm of a binomial coefficient; of no matter outside 0 <= k <= n."""
    k = np.clip(k, 0.0, n)
    logarithm: FloatArray = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return logarithm


def _mean_tail(angles: FloatArray, total: FloatArray, tail: FloatArray) -> FloatArray:
    """Return the mean tail at squared sines of angles, of shape (tables, points)."""
    support, size = np.arange(float(tail.shape[1])), total[:, None, None]
    share = np.clip(np.sin(angles) ** 2, 0.0, 1.0)[:, :, None]
    with np.errstate(all="ignore"):
        logarithm = (
            _log_choose(size, support)
            + special.xlogy(support, share)
            + special.xlog1py(np.maximum(size - support, 0.0), -share)
        )
        mean: FloatArray = np.einsum("tpm,tm->tp", np.exp(logarithm), tail)
    return mean


def _refined(angles: FloatArray, values: FloatArray, total: FloatArray, tail: FloatArray) -> FloatArray:
    """Return the maxima by golden section around the four highest points of the grid."""
    edges = np.pad(values, ((0, 0), (1, 1)), constant_values=-np.inf)
    peaks = np.where((values >= edges[:, :-2]) & (values >= edges[:, 2:]), values, -np.inf)
    best = np.argsort(peaks, axis=1)[:, -4:]
    last = angles.shape[1] - 1
    low = np.take_along_axis(angles, np.maximum(best - 1, 0), 1)
    high = np.take_along_axis(angles, np.minimum(best + 1, last), 1)
    golden = (np.sqrt(5) - 1) / 2
    top = values.max(axis=1)
    for _ in range(_STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        at_left, at_right = _mean_tail(left, total, tail), _mean_tail(right, total, tail)
        top = np.maximum(top, np.maximum(at_left, at_right).max(axis=1))
        rises = at_left < at_right
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    return np.asarray(top)
