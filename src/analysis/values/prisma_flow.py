"""The numbers of a PRISMA 2020 flow: records and reports from the search to inclusion, checked to add up.

How the diagram is drawn lives in `figures.prisma_flow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from analysis.values.arguments import as_counts
from analysis.values.framed import Framed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FlowCount", "OtherMethods", "PrismaFlow"]

_Given: TypeAlias = "int | Mapping[str, int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCount:
    """A count with its parts by name, where there are any.

    Parameters
    ----------
    total : int
        Sum of the parts.
    parts : tuple of (str, int)
        In the order given; empty where only the total is known.
    """

    total: int
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False)
class OtherMethods:
    """What was found by other methods than databases and registers: websites, organisations, citations.

    Parameters
    ----------
    identified : int or mapping of str to int
        Records identified; as a mapping by where they were found.
    reports_excluded : int or mapping of str to int
        Reports excluded after assessment; as a mapping by reason.
    not_retrieved : int, default 0
        Reports sought but not retrieved.
    sought, assessed, reports : int, optional
        Reports sought for retrieval, assessed, and included; by default what follows from the others. Where
        several records are of one report, `sought` is less than `identified`, and must be given.

    Raises
    ------
    TypeError, ValueError
        As for `PrismaFlow`.
    """

    identified: FlowCount
    sought: int
    not_retrieved: int
    assessed: int
    reports_excluded: FlowCount
    reports: int
    derived: tuple[str, ...]

    def __init__(
        self,
        *,
        identified: _Given,
        reports_excluded: _Given,
        not_retrieved: int = 0,
        sought: int | None = None,
        assessed: int | None = None,
        reports: int | None = None,
    ) -> None:
        book = _Book("other.")
        found = book.count("identified", identified)
        # Records are not reports: two may be of one. More reports than records there are not.
        wanted = found.total if sought is None else book.number("sought", sought)
        if sought is None:
            book.derived.append("sought")
        elif wanted > found.total:
            book.contradict(f"`other.sought` must not exceed `identified` = {found.total}, but got {wanted}")
        lost = book.number("not_retrieved", not_retrieved)
        read = book.follows(
            "assessed", assessed, wanted - lost, f"`sought` - `not_retrieved` = {wanted} - {lost}"
        )
        out = book.count("reports_excluded", reports_excluded)
        kept = book.follows(
            "reports", reports, read - out.total, f"`assessed` - `reports_excluded` = {read} - {out.total}"
        )
        book.settle()
        values = (found, wanted, lost, read, out, kept, tuple(book.derived))
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, init=False)
class PrismaFlow(Framed):
    """Numbers of records, reports and studies in a systematic review, from the search to inclusion.

    Parameters
    ----------
    databases : int or mapping of str to int
        Records identified from databases; as a mapping by the name of each.
    duplicates : int
        Duplicate records removed before screening.
    excluded : int or mapping of str to int
        Records excluded at screening; as a mapping by whom (people, automation tools).
    reports_excluded : int or mapping of str to int
        Reports excluded after assessment; as a mapping by reason, as PRISMA asks for.
    studies : int
        Studies included; in the update of a review, new ones.
    registers : int or mapping of str to int, optional
        Records identified from registers.
    automation, other_removed : int, optional
        Records removed before screening because automation tools marked them as ineligible, or for other
        reasons. What is not given has no line in the diagram.
    not_retrieved : int, default 0
        Reports sought but not retrieved.
    screened, sought, assessed : int, optional
        Records screened; reports sought for retrieval and assessed for eligibility. By default what follows
        from the numbers above them.
    reports : int, optional
        Reports of included studies from all ways; by default what follows.
    other : OtherMethods, optional
        What was found by other methods.
    previous_studies, previous_reports : int, optional
        Studies in the previous version of the review, and their reports.

    Attributes
    ----------
    identified, removed : int
        Sums over sources and over reasons.
    derived : tuple of str
        Numbers that were not given but follow from the others.

    Raises
    ------
    TypeError
        If a number is not one.
    ValueError
        If a number is negative or not whole, or the numbers contradict each other; the message names each
        contradiction with the numbers in it.

    References
    ----------
    Page MJ, McKenzie JE, Bossuyt PM, et al. (2021). The PRISMA 2020 statement: an updated guideline for
    reporting systematic reviews. BMJ 372:n71. DOI 10.1136/bmj.n71

    Examples
    --------
    >>> flow = PrismaFlow(
    ...     databases={"MEDLINE": 310, "Embase": 402},
    ...     duplicates=150,
    ...     excluded=480,
    ...     not_retrieved=2,
    ...     reports_excluded={"Wrong outcome": 40, "No control group": 21},
    ...     studies=17,
    ... )
    >>> flow.identified, flow.screened, flow.sought, flow.assessed, flow.reports
    (712, 562, 82, 80, 19)
    """

    databases: FlowCount
    registers: FlowCount | None
    duplicates: int
    automation: int | None
    other_removed: int | None
    screened: int
    excluded: FlowCount
    sought: int
    not_retrieved: int
    assessed: int
    reports_excluded: FlowCount
    studies: int
    reports: int
    other: OtherMethods | None
    previous_studies: int | None
    previous_reports: int | None
    derived: tuple[str, ...]

    def __init__(
        self,
        *,
        databases: _Given,
        duplicates: int,
        excluded: _Given,
        reports_excluded: _Given,
        studies: int,
        registers: _Given | None = None,
        automation: int | None = None,
        other_removed: int | None = None,
        not_retrieved: int = 0,
        screened: int | None = None,
        sought: int | None = None,
        assessed: int | None = None,
        reports: int | None = None,
        other: OtherMethods | None = None,
        previous_studies: int | None = None,
        previous_reports: int | None = None,
    ) -> None:
        if other is not None and not isinstance(other, OtherMethods):
            raise TypeError(f"`other` must be OtherMethods or None, but got {type(other).__name__}.")
        book = _Book("")
        from_databases = book.count("databases", databases)
        from_registers = None if registers is None else book.count("registers", registers)
        twice = book.number("duplicates", duplicates)
        by_tool = None if automation is None else book.number("automation", automation)
        otherwise = None if other_removed is None else book.number("other_removed", other_removed)
        found = from_databases.total + (0 if from_registers is None else from_registers.total)
        removed = twice + (by_tool or 0) + (otherwise or 0)
        seen = book.follows(
            "screened", screened, found - removed, f"identified - removed = {found} - {removed}"
        )
        off = book.count("excluded", excluded)
        wanted = book.follows(
            "sought", sought, seen - off.total, f"`screened` - `excluded` = {seen} - {off.total}"
        )
        lost = book.number("not_retrieved", not_retrieved)
        read = book.follows(
            "assessed", assessed, wanted - lost, f"`sought` - `not_retrieved` = {wanted} - {lost}"
        )
        out = book.count("reports_excluded", reports_excluded)
        if out.total > read:
            book.contradict(f"`reports_excluded` = {out.total} must not exceed `assessed` = {read}")
        own = max(read - out.total, 0)
        # Each way's own sum is checked before; here the two must make the whole.
        beside = 0 if other is None else other.reports
        why = f"`assessed` - `reports_excluded` = {read} - {out.total}"
        why += f", + `other.reports` = {beside}," if other is not None else ""
        kept = book.follows("reports", reports, own + beside, why)
        included = book.number("studies", studies)
        book.compare(included, kept, "studies", "reports")
        before = None if previous_studies is None else book.number("previous_studies", previous_studies)
        papers = None if previous_reports is None else book.number("previous_reports", previous_reports)
        if before is not None and papers is not None:
            book.compare(before, papers, "previous_studies", "previous_reports")
        elif papers is not None:
            book.contradict("`previous_reports` needs `previous_studies`, which is not given")
        book.settle()
        values = (
            from_databases,
            from_registers,
            twice,
            by_tool,
            otherwise,
            seen,
            off,
            wanted,
            lost,
            read,
            out,
            included,
            kept,
            other,
            before,
            papers,
            tuple(book.derived),
        )
        for name, value in zip(self.__dataclass_fields__, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def identified(self) -> int:
        """Records identified from databases and registers."""
        return self.databases.total + (0 if self.registers is None else self.registers.total)

    @property
    def removed(self) -> int:
        """Records removed before screening."""
        return self.duplicates + (self.automation or 0) + (self.other_removed or 0)

    @property
    def total_studies(self) -> int:
        """Studies included, with those of the previous version."""
        return self.studies + (self.previous_studies or 0)

    @property
    def total_reports(self) -> int | None:
        """Reports of all included studies; None where those of the previous version are not known."""
        if self.previous_studies is None:
            return self.reports
        return None if self.previous_reports is None else self.reports + self.previous_reports

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number: by which way, at which stage, what it counts, the part, the count."""
        import pandas as pd

        main = "databases and registers"
        rows: list[tuple[str, str, str, FlowCount | int | None]] = [
            ("previous", "previous studies", "studies in the previous version", self.previous_studies),
            ("previous", "previous studies", "reports in the previous version", self.previous_reports),
            (main, "identification", "records from databases", self.databases),
            (main, "identification", "records from registers", self.registers),
            (main, "identification", "duplicates removed", self.duplicates),
            (main, "identification", "removed by automation tools", self.automation),
            (main, "identification", "removed for other reasons", self.other_removed),
            (main, "screening", "records screened", self.screened),
            (main, "screening", "records excluded", self.excluded),
            (main, "screening", "reports sought", self.sought),
            (main, "screening", "reports not retrieved", self.not_retrieved),
            (main, "screening", "reports assessed", self.assessed),
            (main, "screening", "reports excluded", self.reports_excluded),
        ]
        if self.other is not None:
            way, other = "other methods", self.other
            rows += [
                (way, "identification", "records identified", other.identified),
                (way, "screening", "reports sought", other.sought),
                (way, "screening", "reports not retrieved", other.not_retrieved),
                (way, "screening", "reports assessed", other.assessed),
                (way, "screening", "reports excluded", other.reports_excluded),
            ]
        rows += [("all", "included", "studies", self.studies), ("all", "included", "reports", self.reports)]
        if self.previous_studies is not None:
            rows += [
                ("all", "included", "studies in total", self.total_studies),
                ("all", "included", "reports in total", self.total_reports),
            ]
        table = [
            (way, stage, item, part, n)
            for way, stage, item, count in rows
            if count is not None
            for part, n in _lines(count)
        ]
        return pd.DataFrame(table, columns=["way", "stage", "item", "part", "n"])


def _lines(count: FlowCount | int) -> list[tuple[str, int]]:
    if isinstance(count, FlowCount):
        return [("", count.total), *count.parts]
    return [("", count)]


class _Book:
    """Keeps count while a flow is checked: what follows from what, and all that does not."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.derived: list[str] = []
        self.contradictions: list[str] = []

    def number(self, name: str, value: object) -> int:
        array = as_counts(f"{self.prefix}{name}", value)  # type: ignore[arg-type]
        if array.ndim:
            raise TypeError(f"`{self.prefix}{name}` must be one number, but got {value!r}.")
        return int(array)

    def count(self, name: str, value: object) -> FlowCount:
        if not isinstance(value, Mapping):
            return FlowCount(total=self.number(name, value))
        for key in value:
            if not isinstance(key, str) or not key.strip():
                raise TypeError(f"`{self.prefix}{name}` must have texts as names, but got {key!r}.")
        parts = tuple((str(key), self.number(f"{name}[{key!r}]", n)) for key, n in value.items())
        return FlowCount(total=sum(n for _, n in parts), parts=parts)

    def follows(self, name: str, given: object, expected: int, why: str) -> int:
        """Return what was given, or else what follows, and note where the two differ."""
        if given is None:
            self.derived.append(name)
            if expected < 0:
                self.contradict(f"{why} must not be negative")
            return max(expected, 0)
        value = self.number(name, given)
        if value != expected:
            self.contradict(f"`{self.prefix}{name}` must be {why} = {expected}, but got {value}")
        return value

    def compare(self, studies: int, reports: int, one: str, other: str) -> None:
        """Each study has a report, and each report is of a study."""
        if studies > reports or (studies == 0) != (reports == 0):
            rule = f"must not exceed `{other}` = {reports}" if reports else f"must be 0 as `{other}` is"
            rule = rule if studies else f"must be above 0 where `{other}` = {reports}"
            self.contradict(f"`{one}` {rule}, but got {studies}")

    def contradict(self, text: str) -> None:
        self.contradictions.append(text)

    def settle(self) -> None:
        if self.contradictions:
            many = len(self.contradictions)
            start = "The numbers of the flow contradict each other"
            listed = "; ".join(self.contradictions)
            raise ValueError(f"{start} ({many} contradiction{'s' if many > 1 else ''}): {listed}.")
