"""One of every table, made of ordinary and of hostile texts."""

import numpy as np
import pandas as pd
import pytest

from analysis import (
    EffectSizes,
    TwoByTwo,
    audit_claims,
    effect_sizes,
    meta_regression,
    methods_text,
    pool,
    risk_ratio,
    small_study_summary,
    subgroups,
)
from analysis.tables.claims_table import claims_table
from analysis.tables.effects_table import effects_table
from analysis.tables.estimates_table import estimates_table, two_by_two_table
from analysis.tables.journal_table import Cell, JournalTable, TableColumn, TableRow
from analysis.tables.pooled_table import pooled_table, subgroups_table
from analysis.tables.regression_table import regression_table
from analysis.tables.small_study_table import small_study_table
from analysis.tables.studies_table import studies_table
from analysis.tables.summary_of_findings import OutcomeSummary, summary_of_findings

FORMULA = "=cmd|' /C calc'!A0"
MARKUP = "</td><script>alert(1)</script>"
SIGNS = "50% & more_$x$ \\ ~ ^ {}"
LONG = "A study with a label so long that no column of any journal is wide enough for the whole of it at all"
HARD = (
    LONG,
    "Μελέτη τ² α",
    "Исследование Иванова",
    "研究 王等 2019",
    "دراسة عربية (2020)",
    FORMULA,
    MARKUP,
    SIGNS,
    "Same",
    "Same",
    "@SUM(A1:A9)",
    "-1+1",
    "[1] *x* -- '' ` | #",
)
assert len(LONG) > 90

# Colditz and others 1994: BCG vaccination against tuberculosis, 13 trials.
BCG = TwoByTwo.from_cells(
    exposed_cases=[4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    exposed_noncases=[119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
    control_cases=[11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    control_noncases=[128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
)
LATITUDE = [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33]
ALLOCATION = ["random"] * 4 + ["alternate"] * 2 + ["random"] * 3 + ["systematic"] * 4


def labelled(names):
    effects = effect_sizes(BCG, "RR")
    return EffectSizes(effect=effects.effect, variance=effects.variance, measure="RR", label=list(names))


def make_tables():
    """Return one of every table, all with the hostile labels."""
    effects = labelled(HARD)
    random, common = pool(effects), pool(effects, model="common", ci="wald")
    missing = EffectSizes(
        effect=[0.1, np.nan, 0.4], variance=[0.1, np.nan, 0.2], measure="PLO", label=HARD[5:8]
    )
    claims = pd.DataFrame(
        {
            "claim_id": HARD,
            "claim": HARD,
            "worded": HARD,
            "printed": "54%",
            "checked_as": "PR",
            "exposed_cases": [229, None] + [229] * 11,
            "exposed_total": 424,
            "source_outcome": "a",
            "worded_outcome": HARD,
        }
    )
    outcomes = [
        OutcomeSummary(
            outcome=name,
            effect=random,
            participants=357_347,
            baseline_risk=0.02,
            certainty="low",
            reasons=[f"Because of {name}."],
            comment=name,
        )
        for name in HARD
    ]
    outcomes.append(OutcomeSummary(outcome="No baseline", effect=risk_ratio(BCG[0])))
    frame = pd.DataFrame(
        {
            "study": HARD,
            "year": range(1999, 1999 + len(HARD)),
            "persons": [10**i if i < 9 else np.nan for i in range(len(HARD))],
            "age": [1.257 * i for i in range(len(HARD))],
            "blind": [True, False] * 6 + [None],
        }
    )
    options = {"title": f"Table of {SIGNS} {MARKUP}", "notes": [FORMULA], "source": f"{MARKUP} {SIGNS}"}
    long = EffectSizes(
        effect=np.linspace(-1, 1, 200),
        variance=np.linspace(0.01, 0.5, 200),
        measure="OR",
        label=[HARD[i % len(HARD)] for i in range(200)],
    )
    return {
        "studies": studies_table(frame, units={"age": "years & more_"}, group="blind", **options),
        "effects": effects_table(
            random, counts=BCG, pooled=[random, common], groups=list(HARD), exposed=MARKUP, **options
        ),
        "missing": effects_table(missing, **options),
        "200 rows": effects_table(pool(long), **options),
        "pooled": pooled_table(
            {HARD[5]: random, HARD[6]: common, HARD[7]: pool(effects, tau2="DL")}, **options
        ),
        "subgroups": subgroups_table(subgroups(effects, ALLOCATION), **options),
        "regression": regression_table(
            meta_regression(effects, {"latitude": LATITUDE}), labels={"latitude": SIGNS}, **options
        ),
        "small-study": small_study_table(small_study_summary(effects, BCG), **options),
        "claims": claims_table(audit_claims(claims), sentences=True, **options),
        "two by two": two_by_two_table(BCG[0], exposed=MARKUP, **options),
        "estimates": estimates_table(risk_ratio(BCG), labels=list(HARD), **options),
        "summary of findings": summary_of_findings(outcomes, exposed=SIGNS, number=7, **options),
    }


TABLES = (
    "studies",
    "effects",
    "missing",
    "200 rows",
    "pooled",
    "subgroups",
    "regression",
    "small-study",
    "claims",
    "two by two",
    "estimates",
    "summary of findings",
)


@pytest.fixture(scope="session")
def tables():
    made = make_tables()
    assert tuple(made) == TABLES
    return made


@pytest.fixture(params=TABLES)
def table(request, tables):
    return tables[request.param]


@pytest.fixture(scope="session")
def bcg():
    return labelled([f"Trial {number}" for number in range(1, 14)])


@pytest.fixture(scope="session")
def bcg_counts():
    return BCG


@pytest.fixture(scope="session")
def small():
    """A table of two groups with numbers of several lengths, footnotes and a sum."""
    columns = (
        TableColumn(heading="Study", names=("study",)),
        TableColumn(heading="Weight", names=("weight",), kind="number", unit="%", notes=("Of the model.",)),
        TableColumn(heading="Risk ratio (95% CI)", names=("value", "low", "high"), kind="number"),
    )
    return JournalTable(
        title="Two studies",
        columns=columns,
        rows=(
            _row("A", 9.5, (0.5, 0.4, 0.625), "women", notes=("Unpublished.",)),
            _row("B", 90.25, (10.5, 9.0, 12.25), "men", notes=("Of the model.", "Unpublished.")),
            _row("Sum", 99.75, (1.0, 0.9, 1.1), "", summary=True),
        ),
        notes=("First note.",),
        source="Made up.",
    )


def _row(name, weight, parts, group, *, notes=(), summary=False):
    value, low, high = parts
    return TableRow(
        cells=(
            Cell(text=name, raw=(name,), notes=notes),
            Cell(text=f"{weight:g}", raw=(weight,), number_format="0.0"),
            Cell(text=f"{value:.2f} ({low:.2f} to {high:.2f})", raw=parts, number_format="0.00"),
        ),
        group=group,
        summary=summary,
    )


@pytest.fixture(scope="session")
def paragraphs(bcg):
    return methods_text(pool(bcg), data="counts", small_study=small_study_summary(bcg))
