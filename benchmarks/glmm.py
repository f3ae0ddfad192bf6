"""Mixed models of counts: one fit each, on the trials of BCG (counts to 88 391) and sets like it."""

import numpy as np
from measure import Row, seconds

from analysis import Proportion, Rate, TwoByTwo, TwoRates
from analysis.meta.beta_binomial import pool_beta_binomial
from analysis.meta.glmm import pool_glmm

# Colditz et al. 1994, JAMA 271:698-702.
BCG = TwoByTwo(
    exposed_cases=[4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    exposed_total=[123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
    control_cases=[11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    control_total=[139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
)
GOALS = {"CM.EL": "at most 150", "binomial-normal": "at most 10"}


def run() -> list[Row]:
    # The baselines of the same trials, and their person-time as if followed for ten years.
    proportions = Proportion(events=BCG.control_cases, total=BCG.control_total)
    rates = Rate(events=BCG.control_cases, person_time=10 * BCG.control_total)
    two_rates = TwoRates(
        exposed_events=BCG.exposed_cases,
        exposed_time=10 * BCG.exposed_total,
        control_events=BCG.control_cases,
        control_time=10 * BCG.control_total,
    )
    rows = []
    for data, models in (
        (proportions, ("binomial-normal",)),
        (rates, ("poisson-normal",)),
        (BCG, ("CM.EL", "CM.AL", "UM.FS", "UM.RS")),
        (two_rates, ("CM.EL", "UM.FS", "UM.RS")),
    ):
        for model in models:
            taken = seconds(lambda d=data, m=model: pool_glmm(d, model=m), repeats=15)
            goal = GOALS.get(model, "") if data is not two_rates else ""
            rows.append(Row("glmm", f"{type(data).__name__} {model}, 13 studies", 1000 * taken, "ms", goal))
    taken = seconds(lambda: pool_beta_binomial(proportions), repeats=15)
    rows.append(Row("glmm", "Proportion beta-binomial, 13 studies", 1000 * taken, "ms"))
    # What grows is the number of studies, not the number of calls.
    rng = np.random.default_rng(6)
    total = rng.integers(20, 400, 1000)
    events = rng.binomial(total, 1 / (1 + np.exp(-rng.normal(-1, 0.8, 1000))))
    many = Proportion(events=events, total=total)
    taken = seconds(lambda: pool_glmm(many), repeats=5)
    rows.append(Row("glmm", "Proportion binomial-normal, 1000 studies", 1000 * taken, "ms"))
    return rows
