"""Bayesian meta-analysis by quadrature: one, and many at once."""

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes
from analysis.meta.bayes import pool_bayes
from analysis.meta.priors import HalfNormal

SETS, STUDIES = 1000, 10


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.05, 0.6, (SETS, STUDIES))
    effect = rng.normal(0, np.sqrt(variance + 0.1))
    effects = EffectSizes(effect=effect, variance=variance)
    one = EffectSizes(effect=effect[0], variance=variance[0])
    prior = HalfNormal(0.5)
    fit = pool_bayes(one, tau_prior=prior)
    single = seconds(lambda: pool_bayes(one, tau_prior=prior), repeats=21)
    batch = seconds(lambda: pool_bayes(effects, tau_prior=prior), repeats=3)
    shrunken = seconds(lambda: fit.shrinkage().shortest(), repeats=5)
    return [
        Row("bayes", f"{STUDIES} studies, three central intervals", 1000 * single, "ms"),
        Row("bayes", f"{SETS:,} sets of {STUDIES} studies in one call", batch, "s"),
        Row("bayes", "one call a set / one call for all", single * SETS / batch, "ratio"),
        Row("bayes", f"shortest intervals of the effects of {STUDIES} studies", 1000 * shrunken, "ms"),
    ]
