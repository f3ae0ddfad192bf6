"""An estimate with its interval and P-value: symmetry, agreement, and whether so few persons can give it.

Every rule takes what the printed digits may stand for, so a finding is never an effect of rounding.

References
----------
Altman DG, Bland JM (2011). How to obtain the P value from a confidence interval. BMJ 343:d2304.
DOI 10.1136/bmj.d2304
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from analysis.forensics.finding import Finding
from analysis.values.distributions import two_sided_normal
from analysis.values.scale import MEASURES, SCALES
from analysis.values.text import short_count, short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.forensics.coherence_columns import Columns, Ends, Estimates
    from analysis.values.arrays import BoolArray, FloatArray

    Range = tuple[FloatArray, FloatArray]

__all__ = ["check_information", "check_pvalues", "check_symmetry", "scale_names"]

_LEVELS = (0.90, 0.95, 0.99)
# Beyond these the two halves of an interval differ by more than exact and profile intervals of all but the
# sparsest tables do.
_MILD_SKEW = 1.25
_WITHOUT = {"log": "ratios analysed without logarithms", "logit": "proportions analysed without logits"}
# Numbers recomputed from floats agree with printed ends to the last bits only.
_HAIR = 1e-9


def scale_names(columns: Columns) -> list[str]:
    """Return the analysis scale of each row's measure; a ratio where none is named."""
    names = [text.upper() for text in columns.texts("measure")]
    return [MEASURES[name].scale if name in MEASURES else "log" for name in names]


def _limits(estimates: Estimates, scale: str, *, cut: bool) -> tuple[Range, Range, Range]:
    """Return the ranges of estimate, low and high on a scale."""

    def on(ends: Ends) -> Range:
        forward = SCALES[scale].forward
        floor = -np.inf if scale == "identity" else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            return forward(np.maximum(ends.low, floor)), forward(np.maximum(ends.high, floor))

    parts = (estimates.estimate, estimates.low, estimates.high)
    first, second, third = (on(part.cut if cut else part.nearest) for part in parts)
    return first, second, third


def _symmetric(estimates: Estimates, scale: str, *, cut: bool, strictly: bool = False) -> BoolArray:
    """Tell which intervals can be symmetric about their estimate on a scale."""
    estimate, low, high = _limits(estimates, scale, cut=cut)
    # Ranges that touch in one point fit, but explain nothing.
    hair = -_HAIR if strictly else _HAIR
    with np.errstate(invalid="ignore"):
        first, last = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2
        # NaN, from a limit below the scale's end, says nothing.
        fits: BoolArray = ~((first > estimate[1] + hair) | (last < estimate[0] - hair))
    return fits


def check_symmetry(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that intervals are symmetric about the estimate on the scale of its measure."""
    usable = estimates.estimate.given & estimates.low.given & estimates.high.given
    if not usable.any():
        return [], 0
    names = np.array(scale_names(columns))
    # Limits of a study's proportion are symmetric on no one scale; those of a mean of logits are.
    usable &= np.isin(names, ["log", "identity", "logit"]) & ~np.isin(
        [text.upper() for text in columns.texts("measure")], ["PR", "SENS", "SPEC"]
    )
    on_scale, strictly = (
        {
            scale: np.logical_or(
                *(_symmetric(estimates, scale, cut=cut, strictly=s) for cut in (False, True))
            )
            for scale in ("log", "identity", "logit")
        }
        for s in (False, True)
    )
    fits = np.select([names == scale for scale in on_scale], list(on_scale.values()))
    findings = [
        _asymmetric(columns, estimates, row, str(names[row]), strictly)
        for row in np.flatnonzero(usable & ~fits).tolist()
    ]
    return findings, int(usable.sum())


def _asymmetric(
    columns: Columns,
    estimates: Estimates,
    row: int,
    scale: str,
    on_scale: dict[str, BoolArray],
) -> Finding:
    value, low, high = (
        np.float64(part.nearest.intervals[row].middle)
        for part in (estimates.estimate, estimates.low, estimates.high)
    )
    other = "log" if scale == "identity" else "identity"
    called = {"log": "log", "identity": "linear", "logit": "logit"}
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = SCALES[scale].forward(np.array([low, value, high]))
        centre = float(SCALES[scale].backward((ends[0] + ends[2]) / 2))
        halves = (ends[1] - ends[0], ends[2] - ends[1])
    skew = max(halves) / min(halves) if min(halves) > 0 else np.inf
    fits, strength = [f"an estimate of {short_number(centre)}"], "discrepancy"
    arithmetic = f"the interval's centre on the {called[scale]} scale is {short_number(centre)}"
    if on_scale[other][row]:
        arithmetic += (
            f", and it is symmetric on the {called[other]} scale"
            f" ({short_number((low + high) / 2 if other == 'identity' else float(np.sqrt(low * high)))})"
        )
        if other == "identity":
            fits.append(_WITHOUT[scale])
    elif (events := _poisson_events(estimates, row)) is not None:
        fits.append(f"exact Poisson limits of {short_count(events)} events")
        strength = "remark"
    elif skew < _MILD_SKEW:
        fits.append("limits that are not symmetric by construction (exact, profile or bootstrap)")
        strength = "remark"
    return Finding(
        rule="symmetry of an interval",
        strength=strength,
        rows=(row,),
        label=columns.label(row),
        printed=f"{estimates.texts[row]} is printed",
        arithmetic=arithmetic,
        fits=", or ".join(fits),
    )


def _poisson_events(estimates: Estimates, row: int) -> int | None:
    """Return how many events have exact limits in the printed ratio to their count, if any have."""
    level = estimates.confidence_level[row]
    alpha = 1 - (0.95 if np.isnan(level) else level)
    events = np.arange(1.0, 2001.0)
    below = special.gammaincinv(events, alpha / 2) / events
    above = special.gammaincinv(events + 1, 1 - alpha / 2) / events
    # value x below and value x above must round to the limits for one value that rounds to the estimate.
    value, low, high = (part.nearest for part in (estimates.estimate, estimates.low, estimates.high))
    least = np.maximum.reduce(
        [np.full(events.shape, value.low[row]), low.low[row] / below, high.low[row] / above]
    )
    most = np.minimum.reduce(
        [np.full(events.shape, value.high[row]), low.high[row] / below, high.high[row] / above]
    )
    fitting = events[least < most]
    return int(fitting[0]) if fitting.size else None


def check_pvalues(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that the P-value is one that a normal test of the printed interval can give.

    The standard error comes from the width of the interval, the statistic from the estimate or from the
    interval's centre, whichever is nearer to the printed P-value.
    """
    usable = estimates.estimate.given & estimates.low.given & estimates.high.given & estimates.pvalue.given
    names = np.array(scale_names(columns))
    usable &= np.isin(names, ["log", "identity"])
    if not usable.any():
        return [], 0
    level = np.where(np.isnan(estimates.confidence_level), 0.95, estimates.confidence_level)
    ranges = {value: _pvalue_range(estimates, names, np.full(level.shape, value)) for value in _LEVELS}
    least, most = _pvalue_range(estimates, names, level)
    printed_low, printed_high = _printed_pvalue(estimates)
    with np.errstate(invalid="ignore"):
        # NaN, from a limit below the scale's end, says nothing.
        fits = ~((least > printed_high + _HAIR) | (most < printed_low - _HAIR))
    findings = []
    for row in np.flatnonzero(usable & ~fits).tolist():
        others = [
            f"an interval of {100 * value:g} %"
            for value, (a, b) in ranges.items()
            if value != level[row] and a[row] <= printed_high[row] and b[row] >= printed_low[row]
        ]
        away = max(least[row] / max(printed_high[row], 1e-300), printed_low[row] / max(most[row], 1e-300))
        sides = (most[row] < 1 - level[row]) != (printed_high[row] <= 1 - level[row])
        text = estimates.pvalue[row] or "P"
        findings.append(
            Finding(
                rule="P-value and interval",
                strength="discrepancy" if away > 1.5 or (sides and printed_low[row] >= 0.05) else "remark",
                rows=(int(row),),
                label=columns.label(row),
                printed=f"{estimates.texts[row]} is printed with P {_with_equals(text)}",
                arithmetic=f"a normal test of that interval gives P from {least[row]:.2g} to {most[row]:.2g}",
                fits=" or ".join(others),
            )
        )
    return findings, int(usable.sum())


def _with_equals(text: str) -> str:
    stripped = text.lstrip("pP ").strip()
    return stripped if stripped[:1] in {"<", ">", "≤", "≥", "="} else f"= {stripped}"


def _printed_pvalue(estimates: Estimates) -> Range:
    nearest, cut = estimates.pvalue.nearest, estimates.pvalue.cut
    low = np.fmin(nearest.low, cut.low)
    return np.where(np.isneginf(low), 0.0, low), np.fmin(np.fmax(nearest.high, cut.high), 1.0)


def _pvalue_range(estimates: Estimates, names: NDArray[np.str_], level: FloatArray) -> Range:
    """Return the smallest and largest P-value of a normal test that the printed digits allow."""
    least, most = np.full(level.shape, np.nan), np.full(level.shape, np.nan)
    z = special.ndtri((1 + level) / 2)
    for scale in ("log", "identity"):
        here = names == scale
        estimate, low, high = _limits(estimates, scale, cut=False)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            narrow, wide = (high[0] - low[1]) / (2 * z), (high[1] - low[0]) / (2 * z)
            first = np.minimum(estimate[0], (low[0] + high[0]) / 2)
            last = np.maximum(estimate[1], (low[1] + high[1]) / 2)
            far = np.maximum(np.abs(first), np.abs(last))
            near = np.where((first <= 0) & (last >= 0), 0.0, np.minimum(np.abs(first), np.abs(last)))
            smallest = two_sided_normal(far / np.maximum(narrow, 1e-300))
            largest = two_sided_normal(near / wide)
        least[here], most[here] = smallest[here], largest[here]
    return least, most


def check_information(columns: Columns, estimates: Estimates) -> tuple[list[Finding], int]:
    """Check that an interval is not narrower than its numbers of persons allow.

    Notes
    -----
    With d1 and d0 events the variance of a log hazard ratio is at least 1/d1 + 1/d0, because a mean of
    p (1 - p) is at most that of the mean p; d is at most the number of persons. A log odds ratio has a
    variance of at least 4/n1 + 4/n0, and of 4/min(n1, n0) where groups are matched; the smaller bound is
    used. Where events may recur (IRR) the bound is one on events, and a finding is a discrepancy.
    """
    measures = np.array([text.upper() for text in columns.texts("measure")])
    n1, n0 = columns.counts("n_exposed"), columns.counts("n_control")
    n1 = np.where(np.isnan(n1), columns.counts("exposed_total"), n1)
    n0 = np.where(np.isnan(n0), columns.counts("control_total"), n0)
    usable = estimates.low.given & estimates.high.given & (n1 > 0) & (n0 > 0)
    usable &= np.isin(measures, ["OR", "HR", "IRR"])
    if not usable.any():
        return [], 0
    level = np.where(np.isnan(estimates.confidence_level), 0.95, estimates.confidence_level)
    _, low, high = _limits(estimates, "log", cut=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = ((high[1] - low[0]) / (2 * special.ndtri((1 + level) / 2))) ** 2
        persons = np.where(measures == "OR", 4.0, 1.0)
        bound = np.where(measures == "OR", 4 / np.minimum(n1, n0), 1 / n1 + 1 / n0)
        narrow = usable & (variance < bound * (1 - _HAIR))
    findings = []
    for row in np.flatnonzero(narrow).tolist():
        needed = float(persons[row] / variance[row])
        what = "persons" if measures[row] == "OR" else "events"
        findings.append(
            Finding(
                rule="information in an interval",
                strength="contradiction" if measures[row] in {"OR", "HR"} else "discrepancy",
                rows=(int(row),),
                label=columns.label(row),
                printed=(
                    f"{estimates.texts[row]} is printed of {short_count(n1[row])} and {short_count(n0[row])}"
                ),
                arithmetic=(
                    f"an interval this narrow needs more than {short_count(needed)} {what} in each group"
                ),
                fits=""
                if what == "persons"
                else "events that recur in the same persons, counted as independent",
            )
        )
    return findings, int(usable.sum())
