"""What a user says about selection, checked and turned into features and starting values.

Steps become intervals of z and columns of 0 and 1; see `selection_weights` for the smooth weights.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.meta.methods.selection_fit import Bounds
from analysis.meta.methods.selection_integral import smooth_nodes
from analysis.meta.methods.selection_likelihood import Intervals, Smooth
from analysis.meta.methods.selection_weights import WEIGHTS
from analysis.values.arguments import as_numbers, as_positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = [
    "check_precision",
    "check_range",
    "check_steps",
    "check_tau2",
    "intervals_of_z",
    "names_of_steps",
    "smooth_bounds",
    "smooth_weight",
    "step_weight",
]

# Weights from a millionth to a million: beyond, the studies no longer say which.
_LOG_WEIGHT = float(np.log(1e6))
_LARGEST = 1e4
_SMALLEST_P = 1e-5


def check_steps(steps: Sequence[float]) -> tuple[float, ...]:
    """Return the upper ends of the intervals; the last is 1."""
    cuts = np.atleast_1d(as_numbers("steps", steps))
    fault = ~((cuts > 0) & (cuts < 1)) | (np.diff(cuts, prepend=0.0) <= 0)
    if cuts.ndim != 1 or not cuts.size or fault.any():
        index = int(fault.argmax()) if fault.any() else 0
        got = f"{cuts.ravel()[index]:g} at index {index}" if cuts.size else "none"
        raise ValueError(f"`steps` must be P-values between 0 and 1 that increase, but got {got}.")
    return (*(float(cut) for cut in cuts), 1.0)


def names_of_steps(cuts: tuple[float, ...]) -> tuple[str, ...]:
    """Return a name for every interval after the first."""
    return tuple(
        f"weight of P > {low:g}" if high == 1 else f"weight of {low:g} < P ≤ {high:g}"
        for low, high in pairwise(cuts)
    )


def step_weight(
    cuts: tuple[float, ...],
    counts: FloatArray,
    fixed: Sequence[float] | None,
    shape: tuple[int, ...],
    *,
    decreasing: bool,
) -> tuple[FloatArray, Bounds]:
    """Return the features of the intervals, (J, d), and what is to be estimated."""
    number = len(cuts)
    if fixed is not None:
        weights = as_positive("fixed_weights", fixed)
        if weights.shape != (number,) or weights[0] != 1:
            raise ValueError(
                f"`fixed_weights` must hold {number} weights, one an interval of `steps`, the first being 1, "
                f"but got {weights.tolist()}."
            )
        if decreasing:
            raise ValueError("`decreasing` has no place beside `fixed_weights`.")
        one = np.ones(1)
        return np.log(weights)[:, None], Bounds(names=("given",), lower=one, upper=one, starts=one[None])
    d = number - 1
    names = names_of_steps(cuts)
    if decreasing:
        features = -np.tri(number, d, -1)
        return features, Bounds(
            names=names,
            lower=np.zeros(d),
            upper=np.full(d, _LOG_WEIGHT),
            starts=np.stack([np.full(d, total / d) for total in (0.05, 0.4, 1.2, 3.0)]),
        )
    empty = counts == 0
    if empty.any():
        row, column = (int(i) for i in np.argwhere(empty)[0])
        where = f" (replicate {row}, counted flat)" if shape else ""
        low = (0.0, *cuts)[column]
        raise ValueError(
            f"`steps` must leave a P-value in every interval, but there is none in {low:g} < P <= "
            f"{cuts[column]:g}{where}: the weight of that interval could be anything. Merge it with a "
            "neighbour, or use decreasing=True or fixed_weights=."
        )
    features = np.eye(number)[:, 1:]
    slope = np.linspace(0.5, 1.0, d) if d > 1 else np.ones(1)
    return features, Bounds(
        names=names,
        lower=np.full(d, -_LOG_WEIGHT),
        upper=np.full(d, _LOG_WEIGHT),
        starts=np.stack([scale * slope for scale in (0.0, -0.5, -1.5, 0.7, -3.0)]),
    )


def intervals_of_z(cuts: tuple[float, ...], features: FloatArray, *, two_sided: bool) -> Intervals:
    """Return the intervals of z that the steps make: from high z, where P is small, to low."""
    sides = 2 if two_sided else 1
    ends = np.concatenate(([np.inf], -special.ndtri(np.asarray(cuts) / sides)))
    ends[-1] = 0.0 if two_sided else -np.inf
    if not two_sided:
        return Intervals(low=ends[1:], high=ends[:-1], features=features)
    return Intervals(
        low=np.concatenate((ends[1:], -ends[:-1])),
        high=np.concatenate((ends[:-1], -ends[1:])),
        features=np.concatenate((features, features)),
    )


def smooth_weight(name: str, *, two_sided: bool, range_: tuple[float, float]) -> Smooth:
    """Return a smooth weight with the nodes of its integral."""
    function = WEIGHTS[name]
    return Smooth(
        name=name,
        function=function,
        nodes=smooth_nodes(function, two_sided=two_sided, range_=range_),
        two_sided=two_sided,
        settles=function.settles or (range_[0] > 0 and range_[1] < 1),
    )


def smooth_bounds(name: str) -> Bounds:
    """Return what is to be estimated of a smooth weight: δ less its value without selection."""
    function = WEIGHTS[name]
    d = len(function.names)
    # An exponent a of p^(a-1) must be greater than 0.
    lower = np.full(d, -1 + 1e-9 if name == "beta" else 0.0)
    return Bounds(
        names=function.names,
        lower=lower,
        upper=np.full(d, _LARGEST),
        starts=np.asarray(function.starts) - function.none,
    )


def check_tau2(tau2: str | float) -> float | None:
    """Return the given variance, None for maximum likelihood."""
    if isinstance(tau2, str):
        if tau2 != "ML":
            raise ValueError(f"`tau2` must be 'ML' or a number of at least 0, but got {tau2!r}.")
        return None
    if isinstance(tau2, bool) or not 0 <= tau2 < np.inf:
        raise ValueError(f"`tau2` must be 'ML' or a number of at least 0, but got {tau2!r}.")
    return float(tau2)


def check_range(p_range: tuple[float, float] | None) -> tuple[float, float]:
    """Return the range within which a weight changes."""
    if p_range is None:
        return _SMALLEST_P, 1 - _SMALLEST_P
    ends = as_numbers("p_range", p_range)
    if ends.shape != (2,) or not 0 <= ends[0] < ends[1] <= 1:
        raise ValueError(f"`p_range` must be two P-values that increase, from 0 to 1, but got {p_range!r}.")
    return float(ends[0]), float(ends[1])


def check_precision(precision: ArrayLike | None, weights: str, shape: tuple[int, ...]) -> FloatArray:
    """Return the scale of the selection parameter for every study, shape (r, k)."""
    if precision is None:
        return np.ones(shape).reshape(-1, shape[-1])
    if weights in {"step", "beta"}:
        raise ValueError(f"`precision` has no place in weights={weights!r}.")
    values = as_positive("precision", precision)
    try:
        return np.broadcast_to(values, shape).reshape(-1, shape[-1])
    except ValueError:
        raise ValueError(
            f"`precision` must broadcast to the shape {shape} of the effects, but has shape {values.shape}."
        ) from None
