"""Distributions of bias parameters: what is believed of a sensitivity, a prevalence, a risk ratio.

Each is a frozen value with a quantile function, so that every way of drawing (pseudo-random, Latin hypercube,
Sobol) and every correlation goes through uniforms. How draws are made is in `methods.draw_uniforms`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy import special

from analysis.bias.methods.draw_distribution import Distribution
from analysis.values.arguments import check_choice, check_confidence_level
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = [
    "DISTRIBUTIONS",
    "Beta",
    "Distribution",
    "Fixed",
    "LogNormal",
    "LogitNormal",
    "Pert",
    "Trapezoidal",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "as_distribution",
]


@dataclass(frozen=True, slots=True)
class Fixed(Distribution):
    """A value that is taken as known.

    Parameters
    ----------
    value : float
        The value.
    """

    value: float
    name = "fixed"

    @property
    def support(self) -> tuple[float, float]:
        """The value, twice."""
        return self.value, self.value

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the value, whatever `u` is."""
        return np.full(np.shape(u), self.value)


@dataclass(frozen=True, slots=True)
class Uniform(Distribution):
    """Any value from `low` to `high`, all as likely.

    Parameters
    ----------
    low, high : float
        `low < high`.
    """

    low: float
    high: float
    name = "uniform"

    def _check(self) -> None:
        self._increasing("low", "high")

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return low + u (high - low)."""
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Trapezoidal(Distribution):
    """Rises from `low` to `lower_mode`, is flat to `upper_mode`, falls to `high`.

    Parameters
    ----------
    low, lower_mode, upper_mode, high : float
        In increasing order; neighbours may be equal.

    Examples
    --------
    >>> Trapezoidal(0.75, 0.85, 0.95, 1.0).quantile([0, 0.5, 1]).round(4).tolist()
    [0.75, 0.8875, 1.0]
    """

    low: float
    lower_mode: float
    upper_mode: float
    high: float
    name = "trapezoidal"

    def _check(self) -> None:
        self._increasing("low", "lower_mode", "upper_mode", "high")

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the quantile: a root on either slope, a line between them."""
        rise, fall = self.lower_mode - self.low, self.high - self.upper_mode
        # Twice the area under a height of 1.
        area = self.high + self.upper_mode - self.lower_mode - self.low
        x = np.asarray(u * (0.5 * area) + (self.low + 0.5 * rise))
        if rise:
            # On the slope the root lies above the line that goes on from the flat part, and meets it.
            root = np.sqrt(u * (rise * area))
            x = np.where(u * area < rise, root + self.low, x)
        if fall:
            rest = 1 - u
            x = np.where(rest * area < fall, self.high - np.sqrt(rest * (fall * area)), x)
        return x


@dataclass(frozen=True, slots=True)
class Triangular(Distribution):
    """Rises from `low` to `mode` and falls to `high`.

    Parameters
    ----------
    low, mode, high : float
        In increasing order; the mode may be an end. The order is not that of R's `triangle`, which has the
        mode last.
    """

    low: float
    mode: float
    high: float
    name = "triangular"

    def _check(self) -> None:
        self._increasing("low", "mode", "high")

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the quantile: a root on either side of the mode."""
        width, rise, fall = self.high - self.low, self.mode - self.low, self.high - self.mode
        return np.where(
            u * width < rise,
            self.low + np.sqrt(u * (width * rise)),
            self.high - np.sqrt((1 - u) * (width * fall)),
        )


@dataclass(frozen=True, slots=True)
class Beta(Distribution):
    """A proportion of which `alpha - 1` successes and `beta - 1` failures are known, after a flat start.

    Parameters
    ----------
    alpha, beta : float
        Greater than 0. A validation study in which 45 of 50 were classified rightly gives Beta(46, 6).
    """

    alpha: float
    beta: float
    name = "beta"

    def _check(self) -> None:
        self._above(0, "alpha", "beta")

    @property
    def support(self) -> tuple[float, float]:
        """0 and 1."""
        return 0.0, 1.0

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the inverse of the incomplete beta function."""
        return np.asarray(special.betaincinv(self.alpha, self.beta, u), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Pert(Distribution):
    """A smooth triangle: a beta distribution from `low` to `high` with its peak at `mode`.

    Parameters
    ----------
    low, mode, high : float
        In increasing order.
    peak : float, default 4
        Greater than 0; the mean is (low + peak mode + high) / (peak + 2).
    """

    low: float
    mode: float
    high: float
    peak: float = 4.0
    name = "pert"

    def _check(self) -> None:
        self._increasing("low", "mode", "high")
        self._above(0, "peak")

    @property
    def support(self) -> tuple[float, float]:
        """The two ends."""
        return self.low, self.high

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the quantile of the beta distribution, stretched."""
        width = self.high - self.low
        alpha = 1 + self.peak * (self.mode - self.low) / width
        beta = 1 + self.peak * (self.high - self.mode) / width
        return np.asarray(self.low + width * special.betaincinv(alpha, beta, u), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Normal(Distribution):
    """A mean and a standard deviation."""

    mean: float
    sd: float

    def _check(self) -> None:
        self._above(0, "sd")


@dataclass(frozen=True, slots=True)
class LogitNormal(_Normal):
    """A proportion whose logit is normal.

    Parameters
    ----------
    mean, sd : float
        Of the logit; `sd` greater than 0.
    """

    name = "logit-normal"

    @property
    def support(self) -> tuple[float, float]:
        """0 and 1."""
        return 0.0, 1.0

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the inverse logit of the normal quantile."""
        return np.asarray(special.expit(self.mean + self.sd * special.ndtri(u)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LogNormal(_Normal):
    """A ratio whose logarithm is normal.

    Parameters
    ----------
    mean, sd : float
        Of the logarithm; `sd` greater than 0.

    Examples
    --------
    >>> LogNormal.from_interval(1.5, 4.0).quantile([0.025, 0.5, 0.975]).round(3).tolist()
    [1.5, 2.449, 4.0]
    """

    name = "log-normal"

    @classmethod
    def from_interval(cls, low: float, high: float, *, confidence_level: float = 0.95) -> Self:
        """Build from the limits between which the ratio lies with probability `confidence_level`."""
        level = check_confidence_level(confidence_level)
        if not 0 < low < high < math.inf:
            raise ValueError(f"0 < `low` < `high` must hold, but got {low} and {high}.")
        first, last = math.log(low), math.log(high)
        return cls((first + last) / 2, (last - first) / (2 * normal_quantile((1 + level) / 2)))

    @property
    def support(self) -> tuple[float, float]:
        """0 and infinity."""
        return 0.0, math.inf

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the exponential of the normal quantile."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.mean + self.sd * special.ndtri(u)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class TruncatedNormal(Distribution):
    """A normal distribution of which only the part from `low` to `high` is kept.

    Parameters
    ----------
    mean, sd : float
        Of the normal distribution before it is cut; `sd` greater than 0.
    low, high : float, default 0 and 1
        `low < high`.

    Raises
    ------
    ValueError
        Also if less than 1e-300 of the normal distribution lies between the limits.
    """

    mean: float
    sd: float
    low: float = 0.0
    high: float = 1.0
    name = "truncated-normal"

    def _check(self) -> None:
        self._above(0, "sd")
        self._increasing("low", "high")
        _, first, last = self._tails()
        if not last - first > 1e-300:
            raise ValueError(
                f"`mean` of {self.name} must leave some probability between `low` and `high`, "
                f"but got {self}. Move the mean nearer or widen `sd`."
            )

    def _tails(self) -> tuple[float, float, float]:
        """Return the side that is computed from, and the lower-tail probabilities of the limits on it."""
        low, high = (self.low - self.mean) / self.sd, (self.high - self.mean) / self.sd
        # In the upper tail probabilities are near 1 and lose their digits: look from the other side.
        side = -1.0 if low > 0 else 1.0
        first, last = sorted((side * low, side * high))
        return side, float(special.ndtr(first)), float(special.ndtr(last))

    @property
    def support(self) -> tuple[float, float]:
        """The two limits."""
        return self.low, self.high

    def from_uniform(self, u: FloatArray) -> FloatArray:
        """Return the normal quantile of the probability between the limits."""
        side, first, last = self._tails()
        z = special.ndtri(first + (u if side > 0 else 1 - u) * (last - first))
        return np.asarray(np.clip(self.mean + side * self.sd * z, self.low, self.high), dtype=np.float64)


DISTRIBUTIONS: dict[str, type[Distribution]] = {
    kind.name: kind
    for kind in (
        Fixed,
        Uniform,
        Triangular,
        Trapezoidal,
        Beta,
        LogitNormal,
        LogNormal,
        TruncatedNormal,
        Pert,
    )
}

_TEXT = re.compile(r"\s*([a-z-]+)\s*\(([^()]*)\)\s*")


def as_distribution(name: str, value: Distribution | float | str) -> Distribution:
    """Return a distribution from itself, from a known number, or from text such as "beta(46, 6)".

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : Distribution, float or str
        Text is a name of `DISTRIBUTIONS` with its parameters in brackets, in the order of the class.

    Returns
    -------
    Distribution

    Raises
    ------
    TypeError, ValueError
        If the distribution is unknown or its parameters break their rules; names the parameter.
    """
    if isinstance(value, Distribution):
        return value
    try:
        return _from_text(value) if isinstance(value, str) else Fixed(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"`{name}`: {error}") from None


def _from_text(text: str) -> Distribution:
    found = _TEXT.fullmatch(text)
    if not found:
        raise ValueError(
            f"a distribution must be written like uniform(0.8, 0.9) or as a number, but got {text!r}."
        )
    kind = DISTRIBUTIONS[check_choice("distribution", found[1], DISTRIBUTIONS)]
    try:
        numbers = [float(part) for part in found[2].split(",")] if found[2].strip() else []
    except ValueError:
        raise ValueError(f"the parameters of a distribution must be numbers, but got {text!r}.") from None
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    try:
        return kind(*numbers)
    except TypeError:
        raise ValueError(f"{kind.name} takes {', '.join(names)}, but got {text!r}.") from None
