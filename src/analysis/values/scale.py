"""Scales on which effects are analysed, and what each measure code means.

The codes are metafor's. Here live transformations and names; the effect sizes themselves are computed in
`measures.effect_size`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.values.arguments import check_choice

if TYPE_CHECKING:
    from analysis.values.arrays import FloatArray

__all__ = ["MEASURES", "SCALES", "Measure", "Scale", "measure_of", "scale_of"]

Transformation = Callable[["FloatArray"], "FloatArray"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A monotone transformation from the reporting scale to the analysis scale, and back."""

    name: str
    forward: Transformation
    backward: Transformation


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What a measure code stands for.

    Parameters
    ----------
    code : str
        metafor's code ("RR").
    label : str
        The name as an axis prints it ("Risk ratio").
    scale : str
        Name of the analysis scale, a key of `SCALES`.
    null : float or None
        The value of no effect on the reporting scale; None where there is none (a proportion).
    percent : bool
        Whether it is printed in percent.
    """

    code: str
    label: str
    scale: str
    null: float | None
    percent: bool = False


def _identity(x: FloatArray) -> FloatArray:
    return x


def _log(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x)


def _exp(x: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.exp(x)


def _logit(x: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x) - np.log1p(-x)


def _expit(x: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


def _square_root(x: FloatArray) -> FloatArray:
    return np.sqrt(x)


def _square(x: FloatArray) -> FloatArray:
    # Below 0 on the square-root scale the rate stays at 0.
    return np.square(np.maximum(x, 0.0))


def _arcsine(x: FloatArray) -> FloatArray:
    return np.arcsin(np.sqrt(x))


def _sine_squared(x: FloatArray) -> FloatArray:
    # Beyond the ends of the arcsine scale the proportion stays at 0 or 1.
    return np.sin(np.clip(x, 0.0, np.pi / 2)) ** 2


SCALES: dict[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale(name="identity", forward=_identity, backward=_identity),
        Scale(name="log", forward=_log, backward=_exp),
        Scale(name="logit", forward=_logit, backward=_expit),
        Scale(name="square-root", forward=_square_root, backward=_square),
        Scale(name="arcsine", forward=_arcsine, backward=_sine_squared),
    )
}

MEASURES: dict[str, Measure] = {
    measure.code: measure
    for measure in (
        Measure(code="GEN", label="Effect", scale="identity", null=0.0),
        # Association in a 2x2 table.
        Measure(code="RR", label="Risk ratio", scale="log", null=1.0),
        Measure(code="OR", label="Odds ratio", scale="log", null=1.0),
        Measure(code="PETO", label="Odds ratio (Peto)", scale="log", null=1.0),
        Measure(code="HR", label="Hazard ratio", scale="log", null=1.0),
        Measure(code="RD", label="Risk difference", scale="identity", null=0.0),
        Measure(code="AS", label="Arcsine risk difference", scale="identity", null=0.0),
        # Proportions.
        Measure(code="PR", label="Proportion", scale="identity", null=None, percent=True),
        Measure(code="PLN", label="Proportion", scale="log", null=None, percent=True),
        Measure(code="PLO", label="Proportion", scale="logit", null=None, percent=True),
        Measure(code="PAS", label="Proportion", scale="arcsine", null=None, percent=True),
        Measure(code="PFT", label="Double arcsine proportion", scale="identity", null=None),
        # Rates.
        Measure(code="IR", label="Rate", scale="identity", null=None),
        Measure(code="IRLN", label="Rate", scale="log", null=None),
        Measure(code="IRS", label="Rate", scale="square-root", null=None),
        Measure(code="IRFT", label="Double square-root rate", scale="identity", null=None),
        Measure(code="IRR", label="Rate ratio", scale="log", null=1.0),
        Measure(code="IRD", label="Rate difference", scale="identity", null=0.0),
        Measure(code="IRSD", label="Square-root rate difference", scale="identity", null=0.0),
        Measure(code="SR", label="Standardized rate", scale="identity", null=None),
        Measure(code="SRR", label="Standardized rate ratio", scale="log", null=1.0),
        Measure(code="SMR", label="Standardized mortality ratio", scale="log", null=1.0),
        # Impact.
        Measure(code="NNT", label="Number needed to treat", scale="identity", null=None),
        Measure(
            code="AF",
            label="Attributable fraction among the exposed",
            scale="identity",
            null=0.0,
            percent=True,
        ),
        Measure(
            code="PAF", label="Population attributable fraction", scale="identity", null=0.0, percent=True
        ),
        Measure(code="PAR", label="Population attributable risk", scale="identity", null=0.0),
        # Interaction on the additive scale.
        Measure(code="RERI", label="Relative excess risk due to interaction", scale="identity", null=0.0),
        Measure(code="AP", label="Attributable proportion due to interaction", scale="identity", null=0.0),
        Measure(code="SI", label="Synergy index", scale="log", null=1.0),
        # Diagnostic tests and agreement.
        Measure(code="SENS", label="Sensitivity", scale="identity", null=None, percent=True),
        Measure(code="SPEC", label="Specificity", scale="identity", null=None, percent=True),
        Measure(code="PPV", label="Positive predictive value", scale="logit", null=None, percent=True),
        Measure(code="NPV", label="Negative predictive value", scale="logit", null=None, percent=True),
        Measure(code="LRP", label="Positive likelihood ratio", scale="log", null=1.0),
        Measure(code="LRN", label="Negative likelihood ratio", scale="log", null=1.0),
        Measure(code="DOR", label="Diagnostic odds ratio", scale="log", null=1.0),
        Measure(code="YOUDEN", label="Youden's index", scale="identity", null=0.0),
        Measure(code="KAPPA", label="Kappa", scale="identity", null=0.0),
    )
}


def measure_of(code: str) -> Measure:
    """Return what `code` means; unknown codes raise `ValueError` with the known ones."""
    return MEASURES[check_choice("measure", code, MEASURES)]


def scale_of(name: str) -> Scale:
    """Return the scale of that name; unknown names raise `ValueError` with the known ones."""
    return SCALES[check_choice("scale", name, SCALES)]
