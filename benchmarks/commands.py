"""The commands that a reader types, on a fresh clone of the committed state."""

import subprocess
import tempfile
import time
from pathlib import Path

from measure import Row

ROOT = Path(__file__).resolve().parents[1]


def _timed(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        cold = _timed(["make", "reproduce"], clone)
        again = _timed(["make", "reproduce"], clone)
        changed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True
        ).stdout.splitlines()
        tests = _timed(["make", "test"], clone)
    return [
        Row("commands", "make reproduce, fresh clone (with the environment)", cold, "s", "at most 240"),
        Row("commands", "make reproduce, nothing changed", again, "s", "at most 10"),
        Row("commands", "files that git sees changed after it", len(changed), "files", "0"),
        Row("commands", "make test", tests, "s", "at most 900"),
    ]
