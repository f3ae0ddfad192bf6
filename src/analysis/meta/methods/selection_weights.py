"""Weight functions of selection models: the relative chance that a study with a P-value is seen.

Every one is w = exp(g(η)) with η = Σ θ_j f_j(p): linear in features of the P-value, so that a likelihood
needs only the features and g. g is the identity but for the logistic weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.values.arrays import FloatArray

__all__ = ["WEIGHTS", "PValue", "WeightFunction", "link", "p_value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PValue:
    """A P-value with the logarithms of itself and of its complement, each to full relative precision."""

    value: FloatArray
    log: FloatArray
    log_complement: FloatArray


def p_value(z: FloatArray, *, two_sided: bool) -> PValue:
    """Return the P-value of the statistic z: of effects greater than 0, or of either sign."""
    if not two_sided:
        return PValue(value=special.ndtr(-z), log=special.log_ndtr(-z), log_complement=special.log_ndtr(z))
    size = np.abs(z)
    with np.errstate(divide="ignore"):
        complement = np.log(special.erf(size / np.sqrt(2)))
    log = np.log(2) + special.log_ndtr(-size)
    return PValue(value=2 * special.ndtr(-size), log=np.minimum(log, 0.0), log_complement=complement)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFunction:
    """A weight that changes smoothly with the P-value.

    Parameters
    ----------
    names : tuple of str
        Of its parameters δ.
    features : callable
        From a `PValue` to one array a parameter.
    none : float
        The value of every δ without selection; θ = δ - none.
    starts : tuple of tuple of float
        Values of δ from which to climb.
    settles : bool
        Whether features are constant where p is as good as 0 or 1; logarithms are not.
    """

    names: tuple[str, ...]
    features: Callable[[PValue], tuple[FloatArray, ...]]
    none: float = 0.0
    starts: tuple[tuple[float, ...], ...] = ((0.3,), (1.5,), (6.0,), (25.0,))
    settles: bool = True


WEIGHTS: dict[str, WeightFunction] = {
    "beta": WeightFunction(
        names=("a", "b"),
        features=lambda p: (p.log, p.log_complement),
        none=1.0,
        starts=((1.0, 1.0), (0.7, 1.0), (0.9, 2.0), (1.3, 1.1), (1.0, 0.8)),
        settles=False,
    ),
    "half-normal": WeightFunction(names=("delta",), features=lambda p: (-(p.value**2),)),
    "negative-exponential": WeightFunction(names=("delta",), features=lambda p: (-p.value,)),
    "logistic": WeightFunction(names=("delta",), features=lambda p: (-p.value,)),
    "power": WeightFunction(names=("delta",), features=lambda p: (p.log_complement,), settles=False),
}


def link(name: str, eta: FloatArray) -> tuple[FloatArray, FloatArray | float, FloatArray | float]:
    """Return g(η) and its first two derivatives."""
    if name != "logistic":
        return eta, 1.0, 0.0
    # 2e^η/(1 + e^η)
    slope = special.expit(-eta)
    return np.log(2) + special.log_expit(eta), slope, -slope * (1 - slope)
