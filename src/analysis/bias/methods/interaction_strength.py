"""The E-value of an additive interaction: how strong confounding in the strata would have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.risk_difference_bound import (
    LARGEST,
    Risks,
    lowered,
    raised,
    risks_of,
    root_of_limit,
)
from analysis.bias.methods.strength import equal_strengths
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level
from analysis.values.counts import TwoByTwo
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import ArrayLike

    from analysis.values.arrays import FloatArray

__all__ = ["InteractionEValue", "interaction_e_value", "interaction_factors"]

_PARTS = len(Risks._fields)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InteractionEValue(Framed):
    """E-values of an additive interaction.

    Parameters
    ----------
    contrast : ndarray
        Risk difference of the second stratum minus that of the first, as observed.
    factor, limit_factor : ndarray
        Bias factor that brings the contrast, and its confidence limit, to the true value.
    value, limit : ndarray
        Their E-values; 1 where nothing is needed, infinite where no confounding is enough.
    direction : str
        Which confounding was allowed.
    true : ndarray
        The true contrast that was asked about.
    """

    contrast: FloatArray
    factor: FloatArray
    limit_factor: FloatArray
    value: FloatArray
    limit: FloatArray
    direction: str
    true: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """Return one row per interaction, in C order, at full precision."""
        import pandas as pd

        names = ("contrast", "factor", "limit_factor", "value", "limit", "true")
        shape = self.value.shape
        columns = {name: np.broadcast_to(getattr(self, name), shape).ravel() for name in names}
        return pd.DataFrame({"direction": self.direction} | columns)

    def __str__(self) -> str:
        """Return one line each, at most ten."""
        rows = zip(self.contrast.flat, self.value.flat, self.limit.flat, strict=True)
        lines = [
            f"Interaction contrast {short_number(contrast, digits=4)}: E-value {short_number(value)} for the "
            f"estimate, {short_number(limit)} for the limit"
            for contrast, value, limit in rows
        ]
        return "\n".join([*lines[:10], *([f"... ({len(lines)} in all)"] if len(lines) > 10 else [])])


def interaction_e_value(
    table: TwoByTwo,
    *,
    direction: str = "any",
    true: ArrayLike = 0.0,
    confidence_level: float = 0.95,
) -> InteractionEValue:
    """Give the strength that confounding needs to explain an additive interaction away.

    Parameters
    ----------
    table : TwoByTwo
        Last axis of length 2: the strata of the second factor.
    direction : {"any", "positive", "negative", "unknown"}, default "any"
        Which confounding is allowed: "any" in either stratum, "positive" or "negative" in both (then the
        worst case is a stratum without any: the smaller difference, or the larger), "unknown" one of these
        two, whichever needs less.
    true : array_like, default 0
        The interaction contrast that confounding is asked to bring it to.
    confidence_level : float, default 0.95
        Of the limit.

    Returns
    -------
    InteractionEValue
        Of the shape of the table without its last axis.

    Raises
    ------
    TypeError
        If the table is no TwoByTwo.
    ValueError
        If there are not two strata, a group is empty, or an argument is unknown or out of range.

    Notes
    -----
    Confounding of bounding factor B lowers a standardized risk difference to (p1 - B p0)(f + (1 - f)/B) at
    least and raises it to (B p1 - p0)(1 - f + f/B) at most, f being the share of the exposed in the stratum.
    B solves lowered(larger stratum) - raised(smaller stratum) = true; for the limit, less z standard errors.

    References
    ----------
    Mathur MB, Smith LH, Yoshida K, Ding P, VanderWeele TJ (2022). E-values for effect heterogeneity and
    approximations for causal interaction. Int J Epidemiol. DOI 10.1093/ije/dyac073 (Citation
    not verified.)

    Examples
    --------
    >>> from analysis import TwoByTwo
    >>> table = TwoByTwo(
    ...     exposed_cases=[64, 158], exposed_total=[1790, 2988],
    ...     control_cases=[17, 6], control_total=[605, 364],
    ... )
    >>> print(interaction_e_value(table, direction="positive"))
    Interaction contrast 0.0287: E-value 4.86 for the estimate, 1.82 for the limit
    """
    if not isinstance(table, TwoByTwo):
        raise TypeError(f"`table` must be a TwoByTwo, but got {type(table).__name__}.")
    if not table.shape or table.shape[-1] != 2:
        raise ValueError(f"`table` must have a last axis of two strata, but has shape {table.shape}.")
    if (table.exposed_total == 0).any() or (table.control_total == 0).any():
        raise ValueError("Both groups of both strata must hold persons: an empty one has no risk.")
    check_choice("direction", direction, ("any", "positive", "negative", "unknown"))
    level = check_confidence_level(confidence_level)
    goal = as_numbers("true", true)
    if not ((goal > -2) & (goal < 2)).all():
        raise ValueError("`true` must be a difference of risk differences, between -2 and 2.")
    first, second = risks_of(table[..., 0]), risks_of(table[..., 1])
    contrast = second.exposed - second.control - (first.exposed - first.control)
    turned = contrast < goal
    larger = Risks(*(np.where(turned, one, two) for one, two in zip(first, second, strict=True)))
    smaller = Risks(*(np.where(turned, two, one) for one, two in zip(first, second, strict=True)))
    aim = np.where(turned, -goal, goal)
    factors = [
        interaction_factors(larger, smaller, aim, direction=direction, z=z)
        for z in (0.0, normal_quantile((1 + level) / 2))
    ]
    return InteractionEValue(
        contrast=np.asarray(contrast),
        factor=factors[0],
        limit_factor=factors[1],
        value=equal_strengths(factors[0]),
        limit=equal_strengths(factors[1]),
        direction=direction,
        true=goal,
    )


def interaction_factors(
    larger: Risks, smaller: Risks, true: FloatArray, *, direction: str, z: float
) -> FloatArray:
    """Return the factor at which the contrast less z standard errors is the true one; infinite if none is."""
    if direction == "unknown":
        return np.minimum(
            *(
                interaction_factors(larger, smaller, true, direction=one, z=z)
                for one in ("positive", "negative")
            )
        )
    return root_of_limit(_excess(direction, z), np.asarray(LARGEST), true, larger, smaller)


def _excess(direction: str, z: float) -> Callable[..., FloatArray]:
    def excess(factor: FloatArray, goal: FloatArray, *parts: FloatArray) -> FloatArray:
        larger, smaller = Risks(*parts[:_PARTS]), Risks(*parts[_PARTS:])
        none = np.ones_like(factor)
        down, down_variance = lowered(none if direction == "negative" else factor, larger)
        up, up_variance = raised(none if direction == "positive" else factor, smaller)
        return np.asarray(down - up - z * np.sqrt(down_variance + up_variance) - goal)

    return excess
