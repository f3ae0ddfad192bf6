"""The odds ratio given all margins: exact, mid-P and Baptista-Pike limits, and the conditional estimate.

Given its margins the first cell of a 2x2 table follows Fisher's noncentral hypergeometric distribution. Tail
sums are taken outward from the observed cell in ratios of neighbouring terms, so that they keep their digits
for any counts. The public function is `association.odds_ratio`.

References
----------
Cornfield J (1956). A statistical problem arising from retrospective studies. Proc. Third Berkeley Symp. Math.
Stat. Probab. 4:135-148.

Baptista J, Pike MC (1977). Algorithm AS 115: exact two-sided confidence limits for the odds ratio in a 2x2
table. J R Stat Soc C 26:214-220.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.measures.methods.roots import find_root
from analysis.measures.methods.score import LOG_END

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

    Limits = tuple[FloatArray, FloatArray]

__all__ = [
    "baptista_pike_limits",
    "baptista_pike_pvalue",
    "central_limits",
    "central_pvalue",
    "conditional_odds_ratio",
]

# Terms held at once, 32 MB.
_TERMS = 4_000_000
# More cells than these in a tail are not walked one by one from its end.
_WIDE = 128


@dataclass(frozen=True, slots=True, eq=False)
class _Support:
    """Tables of similar width: log of every possible term over the observed one, outward on either side.

    `up[i, j]` belongs to the cell x + j, `down[i, j]` to x - j; minus infinity beyond the margins.
    """

    up: FloatArray
    down: FloatArray

    def sums(self, log_ratio: FloatArray, rows: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return the logs of the sums of terms above and below the observed cell, it included, over it."""
        steps = np.arange(self.up.shape[1])
        slope = log_ratio[:, None] * steps
        return _log_sum(self.up[rows] + slope), _log_sum(self.down[rows] - slope)


def _log_sum(logs: FloatArray) -> FloatArray:
    top = logs.max(axis=1)
    total: FloatArray = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    return total


def _supports(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, *, to_null: bool = False
) -> list[tuple[NDArray[np.intp], _Support]]:
    """Group flat tables by the width of their support, at most `_TERMS` terms a group.

    The support reaches 16 standard deviations from the observed cell; `to_null`: and as far beyond
    the cell that an odds ratio of 1 expects.
    """
    upper, lower = np.minimum(b, c), np.minimum(a, d)
    n1, n0, cases, rest = a + b, c + d, a + c, b + d
    # No more than 16 standard deviations matter, and the variance is at most a quarter of a margin.
    enough = 16 * np.sqrt(np.minimum.reduce([n1, n0, cases, rest]) / 4) + 64
    if to_null:
        with np.errstate(invalid="ignore"):
            enough += np.nan_to_num(np.abs(a - n1 * cases / (n1 + n0)))
    width = np.minimum(np.maximum(upper, lower), np.ceil(enough)).astype(np.int64) + 1
    size = 1 << np.ceil(np.log2(width)).astype(np.int64)
    groups = []
    for step in np.unique(size):
        members = np.flatnonzero(size == step)
        rows = max(1, _TERMS // int(step))
        for start in range(0, members.size, rows):
            part = members[start : start + rows]
            j = np.arange(int(width[part].max()) - 1, dtype=np.float64)
            aa, bb, cc, dd = (array[part, None] for array in (a, b, c, d))
            with np.errstate(divide="ignore", invalid="ignore"):
                up = np.log((bb - j) * (cc - j)) - np.log((aa + j + 1) * (dd + j + 1))
                down = np.log((aa - j) * (dd - j)) - np.log((bb + j + 1) * (cc + j + 1))
            groups.append(
                (part, _Support(_outward(up, j < upper[part, None]), _outward(down, j < lower[part, None])))
            )
    return groups


def _outward(steps: FloatArray, inside: NDArray[np.bool_]) -> FloatArray:
    terms = np.cumsum(np.where(inside, steps, 0.0), axis=1)
    terms = np.where(inside, terms, -np.inf)
    return np.concatenate([np.zeros((steps.shape[0], 1)), terms], axis=1)


def _log_upper_tail(up: FloatArray, down: FloatArray, *, mid: bool) -> FloatArray:
    """Return log P(X >= x), or of that with half of P(X = x)."""
    # up + down counts the observed term twice; all over the larger, so that nothing overflows.
    top = np.maximum(up, down)
    whole = np.log(np.exp(up - top) + np.exp(down - top) - np.exp(-top)) + top
    tail = up if not mid else up + np.log1p(-0.5 * np.exp(-up))
    logs: FloatArray = np.minimum(tail - whole, 0.0)
    return logs


def central_limits(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, level: float, *, mid: bool
) -> Limits:
    """Return the odds ratios at which either tail is half of alpha.

    The lower limit is 0 where no smaller first cell is possible, the upper infinite where no larger is.
    """
    low = _lower_limits(a, b, c, d, level, mid=mid)
    with np.errstate(divide="ignore"):
        # Swapping the groups turns the upper tail into the lower one and the ratio upside down.
        high = 1 / _lower_limits(c, d, a, b, level, mid=mid)
    return low, high


def _lower_limits(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, level: float, *, mid: bool
) -> FloatArray:
    shape, flat = a.shape, [array.ravel() for array in (a, b, c, d)]
    target = np.log((1 - level) / 2)
    limit = np.zeros(flat[0].size)
    searched = np.flatnonzero(np.minimum(flat[0], flat[3]) > 0)
    for part, support in _supports(*(array[searched] for array in flat)):

        def excess(log_ratio: FloatArray, rows: FloatArray, s: _Support = support) -> FloatArray:
            up, down = s.sums(log_ratio, rows.astype(np.intp))
            return _log_upper_tail(up, down, mid=mid) - float(target)

        start = _centre(*(array[searched[part]] for array in flat))
        limit[searched[part]] = np.exp(_root_from(excess, start, "the exact limit of the odds ratio"))
    return limit.reshape(shape)


def _centre(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where the log odds ratio lies, and how far from it its limits may."""
    cells = np.stack([a, b, c, d]) + 0.5
    middle = np.log(cells[0]) + np.log(cells[3]) - np.log(cells[1]) - np.log(cells[2])
    return middle, np.sqrt((1 / cells).sum(axis=0))


def _root_from(
    function: Callable[[FloatArray, FloatArray], FloatArray],
    centre: tuple[FloatArray, FloatArray],
    what: str,
) -> FloatArray:
    """Return the root of a rising function of the log ratio, one a row; the bracket widens as needed."""
    middle, reach = centre
    rows = np.arange(middle.size, dtype=np.float64)
    low, high = middle - 4 * reach - 1, middle + 2 * reach + 1
    with np.errstate(all="ignore"):
        for ends, sign in ((low, 1.0), (high, -1.0)):
            width = reach + 1
            while True:
                inside = sign * function(ends, rows) <= 0
                if inside.all() or (np.abs(ends) >= LOG_END).all():
                    break
                width = 2 * width
                ends[~inside] = np.clip((ends - sign * width)[~inside], -LOG_END, LOG_END)
    return find_root(function, low, high, rows, what=what)


def central_pvalue(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, *, mid: bool) -> FloatArray:
    """Return twice the smaller tail at an odds ratio of 1, at most 1: the P-value of the central interval."""
    shape, flat = a.shape, [array.ravel() for array in (a, b, c, d)]
    pvalue = np.ones(flat[0].size)
    for part, support in _supports(*flat, to_null=True):
        up, down = support.sums(np.zeros(part.size), np.arange(part.size))
        tails = np.minimum(_log_upper_tail(up, down, mid=mid), _log_upper_tail(down, up, mid=mid))
        pvalue[part] = np.minimum(1.0, 2 * np.exp(tails))
    return pvalue.reshape(shape)


def conditional_odds_ratio(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Return the conditional maximum-likelihood estimate: the odds ratio that expects the observed cell."""
    shape, flat = a.shape, [array.ravel() for array in (a, b, c, d)]
    up, down = np.minimum(flat[1], flat[2]) > 0, np.minimum(flat[0], flat[3]) > 0
    estimate = np.where(up & down, 1.0, np.where(up, 0.0, np.where(down, np.inf, np.nan)))
    searched = np.flatnonzero(up & down)
    for part, support in _supports(*(array[searched] for array in flat)):

        def excess(log_ratio: FloatArray, rows: FloatArray, s: _Support = support) -> FloatArray:
            index = rows.astype(np.intp)
            steps = np.arange(s.up.shape[1], dtype=np.float64)
            slope = log_ratio[:, None] * steps
            upward, downward = s.up[index] + slope, s.down[index] - slope
            top = np.maximum(upward.max(axis=1), downward.max(axis=1))[:, None]
            weight_up, weight_down = np.exp(upward - top), np.exp(downward - top)
            expected = ((weight_up - weight_down) * steps).sum(axis=1)
            deviation: FloatArray = expected / (weight_up + weight_down).sum(axis=1)
            return deviation

        start = _centre(*(array[searched[part]] for array in flat))
        estimate[searched[part]] = np.exp(_root_from(excess, start, "the conditional odds ratio"))
    return estimate.reshape(shape)


def baptista_pike_limits(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, level: float, *, mid: bool
) -> Limits:
    """Return the ends of the odds ratios whose acceptability exceeds alpha.

    Acceptability is the probability of all cells that are no more probable than the observed one; mid-P
    halves those as probable. It jumps where a cell of the other tail becomes as improbable.
    """
    low = _baptista_pike_lower(a, b, c, d, level, mid=mid)
    with np.errstate(divide="ignore"):
        return low, 1 / _baptista_pike_lower(c, d, a, b, level, mid=mid)


def _baptista_pike_lower(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, level: float, *, mid: bool
) -> FloatArray:
    shape, flat = a.shape, [array.ravel() for array in (a, b, c, d)]
    alpha = 1 - level
    limit = np.zeros(flat[0].size)
    searched = np.flatnonzero(np.minimum(flat[0], flat[3]) > 0)
    for part, support in _supports(*(array[searched] for array in flat)):
        limit[searched[part]] = np.exp(_first_acceptable(support, alpha, mid=mid))
    return limit.reshape(shape)


def _first_acceptable(support: _Support, alpha: float, *, mid: bool) -> FloatArray:
    """Walk up the log odds ratio from one jump of the acceptability to the next until it exceeds alpha.

    The cells of the lower tail join from the farthest (the smallest possible cell) inward. Between jumps the
    acceptability is 1 minus the probability of the cells strictly between, which falls and then rises: in a
    piece that begins at or below alpha it exceeds alpha, if at all, from one root on.
    """
    farthest = np.isfinite(support.down).sum(axis=1) - 1  # cells below the observed one
    rows = np.arange(farthest.size)
    result = np.full(farthest.size, np.nan)
    open_ = rows
    what = "the Baptista-Pike limit of the odds ratio"
    start = np.full(farthest.size, -LOG_END)
    joined = farthest + 1  # the nearest cell that has joined, in steps below; one beyond is none
    wide = np.flatnonzero(farthest > _WIDE)
    if wide.size:
        joined[wide] = np.minimum(_nearest_at_crossing(support, wide, alpha, mid=mid) + _WIDE, joined[wide])
        started = np.minimum(joined[wide], farthest[wide])
        start[wide] = np.where(joined[wide] > farthest[wide], -LOG_END, support.down[wide, started] / started)
    with np.errstate(all="ignore"):
        while open_.size:
            following = joined[open_] - 1
            last = following < 1  # no cell is left to join: acceptability rises to 1
            # The next cell is as probable as the observed one where its term over the observed is 1.
            jump = np.where(
                last, LOG_END, support.down[open_, np.maximum(following, 1)] / np.maximum(following, 1)
            )
            jump = np.maximum(jump, start[open_])
            nearest = joined[open_].astype(np.float64)
            before = _acceptability(support, jump, open_, nearest, mid=mid)
            after = _acceptability(support, jump, open_, np.maximum(following, 1).astype(np.float64), mid=mid)
            rooted = before > alpha
            if rooted.any():
                which = open_[rooted]
                result[which] = find_root(
                    lambda x, r, k: _acceptability(support, x, r.astype(np.intp), k, mid=mid) - alpha,
                    start[which],
                    jump[rooted],
                    which.astype(np.float64),
                    nearest[rooted],
                    what=what,
                )
            jumped = ~rooted & (after > alpha) & ~last
            result[open_[jumped]] = jump[jumped]
            go_on = ~rooted & ~jumped
            start[open_[go_on]] = jump[go_on]
            joined[open_[go_on]] -= 1
            open_ = open_[go_on]
    return result


def _nearest_at_crossing(
    support: _Support, rows: NDArray[np.intp], alpha: float, *, mid: bool
) -> NDArray[np.intp]:
    """Return the nearest cell below that has joined where acceptability crosses alpha, not at which crossing.

    The jumps of a wide support are small, so the first crossing is not far, and the walk starts before it.
    """
    steps = np.arange(support.up.shape[1], dtype=np.float64)

    def nearest(log_ratio: FloatArray, index: NDArray[np.intp]) -> NDArray[np.intp]:
        no_more = support.down[index] - log_ratio[:, None] * steps <= 0
        no_more[:, 0] = False
        first: NDArray[np.intp] = np.where(no_more.any(axis=1), no_more.argmax(axis=1), steps.size)
        return first

    def excess(log_ratio: FloatArray, index: FloatArray) -> FloatArray:
        row = index.astype(np.intp)
        joined = nearest(log_ratio, row).astype(np.float64)
        return _acceptability(support, log_ratio, row, joined, mid=mid) - alpha

    # Below the most probable odds ratio, where the cells next to the observed one begin to be less probable.
    end = support.down[rows, 1] - 1e-9
    what = "the Baptista-Pike limit of the odds ratio"
    crossing = find_root(
        excess, np.full(rows.size, -LOG_END), end, rows.astype(np.float64), what=what, tolerance=1e-9
    )
    return nearest(crossing, rows)


def _acceptability(
    support: _Support, log_ratio: FloatArray, rows: NDArray[np.intp], nearest: FloatArray, *, mid: bool
) -> FloatArray:
    """Return the probability of the cells from the observed one up and of those `nearest` or more below."""
    steps = np.arange(support.up.shape[1], dtype=np.float64)
    slope = log_ratio[:, None] * steps
    up, down = support.up[rows] + slope, support.down[rows] - slope
    top = np.maximum(up.max(axis=1), down.max(axis=1))[:, None]
    up, down = np.exp(up - top), np.exp(down - top)
    observed = up[:, 0]
    tail = np.where(steps >= nearest[:, None], down, 0.0).sum(axis=1)
    accepted: FloatArray = (up.sum(axis=1) + tail - (0.5 * observed if mid else 0.0)) / (
        up.sum(axis=1) + down.sum(axis=1) - observed
    )
    return accepted


def baptista_pike_pvalue(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, *, mid: bool
) -> FloatArray:
    """Return the acceptability of an odds ratio of 1."""
    shape, flat = a.shape, [array.ravel() for array in (a, b, c, d)]
    pvalue = np.ones(flat[0].size)
    for part, support in _supports(*flat, to_null=True):
        terms = np.concatenate([support.up, support.down[:, 1:]], axis=1)
        weight = np.exp(terms - terms.max(axis=1, keepdims=True))
        # A cell of equal probability counts, whatever the last bits of its product say.
        equal = np.abs(terms) <= 1e-9
        no_more = np.where((terms < 0) | equal, weight, 0.0).sum(axis=1)
        less = np.where((terms < 0) & ~equal, weight, 0.0).sum(axis=1)
        pvalue[part] = (less + 0.5 * (no_more - less) if mid else no_more) / weight.sum(axis=1)
    return np.minimum(pvalue, 1.0).reshape(shape)
