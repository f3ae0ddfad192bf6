"""Records of values computed in R, and how to read them."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from analysis import Proportion, TwoByTwo

FOLDER = Path(__file__).parent / "reference"
# epiR's names of intervals of a proportion, and ours.
EPIR_INTERVALS = {
    "exact": "clopper-pearson",
    "clopper-pearson": "clopper-pearson",
    "wilson": "wilson",
    "jeffreys": "jeffreys",
    "agresti": "agresti-coull",
}


@cache
def load(name: str) -> dict[str, Any]:
    with gzip.open(FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def records(name: str, start: str = "", *, keep: Any = None) -> list[dict[str, Any]]:
    """Return the usable records whose id begins with `start` and that `keep` accepts."""
    chosen = [
        record
        for record in load(name)["records"]
        if record["id"].startswith(start)
        and not record.get("suspect")
        and not record.get("error")
        and (keep is None or keep(record))
    ]
    if not chosen:
        raise LookupError(f"no record of {name} begins with {start}")
    return chosen


def dataset(name: str, record: dict[str, Any]) -> dict[str, np.ndarray]:
    columns = load(name)["datasets"][record["inputs"]["dataset"]]
    return {
        column: numbers(values)
        for column, values in columns.items()
        if all(value is None or isinstance(value, (int, float)) for value in values)
    }


def numbers(values: Any) -> np.ndarray:
    """Return R's numbers as floats: null is NaN, "Inf" infinity."""
    if isinstance(values, list):
        return np.array([number(value) for value in values])
    return np.asarray(number(values))


def number(value: Any) -> float:
    if value is None or value in {"NaN", "NA"}:
        return np.nan
    return float(value) if not isinstance(value, str) else {"Inf": np.inf, "-Inf": -np.inf}[value]


def identifier(record: dict[str, Any]) -> str:
    return record["id"]


def table_of(record: dict[str, Any]) -> TwoByTwo:
    """Return the table of a record with inputs a, b, c, d: rows are exposure, column 1 cases."""
    a, b, c, d = (record["inputs"][name] for name in "abcd")
    return TwoByTwo.from_cells(exposed_cases=a, exposed_noncases=b, control_cases=c, control_noncases=d)


def positives_of(a: Any, b: Any, c: Any, d: Any) -> dict[str, Proportion]:
    """Return the arguments of a diagnostic measure: rows are test results, column 1 the diseased."""
    return {
        "positives_among_diseased": Proportion(events=a, total=np.add(a, c)),
        "positives_among_healthy": Proportion(events=b, total=np.add(b, d)),
    }


def epir_statistics(record: dict[str, Any]) -> dict[str, tuple[float, ...]]:
    """Return estimate, lower and upper limit by the name that epiR gives the statistic."""
    outputs = record["outputs"]
    columns = ([number(value) for value in outputs[name]] for name in ("est", "lower", "upper"))
    return dict(zip(outputs["statistic"], zip(*columns, strict=True), strict=True))


def assert_same(ours: Any, theirs: Any, *, rel: float = 1e-10, abs_: float = 1e-300) -> None:
    """Fail unless the numbers agree to `rel`; NaN equals NaN, and 1e-300 is no tolerance but for 0."""
    expected = theirs if isinstance(theirs, np.ndarray) else numbers(theirs)
    np.testing.assert_allclose(np.asarray(ours, dtype=float), expected, rtol=rel, atol=abs_)
