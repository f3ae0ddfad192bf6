"""The traffic-light plot: judgements on the risk of bias, studies by domains.

Takes finished judgements and draws them in the order given. Shares of judgements are drawn in
`risk_of_bias_summary`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.parts.axes import labelled_axes
from analysis.figures.parts.judgements import (
    draw_judgement,
    draw_judgement_key,
    lay_out_judgement_key,
    sign_of,
)
from analysis.figures.parts.page import Column, Row, draw_page, lay_out, row_heights
from analysis.figures.record import FigureRecord, keep_record
from analysis.figures.parts.sheet import sheet_width, size_in_points, write_block
from analysis.figures.style import LIGHT_GREY, MM_PER_INCH, POINTS_PER_INCH, current, house_style
from analysis.figures.parts.text import LINE_SPACING, font, text_width, wrap_text
from analysis.figures.parts.writer import MARGIN
from analysis.tables.format import format_count
from analysis.values.arguments import check_choice
from analysis.values.risk_of_bias import JUDGEMENTS, OVERALL, RiskOfBias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from analysis.figures.parts.page import Layout
    from analysis.values.arrays import FloatArray

__all__ = [
    "check_risk_of_bias",
    "figure_risk_of_bias",
    "judgement_words",
    "plot_risk_of_bias",
    "signs_in_words",
]

HEADINGS = ("auto", "names", "numbers")
# Of the page, that names of studies may take before they are broken.
_LABEL_SHARE = 0.42
_MOST_HEADING_LINES = 4
# As a page has it under the headings of its columns.
_HEADING_GAP = 3.0
_KEY_GAP = 5.0


def plot_risk_of_bias(bias: RiskOfBias, *, ax: Axes | None = None) -> Axes:
    """Draw judgements, one row a study from top to bottom, one column a domain.

    Parameters
    ----------
    bias : RiskOfBias
        Judgements.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot.

    Returns
    -------
    Axes
        Study i lies at y = i, domain j at x = j, the overall judgement at x = d. Domains are named at the
        upper axis, or are D1, D2 and so on where their names do not fit. The key is drawn by
        `judgements.draw_judgement_key`.

    Raises
    ------
    TypeError
        If `bias` is of another type.
    """
    check_risk_of_bias(bias)
    names = _columns(bias)
    with house_style():
        preset = current()
        size = preset.body_size
        if ax is None:
            figure = Figure(
                figsize=(preset.double_mm / MM_PER_INCH, 1.0 + len(bias) * 2.1 * size / POINTS_PER_INCH),
                layout="constrained",
            )
            FigureCanvasAgg(figure)
            ax = figure.add_subplot()
            _name_columns(ax, names, ["D1"] * len(names))
            labelled_axes(bias.label, xlabel="", ax=ax)
            figure.draw_without_rendering()
            width = size_in_points(ax)[0]
            _name_columns(ax, names, _headings_of(names, width / len(names)))
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        else:
            labelled_axes(bias.label, xlabel="", ax=ax)
            _name_columns(ax, names, _headings_of(names, size_in_points(ax)[0] / len(names)))
        for text in ax.get_yticklabels():
            text.set_fontproperties(font())
        width, height = size_in_points(ax)
        mark = max(min(1.5 * size, 0.9 * height / len(bias), 0.9 * width / len(names)), 1.0)
        _draw(ax, bias, mark, x=np.arange(len(names), dtype=float), y=np.arange(len(bias), dtype=float))
    return ax


def figure_risk_of_bias(
    bias: RiskOfBias,
    *,
    headings: str = "auto",
    study_heading: str = "Study",
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
) -> Figure:
    """Draw a traffic-light plot with the names of domains and judgements, at its printed size.

    Parameters
    ----------
    bias : RiskOfBias
        Judgements, in the order of the rows.
    headings : {"auto", "names", "numbers"}, default "auto"
        Whether domains are named over their columns, or numbered there (D1, D2) and named below; "auto"
        names them over the columns where the page is wide enough.
    study_heading : str, default "Study"
        Heading of the labels.
    width_mm : float, optional
        Printed width; by default that of the style's page.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.

    Returns
    -------
    Figure
        Each judgement is told by its sign; colour only helps.

    Raises
    ------
    TypeError
        If `bias` is of another type.
    ValueError
        If `headings` is unknown, or the page is too narrow for them.

    References
    ----------
    McGuinness LA, Higgins JPT (2021). Risk-of-bias VISualization (robvis): an R package and Shiny web app for
    visualizing risk-of-bias assessments. Res Synth Methods 12:55-61. DOI 10.1002/jrsm.1411
    (Citation not verified.)
    """
    check_risk_of_bias(bias)
    check_choice("headings", headings, HEADINGS)
    with house_style():
        preset = current()
        page_mm = preset.double_mm if width_mm is None else width_mm
        size = preset.body_size
        mark = 1.45 * size
        grid = _grid(bias, headings, page_mm, study_heading)
        columns = [Column(heading=study_heading, wraps=True)]
        rows = [Row(cells=(label,), height=mark + 0.2 * size) for label in bias.label]
        layout = lay_out(columns, rows, width_mm=page_mm, panel_after=1, panel_width=grid.width)
        key = lay_out_judgement_key(_present(bias), width=sheet_width(page_mm))
        meanings = [f"D{i + 1}: {name}" for i, name in enumerate(bias.domain)] if grid.numbered else []
        beside = _fits_beside(meanings, layout, rows)
        page = draw_page(
            layout,
            columns,
            rows,
            above=max(map(len, grid.lines)) * size * LINE_SPACING,
            below=key.height + _KEY_GAP,
            notes=[*([] if beside else meanings), *([note] if note else [])],
            synthetic=synthetic,
        )
        page.axes.set_xlim(-0.5, grid.width / grid.pitch - 0.5)
        page.axes.set_axis_off()
        over = page.overlay()
        _write_headings(over, grid, layout.panel[0])
        _draw_rules(over, grid, page.centres, layout, beside=beside)
        if beside:
            left = layout.panel[1] + 2 * preset.small_size
            write_block(over, meanings, x=left, top=_HEADING_GAP, size=preset.small_size, gid="domain")
        _draw(page.axes, bias, mark, x=grid.centres, y=np.array(page.centres))
        bottom = float(over.get_ylim()[0])
        draw_judgement_key(over, key, x=layout.left[0], top=bottom + _KEY_GAP, transform=over.transData)
        return keep_record(page.figure, _record(bias))


def check_risk_of_bias(bias: RiskOfBias) -> None:
    """Raise `TypeError` unless these are judgements."""
    if not isinstance(bias, RiskOfBias):
        raise TypeError(
            f"`bias` must be a RiskOfBias, but got {type(bias).__name__}; "
            "RiskOfBias.from_frame makes one of a data frame."
        )


def _columns(bias: RiskOfBias) -> tuple[str, ...]:
    return (*bias.domain, OVERALL) if bias.overall is not None else bias.domain


def _words(bias: RiskOfBias) -> NDArray[np.str_]:
    if bias.overall is None:
        return bias.judgement
    return np.column_stack([bias.judgement, np.array(bias.overall)])


def _present(bias: RiskOfBias) -> list[str]:
    found = set(_words(bias).ravel().tolist())
    return [judgement for judgement in JUDGEMENTS if judgement in found]


def _headings_of(names: tuple[str, ...], width: float) -> list[str]:
    """Return the names broken to the width, or numbers where they do not fit."""
    broken = _broken(names, width)
    if broken is None:
        return [name if name == OVERALL else f"D{i + 1}" for i, name in enumerate(names)]
    return ["\n".join(lines) for lines in broken]


def _broken(names: tuple[str, ...], width: float) -> list[tuple[str, ...]] | None:
    size = current().body_size
    room = width - 0.6 * size
    longest = max(
        text_width(word, size=size, bold=name == OVERALL) for name in names for word in name.split()
    )
    if longest > room:
        return None
    lines = [wrap_text(name, room, size=size, bold=name == OVERALL) for name in names]
    return lines if max(map(len, lines)) <= _MOST_HEADING_LINES else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Widths of a domain's column and of the overall one in points, and the lines over each column."""

    pitch: float
    last: float
    lines: list[tuple[str, ...]]
    numbered: bool

    @property
    def width(self) -> float:
        return self.pitch * (len(self.lines) - bool(self.last)) + self.last

    @property
    def centres(self) -> FloatArray:
        """Centres of the columns in units of a domain's column, the first one at 0."""
        at = np.arange(len(self.lines), dtype=float)
        if self.last:
            at[-1] += (self.last / self.pitch - 1) / 2
        return at


def _grid(bias: RiskOfBias, headings: str, page_mm: float, study_heading: str) -> _Grid:
    size = current().body_size
    page = sheet_width(page_mm)
    domains = bias.domain
    labels = [text_width(label, size=size) for label in bias.label]
    heading = text_width(study_heading, size=size, bold=True)
    last = text_width(OVERALL, size=size, bold=True) + size if bias.overall is not None else 0.0
    overall = [(OVERALL,)] if last else []
    room = page - 2 * size - min(max(*labels, heading, 0.0), _LABEL_SHARE * page) - last
    least = max(2.0 * size, text_width(f"D{len(domains)}", size=size) + 0.6 * size)
    if headings != "numbers":
        # The narrowest columns that hold the names keep each row's marks together for the eye.
        for pitch in np.linspace(least, max(room / len(domains), least), 24).tolist():
            lines = _broken(domains, pitch)
            if lines is not None and pitch * len(domains) <= room:
                return _Grid(pitch=pitch, last=last, lines=[*lines, *overall], numbered=False)
        if headings == "names":
            raise ValueError(
                f"`width_mm` must be larger for these names of domains, but got {page_mm:g}. "
                "Write headings='numbers', or shorten the names."
            )
    numbers: list[tuple[str, ...]] = [(f"D{i + 1}",) for i in range(len(domains))]
    return _Grid(pitch=least, last=last, lines=[*numbers, *overall], numbered=True)


def _name_columns(ax: Axes, names: tuple[str, ...], texts: list[str]) -> None:
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_xticks(range(len(names)), texts)
    ax.tick_params(axis="x", length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    for name, text in zip(names, ax.get_xticklabels(), strict=True):
        text.set_fontproperties(font(bold=name == OVERALL))
        text.set_parse_math(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _write_headings(over: Axes, grid: _Grid, left: float) -> None:
    size = current().body_size
    for lines, centre in zip(grid.lines, grid.centres.tolist(), strict=True):
        write_block(
            over,
            lines,
            x=left + (centre + 0.5) * grid.pitch,
            top=-_HEADING_GAP - len(lines) * size * LINE_SPACING,
            size=size,
            align="center",
            bold=bool(grid.last) and lines is grid.lines[-1],
            gid="heading",
        )


def _fits_beside(meanings: Sequence[str], layout: Layout, rows: Sequence[Row]) -> bool:
    """Tell whether the names of the domains fit right of the marks, where the eye is."""
    size = current().small_size
    room = layout.width - MARGIN - layout.panel[1] - 2 * size
    return (
        bool(meanings)
        and max(text_width(text, size=size) for text in meanings) <= room
        and len(meanings) * size * LINE_SPACING <= sum(row_heights(layout, rows))
    )


def _draw_rules(over: Axes, grid: _Grid, centres: Sequence[float], layout: Layout, *, beside: bool) -> None:
    """Draw hairlines between rows, which lead the eye from the label, and one before the overall column."""
    width = current().line_width
    for one, other in itertools.pairwise(centres):
        y = (one + other) / 2
        ends = [MARGIN, layout.panel[1] if beside else layout.width - MARGIN]
        over.add_line(Line2D(ends, [y, y], color=LIGHT_GREY, linewidth=width, zorder=0.5, gid="rule"))
    if grid.last:
        x = layout.panel[1] - grid.last
        ends = [0.0, float(over.get_ylim()[0])]
        over.add_line(Line2D([x, x], ends, color=LIGHT_GREY, linewidth=2 * width, zorder=0.5, gid="rule"))


def _draw(
    ax: Axes,
    bias: RiskOfBias,
    mark: float,
    *,
    x: FloatArray,
    y: FloatArray,
) -> None:
    words = _words(bias)
    for judgement in _present(bias):
        row, column = np.nonzero(words == judgement)
        draw_judgement(ax, x[column], y[row], judgement, mark)


def judgement_words(counts: dict[str, int], k: int) -> str:
    """Return "low in 3 of 5 studies, high in 2"."""
    said = [f"{judgement} in {format_count(n)}" for judgement, n in counts.items() if n]
    studies = "study" if k == 1 else "studies"
    return ", ".join([f"{said[0]} of {format_count(k)} {studies}", *said[1:]])


def signs_in_words(judgements: list[str]) -> str:
    """Return what each sign means, for a caption."""
    return "; ".join(f"{sign_of(judgement)} {judgement}" for judgement in judgements)


def _record(bias: RiskOfBias) -> FigureRecord:
    words = _words(bias)
    parts = []
    for name, column in zip(_columns(bias), words.T, strict=True):
        counts = {judgement: int((column == judgement).sum()) for judgement in JUDGEMENTS}
        parts.append(f"{name}: {judgement_words(counts, len(bias))}.")
    # The finding first: what was judged overall.
    parts = [*parts[-1:], *parts[:-1]] if bias.overall is not None else parts
    tool = f" with {bias.tool}" if bias.tool else ""
    k, d = len(bias), len(bias.domain)
    return FigureRecord(
        title="Risk of bias of each study" if k > 1 else "Risk of bias of the study",
        caption=(
            f"Risk of bias in {format_count(k)} {'study' if k == 1 else 'studies'}, judged{tool} in "
            f"{format_count(d)} {'domain' if d == 1 else 'domains'}"
            f"{' and overall' if bias.overall is not None else ''}. "
            f"Signs: {signs_in_words(_present(bias))}."
        ),
        alt=" ".join(["Table of judgements on the risk of bias, a row a study, a column a domain.", *parts]),
        numbers=bias.to_frame().assign(
            row=np.repeat(np.arange(1, k + 1), words.shape[1]),
            sign=[sign_of(word) for word in words.ravel().tolist()],
        ),
    )
