"""What a forest plot says in words: names of pooled rows, heterogeneity, tests, notes under the figure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from analysis.tables.format import format_estimate, format_number, format_pvalue
from analysis.tables.number_style import current_number_style
from analysis.tables.pooled import describe_model, significant
from analysis.values.risk_of_bias import JUDGEMENTS
from analysis.values.text import round_half_up

if TYPE_CHECKING:
    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.summaries import Analysis, Summary
    from analysis.meta.subgroups import Subgroups

__all__ = [
    "between_groups_words",
    "bias_notes",
    "forest_notes",
    "heterogeneity_words",
    "level_text",
    "overall_test_words",
    "pooled_name",
    "prediction_text",
    "together",
]


def level_text(level: float) -> str:
    """Return "95%"."""
    return f"{round_half_up(100 * level, 4).rstrip('0').rstrip('.')}%"


def together(text: str) -> str:
    """Keep "P < 0.001" on one line."""
    return re.sub(r" ([=<>]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)


def _equal(name: str, value: str) -> str:
    """Return "I² = 92%", without spaces where the journal prints none; "τ² < 0.00001" keeps its sign."""
    joined = f"{name} {value}" if value.startswith(("<", ">")) else f"{name} = {value}"
    return joined if current_number_style().p_spaces else re.sub(r" ?([=<>]) ?", r"\1", joined)


def pooled_name(summary: Summary, look: ForestLayout) -> str:
    """Return what stands beside a diamond."""
    level = level_text(summary.estimate.confidence_level)
    if summary.group is not None:
        return look.subtotal.format(level=level)
    # A name that the caller gave says more than "Total".
    return summary.label if summary.named or not look.overall else look.overall.format(level=level)


def heterogeneity_words(analysis: Analysis, look: ForestLayout) -> str:
    """Return the line on heterogeneity; empty for a single study."""
    df = analysis.number("df")
    if df < 1:
        return ""
    i2 = _equal("I²", f"{format_number(analysis.number('i2'), 0)}%")
    tau2 = (
        "" if analysis.pooled.model == "common" else _equal(look.tau2, significant(analysis.number("tau2")))
    )
    q = format_number(analysis.number("q"), 2 if look.chi2 != "Q" else 1)
    pvalue = format_pvalue(analysis.number("q_pvalue"))
    degrees = _equal("df", f"{df:.0f}")
    if look.name == "default" and analysis.index is not None:
        # Of a subgroup, short enough for one line under its diamond.
        parts = [i2, tau2, pvalue]
    elif look.name == "revman":
        parts = [tau2, f"{_equal(look.chi2, q)}, {degrees} ({pvalue})", i2]
    elif look.name == "lancet":
        parts = [i2, tau2, pvalue]
    elif look.name == "default":
        parts = [i2, tau2, f"{_equal(look.chi2, q)} ({degrees}, {pvalue})"]
    else:
        parts = [tau2, f"{_equal(look.chi2, q)}, {degrees}, {pvalue}", i2]
    separator = ", " if look.name in {"default", "lancet"} else "; "
    return together(f"{look.heterogeneity}: {separator.join(part for part in parts if part)}")


def overall_test_words(analysis: Analysis, look: ForestLayout) -> str:
    """Return the line on the test of the overall effect; empty where there is no such test."""
    test = analysis.test
    if test is None:
        return ""
    statistic, df, pvalue = test
    of = "" if math.isinf(df) else f", {_equal('df', f'{df:.3g}')}"
    letter = "Z" if look.name == "revman" else "z"
    letter = letter if math.isinf(df) else "t"
    number = _equal(letter, format_number(abs(statistic), 2))
    p = format_pvalue(pvalue)
    body = f"{number}{of} ({p})" if look.name == "revman" else f"{number}{of}, {p}"
    return together(f"Test for overall effect: {body}")


def between_groups_words(groups: Subgroups, look: ForestLayout) -> str:
    """Return the line on the test of differences between subgroups."""
    f_test = math.isfinite(groups.denominator_df)
    letter = "F" if f_test else "Chi²" if look.name == "revman" else "χ²"
    df = f"{groups.df:d}" + (f" and {groups.denominator_df:.3g}" if f_test else "")
    number = _equal(letter, format_number(float(groups.statistic), 2))
    p = format_pvalue(float(groups.pvalue))
    body = (
        f"{number} ({_equal('df', df)}, {p})"
        if look.name == "default"
        else f"{number}, {_equal('df', df)} ({p})"
    )
    return together(f"Test for subgroup differences: {body}")


def forest_notes(
    content: ForestInput, look: ForestLayout, *, prediction: str, weights: str, printed_weights: bool
) -> list[str]:
    """Return what is printed under the figure, one paragraph each.

    Parameters
    ----------
    content : ForestInput
        What is drawn.
    look : ForestLayout
        Its manner.
    prediction : str
        How prediction intervals are drawn.
    weights : str
        "overall" or "within".
    printed_weights : bool
        Whether there is a column of weights.
    """
    notes = [] if look.words_in_rows else _analysis_notes(content, look)
    unnamed = [s.analysis for s in content.summaries if s.analysis is not None and not s.named]
    if look.overall and unnamed:
        # "Total" does not say by which model.
        notes.append(f"{describe_model(unnamed[0].pooled)}.")
    if content.groups is not None:
        notes += _subgroup_notes(content.groups, named=bool(content.summaries))
    if content.groups is not None and printed_weights:
        notes.append(
            "Weights add to 100% within each subgroup."
            if weights == "within"
            else "Weights are those of the analysis of all studies."
        )
    if prediction == "shade":
        notes += _shaded(content)
    drawn = content.weights
    if drawn is not None and (drawn == 0).any():
        notes.append("Hollow square, no weight (–): study not in the pooled analysis.")
    interval = content.intervals
    one_sided = np.isnan(interval.low) != np.isnan(interval.high)
    if (one_sided & ~np.isnan(interval.value)).any():
        notes.append("NE: this limit is not estimable.")
    return notes


def _subgroup_notes(groups: Subgroups, *, named: bool) -> list[str]:
    """Return by which model the subgroups are pooled, where no row names it."""
    if groups.tau2 == "common":
        return [f"{describe_model(groups.overall)}; one τ² for all subgroups."]
    return [] if named else [f"{describe_model(groups.pooled)}."]


def _analysis_notes(content: ForestInput, look: ForestLayout) -> list[str]:
    """Return the lines on heterogeneity and the tests, where they do not stand in the rows."""
    notes = []
    analyses = [(s.label, s.analysis) for s in content.summaries if s.analysis is not None]
    for label, analysis in analyses:
        name = f"{look.heterogeneity} ({label})" if len(analyses) > 1 else look.heterogeneity
        notes.append(heterogeneity_words(analysis, look).replace(look.heterogeneity, name, 1))
        if look.overall_test:
            notes.append(overall_test_words(analysis, look))
    if content.groups is not None:
        notes.append(between_groups_words(content.groups, look))
    return [note for note in notes if note]


def prediction_text(summary: Summary, measure: str) -> str:
    """Return the limits of a prediction interval with the decimals that the estimate has."""
    if summary.prediction is None:
        return ""
    text = format_estimate(float(summary.estimate.value), *summary.prediction, measure=measure)
    return text.partition(" (")[2].removesuffix(")")


def _shaded(content: ForestInput) -> list[str]:
    """Return what the grey grounds of diamonds show, in numbers."""
    shown = [s for s in (*content.subtotals, *content.summaries) if s.prediction is not None]
    texts = [(summary.label, prediction_text(summary, content.measure)) for summary in shown]
    if not texts:
        return []
    listed = texts[0][1] if len(texts) == 1 else "; ".join(f"{label}, {text}" for label, text in texts)
    return [f"Grey ground of a diamond: {level_text(content.level)} prediction interval ({listed})."]


def bias_notes(content: ForestInput) -> list[str]:
    """Return what the letters over the judgements and the signs in them mean."""
    judged = content.risk_of_bias
    if judged is None:
        return []
    from analysis.figures.parts.judgements import sign_of

    domains = [*judged.domain, *([] if judged.overall is None else ["overall"])]
    letters = "; ".join(f"{chr(ord('A') + i)}, {domain}" for i, domain in enumerate(domains))
    found = {str(word) for row in judged.judgement for word in row} | set(judged.overall or ())
    signs = ", ".join(f"{sign_of(word)}\N{NO-BREAK SPACE}{word}" for word in JUDGEMENTS if word in found)
    tool = f" ({judged.tool})" if judged.tool else ""
    return [f"Risk of bias{tool}: {letters}. {signs}."]
