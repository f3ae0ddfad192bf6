"""The command `reanalysis pool`: a table of studies in, their meta-analysis out.

Turns a file and arguments into calls, results into text and files; computes nothing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli_pool_files import JOURNALS, contents_of, write_contents
from analysis.errors import AnalysisWarning, DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from analysis.meta.pooled_estimate import PooledEstimate
    from analysis.meta.small_study_summary import SmallStudySummary
    from analysis.tables.methods_text import MethodsText
    from analysis.values.counts import Proportion, Rate, TwoByTwo, TwoRates
    from analysis.values.estimate import EffectSizes

__all__ = ["pool_command"]

_LABELS = ("study", "label")
_TABLES = ("exposed_cases", "exposed_total", "control_cases", "control_total")
_RATES = ("exposed_events", "exposed_time", "control_events", "control_time")
_TIMES = ("person_time", "exposed_time", "control_time")
_PUBLISHED = ("estimate", "low", "high")
# The double arcsine is left out: a pooled one belongs to no number of people and has no way back.
_COLUMNS: dict[str, tuple[str, ...]] = (
    dict.fromkeys(("RR", "OR", "RD", "AS", "PETO"), _TABLES)
    | dict.fromkeys(("PR", "PLO", "PLN", "PAS"), ("events", "total"))
    | dict.fromkeys(("IR", "IRLN", "IRS"), ("events", "person_time"))
    | dict.fromkeys(("IRR", "IRD", "IRSD"), _RATES)
    | dict.fromkeys(("HR", "GEN"), _PUBLISHED)
)
_MEANING = {
    "study": "Name of the study.",
    "label": "Name of the study.",
    "estimate": "The published estimate, as printed.",
    "low": "Lower limit of its confidence interval.",
    "high": "Upper limit of its confidence interval.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Studies:
    """What was read: the effects, the counts behind them if any, and what was done to get there."""

    effects: EffectSizes
    counts: TwoByTwo | Proportion | Rate | TwoRates | None
    corrected: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def source(self) -> str:
        return "published" if self.counts is None else "counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """What was found."""

    studies: _Studies
    pooled: PooledEstimate
    small_study: SmallStudySummary
    text: MethodsText
    notes: tuple[str, ...]


@click.command("pool")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@click.option(
    "--measure",
    type=click.Choice(tuple(_COLUMNS), case_sensitive=False),
    required=True,
    help="Of 2x2 tables, proportions, rates, two rates, or published estimates, in this order.",
)
@click.option("--model", type=click.Choice(("random", "common")), default="random", show_default=True)
@click.option(
    "--tau2",
    default="REML",
    show_default=True,
    metavar="METHOD",
    help="Between-study variance: REML, ML, DL, DL2, PM, EB, PMM, HE, CA2, HS, HSk, SJ, or a number.",
)
@click.option(
    "--ci",
    metavar="METHOD",
    help="hartung-knapp-adhoc, hartung-knapp, t, wald, kenward-roger, profile, profile-bartlett, "
    "henmi-copas.  [default: hartung-knapp-adhoc; wald for a common effect]",
)
@click.option("--level", default=0.95, show_default=True, help="Confidence level, between 0 and 1.")
@click.option(
    "--printed-level",
    default=0.95,
    show_default=True,
    help="Level of the intervals in the file, between 0 and 1.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write DIR/pooled.csv, pooled.md, forest.pdf, .svg, .png and studies.docx, .tex, .html, .xlsx.",
)
@click.option(
    "--journal",
    type=click.Choice(JOURNALS, case_sensitive=False),
    default="default",
    show_default=True,
    help="Whose sizes, fonts, numbers and formats the figure and the table follow.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON at full precision instead of text.")
def pool_command(
    *,
    file: Path,
    measure: str,
    model: str,
    tau2: str,
    ci: str | None,
    level: float,
    printed_level: float,
    out: Path | None,
    journal: str,
    as_json: bool,
) -> None:
    """Pool a table of studies, one a row.

    \b
    Columns, beside one called study (or label):
      RR OR RD AS PETO   exposed_cases, exposed_total, control_cases, control_total
      PLO PR PLN PAS     events, total
      IRLN IR IRS        events, person_time
      IRR IRD IRSD       exposed_events, exposed_time, control_events, control_time
      any of them, HR, GEN   estimate, low, high: as published, ratios as ratios

    \b
    Examples:
      reanalysis pool trials.csv --measure RR
      reanalysis pool trials.csv --measure OR --tau2 PM --out results --journal lancet
      reanalysis pool hazards.csv --measure HR --model common --json
    """  # noqa: D301  # click's mark that keeps the lines apart
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always", AnalysisWarning)
        results = _results(
            _read(file, measure, printed_level), model=model, tau2=tau2, ci=ci, level=level, given=given
        )
    contents, more = None, []
    if out is not None:
        with warnings.catch_warnings(record=True) as more:
            warnings.simplefilter("always", AnalysisWarning)
            contents = contents_of(
                results.pooled,
                counts=results.studies.counts,
                small_study=results.small_study,
                text=results.text,
                notes=results.notes,
                corrections=_corrections(results.studies),
                journal=journal,
            )
    if as_json:
        click.echo(_as_json(results))
    else:
        _print(results)
    for note in (*results.notes, *(str(warning.message) for warning in more)):
        click.secho(f"Note: {note}", err=True, fg="yellow")
    if out is not None and contents is not None:
        write_contents(out, contents)


def _read(file: Path, measure: str, printed_level: float) -> _Studies:
    """Read the studies; every fault of the file is told at once."""
    from analysis.data._csv_file import read_what_can_be_read
    from analysis.data.schema import validate
    from analysis.measures.effect_size import effect_sizes
    from analysis.values.arguments import check_confidence_level
    from analysis.values.estimate import EffectSizes as Effects

    try:
        level = check_confidence_level(printed_level)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--printed-level") from error
    frame, faults = read_what_can_be_read(file, canonical=False)
    if frame is None:
        raise DataError(faults)
    columns = _COLUMNS[measure]
    published = not set(columns) <= set(frame.columns) and set(_PUBLISHED) <= set(frame.columns)
    columns = _PUBLISHED if published else columns
    named = [name for name in _LABELS if name in frame.columns][:1]
    used = [name for name in (*named, *columns) if name in frame.columns]
    # A column whose name is nearly right is shown to the check, which suggests to rename it.
    lacking = len(used) < len(named) + len(columns)
    faults += _study_faults(frame, columns, measure, file=str(file))
    dictionary = {"studies": _entries((*named, *columns))}
    try:
        table = validate(frame[used], file=str(file), kind="studies", dictionary=dictionary)
    except DataError as error:
        faults += [_renamed(fault, frame) if lacking else fault for fault in error.faults]
    if faults:
        raise DataError(dict.fromkeys(faults))
    label = table[named[0]].tolist() if named else [f"Study {i}" for i in range(1, len(table) + 1)]
    arrays = {name: table[name].to_numpy(dtype="float64") for name in columns}
    unused = tuple(name for name in frame.columns if name not in used)
    if columns == _PUBLISHED:
        effects = Effects.from_estimates(**arrays, measure=measure, confidence_level=level, label=label)
        return _Studies(effects=effects, counts=None, corrected=(), unused=unused)
    counts = _counts(arrays)
    bare = effect_sizes(counts, measure, correct="none").effect
    effects = effect_sizes(counts, measure, label=label)
    changed = (effects.effect != bare).tolist()
    corrected = tuple(name for name, added in zip(label, changed, strict=True) if added)
    return _Studies(effects=effects, counts=counts, corrected=corrected, unused=unused)


def _counts(arrays: dict[str, Any]) -> TwoByTwo | Proportion | Rate | TwoRates:
    from analysis.values import counts

    types: dict[str, Any] = {
        "exposed_cases": counts.TwoByTwo,
        "total": counts.Proportion,
        "person_time": counts.Rate,
        "exposed_time": counts.TwoRates,
    }
    made = next(kind for column, kind in types.items() if column in arrays)
    built: TwoByTwo | Proportion | Rate | TwoRates = made(**arrays)
    return built


def _entries(columns: tuple[str, ...]) -> tuple[Any, ...]:
    from analysis.data.dictionary import ColumnEntry

    return tuple(
        ColumnEntry(
            column=name,
            type="text" if name in _LABELS else "number" if name in {*_PUBLISHED, *_TIMES} else "count",
            required=True,
            allowed=(),
            unit="",
            missing="",
            description=_MEANING.get(name, "Leave the row out if the number is not known."),
        )
        for name in columns
    )


def _renamed(fault: Fault, frame: pd.DataFrame) -> Fault:
    """Name the column of the file that may be the one that is missing."""
    from dataclasses import replace
    from difflib import get_close_matches

    if fault.rule != "must be in the header" or fault.column is None:
        return fault
    near = get_close_matches(fault.column, [str(name) for name in frame.columns], n=1, cutoff=0.7)
    known = near and near[0] in {name for columns in _COLUMNS.values() for name in columns}
    way_out = f"Rename `{near[0]}`, if that is the one." if near and not known else fault.way_out
    if fault.column not in _PUBLISHED and not (near and not known):
        way_out = f"Add it, or give published estimates in {', '.join(f'`{name}`' for name in _PUBLISHED)}."
    return replace(fault, way_out=way_out)


def _study_faults(frame: pd.DataFrame, columns: tuple[str, ...], measure: str, *, file: str) -> list[Fault]:
    """Check what `schema` has no rule for."""
    faults = []
    for line, cells in zip(frame.index, frame.to_dict("records"), strict=True):
        row = {name: number for name in columns if (number := _number(cells.get(name))) is not None}
        for column, rule, way_out in _broken_rules(row, measure):
            faults.append(
                Fault(
                    file=file, line=line, column=column, rule=rule, value=str(cells[column]), way_out=way_out
                )
            )
    return faults


def _broken_rules(row: Mapping[str, float], measure: str) -> Iterator[tuple[str, str, str | None]]:
    from analysis.values.scale import measure_of

    for column in _TIMES:
        if row.get(column, 1) <= 0:
            yield column, "must be greater than 0", None
    for column in _PUBLISHED:
        value = row.get(column)
        if value is not None and measure_of(measure).percent and not 0 <= value <= 1:
            yield column, "must be between 0 and 1", "Write 0.12 for 12%."
        elif value is not None and value <= 0 and measure_of(measure).scale in {"log", "logit"}:
            yield column, f"must be greater than 0 for measure {measure}", "Write ratios, not their logs."
        elif value == 1 and measure_of(measure).scale == "logit":
            yield column, "must be less than 1, whose logit is infinite", None
    if "low" in row and row["low"] == row.get("high"):
        yield "low", "must be below `high`", "An interval without width says nothing of the study's weight."


def _number(cell: object) -> float | None:
    try:
        return float(str(cell))
    except ValueError:
        return None


def _results(
    studies: _Studies,
    *,
    model: str,
    tau2: str,
    ci: str | None,
    level: float,
    given: list[warnings.WarningMessage],
) -> _Results:
    from analysis.meta.pooling import pool
    from analysis.meta.small_study_summary import small_study_summary
    from analysis.tables.methods_text import methods_text
    from analysis.values.counts import TwoByTwo

    between = number if (number := _number(tau2)) is not None else tau2
    try:
        pooled = pool(studies.effects, model=model, tau2=between, ci=ci, confidence_level=level)
        table = studies.counts if isinstance(studies.counts, TwoByTwo) else None
        small_study = small_study_summary(
            studies.effects, table, tau2=between, confidence_level=pooled.confidence_level
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    text = methods_text(
        pooled, data=studies.source, corrected=len(studies.corrected), small_study=small_study
    )
    notes = [str(warning.message) for warning in given]
    notes += _corrections(studies)
    if studies.unused:
        notes.append(f"These columns were not used: {', '.join(studies.unused)}.")
    return _Results(
        studies=studies,
        pooled=pooled,
        small_study=small_study,
        text=text,
        notes=tuple(dict.fromkeys(notes)),
    )


def _corrections(studies: _Studies) -> tuple[str, ...]:
    """Return what was added to empty cells, in one sentence, if anything was."""
    if not studies.corrected:
        return ()
    return (f"0.5 was added to the counts of {', '.join(studies.corrected)}, where a cell is empty.",)


def _study_frame(results: _Results) -> pd.DataFrame:
    from analysis.tables.pooled import studies_frame

    return studies_frame(results.pooled, counts=results.studies.counts)


def _as_json(results: _Results) -> str:
    import json

    from analysis.tables.pooled import pooled_frame

    parts = {
        "pooled": _records(pooled_frame(results.pooled))[0],
        "studies": _records(_study_frame(results)),
        "small_study": _records(results.small_study.to_frame()),
        "text": str(results.pooled),
        "notes": list(results.notes),
    }
    return json.dumps(parts, ensure_ascii=False, indent=2)


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: object) -> object:
    """Return what JSON can hold: null for what is missing, a word for what is infinite."""
    import pandas as pd

    if value is None or value is pd.NA or value != value:  # noqa: PLR0124  # true of NaN alone
        return None
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and abs(plain) == float("inf"):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _print(results: _Results) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from analysis.tables.format import format_estimate, format_number
    from analysis.tables.pooled import describe_model, shorten_small_study
    from analysis.values.scale import measure_of

    pooled, effects = results.pooled, results.studies.effects
    measure = measure_of(effects.measure)
    intervals = effects.interval(confidence_level=pooled.confidence_level)
    table = Table()
    for heading in ("Study", f"{measure.label} ({100 * pooled.confidence_level:g}% CI)", "Weight"):
        table.add_column(heading, justify="right" if heading == "Weight" else "left")
    rows = zip(
        effects.label or (), intervals.value, intervals.low, intervals.high, pooled.weights, strict=True
    )
    for name, *numbers, weight in rows:
        # Text, not str: square brackets in a name are no markup.
        text = format_estimate(*numbers, measure=measure.code)
        table.add_row(Text(name), text, f"{format_number(weight, 1)}%")
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    console.print(table)
    click.echo(describe_model(pooled))
    click.echo("\n".join(str(pooled).split("; ")))
    click.echo(f"\n{shorten_small_study(results.small_study)}")
