"""Leave-one-out, all subsets, sign flips: many pools of one meta-analysis, and the memory they need."""

import tracemalloc

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes
from analysis.meta.gosh import gosh
from analysis.meta.influence import influence, leave_one_out
from analysis.meta.permutation import permutation_test
from analysis.meta.profile import profile_likelihood


def _studies(k: int) -> EffectSizes:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.05, 0.6, k)
    return EffectSizes(effect=rng.normal(0.3, np.sqrt(variance + 0.1)), variance=variance)


def run() -> list[Row]:
    hundred, thirteen, twenty = _studies(100), _studies(13), _studies(20)
    timed = [
        ("leave-one-out, REML, 100 studies", lambda: leave_one_out(hundred), 21, "3 ms"),
        ("all diagnostics, REML, 100 studies", lambda: influence(hundred), 21, ""),
        ("profile likelihood, REML, 100 studies, 51 values", lambda: profile_likelihood(hundred), 21, ""),
        ("all 8,191 subsets of 13 studies, DL", lambda: gosh(thirteen, tau2="DL"), 11, "5 ms"),
        ("all 8,191 subsets of 13 studies, REML", lambda: gosh(thirteen), 11, "50 ms"),
        ("all 1,048,575 subsets of 20 studies, DL", lambda: gosh(twenty, tau2="DL"), 3, "0.5 s"),
        ("all 1,048,575 subsets of 20 studies, REML", lambda: gosh(twenty), 1, "6 s"),
        ("permutation test, REML, all flips of 13 studies", lambda: permutation_test(thirteen), 5, ""),
        (
            "the same with its interval",
            lambda: permutation_test(thirteen, interval=True),
            3,
            "",
        ),
    ]
    rows = [
        Row("influence", what, 1e3 * seconds(call, repeats=repeats), "ms", goal)
        for what, call, repeats, goal in timed
    ]
    tracemalloc.start()
    gosh(twenty)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    rows.append(Row("influence", "all subsets of 20 studies, REML: peak of memory", peak, "MiB", "1 GiB"))
    return rows
