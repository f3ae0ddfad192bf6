"""Words and numbers of the figures of feasible tables: ranges of a measure, and clouds of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.record import FigureRecord
from analysis.tables.format import format_count, format_interval, format_number, format_percent
from analysis.tables.number_style import number_style
from analysis.values.scale import measure_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.figures.feasible_range import FeasibleRow
    from analysis.values.arrays import BoolArray, FloatArray
    from analysis.values.counts import TwoByTwo

__all__ = ["feasible_cloud_record", "feasible_range_record"]


def feasible_range_record(
    rows: Sequence[FeasibleRow],
    tables: Sequence[FloatArray],
    ranges: Sequence[str],
    measure: str,
    *,
    note: str | None,
    synthetic: bool,
) -> FigureRecord:
    """Return the words and numbers of a figure of ranges.

    Parameters
    ----------
    rows : sequence of FeasibleRow
        From top to bottom.
    tables : sequence of ndarray
        The values of each row.
    ranges : sequence of str
        Each row's range as printed.
    measure : str
        metafor's code.
    note : str or None
        What is printed under the figure.
    synthetic : bool
        Whether the data are made up.
    """
    label = measure_of(measure).label
    made_up = "Synthetic data. " if synthetic else ""
    k = len(rows)
    caption = (
        f"{made_up}Bars: {label[0].lower()}{label[1:]} over all tables of whole numbers that fit what is "
        "printed; strokes: the tables where they are few; heights: how many they are where they are many. "
        "Diamonds: printed numbers; boxes: what rounds to them; lines: their printed confidence intervals."
    )
    alt = [f"{made_up}{'One printed number' if k == 1 else f'{k} printed numbers'}, and what is possible."]
    frames = []
    for row, values, text in zip(rows, tables, ranges, strict=True):
        if values.size == 0:
            alt.append(f"{row.label}: printed {row.text}, and no table fits.")
        else:
            possible = f"{text} over {_tables(values.size)}"
            alt.append(f"{row.label}: possible {possible}; printed {row.text}, {_place(row)}.")
        marks = [("table", value) for value in values] + [("printed", end) for end in row.printed]
        marks += [("printed interval", end) for end in row.interval or ()]
        frames.append(pd.DataFrame(marks, columns=["kind", "value"]).assign(row=row.label))
    return FigureRecord(
        title=f"{label}: what printed counts allow, beside what is printed",
        caption=f"{caption} {note}" if note else caption,
        alt=" ".join(alt).replace("\N{NO-BREAK SPACE}", " "),
        numbers=pd.concat(frames, ignore_index=True)[["row", "kind", "value"]].assign(measure=measure),
    )


def _tables(count: int) -> str:
    return "one table" if count == 1 else f"{format_count(count)} tables"


def _place(row: FeasibleRow) -> str:
    low, high = row.range
    if row.printed[0] > high:
        return "above all of them"
    return "below all of them" if row.printed[1] < low else "which is among them"


def feasible_cloud_record(
    tables: TwoByTwo,
    mirror: BoolArray,
    value: FloatArray,
    *,
    measure: str,
    printed: tuple[float, float] | None,
    text: str,
    arms: tuple[str, str],
    legend: str,
) -> FigureRecord:
    """Return the words and numbers of a cloud of tables.

    Parameters
    ----------
    tables : TwoByTwo
        What is drawn.
    mirror : ndarray of bool
        Those drawn as rings.
    value : ndarray
        Each table's measure; infinite or NaN where a cell is empty.
    measure : str
        metafor's code.
    printed : tuple of float or None
        Ends of the rounding interval of the printed measure.
    text : str
        The measure as printed, or nothing.
    arms : tuple of str
        Names of the two groups.
    legend : str
        What is printed under the figure.
    """
    label = measure_of(measure).label
    name = f"{label[0].lower()}{label[1:]}"
    risks = {
        arms[0]: tables.exposed_cases / tables.exposed_total,
        arms[1]: tables.control_cases / tables.control_total,
    }
    alt = [f"Cloud of {_tables(len(tables))} in the plane of two risks."]
    spans = [f"{_percentages(risk)} of the {arm}" for arm, risk in risks.items()]
    alt.append(f"Cases are {' and '.join(spans)}.")
    known = value[np.isfinite(value)]
    if known.size:
        with number_style(limits=" to "):
            span = format_interval(float(known.min()), float(known.max()), measure=measure)
        low, _, high = span.partition(" to ")
        alt.append(f"The {name} is {low}." if low == high else f"The {name} goes from {span}.")
    if known.size < len(tables):
        alt.append(f"{format_count(len(tables) - known.size)} have an empty cell and no finite value.")
    if printed is not None and known.size:
        inside = int(((known >= printed[0]) & (known <= printed[1])).sum())
        shown = text or format_number(sum(printed) / 2)
        alt.append(f"{format_count(inside)} of {_tables(len(tables))} round to the printed {shown}.")
    if mirror.any():
        alt.append(f"{format_count(int(mirror.sum()))} are drawn as rings.")
    frame = tables.to_frame().assign(measure=measure, value=value, ring=mirror)
    return FigureRecord(
        title=f"Tables that the printed numbers allow, with lines of equal {name}",
        caption=f"{legend} x: cases among {arms[1]}, y: cases among {arms[0]}, in percent.",
        alt=" ".join(alt).replace("\N{NO-BREAK SPACE}", " "),
        numbers=frame,
    )


def _percentages(risk: FloatArray) -> str:
    # Two decimals: the tables that fit one printed percentage differ in what is beyond it.
    low, high = format_percent(float(np.min(risk)), 2), format_percent(float(np.max(risk)), 2)
    return low if low == high else f"{low} to {high}"
