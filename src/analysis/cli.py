"""The command line: `reanalysis reproduce`, `verify`, `audit`, `table`, `pool`, `bias`, `simulate`.

Turns arguments into calls, results into text and errors into exit codes; computes nothing.
Exit codes: 0 done, 1 the work failed, 2 wrong usage or faulty data, 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from analysis.cli_bias import bias as bias_command
from analysis.cli_pool import pool_command
from analysis.cli_simulate import simulate
from analysis.errors import AnalysisError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from analysis.values.estimate import Estimate

__all__ = ["main"]

HELP = {"help_option_names": ["-h", "--help"]}
INTERRUPTED = 130


class _Commands(click.Group):
    """A group that turns this package's errors into a message and an exit code, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except DataError as error:
            _fail(ctx, str(error), code=2)
        except AnalysisError as error:
            _fail(ctx, str(error), code=1)
        except KeyboardInterrupt:
            _fail(
                ctx,
                "Interrupted. What is finished is kept; the same command goes on from there.",
                INTERRUPTED,
            )


def _fail(ctx: click.Context, message: str, code: int) -> NoReturn:
    click.secho(message if code == INTERRUPTED else f"Error: {message}", err=True, fg="red")
    ctx.exit(code)


@click.group(cls=_Commands, context_settings=HELP)
@click.version_option(package_name="epi-reanalysis", prog_name="reanalysis")
def main() -> None:
    """Recheck published epidemiological numbers.

    \b
    Examples:
      reanalysis reproduce            rebuild everything that is out of date
      reanalysis verify               check the raw tables
      reanalysis audit claims.csv     check the printed numbers of a paper
      reanalysis table 90 4006 114 20030   measures of a 2x2 table
    """  # noqa: D301  # click's mark that keeps the lines apart


@main.command()
@click.option("--force", is_flag=True, help="Build the steps even where nothing has changed.")
@click.option("--quiet", is_flag=True, help="Show errors only.")
@click.option(
    "--only", metavar="NAME", multiple=True, help="Look at this step alone; may be given several times."
)
@click.option(
    "--list", "list_steps", is_flag=True, help="List the steps and why each would be built; build none."
)
def reproduce(*, force: bool, quiet: bool, only: tuple[str, ...], list_steps: bool) -> None:
    """Rebuild what is out of date: raw checks, processed tables, notebooks, figures, report.

    Run it anywhere in a checkout of the project. A step is skipped while its inputs, its outputs and the
    versions it ran on are what build/manifest.json records. A build that was stopped goes on where it was.

    \b
    Examples:
      reanalysis reproduce
      reanalysis reproduce --list
      reanalysis reproduce --only report --force
    """  # noqa: D301  # click's mark that keeps the lines apart
    from analysis.data.provenance import project_root
    from analysis.pipeline.build import build, pending
    from analysis.pipeline.progress import show_progress
    from analysis.pipeline.steps import project_steps

    root = project_root()
    steps = project_steps(root)
    names = [step.name for step in steps]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise click.BadParameter(
            f"no step is called {', '.join(unknown)}. The steps are: {', '.join(names)}.", param_hint="--only"
        )
    if list_steps:
        for step, reason in pending(root, steps):
            if not only or step.name in only:
                click.echo(f"{step.name}: {reason or 'unchanged'}")
        return
    with show_progress(quiet=quiet) as listener:
        outcomes = build(root, steps, force=force, only=only, listener=listener)
    if not quiet:
        built = sum(outcome.reason is not None for outcome in outcomes)
        click.echo(f"{built} built, {len(outcomes) - built} unchanged.")
        report = root / "build" / "report.html"
        if report.is_file():
            click.echo(f"Report: {report}")


@main.command()
def verify() -> None:
    """Check the raw tables against their checksums and their dictionary.

    \b
    Example:
      reanalysis verify
    """  # noqa: D301  # click's mark that keeps the lines apart
    from analysis.data.provenance import project_root
    from analysis.data.verify import verify_raw

    click.echo(str(verify_raw(project_root())))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write DIR/ledger.csv (claims) or DIR/findings.csv.",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PAGE.html",
    help="Write a page that needs no other file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON at full precision instead of a table.")
def audit(*, file: Path, out: Path | None, html_file: Path | None, as_json: bool) -> None:
    """Check printed numbers: a table of claims, or one printed result a row (counts, percentages, ratios).

    Exit code 1 says that something is contradicted.

    \b
    Examples:
      reanalysis audit claims.csv
      reanalysis audit results.csv --html audit.html
      reanalysis audit claims.csv --out results
      reanalysis audit claims.csv --json > ledger.json
    """  # noqa: D301  # click's mark that keeps the lines apart
    from analysis.cli_audit import run_audit

    click.get_current_context().exit(run_audit(file, out=out, html_file=html_file, as_json=as_json))


def _as_json(frame: pd.DataFrame) -> str:
    """Write the rows as JSON at full precision; missing values become null."""
    import json

    from analysis.cli_audit import as_records

    return json.dumps(as_records(frame), ensure_ascii=False, indent=2, default=str)


@main.command()
@click.argument("exposed_cases", type=int)
@click.argument("exposed_total", type=int)
@click.argument("control_cases", type=int)
@click.argument("control_total", type=int)
@click.option("--level", default=0.95, show_default=True, help="Confidence level, between 0 and 1.")
@click.option("--all", "every", is_flag=True, help="Every method, not only the usual ones.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON at full precision instead of a table.")
def table(
    *,
    exposed_cases: int,
    exposed_total: int,
    control_cases: int,
    control_total: int,
    level: float,
    every: bool,
    as_json: bool,
) -> None:
    """Print the measures of one 2x2 table, with their intervals.

    \b
    Cases and total of the exposed, then of the controls:
      reanalysis table 90 4006 114 20030
      reanalysis table 0 20 5 20 --all
      reanalysis table 90 4006 114 20030 --json
    """  # noqa: D301  # click's mark that keeps the lines apart
    import pandas as pd

    from analysis.tables.two_by_two import describe_table
    from analysis.values.counts import TwoByTwo

    try:
        counts = TwoByTwo(
            exposed_cases=exposed_cases,
            exposed_total=exposed_total,
            control_cases=control_cases,
            control_total=control_total,
        )
        estimates = describe_table(counts, confidence_level=level, every=every)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(_as_json(pd.concat([estimate.to_frame() for estimate in estimates], ignore_index=True)))
    else:
        _print_estimates(estimates, level)


def _print_estimates(estimates: Sequence[Estimate], level: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from analysis.tables.format import format_estimate, format_pvalue
    from analysis.values.scale import measure_of

    printed = Table()
    for heading in ("Measure", "Method", f"Estimate ({100 * level:g}% CI)", "P"):
        printed.add_column(heading)
    last = ""
    risks = iter(("Risk, exposed", "Risk, controls"))
    for estimate in estimates:
        label = next(risks) if estimate.measure == "PR" else measure_of(estimate.measure).label
        numbers = (float(array) for array in (estimate.value, estimate.low, estimate.high))
        pvalue = "" if estimate.pvalue is None else format_pvalue(float(estimate.pvalue), prefix="")
        printed.add_row(
            "" if label == last else label,
            estimate.method,
            format_estimate(*numbers, measure=estimate.measure),
            pvalue.removeprefix("= ").strip(),
        )
        last = label
    Console().print(printed)


main.add_command(bias_command)
main.add_command(pool_command)
main.add_command(simulate)
