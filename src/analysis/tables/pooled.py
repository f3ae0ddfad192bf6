"""What a meta-analysis is and how much its studies differ, in words, and its rows for a file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, SupportsFloat

from analysis.meta.heterogeneity_interval import tau2_interval
from analysis.tables.format import format_number, format_pvalue

if TYPE_CHECKING:
    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.meta.small_study_summary import SmallStudySummary
    from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates

__all__ = [
    "describe_heterogeneity",
    "describe_model",
    "pooled_frame",
    "shorten_small_study",
    "significant",
    "stacked",
    "studies_frame",
]

_CI_NAMES = {
    "hartung-knapp-adhoc": "Hartung–Knapp",
    "hartung-knapp": "Hartung–Knapp",
    "t": "t interval",
    "wald": "Wald",
    "kenward-roger": "Kenward–Roger",
    "profile": "profile likelihood",
    "profile-bartlett": "Bartlett-corrected profile likelihood",
    "henmi-copas": "Henmi–Copas",
}


def describe_model(pooled: PooledEstimate) -> str:
    """Return the name of the model with its methods, as it stands beside a diamond.

    A common-effect model with the normal interval has only its name.
    """
    name = f"{pooled.model.capitalize()}-effect{'s' if pooled.model == 'random' else ''} model"
    methods = {"none": [], "given": ["τ² given"]}.get(pooled.tau2_method, [pooled.tau2_method])
    if pooled.model == "random" or pooled.ci_method != "wald":
        methods.append(_CI_NAMES[pooled.ci_method])
    return f"{name} ({', '.join(methods)})" if methods else name


def describe_heterogeneity(pooled: PooledEstimate) -> str:
    """Return "I² = 92%, τ² = 0.313, Q = 152.2 (df = 12, P < 0.001)"; empty for a single study."""
    df = float(pooled.df)
    if df < 1:
        return ""
    tau2 = "" if pooled.model == "common" else f"τ² = {significant(pooled.tau2)}, "
    test = f"Q = {format_number(pooled.q, 1)} (df = {df:.0f}, {format_pvalue(pooled.q_pvalue)})"
    return f"I² = {format_number(pooled.i2, 0)}%, {tau2}{test}"


def significant(x: SupportsFloat) -> str:
    """Return a number that is not negative, such as tau2, with three significant digits."""
    value = float(x)
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return format_number(value)
    return (
        format_number(value, max(0, 2 - math.floor(math.log10(value))))
        if value >= 1e-5
        else f"< {format_number(1e-5)}"
    )


def studies_frame(
    pooled: PooledEstimate, *, counts: TwoByTwo | Proportion | Rate | TwoRates | None = None
) -> pd.DataFrame:
    """Return one row a study at full precision: its counts, estimate with interval, effect and weight."""
    import pandas as pd

    effects = pooled.effects
    intervals = effects.interval(confidence_level=pooled.confidence_level)
    parts = [pd.DataFrame({"study": list(effects.label or range(1, effects.effect.size + 1))})]
    if counts is not None:
        parts.append(counts.to_frame().reset_index(drop=True))
    columns = {name: getattr(intervals, name) for name in ("value", "low", "high")}
    columns |= {"effect": effects.effect, "variance": effects.variance, "weight": pooled.weights}
    return pd.concat([*parts, pd.DataFrame(columns)], axis=1)


def pooled_frame(pooled: PooledEstimate) -> pd.DataFrame:
    """Return one row: what was pooled, with intervals of tau2, I2 and H2 if there are several studies."""
    frame = pooled.to_frame()
    if int(pooled.n_studies) < 2:
        return frame
    found = tau2_interval(pooled, method="test-based" if pooled.model == "common" else "q-profile")
    limits = [f"{name}_{end}" for name in ("tau2", "i2", "h2") for end in ("low", "high")]
    return frame.assign(**{name: float(getattr(found, name)) for name in limits})


def stacked(studies: pd.DataFrame, pooled: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the studies with the pooled one below, called "pooled"."""
    import pandas as pd

    below = pooled.assign(study="pooled")
    columns = [*studies.columns, *(name for name in below.columns if name not in studies.columns)]
    return pd.DataFrame([*studies.to_dict("records"), *below.to_dict("records")], columns=columns)


def shorten_small_study(summary: SmallStudySummary) -> str:
    """Return what the methods say, those that are declined for one reason together on one line."""
    reasons: dict[str, list[str]] = {}
    for row in summary.rows:
        if row.declined is not None:
            reasons.setdefault(row.declined, []).append(row.method)
    kept = [line for line in str(summary).splitlines() if ": declined, " not in line]
    return "\n".join([*kept, *(f"Declined, {why}: {', '.join(names)}" for why, names in reasons.items())])
