"""The lines of a forest plot from top to bottom: headings, studies in their order, pooled rows, words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.parts.forest_words import (
    between_groups_words,
    heterogeneity_words,
    overall_test_words,
    pooled_name,
)
from analysis.figures.parts.summaries import prediction_label
from analysis.values.arguments import as_numbers, check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from analysis.figures.parts.forest_input import ForestInput
    from analysis.figures.parts.forest_layouts import ForestLayout
    from analysis.figures.parts.summaries import Summary

__all__ = ["NO_GROUP", "PREDICTIONS", "Line", "forest_lines", "group_numbers", "sorted_rows"]

SORTS = ("effect", "precision", "weight", "label")
PREDICTIONS = ("bar", "shade", "density", "none")
NO_GROUP = "In no subgroup"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One line of a forest plot.

    Parameters
    ----------
    kind : {"group", "row", "pooled", "prediction", "words"}
        A heading, a study or step, a diamond, a prediction interval, or text alone.
    label : str
        What stands at its left end.
    group : int or None
        Number of its subgroup.
    row : int or None
        Number of the study or step.
    summary : Summary or None
        Of a diamond or prediction interval.
    """

    kind: str
    label: str
    group: int | None = None
    row: int | None = None
    summary: Summary | None = None


def forest_lines(
    content: ForestInput,
    order: Sequence[int],
    look: ForestLayout,
    *,
    group_order: Sequence[str] | None,
    prediction: str,
) -> tuple[Line, ...]:
    """Return the lines from top to bottom."""
    lines: list[Line] = []
    numbers = group_numbers(content, group_order)
    if content.groups is None:
        lines += [Line(kind="row", label=content.labels[i], row=i) for i in order]
    else:
        members = content.members
        for group in [*numbers, None]:
            rows = [i for i in order if members[i] == group]
            if not rows:
                continue
            name = NO_GROUP if group is None else content.groups.names[group]
            lines.append(Line(kind="group", label=name, group=group))
            lines += [Line(kind="row", label=content.labels[i], row=i, group=group) for i in rows]
            if group is not None:
                lines += _pooled_lines(content.subtotals[group], look, prediction)
    if content.steps is not None:
        # Of interest are the steps' means; a prediction interval would only stretch the axis.
        prediction = "none"
    for summary in content.summaries:
        lines += _pooled_lines(summary, look, prediction)
    if content.groups is not None and look.words_in_rows:
        lines.append(Line(kind="words", label=between_groups_words(content.groups, look)))
    return tuple(lines)


def _pooled_lines(summary: Summary, look: ForestLayout, prediction: str) -> list[Line]:
    lines = [Line(kind="pooled", label=pooled_name(summary, look), group=summary.group, summary=summary)]
    if summary.prediction is not None and prediction in {"bar", "density"}:
        lines.append(
            Line(kind="prediction", label=prediction_label(summary), group=summary.group, summary=summary)
        )
    if summary.analysis is not None and (look.words_in_rows or summary.group is not None):
        words = [heterogeneity_words(summary.analysis, look)]
        if look.overall_test:
            words.append(overall_test_words(summary.analysis, look))
        lines += [Line(kind="words", label=text, group=summary.group) for text in words if text]
    return lines


def group_numbers(content: ForestInput, group_order: Sequence[str] | None) -> list[int]:
    """Return the numbers of the subgroups in the order that they are drawn in."""
    if content.groups is None:
        if group_order is not None:
            raise ValueError("`group_order` needs subgroups: give pooled=subgroups(...).")
        return []
    names = content.groups.names
    if group_order is None:
        return list(range(len(names)))
    if sorted(group_order) != sorted(names):
        raise ValueError(
            f"`group_order` must name each of {', '.join(map(repr, names))} once, "
            f"but got {list(group_order)!r}."
        )
    return [names.index(name) for name in group_order]


def sorted_rows(content: ForestInput, sort_by: str | ArrayLike | None) -> list[int]:
    """Return the numbers of the rows in the order that they are drawn in.

    Parameters
    ----------
    content : ForestInput
        What is drawn.
    sort_by : str or array_like, optional
        As for `figure_forest`. Ties, and what has no number, keep their order; the latter comes last.
    """
    if sort_by is None:
        return list(range(content.k))
    if isinstance(sort_by, str):
        reverse, name = sort_by.startswith("-"), sort_by.removeprefix("-")
        check_choice("sort_by", name, SORTS)
        keys = _keys(content, name)
        order = sorted(range(content.k), key=lambda i: keys[i], reverse=reverse)
        return [*(i for i in order if keys[i] == keys[i]), *(i for i in order if keys[i] != keys[i])]
    array = np.asarray(sort_by)
    if array.shape != (content.k,):
        raise ValueError(
            f"`sort_by` must be one of {', '.join(map(repr, SORTS))} or one key a row, ({content.k},), "
            f"but has shape {array.shape}."
        )
    if all(isinstance(key, str) for key in array.tolist()):
        return [int(i) for i in np.argsort(array.astype(str), kind="stable")]
    return [int(i) for i in np.argsort(as_numbers("sort_by", sort_by), kind="stable")]


def _keys(content: ForestInput, name: str) -> list[float] | list[str]:
    if name == "label":
        return list(content.labels)
    if name == "effect":
        return [float(value) for value in content.intervals.value]
    if name == "precision":
        with np.errstate(divide="ignore"):
            return [float(value) for value in 1 / content.std_error]
    if content.weights is None:
        raise ValueError("`sort_by` = 'weight' needs weights: give pooled=, or sort by 'precision'.")
    return [float(value) for value in content.weights]
