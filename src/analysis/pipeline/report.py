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
from analysis.values.scale import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["build_report"]

LEDGER = "data/processed/claims_ledger.csv"
TEMPLATE = "report.html.j2"
# What mail and phones still take in one go; base64 makes a third more of it.
FIGURE_BYTES = 2_200_000
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# What stands beside a claim, in this order; the ledger holds more, and stays the place to look it up.
SHOWN_COLUMNS = {
    "source_prints": "The source prints",
    "printed": "Checked",
    "recomputed": "Recomputed",
    "flags": "What the wording changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One row of the ledger, as text."""

    identifier: str
    wording: str
    printed: str
    recomputed: str
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
        If the ledger or a figure's words cannot be read.
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
    code = row.get("checked_as", "")
    measure = MEASURES[code].label.lower() if code in MEASURES else code
    checked = {**row, "printed": " as ".join(filter(None, (row.get("printed"), measure)))}
    return Claim(
        identifier=row.get("claim_id", ""),
        wording=row.get("worded") or row.get("claim", ""),
        printed=row.get("printed", ""),
        recomputed=row.get("recomputed", ""),
        verdict=row.get("verdict", ""),
        sentence=row.get("sentence", ""),
        details=tuple((label, checked[name]) for name, label in SHOWN_COLUMNS.items() if checked.get(name)),
    )


def _read_words(path: Path, root: Path) -> dict[str, str]:
    """Read what `save_figure` wrote beside a figure: its title, caption and alt text."""
    if not path.is_file():
        return {}
    name = path.relative_to(root).as_posix()
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError([Fault(file=name, rule=f"must be JSON ({error})")]) from error
    if not isinstance(words, dict) or not all(isinstance(text, str) for text in words.values()):
        rule = "must be an object of texts: title, caption, alt"
        raise DataError([Fault(file=name, rule=rule, value=json.dumps(words)[:80])])
    return words


def _read_figures(root: Path) -> list[Illustration]:
    chosen = _choose_files(
        [root / name for name in matching_files(root, ["figures/*"]) if Path(name).suffix in MEDIA_TYPES]
    )
    illustrations = []
    for path in chosen:
        words = _read_words(path.with_suffix(".json"), root)
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
