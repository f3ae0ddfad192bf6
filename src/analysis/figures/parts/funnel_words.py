"""The words of a funnel plot: the key to its signs, title, caption, description and numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from analysis.figures.parts.plane import KeyEntry, study_labels
from analysis.figures.record import FigureRecord
from analysis.figures.style import BLUE, GREY
from analysis.tables.format import (
    format_count,
    format_estimate,
    format_interval,
    format_pvalue,
)
from analysis.values.distributions import normal_quantile
from analysis.values.scale import measure_of, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.figures.parts.funnel_input import Funnel
    from analysis.values.estimate import Estimate

__all__ = ["band_tints", "funnel_key", "funnel_record"]

# Of the bands between contours from the innermost outwards: GREY thinned with white to these shares, so far
# apart that every reader tells them from each other and from white, in print too.
_TINTS = (0.6, 0.34)


def band_tints(funnel: Funnel) -> list[str]:
    """Return the colours of the bands between contours, from the innermost outwards."""
    red, green, blue = to_rgb(GREY)
    shares = _TINTS[-1:] if len(funnel.levels) == 1 else _TINTS[: max(len(funnel.levels) - 1, 0)]
    return [
        to_hex((1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue))) for share in shares
    ]


def funnel_key(funnel: Funnel) -> list[KeyEntry]:
    """Return what each sign means."""
    entries = [KeyEntry(text="study", marker="o", colour=BLUE)]
    if funnel.extra()[0].size:
        entries.append(KeyEntry(text="filled in", marker="o", filled=False))
    for line in funnel.lines():
        if line.text not in {entry.text for entry in entries}:
            entries.append(KeyEntry(text=line.text, line=line.dashes, colour=line.colour, width=line.width))
    if funnel.levels:
        edges = [format_pvalue(level, prefix="") for level in funnel.levels]
        bands = [f"{low} to {high}" for high, low in pairwise(edges)]
        tints = band_tints(funnel)
        # Both ends of the scale are white; the words say which is which.
        inside, outside = (" inside", " outside") if bands else ("", "")
        entries.append(KeyEntry(text=f"P ≥ {edges[0]}{inside}", patch="white"))
        entries += [KeyEntry(text=text, patch=tint) for text, tint in zip(bands, tints, strict=False)]
        entries.append(KeyEntry(text=f"P < {edges[-1]}{outside}", patch="white" if bands else tints[0]))
    return entries


def funnel_record(funnel: Funnel, notes: Sequence[str]) -> FigureRecord:
    """Return words and numbers."""
    label = measure_of(funnel.effects.measure).label.lower()
    title = f"Funnel plot of {format_count(funnel.drawn.sum())} studies ({label})"
    signs = "; ".join(entry.text for entry in funnel_key(funnel))
    bands = "Bands: two-sided P of a study against no effect, normal distribution. "
    caption = (
        f"Funnel plot: {label} against {funnel.size_name[0].lower()}{funnel.size_name[1:]}. "
        f"Signs: {signs}. {bands if funnel.levels else ''}{' '.join([*_findings(funnel), *notes])}"
    )
    alt = f"{title}. {_spread(funnel)} {' '.join(_findings(funnel))}"
    return FigureRecord(title=title, caption=caption.strip(), alt=alt.strip(), numbers=_numbers(funnel))


def _spread(funnel: Funnel) -> str:
    keep = funnel.drawn
    effect, errors = funnel.effects.effect[keep], funnel.effects.std_error[keep]
    measure = funnel.effects.measure
    values = scale_of(funnel.effects.scale).backward(effect)
    text = (
        f"{measure_of(measure).label}: {format_interval(values.min(), values.max(), measure=measure)}, "
        f"standard errors {format_interval(errors.min(), errors.max())}."
    )
    for level in funnel.levels:
        count = int((np.abs(effect - funnel.null()) > normal_quantile(1 - level / 2) * errors).sum())
        text += f" {count} of {effect.size} have P < {format_pvalue(level, prefix='')}."
    if funnel.pooled is not None and funnel.n is None:
        reach = normal_quantile((1 + funnel.pooled.confidence_level) / 2) * errors
        left, right = (int((side * (effect - funnel.pooled.mean) > reach).sum()) for side in (-1, 1))
        text += f" {left} lie left of the region around the pooled estimate and {right} right of it."
    return text


def _findings(funnel: Funnel) -> list[str]:
    found = []
    if funnel.pooled is not None:
        found.append(f"Pooled ({funnel.pooled.model} effects): {_text(funnel.pooled.estimate)}.")
    if funnel.filled is not None:
        count = format_count(funnel.filled.n_filled.item())
        found.append(
            f"Trim and fill ({funnel.filled.estimator}): {count} filled in on the "
            f"{funnel.filled.side.item()}, pooled {_text(funnel.filled.pooled.estimate)}."
        )
    if funnel.egger is not None and funnel.egger.limit is not None:
        pvalue = format_pvalue(funnel.egger.pvalue.item())
        limit = _text(funnel.egger.limit)
        found.append(
            f"{funnel.egger.method} test of asymmetry: {pvalue}; effect at standard error 0 {limit}."
        )
    if funnel.limit is not None:
        found.append(f"Limit meta-analysis: {_text(funnel.limit.estimate)}.")
    return found


def _numbers(funnel: Funnel) -> pd.DataFrame:
    """Return points as they are, lines and contours at the ends of the axis."""
    import pandas as pd

    backward = scale_of(funnel.effects.scale).backward
    frame = pd.DataFrame({"kind": "study", "label": list(study_labels(funnel.effects))})
    frame["value"], frame["std_error"] = backward(funnel.effects.effect), funnel.effects.std_error
    frame["drawn"] = funnel.drawn
    if funnel.n is not None:
        frame["n"] = funnel.n
    rows = []
    extra, error = funnel.extra()
    if funnel.filled is not None:
        names = study_labels(funnel.filled.filled)[len(frame) :]
        rows += [
            {"kind": "filled study", "label": name, "value": value, "std_error": each}
            for name, value, each in zip(names, backward(extra), error, strict=True)
        ]
    ends = funnel.errors()[[0, -1]]
    curves = [(line.gid, line.text, line.effect[[0, -1]]) for line in funnel.lines()]
    for level in funnel.levels:
        reach = normal_quantile(1 - level / 2) * ends
        name = f"P = {format_pvalue(level, prefix='')}"
        curves += [("contour", name, funnel.null() + side * reach) for side in (-1, 1)]
    rows += [
        {"kind": gid, "label": name, "value": value, "std_error": np.nan if funnel.n is not None else end}
        for gid, name, effect in curves
        for value, end in zip(backward(effect), ends, strict=True)
    ]
    return pd.concat([frame, pd.DataFrame(rows).assign(drawn=True)]) if rows else frame


def _text(estimate: Estimate) -> str:
    return format_estimate(
        estimate.value.item(), estimate.low.item(), estimate.high.item(), measure=estimate.measure
    )
