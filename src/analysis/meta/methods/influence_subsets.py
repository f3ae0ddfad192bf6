"""Many subsets of one meta-analysis, their masks packed as bits.

What the common-effect model needs of all subsets comes by doubling: the subsets with study j are those of the
studies before it, one study more. Weighted means and sums of squares are updated as Welford's are, without
differences of large sums, so that a million subsets cost as much as twenty passes over half of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.meta.heterogeneity import TAU2_METHODS, estimate_tau2
from analysis.meta.methods.weighted_model import Studies
from analysis.values.arguments import as_numbers, check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from analysis.values.arrays import FloatArray

    Bytes = NDArray[np.uint8]

__all__ = [
    "Moments",
    "all_moments",
    "all_subsets",
    "drawn_subsets",
    "moments_of",
    "pooled_means",
    "tau2_option",
]

# Elements of a block.
_BLOCK = 65_536


class Moments(NamedTuple):
    """Of every subset with weights 1/v: how many studies, Σw - Σw²/Σw, the mean and Cochran's Q."""

    n_studies: NDArray[np.uint16]
    trace: FloatArray
    mean: FloatArray
    q: FloatArray

    def typical_variance(self) -> FloatArray:
        """Return (n - 1)/tr(P), and 1 for a single study."""
        single = self.n_studies == 1
        variance: FloatArray = np.where(single, 1.0, self.n_studies - 1.0) / np.where(single, 1.0, self.trace)
        return variance


def tau2_option(tau2: str | float) -> tuple[str, float | None]:
    """Return the method, and the value where it is given; methods that need weights are none of these."""
    if isinstance(tau2, str):
        return check_choice(
            "tau2", tau2, (name for name in TAU2_METHODS if not name.startswith("GENQ"))
        ), None
    value = as_numbers("tau2", tau2)
    if value.ndim or not 0 <= value < np.inf:
        raise ValueError(f"`tau2` must be one number that is 0 or greater, or a method, but got {tau2!r}.")
    return "given", float(value)


def all_subsets(k: int) -> Bytes:
    """Return every subset but the empty one: bit j of number n says whether study j is in subset n - 1."""
    numbers = np.arange(1, 1 << k, dtype="<u4")
    return np.ascontiguousarray(numbers.view(np.uint8).reshape(-1, 4)[:, : (k + 7) // 8])


def drawn_subsets(k: int, count: int, generator: np.random.Generator) -> Bytes:
    """Return independent draws of subsets that are not empty, all equally likely."""
    width = (k + 7) // 8
    last = np.uint8((1 << (k - 8 * (width - 1))) - 1)
    drawn = np.empty((count, width), dtype=np.uint8)
    empty = np.arange(count)
    while empty.size:
        again = generator.integers(0, 256, (empty.size, width), dtype=np.uint8)
        again[:, -1] &= last
        drawn[empty] = again
        empty = empty[~again.any(axis=1)]
    return drawn


def _blocks(y: FloatArray, v: FloatArray, packed: Bytes) -> Iterator[tuple[slice, Studies]]:
    """Yield the subsets in blocks, with their positions."""
    k = y.size
    step = max(1, _BLOCK // k)
    effect, variance = y[:, np.newaxis], v[:, np.newaxis]
    for start in range(0, len(packed), step):
        block = slice(start, min(start + step, len(packed)))
        bits = np.unpackbits(packed[block], axis=1, count=k, bitorder="little")
        inside = np.ascontiguousarray(bits.T).view(np.bool_)
        yield block, Studies(np.where(inside, effect, 0.0), np.where(inside, variance, np.inf))


def all_moments(y: FloatArray, v: FloatArray) -> Moments:
    """Return the moments of all subsets, in the order of `all_subsets`."""
    size = 1 << y.size
    n_studies = np.zeros(size, dtype=np.uint16)
    # Σw, Σ of w_i w_j over pairs, mean and Q, from the empty subset on.
    total, pairs, mean, q = np.zeros((4, size))
    for j, (effect, weight) in enumerate(zip(y, 1 / v, strict=True)):
        old, new = slice(0, 1 << j), slice(1 << j, 2 << j)
        np.add(n_studies[old], 1, out=n_studies[new])
        np.add(total[old], weight, out=total[new])
        product = weight * total[old]
        np.add(pairs[old], product, out=pairs[new])
        change = effect - mean[old]
        np.add(mean[old], weight * change / total[new], out=mean[new])
        # Twice in a row, for a product of weights and squares could overflow where their ratio does not.
        change *= np.sqrt(product / total[new])
        change *= change
        np.add(q[old], change, out=q[new])
    trace = 2 * pairs[1:] / total[1:]
    return Moments(n_studies[1:], trace, mean[1:], q[1:])


def moments_of(y: FloatArray, v: FloatArray, packed: Bytes) -> Moments:
    """Return the moments of the given subsets."""
    n_studies = np.empty(len(packed), dtype=np.uint16)
    trace, mean, q = np.empty((3, len(packed)))
    for block, studies in _blocks(y, v, packed):
        weight = 1 / studies.variance
        total = weight.sum(axis=0)
        n_studies[block] = np.count_nonzero(weight, axis=0)
        # A difference that rounding may bring below 0 for one study.
        trace[block] = np.maximum(total - (weight * weight).sum(axis=0) / total, 0.0)
        mean[block] = (weight * studies.effect).sum(axis=0) / total
        q[block] = (weight * (studies.effect - mean[block]) ** 2).sum(axis=0)
    return Moments(n_studies, trace, mean, q)


def pooled_means(
    y: FloatArray, v: FloatArray, packed: Bytes, moments: Moments, method: str, given: float | None
) -> tuple[FloatArray, FloatArray]:
    """Return tau2 and the random-effects mean of every subset."""
    mean = np.empty(len(packed))
    if given is not None:
        tau2 = np.full(len(packed), given)
    elif method == "DL":
        df = moments.n_studies - 1.0
        tau2 = np.maximum(moments.q - df, 0.0) / np.where(df > 0, moments.trace, 1.0)
    else:
        tau2 = np.empty(len(packed))
    known = given is not None or method == "DL"
    for block, studies in _blocks(y, v, packed):
        if not known:
            tau2[block] = estimate_tau2(studies, method, first=block.start)
        weight = studies.variance
        weight += tau2[block]
        np.divide(1.0, weight, out=weight)
        total = weight.sum(axis=0)
        np.multiply(weight, studies.effect, out=weight)
        mean[block] = weight.sum(axis=0) / total
    return tau2, mean
