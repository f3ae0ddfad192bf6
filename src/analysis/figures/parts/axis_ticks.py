"""Ticks that a reader can use: round numbers whose labels stand apart, on linear, log and logit axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.figures.style import current
from analysis.figures.parts.text import text_width
from analysis.tables.format import format_count
from analysis.tables.number_style import current_number_style

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["logit_percent", "nice_ticks"]

_FEWEST, _MOST = 4, 7
# Below this many a reader cannot tell the scale.
_LEAST = 3
_LABEL_GAP = 4.0
# Where nothing else would leave three labels.
_TIGHT_GAP = 1.5
# From the most wanted on; each holds 1, and so the null of a ratio.
_MANTISSAS = (
    (1.0, 2.0, 5.0),
    (1.0, 2.0, 3.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0),
)
# Distances from 1 whose inverses are short decimals too.
_FACTORS = (1.25, 2.0, 4.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e8)
# Percentages up to 50; above it their complements.
_LOGIT_STEPS = (
    (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0),
    (1.0, 2.0, 5.0, 10.0, 20.0),
    (1.0, 5.0, 20.0),
    (1.0, 10.0),
)


def logit_percent(percent: float) -> float:
    """Return the log odds of a percentage; infinite at 0 and 100."""
    if percent <= 0 or percent >= 100:
        return -math.inf if percent <= 0 else math.inf
    return math.log(percent) - math.log(100.0 - percent)


def nice_ticks(
    low: float, high: float, *, width: float, log: bool, logit: bool = False
) -> tuple[list[float], list[str], list[float]]:
    """Choose ticks and their labels.

    Parameters
    ----------
    low, high : float
        Limits of the axis.
    width : float
        Its length in points; labels stand apart on it.
    log : bool
        Whether the axis is logarithmic. Ticks are then 1, 2 and 5 times powers of ten, more on a short axis
        and fewer on a long one; 1 is among them where it lies inside.
    logit : bool, default False
        Whether the axis is of percentages on the logit scale.

    Returns
    -------
    list of float, list of str, list of float
        Ticks in ascending order, their plain decimal labels, and ticks between for which there was no room
        to be labelled.
    """
    if logit:
        candidates = _logit_candidates(low, high)
    else:
        candidates = _log_candidates(low, high) if log else _linear_candidates(low, high)
    wanted = next((ticks for ticks in candidates if _FEWEST <= len(ticks) <= _MOST), [])
    best: tuple[list[float], list[str]] = ([], [])
    for gap, sets in (
        (_LABEL_GAP, candidates),
        (_TIGHT_GAP, [*candidates, *_sparser(candidates, low, high, log=log)]),
    ):
        for ticks in sets:
            if len(ticks) <= len(best[0]) or len(ticks) > _MOST:
                continue
            labels = _labels(ticks, common=not (log or logit))
            places = _places(ticks, low, high, width, log=log, logit=logit)
            if _stand_apart(places, labels, gap):
                best = (ticks, labels)
            if len(best[0]) >= (_FEWEST if gap == _LABEL_GAP else _LEAST):
                break
        if len(best[0]) >= _LEAST:
            break
    if len(best[0]) < _LEAST and log:
        best = _one_by_one(low, high, width) or best
    between = [tick for tick in wanted if tick not in best[0]] if len(best[0]) < _FEWEST else []
    return *best, between


def _log_candidates(low: float, high: float) -> list[list[float]]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = range(first, last + 1)
    slack = 1e-9
    low, high = low * (1 - slack), high * (1 + slack)

    def inside(mantissas: Sequence[float], every: int = 1) -> list[float]:
        values = [float(f"{m:g}e{k}") for k in decades if k % every == 0 for m in mantissas]
        return [value for value in values if low <= value <= high]

    if high / low > 10.0**_FEWEST:
        return [inside((1.0,), every) for every in (1, 2, 3, 4, 6, 10, 20, 50)]
    dense = [inside(mantissas) for mantissas in _MANTISSAS]
    fours, fives = ([base**k for k in range(-8, 9) if low <= base**k <= high] for base in (4.0, 5.0))
    sparse = [inside((1.0, 3.0)), fives, fours, inside((1.0,)), inside((1.0,), 2)]
    short = _linear_candidates(low, high) if high / low < 4 else []
    if low < 1 < high:
        short = [ticks for ticks in short if 1.0 in ticks]
    if high / low < 4:
        return [*dense, *short, *sparse]
    return [dense[0], *dense[1:], *sparse] if len(dense[0]) <= _MOST else [dense[0], *sparse, *dense[1:]]


def _linear_candidates(low: float, high: float) -> list[list[float]]:
    """Return ticks of every nice step, the finest that may be read first."""
    exponent = math.floor(math.log10((high - low) / _MOST))
    steps = [(m, exponent + k) for k in range(3) for m in (1.0, 2.0, 2.5, 5.0)]
    slack = 1e-9 * (high - low)
    candidates = []
    for mantissa, power in steps:
        step = mantissa * 10.0**power
        first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
        if last - first < 4 * _MOST:
            # Through text: 3 * 0.1 is to be 0.3.
            candidates.append(
                [float(f"{number * mantissa:.10g}e{power}") for number in range(first, last + 1)]
            )
    return candidates


def _logit_candidates(low: float, high: float) -> list[list[float]]:
    def inside(steps: Sequence[float]) -> list[float]:
        # Below 1 % each power of ten has the same digits; 10 % and more stand for themselves.
        digits = [step for step in steps if step < 10]
        lower = [float(f"{m:g}e{k}") for k in range(-6, 0) for m in digits] + list(steps)
        values = [*lower, 50.0, *(float(f"{100 - value:.10g}") for value in reversed(lower))]
        return [value for value in values if low <= value <= high]

    spread = [inside(steps) for steps in _LOGIT_STEPS]
    near = _linear_candidates(max(low, 0.0), min(high, 100.0))
    near = [[tick for tick in ticks if 0 < tick < 100] for ticks in near]
    if logit_percent(high) - logit_percent(low) < math.log(9.0):
        return [*near, *spread]
    return [*spread, *near]


def _sparser(candidates: Sequence[list[float]], low: float, high: float, *, log: bool) -> list[list[float]]:
    """Return sets of a few ticks, for axes so short that no usual set can be labelled in full."""
    sets: list[list[float]] = []
    if log and low < 1 < high:
        about = [[1 / factor, 1.0, factor] for factor in reversed(_FACTORS)]
        sets = [ticks for ticks in about if ticks[0] >= low * (1 - 1e-9) and ticks[-1] <= high * (1 + 1e-9)]
    for ticks in sorted(candidates, key=len):
        for every in range(1, len(ticks) // 2 + 1):
            for first in range(every):
                part = ticks[first::every]
                sets += [part, part[:-1], part[1:]]
    return [ticks for ticks in sets if len(ticks) >= _LEAST]


def _one_by_one(low: float, high: float, width: float) -> tuple[list[float], list[str]] | None:
    """Return ticks of a log axis added one after the other, from 1 to both ends, where their labels fit."""
    for mantissas in ((1.0,), (1.0, 2.0, 5.0)):
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        every = [float(f"{m:g}e{k}") for k in exponents for m in mantissas]
        every = [tick for tick in every if low <= tick <= high]
        start = 1.0 if 1.0 in every else every[0] if every else math.nan
        chosen = [start]
        for tick in [*(t for t in every if t > start), *reversed([t for t in every if t < start])]:
            trial = sorted([*chosen, tick])
            places = _places(trial, low, high, width, log=True, logit=False)
            if _stand_apart(places, _labels(trial, common=False), _TIGHT_GAP):
                chosen = trial
        if _LEAST <= len(chosen) <= _MOST:
            return chosen, _labels(chosen, common=False)
    return None


def _labels(ticks: Sequence[float], *, common: bool) -> list[str]:
    texts = [np.format_float_positional(tick, trim="-") for tick in ticks]
    if common:
        decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
        texts = [f"{tick + 0.0:.{decimals}f}" for tick in ticks]
    return [
        format_count(tick) if abs(tick) >= 10_000 else current_number_style().written(text.replace("-", "−"))
        for tick, text in zip(ticks, texts, strict=True)
    ]


def _places(
    ticks: Sequence[float], low: float, high: float, width: float, *, log: bool, logit: bool
) -> list[float]:
    forward = logit_percent if logit else math.log if log else float
    start, span = forward(low), forward(high) - forward(low)
    return [width * (forward(tick) - start) / span for tick in ticks]


def _stand_apart(places: Sequence[float], labels: Sequence[str], gap: float) -> bool:
    halves = [text_width(label, size=current().body_size) / 2 for label in labels]
    return all(places[i + 1] - halves[i + 1] - places[i] - halves[i] >= gap for i in range(len(places) - 1))
