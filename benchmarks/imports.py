"""What the package costs to import, against what it cannot do without."""

import statistics
import subprocess
import sys
import time

from measure import Row

CODE = {
    "numpy and scipy.special": "import numpy, scipy.special",
    "import analysis": "import analysis",
    "analysis with its numeric rooms": "from analysis import TwoByTwo, odds_ratio, pool, feasible_tables",
    "an empty process": "pass",
}


def _wall(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def run() -> list[Row]:
    times: dict[str, list[float]] = {name: [] for name in CODE}
    for _ in range(15):  # interleaved, so that a slow moment slows all of them
        for name, code in CODE.items():
            times[name].append(_wall(code))
    median = {name: statistics.median(values) for name, values in times.items()}
    base = median["numpy and scipy.special"]
    rows = [Row("imports", name, 1000 * value, "ms") for name, value in median.items()]
    rows += [
        Row("imports", f"{name} / numpy and scipy.special", median[name] / base, "ratio", "at most 1.3")
        for name in ("import analysis", "analysis with its numeric rooms")
    ]
    return rows
