"""All tables that printed numbers allow: time by the size of the arms, and a simulation of changed digits."""

import numpy as np
from measure import Row, seconds

from analysis import Reported, TwoByTwo, feasible_tables, odds_ratio
from analysis.forensics.feasible import feasible_set
from analysis.forensics.propagation import pool_feasible
from analysis.values.text import round_half_up

MILLION, SIMULATED = 1_000_000, 10_000

CASES = {
    "OR and interval, 1500 per arm": (
        {"exposed_total": 1500, "control_total": 1500, "odds_ratio": "1.50 (1.21-1.86)"},
        "0.02",
    ),
    "OR and interval, 4000 per arm": (
        {"exposed_total": 4000, "control_total": 4000, "odds_ratio": "1.02 (0.93-1.12)"},
        "0.1",
    ),
    "OR, interval and percentages, a million per arm": (
        {
            "exposed_total": MILLION,
            "control_total": MILLION,
            "exposed_risk": "4.7%",
            "control_risk": "2.8%",
            "odds_ratio": "1.71 (1.69-1.74)",
        },
        "1",
    ),
    "percentages alone, a million per arm": (
        {"exposed_total": MILLION, "control_total": MILLION, "exposed_risk": "4.7%", "control_risk": "2.8%"},
        "1",
    ),
    "OR and interval of any method, 1500 per arm": (
        {
            "exposed_total": 1500,
            "control_total": 1500,
            "odds_ratio": "1.50 (1.21-1.86)",
            "odds_ratio_method": "any",
        },
        "",
    ),
}
EMPTY = {"exposed_total": 1500, "control_total": 1500, "odds_ratio": "1.50 (1.21-1.68)", "pvalue": "<0.001"}


def run() -> list[Row]:
    rows = []
    for what, (numbers, goal) in CASES.items():
        count = len(feasible_tables(**numbers))
        time = seconds(lambda n=numbers: feasible_tables(**n))
        rows.append(Row("feasible", f"{what} ({count:,} tables)", time, "s", goal))
    rows.append(
        Row(
            "feasible",
            "conflict and nearest table, 1500 per arm",
            seconds(lambda: feasible_set(**EMPTY)),
            "s",
        )
    )
    rows += _simulation(np.random.default_rng(2026))
    studies = [
        feasible_tables(
            exposed_total=2000, exposed_risk=f"{p}%", control_total=1800, control_risk=f"{p - 3}%"
        )
        for p in (9, 11, 12, 14, 17)
    ]
    rows.append(
        Row(
            "feasible",
            "pooled range of five studies, searched",
            seconds(lambda: pool_feasible(studies, rng=1)),
            "s",
        )
    )
    return rows


def _simulation(rng: np.random.Generator) -> list[Row]:
    """Print random tables, list what fits, change one digit of what is printed and list again."""
    missing = seen = count = 0
    while count < SIMULATED:
        n1, n0 = (int(n) for n in rng.integers(30, 600, 2))
        p0 = rng.uniform(0.05, 0.6)
        a, c = int(rng.binomial(n1, min(0.9, p0 * rng.uniform(0.6, 1.8)))), int(rng.binomial(n0, p0))
        if 0 in (a, c, n1 - a, n0 - c):
            continue
        count += 1
        estimate = odds_ratio(TwoByTwo(exposed_cases=a, exposed_total=n1, control_cases=c, control_total=n0))
        value, low, high = (round_half_up(x.item(), 2) for x in (estimate.value, estimate.low, estimate.high))
        text, arms = f"{value} ({low} to {high})", {"exposed_total": n1, "control_total": n0}
        tables = feasible_tables(**arms, odds_ratio=text)
        missing += not ((tables.exposed_cases == a) & (tables.control_cases == c)).any()
        place = int(rng.choice([i for i, character in enumerate(text) if character.isdigit()]))
        digit = str(rng.choice([d for d in "0123456789" if d != text[place]]))
        seen += _is_seen(arms, text[:place] + digit + text[place + 1 :])
    return [
        Row("feasible", f"true tables missing from the set, of {SIMULATED:,}", missing, "tables", "0"),
        Row("feasible", "changed digits that empty the set", 100 * seen / SIMULATED, "%"),
    ]


def _is_seen(arms: dict[str, int], text: str) -> bool:
    try:
        Reported(text)
    except ValueError:
        # The limits no longer lie around the estimate.
        return True
    return len(feasible_tables(**arms, odds_ratio=text)) == 0
