"""Pooling many sets of sparse tables at once, against one call a set."""

import numpy as np
from measure import Row, seconds

from analysis import TwoByTwo
from analysis.meta.sparse import PooledTables, pool_mantel_haenszel, pool_peto

SETS, STUDIES, SINGLE = 100_000, 10, 200


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    total = rng.integers(20, 200, (2, SETS, STUDIES))
    cases = rng.binomial(total, 0.03)
    table = TwoByTwo(
        exposed_cases=cases[0], exposed_total=total[0], control_cases=cases[1], control_total=total[1]
    )
    where = rng.random((SETS, STUDIES)) < 0.8
    where[:, 0] = True
    rows = []
    calls = {
        "Mantel-Haenszel OR": pool_mantel_haenszel,
        "Mantel-Haenszel RD": lambda data, **options: pool_mantel_haenszel(data, measure="RD", **options),
        "Peto": pool_peto,
    }
    for name, call in calls.items():
        batch = seconds(lambda f=call: f(table))
        masked = seconds(lambda f=call: f(table, where=where))
        everything = seconds(lambda f=call: _everything(f(table)))
        loop = seconds(lambda f=call: [f(table[i]) for i in range(SINGLE)]) * SETS / SINGLE
        rows += [
            Row("sparse", f"{name}, {SETS:,} sets of {STUDIES} tables in one call", batch, "s"),
            Row("sparse", f"{name}, with a mask", masked, "s"),
            Row("sparse", f"{name}, with Q, weights and the test", everything, "s"),
            Row("sparse", f"{name}, the same as a loop ({SINGLE} calls, scaled)", loop, "s"),
        ]
    return rows


def _everything(fit: PooledTables) -> None:
    # Properties are computed when they are read.
    fit.q, fit.q_pvalue, fit.i2, fit.weights, fit.association_test()
