"""The pooling engine: many sets at once against one call a set, single fits, and a permutation test."""

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes, meta_regression, moderator_permutation_test, pool

SETS, STUDIES, SINGLE = 100_000, 10, 300
# What a whole result holds, all of it read.
RESULT = ("estimate", "prediction", "tau2_std_error", "q", "q_pvalue", "i2", "h2", "weights", "n_studies")


def _studies(rng: np.random.Generator, k: int, tau2: float = 0.1) -> EffectSizes:
    variance = rng.uniform(0.05, 0.6, k)
    return EffectSizes(effect=rng.normal(0, np.sqrt(variance + tau2)), variance=variance)


def _whole(effects: EffectSizes, method: str) -> None:
    result = pool(effects, tau2=method)
    for name in RESULT:
        getattr(result, name)


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.05, 0.6, (SETS, STUDIES))
    effect = rng.normal(0, np.sqrt(variance + rng.choice([0, 0.05, 0.3], (SETS, 1))))
    effects = EffectSizes(effect=effect, variance=variance)
    singles = [EffectSizes(effect=effect[i], variance=variance[i]) for i in range(SINGLE)]
    goals = {"DL": "8 ms", "REML": "120 ms"}
    rows = []
    for method in ("DL", "REML"):
        batch = seconds(lambda m=method: pool(effects, tau2=m), repeats=9)
        wald = seconds(lambda m=method: pool(effects, tau2=m, ci="wald"), repeats=9)
        read = seconds(lambda m=method: pool(effects, tau2=m).estimate, repeats=9)
        loop = seconds(lambda m=method: [pool(one, tau2=m) for one in singles], repeats=5) * SETS / SINGLE
        rows += [
            Row(
                "pooling",
                f"{method}, {SETS:,} sets of {STUDIES}, tau2, mean, SE",
                1e3 * batch,
                "ms",
                goals[method],
            ),
            Row("pooling", f"{method}, the same with Wald's standard error", 1e3 * wald, "ms", goals[method]),
            Row("pooling", f"{method}, the same with limits and P-values", 1e3 * read, "ms"),
            Row("pooling", f"{method}, the same as a loop ({SINGLE} calls, scaled)", loop, "s"),
            Row("pooling", f"{method}, loop / one call", loop / batch, "ratio"),
        ]
    for k, method, goal in ((13, "DL", "0.08 ms"), (13, "REML", "0.25 ms"), (1000, "REML", "0.5 ms")):
        one = _studies(rng, k)
        fit = seconds(lambda o=one, m=method: pool(o, tau2=m), repeats=301)
        estimate = seconds(lambda o=one, m=method: pool(o, tau2=m).estimate, repeats=301)
        whole = seconds(lambda o=one, m=method: _whole(o, m), repeats=301)
        rows += [
            Row("pooling", f"{method}, one set of {k}: tau2, mean, SE", 1e3 * fit, "ms", goal),
            Row("pooling", f"{method}, one set of {k}, with limits and P-value", 1e3 * estimate, "ms", goal),
            Row("pooling", f"{method}, one set of {k}, everything read", 1e3 * whole, "ms", goal),
        ]
    studies = _studies(rng, 13)
    moderators = {"first": rng.normal(size=13), "second": rng.normal(size=13)}
    for method, goal in (("DL", "0.1 s"), ("REML", "0.3 s")):
        fitted = meta_regression(studies, moderators, tau2=method, ci="wald")
        took = seconds(lambda f=fitted: moderator_permutation_test(f, draws=10_000, rng=1), repeats=5)
        rows.append(
            Row(
                "pooling", f"{method}, permutation test, 10,000 orders of 13, two moderators", took, "s", goal
            )
        )
    return rows
