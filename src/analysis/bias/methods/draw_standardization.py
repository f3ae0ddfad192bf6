"""What is left of an effect when both groups are given one distribution of a confounder, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.bias.methods.external_confounder import prevalences_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from analysis.bias.methods.draw_cells import State
    from analysis.measures.methods.cells import Cells
    from analysis.values.arrays import FloatArray

    Values = Mapping[str, FloatArray]
    Levels = Sequence[FloatArray]

__all__ = ["ABOVE_ONE", "STANDARDS", "TOO_COMMON", "apply_confounding", "highest_risks"]

STANDARDS = ("exposed", "control", "total")
ABOVE_ONE = "a risk above 1"
TOO_COMMON = "confounder prevalences above 1"
# What rounding alone can put above a sum of 1.
_ROUNDING = 1e-12


def apply_confounding(state: State, values: Values, standard: str) -> None:
    """Standardize both groups to the confounder's distribution among exposed, controls or all.

    Notes
    -----
    With the mean effect m(p, R) = 1 + Σ p (R - 1) over the levels, w the shares of the standard, and R1, R0
    the effects among exposed and controls, risks and rates become m(w, R1)/m(p1, R1) and m(w, R0)/m(p0, R0)
    times what they were. For the standard "exposed" and one effect R this is Bross's factor. Odds follow the
    same formula if prevalences and odds ratios are those of the non-cases; if the effects are ratios of
    risks, the odds ratio is made up from its strata.
    """
    p1, p0 = _prevalences(values)
    if len(p1) > 1 or "prevalence_ratio" in values or "prevalence_ratio[1]" in values:
        too_common = np.maximum(sum(p1), sum(p0)) > 1 + _ROUNDING
        if too_common.any():
            state.rule_out(TOO_COMMON, too_common)
    by_odds = "odds_ratio" in values or "odds_ratio[1]" in values
    name = "odds_ratio" if by_odds else "risk_ratio"
    control_effect = _levels(values, name)
    exposed_effect = _levels(values, f"exposed_{name}") or control_effect
    mean1, mean0 = _mean(p1, exposed_effect), _mean(p0, control_effect)
    cells = state.cells
    if cells is not None and not by_odds and not state.rates:
        exposed, control = cells.a / (cells.a + cells.b) / mean1, cells.c / (cells.c + cells.d) / mean0
        highest = _highest(exposed_effect) * exposed, _highest(control_effect) * control
        state.rule_out(ABOVE_ONE, np.maximum(np.real(highest[0]), np.real(highest[1])) > 1)
        if state.measure == "OR":
            state.factor = state.factor * _of_odds(
                cells, exposed, control, (p1, p0), (exposed_effect, control_effect), standard
            )
            return
    w1, w0 = _weights(state, standard, persons=not by_odds and not state.rates)
    # Of a constant weight of 0 nothing is computed: the usual standard costs one division.
    up1 = _mixed(w1, mean1, w0, lambda: _mean(p0, exposed_effect)) / mean1
    up0 = _mixed(w0, mean0, w1, lambda: _mean(p1, control_effect)) / mean0
    if state.measure in {"RD", "IRD"}:
        state.exposed_factor = state.exposed_factor * up1
        state.factor = state.factor * up0
    else:
        state.factor = state.factor * (up0 / up1)


def highest_risks(cells: Cells, values: Values) -> tuple[FloatArray, FloatArray] | None:
    """Return the highest risk of exposed and controls in any level; None where odds are stated."""
    effect = _levels(values, "risk_ratio")
    if not effect:
        return None
    exposed_effect = _levels(values, "exposed_risk_ratio") or effect
    p1, p0 = _prevalences(values)
    exposed = cells.a / (cells.a + cells.b) / _mean(p1, exposed_effect)
    control = cells.c / (cells.c + cells.d) / _mean(p0, effect)
    return _highest(exposed_effect) * exposed, _highest(effect) * control


def _prevalences(values: Values) -> tuple[Levels, Levels]:
    if "prevalence" in values:
        return tuple(  # type: ignore[return-value]
            (part,)
            for part in prevalences_of(
                values["prevalence"],
                values["exposure_prevalence"],
                _levels(values, "exposure_odds_ratio")[0],
            )
        )
    p0 = _levels(values, "prevalence_control")
    ratios, odds = _levels(values, "prevalence_ratio"), _levels(values, "exposure_odds_ratio")
    if ratios:
        return [share * ratio for share, ratio in zip(p0, ratios, strict=True)], p0
    if odds:
        mean = _mean(p0, odds)
        return [share * ratio / mean for share, ratio in zip(p0, odds, strict=True)], p0
    return _levels(values, "prevalence_exposed"), p0


def _levels(values: Values, name: str) -> Levels:
    """Return a parameter level by level; empty if it is not given."""
    if name in values:
        return [values[name]]
    found: list[FloatArray] = []
    while f"{name}[{len(found) + 1}]" in values:
        found.append(values[f"{name}[{len(found) + 1}]"])
    return found


def _mean(shares: Levels, effects: Levels) -> FloatArray:
    """Return the mean effect; the reference level has the rest of the shares and an effect of 1."""
    result = shares[0] * (effects[0] - 1) + 1
    for share, effect in zip(shares[1:], effects[1:], strict=True):
        result = result + share * (effect - 1)
    return np.asarray(result)


def _highest(effects: Levels) -> FloatArray:
    result = np.maximum(effects[0], 1.0)
    for effect in effects[1:]:
        result = np.maximum(result, effect)
    return result


def _weights(state: State, standard: str, *, persons: bool) -> tuple[FloatArray | float, FloatArray | float]:
    """Return how much exposed and controls count in the standard."""
    cells = state.cells
    if standard != "total" or cells is None:
        return (1.0, 0.0) if standard == "exposed" else (0.0, 1.0)
    n1, n0 = (cells.a + cells.b, cells.c + cells.d) if persons else (cells.b, cells.d)
    return n1 / (n1 + n0), n0 / (n1 + n0)


def _mixed(
    first: FloatArray | float, own: FloatArray, second: FloatArray | float, other: Callable[[], FloatArray]
) -> FloatArray:
    if isinstance(second, float) and second == 0:
        return own
    if isinstance(first, float) and first == 0:
        return other()
    return np.asarray(first * own + second * other())


def _of_odds(
    cells: Cells,
    exposed: FloatArray,
    control: FloatArray,
    shares: tuple[Levels, Levels],
    effects: tuple[Levels, Levels],
    standard: str,
) -> FloatArray:
    """Return the crude odds ratio over the standardized one; `exposed`, `control` are reference risks.

    Observed cases over those that the non-cases of the standard would be at either group's odds, stratum by
    stratum. Sums are per case, so that a group without cases leaves a factor.
    """
    a, b, c, d = cells
    of_exposed: FloatArray | float = 0.0  # controls' odds on the exposed non-cases, per control case
    of_controls: FloatArray | float = 0.0  # exposed odds on the control non-cases, per exposed case
    one = np.asarray(1.0)
    rest = [one - sum(part) for part in shares]
    levels = zip(
        (rest[0], *shares[0]), (rest[1], *shares[1]), (one, *effects[0]), (one, *effects[1]), strict=True
    )
    mean1, mean0 = _mean(shares[0], effects[0]), _mean(shares[1], effects[1])
    for p1, p0, r1, r0 in levels:
        free1, free0 = 1 - r1 * exposed, 1 - r0 * control
        if standard != "control":
            of_exposed = of_exposed + (a + b) * p1 * free1 * r0 / (free0 * (c + d) * mean0)
        if standard != "exposed":
            of_controls = of_controls + (c + d) * p0 * free0 * r1 / (free1 * (a + b) * mean1)
    if standard == "exposed":
        return np.asarray(d * of_exposed / b)
    if standard == "control":
        return np.asarray(d / (b * of_controls))
    return np.asarray(d * (of_exposed + 1) / (b * (of_controls + 1)))
