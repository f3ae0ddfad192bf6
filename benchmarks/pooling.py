"""Pooling many sets of studies at once, against one call a set."""

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes, pool

SETS, STUDIES, SINGLE = 100_000, 10, 300


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.05, 0.6, (SETS, STUDIES))
    effect = rng.normal(0, np.sqrt(variance + rng.choice([0, 0.05, 0.3], (SETS, 1))))
    effects = EffectSizes(effect=effect, variance=variance)
    singles = [EffectSizes(effect=effect[i], variance=variance[i]) for i in range(SINGLE)]
    rows = []
    for method in ("DL", "REML"):
        batch = seconds(lambda m=method: pool(effects, tau2=m), repeats=5)
        loop = seconds(lambda m=method: [pool(one, tau2=m) for one in singles], repeats=5) * SETS / SINGLE
        rows += [
            Row("pooling", f"{method}, {SETS:,} sets of {STUDIES} studies in one call", batch, "s"),
            Row("pooling", f"{method}, the same as a loop ({SINGLE} calls, scaled)", loop, "s"),
            Row("pooling", f"{method}, loop / one call", loop / batch, "ratio"),
        ]
    return rows
