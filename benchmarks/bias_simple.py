"""E-values and simple bias adjustments of many estimates at once, against one call an estimate."""

import numpy as np
from measure import Row, seconds

from analysis import TwoByTwo
from analysis.bias.evalue import ConfoundingBound, SelectionBound, e_value, multi_bias_e_value
from analysis.bias.misclassification import adjust_misclassification, bias_adjust_misclassification

MANY, SINGLE, TABLES = 1_000_000, 300, 100_000


def run() -> list[Row]:
    rng = np.random.default_rng(2026)
    ratio = np.exp(rng.normal(0, 0.7, MANY))
    limits = {"low": ratio / 1.4, "high": ratio * 1.4}
    kinds = {
        "risk ratio": {"measure": "RR"},
        "odds ratio, common outcome": {"measure": "OR", "outcome": "common"},
        "hazard ratio, common outcome": {"measure": "HR", "outcome": "common"},
    }
    rows = []
    for name, kind in kinds.items():
        batch = seconds(lambda k=kind: e_value(ratio, **limits, **k), repeats=9)
        rows.append(
            Row("bias", f"E-value and limit, {name}, {MANY:,} at once", batch * 1e3, "ms", "at most 100")
        )
        few = range(SINGLE)
        loop = seconds(
            lambda k=kind, n=few: [
                e_value(ratio[i], low=ratio[i] / 1.4, high=ratio[i] * 1.4, **k) for i in n
            ],
            repeats=3,
        )
        rows.append(Row("bias", f"E-value, {name}, loop / at once", loop * MANY / SINGLE / batch, "ratio"))
    biases = [ConfoundingBound(), SelectionBound(risk="increased", selection_is_cause=True)]
    mixed = seconds(lambda: multi_bias_e_value(ratio, measure="RR", biases=biases), repeats=3)
    rows.append(Row("bias", f"multiple-bias E-value by root search, {MANY:,} at once", mixed, "s"))
    sensitivity, specificity = rng.uniform(0.75, 0.95, (2, MANY))
    table = TwoByTwo(exposed_cases=215, exposed_total=883, control_cases=1449, control_total=5745)
    quality = {"variable": "exposure", "sensitivity": sensitivity, "specificity": specificity}
    cells = seconds(lambda: adjust_misclassification(table, impossible="nan", **quality), repeats=5)
    rows.append(Row("bias", f"exposure misclassification, cells of {MANY:,} draws", cells * 1e3, "ms"))
    small = quality | {"sensitivity": sensitivity[:TABLES], "specificity": specificity[:TABLES]}
    whole = seconds(
        lambda: bias_adjust_misclassification(table, measure="OR", impossible="nan", **small), repeats=5
    )
    rows.append(Row("bias", f"the same with intervals, {TABLES:,} draws", whole * 1e3, "ms"))
    differences = TwoByTwo(
        exposed_cases=rng.integers(20, 90, TABLES),
        exposed_total=200,
        control_cases=rng.integers(10, 60, TABLES),
        control_total=300,
    )
    roots = seconds(lambda: e_value(differences, measure="RD"), repeats=3)
    rows.append(Row("bias", f"E-value and limit of risk differences, {TABLES:,} at once", roots, "s"))
    return rows


if __name__ == "__main__":
    for row in run():
        print(f"{row.benchmark:10} {row.what:70} {row.value:10.4g} {row.unit}")
