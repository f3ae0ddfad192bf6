"""The command `reanalysis bias SPEC`: a specification in, three intervals, a table and two figures out.

Reads the file, prints and writes the result; computes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from analysis.errors import AnalysisError, DataError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure
    from rich.table import Table

    from analysis.bias.methods.draw_swings import ParameterSwings
    from analysis.bias.probabilistic_result import ProbabilisticBiasAnalysis
    from analysis.bias.spec import BiasSpecification

__all__ = ["bias"]

# Share of contradicting draws from which on the rest is hardly what was stated_as.
_MANY = 0.1


def _list_kinds(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click's form
    if not wanted or context.resilient_parsing:
        return
    from analysis.bias.spec import BIASES

    for kind, made in BIASES.items():
        click.echo(kind)
        for group in made.groups:
            click.echo(f"  {' | '.join(', '.join(names) for names in group)}")
        needed = {name for group in made.groups for names in group for name in names}
        optional = [
            f"{name} (beside {made.beside[name]})" if name in made.beside else name
            for name in made.names()
            if name not in needed
        ]
        if optional:
            click.echo(f"  optional: {', '.join(optional)}")
        for name, words in made.options.items():
            click.echo(f"  {name}: {' | '.join(words)}")
    context.exit()


@click.command()
@click.argument(
    "spec", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="SPEC.toml|SPEC.yaml"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write DIR/bias.csv, bias.md, and the figures bias_distribution and bias_tornado; or, where it ends "
    "in .csv, the table alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON at full precision instead of text.")
@click.option(
    "--kinds",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_kinds,
    help="List the kinds of bias with their parameters; | stands between alternatives.",
)
def bias(spec: Path, *, out: Path | None, as_json: bool) -> None:
    """Adjust a table or a published ratio for the biases that a TOML or YAML file states.

    The file holds `seed`; optionally `measure`, `draws`, `sampling`, `random_error`, `confidence_level`; then
    [table], [rates] or [estimate], and one [[bias]] each, in the order in which they are undone. A parameter
    is a number or a distribution such as "trapezoidal(0.75, 0.85, 0.95, 1)".

    \b
    Example of a file:
      seed = 2026
      [estimate]
      measure = "HR"
      value = 1.83
      low = 1.58
      high = 2.11
      [[bias]]
      kind = "unmeasured confounding"
      prevalence_exposed = "uniform(0.3, 0.5)"
      prevalence_control = "uniform(0.1, 0.2)"
      risk_ratio = "triangular(1.5, 2, 3)"
      source = "assumed"

    \b
    Examples:
      reanalysis bias spec.toml
      reanalysis bias spec.toml --out results
      reanalysis bias spec.yaml --out bias.csv
      reanalysis bias spec.toml --json > bias.json
      reanalysis bias --kinds
    """  # noqa: D301  # click's mark that keeps the lines apart
    specification = _read(spec)
    try:
        result = specification.run()
    except ValueError as error:
        # What only the draws can show: that the stated biases contradict the data.
        raise AnalysisError(f"{spec}: {error}") from None
    swings, notes = _swings(specification)
    notes += _notes(result)
    # Everything is made before anything is written.
    contents = {} if out is None else _contents(specification, result, swings, notes, out)
    if as_json:
        click.echo(_as_json(specification, result, swings, notes))
    else:
        _print(specification, result, swings)
    for note in notes:
        click.secho(f"Note: {note}", err=True, fg="yellow")
    for path, content in contents.items():
        _write(path, content)


def _read(spec: Path) -> BiasSpecification:
    from analysis.bias.spec import read_bias_specification

    try:
        text = spec.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DataError(
            [Fault(file=str(spec), rule="must be text in UTF-8", way_out="Save it again as UTF-8.")]
        ) from None
    except OSError as error:
        raise AnalysisError(f"{spec} cannot be read: {error.strerror or error}") from None
    return read_bias_specification(text, name=str(spec))


def _swings(specification: BiasSpecification) -> tuple[ParameterSwings | None, list[str]]:
    from analysis.bias.methods.draw_swings import parameter_swings

    try:
        swings = parameter_swings(
            specification.data,
            biases=specification.biases,
            measure=specification.measure,
            level=specification.confidence_level,
        )
    except ValueError as error:
        return None, [f"How far each parameter moves the result is not shown: {error}"]
    return swings, []


def _notes(result: ProbabilisticBiasAnalysis) -> list[str]:
    from analysis.tables.format import format_percent

    share = float(result.share_impossible.item())
    if share < _MANY:
        return []
    told = f"{format_percent(share)} of the draws contradict the data, so that the rest is not what the file"
    return [f"{told} states. Look at the parameters that make them so, or narrow their distributions."]


def _print(
    specification: BiasSpecification, result: ProbabilisticBiasAnalysis, swings: ParameterSwings | None
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for heading in ("Bias", "Parameter", "Distribution", "Source"):
        table.add_column(heading, overflow="fold")
    for number, stated in enumerate(specification.biases, start=1):
        rows = [(name, str(kind)) for name, kind in stated.parameters.items()]
        rows += [
            ("correlation", f"{value:g} of {one} and {other}") for one, other, value in stated.correlations
        ]
        usual = {name: words[0] for name, words in stated.options.items()}
        rows += [(name, word) for name, word in stated.chosen.items() if word != usual[name]]
        for place, (name, stated_as) in enumerate(rows):
            first = place == 0
            # Text, not str: square brackets in a source are no markup.
            table.add_row(
                f"{number}. {stated.kind}" if first else "",
                Text(name),
                Text(stated_as),
                Text(stated.source) if first else "",
                end_section=place == len(rows) - 1,
            )
    console = Console()
    console = console if console.is_terminal else Console(width=120)
    console.print(table)
    click.echo(_result_text(result))
    click.echo(_error_text(result))
    if swings is not None:
        click.echo(f"\n{_swings_heading(swings)}")
        console.print(_swings_table(swings))


def _swings_heading(swings: ParameterSwings) -> str:
    from analysis.tables.format import format_number

    return (
        f"{swings.measure} with every parameter at its median: {format_number(swings.center)}. Each "
        f"parameter over {100 * swings.level:g}% of its distribution, the others at their medians:"
    )


def _swings_table(swings: ParameterSwings) -> Table:
    import math

    from rich.table import Table
    from rich.text import Text

    from analysis.figures.tornado import parameter_ends
    from analysis.tables.format import format_number

    table = Table()
    table.add_column("Parameter")
    for heading in ("from", "to", f"{swings.measure} at lower end", f"{swings.measure} at upper end"):
        table.add_column(heading, justify="right")
    rows = zip(swings.parameters, swings.low, swings.high, swings.at_low, swings.at_high, strict=True)
    for name, low, high, *values in rows:
        reached = ["contradicts" if math.isnan(value) else format_number(value) for value in values]
        table.add_row(Text(name), *parameter_ends(float(low), float(high)), *reached)
    return table


def _result_text(result: ProbabilisticBiasAnalysis) -> str:
    """Return the result; where many draws contradict the data, each interval says of how many it is."""
    from analysis.tables.format import format_percent

    share = float(result.share_impossible.item())
    if share < _MANY:
        return str(result)
    # The first line knows no bias, the last is that of the draws.
    first, *intervals, last = str(result).splitlines()
    possible = f", from the {format_percent(1 - share)} of the draws that the data allow"
    return "\n".join([first, *(f"{line}{possible}" for line in intervals), last])


def _error_text(result: ProbabilisticBiasAnalysis) -> str:
    """Return how far another seed would move the last interval."""
    from analysis.tables.format import format_number

    error = "total" if result.total is not None else "systematic"
    median, low, high = (float(part.item()) for part in result.monte_carlo_error(error))
    return (
        f"Monte-Carlo standard errors: median {format_number(median, 4)}, limits {format_number(low, 4)} and "
        f"{format_number(high, 4)}"
    )


def _as_json(
    specification: BiasSpecification,
    result: ProbabilisticBiasAnalysis,
    swings: ParameterSwings | None,
    notes: list[str],
) -> str:
    import json

    from analysis.cli_audit import as_records

    biases = [
        {
            "kind": stated.kind,
            "parameters": {name: str(kind) for name, kind in stated.parameters.items()},
            "correlations": [list(entry) for entry in stated.correlations],
            "source": stated.source,
        }
        for stated in specification.biases
    ]
    parts = {
        "seed": specification.seed,
        "biases": biases,
        "intervals": as_records(result.to_frame()),
        "share_possible": 1 - float(result.share_impossible.item()),
        "swings": [] if swings is None else as_records(swings.to_frame()),
        "notes": notes,
    }
    return json.dumps(parts, ensure_ascii=False, indent=2, default=str)


def _contents(
    specification: BiasSpecification,
    result: ProbabilisticBiasAnalysis,
    swings: ParameterSwings | None,
    notes: list[str],
    out: Path,
) -> Mapping[Path, bytes]:
    table = result.to_frame().to_csv(index=False, float_format="%.17g", lineterminator="\n").encode()
    if out.suffix == ".csv":
        return {out: table}
    if out.is_file():
        raise click.BadParameter(
            f"{out} is a file; name a folder, or a file that ends in .csv.", param_hint="--out"
        )
    figures, captions = _figures(result, swings, notes)
    text = [
        "# Probabilistic bias analysis",
        *str(specification).splitlines(),
        *_result_text(result).splitlines(),
        _error_text(result),
        *(f"{name}: {caption}" for name, caption in captions.items()),
        *(f"Note: {note}" for note in notes),
    ]
    contents = {"bias.csv": table, "bias.md": ("\n\n".join(text) + "\n").encode()} | figures
    return {out / name: content for name, content in contents.items()}


def _figures(
    result: ProbabilisticBiasAnalysis, swings: ParameterSwings | None, notes: list[str]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the files of the figures, and their captions; what cannot be drawn is noted."""
    from tempfile import TemporaryDirectory

    from analysis.figures.bias_distribution import figure_bias_distribution
    from analysis.figures.export import save_figure
    from analysis.figures.record import record_of
    from analysis.figures.tornado import figure_tornado

    wanted: dict[str, Callable[[], Figure]] = {"bias_distribution": lambda: figure_bias_distribution(result)}
    if swings is not None:
        wanted["bias_tornado"] = lambda: figure_tornado(swings)
    files: dict[str, bytes] = {}
    captions: dict[str, str] = {}
    for name, draw in wanted.items():
        try:
            figure = draw()
        except ValueError as error:
            notes.append(f"{name} is not drawn: {error}")
            continue
        record = record_of(figure)
        captions[name] = "" if record is None else record.caption
        with TemporaryDirectory() as folder:
            files |= {path.name: path.read_bytes() for path in save_figure(figure, name, directory=folder)}
    return files, captions


def _write(path: Path, content: bytes) -> None:
    from analysis.data.provenance import write_atomic

    try:
        write_atomic(path, content)
    except (OSError, ValueError) as error:
        raise AnalysisError(f"{path} cannot be written: {error}") from error
    click.echo(f"Written: {path}", err=True)
