"""Write docs/coverage.csv and docs/coverage.md: which interval holds its level where.

Run by `make docs`; exact enumeration, so the numbers are the same on every machine.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.data.provenance import write_atomic
from analysis.measures.coverage import association_coverage, prevalence_coverage
from analysis.measures.methods.one_proportion import PROPORTION as PREVALENCE
from analysis.measures.methods.two_proportions import ODDS_RATIO, RISK_DIFFERENCE, RISK_RATIO

FOLDER = Path(__file__).resolve().parent
LEVEL = 0.95
TOTALS = (10, 20, 40, 60)
ARMS = ((10, 10), (20, 20), (20, 60), (60, 60))
PROBABILITIES = np.linspace(0.01, 0.99, 99)
RISKS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
# The same limits with another value.
SAME_LIMITS = {"conditional-exact", "conditional-mid-p"}


def rows():
    for method in PREVALENCE:
        for total in TOTALS:
            coverage = prevalence_coverage(total=total, probability=PROBABILITIES, method=method)
            yield {"measure": "PR", "method": method, "sizes": str(total)} | summary(coverage)
    for measure, methods in (("RR", RISK_RATIO), ("OR", ODDS_RATIO), ("RD", RISK_DIFFERENCE)):
        for method in methods:
            if method in SAME_LIMITS:
                continue
            for exposed, control in ARMS:
                coverage = association_coverage(
                    exposed_total=exposed,
                    control_total=control,
                    exposed_risk=RISKS[:, None],
                    control_risk=RISKS,
                    measure=measure,
                    method=method,
                )
                sizes = f"{exposed} v {control}"
                yield {"measure": measure, "method": method, "sizes": sizes} | summary(coverage)


def summary(coverage):
    return {
        "least": coverage.min(),
        "mean": coverage.mean(),
        "share_below_93": (coverage < 0.93).mean(),
        "share_below_level": (coverage < LEVEL - 1e-9).mean(),
    }


def text(table):
    lines = [
        "# Which interval holds its level where",
        "",
        "Exact coverage of 95 % intervals by enumeration of every table: for proportions at 99 true values",
        "from 0.01 to 0.99, for two arms at all pairs of the risks 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7 and",
        "0.9. Given are the least and the mean coverage over these points and the share of them where",
        "coverage is below 93 %. Built by `docs/build_coverage.py`; all digits in `coverage.csv`.",
        "",
    ]
    names = {"PR": "Proportion", "RR": "Risk ratio", "OR": "Odds ratio", "RD": "Risk difference"}
    for measure, name in names.items():
        part = table[table["measure"] == measure]
        sizes = list(dict.fromkeys(part["sizes"]))
        lines += [f"## {name}", "", "| method | " + " | ".join(f"n = {size}" for size in sizes) + " |"]
        lines += ["|---|" + "---|" * len(sizes)]
        for method, group in part.groupby("method", sort=False):
            cells = [
                f"{100 * row.least:.1f} / {100 * row.mean:.1f} / {100 * row.share_below_93:.0f} %"
                for row in group.itertuples()
            ]
            lines.append(f"| {method} | " + " | ".join(cells) + " |")
        lines += ["", "Least / mean coverage in percent / share of points below 93 %.", ""]
    return "\n".join(lines)


def main():
    table = pd.DataFrame(rows())
    rounded = table.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    write_atomic(FOLDER / "coverage.csv", rounded)
    write_atomic(FOLDER / "coverage.md", text(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
