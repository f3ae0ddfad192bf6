"""What was built from what: the content hashes and versions behind each step, in build/manifest.json.

Holds the record and its file. When a step is redone is decided in `build`.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import TYPE_CHECKING

from analysis.data.provenance import sha256, write_atomic
from analysis.errors import DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "MANIFEST",
    "Record",
    "environment",
    "file_hashes",
    "has_wildcard",
    "matching_files",
    "read_manifest",
    "write_manifest",
]

MANIFEST = "build/manifest.json"
FORMAT = 1
# A change of any of these may change a number or a figure, so each is part of what a step is built from.
PACKAGES = ("epi-reanalysis", "numpy", "scipy", "pandas", "statsmodels", "matplotlib")
IGNORED = ("__pycache__", ".*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one finished step read, wrote and ran on.

    Parameters
    ----------
    inputs, outputs : mapping of str to str
        Path relative to the project, with forward slashes, to the SHA-256 of the content.
    environment : mapping of str to str
        Versions of Python, this package and the packages that its numbers rest on.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    environment: Mapping[str, str]


def environment() -> dict[str, str]:
    """Return the versions that the numbers rest on, by package name."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def file_hashes(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Hash those of the named files that exist.

    Parameters
    ----------
    root : Path
        The project.
    names : iterable of str
        Paths relative to `root`.

    Returns
    -------
    dict of str to str
        Name to SHA-256, sorted by name; files that do not exist are left out.
    """
    return {name: sha256(root / name) for name in sorted(names) if (root / name).is_file()}


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern may match several files, rather than naming one."""
    return any(sign in pattern for sign in "*?[")


def matching_files(root: Path, patterns: Iterable[str]) -> list[str]:
    """List the files that a step reads.

    Parameters
    ----------
    root : Path
        The project.
    patterns : iterable of str
        Globs relative to `root`. One that starts with "!" takes away what it matches, wherever it stands.
        A pattern without wildcards names a file that must exist.

    Returns
    -------
    list of str
        Paths relative to `root`, sorted. Hidden files and byte code are never among them.

    Raises
    ------
    DataError
        If files that are named do not exist.
    """
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    missing = [name for name in wanted if not has_wildcard(name) and not (root / name).is_file()]
    if missing:
        raise DataError(
            Fault(file=name, rule="must exist", way_out="Restore it from version control.")
            for name in missing
        )
    found = {
        path.relative_to(root).as_posix()
        for pattern in wanted
        for path in root.glob(pattern)
        if path.is_file()
    }
    return sorted(
        name
        for name in found
        if not any(fnmatchcase(part, ignored) for part in name.split("/") for ignored in IGNORED)
        and not any(fnmatchcase(name, pattern) for pattern in unwanted)
    )


def read_manifest(root: Path) -> dict[str, Record]:
    """Read what earlier builds recorded.

    A manifest that is missing or that another version of the format wrote counts as empty: everything is then
    built anew, which is slow and never wrong.

    Parameters
    ----------
    root : Path
        The project.

    Returns
    -------
    dict of str to Record
        Name of the step to its record.
    """
    try:
        content = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return {}
        return {name: Record(**record) for name, record in content["steps"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_manifest(root: Path, records: Mapping[str, Record]) -> None:
    """Replace the manifest in one move, so that a reader or a crash sees the old one or the new one.

    Parameters
    ----------
    root : Path
        The project.
    records : mapping of str to Record
        Name of the step to its record.
    """
    content = {"format": FORMAT, "steps": {name: asdict(record) for name, record in records.items()}}
    write_atomic(root / MANIFEST, json.dumps(content, indent=1) + "\n")
