"""Words and numbers of a figure of coverage, and the names of intervals that it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.record import FigureRecord
from analysis.tables.format import format_percent
from analysis.tables.number_style import current_number_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.meta.interval_coverage import CoverageSimulation

__all__ = ["coverage_record", "interval_name"]

_NAMES = {
    "wald": "Wald",
    "t": "t",
    "hartung-knapp": "Hartung–Knapp",
    "hartung-knapp-adhoc": "Hartung–Knapp, ad hoc",
    "kenward-roger": "Kenward–Roger",
    "profile": "Profile likelihood",
    "profile-bartlett": "Profile, Bartlett",
    "henmi-copas": "Henmi–Copas",
    "prediction": "Prediction of a further study",
}


def interval_name(interval: str) -> str:
    """Return the name of an interval, "interval/estimator of tau2", as it is printed."""
    ci, _, tau2 = interval.partition("/")
    return f"{_NAMES[ci]} ({'true τ²' if tau2 == 'known' else tau2})"


def coverage_record(result: CoverageSimulation, chosen: Sequence[str], notes: Sequence[str]) -> FigureRecord:
    """Return the words and the numbers of a figure that shows the chosen intervals and these notes."""
    level = f"{100 * result.confidence_level:g}%"
    low, high = (format_percent(end) for end in result.band)
    studies = ", ".join(map(str, result.studies)) + " studies"
    over = current_number_style().written(", ".join(f"{tau2:g}" for tau2 in result.tau2))
    names = [interval_name(interval) for interval in chosen]
    caption = (
        f"Coverage of {level} intervals by simulation of {result.draws} meta-analyses of each size, against "
        f"the between-study variance (τ² = {over}; the axis is linear in τ). A panel a number of studies, a "
        f"line an interval: {'; '.join(names)}. Full grey line: {level}; grey band ({low} to {high}): what "
        "95% of simulations of this size give for an interval that keeps its level."
    )
    alt = [f"Simulated coverage of {len(chosen)} kinds of {level} intervals of meta-analyses of {studies}."]
    frames = []
    for interval, name in zip(chosen, names, strict=True):
        one = result.of(interval)
        least, most = (format_percent(float(end)) for end in (one.coverage.min(), one.coverage.max()))
        at = np.unravel_index(int(np.argmin(one.coverage[0])), one.coverage[0].shape)
        where = f"{result.studies[int(at[0])]} studies, τ² = {result.tau2[int(at[1])]:g}"
        alt.append(f"{name}: {least} to {most}, least at {current_number_style().written(where)}.")
        frames.append(one.to_frame().assign(name=name))
    return FigureRecord(
        title=f"Coverage of {level} intervals of meta-analyses of {studies}",
        caption=" ".join([caption, *notes]),
        alt=" ".join(alt),
        numbers=pd.concat(frames, ignore_index=True),
    )
