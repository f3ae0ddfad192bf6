"""Title, caption, alternative text and numbers of a figure of prevalences, all from what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.record import FigureRecord
from analysis.tables.format import format_estimate, format_interval
from analysis.tables.number_style import number_style
from analysis.tables.pooled import describe_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.values.arrays import BoolArray
    from analysis.values.counts import Proportion
    from analysis.values.estimate import Estimate

__all__ = ["prevalence_record"]


def prevalence_record(
    estimate: Estimate,
    labels: Sequence[str],
    *,
    groups: Sequence[str] | None,
    counts: Proportion | None,
    band: tuple[float, float] | None,
    pooled: Mapping[str, PooledEstimate],
    derived: BoolArray,
    note: str | None,
    synthetic: bool,
) -> FigureRecord:
    """Return the words and the numbers of a figure of these prevalences; arguments are those of the figure.

    Numbers are proportions: a row a study, then the pooled estimates and their prediction intervals.
    """
    value = np.asarray(estimate.value)
    known = value[~np.isnan(value)]
    k = len(labels)
    studies = "one study" if k == 1 else f"{k} studies"
    across = "" if groups is None else f" in {len(set(groups))} groups"
    made_up = "Synthetic data. " if synthetic else ""
    level = f"{100 * estimate.confidence_level:g}%"
    caption = [
        f"{made_up}Circles and lines: prevalence and {level} confidence interval (method: {estimate.method})."
    ]
    alt = [f"{made_up}Prevalences of {studies}{across}."]
    if known.size:
        with number_style(limits=" to "):
            span = format_interval(float(known.min()), float(known.max()), measure="PR")
        alt.append(f"They go from {span}." if known.size > 1 else f"It is {_text(estimate, 0)}.")
    if known.size < k:
        alt.append(f"{k - known.size} of them cannot be estimated.")
    if band is not None:
        with number_style(limits=" to "):
            quoted = format_interval(*band, measure="PR")
        within = int(((known >= band[0]) & (known <= band[1])).sum())
        caption.append(f"Shaded, with dashed lines at its ends: {quoted}, the range that is quoted.")
        alt.append(f"{within} of {known.size} lie within the quoted range of {quoted}.")
    if derived.any():
        caption.append("† and hollow circle: number of events derived from the printed percentage.")
    for name, result in pooled.items():
        where = "" if groups is None else f"{name}: "
        caption.append(f"Diamond{f' of {name}' if where else ''}: {describe_model(result)}.")
        one = result.estimate
        pooled_text = format_estimate(float(one.value), float(one.low), float(one.high), measure="PR")
        sentence = f"{where}pooled {pooled_text}"
        if not np.isnan(float(result.prediction.low)):
            ends = (float(result.prediction.low), float(result.prediction.high))
            sentence += f", prediction interval {format_interval(*ends, measure='PR')}"
            caption.append("Grey bar: prediction interval for a further study.")
        alt.append(f"{sentence[0].upper()}{sentence[1:]}.")
    return FigureRecord(
        title=f"Prevalences of {studies}{across}",
        caption=" ".join([*dict.fromkeys(caption), *([note] if note else [])]),
        alt=" ".join(alt).replace("\N{NO-BREAK SPACE}", " "),
        numbers=_numbers(estimate, labels, groups, counts, pooled, derived),
    )


def _text(estimate: Estimate, row: int) -> str:
    one = estimate[row]
    return format_estimate(float(one.value), float(one.low), float(one.high), measure="PR")


def _numbers(
    estimate: Estimate,
    labels: Sequence[str],
    groups: Sequence[str] | None,
    counts: Proportion | None,
    pooled: Mapping[str, PooledEstimate],
    derived: BoolArray,
) -> pd.DataFrame:
    columns: dict[str, object] = {
        "kind": "study",
        "group": "" if groups is None else list(groups),
        "label": list(labels),
        "value": np.asarray(estimate.value),
        "low": np.asarray(estimate.low),
        "high": np.asarray(estimate.high),
        "derived": derived,
    }
    if counts is not None:
        columns |= {"events": np.ravel(counts.events), "total": np.ravel(counts.total)}
    frames = [pd.DataFrame(columns)]
    for name, result in pooled.items():
        group = name if groups is not None else ""
        for kind, part in (("pooled", result.estimate), ("prediction", result.prediction)):
            if not np.isnan(float(part.low)):
                row = {"kind": kind, "group": group, "label": name, "value": float(result.estimate.value)}
                frames.append(pd.DataFrame([row | {"low": float(part.low), "high": float(part.high)}]))
    return pd.concat(frames, ignore_index=True)
