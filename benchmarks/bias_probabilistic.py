"""Probabilistic bias analysis: a million draws by each kind of random error, twenty million in memory."""

import tracemalloc

import numpy as np
from measure import Row, seconds

from analysis import EffectSizes, TwoByTwo, TwoRates, feasible_tables
from analysis.bias.pooled import pool_bias_adjusted
from analysis.bias.probabilistic import probabilistic_bias_analysis
from analysis.bias.spec import ExposureMisclassification, OutcomeMisclassification, UnmeasuredConfounding
from analysis.bias.tipping import tipping_point

TABLE = TwoByTwo.from_cells(exposed_cases=45, control_cases=94, exposed_noncases=257, control_noncases=945)
# Two trapezoidal parameters, and two more that are correlated.
BIAS = ExposureMisclassification(
    sensitivity="uniform(0.75, 0.95)",
    noncases_sensitivity="uniform(0.75, 0.95)",
    specificity="trapezoidal(0.85, 0.9, 0.95, 1)",
    noncases_specificity="trapezoidal(0.85, 0.9, 0.95, 1)",
    correlations=[("sensitivity", "noncases_sensitivity", 0.8)],
)
CONFOUNDING = UnmeasuredConfounding(
    prevalence_exposed="uniform(0.3, 0.5)",
    prevalence_control="uniform(0.1, 0.2)",
    risk_ratio="uniform(1.5, 3)",
)
ROOM = "bias, probabilistic"


def _million(random_error: str) -> float:
    return seconds(
        lambda: probabilistic_bias_analysis(
            TABLE, biases=BIAS, rng=1, draws=1_000_000, random_error=random_error
        ),
        repeats=5,
    )


def run() -> list[Row]:
    rows = [
        Row(ROOM, f"1,000,000 draws, misclassification, {kind}", 1e3 * _million(kind), "ms", goal)
        for kind, goal in (("resampling", "600 ms"), ("conventional", "600 ms"), ("delta", ""), ("none", ""))
    ]
    tables = feasible_tables(
        exposed_total=5476, exposed_risk="4.7%", control_total=27657, control_risk="2.8%"
    )
    recording = OutcomeMisclassification(sensitivity="uniform(0.7, 0.9)", specificity="uniform(0.995, 1)")
    rng = np.random.default_rng(2026)
    studies = EffectSizes(effect=rng.normal(0.4, 0.3, 20), variance=rng.uniform(0.02, 0.2, 20), measure="HR")
    feared = UnmeasuredConfounding(prevalence_exposed=0.6, prevalence_control=0.1, risk_ratio=4)
    ratio = EffectSizes.from_estimates(1.83, 1.58, 2.11, measure="HR")
    rates = TwoRates(exposed_events=90, exposed_time=20_000, control_events=140, control_time=60_000)
    timed = [
        (
            "10,000 draws on each of 168 feasible tables",
            lambda: probabilistic_bias_analysis(tables, biases=recording, rng=1, draws=10_000),
            3,
        ),
        (
            "20 studies adjusted and pooled, REML, 5,000 draws",
            lambda: pool_bias_adjusted(studies, biases=CONFOUNDING, rng=1),
            3,
        ),
        (
            "the same, each study with biases of its own",
            lambda: pool_bias_adjusted(studies, biases=[[CONFOUNDING]] * 10 + [[feared]] * 10, rng=1),
            3,
        ),
        (
            "1,000,000 draws, rates, confounding",
            lambda: probabilistic_bias_analysis(rates, biases=CONFOUNDING, rng=1, draws=1_000_000),
            3,
        ),
        ("tipping point with a surface of 41 x 41", lambda: tipping_point(ratio, biases=feared), 5),
    ]
    rows += [Row(ROOM, what, 1e3 * seconds(call, repeats=repeats), "ms", "") for what, call, repeats in timed]
    for draws in (1_000_000, 20_000_000):
        tracemalloc.start()
        probabilistic_bias_analysis(TABLE, biases=BIAS, rng=1, draws=draws, random_error="conventional")
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        rows.append(Row(ROOM, f"peak of memory, {draws:,} draws", peak, "MiB", "500 MiB"))
    return rows
