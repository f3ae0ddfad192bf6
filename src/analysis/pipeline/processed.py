"""Raw tables to processed tables: the numbers that the notebooks draw and the report prints.

Each `build_` function takes validated raw tables and returns one data frame; `build_processed` writes them.
Statistics live in the rooms above; here rows are chosen and results are named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.data import datasets
from analysis.data.provenance import write_atomic
from analysis.forensics.claims import audit_claims
from analysis.forensics.feasible import feasible_counts, feasible_tables
from analysis.measures.association import odds_ratio, risk_difference, risk_ratio
from analysis.measures.effect_size import effect_sizes
from analysis.measures.proportion import prevalence
from analysis.measures.rates import rate_ratio
from analysis.measures.stratified import mantel_haenszel
from analysis.meta.pooling import pool
from analysis.values.counts import Proportion, TwoByTwo, TwoRates
from analysis.values.reported import Reported

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.values.estimate import Estimate

__all__ = [
    "build_claims_ledger",
    "build_comparisons",
    "build_feasible_tables",
    "build_mantel_haenszel",
    "build_pooled_prevalence",
    "build_prevalence",
    "build_processed",
    "build_rate_ratios",
]

_SITES = {"lumbar_spine": "lumbar spine", "femoral_neck": "hip", "total_hip": "hip"}
_THRESHOLDS = {
    "WHO category": "T < −1",
    "T < -1": "T < −1",
    "Z <= -2": "Z ≤ −2",
    "Z < -2": "Z ≤ −2",
    "Z < -1": "Z < −1",
}
_MEASURES = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}
# A pooled estimate of fewer studies than this says nothing about their spread.
_FEWEST_STUDIES = 3


def build_processed(root: Path, out_dir: Path) -> list[Path]:
    """Write every processed table and return the paths.

    Parameters
    ----------
    root : pathlib.Path
        The project.
    out_dir : pathlib.Path
        Where the tables go; created if it is not there.
    """
    prevalences = build_prevalence(datasets.load_prevalence(root=root))
    comparative = datasets.load_comparative_counts(root=root)
    tables = {
        "prevalence": prevalences,
        "prevalence_pooled": build_pooled_prevalence(prevalences),
        "comparisons": build_comparisons(comparative),
        "mantel_haenszel": build_mantel_haenszel(comparative),
        "feasible_tables": build_feasible_tables(comparative),
        "rate_ratios": build_rate_ratios(datasets.load_rates(root=root)),
        "claims_ledger": build_claims_ledger(datasets.load_claims(root=root)),
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in tables.items():
        path = out_dir / f"{name}.csv"
        # Twelve digits: beyond what any reader uses, short of the last bit that processors differ in.
        write_atomic(path, frame.to_csv(index=False, float_format="%.12g", lineterminator="\n"))
        paths.append(path)
    return paths


def build_prevalence(raw: pd.DataFrame) -> pd.DataFrame:
    """Give every printed prevalence its counts, printed or derived, and Wilson's interval.

    Where a percentage allows several counts, `events_low` and `events_high` are their ends and the interval
    covers all of them; where it allows none, or no denominator is printed, the row has no interval.
    """
    rows = []
    for row in raw.to_dict("records"):
        first, last, source = _counts(row)
        rows.append(
            {name: row[name] for name in ("row_id", "study", "label", "population", "subgroup", "outcome")}
            | {name: row[name] for name in ("definition", "method", "site", "percent", "use", "reason")}
            | {
                "group": _group(row),
                "events_low": first,
                "events_high": last,
                "total": row["total"],
                "count_source": source,
            }
        )
    frame = pd.DataFrame(rows).astype({"events_low": "Int64", "events_high": "Int64"})
    known = frame["events_low"].notna().to_numpy()
    total = frame.loc[known, "total"].to_numpy(float)
    lowest = prevalence(Proportion(events=frame.loc[known, "events_low"].to_numpy(float), total=total))
    highest = prevalence(Proportion(events=frame.loc[known, "events_high"].to_numpy(float), total=total))
    for name, values in (
        ("value_low", lowest.value),
        ("value_high", highest.value),
        ("low", lowest.low),
        ("high", highest.high),
    ):
        frame.loc[known, name] = values
    return frame


def _counts(row: dict[Any, Any]) -> tuple[Any, Any, str]:
    if pd.notna(row["events"]):
        return row["events"], row["events"], "printed"
    if pd.isna(row["total"]) or pd.isna(row["percent"]):
        return pd.NA, pd.NA, "denominator not printed" if pd.isna(row["total"]) else "percentage not printed"
    events = feasible_counts(f"{row['percent']}%", total=int(row["total"])).events
    if not events.size:
        return pd.NA, pd.NA, "no count fits the printed percentage"
    source = "derived from the percentage" if events.size == 1 else "range from the percentage"
    return int(events[0]), int(events[-1]), source


def _group(row: dict[Any, Any]) -> str:
    """Name what may be drawn and pooled together: outcome, threshold where it differs, and site."""
    if row["outcome"] == "fracture":
        return "Vertebral fracture"
    # Decreased BMD by T-score joins osteopenia and osteoporosis; by Z-score it is another outcome.
    threshold = _THRESHOLDS.get(row["definition"], row["definition"])
    outcome = f"Low BMD ({threshold})" if row["outcome"] == "low_bmd" else row["outcome"].capitalize()
    return f"{outcome}, {_SITES.get(row['site'], 'any or unstated site')}"


def build_pooled_prevalence(prevalences: pd.DataFrame) -> pd.DataFrame:
    """Pool the groups of at least three usable rows with known counts, on the logit scale."""
    usable = prevalences[
        (prevalences["use"] == "yes")
        & (prevalences["events_low"] == prevalences["events_high"]).fillna(value=False)
    ]
    frames = []
    for group, rows in usable.groupby("group", sort=True):
        if len(rows) < _FEWEST_STUDIES:
            continue
        counts = Proportion(events=rows["events_low"].to_numpy(float), total=rows["total"].to_numpy(float))
        pooled = pool(effect_sizes(counts, "PLO", label=rows["label"].tolist()))
        frames.append(pooled.to_frame().assign(group=group, studies="; ".join(rows["row_id"])))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["group", *[name for name in frame.columns if name != "group"]]]


def build_comparisons(raw: pd.DataFrame) -> pd.DataFrame:
    """Give every comparison its risk ratio, odds ratio and risk difference, over all tables that it allows.

    `value_low` and `value_high` are the ends over the feasible tables; `low` and `high` the ends of their
    intervals. Rows whose arms print neither counts nor percentages have none.
    """
    rows = []
    for row in raw.to_dict("records"):
        tables = _feasible(row)
        if tables is None:
            continue
        for code, measure in _MEASURES.items():
            estimate: Estimate = measure(tables)
            rows.append(
                {
                    name: row[name]
                    for name in ("row_id", "study", "label", "stratum", "outcome", "use", "reason")
                }
                | {
                    "n_tables": len(tables),
                    "measure": code,
                    "value_low": _least(estimate.value),
                    "value_high": _greatest(estimate.value),
                    "low": _least(estimate.low),
                    "high": _greatest(estimate.high),
                    "method": estimate.method,
                }
            )
    return pd.DataFrame(rows)


def _feasible(row: dict[Any, Any]) -> TwoByTwo | None:
    """Return every table of a comparison, or None where an arm prints neither count nor percentage."""
    arms = []
    for arm in ("exposed", "control"):
        cases, total, percent = row[f"{arm}_cases"], row[f"{arm}_total"], row[f"{arm}_percent"]
        if pd.isna(total) or (pd.isna(cases) and pd.isna(percent)):
            return None
        text = f"{int(cases)}/{int(total)}" if pd.notna(cases) else f"{percent}%"
        arms.append((int(total), Reported(text)))
    (exposed_total, exposed_risk), (control_total, control_risk) = arms
    return feasible_tables(
        exposed_total=exposed_total,
        exposed_risk=exposed_risk,
        control_total=control_total,
        control_risk=control_risk,
    )


def _least(values: np.ndarray[Any, Any]) -> float:
    return float(np.min(values)) if values.size else float("nan")


def _greatest(values: np.ndarray[Any, Any]) -> float:
    return float(np.max(values)) if values.size else float("nan")


def build_mantel_haenszel(raw: pd.DataFrame) -> pd.DataFrame:
    """Pool the strata of every study that prints complete counts by stratum for the same outcome."""
    complete = raw.dropna(subset=["exposed_cases", "exposed_total", "control_cases", "control_total"])
    frames = []
    for (study, outcome), rows in complete.groupby(["study", "outcome"], sort=True):
        if len(rows) < 2:
            continue
        strata = TwoByTwo.from_frame(
            rows,
            exposed_cases="exposed_cases",
            exposed_total="exposed_total",
            control_cases="control_cases",
            control_total="control_total",
        )
        for measure, crude in _MEASURES.items():
            frame = mantel_haenszel(strata, measure=measure).to_frame()
            crude_value = float(crude(strata.collapse()).value)
            frames.append(
                frame.assign(
                    study=str(study),
                    outcome=str(outcome),
                    strata="; ".join(rows["stratum"]),
                    crude_value=crude_value,
                )
            )
    return pd.concat(frames, ignore_index=True)


def build_feasible_tables(raw: pd.DataFrame) -> pd.DataFrame:
    """List every table behind claim C2, with its crude measures."""
    row = raw[(raw["study"] == "Sharif2023")].to_dict("records")[0]
    tables = _feasible(row)
    if tables is None:
        raise ValueError(
            "Sharif2023 must print totals and percentages of both arms; see comparative_counts.csv."
        )
    frame = tables.to_frame()
    for code, measure in _MEASURES.items():
        frame[code] = measure(tables).value
    return frame


def build_rate_ratios(raw: pd.DataFrame) -> pd.DataFrame:
    """Give every pair of rates with person-years events and rate ratio, over all counts that it allows."""
    rows = []
    usable = raw.dropna(subset=["person_years", "rate"])
    for (study, outcome), pair in usable.groupby(["study", "outcome"], sort=True):
        if set(pair["group"]) != {"AS", "control"}:
            continue
        exposed, control = (pair[pair["group"] == group].iloc[0] for group in ("AS", "control"))
        exposed_events, control_events = _events(exposed), _events(control)
        ratio = rate_ratio(
            TwoRates(
                exposed_events=exposed_events[:, None],
                exposed_time=float(exposed["person_years"]),
                control_events=control_events[None, :],
                control_time=float(control["person_years"]),
            )
        )
        rows.append(
            {
                "study": study,
                "outcome": outcome,
                "exposed_events": _span(exposed_events),
                "control_events": _span(control_events),
                "n_tables": ratio.value.size,
                "value_low": _least(ratio.value),
                "value_high": _greatest(ratio.value),
                "low": _least(ratio.low),
                "high": _greatest(ratio.high),
                "method": ratio.method,
            }
        )
    return pd.DataFrame(rows)


def _events(row: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return the event counts that a printed rate per 1000 person-years allows."""
    if row["rate_unit"] != "per 1000 person-years":
        raise ValueError(
            f"{row['row_id']}: a rate {row['rate_unit']!r} is not read; known is 'per 1000 person-years'."
        )
    printed, years = Reported(row["rate"]).value, float(row["person_years"])
    candidates = np.arange(np.floor(printed.low * years / 1000), np.ceil(printed.high * years / 1000) + 1)
    inside: np.ndarray[Any, Any] = candidates[printed.contains_ratio(1000 * candidates, np.asarray(years))]
    return inside


def _span(counts: np.ndarray[Any, Any]) -> str:
    ends = f"{counts[0]:.0f}", f"{counts[-1]:.0f}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def build_claims_ledger(raw: pd.DataFrame) -> pd.DataFrame:
    """Audit the claims."""
    return audit_claims(raw).to_frame()
