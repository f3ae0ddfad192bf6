"""The command `reanalysis simulate coverage`: which interval of a meta-analysis holds its level where.

Turns arguments into one call and its result into a table and files; computes nothing.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from analysis.meta.interval_coverage import CoverageSimulation

__all__ = ["simulate"]

_FIGURES = (".pdf", ".png", ".svg")
_INTERRUPTED = 130
_TITLE = "Coverage of the intervals of a meta-analysis"


@click.group()
def simulate() -> None:
    """Simulate what methods do where the truth is known.

    \b
    Example:
      reanalysis simulate coverage --draws 1000
    """  # noqa: D301  # click's mark that keeps the lines apart


@simulate.command()
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Meta-analyses of each number of studies and τ².",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=2001, show_default=True, help="Same seed, same numbers."
)
@click.option(
    "--studies",
    type=click.IntRange(min=2),
    multiple=True,
    default=(3, 5, 10, 20),
    show_default=True,
    metavar="K",
    help="Studies of a meta-analysis; may be given several times.",
)
@click.option(
    "--tau2",
    type=click.FloatRange(min=0),
    multiple=True,
    default=(0.0, 0.05, 0.1, 0.25, 0.5, 1.0),
    show_default=True,
    metavar="X",
    help="True between-study variance; may be given several times.",
)
@click.option(
    "--interval",
    "intervals",
    multiple=True,
    metavar="CI/TAU2",
    help="hartung-knapp/REML, prediction/DL, ...; may be given several times. By default all.",
)
@click.option("--level", default=0.95, show_default=True, help="Confidence level, between 0 and 1.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write all numbers at full precision.",
)
@click.option(
    "--figure",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw them; .svg, .pdf or .png.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def coverage(
    *,
    draws: int,
    seed: int,
    studies: tuple[int, ...],
    tau2: tuple[float, ...],
    intervals: tuple[str, ...],
    level: float,
    out: Path | None,
    figure: Path | None,
    quiet: bool,
) -> None:
    """Simulate how often the intervals of a random-effects meta-analysis hold the truth.

    \b
    Examples:
      reanalysis simulate coverage --out coverage.csv --figure coverage.svg
      reanalysis simulate coverage --studies 4 --tau2 0.1 --draws 100000
      reanalysis simulate coverage --interval wald/DL --interval hartung-knapp/DL
    """  # noqa: D301  # click's mark that keeps the lines apart
    if figure is not None and figure.suffix.lower() not in _FIGURES:
        raise click.BadParameter(
            f"the file must end in {', '.join(_FIGURES)}, but is {figure.name!r}.", param_hint="--figure"
        )

    from analysis.meta.interval_coverage import SIMULATED_INTERVALS, simulate_coverage

    try:
        with _progress(quiet=quiet) as progress:
            result = simulate_coverage(
                rng=seed,
                studies=studies,
                tau2=tau2,
                intervals=intervals or _possible(SIMULATED_INTERVALS, studies),
                draws=draws,
                confidence_level=level,
                progress=progress,
            )
        # Before the files: what was computed is not to be lost to a full disk.
        _print(result)
        if out is not None:
            _write(out, result.to_frame().to_csv(index=False, lineterminator="\n"))
        if figure is not None:
            _write(figure, _drawn(result, figure.suffix.lower(), seed))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        click.secho("Interrupted.", err=True, fg="red")
        raise click.exceptions.Exit(_INTERRUPTED) from None


def _possible(intervals: tuple[str, ...], studies: tuple[int, ...]) -> tuple[str, ...]:
    """Return the intervals that exist: none of prediction with two studies."""
    return tuple(name for name in intervals if min(studies) > 2 or not name.startswith("prediction/"))


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


def _write(path: Path, content: str | bytes) -> None:
    from analysis.data.provenance import write_atomic

    try:
        write_atomic(path, content)
    except OSError as error:
        raise click.FileError(str(path), hint=error.strerror or str(error)) from error
    click.echo(f"Written: {path}", err=True)


def _drawn(result: CoverageSimulation, suffix: str, seed: int) -> bytes:
    """Return the figure as the bytes of a file."""
    from tempfile import TemporaryDirectory

    from analysis.figures.coverage import figure_coverage
    from analysis.figures.export import save_figure
    from analysis.tables.format import format_count

    note = (
        f"{format_count(result.draws)} meta-analyses a point, seed {seed}. Grey band: where 95% of "
        "simulations of this size lie for an interval that keeps its level of "
        f"{100 * result.confidence_level:g}%."
    )
    with TemporaryDirectory() as folder:
        paths = save_figure(
            figure_coverage(result, note=note),
            "coverage",
            source=result.to_frame(),
            title=_TITLE,
            caption=note,
            alt=str(result),
            directory=folder,
        )
        return next(path for path in paths if path.suffix == suffix).read_bytes()


def _print(result: CoverageSimulation) -> None:
    """Print the coverage in percent, least and largest over τ²."""
    from rich.console import Console
    from rich.table import Table

    level = f"{100 * result.confidence_level:g}%"
    table = Table()
    table.add_column("Interval/τ²", no_wrap=True)
    for k in result.studies:
        table.add_column(f"{k} studies", justify="right")
    for interval, row in zip(result.intervals, result.coverage, strict=True):
        cells = ([f"{100 * end:.1f}" for end in (part.min(), part.max())] for part in row)
        table.add_row(interval, *(" to ".join(dict.fromkeys(ends)) for ends in cells))
    click.echo(f"Coverage of {level} intervals in percent, least and largest over τ²")
    console = Console()
    # Files and pipes have no width of their own.
    (console if console.is_terminal else Console(width=120)).print(table)
