"""Tipping points: the smallest bias at which a result would no longer stand.

The stated biases are the worst that is feared; the search goes from no bias towards them. Distributions of
the biases belong in `probabilistic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.distributions import Fixed
from analysis.bias.methods.draw_bias import field_of
from analysis.bias.methods.draw_evaluation import Subject, check_biases
from analysis.measures.methods.roots import find_root
from analysis.values.arguments import as_numbers, check_choice, check_confidence_level, read_only
from analysis.values.distributions import normal_quantile
from analysis.values.framed import Framed
from analysis.values.scale import measure_of, scale_of
from analysis.values.text import short_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from analysis.bias.methods.draw_biases import Bias
    from analysis.values.arrays import FloatArray, IntArray
    from analysis.values.counts import TwoByTwo, TwoRates
    from analysis.values.estimate import EffectSizes

__all__ = ["TippingPoint", "tipping_point"]

# Steps of the first look along a path; a bias that comes back within one step is not seen.
_STEPS = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TippingPoint(Framed):
    """Where the result tips, for each parameter alone and for all together.

    Parameters
    ----------
    measure : str
        What is adjusted.
    target : float
        The value to be reached, on the reporting scale.
    limit : str
        "interval" or "estimate": what reaches it.
    parameters : tuple of str
        Names; where two biases share one, with the number of the bias before it.
    neutral, stated : ndarray, shape (p,)
        Values of no bias, and of the biases as they are given.
    tipping : ndarray, shape (p, ...)
        Value of each parameter at which the result tips while the others are as stated. The neutral value
        where it has tipped without that parameter; NaN where the stated value is not enough.
    joint : ndarray, shape (...)
        Share of the way from no bias to the stated biases at which the result tips if all parameters go
        together; 0 where it holds without bias already, NaN where the stated biases are not enough.
    joint_values : ndarray, shape (p, ...)
        The parameters there.
    unbiased, adjusted : ndarray, shape (...)
        What is to reach the target (limit or estimate) without bias and with the stated biases, on the
        reporting scale. NaN where the stated biases contradict the table.
    axes : tuple of str or None
        The two parameters of the surface.
    surface_x, surface_y : ndarray or None
        Values of the two, from neutral to stated.
    surface : ndarray or None, shape (y, x, ...)
        Limit or estimate over the grid, on the reporting scale.
    confidence_level : float
        Of the interval.
    """

    measure: str
    target: float
    limit: str
    parameters: tuple[str, ...]
    neutral: FloatArray
    stated: FloatArray
    tipping: FloatArray
    joint: FloatArray
    joint_values: FloatArray
    unbiased: FloatArray
    adjusted: FloatArray
    axes: tuple[str, str] | None
    surface_x: FloatArray | None
    surface_y: FloatArray | None
    surface: FloatArray | None
    confidence_level: float

    def __post_init__(self) -> None:
        for name in ("neutral", "stated", "tipping", "joint", "joint_values", "unbiased", "adjusted"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        for name in ("surface_x", "surface_y", "surface"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per parameter and table, at full precision."""
        import pandas as pd

        tables = self.joint.size
        return pd.DataFrame(
            {
                "parameter": np.repeat(self.parameters, tables),
                "table": np.tile(np.arange(tables), len(self.parameters)),
                "neutral": np.repeat(self.neutral, tables),
                "stated": np.repeat(self.stated, tables),
                "tipping": self.tipping.reshape(-1),
                "joint": self.joint_values.reshape(-1),
                "joint_share": np.tile(self.joint.reshape(-1), len(self.parameters)),
            }
        )

    def __str__(self) -> str:
        """Return one line a parameter; of several tables the range."""
        what = (
            "the estimate" if self.limit == "estimate" else f"the {100 * self.confidence_level:g}% interval"
        )
        lines = [f"{self.measure}: {what} reaches {short_number(self.target)} at"]
        for place, name in enumerate(self.parameters):
            if (self.tipping[place] == self.neutral[place]).all():
                lines.append(f"  {name} is not needed: the rest as stated suffices")
                continue
            others = ", all else as stated" if len(self.parameters) > 1 else ""
            reached = _range_text(self.tipping[place], f"not up to {short_number(float(self.stated[place]))}")
            lines.append(f"  {name} {reached}{others}")
        if len(self.parameters) > 1:
            share = _range_text(100 * self.joint, "not up to 100")
            lines.append(f"  {share}% of the way from no bias to the stated biases, all together")
        return "\n".join(lines)


def _range_text(values: FloatArray, never: str) -> str:
    reached = values[np.isfinite(values)]
    if not reached.size:
        return never
    first, last = short_number(float(reached.min())), short_number(float(reached.max()))
    text = first if first == last else f"{first} to {last}"
    return text if reached.size == values.size else f"{text} (in {reached.size} of {values.size} tables)"


def tipping_point(
    data: TwoByTwo | TwoRates | EffectSizes,
    *,
    biases: Sequence[Bias] | Bias,
    measure: str | None = None,
    target: float | None = None,
    limit: str = "interval",
    random_error: str = "delta",
    surface: tuple[str, str] | None = None,
    grid: int = 41,
    confidence_level: float = 0.95,
) -> TippingPoint:
    """Find the smallest bias at which the interval, or the estimate, reaches the null.

    Parameters
    ----------
    data : TwoByTwo, TwoRates or EffectSizes
        One or an array of tables, pairs of rates or estimates.
    biases : bias or sequence of them
        The worst that is feared, every parameter a number, in the order in which they are to be undone.
    measure : {"OR", "RR", "RD"} or {"IRR", "IRD"}, optional
        Of a table, by default "OR"; of rates, by default "IRR".
    target : float, optional
        Value to be reached, on the reporting scale; by default no effect.
    limit : {"interval", "estimate"}, default "interval"
        What is to reach it: the limit of the interval that is nearer to it, or the estimate.
    random_error : {"delta", "conventional"}, default "delta"
        Standard error of the interval: of the adjusted measure, or of the unadjusted one.
    surface : tuple of str, optional
        Two parameters over which the limit is laid out; by default the first two that go from no bias to the
        stated one, if there are two.
    grid : int, default 41
        Points of the surface a side, at least 2.
    confidence_level : float, default 0.95
        In (0, 1).

    Returns
    -------
    TippingPoint
        Over the shape of `data`.

    Raises
    ------
    TypeError
        If the data or a bias is of another type.
    ValueError
        If a parameter is not a number, an option is unknown, a bias does not go with the data, or a table has
        no estimate.
    ConvergenceError
        If a root that was bracketed is not found.

    Notes
    -----
    Along a path from no bias (sensitivity, specificity and probabilities of selection 1; ratios 1; the
    prevalence of the confounder that of the other group) to the stated value the limit is looked at in 256
    steps, and the first change of side is refined to rounding. Ratios go along the path on the log scale.
    Together, the prevalence of a confounder among the controls stays as stated.

    Examples
    --------
    How common must a threefold risk factor be among the patients, if a tenth of the controls have it, for the
    hazard ratio of Sharif et al. 2023, 1.83 (1.58-2.11), to be compatible with 1?

    >>> from analysis import EffectSizes
    >>> from analysis.bias.spec import UnmeasuredConfounding
    >>> ratio = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
    >>> feared = UnmeasuredConfounding(prevalence_exposed=0.8, prevalence_control=0.1, risk_ratio=3)
    >>> result = tipping_point(ratio, biases=feared)
    >>> round(float(result.tipping[result.parameters.index("prevalence_exposed")]), 3)
    0.45
    """
    level = check_confidence_level(confidence_level)
    subject = Subject(data, measure, level)
    chosen = check_biases(biases, subject)
    check_choice("limit", limit, ("interval", "estimate"))
    check_choice("random_error", random_error, ("delta", "conventional"))
    if isinstance(grid, bool) or not isinstance(grid, (int, np.integer)) or grid < 2:
        raise ValueError(f"`grid` must be a whole number of at least 2, but got {grid!r}.")
    search = _Search(
        subject, chosen, _target(target, subject.measure), limit=limit, error=random_error, level=level
    )
    shape, parameters = subject.shape, range(len(search.names))
    joint = search.first(search.joint)
    alone = np.stack([search.first([p]) for p in parameters])
    together = [search.value(p, joint if p in search.joint else np.ones_like(joint)) for p in parameters]
    backward = scale_of(subject.scale).backward
    pair = _pair(surface, search)
    laid = None if pair is None else search.surface(*pair, int(grid))
    return TippingPoint(
        measure=subject.measure,
        target=float(backward(np.asarray(search.target))),
        limit=limit,
        parameters=search.names,
        neutral=search.neutral,
        stated=search.stated,
        tipping=np.stack([search.value(p, alone[p]) for p in parameters]).reshape(-1, *shape),
        joint=joint.reshape(shape),
        joint_values=np.where(np.isnan(joint), np.nan, np.stack(together)).reshape(-1, *shape),
        unbiased=backward(search.unbiased()).reshape(shape),
        adjusted=backward(search.at({})).reshape(shape),
        axes=None if pair is None else (search.names[pair[0]], search.names[pair[1]]),
        surface_x=None if laid is None else laid[0],
        surface_y=None if laid is None else laid[1],
        surface=None if laid is None else backward(laid[2]).reshape(grid, grid, *shape),
        confidence_level=level,
    )


def _target(target: float | None, measure: str) -> float:
    null = measure_of(measure).null
    scale = measure_of(measure).scale
    value = as_numbers("target", null if target is None else target)  # type: ignore[arg-type]
    if value.ndim or not np.isfinite(value) or (scale == "log" and value <= 0):
        raise ValueError(f"`target` must be one number{' above 0' * (scale == 'log')}, but got {target!r}.")
    return float(scale_of(scale).forward(value))


def _pair(surface: tuple[str, str] | None, search: _Search) -> tuple[int, int] | None:
    if surface is None:
        return (search.joint[0], search.joint[1]) if len(search.joint) > 1 else None
    if isinstance(surface, str) or len(surface) != 2 or surface[0] == surface[1]:
        raise ValueError(f"`surface` must name two parameters, but got {surface!r}.")
    first, second = (search.names.index(check_choice("surface", name, search.names)) for name in surface)
    return first, second


class _Search:
    """The limit as a function of how far each parameter has gone from neutral (0) to stated (1)."""

    def __init__(
        self,
        subject: Subject,
        biases: tuple[Bias, ...],
        target: float,
        *,
        limit: str,
        error: str,
        level: float,
    ) -> None:
        self.subject, self.biases, self.target, self.limit, self.error = subject, biases, target, limit, error
        self.tables = int(np.prod(subject.shape, dtype=np.int64))
        self.places = [(number, name) for number, bias in enumerate(biases) for name in bias.parameters]
        single = [name for _, name in self.places]
        self.names = tuple(
            name if single.count(name) == 1 else f"{number + 1}.{name}" for number, name in self.places
        )
        stated = [_numbers(bias, number) for number, bias in enumerate(biases)]
        neutral = [bias.neutral(values) for bias, values in zip(biases, stated, strict=True)]
        self.stated = np.array([stated[number][name] for number, name in self.places])
        self.neutral = np.array([neutral[number][name] for number, name in self.places])
        self.logs = np.array([field_of(name) in biases[number].ratios for number, name in self.places])
        self.joint = [
            p for p, (number, name) in enumerate(self.places) if field_of(name) not in biases[number].anchors
        ]
        effect = subject.take().adjusted((), ())[0]
        if np.isnan(effect).any():
            raise ValueError(
                f"`data` must have an estimate in every table, but that at flat index "
                f"{int(np.flatnonzero(np.isnan(effect))[0])} has an empty margin. Leave it out."
            )
        # Which side of the target counts as tipped, and the limit that gets there last.
        self._tipped = -np.sign(effect - target)
        half = 0.0 if limit == "estimate" else normal_quantile((1 + level) / 2)
        self._half = self._tipped * half

    def unbiased(self) -> FloatArray:
        """Return the limit without bias, on the analysis scale."""
        flat = self.subject.take()
        return self._limit(flat.adjusted((), ())[0], self._half, flat.std_error)

    @staticmethod
    def _limit(effect: FloatArray, half: FloatArray, std_error: FloatArray) -> FloatArray:
        if not half.any():
            return effect
        with np.errstate(invalid="ignore"):
            # An empty cell leaves the interval open on both sides.
            limit = np.where(np.isinf(std_error), np.copysign(np.inf, half), effect + half * std_error)
        return np.where(np.isnan(effect), np.nan, limit)

    def value(self, parameter: int, share: FloatArray) -> FloatArray:
        """Return the parameter after that share of its way."""
        start, end = self.neutral[parameter], self.stated[parameter]
        if self.logs[parameter]:
            return np.asarray(start * (end / start) ** share)
        return np.asarray(start * (1 - share) + end * share)

    def at(self, shares: Mapping[int, FloatArray], index: IntArray | None = None) -> FloatArray:
        """Return the limit with some parameters after their share of the way, the others as stated."""
        values: list[dict[str, FloatArray]] = [{} for _ in self.biases]
        for p, (number, name) in enumerate(self.places):
            values[number][name] = self.value(p, shares.get(p, np.asarray(1.0)))
        taken = self.subject.take(index)
        effect, _ = taken.adjusted(self.biases, values)
        half = self._half if index is None else self._half[index]
        delta = self.error == "delta" and half.any()
        std_error = np.sqrt(taken.variance(self.biases, values)) if delta else taken.std_error
        return self._limit(effect, half, std_error)

    def first(self, moving: Sequence[int]) -> FloatArray:
        """Return the first share at which the limit tips as `moving` go together: 0 at once, NaN never."""
        steps = np.linspace(0.0, 1.0, _STEPS + 1)[:, np.newaxis]
        distance = self.at(dict.fromkeys(moving, steps)) - self.target
        distance = np.broadcast_to(distance, (steps.size, self.tables))
        with np.errstate(invalid="ignore"):
            crossed = np.sign(distance[:-1]) * np.sign(distance[1:]) <= 0
        result = np.full(self.tables, np.nan)
        some = np.flatnonzero(crossed.any(axis=0))
        start = steps[crossed.argmax(axis=0)[some], 0]

        def along(share: FloatArray, table: FloatArray) -> FloatArray:
            return self.at(dict.fromkeys(moving, share), table.astype(np.int64)) - self.target

        result[some] = find_root(
            along, start, start + 1 / _STEPS, some.astype(np.float64), what="the tipping point"
        )
        # What has tipped before the parameter moves needs nothing of it.
        return np.where(np.sign(distance[0]) == self._tipped, 0.0, result)

    def surface(self, first: int, second: int, grid: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return both axes and the limit over their grid, all other parameters as stated."""
        steps = np.linspace(0.0, 1.0, grid)
        across, down = np.tile(steps, grid)[:, np.newaxis], np.repeat(steps, grid)[:, np.newaxis]
        laid = self.at({first: across, second: down})
        return (
            self.value(first, steps),
            self.value(second, steps),
            np.broadcast_to(laid, (grid * grid, self.tables)),
        )


def _numbers(bias: Bias, number: int) -> dict[str, float]:
    values = {}
    for name, kind in bias.parameters.items():
        if not isinstance(kind, Fixed):
            raise ValueError(  # noqa: TRY004 -- a distribution is a right type elsewhere
                f"`biases` must hold numbers, but `{name}` at index {number} is {kind}. "
                "Write the worst value that is feared."
            )
        values[name] = kind.value
    return values
