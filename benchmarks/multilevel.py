"""Three-level models: one, a large one, and many at once; cluster-robust standard errors."""

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes
from analysis.meta.multilevel import pool_multilevel
from analysis.meta.robust import robust_pool

SETS, CLUSTERS, SIZE, LARGE = 1000, 11, 5, 20_000


def _effects(rng: np.random.Generator, cluster: np.ndarray, *leading: int) -> EffectSizes:
    variance = rng.uniform(0.01, 0.2, (*leading, cluster.size))
    between = rng.normal(0, 0.3, (*leading, int(cluster.max()) + 1))[..., cluster]
    effect = between + rng.normal(0, np.sqrt(variance + 0.04))
    return EffectSizes(effect=effect, variance=variance)


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    cluster = np.repeat(np.arange(CLUSTERS), SIZE)
    many = np.repeat(np.arange(LARGE // SIZE), SIZE)
    one, sets, large = _effects(rng, cluster), _effects(rng, cluster, SETS), _effects(rng, many)
    fit = pool_multilevel(one, cluster=cluster)
    single = seconds(lambda: pool_multilevel(one, cluster=cluster), repeats=21)
    batch = seconds(lambda: pool_multilevel(sets, cluster=cluster), repeats=3)
    what = f"{CLUSTERS * SIZE} effects in {CLUSTERS} clusters"
    return [
        Row("multilevel", f"{what}, REML", 1000 * single, "ms"),
        Row("multilevel", f"{what}, both profile intervals", 1000 * seconds(fit.variance_intervals), "ms"),
        Row(
            "multilevel",
            f"{what}, CR2",
            1000 * seconds(lambda: robust_pool(one, cluster=cluster), repeats=21),
            "ms",
        ),
        Row("multilevel", f"{SETS:,} sets of those in one call", batch, "s"),
        Row("multilevel", "one call a set / one call for all", single * SETS / batch, "ratio"),
        Row(
            "multilevel",
            f"{LARGE:,} effects in {LARGE // SIZE:,} clusters, REML",
            seconds(lambda: pool_multilevel(large, cluster=many), repeats=3),
            "s",
        ),
    ]
