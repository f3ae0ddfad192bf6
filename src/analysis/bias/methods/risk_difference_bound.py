"""The least and the largest risk difference that confounding of a given bounding factor leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.measures.methods.roots import find_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["LARGEST", "Risks", "factor_for_difference", "factor_for_limit", "lowered", "raised", "risks_of"]

# No bounding factor beyond this is looked for: no confounder is so strong.
LARGEST = 1e12


class Risks(NamedTuple):
    """Risks with their binomial variances, the share of the exposed and the number of persons."""

    exposed: FloatArray
    control: FloatArray
    exposed_variance: FloatArray
    control_variance: FloatArray
    share: FloatArray
    persons: FloatArray

    def turned(self) -> Risks:
        """Exchange exposed and controls, which changes the sign of the difference."""
        return Risks(
            self.control,
            self.exposed,
            self.control_variance,
            self.exposed_variance,
            1 - self.share,
            self.persons,
        )


def risks_of(table: TwoByTwo) -> Risks:
    """Return the risks of the tables."""
    p1, p0 = table.exposed_cases / table.exposed_total, table.control_cases / table.control_total
    persons = table.exposed_total + table.control_total
    return Risks(
        p1,
        p0,
        p1 * (1 - p1) / table.exposed_total,
        p0 * (1 - p0) / table.control_total,
        table.exposed_total / persons,
        persons,
    )


def lowered(factor: FloatArray, risks: Risks) -> tuple[FloatArray, FloatArray]:
    """Return the least standardized risk difference under a bounding factor, and its variance.

    (p1 - B p0)(f + (1 - f)/B): among the exposed (share f) the risk without exposure is at most B p0, among
    the others that with exposure at least p1/B.
    """
    gap = risks.exposed - factor * risks.control
    weight = risks.share + (1 - risks.share) / factor
    variance = (risks.exposed_variance + factor**2 * risks.control_variance) * weight**2
    variance += gap**2 * (1 - 1 / factor) ** 2 * risks.share * (1 - risks.share) / risks.persons
    return gap * weight, variance


def raised(factor: FloatArray, risks: Risks) -> tuple[FloatArray, FloatArray]:
    """Return the largest standardized risk difference under a bounding factor, and its variance."""
    value, variance = lowered(factor, risks.turned())
    return -value, variance


def factor_for_difference(risks: Risks, true: FloatArray) -> FloatArray:
    """Return the bounding factor that lowers the difference to the true one; 1 where it is not above it.

    The positive root of p0 f B² + (t + p0(1 - f) - p1 f) B - p1(1 - f) = 0; infinite where no factor does.
    """
    p1, p0, f = risks.exposed, risks.control, risks.share
    linear = true + p0 * (1 - f) - p1 * f
    constant = p1 * (1 - f)
    square = p0 * f
    root = np.sqrt(linear**2 + 4 * square * constant)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(linear > 0, 2 * constant / (linear + root), (root - linear) / (2 * square))
    return np.where(p1 - p0 <= true, 1.0, np.maximum(factor, 1.0))


def factor_for_limit(risks: Risks, true: FloatArray, z: float) -> FloatArray:
    """Return the factor at which the lowered difference has the true one as lower limit; 1 if it has now."""

    def limit(factor: FloatArray, goal: FloatArray, *parts: FloatArray) -> FloatArray:
        value, variance = lowered(factor, Risks(*parts))
        return np.asarray(value - z * np.sqrt(variance) - goal)

    return root_of_limit(limit, np.minimum(factor_for_difference(risks, true), LARGEST), true, risks)


def root_of_limit(
    limit: Callable[..., FloatArray], most: FloatArray, true: FloatArray, *groups: Risks
) -> FloatArray:
    """Return the factor in [1, `most`] at which a limit reaches the true value.

    1 if it is below at 1; infinite if it is above at `most`, for then no confounder is strong enough.
    """
    parts = [part for group in groups for part in group]
    arrays = np.broadcast_arrays(most, true, *parts)
    shape = arrays[0].shape
    flat = [np.asarray(array, dtype=np.float64).ravel() for array in arrays]
    with np.errstate(all="ignore"):
        at_one, at_most = (limit(end, flat[1], *flat[2:]) for end in (np.ones_like(flat[0]), flat[0]))
    # Where `most` is the factor of the estimate itself, rounding can leave its limit just above.
    never = (at_most > 0) & (flat[0] >= LARGEST)
    result = np.where(np.isnan(at_one), np.nan, np.where(never, np.inf, 1.0))
    open_ = (at_one > 0) & ~never
    if open_.any():
        kept = [array[open_] for array in flat]
        result[open_] = find_root(
            limit, np.ones_like(kept[0]), kept[0], *kept[1:], what="the bounding factor of the limit"
        )
    return result.reshape(shape)
