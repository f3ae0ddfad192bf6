"""Funnel plots: effects against precision, with contours of significance and what small-study methods found.

Takes finished results of `meta`; lines are drawn from their numbers, nothing is fitted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from analysis.figures.axes import automatic_limits, axis_scale, set_x_axis
from analysis.figures.baujat import place_labels
from analysis.figures.doi import (
    KeyEntry,
    draw_key,
    figure_of,
    plane_page,
    set_y_axis,
    study_labels,
    widest_label,
)
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import BLACK, BLUE, GREY, VERMILLION, house_style
from analysis.meta.limit_meta_analysis import LimitMetaAnalysis
from analysis.meta.pooled_estimate import PooledEstimate
from analysis.meta.small_study_result import SmallStudyTest
from analysis.meta.trim_and_fill import TrimAndFill
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_number,
    format_pvalue,
)
from analysis.values.arguments import as_positive, check_choice
from analysis.values.distributions import normal_quantile
from analysis.values.estimate import EffectSizes
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import LineStyleType
    from numpy.typing import ArrayLike

    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.estimate import Estimate

__all__ = ["figure_funnel", "plot_funnel"]

_SIZES = {
    "std_error": "Standard error",
    "variance": "Sampling variance",
    "precision": "Precision (1/standard error)",
    "n": "Persons in the study",
}
_LEVELS = (0.1, 0.05, 0.01)
# Of the bands between contours from the innermost outwards: GREY thinned with white to these shares, so far
# apart that every reader tells them from each other and from white, in print too.
_TINTS = (0.6, 0.34)
_STEPS = 160


def plot_funnel(
    effects: EffectSizes,
    *,
    pooled: PooledEstimate | None = None,
    size: str = "std_error",
    n: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    filled: TrimAndFill | None = None,
    egger: SmallStudyTest | None = None,
    limit: LimitMetaAnalysis | None = None,
    annotate: Sequence[int] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw a funnel plot, small studies at the bottom.

    Parameters
    ----------
    effects : EffectSizes
        Of shape (k,). Studies that are not estimable are left out.
    pooled : PooledEstimate, optional
        The line in the middle, and the region at its level around it.
    size : {"std_error", "variance", "precision", "n"}, default "std_error"
        What the vertical axis is of. Standard error and variance run downwards. Against the number of
        persons there are no contours, region or lines: significance does not follow from it.
    n : array_like, optional
        Persons in each study; for size="n", and only for it.
    contours : sequence of float, optional
        P-values whose contours around no effect bound the shaded bands; by default 0.1, 0.05 and 0.01 where
        the measure has a null. None are drawn for an empty sequence.
    filled : TrimAndFill, optional
        Studies filled in are rings, their pooled estimate a line.
    egger : SmallStudyTest, optional
        Regression of the effect on the standard error: `egger_test(effects)`, of either model.
    limit : LimitMetaAnalysis, optional
        Its curve leads to the adjusted estimate at the top.
    annotate : sequence of int, optional
        Studies that are named, by position.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is the effect on the reporting scale, proportions in percent; y the chosen size.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If there is more than one meta-analysis or nothing to draw, a result is of another measure or number
        of studies, an option is unknown, or something is asked for that the axis or measure does not have.

    Notes
    -----
    The contour of P is where abs(effect - null)/SE is its normal quantile; the region is the pooled effect
    plus or minus the normal quantile of its level times SE: where studies of one common effect would lie.
    Asymmetry has other causes than unpublished studies (Sterne and others 2011).

    References
    ----------
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2008). Contour-enhanced meta-analysis funnel plots
    help distinguish publication bias from other causes of asymmetry. J Clin Epidemiol 61:991-996.
    DOI 10.1016/j.jclinepi.2007.11.010

    Sterne JAC, Sutton AJ, Ioannidis JPA, et al. (2011). Recommendations for examining and interpreting funnel
    plot asymmetry in meta-analyses of randomised controlled trials. BMJ 343:d4002. DOI 10.1136/bmj.d4002

    Rücker G, Schwarzer G, Carpenter JR, Binder H, Schumacher M (2011). Treatment-effect estimates adjusted
    for small-study effects via a limit meta-analysis. Biostatistics 12:122-142.
    DOI 10.1093/biostatistics/kxq046
    """
    funnel = _checked(effects, pooled, size, n, contours, filled, egger, limit, annotate)
    with house_style():
        if ax is None:
            ax = plane_page(widest=funnel.widest)
        funnel.draw(ax)
    return ax


def figure_funnel(
    effects: EffectSizes,
    *,
    pooled: PooledEstimate | None = None,
    size: str = "std_error",
    n: ArrayLike | None = None,
    contours: Sequence[float] | None = None,
    filled: TrimAndFill | None = None,
    egger: SmallStudyTest | None = None,
    limit: LimitMetaAnalysis | None = None,
    annotate: Sequence[int] = (),
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a funnel plot on a page, with a key to its signs.

    Parameters
    ----------
    effects, pooled, size, n, contours, filled, egger, limit, annotate
        As for `plot_funnel`.
    width_mm : float, optional
        Printed width; by default one column of the journal.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_funnel`, or if the width is not between 60 and 400 mm.
    """
    funnel = _checked(effects, pooled, size, n, contours, filled, egger, limit, annotate)
    key = funnel.key()
    lost = int((~funnel.drawn).sum())
    notes = [f"{lost} {'study' if lost == 1 else 'studies'} not estimable, not drawn."] if lost else []
    with house_style():
        ax = plane_page(
            width_mm=width_mm,
            widest=funnel.widest,
            key=key,
            notes=[*notes, *([note] if note else [])],
            synthetic=synthetic,
        )
        funnel.draw(ax)
        draw_key(ax, key)
    return keep_record(figure_of(ax), funnel.record(notes))


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A line: its name, its words in the key, and its effects (analysis scale) at some standard errors."""

    gid: str
    text: str
    effect: FloatArray
    dashes: LineStyleType = "-"
    colour: str = BLACK
    width: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Funnel:
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

    def lines(self) -> list[_Line]:
        """Return all lines over `errors`."""
        errors, found = self.errors(), []
        if self.pooled is not None:
            mean, level = self.pooled.mean, self.pooled.confidence_level
            found.append(_Line("pooled line", "pooled", mean + 0 * errors))
            words = f"{format_number(100 * level, 0)}% region"
            for half in (-1, 1) if self.n is None else ():
                effect = mean + half * normal_quantile((1 + level) / 2) * errors
                found.append(_Line("region", words, effect, (0, (2.6, 1.6)), width=0.7))
        if self.filled is not None:
            effect, dashes = self.filled.pooled.mean + 0 * errors, (0.0, (5.0, 1.4, 1.0, 1.4))
            found.append(_Line("filled pooled line", "pooled with filled", effect, dashes))
        if self.egger is not None and self.egger.limit is not None:
            at_zero = scale_of(self.effects.scale).forward(self.egger.limit.value)
            words = "Egger's line" if self.egger.method == "Egger" else "Thompson-Sharp line"
            effect = np.asarray(at_zero + self.egger.bias * errors)
            found.append(_Line("egger line", words, effect, (0, (6.0, 1.8)), VERMILLION, 1.3))
        if self.limit is not None:
            bent = self.limit.intercept * np.sqrt(errors**2 + self.limit.tau2)
            effect = np.asarray(self.limit.slope + bent)
            found.append(_Line("limit line", "limit meta-analysis", effect, (0, (1.0, 1.2)), BLUE, 1.5))
        return found

    def draw(self, ax: Axes) -> None:
        """Draw everything, from the ground up."""
        keep = self.drawn
        x = np.where(keep, self.place(self.effects.effect), np.nan)
        error = np.where(keep, self.effects.std_error, np.nan)
        y = self.height(error) if self.n is None else self.n
        extra, extra_error = (self.place(self.extra()[0]), self.height(self.extra()[1]))
        self._set_axes(ax, [*x, *extra])
        self._draw_contours(ax)
        heights = self.height(self.errors()) if self.n is None else np.array(ax.get_ylim())
        for line in self.lines():
            ax.plot(
                self.place(line.effect),
                heights,
                color=line.colour,
                linewidth=line.width,
                linestyle=line.dashes,
                zorder=2.5,
                gid=line.gid,
            )
        side = 4.6 if keep.sum() <= 60 else 3.4
        for across, up, face, edge, gid in (
            (extra, extra_error, "white", BLACK, "filled study"),
            (x, y, BLUE, "white", "study"),
        ):
            if across.size:
                ax.plot(
                    across,
                    up,
                    linestyle="none",
                    marker="o",
                    markersize=side,
                    markerfacecolor=face,
                    markeredgecolor=edge,
                    markeredgewidth=0.8 if gid == "filled study" else 0.4,
                    zorder=4,
                    clip_on=False,
                    gid=gid,
                )
        wanted = [i for i in self.annotate if keep[i]]
        across = np.concatenate([*(self.place(line.effect) for line in self.lines()), extra])
        up = np.concatenate([*[heights] * len(self.lines()), extra_error])
        labels = study_labels(self.effects)
        place_labels(ax, x, y, labels, wanted=wanted, radius=side / 2, avoid=(across, up))

    def _set_axes(self, ax: Axes, places: list[float]) -> None:
        scale = axis_scale(self.effects.measure)
        ends = [float(self.place(line.effect[-1])) for line in self.lines() if line.gid == "region"]
        middle = [float(self.place(line.effect[0])) for line in self.lines() if "pooled" in line.gid]
        set_x_axis(ax, scale, *automatic_limits(scale, [*places, *middle], ends))
        low, high, log = self.heights()
        upwards = self.size in {"n", "precision"}
        bottom, top = (low, high) if upwards else (high, low)
        set_y_axis(ax, self.size_name, bottom, top, log=log)

    def _draw_contours(self, ax: Axes) -> None:
        errors, (left, right) = self.errors(), ax.get_xlim()
        null = self._null()
        reaches = [normal_quantile(1 - level / 2) for level in self.levels]
        edges = [[self.place(null + side * reach * errors) for reach in reaches] for side in (-1, 1)]
        for bounds, end in zip(edges, (left, right), strict=True):
            outwards = [np.clip(bound, left, right) for bound in bounds]
            if len(outwards) == 1:
                # Of a single contour the outside is shaded, of several the bands between them.
                outwards.append(np.full_like(errors, end))
            for (inner, outer), tint in zip(pairwise(outwards), self._tints(), strict=True):
                band = ax.fill_betweenx(
                    self.height(errors), inner, outer, facecolor=tint, linewidth=0, zorder=0.2
                )
                band.set_gid("contour")

    def _null(self) -> float:
        meaning = measure_of(self.effects.measure)
        null = np.nan if meaning.null is None else meaning.null
        return float(scale_of(meaning.scale).forward(np.asarray(null)))

    def _tints(self) -> list[str]:
        red, green, blue = to_rgb(GREY)
        shares = _TINTS[-1:] if len(self.levels) == 1 else _TINTS[: max(len(self.levels) - 1, 0)]
        return [
            to_hex((1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue)))
            for share in shares
        ]

    def key(self) -> list[KeyEntry]:
        """Return what each sign means."""
        entries = [KeyEntry(text="study", marker="o", colour=BLUE)]
        if self.extra()[0].size:
            entries.append(KeyEntry(text="filled in", marker="o", filled=False))
        for line in self.lines():
            if line.text not in {entry.text for entry in entries}:
                entries.append(
                    KeyEntry(text=line.text, line=line.dashes, colour=line.colour, width=line.width)
                )
        if self.levels:
            edges = [format_pvalue(level, prefix="") for level in self.levels]
            bands = [f"{low} to {high}" for high, low in pairwise(edges)]
            tints = self._tints()
            # Both ends of the scale are white; the words say which is which.
            inside, outside = (" inside", " outside") if bands else ("", "")
            entries.append(KeyEntry(text=f"P ≥ {edges[0]}{inside}", patch="white"))
            entries += [KeyEntry(text=text, patch=tint) for text, tint in zip(bands, tints, strict=False)]
            entries.append(KeyEntry(text=f"P < {edges[-1]}{outside}", patch="white" if bands else tints[0]))
        return entries

    def record(self, notes: list[str]) -> FigureRecord:
        """Return words and numbers."""
        label = measure_of(self.effects.measure).label.lower()
        title = f"Funnel plot of {format_count(self.drawn.sum())} studies ({label})"
        signs = "; ".join(entry.text for entry in self.key())
        bands = "Bands: two-sided P of a study against no effect, normal distribution. "
        caption = (
            f"Funnel plot: {label} against {self.size_name[0].lower()}{self.size_name[1:]}. "
            f"Signs: {signs}. {bands if self.levels else ''}{' '.join([*self._findings(), *notes])}"
        )
        alt = f"{title}. {self._spread()} {' '.join(self._findings())}"
        return FigureRecord(title=title, caption=caption.strip(), alt=alt.strip(), numbers=self._numbers())

    def _spread(self) -> str:
        keep = self.drawn
        effect, errors = self.effects.effect[keep], self.effects.std_error[keep]
        measure = self.effects.measure
        values = scale_of(self.effects.scale).backward(effect)
        text = (
            f"{measure_of(measure).label}: {format_interval(values.min(), values.max(), measure=measure)}, "
            f"standard errors {format_interval(errors.min(), errors.max())}."
        )
        for level in self.levels:
            count = int((np.abs(effect - self._null()) > normal_quantile(1 - level / 2) * errors).sum())
            text += f" {count} of {effect.size} have P < {format_pvalue(level, prefix='')}."
        if self.pooled is not None and self.n is None:
            reach = normal_quantile((1 + self.pooled.confidence_level) / 2) * errors
            left, right = (int((side * (effect - self.pooled.mean) > reach).sum()) for side in (-1, 1))
            text += f" {left} lie left of the region around the pooled estimate and {right} right of it."
        return text

    def _findings(self) -> list[str]:
        found = []
        if self.pooled is not None:
            found.append(f"Pooled ({self.pooled.model} effects): {_text(self.pooled.estimate)}.")
        if self.filled is not None:
            count = format_count(self.filled.n_filled.item())
            found.append(
                f"Trim and fill ({self.filled.estimator}): {count} filled in on the "
                f"{self.filled.side.item()}, pooled {_text(self.filled.pooled.estimate)}."
            )
        if self.egger is not None and self.egger.limit is not None:
            pvalue = format_pvalue(self.egger.pvalue.item())
            limit = _text(self.egger.limit)
            found.append(
                f"{self.egger.method} test of asymmetry: {pvalue}; effect at standard error 0 {limit}."
            )
        if self.limit is not None:
            found.append(f"Limit meta-analysis: {_text(self.limit.estimate)}.")
        return found

    def _numbers(self) -> pd.DataFrame:
        """Return points as they are, lines and contours at the ends of the axis."""
        import pandas as pd

        backward = scale_of(self.effects.scale).backward
        frame = pd.DataFrame({"kind": "study", "label": list(study_labels(self.effects))})
        frame["value"], frame["std_error"] = backward(self.effects.effect), self.effects.std_error
        frame["drawn"] = self.drawn
        if self.n is not None:
            frame["n"] = self.n
        rows = []
        extra, error = self.extra()
        if self.filled is not None:
            names = study_labels(self.filled.filled)[len(frame) :]
            rows += [
                {"kind": "filled study", "label": name, "value": value, "std_error": each}
                for name, value, each in zip(names, backward(extra), error, strict=True)
            ]
        ends = self.errors()[[0, -1]]
        curves = [(line.gid, line.text, line.effect[[0, -1]]) for line in self.lines()]
        for level in self.levels:
            reach = normal_quantile(1 - level / 2) * ends
            name = f"P = {format_pvalue(level, prefix='')}"
            curves += [("contour", name, self._null() + side * reach) for side in (-1, 1)]
        rows += [
            {"kind": gid, "label": name, "value": value, "std_error": np.nan if self.n is not None else end}
            for gid, name, effect in curves
            for value, end in zip(backward(effect), ends, strict=True)
        ]
        return pd.concat([frame, pd.DataFrame(rows).assign(drawn=True)]) if rows else frame


def _text(estimate: Estimate) -> str:
    return format_estimate(
        estimate.value.item(), estimate.low.item(), estimate.high.item(), measure=estimate.measure
    )


def _checked(
    effects: EffectSizes,
    pooled: PooledEstimate | None,
    size: str,
    n: ArrayLike | None,
    contours: Sequence[float] | None,
    filled: TrimAndFill | None,
    egger: SmallStudyTest | None,
    limit: LimitMetaAnalysis | None,
    annotate: Sequence[int],
) -> _Funnel:
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
    funnel = _Funnel(
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
