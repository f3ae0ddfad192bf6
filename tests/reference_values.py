"""Records of values computed in R, and how to read them."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "reference"


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
