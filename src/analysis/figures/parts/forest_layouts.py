"""In whose manner a forest plot is laid out: which columns stand where, which words, which marks.

What is written here is what one sees in printed figures and in public guidance; `figure_forest` says where
each manner was seen. How numbers are written in a journal is in `tables.number_style`.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.style import BLACK, BLUE
from analysis.values.arguments import check_choice

__all__ = ["FOREST_LAYOUTS", "PANEL", "ForestLayout", "forest_layout"]

# The name that the panel has among the columns.
PANEL = "plot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLayout:
    """The manner of a forest plot.

    Parameters
    ----------
    name : str
        As given to `figure_forest`.
    columns : tuple of str
        Columns from left to right, the panel among them.
    numbers : str
        Style of numbers, unless the caller has chosen one.
    study_heading : str
        Over the labels.
    split_counts : bool
        Whether events and totals have a column each.
    events, total, over : str
        Headings of the counts: of two columns, and of one.
    effect_heading : {"interval", "method"}
        Whether the effects are headed by "(95% CI)" or by "IV, Random, 95% CI".
    brackets : bool
        Whether intervals are printed as [0.13, 1.26].
    weight_heading : str
        Over the weights.
    weight_sign : str
        After each weight.
    overall, subtotal : str
        Names of the pooled rows; empty for the name of the model. "{level}" is the level of the interval.
    words_in_rows : bool
        Whether heterogeneity is written under the overall row, or under the figure.
    overall_test : bool
        Whether the test of the overall effect is written.
    totals : bool
        Whether the overall row has the sums of the counts.
    panel_heading : bool
        Whether the measure stands over the panel.
    favours_above : bool
        Whether what each side favours stands over the panel, or under its axis.
    bands : bool
        Whether every other study has a grey ground.
    rule_above_overall : bool
        Whether a line stands over the overall row.
    square, diamond : str
        Colours.
    heterogeneity : str
        What the line on heterogeneity begins with.
    chi2, tau2 : str
        How the statistics are called.
    """

    name: str
    columns: tuple[str, ...]
    numbers: str = "default"
    study_heading: str = "Study"
    split_counts: bool = False
    events: str = "Events"
    total: str = "Total"
    over: str = "n/N"
    effect_heading: str = "interval"
    brackets: bool = False
    weight_heading: str = "Weight\n(%)"
    weight_sign: str = ""
    overall: str = ""
    subtotal: str = "Subtotal"
    words_in_rows: bool = False
    overall_test: bool = False
    totals: bool = False
    panel_heading: bool = False
    favours_above: bool = False
    bands: bool = False
    rule_above_overall: bool = False
    square: str = BLUE
    diamond: str = BLACK
    heterogeneity: str = "Heterogeneity"
    chi2: str = "Q"
    tau2: str = "τ²"


FOREST_LAYOUTS = {
    layout.name: layout
    for layout in (
        ForestLayout(name="default", columns=("counts", PANEL, "effect", "weight", "risk of bias")),
        ForestLayout(
            name="revman",
            columns=("counts", "weight", "effect", PANEL, "risk of bias"),
            study_heading="Study or Subgroup",
            split_counts=True,
            effect_heading="method",
            brackets=True,
            weight_heading="Weight",
            weight_sign="%",
            overall="Total ({level} CI)",
            subtotal="Subtotal ({level} CI)",
            words_in_rows=True,
            overall_test=True,
            totals=True,
            panel_heading=True,
            chi2="Chi²",
            tau2="Tau²",
        ),
        ForestLayout(
            name="jama",
            columns=("counts", "effect", PANEL, "weight", "risk of bias"),
            numbers="jama",
            study_heading="Source",
            split_counts=True,
            events="No. of\nevents",
            total="Total\nNo.",
            over="No./total No.",
            weight_heading="Weight,\n%",
            overall="Total",
            subtotal="Subtotal",
            words_in_rows=True,
            totals=True,
            favours_above=True,
            rule_above_overall=True,
            chi2="χ²",
        ),
        ForestLayout(
            name="bmj",
            columns=("counts", PANEL, "weight", "effect", "risk of bias"),
            numbers="bmj",
            over="No of events/\ntotal",
            overall="Total ({level} CI)",
            subtotal="Subtotal ({level} CI)",
            words_in_rows=True,
            overall_test=True,
            totals=True,
            bands=True,
            heterogeneity="Test for heterogeneity",
            chi2="χ²",
        ),
        ForestLayout(
            name="lancet",
            columns=("counts", PANEL, "effect", "weight", "risk of bias"),
            numbers="lancet",
            over="(n/N)",
            weight_heading="Weight",
            weight_sign="%",
            overall="Overall",
            words_in_rows=True,
            totals=True,
            square=BLACK,
            chi2="χ²",
        ),
    )
}


def forest_layout(name: str) -> ForestLayout:
    """Return the manner of that name; an unknown one raises `ValueError` with those that are known."""
    return FOREST_LAYOUTS[check_choice("layout", name, FOREST_LAYOUTS)]
