"""The normalising integral of a selection model and its derivatives.

A study is seen with density φ((y - mu)/σ) w(p(y))/A, A = ∫ φ w. As A is a normal smoothing of w, its
derivatives in mu and tau2 are integrals of φ w times Hermite polynomials in t = (y - mu)/σ. Steps have closed
forms; smooth weights take Gauss-Legendre nodes in z = y/√v between the points where w settles down, closed
forms beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.meta.methods.selection_weights import link, p_value

if TYPE_CHECKING:
    from analysis.meta.methods.selection_weights import WeightFunction
    from analysis.values.arrays import FloatArray

__all__ = ["Integral", "Nodes", "features_at", "over_intervals", "over_nodes", "smooth_nodes"]

# Beyond 8.5 a P-value is below 1e-17: exp(-δp) is what it is at 0.
_SETTLED = 8.5
_NODES, _TAIL_NODES = 128, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Integral:
    """Sums over φ w, relative to A, for every study: shape (..., k) and the axes of parameters after it.

    `log` is log A; `hermite[n]` E[He_n(t)], n = 1 to 4; `slope[n]` E[He_n(t) ∂log w] for n = 0 to 2, (..., k,
    d); `square` E[(∂log w)(∂log w)' + ∂²log w], (..., k, d, d).
    """

    log: FloatArray
    hermite: tuple[FloatArray, ...]
    slope: tuple[FloatArray, ...]
    square: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Fixed nodes in z with features (N, d), and the constant features (d,) beyond their ends."""

    z: FloatArray
    log_weight: FloatArray
    features: FloatArray
    low: float
    high: float
    feature_low: FloatArray
    feature_high: FloatArray


def over_intervals(
    low: FloatArray, high: FloatArray, features: FloatArray, theta: FloatArray, m: FloatArray, s: FloatArray
) -> Integral:
    """Return the integral of a weight that is exp(θ·f) on intervals of z, shapes (J,) and (J, d)."""
    moments = _normal_moments((low - m[..., None]) / s[..., None], (high - m[..., None]) / s[..., None])
    weight = np.exp(theta @ features.T)[..., None, :]  # (..., 1, J)
    mass = moments[0] * weight
    total = mass.sum(axis=-1)
    hermite = tuple((moment * weight).sum(axis=-1) / total for moment in moments[1:])
    slope = tuple((moment * weight) @ features / total[..., None] for moment in moments[:3])
    square = np.einsum("...j,ja,jb->...ab", mass, features, features) / total[..., None, None]
    return Integral(log=np.log(total), hermite=hermite, slope=slope, square=square)


def smooth_nodes(function: WeightFunction, *, two_sided: bool, range_: tuple[float, float]) -> Nodes:
    """Return nodes between the P-values `range_`, which is where a weight changes."""
    ends = _ends(two_sided=two_sided, range_=range_)
    pieces = []
    for low, high in ends:
        # A P-value of two sides has a kink at z = 0, where log(1 - p) is singular.
        if not two_sided or function.settles or low * high < 0:
            pieces.append(_legendre(low, high, _NODES))
        else:
            pieces.append(_graded(low, high, 6.0 if range_[1] == 1 else 3.6))
    z, weight = (np.concatenate(part) for part in zip(*pieces, strict=True))
    edge = np.array([-_SETTLED, _SETTLED])
    low, high = (ends[0][0], ends[-1][1])
    return Nodes(
        z=z,
        log_weight=np.log(weight),
        features=features_at(function, z, two_sided=two_sided, range_=range_),
        low=low,
        high=high,
        feature_low=features_at(function, np.minimum(edge[:1], low), two_sided=two_sided, range_=range_)[0],
        feature_high=features_at(function, np.maximum(edge[1:], high), two_sided=two_sided, range_=range_)[0],
    )


def _ends(*, two_sided: bool, range_: tuple[float, float]) -> list[tuple[float, float]]:
    least, most = range_
    if not two_sided:
        return [
            (
                -min(_SETTLED, float(special.ndtri(most))) if most < 1 else -_SETTLED,
                min(_SETTLED, -float(special.ndtri(least))) if least > 0 else _SETTLED,
            )
        ]
    outer = min(_SETTLED, -float(special.ndtri(least / 2))) if least > 0 else _SETTLED
    if most == 1:
        return [(-outer, 0.0), (0.0, outer)]
    inner = -float(special.ndtri(most / 2))
    return [(-outer, -inner), (-inner, inner), (inner, outer)]


def _legendre(low: float, high: float, number: int) -> tuple[FloatArray, FloatArray]:
    x, w = special.roots_legendre(number)
    return (high + low) / 2 + (high - low) / 2 * x, (high - low) / 2 * w


def _graded(low: float, high: float, depth: float) -> tuple[FloatArray, FloatArray]:
    """Return tanh-sinh nodes, which an algebraic singularity at the end nearer to 0 does not disturb."""
    x = np.arange(-depth, 3.2, 0.03)
    u = np.pi / 2 * np.sinh(x)
    share = special.expit(2 * u)  # distance from that end, without cancellation
    weight = (x[1] - x[0]) * np.pi * np.cosh(x) * share * special.expit(-2 * u)
    length = high - low
    keep = weight > 0
    z = high - length * share if low < 0 else low + length * share
    return z[keep], (length * weight)[keep]


def features_at(
    function: WeightFunction, z: FloatArray, *, two_sided: bool, range_: tuple[float, float]
) -> FloatArray:
    """Return the features of the P-values of z, cut to `range_`, along a new last axis."""
    if range_ != (0.0, 1.0):
        least, most = range_
        if two_sided:
            z = np.clip(np.abs(z), -special.ndtri(most / 2), -special.ndtri(least / 2))
        else:
            z = np.clip(z, -special.ndtri(most), -special.ndtri(least))
    return np.stack(function.features(p_value(z, two_sided=two_sided)), axis=-1)


def over_nodes(
    name: str,
    function: WeightFunction,
    nodes: Nodes,
    theta: FloatArray,
    m: FloatArray,
    s: FloatArray,
    precision: FloatArray,
    *,
    two_sided: bool,
    settles: bool,
) -> Integral:
    """Return the integral of a smooth weight: θ (..., d), m = mu/√v, s = σ/√v and precision (..., k)."""
    t = (nodes.z - m[..., None]) / s[..., None]
    eta = (theta @ nodes.features.T)[..., None, :] * precision[..., None]
    log = nodes.log_weight - np.log(s)[..., None] - t * t / 2 - 0.5 * np.log(2 * np.pi)
    parts = [(t, log, eta, nodes.features)]
    if not settles:
        parts += _tails(function, nodes, theta, m, s, precision, two_sided=two_sided)
    heights = [log + link(name, eta)[0] for _, log, eta, _ in parts]
    ends: list[tuple[tuple[FloatArray, ...], FloatArray, FloatArray]] = []
    if settles:
        infinite = np.full(m.shape, np.inf)
        for feature, low, high in (
            (nodes.feature_low, -infinite, (nodes.low - m) / s),
            (nodes.feature_high, (nodes.high - m) / s, infinite),
        ):
            ends.append((_normal_moments(low, high), (theta @ feature)[..., None] * precision, feature))
    top = np.max([height.max(axis=-1) for height in heights], axis=0)
    for moments, eta_end, _ in ends:
        # An end without mass has no say in the scale.
        mass = np.where(moments[0] > 1e-300, moments[0], 1.0)
        top = np.where(moments[0] > 1e-300, np.maximum(top, link(name, eta_end)[0] + np.log(mass)), top)
    sums = _Sums(m.shape, theta.shape[-1])
    for (t_, _, eta_, features), height in zip(parts, heights, strict=True):
        _, first, second = link(name, eta_)
        sums.add(np.exp(height - top[..., None]), t_, features, first, second, precision)
    for moments, eta_end, feature in ends:
        g, first, second = link(name, eta_end)
        sums.add_constant(np.exp(np.minimum(g - top, 695.0)), moments, feature, first, second, precision)
    return sums.integral(top)


class _Sums:
    """Running sums over nodes and ends."""

    def __init__(self, shape: tuple[int, ...], d: int) -> None:
        self.hermite = [np.zeros(shape) for _ in range(5)]
        self.slope = [np.zeros((*shape, d)) for _ in range(3)]
        self.square = np.zeros((*shape, d, d))

    def add(
        self,
        mass: FloatArray,
        t: FloatArray,
        features: FloatArray,
        first: FloatArray | float,
        second: FloatArray | float,
        precision: FloatArray,
    ) -> None:
        # Features are those of fixed nodes (N, d), or of nodes that differ by study (..., k, N, d).
        tilted = mass * first
        t2 = t * t
        polynomials = (None, t, t2 - 1, t * (t2 - 3), t2 * (t2 - 6) + 3)
        for n, polynomial in enumerate(polynomials):
            self.hermite[n] += (mass if polynomial is None else mass * polynomial).sum(axis=-1)
            if n < 3:
                part = tilted if polynomial is None else tilted * polynomial
                product = (
                    part @ features if features.ndim == 2 else np.einsum("...n,...nd->...d", part, features)
                )
                self.slope[n] += product * precision[..., None]
        bent = mass * (first * first + second)
        text = "...n,na,nb->...ab" if features.ndim == 2 else "...n,...na,...nb->...ab"
        self.square += (
            np.einsum(text, bent, features, features, optimize=True) * precision[..., None, None] ** 2
        )

    def add_constant(
        self,
        weight: FloatArray,
        moments: tuple[FloatArray, ...],
        feature: FloatArray,
        first: FloatArray | float,
        second: FloatArray | float,
        precision: FloatArray,
    ) -> None:
        for n, moment in enumerate(moments):
            self.hermite[n] += weight * moment
            if n < 3:
                self.slope[n] += (weight * moment * first * precision)[..., None] * feature
        bent = weight * moments[0] * (first * first + second) * precision**2
        self.square += bent[..., None, None] * feature[:, None] * feature

    def integral(self, top: FloatArray) -> Integral:
        total = self.hermite[0]
        return Integral(
            log=np.log(total) + top,
            hermite=tuple(part / total for part in self.hermite[1:]),
            slope=tuple(part / total[..., None] for part in self.slope),
            square=self.square / total[..., None, None],
        )


def _tails(
    function: WeightFunction,
    nodes: Nodes,
    theta: FloatArray,
    m: FloatArray,
    s: FloatArray,
    scale: FloatArray,
    *,
    two_sided: bool,
) -> list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Return nodes beyond the fixed ones, where log p or log(1 - p) falls like -z²/2.

    The integrand is there nearly normal, with precision 1/s² plus the parameter of that feature; where that
    is not positive the integral does not exist, and its nodes are put where it is seen to be infinite.
    """
    parts = []
    x, w = special.roots_legendre(_TAIL_NODES)
    bent = theta[..., :1] if (two_sided or theta.shape[-1] == 2) else np.zeros_like(theta[..., :1])
    if theta.shape[-1] == 1 and two_sided:
        bent = np.zeros_like(bent)  # log(1 - p) settles on both sides
    for side in (-1.0, 1.0):
        falls = bent if side > 0 or two_sided else theta[..., -1:]
        precision = 1 / s**2 + falls * scale
        ok = precision > 0
        width = 10 / np.sqrt(np.where(ok, precision, 1.0))
        centre = np.where(ok, side * m / s**2 / np.where(ok, precision, 1.0), 0.0)
        edge = nodes.high if side > 0 else -nodes.low
        first = np.maximum(edge, centre - width)
        last = np.maximum(edge, centre) + width
        half = (last - first) / 2
        z = side * ((first + half)[..., None] + half[..., None] * x)
        t = (z - m[..., None]) / s[..., None]
        features = np.stack(function.features(p_value(z, two_sided=two_sided)), axis=-1)
        with np.errstate(divide="ignore"):
            log = np.log(half[..., None] * w) - np.log(s)[..., None] - t * t / 2 - 0.5 * np.log(2 * np.pi)
        # Infinity would spread as NaN; 1e4 is as good as outside the domain.
        log = np.where(ok[..., None], log, 1e4)
        parts.append((t, log, np.einsum("...knd,...d->...kn", features, theta) * scale[..., None], features))
    return parts


def _normal_moments(low: FloatArray, high: FloatArray) -> tuple[FloatArray, ...]:
    """Return the integrals of φ He_n between `low` and `high` for n = 0 to 4: -He_{n-1} φ at the ends."""
    flip = low > 0
    mass = special.ndtr(np.where(flip, -low, high)) - special.ndtr(np.where(flip, -high, low))
    result = [mass, *(np.zeros_like(mass) for _ in range(4))]
    for end, sign in ((low, 1.0), (high, -1.0)):
        finite = np.clip(end, -40.0, 40.0)  # φ is 0 there
        density = sign * np.exp(-finite * finite / 2) / np.sqrt(2 * np.pi)
        for n, polynomial in enumerate((1.0, finite, finite**2 - 1, finite * (finite**2 - 3)), start=1):
            result[n] = result[n] + polynomial * density
    return tuple(result)
