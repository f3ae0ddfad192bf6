"""Build the report: one page that holds the checked claims, the figures and what all of it was built from.

Reads finished tables and figures as they are; computes and draws nothing. The page needs no network, no
script and no other file, and the same inputs give the same bytes.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.data.provenance import sha256
from analysis.errors import DataError, Fault
from analysis.pipeline.manifest import Record, matching_files, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["build_report"]

LEDGER = "data/processed/claims_ledger.csv"
CAPTIONS = "figures/captions.json"
TEMPLATE = "report.html.j2"
# What mail and phones still take in one go; base64 makes a third more of it.
FIGURE_BYTES = 2_200_000
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# Shown at a place of their own; every other column of the ledger follows under its own name.
PLACED_COLUMNS = ("claim_id", "verdict", "sentence")
LABELS = {
    "claim": "Statement",
    "printed": "Printed",
    "checked_as": "Checked as",
    "recomputed": "Recomputed",
    "flags": "Flags",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row of the ledger, as text."""

    identifier: str
    wording: str
    verdict: str
    sentence: str
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """One figure with what is said about it."""

    name: str
    title: str
    caption: str
    alt: str
    source: str
    numbers: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFile:
    """One given file; `rows` is None where it is no table."""

    name: str
    rows: int | None
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One step: how many files went in and out, with one hash over each group."""

    name: str
    groups: tuple[tuple[str, int, str], ...]
    outputs: tuple[tuple[str, str], ...]


def build_report(root: Path, out: Path) -> Path:
    """Write the report of a project.

    Parameters
    ----------
    root : Path
        The project: its ledger, figures, captions, raw tables and manifest are read where they exist.
    out : Path
        The page to write.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    DataError
        If the ledger or the captions cannot be read.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # The report's own record would make its content depend on itself.
    records = {name: record for name, record in read_manifest(root).items() if name != "report"}
    claims = _read_ledger(root)
    template = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(TEMPLATE)
    page = template.render(
        claims=claims,
        verdicts=sorted(Counter(claim.verdict for claim in claims or () if claim.verdict).items()),
        ledger=LEDGER,
        illustrations=_read_figures(root),
        raw_files=_read_raw(root),
        built=[_summary(name, record) for name, record in records.items()],
        versions=sorted({pair for record in records.values() for pair in record.environment.items()}),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8", newline="\n")
    return out


def _read_ledger(root: Path) -> list[Claim] | None:
    """Read the ledger as text, so that the page shows its numbers as they stand there."""
    path = root / LEDGER
    if not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(csv.DictReader(file, strict=True, restval=""))
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError([Fault(file=LEDGER, rule=f"must be a UTF-8 CSV file ({error})")]) from error
    long_rows = [number for number, row in enumerate(rows, start=2) if None in row]
    if long_rows:
        raise DataError(
            Fault(file=LEDGER, line=number, rule="must not have more cells than the header")
            for number in long_rows
        )
    return [_claim(row) for row in rows]


def _claim(row: Mapping[str, str]) -> Claim:
    wording = "worded" if row.get("worded") else "claim"
    details = tuple(
        (LABELS.get(column, column.replace("_", " ").capitalize()), text)
        for column, text in row.items()
        if column not in (*PLACED_COLUMNS, wording) and text
    )
    return Claim(
        identifier=row.get("claim_id", ""),
        wording=row.get(wording, ""),
        verdict=row.get("verdict", ""),
        sentence=row.get("sentence", ""),
        details=details,
    )


def _read_captions(root: Path) -> dict[str, dict[str, str]]:
    path = root / CAPTIONS
    if not path.is_file():
        return {}
    try:
        captions = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError([Fault(file=CAPTIONS, rule=f"must be JSON ({error})")]) from error
    rule = "must give each figure's name an object of texts: title, caption, alt"
    if not isinstance(captions, dict):
        raise DataError([Fault(file=CAPTIONS, rule=rule, value=type(captions).__name__)])
    faults = [
        Fault(file=CAPTIONS, column=name, rule=rule, value=json.dumps(entry))
        for name, entry in captions.items()
        if not isinstance(entry, dict) or not all(isinstance(text, str) for text in entry.values())
    ]
    if faults:
        raise DataError(faults)
    return captions


def _read_figures(root: Path) -> list[Illustration]:
    captions = _read_captions(root)
    chosen = _choose_files(
        [root / name for name in matching_files(root, ["figures/*"]) if Path(name).suffix in MEDIA_TYPES]
    )
    illustrations = []
    for path in chosen:
        words = captions.get(path.stem, {})
        title = words.get("title") or path.stem.replace("_", " ").replace("-", " ").strip().capitalize()
        caption = words.get("caption", "")
        numbers = path.with_suffix(".csv")
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        illustrations.append(
            Illustration(
                name=path.stem,
                title=title,
                caption=caption,
                alt=words.get("alt") or caption or title,
                source=f"data:{MEDIA_TYPES[path.suffix]};base64,{data}",
                numbers=numbers.relative_to(root).as_posix() if numbers.is_file() else None,
            )
        )
    return illustrations


def _choose_files(paths: Sequence[Path]) -> list[Path]:
    """Choose one file a figure: SVG, which is sharp at any size, until the page grows too large for that.

    As image data rather than inlined markup: the identifiers and styles of one SVG cannot reach another.
    """
    files: dict[str, dict[str, Path]] = {}
    for path in paths:
        files.setdefault(path.stem, {})[path.suffix] = path
    chosen = {name: kinds.get(".svg") or kinds[".png"] for name, kinds in sorted(files.items())}
    excess = sum(path.stat().st_size for path in chosen.values()) - FIGURE_BYTES
    savings = sorted(
        (kinds[".png"].stat().st_size - kinds[".svg"].stat().st_size, name)
        for name, kinds in files.items()
        if len(kinds) == len(MEDIA_TYPES)
    )
    for change, name in savings:
        if excess <= 0 or change >= 0:
            break
        chosen[name] = files[name][".png"]
        excess += change
    return list(chosen.values())


def _read_raw(root: Path) -> list[RawFile]:
    return [
        RawFile(
            name=name,
            rows=_count_rows(root / name) if name.endswith(".csv") else None,
            size=(root / name).stat().st_size,
            digest=sha256(root / name),
        )
        for name in matching_files(root, ["data/raw/**/*"])
    ]


def _count_rows(path: Path) -> int:
    """Count the records below the header; blank lines are none."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return max(sum(1 for row in csv.reader(file) if row) - 1, 0)


def _summary(name: str, record: Record) -> Built:
    directories: dict[str, dict[str, str]] = {}
    for path, digest in record.inputs.items():
        parts = Path(path).parts
        directory = "src/analysis" if path.startswith("src/analysis/") else "/".join(parts[:-1]) or "."
        directories.setdefault(directory, {})[path] = digest
    groups = tuple(
        (directory, len(files), _combined_hash(files)) for directory, files in sorted(directories.items())
    )
    return Built(name=name, groups=groups, outputs=tuple(sorted(record.outputs.items())))


def _combined_hash(files: Mapping[str, str]) -> str:
    """Hash the list of hashes, in the form that `sha256sum` prints, so that a reader can repeat it."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
