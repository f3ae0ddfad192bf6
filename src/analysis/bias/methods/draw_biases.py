"""The biases that a specification is made of, as frozen values; `analysis.bias.spec` offers them.

A bias knows its parameters, their rules and what it does to the cells; nothing is drawn here.
"""

from __future__ import annotations

from analysis.bias.methods.draw_bias import Bias, correlation_matrix, field_of
from analysis.bias.methods.draw_classification import (
    DependentMisclassification,
    ExposureMisclassification,
    OutcomeMisclassification,
)
from analysis.bias.methods.draw_confounder import UnmeasuredConfounding
from analysis.bias.methods.draw_selection import MBias, SelectionBias

__all__ = [
    "BIASES",
    "Bias",
    "DependentMisclassification",
    "ExposureMisclassification",
    "MBias",
    "OutcomeMisclassification",
    "SelectionBias",
    "UnmeasuredConfounding",
    "correlation_matrix",
    "field_of",
]

BIASES: dict[str, type[Bias]] = {
    kind.kind: kind
    for kind in (
        ExposureMisclassification,
        OutcomeMisclassification,
        DependentMisclassification,
        SelectionBias,
        MBias,
        UnmeasuredConfounding,
    )
}
