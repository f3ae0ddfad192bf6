"""The command line: `reanalysis reproduce`, `verify`, `audit`, `table`, `pool`, `simulate`.

Turns arguments into calls, results into text and errors into exit codes; computes nothing.
Exit codes: 0 done, 1 the work failed, 2 wrong usage or faulty data, 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from analysis.cli_pool import pool_command
from analysis.cli_simulate import simulate
from analysis.errors import AnalysisError, DataError, Fault

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
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Write DIR/ledger.csv."
)
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as JSON instead of a table.")
def audit(*, file: Path, out: Path | None, as_json: bool) -> None:
    """Recompute the printed numbers of a table of claims, and say which of them hold.

    \b
    Examples:
      reanalysis audit claims.csv
      reanalysis audit claims.csv --out results
      reanalysis audit claims.csv --json > ledger.json
    """  # noqa: D301  # click's mark that keeps the lines apart
    from analysis.data.datasets import read_user_table
    from analysis.forensics.claims import audit_claims

    claims = read_user_table(file, kind="claims")
    try:
        ledger = audit_claims(claims).to_frame()
    except ValueError as error:
        raise DataError(Fault(file=str(file), rule=line) for line in str(error).splitlines()) from error
    if as_json:
        click.echo(_as_json(ledger))
    else:
        _print_ledger(ledger)
    if out is not None:
        from analysis.data.provenance import write_atomic

        path = out / "ledger.csv"
        write_atomic(path, ledger.to_csv(index=False, lineterminator="\n"))
        click.echo(f"Written: {path}", err=True)


def _as_json(ledger: pd.DataFrame) -> str:
    """Write the rows as JSON at full precision; missing values become null."""
    import json

    rows = [
        {column: _plain_value(value) for column, value in row.items()} for row in ledger.to_dict("records")
    ]
    return json.dumps(rows, ensure_ascii=False, indent=2, default=str)


def _plain_value(value: object) -> object:
    """Return what JSON can hold for one cell of a frame."""
    import numpy as np
    import pandas as pd

    if isinstance(value, (list, tuple)):
        return [_plain_value(item) for item in value]
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return None
    plain = value.item() if isinstance(value, np.generic) else value
    # JSON has no infinity; the word is what other programs read back.
    if isinstance(plain, float) and np.isinf(plain):
        return "Infinity" if plain > 0 else "-Infinity"
    return plain


def _print_ledger(ledger: pd.DataFrame) -> None:
    """Print one row a claim, with what can be said about it below the claim."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True, expand=True)
    table.add_column("Verdict", width=12)
    table.add_column("Claim", ratio=3)
    table.add_column("Printed", width=11)
    table.add_column("Recomputed", width=12, overflow="fold")
    table.add_column("Flags", ratio=2)
    for row in ledger.to_dict("records"):
        cells = {str(column): _as_text(value) for column, value in row.items()}
        words = cells.get("worded") or cells.get("claim", "")
        claim = Text(": ".join(part for part in (cells.get("claim_id", ""), words) if part))
        claim.append(f"\n{cells.get('sentence', '')}", style="dim")
        # Text, not str: square brackets in a claim are no markup.
        table.add_row(
            Text(cells.get("verdict", ""), style="bold"),
            claim,
            *(Text(cells.get(column, "")) for column in ("printed", "recomputed")),
            Text(cells.get("flags", "").replace("; ", "\n")),
        )
    console = Console()
    # Files and pipes have no width of their own, and 80 columns would cut flags into syllables.
    console.print(table, width=None if console.is_terminal else 120)


def _as_text(value: object) -> str:
    value = _plain_value(value)
    if value is None:
        return ""
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


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


main.add_command(pool_command)
main.add_command(simulate)
