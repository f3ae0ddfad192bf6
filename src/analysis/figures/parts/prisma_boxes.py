"""What the boxes of a PRISMA 2020 flow diagram say, and in which column and row each stands.

The words are those of the published templates. Where boxes stand in points is found in `prisma_flow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.tables.format import format_count

if TYPE_CHECKING:
    from analysis.values.prisma_flow import FlowCount, PrismaFlow

__all__ = ["BoxLine", "FlowBox", "boxes_of"]

_TITLE = "Identification of {new}studies via {way}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxLine:
    """A paragraph of a box: its text, how far it is indented, whether it is bold."""

    text: str
    level: int = 0
    bold: bool = False


def _n(count: int) -> str:
    # No line is broken within the brackets.
    return f"(n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{format_count(count)})"


def _counted(text: str, count: FlowCount | int | None, level: int = 0) -> list[BoxLine]:
    """Return a line with its count, and one for each part of it."""
    if count is None:
        return []
    if isinstance(count, int):
        return [BoxLine(text=f"{text} {_n(count)}", level=level)]
    colon = ":" if count.parts else ""
    parts = [BoxLine(text=f"{name} {_n(n)}", level=level + 1) for name, n in count.parts]
    return [BoxLine(text=f"{text} {_n(count.total)}{colon}", level=level), *parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBox:
    """What a box says, in which column and row it stands."""

    column: int
    row: int
    lines: tuple[BoxLine, ...]


def boxes_of(flow: PrismaFlow) -> tuple[list[FlowBox], list[tuple[str, int, int]]]:
    """Return the boxes, and the titles with their first and last columns."""
    update = flow.previous_studies is not None
    main = int(update)
    side = main + 1
    removed = [BoxLine(text="Records removed before screening:")]
    removed += _counted("Duplicate records", flow.duplicates, 1)
    removed += _counted("Marked as ineligible by automation tools", flow.automation, 1)
    removed += _counted("Removed for other reasons", flow.other_removed, 1)
    found = [BoxLine(text="Records identified from:")]
    found += _counted("Databases", flow.databases, 1) + _counted("Registers", flow.registers, 1)
    of = "new included" if update else "included"
    new = "new " if update else ""
    included = _counted(f"{'New studies' if update else 'Studies'} included in review", flow.studies)
    included += _counted(f"Reports of {of} studies", flow.reports)
    boxes = [
        (main, 0, found),
        (side, 0, removed),
        (main, 1, _counted("Records screened", flow.screened)),
        (side, 1, _counted("Records excluded", flow.excluded)),
        (main, 2, _counted("Reports sought for retrieval", flow.sought)),
        (side, 2, _counted("Reports not retrieved", flow.not_retrieved)),
        (main, 3, _counted("Reports assessed for eligibility", flow.assessed)),
        (side, 3, _counted("Reports excluded", flow.reports_excluded)),
        (main, 4, included),
    ]
    titles = [(_TITLE.format(new=new, way="databases and registers"), main, side)]
    if update:
        before = _counted("Studies included in previous version of review", flow.previous_studies)
        before += _counted("Reports of studies included in previous version", flow.previous_reports)
        total = _counted("Total studies included in review", flow.total_studies)
        total += _counted("Reports of total included studies", flow.total_reports)
        boxes += [(0, 0, before), (main, 5, total)]
        titles.append(("Previous studies", 0, 0))
    if flow.other is not None:
        other = flow.other
        boxes += [
            (side + 1, 0, [BoxLine(text="Records identified from:"), *_other_sources(other.identified)]),
            (side + 1, 2, _counted("Reports sought for retrieval", other.sought)),
            (side + 2, 2, _counted("Reports not retrieved", other.not_retrieved)),
            (side + 1, 3, _counted("Reports assessed for eligibility", other.assessed)),
            (side + 2, 3, _counted("Reports excluded", other.reports_excluded)),
        ]
        titles.append((_TITLE.format(new=new, way="other methods"), side + 1, side + 2))
    return [FlowBox(column=c, row=r, lines=tuple(lines)) for c, r, lines in boxes], titles


def _other_sources(identified: FlowCount) -> list[BoxLine]:
    if identified.parts:
        return [BoxLine(text=f"{name} {_n(n)}", level=1) for name, n in identified.parts]
    return _counted("Other sources", identified, 1)
