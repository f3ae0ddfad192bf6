"""The profile of the likelihood over tau2, with the line that cuts off an interval.

Takes finished results of `meta.profile` and `meta.heterogeneity_interval`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.markers import CARETRIGHT

from analysis.figures.parts.panels import panel_page, plain_scale, set_plain_x_axis, set_y_axis
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.style import (
    BLACK,
    BLUE,
    GREY,
    MM_PER_INCH,
    POINTS_PER_INCH,
    VERMILLION,
    current,
    house_style,
)
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.meta.heterogeneity_interval import HeterogeneityInterval
from analysis.meta.profile import ProfileLikelihood
from analysis.tables.format import format_estimate, format_number, format_percent
from analysis.values.arguments import check_confidence_level
from analysis.values.distributions import normal_quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_profile_likelihood", "plot_profile_likelihood"]

_XLABEL = "Between-study variance τ²"
_KINDS = {"ML": "Log-likelihood", "REML": "Restricted log-likelihood"}


def plot_profile_likelihood(
    result: ProfileLikelihood,
    *,
    interval: HeterogeneityInterval | None = None,
    confidence_level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the log-likelihood of tau2, relative to its maximum, with the line that cuts off an interval.

    Parameters
    ----------
    result : ProfileLikelihood
        What `profile_likelihood` gives of one meta-analysis.
    interval : HeterogeneityInterval, optional
        From `tau2_interval(..., method="profile-likelihood")`, by the same estimator: drawn on the line.
    confidence_level : float, default 0.95
        Of the line, where no interval is given.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        x is tau2; y is the log-likelihood less its maximum.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, the result is of more than one meta-analysis or of one value of
        tau2, or the interval is of another method or meta-analysis.
    """
    level = _check(result, interval, confidence_level)
    with house_style():
        if ax is None:
            page = panel_page(150.0, width_mm=current().single_mm)
            ax = page.axes(_left(), 8.0, page.width - _left() - _right(level) - MARGIN, 110.0)
        _draw(ax, result, interval, level)
    return ax


def figure_profile_likelihood(
    result: ProfileLikelihood,
    *,
    interval: HeterogeneityInterval | None = None,
    confidence_level: float = 0.95,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the profile likelihood of tau2 with its interval in numbers, at the printed size.

    Parameters
    ----------
    result, interval, confidence_level
        As for `plot_profile_likelihood`.
    width_mm : float, optional
        Printed width; by default one column of the style.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Whether the page says that its data are made up.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError, ValueError
        As `plot_profile_likelihood`, or if the width is below 50 mm.

    References
    ----------
    Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects. Stat Med
    15:619-629. DOI 10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

    Examples
    --------
    >>> from analysis import EffectSizes
    >>> from analysis.meta.profile import profile_likelihood
    >>> effects = EffectSizes(effect=[0.10, 0.15, 0.12, 0.9], variance=[0.02, 0.02, 0.03, 0.02])
    >>> figure = figure_profile_likelihood(profile_likelihood(effects))
    >>> figure.axes[0].get_ylabel()
    'Relative log-likelihood'
    """
    level = _check(result, interval, confidence_level)
    with house_style():
        preset = current()
        page_mm = preset.single_mm if width_mm is None else width_mm
        if not page_mm >= 50:
            raise ValueError(f"`width_mm` must be at least 50, but got {page_mm!r}.")
        line = preset.body_size * LINE_SPACING
        left, size = _left(), preset.body_size
        width = page_mm / MM_PER_INCH * POINTS_PER_INCH - left - _right(level) - MARGIN
        head = wrap_text(_summary(result, interval, level), width, size=size, bold=True)
        above, under = (len(head) + 0.7) * line, 2.4 * line
        height, notes = 0.5 * page_mm / MM_PER_INCH * POINTS_PER_INCH, [note] if note else []
        page = panel_page(above + height + under, width_mm=page_mm, notes=notes, synthetic=synthetic)
        for number, text in enumerate(head):
            page.text(text, left, (number + 1) * line, size=size, bold=True, gid="summary")
        ax = page.axes(left, above, width, height)
        _draw(ax, result, interval, level)
        return keep_record(page.figure, _record(result, interval, level))


def _left() -> float:
    return MARGIN + 5.2 * current().body_size


def _right(level: float) -> float:
    return text_width(format_percent(level, 0), size=current().small_size) + 4.0


def _cut(level: float) -> float:
    """Return by how much the log-likelihood falls to the limit: half a quantile of chi-square."""
    return normal_quantile((1 + level) / 2) ** 2 / 2


def _limits(result: ProfileLikelihood, interval: HeterogeneityInterval | None) -> tuple[float, float]:
    high = float(result.tau2.max())
    if interval is not None and math.isfinite(limit := float(interval.tau2_high)):
        high = max(high, min(limit, 1.3 * high))
    return float(result.tau2.min()), high


def _draw(ax: Axes, result: ProfileLikelihood, interval: HeterogeneityInterval | None, level: float) -> None:
    order = np.argsort(result.tau2, kind="stable")
    x = result.tau2[order]
    y = result.log_likelihood[order] - result.maximum_log_likelihood
    cut, (low, high) = _cut(level), _limits(result, interval)
    set_plain_x_axis(ax, _XLABEL, low, high, fixed=True)
    bottom = max(min(float(y.min()), -1.3 * cut), -3.0 * cut)
    set_y_axis(ax, plain_scale("Relative log-likelihood"), 1.06 * bottom, -0.06 * bottom)
    ax.plot(x, y, color=BLUE, linewidth=1.2, zorder=2, gid="likelihood")
    ax.axhline(-cut, color=GREY, linewidth=0.8, linestyle=(0, (4, 2.5)), zorder=1, gid="cut")
    ax.annotate(
        format_percent(level, 0),
        xy=(1.0, -cut),
        xycoords=("axes fraction", "data"),
        xytext=(2.5, -0.365 * current().small_size),
        textcoords="offset points",
        fontproperties=font(current().small_size),
        va="baseline",
        annotation_clip=False,
        parse_math=False,
        gid="cut label",
    )
    if interval is not None:
        _draw_interval(ax, interval, -cut)
    if low <= float(result.maximum_tau2) <= ax.get_xlim()[1]:
        ax.plot(
            [float(result.maximum_tau2)],
            [0.0],
            marker="D",
            markersize=4.5,
            color=BLACK,
            linestyle="none",
            clip_on=False,
            zorder=4,
            gid="maximum",
        )


def _draw_interval(ax: Axes, interval: HeterogeneityInterval, y: float) -> None:
    (start, end), bottom = ax.get_xlim(), ax.get_ylim()[0]
    low, high = float(interval.tau2_low), float(interval.tau2_high)
    if math.isnan(low) or low > end:
        return
    ax.plot([low, min(high, end)], [y, y], color=VERMILLION, linewidth=2.2, zorder=3, gid="interval")
    for limit in (low, high):
        if start <= limit <= end:
            ax.plot([limit, limit], [bottom, y], color=VERMILLION, linewidth=0.8, zorder=1.5, gid="limit")
    if high > end:
        ax.plot(
            [end],
            [y],
            marker=CARETRIGHT,
            markersize=5.0,
            markeredgewidth=0,
            color=VERMILLION,
            linestyle="none",
            clip_on=False,
            zorder=3,
            gid="arrow",
        )


def _check(
    result: ProfileLikelihood, interval: HeterogeneityInterval | None, confidence_level: float
) -> float:
    """Return the confidence level of the line."""
    if not isinstance(result, ProfileLikelihood):
        raise TypeError(f"`result` must be what `profile_likelihood` gives, but got {type(result).__name__}.")
    if result.tau2.ndim != 1 or result.tau2.size < 2 or result.tau2.min() == result.tau2.max():
        raise ValueError(
            "`result` must be of one meta-analysis at two or more values of tau2, but its tau2 has shape "
            f"{result.tau2.shape}. Give profile_likelihood a longer grid=, or draw them one by one."
        )
    if interval is None:
        return check_confidence_level(confidence_level)
    if not isinstance(interval, HeterogeneityInterval):
        raise TypeError(f"`interval` must be what `tau2_interval` gives, but got {type(interval).__name__}.")
    if interval.method != "profile-likelihood" or interval.shape != ():
        raise ValueError(
            "`interval` must be one of method 'profile-likelihood', but is of "
            f"{interval.method!r} and shape {interval.shape}: only its limits lie on the line."
        )
    if not np.isclose(interval.tau2, result.maximum_tau2, rtol=1e-3, atol=1e-6):
        raise ValueError(
            "`interval` must be of the same meta-analysis and estimator, but its tau2 is "
            f"{interval.tau2:.6g} and the maximum of the likelihood lies at {result.maximum_tau2:.6g}."
        )
    return interval.confidence_level


def _summary(result: ProfileLikelihood, interval: HeterogeneityInterval | None, level: float) -> str:
    if interval is None:
        return f"τ² = {format_number(result.maximum_tau2)}, {result.tau2_method}"
    text = format_estimate(interval.tau2, interval.tau2_low, interval.tau2_high)
    return f"τ² = {text.replace('(', f'({format_percent(level, 0)} CI ', 1)}, {result.tau2_method}"


def _record(result: ProfileLikelihood, interval: HeterogeneityInterval | None, level: float) -> FigureRecord:
    import pandas as pd

    kind, percent = _KINDS[result.tau2_method], format_percent(level, 0)
    lost = result.log_likelihood - result.maximum_log_likelihood
    marks = [("likelihood", x, y) for x, y in zip(result.tau2, lost, strict=True)]
    marks += [("maximum", float(result.maximum_tau2), 0.0), ("cut", math.nan, -_cut(level))]
    if interval is not None:
        ends = (("low", interval.tau2_low), ("high", interval.tau2_high))
        marks += [(f"interval {end}", float(limit), -_cut(level)) for end, limit in ends]
    first, last = (function(result.tau2) for function in (np.argmin, np.argmax))
    falls = [f"{format_number(lost[i], 1)} at τ² = {format_number(result.tau2[i])}" for i in (first, last)]
    thick = "" if interval is None else "; thick line, the interval that it cuts off"
    return FigureRecord(
        title=f"Profile likelihood of the between-study variance ({result.n_studies} studies)",
        caption=(
            f"{kind} of τ², the mean being the best for each, less its maximum. Diamond, the maximum; dashed "
            f"line, the maximum less {format_number(_cut(level))}, half the {percent} quantile of χ², one "
            f"degree of freedom{thick}."
        ),
        alt=(
            f"{kind} of the between-study variance in {result.n_studies} studies: "
            f"{_summary(result, interval, level)}. Relative to the maximum it is {falls[0]} and {falls[1]}."
        ),
        numbers=pd.DataFrame(marks, columns=["mark", "tau2", "relative_log_likelihood"]),
    )
