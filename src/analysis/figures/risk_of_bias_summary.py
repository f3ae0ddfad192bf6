"""The summary of the risk of bias: for each domain a bar of the shares of the judgements.

Takes finished shares; they are counted by `RiskOfBias.shares`. Single studies are drawn in `risk_of_bias`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.axes import UNDER_AXIS, AxisScale, labelled_axes, set_x_axis
from analysis.figures.parts.judgements import (
    draw_area,
    draw_judgement,
    draw_judgement_key,
    lay_out_judgement_key,
)
from analysis.figures.parts.page import Column, Row, draw_page, lay_out
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.risk_of_bias import judgement_words, signs_in_words
from analysis.figures.parts.sheet import sheet_width, size_in_points
from analysis.figures.style import BLACK, current, house_style
from analysis.figures.parts.text import font, text_width
from analysis.tables.format import format_count, format_percent
from analysis.values.judgement_shares import JudgementShares
from analysis.values.risk_of_bias import OVERALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_risk_of_bias_summary", "plot_risk_of_bias_summary"]

_LABELS = {False: "Studies (%)", True: "Weight of the studies (%)"}
_KEY_GAP = 4.0
_BAR = 1.75
_INSIDE = 3.0


def plot_risk_of_bias_summary(shares: JudgementShares, *, ax: Axes | None = None) -> Axes:
    """Draw the shares of the judgements, one bar a domain from top to bottom.

    Parameters
    ----------
    shares : JudgementShares
        From `RiskOfBias.shares`.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Texts are fitted to the size
        that the axes have now.

    Returns
    -------
    Axes
        Bar i lies about y = i; the axis is in percent. The key is drawn by
        `judgements.draw_judgement_key`.

    Raises
    ------
    TypeError
        If `shares` is of another type.
    """
    _check(shares)
    with house_style():
        ax = labelled_axes(shares.domain, xlabel=_LABELS[shares.weighted], ax=ax)
        for text in ax.get_yticklabels():
            text.set_fontproperties(font())
        set_x_axis(ax, _scale(shares), 0.0, 100.0)
        _draw(ax, shares, list(map(float, range(len(shares.domain)))), height=0.72)
    return ax


def figure_risk_of_bias_summary(
    shares: JudgementShares,
    *,
    domain_heading: str = "Domain",
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw the shares of the judgements with their key, at the printed size.

    Parameters
    ----------
    shares : JudgementShares
        From `RiskOfBias.shares`; with weights, bars are shares of the weight.
    domain_heading : str, default "Domain"
        Heading of the names of the domains.
    width_mm : float, optional
        Printed width; by default that of the style's page.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Parts of a bar differ by sign, hatching and colour, and say their share where there is room for it.

    Raises
    ------
    TypeError
        If `shares` is of another type.
    ValueError
        If the page is too narrow.
    """
    _check(shares)
    with house_style():
        preset = current()
        page_mm = preset.double_mm if width_mm is None else width_mm
        size = preset.body_size
        # The last label of the axis, 100, reaches over its end.
        end = Column(heading="", width=0.6 * text_width("100", size=size), gap=0.0)
        columns = [Column(heading=domain_heading, wraps=True), end]
        rows = [
            Row(
                cells=(name, ""),
                bold=name == OVERALL,
                height=(_BAR + 0.4) * size,
                space_above=0.5 * size if name == OVERALL else 0.0,
            )
            for name in shares.domain
        ]
        layout = lay_out(columns, rows, width_mm=page_mm, panel_after=1, least_panel=0.4)
        key = lay_out_judgement_key(shares.judgement, width=sheet_width(page_mm), areas=True)
        page = draw_page(
            layout,
            columns,
            rows,
            below=UNDER_AXIS + _KEY_GAP + key.height,
            notes=[note] if note else [],
            synthetic=synthetic,
        )
        set_x_axis(page.axes, _scale(shares), 0.0, 100.0)
        _draw(page.axes, shares, page.centres, height=_BAR * size)
        over = page.overlay()
        top = float(over.get_ylim()[0]) + UNDER_AXIS + _KEY_GAP
        draw_judgement_key(over, key, x=layout.left[0], top=top, transform=over.transData)
        return keep_record(page.figure, _record(shares))


def _check(shares: JudgementShares) -> None:
    if not isinstance(shares, JudgementShares):
        raise TypeError(
            f"`shares` must be JudgementShares, but got {type(shares).__name__}; bias.shares() makes them."
        )


def _scale(shares: JudgementShares) -> AxisScale:
    return AxisScale(label=_LABELS[shares.weighted], log=False, factor=100.0, null=None, proportion=True)


def _draw(ax: Axes, shares: JudgementShares, centres: Sequence[float], *, height: float) -> None:
    size = current().small_size
    width, tall = size_in_points(ax)
    points = width / 100.0
    bar = height * tall / abs(float(np.diff(ax.get_ylim())[0]))
    mark = min(1.3 * size, 0.8 * bar)
    starts = 100.0 * (np.cumsum(shares.share, axis=1) - shares.share)
    for i, centre in enumerate(centres):
        for j, judgement in enumerate(shares.judgement):
            share = 100.0 * float(shares.share[i, j])
            if share == 0:
                continue
            start = float(starts[i, j])
            draw_area(ax, (start, centre - height / 2), share, height, judgement)
            _write_share(ax, judgement, start, share, centre, mark=mark, points=points)


def _write_share(
    ax: Axes, judgement: str, start: float, share: float, y: float, *, mark: float, points: float
) -> None:
    """Draw the sign and write the share into a part of a bar, or less where there is less room."""
    size = current().small_size
    room = share * points - 2 * _INSIDE
    if room < mark:
        return
    text = format_percent(share / 100.0, 0)
    label = text_width(text, size=size) + 2.0
    middle = start + share / 2
    both = room >= mark + 2.0 + label
    x = middle - (label + 2.0) / 2 / points if both else middle
    draw_judgement(ax, x, y, judgement, mark)
    if both:
        ax.annotate(
            text,
            xy=(x, y),
            xytext=(mark / 2 + 3.0, -0.365 * size),
            textcoords="offset points",
            ha="left",
            va="baseline",
            fontproperties=font(size),
            color=BLACK,
            parse_math=False,
            # Hatching runs around the letters, not through them.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            zorder=3.2,
            gid="share text",
        )


def _record(shares: JudgementShares) -> FigureRecord:
    k = int(shares.count[0].sum())
    parts = []
    for name, counts, share in zip(shares.domain, shares.count, shares.share, strict=True):
        said = judgement_words(
            {judgement: int(n) for judgement, n in zip(shares.judgement, counts, strict=True)}, k
        )
        if shares.weighted:
            weights = [
                f"{judgement} {format_percent(part)}"
                for judgement, part in zip(shares.judgement, share, strict=True)
                if part > 0
            ]
            said = f"{said} (of the weight: {', '.join(weights)})"
        parts.append(f"{name}: {said}.")
    if shares.domain[-1] == OVERALL:
        parts = [parts[-1], *parts[:-1]]
    of = "the studies' weight" if shares.weighted else f"{format_count(k)} {'study' if k == 1 else 'studies'}"
    start = 100.0 * (np.cumsum(shares.share, axis=1) - shares.share)
    return FigureRecord(
        title="Risk of bias by domain",
        caption=(
            f"Shares of {of} with each judgement on the risk of bias, by domain. "
            f"Signs: {signs_in_words(list(shares.judgement))}."
        ),
        alt=" ".join(["Bars of the shares of judgements on the risk of bias, one a domain.", *parts]),
        numbers=shares.to_frame().assign(start_percent=start.ravel(), percent=100.0 * shares.share.ravel()),
    )
