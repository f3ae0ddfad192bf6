"""Selection models: one fit of each weight, a batch against a loop, a Copas grid and S-values."""

import numpy as np
from measure import Row, seconds

from analysis.meta.affirmative import s_value
from analysis.meta.copas import copas_grid
from analysis.meta.selection_models import selection_model
from analysis.values.estimate import EffectSizes

STUDIES, SETS = 30, 200
WEIGHTS = ("step", "beta", "half-normal", "negative-exponential", "logistic", "power")


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    variance = rng.uniform(0.01, 0.2, (SETS, STUDIES))
    effect = rng.normal(0.3, np.sqrt(variance + 0.03))
    # Both intervals of a step at 0.025 are filled in every set.
    effect[:, :4], variance[:, :4] = [0.6, 0.5, 0.1, -0.1], 0.04
    one = EffectSizes(effect=effect[0], variance=variance[0])
    batch = EffectSizes(effect=effect, variance=variance)
    singles = [EffectSizes(effect=effect[i], variance=variance[i]) for i in range(SETS)]
    name = "selection_models"
    rows = [
        Row(
            name,
            f"{weights}, {STUDIES} studies",
            seconds(lambda w=weights: selection_model(one, weights=w), repeats=5),
            "s",
        )
        for weights in WEIGHTS
    ]
    together = seconds(lambda: selection_model(batch), repeats=3)
    loop = seconds(lambda: [selection_model(single) for single in singles], repeats=3)
    rows += [
        Row(name, f"step, {SETS} sets of {STUDIES} studies in one call", together, "s"),
        Row(name, "step, the same as a loop", loop, "s"),
        Row(name, "step, loop / one call", loop / together, "ratio"),
        Row(
            name,
            f"Copas grid of 20 x 20, {STUDIES} studies",
            seconds(lambda: copas_grid(one), repeats=3),
            "s",
        ),
        Row(name, f"S-value, {STUDIES} studies", seconds(lambda: s_value(one), repeats=3), "s"),
    ]
    return rows
