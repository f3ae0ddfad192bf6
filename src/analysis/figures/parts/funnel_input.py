"""What one funnel plot shows: studies, results and options that fit each other, and where they lie.

Lines come from the numbers of finished results; nothing is fitted here, and nothing drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures.parts.axes import axis_scale
from analysis.figures.parts.plane import null_of, widest_label
from analysis.figures.style import BLACK, BLUE, VERMILLION
from analysis.meta.limit_meta_analysis import LimitMetaAnalysis
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.small_study_result import SmallStudyTest
from analysis.meta.trim_and_fill import TrimAndFill
from analysis.tables.format import format_number
from analysis.values.arguments import as_positive, check_choice
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.typing import LineStyleType
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["Funnel", "FunnelLine", "checked_funnel"]

_SIZES = {
    "std_error": "Standard error",
    "variance": "Sampling variance",
    "precision": "Precision (1/standard error)",
    "n": "Persons in the study",
}
_LEVELS = (0.1, 0.05, 0.01)
_STEPS = 160


@dataclass(frozen=True, slots=True, eq=False)
class FunnelLine:
    """A line: its name, its words in the key, and its effects (analysis scale) at some standard errors."""

    gid: str
    text: str
    effect: FloatArray
    dashes: LineStyleType = "-"
    colour: str = BLACK
    width: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Funnel:
    """What one funnel plot shows."""

    effects: EffectSizes
    pooled: PooledEstimate | None
    size: str
    n: FloatArray | None
    levels: tuple[float, ...]
    filled: TrimAndFill | None
    egger: SmallStudyTest | None
    limit: LimitMetaAnalysis | None
    annotate: tuple[int, ...]

    @property
    def drawn(self) -> BoolArray:
        """Studies with an effect and, where the axis divides by it, a standard error above 0."""
        error = self.effects.std_error
        usable = np.isfinite(self.effects.effect) & np.isfinite(error)
        return np.asarray(usable & (error > 0) if self.size == "precision" else usable)

    def named(self) -> tuple[int, ...]:
        """Return the studies that are to be named and are drawn, each once."""
        return tuple(i for i in dict.fromkeys(self.annotate) if self.drawn[i])

    @property
    def widest(self) -> str:
        """The longest label of the vertical axis."""
        low, high, log = self.heights()
        return widest_label(low, high, log=log)

    def heights(self) -> tuple[float, float, bool]:
        """Return the limits of the vertical axis, the lower number first, and whether it is logarithmic."""
        if self.n is None:
            low, high = sorted(map(float, self.height(self.errors())[[0, -1]]))
            return low, high, False
        low, high = float(self.n.min()), float(self.n.max())
        log = high > 30 * low
        return (low / 1.3, 1.3 * high, True) if log else (0.0, 1.06 * high, False)

    @property
    def size_name(self) -> str:
        """Name of the vertical axis, with the scale that a standard error is on."""
        name = _SIZES[self.size]
        if self.effects.scale == "identity" or self.n is not None:
            return name
        scale = f"{self.effects.scale} scale)"
        return f"{name[:-1]}, {scale}" if name.endswith(")") else f"{name} ({scale}"

    def place(self, effect: ArrayLike) -> FloatArray:
        """Return where effects of the analysis scale lie on the x-axis."""
        on_scale = scale_of(self.effects.scale).backward(np.asarray(effect, dtype=np.float64))
        return np.asarray(axis_scale(self.effects.measure).factor * on_scale)

    def height(self, error: FloatArray) -> FloatArray:
        """Return where standard errors lie on the y-axis."""
        if self.size == "precision":
            return np.asarray(1 / error)
        return error**2 if self.size == "variance" else error

    def errors(self) -> FloatArray:
        """Return the standard errors at which lines are drawn, the smallest first."""
        if self.n is not None:
            return np.zeros(2)
        known = self.effects.std_error[self.drawn]
        largest = 1.04 * max(float(known.max()), 1e-9)
        if self.size != "precision":
            return np.linspace(0.0, largest, _STEPS)
        # Even steps of the precision: lines are curved most where it is small.
        highest = 1.04 / float(known.min())
        return np.asarray(1 / np.linspace(highest, min(1 / largest, 0.2 * highest), 2 * _STEPS))

    def extra(self) -> tuple[FloatArray, FloatArray]:
        """Return effects and standard errors of the studies filled in."""
        if self.filled is None:
            return np.empty(0), np.empty(0)
        first = int(self.filled.n_studies.item())
        return self.filled.filled.effect[first:], self.filled.filled.std_error[first:]

    def lines(self) -> list[FunnelLine]:
        """Return all lines over `errors`."""
        errors, found = self.errors(), []
        if self.pooled is not None:
            mean, level = self.pooled.mean, self.pooled.confidence_level
            found.append(FunnelLine("pooled line", "pooled", mean + 0 * errors))
            words = f"{format_number(100 * level, 0)}% region"
            for half in (-1, 1) if self.n is None else ():
                effect = mean + half * normal_quantile((1 + level) / 2) * errors
                found.append(FunnelLine("region", words, effect, (0, (2.6, 1.6)), width=0.7))
        if self.filled is not None:
            effect, dashes = self.filled.pooled.mean + 0 * errors, (0.0, (5.0, 1.4, 1.0, 1.4))
            found.append(FunnelLine("filled pooled line", "pooled with filled", effect, dashes))
        if self.egger is not None and self.egger.limit is not None:
            at_zero = scale_of(self.effects.scale).forward(self.egger.limit.value)
            words = "Egger's line" if self.egger.method == "Egger" else "Thompson-Sharp line"
            effect = np.asarray(at_zero + self.egger.bias * errors)
            found.append(FunnelLine("egger line", words, effect, (0, (6.0, 1.8)), VERMILLION, 1.3))
        if self.limit is not None:
            bent = self.limit.intercept * np.sqrt(errors**2 + self.limit.tau2)
            effect = np.asarray(self.limit.slope + bent)
            found.append(FunnelLine("limit line", "limit meta-analysis", effect, (0, (1.0, 1.2)), BLUE, 1.5))
        return found

    def null(self) -> float:
        """Return where no effect lies on the analysis scale."""
        return null_of(self.effects.measure)


def checked_funnel(
    effects: EffectSizes,
    pooled: PooledEstimate | None,
    size: str,
    n: ArrayLike | None,
    contours: Sequence[float] | None,
    filled: TrimAndFill | None,
    egger: SmallStudyTest | None,
    limit: LimitMetaAnalysis | None,
    annotate: Sequence[int],
) -> Funnel:
    """Check everything against everything."""
    check_choice("size", size, _SIZES)
    _check_types(effects, pooled=pooled, filled=filled, egger=egger, limit=limit)
    has_null = measure_of(effects.measure).null is not None
    default = _LEVELS if has_null and size != "n" else ()
    levels = default if contours is None else tuple(sorted(map(float, contours), reverse=True))
    if len(set(levels)) < len(levels) or len(levels) > 3 or not all(0 < level < 1 for level in levels):
        raise ValueError(
            f"`contours` must be up to three different P-values between 0 and 1, but got {contours!r}."
        )
    if levels and not has_null:
        raise ValueError(
            f"`contours` are around no effect, which measure {effects.measure} does not have. Leave them out."
        )
    if (n is None) is (size == "n"):
        raise ValueError("`n`, the persons of each study, must be given for size='n', and only for it.")
    for name, given in (("contours", levels), ("filled", filled), ("egger", egger), ("limit", limit)):
        if given and size == "n":
            raise ValueError(f"`{name}` needs an axis of the standard error, not size='n'. Leave it out.")
    persons = None if n is None else as_positive("n", n)
    if persons is not None and persons.shape != effects.shape:
        raise ValueError(f"`n` must have the shape of the effects {effects.shape}, but has {persons.shape}.")
    if not all(0 <= i < effects.effect.size for i in annotate):
        raise ValueError(
            f"`annotate` must be positions from 0 to {effects.effect.size - 1}, but got {list(annotate)!r}."
        )
    funnel = Funnel(
        effects=effects,
        pooled=pooled,
        size=size,
        n=persons,
        levels=levels,
        filled=filled,
        egger=egger,
        limit=limit,
        annotate=tuple(int(i) for i in annotate),
    )
    if not funnel.drawn.any():
        raise ValueError("`effects` must hold at least one estimable study, but all are missing.")
    return funnel


def _check_types(effects: EffectSizes, **results: Any) -> None:  # noqa: ANN401 -- it is what is checked
    if not isinstance(effects, EffectSizes):
        raise TypeError(f"`effects` must be EffectSizes, but got {type(effects).__name__}.")
    if len(effects.shape) != 1:
        raise ValueError(
            f"`effects` must be one set of studies, shape (k,), but has shape {effects.shape}. "
            "Draw one meta-analysis at a time."
        )
    kinds: dict[str, type] = {
        "pooled": PooledEstimate,
        "filled": TrimAndFill,
        "egger": SmallStudyTest,
        "limit": LimitMetaAnalysis,
    }
    for name, given in results.items():
        result: Any = given
        if result is None:
            continue
        if not isinstance(given, kinds[name]):
            raise TypeError(
                f"`{name}` must be {kinds[name].__name__} or None, but got {type(result).__name__}."
            )
        estimate: Any = _estimate_of(result)
        if estimate is None or (name == "egger" and " on " in result.method):
            raise ValueError(
                "`egger` must be of predictor='std_error': it has no line in a funnel plot else."
            )
        if estimate.shape != () or estimate.measure != effects.measure:
            raise ValueError(
                f"`{name}` must be of one meta-analysis of measure {effects.measure}, but is of shape "
                f"{estimate.shape} and measure {estimate.measure}."
            )
        if int(result.n_studies.item()) > effects.effect.size:
            raise ValueError(
                f"`{name}` must be of these {effects.effect.size} studies, but is of "
                f"{int(result.n_studies.item())}."
            )


def _estimate_of(
    result: PooledEstimate | TrimAndFill | SmallStudyTest | LimitMetaAnalysis,
) -> Estimate | None:
    if isinstance(result, TrimAndFill):
        return result.pooled.estimate
    return result.limit if isinstance(result, SmallStudyTest) else result.estimate
