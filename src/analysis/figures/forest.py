"""Forest plots: studies with their weights, subgroups, pooled estimates, heterogeneity in words.

Takes finished results and draws them. Pooling lives in `meta`; the parts of a forest plot are in the modules
whose names begin with `forest_`: input, lines from top to bottom, columns and their cells, words, layouts in
the manner of journals, marks, pages, record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from analysis.figures.parts.axes import axis_scale, labelled_axes, set_x_axis
from analysis.figures.parts.forest_columns import ForestColumn
from analysis.figures.parts.forest_draw import draw_lines, points_per_unit
from analysis.figures.parts.forest_input import forest_input
from analysis.figures.parts.forest_layouts import forest_layout
from analysis.figures.parts.forest_lines import PREDICTIONS, forest_lines, sorted_rows
from analysis.figures.parts.forest_pages import CONTINUED, PADDING, break_lines, continued_heading
from analysis.figures.parts.forest_plan import ForestOptions, draw_plan, forest_limits, numbers_of, plan_forest
from analysis.figures.parts.forest_record import forest_record
from analysis.figures.record import keep_record
from analysis.figures.style import current, house_style
from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from analysis.figures.parts.forest_columns import ForestColumns
    from analysis.figures.parts.forest_input import Counts, Drawable
    from analysis.figures.parts.summaries import Pooled
    from analysis.values.estimate import Estimate
    from analysis.values.risk_of_bias import RiskOfBias

__all__ = ["ForestColumn", "figure_forest", "pages_forest", "plot_forest"]


def plot_forest(
    effects: Drawable,
    *,
    pooled: Pooled | None = None,
    intervals: Estimate | None = None,
    overall: bool = True,
    prediction: str = "bar",
    sort_by: str | ArrayLike | None = None,
    group_order: Sequence[str] | None = None,
    axis: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the graphic part of a forest plot, one row a study from top to bottom, pooled rows below.

    Parameters
    ----------
    effects : EffectSizes, PooledEstimate, Subgroups or PooledSteps
        What is drawn, as for `figure_forest`.
    pooled, intervals, overall, prediction, sort_by, group_order, axis
        As for `figure_forest`.
    ax : Axes, optional
        Where to draw; by default axes of a new figure, which needs no pyplot. Squares and ticks are fitted
        to the size that the axes have now.

    Returns
    -------
    Axes
        Row i lies at y = i, headings of subgroups being rows too. Proportions are in percent. Studies that
        are not estimable keep their row.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If the effects are more than one set of studies, or a pooled estimate is of another measure.
    """
    check_choice("prediction", prediction, PREDICTIONS)
    content = forest_input(effects, pooled=pooled, intervals=intervals, overall=overall)
    look = forest_layout("default")
    order = sorted_rows(content, sort_by)
    lines = [
        line
        for line in forest_lines(content, order, look, group_order=group_order, prediction=prediction)
        if line.kind != "words"
    ]
    with house_style():
        scale = axis_scale(content.measure, axis=axis)
        heads = {number for number, line in enumerate(lines) if line.kind in {"group", "pooled"}}
        ax = labelled_axes([line.label for line in lines], xlabel=scale.label, bold=heads, ax=ax)
        set_x_axis(ax, scale, *forest_limits(content, scale))
        draw_lines(
            ax,
            content,
            scale,
            look,
            lines,
            [float(i) for i in range(len(lines))],
            prediction=prediction,
            half_height=0.3,
            row_height=points_per_unit(ax),
        )
    return ax


def figure_forest(
    effects: Drawable,
    *,
    pooled: Pooled | None = None,
    table: Counts | None = None,
    columns: ForestColumns | None = None,
    arms: tuple[str, str] = ("Exposed", "Control"),
    favours: tuple[str, str] | None = None,
    study_heading: str | None = None,
    digits: int | None = None,
    xlabel: str | None = None,
    xlim: tuple[float, float] | None = None,
    width_mm: float | None = None,
    note: str | None = None,
    synthetic: bool = False,
    layout: str = "default",
    axis: str | None = None,
    prediction: str = "bar",
    overall: bool = True,
    weights: str | None = None,
    sort_by: str | ArrayLike | None = None,
    group_order: Sequence[str] | None = None,
    intervals: Estimate | None = None,
    risk_of_bias: RiskOfBias | None = None,
) -> Figure:
    """Draw a forest plot with its columns of text, at its printed size.

    Parameters
    ----------
    effects : EffectSizes, PooledEstimate, Subgroups or PooledSteps
        Studies of shape (k,), in the order of the rows. A result of `pool` or `subgroups` is drawn with its
        own studies; one of `cumulative` or `leave_one_out` has a row a step, in the order of its steps.
    pooled : PooledEstimate, Subgroups or sequence of (str, Estimate or PooledEstimate), optional
        One diamond each, one below the other. A meta-analysis also gives weights, prediction interval and
        the line on heterogeneity; a common-effect and a random-effects model give a column of weights each,
        and squares follow the first. `Subgroups` give headings, a hollow diamond each, the diamond of all
        studies and the test between groups.
    table : TwoByTwo, TwoRates, Proportion or Rate, optional
        Of shape (k,): the counts that are printed.
    columns : sequence or mapping, optional
        Which columns are printed. Names of the built-in ones are "counts", "effect", "weight", "p" and "risk
        of bias", for steps also "i2", "tau2" and "studies"; a column of your own is a `ForestColumn` or
        (heading, texts). "plot" says where the panel stands; without it each column stands on its usual
        side. A mapping of headings to texts adds columns to the usual ones. By default all that there are
        numbers for, and fewer where the page is too narrow or many labels would be broken: first the weights
        are left out, then the counts.
    arms : tuple of str, default ("Exposed", "Control")
        Headings over the counts of the two arms.
    favours : tuple of str, optional
        What lies left and right of the null ("lower risk with AS", "higher risk with AS").
    study_heading : str, optional
        Heading of the labels.
    digits : int, optional
        Decimals of the effects; by default those of `tables.format`, row by row.
    xlabel : str, optional
        Replaces the name of the measure under the axis.
    xlim : tuple of float, optional
        Limits of the axis; in percent for proportions. By default they hold all estimates and every
        interval that would not squeeze the others; intervals that go on end in an arrow.
    width_mm : float, optional
        Printed width, by default that of two columns in the style that is drawn with.
    note : str, optional
        Printed under the figure.
    synthetic : bool, default False
        Must be set where the data are made up: the figure then says so.
    layout : {"default", "revman", "jama", "bmj", "lancet"}
        In whose manner columns, words and marks are set; see Notes.
    axis : {"log", "linear", "logit"}, optional
        Another axis than the measure's own: logit or log for proportions near 0 or 100 %.
    prediction : {"bar", "shade", "density", "none"}
        Prediction intervals as a bar below the diamond, as the ground on which it stands, as the density of
        the effect in a further study, or not at all.
    overall : bool, default True
        Whether the results over all studies are drawn; subgroups may stand alone.
    weights : {"overall", "within"}, optional
        For subgroups: weights of the analysis of all studies, or those that add to 100 in each subgroup. By
        default the former where the overall result is drawn.
    sort_by : {"effect", "precision", "weight", "label"} or array_like, optional
        Sorts the rows, in subgroups within each, with all their columns: ascending, descending with a minus
        ("-weight"), or by one key a row.
    group_order : sequence of str, optional
        Names of the subgroups in the order that they are drawn in.
    intervals : Estimate, optional
        Of shape (k,): intervals to be shown in place of the normal ones, such as exact ones. Where one limit
        is NaN the line goes to the other alone.
    risk_of_bias : RiskOfBias, optional
        Judgements on the studies, found by their labels.

    Returns
    -------
    Figure
        At its printed size, with title, caption, alternative text and numbers for `save_figure`.

    Raises
    ------
    TypeError
        If an argument is of another type.
    ValueError
        If shapes do not match, a column is unknown or has no numbers, the page is too narrow for what was
        chosen, or a label needs letters that no font has.

    Notes
    -----
    Areas of squares are proportional to weights; where a square is longer than its interval, the interval is
    seen in it in white. Hollow squares: studies without weight.

    Layouts follow what one sees in printed figures. The journals' guides for authors were not read for them,
    and may ask for more:

    - "revman": Cochrane's Review Manager. Events and totals of each arm, weight, "IV, Random, 95% CI" with
      square brackets, the panel right of them under the same heading, totals of the counts, and under the
      diamond the lines "Heterogeneity: Tau²; Chi², df (P); I²" and "Test for overall effect: Z".
    - "jama": source, events and totals, effect, the panel with what it favours above it, weight; P-values
      without a leading zero.
    - "bmj": events/total, the panel, weight, effect with "to"; grey bands; the tests in lines of their own.
    - "lancet": events/total as (n/N), the panel, effect with raised decimal points and en dashes, weight;
      black squares; "Heterogeneity: I², τ², p" under the diamond.

    References
    ----------
    Lewis S, Clarke M (2001). Forest plots: trying to see the wood and the trees. BMJ 322:1479-1480.
    DOI 10.1136/bmj.322.7300.1479

    Deeks JJ, Higgins JPT, Altman DG (2019). Analysing data and undertaking meta-analyses. Chapter 10 of the
    Cochrane Handbook for Systematic Reviews of Interventions. DOI 10.1002/9781119536604.ch10.
    (Citation not verified.)

    Riley RD, Higgins JPT, Deeks JJ (2011). Interpretation of random effects meta-analyses. BMJ 342:d549.
    DOI 10.1136/bmj.d549

    Examples
    --------
    >>> from analysis import EffectSizes, pool
    >>> effects = EffectSizes(effect=[0.1, 0.3, 0.7], variance=[0.03, 0.05, 0.02], measure="OR", label="ABC")
    >>> figure = figure_forest(pool(effects), favours=("less", "more"), layout="lancet", sort_by="-weight")
    >>> len(figure.axes)
    1
    """
    content = forest_input(
        effects,
        pooled=pooled,
        intervals=intervals,
        table=table,
        risk_of_bias=risk_of_bias,
        overall=overall,
    )
    with house_style(), numbers_of(forest_layout(layout)):
        plan = plan_forest(
            content,
            columns=columns,
            arms=arms,
            favours=favours,
            study_heading=study_heading,
            digits=digits,
            xlabel=xlabel,
            xlim=xlim,
            width_mm=width_mm,
            note=note,
            synthetic=synthetic,
            layout=layout,
            axis=axis,
            prediction=prediction,
            weights=weights,
            sort_by=sort_by,
            group_order=group_order,
        )
        record = forest_record(
            content, plan.lines, plan.scale, plan.look, prediction=prediction, synthetic=synthetic
        )
        return keep_record(draw_plan(plan), record)


def pages_forest(
    effects: Drawable, *, page_height_mm: float | None = None, **options: Unpack[ForestOptions]
) -> list[Figure]:
    """Draw a long forest plot on several pages of the same width and the same axis.

    Parameters
    ----------
    effects : EffectSizes, PooledEstimate, Subgroups or PooledSteps
        As for `figure_forest`.
    page_height_mm : float, optional
        What is printed on one page; no figure is higher. By default the greatest height that the style which
        is drawn with allows.
    **options
        As for `figure_forest`.

    Returns
    -------
    list of Figure
        Headings, axis and the headings of subgroups that go on are repeated, with "(continued)"; notes stand
        on the last page. Each figure keeps its own part of the numbers.

    Raises
    ------
    TypeError, ValueError
        As `figure_forest`, or if a page is too low for a heading, one study and the axis.
    """
    content = forest_input(
        effects,
        pooled=options.pop("pooled", None),
        intervals=options.pop("intervals", None),
        table=options.pop("table", None),
        risk_of_bias=options.pop("risk_of_bias", None),
        overall=options.pop("overall", True),
    )
    look = forest_layout(options.get("layout", "default"))
    with house_style(), numbers_of(look):
        plan = plan_forest(content, **options)  # type: ignore[misc]
        height = current().maximum_height_mm if page_height_mm is None else page_height_mm
        runs = break_lines(plan, height)
        figures = []
        for number, run in enumerate(runs):
            ends = number == len(runs) - 1
            figure = draw_plan(
                plan,
                chosen=run,
                continued=continued_heading(plan, run[0]) if number else None,
                notes=plan.notes if ends else (CONTINUED,),
                padding=PADDING,
                again=number > 0,
            )
            record = forest_record(
                content,
                [plan.lines[i] for i in run],
                plan.scale,
                plan.look,
                prediction=plan.prediction,
                synthetic=plan.synthetic,
            )
            if len(runs) > 1:
                part = f"part {number + 1} of {len(runs)}"
                record = replace(
                    record, title=f"{record.title} ({part})", alt=f"{part.capitalize()}. {record.alt}"
                )
            figures.append(keep_record(figure, record))
    return figures
