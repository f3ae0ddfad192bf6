"""`reanalysis audit` on 10 000 rows of printed results and of claims, from a CSV, in a new process."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import Row, seconds

from analysis import TwoByTwo
from analysis.forensics.coherence import check_coherence
from analysis.forensics.interval_method import identify_interval_method

ROWS = 10_000


def _results(rng: np.random.Generator) -> pd.DataFrame:
    """Return true results, printed with rounding."""
    n1, n0 = rng.integers(40, 6000, ROWS), rng.integers(40, 6000, ROWS)
    a, c = rng.binomial(n1 - 2, 0.2) + 1, rng.binomial(n0 - 2, 0.1) + 1
    ratio = a * (n0 - c) / ((n1 - a) * c)
    std_error = np.sqrt(1 / a + 1 / (n1 - a) + 1 / c + 1 / (n0 - c))
    low, high = ratio * np.exp(-1.96 * std_error), ratio * np.exp(1.96 * std_error)
    return pd.DataFrame(
        {
            "study": [f"study {i // 3}" for i in range(ROWS)],
            "measure": "OR",
            "exposed_cases": a,
            "exposed_total": n1,
            "exposed_percent": [f"{100 * x:.1f}" for x in a / n1],
            "control_cases": c,
            "control_total": n0,
            "control_percent": [f"{100 * x:.1f}" for x in c / n0],
            "printed": [f"{v:.2f} ({x:.2f}-{y:.2f})" for v, x, y in zip(ratio, low, high, strict=True)],
        }
    )


def run() -> list[Row]:
    rng = np.random.default_rng(1)
    results = _results(rng)
    wrong = results.assign(exposed_percent=[f"{x:.1f}" for x in rng.uniform(1, 90, ROWS)])
    claims = results.rename(columns={"printed": "interval"}).assign(
        claim_id=[f"c{i}" for i in range(ROWS)],
        printed=results["printed"].str.split().str[0],
        checked_as="OR",
    )
    columns = ["claim_id", "printed", "checked_as", "exposed_total", "exposed_percent", "control_total"]
    claims = claims[[*columns, "control_percent"]]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, frame in (("results", results), ("results, all wrong", wrong), ("claims", claims)):
            path = Path(folder) / "audited.csv"
            frame.to_csv(path, index=False)
            command = [sys.executable, "-m", "analysis", "audit", str(path)]
            taken = seconds(lambda c=command: subprocess.run(c, capture_output=True, check=False), repeats=3)
            rows.append(Row("audit", f"10 000 {name} from a CSV", taken, "s", "at most 30"))
    taken = seconds(lambda: check_coherence(results), repeats=3)
    rows.append(Row("audit", "check_coherence, 10 000 rows", taken, "s"))
    table = TwoByTwo(exposed_cases=75, exposed_total=7605, control_cases=56, control_total=38020)
    taken = seconds(lambda: identify_interval_method(table, "6.75 (4.77-9.55)"), repeats=5)
    rows.append(Row("audit", "identify_interval_method, one table, every method", 1000 * taken, "ms"))
    return rows
