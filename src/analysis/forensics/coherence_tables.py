"""The checks of `coherence` on the tables of this project, where rows of several tables belong together.

Takes the tables as frames; reading them is the business of `data`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.forensics.coherence import check_coherence

if TYPE_CHECKING:
    import pandas as pd

    from analysis.forensics.finding import CoherenceReport

__all__ = ["check_tables"]

_PARTS = {"outcome": {"low_bmd": ("osteopenia", "osteoporosis")}}
# A person may have had several fractures.
_OVERLAPPING = {
    "outcome": {
        "any fracture": ("vertebral fracture", "non-vertebral fracture"),
        "humerus, forearm or hip fracture": (
            "proximal humerus fracture",
            "distal forearm fracture",
            "hip fracture",
        ),
    }
}
_BESIDE = re.compile(r"(?<![\d.])(\d+) \((\d+(?:\.\d+)?) ?%\)")


def check_tables(
    *,
    prevalence: pd.DataFrame,
    comparative_counts: pd.DataFrame,
    rates: pd.DataFrame,
    published_estimates: pd.DataFrame,
    hla_b27: pd.DataFrame,
) -> dict[str, CoherenceReport]:
    """Check every study of the project's raw tables.

    Parameters
    ----------
    prevalence, comparative_counts, rates, published_estimates, hla_b27 : pandas.DataFrame
        As `analysis.data.datasets` loads them.

    Returns
    -------
    dict of str to CoherenceReport
        By table. "beside": counts with percentages that the notes of `prevalence` quote from the same text;
        "men": the percentage of men, once a study.

    Notes
    -----
    An estimate is checked against the counts of the same study and outcome in `comparative_counts` if the
    group sizes are the same.
    """
    carriers = hla_b27.assign(percent=hla_b27["percent"].where(hla_b27["unit"] == "percent"))
    carriers = carriers.drop(columns=["printed", "low", "high"])
    return {
        "prevalence": check_coherence(_with_pooled(prevalence), parts=_PARTS, overlapping_parts=_OVERLAPPING),
        "comparative_counts": check_coherence(
            _with_pooled(comparative_counts), parts=_PARTS, overlapping_parts=_OVERLAPPING
        ),
        "rates": check_coherence(rates),
        "published_estimates": _without_controls(
            check_coherence(_with_counts(published_estimates, comparative_counts))
        ),
        "hla_b27": check_coherence(carriers),
        "beside": check_coherence(_beside(prevalence)),
        "men": check_coherence(_men(prevalence)),
    }


def _without_controls(report: CoherenceReport) -> CoherenceReport:
    # The counts that were joined to the estimates are checked in their own table.
    findings = tuple(f for f in report.findings if f.rule != "same controls in two studies")
    return replace(report, findings=findings)


def _with_pooled(table: pd.DataFrame) -> pd.DataFrame:
    pooled = table["reason"].fillna("").str.startswith("pooled")
    table = table.assign(pooled=pooled.map({True: "yes", False: ""}))
    # Below a Z-score is no sum of categories of the T-score.
    other = (table["outcome"] == "low_bmd") & table["definition"].str.contains("Z|expected", regex=True)
    return table.assign(outcome=table["outcome"].mask(other, "low_bmd for age"))


def _with_counts(estimates: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    keys = {"n_exposed": "exposed_total", "n_control": "control_total"}
    wanted = ["study", "outcome", *keys.values()]
    values = ["exposed_cases", "exposed_percent", "control_cases", "control_percent"]
    # An estimate names its groups in words of its own; only one row of counts can be meant, or none is.
    single = counts.drop_duplicates(wanted, keep=False)[wanted + values]
    renamed = estimates.assign(**{total: estimates[name] for name, total in keys.items()})
    return renamed.merge(single, on=wanted, how="left", validate="many_to_one")


def _beside(table: pd.DataFrame) -> pd.DataFrame:
    """Return the counts with percentages that notes quote, as rows of the study's own total."""
    import pandas as pd

    rows = [
        {
            "row_id": row["row_id"],
            "study": row["study"],
            "label": row["label"],
            "events": count,
            "total": row["total"],
            "percent": percent,
        }
        for row in table.to_dict("records")
        if not pd.isna(row["note"]) and not pd.isna(row["total"])
        for count, percent in _BESIDE.findall(row["note"])
    ]
    return pd.DataFrame(rows)


def _men(table: pd.DataFrame) -> pd.DataFrame:
    """Return the percentage of men of each study's own total, once each."""
    single = table.loc[table["percent_male"].notna() & table["subgroup"].isna() & table["total"].notna()]
    single = single.drop_duplicates(["study", "total", "percent_male"])
    kept = single[["row_id", "study", "label", "total"]]
    return kept.assign(percent=[f"{value:g}" for value in single["percent_male"]])
