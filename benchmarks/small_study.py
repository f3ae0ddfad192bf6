"""Tests for small-study effects on many meta-analyses at once, against one call a meta-analysis."""

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes, TwoByTwo
from analysis.meta.small_study import begg_test, egger_test
from analysis.meta.small_study_tables import harbord_test, schwarzer_test
from analysis.meta.trim_and_fill import trim_and_fill

SETS, STUDIES, SINGLE = 20_000, 12, 200


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.05, 0.6, (SETS, STUDIES))
    effect = rng.normal(0, np.sqrt(variance + rng.choice([0, 0.05, 0.3], (SETS, 1))))
    effects = EffectSizes(effect=effect, variance=variance)
    singles = [EffectSizes(effect=effect[i], variance=variance[i]) for i in range(SINGLE)]
    arms = rng.integers(20, 200, (2, SETS, STUDIES))
    cases = rng.binomial(arms, 0.25)
    tables = TwoByTwo(
        exposed_cases=cases[0], exposed_total=arms[0], control_cases=cases[1], control_total=arms[1]
    )
    table_singles = [tables[i] for i in range(SINGLE)]
    plan = {
        "Egger": (egger_test, effects, singles),
        "Egger, mixed REML": (lambda e: egger_test(e, model="mixed"), effects, singles),
        "Begg, exact": (begg_test, effects, singles),
        "trim and fill, DL": (lambda e: trim_and_fill(e, tau2="DL"), effects, singles),
        "Harbord": (harbord_test, tables, table_singles),
        "Schwarzer": (schwarzer_test, tables, table_singles),
    }
    rows = []
    for name, (function, many, few) in plan.items():
        batch = seconds(lambda f=function, m=many: f(m), repeats=3)
        loop = seconds(lambda f=function, s=few: [f(one) for one in s], repeats=3) * SETS / SINGLE
        rows += [
            Row("small study", f"{name}, {SETS:,} sets of {STUDIES} studies in one call", batch, "s"),
            Row("small study", f"{name}, loop ({SINGLE} calls, scaled) / one call", loop / batch, "ratio"),
        ]
    return rows


if __name__ == "__main__":
    for row in run():
        print(f"{row.benchmark:10} {row.what:62} {row.value:10.4g} {row.unit}")
