"""What a meta-analysis is and how much its studies differ, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.tables.format import format_number, format_pvalue

if TYPE_CHECKING:
    from analysis.meta.pooled_estimate import PooledEstimate

__all__ = ["describe_heterogeneity", "describe_model"]

_CI_NAMES = {
    "hartung-knapp-adhoc": "Hartung–Knapp",
    "hartung-knapp": "Hartung–Knapp",
    "t": "t interval",
    "wald": "Wald",
}


def describe_model(pooled: PooledEstimate) -> str:
    """Return the name of the model with its methods, as it stands beside a diamond.

    A common-effect model with the normal interval has only its name.
    """
    name = f"{pooled.model.capitalize()}-effect{'s' if pooled.model == 'random' else ''} model"
    methods = [] if pooled.tau2_method == "none" else [pooled.tau2_method]
    if pooled.model == "random" or pooled.ci_method != "wald":
        methods.append(_CI_NAMES[pooled.ci_method])
    return f"{name} ({', '.join(methods)})" if methods else name


def describe_heterogeneity(pooled: PooledEstimate) -> str:
    """Return "I² = 92%, τ² = 0.313, Q = 152.2 (df = 12, P < 0.001)"; empty for a single study."""
    df = float(pooled.df)
    if df < 1:
        return ""
    tau2 = "" if pooled.model == "common" else f"τ² = {_significant(float(pooled.tau2))}, "
    test = f"Q = {format_number(pooled.q, 1)} (df = {df:.0f}, {format_pvalue(pooled.q_pvalue)})"
    return f"I² = {format_number(pooled.i2, 0)}%, {tau2}{test}"


def _significant(value: float) -> str:
    if value == 0:
        return "0"
    return format_number(value, max(0, 2 - math.floor(math.log10(value)))) if value >= 1e-5 else "< 0.00001"
